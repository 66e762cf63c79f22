"""Files of weights, as ``numpy.savez`` writes them, read without trusting them.

A file is a zip archive with one array in NumPy's format per member. Nothing in it is
believed before it is checked: the headers are read first, a bounded number of bytes
each, so that the caller can compare the shapes with those that the network needs. Then
exactly as many bytes are unpacked as the array that was asked for has.
"""

from __future__ import annotations

import io
import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.lib import format as npy

from .._typing import Array, DType, Shape

MAX_HEADER = 4096
"""Bytes read to find the header of an array, which takes 128 of them."""

ENCRYPTED = 0x1
"""The flag of an encrypted member of a zip archive."""


@dataclass(frozen=True)
class StoredArray:
    """An array in a file: what its header says.

    Attributes
    ----------
    member : ZipInfo
        The member of the archive that holds it.
    shape : tuple of int
        Its shape.
    dtype : dtype
        Its dtype, one of floats or integers.
    fortran_order : bool
        Whether the first index varies fastest.
    start : int
        Number of bytes of the header.
    """

    member: ZipInfo
    shape: Shape
    dtype: DType
    fortran_order: bool
    start: int

    @property
    def n_bytes(self) -> int:
        """Number of bytes of header and values."""
        return self.start + math.prod(self.shape) * self.dtype.itemsize


class WeightsFile:
    """A file of weights. Every fault of the file is a ValueError that names it.

    Parameters
    ----------
    path : str or path-like
        The file. FileNotFoundError if there is none.

    Attributes
    ----------
    members : list of ZipInfo
        The members of the archive, one per array, in the order of the weights.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path
        with self._open() as file:
            self.members = in_order(file.infolist())

    @contextmanager
    def _open(self) -> Iterator[ZipFile]:
        """Open the archive; turn errors into a ValueError that names the file."""
        try:
            with ZipFile(self.path) as file:
                yield file
        except FileNotFoundError:
            raise
        except Exception as error:  # damaged bytes raise almost anything in zipfile
            raise ValueError(
                f"init_from={os.fspath(self.path)!r} is not a file of weights as "
                "numpy.savez(path, *estimator.get_weights()) writes it: "
                f"{str(error) or type(error).__name__}"
            ) from None

    def headers(self) -> list[StoredArray]:
        """Read the header of each array."""
        with self._open() as file:
            return [read_header(file, member) for member in self.members]

    def read(self, arrays: Sequence[StoredArray]) -> list[Array]:
        """Read the values of arrays whose headers the caller has approved."""
        with self._open() as file:
            return [read_array(file, array) for array in arrays]


def in_order(members: list[ZipInfo]) -> list[ZipInfo]:
    """Return members in the order of the arrays; raise where a name occurs twice.

    NumPy names arrays arr_0, arr_1 and so on. Tools that pack a folder sort them as
    text, arr_10 before arr_2.
    """
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise ValueError("two arrays have the same name.")
    numbers = [re.fullmatch(r"arr_([0-9]{1,9})\.npy", name) for name in names]
    found = [int(match[1]) for match in numbers if match]
    if len(found) < len(members):
        return members
    return [members[i] for i in np.argsort(found, kind="stable")]


def read_header(file: ZipFile, member: ZipInfo) -> StoredArray:
    """Read the header of one array, and check that it is an array of numbers."""
    name = member.filename
    if member.flag_bits & ENCRYPTED:
        raise ValueError(f"{name} is encrypted.")
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed by a method that NumPy does not use.")
    with file.open(member) as opened:
        head = io.BytesIO(opened.read(MAX_HEADER))
    shape, fortran_order, dtype = parse_header(head, name)
    array = StoredArray(member, shape, dtype, fortran_order, head.tell())
    if array.n_bytes != member.file_size:
        raise ValueError(
            f"{name} is of shape {shape}, which takes {array.n_bytes} bytes with the "
            f"header, but has {member.file_size}."
        )
    return array


def parse_header(
    head: io.BytesIO, name: str, kinds: str = "fiu"
) -> tuple[Shape, bool, DType]:
    """Return the shape, order and dtype in a header; `head` is then at its end.

    `kinds` are the kinds of dtypes allowed.
    """
    version = npy.read_magic(head)
    if version == (1, 0):
        shape, fortran_order, dtype = npy.read_array_header_1_0(head, MAX_HEADER)
    elif version == (2, 0):
        shape, fortran_order, dtype = npy.read_array_header_2_0(head, MAX_HEADER)
    else:
        raise ValueError(f"{name} is in version {version} of NumPy's format.")
    if dtype.kind not in kinds:
        raise ValueError(f"{name} holds {dtype}, but weights are numbers.")
    if any(side < 0 for side in shape):
        raise ValueError(f"{name} has the shape {shape}.")
    return shape, fortran_order, dtype


def read_array(file: ZipFile, array: StoredArray) -> Array:
    """Read an array, whose checksum zipfile compares at its last byte."""
    with file.open(array.member) as opened:
        content = opened.read(array.n_bytes)
    values = np.frombuffer(content, array.dtype, offset=array.start)
    return values.reshape(array.shape, order="F" if array.fortran_order else "C")
