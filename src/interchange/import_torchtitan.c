/* torchtitan configurations (TOML) to runs. Keys: torchtitan/config/job_config.py of pytorch/torchtitan, 2024 to 2025.
 */
#include "json.h"
#include "keyed.h"
#include "notation/toml.h"
#include "primus.h"
#include "titan.h"
#include "titan_yaml.h"

#include <stdlib.h>
#include <string.h>

/* torchtitan/config/job_config.py, where a file says nothing. */
#define SEQUENCE  2048
#define BATCH     8           /* sequences of a rank and step */
#define RECOMPUTE "selective" /* activation_checkpoint.mode */
#define SELECTIVE "2"         /* activation_checkpoint.selective_ac_option: every second layer */

typedef struct {
  const char *model, *flavor, *optimizer, *schedule, *rotate, *reshard, *checkpointing, *selective, *reduce,
      *parameters, *recipe, *mx_recipe, *components, *converters, *implementation, *dispatcher, *weights, *filtered,
      *converted;
  int64_t layers, stage_micro, sequence, local_batch, global_batch, replicate, shard, tensor, context, pipeline, expert,
      expert_tensor;
  int64_t less_first, less_last, stage_layers; /* of a pipeline: what embedding and head count for, layers of a chunk */
  gboolean async_tensor, float8_linear, float8_gather, cpu_offload, compile, early_step, fused, deterministic,
      gathered_loss, balanced, once_deterministic, attention_float8, turbo_experts, turbo_float8;
} Titan;

#define COUNT(member) KEYED_COUNT, offsetof(Titan, member)
#define REST(member)  KEYED_REST, offsetof(Titan, member)
#define TEXT(member)  KEYED_TEXT, offsetof(Titan, member)
#define FLAG(member)  KEYED_FLAG, offsetof(Titan, member)
/* Linear layers that stay as they are beside converted ones: of a run the output, routers and norms do. */
#define FILTERED                                                                                                       \
  KEYED_KEPT, offsetof(Titan, filtered), "training.precision.lm_head",                                                 \
      "output lm_head gate router router.gate moe.router.gate auto_filter_small_kn"
#define CONVERTED KEYED_KEPT, offsetof(Titan, converted), "training.precision.gemm", "experts"

