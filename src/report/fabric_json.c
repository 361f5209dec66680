/* Loads of links as JSON. */
#include "report/fabric.h"

#include "record/json.h"

#include <json-glib/json-glib.h>

static void add_tiers(JsonBuilder *builder, const MoeFabricLoad *load)
{
  moe_json_open_array(builder, "tiers");
  for (int t = 0; t < MOE_N_TIERS; t++) {
    const MoeTierLoad *tier = &load->tier[t];

    if (!moe_fabric_load_has(load, (MoeTier)t))
      continue;
    json_builder_begin_object(builder);
    moe_json_text(builder, "tier", moe_tier_words[t]);
    moe_json_integer(builder, "links", tier->links);
    moe_json_number(builder, "bytes", tier->bytes);
    moe_json_number(builder, "mean_used", tier->mean_used);
    moe_json_number(builder, "most_used", tier->most_used);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

static void add_links(JsonBuilder *builder, const MoeFabricLoad *load)
{
  moe_json_open_array(builder, "busiest_links");
  for (guint i = 0; i < load->n_busiest; i++) {
    const MoeLinkLoad *link = &load->busiest[i];

    json_builder_begin_object(builder);
    moe_json_text(builder, "link", link->name);
    moe_json_number(builder, "bytes", link->bytes);
    moe_json_number(builder, "bytes_per_s", link->bytes_per_s);
    moe_json_number(builder, "used", link->used);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

static void add_groups(JsonBuilder *builder, const MoeFabricLoad *load)
{
  moe_json_open_array(builder, "groups");
  for (guint i = 0; i < load->n_purposes; i++) {
    json_builder_begin_object(builder);
    moe_json_text(builder, "group", load->purpose[i].name);
    moe_json_number(builder, "nvlink_bytes", load->purpose[i].nvlink_bytes);
    moe_json_number(builder, "network_bytes", load->purpose[i].network_bytes);
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

char *moe_report_fabric_json(const MoeFabricLoad *load)
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
  add_links(builder, load);
  add_groups(builder, load);
  if (load->n_blocks > 0)
    add_matrix(builder, load);
  json_builder_end_object(builder);
  return moe_json_finish(builder);
}
