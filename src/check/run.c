/* Runs and cases. */
#include "internal.h"

#include "cost/cost.h"
#include "layer/layer.h"
#include "program/program.h"
#include "spec/hidden.h"
#include <moesim/sheet.h>

gboolean moe_check_loaded(const MoeRun *run, GError **error)
{
  g_autoptr(MoeCostModel) cost = moe_cost_model_new(&run->cluster.accelerator, &run->stack, error);

  return cost && moe_routing_check(run, error);
}

static gboolean is_sound(const MoeRun *run, const char *data_dir, GError **error)
{
  return moe_check_loaded(run, error) && moe_assumptions_check(run->doc, data_dir, error);
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

static gboolean check_variant(const MoeCheckedFile *file, const char *variant, GString *says, GError **error)
{
  MoeRunOptions options = {.variant = variant, .data_dir = file->data_dir};
  g_autoptr(MoeRun) run = moe_run_load(file->path, &options, error);
  MoeParameters parameters;

  if (!run || !is_sound(run, file->data_dir, error))
    return FALSE;
  moe_count_parameters(&run->architecture, &parameters);
  g_autofree char *total = moe_count_format(parameters.total, NULL);
  g_autofree char *active = moe_count_format(parameters.active, NULL);

  g_string_append_printf(says, "%s%s%s parameters, %s active, %" G_GINT64_FORMAT " GPUs", variant, *variant ? ": " : "",
                         total, active, run->parallelism.gpus);
  return TRUE;
}

/* Every variant is a run of its own: all of them are checked. */
gboolean moe_check_run_file(const MoeCheckedFile *file, GString *says, GError **error)
{
  g_auto(GStrv) variants = moe_run_variants(file->path, error);

  if (!variants)
    return FALSE;
  if (!variants[0])
    return check_variant(file, "", says, error);
  for (guint i = 0; variants[i]; i++) {
    g_string_append(says, i > 0 ? "; " : "");
    if (!check_variant(file, variants[i], says, error))
      return FALSE;
  }
  return moe_run_check_hidden(file->path, file->doc, file->data_dir, error);
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */

/* A case is a run with an id and a result. */
static gboolean check_case(const MoeCheckedFile *file, MoeNode *entry, GError **error)
{
  g_autofree char *id = NULL;
  MoeRunOptions options = {.data_dir = file->data_dir};
  g_autoptr(MoeDoc) doc = moe_case_document(file->doc, entry, &id, error);

  if (!doc)
    return FALSE;
  g_autoptr(MoeRun) run = moe_run_from_doc(g_steal_pointer(&doc), id, &options, error);

  return run && is_sound(run, file->data_dir, error);
}

gboolean moe_check_cases(const MoeCheckedFile *file, GString *says, GError **error)
{
  const MoeNode *cases = moe_node_get(moe_doc_root(file->doc), "cases");

  if (!moe_node_expect(cases, MOE_NODE_LIST, "cases", error))
    return FALSE;
  for (guint i = 0; i < moe_node_size(cases); i++)
    if (!check_case(file, (MoeNode *)moe_node_at(cases, i), error))
      return FALSE;
  g_string_append_printf(says, "%u of them", moe_node_size(cases));
  return TRUE;
}
