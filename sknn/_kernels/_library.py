"""The compiled module, if it is there: calls of its kernels, and programs of calls.

Environment variables, read when the module is imported: ``SKNN_KERNELS=0`` switches
the kernels off, ``SKNN_SIMD`` (``baseline``, ``avx2`` or ``avx512``) is the highest
SIMD level that they may use. In a checkout, a module that was compiled from other
sources is not used.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

from ._common import fingerprint, is_on, read_variable

BINDING = "sknn._kernels._binding"
LEVELS = ("baseline", "avx2", "avx512")

Call = Callable[[], None]
"""A kernel bound to its arguments."""


class _PythonProgram:
    """Operations that run one after the other, each a call or a list of calls."""

    def __init__(self, items: Sequence[Call | Sequence[Call]]):
        self._calls = [
            call for item in items for call in ([item] if callable(item) else item)
        ]

    def __call__(self) -> None:
        for call in self._calls:
            call()


def _make_no_call(name: str, args: tuple[Any, ...]) -> Call | None:
    """Return None: there are no kernels."""
    return None


def _keep_one_thread(n: int) -> int:
    """Return the number of threads, which stays 1: there are no kernels."""
    return 1


def _load() -> tuple[ModuleType | None, str]:
    """Return the compiled module, or None and the reason why there is none."""
    if not is_on("SKNN_KERNELS", default="1"):
        return None, "switched off by SKNN_KERNELS=0"
    try:
        binding = import_module(BINDING)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == BINDING:
            return None, "not compiled (install a C compiler and reinstall sknn)"
        return None, f"not loadable: {error}"
    current = fingerprint()
    if current not in (None, getattr(binding, "fingerprint", None)):
        reason = "out of date: run python sknn/_kernels/_build.py"
        warnings.warn(
            f"The compiled kernels of sknn are not used, they are {reason}",
            RuntimeWarning,
            stacklevel=2,
        )
        return None, reason
    return binding, ""


def _find_gemm() -> tuple[Any, Any] | None:
    """Return SciPy's dgemm and sgemm as capsules, None if they are not as expected."""
    from scipy.linalg import cython_blas

    capsules = cython_blas.__pyx_capi__["dgemm"], cython_blas.__pyx_capi__["sgemm"]
    # The name of a capsule is the signature: void (char *, char *, int *, int *, ...
    # A BLAS with integers of 64 bits has another one.
    as_expected = r'"void \((char \*, ){2}(int \*, ){3}\w+ \*, '
    if all(re.search(as_expected, repr(capsule)) for capsule in capsules):
        return capsules
    return None


_highest = read_variable("SKNN_SIMD", LEVELS, default=LEVELS[-1])
_binding, _reason = _load()
_level: int = -1
"""Index of the SIMD level of new calls; -1 if there are no kernels."""

make_call: Callable[[str, tuple[Any, ...]], Call | None] = _make_no_call
"""Bind a kernel to its arguments; None if it cannot compute with them."""

Program: Callable[[Sequence[Call | Sequence[Call]]], Call] = _PythonProgram
"""Calls that run one after the other; those of a list inside run on several threads."""

set_threads: Callable[[int], int] = _keep_one_thread
"""Set how many threads programs use when this Python thread calls them.

Returns the previous number.
"""

threads: Callable[[], int] = partial(_keep_one_thread, 1)
"""Return the number of threads of programs that this Python thread calls."""


def _set_level(level: int) -> None:
    """Choose the SIMD level of new calls by its index; -1 switches the kernels off."""
    global _level
    if _binding is not None:
        _binding.set_level(level)
        _level = level


if _binding is not None:
    _allowed = LEVELS.index(_highest)
    _set_level(min(_allowed, _binding.highest_level))
    if _gemm := _find_gemm():
        _binding.set_gemm(*_gemm)
    make_call = _binding.make_call
    Program = _binding.Program
    set_threads = _binding.set_threads
    threads = _binding.threads


@contextmanager
def use(level: str | None) -> Iterator[None]:
    """Make calls of one SIMD level, or none for None, inside a ``with`` statement."""
    previous = _level
    if level is None:
        _set_level(-1)
    elif _binding is None:
        raise RuntimeError(f"there are no kernels: {_reason}")
    else:
        _set_level(_binding.levels.index(level))
    try:
        yield
    finally:
        _set_level(previous)


def in_use() -> bool:
    """Return whether there are kernels, and they are not switched off."""
    return _level >= 0


def usable_levels() -> tuple[str, ...]:
    """Return the SIMD levels that were built and that this machine supports."""
    if _binding is None:
        return ()
    levels: tuple[str, ...] = _binding.levels[: _binding.highest_level + 1]
    return levels


def describe() -> dict[str, Any]:
    """Describe the kernels: whether they are compiled, which SIMD level they use."""
    if _binding is None:
        return {"compiled": False, "reason": _reason}
    return {
        "compiled": True,
        "levels": _binding.levels,
        "level": None if _level < 0 else _binding.levels[_level],
        "threads": threads(),
        "matmul": "matmul" in _binding.kernels(),
        "compiler": _binding.compiler,
    }
