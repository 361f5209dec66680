/* Loads of links and traffic between domains. */
#include "record/json.h"
#include "report/describe.h"
#include "report/findings.h"

#include <math.h>

/* ---- record ------------------------------------------------------------------------------------------------------ */

static double per_link(gconstpointer of)
{
  const MoeTierLoad *tier = of;

  return tier->bytes / MAX(tier->links, 1);
}

static const MoeColumn tiers[] = {
    {"tier", "tier", "l"},
    {"links", "links", "r", MOE_AT(MoeTierLoad, links)},
    {"carried", "bytes", "r", "B", MOE_AT(MoeTierLoad, bytes)},
    {"per link", "bytes_per_link", "r", "B", MOE_RULE(per_link)},
    {"used, mean", "mean_used", "r", "%", MOE_AT(MoeTierLoad, mean_used)},
    {"used, most", "most_used", "r", "%", MOE_AT(MoeTierLoad, most_used)},
};

static const MoeColumn links[] = {
    {"busiest links", "link", "l", MOE_AT(MoeLinkLoad, name)},
    {"carried", "bytes", "r", "B", MOE_AT(MoeLinkLoad, bytes)},
    {"rate", "bytes_per_s", "r", "B/s", MOE_AT(MoeLinkLoad, bytes_per_s)},
    {"used", "used", "r", "%", MOE_AT(MoeLinkLoad, used)},
};

static const MoeColumn groups[] = {
    {"sent by group", "group", "l", MOE_AT(MoePurposeLoad, name)},
    {"NVLink", "nvlink_bytes", "r", "B", MOE_AT(MoePurposeLoad, nvlink_bytes)},
    {"network", "network_bytes", "r", "B", MOE_AT(MoePurposeLoad, network_bytes)},
};

