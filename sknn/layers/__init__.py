"""Layers: the building blocks of networks, one per file."""

from .activation import Activation
from .base import Layer, LayerSpec, ParamSpec, StateSpec, Training
from .batch_ensemble_dense import BatchEnsembleDense
from .batchnorm import BatchNorm
from .conv import Conv2D
from .dense import Dense
from .dropconnect import DropConnect
from .dropout import Dropout
from .embedding import CategoricalEmbedding
from .ensemble import Ensemble
from .flatten import Flatten, ToImages
from .layernorm import LayerNorm
from .member_dense import MemberDense
from .pad import Pad
from .parametric_activation import ParametricActivation
from .periodic_embedding import PeriodicEmbedding
from .piecewise_linear_embedding import PiecewiseLinearEmbedding
from .pool import AvgPool2D, GlobalAvgPool2D, MaxPool2D
from .prelu import PReLU
from .residual import Residual
from .scale import Scale
from .to_members import ToMembers

__all__ = [
    "Activation",
    "AvgPool2D",
    "BatchEnsembleDense",
    "BatchNorm",
    "CategoricalEmbedding",
    "Conv2D",
    "Dense",
    "DropConnect",
    "Dropout",
    "Ensemble",
    "Flatten",
    "GlobalAvgPool2D",
    "Layer",
    "LayerNorm",
    "LayerSpec",
    "MaxPool2D",
    "MemberDense",
    "PReLU",
    "Pad",
    "ParamSpec",
    "ParametricActivation",
    "PeriodicEmbedding",
    "PiecewiseLinearEmbedding",
    "Residual",
    "Scale",
    "StateSpec",
    "ToImages",
    "ToMembers",
    "Training",
]
