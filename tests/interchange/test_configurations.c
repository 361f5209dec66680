/* Runs as configurations of other software: exported, imported again, the same run. */
#include "layer/layer.h"
#include "spec/spec.h"
#include <moesim/export.h>
#include <moesim/import.h>
#include <string.h>

#include "moetest.h"
#include "same_run.h"

static MoeRun *load_text(const char *text)
{
  g_autoptr(GError) error = NULL;
  MoeRunOptions options = {.data_dir = g_getenv("MOESIM_DATA")};
  g_autoptr(MoeDoc) doc = moe_doc_parse(text, -1, "imported", NULL, &error);
  MoeRun *run = doc ? moe_run_from_doc(g_steal_pointer(&doc), "imported", &options, &error) : NULL;

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  return run;
}

static MoeRun *load_model(const char *name)
{
  g_autofree char *base = g_strconcat(name, ".yaml", NULL);
  g_autofree char *path = g_build_filename(g_getenv("MOESIM_DATA"), "models", base, NULL);
  g_autoptr(GError) error = NULL;
  MoeRun *run = moe_run_load(path, NULL, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  return run;
}

static void check_stack(const MoeStack *a, const MoeStack *b, gboolean experts)
{
  ck_assert_int_eq(a->host.graph_scopes, b->host.graph_scopes);
  ck_assert(a->fused.cross_entropy == b->fused.cross_entropy && a->fused.quantize == b->fused.quantize);
  if (!experts)
    return;
  ck_assert_str_eq(a->collectives.expert_library, b->collectives.expert_library);
  ck_assert(a->fused.permute == b->fused.permute && a->fused.router == b->fused.router);
}

/* ---- Megatron -------------------------------------------------------------------------------- */

static MoeRun *through_megatron(const MoeRun *run, const char *stack, GPtrArray *notes)
{
  g_auto(GStrv) words = moe_export_megatron(run, notes);
  MoeImportOptions options = {.data_dir = g_getenv("MOESIM_DATA"), .cluster = run->cluster.name, .stack = stack};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) import = moe_import_megatron((const char *const *)words, &options, &error);

  ck_assert_msg(import != NULL, "%s", error ? error->message : "");
  ck_assert_int_eq(import->unknown->len, 0);
  return load_text(import->text);
}

/* Runs of which arguments say everything: the same run comes back. */
START_TEST(test_megatron_round_trip)
{
  static const char *const models[] = {"mixtral-8x7b",  "mixtral-8x22b",   "llama3-70b",        "llama3-405b",
                                       "qwen3-30b-a3b", "qwen3-235b-a22b", "nemotron3-nano-30b"};

  for (guint i = 0; i < G_N_ELEMENTS(models); i++) {
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(MoeRun) run = load_model(models[i]);

    if (run->parallelism.virtual_stages == 1 && run->parallelism.pipeline > 1)
      run->parallelism.overlap.expert = FALSE; /* which Megatron has with virtual stages alone */
    g_autoptr(MoeRun) again = through_megatron(run, run->stack.name, notes);

    ck_assert_msg(notes->len == 0, "%s: %s", models[i], notes->len > 0 ? (const char *)notes->pdata[0] : "");
    check_architecture(models[i], &run->architecture, &again->architecture);
    check_training(run, again);
    check_layout(models[i], &run->parallelism, &again->parallelism);
    check_stack(&run->stack, &again->stack, run->architecture.moe.experts > 0);
  }
}
END_TEST

/* What arguments cannot say is said beside them. */
START_TEST(test_megatron_notes)
{
  g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(MoeRun) run = load_model("deepseek-v3");
  g_auto(GStrv) words = moe_export_megatron(run, notes);

  ck_assert(g_strv_contains((const char *const *)words, "--multi-latent-attention"));
  ck_assert_int_eq(notes->len, 2);
  ck_assert(strstr(notes->pdata[0], "the pipeline schedule") != NULL);
  ck_assert(strstr(notes->pdata[1], "expert exchanges beside other work") != NULL);
}
END_TEST

