/* Megatron arguments to training and recomputation of a run. */
#include "megatron.h"

#include <string.h>

/* ---- precision ------------------------------------------------------------------------------- */

static MoePrecision wide_precision(const MegatronArguments *arguments)
{
  return arguments->bf16 ? MOE_BF16 : arguments->fp16 ? MOE_FP16 : MOE_FP32;
}

/* --fp8-recipe to the format of a run. */
static gboolean fp8_precision(const char *recipe, MoePrecisions *p, GError **error)
{
  static const struct {
    const char *word;
    MoePrecision precision;
    MoeFp8Scaling scaling;
  } recipes[] = {{"delayed", MOE_FP8, MOE_FP8_SCALING_DELAYED},
                 {"tensorwise", MOE_FP8, MOE_FP8_SCALING_CURRENT},
                 {"current", MOE_FP8, MOE_FP8_SCALING_CURRENT},
                 {"blockwise", MOE_FP8_BLOCK, MOE_FP8_SCALING_DELAYED},
                 {"mxfp8", MOE_MXFP8, MOE_FP8_SCALING_DELAYED}};

  for (guint i = 0; i < G_N_ELEMENTS(recipes); i++)
    if (strcmp(recipes[i].word, recipe) == 0) {
      p->gemm = recipes[i].precision;
      p->scaling = recipes[i].scaling;
      return TRUE;
    }
  return moe_fail_about(error, "--fp8-recipe", "'%.40s' is not known, expected delayed, tensorwise, blockwise or mxfp8",
                        recipe);
}

/* An argument with a choice of two words; absent is sound. */
static gboolean is_one_of(const char *name, const char *word, const char *first, const char *second, GError **error)
{
  if (!word || strcmp(word, first) == 0 || strcmp(word, second) == 0)
    return TRUE;
  return moe_fail_about(error, name, "'%.40s' is not known, expected %s%s%s", word, first,
                        first == second ? "" : " or ", first == second ? "" : second);
}

static gboolean take_gemm(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoePrecisions *p = &draft->training.precision;
  gboolean fp8 = arguments->fp8_format || arguments->fp8_hybrid || arguments->fp8_e4m3;

  if (!is_one_of("--fp8-format", arguments->fp8_format, "e4m3", "hybrid", error) ||
      !is_one_of("--fp4-format", arguments->fp4_format, "e2m1", "e2m1", error))
    return FALSE;
  if (fp8 && arguments->fp4_format)
    return moe_fail_about(error, "--fp4-format", "beside --fp8-format, expected one of the two, as Megatron does");
  p->gemm = wide_precision(arguments);
  if (arguments->fp4_format)
    p->gemm = MOE_NVFP4;
  else if (fp8 && !fp8_precision(arguments->fp8_recipe ? arguments->fp8_recipe : "delayed", p, error))
    return FALSE;
  p->wgrad = arguments->no_fp8_wgrad ? wide_precision(arguments) : p->gemm;
  return TRUE;
}

/* A dtype argument; absent: `usual`. */
static gboolean read_dtype(const char *name, const char *word, MoePrecision usual, MoePrecision *precision,
                           GError **error)
{
  static const struct {
    const char *word;
    MoePrecision precision;
  } types[] = {{"fp32", MOE_FP32}, {"bf16", MOE_BF16}, {"fp16", MOE_FP16}, {"fp8", MOE_FP8}, {"mxfp8", MOE_MXFP8}};

  *precision = usual;
  for (guint i = 0; word && i < G_N_ELEMENTS(types); i++)
    if (strcmp(types[i].word, word) == 0) {
      *precision = types[i].precision;
      return TRUE;
    }
  return !word || moe_fail_about(error, name, "'%.40s' is not known, expected fp32, bf16, fp16 or fp8", word);
}

