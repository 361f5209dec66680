/* Where GPUs hang, what ports carry, how far apart two GPUs are. */
#include "coll/machine.h"

#include <moetest.h>

START_TEST(test_places_follow_domain_host_and_rail)
{
  MoeCluster cluster = machine_new(8);
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 1024);

  ck_assert_int_eq(moe_topo_domain(topo, 17), 2);
  ck_assert_int_eq(moe_topo_host(topo, 17), 2);
  ck_assert_int_eq(moe_topo_rail(topo, 17), 1);
  /* a 64-port leaf serves 32 hosts on one rail: GPU 1 of hosts 0..31 shares leaf 1, host 32 starts the next eight
   * leaves */
  ck_assert_int_eq(moe_topo_leaf(topo, 1), 1);
  ck_assert_int_eq(moe_topo_leaf(topo, 31 * 8 + 1), 1);
  ck_assert_int_eq(moe_topo_leaf(topo, 32 * 8 + 1), 9);
  ck_assert_int_eq(moe_topo_n_leaves(topo), 32);
}
END_TEST

/* One by one and all at once, also where hosts have more GPUs than rails, fewer, and domains end within a host's row.
 */
START_TEST(test_sites_of_all_gpus)
{
  const struct {
    int64_t host_gpus, domain_gpus, rails;
  } shapes[] = {{8, 8, 8}, {4, 72, 4}, {8, 8, 4}, {8, 8, 1}, {6, 18, 4}};

  for (guint s = 0; s < G_N_ELEMENTS(shapes); s++) {
    MoeCluster cluster = machine_new(8);
    uint32_t domain[1000], host[1000], leaf[1000];

    cluster.host.gpus = shapes[s].host_gpus;
    cluster.domain.gpus = shapes[s].domain_gpus;
    cluster.network.rails = shapes[s].rails;
    g_autoptr(MoeTopo) topo = machine_topo(&cluster, 1000);

    moe_topo_sites(topo, 1000, domain, host, leaf);
    for (guint gpu = 0; gpu < 1000; gpu++) {
      ck_assert_uint_eq(domain[gpu], moe_topo_domain(topo, gpu));
      ck_assert_uint_eq(host[gpu], moe_topo_host(topo, gpu));
      ck_assert_uint_eq(leaf[gpu], moe_topo_leaf(topo, gpu));
    }
  }
}
END_TEST

START_TEST(test_reach_grows_with_distance)
{
  MoeCluster cluster = machine_new(8);
  cluster.network.tiers = 3;
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 16384);

  ck_assert_int_eq(moe_topo_reach(topo, 3, 3), MOE_REACH_SELF);
  ck_assert_int_eq(moe_topo_reach(topo, 0, 7), MOE_REACH_DOMAIN);
  ck_assert_int_eq(moe_topo_reach(topo, 0, 8), MOE_REACH_LEAF);  /* same rail, next host */
  ck_assert_int_eq(moe_topo_reach(topo, 0, 9), MOE_REACH_SPINE); /* another rail */
  ck_assert_int_eq(moe_topo_reach(topo, 0, 32 * 8), MOE_REACH_SPINE);
  ck_assert_int_eq(moe_topo_reach(topo, 0, 32 * 32 * 8), MOE_REACH_CORE); /* 32 leaves of 32 hosts make a pod */
}
END_TEST

START_TEST(test_latency_adds_two_switches_per_tier)
{
  MoeCluster cluster = machine_new(8);
  cluster.domain.latency_s = 1e-6;
  cluster.network.leaf_latency_s = 2.8e-6;
  cluster.network.spine_latency_s = 3.7e-6;
  cluster.network.core_latency_s = 4.6e-6;
  cluster.network.host_latency_s = 0.5e-6;
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 64);

  ck_assert_double_eq(moe_topo_latency(topo, MOE_REACH_DOMAIN), 1e-6);
  ck_assert_double_eq_tol(moe_topo_latency(topo, MOE_REACH_LEAF), 3.3e-6, 1e-12);
  ck_assert_double_eq_tol(moe_topo_latency(topo, MOE_REACH_SPINE), 4.2e-6, 1e-12);
  ck_assert_double_eq_tol(moe_topo_latency(topo, MOE_REACH_CORE), 5.1e-6, 1e-12);
}
END_TEST

