"""Hatch's build hook: compiles the kernels, or warns and leaves them out.

Environment variables: with ``SKNN_KERNELS=0`` the wheel is pure Python, with
``SKNN_REQUIRE_KERNELS=1`` a build without the kernels fails, and with
``SKNN_SANITIZE=1`` they have the address and undefined-behaviour sanitizers. ``CC`` and
``CFLAGS`` work as usual.

``python sknn/_kernels/_build.py`` compiles them in place.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).parent
SOURCES = HERE / "src"

# One module serves this Python and all later ones, except free-threaded ones.
LIMITED_API = not sysconfig.get_config_var("Py_GIL_DISABLED")
MACROS = [("Py_LIMITED_API", "0x030B0000")] if LIMITED_API else []
TAG = "cp311-abi3"

UNIX = os.name != "nt"
SANITIZE = os.environ.get("SKNN_SANITIZE") == "1"
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover", "-g", "-O1"]
if UNIX:
    FLAGS = [
        *("-std=c11", "-O3", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math"),
        "-ffp-contract=fast",  # a product and a sum in one instruction
        *("-fvisibility=hidden", "-Wall", "-Wextra", "-g0"),
        *(SANITIZERS if SANITIZE else ()),
    ]
    BINDING_FLAGS = ["-g0", "-w"]  # generated code: no warnings
    LINK_FLAGS = ["-pthread", "-lm", *(SANITIZERS if SANITIZE else ())]
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
X86 = sysconfig.get_platform().endswith(("x86_64", "amd64"))
if X86:
    LEVELS |= {"avx2": AVX2, "avx512": AVX512}


def compile_sources(compiler: Any, directory: str) -> list[str]:
    """Compile all but the binding; return the paths of the objects.

    kernels.c is compiled once for each dtype and SIMD level.
    """

    def compile_one(
        source: str, name: str, macros: list[tuple[str, str | None]], flags: list[str]
    ) -> list[str]:
        return compiler.compile(
            [str(SOURCES / source)],
            output_dir=f"{directory}/{name}",
            macros=macros,
            extra_postargs=[*FLAGS, *flags],
        )

    with ThreadPoolExecutor(os.cpu_count()) as executor:
        macros: list[tuple[str, str | None]] = [("SKNN_X86_LEVELS", None)]
        jobs = [
            executor.submit(compile_one, source, "", macros if X86 else [], [])
            for source in ("dispatch.c", "matmul.c", "pool.c")
        ]
        for level, flags in LEVELS.items():
            for dtype, real in ("float64", "double"), ("float32", "float"):
                name = f"{dtype}_{level}"
                is_float = str(int(real == "float"))
                macros = [
                    ("REAL", real),
                    ("IS_FLOAT", is_float),
                    ("SUFFIX", "_" + name),
                ]
                jobs.append(
                    executor.submit(compile_one, "kernels.c", name, macros, flags)
                )
        return [path for job in jobs for path in job.result()]


def build(directory: Path) -> Path:
    """Compile the extension module into a directory; return its path."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    class BuildKernels(build_ext):
        def build_extension(self, ext: Extension) -> None:
            ext.extra_objects = compile_sources(self.compiler, self.build_temp)
            super().build_extension(ext)

    with tempfile.TemporaryDirectory() as temporary:
        extension = Extension(
            "sknn._kernels._binding",
            [str(HERE / "_binding.pyx")],
            include_dirs=[str(SOURCES)],
            define_macros=MACROS,
            extra_compile_args=BINDING_FLAGS,
            extra_link_args=LINK_FLAGS,
            py_limited_api=LIMITED_API,
        )
        modules = cythonize([extension], build_dir=temporary, quiet=True)
        command = BuildKernels(Distribution({"name": "sknn", "ext_modules": modules}))
        command.build_lib = command.build_temp = temporary
        command.ensure_finalized()
        command.run()
        built = Path(command.get_ext_fullpath(extension.name))
        return Path(shutil.move(built, directory / built.name))


class KernelsHook(BuildHookInterface[Any]):
    """Adds the compiled module to a wheel; an editable install has it in place."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        self.temporary = tempfile.TemporaryDirectory()
        in_place = version == "editable"
        if in_place:
            for old in [*HERE.glob("_binding*.so"), *HERE.glob("_binding*.pyd")]:
                old.unlink()
        if os.environ.get("SKNN_KERNELS") == "0":
            return
        try:
            module = build(HERE if in_place else Path(self.temporary.name))
        except Exception as error:
            if os.environ.get("SKNN_REQUIRE_KERNELS") == "1":
                self.temporary.cleanup()
                raise
            self.app.display_warning(
                "sknn is built without its compiled kernels, so training is slower: "
                f"{error}"
            )
            return
        build_data["pure_python"] = False
        if LIMITED_API:
            platform = sysconfig.get_platform().translate(str.maketrans("-.", "__"))
            build_data["tag"] = f"{TAG}-{platform}"
        else:
            build_data["infer_tag"] = True
        if not in_place:
            build_data["force_include"][str(module)] = f"sknn/_kernels/{module.name}"

    def finalize(
        self, version: str, build_data: dict[str, Any], artifact_path: str
    ) -> None:
        self.temporary.cleanup()


if __name__ == "__main__":
    print(build(HERE))
