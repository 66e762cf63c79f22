/* Batch and layer normalization: y = gamma x_hat + beta, x_hat = (x - mean) / s.
 *
 * Batches are matrices (units, m), a row for each unit or channel, where m counts rows of
 * the data or pixels. Either axis may be the contiguous one, the same in all arrays of a
 * call: m for images, units for rows of numbers. In-place calls are allowed: y or dx may
 * be x or dy. Variances are those of centerd values. Nothing but two vectors is kept for
 * the backward pass, which computes x_hat again.
 *
 * Sums over a contiguous axis are sums of vectors. Sums over the other axis are taken for
 * up to PANEL neighbors at once. Both add up at most CHUNK terms in `real`, and these sums
 * in double, which makes them as accurate as pairwise sums.
 */

enum { CHUNK = 256, PANEL = 128 };

/* double sum = term(0) + ... + term(n - 1), with `j` as the index */
#define SUM(sum, n, term)                                                              \
    double sum = 0;                                                                    \
    for (I first = 0; first < (n); first += CHUNK) {                                   \
        I last = (n) - first < CHUNK ? (n) : first + CHUNK;                            \
        real part = 0;                                                                 \
        SIMD_SUM(part)                                                                 \
        for (I j = first; j < last; j++)                                               \
            part += (term);                                                            \
        sum += part;                                                                   \
    }

/* double sum[k] = the sum of term over i < n, for each k < width */
#define SUM_PANEL(sum, n, width, term)                                                 \
    double sum[PANEL] = {0};                                                           \
    for (I first = 0; first < (n); first += CHUNK) {                                   \
        I last = (n) - first < CHUNK ? (n) : first + CHUNK;                            \
        real part[PANEL] = {0};                                                        \
        for (I i = first; i < last; i++) {                                             \
            SIMD                                                                       \
            for (I k = 0; k < (width); k++)                                            \
                part[k] += (term);                                                     \
        }                                                                              \
        for (I k = 0; k < (width); k++)                                                \
            sum[k] += part[k];                                                         \
    }

static inline real NAME(square)(real x)
{
    return x * x;
}

static inline I NAME(panel_width)(I first, I n)
{
    return n - first < PANEL ? n - first : PANEL;
}

/* y = x * scale[unit] + shift[unit];  x, y (units, m), scale, shift (units,) */
KERNEL(scale_shift)
{
    const real *scale = DATA(1), *shift = DATA(2);
    I units = SHAPE(0, 0), m = SHAPE(0, 1);
    if (STRIDE(0, 1) == 1)
        for (I u = 0; u < units; u++) {
            const real *x = (const real *)DATA(0) + u * STRIDE(0, 0);
            real *y = (real *)DATA(3) + u * STRIDE(3, 0);
            real a = scale[u], b = shift ? shift[u] : 0;
            SIMD
            for (I j = 0; j < m; j++)
                y[j] = x[j] * a + b;
        }
    else
        for (I j = 0; j < m; j++) {
            const real *x = (const real *)DATA(0) + j * STRIDE(0, 1);
            real *y = (real *)DATA(3) + j * STRIDE(3, 1);
            if (shift) {
                SIMD
                for (I u = 0; u < units; u++)
                    y[u] = x[u] * scale[u] + shift[u];
            } else {
                SIMD
                for (I u = 0; u < units; u++)
                    y[u] = x[u] * scale[u];
            }
        }
}

/* ds = sum x dy over m;  x, dy (units, m), ds (units,) */
KERNEL(scale_gradient)
{
    const real *x = DATA(0), *dy = DATA(1);
    real *ds = DATA(2);
    I units = SHAPE(0, 0), m = SHAPE(0, 1);
    if (STRIDE(0, 1) == 1) {
        I x_step = STRIDE(0, 0), dy_step = STRIDE(1, 0);
        for (I u = 0; u < units; u++, x += x_step, dy += dy_step) {
            SUM(sum, m, x[j] * dy[j])
            ds[u] = (real)sum;
        }
        return;
    }
    I x_step = STRIDE(0, 1), dy_step = STRIDE(1, 1);
    for (I u = 0; u < units; u += PANEL) {
        I width = NAME(panel_width)(u, units);
        SUM_PANEL(sum, m, width, x[i * x_step + u + k] * dy[i * dy_step + u + k])
        for (I k = 0; k < width; k++)
            ds[u + k] = (real)sum[k];
    }
}

