/* What predictions of published runs are wrong by, by kind: text, file, and the distribution for a run. */
#include "base/base.h"
#include "doc/doc.h"
#include "internal.h"
#include "spec/spec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- text -------------------------------------------------------------------------------------------------------- */

static gboolean counts(const MoeCase *c)
{
  return !c->failure && moe_case_has_step(c);
}

static char *key_of(const MoeCase *c)
{
  g_autofree char *model = moe_model_label_of(c->differs[MOE_DIFFERS_MODEL]);

  return g_strdup_printf("{family: %s, kind: %s, gpu: %s, model: %s, stack: \"%s\", ratios: [",
                         c->group[MOE_GROUP_BY_FAMILY], c->group[MOE_GROUP_BY_KIND], c->group[MOE_GROUP_BY_GPU], model,
                         c->group[MOE_GROUP_BY_STACK]);
}

/* The cases that are written like the first one, which stand together in no order: each group once, at its first case.
 */
static void append_group(GString *text, const MoeValidation *validation, guint first, GHashTable *written)
{
  g_autofree char *key = key_of(&validation->cases[first]);
  const char *comma = "";

  if (!g_hash_table_add(written, g_strdup(key)))
    return;
  g_string_append_printf(text, "  - %s", key);
  for (guint i = first; i < validation->n; i++) {
    const MoeCase *c = &validation->cases[i];
    g_autofree char *other = counts(c) ? key_of(c) : NULL;

    if (g_strcmp0(other, key) != 0)
      continue;
    g_string_append_printf(text, "%s%.4f", comma, c->published_step_s / c->predicted_step_s);
    comma = ", ";
  }
  g_string_append(text, "]}\n");
}

char *moe_residuals_text(const MoeValidation *validation)
{
  g_autoptr(GHashTable) written = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  GString *text = g_string_new(
      "# Published over predicted step time of every validation case, by what a prediction's own error is judged by.\n"
      "# Written by moesim validate --save-residuals.\n"
      "residuals:\n");

  for (guint i = 0; i < validation->n; i++)
    if (counts(&validation->cases[i]))
      append_group(text, validation, i, written);
  return g_string_free(text, FALSE);
}

/* ---- file -------------------------------------------------------------------------------------------------------- */

static const MoeField group_fields[] = {
    {"family", .kind = MOE_FIELD_TEXT, .offset = offsetof(MoeResidualGroup, family), .required = TRUE},
    {"kind", .kind = MOE_FIELD_TEXT, .offset = offsetof(MoeResidualGroup, kind), .required = TRUE},
    {"gpu", .kind = MOE_FIELD_TEXT, .offset = offsetof(MoeResidualGroup, gpu), .required = TRUE},
    {"model", .kind = MOE_FIELD_TEXT, .offset = offsetof(MoeResidualGroup, model)},
    {"stack", .kind = MOE_FIELD_TEXT, .offset = offsetof(MoeResidualGroup, stack)},
    {"ratios", .kind = MOE_FIELD_IGNORE, .required = TRUE},
    {NULL},
};

static gboolean read_ratios(const MoeNode *list, MoeResidualGroup *group, GError **error)
{
  if (!moe_node_expect(list, MOE_NODE_LIST, "ratios", error))
    return FALSE;
  group->n = moe_node_size(list);
  group->ratio = g_new0(double, group->n + 1);
  for (guint i = 0; i < group->n; i++) {
    const MoeNode *node = moe_node_at(list, i);

    if (!moe_node_read_quantity(node, MOE_DIM_NONE, &group->ratio[i], error))
      return FALSE;
    if (group->ratio[i] <= 0)
      return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node),
                      "ratio of 0, expected published over predicted time");
  }
  return TRUE;
}

static gboolean read_groups(MoeResiduals *residuals, GError **error)
{
  const MoeNode *root = moe_doc_root(residuals->doc), *list = moe_node_get(root, "residuals");

  if (!list)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(root), "no residuals, expected a list residuals:");
  if (!moe_node_expect(list, MOE_NODE_LIST, "residuals", error))
    return FALSE;
  residuals->n_groups = moe_node_size(list);
  residuals->group = g_new0(MoeResidualGroup, residuals->n_groups + 1);
  for (guint i = 0; i < residuals->n_groups; i++) {
    const MoeNode *node = moe_node_at(list, i);
    MoeResidualGroup *group = &residuals->group[i];

    if (!moe_node_read_fields(node, group_fields, "residuals", group, error) ||
        !read_ratios(moe_node_get(node, "ratios"), group, error))
      return FALSE;
  }
  return TRUE;
}

