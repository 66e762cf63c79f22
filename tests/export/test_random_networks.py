"""Random networks of all layers, nested, are the same in C and in PyTorch.

``python tests/export/test_random_networks.py 1000`` compares so many, in C under
sanitizers. The suite does the same with a few.
"""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sknn.activations import ACTIVATIONS, ELU, LeakyReLU
from sknn.export._c.source import source_of
from sknn.export._plan import NumberHead, Plan, steps_of
from sknn.layers import (
    Activation,
    AvgPool2D,
    BatchEnsembleDense,
    BatchNorm,
    CategoricalEmbedding,
    Conv2D,
    Dense,
    DropConnect,
    Dropout,
    Ensemble,
    Flatten,
    GlobalAvgPool2D,
    LayerNorm,
    MaxPool2D,
    MemberDense,
    Pad,
    ParametricActivation,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    PReLU,
    Residual,
    Scale,
    ToImages,
    ToMembers,
)
from sknn.network import Network

CC = shutil.which("gcc") or shutil.which("cc")

FUNCTIONS = [*ACTIVATIONS.values(), LeakyReLU(0.3), ELU(0.2)]


class Maker:
    """Draws layers."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def number(self, low, high):
        return int(self.rng.integers(low, high))

    def function(self):
        return FUNCTIONS[self.number(0, len(FUNCTIONS))]

    def any_shape(self):
        functions = Activation(self.function()), ParametricActivation(self.function())
        return [*functions, Dropout(0.3), BatchNorm(), LayerNorm(), PReLU(), Scale()]

    def rows(self, depth):
        choices = [
            *self.any_shape(),
            *(
                Dense(self.number(1, 8)),
                DropConnect(Dense(4, parametrization="ntp"), 0.2),
            ),
            *(PeriodicEmbedding(None, 3, 2), PeriodicEmbedding(1, 2, 2)),
            *(
                PiecewiseLinearEmbedding(None, 4, 2),
                CategoricalEmbedding((0,), (3,), 2),
            ),
        ]
        if depth:
            choices += 4 * [Residual(self.stack("rows", depth - 1))]
            choices += 2 * [Ensemble(self.stack("rows", depth - 1), 2)]
        return choices

    def members(self, depth):
        units = self.number(1, 6)
        choices = [*self.any_shape(), MemberDense(units), BatchEnsembleDense(units)]
        if depth:
            choices += 3 * [Residual(self.stack("members", depth - 1))]
        return choices

    def images(self, depth):
        choices = [*self.any_shape(), Conv2D(self.number(1, 5), self.number(1, 4))]
        if depth == 2:  # not in a residual block
            choices += [
                *(Conv2D(3, (2, 3), (2, 1)), Conv2D(2, 2, padding="valid")),
                *(MaxPool2D(2, 1), AvgPool2D((1, 2), 1), Pad((1, (0, 2)), 0.5)),
            ]
        if depth:
            choices += 4 * [Residual(self.stack("images", depth - 1))]
        return choices

    def stack(self, kind, depth=2):
        layers = []
        for _ in range(self.number(0, 6)):
            choices = getattr(self, kind)(depth)
            layers.append(choices[self.number(0, len(choices))])
            if isinstance(layers[-1], Ensemble):
                layers.append(Flatten())
        return tuple(layers)

    def network(self):
        """Return a network with drawn parameters."""
        layers, in_shape = [
            (self.stack("rows"), (self.number(1, 7),)),
            ((ToMembers(3), *self.stack("members"), Flatten()), (4,)),
            ((ToImages((5, 6, 2)), *self.stack("images"), Flatten()), (60,)),
            ((ToImages((5, 6, 2)), *self.stack("images"), GlobalAvgPool2D()), (60,)),
        ][self.number(0, 4)]
        network = Network([*layers, Dense(3)], in_shape, np.dtype(np.float64))
        network.theta[:] = self.rng.normal(size=network.theta.shape) / 2
        network.state[:] = self.rng.uniform(0.5, 2, network.state.shape)
        for params in network.params:
            for name, array in params.items():
                if name.endswith("left"):  # the edges of bins are sorted
                    array.sort(axis=1)
        return network


def cases(seeds):
    """Yield networks whose layers fit together, each with rows and raw scores."""
    for seed in seeds:
        maker = Maker(seed)
        try:
            network = maker.network()
        except ValueError:  # windows larger than the image
            continue
        X = maker.rng.normal(size=(3, *network.in_shape))
        z = network.scores(X)
        if np.isfinite(z).all():
            yield seed, network, X, z


def assert_agree(found, z, what):
    size = 1e-9 * max(1, np.abs(z).max())
    assert_allclose(found, z, rtol=1e-9, atol=size, err_msg=what)


def compare_with_torch(seeds):
    import torch

    from sknn.export._torch.layers import sequential

    for seed, network, X, z in cases(seeds):
        parts = network.layers, network.specs, network.params
        module = sequential(steps_of(*parts, keep_dropout=True)).double().eval()
        with torch.no_grad():
            found = module(torch.from_numpy(X))
        assert_agree(found, z, f"{seed}: {network.layers}")


def compare_with_c(seeds, folder, *flags):
    """Compare networks with a program that has all of them; return their number."""
    text, main, networks = "", [], list(cases(seeds))
    for seed, network, X, _ in networks:
        steps = steps_of(network.layers, network.specs, network.params)
        nothing = dict.fromkeys(("center", "scale", "low", "high"))
        head = NumberHead("identity", 1, 3, n_levels=1, min_std=0.0, **nothing)
        n = X.shape[1]
        plan = Plan(network.dtype, n, None, None, False, None, steps, head)
        text += source_of(plan, [], f"n{seed}", "double", "")
        numbers = ", ".join(map(repr, X.ravel().tolist()))
        main += [
            f"{{ static const double x[] = {{{numbers}}}; double y[3];",
            f"for (i = 0; i < 3; i++) {{ n{seed}_predict(x + i * {n}, y);",
            'for (j = 0; j < 3; j++) printf("%.17g\\n", y[j]); } }',
        ]
    start, end = "#include <stdio.h>\n", "return 0; }\n"
    code = [start, text, "int main(void) { int i, j;", *main, end]
    (folder / "main.c").write_text("\n".join(code))
    warnings = "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"
    command = [CC, "-std=c99", *warnings, *flags, "-o", "main", "main.c", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    program = [folder / "main"]
    run = subprocess.run(program, capture_output=True, text=True, check=True)
    found = np.array(run.stdout.split(), float).reshape(-1, 3, 3)
    for (seed, network, _, z), y in zip(networks, found, strict=True):
        assert_agree(y, z, f"{seed}: {network.layers}")
    return len(networks)


@pytest.mark.skipif(CC is None, reason="there is no C compiler")
def test_random_networks_in_c(tmp_path):
    assert compare_with_c(range(40), tmp_path) > 30


def test_random_networks_in_pytorch():
    pytest.importorskip("torch")
    compare_with_torch(range(25))


def main(n):
    """Compare about `n` networks, and print how many there were."""
    total = 0
    for start in range(0, n, 100):
        seeds = range(start, min(start + 100, n))
        if find_spec("torch") is not None:
            compare_with_torch(seeds)
        with TemporaryDirectory() as folder:
            sanitize = "-fsanitize=address,undefined", "-fno-sanitize-recover=all"
            total += compare_with_c(seeds, Path(folder), *sanitize)
        print(f"{total} networks agree", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
