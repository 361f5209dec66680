/* Random systems: against a slow solver that is right at sight, and properties every solution has. */
#include "share/share.h"
#include <moetest.h>

#include <math.h>

#define MAX_RESOURCES  24
#define MAX_ACTIVITIES 40
#define SYSTEMS        400
/* Relative agreement asked of two solvers: the sums have at most 40 terms of like size. */
#define AGREEMENT 1e-10

typedef struct {
  guint n;
  guint resources[MAX_RESOURCES];
  double loads[MAX_RESOURCES];
  double cap;
} TestActivity;

typedef struct {
  guint n_resources;
  guint n_activities;
  double capacity[MAX_RESOURCES];
  TestActivity activities[MAX_ACTIVITIES];
} TestSystem;

typedef struct {
  uint64_t seed;
  uint64_t index;
} Source;

static guint below(Source *source, guint n)
{
  return (guint)(moe_random_u64(source->seed, 0, 0, source->index++) % n);
}
static double unit(Source *source)
{
  return moe_random_unit(source->seed, 1, 0, source->index++);
}

/* Loads and capacities on a grid of few values make ties; off the grid none are exact. */
static double some_size(Source *source, gboolean grid)
{
  return grid ? (double)(1 + below(source, 4)) / 4 : 0.05 + unit(source);
}

static void draw_activity(Source *source, const TestSystem *system, TestActivity *activity, gboolean grid)
{
  gboolean taken[MAX_RESOURCES] = {FALSE};
  guint wanted = 1 + below(source, MIN(system->n_resources, below(source, 4) ? 4 : MAX_RESOURCES));

  activity->n = 0;
  for (guint i = 0; i < wanted; i++) {
    guint resource = below(source, system->n_resources);
    if (taken[resource])
      continue;
    taken[resource] = TRUE;
    activity->resources[activity->n] = resource;
    activity->loads[activity->n++] = some_size(source, grid);
  }
  activity->cap = below(source, 3) ? INFINITY : some_size(source, grid);
}

static void draw_system(uint64_t seed, TestSystem *system)
{
  Source source = {seed, 0};
  gboolean grid = below(&source, 2);

  system->n_resources = 1 + below(&source, MAX_RESOURCES);
  system->n_activities = 1 + below(&source, MAX_ACTIVITIES);
  for (guint r = 0; r < system->n_resources; r++)
    system->capacity[r] = some_size(&source, grid) * (below(&source, 2) ? 10 : 1);
  for (guint a = 0; a < system->n_activities; a++)
    draw_activity(&source, system, &system->activities[a], grid);
}

/* ---- the slow solver: raise everybody until somebody is stopped, in long doubles and whole sums ------------------ */

static double load_on(const TestActivity *activity, guint resource)
{
  for (guint i = 0; i < activity->n; i++)
    if (activity->resources[i] == resource)
      return activity->loads[i];
  return 0;
}

static long double level_of(const TestSystem *system, const gboolean *done, const long double *rate, guint resource)
{
  long double left = system->capacity[resource];
  long double weight = 0;

  for (guint a = 0; a < system->n_activities; a++) {
    double load = load_on(&system->activities[a], resource);
    if (done[a])
      left -= load * rate[a];
    else
      weight += load;
  }
  return weight > 0 ? left / weight : (long double)INFINITY;
}

static gboolean stopped(const TestSystem *system, const long double *levels, guint a, long double level)
{
  const TestActivity *activity = &system->activities[a];
  gboolean stop = activity->cap <= level * (1 + 1e-14L);

  for (guint i = 0; i < activity->n; i++)
    stop = stop || levels[activity->resources[i]] <= level * (1 + 1e-14L);
  return stop;
}

