/* Reader of `kernels:` lists: fitted constants of kernel families. */
#include "internal.h"

#include <string.h>

/* More rows than any table of measurements has; catches slipped digits. */
#define MAX_ROWS 1e9

static const char *const pass_words[] = {"forward", "dgrad", "wgrad", "any", NULL};

#define ANY_PASS 3

static const MoeKernelFamily defaults = {.precision = MOE_N_PRECISIONS, .pass = ANY_PASS};

static char *print_constants(gconstpointer target)
{
  const MoeKernelFamily *family = target;
  GString *out = g_string_new("{");

  for (guint i = 0; i < family->n_constants; i++) {
    g_autofree char *value = moe_quantity_print(family->value[i], MOE_DIM_NONE);

    g_string_append_printf(out, "%s%s: %s", i > 0 ? ", " : "", family->constant[i], value);
  }
  g_string_append_c(out, '}');
  return g_string_free(out, FALSE);
}

static const MoeField residual_fields[] = {
    {"median", MOE_FIELD_AMOUNT(MoeKernelFamily, residual_median, MOE_DIM_NONE),
     .meaning = "median error on rows that were not fitted, relative"},
    {"p90", MOE_FIELD_AMOUNT(MoeKernelFamily, residual_p90, MOE_DIM_NONE),
     .meaning = "error that nine of ten stay below"},
    {"rows", MOE_FIELD_COUNT(MoeKernelFamily, rows, 0, MAX_ROWS), .meaning = "rows that were fitted"},
    {NULL},
};

static const MoeSection residual_section = {"residual", residual_fields, &defaults};

static char *print_residual(gconstpointer family)
{
  g_autofree char *text = moe_section_print_flow(&residual_section, family);

  return strcmp(text, "{}") == 0 ? NULL : g_steal_pointer(&text);
}

static char *print_extents(gconstpointer target)
{
  const MoeKernelFamily *family = target;
  GString *out = g_string_new("{");

  for (guint i = 0; i < family->n_extents; i++) {
    g_autofree char *least = moe_quantity_print(family->least[i], MOE_DIM_NONE);
    g_autofree char *most = moe_quantity_print(family->most[i], MOE_DIM_NONE);

    g_string_append_printf(out, "%s%s: [%s, %s]", i > 0 ? ", " : "", family->axis[i], least, most);
  }
  g_string_append_c(out, '}');
  return g_string_free(out, family->n_extents == 0);
}

static const MoeField family_fields[] = {
    {"family", MOE_FIELD_STRING(MoeKernelFamily, name), .required = TRUE,
     .meaning = "name of the family, which a stack chooses"},
    {"class", MOE_FIELD_CHOICE(MoeKernelFamily, klass, moe_kernel_class_words), .required = TRUE,
     .meaning = "what its kernels do"},
    {"precision", MOE_FIELD_CHOICE(MoeKernelFamily, precision, moe_any_precision_words),
     .meaning = "number format that the constants hold for"},
    {"pass", MOE_FIELD_CHOICE(MoeKernelFamily, pass, pass_words), .meaning = "pass that the constants hold for"},
    {"constants", .kind = MOE_FIELD_ANY, .own = TRUE, .print = print_constants, .form = MOE_FORM_NAMED,
     .required = TRUE, .meaning = "constants of the class (docs/model-kernels.md), in SI units or with a unit"},
    {"residual", MOE_FIELD_PART(residual_section), .print = print_residual, .meaning = "how well they fit"},
    {"extent", .kind = MOE_FIELD_ANY, .own = TRUE, .form = MOE_FORM_NAMED, .print = print_extents,
     .meaning = "[least, most] that the fitted rows span, by axis (docs/model-kernels.md)"},
    {"source", MOE_FIELD_STRING(MoeKernelFamily, source), .meaning = "what they were fitted on"},
    {NULL},
};

const MoeSection moe_kernel_section = {"kernels", family_fields, &defaults};

