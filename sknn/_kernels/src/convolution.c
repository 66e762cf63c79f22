/* Convolution of images without a matrix of windows.
 *
 * Images are (C, H, W, n) in memory: the n rows of a batch are innermost, and vectors of
 * LANES numbers run along the rows, or, where pixels are adjacent, along pixels and rows.
 * A block of output channels is computed at once, so that a vector of x that is loaded
 * serves all of them. Pixels outside of an image are zeros: they are left out of the sums.
 */

/* A vector of numbers, at any address. Without the extension it is a single number. */
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
#if defined(__GNUC__)
typedef real vec
    __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));
#define LANES ((I)(VECTOR_BYTES / sizeof(real)))
#define INLINE static inline __attribute__((always_inline))
#else
typedef real vec;
#define LANES ((I)1)
#define INLINE static inline
#endif

/* Accumulators of a block must fit into the registers: 32 of them, or 16. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define MAX_BLOCK 8
#else
#define MAX_BLOCK 6
#endif

#define VEC(p) (*(vec *)(p))
#define CONST_VEC(p) (*(const vec *)(p))

INLINE I min_index(I a, I b) { return a < b ? a : b; }
INLINE I max_index(I a, I b) { return a > b ? a : b; }

/* The kernel along one axis: `size` taps; window number w starts at w * stride - before
 * and lies on an axis of `length` pixels. */
typedef struct {
    I size, stride, before, length;
    int gradient;
} Axis;

/* The taps of one pixel: taps first, first + step, ... of the kernel meet the pixels
 * source, source ± 1, ... of the other image, `count` of them inside of it. */
typedef struct {
    I first, source, count;
} Taps;

/* Forward, window `at` covers x[at * stride - before + tap]. In the gradient, pixel `at`
 * of x belongs to the windows w with at = w * stride - before + tap. */
static Taps taps_at(const Axis *a, I at)
{
    if (!a->gradient) {
        I start = at * a->stride - a->before, first = max_index(0, -start);
        I count = min_index(a->size, a->length - start) - first;
        return (Taps){first, start + first, max_index(count, 0)};
    }
    I place = at + a->before;
    I last = min_index(place / a->stride, a->length - 1);
    I low = place < a->size ? 0 : (place - a->size) / a->stride + 1;
    return (Taps){place - last * a->stride, last, max_index(last - low + 1, 0)};
}

typedef struct {
    I start, end;
} Range;

/* The windows, of `count`, whose tap lies inside of the image. */
static Range inside(const Axis *a, I tap, I count)
{
    I start = max_index(0, a->before - tap + a->stride - 1) / a->stride;
    I end = min_index(count, (a->length + a->before - tap - 1 + a->stride) / a->stride);
    start = min_index(start, count);
    return (Range){start, max_index(start, end)};
}

/* So many channels of x at a time, for their pixels to stay in the cache while the window
 * moves along. */
#define CHANNELS 8

/* Sums over taps: strides of x and w along channels c and kernel rows i and columns j. */
typedef struct {
    I channels, rows, columns, size; /* size: the number of elements of x */
    I xc, xi, xj, wo, wc, wi, wj;
    int first; /* whether these are the first channels of x */
} Sum;

/* y[o, e] += Σ w[o, c, i, j] x[c, i, j, e] for `ob` channels and `nv` vectors of e; y is
 * not read but taken as b[o], or zero, for the first channels c of x. */
INLINE void block(const int ob, const int nv, const Sum *s, const real *x, const real *w,
                  const real *b, real *y, I yo)
{
    vec sum[MAX_BLOCK][2];
    for (int o = 0; o < ob; o++)
        for (int v = 0; v < nv; v++)
            if (s->first)
                sum[o][v] = (vec){0} + (b ? b[o] : 0);
            else
                sum[o][v] = CONST_VEC(y + o * yo + v * LANES);
    for (I c = 0; c < s->channels; c++)
        for (I i = 0; i < s->rows; i++) {
            const real *xs = x + c * s->xc + i * s->xi, *ws = w + c * s->wc + i * s->wi;
            for (I j = 0; j < s->columns; j++, xs += s->xj, ws += s->wj)
                for (int o = 0; o < ob; o++)
                    for (int v = 0; v < nv; v++)
                        sum[o][v] += ws[o * s->wo] * CONST_VEC(xs + v * LANES);
        }
    for (int o = 0; o < ob; o++)
        for (int v = 0; v < nv; v++)
            VEC(y + o * yo + v * LANES) = sum[o][v];
}

