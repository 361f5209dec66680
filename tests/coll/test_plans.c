/* Bytes, ports and choices of the planner on machines of round numbers. */
#include "coll/machine.h"

#include <moetest.h>

#include <string.h>

/* One row: what is planned, and the bytes expected on each member's NVLink and NIC. */
typedef struct {
  const char *algorithm;
  MoeCollectiveKind kind;
  guint n;
  int64_t stride, domain;
  double bytes, nvlink, network;
  const char *because;
} Row;

#define MB 1e6

static const Row rows[] = {
    {"ring", MOE_ALL_REDUCE, 8, 1, 8, 80 * MB, 140 * MB, 0, "2 (n - 1) / n inside one domain"},
    {"ring", MOE_ALL_GATHER, 8, 1, 8, 80 * MB, 70 * MB, 0, "(n - 1) / n"},
    {"ring", MOE_REDUCE_SCATTER, 16, 8, 8, 80 * MB, 0, 75 * MB, "one GPU per domain: all over the NIC"},
    {"ring", MOE_ALL_GATHER, 16, 1, 8, 80 * MB, 65.625 * MB, 9.375 * MB, "one channel of eight leaves at each GPU"},
    {"tree", MOE_ALL_REDUCE, 32, 1, 8, 80 * MB, 140 * MB, 20 * MB,
     "the busiest host sends the buffer twice over 8 NICs"},
    {"tree", MOE_ALL_REDUCE, 16, 1, 8, 80 * MB, 140 * MB, 10 * MB, "two hosts: once"},
    {"nvls", MOE_ALL_REDUCE, 8, 1, 8, 80 * MB, 90 * MB, 0, "read once, an eighth written"},
    {"nvls", MOE_REDUCE_SCATTER, 8, 1, 8, 80 * MB, 70 * MB, 0, "all but the own eighth goes to the switch"},
    {"nvls", MOE_ALL_GATHER, 8, 1, 8, 80 * MB, 10 * MB, 0, "the own eighth once: the switch multicasts"},
    {"nvls-tree", MOE_ALL_REDUCE, 32, 1, 8, 80 * MB, 90 * MB, 20 * MB, "switch inside, tree outside"},
    {"hierarchical", MOE_ALL_GATHER, 32, 1, 8, 80 * MB, 70 * MB, 7.5 * MB, "7/8 inside, 3/4 of an eighth on the rail"},
    {"hierarchical", MOE_ALL_REDUCE, 32, 1, 8, 80 * MB, 140 * MB, 15 * MB, "twice that"},
    {"pat", MOE_ALL_GATHER, 16, 8, 8, 75 * MB, 0, 93.75 * MB, "15/16 at three quarters of the bandwidth"},
    {"rail-ring", MOE_ALL_GATHER, 32, 1, 8, 80 * MB, 10 * MB, 7.5 * MB, "an eighth multicast, 3/4 of it from the rail"},
    {"rail-direct", MOE_REDUCE_SCATTER, 32, 1, 8, 80 * MB, 70 * MB, 7.5 * MB,
     "7/8 summed inside, 3/4 of an eighth out"},
    {"recursive-doubling", MOE_REDUCE_SCATTER, 16, 8, 8, 80 * MB, 0, 75 * MB, "15/16"},
    {"direct", MOE_ALL_TO_ALL, 8, 1, 8, 80 * MB, 70 * MB, 0, "all but the own share"},
    {"naive", MOE_ALL_TO_ALL, 32, 1, 8, 320 * MB, 70 * MB, 240 * MB, "24 of 32 shares leave the host"},
    {"rail-aligned", MOE_ALL_TO_ALL, 32, 1, 8, 320 * MB, 280 * MB, 240 * MB,
     "and 7/8 of those move to their rail first"},
    {"ring", MOE_BROADCAST, 8, 1, 8, 80 * MB, 80 * MB, 0, "the buffer once over every edge"},
    {"nvlink-direct", MOE_DISPATCH, 8, 1, 8, 80 * MB, 140 * MB / 0.806, 0,
     "two copies, 7/8 of them to others, at its share of the wire"},
    {"nccl", MOE_COMBINE, 32, 1, 8, 80 * MB, 140 * MB, 120 * MB, "two copies: 7 + 24 x 7/8 and 24 of 32 ranks"},
};

