/*
 * The search of GPT-3 175B on 4,096 H100, batch 1,536, in the space of Calculon's, against random layouts of it that
 * are simulated in full. Prints layouts, seconds, and the best step of both. Stores nothing.
 */
#include "base/base.h"
#include "search/layouts.h"
#include "spec/spec.h"
#include "study/study.h"
#include <math.h>
#include <moesim/search.h>
#include <stdio.h>

#define SAMPLES 500
#define SEED    1

typedef struct {
  const MoeRun *run;
  const GArray *choices;
  uint64_t key;
} Sampling;

static MoeRun *load(void)
{
  const char *sets[] = {"parallelism.gpus=4096", "training.global_batch=1536", NULL};
  const char *data = g_getenv("MOESIM_DATA") ? g_getenv("MOESIM_DATA") : ".";
  g_autofree char *path = g_build_filename(data, "models", "gpt3-175b.yaml", NULL);
  g_autoptr(GError) error = NULL;
  MoeRunOptions options = {.sets = sets, .data_dir = data, .cluster = "h100-hgx"};
  MoeRun *run = moe_run_load(path, &options, &error);

  if (!run)
    fprintf(stderr, "%s\n", error->message);
  return run;
}

/* Draws until a layout fits, so that every sample counts. */
static MoeOutcome sample(guint index, gpointer user_data)
{
  const Sampling *s = user_data;
  MoeSimOptions sim = {.kernel_jitter = 0};

  for (uint64_t draw = 0;; draw++) {
    uint64_t bits = moe_random_mix(moe_random_mix(SEED + index) + draw);
    MoeOutcome outcome = {0};
    MoeRun applied;

    if (moe_search_apply(s->run, &g_array_index(s->choices, MoeLayoutChoice, bits % s->choices->len), &applied))
      outcome.result = moe_study_predict(&applied, &sim, NULL);
    if (outcome.result && outcome.result->memory.fits)
      return outcome;
    moe_result_free(outcome.result);
  }
}

static double best_of(const MoeOutcome *outcomes)
{
  double best = INFINITY;

  for (guint i = 0; i < SAMPLES; i++)
    best = MIN(best, outcomes[i].result->step_time_s);
  return best;
}

static double seconds_since(gint64 start)
{
  return (double)(g_get_monotonic_time() - start) * 1e-6;
}

static int measure(const MoeRun *run, const MoeSearchOptions *options)
{
  g_autoptr(GError) error = NULL;
  gint64 start = g_get_monotonic_time();
  g_autoptr(MoeSearchResult) found = moe_search(run, options, &error);
  double searched = seconds_since(start);
  g_autoptr(GArray) choices = found ? moe_search_enumerate(run, options, &error) : NULL;

  if (!choices) {
    fprintf(stderr, "%s\n", error->message);
    return 1;
  }
  printf("search: %u legal layouts in %.1f s, %u simulated; best step %.4f s\n", found->n_legal, searched,
         found->n_simulated, found->ranked[0].value);
  Sampling sampling = {.run = run, .choices = choices};
  start = g_get_monotonic_time();
  MoeOutcome *outcomes = moe_study_map(SAMPLES, options->jobs, sample, &sampling, NULL, NULL);
  printf("random: %d layouts that fit, simulated in full in %.1f s; best step %.4f s\n", SAMPLES, seconds_since(start),
         best_of(outcomes));
  moe_outcomes_free(outcomes, SAMPLES);
  return 0;
}

int main(void)
{
  MoeSearchOptions options = {.objective = MOE_OBJECTIVE_TIME, .space = MOE_SPACE_CALCULON, .top = 1, .jobs = 2};
  g_autoptr(MoeRun) run = load();

  return run ? measure(run, &options) : 1;
}
