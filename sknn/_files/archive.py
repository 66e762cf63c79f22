"""The archive: a zip file of one JSON document and of arrays, written atomically.

The members are ``0.npy``, ``1.npy`` and so on, not compressed, and ``model.json``, the
document, which has their SHA-256. Its own is the comment of the archive.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import IO, Any, NoReturn
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.lib import format as npy

from .._estimators.weights_file import ENCRYPTED, MAX_HEADER, parse_header
from .._typing import Array
from ..exceptions import FileError

DOCUMENT = "model.json"
"""The member that holds the document."""

KINDS = "biufcUSMm"
"""The kinds of dtypes of arrays: all but objects and records."""

MAX_ARRAYS = 10_000
"""Number of arrays in a file. An entry of the directory takes a kilobyte of memory."""

MAX_DOCUMENT = 2**24
"""Bytes of the document."""

MAX_NODES = 2**20
"""Number of values in the document; each can take a hundred bytes of memory."""

ENTRY = 46 + len(DOCUMENT)
"""Bytes of the longest entry of the directory of the archive."""

END = 22
"""Bytes of the end of a zip archive, before its comment."""

COMMENT = 64
"""Bytes of the comment: a SHA-256 as hexadecimal digits."""

MAX_FILE = 2**32 - 2**16
"""Bytes of an archive without the extension of zip for larger ones."""


# -- writing --------------------------------------------------------------------------


def write_archive(path: str, document: dict[str, Any], arrays: Sequence[Array]) -> None:
    """Write a document and arrays to a file, or leave the file as it was."""
    document["arrays"] = checksums = list[str]()
    n_bytes = sum(array.nbytes for array in arrays)
    if len(arrays) > MAX_ARRAYS or n_bytes > MAX_FILE - 2**25:
        raise FileError(
            f"There are {len(arrays)} arrays with {n_bytes} bytes. A file has up to "
            f"{MAX_ARRAYS} arrays with together less than 4 GiB."
        )
    with replaced(path) as opened, ZipFile(opened, "w") as file:
        for i, array in enumerate(arrays):
            buffer = io.BytesIO()
            npy.write_array(buffer, array, version=(1, 0), allow_pickle=False)
            content = buffer.getbuffer()
            checksums.append(sha256(content).hexdigest())
            file.writestr(ZipInfo(f"{i}.npy"), content)
        text = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
        check_document(text)
        file.writestr(ZipInfo(DOCUMENT), text)
        file.comment = sha256(text).hexdigest().encode()


@contextmanager
def replaced(path: str) -> Iterator[IO[bytes]]:
    """Open a new file that takes the place of `path` once it is complete, on disk."""
    folder = os.path.dirname(path)
    temporary = f"{temporary_start(path)}{secrets.token_hex(8)}.tmp"
    try:
        file = open(temporary, "xb")  # noqa: SIM115
    except OSError as error:  # the folder does not exist, or cannot be written
        raise type(error)(error.errno, error.strerror, path) from None
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(path):
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(folder)


def temporary_start(path: str) -> str:
    """Return what the names of temporary files for `path` start with."""
    folder, name = os.path.split(path)
    start = sha256(os.fsencode(name)).hexdigest()[:16]
    return os.path.join(folder, f".{start}-")


def remove_temporaries(path: str) -> None:
    """Remove what processes that were killed while they wrote `path` have left."""
    start = temporary_start(path)
    folder, name = os.path.split(start)
    with suppress(OSError):
        for other in os.listdir(folder):
            if other.startswith(name) and other.endswith(".tmp"):
                os.unlink(os.path.join(folder, other))


def sync_folder(folder: str) -> None:
    """Write the name of a new file to the disk, where the system can do that."""
    with suppress(OSError):  # Windows cannot
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# -- reading --------------------------------------------------------------------------


def read_archive(opened: IO[bytes], max_size: int) -> tuple[Any, list[Array]]:
    """Return the document and the arrays of a file, after all checks of its bytes."""
    size, limit = os.fstat(opened.fileno()).st_size, min(max_size, MAX_FILE)
    if size > limit:
        raise FileError(f"it has {size} bytes, and max_size allows {limit}.")
    check_end(opened, size)
    with ZipFile(opened) as file:
        infos = file.infolist()
        members = {member.filename: member for member in infos}
        check_members(members, len(infos), size)
        text = read_member(file, members[DOCUMENT], file.comment.decode())
        check_document(text)
        document = json.loads(text.decode("ascii"), parse_constant=refuse)
        checksums = document["arrays"]
        names = [f"{i}.npy" for i in range(len(checksums))]
        if {*names, DOCUMENT} != members.keys():
            raise FileError("the arrays are not those that the document lists.")
        return document, [
            parse_array(read_member(file, members[name], checksum))
            for name, checksum in zip(names, checksums, strict=True)
        ]


def check_end(file: IO[bytes], size: int) -> None:
    """Raise unless the end of the archive is that of `write_archive`.

    So its directory is small, which is read as a whole.
    """
    file.seek(max(size - END - COMMENT - 20, 0))
    tail = file.read(END + COMMENT + 20)
    end = tail[20:]
    if len(tail) < END + COMMENT + 20 or end[:4] != b"PK\x05\x06":
        raise FileError("it is not an sknn archive, or its end is missing.")
    n_members = int.from_bytes(end[10:12], "little")
    directory = int.from_bytes(end[12:16], "little")
    is_extended = tail[:4] == b"PK\x06\x07"
    if is_extended or n_members > MAX_ARRAYS + 1 or directory > n_members * ENTRY:
        raise FileError(f"its directory is too large, for {n_members} members.")


def check_members(members: dict[str, ZipInfo], n_members: int, size: int) -> None:
    """Raise unless the members are not compressed and fit into the file together."""
    if len(members) < n_members or DOCUMENT not in members:
        raise FileError(f"members are missing, or occur twice: {[*members]!s:.200}.")
    for name, member in members.items():
        if (
            member.compress_type != ZIP_STORED
            or member.flag_bits & ENCRYPTED
            or member.compress_size != member.file_size
        ):
            raise FileError(f"{name!s:.50} is compressed or encrypted.")
    if sum(member.file_size for member in members.values()) > size:
        raise FileError("its members are larger than the file.")


def read_member(file: ZipFile, member: ZipInfo, checksum: str) -> bytearray:
    """Return the bytes of a member, whose size has been checked."""
    content = bytearray(member.file_size)
    with file.open(member) as opened:
        n_read = opened.readinto(content)  # type: ignore[attr-defined]
    if n_read < len(content) or sha256(content).hexdigest() != checksum:
        raise FileError(f"{member.filename} is damaged: its checksum is wrong.")
    return content


def check_document(text: bytes | bytearray) -> None:
    """Raise if a document could take much memory."""
    n_nodes = sum(text.count(c) for c in (b",", b"[", b"{"))
    if len(text) > MAX_DOCUMENT or n_nodes > MAX_NODES:
        raise FileError(
            f"the document of names, categories and parameters has {len(text)} bytes "
            f"and {n_nodes} values; up to {MAX_DOCUMENT} and {MAX_NODES} are allowed."
        )


def parse_array(content: bytearray) -> Array:
    """Return the array that a member holds, in its memory."""
    head = io.BytesIO(memoryview(content)[:MAX_HEADER])
    shape, fortran_order, dtype = parse_header(head, "it", KINDS)
    n_bytes = dtype.itemsize
    for side in shape:
        n_bytes *= side
    if head.tell() + n_bytes != len(content) or dtype.itemsize == 0:
        raise FileError(f"an array of {dtype} has the shape {shape}, but other bytes.")
    values = np.frombuffer(content, dtype, offset=head.tell())
    return values.reshape(shape, order="F" if fortran_order else "C")


def refuse(constant: str) -> NoReturn:
    """Raise for NaN and Infinity, which are not JSON."""
    raise FileError(f"the document has the number {constant}.")
