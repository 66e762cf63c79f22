/* Batches: selected rows of the data, cast to what the network computes with.
 *
 * The data are real numbers, bytes, or floats of the other precision. The row numbers
 * must be valid; None selects all rows in order. A number beyond the largest float
 * becomes inf.
 */

/* Images are transposed TILE at a time, so that whole cache lines are written. */
enum { TILE = 16 };

/* gather:        x[i] = cast(X[rows[i]]);  X (N, m), rows (n,), x (n, m)
 * gather_images: y[c, p, i] = cast(X[rows[i], p, c]);  X (N, pixels, channels),
 *                rows (n,), y (channels, pixels, n) with unit stride along n */
#define GATHER(gather, gather_images, source, cast)                                    \
    KERNEL(gather)                                                                     \
    {                                                                                  \
        const source *X = DATA(0);                                                     \
        const I *rows = DATA(1);                                                       \
        real *x = DATA(2);                                                             \
        I n = SHAPE(2, 0), m = SHAPE(2, 1);                                            \
        for (I i = 0; i < n; i++, x += m) {                                            \
            const source *from = X + (rows ? rows[i] : i) * m;                         \
            SIMD                                                                       \
            for (I j = 0; j < m; j++)                                                  \
                x[j] = cast(from[j]);                                                  \
        }                                                                              \
    }                                                                                  \
                                                                                       \
    KERNEL(gather_images)                                                              \
    {                                                                                  \
        const source *X = DATA(0);                                                     \
        const I *rows = DATA(1);                                                       \
        real *y = DATA(2);                                                             \
        I channels = SHAPE(2, 0), pixels = SHAPE(2, 1), n = SHAPE(2, 2);               \
        I channel_step = STRIDE(2, 0), pixel_step = STRIDE(2, 1);                      \
        I m = pixels * channels;                                                       \
        for (I i0 = 0; i0 < n; i0 += TILE) {                                           \
            I n_tile = n - i0 < TILE ? n - i0 : TILE;                                  \
            const source *from[TILE];                                                  \
            for (I i = 0; i < n_tile; i++)                                             \
                from[i] = X + (rows ? rows[i0 + i] : i0 + i) * m;                      \
            I p = 0, c = 0;                                                            \
            for (I j = 0; j < m; j++) {                                                \
                real *to = y + c * channel_step + p * pixel_step + i0;                 \
                if (n_tile == TILE)                                                    \
                    for (I i = 0; i < TILE; i++)                                       \
                        to[i] = cast(from[i][j]);                                      \
                else                                                                   \
                    for (I i = 0; i < n_tile; i++)                                     \
                        to[i] = cast(from[i][j]);                                      \
                if (++c == channels)                                                   \
                    c = 0, p++;                                                        \
            }                                                                          \
        }                                                                              \
    }

#define AS_REAL(v) ((real)(v))
#define SHARE_OF_255(v) ((real)(v) * (real)(1. / 255))

GATHER(gather, gather_images, real, AS_REAL)
GATHER(gather_bytes, gather_images_bytes, uint8_t, SHARE_OF_255)
#if IS_FLOAT
GATHER(gather_other, gather_images_other, double, AS_REAL)
#else
GATHER(gather_other, gather_images_other, float, AS_REAL)
#endif