static void add_tiers(JsonBuilder *builder, const MoeFabricLoad *load)
{
  moe_json_open_array(builder, "tiers");
  for (int t = 0; t < MOE_N_TIERS; t++) {
    if (!moe_fabric_load_has(load, (MoeTier)t))
      continue;
    json_builder_begin_object(builder);
    moe_json_text(builder, "tier", moe_tier_words[t]);
    MOE_DESCRIBE(builder, &load->tier[t], tiers);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

/* Rows send to columns. */
static void add_matrix(JsonBuilder *builder, const MoeFabricLoad *load)
{
  moe_json_integer(builder, "domains_per_block", load->block_domains);
  moe_json_open_array(builder, "network_bytes_between_blocks");
  for (guint i = 0; i < load->n_blocks; i++) {
    json_builder_begin_array(builder);
    for (guint j = 0; j < load->n_blocks; j++)
      json_builder_add_double_value(builder, moe_fabric_load_between(load, i, j, 1));
    json_builder_end_array(builder);
  }
  json_builder_end_array(builder);
}

/* "0-3": the domains of a few blocks. */
static char *name_blocks(const MoeFabricLoad *load, guint first, guint n)
{
  int64_t domains = moe_topo_domain(load->topo, moe_topo_gpus(load->topo) - 1) + 1;
  int64_t from = first * load->block_domains, to = MIN((first + n) * load->block_domains, domains) - 1;

  if (from == to)
    return g_strdup_printf("%" G_GINT64_FORMAT, from);
  return g_strdup_printf("%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT, from, to);
}

/* The rows of a page: `n` blocks together, under their names. */
static void add_rows(JsonBuilder *builder, const MoeFabricLoad *load, guint n)
{
  moe_json_open_array(builder, "matrix");
  for (guint from = 0; from < load->n_blocks; from += n) {
    g_autofree char *name = name_blocks(load, from, n);

    json_builder_begin_object(builder);
    moe_json_text(builder, "from", name);
    for (guint to = 0; to < load->n_blocks; to += n) {
      g_autofree char *key = name_blocks(load, to, n);

      moe_json_number(builder, key, moe_fabric_load_between(load, from, to, n));
    }
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

/* `together`: blocks in a row of the page. */
static JsonNode *describe_fabric(const MoeFabricLoad *load, guint together)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_text(builder, "run", load->run->name);
  moe_json_text(builder, "cluster", load->run->cluster.name);
  moe_json_integer(builder, "gpus", load->run->parallelism.gpus);
  moe_json_number(builder, "step_time_s", load->step_s);
  if (load->alone_s > 0)
    moe_json_number(builder, "step_time_alone_s", load->alone_s);
  add_tiers(builder, load);
  MOE_LIST(builder, "busiest_links", load->busiest, load->n_busiest, links);
  MOE_LIST(builder, "groups", load->purpose, load->n_purposes, groups);
  if (load->n_blocks > 0)
    add_matrix(builder, load);
  if (together > 0)
    add_rows(builder, load, together);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

/* A line of the table of numbers; NAN where a part has none. */
typedef struct {
  const char *part, *name;
  double links, bytes, network_bytes, used, most_used;
} NumbersLine;

static const MoeColumn line[] = {
    {NULL, "part", MOE_AT(NumbersLine, part)},
    {NULL, "name", MOE_AT(NumbersLine, name)},
    {NULL, "links", MOE_AT(NumbersLine, links)},
    {NULL, "bytes", MOE_AT(NumbersLine, bytes)},
    {NULL, "network_bytes", MOE_AT(NumbersLine, network_bytes)},
    {NULL, "used", MOE_AT(NumbersLine, used)},
    {NULL, "most_used", MOE_AT(NumbersLine, most_used)},
};

static void add_line(JsonBuilder *builder, NumbersLine of)
{
  json_builder_begin_object(builder);
  MOE_DESCRIBE(builder, &of, line);
  json_builder_end_object(builder);
}

static void add_traffic(JsonBuilder *builder, const MoeFabricLoad *load, guint i, guint j)
{
  g_autofree char *from = name_blocks(load, i, 1), *to = name_blocks(load, j, 1);
  g_autofree char *name = g_strdup_printf("domains %s to %s", from, to);

  add_line(builder, (NumbersLine){"traffic", name, NAN, NAN, moe_fabric_load_between(load, i, j, 1), NAN, NAN});
}

/* Four lists as the rows of one table of numbers. */
static char *fabric_csv(const MoeFabricLoad *load)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (int t = 0; t < MOE_N_TIERS; t++) {
    const MoeTierLoad *tier = &load->tier[t];

    if (moe_fabric_load_has(load, (MoeTier)t))
      add_line(builder, (NumbersLine){"tier", moe_tier_words[t], tier->links, tier->bytes, NAN, tier->mean_used,
                                      tier->most_used});
  }
  for (guint i = 0; i < load->n_busiest; i++) {
    const MoeLinkLoad *link = &load->busiest[i];

    add_line(builder, (NumbersLine){"link", link->name, 1, link->bytes, NAN, link->used, link->used});
  }
  for (guint i = 0; i < load->n_purposes; i++) {
    const MoePurposeLoad *group = &load->purpose[i];

    add_line(builder, (NumbersLine){"group", group->name, NAN, group->nvlink_bytes, group->network_bytes, NAN, NAN});
  }
  for (guint i = 0; i < load->n_blocks; i++)
    for (guint j = 0; j < load->n_blocks; j++)
      add_traffic(builder, load, i, j);
  json_builder_end_array(builder);
  g_autoptr(JsonNode) rows = json_builder_get_root(builder);

  return moe_records_csv(json_node_get_array(rows));
}

/* Columns that a terminal has room for. */
#define MATRIX_COLUMNS 8

/* The page: what domains (rows) send to others (columns) over the network, neighbours together until the columns fit.
 */
static char *fabric_page(const MoeFabricLoad *load, MoeSheet sheet)
{
  MoeColumn matrix[MATRIX_COLUMNS + 1] = {{"from \\ to", "from", "l"}};
  guint together = (guint)moe_ceil_div(load->n_blocks, MATRIX_COLUMNS), n = 1;
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

  for (guint to = 0; to < load->n_blocks; to += together) {
    char *name = name_blocks(load, to, together);

    g_ptr_array_add(names, name);
    matrix[n++] = (MoeColumn){name, name, "r", "B"};
  }
  const MoePassage page[] = {
      {MOE_SAY("{run} on {cluster}, {gpus} GPUs: one step of {step_time_s|s}")},
      {MOE_SAY(", without the other job {step_time_alone_s|s}")},
      {MOE_SAY("\n\n")},
      {MOE_ROWS("tiers", tiers)},
      {MOE_SAY("\n")},
      {MOE_ROWS("busiest_links", links)},
      {MOE_SAY("\n")},
      {MOE_ROWS("groups", groups)},
      {.list = "matrix", .columns = matrix, .n_columns = n, .above = "\n"},
  };
  g_autoptr(JsonNode) record = describe_fabric(load, MAX(together, 1));

  return moe_record_page(record, page, G_N_ELEMENTS(page), sheet);
}

char *moe_report_fabric(const MoeFabricLoad *load, MoeSheet sheet)
{
  static const MoeForms forms = {.rows = "tiers"};

  if (sheet.format == MOE_FORMAT_TABLE)
    return fabric_page(load, sheet);
  return sheet.format == MOE_FORMAT_CSV ? fabric_csv(load) : moe_record_emit(describe_fabric(load, 0), &forms, sheet);
}
