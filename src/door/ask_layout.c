/* A layout for a configuration that has none: the best of those that fit, by search. */
#include "door/ask_layout.h"

#include "doc/doc.h"
#include "spec/spec.h"

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

/* Schedules that need no key of their own, slices of experts and shares of offload as they are without one. */
static const char *const limits[] = {"schedule=none,1f1b,interleaved", "expert_tensor=1", "offload=0", NULL};

/* Whether the error says nothing of the run: all others are reasons why no layout fits. */
static gboolean is_of_file(const GError *error)
{
  return g_error_matches(error, MOE_ERROR, MOE_ERROR_IO);
}

MoeSearchResult *moe_ask_layout(const char *text, MoeImportOptions *options, char **reason, GError **error)
{
  const MoeRunOptions load = {.data_dir = options->data_dir};
  MoeSearchOptions search = {.top = 1, .limits = limits, .budget_s = MOE_ASK_LAYOUT_S, .jobs = g_get_num_processors()};
  g_autoptr(GError) trouble = NULL;
  g_autoptr(MoeDoc) doc = moe_doc_parse(text, -1, "imported", NULL, &trouble);
  g_autoptr(MoeRun) run = doc ? moe_run_from_doc(g_steal_pointer(&doc), "imported", &load, &trouble) : NULL;
  g_autoptr(MoeSearchResult) found = run ? moe_search(run, &search, &trouble) : NULL;

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
