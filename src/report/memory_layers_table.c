/* What each layer keeps, as a table. */
#include "report/memory_layers.h"
#include "report/tables.h"

/* Modules that any layer keeps something for. */
static gboolean is_kept(const MoeMemoryLayer *rows, guint n, guint module)
{
  for (guint i = 0; i < n; i++)
    if (rows[i].module_bytes[module] > 0)
      return TRUE;
  return FALSE;
}

static void add_titles(MoeTable *table, const MoeMemoryLayer *rows, guint n)
{
  static const char *const titles[] = {"layers", "mixer", "ffn", "parameters", "weights", "gradients", "kept", NULL};

  for (const char *const *title = titles; *title; title++)
    moe_table_add(table, *title);
  for (guint module = 0; module < MOE_MEMORY_MODULES && moe_module_words[module]; module++)
    if (is_kept(rows, n, module))
      moe_table_add(table, moe_module_words[module]);
}

static void add_row(MoeTable *table, const MoeMemoryLayer *rows, guint n, const MoeMemoryLayer *row)
{
  moe_table_take(table, row->first == row->last
                            ? g_strdup_printf("%" G_GINT64_FORMAT, row->first)
                            : g_strdup_printf("%" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, row->first, row->last));
  moe_table_add(table, moe_mixer_words[row->kind.mixer]);
  moe_table_add(table, moe_feed_words[row->kind.feed]);
  moe_table_take(table, moe_count_format(row->parameters, ""));
  moe_table_quantity(table, row->weight_bytes, MOE_DIM_BYTES);
  moe_table_quantity(table, row->gradient_bytes, MOE_DIM_BYTES);
  moe_table_quantity(table, row->kept_bytes, MOE_DIM_BYTES);
  for (guint module = 0; module < MOE_MEMORY_MODULES && moe_module_words[module]; module++)
    if (is_kept(rows, n, module))
      moe_table_quantity(table, row->module_bytes[module], MOE_DIM_BYTES);
}

char *moe_report_memory_layers(const MoeMemoryLayer *rows, guint n, MoeSheet sheet)
{
  g_autoptr(GString) alignment = g_string_new("lllrrrr");

  for (guint module = 0; module < MOE_MEMORY_MODULES && moe_module_words[module]; module++)
    if (is_kept(rows, n, module))
      g_string_append_c(alignment, 'r');
  g_autoptr(MoeTable) table = moe_table_new(alignment->str);

  add_titles(table, rows, n);
  for (guint i = 0; i < n; i++)
    add_row(table, rows, n, &rows[i]);
  g_autofree char *text = moe_table_format(table, sheet);

  return g_strconcat("One layer on one GPU; activations per micro-batch; a module: what recomputing it alone frees\n\n",
                     text, NULL);
}