START_TEST(test_ports_carry_rate_times_efficiency)
{
  MoeCluster cluster = machine_new(8);
  cluster.domain.efficiency = 0.8;
  cluster.network.nics_per_gpu = 2;
  cluster.network.efficiency = 0.9;
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 16);
  const double *capacity = moe_topo_capacities(topo);

  ck_assert_double_eq_tol(capacity[moe_topo_port(5, MOE_PORT_NVLINK_IN)], 320 * GB, 1);
  ck_assert_double_eq_tol(capacity[moe_topo_port(5, MOE_PORT_NIC_OUT)], 90 * GB, 1);
  ck_assert_double_eq_tol(capacity[moe_topo_port(5, MOE_PORT_HOST_IN)], 25 * GB, 1);
}
END_TEST

START_TEST(test_host_memory_is_shared_by_its_gpus)
{
  MoeCluster cluster = machine_new(8);
  cluster.host.memory_bytes_per_s = 80 * GB;
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 8);

  ck_assert_double_eq_tol(moe_topo_port_bytes_per_s(topo, MOE_PORT_HOST_OUT), 10 * GB, 1);
}
END_TEST

START_TEST(test_uplinks_matter_only_when_oversubscribed_or_slow)
{
  MoeCluster cluster = machine_new(8);
  g_autoptr(MoeTopo) fair = machine_topo(&cluster, 512);
  cluster.network.faults[cluster.network.n_faults++] = (MoeFault){MOE_FAULT_LEAF, 0, 0.5, {0}};
  g_autoptr(MoeTopo) slow = machine_topo(&cluster, 512);
  cluster.network.n_faults = 0;
  cluster.network.oversubscription = 3;
  g_autoptr(MoeTopo) thin = machine_topo(&cluster, 512);

  ck_assert(!moe_topo_leaves_matter(fair));
  ck_assert(moe_topo_leaves_matter(slow));
  ck_assert(moe_topo_leaves_matter(thin));
  /* 64 ports split 3 : 1 leave 48 down; 48 NICs of 50 GB/s over 3 */
  ck_assert_double_eq_tol(moe_topo_capacities(thin)[moe_topo_leaf_up(thin, 0)], 48 * 50 * GB / 3, 1);
}
END_TEST

START_TEST(test_faults_slow_what_they_name)
{
  MoeCluster cluster = machine_new(8);
  cluster.network.n_faults = 4;
  cluster.network.faults[0] = (MoeFault){MOE_FAULT_NIC, 3, 0.5, {0}};
  cluster.network.faults[1] = (MoeFault){MOE_FAULT_RAIL, 6, 0.1, {0}};
  cluster.network.faults[2] = (MoeFault){MOE_FAULT_NVLINK, 5, 0.25, {0}};
  cluster.network.faults[3] = (MoeFault){MOE_FAULT_HOST, 7, 0.2, {0}};
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 16);
  const double *capacity = moe_topo_capacities(topo);

  ck_assert_double_eq_tol(capacity[moe_topo_port(3, MOE_PORT_NIC_OUT)], 25 * GB, 1);
  ck_assert_double_eq_tol(capacity[moe_topo_port(3, MOE_PORT_NIC_IN)], 25 * GB, 1);
  ck_assert_double_eq_tol(capacity[moe_topo_port(11, MOE_PORT_NIC_OUT)], 50 * GB, 1);
  ck_assert_double_eq_tol(capacity[moe_topo_port(14, MOE_PORT_NIC_IN)], 5 * GB, 1);
  for (MoePort side = MOE_PORT_NVLINK_OUT; side <= MOE_PORT_NVLINK_IN; side++)
    ck_assert_double_eq_tol(capacity[moe_topo_port(5, side)], capacity[moe_topo_port(4, side)] / 4, 1);
  for (MoePort side = MOE_PORT_HOST_OUT; side <= MOE_PORT_HOST_IN; side++)
    ck_assert_double_eq_tol(capacity[moe_topo_port(7, side)], capacity[moe_topo_port(6, side)] / 5, 1);
}
END_TEST

