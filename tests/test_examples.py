"""The examples: their gallery, and what they do without an optional package or data."""

import json
import re
import runpy
import sys
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV

from sknn import MLPRegressor, TabularRegressor
from sknn._sklearn import DOCUMENTATION_URL
from sknn.export import to_onnx

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
DOCS = EXAMPLES.parent / "docs"


def test_gallery_lists_every_script():
    page = (EXAMPLES / "index.rst").read_text(encoding="utf-8")
    shown = re.findall(r"^   \.\./examples/(\w+)\.py$", page, re.MULTILINE)
    in_contents = re.findall(r"^   (\w+)$", page, re.MULTILINE)
    assert sorted(shown) == sorted(path.stem for path in EXAMPLES.glob("*.py"))
    assert in_contents == shown


def test_scripts_without_pictures_have_a_thumbnail():
    drawn = runpy.run_path(DOCS / "thumbnails" / "draw.py")["PICTURES"]
    for path in EXAMPLES.glob("*.py"):
        code = path.read_text(encoding="utf-8")
        if "plt.show()" not in code:
            found = re.search(r'^# sphinx_gallery_thumbnail_path = "(.*)"$', code, re.M)
            assert found[1] == f"thumbnails/{path.stem}.svg"
            assert (DOCS / found[1]).is_file(), path
            assert path.stem in drawn


def test_texts_have_no_markup_that_notebooks_show():
    """Notebooks do not understand roles, footnotes and blocks after two colons."""
    for path in EXAMPLES.glob("*.py"):
        code = path.read_text(encoding="utf-8")
        texts = [code.split('"""')[1], *re.findall(r"^# .*$", code, re.MULTILINE)]
        found = re.findall(r":\w+:`|\]_|::$", "\n".join(texts), re.MULTILINE)
        assert not found, path


def test_links_to_the_documentation_name_a_page():
    """Every example has one, to the user guide or to another example."""
    for path in EXAMPLES.glob("*.py"):
        code = path.read_text(encoding="utf-8")
        pages = re.findall(rf"<{re.escape(DOCUMENTATION_URL)}(.*?)\.html>", code)
        assert pages, path
        for page in pages:
            example = EXAMPLES / f"{page.removeprefix('auto_examples/')}.py"
            assert (DOCS / f"{page}.rst").is_file() or example.is_file(), path


def test_tune_digits_prints_one_line_without_rich(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "rich", None)
    show_progress = runpy.run_path(EXAMPLES / "tune_digits.py")["show_progress"]
    search = GridSearchCV(DummyClassifier(), {"strategy": ["prior", "uniform"]}, cv=2)
    show_progress(search).fit([[0], [0], [1], [1]], [0, 1, 0, 1])
    line = "Fitting 2 folds for each of 2 candidates, totalling 4 fits"
    assert capsys.readouterr().out.splitlines() == [line]


def test_tune_fashion_mnist_runs_without_data(monkeypatch, capsys):
    arguments = ["--search-rows", "100", "--n-jobs", "1"]
    monkeypatch.setattr(sys, "argv", ["tune_fashion_mnist.py", *arguments])
    runpy.run_path(EXAMPLES / "tune_fashion_mnist.py", run_name="__main__")
    printed = capsys.readouterr().out
    assert float(re.search(r"Test accuracy: (0\.\d+)", printed)[1]) > 0.9


def test_scale_out_runs_without_dask(monkeypatch, capsys):
    X, y = load_digits(return_X_y=True)
    few = X[:90], y[:90]
    monkeypatch.setattr("sklearn.datasets.load_digits", lambda return_X_y: few)
    monkeypatch.setattr(sys, "argv", ["scale_out.py"])
    monkeypatch.setitem(sys.modules, "dask", None)
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    runpy.run_path(EXAMPLES / "scale_out.py", run_name="__main__")
    *times, advice = capsys.readouterr().out.splitlines()
    for line, task in zip(
        times, ["grid search", "coarse to fine", "ensemble"], strict=True
    ):
        assert re.match(rf"{task}.* \d+\.\d s$", line)
    assert advice.endswith('install Dask: pip install "sknn[distributed]"')


