/* More of a machine never makes a step slower, nor a lower power cap or a worse network one faster, nor does sharding
 * of the optimizer: random small layouts. */
#include "drawn.h"

#include <math.h>
#include <string.h>

#define CASES     MOETEST_CASES(200)
#define DOUBLINGS 3
/* A collective that starts sooner may share its port with another one that was done before, or take SMs from a kernel
 * that somebody waits for: up to this much. All else holds to the picosecond. */
#define LINK_TOLERANCE 2e-3
#define ROUNDING       1e-11

typedef enum { LINK, MEMORY, PEAK, N_PARTS } Part;

static const char *const part_names[N_PARTS] = {"NVLink", "memory bandwidth", "peak"};

static void make_faster(MoeCluster *cluster, Part part)
{
  MoeAccelerator *accelerator = &cluster->accelerator;

  if (part == LINK)
    cluster->domain.bytes_per_s *= 2;
  if (part == MEMORY)
    accelerator->memory_bytes_per_s *= 2;
  for (int precision = 0; part == PEAK && precision < MOE_N_PRECISIONS; precision++)
    accelerator->peak_flop_per_s[precision] *= 2;
}

static double step_seconds(const MoeRun *run, const MoeProgram *program)
{
  const MoeSimOptions options = {.fidelity = MOE_FIDELITY_AUTO};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeTopo) topo = moe_topo_new(&run->cluster, run->parallelism.gpus, 0, NULL, &error);
  g_autoptr(MoeCostModel) cost = topo ? moe_cost_model_new(&run->cluster.accelerator, &run->stack, &error) : NULL;
  g_autoptr(MoeSimResult) result = cost ? moe_sim_run(program, run, topo, cost, &options, &error) : NULL;

  ck_assert_msg(result != NULL, "%s", error ? error->message : "?");
  return moe_time_to_seconds(result->step);
}

/* The program is the same: what a run does follows from its layout, not from how fast the machine is. */
static void check_faster(MoeRun *run, const MoeProgram *program, uint64_t seed)
{
  const MoeCluster as_is = run->cluster;
  double as_is_s = step_seconds(run, program);

  for (Part part = 0; part < N_PARTS; part++) {
    double before_s = as_is_s;

    for (guint doubling = 1; doubling <= DOUBLINGS; doubling++) {
      make_faster(&run->cluster, part);
      double after_s = step_seconds(run, program);
      ck_assert_msg(after_s <= before_s * (1 + (part == LINK ? LINK_TOLERANCE : ROUNDING)),
                    "layout %u: %u times the %s takes %g s instead of %g s", (guint)seed, 1u << doubling,
                    part_names[part], after_s, before_s);
      before_s = after_s;
    }
    run->cluster = as_is;
  }
}

/* Each cap lower than the one before. */
static void check_caps(MoeRun *run, const MoeProgram *program, uint64_t seed)
{
  static const double shares[] = {0.9, 0.7, 0.5};
  MoeAccelerator *accelerator = &run->cluster.accelerator;
  double before_s = step_seconds(run, program);

  for (guint i = 0; i < G_N_ELEMENTS(shares); i++) {
    accelerator->power_cap_w = shares[i] * accelerator->power_w;
    double after_s = step_seconds(run, program);
    ck_assert_msg(after_s >= before_s * (1 - ROUNDING), "layout %u: at %g W %g s instead of %g s", (guint)seed,
                  accelerator->power_cap_w, after_s, before_s);
    before_s = after_s;
  }
  accelerator->power_cap_w = 0;
}

START_TEST(faster_is_never_slower)
{
  guint found = 0;

  for (uint64_t seed = 0; found < CASES; seed++) {
    g_autoptr(MoeRun) run = draw_run(seed);
    g_autoptr(MoeProgram) program = run ? moe_program_build(run, seed, NULL) : NULL;

    ck_assert_uint_lt((guint)seed, 20 * CASES);
    if (!program)
      continue;
    check_faster(run, program, seed);
    check_caps(run, program, seed);
    found++;
  }
}
END_TEST

/* ---- network ----------------------------------------------------------------------------------------------------- */