START_TEST(test_uniform_until_one_gpu_differs)
{
  const MoeFault alike = {MOE_FAULT_RAIL, 2, 0, {0}}, one = {MOE_FAULT_NIC, 9, 0.5, {0}};
  MoeCluster cluster = machine_new(8);
  g_autoptr(MoeTopo) whole = machine_topo(&cluster, 16);
  cluster.network.n_faults = 1;
  cluster.network.faults[0] = alike;
  g_autoptr(MoeTopo) failed_rail = machine_topo(&cluster, 16);
  cluster.network.faults[0] = one;
  g_autoptr(MoeTopo) slow_nic = machine_topo(&cluster, 16);

  ck_assert(moe_topo_uniform(whole));
  ck_assert(moe_topo_uniform(failed_rail));
  ck_assert(!moe_topo_uniform(slow_nic));
}
END_TEST

START_TEST(test_failed_rail_is_carried_by_the_others)
{
  MoeCluster cluster = machine_new(8);
  cluster.network.n_faults = 1;
  cluster.network.faults[0] = (MoeFault){MOE_FAULT_RAIL, 2, 0, {0}};
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 16);

  for (int64_t gpu = 0; gpu < 16; gpu++)
    ck_assert_double_eq_tol(moe_topo_capacities(topo)[moe_topo_port(gpu, MOE_PORT_NIC_OUT)], 50 * GB * 7 / 8, 1);
}
END_TEST

/* Of four planes each carries a quarter: one that is gone, or at half its rate, takes so much from every NIC; the
 * machine stays uniform and its uplinks match. A leaf that is gone takes a quarter from its own GPUs only. */
START_TEST(test_planes_carry_each_others_share)
{
  MoeCluster cluster = machine_new(8);
  g_autoptr(GError) error = NULL;

  cluster.network.planes = 4;
  cluster.network.n_faults = 1;
  cluster.network.faults[0] = (MoeFault){MOE_FAULT_PLANE, 2, 0, {0}};
  g_autoptr(MoeTopo) plane = moe_topo_new(&cluster, 64, 0, NULL, &error);
  ck_assert_msg(plane, "%s", error ? error->message : "");
  double nic = moe_topo_port_bytes_per_s(plane, MOE_PORT_NIC_OUT);
  ck_assert_double_eq_tol(moe_topo_capacities(plane)[moe_topo_port(17, MOE_PORT_NIC_IN)], 0.75 * nic, 1);
  ck_assert(moe_topo_uniform(plane) && !moe_topo_leaves_matter(plane));
  cluster.network.faults[0] = (MoeFault){MOE_FAULT_LEAF, 1, 0, {0}};
  g_autoptr(MoeTopo) leaf = moe_topo_new(&cluster, 64, 0, NULL, &error);
  for (int64_t gpu = 0; gpu < 64; gpu++)
    ck_assert_double_eq_tol(moe_topo_capacities(leaf)[moe_topo_port(gpu, MOE_PORT_NIC_OUT)],
                            moe_topo_leaf(leaf, gpu) == 1 ? 0.75 * nic : nic, 1);
  ck_assert(!moe_topo_uniform(leaf));
  cluster.network.faults[0] = (MoeFault){MOE_FAULT_LINK, 9, 0.5, {0}};
  g_autoptr(MoeTopo) link = moe_topo_new(&cluster, 64, 0, NULL, &error);
  ck_assert_double_eq_tol(moe_topo_capacities(link)[moe_topo_port(9, MOE_PORT_NIC_OUT)], 0.875 * nic, 1);
}
END_TEST

/* What other jobs take of the uplinks is gone for this one. */
START_TEST(test_background_takes_uplinks)
{
  MoeCluster cluster = machine_new(8);
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeTopo) alone = moe_topo_new(&cluster, 64, 0, NULL, &error);

  cluster.network.background = 0.4;
  g_autoptr(MoeTopo) shared = moe_topo_new(&cluster, 64, 0, NULL, &error);
  guint up = moe_topo_leaf_up(shared, 0);
  ck_assert_double_eq_tol(moe_topo_capacities(shared)[up], 0.6 * moe_topo_capacities(alone)[up], 1);
  ck_assert(moe_topo_leaves_matter(shared) && !moe_topo_leaves_matter(alone));
}
END_TEST

