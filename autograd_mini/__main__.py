"""The command line, as `python -m autograd_mini`."""

from __future__ import annotations

import sys

from autograd_mini.cli import main

if __name__ == "__main__":
    sys.exit(main())