START_TEST(test_bytes_on_ports)
{
  const Row *row = &rows[_i];
  MoeCluster cluster = machine_new(row->domain);
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, (int64_t)row->n * row->stride);
  const MoeStackCollectives stack = machine_stack("nccl");
  const MoeCollective collective = {.kind = row->kind,
                                    .bytes = row->bytes,
                                    .top_k = 2,
                                    .experts = 32,
                                    .expert_groups = 1,
                                    .top_groups = 1,
                                    .share = 1,
                                    .padding = 1};
  MoeCollPlan plan = machine_plan(topo, &stack, row->algorithm, &collective, row->n, row->stride);

  ck_assert_str_eq(plan.algorithm, row->algorithm);
  ck_assert_msg(fabs(plan.port_bytes[MOE_PORT_NVLINK_OUT] - row->nvlink) < 1 &&
                    fabs(plan.port_bytes[MOE_PORT_NIC_IN] - row->network) < 1,
                "%s of %d: NVLink %.0f, network %.0f; expected %.0f and %.0f because %s", row->algorithm, row->kind,
                plan.port_bytes[MOE_PORT_NVLINK_OUT], plan.port_bytes[MOE_PORT_NIC_IN], row->nvlink, row->network,
                row->because);
}
END_TEST

START_TEST(test_group_of_one_costs_nothing)
{
  MoeCluster cluster = machine_new(8);
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 8);
  const MoeStackCollectives stack = machine_stack("nccl");
  const MoeCollective all_reduce = {.kind = MOE_ALL_REDUCE, .bytes = MB};
  MoeCollPlan plan = machine_plan(topo, &stack, NULL, &all_reduce, 1, 1);

  ck_assert_str_eq(plan.algorithm, "none");
  ck_assert_double_eq(moe_coll_alone_s(topo, &plan), 0);
}
END_TEST

START_TEST(test_switch_reduction_needs_leave_and_hardware)
{
  MoeCluster cluster = machine_new(8);
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 8);
  MoeStackCollectives stack = machine_stack("nccl");
  const MoeCollective all_reduce = {.kind = MOE_ALL_REDUCE, .bytes = 80 * MB};

  ck_assert_str_eq(machine_plan(topo, &stack, NULL, &all_reduce, 8, 1).algorithm,
                   "ring"); /* not allowed by the stack */
  stack.nvls = TRUE;
  ck_assert_str_eq(machine_plan(topo, &stack, NULL, &all_reduce, 8, 1).algorithm, "nvls");
  ck_assert_str_eq(machine_plan(topo, &stack, NULL, &all_reduce, 4, 1).algorithm, "nvls"); /* 1.25 against 1.5 */
  stack.deterministic = TRUE;
  ck_assert_str_eq(machine_plan(topo, &stack, NULL, &all_reduce, 8, 1).algorithm,
                   "ring"); /* order of addition not fixed */
  stack.deterministic = FALSE;
  cluster.domain.multicast = FALSE;
  ck_assert_str_eq(machine_plan(topo, &stack, NULL, &all_reduce, 8, 1).algorithm, "ring");
}
END_TEST

START_TEST(test_network_reduction_needs_leave_and_hardware)
{
  MoeCluster cluster = machine_new(8);
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 512);
  MoeStackCollectives stack = machine_stack("nccl");
  const MoeCollective all_reduce = {.kind = MOE_ALL_REDUCE, .bytes = 80 * MB};

  stack.sharp = TRUE;
  ck_assert_str_ne(machine_plan(topo, &stack, NULL, &all_reduce, 64, 8).algorithm, "sharp");
  cluster.network.sharp = TRUE;
  ck_assert_str_eq(machine_plan(topo, &stack, NULL, &all_reduce, 64, 8).algorithm, "sharp");
}
END_TEST

