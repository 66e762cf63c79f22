"""Calls of compiled kernels, programs of calls, threads, and products by BLAS."""

import itertools
import os
import shutil
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

from sknn._kernels import _common, _library
from sknn._kernels._common import fingerprint
from sknn._kernels._library import Program, make_call, set_threads, usable_levels, use

needs_kernels = pytest.mark.skipif(
    not _library.describe()["compiled"], reason="the kernels are not compiled"
)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


@pytest.fixture
def four_threads():
    previous = set_threads(4)
    yield
    set_threads(previous)


IMPORT = "from sknn._kernels import _library\n"


def run_python(code, **environment):
    """Run code in a new interpreter; return what it prints."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


class TestMakeCall:
    pytestmark = needs_kernels

    @dtypes
    @pytest.mark.parametrize("level", usable_levels())
    def test_runs_the_kernel(self, level, dtype):
        y, b = np.zeros((3, 5), dtype), np.arange(5, dtype=dtype)
        with use(level):
            call = make_call("add_bias", (y, b))
        call()
        call()
        np.testing.assert_array_equal(y, np.tile(2 * b, (3, 1)))

    def test_keeps_its_arrays_alive(self):
        y, b = np.zeros((100, 100)), np.ones(100)
        call = make_call("add_bias", (y[:], b))
        del b
        call()
        assert (y == 1).all()

    @pytest.mark.parametrize(
        "name, args",
        [
            ("no_such_kernel", (np.ones((3, 5)), np.ones(5))),
            ("add_bias", ()),
            ("add_bias", (np.ones((3, 5)),)),
            ("add_bias", (np.ones((3, 5)), np.ones(5), np.ones(5))),
            ("add_bias", (np.ones((3, 5)), None)),
            ("add_bias", (np.ones((3, 5)), 1.0)),
            ("add_bias", (np.ones((3, 5)), [1.0] * 5)),
            ("add_bias", (np.ones((3, 5)), np.ones(5, "float32"))),
            ("add_bias", (np.ones((3, 5)), np.ones(5, ">f8"))),
            ("add_bias", (np.ones((3, 5), "float16"), np.ones(5, "float16"))),
            ("add_bias", (np.ones((3, 5), int), np.ones(5, int))),
            ("add_bias", (np.ones((3, 5), object), np.ones(5, object))),
            ("add_bias", (np.ones((3, 5), "M8[s]"), np.ones(5))),
            ("add_bias", (np.ones((5, 3)).T, np.ones(5))),
            ("add_bias", (np.ones((3, 5))[::-1], np.ones(5))),
            ("add_bias", (np.ones((3, 10))[:, ::2], np.ones(5))),
            ("add_bias", (np.ones((1, 1, 1, 3, 5)), np.ones(5))),
            ("add_bias", (np.broadcast_to(1.0, (3, 5)), np.ones(5))),
            ("add_bias", (np.ones(121, "u1")[1:].view(float), np.ones(15))),
        ],
        ids=itertools.count(),
    )
    def test_no_call_if_the_arguments_do_not_fit(self, name, args):
        assert make_call(name, args) is None

    def test_no_call_if_an_output_is_read_only(self):
        y, b = np.zeros((3, 5)), np.ones(5)
        b.flags.writeable = False
        assert make_call("add_bias", (y, b)) is not None
        y.flags.writeable = False
        assert make_call("add_bias", (y, b)) is None

    def test_strides_of_short_axes_do_not_matter(self):
        y = np.zeros((4, 5))[::4]
        make_call("add_bias", (y, np.ones(10)[:5]))()
        assert (y == 1).all()
        assert make_call("add_bias", (np.ones((4, 0))[::2], np.ones(0))) is not None


class TestMatmul:
    pytestmark = needs_kernels

    layouts = {
        "rows": lambda x: np.ascontiguousarray(x),
        "columns": lambda x: np.asfortranarray(x),
        "row block": lambda x: np.pad(x, [(0, 0), (2, 3)])[:, 2 : 2 + x.shape[1]],
        "column block": lambda x: (
            np.pad(x, [(3, 2), (0, 0)]).T.copy().T[3 : 3 + x.shape[0]]
        ),
    }

    @dtypes
    @pytest.mark.parametrize(
        "m, k, n",
        [
            *[(1, 1, 1), (1, 5, 7), (5, 7, 1), (5, 1, 6), (33, 31, 17), (2, 300, 3)],
            *[(0, 3, 4), (3, 0, 4), (3, 4, 0), (0, 0, 0), (1, 0, 1), (1, 1, 0)],
        ],
    )
    def test_all_layouts(self, m, k, n, dtype):
        rng = np.random.default_rng(0)
        for layouts in itertools.product(self.layouts.values(), repeat=3):
            shapes = (m, k), (k, n), (m, n)
            a, b, y = (
                layout(rng.standard_normal(shape).astype(dtype))
                for layout, shape in zip(layouts, shapes, strict=True)
            )
            y[:] = np.nan
            make_call("matmul", (a, b, y, 1.0))()
            tolerance = 100 * np.finfo(dtype).eps
            np.testing.assert_allclose(y, a @ b, rtol=tolerance, atol=tolerance)

    def test_writes_only_its_block(self):
        y = np.zeros((6, 8))
        make_call("matmul", (np.ones((4, 3)), np.ones((3, 5)), y[1:5, 2:7], 1.0))()
        assert y.sum() == y[1:5, 2:7].sum() == 4 * 5 * 3

    @pytest.mark.parametrize(
        "a, b, y",
        [
            (np.ones((2, 3)), np.ones((4, 5)), np.ones((2, 5))),
            (np.ones((2, 3)), np.ones((3, 5)), np.ones((3, 5))),
            (np.ones((2, 3)), np.ones((3, 5)), np.ones((2, 6))),
            (np.ones(3), np.ones((3, 5)), np.ones((1, 5))),
            (np.ones((2, 3))[::-1], np.ones((3, 5)), np.ones((2, 5))),
            (np.ones((2, 6))[:, ::2], np.ones((3, 5)), np.ones((2, 5))),
            (np.broadcast_to(np.ones(3), (2, 3)), np.ones((3, 5)), np.ones((2, 5))),
        ],
        ids=itertools.count(),
    )
    def test_no_call_of_what_blas_cannot_take(self, a, b, y):
        assert make_call("matmul", (a, b, y, 1.0)) is None

    def test_no_call_if_a_leading_dimension_is_too_large(self):
        far_apart = np.lib.stride_tricks.as_strided(
            np.ones(4), shape=(2, 2), strides=(8 * 2**31, 8)
        )
        others = np.ones((2, 2)), np.ones((2, 2)), 1.0
        assert make_call("matmul", (far_apart, *others)) is None


@pytest.mark.usefixtures("four_threads")
class TestProgram:
    pytestmark = needs_kernels

    def test_order_and_blocks(self):
        x, y = np.zeros((1, 9)), np.zeros((8, 9))
        blocks = [make_call("add_bias", (y[i : i + 1], x[0])) for i in range(8)]
        increment = make_call("add_bias", (x, np.ones(9)))
        program = Program([increment, blocks, [increment], [], blocks[:2], blocks[2:]])
        for _ in range(200):
            program()
        # With x increased to k and then to k + 1: y += k, y += k + 1.
        assert (y == sum(range(1, 401))).all()

    def test_large_blocks(self):
        y = np.zeros((4, 300, 400))
        blocks = [make_call("add_bias", (part, np.ones(400))) for part in y]
        Program([blocks] * 50)()
        assert (y == 50).all()

    def test_only_calls(self):
        with pytest.raises(TypeError, match="consists of calls"):
            Program([print])

    def test_concurrent_programs(self):
        def train(results):
            set_threads(3)
            y = np.zeros((6, 100, 100))
            blocks = [make_call("add_bias", (part, np.ones(100))) for part in y]
            program = Program([blocks] * 5)
            for _ in range(100):
                program()
            results.append((y == 500).all())

        results = []
        threads = [threading.Thread(target=train, args=(results,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [True] * 4


@needs_kernels
def test_number_of_threads_belongs_to_the_thread():
    assert set_threads(3) == 1
    try:
        seen = []
        thread = threading.Thread(target=lambda: seen.append(set_threads(2)))
        thread.start()
        thread.join()
        assert seen == [1]
    finally:
        assert set_threads(1) == 3


@needs_kernels
def test_numbers_of_threads_are_limited():
    try:
        set_threads(-5)
        assert set_threads(10**6) == 1
        assert 1 < set_threads(1) < 1000
    finally:
        set_threads(1)


@needs_kernels
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_fork_while_the_threads_work():
    run_python("""
