"""Dense blocks: from parameters to hidden layers."""

import pytest
from small_fits import fit

from sknn.layers import (
    Activation,
    BatchNorm,
    Dense,
    DropConnect,
    Dropout,
    PReLU,
    Residual,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("residual", [False, True])
def test_a_block_is_dense_normalization_activation_dropout(residual):
    net = fit(
        hidden_layer_sizes=(6, 5), activation=("tanh", "prelu"), normalization="batch",
        dropout=(0.1, 0.2), dropconnect=0.3, residual=residual,
    )  # fmt: skip
    first = [DropConnect, BatchNorm, Activation, Dropout]
    if residual:
        kinds = [Residual, PReLU, Dropout, DropConnect]
        block = net.network_.layers[0]
        assert [type(layer) for layer in block.layers] == [*first, DropConnect]
        assert block.layers[-1].dense.units == 5
    else:
        kinds = [*first, DropConnect, BatchNorm, PReLU, Dropout, DropConnect]
    assert [type(layer) for layer in net.network_.layers] == kinds


def test_an_odd_layer_is_not_in_a_residual_block():
    net = fit(hidden_layer_sizes=(6, 5, 4), residual=True)
    kinds = [type(layer) for layer in net.network_.layers]
    assert kinds == [Residual, Activation, Dense, Activation, Dense]