/* The text is for a shell: splitting it gives the words again. */
START_TEST(test_megatron_text)
{
  g_autoptr(MoeRun) run = load_model("qwen3-30b-a3b");
  g_auto(GStrv) words = moe_export_megatron(run, NULL);
  g_autofree char *text = moe_export_megatron_text(run, NULL);
  g_auto(GStrv) split = moe_import_words(text, strlen(text), "text", NULL);

  ck_assert_ptr_nonnull(split);
  ck_assert(g_strv_equal((const char *const *)words, (const char *const *)split));
}
END_TEST

/* ---- Hugging Face ---------------------------------------------------------------------------- */

static MoeRun *load_configuration(const char *name)
{
  g_autofree char *base = g_strconcat(name, ".json", NULL);
  g_autofree char *path = g_build_filename(g_getenv("MOESIM_DATA"), "tests", "interchange", "hf", base, NULL);
  g_autofree char *text = NULL;
  gsize length = 0;

  ck_assert(g_file_get_contents(path, &text, &length, NULL));
  g_autoptr(MoeImport) import = moe_import_hf(text, length, base, NULL, NULL);

  return load_text(import->text);
}

static void check_hf(const char *name, const MoeRun *run)
{
  g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *text = moe_export_hf_text(run, notes);
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) import = moe_import_hf(text, strlen(text), "config.json", NULL, &error);

  ck_assert_msg(import != NULL, "%s: %s in %s", name, error ? error->message : "", text);
  ck_assert_msg(notes->len == 0, "%s: %s", name, notes->len > 0 ? (const char *)notes->pdata[0] : "");
  g_autoptr(MoeRun) again = load_text(import->text);

  check_architecture(name, &run->architecture, &again->architecture);
}

/* Models of every family that is written: the same architecture comes back. */
START_TEST(test_hf_round_trip)
{
  static const char *const models[] = {"mixtral-8x7b", "llama3-70b", "qwen3-30b-a3b", "deepseek-v3", "kimi-k2"};
  static const char *const configurations[] = {"gpt-oss-120b",   "qwen2-57b-a14b", "glm-4.5",       "minitron-4b",
                                               "granite-3.1-8b", "gemma-3-27b",    "glm-4-9b-0414", "deepseek-v2-lite",
                                               "starcoder2-3b",  "dots.llm1"};

  for (guint i = 0; i < G_N_ELEMENTS(models); i++) {
    g_autoptr(MoeRun) run = load_model(models[i]);

    check_hf(models[i], run);
  }
  for (guint i = 0; i < G_N_ELEMENTS(configurations); i++) {
    g_autoptr(MoeRun) run = load_configuration(configurations[i]);

    check_hf(configurations[i], run);
  }
}
END_TEST

/* ---- torchtitan ------------------------------------------------------------------------------ */

static MoeImport *import_toml(const char *text, int64_t gpus, GError **error)
{
  MoeImportOptions options = {.data_dir = g_getenv("MOESIM_DATA"), .gpus = gpus};

  return moe_import_torchtitan(text, strlen(text), "x.toml", &options, error);
}

/* What a configuration says, by hand: 405 B on 128 GPUs, 8-way tensor parallelism, float8, whole layers recomputed. */
START_TEST(test_torchtitan)
{
  static const char text[] =
      "[model]\nname = \"llama3\"\nflavor = \"405B\"\nconverters = [\"float8\"]\n[optimizer]\nname = \"AdamW\"\nlr = "
      "8e-5\n"
      "[training]\nlocal_batch_size = 2\nseq_len = 8_192\n[parallelism]\ndata_parallel_shard_degree = -1\n"
      "tensor_parallel_degree = 8 # ranks\nenable_async_tensor_parallel = true\n[activation_checkpoint]\nmode = "
      "'full'\n"
      "[float8]\nenable_fsdp_float8_all_gather = true\n[compile]\nenable = true\n";
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) import = import_toml(text, 128, &error);

  ck_assert_msg(import != NULL, "%s", error ? error->message : "");
  g_autoptr(MoeRun) run = load_text(import->text);

  ck_assert_int_eq(run->architecture.layers, 126);
  ck_assert_int_eq(run->training.global_batch, 32);
  ck_assert_int_eq(run->training.precision.gemm, MOE_FP8);
  ck_assert_int_eq(run->training.precision.scaling, MOE_FP8_SCALING_CURRENT);
  ck_assert_int_eq(run->training.precision.parameter_gather, MOE_FP8);
  ck_assert_int_eq(run->parallelism.zero, 3);
  ck_assert(run->parallelism.overlap.tensor && run->parallelism.sequence_parallel);
  ck_assert_int_eq(run->recompute.mode, MOE_RECOMPUTE_FULL);
  ck_assert_int_eq(import->applied->len + import->ignored->len, 13);
}
END_TEST

