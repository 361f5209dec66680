/*
 * How much of the links between leaves flows reach that a hash spreads over them: balls in bins. Each of the NICs below
 * a leaf has f flows; each flow goes over one of the leaf's U uplinks, whichever the hash says, for as long as it
 * lasts. An uplink with more than f of them is full and slows all of them down; one with fewer leaves the rest of its
 * rate unused: together the uplinks carry sum of min(flows on it, f) / (f U) of their rate.
 *
 * On average that is 1 - f^f e^-f / f! of a full leaf, about 1 - 1 / sqrt(2 pi f): 0.63 with one flow per NIC, 0.90
 * with
 * 16. A collective over many leaves goes at the pace of the leaf that fared worst.
 */
#include "internal.h"

#include <math.h>

/* Bandwidth used over two hosts of eight GPUs with a hash of five fields, of the queue pair too, and with ways chosen
 * by telemetry: 84.5, 88.05 and 97 % (Asterfusion, cloudswit.ch/?p=21382); relative to the last. */
static double measured_share(const MoeNetwork *network)
{
  static const double shares[] = {1, 84.5 / 97, 88.05 / 97};

  return shares[network->routing];
}

/* Flows that one of `ways` gets, drawn one by one. */
static void spread(const MoeTopo *topo, int64_t i, int64_t flows, int64_t ways, int64_t *on_way)
{
  uint64_t stream = moe_random_stream("path-hash"), draw = (uint64_t)topo->cluster->network.draw;

  for (int64_t flow = 0; flow < flows; flow++)
    on_way[(int64_t)(moe_random_unit(draw, stream, (uint64_t)i, (uint64_t)flow) * (double)ways)]++;
}

static double drawn_share(const MoeTopo *topo, int64_t i)
{
  const MoeNetwork *network = &topo->cluster->network;
  int64_t ports = moe_topo_leaf_ports(network);
  double nics = (double)moe_topo_below_leaf(topo, ports) * network->nics_per_gpu, carried = 0;
  int64_t ways = MAX(1, llround((double)ports * network->nics_per_gpu / network->oversubscription));
  g_autofree int64_t *on_way = g_new0(int64_t, ways);

  spread(topo, i, MAX(1, llround(nics * (double)network->flows)), ways, on_way);
  for (int64_t way = 0; way < ways; way++)
    carried += (double)MIN(on_way[way], network->flows) / (double)network->flows;
  return MIN(1, carried * network->oversubscription / nics);
}

double moe_topo_path_share(const MoeTopo *topo, int64_t i)
{
  const MoeNetwork *network = &topo->cluster->network;

  if (network->path_share > 0)
    return network->path_share;
  if (network->routing == MOE_ROUTING_ADAPTIVE || network->flows == 0 || network->tiers == 1)
    return measured_share(network);
  return drawn_share(topo, i);
}
