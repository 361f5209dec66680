/* What a step takes to simulate: told and bounded before it is spent. */
#include "internal.h"

/* Of one processor. Full steps of the shipped runs took 121 to 210 ns per event on a 2.x GHz server core (mixtral-8x7b
 * with 4,096 GPUs, deepseek-v3, gpt3-175b, llama3-405b, mai-base-1/v5). */
#define EVENT_S 0.2e-6
/* Of a simulated GPU, besides its messages: 1,048,576 of mixtral-8x7b took 1.69 GB, 16,384 of them 36 MB. */
#define UNIT_BYTES 2200.0
#define MOST_BYTES 64e9 /* what a large workstation has */
/* What passes sooner needs no announcement. */
#define WORTH_TELLING_S     20.0
#define WORTH_TELLING_BYTES 4e9

static double bytes_of(const Sim *sim, double n_units)
{
  double messages = (double)sim->program->n_messages / MAX(sim->program->n_roles, 1);

  return n_units * (UNIT_BYTES + messages);
}

gboolean sim_effort_fits(const Sim *sim, GError **error)
{
  int64_t gpus = moe_layout_ranks(sim->program->layout);
  double bytes = bytes_of(sim, (double)gpus);

  if (sim->fidelity == MOE_FIDELITY_FOLDED || bytes <= MOST_BYTES)
    return TRUE;
  g_autofree char *size = moe_quantity_format(bytes, MOE_DIM_BYTES);

  return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                  "%" G_GINT64_FORMAT
                  " GPUs one by one take %s of memory, expected at most %g GB: fewer GPUs, fewer micro-batches or "
                  "--fidelity folded",
                  gpus, size, MOST_BYTES * 1e-9);
}

/* Events of one unit of a role: segments of kernels, which are one each, and all else, of which some are. */
static void count_events(const Sim *sim, const MoeRole *role, double *segments, double *others)
{
  *segments = *others = 0;
  for (uint32_t c = 0; c < role->n_calls; c++) {
    const BlockPlan *plan = &sim->block[role->calls[c].block];

    *segments += plan->n_segments;
    *others += sim->program->blocks[role->calls[c].block].n_ops - plan->n_compute;
  }
}

static void tell(const Sim *sim, double events)
{
  double seconds = events * EVENT_S, bytes = bytes_of(sim, sim->n_units);

  if (seconds < WORTH_TELLING_S && bytes < WORTH_TELLING_BYTES)
    return;
  g_autofree char *time = moe_quantity_format(seconds, MOE_DIM_SECONDS);
  g_autofree char *size = moe_quantity_format(bytes, MOE_DIM_BYTES);

  g_log(MOE_LOG_DOMAIN, G_LOG_LEVEL_INFO, "%u simulated GPUs: a step takes about %s of a processor and %s",
        sim->n_units, time, size);
}

gboolean sim_effort_check(const Sim *sim, GError **error)
{
  uint64_t limit = sim_most_events(sim);
  guint n_roles = sim->program->n_roles;
  g_autofree double *segments = g_new(double, n_roles + 1);
  g_autofree double *others = g_new(double, n_roles + 1);
  double least = 0, about = 0;

  for (guint r = 0; r < n_roles; r++)
    count_events(sim, &sim->program->roles[r], &segments[r], &others[r]);
  for (guint u = 0; u < sim->n_units; u++) {
    least += segments[sim->unit[u].role];
    about += segments[sim->unit[u].role] + others[sim->unit[u].role];
  }
  if (least > (double)limit)
    return moe_fail(
        error, MOE_ERROR_INPUT, (MoeMark){0},
        "the step needs more than %" G_GUINT64_FORMAT " events, expected a smaller run or --fidelity folded", limit);
  tell(sim, about);
  return TRUE;
}