/* Latency decides between a flat ring over all GPUs and one per level. */
START_TEST(test_hierarchical_spares_steps)
{
  MoeCluster cluster = machine_new(64);
  cluster.domain.collectives.step_s = cluster.network.collectives.step_s = 4e-6;
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 8192);
  MoeStackCollectives stack = machine_stack("nccl");
  const MoeCollective gather = {.kind = MOE_ALL_GATHER, .bytes = 500 * MB};
  MoeCollPlan flat = machine_plan(topo, &stack, NULL, &gather, 8192, 1);

  stack.hierarchical = TRUE;
  MoeCollPlan levels = machine_plan(topo, &stack, NULL, &gather, 8192, 1);
  ck_assert_str_eq(flat.algorithm, "ring");
  ck_assert_int_eq(flat.latency, (MoeTime)8191 * 4 * US_PS);
  ck_assert_str_eq(levels.algorithm, "hierarchical");
  ck_assert_int_eq(levels.latency, (MoeTime)(63 + 127) * 4 * US_PS);
}
END_TEST

/* ---- worse machines ---- */

/* What is made worse, and an all-reduce that must feel it (n = 0: none). */
typedef struct {
  const char *what;
  size_t offset;
  double factor;
  guint n;
  int64_t stride;
  double bytes;
} Worse;

#define WORSE(member, factor, n, stride, bytes)                                                                        \
  {                                                                                                                    \
#member, offsetof(MoeCluster, member), factor, n, stride, bytes                                                    \
  }

static const Worse worse[] = {
    WORSE(domain.latency_s, 2, 8, 1, 64),         WORSE(network.host_latency_s, 2, 16, 8, 64),
    WORSE(network.leaf_latency_s, 1.2, 4, 8, 64), WORSE(network.spine_latency_s, 1.2, 16, 8, 64),
    WORSE(network.core_latency_s, 2, 512, 8, 64), WORSE(domain.bytes_per_s, 0.5, 8, 1, 1e9),
    WORSE(domain.efficiency, 0.5, 8, 1, 1e9),     WORSE(network.nic_bytes_per_s, 0.5, 16, 8, 1e9),
    WORSE(network.efficiency, 0.5, 16, 8, 1e9),   WORSE(network.oversubscription, 4, 0, 1, 0),
};

static MoeCluster real_machine(void)
{
  MoeCluster cluster = machine_new(8);
  MoeCollectiveFit *domain = &cluster.domain.collectives, *network = &cluster.network.collectives;

  *domain = (MoeCollectiveFit){.generation = MOE_HOPPER,
                               .floor_s = 7e-6,
                               .path_s = 1e-6,
                               .step_s = 3.4e-6,
                               .chunk_s = 1e-6,
                               .window_s = 10e-3,
                               .ring = 0.97,
                               .tree = 0.9,
                               .multicast = 0.8,
                               .send_s = 6e-6,
                               .multicast_step_s = 5e-6};
  *network = (MoeCollectiveFit){.floor_s = 20e-6,
                                .path_s = 2.8e-6,
                                .step_s = 14e-6,
                                .chunk_s = 25e-6,
                                .window_s = 50e-6,
                                .ring = 0.97,
                                .tree = 0.97,
                                .multicast = 0.97,
                                .send_s = 20e-6,
                                .hide_s = 30e-6,
                                .multicast_step_s = 20.9e-6};
  domain->low_latency_step_s = 0.6e-6;
  domain->low_latency_bytes_per_s = 141 * GB;
  network->low_latency_step_s = 5e-6;
  network->low_latency_bytes_per_s = 35 * GB;
  cluster.domain.latency_s = 1e-6;
  cluster.network.host_latency_s = 0.5e-6;
  cluster.network.leaf_latency_s = 2.8e-6;
  cluster.network.spine_latency_s = 3.7e-6;
  cluster.network.core_latency_s = 4.6e-6;
  cluster.network.leaf_gpus = 4;
  cluster.network.tiers = 3;
  cluster.network.sharp = TRUE;
  return cluster;
}

static double planned_s(const MoeCluster *cluster, gboolean windows, const MoeCollective *collective, guint n,
                        int64_t stride)
{
  g_autoptr(MoeTopo) topo = machine_topo(cluster, (int64_t)n * stride);
  MoeStackCollectives stack = machine_stack("nccl");

  stack.nvls = stack.sharp = TRUE;
  stack.hierarchical = !windows;
  stack.symmetric = windows;
  stack.nccl = windows ? 22907 : stack.nccl;
  MoeCollPlan plan = machine_plan(topo, &stack, NULL, collective, n, stride);
  return moe_coll_alone_s(topo, &plan);
}

