/* Activation functions and their slopes, alone or next to the sum with a bias.
 *
 * Each function has a value f(z) and a slope f'(z), which may use a = f(z) where that is
 * cheaper; c is its hyper-parameter, if it has one.
 */
#define VALUE(f, formula) \
    static inline real f##_value(real z, real c) { (void)c; return formula; }
#define SLOPE(f, formula) \
    static inline real f##_slope(real z, real a, real c) \
    { (void)z; (void)a; (void)c; return formula; }

VALUE(identity, z)
SLOPE(identity, 1)

VALUE(logistic, vlogistic(z))
SLOPE(logistic, a * (1 - a))

VALUE(tanh, vtanh(z))
SLOPE(tanh, 1 - a * a)

VALUE(relu, at_least(0, z))
SLOPE(relu, (real)(a > 0))

VALUE(leaky_relu, z > 0 ? z : c * z)
SLOPE(leaky_relu, z > 0 ? 1 : c)

VALUE(elu, z > 0 ? z : c * vexpm1(at_most(0, z)))
SLOPE(elu, z > 0 ? 1 : a + c)

#define SELU_ALPHA ((real)1.6732632423543772848)
#define SELU_SCALE ((real)1.0507009873554804934)
VALUE(selu, SELU_SCALE * elu_value(z, SELU_ALPHA))
SLOPE(selu, z > 0 ? SELU_SCALE : a + SELU_SCALE * SELU_ALPHA)

/* The gate g in a = z g(z), with g(0) = ½ */
static inline real gate(real z, real a)
{
    return z != 0 ? a / z : (real)0.5;
}

/* z Φ(z); the slope is Φ + z φ, where φ is the density */
VALUE(gelu, z * vnormal_cdf(z))
SLOPE(gelu, gate(z, a) + (real)0.39894228040143267794 * z * vexp((real)-0.5 * (z * z)))

VALUE(silu, z * vlogistic(z))
SLOPE(silu, gate(z, a) + a * (1 - gate(z, a)))

/* z n / (n + 2), n = e (e + 2), e = exp(z); from z = 20 on, the fraction is 1 */
static inline real mish_value(real z, real c)
{
    (void)c;
    real e = vexp(at_most(20, z)), n = e * (e + 2);
    return z * (n / (n + 2));
}

/* (n + 4 z e (e + 1) / (n + 2)) / (n + 2), over a common denominator */
static inline real mish_slope(real z, real a, real c)
{
    (void)a, (void)c;
    z = at_most(20, z);
    real e = vexp(z), n = e * (e + 2), d = n + 2;
    return (n * d + 4 * z * e * (e + 1)) / (d * d);
}

/* log(1 + eᶻ); the slope is 1 - exp(-a) */
VALUE(softplus, vsoftplus(z))
SLOPE(softplus, -vexpm1(-a))

/* <f>_forward: a = f(z), <f>_backward: dy *= f'(z), for arrays of any shape.
 *
 * bias_<f>: z += b, a = f(z), for rows of units. Some rows at a time, if they are adjacent:
 * they stay in the cache for the second loop, and short rows do not make it short.
 *
 * <f>_backward_bias: dy *= f'(z), db = sum of dy over rows.
 *
 * parametric_<f>: a = f(z), y = z + alpha (a - z), for rows of units. Backward, in place:
 * dalpha = sum of dy (a - z) over rows, dy *= 1 - alpha + alpha f'(z). */
