/* Loads of links and traffic between domains as tables. */
#include "report/fabric.h"
#include "record/tables.h"
#include <moesim/report.h>

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static void take_bytes(MoeTable *table, double bytes)
{
  moe_table_quantity(table, bytes, MOE_DIM_BYTES);
}

static char *tiers_table(const MoeFabricLoad *load, MoeSheet sheet)
{
  static const char *const titles[] = {"tier", "links", "carried", "per link", "used, mean", "used, most", NULL};
  g_autoptr(MoeTable) table = moe_table_new("lrrrrr");

  moe_table_header(table, titles);
  for (int t = 0; t < MOE_N_TIERS; t++) {
    const MoeTierLoad *tier = &load->tier[t];

    if (!moe_fabric_load_has(load, (MoeTier)t))
      continue;
    moe_table_add(table, moe_tier_words[t]);
    moe_table_whole(table, tier->links);
    take_bytes(table, tier->bytes);
    take_bytes(table, tier->bytes / MAX(tier->links, 1));
    moe_table_percent(table, tier->mean_used);
    moe_table_percent(table, tier->most_used);
  }
  return moe_table_format(table, sheet);
}

static char *busiest_table(const MoeFabricLoad *load, MoeSheet sheet)
{
  static const char *const titles[] = {"busiest links", "carried", "rate", "used", NULL};
  g_autoptr(MoeTable) table = moe_table_new("lrrr");

  moe_table_header(table, titles);
  for (guint i = 0; i < load->n_busiest; i++) {
    const MoeLinkLoad *link = &load->busiest[i];

    moe_table_add(table, link->name);
    take_bytes(table, link->bytes);
    moe_table_quantity(table, link->bytes_per_s, MOE_DIM_BYTES_PER_S);
    moe_table_percent(table, link->used);
  }
  return moe_table_format(table, sheet);
}

static char *purposes_table(const MoeFabricLoad *load, MoeSheet sheet)
{
  static const char *const titles[] = {"sent by group", "NVLink", "network", NULL};
  g_autoptr(MoeTable) table = moe_table_new("lrr");

  moe_table_header(table, titles);
  for (guint i = 0; i < load->n_purposes; i++) {
    moe_table_add(table, load->purpose[i].name);
    take_bytes(table, load->purpose[i].nvlink_bytes);
    take_bytes(table, load->purpose[i].network_bytes);
  }
  return moe_table_format(table, sheet);
}

/* Columns that a terminal has room for. */
#define MATRIX_COLUMNS 8

/* "0-3": the domains of a few blocks. */
static char *name_blocks(const MoeFabricLoad *load, guint first, guint n)
{
  int64_t domains = moe_topo_domain(load->topo, moe_topo_gpus(load->topo) - 1) + 1;
  int64_t from = first * load->block_domains, to = MIN((first + n) * load->block_domains, domains) - 1;

  if (from == to)
    return g_strdup_printf("%" G_GINT64_FORMAT, from);
  return g_strdup_printf("%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT, from, to);
}

static void matrix_row(MoeTable *table, const MoeFabricLoad *load, guint from, guint n)
{
  g_autofree char *name = name_blocks(load, from, n);

  moe_table_add(table, name);
  for (guint to = 0; to < load->n_blocks; to += n)
    take_bytes(table, moe_fabric_load_between(load, from, to, n));
}

/* What domains (rows) send to others (columns) over the network, neighbours together until the columns fit. */
static char *matrix_table(const MoeFabricLoad *load, MoeSheet sheet)
{
  g_auto(GStrv) titles = g_new0(char *, MATRIX_COLUMNS + 2);
  g_autofree char *form = g_strnfill(MATRIX_COLUMNS + 1, 'r');
  guint n = (guint)moe_ceil_div(load->n_blocks, MATRIX_COLUMNS), columns = 0;

  titles[columns++] = g_strdup("from \\ to");
  for (guint to = 0; to < load->n_blocks; to += n)
    titles[columns++] = name_blocks(load, to, n);
  form[0] = 'l';
  form[columns] = 0;
  g_autoptr(MoeTable) table = moe_table_new(form);
  moe_table_header(table, (const char *const *)titles);
  for (guint from = 0; from < load->n_blocks; from += n)
    matrix_row(table, load, from, n);
  return moe_table_format(table, sheet);
}

char *moe_report_fabric_table(const MoeFabricLoad *load, MoeSheet sheet)
{
  g_autofree char *tiers = tiers_table(load, sheet), *busiest = busiest_table(load, sheet);
  g_autofree char *purposes = purposes_table(load, sheet), *step = moe_quantity_format(load->step_s, MOE_DIM_SECONDS);

  g_autofree char *matrix = load->n_blocks > 0 ? matrix_table(load, sheet) : g_strdup("");
  g_autofree char *alone = load->alone_s > 0 ? moe_quantity_format(load->alone_s, MOE_DIM_SECONDS) : NULL;

  return g_strdup_printf("%s on %s, %" G_GINT64_FORMAT " GPUs: one step of %s%s%s\n\n%s\n%s\n%s%s%s", load->run->name,
                         load->run->cluster.name, load->run->parallelism.gpus, step,
                         alone ? ", without the other job " : "", alone ? alone : "", tiers, busiest, purposes,
                         *matrix ? "\n" : "", matrix);
}

char *moe_report_fabric_csv(const MoeFabricLoad *load)
{
  GString *text = g_string_new("part,name,links,bytes,network_bytes,used,most_used\n");

  for (int t = 0; t < MOE_N_TIERS; t++)
    if (moe_fabric_load_has(load, (MoeTier)t))
      g_string_append_printf(text, "tier,%s,%u,%.0f,,%.6g,%.6g\n", moe_tier_words[t], load->tier[t].links,
                             load->tier[t].bytes, load->tier[t].mean_used, load->tier[t].most_used);
  for (guint i = 0; i < load->n_busiest; i++)
    g_string_append_printf(text, "link,%s,1,%.0f,,%.6g,%.6g\n", load->busiest[i].name, load->busiest[i].bytes,
                           load->busiest[i].used, load->busiest[i].used);
  for (guint i = 0; i < load->n_purposes; i++)
    g_string_append_printf(text, "group,%s,,%.0f,%.0f,,\n", load->purpose[i].name, load->purpose[i].nvlink_bytes,
                           load->purpose[i].network_bytes);
  for (guint i = 0; i < load->n_blocks; i++)
    for (guint j = 0; j < load->n_blocks; j++) {
      g_autofree char *from = name_blocks(load, i, 1), *to = name_blocks(load, j, 1);

      g_string_append_printf(text, "traffic,domains %s to %s,,,%.0f,,\n", from, to,
                             moe_fabric_load_between(load, i, j, 1));
    }
  return g_string_free(text, FALSE);
}