/* The same for one element, where a vector would read beyond the ends of x. */
static void block_of_one(I ob, const Sum *s, const real *x, const real *w,
                         const real *b, real *y, I yo)
{
    for (I o = 0; o < ob; o++) {
        real sum = !s->first ? y[o * yo] : b ? b[o] : 0;
        for (I c = 0; c < s->channels; c++)
            for (I i = 0; i < s->rows; i++)
                for (I j = 0; j < s->columns; j++)
                    sum += w[o * s->wo + c * s->wc + i * s->wi + j * s->wj]
                           * x[c * s->xc + i * s->xi + j * s->xj];
        y[o * yo] = sum;
    }
}

/* y[o, e] for a run of `length` elements e, x[at] being the first tap of the first one.
 * The last elements are part of a vector that starts before them: within the run, or, if
 * that is shorter than a vector, so far before that the vector lies within x. */
INLINE void run(const int ob, const Sum *s, const real *x, I at, const real *w,
                const real *b, real *y, I yo, I length)
{
    I e = 0, rest, back = 0;
    for (; e + 2 * LANES <= length; e += 2 * LANES)
        block(ob, 2, s, x + at + e, w, b, y + e, yo);
    for (; e + LANES <= length; e += LANES)
        block(ob, 1, s, x + at + e, w, b, y + e, yo);
    rest = length - e;
    if (!rest)
        return;
    x += at + e, y += e;
    if (length > LANES) {
        back = LANES - rest;
    } else if (s->rows && s->columns) {
        I up = (s->rows - 1) * s->xi, right = (s->columns - 1) * s->xj;
        I low = at + min_index(up, 0) + min_index(right, 0);
        I high = at + max_index(up, 0) + max_index(right, 0) + (s->channels - 1) * s->xc;
        back = max_index(0, high + LANES - s->size);
        if (low < back) {
            for (e = 0; e < rest; e++)
                block_of_one(ob, s, x + e, w, b, y + e, yo);
            return;
        }
    }
    real part[MAX_BLOCK * LANES] = {0};
    for (int o = 0; o < ob && !s->first; o++)
        for (e = 0; e < rest; e++)
            part[o * LANES + back + e] = y[o * yo + e];
    block(ob, 1, s, x - back, w, b, part, LANES);
    for (int o = 0; o < ob; o++)
        for (e = 0; e < rest; e++)
            y[o * yo + e] = part[o * LANES + back + e];
}

#define RUN(ob) \
    static void run_##ob(const Sum *s, const real *x, I at, const real *w, \
                         const real *b, real *y, I yo, I length) \
    { \
        run(ob, s, x, at, w, b, y, yo, length); \
    }
RUN(1)
RUN(2)
RUN(3)
RUN(4)
RUN(5)
RUN(6)
#if MAX_BLOCK == 8
RUN(7)
RUN(8)
#endif

static void (*const runs[])(const Sum *, const real *, I, const real *, const real *,
                            real *, I, I)
    = {run_1, run_2, run_3, run_4, run_5, run_6,
#if MAX_BLOCK == 8
       run_7, run_8
#endif
};

/* y (O, h, w, n) from x (C, H, W, n): output rows h0 to h1. Strides wo, wc, wi, wj. */
static void correlate(const real *x, const real *w, const real *b, real *y, I C, I O, I n,
                      const Axis *rows, const Axis *columns, I height, I width,
                      const I *wstride, I h0, I h1)
{
    I W = columns->length, plane = rows->length * W * n, yo = height * width * n;
    I step = rows->gradient ? -1 : 1;
    I hop_i = rows->gradient ? rows->stride : 1;
    I hop_j = rows->gradient ? columns->stride : 1;
    I n_blocks = (O + MAX_BLOCK - 1) / MAX_BLOCK;
    Sum s = {.xc = plane, .xi = step * W * n, .xj = step * n, .wo = wstride[0],
             .wc = wstride[1], .wi = hop_i * wstride[2], .wj = hop_j * wstride[3]};
    for (I h = h0; h < h1; h++) {
        Taps i = taps_at(rows, h), j, next;
        s.rows = i.count;
        for (I k = 0; k < n_blocks; k++) {
            I o = k * O / n_blocks, ob = (k + 1) * O / n_blocks - o;
            for (I c = 0; c < C; c += CHANNELS) {
                s.channels = min_index(CHANNELS, C - c);
                s.size = (C - c) * plane;
                s.first = c == 0;
                for (I v = 0, end; v < width; v = end) {
                    j = taps_at(columns, v);
                    for (end = v + 1; end < width; end++) { /* pixels of the same taps */
                        next = taps_at(columns, end);
                        if (next.first != j.first || next.count != j.count
                            || next.source != j.source + end - v)
                            break;
                    }
                    s.columns = j.count;
                    const real *taps = w + o * wstride[0] + c * wstride[1]
                                       + i.first * wstride[2] + j.first * wstride[3];
                    runs[ob - 1](&s, x + c * plane, (i.source * W + j.source) * n, taps,
                                 b ? b + o : 0, y + o * yo + (h * width + v) * n, yo,
                                 (end - v) * n);
                }
            }
        }
    }
}

