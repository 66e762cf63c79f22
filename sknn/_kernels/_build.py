"""Hatch's build hook: compiles the kernels, or says why it cannot and leaves them out.

Environment variables: with ``SKNN_KERNELS=0`` the wheel is pure Python, with
``SKNN_REQUIRE_KERNELS=1`` a build without the kernels fails, and with
``SKNN_SANITIZE=1`` they have the address and undefined-behavior sanitizers. ``CC`` and
``CFLAGS`` work as usual.

``python sknn/_kernels/_build.py`` compiles them in place.
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).parent
SOURCES = HERE / "src"

_common = runpy.run_path(str(HERE / "_common.py"))
is_on, fingerprint = _common["is_on"], _common["fingerprint"]

# One module serves this CPython and all later ones, except free-threaded ones.
LIMITED_API = sys.implementation.name == "cpython" and not sysconfig.get_config_var(
    "Py_GIL_DISABLED"
)
MACROS = [("Py_LIMITED_API", "0x030B0000")] if LIMITED_API else []
TAG = "cp311-abi3"

UNIX = os.name != "nt"
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover", "-g", "-O1"]
if UNIX:
    FLAGS = [
        *("-std=c11", "-O3", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math"),
        "-ffp-contract=fast",  # a product and a sum in one instruction
        *("-fvisibility=hidden", "-Wall", "-Wextra", "-g0"),
    ]
    BINDING_FLAGS = ["-g0", "-w"]  # generated code: no warnings
    LINK_FLAGS = ["-pthread", "-lm"]
    AVX2 = ["-mavx2", "-mfma"]
    AVX512 = [f"-mavx512{part}" for part in ("f", "vl", "dq", "bw")]
    AVX512 += [*AVX2, "-mprefer-vector-width=512"]
else:
    # OpenMP's pragmas are unknown (C4068): they would bring its library.
    FLAGS = ["/std:c11", "/experimental:c11atomics", "/O2", "/wd4068"]
    BINDING_FLAGS = []
    LINK_FLAGS = []
    AVX2 = ["/arch:AVX2"]
    AVX512 = ["/arch:AVX512"]

LEVELS: dict[str, list[str]] = {"baseline": []}
"""The flags of each SIMD level, the lowest first."""
if sysconfig.get_platform().endswith(("x86_64", "amd64")):
    LEVELS |= {"avx2": AVX2, "avx512": AVX512}

PROBE = """
#include <Python.h>
void probe(float *x);
void probe(float *x) { for (int i = 0; i < 64; i++) x[i] += 1; }
"""


def explain(error: BaseException) -> str:
    """Return one line that names the command that failed and its first error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, subprocess.CalledProcessError):
            status = f"{cause.cmd[0]} ended with exit status {cause.returncode}"
            return f"{status}: {_first_error(cause.cmd)}"
        if isinstance(cause, OSError) and cause.filename:
            return f"{cause.filename}: {cause.strerror}"
        cause = cause.__cause__ or cause.__context__
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _first_error(command: list[str]) -> str:
    """Run a command again, whose messages were not kept; return its first error."""
    result = subprocess.run(
        command,
        env=os.environ | {"LC_ALL": "C"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    lines = [*result.stderr.splitlines(), *result.stdout.splitlines(), ""]
    line = next((line for line in lines if "error" in line.lower()), lines[0])
    return line.strip()[:200]


def accepted_levels(compiler: Any, directory: str) -> list[str]:
    """Return the SIMD levels that the compiler knows; an error if it cannot compile."""
    probe = Path(directory, "probe.c")
    probe.write_text(PROBE)
    accepted: list[str] = []
    for level, flags in LEVELS.items():
        try:
            compiler.compile(
                [str(probe)],
                output_dir=f"{directory}/{level}",
                extra_postargs=[*FLAGS, *BINDING_FLAGS, *flags],
            )
        except Exception:
            if not accepted:
                raise
            break
        accepted.append(level)
    return accepted


def compile_sources(compiler: Any, directory: str, sanitizers: list[str]) -> list[str]:
    """Compile all but the binding; return the paths of the objects.

    kernels.c is compiled once for each dtype and SIMD level.
    """
    levels = accepted_levels(compiler, directory)

    def compile_one(
        source: str, name: str, macros: list[tuple[str, str | None]], flags: list[str]
    ) -> list[str]:
        return compiler.compile(
            [str(SOURCES / source)],
            output_dir=f"{directory}/{name}",
            macros=macros,
            extra_postargs=[*FLAGS, *sanitizers, *flags],
        )

    with ThreadPoolExecutor(os.cpu_count()) as executor:
        macros: list[tuple[str, str | None]] = [
            ("SKNN_FINGERPRINT", f"{fingerprint()}u")
        ]
        macros += [(f"SKNN_{level.upper()}", None) for level in levels]
        jobs = [
            executor.submit(compile_one, source, "", macros, [])
            for source in ("dispatch.c", "matmul.c", "pool.c")
        ]
        for level in levels:
            for dtype, real in ("float64", "double"), ("float32", "float"):
                name = f"{dtype}_{level}"
                is_float = str(int(real == "float"))
                macros = [
                    ("REAL", real),
                    ("IS_FLOAT", is_float),
                    ("SUFFIX", "_" + name),
                ]
                jobs.append(
                    executor.submit(
                        compile_one, "kernels.c", name, macros, LEVELS[level]
                    )
                )
        return [path for job in jobs for path in job.result()]


def build(directory: Path, sanitize: bool = False) -> Path:
    """Compile the extension module into a directory; return its path."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    if not os.environ.get("CC", "").strip():
        os.environ.pop("CC", None)  # setuptools would run a compiler without a name
    sanitizers = SANITIZERS if sanitize else []

    class BuildKernels(build_ext):
        def build_extension(self, ext: Extension) -> None:
            ext.extra_objects = compile_sources(
                self.compiler, self.build_temp, sanitizers
            )
            super().build_extension(ext)

    with tempfile.TemporaryDirectory() as temporary:
        extension = Extension(
            "sknn._kernels._binding",
            [str(HERE / "_binding.pyx")],
            include_dirs=[str(SOURCES)],
            define_macros=MACROS,
            extra_compile_args=BINDING_FLAGS,
            extra_link_args=[*LINK_FLAGS, *sanitizers],
            py_limited_api=LIMITED_API,
        )
        modules = cythonize([extension], build_dir=temporary, quiet=True)
        command = BuildKernels(Distribution({"name": "sknn", "ext_modules": modules}))
        command.build_lib = command.build_temp = temporary
        command.ensure_finalized()
        try:
            command.run()
        except Exception as error:
            raise RuntimeError(explain(error)) from error
        built = Path(command.get_ext_fullpath(extension.name))
        return Path(shutil.move(built, directory / built.name))


def modules_in_place() -> set[Path]:
    """Return the compiled modules in the source tree; there may be several names."""
    return {*HERE.glob("_binding*.so"), *HERE.glob("_binding*.pyd")}


def put_in_place(module: Path) -> Path:
    """Put a module into the source tree, instead of the one that is there.

    That one is not written to: other processes may have loaded it.
    """
    target = HERE / module.name
    new = HERE / f"{module.name}.new"
    try:
        shutil.copy(module, new)
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)
    for other in modules_in_place() - {target}:
        other.unlink()
    return target


def read_variables() -> tuple[bool, bool, bool]:
    """Return whether to compile, whether it must succeed, and whether to sanitize."""
    compiles = is_on("SKNN_KERNELS", default="1")
    required = is_on("SKNN_REQUIRE_KERNELS", default="0")
    if required and not compiles:
        raise ValueError(
            "SKNN_KERNELS=0 and SKNN_REQUIRE_KERNELS=1 contradict each other: unset "
            "one of the environment variables"
        )
    return compiles, required, is_on("SKNN_SANITIZE", default="0")


class KernelsHook(BuildHookInterface[Any]):
    """Adds the compiled module to a wheel; an editable install has it in place."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        try:
            compiles, required, sanitize = read_variables()
        except ValueError as error:
            self.app.abort(f"sknn: {error}")
        self.temporary = tempfile.TemporaryDirectory()
        try:
            self.add_module(version == "editable", compiles, sanitize, build_data)
        except Exception as error:
            if required:
                self.temporary.cleanup()
                self.app.abort(
                    "sknn: the compiled kernels cannot be built, and "
                    "SKNN_REQUIRE_KERNELS=1 does not allow to go without them. Install "
                    "a C compiler (gcc, clang or MSVC) and the headers of Python, or "
                    f"unset the variable. What failed: {error}"
                )
            self.app.display_warning(
                "sknn: the compiled kernels cannot be built, so training is slower. "
                f"What failed: {error}"
            )

    def add_module(
        self, in_place: bool, compiles: bool, sanitize: bool, build_data: dict[str, Any]
    ) -> None:
        if not compiles:
            if in_place:
                for module in modules_in_place():
                    module.unlink()
            return
        module = build(Path(self.temporary.name), sanitize)
        if in_place:
            put_in_place(module)
        else:
            build_data["force_include"][str(module)] = f"sknn/_kernels/{module.name}"
        build_data["pure_python"] = False
        if LIMITED_API:
            platform = sysconfig.get_platform().translate(str.maketrans("-.", "__"))
            build_data["tag"] = f"{TAG}-{platform}"
        else:
            build_data["infer_tag"] = True

    def finalize(
        self, version: str, build_data: dict[str, Any], artifact_path: str
    ) -> None:
        self.temporary.cleanup()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        try:
            sanitize = is_on("SKNN_SANITIZE", default="0")
            print(put_in_place(build(Path(directory), sanitize)))
        except (OSError, RuntimeError, ValueError) as error:
            sys.exit(f"The kernels cannot be compiled: {error}")
