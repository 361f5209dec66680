/* moesim plot steps: how step times are distributed over seeds of routing and noise. */
#include "plot.h"

#include "study/study.h"

#define STEPS 50 /* without --steps: enough for a P90 */

typedef struct {
  const MoeRun *run;
  uint64_t seed;
} Work;

static MoeOutcome predict_step(guint index, gpointer user_data)
{
  const Work *work = user_data;
  MoeSimOptions sim = {.seed = work->seed + index, .step = index, .kernel_jitter = -1};
  MoeOutcome outcome = {0};

  outcome.result = moe_study_predict(work->run, &sim, &outcome.error);
  return outcome;
}

static char *format_steps(MoeOutcome *outcomes, guint n, GError **error)
{
  g_autofree double *seconds = g_new(double, n);

  if (!moe_outcomes_check(outcomes, n, error))
    return NULL;
  for (guint i = 0; i < n; i++)
    seconds[i] = outcomes[i].result->step_time_s;
  return moe_plot_steps_data(n, seconds);
}

char *moe_plot_steps(G_GNUC_UNUSED int n, char **files, const MoePlotOptions *options, MoePlotWords *words,
                     GError **error)
{
  MoeCliRun run_options = moe_plot_run_options(options);
  g_autoptr(MoeRun) run = moe_cli_load_run(files[0], &run_options, error);
  guint steps = options->steps > 0 ? (guint)options->steps : STEPS;
  Work work = {run, (uint64_t)options->seed};
  MoeProgress progress;

  if (!run)
    return NULL;
  moe_cli_progress_init(&progress);
  MoeOutcome *outcomes = moe_study_map(steps, 0, predict_step, &work, moe_cli_progress, &progress);

  moe_cli_progress_end(&progress);
  char *data = format_steps(outcomes, steps, error);

  moe_outcomes_free(outcomes, steps);
  words->axis = g_strdup("step time (s)");
  words->title = g_strdup_printf("%s on %s: step time over %u seeds", run->name, run->cluster.name, steps);
  return data;
}
