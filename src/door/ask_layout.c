/* A layout for a configuration that has none: the best of those that fit, by search. */
#include "door/ask_layout.h"

#include "doc/doc.h"
#include "spec/spec.h"

#define LEAST_SEARCH_S 0.5 /* of each part, whatever the others took */

static void take(const MoeSearchResult *found, MoeImportOptions *options)
{
  const int32_t *value = found->ranked[0].choice.value;

  options->tensor = value[MOE_DIMENSION_TENSOR];
  options->context = value[MOE_DIMENSION_CONTEXT];
  options->pipeline = value[MOE_DIMENSION_PIPELINE];
  options->virtual_stages = value[MOE_DIMENSION_VIRTUAL];
  options->expert = value[MOE_DIMENSION_EXPERT];
  options->micro_batch = value[MOE_DIMENSION_MICRO_BATCH];
  options->sharded = TRUE;
  options->zero = value[MOE_DIMENSION_ZERO];
  options->recompute = (MoeRecomputeMode)value[MOE_DIMENSION_RECOMPUTE];
  options->recompute_modules = options->recompute == MOE_RECOMPUTE_SELECTIVE ? found->recompute_modules : 0;
}

/* Schedules that need no key of their own, slices of experts and shares of offload as they are without one. As in the
 * run that is written, messages between stages are behind computation where these have several chunks, and tensor
 * ranks' collectives are not. */
static const struct {
  const char *const limits[4];
  gboolean overlap;
  double until; /* share of the time by which it ends */
} parts[] = {{{"schedule=none,interleaved", "expert_tensor=1", "offload=0"}, TRUE, 0.7},
             {{"schedule=1f1b", "expert_tensor=1", "offload=0"}, FALSE, 1}};

static gboolean is_better(const MoeSearchResult *found, const MoeSearchResult *other)
{
  return found->n_ranked > 0 && (other->n_ranked == 0 || found->ranked[0].value < other->ranked[0].value);
}

/* Keeps the better of *best and `found`, with what was looked at for both. Either may be NULL; takes `found`. */
static void keep_better(MoeSearchResult **best, MoeSearchResult *found)
{
  MoeSearchResult *worse = found;

  if (!found)
    return;
  if (!*best || is_better(found, *best)) {
    worse = *best;
    *best = found;
  }
  if (!worse)
    return;
  (*best)->n_legal += worse->n_legal;
  (*best)->n_simulated += worse->n_simulated;
  (*best)->n_not_reached += worse->n_not_reached;
  moe_search_result_free(worse);
}

/* NULL and *error, of the first search, when none finds anything. */
static MoeSearchResult *search(MoeRun *run, GError **error)
{
  gint64 begun = g_get_monotonic_time();
  MoeSearchResult *best = NULL;
  g_autoptr(GError) first = NULL;

  run->parallelism.overlap.tensor = FALSE;
  for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
    double spent_s = (double)(g_get_monotonic_time() - begun) / G_USEC_PER_SEC;
    MoeSearchOptions search = {.top = 1,
                               .limits = parts[i].limits,
                               .budget_s = MAX(parts[i].until * MOE_ASK_LAYOUT_S - spent_s, LEAST_SEARCH_S),
                               .jobs = g_get_num_processors()};

    run->parallelism.overlap.pipeline = parts[i].overlap;
    keep_better(&best, moe_search(run, &search, first ? NULL : &first));
  }
  if (!best)
    g_propagate_error(error, g_steal_pointer(&first));
  return best;
}

/* Whether the error says nothing of the run: all others are reasons why no layout fits. */
static gboolean is_of_file(const GError *error)
{
  return g_error_matches(error, MOE_ERROR, MOE_ERROR_IO);
}

MoeSearchResult *moe_ask_layout(const char *text, MoeImportOptions *options, char **reason, GError **error)
{
  const MoeRunOptions load = {.data_dir = options->data_dir};
  g_autoptr(GError) trouble = NULL;
  g_autoptr(MoeDoc) doc = moe_doc_parse(text, -1, "imported", NULL, &trouble);
  g_autoptr(MoeRun) run = doc ? moe_run_from_doc(g_steal_pointer(&doc), "imported", &load, &trouble) : NULL;
  g_autoptr(MoeSearchResult) found = run ? search(run, &trouble) : NULL;

  if (is_of_file(trouble)) {
    g_propagate_error(error, g_steal_pointer(&trouble));
    return NULL;
  }
  if (!found || found->n_ranked == 0) {
    *reason = g_strdup(trouble ? trouble->message : "the run cannot exist as it is");
    return NULL;
  }
  take(found, options);
  return g_steal_pointer(&found);
}