/* With half of a leaf's ports a run lies below twice as many leaves, each of which still has all its uplinks. */
START_TEST(test_leaves_are_shared_with_another_job)
{
  MoeCluster cluster = machine_new(8);
  g_autoptr(GError) error = NULL;

  cluster.network.leaf_gpus = 4;
  g_autoptr(MoeTopo) alone = moe_topo_new(&cluster, 64, 0, NULL, &error);
  cluster.network.leaf_share = 0.5;
  g_autoptr(MoeTopo) shared = moe_topo_new(&cluster, 64, 0, NULL, &error);
  ck_assert_int_eq(moe_topo_n_leaves(shared), 2 * moe_topo_n_leaves(alone));
  ck_assert_double_eq_tol(moe_topo_capacities(shared)[moe_topo_leaf_up(shared, 0)],
                          moe_topo_capacities(alone)[moe_topo_leaf_up(alone, 0)], 1);
}
END_TEST

/* Hashed flows collide: uplinks carry less, in the order of how well flows are spread; a share that is given prevails.
 */
START_TEST(test_hashing_costs_uplinks)
{
  MoeCluster cluster = machine_new(8);
  double last = 0;

  for (int i = 0; i < 3; i++) {
    static const MoeRoutingKind kinds[] = {MOE_ROUTING_ECMP, MOE_ROUTING_ECMP_QUEUE_PAIRS, MOE_ROUTING_ADAPTIVE};
    g_autoptr(GError) error = NULL;

    cluster.network.routing = kinds[i];
    cluster.network.path_share = 0;
    g_autoptr(MoeTopo) topo = moe_topo_new(&cluster, 64, 0, NULL, &error);
    double up = moe_topo_capacities(topo)[moe_topo_leaf_up(topo, 0)];
    ck_assert_double_gt(up, last);
    ck_assert_int_eq(moe_topo_leaves_matter(topo), kinds[i] != MOE_ROUTING_ADAPTIVE);
    last = up;
  }
  g_autoptr(GError) error = NULL;
  cluster.network.path_share = 0.51;
  g_autoptr(MoeTopo) worst = moe_topo_new(&cluster, 64, 0, NULL, &error);
  ck_assert_double_eq_tol(moe_topo_capacities(worst)[moe_topo_leaf_up(worst, 0)], 0.51 * last, 1);
}
END_TEST

START_TEST(test_faults_outside_the_machine_are_refused)
{
  const MoeFault faults[] = {{MOE_FAULT_NIC, 16, 0.5, {"c.yaml", 4, 7}},  {MOE_FAULT_LEAF, 99, 0.5, {"c.yaml", 4, 7}},
                             {MOE_FAULT_RAIL, 8, 0.5, {"c.yaml", 4, 7}},  {MOE_FAULT_PLANE, 1, 0.5, {"c.yaml", 4, 7}},
                             {MOE_FAULT_LINK, 16, 0.5, {"c.yaml", 4, 7}}, {MOE_FAULT_GPU, 16, 0.5, {"c.yaml", 4, 7}},
                             {MOE_FAULT_PLANE, 0, 0, {"c.yaml", 4, 7}},   {MOE_FAULT_LINK, 0, 0, {"c.yaml", 4, 7}},
                             {MOE_FAULT_LEAF, 0, 0, {"c.yaml", 4, 7}}};
  MoeCluster cluster = machine_new(8);
  g_autoptr(GError) error = NULL;

  cluster.network.n_faults = 1;
  cluster.network.faults[0] = faults[_i];
  ck_assert_ptr_null(moe_topo_new(&cluster, 16, 0, NULL, &error));
  ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_INPUT));
  ck_assert(
      g_str_has_prefix(error->message, faults[_i].factor > 0 ? "c.yaml:4:7: fault at " : "c.yaml:4:7: the only "));
}
END_TEST

START_TEST(test_degradations_are_checked)
{
  MoeCluster cluster = machine_new(8);
  const MoeDegradation beyond = {100000, 0.5}, growing = {0, 1.5};
  g_autoptr(GError) first = NULL, second = NULL;

  ck_assert_ptr_null(moe_topo_new(&cluster, 8, 1, &beyond, &first));
  ck_assert_ptr_nonnull(first);
  ck_assert_ptr_null(moe_topo_new(&cluster, 8, 1, &growing, &second));
  ck_assert_ptr_nonnull(second);
}
END_TEST