/* What a file leaves out is torchtitan's own default (config/job_config.py): 8 sequences of 2,048 tokens, every second
 * layer recomputed, nothing compiled. */
START_TEST(test_torchtitan_defaults)
{
  g_autoptr(MoeImport) bare = import_toml("model = {name = \"llama3\", flavor = \"8B\"}\n", 8, NULL);
  g_autoptr(MoeRun) run = load_text(bare->text);
  g_autoptr(MoeImport) partial = import_toml("model = {name = \"llama3\", flavor = \"8B\"}\n"
                                             "compile = {enable = true, components = [\"loss\"]}\n",
                                             8, NULL);
  g_autoptr(MoeRun) loss = load_text(partial->text);

  ck_assert_int_eq(run->training.sequence_length, 2048);
  ck_assert_int_eq(run->training.micro_batch, 8);
  ck_assert_int_eq(run->recompute.mode, MOE_RECOMPUTE_FULL);
  ck_assert_int_eq(run->recompute.every, 2);
  ck_assert(!run->stack.fused.activation && !run->stack.fused.cross_entropy && run->stack.fused.optimizer);
  ck_assert(!loss->stack.fused.activation && loss->stack.fused.cross_entropy);
}
END_TEST

/* Converters by all their names, as a list or a text; what is none of them is refused, not BF16. */
START_TEST(test_torchtitan_converters)
{
  static const struct {
    const char *text;
    MoePrecision gemm;
  } cases[] = {{"converters = \"float8\"", MOE_FP8},
               {"converters = [\"quantize.linear.float8\", \"quantize.grouped_mm.float8\"]", MOE_FP8},
               {"converters = [\"mx\"]", MOE_MXFP8},
               {"converters = []", MOE_BF16},
               {"[float8]\nenable_float8_linear = true", MOE_FP8},
               {"[float8]\nenable_float8_linear = false", MOE_BF16}};

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *text = g_strdup_printf("[model]\nname = \"llama3\"\nflavor = \"8B\"\n%s\n", cases[i].text);
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeImport) import = import_toml(text, 8, &error);

    ck_assert_msg(import != NULL, "%s", error ? error->message : "");
    g_autoptr(MoeRun) run = load_text(import->text);

    ck_assert_int_eq(run->training.precision.gemm, cases[i].gemm);
  }
}
END_TEST

/* What switches say of kernels and routing: nothing of it is taken without a word. */
START_TEST(test_torchtitan_switches)
{
  g_autoptr(MoeImport) plain = import_toml("model = {name = \"qwen3\", flavor = \"30B-A3B\"}\n", 8, NULL);
  g_autoptr(MoeImport) forced =
      import_toml("model = {name = \"qwen3\", flavor = \"30B-A3B\", converters = \"float8\"}\n"
                  "debug = {moe_force_load_balance = true, deterministic = false}\n"
                  "float8 = {filter_fqns = [\"output\", \"router.gate\"]}\n",
                  8, NULL);
  ck_assert(strstr(plain->text, "# routing is taken as even"));
  ck_assert(!strstr(forced->text, "# routing is taken as even"));
  ck_assert(!strstr(forced->text, "# filter_fqns does not name"));
}
END_TEST

