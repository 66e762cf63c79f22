/* The resampling of images for augmentation. */

/* Number of neighboring pixels that are warped at once. The places of a strip are
 * computed in full even where the image ends before it. */
enum { STRIP = 32 };

typedef struct {
    const real *pixels;
    I height, width;
    real fill;
} NAME(Image);

/* The value at a row and column, counted from 1, or `fill` outside the image. */
static inline real NAME(pixel)(NAME(Image) image, I row, I column, I c, I channels)
{
    if (row < 1 || row > image.height || column < 1 || column > image.width)
        return image.fill;
    return image.pixels[((row - 1) * image.width + column - 1) * channels + c];
}

static inline real NAME(bilinear)(real a, real b, real d, real e, real dy, real dx)
{
    real upper = a + (b - a) * dx, lower = d + (e - d) * dx;
    return upper + (lower - upper) * dy;
}

/* Write `count` pixels that show the places (y, x) of an image. The function is inlined
 * for usual numbers of channels, whose loops then disappear. */
static inline void NAME(sample)(NAME(Image) image, const real *y, const real *x,
                                int32_t count, real *to, int32_t channels)
{
    int32_t height = (int32_t)image.height, width = (int32_t)image.width;
    int32_t step = width * channels, k = 0, index[STRIP], inside[STRIP];
    real dy[STRIP], dx[STRIP], between = 0;
    const real *p = image.pixels;
    count = count < STRIP ? count : STRIP; /* it is: the compiler should know */
    SIMD_SUM(between)
    for (int32_t j = 0; j < STRIP; j++) {
        int32_t row = (int32_t)y[j], column = (int32_t)x[j];
        dy[j] = y[j] - (real)row;
        dx[j] = x[j] - (real)column;
        between += dy[j] + dx[j];
        inside[j] = (row >= 1) & (row < height) & (column >= 1) & (column < width);
        index[j] = (row - 1) * step + (column - 1) * channels;
    }
    while (k < count) {
        for (; k < count && !inside[k]; k++) {
            I row = (I)y[k], column = (I)x[k];
            for (I c = 0; c < channels; c++) {
                real a = NAME(pixel)(image, row, column, c, channels);
                if (between != 0)
                    a = NAME(bilinear)(
                        a, NAME(pixel)(image, row, column + 1, c, channels),
                        NAME(pixel)(image, row + 1, column, c, channels),
                        NAME(pixel)(image, row + 1, column + 1, c, channels), dy[k], dx[k]);
                to[k * channels + c] = a;
            }
        }
        int32_t end = k;
        while (end < count && inside[end])
            end++;
        if (between == 0)
            for (; k < end; k++)
                for (int32_t c = 0; c < channels; c++)
                    to[k * channels + c] = p[index[k] + c];
        for (int32_t j = k; j < end; j++)
            for (int32_t c = 0; c < channels; c++) {
                const real *q = p + index[j] + c;
                to[j * channels + c] = NAME(bilinear)(q[0], q[channels], q[step],
                                                      q[step + channels], dy[j], dx[j]);
            }
        k = end;
    }
}

static inline real NAME(clip)(real place, real low, real high)
{
    place = place > low ? place : low; /* also for NaN */
    return place < high ? place : high;
}

/* Pixel p of each new image shows what is at matrix @ p in the old one, interpolated
 * bilinearly, where p = (row, column, 1) is counted from the center. Points outside show
 * `fill`, or with `nearest` the nearest pixel. Positions that coincide with pixels are
 * copied.
 * images, warped (n, height, width, channels), matrices (n, 3, 3) */
KERNEL(warp)
{
    const real *images = DATA(0);
    const double *matrices = DATA(1);
    real *warped = DATA(2);
    int nearest = NUMBER(4) != 0;
    I n = SHAPE(0, 0), height = SHAPE(0, 1), width = SHAPE(0, 2), channels = SHAPE(0, 3);
    /* Rows and columns are counted from 1; 0 and length + 1 are outside. */
    double y_center = (double)(height - 1) / 2, x_center = (double)(width - 1) / 2;
    real low = nearest ? 1 : 0;
    real y_high = (real)(height + !nearest), x_high = (real)(width + !nearest);
    NAME(Image) image = {images, height, width, nearest ? 0 : (real)NUMBER(3)};
    for (I t = 0; t < n; t++, matrices += 9, image.pixels += height * width * channels)
        for (I i = 0; i < height; i++)
            for (I first = 0; first < width; first += STRIP) {
                int32_t count = (int32_t)(width - first < STRIP ? width - first : STRIP);
                real y[STRIP], x[STRIP];
                double down = (double)i - y_center, left = (double)first - x_center;
                real y_along = (real)(matrices[0] * down + (matrices[2] + y_center + 1));
                real x_across = (real)(matrices[3] * down);
                SIMD
                for (int32_t k = 0; k < STRIP; k++) {
                    double right = k + left;
                    real y_across = (real)(matrices[1] * right);
                    real x_along = (real)(matrices[4] * right + (matrices[5] + x_center + 1));
                    y[k] = NAME(clip)(y_along + y_across, low, y_high);
                    x[k] = NAME(clip)(x_along + x_across, low, x_high);
                }
                if (channels == 1)
                    NAME(sample)(image, y, x, count, warped, 1);
                else if (channels == 3)
                    NAME(sample)(image, y, x, count, warped, 3);
                else
                    NAME(sample)(image, y, x, count, warped, channels);
                warped += count * channels;
            }
}
