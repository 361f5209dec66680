#include "base/base.h"

#include <math.h>

/* FNV-1a, 64 bits (Fowler, Noll & Vo; draft-eastlake-fnv). */
#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)

/* Indices a gamma draw may use; the last one is kept for the boost of shapes below 1, the others serve attempts in
 * pairs. */
#define GAMMA_INDICES  64
#define GAMMA_ATTEMPTS ((GAMMA_INDICES - 2) / 2)

uint64_t moe_random_stream(const char *name)
{
  uint64_t hash = FNV_OFFSET;

  for (; *name; name++)
    hash = (hash ^ (uint8_t)*name) * FNV_PRIME;
  return moe_random_mix(hash);
}

double moe_random_normal(uint64_t seed, uint64_t stream, uint64_t entity, uint64_t index)
{
  uint64_t first = moe_random_u64(seed, stream, entity, index);
  uint64_t second = moe_random_mix(~first + MOE_RANDOM_STEP);
  double radius = sqrt(-2 * log(1 - moe_random_to_unit(first)));

  return radius * cos(2 * G_PI * moe_random_to_unit(second));
}

/* Marsaglia & Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000), for shape >= 1. An attempt
 * is accepted with probability above 0.95, so that all 31 fail once in 10^40 draws; the mode then stands in. */
static double gamma_from_one(double shape, uint64_t seed, uint64_t stream, uint64_t entity, uint64_t base)
{
  double d = shape - 1.0 / 3;
  double c = 1 / sqrt(9 * d);

  for (uint64_t k = 0; k < GAMMA_ATTEMPTS; k++) {
    double x = moe_random_normal(seed, stream, entity, base + 2 * k);
    double t = 1 + c * x;
    if (t <= 0)
      continue;
    double v = t * t * t;
    double u = 1 - moe_random_unit(seed, stream, entity, base + 2 * k + 1);
    if (log(u) < 0.5 * x * x + d - d * v + d * log(v))
      return d * v;
  }
  return d;
}

double moe_random_gamma(double shape, uint64_t seed, uint64_t stream, uint64_t entity, uint64_t index)
{
  uint64_t base = index * GAMMA_INDICES;

  g_assert(shape > 0);
  if (shape >= 1)
    return gamma_from_one(shape, seed, stream, entity, base);
  /* Same paper, section 6: gamma(a) = gamma(a + 1) U^(1/a). */
  double u = 1 - moe_random_unit(seed, stream, entity, base + GAMMA_INDICES - 1);
  return gamma_from_one(shape + 1, seed, stream, entity, base) * pow(u, 1 / shape);
}

/* Quantile by bisection of the complementary error function: exact to the last bits and called once per prediction. */
double moe_normal_quantile(double p)
{
  double low = -10, high = 10;

  for (int i = 0; i < 64; i++) {
    double middle = (low + high) / 2;

    if (0.5 * erfc(-middle / G_SQRT2) < p)
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

double moe_normal_expected_maximum(double n)
{
  return n <= 1 ? 0 : moe_normal_quantile((n - 0.375) / (n + 0.25));
}
