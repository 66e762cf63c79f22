"""The table and the pictures of `run.py`."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import joblib
import numpy as np
import scipy
import sklearn
from _networks import HAS_TORCH
from _timing import Faster, Plus, three_digits
from threadpoolctl import threadpool_info

import sknn

# The packages that sknn is compared with, and what bounds the speed of each.
TITLES = {"sklearn": "scikit-learn", "torch": "PyTorch", "products": "Matrix products"}


def machine():
    """Return lines that describe processor, versions and threads."""
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        cpu = next((x.split(": ")[1] for x in lines if x.startswith("model name")), cpu)
    pools = {
        f"{pool['internal_api']} {pool['num_threads']}" for pool in threadpool_info()
    }
    versions = {
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "SciPy": scipy.__version__,
        "joblib": joblib.__version__,
        "scikit-learn": sklearn.__version__,
        "sknn": sknn.__version__,
    }
    if HAS_TORCH:
        import torch

        versions["PyTorch"] = torch.__version__
        pools.add(f"PyTorch {torch.get_num_threads()}")
    set_here = [
        f"{k}={os.environ[k]}"
        for k in ("OMP_NUM_THREADS", "SKNN_KERNELS")
        if k in os.environ
    ]
    return [
        f"{cpu}, {os.cpu_count()} cores, {platform.system()}.",
        ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
        f"Threads: {', '.join(sorted(pools))}. {' '.join(set_here)}".rstrip(),
    ]


def cells(result, peer):
    """Return what is printed of a comparison, as strings."""
    reach = result.work.reach[peer]
    low, middle, high = result.quartiles(peer)
    form = ".0f" if isinstance(reach, Plus) else ".2f"
    return (
        result.work.name,
        peer,
        f"{middle:{form}} {reach.unit} ({low:{form}} – {high:{form}})",
        f"{result.ms('sknn'):.3g}",
        f"{result.ms(peer):.3g}",
    )


def goal(result, peer):
    """Return what sknn should reach and whether it does, for developers."""
    reach = result.work.reach[peer]
    if reach.factor is None:
        return ""
    met = "yes" if reach.is_met(result.quartiles(peer)[1]) else "no"
    return f"goal {reach}: {met}"


def table_of(results):
    """Return the lines of a table: a work, the time of sknn, and a column per peer.

    The number of a peer is its time divided by that of sknn, with quartiles.
    """
    peers = list(dict.fromkeys(peer for x in results for peer in x.seconds))
    peers.remove("sknn")
    lines = [("Work", "sknn, ms", *(TITLES.get(peer, peer) for peer in peers))]
    for result in results:
        ratios = [
            "{1:.2f} ({0:.2f}–{2:.2f})".format(*result.ratio(peer))
            if peer in result.seconds
            else "–"
            for peer in peers
        ]
        lines.append((result.work.name, three_digits(result.ms("sknn")), *ratios))
    return lines


def tables(results):
    """Yield a table of the comparisons with packages, and one of each other peer."""
    families = {}
    for result in results:
        peer = next(iter(result.work.reach))
        families.setdefault("packages" if peer in TITLES else peer, []).append(result)
    yield from map(table_of, families.values())


def restructured_text(results, notes):
    """Return the tables as the documentation includes them."""
    lines = list(notes)
    for table in tables(results):
        widths = " ".join(["40", "12", *["18"] * (len(table[0]) - 2)])
        lines += [
            "",
            ".. list-table::",
            "   :header-rows: 1",
            f"   :widths: {widths}",
            "",
        ]
        for row in table:
            bullets = ["   * -", *["     -"] * (len(row) - 1)]
            lines += [f"{x} {cell}" for x, cell in zip(bullets, row, strict=True)]
    return "\n".join(lines) + "\n"


# -- pictures -------------------------------------------------------------------------


def draw_ratios(results, path):
    """Draw how many times as fast sknn is, with quartiles."""
    from matplotlib.figure import Figure

    bars = []
    for result in results:
        for peer, reach in result.work.reach.items():
            if peer in result.seconds and type(reach) is Faster:
                bars.append((f"{result.work.name} | {peer}", result.quartiles(peer)))
    if not bars:
        return
    figure = Figure(figsize=(9, 1 + 0.22 * len(bars)), layout="constrained")
    ax = figure.subplots()
    low, middle, high = np.transpose([quartiles for _, quartiles in bars])
    y = np.arange(len(bars))
    ax.barh(y, middle, xerr=(middle - low, high - middle), color="C0", ecolor="0.3")
    ax.axvline(1, color="0.5", linewidth=0.8)
    ax.set_xscale("log")
    ax.set_xticks([0.5, 1, 2, 3, 4, 5, 6, 8, 10], minor=False)
    ax.set_xticks([], minor=True)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_xlim(0.5, max(2, 1.1 * high.max()))
    ax.set(xlabel="times as fast", ylim=(len(bars) - 0.4, -0.6))
    ax.set_yticks(y, [name for name, _ in bars], fontsize=7)
    figure.savefig(path, dpi=90)


def draw_curves(curves, path):
    """Draw milliseconds per epoch against rows, features, and so on."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots(2, 3).flat
    for ax, (name, points) in zip(axes, curves.items(), strict=False):
        for peer in next(iter(points.values())).seconds:
            ms = [result.ms(peer) for result in points.values()]
            ax.loglog(list(points), ms, marker="o", markersize=3, label=peer)
        ax.set(xlabel=name.replace("_", " "), ylabel="ms per epoch")
        ax.set_xticks(list(points), map(str, points), fontsize=7)
        ax.minorticks_off()
    figure.axes[0].legend()
    for ax in figure.axes[len(curves) :]:
        ax.remove()
    figure.savefig(path, dpi=90)