static void slow_solve(const TestSystem *system, long double *rate)
{
  gboolean done[MAX_ACTIVITIES] = {FALSE};
  long double levels[MAX_RESOURCES];

  for (guint left = system->n_activities; left > 0;) {
    long double level = INFINITY;
    for (guint r = 0; r < system->n_resources; r++) {
      levels[r] = level_of(system, done, rate, r);
      level = MIN(level, levels[r]);
    }
    for (guint a = 0; a < system->n_activities; a++)
      if (!done[a])
        level = MIN(level, (long double)system->activities[a].cap);
    for (guint a = 0; a < system->n_activities; a++)
      if (!done[a] && stopped(system, levels, a, level)) {
        rate[a] = level;
        done[a] = TRUE;
        left--;
      }
  }
}

/* ---- tests ------------------------------------------------------------------------------------------------------ */

static guint add(MoeShare *share, const TestActivity *activity)
{
  return moe_share_add(share, activity->n, activity->resources, activity->loads, activity->cap);
}

static MoeShare *build(const TestSystem *system)
{
  MoeShare *share = moe_share_new(system->n_resources, system->capacity);

  for (guint a = 0; a < system->n_activities; a++)
    add(share, &system->activities[a]);
  return share;
}

START_TEST(agrees_with_the_slow_solver)
{
  for (uint64_t seed = 0; seed < SYSTEMS; seed++) {
    TestSystem system;
    long double rate[MAX_ACTIVITIES] = {0};
    draw_system(seed, &system);
    g_autoptr(MoeShare) share = build(&system);
    moe_share_solve(share);
    slow_solve(&system, rate);
    for (guint a = 0; a < system.n_activities; a++)
      ck_assert_msg(fabsl((long double)moe_share_rate(share, a) - rate[a]) <= AGREEMENT * rate[a],
                    "system %u, activity %u: %.17g, slowly %.17Lg", (guint)seed, a, moe_share_rate(share, a), rate[a]);
  }
}
END_TEST

/* No resource carries more than it can, and nobody exceeds its cap. */
static void check_feasible(const TestSystem *system, const MoeShare *share)
{
  for (guint r = 0; r < system->n_resources; r++) {
    double used = 0;
    for (guint a = 0; a < system->n_activities; a++)
      if (system->activities[a].n > 0)
        used += load_on(&system->activities[a], r) * moe_share_rate(share, a);
    ck_assert_double_le(used, system->capacity[r] * (1 + AGREEMENT));
    ck_assert_double_le(fabs(moe_share_used(share, r) - used), used * AGREEMENT);
  }
  for (guint a = 0; a < system->n_activities; a++)
    if (system->activities[a].n > 0)
      ck_assert_double_le(moe_share_rate(share, a), system->activities[a].cap);
}

/* A rate vector is max-min fair if and only if each activity runs at its cap or has a full resource on which nobody is
 * faster (Bertsekas & Gallager, 6.5.2). The named bottleneck must be such a resource. */
static void check_bottlenecks(const TestSystem *system, const MoeShare *share)
{
  for (guint a = 0; a < system->n_activities; a++) {
    if (system->activities[a].n == 0)
      continue;
    guint r = moe_share_bottleneck(share, a);
    double rate = moe_share_rate(share, a);
    if (r == G_MAXUINT) {
      ck_assert_double_ge(rate, system->activities[a].cap * (1 - AGREEMENT));
      continue;
    }
    ck_assert_double_gt(load_on(&system->activities[a], r), 0);
    ck_assert_double_ge(moe_share_used(share, r), system->capacity[r] * (1 - AGREEMENT));
    for (guint b = 0; b < system->n_activities; b++)
      if (load_on(&system->activities[b], r) > 0)
        ck_assert_double_le(moe_share_rate(share, b), rate * (1 + AGREEMENT));
  }
}

START_TEST(feasible_and_fair)
{
  for (uint64_t seed = 0; seed < SYSTEMS; seed++) {
    TestSystem system;
    draw_system(1000 + seed, &system);
    g_autoptr(MoeShare) share = build(&system);
    moe_share_solve(share);
    check_feasible(&system, share);
    check_bottlenecks(&system, share);
  }
}
END_TEST

