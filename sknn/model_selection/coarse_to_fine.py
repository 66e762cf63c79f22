"""CoarseToFineSearchCV: a random search in rounds, from coarse to fine."""

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
from .._sklearn import BaseSearchCV, DocLinkMixin, Interval
from ._ranges import make_ranges


class CoarseToFineSearchCV(DocLinkMixin, BaseSearchCV):
    """Random search in rounds: many candidates trained briefly, then fewer for longer.

    The first round draws `n_candidates` from the distributions and trains each for a
    few epochs. Each later round trains proportionally fewer candidates for longer, so
    that all rounds cost the same. Up to half of its candidates, rounded up, are the
    good candidates of the previous round. The rest are drawn from ranges that have
    narrowed to where the best `keep_fraction` of the previous round lie:

    - An interval of numbers becomes the interval of the good values, extended at both
      ends by a gap: the width of the old interval divided by k + 1, where k is the
      number of good candidates. This is the expected distance between neighbors of k
      values drawn uniformly from the old interval, so the interval of a parameter that
      does not matter stays the same on average. Near a good value at an end the
      interval moves outward: for parameters of a network, as far as the network allows;
      for those of other estimators, within the given interval only. An interval never
      gets wider. `scipy.stats.loguniform` narrows on a logarithmic scale,
      `scipy.stats.uniform` on a linear one, `scipy.stats.randint` in integers.
    - A list of numbers narrows in the same way along its sorted values, and keeps to
      them.
    - A list of anything else keeps the values that a good candidate has.
    - Any other distribution stays as it is, and so does a constant such as
      ``scipy.stats.uniform(0.1, 0)``.

    The last round trains for the `max_iter` of the estimator. Its best candidate is
    selected, and refitted on all rows.

    Parameters
    ----------
    estimator : estimator
        A network, or an estimator that contains one, such as a `Pipeline`. Any other
        scikit-learn estimator that limits its epochs or iterations works as well.
    param_distributions : dict of str to list or distribution
        What to draw each parameter from, as for
        :class:`~sklearn.model_selection.RandomizedSearchCV`; :func:`search_space` makes
        one.
    n_rounds : int, default=3
        Number of rounds. With one round this is a random search.
    n_candidates : int, default=27
        Number of candidates in the first round. Round r has ``n_candidates *
        n_epochs_[0] / n_epochs_[r]``, rounded, but at least one. There are fewer if all
        distributions are lists that run out of combinations.
    coarse_max_iter : int or None, default=None
        Number of epochs in the first round. It grows by the same factor in each round.
        None makes that factor 3: ``max_iter // 3 ** (n_rounds - 1)``, at least one.
    keep_fraction : float, default=0.3
        Fraction of the candidates of a round that count as good, in (0, 1); at least
        one does.
    epochs_param : str or None, default=None
        Name of the parameter that limits the epochs. None finds the ``max_iter`` of the
        network, in a pipeline ``mlp__max_iter`` or the like.
    scoring : str, callable, list, tuple, dict or None, default=None
        One or several metrics, as in `RandomizedSearchCV`. None is the `score` of the
        estimator.
    n_jobs : int or None, default=None
        Number of fits in parallel. None means 1, unless ``joblib.parallel_config`` sets
        another number; -1 means as many as there are processors.
    refit : bool, str or callable, default=True
        As in `RandomizedSearchCV`. With several metrics it must name the one that ranks
        the candidates. A callable receives the part of `cv_results_` that belongs to
        the last round, and returns an index into it.
    cv : int, cross-validation generator, iterable or None, default=None
        The splits, as in `RandomizedSearchCV`. None is 5-fold cross-validation.
    verbose : int, default=0
        If 1 or more, print a line for each round. Larger numbers also print the fits,
        as in `RandomizedSearchCV`.
    pre_dispatch : int or str, default='2*n_jobs'
        Number of fits that are passed to the workers ahead of time.
    random_state : int, RandomState instance or None, default=None
        Determines the draws. Pass an int for the same candidates in each call.
    error_score : 'raise' or float, default=np.nan
        Score of a candidate whose fit fails. With 'raise' the error is raised.
    return_train_score : bool, default=False
        Whether `cv_results_` has the scores on the training rows as well.

    Attributes
    ----------
    cv_results_ : dict of ndarrays
        As in `RandomizedSearchCV`, with the rounds one after the other and two more
        columns: ``round``, from 0, and ``n_epochs``, the maximum number of epochs,
        which is also among the parameters. The ranks are over all rounds, although only
        scores of the same round are comparable.
    ranges_ : list of dict
        What the new candidates of each round were drawn from, in the form of
        `param_distributions`: ``ranges_[-1]`` can be passed to `RandomizedSearchCV`.
    n_candidates_, n_epochs_ : list of int
        Number of candidates in each round, and of epochs for each candidate. Without
        the refit, the search takes at most
        ``n_splits_ * sum(n_candidates_[r] * n_epochs_[r])`` epochs.
    epochs_param_ : str
        Name of the parameter that limits the epochs.
    best_estimator_, best_score_, best_params_, best_index_
        As in `RandomizedSearchCV`, for the best candidate of the last round.
    scorer_, n_splits_, refit_time_, multimetric_, classes_, n_features_in_, \
feature_names_in_
        As in `RandomizedSearchCV`.

    See Also
    --------
    search_space : Distributions for the parameters of a network.
    sklearn.model_selection.RandomizedSearchCV : Trains every candidate to the end.
    sklearn.model_selection.HalvingRandomSearchCV : Draws once, then drops the worse
        candidates.

    Notes
    -----
    Random search was shown to beat grid search in [1]_. Searching from coarse to fine,
    first for a few epochs and then for longer in narrower ranges, is recommended in
    [2]_. Drawing again from where the best candidates of the last draw lie is the
    cross-entropy method [3]_; training the best candidates for longer is successive
    halving [4]_.

    Warnings that training has not converged are silenced in all rounds but the last,
    since short training is intended there. The learning rate that is best for a few
    epochs may be too high for many. Schedules that are planned for `max_iter` epochs,
    such as ``learning_rate='cosine'``, make short training more comparable with long
    training.

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
    ...
    1e-05 to 1e+00
    2e-02 to 2e+00
    7e-02 to 1e+00
    >>> print(f"{search.best_score_:.2f}")
    0.97
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
                "epochs_param must name the one parameter of the estimator that limits "
                f"the epochs, such as 'mlp__max_iter', got {self.epochs_param!r}. In "
                f"{self.estimator!r} these could be meant: {found or 'none'}."
            )
        if found[0] in self.param_distributions:
            raise ValueError(
                f"param_distributions must not contain {found[0]!r}, because the "
                "search sets it in each round."
            )
        return found[0]

    def _plan_epochs(self) -> list[int]:
        """Return the number of epochs in each round, which grows geometrically."""
        name = self.epochs_param_
        last = self.estimator.get_params()[name]
        if not isinstance(last, int | np.integer) or last < 1:
            raise ValueError(
                f"{name} must be an integer of at least 1, the number of epochs in the "
                f"last round, got {last!r}."
            )
        first = self.coarse_max_iter or max(1, last // 3 ** (self.n_rounds - 1))
        if first > last:
            raise ValueError(
                f"coarse_max_iter={first} must not exceed {name}={last}, the number of "
                "epochs in the last round."
            )
        # Backwards, so that a single round trains for the epochs of the last one.
        epochs = np.geomspace(last, first, self.n_rounds)[::-1]
        return [int(n) for n in epochs.round()]

    def _draw(
        self, n: int, kept: list[dict[str, Any]], rng: np.random.RandomState
    ) -> list[dict[str, Any]]:
        """Return `n` candidates: those kept, and new ones from the current ranges."""
        sampler = ParameterSampler(self.ranges_[-1], n - len(kept), random_state=rng)
        sampler.n_iter = len(sampler)  # lists may have fewer combinations
        known = {joblib.hash(params) for params in kept}
        return kept + [new for new in sampler if joblib.hash(new) not in known]

    def _evaluate(
        self,
        candidates: list[dict[str, Any]],
        evaluate_candidates: Callable[..., Any],
        search: Any,
    ) -> np.ndarray:
        """Train and score the candidates of a round; return their scores."""
        this, n = len(self.ranges_) - 1, len(candidates)
        n_epochs = self.n_epochs_[this]
        if self.verbose > 0:
            print(
                f"Round {this} of 0 to {self.n_rounds - 1}: {n} candidates, {n_epochs} "
                "epochs each"
            )
        is_last = this == self.n_rounds - 1
        silence = nullcontext() if is_last else _no_convergence_warnings()
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
                    f"All candidates failed in round {this}, which trains for "
                    f"{n_epochs} epochs; in round {this - 1} some did not. Learning "
                    "rates that are best for a few epochs may diverge in more: lower "
                    "the upper end of learning_rate_init, set max_grad_norm=1 in the "
                    "network, or raise n_candidates."
                ) from error
        for key in (f"mean_test_{self.refit}", "mean_test_score"):
            if key in results:
                return results[key][-n:]
        raise self._refit_error()  # a callable `scoring` may return several scores

    def _refit_error(self) -> ValueError:
        """Return the error for several metrics, none of which is named by `refit`."""
        return ValueError(
            "With several metrics, refit must be the name of the one that ranks the "
            f"candidates of a round, got refit={self.refit!r}."
        )

    def _select_good(
        self, candidates: list[dict[str, Any]], scores: np.ndarray
    ) -> list[dict[str, Any]]:
        """Return the good candidates, the best first, without those that failed."""
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
def _no_convergence_warnings() -> Iterator[None]:
    """Silence warnings that training stopped at its limit of epochs, and no others.

    In recent versions of scikit-learn, `Parallel` passes the filters to its workers.
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
    """Report the search, or a round with its candidates, to scikit-learn's callbacks.

    Yields the context for the tasks within it, or None before scikit-learn 1.9.
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
