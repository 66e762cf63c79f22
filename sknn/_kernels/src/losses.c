/* Losses: each overwrites raw scores z by the gradient w (dloss / dz) · scale and writes
 * the weighted sum of the losses, not scaled, to loss[0]. w may be None: every row has
 * weight 1. Sums over rows are float64.
 */

/* As in scikit-learn, which clips probabilities at eps before the logarithm. */
#define LARGEST_LOG_LOSS ((real)(IS_FLOAT ? 15.942385152878742 : 36.04365338911715))

/* Rows of few classes: a tile of 16 rows is transposed, so that vectors run over rows
 * instead of over a part of the classes. */
#define TILE_ROWS 16
#define MAX_CLASSES 100

/* t[j][r] = z[r, j] for r < rows; the other columns of t become 0 */
static inline void load_tile(real (*t)[TILE_ROWS], const real *z, I rows, I k)
{
    if (rows < TILE_ROWS)
        memset(t, 0, (size_t)k * sizeof *t);
    for (I r = 0; r < rows; r++)
        for (I j = 0; j < k; j++)
            t[j][r] = z[r * k + j];
}

static inline void store_tile(real (*t)[TILE_ROWS], real *z, I rows, I k)
{
    for (I r = 0; r < rows; r++)
        for (I j = 0; j < k; j++)
            z[r * k + j] = t[j][r];
}

static inline void max_of_tile(real (*t)[TILE_ROWS], I k, real *max)
{
    memcpy(max, t[0], sizeof t[0]);
    for (I j = 1; j < k; j++) {
        SIMD
        for (int r = 0; r < TILE_ROWS; r++)
            max[r] = at_least(max[r], t[j][r]);
    }
}

static inline real max_of_row(const real *z, I k)
{
    real lane[TILE_ROWS];
    I tail = k % TILE_ROWS;
    for (int r = 0; r < TILE_ROWS; r++)
        lane[r] = z[r < tail ? r : 0];
    for (I j = tail; j < k; j += TILE_ROWS) {
        SIMD
        for (int r = 0; r < TILE_ROWS; r++)
            lane[r] = at_least(lane[r], z[j + r]);
    }
    for (int r = 1; r < TILE_ROWS; r++)
        lane[0] = at_least(lane[0], lane[r]);
    return lane[0];
}

/* t = exp(t - max), total = sum of t over j */
static inline void exp_of_tile(real (*t)[TILE_ROWS], I k, const real *max, real *total)
{
    memset(total, 0, TILE_ROWS * sizeof(real));
    for (I j = 0; j < k; j++) {
        SIMD
        for (int r = 0; r < TILE_ROWS; r++)
            total[r] += t[j][r] = vexp(t[j][r] - max[r]);
    }
}

static inline real exp_of_row(const real *z, real *p, I k, real max)
{
    real total = 0;
    SIMD_SUM(total)
    for (I j = 0; j < k; j++)
        total += p[j] = vexp(z[j] - max);
    return total;
}

/* For the target (1 - s) onehot(y) + s / k of label smoothing s, the loss of a row is
 * log(sum exp(z - max)) - score, with score = (1 - s) z_y + s mean(z) - max. */
static inline real target_score(const real *z, I k, I y, real max, real s)
{
    real sum = 0;
    if (s == 0)
        return z[y] - max;
    SIMD_SUM(sum)
    for (I j = 0; j < k; j++)
        sum += z[j] - max;
    return (1 - s) * (z[y] - max) + s * (sum / (real)k);
}

static inline real cross_entropy(real total, real score, real s)
{
    real loss = vlog(total) - score;
    return s == 0 ? at_most(LARGEST_LOG_LOSS, loss) : loss;
}

/* One tile of softmax_cross_entropy. Returns the weighted sum of losses. */
static double tile_cross_entropy(real *z, const I *y, const real *w, I rows, I k,
                                 real scale, real s)
{
    real t[MAX_CLASSES][TILE_ROWS], max[TILE_ROWS], total[TILE_ROWS];
    real loss[TILE_ROWS] = {0}, weight[TILE_ROWS] = {0};
    double sum = 0;
    memset(t[0], 0, sizeof t[0]); /* or gcc warns of k = 0 */
    load_tile(t, z, rows, k);
    max_of_tile(t, k, max);
    for (I r = 0; r < rows; r++) {
        loss[r] = target_score(z + r * k, k, y[r], max[r], s);
        weight[r] = w ? w[r] : 1;
    }
    exp_of_tile(t, k, max, total);
    SIMD
    for (int r = 0; r < TILE_ROWS; r++) {
        loss[r] = weight[r] * cross_entropy(total[r], loss[r], s);
        weight[r] *= scale;
        total[r] = weight[r] / total[r];
    }
    real uniform = s / (real)k;
    for (I j = 0; j < k; j++) {
        SIMD
        for (int r = 0; r < TILE_ROWS; r++)
            t[j][r] = t[j][r] * total[r] - uniform * weight[r];
    }
    for (I r = 0; r < rows; r++) {
        t[y[r]][r] -= (1 - s) * weight[r];
        sum += loss[r];
    }
    store_tile(t, z, rows, k);
    return sum;
}

