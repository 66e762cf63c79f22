"""The layers that PyTorch does not have, as modules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..._typing import Array, Shape


def parameter(array: Array) -> nn.Parameter:
    """Return a copy of an array as a parameter."""
    return nn.Parameter(torch.from_numpy(np.array(array)))


class Pixels(nn.Module):
    """Bytes as fractions of 255; floats, which are such fractions already, stay."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the pixels as floats."""
        return x.float() / 255 if x.dtype == torch.uint8 else x


class ToImages(nn.Module):
    """Rows of pixels, channels last, as images (n, channels, height, width)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """Return the images."""
        return x.reshape(-1, *self.shape).permute(0, 3, 1, 2)

    def extra_repr(self) -> str:
        """Return height, width and channels."""
        return f"{self.shape}"


class Residual(nn.Module):
    """``F(x) + P(x)``; P is the identity, or a linear map."""

    def __init__(self, inner: nn.Module, projection: nn.Module) -> None:
        super().__init__()
        self.inner, self.projection = inner, projection

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum."""
        return self.inner(x) + self.projection(x)


class DropConnect(nn.Module):
    """A dense layer whose weights are dropped in training."""

    def __init__(self, dense: nn.Module, rate: float) -> None:
        super().__init__()
        self.dense, self.dropout = dense, nn.Dropout(rate)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output of the layer with masked weights."""
        if not self.training:
            return self.dense(x)
        weights = {"weight": self.dropout(self.dense.weight)}
        return torch.func.functional_call(self.dense, weights, (x,))


class Scale(nn.Module):
    """A factor of each element of a row."""

    def __init__(self, factors: Array) -> None:
        super().__init__()
        self.weight = parameter(factors)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``s x``."""
        return x * self.weight


class ParametricActivation(nn.Module):
    """``x + α (f(x) - x)``, with an α of each unit, channel, or unit of a member."""

    def __init__(self, function: nn.Module, alpha: Array, out_shape: Shape) -> None:
        super().__init__()
        self.function = function
        # The channels of an image are its first axis, units the last one of a row.
        self.weight = parameter(
            alpha.reshape(-1, 1, 1) if len(out_shape) == 3 else alpha
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the mixture of x and ``f(x)``."""
        return x + self.weight * (self.function(x) - x)


class ChannelNorm(nn.LayerNorm):
    """Layer normalization of each pixel over its channels."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the standardized images."""
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class MemberNorm(nn.Module):
    """Layer normalization of each member (n, k, units), with parameters of its own."""

    def __init__(self, gamma: Array, beta: Array, epsilon: float) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = parameter(gamma), parameter(beta), epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Return the standardized members."""
        x_hat = F.layer_norm(x, x.shape[-1:], eps=self.eps)
        return x_hat * self.weight + self.bias


class OverUnits(nn.Module):
    """A layer of rows, applied to the units of all members as one row."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return members (n, k, units)."""
        return self.layer(x.flatten(1)).reshape(x.shape)


class ToMembers(nn.Module):
    """The same rows for each member, (n, k, units)."""

    def __init__(self, n_members: int) -> None:
        super().__init__()
        self.n_members = n_members

    def forward(self, x: Tensor) -> Tensor:
        """Return a view of the rows."""
        return x.unsqueeze(1).expand(-1, self.n_members, -1)


class MemberDense(nn.Module):
    """``x[:, i] W[i] + b[i]`` for each member i."""

    def __init__(self, W: Array, b: Array) -> None:
        super().__init__()
        self.weight, self.bias = parameter(W), parameter(b)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of the members."""
        return torch.einsum("nki,kio->nko", x, self.weight) + self.bias


class BatchEnsembleDense(nn.Module):
    """``((x[:, i] ∘ r[i]) W) ∘ s[i] + b[i]`` for each member i."""

    def __init__(self, W: Array, b: Array, r: Array, s: Array) -> None:
        super().__init__()
        self.weight, self.bias = parameter(W), parameter(b)
        self.input_scale, self.output_scale = parameter(r), parameter(s)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of the members."""
        return (x * self.input_scale) @ self.weight * self.output_scale + self.bias


class Members(nn.Module):
    """Several networks side by side, (n, k, units)."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of the members."""
        return torch.stack([member(x) for member in self.members], 1)


class CategoricalEmbedding(nn.Module):
    """A vector instead of each code; the other columns come first."""

    others: Tensor
    columns: Tensor
    first: Tensor
    last: Tensor

    def __init__(
        self, columns: Sequence[int], n_categories: Sequence[int], width: int, E: Array
    ) -> None:
        super().__init__()
        self.weight = parameter(E)
        places = {
            "others": [j for j in range(width) if j not in columns],
            "columns": columns,
            "first": np.cumsum([0, *n_categories[:-1]]),
            "last": np.array(n_categories) - 1,
        }
        for name, values in places.items():
            tensor = torch.as_tensor(np.array(values, np.int64))
            self.register_buffer(name, tensor, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the other columns, and the vectors of the codes."""
        codes = x[:, self.columns].nan_to_num(0.0)
        codes = torch.minimum(codes.clamp(min=0), self.last.to(x.dtype)).long()
        vectors = F.embedding(codes + self.first, self.weight)
        return torch.cat([x[:, self.others], vectors.flatten(1)], 1)


class PeriodicEmbedding(nn.Module):
    """``cos(2π x w + b) W + c`` of each of the first columns, and then all columns."""

    def __init__(self, w: Array, b: Array, W: Array, c: Array) -> None:
        super().__init__()
        self.frequency, self.phase = parameter(w), parameter(b)
        self.weight, self.bias = parameter(W), parameter(c)

    def forward(self, x: Tensor) -> Tensor:
        """Return the embeddings and the columns."""
        numbers = x[:, : len(self.frequency), None]
        h = torch.cos(2 * torch.pi * self.frequency * numbers + self.phase)
        e = torch.einsum("njk,jks->njs", h, self.weight) + self.bias
        return torch.cat([e.flatten(1), x], 1)


class PiecewiseLinearEmbedding(nn.Module):
    """A piecewise-linear function of each of the first columns, and then the others."""

    left: Tensor
    scale: Tensor

    def __init__(self, **arrays: Array) -> None:
        super().__init__()
        self.slope, self.bias = parameter(arrays["w"]), parameter(arrays["b"])
        self.weight = parameter(arrays["V"])
        for name in ("left", "scale"):
            self.register_buffer(name, torch.from_numpy(np.array(arrays[name])))

    def forward(self, x: Tensor) -> Tensor:
        """Return the embeddings and the other columns."""
        m, n_bins, _ = self.weight.shape
        numbers = x[:, :m]
        k = (numbers[:, :, None] >= self.left[:, 1:]).sum(2)  # the bin of each number
        j = torch.arange(m, device=x.device)
        t = (numbers - self.left[j, k]) * self.scale[j, k]
        bins = torch.arange(n_bins, device=x.device)
        # 1 in the bins before that of x, t in its own, 0 behind it.
        place = torch.where(bins < k[:, :, None], 1.0, 0.0).to(x.dtype)
        place = torch.where(bins == k[:, :, None], t[:, :, None], place)
        e = numbers[:, :, None] * self.slope + self.bias
        e = e + torch.einsum("njk,jks->njs", place, self.weight)
        return torch.cat([e.flatten(1), x[:, m:]], 1)
