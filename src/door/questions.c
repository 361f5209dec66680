/* Questions about one run. */
#include "internal.h"

#include "report/findings.h"
#include "study/remedy.h"
#include <moesim/explain.h>
#include <moesim/report.h>

#define DEFAULT_SENSITIVITY_SAMPLES 100 /* P10 and P90 then rest on ten samples each */
#define MAX_SAMPLES                 1000000

/* ---- predict ----------------------------------------------------------------------------------------------------- */

/* The prediction; *run (may be NULL) is what was predicted, for the caller to free. */
static MoeResult *predict(const MoeRequest *request, MoeRun **run, MoeSimOptions *sim, GError **error)
{
  int64_t steps = 1;

  if (!moe_request_sim(request, sim, error) || !moe_request_steps(request, &steps, error))
    return NULL;
  g_autoptr(MoeRun) loaded = moe_asked_load(request, "run", error);
  MoeResult *result = loaded ? moe_study_predict_steps(loaded, sim, steps, error) : NULL;

  if (result)
    *run = g_steal_pointer(&loaded);
  return result;
}

char *moe_door_predict(const MoeRequest *request, GError **error)
{
  int64_t samples = 0;
  MoeSensitivityOptions doubt = {0};
  g_autoptr(MoeRun) run = NULL;

  if (!moe_request_integer(request, "samples", 0, MAX_SAMPLES, &samples, error) ||
      !moe_request_jobs(request, &doubt.jobs, error))
    return NULL;
  g_autoptr(MoeResult) result = predict(request, &run, &doubt.sim, error);
  doubt.samples = (guint)samples;
  if (!result || !moe_ask_interval(request->data_dir, run, &doubt, result, error))
    return NULL;
  return moe_report_run(result, MOE_JSON);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

char *moe_door_memory(const MoeRequest *request, GError **error)
{
  gboolean remedies = FALSE;
  MoeSimOptions sim;
  guint jobs = 0;

  if (!moe_request_bool(request, "remedies", &remedies, error))
    return NULL;
  if (!remedies)
    return moe_door_predict(request, error);
  if (!moe_request_sim(request, &sim, error) || !moe_request_jobs(request, &jobs, error))
    return NULL;
  g_autoptr(MoeRun) run = moe_asked_load(request, "run", error);
  g_autoptr(MoeRemedies) found = run ? moe_study_remedies(run, &sim, jobs, NULL, NULL, error) : NULL;

  return found ? moe_report_remedies(found, 0, MOE_JSON) : NULL;
}

/* ---- explain ----------------------------------------------------------------------------------------------------- */

static char *explain_two(const MoeRun *before, const MoeRun *after, const MoeExplainOptions *options, GError **error)
{
  g_autoptr(MoeDifference) difference = moe_explain_difference(before, after, options, error);

  return difference ? moe_report_difference(difference, MOE_JSON) : NULL;
}

/* The first run with the changes of "with" on top of its own. */
static MoeRun *load_changed(const MoeRequest *request, GError **error)
{
  g_auto(MoeAsked) asked = {0};

  if (!moe_asked_init(&asked, request, "run", error) || !moe_asked_add(&asked, moe_request_get(request, "with"), error))
    return NULL;
  return moe_run_load(asked.path, &asked.load, error);
}

static MoeRun *load_second(const MoeRequest *request, GError **error)
{
  if (moe_request_get(request, "other") && moe_request_get(request, "with")) {
    moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_request_get(request, "with")),
             "\"with\" and \"other\", expected one of them");
    return NULL;
  }
  return moe_request_get(request, "other") ? moe_asked_load(request, "other", error) : load_changed(request, error);
}

char *moe_door_explain(const MoeRequest *request, GError **error)
{
  MoeExplainOptions options = {.progress = moe_request_progress, .progress_data = (gpointer)request};
  int64_t orders = 0;

  if (!moe_request_sim(request, &options.sim, error) || !moe_request_jobs(request, &options.jobs, error) ||
      !moe_request_bool(request, "keys", &options.by_key, error) ||
      !moe_request_integer(request, "orders", 0, MAX_SAMPLES, &orders, error))
    return NULL;
  options.orders = (guint)orders;
  g_autoptr(MoeRun) run = moe_asked_load(request, "run", error);
  gboolean two = moe_request_get(request, "other") || moe_request_get(request, "with");
  g_autoptr(MoeRun) second = run && two ? load_second(request, error) : NULL;

  if (!run || (two && !second))
    return NULL;
  if (second)
    return explain_two(run, second, &options, error);
  g_autoptr(MoeExplanation) explanation = moe_explain_run(run, &options, error);
  return explanation ? moe_report_explanation(explanation, MOE_JSON) : NULL;
}

/* ---- sensitivity ------------------------------------------------------------------------------------------------- */

char *moe_door_sensitivity(const MoeRequest *request, GError **error)
{
  MoeSensitivityOptions options = {.progress = moe_request_progress, .progress_data = (gpointer)request};
  int64_t samples = DEFAULT_SENSITIVITY_SAMPLES;

  if (!moe_request_sim(request, &options.sim, error) || !moe_request_jobs(request, &options.jobs, error) ||
      !moe_request_integer(request, "samples", 0, MAX_SAMPLES, &samples, error))
    return NULL;
  options.samples = (guint)samples;
  g_autoptr(MoeRun) run = moe_asked_load(request, "run", error);
  g_autoptr(MoeSensitivity) answer = run ? moe_ask_sensitivity(request->data_dir, run, &options, error) : NULL;

  return answer ? moe_report_sensitivity(answer, MOE_JSON) : NULL;
}