static const KeyedKey keys[] = {
    {"model.name", TEXT(model), "architecture"},
    {"model.flavor", TEXT(flavor), "architecture"},
    {"model.n_layers", COUNT(layers), "architecture.layers"},
    {"optimizer.name", TEXT(optimizer), "training.optimizer"},
    {"training.seq_len", COUNT(sequence), "training.sequence_length"},
    {"training.local_batch_size", COUNT(local_batch), "training.micro_batch"},
    {"training.batch_size", COUNT(local_batch), "training.micro_batch"},
    {"training.global_batch_size", REST(global_batch), "training.global_batch"},
    {"training.mixed_precision_param", TEXT(parameters), "training.precision.gemm"},
    {"training.mixed_precision_reduce", TEXT(reduce), "training.precision.gradient_reduce"},
    {"training.enable_cpu_offload", FLAG(cpu_offload), "offload"},
    {"training.compile", FLAG(compile), "stack.fused"},
    {"compile.enable", FLAG(compile), "stack.fused"},
    {"parallelism.data_parallel_replicate_degree", COUNT(replicate), "parallelism.shard_group"},
    {"parallelism.data_parallel_shard_degree", REST(shard), "parallelism.zero"},
    {"parallelism.fsdp_reshard_after_forward", TEXT(reshard), "parallelism.zero"},
    {"parallelism.tensor_parallel_degree", COUNT(tensor), "parallelism.tensor"},
    {"parallelism.enable_async_tensor_parallel", FLAG(async_tensor), "parallelism.overlap.tensor"},
    {"parallelism.context_parallel_degree", COUNT(context), "parallelism.context"},
    {"parallelism.context_parallel_rotate_method", TEXT(rotate), "parallelism.context_kind"},
    {"parallelism.pipeline_parallel_degree", COUNT(pipeline), "parallelism.pipeline"},
    {"parallelism.pipeline_parallel_schedule", TEXT(schedule), "parallelism.schedule"},
    {"parallelism.pipeline_parallel_first_stage_less_layers", COUNT(less_first), "parallelism.embedding_as_layer"},
    {"parallelism.pipeline_parallel_last_stage_less_layers", COUNT(less_last), "parallelism.head_as_layer"},
    {"parallelism.pipeline_parallel_layers_per_stage", COUNT(stage_layers), "parallelism.virtual_stages"},
    {"parallelism.expert_parallel_degree", COUNT(expert), "parallelism.expert"},
    {"parallelism.expert_tensor_parallel_degree", COUNT(expert_tensor), "parallelism.expert_tensor"},
    {"experimental.context_parallel_degree", COUNT(context), "parallelism.context"},
    {"experimental.pipeline_parallel_degree", COUNT(pipeline), "parallelism.pipeline"},
    {"experimental.pipeline_parallel_schedule", TEXT(schedule), "parallelism.schedule"},
    {"experimental.enable_async_tensor_parallel", FLAG(async_tensor), "parallelism.overlap.tensor"},
    {"activation_checkpoint.mode", TEXT(checkpointing), "recompute.mode"},
    {"activation_checkpoint.selective_ac_option", TEXT(selective), "recompute.modules"},
    {"model.converters", KEYED_WORD, offsetof(Titan, converters), "training.precision.gemm",
     "primus_turbo float8 mx quantize.linear.float8 quantize.linear.mx quantize.grouped_mm.float8 "
     "quantize.grouped_mm.mx "
     "quantize.dense.float8 quantize.dense.mx quantize.moe.float8 quantize.moe.mx"},
    {"compile.components", KEYED_WORD, offsetof(Titan, components), "stack.fused", "model loss"},
    {"float8.enable_float8_linear", FLAG(float8_linear), "training.precision.gemm"},
    {"training.enable_fp8_linear", FLAG(float8_linear), "training.precision.gemm"},
    {"training.dtype", TEXT(weights), "training.precision.master"},
    {"training.data_parallel_degree", REST(shard), "parallelism.zero"},
    {"training.data_parallel_shard_degree", REST(shard), "parallelism.zero"},
    {"training.data_parallel_replicate_degree", COUNT(replicate), "parallelism.shard_group"},
    {"training.tensor_parallel_degree", COUNT(tensor), "parallelism.tensor"},
    {"optimizer.implementation", TEXT(implementation), "stack.fused"},
    {"optimizer.fused", FLAG(fused), "stack.fused"},
    {"optimizer.early_step_in_backward", FLAG(early_step), "memory"},
    {"parallelism.pipeline_parallel_microbatch_size", COUNT(stage_micro), "training.micro_batch"},
    {"parallelism.expert_parallel_comm_backend", TEXT(dispatcher), "stack.collectives.expert_library"},
    {"float8.recipe_name", TEXT(recipe), "training.precision.scaling"},
    {"quantize.linear.float8.recipe_name", TEXT(recipe), "training.precision.scaling"},
    {"quantize.grouped_mm.mx.recipe_name", TEXT(mx_recipe), "training.precision.gemm"},
    {"primus_turbo.enable_attention_float8", FLAG(attention_float8), "training.precision.attention"},
    {"primus_turbo.use_turbo_grouped_mm", FLAG(turbo_experts), "training.precision.gemm"},
    {"primus_turbo.use_moe_fp8", FLAG(turbo_float8), "training.precision.gemm"},
    {"mx.recipe_name", TEXT(mx_recipe), "training.precision.gemm"},
    {"quantize.linear.mx.recipe_name", TEXT(mx_recipe), "training.precision.gemm"},
    {"float8.enable_fsdp_float8_all_gather", FLAG(float8_gather), "training.precision.parameter_gather"},
    {"quantize.linear.float8.enable_fsdp_float8_all_gather", FLAG(float8_gather),
     "training.precision.parameter_gather"},
    {"float8.filter_fqns", FILTERED},
    {"mx.filter_fqns", FILTERED},
    {"quantize.linear.float8.filter_fqns", FILTERED},
    {"quantize.linear.mx.filter_fqns", FILTERED},
    {"quantize.dense.float8.filter_fqns", FILTERED},
    {"quantize.dense.mx.filter_fqns", FILTERED},
    {"float8.moe_fqns_prototype", CONVERTED},
    {"mx.moe_fqns_prototype", CONVERTED},
    {"quantize.grouped_mm.float8.fqns", CONVERTED},
    {"quantize.grouped_mm.mx.fqns", CONVERTED},
    {"quantize.moe.float8.fqns", CONVERTED},
    {"quantize.moe.mx.fqns", CONVERTED},
    {"training.deterministic", FLAG(once_deterministic), "stack.kernels"},
    {"debug.deterministic", FLAG(deterministic), "stack.kernels"},
    {"training.debug_moe_force_load_balance", FLAG(balanced), "training.routing.balance"},
    {"debug.moe_force_load_balance", FLAG(balanced), "training.routing.balance"},
    {"parallelism.disable_loss_parallel", FLAG(gathered_loss), "parallelism.tensor"},
    {"quantize.dense.float8.recipe_name", TEXT(recipe), "training.precision.scaling"},
    {"quantize.dense.mx.recipe_name", TEXT(mx_recipe), "training.precision.gemm"},
    {"quantize.dense.float8.enable_fsdp_float8_all_gather", FLAG(float8_gather), "training.precision.parameter_gather"},
};

