"""The C functions that generated files are made of, in float.

A file has those that it calls. They take pointers and lengths, and write to `y`, which
can be `x` itself where the comment says so. Images are (channels, height, width).
"""

from __future__ import annotations

import re

FUNCTIONS = {
    "copy": """
/* y = x. */
static void copy(const float *x, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = x[i];
    }
}
""",
    "pixels": """
/* Bytes as fractions of 255. */
static void pixels(const unsigned char *x, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = (float)x[i] * (1.0f / 255.0f);
    }
}
""",
    "map": """
/* y = f(x), elementwise; y can be x. */
static void map(float (*f)(float), const float *x, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = f(x[i]);
    }
}
""",
    "parametric": """
/* y = x + alpha (f(x) - x), an alpha for each unit of `inner` numbers; y can be x. */
static void parametric(float (*f)(float), const float *x, const float *alpha, float *y,
                       int units, int inner)
{
    int u, i;
    for (u = 0; u < units; u++) {
        for (i = 0; i < inner; i++, x++, y++) {
            *y = *x + alpha[u] * (f(*x) - *x);
        }
    }
}
""",
    "prelu": """
/* x, or a x where it is negative, an a for each unit of `inner` numbers; y can be x. */
static void prelu(const float *x, const float *a, float *y, int units, int inner)
{
    int u, i;
    for (u = 0; u < units; u++) {
        for (i = 0; i < inner; i++, x++, y++) {
            *y = *x > 0.0f ? *x : a[u] * *x;
        }
    }
}
""",
    "add": """
/* y = a + b; y can be a or b. */
static void add(const float *a, const float *b, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = a[i] + b[i];
    }
}
""",
    "multiply": """
/* y = a b, elementwise; y can be a or b. */
static void multiply(const float *a, const float *b, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = a[i] * b[i];
    }
}
""",
    "scale_shift": """
/* y = scale x + shift, with a pair for each unit of `inner` numbers; y can be x. */
static void scale_shift(const float *x, const float *scale, const float *shift,
                        float *y, int units, int inner)
{
    int u, i;
    for (u = 0; u < units; u++) {
        for (i = 0; i < inner; i++, x++, y++) {
            *y = scale[u] * *x + shift[u];
        }
    }
}
""",
    "standardize": """
/* y = (x - center) factor, elementwise; y can be x. */
static void standardize(const float *x, const float *center, const float *factor,
                        float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = (x[i] - center[i]) * factor[i];
    }
}
""",
    "clip": """
/* y = x, each limited to its low and high; y can be x. */
static void clip(const float *x, const float *low, const float *high, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = x[i] < low[i] ? low[i] : x[i] > high[i] ? high[i] : x[i];
    }
}
""",
    "smooth_clip": """
/* u / sqrt(1 + u u) limit, u = (x - center) factor; 0 for NaN. y can be x. */
static void smooth_clip(const float *x, const float *center, const float *factor,
                        float limit, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        float u = x[i] - center[i];
        if (u != u || factor[i] == 0.0f) {
            y[i] = 0.0f;
            continue;
        }
        u *= factor[i];
        u = u < -1e9f ? -1e9f : u > 1e9f ? 1e9f : u;
        y[i] = u / sqrtf(1.0f + u * u) * limit;
    }
}
""",
    "missing": """
/* y = 1 where the numbers in these columns are NaN, otherwise 0. */
static void missing(const float *x, const int *columns, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = x[columns[i]] != x[columns[i]] ? 1.0f : 0.0f;
    }
}
""",
    "dense": """
/* y = x W + b; W has a row for each x. Without b it is 0. */
static void dense(const float *x, const float *W, const float *b, float *y, int n,
                  int units)
{
    int i, j;
    for (j = 0; j < units; j++) {
        y[j] = b ? b[j] : 0.0f;
    }
    for (i = 0; i < n; i++, W += units) {
        for (j = 0; j < units; j++) {
            y[j] += x[i] * W[j];
        }
    }
}
""",
    "layer_norm": """
/* Each of `inner` pixels standardized over its units; y can be x. */
static void layer_norm(const float *x, const float *gamma, const float *beta, float *y,
                       int units, int inner, float epsilon)
{
    int u, i;
    for (i = 0; i < inner; i++) {
        float mean = 0.0f, variance = 0.0f, inverse;
        for (u = 0; u < units; u++) {
            mean += x[u * inner + i];
        }
        mean /= (float)units;
        for (u = 0; u < units; u++) {
            float d = x[u * inner + i] - mean;
            variance += d * d;
        }
        inverse = 1.0f / sqrtf(variance / (float)units + epsilon);
        for (u = 0; u < units; u++) {
            y[u * inner + i] = (x[u * inner + i] - mean) * inverse * gamma[u] + beta[u];
        }
    }
}
""",
    "conv": """
/* Kernels W (channels, depth, kh, kw), at strides sh and sw, over an image of
 * (depth, height, width) with zeros around it; rows and columns are those of y. */
static void conv(const float *x, const float *W, const float *b, float *y, int depth,
                 int height, int width, int channels, int rows, int columns, int kh,
                 int kw, int sh, int sw, int top, int left)
{
    int o, r, c, k, i, j;
    for (o = 0; o < channels; o++) {
        for (r = 0; r < rows; r++) {
            for (c = 0; c < columns; c++) {
                const float *w = W + o * depth * kh * kw;
                float sum = b[o];
                for (k = 0; k < depth; k++) {
                    for (i = 0; i < kh; i++, w += kw) {
                        int row = r * sh + i - top;
                        if (row < 0 || row >= height) {
                            continue;
                        }
                        for (j = 0; j < kw; j++) {
                            int column = c * sw + j - left;
                            if (column >= 0 && column < width) {
                                sum += w[j] * x[(k * height + row) * width + column];
                            }
                        }
                    }
                }
                *y++ = sum;
            }
        }
    }
}
""",
    "max_pool": """
/* The largest pixel of each window of kh x kw pixels. */
static void max_pool(const float *x, float *y, int channels, int height, int width,
                     int rows, int columns, int kh, int kw, int sh, int sw)
{
    int k, r, c, i, j;
    for (k = 0; k < channels; k++, x += height * width) {
        for (r = 0; r < rows; r++) {
            for (c = 0; c < columns; c++) {
                const float *window = x + r * sh * width + c * sw;
                float best = window[0];
                for (i = 0; i < kh; i++) {
                    for (j = 0; j < kw; j++) {
                        float pixel = window[i * width + j];
                        best = pixel > best ? pixel : best;
                    }
                }
                *y++ = best;
            }
        }
    }
}
""",
    "avg_pool": """
/* The mean of each window of kh x kw pixels. */
static void avg_pool(const float *x, float *y, int channels, int height, int width,
                     int rows, int columns, int kh, int kw, int sh, int sw)
{
    int k, r, c, i, j;
    for (k = 0; k < channels; k++, x += height * width) {
        for (r = 0; r < rows; r++) {
            for (c = 0; c < columns; c++) {
                const float *window = x + r * sh * width + c * sw;
                float sum = 0.0f;
                for (i = 0; i < kh; i++) {
                    for (j = 0; j < kw; j++) {
                        sum += window[i * width + j];
                    }
                }
                *y++ = sum / (float)(kh * kw);
            }
        }
    }
}
""",
    "global_avg_pool": """
/* The mean of all pixels of each channel. */
static void global_avg_pool(const float *x, float *y, int channels, int pixels)
{
    int k, i;
    for (k = 0; k < channels; k++, x += pixels) {
        float sum = 0.0f;
        for (i = 0; i < pixels; i++) {
            sum += x[i];
        }
        y[k] = sum / (float)pixels;
    }
}
""",
    "pad": """
/* An image inside a border; rows and columns are those of y. */
static void pad(const float *x, float *y, int channels, int height, int width, int rows,
                int columns, int top, int left, float value)
{
    int k, r, c;
    for (k = 0; k < channels; k++) {
        for (r = -top; r < rows - top; r++) {
            for (c = -left; c < columns - left; c++) {
                int inside = r >= 0 && r < height && c >= 0 && c < width;
                *y++ = inside ? x[(k * height + r) * width + c] : value;
            }
        }
    }
}
""",
    "to_images": """
/* From pixels with their channels side by side to one image per channel. */
static void to_images(const float *x, float *y, int channels, int pixels)
{
    int k, i;
    for (k = 0; k < channels; k++) {
        for (i = 0; i < pixels; i++) {
            *y++ = x[i * channels + k];
        }
    }
}
""",
    "gather": """
/* y = the numbers in these columns. */
static void gather(const float *x, const int *columns, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        y[i] = x[columns[i]];
    }
}
""",
    "embedding": """
/* The vectors of the codes in these columns; `first` is the row of E of code 0. */
static void embedding(const float *x, const int *columns, const int *first,
                      const int *last, const float *E, float *y, int n, int size)
{
    int i, j;
    for (i = 0; i < n; i++) {
        float value = x[columns[i]];
        /* NaN is code 0, as are negative numbers. */
        int code = !(value > 0.0f) ? 0 : value < (float)last[i] ? (int)value : last[i];
        for (j = 0; j < size; j++) {
            *y++ = E[(first[i] + code) * size + j];
        }
    }
}
""",
    "periodic": """
/* cos(2 pi x w + b) W + c for each x, with w and b of k frequencies. */
static void periodic(const float *x, const float *w, const float *b, const float *W,
                     const float *c, float *y, int n, int k, int size)
{
    int i, f, j;
    for (i = 0; i < n; i++, c += size, y += size) {
        for (j = 0; j < size; j++) {
            y[j] = c[j];
        }
        for (f = 0; f < k; f++, W += size) {
            float h = cosf(6.28318530717958648f * *w++ * x[i] + *b++);
            for (j = 0; j < size; j++) {
                y[j] += h * W[j];
            }
        }
    }
}
""",
    "piecewise_linear": """
/* x w + b, plus V of all bins before that of x, plus a part of V of this bin. */
static void piecewise_linear(const float *x, const float *left, const float *scale,
                             const float *w, const float *b, const float *V, float *y,
                             int n, int bins, int size)
{
    int i, k, j;
    for (i = 0; i < n; i++, y += size, left += bins, scale += bins, V += bins * size) {
        for (j = 0; j < size; j++) {
            y[j] = x[i] * *w++ + *b++;
        }
        for (k = 0; k + 1 < bins && x[i] >= left[k + 1]; k++) {
            for (j = 0; j < size; j++) {
                y[j] += V[k * size + j];
            }
        }
        for (j = 0; j < size; j++) {
            y[j] += (x[i] - left[k]) * scale[k] * V[k * size + j];
        }
    }
}
""",
    "softmax": """
/* Probabilities of n classes, in place. */
static void softmax(float *z, int n)
{
    int i;
    float largest = z[0], sum = 0.0f;
    for (i = 1; i < n; i++) {
        largest = z[i] > largest ? z[i] : largest;
    }
    for (i = 0; i < n; i++) {
        z[i] = expf(z[i] - largest);
        sum += z[i];
    }
    for (i = 0; i < n; i++) {
        z[i] /= sum;
    }
}
""",
    "quantiles": """
/* Increasing numbers, in place: each difference is log(1 + exp(z)). */
static void quantiles(float *z, int n)
{
    int i;
    for (i = 1; i < n; i++) {
        float step = z[i] > 0.0f ? z[i] : 0.0f;
        z[i] = z[i - 1] + step + log1pf(expf(-fabsf(z[i])));
    }
}
""",
    "mean": """
/* y = the mean over k rows of n numbers. */
static void mean(const float *x, float *y, int k, int n)
{
    int i, j;
    for (j = 0; j < n; j++) {
        float sum = 0.0f;
        for (i = 0; i < k; i++) {
            sum += x[i * n + j];
        }
        y[j] = sum / (float)k;
    }
}
""",
    "largest": """
/* The index of the largest number, of the first one if there are several. */
static int largest(const float *z, int n)
{
    int i, best = 0;
    for (i = 1; i < n; i++) {
        if (z[i] > z[best]) {
            best = i;
        }
    }
    return best;
}
""",
}
"""The text of each function by name."""


def in_dtype(text: str, real: str) -> str:
    """Return the text of functions in float, or of the same functions in double."""
    if real == "float":
        return text
    text = re.sub(r"\bfloat\b", "double", text)
    text = re.sub(r"\b(sqrt|exp|cos|log1p|expm1|fabs|tanh|erfc)f\b", r"\1", text)
    return re.sub(r"(\d(?:\.\d+)?(?:e[+-]?\d+)?)f\b", r"\1", text)


def with_prefix(text: str, name: str, prefix: str) -> str:
    """Return the text of a function under a name with a prefix, which is the model's.

    Lines that continue its parameters stay aligned.
    """
    longer = " " * (len(prefix) + 1)
    head, brace, body = text.partition("\n{")
    comment, start, parameters = head.rpartition("\nstatic ")
    parameters = parameters.replace(f"{name}(", f"{prefix}_{name}(", 1)
    parameters = parameters.replace("\n", "\n" + longer)
    return comment + start + parameters + brace + body
