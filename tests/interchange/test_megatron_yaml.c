/* YAML of Megatron: tests of Megatron-LM, experiments of Primus, configurations of NeMo and Megatron-Bridge. */
#include "moetest.h"

#include "spec/spec.h"
#include <moesim/import.h>
#include <string.h>

/* Files of a repository of Primus. */
static char *read_beside(G_GNUC_UNUSED void *data, const char *path, gsize *length)
{
  static const char *const beside[][2] = {
      {"primus/configs/modules/megatron/trainer.yaml", "extends: [trainer_base.yaml]\nseq_length: 1024\n"},
      {"primus/configs/modules/megatron/trainer_base.yaml", "bf16: true\nunheard_of: 3\nzero_something: false\n"},
      {"primus/configs/models/megatron/small.yaml", "bases:\n  - base.yaml\nnum_layers: 8\nqk_layernorm: true\n"},
      {"primus/configs/models/megatron/base.yaml", "num_layers: 2\nadd_bias_linear: false\n"},
      {"primus/configs/models/megatron/circle.yaml", "extends: circle.yaml\n"},
      {"primus/configs/models/megatron/list.yaml", "- num_layers: 2\n"}};

  for (gsize i = 0; i < G_N_ELEMENTS(beside); i++)
    if (strcmp(beside[i][0], path) == 0) {
      *length = strlen(beside[i][1]);
      return g_strdup(beside[i][1]);
    }
  return NULL;
}

static const MoeImportFiles files = {read_beside, NULL};

static void check_yaml(const char *text, const char *expected)
{
  static const char *const given[] = {"PP=4", NULL};
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) words = moe_import_file_words(text, strlen(text), "x.yaml", given, &files, &error);
  g_autofree char *joined = words ? g_strjoinv(" ", words) : g_strdup(error->message);

  ck_assert_str_eq(joined, expected);
}

/* YAML of ModelZoo, Primus and Megatron-Bridge. */
START_TEST(known_forms)
{
  check_yaml(
      "ENV_VARS:\n  NCCL_DEBUG: INFO\nLAUNCHER: torchrun\nMODEL_ARGS:\n  --num-layers: 61\n  "
      "--pipeline-model-parallel-size: ${PP}\n  "
      "--swiglu: true\n"
      "  --finetune: false\n  --moe-layer-freq: ([0]*3+[1]*58)\n  --recompute-modules: \"[moe_act layernorm]\"\n",
      "--num-layers 61 --pipeline-model-parallel-size 4 --swiglu --moe-layer-freq ([0]*3+[1]*58) --recompute-modules "
      "moe_act layernorm");
  check_yaml("modules:\n  pre_trainer:\n    framework: megatron\n    overrides:\n      num_layers: 8\n      "
             "micro_batch_size: 2\n",
             "--num-layers 8 --micro-batch-size 2 --primus-cluster mi300x");
  check_yaml(
      "model: {num_layers: 3, num_moe_experts: 8, add_bias_linear: false, share_embeddings_and_output_weights: false, "
      "moe_layer_freq: [0, 1, 1]}\n"
      "ddp: {grad_reduce_in_fp32: true, overlap_grad_reduce: true}\ncheckpoint: {save: null}\n",
      "--num-layers 3 --num-experts 8 --disable-bias-linear --untie-embeddings-and-output-weights --moe-layer-freq "
      "[0,1,1] "
      "--accumulate-allreduce-grads-in-fp32 --overlap-grad-reduce");
  check_yaml("model: {num_layers: 3}\nmixed_precision: bf16-with-mxfp8-mixed\n",
             "--num-layers 3 --bf16 --fp8-format e4m3 --fp8-recipe mxfp8 --fp8-param-gather "
             "--reuse-grad-buf-for-mxfp8-param-ag");
  check_yaml("model: {num_layers: 3}\nmixed_precision: bf16_with_fp8_current_scaling_mixed\n",
             "--num-layers 3 --bf16 --fp8-format hybrid --fp8-recipe tensorwise --fp8-param-gather "
             "--first-last-layers-bf16");
  check_yaml("a: [1\n", "x.yaml:2:1: did not find expected ',' or ']', expected valid YAML");
  check_yaml("- a\n", "x.yaml:1:1: no map, expected one such as model: {num_layers: 32}");
  check_yaml("", "x.yaml: nothing here, expected a map (key: value)");
}
END_TEST

/* An experiment of Primus: trainer, model and their bases, then what it changes; defaults that nothing here stands for
 * are counted. A file that names itself is refused. */
START_TEST(primus)
{
#define EXPERIMENT(model)                                                                                              \
  "work_group: ${TEAM:x}\nmodules:\n  pre_trainer:\n    framework: megatron\n    config: trainer.yaml\n    "           \
  "model: " model                                                                                                      \
  ".yaml\n    overrides:\n      seq_length: ${SEQ:4096}\n      micro_batch_size: ${PP:2}\n      qk_layernorm: false\n"
  check_yaml(EXPERIMENT("${MODEL:small}"),
             "--bf16 --seq-length 4096 --num-layers 8 --disable-bias-linear --micro-batch-size 4 "
             "--primus-defaults 2 --primus-cluster mi300x");
  check_yaml(EXPERIMENT("absent"),
             "x.yaml: primus/configs/models/megatron/absent.yaml cannot be read, expected it beside "
             "this file or in a folder above");
  check_yaml(EXPERIMENT("list"),
             "primus/configs/models/megatron/list.yaml:1:1: no map, expected keys such as num_layers: 32");
  check_yaml(EXPERIMENT("circle"), "x.yaml: more than 32 files up to primus/configs/models/megatron/circle.yaml, "
                                   "expected files that do not name each other in a circle");
  check_yaml("modules:\n  pre_trainer:\n    framework: maxtext\n    model: a.yaml\n",
             "x.yaml:2:3: pre_trainer: framework maxtext, expected megatron");
  check_yaml("modules:\n  a:\n    framework: \"b\\nc\"\n    model: a.yaml\n",
             "x.yaml:2:3: a: framework b\\nc, expected megatron");
}
END_TEST