static const KeyedIgnored ignored[] = {
    {"of the job, logging and profiling",
     "job.* profiling.* metrics.* comm.* memory_estimation.* fault_tolerance.* debug.*"},
    {"of checkpoints: moesim goodput prices them", "checkpoint.*"},
    {"of Primus: logging", "trainable sink_level file_sink_level stderr_sink_level"},
    {"kernels of Primus-Turbo: the stack's own values are kept", "primus_turbo.*"},
    {"of learning and data", "lr_scheduler.* validation.* optimizer.lr optimizer.eps optimizer.beta1 optimizer.beta2 "
                             "optimizer.weight_decay optimizer.foreach "
                             "training.max_norm training.steps training.dataset* training.mock_data "
                             "training.warmup_steps training.seed training.gc_freq "
                             "training.gc_debug training.data_parallel_type "
                             "training.dataloader* model.tokenizer* model.hf_assets_path model.print_after_conversion "
                             "experimental.custom* model.norm_type"},
    {"numbers at the same cost, or the stack's own value",
     "*.emulate *.precompute_float8_dynamic_scale_for_fsdp "
     "*.force_recompute_fp8_weight_in_bwd *.mxfp8_dim1_cast_kernel_choice *.use_fp8_dim1_cast_triton_kernel "
     "compile.backend parallelism.enable_compiled_autograd "
     "activation_checkpoint.early_stop activation_checkpoint.preserve_rng_state "
     "activation_checkpoint.per_op_sac* experimental.enable_compiled_autograd"},
};

static gboolean fail_key(const char *file, const char *path, const char *expected, GError **error)
{
  return keyed_fail(&(KeyedTable){.file = file}, path, expected, error);
}

/* ---- run ------------------------------------------------------------------------------------- */

static gboolean take_model(Draft *draft, const Titan *titan, const char *file, GError **error)
{
  const TitanFlavor *flavor = titan->model && titan->flavor ? titan_flavor(titan->model, titan->flavor) : NULL;

  if (flavor) {
    draft->architecture = flavor->architecture;
    if (titan->layers > 0) /* Primus: of the flavor, so many */
      draft->architecture.layers = titan->layers;
    return TRUE;
  }
  g_autofree char *known = titan_flavors();
  g_autofree char *expected =
      g_strdup_printf("a model and a flavor, one of %s, not %.40s/%.40s", known, titan->model ? titan->model : "llama3",
                      titan->flavor ? titan->flavor : "debugmodel");

  return fail_key(file, "model.flavor", expected, error);
}

static gboolean take_schedule(Draft *draft, const char *word, const char *file, GError **error)
{
  static const struct {
    const char *word;
    MoeScheduleKind schedule;
    int chunks;
  } schedules[] = {{"1F1B", MOE_SCHEDULE_1F1B, 1},
                   {"GPipe", MOE_SCHEDULE_GPIPE, 1},
                   {"Interleaved1F1B", MOE_SCHEDULE_INTERLEAVED, 2},
                   {"ZBVZeroBubble", MOE_SCHEDULE_ZB_V, 2},
                   {"DualPipeV", MOE_SCHEDULE_DUALPIPE_V, 2}};
  MoeParallelism *p = &draft->parallelism;

  for (gsize i = 0; p->pipeline > 1 && i < G_N_ELEMENTS(schedules); i++)
    if (g_ascii_strcasecmp(schedules[i].word, word ? word : "1F1B") == 0) {
      p->schedule = schedules[i].schedule;
      p->virtual_stages = schedules[i].chunks;
      return TRUE;
    }
  return p->pipeline == 1 || fail_key(file, "parallelism.pipeline_parallel_schedule",
                                      "1F1B, GPipe, Interleaved1F1B, ZBVZeroBubble or DualPipeV", error);
}

