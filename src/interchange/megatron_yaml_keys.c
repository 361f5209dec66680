/* Keys of Megatron in YAML: transformer_config.py and arguments.py of Megatron-Core, conf/megatron_gpt_config.yaml of
 * NeMo, primus/configs/models/megatron/language_model.yaml of Primus. */
#include "megatron_yaml.h"

#include "import.h"

#include <string.h>

/* A key whose value true or false is an argument of Megatron, or nothing. */
typedef struct {
  const char *key;
  const char *when_true, *when_false; /* NULL: what Megatron does anyhow */
} Switch;

static const Switch switches[] = {
    {"add_bias_linear", NULL, "--disable-bias-linear"},
    {"bias", NULL, "--disable-bias-linear"},
    {"gated_linear_unit", "--swiglu", NULL},
    {"share_embeddings_and_output_weights", NULL, "--untie-embeddings-and-output-weights"},
    {"grad_reduce_in_fp32", "--accumulate-allreduce-grads-in-fp32", "--grad-reduce-in-bf16"},
    {"apply_rope_fusion", NULL, "--no-rope-fusion"},
    {"bias_activation_fusion", NULL, "--no-bias-swiglu-fusion"},
    {"bias_swiglu_fusion", NULL, "--no-bias-swiglu-fusion"},
    {"bias_gelu_fusion", NULL, "--no-bias-gelu-fusion"},
    {"bias_dropout_fusion", NULL, "--no-bias-dropout-fusion"},
    {"bias_dropout_add_fusion", NULL, "--no-bias-dropout-fusion"},
    {"masked_softmax_fusion", NULL, "--no-masked-softmax-fusion"},
    {"gradient_accumulation_fusion", NULL, "--no-gradient-accumulation-fusion"},
    {"overlap_p2p_comm", NULL, "--no-overlap-p2p-communication"},
    {"align_param_gather", NULL, "--no-align-param-gather"},
    {"cross_entropy_loss_fusion", "--cross-entropy-loss-fusion", NULL},
    {"fp8_param", "--fp8-param-gather", NULL},
    {"fp8_param_gather", "--fp8-param-gather", NULL},
    {"fp8_wgrad", NULL, "--no-fp8-wgrad"},
    {"fp8", NULL, NULL}, /* a format when it is neither true nor false */
    {"check_for_nan_in_grad", NULL, NULL},
    {"check_for_nan_in_loss_and_grad", NULL, NULL},
    {"add_position_embedding", NULL, NULL}, /* position_embedding_type says which */
    {"async_tensor_model_parallel_allreduce", NULL, NULL},
    {"persist_layer_norm", NULL, NULL},
    {"scatter_gather_tensors_in_pipeline", NULL, NULL},
    {"perform_initialization", NULL, NULL},
    {"transformer_engine", NULL, NULL},
    {"ub_tp_comm_overlap", "--tp-comm-overlap", NULL},
};

/* Names of keys that differ from those of arguments. */
static const char *const names[][2] = {
    {"num_moe_experts", "num-experts"},
    {"fp8", "fp8-format"},
    {"fp4", "fp4-format"},
    {"layernorm_epsilon", "norm-epsilon"},
    {"num_layers_in_first_pipeline_stage", "decoder-first-pipeline-num-layers"},
    {"num_layers_in_last_pipeline_stage", "decoder-last-pipeline-num-layers"},
    {"override_vocab_size", "vocab-size"},
    {"overlap_grad_sync", "overlap-grad-reduce"},
    {"overlap_param_sync", "overlap-param-gather"},
    {"devices", "nproc-per-node"},
    {"num_nodes", "nnodes"},
};

/* Values of a key that are arguments of their own; NULL: nothing. */
static const char *const words[][3] = {
    {"activation", "swiglu", "--swiglu"},
    {"activation", "fast-swiglu", "--swiglu"},
    {"activation", "geglu", "--geglu"},
    {"activation", "fast-geglu", "--geglu"},
    {"activation", "squared-relu", "--squared-relu"},
    {"activation", "gelu", NULL},
    {"activation_func", "silu", NULL}, /* gated_linear_unit says that it is SwiGLU */
    {"activation_func", "swish", NULL},
    {"activation_func", "torch.nn.functional.silu", NULL},
    {"activation_func", "squared_relu", "--squared-relu"},
    {"precision", "bf16", "--bf16"},
    {"precision", "bf16-mixed", "--bf16"},
    {"precision", "bf16_mixed", "--bf16"},
    {"precision", "16", "--fp16"},
    {"precision", "16-mixed", "--fp16"},
    {"precision", "32", NULL},
    {"model_type", "gpt", NULL},
    {"model_type", "GPT", NULL},
    {"attention_type", "multihead", NULL},
    {"transformer_block_type", "pre_ln", NULL},
    {"optim_name", "fused_adam", NULL},
    {"optim_name", "adamw", NULL},
    {"optim_name", "distributed_fused_adam", "--use-distributed-optimizer"},
    {"fp8", "false", NULL},
};

