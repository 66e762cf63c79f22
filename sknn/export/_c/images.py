"""Layers of images in C. Images are (channels, height, width)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...layers._windows import pad_widths, padding_by_axis, pair
from .._plan import Step
from .program import Memory, Program, size_of
from .rows import arrays_of, units_and_inner

FUNCTIONS = {
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
}
"""The functions in C."""


def conv(program: Program, step: Step, x: Memory) -> Memory:
    """Append a convolution."""
    layer: Any = step.layer
    W, b = arrays_of(program, step, "conv", "W", "b")
    k, s = pair(layer.kernel_size), pair(layer.stride)
    padding = padding_by_axis(layer.padding)
    before = [
        pad_widths(step.in_shape[1 + a], k[a], s[a], padding[a])[0] for a in (0, 1)
    ]
    y = program.memory(size_of(step.out_shape))
    shapes = *step.in_shape, *step.out_shape
    program.do("conv", x, W, b, y, *shapes, *k, *s, *before)
    return y


def pool(function: str) -> Callable[[Program, Step, Memory], Memory]:
    """Return what appends the call of a pooling function."""

    def add(program: Program, step: Step, x: Memory) -> Memory:
        layer: Any = step.layer
        y = program.memory(size_of(step.out_shape))
        shapes = *step.in_shape, *step.out_shape[1:]
        program.do(function, x, y, *shapes, *layer.window)
        return y

    return add


def global_avg_pool(program: Program, step: Step, x: Memory) -> Memory:
    """Append a mean of pixels."""
    y = program.memory(step.out_shape[0])
    program.do("global_avg_pool", x, y, *units_and_inner(step))
    return y


def pad(program: Program, step: Step, x: Memory) -> Memory:
    """Append a border."""
    layer: Any = step.layer
    (top, _), (left, _) = layer.sides
    y = program.memory(size_of(step.out_shape))
    shapes = *step.in_shape, *step.out_shape[1:]
    program.do("pad", x, y, *shapes, top, left, float(layer.value))
    return y


def to_images(program: Program, step: Step, x: Memory) -> Memory:
    """Append the change of the order of pixels, unless there is one channel."""
    channels, height, width = step.out_shape
    if channels == 1:
        return x
    y = program.memory(x.size)
    program.do("to_images", x, y, channels, height * width)
    return y
