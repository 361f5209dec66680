/* Reader of `goodput:`: failures, checkpoints and slow periods of a training. */
#include "internal.h"

#include <string.h>

/* ---- defaults, where neither run nor cluster says ---------------------------------------------------------------- */

/* Assumed: between a crash, seen at once, and a hang, which the collective library's watchdog ends (PyTorch: 10 min).
 */
#define DEFAULT_DETECT_S 120
/* Median restart of OLMo, 3 min 42 s: https://arxiv.org/abs/2402.00838 as collected by secondary notes. */
#define DEFAULT_RESTART_S 222
/* A day; the swap of an NVLink backplane takes 8 to 24 h (secondary source). */
#define DEFAULT_REPAIR_S 86400
/* Mean restart with rescheduling, 68 min: Unicron, https://arxiv.org/abs/2401.00134. */
#define DEFAULT_RESCHEDULE_S 4080
/* Practical aggregate bandwidths of checkpoint storage are 50 to 200 GB/s (secondary source). */
#define DEFAULT_STORAGE_BYTES_PER_S 100e9
/* Llama 3's 419 interruptions in 54 days imply no particular shape; 1 = exponential, no memory. */
#define DEFAULT_WEIBULL_SHAPE 1

#define ENOUGH_SPARES (-1)

const char *const moe_checkpoint_words[] = {"async", "sync", NULL};

/* ---- tables ------------------------------------------------------------------------------------------------------ */

#define MAX_TOKENS      1e18
#define MAX_SPARES      MOE_MAX_GPUS
#define MAX_SLOWDOWN    1e3
#define MAX_STORAGE     1e18 /* bytes, bytes/s */
#define MIN_WEIBULL     0.2  /* below, a handful of parts fails all the time */
#define DURATION(field) MOE_FIELD_AMOUNT(MoeGoodputPlan, field, MOE_DIM_SECONDS)

/* What the cluster says comes on top (set_defaults). */
static const MoeGoodputPlan defaults = {.detect_s = DEFAULT_DETECT_S,
                                        .restart_s = DEFAULT_RESTART_S,
                                        .repair_s = DEFAULT_REPAIR_S,
                                        .reschedule_s = DEFAULT_RESCHEDULE_S,
                                        .spares = ENOUGH_SPARES,
                                        .weibull_shape = DEFAULT_WEIBULL_SHAPE,
                                        .storage_bytes_per_s = DEFAULT_STORAGE_BYTES_PER_S,
                                        .degraded.slowdown = 1,
                                        .stragglers.slowdown = 1};

static char *print_interval(gconstpointer plan)
{
  double interval_s = ((const MoeGoodputPlan *)plan)->interval_s;

  return interval_s > 0 ? moe_quantity_print(interval_s, MOE_DIM_SECONDS) : NULL;
}

static char *print_assumptions(gconstpointer target)
{
  const MoeGoodputPlan *plan = target;

  return moe_assumptions_print(plan->assumptions, plan->n_assumptions);
}

static const MoeField checkpoint_fields[] = {
    {"interval", .kind = MOE_FIELD_QUANTITY, .own = TRUE, .dimension = MOE_DIM_SECONDS, .print = print_interval,
     .also = "optimum", .meaning = "stepping time between checkpoints"},
    {"mode", MOE_FIELD_CHOICE(MoeGoodputPlan, mode, moe_checkpoint_words),
     .meaning = "written in the background after a copy to host memory, or while the steps wait"},
    {"bytes", MOE_FIELD_AMOUNT(MoeGoodputPlan, checkpoint_bytes, MOE_DIM_BYTES), .maximum = MAX_STORAGE,
     .meaning = "size of a checkpoint; 0: counted"},
    {NULL},
};

static const MoeSection checkpoint_section = {"checkpoint", checkpoint_fields, &defaults};