/* optimizer_config.py: without the precision-aware optimizer these are FP32. */
static gboolean check_optimizer_types(const MegatronArguments *arguments, GError **error)
{
  const struct {
    const char *name, *word;
  } types[] = {{"--main-grads-dtype", arguments->main_gradients},
               {"--main-params-dtype", arguments->main_parameters},
               {"--exp-avg-dtype", arguments->moments_1},
               {"--exp-avg-sq-dtype", arguments->moments_2}};

  for (guint i = 0; i < G_N_ELEMENTS(types) && !arguments->precision_aware; i++)
    if (types[i].word && strcmp(types[i].word, "fp32") != 0)
      return moe_fail_about(error, types[i].name,
                            "'%.40s' without --use-precision-aware-optimizer, expected it beside, or fp32",
                            types[i].word);
  return TRUE;
}

/* --use-precision-aware-optimizer: types of moments, main gradients and main parameters. */
static gboolean take_optimizer_types(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoePrecisions *p = &draft->training.precision;
  MoePrecision first = MOE_FP32, second = MOE_FP32, gradients = MOE_FP32;
  const char *sharded = g_strcmp0(arguments->fsdp_gradients, "auto") == 0 ? NULL : arguments->fsdp_gradients;

  if (!check_optimizer_types(arguments, error) ||
      !read_dtype("--exp-avg-dtype", arguments->moments_1, MOE_FP32, &first, error) ||
      !read_dtype("--exp-avg-sq-dtype", arguments->moments_2, MOE_FP32, &second, error) ||
      !read_dtype("--main-grads-dtype", arguments->main_gradients, MOE_FP32, &gradients, error) ||
      !read_dtype("--megatron-fsdp-grad-comm-dtype", sharded, p->gradient_reduce, &p->gradient_reduce, error) ||
      !read_dtype("--main-params-dtype", arguments->main_parameters, MOE_FP32, &p->master, error))
    return FALSE;
  if (first != second)
    return moe_fail_about(error, "--exp-avg-sq-dtype",
                          "differs from --exp-avg-dtype; a run has one precision for both moments, expected the same");
  p->optimizer_moments = first;
  /* arguments.py: main gradients that are not FP32 turn accumulation in FP32 off */
  if (arguments->main_gradients && gradients != MOE_FP32)
    p->gradient_reduce = gradients;
  return TRUE;
}

/* router.py: without --moe-router-dtype the router multiplies as its input is. */
static gboolean take_router(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  const char *word = arguments->router_dtype;

  if (word && strcmp(word, "fp64") == 0)
    import_refuse(draft, "--moe-router-dtype", "a router in FP64");
  if (arguments->experts > 0)
    draft->training.precision.router = word ? MOE_FP32 : wide_precision(arguments);
  return is_one_of("--moe-router-dtype", word, "fp32", "fp64", error);
}

static gboolean take_precision(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoePrecisions *p = &draft->training.precision;
  MoePrecision wide = wide_precision(arguments);

  if (!take_gemm(draft, arguments, error))
    return FALSE;
  p->attention = arguments->fp8_attention ? p->gemm : wide;
  /* param_and_grad_buffer.py: MXFP8 weights are gathered in BF16 and quantized anew */
  p->parameter_gather = (arguments->fp8_gather || arguments->fp4_gather) && p->gemm != MOE_MXFP8 ? p->gemm : wide;
  p->remade_transposes = arguments->remade_transposes;
  p->wide_first = arguments->wide_ends ? arguments->wide_first : 0;
  p->wide_last = arguments->wide_ends ? arguments->wide_last : 0;
  p->residual = arguments->fp32_residual ? MOE_FP32 : wide == MOE_FP16 ? MOE_FP16 : MOE_BF16;
  /* fp8_utils.py, is_mxfp8_output_proj_active: of MXFP8 alone */
  p->lm_head = arguments->fp8_head && p->gemm == MOE_MXFP8 ? MOE_MXFP8 : wide == MOE_FP16 ? MOE_FP16 : MOE_BF16;
  /* arguments.py: BF16 accumulates and reduces in FP32 unless told otherwise, FP16 in FP16 unless told to use FP32 */
  p->gradient_reduce = arguments->reduce_bf16                       ? MOE_BF16
                       : arguments->fp16 && !arguments->reduce_fp32 ? MOE_FP16
                                                                    : MOE_FP32;
  return take_router(draft, arguments, error) &&
         read_dtype("--moe-dispatch-fwd-dtype", arguments->dispatch_dtype, MOE_BF16, &p->dispatch, error) &&
         read_dtype("--moe-combine-bwd-dtype", arguments->combine_dtype, MOE_BF16, &p->combine, error) &&
         take_optimizer_types(draft, arguments, error);
}