#define NETWORK_CASES MOETEST_CASES(60)
/* A transfer that takes longer takes less of its ports at a time, and the step may not wait for it but for another on
 * the same ports, or for kernels beside it. Nothing runs beside another where nothing overlaps, but messages of a
 * pipeline. */
#define NETWORK_TOLERANCE 1.2e-2
#define ALONE_TOLERANCE   1e-3

typedef enum { LATENCY, BANDWIDTH, PLANES, OVERSUBSCRIPTION, N_WORSE } Worse;

static const char *const worse_names[N_WORSE] = {"latency", "bandwidth", "planes", "oversubscription"};

static void make_worse(MoeNetwork *network, Worse part)
{
  switch (part) {
  case LATENCY:
    network->leaf_latency_s *= 3;
    network->spine_latency_s *= 3;
    network->core_latency_s *= 3;
    break;
  case BANDWIDTH:
    network->nic_bytes_per_s /= 2;
    break;
  case PLANES:
    network->planes = 4;
    network->faults[network->n_faults] = (MoeFault){MOE_FAULT_PLANE, network->n_faults, 0, {0}};
    network->n_faults++;
    break;
  default:
    network->oversubscription *= 2;
    network->leaf_gpus = 1;
  }
}

/* Twice, so that what was slow already gets slower too. */
static void check_worse(MoeRun *run, const MoeProgram *program, uint64_t seed, double tolerance)
{
  const MoeNetwork as_is = run->cluster.network;

  for (Worse part = 0; part < N_WORSE; part++) {
    double before_s = step_seconds(run, program);

    for (int times = 0; times < 2; times++) {
      make_worse(&run->cluster.network, part);
      double after_s = step_seconds(run, program);
      ck_assert_msg(after_s >= before_s * (1 - tolerance), "layout %u: worse %s: %g s instead of %g s", (guint)seed,
                    worse_names[part], after_s, before_s);
      before_s = after_s;
    }
    run->cluster.network = as_is;
  }
}

static void check_worse_networks(guint cases, gboolean overlaps, double tolerance)
{
  guint found = 0;

  for (uint64_t seed = 1; found < cases; seed += 2) { /* odd seeds: hosts of eight */
    g_autoptr(MoeRun) run = draw_run(seed);

    if (run && !overlaps)
      memset(&run->parallelism.overlap, 0, sizeof run->parallelism.overlap);
    g_autoptr(MoeProgram) program = run ? moe_program_build(run, seed, NULL) : NULL;
    ck_assert_uint_lt((guint)seed, 40 * NETWORK_CASES);
    if (!program)
      continue;
    check_worse(run, program, seed, tolerance);
    found++;
  }
}

START_TEST(worse_networks_are_never_faster)
{
  check_worse_networks(NETWORK_CASES * 2 / 3, TRUE, NETWORK_TOLERANCE);
}
END_TEST

START_TEST(without_overlap_worse_networks_are_never_faster)
{
  check_worse_networks(NETWORK_CASES / 3, FALSE, ALONE_TOLERANCE);
}
END_TEST

/* ---- optimizer --------------------------------------------------------------------------------------------------- */

/* Two collectives for one, whose bytes are the same: what their fixed times differ by. */
#define ZERO_TOLERANCE 2e-2

static double step_with_zero(uint64_t seed, const char *communicators, int zero)
{
  g_autofree char *path = moetest_path("models/mai-base-1/v5.yaml"), *data = moetest_path(".");
  g_autoptr(GPtrArray) sets = draw_layout(seed);
  MoeRunOptions options = {.cluster = "h800-hgx", .stack = "hai-llm:2024", .data_dir = data};

  g_ptr_array_remove_index(sets, sets->len - 1);
  g_ptr_array_add(sets, g_strdup_printf("parallelism.zero=%d", zero));
  g_ptr_array_add(sets, g_strdup_printf("stack.collectives.communicators=%s", communicators));
  g_ptr_array_add(sets, NULL);
  options.sets = (const char *const *)sets->pdata;
  g_autoptr(MoeRun) run = moe_run_load(path, &options, NULL);
  g_autoptr(MoeProgram) program = run ? moe_program_build(run, 0, NULL) : NULL;
  return program ? step_seconds(run, program) : NAN;
}

