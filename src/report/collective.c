/* A collective over sizes: record, table, CSV, figure. */
#include "report/collective.h"
#include "findings.h"
#include "record/json.h"

#define GB 1e9
#define US 1e6 /* in a second */

static void add_timing(JsonBuilder *builder, const MoeCollTiming *timing)
{
  double rate = timing->bytes / timing->time_s;

  json_builder_begin_object(builder);
  moe_json_number(builder, "bytes", timing->bytes);
  moe_json_number(builder, "time_s", timing->time_s);
  moe_json_number(builder, "algorithm_bytes_per_s", rate);
  moe_json_number(builder, "bus_bytes_per_s", rate * timing->bus_factor);
  moe_json_text(builder, "algorithm", timing->plan.algorithm);
  moe_json_text(builder, "limit", timing->plan.network ? "network" : "NVLink");
  json_builder_end_object(builder);
}

static JsonNode *describe_collective(const MoeCollTiming *timings, guint n)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < n; i++)
    add_timing(builder, &timings[i]);
  json_builder_end_array(builder);
  return json_builder_get_root(builder);
}

static char *two_decimals(double value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  return g_strdup(g_ascii_formatd(digits, sizeof digits, "%.2f", value));
}

static char *microseconds(JsonObject *row)
{
  return two_decimals(moe_record_number(row, "time_s") * US);
}

static char *algorithm_gb(JsonObject *row)
{
  return two_decimals(moe_record_number(row, "algorithm_bytes_per_s") / GB);
}

static char *bus_gb(JsonObject *row)
{
  return two_decimals(moe_record_number(row, "bus_bytes_per_s") / GB);
}

static MoeTable *make_table(const MoeCollTiming *timings, guint n)
{
  static const MoeColumn columns[] = {
      {"size (B)", "bytes", "r", "%.0f"},
      {"time (us)", .place = "r", .text = microseconds},
      {"algbw (GB/s)", .place = "r", .text = algorithm_gb},
      {"busbw (GB/s)", .place = "r", .text = bus_gb},
      {"algorithm", "algorithm", "l"},
      {"limit", "limit", "l"},
  };
  g_autoptr(JsonNode) rows = describe_collective(timings, n);

  return moe_record_table(json_node_get_array(rows), columns, G_N_ELEMENTS(columns));
}

char *moe_report_collective_table(const MoeCollTiming *timings, guint n, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = make_table(timings, n);

  return moe_table_format(table, sheet);
}

char *moe_report_collective_csv(const MoeCollTiming *timings, guint n)
{
  g_autoptr(MoeTable) table = make_table(timings, n);

  return moe_table_csv(table);
}

char *moe_report_collective_json(const MoeCollTiming *timings, guint n)
{
  g_autoptr(JsonNode) rows = describe_collective(timings, n);

  return moe_record_json(rows);
}

char *moe_plot_collective_data(const MoeCollTiming *timings, guint n)
{
  GString *text = g_string_new(NULL);
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  for (guint i = 0; i < n; i++) {
    double bus = timings[i].bytes / timings[i].time_s * timings[i].bus_factor;

    g_string_append_printf(text, "%.0f\t%s\n", timings[i].bytes,
                           g_ascii_formatd(digits, sizeof digits, "%.6g", bus / GB));
  }
  return g_string_free(text, FALSE);
}
