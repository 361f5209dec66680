/* From cases to an inference. */
#include <math.h>
#include <string.h>

#include "internal.h"

/* Places of the first design, per unknown of a case and in all. */
#define SHOTS_PER_UNKNOWN 12
#define LEAST_SHOTS       24
#define MOST_SHOTS        240
/* Then the surrogates are checked at so many draws of what they say, and learn from them, so often. */
#define CHECKED_DRAWS 24
#define CHECKS        2
/* Particles of a round whose only use is to say where to look. */
#define SCOUTS 400

/* ---- surrogates -------------------------------------------------------------------------------------------------- */

static gboolean fail_case(const MoeInferCase *c, const char *why, GError **error)
{
  return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = c->name},
                  "cannot be simulated at two places of its ranges or more: %s", why ? why : "no reason");
}

static gboolean fit_row(MoeProblem *problem, MoeDatum *row, GError **error)
{
  const MoeInferCase *c = moe_problem_case(problem, row->of);
  g_autofree double *x = g_new(double, (gsize)c->shots->len * c->n_varied + 1), *y = g_new(double, c->shots->len + 1);
  const char *why = NULL;
  guint n = 0;

  for (guint i = 0; i < c->shots->len; i++) {
    const MoeShot *shot = &g_array_index(c->shots, MoeShot, i);

    if (shot->failure) {
      why = shot->failure;
      continue;
    }
    memcpy(x + (gsize)n * c->n_varied, shot->share, sizeof *x * c->n_varied);
    y[n++] = shot->said[row->said];
  }
  if (n < 2)
    return fail_case(c, why, error);
  g_clear_pointer(&row->surrogate, moe_surrogate_free);
  row->surrogate = moe_surrogate_new(x, y, n, c->n_varied, c->choices);
  return TRUE;
}

/* Which sets give no run is learned as any other answer: along the axes that decide it. */
static void fit_failing(MoeInferCase *c)
{
  g_autofree double *x = g_new(double, (gsize)c->shots->len * c->n_varied + 1), *y = g_new(double, c->shots->len + 1);
  guint n_failed = 0;

  for (guint i = 0; i < c->shots->len; i++) {
    const MoeShot *shot = &g_array_index(c->shots, MoeShot, i);

    memcpy(x + (gsize)i * c->n_varied, shot->share, sizeof *x * c->n_varied);
    y[i] = shot->failure != NULL;
    n_failed += shot->failure != NULL;
  }
  g_clear_pointer(&c->failing, moe_surrogate_free);
  if (n_failed > 0)
    c->failing = moe_surrogate_new(x, y, c->shots->len, c->n_varied, c->choices);
}

typedef struct {
  MoeProblem *problem;
  GError *error;
  GMutex lock;
} Fitting;

static MoeOutcome fit_case(guint index, gpointer user_data)
{
  MoeInferCase *c = moe_problem_case(((Fitting *)user_data)->problem, index);

  if (!c->held_out)
    fit_failing(c);
  return (MoeOutcome){0};
}

static MoeOutcome fit_one(guint index, gpointer user_data)
{
  Fitting *fitting = user_data;
  MoeDatum *row = moe_problem_row(fitting->problem, index);
  g_autoptr(GError) error = NULL;

  if (!moe_problem_case(fitting->problem, row->of)->held_out && !fit_row(fitting->problem, row, &error)) {
    g_mutex_lock(&fitting->lock);
    if (!fitting->error)
      fitting->error = g_error_copy(error);
    g_mutex_unlock(&fitting->lock);
  }
  return (MoeOutcome){0};
}

gboolean moe_surrogates_fit(MoeProblem *problem, GError **error)
{
  Fitting fitting = {.problem = problem};
  guint n = problem->rows->len;

  g_mutex_init(&fitting.lock);
  moe_outcomes_free(moe_study_map(n, problem->options->jobs, fit_one, &fitting, NULL, NULL), n);
  n = problem->cases->len;
  moe_outcomes_free(moe_study_map(n, problem->options->jobs, fit_case, &fitting, NULL, NULL), n);
  g_mutex_clear(&fitting.lock);
  if (fitting.error)
    g_propagate_error(error, fitting.error);
  return !fitting.error;
}

/* ---- simulations to learn from ----------------------------------------------------------------------------------- */

static void wish_free(gpointer data)
{
  g_free(((MoeShotWish *)data)->share);
}

static GArray *wishes_new(void)
{
  GArray *wishes = g_array_new(FALSE, FALSE, sizeof(MoeShotWish));

  g_array_set_clear_func(wishes, wish_free);
  return wishes;
}

static void wish(GArray *wishes, guint of, double *share)
{
  MoeShotWish one = {of, share};

  g_array_append_val(wishes, one);
}