/* Scattered gradients and gathered parameters are no more bytes than reduced gradients. Groups are small enough for
 * rings not to be bound by their steps; where they are, see docs/model-network.md. */
START_TEST(sharded_optimizers_are_never_slower)
{
  static const char *const communicators[] = {"flat", "two-level"};
  guint found = 0;

  for (uint64_t seed = 0; found < NETWORK_CASES; seed++)
    for (guint c = 0; c < G_N_ELEMENTS(communicators); c++) {
      double plain_s = step_with_zero(seed, communicators[c], 0);

      ck_assert_uint_lt((guint)seed, 20 * NETWORK_CASES);
      for (int zero = 1; zero <= 2 && isfinite(plain_s); zero++) {
        double sharded_s = step_with_zero(seed, communicators[c], zero);
        ck_assert_msg(!isfinite(sharded_s) || sharded_s <= plain_s * (1 + ZERO_TOLERANCE),
                      "layout %u, %s: ZeRO-%d takes %g s, ZeRO-0 %g s", (guint)seed, communicators[c], zero, sharded_s,
                      plain_s);
      }
      found += isfinite(plain_s);
    }
}
END_TEST

/* 8,192 ranks in one communicator, where a flat ring waits for 8,191 hops: software that reduces over rings too, that
 * groups ranks by domain, that shards inside a domain or registers its buffers gathers no slower than it reduces. */
static const char *const at_scale[] = {
    "stack.collectives.algorithms=ring",
    "stack.collectives.communicators=two-level",
    "parallelism.shard_group=64",
    "stack.collectives={expert_library: nvlink-direct, nccl: 2.30.4, symmetric: true, sms: {expert: 16}}",
};

static double step_at_scale(const char *setting, const char *zero)
{
  g_autofree char *path = moetest_path("models/mai-base-1/v5.yaml"), *data = moetest_path(".");
  const char *sets[] = {setting, zero, NULL};
  const MoeRunOptions options = {.data_dir = data, .sets = sets};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run = moe_run_load(path, &options, &error);
  g_assert_no_error(error);
  g_autoptr(MoeProgram) program = moe_program_build(run, 0, &error);
  g_assert_no_error(error);

  return step_seconds(run, program);
}

START_TEST(sharded_optimizers_are_never_slower_at_scale)
{
  for (guint i = 0; i < G_N_ELEMENTS(at_scale); i++) {
    double plain_s = step_at_scale(at_scale[i], "parallelism.zero=0");
    double sharded_s = step_at_scale(at_scale[i], "parallelism.zero=2");

    ck_assert_msg(sharded_s <= plain_s, "%s: ZeRO-2 takes %g s, ZeRO-0 %g s", at_scale[i], sharded_s, plain_s);
  }
}
END_TEST

/* What NCCL itself makes slower: src/graph/tuning.cc leaves all-gather and reduce-scatter to rings (PAT: one rank a
 * host; NVLS and CollNet: networks that reduce) and lets all-reduce take trees, so that in one flat group without
 * symmetric windows ZeRO-2 waits for 2 x 8,191 hops where ZeRO-0 waits for 2 x 7 levels. By no more than gathers of
 * 256 H100 were measured behind all-reduces (340 for 200 GB/s). */
START_TEST(gathers_know_no_trees)
{
  const char *trees = "stack.collectives={expert_library: nvlink-direct, nccl: 2.27.3, algorithms: tuned, "
                      "deterministic: false, sms: {expert: 16}}";
  double plain_s = step_at_scale(trees, "parallelism.zero=0");
  double sharded_s = step_at_scale(trees, "parallelism.zero=2");

  ck_assert_double_gt(sharded_s, plain_s);
  ck_assert_double_lt(sharded_s, plain_s * 340 / 200);
}
END_TEST

MOE_TEST_MAIN("sim/monotone", faster_is_never_slower, worse_networks_are_never_faster,
              without_overlap_worse_networks_are_never_faster, sharded_optimizers_are_never_slower,
              sharded_optimizers_are_never_slower_at_scale, gathers_know_no_trees)