/* Embedding and head count for a layer each unless told otherwise; what is over goes to the first chunks. */
START_TEST(test_torchtitan_split)
{
#define PIPELINE                                                                                                       \
  "[training]\nlocal_batch_size = 8\nseq_len = 4096\n[parallelism]\npipeline_parallel_degree = 2\n"                    \
  "pipeline_parallel_schedule = \"Interleaved1F1B\"\ndata_parallel_shard_degree = 8\n"
  g_autoptr(MoeImport) even = import_toml("model = {name = \"llama3\", flavor = \"405B\"}\n" PIPELINE, 0, NULL);
  g_autoptr(MoeRun) counted = load_text(even->text);
  g_autoptr(MoeImport) uneven = import_toml("model = {name = \"gpt_oss\", flavor = \"120B\"}\n" PIPELINE, 0, NULL);
  g_autoptr(MoeRun) laid = load_text(uneven->text);
  g_autoptr(MoeImport) plain = import_toml("model = {name = \"gpt_oss\", flavor = \"120B\"}\n" PIPELINE
                                           "pipeline_parallel_first_stage_less_layers = 0\n"
                                           "pipeline_parallel_last_stage_less_layers = 0\n"
                                           "pipeline_parallel_layers_per_stage = 6\n",
                                           0, NULL);
  g_autoptr(MoeRun) six = load_text(plain->text);

  ck_assert(counted->parallelism.embedding_as_layer && counted->parallelism.head_as_layer);
  ck_assert_str_eq(laid->parallelism.layout, "Et*9|t*10|t*9|t*8L");
  ck_assert_int_eq(six->parallelism.virtual_stages, 3);
  ck_assert(!six->parallelism.embedding_as_layer);
}
END_TEST

static void check_toml(const char *text, const char *message)
{
  g_autoptr(GError) error = NULL;

  ck_assert_ptr_null(import_toml(text, 8, &error));
  ck_assert_msg(g_str_has_prefix(error->message, message), "%s", error->message);
}

START_TEST(test_torchtitan_refusals)
{
#define SMALL "model = {name = \"llama3\", flavor = \"8B\"}\n"
  check_toml("[model\n", "x.toml:1:7: no TOML of at most 4000000 bytes");
  check_toml("[model]\nname = \"llama9\"\nflavor = \"8B\"\n",
             "x.toml:3:1: model.flavor: expected a model and a flavor, one of llama3/8B");
  check_toml(SMALL "[training]\nseq_len = \"long\"\n", "x.toml:3:1: training.seq_len: expected a whole number");
  check_toml(SMALL "[parallelism]\nwarp = 9\n",
             "x.toml:3:1: not understood, and it may shape the answer: parallelism.warp 9");
  check_toml(SMALL "[parallelism]\npipeline_parallel_degree = 2\npipeline_parallel_schedule = \"Zigzag\"\n",
             "x.toml:4:1: parallelism.pipeline_parallel_schedule: expected 1F1B");
  check_toml("[model]\nname = \"llama3\"\nflavor = \"8B\"\nconverters = [\"fp5\"]\n",
             "x.toml:4:1: model.converters: expected primus_turbo float8");
  check_toml(SMALL "[optimizer]\nearly_step_in_backward = true\n",
             "x.toml:3:1: not understood, and it may shape the answer: optimizer.early_step_in_backward");
  check_toml(SMALL "[training]\ndtype = \"bfloat16\"\n",
             "x.toml:3:1: not understood, and it may shape the answer: training.dtype");
  check_toml(SMALL "[parallelism]\nmodule_fqns_per_model_part = [[\"layers.0\"], [\"layers.1\"]]\n",
             "x.toml:3:1: not understood, and it may shape the answer: parallelism.module_fqns_per_model_part");
  check_toml(SMALL "[parallelism]\ntensor_parallel_degree = 2\ndisable_loss_parallel = true\n",
             "x.toml:4:1: not understood, and it may shape the answer: parallelism.disable_loss_parallel: a run");
  check_toml(SMALL "[parallelism]\ntensor_parallel_degree = 2\nenable_async_tensor_parallel = true\n",
             "x.toml:4:1: enable_async_tensor_parallel: expected [compile]");
  check_toml(SMALL "[parallelism]\npipeline_parallel_degree = -1\n",
             "x.toml:3:1: parallelism.pipeline_parallel_degree: expected a whole number");
  check_toml(SMALL "[debug]\ndeterministic = true\n",
             "x.toml:3:1: not understood, and it may shape the answer: debug.deterministic: a run cannot say: kernels");
  check_toml(SMALL "[training]\nseq_len = []\n", "x.toml:3:1: training.seq_len: expected a whole number");
  check_toml(SMALL "[parallelism]\npipeline_parallel_degree = 2\n[training]\nlocal_batch_size = 4\n"
                   "global_batch_size = 64\n",
             "x.toml:6:1: not understood, and it may shape the answer: training.global_batch_size: a run cannot say: a "
             "pipeline that is filled and drained several times");
  check_toml("[model]\nname = \"llama3\"\nflavor = \"8B\"\nconverters = \"float8\"\n[float8]\n"
             "filter_fqns = [\"attention.wk\", \"output\"]\n",
             "x.toml:6:1: not understood, and it may shape the answer: float8.filter_fqns");
  check_toml(SMALL "[training]\nenable_cpu_offload = true\n",
             "x.toml:3:1: not understood, and it may shape the answer: training.enable_cpu_offload: a run cannot say");
}
END_TEST

