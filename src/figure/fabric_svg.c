/* Loads of links and traffic between domains as a drawing. */
#include "figure/plot.h"
#include "svg.h"

#define WIDTH  1200.0
#define MARGIN 20.0
#define ROW    110.0 /* from one row of boxes to the next */
#define BOX    40.0  /* height of a box */
#define GAP    0.15  /* of a box's width, between boxes */
#define MATRIX 480.0 /* side of the traffic matrix */

typedef struct {
  double *most; /* share of the step, per box */
  guint n;
} Row;

static void raise_to(Row *row, int64_t box, double used)
{
  row->most[box] = MAX(row->most[box], used);
}

static void fill_rows(const MoeFabricLoad *load, Row *domains, Row *nics, Row *leaves)
{
  const MoeTopo *topo = load->topo;

  for (int64_t gpu = 0; gpu < moe_topo_gpus(topo); gpu++) {
    int64_t domain = moe_topo_domain(topo, gpu);

    for (int out = 0; out < 2; out++) {
      raise_to(domains, domain, moe_fabric_load_used(load, moe_topo_port(gpu, (MoePort)(MOE_PORT_NVLINK_OUT + out))));
      raise_to(nics, domain, moe_fabric_load_used(load, moe_topo_port(gpu, (MoePort)(MOE_PORT_NIC_OUT + out))));
    }
  }
  for (int64_t leaf = 0; leaf < moe_topo_n_leaves(topo); leaf++) {
    raise_to(leaves, leaf, moe_fabric_load_used(load, moe_topo_leaf_up(topo, leaf)));
    raise_to(leaves, leaf, moe_fabric_load_used(load, moe_topo_leaf_down(topo, leaf)));
  }
}

static void fill_islands(const MoeFabricLoad *load, Row *islands)
{
  int64_t island_gpus = moe_topo_cluster(load->topo)->domain.island_gpus;

  for (guint i = 0; i < islands->n; i++) {
    raise_to(islands, i, moe_fabric_load_used(load, moe_topo_way(load->topo, i * island_gpus, MOE_WAY_ISLAND_UP)));
    raise_to(islands, i, moe_fabric_load_used(load, moe_topo_way(load->topo, i * island_gpus, MOE_WAY_ISLAND_DOWN)));
  }
}

/* A box: white where idle, dark red where always busy, told apart in grey too. Takes over what it is called. */
static void draw_cell(GString *svg, double x, double y, double width, double height, double used, char *title)
{
  double share = CLAMP(used, 0, 1);
  g_autofree char *paint = g_strdup_printf("fill=\"#%02x%02x%02x\"", (guint)(255 - 75 * share),
                                           (guint)(245 - 225 * share), (guint)(235 - 205 * share));

  svg_box(svg, x, y, width, height, paint, title);
  g_free(title);
}

static void draw_row(GString *svg, const Row *row, double y, const char *title)
{
  double step = (WIDTH - 2 * MARGIN) / MAX(row->n, 1);

  svg_text(svg, MARGIN, y - 6, "start", title);
  g_string_append(svg, "<g stroke=\"#555\" stroke-width=\"0.5\">\n");
  for (guint i = 0; i < row->n; i++)
    draw_cell(svg, MARGIN + i * step, y, step * (1 - GAP), BOX, row->most[i],
              g_strdup_printf("%u: %.1f %% of the step", i, row->most[i] * 100));
  g_string_append(svg, "</g>\n");
}

static double torus_used(const MoeFabricLoad *load, int64_t gpu)
{
  double most = 0;

  for (int way = MOE_WAY_X; way <= MOE_WAY_Z; way++)
    most = MAX(most, moe_fabric_load_used(load, moe_topo_way(load->topo, gpu, (MoeWay)way)));
  return most;
}

/* Planes of a torus that the run has, and the side of a GPU's cell when they stand beside one another. */
static int64_t torus_planes(const MoeFabricLoad *load)
{
  const int64_t *extent = moe_topo_cluster(load->topo)->domain.extent;

  return MIN(extent[2], moe_ceil_div(moe_topo_gpus(load->topo), extent[0] * extent[1]));
}

static double torus_side(const MoeFabricLoad *load)
{
  const int64_t *extent = moe_topo_cluster(load->topo)->domain.extent;

  return MIN((WIDTH - 2 * MARGIN) / (double)((extent[0] + 1) * torus_planes(load)), BOX);
}