/* y[o, h, v] = b[o] + Σ W[o, c, i, j] x[c, sh h - top + i, sw v - left + j], rows h0 to
 * h1: conv_forward(x, W, b, y, sh, sw, top, left, h0, h1) */
KERNEL(conv_forward)
{
    I C = SHAPE(0, 0), kh = SHAPE(1, 2), kw = SHAPE(1, 3);
    Axis rows = {kh, NUMBER(4), NUMBER(6), SHAPE(0, 1), 0};
    Axis columns = {kw, NUMBER(5), NUMBER(7), SHAPE(0, 2), 0};
    I stride[] = {C * kh * kw, kh * kw, kw, 1};
    correlate(DATA(0), DATA(1), DATA(2), DATA(3), C, SHAPE(3, 0), SHAPE(3, 3), &rows,
              &columns, SHAPE(3, 1), SHAPE(3, 2), stride, NUMBER(8), NUMBER(9));
}

/* dx[c, h, v] = Σ W[o, c, i, j] dy[o, h', v'] over the windows h', v' and their taps i, j
 * that cover the pixel h = sh h' - top + i, v = sw v' - left + j, rows h0 to h1
 * conv_input_gradient(dy, W, dx, sh, sw, top, left, h0, h1) */
KERNEL(conv_input_gradient)
{
    Axis rows = {SHAPE(1, 2), NUMBER(3), NUMBER(5), SHAPE(0, 1), 1};
    Axis columns = {SHAPE(1, 3), NUMBER(4), NUMBER(6), SHAPE(0, 2), 1};
    I stride[] = {STRIDE(1, 1), STRIDE(1, 0), STRIDE(1, 2), STRIDE(1, 3)};
    correlate(DATA(0), DATA(1), 0, DATA(2), SHAPE(0, 0), SHAPE(2, 0), SHAPE(2, 3), &rows,
              &columns, SHAPE(2, 1), SHAPE(2, 2), stride, NUMBER(7), NUMBER(8));
}

/* X[c, i, j] (height, width, n) = x[c, sh h - top + i, sw v - left + j], the pixels of each
 * window, for a matrix product where the direct sums are slow: few rows, many channels.
 * windows(x (C, H, W, n), X (C kh kw, height, width, n), kh, kw, sh, sw, top, left) */
KERNEL(windows)
{
    const real *x = DATA(0);
    real *X = DATA(1);
    I C = SHAPE(0, 0), H = SHAPE(0, 1), W = SHAPE(0, 2), n = SHAPE(0, 3);
    I height = SHAPE(1, 1), width = SHAPE(1, 2), kh = NUMBER(2), kw = NUMBER(3);
    Axis rows = {kh, NUMBER(4), NUMBER(6), H, 0};
    Axis columns = {kw, NUMBER(5), NUMBER(7), W, 0};
    for (I c = 0; c < C; c++)
        for (I i = 0; i < kh; i++)
            for (I j = 0; j < kw; j++) {
                Range v = inside(&columns, j, width), h = inside(&rows, i, height);
                for (I q = 0; q < height; q++, X += width * n) {
                    int in_image = q >= h.start && q < h.end;
                    I from = in_image ? v.start : width, to = in_image ? v.end : width;
                    const real *pixel = x + ((c * H + q * rows.stride - rows.before + i) * W
                                             - columns.before + j) * n;
                    memset(X, 0, sizeof(real) * from * n);
                    if (columns.stride == 1)
                        memcpy(X + from * n, pixel + from * n,
                               sizeof(real) * (to - from) * n);
                    else
                        for (I p = from; p < to; p++)
                            for (I e = 0; e < n; e++)
                                X[p * n + e] = pixel[p * columns.stride * n + e];
                    memset(X + to * n, 0, sizeof(real) * (width - to) * n);
                }
            }
}