/* ${...} of OmegaConf, and words of NeMo that are arguments of their own. */
START_TEST(nemo)
{
  check_yaml(
      "trainer: {devices: 8, num_nodes: 4, precision: bf16, logger: False}\nexp_manager: {name: x}\n"
      "model:\n  num_layers: 12\n  encoder_seq_length: 2048\n  max_position_embeddings: ${.encoder_seq_length}\n"
      "  tensor_model_parallel_size: 2\n  pipeline_model_parallel_size: ${model.tensor_model_parallel_size}\n"
      "  ffn_hidden_size: ${multiply:4, ${model.num_layers}}\n  activation: fast-swiglu\n  bias: false\n"
      "  micro_batch_size: ${oc.env:MBS,3}\n  tokenizer: {library: megatron, type: GPT2BPETokenizer, model: null}\n"
      "  optim: {name: distributed_fused_adam, lr: 2e-4}\n  data:\n    data_prefix: ???\n",
      "--nproc-per-node 8 --nnodes 4 --bf16 --num-layers 12 --encoder-seq-length 2048 --max-position-embeddings 2048 "
      "--tensor-model-parallel-size 2 --pipeline-model-parallel-size 2 --ffn-hidden-size 48 --swiglu "
      "--disable-bias-linear --micro-batch-size 3 --library megatron --tokenizer-model GPT2BPETokenizer "
      "--use-distributed-optimizer --lr 2e-4");
  check_yaml("model:\n  num_layers: 4\n  num_query_groups: 2\n  activation_func: silu\n  gated_linear_unit: true\n"
             "  tokenizer: {library: sentencepiece, type: null, model: /x/llama2_tokenizer.model}\n",
             "--num-layers 4 --num-query-groups 2 --swiglu --library sentencepiece --tokenizer-model "
             "/x/llama2_tokenizer.model --group-query-attention");
  check_yaml(
      "model: {tensor_model_parallel_size: 2}\ntrain: {global_batch_size: 8}\n",
      "x.yaml: no num_layers: this file changes a recipe that stands elsewhere, expected the whole configuration, "
      "as Megatron-Bridge writes it beside a checkpoint (run_config.yaml)");
}
END_TEST

/* What Python's yaml reads too: anchors, merges, keys that come twice, 1 for true. */
START_TEST(yaml_of_others)
{
  check_yaml("base: &b {num_layers: 4, hidden_size: 64}\nmodel:\n  <<: *b\n  hidden_size: 128\n",
             "--num-layers 4 --hidden-size 128");
  check_yaml("MODEL_ARGS:\n  --num-layers: 4\n  --seq-length: 8\n  --num-layers: 6\n  --sequence-parallel: 1\n",
             "--num-layers 6 --seq-length 8 --sequence-parallel");
  check_yaml("a: &a [*a]\n", "x.yaml: nested too deeply, or more than 200,000 values, expected a configuration");
}
END_TEST

static MoeImport *import_yaml(const char *text, GError **error)
{
  g_autofree char *data_dir = moetest_path("");
  const MoeImportOptions options = {.data_dir = data_dir};
  g_auto(GStrv) words = moe_import_file_words(text, strlen(text), "run_config.yaml", NULL, NULL, error);

  return words ? moe_import_megatron((const char *const *)words, &options, error) : NULL;
}

/* A configuration that Megatron-Bridge writes holds every setting: one that counts beside a switch which is off is
 * nothing, the same beside the switch is refused. */
START_TEST(whole_configuration)
{
#define CONFIGURATION(variant)                                                                                         \
  "model: {_target_: a.b.Provider, num_layers: 8, hidden_size: 1024, num_attention_heads: 16, vocab_size: 51200, "     \
  "gated_linear_unit: true, add_bias_linear: false, seq_length: 1024, bf16: true, position_embedding_type: rope, "     \
  "linear_key_head_dim: 128, num_layers_at_start_in_bf16: 1, mhc_num_residual_streams: 4, "                            \
  "gtp_weight_remat_size: 1, enable_mhc_connections: " variant "}\n"                                                   \
  "train: {global_batch_size: 64, micro_batch_size: 1}\noptimizer: {use_distributed_optimizer: true}\n"                \
  "ddp: {data_parallel_sharding_strategy: no_shard, average_in_collective: true}\n"
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) made = import_yaml(CONFIGURATION("false"), &error);

  ck_assert_msg(made != NULL, "%s", error ? error->message : "");
  ck_assert(strstr(made->text, "zero: 1") != NULL);
  g_autoptr(MoeImport) refused = import_yaml(CONFIGURATION("true"), &error);

  ck_assert(refused == NULL);
  ck_assert(strstr(error->message, "--mhc-num-residual-streams 4") != NULL);
  ck_assert(strstr(error->message, "--linear-key-head-dim") == NULL);
}
END_TEST

MOE_TEST_MAIN("interchange/megatron_yaml", known_forms, primus, nemo, yaml_of_others, whole_configuration)
