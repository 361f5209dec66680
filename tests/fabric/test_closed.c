/* Closed forms, to the picosecond: each says the system, the expectation and why. */
#include "flight.h"

#include <moetest.h>

static const uint32_t pairs[][2] = {{0, 8}, {1, 9}, {0, 16}, {8, 0}, {16, 8}, {24, 8}, {0, 1}};

/* Times in microseconds: whole numbers on a machine of 50 GB/s NICs when bytes are multiples of 50,000. */
static MoeTime us(double microseconds)
{
  return (MoeTime)(microseconds * US_PS);
}

START_TEST(test_one_transfer)
{
  Flight flight;
  MoeCollPlan plan = flight_message(5e6);

  flight_init(&flight, machine_new(8), 64);
  plan.latency = us(3);
  flight_at(&flight, 0, us(7), &plan, 0, pairs[0], NULL);
  flight_run(&flight);
  ck_assert_int_eq(flight.delivered[0], us(7 + 100 + 3)); /* start + 5 MB / 50 GB/s + latency */
  ck_assert_double_eq(moe_fabric_carried(flight.fabric, moe_topo_port(8, MOE_PORT_NIC_IN)), 5e6);
  ck_assert_uint_eq(moe_fabric_active(flight.fabric), 0);
  flight_clear(&flight);
}
END_TEST

START_TEST(test_odd_bytes_round_up_once)
{
  Flight flight;
  MoeCollPlan plan = flight_message(1);

  flight_init(&flight, machine_new(8), 64);
  flight_at(&flight, 0, 0, &plan, 0, pairs[0], NULL);
  plan = flight_message(7);
  flight_at(&flight, 1, us(1), &plan, 0, pairs[1], NULL);
  flight_run(&flight);
  ck_assert_int_eq(flight.delivered[0], 20);          /* 1 B / 50 GB/s */
  ck_assert_int_eq(flight.delivered[1], us(1) + 140); /* 7 B */
  flight_clear(&flight);
}
END_TEST

START_TEST(test_n_transfers_on_one_link)
{
  Flight flight;
  const MoeCollPlan plan = flight_message(5e6);
  static const uint32_t from_one[5][2] = {{0, 8}, {0, 16}, {0, 24}, {0, 32}, {0, 40}};

  flight_init(&flight, machine_new(8), 64);
  for (guint i = 0; i < 5; i++)
    flight_at(&flight, i, 0, &plan, 0, from_one[i], NULL);
  flight_run(&flight);
  for (guint i = 0; i < 5; i++)
    ck_assert_int_eq(flight.delivered[i], us(500)); /* five share what one does in 100 us */
  flight_clear(&flight);
}
END_TEST

START_TEST(test_incast)
{
  Flight flight;
  MoeCollPlan small = flight_message(2.5e6), large = flight_message(5e6);
  static const uint32_t into_one[3][2] = {{8, 0}, {16, 0}, {24, 0}};

  flight_init(&flight, machine_new(8), 64);
  flight_at(&flight, 0, 0, &small, 0, into_one[0], NULL);
  flight_at(&flight, 1, 0, &large, 0, into_one[1], NULL);
  flight_at(&flight, 2, 0, &large, 0, into_one[2], NULL);
  flight_run(&flight);
  /* a third each until the small one is through (2.5 MB at 50/3 GB/s), then halves */
  ck_assert_int_eq(flight.delivered[0], us(150));
  ck_assert_int_eq(flight.delivered[1], us(250)); /* the port moves 12.5 MB in all */
  ck_assert_int_eq(flight.delivered[2], us(250));
  flight_clear(&flight);
}
END_TEST

START_TEST(test_sharing_for_half_a_life)
{
  Flight flight;
  const MoeCollPlan plan = flight_message(5e6);
  static const uint32_t same[2][2] = {{0, 8}, {0, 16}};

  flight_init(&flight, machine_new(8), 64);
  flight_at(&flight, 0, 0, &plan, 0, same[0], NULL);
  flight_at(&flight, 1, us(50), &plan, 0, same[1], NULL);
  flight_run(&flight);
  ck_assert_int_eq(flight.delivered[0], us(150)); /* half alone in 50, half shared in 100 */
  ck_assert_int_eq(flight.delivered[1], us(200)); /* half shared in 100, half alone in 50 */
  flight_clear(&flight);
}
END_TEST