/* The weight gradient sums over pixels and rows: one vector of partial sums for each of
 * up to MAX_CHANNELS output channels and MAX_TAPS adjacent taps, together not more than
 * the registers hold. */
#define MAX_CHANNELS 4
#define MAX_TAPS 5
#define MAX_SUMS (MAX_BLOCK == 8 ? 20 : 12)

/* Without this, gcc loads a vector from memory for each product that it is a factor of,
 * and the loads take longer than the products. */
#if defined(__GNUC__) && defined(__x86_64__)
#define IN_REGISTER(v) __asm__("" : "+v"(v))
#elif defined(__GNUC__) && defined(__aarch64__)
#define IN_REGISTER(v) __asm__("" : "+w"(v))
#else
#define IN_REGISTER(v) (void)0
#endif

/* sum[o, j, :] += dy[o, v, e] x[v, j, e] over `width` pixels v and n elements e */
INLINE void pixels(const int ob, const int nj, const real *dy, I dyo, I dyv,
                   const real *x, I xv, I xj, I width, I n, real *sum)
{
    vec part[MAX_CHANNELS][MAX_TAPS], taps[MAX_TAPS];
    for (int o = 0; o < ob; o++)
        for (int j = 0; j < nj; j++)
            part[o][j] = (vec){0};
    I full = n - n % LANES;
    for (I v = 0; v < width; v++)
        for (I e = 0; e < full; e += LANES) {
            const real *d = dy + v * dyv + e, *xs = x + v * xv + e;
            for (int j = 0; j < nj; j++) {
                taps[j] = CONST_VEC(xs + j * xj);
                IN_REGISTER(taps[j]);
            }
            for (int o = 0; o < ob; o++) {
                vec here = CONST_VEC(d + o * dyo);
                IN_REGISTER(here);
                for (int j = 0; j < nj; j++)
                    part[o][j] += here * taps[j];
            }
        }
    for (int o = 0; o < ob; o++)
        for (int j = 0; j < nj; j++)
            VEC(sum + (o * MAX_TAPS + j) * LANES) += part[o][j];
    if (full < n)
        for (int o = 0; o < ob; o++)
            for (int j = 0; j < nj; j++)
                for (I v = 0; v < width; v++)
                    for (I e = full; e < n; e++)
                        sum[(o * MAX_TAPS + j) * LANES + e - full]
                            += dy[o * dyo + v * dyv + e] * x[v * xv + j * xj + e];
}

typedef void (*Pixels)(const real *, I, I, const real *, I, I, I, I, real *);

#define PIXELS(ob, nj) \
    static void pixels_##ob##_##nj(const real *dy, I dyo, I dyv, const real *x, I xv, \
                                   I xj, I width, I n, real *sum) \
    { \
        pixels(ob, nj, dy, dyo, dyv, x, xv, xj, width, n, sum); \
    }
#define PIXELS_OF(ob) \
    PIXELS(ob, 1) PIXELS(ob, 2) PIXELS(ob, 3) PIXELS(ob, 4) PIXELS(ob, 5)
