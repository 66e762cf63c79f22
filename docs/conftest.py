"""Skips the pages whose examples need a newer scikit-learn than the installed one."""

from importlib.util import find_spec

import pytest

NEED_CALLBACKS = {"stopping.rst"}


def pytest_collection_modifyitems(items):
    if find_spec("sklearn.callback") is not None:
        return
    for item in items:
        if item.path.name in NEED_CALLBACKS:
            item.add_marker(pytest.mark.skip(reason="scikit-learn 1.9: callbacks"))
