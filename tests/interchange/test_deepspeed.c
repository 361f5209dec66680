/* DeepSpeed configurations: what each key becomes, what follows from others, what is refused and where. */
#include "moetest.h"

#include "doc/doc.h"
#include "spec/spec.h"
#include <moesim/import.h>
#include <string.h>

static MoeImport *import(const char *config, const MoeImportOptions *options, GError **error)
{
  g_autofree char *path = moetest_path("tests/interchange/hf/llama-3.1-70b.json");
  g_autofree char *model = NULL;
  gsize length = 0;

  ck_assert(g_file_get_contents(path, &model, &length, NULL));
  return moe_import_deepspeed(&(MoeImportText){config, strlen(config), "ds.json"},
                              &(MoeImportText){model, length, "config.json"}, options, error);
}

static MoeRun *run_of(const char *config, const MoeImportOptions *options)
{
  g_autofree char *data_dir = moetest_path("");
  const MoeRunOptions run_options = {.data_dir = data_dir};
  MoeImportOptions chosen = options ? *options : (MoeImportOptions){0};
  g_autoptr(GError) error = NULL;

  chosen.data_dir = data_dir;
  g_autoptr(MoeImport) made = import(config, &chosen, &error);

  ck_assert_msg(made != NULL, "%s", error ? error->message : "");
  g_autoptr(MoeDoc) doc = moe_doc_parse(made->text, -1, "imported", NULL, &error);

  ck_assert_msg(doc != NULL, "%s", error ? error->message : "");
  MoeRun *run = moe_run_from_doc(g_steal_pointer(&doc), "imported", &run_options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  return run;
}

#define BF16 "\"bf16\": {\"enabled\": true}"

/* DeepSpeed's own equation gives the GPUs when the file names all three. */
START_TEST(batch_gives_the_gpus)
{
  g_autoptr(MoeRun) run = run_of("{\"train_batch_size\": 512, \"train_micro_batch_size_per_gpu\": 2,"
                                 "\"gradient_accumulation_steps\": 4, " BF16 "}",
                                 NULL);

  ck_assert_int_eq(run->parallelism.gpus, 64);
  ck_assert_int_eq(run->training.global_batch, 512);
  ck_assert_int_eq(run->training.micro_batch, 2);
  ck_assert_int_eq(run->parallelism.zero, 0);
}
END_TEST

START_TEST(gpus_give_the_batch)
{
  const MoeImportOptions options = {.gpus = 32};
  g_autoptr(MoeRun) run = run_of("{\"train_micro_batch_size_per_gpu\": 3, \"gradient_accumulation_steps\": 2,"
                                 "\"train_batch_size\": \"auto\", " BF16 "}",
                                 &options);

  ck_assert_int_eq(run->training.global_batch, 3 * 2 * 32);
}
END_TEST

START_TEST(ulysses_and_tensor_parallelism_divide_the_ranks)
{
  g_autoptr(MoeRun) run = run_of("{\"train_batch_size\": 16, \"train_micro_batch_size_per_gpu\": 1,"
                                 "\"gradient_accumulation_steps\": 2, \"sequence_parallel_size\": 4,"
                                 "\"tensor_parallel\": {\"autotp_size\": 2}, " BF16 "}",
                                 NULL);

  ck_assert_int_eq(run->parallelism.gpus, 16 / 2 * 4 * 2);
  ck_assert_int_eq(run->parallelism.context, 4);
  ck_assert_int_eq(run->parallelism.context_kind, MOE_CONTEXT_ULYSSES);
  ck_assert_int_eq(run->parallelism.tensor, 2);
}
END_TEST

/* Communication overlaps by default from stage 3 on alone; buckets are counted in elements of what travels. */
START_TEST(sharding)
{
  static const struct {
    const char *zero;
    int64_t stage;
    gboolean reduce, gather;
    double bucket_bytes;
  } cases[] = {{"\"stage\": 1", 1, FALSE, FALSE, 1e9},
               {"\"stage\": 2, \"overlap_comm\": true, \"reduce_bucket_size\": 200000000", 2, TRUE, FALSE, 4e8},
               {"\"stage\": 3", 3, TRUE, TRUE, 1e9},
               {"\"stage\": 3, \"overlap_comm\": false, \"stage3_prefetch_bucket_size\": 0", 3, FALSE, FALSE, 1e9}};

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *config = g_strdup_printf("{\"zero_optimization\": {%s}, " BF16 "}", cases[i].zero);
    g_autoptr(MoeRun) run = run_of(config, NULL);

    ck_assert_int_eq(run->parallelism.zero, cases[i].stage);
    ck_assert_int_eq(run->parallelism.overlap.gradient_reduce, cases[i].reduce);
    ck_assert_int_eq(run->parallelism.overlap.parameter_gather, cases[i].gather);
    ck_assert_double_eq(run->stack.data_parallel.bucket_bytes, cases[i].bucket_bytes);
  }
}
END_TEST

