/* Predictions across the assumptions of a run. */
#include "certainty/certainty.h"
#include "certainty/varied.h"
#include "doc/doc.h"
#include "metrics/metrics.h"
#include "study/study.h"
#include <moesim/sensitivity.h>

#include "certainty/posterior.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE G_MAXUINT /* Task.varied of a task that is a combination of all */

/* One prediction to make. */
typedef struct {
  char **sets;
  guint varied; /* the assumption that it tries alone, or SAMPLE */
} Task;

/* What came of it. */
typedef struct {
  MoeCombination gives;
  GError *failure; /* why it gives nothing; NULL when it does */
} Answer;

typedef struct {
  const MoeRun *run;
  const MoeSensitivityOptions *options;
  const MoeResult *stated; /* the run as it is; NULL when no assumption is tried alone */
  GArray *varied;          /* of MoeVaried */
  GArray *tasks;           /* of Task */
  Answer *answers;
} Study;

/* ---- tasks ------------------------------------------------------------------------------------------------------ */

static void add_task(Study *study, GPtrArray *sets, guint varied)
{
  g_ptr_array_add(sets, NULL);
  Task task = {.sets = (char **)g_ptr_array_free(sets, FALSE), .varied = varied};

  g_array_append_val(study->tasks, task);
}

/* Both ends of a range, or every value of a list. */
static void add_alone(Study *study, guint index)
{
  const MoeVaried *varied = &g_array_index(study->varied, MoeVaried, index);
  guint n = varied->assumption->n_values > 0 ? varied->assumption->n_values : 2;

  for (guint i = 0; i < n; i++) {
    GPtrArray *sets = g_ptr_array_new();
    /* the middle of a value's part of 0..1, or an end of the range */
    double share = varied->assumption->n_values > 0 ? (i + 0.5) / n : i;

    g_ptr_array_add(sets, moe_varied_set(varied, share));
    add_task(study, sets, index);
  }
}

/* Where a sample has an assumption: by the posterior, or by the hypercube where there is none or it does not know. */
static double share_of(const Study *study, guint index, guint sample, const guint *strata)
{
  const MoePosterior *posterior = study->options->posterior;
  const char *key = g_array_index(study->varied, MoeVaried, index).assumption->key;
  guint n = study->options->samples;
  double share = posterior ? moe_posterior_share(posterior, key, moe_posterior_draw(posterior, sample, n)) : NAN;

  return isnan(share) ? moe_hypercube_share(study->options->sim.seed, n, index, sample, strata) : share;
}

static void add_samples(Study *study)
{
  guint n = study->options->samples, k = study->varied->len;
  uint64_t seed = study->options->sim.seed;
  g_autoptr(GPtrArray) strata = g_ptr_array_new_with_free_func(g_free);

  for (guint i = 0; i < k; i++)
    g_ptr_array_add(strata, moe_hypercube_strata(seed, n, i));
  for (guint sample = 0; sample < n; sample++) {
    GPtrArray *sets = g_ptr_array_new();

    for (guint i = 0; i < k; i++)
      g_ptr_array_add(sets, moe_varied_set(&g_array_index(study->varied, MoeVaried, i),
                                           share_of(study, i, sample, g_ptr_array_index(strata, i))));
    add_task(study, sets, SAMPLE);
  }
}

void moe_combination_of(const MoeResult *result, MoeCombination *combination)
{
  *combination = (MoeCombination){.mfu_causal = result->mfu_causal,
                                  .mfu_full = result->mfu_full,
                                  .step_time_s = result->step_time_s,
                                  .tokens_per_s_per_gpu = result->tokens_per_s_per_gpu,
                                  .tokens_per_step = result->tokens_per_step,
                                  .peak_bytes = result->memory.peak_bytes};
}

/* Whether an assumption alone has the value that the run states: the run itself, which is predicted already. */
static gboolean is_stated(const Study *study, const Task *task)
{
  if (task->varied == SAMPLE)
    return FALSE;
  const MoeAssumption *assumption = g_array_index(study->varied, MoeVaried, task->varied).assumption;
  const MoeNode *node = moe_doc_find(study->run->doc, assumption->key);
  const char *said = node ? moe_node_text(node) : NULL, *tried = moe_set_value(task->sets[0]);
  double own = 0, other = 0;

  if (!said || assumption->n_values > 0)
    return said && strcmp(said, tried) == 0;
  return moe_quantity_parse(said, assumption->dimension, &own, NULL) &&
         moe_quantity_parse(tried, assumption->dimension, &other, NULL) && own == other;
}