/* The same for one row, whatever k is. */
static double row_cross_entropy(real *z, I y, real weight, I k, real scale, real s)
{
    real max = max_of_row(z, k), score = target_score(z, k, y, max, s);
    real total = exp_of_row(z, z, k, max), g = weight * scale;
    real factor = g / total, uniform = s / (real)k * g;
    SIMD
    for (I j = 0; j < k; j++)
        z[j] = z[j] * factor - uniform;
    z[y] -= (1 - s) * g;
    return weight * cross_entropy(total, score, s);
}

/* loss = log(sum exp(z)) - z_y, dloss / dz = softmax(z) - onehot(y); see target_score for
 * label smoothing. Without it, the loss of a row is clipped. */
KERNEL(softmax_cross_entropy)
{
    real *z = DATA(0), scale = (real)*(const double *)DATA(3), s = (real)NUMBER(5);
    const I *y = DATA(1);
    const real *w = DATA(2);
    double *loss = DATA(4), sum = 0;
    I n = SHAPE(0, 0), k = SHAPE(0, 1), step = k <= MAX_CLASSES ? TILE_ROWS : 1;
    if (k < 1)
        n = 0;
    for (I i = 0; i < n; i += step, z += step * k) {
        if (step == 1)
            sum += row_cross_entropy(z, y[i], w ? w[i] : 1, k, scale, s);
        else
            sum += tile_cross_entropy(z, y + i, w ? w + i : 0, n - i < step ? n - i : step,
                                      k, scale, s);
    }
    *loss = sum;
}

/* p = exp(z) / sum of exp(z) over classes */
KERNEL(softmax_link)
{
    const real *z = DATA(0);
    real *p = DATA(1);
    I n = SHAPE(0, 0), k = SHAPE(0, 1), step = k <= MAX_CLASSES ? TILE_ROWS : 1;
    if (k < 1)
        n = 0;
    for (I i = 0; i < n; i += step, z += step * k, p += step * k) {
        if (step == 1) {
            real total = exp_of_row(z, p, k, max_of_row(z, k));
            SIMD
            for (I j = 0; j < k; j++)
                p[j] /= total;
        } else {
            real t[MAX_CLASSES][TILE_ROWS], max[TILE_ROWS], total[TILE_ROWS];
            I rows = n - i < step ? n - i : step;
            load_tile(t, z, rows, k);
            max_of_tile(t, k, max);
            exp_of_tile(t, k, max, total);
            for (I j = 0; j < k; j++) {
                SIMD
                for (int r = 0; r < TILE_ROWS; r++)
                    t[j][r] /= total[r];
            }
            store_tile(t, p, rows, k);
        }
    }
}

/* p = exp(z) */
KERNEL(exp_link)
{
    const real *z = DATA(0);
    real *p = DATA(1);
    I size = SIZE(0);
    SIMD
    for (I i = 0; i < size; i++)
        p[i] = vexp(z[i]);
}

#define ELEMENTS 256

/* The weights of the next m elements of rows of k, from the element (*row, *column) on */
static inline void spread_weights(const real *w, I k, I *row, I *column, I m, real *out)
{
    for (I i = 0; i < m; i++) {
        out[i] = w ? w[*row] : 1;
        if (++*column == k)
            *column = 0, ++*row;
    }
}

/* A loss of independent elements: <name>_loss(z, y, c, &dz) returns the loss of a score
 * and its derivative; c is a constant. The weights of some elements at a time are spread
 * over a small array, so that vectors also run over rows of few scores. The sum of losses
 * is divided by `divisor`. */
#define ELEMENTWISE_LOSS(name, constant, divisor)                                        \
    KERNEL(name)                                                                         \
    {                                                                                    \
        real *z = DATA(0), scale = (real)*(const double *)DATA(3), c = (real)(constant); \
        const real *y = DATA(1), *w = DATA(2);                                           \
        double *loss = DATA(4), sum = 0;                                                 \
        I k = SHAPE(0, 1), size = SHAPE(0, 0) * k, row = 0, column = 0;                  \
        real weight[ELEMENTS];                                                           \
        for (I i = 0; i < size; i += ELEMENTS, z += ELEMENTS, y += ELEMENTS) {           \
            I m = size - i < ELEMENTS ? size - i : ELEMENTS;                             \
            real part = 0;                                                               \
            if (w || i == 0) /* without w, all weights are 1 */                          \
                spread_weights(w, k, &row, &column, m, weight);                          \
            SIMD_SUM(part)                                                               \
            for (I j = 0; j < m; j++) {                                                  \
                real dz;                                                                 \
                part += weight[j] * name##_loss(z[j], y[j], c, &dz);                     \
                z[j] = dz * weight[j] * scale;                                           \
            }                                                                            \
            sum += part;                                                                 \
        }                                                                                \
        *loss = sum / (divisor);                                                         \
    }

