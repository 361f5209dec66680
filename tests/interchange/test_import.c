/* Imports: parameter counts of published models, arguments of a published recipe, refusals. */
#include "layer/layer.h"
#include "spec/spec.h"
#include <json-glib/json-glib.h>
#include <moesim/import.h>
#include <string.h>

#include "moetest.h"

/* Parameters in billions, and where the total is printed. None of these stand in the facts this project was given: the
 * figures are the makers' own, most of them rounded. "tensors": the maker prints one digit or two; the total is the sum
 * over the shapes of the checkpoint's tensors, added up apart from moe_count_parameters.
 *
 * Active parameters are sums over shapes as well, with both embeddings; makers print two digits and leave the look-up
 * out (37 for 37.6). 0: not looked at. */
static const struct {
  const char *file;
  double total, active;
  const char *source; /* of the total */
} published[] = {
    {"llama-3.1-405b", 405, 0, "model card, rounded"},
    {"llama-3.2-1b", 1.23, 0, "model card"},
    {"llama-4-maverick", 400, 17.2, "model card, rounded"},
    {"mixtral-8x7b", 46.7, 12.9, "announcement (both figures)"},
    {"mixtral-8x22b", 141, 39, "announcement, rounded (both figures)"},
    {"mistral-7b-v0.1", 7.3, 0, "announcement, rounded"},
    {"qwen2-7b", 7.616, 0, "tensors; the card says 7B"},
    {"qwen2-57b-a14b", 57.41, 14.2, "tensors; the card says 57B"},
    {"qwen3-32b", 32.8, 0, "model card"},
    {"qwen3-30b-a3b", 30.5, 3.35, "model card"},
    {"qwen3-235b-a22b", 235, 22.2, "model card, rounded"},
    {"deepseek-v2", 236, 21.4, "model card, rounded"},
    {"deepseek-v2-lite", 15.7, 2.66, "technical report"},
    {"deepseek-v3", 671, 37.6, "technical report"},
    {"kimi-k2", 1026, 32.9, "tensors; the card says 1T, the report 1.04T"},
    {"gpt-oss-120b", 116.83, 0, "model card, table 1"},
    {"gpt-oss-20b", 20.91, 0, "model card, table 1"},
    {"glm-4-9b-0414", 9.40, 0, "tensors; the card says 9B"},
    {"glm-4.5", 355, 0, "model card, rounded"},
    {"glm-4.5-air", 106, 0, "model card, rounded"},
    {"minimax-text-01", 456, 45.9, "model card (both figures)"},
    {"minimax-m2", 230, 0, "model card, rounded"},
    {"llama-3.1-70b", 70.55, 0, "model card, rounded to 70.6"},
    {"llama-4-scout", 107.8, 17.2, "shapes without the encoder; the card says 109 with it"},
    {"mistral-small-3.1-24b", 23.57, 0, "tensors of the language model; the card says 24B"},
    {"qwen2.5-vl-7b", 7.615, 0, "tensors of the language model"},
    {"qwen3-0.6b", 0.596, 0, "model card, 0.6B"},
    {"qwen3-235b-a22b-fp8", 235, 22.2, "model card"},
    {"qwen3-coder-480b-a35b", 480, 35.5, "model card"},
    {"qwen3-vl-30b-a3b", 30.5, 3.35, "card of the language model"},
    {"qwen3-vl-4b", 4.02, 0, "card of the language model, 4.0B"},
    {"mimo-7b", 7.62, 0, "tensors without the prediction module; the card says 7B"},
    {"minimax-m2.5", 229, 0, "model card"},
    {"deepseek-r1", 671, 37.6, "model card"},
    {"deepseek-v3.1-nvfp4", 671, 37.6, "card of the model that was quantized"},
    {"deepseek-moe-16b", 16.4, 2.83, "technical report"},
    {"kimi-k2.5", 1026, 32.9, "tensors of the language model; the card says 1T"},
    {"dots.llm1", 142, 14, "model card"},
    {"ernie-4.5-21b-a3b", 21.8, 0, "tensors; the card says 21B"},
    {"ernie-4.5-300b-a47b", 300, 0, "model card"},
    {"hunyuan-a13b", 80.4, 0, "tensors; the card says 80B"},
    {"ling-lite", 16.8, 2.75, "model card"},
    {"ling-mini-2.0", 16.26, 1.43, "tensors; the card says 16B, 1.4B active"},
    {"olmoe-1b-7b", 6.92, 1.28, "technical report"},
    {"olmo-2-13b", 13.7, 0, "model card"},
    {"phi-3.5-moe", 41.9, 0, "model card"},
    {"phi-4", 14.7, 0, "model card"},
    {"granite-3.1-3b-a800m", 3.3, 0.88, "model card"},
    {"granite-3.1-8b", 8.17, 0, "model card, 8.1B"},
    {"seed-oss-36b", 36.15, 0, "tensors; the card says 36B"},
    {"gemma-7b", 8.54, 0, "technical report"},
    {"gemma-2-9b", 9.24, 0, "technical report"},
    {"gemma-3-27b", 27.0, 0, "technical report, without the encoder"},
    {"dbrx", 132, 36.5, "announcement, rounded"},
    {"command-r-plus", 104, 0, "model card"},
    {"minitron-4b", 4.19, 0, "model card, 4.19B"},
    {"falcon-40b", 41.3, 0, "tensors; the card says 40B"},
    {"gpt2-xl", 1.558, 0, "model card, 1.5B"},
    {"gpt-neox-20b", 20.55, 0, "technical report"},
    {"qwen3-next-80b-a3b", 79.7, 3.87, "model card, 80B; 3B active leave embedding and head out"},
    {"qwen3.5-35b-a3b", 34.7, 0, "tensors of the language model; the card says 35B"},
    {"nemotron-3-nano-30b-a3b", 31.6, 3.6, "model card (both figures)"},
    {"kimi-linear-48b-a3b", 49.1, 3.48, "tensors; the card says 48B"},
    {"deepseek-v3.2", 671.9, 38.4, "671 of DeepSeek-V3 and the index"},
    {"glm-5", 744, 0, "model card"},
    {"longcat-flash", 560, 27.9, "technical report, mean 27 active without look-up"},
    {"opt-66b", 65.7, 0, "tensors; the report says 66B"},
    {"bloom-176b", 176.2, 0, "technical report"},
    {"smollm3-3b", 3.08, 0, "model card, 3.08B"},
    {"starcoder2-3b", 3.03, 0, "technical report"},
    {"exaone-4.0-32b", 32.0, 0, "model card"},
    {"internlm2-20b", 19.86, 0, "tensors; the card says 20B"},
    {"olmo-3.1-32b", 32.2, 0, "tensors; the card says 32B"},
    {"devstral-2-123b", 125.0, 0, "tensors; the card says 123B"},
    {"nemotron-h-56b", 56.3, 0, "tensors; the card says 56B"},
    {"nemotron-3-super-120b-a12b", 120.6, 12.7, "model card (both figures)"},
    {"nemotron-3-ultra-550b-a55b", 550, 0, "model card, rounded"},
    {"qwen3.5-27b", 26.9, 0, "tensors of the language model; the card says 27B"},
    {"qwen3.5-397b-a17b", 397, 17.3, "model card, rounded; active with embedding and head"},
    {"apertus-8b", 8.05, 0, "tensors; the card says 8B"},
    {"nemotron-super-49b", 49.9, 0, "card of the files, 49.9B"},
    {"granite-4.0-h-small", 32, 8.8, "model card, 32B, 9B active"},
    {"falcon-h1-7b", 7.59, 0, "technical report"},
    {"bamba-9b", 9.78, 0, "model card"},
    {"codestral-mamba-7b", 7.285, 0, "model card, 7,285,403,648"},
    {"arctic", 480, 17.3, "announcement, 480B, 17B active"},
    {"decilm-7b", 7.04, 0, "model card"},
    {"openelm-1.1b", 1.08, 0, "technical report"},
    {"gemma-4-26b-a4b", 25.2, 3.8, "model card (both figures), without the encoder"},
};

#define TOLERANCE 0.01 /* of a parameter count */

static MoeRun *load(const MoeImport *import)
{
  g_autoptr(GError) error = NULL;
  MoeRunOptions options = {.data_dir = g_getenv("MOESIM_DATA")};
  g_autoptr(MoeDoc) doc = moe_doc_parse(import->text, -1, "imported", NULL, &error);

  ck_assert_msg(doc != NULL, "%s", error ? error->message : "");
  MoeRun *run = moe_run_from_doc(g_steal_pointer(&doc), "imported", &options, &error);

  ck_assert_msg(run != NULL, "%s in\n%s", error ? error->message : "", import->text);
  return run;
}

static MoeImport *import_file(const char *name)
{
  g_autofree char *base = g_strconcat(name, ".json", NULL);
  g_autofree char *path = g_build_filename(g_getenv("MOESIM_DATA"), "tests", "interchange", "hf", base, NULL);
  g_autofree char *text = NULL;
  g_autoptr(GError) error = NULL;
  gsize length = 0;

  ck_assert(g_file_get_contents(path, &text, &length, NULL));
  MoeImport *import = moe_import_hf(text, length, base, NULL, &error);

  ck_assert_msg(import != NULL, "%s", error ? error->message : "");
  return import;
}

static double deviation(double value, double expected)
{
  return expected > 0 ? ABS(value / (expected * 1e9) - 1) : 0;
}

