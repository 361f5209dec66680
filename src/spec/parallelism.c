/* Reader of the section `parallelism:` of a run. Degrees are checked against each other in validate.c. */
#include "internal.h"

#include <string.h>

#define DEGREE(member) MOE_FIELD_COUNT(MoeParallelism, member, 1, MOE_MAX_GPUS)

static const char *const context_words[] = {"ulysses", "ring", NULL};

static const MoeField parallelism_fields[] = {
    {"gpus", DEGREE(gpus), .required = TRUE},
    {"tensor", DEGREE(tensor)},
    {"context", DEGREE(context)},
    {"context_kind", MOE_FIELD_CHOICE(MoeParallelism, context_kind, context_words)},
    {"pipeline", DEGREE(pipeline)},
    {"virtual_stages", MOE_FIELD_COUNT(MoeParallelism, virtual_stages, 1, MOE_MAX_CHUNKS)},
    {"expert", DEGREE(expert)},
    {"expert_tensor", DEGREE(expert_tensor)},
    {"sequence_parallel", MOE_FIELD_FLAG(MoeParallelism, sequence_parallel)},
    {"schedule", MOE_FIELD_CHOICE(MoeParallelism, schedule, moe_schedule_words)},
    {"zero", MOE_FIELD_COUNT(MoeParallelism, zero, 0, 3)},
    {"shard_group", MOE_FIELD_COUNT(MoeParallelism, shard_group, 0, MOE_MAX_GPUS)},
    {"order", MOE_FIELD_STRING(MoeParallelism, order)},
    {"overlap", MOE_FIELD_ELSEWHERE},
    {"first_stage_layers", MOE_FIELD_COUNT(MoeParallelism, first_stage_layers, 0, MOE_MAX_LAYERS)},
    {"last_stage_layers", MOE_FIELD_COUNT(MoeParallelism, last_stage_layers, 0, MOE_MAX_LAYERS)},
    {"embedding_as_layer", MOE_FIELD_FLAG(MoeParallelism, embedding_as_layer)},
    {"head_as_layer", MOE_FIELD_FLAG(MoeParallelism, head_as_layer)},
    {"layout", MOE_FIELD_STRING(MoeParallelism, layout)},
    {NULL},
};

static const MoeField overlap_fields[] = {
    {"gradient_reduce", MOE_FIELD_FLAG(MoeParallelism, overlap.gradient_reduce)},
    {"parameter_gather", MOE_FIELD_FLAG(MoeParallelism, overlap.parameter_gather)},
    {"tensor", MOE_FIELD_FLAG(MoeParallelism, overlap.tensor)},
    {"expert", MOE_FIELD_FLAG(MoeParallelism, overlap.expert)},
    {"pipeline", MOE_FIELD_FLAG(MoeParallelism, overlap.pipeline)},
    {NULL},
};

static int axis_index(const char *axis)
{
  static const char *const axes[] = {"tp", "cp", "ep", "dp", "pp", NULL};

  for (int i = 0; axes[i]; i++)
    if (strcmp(axis, axes[i]) == 0)
      return i;
  return -1;
}

/* Each of tp, cp, ep, dp, pp exactly once. */
static gboolean is_order(const char *order)
{
  g_auto(GStrv) axes = g_strsplit(order, "-", -1);
  guint seen = 0;

  for (char **axis = axes; *axis; axis++) {
    int index = axis_index(*axis);
    if (index < 0 || seen & (1u << index))
      return FALSE;
    seen |= 1u << index;
  }
  return seen == (1u << 5) - 1;
}

/* Stages without a schedule run 1F1B, Megatron-LM's way; several chunks per stage interleave. */
static MoeScheduleKind default_schedule(const MoeParallelism *parallelism)
{
  if (parallelism->pipeline == 1)
    return MOE_SCHEDULE_NONE;
  return parallelism->virtual_stages > 1 ? MOE_SCHEDULE_INTERLEAVED : MOE_SCHEDULE_1F1B;
}

/* A layout is one, and says how many chunks a stage has (Megatron-Core) where virtual_stages does not. */
static gboolean read_layout(const MoeNode *node, MoeParallelism *p, GError **error)
{
  g_autofree char *wrong = NULL;
  guint n = 0;

  if (!p->layout)
    return TRUE;
  MoeMark mark = moe_node_mark(moe_node_get(node, "layout"));
  g_autofree MoeChunk *chunks = moe_chunks_parse(p->layout, &n, &wrong);

  if (!chunks)
    return moe_fail(error, MOE_ERROR_INPUT, mark, "%s", wrong);
  if (n % p->pipeline != 0)
    return moe_fail(error, MOE_ERROR_LAYOUT, mark,
                    "layout of %u chunks, expected a multiple of pipeline (%" G_GINT64_FORMAT ")", n, p->pipeline);
  if (!moe_node_get(node, "virtual_stages"))
    p->virtual_stages = n / p->pipeline;
  return TRUE;
}

gboolean moe_parallelism_read(const MoeNode *node, MoeParallelism *parallelism, GError **error)
{
  *parallelism = (MoeParallelism){.tensor = 1,
                                  .context = 1,
                                  .pipeline = 1,
                                  .virtual_stages = 1,
                                  .expert = 1,
                                  .expert_tensor = 1,
                                  .schedule = MOE_N_SCHEDULES,
                                  .order = "tp-cp-ep-dp-pp",
                                  .first_stage_layers = -1,
                                  .last_stage_layers = -1};
  if (!moe_node_read_fields(node, parallelism_fields, "parallelism", parallelism, error) ||
      !moe_section_read(node, "overlap", overlap_fields, "overlap", parallelism, error) ||
      !read_layout(node, parallelism, error))
    return FALSE;
  if (parallelism->schedule == MOE_N_SCHEDULES)
    parallelism->schedule = default_schedule(parallelism);
  if (!is_order(parallelism->order))
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_node_get(node, "order")),
                    "\"%s\" for order, expected tp, cp, ep, dp and pp once each, joined by -, such as tp-cp-ep-dp-pp",
                    parallelism->order);
  return TRUE;
}
