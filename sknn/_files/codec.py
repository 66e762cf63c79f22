"""The codec: objects as a tree of JSON, with references to arrays, and back.

None, booleans, integers, text, finite floats and lists are themselves. Everything else
is an object of JSON with one key, its tag: ``{"tuple": [1, 2]}``, ``{"array": 0}``, or,
for a part of the package, ``{"layers.Dense": {"units": 5, ...}}``. Only the tags below,
those of `parts_by_tag`, and classes that the user passes, are known, so a file can name
no other class.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from .._spec import Spec
from .._typing import Array
from ..exceptions import FileError
from .annotations import check_key
from .archive import KINDS
from .part import Part
from .registry import CUSTOM, parts_by_tag, parts_by_type

MAX_DEPTH = 64
"""Number of objects inside each other."""

TYPES: dict[str, type] = {
    **{cls.__name__: cls for cls in (bool, int, float, str, object)},
    **{
        f"numpy.{np.dtype(cls).name}": cls
        for cls in (np.bool_, np.float16, np.float32, np.float64)
    },
    **{
        f"numpy.{kind}{n}": np.dtype(f"{kind}{n}").type
        for kind in ("int", "uint")
        for n in (8, 16, 32, 64)
    },
}
"""Types that can be values, such as the `dtype` of an encoder, by name."""

NAMES = {cls: name for name, cls in TYPES.items()}

AS_IS = (type(None), bool, str)

MAX_INT = 2**63
"""Size of integers that are numbers in JSON; larger ones are hexadecimal text."""

MAX_DIGITS = 2**14
"""Number of hexadecimal digits of an integer: products of larger ones take long."""

PLAIN: dict[str, Callable[[Any], Any]] = {
    "pandas.Index": np.asarray,
    "pandas.core.indexes.base.Index": np.asarray,  # before pandas 3
    "sklearn.compose._column_transformer._RemainderColsList": (
        lambda columns: columns.data  # before scikit-learn 1.9; a list of it warns
    ),
    "sknn.mlp.ParameterViews": list,
}
"""What becomes of objects that are plain lists and arrays in another form."""

MAX_NAME = 64
"""Length of the name of a dtype."""


class Writer:
    """Turns objects into trees, and collects their arrays.

    Parameters
    ----------
    custom : list of Part
        The parts of the user.

    Attributes
    ----------
    arrays : list of ndarray
        The arrays that the trees refer to by their index, each once.
    """

    def __init__(self, custom: Sequence[Part] = ()) -> None:
        self.arrays: list[Array] = []
        self._custom = {part.cls: part for part in custom}

    def tree(self, value: Any, place: str, depth: int = 0) -> Any:
        """Return the tree of an object; `place` says in errors where it is."""
        cls = type(value)
        if depth > MAX_DEPTH:
            raise FileError(f"{place} is nested too deeply, or contains itself.")

        def inner(value: Any, name: str) -> Any:
            return self.tree(value, f"{place}{name}", depth + 1)

        def items(values: Any) -> list[Any]:
            return [inner(item, f"[{i}]") for i, item in enumerate(values)]

        if cls in AS_IS or (cls is float and math.isfinite(value)):
            return value
        if cls is int:
            return value if abs(value) < MAX_INT else {"int": hex(value)}
        if cls is list:
            return items(value)
        if cls is float:
            return {"float": repr(value)}
        if cls is tuple:
            return {"tuple": items(value)}
        if cls is slice:
            return {"slice": items([value.start, value.stop, value.step])}
        if cls is dict:
            pairs = [
                [inner(key, f" key {key!r:.50}"), inner(item, f"[{key!r:.50}]")]
                for key, item in value.items()
            ]
            return {"dict": pairs}
        if cls in (np.ndarray, np.memmap):
            if value.dtype.kind == "O":
                shape = list(value.shape)
                return {"objects": [shape, items(value.ravel().tolist())]}
            if value.dtype.kind in KINDS:
                self.arrays.append(value)
                return {"array": len(self.arrays) - 1}
        if f"{cls.__module__}.{cls.__qualname__}" in PLAIN:
            plain = PLAIN[f"{cls.__module__}.{cls.__qualname__}"]
            return self.tree(plain(value), place, depth)
        if isinstance(value, np.generic) and value.dtype.kind in KINDS:
            array = np.asarray(value)
            return {"scalar": [array.dtype.str, array.tobytes().hex()]}
        if isinstance(value, np.dtype) and value.kind in KINDS + "O":
            return {"dtype": value.str}
        if isinstance(value, type) and value in NAMES:
            return {"type": NAMES[value]}
        if isinstance(value, PurePath):
            return {"path": str(value)}
        part = parts_by_type().get(cls) or self._custom.get(cls)
        if part is None:
            return self.unknown(value, place, depth)
        fields = part.take(value)
        return {part.tag: {k: inner(v, f".{k}") for k, v in fields.items()}}

    def unknown(self, value: Any, place: str, depth: int) -> Any:
        """Raise an error: a file cannot hold this object."""
        raise FileError(refusal(value, place))


def refusal(value: Any, place: str) -> str:
    """Return why a value cannot be saved."""
    cls = value if isinstance(value, type) else type(value)
    name = f"{cls.__module__}.{cls.__qualname__}"
    instead = (
        f"pass custom_parts=[{cls.__name__}] to sknn.save and to sknn.load"
        if issubclass(cls, Spec)
        else "use joblib.dump or pickle"
    )
    return (
        f"{place} is {value!r:.200}, of the type {name}. A file without code holds "
        "numbers, text, arrays, parts of sknn and some transformers of scikit-learn, "
        f"but no functions and no classes from elsewhere: {instead}."
    )


class Reader:
    """Turns trees into objects: the inverse of `Writer`.

    Anything that it does not know is an error. So is what it knows, but does not fit.

    Parameters
    ----------
    arrays : list of ndarray
        The arrays that the tree refers to, each once: so nothing in memory is many
        times as large as the file.
    custom : list of Part
        The parts of the user.
    """

    def __init__(self, arrays: list[Array], custom: Sequence[Part] = ()) -> None:
        self._custom = {part.tag: part for part in custom}
        self._unused = dict(enumerate(arrays))
        self._readers: dict[str, Callable[[Any, int], Any]] = {
            "float": lambda text, depth: special_float(text),
            "int": lambda text, depth: large_integer(text),
            "tuple": lambda items, depth: tuple(self._list(items, depth)),
            "slice": lambda items, depth: slice(*self._list(items, depth)),
            "dict": self._dict,
            "array": lambda i, depth: self._array(i),
            "objects": self._objects,
            "scalar": lambda pair, depth: scalar(*pair),
            "dtype": lambda text, depth: plain_dtype(text, KINDS + "O"),
            "type": lambda name, depth: TYPES[name],
            "path": lambda text, depth: Path(text),
        }

    def whole(self, tree: Any) -> Any:
        """Return the object that a tree stands for, which uses all arrays."""
        value = self.value(tree)
        if self._unused:
            raise FileError("it has arrays that belong to nothing.")
        return value

    def value(self, tree: Any, depth: int = 0) -> Any:
        """Return the object that a tree stands for."""
        if depth > MAX_DEPTH:
            raise FileError("the document is nested too deeply.")
        if type(tree) is list:
            return self._list(tree, depth)
        if type(tree) is not dict:
            return tree
        if len(tree) != 1:
            raise FileError(f"an object of the document has the keys {[*tree]!s:.100}.")
        ((tag, content),) = tree.items()
        if tag in self._readers:
            return self._readers[tag](content, depth)
        part: Part | None = parts_by_tag().get(tag) or self._custom.get(tag)
        if part is None:
            is_custom = tag.startswith(CUSTOM)
            name, hint = tag.removeprefix(CUSTOM), "; pass its class in custom_parts"
            raise FileError(
                f"it holds {name!r:.100}, which sknn does not know{hint * is_custom}."
            )
        fields = {name: self.value(v, depth + 1) for name, v in content.items()}
        try:
            return part.make(**fields)
        except FileError:
            raise
        except Exception as error:
            raise FileError(f"{tag} does not fit: {error}") from error

    def _list(self, items: list[Any], depth: int) -> list[Any]:
        return [self.value(item, depth + 1) for item in items]

    def _dict(self, pairs: list[Any], depth: int) -> dict[Any, Any]:
        items = [tuple(self._list(pair, depth)) for pair in pairs]
        for key, _ in items:
            check_key(key)
        return dict(items)

    def _array(self, i: int) -> Array:
        if i not in self._unused:
            raise FileError(f"array {i!r:.50} does not exist, or is used twice.")
        return self._unused.pop(i)

    def _objects(self, content: list[Any], depth: int) -> Array:
        shape, items = content
        if math.prod(shape) != len(items):
            raise FileError(f"{len(items)} objects have the shape {shape!s:.100}.")
        array = np.empty(len(items), object)
        array[:] = self._list(items, depth)
        return array.reshape(shape)


def special_float(text: str) -> float:
    """Return NaN or an infinity."""
    return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[text]


def large_integer(text: str) -> int:
    """Return an integer; raise if it has too many digits."""
    if len(text) > MAX_DIGITS:
        raise FileError(f"it has an integer of {len(text)} hexadecimal digits.")
    return int(text, 16)


def plain_dtype(text: str, kinds: str = KINDS) -> np.dtype[Any]:
    """Return a dtype of one of the kinds."""
    if type(text) is not str or len(text) > MAX_NAME:
        raise FileError(f"a dtype is {text!r:.50}.")
    dtype = np.dtype(text)
    if dtype.kind not in kinds or dtype.itemsize > 2**20:
        raise FileError(f"it has values of the dtype {text!r:.50}.")
    return dtype


def scalar(text: str, digits: str) -> Any:
    """Return a scalar of NumPy from its dtype and bytes."""
    (value,) = np.frombuffer(bytes.fromhex(digits), plain_dtype(text))
    return value
