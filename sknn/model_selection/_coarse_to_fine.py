"""A random search in rounds, from coarse to fine."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from numbers import Integral, Real
from typing import Any

import joblib
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ParameterSampler
from sklearn.utils import check_random_state

from .._network_finder import networks_by_prefix
from .._sklearn import BaseSearchCV, Interval
from ._ranges import make_ranges


class CoarseToFineSearchCV(BaseSearchCV):
    """Random search in rounds: many candidates trained briefly, then fewer for longer.

    The first round draws `n_candidates` from the distributions and trains each for a
    few epochs. Each next round trains longer, fewer candidates in proportion, so that
    all rounds cost the same. Up to one half of them, rounded up, are the good ones of
    the round before; the rest are drawn anew, from ranges that have narrowed to where
    the best `keep_fraction` of the round before lie:

    - A range of numbers becomes that of the good values, and at both ends a gap more,
      as wide as k values leave between them that are spread evenly over the old range.
      The gap keeps the range of a parameter that does not matter, in the mean; and
      beyond a good value near an end the range moves outward, as far as a network
      allows its parameter; of other estimators it stays within what was given. A range
      never gets wider. `scipy.stats.loguniform` narrows in the logarithm,
      `scipy.stats.uniform` as it is, `scipy.stats.randint` in whole numbers.
    - A list of numbers does the same along its sorted values, and never leaves them.
    - Of a list of anything else, that survives which a good candidate has.
    - A distribution of another kind stays as it is.

    The last round trains for the `max_iter` of the estimator. Its best candidate is the
    choice, and is refitted on all rows.

    Parameters
    ----------
    estimator : estimator
        A network, or an estimator that holds one, such as a `Pipeline`; any estimator
        of scikit-learn with a limit of epochs or iterations, in fact.
    param_distributions : dict of str to list or distribution
        Where to look, as for `RandomizedSearchCV`; :func:`search_space` makes one.
    n_rounds : int, default=3
        Number of rounds; a single one is a random search.
    n_candidates : int, default=27
        Candidates of the first round. Round r has ``n_candidates * n_epochs_[0] /
        n_epochs_[r]``, rounded, at least one; fewer where all distributions are lists
        and run out of combinations.
    coarse_max_iter : int or None, default=None
        Epochs of the first round, from which they grow by the same factor each round.
        None makes that factor 3: ``max_iter // 3 ** (n_rounds - 1)``, at least one.
    keep_fraction : float, default=0.3
        Share of a round's candidates that count as good, in (0, 1); at least one does.
    epochs_param : str or None, default=None
        Name of the parameter that limits the epochs. None finds ``max_iter`` of the
        network, in a pipeline ``mlp__max_iter`` or the like.
    scoring, n_jobs, cv, verbose, pre_dispatch, error_score, return_train_score
        As in `RandomizedSearchCV`.
    refit : bool, str or callable, default=True
        As in `RandomizedSearchCV`. With several metrics it must name the one that
        counts. A callable is given the part of `cv_results_` that is the last round,
        and returns an index into that.
    random_state : int, RandomState instance or None, default=None
        Decides what is drawn. An int gives the same candidates on each call.

    Attributes
    ----------
    cv_results_ : dict of ndarrays
        As of `RandomizedSearchCV`, all rounds one below the other, with two columns
        more: ``round``, from 0 up, and ``n_epochs``, the limit of epochs, which is
        among the parameters too. The ranks are over all rounds, though only scores of
        the same round compare.
    ranges_ : list of dict
        For each round what its new candidates were drawn from, in the form of
        `param_distributions`: ``ranges_[-1]`` could go to a `RandomizedSearchCV`.
    n_candidates_, n_epochs_ : list of int
        Candidates of each round, and epochs for each of them; the search, not counting
        the refit, takes at most ``n_splits_ * sum(n_candidates_[r] * n_epochs_[r])``.
    epochs_param_ : str
        Name of the parameter that limits the epochs.
    best_estimator_, best_score_, best_params_, best_index_
        As of `RandomizedSearchCV`, for the best candidate of the last round.
    scorer_, n_splits_, refit_time_, multimetric_, classes_, n_features_in_, \
