"""Files of weights: what is read, what is refused, and how little it takes."""

import io
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_iris

from sknn import MLPClassifier
from sknn._estimators.weights_file import WeightsFile

SHAPES = [(4, 6), (6,), (6, 3), (3,)]
"""Of the weights of a small network for the irises."""


@pytest.fixture
def arrays():
    rng = np.random.RandomState(0)
    return [rng.normal(size=shape) for shape in SHAPES]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.npz"


def start_from(path):
    """Return a network as it is before the first step of a fit."""
    net = MLPClassifier(6, init_from=path)
    net._start_run(*load_iris(return_X_y=True))
    return net


def contents(arrays, save=np.savez):
    """Return the bytes of a file of arrays."""
    file = io.BytesIO()
    save(file, *arrays)
    return file.getvalue()


def npy_bytes(array, version=None):
    """Return the bytes of one array in NumPy's format."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), version)
    return file.getvalue()


def write_members(path, members, compression=zipfile.ZIP_DEFLATED):
    """Write an archive with these members, (name, bytes)."""
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members:
            file.writestr(name, data)


def named(arrays):
    """Return members with NumPy's names."""
    return [(f"arr_{i}.npy", npy_bytes(array)) for i, array in enumerate(arrays)]


def header_of(shape, descr="<f8", fortran=False):
    """Return a header of NumPy's format, with any text for the shape."""
    text = f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape}, }}"
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode("latin1")


# -- what is read ---------------------------------------------------------------------


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    "dtype", ["<f8", ">f8", "<f4", ">f4", "f2", np.longdouble, "i4", ">i8", "u1"]
)
def test_numbers_of_any_kind(dtype, save, arrays, path):
    arrays = [np.abs(array * 10).astype(dtype) for array in arrays]
    arrays[0] = np.asfortranarray(arrays[0])
    path.write_bytes(contents(arrays, save))
    for read, written in zip(start_from(path).get_weights(), arrays, strict=True):
        assert_array_equal(read, written.astype(float))
        assert read.dtype == float


def test_arrays_come_in_the_order_of_their_numbers(path):
    # A tool that packs a folder sorts arr_10 before arr_2, and the shapes may fit.
    arrays = [np.full(1, i) for i in range(12)]
    write_members(path, sorted(named(arrays)))
    file = WeightsFile(path)
    assert [int(array[0]) for array in file.read(file.headers())] == list(range(12))


def test_arrays_with_names_come_in_the_order_of_the_file(path):
    np.savez(path, z=np.zeros(1), **{"a/b": np.ones(1)})
    file = WeightsFile(path)
    assert [array[0] for array in file.read(file.headers())] == [0, 1]


def test_headers_of_the_second_version(arrays, path):
    members = [(f"{i}.npy", npy_bytes(a, (2, 0))) for i, a in enumerate(arrays)]
    write_members(path, members)
    assert_array_equal(start_from(path).get_weights()[0], arrays[0])


def test_an_output_layer_that_does_not_fit_is_not_unpacked(arrays, path):
    # Not even looked at: its values are no finite numbers.
    write_members(path, named([*arrays[:2], np.full((6, 5), np.nan), np.full(5, 1.0)]))
    read = start_from(path).get_weights()
    assert_array_equal(read[0], arrays[0])
    assert read[2].shape == (6, 3)


# -- what is refused ------------------------------------------------------------------


def forgeries(arrays):
    """Return archives that are no files of these weights, with the reason."""
    good = named(arrays)
    data = npy_bytes(arrays[0])
    body = arrays[0].tobytes()

    def first(content, name="arr_0.npy"):
        return [(name, content), *good[1:]]

    return {
        "a shape too large": (first(header_of("(4, 600)") + body), "has 320"),
        "a shape beyond memory": (first(header_of(f"({2**62}, 9)") + body), "has 320"),
        "a negative shape": (first(header_of("(-4, -6)") + body), r"shape \(-4, -6\)"),
        "no shape": (first(header_of("None") + body), "shape"),
        "a shape that is code": (first(header_of("__import__('os')") + body), ""),
        "nested brackets": (first(header_of("(" * 900) + body), ""),
        "bytes left over": (first(data + b"more"), "but has 324"),
        "bytes missing": (first(data[:-1]), "but has 319"),
        "an empty member": (first(b""), ""),
        "text": (first(b"weights"), ""),
        "another version": (first(data.replace(b"Y\x01\x00", b"Y\x03\x00")), "version"),
        "a long header": (
            first(b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b" " * 9000),
            "",
        ),
        "objects": (first(header_of("(4, 6)", "|O") + body), "object"),
        "complex numbers": (
            first(npy_bytes(arrays[0] + 1j)),
            "complex128, but weights are numbers",
        ),
        "booleans": (first(npy_bytes(arrays[0] > 0)), "bool"),
        "dates": (first(npy_bytes(arrays[0].astype("M8[s]"))), "datetime64"),
        "records": (first(npy_bytes(np.zeros((4, 6), [("a", "f8")]))), "a"),
        "strings": (first(npy_bytes(np.full((4, 6), "a"))), "<U1"),
        "the same name twice": (
            [good[0], good[0], *good[2:]],
            "two arrays have the same name",
        ),
    }


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
@pytest.mark.parametrize("name", forgeries([np.zeros(s) for s in SHAPES]))
def test_forged_members(name, arrays, path):
    members, reason = forgeries(arrays)[name]
    write_members(path, members)
    with pytest.raises(ValueError, match=f"weights.npz' is not a file of.*{reason}"):
        start_from(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression(method, arrays, path):
    write_members(path, named(arrays), method)
    with pytest.raises(ValueError, match=r"arr_0.npy is compressed by a method"):
        start_from(path)


def test_encrypted_members(arrays, path):
    content = bytearray(contents(arrays))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + at] |= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"arr_0.npy is encrypted"):
        start_from(path)


