/* Errors by family, kept to be compared with those of a later program. */
#include "validate/baseline.h"

#include "doc/doc.h"

/* A stored median or P90 counts as worse from this on: rounding of the stored figures, and the smallest change worth
 * stopping for. */
#define BASELINE_TOLERANCE 0.001

static void append_group(GString *text, const MoeCaseGroup *group)
{
  if (group->n > 0)
    g_string_append_printf(text, "  - {name: %s, cases: %u, median_abs_error: %.4f, p90_abs_error: %.4f}\n",
                           group->name, group->n, group->median_abs_error, group->p90_abs_error);
}

char *moe_baseline_text(const MoeValidation *validation)
{
  GString *text =
      g_string_new("# Errors that a change must not make worse: moesim validate --save-baseline\ngroups:\n");
  guint n = 0;
  MoeCaseGroup *groups = moe_validation_group(validation, MOE_GROUP_BY_FAMILY, &n);

  for (guint g = 0; g < n; g++)
    append_group(text, &groups[g]);
  append_group(text, &validation->all);
  moe_case_groups_free(groups, n);
  return g_string_free(text, FALSE);
}

typedef struct {
  const char *name;
  double median_abs_error, p90_abs_error;
  int64_t cases;
} Stored;

static gboolean read_stored(const MoeNode *node, Stored *stored, GError **error)
{
  static const MoeField fields[] = {
      {"name", MOE_FIELD_TEXT, offsetof(Stored, name), TRUE, MOE_DIM_NONE, 0, 0, NULL},
      {"cases", MOE_FIELD_INT, offsetof(Stored, cases), TRUE, MOE_DIM_NONE, 0, 1e9, NULL},
      {"median_abs_error", MOE_FIELD_QUANTITY, offsetof(Stored, median_abs_error), TRUE, MOE_DIM_NONE, 0, 0, NULL},
      {"p90_abs_error", MOE_FIELD_QUANTITY, offsetof(Stored, p90_abs_error), TRUE, MOE_DIM_NONE, 0, 0, NULL},
      {NULL, MOE_FIELD_IGNORE, 0, FALSE, MOE_DIM_NONE, 0, 0, NULL},
  };

  return moe_node_read_fields(node, fields, "baseline group", stored, error);
}

/* What makes the group worse than stored; NULL where it is not. */
static char *worse_text(const MoeCaseGroup *group, const Stored *stored)
{
  if (!group)
    return g_strdup_printf("%s of the baseline has no case any more", stored->name);
  if (group->median_abs_error <= stored->median_abs_error + BASELINE_TOLERANCE &&
      group->p90_abs_error <= stored->p90_abs_error + BASELINE_TOLERANCE && group->n >= stored->cases)
    return NULL;
  return g_strdup_printf("%s is worse than the baseline: median %.2f %% (was %.2f), P90 %.2f %% (was %.2f), %u cases "
                         "(were %" G_GINT64_FORMAT ")",
                         group->name, 100 * group->median_abs_error, 100 * stored->median_abs_error,
                         100 * group->p90_abs_error, 100 * stored->p90_abs_error, group->n, stored->cases);
}

static const MoeCaseGroup *find_group(const MoeCaseGroup *groups, guint n, const MoeCaseGroup *all, const char *name)
{
  for (guint g = 0; g < n; g++)
    if (g_str_equal(groups[g].name, name))
      return &groups[g];
  return g_str_equal(name, "all") ? all : NULL;
}

struct MoeBaseline {
  MoeDoc *doc;    /* owns the names */
  GArray *groups; /* of Stored */
};

void moe_baseline_free(MoeBaseline *baseline)
{
  if (!baseline)
    return;
  moe_doc_free(baseline->doc);
  g_array_unref(baseline->groups);
  g_free(baseline);
}

MoeBaseline *moe_baseline_load(const char *path, GError **error)
{
  g_autoptr(MoeBaseline) baseline = g_new0(MoeBaseline, 1);

  baseline->groups = g_array_new(FALSE, FALSE, sizeof(Stored));
  baseline->doc = moe_doc_load(path, error);
  const MoeNode *list = baseline->doc ? moe_node_get(moe_doc_root(baseline->doc), "groups") : NULL;

  if (!baseline->doc)
    return NULL;
  for (guint i = 0; list && i < moe_node_size(list); i++) {
    Stored stored = {0};

    if (!read_stored(moe_node_at(list, i), &stored, error))
      return NULL;
    g_array_append_val(baseline->groups, stored);
  }
  return g_steal_pointer(&baseline);
}

char **moe_baseline_compare(const MoeValidation *validation, const MoeBaseline *baseline)
{
  g_autoptr(GStrvBuilder) worse = g_strv_builder_new();
  guint n = 0;
  MoeCaseGroup *groups = moe_validation_group(validation, MOE_GROUP_BY_FAMILY, &n);

  for (guint i = 0; i < baseline->groups->len; i++) {
    const Stored *stored = &g_array_index(baseline->groups, Stored, i);
    g_autofree char *text = worse_text(find_group(groups, n, &validation->all, stored->name), stored);

    if (text)
      g_strv_builder_add(worse, text);
  }
  moe_case_groups_free(groups, n);
  return g_strv_builder_end(worse);
}
