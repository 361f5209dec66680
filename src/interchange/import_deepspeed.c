/* DeepSpeed configurations (JSON) to runs, beside the configuration of the model. Keys: "DeepSpeed Configuration JSON"
 * of deepspeed.ai (2026), deepspeed/runtime/config.py and runtime/zero/config.py of deepspeedai/DeepSpeed. */
#include "hf.h"
#include "json.h"
#include "keyed.h"

#include <string.h>

/* Elements that a reduction waits for where the file does not say (runtime/zero/config.py: reduce_bucket_size). */
#define DEFAULT_BUCKET 500000000

/* -1 and NULL: not said. */
typedef struct {
  const char *optimizer, *communication, *accumulated, *parameter_device, *optimizer_device;
  int64_t batch, micro_batch, accumulation, stage, bucket, prefetch, subgroup, secondary, tensor, sequence;
  gboolean overlap, bf16, fp16, compressed_weights, compressed_gradients, partitioned, checkpoints_on_host;
} Deep;

#define COUNT(member) KEYED_COUNT, offsetof(Deep, member)
#define TEXT(member)  KEYED_TEXT, offsetof(Deep, member)
#define FLAG(member)  KEYED_FLAG, offsetof(Deep, member)

static const KeyedKey keys[] = {
    {"train_batch_size", COUNT(batch), "training.global_batch"},
    {"train_micro_batch_size_per_gpu", COUNT(micro_batch), "training.micro_batch"},
    {"gradient_accumulation_steps", COUNT(accumulation), "training.global_batch"},
    {"optimizer.type", TEXT(optimizer), "training.optimizer"},
    {"bf16.enabled", FLAG(bf16), "training.precision.gemm"},
    {"bfloat16.enabled", FLAG(bf16), "training.precision.gemm"},
    {"fp16.enabled", FLAG(fp16), "training.precision.gemm"},
    {"communication_data_type", TEXT(communication), "training.precision.gradient_reduce"},
    {"data_types.grad_accum_dtype", TEXT(accumulated), "training.precision.gradient_reduce"},
    {"zero_optimization.stage", COUNT(stage), "parallelism.zero"},
    {"zero_optimization.overlap_comm", FLAG(overlap), "parallelism.overlap.gradient_reduce"},
    {"zero_optimization.reduce_bucket_size", COUNT(bucket), "stack.bucket"},
    {"zero_optimization.stage3_prefetch_bucket_size", COUNT(prefetch), "parallelism.overlap.parameter_gather"},
    {"zero_optimization.mics_shard_size", COUNT(subgroup), "parallelism.shard_group"},
    {"zero_optimization.zero_hpz_partition_size", COUNT(secondary), "parallelism.shard_group"},
    {"zero_optimization.zero_quantized_weights", FLAG(compressed_weights), "training.precision.parameter_gather"},
    {"zero_optimization.zero_quantized_gradients", FLAG(compressed_gradients), "training.precision.gradient_reduce"},
    {"zero_optimization.offload_param.device", TEXT(parameter_device), "offload"},
    {"zero_optimization.offload_optimizer.device", TEXT(optimizer_device), "offload"},
    {"activation_checkpointing.partition_activations", FLAG(partitioned), "parallelism.sequence_parallel"},
    {"activation_checkpointing.cpu_checkpointing", FLAG(checkpoints_on_host), "offload.activations"},
    {"tensor_parallel.autotp_size", COUNT(tensor), "parallelism.tensor"},
    {"sequence_parallel_size", COUNT(sequence), "parallelism.context"},
};

