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

static const MoeField plan_fields[] = {
    {"tokens", MOE_FIELD_AMOUNT(MoeGoodputPlan, tokens, MOE_DIM_NONE), .maximum = MAX_TOKENS},
    {"step_time", DURATION(step_time_s)},
    {"gpu_mtbf", DURATION(gpu_mtbf_s)},
    {"host_mtbf", DURATION(host_mtbf_s)},
    {"link_mtbf", DURATION(link_mtbf_s)},
    {"weibull_shape", MOE_FIELD_AMOUNT(MoeGoodputPlan, weibull_shape, MOE_DIM_NONE), .minimum = MIN_WEIBULL,
     .maximum = MOE_MAX_WEIBULL_SHAPE},
    {"detect", DURATION(detect_s)},
    {"restart", DURATION(restart_s)},
    {"spares", MOE_FIELD_COUNT(MoeGoodputPlan, spares, ENOUGH_SPARES, MAX_SPARES)},
    {"repair", DURATION(repair_s)},
    {"reschedule", DURATION(reschedule_s)},
    {"checkpoint", MOE_FIELD_ELSEWHERE},
    {"storage", MOE_FIELD_AMOUNT(MoeGoodputPlan, storage_bytes_per_s, MOE_DIM_BYTES_PER_S), .minimum = 1,
     .maximum = MAX_STORAGE},
    {"degraded", MOE_FIELD_ELSEWHERE},
    {"stragglers", MOE_FIELD_ELSEWHERE},
    {"published", MOE_FIELD_ELSEWHERE},
    {"source", MOE_FIELD_STRING(MoeGoodputPlan, source)},
    {"assumptions", MOE_FIELD_ELSEWHERE},
    {NULL},
};

static const MoeField checkpoint_fields[] = {
    {"interval", MOE_FIELD_ELSEWHERE},
    {"mode", MOE_FIELD_CHOICE(MoeGoodputPlan, mode, moe_checkpoint_words)},
    {"bytes", MOE_FIELD_AMOUNT(MoeGoodputPlan, checkpoint_bytes, MOE_DIM_BYTES), .maximum = MAX_STORAGE},
    {NULL},
};

static const MoeField slow_fields[] = {
    {"mtbf", MOE_FIELD_AMOUNT(MoeSlowPeriods, mtbf_s, MOE_DIM_SECONDS), .required = TRUE},
    {"lasts", MOE_FIELD_AMOUNT(MoeSlowPeriods, lasts_s, MOE_DIM_SECONDS), .required = TRUE},
    {"slowdown", MOE_FIELD_AMOUNT(MoeSlowPeriods, slowdown, MOE_DIM_NONE), .required = TRUE, .minimum = 1,
     .maximum = MAX_SLOWDOWN},
    {NULL},
};

static const MoeField published_fields[] = {
    {"wall_clock", MOE_FIELD_AMOUNT(MoePublishedGoodput, wall_s, MOE_DIM_SECONDS)},
    {"goodput", MOE_FIELD_SHARE(MoePublishedGoodput, goodput)},
    {"recomputation", MOE_FIELD_AMOUNT(MoePublishedGoodput, recomputation_s, MOE_DIM_SECONDS)},
    {"slow_steps", MOE_FIELD_AMOUNT(MoePublishedGoodput, slow_s, MOE_DIM_SECONDS)},
    {"stopped", MOE_FIELD_AMOUNT(MoePublishedGoodput, stopped_s, MOE_DIM_SECONDS)},
    {"overhead", MOE_FIELD_AMOUNT(MoePublishedGoodput, overhead_s, MOE_DIM_SECONDS)},
    {"source", MOE_FIELD_STRING(MoePublishedGoodput, source)},
    {NULL},
};

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
  *plan = (MoeGoodputPlan){.detect_s = DEFAULT_DETECT_S,
                           .restart_s = DEFAULT_RESTART_S,
                           .repair_s = DEFAULT_REPAIR_S,
                           .reschedule_s = DEFAULT_RESCHEDULE_S,
                           .spares = ENOUGH_SPARES,
                           .gpu_mtbf_s = cluster->gpu_mtbf_s,
                           .host_mtbf_s = cluster->host_mtbf_s,
                           .link_mtbf_s = cluster->link_mtbf_s,
                           .weibull_shape = DEFAULT_WEIBULL_SHAPE,
                           .storage_bytes_per_s = DEFAULT_STORAGE_BYTES_PER_S,
                           .degraded.slowdown = 1,
                           .stragglers.slowdown = 1};
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
