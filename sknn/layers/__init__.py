"""Layers: the parts a network is made of, one a file."""

from .activation import ActivationLayer
from .base import Layer, LayerSpec, ParamSpec, StateSpec, Training
from .batchnorm import BatchNorm
from .dense import Dense
from .dropconnect import DropConnect
from .dropout import Dropout
from .layernorm import LayerNorm
from .prelu import PReLU
from .residual import Residual

__all__ = [
    "ActivationLayer",
    "BatchNorm",
    "Dense",
    "DropConnect",
    "Dropout",
    "Layer",
    "LayerNorm",
    "LayerSpec",
    "PReLU",
    "ParamSpec",
    "Residual",
    "StateSpec",
    "Training",
]
