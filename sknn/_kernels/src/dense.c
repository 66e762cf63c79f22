/* The dense layer around its matrix products. */

/* Number of elements of an array argument. */
#define SIZE(i) (SHAPE(i, 0) * SHAPE(i, 1) * SHAPE(i, 2) * SHAPE(i, 3))

static inline void add_to_rows(real *y, const real *b, I n, I units)
{
    for (I i = 0; i < n; i++, y += units) {
        SIMD
        for (I j = 0; j < units; j++)
            y[j] += b[j];
    }
}

/* y[i, j] += b[j] */
KERNEL(add_bias)
{
    add_to_rows(DATA(0), DATA(1), SHAPE(0, 0), SHAPE(0, 1));
}

/* db[j] = sum of dy[i, j] over i, row by row; any stride of rows */
KERNEL(column_sums)
{
    const real *dy = DATA(0);
    real *db = DATA(1);
    I n = SHAPE(0, 0), units = SHAPE(0, 1);
    memset(db, 0, (size_t)units * sizeof(real));
    for (I i = 0; i < n; i++, dy += STRIDE(0, 0)) {
        SIMD
        for (I j = 0; j < units; j++)
            db[j] += dy[j];
    }
}