/* The gradients of y = x * scale[unit]: dscale = sum of dy x over rows, dy *= scale; rows
 * of units, any stride of rows */
KERNEL(scale_backward)
{
    const real *x = DATA(0), *scale = DATA(1);
    real *dy = DATA(2), *dscale = DATA(3);
    I n = SHAPE(2, 0), units = SHAPE(2, 1);
    memset(dscale, 0, (size_t)units * sizeof(real));
    for (I i = 0; i < n; i++, x += STRIDE(0, 0), dy += STRIDE(2, 0)) {
        SIMD
        for (I j = 0; j < units; j++) {
            dscale[j] += dy[j] * x[j];
            dy[j] *= scale[j];
        }
    }
}

/* mean = sum q x, var = sum q (x - mean)^2 over m, y = gamma x_hat + beta;
 * x, y (units, m), q (m,), gamma, beta, mean, var (units,) */
KERNEL(batch_norm)
{
    const real *x = DATA(0), *q = DATA(1), *gamma = DATA(2), *beta = DATA(3);
    real *mean = DATA(4), *var = DATA(5), *y = DATA(6);
    double epsilon = NUMBER(7);
    I units = SHAPE(0, 0), m = SHAPE(0, 1);
    if (STRIDE(0, 1) == 1) {
        I x_step = STRIDE(0, 0), y_step = STRIDE(6, 0);
        for (I u = 0; u < units; u++, x += x_step, y += y_step) {
            SUM(mu, m, q[j] * x[j])
            real center = mean[u] = (real)mu;
            SUM(v, m, q[j] * NAME(square)(x[j] - center))
            var[u] = (real)v;
            real scale = (real)(gamma[u] / sqrt(v + epsilon)), shift = beta[u];
            SIMD
            for (I j = 0; j < m; j++)
                y[j] = (x[j] - center) * scale + shift;
        }
        return;
    }
    I x_step = STRIDE(0, 1), y_step = STRIDE(6, 1);
    for (I u = 0; u < units; u += PANEL) {
        I width = NAME(panel_width)(u, units);
        real scale[PANEL];
        SUM_PANEL(mu, m, width, q[i] * x[i * x_step + u + k])
        for (I k = 0; k < width; k++)
            mean[u + k] = (real)mu[k];
        SUM_PANEL(v, m, width, q[i] * NAME(square)(x[i * x_step + u + k] - mean[u + k]))
        for (I k = 0; k < width; k++) {
            var[u + k] = (real)v[k];
            scale[k] = (real)(gamma[u + k] / sqrt(v[k] + epsilon));
        }
        for (I i = 0; i < m; i++) {
            SIMD
            for (I k = 0; k < width; k++)
                y[i * y_step + u + k] =
                    (x[i * x_step + u + k] - mean[u + k]) * scale[k] + beta[u + k];
        }
    }
}

/* dgamma = sum dy x_hat, dbeta = sum dy, dx = gamma / s (dy - q (dbeta + x_hat dgamma));
 * x, dy, dx (units, m), q (m,), gamma, mean, var, dgamma, dbeta (units,) */
