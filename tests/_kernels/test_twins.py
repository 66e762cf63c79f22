"""The contract of kernels: each computes what its NumPy twin does, on any machine."""

from functools import partial
from itertools import product

import numpy as np
import pytest

from sknn import _kernels
from sknn._arrays import aligned_empty
from sknn._kernels import _library

from .recipes import RECIPES

LEVELS = _library.usable_levels()
CASES = [
    pytest.param(recipe, dtype, id=f"{recipe}-{dtype}")
    for recipe in RECIPES
    for dtype in recipe.dtypes
]
every_kernel = pytest.mark.parametrize("recipe, dtype", CASES)
NOT_EVERYWHERE = {
    "matmul",  # needs a BLAS with integers of 32 bits
    *("conv_forward", "conv_input_gradient", "conv_weight_gradient"),  # GCC or Clang
}
needs_kernels = pytest.mark.skipif(not LEVELS, reason="the kernels are not compiled")


@pytest.fixture(autouse=True)
def no_warnings():
    with np.errstate(all="ignore"):
        yield


@pytest.fixture(params=LEVELS or ["none"])
def level(request):
    with _library.use(request.param):
        yield


def unaligned(array):
    """Copy to memory that starts one element after a cache line, in the same layout."""
    axes = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    memory = aligned_empty((array.size + 1,), array.dtype)[1:]
    copy = memory.reshape([array.shape[axis] for axis in axes])
    copy = copy.transpose(np.argsort(axes))
    copy[...] = array
    return copy


def copied(recipe, args, change=lambda i, copy: copy):
    """Copy arrays, so that what only is read is read-only; the same one only once."""
    copies = {}
    for i, (arg, role) in enumerate(zip(args, recipe.roles, strict=True)):
        if isinstance(arg, np.ndarray) and id(arg) not in copies:
            copy = copies[id(arg)] = change(i, unaligned(arg))
            copy.flags.writeable &= role in "ws"
    return [copies.get(id(arg), arg) for arg in args]


def check(recipe, dtype, actual, expected, message=""):
    """Compare what two calls have written."""
    for i, role in enumerate(recipe.roles):
        if role == "w" and expected[i] is not None:
            finite = np.abs(expected[i][np.isfinite(expected[i])])
            atol = recipe.tolerance * np.finfo(dtype).eps * max(1, *finite.flat, 0)
            where = f"{recipe}, argument {i}, {message}"
            np.testing.assert_allclose(actual[i], expected[i], 0, atol, err_msg=where)


def bind(recipe, args):
    """Bind the kernel, and make sure that it is one."""
    name, _ = recipe.f.kernel.translate(*args)
    if name in NOT_EVERYWHERE and name not in _library._binding.kernels():
        pytest.skip(f"{name} is not compiled here")
    call = _kernels.bind(recipe.f, *args)
    assert not isinstance(call, partial), "there is no kernel for these arguments"
    return call


def run_both(recipe, dtype, args):
    """Run the kernel and the twin, and compare them."""
    if recipe.prepare:
        recipe.prepare(*args)
    actual, expected = copied(recipe, args), copied(recipe, args)
    call = bind(recipe, actual)
    call()
    recipe.f(*expected)
    check(recipe, dtype, actual, expected)


# -- completeness ---------------------------------------------------------------------


def test_every_twin_has_a_recipe():
    assert {recipe.f for recipe in RECIPES} == set(_kernels.TWINS.values())


@needs_kernels
def test_every_kernel_has_a_twin():
    reached = {
        recipe.f.kernel.translate(*recipe.arguments(dtype, recipe.sizes[0]))[0]
        for recipe in RECIPES
        for dtype in recipe.dtypes
    }
    compiled = set(_library._binding.kernels())
    assert compiled <= reached
    assert reached - compiled <= NOT_EVERYWHERE


# -- agreement ------------------------------------------------------------------------


@needs_kernels
@every_kernel
def test_agreement(recipe, dtype, level):
    for size in recipe.sizes:
        run_both(recipe, dtype, recipe.arguments(dtype, size))


@needs_kernels
@every_kernel
def test_values_that_are_not_finite_or_zero(recipe, dtype, level):
    for i, role in enumerate(recipe.roles):
        for value in np.nan, np.inf, -np.inf, 0.0:
            args = recipe.arguments(dtype, recipe.sizes[0])
            if role in "rws" and args[i] is not None and args[i].dtype.kind == "f":
                args[i].flat[args[i].size // 2] = value
                run_both(recipe, dtype, args)


# -- blocks ---------------------------------------------------------------------------


@needs_kernels
@pytest.mark.parametrize(
    "recipe, dtype", [case for case in CASES if case.values[0].f.kernel.split]
)
def test_blocks_change_nothing(recipe, dtype, level):
    args = recipe.arguments(dtype, recipe.large)
    if recipe.prepare:
        recipe.prepare(*args)
    whole = copied(recipe, args)
    bind(recipe, whole)()
    for n in 2, 3, 8:
        parts = copied(recipe, args)
        name, translated = recipe.f.kernel.translate(*parts)
        blocks = recipe.f.kernel.split(translated, n)
        assert 2 <= len(blocks) <= n
        for block in blocks:
            _library.make_call(name, block)()
        if name == "matmul":  # BLAS may choose other blocks
            check(recipe, dtype, parts, whole)
        else:
            for i, role in enumerate(recipe.roles):
                if role == "w":
                    np.testing.assert_array_equal(parts[i], whole[i], str(i))


# -- arguments that do not fit --------------------------------------------------------


def every_second(array):
    spread = np.zeros([2 * n for n in array.shape], array.dtype)
    spread = spread[(slice(None, None, 2),) * array.ndim]
    spread[...] = array
    return spread


def inside_a_larger_array(array):
    larger = np.zeros([n + 3 for n in array.shape], array.dtype)
    block = larger[tuple(slice(1, 1 + n) for n in array.shape)]
    block[...] = array
    return block


def misaligned(array):
    memory = np.zeros(array.nbytes + 1, np.uint8)[1:]
    copy = memory.view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def other_float(array):
    other = {"float32": "float64", "float64": "float32"}
    return array.astype(other.get(array.dtype.name, array.dtype))


def read_only(array):
    array.flags.writeable = False
    return array


CHANGES = {
    "every second": every_second,
    "inside a larger array": inside_a_larger_array,
    "reversed": lambda array: array[::-1].copy()[::-1],
    "transposed": lambda array: array.T.copy().T,
    "misaligned": misaligned,
    "bytes swapped": lambda array: array.astype(array.dtype.newbyteorder()),
    "other float": other_float,
    "read-only": read_only,
}


@needs_kernels
@every_kernel
def test_arrays_of_any_layout_and_dtype(recipe, dtype):
    args = recipe.arguments(dtype, recipe.sizes[0])
    if recipe.prepare:
        recipe.prepare(*args)
    arrays = [i for i, arg in enumerate(args) if isinstance(arg, np.ndarray)]
    for (name, change), i in product(CHANGES.items(), arrays):
        if recipe.roles[i] == "s" and change is read_only:  # only the twin writes
            continue

        def change_one(k, copy, i=i, change=change):
            return change(copy) if k == i else copy

        actual, expected = (copied(recipe, args, change_one) for _ in range(2))
        try:
            recipe.f(*expected)
        except Exception as error:
            with pytest.raises(type(error)):
                _kernels.run(recipe.f, *actual)
        else:
            _kernels.run(recipe.f, *actual)
            check(recipe, "float32", actual, expected, f"argument {i} {name}")
