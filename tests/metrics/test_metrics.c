/* MFU of measured runs, and step times that follow from what was published. */
#include "moetest.h"

#include "layer/layer.h"
#include "metrics/metrics.h"

static MoeMeasuredRun dense_405b(gboolean lora)
{
  return (MoeMeasuredRun){.parameters = 405e9,
                          .tokens_per_step = 16 * 64,
                          .step_time_s = 30,
                          .gpus = 8,
                          .peak_flop_per_s = 1.3e15,
                          .lora = lora};
}

/* 6 x 405e9 x 1,024 FLOPs in 30 s on 8 x 1.3 PFLOP/s: 0.80 %; without the weight-gradient pass 4/6 of it. */
START_TEST(measured)
{
  MoeMeasuredRun full = dense_405b(FALSE), lora = dense_405b(TRUE);

  ck_assert_double_eq_tol(moe_measured_mfu(&full), 0.00798, 0.00001);
  ck_assert_double_eq_tol(moe_measured_mfu(&lora), 0.00532, 0.00001);
}
END_TEST

/* DeepSeek-V3: 250 GFLOP per token, 15,360 sequences of 4,096 in 19.926 s on 2,048 x 989 TFLOP/s give 38.9 %. */
START_TEST(measured_by_flop_per_token)
{
  MoeMeasuredRun run = {.flop_per_token = 249.7e9,
                        .tokens_per_step = 15360.0 * 4096,
                        .step_time_s = 19.926,
                        .gpus = 2048,
                        .peak_flop_per_s = 989e12};

  ck_assert_double_eq_tol(moe_measured_mfu(&run), 0.389, 0.0005);
}
END_TEST

static MoeRun small_run(void)
{
  MoeRun run = {0};

  run.architecture = (MoeArchitecture){.layers = 4,
                                       .hidden = 1024,
                                       .vocabulary = 32000,
                                       .attention = {.query_heads = 8, .kv_heads = 8, .head_dim = 128},
                                       .ffn = {.width = 4096}};
  run.training = (MoeTraining){.sequence_length = 2048, .global_batch = 64, .micro_batch = 1};
  run.parallelism.gpus = 8;
  run.cluster.accelerator.quoted_peak_flop_per_s = 1e15;
  return run;
}

/* Every metric that says the same gives the same step time, each in its own convention and with its own peak. */
START_TEST(published_step_time)
{
  MoeRun run = small_run();
  MoeModelFlops flops;
  double per_gpu = 64.0 * 2048 / 8, step = 0.5;
  gboolean derived;

  moe_count_model_flops(&run.architecture, &run.training, &flops);
  run.published = (MoePublished){.step_time_s = step};
  ck_assert_double_eq(moe_published_step_time(&run, &derived), step);
  ck_assert(!derived);
  run.published = (MoePublished){.tokens_per_s_per_gpu = per_gpu / step};
  ck_assert_double_eq_tol(moe_published_step_time(&run, &derived), step, 1e-12);
  ck_assert(derived);
  run.published = (MoePublished){.model_flop_per_s_per_gpu = flops.full * per_gpu / step, .full_convention = TRUE};
  ck_assert_double_eq_tol(moe_published_step_time(&run, &derived), step, 1e-12);
  run.published = (MoePublished){.mfu = flops.causal * per_gpu / step / 1e15};
  ck_assert_double_eq_tol(moe_published_step_time(&run, &derived), step, 1e-12);
  run.published = (MoePublished){.mfu = flops.causal * per_gpu / step / 2e15, .peak_flop_per_s = 2e15};
  ck_assert_double_eq_tol(moe_published_step_time(&run, &derived), step, 1e-12);
  run.published = (MoePublished){0};
  ck_assert_double_eq(moe_published_step_time(&run, &derived), 0);
}
END_TEST

/* A run says all but the time, with the peak that its publication counts by; a measured FLOP count stands in for both
 * conventions, and without a model there is but one. */
START_TEST(measured_of_a_run)
{
  MoeRun run = small_run();
  MoeMeasuredQuestion question;
  MoeModelFlops flops;

  moe_count_model_flops(&run.architecture, &run.training, &flops);
  run.published.peak_flop_per_s = 2e15;
  moe_measured_question(&run, &question);
  question.measured.step_time_s = 0.5;
  ck_assert_double_eq_tol(moe_measured_question_mfu(&question), flops.causal * 64 * 2048 / 8 / 0.5 / 2e15, 1e-12);
  ck_assert_double_eq_tol(moe_measured_question_full(&question), flops.full * 64 * 2048 / 8 / 0.5 / 2e15, 1e-12);
  question = (MoeMeasuredQuestion){.measured = dense_405b(FALSE)};
  ck_assert_double_eq(moe_measured_question_mfu(&question), moe_measured_mfu(&question.measured));
  ck_assert_double_eq(moe_measured_question_full(&question), moe_measured_mfu(&question.measured));
}
END_TEST

MOE_TEST_MAIN("metrics/metrics", measured, measured_by_flop_per_token, published_step_time, measured_of_a_run)
