/* Enumerate, bound; then, the best bound first, lower for a better one and simulate, until no bound is below what is
 * kept.
 */
#include "base/base.h"
#include "search/layouts.h"
#include "searching.h"
#include "spec/spec.h"

#include <math.h>
#include <string.h>

#define SECONDS_PER_HOUR 3600.0
/* Of the time that is left, what enumerating and then bounding may take: layouts that nobody simulates are no answer.
 */
#define ENUMERATING_SHARE 0.2
#define BOUNDING_SHARE    0.4

/* ---- simulation ------------------------------------------------------------------------------------------------- */

/* ---- the run's own layout --------------------------------------------------------------------------------------- */

/* As the run file has it, uneven stages and all. */
static void simulate_own(Searching *s)
{
  MoeCandidate *own = &s->result->own;
  MoeRun quiet = *s->run;

  moe_search_own_choice(s->run, &own->choice);
  quiet.cluster.accelerator.speed_spread = 0;
  own->result = moe_searching_predict(s, &quiet, TRUE);
  if (own->result)
    own->value = s->own_value = moe_searching_value(s, &own->choice, own->result->step_time_s);
}

/* ---- whole searches --------------------------------------------------------------------------------------------- */

static MoeCandidate *make_candidates(const GArray *choices)
{
  MoeCandidate *candidates = g_new0(MoeCandidate, choices->len + 1);

  for (guint i = 0; i < choices->len; i++)
    candidates[i].choice = g_array_index(choices, MoeLayoutChoice, i);
  return candidates;
}

/* With `some`, the rest waits for more choices. */
static void search_choices(Searching *s, const GArray *choices, gboolean some)
{
  MoeStop bounding = moe_stop_share(&s->stop, BOUNDING_SHARE);
  g_autofree MoeCandidate *candidates = make_candidates(choices);

  s->result->n_legal += choices->len;
  moe_search_bound(s->run, s->options, &bounding, choices->len, candidates);
  moe_searching_wait(s, candidates, choices->len);
  moe_searching_look(s, some);
}

static gboolean search_region(Searching *s, MoeSearchRegion region, GError **error)
{
  MoeStop enumerating = moe_stop_share(&s->stop, ENUMERATING_SHARE);
  gboolean cut = FALSE;
  g_autoptr(GArray) choices = moe_search_enumerate_part(s->run, s->options, region, &enumerating, &cut, error);

  s->result->cut_short |= cut;
  if (choices)
    search_choices(s, choices, region == MOE_REGION_NEAR);
  return choices != NULL;
}

/* Choices of one number of GPUs. */
static GArray *choices_of(const GArray *choices, int32_t gpus)
{
  GArray *some = g_array_new(FALSE, FALSE, sizeof(MoeLayoutChoice));

  for (guint i = 0; i < choices->len; i++)
    if (g_array_index(choices, MoeLayoutChoice, i).value[MOE_DIMENSION_GPUS] == gpus)
      g_array_append_val(some, g_array_index(choices, MoeLayoutChoice, i));
  return some;
}

static gint compare_sizes(gconstpointer a, gconstpointer b)
{
  return *(const int32_t *)a - *(const int32_t *)b;
}

static GArray *sizes_of(const GArray *choices)
{
  GArray *sizes = g_array_new(FALSE, FALSE, sizeof(int32_t));
  g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

  for (guint i = 0; i < choices->len; i++) {
    int32_t gpus = g_array_index(choices, MoeLayoutChoice, i).value[MOE_DIMENSION_GPUS];

    if (g_hash_table_add(seen, GINT_TO_POINTER(gpus)))
      g_array_append_val(sizes, gpus);
  }
  g_array_sort(sizes, compare_sizes);
  return sizes;
}

/* From the smallest cluster up, until one meets the deadline. */
static gboolean search_sizes(Searching *s, GError **error)
{
  MoeStop enumerating = moe_stop_share(&s->stop, ENUMERATING_SHARE);
  g_autoptr(GArray) choices =
      moe_search_enumerate_part(s->run, s->options, MOE_REGION_ALL, &enumerating, &s->result->cut_short, error);
  if (!choices)
    return FALSE;
  g_autoptr(GArray) sizes = sizes_of(choices);

  for (guint i = 0; i < sizes->len && s->result->n_ranked == 0; i++) {
    g_autoptr(GArray) some = choices_of(choices, g_array_index(sizes, int32_t, i));

    search_choices(s, some, FALSE);
    moe_searching_complete(s);
    if (s->options->verify)
      moe_search_verify(s->run, s->options, s->result);
  }
  return TRUE;
}

