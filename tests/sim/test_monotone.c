/* More of a machine never makes a step slower, nor a lower power cap one faster: 200 random small layouts, folded. */
#include "drawn.h"

#define CASES     200
#define DOUBLINGS 3
/* Events in another order may cost this much: two kernels that ran one after the other now run beside a collective. */
#define TOLERANCE 2e-3

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
  const MoeSimOptions options = {.fidelity = MOE_FIDELITY_FOLDED};
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
      ck_assert_msg(after_s <= before_s * (1 + TOLERANCE), "layout %u: %u times the %s takes %g s instead of %g s",
                    (guint)seed, 1u << doubling, part_names[part], after_s, before_s);
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
    ck_assert_msg(after_s >= before_s * (1 - TOLERANCE), "layout %u: at %g W %g s instead of %g s", (guint)seed,
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

MOE_TEST_MAIN("sim/monotone", faster_is_never_slower)