KERNEL(batch_norm_backward)
{
    const real *x = DATA(0), *dy = DATA(1), *q = DATA(2), *gamma = DATA(3);
    const real *mean = DATA(4), *var = DATA(5);
    real *dgamma = DATA(6), *dbeta = DATA(7), *dx = DATA(8);
    double epsilon = NUMBER(9);
    I units = SHAPE(0, 0), m = SHAPE(0, 1);
    if (STRIDE(0, 1) == 1) {
        I x_step = STRIDE(0, 0), dy_step = STRIDE(1, 0), dx_step = STRIDE(8, 0);
        for (I u = 0; u < units; u++, x += x_step, dy += dy_step) {
            double inverse = 1 / sqrt(var[u] + epsilon);
            real center = mean[u];
            SUM(sum, m, dy[j])
            SUM(sum_x, m, dy[j] * (x[j] - center))
            dbeta[u] = (real)sum;
            dgamma[u] = (real)(sum_x * inverse);
            if (!dx)
                continue;
            real scale = (real)(gamma[u] * inverse), shift = (real)sum;
            real slope = (real)(sum_x * inverse * inverse), *to = dx + u * dx_step;
            SIMD
            for (I j = 0; j < m; j++)
                to[j] = scale * (dy[j] - q[j] * (shift + slope * (x[j] - center)));
        }
        return;
    }
    I x_step = STRIDE(0, 1), dy_step = STRIDE(1, 1), dx_step = STRIDE(8, 1);
    for (I u = 0; u < units; u += PANEL) {
        I width = NAME(panel_width)(u, units);
        real scale[PANEL], slope[PANEL];
        SUM_PANEL(sum, m, width, dy[i * dy_step + u + k])
        SUM_PANEL(sum_x, m, width,
                  dy[i * dy_step + u + k] * (x[i * x_step + u + k] - mean[u + k]))
        for (I k = 0; k < width; k++) {
            double inverse = 1 / sqrt(var[u + k] + epsilon);
            dbeta[u + k] = (real)sum[k];
            dgamma[u + k] = (real)(sum_x[k] * inverse);
            scale[k] = (real)(gamma[u + k] * inverse);
            slope[k] = (real)(sum_x[k] * inverse * inverse);
        }
        for (I i = 0; dx && i < m; i++) {
            SIMD
            for (I k = 0; k < width; k++)
                dx[i * dx_step + u + k] =
                    scale[k] * (dy[i * dy_step + u + k] -
                                q[i] * (dbeta[u + k] +
                                        slope[k] * (x[i * x_step + u + k] - mean[u + k])));
        }
    }
}

/* mean and 1 / s over units, y = gamma x_hat + beta;
 * x, y (units, m), gamma, beta (units,), mean, inverse (m,) */
KERNEL(layer_norm)
{
    const real *x = DATA(0), *gamma = DATA(1), *beta = DATA(2);
    real *mean = DATA(3), *inverse = DATA(4), *y = DATA(5);
    double epsilon = NUMBER(6);
    I units = SHAPE(0, 0), m = SHAPE(0, 1);
    if (STRIDE(0, 1) != 1) {
        I x_step = STRIDE(0, 1), y_step = STRIDE(5, 1);
        for (I i = 0; i < m; i++, x += x_step, y += y_step) {
            SUM(sum, units, x[j])
            real center = mean[i] = (real)(sum / units);
            SUM(v, units, NAME(square)(x[j] - center))
            real scale = inverse[i] = (real)(1 / sqrt(v / units + epsilon));
            SIMD
            for (I j = 0; j < units; j++)
                y[j] = (x[j] - center) * scale * gamma[j] + beta[j];
        }
        return;
    }
    I x_step = STRIDE(0, 0), y_step = STRIDE(5, 0);
    for (I p = 0; p < m; p += PANEL) {
        I width = NAME(panel_width)(p, m);
        SUM_PANEL(sum, units, width, x[i * x_step + p + k])
        for (I k = 0; k < width; k++)
            mean[p + k] = (real)(sum[k] / units);
        SUM_PANEL(v, units, width, NAME(square)(x[i * x_step + p + k] - mean[p + k]))
        for (I k = 0; k < width; k++)
            inverse[p + k] = (real)(1 / sqrt(v[k] / units + epsilon));
        for (I i = 0; i < units; i++) {
            SIMD
            for (I k = 0; k < width; k++)
                y[i * y_step + p + k] =
                    (x[i * x_step + p + k] - mean[p + k]) * inverse[p + k] * gamma[i] +
                    beta[i];
        }
    }
}

