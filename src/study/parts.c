/* One rank's step by the calls of its schedule, and what kernels a forward-backward pair consists of. */
#include "prepared.h"

#include "study/parts.h"
#include <string.h>

const char *const moe_pair_class_words[] = {
    "dense_gemm", "weight_gradient", "grouped_gemm", "attention", "norm",  "rotary", "activation",
    "quantize",   "permute",         "router",       "residual",  "other", NULL};

/* ---- classes of kernels ----------------------------------------------------------------------------------------- */

static MoePairClass bandwidth_class(const MoeKernel *kernel)
{
  switch (kernel->bandwidth) {
  case MOE_BANDWIDTH_NORM:
    return MOE_PAIR_NORM;
  case MOE_BANDWIDTH_ROTARY:
    return MOE_PAIR_ROTARY;
  case MOE_BANDWIDTH_ACTIVATION:
    return MOE_PAIR_ACTIVATION;
  case MOE_BANDWIDTH_QUANTIZE:
    return MOE_PAIR_QUANTIZE;
  case MOE_BANDWIDTH_PERMUTE:
    return MOE_PAIR_PERMUTE;
  case MOE_BANDWIDTH_ROUTER:
  case MOE_BANDWIDTH_INDEX:
    return MOE_PAIR_ROUTER;
  case MOE_BANDWIDTH_RESIDUAL:
    return MOE_PAIR_RESIDUAL;
  case MOE_BANDWIDTH_ELEMENTWISE:
    return kernel->scope == MOE_SCOPE_ATTENTION ? MOE_PAIR_ROTARY : MOE_PAIR_RESIDUAL;
  default:
    return MOE_PAIR_OTHER;
  }
}

static MoePairClass class_of(const MoeKernel *kernel)
{
  switch (kernel->klass) {
  case MOE_KERNEL_GEMM:
    if (kernel->scope == MOE_SCOPE_ROUTER)
      return MOE_PAIR_ROUTER;
    return kernel->pass == MOE_PASS_WGRAD ? MOE_PAIR_WEIGHT_GRADIENT : MOE_PAIR_DENSE_GEMM;
  case MOE_KERNEL_GROUPED_GEMM:
    return kernel->pass == MOE_PASS_WGRAD ? MOE_PAIR_WEIGHT_GRADIENT : MOE_PAIR_GROUPED_GEMM;
  case MOE_KERNEL_ATTENTION:
  case MOE_KERNEL_SCAN:
    return MOE_PAIR_ATTENTION;
  default:
    return bandwidth_class(kernel);
  }
}

/* ---- watching --------------------------------------------------------------------------------------------------- */

/* A slice names its kernel and pass; together they give the class. */
typedef struct {
  GHashTable *classes[MOE_N_PASSES]; /* name -> MoePairClass + 1 */
  MoeIteration *iteration;
  MoeIterationPart last;   /* part of the latest kernel */
  MoeTime covered, bubble; /* accounted for until; bubble since */
  const char *call_block;  /* the call of the latest kernel */
  uint32_t call_batch;
  MoeTime pair_start, pair_end, pairs; /* of the latest pair; all pairs before it */
} Watch;

static MoeIterationPart part_of(const char *block)
{
  static const struct {
    const char *block;
    MoeIterationPart part;
  } parts[] = {{"F", MOE_ITERATION_FORWARD}, {"B", MOE_ITERATION_BACKWARD}, {"Bd", MOE_ITERATION_BACKWARD},
               {"W", MOE_ITERATION_WEIGHT},  {"F+B", MOE_ITERATION_BOTH},   {"step", MOE_ITERATION_OPTIMIZER}};

  for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
    if (g_str_equal(block, parts[i].block))
      return parts[i].part;
  g_assert_not_reached();
}

/* What lies between the kernels and is no bubble goes to the part that follows. */
static void cover(Watch *watch, MoeIterationPart part, MoeTime until)
{
  watch->iteration->part[part] += until - watch->covered - watch->bubble;
  watch->iteration->part[MOE_ITERATION_BUBBLE] += watch->bubble;
  watch->covered = until;
  watch->bubble = 0;
}

