"""Measurements in which the contenders take turns, and what they run in."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from time import sleep
from typing import ClassVar, NamedTuple

import numpy as np

# -- what is measured -----------------------------------------------------------------


class Sample(NamedTuple):
    """One measurement: its time and its outcome, such as a loss."""

    seconds: float
    outcome: float | None = None


@dataclass(frozen=True)
class Faster:
    """sknn should be at least `factor` times as fast."""

    factor: float | None = None
    unit: ClassVar[str] = "× as fast"

    def compare(self, sknn, peer):
        return peer / sknn

    def is_met(self, value):
        return value >= self.factor

    def __str__(self):
        return "" if self.factor is None else f"≥ {self.factor:g} ×"


@dataclass(frozen=True)
class Within(Faster):
    """sknn should take at most `factor` times as long."""

    unit: ClassVar[str] = "× the time"

    def compare(self, sknn, peer):
        return sknn / peer

    def is_met(self, value):
        return value <= self.factor

    def __str__(self):
        return "" if self.factor is None else f"≤ {self.factor:g} × the time"


@dataclass(frozen=True)
class Plus(Within):
    """sknn should take at most `factor` milliseconds longer."""

    unit: ClassVar[str] = "ms longer"

    def compare(self, sknn, peer):
        return 1e3 * (sknn - peer)

    def __str__(self):
        return f"≤ {self.factor:g} ms more"


@dataclass(frozen=True)
class Work:
    """Something that sknn and its peers do, and how they should compare.

    `sample` takes the name of a contender, and a number by which to divide the amount
    of work; 1 is the full amount. Outcomes must agree to within `agree`, so that no
    contender wins by doing less.
    """

    name: str
    sample: Callable[[str, int], Sample]
    reach: dict[str, Faster]
    agree: float = 0.1
    busy: int = 0


@dataclass(frozen=True)
class Result:
    """Seconds by contender, as arrays over the rounds."""

    work: Work
    seconds: dict[str, np.ndarray] = field(repr=False)

    def ms(self, contender):
        return 1e3 * np.median(self.seconds[contender])

    def quartiles(self, peer):
        """Return first quartile, median and third quartile over the rounds."""
        compare = self.work.reach[peer].compare
        values = compare(self.seconds["sknn"], self.seconds[peer])
        return np.percentile(values, [25, 50, 75])

    def ratio(self, peer):
        """Return quartiles of the time of the peer, divided by that of sknn."""
        return np.percentile(self.seconds[peer] / self.seconds["sknn"], [25, 50, 75])


def measure(work, peers, n_rounds, scale=1):
    """Let sknn and these peers take turns, after a round to warm up."""
    contenders = ["sknn", *peers]
    seconds = {name: [] for name in contenders}
    outcomes = {}
    with busy(work.busy):
        for round in range(n_rounds + 1):
            # Every second round runs backwards: no contender always follows another.
            for name in contenders[:: -1 if round % 2 else 1]:
                sleep(0.05)  # until the threads of the last contender's BLAS rest
                sample = work.sample(name, scale)
                if sample.outcome is not None:
                    outcomes[name] = sample.outcome
                if round > 0:
                    seconds[name].append(sample.seconds)
    check_agreement(work, outcomes)
    return Result(work, {name: np.array(x) for name, x in seconds.items()})


def check_agreement(work, outcomes):
    for name, outcome in outcomes.items():
        assert np.isclose(outcome, outcomes["sknn"], rtol=work.agree, atol=0.02), (
            f"{work.name}: the outcome differs between sknn and {name}: {outcomes}"
        )


def three_digits(x):
    """Return a number with three digits, or with all before the decimal point."""
    return f"{x:.3g}" if x < 1000 else f"{x:,.0f}"


# -- processes ------------------------------------------------------------------------


@contextmanager
def busy(n: int) -> Iterator[None]:
    """Keep `n` cores busy with other processes."""
    spin = f"import os\nwhile os.getppid() == {os.getpid()}: pass"
    processes = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(n)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def in_process(function, *args, **environment):
    """Call a function in another process, with these environment variables.

    None removes a variable. The process is kept for later calls.
    """
    return _process(**environment).submit(function, *args).result()


@cache
def _process(**environment):
    before = dict(os.environ)
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    try:
        process = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        process.submit(int).result()  # starts it
    finally:
        os.environ.clear()
        os.environ.update(before)
    return process
