/* Questions that take many runs or weeks of training. */
#include "doc/doc.h"
#include "door/ask.h"
#include "goodput/model.h"
#include "internal.h"
#include "spec/goodput.h"
#include "spec/spec.h"

#include "report/findings.h"
#include <moesim/goodput.h>
#include <moesim/report.h>

#include <string.h>

#define MAX_SEEDS 1000000

/* ---- sweep ------------------------------------------------------------------------------------------------------- */

static char *print_points(const MoeSweep *sweep, const MoeSweepPoint *points)
{
  g_autofree const char **records = g_new(const char *, sweep->n_points + 1);

  for (guint i = 0; i < sweep->n_points; i++)
    records[i] = points[i].record;
  return moe_report_records(sweep->n_points, records, MOE_JSON);
}

char *moe_door_sweep(const MoeRequest *request, GError **error)
{
  MoeAskPoint point = {0};
  gboolean zip = FALSE;
  guint jobs = 0;
  int64_t samples = 0;
  g_auto(MoeAsked) asked = {0};

  if (!moe_request_sim(request, &point.sim, error) || !moe_request_steps(request, &point.steps, error) ||
      !moe_request_bool(request, "zip", &zip, error) || !moe_request_jobs(request, &jobs, error) ||
      !moe_request_integer(request, "samples", 0, MAX_SEEDS, &samples, error))
    return NULL;
  point.samples = (guint)samples;
  point.data_dir = request->data_dir;
  g_autoptr(GPtrArray) vary = moe_request_list(request, "vary", error);
  if (!vary || !moe_asked_init(&asked, request, "run", error))
    return NULL;
  MoeSweepWork work = {
      .predict = moe_ask_point, .refuse = moe_ask_refusal, .user_data = &point, .salt = "", .stop = &request->stop};
  g_autoptr(MoeSweep) sweep = moe_sweep_new(asked.path, &asked.load, (const char *const *)vary->pdata, zip, error);
  MoeSweepPoint *points =
      sweep ? moe_sweep_run(sweep, &work, NULL, jobs, moe_request_progress, (gpointer)request, error) : NULL;
  char *text = points ? print_points(sweep, points) : NULL;

  if (points)
    moe_sweep_points_free(points, sweep->n_points);
  return text;
}

/* ---- goodput ----------------------------------------------------------------------------------------------------- */

static char *print_goodput(const MoeRequest *request, const MoeRun *run, const MoeSensitivityOptions *doubt,
                           const MoeGoodputPlan *plan, const MoeGoodputOptions *options, GError **error)
{
  MoeGoodputModel model;
  g_auto(MoeDoubts) doubts = {0};
  int64_t steps = 1;

  if (!moe_request_steps(request, &steps, error))
    return NULL;
  g_autoptr(MoeResult) result = moe_study_predict_steps(run, &doubt->sim, steps, error);
  if (!result || !moe_goodput_model(run, plan, result, &model, error))
    return NULL;
  g_autoptr(MoeGoodput) goodput = moe_goodput(&model, result, options, error);
  gboolean measured = plan->step_time_s > 0; /* then only failures are not known */

  if (!goodput || (!measured && !moe_ask_doubts(request->data_dir, run, result, doubt, goodput, &doubts, error)))
    return NULL;
  return moe_report_goodput(run, result, goodput, measured ? NULL : &doubts.certainty, MOE_JSON);
}

char *moe_door_goodput(const MoeRequest *request, GError **error)
{
  MoeSensitivityOptions doubt = {0};
  MoeGoodputOptions options = {0};
  MoeSaid price = request->words.find("price", request->words.source);
  int64_t samples = MOE_ASK_GOODPUT_SAMPLES, seeds = MOE_ASK_GOODPUT_SEEDS;

  if (!moe_request_sim(request, &doubt.sim, error) || !moe_request_jobs(request, &options.jobs, error) ||
      !moe_request_integer(request, "samples", 0, MAX_SEEDS, &samples, error) ||
      !moe_request_integer(request, "seeds", 1, MAX_SEEDS, &seeds, error) ||
      !moe_said_quantity(&price, MOE_DIM_DOLLARS, &options.price_gpu_hour, error))
    return NULL;
  g_autoptr(MoeRun) run = moe_asked_load(request, "run", error);
  if (!run)
    return NULL;
  MoeGoodputPlan plan = run->goodput;

  options.stop = request->stop;
  options.seed = doubt.sim.seed;
  options.seeds = (guint)seeds;
  doubt.samples = (guint)samples;
  doubt.jobs = options.jobs;
  return moe_ask_goodput(&request->words, &plan, error) ? print_goodput(request, run, &doubt, &plan, &options, error)
                                                        : NULL;
}

