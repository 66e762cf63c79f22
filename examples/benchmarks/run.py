"""Measure sknn against scikit-learn, PyTorch and the bare matrix products.

The contenders take turns, round after round, so that a change in the machine's speed
affects all of them. Each ratio is the median of those within the rounds, with the first
and the third quartile. Run it on an otherwise idle machine::

    python examples/benchmarks/run.py                       # all, in half an hour
    python examples/benchmarks/run.py --only "MLP tiny" predict
    python examples/benchmarks/run.py --busy                # and beside busy processes
    python examples/benchmarks/run.py --quick               # does everything run?

It prints each comparison, with its goal, and writes tables and, if Matplotlib is
installed, pictures into a folder. PyTorch is optional. What is measured is listed in
`_works.py`; ``--out docs/performance/intel`` updates the documentation of a machine.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

from _networks import HAS_TORCH
from _report import (
    cells,
    draw_curves,
    draw_ratios,
    goal,
    machine,
    restructured_text,
)
from _timing import measure
from _works import BUSY_WORKS, CURVES, WORKS, curve_work


def installed(work):
    """Return the peers of a work that are installed."""
    return [peer for peer in work.reach if peer != "torch" or HAS_TORCH]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="parts of names")
    parser.add_argument("--list", action="store_true", help="print the names and exit")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="little work, one round")
    parser.add_argument(
        "--busy", action="store_true", help="threads beside busy processes, too"
    )
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks"))
    args = parser.parse_args()
    n_rounds, scale = (1, 10) if args.quick else (args.rounds, 1)

    works = WORKS + BUSY_WORKS * args.busy
    curves = {
        name: {value: curve_work(name, value) for value in values}
        for name, values in CURVES.items()
    }
    every = [*works, *(work for points in curves.values() for work in points.values())]
    chosen = [
        work
        for work in every
        if args.only is None or any(part in work.name for part in args.only)
    ]
    if args.list or not chosen:
        print(*(work.name for work in every), sep="\n")
        sys.exit(0 if args.list else "No work has such a name; these are all.")

    load = (
        f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    )
    start = perf_counter()
    results = {}
    if not HAS_TORCH:
        print("PyTorch is not installed: comparisons with it are left out.")
    for work in chosen:
        if peers := installed(work):
            results[work.name] = result = measure(work, peers, n_rounds, scale)
            for peer in peers:
                line = *cells(result, peer), goal(result, peer)
                print(" | ".join(line).rstrip(" |"), flush=True)

    table = [results[work.name] for work in works if work.name in results]
    minutes = (perf_counter() - start) / 60
    amount = "Little work (--quick): not for comparison. " if args.quick else ""
    notes = [
        *machine(),
        f"{amount}Medians of {n_rounds} interleaved rounds, {date.today()}, "
        f"{minutes:.0f} minutes{load}.",
    ]
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "table.inc").write_text(restructured_text(table, notes))
    print("", *notes, sep="\n")
    if find_spec("matplotlib") is not None:
        draw_ratios(table, args.out / "ratios.png")
        drawn = {
            name: {value: results[work.name] for value, work in points.items()}
            for name, points in curves.items()
            if all(work.name in results for work in points.values())
        }
        if drawn:
            draw_curves(drawn, args.out / "curves.png")
    print(f"Written into {args.out}.")


if __name__ == "__main__":
    main()
