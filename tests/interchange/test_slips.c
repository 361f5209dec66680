/* What a person gets wrong in the input of an importer: values given twice, two that exclude each other, a word for
 * another. Nothing of it may pass in silence. */
#include "moetest.h"

#include "doc/doc.h"
#include "spec/spec.h"
#include <moesim/import.h>
#include <string.h>

/* ---- Megatron -------------------------------------------------------------------------------- */

#define MODEL                                                                                                          \
  "--num-layers 8 --hidden-size 1024 --num-attention-heads 16 --seq-length 2048 --max-position-embeddings 2048 "       \
  "--vocab-size 32000 --micro-batch-size 1 --global-batch-size 64 --world-size 8 --disable-bias-linear "

static MoeImport *megatron(const char *more, GError **error)
{
  g_autofree char *data_dir = moetest_path("");
  g_autofree char *text = g_strconcat(MODEL, more, NULL);
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  const MoeImportOptions options = {.data_dir = data_dir};

  return moe_import_megatron((const char *const *)words, &options, error);
}

static void refused(const char *more, const char *message)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) import = megatron(more, &error);

  ck_assert_msg(import == NULL, "%s is taken", more);
  ck_assert_msg(strstr(error->message, message) != NULL, "%s: %s", more, error->message);
}

/* Megatron stops at these; a run of either of the two would be a guess. */
START_TEST(arguments_that_exclude_each_other)
{
  static const struct {
    const char *words, *message;
  } rows[] = {
      {"--bf16 --fp16", "--bf16: stands beside --fp16"},
      {"--bf16 --swiglu --squared-relu", "--squared-relu: stands beside --swiglu"},
      {"--bf16 --encoder_num_layers=4", "--encoder-num-layers: stands beside --num-layers"},
      {"--bf16 --use-torch-fsdp2 --use-distributed-optimizer", "--use-distributed-optimizer: stands beside"},
      {"--bf16 --hybrid-layer-pattern M*M*M*M* --pipeline-model-parallel-layout Ett|ttttttL",
       "--hybrid-layer-pattern: stands beside --pipeline-model-parallel-layout"},
      {"--bf16 --pipeline-model-parallel-size 2 --num-layers-per-virtual-pipeline-stage 2 "
       "--num-virtual-stages-per-pipeline-rank 2",
       "--num-virtual-stages-per-pipeline-rank: stands beside --num-layers-per-virtual-pipeline-stage"},
      {"--bf16 --overlap-moe-expert-parallel-comm --recompute-granularity full --recompute-method uniform",
       "--recompute-method: stands beside --overlap-moe-expert-parallel-comm"},
      {"--bf16 --distributed-backend gloo", "--distributed-backend: a run cannot say"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++)
    refused(rows[i].words, rows[i].message);
  g_autoptr(MoeImport) nccl = megatron("--bf16 --distributed-backend nccl", NULL);

  ck_assert_ptr_nonnull(nccl);
}
END_TEST

static gboolean has_line(const GPtrArray *lines, const char *text)
{
  for (guint i = 0; i < lines->len; i++)
    if (strstr(g_ptr_array_index(lines, i), text))
      return TRUE;
  return FALSE;
}

/* The last of several values counts, of lists too, and it is said; of the first nothing is said to be applied. */
START_TEST(arguments_given_again)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) import =
      megatron("--bf16 --num-layers 4 --recompute-granularity selective --recompute-modules moe --recompute-modules "
               "core_attn --num-attention-heads 16",
               &error);

  ck_assert_msg(import != NULL, "%s", error ? error->message : "");
  ck_assert(has_line(import->notes, "--num-layers 8 stands before --num-layers 4: the last counts"));
  ck_assert(has_line(import->notes, "--recompute-modules moe stands before"));
  ck_assert(!has_line(import->notes, "--num-attention-heads"));
  ck_assert(!has_line(import->applied, "--num-layers 8"));
  ck_assert(has_line(import->ignored, "--num-layers 8: given again"));
  ck_assert_ptr_nonnull(strstr(import->text, "  layers: 4\n"));
  ck_assert_ptr_nonnull(strstr(import->text, "modules: [core_attention]"));
}
END_TEST

/* Megatron's own precedence: the switch decides, whatever the granularity says (arguments.py). */
START_TEST(a_switch_over_the_granularity)
{
  g_autoptr(MoeImport) import = megatron("--bf16 --recompute-granularity full --recompute-activations", NULL);

  ck_assert_ptr_nonnull(strstr(import->text, "recompute: {mode: selective, modules: [core_attention]}"));
}
END_TEST

