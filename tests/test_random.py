"""The noise stream: numbers of a plain generator, and copies that spawn the same."""

import copy
import pickle

import numpy as np
import pytest

from sknn._random import NoiseStream


def streams():
    bits = np.random.SFC64
    return NoiseStream(bits(7)), np.random.Generator(bits(7))


def test_draws_and_spawns_the_numbers_of_a_plain_generator():
    noise, plain = streams()
    for _ in range(2):
        assert noise.random() == plain.random()
        noise, plain = noise.spawn(1)[0], plain.spawn(1)[0]


@pytest.mark.parametrize(
    "copy_of", [copy.deepcopy, lambda noise: pickle.loads(pickle.dumps(noise))]
)
def test_a_copy_draws_and_spawns_as_the_original(copy_of):
    noise, _ = streams()
    noise.spawn(2)
    noise.random(3)
    copied = copy_of(noise)
    assert copied.random() == noise.random()
    assert copied.spawn(1)[0].random() == noise.spawn(1)[0].random()
