"""Rows, images and a table for the tests of the export, and quick settings."""

import numpy as np
import pandas as pd

RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 16))
LABELS = np.array(["a", "bb", "ccc"])[RNG.randint(3, size=60)]
NUMBERS = RNG.normal(size=60) ** 2

QUICK = {"hidden_layer_sizes": (5,), "max_iter": 3, "random_state": 0}
ONE = {**QUICK, "n_members": 1}
TWO = {**QUICK, "n_members": 2}

IMAGES = RNG.randint(256, size=(60, 6, 5, 3)).astype(np.uint8)

TABLE = pd.DataFrame(
    {
        "size": np.where(RNG.uniform(size=60) < 0.1, np.nan, X[:, 0]),
        "big": 1e9 + X[:, 1],
        "constant": 3.0,
        "color": pd.Categorical(RNG.choice(["rot", "grün", "青"], 60)),
        "town": RNG.choice([f"town {i}" for i in range(12)], 60),
        "old": RNG.choice([True, False], 60),
        "rooms": pd.array(RNG.choice([1, 2, 3], 60), "Int64"),
        "code": pd.Categorical(RNG.choice([10, 20, 30], 60)),
        "id": pd.Categorical(RNG.choice(np.arange(12) * 1000, 60)),
        "empty": pd.Series([None] * 60, dtype=object),
    }
)
TABLE.loc[3, ["color", "town", "rooms"]] = None
TEXT = {"color", "town"}


def feeds_of_table(table):
    """What a program passes for the rows of a table."""
    feeds = {}
    for name in table:
        if name in TEXT:
            column = table[name].astype(object).where(table[name].notna(), "")
            feeds[name] = column.to_numpy(object)[:, np.newaxis]
        else:
            column = table[name].astype(object).where(table[name].notna(), np.nan)
            feeds[name] = column.to_numpy(np.float64)[:, np.newaxis]
    return feeds


def other_rows():
    """Rows of the table with values that were not there in training."""
    other = TABLE.iloc[:9].copy()
    for name in ("color", "code", "id"):
        other[name] = other[name].astype(object)
    other.loc[0, ["color", "town", "code", "id"]] = ["blau", "Rom", 11, 7]
    other.loc[1, ["color", "town", "size", "rooms"]] = None
    other.loc[2, ["code", "id", "constant"]] = [None, None, 4.0]
    other.loc[4, ["size", "big"]] = [np.inf, -np.inf]
    other.loc[5, ["size", "big"]] = [1e300, -1e300]
    return other
