"""From the raw scores of a network to its predictions, as modules."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..._typing import Array
from .._plan import ClassHead, NumberHead


def probabilities(head: ClassHead) -> nn.Module:
    """Return what makes probabilities of raw scores."""
    match head.kind:
        case "one class":
            return OneClass()
        case "binary":
            return TwoClasses()
    return nn.Sigmoid() if head.kind == "multilabel" else nn.Softmax(1)


def numbers(head: NumberHead) -> nn.Module:
    """Return what makes numbers in the units of the targets of raw scores."""
    links: dict[str, nn.Module] = {
        "identity": nn.Identity(),
        "exp": Exp(),
        "quantile": Quantiles(head.n_levels),
        "gaussian": Means(),
    }
    link = links[head.link]
    arrays = {name: getattr(head, name) for name in ("low", "high", "center", "scale")}
    found = {name: array for name, array in arrays.items() if array is not None}
    return nn.Sequential(link, InUnits(**found)) if found else link


class OneClass(nn.Module):
    """The probability of the only class."""

    def forward(self, z: Tensor) -> Tensor:
        """Return ones."""
        return torch.ones_like(z)


class TwoClasses(nn.Module):
    """The probabilities of two classes, for the log-odds of the second."""

    def forward(self, z: Tensor) -> Tensor:
        """Return two columns."""
        p = torch.sigmoid(z)
        return torch.cat([1 - p, p], 1)


class Exp(nn.Module):
    """The exponential function."""

    def forward(self, z: Tensor) -> Tensor:
        """Return eᶻ."""
        return torch.exp(z)


class Quantiles(nn.Module):
    """Quantiles in increasing order: each difference is ``log(1 + eᶻ)``."""

    def __init__(self, n_levels: int) -> None:
        super().__init__()
        self.n_levels = n_levels

    def forward(self, z: Tensor) -> Tensor:
        """Return the quantiles, those of one output in adjacent columns."""
        levels = z.unflatten(1, (-1, self.n_levels))
        steps = torch.cat([levels[..., :1], softplus(levels[..., 1:])], 2)
        return steps.cumsum(2).flatten(1)


class Means(nn.Module):
    """The means among means and standard deviations."""

    def forward(self, z: Tensor) -> Tensor:
        """Return every second column."""
        return z[:, ::2]


class InUnits(nn.Module):
    """Numbers limited to the range of the targets, and in their units, in float64."""

    def __init__(self, **arrays: Array) -> None:
        super().__init__()
        for name in ("low", "high", "center", "scale"):
            array = arrays.get(name)
            tensor = None
            if array is not None:
                tensor = torch.from_numpy(np.array(array, np.float64))
            self.register_buffer(name, tensor)

    def forward(self, y: Tensor) -> Tensor:
        """Return numbers in the units of the targets."""
        if self.low is not None:
            y = torch.minimum(torch.maximum(y, self.low), self.high)
        return y if self.scale is None else y * self.scale + self.center


class JointScores(nn.Module):
    """The raw scores of an ensemble, for those of its members (n, k n_scores).

    They are the scores for which a single network predicts what the ensemble does.
    """

    def __init__(self, head: ClassHead | NumberHead) -> None:
        super().__init__()
        self.link, self.n_members = head.link, head.n_members
        if isinstance(head, NumberHead):
            self.n_levels, self.min_std = head.n_levels, head.min_std

    def forward(self, z: Tensor) -> Tensor:
        """Return scores (n, n_scores)."""
        z = z.unflatten(1, (self.n_members, -1))
        match self.link:
            case "logistic":
                log_p, log_q = F.logsigmoid(z), F.logsigmoid(-z)
                return log_p.logsumexp(1) - log_q.logsumexp(1)
            case "softmax":
                return z.log_softmax(2).logsumexp(1)
            case "exp":
                return z.logsumexp(1) - math.log(self.n_members)
            case "quantile":
                levels = z.unflatten(2, (-1, self.n_levels))
                steps = softplus(levels[..., 1:]).mean(1)
                first = levels[..., :1].mean(1)
                return torch.cat([first, inverse_softplus(steps)], 2).flatten(1)
            case "gaussian":
                means, stds = z[..., ::2], softplus(z[..., 1::2]) + self.min_std
                variance = (stds * stds).mean(1) + means.var(1, correction=0)
                std = inverse_softplus(variance.sqrt() - self.min_std)
                return torch.stack([means.mean(1), std], 2).flatten(1)
        return z.mean(1)


def softplus(z: Tensor) -> Tensor:
    """Return ``log(1 + eᶻ)``, to the last digit."""
    return F.softplus(z, threshold=40)


def inverse_softplus(a: Tensor) -> Tensor:
    """Return z with ``log(1 + eᶻ) = a``."""
    a = a.clamp(min=torch.finfo(a.dtype).tiny)
    return a + torch.log(-torch.expm1(-a))
