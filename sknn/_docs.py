"""Paragraphs that the docstrings of several estimators share."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import indent
from typing import TypeVar

T = TypeVar("T", bound=type)

TRAINING_PARAMETERS = """\
solver : {'lbfgs', 'sgd', 'adam'}, default='adam'
    How the weights are found: 'sgd' is stochastic gradient descent, 'adam' the
    variant of Kingma and Ba that scales each step by the usual size of the gradient,
    'lbfgs' a quasi-Newton method on all rows at once, good for small data sets.
alpha : float, default=0.0001
    Strength of the L2 penalty ``½ alpha |W|²`` on the weights, not the biases. As in
    scikit-learn it is divided by the number of rows of a batch (by their total
    weight), so that its effect depends on `batch_size`.
batch_size : int or 'auto', default='auto'
    Rows of a mini-batch; 'auto' is ``min(200, n_samples)``. Not used by 'lbfgs'.
learning_rate : {'constant', 'invscaling', 'adaptive'}, default='constant'
    How the learning rate changes. Used by ``solver='sgd'`` only.

    - 'constant': always `learning_rate_init`.
    - 'invscaling': ``learning_rate_init / (t + 1) ** power_t`` after t training rows.
    - 'adaptive': divided by 5 each time the loss (with `early_stopping`, the
      validation score) has not improved by `tol` for `n_iter_no_change` epochs.
learning_rate_init : float, default=0.001
    The learning rate, or the first one. Not used by 'lbfgs'.
power_t : float, default=0.5
    Exponent of 'invscaling'. Used by ``solver='sgd'`` only.
max_iter : int, default=200
    Most epochs (passes over the training rows), or iterations of 'lbfgs'.
shuffle : bool, default=True
    Whether to draw a new order of the rows in each epoch. Not used by 'lbfgs'.
random_state : int, RandomState instance or None, default=None
    Decides the initial weights, the hold-out of `early_stopping` and the order of
    rows. An int gives the same result on each call.
tol : float, default=1e-4
    Smallest change of loss or score that counts as an improvement; for 'lbfgs' the
    largest element of the gradient at which the search ends.
verbose : bool, default=False
    Whether to print the loss, and the validation score, after each epoch.
warm_start : bool, default=False
    Whether `fit` starts from the weights of the last call instead of new ones. The
    state of the solver starts anew; `partial_fit` goes on with that too.
momentum : float, default=0.9
    Momentum, in [0, 1]. Used by ``solver='sgd'`` only.
nesterovs_momentum : bool, default=True
    Whether momentum looks ahead. Used by ``solver='sgd'`` only.
early_stopping : bool, default=False
    Whether to stop when the score on a validation set has not improved by `tol` for
    `n_iter_no_change` epochs, and to go back to the weights that scored best. The
    validation set is the one passed to `fit`, or `validation_fraction` of the training
    rows (stratified for two classes). Unlike in scikit-learn, this works with
    ``solver='lbfgs'`` as well. Without it, training stops when the training loss does
    not improve.
validation_fraction : float, default=0.1
    Share of the training rows that `early_stopping` holds out, at least two rows. Not
    used when `fit` is given `X_val` and `y_val`.
beta_1 : float, default=0.9
    Decay of the mean gradient, in [0, 1). Used by ``solver='adam'`` only.
beta_2 : float, default=0.999
    Decay of the mean squared gradient, in [0, 1). Used by ``solver='adam'`` only.
epsilon : float, default=1e-8
    Keeps the division finite. Used by ``solver='adam'`` only.
n_iter_no_change : int or np.inf, default=10
    Training stops after more epochs than that without improvement.
max_fun : int, default=15000
    Most evaluations of the loss. Used by ``solver='lbfgs'`` only.
