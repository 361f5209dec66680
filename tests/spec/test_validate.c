/* Layouts that can be, and those that cannot. */
#include "spectest.h"

START_TEST(layouts_that_cannot_be)
{
  const struct {
    const char *sets, *message;
  } layouts[] = {
      {"parallelism.gpus=18", "gpus is 18, expected a multiple of tensor x context x pipeline (4)"},
      {"parallelism.gpus=20", "expected a multiple of expert_tensor x expert x pipeline (8)"},
      {"parallelism.tensor=1048576;parallelism.context=1048576;parallelism.pipeline=1048576",
       "expected a multiple of tensor"},
      {"architecture.attention={query_heads: 15, kv_heads: 15, head_dim: 64}",
       "query_heads is 15, expected a multiple of tensor (2)"},
      {"architecture.attention={query_heads: 24, kv_heads: 6, head_dim: 64};parallelism.tensor=4",
       "kv_heads is 6, expected a multiple or a divisor of tensor (4)"},
      {"architecture.attention={query_heads: 12, kv_heads: 12, head_dim: 64};parallelism.context=4;parallelism.gpus=32",
       "expected a multiple of tensor x context (8)"},
      {"architecture.ffn.width=4095", "ffn.width is 4095, expected a multiple of tensor (2)"},
      {"architecture.moe.width=513;parallelism.expert_tensor=2",
       "moe.width is 513, expected a multiple of expert_tensor (2)"},
      {"architecture.moe.experts=6", "experts is 6, expected a multiple of expert (4)"},
      {"architecture.moe=none", "expert parallelism in a model without experts"},
      {"training.sequence_length=2047;parallelism.context=2;parallelism.gpus=32", "expected a multiple of context (2)"},
      {"training.sequence_length=2046;parallelism.context=2;parallelism.gpus=32;parallelism.context_kind=ring",
       "expected a multiple of 2 x context (4)"},
      {"training.sequence_length=2047;parallelism.sequence_parallel=true",
       "expected a multiple of tensor x context (2)"},
      {"training.global_batch=60", "global_batch is 60, expected a multiple of data x micro_batch (8)"},
      {"training.global_batch=268435456;training.sequence_length=268435456", "a step of more than 2^40 tokens"},
      {"parallelism.shard_group=3", "expected a multiple of shard_group (3)"},
      {"parallelism.schedule=none", "schedule none with pipeline 2"},
      {"parallelism.pipeline=1;parallelism.schedule=zb-h1",
       "schedule zb-h1 with pipeline 1, expected at least 2 stages"},
      {"parallelism.schedule=interleaved", "schedule interleaved with 1 virtual stage"},
      {"parallelism.virtual_stages=2", "schedule 1f1b with 2 virtual stages"},
      {"parallelism.schedule=interleaved;parallelism.virtual_stages=2;training.global_batch=24",
       "3 micro-batches with schedule interleaved, expected a multiple of pipeline (2)"},
      {"parallelism={gpus: 12, pipeline: 3, expert: 4, schedule: dualpipe}", "expected an even number of stages"},
      {"parallelism.schedule=dualpipe;training.global_batch=40",
       "5 micro-batches with schedule dualpipe, expected an even"},
      {"parallelism.schedule=dualpipe;training.global_batch=16",
       "2 micro-batches with schedule dualpipe, expected at least 4"},
      {"parallelism={gpus: 32, pipeline: 32}", "16 layers for 32 pipeline stages of 1 chunks"},
      {"parallelism.schedule=interleaved;parallelism.virtual_stages=16",
       "16 layers for 2 pipeline stages of 16 chunks"},
      {"parallelism.first_stage_layers=3;parallelism.last_stage_layers=12", "miss the number of layers by 1"},
      {"parallelism.first_stage_layers=16", "expected at least one for each"},
      {"training.precision={bf16_first_layers: 2, bf16_last_layers: 15}", "expected at most the 16 of the model"},
      {"parallelism={gpus: 16, pipeline: 2, virtual_stages: 2, first_stage_layers: 3}",
       "first_stage_layers is 3, expected a multiple of virtual_stages (2)"},
  };

  for (size_t i = 0; i < G_N_ELEMENTS(layouts); i++)
    spectest_bad(layouts[i].sets, layouts[i].message);
}
END_TEST

