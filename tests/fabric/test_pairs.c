/* A collective as one activity against the transfers it stands for, pair by pair, on small groups; and the order of
 * starts. */
#include "flight.h"

#include <moetest.h>

#define N    8
#define EACH 1e6 /* bytes from every member to every other */

static uint32_t members[N] = {0, 1, 2, 3, 4, 5, 6, 7};

static MoeCollPlan nvlink_message(double bytes)
{
  MoeCollPlan plan = {.algorithm = "message", .cap_bytes_per_s = INFINITY};

  plan.port_bytes[MOE_PORT_NVLINK_OUT] = plan.port_bytes[MOE_PORT_NVLINK_IN] = bytes;
  return plan;
}

/* Latest delivery of transfers from each i to each j of bytes[i][j]. */
static MoeTime run_pairs(double bytes[N][N])
{
  Flight flight;
  static uint32_t ends[N * N][2];
  MoeTime last = 0;

  flight_init(&flight, machine_new(N), N);
  for (uint32_t i = 0; i < N; i++)
    for (uint32_t j = 0; j < N; j++) {
      uint32_t tag = i * N + j;
      const MoeCollPlan plan = nvlink_message(bytes[i][j]);

      ends[tag][0] = i;
      ends[tag][1] = j;
      if (i != j)
        flight_at(&flight, tag, 0, &plan, 0, ends[tag], NULL);
    }
  flight_run(&flight);
  for (guint tag = 0; tag < N * N; tag++)
    last = MAX(last, flight.delivered[tag]);
  flight_clear(&flight);
  return last;
}

static MoeTime run_activity(const MoeCollPlan *plan, const uint32_t *index)
{
  Flight flight;

  flight_init(&flight, machine_new(N), N);
  flight_at(&flight, 0, 0, plan, N, members, index);
  flight_run(&flight);
  MoeTime end = flight.delivered[0];
  flight_clear(&flight);
  return end;
}

START_TEST(test_balanced_all_to_all_equals_its_pairs)
{
  double bytes[N][N];
  const MoeCollPlan plan = nvlink_message(EACH * (N - 1));

  for (guint i = 0; i < N; i++)
    for (guint j = 0; j < N; j++)
      bytes[i][j] = EACH;
  ck_assert_int_eq(run_activity(&plan, NULL), run_pairs(bytes));
}
END_TEST

/* Rows of a routing matrix: member j receives `skew[j]` of the mean from everybody. */
static const double skew[N] = {1.3, 1.2, 1.1, 1, 1, 0.9, 0.8, 0.7};

START_TEST(test_skewed_all_to_all_ends_with_its_busiest_port)
{
  double bytes[N][N];
  MoeCollPlan plan = nvlink_message(EACH * (N - 1));

  for (guint i = 0; i < N; i++)
    for (guint j = 0; j < N; j++)
      bytes[i][j] = EACH * skew[j];
  plan.n_skew = N;
  plan.in_factor = skew;
  /* pair by pair the busiest receiver is never idle, so both end when its 1.3 x 7 MB are in */
  ck_assert_int_eq(run_activity(&plan, members), run_pairs(bytes));
  ck_assert_int_eq(run_activity(&plan, members), moe_time_from_seconds(1.3 * EACH * (N - 1) / (400 * GB)));
}
END_TEST

START_TEST(test_combine_is_held_back_by_its_busiest_sender)
{
  MoeCollPlan plan = nvlink_message(EACH * (N - 1));

  plan.n_skew = N;
  plan.out_factor = skew;
  ck_assert_int_eq(run_activity(&plan, members), moe_time_from_seconds(1.3 * EACH * (N - 1) / (400 * GB)));
}
END_TEST

