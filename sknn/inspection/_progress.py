"""Print what takes time, and how long it took."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class Progress:
    """Prints one line per step, or nothing."""

    def __init__(self, verbose: bool) -> None:
        self.verbose = verbose

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Print `what` at the start of the block, and its time at the end.

        Blocks must not be nested.
        """
        if not self.verbose:
            yield
            return
        print(f"[doctor] {what} ...", end=" ", flush=True)
        start = perf_counter()
        try:
            yield
        finally:
            print(f"{perf_counter() - start:.1f} s", flush=True)
