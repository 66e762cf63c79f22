"""Neural networks that behave like every other scikit-learn estimator."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from . import activations as activations
    from . import augmentation as augmentation
    from . import callbacks as callbacks
    from . import display as display
    from . import exceptions as exceptions
    from . import export as export
    from . import initializers as initializers
    from . import inspection as inspection
    from . import layers as layers
    from . import losses as losses
    from . import model_selection as model_selection
    from . import preprocessing as preprocessing
    from . import schedules as schedules
    from . import solvers as solvers
    from .cnn import CNNClassifier, CNNRegressor
    from .files import load, save
    from .mlp import MLPClassifier, MLPRegressor
    from .sequential import SequentialClassifier, SequentialRegressor
    from .tabular import TabularClassifier, TabularRegressor
    from .versions import show_versions

__all__ = [
    "CNNClassifier",
    "CNNRegressor",
    "MLPClassifier",
    "MLPRegressor",
    "SequentialClassifier",
    "SequentialRegressor",
    "TabularClassifier",
    "TabularRegressor",
    "load",
    "save",
    "show_versions",
]

_MODULES = {
    "CNNClassifier": "cnn",
    "CNNRegressor": "cnn",
    "MLPClassifier": "mlp",
    "MLPRegressor": "mlp",
    "SequentialClassifier": "sequential",
    "SequentialRegressor": "sequential",
    "TabularClassifier": "tabular",
    "TabularRegressor": "tabular",
    "load": "files",
    "save": "files",
    "show_versions": "versions",
}
"""The module of each member of the package, imported when it is first used."""

_SUBMODULES = {
    "activations",
    "augmentation",
    "callbacks",
    "display",
    "exceptions",
    "export",
    "initializers",
    "inspection",
    "layers",
    "losses",
    "model_selection",
    "preprocessing",
    "schedules",
    "solvers",
}
"""The public submodules, imported when they are first used: ``sknn.inspection``."""


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__", *_SUBMODULES})


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"sknn.{name}")
    if name in _MODULES.values():
        return import_module(f"sknn.{name}")
    if name in _MODULES:
        member = getattr(import_module(f"sknn.{_MODULES[name]}"), name)
        globals()[name] = member  # later uses do not come here
        return member
    raise AttributeError(f"module 'sknn' has no attribute {name!r}")
