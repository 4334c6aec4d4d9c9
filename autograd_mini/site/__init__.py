"""The site: static pages about the package, and a playground that runs it in the reader's browser."""

from __future__ import annotations

from autograd_mini.site.build import build

__all__ = ["build"]
