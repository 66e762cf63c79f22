"""The build hook: compiled wheels, editable installs, and neither without a compiler.

Skipped without a checkout.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
PATH = ROOT / "sknn" / "_kernels" / "_build.py"

for name in "hatchling", "Cython", "setuptools":
    pytest.importorskip(name)
if not PATH.exists():
    pytest.skip("there is no checkout", allow_module_level=True)

VARIABLES = (
    *("SKNN_KERNELS", "SKNN_REQUIRE_KERNELS", "SKNN_SANITIZE"),
    *("CC", "CFLAGS"),
)
PURE = {"pure_python": True, "force_include": {}}

unix = pytest.mark.skipif(os.name == "nt", reason="of Unix")


def load():
    """Execute _build.py; make it compile little, which is not optimized."""
    spec = importlib.util.spec_from_file_location("_build", PATH)
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    build.LEVELS = {"baseline": [], "avx2": ["-mno-such-level"]}
    build.FLAGS = [flag for flag in build.FLAGS if flag not in ("-O3", "/O2")]
    return build


class Hook:
    """The hook, the messages that it displays, and what it adds to the wheel."""

    def __init__(self, build):
        self.messages = []
        self.hook = object.__new__(build.KernelsHook)
        self.hook._BuildHookInterface__app = SimpleNamespace(
            display_warning=self.messages.append, abort=sys.exit
        )
        self.data = {"pure_python": True, "force_include": {}}

    def run(self, version="standard", use=lambda path: None):
        """Run the hook; call `use` with the path of each file while it is there."""
        self.hook.initialize(version, self.data)
        try:
            for path in self.data["force_include"]:
                use(path)
        finally:
            self.hook.finalize(version, self.data, "")
        return self.data


@pytest.fixture
def build(monkeypatch):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    return load()


@pytest.fixture
def hook(build):
    return Hook(build)


@pytest.fixture(scope="module")
def compiled():
    """What the hook adds and displays, and attributes of the module."""
    attributes = {}

    def inspect(path):
        names = "fingerprint", "levels", "highest_level"
        code = f"""