static void check_count(const char *file, const char *which, double value, double expected, const char *source)
{
  ck_assert_msg(deviation(value, expected) < TOLERANCE, "%s: %.2f B %s, published %.2f B (%s)", file, value * 1e-9,
                which, expected, source);
}

START_TEST(test_published_counts)
{
  for (guint i = 0; i < G_N_ELEMENTS(published); i++) {
    g_autoptr(MoeImport) import = import_file(published[i].file);
    g_autoptr(MoeRun) run = load(import);
    MoeParameters parameters;

    moe_count_parameters(&run->architecture, &parameters);
    check_count(published[i].file, "in all", parameters.total, published[i].total, published[i].source);
    check_count(published[i].file, "active", parameters.active, published[i].active, "shapes");
  }
}
END_TEST

/* Model types that a run cannot say, and the word that the refusal must have. */
static const char *const refused_types[][2] = {
    {"deepseek-v4-flash", "compressed"}, {"mimo-v2-flash", "values of another width"},
    {"step-3.7-flash", "other heads"},   {"kimi-k3", "attn_res_block_size"},
    {"minimax-m3", "blocks of keys"},    {"jamba-1.5-mini", "Mamba of the first kind"},
};

static MoeImport *try_import(const char *name, const MoeImportOptions *options, GError **error)
{
  g_autofree char *base = g_strconcat(name, ".json", NULL);
  g_autofree char *path = g_build_filename(g_getenv("MOESIM_DATA"), "tests", "interchange", "hf", base, NULL);
  g_autofree char *text = NULL;
  gsize length = 0;

  ck_assert(g_file_get_contents(path, &text, &length, NULL));
  return moe_import_hf(text, length, base, options, error);
}

START_TEST(test_refused_types)
{
  for (guint i = 0; i < G_N_ELEMENTS(refused_types); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeImport) import = try_import(refused_types[i][0], NULL, &error);

    ck_assert_msg(!import, "%s", refused_types[i][0]);
    ck_assert_msg(strstr(error->message, refused_types[i][1]) != NULL, "%s", error->message);
    ck_assert(strstr(error->message, "did you mean") == NULL);
  }
}
END_TEST

/* Members of an object, those of the objects that are read with it among them. */
static guint count_keys(JsonObject *object)
{
  static const char *const inner[] = {"text_config", "attn_config", "ffn_config"};
  guint n = json_object_get_size(object);

  for (guint i = 0; i < G_N_ELEMENTS(inner); i++) {
    JsonNode *node = json_object_get_member(object, inner[i]);

    if (node && JSON_NODE_HOLDS_OBJECT(node)) /* the first is a key of its own, the others are opened up */
      n += json_object_get_size(json_node_get_object(node)) - (i > 0 ? 1 : 0);
  }
  return n;
}

/* No key of any configuration is silent: each is applied, or without effect for a reason. */
START_TEST(test_no_silent_key)
{
  for (guint i = 0; i < G_N_ELEMENTS(published); i++) {
    g_autofree char *base = g_strconcat(published[i].file, ".json", NULL);
    g_autofree char *path = g_build_filename(g_getenv("MOESIM_DATA"), "tests", "interchange", "hf", base, NULL);
    g_autoptr(MoeImport) import = import_file(published[i].file);
    g_autoptr(JsonParser) parser = json_parser_new();

    ck_assert(json_parser_load_from_file(parser, path, NULL));
    ck_assert_int_eq(import->unknown->len, 0);
    ck_assert_msg(import->applied->len + import->ignored->len ==
                      count_keys(json_node_get_object(json_parser_get_root(parser))),
                  "%s: %u and %u of %u keys", published[i].file, import->applied->len, import->ignored->len,
                  count_keys(json_node_get_object(json_parser_get_root(parser))));
  }
}
END_TEST

static MoeImport *import_json(const char *text, const MoeImportOptions *options, GError **error)
{
  return moe_import_hf(text, strlen(text), "x.json", options, error);
}

#define LLAMA                                                                                                          \
  "\"model_type\": \"llama\", \"hidden_size\": 64, \"num_hidden_layers\": 2, \"vocab_size\": 100, "                    \
  "\"num_attention_heads\": 4, \"intermediate_size\": 128"

/* Keys that no reader looks at stop the import, unless accepted; Python's numbers are read; other spellings count. */
START_TEST(test_keys)
{
  static const char *const accept[] = {"warp_factor", NULL};
  MoeImportOptions accepting = {.accept = accept};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) accepted = import_json("{" LLAMA ", \"warp_factor\": 9}", &accepting, NULL);
  g_autoptr(MoeImport) infinite =
      import_json("{" LLAMA ", \"time_step_limit\": [0.0, Infinity], \"rope_theta\": NaN}", NULL, NULL);

  ck_assert_ptr_null(import_json("{" LLAMA ", \"warp_factor\": 9, \"index_topk\": 2048}", NULL, &error));
  ck_assert_str_eq(
      error->message,
      "x.json:1:140: not understood, and it may shape the answer: warp_factor 9; index_topk: a run cannot say: sparse "
      "attention with an indexer (--accept NAME imports the rest without it)");
  ck_assert_int_eq(accepted->unknown->len, 1);
  ck_assert_ptr_nonnull(infinite);
  g_clear_error(&error);
  ck_assert_ptr_null(import_json("{" LLAMA ", \"num_key_value_heads\": Infinity}", NULL, &error));
  ck_assert(strstr(error->message, "\"num_key_value_heads\" is Infinity, expected a whole number") != NULL);
}
END_TEST

/* Llama 4 attends inside chunks, but every fourth layer. */
START_TEST(test_chunks)
{
  MoeImportOptions longer = {.sequence_length = 131072};
  g_autoptr(MoeImport) import = try_import("llama-4-scout", &longer, NULL);
  g_autoptr(MoeRun) run = load(import);
  MoeModelFlops flops;

  moe_count_model_flops(&run->architecture, &run->training, &flops);
  ck_assert_int_eq(run->architecture.attention.chunk, 8192);
  ck_assert(!moe_layer_is_global(&run->architecture, 0));
  ck_assert(moe_layer_is_global(&run->architecture, 3));
  ck_assert_double_eq_tol(flops.causal / 1e9, 154, 0.5);
}
END_TEST

/* Hybrids import as the models that we ship. */
START_TEST(test_hybrids)
{
  static const char *const pairs[][2] = {{"qwen3-next-80b-a3b", "qwen3-next-80b-a3b"},
                                         {"nemotron-3-nano-30b-a3b", "nemotron3-nano-30b"},
                                         {"kimi-linear-48b-a3b", "kimi-linear-48b-a3b"},
                                         {"longcat-flash", "longcat-flash"}};

  for (guint i = 0; i < G_N_ELEMENTS(pairs); i++) {
    g_autofree char *file = g_strdup_printf("models/%s.yaml", pairs[i][1]);
    g_autofree char *path = moetest_path(file);
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeImport) import = try_import(pairs[i][0], NULL, NULL);
    g_autoptr(MoeRun) run = load(import);
    g_autoptr(MoeRun) ours = moe_run_load(path, NULL, &error);

    ck_assert_int_eq(run->architecture.layers, ours->architecture.layers);
    for (int64_t layer = 0; layer < run->architecture.layers; layer++) {
      MoeLayerKind a = moe_layer_kind(&run->architecture, layer), b = moe_layer_kind(&ours->architecture, layer);

      ck_assert_msg(a.mixer == b.mixer && a.feed == b.feed, "%s: layer %d", pairs[i][0], (int)layer);
    }
  }
}
END_TEST

/* A batch below the GPUs: tensor and context parallelism until every rank has a sequence. */
START_TEST(test_small_batch)
{
  MoeImportOptions options = {.gpus = 512, .global_batch = 32, .sequence_length = 131072};
  g_autoptr(MoeImport) import = try_import("llama-3.1-70b", &options, NULL);
  g_autoptr(MoeRun) run = load(import);

  ck_assert_int_eq(run->parallelism.tensor, 8);
  ck_assert_int_eq(run->parallelism.context, 2);
  ck_assert_int_eq(run->parallelism.data, 32);
}
END_TEST

static void check_same(const char *name)
{
  g_autoptr(MoeImport) import = import_file(name);
  g_autoptr(MoeRun) run = load(import);
  g_autofree char *base = g_strconcat(name, ".yaml", NULL);
  g_autofree char *path = g_build_filename(g_getenv("MOESIM_DATA"), "models", base, NULL);
  g_autoptr(MoeRun) shape = moe_run_load(path, NULL, NULL);
  MoeParameters imported, written;

  ck_assert_ptr_nonnull(shape);
  moe_count_parameters(&run->architecture, &imported);
  moe_count_parameters(&shape->architecture, &written);
  ck_assert_double_eq(imported.total, written.total);
  ck_assert_double_eq(imported.mtp, written.mtp);
  ck_assert_int_eq(run->architecture.moe.top_groups, shape->architecture.moe.top_groups);
  ck_assert_int_eq(run->architecture.moe.first_layer, shape->architecture.moe.first_layer);
}

/* The same facts written by hand in models/ must be what the import makes of the configuration. */
START_TEST(test_same_as_shape)
{
  check_same("deepseek-v3");
  check_same("qwen3-235b-a22b");
  check_same("kimi-k2");
}
END_TEST