/* Nothing gets faster on a worse machine, whatever its size, and small messages feel every latency of their route. */
START_TEST(test_worse_machines_are_never_faster)
{
  const Worse *change = &worse[_i];
  const MoeCluster good = real_machine();
  MoeCluster bad = good;

  *(double *)((char *)&bad + change->offset) *= change->factor;
  for (int kind = 0; kind < MOE_N_COLLECTIVES; kind++)
    for (double bytes = 64; bytes < 1e10; bytes *= 8)
      for (guint n = 2; n <= 512; n *= 4)
        for (int64_t stride = 1; stride <= 8; stride *= 8) {
          const MoeCollective collective = {.kind = (MoeCollectiveKind)kind,
                                            .bytes = bytes,
                                            .top_k = 2,
                                            .experts = 512,
                                            .expert_groups = 1,
                                            .top_groups = 1,
                                            .share = 1,
                                            .padding = 1};
          for (int windows = 0; windows < 2; windows++) {
            double before_s = planned_s(&good, windows, &collective, n, stride);
            double after_s = planned_s(&bad, windows, &collective, n, stride);

            ck_assert_msg(after_s >= before_s * (1 - 1e-9), "%s: kind %d of %g bytes over %u GPUs, %g us became %g us",
                          change->what, kind, bytes, n, before_s * 1e6, after_s * 1e6);
          }
        }
  const MoeCollective felt = {.kind = MOE_ALL_REDUCE, .bytes = change->bytes};
  ck_assert(change->n == 0 || planned_s(&bad, FALSE, &felt, change->n, change->stride) >
                                  planned_s(&good, FALSE, &felt, change->n, change->stride) * 1.0001);
}
END_TEST

/* What NCCL takes follows from its version: PAT came with 2.23, trees were held to be slow from 2.19 to 2.22. */
/* SMs carry the copies: four take longer than 24, except where the wire is the limit anyway. */
START_TEST(test_few_sms_are_slow)
{
  MoeCluster cluster = real_machine();
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 8);
  MoeStackCollectives stack = machine_stack("deepep");
  const MoeCollective dispatch = {.kind = MOE_DISPATCH,
                                  .bytes = 4096 * 7392.0,
                                  .row_bytes = 7392,
                                  .top_k = 8,
                                  .experts = 256,
                                  .expert_groups = 1,
                                  .top_groups = 1,
                                  .share = 1,
                                  .padding = 1};
  double last_s = INFINITY;

  for (stack.sms_expert = 4; stack.sms_expert <= 24; stack.sms_expert += 4) {
    MoeCollPlan plan = machine_plan(topo, &stack, NULL, &dispatch, 8, 1);
    double time_s = moe_coll_alone_s(topo, &plan);

    ck_assert_str_eq(plan.algorithm, "deepep");
    ck_assert(time_s <= last_s && (stack.sms_expert > 16 || time_s < last_s));
    last_s = time_s;
  }
}
END_TEST

/* A step pays what a benchmark of the transfer leaves out; inside a domain there is nobody to tell. */
START_TEST(test_notifies_of_other_hosts)
{
  MoeCluster cluster = real_machine();
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 16);
  MoeStackCollectives stack = machine_stack("uccl");
  const MoeExpertLibrary *library = moe_expert_library("uccl");

  for (int combine = 0; combine < 2; combine++)
    for (guint n = 8; n <= 16; n += 8) {
      MoeCollective exchange = {.kind = combine ? MOE_COMBINE : MOE_DISPATCH,
                                .bytes = MB,
                                .top_k = 2,
                                .experts = 32,
                                .expert_groups = 1,
                                .top_groups = 1,
                                .share = 1,
                                .padding = 1};
      MoeCollPlan bare = machine_plan(topo, &stack, NULL, &exchange, n, 1);
      exchange.notifies = MOE_NOTIFY_WITHIN;
      MoeCollPlan called = machine_plan(topo, &stack, NULL, &exchange, n, 1);
      double more_s = moe_time_to_seconds(called.latency - bare.latency);

      ck_assert_double_eq_tol(more_s, n == 8 ? 0 : library->notify_s[combine], 1e-9);
      ck_assert_double_gt(library->notify_s[combine], 50e-6);
    }
}
END_TEST

