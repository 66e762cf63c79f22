"""TabularClassifier and TabularRegressor: networks for tables of any columns."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, Literal, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from ._estimators.assembly import member_networks
from ._estimators.classifier import NetworkClassifier
from ._estimators.docs import shared_docs
from ._estimators.fit import fit_network
from ._estimators.input_checks import check_rate, check_sizes, per_layer
from ._estimators.inputs import Rows, check_X
from ._estimators.members import (
    HeldOutByMembers,
    Member,
    Part,
    calibrate,
    fit_members,
    member_splits,
)
from ._estimators.parameters import (
    BestChoice,
    RefitChoice,
    ScheduleChoice,
    SolverChoice,
    make_part,
)
from ._estimators.regressor import NetworkRegressor, RegressionLossChoice
from ._estimators.run import FitRun
from ._estimators.tables import Table, TableAccess
from ._estimators.targets import (
    ClassWeight,
    NumberTargets,
    ScaledTargets,
    Targets,
    regression_loss,
)
from ._estimators.validation_set import HeldOut
from ._sklearn import Interval, StrOptions
from ._training import Data
from ._typing import Array
from .activations import ACTIVATIONS, ActivationFunction
from .layers import (
    CategoricalEmbedding,
    Dense,
    Dropout,
    Layer,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    Scale,
)
from .losses import REGRESSION_LOSSES, Loss
from .network import Network
from .preprocessing import TableEncoder

EmbeddingChoice: TypeAlias = (
    Literal["periodic", "piecewise_linear"]
    | PeriodicEmbedding
    | PiecewiseLinearEmbedding
    | None
)

NUMERICAL_EMBEDDINGS = {
    "periodic": PeriodicEmbedding,
    "piecewise_linear": PiecewiseLinearEmbedding,
}
"""The embeddings of numbers, by name."""

TABULAR_CONSTRAINTS: dict[str, Any] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions({"auto", *ACTIVATIONS}), ActivationFunction],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
    "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
    "max_one_hot": [Interval(Integral, 0, None, closed="left")],
    "embedding_size": [Interval(Integral, 1, None, closed="left")],
    "numerical_embedding": [
        StrOptions(set(NUMERICAL_EMBEDDINGS)),
        *NUMERICAL_EMBEDDINGS.values(),
        None,
    ],
    "n_members": [Interval(Integral, 1, None, closed="left")],
    "bagging": ["boolean"],
}
"""The valid values of the parameters of networks for tables."""

RATES = {"scale": 6.0, "embedding": 0.1, "b": 0.1, "alpha": 0.1}
"""Factors of the learning rate of RealMLP: of the layer that scales the inputs, of the
embedding of numbers, of biases and of the slopes of activations."""


class BaseTabular(TableAccess):
    """The layers of a network for tables, after the recipe of RealMLP [1]_.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       https://arxiv.org/abs/2407.04491.
    """

    hidden_layer_sizes: Any
    activation: Any
    dropout: Any
    categorical_features: Any
    max_one_hot: int
    embedding_size: int
    numerical_embedding: EmbeddingChoice
    n_members: int
    bagging: bool

    _others: list[Member]

    _AUTO_BATCH_SIZE = "a power of two near ``n_samples / 8``, from 32 to 256"
    """What the documentation says of ``batch_size='auto'``."""

    @staticmethod
    def _auto_batch_size(n: int) -> int:
        """Return n / 8, rounded to a power of two, from 32 to 256.

        Small tables need many steps, and large ones quick ones.
        """
        return int(np.clip(2 ** round(math.log2(max(n / 8, 1))), 32, 256))

    _AUTO_ACTIVATION: str
    """The activation that ``activation='auto'`` means."""

    def _make_encoder(self) -> TableEncoder:
        return TableEncoder(
            categorical_features=self.categorical_features,
            max_one_hot=self.max_one_hot,
        )

    def _make_layers(self, input: Rows, n_outputs: int) -> list[Layer]:
        assert isinstance(input, Table)
        sizes = check_sizes("hidden_layer_sizes", self.hidden_layer_sizes)
        rates = per_layer("dropout", self.dropout, len(sizes))
        activation = self.activation
        activation = self._AUTO_ACTIVATION if activation == "auto" else activation
        layers = self._input_layers(input)
        for size, rate in zip(sizes, rates, strict=True):
            layers.append(Dense(size, parametrization="ntp", data_driven=True))
            layers.append(ParametricActivation(activation))
            if rate := check_rate("dropout", rate):
                layers.append(Dropout(rate))
        return [*layers, Dense(n_outputs, parametrization="ntp", data_driven=True)]

    def _input_layers(self, input: Table) -> list[Layer]:
        """Return the embeddings of numbers and categories, and a scale for each."""
        layers: list[Layer] = []
        if input.n_categories:
            codes = input.code_columns, input.n_categories
            layers.append(CategoricalEmbedding(*codes, self.embedding_size))
        if input.n_numeric and self.numerical_embedding is not None:
            choice = self.numerical_embedding
            made = NUMERICAL_EMBEDDINGS[choice]() if isinstance(choice, str) else choice
            changes = {"n_columns": input.n_numeric, "name": "embedding"}
            layers.append(made.replace(**changes))
        return [*layers, Scale(name="scale")]

    def _train(self, run: FitRun, validation: Data | None) -> HeldOut | None:
        return self._train_members(run, validation).joined()

    def _hold_out(self, run: FitRun) -> tuple[Data, Data]:
        return self._splits(run)[0]

    def _splits(self, run: FitRun) -> Sequence[tuple[Data, Data]]:
        """Return the rows that each member is trained on, and those it holds out."""
        # With a seed, a warm start holds out the rows that were held out before.
        seeded = isinstance(self.random_state, Integral)
        rng = check_random_state(self.random_state) if seeded else run.rng
        bagging = self.bagging and self.n_members > 1
        return member_splits(run, self.n_members, bagging, rng)

    def _start_network(
        self, data: Data, rng: np.random.RandomState, resumes: bool, one_epoch: bool
    ) -> Network:
        if not resumes:
            return super()._start_network(data, rng, resumes, one_epoch)
        members = self.network_.members
        n_fitted = 1 if members is None else members.n_members
        if n_fitted != self.n_members:
            raise ValueError(
                f"n_members={self.n_members}, but the fitted ensemble has {n_fitted}: "
                f"set n_members={n_fitted} to train it further, or refit with "
                "warm_start=False."
            )
        if members is None:
            return super()._start_network(data, rng, resumes, one_epoch)
        self._check_link()
        return copy.deepcopy(self.network_)  # taken apart when it is trained

    def _train_members(self, run: FitRun, validation: Data | None) -> HeldOutByMembers:
        """Train, and return what each member says of the rows held out."""
        splits: Sequence[tuple[Data, Data] | None] = [None] * self.n_members
        if self.early_stopping and validation is None and not run.one_epoch:
            splits = self._splits(run)
        if self.n_members == 1:
            run.split = splits[0]
            held_out = fit_network(run, validation, self)
            parts = [] if held_out is None else [Part(held_out, None)]
            return HeldOutByMembers(run.targets.loss, parts)
        if run.network.members is None:
            self._others, fitted = [Member() for _ in splits[1:]], None
        else:
            self._others = [member.to_resume() for member in self._others]
            fitted = member_networks(run.network)

        def network_of(rng: np.random.RandomState, i: int) -> Network:
            if fitted is None:
                return self._new_network(run.data, rng, i)
            return self._network_to_resume(fitted[i], run.data)

        if fitted is not None:
            run.network = network_of(run.rng, 0)
        return fit_members(run, validation, self, splits, self._others, network_of)

    def _layer_learning_rates(self, input: Rows) -> Mapping[str, float]:
        assert isinstance(input, Table)
        factors: dict[str, float] = {"scale": RATES["scale"]}
        if input.n_numeric and self.numerical_embedding is not None:
            factors["embedding"] = RATES["embedding"]
        n = len(check_sizes("hidden_layer_sizes", self.hidden_layer_sizes))
        factors["output.b"] = RATES["b"]
        for i in range(1, n + 1):
            factors[f"dense{i}.b"] = RATES["b"]
            factors[f"parametricactivation{i}.alpha"] = RATES["alpha"]
        for name, factor in (self.layer_learning_rates or {}).items():
            factors[name] = factors.get(name, 1.0) * factor
        return factors

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


@shared_docs
class TabularClassifier(BaseTabular, NetworkClassifier):
    """Network classifier for tables: data frames or arrays, with columns of any kind.

    Numbers, text, categories and missing values need no preparation. The networks and
    their training follow RealMLP [1]_, whose hyper-parameters were tuned on many
    tables: robust scaling, learned embeddings of categories, three hidden layers with
    parametric activations, label smoothing, and schedules of the learning rate, of
    dropout and of weight decay. Numbers have piecewise-linear embeddings [3]_. Each of
    four networks holds out a different fifth of the rows to find its best epochs, then
    trains again on all rows and averages the weights of these epochs. The predicted
    probabilities are the mean of those of the four networks.

    Parameters
    ----------
    %(tabular_parameters)s
    %(training_parameters)s
    %(solver_parameters)s
    %(descent_parameters)s
    %(classifier_parameters)s
    calibrate : bool, default=True
        Whether to divide the raw scores by the temperature for which the held-out rows
        have the smallest log-loss [2]_. With one member, the predicted classes stay the
        same.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    temperature_ : float
        The temperature that the raw scores were divided by; 1 without `calibrate`.
    %(training_attributes)s

    See Also
    --------
    TabularRegressor : Network regressor for tables.
    sknn.preprocessing.TableEncoder : How columns are encoded.
    MLPClassifier : Multi-layer perceptron for rows of numbers.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       https://arxiv.org/abs/2407.04491.
    .. [2] C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural
       networks", ICML 2017.
    .. [3] Y. Gorishniy, I. Rubachev, A. Babenko, "On embeddings for numerical features
       in tabular deep learning", NeurIPS 2022, https://arxiv.org/abs/2203.05556.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn import TabularClassifier
    >>> rng = np.random.default_rng(0)
    >>> color = rng.choice(["red", "green", "blue"], 300)
    >>> size = rng.normal(size=300)
    >>> y = np.where((color == "red") == (size > 0), "good", "bad")
    >>> X = np.array([color, size], dtype=object).T
    >>> clf = TabularClassifier(random_state=0).fit(X[:200], y[:200])
    >>> print(f"{clf.score(X[200:], y[200:]):.1f}")
    1.0
    """

    _AUTO_ACTIVATION = "selu"

    calibrate: bool

    temperature_: float

    _parameter_constraints: dict[str, Any] = {
        **NetworkClassifier._parameter_constraints,
        **TABULAR_CONSTRAINTS,
        "calibrate": ["boolean"],
    }

    def __init__(
        self,
        *,
        categorical_features: Any = "from_dtype",
        max_one_hot: int = 9,
        embedding_size: int = 8,
        numerical_embedding: EmbeddingChoice = "piecewise_linear",
        n_members: int = 4,
        bagging: bool = True,
        hidden_layer_sizes: int | ArrayLike = (256, 256, 256),
        activation: str | ActivationFunction = "auto",
        dropout: float | Sequence[float] = 0.15,
        solver: SolverChoice = "adamw",
        alpha: float = 0.0,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: ScheduleChoice = "coslog",
        learning_rate_init: float = 0.04,
        power_t: float = 0.5,
        max_iter: int = 64,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = True,
        validation_fraction: Any = 0.2,
        beta_1: float = 0.9,
        beta_2: float = 0.95,
        epsilon: float = 1e-8,
        n_iter_no_change: float = np.inf,
        max_fun: int = 15000,
        scoring: str | Callable[..., float] | None = "neg_calibrated_loss",
        rho: float = 0.9,
        weight_decay: float = 0.02,
        l1_ratio: float = 0.0,
        max_grad_norm: float | None = None,
        max_grad_value: float | None = None,
        mixup: float = 0.0,
        restore_best: BestChoice = 10,
        refit_on_all: RefitChoice = "auto",
        init_from: Any = None,
        freeze: str | int | Sequence[str] | None = None,
        head_learning_rate: float | None = None,
        layer_learning_rates: Mapping[str, float] | None = None,
        dropout_schedule: ScheduleChoice = "flat_cosine",
        weight_decay_schedule: ScheduleChoice = "flat_cosine",
        drop_last: bool = True,
        max_time: float | None = None,
        class_weight: ClassWeight = None,
        loss: Literal["log_loss"] | Loss = "log_loss",
        label_smoothing: float = 0.1,
        calibrate: bool = True,
    ) -> None:
        self.categorical_features = categorical_features
        self.max_one_hot = max_one_hot
        self.embedding_size = embedding_size
        self.numerical_embedding = numerical_embedding
        self.n_members = n_members
        self.bagging = bagging
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.scoring = scoring
        self.rho = rho
        self.weight_decay = weight_decay
        self.l1_ratio = l1_ratio
        self.max_grad_norm = max_grad_norm
        self.max_grad_value = max_grad_value
        self.mixup = mixup
        self.restore_best = restore_best
        self.refit_on_all = refit_on_all
        self.init_from = init_from
        self.freeze = freeze
        self.head_learning_rate = head_learning_rate
        self.layer_learning_rates = layer_learning_rates
        self.dropout_schedule = dropout_schedule
        self.weight_decay_schedule = weight_decay_schedule
        self.drop_last = drop_last
        self.max_time = max_time
        self.class_weight = class_weight
        self.loss = loss
        self.label_smoothing = label_smoothing
        self.calibrate = calibrate

    def _train(self, run: FitRun, validation: Data | None) -> HeldOut | None:
        held_out = self._train_members(run, validation)
        if not run.keeps_best:
            self.temperature_ = calibrate(run, held_out) if self.calibrate else 1.0
        return held_out.joined()


@shared_docs
class TabularRegressor(BaseTabular, NetworkRegressor):
    """Network regressor for tables: data frames or arrays, with columns of any kind.

    Numbers, text, categories and missing values need no preparation, and the target no
    scaling. The networks and their training are those of `TabularClassifier`, with
    other activations, periodic embeddings of numbers, and a larger learning rate [1]_.

    Parameters
    ----------
    %(loss_parameter)s
    %(tabular_parameters)s
    %(training_parameters)s
    %(solver_parameters)s
    %(descent_parameters)s
    %(regressor_parameters)s
    clip : bool, default=True
        Whether predictions are limited to the range of the training targets.

    Attributes
    ----------
    %(training_attributes)s

    See Also
    --------
    TabularClassifier : Network classifier for tables.
    sknn.preprocessing.TableEncoder : How columns are encoded.
    MLPRegressor : Multi-layer perceptron for rows of numbers.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024,
       https://arxiv.org/abs/2407.04491.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sknn import TabularRegressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    >>> reg = TabularRegressor(random_state=0, max_iter=128).fit(X[:300], y[:300])
    >>> print(f"{reg.score(X[300:], y[300:]):.1f}")
    0.5
    """

    _AUTO_ACTIVATION = "mish"

    clip: bool

    _parameter_constraints: dict[str, Any] = {
        **NetworkRegressor._parameter_constraints,
        **TABULAR_CONSTRAINTS,
        "clip": ["boolean"],
    }

    def __init__(
        self,
        loss: RegressionLossChoice = "squared_error",
        *,
        categorical_features: Any = "from_dtype",
        max_one_hot: int = 9,
        embedding_size: int = 8,
        numerical_embedding: EmbeddingChoice = "periodic",
        n_members: int = 4,
        bagging: bool = True,
        hidden_layer_sizes: int | ArrayLike = (256, 256, 256),
        activation: str | ActivationFunction = "auto",
        dropout: float | Sequence[float] = 0.15,
        solver: SolverChoice = "adamw",
        alpha: float = 0.0,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: ScheduleChoice = "coslog",
        learning_rate_init: float = 0.2,
        power_t: float = 0.5,
        max_iter: int = 64,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = True,
        validation_fraction: Any = 0.2,
        beta_1: float = 0.9,
        beta_2: float = 0.95,
        epsilon: float = 1e-8,
        n_iter_no_change: float = np.inf,
        max_fun: int = 15000,
        scoring: str | Callable[..., float] | None = None,
        rho: float = 0.9,
        weight_decay: float = 0.02,
        l1_ratio: float = 0.0,
        max_grad_norm: float | None = None,
        max_grad_value: float | None = None,
        mixup: float = 0.0,
        restore_best: BestChoice = 10,
        refit_on_all: RefitChoice = "auto",
        init_from: Any = None,
        freeze: str | int | Sequence[str] | None = None,
        head_learning_rate: float | None = None,
        layer_learning_rates: Mapping[str, float] | None = None,
        dropout_schedule: ScheduleChoice = "flat_cosine",
        weight_decay_schedule: ScheduleChoice = "flat_cosine",
        drop_last: bool = True,
        max_time: float | None = None,
        delta: float = 1.0,
        quantile: float | Sequence[float] = 0.5,
        clip: bool = True,
    ) -> None:
        self.loss = loss
        self.categorical_features = categorical_features
        self.max_one_hot = max_one_hot
        self.embedding_size = embedding_size
        self.numerical_embedding = numerical_embedding
        self.n_members = n_members
        self.bagging = bagging
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.scoring = scoring
        self.rho = rho
        self.weight_decay = weight_decay
        self.l1_ratio = l1_ratio
        self.max_grad_norm = max_grad_norm
        self.max_grad_value = max_grad_value
        self.mixup = mixup
        self.restore_best = restore_best
        self.refit_on_all = refit_on_all
        self.init_from = init_from
        self.freeze = freeze
        self.head_learning_rate = head_learning_rate
        self.layer_learning_rates = layer_learning_rates
        self.dropout_schedule = dropout_schedule
        self.weight_decay_schedule = weight_decay_schedule
        self.drop_last = drop_last
        self.max_time = max_time
        self.delta = delta
        self.quantile = quantile
        self.clip = clip

    @overload
    def predict(self, X: Any, return_std: Literal[False] = False) -> Array: ...

    @overload
    def predict(self, X: Any, return_std: Literal[True]) -> tuple[Array, Array]: ...

    def predict(self, X: Any, return_std: bool = False) -> Array | tuple[Array, Array]:
        """Predict the targets of rows of a table.

        Parameters
        ----------
        X : data frame or array-like of shape (n_samples, n_features)
            A table with the columns of the training table.
        return_std : bool, default=False
            Whether to return standard deviations too. With ``loss='gaussian'`` they are
            those of the targets, as the network has learned them; with another loss and
            several members, those of the members' predictions, which tell how little is
            known of a row, not how much the targets vary.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The predicted values: with ``loss='gaussian'`` the means.
        std : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The standard deviations. Only returned if `return_std` is True.

        Raises
        ------
        ValueError
            If `return_std` is True, but there is one member and its loss has no
            standard deviations.
        """
        if not return_std:
            return super().predict(X)
        input = self._fitted_input()
        if self._targets.loss.predicts_std:
            return super().predict(X, return_std=True)
        if self.network_.members is None:
            raise ValueError(
                "return_std=True needs loss='gaussian', which learns a standard "
                "deviation, or several members, whose predictions differ, but loss="
                f"{self.loss!r} and n_members=1."
            )
        encoded = check_X(self, X, input)
        z = self.network_.last_outputs(encoded)
        n_scores = self.network_.n_scores
        of_members = [
            self._targets.predict(z[:, i : i + n_scores].copy())
            for i in range(0, z.shape[1], n_scores)
        ]
        return self.predict(X), np.std(of_members, axis=0)

    def _make_targets(
        self, y: Any, known: Targets | None, *, all_classes: bool
    ) -> NumberTargets:
        loss = regression_loss(make_part(self.loss, REGRESSION_LOSSES, vars(self)))
        if isinstance(known, ScaledTargets) and known.scales_like(loss):
            return replace(known, loss=loss, clip=self.clip).ranging_over(y)
        return ScaledTargets.learn(y, loss, self.clip)