START_TEST(test_windows)
{
  g_autoptr(MoeImport) oss = import_file("gpt-oss-120b");
  g_autoptr(MoeRun) run = load(oss);

  ck_assert_int_eq(run->architecture.attention.window, 128);
  ck_assert(run->architecture.moe.clamped);
  ck_assert(!moe_layer_is_global(&run->architecture, 0));
  ck_assert(moe_layer_is_global(&run->architecture, 1));
  g_autoptr(MoeImport) mistral = import_file("mistral-7b-v0.1");
  g_autoptr(MoeRun) local = load(mistral);

  for (int64_t layer = 0; layer < local->architecture.layers; layer++)
    ck_assert(!moe_layer_is_global(&local->architecture, layer));
}
END_TEST

START_TEST(test_options_win)
{
  static const char text[] =
      "{\"model_type\": \"llama\", \"hidden_size\": 64, \"num_hidden_layers\": 2, \"vocab_size\": 100,"
      " \"num_attention_heads\": 4, \"intermediate_size\": 128}";
  MoeImportOptions options = {.title = "a \"small\" one",
                              .cluster = "gb200-nvl72",
                              .stack = "yolo:v5",
                              .gpus = 16,
                              .sequence_length = 512,
                              .global_batch = 48};
  g_autoptr(MoeImport) import = moe_import_hf(text, strlen(text), "small.json", &options, NULL);
  g_autoptr(MoeRun) run = load(import);

  ck_assert_str_eq(run->title, "a \"small\" one");
  ck_assert_str_eq(run->cluster.name, "gb200-nvl72");
  ck_assert_int_eq(run->parallelism.gpus, 16);
  ck_assert_int_eq(run->training.sequence_length, 512);
  ck_assert_int_eq(run->training.global_batch, 48);
}
END_TEST

/* ---- Megatron -------------------------------------------------------------------------------- */

static MoeImport *import_accepting(const char *text, const char *const *accept, GError **error)
{
  MoeImportOptions options = {.data_dir = g_getenv("MOESIM_DATA"), .accept = accept};
  g_auto(GStrv) words = moe_import_words(text, strlen(text), "arguments", error);

  return words ? moe_import_megatron((const char *const *)words, &options, error) : NULL;
}

static MoeImport *import_words(const char *text, GError **error)
{
  return import_accepting(text, NULL, error);
}

static void check_refused(const char *text, const char *expected)
{
  g_autoptr(GError) error = NULL;

  ck_assert_ptr_null(import_words(text, &error));
  ck_assert_msg(strstr(error->message, expected) != NULL, "%s", error->message);
}

/* Megatron-LM's own example for Mixtral 8x7B (examples/mixtral/train_mixtral_8x7b_distributed.sh): 46.7 B parameters.
 */
#define MIXTRAL                                                                                                        \
  "--use-mcore-models --disable-bias-linear --seq-length 4096 --max-position-embeddings 32768 --num-layers 32 "        \
  "--hidden-size 4096 --ffn-hidden-size 14336 --num-attention-heads 32 --init-method-std 0.01 --attention-dropout "    \
  "0.0 "                                                                                                               \
  "--hidden-dropout 0.0 --normalization RMSNorm --position-embedding-type rope --swiglu "                              \
  "--untie-embeddings-and-output-weights --group-query-attention --num-query-groups 8 --no-masked-softmax-fusion "     \
  "--num-experts 8 --moe-router-topk 2 --moe-grouped-gemm --micro-batch-size 1 --global-batch-size 256 --lr 1e-4 "     \
  "--tensor-model-parallel-size 1 --pipeline-model-parallel-size 4 --expert-model-parallel-size 8 "                    \
  "--use-distributed-optimizer --sequence-parallel --overlap-grad-reduce --overlap-param-gather --bf16 --vocab-size "  \
  "32000 "                                                                                                             \
  "--world-size 64 "

START_TEST(test_megatron_mixtral)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) import = import_words(MIXTRAL, &error);
  MoeParameters parameters;

  ck_assert_msg(import != NULL, "%s", error ? error->message : "");
  ck_assert_int_eq(import->unknown->len, 0);
  g_autoptr(MoeRun) run = load(import);

  moe_count_parameters(&run->architecture, &parameters);
  ck_assert(deviation(parameters.total, 46.70) < TOLERANCE);
  ck_assert_int_eq(run->parallelism.gpus, 64);
  ck_assert_int_eq(run->parallelism.expert, 8);
  ck_assert_int_eq(run->parallelism.expert_data, 2);
  ck_assert_int_eq(run->parallelism.zero, 1);
  ck_assert(run->parallelism.overlap.gradient_reduce);
  ck_assert(run->architecture.attention.kv_heads == 8);
  ck_assert(!run->architecture.biases);
  ck_assert_int_eq(run->training.precision.gemm, MOE_BF16);
}
END_TEST

START_TEST(test_megatron_choices)
{
  g_autoptr(MoeImport) import =
      import_words(MIXTRAL "--fp8-format e4m3 --fp8-recipe blockwise --num-layers-per-virtual-pipeline-stage 2 "
                           "--recompute-granularity selective --recompute-modules moe_act layernorm "
                           "--moe-layer-freq ([0]*3+[1]*29) --moe-expert-capacity-factor 1.5 "
                           "--moe-pad-expert-input-to-capacity --optimizer muon",
                   NULL);
  g_autoptr(MoeRun) run = load(import);

  ck_assert_int_eq(run->training.precision.gemm, MOE_FP8_BLOCK);
  ck_assert_int_eq(run->parallelism.virtual_stages, 4);
  ck_assert_int_eq(run->recompute.mode, MOE_RECOMPUTE_SELECTIVE);
  ck_assert_int_eq(run->recompute.modules, MOE_MODULE_MOE_ACTIVATION | MOE_MODULE_NORM);
  ck_assert_int_eq(run->architecture.moe.first_layer, 3);
  ck_assert_double_eq(run->training.routing.capacity_factor, 1.5);
  ck_assert_int_eq(run->training.optimizer, MOE_OPTIMIZER_MUON);
}
END_TEST

/* The other choices: sharding by name, whole layers recomputed, uneven stages, SGD. */
START_TEST(test_megatron_other_choices)
{
  g_autoptr(MoeImport) import = import_words(
      MIXTRAL "--use-megatron-fsdp --data-parallel-sharding-strategy optim_grads --recompute-granularity full "
              "--recompute-method block --recompute-num-layers 2 --optimizer sgd "
              "--decoder-first-pipeline-num-layers 7 --decoder-last-pipeline-num-layers 9",
      NULL);
  g_autoptr(MoeRun) run = load(import);
  g_autoptr(MoeImport) selective = import_words(MIXTRAL "--recompute-granularity selective", NULL);
  g_autoptr(MoeRun) core = load(selective);
  g_autoptr(GError) error = NULL;

  ck_assert_int_eq(run->parallelism.zero, 2);
  ck_assert_int_eq(run->recompute.mode, MOE_RECOMPUTE_FULL);
  ck_assert_int_eq(run->recompute.layers, 2);
  ck_assert_int_eq(run->training.optimizer, MOE_OPTIMIZER_SGD);
  ck_assert_int_eq(run->parallelism.first_stage_layers, 7);
  ck_assert_int_eq(run->parallelism.last_stage_layers, 9);
  ck_assert_int_eq(core->recompute.modules, MOE_MODULE_CORE_ATTENTION); /* what Megatron means without a list */
  ck_assert_ptr_null(import_words(MIXTRAL "--use-megatron-fsdp --data-parallel-sharding-strategy all", &error));
  ck_assert_str_eq(error->message, "--data-parallel-sharding-strategy: 'all' is not known, expected optim, optim_grads "
                                   "or optim_grads_params");
}
END_TEST

static gboolean has(const GPtrArray *list, const char *text)
{
  for (guint i = 0; i < list->len; i++)
    if (strcmp(g_ptr_array_index(list, i), text) == 0)
      return TRUE;
  return FALSE;
}

/* What is not known stops the import and is named, all of it at once; what is accepted is listed with nothing lost. */
START_TEST(test_megatron_unknown)
{
  static const char *const accept[] = {"warp_drive", "--moe-magic", "stray", NULL};
  g_autoptr(MoeImport) import = import_accepting("stray " MIXTRAL "--warp-drive 9 --moe-magic", accept, NULL);

  ck_assert_int_eq(import->unknown->len, 3);
  ck_assert_str_eq(g_ptr_array_index(import->unknown, 0), "stray");
  ck_assert_str_eq(g_ptr_array_index(import->unknown, 1), "--warp-drive 9");
  ck_assert_str_eq(g_ptr_array_index(import->unknown, 2), "--moe-magic");
  check_refused(MIXTRAL "--warp-drive 9 --moe-magic", "--warp-drive 9; --moe-magic (--accept NAME");
}
END_TEST

/* Every word of the input is in a list. */
START_TEST(test_megatron_classes)
{
  g_autoptr(MoeImport) import = import_words(MIXTRAL "--seed 7 --nproc_per_node 8 pretrain_gpt.py", NULL);

  ck_assert(has(import->applied, "--num-layers 32 -> architecture.layers"));
  ck_assert(has(import->applied, "--nproc_per_node 8 -> parallelism.gpus"));
  ck_assert(has(import->ignored, "--seed 7: initial weights"));
  ck_assert(has(import->ignored, "pretrain_gpt.py: launching of processes"));
  g_autoptr(MoeImport) sharded = import_words(MIXTRAL "--use-megatron-fsdp --fsdp-double-buffer", NULL);

  ck_assert(has(sharded->ignored, "--fsdp-double-buffer: the stack's own value is kept"));
  check_refused(MIXTRAL "--ffn-dropout 0.1", "--ffn-dropout 0.1: a run cannot say: dropout inside the feed-forward");
  check_refused(MIXTRAL "--linear-attention-freq 4 --linear-key-head-dim 128",
                "--linear-attention-freq: expected --experimental-attention-variant gated_delta_net beside it");
}
END_TEST