static gboolean explain_nothing(const Searching *s, GError **error)
{
  const MoeSearchResult *r = s->result;

  if (r->n_not_reached > 0 || r->cut_short)
    return moe_fail(
        error, MOE_ERROR_LAYOUT, (MoeMark){0},
        "none of the layouts that --budget left time for fits the memory, %u%s not looked at, expected more time",
        r->n_not_reached, r->cut_short ? " and those not enumerated" : "");
  if (s->options->objective == MOE_OBJECTIVE_GPUS && r->n_legal > 0)
    return moe_fail(error, MOE_ERROR_LAYOUT, (MoeMark){0},
                    "no layout of %u meets the deadline%s, expected more GPUs (--limit gpus=...) or a later deadline",
                    r->n_legal, r->verified ? " with noise and failures" : "");
  if (r->n_legal == 0)
    return moe_fail(error, MOE_ERROR_LAYOUT, (MoeMark){0}, "no legal layout, expected wider --limit or --space");
  return moe_fail(error, MOE_ERROR_LAYOUT, (MoeMark){0}, "none of %u legal layouts fits the memory, expected more GPUs",
                  r->n_legal);
}

static gboolean check_options(const Searching *s, GError **error)
{
  const MoeSearchOptions *o = s->options;

  if (o->objective == MOE_OBJECTIVE_COST && s->price_gpu_s <= 0)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                    "--objective cost: the price of %s is unknown, expected --set cluster.price.gpu_hour=DOLLARS",
                    s->run->cluster.name);
  if (o->objective == MOE_OBJECTIVE_GPUS && (o->tokens <= 0 || o->deadline_s <= 0))
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "--objective gpus: expected --tokens and --deadline");
  return TRUE;
}

/* The longest step that meets the deadline. */
static double step_limit(const MoeRun *run, const MoeSearchOptions *options)
{
  double steps = options->tokens / ((double)run->training.global_batch * (double)run->training.sequence_length);

  return options->objective == MOE_OBJECTIVE_GPUS ? options->deadline_s / steps : INFINITY;
}

/* What is known to work when there was no time to find anything else. */
static void rank_own(Searching *s)
{
  MoeCandidate own = s->result->own;
  MoeRun quiet = *s->run;

  quiet.cluster.accelerator.speed_spread = 0;
  own.result = own.result ? moe_searching_predict(s, &quiet, FALSE) : NULL;
  if (own.result)
    moe_searching_rank(s, &own);
}

/* The winners of sizes have been verified size by size. */
static void verify(Searching *s)
{
  if (s->options->objective != MOE_OBJECTIVE_GPUS)
    moe_search_verify(s->run, s->options, s->result);
  moe_search_verify_own(s->run, s->options, s->result);
  s->result->noise_left_out = FALSE;
}

static gboolean search(Searching *s, GError **error)
{
  gboolean good = check_options(s, error);

  if (!good)
    return FALSE;
  simulate_own(s);
  if (s->options->objective == MOE_OBJECTIVE_GPUS)
    good = search_sizes(s, error);
  else
    good = search_region(s, MOE_REGION_NEAR, error) && search_region(s, MOE_REGION_REST, error);
  if (good && s->result->n_ranked == 0 && (s->result->n_not_reached > 0 || s->result->cut_short))
    rank_own(s);
  if (good && s->options->part == 0)
    moe_searching_complete(s);
  if (good && s->options->verify && s->options->part == 0)
    verify(s);
  return good && (s->result->n_ranked > 0 || explain_nothing(s, error));
}

MoeSearchResult *moe_search(const MoeRun *run, const MoeSearchOptions *options, GError **error)
{
  g_autoptr(MoeSearchResult) result = g_new0(MoeSearchResult, 1);
  Searching s = {.run = run,
                 .options = options,
                 .result = result,
                 .price_gpu_s = run->cluster.price_gpu_hour / SECONDS_PER_HOUR,
                 .limit = step_limit(run, options),
                 .stop = moe_stop_after(options->budget_s, options->stopped, options->stopped_data),
                 .own_value = -INFINITY};

  g_assert(options->top > 0);
  result->noise_left_out = run->cluster.accelerator.speed_spread > 0 || run->stack.kernel_jitter > 0;
  result->recompute_modules = moe_search_recompute_modules(run);
  result->objective = options->objective;
  result->n_clusters = 1;
  result->tokens = options->tokens;
  result->deadline_s = options->deadline_s;
  result->ranked = g_new0(MoeCandidate, options->top + 2);
  s.fresh = g_array_new(FALSE, FALSE, sizeof(Prospect));
  s.lowered = g_array_new(FALSE, FALSE, sizeof(Prospect));
  gboolean good = search(&s, error);
  for (guint i = 0; i < result->n_ranked; i++)
    result->ranked[i].price_gpu_hour = run->cluster.price_gpu_hour;
  g_array_unref(s.fresh);
  g_array_unref(s.lowered);
  return good ? g_steal_pointer(&result) : NULL;
}

void moe_search_result_free(MoeSearchResult *result)
{
  if (!result)
    return;
  for (guint i = 0; i < result->n_ranked; i++)
    moe_result_free(result->ranked[i].result);
  moe_result_free(result->own.result);
  g_free(result->ranked);
  g_strfreev(result->unanswered);
  g_free(result);
}