/* Layers of a chunk are given: as many chunks as that makes (torchtitan/distributed/pipeline_parallel.py). */
static gboolean take_chunks(Draft *draft, const Titan *titan, const char *file, GError **error)
{
  MoeParallelism *p = &draft->parallelism;
  int64_t places = draft->architecture.layers + titan->less_first + titan->less_last;
  int64_t chunks = titan->stage_layers > 0 ? (places + titan->stage_layers - 1) / titan->stage_layers : 0;

  if (p->pipeline == 1 || chunks == 0)
    return TRUE;
  if (chunks % p->pipeline != 0)
    return fail_key(file, "parallelism.pipeline_parallel_layers_per_stage",
                    "layers that make a multiple of the pipeline's stages", error);
  p->virtual_stages = chunks / p->pipeline;
  return TRUE;
}

/* Embedding and head count for layers; what is over goes to the first chunks, one each. An uneven split is a layout. */
static char *take_split(Draft *draft, const Titan *titan)
{
  MoeParallelism *p = &draft->parallelism;
  int64_t chunks = p->pipeline * p->virtual_stages;
  int64_t places = draft->architecture.layers + titan->less_first + titan->less_last;
  char *layout = NULL;

  if (p->pipeline == 1)
    return NULL;
  p->embedding_as_layer = titan->less_first == 1;
  p->head_as_layer = titan->less_last == 1;
  if ((titan->less_first <= 1 && titan->less_last <= 1 && places % chunks == 0) || places < chunks)
    return NULL;
  layout = titan_layout(draft->architecture.layers, chunks, titan->less_first, titan->less_last);
  p->embedding_as_layer = p->head_as_layer = FALSE;
  p->layout = layout;
  return layout;
}

/* FSDP2 gathers weights again in backward unless told otherwise, or unless there is a pipeline ("default"). */
static void take_sharding(Draft *draft, const Titan *titan)
{
  MoeParallelism *p = &draft->parallelism;
  const char *reshard = titan->reshard ? titan->reshard : "default";
  gboolean again = strcmp(reshard, "always") == 0 || (strcmp(reshard, "default") == 0 && p->pipeline == 1);

  p->zero = titan->shard == 1 ? 0 : again ? 3 : 2;
  if (titan->replicate > 1 && titan->shard > 1)
    p->shard_group = titan->shard * p->context;
  if (titan->shard > 0)
    p->gpus = MAX(titan->replicate, 1) * titan->shard * p->tensor * p->context * p->pipeline;
  p->overlap.gradient_reduce = p->overlap.parameter_gather = TRUE;
  p->overlap.tensor = titan->async_tensor;
}

static gboolean take_layout(Draft *draft, const Titan *titan, const char *file, GError **error)
{
  MoeParallelism *p = &draft->parallelism;

  p->tensor = MAX(titan->tensor, 1);
  p->context = MAX(titan->context, 1);
  p->pipeline = MAX(titan->pipeline, 1);
  p->expert = MAX(titan->expert, 1);
  p->expert_tensor = MAX(titan->expert_tensor, 1);
  p->sequence_parallel = p->tensor > 1;
  p->context_kind = MOE_CONTEXT_RING;
  take_sharding(draft, titan);
  if (p->context > 1 && g_strcmp0(titan->rotate, "alltoall") != 0)
    import_note(draft,
                "parallelism.context_parallel_rotate_method: keys and values that are gathered at once are taken "
                "as a ring, which moves as many bytes");
  if (titan->gathered_loss && p->tensor > 1)
    import_refuse(draft, "parallelism.disable_loss_parallel", "logits of all tokens on each tensor-parallel rank");
  if (titan->cpu_offload)
    import_refuse(draft, "training.enable_cpu_offload", "weights and optimizer state kept on the host");
  return take_schedule(draft, titan->schedule, file, error) && take_chunks(draft, titan, file, error);
}

