/* Slow and broken links, as the cluster's `faults:` names them. */
#include "internal.h"

static gboolean refuse(const MoeFault *fault, GError **error, const char *what, int64_t limit)
{
  return moe_fail(error, MOE_ERROR_INPUT, fault->mark,
                  "fault at %s %" G_GINT64_FORMAT ", expected an index below %" G_GINT64_FORMAT, what, fault->index,
                  limit);
}

static void scale(MoeTopo *topo, int64_t gpu, MoePort out, double factor)
{
  topo->capacity[moe_topo_port(gpu, out)] *= factor;
  topo->capacity[moe_topo_port(gpu, (MoePort)(out + 1))] *= factor; /* the IN port follows its OUT port */
}

static gboolean apply_to_gpu(MoeTopo *topo, const MoeFault *fault, MoePort out, GError **error)
{
  if (fault->index >= topo->gpus)
    return refuse(fault, error, "GPU", topo->gpus);
  scale(topo, fault->index, out, fault->factor);
  for (int d = 0; out == MOE_PORT_NVLINK_OUT && d < MOE_MAX_DIMENSIONS; d++) {
    guint along = moe_topo_way(topo, fault->index, (MoeWay)(MOE_WAY_X + d));

    if (along != MOE_NO_RESOURCE)
      topo->capacity[along] *= fault->factor;
  }
  return TRUE;
}

static gboolean apply_to_island(MoeTopo *topo, const MoeFault *fault, GError **error)
{
  int64_t first = fault->index * topo->cluster->domain.island_gpus;

  if (fault->index >= topo->islands)
    return refuse(fault, error, "island", topo->islands);
  topo->capacity[moe_topo_way(topo, first, MOE_WAY_ISLAND_UP)] *= fault->factor;
  topo->capacity[moe_topo_way(topo, first, MOE_WAY_ISLAND_DOWN)] *= fault->factor;
  return TRUE;
}

/* What is left of a port when one of its planes has `factor` of its rate. */
static double of_planes(const MoeTopo *topo, double factor)
{
  return ((double)topo->planes - 1 + factor) / (double)topo->planes;
}

static gboolean refuse_lost(const MoeTopo *topo, const MoeFault *fault, const char *what, GError **error)
{
  if (fault->factor > 0 || topo->planes > 1)
    return TRUE;
  return moe_fail(error, MOE_ERROR_INPUT, fault->mark,
                  "the only %s has failed, expected another plane that carries its traffic (network.topology.planes)",
                  what);
}

static gboolean apply_to_plane(MoeTopo *topo, const MoeFault *fault, GError **error)
{
  if (fault->index >= topo->planes)
    return refuse(fault, error, "plane", topo->planes);
  if (!refuse_lost(topo, fault, "plane", error))
    return FALSE;
  for (int64_t gpu = 0; gpu < topo->gpus; gpu++)
    scale(topo, gpu, MOE_PORT_NIC_OUT, of_planes(topo, fault->factor));
  for (int64_t leaf = 0; leaf < topo->leaves; leaf++) {
    topo->capacity[moe_topo_leaf_up(topo, leaf)] *= of_planes(topo, fault->factor);
    topo->capacity[moe_topo_leaf_down(topo, leaf)] *= of_planes(topo, fault->factor);
  }
  return TRUE;
}

static gboolean apply_to_link(MoeTopo *topo, const MoeFault *fault, GError **error)
{
  if (fault->index >= topo->gpus)
    return refuse(fault, error, "GPU", topo->gpus);
  if (!refuse_lost(topo, fault, "link of a GPU", error))
    return FALSE;
  scale(topo, fault->index, MOE_PORT_NIC_OUT, of_planes(topo, fault->factor));
  return TRUE;
}

/* A slow GPU slows its kernels, not its links. */
static gboolean apply_to_kernels(const MoeTopo *topo, const MoeFault *fault, GError **error)
{
  return fault->index < topo->gpus || refuse(fault, error, "GPU", topo->gpus);
}

/* Of a leaf that is gone its GPUs lose their ports on its plane; the planes' leaves are alike otherwise. */
static gboolean apply_to_leaf(MoeTopo *topo, const MoeFault *fault, GError **error)
{
  if (fault->index >= topo->leaves)
    return refuse(fault, error, "leaf", topo->leaves);
  if (!refuse_lost(topo, fault, "leaf of its GPUs", error))
    return FALSE;
  topo->capacity[moe_topo_leaf_up(topo, fault->index)] *= of_planes(topo, fault->factor);
  topo->capacity[moe_topo_leaf_down(topo, fault->index)] *= of_planes(topo, fault->factor);
  for (int64_t gpu = 0; fault->factor == 0 && gpu < topo->gpus; gpu++)
    if (moe_topo_leaf(topo, gpu) == fault->index)
      scale(topo, gpu, MOE_PORT_NIC_OUT, of_planes(topo, 0));
  return TRUE;
}

/* A slow rail slows its own NICs. A failed one leaves each host's traffic to the other rails: every NIC keeps (rails -
 * 1) / rails of its capacity for what its own GPU sends. */
static gboolean apply_to_rail(MoeTopo *topo, const MoeFault *fault, GError **error)
{
  if (fault->index >= topo->rails)
    return refuse(fault, error, "rail", topo->rails);
  if (fault->factor == 0 && topo->rails == 1)
    return moe_fail(error, MOE_ERROR_INPUT, fault->mark,
                    "the only rail has failed, expected another that carries its traffic");
  for (int64_t gpu = 0; gpu < topo->gpus; gpu++) {
    if (fault->factor == 0)
      scale(topo, gpu, MOE_PORT_NIC_OUT, (double)(topo->rails - 1) / (double)topo->rails);
    else if (moe_topo_rail(topo, gpu) == fault->index)
      scale(topo, gpu, MOE_PORT_NIC_OUT, fault->factor);
  }
  return TRUE;
}

static gboolean apply(MoeTopo *topo, const MoeFault *fault, GError **error)
{
  switch (fault->kind) {
  case MOE_FAULT_NVLINK:
    return apply_to_gpu(topo, fault, MOE_PORT_NVLINK_OUT, error);
  case MOE_FAULT_NIC:
    return apply_to_gpu(topo, fault, MOE_PORT_NIC_OUT, error);
  case MOE_FAULT_HOST:
    return apply_to_gpu(topo, fault, MOE_PORT_HOST_OUT, error);
  case MOE_FAULT_LEAF:
    return apply_to_leaf(topo, fault, error);
  case MOE_FAULT_PLANE:
    return apply_to_plane(topo, fault, error);
  case MOE_FAULT_LINK:
    return apply_to_link(topo, fault, error);
  case MOE_FAULT_GPU:
    return apply_to_kernels(topo, fault, error);
  case MOE_FAULT_ISLAND:
    return apply_to_island(topo, fault, error);
  default:
    return apply_to_rail(topo, fault, error);
  }
}

gboolean moe_topo_apply_faults(MoeTopo *topo, GError **error)
{
  const MoeNetwork *network = &topo->cluster->network;

  for (guint i = 0; i < network->n_faults; i++)
    if (!apply(topo, &network->faults[i], error))
      return FALSE;
  return TRUE;
}
