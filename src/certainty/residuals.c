/* What predictions of published runs are wrong by, by kind: text and file. */
#include "base/base.h"
#include "doc/doc.h"
#include "internal.h"
#include "spec/spec.h"

/* ---- text -------------------------------------------------------------------------------------------------------- */

static gboolean counts(const MoeCase *c)
{
  return !c->failure && moe_case_has_step(c);
}

static char *key_of(const MoeCase *c)
{
  g_autofree char *model = moe_model_label_of(c->differs[MOE_DIFFERS_MODEL]);

  return g_strdup_printf("{family: %s, kind: %s, gpu: %s, training_rate: %.3g, model: %s, stack: \"%s\", ",
                         c->group[MOE_GROUP_BY_FAMILY], c->group[MOE_GROUP_BY_KIND], c->group[MOE_GROUP_BY_GPU],
                         c->training_rate, model, c->group[MOE_GROUP_BY_STACK]);
}

typedef struct {
  GString *ratios, *gpus, *waiting;
} Lists;

static void append_case(Lists *lists, const MoeCase *c)
{
  const char *comma = lists->ratios->len > 0 ? ", " : "";

  g_string_append_printf(lists->ratios, "%s%.4f", comma, c->published_step_s / c->predicted_step_s);
  g_string_append_printf(lists->gpus, "%s%" G_GINT64_FORMAT, comma, c->gpus);
  g_string_append_printf(lists->waiting, "%s%.3f", comma, c->waiting_share);
}

/* The cases that are written like the first one, which stand together in no order: each group once, at its first case.
 */
static void append_group(GString *text, const MoeValidation *validation, guint first, GHashTable *written)
{
  g_autofree char *key = key_of(&validation->cases[first]);
  g_autoptr(GString) ratios = g_string_new(NULL), gpus = g_string_new(NULL), waiting = g_string_new(NULL);
  Lists lists = {ratios, gpus, waiting};

  if (!g_hash_table_add(written, g_strdup(key)))
    return;
  for (guint i = first; i < validation->n; i++) {
    const MoeCase *c = &validation->cases[i];
    g_autofree char *other = counts(c) ? key_of(c) : NULL;

    if (g_strcmp0(other, key) == 0)
      append_case(&lists, c);
  }
  g_string_append_printf(text, "  - %sratios: [%s], gpus: [%s], waiting: [%s]}\n", key, ratios->str, gpus->str,
                         waiting->str);
}

static gboolean has_peak(const MoeCase *c, const char *family, const char *kind)
{
  return !c->failure && c->memory.published_bytes > 0 && c->memory.predicted_bytes > 0 &&
         (!family ||
          (g_strcmp0(c->group[MOE_GROUP_BY_FAMILY], family) == 0 && g_strcmp0(c->group[MOE_GROUP_BY_KIND], kind) == 0));
}

static void append_peaks(GString *text, const MoeValidation *memory, guint first, GHashTable *written)
{
  const char *family = memory->cases[first].group[MOE_GROUP_BY_FAMILY],
             *kind = memory->cases[first].group[MOE_GROUP_BY_KIND], *comma = "";

  if (!g_hash_table_add(written, g_strdup_printf("%s %s", family, kind)))
    return;
  g_string_append_printf(text, "  - {family: %s, kind: %s, ratios: [", family, kind);
  for (guint i = first; i < memory->n; i++)
    if (has_peak(&memory->cases[i], family, kind)) {
      g_string_append_printf(text, "%s%.4f", comma,
                             memory->cases[i].memory.published_bytes / memory->cases[i].memory.predicted_bytes);
      comma = ", ";
    }
  g_string_append(text, "]}\n");
}

char *moe_residuals_text(const MoeValidation *validation, const MoeValidation *memory)
{
  g_autoptr(GHashTable) written = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GHashTable) peaks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  GString *text = g_string_new(
      "# Published over predicted step time of every validation case, by what a prediction's own error is judged by:\n"
      "# family, kind, accelerator, GPUs, and the share of the step that waits for wires, hosts and peers; then peaks "
      "of\n"
      "# memory. Written by moesim validate --save-residuals.\n"
      "residuals:\n");

  for (guint i = 0; i < validation->n; i++)
    if (counts(&validation->cases[i]))
      append_group(text, validation, i, written);
  if (memory)
    g_string_append(text, "memory:\n");
  for (guint i = 0; memory && i < memory->n; i++)
    if (has_peak(&memory->cases[i], NULL, NULL))
      append_peaks(text, memory, i, peaks);
  return g_string_free(text, FALSE);
}

/* ---- file -------------------------------------------------------------------------------------------------------- */

