"""Augmentations: contract, exact maps, SciPy's resampling, colors, distributions."""

import math
import pickle
from dataclasses import dataclass, fields
from inspect import isabstract

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage, stats
from sklearn.base import clone

import sknn.augmentation
from sknn.augmentation import (
    AUGMENTATIONS,
    Augmentation,
    Brightness,
    Contrast,
    Cutout,
    Geometric,
    Mixup,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomScale,
    RandomShift,
    Saturation,
    augment,
    warp,
)

DEFAULTS = [cls() for cls in AUGMENTATIONS.values()]
CASES = [
    *DEFAULTS,
    RandomFlip(vertical=True, p=0.7),
    RandomFlip(horizontal=False, vertical=True),
    RandomRotation(180, fill=0.5),
    RandomShift(1, fill="nearest"),
    RandomScale(3, fill=-1),
    RandomCrop(1, fill="nearest"),
    Brightness(10),
    Contrast(1),
    Saturation(1),
    Cutout(1, fill=-2),
]
NO_CHANGE = [
    RandomFlip(p=0),
    RandomFlip(horizontal=False),
    RandomRotation(0),
    RandomShift(0),
    RandomScale(1),
    RandomCrop(0),
    Brightness(0),
    Contrast(0),
    Saturation(0),
    Cutout(0),
]
GEOMETRIC = [case for case in CASES if isinstance(case, Geometric)]
FILLED = [cls for cls in AUGMENTATIONS.values() if hasattr(cls(), "fill")]
FILLED.remove(RandomFlip)

SHAPES = [(8, 8, 1), (9, 7, 3), (6, 11, 3), (1, 12, 1), (12, 1, 3), (1, 1, 1)]
DTYPES = [np.float32, np.float64]

all_augmentations = pytest.mark.parametrize("augmentation", CASES, ids=repr)
all_shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
all_dtypes = pytest.mark.parametrize("dtype", DTYPES)


def draw_images(n, shape, dtype=np.float64, seed=0):
    return np.random.default_rng(seed).normal(size=(n, *shape)).astype(dtype)


def rng(seed=0):
    return np.random.default_rng(seed)


# -- contract -------------------------------------------------------------------------


@all_augmentations
@all_shapes
@all_dtypes
def test_keeps_shape_dtype_and_input(augmentation, shape, dtype):
    images = draw_images(10, shape, dtype)
    before = images.copy()
    images.flags.writeable = False
    for result in (
        augmentation(images, rng()),
        augment([augmentation], images, rng()),
    ):
        assert result.shape == images.shape
        assert result.dtype == dtype
        assert np.isfinite(result).all()
    assert_array_equal(images, before)


@all_augmentations
def test_depends_on_the_stream_alone(augmentation):
    images = draw_images(10, (8, 9, 3))
    expected = augmentation(images, rng())
    same = pickle.loads(pickle.dumps(augmentation)), clone(augmentation)
    for twin in (augmentation, *same):
        assert_array_equal(twin(images, rng()), expected)
    assert not np.array_equal(augmentation(images, rng(1)), expected)


@all_augmentations
def test_each_image_has_its_own_draws(augmentation):
    images = np.repeat(draw_images(1, (16, 16, 3)), 40, axis=0)
    assert len(np.unique(augmentation(images, rng()), axis=0)) >= 2


@all_augmentations
def test_draws_do_not_depend_on_the_pixels(augmentation):
    streams = rng(), rng()
    augmentation(draw_images(10, (8, 9, 3)), streams[0])
    augmentation(np.zeros((10, 8, 9, 3)), streams[1])
    assert streams[0].random() == streams[1].random()


@all_augmentations
@all_dtypes
def test_any_layout_in_memory(augmentation, dtype):
    images = draw_images(10, (8, 9, 3), dtype)
    expected = augmentation(images, rng())
    rows_last = np.moveaxis(np.ascontiguousarray(np.moveaxis(images, 0, -1)), -1, 0)
    result = augmentation(rows_last, rng())
    assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