import os, threading, warnings
import numpy as np
from sknn._kernels._library import Program, make_call, set_threads

warnings.simplefilter("ignore")  # Python 3.12 and later: threads and a fork

def train(n):
    set_threads(2)
    y = np.zeros((4, 300, 300))
    blocks = [make_call("add_bias", (part, np.ones(300))) for part in y]
    for _ in range(n):
        Program([blocks])()
    assert (y == n).all()

train(1)
for _ in range(10):
    thread = threading.Thread(target=train, args=(20,))
    thread.start()
    child = os.fork()
    if child == 0:
        train(20)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    thread.join()
""")


@needs_kernels
def test_exit_while_the_threads_work():
    run_python("""
import threading, time
import numpy as np
from sknn._kernels._library import Program, make_call, set_threads

def train():
    set_threads(2)
    y = np.zeros((4, 300, 300))
    blocks = [make_call("add_bias", (part, np.ones(300))) for part in y]
    program = Program([blocks] * 100)
    while True:
        program()

threading.Thread(target=train, daemon=True).start()
time.sleep(0.1)
""")


@needs_kernels
class TestLevels:
    def test_use(self):
        args = np.zeros((2, 2)), np.ones(2)
        before = _library.describe()["level"]
        for level in usable_levels():
            with use(level):
                assert _library.describe()["level"] == level
        with use(None):
            assert make_call("add_bias", args) is None
            assert _library.describe()["level"] is None
        assert _library.describe()["level"] == before
        assert make_call("add_bias", args) is not None

    def test_environment_variable(self):
        code = "from sknn._kernels import _library; print(_library.describe()['level'])"
        assert run_python(code, SKNN_SIMD="baseline") == "baseline"
        assert run_python(code, SKNN_SIMD="avx512") == usable_levels()[-1]
        assert run_python(code, SKNN_SIMD="") == usable_levels()[-1]


class TestVariables:
    @pytest.mark.parametrize("kernels", ["0", "1"])
    def test_levels_that_do_not_exist(self, kernels):
        message = "SKNN_SIMD must be 'baseline', 'avx2' or 'avx512', got 'mmx'"
        with pytest.raises(AssertionError, match=message):
            run_python(IMPORT, SKNN_SIMD="mmx", SKNN_KERNELS=kernels)

    def test_kernels_are_on_or_off(self):
        code = IMPORT + "print(_library.describe().get('reason'))"
        assert run_python(code, SKNN_KERNELS="0") == "switched off by SKNN_KERNELS=0"
        as_usual = run_python(code, SKNN_KERNELS="1")
        assert as_usual == run_python(code, SKNN_KERNELS="")
        with pytest.raises(AssertionError, match="must be '0' or '1', got 'off'"):
            run_python(code, SKNN_KERNELS="off")


class TestWhyThereAreNoKernels:
    def reason(self, before):
        """Return the reason that `describe` gives if `before` runs first."""
        code = f"""
