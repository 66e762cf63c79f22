"""The examples: what they do without an optional package, or without their data."""

import re
import runpy
import sys
from pathlib import Path

from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def test_tune_digits_prints_one_line_without_rich(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "rich", None)
    show_progress = runpy.run_path(EXAMPLES / "tune_digits.py")["show_progress"]
    search = GridSearchCV(DummyClassifier(), {"strategy": ["prior", "uniform"]}, cv=2)
    show_progress(search).fit([[0], [0], [1], [1]], [0, 1, 0, 1])
    line = "Fitting 2 folds for each of 2 candidates, totalling 4 fits"
    assert capsys.readouterr().out.splitlines() == [line]


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