PIXELS_OF(1)
PIXELS_OF(2)
PIXELS_OF(3)
PIXELS_OF(4)
#define ROW_OF(ob) \
    {pixels_##ob##_1, pixels_##ob##_2, pixels_##ob##_3, pixels_##ob##_4, pixels_##ob##_5}
static const Pixels pixel_sums[][MAX_TAPS]
    = {ROW_OF(1), ROW_OF(2), ROW_OF(3), ROW_OF(4)};

/* Taps j0 to j1 of kernel row i of channel c, the output rows h0 to h1 and columns v0 to
 * v1 for which all of them are inside of the image. TASKS of them in turn meet a piece of
 * a row of dy, SEGMENT numbers in all channels, so that it stays in the cache. */
typedef struct {
    I c, i, j0, j1, h0, h1, v0, v1;
} Task;

#define TASKS 6
#define SEGMENT 8192

static Task make_task(I t, I parts, const Axis *rows, const Axis *columns, const I *out)
{
    I row = t / parts, part = t % parts, kw = columns->size;
    I j0 = part * kw / parts, j1 = (part + 1) * kw / parts;
    Range h = inside(rows, row % rows->size, out[0]);
    Range first = inside(columns, j0, out[1]), last = inside(columns, j1 - 1, out[1]);
    return (Task){row / rows->size, row % rows->size, j0, j1, h.start, h.end,
                  first.start, max_index(first.start, last.end)};
}

/* dW[o, c, i, j] = Σ dy[o, h, v] x[c, sh h - top + i, sw v - left + j], db[o] = Σ dy[o]
 * over h, v and rows: conv_weight_gradient(x, dy, dW, db, sh, sw, top, left) */
KERNEL(conv_weight_gradient)
{
    const real *x = DATA(0), *dy = DATA(1);
    real *dW = DATA(2), *db = DATA(3);
    I C = SHAPE(0, 0), in[] = {SHAPE(0, 1), SHAPE(0, 2)}, n = SHAPE(0, 3);
    I O = SHAPE(1, 0), out[] = {SHAPE(1, 1), SHAPE(1, 2)}, dyo = out[0] * out[1] * n;
    I kh = SHAPE(2, 2), kw = SHAPE(2, 3);
    I step[] = {NUMBER(4), NUMBER(5)}, before[] = {NUMBER(6), NUMBER(7)};
    Axis rows = {kh, step[0], before[0], in[0], 0};
    Axis columns = {kw, step[1], before[1], in[1], 0};
    I parts = (kw + MAX_TAPS - 1) / MAX_TAPS, n_tasks = C * kh * parts;
    I most = min_index(MAX_CHANNELS, MAX_SUMS / ((kw + parts - 1) / parts));
    I n_blocks = (O + most - 1) / most;
    I row = out[1] * n, xrow = in[1] * n;
    I some = max_index(1, SEGMENT / (MAX_CHANNELS * n + 1)); /* columns of a piece */
    for (I k = 0; k < n_blocks; k++) {
        I o = k * O / n_blocks, ob = (k + 1) * O / n_blocks - o;
        const real *d = dy + o * dyo;
        const Pixels *add = pixel_sums[ob - 1] - 1; /* by the number of taps */
        for (I q = 0; q < ob; q++)
            db[o + q] = 0;
        for (I t0 = 0; t0 < n_tasks; t0 += TASKS) {
            I nt = min_index(TASKS, n_tasks - t0);
            Task tasks[TASKS];
            real sums[TASKS][MAX_CHANNELS * MAX_TAPS * LANES];
            memset(sums, 0, sizeof sums);
            for (I t = 0; t < nt; t++)
                tasks[t] = make_task(t0 + t, parts, &rows, &columns, out);
            for (I h = 0; h < out[0]; h++) {
                for (I v = 0; v < out[1]; v += some) {
                    I end = min_index(v + some, out[1]);
                    for (I q = 0; q < ob && !t0; q++) {
                        real sum = 0;
                        SIMD_SUM(sum)
                        for (I e = v * n; e < end * n; e++)
                            sum += d[q * dyo + h * row + e];
                        db[o + q] += sum;
                    }
                    for (I t = 0; t < nt; t++) {
                        const Task *a = tasks + t;
                        I v0 = max_index(v, a->v0), v1 = min_index(end, a->v1);
                        if (h < a->h0 || h >= a->h1 || v0 >= v1)
                            continue;
                        I cols = step[1] == 1 ? 1 : v1 - v0;
                        I pixel = (a->c * in[0] + h * step[0] - before[0] + a->i) * in[1]
                                  + v0 * step[1] - before[1] + a->j0;
                        add[a->j1 - a->j0](d + h * row + v0 * n, dyo, n, x + pixel * n,
                                           step[1] * n, n, cols, (v1 - v0) / cols * n,
                                           sums[t]);
                    }
                }
            }
            for (I t = 0; t < nt; t++) {
                const Task *a = tasks + t;
                for (I v = 0; v < out[1]; v++) { /* columns with some taps outside */
                    I start = v * step[1] - before[1];
                    I low = max_index(a->j0, -start);
                    I high = min_index(a->j1, in[1] - start);
                    if ((v >= a->v0 && v < a->v1) || low >= high || a->h1 <= a->h0)
                        continue;
                    I pixel = (a->c * in[0] + a->h0 * step[0] - before[0] + a->i) * in[1]
                              + start + low;
                    add[high - low](d + a->h0 * row + v * n, dyo, row, x + pixel * n,
                                    step[0] * xrow, n, a->h1 - a->h0, n,
                                    sums[t] + (low - a->j0) * LANES);
                }
                for (I q = 0; q < ob; q++)
                    for (I j = a->j0; j < a->j1; j++) {
                        const real *lane = sums[t] + (q * MAX_TAPS + j - a->j0) * LANES;
                        real sum = 0;
                        for (I e = 0; e < LANES; e++)
                            sum += lane[e];
                        dW[((o + q) * C * kh + a->c * kh + a->i) * kw + j] = sum;
                    }
            }
        }
    }
}