static const KeyedIgnored ignored[] = {
    {"of learning: a number or a rule at the same cost",
     "optimizer.params.* optimizer.legacy_fusion scheduler.* gradient_clipping prescale_gradients "
     "gradient_predivide_factor fp16.loss_scale* fp16.initial_scale_power fp16.hysteresis fp16.min_loss_scale "
     "fp16.consecutive_hysteresis fp16.auto_cast bf16.check_grad_overflow curriculum_learning.* data_efficiency.* "
     "dataloader_drop_last seq_parallel_communication_data_type"},
    {"of logging, profiling and checkpoints",
     "steps_per_print wall_clock_breakdown dump_state memory_breakdown flops_profiler.* tensorboard.* wandb.* "
     "csv_monitor.* comet.* comms_logger.* monitor_config.* checkpoint.* nebula.* timers.* autotuning.* "
     "elasticity.* zero_optimization.stage3_gather_16bit_weights_on_model_save zero_optimization.elastic_checkpoint "
     "zero_optimization.stage3_gather_fp16_weights_on_model_save zero_optimization.load_from_fp32_weights "
     "zero_optimization.log_trace_cache_warnings activation_checkpointing.profile "
     "activation_checkpointing.number_checkpoints"},
    {"a buffer or an order at about the same cost, or the usual way",
     "zero_optimization.allgather_partitions zero_optimization.allgather_bucket_size "
     "zero_optimization.reduce_scatter zero_optimization.contiguous_gradients zero_optimization.round_robin_gradients "
     "zero_optimization.sub_group_size zero_optimization.stage3_max_live_parameters "
     "zero_optimization.stage3_max_reuse_distance zero_optimization.stage3_param_persistence_threshold "
     "zero_optimization.stage3_model_persistence_threshold zero_optimization.ignore_unused_parameters "
     "zero_optimization.use_multi_rank_bucket_allreduce zero_optimization.memory_efficient_linear "
     "zero_optimization.stage3_use_all_reduce_for_fetch_params zero_optimization.stage3_module_granularity_threshold "
     "zero_allow_untested_optimizer zero_force_ds_cpu_optimizer disable_allgather sparse_gradients "
     "activation_checkpointing.contiguous_memory_optimization "
     "activation_checkpointing.synchronize_checkpoint_boundary use_data_before_expert_parallel_"},
    {"of what is offloaded, which counts where a device is named",
     "zero_optimization.offload_param.pin_memory zero_optimization.offload_param.buffer_* "
     "zero_optimization.offload_param.max_in_cpu zero_optimization.offload_param.nvme_path "
     "zero_optimization.offload_optimizer.pin_memory zero_optimization.offload_optimizer.buffer_count "
     "zero_optimization.offload_optimizer.nvme_path zero_optimization.offload_optimizer.pipeline* "
     "zero_optimization.offload_optimizer.fast_init aio.*"},
};

/* ---- run ------------------------------------------------------------------------------------- */

static gboolean is_on_device(const char *device)
{
  return !device || strcmp(device, "none") == 0;
}

static void take_offload(Draft *draft, const Deep *deep)
{
  if (!is_on_device(deep->parameter_device))
    import_refuse(draft, "zero_optimization.offload_param", "weights kept on the host");
  if (g_strcmp0(deep->optimizer_device, "nvme") == 0)
    import_refuse(draft, "zero_optimization.offload_optimizer", "optimizer state on NVMe");
  else if (!is_on_device(deep->optimizer_device)) {
    /* zero/stage_1_and_2.py, stage3.py: reduced gradients wait on the host with it */
    draft->offload.optimizer = 1;
    draft->offload.gradients = draft->parallelism.zero >= 2;
  }
  if (deep->checkpoints_on_host)
    import_refuse(draft, "activation_checkpointing.cpu_checkpointing",
                  "checkpoints on the host before it is known what is a checkpoint (offload.activations of a run)");
  if (deep->partitioned && draft->parallelism.tensor > 1)
    import_refuse(draft, "activation_checkpointing.partition_activations",
                  "checkpoints divided over tensor-parallel ranks and gathered again");
}

/* ZeRO++ (arXiv:2306.10209) and MiCS (arXiv:2205.00119). */
static void take_groups(Draft *draft, const Deep *deep)
{
  if (deep->subgroup > 0)
    draft->parallelism.shard_group = deep->subgroup;
  if (deep->secondary > 1)
    import_refuse(draft, "zero_optimization.zero_hpz_partition_size", "a second copy of the weights within a host");
  if (deep->compressed_gradients)
    import_refuse(draft, "zero_optimization.zero_quantized_gradients", "gradients of 4 bits in two all-to-alls");
  if (deep->compressed_weights) {
    draft->training.precision.parameter_gather = MOE_FP8;
    import_note(draft, "zero_quantized_weights gathers 8-bit integers: taken as FP8, of the same size");
  }
}

