/* All rows of a plan, and which of them is recommended. */
#include "base/base.h"
#include "internal.h"
#include "spec/spec.h"

#include <math.h>

/* Share of its part of the time that the first search gets: how long verifying, training and doubting take is not known
 * yet. */
#define FIRST_SHARE 0.5
/* Of the time, what is planned with: the longest piece of work ends later than it should. */
#define AIM 0.85
/* A search that has less finds nothing, seconds. */
#define LEAST_SEARCH_S 0.3
/* A row keeps a deadline surely when nine trainings of ten do, and likely when every other one does. */
#define SURELY 0.9
#define LIKELY 0.5

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void add_rows(const MoePlanOptions *options, MoePlan *plan)
{
  plan->n_rows = options->n_clusters * options->n_sizes;
  plan->rows = g_new0(MoePlanRow, plan->n_rows + 1);
  for (guint c = 0; c < options->n_clusters; c++)
    for (guint s = 0; s < options->n_sizes; s++)
      plan->rows[c * options->n_sizes + s] =
          (MoePlanRow){.cluster = g_strdup(options->clusters[c]), .gpus = options->sizes[s]};
}

static double seconds_since(gint64 start_us)
{
  return (double)(g_get_monotonic_time() - start_us) / G_USEC_PER_SEC;
}

/* What the search of one row gets: an equal part of the time that is left, less what a row takes besides. The
 * assumptions that decide, tried at the end, count as one more row. */
static double search_time(const MoePlanOptions *options, const MoePlan *plan, guint row, gint64 started,
                          double besides_s)
{
  double left_s = MAX(AIM * options->time_s - seconds_since(started), 0);
  double part_s = left_s / (plan->n_rows - row + 1);

  return options->time_s > 0 ? MAX(row == 0 ? FIRST_SHARE * part_s : part_s - besides_s, LEAST_SEARCH_S) : 0;
}

static gboolean is_stopped(const MoePlanOptions *options)
{
  return options->stopped && options->stopped(options->stopped_data);
}

static gboolean is_out_of_time(const MoePlanRow *row)
{
  return row->result && !row->search_complete;
}

/* Whether a row has another layout than this one. */
static gboolean has_others(const MoePlan *plan, const MoePlanRow *row)
{
  for (guint r = 0; r < plan->n_rows; r++)
    if (plan->rows[r].sets && !g_strv_equal((const char *const *)plan->rows[r].sets, (const char *const *)row->sets))
      return TRUE;
  return FALSE;
}

/* Searches and fills a row; returns the seconds that it took besides its search. */
static double fill_row(const MoePlanOptions *options, double search_s, const MoePlan *plan, MoePlanRow *row)
{
  gint64 begun = g_get_monotonic_time();

  if (is_stopped(options))
    row->failure = g_strdup("not looked at: interrupted");
  else
    moe_plan_row_fill(options, search_s, plan, row);
  return seconds_since(begun) - search_s;
}

static gboolean saw_more(const MoePlanRow *row, const MoePlanRow *other)
{
  return row->cut_short != other->cut_short ? !row->cut_short : row->n_not_reached < other->n_not_reached;
}

/* Keeps the faster answer, and what the longer of both searches did not reach. */
static void keep_better(MoePlanRow *row, MoePlanRow *again)
{
  const MoePlanRow *seen = saw_more(again, row) ? again : row;
  gboolean cut_short = seen->cut_short, complete = seen->search_complete;
  guint n_not_reached = seen->n_not_reached;

  if (again->result && again->result->step_time_s <= row->result->step_time_s) {
    MoePlanRow worse = *row;

    *row = *again;
    *again = worse;
  }
  row->cut_short = cut_short;
  row->search_complete = complete;
  row->n_not_reached = n_not_reached;
  moe_plan_row_clear(again);
}

/* Of the rows whose search the time ended the one that had the least of it; -1: there is none. */
static int find_shortest(const MoePlan *plan, const double *had_s)
{
  int found = -1;

  for (guint r = 0; r < plan->n_rows; r++)
    if (is_out_of_time(&plan->rows[r]) && (found < 0 || had_s[r] < had_s[found]))
      found = (int)r;
  return found;
}

/* Another answer of a row, kept when it is better. */
static void fill_again(const MoePlanOptions *options, double search_s, MoePlan *plan, MoePlanRow *row)
{
  MoePlanRow again = {.cluster = g_strdup(row->cluster), .gpus = row->gpus};

  fill_row(options, search_s, plan, &again);
  keep_better(row, &again);
}

/* What quick rows and those without an answer left of the time goes to those whose search it ended, the shortest first:
 * a search begins anew, so that less than twice the time is of no use. Then all of them see what the others found. */