/* Recipes by name (training/mixed_precision.py of Megatron-Bridge) and the arguments that they stand for. */
#define SCALED " --fp8-param-gather"
#define ENDS   " --first-last-layers-bf16"
#define TWO    ENDS " --num-layers-at-start-in-bf16 2 --num-layers-at-end-in-bf16 2"
#define LAST   ENDS " --num-layers-at-start-in-bf16 0 --num-layers-at-end-in-bf16 14"
static const char *const recipes[][2] = {
    {"bf16_mixed", "--bf16"},
    {"fp16_mixed", "--fp16"},
    {"bf16_with_fp8_delayed_scaling_mixed", "--bf16 --fp8-format hybrid --fp8-recipe delayed" SCALED},
    {"fp16_with_fp8_delayed_scaling_mixed", "--fp16 --fp8-format hybrid --fp8-recipe delayed" SCALED},
    {"bf16_with_mxfp8_mixed",
     "--bf16 --fp8-format e4m3 --fp8-recipe mxfp8" SCALED " --reuse-grad-buf-for-mxfp8-param-ag"},
    {"fp16_with_mxfp8_mixed",
     "--fp16 --fp8-format e4m3 --fp8-recipe mxfp8" SCALED " --reuse-grad-buf-for-mxfp8-param-ag"},
    {"bf16_with_fp8_current_scaling_mixed", "--bf16 --fp8-format hybrid --fp8-recipe tensorwise" SCALED ENDS},
    {"fp16_with_fp8_current_scaling_mixed", "--fp16 --fp8-format hybrid --fp8-recipe tensorwise" SCALED ENDS},
    {"nemotron_h_bf16_with_fp8_current_scaling_mixed", "--bf16 --fp8-format hybrid --fp8-recipe tensorwise" SCALED TWO},
    {"nanov2_bf16_with_fp8_current_scaling_mixed", "--bf16 --fp8-format hybrid --fp8-recipe blockwise" SCALED TWO},
    {"bf16_with_fp8_subchannel_scaling_mixed", "--bf16 --fp8-format hybrid --fp8-recipe blockwise"},
    {"fp16_with_fp8_subchannel_scaling_mixed", "--fp16 --fp8-format hybrid --fp8-recipe blockwise"},
    {"bf16_with_nvfp4_mixed", "--bf16 --fp4-format e2m1 --fp4-param-gather"},
    {"nemotron_3_super_bf16_with_nvfp4_mixed", "--bf16 --fp4-format e2m1 --fp4-param-gather" LAST},
};

/* Keys that mean something else in another section: "name" of an optimizer, "type" of a tokenizer. */
static const char *const places[][3] = {{"optim", "name", "optim_name"},
                                        {"tokenizer", "type", "tokenizer_model"},
                                        {"tokenizer", "model", "tokenizer_model"}};

/* Sections that are of the launcher, of logging, data, checkpoints and the learning rate. */
static const char sections[] =
    "ENV_VARS LAUNCHER BEFORE_SCRIPT AFTER_SCRIPT SCRIPT_SETUP env MODE METRICS TEST_TYPE work_group user_name "
    "exp_name "
    "workspace framework config model_config extends bases includes _target_ platform exp_manager s3_checkpointing "
    "logger checkpoint rng dataset data nsys_profile profiling run name hydra defaults scheduler sched "
    "tokenizer_library "
    "resume restore_from_path straggler nvrx inprocess_restart rerun_state_machine";

static gboolean is_key(const char *written, const char *key)
{
  for (; *written && *key; written++, key++)
    if (*written != *key && !(*written == '-' && *key == '_'))
      return FALSE;
  return *written == *key;
}

const char *megatron_yaml_name(const char *key)
{
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
    if (is_key(key, names[i][0]))
      return names[i][1];
  return NULL;
}

gboolean megatron_yaml_switch(const char *key, gboolean on, const char **word)
{
  for (gsize i = 0; i < G_N_ELEMENTS(switches); i++)
    if (is_key(key, switches[i].key)) {
      *word = on ? switches[i].when_true : switches[i].when_false;
      return TRUE;
    }
  return FALSE;
}

static const char *recipe(const char *value)
{
  g_autofree char *plain = g_strdelimit(g_strdup(value), "-", '_');

  for (gsize i = 0; i < G_N_ELEMENTS(recipes); i++)
    if (strcmp(plain, recipes[i][0]) == 0)
      return recipes[i][1];
  return NULL;
}

gboolean megatron_yaml_word(const char *key, const char *value, const char **word)
{
  gboolean precision = is_key(key, "mixed_precision") || is_key(key, "precision_config");

  *word = precision ? recipe(value) : NULL;
  if (*word)
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
    if (is_key(key, words[i][0]) && strcmp(value, words[i][1]) == 0) {
      *word = words[i][2];
      return TRUE;
    }
  return FALSE;
}

gboolean megatron_yaml_is_foreign(const char *section)
{
  return import_is_listed(sections, section);
}

gboolean megatron_yaml_is_defaults(const char *path)
{
  static const char files[] = "language_model.yaml primus_megatron_model.yaml primus_megatron_module.yaml "
                              "trainer_base.yaml module_base.yaml primus_turbo.yaml primus_pipeline.yaml "
                              "zero_bubble.yaml torch_compile.yaml";
  g_autofree char *base = g_path_get_basename(path);

  return import_is_listed(files, base);
}

const char *megatron_yaml_key_in(const char *section, const char *key)
{
  for (gsize i = 0; section && i < G_N_ELEMENTS(places); i++)
    if (strcmp(section, places[i][0]) == 0 && strcmp(key, places[i][1]) == 0)
      return places[i][2];
  return key;
}