static gboolean take_layout(Draft *draft, const KeyedTable *table, const Deep *deep, GError **error)
{
  MoeParallelism *p = &draft->parallelism;

  if (deep->stage < 0 || deep->stage > 3)
    return keyed_fail(table, "zero_optimization.stage", "0, 1, 2 or 3", error);
  p->zero = deep->stage;
  if (deep->tensor > 0)
    p->tensor = deep->tensor;
  if (deep->sequence > 0)
    p->context = deep->sequence;
  p->context_kind = MOE_CONTEXT_ULYSSES;
  /* runtime/zero/config.py: overlap_comm is true by default from stage 3 on. */
  p->overlap.gradient_reduce = deep->overlap < 0 ? p->zero == 3 : deep->overlap;
  p->overlap.parameter_gather = p->zero == 3 && deep->prefetch != 0;
  take_groups(draft, deep);
  take_offload(draft, deep);
  return TRUE;
}

static gboolean precision_of(const KeyedTable *table, const char *path, const char *word, MoePrecision *precision,
                             GError **error)
{
  static const struct {
    const char *word;
    MoePrecision precision;
  } words[] = {{"fp32", MOE_FP32}, {"fp16", MOE_FP16}, {"bf16", MOE_BF16}, {"bfp16", MOE_BF16}};

  for (gsize i = 0; word && i < G_N_ELEMENTS(words); i++)
    if (strcmp(words[i].word, word) == 0) {
      *precision = words[i].precision;
      return TRUE;
    }
  return !word || keyed_fail(table, path, "fp32, fp16 or bf16", error);
}

/* Whether one of two keys was left to whoever starts the training. */
static gboolean is_left(const Draft *draft, const char *one, const char *other)
{
  for (guint i = 0; i < draft->import->ignored->len; i++) {
    const char *entry = g_ptr_array_index(draft->import->ignored, i);

    if (g_str_has_prefix(entry, one) || g_str_has_prefix(entry, other))
      return TRUE;
  }
  return FALSE;
}

/* Gradients travel as what they are computed in, unless another type is named. */
static gboolean take_precision(Draft *draft, const KeyedTable *table, const Deep *deep, GError **error)
{
  MoePrecisions *p = &draft->training.precision;

  if (deep->bf16 && deep->fp16)
    return keyed_fail(table, "fp16.enabled", "either bf16 or fp16", error);
  if (!deep->bf16 && !deep->fp16 && draft->launched)
    return TRUE;
  if (!deep->bf16 && !deep->fp16 && is_left(draft, "bf16.enabled \"auto\"", "fp16.enabled \"auto\""))
    import_note(draft, "precision is left to the trainer (\"auto\"): BF16 chosen");
  else if (!deep->bf16 && !deep->fp16)
    return keyed_fail(table, "bf16.enabled", "true, or fp16.enabled: training in FP32 is not modelled", error);
  p->gemm = p->wgrad = p->parameter_gather = deep->fp16 ? MOE_FP16 : MOE_BF16;
  p->attention = p->lm_head = p->residual = p->dispatch = p->combine = p->gradient_reduce = p->gemm;
  return precision_of(table, "data_types.grad_accum_dtype", deep->accumulated, &p->gradient_reduce, error) &&
         precision_of(table, "communication_data_type", deep->communication, &p->gradient_reduce, error);
}

static gboolean take_optimizer(const KeyedTable *table, const Deep *deep, GError **error)
{
  return !deep->optimizer || import_is_listed("Adam AdamW FusedAdam DeepSpeedCPUAdam", deep->optimizer) ||
         keyed_fail(table, "optimizer.type", "Adam or AdamW", error);
}

/* train_batch_size = train_micro_batch_size_per_gpu x gradient_accumulation_steps x data-parallel ranks: what is not
 * said follows, the number of GPUs too. */