static void search_again(const MoePlanOptions *options, MoePlan *plan, gint64 started, double *had_s, double besides_s)
{
  for (int r = find_shortest(plan, had_s); r >= 0 && !is_stopped(options); r = find_shortest(plan, had_s)) {
    double left_s = AIM * options->time_s - seconds_since(started) - 2 * besides_s;

    if (left_s < 2 * had_s[r])
      break;
    had_s[r] = left_s;
    fill_again(options, left_s, plan, &plan->rows[r]);
  }
  for (guint r = 0; r < plan->n_rows && !is_stopped(options); r++)
    if (is_out_of_time(&plan->rows[r]) && has_others(plan, &plan->rows[r]))
      fill_again(options, LEAST_SEARCH_S, plan, &plan->rows[r]);
}

static void fill_rows(const MoePlanOptions *options, MoePlan *plan)
{
  g_autofree double *had_s = g_new0(double, plan->n_rows + 1);
  gint64 started = g_get_monotonic_time();
  double besides_s = 0;

  for (guint r = 0; r < plan->n_rows; r++) {
    had_s[r] = search_time(options, plan, r, started, besides_s);
    double besides = fill_row(options, had_s[r], plan, &plan->rows[r]);

    besides_s = MAX(besides_s, besides);
    if (options->progress)
      options->progress(r + 1, plan->n_rows, options->progress_data);
  }
  search_again(options, plan, started, had_s, besides_s);
}

/* ---- the recommendation ------------------------------------------------------------------------------------------ */

/* The share of trainings that keep deadline and budget; dollars grow with the wall-clock, so that the harder of the two
 * decides. */
static double chance_of(const MoePlan *plan, const MoePlanRow *row)
{
  double chance = plan->deadline_s > 0 ? row->certainty.chance : 1;
  const MoeQuantiles *d = &row->dollars;

  if (plan->budget_dollars <= 0)
    return chance;
  double paid = d->p90 <= plan->budget_dollars ? SURELY : d->p50 <= plan->budget_dollars ? LIKELY : 0;
  return d->p50 > 0 ? MIN(chance, paid) : 0;
}

/* Fewer GPUs win; of equally many the cheaper, where prices are known, else the faster. */
static gboolean is_smaller(const MoePlanRow *a, const MoePlanRow *b)
{
  if (a->gpus != b->gpus)
    return a->gpus < b->gpus;
  if (a->dollars.p50 > 0 && b->dollars.p50 > 0)
    return a->dollars.p50 < b->dollars.p50;
  return a->certainty.wall_s.p50 < b->certainty.wall_s.p50;
}

static int find_smallest(const MoePlan *plan, double least)
{
  int found = -1;

  for (guint r = 0; r < plan->n_rows; r++) {
    const MoePlanRow *row = &plan->rows[r];

    if (!row->failure && chance_of(plan, row) >= least && (found < 0 || is_smaller(row, &plan->rows[found])))
      found = (int)r;
  }
  return found;
}

static int find_fastest(const MoePlan *plan)
{
  int found = -1;

  for (guint r = 0; r < plan->n_rows; r++)
    if (!plan->rows[r].failure &&
        (found < 0 || plan->rows[r].certainty.wall_s.p50 < plan->rows[found].certainty.wall_s.p50))
      found = (int)r;
  return found;
}

static void recommend(const MoePlanOptions *options, MoePlan *plan)
{
  gboolean asked = plan->deadline_s > 0 || plan->budget_dollars > 0;
  MoeSensitivityOptions alone = {.sim = options->sim, .jobs = options->jobs};

  plan->smallest = asked ? find_smallest(plan, SURELY) : -1;
  plan->likely = asked ? find_smallest(plan, LIKELY) : -1;
  plan->decided = plan->smallest >= 0 ? plan->smallest : plan->likely >= 0 ? plan->likely : find_fastest(plan);
  if (plan->decided >= 0 && plan->rows[plan->decided].run->n_assumptions > 0 && !is_stopped(options))
    plan->deciding = moe_sensitivity(plan->rows[plan->decided].run, &alone, NULL);
}

/* ---- entry ------------------------------------------------------------------------------------------------------- */

/* What no row can have is said once, at its place. */
static gboolean check(const MoePlanOptions *options, double *tokens, GError **error)
{
  g_autoptr(MoeRun) run = moe_run_load(options->path, &options->load, error);

  if (!run)
    return FALSE;
  *tokens = options->tokens > 0 ? options->tokens : run->goodput.tokens;
  return *tokens > 0 || moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                                 "tokens to train on are not said, expected --tokens or goodput.tokens");
}

MoePlan *moe_plan(const MoePlanOptions *options, GError **error)
{
  g_autoptr(MoePlan) plan = g_new0(MoePlan, 1);

  if (!check(options, &plan->tokens, error))
    return NULL;
  plan->deadline_s = options->deadline_s;
  plan->budget_dollars = options->budget_dollars;
  plan->own = options->own;
  add_rows(options, plan);
  fill_rows(options, plan);
  recommend(options, plan);
  return g_steal_pointer(&plan);
}

void moe_plan_free(MoePlan *plan)
{
  if (!plan)
    return;
  for (guint r = 0; r < plan->n_rows; r++)
    moe_plan_row_clear(&plan->rows[r]);
  g_free(plan->rows);
  moe_sensitivity_free(plan->deciding);
  g_free(plan);
}