def test_train_cnn_fashion_mnist_runs_without_data(monkeypatch, capsys):
    script = runpy.run_path(EXAMPLES / "train_cnn_fashion_mnist.py")
    for net in script["NETWORKS"].values():
        net.set_params(max_iter=1)
    arguments = ["--quiet", "--networks", "LeNet-5 with augmentation"]
    monkeypatch.setattr(sys, "argv", ["train_cnn_fashion_mnist.py", *arguments])
    script["main"]()
    printed = capsys.readouterr().out
    assert float(re.search(r"test accuracy (0\.\d+)", printed)[1]) > 0.5


def test_train_tables_runs_without_data(monkeypatch, capsys, tmp_path):
    picture = tmp_path / "attributions.png"
    arguments = ["--epochs", "16", "--out", str(picture)]
    monkeypatch.setattr(sys, "argv", ["train_tables.py", *arguments])
    runpy.run_path(EXAMPLES / "train_tables.py", run_name="__main__")
    printed = capsys.readouterr().out
    found = re.search(r"test accuracy +(0\.\d+).*test R² +(0\.\d+)", printed, re.DOTALL)
    assert float(found[1]) > 0.8
    assert float(found[2]) > 0.8
    assert picture.stat().st_size > 0


def test_train_tables_reads_its_files(tmp_path):
    script = runpy.run_path(EXAMPLES / "train_tables.py")
    person = "39, ?, 77516, Bachelors, 13, Never-married, Sales, Husband, White, Male, "
    (tmp_path / "adult.data").write_text(f"{person}0, 0, 40, Cuba, <=50K\n\n")
    lines = "|1x3 Cross validator\n", f"{person}9, 0, 40, ?, >50K.\n"
    (tmp_path / "adult.test").write_text("".join(lines))
    X_train, y_train, X_test, y_test = script["read_adult"](tmp_path)
    assert X_train.shape == X_test.shape == (1, 14)
    assert X_test["age"].tolist() == [39]
    assert X_test.columns[X_test.isna().iloc[0]].tolist() == [
        "workclass",
        "native-country",
    ]
    assert [*y_train, *y_test] == ["<=50K", ">50K"]
    house = "\ufeffOrder,PID,MS SubClass,Alley,SalePrice\n" + 8 * "1,7,020,NA,100\n"
    (tmp_path / "AmesHousing.csv").write_text(house, encoding="utf-8")
    X, y, *_ = script["read_ames"](tmp_path)
    assert X.iloc[0].tolist()[:1] == ["020"]
    assert X["Alley"].isna().all()
    assert y.tolist() == [100] * 6


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A regressor for tables, and the address where the example serves it."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    table = pd.DataFrame({"size": [1.0, 2, 3, 4] * 5, "town": ["Oslo", "Rome"] * 10})
    reg = TabularRegressor(
        hidden_layer_sizes=(4,), max_iter=3, n_members=1, random_state=0
    ).fit(table, table["size"])
    path = tmp_path_factory.mktemp("served") / "model.onnx"
    to_onnx(reg, path)
    make_server = runpy.run_path(EXAMPLES / "serve_onnx.py")["make_server"]
    with make_server(path, port=0) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield reg, f"http://localhost:{server.server_port}"
        server.shutdown()


def test_serve_onnx_predicts(served):
    reg, address = served
    rows = [{"size": 2, "town": "Rome"}, {"town": None, "size": None}]
    with urlopen(address, json.dumps(rows).encode()) as response:
        answer = json.load(response)
    expected = reg.predict(pd.DataFrame(rows)[["size", "town"]])
    assert np.ravel(answer["variable"]) == pytest.approx(expected, rel=1e-5)
    with urlopen(address) as response:
        assert [i["name"] for i in json.load(response)["inputs"]] == ["size", "town"]