static gboolean take_optimizer(Draft *draft, const char *name, GError **error)
{
  if (!name || strcmp(name, "adam") == 0 || strcmp(name, "adamw") == 0)
    draft->training.optimizer = MOE_OPTIMIZER_ADAMW;
  else if (strcmp(name, "sgd") == 0)
    draft->training.optimizer = MOE_OPTIMIZER_SGD;
  else if (strcmp(name, "muon") == 0 || strcmp(name, "dist_muon") == 0)
    draft->training.optimizer = MOE_OPTIMIZER_MUON;
  else
    return moe_fail_about(error, "--optimizer", "'%.40s' is not known, expected adam, sgd or muon", name);
  return TRUE;
}

gboolean megatron_training(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeTraining *training = &draft->training;

  training->sequence_length = arguments->sequence;
  training->global_batch = arguments->global_batch;
  training->micro_batch = MAX(arguments->micro_batch, 1);
  training->lora_rank = arguments->lora_rank;
  return take_precision(draft, arguments, error) && take_optimizer(draft, arguments->optimizer, error);
}

/* ---- recomputation --------------------------------------------------------------------------- */

/* --recompute-modules (transformer_config.py) to modules of a run. */
static gboolean add_module(Draft *draft, const char *word, GError **error)
{
  static const struct {
    const char *word;
    guint bits;
  } modules[] = {{"core_attn", MOE_MODULE_CORE_ATTENTION},
                 {"moe_act", MOE_MODULE_MOE_ACTIVATION},
                 {"layernorm", MOE_MODULE_NORM},
                 {"mla_up_proj", MOE_MODULE_ATTENTION_PROJECTIONS},
                 {"mlp", MOE_MODULE_FFN},
                 {"moe", MOE_MODULE_MOE},
                 {"shared_experts", MOE_MODULE_SHARED_EXPERTS}};

  for (guint i = 0; i < G_N_ELEMENTS(modules); i++)
    if (strcmp(modules[i].word, word) == 0) {
      draft->recompute.modules |= modules[i].bits;
      return TRUE;
    }
  return moe_fail_about(error, "--recompute-modules",
                        "'%.40s' is not known, expected core_attn, moe_act, layernorm, mla_up_proj, mlp, moe or "
                        "shared_experts",
                        word);
}

/* transformer_block.py: "uniform" divides the layers into units of N and recomputes every unit, keeping the input of
 * each; "block" recomputes the first N layers of every chunk. */
static gboolean take_full(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeRecompute *recompute = &draft->recompute;
  const char *old = arguments->old_recompute_method ? arguments->old_recompute_method : "uniform";
  const char *method = arguments->recompute_method ? arguments->recompute_method : old;
  int64_t layers = MAX(arguments->recompute_layers, 1);

  recompute->mode = MOE_RECOMPUTE_FULL;
  if (strcmp(method, "block") == 0) {
    recompute->layers = layers * MAX(draft->parallelism.virtual_stages, 1);
    return TRUE;
  }
  if (strcmp(method, "uniform") != 0)
    return moe_fail_about(error, "--recompute-method", "'%.40s', expected uniform or block", method);
  if (layers > 1) {
    recompute->method = MOE_METHOD_UNIFORM;
    recompute->layers = layers;
  }
  return TRUE;
}

