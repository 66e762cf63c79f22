"""Layers: the parts a network is made of, one a file."""

from .activation import ActivationLayer
from .base import Layer, LayerSpec, ParamSpec
from .dense import Dense

__all__ = ["ActivationLayer", "Dense", "Layer", "LayerSpec", "ParamSpec"]
