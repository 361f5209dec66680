/* Domains that are no single switch: tori against counting every route, two tiers against counting every pair. */
#include "coll/machine.h"

#include <moetest.h>

#define MB 1e6

/* A torus of round numbers: links of 50 GB/s, three dimensions, so 300 GB/s of each GPU. */
static MoeCluster torus_of(int64_t x, int64_t y, int64_t z, gboolean wrap)
{
  MoeCluster cluster = machine_new(x * y * z);

  cluster.domain.kind = MOE_DOMAIN_TORUS;
  cluster.domain.bytes_per_s = 300 * GB;
  cluster.domain.multicast = FALSE;
  cluster.domain.extent[0] = x;
  cluster.domain.extent[1] = y;
  cluster.domain.extent[2] = z;
  cluster.domain.dimensions = 3;
  cluster.domain.wrap = wrap;
  return cluster;
}

static MoeCluster tiers_of(int64_t gpus, int64_t island, double oversubscription)
{
  MoeCluster cluster = machine_new(gpus);

  cluster.domain.kind = MOE_DOMAIN_TWO_TIER;
  cluster.domain.island_gpus = island;
  cluster.domain.oversubscription = oversubscription;
  return cluster;
}

static MoeCollPlan plan_of(const MoeCluster *cluster, MoeCollectiveKind kind, double bytes, guint n, int64_t stride)
{
  g_autoptr(MoeTopo) topo = machine_topo(cluster, (int64_t)n * stride);
  const MoeStackCollectives stack = machine_stack("nccl");
  const MoeCollective collective = {.kind = kind,
                                    .bytes = bytes,
                                    .top_k = 2,
                                    .experts = 64,
                                    .expert_groups = 1,
                                    .top_groups = 1,
                                    .share = 1,
                                    .padding = 1};

  return machine_plan(topo, &stack, NULL, &collective, n, stride);
}

static double time_of(const MoeCluster *cluster, MoeCollectiveKind kind, double bytes, guint n, int64_t stride)
{
  g_autoptr(MoeTopo) topo = machine_topo(cluster, (int64_t)n * stride);
  MoeCollPlan plan = plan_of(cluster, kind, bytes, n, stride);

  return moe_coll_alone_s(topo, &plan);
}

/* ---- tori -------------------------------------------------------------------------------------------------------- */

typedef struct {
  int64_t x, y, z;
  gboolean wrap;
  guint n;
  int64_t stride;
  double links; /* of 50 GB/s that the worst placed member receives over, in groups like this one everywhere */
  const char *because;
} Box;

static const Box boxes[] = {
    {4, 4, 4, TRUE, 64, 1, 6, "two links in each of three dimensions"},
    {8, 4, 2, TRUE, 64, 1, 5, "two GPUs of a dimension have one link between them"},
    {4, 4, 4, TRUE, 16, 1, 4, "a plane"},
    {4, 4, 4, TRUE, 4, 1, 2, "a ring along x"},
    {4, 4, 4, TRUE, 4, 16, 2, "a ring along z"},
    {4, 4, 4, TRUE, 2, 1, 1, "two neighbours"},
    {4, 4, 4, FALSE, 64, 1, 3, "a corner has one link in each dimension"},
    {16, 1, 1, TRUE, 8, 1, 1, "half a ring is a line"},
    {16, 1, 1, TRUE, 8, 2, 1, "a ring of every other GPU shares its links with the ring of the others"},
    {4, 4, 1, TRUE, 6, 1, 1, "no box: a line from one to the next"},
};

/* No schedule beats (n - 1) / n of the buffer over the links of the worst placed member; rings along all dimensions
 * reach it. */