/* ½ r² with r = z - y; the loss is the mean over outputs, the derivative is not */
static inline real half_squared_error_loss(real z, real y, real c, real *dz)
{
    (void)c;
    *dz = z - y;
    return (real)0.5 * (*dz * *dz);
}
ELEMENTWISE_LOSS(half_squared_error, 0, k)

/* |r|, with derivative 0 at 0 */
static inline real absolute_error_loss(real z, real y, real c, real *dz)
{
    real r = z - y;
    (void)c;
    *dz = r > 0 ? 1 : r < 0 ? -1 : r;
    return absolute(r);
}
ELEMENTWISE_LOSS(absolute_error, 0, 1)

/* d (r - ½ d), where the derivative d is r, clipped to ±delta */
static inline real huber_loss(real z, real y, real delta, real *dz)
{
    real r = z - y, d = at_least(-delta, at_most(delta, r));
    *dz = d;
    return d * (r - (real)0.5 * d);
}
ELEMENTWISE_LOSS(huber, NUMBER(5), 1)

/* y log(y / mu) - y + mu with mu = exp(z), derivative mu - y, and 0 log 0 = 0 */
static inline real poisson_loss(real z, real y, real c, real *dz)
{
    (void)c;
    *dz = vexp(z) - y;
    return (y > 0 ? y * vlog(y) : 0 * y) - y * z + *dz;
}
ELEMENTWISE_LOSS(poisson, 0, 1)

/* log(1 + exp(z)) - y z, derivative logistic(z) - y; with label smoothing s, y becomes
 * (1 - s) y + ½ s. Without it, the loss of an element is clipped. */
static inline real binary_cross_entropy_loss(real z, real y, real s, real *dz)
{
    y = (1 - s) * y + (real)0.5 * s;
    real e = vexp(-absolute(z));
    real loss = (at_least(0, z) + vlog1p(e)) - y * z;
    *dz = (z < 0 ? e : 1) / (1 + e) - y;
    return s > 0 ? loss : at_most(LARGEST_LOG_LOSS, loss);
}
ELEMENTWISE_LOSS(binary_cross_entropy, NUMBER(5), 1)

/* The derivative H(r) - level of the pinball loss, and 0 (or NaN) at r = 0 (or NaN) */
static inline real pinball_slope(real r, real level)
{
    return r > 0 ? 1 - level : r < 0 ? -level : r;
}

/* The pinball loss r (H(r) - level), r = q - y, of the K increasing quantiles of each
 * output: q_0 = z_0, q_k = q_(k-1) + log(1 + exp(z_k)). The derivative with respect to
 * z_k is that with respect to the sum of q_k, q_(k+1) ..., times logistic(z_k). The first
 * pass over k sums all slopes, the second takes away those before k. */
KERNEL(quantile)
{
    real *z = DATA(0), scale = (real)*(const double *)DATA(3);
    const real *y = DATA(1), *w = DATA(2), *levels = DATA(5);
    double *loss = DATA(4), sum = 0;
    I outputs = SHAPE(1, 1), size = SHAPE(1, 0) * outputs, K = SHAPE(5, 0);
    I row = 0, column = 0;
    for (I i = 0; i < size; i += TILE_ROWS, z += TILE_ROWS * K, y += TILE_ROWS) {
        I m = size - i < TILE_ROWS ? size - i : TILE_ROWS;
        real q[TILE_ROWS] = {0}, slope[TILE_ROWS] = {0}, part[TILE_ROWS] = {0}, weight[TILE_ROWS];
        spread_weights(w, outputs, &row, &column, m, weight);
        for (I k = 0; k < K; k++) {
            SIMD
            for (I r = 0; r < m; r++) {
                real x = z[r * K + k];
                q[r] += k == 0 ? x : vsoftplus(x);
                real d = pinball_slope(q[r] - y[r], levels[k]);
                part[r] += (q[r] - y[r]) * d;
                slope[r] += d;
            }
        }
        memset(q, 0, sizeof q);
        for (I k = 0; k < K; k++) {
            SIMD
            for (I r = 0; r < m; r++) {
                real x = z[r * K + k];
                q[r] += k == 0 ? x : vsoftplus(x);
                real dz = k == 0 ? slope[r] : slope[r] * vlogistic(x);
                slope[r] -= pinball_slope(q[r] - y[r], levels[k]);
                z[r * K + k] = dz * weight[r] * scale;
            }
        }
        for (I r = 0; r < m; r++)
            sum += weight[r] * part[r];
    }
    *loss = sum;
}
