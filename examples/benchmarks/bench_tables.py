"""sknn and its peers on tables of numbers and categories, each with its defaults.

Every method is fitted on every table, with several seeds for split and method::

    python examples/benchmarks/bench_tables.py --data PATH --validation
    python examples/benchmarks/bench_tables.py --data PATH --validation --seeds 1 \
        --methods LightGBM "small: LightGBM(num_leaves=9)" "Tabular, n_members=1" \
        --tables class
    python examples/benchmarks/bench_tables.py --report --validation

``--data`` is a folder with a ``load.py`` (see `_tables.py`). Each fit appends a line of
JSON to ``--out``; what is there already is not run again, so that a run can be
interrupted, and several can write to one file. Methods and the named configurations of
ablations are in `_learners.py`; those that are not installed are left out.

With ``--validation``, a fifth of the training rows is scored instead of the test rows:
defaults are chosen in this mode only.

``--report`` writes Markdown, and a picture of the mean ranks if Matplotlib is
installed. ``--methods``, ``--tables`` and ``--seeds`` choose what it covers; with
``--common``, only the tables and seeds that all methods have. CPU seconds are those of
all threads of a method.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from _learners import LEARNERS, VARIANTS, parse_method
from _runs import Worker, append_record, fit_and_score, key, load_records
from _tables import chosen_tables


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--data", type=Path, help="a folder with a load.py")
    add("--out", type=Path, default=Path("build/benchmarks/tables.jsonl"))
    add("--methods", nargs="+", metavar="METHOD", help="names, or calls as above")
    add("--tables", nargs="+", metavar="TABLE", help='names, "class" or "number"')
    add("--seeds", type=int, default=3)
    add("--first-seed", type=int, default=0)
    add("--validation", action="store_true", help="score left-out training rows")
    add("--max-rows", type=int, help="limit of the training rows")
    add("--threads", type=int, default=1)
    add("--timeout", type=float, default=1800, help="seconds per fit")
    add("--retry", action="store_true", help="run what failed again")
    add("--list", action="store_true", help="print the methods and exit")
    add("--report", action="store_true", help="report what is there; no runs")
    add("--common", action="store_true", help="report what all the methods have")
    add(
        "--reference",
        default="HistGradientBoosting",
        help="the method that ratios refer to",
    )
    return parser.parse_args(argv)


def run(method, args, where, worker):
    """Return the record of one fit, which never raises."""
    try:
        call = (fit_and_score, method, str(args.data), where, args.threads)
        return worker.call(*call, timeout=args.timeout)
    except (OSError, EOFError) as error:  # it took too long, or was killed
        message = f"{type(error).__name__}: {error}"
        record = {"method": method.name, "params": repr(method.params), **where}
        return record | {"threads": args.threads, "error_message": message}


def run_all(args):
    """Run what the file of results lacks."""
    methods = [parse_method(text) for text in args.methods or LEARNERS]
    for method in methods:
        if not method.is_installed():
            print(f"{method.name} is not installed: it is left out.")
    methods = [method for method in methods if method.is_installed()]
    done = {
        key(record)
        for record in load_records(args.out)
        if not (args.retry and "error_message" in record)
    }
    given = {"validation": args.validation, "max_rows": args.max_rows}
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    worker = Worker(dict.fromkeys(names, str(args.threads)))
    tables = chosen_tables(args.data, args.tables)
    for seed in range(args.first_seed, args.first_seed + args.seeds):
        for table in tables:
            where = {"table": table, "seed": seed, **given}
            for method in methods:
                wanted = {"method": method.name, "params": repr(method.params)}
                if key(wanted | where) in done:
                    continue
                record = run(method, args, where, worker)
                append_record(args.out, record)
                print(line(record), flush=True)
    worker.close()


def line(record):
    """Return one line about a record."""
    about = f"{record['table']:14} {record['seed']:2d} {record['method']:48}"
    if "error_message" in record:
        return f"{about} {record['error_message'].splitlines()[0][:100]}"
    names = ("error", "log_loss", "auc", "rmse", "r2", "fit_seconds", "fit_cpu")
    scores = (f"{name} {record[name]:.4g}" for name in names if name in record)
    return f"{about} {'  '.join(scores)}"


def report(args):
    """Write the report beside the file of results, and print it."""
    from _tables_report import draw_ranks, frame, markdown

    methods = args.methods and {parse_method(text).name for text in args.methods}
    results = frame(load_records(args.out), args, methods)
    text = markdown(results, args.reference)
    part = "validation" if args.validation else "test"
    path = args.out.with_name(f"{args.out.stem}-{part}.md")
    path.write_text(text)
    print(text)
    draw_ranks(results, args.reference, path.with_suffix(".png"))
    print(f"Written into {path}.")


def main(argv=None):
    args = arguments(argv)
    if args.list:
        print(*LEARNERS, *VARIANTS, sep="\n")
    elif args.report:
        report(args)
    elif args.data is None:
        raise SystemExit("Give the folder of tables: --data PATH.")
    else:
        run_all(args)


if __name__ == "__main__":
    main()