def test_other_numbers_of_arrays(arrays, path):
    for members in ([], arrays[:3], [*arrays, np.zeros(3)]):
        np.savez(path, *members)
        message = f"has {len(members)} arrays, but the network needs 4"
        with pytest.raises(ValueError, match=message):
            start_from(path)


def test_other_files(tmp_path, path):
    np.save(tmp_path / "one.npy", np.zeros(3))
    path.write_bytes(b"")
    for other in (tmp_path / "one.npy", path, tmp_path):
        with pytest.raises(ValueError, match=r"is not a file of weights as numpy"):
            start_from(other)
    with pytest.raises(FileNotFoundError):
        start_from(tmp_path / "nowhere.npz")


def damaged(content, n, rng):
    """Yield a file with flipped bits, overwritten bytes or a missing end, n of each."""
    for _ in range(n):
        flipped = bytearray(content)
        for at in rng.randint(len(content), size=rng.randint(1, 4)):
            flipped[at] ^= 1 << rng.randint(8)
        yield bytes(flipped)
    for _ in range(n):
        overwritten = bytearray(content)
        start = rng.randint(len(content))
        noise = rng.bytes(rng.randint(1, 20))
        overwritten[start : start + len(noise)] = noise
        yield bytes(overwritten)
    for _ in range(n):
        yield content[: rng.randint(len(content))]


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore:Reading `.npy`")
def test_every_damaged_file_is_a_value_error(arrays, path):
    rng = np.random.RandomState(0)
    outcomes = []
    for save in (np.savez, np.savez_compressed):
        for content in damaged(contents(arrays, save), 250, rng):
            path.write_bytes(content)
            try:
                start_from(path)
                outcomes.append("read")
            except ValueError as error:
                outcomes.append(str(error))
    assert len(outcomes) == 1500
    refused = [message for message in outcomes if message != "read"]
    assert all("weights.npz" in message for message in refused)
    # A bit that no reader looks at, such as one of a date, may differ.
    assert len(refused) > 1200


# -- how little it takes --------------------------------------------------------------


def deflated_zeros(n_bytes):
    """Return `n_bytes` zeros, deflated, without making them all at once."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = bytes(2**20)
    parts = [packer.compress(block) for _ in range(n_bytes // len(block))]
    return b"".join([*parts, packer.flush()])


def bomb(start, n_bytes, claimed):
    """Return an archive of four arrays, each of zeros that unpack to `n_bytes`.

    Its directory claims that they unpack to `claimed` bytes.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    data = head + deflated_zeros(n_bytes)
    body, directory = b"", b""
    for i in range(4):
        name = f"arr_{i}.npy".encode()
        fields = struct.pack("<IIIHH", 0, len(data), claimed, len(name), 0)
        common = struct.pack("<HHHHH", 20, 0, 8, 0, 33)
        entry = b"PK\x01\x02" + struct.pack("<H", 20) + common + fields
        entry += struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name
        body += b"PK\x03\x04" + common + fields + name + data
        directory += entry
    end = struct.pack("<HHHHIIH", 0, 0, 4, 4, len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end


@pytest.mark.parametrize(
    "shape, claimed",
    [
        ("(4, 6)", 128 + 192),  # the sizes that the network needs
        ("(4, 6)", 2**29 + 128),
        ("(8192, 8192)", 2**29 + 128),
        ("(8192, 8192)", 128 + 192),
    ],
)
def test_bombs_are_not_unpacked(shape, claimed, path):
    path.write_bytes(bomb(header_of(shape), 2**29, claimed))
    assert path.stat().st_size < 3e6
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"weights.npz|init_from fit no layer"):
            start_from(path)
        assert tracemalloc.get_traced_memory()[1] < 4e6
    finally:
        tracemalloc.stop()