static const MoeField slow_fields[] = {
    {"mtbf", MOE_FIELD_AMOUNT(MoeSlowPeriods, mtbf_s, MOE_DIM_SECONDS), .required = TRUE,
     .meaning = "mean time between them, per GPU; 0: never"},
    {"lasts", MOE_FIELD_AMOUNT(MoeSlowPeriods, lasts_s, MOE_DIM_SECONDS), .required = TRUE, .meaning = "mean length"},
    {"slowdown", MOE_FIELD_BETWEEN(MoeSlowPeriods, slowdown, MOE_DIM_NONE, 1, MAX_SLOWDOWN), .required = TRUE,
     .meaning = "step time during one over that without"},
    {NULL},
};

static const MoeSlowPeriods no_slow = {.slowdown = 1};

static const MoeSection slow_section = {"slow periods", slow_fields, &no_slow};

static const MoePublishedGoodput none_published = {0};

static const MoeField published_fields[] = {
    {"wall_clock", MOE_FIELD_AMOUNT(MoePublishedGoodput, wall_s, MOE_DIM_SECONDS), .meaning = "whole length"},
    {"goodput", MOE_FIELD_SHARE(MoePublishedGoodput, goodput), .meaning = "share of it that made progress"},
    {"recomputation", MOE_FIELD_AMOUNT(MoePublishedGoodput, recomputation_s, MOE_DIM_SECONDS),
     .meaning = "steps done again"},
    {"slow_steps", MOE_FIELD_AMOUNT(MoePublishedGoodput, slow_s, MOE_DIM_SECONDS),
     .meaning = "slower steps, checkpoints included"},
    {"stopped", MOE_FIELD_AMOUNT(MoePublishedGoodput, stopped_s, MOE_DIM_SECONDS), .meaning = "not stepping"},
    {"overhead", MOE_FIELD_AMOUNT(MoePublishedGoodput, overhead_s, MOE_DIM_SECONDS),
     .meaning = "all that is not progress"},
    {"source", MOE_FIELD_STRING(MoePublishedGoodput, source), .meaning = "where it is published"},
    {NULL},
};

static const MoeSection published_section = {"published", published_fields, &none_published};

static const MoeField plan_fields[] = {
    {"tokens", MOE_FIELD_AMOUNT(MoeGoodputPlan, tokens, MOE_DIM_NONE), .maximum = MAX_TOKENS,
     .meaning = "tokens to train on; 0: not said"},
    {"step_time", DURATION(step_time_s), .meaning = "step time as measured; 0: predicted"},
    {"gpu_mtbf", DURATION(gpu_mtbf_s), .otherwise = "as the cluster says, else never",
     .meaning = "mean time between failures of one GPU; 0: never"},
    {"host_mtbf", DURATION(host_mtbf_s), .otherwise = "as the cluster says, else never",
     .meaning = "of one host; 0: never"},
    {"link_mtbf", DURATION(link_mtbf_s), .otherwise = "as the cluster says, else never",
     .meaning = "of one network link; 0: never"},
    {"weibull_shape",
     MOE_FIELD_BETWEEN(MoeGoodputPlan, weibull_shape, MOE_DIM_NONE, MIN_WEIBULL, MOE_MAX_WEIBULL_SHAPE),
     .otherwise = "as the cluster says, else 1", .meaning = "shape of the times between failures; 1: exponential"},
    {"detect", DURATION(detect_s), .meaning = "from a failure until the job is stopped"},
    {"restart", DURATION(restart_s), .meaning = "from there until it steps again, besides loading the checkpoint"},
    {"spares", MOE_FIELD_COUNT(MoeGoodputPlan, spares, ENOUGH_SPARES, MAX_SPARES),
     .meaning = "healthy hosts standing by; -1: always enough"},
    {"repair", DURATION(repair_s), .meaning = "until a failed host is a spare again"},
    {"reschedule", DURATION(reschedule_s), .meaning = "until a host from elsewhere takes part when no spare is left"},
    {"checkpoint", MOE_FIELD_PART(checkpoint_section), .meaning = "how state is saved"},
    {"storage", MOE_FIELD_BETWEEN(MoeGoodputPlan, storage_bytes_per_s, MOE_DIM_BYTES_PER_S, 1, MAX_STORAGE),
     .otherwise = "as the cluster says, else 100 GB/s", .meaning = "bandwidth of storage, all hosts together"},
    {"degraded", MOE_FIELD_PART_AT(MoeGoodputPlan, degraded, slow_section),
     .meaning = "periods of slow steps that end by themselves"},
    {"stragglers", MOE_FIELD_PART_AT(MoeGoodputPlan, stragglers, slow_section),
     .meaning = "slow hosts, which a restart leaves out"},
    {"published", MOE_FIELD_PART_AT(MoeGoodputPlan, published, published_section),
     .meaning = "what a maker reports of the training"},
    {"source", MOE_FIELD_STRING(MoeGoodputPlan, source),
     .meaning = "where the values come from: a document, a measurement"},
    {"assumptions", MOE_FIELD_PART(moe_assumption_section), .form = MOE_FORM_NAMED, .print = print_assumptions,
     .meaning = "what is not known of it, by key, with a range"},
    {NULL},
};

