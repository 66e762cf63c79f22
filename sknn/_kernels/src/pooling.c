/* Pooling: each window of an image becomes one pixel. Images are (C, H, W, n) in memory.
 * Pixels at the right and bottom border that do not fill a window are ignored. */

/* The larger of a and b, NaN if one of them is. */
static inline real larger(real a, real b)
{
    real m = a > b ? a : b;
    return a != a ? a : m;
}

/* y[c, h, v] = max x[c, sh h + i, sw v + j] over i < kh, j < kw
 * max_pool(x, y, kh, kw, sh, sw) */
KERNEL(max_pool)
{
    const real *x = DATA(0);
    real *y = DATA(1);
    I C = SHAPE(0, 0), H = SHAPE(0, 1), W = SHAPE(0, 2), n = SHAPE(0, 3);
    I height = SHAPE(1, 1), width = SHAPE(1, 2);
    I kh = NUMBER(2), kw = NUMBER(3), sh = NUMBER(4), sw = NUMBER(5);
    for (I c = 0; c < C; c++)
        for (I h = 0; h < height; h++)
            for (I v = 0; v < width; v++, y += n) {
                const real *first = x + ((c * H + h * sh) * W + v * sw) * n;
                if (kh == 2 && kw == 2) {
                    const real *x1 = first + n, *x2 = first + W * n, *x3 = x2 + n;
                    SIMD
                    for (I e = 0; e < n; e++)
                        y[e] = larger(larger(first[e], x1[e]), larger(x2[e], x3[e]));
                    continue;
                }
                for (I e = 0; e < n; e++)
                    y[e] = first[e];
                for (I i = 0; i < kh; i++)
                    for (I j = 0; j < kw; j++) {
                        const real *pixel = first + (i * W + j) * n;
                        SIMD
                        for (I e = 0; e < n; e++)
                            y[e] = larger(pixel[e], y[e]);
                    }
            }
}

/* dx: dy goes to the first of the largest pixels of a window, to none if y is NaN
 * max_pool_backward(x, y, dy, dx, kh, kw, sh, sw) */
KERNEL(max_pool_backward)
{
    const real *x = DATA(0), *y = DATA(1), *dy = DATA(2);
    real *dx = DATA(3);
    I C = SHAPE(0, 0), H = SHAPE(0, 1), W = SHAPE(0, 2), n = SHAPE(0, 3);
    I height = SHAPE(1, 1), width = SHAPE(1, 2);
    I kh = NUMBER(4), kw = NUMBER(5), sh = NUMBER(6), sw = NUMBER(7);
    int plain = kh == 2 && kw == 2 && sh == 2 && sw == 2; /* each pixel is met once */
    for (I c = 0; c < C; c++) {
        if (!plain || H > 2 * height || W > 2 * width)
            memset(dx + c * H * W * n, 0, sizeof(real) * H * W * n);
        for (I h = 0; h < height; h++)
            for (I v = 0; v < width; v++, y += n, dy += n) {
                I first = ((c * H + h * sh) * W + v * sw) * n;
                if (plain) {
                    const real *x0 = x + first, *x1 = x0 + n, *x2 = x0 + W * n;
                    real *d0 = dx + first, *d1 = d0 + n, *d2 = d0 + W * n, *d3 = d2 + n;
                    SIMD
                    for (I e = 0; e < n; e++) {
                        real left = dy[e], top = y[e];
                        d0[e] = x0[e] == top ? left : 0;
                        left = x0[e] == top ? 0 : left;
                        d1[e] = x1[e] == top ? left : 0;
                        left = x1[e] == top ? 0 : left;
                        d2[e] = x2[e] == top ? left : 0;
                        left = x2[e] == top ? 0 : left;
                        d3[e] = x2[n + e] == top ? left : 0;
                    }
                    continue;
                }
                for (I e0 = 0; e0 < n; e0 += 64) {
                    I m = n - e0 < 64 ? n - e0 : 64;
                    real left[64];
                    memcpy(left, dy + e0, sizeof(real) * m);
                    for (I i = 0; i < kh; i++)
                        for (I j = 0; j < kw; j++) {
                            I pixel = first + (i * W + j) * n + e0;
                            SIMD
                            for (I e = 0; e < m; e++) {
                                int hit = x[pixel + e] == y[e0 + e];
                                dx[pixel + e] += hit ? left[e] : 0;
                                left[e] = hit ? 0 : left[e];
                            }
                        }
                }
            }
    }
}