/* Two flows over one leaf uplink of 50 GB/s: 25 GB/s each where their NICs would give 50. */
START_TEST(test_spine_link_shared_for_half_a_life)
{
  Flight flight;
  MoeCluster cluster = machine_new(8);
  MoeCollPlan plan = flight_message(5e6);
  static const uint32_t up[2][2] = {{0, 256}, {8, 264}};

  cluster.network.leaf_gpus = 2; /* two hosts per leaf, 2 : 1 oversubscribed: 50 GB/s up */
  cluster.network.oversubscription = 2;
  flight_init(&flight, cluster, 512);
  plan.way_bytes[MOE_WAY_LEAF_UP] = plan.way_bytes[MOE_WAY_LEAF_DOWN] = 5e6;
  flight_at(&flight, 0, 0, &plan, 0, up[0], NULL);
  flight_at(&flight, 1, us(50), &plan, 0, up[1], NULL);
  flight_run(&flight);
  /* alone the uplink's 50 GB/s hold nobody back; together 25 each */
  ck_assert_int_eq(flight.delivered[0], us(150));
  ck_assert_int_eq(flight.delivered[1], us(200));
  flight_clear(&flight);
}
END_TEST

/* Rings along different dimensions of a torus have links of their own; along the same one they share them. */
START_TEST(test_rings_of_a_torus_meet_on_a_dimension)
{
  static const uint32_t along_x[] = {0, 1, 2, 3}, along_y[] = {0, 4, 8, 12};
  static const int64_t row[] = {0, 1, 2, 3}, column[] = {0, 4, 8, 12};
  const MoeCollective gather = {.kind = MOE_ALL_GATHER, .bytes = 40e6};
  const MoeStackCollectives stack = machine_stack("nccl");

  for (int same = 0; same < 2; same++) {
    Flight flight;
    MoeCluster cluster = machine_new(16);
    MoeCollPlan x, y;

    cluster.domain.kind = MOE_DOMAIN_TORUS;
    cluster.domain.extent[0] = cluster.domain.extent[1] = 4;
    cluster.domain.extent[2] = 1;
    cluster.domain.dimensions = 2;
    cluster.domain.wrap = TRUE;
    flight_init(&flight, cluster, 16);
    moe_coll_plan(flight.topo, &stack, &gather, &(MoeCollGroup){4, row}, &x);
    moe_coll_plan(flight.topo, &stack, &gather, &(MoeCollGroup){4, column}, &y);
    flight_at(&flight, 0, 0, &x, 4, along_x, NULL);
    flight_at(&flight, 1, 0, same ? &x : &y, 4, same ? along_x : along_y, NULL);
    flight_run(&flight);
    /* 30 MB over two links of 100 GB/s */
    ck_assert_int_eq(flight.delivered[0], us(same ? 300 : 150));
    ck_assert_int_eq(flight.delivered[1], us(same ? 300 : 150));
    flight_clear(&flight);
  }
}
END_TEST

START_TEST(test_opposite_directions_do_not_meet)
{
  Flight flight;
  const MoeCollPlan plan = flight_message(5e6);

  flight_init(&flight, machine_new(8), 64);
  flight_at(&flight, 0, 0, &plan, 0, pairs[0], NULL);
  flight_at(&flight, 1, 0, &plan, 0, pairs[3], NULL);
  flight_run(&flight);
  ck_assert_int_eq(flight.delivered[0], us(100));
  ck_assert_int_eq(flight.delivered[1], us(100));
  flight_clear(&flight);
}
END_TEST

/* Starts a planned collective over GPUs 0, stride, ... alone and returns when it is delivered. */
static MoeTime run_alone(MoeCluster cluster, const char *algorithm, const MoeCollective *collective, guint n,
                         int64_t stride)
{
  Flight flight;
  g_autofree uint32_t *gpus = g_new(uint32_t, n);

  for (guint i = 0; i < n; i++)
    gpus[i] = (uint32_t)(i * stride);
  flight_init(&flight, cluster, (int64_t)n * stride);
  const MoeStackCollectives stack = machine_stack("nccl");
  MoeCollPlan plan = machine_plan(flight.topo, &stack, algorithm, collective, n, stride);
  flight_at(&flight, 0, 0, &plan, n, gpus, NULL);
  flight_run(&flight);
  MoeTime end = flight.delivered[0];
  flight_clear(&flight);
  return end;
}

START_TEST(test_ring_all_reduce)
{
  const MoeCollective all_reduce = {.kind = MOE_ALL_REDUCE, .bytes = 8e6};

  /* 2 (n - 1) / n of the buffer over 400 GB/s */
  ck_assert_int_eq(run_alone(machine_new(8), "ring", &all_reduce, 8, 1), us(8e6 * 2 * 7 / 8 / 400e3));
  ck_assert_int_eq(run_alone(machine_new(64), "ring", &all_reduce, 64, 1), us(8e6 * 2 * 63 / 64 / 400e3));
  /* one GPU per domain: the same over 50 GB/s */
  ck_assert_int_eq(run_alone(machine_new(8), "ring", &all_reduce, 16, 8), us(8e6 * 2 * 15 / 16 / 50e3));
}
END_TEST

