/* Simulations of cases at shares of their ranges, kept as they finish. */
#include "validate/memory.h"
#include <math.h>
#include <string.h>

#include "internal.h"

/* Results that a case publishes: they are compared with and do not change what is simulated. */
static const char *const results[] = {"mfu",
                                      "step_time_s",
                                      "tokens_per_s_per_gpu",
                                      "model_tflops_per_gpu",
                                      "hardware_tflops_per_gpu",
                                      "peak_memory",
                                      "iteration_parts_s",
                                      "source"};

typedef struct {
  MoeProblem *problem;
  const MoeShotWish *wishes;
  MoeShot *shots;
  GError *error; /* the first */
  GMutex lock;   /* guards error and the counts of the problem */
} Job;

void moe_shot_clear(MoeShot *shot)
{
  g_clear_pointer(&shot->share, g_free);
  g_clear_pointer(&shot->failure, g_free);
}

void moe_shots_free(MoeShot *shots, guint n)
{
  for (guint i = 0; shots && i < n; i++)
    moe_shot_clear(&shots[i]);
  g_free(shots);
}

double *moe_case_shares(const MoeInferCase *c, const double *state)
{
  double *share = g_new(double, c->n_varied + 1);

  for (guint i = 0; i < c->n_varied; i++)
    share[i] = state[c->unknown[i]];
  return share;
}

/* ---- one simulation ---------------------------------------------------------------------------------------------- */

static char **sets_of(const MoeInferCase *c, const double *share)
{
  char **sets = g_new0(char *, c->n_varied + 1);

  for (guint i = 0; i < c->n_varied; i++)
    sets[i] = moe_varied_set(&c->varied[i], share[i]);
  return sets;
}

/* Of all that shapes the answer: the run without its results, which of them is asked for, and who simulates. */
static char *key_of(const MoeRun *run, const MoeProblem *problem)
{
  g_autoptr(MoeDoc) doc = moe_doc_copy(run->doc);
  g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
  MoeNode *published = moe_doc_find(doc, "published");
  const char *salt = problem->options->salt ? problem->options->salt : "";

  for (guint i = 0; published && i < G_N_ELEMENTS(results); i++) {
    if (moe_node_get(published, results[i]))
      g_checksum_update(checksum, (const guchar *)results[i], (gssize)strlen(results[i]) + 1);
    moe_doc_remove(doc, published, results[i]);
  }
  g_autofree char *text = moe_node_print(moe_doc_root(doc), FALSE);
  g_checksum_update(checksum, (const guchar *)text, (gssize)strlen(text) + 1);
  g_checksum_update(checksum, (const guchar *)salt, (gssize)strlen(salt) + 1);
  return g_strdup(g_checksum_get_string(checksum));
}

/* The published metric of a result, as a time. */
static double said_step(const MoeRun *run, const MoeResult *result)
{
  const MoePublished *published = &run->published;
  gboolean full = published->full_convention;

  if (published->step_time_s > 0)
    return log(result->step_time_s);
  if (published->tokens_per_s_per_gpu > 0)
    return -log(result->tokens_per_s_per_gpu);
  if (published->model_flop_per_s_per_gpu > 0)
    return -log((full ? result->model_flop_per_s_per_gpu_full : result->model_flop_per_s_per_gpu_causal) * 1e-12);
  if (published->mfu > 0)
    return -log(full ? result->mfu_full : result->mfu_causal);
  if (published->hardware_flop_per_s_per_gpu > 0)
    return -log(result->hfu * result->peak_flop_per_s * 1e-12);
  return log(result->step_time_s);
}

static gboolean add_parts(const MoeRun *run, const MoeProblem *problem, double *said, GError **error)
{
  MoeIteration iteration = {0};

  if (!run->published.iteration_parts)
    return TRUE;
  if (!moe_study_iteration(run, &problem->options->sim, -1, &iteration, error))
    return FALSE;
  for (guint p = 0; p < MOE_N_ITERATION_PARTS; p++)
    said[MOE_SAID_PART + p] = log(fmax(moe_time_to_seconds(iteration.part[p]), G_MINDOUBLE));
  return TRUE;
}

static gboolean answer(const MoeRun *run, const MoeProblem *problem, MoeShot *shot, GError **error)
{
  MoeSimOptions sim = problem->options->sim;
  MoeCase memory = {0};

  sim.step_alone = run->published.hardware_flop_per_s_per_gpu <= 0; /* said of the FLOPs that are executed */
  g_autoptr(MoeResult) result = moe_study_predict(run, &sim, error);

  if (!result || !add_parts(run, problem, shot->said, error))
    return FALSE;
  moe_case_memory(run, result, &memory);
  shot->said[MOE_SAID_STEP] = said_step(run, result);
  shot->said[MOE_SAID_MEMORY] = log(memory.memory.predicted_bytes);
  shot->said[MOE_SAID_STEP_S] = result->step_time_s;
  shot->said[MOE_SAID_MFU] = run->published.full_convention ? result->mfu_full : result->mfu_causal;
  return TRUE;
}

static void note(Job *job, gboolean known, GError *error)
{
  g_mutex_lock(&job->lock);
  known ? job->problem->n_known++ : job->problem->n_simulated++;
  if (error && !job->error)
    job->error = g_error_copy(error);
  g_mutex_unlock(&job->lock);
}

static MoeOutcome shoot(guint index, gpointer user_data)
{
  Job *job = user_data;
  const MoeInferCase *c = moe_problem_case(job->problem, job->wishes[index].of);
  MoeShot *shot = &job->shots[index];
  g_autoptr(GError) failure = NULL, trouble = NULL;

  shot->share = g_memdup2(job->wishes[index].share, sizeof(double) * (c->n_varied + 1));
  g_auto(GStrv) sets = sets_of(c, shot->share);
  g_autoptr(MoeRun) run = moe_study_with(c->run, sets, &failure);
  g_autofree char *key = run ? key_of(run, job->problem) : NULL;
  gboolean known = run && moe_kept_get(job->problem->kept, key, shot->said, MOE_N_SAID, &shot->failure);

  if (!known && (!run || !answer(run, job->problem, shot, &failure)))
    shot->failure = g_strdup(failure->message);
  if (!known && run)
    moe_kept_put(job->problem->kept, key, shot->said, MOE_N_SAID, shot->failure, &trouble);
  note(job, known, trouble);
  return (MoeOutcome){0};
}

MoeShot *moe_simulate(MoeProblem *problem, const MoeShotWish *wishes, guint n, GError **error)
{
  Job job = {.problem = problem, .wishes = wishes, .shots = g_new0(MoeShot, n + 1)};
  const MoeInferOptions *options = problem->options;

  g_mutex_init(&job.lock);
  moe_outcomes_free(moe_study_map(n, options->jobs, shoot, &job, options->progress, options->progress_data), n);
  g_mutex_clear(&job.lock);
  if (!job.error)
    return job.shots;
  g_propagate_error(error, job.error);
  moe_shots_free(job.shots, n);
  return NULL;
}
