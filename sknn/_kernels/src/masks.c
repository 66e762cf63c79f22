/* The random masks of dropout and DropConnect. */

/* y = x * mask, with mask = scale where bits >= threshold, 0 elsewhere. `bits` holds
 * sixteen random bits per element, half or a quarter of the memory of a mask of reals.
 * The backward pass is the same map from dy to dx. x and y may be the same array. Like
 * the product, 0 times inf or NaN is NaN. Arrays are flat: x (n,), bits (n,), y (n,) */
KERNEL(mask)
{
    const real *x = DATA(0);
    const uint16_t *bits = DATA(1);
    real *y = DATA(2);
    uint16_t threshold = (uint16_t)NUMBER(3);
    real scale = (real)NUMBER(4);
    I n = SHAPE(2, 0);
    SIMD
    for (I i = 0; i < n; i++)
        y[i] = x[i] * (bits[i] >= threshold ? scale : 0);
}

/* The next words of NumPy's bit generator SFC64, as its random_raw returns them, and
 * its state after them;  state (4,), words (n,) */
KERNEL(sfc64)
{
    uint64_t *state = DATA(0), *words = DATA(1);
    uint64_t a = state[0], b = state[1], c = state[2], counter = state[3];
    for (I i = 0; i < SHAPE(1, 0); i++) {
        uint64_t word = a + b + counter++;
        a = b ^ (b >> 11);
        b = c + (c << 3);
        c = ((c << 24) | (c >> 40)) + word;
        words[i] = word;
    }
    state[0] = a, state[1] = b, state[2] = c, state[3] = counter;
}