/* Exported and imported again: the same run. */
START_TEST(test_torchtitan_round_trip)
{
  static const char *const layouts[] = {
      "[training]\nlocal_batch_size = 1\nseq_len = 8192\nglobal_batch_size = "
      "128\n[parallelism]\ndata_parallel_shard_degree = 32\n"
      "data_parallel_replicate_degree = 2\ntensor_parallel_degree = 2\ncontext_parallel_degree = 1\n",
      "[training]\nlocal_batch_size = 16\nseq_len = 4096\n[parallelism]\ndata_parallel_shard_degree = "
      "16\npipeline_parallel_degree = 4\n"
      "tensor_parallel_degree = 2\npipeline_parallel_schedule = \"Interleaved1F1B\"\n[activation_checkpoint]\nmode = "
      "\"full\"\n"};

  for (guint i = 0; i < G_N_ELEMENTS(layouts); i++) {
    g_autofree char *text = g_strconcat("model = {name = \"llama3\", flavor = \"8B\"}\n", layouts[i], NULL);
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(MoeImport) import = import_toml(text, 0, NULL);
    g_autoptr(MoeRun) run = load_text(import->text);
    g_autofree char *written = moe_export_torchtitan_text(run, notes);
    g_autoptr(MoeImport) back = import_toml(written, 0, NULL);
    g_autoptr(MoeRun) again = load_text(back->text);

    ck_assert_msg(notes->len == 0, "%s", notes->len > 0 ? (const char *)notes->pdata[0] : "");
    check_architecture("llama3 8B", &run->architecture, &again->architecture);
    check_training(run, again);
    check_layout("llama3 8B", &run->parallelism, &again->parallelism);
  }
}
END_TEST

/* Files of Primus: the trainer, which sets every key, and a model. */
static char *read_primus(G_GNUC_UNUSED void *data, const char *path, gsize *length)
{
  static const struct {
    const char *path, *text;
  } files[] = {
      {"primus/configs/modules/torchtitan/trainer.yaml",
       "extends: [base.yaml]\ntraining: {seq_len: 2048, local_batch_size: 8, global_batch_size: -1}\n"
       "activation_checkpoint: {mode: none, selective_ac_option: '2'}\ncompile: {enable: true, components: [model, "
       "loss]}\n"
       "parallelism: {tensor_parallel_degree: 1, module_fqns_per_model_part: null}\n"
       "primus_turbo: {use_turbo_grouped_mm: true, use_moe_fp8: true, use_turbo_attention: true}\n"},
      {"primus/configs/modules/torchtitan/base.yaml", "trainable: false\nsink_level: null\n"},
      {"primus/configs/models/torchtitan/dense.yaml",
       "model: {name: llama3, flavor: 8B, converters: [primus_turbo]}\n"},
      {"primus/configs/models/torchtitan/sparse.yaml", "model: {name: deepseek_v3, flavor: 16B}\n"},
      {"primus/configs/models/torchtitan/circle.yaml", "extends: [circle.yaml]\nmodel: {name: llama3, flavor: 8B}\n"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
    if (strcmp(files[i].path, path) == 0) {
      *length = strlen(files[i].text);
      return g_strdup(files[i].text);
    }
  return NULL;
}

static MoeImport *import_primus_at(const char *name, const char *model, const char *overrides, GError **error)
{
  g_autofree char *text =
      g_strdup_printf("modules:\n  pre_trainer:\n    framework: torchtitan\n    config: trainer.yaml\n"
                      "    model: ${MODEL:%s}.yaml\n    overrides:\n%s",
                      model, overrides);
  const MoeImportFiles files = {read_primus, NULL};
  const MoeImportOptions options = {.data_dir = g_getenv("MOESIM_DATA"), .gpus = 8};

  return moe_import_torchtitan_file(&(MoeImportText){text, strlen(text), name}, &files, &options, error);
}

static MoeImport *import_primus(const char *model, const char *overrides, GError **error)
{
  return import_primus_at("x.yaml", model, overrides, error);
}

/* Primus is AMD's: the machine is that of the experiment's folder, MI300X where it names none, and an assumption. */
START_TEST(test_primus_machine)
{
  static const char *const rows[][2] = {{"examples/torchtitan/configs/MI355X/dense.yaml", "mi355x"},
                                        {"examples/torchtitan/configs/MI300X/dense.yaml", "mi300x"},
                                        {"dense.yaml", "mi300x"}};

  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeImport) import = import_primus_at(rows[i][0], "dense", "      training: {seq_len: 4096}\n", &error);
    g_autofree char *cluster = g_strdup_printf("cluster: \"%s\"", rows[i][1]);
    g_autofree char *assumed = g_strdup_printf("  cluster: {values: [%s], why:", rows[i][1]);

    ck_assert_msg(import != NULL, "%s", error ? error->message : "");
    ck_assert_msg(strstr(import->text, cluster) && strstr(import->text, assumed), "%s:\n%s", rows[i][0], import->text);
    g_autoptr(MoeRun) run = load_text(import->text);
    ck_assert_str_eq(run->cluster.name, rows[i][1]);
  }
}
END_TEST