@pytest.mark.parametrize(
    "request_body, message",
    [
        ('[{"size": 2}]', "a row lacks 'town'"),
        ('[{"size": "2", "town": "Rome"}]', "'size': must be numbers or null"),
        ('[{"size": 2, "town": 3}]', "'town': must be text or null"),
        ('[{"size": [2, 3], "town": "Rome"}]', "'size': must have the shape [1]"),
        ('[{"size": [[2]], "town": "Rome"}]', "'size': has too many brackets"),
        ('[{"size": ["2"], "town": "Rome"}]', "'size': must be numbers or null"),
        ('[{"size": NaN, "town": "Rome"}]', "NaN is not JSON"),
        ('[{"size": 1e999, "town": "Rome"}]', "'size': must be finite"),
        (f'[{{"size": 1{400 * "0"}, "town": "Rome"}}]', "'size': int too large"),
        (100_000 * "[", "too many brackets"),
        ('{"size": 2}', "the request must be a list of rows"),
        ("[]", "the request must be a list of rows"),
        ("[", "Expecting value"),
    ],
)
def test_serve_onnx_refuses(served, request_body, message):
    with pytest.raises(HTTPError, match="400") as caught:
        urlopen(served[1], request_body.encode())
    assert json.load(caught.value)["error"].startswith(message)
    caught.value.close()


@pytest.mark.parametrize(
    "dtype, good, bad",
    [("int64", [1, -2], [1.5]), ("int64", [1, 2], [None]), ("uint8", [0, 255], [256]),
     ("bool", [True, False], [2]), ("float", [0.5, None], ["0.5"])],
)  # fmt: skip
def test_serve_onnx_converts_numbers(dtype, good, bad):
    pytest.importorskip("onnxruntime")
    array_of = runpy.run_path(EXAMPLES / "serve_onnx.py")["array_of"]
    array = array_of(good, ["n", 1], f"tensor({dtype})")
    assert array.shape == (2, 1)
    expected = np.array([[np.nan if v is None else v] for v in good])
    assert_array_equal(array, expected)
    with pytest.raises(ValueError, match="must be"):
        array_of(bad, ["n", 1], f"tensor({dtype})")


@pytest.mark.parametrize("length, status", [("-1", 411), ("abc", 411), ("9" * 99, 413)])
def test_serve_onnx_checks_the_length(served, length, status):
    connection = HTTPConnection(served[1].removeprefix("http://"), timeout=30)
    connection.request("POST", "/", headers={"Content-Length": length})
    response = connection.getresponse()
    assert response.status == status
    assert "error" in json.load(response)
    connection.close()


def test_serve_onnx_with_a_matrix(tmp_path):
    """Rows of another length, and missing values that the network does not take."""
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    predict = runpy.run_path(EXAMPLES / "serve_onnx.py")["predict"]
    reg = MLPRegressor(learning_rate="linear", max_iter=1)
    model = to_onnx(reg.fit(np.eye(3), np.arange(3.0)))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    assert len(predict(session, [{"X": [1, 0.5, True]}])["variable"]) == 1
    for values in ([1, 2], [1, 2, 3, 4], 1, [[1, 2, 3]], ["1", "2", "3"]):
        with pytest.raises(ValueError, match="'X': "):
            predict(session, [{"X": values}])
    with pytest.raises(ValueError, match="a number is missing or too large"):
        predict(session, [{"X": [1, 2, None]}])


def test_serve_onnx_shows_a_request_without_a_model(capsys):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    runpy.run_path(EXAMPLES / "serve_onnx.py")["demonstrate"]()
    answer = capsys.readouterr().out.splitlines()[1].removeprefix("Answer: ")
    assert np.shape(json.loads(answer)["variable"])[0] == 2


def test_serve_onnx_does_not_import_sknn():
    code = (EXAMPLES / "serve_onnx.py").read_text(encoding="utf-8")
    assert not re.search(r"^(import|from) (sknn|sklearn)", code, re.MULTILINE)
