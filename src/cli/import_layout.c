/* A layout for a configuration that has none: the best of those that fit, by search. */
#include "import_layout.h"
#include "cli.h"

#include <moesim/search.h>

#define SECONDS 20 /* after which no further layout is begun */

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

gboolean moe_cli_import_layout(const char *text, MoeImportOptions *options, GError **failure)
{
  const MoeRunOptions load = {.data_dir = options->data_dir};
  MoeSearchOptions search = {.top = 1, .limits = limits, .budget_s = SECONDS, .jobs = g_get_num_processors()};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeDoc) doc = moe_doc_parse(text, -1, "imported", NULL, &error);
  g_autoptr(MoeRun) run = doc ? moe_run_from_doc(g_steal_pointer(&doc), "imported", &load, &error) : NULL;
  g_autoptr(MoeSearchResult) found = run ? moe_search(run, &search, &error) : NULL;

  if (g_error_matches(error, MOE_ERROR, MOE_ERROR_IO)) {
    g_propagate_error(failure, g_steal_pointer(&error));
    return FALSE;
  }
  if (!found || found->n_ranked == 0) {
    moe_cli_note("no layout found that fits: %s", error ? error->message : "the run cannot exist as it is");
    return FALSE;
  }
  take(found, options);
  moe_cli_note("layout: the best of %u that can exist, %u simulated, %u not reached in %d s", found->n_legal,
               found->n_simulated, found->n_not_reached, SECONDS);
  return TRUE;
}
