/* The choice among the SIMD levels. The build defines SKNN_AVX2 and SKNN_AVX512 if
 * it compiled kernels.c for these levels, too; the second never without the first. */
#include "dispatch.h"

#define DECLARE(level) \
    extern const Entry sknn_table_float64_##level[], sknn_table_float32_##level[];
#define LEVEL(level) \
    {#level, {sknn_table_float64_##level, sknn_table_float32_##level}},

DECLARE(baseline)
#ifdef SKNN_AVX2
DECLARE(avx2)
#endif
#ifdef SKNN_AVX512
DECLARE(avx512)
#endif

const Level sknn_levels[] = {
    LEVEL(baseline)
#ifdef SKNN_AVX2
    LEVEL(avx2)
#endif
#ifdef SKNN_AVX512
    LEVEL(avx512)
#endif
};
const int sknn_n_levels = sizeof sknn_levels / sizeof sknn_levels[0];
const unsigned sknn_fingerprint = SKNN_FINGERPRINT;

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#if defined(__clang__)
const char sknn_compiler[] = "clang " __clang_version__;
#elif defined(__GNUC__)
const char sknn_compiler[] = "gcc " __VERSION__;
#elif defined(_MSC_VER)
const char sknn_compiler[] = "msvc " TEXT(_MSC_VER);
#else
const char sknn_compiler[] = "unknown";
#endif

#if !defined(SKNN_AVX2)
int sknn_highest_level(void)
{
    return 0;
}
#elif defined(_MSC_VER)
#include <immintrin.h>
#include <intrin.h>

/* Bits of cpuid and xgetbv as Intel's manual numbers them. */
int sknn_highest_level(void)
{
    int max[4], leaf1[4], leaf7[4];
    __cpuid(max, 0);
    if (max[0] < 7)
        return 0;
    __cpuid(leaf1, 1);
    __cpuidex(leaf7, 7, 0);
    const int fma_osxsave_avx = 1 << 12 | 1 << 27 | 1 << 28;
    if ((leaf1[2] & fma_osxsave_avx) != fma_osxsave_avx || !(leaf7[1] & 1 << 5))
        return 0;
    unsigned long long saved = _xgetbv(0); /* registers that the system saves */
    if ((saved & 0x6) != 0x6)
        return 0;
    const unsigned f_dq_bw_vl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    int avx512 = ((unsigned)leaf7[1] & f_dq_bw_vl) == f_dq_bw_vl;
    return avx512 && (saved & 0xe6) == 0xe6 ? 2 : 1;
}
#else
int sknn_highest_level(void)
{
    /* __builtin_cpu_supports also asks whether the system saves the registers. */
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return 0;
#ifdef SKNN_AVX512
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
        return 2;
#endif
    return 1;
}
#endif