@all_augmentations
def test_no_images(augmentation):
    images = np.empty((0, 8, 8, 3))
    assert augmentation(images, rng()).shape == images.shape


@pytest.mark.parametrize("augmentation", NO_CHANGE, ids=repr)
@all_shapes
@all_dtypes
def test_strength_zero_changes_nothing(augmentation, shape, dtype):
    images = draw_images(10, shape, dtype)
    assert_array_equal(augmentation(images, rng()), images)


def test_every_augmentation_can_do_nothing():
    assert {type(case) for case in NO_CHANGE} == set(AUGMENTATIONS.values())


def test_the_table_is_complete():
    classes = {
        name: cls
        for name, cls in vars(sknn.augmentation).items()
        if isinstance(cls, type)
        and issubclass(cls, Augmentation)
        and not isabstract(cls)
    }
    assert classes == AUGMENTATIONS


@all_dtypes
@pytest.mark.parametrize("fill", [0.5, "nearest"])
def test_blocks_make_no_difference(monkeypatch, dtype, fill):
    images = draw_images(10, (8, 9, 3), dtype)
    augmentation = RandomRotation(90, fill=fill)
    expected = augmentation(images, rng())
    for block in (1, 3 * 72, 2**20):
        monkeypatch.setattr(sknn.augmentation, "BLOCK", block)
        assert_array_equal(augmentation(images, rng()), expected)


# -- geometry -------------------------------------------------------------------------


def affine(linear, shift=(0, 0)):
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = shift
    return matrix


def turn(degrees):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return affine([[c, s], [-s, c]])


@dataclass(frozen=True)
class Fixed(Geometric):
    """The same map for all images."""

    matrix: tuple
    fill: float | str = 0.0

    def draw(self, n, shape, rng):
        return np.tile(np.array(self.matrix), (n, 1, 1))


def fixed(matrix, fill=0.0):
    return Fixed(tuple(map(tuple, matrix)), fill)


def warped_by_scipy(images, matrices, fill):
    """Warp one image and channel at a time."""
    center = (np.array(images.shape[1:3]) - 1) / 2
    mode = {"mode": "nearest"}
    if fill != "nearest":
        mode = {"mode": "grid-constant", "cval": fill}
    result = np.empty_like(images)
    for image, matrix, out in zip(images, matrices, result, strict=True):
        linear = matrix[:2, :2]
        offset = matrix[:2, 2] + center - linear @ center
        for channel in range(images.shape[3]):
            out[..., channel] = ndimage.affine_transform(
                image[..., channel], linear, offset, order=1, **mode
            )
    return result


def random_maps(n, seed=0):
    draws = rng(seed)
    maps = np.tile(np.eye(3), (n, 1, 1))
    maps[:, :2, :2] += draws.normal(scale=0.4, size=(n, 2, 2))
    maps[:, :2, 2] = draws.normal(scale=2, size=(n, 2))
    return maps


@all_shapes
@all_dtypes
@pytest.mark.parametrize("fill", [0.0, -0.7, "nearest"])
def test_warp_is_that_of_scipy(shape, dtype, fill):
    images, matrices = draw_images(30, shape, dtype), random_maps(30)
    expected = warped_by_scipy(images.astype(np.float64), matrices, fill)
    atol = 1e-12 if dtype is np.float64 else 1e-4
    assert_allclose(warp(images, matrices, fill), expected, rtol=0, atol=atol)


@pytest.mark.parametrize("fill", [0.5, "nearest"])
def test_warp_along_the_axes_is_that_of_scipy(fill):
    images, matrices = draw_images(30, (9, 7, 3)), random_maps(30)
    matrices[:, [0, 1], [1, 0]] = 0
    expected = warped_by_scipy(images, matrices, fill)
    assert_allclose(warp(images, matrices, fill), expected, atol=1e-12)


