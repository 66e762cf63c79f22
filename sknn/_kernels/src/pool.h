/* Runs kernels: one after the other, the blocks of an operation on several threads. */
#ifndef SKNN_POOL_H
#define SKNN_POOL_H

#include "kernel.h"

typedef struct {
    Kernel run;
    const Arg *args;
} Job;

/* The number of threads that sknn_run may use when this thread calls it; 1 at first.
 * Returns the previous one. */
int sknn_set_threads(int n);

/* Operation i consists of the next counts[i] jobs, which are independent. */
void sknn_run(const Job *jobs, const int *counts, int n_operations);

#endif