START_TEST(precision)
{
  g_autoptr(MoeRun) run = run_of("{\"fp16\": {\"enabled\": true}, \"communication_data_type\": \"fp32\"}", NULL);

  ck_assert_int_eq(run->training.precision.gemm, MOE_FP16);
  ck_assert_int_eq(run->training.precision.gradient_reduce, MOE_FP32);
}
END_TEST

/* "auto" leaves the precision to whoever starts the training: BF16, with a note. */
START_TEST(automatic_precision)
{
  g_autoptr(MoeRun) run = run_of("{\"fp16\": {\"enabled\": \"auto\"}, \"bf16\": {\"enabled\": \"auto\"}}", NULL);

  ck_assert_int_eq(run->training.precision.gemm, MOE_BF16);
}
END_TEST

START_TEST(refusals)
{
  static const struct {
    const char *config, *message;
  } cases[] = {
      {"{}", "ds.json: bf16.enabled: expected true"},
      {"[]", "ds.json"},
      {"{" BF16 ",\n \"zero_optimization\": {\"stage\": 5}}",
       "ds.json:2:24: zero_optimization.stage: expected 0, 1, 2"},
      {"{" BF16 ", \"zero_optimization\": {\"stage\": \"two\"}}", "zero_optimization.stage: expected a whole number"},
      {"{" BF16 ", \"optimizer\": {\"type\": \"OneBitAdam\"}}", "optimizer.type: expected Adam or AdamW"},
      {"{" BF16 ", \"sparse_attention\": {\"mode\": \"fixed\"}}", "not understood"},
      {"{" BF16 ", \"zero_optimization\": {\"offload_param\": {\"device\": \"cpu\"}}}", "on the host"},
      {"{" BF16 ", \"zero_optimization\": {\"offload_optimizer\": {\"device\": \"nvme\"}}}", "on NVMe"},
      {"{" BF16 ", \"train_batch_size\": 100, \"train_micro_batch_size_per_gpu\": 2,"
       "\"gradient_accumulation_steps\": 3}",
       "train_batch_size: expected micro-batch x accumulation steps"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeImport) made = import(cases[i].config, NULL, &error);

    ck_assert_msg(made == NULL, "%s", cases[i].config);
    ck_assert_msg(strstr(error->message, cases[i].message) != NULL, "%s", error->message);
  }
}
END_TEST

/* The optimizer on the host, with the gradients from stage 2 on. */
START_TEST(offload)
{
  const MoeImportOptions options = {.gpus = 64};
  g_autoptr(MoeRun) run =
      run_of("{\"train_micro_batch_size_per_gpu\": 1, " BF16
             ", \"zero_optimization\": {\"stage\": 2, \"offload_optimizer\": {\"device\": \"cpu\"}}}",
             &options);

  ck_assert_double_eq(run->offload.optimizer, 1);
  ck_assert(run->offload.gradients && run->offload.master);
  ck_assert_int_eq(run->offload.update, MOE_UPDATE_HOST);
}
END_TEST

/* What was accepted although a run cannot say it is listed. */
START_TEST(accepted)
{
  const char *const accept[] = {"zero_optimization.offload_param", NULL};
  const MoeImportOptions options = {.accept = accept};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) made =
      import("{" BF16 ", \"zero_optimization\": {\"offload_param\": {\"device\": \"cpu\"}}}", &options, &error);

  ck_assert_msg(made != NULL, "%s", error ? error->message : "");
  ck_assert_uint_eq(made->unknown->len, 1);
}
END_TEST

MOE_TEST_MAIN("interchange/deepspeed", batch_gives_the_gpus, gpus_give_the_batch,
              ulysses_and_tensor_parallelism_divide_the_ranks, sharding, precision, automatic_precision, refusals,
              offload, accepted)
