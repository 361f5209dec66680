/* Every argument of a version of Megatron-LM has its class, and those of newer software become what a run says. */
#include "interchange/megatron.h"
#include "moetest.h"
#include <moesim/export.h>

#include <math.h>
#include <string.h>

#define MODEL                                                                                                          \
  "--num-layers 16 --hidden-size 1024 --num-attention-heads 16 --seq-length 2048 --max-position-embeddings 2048 "      \
  "--vocab-size 32000 --num-experts 16 --moe-router-topk 2 --moe-ffn-hidden-size 512 --expert-model-parallel-size 8 "  \
  "--pipeline-model-parallel-size 2 --micro-batch-size 1 --global-batch-size 64 --world-size 16 --bf16 "               \
  "--position-embedding-type rope --swiglu --disable-bias-linear "
#define HYBRID "--moe-token-dispatcher-type flex --moe-flex-dispatcher-backend hybridep "
#define PAGES  HYBRID "--moe-expert-rank-capacity-factor 1.2 --moe-paged-stash "

static MoeImport *import_words(const char *more, GError **error)
{
  g_autofree char *data_dir = moetest_path("");
  g_autofree char *text = g_strconcat(MODEL, more, NULL);
  g_auto(GStrv) words = NULL;

  ck_assert(g_shell_parse_argv(text, NULL, &words, NULL));
  return moe_import_megatron((const char *const *)words, &(const MoeImportOptions){.data_dir = data_dir}, error);
}

static MoeRun *run_of(const char *more)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *data_dir = moetest_path("");
  g_autoptr(MoeImport) import = import_words(more, &error);

  ck_assert_msg(import != NULL, "%s: %s", more, error ? error->message : "");
  MoeRun *run =
      moe_run_parse(import->text, -1, "imported", data_dir, &(const MoeRunOptions){.data_dir = data_dir}, &error);

  ck_assert_msg(run != NULL, "%s: %s", more, error ? error->message : "");
  return run;
}

static void refused(const char *more, const char *message)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) import = import_words(more, &error);

  ck_assert_msg(import == NULL, "%s is taken", more);
  ck_assert_msg(strstr(error->message, message) != NULL, "%s: %s", more, error->message);
}

/* ---- classes --------------------------------------------------------------------------------- */

static const char *class_of(const char *name)
{
  return megatron_option(name)           ? "applied"
         : megatron_refusal(name)        ? "refused"
         : megatron_without_effect(name) ? "without-effect"
                                         : "none";
}

/* "class: name name name" of a file; the number of names. */
static guint check_line(const char *line)
{
  g_auto(GStrv) words = g_strsplit(line, " ", -1);
  guint n = 0;

  if (*line == '#' || *line == '\0')
    return 0;
  for (char **word = words + 1; *word; word++, n++) {
    g_autofree char *expected = g_strndup(words[0], strlen(words[0]) - 1);

    ck_assert_msg(strcmp(class_of(*word), expected) == 0, "--%s: %s, expected %s", *word, class_of(*word), expected);
  }
  return n;
}

START_TEST(every_argument_has_a_class)
{
  g_autofree char *path = moetest_path("tests/interchange/megatron_arguments.txt"), *text = NULL;
  guint n = 0;

  ck_assert(g_file_get_contents(path, &text, NULL, NULL));
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

  for (char **line = lines; *line; line++)
    n += check_line(*line);
  ck_assert_uint_gt(n, 850);
}
END_TEST

/* ---- rows of experts ------------------------------------------------------------------------- */

/* transformer_config.py: pages need rows of one size by rank, which HybridEP delivers; the sign says whether the mean
 * or the fullest rank counts, the host takes what does not fit. */
START_TEST(pages_of_what_experts_keep)
{
  static const struct {
    const char *words;
    double pages;
  } rows[] = {{PAGES, 1.1},
              {PAGES "--moe-paged-stash-buffer-size-factor-cuda 1.2 --moe-paged-stash-page-size 64", 1.2},
              {PAGES "--moe-paged-stash-buffer-size-factor-cuda -1.0 --moe-paged-stash-buffer-size-factor-cpu 0.8", 1},
              {HYBRID "--moe-paged-stash-buffer-size-factor-cuda 1.2", 0}};

  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(MoeRun) run = run_of(rows[i].words);

    ck_assert_double_eq(run->stack.moe.paged_stash, rows[i].pages);
    ck_assert_int_eq(run->stack.moe.counts == MOE_COUNTS_DEVICE, rows[i].pages > 0);
  }
  refused("--moe-paged-stash", "no --moe-expert-rank-capacity-factor");
  refused(HYBRID "--moe-expert-rank-capacity-factor 1.2", "a run cannot say: buffers of one size");
  refused(PAGES "--moe-expert-rank-capacity-factor 0.8", "a run cannot say: tokens that are dropped by rank");
  refused(PAGES "--moe-paged-stash-buffer-size-factor-cuda 0.5", "0.5, expected 1 or more");
  refused(PAGES "--fine-grained-activation-offloading --offload-modules moe_act", "moe_act or fused_group_mlp beside");
  refused("--moe-token-dispatcher-type alltoall --moe-expert-rank-capacity-factor 1.2 --moe-paged-stash",
          "expected --moe-flex-dispatcher-backend hybridep");
}
END_TEST

