/* What another job takes of the leaves' uplinks over its step, and how that is taken from a run beside it. */
#include "study/neighbour.h"

#include "prepared.h"

#include <math.h>

/* Parts of a step that are told apart: between so many and twice as many. */
#define LEAST_PARTS 128
/* First distance of two looks; doubled whenever there are too many of them. */
#define FIRST_LOOK G_GINT64_CONSTANT(250000000) /* 250 us */
/* What fairness leaves of a link to the second of two that want all of it. */
#define FAIR_SHARE 0.5

struct MoeNeighbour {
  MoeSimTick beside;  /* what a run beside it is given */
  MoeTime step, look; /* of the other job; between two looks */
  double phase;
  guint n_links; /* uplinks and downlinks of its leaves */
  guint n_looks;
  GArray *used; /* double, [look][link]: share of the link's capacity */
};

static double *look_at(const MoeNeighbour *neighbour, guint look)
{
  return &g_array_index(neighbour->used, double, (gsize)look * neighbour->n_links);
}

/* Two looks become their mean. */
static void halve(MoeNeighbour *neighbour)
{
  for (guint i = 0; i < neighbour->n_looks / 2; i++)
    for (guint link = 0; link < neighbour->n_links; link++)
      look_at(neighbour, i)[link] = (look_at(neighbour, 2 * i)[link] + look_at(neighbour, 2 * i + 1)[link]) / 2;
  neighbour->n_looks /= 2;
  neighbour->look *= 2;
}

static MoeTime note(MoeFabric *fabric, MoeTime now, gpointer user_data)
{
  MoeNeighbour *neighbour = user_data;
  const MoeTopo *topo = moe_fabric_topo(fabric);

  if (neighbour->n_looks == 2 * LEAST_PARTS)
    halve(neighbour);
  g_array_set_size(neighbour->used, (neighbour->n_looks + 1) * neighbour->n_links);
  for (guint link = 0; link < neighbour->n_links; link++) {
    guint resource = moe_topo_leaf_up(topo, 0) + link;

    look_at(neighbour, neighbour->n_looks)[link] =
        moe_fabric_used(fabric, resource) / moe_topo_capacities(topo)[resource];
  }
  neighbour->n_looks++;
  return now + neighbour->look;
}

/* What is wrong with parts that every host has. */
static void keep_common_faults(MoeNetwork *network)
{
  guint kept = 0;

  for (guint i = 0; i < network->n_faults; i++)
    if (network->faults[i].kind == MOE_FAULT_PLANE || network->faults[i].kind == MOE_FAULT_RAIL)
      network->faults[kept++] = network->faults[i];
  network->n_faults = kept;
}

void moe_neighbour_join(MoeRun *run, MoeRun *other)
{
  double own = (double)run->parallelism.gpus, all = own + (double)other->parallelism.gpus;
  MoeNetwork *network = &other->cluster.network;
  const MoeNetwork hosts = *network;

  if (run->cluster.network.leaf_share >= 1)
    run->cluster.network.leaf_share = own / all;
  *network = run->cluster.network;
  network->nics_per_gpu = hosts.nics_per_gpu;
  network->nic_bytes_per_s = hosts.nic_bytes_per_s;
  network->efficiency = hosts.efficiency;
  network->rdma = hosts.rdma;
  network->staged_bytes_per_s = hosts.staged_bytes_per_s;
  network->collectives = hosts.collectives;
  network->leaf_share = 1 - run->cluster.network.leaf_share;
  keep_common_faults(network);
}

/* Gives each uplink what the look before `now` leaves of it. Leaves of the two jobs are the same ones, in order; a
 * larger job meets the other on its first leaves. */
static MoeTime take(MoeFabric *fabric, MoeTime now, gpointer user_data)
{
  const MoeNeighbour *neighbour = user_data;
  const MoeTopo *topo = moe_fabric_topo(fabric);
  MoeTime start = (MoeTime)(neighbour->phase * (double)neighbour->step);
  MoeTime within = (now + start) % neighbour->step;
  guint look = (guint)MIN(within / neighbour->look, neighbour->n_looks - 1);
  guint first = moe_topo_leaf_up(topo, 0), links = MIN(neighbour->n_links, 2 * (guint)moe_topo_n_leaves(topo));
  gboolean last = look + 1 == neighbour->n_looks;
  g_autofree double *left = g_new(double, links + 1);

  for (guint link = 0; link < links; link++)
    left[link] = moe_topo_capacities(topo)[first + link] * MAX(1 - look_at(neighbour, look)[link], FAIR_SHARE);
  moe_fabric_set_capacities(fabric, first, links, left);
  return now + MAX(1, (last ? neighbour->step : (MoeTime)(look + 1) * neighbour->look) - within);
}

MoeNeighbour *moe_neighbour_new(const MoeRun *other, double phase, uint64_t seed, GError **error)
{
  g_autoptr(MoeNeighbour) neighbour = g_new0(MoeNeighbour, 1);
  g_auto(MoePrepared) made = {0};

  neighbour->used = g_array_new(FALSE, TRUE, sizeof(double));
  neighbour->look = FIRST_LOOK;
  neighbour->phase = phase - floor(phase);
  if (!moe_prepare(other, &(MoeSimOptions){.seed = seed}, &made, error))
    return NULL;
  moe_topo_count_leaves(made.topo);
  neighbour->n_links = 2 * (guint)moe_topo_n_leaves(made.topo);
  const MoeSimTick notes = {note, neighbour};
  const MoeSimOptions options = {.seed = seed, .kernel_jitter = -1, .tick = &notes};
  g_autoptr(MoeSimResult) result = moe_sim_run(made.program, other, made.topo, made.cost, &options, error);
  if (!result)
    return NULL;
  neighbour->step = result->step;
  neighbour->beside = (MoeSimTick){take, neighbour};
  return g_steal_pointer(&neighbour);
}

void moe_neighbour_free(MoeNeighbour *neighbour)
{
  if (!neighbour)
    return;
  g_array_unref(neighbour->used);
  g_free(neighbour);
}

double moe_neighbour_step_s(const MoeNeighbour *neighbour)
{
  return moe_time_to_seconds(neighbour->step);
}

double moe_neighbour_used(const MoeNeighbour *neighbour)
{
  double most = 0;

  for (guint link = 0; link < neighbour->n_links; link++) {
    double sum = 0;

    for (guint look = 0; look < neighbour->n_looks; look++)
      sum += look_at(neighbour, look)[link];
    most = MAX(most, sum / neighbour->n_looks);
  }
  return most;
}

void moe_neighbour_attach(const MoeNeighbour *neighbour, MoeSimOptions *options)
{
  options->tick = &neighbour->beside;
}