import sys, warnings
name = "sknn._kernels._binding"
with warnings.catch_warnings(record=True) as caught:
{textwrap.indent(textwrap.dedent(before), "    ")}
    from sknn._kernels import _library
assert len(caught) == ("out of date" in _library.describe()["reason"])
print(_library.describe()["reason"])
"""
        return run_python(code, SKNN_KERNELS="1")

    def test_not_compiled(self):
        reason = self.reason("sys.modules[name] = None")
        assert reason == "not compiled (install a C compiler and reinstall sknn)"

    def test_a_module_that_it_needs_is_missing(self):
        reason = self.reason("""
            class Finder:
                def find_spec(self, module, path, target=None):
                    if module == name:
                        raise ModuleNotFoundError("No module named 'x'", name="x")
            sys.meta_path.insert(0, Finder())
        """)
        assert reason == "not loadable: No module named 'x'"

    @pytest.mark.skipif(fingerprint() is None, reason="there is no checkout")
    @pytest.mark.parametrize("attributes", ["", "fingerprint=-1"])
    def test_compiled_from_other_sources(self, attributes):
        reason = self.reason(f"""
            from types import SimpleNamespace
            sys.modules[name] = SimpleNamespace({attributes})
        """)
        assert reason == "out of date: run python sknn/_kernels/_build.py"


@pytest.mark.skipif(fingerprint() is None, reason="there is no checkout")
def test_fingerprint_depends_on_every_source(tmp_path, monkeypatch):
    copy = tmp_path / "_kernels"
    shutil.copytree(_common.HERE, copy)
    monkeypatch.setattr(_common, "HERE", copy)
    seen = {fingerprint()}
    (copy / "src" / "dense.c~").write_text("of an editor")
    assert fingerprint() in seen
    for path in (
        copy / "_binding.pyx",
        copy / "src" / "dense.c",
        copy / "src" / "pool.h",
    ):
        path.write_text(path.read_text("utf-8") + "\n", "utf-8")
        assert fingerprint() not in seen
        seen.add(fingerprint())
    (copy / "src" / "kernels.def").unlink()
    assert fingerprint() not in seen


def test_without_kernels():
    assert run_python(
        """
import numpy as np
from sknn._kernels import _library
print(_library.make_call("add_bias", (np.ones((2, 2)), np.ones(2))))
print(_library.describe(), _library.usable_levels(), _library.set_threads(2))
done = []
_library.Program([lambda: done.append(1), [lambda: done.append(2)]])()
print(done)
with _library.use(None):
    pass
try:
    with _library.use("avx2"):
        pass
except RuntimeError as error:
    print(error)
""",
        SKNN_KERNELS="0",
    ).splitlines() == [
        "None",
        "{'compiled': False, 'reason': 'switched off by SKNN_KERNELS=0'} () 1",
        "[1, 2]",
        "there are no kernels: switched off by SKNN_KERNELS=0",
    ]
