/* What a profile shows. */
#include "report/describe.h"
#include "report/findings.h"

#include <math.h>
#include <string.h>

#define SHOWN_ALIKE 12 /* shapes and collectives in a table; JSON has all */
#define SHOWN_NAME  56 /* characters of a kernel's name: names of templates run on for a page */

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* A name without what all have. */
static char *largest(JsonObject *record)
{
  const char *name = moe_record_text(record, "largest");
  g_auto(GStrv) parts =
      g_strsplit(g_str_has_prefix(name, "void ") ? name + strlen("void ") : name, "(anonymous namespace)::", -1);
  g_autofree char *whole = g_strjoinv("", parts);

  return g_utf8_strlen(whole, -1) <= SHOWN_NAME ? g_steal_pointer(&whole)
                                                : g_strdup_printf("%.*s...", SHOWN_NAME, whole);
}

static const MoeColumn classes[] = {
    {"class", "class", "l"},
    {"kernels", "kernels", "r", "#"},
    {"time", "time_s", "r", "s"},
    {"of the span", "share_of_span", "r", "%"},
    {"largest", "largest", "w1", .text = largest},
};

static double flop_rate(gconstpointer of)
{
  const MoeSeenAlike *one = of;
  double flop = 2.0 * (double)one->like.batch * (double)one->like.m * (double)one->like.n * (double)one->like.k;

  return one->median_s > 0 ? flop / one->median_s : NAN;
}

static double bus_bandwidth(gconstpointer of)
{
  const MoeSeenAlike *one = of;

  return moe_seen_bus_bandwidth(&one->like, one->least_s);
}

static const MoeColumn products[] = {
    {"batch", "batch", "r", "#", MOE_AT(MoeSeenAlike, like.batch)},
    {"m", "m", "r", "#", MOE_AT(MoeSeenAlike, like.m)},
    {"n", "n", "r", "#", MOE_AT(MoeSeenAlike, like.n)},
    {"k", "k", "r", "#", MOE_AT(MoeSeenAlike, like.k)},
    {"type", "type", "l", "text", MOE_AT(MoeSeenAlike, like.type)},
    {"times", "times", "r", "#", MOE_AT(MoeSeenAlike, n)},
    {"median", "median_s", "r", "s", MOE_AT(MoeSeenAlike, median_s)},
    {NULL, "least_s", MOE_AT(MoeSeenAlike, least_s)},
    {"rate", "flop_per_s", "r", "FLOP/s", MOE_RULE(flop_rate)},
};

static const MoeColumn collectives[] = {
    {"collective", "collective", "l", MOE_AT(MoeSeenAlike, like.collective)},
    {"ranks", "ranks", "r", "#", MOE_AT(MoeSeenAlike, like.group)},
    {"bytes", "bytes", "r", "B", MOE_AT(MoeSeenAlike, like.bytes)},
    {"times", "times", "r", "#", MOE_AT(MoeSeenAlike, n)},
    {"median", "median_s", "r", "s", MOE_AT(MoeSeenAlike, median_s)},
    {"shortest", "least_s", "r", "s", MOE_AT(MoeSeenAlike, least_s)},
    {"bus bandwidth", "bus_bandwidth_bytes_per_s", "r", "B/s", MOE_RULE(bus_bandwidth)},
};

/* ---- record ------------------------------------------------------------------------------------------------------ */

static void add_classes(JsonBuilder *builder, const MoeProfile *profile)
{
  MoeSeenSum sums[MOE_N_SEEN];

  moe_profile_classes(profile, sums);
  moe_json_open_array(builder, "classes");
  for (guint klass = 0; klass < MOE_N_SEEN; klass++) {
    if (sums[klass].n == 0)
      continue;
    json_builder_begin_object(builder);
    moe_json_text(builder, "class", moe_seen_words[klass]);
    moe_json_integer(builder, "kernels", sums[klass].n);
    moe_json_number(builder, "time_s", sums[klass].total_s);
    moe_json_number(builder, "share_of_span", profile->span_s > 0 ? sums[klass].total_s / profile->span_s : NAN);
    moe_json_text(builder, "largest", sums[klass].largest);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

static JsonNode *describe_profile(const MoeProfile *profile)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  g_autoptr(GArray) product = moe_profile_products(profile);
  g_autoptr(GArray) collective = moe_profile_collectives(profile);

  json_builder_begin_object(builder);
  moe_json_text(builder, "gpu", profile->gpu);
  moe_json_integer(builder, "rank", profile->rank);
  moe_json_integer(builder, "world_size", profile->world);
  moe_json_integer(builder, "kernels", profile->kernels->len);
  moe_json_integer(builder, "steps", profile->n_steps);
  moe_json_number(builder, "step_time_s", profile->n_steps > 0 ? profile->step_s : NAN);
  moe_json_number(builder, "span_s", profile->span_s);
  moe_json_number(builder, "busy_s", profile->busy_s);
  moe_json_open_object(builder, "host");
  moe_json_integer(builder, "launches", profile->n_launches);
  moe_json_number(builder, "launch_median_s", profile->n_launches > 0 ? profile->launch_s : NAN);
  moe_json_integer(builder, "waits", profile->n_syncs);
  moe_json_number(builder, "waits_s", profile->sync_s);
  json_builder_end_object(builder);
  add_classes(builder, profile);
  MOE_LIST(builder, "products", (const MoeSeenAlike *)(const void *)product->data, product->len, products);
  MOE_LIST(builder, "collectives", (const MoeSeenAlike *)(const void *)collective->data, collective->len, collectives);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

char *moe_report_profile(const MoeProfile *profile, MoeSheet sheet)
{
  static const MoeLine lines[] = {
      {"GPU", "{gpu}"},
      {"step", "{step_time_s|s}, the median of {steps}"},
      {"kernels", "{kernels} in {span_s|s}, of which {busy_s|s} with one on some stream"},
      {"launches", "{host.launches}, {host.launch_median_s|s} each on the host (median)"},
      {"host waits", "{host.waits}, {host.waits_s|s} in all"},
  };
  static const MoePassage page[] = {
      {MOE_LINES(lines)},
      {MOE_SAY("\n")},
      {MOE_ROWS("classes", classes)},
      {MOE_ROWS("products", products), .most = SHOWN_ALIKE, .above = "\n"},
      {MOE_ROWS("collectives", collectives), .most = SHOWN_ALIKE, .above = "\n"},
  };
  static const MoeForms forms = {MOE_PAGE(page), .rows = "classes"};

  return moe_record_emit(describe_profile(profile), &forms, sheet);
}
