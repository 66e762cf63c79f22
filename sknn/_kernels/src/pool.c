/* A pool of threads that runs the blocks of one operation.
 *
 * The calling thread takes part: it and the workers claim blocks until none is left, so
 * that a worker which gets no processor holds nothing up unless it has claimed a block.
 * One caller at a time has the workers; a second one runs its blocks alone.
 *
 * The operations of a training step follow each other within microseconds. Workers
 * therefore wait in a loop for a moment before they go to sleep, and so does the caller
 * before it sleeps until the last block is finished.
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime, pthread_sigmask */

#include "pool.h"

#include <stdatomic.h>
#include <stdbool.h>

#define MAX_THREADS 64
#define MAX_BLOCKS 0xffff /* of an operation: see Pool.open */
#define LONG_WAIT_NS 300000
#define ALONE_PER_WAIT 30
#define SPIN_NS 100000 /* a few times what it costs to sleep and wake up */

#ifdef _WIN32
#include <windows.h>

typedef SRWLOCK Lock;
typedef CONDITION_VARIABLE Signal;
#define LOCK_INIT SRWLOCK_INIT
#define SIGNAL_INIT CONDITION_VARIABLE_INIT
#define lock(l) AcquireSRWLockExclusive(l)
#define unlock(l) ReleaseSRWLockExclusive(l)
#define wait_for(s, l) SleepConditionVariableSRW(s, l, INFINITE, 0)
#define wake_all(s) WakeAllConditionVariable(s)
#define relax() YieldProcessor()
#define yield() SwitchToThread()

static int64_t now_ns(void)
{
    LARGE_INTEGER count, frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return (int64_t)(1e9 * (double)count.QuadPart / (double)frequency.QuadPart);
}
#else
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

typedef pthread_mutex_t Lock;
typedef pthread_cond_t Signal;
#define LOCK_INIT PTHREAD_MUTEX_INITIALIZER
#define SIGNAL_INIT PTHREAD_COND_INITIALIZER
#define lock(l) pthread_mutex_lock(l)
#define unlock(l) pthread_mutex_unlock(l)
#define wait_for(s, l) pthread_cond_wait(s, l)
#define wake_all(s) pthread_cond_broadcast(s)
#define yield() sched_yield()
#if defined(__x86_64__) || defined(__i386__)
#define relax() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define relax() __asm__ volatile("yield")
#else
#define relax() ((void)0)
#endif

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
#endif

/* Numbers below the smallest normal one count as 0: computing with them takes up to a
 * hundred times as long, and the averages of a solver get there where gradients are 0.
 * Returns the state before, to be restored. */
#if defined(__SSE__) || defined(_M_X64)
#include <xmmintrin.h>

static uint64_t flush_denormals(void)
{
    unsigned state = _mm_getcsr();
    _mm_setcsr(state | 0x8040); /* results, and arguments */
    return state;
}

static void restore_denormals(uint64_t state) { _mm_setcsr((unsigned)state); }
#elif defined(__aarch64__) && defined(__GNUC__)
static void restore_denormals(uint64_t state)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(state));
}

static uint64_t flush_denormals(void)
{
    uint64_t state;
    __asm__ volatile("mrs %0, fpcr" : "=r"(state));
    restore_denormals(state | 1 << 24);
    return state;
}
#else
static uint64_t flush_denormals(void) { return 0; }

static void restore_denormals(uint64_t state) { (void)state; }
#endif

typedef struct {
    /* The number of the operation << 32 | first << 16 | end of the blocks that nobody has
     * claimed. All in one word, so that nobody claims a block of another operation than it
     * looked at. */
    _Atomic uint64_t open;
    _Atomic(const Job *) jobs;
    atomic_int pending;  /* blocks that are not finished */
    atomic_int threads;  /* workers 1 ... threads - 1 may take part */
    atomic_int sleepers; /* sleeping workers */
    atomic_bool caller_sleeps;
    atomic_bool taken; /* by a caller */
    int64_t alone_until; /* when the caller asks for workers again; it has the pool */
    int n_workers;
    Lock mutex;
    Signal opened, finished;
} Pool;

static Pool pool = {.mutex = LOCK_INIT, .opened = SIGNAL_INIT, .finished = SIGNAL_INIT};
static _Thread_local int n_threads = 1;

static int first_of(uint64_t open) { return (int)(open >> 16 & 0xffff); }
static int end_of(uint64_t open) { return (int)(open & 0xffff); }

/* Runs blocks until none is left to claim; returns how many it ran. Workers claim the
 * first one and the caller the last one, so that a thread has the same part of the arrays
 * in its cache from one operation to the next. */
static int run_blocks(bool is_caller)
{
    int n = 0;
    uint64_t open = atomic_load(&pool.open);
    while (first_of(open) < end_of(open)) {
        /* Belongs to `open` if nothing has changed when the block is claimed. */
        const Job *jobs = atomic_load(&pool.jobs);
        uint64_t rest = is_caller ? open - 1 : open + (1 << 16);
        if (atomic_compare_exchange_weak(&pool.open, &open, rest)) {
            const Job *job = &jobs[is_caller ? end_of(open) - 1 : first_of(open)];
            job->run(job->args);
            n++;
            open = atomic_load(&pool.open);
        }
    }
    return n;
}