START_TEST(test_rings_fill_the_links_of_a_torus)
{
  const Box *box = &boxes[_i];
  MoeCluster cluster = torus_of(box->x, box->y, box->z, box->wrap);
  double bytes = 720 * MB, once_s = bytes * (box->n - 1) / box->n / (box->links * 50 * GB);
  MoeCollPlan plan = plan_of(&cluster, MOE_ALL_GATHER, bytes, box->n, box->stride);
  ck_assert_str_eq(plan.algorithm, "torus");
  ck_assert_msg(fabs(time_of(&cluster, MOE_ALL_GATHER, bytes, box->n, box->stride) / once_s - 1) < 1e-9,
                "gather over %u of %s took %g us, expected %g us", box->n, box->because,
                time_of(&cluster, MOE_ALL_GATHER, bytes, box->n, box->stride) * 1e6, once_s * 1e6);
  ck_assert_double_eq_tol(time_of(&cluster, MOE_REDUCE_SCATTER, bytes, box->n, box->stride), once_s, once_s * 1e-9);
  ck_assert_double_eq_tol(time_of(&cluster, MOE_ALL_REDUCE, bytes, box->n, box->stride), 2 * once_s, once_s * 1e-9);
}
END_TEST

/* Loads of directed links, [gpu][dimension][direction]. */
typedef struct {
  const MoeCluster *cluster;
  const MoeTopo *topo;
  double *load;
} Routes;

/* One step from `at` along a dimension. */
static int64_t neighbour(const Routes *routes, int64_t at, int d, int direction)
{
  const int64_t *extent = routes->cluster->domain.extent;
  int64_t stride = d == 0   ? 1
                   : d == 1 ? extent[0]
                            : extent[0] * extent[1],
          place = moe_topo_position(routes->topo, at, d);
  int64_t next = (place + (direction ? 1 : extent[d] - 1)) % extent[d];

  return at + (next - place) * stride;
}

/* Goes from a to the position of b along one dimension; both ways around, halves, where they are equally long. */
static int64_t walk(Routes *routes, int64_t a, int64_t b, int d, double bytes)
{
  const MoeDomain *domain = &routes->cluster->domain;
  int64_t extent = domain->extent[d],
          up = moe_topo_position(routes->topo, b, d) - moe_topo_position(routes->topo, a, d);
  int64_t around = (up + extent) % extent, end = a;
  gboolean both = domain->wrap && extent > 2 && 2 * around == extent;

  for (int direction = 0; direction < 2; direction++) {
    gboolean forward = domain->wrap && extent > 2 ? 2 * around <= extent : up > 0;
    int64_t hops = domain->wrap && extent > 2 ? MIN(around, extent - around) : ABS(up), at = a;

    if (!both && direction != (forward ? 1 : 0))
      continue;
    for (int64_t i = 0; i < hops; i++) {
      routes->load[(at * 3 + d) * 2 + direction] += both ? bytes / 2 : bytes;
      at = neighbour(routes, at, d, direction);
    }
    end = at;
  }
  return end;
}

/* The time that the fullest link needs when all GPUs send each other the same, dimension by dimension. */
static double exchange_s(const MoeCluster *cluster, double each)
{
  g_autoptr(MoeTopo) topo = machine_topo(cluster, cluster->domain.gpus);
  g_autofree double *load = g_new0(double, cluster->domain.gpus * 6);
  Routes routes = {cluster, topo, load};
  double most = 0;

  for (int64_t a = 0; a < cluster->domain.gpus; a++)
    for (int64_t b = 0; b < cluster->domain.gpus; b++) {
      int64_t at = a;

      for (int d = 0; d < 3; d++)
        at = walk(&routes, at, b, d, each);
      ck_assert_int_eq(at, b);
    }
  for (int64_t i = 0; i < cluster->domain.gpus * 6; i++)
    most = MAX(most, load[i]);
  return most / (50 * GB);
}

static const int64_t shapes[][3] = {{8, 1, 1}, {5, 1, 1}, {4, 4, 4}, {6, 3, 2}, {8, 4, 1}, {2, 2, 2}, {5, 5, 1}};

/* All-to-all over a whole torus or mesh, against every pair on its route: the fullest link, and that is the bound that
 * cutting the longest dimension in halves sets. */
START_TEST(test_exchange_takes_what_the_fullest_link_needs)
{
  const int64_t *e = shapes[_i];
  int64_t n = e[0] * e[1] * e[2];

  for (int wrap = 0; wrap < 2; wrap++) {
    MoeCluster cluster = torus_of(e[0], e[1], e[2], wrap);
    double bytes = 640 * MB, expected_s = exchange_s(&cluster, bytes / (double)n);
    double longest = (double)MAX(MAX(e[0], e[1]), e[2]), halves = floor(longest * longest / 4) / longest;
    double bisection_s = bytes * halves / (50 * GB) / (wrap && longest > 2 ? 2 : 1);

    ck_assert_double_eq_tol(time_of(&cluster, MOE_ALL_TO_ALL, bytes, (guint)n, 1), expected_s, expected_s * 1e-9);
    ck_assert_double_ge(expected_s, bisection_s * (1 - 1e-9));
  }
}
END_TEST

