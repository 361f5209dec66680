/* Cost of adding, solving and removing activities of several shapes, nanoseconds for each (activity, resource) pair
 * moved. */
#include "share/share.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_S  1e9
#define MAX_PAIRS 16384
#define PORTS     (1 << 17)
/* Pairs moved in one measurement. */
#define PAIRS_MEASURED (1 << 24)

static double clock_ns(void)
{
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * NS_PER_S + (double)now.tv_nsec;
}

/* `all` has room for the capacities, and outlives the system. */
static MoeShare *equal_ports(guint n, double capacity, double *all)
{
  for (guint r = 0; r < n; r++)
    all[r] = capacity;
  return moe_share_new(n, all);
}

typedef struct {
  double add, solve, remove; /* ns */
} Costs;

/* One of n activities in turn leaves and comes back; solved after each of the two. */
static Costs churn(MoeShare *share, guint n, guint pairs, const guint *resources, const double *loads, guint rounds)
{
  Costs costs = {0, 0, 0};

  for (guint i = 0; i < rounds; i++) {
    guint id = i % n;
    double start = clock_ns();
    moe_share_remove(share, id);
    double removed = clock_ns();
    moe_share_solve(share);
    double solved = clock_ns();
    moe_share_add(share, pairs, resources + (size_t)id * pairs, loads, INFINITY);
    double added = clock_ns();
    moe_share_solve(share);
    costs.remove += removed - start;
    costs.add += added - solved;
    costs.solve += (solved - removed + clock_ns() - added) / 2;
  }
  return (Costs){costs.add / rounds, costs.solve / rounds, costs.remove / rounds};
}

/* `shift` resources apart, activities overlap when shift < pairs; ports in scattered order when scattered. */
static void measure(const char *name, guint n, guint pairs, guint shift, guint rounds)
{
  g_autofree double *capacity = g_new(double, PORTS);
  g_autoptr(MoeShare) share = equal_ports(PORTS, 50e9, capacity);
  g_autofree guint *resources = g_new(guint, (size_t)n * pairs);
  g_autofree double *loads = g_new(double, pairs);

  for (guint i = 0; i < pairs; i++)
    loads[i] = 1 - 0.3 * moe_random_unit(1, 2, 3, i);
  for (guint a = 0; a < n; a++) {
    for (guint i = 0; i < pairs; i++)
      resources[(size_t)a * pairs + i] = (a * shift + i) % PORTS;
    moe_share_add(share, pairs, resources + (size_t)a * pairs, loads, INFINITY);
  }
  moe_share_solve(share);
  Costs c = churn(share, n, pairs, resources, loads, rounds);
  printf("%-44s %10.0f %10.0f %10.0f   %6.1f %6.1f %6.1f\n", name, c.add, c.solve, c.remove, c.add / pairs,
         c.solve / pairs, c.remove / pairs);
}

/* n transfers from random to random ports, all in one component or nearly: one leaves, one comes. */
static void random_transfers(guint n, guint ports, guint rounds)
{
  g_autofree double *capacity = g_new(double, ports);
  g_autoptr(MoeShare) share = equal_ports(ports, 50e9, capacity);
  g_autofree guint *resources = g_new(guint, 2 * (size_t)n);
  const double loads[] = {1, 1};
  g_autofree char *name = g_strdup_printf("%u random transfers over %u ports", n, ports);

  for (guint a = 0; a < n; a++) {
    guint from = (guint)(moe_random_u64(5, 0, a, 0) % ports);
    resources[2 * a] = from;
    resources[2 * a + 1] = (from + 1 + (guint)(moe_random_u64(5, 0, a, 1) % (ports - 1))) % ports;
    moe_share_add(share, 2, resources + 2 * a, loads, INFINITY);
  }
  moe_share_solve(share);
  Costs c = churn(share, n, 2, resources, loads, rounds);
  printf("%-44s %10.0f %10.0f %10.0f\n", name, c.add, c.solve, c.remove);
}

/* n equal transfers all through one full link, solved at once; the second time, when memory is there. */
static void symmetric_fill(guint n)
{
  double capacity = 0;
  g_autoptr(MoeShare) share = equal_ports(1, 50e9, &capacity);
  g_autofree char *name = g_strdup_printf("%u transfers on one link, all at once", n);
  double times[4];

  for (guint again = 0; again < 2; again++) {
    times[0] = clock_ns();
    for (guint a = 0; a < n; a++)
      moe_share_add(share, 1, (guint[]){0}, (double[]){1}, INFINITY);
    times[1] = clock_ns();
    moe_share_solve(share);
    times[2] = clock_ns();
    for (guint a = 0; a < n; a++)
      moe_share_remove(share, a);
    times[3] = clock_ns();
    moe_share_solve(share);
  }
  printf("%-44s %10s %10.0f %10s   %6.1f %6.1f %6.1f\n", name, "", times[2] - times[1], "", (times[1] - times[0]) / n,
         (times[2] - times[1]) / n, (times[3] - times[2]) / n);
}

int main(void)
{
  printf("%-44s %10s %10s %10s   %20s\n", "ns for each change", "add", "solve", "remove", "the same by pair");
  measure("4096 alone on 2 resources each", 4096, 2, 2, 1 << 20);
  measure("1024 alone on 128 resources each", 1024, 128, 128, PAIRS_MEASURED / 128);
  measure("8 alone on 16384 resources each", 8, MAX_PAIRS, MAX_PAIRS, PAIRS_MEASURED / MAX_PAIRS);
  measure("1024 on 128, sharing 1 with each neighbour", 1024, 128, 127, 64);
  measure("2 on the same 16384 resources", 2, MAX_PAIRS, 0, 64);
  measure("8 on the same 16384 resources", 8, MAX_PAIRS, 0, 16);
  random_transfers(64, 64, 1 << 14);
  random_transfers(1024, 256, 1 << 10);
  random_transfers(1024, 4096, 1 << 14);
  symmetric_fill(1 << 19);
  return 0;
}