/* ---- plan -------------------------------------------------------------------------------------------------------- */

/* "gpus": one number or a list; the run's own when absent. */
static GArray *read_sizes(const MoeRequest *request, GError **error)
{
  const MoeNode *node = moe_request_get(request, "gpus");
  gboolean list = node && moe_node_kind(node) == MOE_NODE_LIST;
  g_autoptr(GArray) sizes = g_array_new(FALSE, TRUE, sizeof(int64_t));
  guint n = list ? moe_node_size(node) : 1;

  for (guint i = 0; i < n; i++) {
    const MoeNode *item = list ? moe_node_at(node, i) : node;
    int64_t gpus = 0;

    if (item && !moe_node_read_int(item, 1, G_MAXINT32, &gpus, error))
      return NULL;
    g_array_append_val(sizes, gpus);
  }
  return g_steal_pointer(&sizes);
}

/* Counts and words of the request; what `moesim plan` assumes where it says nothing. */
static gboolean read_plan(const MoeRequest *request, MoePlanOptions *plan, GError **error)
{
  int64_t samples = MOE_ASK_PLAN_SAMPLES, seeds = MOE_ASK_PLAN_SEEDS;

  plan->time_s = MOE_ASK_PLAN_TIME_S;
  plan->stopped = moe_request_is_over;
  plan->stopped_data = (gpointer)request;
  plan->progress = moe_request_progress;
  plan->progress_data = (gpointer)request;
  if (!moe_ask_sim_options(&request->words, &plan->sim, error) || !moe_ask_plan(&request->words, plan, error) ||
      !moe_request_jobs(request, &plan->jobs, error) ||
      !moe_request_integer(request, "samples", 0, MAX_SEEDS, &samples, error) ||
      !moe_request_integer(request, "seeds", 1, MAX_SEEDS, &seeds, error))
    return FALSE;
  plan->samples = (guint)samples;
  plan->seeds = (guint)seeds;
  plan->time_s = moe_request_time(request, plan->time_s);
  return TRUE;
}

/* The words that make `moesim run` predict a row. */
static GPtrArray *command_words(const MoeAsked *asked)
{
  GPtrArray *words = g_ptr_array_new();
  const char *const given[][2] = {{"--variant", asked->load.variant}, {"--stack", asked->load.stack}};

  g_ptr_array_add(words, asked->argument);
  for (guint i = 0; i < G_N_ELEMENTS(given); i++)
    if (given[i][1] && !(i == 0 && asked->variant)) {
      g_ptr_array_add(words, (gpointer)given[i][0]);
      g_ptr_array_add(words, (gpointer)given[i][1]);
    }
  for (guint i = 0; i + 1 < asked->sets->len; i++) {
    g_ptr_array_add(words, (gpointer) "--set");
    g_ptr_array_add(words, g_ptr_array_index(asked->sets, i));
  }
  g_ptr_array_add(words, NULL);
  return words;
}

static char *print_plan(const MoeAsked *asked, const MoePlanOptions *options, GError **error)
{
  g_autoptr(MoePlan) plan = moe_plan(options, error);
  g_autoptr(GPtrArray) words = command_words(asked);

  return plan ? moe_report_plan(plan, (const char *const *)words->pdata, MOE_JSON) : NULL;
}

char *moe_door_plan(const MoeRequest *request, GError **error)
{
  static const char *const own_cluster[] = {NULL, NULL};
  MoePlanOptions plan = {0};
  g_autoptr(GError) failure = NULL;
  g_auto(MoeAsked) asked = {0};

  if (!read_plan(request, &plan, error) || !moe_asked_init(&asked, request, "run", error))
    return NULL;
  g_autoptr(GPtrArray) clusters = moe_request_list(request, "clusters", error);
  g_autoptr(GPtrArray) limits = clusters ? moe_request_list(request, "limit", error) : NULL;
  g_autoptr(GArray) sizes = limits ? read_sizes(request, error) : NULL;
  g_autoptr(MoeResiduals) residuals = sizes ? moe_ask_residuals(request->data_dir, &failure) : NULL;

  if (failure)
    g_propagate_error(error, g_steal_pointer(&failure));
  if (!sizes || (error && *error))
    return NULL;
  plan.path = asked.path;
  plan.load = asked.load;
  plan.residuals = residuals;
  plan.limits = (const char *const *)limits->pdata;
  plan.n_clusters = MAX(clusters->len - 1, 1);
  plan.clusters = clusters->len > 1 ? (const char *const *)clusters->pdata : own_cluster;
  plan.sizes = (const int64_t *)(gpointer)sizes->data;
  plan.n_sizes = sizes->len;
  return print_plan(&asked, &plan, error);
}