START_TEST(test_hops_cost_latency)
{
  MoeCluster cluster = torus_of(8, 4, 4, TRUE);

  cluster.domain.latency_s = 1e-6;
  /* half way around each dimension, in both directions at once: 4 + 2 + 2 hops */
  ck_assert_double_eq_tol(time_of(&cluster, MOE_ALL_GATHER, 1e-3, 128, 1), 8e-6, 1e-9);
  ck_assert_double_eq_tol(time_of(&cluster, MOE_ALL_TO_ALL, 1e-3, 128, 1), 8e-6, 1e-9); /* the farthest pair */
  cluster.domain.wrap = FALSE;
  ck_assert_double_eq_tol(time_of(&cluster, MOE_ALL_GATHER, 1e-3, 128, 1), 13e-6, 1e-9);
}
END_TEST

/* Over several pods each chip's part goes round the network. */
START_TEST(test_pods_meet_over_the_network)
{
  MoeCluster cluster = torus_of(4, 4, 1, TRUE);
  MoeCollPlan plan = plan_of(&cluster, MOE_ALL_REDUCE, 320 * MB, 64, 1);

  ck_assert_str_eq(plan.algorithm, "torus");
  ck_assert_double_eq_tol(plan.port_bytes[MOE_PORT_NIC_OUT], 320 * MB * 2 * 3 / 4 / 16, 1);
  ck_assert_double_eq_tol(plan.port_bytes[MOE_PORT_NVLINK_OUT], 320 * MB * 2 * 15 / 16, 1);
}
END_TEST

/* ---- two tiers --------------------------------------------------------------------------------------------------- */

/* Where islands get all they can send, the second tier costs latency and nothing else. */
START_TEST(test_full_second_tier_is_one_switch)
{
  MoeCluster tiers = tiers_of(64, 8, 1), flat = machine_new(64);

  for (int kind = 0; kind < MOE_N_COLLECTIVES; kind++)
    for (guint n = 2; n <= 64; n *= 2)
      ck_assert_double_eq(time_of(&tiers, (MoeCollectiveKind)kind, 64 * MB, n, 64 / n),
                          time_of(&flat, (MoeCollectiveKind)kind, 64 * MB, n, 64 / n));
  tiers.domain.latency_s = flat.domain.latency_s = 1e-6;
  tiers.domain.far_latency_s = 3e-6;
  /* eight of 64 hops of a ring leave an island */
  ck_assert_double_eq_tol(time_of(&tiers, MOE_ALL_GATHER, 1e-3, 64, 1), 63 * (1e-6 + 2e-6 * 8 / 64), 1e-10);
  ck_assert_double_eq_tol(time_of(&tiers, MOE_ALL_TO_ALL, 1e-3, 64, 1), 3e-6, 1e-10);
  ck_assert_double_eq_tol(time_of(&tiers, MOE_ALL_TO_ALL, 1e-3, 8, 1), 1e-6, 1e-10);
}
END_TEST

/* Of 64 shares 56 leave the island: with 4 : 1 its eight GPUs have two GPUs' rate for them. A ring leaves once. */
START_TEST(test_thin_second_tier_holds_exchanges_up)
{
  MoeCluster thin = tiers_of(64, 8, 4);

  ck_assert_double_eq_tol(time_of(&thin, MOE_ALL_TO_ALL, 640 * MB, 64, 1), 640 * MB * 56 / 64 / (100 * GB), 1e-9);
  ck_assert_double_eq_tol(time_of(&thin, MOE_ALL_TO_ALL, 640 * MB, 8, 1), 640 * MB * 7 / 8 / (400 * GB), 1e-9);
  ck_assert_double_eq_tol(time_of(&thin, MOE_ALL_GATHER, 640 * MB, 64, 1), 640 * MB * 63 / 64 / (400 * GB), 1e-9);
  MoeCollPlan plan = plan_of(&thin, MOE_ALL_GATHER, 640 * MB, 64, 1);
  ck_assert_double_eq_tol(plan.way_bytes[MOE_WAY_ISLAND_UP], 640 * MB * 63 / 64 / 8, 1);
  /* one member per island: its ring and its exchange leave with every byte, and have the island's links alone */
  plan = plan_of(&thin, MOE_ALL_GATHER, 640 * MB, 8, 8);
  ck_assert_double_eq_tol(plan.way_bytes[MOE_WAY_ISLAND_DOWN], 640 * MB * 7 / 8, 1);
}
END_TEST