static void shuffle(Source *source, guint *order, guint n)
{
  for (guint i = 0; i < n; i++)
    order[i] = i;
  for (guint i = n; i > 1; i--) {
    guint j = below(source, i);
    guint swapped = order[i - 1];
    order[i - 1] = order[j];
    order[j] = swapped;
  }
}

/* Solutions may differ by what a solver leaves as it is: a relative 1e-12 for each activity between a cause and its
 * effect. */
static void check_same_rate(double rate, double expected)
{
  ck_assert_double_le(fabs(rate - expected), AGREEMENT * expected);
}

START_TEST(order_of_insertion_does_not_matter)
{
  for (uint64_t seed = 0; seed < SYSTEMS; seed++) {
    TestSystem system;
    Source source = {seed, 1 << 20};
    guint order[MAX_ACTIVITIES];
    draw_system(2000 + seed, &system);
    g_autoptr(MoeShare) share = build(&system);
    g_autoptr(MoeShare) shuffled = moe_share_new(system.n_resources, system.capacity);
    shuffle(&source, order, system.n_activities);
    moe_share_solve(share);
    for (guint i = 0; i < system.n_activities; i++) {
      add(shuffled, &system.activities[order[i]]);
      if (below(&source, 4) == 0)
        moe_share_solve(shuffled);
    }
    moe_share_solve(shuffled);
    for (guint i = 0; i < system.n_activities; i++)
      check_same_rate(moe_share_rate(shuffled, i), moe_share_rate(share, order[i]));
  }
}
END_TEST

/* The order in which an activity lists its resources means nothing either. */
START_TEST(order_of_resources_changes_no_bit)
{
  for (uint64_t seed = 0; seed < SYSTEMS; seed++) {
    TestSystem system;
    draw_system(3000 + seed, &system);
    g_autoptr(MoeShare) share = build(&system);
    for (guint a = 0; a < system.n_activities; a++) {
      TestActivity turned = system.activities[a];
      for (guint i = 0; i < turned.n; i++) {
        turned.resources[i] = system.activities[a].resources[turned.n - 1 - i];
        turned.loads[i] = system.activities[a].loads[turned.n - 1 - i];
      }
      system.activities[a] = turned;
    }
    g_autoptr(MoeShare) other = build(&system);
    moe_share_solve(share);
    moe_share_solve(other);
    for (guint a = 0; a < system.n_activities; a++) {
      ck_assert_double_eq(moe_share_rate(other, a), moe_share_rate(share, a));
      ck_assert_uint_eq(moe_share_bottleneck(other, a), moe_share_bottleneck(share, a));
    }
  }
}
END_TEST

START_TEST(adding_and_removing_leaves_no_trace)
{
  for (uint64_t seed = 0; seed < SYSTEMS; seed++) {
    TestSystem system;
    TestActivity guest;
    double before[MAX_ACTIVITIES];
    Source source = {seed, 1 << 20};
    draw_system(4000 + seed, &system);
    g_autoptr(MoeShare) share = build(&system);
    moe_share_solve(share);
    for (guint a = 0; a < system.n_activities; a++)
      before[a] = moe_share_rate(share, a);
    for (guint visit = 0; visit < 5; visit++) {
      draw_activity(&source, &system, &guest, FALSE);
      guint id = add(share, &guest);
      if (visit % 2)
        moe_share_solve(share);
      moe_share_remove(share, id);
      moe_share_solve(share);
      for (guint a = 0; a < system.n_activities; a++)
        check_same_rate(moe_share_rate(share, a), before[a]);
    }
  }
}
END_TEST

/* A long random history of additions, removals and capacity changes ends where a fresh system starts, with bottlenecks
 * that are bottlenecks, and every solve on the way reports exactly the rates that moved. */
