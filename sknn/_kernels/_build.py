"""Hatch's build hook: compiles the kernels, or warns and leaves them out.

Environment variables: ``SKNN_KERNELS=0`` leaves the kernels out, with
``SKNN_REQUIRE_KERNELS=1`` a build without them fails, ``SKNN_SANITIZE=1`` compiles them
with the address and undefined-behaviour sanitizers. ``CC`` and ``CFLAGS`` work as usual.

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
SOURCE = HERE / "src"

# The baseline is what the compiler takes by default: SSE2 on x86-64, NEON on arm64.
LEVELS = {
    "baseline": {"unix": [], "msvc": []},
    "avx2": {"unix": ["-mavx2", "-mfma"], "msvc": ["/arch:AVX2"]},
    "avx512": {
        "unix": [
            *("-mavx2", "-mfma", "-mavx512f", "-mavx512vl", "-mavx512dq", "-mavx512bw"),
            "-mprefer-vector-width=512",
        ],
        "msvc": ["/arch:AVX512"],
    },
}
FLAGS = {
    "unix": [
        *("-std=c11", "-O3", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math"),
        *("-fvisibility=hidden", "-Wall", "-Wextra"),
    ],
    # Without OpenMP, whose pragmas are unknown then (C4068).
    "msvc": ["/std:c11", "/experimental:c11atomics", "/O2", "/wd4068"],
}
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover", "-g", "-O1"]


def build(directory: Path) -> Path:
    """Compile the extension module into a directory; return its path."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    class BuildKernels(build_ext):
        def build_extension(self, ext: Extension) -> None:
            objects = compile_sources(self.compiler, self.build_temp)
            ext.extra_objects = objects
            super().build_extension(ext)

    unix = os.name != "nt"
    sanitize = SANITIZE if os.environ.get("SKNN_SANITIZE") == "1" else []
    with tempfile.TemporaryDirectory() as temporary:
        extension = Extension(
            "sknn._kernels._binding",
            [str(HERE / "_binding.pyx")],
            include_dirs=[str(SOURCE)],
            extra_compile_args=["-w"] if unix else [],  # no warnings: generated code
            extra_link_args=["-pthread", *sanitize] if unix else [],
        )
        distribution = Distribution(
            {
                "name": "sknn",
                "ext_modules": cythonize([extension], build_dir=temporary, quiet=True),
            }
        )
        command = BuildKernels(distribution)
        command.build_lib = command.build_temp = temporary
        command.ensure_finalized()
        command.run()
        built = Path(command.get_ext_fullpath(extension.name))
        return Path(shutil.move(built, directory / built.name))


def compile_sources(compiler: Any, directory: str) -> list[str]:
    """Compile everything but the binding; return the paths of the objects."""
    kind = "msvc" if compiler.compiler_type == "msvc" else "unix"
    flags = FLAGS[kind]
    if os.environ.get("SKNN_SANITIZE") == "1":
        flags = [*flags, *SANITIZE]
    x86 = sysconfig.get_platform().endswith(("x86_64", "amd64"))
    levels = LEVELS if x86 else {"baseline": LEVELS["baseline"]}

    def compile_one(source: str, name: str, macros: Any, level_flags: Any) -> list[str]:
        return compiler.compile(
            [str(SOURCE / source)],
            output_dir=f"{directory}/{name}",
            macros=macros,
            extra_postargs=[*flags, *level_flags],
        )

    jobs: list[tuple[str, str, Any, Any]] = [
        ("dispatch.c", "", [("SKNN_X86_LEVELS", None)] if x86 else [], []),
        ("matmul.c", "", [], []),
        ("pool.c", "", [], []),
    ]
    for level, of_compiler in levels.items():
        for dtype, real in ("float64", "double"), ("float32", "float"):
            macros = [
                ("REAL", real),
                ("IS_FLOAT", str(int(real == "float"))),
                ("SUFFIX", f"_{dtype}_{level}"),
            ]
            jobs.append(("kernels.c", f"{dtype}_{level}", macros, of_compiler[kind]))
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        return [
            path
            for paths in executor.map(compile_one, *zip(*jobs, strict=True))
            for path in paths
        ]


class KernelsHook(BuildHookInterface):
    """Adds the compiled module to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        pass


if __name__ == "__main__":
    print(build(HERE))