/* A few bytes: its own time and no floor of a transfer, whatever a row would have. */
START_TEST(test_a_notify_alone)
{
  MoeCluster cluster = real_machine();
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 16);
  MoeStackCollectives stack = machine_stack("deepep");
  const MoeExpertLibrary *library = moe_expert_library("deepep");
  const MoeCollective counts = {.kind = MOE_DISPATCH, .bytes = 128, .notifies = MOE_NOTIFY_ALONE};

  for (guint n = 8; n <= 16; n += 8) {
    MoeCollPlan plan = machine_plan(topo, &stack, NULL, &counts, n, 1);

    ck_assert_double_eq_tol(moe_time_to_seconds(plan.latency), n == 8 ? 0 : library->notify_s[0], 1e-9);
  }
}
END_TEST

START_TEST(test_choice_follows_the_version)
{
  MoeCluster cluster = real_machine();
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 1024);
  MoeStackCollectives stack = machine_stack("nccl");
  const MoeCollective gather = {.kind = MOE_ALL_GATHER, .bytes = 4 * MB};
  const MoeCollective reduce = {.kind = MOE_ALL_REDUCE, .bytes = 4 * MB};

  stack.nccl = 22703;
  ck_assert_str_eq(machine_plan(topo, &stack, NULL, &gather, 128, 8).algorithm, "pat");
  ck_assert_str_eq(machine_plan(topo, &stack, NULL, &gather, 128, 1).algorithm, "ring"); /* eight in a domain */
  ck_assert_str_eq(machine_plan(topo, &stack, NULL, &reduce, 32, 1).algorithm, "tree");
  stack.nccl = 22105;
  ck_assert_str_eq(machine_plan(topo, &stack, NULL, &gather, 128, 8).algorithm, "ring");
}
END_TEST

static const char *planned(const MoeTopo *topo, const MoeStackCollectives *stack, MoeCollectiveKind kind, guint n,
                           int64_t stride)
{
  const MoeCollective collective = {.kind = kind, .bytes = 4 * MB};

  return machine_plan(topo, stack, NULL, &collective, n, stride).algorithm;
}

/* NCCL_ALGO=Ring, which deterministic modes set, leaves neither trees nor switches nor the logarithmic gather. */
START_TEST(test_rings_only)
{
  MoeCluster cluster = real_machine();
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 1024);
  MoeStackCollectives stack = machine_stack("nccl");

  stack.nvls = stack.sharp = stack.rings_only = TRUE;
  ck_assert_str_eq(planned(topo, &stack, MOE_ALL_REDUCE, 8, 1), "ring");
  ck_assert_str_eq(planned(topo, &stack, MOE_ALL_REDUCE, 128, 1), "ring");
  ck_assert_str_eq(planned(topo, &stack, MOE_ALL_GATHER, 128, 8), "ring");
  ck_assert_str_eq(planned(topo, &stack, MOE_REDUCE_SCATTER, 128, 8), "ring");
}
END_TEST

/* Symmetric windows: rail by rail from 2.29.7 on, the gather where the switch may multicast, over rings of the
 * framework's own communicators not at all. */
START_TEST(test_windows_go_rail_by_rail)
{
  MoeCluster cluster = real_machine();
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 1024);
  MoeStackCollectives stack = machine_stack("nccl");

  stack.symmetric = stack.nvls = TRUE;
  stack.nccl = 22902;
  ck_assert_str_eq(planned(topo, &stack, MOE_ALL_GATHER, 1024, 1), "ring");
  stack.nccl = 22907;
  ck_assert_str_eq(planned(topo, &stack, MOE_ALL_GATHER, 1024, 1), "rail-ring");
  ck_assert_str_eq(planned(topo, &stack, MOE_REDUCE_SCATTER, 1024, 1), "rail-direct");
  ck_assert_str_eq(planned(topo, &stack, MOE_ALL_GATHER, 128, 8), "pat"); /* one member per domain */
  stack.nvls = FALSE;
  ck_assert_str_eq(planned(topo, &stack, MOE_ALL_GATHER, 1024, 1), "ring");
  ck_assert_str_eq(planned(topo, &stack, MOE_REDUCE_SCATTER, 1024, 1), "rail-direct");
  stack.hierarchical = TRUE;
  ck_assert_str_eq(planned(topo, &stack, MOE_REDUCE_SCATTER, 1024, 1), "hierarchical");
}
END_TEST