/* A file of arguments takes more behind it, and nothing else. */
START_TEST(arguments_behind_a_file)
{
  static const char text[] = MODEL "--bf16\n";
  const MoeImportText file = {text, sizeof text - 1, "x.args"};
  static const char *const more[] = {"--num-layers", "4", NULL}, *const stray[] = {"TP=2", NULL};
  g_autofree char *data_dir = moetest_path("");
  const MoeImportOptions options = {.data_dir = data_dir};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) import = moe_import_megatron_file(&file, more, NULL, &options, NULL);

  ck_assert_ptr_nonnull(import);
  ck_assert_ptr_nonnull(strstr(import->text, "  layers: 4\n"));
  ck_assert_ptr_null(moe_import_megatron_file(&file, stray, NULL, &options, &error));
  ck_assert_msg(strstr(error->message, "'TP=2'") != NULL, "%s", error->message);
}
END_TEST

/* A script is one by its name, or by what it begins with; that its first line assigns a number makes no TOML of it. */
START_TEST(scripts_that_begin_with_a_number)
{
  static const char text[] = "LAYERS=4\nMODEL_ARGS=(" MODEL "--bf16 --num-layers $LAYERS)\n"
                             "python pretrain_gpt.py ${MODEL_ARGS[@]}\n";
  static const char *const names[] = {"x.sh", "x"};
  g_autofree char *data_dir = moetest_path("");
  const MoeImportOptions options = {.data_dir = data_dir};

  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    const MoeImportText file = {text, sizeof text - 1, names[i]};
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeImport) import = moe_import_megatron_file(&file, NULL, NULL, &options, &error);

    ck_assert_msg(import != NULL, "%s", error ? error->message : "");
    ck_assert_ptr_nonnull(strstr(import->text, "  layers: 4\n"));
  }
}
END_TEST

/* ---- Hugging Face, torchtitan ---------------------------------------------------------------- */

#define LLAMA                                                                                                          \
  "{\"model_type\": \"llama\", \"hidden_size\": 4096, \"num_hidden_layers\": 2, \"vocab_size\": 32000, "               \
  "\"num_key_value_heads\": 8, \"intermediate_size\": 14336, \"num_attention_heads\": "

static char *hf_error(const char *text)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) import = moe_import_hf(text, strlen(text), "c.json", NULL, &error);

  ck_assert_msg(import == NULL, "%s is taken", text);
  return g_strdup(error->message);
}

START_TEST(configurations)
{
  static const struct {
    const char *text, *message;
  } rows[] = {
      {LLAMA "32,\n\"hidden_size\": 2048}", "c.json:2:1: \"hidden_size\" stands twice"},
      {LLAMA "32}\n{}", "c.json:2:1: more than one value"},
      {LLAMA "24}", "24 heads in a width of 4096"},
      {LLAMA "Infinity}", "\"num_attention_heads\" is Infinity"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *message = hf_error(rows[i].text);

    ck_assert_msg(strstr(message, rows[i].message) != NULL, "%s", message);
  }
}
END_TEST

#define TITAN "[model]\nname = \"llama3\"\nflavor = \"8B\"\n[activation_checkpoint]\nmode = \"selective\"\n"

/* 0 is each layer, as torchtitan has it; a word that is neither "op" nor a number is no choice. */
START_TEST(selective_checkpoints)
{
  static const char each[] = TITAN "selective_ac_option = \"0\"\n", word[] = TITAN "selective_ac_option = \"layer\"\n";
  g_autofree char *data_dir = moetest_path("");
  const MoeImportOptions options = {.data_dir = data_dir, .gpus = 8};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) import = moe_import_torchtitan(each, sizeof each - 1, "x.toml", &options, &error);

  ck_assert_msg(import != NULL, "%s", error ? error->message : "");
  ck_assert_ptr_nonnull(strstr(import->text, "mode: full"));
  ck_assert_ptr_null(moe_import_torchtitan(word, sizeof word - 1, "x.toml", &options, &error));
  ck_assert_msg(strstr(error->message, "x.toml:6:1: ") != NULL, "%s", error->message);
}
END_TEST

MOE_TEST_MAIN("slips", arguments_that_exclude_each_other, arguments_given_again, a_switch_over_the_granularity,
              arguments_behind_a_file, scripts_that_begin_with_a_number, configurations, selective_checkpoints)
