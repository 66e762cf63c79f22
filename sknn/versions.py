"""The versions and the machine, for bug reports."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TypeAlias

from threadpoolctl import threadpool_info

from ._kernels import describe
from ._version import __version__

Lines: TypeAlias = list[tuple[str, str]]

PACKAGES = (
    *("numpy", "scipy", "scikit-learn", "joblib", "threadpoolctl"),
    *("matplotlib", "rich"),  # optional
)


def show_versions() -> None:
    """Print what a bug report should contain about the installation.

    These are the versions of Python, of sknn and of the packages that it uses, whether
    its compiled kernels are in use, and if not, why; and each BLAS library, with the
    number of its threads. Kernels use as many threads as BLAS.

    Examples
    --------
    >>> import sknn
    >>> sknn.show_versions()  # doctest: +SKIP
    System:
           python: 3.11.7 (main, May  9 2026, 07:35:25) [GCC 12.2.0]
       executable: /.../bin/python
          machine: Linux-6.18.44-x86_64-with-glibc2.36
    <BLANKLINE>
    Packages:
             sknn: 0.2.0
            numpy: 2.4.6
            scipy: 1.17.1
     scikit-learn: 1.9.1
           joblib: 1.6.0
    threadpoolctl: 3.8.0
       matplotlib: 3.11.2
             rich: 15.0.0
    <BLANKLINE>
    Kernels:
           in use: yes
       SIMD level: avx2
        built for: baseline, avx2, avx512
         compiler: gcc 12.2.0
         products: by the BLAS of SciPy
    <BLANKLINE>
    BLAS:
         openblas: 0.3.31.188.0 (Haswell), 2 threads, /.../libscipy_openblas64_.so
         openblas: 0.3.30 (Haswell), 2 threads, /.../libscipy_openblas.so
    """
    sections = {
        "System": _system(),
        "Packages": _packages(),
        "Kernels": _kernels(),
        "BLAS": _blas(),
    }
    print(
        "\n\n".join(
            "\n".join([f"{title}:", *(f"{name:>13}: {value}" for name, value in lines)])
            for title, lines in sections.items()
        )
    )


def kernels_in_use() -> str:
    """Return "yes" if the compiled kernels are in use, otherwise "no", and why not.

    It is the text after ``in use:`` that :func:`~sknn.show_versions` prints.

    Returns
    -------
    answer : str
        ``"yes"``, or a text that starts with ``"no, "``.

    Examples
    --------
    >>> from sknn.versions import kernels_in_use
    >>> print(kernels_in_use())  # doctest: +SKIP
    yes
    """
    kernels = describe()
    if not kernels["compiled"]:
        return f"no, {kernels['reason']}"
    return "yes" if kernels["level"] else "no, switched off"


def _system() -> Lines:
    return [
        ("python", sys.version.replace("\n", " ")),
        ("executable", sys.executable),
        ("machine", platform.platform()),
    ]


def _packages() -> Lines:
    lines = [("sknn", __version__)]
    for name in PACKAGES:
        try:
            lines.append((name, version(name)))
        except PackageNotFoundError:
            lines.append((name, "not installed"))
    return lines


def _kernels() -> Lines:
    kernels = describe()
    if not kernels["compiled"]:
        return [("in use", kernels_in_use())]
    products = "SciPy" if kernels["matmul"] else "NumPy"
    return [
        ("in use", kernels_in_use()),
        ("SIMD level", str(kernels["level"])),
        ("built for", ", ".join(kernels["levels"])),
        ("compiler", kernels["compiler"]),
        ("products", f"by the BLAS of {products}"),
    ]


def _blas() -> Lines:
    return [
        (
            library["internal_api"],
            f"{library['version']} ({library.get('architecture', 'any processor')}), "
            f"{library['num_threads']} threads, {library['filepath']}",
        )
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ] or [("unknown", "threadpoolctl does not find a library")]
