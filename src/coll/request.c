/* Where the members of a group sit. */
#include "internal.h"

#include <stdlib.h>

static int compare_gpus(const void *a, const void *b)
{
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

  return (x > y) - (x < y);
}

static gboolean ascends(const int64_t *gpus, guint n)
{
  for (guint i = 1; i < n; i++)
    if (gpus[i] < gpus[i - 1])
      return FALSE;
  return TRUE;
}

/* The first GPU after the domain of this one. */
static int64_t domain_end(const MoeTopo *topo, int64_t gpu)
{
  int64_t gpus = MIN(moe_topo_cluster(topo)->domain.gpus, G_MAXINT32);

  return (gpu / gpus + 1) * gpus;
}

/* Looks at the fullest domain: `members` of them, the last of which is before `end`. */
static void note_fullest(MoeCollRequest *request, const int64_t *end, int64_t members)
{
  if (members <= request->per_domain)
    return;
  request->per_domain = members;
  moe_coll_scan_inside(request->topo, end - members, members, &request->inside);
}

/* Counts domains and the hops of a ring through them; `gpus` ascend. */
static void scan_domains(MoeCollRequest *request, const int64_t *gpus)
{
  const MoeTopo *topo = request->topo;
  int64_t members = 0, first = 0, crossing = 0, end = domain_end(topo, gpus[0]);
  double path_s = 0;

  request->domains = 1;
  for (guint i = 0; i < request->n; i++) {
    if (gpus[i] < end) {
      members++;
      continue;
    }
    note_fullest(request, &gpus[i], members);
    MoeReach reach = moe_topo_reach(topo, gpus[first], gpus[i]);
    request->reach = MAX(request->reach, reach);
    crossing += reach > MOE_REACH_LEAF;
    path_s += moe_topo_latency(topo, reach);
    request->domains++;
    members = 1;
    first = i;
    end = domain_end(topo, gpus[i]);
  }
  note_fullest(request, &gpus[request->n], members);
  if (request->domains == 1)
    return;
  MoeReach back = moe_topo_reach(topo, gpus[first], gpus[0]);
  crossing += back > MOE_REACH_LEAF;
  request->hop_path_s = (path_s + moe_topo_latency(topo, back)) / (double)request->domains;
  request->hop_leaf = (double)crossing / (double)request->domains;
}

/* Share of ordered pairs of domain leaders on different leaves: leaders of equal leaf are neighbours in ascending
 * order. */
static void scan_pairs(MoeCollRequest *request, const int64_t *gpus)
{
  int64_t leaf = -1, end = 0, run = 0, leaders = 0;
  double same = 0;

  for (guint i = 0; i < request->n; i++) {
    if (gpus[i] < end)
      continue;
    end = domain_end(request->topo, gpus[i]);
    int64_t level = moe_topo_leaf(request->topo, gpus[i]);
    run = level == leaf ? run + 1 : 1;
    leaf = level;
    leaders++;
    same += 2 * (double)(run - 1);
  }
  if (leaders > 1)
    request->pair_leaf = 1 - same / ((double)leaders * (double)(leaders - 1));
}

void moe_coll_request_init(MoeCollRequest *request, const MoeTopo *topo, const MoeStackCollectives *stack,
                           const MoeCollective *collective, const MoeCollGroup *group)
{
  g_autofree int64_t *sorted = NULL;
  const int64_t *gpus = group->gpus;

  *request = (MoeCollRequest){.topo = topo,
                              .cluster = moe_topo_cluster(topo),
                              .stack = stack,
                              .collective = collective,
                              .n = group->n,
                              .reach = MOE_REACH_DOMAIN};
  if (!ascends(gpus, group->n)) {
    gpus = sorted = g_memdup2(group->gpus, group->n * sizeof *sorted);
    qsort(sorted, group->n, sizeof *sorted, compare_gpus);
  }
  scan_domains(request, gpus);
  scan_pairs(request, gpus);
}
