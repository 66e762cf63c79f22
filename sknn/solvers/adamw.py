"""AdamW: Adam with decoupled weight decay."""

from __future__ import annotations

from math import inf

from .._spec import check_range, spec
from .adam import Adam


@spec
class AdamW(Adam):
    """Adam with decoupled weight decay [1]_: ``W ← (1 - η λ) W``, then Adam's step.

    Adam divides the gradient of an L2 penalty by the size of past gradients, so the
    penalty has little effect on parameters with large gradients. Decoupled decay
    shrinks all weights at the same rate. Biases do not decay. Usually combined with
    ``alpha=0``.

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

    >>> from sknn.solvers import AdamW
    >>> AdamW(weight_decay=0.1)
    AdamW(weight_decay=0.1)
    """

    weight_decay: float = 0.01  # type: ignore[misc]

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "weight_decay", 0, inf, closed="left")
