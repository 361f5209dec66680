/* A collective over sizes: the record. */
#include "report/describe.h"
#include "report/findings.h"

#define GB 1e9
#define US 1e6 /* in a second */

static double algorithm_rate(gconstpointer of)
{
  const MoeCollTiming *timing = of;

  return timing->bytes / timing->time_s;
}

static double bus_rate(gconstpointer of)
{
  return moe_coll_bus_rate(of);
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

static const char *const limits[] = {"NVLink", "network"};

/* In the units of nccl-tests, as CSV too. */
static const MoeColumn fields[] = {
    {"size (B)", "bytes", "r", "%.0f", MOE_AT(MoeCollTiming, bytes)},
    {"time (us)", "time_s", "r", MOE_AT(MoeCollTiming, time_s), .text = microseconds},
    {"algbw (GB/s)", "algorithm_bytes_per_s", "r", MOE_RULE(algorithm_rate), .text = algorithm_gb},
    {"busbw (GB/s)", "bus_bytes_per_s", "r", MOE_RULE(bus_rate), .text = bus_gb},
    {"algorithm", "algorithm", "l", MOE_AT(MoeCollTiming, plan.algorithm)},
    {"limit", "limit", "l", MOE_WORD(MoeCollTiming, plan.network, limits)},
};

char *moe_report_collective(const MoeCollTiming *timings, guint n, MoeSheet sheet)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  MOE_LIST(builder, NULL, timings, n, fields);
  json_builder_end_array(builder);
  return MOE_EMIT_LIST(json_builder_get_root(builder), fields, sheet);
}
