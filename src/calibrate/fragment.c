/* Fragments: the `kernels:` section that accelerator and stack files use, as text. */
#include "calibrate/calibrate.h"

#include <string.h>

static const char *const pass_words[] = {"forward", "dgrad", "wgrad"};

static void add_number(GString *out, const char *format, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append(out, g_ascii_formatd(text, sizeof text, format, value));
}

static void add_constants(GString *out, const MoeKernelFamily *family)
{
  g_string_append(out, "    constants: {");
  for (guint i = 0; i < family->n_constants; i++) {
    g_string_append_printf(out, "%s%s: ", i > 0 ? ", " : "", family->constant[i]);
    add_number(out, "%.4g", family->value[i]);
  }
  g_string_append(out, "}\n");
}

static void add_residual(GString *out, const MoeKernelFamily *family)
{
  g_string_append(out, "    residual: {median: ");
  add_number(out, "%.4g", family->residual_median);
  g_string_append(out, ", p90: ");
  add_number(out, "%.4g", family->residual_p90);
  g_string_append_printf(out, ", rows: %" G_GINT64_FORMAT "}\n", family->rows);
}

static void add_extents(GString *out, const MoeKernelFamily *family)
{
  g_string_append(out, "    extent: {");
  for (guint i = 0; i < family->n_extents; i++) {
    g_string_append_printf(out, "%s%s: [", i > 0 ? ", " : "", family->axis[i]);
    add_number(out, "%.10g", family->least[i]);
    g_string_append(out, ", ");
    add_number(out, "%.10g", family->most[i]);
    g_string_append(out, "]");
  }
  g_string_append(out, "}\n");
}

static char *sources_of(const MoeCalibration *c, guint fit)
{
  g_autoptr(GPtrArray) seen = g_ptr_array_new();
  GString *out = g_string_new(NULL);

  for (guint i = 0; i < c->n_series; i++) {
    if (c->series[i].fit != fit || g_ptr_array_find_with_equal_func(seen, c->series[i].source, g_str_equal, NULL))
      continue;
    g_string_append_printf(out, "%s%s", seen->len > 0 ? ", " : "", c->series[i].source);
    g_ptr_array_add(seen, (gpointer)c->series[i].source);
  }
  return g_string_free(out, FALSE);
}

void moe_calibration_append(GString *out, const MoeKernelFamily *family, const char *source)
{
  g_autofree char *quoted = moe_text_quote(source ? source : "");

  g_string_append_printf(out, "  - family: %s\n    class: %s\n    precision: %s\n    pass: %s\n", family->name,
                         moe_kernel_class_words[family->klass],
                         family->precision < 0 ? "any" : moe_precision_words[family->precision],
                         family->pass < 0 ? "any" : pass_words[family->pass]);
  add_constants(out, family);
  if (family->residual_p90 > 0)
    add_residual(out, family);
  if (family->n_extents > 0)
    add_extents(out, family);
  g_string_append_printf(out, "    source: %s\n", quoted);
}

static void add_fit(GString *out, const MoeCalibration *c, guint fit)
{
  g_autofree char *sources = sources_of(c, fit);

  moe_calibration_append(out, &c->fits[fit].family, sources);
}

static gboolean replaced(const MoeCalibration *c, const char *fragment, const MoeKernelFamily *family)
{
  for (guint i = 0; i < c->n_fits; i++) {
    const MoeKernelFamily *own = &c->fits[i].family;

    if (strcmp(c->fits[i].fragment, fragment) == 0 && own->klass == family->klass &&
        own->precision == family->precision && own->pass == family->pass && strcmp(own->name, family->name) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Whether a fragment nearer than `base` in the chain that starts at `fragment` has such an entry. */
static gboolean replaced_before(const MoeCalibration *c, const char *fragment, const char *base,
                                const MoeKernelFamily *family)
{
  for (; fragment != base; fragment = moe_calibration_base(c, fragment))
    if (replaced(c, fragment, family))
      return TRUE;
  return FALSE;
}

const char *moe_calibration_base(const MoeCalibration *c, const char *fragment)
{
  return g_hash_table_lookup(c->bases, fragment);
}

char *moe_calibration_fragment(const MoeCalibration *c, const char *fragment)
{
  GString *out = g_string_new("kernels:\n");

  for (const char *from = fragment; from; from = moe_calibration_base(c, from))
    for (guint i = 0; i < c->n_fits; i++)
      if (strcmp(c->fits[i].fragment, from) == 0 && !c->fits[i].aside &&
          !replaced_before(c, fragment, from, &c->fits[i].family))
        add_fit(out, c, i);
  return g_string_free(out, FALSE);
}

const char **moe_calibration_fragments(const MoeCalibration *c)
{
  GPtrArray *names = g_ptr_array_new();

  for (guint i = 0; i < c->n_fits; i++)
    if (!g_ptr_array_find_with_equal_func(names, c->fits[i].fragment, g_str_equal, NULL))
      g_ptr_array_add(names, (gpointer)c->fits[i].fragment);
  g_ptr_array_add(names, NULL);
  return (const char **)g_ptr_array_free(names, FALSE);
}
