"""The processor that figures come from, as every benchmark that times something says it first."""

from __future__ import annotations

import os
import platform
from importlib.util import find_spec
from pathlib import Path


def model():
    """Return the name of the processor."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8", errors="replace").splitlines() if listed.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(names), platform.processor() or platform.machine())


def described(*, compiled=False):
    """Return the processor and the Python, and, where code is compiled, the feature set that it is made for."""
    parts = [model(), f"{os.cpu_count()} cores"]
    if compiled and find_spec("llvmlite"):
        from autograd_mini.compiler.llvm.target import VARIABLE, target

        made_for = target()
        asked = f", asked for by {VARIABLE}" if os.environ.get(VARIABLE) else ""
        parts.append(f"{made_for.features.name} of {made_for.cpu}{asked}")
    return ", ".join([*parts, f"{platform.python_implementation()} {platform.python_version()}"])