const MoeSection moe_goodput_section = {"goodput", plan_fields, &defaults};

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* A duration, or the word "optimum". */
static gboolean read_interval(const MoeNode *checkpoint, double *interval_s, GError **error)
{
  const MoeNode *node = checkpoint ? moe_node_get(checkpoint, "interval") : NULL;
  const char *text = node ? moe_node_text(node) : NULL;

  if (!node)
    return TRUE;
  if (text && strcmp(text, "optimum") == 0) {
    *interval_s = 0;
    return TRUE;
  }
  if (!moe_node_read_quantity(node, MOE_DIM_SECONDS, interval_s, error))
    return FALSE;
  if (*interval_s > 0)
    return TRUE;
  return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node),
                  "interval of checkpoints is 0, expected more, or optimum");
}

static void set_defaults(const MoeCluster *cluster, MoeGoodputPlan *plan)
{
  *plan = defaults;
  plan->gpu_mtbf_s = cluster->gpu_mtbf_s;
  plan->host_mtbf_s = cluster->host_mtbf_s;
  plan->link_mtbf_s = cluster->link_mtbf_s;
  if (cluster->weibull_shape > 0)
    plan->weibull_shape = cluster->weibull_shape;
  if (cluster->storage_bytes_per_s > 0)
    plan->storage_bytes_per_s = cluster->storage_bytes_per_s;
}

gboolean moe_goodput_plan_read(const MoeNode *node, const MoeCluster *cluster, MoeGoodputPlan *plan, GError **error)
{
  set_defaults(cluster, plan);
  if (!node)
    return TRUE;
  return moe_node_read_fields(node, plan_fields, "goodput", plan, error) &&
         moe_section_read(node, "checkpoint", checkpoint_fields, "checkpoint", plan, error) &&
         read_interval(moe_node_get(node, "checkpoint"), &plan->interval_s, error) &&
         moe_section_read(node, "degraded", slow_fields, "degraded", &plan->degraded, error) &&
         moe_section_read(node, "stragglers", slow_fields, "stragglers", &plan->stragglers, error) &&
         moe_section_read(node, "published", published_fields, "published", &plan->published, error);
}

gboolean moe_goodput_is_said(gconstpointer target)
{
  const MoeRun *run = target;
  MoeGoodputPlan usual;

  set_defaults(&run->cluster, &usual);
  g_autofree char *said = moe_section_print(&moe_goodput_section, &run->goodput, 0);
  g_autofree char *unsaid = moe_section_print(&moe_goodput_section, &usual, 0);
  return strcmp(said, unsaid) != 0;
}
