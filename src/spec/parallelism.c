/* Reader of the section `parallelism:` of a run. Degrees are checked against each other in validate.c. */
#include "internal.h"

#include <string.h>

#define DEGREE(member) MOE_FIELD_COUNT(MoeParallelism, member, 1, MOE_MAX_GPUS)

static const char *const context_words[] = {"ulysses", "ring", NULL};

static const MoeParallelism defaults = {.tensor = 1,
                                        .context = 1,
                                        .pipeline = 1,
                                        .virtual_stages = 1,
                                        .expert = 1,
                                        .expert_tensor = 1,
                                        .schedule = MOE_N_SCHEDULES,
                                        .order = "tp-cp-ep-dp-pp",
                                        .first_stage_layers = -1,
                                        .last_stage_layers = -1};

static const MoeField overlap_fields[] = {
    {"gradient_reduce", MOE_FIELD_FLAG(MoeParallelism, overlap.gradient_reduce), .axis = "overlap_reduce",
     .meaning = "reduction of gradients, behind the backward pass"},
    {"parameter_gather", MOE_FIELD_FLAG(MoeParallelism, overlap.parameter_gather), .axis = "overlap_gather",
     .meaning = "gathering of parameters, behind the layers before"},
    {"tensor", MOE_FIELD_FLAG(MoeParallelism, overlap.tensor), .axis = "overlap_tensor",
     .meaning = "tensor-parallel collectives, behind the GEMMs beside them"},
    {"expert", MOE_FIELD_FLAG(MoeParallelism, overlap.expert),
     .meaning = "dispatch and combine, behind other computation"},
    {"pipeline", MOE_FIELD_FLAG(MoeParallelism, overlap.pipeline), .axis = "overlap_pipeline",
     .meaning = "sends between stages, behind computation"},
    {NULL},
};

static const MoeSection overlap_section = {"overlap", overlap_fields, &defaults};

static const MoeField parallelism_fields[] = {
    {"gpus", DEGREE(gpus), .required = TRUE, .mechanism = "GPUs and batch", .axis = "gpus",
     .meaning = "all GPUs of the run"},
    {"tensor", DEGREE(tensor), .axis = "tensor", .meaning = "tensor-parallel ranks"},
    {"context", DEGREE(context), .axis = "context",
     .meaning = "context-parallel ranks: a sequence is divided over them"},
    {"context_kind", MOE_FIELD_CHOICE(MoeParallelism, context_kind, context_words),
     .meaning = "how context ranks share attention: heads change hands, or keys and values go round"},
    {"pipeline", DEGREE(pipeline), .axis = "pipeline", .meaning = "pipeline stages"},
    {"virtual_stages", MOE_FIELD_COUNT(MoeParallelism, virtual_stages, 1, MOE_MAX_CHUNKS), .axis = "virtual_stages",
     .otherwise = "as layout says, else 1", .meaning = "chunks of the model per stage"},
    {"expert", DEGREE(expert), .axis = "expert", .meaning = "expert-parallel ranks: experts are divided over them"},
    {"expert_tensor", DEGREE(expert_tensor), .axis = "expert_tensor",
     .meaning = "tensor-parallel ranks inside an expert"},
    {"sequence_parallel", MOE_FIELD_FLAG(MoeParallelism, sequence_parallel), .axis = "sequence_parallel",
     .meaning = "norms and dropout work on a part of the sequence per tensor rank"},
    {"schedule", MOE_FIELD_CHOICE(MoeParallelism, schedule, moe_schedule_words), .axis = "schedule",
     .otherwise = "none with one stage, interleaved with virtual stages, else 1f1b",
     .meaning = "order of the micro-batches in the pipeline"},
    {"zero", MOE_FIELD_COUNT(MoeParallelism, zero, 0, 3), .mechanism = "sharding of the optimizer", .axis = "zero",
     .meaning =
         "what data-parallel ranks divide: 0 nothing, 1 the optimizer, 2 gradients too, 3 parameters too (FSDP)"},
    {"shard_group", MOE_FIELD_COUNT(MoeParallelism, shard_group, 0, MOE_MAX_GPUS),
     .mechanism = "sharding of the optimizer",
     .meaning = "ranks that hold one whole copy between them (HSDP); 0: all data-parallel ranks"},
    {"order", MOE_FIELD_STRING(MoeParallelism, order),
     .meaning = "how ranks are laid out, fastest first: tp, cp, ep, dp and pp once each"},
    {"overlap", MOE_FIELD_PART(overlap_section), .mechanism = "overlap asked for",
     .meaning = "communication that the run asks to hide behind computation"},
    {"first_stage_layers", MOE_FIELD_COUNT(MoeParallelism, first_stage_layers, 0, MOE_MAX_LAYERS),
     .otherwise = "as the others", .meaning = "layers of the first stage"},
    {"last_stage_layers", MOE_FIELD_COUNT(MoeParallelism, last_stage_layers, 0, MOE_MAX_LAYERS),
     .otherwise = "as the others", .meaning = "layers of the last stage"},
    {"embedding_as_layer", MOE_FIELD_FLAG(MoeParallelism, embedding_as_layer),
     .meaning = "the embedding counts as a layer when layers are divided over stages"},
    {"head_as_layer", MOE_FIELD_FLAG(MoeParallelism, head_as_layer),
     .meaning = "the output projection counts as a layer when layers are divided over stages"},
    {"layout", MOE_FIELD_STRING(MoeParallelism, layout), .otherwise = "divided evenly",
     .meaning = "what each chunk holds, as Megatron-Core writes it: E embedding, t layer, m prediction module, L loss"},
    {NULL},
};

const MoeSection moe_parallelism_section = {"parallelism", parallelism_fields, &defaults};

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
  *parallelism = defaults;
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
