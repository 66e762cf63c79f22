/* Embeddings of categories and of numbers: a vector for each of some columns of a row.
 *
 * x (n, m) holds the columns, e (n, m, size) their embeddings; both may be parts of
 * larger matrices. Numbers are embedded column by column, in blocks of up to ROWS rows,
 * which become contiguous. Sums over rows are sums of blocks.
 */
enum { ROWS = 256 };

/* -- categories ---------------------------------------------------------------------- */

/* The code in x as an index; NaN and negative numbers are taken for 0. */
static inline I NAME(code)(real x, I n_categories)
{
    return x > 0 ? (x < n_categories ? (I)x : n_categories - 1) : 0;
}

/* y[i] = [x[i, others], E[starts[j] + code in x[i, columns[j]]] for each j];
 * x (n, d), others (k,), columns (m,), starts (m + 1,), E (categories, size),
 * y (n, k + m size) */
KERNEL(embedding)
{
    const real *x = DATA(0), *E = DATA(4);
    const int64_t *others = DATA(1), *columns = DATA(2), *starts = DATA(3);
    I n = SHAPE(0, 0), k = SHAPE(1, 0), m = SHAPE(2, 0), size = SHAPE(4, 1);
    for (I i = 0; i < n; i++, x += STRIDE(0, 0)) {
        real *y = (real *)DATA(5) + i * STRIDE(5, 0);
        for (I j = 0; j < k; j++)
            *y++ = x[others[j]];
        for (I j = 0; j < m; j++) {
            I at = starts[j] + NAME(code)(x[columns[j]], starts[j + 1] - starts[j]);
            for (I s = 0; s < size; s++)
                *y++ = E[at * size + s];
        }
    }
}

/* dE[starts[j] + code in x[i, columns[j]]] += dy[i, j];
 * x (n, d), columns (m,), starts (m + 1,), dy (n, m size), dE (categories, size) */
KERNEL(embedding_backward)
{
    const real *x = DATA(0);
    const int64_t *columns = DATA(1), *starts = DATA(2);
    real *dE = DATA(4);
    I n = SHAPE(0, 0), m = SHAPE(1, 0), size = SHAPE(4, 1);
    memset(dE, 0, (size_t)(SHAPE(4, 0) * size) * sizeof(real));
    for (I i = 0; i < n; i++, x += STRIDE(0, 0)) {
        const real *dy = (const real *)DATA(3) + i * STRIDE(3, 0);
        for (I j = 0; j < m; j++, dy += size) {
            I at = starts[j] + NAME(code)(x[columns[j]], starts[j + 1] - starts[j]);
            real *to = dE + at * size;
            SIMD
            for (I s = 0; s < size; s++)
                to[s] += dy[s];
        }
    }
}

/* -- cosines ------------------------------------------------------------------------- */

/* Cosine and sine are cheaper to compute again than to keep for the backward pass, and so
 * are they for each PARTS elements of an embedding, which share a loop over the rows. */
enum { PARTS = 4 };

#define TURN ((real)6.28318530717958647693)
#define PER_TURN ((real)0.15915494309189533577) /* 1 / TURN */

/* to[r] = x[r step] for a block of rows, which become contiguous. */
static inline void NAME(take)(real *to, const real *x, I rows, I step)
{
    for (I r = 0; r < rows; r++)
        to[r] = x[r * step];
}

/* Up to PARTS weights; zeros instead of those that do not exist. */
static inline void NAME(take_parts)(real *to, const real *weights, I parts)
{
    for (I p = 0; p < PARTS; p++)
        to[p] = p < parts ? weights[p] : 0;
}

/* e = cos(2 pi x w + b) W + c;
 * x (n, m), w, b (m, k), W (m, k, size), c (m, size), e (n, m, size) */
KERNEL(periodic_embedding)
{
    I n = SHAPE(0, 0), m = SHAPE(0, 1), K = SHAPE(1, 1), size = SHAPE(4, 1);
    I x_step = STRIDE(0, 0), e_step = STRIDE(5, 0), e_next = STRIDE(5, 1);
    for (I first = 0; first < n; first += ROWS) {
        I rows = n - first < ROWS ? n - first : ROWS;
        for (I j = 0; j < m; j++) {
            const real *w = (const real *)DATA(1) + j * K, *b = (const real *)DATA(2) + j * K;
            const real *W = (const real *)DATA(3) + j * K * size;
            const real *c = (const real *)DATA(4) + j * size;
            real *e = (real *)DATA(5) + first * e_step + j * e_next;
            real xs[ROWS], sum[PARTS][ROWS];
            NAME(take)(xs, (const real *)DATA(0) + first * x_step + j, rows, x_step);
            for (I s = 0; s < size; s += PARTS) {
                I parts = size - s < PARTS ? size - s : PARTS;
                for (I p = 0; p < parts; p++)
                    for (I r = 0; r < rows; r++)
                        sum[p][r] = c[s + p];
                for (I k = 0; k < K; k++) {
                    real speed = w[k], phase = b[k] * PER_TURN, v[PARTS];
                    NAME(take_parts)(v, W + k * size + s, parts);
                    SIMD
                    for (I r = 0; r < rows; r++) {
                        real h = vcos_turns(fraction(muladd(xs[r], speed, phase)));
                        for (I p = 0; p < PARTS; p++)
                            sum[p][r] = muladd(h, v[p], sum[p][r]);
                    }
                }
                for (I r = 0; r < rows; r++)
                    for (I p = 0; p < parts; p++)
                        e[r * e_step + s + p] = sum[p][r];
            }
        }
    }
}

