/* Reader of `kernels:` lists: fitted constants of kernel families. */
#include "internal.h"

#include <string.h>

/* More rows than any table of measurements has; catches slipped digits. */
#define MAX_ROWS 1e9

static const char *const pass_words[] = {"forward", "dgrad", "wgrad", "any", NULL};

#define ANY_PASS 3

/* The words of moe_precision_words, then "any". */
typedef struct {
  const char *word[MOE_N_PRECISIONS + 2];
} PrecisionWords;

static PrecisionWords precision_words(void)
{
  PrecisionWords words = {{NULL}};

  for (int i = 0; i < MOE_N_PRECISIONS; i++)
    words.word[i] = moe_precision_words[i];
  words.word[MOE_N_PRECISIONS] = "any";
  return words;
}

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

static gboolean read_residual(const MoeNode *entry, MoeKernelFamily *family, GError **error)
{
  const MoeField fields[] = {
      {"median", MOE_FIELD_AMOUNT(MoeKernelFamily, residual_median, MOE_DIM_NONE)},
      {"p90", MOE_FIELD_AMOUNT(MoeKernelFamily, residual_p90, MOE_DIM_NONE)},
      {"rows", MOE_FIELD_COUNT(MoeKernelFamily, rows, 0, MAX_ROWS)},
      {NULL},
  };

  return moe_section_read(entry, "residual", fields, "residual", family, error);
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
  PrecisionWords precisions = precision_words();
  const MoeField fields[] = {
      {"family", MOE_FIELD_STRING(MoeKernelFamily, name), .required = TRUE},
      {"class", MOE_FIELD_CHOICE(MoeKernelFamily, klass, moe_kernel_class_words), .required = TRUE},
      {"precision", MOE_FIELD_CHOICE(MoeKernelFamily, precision, precisions.word)},
      {"pass", MOE_FIELD_CHOICE(MoeKernelFamily, pass, pass_words)},
      {"constants", MOE_FIELD_ELSEWHERE, .required = TRUE},
      {"residual", MOE_FIELD_ELSEWHERE},
      {"extent", MOE_FIELD_ELSEWHERE},
      {"source", MOE_FIELD_STRING(MoeKernelFamily, source)},
      {NULL},
  };

  *family = (MoeKernelFamily){.precision = MOE_N_PRECISIONS, .pass = ANY_PASS, .mark = moe_node_mark(entry)};
  if (!moe_node_read_fields(entry, fields, "kernels", family, error) ||
      !read_constants(moe_node_get(entry, "constants"), family, error) || !read_residual(entry, family, error) ||
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