@pytest.mark.parametrize("augmentation", GEOMETRIC, ids=repr)
def test_geometric_augmentations_are_their_maps(augmentation):
    images = draw_images(20, (9, 12, 3))
    matrices = augmentation.draw(20, (9, 12), rng())
    assert_array_equal(matrices[:, 2], np.tile([0, 0, 1], (20, 1)))
    fill = 0.0 if augmentation.fill is None else augmentation.fill
    expected = warped_by_scipy(images, matrices, fill)
    assert_allclose(augmentation(images, rng()), expected, atol=1e-12)


@all_shapes
@all_dtypes
@pytest.mark.parametrize(
    "augmentation, axes",
    [
        (RandomFlip(p=1), (2,)),
        (RandomFlip(horizontal=False, vertical=True, p=1), (1,)),
        (RandomFlip(vertical=True, p=1), (1, 2)),
    ],
)
def test_flips_are_exact(shape, dtype, augmentation, axes):
    images = draw_images(10, shape, dtype)
    assert_array_equal(augmentation(images, rng()), np.flip(images, axes))


def test_flips_are_of_some_images():
    images = draw_images(200, (5, 4, 1))
    result = RandomFlip(p=0.3)(images, rng())
    flipped = (result == images[:, :, ::-1]).all(axis=(1, 2, 3))
    kept = (result == images).all(axis=(1, 2, 3))
    assert (flipped ^ kept).all()
    assert 0.2 < flipped.mean() < 0.4


def test_flips_of_both_axes_are_independent():
    matrices = RandomFlip(vertical=True).draw(4000, (8, 8), rng())
    vertical, horizontal = matrices[:, 0, 0] < 0, matrices[:, 1, 1] < 0
    assert vertical.mean() == pytest.approx(0.5, abs=0.03)
    assert horizontal.mean() == pytest.approx(0.5, abs=0.03)
    assert (vertical & horizontal).mean() == pytest.approx(0.25, abs=0.03)


@all_shapes
@all_dtypes
@pytest.mark.parametrize("shift", [(0, 1), (2, 0), (-1, 3), (-40, 0)])
@pytest.mark.parametrize("fill", [0.0, 0.25, "nearest"])
def test_shifts_by_whole_pixels_are_exact(shape, dtype, shift, fill):
    images = draw_images(3, shape, dtype)
    height, width, _ = shape
    result = fixed(affine(np.eye(2), shift), fill)(images, rng())
    widths = [(0, 0), (50, 50), (50, 50), (0, 0)]
    mode = {"mode": "edge"} if fill == "nearest" else {"constant_values": fill}
    padded = np.pad(images, widths, **mode)
    top, left = 50 + shift[0], 50 + shift[1]
    assert_array_equal(result, padded[:, top : top + height, left : left + width])


@pytest.mark.parametrize("size", [1, 7, 8])
@pytest.mark.parametrize("quarters", [1, 2, 3])
@all_dtypes
def test_quarter_turns_are_those_of_numpy(size, quarters, dtype):
    images = draw_images(3, (size, size, 3), dtype)
    expected = np.rot90(images, quarters, axes=(1, 2))
    exact = fixed(np.rint(turn(90 * quarters)))
    assert_array_equal(exact(images, rng()), expected)
    rounded = fixed(turn(90 * quarters))
    atol = 1e-13 if dtype is np.float64 else 1e-5
    assert_allclose(rounded(images, rng()), expected, atol=atol)


def test_half_a_pixel_is_the_mean_of_two():
    images = draw_images(3, (4, 6, 1))
    result = fixed(affine(np.eye(2), (0, 0.5)), "nearest")(images, rng())
    assert_allclose(result[:, :, :-1], (images[:, :, :-1] + images[:, :, 1:]) / 2)
    assert_allclose(result[:, :, -1], images[:, :, -1])