static const MoeField group_fields[] = {
    {"family", .kind = MOE_FIELD_TEXT, .offset = offsetof(MoeResidualGroup, family), .required = TRUE},
    {"kind", .kind = MOE_FIELD_TEXT, .offset = offsetof(MoeResidualGroup, kind), .required = TRUE},
    {"gpu", .kind = MOE_FIELD_TEXT, .offset = offsetof(MoeResidualGroup, gpu), .required = TRUE},
    {"training_rate", .kind = MOE_FIELD_QUANTITY, .offset = offsetof(MoeResidualGroup, training_rate), .maximum = 1},
    {"model", .kind = MOE_FIELD_TEXT, .offset = offsetof(MoeResidualGroup, model)},
    {"stack", .kind = MOE_FIELD_TEXT, .offset = offsetof(MoeResidualGroup, stack)},
    {"ratios", .kind = MOE_FIELD_IGNORE, .required = TRUE},
    {"gpus", .kind = MOE_FIELD_IGNORE},
    {"waiting", .kind = MOE_FIELD_IGNORE},
    {NULL},
};

static const MoeField memory_fields[] = {
    {"family", .kind = MOE_FIELD_TEXT, .offset = offsetof(MoeMemoryGroup, family), .required = TRUE},
    {"kind", .kind = MOE_FIELD_TEXT, .offset = offsetof(MoeMemoryGroup, kind), .required = TRUE},
    {"ratios", .kind = MOE_FIELD_IGNORE, .required = TRUE},
    {NULL},
};

/* A list of plain numbers, above 0 when `positive`, of n values when n > 0. */
static gboolean read_numbers(const MoeNode *list, const char *what, gboolean positive, guint n, double **values,
                             GError **error)
{
  if (!moe_node_expect(list, MOE_NODE_LIST, what, error))
    return FALSE;
  guint size = moe_node_size(list);
  if (n > 0 && size != n)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(list), "%u %s, expected %u: one per ratio", size, what, n);
  *values = g_new0(double, size + 1);
  for (guint i = 0; i < size; i++) {
    const MoeNode *node = moe_node_at(list, i);

    if (!moe_node_read_quantity(node, MOE_DIM_NONE, &(*values)[i], error))
      return FALSE;
    if (positive && (*values)[i] <= 0)
      return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node), "%s of 0, expected values above 0", what);
  }
  return TRUE;
}

static gboolean read_group(const MoeNode *node, MoeResidualGroup *group, GError **error)
{
  const MoeNode *gpus = moe_node_get(node, "gpus"), *waiting = moe_node_get(node, "waiting");

  if (!moe_node_read_fields(node, group_fields, "residuals", group, error) ||
      !read_numbers(moe_node_get(node, "ratios"), "ratios", TRUE, 0, &group->ratio, error))
    return FALSE;
  group->n = moe_node_size(moe_node_get(node, "ratios"));
  return (!gpus || read_numbers(gpus, "gpus", TRUE, group->n, &group->gpus, error)) &&
         (!waiting || read_numbers(waiting, "waiting", FALSE, group->n, &group->waiting, error));
}

static gboolean read_peaks(const MoeNode *node, MoeMemoryGroup *group, GError **error)
{
  if (!moe_node_read_fields(node, memory_fields, "memory", group, error) ||
      !read_numbers(moe_node_get(node, "ratios"), "ratios", TRUE, 0, &group->ratio, error))
    return FALSE;
  group->n = moe_node_size(moe_node_get(node, "ratios"));
  return TRUE;
}

static gboolean read_memory(MoeResiduals *residuals, const MoeNode *list, GError **error)
{
  if (!list)
    return TRUE;
  if (!moe_node_expect(list, MOE_NODE_LIST, "memory", error))
    return FALSE;
  residuals->n_memory = moe_node_size(list);
  residuals->memory = g_new0(MoeMemoryGroup, residuals->n_memory + 1);
  for (guint i = 0; i < residuals->n_memory; i++)
    if (!read_peaks(moe_node_at(list, i), &residuals->memory[i], error))
      return FALSE;
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
  for (guint i = 0; i < residuals->n_groups; i++)
    if (!read_group(moe_node_at(list, i), &residuals->group[i], error))
      return FALSE;
  return read_memory(residuals, moe_node_get(root, "memory"), error);
}

static MoeResiduals *residuals_of(MoeDoc *doc, GError **error)
{
  g_autoptr(MoeResiduals) residuals = g_new0(MoeResiduals, 1);

  residuals->doc = doc;
  return residuals->doc && read_groups(residuals, error) ? g_steal_pointer(&residuals) : NULL;
}

MoeResiduals *moe_residuals_load(const char *path, GError **error)
{
  return residuals_of(moe_doc_load(path, error), error);
}

MoeResiduals *moe_residuals_parse(const char *text, GError **error)
{
  return residuals_of(moe_doc_parse(text, -1, "residuals", NULL, error), error);
}

void moe_residuals_free(MoeResiduals *residuals)
{
  if (!residuals)
    return;
  for (guint i = 0; residuals->group && i < residuals->n_groups; i++) {
    g_free(residuals->group[i].ratio);
    g_free(residuals->group[i].gpus);
    g_free(residuals->group[i].waiting);
  }
  for (guint i = 0; residuals->memory && i < residuals->n_memory; i++)
    g_free(residuals->memory[i].ratio);
  g_free(residuals->group);
  g_free(residuals->memory);
  moe_doc_free(residuals->doc);
  g_free(residuals);
}
