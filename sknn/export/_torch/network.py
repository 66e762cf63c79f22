"""A whole network as a module: its layers, and the head that makes predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...layers import ToImages
from .._plan import ClassHead, NumberHead, Plan, Step
from .heads import JointScores, numbers, probabilities
from .layers import sequential
from .modules import Pixels


def network_module(plan: Plan) -> nn.Module:
    """Return the network of a plan, in evaluation mode."""
    steps = plan.steps
    if plan.image_shape is not None:
        steps = without_conversion(steps)
    parts = sequential(steps), plan.reads_bytes
    if isinstance(plan.head, ClassHead):
        module: nn.Module = ClassifierModule(*parts, plan.head, plan.encoder)
    else:
        module = RegressorModule(*parts, plan.head, plan.encoder)
    module.layers.to(getattr(torch, plan.dtype.name))  # the units stay in float64
    return module.eval()


def without_conversion(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return steps without the first `ToImages`: PyTorch's images are ready.

    Only dropout comes before it, which acts on images as it does on rows of pixels.
    """
    i = next(i for i, step in enumerate(steps) if type(step.layer) is ToImages)
    return (*steps[:i], *steps[i + 1 :])


class NetworkModule(nn.Module):
    """The layers of a network, with what surrounds them in an estimator."""

    def __init__(
        self,
        layers: nn.Sequential,
        reads_bytes: bool,
        head: ClassHead | NumberHead,
        encoder: Any,
    ) -> None:
        super().__init__()
        self.input = Pixels() if reads_bytes else nn.Identity()
        self.layers = layers
        self.joint = JointScores(head) if head.n_members > 1 else nn.Identity()
        if isinstance(head, ClassHead):
            self.head = probabilities(head)
        else:
            self.head = numbers(head)
        self.encoder = encoder

    def forward(self, x: Tensor) -> Tensor:
        """Return the raw scores, (n, n_scores)."""
        return self.joint(self.layers(self.input(x)))


class ClassifierModule(NetworkModule):
    """A classifier."""

    def __init__(
        self, layers: nn.Sequential, reads_bytes: bool, head: ClassHead, encoder: Any
    ) -> None:
        super().__init__(layers, reads_bytes, head, encoder)
        self.classes_, self.kind = head.classes.copy(), head.kind

    def predict_proba(self, x: Tensor) -> Tensor:
        """Return the probabilities of the classes, or of the labels."""
        return self.head(self(x))

    def predict(self, x: Tensor) -> Tensor:
        """Return the indices of the classes in `classes_`, or 0 or 1 for each label."""
        z = self(x)
        if self.kind == "multilabel":
            return (z > 0).long()
        if self.kind == "multiclass":
            return z.argmax(1)
        above = (z > 0).long().flatten()
        return above if self.kind == "binary" else torch.zeros_like(above)


class RegressorModule(NetworkModule):
    """A regressor."""

    def predict(self, x: Tensor) -> Tensor:
        """Return the predicted numbers."""
        y = self.head(self(x))
        return y.flatten() if y.shape[1] == 1 else y