/* Chunks of a part follow one another: event by event, a ring of 128 rails whose links pass one chunk at a time. */
START_TEST(test_rail_ring_passes_chunks_on)
{
  MoeCluster cluster = machine_new(8);
  const double hop_s = 14e-6;
  cluster.network.collectives.step_s = hop_s;
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 1024);
  MoeStackCollectives stack = machine_stack("nccl");

  stack.symmetric = stack.nvls = TRUE;
  stack.nccl = 22907;
  for (guint chunks = 1; chunks <= 16; chunks *= 2) {
    const MoeCollective gather = {.kind = MOE_ALL_GATHER, .bytes = 1024.0 * chunks * 0x1p20};
    MoeCollPlan plan = machine_plan(topo, &stack, NULL, &gather, 1024, 1);
    double chunk_s = 0x1p20 / (50 * GB), arrival[16] = {0}, free_s = 0;

    /* what leaves on a link in step s came over the one before in step s - 1; all links are alike */
    for (guint step = 0; step < 127; step++)
      for (guint c = 0; c < chunks; c++) {
        free_s = MAX(free_s, arrival[c]) + chunk_s;
        arrival[c] = free_s + hop_s;
      }
    ck_assert_str_eq(plan.algorithm, "rail-ring");
    ck_assert_double_eq_tol(moe_coll_alone_s(topo, &plan), arrival[chunks - 1], arrival[chunks - 1] * 1e-6);
  }
}
END_TEST

START_TEST(test_protocols_follow_the_size)
{
  MoeCluster cluster = machine_new(8);
  MoeCollectiveFit *fit = &cluster.domain.collectives;
  fit->step_s = 3.4e-6;
  fit->low_latency_step_s = 0.6e-6;
  fit->low_latency_bytes_per_s = 100 * GB;
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 8);
  const MoeStackCollectives stack = machine_stack("nccl");
  MoeCollective all_reduce = {.kind = MOE_ALL_REDUCE, .bytes = 8};

  MoeCollPlan small = machine_plan(topo, &stack, "ring", &all_reduce, 8, 1);
  all_reduce.bytes = 8e9;
  MoeCollPlan large = machine_plan(topo, &stack, "ring", &all_reduce, 8, 1);
  ck_assert_int_eq(small.latency, (MoeTime)(14 * 0.6 * US_PS)); /* LL */
  ck_assert_int_eq(large.latency, (MoeTime)(14 * 3.4 * US_PS)); /* Simple */
  ck_assert_double_eq_tol(large.port_bytes[MOE_PORT_NVLINK_OUT], 14e9, 1);
  ck_assert(small.port_bytes[MOE_PORT_NVLINK_OUT] >= 2 * 14); /* a flag with every word */
}
END_TEST

/* LL moves twice its payload and no more than its limit; the rest of the port is free for others. */
START_TEST(test_low_latency_limit_is_a_cap_and_no_load)
{
  MoeCluster cluster = machine_new(8);
  MoeCollectiveFit *fit = &cluster.domain.collectives;
  fit->step_s = 1e-3;
  fit->low_latency_step_s = 0.6e-6;
  fit->low_latency_bytes_per_s = 10 * GB;
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 8);
  const MoeStackCollectives stack = machine_stack("nccl");
  const MoeCollective gather = {.kind = MOE_ALL_GATHER, .bytes = 0.08 * MB};
  MoeCollPlan plan = machine_plan(topo, &stack, "ring", &gather, 8, 1);

  ck_assert_double_eq_tol(plan.port_bytes[MOE_PORT_NVLINK_OUT], 2 * 0.07 * MB, 1);
  ck_assert_double_eq_tol(plan.cap_bytes_per_s, 2 * 10 * GB, 1);
  ck_assert_double_eq_tol(moe_coll_alone_s(topo, &plan), 0.07 * MB / (10 * GB) + 7 * 0.6e-6, 1e-9);
}
END_TEST