feature_names_in_
        As of `RandomizedSearchCV`.

    See Also
    --------
    search_space : Distributions for a network.
    sklearn.model_selection.RandomizedSearchCV : Trains all candidates to the end.
    sklearn.model_selection.HalvingRandomSearchCV : Draws once, then drops the worse.

    Notes
    -----
    That random candidates beat a grid is shown in [1]_. To search from coarse to fine,
    first for a few epochs and then longer in narrower ranges, is advice of [2]_. To
    draw anew from where the best share of the last draw lies is the cross-entropy
    method [3]_; to go on with the best, for longer, is successive halving [4]_.

    Convergence warnings that the epochs are few are silenced in all rounds but the
    last, where few epochs are not meant. A learning rate that does best in few epochs
    may be too high for many; schedules that are planned for `max_iter`, such as
    ``learning_rate='cosine'``, make few epochs a fairer trial of many.

    References
    ----------
    .. [1] J. Bergstra, Y. Bengio, "Random search for hyper-parameter optimization",
       Journal of Machine Learning Research 13, 2012.
    .. [2] A. Karpathy, J. Johnson, F.-F. Li, "CS231n: Convolutional neural networks for
       visual recognition", course notes, Stanford University, 2016.
    .. [3] R. Rubinstein, "The cross-entropy method for combinatorial and continuous
       optimization", Methodology and Computing in Applied Probability 1, 1999.
    .. [4] K. Jamieson, A. Talwalkar, "Non-stochastic best arm identification and
       hyperparameter optimization", AISTATS 2016.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from sknn import MLPClassifier
    >>> from sknn.model_selection import CoarseToFineSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> net = MLPClassifier((16,), learning_rate="cosine", max_iter=36, random_state=0)
    >>> space = {"learning_rate_init": loguniform(1e-5, 1)}
    >>> search = CoarseToFineSearchCV(net, space, random_state=0).fit(scale(X), y)
    >>> search.n_candidates_, search.n_epochs_
    ([27, 9, 3], [4, 12, 36])
    >>> for ranges in search.ranges_:
    ...     low, high = ranges["learning_rate_init"].support()
    ...     print(f"{low:.0e} to {high:.0e}")
    1e-05 to 1e+00
    2e-02 to 2e+00
    7e-02 to 1e+00
    >>> bool(search.best_score_ > 0.9)
    True
    """

    _parameter_constraints: dict[str, Any] = {
        **BaseSearchCV._parameter_constraints,
        "param_distributions": [dict],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "n_candidates": [Interval(Integral, 1, None, closed="left")],
        "coarse_max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "keep_fraction": [Interval(Real, 0, 1, closed="neither")],
        "epochs_param": [str, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any,
        param_distributions: dict[str, Any],
        *,
        n_rounds: int = 3,
        n_candidates: int = 27,
        coarse_max_iter: int | None = None,
        keep_fraction: float = 0.3,
        epochs_param: str | None = None,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: bool | str | Callable[..., int] = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        random_state: int | np.random.RandomState | None = None,
        error_score: float | str = np.nan,
        return_train_score: bool = False,
    ) -> None:
        super().__init__(
            estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_distributions = param_distributions
        self.n_rounds = n_rounds
        self.n_candidates = n_candidates
        self.coarse_max_iter = coarse_max_iter
        self.keep_fraction = keep_fraction
        self.epochs_param = epochs_param
        self.random_state = random_state

    def _run_search(
        self, evaluate_candidates: Callable[..., Any], *, callback_ctx: Any = None
    ) -> None:
        """Search round by round; scikit-learn before 1.9 passes no `callback_ctx`."""
        if isinstance(self.scoring, list | tuple | set | dict) and not isinstance(
            self.refit, str
        ):
            raise self._refit_error()
        ranges = make_ranges(self.param_distributions, self.estimator)
        self.epochs_param_ = self._find_epochs_param()
        self.n_epochs_ = self._plan_epochs()
        self.n_candidates_: list[int] = []
        self.ranges_: list[dict[str, Any]] = []
        rng = check_random_state(self.random_state)
        good: list[dict[str, Any]] = []
        with _task(callback_ctx, self, "search") as search:
            for n_epochs in self.n_epochs_:
                if good:
                    ranges = {
                        name: values.narrow([params[name] for params in good])
                        for name, values in ranges.items()
                    }
                self.ranges_.append({name: r.source for name, r in ranges.items()})
                n = max(1, round(self.n_candidates * self.n_epochs_[0] / n_epochs))
                candidates = self._draw(n, good[: (n + 1) // 2], rng)
                self.n_candidates_.append(len(candidates))
                scores = self._evaluate(candidates, evaluate_candidates, search)
                good = self._select_good(candidates, scores)

    def _find_epochs_param(self) -> str:
        """Return the name of the parameter that limits the epochs."""
        params = self.estimator.get_params()
        if self.epochs_param is not None:
            found = [self.epochs_param] if self.epochs_param in params else []
        else:
            prefixes = networks_by_prefix(self.estimator)
            found = [f"{prefix}max_iter" for prefix in prefixes] or [
                name for name in params if name.rpartition("__")[2] == "max_iter"
            ]
        if len(found) != 1:
            raise ValueError(
                f"epochs_param={self.epochs_param!r} does not say which parameter of "
                f"{self.estimator!r} limits the epochs, such as 'mlp__max_iter': "
                f"{found or 'none'} would do."
            )
        if found[0] in self.param_distributions:
            raise ValueError(
                f"param_distributions must not hold {found[0]!r}, which the search "
                "sets itself, round by round."
            )
        return found[0]

    def _plan_epochs(self) -> list[int]:
        """Return the epochs of each round: they grow by the same factor."""
        name = self.epochs_param_
        last = self.estimator.get_params()[name]
        if not isinstance(last, int | np.integer) or last < 1:
            raise ValueError(
                f"{name} must be a whole number from 1 up, to limit the epochs of the "
                f"last round, got {last!r}."
            )
        first = self.coarse_max_iter or max(1, last // 3 ** (self.n_rounds - 1))
        if first > last:
            raise ValueError(
                f"coarse_max_iter={first} must not exceed {name}={last}, the epochs of "
                "the last round."
            )
        # From the last round back, which is the only one if there is one.
        epochs = np.geomspace(last, first, self.n_rounds)[::-1]
        return [int(n) for n in epochs.round()]

    def _draw(
        self, n: int, kept: list[dict[str, Any]], rng: np.random.RandomState
    ) -> list[dict[str, Any]]:
        """Return `n` candidates: those kept, and others from the round's ranges."""
        sampler = ParameterSampler(self.ranges_[-1], n - len(kept), random_state=rng)
        sampler.n_iter = len(sampler)  # lists may hold fewer combinations
        known = {joblib.hash(params) for params in kept}
        return kept + [new for new in sampler if joblib.hash(new) not in known]

    def _evaluate(
        self,
        candidates: list[dict[str, Any]],
        evaluate_candidates: Callable[..., Any],
        search: Any,
    ) -> np.ndarray:
        """Train and score the candidates of the next round; return their scores."""
        this, n = len(self.ranges_) - 1, len(candidates)
        n_epochs = self.n_epochs_[this]
        if self.verbose > 0:
            print(
                f"Round {this} of 0 to {self.n_rounds - 1}: {n} candidates, {n_epochs} "
                "epochs each"
            )
        is_last = this == self.n_rounds - 1
        silence = nullcontext() if is_last else _few_epochs_are_meant()
        with silence, _task(search, self, "round", n) as context:
            try:
                results = evaluate_candidates(
                    [{**params, self.epochs_param_: n_epochs} for params in candidates],
                    more_results={"round": [this] * n, "n_epochs": [n_epochs] * n},
                    **({} if context is None else {"callback_ctx": context}),
                )
            except ValueError as error:
                if this == 0 or "fits failed" not in str(error):
                    raise
                raise ValueError(
                    f"All candidates of round {this} failed, in which they train for "
                    f"{n_epochs} epochs; those of round {this - 1} did not. Rates that "
                    "do best in few epochs may diverge in more: lower the top of the "
                    "learning rates, set max_grad_norm=1 in the network, or raise "
                    "n_candidates."
                ) from error
        for key in (f"mean_test_{self.refit}", "mean_test_score"):
            if key in results:
                return results[key][-n:]
        raise self._refit_error()  # a callable may score by several

    def _refit_error(self) -> ValueError:
        """Return the error of several metrics of which none ranks the candidates."""
        return ValueError(
            "refit must be the name of a metric where there are several, to tell which "
            f"candidates of a round are good, got refit={self.refit!r}."
        )

    def _select_good(
        self, candidates: list[dict[str, Any]], scores: np.ndarray
    ) -> list[dict[str, Any]]:
        """Return the best share of the candidates, the best first; none that failed."""
        n_good = math.ceil(self.keep_fraction * len(candidates))
        best = np.argsort(-scores, kind="stable")[:n_good]
        return [candidates[i] for i in best if np.isfinite(scores[i])]

    @staticmethod
    def _select_best_index(
        refit: Any, refit_metric: str, results: dict[str, Any]
    ) -> Any:
        """Return the index of the best candidate of the last round."""
        last = np.flatnonzero(results["round"] == results["round"][-1])
        of_last = {
            key: values[last[0] :] if key == "params" else values[last]
            for key, values in results.items()
        }
        return last[BaseSearchCV._select_best_index(refit, refit_metric, of_last)]


@contextmanager
def _few_epochs_are_meant() -> Iterator[None]:
    """Silence warnings that there were too few epochs, and no others.

    The `Parallel` of newer versions of scikit-learn takes filters along to its workers.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore",
            r"(?s).*(max_iter|maximum (number of )?iteration|failed to converge)",
            ConvergenceWarning,
        )
        yield


@contextmanager
def _task(
    parent: Any, search: Any, name: str, n_candidates: int | None = None
) -> Iterator[Any]:
    """Tell scikit-learn's callbacks of the search, or of a round with its candidates.

    Yields what those of its parts need, or None before scikit-learn 1.9.
    """
    if parent is None:
        yield None
        return
    if n_candidates is None:
        context = parent.subcontext(task_name=name, max_subtasks=search.n_rounds)
    else:
        context = parent.subcontext(
            task_name=name,
            max_subtasks=n_candidates * search.n_splits_,
            sequential_subtasks=False,
        )
    context.call_on_fit_task_begin(estimator=search)
    yield context
    context.call_on_fit_task_end(estimator=search)
