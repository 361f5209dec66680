/* Megatron arguments to the layout of a run. */
#include "megatron.h"

#include "schedule/schedule.h"

#include <string.h>

#define COUNT G_GINT64_FORMAT

static int64_t or_default(int64_t value, int64_t otherwise)
{
  return value > 0 ? value : otherwise;
}

/* ---- stages ---------------------------------------------------------------------------------- */

/* A layout says how many chunks there are. */
static gboolean take_layout(Draft *draft, const char *layout, GError **error)
{
  MoeParallelism *p = &draft->parallelism;
  guint n = 0;
  g_autofree char *wrong = NULL;
  g_autofree MoeChunk *chunks = moe_chunks_parse(layout, &n, &wrong);

  if (!chunks)
    return moe_fail_about(error, "--pipeline-model-parallel-layout", "%s", wrong);
  if (n % p->pipeline != 0)
    return moe_fail_about(error, "--pipeline-model-parallel-layout",
                          "%u chunks, expected a multiple of the stages (%" COUNT ")", n, p->pipeline);
  p->virtual_stages = n / p->pipeline;
  return TRUE;
}

/* transformer_block.py, get_num_layers_to_build: stages whose layers are given take theirs, the others share the rest
 * evenly. DeepSpeed's pipeline deals out what does not come out even. */
static gboolean check_split(const Draft *draft, const MegatronArguments *arguments, GError **error)
{
  const MoeParallelism *p = &draft->parallelism;
  gboolean first = arguments->first_layers > 0, last = arguments->last_layers > 0;
  int64_t places = arguments->layers + (arguments->embedding_counts ? 1 : 0) + (arguments->head_counts ? 1 : 0);
  int64_t stages = p->pipeline - (first ? 1 : 0) - (last ? 1 : 0);
  int64_t layers = places - arguments->first_layers - arguments->last_layers;

  if (draft->options->pipeline > 0 || arguments->layout || arguments->deepspeed || arguments->deepspeed_file ||
      megatron_hybrid_pattern(arguments))
    return TRUE;
  if ((first || last) && (arguments->embedding_counts || arguments->head_counts))
    return moe_fail_about(error,
                          arguments->embedding_counts ? "--account-for-embedding-in-pipeline-split"
                                                      : "--account-for-loss-in-pipeline-split",
                          "beside layers of the first or last stage, expected one of the two, as Megatron does");
  if (layers < 0 || (stages > 0 ? layers % stages != 0 : layers != 0))
    return moe_fail_about(error, "--pipeline-model-parallel-size",
                          "%" COUNT " layers%s over %" COUNT
                          " stages, expected as many for each, as Megatron does (--pipeline-model-parallel-layout says "
                          "others)",
                          layers,
                          first || last                ? " that are left"
                          : places > arguments->layers ? " with embedding or loss"
                                                       : "",
                          stages);
  return TRUE;
}

/* arguments.py: embedding and loss are places of their own when they are counted. */
static gboolean take_chunks(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeParallelism *p = &draft->parallelism;
  int64_t per_chunk = arguments->layers_per_chunk;
  int64_t places = arguments->layers + (arguments->embedding_counts ? 1 : 0) + (arguments->head_counts ? 1 : 0);

  p->virtual_stages = or_default(arguments->chunks, 1);
  if (arguments->layout)
    return take_layout(draft, arguments->layout, error);
  if (!check_split(draft, arguments, error))
    return FALSE;
  if (per_chunk == 0 || draft->options->virtual_stages > 0)
    return TRUE;
  if (arguments->first_layers > 0 || arguments->last_layers > 0)
    return moe_fail_about(error, "--num-layers-per-virtual-pipeline-stage",
                          "beside layers of the first or last stage, expected "
                          "--num-virtual-stages-per-pipeline-rank, as Megatron does");
  if (places % p->pipeline != 0 || places / p->pipeline % per_chunk != 0)
    return moe_fail_about(error, "--num-layers-per-virtual-pipeline-stage",
                          "%" COUNT " does not divide the layers of a stage", per_chunk);
  p->virtual_stages = places / p->pipeline / per_chunk;
  return TRUE;
}

/* schedules.py: micro-batches of a chunk take turns in groups, as many as there are stages unless told otherwise. */
static void check_turns(Draft *draft, const MegatronArguments *arguments)
{
  const MoeParallelism *p = &draft->parallelism;

  if (p->virtual_stages > 1 && arguments->batches_in_turn > 0 && arguments->batches_in_turn != p->pipeline)
    import_refuse(draft, "--microbatch-group-size-per-virtual-pipeline-stage",
                  "micro-batches that take turns in groups of another size than the stages");
}