/* transformer_block.py: uniform recomputes every layer in units of N, block the first N of each chunk. */
START_TEST(test_megatron_recompute_methods)
{
  g_autoptr(MoeImport) uniform =
      import_words(MIXTRAL "--recompute-granularity full --recompute-method uniform --recompute-num-layers 4", NULL);
  g_autoptr(MoeRun) all = load(uniform);
  g_autoptr(MoeImport) block =
      import_words(MIXTRAL "--recompute-granularity full --recompute-method block --recompute-num-layers 1 "
                           "--num-layers-per-virtual-pipeline-stage 2",
                   NULL);
  g_autoptr(MoeRun) first = load(block);
  g_autoptr(MoeImport) legacy = import_words(MIXTRAL "--checkpoint-activations --fp8-hybrid", NULL);
  g_autoptr(MoeRun) old = load(legacy);

  ck_assert_int_eq(all->recompute.method, MOE_METHOD_UNIFORM);
  ck_assert_int_eq(all->recompute.layers, 4);
  ck_assert_int_eq(first->recompute.layers, 4);
  ck_assert_int_eq(old->recompute.mode, MOE_RECOMPUTE_FULL);
  ck_assert_int_eq(old->training.precision.gemm, MOE_FP8);
  check_refused(MIXTRAL "--recompute-granularity full --recompute-method banana", "expected uniform or block");
  check_refused(MIXTRAL "--position-embedding-type banana", "--position-embedding-type: 'banana' is not known");
  check_refused(MIXTRAL "--position-embedding-type relative",
                "a run cannot say: positions that are added to the scores");
}
END_TEST

/* Python lists of --moe-layer-freq: (list, first layer with experts, every n-th), or a refusal. */
START_TEST(test_megatron_patterns)
{
  static const struct {
    const char *list;
    int first, every;
  } lists[] = {{"([0]*1+[1]*1)*16", 1, 2},
               {"([0]+[1]*31)", 1, 1},
               {"[0,1]*16", 1, 2},
               {"([1]*32)", 0, 1},
               {"4", 0, 4},
               {"[0]*2+[1]*30", 2, 1},
               {"[0]*(1+1)+[1]*(2*15)", 2, 1},
               {"2*([0]*3+[1]+[0]*3+[1]+[0]*3+[1]+[0]*3+[1])", 3, 4}};

  for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
    g_autofree char *text = g_strconcat(MIXTRAL "--moe-layer-freq '", lists[i].list, "'", NULL);
    g_autoptr(MoeImport) import = import_words(text, NULL);
    g_autoptr(MoeRun) run = load(import);

    ck_assert_int_eq(run->architecture.moe.first_layer, lists[i].first);
    ck_assert_int_eq(run->architecture.moe.every, lists[i].every);
  }
  check_refused(MIXTRAL "--moe-layer-freq '[0]*32'", "has experts in no layer");
  check_refused(MIXTRAL "--moe-layer-freq '[0]*3+[1]*58'", "is a list of 61, expected one for each of the 32 layers");
  check_refused(MIXTRAL "--moe-layer-freq '[0]*3+[1'", "is not understood");
  check_refused(MIXTRAL "--moe-layer-freq '[0]*999999999999'", "is not understood");
}
END_TEST

/* What no period says becomes a pattern of layers. */
START_TEST(test_megatron_irregular)
{
  g_autoptr(MoeImport) experts = import_words(MIXTRAL "--moe-layer-freq '([0]*1+[1]*15)*2'", NULL);
  g_autoptr(MoeRun) two = load(experts);
  g_autoptr(MoeImport) windows =
      import_words(MIXTRAL "--window-size 1024,0 --window-attn-skip-freq '([0]+[1]*3)*8'", NULL);
  g_autoptr(MoeRun) first = load(windows);
  g_autoptr(MoeImport) joint = import_words(
      MIXTRAL "--window-size 1024,0 --window-attn-skip-freq '([1]*3+[0])*8' --moe-layer-freq '[1]*31+[0]'", NULL);
  g_autoptr(MoeRun) both = load(joint);

  ck_assert_int_eq(two->architecture.n_pattern, 4);
  ck_assert_int_eq((int)moe_layer_kind(&two->architecture, 16).feed, MOE_FEED_DENSE);
  ck_assert_int_eq((int)moe_layer_kind(&two->architecture, 17).feed, MOE_FEED_MOE);
  ck_assert_int_eq((int)moe_layer_kind(&first->architecture, 0).mixer, MOE_MIXER_ATTENTION);
  ck_assert_int_eq((int)moe_layer_kind(&first->architecture, 31).mixer, MOE_MIXER_LOCAL);
  ck_assert_int_eq((int)moe_layer_kind(&both->architecture, 3).mixer, MOE_MIXER_ATTENTION);
  ck_assert_int_eq((int)moe_layer_kind(&both->architecture, 31).feed, MOE_FEED_DENSE);
}
END_TEST

/* arguments.py: stages share the layers that are left evenly. */
START_TEST(test_megatron_split)
{
#define FOUR MIXTRAL "--pipeline-model-parallel-size 4 "
  check_refused(FOUR "--num-layers 31", "31 layers over 4 stages, expected as many for each");
  check_refused(FOUR "--account-for-loss-in-pipeline-split", "33 layers with embedding or loss over 4 stages");
  check_refused(FOUR "--decoder-first-pipeline-num-layers 7", "25 layers that are left over 3 stages");
  check_refused(FOUR "--decoder-first-pipeline-num-layers 8 --account-for-loss-in-pipeline-split",
                "--account-for-loss-in-pipeline-split: beside layers of the first or last stage");
  check_refused(FOUR "--decoder-first-pipeline-num-layers 8 --num-layers-per-virtual-pipeline-stage 2",
                "expected --num-virtual-stages-per-pipeline-rank");
  g_autoptr(MoeImport) uneven =
      import_words(FOUR "--decoder-first-pipeline-num-layers 6 --decoder-last-pipeline-num-layers 10", NULL);
  g_autoptr(MoeRun) run = load(uneven);

  ck_assert_int_eq(run->parallelism.first_stage_layers, 6);
}
END_TEST

/* Activations in host memory: of layers, or what parts of each read. */
START_TEST(test_megatron_offload)
{
#define ALONE MIXTRAL "--pipeline-model-parallel-size 1 "
  g_autoptr(MoeImport) layers = import_words(ALONE "--cpu-offloading --cpu-offloading-num-layers 8", NULL);
  g_autoptr(MoeRun) quarter = load(layers);
  g_autoptr(MoeImport) modules = import_words(
      MIXTRAL "--fine-grained-activation-offloading --offload-modules core_attn attn_proj expert_fc1", NULL);
  g_autoptr(MoeRun) parts = load(modules);

  ck_assert_double_eq(quarter->offload.activations, 0.25);
  ck_assert_int_eq(parts->offload.modules, MOE_AWAY_CORE_ATTENTION | MOE_AWAY_ATTENTION_OUTPUT | MOE_AWAY_EXPERTS);
  check_refused(ALONE "--cpu-offloading --cpu-offloading-num-layers 32", "expected less than the layers (32)");
  check_refused(ALONE "--cpu-offloading --cpu-offloading-num-layers 8 --recompute-granularity full",
                "--cpu-offloading: beside recomputation");
  check_refused(MIXTRAL "--fine-grained-activation-offloading", "no --offload-modules");
  check_refused(MIXTRAL "--fine-grained-activation-offloading --offload-modules attn_proj",
                "attn_proj without core_attn");
  check_refused(MIXTRAL "--fine-grained-activation-offloading --offload-modules all", "'all' is not known");
}
END_TEST

/* Blocks that differ, as a search over them leaves them (heterogeneous_config.py): 2 x 1.5 x 4096 / 3 is 4096. */
START_TEST(test_megatron_blocks)
{
#define BLOCKS(config)                                                                                                 \
  "--num-layers 3 --hidden-size 4096 --num-attention-heads 32 --seq-length 1024 --vocab-size 32000 --swiglu --bf16 "   \
  "--position-embedding-type rope --global-batch-size 64 --heterogeneous-layers-config-encoded-json '" config "'"
  g_autoptr(MoeImport) import = import_words(
      BLOCKS("{\"block_configs\": [{\"attention\": {\"n_heads_in_group\": 8}, \"ffn\": {\"ffn_mult\": 1.5}}, "
             "{\"attention\": {\"no_op\": true}, \"mlp\": {\"ffn_hidden_size\": 1024}}, "
             "{\"attention\": {\"num_query_groups\": 16}, \"ffn\": {\"no_op\": true}}]}"),
      NULL);
  g_autoptr(MoeRun) run = load(import);
  MoeLayerKind first = moe_layer_kind(&run->architecture, 0), second = moe_layer_kind(&run->architecture, 1),
               third = moe_layer_kind(&run->architecture, 2);

  ck_assert_int_eq(first.kv_heads, 4);
  ck_assert_int_eq(first.ffn_width, 4096);
  ck_assert_int_eq(second.mixer, MOE_MIXER_NONE);
  ck_assert_int_eq(second.ffn_width, 1024);
  ck_assert_int_eq(third.kv_heads, 16);
  ck_assert_int_eq(third.feed, MOE_FEED_NONE);
  check_refused(BLOCKS("{\"block_configs\": []}"), "expected 3");
  check_refused(BLOCKS("blocks.json"), "blocks of a file that is not found beside the script");
}
END_TEST

