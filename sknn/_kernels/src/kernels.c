/* All kernels for one dtype and one SIMD level, and their table. */
#include "kernel.h"

#include "mathematics.c"

#include "dense.c"
#include "activations.c"
#include "losses.c"
#include "solvers.c"

#include "convolution.c"
#include "pooling.c"
#include "batches.c"
#include "masks.c"
#include "normalization.c"
#include "sparse.c"
#include "embeddings.c"
#include "augmentation.c"

const Entry NAME(sknn_table)[] = {
#define K(name, signature) {#name, signature, NAME(name)},
#include "kernels.def"
#undef K
    {0, 0, 0},
};