static bool is_open(int worker)
{
    uint64_t open = atomic_load(&pool.open);
    return first_of(open) < end_of(open) && worker < atomic_load(&pool.threads);
}

static bool is_finished(int unused)
{
    (void)unused;
    return !atomic_load(&pool.pending);
}

/* On a busy machine, what we wait for may need the processor that we are on: yield it. */
static bool spin_until(bool (*condition)(int), int argument)
{
    int64_t end = 0;
    for (int i = 1; !condition(argument); i++) {
        relax();
        if (i % 16)
            continue;
        int64_t now = now_ns();
        if (!end)
            end = now + SPIN_NS;
        else if (now > end)
            return false;
        yield();
    }
    return true;
}

static void work(int worker)
{
    flush_denormals();
    for (;;) {
        if (!spin_until(is_open, worker)) {
            lock(&pool.mutex);
            atomic_fetch_add(&pool.sleepers, 1);
            while (!is_open(worker))
                wait_for(&pool.opened, &pool.mutex);
            atomic_fetch_sub(&pool.sleepers, 1);
            unlock(&pool.mutex);
        }
        int n = run_blocks(false);
        if (n && atomic_fetch_sub(&pool.pending, n) == n &&
            atomic_load(&pool.caller_sleeps)) {
            lock(&pool.mutex);
            unlock(&pool.mutex);
            wake_all(&pool.finished);
        }
    }
}

/* A worker that keeps us waiting for longer than our own blocks took shares its processor
 * with another program: do without it for some time, so that waiting costs a few percent.
 */
static void judge_wait(int64_t start, int64_t waiting)
{
    int64_t now = now_ns(), waited = now - waiting;
    if (waited > LONG_WAIT_NS && waited > waiting - start)
        pool.alone_until = now + ALONE_PER_WAIT * waited;
}

static void run_blocks_with_workers(const Job *jobs, int n)
{
    int64_t start = now_ns();
    for (; n > MAX_BLOCKS; n -= MAX_BLOCKS)
        run_blocks_with_workers(jobs + n - MAX_BLOCKS, MAX_BLOCKS);
    atomic_store(&pool.jobs, jobs);
    atomic_store(&pool.pending, n);
    uint64_t number = (atomic_load(&pool.open) >> 32) + 1;
    atomic_store(&pool.open, number << 32 | (uint32_t)n);
    if (atomic_load(&pool.sleepers)) {
        /* A worker that found nothing under the lock is waiting for the signal now. */
        lock(&pool.mutex);
        unlock(&pool.mutex);
        wake_all(&pool.opened);
    }
    int own = run_blocks(true);
    if (atomic_fetch_sub(&pool.pending, own) == own)
        return;
    int64_t waiting = now_ns();
    if (!spin_until(is_finished, 0)) {
        lock(&pool.mutex);
        atomic_store(&pool.caller_sleeps, true);
        while (!is_finished(0))
            wait_for(&pool.finished, &pool.mutex);
        atomic_store(&pool.caller_sleeps, false);
        unlock(&pool.mutex);
    }
    judge_wait(start, waiting);
}

#ifdef _WIN32
static DWORD WINAPI start(void *worker)
{
    work((int)(intptr_t)worker);
    return 0;
}

static bool add_worker(intptr_t worker)
{
    HANDLE thread = CreateThread(NULL, 0, start, (void *)worker, 0, NULL);
    return thread && CloseHandle(thread);
}
#else
static void *start(void *worker)
{
    work((int)(intptr_t)worker);
    return NULL;
}

/* A forked process has none of the workers, nor the thread that may have called them. */
static void reset_after_fork(void)
{
    static const Lock new_lock = LOCK_INIT;
    static const Signal new_signal = SIGNAL_INIT;
    atomic_store(&pool.open, 0);
    atomic_store(&pool.sleepers, 0);
    atomic_store(&pool.caller_sleeps, false);
    pool.n_workers = 0;
    pool.mutex = new_lock;
    pool.opened = pool.finished = new_signal;
    atomic_store(&pool.taken, false);
}

static bool add_worker(intptr_t worker)
{
    static bool registered = false;
    if (!registered)
        registered = !pthread_atfork(NULL, NULL, reset_after_fork);
    /* Signals are for the threads that Python knows. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    bool created = registered && !pthread_create(&thread, NULL, start, (void *)worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return created && !pthread_detach(thread);
}
#endif

/* Whether this thread has the workers now. */
static bool take_pool(void)
{
    if (n_threads == 1 || atomic_exchange(&pool.taken, true))
        return false;
    while (pool.n_workers < n_threads - 1 && add_worker(pool.n_workers + 1))
        pool.n_workers++;
    atomic_store(&pool.threads, n_threads);
    return true;
}

int sknn_set_threads(int n)
{
    int previous = n_threads;
    n_threads = n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
    return previous;
}

void sknn_run(const Job *jobs, const int *counts, int n_operations)
{
    bool with_workers = take_pool();
    uint64_t state = flush_denormals();
    for (int i = 0; i < n_operations; jobs += counts[i++]) {
        if (with_workers && counts[i] > 1 && now_ns() > pool.alone_until)
            run_blocks_with_workers(jobs, counts[i]);
        else
            for (int j = 0; j < counts[i]; j++)
                jobs[j].run(jobs[j].args);
    }
    restore_denormals(state);
    if (with_workers)
        atomic_store(&pool.taken, false);
}
