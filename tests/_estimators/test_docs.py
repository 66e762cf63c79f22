"""Docstrings of the estimators: every parameter, in order, and its default."""

import inspect
import re

import numpy as np
import pytest

import sknn
from sknn._estimators.docs import PARAMETER_GROUPS
from sknn._estimators.regressor import NetworkRegressor

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


def texts_of_parameters(name):
    text = inspect.getdoc(getattr(sknn, name))
    return text[text.index("Parameters\n---") : text.index("Attributes\n---")]


WORDS_OF_SOME = {
    "CNN": ["conv_channels"],
    "onvolution": ["conv_channels", "layers"],
    "augmentation": ["augmentation"],
    "grayscale": ["input_shape"],
    "`layers`": ["layers"],
    "Tabular": ["n_members"],
    "encoding of the columns": ["n_members"],
    "neg_calibrated_loss": ["class_weight"],
    "stratified": ["class_weight"],
    "quantiles": ["quantile"],
    "None means 'loss'": ["clip"],
    "lassifiers": [],
    "egressors": [],
}
"""Words in the texts of parameters, and parameters of the estimators that they suit."""


@every_estimator
def test_texts_of_parameters_are_about_the_estimator(name):
    text, own = texts_of_parameters(name), inspect.signature(getattr(sknn, name))
    for word, owners in WORDS_OF_SOME.items():
        assert word not in text or set(owners) & set(own.parameters), word
    # No mark of a line about some estimators is left.
    assert not re.search(r"^ *\{\w+\} ", text, re.MULTILINE)


@pytest.mark.parametrize(
    "name, sentence",
    [
        ("MLPClassifier", "    'neg_calibrated_loss' is the negative validation loss"),
        ("CNNRegressor", "    A single rate applies to the dense layers only;"),
        (
            "SequentialRegressor",
            "    They are only interpreted as images if one of the",
        ),
        ("TabularClassifier", "    'auto' is 'selu'.\n"),
        ("TabularRegressor", "``loss='gaussian'``, None means 'loss'.\n"),
    ],
)
def test_texts_of_parameters_have_what_is_about_the_estimator(name, sentence):
    assert sentence in texts_of_parameters(name)


METHODS = ["fit", "partial_fit", "predict", "feature_attributions", "summary"]
METHODS += ["get_weights", "set_weights", "set_params", "transform", "score"]

WORDS_IN_METHODS = {
    "sparse matrix}": ["initializer"],
    "data frame": ["bagging"],
    "images": ["input_shape"],
    "onvolution": ["input_shape"],
    "`input_shape`": ["input_shape"],
    "layers__": ["layers"],
    "`decision_function`": ["class_weight"],
    "loss='gaussian'": ["quantile"],
    "quantiles": ["quantile"],
    "predicted class": ["class_weight"],
}
"""Words in the docstrings of methods, and parameters of the estimators they suit."""


@every_estimator
def test_texts_of_methods_are_about_the_estimator(name):
    Estimator = getattr(sknn, name)
    own = set(inspect.signature(Estimator).parameters)
    for method in METHODS:
        text = inspect.getdoc(getattr(Estimator, method)).partition("Examples\n---")[0]
        for word, owners in WORDS_IN_METHODS.items():
            assert word not in text or set(owners) & own, (method, word)
        assert not re.search(r"^ *(\{(no )?\w+\} |%\()", text, re.MULTILINE), method


def test_methods_with_own_texts_are_still_those_of_the_base():
    base, own = NetworkRegressor.predict, sknn.MLPRegressor.predict
    assert inspect.signature(own) == inspect.signature(base)
    assert own.__code__ is base.__code__
    assert "{array-like, sparse matrix}" in own.__doc__
    assert "data frame" in sknn.TabularClassifier.decision_function.__doc__


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
