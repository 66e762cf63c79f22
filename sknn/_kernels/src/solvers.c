/* Solvers: penalty, weight decay and the step in one pass over the parameters.
 *
 * The first n_decay elements W of theta are penalized: their gradient is
 * g = scale · grad + l2 W + l1 sign(W), that of the others is g = scale · grad. Before the
 * step, W is multiplied by `shrink` (decoupled weight decay). sums[0] = sum of W²,
 * sums[1] = sum of |W|, before both. c = [l2, l1, shrink, scale, constants of the
 * solver ...].
 */

/* Elements that are summed in `real`; the sums of these sums are float64. */
#define SUMMED 512

static inline real penalty_slope(real W, real l2, real l1)
{
    real sign = (real)(W > 0) - (real)(W < 0);
    return l2 * W + l1 * sign;
}

/* Defines the kernel `name`. `constants` declares what the step needs, `step` updates the
 * i-th elements, given the gradient `g`. Arguments at, at + 1, at + 2 are n_decay, c and
 * sums. */
#define SOLVER(name, at, constants, step)                                                \
    KERNEL(name)                                                                         \
    {                                                                                    \
        real *theta = DATA(0);                                                           \
        const real *grad = DATA(1);                                                      \
        I size = SHAPE(0, 0), n_decay = (I)NUMBER(at), i = 0;                            \
        const double *c = DATA((at) + 1);                                                \
        double *sums = DATA((at) + 2);                                                   \
        const real l2 = (real)c[0], l1 = (real)c[1], shrink = (real)c[2];                \
        const real scale = (real)c[3];                                                   \
        constants;                                                                       \
        sums[0] = sums[1] = 0;                                                           \
        while (i < n_decay) {                                                            \
            I stop = n_decay - i < SUMMED ? n_decay : i + SUMMED;                        \
            real squares = 0, sizes = 0;                                                 \
            PRAGMA(omp simd reduction(+ : squares, sizes))                               \
            for (I j = i; j < stop; j++) {                                               \
                real W = theta[j];                                                       \
                real g = grad[j] * scale + penalty_slope(W, l2, l1);                     \
                squares += W * W;                                                        \
                sizes += absolute(W);                                                    \
                theta[j] = W * shrink;                                                   \
                step(j);                                                                 \
            }                                                                            \
            sums[0] += squares, sums[1] += sizes;                                        \
            i = stop;                                                                    \
        }                                                                                \
        SIMD                                                                             \
        for (I j = n_decay; j < size; j++) {                                             \
            real g = grad[j] * scale;                                                    \
            step(j);                                                                     \
        }                                                                                \
    }

/* m = beta_1 m + g, v = beta_2 v + g², theta -= rate m / (sqrt(v) + epsilon) */
#define ADAM_CONSTANTS                                                                   \
    real *m = DATA(2), *v = DATA(3);                                                     \
    const real rate = (real)c[4], beta_1 = (real)c[5], beta_2 = (real)c[6];              \
    const real epsilon = (real)c[7]
#define ADAM_STEP(j)                                                                     \
    m[j] = m[j] * beta_1 + g;                                                            \
    v[j] = v[j] * beta_2 + g * g;                                                        \
    theta[j] -= m[j] / (square_root(v[j]) + epsilon) * rate
SOLVER(adam, 4, ADAM_CONSTANTS, ADAM_STEP)

/* m and v as for Adam, theta -= (rate_g g + rate_m m) / (sqrt(v) + epsilon) */
#define NADAM_CONSTANTS                                                                  \
    real *m = DATA(2), *v = DATA(3);                                                     \
    const real rate_g = (real)c[4], rate_m = (real)c[5];                                 \
    const real beta_1 = (real)c[6], beta_2 = (real)c[7], epsilon = (real)c[8]
#define NADAM_STEP(j)                                                                    \
    m[j] = m[j] * beta_1 + g;                                                            \
    v[j] = v[j] * beta_2 + g * g;                                                        \
    theta[j] -= (g * rate_g + m[j] * rate_m) / (square_root(v[j]) + epsilon)
SOLVER(nadam, 4, NADAM_CONSTANTS, NADAM_STEP)

/* v = rho v + g², theta -= rate g / (sqrt(v) + epsilon) */
#define RMSPROP_CONSTANTS                                                                \
    real *v = DATA(2);                                                                   \
    const real rate = (real)c[4], rho = (real)c[5], epsilon = (real)c[6]
#define RMSPROP_STEP(j)                                                                  \
    v[j] = v[j] * rho + g * g;                                                           \
    theta[j] -= g / (square_root(v[j]) + epsilon) * rate
SOLVER(rmsprop, 3, RMSPROP_CONSTANTS, RMSPROP_STEP)

/* h += g², theta -= rate g / (sqrt(h) + epsilon) */
#define ADAGRAD_CONSTANTS                                                                \
    real *h = DATA(2);                                                                   \
    const real rate = (real)c[4], epsilon = (real)c[5]
#define ADAGRAD_STEP(j)                                                                  \
    h[j] += g * g;                                                                       \
    theta[j] -= g / (square_root(h[j]) + epsilon) * rate
SOLVER(adagrad, 3, ADAGRAD_CONSTANTS, ADAGRAD_STEP)

/* v = rho v + g² + epsilon, d = sqrt(u / v) g, u = rho u + d² + epsilon,
 * theta -= rate d */
#define ADADELTA_CONSTANTS                                                               \
    real *u = DATA(2), *v = DATA(3);                                                     \
    const real rate = (real)c[4], rho = (real)c[5], epsilon = (real)c[6]
#define ADADELTA_STEP(j)                                                                 \
    v[j] = v[j] * rho + (g * g + epsilon);                                               \
    real d = g * square_root(u[j] / v[j]);                                               \
    u[j] = u[j] * rho + (d * d + epsilon);                                               \
    theta[j] -= d * rate
SOLVER(adadelta, 4, ADADELTA_CONSTANTS, ADADELTA_STEP)

/* c = [..., rate, momentum, nesterov]. Without v theta -= rate g; else with
 * v = momentum v - rate g: theta += v, or with Nesterov's momentum
 * theta += momentum v - rate g */
#define SGD_CONSTANTS                                                                    \
    real *v = DATA(2);                                                                   \
    const real rate = (real)c[4], momentum = (real)c[5];                                 \
    (void)v, (void)momentum
#define SGD_STEP(j) theta[j] -= g * rate
#define MOMENTUM_STEP(j)                                                                 \
    v[j] = v[j] * momentum - g * rate;                                                   \
    theta[j] += v[j]
#define NESTEROV_STEP(j)                                                                 \
    v[j] = v[j] * momentum - g * rate;                                                   \
    theta[j] = theta[j] - g * rate + v[j] * momentum
SOLVER(plain_sgd, 3, SGD_CONSTANTS, SGD_STEP)
SOLVER(momentum_sgd, 3, SGD_CONSTANTS, MOMENTUM_STEP)
SOLVER(nesterov_sgd, 3, SGD_CONSTANTS, NESTEROV_STEP)

KERNEL(sgd)
{
    if (!DATA(2))
        NAME(plain_sgd)(args);
    else if (((const double *)DATA(4))[6] == 0)
        NAME(momentum_sgd)(args);
    else
        NAME(nesterov_sgd)(args);
}