/* dgamma = sum dy x_hat, dbeta = sum dy over m;
 * x, dy (units, m), mean, inverse (m,), dgamma, dbeta (units,) */
KERNEL(layer_norm_gradients)
{
    const real *x = DATA(0), *dy = DATA(1), *mean = DATA(2), *inverse = DATA(3);
    real *dgamma = DATA(4), *dbeta = DATA(5);
    I units = SHAPE(0, 0), m = SHAPE(0, 1);
    if (STRIDE(0, 1) == 1) {
        I x_step = STRIDE(0, 0), dy_step = STRIDE(1, 0);
        for (I u = 0; u < units; u++, x += x_step, dy += dy_step) {
            SUM(sum, m, dy[j])
            SUM(sum_x, m, dy[j] * ((x[j] - mean[j]) * inverse[j]))
            dbeta[u] = (real)sum;
            dgamma[u] = (real)sum_x;
        }
        return;
    }
    I x_step = STRIDE(0, 1), dy_step = STRIDE(1, 1);
    for (I u = 0; u < units; u += PANEL) {
        I width = NAME(panel_width)(u, units);
        SUM_PANEL(sum, m, width, dy[i * dy_step + u + k])
        SUM_PANEL(sum_x, m, width,
                  dy[i * dy_step + u + k] * ((x[i * x_step + u + k] - mean[i]) * inverse[i]))
        for (I k = 0; k < width; k++) {
            dbeta[u + k] = (real)sum[k];
            dgamma[u + k] = (real)sum_x[k];
        }
    }
}

/* dx = (d - mean(d) - x_hat mean(d x_hat)) / s with d = gamma dy, means over units;
 * x, dy, dx (units, m), gamma (units,), mean, inverse (m,) */
KERNEL(layer_norm_backward)
{
    const real *x = DATA(0), *dy = DATA(1), *gamma = DATA(2), *mean = DATA(3);
    const real *inverse = DATA(4);
    real *dx = DATA(5);
    I units = SHAPE(0, 0), m = SHAPE(0, 1);
    if (STRIDE(0, 1) != 1) {
        I x_step = STRIDE(0, 1), dy_step = STRIDE(1, 1), dx_step = STRIDE(5, 1);
        for (I i = 0; i < m; i++, x += x_step, dy += dy_step, dx += dx_step) {
            real center = mean[i], scale = inverse[i];
            SUM(sum, units, gamma[j] * dy[j])
            SUM(sum_x, units, gamma[j] * dy[j] * ((x[j] - center) * scale))
            real shift = (real)(sum / units), slope = (real)(sum_x / units);
            SIMD
            for (I j = 0; j < units; j++)
                dx[j] = (gamma[j] * dy[j] - shift - (x[j] - center) * scale * slope) * scale;
        }
        return;
    }
    I x_step = STRIDE(0, 0), dy_step = STRIDE(1, 0), dx_step = STRIDE(5, 0);
    for (I p = 0; p < m; p += PANEL) {
        I width = NAME(panel_width)(p, m);
        SUM_PANEL(sum, units, width, gamma[i] * dy[i * dy_step + p + k])
        SUM_PANEL(sum_x, units, width,
                  gamma[i] * dy[i * dy_step + p + k] *
                      ((x[i * x_step + p + k] - mean[p + k]) * inverse[p + k]))
        real shift[PANEL], slope[PANEL];
        for (I k = 0; k < width; k++) {
            shift[k] = (real)(sum[k] / units);
            slope[k] = (real)(sum_x[k] / units * inverse[p + k]);
        }
        for (I i = 0; i < units; i++) {
            SIMD
            for (I k = 0; k < width; k++)
                dx[i * dx_step + p + k] =
                    (gamma[i] * dy[i * dy_step + p + k] - shift[k] -
                     (x[i * x_step + p + k] - mean[p + k]) * slope[k]) *
                    inverse[p + k];
        }
    }
}

#undef SUM
#undef SUM_PANEL
