"""The build hook: compiled wheels, and pure ones without a compiler.

Skipped without a checkout or without what a build needs.
"""

import importlib.util
import shutil
import sysconfig
from pathlib import Path
from types import SimpleNamespace

import pytest

PATH = Path(__file__).parents[2] / "sknn" / "_kernels" / "_build.py"

for module in "hatchling", "Cython", "setuptools":
    pytest.importorskip(module)
if not PATH.exists():
    pytest.skip("there is no checkout", allow_module_level=True)


@pytest.fixture
def messages(monkeypatch):
    """Warnings of the build; the variables that it reads are not set."""
    for name in "SKNN_KERNELS", "SKNN_REQUIRE_KERNELS", "SKNN_SANITIZE", "CC", "CFLAGS":
        monkeypatch.delenv(name, raising=False)
    return []


@pytest.fixture
def build_wheel(messages):
    """Run the hook on a wheel; return its name of the wheel and the files it adds."""
    spec = importlib.util.spec_from_file_location("_build", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # Compile little: a part of the code, not optimised.
    module.X86, module.LEVELS = False, {"baseline": []}
    module.FLAGS = [flag for flag in module.FLAGS if flag not in ("-O3", "/O2")]

    def build_wheel():
        hook = object.__new__(module.KernelsHook)
        hook._BuildHookInterface__app = SimpleNamespace(display_warning=messages.append)
        data = {"pure_python": True, "force_include": {}}
        hook.initialize("standard", data)
        try:
            assert all(Path(path).exists() for path in data["force_include"])
        finally:
            hook.finalize("standard", data, "")
        return data

    return build_wheel


PURE = {"pure_python": True, "force_include": {}}


@pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
def test_compiled_wheel(build_wheel, messages):
    data = build_wheel()
    assert not data["pure_python"]
    assert len(data["force_include"]) == 1
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert data["tag"].startswith("cp311-abi3-")
    assert messages == []


def test_without_compiler(build_wheel, messages, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    assert build_wheel() == PURE
    (message,) = messages
    assert "without its compiled kernels" in message
    assert "no-such-compiler" in message


def test_kernels_required(build_wheel, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setenv("SKNN_REQUIRE_KERNELS", "1")
    with pytest.raises(Exception, match="no-such-compiler"):
        build_wheel()


def test_pure_wheel_on_request(build_wheel, messages, monkeypatch):
    monkeypatch.setenv("SKNN_KERNELS", "0")
    assert build_wheel() == PURE
    assert messages == []