static MoeOutcome predict_task(guint index, gpointer user_data)
{
  Study *study = user_data;
  const Task *task = &g_array_index(study->tasks, Task, index);
  Answer *answer = &study->answers[index];
  MoeSimOptions sim = study->options->sim;
  g_autoptr(GError) error = NULL;

  sim.step_alone = TRUE;
  if (is_stated(study, task)) {
    moe_combination_of(study->stated, &answer->gives);
    return (MoeOutcome){NULL, NULL};
  }
  g_autoptr(MoeRun) run =
      moe_sim_go_on(&study->options->sim, &error) ? moe_study_with(study->run, task->sets, &error) : NULL;
  g_autoptr(MoeResult) result = run ? moe_study_predict(run, &sim, &error) : NULL;

  if (result)
    moe_combination_of(result, &answer->gives);
  else
    answer->failure = g_steal_pointer(&error);
  return (MoeOutcome){NULL, NULL};
}

/* ---- the interval ----------------------------------------------------------------------------------------------- */

/* Quantiles of one member of the answers to the samples. */
static MoeQuantiles quantiles(const Study *study, size_t offset)
{
  g_autofree double *values = g_new(double, study->tasks->len + 1);
  guint n = 0;

  for (guint i = 0; i < study->tasks->len; i++)
    if (g_array_index(study->tasks, Task, i).varied == SAMPLE && !study->answers[i].failure)
      values[n++] = G_STRUCT_MEMBER(double, &study->answers[i].gives, offset);
  return moe_quantiles(values, n);
}

/* What the posterior says of the model at the draw of each sample that has an answer. */
static void fill_errors(const Study *study, MoeSensitivity *s)
{
  const MoePosterior *posterior = study->options->posterior;
  guint sample = 0, kept = 0;

  if (!posterior)
    return;
  s->error_bias = g_new0(double, s->n_samples + 1);
  s->error_scatter = g_new0(double, s->n_samples + 1);
  for (guint i = 0; i < study->tasks->len; i++) {
    if (g_array_index(study->tasks, Task, i).varied != SAMPLE)
      continue;
    guint draw = moe_posterior_draw(posterior, sample++, s->n_samples);

    if (study->answers[i].failure)
      continue;
    moe_posterior_error(posterior, study->run, draw, &s->error_bias[kept], &s->error_scatter[kept]);
    kept++;
  }
}

static void fill_interval(const Study *study, MoeSensitivity *s)
{
  for (guint i = 0; i < study->tasks->len; i++) {
    if (g_array_index(study->tasks, Task, i).varied != SAMPLE)
      continue;
    s->n_samples++;
    if (study->answers[i].failure) {
      s->n_failed++;
      if (!s->failure)
        s->failure = g_strdup(study->answers[i].failure->message);
    }
  }
  s->combinations = g_new0(MoeCombination, s->n_samples + 1);
  guint kept = 0;
  for (guint i = 0; i < study->tasks->len; i++)
    if (g_array_index(study->tasks, Task, i).varied == SAMPLE && !study->answers[i].failure)
      s->combinations[kept++] = study->answers[i].gives;
  fill_errors(study, s);
  s->mfu_causal = quantiles(study, G_STRUCT_OFFSET(MoeCombination, mfu_causal));
  s->mfu_full = quantiles(study, G_STRUCT_OFFSET(MoeCombination, mfu_full));
  s->step_time_s = quantiles(study, G_STRUCT_OFFSET(MoeCombination, step_time_s));
  s->tokens_per_s_per_gpu = quantiles(study, G_STRUCT_OFFSET(MoeCombination, tokens_per_s_per_gpu));
}

/* ---- the tornado ------------------------------------------------------------------------------------------------ */

/* The value of a setting for readers: quantities with a fitting prefix. */
static char *value_text(const MoeAssumption *assumption, const char *set)
{
  double value = 0;

  if (assumption->n_values > 0 || assumption->dimension == MOE_DIM_NONE ||
      !moe_quantity_parse(moe_set_value(set), assumption->dimension, &value, NULL))
    return g_strdup(moe_set_value(set));
  return moe_quantity_format(value, assumption->dimension);
}

static void take_low(MoeSwing *swing, const Answer *answer, char *value)
{
  g_free(swing->low);
  swing->low = value;
  swing->mfu_low = answer->gives.mfu_causal;
  swing->step_low_s = answer->gives.step_time_s;
}

static void take_high(MoeSwing *swing, const Answer *answer, char *value)
{
  g_free(swing->high);
  swing->high = value;
  swing->mfu_high = answer->gives.mfu_causal;
  swing->step_high_s = answer->gives.step_time_s;
}