scoring : str, callable or None, default=None
    What `early_stopping` watches: 'loss' (the validation loss; the recorded scores are
    its negative), any scorer of scikit-learn by name, a callable
    ``scorer(estimator, X, y)``, or None for what `score` returns. A scorer is given
    the weights of the rows if it takes `sample_weight`, and a copy of the validation
    rows as an array."""

MLP_PARAMETERS = """\
hidden_layer_sizes : int or array-like of int, default=(100,)
    Units of each hidden layer; ``()`` is a linear model.
activation : {'identity', 'logistic', 'tanh', 'relu'}, default='relu'
    Activation function of the hidden layers."""

TRAINING_ATTRIBUTES = """\
loss_ : float
    Loss of the last epoch, penalty included.
best_loss_ : float or None
    Smallest loss of an epoch; None with `early_stopping`.
loss_curve_ : list of float
    Loss of each epoch (of each iteration of 'lbfgs'): the mean over its batches, each
    taken before the step on it, penalty included.
validation_loss_curve_ : list of float or None
    Loss on the validation set after each epoch, without penalty; None if there was no
    validation set.
validation_scores_ : list of float or None
    Score on the validation set after each epoch, by `scoring`; None if there was none.
best_validation_score_ : float or None
    Largest of `validation_scores_`.
n_iter_ : int
    Epochs, or iterations, of the last call.
t_ : int
    Training rows passed through in all epochs; 0 for 'lbfgs'.
coefs_ : list of ndarray of shape (fan_in, fan_out)
    Weight matrices, one a layer; views into the network.
intercepts_ : list of ndarray of shape (fan_out,)
    Bias vectors, one a layer; views into the network.
n_features_in_ : int
    Number of features seen during `fit`.
feature_names_in_ : ndarray of shape (`n_features_in_`,)
    Their names; only if all of them were strings.
n_layers_ : int
    Number of layers, counting the input.
n_outputs_ : int
    Number of raw scores a row.
out_activation_ : str
    What turns raw scores into predictions: 'softmax', 'logistic', 'identity', 'exp'.
network_ : Network
    Layers and parameters."""

FIT_PARAMETERS = """\
X : {array-like, sparse matrix} of shape (n_samples, n_features)
    Training rows. Arrays of float32 or float64 in C order are used as they are, memory
    maps included; float32 stays float32 throughout.
y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    Targets.
sample_weight : array-like of shape (n_samples,), default=None
    Weights of the rows; None weighs all the same."""

VALIDATION_PARAMETERS = """\
X_val : {array-like, sparse matrix} of shape (n_val, n_features), default=None
    Validation rows, to be watched by `early_stopping` instead of held-out training
    rows; without `early_stopping` the curves are recorded only. In a `Pipeline`,
    ``Pipeline(..., transform_input=["X_val"])`` transforms them like `X`.
y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
    Validation targets.
sample_weight_val : array-like of shape (n_val,), default=None
    Weights of the validation rows."""

PARAGRAPHS = {
    "training_parameters": TRAINING_PARAMETERS,
    "mlp_parameters": MLP_PARAMETERS,
    "training_attributes": TRAINING_ATTRIBUTES,
    "fit_parameters": FIT_PARAMETERS,
    "validation_parameters": VALIDATION_PARAMETERS,
}


def fill_in(doc: str) -> str:
    """Replace each line ``%(name)s`` of a docstring by the paragraph of that name."""
    lines = []
    for line in doc.splitlines():
        name = line.strip().removeprefix("%(").removesuffix(")s")
        if line.strip() == f"%({name})s":
            line = indent(PARAGRAPHS[name], line[: len(line) - len(line.lstrip())])
        lines.append(line)
    return "\n".join(lines)


def shared_docs(cls: T) -> T:
    """Class decorator: fill in the docstrings of a class and of its own methods."""
    cls.__doc__ = fill_in(cls.__doc__ or "")
    for member in vars(cls).values():
        function: Callable | None = getattr(member, "method", member)
        if callable(function) and function.__doc__:
            function.__doc__ = fill_in(function.__doc__)
    return cls