static void take_stages(Draft *draft, const MegatronArguments *arguments)
{
  MoeParallelism *p = &draft->parallelism;

  if (arguments->first_layers > 0)
    p->first_stage_layers = arguments->first_layers;
  if (arguments->last_layers > 0)
    p->last_stage_layers = arguments->last_layers;
  p->embedding_as_layer = arguments->embedding_counts;
  p->head_as_layer = arguments->head_counts;
  p->layout = arguments->layout;
}

/* ---- data parallelism ------------------------------------------------------------------------ */

/* --data-parallel-sharding-strategy of Megatron-FSDP, in the order of the levels. */
static gboolean take_strategy(Draft *draft, const char *strategy, GError **error)
{
  static const char *const strategies[] = {"no_shard", "optim", "optim_grads", "optim_grads_params"};

  for (int level = 0; level < (int)G_N_ELEMENTS(strategies); level++)
    if (strcmp(strategy, strategies[level]) == 0) {
      draft->parallelism.zero = level;
      return TRUE;
    }
  return moe_fail_about(error, "--data-parallel-sharding-strategy",
                        "'%.40s' is not known, expected optim, optim_grads or optim_grads_params", strategy);
}

static gboolean take_zero(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeParallelism *p = &draft->parallelism;

  p->zero = arguments->fsdp ? 3 : arguments->distributed_optimizer ? 1 : CLAMP(arguments->zero_stage, 0, 3);
  if (arguments->outer_sharding && strcmp(arguments->outer_sharding, "no_shard") != 0)
    import_refuse(draft, "--outer-dp-sharding-strategy", "shards over both levels of data parallelism");
  /* the strategy is Megatron-FSDP's alone */
  return !arguments->sharding || !arguments->fsdp || take_strategy(draft, arguments->sharding, error);
}

/* --deepspeed_config: the reader of scripts puts the text of the file in the place of its name, where it can. */
static gboolean take_deepspeed(Draft *draft, const char *config, GError **error)
{
  const char *text = config ? config + strspn(config, " \t\n") : NULL;

  if (!text)
    return TRUE;
  draft->usual_stack = "megatron-deepspeed:2022";
  draft->launched = TRUE;
  if (*text == '{')
    return deepspeed_apply(&(MoeImportText){text, strlen(text), "--deepspeed_config"}, draft, error);
  import_refuse(draft, "--deepspeed_config",
                "sharding, precision and offload of a file that is neither written by the script nor found beside it");
  return TRUE;
}

/* --pp-partition-method of DeepSpeed's pipeline: layers of these types are dealt out evenly. */
static void take_partition(Draft *draft, const char *method)
{
  MoeParallelism *p = &draft->parallelism;

  if (!method || g_ascii_strcasecmp(method, "type:transformer") == 0)
    return;
  if (g_ascii_strcasecmp(method, "type:transformer|embedding") == 0)
    p->embedding_as_layer = p->head_as_layer = p->pipeline > 1;
  else
    import_refuse(draft, "--pp-partition-method", "stages cut by this measure");
}

/* --num-distributed-optimizer-instances: the optimizer is sharded within so many parts of the data-parallel ranks. */
static gboolean take_instances(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeParallelism *p = &draft->parallelism;
  int64_t data = p->gpus / (p->tensor * p->context * p->pipeline), n = arguments->optimizer_instances;

  if (n <= 1 || p->zero == 0)
    return TRUE;
  if (p->gpus == 0 || data % n != 0)
    return moe_fail_about(error, "--num-distributed-optimizer-instances",
                          "%" COUNT ", expected a divisor of the data-parallel ranks (%" COUNT ")", n, data);
  p->shard_group = data / n;
  return TRUE;
}

static void take_overlap(Draft *draft, const MegatronArguments *arguments)
{
  MoeParallelism *p = &draft->parallelism;

  p->overlap.gradient_reduce = arguments->overlap_reduce;
  p->overlap.parameter_gather = arguments->overlap_gather;
  p->overlap.tensor = arguments->overlap_tensor;
  p->overlap.expert = arguments->overlap_expert;
  /* arguments.py: overlap_p2p_comm is on with interleaving unless switched off, off without */
  p->overlap.pipeline = p->virtual_stages > 1 && !arguments->no_overlap_p2p;
}

