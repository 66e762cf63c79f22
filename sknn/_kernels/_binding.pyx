# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: freethreading_compatible=True
"""Calls of the compiled kernels, bound to the addresses of their arrays."""

from cpython.buffer cimport (
    Py_buffer, PyBUF_RECORDS_RO, PyBuffer_Release, PyObject_CheckBuffer,
    PyObject_GetBuffer,
)
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from libc.limits cimport INT_MAX
from libc.stdint cimport int64_t, uintptr_t


cdef extern from "kernel.h":
    enum: MAX_DIM
    ctypedef struct Arg:
        void *data
        int64_t shape[4]
        int64_t stride[4]
        double number
    ctypedef void (*Kernel)(const Arg *args) noexcept nogil
    ctypedef struct Entry:
        const char *name
        const char *signature
        Kernel run


cdef extern from "dispatch.h":
    ctypedef struct Level:
        const char *name
        const Entry *table[2]
    const Level sknn_levels[]
    const int sknn_n_levels
    const char *sknn_compiler
    const unsigned int sknn_fingerprint
    int sknn_highest_level()
    const Entry sknn_matmul[2]
    void sknn_set_gemm(void *dgemm, void *sgemm)


cdef extern from "pool.h":
    ctypedef struct Job:
        Kernel run
        const Arg *args
    int sknn_set_threads(int n)
    void sknn_run(const Job *jobs, const int *counts, int n_operations) noexcept nogil


# Elements from which a call takes 10 to 100 µs: other Python threads can run meanwhile.
# A shorter call keeps the interpreter's lock, since to get it back can take longer.
cdef int64_t WORTH_RELEASING = 1 << 17


cdef int level = -1  # index of the SIMD level of new calls; -1: no calls
cdef dict numbers = {}  # of the kernels in the tables; -1 for matmul


def set_level(int index):
    """Choose the SIMD level of the calls made from now on; -1 makes none."""
    global level
    if not -1 <= index <= sknn_highest_level() or index >= sknn_n_levels:
        raise ValueError(f"this machine does not support the level {index}")
    level = index


def set_gemm(dgemm, sgemm):
    """Set the functions of BLAS, given as capsules, that matmul calls."""
    sknn_set_gemm(PyCapsule_GetPointer(dgemm, PyCapsule_GetName(dgemm)),
                  PyCapsule_GetPointer(sgemm, PyCapsule_GetName(sgemm)))
    numbers["matmul"] = -1


def kernels():
    """Return the names of all kernels."""
    return tuple(numbers)


def set_threads(int n):
    """Set the number of threads of programs called from this thread."""
    return sknn_set_threads(n)


def threads():
    """Return the number of threads of programs called from this thread."""
    cdef int n = sknn_set_threads(1)
    sknn_set_threads(n)
    return n


cdef void list_kernels():
    cdef const Entry *entry = sknn_levels[0].table[0]
    while entry.name:
        numbers[entry.name.decode()] = len(numbers)
        entry += 1


list_kernels()
levels = tuple([sknn_levels[i].name.decode() for i in range(sknn_n_levels)])
highest_level = min(sknn_highest_level(), sknn_n_levels - 1)
compiler = (<bytes> sknn_compiler).decode()
fingerprint = sknn_fingerprint


cdef class Call:
    """A kernel with its arguments; calling it runs it."""

    cdef Kernel run
    cdef Arg *args
    cdef int64_t work  # elements of the largest array, or a measure of like duration
    cdef object arrays  # keeps them alive

    def __dealloc__(self):
        PyMem_Free(self.args)

    def __call__(self):
        if self.work < WORTH_RELEASING:
            self.run(self.args)
        else:
            with nogil:
                self.run(self.args)


cdef class Program:
    """Operations that run one after the other, each a call or a list of calls.

    The calls of a list are independent of each other: they run on several threads.
    """

    cdef Job *jobs
    cdef int *counts
    cdef int n_operations
    cdef int64_t work
    cdef list calls  # keeps them alive

    def __init__(self, items):
        cdef Call call
        cdef int i
        items = [item if isinstance(item, (list, tuple)) else (item,) for item in items]
        self.calls = []
        for item in items:
            for one in item:
                if not isinstance(one, Call):
                    raise TypeError(f"a program consists of calls, got {one!r}")
                self.calls.append(one)
        PyMem_Free(self.jobs)
        PyMem_Free(self.counts)
        self.jobs = <Job *> PyMem_Calloc(len(self.calls), sizeof(Job))
        self.counts = <int *> PyMem_Calloc(len(items), sizeof(int))
        if not self.jobs or not self.counts:
            raise MemoryError
        self.n_operations = <int> len(items)
        for i in range(self.n_operations):
            self.counts[i] = <int> len(items[i])
        self.work = 0
        for i in range(<int> len(self.calls)):
            call = self.calls[i]
            self.jobs[i].run = call.run
            self.jobs[i].args = call.args
            self.work += call.work

    def __dealloc__(self):
        PyMem_Free(self.jobs)
        PyMem_Free(self.counts)

    def __call__(self):
        if self.work < WORTH_RELEASING:
            sknn_run(self.jobs, self.counts, self.n_operations)
        else:
            with nogil:
                sknn_run(self.jobs, self.counts, self.n_operations)


