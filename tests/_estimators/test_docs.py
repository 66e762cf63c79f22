"""Docstrings of the estimators: every parameter, in order, and its default."""

import inspect
import re

import numpy as np
import pytest

import sknn
from sknn._estimators.docs import PARAMETER_GROUPS

every_estimator = pytest.mark.parametrize(
    "name", [name for name in sknn.__all__ if inspect.isclass(getattr(sknn, name))]
)


def documented(Estimator, section, end):
    """Names in a section of a class's docstring."""
    text = inspect.getdoc(Estimator)
    text = text[text.index(f"{section}\n---") : text.index(f"{end}\n---")]
    lines = re.findall(r"^(\w+(?:, \w+)*) :", text, re.MULTILINE)
    return [name for line in lines for name in line.split(", ")]


@every_estimator
def test_parameters_are_documented_in_their_order(name):
    Estimator = getattr(sknn, name)
    names = documented(Estimator, "Parameters", "Attributes")
    assert names == list(inspect.signature(Estimator).parameters)


@every_estimator
def test_defaults_are_documented_as_they_are(name):
    Estimator = getattr(sknn, name)
    doc = inspect.getdoc(Estimator)
    for key, parameter in inspect.signature(Estimator).parameters.items():
        found = re.search(rf"^{key} : .*?default=(.+)$", doc.replace("\\\n", ""), re.M)
        assert found, key
        assert eval(found[1], {"np": np}) == parameter.default, key


@every_estimator
def test_every_parameter_is_in_one_group(name):
    grouped = " ".join(names for _, _, names in PARAMETER_GROUPS).split()
    parameters = inspect.signature(getattr(sknn, name)).parameters
    assert {key: grouped.count(key) for key in parameters} == dict.fromkeys(
        parameters, 1
    )


@every_estimator
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:X has rows that were taken for images")
def test_documented_attributes_exist(name):
    Estimator = getattr(sknn, name)
    X, y = [[0.0, 1.0, 2.0, 3.0], [1.0, 0.0, 1.0, 0.0]] * 5, [0, 1] * 5
    fitted = Estimator(max_iter=1).fit(X, y)
    for attribute in documented(Estimator, "Attributes", "See Also"):
        if attribute != "feature_names_in_":  # of data frames only
            assert hasattr(fitted, attribute), attribute