def test_crops_are_cut_from_padded_images():
    padding, (height, width) = 2, (5, 7)
    images = draw_images(500, (height, width, 3), np.float32)
    result = RandomCrop(padding, fill=0.5)(images, rng())
    widths = [(0, 0), (padding, padding), (padding, padding), (0, 0)]
    padded = np.pad(images, widths, constant_values=0.5)
    cut_here = np.array(
        [
            (padded[:, i : i + height, j : j + width] == result).all(axis=(1, 2, 3))
            for i in range(2 * padding + 1)
            for j in range(2 * padding + 1)
        ]
    )
    assert_array_equal(cut_here.sum(axis=0), 1)
    assert stats.chisquare(cut_here.sum(axis=1)).pvalue > 0.01


# -- distributions --------------------------------------------------------------------


def assert_uniform(values, low, high):
    assert stats.kstest(values, stats.uniform(low, high - low).cdf).pvalue > 0.01


def test_angles_are_uniform():
    matrices = RandomRotation(30).draw(2000, (8, 8), rng())
    angles = np.degrees(np.arctan2(matrices[:, 0, 1], matrices[:, 0, 0]))
    assert_uniform(angles, -30, 30)
    linear = matrices[:, :2, :2]
    assert_allclose(
        linear @ linear.swapaxes(1, 2), np.tile(np.eye(2), (2000, 1, 1)), atol=1e-14
    )


def test_shifts_are_uniform_shares_of_the_lengths():
    matrices = RandomShift(0.2).draw(2000, (10, 40), rng())
    assert_uniform(matrices[:, 0, 2], -2, 2)
    assert_uniform(matrices[:, 1, 2], -8, 8)


def test_enlarging_is_as_likely_as_shrinking():
    matrices = RandomScale(1.5).draw(2000, (8, 8), rng())
    assert_array_equal(matrices[:, 0, 0], matrices[:, 1, 1])
    assert_uniform(np.log(matrices[:, 0, 0]) / np.log(1.5), -1, 1)


# -- composition ----------------------------------------------------------------------


@pytest.mark.parametrize("fill", [0.0, "nearest"])
def test_maps_are_multiplied(fill):
    images = draw_images(10, (9, 9, 3))
    first = affine([[1.2, 0.1], [-0.3, 0.9]], (1.5, -0.4))
    second = affine([[0.8, -0.2], [0.1, 1.1]], (-0.3, 2.0))
    result = augment([fixed(first, fill), fixed(second, fill)], images, rng())
    expected = warp(images, np.tile(first @ second, (10, 1, 1)), fill)
    # To rounding, because BLAS need not round single products like stacked ones.
    assert_allclose(result, expected, atol=1e-12)


def test_the_first_acts_first():
    images = draw_images(3, (6, 6, 1))
    shift, quarter = affine(np.eye(2), (0, 2)), np.rint(turn(90))
    result = augment([fixed(shift), fixed(quarter)], images, rng())
    shifted = np.zeros_like(images)
    shifted[:, :, :-2] = images[:, :, 2:]
    assert_array_equal(result, np.rot90(shifted, axes=(1, 2)))


def test_what_leaves_the_image_can_come_back():
    images = draw_images(3, (6, 6, 1))
    away, back = (affine(np.eye(2), (0, shift)) for shift in (4, -4))
    assert_array_equal(augment([fixed(away), fixed(back)], images, rng()), images)


def spied(monkeypatch):
    """Return a list to which the fill of each resampling is appended."""
    fills = []

    def spy(images, matrices, fill=0.0):
        fills.append(fill)
        return warp(images, matrices, fill)

    monkeypatch.setattr(sknn.augmentation, "warp", spy)
    return fills