/* A capacity is rows of every expert only where they are padded to it. */
START_TEST(test_megatron_capacity)
{
  g_autoptr(MoeImport) dropped = import_words(MIXTRAL "--moe-expert-capacity-factor 1.5", NULL);
  g_autoptr(MoeRun) drops = load(dropped);
  g_autoptr(MoeImport) padded =
      import_words(MIXTRAL "--moe-expert-capacity-factor 1.5 --moe-pad-expert-input-to-capacity", NULL);
  g_autoptr(MoeRun) pads = load(padded);
  g_autoptr(MoeImport) none = import_words(MIXTRAL "--moe-expert-capacity-factor -1.0", NULL);
  g_autoptr(MoeRun) open = load(none);

  ck_assert_double_eq(drops->training.routing.capacity_factor, 0);
  ck_assert_double_eq(pads->training.routing.capacity_factor, 1.5);
  ck_assert_double_eq(open->training.routing.capacity_factor, 0);
}
END_TEST

/* The longest known part of a tokenizer's name counts; what is a part of folders' names is none. */
START_TEST(test_tokenizers)
{
  static const struct {
    const char *name;
    int64_t tokens; /* after padding to a multiple of 128 */
  } cases[] = {{"deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", 151936},
               {"deepseek-ai/DeepSeek-R1-Distill-Llama-70B", 128256},
               {"deepseek-ai/DeepSeek-R1", 129280},
               {"mistralai/Mistral-7B-Instruct-v0.2", 32000},
               {"mistralai/Mixtral-8x22B-v0.1", 32000},
               {"mistralai/Mistral-Small-24B-Base-2501", 131072},
               {"codellama/CodeLlama-34b-hf", 32000},
               {"huggyllama/llama-7b", 32000},
               {"zai-org/GLM-5", 154880},
               {"Qwen/Qwen3.6-27B", 248320},
               {"/x/multiMixV8.gpt4o_nc_sd.500000.128k.vocab.json", 131072}};

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *text =
        g_strdup_printf("--num-layers 2 --hidden-size 64 --num-attention-heads 4 --seq-length 64 --bf16 "
                        "--global-batch-size 64 --tokenizer-type HuggingFaceTokenizer --tokenizer-model %s",
                        cases[i].name);
    g_autoptr(MoeImport) import = import_words(text, NULL);
    g_autoptr(MoeRun) run = load(import);

    ck_assert_msg(run->architecture.vocabulary == cases[i].tokens, "%s: %" G_GINT64_FORMAT, cases[i].name,
                  run->architecture.vocabulary);
  }
  check_refused("--num-layers 2 --hidden-size 64 --num-attention-heads 4 --tokenizer-model /opt/prompt/scaling/t.model",
                "is not known here");
}
END_TEST

/* Formats that Megatron does not have, or not together; what counts beside a switch that is not there. */
START_TEST(test_megatron_formats)
{
  g_autoptr(MoeImport) block = import_words(
      MIXTRAL "--fp8-format e4m3 --fp8-recipe mxfp8 --fp8-param-gather --reuse-grad-buf-for-mxfp8-param-ag", NULL);
  g_autoptr(MoeRun) shared = load(block);
  g_autoptr(MoeImport) alone = import_words(MIXTRAL "--fp8-recipe mxfp8 --recompute-method uniform", NULL);

  ck_assert(shared->stack.memory.mxfp8_shared_buffer);
  ck_assert_int_eq(shared->training.precision.parameter_gather, MOE_BF16);
  ck_assert(has(alone->ignored, "--fp8-recipe mxfp8: counts beside a switch that is not there"));
  ck_assert(has(alone->ignored, "--recompute-method uniform: counts beside a switch that is not there"));
  check_refused(MIXTRAL "--fp8-format mxfp8", "--fp8-format: 'mxfp8' is not known, expected e4m3 or hybrid");
  check_refused(MIXTRAL "--fp4-format mxfp4", "expected e2m1");
  check_refused(MIXTRAL "--fp4-format e2m1 --fp8-format e4m3", "expected one of the two");
  check_refused(MIXTRAL "--exp-avg-dtype bf16", "without --use-precision-aware-optimizer");
}
END_TEST

/* What the arguments say of kernels goes before the stack: graphs, dispatcher, fusions. */
START_TEST(test_megatron_stack)
{
  g_autoptr(MoeImport) plain = import_words(MIXTRAL "--moe-token-dispatcher-type alltoall", NULL);
  g_autoptr(MoeRun) run = load(plain);
  g_autoptr(MoeImport) modern = import_words(
      MIXTRAL "--moe-token-dispatcher-type flex --moe-flex-dispatcher-backend hybridep --moe-permute-fusion "
              "--moe-router-fusion --cuda-graph-impl transformer_engine --cuda-graph-scope attn moe_router",
      NULL);
  g_autoptr(MoeRun) fast = load(modern);

  ck_assert_str_eq(run->stack.collectives.expert_library, "nccl");
  ck_assert(!run->stack.moe.deduplicate && !run->stack.fused.permute && !run->stack.fused.router);
  ck_assert(run->stack.fused.norm_cast); /* what no argument says stays as the stack has it */
  ck_assert_int_eq(run->stack.host.graph_scopes, 0);
  ck_assert_str_eq(fast->stack.collectives.expert_library, "hybridep");
  ck_assert(fast->stack.moe.deduplicate && fast->stack.fused.permute && fast->stack.fused.router);
  ck_assert_int_eq(fast->stack.host.graph_scopes, 1 << MOE_SCOPE_ATTENTION | 1 << MOE_SCOPE_ROUTER);
  g_autoptr(MoeImport) windows = import_words(MIXTRAL "--use-nccl-ub", NULL);
  g_autoptr(MoeRun) registered = load(windows);
  g_autoptr(MoeImport) local = import_words(MIXTRAL "--use-nccl-ub --disable-symmetric-registration", NULL);
  g_autoptr(MoeRun) unregistered = load(local);
  ck_assert(registered->stack.collectives.symmetric && !unregistered->stack.collectives.symmetric);
  check_refused(MIXTRAL "--moe-token-dispatcher-type pigeon", "expected alltoall, allgather or flex");
  check_refused(MIXTRAL "--cuda-graph-impl local --cuda-graph-scope banana", "'banana' is not known");
}
END_TEST

/* What DeepEP delivers becomes a map by a chain of operations, or by one kernel of Megatron's experimental ones. */
START_TEST(test_megatron_experimental)
{
  g_autoptr(MoeImport) plain_import = import_words(MIXTRAL "--moe-permute-fusion", NULL);
  g_autoptr(MoeRun) plain = load(plain_import);
  g_autoptr(MoeImport) import = import_words(MIXTRAL "--moe-permute-fusion --enable-experimental", NULL);
  g_autoptr(MoeRun) run = load(import);
  g_autoptr(MoeImport) unfused_import = import_words(MIXTRAL "--enable-experimental", NULL);
  g_autoptr(MoeRun) unfused = load(unfused_import);

  ck_assert_int_eq(plain->stack.moe.index_map, MOE_INDEX_MAP_CHAIN);
  ck_assert_int_eq(run->stack.moe.index_map, MOE_INDEX_MAP_KERNEL);
  ck_assert_int_eq(unfused->stack.moe.index_map, MOE_INDEX_MAP_CHAIN);
}
END_TEST

/* Gradients are checked and summed, gathers aligned unless the arguments say otherwise; a graph of the iteration holds
 * the optimizer only where that is captured too. */
START_TEST(test_megatron_gradients)
{
  g_autoptr(MoeImport) plain_import = import_words(MIXTRAL, NULL);
  g_autoptr(MoeRun) plain = load(plain_import);
  g_autoptr(MoeImport) import =
      import_words(MIXTRAL "--no-check-for-nan-in-loss-and-grad --ddp-average-in-collective --ddp-bucket-size 1000000 "
                           "--no-align-param-gather --cuda-graph-impl full_iteration --optimizer-cuda-graph",
                   NULL);
  g_autoptr(MoeRun) run = load(import);

  ck_assert(plain->stack.data_parallel.checked && plain->stack.data_parallel.scaled == MOE_SCALED_ALL);
  ck_assert(!run->stack.data_parallel.checked && run->stack.data_parallel.scaled == MOE_SCALED_EXPERTS);
  ck_assert_double_eq(run->stack.data_parallel.bucket_bytes, 4e6);
  ck_assert(!plain->stack.data_parallel.unaligned_gather && run->stack.data_parallel.unaligned_gather);
  ck_assert_uint_eq(run->stack.host.graph_scopes, MOE_ITERATION_SCOPES | 1u << MOE_SCOPE_OPTIMIZER);
}
END_TEST

/* Types of the optimizer's state and of gradients; FP8 weights gathered as FP8, their transposes made anew, their
 * scales made equal within a sequence. */
