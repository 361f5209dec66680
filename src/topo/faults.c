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
  return TRUE;
}

static gboolean apply_to_leaf(MoeTopo *topo, const MoeFault *fault, GError **error)
{
  if (fault->index >= topo->leaves)
    return refuse(fault, error, "leaf", topo->leaves);
  topo->capacity[moe_topo_leaf_up(topo, fault->index)] *= fault->factor;
  topo->capacity[moe_topo_leaf_down(topo, fault->index)] *= fault->factor;
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
