/* Remedies as a table and as JSON. */
#include "report/remedy.h"
#include "report/tables.h"

#include <math.h>

#include "report/json.h"

#include <json-glib/json-glib.h>

static double slower(const MoeRemedies *remedies, const MoeRemedy *remedy)
{
  return remedy->result->step_time_s / remedies->own->step_time_s - 1;
}

static void add_row(MoeTable *table, const MoeRemedies *remedies, const MoeRemedy *remedy)
{
  moe_table_add(table, remedy->what);
  moe_table_quantity(table, remedy->result->step_time_s, MOE_DIM_SECONDS);
  moe_table_change(table, slower(remedies, remedy));
  moe_table_quantity(table, remedy->result->memory.peak_bytes, MOE_DIM_BYTES);
  moe_table_add(table, remedy->result->memory.fits ? "" : "no");
}

char *moe_report_remedies_table(const MoeRemedies *remedies, guint top, MoeSheet sheet)
{
  static const char *const titles[] = {"change", "step", "longer by", "peak", "fits", NULL};
  g_autoptr(MoeTable) table = moe_table_new("wrrrl");
  guint shown = top > 0 ? MIN(top, remedies->n) : remedies->n;

  moe_table_header(table, titles);
  for (guint i = 0; i < shown; i++)
    add_row(table, remedies, &remedies->remedies[i]);
  g_autofree char *rows = moe_table_format(table, sheet);
  g_autofree char *step = moe_quantity_format(remedies->own->step_time_s, MOE_DIM_SECONDS);

  return g_strdup_printf("%s\n%u of %u %s that need less memory fit; the run as it is takes %s\n", rows,
                         remedies->n_fit, remedies->n, remedies->pairs ? "pairs of changes" : "changes", step);
}

/* "12 GB more" */
static char *memory_change(double before, double after)
{
  g_autofree char *size = moe_quantity_format(fabs(after - before), MOE_DIM_BYTES);

  return g_strdup_printf("%s %s", size, after >= before ? "more" : "less");
}

char *moe_report_remedies_hints(const MoeRemedies *remedies, guint top)
{
  GString *text = g_string_new(NULL);
  const MoeResult *own = remedies->own;

  for (guint i = 0; i < MIN(top, remedies->n_fit); i++) {
    const MoeResult *tried = remedies->remedies[i].result;
    if (i > 0 && tried->step_time_s == remedies->remedies[i - 1].result->step_time_s)
      continue; /* another way to the same */
    g_autofree char *memory = memory_change(own->memory.peak_bytes, tried->memory.peak_bytes);

    g_string_append_printf(text, "  try %s: %+.1f points of MFU, step %+.1f %%, %s\n", remedies->remedies[i].what,
                           100 * (tried->mfu_causal - own->mfu_causal), 100 * slower(remedies, &remedies->remedies[i]),
                           memory);
  }
  return g_string_free(text, FALSE);
}

static void add_remedy(JsonBuilder *builder, const MoeRemedies *remedies, const MoeRemedy *remedy)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "set", remedy->what);
  moe_json_number(builder, "step_time_s", remedy->result->step_time_s);
  moe_json_number(builder, "slower", slower(remedies, remedy));
  moe_json_number(builder, "peak_bytes", remedy->result->memory.peak_bytes);
  moe_json_bool(builder, "fits", remedy->result->memory.fits);
  json_builder_end_object(builder);
}

char *moe_report_remedies_json(const MoeRemedies *remedies)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_number(builder, "step_time_s", remedies->own->step_time_s);
  moe_json_number(builder, "peak_bytes", remedies->own->memory.peak_bytes);
  moe_json_bool(builder, "fits", remedies->own->memory.fits);
  moe_json_bool(builder, "pairs", remedies->pairs);
  moe_json_open_array(builder, "remedies");
  for (guint i = 0; i < remedies->n; i++)
    add_remedy(builder, remedies, &remedies->remedies[i]);
  json_builder_end_array(builder);
  json_builder_end_object(builder);
  return moe_json_finish(builder);
}