START_TEST(test_megatron_types)
{
  g_autoptr(MoeImport) import =
      import_words(MIXTRAL "--use-precision-aware-optimizer --exp-avg-dtype bf16 --exp-avg-sq-dtype bf16 "
                           "--main-grads-dtype bf16 --fp8-format e4m3 --fp8-param-gather --tp-only-amax-red "
                           "--disable-parameter-transpose-cache --first-last-layers-bf16 "
                           "--num-layers-at-start-in-bf16 0",
                   NULL);
  g_autoptr(MoeRun) run = load(import);

  ck_assert_int_eq(run->training.precision.optimizer_moments, MOE_BF16);
  ck_assert_int_eq(run->training.precision.gradient_reduce, MOE_BF16);
  ck_assert_int_eq(run->training.precision.parameter_gather, MOE_FP8);
  ck_assert(run->training.precision.remade_transposes);
  ck_assert_int_eq(run->stack.amax_reduction, MOE_AMAX_SEQUENCE);
  ck_assert_int_eq(run->training.precision.wide_first, 0);
  ck_assert_int_eq(run->training.precision.wide_last, 1); /* of transformer_config.py, as at the start */
  ck_assert_int_eq(run->training.precision.lm_head, MOE_BF16);
  check_refused(MIXTRAL "--use-precision-aware-optimizer --exp-avg-dtype bf16", "differ");
  g_autoptr(MoeImport) head_import =
      import_words(MIXTRAL "--fp8-format e4m3 --fp8-recipe mxfp8 --fp8-output-proj", NULL);
  g_autoptr(MoeRun) head = load(head_import);

  ck_assert_int_eq(head->training.precision.lm_head, MOE_MXFP8);
  ck_assert_int_eq(head->training.precision.wide_last, 0);
}
END_TEST

/* Nemotron 3 Nano by its published letters: 31.6 B parameters, 3.6 B active (model card), 23 layers of Mamba-2, 6 of
 * attention. */
START_TEST(test_megatron_hybrid)
{
#define HYBRID                                                                                                         \
  "--hidden-size 2688 --ffn-hidden-size 1856 --num-attention-heads 32 --group-query-attention --num-query-groups 2 "   \
  "--kv-channels 128 "                                                                                                 \
  "--num-layers 52 --position-embedding-type none --disable-bias-linear --squared-relu "                               \
  "--untie-embeddings-and-output-weights "                                                                             \
  "--mamba-num-heads 64 --mamba-head-dim 64 --mamba-state-dim 128 --mamba-num-groups 8 --num-experts 128 "             \
  "--moe-ffn-hidden-size 1856 "                                                                                        \
  "--moe-router-topk 6 --moe-shared-expert-intermediate-size 3712 --vocab-size 131072 --seq-length 4096 --bf16 "       \
  "--hidden-dropout 0 "
  g_autoptr(MoeImport) import =
      import_words(HYBRID "--hybrid-override-pattern MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME", NULL);
  g_autoptr(MoeRun) run = load(import);
  MoeParameters parameters;
  int64_t mamba = 0;

  moe_count_parameters(&run->architecture, &parameters);
  for (guint i = 0; i < run->architecture.n_pattern; i++)
    mamba += run->architecture.pattern[i].kind.mixer == MOE_MIXER_LINEAR ? run->architecture.pattern[i].count : 0;
  ck_assert(deviation(parameters.total, 31.6) < TOLERANCE);
  ck_assert(deviation(parameters.active, 3.6) < TOLERANCE);
  ck_assert_int_eq(mamba, 23);
  check_refused(HYBRID "--hybrid-layer-pattern 'MMX*E'", "--hybrid-layer-pattern: 'X' at 3, expected M, G, *, +, D, E");
  check_refused(HYBRID "--hybrid-layer-pattern 'M-*-'", "--num-experts: a run cannot say: experts that no layer (E)");
  check_refused(HYBRID "--hybrid-layer-pattern 'MG*E'", "Mamba-2 and the gated delta rule in one model");
  check_refused(HYBRID "--hybrid-layer-pattern 'M*E/*E/ME'", "'*E' and 'ME' differ");
}
END_TEST

/* Stages and prediction modules within a pattern, and patterns that ratios say (hybrid_layer_allocation.py). */
START_TEST(test_megatron_hybrid_stages)
{
  static const char *const dense[] = {"num-experts", NULL};
  g_autoptr(MoeImport) staged =
      import_words(HYBRID "--hybrid-layer-pattern 'ME*E|MEME|M*|ME/*E' --pipeline-model-parallel-size 2", NULL);
  g_autoptr(MoeRun) run = load(staged);
  g_autoptr(MoeImport) shares =
      import_accepting(HYBRID "--num-layers 10 --hybrid-attention-ratio 0.2 --hybrid-mlp-ratio 0.3", dense, NULL);
  g_autoptr(MoeRun) ratio = load(shares);
  static const char *const letters = "MM-*M-*MM-"; /* what Megatron's function gives for 10, 0.2 and 0.3 */

  ck_assert_str_eq(run->parallelism.layout, "Etttt|tttt|tt|ttmL");
  ck_assert_int_eq(run->parallelism.virtual_stages, 2);
  ck_assert_int_eq(run->architecture.mtp_layers, 1);
  ck_assert_int_eq(run->architecture.layers, 12);
  for (guint i = 0; letters[i]; i++) {
    int mixer = letters[i] == 'M' ? MOE_MIXER_LINEAR : letters[i] == '*' ? MOE_MIXER_ATTENTION : MOE_MIXER_NONE;

    ck_assert_int_eq((int)moe_layer_kind(&ratio->architecture, i).mixer, mixer);
  }
}
END_TEST

/* A layout string is taken as it stands; it says how many chunks a stage has. */
START_TEST(test_megatron_layout)
{
  g_autoptr(MoeImport) import = import_words(MIXTRAL "--pipeline-model-parallel-layout 'Et*4|(tttt|)*6ttttL'", NULL);
  g_autoptr(MoeRun) run = load(import);

  ck_assert_int_eq(run->parallelism.virtual_stages, 2);
  ck_assert_str_eq(run->parallelism.layout, "Et*4|(tttt|)*6ttttL");
  check_refused(MIXTRAL "--pipeline-model-parallel-layout 'Et*16|t*16L'",
                "2 chunks, expected a multiple of the stages (4)");
  check_refused(MIXTRAL "--pipeline-model-parallel-layout 'Exx|'", "--pipeline-model-parallel-layout: ");
}
END_TEST

/* The vocabulary: given, padded by the script, or by the tokenizer's name. */
START_TEST(test_megatron_vocabulary)
{
#define SMALL "--num-layers 2 --hidden-size 1024 --num-attention-heads 16 --seq-length 1024 --bf16 --world-size 8 "
  static const struct {
    const char *text;
    int64_t tokens;
  } cases[] = {
      {SMALL "--tokenizer-model deepseek-ai/DeepSeek-V3-Base", 129280},
      {SMALL "--tokenizer-type GPT2BPETokenizer", 50304},
      {SMALL "--tokenizer-name-or-path /data/hf/Qwen3-30B-A3B --make-vocab-size-divisible-by 1187", 151936},
      {SMALL "--padded-vocab-size 50432 --vocab-size 50257", 50432},
      {SMALL "--vocab-size 250680 --pad-vocab-size-to 250880", 250880},
      /* classes of Pai-Megatron-Patch: what they know and the extra rows, padded no further */
      {SMALL "--patch-tokenizer-type Qwen2Tokenizer --extra-vocab-size 421", 152064},
      {SMALL "--patch-tokenizer-type LLama3Tokenizer --extra-vocab-size 256 --load /c/any", 128256},
      {SMALL "--patch-tokenizer-type LLamaTokenizer --extra-vocab-size 0", 32000},
      {SMALL "--patch-tokenizer-type LLamaTokenizer --extra-vocab-size 256 --load /c/Meta-Llama-3-8B", 128256},
      {SMALL "--patch-tokenizer-type BloomTokenizerFromHF --extra-vocab-size 7", 250880},
      {SMALL "--patch-tokenizer-type DeepSeekV2Tokenizer --extra-vocab-size 467 --load /c/DeepSeek-V3", 129280}};

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(MoeImport) import = import_words(cases[i].text, NULL);
    g_autoptr(MoeRun) run = load(import);

    ck_assert_int_eq(run->architecture.vocabulary, cases[i].tokens);
  }
  check_refused(SMALL "--tokenizer-model ./tokens.model", "expected --vocabulary TOKENS");
}
END_TEST

/* Heads of keys by the names that Pai-Megatron-Patch has for them. */
START_TEST(test_megatron_key_heads)
{
  static const struct {
    const char *text;
    int64_t heads;
  } cases[] = {{SMALL "--vocab-size 32000 --attention-head-type multiquery", 1},
               {SMALL "--vocab-size 32000 --attention-head-type multiquery --n-head-kv 8", 8},
               {SMALL "--vocab-size 32000 --attention-head-type multihead", 16},
               {SMALL "--vocab-size 32000 --num-key-value-heads 4", 4},
               {SMALL "--vocab-size 32000 --group-query-attention --num-query-groups 4", 4},
               {SMALL "--vocab-size 32000 --num-query-groups 4", 16}}; /* groups count beside their switch alone */

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(MoeImport) import = import_words(cases[i].text, NULL);
    g_autoptr(MoeRun) run = load(import);

    ck_assert_int_eq(run->architecture.attention.kv_heads, cases[i].heads);
  }
  g_autoptr(MoeImport) wide = import_words(SMALL "--vocab-size 32000 --intermediate-size 2816 --swiglu", NULL);
  g_autoptr(MoeRun) run = load(wide);

  ck_assert_int_eq(run->architecture.ffn.width, 2816);
}
END_TEST