static gboolean take_batch(Draft *draft, const KeyedTable *table, const Deep *deep, GError **error)
{
  MoeTraining *t = &draft->training;
  MoeParallelism *p = &draft->parallelism;
  int64_t model = p->tensor * p->context, batch = deep->batch, micro = deep->micro_batch, steps = deep->accumulation;

  if (draft->options->gpus > 0)
    p->gpus = draft->options->gpus;
  else if (batch > 0 && micro > 0 && steps > 0)
    p->gpus = batch / (micro * steps) * model;
  int64_t ranks = p->gpus / model;

  if (ranks > 0 && batch > 0 && micro > 0 && steps > 0 && batch != micro * steps * ranks)
    return keyed_fail(table, "train_batch_size",
                      "micro-batch x accumulation steps x data-parallel ranks, as DeepSpeed does", error);
  if (micro > 0)
    t->micro_batch = micro;
  else if (ranks > 0 && batch > 0)
    t->micro_batch = MAX(batch / (ranks * MAX(steps, 1)), 1);
  if (batch > 0)
    t->global_batch = batch;
  else if (ranks > 0 && micro > 0)
    t->global_batch = micro * MAX(steps, 1) * ranks;
  return TRUE;
}

static void take_bucket(Draft *draft, const Deep *deep)
{
  double bytes = draft->training.precision.gradient_reduce == MOE_FP32 ? 4 : 2;

  draft->stack.bucket_bytes = bytes * (double)(deep->bucket > 0 ? deep->bucket : DEFAULT_BUCKET);
}

gboolean deepspeed_apply(const MoeImportText *config, Draft *draft, GError **error)
{
  g_autofree char *text = g_strndup(config->text, config->length); /* ends in NUL, for the search of lines */
  const KeyedTable table = {keys,  G_N_ELEMENTS(keys), ignored, G_N_ELEMENTS(ignored), "auto",
                            FALSE, config->name,       text};
  g_autoptr(JsonNode) root = moe_json_parse_once(config->text, config->length, MOE_IMPORT_MAX_BYTES, table.file, error);
  Deep deep = {.stage = draft->parallelism.zero, .overlap = -1, .prefetch = -1};

  if (!root || !keyed_read(&table, json_node_get_object(root), &deep, draft, error) ||
      !take_precision(draft, &table, &deep, error) || !take_layout(draft, &table, &deep, error) ||
      !take_optimizer(&table, &deep, error) || (!draft->launched && !take_batch(draft, &table, &deep, error)))
    return FALSE;
  take_bucket(draft, &deep);
  return TRUE;
}

MoeImport *moe_import_deepspeed(const MoeImportText *config, const MoeImportText *model,
                                const MoeImportOptions *options, GError **error)
{
  g_autofree char *model_text = g_strndup(model->text, model->length);
  g_autoptr(JsonNode) root = moe_json_parse_once(model->text, model->length, MOE_IMPORT_MAX_BYTES, model->name, error);
  g_autofree char *source = g_strdup_printf("%s, DeepSpeed configuration, of the model %s", config->name, model->name);
  Draft draft;

  const char *other = import_other_kind(config, "deepspeed");

  if (other) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = config->name, .line = 1, .column = 1},
             "no configuration of DeepSpeed, expected one before that of the model; %s", other);
    return import_fail(error);
  }
  if (!root)
    return import_fail_kind(model, "hf", error);
  import_begin(&draft, options, source, "imported from a DeepSpeed configuration", "megatron-deepspeed:2022");
  g_autoptr(MoeImport) import = draft.import;
  G_GNUC_UNUSED g_autoptr(GPtrArray) open = draft.open;
  if (!hf_model(json_node_get_object(root), model_text, model->name, &draft, error) || !import_settle(&draft, error))
    return import_fail_in(model, error);
  if (!deepspeed_apply(config, &draft, error) || !import_settle(&draft, error))
    return import_fail_in(config, error);
  import_note(&draft, "activation checkpointing is switched on by the model's code, not by this file: none is taken "
                      "(--set 'recompute={mode: full}' of moesim run says it)");
  if (!import_finish(&draft, error))
    return import_fail(error);
  return g_steal_pointer(&import);
}
