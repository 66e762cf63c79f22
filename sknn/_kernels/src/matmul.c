/* Products of matrices by the BLAS that SciPy brings. Compiled once: BLAS has SIMD levels
 * of its own. */
#include "dispatch.h"

/* dgemm or sgemm; alpha, beta and the matrices are of its dtype. */
typedef void (*Gemm)(const char *transa, const char *transb, const int *m, const int *n,
                     const int *k, const void *alpha, const void *a, const int *lda,
                     const void *b, const int *ldb, const void *beta, void *c,
                     const int *ldc);

static Gemm gemm[2]; /* of float64 and float32 */

void sknn_set_gemm(void *dgemm, void *sgemm)
{
    gemm[0] = (Gemm)dgemm;
    gemm[1] = (Gemm)sgemm;
}

/* The strides of an axis with at most one element mean nothing. */
static int is_row_major(const Arg *x)
{
    return (x->shape[1] <= 1 || x->stride[1] == 1) &&
           (x->shape[0] <= 1 || x->stride[0] >= x->shape[1]);
}

/* The leading dimension, which BLAS wants to be at least 1 and the length of a line. */
static int leading(const Arg *x, int row_major)
{
    I line = x->shape[row_major], stride = x->stride[!row_major];
    I lines = x->shape[!row_major];
    I least = line > 1 ? line : 1;
    return (int)(lines > 1 && stride > least ? stride : least);
}

/* y = alpha a @ b. BLAS knows column-major matrices only: where y is row-major, it
 * computes y.T = alpha b.T @ a.T. */
static void matmul(const Arg *args, Gemm gemm, const void *alpha, const void *zero)
{
    const Arg *a = &args[0], *b = &args[1], *y = &args[2];
    int m = (int)y->shape[0], n = (int)y->shape[1], k = (int)a->shape[1];
    int a_rows = is_row_major(a), b_rows = is_row_major(b), y_rows = is_row_major(y);
    int lda = leading(a, a_rows), ldb = leading(b, b_rows), ldy = leading(y, y_rows);
    if (m == 0 || n == 0)
        return;
    if (y_rows)
        gemm(b_rows ? "N" : "T", a_rows ? "N" : "T", &n, &m, &k, alpha, b->data, &ldb,
             a->data, &lda, zero, y->data, &ldy);
    else
        gemm(a_rows ? "T" : "N", b_rows ? "T" : "N", &m, &n, &k, alpha, a->data,
             &lda, b->data, &ldb, zero, y->data, &ldy);
}

static void matmul_float64(const Arg *args)
{
    const double alpha = args[3].number, zero = 0;
    matmul(args, gemm[0], &alpha, &zero);
}

static void matmul_float32(const Arg *args)
{
    const float alpha = (float)args[3].number, zero = 0;
    matmul(args, gemm[1], &alpha, &zero);
}

const Entry sknn_matmul[2] = {
    {"matmul", "mmMx", matmul_float64},
    {"matmul", "mmMx", matmul_float32},
};