START_TEST(layouts_that_can_be)
{
  const char *const layouts[] = {
      "parallelism.tensor=4",                                                            /* four key heads, one each */
      "parallelism={gpus: 16, tensor: 8, expert: 4};parallelism.sequence_parallel=true", /* two ranks share a key head
                                                                                          */
      "parallelism={gpus: 16, context: 16, context_kind: ring}", /* a ring does not divide heads */
      "parallelism={gpus: 32, expert: 8, expert_tensor: 2};training.global_batch=64",
      "parallelism.zero=3",
      "parallelism.schedule=gpipe",
      "parallelism.schedule=dualpipe",
      "parallelism.schedule=dualpipe-v;parallelism.virtual_stages=2",
      "parallelism={gpus: 12, pipeline: 3};training.global_batch=48", /* 6 + 5 + 5 layers */
      "parallelism={gpus: 16, pipeline: 4, first_stage_layers: 2, last_stage_layers: 2}",
      "parallelism={gpus: 16, pipeline: 2, embedding_as_layer: true, head_as_layer: true}",
      "parallelism.shard_group=2",
  };

  for (size_t i = 0; i < G_N_ELEMENTS(layouts); i++) {
    g_autoptr(MoeRun) run = spectest_good(layouts[i]);
    ck_assert_int_gt(run->parallelism.micro_batches, 0);
  }
}
END_TEST

START_TEST(schedule_follows_the_stages)
{
  g_autoptr(MoeRun) one = spectest_good("parallelism={gpus: 16}");
  g_autoptr(MoeRun) two = spectest_good("parallelism={gpus: 16, pipeline: 2}");
  g_autoptr(MoeRun) chunks = spectest_good("parallelism={gpus: 16, pipeline: 2, virtual_stages: 2}");

  ck_assert_int_eq(one->parallelism.schedule, MOE_SCHEDULE_NONE);
  ck_assert_int_eq(two->parallelism.schedule, MOE_SCHEDULE_1F1B);
  ck_assert_int_eq(chunks->parallelism.schedule, MOE_SCHEDULE_INTERLEAVED);
}
END_TEST

START_TEST(refused_layouts_have_their_own_code)
{
  g_autoptr(GError) layout = NULL, input = NULL;

  ck_assert_ptr_null(spectest_set("parallelism.gpus=18", &layout));
  ck_assert_ptr_null(spectest_set("parallelism.gpus=many", &input));
  ck_assert(g_error_matches(layout, MOE_ERROR, MOE_ERROR_LAYOUT));
  ck_assert(g_error_matches(input, MOE_ERROR, MOE_ERROR_INPUT));
}
END_TEST

START_TEST(marks_point_at_the_value_or_around_it)
{
  g_autoptr(MoeRun) run = spectest_good("training.micro_batch=1");

  ck_assert_str_eq(moe_run_mark(run, "training.micro_batch").file, MOE_DOC_SET_NAME);
  ck_assert_int_eq(moe_run_mark(run, "architecture.layers").line, 4);
  ck_assert_int_eq(moe_run_mark(run, "training.precision.gemm").line, moe_run_mark(run, "training").line);
  ck_assert_int_eq(moe_run_mark(run, "recompute.mode").line, 1);
}
END_TEST

/* A copy that a caller changed is refused before anything is divided by it. */
START_TEST(changed_copies_are_checked)
{
  static const int64_t values[] = {0, -1, INT64_MIN, INT64_MAX, INT64_C(1) << 62};
  g_autoptr(MoeRun) run = spectest_good("");

  for (gsize v = 0; v < G_N_ELEMENTS(values); v++) {
    MoeRun copy = *run;
    int64_t *const members[] = {&copy.parallelism.gpus,           &copy.parallelism.tensor,
                                &copy.parallelism.context,        &copy.parallelism.pipeline,
                                &copy.parallelism.expert,         &copy.parallelism.expert_tensor,
                                &copy.parallelism.virtual_stages, &copy.training.micro_batch,
                                &copy.training.global_batch,      &copy.training.sequence_length};

    for (gsize m = 0; m < G_N_ELEMENTS(members); m++) {
      g_autoptr(GError) error = NULL;

      copy = *run;
      *members[m] = values[v];
      ck_assert_msg(!moe_run_validate(&copy, &error), "member %zu: %" G_GINT64_FORMAT, m, values[v]);
      ck_assert_ptr_nonnull(error);
    }
  }
}
END_TEST

/* What takes gigabytes and minutes to lay out is refused with its place before. */
START_TEST(steps_have_a_length)
{
  spectest_bad("training={sequence_length: 1, global_batch: 268435456, micro_batch: 1}",
               "expected at most 2097152 passes");
}
END_TEST

MOE_TEST_MAIN("spec/validate", layouts_that_cannot_be, layouts_that_can_be, schedule_follows_the_stages,
              refused_layouts_have_their_own_code, marks_point_at_the_value_or_around_it, changed_copies_are_checked,
              steps_have_a_length)