START_TEST(test_names_say_what_a_resource_is)
{
  MoeCluster cluster = machine_new(8);
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 64);
  g_autofree char *port = moe_topo_resource_name(topo, moe_topo_port(12, MOE_PORT_NIC_OUT));
  g_autofree char *leaf = moe_topo_resource_name(topo, moe_topo_leaf_down(topo, 5));

  ck_assert_str_eq(port, "GPU 12 NIC out");
  ck_assert_str_eq(leaf, "leaf 5 down");
}
END_TEST

/* Balls in bins, against the sum over how many of B flows one of U uplinks gets; worst of many leaves below their mean;
 * more flows per NIC reach more. */
START_TEST(test_hashed_flows_collide)
{
  double last = 0;

  for (int64_t flows = 1; flows <= 64; flows *= 4) {
    MoeCluster cluster = machine_new(8);
    double mean = 0, least = 1, ways = 32, balls = 32 * (double)flows, expected = 0;

    cluster.network.routing = MOE_ROUTING_ECMP;
    cluster.network.flows = flows;
    g_autoptr(MoeTopo) topo = machine_topo(&cluster, 8192);
    for (int64_t i = 0; i < 2 * moe_topo_n_leaves(topo); i++) {
      double share = moe_topo_capacities(topo)[moe_topo_leaf_up(topo, 0) + i] / (32 * 50 * GB);

      mean += share / (2 * (double)moe_topo_n_leaves(topo));
      least = MIN(least, share);
    }
    for (double k = 0; k <= balls; k++)
      expected += MIN(k, (double)flows) / (double)flows *
                  exp(lgamma(balls + 1) - lgamma(k + 1) - lgamma(balls - k + 1) + k * log(1 / ways) +
                      (balls - k) * log(1 - 1 / ways));
    ck_assert_double_eq_tol(mean, expected, 0.005);
    ck_assert_double_eq_tol(expected, 1 - 1 / sqrt(2 * G_PI * (double)flows), 0.04);
    ck_assert(least < mean - 0.01 && mean > last);
    last = mean;
  }
}
END_TEST

START_TEST(test_collisions_are_drawn)
{
  MoeCluster cluster = machine_new(8);

  cluster.network.routing = MOE_ROUTING_ECMP_QUEUE_PAIRS;
  cluster.network.flows = 4;
  g_autoptr(MoeTopo) one = machine_topo(&cluster, 512);
  g_autoptr(MoeTopo) same = machine_topo(&cluster, 512);
  cluster.network.draw = 1;
  g_autoptr(MoeTopo) other = machine_topo(&cluster, 512);
  cluster.network.routing = MOE_ROUTING_ADAPTIVE;
  g_autoptr(MoeTopo) adaptive = machine_topo(&cluster, 512);
  gsize size = moe_topo_n_resources(one) * sizeof(double);

  ck_assert_mem_eq(moe_topo_capacities(one), moe_topo_capacities(same), size);
  ck_assert_mem_ne(moe_topo_capacities(one), moe_topo_capacities(other), size);
  ck_assert(moe_topo_leaves_matter(one) && !moe_topo_leaves_matter(adaptive));
}
END_TEST

START_TEST(test_places_in_a_torus)
{
  MoeCluster cluster = machine_new(24);
  const int64_t extent[] = {4, 3, 2};

  cluster.domain.kind = MOE_DOMAIN_TORUS;
  memcpy(cluster.domain.extent, extent, sizeof extent);
  cluster.domain.dimensions = 3;
  cluster.domain.wrap = TRUE;
  cluster.domain.latency_s = 1e-6;
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 48);
  guint along = moe_topo_way(topo, 30, MOE_WAY_Y);
  g_autofree char *name = moe_topo_resource_name(topo, along);

  /* GPU 30 is the seventh of its pod: 2 + 4 x 1 */
  ck_assert_int_eq(moe_topo_position(topo, 30, 0), 2);
  ck_assert_int_eq(moe_topo_position(topo, 30, 1), 1);
  ck_assert_int_eq(moe_topo_position(topo, 47, 2), 1);
  ck_assert_double_eq(moe_topo_domain_latency(topo, 0, 3), 1e-6); /* around the end */
  ck_assert_double_eq(moe_topo_domain_latency(topo, 0, 2 + 4 * 2 + 12), 4e-6);
  ck_assert_str_eq(name, "GPU 30 links along y");
  ck_assert_double_eq_tol(moe_topo_capacities(topo)[along], 400 * GB / 3, 1); /* both links of a dimension */
  ck_assert_int_eq(moe_topo_way(topo, 0, MOE_WAY_ISLAND_UP), MOE_NO_RESOURCE);
  /* shifted pairs are alike; the same distance along another dimension is not */
  ck_assert_int_eq(moe_topo_offset(topo, 0, 1), moe_topo_offset(topo, 6, 7));
  ck_assert_int_eq(moe_topo_offset(topo, 3, 0), moe_topo_offset(topo, 0, 1));
  ck_assert_int_ne(moe_topo_offset(topo, 0, 1), moe_topo_offset(topo, 0, 4));
}
END_TEST

