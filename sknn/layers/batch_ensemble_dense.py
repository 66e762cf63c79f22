"""A dense layer whose weights the members of an ensemble share, but for scales."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import aligned_like, batch_empty, by_member, joined_members, matmul
from .._kernels import GRAIN, by_axis, has_kernel
from .._spec import check_positive, spec
from .._typing import Array, Shape
from ..activations import activation_forward
from ..initializers import (
    Constant,
    FanInUniform,
    Initializer,
    Normal,
    RandomSigns,
    make_initializer,
)
from .base import Layer, LayerSpec, ParamSpec, Workspace, bind_compact
from .batchnorm import scale_shift
from .member_dense import bind_activation_backward, shape_of_members

SCALES: dict[str, Initializer] = {
    "ones": Constant(1.0),
    "random_signs": RandomSigns(),
    "normal": Normal(1.0),
}
"""The initial scales by name."""


@spec
class BatchEnsembleDense(Layer):
    """``y[:, i] = ((x[:, i] ∘ r[i]) W) ∘ s[i] + b[i]`` for each member i [1]_.

    x (n, k, fan_in), W (fan_in, units), y (n, k, units), for k members; see
    `ToMembers`. The members share W; each has scales r[i] (fan_in,) of the inputs and
    s[i] (units,) of the outputs, and biases b[i] (units,). With ``z = (x ∘ r) W``,
    backward: ``ds = Σ dy z`` and ``db = Σ dy`` over rows, ``dz = s ∘ dy``,
    ``dW = Σ (x ∘ r)ᵀ dz`` over members, ``dr = Σ x (dz Wᵀ)``, ``dx = r ∘ (dz Wᵀ)``.
    The penalty applies to W only. Initially, all members have the same biases.

    In TabM [2]_, the input scales of the first layer are random, all others are ones.

    Parameters
    ----------
    units : int
        Number of outputs of each member.
    initializer : str or Initializer, default=FanInUniform()
        Initializer of W and b.
    input_scales, output_scales : str or Initializer, default='ones'
        Initial r and s: 'ones', 'random_signs' (1 or -1), 'normal' (N(0, 1)), or an
        Initializer. Those of each member are drawn independently.

    References
    ----------
    .. [1] Y. Wen, D. Tran, J. Ba, "BatchEnsemble: an alternative approach to efficient
       ensemble and lifelong learning", ICLR 2020.
    .. [2] Y. Gorishniy, A. Kotelnikov, A. Babenko, "TabM: advancing tabular deep
       learning with parameter-efficient ensembling", ICLR 2025,
       https://arxiv.org/abs/2410.24210.
    """

    units: int
    initializer: str | Initializer | None = FanInUniform()
    input_scales: str | Initializer = "ones"
    output_scales: str | Initializer = "ones"

    fuses_activation = True

    def __post_init__(self) -> None:
        check_positive(self, "units")
        for name in ("input_scales", "output_scales"):
            choice = getattr(self, name)
            known = isinstance(choice, str) and choice in SCALES
            if not (known or isinstance(choice, Initializer)):
                raise ValueError(
                    f"{name} of BatchEnsembleDense must be one of {sorted(SCALES)} or "
                    f"an Initializer, got {choice!r}."
                )

    def build(self, in_shape: Shape) -> LayerSpec:
        (k, fan_in), fan_out = shape_of_members(self, in_shape), self.units
        fans, init = (fan_in, fan_out), make_initializer(self.initializer)
        r, s = (
            SCALES[choice] if isinstance(choice, str) else choice
            for choice in (self.input_scales, self.output_scales)
        )
        params = {
            "W": ParamSpec(fans, init, *fans, decay=True),
            "b": ParamSpec(
                (k, fan_out), init, *fans, decay=False, is_bias=True, members="equal"
            ),
            "r": ParamSpec((k, fan_in), r, *fans, decay=False, members="independent"),
            "s": ParamSpec((k, fan_out), s, *fans, decay=False, members="independent"),
        }
        return LayerSpec(in_shape, (k, fan_out), params)

    def bind(self, ws: Workspace, x: Array) -> Array:
        p, in_shape, out_shape = ws.p, ws.spec.in_shape, ws.spec.out_shape
        ws.x = by_member(bind_compact(x, ws))
        ws.xr = batch_empty(ws.n, in_shape, ws.dtype)
        z, y = (batch_empty(ws.n, out_shape, ws.dtype) for _ in range(2))
        ws.z, ws.y = by_member(z), by_member(y)
        bind_scale(ws, ws.x, p["r"], None, by_member(ws.xr))
        ws.do(matmul, joined_members(ws.xr), p["W"], joined_members(z))
        bind_scale(ws, ws.z, p["s"], p["b"], ws.y)
        if ws.f is None:
            return y
        a = aligned_like(y)
        ws.a = by_member(a)
        ws.do(activation_forward, ws.f, y, a)
        return a

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        p, g, dy = ws.p, ws.g, bind_compact(dy, ws)
        d = by_member(dy)
        bind_activation_backward(ws, d, range(len(d)))
        bind_scale_backward(ws, ws.z, p["s"], d, g["s"] if g else None)
        dz = joined_members(dy)
        if g:
            ws.do(matmul, joined_members(ws.xr).T, dz, g["W"])
        elif not need_dx:
            return None
        dx = batch_empty(ws.n, ws.spec.in_shape, ws.dtype)
        ws.do(matmul, dz, p["W"].T, joined_members(dx))
        bind_scale_backward(ws, ws.x, p["r"], by_member(dx), g["r"] if g else None)
        return dx


def bind_scale(
    ws: Workspace, x: list[Array], scale: Array, shift: Array | None, y: list[Array]
) -> None:
    """Record ``y = x ∘ scale + shift`` for each member."""
    shifts = [None] * len(x) if shift is None else shift
    each = zip(x, scale, shifts, y, strict=True)
    ws.do_each(scale_shift, [(v.T, a, c, w.T) for v, a, c, w in each])


def bind_scale_backward(
    ws: Workspace, x: list[Array], scale: Array, dy: list[Array], dscale: Any
) -> None:
    """Record ``dscale = Σ dy x`` and ``dy = dy ∘ scale`` for each member.

    If `dscale` is None, only the latter.
    """
    if dscale is None:
        return bind_scale(ws, dy, scale, None, dy)
    each = zip(x, scale, dy, dscale, strict=True)
    ws.do_each(scale_backward, [(v.T, a, dv.T, da) for v, a, dv, da in each])


def _kernel(x: Array, scale: Array, dy: Array, dscale: Array) -> Any:
    return "scale_backward", (x.T, scale, dy.T, dscale)


@has_kernel(_kernel, by_axis({0: 1, 1: 0, 2: 1, 3: 0}, GRAIN))
def scale_backward(x: Array, scale: Array, dy: Array, dscale: Array) -> None:
    """``dscale = Σ dy x``, ``dy *= scale``, for the units in the rows of `x`."""
    np.einsum("ij,ij->i", dy, x, out=dscale)
    dy *= scale[:, np.newaxis]
