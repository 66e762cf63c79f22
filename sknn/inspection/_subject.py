"""The network that a tool inspects: the only file here that looks inside an estimator.

All other files of this folder use `Subject`, the public parameters of an estimator and
its fitted attributes. When the private half of the estimators changes, this is the only
file to change with it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier

from .._arrays import as_floats
from .._descent import Clipping, Descent
from .._estimators.assembly import member_networks
from .._estimators.base import BaseNetworkEstimator
from .._estimators.fit import train
from .._estimators.inputs import check_X, check_X_y
from .._estimators.parameters import make_schedule, make_solver
from .._estimators.run import FitRun
from .._estimators.targets import ClassTargets
from .._training import Data, Ending, History, Limits
from .._typing import Array, DType
from ..losses import Loss
from ..network import Network
from ..objective import Batch, Objective, total_weight
from ..schedules import Schedule

MAX_ROWS = 2000
"""Maximum number of rows in a sample. A share estimated from 2000 rows has a standard
error of about 0.01."""

MAX_ELEMENTS = 2**24
"""Maximum number of elements of an array, 128 MB in float64: wide networks get fewer
rows."""


@dataclass
class Subject:
    """A network with its estimator and its encoded data, all of them copies.

    Nothing that is done to a subject reaches the user's estimator.

    Attributes
    ----------
    estimator : BaseNetworkEstimator
        A copy of the estimator. Use its parameters and its fitted attributes only.
    data : Data
        The checked rows, the encoded targets and the weights.
    run : FitRun
        The fit of which they are part.
    trained : bool
        Whether the network is trained, or has its initial weights.
    """

    estimator: BaseNetworkEstimator
    data: Data
    run: FitRun
    trained: bool

    # -- making one -------------------------------------------------------------------

    @classmethod
    def untrained(
        cls, estimator: BaseNetworkEstimator, X: Any, y: Any, **params: Any
    ) -> Subject:
        """Return a network with initial weights, and data that `fit` has checked.

        `params` replace those parameters that the estimator has.
        """
        copied = seeded_clone(estimator)
        copied._validate_params()
        names = copied.get_params(deep=False)
        copied.set_params(**{k: v for k, v in params.items() if k in names})
        run = copied._start_run(X, y)
        return cls(copied, run.data, run, trained=False)

    @classmethod
    def fitted(cls, estimator: BaseNetworkEstimator, X: Any, y: Any) -> Subject:
        """Return a trained network, and data that `predict` would accept.

        Of an ensemble, it is the network of the first member. Without targets,
        ``data.y`` has no columns.
        """
        copied = copy.copy(estimator)
        copied.network_ = copy.deepcopy(estimator.network_)
        if y is None:
            X = check_X(copied, X, copied._fitted_input())
            data = Data(X, np.empty((X.shape[0], 0)))
        else:
            data = copied._check_rows_like_those_of_fit(X, y)
        if copied.network_.members is not None:
            first = member_networks(copied.network_)[0]
            copied.network_ = copied._network_to_resume(first, data)
        return cls(copied, data, copied._run_of(data), True)

    # -- what it has ------------------------------------------------------------------

    @property
    def network(self) -> Network:
        """The network."""
        return self.run.network

    @property
    def loss(self) -> Loss:
        """The loss on validation data, without label smoothing."""
        return self.run.targets.loss

    @property
    def code_columns(self) -> tuple[int, ...]:
        """Columns of the rows that hold codes of categories."""
        return self.estimator._input.code_columns

    @property
    def is_classifier(self) -> bool:
        """Whether the targets are classes or labels."""
        return bool(is_classifier(self.estimator))

    @property
    def classes(self) -> Array:
        """The class labels."""
        return self._class_targets.classes

    @property
    def _class_targets(self) -> ClassTargets:
        targets = self.run.targets
        assert isinstance(targets, ClassTargets)
        return targets

    @property
    def solver_name(self) -> str:
        """The name of the solver."""
        solver = self.estimator.solver
        return solver if isinstance(solver, str) else type(solver).__name__.lower()

    def sample(self, n: int = MAX_ROWS, seed: int = 0) -> Data:
        """Return at most `n` rows of the data, in random order."""
        return sample_of(self.data, n, seed)

    def dense_sample(self) -> Data:
        """Return a sample that is small enough to be held in memory as it is, dense."""
        width = int(np.prod(self.network.in_shape))
        return self.sample(min(MAX_ROWS, max(1, MAX_ELEMENTS // width)))

    def batch_size(self, n: int) -> int:
        """Return the number of rows per batch when there are `n` rows; never warns."""
        size = self.estimator.batch_size
        return min(self.estimator._auto_batch_size(n) if size == "auto" else size, n)

    def batches(self) -> Iterator[Batch]:
        """Yield batches of the estimator's size for ever, shuffled in each epoch."""
        size = self.batch_size(self.data.n)
        while True:
            for batch in self.data.batches(self.run.rng.permutation(self.data.n), size):
                if total_weight(batch[1], batch[2]) > 0:
                    yield batch

    # -- what it does -----------------------------------------------------------------

    def objective(self) -> Objective:
        """Return the objective that the estimator trains on."""
        return self.run.objective()

    def plain_objective(self) -> Objective:
        """Return the mean loss alone: no penalty, mixup or augmentation."""
        return Objective(self.network, self.loss, alpha=0.0, rng=self.run.noise)

    def penalty(self) -> float:
        """Return the penalty of the estimator on the weights, for one batch."""
        W = self.network.theta[: self.network.n_decay]
        n = self.data.n
        total = n if self.estimator.solver == "lbfgs" else self.batch_size(n)
        return self.objective().add_penalty(W, np.zeros_like(W), total)

    def descent(self, objective: Objective) -> Descent:
        """Return the estimator's own solver and clipping, before their first step."""
        solver = make_solver(self.estimator)
        states = Descent.start(solver, self.network)
        limits = self.estimator.max_grad_norm, self.estimator.max_grad_value
        return Descent(objective, solver, states, Clipping(*limits))

    def schedule(self) -> Schedule:
        """Return the schedule of the learning rate."""
        return make_schedule(self.estimator)

    def to_float64(self) -> None:
        """Compute in float64 from now on."""
        self.run.network = self.network.astype(np.dtype(np.float64))

    @property
    def refits(self) -> bool:
        """Whether `fit` trains again on the rows that it holds out."""
        return self.estimator._refits(holds_out=True)

    def hold_out(self) -> tuple[Data, Data]:
        """Split the data as early stopping does, in rows to train on and held out."""
        return self.estimator._hold_out(self.run)

    def train(self, limits: Limits, callbacks: Any) -> tuple[Ending, History]:
        """Train the network on the data; return how training ended, and its history."""
        self.run.callbacks = callbacks
        ending = train(self.run, self.data, limits)
        return ending, self.run.history

    # -- what it predicts -------------------------------------------------------------

    def score(self, z: Array, y: Array, sample_weight: Array | None = None) -> float:
        """Return the accuracy or R² of raw scores `z` for encoded targets `y`."""
        return self.run.targets.score(z, y, sample_weight)

    def predicted_codes(self, z: Array) -> Array:
        """Return the class indices, or the label indicators, of raw scores `z`."""
        return self._class_targets.codes(z)