import importlib.util, json
spec = importlib.util.spec_from_file_location("_binding", {path!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(json.dumps({{name: getattr(module, name) for name in {names}}}))
"""
        attributes.update(
            json.loads(subprocess.check_output([sys.executable, "-c", code]))
        )

    with pytest.MonkeyPatch.context() as monkeypatch:
        for variable in VARIABLES:
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("CC", "")  # as if it were not set
        build = load()
        hook = Hook(build)
        data = hook.run(use=inspect)
    return SimpleNamespace(
        data=data,
        messages=hook.messages,
        sources=build.fingerprint(),
        **attributes,
    )


class TestCompiledWheel:
    pytestmark = pytest.mark.skipif(
        not shutil.which("cc"), reason="there is no C compiler"
    )

    def test_contains_the_module(self, compiled):
        assert not compiled.data["pure_python"]
        (target,) = compiled.data["force_include"].values()
        assert target.startswith("sknn/_kernels/_binding.")
        assert compiled.messages == []

    @pytest.mark.skipif(
        sys.implementation.name != "cpython"
        or bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        reason="the stable ABI is that of CPython",
    )
    def test_serves_later_versions_of_python(self, compiled):
        assert compiled.data["tag"].startswith("cp311-abi3-")

    def test_knows_its_sources(self, compiled):
        assert compiled.fingerprint == compiled.sources

    @unix
    def test_lacks_levels_that_the_compiler_does_not_know(self, compiled):
        assert compiled.levels == ["baseline"]
        assert compiled.highest_level == 0


class Compiler:
    """A compiler that does not know some flags."""

    def __init__(self, unknown):
        self.unknown = set(unknown)

    def compile(self, sources, output_dir, extra_postargs):
        if self.unknown & set(extra_postargs):
            raise RuntimeError("unknown flag")


@pytest.mark.parametrize(
    "unknown, levels",
    [
        ((), ["baseline", "avx2", "avx512"]),
        (("-mavx512vl",), ["baseline", "avx2"]),
        (("-mavx2",), ["baseline"]),  # AVX-512 is never without AVX2
    ],
)
def test_levels_that_the_compiler_knows(build, tmp_path, unknown, levels):
    build.LEVELS = {
        "baseline": [],
        "avx2": ["-mavx2"],
        "avx512": ["-mavx512f", "-mavx512vl"],
    }
    assert build.accepted_levels(Compiler(unknown), tmp_path) == levels


def test_error_without_any_level(build, tmp_path):
    build.FLAGS = ["-std=c11"]
    with pytest.raises(RuntimeError, match="unknown flag"):
        build.accepted_levels(Compiler(["-std=c11"]), tmp_path)


def test_other_pythons_have_no_stable_abi(build, monkeypatch):
    monkeypatch.setattr(sys.implementation, "name", "pypy")
    assert not load().LIMITED_API


@unix
class TestWithoutCompiler:
    @pytest.fixture(autouse=True)
    def no_compiler(self, build, monkeypatch):
        monkeypatch.setenv("CC", "no-such-compiler")

    def test_pure_wheel_and_one_line(self, hook):
        assert hook.run() == PURE
        (message,) = hook.messages
        assert message == (
            "sknn: the compiled kernels cannot be built, so training is slower. "
            "What failed: no-such-compiler: No such file or directory"
        )

    def test_error_if_the_kernels_are_required(self, hook, monkeypatch):
        monkeypatch.setenv("SKNN_REQUIRE_KERNELS", "1")
        with pytest.raises(SystemExit) as error:
            hook.run()
        message = str(error.value)
        assert message.startswith(
            "sknn: the compiled kernels cannot be built, and SKNN"
        )
        assert "Install a C compiler" in message
        assert message.endswith("no-such-compiler: No such file or directory")
        assert "\n" not in message

    def test_the_first_error_of_the_compiler_is_shown(
        self, hook, tmp_path, monkeypatch
    ):
        compiler = tmp_path / "failing-cc"
        compiler.write_text(
            "#!/bin/sh\necho 'In file included from x.c' >&2\n"
            "echo 'fatal error: Python.h: not there' >&2\necho 'more' >&2\nexit 3\n"
        )
        compiler.chmod(0o755)
        monkeypatch.setenv("CC", str(compiler))
        assert hook.run() == PURE
        (message,) = hook.messages
        assert message.endswith(
            "failing-cc ended with exit status 3: fatal error: Python.h: not there"
        )

    def test_editable_install_keeps_the_module(self, build, hook, in_place):
        hook.run("editable")
        assert len(hook.messages) == 1
        assert in_place.read_text() == "old"


@pytest.fixture
def in_place(build, tmp_path):
    """A module in the source tree, which is a copy."""
    build.HERE = tmp_path / "_kernels"
    shutil.copytree(
        PATH.parent, build.HERE, ignore=shutil.ignore_patterns("_binding.*.*", "__py*")
    )
    old = build.HERE / "_binding.abi3.so"
    old.write_text("old")
    return old


class TestEditableInstall:
    @pytest.fixture(autouse=True)
    def compiled(self, build):
        def compile_nothing(directory, sanitize):
            module = directory / "_binding.abi3.so"
            module.write_text("new")
            return module

        build.build = compile_nothing

    @unix  # Windows does not replace open files
    def test_replaces_the_module(self, hook, in_place):
        other = in_place.with_name("_binding.cpython-311-x86_64-linux-gnu.so")
        other.touch()
        with in_place.open() as loaded:
            data = hook.run("editable")
            assert loaded.read() == "old"  # by another process
        assert in_place.read_text() == "new"
        assert not other.exists()  # Python would prefer it
        assert data["force_include"] == {}
        assert not data["pure_python"]
        assert hook.messages == []

    def test_tree_that_cannot_be_written(self, hook, in_place, monkeypatch):
        def refuse(*args, **kwargs):
            raise PermissionError(30, "Read-only file system")

        monkeypatch.setattr(shutil, "copy", refuse)
        monkeypatch.setattr(Path, "unlink", refuse)
        with monkeypatch.context() as only_copies:
            only_copies.setattr(Path, "unlink", lambda *args, **kwargs: None)
            assert hook.run("editable") == PURE
        monkeypatch.setenv("SKNN_KERNELS", "0")
        assert hook.run("editable") == PURE
        assert in_place.read_text() == "old"
        assert len(hook.messages) == 2
        assert all("Read-only file system" in message for message in hook.messages)

    def test_pure_on_request(self, hook, in_place, monkeypatch):
        monkeypatch.setenv("SKNN_KERNELS", "0")
        assert hook.run("editable") == PURE
        assert not in_place.exists()
        assert hook.messages == []


class TestVariables:
    def test_pure_wheel_on_request(self, hook, monkeypatch):
        monkeypatch.setenv("SKNN_KERNELS", "0")
        monkeypatch.setenv("SKNN_REQUIRE_KERNELS", "0")
        assert hook.run() == PURE
        assert hook.messages == []

    @pytest.mark.parametrize("name", VARIABLES[:3])
    def test_other_values_are_an_error(self, hook, name, monkeypatch):
        monkeypatch.setenv(name, "yes")
        with pytest.raises(
            SystemExit, match=f"variable {name} must be '0' or '1', got 'yes'"
        ):
            hook.run()

    def test_contradiction(self, hook, monkeypatch):
        monkeypatch.setenv("SKNN_KERNELS", "0")
        monkeypatch.setenv("SKNN_REQUIRE_KERNELS", "1")
        with pytest.raises(SystemExit, match="SKNN_KERNELS=0 and SKNN_REQUIRE_KER"):
            hook.run()

    def test_empty_values_are_the_defaults(self, build, monkeypatch):
        for name in VARIABLES[:3]:
            monkeypatch.setenv(name, "")
        assert build.read_variables() == (True, False, False)


def test_the_test_extra_has_what_a_build_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = project["project"]["optional-dependencies"]
    assert set(project["build-system"]["requires"]) <= set(extras["test"])
