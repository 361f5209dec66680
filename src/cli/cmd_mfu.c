/* moesim mfu: MFU of a measured run. */
#include "cli.h"
#include "record/tables.h"

#include "report/findings.h"

static const MoeUsage usage = {
    .command = "mfu",
    .arguments = "",
    .examples = "  moesim mfu --params 405e9 --tokens-per-step 1024 --step-time 30 --gpus 8 --peak 1.3e15\n"
                "  moesim mfu --params 405e9 --tokens-per-step 1024 --step-time 30 --gpus 8 --peak 1.3e15 --lora\n"
                "  moesim mfu --run models/deepseek-v3.yaml --step-time 19.926\n",
    .least = 0,
    .most = 0,
};

typedef struct {
  char *params, *active, *attention, *flops, *tokens, *step, *gpus, *peak, *run;
  gboolean lora, json;
} Options;

static void clear_options(Options *options)
{
  char **texts[] = {&options->params, &options->active, &options->attention, &options->flops, &options->tokens,
                    &options->step,   &options->gpus,   &options->peak,      &options->run};

  for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
    g_clear_pointer(texts[i], g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, clear_options)

static gboolean read_numbers(const Options *options, MoeMeasuredQuestion *question)
{
  MoeMeasuredRun *measured = &question->measured;

  measured->lora = options->lora;
  return moe_cli_quantity("--params", options->params, MOE_DIM_NONE, &measured->parameters) &&
         moe_cli_quantity("--active", options->active, MOE_DIM_NONE, &measured->parameters) &&
         moe_cli_quantity("--attention-flops-per-token", options->attention, MOE_DIM_FLOP,
                          &measured->attention_flop_per_token) &&
         moe_cli_quantity("--flops-per-token", options->flops, MOE_DIM_FLOP, &measured->flop_per_token) &&
         moe_cli_quantity("--tokens-per-step", options->tokens, MOE_DIM_NONE, &measured->tokens_per_step) &&
         moe_cli_quantity("--step-time", options->step, MOE_DIM_SECONDS, &measured->step_time_s) &&
         moe_cli_quantity("--gpus", options->gpus, MOE_DIM_NONE, &measured->gpus) &&
         moe_cli_quantity("--peak", options->peak, MOE_DIM_FLOP_PER_S, &measured->peak_flop_per_s);
}

/* A run file answers everything but the step time. */
static gboolean read_run(const char *file, MoeMeasuredQuestion *question, GError **error)
{
  g_auto(MoeCliRun) options = {0};
  g_autoptr(MoeRun) run = moe_cli_load_run(file, &options, error);

  if (run)
    moe_measured_question(run, question);
  return run != NULL;
}

/* Name of the first option whose value is missing; NULL when the question is complete. */
static const char *missing_option(const MoeMeasuredQuestion *question)
{
  const MoeMeasuredRun *measured = &question->measured;

  if (measured->parameters == 0 && measured->flop_per_token == 0 && question->causal == 0)
    return "--params, --flops-per-token or --run";
  if (measured->tokens_per_step == 0)
    return "--tokens-per-step";
  if (measured->step_time_s == 0)
    return "--step-time";
  if (measured->gpus == 0)
    return "--gpus";
  return measured->peak_flop_per_s == 0 ? "--peak" : NULL;
}

/* More than the peak cannot have been measured: something that was said is another. */
static void warn_above_peak(const MoeMeasuredQuestion *question)
{
  if (moe_measured_question_mfu(question) > 1)
    moe_cli_warn("an MFU above 100 %%: the step is longer, of fewer tokens, or on more or faster GPUs than said");
}

static int answer(const MoeMeasuredQuestion *question, gboolean json)
{
  MoeFormat format = json ? MOE_FORMAT_JSON : MOE_FORMAT_TABLE;

  moe_cli_show(format, moe_report_measured(question, moe_cli_sheet(format)));
  warn_above_peak(question);
  return MOE_EXIT_DONE;
}

int moe_cmd_mfu(int argc, char **argv)
{
  g_auto(Options) options = {0};
  const GOptionEntry entries[] = {
      {"params", 0, 0, G_OPTION_ARG_STRING, &options.params, "parameters of the model", "P"},
      {"active", 0, 0, G_OPTION_ARG_STRING, &options.active, "parameters active per token (MoE), instead of --params",
       "A"},
      {"attention-flops-per-token", 0, 0, G_OPTION_ARG_STRING, &options.attention,
       "attention FLOPs per token, added to 6 x parameters", "F"},
      {"flops-per-token", 0, 0, G_OPTION_ARG_STRING, &options.flops, "model FLOPs per token, instead of counting", "F"},
      {"tokens-per-step", 0, 0, G_OPTION_ARG_STRING, &options.tokens, "tokens per optimizer step, all GPUs", "T"},
      {"step-time", 0, 0, G_OPTION_ARG_STRING, &options.step, "measured time of one step, seconds or with unit", "S"},
      {"gpus", 0, 0, G_OPTION_ARG_STRING, &options.gpus, "GPUs", "N"},
      {"peak", 0, 0, G_OPTION_ARG_STRING, &options.peak, "peak of one GPU, FLOP/s or with unit: 2.5 PFLOP/s", "F"},
      {"lora", 0, 0, G_OPTION_ARG_NONE, &options.lora, "no weight-gradient pass: 4 instead of 6 FLOPs per parameter",
       NULL},
      {"run", 0, 0, G_OPTION_ARG_FILENAME, &options.run, "take model, batch, GPUs and peak from a run file",
       "RUN.yaml"},
      {"json", 0, 0, G_OPTION_ARG_NONE, &options.json, "print JSON", NULL},
      {NULL},
  };
  MoeMeasuredQuestion question = {0};
  g_autoptr(GError) error = NULL;
  int status = moe_cli_parse(&usage, entries, NULL, &argc, &argv);

  if (status != MOE_CLI_GO)
    return status;
  if (options.run && !read_run(options.run, &question, &error))
    return moe_cli_fail(error);
  if (!read_numbers(&options, &question))
    return MOE_EXIT_BAD_INPUT;
  const char *missing = missing_option(&question);

  if (missing)
    return moe_cli_complain("mfu: %s is missing; moesim mfu --help tells more", missing);
  return answer(&question, options.json);
}