/* ---- worse machines ---------------------------------------------------------------------------------------------- */

typedef void (*Worsen)(MoeDomain *domain);

static void longer_hops(MoeDomain *domain)
{
  domain->latency_s *= 2;
  domain->far_latency_s *= 2;
}
static void slower_links(MoeDomain *domain)
{
  domain->bytes_per_s /= 2;
}
static void thinner_tier(MoeDomain *domain)
{
  domain->oversubscription *= 1.7;
}
static void open_ends(MoeDomain *domain)
{
  domain->wrap = FALSE;
}
static void farther_islands(MoeDomain *domain)
{
  domain->far_latency_s *= 3;
}

static const Worsen worse[] = {longer_hops, slower_links, thinner_tier, open_ends, farther_islands};

/* A torus or two tiers of random size and a random regular group on it. */
static MoeCluster draw(uint64_t seed, guint *n, int64_t *stride)
{
  double u[7];

  for (guint i = 0; i < G_N_ELEMENTS(u); i++)
    u[i] = moe_random_unit(seed, moe_random_stream("scale-up"), 0, i);
  int64_t x = 1 + (int64_t)(u[0] * 6), y = 1 + (int64_t)(u[1] * 6), z = 1 + (int64_t)(u[2] * 5);
  MoeCluster cluster = u[3] < 0.6 ? torus_of(x, y, z, TRUE) : tiers_of(x * y * z, x, 1 + 3 * u[4]);

  *stride = 1 + (int64_t)(u[5] * 4);
  *n = (guint)MAX(2, (double)(2 * x * y * z) / (double)*stride * u[6]);
  cluster.domain.latency_s = 1e-6;
  cluster.domain.far_latency_s = 1.5e-6;
  cluster.domain.collectives.step_s = 2e-6;
  cluster.domain.collectives.path_s = 1e-6;
  return cluster;
}

START_TEST(test_worse_domains_are_never_faster)
{
  for (uint64_t seed = 0; seed < 60; seed++) {
    guint n;
    int64_t stride;
    MoeCluster good = draw(seed, &n, &stride), bad = good;

    worse[_i](&bad.domain);
    for (int kind = 0; kind < MOE_N_COLLECTIVES; kind++)
      for (double bytes = 1e3; bytes < 1e10; bytes *= 1e3) {
        double before_s = time_of(&good, (MoeCollectiveKind)kind, bytes, n, stride);
        double after_s = time_of(&bad, (MoeCollectiveKind)kind, bytes, n, stride);

        ck_assert_msg(after_s >= before_s * (1 - 1e-9), "seed %d, change %d, kind %d of %g bytes: %g us became %g us",
                      (int)seed, _i, kind, bytes, before_s * 1e6, after_s * 1e6);
      }
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("coll/scale_up");
  TCase *tcase = tcase_create("all");

  tcase_add_loop_test(tcase, test_rings_fill_the_links_of_a_torus, 0, G_N_ELEMENTS(boxes));
  tcase_add_loop_test(tcase, test_exchange_takes_what_the_fullest_link_needs, 0, G_N_ELEMENTS(shapes));
  tcase_add_test(tcase, test_hops_cost_latency);
  tcase_add_test(tcase, test_pods_meet_over_the_network);
  tcase_add_test(tcase, test_full_second_tier_is_one_switch);
  tcase_add_test(tcase, test_thin_second_tier_holds_exchanges_up);
  tcase_add_loop_test(tcase, test_worse_domains_are_never_faster, 0, G_N_ELEMENTS(worse));
  suite_add_tcase(suite, tcase);
  return moetest_run_suite(suite);
}