/* Simulates them and gives them to their cases. */
static gboolean grant(MoeProblem *problem, const GArray *wishes, GError **error)
{
  MoeShot *shots = moe_simulate(problem, (const MoeShotWish *)(gconstpointer)wishes->data, wishes->len, error);

  for (guint i = 0; shots && i < wishes->len; i++)
    g_array_append_val(moe_problem_case(problem, g_array_index(wishes, MoeShotWish, i).of)->shots, shots[i]);
  g_free(shots); /* what they hold is the cases' now */
  return shots != NULL;
}

static guint n_places(const MoeProblem *problem, const MoeInferCase *c)
{
  if (problem->options->n_simulations > 0)
    return MAX(problem->options->n_simulations, 2);
  return CLAMP(SHOTS_PER_UNKNOWN * c->n_varied, LEAST_SHOTS, MOST_SHOTS);
}

/* A Latin hypercube whose axes are drawn by their keys: the same places whatever else is learned from. */
static void wish_places(const MoeProblem *problem, guint of, GArray *wishes)
{
  const MoeInferCase *c = moe_problem_case(problem, of);
  guint n = n_places(problem, c);
  uint64_t seed = problem->options->sim.seed;
  g_autoptr(GPtrArray) strata = g_ptr_array_new_with_free_func(g_free);

  for (guint i = 0; i < c->n_varied; i++)
    g_ptr_array_add(strata, moe_hypercube_strata(seed, n, (guint)moe_random_stream(c->varied[i].assumption->key)));
  for (guint k = 0; k < n; k++) {
    double *share = g_new0(double, c->n_varied + 1);

    for (guint i = 0; i < c->n_varied; i++)
      share[i] = moe_hypercube_share(seed, n, (guint)moe_random_stream(c->varied[i].assumption->key), k,
                                     g_ptr_array_index(strata, i));
    wish(wishes, of, share);
  }
}

static gboolean learn_ranges(MoeProblem *problem, GError **error)
{
  g_autoptr(GArray) wishes = wishes_new();

  for (guint i = 0; i < problem->cases->len; i++)
    if (!moe_problem_case(problem, i)->held_out)
      wish_places(problem, i, wishes);
  return grant(problem, wishes, error) && moe_surrogates_fit(problem, error);
}

/* ---- checks ------------------------------------------------------------------------------------------------------ */

/* What the surrogates said of shots that they had not seen. */
static void compare(const MoeProblem *problem, const MoeShot *shots, const GArray *wishes, MoeInference *inference)
{
  g_autoptr(GArray) off = g_array_new(FALSE, FALSE, sizeof(double));

  for (guint k = 0; k < wishes->len; k++)
    for (guint i = 0; i < problem->rows->len && !shots[k].failure; i++) {
      const MoeDatum *row = moe_problem_row(problem, i);

      if (row->of != g_array_index(wishes, MoeShotWish, k).of || !row->surrogate)
        continue;
      double error = fabs(expm1(moe_surrogate_mean(row->surrogate, shots[k].share) - shots[k].said[row->said]));
      g_array_append_val(off, error);
    }
  inference->check.n = off->len;
  inference->check.median = moe_quantile((double *)(gpointer)off->data, off->len, 0.5);
  inference->check.p90 = moe_quantile((double *)(gpointer)off->data, off->len, 0.9);
}

static gboolean check(MoeProblem *problem, const MoeParticles *particles, MoeInference *inference, GError **error)
{
  g_autoptr(GArray) wishes = wishes_new();

  for (guint k = 0; k < CHECKED_DRAWS; k++)
    for (guint i = 0; i < problem->cases->len; i++) {
      const double *state = particles->state + (gsize)(k * particles->n / CHECKED_DRAWS) * particles->d;

      if (!moe_problem_case(problem, i)->held_out)
        wish(wishes, i, moe_case_shares(moe_problem_case(problem, i), state));
    }
  MoeShot *shots = moe_simulate(problem, (const MoeShotWish *)(gconstpointer)wishes->data, wishes->len, error);
  if (!shots)
    return FALSE;
  compare(problem, shots, wishes, inference);
  for (guint i = 0; i < wishes->len; i++)
    g_array_append_val(moe_problem_case(problem, g_array_index(wishes, MoeShotWish, i).of)->shots, shots[i]);
  g_free(shots);
  return moe_surrogates_fit(problem, error);
}

static gboolean refine(MoeProblem *problem, MoeInference *inference, GError **error)
{
  MoeLikelihood likelihood = {.problem = problem};

  for (guint k = 0; k < CHECKS; k++) {
    MoeSmc smc = moe_problem_smc(&likelihood, MIN(SCOUTS, problem->options->n_particles));
    g_autoptr(MoeParticles) scouts = moe_smc_run(&smc);

    if (!check(problem, scouts, inference, error))
      return FALSE;
  }
  return TRUE;
}

