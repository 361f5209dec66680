/* Random runs through other software's configurations: what is exported without a note comes back the same. */
#include "spec/spec.h"
#include <moesim/export.h>
#include <moesim/import.h>
#include <string.h>

#include "moetest.h"
#include "same_run.h"

#define RUNS  MOETEST_CASES(600)
#define LEAST MOETEST_CASES(150) /* legal ones among them, exported without a note */

/* ---- random runs ----------------------------------------------------------------------------- */

static int64_t pick(GRand *random, const int64_t *values, guint n)
{
  return values[g_rand_int_range(random, 0, (gint32)n)];
}

#define PICK(random, ...) pick(random, (const int64_t[]){__VA_ARGS__}, G_N_ELEMENTS(((const int64_t[]){__VA_ARGS__})))
#define COUNT             G_GINT64_FORMAT

static const char *word(GRand *random, const char *first, const char *second)
{
  return g_rand_boolean(random) ? first : second;
}

static void put_attention(GString *text, GRand *random, int64_t heads)
{
  if (PICK(random, 0, 1, 2) == 0)
    g_string_append_printf(text,
                           " attention: {kind: mla, query_heads: %" COUNT ", q_rank: %" COUNT ", kv_rank: %" COUNT
                           ", nope_dim: 128, rope_dim: 64, value_dim: 128}\n",
                           heads, PICK(random, 0, 512, 1536), PICK(random, 256, 512));
  else
    g_string_append_printf(
        text, " attention: {kind: gqa, query_heads: %" COUNT ", kv_heads: %" COUNT ", head_dim: %" COUNT "}\n", heads,
        MAX(heads / PICK(random, 1, 2, 4), 1), PICK(random, 64, 128));
}

static void put_model(GString *text, GRand *random, int64_t layers)
{
  int64_t hidden = PICK(random, 1024, 2048, 4096), experts = PICK(random, 0, 8, 64);

  g_string_append_printf(text,
                         "architecture:\n layers: %" COUNT "\n hidden: %" COUNT
                         "\n vocabulary: 65536\n norms_per_layer: 2\n tied_embeddings: %s\n qk_norm: %s\n",
                         layers, hidden, word(random, "true", "false"), word(random, "true", "false"));
  put_attention(text, random, hidden / 128);
  g_string_append_printf(text, " ffn: {width: %" COUNT ", gated: true}\n", hidden * PICK(random, 2, 3, 4));
  if (experts > 0)
    g_string_append_printf(text,
                           " moe: {experts: %" COUNT ", top_k: %" COUNT ", width: %" COUNT
                           ", gated: true, first_layer: %" COUNT ", every: %" COUNT "}\n",
                           experts, PICK(random, 1, 2, 4), hidden / 2, PICK(random, 0, 1, 3), PICK(random, 1, 1, 2));
}

static void put_training(GString *text, GRand *random)
{
  g_string_append_printf(
      text,
      "training: {sequence_length: %" COUNT ", global_batch: %" COUNT ", micro_batch: %" COUNT
      ", optimizer: adamw, precision: {gemm: bf16, wgrad: bf16, attention: bf16, gradient_reduce: %s}",
      PICK(random, 2048, 4096), PICK(random, 256, 512, 1024), PICK(random, 1, 2), word(random, "fp32", "bf16"));
  g_string_append(text, ", routing: {balance: even, capacity_factor: none}}\n");
}

