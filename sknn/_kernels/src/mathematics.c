/* Transcendental functions without branches or calls, which compilers can vectorize.
 *
 * Errors are at most about 2 units in the last place. Infinities and NaN give what the
 * functions of math.h give, unless noted.
 */

/* The bits of a real as an unsigned integer, and back. */
#if IS_FLOAT
typedef uint32_t Bits;
#define MANTISSA 23 /* bits of the mantissa */
#define BIAS 127    /* of the exponent */
#define SIGN_BIT 0x80000000u
#else
typedef uint64_t Bits;
#define MANTISSA 52
#define BIAS 1023
#define SIGN_BIT 0x8000000000000000u
#endif

static inline Bits bits_of(real x)
{
    Bits u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline real real_of(Bits u)
{
    real x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* a * b + c: one instruction where the processor has it, never a call. */
static inline real muladd(real a, real b, real c)
{
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    return IS_FLOAT ? fmaf(a, b, c) : fma(a, b, c);
#else
    return a * b + c;
#endif
}

static inline real absolute(real x)
{
    return IS_FLOAT ? fabsf(x) : fabs(x);
}

static inline real with_sign_of(real x, real sign)
{
    return IS_FLOAT ? copysignf(x, sign) : copysign(x, sign);
}

static inline real square_root(real x)
{
    return IS_FLOAT ? sqrtf(x) : sqrt(x);
}

/* The maximum and the minimum of x and a bound; NaN if x is NaN. */
static inline real at_least(real bound, real x)
{
    return bound > x ? bound : x;
}

static inline real at_most(real bound, real x)
{
    return bound < x ? bound : x;
}

/* log 2 as a sum; the product of the first part and an exponent is exact. */
#define LOG2_HIGH ((real)(IS_FLOAT ? 0.693359375 : 6.93147180369123816490e-01))
#define LOG2_LOW ((real)(IS_FLOAT ? -2.12194440054690583e-4 : 1.90821492927058770002e-10))

/* Write x = n log 2 + r, where n is an integer and |r| <= ½ log 2. Adding `round` =
 * 1.5 · 2^MANTISSA + offset rounds to an integer: the last bits of the sum, which is
 * returned, are n + offset. */
static inline real reduce(real x, real round, real *r)
{
    real t = muladd(x, (real)1.44269504088896340736, round);
    real n = t - round;
    *r = muladd(n, -LOG2_LOW, muladd(n, -LOG2_HIGH, x));
    return t;
}

#define ROUND ((real)(IS_FLOAT ? 0x1.8p23 : 0x1.8p52))

/* exp(r) - 1 for |r| <= ½ log 2: r + r² q(r), with a polynomial q of nearly the smallest
 * error. */
static inline real expm1_reduced(real r)
{
#if IS_FLOAT
    real q = 0.0013926250831497611718f;
    q = muladd(q, r, 0.0083632328836826182041f);
    q = muladd(q, r, 0.041666554212984150314f);
    q = muladd(q, r, 0.16666576666119928305f);
    q = muladd(q, r, 0.5f);
#else
    real q = 2.5100472505694996003e-8;
    q = muladd(q, r, 2.7620201591031548792e-7);
    q = muladd(q, r, 2.7557268276905696187e-6);
    q = muladd(q, r, 0.000024801521057868205199);
    q = muladd(q, r, 0.00019841269863171556026);
    q = muladd(q, r, 0.0013888888917367080562);
    q = muladd(q, r, 0.0083333333333300381973);
    q = muladd(q, r, 0.041666666666623820532);
    q = muladd(q, r, 0.1666666666666666746);
    q = muladd(q, r, 0.5);
#endif
    return muladd(r * r, q, r);
}

/* eˣ = 2ⁿ eʳ. The power of two is applied as a product of two, since one alone would
 * overflow for the largest results and underflow for the smallest. */
static inline real vexp(real x)
{
    real r;
    x = at_least(IS_FLOAT ? -105 : -746, at_most(IS_FLOAT ? 89 : 710, x));
    Bits n = bits_of(reduce(x, ROUND + 2 * BIAS, &r)); /* low bits: n + 2 BIAS */
    Bits half = n >> 1;
    real y = expm1_reduced(r) + 1;
    return y * real_of(half << MANTISSA) * real_of((n - half) << MANTISSA);
}

/* eˣ - 1 = 2ⁿ (eʳ - 1) + (2ⁿ - 1), with h = 2ⁿ⁻¹, which does not overflow. */
static inline real vexpm1(real x)
{
    real r;
    x = at_least(IS_FLOAT ? -30 : -60, at_most(IS_FLOAT ? 89 : 710, x));
    Bits n = bits_of(reduce(x, ROUND + (BIAS - 1), &r));
    real h = real_of(n << MANTISSA);
    return 2 * (muladd(h, expm1_reduced(r), h - (real)0.5));
}

/* log(x + c) for a positive normal x and a correction c of at most its rounding error:
 * x + c = 2ᵏ (1 + f), then the series of log(1 + f) in s = f / (2 + f), as in FreeBSD's
 * e_log.c. NaN if c is NaN. */
static inline real log_of_sum(real x, real c)
{
    Bits u = bits_of(x);
    Bits k = (u - bits_of((real)0.70710678118654752440) + ((Bits)BIAS << MANTISSA))
             >> MANTISSA; /* the exponent plus BIAS, which is positive */
    real m = real_of(u - (k << MANTISSA) + ((Bits)BIAS << MANTISSA));
    real two_to_minus_k = real_of((2 * BIAS - k) << MANTISSA);
    real f = muladd(c, two_to_minus_k, m - 1);
    real two_to_mantissa = IS_FLOAT ? 0x1p23 : 0x1p52;
    real exponent = real_of(bits_of(two_to_mantissa) + k) - (two_to_mantissa + BIAS);
    real s = f / (2 + f), z = s * s;
#if IS_FLOAT
    real q = 0.24279078841f;
    q = muladd(q, z, 0.28498786688f);
    q = muladd(q, z, 0.40000972152f);
    q = muladd(q, z, 0.66666662693f);
#else
    real q = 1.479819860511658591e-01;
    q = muladd(q, z, 1.531383769920937332e-01);
    q = muladd(q, z, 1.818357216161805012e-01);
    q = muladd(q, z, 2.222219843214978396e-01);
    q = muladd(q, z, 2.857142874366239149e-01);
    q = muladd(q, z, 3.999999999940941908e-01);
    q = muladd(q, z, 6.666666666666735130e-01);
#endif
    real half_square = (real)0.5 * f * f;
    real tail = muladd(s, half_square + z * q, exponent * LOG2_LOW);
    return muladd(exponent, LOG2_HIGH, f - (half_square - tail));
}

/* log x for positive normal x; NaN for infinities and NaN. */
static inline real vlog(real x)
{
    return log_of_sum(x, x - x);
}

/* log(1 + x) for 0 <= x <= 1, accurate near 0. */
static inline real vlog1p(real x)
{
    real u = 1 + x;
    return log_of_sum(u, x - (u - 1));
}

/* tanh x = -d / (2 + d) with d = exp(-2x) - 1, for x >= 0; the function is odd. */
static inline real vtanh(real x)
{
    real d = vexpm1(-2 * absolute(x));
    return with_sign_of(-d / (2 + d), x);
}

/* 1 / (1 + exp(-x)), with an exponential that cannot overflow. */
static inline real vlogistic(real x)
{
    real e = vexp(-absolute(x));
    return (x < 0 ? e : 1) / (1 + e);
}

/* log(1 + eˣ) */
static inline real vsoftplus(real x)
{
    return at_least(0, x) + vlog1p(vexp(-absolute(x)));
}

/* exp(-½ x²). The rounding error of x² is not negligible for large x: x = h + l, where h
 * has half as many bits, so that the error is h² - x² + 2hl + l². */
static inline real vexp_minus_half_square(real x)
{
    x = at_most(40, absolute(x));
    real h = real_of(bits_of(x) & ~(((Bits)1 << (MANTISSA / 2 + 1)) - 1));
    real l = x - h, square = x * x;
    real error = ((h * h - square) + 2 * h * l) + l * l;
    real y = vexp((real)-0.5 * square);
    return muladd(y * (real)-0.5, error, y);
}

/* The standard normal distribution function Φ. With t = |x| and u = 1 / (t + a),
 * Φ(-t) = exp(-½ t²) u P(u); P is a polynomial of nearly the smallest error for t up to
 * where Φ underflows, in a linear function of u that ranges from -1 to 1. */
static inline real vnormal_cdf(real x)
{
    real t = at_most(IS_FLOAT ? 15 : 39, absolute(x));
#if IS_FLOAT
    real u = 1 / (t + 3), s = muladd(u, (real)-7.2, (real)1.4);
    real p = 8.9622470873e-6f;
    p = muladd(p, s, 7.9145813497e-6f);
    p = muladd(p, s, -8.7289858136e-5f);
    p = muladd(p, s, -0.00016904040117f);
    p = muladd(p, s, 0.00066907950481f);
    p = muladd(p, s, 0.0021769406799f);
    p = muladd(p, s, -0.0075671913199f);
    p = muladd(p, s, -0.022264237126f);
    p = muladd(p, s, 0.17472024042f);
    p = muladd(p, s, -0.49143617734f);
    p = muladd(p, s, 0.82057160091f);
#else
    real u = 1 / (t + 5), s = muladd(u, -11.282051282051282051, 1.2564102564102564103);
    real p = 1.7667235766075406164e-10;
    p = muladd(p, s, 2.0791918400252945722e-10);
    p = muladd(p, s, -2.2161418227341209111e-9);
    p = muladd(p, s, -3.3490828096970349315e-9);
    p = muladd(p, s, 1.8801743108359554431e-8);
    p = muladd(p, s, 3.4627652386822961907e-8);
    p = muladd(p, s, -1.6039952336967972458e-7);
    p = muladd(p, s, -2.9496263285277428414e-7);
    p = muladd(p, s, 1.584329041708481615e-6);
    p = muladd(p, s, 1.856393518945184265e-6);
    p = muladd(p, s, -0.000017809884547232680752);
    p = muladd(p, s, 4.4711428094693563966e-6);
    p = muladd(p, s, 0.00019322757599916571549);
    p = muladd(p, s, -0.0005243514773829888571);
    p = muladd(p, s, -0.00086274862193436971543);
    p = muladd(p, s, 0.011065377991013439959);
    p = muladd(p, s, -0.045972932975340125114);
    p = muladd(p, s, 0.12867006513538962922);
    p = muladd(p, s, -0.27721847210376502838);
    p = muladd(p, s, 0.48398989574979755606);
    p = muladd(p, s, -0.70122600866436601773);
    p = muladd(p, s, 0.85168964455883640996);
#endif
    real tail = vexp_minus_half_square(t) * u * p;
    return x > 0 ? 1 - tail : tail;
}

/* Angles in turns, t = z / 2 pi: the turn that is left after whole ones, in [-1/2, 1/2].
 * NaN for infinite t; where neighboring numbers are turns apart, any number. */
static inline real fraction(real t)
{
    real r = t - ((t + ROUND) - ROUND);
    return at_least((real)-0.5, at_most((real)0.5, r));
}

/* sin 2 pi t for |t| <= 1/4, by an odd polynomial of nearly the smallest error. */
static inline real vsin_quarter(real t)
{
    real u = t * t;
#if IS_FLOAT
    real p = 39.7109180368881777914f;
    p = muladd(p, u, -76.5749921717879872892f);
    p = muladd(p, u, 81.6022312425598748839f);
    p = muladd(p, u, -41.3416774783958132319f);
    p = muladd(p, u, 6.28318527379082308758f);
#else
    real p = 0.100856330773540558543;
    p = muladd(p, u, -0.717723580155449819431);
    p = muladd(p, u, 3.81992705047893384674);
    p = muladd(p, u, -15.0946416205099614495);
    p = muladd(p, u, 42.0586939237852358523);
    p = muladd(p, u, -76.7058597527984974579);
    p = muladd(p, u, 81.605249276073406093);
    p = muladd(p, u, -41.3417022403997562295);
    p = muladd(p, u, 6.28318530717958647531);
#endif
    return t * p;
}

/* cos and sin of 2 pi t for |t| <= 1/2, by the distance from a zero, which is exact. */
static inline real vcos_turns(real t)
{
    return vsin_quarter((real)0.25 - absolute(t));
}

static inline real vsin_turns(real t)
{
    real a = absolute(t);
    return vsin_quarter(with_sign_of(at_most((real)0.5 - a, a), t));
}
