"""AdamW: Adam with decoupled weight decay."""

from __future__ import annotations

from math import inf

from .._spec import check_range, spec
from .adam import Adam


@spec
class AdamW(Adam):
    """Adam with decoupled weight decay.

    In each step the weights decay first, ``W ← (1 - η λ) W``, where η is the learning
    rate. Then Adam's step follows, see `sknn.solvers.Adam`.

    Adam divides the gradient of an L2 penalty by the size of past gradients, so the
    penalty has little effect on parameters with large gradients. Decoupled decay
    shrinks all weights at the same rate. Biases do not decay. Usually combined with
    ``alpha=0``.

    It was proposed in [1]_.

    Parameters
    ----------
    beta_1 : float, default=0.9
        β₁, in [0, 1): decay rate of the running mean of gradients.
    beta_2 : float, default=0.999
        β₂, in [0, 1): decay rate of the running mean of squared gradients.
    epsilon : float, default=1e-8
        ε > 0, which prevents division by zero.
    weight_decay : float, default=0.01
        λ ≥ 0, relative to the learning rate η.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019,
       https://arxiv.org/abs/1711.05101.

    Examples
    --------
    The step is Adam's. The training loop applies the decay, and only to weights:

    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sknn import MLPClassifier
    >>> from sknn.solvers import AdamW
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MLPClassifier(alpha=0, learning_rate="linear", random_state=0)
    >>> for weight_decay in (0.0, 10.0):
    ...     clf = clf.set_params(solver=AdamW(weight_decay=weight_decay)).fit(X, y)
    ...     norm = np.linalg.norm(clf.coefs_[0])
    ...     print(f"weight_decay {weight_decay}: norm of the first weights {norm:.1f}")
    weight_decay 0.0: norm of the first weights 3.0
    weight_decay 10.0: norm of the first weights 1.2

    By name: ``MLPClassifier(solver="adamw")``.
    """

    weight_decay: float = 0.01  # type: ignore[misc]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "weight_decay", 0, inf, closed="left")