typedef struct {
  TestSystem system; /* activities by id; n == 0: free */
  double rates[MAX_ACTIVITIES];
  gboolean fresh[MAX_ACTIVITIES];
} History;

static void random_change(History *history, MoeShare *share, Source *source)
{
  TestSystem *system = &history->system;
  guint id = below(source, MAX_ACTIVITIES);

  if (below(source, 10) == 0) {
    guint first = below(source, system->n_resources), n = 1 + below(source, system->n_resources - first);
    for (guint r = first; r < first + n; r++) /* some stay as they are */
      system->capacity[r] = below(source, 3) == 0 ? system->capacity[r] : some_size(source, TRUE);
    moe_share_set_capacities(share, first, n, &system->capacity[first]);
  } else if (system->activities[id].n > 0) {
    moe_share_remove(share, id);
    system->activities[id].n = 0;
    history->fresh[id] = FALSE;
  } else {
    TestActivity activity;
    draw_activity(source, system, &activity, below(source, 2));
    id = add(share, &activity);
    ck_assert_uint_eq(system->activities[id].n, 0);
    system->activities[id] = activity;
    history->fresh[id] = TRUE;
  }
}

static void check_changes(History *history, const MoeShare *share)
{
  guint n = 0;
  guint next = 0;
  const guint *changed = moe_share_changed(share, &n);

  for (guint id = 0; id < MAX_ACTIVITIES; id++) {
    if (history->system.activities[id].n == 0)
      continue;
    gboolean told = next < n && changed[next] == id;
    ck_assert_int_eq(told, history->fresh[id] || moe_share_rate(share, id) != history->rates[id]);
    next += (guint)told;
    history->rates[id] = moe_share_rate(share, id);
    history->fresh[id] = FALSE;
  }
  ck_assert_uint_eq(next, n);
}

static void check_against_fresh(const History *history, const MoeShare *share)
{
  g_autoptr(MoeShare) fresh = moe_share_new(history->system.n_resources, history->system.capacity);
  guint ids[MAX_ACTIVITIES];
  guint n = 0;

  for (guint id = MAX_ACTIVITIES; id-- > 0;)
    if (history->system.activities[id].n > 0) {
      add(fresh, &history->system.activities[id]);
      ids[n++] = id;
    }
  moe_share_solve(fresh);
  for (guint i = 0; i < n; i++)
    check_same_rate(moe_share_rate(share, ids[i]), moe_share_rate(fresh, i));
}

START_TEST(history_does_not_matter)
{
  for (uint64_t seed = 0; seed < 40; seed++) {
    Source source = {5000 + seed, 0};
    History *history = g_new0(History, 1);
    history->system.n_resources = 1 + below(&source, MAX_RESOURCES);
    history->system.n_activities = MAX_ACTIVITIES;
    for (guint r = 0; r < history->system.n_resources; r++)
      history->system.capacity[r] = some_size(&source, TRUE);
    g_autoptr(MoeShare) share = moe_share_new(history->system.n_resources, history->system.capacity);
    for (guint step = 0; step < 300; step++) {
      for (guint k = below(&source, 4); k > 0; k--)
        random_change(history, share, &source);
      moe_share_solve(share);
      check_changes(history, share);
      check_against_fresh(history, share);
      check_feasible(&history->system, share);
      check_bottlenecks(&history->system, share);
    }
    g_free(history);
  }
}
END_TEST

/* ---- symmetry and size ------------------------------------------------------------------------------------------ */

/* 64 ports, an oversubscribed uplink per 8 and transfers between all pairs, loads in thirds and sevenths: transfers in
 * the same position have the same rate, bit by bit, although their loads are listed and summed in different orders. */