START_TEST(test_hierarchical_over_8_by_64)
{
  const MoeCollective all_reduce = {.kind = MOE_ALL_REDUCE, .bytes = 64e6};
  const MoeCollective gather = {.kind = MOE_ALL_GATHER, .bytes = 1024e6};
  MoeCluster cluster = machine_new(64);

  /* rails: 2 x 7/8 of 1/64 over 50 GB/s (35 us); domain: 2 x 63/64 over 400 GB/s (315 us) is longer */
  ck_assert_int_eq(run_alone(cluster, "hierarchical", &all_reduce, 512, 1), us(315));
  /* a slower domain of 8 per host group: with NVLink 40 times as fast the rails decide */
  cluster.domain.bytes_per_s = 40 * 400 * GB;
  ck_assert_int_eq(run_alone(cluster, "hierarchical", &gather, 512, 1), us(1024e6 * 7 / 8 / 64 / 50e3));
}
END_TEST

START_TEST(test_all_to_all_on_one_switch)
{
  const MoeCollective all_to_all = {.kind = MOE_ALL_TO_ALL, .bytes = 64e6};

  ck_assert_int_eq(run_alone(machine_new(64), "direct", &all_to_all, 64, 1), us(64e6 * 63 / 64 / 400e3));
}
END_TEST

START_TEST(test_plan_without_bytes_takes_its_latency)
{
  Flight flight;
  const MoeCollPlan plan = {.algorithm = "none", .latency = us(4), .cap_bytes_per_s = INFINITY};
  const MoeCollPlan nothing = {.algorithm = "none", .cap_bytes_per_s = INFINITY};

  flight_init(&flight, machine_new(8), 16);
  flight_at(&flight, 0, us(1), &plan, 2, pairs[0], NULL);
  flight_at(&flight, 1, us(1), &nothing, 2, pairs[0], NULL);
  flight_run(&flight);
  ck_assert_int_eq(flight.delivered[0], us(5));
  ck_assert_int_eq(flight.delivered[1], us(1));
  flight_clear(&flight);
}
END_TEST

START_TEST(test_cap_limits_the_busiest_port)
{
  Flight flight;
  MoeCollPlan plan = flight_message(5e6);

  flight_init(&flight, machine_new(8), 64);
  plan.cap_bytes_per_s = 10 * GB;
  flight_at(&flight, 0, 0, &plan, 0, pairs[0], NULL);
  flight_run(&flight);
  ck_assert_int_eq(flight.delivered[0], us(500));
  flight_clear(&flight);
}
END_TEST

START_TEST(test_link_that_slows_in_flight)
{
  Flight flight;
  const MoeCollPlan plan = flight_message(5e6);
  MoeEvent event;
  uint32_t tag;

  flight_init(&flight, machine_new(8), 64);
  flight_at(&flight, 0, 0, &plan, 0, pairs[0], NULL);
  flight_at(&flight, 1, us(40), &plan, 0, pairs[1], NULL); /* another pair: only marks the time */
  while (moe_engine_pop(flight.engine, &event)) {
    if (event.klass == flight.start_class && event.id == 1)
      moe_fabric_set_capacities(flight.fabric, moe_topo_port(0, MOE_PORT_NIC_OUT), 1, (const double[]){25 * GB});
    if (event.klass == flight.start_class)
      flight_start(&flight, event.id);
    else if (moe_fabric_handle(flight.fabric, &event, &tag))
      flight.delivered[tag] = event.time;
  }
  ck_assert_int_eq(flight.delivered[0], us(160)); /* 2 MB in 40 us, 3 MB at half speed in 120 */
  ck_assert_int_eq(flight.delivered[1], us(140));
  flight_clear(&flight);
}
END_TEST

MOE_TEST_MAIN("fabric/closed", test_one_transfer, test_odd_bytes_round_up_once, test_n_transfers_on_one_link,
              test_incast, test_sharing_for_half_a_life, test_spine_link_shared_for_half_a_life,
              test_opposite_directions_do_not_meet, test_rings_of_a_torus_meet_on_a_dimension, test_ring_all_reduce,
              test_hierarchical_over_8_by_64, test_all_to_all_on_one_switch, test_plan_without_bytes_takes_its_latency,
              test_cap_limits_the_busiest_port, test_link_that_slows_in_flight)