/* experts.py: TransformerEngine's operations multiply all experts of a rank in one kernel. */
START_TEST(fused_experts_come_in_and_go_out)
{
  g_autoptr(MoeRun) run = run_of("--use-transformer-engine-op-fuser");
  g_autoptr(MoeRun) plain = run_of("");
  g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
  g_auto(GStrv) words = moe_export_megatron(run, notes), others = moe_export_megatron(plain, notes);

  ck_assert(run->stack.moe.fused_mlp && !run->stack.moe.per_expert);
  ck_assert(!plain->stack.moe.fused_mlp && plain->stack.moe.per_expert);
  ck_assert(g_strv_contains((const char *const *)words, "--use-transformer-engine-op-fuser"));
  ck_assert(!g_strv_contains((const char *const *)others, "--use-transformer-engine-op-fuser"));
}
END_TEST

START_TEST(pages_go_out_and_come_back)
{
  g_autoptr(MoeRun) run = run_of(PAGES "--moe-flex-dispatcher-num-sms 24 --moe-router-dtype fp32");
  g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
  g_auto(GStrv) words = moe_export_megatron(run, notes);
  g_autofree char *text = g_strjoinv(" ", words), *data_dir = moetest_path("");
  g_autoptr(MoeImport) again =
      moe_import_megatron((const char *const *)words, &(const MoeImportOptions){.data_dir = data_dir}, NULL);

  ck_assert_msg(strstr(text, "--moe-paged-stash --moe-paged-stash-buffer-size-factor-cuda 1.1"), "%s", text);
  ck_assert_ptr_nonnull(again);
  ck_assert(strstr(again->text, "moe: {counts: device, paged_stash: 1.1}") != NULL);
  ck_assert(strstr(again->text, "sms: {expert: 24}") != NULL);
}
END_TEST

/* ---- others ---------------------------------------------------------------------------------- */

/* What was taken as without effect and is not. */
START_TEST(what_shapes_the_step)
{
  g_autoptr(MoeRun) plain = run_of("--moe-token-dispatcher-type alltoall");
  g_autoptr(MoeRun) exact = run_of("--moe-router-dtype fp32 --qk-l2-norm --no-pad-vocab-size --vocab-size 32001");
  g_autoptr(MoeRun) eager = run_of("--disable-jit-fuser --disable-fp8-wgrad --fp8-format e4m3");
  g_autoptr(MoeRun) wide = run_of(HYBRID "--moe-hybridep-num-sms 24");

  ck_assert_int_eq(plain->training.precision.router, MOE_BF16);
  ck_assert_int_eq(exact->training.precision.router, MOE_FP32);
  ck_assert(exact->architecture.qk_norm);
  ck_assert_int_eq(exact->architecture.vocabulary, 32001);
  ck_assert(plain->stack.fused.activation && !eager->stack.fused.activation && !eager->stack.fused.dropout);
  ck_assert_int_eq(eager->training.precision.wgrad, MOE_BF16);
  ck_assert_int_eq(wide->stack.collectives.sms_expert, 24);
  refused("--num-layers-per-virtual-pipeline-stage 2 --microbatch-group-size-per-vp-stage 8",
          "micro-batches that take");
  refused("--sft", "sequences of different lengths");
  refused("--batch-invariant-mode", "sums are the same for any batch");
  refused("--tp-comm-overlap --disable-tp-comm-overlap-ag", "of which only some overlap");
  refused("--moe-router-dtype fp64", "a router in FP64");
}
END_TEST

MOE_TEST_MAIN("megatron_arguments", every_argument_has_a_class, pages_of_what_experts_keep, pages_go_out_and_come_back,
              fused_experts_come_in_and_go_out, what_shapes_the_step)