START_TEST(test_staged_network_loads_the_host_link_and_is_capped)
{
  MoeCluster cluster = machine_new(8);
  cluster.network.rdma = MOE_RDMA_STAGED;
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 16);
  const MoeStackCollectives stack = machine_stack("nccl");
  const MoeCollective gather = {.kind = MOE_ALL_GATHER, .bytes = 80 * MB};
  MoeCollPlan plan = machine_plan(topo, &stack, "ring", &gather, 2, 8);

  ck_assert_double_eq_tol(plan.port_bytes[MOE_PORT_HOST_OUT], 40 * MB, 1);
  ck_assert_double_eq_tol(plan.port_bytes[MOE_PORT_HOST_IN], 40 * MB, 1);
  ck_assert(plan.network);
  /* 40 MB at 20 GB/s staged, though NIC and host link would do 50 and 25; one step more costs the detour */
  ck_assert_double_eq_tol(moe_coll_alone_s(topo, &plan), 40 * MB / (20 * GB) + 21.75e-6, 1e-9);
}
END_TEST

START_TEST(test_copy_uses_one_direction_of_the_host_link)
{
  MoeCluster cluster = machine_new(8);
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 8);
  const MoeCopy out = {.to_host = TRUE, .bytes = 5e6}, in = {.to_host = FALSE, .bytes = 5e6};
  MoeCollPlan plan;

  moe_coll_plan_copy(topo, &out, &plan);
  ck_assert_double_eq(plan.port_bytes[MOE_PORT_HOST_OUT], 5e6);
  ck_assert_double_eq(plan.port_bytes[MOE_PORT_HOST_IN], 0);
  moe_coll_plan_copy(topo, &in, &plan);
  ck_assert_double_eq(plan.port_bytes[MOE_PORT_HOST_IN], 5e6);
  ck_assert_double_eq_tol(moe_coll_alone_s(topo, &plan), 5e6 / (25 * GB), 5e-6);
}
END_TEST

START_TEST(test_send_takes_the_shortest_way)
{
  MoeCluster cluster = machine_new(8);
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 64);
  const MoeStackCollectives stack = machine_stack("nccl");
  MoeCollPlan inside, between, nowhere;

  moe_coll_plan_p2p(topo, &stack, 0, 7, 5e6, &inside);
  moe_coll_plan_p2p(topo, &stack, 0, 8, 5e6, &between);
  moe_coll_plan_p2p(topo, &stack, 4, 4, 5e6, &nowhere);
  ck_assert_double_eq(inside.port_bytes[MOE_PORT_NVLINK_OUT], 5e6);
  ck_assert_double_eq(inside.port_bytes[MOE_PORT_NIC_OUT], 0);
  ck_assert_double_eq(between.port_bytes[MOE_PORT_NIC_IN], 5e6);
  ck_assert_int_eq(between.sms, 2);
  ck_assert_double_eq(moe_coll_alone_s(topo, &nowhere), 0);
}
END_TEST

START_TEST(test_skew_rides_on_receivers_of_a_dispatch_and_senders_of_a_combine)
{
  MoeCluster cluster = machine_new(8);
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 8);
  const MoeStackCollectives stack = machine_stack("nvlink-direct");
  const double rows_at[8] = {2, 1, 1, 1, 1, 1, 0.5, 0.5};
  MoeCollective c = {.kind = MOE_DISPATCH,
                     .bytes = MB,
                     .top_k = 2,
                     .experts = 8,
                     .expert_groups = 1,
                     .top_groups = 1,
                     .share = 1,
                     .padding = 1,
                     .n_skew = 8,
                     .receive = rows_at};
  MoeCollPlan dispatch = machine_plan(topo, &stack, NULL, &c, 8, 1);

  c.kind = MOE_COMBINE;
  MoeCollPlan combine = machine_plan(topo, &stack, NULL, &c, 8, 1);
  ck_assert_ptr_eq(dispatch.in_factor, rows_at);
  ck_assert_ptr_null(dispatch.out_factor);
  ck_assert_ptr_eq(combine.out_factor, rows_at);
  ck_assert_ptr_null(combine.in_factor);
}
END_TEST