/* mode "selective": "op" keeps attention and every second product; a number n recomputes every n-th layer whole. */
static gboolean take_recompute(Draft *draft, const Titan *titan, const char *file, GError **error)
{
  MoeRecompute *recompute = &draft->recompute;
  if (!titan->checkpointing)
    import_note(draft, "activation_checkpoint.mode is not in the input: \"" RECOMPUTE "\", torchtitan's own default");
  const char *mode = titan->checkpointing ? titan->checkpointing : RECOMPUTE,
             *option = titan->selective ? titan->selective : SELECTIVE;
  gint64 every = 0;

  if (strcmp(mode, "none") == 0)
    return TRUE;
  if (strcmp(mode, "full") == 0) {
    recompute->mode = MOE_RECOMPUTE_FULL;
    return TRUE;
  }
  if (strcmp(mode, "selective") != 0)
    return fail_key(file, "activation_checkpoint.mode", "none, selective or full", error);
  if (g_ascii_string_to_signed(option, 10, 0, 1000, &every, NULL)) {
    recompute->mode = MOE_RECOMPUTE_FULL;
    recompute->every = MAX(every, 1); /* 0: each layer, as 1 */
    return TRUE;
  }
  if (strcmp(option, "op") != 0)
    return fail_key(file, "activation_checkpoint.selective_ac_option", "op, or a whole number such as 2", error);
  /* torchtitan/distributed/activation_checkpoint.py: what its policy keeps; all-to-alls since experts came */
  recompute->mode = MOE_RECOMPUTE_OPERATORS;
  recompute->saves = MOE_SAVE_ALTERNATE_LINEAR | MOE_SAVE_CORE_ATTENTION | MOE_SAVE_REDUCE_SCATTER |
                     (draft->architecture.moe.experts > 0 ? MOE_SAVE_ALL_TO_ALL : 0);
  return TRUE;
}

/* Converters of linear layers: torchao's FP8 scales each tensor by its own greatest value unless a recipe says
 * otherwise; "mx" is MXFP8 unless its recipe is another. Experts are converted by a converter of their own. */
static gboolean take_converters(Draft *draft, const Titan *titan, const char *file, GError **error)
{
  MoePrecisions *p = &draft->training.precision;
  const char *words = titan->converters ? titan->converters : "", *recipe = titan->recipe ? titan->recipe : "";
  gboolean float8 = strstr(words, "float8") || titan->float8_linear, mx = strstr(words, "mx") != NULL;
  gboolean experts = draft->architecture.moe.experts > 0 && !strstr(words, "grouped_mm") && !strstr(words, "moe");

  p->gemm = p->wgrad = mx ? MOE_MXFP8 : float8 ? MOE_FP8 : MOE_BF16;
  if (float8)
    p->scaling = g_str_has_prefix(recipe, "rowwise") ? MOE_FP8_SCALING_ROW : MOE_FP8_SCALING_CURRENT;
  if (float8 && strcmp(recipe, "rowwise_with_gw_hp") == 0)
    p->wgrad = MOE_BF16;
  p->parameter_gather = float8 && titan->float8_gather ? MOE_FP8 : MOE_BF16;
  if (float8 && mx)
    return fail_key(file, "model.converters", "either float8 or mx", error);
  if (mx && titan->mx_recipe && !g_str_has_prefix(titan->mx_recipe, "mxfp8"))
    return fail_key(file, "mx.recipe_name", "mxfp8_cublas or another of MXFP8", error);
  if (float8 && !(titan->filtered && strstr(titan->filtered, "output")))
    import_note(draft, "filter_fqns does not name the output layer: it is taken in BF16, as versions before 2025 and "
                       "torchtitan's own configurations keep it");
  if (titan->attention_float8)
    import_refuse(draft, "primus_turbo.enable_attention_float8", "attention in FP8 under torchtitan");
  if (experts && titan->turbo_experts && titan->turbo_float8 && !float8 && !mx)
    import_refuse(draft, "primus_turbo.use_moe_fp8", "experts in FP8 beside other layers in BF16");
  if ((float8 || mx) && experts && !(titan->turbo_experts && titan->turbo_float8))
    import_note(draft, "model.converters converts linear layers; that experts stay in BF16 cannot be said, they are "
                       "taken in the same format");
  return TRUE;
}