START_TEST(test_islands_of_two_tiers)
{
  MoeCluster cluster = machine_new(32);

  cluster.domain.kind = MOE_DOMAIN_TWO_TIER;
  cluster.domain.island_gpus = 8;
  cluster.domain.oversubscription = 1;
  cluster.domain.latency_s = 1e-6;
  cluster.domain.far_latency_s = 2e-6;
  cluster.network.faults[0] = (MoeFault){.kind = MOE_FAULT_ISLAND, .index = 5, .factor = 0.5};
  g_autoptr(MoeTopo) whole = machine_topo(&cluster, 64);
  cluster.network.n_faults = 1;
  g_autoptr(MoeTopo) slow = machine_topo(&cluster, 64);
  guint up = moe_topo_way(slow, 41, MOE_WAY_ISLAND_UP);
  g_autofree char *name = moe_topo_resource_name(slow, up);

  ck_assert_int_eq(moe_topo_n_islands(whole), 8);
  ck_assert_str_eq(name, "island 5 up");
  ck_assert(!moe_topo_islands_matter(whole) && moe_topo_islands_matter(slow));
  ck_assert_double_eq(moe_topo_capacities(whole)[up], 8 * 400 * GB);
  ck_assert_double_eq(moe_topo_capacities(slow)[up], 4 * 400 * GB);
  ck_assert_double_eq(moe_topo_domain_latency(whole, 0, 7), 1e-6);
  ck_assert_double_eq(moe_topo_domain_latency(whole, 0, 8), 2e-6);
  ck_assert_int_eq(moe_topo_domain(whole, 31), 0);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("topo/topo");
  TCase *tcase = tcase_create("all");

  tcase_add_test(tcase, test_places_follow_domain_host_and_rail);
  tcase_add_test(tcase, test_sites_of_all_gpus);
  tcase_add_test(tcase, test_reach_grows_with_distance);
  tcase_add_test(tcase, test_latency_adds_two_switches_per_tier);
  tcase_add_test(tcase, test_ports_carry_rate_times_efficiency);
  tcase_add_test(tcase, test_host_memory_is_shared_by_its_gpus);
  tcase_add_test(tcase, test_uplinks_matter_only_when_oversubscribed_or_slow);
  tcase_add_test(tcase, test_faults_slow_what_they_name);
  tcase_add_test(tcase, test_uniform_until_one_gpu_differs);
  tcase_add_test(tcase, test_failed_rail_is_carried_by_the_others);
  tcase_add_test(tcase, test_planes_carry_each_others_share);
  tcase_add_test(tcase, test_background_takes_uplinks);
  tcase_add_test(tcase, test_leaves_are_shared_with_another_job);
  tcase_add_test(tcase, test_hashing_costs_uplinks);
  tcase_add_test(tcase, test_hashed_flows_collide);
  tcase_add_test(tcase, test_collisions_are_drawn);
  tcase_add_loop_test(tcase, test_faults_outside_the_machine_are_refused, 0, 9);
  tcase_add_test(tcase, test_degradations_are_checked);
  tcase_add_test(tcase, test_places_in_a_torus);
  tcase_add_test(tcase, test_islands_of_two_tiers);
  tcase_add_test(tcase, test_names_say_what_a_resource_is);
  suite_add_tcase(suite, tcase);
  return moetest_run_suite(suite);
}