START_TEST(test_fewer_members_of_a_symmetric_group_end_alike)
{
  Flight flight;
  const MoeCollPlan plan = nvlink_message(EACH);

  flight_init(&flight, machine_new(N), N);
  flight_at(&flight, 0, 0, &plan, 1, members + 3, NULL);
  flight_run(&flight);
  ck_assert_int_eq(flight.delivered[0], run_activity(&plan, NULL));
  flight_clear(&flight);
}
END_TEST

/* ---- order of starts --------------------------------------------------------------------------------------------- */

#define STARTS 60

/* Bytes of transfer i and its ends: many share ports, several end together. */
static double random_bytes(guint i)
{
  return 1e5 * (double)(1 + moe_random_u64(1, moe_random_stream("bytes"), i, 0) % 5);
}

/* Starts transfers 0..STARTS-1 at once in the order of `order`; deliveries by transfer go to `ends`, carried bytes to
 * `carried`. */
static void run_order(const guint *order, MoeTime *ends, double *carried)
{
  static uint32_t gpus[STARTS][2];
  Flight flight;
  uint32_t tag;
  MoeEvent event;

  flight_init(&flight, machine_new(8), 64);
  for (guint k = 0; k < STARTS; k++) {
    guint i = order[k];
    const MoeCollPlan plan = flight_message(random_bytes(i));

    gpus[i][0] = (uint32_t)(moe_random_u64(1, moe_random_stream("from"), i, 0) % 8);
    gpus[i][1] = 8 + (uint32_t)(moe_random_u64(1, moe_random_stream("to"), i, 0) % 8);
    moe_fabric_start_p2p(flight.fabric, &plan, gpus[i][0], gpus[i][1], i);
  }
  while (moe_engine_pop(flight.engine, &event))
    if (moe_fabric_handle(flight.fabric, &event, &tag))
      ends[tag] = event.time;
  for (guint r = 0; r < 16 * MOE_N_PORTS; r++)
    carried[r] = moe_fabric_carried(flight.fabric, r);
  flight_clear(&flight);
}

START_TEST(test_order_of_simultaneous_starts_does_not_show)
{
  guint forward[STARTS], shuffled[STARTS];
  MoeTime ends[2][STARTS];
  double carried[2][16 * MOE_N_PORTS];

  for (guint i = 0; i < STARTS; i++) {
    forward[i] = i;
    shuffled[i] = (i * 37 + 11) % STARTS; /* 37 and 60 have no common divisor */
  }
  run_order(forward, ends[0], carried[0]);
  run_order(shuffled, ends[1], carried[1]);
  for (guint i = 0; i < STARTS; i++)
    ck_assert_int_eq(ends[0][i], ends[1][i]);
  for (guint r = 0; r < 16 * MOE_N_PORTS; r++)
    ck_assert_double_eq(carried[0][r], carried[1][r]);
}
END_TEST

/* ---- contention -------------------------------------------------------------------------------------------------- */

START_TEST(test_expert_traffic_and_gradients_slow_each_other_on_nvlink)
{
  Flight flight;
  const MoeCollPlan expert = nvlink_message(4e6), gradients = nvlink_message(2e6);

  flight_init(&flight, machine_new(N), N);
  flight_at(&flight, 0, 0, &expert, N, members, NULL);
  flight_at(&flight, 1, 0, &gradients, N, members, NULL);
  flight_run(&flight);
  ck_assert_int_eq(flight.delivered[1], 10 * US_PS); /* alone 5 us, at half rate 10 */
  ck_assert_int_eq(flight.delivered[0], 15 * US_PS); /* the ports move 6 MB in all */
  flight_clear(&flight);
}
END_TEST

MOE_TEST_MAIN("fabric/pairs", test_balanced_all_to_all_equals_its_pairs,
              test_skewed_all_to_all_ends_with_its_busiest_port, test_combine_is_held_back_by_its_busiest_sender,
              test_fewer_members_of_a_symmetric_group_end_alike, test_order_of_simultaneous_starts_does_not_show,
              test_expert_traffic_and_gradients_slow_each_other_on_nvlink)
