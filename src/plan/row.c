/* One row of a plan: search, verify, train, doubt. */
#include "base/base.h"
#include "goodput/model.h"
#include "internal.h"
#include "search/layouts.h"
#include "spec/goodput.h"
#include "spec/spec.h"
#include "study/study.h"

#include <math.h>
#include <string.h>

/* Layouts that the search hands on to be run with noise: the first of them may turn out not to be the first. */
#define VERIFIED 3

/* ---- layouts as text --------------------------------------------------------------------------------------------- */

static char *modules_set(guint modules)
{
  g_autoptr(GString) text = g_string_new("recompute={mode: selective, modules: [");

  for (guint m = 0; moe_module_words[m]; m++)
    if (modules & 1u << m)
      g_string_append_printf(text, "%s%s", text->str[text->len - 1] == '[' ? "" : ", ", moe_module_words[m]);
  return g_strconcat(text->str, "]}", NULL);
}

/* A full recomputation is of all layers: what the run says of layers and modules goes. */
static char *recompute_set(int32_t mode, guint modules)
{
  if (mode == MOE_RECOMPUTE_SELECTIVE)
    return modules_set(modules);
  return g_strdup_printf("recompute={mode: %s}", mode == MOE_RECOMPUTE_FULL ? "full" : "none");
}

char **moe_choice_sets(const MoeRun *run, const MoeLayoutChoice *choice, guint modules)
{
  g_autoptr(GPtrArray) sets = g_ptr_array_new();
  MoeLayoutChoice own;

  moe_search_own_choice(run, &own);
  for (guint d = 0; d < MOE_N_DIMENSIONS; d++) {
    g_autofree char *key = moe_dimension_key(d), *value = moe_choice_text(choice, d);

    if (choice->value[d] == own.value[d])
      continue;
    g_ptr_array_add(sets, d == MOE_DIMENSION_RECOMPUTE ? recompute_set(choice->value[d], modules)
                                                       : g_strconcat(key, "=", value, NULL));
  }
  g_ptr_array_add(sets, NULL);
  return (char **)g_ptr_array_free(g_steal_pointer(&sets), FALSE);
}

int64_t moe_plan_racks(const MoeCluster *cluster, int64_t gpus, gboolean *hosts)
{
  int64_t size = MAX(cluster->domain.gpus, cluster->host.gpus);

  *hosts = cluster->domain.gpus <= cluster->host.gpus;
  return (gpus + size - 1) / MAX(size, 1);
}

/* ---- search and verify ------------------------------------------------------------------------------------------- */

static MoeSearchResult *search(const MoePlanOptions *options, const MoeRun *run, double time_s, GError **error)
{
  MoeSearchOptions search = {.objective = MOE_OBJECTIVE_TIME,
                             .space = options->space,
                             .top = VERIFIED,
                             .limits = options->limits,
                             .budget_s = time_s,
                             .stopped = options->stopped,
                             .stopped_data = options->stopped_data,
                             .jobs = options->jobs,
                             .sim = options->sim};

  return moe_search(run, &search, error);
}

static void take(MoePlanRow *row, MoeRun *run, char **sets, MoeResult *result)
{
  moe_run_free(row->run);
  g_strfreev(row->sets);
  moe_result_free(row->result);
  row->run = run;
  row->sets = sets;
  row->result = result;
}

/* Runs a layout as `moesim run` would; kept when it fits and is faster than what is kept. Takes `sets`. */
static void verify(const MoePlanOptions *options, const MoeRun *base, char **sets, MoePlanRow *row)
{
  g_auto(GStrv) own = sets;
  g_autoptr(MoeRun) run = moe_study_with(base, own, NULL);
  g_autoptr(MoeResult) result = run ? moe_study_predict(run, &options->sim, NULL) : NULL;

  if (!result || !result->memory.fits || (row->result && row->result->step_time_s <= result->step_time_s)) {
    row->n_refuted += !row->result;
    return;
  }
  row->n_refuted += row->result != NULL;
  take(row, g_steal_pointer(&run), g_steal_pointer(&own), g_steal_pointer(&result));
}

/* Where the time ended the search, layouts of other rows may be faster than what it came to. */
static void verify_others(const MoePlanOptions *options, const MoeRun *base, const MoePlan *plan, MoePlanRow *row)
{
  for (guint r = 0; r < plan->n_rows; r++)
    if (plan->rows[r].sets && &plan->rows[r] != row)
      verify(options, base, g_strdupv(plan->rows[r].sets), row);
}

static gboolean choose_layout(const MoePlanOptions *options, const MoeRun *base, double time_s, const MoePlan *plan,
                              MoePlanRow *row, GError **error)
{
  g_autoptr(MoeSearchResult) found = search(options, base, time_s, error);

  if (!found)
    return FALSE;
  for (guint i = 0; i < found->n_ranked; i++)
    verify(options, base, moe_choice_sets(base, &found->ranked[i].choice, found->recompute_modules), row);
  row->n_not_reached = found->n_not_reached;
  row->cut_short = found->cut_short;
  row->search_complete = found->n_not_reached == 0 && !found->cut_short;
  if (!row->search_complete)
    verify_others(options, base, plan, row);
  return row->result ||
         moe_fail(error, MOE_ERROR_LAYOUT, (MoeMark){0},
                  "none of the %u best layouts of the search fits when it is run with noise", found->n_ranked);
}