def sample_of(data: Data, n: int = MAX_ROWS, seed: int = 0) -> Data:
    """Return at most `n` of the selected rows, in random order."""
    order = np.random.RandomState(seed).permutation(data.n)[:n]
    return replace(data, rows=order if data.rows is None else data.rows[order])


def selected(data: Data) -> tuple[Array, Array | None]:
    """Return targets and weights of the selected rows."""
    w = data.sample_weight
    return data.y[data.selected], None if w is None else w[data.selected]


def dense_floats(x: Any, dtype: DType) -> Array:
    """Return rows as a dense array of `dtype`."""
    x = as_floats(x, dtype)
    return x if isinstance(x, np.ndarray) else x.toarray()


def seeded_clone(estimator: Any) -> Any:
    """Return a clone in which every ``random_state=None`` is 0.

    So a tool gives the same result each time it is called, and draws nothing from
    NumPy's global stream.
    """
    copied = clone(estimator)
    seeds = {
        name: 0
        for name, value in copied.get_params().items()
        if name.rpartition("__")[2] == "random_state" and value is None
    }
    return copied.set_params(**seeds)


def quiet_clone(estimator: BaseNetworkEstimator) -> BaseNetworkEstimator:
    """Return a seeded clone that prints nothing and calls no callbacks."""
    copied = seeded_clone(estimator)
    copied.__dict__.pop("_skl_callbacks", None)
    copied.set_params(verbose=False)
    return copied


def check_as_fit_does(estimator: BaseNetworkEstimator, X: Any, y: Any) -> None:
    """Raise the errors that `fit` raises for these parameters and this data."""
    copied = seeded_clone(estimator)
    copied._validate_params()
    check_X_y(copied, X, y, copied._make_input(X))