gboolean megatron_recompute(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeRecompute *recompute = &draft->recompute;
  gboolean selective = arguments->recompute_core || arguments->moe_recompute;
  const char *word = arguments->recompute_core ? "selective" /* arguments.py: whatever the granularity says */
                     : arguments->granularity  ? arguments->granularity
                     : arguments->checkpoint_layers || arguments->old_recompute_method ? "full"
                     : selective                                                       ? "selective"
                                                                                       : "none";

  if (strcmp(word, "full") == 0)
    return take_full(draft, arguments, error);
  if (strcmp(word, "selective") != 0)
    return strcmp(word, "none") == 0 ||
           moe_fail_about(error, "--recompute-granularity", "'%.40s', expected full or selective", word);
  recompute->mode = MOE_RECOMPUTE_SELECTIVE;
  for (guint i = 0; i < arguments->recompute_modules->len; i++)
    if (!add_module(draft, g_ptr_array_index(arguments->recompute_modules, i), error))
      return FALSE;
  if (arguments->moe_recompute)
    recompute->modules |= MOE_MODULE_MOE;
  if (recompute->modules == 0)
    recompute->modules = MOE_MODULE_CORE_ATTENTION;
  return TRUE;
}

/* ---- activations in host memory -------------------------------------------------------------- */

/* --cpu-offloading (transformer_config.py): the activations of the first N layers, without stages or recomputation. */
static gboolean take_layers(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  int64_t layers = draft->architecture.layers, n = arguments->offloaded_layers;

  if (n >= layers)
    return moe_fail_about(
        error, "--cpu-offloading-num-layers",
        "%" G_GINT64_FORMAT ", expected less than the layers (%" G_GINT64_FORMAT "), as Megatron does", n, layers);
  if (draft->parallelism.pipeline > 1 || draft->recompute.mode != MOE_RECOMPUTE_NONE)
    return moe_fail_about(error, "--cpu-offloading", "beside %s, expected none, as Megatron does",
                          draft->parallelism.pipeline > 1 ? "pipeline stages" : "recomputation");
  if (arguments->weights_offload)
    import_refuse(draft, "--cpu-offloading-weights", "weights that wait in host memory");
  draft->offload.activations = (double)n / (double)layers;
  return TRUE;
}

/* --offload-modules: parts whose inputs go to the host. */
static gboolean add_away(Draft *draft, const char *word, GError **error)
{
  static const struct {
    const char *word;
    guint bits;
  } modules[] = {
      {"attn_norm", MOE_AWAY_ATTENTION_NORM}, {"qkv_linear", MOE_AWAY_QKV},
      {"core_attn", MOE_AWAY_CORE_ATTENTION}, {"attn_proj", MOE_AWAY_ATTENTION_OUTPUT},
      {"mlp_norm", MOE_AWAY_FFN_NORM},        {"expert_fc1", MOE_AWAY_EXPERTS},
      {"moe_act", MOE_AWAY_MOE_ACTIVATION},   {"fused_group_mlp", MOE_AWAY_EXPERTS | MOE_AWAY_MOE_ACTIVATION}};

  for (guint i = 0; i < G_N_ELEMENTS(modules); i++)
    if (strcmp(modules[i].word, word) == 0) {
      draft->offload.modules |= modules[i].bits;
      return TRUE;
    }
  return moe_fail_about(error, "--offload-modules",
                        "'%.40s' is not known, expected attn_norm, qkv_linear, core_attn, attn_proj, "
                        "mlp_norm, expert_fc1, moe_act or fused_group_mlp",
                        word);
}

static gboolean take_modules(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  const GPtrArray *words = arguments->away_modules;

  if (words->len == 0)
    return moe_fail_about(error, "--fine-grained-activation-offloading", "no --offload-modules, expected some");
  for (guint i = 0; i < words->len; i++)
    if (!add_away(draft, g_ptr_array_index(words, i), error))
      return FALSE;
  if (arguments->away_share != 1)
    import_refuse(draft, "--activation-offload-fraction", "a share of the parts that are offloaded");
  if ((draft->offload.modules & MOE_AWAY_ATTENTION_OUTPUT) && !(draft->offload.modules & MOE_AWAY_CORE_ATTENTION))
    return moe_fail_about(error, "--offload-modules", "attn_proj without core_attn, which reads it too, expected both");
  return TRUE;
}

gboolean megatron_activations(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  if (arguments->layers_offload && arguments->modules_offload)
    return moe_fail_about(error, "--cpu-offloading",
                          "beside --fine-grained-activation-offloading, expected one of the two");
  if (arguments->layers_offload)
    return take_layers(draft, arguments, error);
  return !arguments->modules_offload || take_modules(draft, arguments, error);
}