#define ACTIVATION(f)                                                                    \
    KERNEL(f##_forward)                                                                  \
    {                                                                                    \
        const real *z = DATA(0);                                                         \
        real *a = DATA(1), c = (real)NUMBER(2);                                          \
        I size = SIZE(0);                                                                \
        SIMD                                                                             \
        for (I i = 0; i < size; i++)                                                     \
            a[i] = f##_value(z[i], c);                                                   \
    }                                                                                    \
    KERNEL(f##_backward)                                                                 \
    {                                                                                    \
        const real *z = DATA(0), *a = DATA(1);                                           \
        real *dy = DATA(2), c = (real)NUMBER(3);                                         \
        I size = SIZE(0);                                                                \
        SIMD                                                                             \
        for (I i = 0; i < size; i++)                                                     \
            dy[i] *= f##_slope(z[i], a[i], c);                                           \
    }                                                                                    \
    KERNEL(bias_##f)                                                                     \
    {                                                                                    \
        real *z = DATA(0), *a = DATA(2), c = (real)NUMBER(3);                            \
        I n = SHAPE(0, 0), units = SHAPE(0, 1);                                          \
        I next_z = STRIDE(0, 0), next_a = STRIDE(2, 0);                                  \
        I step = next_z == units && next_a == units ? 1024 / (units + 1) + 1 : 1;        \
        for (I i = 0; i < n; i += step) {                                                \
            I rows = n - i < step ? n - i : step, size = rows * units;                   \
            add_to_rows(z, DATA(1), rows, units);                                        \
            SIMD                                                                         \
            for (I j = 0; j < size; j++)                                                 \
                a[j] = f##_value(z[j], c);                                               \
            z += rows * next_z, a += rows * next_a;                                      \
        }                                                                                \
    }                                                                                    \
    KERNEL(f##_backward_bias)                                                            \
    {                                                                                    \
        const real *z = DATA(0), *a = DATA(1);                                           \
        real *dy = DATA(2), *db = DATA(3), c = (real)NUMBER(4);                          \
        I n = SHAPE(2, 0), units = SHAPE(2, 1);                                          \
        memset(db, 0, (size_t)units * sizeof(real));                                     \
        for (I i = 0; i < n; i++) {                                                      \
            SIMD                                                                         \
            for (I j = 0; j < units; j++)                                                \
                db[j] += dy[j] *= f##_slope(z[j], a[j], c);                              \
            z += STRIDE(0, 0), a += STRIDE(1, 0), dy += STRIDE(2, 0);                    \
        }                                                                                \
    }                                                                                    \
    KERNEL(parametric_##f)                                                               \
    {                                                                                    \
        const real *z = DATA(0), *alpha = DATA(1);                                       \
        real *a = DATA(2), *y = DATA(3), c = (real)NUMBER(4);                            \
        I n = SHAPE(0, 0), units = SHAPE(0, 1);                                          \
        for (I i = 0; i < n; i++) {                                                      \
            SIMD                                                                         \
            for (I j = 0; j < units; j++) {                                              \
                a[j] = f##_value(z[j], c);                                               \
                y[j] = z[j] + alpha[j] * (a[j] - z[j]);                                  \
            }                                                                            \
            z += STRIDE(0, 0), a += STRIDE(2, 0), y += STRIDE(3, 0);                     \
        }                                                                                \
    }                                                                                    \
    KERNEL(parametric_##f##_backward)                                                    \
    {                                                                                    \
        const real *z = DATA(0), *alpha = DATA(1), *a = DATA(2);                         \
        real *dy = DATA(3), *dalpha = DATA(4), c = (real)NUMBER(5);                      \
        I n = SHAPE(3, 0), units = SHAPE(3, 1);                                          \
        memset(dalpha, 0, (size_t)units * sizeof(real));                                 \
        for (I i = 0; i < n; i++) {                                                      \
            SIMD                                                                         \
            for (I j = 0; j < units; j++) {                                              \
                real slope = f##_slope(z[j], a[j], c);                                   \
                dalpha[j] += dy[j] * (a[j] - z[j]);                                      \
                dy[j] *= 1 + alpha[j] * (slope - 1);                                     \
            }                                                                            \
            z += STRIDE(0, 0), a += STRIDE(2, 0), dy += STRIDE(3, 0);                    \
        }                                                                                \
    }

ACTIVATION(identity)
ACTIVATION(logistic)
ACTIVATION(tanh)
ACTIVATION(relu)
ACTIVATION(leaky_relu)
ACTIVATION(elu)
ACTIVATION(selu)
ACTIVATION(gelu)
ACTIVATION(silu)
ACTIVATION(mish)
ACTIVATION(softplus)

/* PReLU: y = x where x > 0, else slope x, with a slope for each unit. Backward, in place:
 * dslope = sum of dy min(x, 0) over rows, dy *= 1 where x > 0, else slope. Rows of units,
 * any stride of rows. */
KERNEL(prelu_forward)
{
    const real *x = DATA(0), *slope = DATA(1);
    real *y = DATA(2);
    I n = SHAPE(0, 0), units = SHAPE(0, 1);
    for (I i = 0; i < n; i++, x += units, y += units) {
        SIMD
        for (I j = 0; j < units; j++)
            y[j] = leaky_relu_value(x[j], slope[j]);
    }
}

KERNEL(prelu_backward)
{
    const real *x = DATA(0), *slope = DATA(1);
    real *dy = DATA(2), *dslope = DATA(3);
    I n = SHAPE(2, 0), units = SHAPE(2, 1);
    memset(dslope, 0, (size_t)units * sizeof(real));
    for (I i = 0; i < n; i++, x += STRIDE(0, 0), dy += STRIDE(2, 0)) {
        SIMD
        for (I j = 0; j < units; j++) {
            dslope[j] += dy[j] * at_most(0, x[j]);
            dy[j] *= leaky_relu_slope(x[j], 0, slope[j]);
        }
    }
}

/* The same for arrays of shape (units, m), as images lie in memory. */
KERNEL(prelu_images_forward)
{
    const real *x = DATA(0), *slope = DATA(1);
    real *y = DATA(2);
    I units = SHAPE(0, 0), m = SHAPE(0, 1);
    for (I i = 0; i < units; i++, x += m, y += m) {
        real c = slope[i];
        SIMD
        for (I j = 0; j < m; j++)
            y[j] = leaky_relu_value(x[j], c);
    }
}

KERNEL(prelu_images_backward)
{
    const real *x = DATA(0), *slope = DATA(1);
    real *dy = DATA(2), *dslope = DATA(3);
    I units = SHAPE(0, 0), m = SHAPE(0, 1);
    for (I i = 0; i < units; i++, x += m, dy += m) {
        real c = slope[i];
        double sum = 0;
        for (I start = 0; start < m; start += 512) { /* the sum of parts is float64 */
            I stop = m - start < 512 ? m : start + 512;
            real part = 0;
            SIMD_SUM(part)
            for (I j = start; j < stop; j++) {
                part += dy[j] * at_most(0, x[j]);
                dy[j] *= leaky_relu_slope(x[j], 0, c);
            }
            sum += part;
        }
        dslope[i] = (real)sum;
    }
}
