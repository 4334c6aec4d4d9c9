"""The machine: how wide its vectors are, which vector functions its C library has, and how text becomes machine code.

Nothing is assumed: width and functions are asked of the host at the first use.
"""

from __future__ import annotations

import ctypes
from functools import cache
from importlib import import_module

from autograd_mini.engine.forking import await_lock, awaited_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_VECTOR_LIBRARY = "libmvec.so.1"
_PREFIXES = {8: "_ZGVeN8", 4: "_ZGVdN4", 2: "_ZGVbN2"}
"""How glibc's vector functions for so many lanes begin (the vector function ABI of x86-64)."""

_compiling = awaited_lock()


@cache
def llvmlite() -> Any:
    """Return llvmlite.binding, ready for this machine.

    Raises:
        ModuleNotFoundError: if it is not installed.

    """
    try:
        binding = import_module("llvmlite.binding")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "backend='llvm' needs llvmlite, which is not installed: install the extra with "
            "pip install 'autograd_mini[jit]', or use backend='numpy' or 'python'"
        ) from error
    await_lock(binding.ffi.lib._lock)  # under which every call of LLVM runs
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding


@cache
def features() -> frozenset[str]:
    """Return what the processor can do, as LLVM names it."""
    return frozenset(name for name, has in llvmlite().get_host_cpu_features().items() if has)


@cache
def lanes() -> int:
    """Return how many float64 the widest vector of the processor holds."""
    found = features()
    return 8 if "avx512f" in found else 4 if "avx2" in found or "avx" in found else 2


@cache
def fused() -> bool:
    """Return whether the processor multiplies and adds in one step."""
    return "fma" in features() or "neon" in features()


@cache
def vector_function(name: str, operands: int, width: int) -> str | None:
    """Return the symbol of the C library's vector version of a function; None if there is none for this width."""
    if width not in _PREFIXES or not ({"avx2", "avx512f"} & features() or width == 2):
        return None
    try:
        library = ctypes.CDLL(_VECTOR_LIBRARY)
    except OSError:
        return None
    symbol = f"{_PREFIXES[width]}{'v' * operands}_{name}"
    if not hasattr(library, symbol):
        return None
    llvmlite().load_library_permanently(_VECTOR_LIBRARY)
    return symbol


class Code:
    """Machine code: keeps in memory what LLVM made of a text.

    Args:
        text: a module in LLVM's language.
        level: how hard LLVM tries, from 0 to 3.

    Attributes:
        text: the module.

    """

    def __init__(self, text: str, level: int = 2) -> None:
        binding = llvmlite()
        self.text = text
        with _compiling:
            module = binding.parse_assembly(text)
            machine = binding.Target.from_default_triple().create_target_machine(
                cpu=binding.get_host_cpu_name(),
                features=binding.get_host_cpu_features().flatten(),
                opt=level,
                jit=True,
            )
            self._engine = binding.create_mcjit_compiler(module, machine)
            self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Return where a function begins."""
        found: int = self._engine.get_function_address(name)
        return found