static void fill_swing(const Study *study, guint index, MoeSwing *swing)
{
  const MoeAssumption *assumption = g_array_index(study->varied, MoeVaried, index).assumption;

  *swing =
      (MoeSwing){.key = g_strdup(assumption->key), .why = g_strdup(assumption->why), .mfu_low = NAN, .mfu_high = NAN};
  for (guint i = 0; i < study->tasks->len; i++) {
    const Task *task = &g_array_index(study->tasks, Task, i);
    const Answer *answer = &study->answers[i];

    if (task->varied != index)
      continue;
    if (answer->failure) {
      swing->n_failed++;
      if (!swing->failure)
        swing->failure = g_strdup(answer->failure->message);
      continue;
    }
    if (!(answer->gives.mfu_causal >= swing->mfu_low))
      take_low(swing, answer, value_text(assumption, task->sets[0]));
    if (!(answer->gives.mfu_causal < swing->mfu_high)) /* of equal ones the last: both ends are shown */
      take_high(swing, answer, value_text(assumption, task->sets[0]));
  }
}

static double width(const MoeSwing *swing)
{
  return swing->low ? swing->mfu_high - swing->mfu_low : -1;
}

static int by_width(const void *a, const void *b)
{
  const MoeSwing *left = a, *right = b;

  if (width(left) != width(right))
    return width(left) < width(right) ? 1 : -1;
  return g_strcmp0(left->key, right->key);
}

static void fill_swings(const Study *study, MoeSensitivity *s)
{
  s->n_swings = study->varied->len;
  s->swings = g_new0(MoeSwing, s->n_swings + 1);
  for (guint i = 0; i < s->n_swings; i++)
    fill_swing(study, i, &s->swings[i]);
  qsort(s->swings, s->n_swings, sizeof *s->swings, by_width);
}

/* ---- entry ------------------------------------------------------------------------------------------------------ */

static void clear_study(Study *study)
{
  for (guint i = 0; i < study->tasks->len; i++) {
    g_strfreev(g_array_index(study->tasks, Task, i).sets);
    if (study->answers)
      g_clear_error(&study->answers[i].failure);
  }
  g_free(study->answers);
  g_array_unref(study->tasks);
  g_array_unref(study->varied);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Study, clear_study)

/* Combinations that were cut off are none that cannot be: no interval is made of the others. */
static gboolean check_whole(const Study *study, GError **error)
{
  for (guint i = 0; i < study->tasks->len; i++)
    if (moe_study_is_trouble(study->answers[i].failure)) {
      g_propagate_error(error, g_error_copy(study->answers[i].failure));
      return FALSE;
    }
  return TRUE;
}

MoeSensitivity *moe_sensitivity(const MoeRun *run, const MoeSensitivityOptions *options, GError **error)
{
  g_autoptr(MoeSensitivity) s = g_new0(MoeSensitivity, 1);

  if (!options->interval_only)
    s->result = moe_study_predict(run, &options->sim, error);
  if (!options->interval_only && !s->result)
    return NULL;
  g_auto(Study) study = {.run = run,
                         .options = options,
                         .stated = s->result,
                         .varied = moe_varied(run),
                         .tasks = g_array_new(FALSE, FALSE, sizeof(Task))};
  for (guint i = 0; i < study.varied->len && !options->interval_only; i++)
    add_alone(&study, i);
  add_samples(&study);
  study.answers = g_new0(Answer, study.tasks->len + 1);
  moe_outcomes_free(
      moe_study_map(study.tasks->len, options->jobs, predict_task, &study, options->progress, options->progress_data),
      study.tasks->len);
  if (!check_whole(&study, error))
    return NULL;
  fill_interval(&study, s);
  if (!options->interval_only)
    fill_swings(&study, s);
  s->n_simulations = study.tasks->len + (s->result ? 1 : 0);
  return g_steal_pointer(&s);
}

void moe_sensitivity_free(MoeSensitivity *sensitivity)
{
  if (!sensitivity)
    return;
  for (guint i = 0; i < sensitivity->n_swings; i++) {
    MoeSwing *swing = &sensitivity->swings[i];

    g_free(swing->key);
    g_free(swing->why);
    g_free(swing->low);
    g_free(swing->high);
    g_free(swing->failure);
  }
  g_free(sensitivity->combinations);
  g_free(sensitivity->error_bias);
  g_free(sensitivity->error_scatter);
  g_free(sensitivity->swings);
  g_free(sensitivity->failure);
  moe_result_free(sensitivity->result);
  g_free(sensitivity);
}