/* The gradients; dx, which may be missing, is added to.
 * x, dx (n, m), w, b, dw, db (m, k), W, dW (m, k, size), de (n, m, size), dc (m, size) */
KERNEL(periodic_embedding_backward)
{
    I n = SHAPE(0, 0), m = SHAPE(0, 1), K = SHAPE(1, 1), size = SHAPE(4, 2);
    I x_step = STRIDE(0, 0), dx_step = STRIDE(9, 0);
    I de_step = STRIDE(4, 0), de_next = STRIDE(4, 1);
    memset(DATA(5), 0, (size_t)(m * K) * sizeof(real));
    memset(DATA(6), 0, (size_t)(m * K) * sizeof(real));
    memset(DATA(7), 0, (size_t)(m * K * size) * sizeof(real));
    memset(DATA(8), 0, (size_t)(m * size) * sizeof(real));
    for (I first = 0; first < n; first += ROWS) {
        I rows = n - first < ROWS ? n - first : ROWS;
        for (I j = 0; j < m; j++) {
            const real *w = (const real *)DATA(1) + j * K, *b = (const real *)DATA(2) + j * K;
            const real *W = (const real *)DATA(3) + j * K * size;
            const real *de = (const real *)DATA(4) + first * de_step + j * de_next;
            real *dw = (real *)DATA(5) + j * K, *db = (real *)DATA(6) + j * K;
            real *dW = (real *)DATA(7) + j * K * size, *dc = (real *)DATA(8) + j * size;
            real xs[ROWS], dxs[ROWS] = {0}, d[PARTS][ROWS] = {{0}};
            NAME(take)(xs, (const real *)DATA(0) + first * x_step + j, rows, x_step);
            for (I s = 0; s < size; s += PARTS) {
                I parts = size - s < PARTS ? size - s : PARTS;
                for (I p = 0; p < PARTS; p++)
                    for (I r = 0; r < rows; r++)
                        d[p][r] = p < parts ? de[r * de_step + s + p] : 0;
                for (I p = 0; p < parts; p++)
                    for (I r = 0; r < rows; r++)
                        dc[s + p] += d[p][r];
                for (I k = 0; k < K; k++) {
                    real speed = w[k], phase = b[k] * PER_TURN, v[PARTS];
                    real speed_d = 0, phase_d = 0, d0 = 0, d1 = 0, d2 = 0, d3 = 0;
                    NAME(take_parts)(v, W + k * size + s, parts);
                    SIMD_SUM(speed_d, phase_d, d0, d1, d2, d3)
                    for (I r = 0; r < rows; r++) {
                        real t = fraction(muladd(xs[r], speed, phase)), h = vcos_turns(t);
                        real dh = d[0][r] * v[0] + d[1][r] * v[1] + d[2][r] * v[2]
                                  + d[3][r] * v[3];
                        real dz = -vsin_turns(t) * dh;
                        d0 += h * d[0][r];
                        d1 += h * d[1][r];
                        d2 += h * d[2][r];
                        d3 += h * d[3][r];
                        phase_d += dz;
                        speed_d += dz * xs[r];
                        dxs[r] += dz * speed;
                    }
                    const real dv[PARTS] = {d0, d1, d2, d3};
                    for (I p = 0; p < parts; p++)
                        dW[k * size + s + p] += dv[p];
                    db[k] += phase_d;
                    dw[k] += speed_d * TURN;
                }
            }
            if (DATA(9)) {
                real *dx = (real *)DATA(9) + first * dx_step + j;
                for (I r = 0; r < rows; r++)
                    dx[r * dx_step] += dxs[r] * TURN;
            }
        }
    }
}

/* -- pieces -------------------------------------------------------------------------- */