/* Experiments of Primus: torchtitan's sections, of which each file changes some. */
START_TEST(test_primus)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) import = import_primus("dense",
                                              "      training: {seq_len: 8192, mock_data: true}\n"
                                              "      activation_checkpoint: {mode: full}\n"
                                              "      parallelism: {tensor_parallel_degree: 2}\n"
                                              "      model: {n_layers: 16}\n",
                                              &error);

  ck_assert_msg(import != NULL, "%s", error ? error->message : "");
  g_autoptr(MoeRun) run = load_text(import->text);

  ck_assert_int_eq(run->training.sequence_length, 8192);
  ck_assert_int_eq(run->training.micro_batch, 8);
  ck_assert_int_eq(run->training.global_batch, 32);
  ck_assert_int_eq(run->parallelism.tensor, 2);
  ck_assert_int_eq(run->architecture.layers, 16);
  ck_assert_int_eq(run->recompute.mode, MOE_RECOMPUTE_FULL);
}
END_TEST

START_TEST(test_primus_refusals)
{
  static const struct {
    const char *model, *overrides, *message;
  } rows[] = {
      {"sparse", "      training: {seq_len: 4096}\n", "primus_turbo.use_moe_fp8: a run cannot say"},
      {"dense", "      training: {seq_len: many}\n", "training.seq_len: expected a whole number"},
      {"dense", "      parallelism: {warp_degree: 2}\n", "parallelism.warp_degree"},
      {"dense", "      compile: {enable: perhaps}\n", "compile.enable: expected true or false"},
      {"absent", "      training: {seq_len: 4096}\n", "primus/configs/models/torchtitan/absent.yaml cannot be read"},
      {"circle", "      training: {seq_len: 4096}\n", "expected files that do not name each other in a circle"},
  };
  static const char megatron[] = "modules:\n  pre_trainer:\n    framework: megatron\n    model: a.yaml\n";
  g_autoptr(GError) other = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeImport) import = import_primus(rows[i].model, rows[i].overrides, &error);

    ck_assert_msg(import == NULL, "%s is taken", rows[i].overrides);
    ck_assert_msg(strstr(error->message, rows[i].message) != NULL, "%s", error->message);
  }
  ck_assert_ptr_null(moe_import_torchtitan(megatron, sizeof megatron - 1, "x.yaml", NULL, &other));
  ck_assert_msg(strstr(other->message, "framework megatron, which import megatron reads") != NULL, "%s",
                other->message);
}
END_TEST

MOE_TEST_MAIN("interchange/configurations", test_megatron_round_trip, test_megatron_notes, test_megatron_text,
              test_hf_round_trip, test_torchtitan, test_torchtitan_split, test_torchtitan_switches,
              test_torchtitan_defaults, test_torchtitan_converters, test_torchtitan_refusals,
              test_torchtitan_round_trip, test_primus, test_primus_machine, test_primus_refusals)