MoeResiduals *moe_residuals_load(const char *path, GError **error)
{
  g_autoptr(MoeResiduals) residuals = g_new0(MoeResiduals, 1);

  residuals->doc = moe_doc_load(path, error);
  return residuals->doc && read_groups(residuals, error) ? g_steal_pointer(&residuals) : NULL;
}

void moe_residuals_free(MoeResiduals *residuals)
{
  if (!residuals)
    return;
  for (guint i = 0; residuals->group && i < residuals->n_groups; i++)
    g_free(residuals->group[i].ratio);
  g_free(residuals->group);
  moe_doc_free(residuals->doc);
  g_free(residuals);
}

/* ---- the distribution for a run ---------------------------------------------------------------------------------- */

/* A ratio, and the weight that makes families equal. */
typedef struct {
  double ratio, weight;
} Weighted;

static int by_ratio(const void *a, const void *b)
{
  const Weighted *x = a, *y = b;

  return (x->ratio > y->ratio) - (x->ratio < y->ratio);
}

gboolean moe_is_own_family(const char *family, const MoeRun *run)
{
  return g_str_has_prefix(run->name, family);
}

static gboolean is_like(const MoeResidualGroup *group, const MoeRun *run, const char *kind, const char *gpu)
{
  return !moe_is_own_family(group->family, run) && (!kind || strcmp(group->kind, kind) == 0) &&
         (!gpu || strcmp(group->gpu, gpu) == 0);
}

/* Cases that a family has in the choice. */
static guint count_family(const MoeResiduals *residuals, const char *family, const MoeRun *run, const char *kind,
                          const char *gpu)
{
  guint n = 0;

  for (guint g = 0; g < residuals->n_groups; g++)
    if (strcmp(residuals->group[g].family, family) == 0 && is_like(&residuals->group[g], run, kind, gpu))
      n += residuals->group[g].n;
  return n;
}

static GArray *choose(const MoeResiduals *residuals, const MoeRun *run, const char *kind, const char *gpu,
                      guint *n_families)
{
  GArray *chosen = g_array_new(FALSE, FALSE, sizeof(Weighted));
  g_autoptr(GHashTable) families = g_hash_table_new(g_str_hash, g_str_equal);

  for (guint g = 0; g < residuals->n_groups; g++) {
    const MoeResidualGroup *group = &residuals->group[g];

    if (!is_like(group, run, kind, gpu))
      continue;
    g_hash_table_add(families, (gpointer)group->family);
    for (guint i = 0; i < group->n; i++) {
      Weighted one = {group->ratio[i], 1.0 / count_family(residuals, group->family, run, kind, gpu)};

      g_array_append_val(chosen, one);
    }
  }
  *n_families = g_hash_table_size(families);
  return chosen;
}

/* Values at the middles of equal parts of the weight. */
static void fill_ratios(GArray *chosen, double total, double *ratio)
{
  double below = 0;
  guint at = 0;

  g_array_sort(chosen, by_ratio);
  for (guint k = 0; k < MOE_N_MODEL_ERRORS; k++) {
    double wanted = (k + 0.5) / MOE_N_MODEL_ERRORS * total;

    while (at + 1 < chosen->len && below + g_array_index(chosen, Weighted, at).weight < wanted)
      below += g_array_index(chosen, Weighted, at++).weight;
    ratio[k] = g_array_index(chosen, Weighted, at).ratio;
  }
}

static gboolean try_like(const MoeResiduals *residuals, const MoeRun *run, const char *kind, const char *gpu,
                         MoeModelError *error)
{
  guint n_families = 0;
  g_autoptr(GArray) chosen = choose(residuals, run, kind, gpu, &n_families);

  if (chosen->len < MOE_LEAST_RESIDUALS || n_families < 2)
    return FALSE;
  error->n_cases = chosen->len;
  error->n_families = n_families;
  error->like = g_strdup_printf("%s%s%s",
                                !kind                      ? "all"
                                : strcmp(kind, "moe") == 0 ? "runs with experts"
                                                           : "dense runs",
                                gpu ? " on " : "", gpu ? gpu : "");
  fill_ratios(chosen, n_families, error->ratio);
  return TRUE;
}

void moe_model_error(const MoeResiduals *residuals, const MoeRun *run, MoeModelError *error)
{
  const char *kind = run->architecture.moe.experts > 0 ? "moe" : "dense";

  *error = (MoeModelError){0};
  for (guint k = 0; k < MOE_N_MODEL_ERRORS; k++)
    error->ratio[k] = 1;
  if (residuals && !try_like(residuals, run, kind, run->cluster.accelerator.name, error) &&
      !try_like(residuals, run, kind, NULL, error))
    try_like(residuals, run, NULL, NULL, error);
}

void moe_model_error_clear(MoeModelError *error)
{
  g_clear_pointer(&error->like, g_free);
}
