"""The report of `bench_tables.py`: tables in Markdown, and a picture of mean ranks."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pandas as pd
from _ranks import critical_distance, draw_critical_distance, friedman_p, mean_ranks

SMALL = 1500
"""Tables with at most so many rows are summarized apart."""

MEASURES = {
    "error": ("Class error, %", "class", lambda x: f"{100 * x:.2f}"),
    "log_loss": ("Log-loss", "class", lambda x: f"{x:.4f}"),
    "auc": ("AUC (two classes)", "class", lambda x: f"{x:.4f}"),
    "rmse": ("RMSE", "number", lambda x: f"{x:.4g}"),
    "r2": ("R²", "number", lambda x: f"{x:.4f}"),
    "coverage": ("Coverage of intervals of 90 %", "number", lambda x: f"{x:.3f}"),
}
"""Title, kind of table and format; each mean is over the seeds."""

RATIOS = {
    "error": "class error",
    "log_loss": "log-loss",
    "rmse": "RMSE",
    "fit_cpu": "CPU, fit",
    "predict_cpu": "CPU, predict",
}
"""What is compared with the reference by a geometric mean of ratios."""

NAMES = {
    "HistGradientBoosting": "scikit-learn's boosting",
    "RealMLP_TD": "RealMLP",
    "Tabular, n_members=1": "sknn, 1 network",
    "Tabular": "sknn, 4 networks",
}
"""Names of the methods in the picture; a method that is not here keeps its own."""

# -- what was measured ----------------------------------------------------------------


def frame(records, args, methods):
    """Return the records that the arguments choose, failed ones included.

    If several configurations ran under one name, the last one counts.
    """
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    chosen = {
        (record["method"], record["table"], record["seed"]): record
        for record in records
        if record["validation"] == args.validation
        and record["max_rows"] == args.max_rows
        and record["seed"] in seeds
        and (not methods or record["method"] in methods)
        and (not args.tables or {record["table"], record.get("kind")} & {*args.tables})
    }
    if not chosen:
        raise SystemExit(f"There are no such results in {args.out}.")
    empty = dict.fromkeys(("error_message", *RATIOS, *MEASURES), np.nan)
    results = pd.DataFrame([{**empty, **record} for record in chosen.values()])
    return common(results) if args.common else results


def common(results):
    """Return the results for the tables and seeds that all methods have."""
    fitted = results[results["error_message"].isna()]
    counts = fitted.groupby(["table", "seed"])["method"].transform("nunique")
    fitted = fitted[counts == results["method"].nunique()]
    if fitted.empty:
        raise SystemExit("No table was fitted by all of the methods: choose fewer.")
    return fitted


def pivot(results, measure):
    """Return a measure by (table, seed) and method; methods as they first occur."""
    values = results.dropna(subset=[measure])
    wide = values.pivot(index=["table", "seed"], columns="method", values=measure)
    return wide[[m for m in results["method"].unique() if m in wide]]


def floored(results):
    """Return the results with errors and log-losses that have a finite logarithm.

    An error of 0 becomes half a row of the test rows; other measures, times included,
    are at least 1e-4, which is below what a clock tells and any log-loss here.
    """
    results = results.copy()
    results["error"] = results["error"].clip(lower=0.5 / results["n_test"])
    for name in ("log_loss", "fit_cpu", "predict_cpu"):
        results[name] = results[name].clip(lower=1e-4)
    return results


def log_ratios(wide, method, reference):
    """Return log(method / reference) by table, of means over the seeds of both."""
    means = wide.dropna(subset=[method, reference]).groupby("table").mean()
    return np.log(means[method] / means[reference])


# -- Markdown -------------------------------------------------------------------------


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(cells) + " |" for cells in rows)])


def means_by_table(results, measure):
    """Return a table of means over seeds; the best of each row is bold."""
    title, kind, form = MEASURES[measure]
    means = pivot(results, measure).groupby("table", sort=False).mean()
    if means.empty:
        return None
    best = means.min(axis=1) if measure in RATIOS else means.max(axis=1)
    if measure == "coverage":
        best[:] = np.nan
    rows = []
    for name, values in means.iterrows():
        cells = ["" if np.isnan(v) else form(v) for v in values]
        for i, v in enumerate(values):
            if v == best[name]:
                cells[i] = f"**{cells[i]}**"
        rows.append([name, *cells])
    return f"## {title}\n\n{table([kind, *means.columns], rows)}"


def ratio_cell(wide, method, reference):
    """Return geometric mean ± standard error over tables, and how many there are."""
    if method not in wide or reference not in wide:
        return ""
    logs = log_ratios(wide, method, reference)
    if logs.empty:
        return ""
    ratio, n = np.exp(logs.mean()), len(logs)
    error = f" ± {ratio * logs.std(ddof=1) / np.sqrt(n):.3f}" if n > 1 else ""
    return f"{ratio:.3f}{error} ({n})"


def ratios(results, reference):
    """Return a table of the geometric means of the ratios to the reference."""
    wide = {measure: pivot(results, measure) for measure in RATIOS}
    rows = []
    for method in results["method"].unique():
        cells = [ratio_cell(wide[measure], method, reference) for measure in RATIOS]
        rows.append([method, *cells])
    return table(["method", *RATIOS.values()], rows)


def scores_for_ranks(results, measure, reference):
    """Return mean scores by table, of the methods that have what the reference has.

    The rows are those of tables of classes, by `measure`, and of numbers, by RMSE.
    Also return the names of the methods that lack results.
    """
    wide = pd.concat([pivot(results, measure), pivot(results, "rmse")])
    if reference in wide:
        wide = wide[wide[reference].notna()]
    complete = wide.columns[wide.notna().all()]
    lacking = [
        method for method in results["method"].unique() if method not in complete
    ]
    # Rounded: means of equal scores in another order differ in their last digits.
    return wide[complete].groupby("table").mean().round(9), lacking


def ranks(results, reference):
    """Return mean ranks, with their test, by error and by log-loss."""
    text = []
    for measure in ("error", "log_loss"):
        scores, lacking = scores_for_ranks(results, measure, reference)
        if scores.shape[1] < 2:
            continue
        k, n = scores.shape[1], len(scores)
        text += [f"By {RATIOS[measure]} and RMSE, {n} tables:", ""]
        rows = [[name, f"{rank:.2f}"] for name, rank in mean_ranks(scores).items()]
        text += [table(["method", "mean rank"], rows), ""]
        text += [
            f"Friedman test: p = {friedman_p(scores):.2g}; Nemenyi's critical distance "
            f"at 0.05: {critical_distance(k, n):.2f}."
            + (f" Without all results: {', '.join(lacking)}." if lacking else ""),
            "",
        ]
    return "\n".join(text)


def failures(results):
    failed = results.dropna(subset=["error_message"])
    if failed.empty:
        return None
    rows = [
        [r.method, r.table, str(r.seed), r.error_message.splitlines()[0][:150]]
        for r in failed.itertuples()
    ]
    return "## Failures\n\n" + table(["method", "table", "seed", "error"], rows)


def markdown(results, reference):
    """Return the whole report."""
    rows = "validation" if results["validation"].iloc[0] else "test"
    counts = results[["table", "seed"]].nunique()
    parts = [
        f"# {counts['table']} tables, {counts['seed']} seeds, {rows} rows",
        f"Ratios to {reference} of means over seeds: geometric mean over tables ± "
        "standard error (number of tables). Errors of 0 count as half a row. Below, "
        "means are over the seeds that a method has (--common: that all have).",
    ]
    logs = floored(results)
    small = results["n_rows"] <= SMALL
    for title, part in (
        ("All tables", logs),
        (f"Tables of more than {SMALL} rows", logs[~small]),
        (f"Tables of at most {SMALL} rows", logs[small]),
    ):
        if not part.empty:
            parts.append(f"## {title}\n\n{ratios(part, reference)}")
    parts.append(f"## Mean ranks\n\n{ranks(results, reference)}")
    parts += [means_by_table(results, measure) for measure in MEASURES]
    return "\n\n".join(filter(None, [*parts, failures(results)])) + "\n"


def draw_ranks(results, reference, path):
    """Draw critical-difference diagrams by error and by log-loss, if it is possible."""
    if find_spec("matplotlib") is None:
        return
    from matplotlib.figure import Figure

    drawn = {
        title: scores_for_ranks(results, measure, reference)[0].rename(columns=NAMES)
        for measure, title in (
            ("error", "Class error and RMSE"),
            ("log_loss", "Log-loss and RMSE"),
        )
    }
    k = min(scores.shape[1] for scores in drawn.values())
    if k < 2:
        return
    figure = Figure(figsize=(9, 4 + 0.35 * k))
    figure.subplots_adjust(0, 0, 1, 0.94)
    for ax, (title, scores) in zip(figure.subplots(2), drawn.items(), strict=True):
        draw_critical_distance(ax, scores, title)
    figure.savefig(path, dpi=100)
