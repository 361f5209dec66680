/*
 * How the members of a group lie inside a scale-up domain: on islands of two tiers, or in a torus; and what that makes
 * of the bytes that they send there.
 *
 * In a torus every GPU has two links per dimension. Members that fill a box (e_1 x e_2 x e_3, evenly spaced) pass rings
 * along all its dimensions at once, in both directions: each byte they receive comes over one of L links, two per
 * dimension whose ends are joined, one where they are not. Equal pairs cross the middle of a dimension: a ring's links
 * carry floor(e^2 / 4) / e of what a member sends, both directions together; those of a line twice that. Members `gap`
 * hops apart leave room for `gap` such groups on the same links, and every rank of a step does the same: the load
 * counts each.
 */
#include "internal.h"

#include <math.h>

/* Members along one dimension. */
typedef struct {
  int64_t n, gap; /* positions in use; hops from one to the next, the most */
  gboolean ring;  /* closed by the link from the last to the first */
} Along;

static Along along_dimension(const MoeTopo *topo, const int64_t *gpus, int64_t n, int dimension)
{
  const MoeDomain *domain = &moe_topo_cluster(topo)->domain;
  int64_t extent = domain->extent[dimension], last = -1;
  g_autofree gboolean *seen = g_new0(gboolean, extent);
  Along along = {0, 1, FALSE};

  for (int64_t i = 0; i < n; i++)
    seen[moe_topo_position(topo, gpus[i], dimension)] = TRUE;
  for (int64_t at = 0; at < extent; at++) {
    if (!seen[at])
      continue;
    along.n++;
    along.gap = last >= 0 ? MAX(along.gap, at - last) : 1;
    last = at;
  }
  along.ring = domain->wrap && extent > 2 && along.n > 1 && along.n * along.gap == extent;
  return along;
}

/* Steps of one pass, and links that a member takes part of it over. */
static void add_rings(const Along *along, double latency_s, MoeCollInside *inside, int64_t *links)
{
  int64_t steps = along->ring ? along->n / 2 : along->n - 1;

  inside->steps += (double)steps;
  inside->steps_path_s += (double)(steps * along->gap) * latency_s;
  *links += along->ring ? 2 : along->n > 1 ? 1 : 0;
}

static double pair_load(const Along *along, int64_t n)
{
  double e = (double)along->n, halves = floor(e * e / 4) / e * (along->ring ? 1 : 2);

  return halves * (double)along->gap * (double)n / (double)(n - 1);
}

/* Members that fill no box go along a line from one to the next. */
static void walk_line(const MoeTopo *topo, const int64_t *gpus, int64_t n, MoeCollInside *inside)
{
  double path_s = 0;

  for (int64_t i = 1; i < n; i++)
    path_s += moe_topo_domain_latency(topo, gpus[i - 1], gpus[i]);
  inside->steps = (double)(n - 1);
  inside->steps_path_s = path_s;
}

static void scan_torus(const MoeTopo *topo, const int64_t *gpus, int64_t n, MoeCollInside *inside)
{
  double latency_s = moe_topo_cluster(topo)->domain.latency_s;
  Along along[MOE_MAX_DIMENSIONS];
  int64_t box = 1, links = 0;

  inside->torus = TRUE;
  inside->far_s = 0;
  for (int d = 0; d < MOE_MAX_DIMENSIONS; d++) {
    along[d] = along_dimension(topo, gpus, n, d);
    box *= along[d].n;
    add_rings(&along[d], latency_s, inside, &links);
    inside->far_s += (double)((along[d].ring ? along[d].n / 2 : along[d].n - 1) * along[d].gap) * latency_s;
    inside->hop_s = MAX(inside->hop_s, (double)along[d].gap * latency_s);
    inside->pairs[MOE_WAY_X + d] = pair_load(&along[d], n);
  }
  if (box != n) {
    links = 1;
    walk_line(topo, gpus, n, inside);
  }
  for (int d = 0; d < MOE_MAX_DIMENSIONS; d++)
    inside->ring[MOE_WAY_X + d] = along[d].n > 1 ? 2 * (double)along[d].gap / (double)links : 0;
}

/* A ring goes through the islands in turn and leaves each once; of pairs those on different islands cross. */
static void scan_islands(const MoeTopo *topo, const int64_t *gpus, int64_t n, MoeCollInside *inside)
{
  const MoeDomain *domain = &moe_topo_cluster(topo)->domain;
  double same = 0, ring, pairs;
  int64_t islands = 1, run = 1;

  for (int64_t i = 1; i < n; i++) {
    gboolean next = moe_topo_island(topo, gpus[i]) != moe_topo_island(topo, gpus[i - 1]);

    islands += next;
    run = next ? 1 : run + 1;
    same += 2 * (double)(run - 1);
    inside->per_island = MAX(inside->per_island, run);
  }
  ring = islands > 1 ? (double)islands / (double)n : 0;
  pairs = 1 - same / ((double)n * (double)(n - 1));
  inside->hop_s += ring * (domain->far_latency_s - domain->latency_s);
  inside->far_s = islands > 1 ? domain->far_latency_s : domain->latency_s;
  for (int way = MOE_WAY_ISLAND_UP; moe_topo_islands_matter(topo) && way <= MOE_WAY_ISLAND_DOWN; way++) {
    inside->ring[way] = ring;
    inside->pairs[way] = pairs;
  }
}

void moe_coll_scan_inside(const MoeTopo *topo, const int64_t *gpus, int64_t n, MoeCollInside *inside)
{
  const MoeDomain *domain = &moe_topo_cluster(topo)->domain;

  *inside = (MoeCollInside){.hop_s = domain->latency_s, .far_s = domain->latency_s, .per_island = 1};
  if (n > 1 && domain->kind == MOE_DOMAIN_TORUS)
    scan_torus(topo, gpus, n, inside);
  else if (n > 1 && domain->kind == MOE_DOMAIN_TWO_TIER)
    scan_islands(topo, gpus, n, inside);
}
