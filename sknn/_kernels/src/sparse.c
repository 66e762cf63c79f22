/* Products of CSR matrices, whose row i holds the numbers data[k] in the columns
 * indices[k], indptr[i] <= k < indptr[i + 1]. Units are contiguous in W, y, dy and dW,
 * which may be blocks of columns of larger matrices. */

#if defined(__GNUC__) || defined(__clang__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address) ((void)(address))
#endif

/* The rows of W and dW are at random places in memory, so the one that is needed AHEAD
 * numbers later is fetched early. */
enum { AHEAD = 8 };

static inline void NAME(prefetch_row)(const real *row, I units)
{
    for (I j = 0; j < units; j += 64 / (I)sizeof(real))
        PREFETCH(row + j);
}

/* y = x W;  data, indices (stored,), indptr (n + 1,), W (fan_in, units), y (n, units) */
KERNEL(csr_dot)
{
    const real *data = DATA(0), *W = DATA(3);
    const int32_t *indices = DATA(1), *indptr = DATA(2);
    real *y = DATA(4);
    I n = SHAPE(4, 0), units = SHAPE(4, 1), W_step = STRIDE(3, 0), y_step = STRIDE(4, 0);
    I stored = indptr[n];
    for (I i = 0; i < n; i++, y += y_step) {
        memset(y, 0, (size_t)units * sizeof(real));
        for (I k = indptr[i]; k < indptr[i + 1]; k++) {
            const real *w = W + indices[k] * W_step;
            real value = data[k];
            if (k + AHEAD < stored)
                NAME(prefetch_row)(W + indices[k + AHEAD] * W_step, units);
            SIMD
            for (I j = 0; j < units; j++)
                y[j] += value * w[j];
        }
    }
}

/* dW = x^T dy;  data, indices (stored,), indptr (n + 1,), dy (n, units),
 * dW (fan_in, units) */
KERNEL(csr_t_dot)
{
    const real *data = DATA(0), *dy = DATA(3);
    const int32_t *indices = DATA(1), *indptr = DATA(2);
    real *dW = DATA(4);
    I n = SHAPE(3, 0), units = SHAPE(3, 1), dy_step = STRIDE(3, 0), dW_step = STRIDE(4, 0);
    I stored = indptr[n];
    if (dW_step == units) /* one large memset is faster, past the caches */
        memset(dW, 0, (size_t)(SHAPE(4, 0) * units) * sizeof(real));
    else
        for (I k = 0; k < SHAPE(4, 0); k++)
            memset(dW + k * dW_step, 0, (size_t)units * sizeof(real));
    for (I i = 0; i < n; i++, dy += dy_step)
        for (I k = indptr[i]; k < indptr[i + 1]; k++) {
            real *dw = dW + indices[k] * dW_step;
            real value = data[k];
            if (k + AHEAD < stored)
                NAME(prefetch_row)(dW + indices[k + AHEAD] * dW_step, units);
            SIMD
            for (I j = 0; j < units; j++)
                dw[j] += value * dy[j];
        }
}

#undef PREFETCH