def test_consecutive_geometric_augmentations_are_resampled_once(monkeypatch):
    images = draw_images(10, (8, 9, 3))
    chain = [RandomRotation(), RandomShift(), RandomScale(), RandomFlip()]
    matrices = np.eye(3)
    stream = rng()
    for augmentation in chain:
        matrices = matrices @ augmentation.draw(10, (8, 9), stream)
    expected = warp(images, matrices)
    fills = spied(monkeypatch)
    assert_allclose(augment(chain, images, rng()), expected, atol=1e-12)
    assert fills == [0.0]


def test_each_fill_is_resampled_separately(monkeypatch):
    images = draw_images(10, (8, 9, 3))
    chain = [
        RandomFlip(),  # has no fill, so it joins any group
        RandomRotation(40, fill=1.0),
        RandomFlip(),
        RandomShift(0.3, fill="nearest"),
        RandomScale(2, fill="nearest"),
    ]
    stream = rng()
    expected = augment(chain[:3], images, stream)
    expected = augment(chain[3:], expected, stream)
    fills = spied(monkeypatch)
    assert_array_equal(augment(chain, images, rng()), expected)
    assert fills == [1.0, "nearest"]


def test_other_augmentations_keep_their_place_in_the_order():
    images = draw_images(10, (8, 9, 3))
    chain = [RandomFlip(), Cutout(), RandomRotation(), Contrast(), Brightness()]
    stream, expected = rng(), images
    for augmentation in chain:
        expected = augmentation(expected, stream)
    assert_array_equal(augment(chain, images, rng()), expected)


def test_no_augmentations():
    images = draw_images(3, (4, 4, 1))
    assert augment([], images, rng()) is images


# -- color ---------------------------------------------------------------------------


@all_dtypes
def test_brightness_adds_a_number(dtype):
    images = draw_images(2000, (2, 3, 3), dtype)
    added = Brightness(0.3)(images, rng()) - images
    assert_allclose(added, added[:, :1, :1, :1] + 0 * images, atol=1e-6)
    assert_uniform(added[:, 0, 0, 0].astype(float), -0.3, 0.3)


@all_dtypes
def test_contrast_stretches_about_the_mean(dtype):
    images = draw_images(2000, (3, 2, 3), dtype) + 5
    result = Contrast(0.4)(images, rng())
    mean = images.mean(axis=(1, 2, 3), keepdims=True, dtype=np.float64)
    factor = (result - mean)[:, 0, 0, 0] / (images - mean)[:, 0, 0, 0]
    expected = mean + factor[:, None, None, None] * (images - mean)
    assert_allclose(result, expected, atol=1e-2 if dtype is np.float32 else 1e-11)
    deviations = result.std(axis=(1, 2, 3)) / images.std(axis=(1, 2, 3))
    assert_uniform(deviations.astype(float), 0.6, 1.4)
    assert_allclose(result.mean(axis=(1, 2, 3)), mean.ravel(), rtol=1e-5)


def gray(images):
    red, green, blue = np.moveaxis(images, -1, 0)
    return (0.299 * red + 0.587 * green + 0.114 * blue)[..., None]


@all_dtypes
def test_saturation_stretches_about_gray(dtype):
    images = draw_images(2000, (3, 2, 3), dtype)
    result = Saturation(0.4)(images, rng())
    assert_allclose(gray(result), gray(images), atol=1e-5)
    color = images - gray(images)
    factor = np.sum((result - gray(images)) * color, axis=(1, 2, 3))
    factor /= np.sum(color**2, axis=(1, 2, 3))
    expected = gray(images) + factor[:, None, None, None] * color
    assert_allclose(result, expected, atol=1e-5)
    assert_uniform(factor.astype(float), 0.6, 1.4)


def test_saturation_does_not_change_gray_images():
    images = draw_images(5, (4, 4, 1))
    assert_array_equal(Saturation(1)(images, rng()), images)
    colored = np.repeat(images, 3, axis=-1)
    assert_allclose(Saturation(1)(colored, rng()), colored, atol=1e-14)


@pytest.mark.parametrize("channels", [2, 4])
def test_saturation_needs_colors(channels):
    with pytest.raises(ValueError, match=f"red, green and blue.* got {channels} ch"):
        Saturation()(np.ones((3, 4, 4, channels)), rng())


