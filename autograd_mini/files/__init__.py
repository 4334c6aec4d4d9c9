"""Model files: networks written to disk and read back, bit for bit, and trusted with nothing."""

from autograd_mini.files.models import HEAD, LARGEST, PER_PARAMETER, SMALL, load, save

__all__ = ["HEAD", "LARGEST", "PER_PARAMETER", "SMALL", "load", "save"]