/* Constants are numbers in SI units, or quantities with a unit such as "3.5 TB/s". */
static gboolean read_constants(const MoeNode *map, MoeKernelFamily *family, GError **error)
{
  if (!moe_node_expect(map, MOE_NODE_MAP, "constants", error))
    return FALSE;
  family->n_constants = moe_node_size(map);
  if (family->n_constants > MOE_FAMILY_CONSTANTS)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(map), "%u constants in a kernel family, expected at most %d",
                    family->n_constants, MOE_FAMILY_CONSTANTS);
  for (guint i = 0; i < family->n_constants; i++) {
    MoeDimension any = MOE_DIM_NONE;
    family->constant[i] = moe_node_key(map, i);
    if (!moe_any_quantity_read(moe_node_at(map, i), &family->value[i], &any, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean read_extent(const MoeNode *pair, double *least, double *most, GError **error)
{
  MoeDimension any = MOE_DIM_NONE;

  if (!moe_node_expect(pair, MOE_NODE_LIST, "extent", error))
    return FALSE;
  if (moe_node_size(pair) != 2)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(pair), "%u values of an extent, expected [LEAST, MOST]",
                    moe_node_size(pair));
  return moe_any_quantity_read(moe_node_at(pair, 0), least, &any, error) &&
         moe_any_quantity_read(moe_node_at(pair, 1), most, &any, error);
}

/* What the rows of a fit span. */
static gboolean read_extents(const MoeNode *map, MoeKernelFamily *family, GError **error)
{
  if (!map)
    return TRUE;
  if (!moe_node_expect(map, MOE_NODE_MAP, "extent", error))
    return FALSE;
  family->n_extents = moe_node_size(map);
  if (family->n_extents > MOE_FAMILY_CONSTANTS)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(map), "%u axes of an extent, expected at most %d",
                    family->n_extents, MOE_FAMILY_CONSTANTS);
  for (guint i = 0; i < family->n_extents; i++) {
    family->axis[i] = moe_node_key(map, i);
    if (!read_extent(moe_node_at(map, i), &family->least[i], &family->most[i], error))
      return FALSE;
  }
  return TRUE;
}

static gboolean read_family(const MoeNode *entry, MoeKernelFamily *family, GError **error)
{
  *family = defaults;
  family->mark = moe_node_mark(entry);
  if (!moe_node_read_fields(entry, family_fields, "kernels", family, error) ||
      !read_constants(moe_node_get(entry, "constants"), family, error) ||
      !moe_section_read(entry, "residual", residual_fields, "residual", family, error) ||
      !read_extents(moe_node_get(entry, "extent"), family, error))
    return FALSE;
  if (family->precision == MOE_N_PRECISIONS)
    family->precision = -1;
  if (family->pass == ANY_PASS)
    family->pass = -1;
  return TRUE;
}

gboolean moe_kernel_fits_read(const MoeNode *node, MoeKernelFits *fits, GError **error)
{
  if (!moe_node_expect(node, MOE_NODE_LIST, "kernels", error))
    return FALSE;
  guint n = moe_node_size(node);
  g_autofree MoeKernelFamily *families = g_new0(MoeKernelFamily, n);
  for (guint i = 0; i < n; i++)
    if (!read_family(moe_node_at(node, i), &families[i], error))
      return FALSE;
  fits->n = n;
  fits->family = g_steal_pointer(&families);
  return TRUE;
}

void moe_kernel_fits_clear(MoeKernelFits *fits)
{
  g_clear_pointer(&fits->family, g_free);
  fits->n = 0;
}

double moe_family_constant(const MoeKernelFamily *family, const char *name, double fallback)
{
  for (guint i = 0; i < family->n_constants; i++)
    if (strcmp(family->constant[i], name) == 0)
      return family->value[i];
  return fallback;
}

char *moe_kernel_fits_print(const MoeKernelFits *fits)
{
  GString *out = g_string_new("[");

  for (guint i = 0; i < fits->n; i++) {
    g_autofree char *family = moe_section_print_flow(&moe_kernel_section, &fits->family[i]);

    g_string_append_printf(out, "%s%s", i > 0 ? ", " : "", family);
  }
  g_string_append_c(out, ']');
  return g_string_free(out, fits->n == 0);
}