/* A wait for another stage inside a pair is bubble, not the pair's. */
static void watch_pair(Watch *watch, const MoeSlice *slice, MoeTime bubble)
{
  gpointer class = g_hash_table_lookup(watch->classes[slice->pass], slice->name);
  gboolean same = slice->block == watch->call_block && slice->micro_batch == watch->call_batch;

  if (!same) {
    watch->pairs += watch->pair_end - watch->pair_start;
    watch->pair_start = slice->start;
    watch->iteration->n_pairs++;
  } else {
    watch->pair_start += bubble;
  }
  watch->pair_end = slice->end;
  if (class)
    watch->iteration->pair_class_s[GPOINTER_TO_UINT(class) - 1] += moe_time_to_seconds(slice->end - slice->start);
}

static void watch_slice(const MoeSlice *slice, gpointer user_data)
{
  Watch *watch = user_data;

  if (slice->stream == MOE_N_STREAMS && slice->cause == MOE_CAUSE_BUBBLE)
    watch->bubble += slice->end - slice->start;
  if (slice->stream != MOE_STREAM_COMPUTE)
    return;
  MoeTime bubble = watch->bubble;

  watch->last = part_of(slice->block);
  cover(watch, watch->last, slice->end);
  if (watch->last == MOE_ITERATION_BOTH)
    watch_pair(watch, slice, bubble);
  watch->call_block = slice->block;
  watch->call_batch = slice->micro_batch;
}

static void watch_begin(Watch *watch, const MoeProgram *program)
{
  for (guint p = 0; p < MOE_N_PASSES; p++)
    watch->classes[p] = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint k = 0; k < program->n_kernels; k++) {
    const MoeKernel *kernel = &program->kernels[k];

    g_hash_table_insert(watch->classes[kernel->pass], (gpointer)kernel->name, GUINT_TO_POINTER(class_of(kernel) + 1));
  }
}

static void watch_end(Watch *watch, MoeTime step)
{
  MoeIteration *iteration = watch->iteration;

  cover(watch, watch->last, step);
  iteration->step = step;
  if (iteration->n_pairs > 0)
    iteration->pair_s =
        moe_time_to_seconds(watch->pairs + watch->pair_end - watch->pair_start) / (double)iteration->n_pairs;
  for (guint c = 0; c < MOE_N_PAIR_CLASSES && iteration->n_pairs > 0; c++)
    iteration->pair_class_s[c] /= (double)iteration->n_pairs;
  for (guint p = 0; p < MOE_N_PASSES; p++)
    g_hash_table_destroy(watch->classes[p]);
}

/* ---- which rank ------------------------------------------------------------------------------------------------- */

static double busy_s(const MoeUnitAccount *unit)
{
  double sum = 0;

  for (guint p = 0; p < MOE_N_PASSES; p++)
    sum += unit->pass_s[p];
  return sum;
}

static const MoeUnitAccount *busiest(const MoeSimResult *sim, guint role)
{
  const MoeUnitAccount *best = NULL;

  for (guint u = 0; u < sim->n_units; u++)
    if (sim->units[u].role == role && (!best || busy_s(&sim->units[u]) > busy_s(best)))
      best = &sim->units[u];
  return best;
}

static gboolean choose_rank(const MoeRun *run, const MoePrepared *made, const MoeSimOptions *options, int64_t stage,
                            MoeIteration *iteration, GError **error)
{
  guint n = made->program->n_roles;
  g_autoptr(MoeSimResult) sim = moe_sim_run(made->program, run, made->topo, made->cost, options, error);

  if (!sim)
    return FALSE;
  iteration->role = stage < 0 ? n / 2 : MIN((guint)stage, n - 1);
  iteration->rank = busiest(sim, iteration->role)->rank;
  return TRUE;
}

gboolean moe_study_iteration(const MoeRun *run, const MoeSimOptions *options, int64_t stage, MoeIteration *iteration,
                             GError **error)
{
  MoeSimOptions chosen = options ? *options : (MoeSimOptions){.kernel_jitter = -1};
  g_auto(MoePrepared) made = {0};
  Watch watch = {.iteration = iteration, .last = MOE_ITERATION_OPTIMIZER};

  *iteration = (MoeIteration){0};
  chosen.slice = NULL;
  if (!moe_prepare(run, &chosen, &made, error) || !choose_rank(run, &made, &chosen, stage, iteration, error))
    return FALSE;
  chosen.slice = watch_slice;
  chosen.slice_data = &watch;
  chosen.n_trace_ranks = 1;
  chosen.trace_ranks = &iteration->rank;
  watch_begin(&watch, made.program);
  g_autoptr(MoeSimResult) sim = moe_sim_run(made.program, run, made.topo, made.cost, &chosen, error);
  watch_end(&watch, sim ? sim->step : watch.covered);
  return sim != NULL;
}