/* ---- degrees --------------------------------------------------------------------------------- */

static gboolean check_degrees(const MegatronArguments *arguments, GError **error)
{
  const struct {
    const char *name;
    int64_t value;
  } degrees[] = {{"--tensor-model-parallel-size", arguments->tensor},
                 {"--pipeline-model-parallel-size", arguments->pipeline},
                 {"--context-parallel-size", arguments->context},
                 {"--expert-model-parallel-size", arguments->expert},
                 {"--expert-tensor-parallel-size", arguments->expert_tensor}};

  for (guint i = 0; i < G_N_ELEMENTS(degrees); i++)
    if (degrees[i].value > (1 << 16))
      return moe_fail_about(error, degrees[i].name, "%" COUNT ", expected at most 65536", degrees[i].value);
  return TRUE;
}

/* --cp-comm-type (one word; a list has been found to say the same for every layer). */
static gboolean take_context(Draft *draft, const char *word, GError **error)
{
  MoeParallelism *p = &draft->parallelism;

  p->context_kind = MOE_CONTEXT_RING;
  if (!word || strcmp(word, "p2p") == 0)
    return TRUE;
  if (strcmp(word, "a2a") == 0)
    p->context_kind = MOE_CONTEXT_ULYSSES;
  else if (p->context == 1)
    return TRUE;
  else if (strcmp(word, "a2a+p2p") == 0)
    import_note(draft, "--cp-comm-type a2a+p2p: an all-to-all within and a ring across groups cannot be said; a ring "
                       "over all ranks is taken");
  else if (strcmp(word, "allgather") == 0 || strcmp(word, "all_gather") == 0)
    import_note(draft, "--cp-comm-type allgather cannot be said; a ring, which moves as many bytes, is taken");
  else
    return moe_fail_about(error, "--cp-comm-type", "'%.40s', expected p2p, a2a, allgather or a2a+p2p", word);
  return TRUE;
}

/* --optimizer-cpu-offload: the CPU steps a share of the optimizer; --offload-optimizer-states: all of it waits there.
 */
static gboolean take_offload(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeOffload *offload = &draft->offload;

  if (!(arguments->optimizer_share >= 0 && arguments->optimizer_share <= 1))
    return moe_fail_about(error, "--optimizer-offload-fraction", "%g, expected 0 to 1", arguments->optimizer_share);
  if (arguments->optimizer_offload) {
    offload->optimizer = arguments->optimizer_share;
    offload->overlap = arguments->overlap_offload;
  } else if (arguments->states_offload) {
    offload->optimizer = 1;
    offload->update = MOE_UPDATE_DEVICE;
  }
  return TRUE;
}

static int64_t world_size(const MegatronArguments *arguments)
{
  if (arguments->world > 0)
    return arguments->world;
  if (arguments->host_gpus > 0)
    return arguments->host_gpus * MAX(arguments->hosts, 1);
  return arguments->tasks > 0 ? arguments->tasks : arguments->host_tasks * MAX(arguments->hosts, 1);
}

gboolean megatron_parallelism(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeParallelism *p = &draft->parallelism;

  if (!check_degrees(arguments, error))
    return FALSE;
  p->tensor = or_default(arguments->tensor, 1);
  p->pipeline = or_default(arguments->pipeline, 1);
  p->context = or_default(arguments->context, 1);
  p->expert = or_default(arguments->expert, 1);
  p->expert_tensor = arguments->experts > 0 ? or_default(arguments->expert_tensor, p->tensor) : 1;
  if (arguments->expert_tensor > 1 && arguments->experts == 0)
    import_note(draft, "--expert-tensor-parallel-size without --num-experts counts for nothing");
  p->gpus = or_default(draft->options->gpus, world_size(arguments));
  p->sequence_parallel = arguments->sequence_parallel && p->tensor > 1;
  p->order = arguments->tp_pp_dp ? "tp-cp-ep-pp-dp" : NULL;
  take_stages(draft, arguments);
  if (!take_context(draft, arguments->cp_kind, error) || !take_chunks(draft, arguments, error) ||
      !take_zero(draft, arguments, error) || !take_deepspeed(draft, arguments->deepspeed_file, error) ||
      !take_instances(draft, arguments, error))
    return FALSE;
  check_turns(draft, arguments);
  if (!arguments->deepspeed_file)
    take_overlap(draft, arguments);
  take_partition(draft, arguments->partition_method);
  return take_offload(draft, arguments, error);
}
