"""The target: which vectors and vector functions it has, and how text becomes machine code.

All of it is asked of the processor at the first use, and is one `Target`: what LLVM is told, how many lanes a kernel
has, how many registers its tiles fill, which functions of the C library it calls. The environment variable
AUTOGRAD_MINI_CPU takes features away: it names one of `FEATURE_SETS`, and is read once in a process.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import NamedTuple

from autograd_mini.engine.forking import awaited_lock, holding
from autograd_mini.extras import extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

VARIABLE = "AUTOGRAD_MINI_CPU"
"""The environment variable that names a feature set."""

_VECTOR_LIBRARY = "libmvec.so.1"

_compiling = awaited_lock()


class FeatureSet(NamedTuple):
    """What processors of one kind have.

    Attributes:
        name: its name, as AUTOGRAD_MINI_CPU gives it.
        needs: the features that a processor must have, as LLVM names them.
        without: the features that LLVM must not use where the set is asked for; what is built on them goes too.
        lanes: how many float64 the widest vector holds.
        registers: how many such vectors the registers hold.
        functions: for each number of lanes what the names of glibc's vector functions begin with (the vector function
            ABI of x86-64), the widest first.

    """

    name: str
    needs: frozenset[str]
    without: tuple[str, ...]
    lanes: int
    registers: int
    functions: Mapping[int, str]


_SSE = {2: "_ZGVbN2"}
_AVX, _AVX2 = {4: "_ZGVcN4"} | _SSE, {4: "_ZGVdN4"} | _SSE
_AVX512 = {8: "_ZGVeN8"} | _AVX2

FEATURE_SETS = {
    features.name: features
    for features in (
        FeatureSet("avx512", frozenset({"avx2", "avx512f"}), (), 8, 32, _AVX512),
        FeatureSet("avx2+fma", frozenset({"avx2", "fma"}), ("avx512f",), 4, 16, _AVX2),
        FeatureSet("avx2", frozenset({"avx2"}), ("avx512f", "fma"), 4, 16, _AVX2),
        FeatureSet("avx", frozenset({"avx"}), ("avx2", "fma"), 4, 16, _AVX),
        FeatureSet("sse2", frozenset({"sse2"}), ("sse3",), 2, 16, _SSE),
        FeatureSet("neon", frozenset({"neon"}), (), 2, 32, {}),
        FeatureSet("none", frozenset(), ("sse3", "neon"), 2, 16, {}),
    )
}
"""The feature sets by name, the best first; "none" is plain numbers in pairs, and every function one by one."""

_ALWAYS = {"x86_64": {"sse2"}, "aarch64": {"neon"}, "arm64": {"neon"}}
"""What every processor of an architecture has."""


class Target(NamedTuple):
    """What machine code is made for.

    Attributes:
        features: the feature set.
        cpu: the processor, as LLVM names it.
        attributes: what it can do and what it cannot, as LLVM is told.

    """

    features: FeatureSet
    cpu: str
    attributes: str


def chosen(host: Mapping[str, bool], cpu: str, architecture: str, wanted: str) -> Target:
    """Return the target for a processor, given what it can do and what it cannot, and the name of a feature set or "".

    Raises:
        ValueError: if there is no such feature set, or the processor lacks what it needs.

    >>> haswell = {"sse2": True, "sse3": True, "avx": True, "avx2": True, "fma": True, "avx512f": False}
    >>> chosen(haswell, "haswell", "x86_64", "").features.lanes
    4
    >>> chosen(haswell, "haswell", "x86_64", "sse2").attributes
    '+sse2,+sse3,+avx,+avx2,+fma,-avx512f,-sse3'
    >>> chosen(haswell, "haswell", "x86_64", "avx512")
    Traceback (most recent call last):
    ...
    ValueError: AUTOGRAD_MINI_CPU is 'avx512', which needs avx512f, which this processor (haswell) lacks: set it to one
    of avx2+fma, avx2, avx, sse2, none, or leave it unset

    """
    has = {name for name, found in host.items() if found} | _ALWAYS.get(architecture, set())
    possible = [features for features in FEATURE_SETS.values() if features.needs <= has]
    attributes = [f"{'+' if found else '-'}{name}" for name, found in host.items()]
    if not wanted:
        return Target(possible[0], cpu, ",".join(attributes))
    if wanted not in FEATURE_SETS:
        raise ValueError(f"{VARIABLE} is {wanted!r}, which is no feature set: set it to one of {_names(possible)}")
    features = FEATURE_SETS[wanted]
    if features not in possible:
        raise ValueError(
            f"{VARIABLE} is {wanted!r}, which needs {' and '.join(sorted(features.needs - has))}, which this "
            f"processor ({cpu}) lacks: set it to one of {_names(possible)}, or leave it unset"
        )
    # The last word holds: LLVM takes away what is built on these features too.
    attributes += [f"-{name}" for name in features.without if name in host]
    return Target(features, cpu, ",".join(attributes))


def _names(features: list[FeatureSet]) -> str:
    return ", ".join([found.name for found in features])


@cache
def target() -> Target:
    """Return what machine code is made for in this process.

    Raises:
        ValueError: if AUTOGRAD_MINI_CPU asks for what the processor lacks.

    """
    binding = llvmlite()
    try:
        host = binding.get_host_cpu_features()
    except RuntimeError:  # LLVM cannot tell on this system
        host = {}
    architecture = binding.get_process_triple().partition("-")[0]
    return chosen(host, binding.get_host_cpu_name(), architecture, os.environ.get(VARIABLE, ""))


@cache
@holding(_compiling)  # of threads that come here first, one imports it, and the others wait
def llvmlite() -> Any:
    """Return llvmlite.binding, ready for this machine.

    Raises:
        ModuleNotFoundError: if it is not installed.

    """
    return _initialized()


@cache
def _initialized() -> Any:
    binding = extra("llvmlite.binding", "machine code, of backend='llvm' or 'vm',", "use backend='numpy' or 'python'")
    awaited_lock(binding.ffi.lib._lock)  # under which every call of LLVM runs
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding


def lanes() -> int:
    """Return how many samples a kernel computes at once."""
    return target().features.lanes


def vectors(width: int) -> int:
    """Return how many vectors of `width` lanes the registers hold."""
    features = target().features
    return features.registers * features.lanes // max(width, features.lanes)


@cache
def vector_function(name: str, operands: int, width: int) -> tuple[str, int] | None:
    """Return the C library's vector version of a function, for `width` lanes or as many fewer as the processor has.

    Returns:
        its symbol and its lanes; None if there is none.

    """
    functions = target().features.functions
    widths = [lanes for lanes in functions if lanes <= width]
    if not widths:
        return None
    try:
        library = ctypes.CDLL(_VECTOR_LIBRARY)
    except OSError:
        return None
    for lanes_taken in widths:
        symbol = f"{functions[lanes_taken]}{'v' * operands}_{name}"
        if hasattr(library, symbol):
            llvmlite().load_library_permanently(_VECTOR_LIBRARY)
            return symbol, lanes_taken
    return None


class Code:
    """Machine code in memory: what LLVM makes of a module in its language, or an object file that it made of one.

    Args:
        text: the module.
        level: how hard LLVM tries, 0 to 3.
        made: the object file, in place of the module.

    """

    @holding(_compiling)
    def __init__(self, text: str, level: int = 2, made: bytes | None = None) -> None:
        binding = llvmlite()
        module = binding.parse_assembly(text if made is None else "")
        self._engine = binding.create_mcjit_compiler(module, _machine(level))
        if made is not None:
            self._engine.add_object_file(binding.ObjectFileRef.from_data(made))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Return where a function begins."""
        found: int = self._engine.get_function_address(name)
        return found


@holding(_compiling)
def object_file(text: str, level: int) -> bytes:
    """Return what LLVM makes of a module as an object file."""
    made: bytes = _machine(level).emit_object(llvmlite().parse_assembly(text))
    return made


def _machine(level: int) -> Any:
    """Return LLVM's own target, for code that tries as hard as a level."""
    made_for = target()
    return (
        llvmlite()
        .Target.from_default_triple()
        .create_target_machine(cpu=made_for.cpu, features=made_for.attributes, opt=level, jit=True)
    )