START_TEST(symmetric_activities_get_the_same_bits)
{
  const guint ports = 64;
  const guint group = 8;
  const double loads[] = {1.0 / 3, 2.0 / 7, 0.1};
  g_autofree double *capacity = g_new(double, ports + ports / group);
  double inside = 0;
  double across = 0;

  for (guint r = 0; r < ports + ports / group; r++)
    capacity[r] = r < ports ? 10.0 / 3 : 4.0 / 7;
  g_autoptr(MoeShare) share = moe_share_new(ports + ports / group, capacity);
  for (guint i = 0; i < ports; i++)
    for (guint shift = 1; shift < ports; shift++) {
      guint to = (i + shift * 37) % ports;
      guint resources[] = {i, to, ports + i / group};
      moe_share_add(share, i / group == to / group ? 2 : 3, resources, (double[]){loads[0], loads[1], loads[2]},
                    INFINITY);
    }
  moe_share_solve(share);
  for (guint id = 0; id < moe_share_n_ids(share); id++) {
    guint i = id / (ports - 1);
    guint to = (i + (id % (ports - 1) + 1) * 37) % ports;
    double *kind = i / group == to / group ? &inside : &across;
    if (*kind == 0)
      *kind = moe_share_rate(share, id);
    ck_assert_double_eq(moe_share_rate(share, id), *kind);
  }
  ck_assert_double_gt(inside, across);
}
END_TEST

/* A collective over 16,384 ports, then a second one over half of them: equal shares for both, all of it back
 * afterwards. */
START_TEST(wide_activities)
{
  const guint n = 16384;
  g_autofree double *ones = g_new(double, n);
  g_autofree guint *ports = g_new(guint, n);

  for (guint i = 0; i < n; i++) {
    ones[i] = 1;
    ports[i] = i;
  }
  g_autoptr(MoeShare) share = moe_share_new(n, ones);
  moe_share_add(share, n, ports, ones, INFINITY);
  moe_share_solve(share);
  ck_assert_double_eq(moe_share_rate(share, 0), 1);
  guint second = moe_share_add(share, n / 2, ports + n / 2, ones, INFINITY);
  moe_share_solve(share);
  ck_assert_double_eq(moe_share_rate(share, 0), 0.5);
  ck_assert_double_eq(moe_share_rate(share, second), 0.5);
  ck_assert_uint_eq(moe_share_bottleneck(share, 0), n / 2);
  moe_share_remove(share, 0);
  moe_share_solve(share);
  ck_assert_double_eq(moe_share_rate(share, second), 1);
}
END_TEST

/* 2,000 activities with as many different rates on one resource: one level after the other, and the slowest first. */
START_TEST(many_levels)
{
  const guint n = 2000;
  double expected = 0;
  g_autofree double *capacity = g_new(double, n + 1);

  /* activity i meets its own resource of capacity i + 1 and a common one that the upper half cannot fill together */
  for (guint r = 0; r < n; r++)
    capacity[r] = r + 1;
  capacity[n] = n / 2 * (n / 2 + 1) / 2.0 + n / 2 * 1500.0;
  g_autoptr(MoeShare) share = moe_share_new(n + 1, capacity);
  for (guint i = 0; i < n; i++)
    moe_share_add(share, 2, (guint[]){i, n}, (double[]){1, 1}, INFINITY);
  moe_share_solve(share);
  /* level x: sum of min(i, x) = capacity; 1 + ... + k + (n - k) x with k = floor(x) */
  for (guint k = 1; k < n; k++) {
    double x = (capacity[n] - k * (k + 1) / 2.0) / (n - k);
    if (x >= k && x < k + 1)
      expected = x;
  }
  ck_assert_double_gt(expected, 1000);
  for (guint i = 0; i < n; i++)
    ck_assert_double_eq_tol(moe_share_rate(share, i), MIN(i + 1, expected), 1e-9);
}
END_TEST

MOE_TEST_MAIN("share/random", agrees_with_the_slow_solver, feasible_and_fair, order_of_insertion_does_not_matter,
              order_of_resources_changes_no_bit, adding_and_removing_leaves_no_trace, history_does_not_matter,
              symmetric_activities_get_the_same_bits, wide_activities, many_levels)
