/* Batches: selected rows of the data, cast to what the network computes with. */

/* x[i] = cast(X[rows[i]]);  X (N, m), rows (n,), x (n, m). The data are real numbers,
 * bytes, or floats of the other precision. The row numbers must be valid. */
#define GATHER(name, source, cast)                                                     \
    KERNEL(name)                                                                       \
    {                                                                                  \
        const source *X = DATA(0);                                                     \
        const I *rows = DATA(1);                                                       \
        real *x = DATA(2);                                                             \
        I n = SHAPE(2, 0), m = SHAPE(2, 1);                                            \
        for (I i = 0; i < n; i++, x += m) {                                            \
            const source *from = X + rows[i] * m;                                      \
            SIMD                                                                       \
            for (I j = 0; j < m; j++)                                                  \
                x[j] = cast(from[j]);                                                  \
        }                                                                              \
    }

#define AS_REAL(v) ((real)(v))
#define SHARE_OF_255(v) ((real)(v) * (real)(1. / 255))

GATHER(gather, real, AS_REAL)
GATHER(gather_bytes, uint8_t, SHARE_OF_255)
#if IS_FLOAT
GATHER(gather_other, double, AS_REAL)
#else
GATHER(gather_other, float, AS_REAL)
#endif

/* Images are transposed TILE at a time, so that whole cache lines are written. */
enum { TILE = 16 };

/* y[c, p, i] = x[i, p, c];  x (n, pixels, channels), y (channels, pixels, n), which may
 * be a block of rows */
KERNEL(to_images)
{
    const real *x = DATA(0);
    real *y = DATA(1);
    I channels = SHAPE(1, 0), pixels = SHAPE(1, 1), n = SHAPE(1, 2);
    I channel_step = STRIDE(1, 0), pixel_step = STRIDE(1, 1), m = pixels * channels;
    for (I first = 0; first < n; first += TILE, x += TILE * m, y += TILE) {
        I rows = n - first < TILE ? n - first : TILE, p = 0, c = 0;
        for (I j = 0; j < m; j++) {
            real *to = y + c * channel_step + p * pixel_step;
            if (rows == TILE)
                for (I i = 0; i < TILE; i++)
                    to[i] = x[i * m + j];
            else
                for (I i = 0; i < rows; i++)
                    to[i] = x[i * m + j];
            if (++c == channels)
                c = 0, p++;
        }
    }
}
