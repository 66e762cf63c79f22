/* The random masks of dropout and DropConnect. */

/* y = x * mask, with mask = scale where bits >= threshold, 0 elsewhere, and limits =
 * (threshold, scale). `bits` holds sixteen random bits per element, half or a quarter of
 * the memory of a mask of reals.
 * The backward pass is the same map from dy to dx. x and y may be the same array. Like
 * the product, 0 times inf or NaN is NaN. Arrays are flat: x (n,), bits (n,), y (n,), limits (2,) */
KERNEL(mask)
{
    const real *x = DATA(0);
    const uint16_t *bits = DATA(1);
    real *y = DATA(2);
    const real *limits = DATA(3);
    uint16_t threshold = (uint16_t)limits[0];
    real scale = limits[1];
    I n = SHAPE(2, 0);
    SIMD
    for (I i = 0; i < n; i++)
        y[i] = x[i] * (bits[i] >= threshold ? scale : 0);
}