/* The planes of a torus beside one another, x to the right and y downwards; of several pods the most used. */
static void draw_torus(GString *svg, const MoeFabricLoad *load, double y)
{
  const MoeDomain *domain = &moe_topo_cluster(load->topo)->domain;
  const int64_t *extent = domain->extent;
  double side = torus_side(load);

  svg_text(svg, MARGIN, y - 6, "start", "torus of each domain, plane by plane");
  for (int64_t at = 0; at < MIN(domain->gpus, moe_topo_gpus(load->topo)); at++) {
    double used = 0;

    for (int64_t gpu = at; gpu < moe_topo_gpus(load->topo); gpu += domain->gpus)
      used = MAX(used, torus_used(load, gpu));
    draw_cell(svg,
              MARGIN + side * (double)(moe_topo_position(load->topo, at, 0) +
                                       (extent[0] + 1) * moe_topo_position(load->topo, at, 2)),
              y + side * (double)moe_topo_position(load->topo, at, 1), side, side, used,
              g_strdup_printf("%" G_GINT64_FORMAT ": %.1f %% of the step", at, used * 100));
  }
}

/* From the row's block of domains to the column's, over the network; white is nothing, dark red the most of any two. */
static void draw_matrix(GString *svg, const MoeFabricLoad *load, double y)
{
  double side = MATRIX / MAX(load->n_blocks, 1), most = 0;

  for (guint i = 0; i < load->n_blocks * load->n_blocks; i++)
    most = MAX(most, load->between[i]);
  g_autofree char *largest = moe_quantity_format(most, MOE_DIM_BYTES);
  g_autofree char *title =
      g_strdup_printf("network bytes between domains, rows to columns, %" G_GINT64_FORMAT " to a cell, at most %s",
                      load->block_domains, largest);
  svg_text(svg, MARGIN, y - 6, "start", title);
  for (guint i = 0; i < load->n_blocks; i++)
    for (guint j = 0; j < load->n_blocks; j++) {
      double bytes = moe_fabric_load_between(load, i, j, 1);
      g_autofree char *said = moe_quantity_format(bytes, MOE_DIM_BYTES);

      draw_cell(svg, MARGIN + side * j, y + side * i, side, side, most > 0 ? bytes / most : 0,
                g_strdup_printf("%u to %u: %s", i, j, said));
    }
}

/* Below the rows that every machine has: what is inside its domains. */
static void draw_inside(GString *svg, const MoeFabricLoad *load, double y)
{
  guint n_islands = (guint)moe_topo_n_islands(load->topo);
  g_autofree double *most = g_new0(double, n_islands + 1);
  Row islands = {most, n_islands};

  if (n_islands > 0) {
    fill_islands(load, &islands);
    draw_row(svg, &islands, y, "islands: links to the second tier of their domain");
  }
  if (moe_topo_cluster(load->topo)->domain.kind == MOE_DOMAIN_TORUS)
    draw_torus(svg, load, y);
}

/* What draw_inside needs. */
static double inside_height(const MoeFabricLoad *load)
{
  const MoeDomain *domain = &moe_topo_cluster(load->topo)->domain;

  switch (domain->kind) {
  case MOE_DOMAIN_TWO_TIER:
    return ROW;
  case MOE_DOMAIN_TORUS:
    return MARGIN + torus_side(load) * (double)domain->extent[1];
  default:
    return 0;
  }
}

char *moe_plot_fabric_svg(const MoeFabricLoad *load)
{
  guint n_domains = (guint)moe_topo_domain(load->topo, moe_topo_gpus(load->topo) - 1) + 1;
  guint n_leaves = (guint)moe_topo_n_leaves(load->topo);
  g_autofree double *domain = g_new0(double, n_domains), *nic = g_new0(double, n_domains);
  g_autofree double *leaf = g_new0(double, n_leaves);
  Row domains = {domain, n_domains}, nics = {nic, n_domains}, leaves = {leaf, n_leaves};
  g_autofree char *title = g_strdup_printf("%s on %s: most used link of each box, share of a step of %.3f s",
                                           load->run->name, load->run->cluster.name, load->step_s);
  double below = 60 + 3 * ROW + inside_height(load);
  GString *svg = g_string_new(NULL);

  fill_rows(load, &domains, &nics, &leaves);
  svg_put(svg,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"@\" height=\"@\" font-family=\"sans-serif\" "
          "font-size=\"14\">\n",
          WIDTH, below + (load->n_blocks > 0 ? MATRIX + MARGIN : 0));
  svg_text(svg, MARGIN, 24, "start", title);
  draw_row(svg, &leaves, 60, "leaves: uplinks to the spine");
  draw_row(svg, &nics, 60 + ROW, "NICs of each NVLink domain");
  draw_row(svg, &domains, 60 + 2 * ROW, "NVLink of each domain");
  draw_inside(svg, load, 60 + 3 * ROW);
  if (load->n_blocks > 0)
    draw_matrix(svg, load, below);
  g_string_append(svg, "</svg>\n");
  return g_string_free(svg, FALSE);
}
