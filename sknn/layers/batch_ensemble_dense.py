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
from .member_dense import bind_activation_backward, groups, shape_of_members

SCALES: dict[str, Initializer] = {
    "ones": Constant(1.0),
    "random_signs": RandomSigns(),
    "normal": Normal(1.0),
}
"""The initial scales by name."""


@spec
class BatchEnsembleDense(Layer):
    """A dense layer for the members of an ensemble, which share its weights.

    It was proposed in [1]_.

    For member i of k members, ``y[:, i] = ((x[:, i] ∘ r[i]) W) ∘ s[i] + b[i]``, with x
    (n, k, fan_in), W (fan_in, units) and y (n, k, units); ∘ is the product element by
    element. The members share W. Each has scales r[i] (fan_in,) of the inputs and s[i]
    (units,) of the outputs, and biases b[i] (units,). Before the first such layer,
    `sknn.layers.ToMembers` gives the rows to the members. With ``z = (x ∘ r) W``,
    backward: ``ds = Σ dy z`` and ``db = Σ dy`` over rows, ``dz = s ∘ dy``,
    ``dW = Σ (x ∘ r)ᵀ dz`` over members, ``dr = Σ x (dz Wᵀ)``, ``dx = r ∘ (dz Wᵀ)``. The
    penalty applies to W only. Initially, all members have the same biases.

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
    name : str, default=None
        Name of the layer in summaries, in error messages and for the parameter
        `freeze`. By default its type and a number, such as ``conv1``.

    References
    ----------
    .. [1] Y. Wen, D. Tran, J. Ba, "BatchEnsemble: an alternative approach to efficient
       ensemble and lifelong learning", ICLR 2020.
    .. [2] Y. Gorishniy, A. Kotelnikov, A. Babenko, "TabM: advancing tabular deep
       learning with parameter-efficient ensembling", ICLR 2025,
       https://arxiv.org/abs/2410.24210.

    Examples
    --------
    32 members with weights of their own, and with shared ones:

    >>> import numpy as np
    >>> from sknn.layers import BatchEnsembleDense, MemberDense, ToMembers
    >>> from sknn.network import Network
    >>> for layer in (MemberDense(256), BatchEnsembleDense(256)):
    ...     layers = [ToMembers(32), layer]
    ...     network = Network(layers, in_shape=(256,), dtype=np.dtype("float32"))
    ...     print(f"{type(layer).__name__}: {network.theta.size:,} parameters")
    MemberDense: 2,105,344 parameters
    BatchEnsembleDense: 90,112 parameters
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
        a = None if ws.f is None else aligned_like(y)
        ws.z, ws.y, ws.a = (v if v is None else by_member(v) for v in (z, y, a))
        each = zip(ws.x, p["r"], by_member(ws.xr), strict=True)
        ws.do_each(scale_shift, [(v.T, r, None, vr.T) for v, r, vr in each])
        ws.do(matmul, joined_members(ws.xr), p["W"], joined_members(z))
        for some in groups(len(ws.x)):
            args = [(ws.z[i].T, p["s"][i], p["b"][i], ws.y[i].T) for i in some]
            ws.do_each(scale_shift, args)
            if ws.f is not None:
                ws.do_each(activation_forward, [(ws.f, ws.y[i], ws.a[i]) for i in some])
        return y if a is None else a

    def bind_backward(self, ws: Workspace, dy: Array, need_dx: bool) -> Array | None:
        p, g, dy = ws.p, ws.g, bind_compact(dy, ws)
        for some in groups(len(ws.x)):
            bind_activation_backward(ws, by_member(dy), some)
            bind_scale_backward(ws, ws.z, "s", by_member(dy), some)
        dz = joined_members(dy)
        if g:
            ws.do(matmul, joined_members(ws.xr).T, dz, g["W"])
        elif not need_dx:
            return None
        dx = batch_empty(ws.n, ws.spec.in_shape, ws.dtype)
        ws.do(matmul, dz, p["W"].T, joined_members(dx))
        bind_scale_backward(ws, ws.x, "r", by_member(dx), range(len(ws.x)))
        return dx


def bind_scale_backward(
    ws: Workspace, x: list[Array], name: str, dy: list[Array], some: range
) -> None:
    """Record the way back through ``x ∘ scale`` for some members, from `dy`, in place.

    `name` is that of the scales. In a frozen layer they need no gradient.
    """
    scale = ws.p[name]
    if ws.g:
        g = ws.g[name]
        ws.do_each(scale_backward, [(x[i].T, scale[i], dy[i].T, g[i]) for i in some])
    else:
        ws.do_each(scale_shift, [(dy[i].T, scale[i], None, dy[i].T) for i in some])


def _kernel(x: Array, scale: Array, dy: Array, dscale: Array) -> Any:
    return "scale_backward", (x.T, scale, dy.T, dscale)


@has_kernel(_kernel, by_axis({0: 1, 1: 0, 2: 1, 3: 0}, GRAIN))
def scale_backward(x: Array, scale: Array, dy: Array, dscale: Array) -> None:
    """``dscale = Σ dy x``, ``dy *= scale``, for the units in the rows of `x`."""
    np.einsum("ij,ij->i", dy, x, out=dscale)
    dy *= scale[:, np.newaxis]
