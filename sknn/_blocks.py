"""Long vectors in blocks that stay in the processor's cache from pass to pass."""

from __future__ import annotations

from collections.abc import Iterator

BLOCK = 65_536
"""Elements of a block. Shorter ones cost more in calls, longer ones in memory traffic:
measured with the largest network of examples/benchmarks/bench_mlp.py."""


def blocks(n: int) -> Iterator[slice]:
    """Yield slices that cover ``range(n)``."""
    for start in range(0, n, BLOCK):
        yield slice(start, min(start + BLOCK, n))