START_TEST(test_uplinks_carry_what_leaves_a_leaf)
{
  MoeCluster cluster = machine_new(8);
  cluster.network.oversubscription = 2;
  cluster.network.leaf_gpus = 2;
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 64);
  const MoeStackCollectives stack = machine_stack("nccl");
  const MoeCollective gather = {.kind = MOE_ALL_GATHER, .bytes = 80 * MB};
  MoeCollPlan plan = machine_plan(topo, &stack, "ring", &gather, 8, 8);

  /* hosts 0 1 | 2 3 | 4 5 | 6 7: every second hop of the ring changes leaf */
  ck_assert_double_eq_tol(plan.way_bytes[MOE_WAY_LEAF_UP], 35 * MB, 1);
  ck_assert_double_eq_tol(plan.way_bytes[MOE_WAY_LEAF_DOWN], 35 * MB, 1);
}
END_TEST

/* MAI-Base-1 v5: 16,384 tokens of 3,072 BF16 values, 8 of 512 experts over 64 GPUs, in one domain: 0.79 GB each way. */
START_TEST(test_mai_base_1_expert_bytes)
{
  MoeCluster cluster = machine_new(64);
  g_autoptr(MoeTopo) topo = machine_topo(&cluster, 64);
  const MoeStackCollectives stack = machine_stack("nvlink-direct");
  MoeCollective c = {.kind = MOE_DISPATCH,
                     .bytes = 16384.0 * 3072 * 2,
                     .top_k = 8,
                     .experts = 512,
                     .expert_groups = 1,
                     .top_groups = 1,
                     .share = 1,
                     .padding = 1};
  MoeCollPlan whole = machine_plan(topo, &stack, NULL, &c, 64, 1);

  ck_assert_double_eq_tol(whole.wire_nvlink_bytes, 16384.0 * 3072 * 2 * 8 * 63 / 64, 1);
  ck_assert_double_eq_tol(4 * 39 * whole.wire_nvlink_bytes, 124e9, 1e9);
  c.share = 0.25; /* a quarter of the local experts in flight */
  ck_assert_double_eq_tol(machine_plan(topo, &stack, NULL, &c, 64, 1).wire_nvlink_bytes, whole.wire_nvlink_bytes / 4,
                          1);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("coll/plans");
  TCase *tcase = tcase_create("all");

  tcase_add_loop_test(tcase, test_bytes_on_ports, 0, G_N_ELEMENTS(rows));
  tcase_add_test(tcase, test_group_of_one_costs_nothing);
  tcase_add_test(tcase, test_switch_reduction_needs_leave_and_hardware);
  tcase_add_test(tcase, test_network_reduction_needs_leave_and_hardware);
  tcase_add_test(tcase, test_hierarchical_spares_steps);
  tcase_add_test(tcase, test_protocols_follow_the_size);
  tcase_add_test(tcase, test_few_sms_are_slow);
  tcase_add_test(tcase, test_notifies_of_other_hosts);
  tcase_add_test(tcase, test_a_notify_alone);
  tcase_add_test(tcase, test_choice_follows_the_version);
  tcase_add_test(tcase, test_rings_only);
  tcase_add_test(tcase, test_windows_go_rail_by_rail);
  tcase_add_test(tcase, test_rail_ring_passes_chunks_on);
  tcase_add_loop_test(tcase, test_worse_machines_are_never_faster, 0, G_N_ELEMENTS(worse));
  tcase_add_test(tcase, test_low_latency_limit_is_a_cap_and_no_load);
  tcase_add_test(tcase, test_staged_network_loads_the_host_link_and_is_capped);
  tcase_add_test(tcase, test_copy_uses_one_direction_of_the_host_link);
  tcase_add_test(tcase, test_send_takes_the_shortest_way);
  tcase_add_test(tcase, test_skew_rides_on_receivers_of_a_dispatch_and_senders_of_a_combine);
  tcase_add_test(tcase, test_uplinks_carry_what_leaves_a_leaf);
  tcase_add_test(tcase, test_mai_base_1_expert_bytes);
  suite_add_tcase(suite, tcase);
  return moetest_run_suite(suite);
}