static void put_layout(GString *text, GRand *random)
{
  static const char *const recompute[] = {"none", "full", "selective, modules: [core_attention]"};
  int64_t pipeline = PICK(random, 1, 2, 4), chunks = pipeline > 1 ? PICK(random, 1, 2) : 1,
          tensor = PICK(random, 1, 2, 4);

  g_string_append_printf(text,
                         "parallelism: {gpus: %" COUNT ", tensor: %" COUNT ", pipeline: %" COUNT
                         ", virtual_stages: %" COUNT ", expert: %" COUNT ", context: %" COUNT ", zero: %" COUNT
                         ", sequence_parallel: %s, overlap: {gradient_reduce: %s, parameter_gather: %s}}\n",
                         PICK(random, 64, 128), tensor, pipeline, chunks, PICK(random, 1, 4, 8), PICK(random, 1, 1, 2),
                         PICK(random, 0, 1, 1, 3), tensor > 1 ? word(random, "true", "false") : "false",
                         word(random, "true", "false"), word(random, "true", "false"));
  g_string_append_printf(text, "recompute: {mode: %s}\ncluster: h100-hgx\nstack: megatron-core:2026\n",
                         recompute[g_rand_int_range(random, 0, (gint32)G_N_ELEMENTS(recompute))]);
}

static MoeRun *load_text(const char *text)
{
  g_autofree char *data_dir = moetest_path("");
  const MoeRunOptions options = {.data_dir = data_dir};
  g_autoptr(MoeDoc) doc = moe_doc_parse(text, -1, "random", NULL, NULL);

  return doc ? moe_run_from_doc(g_steal_pointer(&doc), "random", &options, NULL) : NULL;
}

/* NULL when the keys do not make a run. */
static MoeRun *random_run(GRand *random)
{
  g_autoptr(GString) text = g_string_new("title: random\n");
  int64_t layers = PICK(random, 8, 16, 24);

  put_model(text, random, layers);
  put_training(text, random);
  put_layout(text, random);
  return load_text(text->str);
}

/* ---- there and back -------------------------------------------------------------------------- */

static MoeRun *load_import(const MoeImport *import, const GError *error, const char *text)
{
  ck_assert_msg(import != NULL, "%s in\n%s", error ? error->message : "", text);
  MoeRun *again = load_text(import->text);

  ck_assert_msg(again != NULL, "%s", import->text);
  return again;
}

static MoeRun *through_megatron(const MoeRun *run, GPtrArray *notes)
{
  g_autofree char *data_dir = moetest_path("");
  const MoeImportOptions options = {.data_dir = data_dir, .cluster = "h100-hgx", .stack = "megatron-core:2026"};
  g_auto(GStrv) words = moe_export_megatron(run, notes);
  g_autofree char *text = g_strjoinv(" ", words);
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) import = moe_import_megatron((const char *const *)words, &options, &error);

  return load_import(import, error, text);
}

static MoeRun *through_hf(const MoeRun *run, GPtrArray *notes)
{
  g_autofree char *data_dir = moetest_path("");
  const MoeImportOptions options = {.data_dir = data_dir, .gpus = 64, .tensor = 1};
  g_autofree char *text = moe_export_hf_text(run, notes);
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) import = moe_import_hf(text, strlen(text), "config.json", &options, &error);

  return load_import(import, error, text);
}

typedef MoeRun *(*Through)(const MoeRun *run, GPtrArray *notes);

/* How many of the random runs were exported without a note; they come back the same: `whole`, or in their architecture.
 */
static guint count_same(guint32 seed, Through through, gboolean whole)
{
  g_autoptr(GRand) random = g_rand_new_with_seed(seed);
  guint same = 0;

  for (guint i = 0; i < RUNS; i++) {
    g_autofree char *name = g_strdup_printf("run %u", i);
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(MoeRun) run = random_run(random);

    if (!run)
      continue;
    g_autoptr(MoeRun) again = through(run, notes);

    if (notes->len > 0)
      continue;
    check_architecture(name, &run->architecture, &again->architecture);
    if (whole) {
      check_training(run, again);
      check_layout(name, &run->parallelism, &again->parallelism);
    }
    same++;
  }
  return same;
}

START_TEST(megatron)
{
  ck_assert_uint_ge(count_same(23, through_megatron, TRUE), LEAST);
}
END_TEST

START_TEST(hugging_face)
{
  ck_assert_uint_ge(count_same(24, through_hf, FALSE), LEAST);
}
END_TEST

MOE_TEST_MAIN("interchange/round_trips", megatron, hugging_face)
