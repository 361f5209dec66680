/* What a profile shows: the record, and its tables. */
#include "findings.h"

#include "record/json.h"
#include "report/profile.h"

#include <math.h>
#include <string.h>

#define SHOWN_ALIKE 12 /* shapes and collectives in a table; JSON has all */

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

static void add_alike(JsonBuilder *builder, const MoeSeenAlike *one)
{
  moe_json_integer(builder, "times", one->n);
  moe_json_number(builder, "median_s", one->median_s);
  moe_json_number(builder, "least_s", one->least_s);
}

static void add_products(JsonBuilder *builder, const MoeProfile *profile)
{
  g_autoptr(GArray) products = moe_profile_products(profile);

  moe_json_open_array(builder, "products");
  for (guint i = 0; i < products->len; i++) {
    const MoeSeenAlike *one = &g_array_index(products, MoeSeenAlike, i);
    double flop = 2.0 * (double)one->like.batch * (double)one->like.m * (double)one->like.n * (double)one->like.k;

    json_builder_begin_object(builder);
    moe_json_integer(builder, "batch", one->like.batch);
    moe_json_integer(builder, "m", one->like.m);
    moe_json_integer(builder, "n", one->like.n);
    moe_json_integer(builder, "k", one->like.k);
    moe_json_text(builder, "type", one->like.type);
    add_alike(builder, one);
    moe_json_number(builder, "flop_per_s", one->median_s > 0 ? flop / one->median_s : NAN);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

static void add_collectives(JsonBuilder *builder, const MoeProfile *profile)
{
  g_autoptr(GArray) collectives = moe_profile_collectives(profile);

  moe_json_open_array(builder, "collectives");
  for (guint i = 0; i < collectives->len; i++) {
    const MoeSeenAlike *one = &g_array_index(collectives, MoeSeenAlike, i);

    json_builder_begin_object(builder);
    moe_json_text(builder, "collective", one->like.collective);
    moe_json_integer(builder, "ranks", one->like.group);
    moe_json_number(builder, "bytes", one->like.bytes);
    add_alike(builder, one);
    moe_json_number(builder, "bus_bandwidth_bytes_per_s", moe_seen_bus_bandwidth(&one->like, one->least_s));
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

static void add_host(JsonBuilder *builder, const MoeProfile *profile)
{
  moe_json_open_object(builder, "host");
  moe_json_integer(builder, "launches", profile->n_launches);
  moe_json_number(builder, "launch_median_s", profile->n_launches > 0 ? profile->launch_s : NAN);
  moe_json_integer(builder, "waits", profile->n_syncs);
  moe_json_number(builder, "waits_s", profile->sync_s);
  json_builder_end_object(builder);
}

static JsonNode *describe(const MoeProfile *profile)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_text(builder, "gpu", profile->gpu);
  moe_json_integer(builder, "rank", profile->rank);
  moe_json_integer(builder, "world_size", profile->world);
  moe_json_integer(builder, "kernels", profile->kernels->len);
  moe_json_integer(builder, "steps", profile->n_steps);
  moe_json_number(builder, "step_time_s", profile->n_steps > 0 ? profile->step_s : NAN);
  moe_json_number(builder, "span_s", profile->span_s);
  moe_json_number(builder, "busy_s", profile->busy_s);
  add_host(builder, profile);
  add_classes(builder, profile);
  add_products(builder, profile);
  add_collectives(builder, profile);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

char *moe_report_profile_json(const MoeProfile *profile)
{
  g_autoptr(JsonNode) record = describe(profile);

  return moe_record_json(record);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

#define SHOWN_NAME 56 /* characters of a kernel's name: names of templates run on for a page */

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

static const MoeLine lines[] = {
    {"GPU", "{gpu}"},
    {"step", "{step_time_s|s}, the median of {steps}"},
    {"kernels", "{kernels} in {span_s|s}, of which {busy_s|s} with one on some stream"},
    {"launches", "{host.launches}, {host.launch_median_s|s} each on the host (median)"},
    {"host waits", "{host.waits}, {host.waits_s|s} in all"},
};

static const MoeColumn class_columns[] = {
    {"class", "class", "l"},
    {"kernels", "kernels", "r", "#"},
    {"time", "time_s", "r", "s"},
    {"of the span", "share_of_span", "r", "%"},
    {"largest", "largest", "w1", .text = largest},
};

static const MoeColumn product_columns[] = {
    {"batch", "batch", "r", "#"},
    {"m", "m", "r", "#"},
    {"n", "n", "r", "#"},
    {"k", "k", "r", "#"},
    {"type", "type", "l", "text"},
    {"times", "times", "r", "#"},
    {"median", "median_s", "r", "s"},
    {"rate", "flop_per_s", "r", "FLOP/s"},
};

static const MoeColumn collective_columns[] = {
    {"collective", "collective", "l"},
    {"ranks", "ranks", "r", "#"},
    {"bytes", "bytes", "r", "B"},
    {"times", "times", "r", "#"},
    {"shortest", "least_s", "r", "s"},
    {"median", "median_s", "r", "s"},
    {"bus bandwidth", "bus_bandwidth_bytes_per_s", "r", "B/s"},
};

/* The first rows of a list under a blank line; "" without any. */
static char *first_rows(JsonNode *record, const char *path, const MoeColumn *columns, guint n, MoeSheet sheet)
{
  JsonArray *all = moe_record_list(record, path);
  guint length = json_array_get_length(all), shown = MIN(length, SHOWN_ALIKE);
  g_autoptr(JsonArray) some = json_array_new();

  for (guint i = 0; i < shown; i++)
    json_array_add_element(some, json_node_copy(json_array_get_element(all, i)));
  g_autofree char *rows = shown > 0 ? moe_record_rows(some, columns, n, sheet) : g_strdup("");
  return shown == 0       ? g_strdup("")
         : shown < length ? g_strdup_printf("\n%sand %u more, in JSON\n", rows, length - shown)
                          : g_strdup_printf("\n%s", rows);
}

char *moe_report_profile_table(const MoeProfile *profile, MoeSheet sheet)
{
  g_autoptr(JsonNode) record = describe(profile);
  g_autoptr(MoeTable) table = moe_table_new("lw");

  moe_record_lines(table, json_node_get_object(record), lines, G_N_ELEMENTS(lines));
  g_autofree char *head = moe_table_format(table, sheet);
  g_autofree char *classes =
      moe_record_rows(moe_record_list(record, "classes"), class_columns, G_N_ELEMENTS(class_columns), sheet);
  g_autofree char *products = first_rows(record, "products", product_columns, G_N_ELEMENTS(product_columns), sheet);
  g_autofree char *collectives =
      first_rows(record, "collectives", collective_columns, G_N_ELEMENTS(collective_columns), sheet);

  return g_strdup_printf("%s\n%s%s%s", head, classes, products, collectives);
}
