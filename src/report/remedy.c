/* Remedies for a run that does not fit: record, table, hints. */
#include "report/remedy.h"
#include "findings.h"
#include "record/json.h"

#include <math.h>

static double slower(const MoeRemedies *remedies, const MoeRemedy *remedy)
{
  return remedy->result->step_time_s / remedies->own->step_time_s - 1;
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

/* The first `shown`; how many fit of how many is said of all. */
static JsonNode *describe_remedies(const MoeRemedies *remedies, guint shown)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_number(builder, "step_time_s", remedies->own->step_time_s);
  moe_json_number(builder, "peak_bytes", remedies->own->memory.peak_bytes);
  moe_json_bool(builder, "fits", remedies->own->memory.fits);
  moe_json_bool(builder, "pairs", remedies->pairs);
  moe_json_open_array(builder, "remedies");
  for (guint i = 0; i < shown; i++)
    add_remedy(builder, remedies, &remedies->remedies[i]);
  json_builder_end_array(builder);
  moe_json_integer(builder, "tried", remedies->n);
  moe_json_integer(builder, "tried_that_fit", remedies->n_fit);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

char *moe_report_remedies_json(const MoeRemedies *remedies)
{
  g_autoptr(JsonNode) record = describe_remedies(remedies, remedies->n);

  return moe_record_json(record);
}

static char *too_large(JsonObject *remedy)
{
  return g_strdup(moe_record_flag(remedy, "fits") ? "" : "no");
}

char *moe_report_remedies_table(const MoeRemedies *remedies, guint top, MoeSheet sheet)
{
  static const MoeColumn columns[] = {
      {"change", "set", "w"},           {"step", "step_time_s", "r", "s"},         {"longer by", "slower", "r", "+%"},
      {"peak", "peak_bytes", "r", "B"}, {"fits", .place = "l", .text = too_large},
  };
  g_autoptr(JsonNode) record = describe_remedies(remedies, top > 0 ? MIN(top, remedies->n) : remedies->n);
  g_autofree char *rows = moe_record_rows(moe_record_list(record, "remedies"), columns, G_N_ELEMENTS(columns), sheet);
  g_autofree char *said = moe_record_say(
      json_node_get_object(record),
      remedies->pairs
          ? "{tried_that_fit} of {tried} pairs of changes that need less memory fit; the run as it is takes "
            "{step_time_s|s}"
          : "{tried_that_fit} of {tried} changes that need less memory fit; the run as it is takes {step_time_s|s}");

  return g_strdup_printf("%s\n%s\n", rows, said);
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