/* bin[r] = number of x[r] >= left[k], k > 0: the bin that x is in */
static inline void NAME(find_bins)(const real *x, const real *left, I rows, I bins,
                                   real *bin)
{
    memset(bin, 0, (size_t)rows * sizeof(real));
    for (I k = 1; k < bins; k++) {
        real edge = left[k];
        SIMD
        for (I r = 0; r < rows; r++)
            bin[r] += x[r] >= edge ? (real)1 : (real)0;
    }
}

/* e = x w + b + sum V[:k] + t V[k], where x is in bin k, t = (x - left[k]) scale[k];
 * x (n, m), left, scale (m, bins), w, b (m, size), V, sums (m, bins, size),
 * e (n, m, size); sums is memory, for b + sum V[:k] */
KERNEL(piecewise_linear)
{
    const real *x = DATA(0), *left = DATA(1), *scale = DATA(2);
    const real *w = DATA(3), *b = DATA(4), *V = DATA(5);
    real *sums = DATA(6), *e = DATA(7);
    I n = SHAPE(0, 0), m = SHAPE(0, 1), bins = SHAPE(1, 1), size = SHAPE(3, 1);
    I x_step = STRIDE(0, 0), e_step = STRIDE(7, 0), e_next = STRIDE(7, 1);
    for (I j = 0; j < m; j++, x++, left += bins, scale += bins, w += size, b += size,
           V += bins * size, sums += bins * size, e += e_next) {
        memcpy(sums, b, (size_t)size * sizeof(real));
        for (I k = 0; k < (bins - 1) * size; k++)
            sums[k + size] = sums[k] + V[k];
        for (I first = 0; first < n; first += ROWS) {
            I rows = n - first < ROWS ? n - first : ROWS;
            real xs[ROWS], bin[ROWS];
            NAME(take)(xs, x + first * x_step, rows, x_step);
            NAME(find_bins)(xs, left, rows, bins, bin);
            for (I r = 0; r < rows; r++) {
                I k = (I)bin[r];
                real *to = e + (first + r) * e_step, t = (xs[r] - left[k]) * scale[k];
                SIMD
                for (I s = 0; s < size; s++)
                    to[s] = xs[r] * w[s] + sums[k * size + s] + t * V[k * size + s];
            }
        }
    }
}

/* dV[k] = sum of t de over the rows in bin k, plus sum of de over those in later bins,
 * dw = sum of x de, db = sum of de, dx = de (w + scale[k] V[k]), which may be missing;
 * shapes as above, sums is memory for the sums of de over the rows in each bin */
KERNEL(piecewise_linear_backward)
{
    const real *x = DATA(0), *left = DATA(1), *scale = DATA(2);
    const real *w = DATA(3), *V = DATA(4), *de = DATA(5);
    real *sums = DATA(6), *dw = DATA(7), *db = DATA(8), *dV = DATA(9), *dx = DATA(10);
    I n = SHAPE(0, 0), m = SHAPE(0, 1), bins = SHAPE(1, 1), size = SHAPE(3, 1);
    I x_step = STRIDE(0, 0), dx_step = STRIDE(10, 0);
    I de_step = STRIDE(5, 0), de_next = STRIDE(5, 1);
    memset(sums, 0, (size_t)(m * bins * size) * sizeof(real));
    memset(dV, 0, (size_t)(m * bins * size) * sizeof(real));
    memset(dw, 0, (size_t)(m * size) * sizeof(real));
    for (I j = 0; j < m; j++, x++, left += bins, scale += bins, w += size, V += bins * size,
           de += de_next, sums += bins * size, dw += size, db += size, dV += bins * size) {
        for (I first = 0; first < n; first += ROWS) {
            I rows = n - first < ROWS ? n - first : ROWS;
            real xs[ROWS], bin[ROWS];
            NAME(take)(xs, x + first * x_step, rows, x_step);
            NAME(find_bins)(xs, left, rows, bins, bin);
            for (I r = 0; r < rows; r++) {
                I k = (I)bin[r] * size, row = first + r;
                const real *d = de + row * de_step;
                real t = (xs[r] - left[(I)bin[r]]) * scale[(I)bin[r]];
                SIMD
                for (I s = 0; s < size; s++) {
                    sums[k + s] += d[s];
                    dV[k + s] += t * d[s];
                    dw[s] += xs[r] * d[s];
                }
                if (!dx)
                    continue;
                real slope = scale[(I)bin[r]], sum = 0;
                SIMD_SUM(sum)
                for (I s = 0; s < size; s++)
                    sum += d[s] * (w[s] + slope * V[k + s]);
                dx[row * dx_step + j] = sum;
            }
        }
        memset(db, 0, (size_t)size * sizeof(real));
        for (I k = bins - 1; k >= 0; k--)
            for (I s = 0; s < size; s++) {
                dV[k * size + s] += db[s];
                db[s] += sums[k * size + s];
            }
    }
}
