"""Checks of combinations: parameters and layers that exclude each other."""

from __future__ import annotations

from ..network import Network
from .parameters import TrainingParameters
from .variation import Variation


def check_combinations(
    params: TrainingParameters, network: Network, variation: Variation
) -> None:
    """Raise if valid parameters do not work together."""
    # Frozen layers behave as in prediction.
    layers = [
        layer for layer, rate in zip(network.layers, network.rates, strict=True) if rate
    ]
    mixes_rows = any(layer.mixes_rows for layer in layers)
    if mixes_rows and params.batch_size == 1:
        raise ValueError(
            "Batch normalization (normalization='batch') needs batches of more than "
            "one row, but batch_size=1. Use a larger batch, or layer "
            "normalization ('layer')."
        )
    if params.solver != "lbfgs":
        return
    for cause, is_on in (
        (
            "dropout, input_dropout, dropconnect or a random layer makes",
            any(layer.random for layer in layers),
        ),
        ("augmentation makes", variation.augmentations),
        ("mixup makes", variation.mixup),
        ("batch normalization (normalization='batch') makes", mixes_rows),
    ):
        if is_on:
            raise ValueError(
                f"{cause} the loss different from batch to batch, but solver='lbfgs' "
                "needs one fixed function to minimize. Disable it, or use another "
                "solver, such as 'adam'."
            )
