/* What every kernel sees: its arguments, and the names that depend on the dtype.
 *
 * kernels.c is compiled once for each dtype and SIMD level, with the macros REAL (float
 * or double), IS_FLOAT (1 or 0) and SUFFIX (such as _float32_avx2). A kernel is a static
 * function of one thread without memory of its own:
 *
 *     // y[i, j] += b[j]
 *     KERNEL(add_bias)
 *     {
 *         real *y = DATA(0);
 *         const real *b = DATA(1);
 *         I n = SHAPE(0, 0), units = SHAPE(0, 1);
 *         ...
 *     }
 *
 * and a line in kernels.def, `K(add_bias, "Rr")`, which says how to check its arguments:
 *
 *     r  real array, C-contiguous          s  real array, stride 1 along the last axis
 *     d  float64 array, C-contiguous       i  int64 array, C-contiguous
 *     b  uint8 or bool array, C-contiguous x  a number
 *     m  real matrix with one stride of 1, as BLAS takes it
 *     o  array of the other real dtype, C-contiguous
 *     h  uint16 array, C-contiguous        j  int32 array, C-contiguous
 *
 * An upper-case letter is an array that the kernel writes; `?` after a letter allows None.
 * Its NumPy twin, a Python function with the same name and the same arguments, says what
 * it computes.
 */
#ifndef SKNN_KERNEL_H
#define SKNN_KERNEL_H

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef int64_t I;

#define MAX_DIM 4

typedef struct {
    void *data;        /* first element of an array; NULL for None */
    I shape[MAX_DIM];  /* 1 beyond the last dimension */
    I stride[MAX_DIM]; /* in elements */
    double number;     /* the value of a number */
} Arg;

typedef void (*Kernel)(const Arg *args);

typedef struct {
    const char *name;
    const char *signature;
    Kernel run;
} Entry;

#ifdef REAL
typedef REAL real;

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(name) JOIN(name, SUFFIX)

#define KERNEL(name) static void NAME(name)(const Arg *args)
#define DATA(i) (args[i].data)
#define SHAPE(i, axis) (args[i].shape[axis])
#define STRIDE(i, axis) (args[i].stride[axis])
#define NUMBER(i) (args[i].number)

/* A loop of independent iterations, and one that sums into the variables named. They need
 * the compiler flag -fopenmp-simd, which brings no threads and no library. */
#define PRAGMA(...) _Pragma(#__VA_ARGS__)
#define SIMD PRAGMA(omp simd)
#define SIMD_SUM(...) PRAGMA(omp simd reduction(+ : __VA_ARGS__))
#endif

#endif