/* What torch.compile makes one kernel of, in the model and in the loss; without it they are PyTorch's own. Nothing is
 * compiled unless told to. */
static gboolean take_compiled(Draft *draft, const Titan *titan, const char *file, GError **error)
{
  const guint model = IMPORT_FUSED_RESIDUAL_NORM | IMPORT_FUSED_ROTARY | IMPORT_FUSED_ACTIVATION | IMPORT_FUSED_ROUTER;
  const char *components = titan->components ? titan->components : "model loss";
  ImportStack *stack = &draft->stack;

  stack->fused_known |= model | IMPORT_FUSED_CROSS_ENTROPY;
  if (titan->compile && strstr(components, "model"))
    stack->fused |= model;
  if (titan->compile && strstr(components, "loss"))
    stack->fused |= IMPORT_FUSED_CROSS_ENTROPY;
  if (titan->deterministic || titan->once_deterministic)
    import_refuse(draft, titan->deterministic ? "debug.deterministic" : "training.deterministic",
                  "kernels that add up in one order");
  if (stack->fused & IMPORT_FUSED_ACTIVATION)
    return TRUE;
  import_note(draft, "the model is not compiled: its element-wise kernels are taken as PyTorch's own");
  return !titan->async_tensor || fail_key(file, "enable_async_tensor_parallel",
                                          "[compile] with the model beside it, as torchtitan does", error);
}

/* The optimizer: one kernel for many tensors unless told to loop over them. */
static void take_optimizer(Draft *draft, const Titan *titan)
{
  ImportStack *stack = &draft->stack;

  stack->fused_known |= IMPORT_FUSED_OPTIMIZER;
  if (g_strcmp0(titan->implementation, "for-loop") != 0)
    stack->fused |= IMPORT_FUSED_OPTIMIZER;
  if (titan->early_step)
    import_refuse(draft, "optimizer.early_step_in_backward", "an optimizer that steps within the backward pass");
  if (titan->weights && strcmp(titan->weights, "float32") != 0)
    import_refuse(draft, "training.dtype", "weights, gradients and optimizer state in 16 bits alone");
}

static gboolean take_dispatcher(Draft *draft, const char *word, const char *file, GError **error)
{
  if (!word)
    return TRUE;
  draft->stack.expert_library = strcmp(word, "standard") == 0 ? "nccl" : word;
  draft->stack.deduplicate = strcmp(word, "standard") != 0;
  return import_is_listed("standard deepep hybridep", word) ||
         fail_key(file, "parallelism.expert_parallel_comm_backend", "standard, deepep or hybridep", error);
}

static int64_t or_default(Draft *draft, const char *key, int64_t value, int64_t otherwise)
{
  if (value > 0)
    return value;
  import_note(draft, "%s is not in the input: %" G_GINT64_FORMAT ", torchtitan's own default", key, otherwise);
  return otherwise;
}

static void take_training(Draft *draft, const Titan *titan)
{
  MoeTraining *t = &draft->training;
  MoePrecisions *p = &t->precision;
  MoeParallelism *layout = &draft->parallelism;

  t->sequence_length = or_default(draft, "training.seq_len", titan->sequence, SEQUENCE);
  t->micro_batch = or_default(draft, "training.local_batch_size", titan->local_batch, BATCH);
  if (titan->global_batch > 0)
    t->global_batch = titan->global_batch;
  int64_t gpus = draft->options->gpus > 0 ? draft->options->gpus : layout->gpus;
  int64_t data = gpus / (layout->tensor * layout->context * layout->pipeline);

  if (layout->pipeline > 1) { /* the local batch is cut into micro-batches, of one sequence unless said */
    if (titan->local_batch > 0 && t->global_batch > 0 && gpus > 0 && t->global_batch != t->micro_batch * data)
      import_refuse(draft, "training.global_batch_size",
                    "a pipeline that is filled and drained several times in a step");
    t->global_batch = t->global_batch > 0 ? t->global_batch : t->micro_batch * data;
    t->micro_batch = MAX(titan->stage_micro, 1);
  } else if (t->global_batch == 0) {
    t->global_batch = t->micro_batch * data; /* torchtitan: one local batch per rank and step */
  }
  if (draft->architecture.moe.experts > 0 && !titan->balanced)
    import_note(draft, "routing is taken as even, as with debug.moe_force_load_balance; training.routing.balance says "
                       "otherwise");
  p->gradient_reduce = g_strcmp0(titan->reduce, "bfloat16") == 0 ? MOE_BF16 : MOE_FP32;
}

