"""The files of to_c and to_onnx: their format, and what a failure leaves."""

import os

import pytest

from sknn.export import to_c, to_onnx
from sknn.export._file import write_file

from .small_models import fitted

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def write_onnx(estimator, path):
    """Write a model of ONNX, if this is possible."""
    pytest.importorskip("onnx")
    to_onnx(estimator, path)


writers = pytest.mark.parametrize("write", [to_c, write_onnx])


@writers
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failure_leaves_the_older_file(write, error, tmp_path, monkeypatch):
    path = tmp_path / "model"
    path.write_bytes(b"older")

    def fail(descriptor):
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(error):
        write(fitted("MLP, relu")[0], path)
    assert [file.name for file in tmp_path.iterdir()] == ["model"]
    assert path.read_bytes() == b"older"


@writers
def test_a_folder_must_exist(write, tmp_path):
    with pytest.raises(FileNotFoundError):
        write(fitted("MLP, relu")[0], tmp_path / "none" / "model")


@writers
def test_a_link_stays_a_link(write, tmp_path):
    path, link = tmp_path / "model", tmp_path / "link"
    path.write_bytes(b"older")
    try:
        link.symlink_to(path)
    except OSError:
        pytest.skip("the system has no symbolic links")
    write(fitted("MLP, relu")[0], link)
    assert link.is_symlink()
    assert path.stat().st_size > 100


def test_a_path_can_be_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_file("model", b"content")
    assert (tmp_path / "model").read_bytes() == b"content"


@pytest.mark.parametrize("name", ["model.json", "model.textproto", "model"])
def test_the_extension_does_not_change_the_format(name, tmp_path):
    onnx = pytest.importorskip("onnx")
    estimator, _ = fitted("MLP, relu")
    model = to_onnx(estimator, tmp_path / name)
    assert onnx.load_from_string((tmp_path / name).read_bytes()) == model
