"""A network as a list of calls of C functions, on arrays and on memory between them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from ..._typing import Array
from ...activations import ActivationFunction
from ...exceptions import ExportError
from .activations import name_of


@dataclass(eq=False)
class Memory:
    """Numbers that are computed: the input, the output, or a part of the buffer.

    Attributes
    ----------
    size : int
        Number of elements.
    name : str
        The pointer that it starts from.
    start : int
        Its place from there.
    pins : int
        How often it is still needed as it is, so that nothing may overwrite it.
    """

    size: int
    name: str = "buffer"
    start: int = 0
    pins: int = 0


@dataclass(frozen=True)
class At:
    """A place in computed numbers, or in an array of constants."""

    base: Memory | str
    offset: int


@dataclass(frozen=True)
class Function:
    """An activation function, as an argument."""

    name: str


Argument: TypeAlias = Memory | At | Function | str | int | float


@dataclass(frozen=True)
class Call:
    """A call of a function of `functions.py`."""

    function: str
    arguments: tuple[Argument, ...]

    @property
    def memory(self) -> Iterator[Memory]:
        """The memory that it reads or writes."""
        for argument in self.arguments:
            found = argument.base if isinstance(argument, At) else argument
            if isinstance(found, Memory):
                yield found


@dataclass(eq=False)
class Program:
    """Calls, in order, with the arrays of constants and the functions that they need.

    Attributes
    ----------
    calls : list of Call
    arrays : dict of ndarray
        The constants by name: floats or integers.
    activations : dict of ActivationFunction to str
        The names of the activation functions.
    """

    calls: list[Call] = field(default_factory=list)
    arrays: dict[str, Array] = field(default_factory=dict)
    activations: dict[ActivationFunction, str] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)

    def do(self, function: str, *arguments: Argument) -> None:
        """Append a call."""
        self.calls.append(Call(function, arguments))

    def number(self, kind: str) -> str:
        """Return a new name of this kind, such as ``dense2``."""
        self._counts[kind] += 1
        return f"{kind}{self._counts[kind]}"

    def constants(self, name: str, array: Array) -> str:
        """Add an array of finite constants, unless it is empty; return its name."""
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ExportError(f"The array {name!r} has values that are not finite.")
        if array.size:
            self.arrays[name] = array
        return name

    def activation(self, function: ActivationFunction) -> Function:
        """Return an activation function as an argument."""
        if function not in self.activations:
            kind = name_of(function)
            taken = {*self.activations.values()}
            names = (kind, *(f"{kind}{i}" for i in range(2, len(taken) + 3)))
            self.activations[function] = next(n for n in names if n not in taken)
        return Function(self.activations[function])

    def memory(self, size: int) -> Memory:
        """Return new memory."""
        return Memory(size)

    def over(self, x: Memory) -> Memory:
        """Return memory for the result of an elementwise function of `x`.

        It is `x` itself if nothing else needs it.
        """
        return Memory(x.size) if x.pins else x

    @contextmanager
    def kept(self, x: Memory) -> Iterator[None]:
        """Keep numbers as they are within a block."""
        x.pins += 1
        yield
        x.pins -= 1

    def place(self) -> int:
        """Give all memory its place in the buffer; return the size of the buffer.

        Memory is free before the first and after the last call that uses it.
        """
        uses: dict[Memory, list[int]] = {}
        for i, call in enumerate(self.calls):
            for memory in call.memory:
                uses.setdefault(memory, []).append(i)
        placed: list[Memory] = []
        for memory in uses:
            if memory.name != "buffer":
                continue
            first, last = uses[memory][0], uses[memory][-1]
            others = [o for o in placed if uses[o][0] <= last and first <= uses[o][-1]]
            memory.start = first_gap(others, memory.size)
            placed.append(memory)
        return max((memory.start + memory.size for memory in placed), default=0)


def first_gap(others: list[Memory], size: int) -> int:
    """Return the first place where `size` elements do not overlap with others."""
    start = 0
    for other in sorted(others, key=lambda other: other.start):
        if start + size <= other.start:
            break
        start = max(start, other.start + other.size)
    return start


def size_of(shape: tuple[int, ...]) -> int:
    """Return the number of elements of a row."""
    return math.prod(shape)
