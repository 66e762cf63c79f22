"""Comparison of methods over tables by their ranks (Demšar 2006).

J. Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7,
1–30: the Friedman test of whether the mean ranks differ at all, and Nemenyi's critical
distance, above which the mean ranks of two of the methods differ.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import friedmanchisquare, studentized_range


def mean_ranks(scores):
    """Return the mean rank of each column; 1 is the lowest score, ties share ranks.

    `scores` is a data frame with a row for each table and a column for each method.
    """
    return scores.rank(axis=1).mean().sort_values()


def friedman_p(scores):
    """Return the p-value of the Friedman test; NaN with fewer than three methods."""
    if scores.shape[1] < 3 or len(scores) < 2:
        return np.nan
    return friedmanchisquare(*scores.to_numpy().T).pvalue


def critical_distance(n_methods, n_tables, alpha=0.05):
    """Return Nemenyi's critical distance, q √(k (k + 1) / 6 N)."""
    q = studentized_range.ppf(1 - alpha, n_methods, np.inf) / np.sqrt(2)
    return q * np.sqrt(n_methods * (n_methods + 1) / (6 * n_tables))


def cliques(ranks, distance):
    """Return the first and the last index of the longest runs that do not differ.

    `ranks` are sorted.
    """
    last = np.searchsorted(ranks, np.asarray(ranks) + distance, side="right") - 1
    return [
        (i, j)
        for i, j in enumerate(last.tolist())
        if j > i and (i == 0 or j > last[i - 1])
    ]


def draw_critical_distance(ax, scores, title):
    """Draw mean ranks along a line, and bars over methods that do not differ."""
    ranks = mean_ranks(scores)
    k, n = len(ranks), len(scores)
    distance = critical_distance(k, n)
    bars = cliques(ranks.to_numpy(), distance)
    first = 0.35 + 0.2 * len(bars)  # depth of the first label, below the bars
    half = (k + 1) // 2
    for i, (name, rank) in enumerate(ranks.items()):
        left = i < half
        y = first + 0.35 * (i if left else k - 1 - i)
        x = 1 - 0.05 * k if left else k + 0.05 * k
        name = name if len(name) <= 28 else f"{name[:27]}…"
        ax.plot([rank, rank, x], [0, y, y], color="0.4", linewidth=0.8)
        label = f"{name}  {rank:.2f}" if left else f"{rank:.2f}  {name}"
        ax.text(x, y, f" {label} ", ha="right" if left else "left", va="center")
    for i, (start, end) in enumerate(bars):
        ends = [ranks.iloc[start] - 0.05, ranks.iloc[end] + 0.05]
        ax.plot(ends, 2 * [0.2 + 0.2 * i], color="k", linewidth=3)
    ax.plot([1, 1 + distance], 2 * [-0.75], color="k", marker="|")
    ax.text(1 + distance / 2, -0.85, f"CD {distance:.2f}", ha="center", va="bottom")
    ax.plot([1, k], [0, 0], color="k", linewidth=1)
    for rank in range(1, k + 1):
        ax.plot([rank, rank], [-0.08, 0], color="k", linewidth=1)
        ax.text(rank, -0.15, str(rank), ha="center", va="bottom", fontsize=8)
    ax.set_title(f"{title}: {n} tables, Friedman p = {friedman_p(scores):.2g}")
    ax.set_xlim(1 - 0.7 * k, 1.7 * k)  # names take as much room as the ranks
    ax.set_ylim(first + 0.35 * half, -1.3)
    ax.axis("off")
