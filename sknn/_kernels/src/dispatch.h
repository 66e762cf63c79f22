/* The kernels of every SIMD level that was built, and whether this processor runs it. */
#ifndef SKNN_DISPATCH_H
#define SKNN_DISPATCH_H

#include "kernel.h"

typedef struct {
    const char *name;      /* "baseline", "avx2" or "avx512" */
    const Entry *table[2]; /* of float64 and float32; both in the order of kernels.def */
} Level;

/* From the lowest level to the highest. */
extern const Level sknn_levels[];
extern const int sknn_n_levels;
extern const char sknn_compiler[];
extern const unsigned sknn_fingerprint; /* of the sources, see _common.py */

/* The highest level that this processor and its operating system support. */
int sknn_highest_level(void);

/* matmul calls BLAS, which has SIMD levels of its own (see matmul.c). */
extern const Entry sknn_matmul[2];
void sknn_set_gemm(void *dgemm, void *sgemm);

#endif
