/*
 * Inside a scale-up domain: islands joined by a second tier of switches, or a torus. GPU i of a domain lies on island i
 * / island_gpus; in a torus x runs fastest: i = x + X (y + Y z).
 */
#include "internal.h"

static int64_t in_domain(const MoeTopo *topo, int64_t gpu)
{
  return gpu % topo->cluster->domain.gpus;
}

int64_t moe_topo_island(const MoeTopo *topo, int64_t gpu)
{
  return topo->islands > 0 ? gpu / topo->cluster->domain.island_gpus : 0;
}

int64_t moe_topo_n_islands(const MoeTopo *topo)
{
  return topo->islands;
}

static gboolean is_torus(const MoeTopo *topo)
{
  return topo->cluster->domain.kind == MOE_DOMAIN_TORUS;
}

int64_t moe_topo_position(const MoeTopo *topo, int64_t gpu, int dimension)
{
  const int64_t *extent = topo->cluster->domain.extent;
  int64_t at = in_domain(topo, gpu);

  if (!is_torus(topo))
    return 0;
  for (int d = 0; d < dimension; d++)
    at /= extent[d];
  return at % extent[dimension];
}

/* Hops between two GPUs of a torus, by the shortest way. */
static int64_t hops(const MoeTopo *topo, int64_t a, int64_t b)
{
  const MoeDomain *domain = &topo->cluster->domain;
  int64_t sum = 0;

  for (int d = 0; d < MOE_MAX_DIMENSIONS; d++) {
    int64_t way = ABS(moe_topo_position(topo, a, d) - moe_topo_position(topo, b, d));

    sum += domain->wrap ? MIN(way, domain->extent[d] - way) : way;
  }
  return sum;
}

double moe_topo_domain_latency(const MoeTopo *topo, int64_t a, int64_t b)
{
  const MoeDomain *domain = &topo->cluster->domain;

  switch (domain->kind) {
  case MOE_DOMAIN_TORUS:
    return domain->latency_s * (double)hops(topo, a, b);
  case MOE_DOMAIN_TWO_TIER:
    return moe_topo_island(topo, a) == moe_topo_island(topo, b) ? domain->latency_s : domain->far_latency_s;
  default:
    return domain->latency_s;
  }
}

uint64_t moe_topo_offset(const MoeTopo *topo, int64_t origin, int64_t gpu)
{
  const MoeDomain *domain = &topo->cluster->domain;
  uint64_t offset = 0;

  if (domain->kind == MOE_DOMAIN_TWO_TIER)
    return (uint64_t)(moe_topo_island(topo, gpu) - moe_topo_island(topo, origin));
  for (int d = 0; is_torus(topo) && d < MOE_MAX_DIMENSIONS; d++) {
    int64_t way = moe_topo_position(topo, gpu, d) - moe_topo_position(topo, origin, d);

    /* Without joined ends what lies behind an end is no neighbour: the direction counts. */
    offset = offset * (2 * (uint64_t)domain->extent[d]) +
             (uint64_t)(domain->wrap ? (way + domain->extent[d]) % domain->extent[d] : way + domain->extent[d]);
  }
  return offset;
}

/* ---- resources --------------------------------------------------------------------------------------------------- */

guint moe_topo_first_way(const MoeTopo *topo)
{
  return (guint)(topo->gpus * MOE_N_PORTS);
}

static guint first_domain_way(const MoeTopo *topo)
{
  return moe_topo_first_way(topo) + (guint)(2 * topo->leaves);
}

guint moe_topo_count_domain_ways(const MoeTopo *topo)
{
  return (guint)(2 * topo->islands + (is_torus(topo) ? topo->gpus * MOE_MAX_DIMENSIONS : 0));
}

guint moe_topo_way(const MoeTopo *topo, int64_t gpu, MoeWay way)
{
  switch (way) {
  case MOE_WAY_LEAF_UP:
  case MOE_WAY_LEAF_DOWN:
    return moe_topo_leaf_up(topo, moe_topo_leaf(topo, gpu)) + (guint)(way - MOE_WAY_LEAF_UP);
  case MOE_WAY_ISLAND_UP:
  case MOE_WAY_ISLAND_DOWN:
    return topo->islands > 0
               ? first_domain_way(topo) + (guint)(2 * moe_topo_island(topo, gpu)) + (guint)(way - MOE_WAY_ISLAND_UP)
               : MOE_NO_RESOURCE;
  default:
    return is_torus(topo) ? first_domain_way(topo) + (guint)(gpu * MOE_MAX_DIMENSIONS) + (guint)(way - MOE_WAY_X)
                          : MOE_NO_RESOURCE;
  }
}

MoeWay moe_topo_way_kind(const MoeTopo *topo, guint resource)
{
  guint first = first_domain_way(topo);

  if (resource < first)
    return (resource - moe_topo_first_way(topo)) % 2 ? MOE_WAY_LEAF_DOWN : MOE_WAY_LEAF_UP;
  if (topo->islands > 0)
    return (resource - first) % 2 ? MOE_WAY_ISLAND_DOWN : MOE_WAY_ISLAND_UP;
  return (MoeWay)(MOE_WAY_X + (resource - first) % MOE_MAX_DIMENSIONS);
}

double moe_topo_way_bytes_per_s(const MoeTopo *topo, MoeWay way)
{
  const MoeDomain *domain = &topo->cluster->domain;
  double port = moe_topo_port_bytes_per_s(topo, MOE_PORT_NVLINK_OUT);

  if (way <= MOE_WAY_LEAF_DOWN)
    return moe_topo_leaf_bytes_per_s(topo);
  if (way <= MOE_WAY_ISLAND_DOWN)
    return port * (double)domain->island_gpus / domain->oversubscription;
  return port / (double)MAX(domain->dimensions, 1);
}

void moe_topo_fill_domain_ways(MoeTopo *topo)
{
  for (guint r = first_domain_way(topo); r < topo->n_resources; r++)
    topo->capacity[r] = moe_topo_way_bytes_per_s(topo, moe_topo_way_kind(topo, r));
}

gboolean moe_topo_find_islands_matter(const MoeTopo *topo)
{
  guint first = first_domain_way(topo);

  for (guint r = first; r < first + 2 * topo->islands; r++)
    if (topo->capacity[r] < moe_topo_port_bytes_per_s(topo, MOE_PORT_NVLINK_OUT) *
                                (double)topo->cluster->domain.island_gpus * (1 - MOE_TOPO_ROUNDING))
      return TRUE;
  return FALSE;
}

gboolean moe_topo_islands_matter(const MoeTopo *topo)
{
  return topo->islands_matter;
}