def make_call(str name, tuple args):
    """Bind a kernel to its arguments; None if they do not fit it."""
    number = numbers.get(name)
    if number is None or level < 0:
        return None
    cdef int i, n = <int> len(args), index = number
    cdef const Entry *entry = &sknn_matmul[0]
    if index >= 0:
        entry = &sknn_levels[level].table[0][index]
    cdef Call call = Call.__new__(Call)
    call.args = <Arg *> PyMem_Calloc(n, sizeof(Arg))
    if not call.args:
        raise MemoryError
    cdef const char *signature = entry.signature
    cdef char real = 0  # format of the real arrays
    for i in range(n):
        if not signature[0] or not fits(
            args[i], signature, &call.args[i], &real, &call.work
        ):
            return None
        signature += 2 if signature[1] == b"?" else 1
    if signature[0]:
        return None
    if index < 0:
        if not multiply(call.args):
            return None
        # Eight multiply-adds of BLAS take about as long as an element of other kernels.
        call.work = (
            call.args[0].shape[1] * call.args[2].shape[0] * call.args[2].shape[1] // 8
        )
        call.run = sknn_matmul[real == b"f"].run
    else:
        call.run = sknn_levels[level].table[real == b"f"][index].run
    call.arrays = args
    return call


cdef bint multiply(const Arg *args):
    """Whether the shapes of y = alpha a @ b fit."""
    return (
        args[0].shape[1] == args[1].shape[0]
        and args[0].shape[0] == args[2].shape[0]
        and args[1].shape[1] == args[2].shape[1]
    )


cdef bint fits(object value, const char *code, Arg *arg, char *real, int64_t *work) except -1:
    """Describe an argument to its kernel, if it is what the signature asks for."""
    cdef Py_buffer view
    cdef int axis
    cdef char letter = code[0] | 0x20  # in lower case
    for axis in range(MAX_DIM):
        arg.shape[axis] = 1
    if letter == b"x":
        try:
            arg.number = value
        except (TypeError, ValueError):
            return False
        return True
    if value is None:
        return code[1] == b"?"
    if not PyObject_CheckBuffer(value):
        return False
    try:
        PyObject_GetBuffer(value, &view, PyBUF_RECORDS_RO)
    except (BufferError, ValueError):
        return False
    try:
        if (view.readonly and code[0] != letter) or view.ndim > MAX_DIM:
            return False
        if not view.format or not has_dtype(view.format, view.itemsize, letter, real):
            return False
        return describe(&view, letter, arg, work)
    finally:
        PyBuffer_Release(&view)


cdef bint has_dtype(const char *format, Py_ssize_t itemsize, char letter, char *real):
    """Whether an array has the dtype of a letter; the first real array chooses `real`."""
    cdef char code = format[0]
    if not code or format[1]:
        return False  # bytes swapped, or a record
    if letter == b"d":
        return code == b"d"
    if letter == b"i":
        return itemsize == 8 and (code == b"l" or code == b"q")
    if letter == b"b":
        return code == b"B" or code == b"?"
    if letter == b"h":
        return code == b"H"
    if letter == b"j":
        return itemsize == 4 and (code == b"i" or code == b"l")
    if letter == b"o" and (code == b"f" or code == b"d"):
        code = b"d" if code == b"f" else b"f"
    if not real[0] and (code == b"f" or code == b"d"):
        real[0] = code
    return code == real[0]


cdef bint describe(const Py_buffer *view, char letter, Arg *arg, int64_t *work):
    """Fill in an array's address, shape and strides; False if its layout does not fit."""
    cdef int axis
    cdef int64_t size = 1
    cdef bint contiguous = True
    if <uintptr_t> view.buf % view.itemsize:
        return False
    arg.data = view.buf
    for axis in reversed(range(view.ndim)):
        if view.strides[axis] % view.itemsize:
            return False
        arg.shape[axis] = view.shape[axis]
        arg.stride[axis] = view.strides[axis] // view.itemsize
        if arg.shape[axis] != 1 and arg.stride[axis] != size:
            contiguous = False
        size *= arg.shape[axis]
    work[0] = max(work[0], size)
    if letter == b"m":
        return view.ndim == 2 and is_matrix(arg)
    if letter == b"s" and view.ndim:
        axis = view.ndim - 1
        contiguous = contiguous or arg.shape[axis] == 1 or arg.stride[axis] == 1
    return contiguous or size == 0


cdef bint is_matrix(const Arg *arg):
    """Whether BLAS can take a matrix, row by row or column by column."""
    return is_major(arg, 0) or is_major(arg, 1)


cdef bint is_major(const Arg *arg, int axis):
    """Whether the lines across `axis` lie in one piece, one after the other."""
    cdef int64_t lines = arg.shape[axis], length = arg.shape[1 - axis]
    return (
        arg.stride[1 - axis] == 1
        and (lines <= 1 or length <= arg.stride[axis] <= INT_MAX)
        and lines <= INT_MAX
        and length <= INT_MAX
    )