/* Programs that train nothing say so, and no run comes of them. */
START_TEST(test_programs_without_training)
{
  check_refused("torchrun evaluate_megatron_llama.py " SMALL "--vocab-size 32000", "evaluation, which is no training");
  check_refused("python hf2mcore_qwen2.py " SMALL "--vocab-size 32000", "conversion of checkpoints");
}
END_TEST

/* ---- scripts and YAML ------------------------------------------------------------------------ */

/* A variable that nobody assigned is named where it counts, and nothing where it does not. */
START_TEST(test_open_variables)
{
  check_refused("--num-layers '$LAYERS' --hidden-size 64",
                "--num-layers: the variable $LAYERS is not assigned, expected it as NAME=VALUE");
  check_refused("--num-layers '$4' --hidden-size 64", "--num-layers: the script's argument $4 is not given");
  check_refused("--num-layers '${11}' --hidden-size 64", "--num-layers: the script's argument ${11} is not given");
  g_autoptr(MoeImport) import = import_words(MIXTRAL "--save '$OUT' --swiglu '$MORE'", NULL);

  ck_assert(has(import->ignored, "$MORE: not assigned, taken as nothing"));
}
END_TEST

/* Layers that no period says become a pattern: windows, chunks, experts. */
START_TEST(test_irregular_layers)
{
#define QWEN_MOE                                                                                                       \
  "\"model_type\": \"qwen3_moe\", \"hidden_size\": 64, \"num_hidden_layers\": 6, \"vocab_size\": 512, "                \
  "\"num_attention_heads\": 8, \"intermediate_size\": 96, \"moe_intermediate_size\": 32, \"num_experts\": 8, "         \
  "\"num_experts_per_tok\": 2"
#define SCOUT                                                                                                          \
  "\"model_type\": \"llama4_text\", \"hidden_size\": 64, \"num_hidden_layers\": 6, \"vocab_size\": 512, "              \
  "\"num_attention_heads\": 8, \"intermediate_size\": 96, \"intermediate_size_mlp\": 128, \"num_local_experts\": 8, "  \
  "\"num_experts_per_tok\": 1, \"attention_chunk_size\": 1024"
  static const struct {
    const char *text;
    const char *kinds; /* of each layer: A all keys, L a window or chunk; e experts, d dense */
  } cases[] = {{"{" QWEN_MOE ", \"mlp_only_layers\": [0, 3]}", "AdAeAeAdAeAe"},
               {"{" QWEN_MOE ", \"decoder_sparse_step\": 2, \"mlp_only_layers\": [3]}", "AdAeAdAdAdAe"},
               {"{" QWEN_MOE ", \"sliding_window\": 128, \"max_window_layers\": 2}", "AeAeLeLeLeLe"},
               {"{" QWEN_MOE
                ", \"sliding_window\": 128, \"mlp_only_layers\": [5], \"layer_types\": [\"full_attention\", "
                "\"sliding_attention\", \"sliding_attention\", \"full_attention\", \"sliding_attention\", "
                "\"sliding_attention\"]}",
                "AeLeLeAeLeLd"},
               {"{" SCOUT "}", "LeLeLeAeLeLe"},
               {"{" SCOUT ", \"no_rope_layer_interval\": 3}", "LeLeAeLeLeAe"},
               {"{" SCOUT ", \"no_rope_layers\": [1, 1, 1, 1, 1, 1]}", "LeLeLeLeLeLe"},
               {"{" SCOUT ", \"no_rope_layers\": [1, 0, 1, 1, 0, 1], \"moe_layers\": [1, 2]}", "LdAeLeLdAdLd"}};
  static const MoeImportOptions options = {.gpus = 1, .tensor = 1};

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeImport) import = import_json(cases[i].text, &options, &error);

    ck_assert_msg(import != NULL, "%s", error ? error->message : "");
    g_autoptr(MoeRun) run = load(import);

    for (guint layer = 0; layer < 6; layer++) {
      MoeLayerKind kind = moe_layer_kind(&run->architecture, layer);
      const char said[] = {kind.mixer == MOE_MIXER_LOCAL ? 'L' : 'A', kind.feed == MOE_FEED_MOE ? 'e' : 'd', '\0'};

      ck_assert_msg(strncmp(said, cases[i].kinds + 2 * layer, 2) == 0, "case %u, layer %u: %s", i, layer, said);
    }
  }
}
END_TEST

/* DeepSeek and ERNIE count differently which layers have experts (their modelling code). */
START_TEST(test_expert_layers)
{
#define COUNTED                                                                                                        \
  "\"hidden_size\": 64, \"num_hidden_layers\": 9, \"vocab_size\": 512, \"num_attention_heads\": 8, "                   \
  "\"intermediate_size\": 96, \"moe_intermediate_size\": 32, \"num_experts_per_tok\": 2, "
  static const MoeImportOptions options = {.gpus = 1, .tensor = 1};
  g_autoptr(MoeImport) second =
      import_json("{\"model_type\": \"deepseek\", " COUNTED "\"n_routed_experts\": 8, \"first_k_dense_replace\": 3, "
                  "\"moe_layer_freq\": 2}",
                  &options, NULL);
  g_autoptr(MoeRun) deep = load(second);
  g_autoptr(MoeImport) between = import_json("{\"model_type\": \"ernie4_5_moe\", " COUNTED
                                             "\"moe_num_experts\": 8, \"moe_k\": 2, \"moe_layer_start_index\": 2, "
                                             "\"moe_layer_end_index\": 6, \"moe_layer_interval\": 2}",
                                             &options, NULL);
  g_autoptr(MoeRun) ernie = load(between);

  for (guint layer = 0; layer < 9; layer++) {
    ck_assert_int_eq(moe_layer_kind(&deep->architecture, layer).feed == MOE_FEED_MOE, layer >= 3 && layer % 2 == 0);
    ck_assert_int_eq(moe_layer_kind(&ernie->architecture, layer).feed == MOE_FEED_MOE, layer == 3 || layer == 5);
  }
}
END_TEST

/* Elements of lists that are no numbers are mistakes at the list, not zeros. */
START_TEST(test_elements_of_lists)
{
  static const char *const files[][3] = {{"deepseek-v3.2", "{\"moe_layer_freq\": [0, null, 1],", "moe_layer_freq"},
                                         {"qwen3-30b-a3b", "{\"mlp_only_layers\": [[]],", "mlp_only_layers"},
                                         {"bamba-9b", "{\"attn_layer_indices\": [9, {}],", "attn_layer_indices"}};
  const MoeImportOptions options = {.gpus = 64, .tensor = 8};

  for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
    g_autofree char *name = g_strdup_printf("tests/interchange/hf/%s.json", files[i][0]);
    g_autofree char *path = moetest_path(name), *text = NULL;

    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    char *old = strstr(text, files[i][2]);

    if (old)
      *old = '_'; /* the key of the file goes, ours comes in front */
    g_autofree char *more = g_strconcat(files[i][1], strchr(text, '{') + 1, NULL);
    g_autofree char *expected = g_strdup_printf("\"%s\" has an element", files[i][2]);
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeImport) import = moe_import_hf(more, strlen(more), "config.json", &options, &error);

    ck_assert_msg(!import && strstr(error->message, expected), "%s: %s", files[i][0], error ? error->message : "read");
  }
}
END_TEST

#define NAS                                                                                                            \
  "{\"model_type\": \"nemotron-nas\", \"hidden_size\": 8192, \"num_hidden_layers\": 3, \"num_attention_heads\": 64, "  \
  "\"vocab_size\": 128256, \"block_configs\": [{\"attention\": {\"n_heads_in_group\": 16}, \"ffn\": {\"ffn_mult\": "   \
  "2.625}}, "

/* Blocks that do nothing are no layers; widths are a multiple of 256; a linear layer in place of attention is refused.
 */
START_TEST(test_blocks)
{
  static const char nothing[] =
      NAS "{\"attention\": {\"no_op\": true, \"n_heads_in_group\": null}, \"ffn\": {\"no_op\": true}}, "
          "{\"attention\": {\"no_op\": true}, \"ffn\": {\"ffn_mult\": 0.5}}]}";
  static const char linear[] = NAS "{\"attention\": {\"replace_with_linear\": true}, \"ffn\": {\"ffn_mult\": 1}}, "
                                   "{\"attention\": {\"no_op\": true}, \"ffn\": {\"ffn_mult\": 1}}]}";
  const MoeImportOptions options = {.gpus = 8, .tensor = 1};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) import = moe_import_hf(nothing, strlen(nothing), "x.json", &options, &error);

  ck_assert_msg(import != NULL, "%s", error ? error->message : "");
  g_autoptr(MoeRun) run = load(import);
  MoeLayerKind first = moe_layer_kind(&run->architecture, 0), last = moe_layer_kind(&run->architecture, 1);

  ck_assert_int_eq(run->architecture.layers, 2);
  ck_assert_int_eq(first.kv_heads, 4);
  ck_assert_int_eq(first.ffn_width, 14336);
  ck_assert_int_eq(last.mixer, MOE_MIXER_NONE);
  ck_assert_int_eq(last.ffn_width, 2816);
  g_autoptr(MoeImport) none = moe_import_hf(linear, strlen(linear), "x.json", &options, &error);

  ck_assert_ptr_null(none);
  ck_assert_ptr_nonnull(strstr(error->message, "replace_with_linear"));
}
END_TEST

