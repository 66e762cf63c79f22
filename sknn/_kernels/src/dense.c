/* The dense layer around its matrix products. */

/* y[i, j] += b[j] */
KERNEL(add_bias)
{
    real *y = DATA(0);
    const real *b = DATA(1);
    I n = SHAPE(0, 0), units = SHAPE(0, 1);
    for (I i = 0; i < n; i++, y += units) {
        SIMD
        for (I j = 0; j < units; j++)
            y[j] += b[j];
    }
}