/* ---- entry ------------------------------------------------------------------------------------------------------- */

static void keep_error(const MoeProblem *problem, const double *state, guint k, MoeInference *inference)
{
  const MoeErrorPrior *prior = &moe_problem_row(problem, 0)->prior;
  gboolean unknown = moe_problem_normals(problem) > 0;
  const double *z = state + problem->keys->len;
  double of_models = exp(prior->log_model_mean + (unknown ? prior->log_model_sd * z[MOE_AXIS_MODEL_SCATTER] : 0));

  inference->bias[k] = prior->bias_mean + (unknown ? prior->bias_sd * z[MOE_AXIS_BIAS] : 0);
  inference->model_scatter[k] = unknown ? of_models : 0;
  inference->run_scatter[k] = exp(prior->log_run_mean + (unknown ? prior->log_run_sd * z[MOE_AXIS_RUN_SCATTER] : 0));
  for (guint m = 0; unknown && m < problem->models->len; m++)
    inference->model_off[(gsize)k * inference->n_models + m] = of_models * z[MOE_AXIS_MODEL + m];
}

static void keep_draws(const MoeProblem *problem, const MoeParticles *particles, MoeInference *inference)
{
  guint n = particles->n, d = problem->keys->len;

  inference->n_draws = n;
  inference->n_models = problem->models->len;
  inference->model = g_new0(char *, inference->n_models + 1);
  for (guint m = 0; m < inference->n_models; m++)
    inference->model[m] = g_strdup(g_ptr_array_index(problem->models, m));
  inference->draws = g_new(double, (gsize)n *d + 1);
  inference->bias = g_new(double, n + 1);
  inference->model_scatter = g_new(double, n + 1);
  inference->run_scatter = g_new(double, n + 1);
  inference->model_off = g_new0(double, (gsize)n * inference->n_models + 1);
  for (guint k = 0; k < n; k++) {
    const double *state = particles->state + (gsize)k * particles->d;

    memcpy(inference->draws + (gsize)k * d, state, sizeof *state * d);
    keep_error(problem, state, k, inference);
  }
}

static gboolean infer(MoeProblem *problem, MoeInference *inference, GError **error)
{
  MoeLikelihood likelihood = {.problem = problem};
  MoeSmc smc = moe_problem_smc(&likelihood, problem->options->n_particles);

  smc.progress = problem->options->progress;
  smc.progress_data = problem->options->progress_data;
  if (!learn_ranges(problem, error) || !refine(problem, inference, error))
    return FALSE;
  g_autoptr(MoeParticles) particles = moe_smc_run(&smc);
  inference->n_stages = particles->n_stages;
  keep_draws(problem, particles, inference);
  moe_infer_inform(problem, particles, inference);
  if (!moe_infer_explain(problem, particles, inference, error) ||
      !moe_infer_forecast(problem, particles, inference, error))
    return FALSE;
  inference->n_simulated = problem->n_simulated;
  inference->n_known = problem->n_known;
  return TRUE;
}

MoeInference *moe_infer(const MoeInferOptions *options, GError **error)
{
  g_autoptr(MoeProblem) problem = moe_problem_new(options, error);
  g_autoptr(MoeInference) inference = g_new0(MoeInference, 1);

  if (!problem)
    return NULL;
  inference->seed = options->sim.seed;
  inference->within = options->within;
  return infer(problem, inference, error) ? g_steal_pointer(&inference) : NULL;
}

static void free_unknown(MoeUnknown *unknown)
{
  g_free(unknown->key);
  g_free(unknown->why);
  g_strfreev(unknown->value);
  g_free(unknown->before_weight);
  g_free(unknown->after_weight);
  g_free(unknown->row_bits);
}

void moe_inference_free(MoeInference *inference)
{
  if (!inference)
    return;
  for (guint i = 0; inference->unknowns && i < inference->n_unknowns; i++)
    free_unknown(&inference->unknowns[i]);
  for (guint i = 0; inference->rows && i < inference->n_rows + inference->n_held_out; i++) {
    g_free(inference->rows[i].name);
    g_free(inference->rows[i].metric);
  }
  for (guint i = 0; inference->case_best && i < inference->n_cases; i++)
    g_strfreev(inference->case_best[i]);
  g_free(inference->case_best);
  g_strfreev(inference->case_name);
  g_free(inference->unknowns);
  g_free(inference->rows);
  g_free(inference->pairs);
  g_free(inference->draws);
  g_free(inference->bias);
  g_free(inference->model_scatter);
  g_free(inference->run_scatter);
  g_free(inference->model_off);
  g_strfreev(inference->model);
  g_free(inference->best);
  g_free(inference->conflict);
  g_free(inference);
}