/* A list of indexes says nothing more when every layer has its own; layers that share one are refused. */
START_TEST(test_shared_indexes)
{
  static const char *const lists[] = {"{\"indexer_types\": [\"full\", \"full\"],",
                                      "{\"indexer_types\": [\"full\", \"shared\"],"};
  g_autofree char *path = moetest_path("tests/interchange/hf/deepseek-v3.2.json");
  g_autofree char *text = NULL;
  const MoeImportOptions options = {.gpus = 64, .tensor = 8};

  ck_assert(g_file_get_contents(path, &text, NULL, NULL));
  for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
    g_autofree char *more = g_strconcat(lists[i], strchr(text, '{') + 1, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeImport) import = moe_import_hf(more, strlen(more), "config.json", &options, &error);

    ck_assert((import != NULL) == (i == 0));
    if (error)
      ck_assert_ptr_nonnull(strstr(error->message, "indexer_types"));
  }
}
END_TEST

/* An index of keys makes DeepSeek-V3 into V3.2, by whatever name its configuration goes. */
START_TEST(test_index_by_another_name)
{
  g_autofree char *path = moetest_path("tests/interchange/hf/deepseek-v3.2.json");
  g_autofree char *text = NULL;
  g_autoptr(GError) error = NULL;
  gsize length = 0;

  ck_assert(g_file_get_contents(path, &text, &length, NULL));
  char *type = strstr(text, "\"deepseek_v32\"");

  ck_assert_ptr_nonnull(type);
  memcpy(type, "\"deepseek_v3\" ", strlen("\"deepseek_v32\""));
  const MoeImportOptions options = {.gpus = 64, .tensor = 8};
  g_autoptr(MoeImport) import = moe_import_hf(text, length, "config.json", &options, &error);

  ck_assert_msg(import != NULL, "%s", error ? error->message : "");
  g_autoptr(MoeRun) run = load(import);

  ck_assert_int_eq(run->architecture.attention.index.top_k, 2048);
}
END_TEST

/* What was chosen stands under assumptions, with one value each. */
START_TEST(test_assumptions)
{
  g_autoptr(MoeImport) import = import_words(MIXTRAL, NULL);
  g_autoptr(MoeRun) run = load(import);
  const MoeAssumption *cluster = moe_run_assumption(run, "cluster"), *stack = moe_run_assumption(run, "stack.extends");

  ck_assert(cluster && cluster->n_values == 1 && strcmp(cluster->values[0], "h100-hgx") == 0);
  ck_assert(stack && stack->n_values == 1);
  ck_assert_ptr_null(moe_run_assumption(run, "training.global_batch"));
}
END_TEST

/* Without arguments Megatron trains GPT-2-like models: GELU of four times the width, biases, tied embeddings, learned
 * positions. GPT-3 175B (arXiv:2005.14165) with the vocabulary padded to 51,200. */
START_TEST(test_megatron_defaults)
{
  g_autoptr(MoeImport) import =
      import_words("--num-layers 96 --hidden-size 12288 --num-attention-heads 96 --seq-length 2048 --vocab-size 50257 "
                   "--tensor-model-parallel-size 8",
                   NULL);
  g_autoptr(MoeRun) run = load(import);
  MoeParameters parameters;

  moe_count_parameters(&run->architecture, &parameters);
  ck_assert(deviation(parameters.total, 174.6) < TOLERANCE);
  ck_assert_int_eq(run->architecture.vocabulary, 51200);
  ck_assert(run->architecture.biases && run->architecture.tied_embeddings && !run->architecture.ffn.gated);
  ck_assert_int_eq(run->architecture.learned_positions, 2048);
}
END_TEST

START_TEST(test_words)
{
  static const char text[] = "--a 'b c' \\\n  \"d e\" # comment\n--f";
  g_auto(GStrv) words = moe_import_words(text, strlen(text), "x", NULL);

  ck_assert_int_eq(g_strv_length(words), 4);
  ck_assert_str_eq(words[1], "b c");
  ck_assert_str_eq(words[3], "--f");
}
END_TEST

static void check_refused_hf(const char *text, gsize length, const char *expected)
{
  g_autoptr(GError) error = NULL;

  ck_assert_ptr_null(moe_import_hf(text, length, "x.json", NULL, &error));
  ck_assert_str_eq(error->message, expected);
}

/* The format of the linear layers hangs on keys inside `quantization_config`: a misspelt one is no other format. */
START_TEST(test_quantization)
{
  static const struct {
    const char *config, *refused;
  } cases[] = {
      {"\"quant_method\": \"fp8\", \"weight_block_sizes\": [128, 128]", "quantization_config.weight_block_sizes"},
      {"\"quant_metod\": \"fp8\"", "quantization_config.quant_method \"\"; quantization_config.quant_metod"},
      {"\"quant_method\": \"fp9\"", "quantization_config.quant_method \"fp9\""},
      {"\"quant_method\": \"fp8\", \"weight_block_size\": [128, 128], \"fmt\": \"e4m3\"", NULL},
      {"\"quant_method\": \"awq\", \"bits\": 4, \"group_size\": 128, \"version\": \"gemm\"", NULL},
      {"\"quant_method\": \"bitsandbytes\", \"load_in_4bit\": true, \"bnb_4bit_quant_type\": \"nf4\"", NULL}};

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *text = g_strdup_printf("{" LLAMA ", \"quantization_config\": {%s}}", cases[i].config);
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeImport) import = import_json(text, NULL, &error);

    ck_assert_msg((import == NULL) == (cases[i].refused != NULL), "%s", error ? error->message : cases[i].config);
    ck_assert(import || strstr(error->message, cases[i].refused));
  }
}
END_TEST

/* A text of another format is named, and who reads it. */
START_TEST(test_other_kinds)
{
  static const struct {
    const char *text, *hf, *megatron;
  } cases[] = {{"# a model\n[model]\nname = \"llama3\"\n", "import torchtitan reads", "import torchtitan reads"},
               {"name = \"llama3\"\n", "import torchtitan reads", "import torchtitan reads"},
               {"{\"train_batch_size\": 8}", "import deepspeed reads", "import deepspeed reads"},
               {"{" LLAMA "}", NULL, "import hf reads"},
               {"model:\n  num_layers: 4\n", "import megatron reads", NULL},
               {"--num-layers 4\n", "import megatron reads", NULL},
               {"#!/bin/bash\npython t.py\n", "import megatron reads", NULL},
               {"compute_environment: LOCAL_MACHINE\ndistributed_type: FSDP\n", "Accelerate", "Accelerate"},
               {"title: \"x\"\narchitecture: {layers: 4}\n", "moesim run reads", "moesim run reads"}};

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) hf = NULL, megatron = NULL;
    const MoeImportText file = {cases[i].text, strlen(cases[i].text), "x"};
    g_autoptr(MoeImport) model = import_json(cases[i].text, NULL, &hf);
    g_autoptr(MoeImport) launch = moe_import_megatron_file(&file, NULL, NULL, NULL, &megatron);

    ck_assert((model == NULL) == (cases[i].hf != NULL));
    ck_assert_msg(model || strstr(hf->message, cases[i].hf), "%s", hf ? hf->message : "");
    ck_assert_ptr_null(launch);
    ck_assert_msg((cases[i].megatron != NULL) == (strstr(megatron->message, " look") != NULL), "%s", megatron->message);
    ck_assert(!cases[i].megatron || strstr(megatron->message, cases[i].megatron));
  }
}
END_TEST

START_TEST(test_limits)
{
  g_autoptr(GString) deep = g_string_new(NULL);
  g_autofree char *large = g_strnfill(MOE_IMPORT_MAX_BYTES + 1, ' ');

  for (int i = 0; i < 1000; i++)
    g_string_append_c(deep, '[');
  check_refused_hf(deep->str, deep->len, "x.json:1:33: nested more than 32 levels deep, expected a configuration");
  check_refused_hf(large, MOE_IMPORT_MAX_BYTES + 1,
                   "x.json: 4000001 bytes, expected a configuration of at most 4000000");
}
END_TEST

MOE_TEST_MAIN("interchange/import", test_published_counts, test_refused_types, test_no_silent_key, test_keys,
              test_chunks, test_hybrids, test_small_batch, test_same_as_shape, test_windows, test_options_win,
              test_megatron_mixtral, test_megatron_choices, test_megatron_other_choices, test_megatron_unknown,
              test_megatron_classes, test_megatron_recompute_methods, test_megatron_patterns, test_megatron_stack,
              test_megatron_types, test_megatron_experimental, test_megatron_gradients, test_megatron_vocabulary,
              test_megatron_key_heads, test_programs_without_training, test_open_variables, test_megatron_layout,
              test_megatron_hybrid, test_megatron_hybrid_stages, test_megatron_irregular, test_megatron_split,
              test_megatron_formats, test_tokenizers, test_megatron_capacity, test_megatron_blocks,
              test_megatron_offload, test_assumptions, test_elements_of_lists, test_irregular_layers,
              test_expert_layers, test_blocks, test_shared_indexes, test_index_by_another_name, test_megatron_defaults,
              test_words, test_quantization, test_other_kinds, test_limits)
