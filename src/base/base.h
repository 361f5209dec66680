/*
 * base: units, time, errors with source marks, named random streams, curves.
 *
 * Floor 0. Uses GLib only. Knows nothing of simulation, GPUs or files.
 *
 * Conventions of the whole project
 *   - simulated time is MoeTime: signed 64-bit integer picoseconds (range 106 days);
 *   - quantities inside the program are SI base units in a double or integer: bytes, bytes/s, FLOP, FLOP/s, seconds,
 *     hertz, watts. The unit is in the name (`_s`, `_bytes`, `_ps`, `_bytes_per_s`);
 *   - text with units exists only at the door (moe_quantity_parse) and on the way out (moe_quantity_format).
 */
#ifndef MOESIM_BASE_H
#define MOESIM_BASE_H

#include <moesim/units.h>

G_BEGIN_DECLS

/* Bytes that processors bring into their caches at a time, on x86-64 and most of ARM. What is laid out by it is right
 * with any other, too. */
#define MOE_CACHE_LINE 64

/* ---- time ------------------------------------------------------------------------------------------------------- */

/* Simulated time or duration, picoseconds. */
typedef int64_t MoeTime;

#define MOE_TIME_MAX INT64_MAX
#define MOE_PS_PER_S 1e12

/* Seconds to picoseconds, rounded up to a whole picosecond (a value within 4 units in the last place of a whole one
 * counts as that one: 2e-6 s is 2,000,000 ps); negative and NaN give 0, overflow gives MOE_TIME_MAX. */
MoeTime moe_time_from_seconds(double seconds);
/* Picoseconds to seconds. */
double moe_time_to_seconds(MoeTime time);
/* a + b, saturating at MOE_TIME_MAX; a and b must be >= 0. */
MoeTime moe_time_add(MoeTime a, MoeTime b);

/* ---- libraries that are loaded when they are needed -------------------------------------------------------------- */

/* Stores the address of what an open library calls `name` in the pointer at `to`, FALSE when it has no such thing.
 * POSIX gives data pointers for functions: ISO C knows no cast between them. */
gboolean moe_library_find(void *library, const char *name, void *to);

/* ---- words and messages ------------------------------------------------------------------------------------------ */

/* Takes a text and gives it as one line: line ends as \n, other control characters as \xNN, since a message quotes what
 * it is about and terminals obey it. Caller frees. */
char *moe_one_line(char *text);
/* Sets *error to "file:line:column: message" (parts that are unknown are left out), one line whatever it quotes. Always
 * returns FALSE, so that a caller may `return moe_fail(...)`. */
gboolean moe_fail(GError **error, MoeErrorCode code, MoeMark mark, const char *format, ...) G_GNUC_PRINTF(4, 5);
/* Sets *error (MOE_ERROR_INPUT) to "subject: message", where the subject is what the input calls it: an argument
 * ("--name") or a key ("section.name"). The error carries it, for whoever has the text and finds its place. */