/* y[c, h, v] = mean x[c, sh h + i, sw v + j] over i < kh, j < kw
 * avg_pool(x, y, kh, kw, sh, sw) */
KERNEL(avg_pool)
{
    const real *x = DATA(0);
    real *y = DATA(1);
    I C = SHAPE(0, 0), H = SHAPE(0, 1), W = SHAPE(0, 2), n = SHAPE(0, 3);
    I height = SHAPE(1, 1), width = SHAPE(1, 2);
    I kh = NUMBER(2), kw = NUMBER(3), sh = NUMBER(4), sw = NUMBER(5);
    real share = 1 / (real)(kh * kw);
    for (I c = 0; c < C; c++)
        for (I h = 0; h < height; h++)
            for (I v = 0; v < width; v++, y += n) {
                memset(y, 0, sizeof(real) * n);
                for (I i = 0; i < kh; i++)
                    for (I j = 0; j < kw; j++) {
                        const real *pixel
                            = x + ((c * H + h * sh + i) * W + v * sw + j) * n;
                        SIMD
                        for (I e = 0; e < n; e++)
                            y[e] += pixel[e];
                    }
                SIMD
                for (I e = 0; e < n; e++)
                    y[e] *= share;
            }
}

/* dx: dy is divided equally among the pixels of a window
 * avg_pool_backward(dy, dx, kh, kw, sh, sw) */
KERNEL(avg_pool_backward)
{
    const real *dy = DATA(0);
    real *dx = DATA(1);
    I C = SHAPE(1, 0), H = SHAPE(1, 1), W = SHAPE(1, 2), n = SHAPE(1, 3);
    I height = SHAPE(0, 1), width = SHAPE(0, 2);
    I kh = NUMBER(2), kw = NUMBER(3), sh = NUMBER(4), sw = NUMBER(5);
    real share = 1 / (real)(kh * kw);
    for (I c = 0; c < C; c++) {
        memset(dx + c * H * W * n, 0, sizeof(real) * H * W * n);
        for (I h = 0; h < height; h++)
            for (I v = 0; v < width; v++, dy += n)
                for (I i = 0; i < kh; i++)
                    for (I j = 0; j < kw; j++) {
                        real *pixel = dx + ((c * H + h * sh + i) * W + v * sw + j) * n;
                        SIMD
                        for (I e = 0; e < n; e++)
                            pixel[e] += dy[e] * share;
                    }
    }
}

/* y[r, c] = mean x[c, h, v, r] over all pixels: global_avg_pool(x, y) */
KERNEL(global_avg_pool)
{
    const real *x = DATA(0);
    real *y = DATA(1);
    I C = SHAPE(0, 0), area = SHAPE(0, 1) * SHAPE(0, 2), n = SHAPE(0, 3);
    for (I c = 0; c < C; c++, x += area * n)
        for (I r0 = 0; r0 < n; r0 += 64) {
            I m = n - r0 < 64 ? n - r0 : 64;
            real sum[64] = {0};
            for (I pixel = 0; pixel < area; pixel++) {
                SIMD
                for (I r = 0; r < m; r++)
                    sum[r] += x[pixel * n + r0 + r];
            }
            for (I r = 0; r < m; r++)
                y[(r0 + r) * STRIDE(1, 0) + c * STRIDE(1, 1)] = sum[r] / (real)area;
        }
}

/* dx[c, h, v, r] = dy[r, c] / (H W): global_avg_pool_backward(dy, dx) */
KERNEL(global_avg_pool_backward)
{
    const real *dy = DATA(0);
    real *dx = DATA(1);
    I C = SHAPE(1, 0), area = SHAPE(1, 1) * SHAPE(1, 2), n = SHAPE(1, 3);
    real share = 1 / (real)area;
    for (I c = 0; c < C; c++, dx += area * n)
        for (I r0 = 0; r0 < n; r0 += 64) {
            I m = n - r0 < 64 ? n - r0 : 64;
            real part[64];
            for (I r = 0; r < m; r++)
                part[r] = dy[(r0 + r) * STRIDE(0, 0) + c * STRIDE(0, 1)] * share;
            for (I pixel = 0; pixel < area; pixel++)
                memcpy(dx + pixel * n + r0, part, sizeof(real) * m);
        }
}
