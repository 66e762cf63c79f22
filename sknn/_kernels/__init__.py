"""Compiled kernels: loops that NumPy cannot fuse, and calls bound to their arrays.

Each kernel has a twin: a NumPy function with the same name and arguments, marked by
`has_kernel`, which stands where the mathematics does. The twin is the specification. It
also runs wherever the kernel cannot: without a compiler, with kernels switched off, or
on arrays that the kernel does not take.

`Calls` records operations and their arrays once, so that running them again takes no
decisions: ``calls.do(matmul, x, W, y)`` records a product, whichever code computes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, TypeAlias, TypeVar

from ._library import Program, describe, in_use, make_call, set_threads, threads

__all__ = [
    "GRAIN",
    "TWINS",
    "Calls",
    "describe",
    "has_kernel",
    "in_use",
    "run",
    "set_threads",
    "threads",
]

Args: TypeAlias = tuple[Any, ...]
F = TypeVar("F", bound=Callable[..., None])

TWINS: dict[str, Callable[..., None]] = {}
"""The NumPy twins by name."""

GRAIN = 2**15
"""Number of elements of an elementwise operation for which a second thread pays."""


@dataclass(frozen=True)
class Kernel:
    """How to call the kernel of a twin.

    Attributes
    ----------
    translate : callable
        Returns the name of the kernel and its arguments for those of the twin; None if
        there is no kernel for them.
    split : callable or None
        Returns the arguments of independent blocks, at most the given number.
    """

    translate: Callable[..., tuple[str, Args] | None]
    split: Callable[[Args, int], list[Args]] | None


def has_kernel(
    translate: Callable[..., tuple[str, Args] | None] | None = None,
    split: Callable[[Args, int], list[Args]] | None = None,
) -> Callable[[F], F]:
    """Mark a NumPy function as the twin of a kernel, by default that of its name."""

    def mark(twin: F) -> F:
        name = twin.__name__
        kernel = Kernel(translate or (lambda *args: (name, args)), split)
        twin.kernel = kernel  # type: ignore[attr-defined]
        TWINS[name] = twin
        return twin

    return mark


def bind(f: Callable[..., None], *args: Any, cut: bool = True) -> Any:
    """Return ``f(*args)`` as a call without arguments: its kernel or `f` itself.

    A list of calls are the blocks of one operation, which it is cut into if `cut`.
    """
    kernel: Kernel | None = getattr(f, "kernel", None)
    if kernel is not None:
        blocks = _bind_kernel(kernel, args, cut)
        if blocks is not None:
            return blocks
    return partial(f, *args)


def _bind_kernel(kernel: Kernel, args: Args, cut: bool) -> Any:
    found = kernel.translate(*args)
    if found is None:
        return None
    name, args = found
    call = make_call(name, args)
    if call is None or kernel.split is None or threads() == 1 or not cut:
        return call
    blocks = kernel.split(args, threads())
    if len(blocks) < 2:
        return call
    calls = [make_call(name, block) for block in blocks]
    return None if None in calls else calls


def run(f: Callable[..., None], *args: Any) -> None:
    """Call ``f(*args)`` once, by its kernel if it has one for them."""
    calls = Calls()
    calls.do(f, *args)
    calls()


class Calls:
    """A list of operations, each bound to its arrays, to be run any number of times."""

    def __init__(self) -> None:
        self._calls: list[Any] = []
        self._program: list[Callable[[], None]] | None = None

    def do(self, f: Callable[..., None], *args: Any) -> None:
        """Append ``f(*args)``."""
        self._calls.append(bind(f, *args))
        self._program = None

    def do_each(self, f: Callable[..., None], blocks: Sequence[Args]) -> None:
        """Append ``f(*args)`` for each of `blocks`, which are independent.

        They are shared out among the threads, and cut where they do not go round.
        """
        uneven = len(blocks) % threads() != 0
        calls = [bind(f, *args, cut=uneven) for args in blocks]
        if any(isinstance(call, partial) for call in calls):
            self._calls += calls
        elif calls:
            in_lists = (call if isinstance(call, list) else [call] for call in calls)
            self._calls.append([*chain.from_iterable(in_lists)])
        self._program = None

    def extend(self, others: Calls) -> None:
        """Append the operations of `others`."""
        self._calls += others._calls
        self._program = None

    def __call__(self) -> None:
        """Run all operations in order."""
        if self._program is None:
            self._program = _joined(self._calls)
        for run in self._program:
            run()


def _joined(calls: Sequence[Any]) -> list[Callable[[], None]]:
    """Join neighboring kernels, so that no Python runs between them."""
    program: list[Any] = []
    for call in calls:
        compiled = not isinstance(call, partial)
        if compiled and program and isinstance(program[-1], list):
            program[-1].append(call)
        else:
            program.append([call] if compiled else call)
    return [Program(run) if isinstance(run, list) else run for run in program]


# -- how to cut an operation into blocks ----------------------------------------------


def by_axis(axes: dict[int, int], grain: int) -> Callable[[Args, int], list[Args]]:
    """Return a function that cuts arrays into equal parts along an axis of each.

    `axes` maps the positions of the arguments to the axis; a block has at least
    `grain` elements of the first of them.
    """
    first, first_axis = next(iter(axes.items()))

    def split(args: Args, parts: int) -> list[Args]:
        array = args[first]
        length = array.shape[first_axis]
        parts = min(parts, array.size // grain, length)
        if parts < 2:
            return [args]
        blocks = []
        for i in range(parts):
            at = slice(i * length // parts, (i + 1) * length // parts)
            block = list(args)
            for position, axis in axes.items():
                if args[position] is not None:
                    block[position] = args[position][(slice(None),) * axis + (at,)]
            blocks.append(tuple(block))
        return blocks

    return split