/* ---- the price --------------------------------------------------------------------------------------------------- */

/* 0: the cluster's. */
static double price_of(const MoePlanOptions *options, const MoeResult *result)
{
  return options->own.purchase > 0 ? moe_ownership_price(&options->own, result) : options->price_gpu_hour;
}

/* ---- the training ------------------------------------------------------------------------------------------------ */

/* An interval that is not said is Daly's: looking for the optimum of each row would take longer than all else. */
static MoeGoodput *train(const MoePlanOptions *options, MoePlanRow *row, GError **error)
{
  MoeGoodputOptions study = {.seeds = MAX(options->seeds, 1),
                             .seed = options->sim.seed,
                             .jobs = options->jobs,
                             .no_search = TRUE,
                             .price_gpu_hour = price_of(options, row->result)};
  MoeGoodputPlan plan = row->run->goodput;
  MoeGoodputModel model;

  if (options->tokens > 0)
    plan.tokens = options->tokens;
  if (!moe_goodput_model(row->run, &plan, row->result, &model, error))
    return NULL;
  double mtbf_s = moe_goodput_job_mtbf(&model);
  double blocking_s = model.copy_s + (plan.mode == MOE_CHECKPOINT_SYNC ? model.write_s : 0);
  if (plan.interval_s <= 0 && isfinite(mtbf_s))
    model.plan.interval_s = MAX(moe_daly_interval(blocking_s, mtbf_s), model.step_time_s);
  return moe_goodput(&model, row->result, &study, error);
}

static MoeQuantiles scaled(const MoeQuantiles *q, double factor)
{
  return (MoeQuantiles){q->p10 * factor, q->p50 * factor, q->p90 * factor};
}

static void fill_economy(const MoePlanOptions *options, MoePlanRow *row)
{
  const MoeCluster *cluster = &row->run->cluster;
  const MoeQuantiles *wall = &row->certainty.wall_s;
  const MoeGoodput *goodput = row->goodput;
  double stepping = goodput->mean.stepping_s / goodput->mean.wall_s;

  double given = price_of(options, row->result);

  row->economy = moe_economy_training(row->result, given, goodput->model->plan.tokens, wall->p50, wall->p50 * stepping);
  row->dollars = scaled(wall, row->economy.dollars / wall->p50);
  row->mwh = scaled(wall, row->economy.energy_mwh / wall->p50);
  row->owned = moe_owned_price(row->result);
  row->megawatts = row->economy.stepping_power_w * (double)row->gpus * 1e-6;
  double price = row->economy.price_gpu_hour;
  gboolean ranged = given <= 0 && cluster->price_high > 0 && price > 0;
  row->least_dollars = row->dollars.p10 * (ranged ? cluster->price_low / price : 1);
  row->most_dollars = row->dollars.p90 * (ranged ? cluster->price_high / price : 1);
}

/* ---- doubts ------------------------------------------------------------------------------------------------------ */

static gboolean doubt(const MoePlanOptions *options, MoePlanRow *row, GError **error)
{
  MoeSensitivityOptions study = {.sim = options->sim,
                                 .samples = options->samples,
                                 .interval_only = TRUE,
                                 .jobs = options->jobs,
                                 .posterior = options->posterior};
  gboolean assumed = options->samples > 0 && (row->run->n_assumptions > 0 || options->posterior);
  g_autoptr(MoeSensitivity) s = assumed ? moe_sensitivity(row->run, &study, error) : NULL;

  if (assumed && !s)
    return FALSE;
  moe_model_error(options->residuals, row->run, row->result, &row->model_error);
  moe_certainty_of(row->result, s, &row->model_error, row->goodput, options->deadline_s, &row->certainty);
  return TRUE;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static gboolean fill(const MoePlanOptions *options, double time_s, const MoePlan *plan, MoePlanRow *row, GError **error)
{
  MoeRunOptions load = options->load;

  load.cluster = row->cluster ? row->cluster : options->load.cluster;
  load.gpus = row->gpus > 0 ? row->gpus : options->load.gpus;
  g_autoptr(MoeRun) base = moe_run_load(options->path, &load, error);
  if (!base)
    return FALSE;
  row->gpus = base->parallelism.gpus;
  base->published.present = FALSE;
  if (!choose_layout(options, base, time_s, plan, row, error))
    return FALSE;
  row->goodput = train(options, row, error);
  if (!row->goodput || !doubt(options, row, error))
    return FALSE;
  fill_economy(options, row);
  return TRUE;
}

static void drop_answer(MoePlanRow *row)
{
  take(row, NULL, NULL, NULL);
  g_clear_pointer(&row->goodput, moe_goodput_free);
  moe_model_error_clear(&row->model_error);
}

void moe_plan_row_fill(const MoePlanOptions *options, double time_s, const MoePlan *plan, MoePlanRow *row)
{
  g_autoptr(GError) error = NULL;

  if (fill(options, time_s, plan, row, &error))
    return;
  drop_answer(row);
  row->failure = g_strdup(error->message);
}

void moe_plan_row_clear(MoePlanRow *row)
{
  drop_answer(row);
  g_free(row->cluster);
  g_free(row->failure);
}