gboolean moe_fail_about(GError **error, const char *subject, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* An error of the domain MOE_ERROR carries what it is about and where that stands; those of other domains carry
 * nothing. All strings are the error's own. */
void moe_error_set_subject(GError *error, const char *subject);
const char *moe_error_subject(const GError *error); /* NULL: none */
MoeMark moe_error_mark(const GError *error);        /* file NULL: no place is known */
const char *moe_error_what(const GError *error);    /* the message behind its place */
/* The message, without a place inside an option, "--set:1:20: ": for options whose text the program made. */
const char *moe_error_without_option(const GError *error);
/* Puts the place in front of the message, in place of one that it has. */
void moe_error_place(GError *error, MoeMark mark);

/* The entry of `known` (NULL-terminated) nearest to `word` by edit distance, or NULL when none is near enough to be
 * meant. */
const char *moe_nearest_word(const char *word, const char *const *known);

/* ---- random streams --------------------------------------------------------------------------------------------- */

/* Counter-based random numbers: a hash of (seed, stream, entity, index), hence independent of order, threads and
 * folding. `stream` comes from moe_random_stream("name"). For fixed (seed, stream, entity) the sequence over `index` is
 * that of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014), which passes BigCrush. The hash is inline: inside a loop over
 * `index` the compiler computes the key once and a draw costs about a nanosecond. */

/* 2^64 / golden ratio, odd: the step of SplitMix64. */
#define MOE_RANDOM_STEP UINT64_C(0x9e3779b97f4a7c15)

/* Bijective 64-bit mixer: Stafford's variant 13, the finalizer of SplitMix64. */
static inline uint64_t moe_random_mix(uint64_t z)
{
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* Key of one entity's sequence: what moe_random_u64 computes before it looks at `index`. */
static inline uint64_t moe_random_key(uint64_t seed, uint64_t stream, uint64_t entity)
{
  uint64_t key = moe_random_mix(seed + MOE_RANDOM_STEP);

  key = moe_random_mix((key ^ stream) + MOE_RANDOM_STEP);
  return moe_random_mix((key ^ entity) + MOE_RANDOM_STEP);
}

static inline uint64_t moe_random_u64(uint64_t seed, uint64_t stream, uint64_t entity, uint64_t index)
{
  return moe_random_mix(moe_random_key(seed, stream, entity) + (index + 1) * MOE_RANDOM_STEP);
}

/* The top 53 bits of a hash as a double in [0, 1). */
static inline double moe_random_to_unit(uint64_t bits)
{
  return (double)(bits >> 11) * 0x1p-53;
}

/* Uniform in [0, 1). */
static inline double moe_random_unit(uint64_t seed, uint64_t stream, uint64_t entity, uint64_t index)
{
  return moe_random_to_unit(moe_random_u64(seed, stream, entity, index));
}

/* Number of the stream called `name` (FNV-1a over its bytes, mixed). */
uint64_t moe_random_stream(const char *name);
/* Standard normal (Box-Muller on two hashes). */
double moe_random_normal(uint64_t seed, uint64_t stream, uint64_t entity, uint64_t index);
/* Gamma with shape > 0 and scale 1 (Marsaglia-Tsang on successive indices from index * 64). */
double moe_random_gamma(double shape, uint64_t seed, uint64_t stream, uint64_t entity, uint64_t index);

/* What a standard normal stays below with probability p, 0 < p < 1. */
double moe_normal_quantile(double p);
/* Expected largest of n independent standard normals, in standard deviations: 0 for n = 1, 1.42 for 8, 3.8 for 8,192.
 * Blom's approximation, the normal quantile of (n - 0.375) / (n + 0.25) (Blom 1958, Statistical Estimates and
 * Transformed Beta-Variables), within 0.03 for n = 2 and 0.011 from 8 on. */
double moe_normal_expected_maximum(double n);

/* ---- quantiles -------------------------------------------------------------------------------------------------- */

/* Ascending. */
void moe_sort(double *values, guint n);
/* Value at `share` (0..1) of n sorted values, linear between neighbours (Hyndman & Fan 1996, type 7); NaN when there
 * is none. */
double moe_sorted_quantile(const double *sorted, guint n, double share);
/* The same of any values, which it sorts. */
double moe_quantile(double *values, guint n, double share);
MoeQuantiles moe_quantiles(double *values, guint n);

/* ---- curves ----------------------------------------------------------------------------------------------------- */

#define MOE_CURVE_MAX 32

/* Piecewise-linear curve as a value: x strictly increasing; constant outside [x0, xn-1]; linear in log2(x) if log_x. */
typedef struct {
  guint n; /* 1..MOE_CURVE_MAX; 0 means "no curve" */
  gboolean log_x;
  double x[MOE_CURVE_MAX];
  double y[MOE_CURVE_MAX];
} MoeCurve;

/* Value at x; a curve with n == 0 gives NaN. */
double moe_curve_at(const MoeCurve *curve, double x);
/* NULL when sound, else what is wrong ("x not increasing"). */
const char *moe_curve_check(const MoeCurve *curve);

/* ---- small integer helpers -------------------------------------------------------------------------------------- */

static inline int64_t moe_ceil_div(int64_t a, int64_t b)
{
  return (a + b - 1) / b;
}
static inline int64_t moe_round_up(int64_t a, int64_t multiple)
{
  return moe_ceil_div(a, multiple) * multiple;
}

G_END_DECLS

#endif