static gboolean take_all(Draft *draft, const Titan *titan, const char *file, GError **error)
{
  if (!take_model(draft, titan, file, error) || !take_layout(draft, titan, file, error) ||
      !take_recompute(draft, titan, file, error))
    return FALSE;
  take_training(draft, titan);
  if (!take_converters(draft, titan, file, error) || !take_dispatcher(draft, titan->dispatcher, file, error))
    return FALSE;
  if (!take_compiled(draft, titan, file, error))
    return FALSE;
  take_optimizer(draft, titan);
  if (titan->optimizer && g_ascii_strcasecmp(titan->optimizer, "adamw") != 0 &&
      g_ascii_strcasecmp(titan->optimizer, "adam") != 0)
    return fail_key(file, "optimizer.name", "Adam or AdamW", error);
  if (titan->parameters && strcmp(titan->parameters, "bfloat16") != 0)
    return fail_key(file, "training.mixed_precision_param", "bfloat16", error);
  return TRUE;
}

/* ---- text in, run out ------------------------------------------------------------------------ */

static JsonNode *parse(const MoeImportText *file, const MoeImportFiles *files, GError **error)
{
  MoeTomlError where = {0};
  char *json = NULL;

  if (titan_is_yaml(file))
    return titan_yaml(file, files, error);
  if (file->length <= MOE_IMPORT_MAX_BYTES)
    json = moe_toml_to_json(file->text, file->length, &where);
  if (!json) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = file->name, .line = where.line, .column = where.column},
             "no TOML of at most %d bytes, expected a torchtitan configuration%s%s%s", MOE_IMPORT_MAX_BYTES,
             g_str_has_suffix(file->name, ".py") ? " (a registry in Python is code that runs; its settings as TOML)"
                                                 : "",
             *where.what ? ": " : "", where.what);
    return NULL;
  }
  JsonNode *root = moe_json_parse(json, strlen(json), (gsize)4 * MOE_IMPORT_MAX_BYTES, file->name, error);

  free(json);
  return root;
}

MoeImport *moe_import_torchtitan_file(const MoeImportText *file, const MoeImportFiles *files,
                                      const MoeImportOptions *options, GError **error)
{
  const char *name = file->name;
  g_autoptr(JsonNode) root = parse(file, files, error);
  g_autofree char *source = g_strdup_printf("%s, torchtitan configuration", name);
  const KeyedTable table = {.keys = keys,
                            .n_keys = G_N_ELEMENTS(keys),
                            .ignored = ignored,
                            .n_ignored = G_N_ELEMENTS(ignored),
                            .plain = titan_is_yaml(file),
                            .file = name};
  Titan titan = {.replicate = 1, .shard = -1, .less_first = 1, .less_last = 1};
  Draft draft;

  if (!root)
    return import_fail_kind(file, "torchtitan", error);
  import_begin(&draft, options, source, "imported from a torchtitan configuration", "pytorch-fsdp2:scattermoe");
  g_autoptr(MoeImport) import = draft.import;
  G_GNUC_UNUSED g_autoptr(GPtrArray) open = draft.open;

  draft.usual_cluster = titan_is_yaml(file) ? primus_cluster(name) : NULL;
  if (!keyed_read(&table, json_node_get_object(root), &titan, &draft, error) || !take_all(&draft, &titan, name, error))
    return import_fail_in(file, error);
  G_GNUC_UNUSED g_autofree char *layout = take_split(&draft, &titan); /* the draft borrows it */
  if (!import_settle(&draft, error) || !import_finish(&draft, error))
    return import_fail_in(file, error);
  return g_steal_pointer(&import);
}

MoeImport *moe_import_torchtitan(const char *text, gsize length, const char *name, const MoeImportOptions *options,
                                 GError **error)
{
  return moe_import_torchtitan_file(&(const MoeImportText){text, length, name}, NULL, options, error);
}