# -- cutout ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(10, 10, 1), (9, 14, 3)])
@pytest.mark.parametrize("size", [0.1, 0.3, 0.5, 1.0])
def test_cutout_covers_a_square(shape, size):
    images = draw_images(300, shape)
    result = Cutout(size, fill=7)(images, rng())
    assert_array_equal(result[result != 7], images[result != 7])
    covered = (result == 7).all(axis=-1)
    assert_array_equal(covered.any(), (result == 7).any())
    rows, columns = covered.any(axis=2), covered.any(axis=1)
    assert_array_equal(covered, rows[:, :, None] & columns[:, None, :])
    side = round(size * min(shape[:2]))
    for lines in (rows, columns):
        # Contiguous, and at most as long as the side.
        assert (np.abs(np.diff(lines.astype(int), axis=1)).sum(axis=1) <= 2).all()
        assert lines.sum(axis=1).max() == side
        assert (lines.sum(axis=1) >= (side + 1) // 2).all()


def test_cutout_is_anywhere():
    images = np.ones((5000, 5, 5, 1))
    covered = Cutout(0.2)(images, rng()) == 0
    assert_array_equal(covered.sum(axis=(1, 2, 3)), 1)
    assert stats.chisquare(covered.sum(axis=(0, 3)).ravel()).pvalue > 0.01


# -- mixup ----------------------------------------------------------------------------


def test_mixup_is_not_called_on_images():
    assert not isinstance(Mixup(), Augmentation)
    assert not callable(Mixup())
    assert Mixup().alpha == 0.2


# -- parameters -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "cls, name, good, bad",
    [
        (RandomFlip, "p", [0, 1], [-0.1, 1.1, "half"]),
        (RandomFlip, "horizontal", [True, np.False_], [1, 0.5, None]),
        (RandomFlip, "vertical", [True, False], ["yes"]),
        (RandomRotation, "degrees", [0, 180], [-1, 181, np.nan]),
        (RandomShift, "share", [0, 1], [-0.1, 2, (0, 1)]),
        (RandomScale, "factor", [1, 3.5], [0.9, np.inf]),
        (RandomCrop, "padding", [0, np.int64(3)], [-1, 1.5, "4"]),
        (Brightness, "delta", [0, 20], [-0.1, np.inf]),
        (Contrast, "delta", [0, 1], [-0.1, 1.1]),
        (Saturation, "delta", [0, 1], [-0.1, 1.1]),
        (Cutout, "size", [0, 1], [-0.1, 8]),
        (Mixup, "alpha", [0, 0.2, 5], [-0.1, np.inf]),
        *(
            (cls, "fill", [0, -2.5, np.float32(1)], ["edge", None, np.inf, np.nan])
            for cls in FILLED
        ),
    ],
)
def test_ranges(cls, name, good, bad):
    for value in good:
        assert getattr(cls(**{name: value}), name) == value
    for value in bad:
        with pytest.raises(ValueError, match=f"{name} of {cls.__name__} must") as error:
            cls(**{name: value})
        assert repr(value) in str(error.value)


def test_every_parameter_is_documented_with_its_default():
    for cls in [*AUGMENTATIONS.values(), Mixup]:
        for field in fields(cls):
            assert f"\n    {field.name} : " in cls.__doc__
            assert f"default={field.default!r}\n" in cls.__doc__


@pytest.mark.parametrize(
    "images",
    [np.ones((8, 8, 1)), np.ones((2, 8, 8, 1), np.uint8), np.ones((2, 64))],
    ids=["one image", "bytes", "flat"],
)
def test_images_are_batches_of_floats(images):
    expected = rf"floats of shape \(n, height, .* got {images.dtype} of shape"
    with pytest.raises(ValueError, match=expected):
        augment([RandomFlip()], images, rng())
