"""The functions that a user calls: their declarations, and their bodies.

Texts are in float, with NAME_ before what belongs to the model, as `text.py` expects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..._typing import Array
from .._plan import ClassHead, NumberHead
from .program import Program

FUNCTIONS = {
    "softmax": """
/* Probabilities of n classes, in place. */
static void softmax(float *z, int n)
{
    int i;
    float largest = z[0], sum = 0.0f;
    for (i = 1; i < n; i++) {
        largest = z[i] > largest ? z[i] : largest;
    }
    for (i = 0; i < n; i++) {
        z[i] = expf(z[i] - largest);
        sum += z[i];
    }
    for (i = 0; i < n; i++) {
        z[i] /= sum;
    }
}
""",
    "quantiles": """
/* Increasing numbers, in place: each difference is log(1 + exp(z)). */
static void quantiles(float *z, int n)
{
    int i;
    for (i = 1; i < n; i++) {
        float step = z[i] > 0.0f ? z[i] : 0.0f;
        z[i] = z[i - 1] + step + log1pf(expf(-fabsf(z[i])));
    }
}
""",
    "mean": """
/* y = the mean over k rows of n numbers. */
static void mean(const float *x, float *y, int k, int n)
{
    int i, j;
    for (j = 0; j < n; j++) {
        float sum = 0.0f;
        for (i = 0; i < k; i++) {
            sum += x[i * n + j];
        }
        y[j] = sum / (float)k;
    }
}
""",
    "largest": """
/* The index of the largest number; of equal ones, the first. */
static int largest(const float *z, int n)
{
    int i, best = 0;
    for (i = 1; i < n; i++) {
        if (z[i] > z[best]) {
            best = i;
        }
    }
    return best;
}
""",
}
"""The functions in C."""


@dataclass(frozen=True)
class Public:
    """A function that a user calls.

    Attributes
    ----------
    comment : str
        What it does.
    declaration : str
        Its return type, name and parameters.
    body : list of str
        Its statements.
    n_local : int
        Number of elements of its arrays.
    """

    comment: str
    declaration: str
    body: list[str]
    n_local: int = 0


def public_functions(program: Program, head: ClassHead | NumberHead) -> list[Public]:
    """Return the functions of a classifier or of a regressor."""
    if isinstance(head, NumberHead):
        return [numbers(program, head)]
    return [probabilities(head), classes(head)]


def n_outputs(head: ClassHead | NumberHead) -> int:
    """Return the number of probabilities, or of predicted numbers."""
    if isinstance(head, ClassHead):
        return len(head.classes)
    return head.n_scores // 2 if head.link == "gaussian" else head.n_scores


def probabilities(head: ClassHead) -> Public:
    """Return ``NAME_predict_proba``."""
    k, n = head.n_members, head.n_scores
    comment = f"The probabilities p of the {n_outputs(head)} classes, for a row x."
    if head.kind == "multilabel":
        comment = f"The probability p of each of the {n} labels, for a row x."
    declaration = "void NAME_predict_proba(const INPUT *x, float *p)"
    if head.kind == "one class":
        return Public(comment, declaration, ["(void)x;", "p[0] = 1.0f;"])
    z = "z" if k > 1 else "p"
    body = [f"NAME_scores(x, {z});"]
    if head.link == "softmax":
        body += [f"NAME_softmax({plus(z, i * n)}, {n});" for i in range(k)]
    else:
        body += [f"NAME_map(NAME_logistic, {z}, {z}, {k * n});"]
    if k > 1:
        body = [f"float z[{k * n}];", *body, f"NAME_mean(z, p, {k}, {n});"]
    if head.kind == "binary":
        body += ["p[1] = p[0];", "p[0] = 1.0f - p[1];"]
    return Public(comment, declaration, body, k * n if k > 1 else 0)


def plus(pointer: str, offset: int) -> str:
    """Return a pointer to a later element."""
    return f"{pointer} + {offset}" if offset else pointer


def classes(head: ClassHead) -> Public:
    """Return ``NAME_predict``, of a class or of labels."""
    n = n_outputs(head)
    comment = "The index in NAME_classes of the predicted class, for a row x."
    declaration = "int NAME_predict(const INPUT *x)"
    if head.kind == "one class":
        return Public(comment, declaration, ["(void)x;", "return 0;"])
    # The scores decide; of several members, the mean of their probabilities.
    several = head.n_members > 1
    function, above = ("predict_proba", "0.5f") if several else ("scores", "0.0f")
    size = n if several else head.n_scores
    n_local = size + (head.n_members * head.n_scores if several else 0)
    body = [f"float z[{size}];", f"NAME_{function}(x, z);"]
    if head.kind == "binary":
        body += [f"return z[{size - 1}] > {above} ? 1 : 0;"]
    elif head.kind == "multiclass":
        body += [f"return NAME_largest(z, {n});"]
    else:
        comment = f"Whether a row x has each of the {n} labels, 1 or 0."
        declaration = "void NAME_predict(const INPUT *x, int *labels)"
        body = ["int i;", *body, f"for (i = 0; i < {n}; i++) {{"]
        body += [f"    labels[i] = z[i] > {above} ? 1 : 0;", "}"]
    return Public(comment, declaration, body, n_local)


def numbers(program: Program, head: NumberHead) -> Public:
    """Return ``NAME_predict`` of a regressor."""
    k, n, m = head.n_members, head.n_scores, n_outputs(head)
    own = k > 1 or n != m  # the scores need memory of their own
    z = "z" if own else "y"
    body = [f"float z[{k * n}];"] if own else []
    body += [f"NAME_scores(x, {z});"]
    if head.link == "exp":
        body += [f"NAME_map(NAME_exp, {z}, {z}, {k * n});"]
    if head.link == "quantile" and head.n_levels > 1:
        body += [f"NAME_quantiles({plus(z, i * n)}, {n});" for i in range(k)]
    if k > 1:
        to = "y" if n == m else "z"
        body += [f"NAME_mean(z, {to}, {k}, {n});"]
    if n != m:  # pairs of means and deviations
        body += [f"y[{i}] = z[{2 * i}];" for i in range(m)]
    arrays: dict[str, Array | None]
    arrays = {name: getattr(head, name) for name in ("low", "high", "scale", "center")}
    at = {
        # Several quantiles of a target have its units.
        name: "NAME_" + program.constants(f"target_{name}", np.broadcast_to(array, m))
        for name, array in arrays.items()
        if array is not None
    }
    if "low" in at:
        body += [f"NAME_clip(y, {at['low']}, {at['high']}, y, {m});"]
    if "scale" in at:
        body += [f"NAME_scale_shift(y, {at['scale']}, {at['center']}, y, {m}, 1);"]
    comment = f"The {m} predicted numbers y, for a row x."
    declaration = "void NAME_predict(const INPUT *x, float *y)"
    return Public(comment, declaration, body, k * n if own else 0)
