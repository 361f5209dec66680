/*
 * What the GPUs of one scale-up domain send to those of others. Groups repeat the same collectives thousands of times:
 * what a member sends is summed up while the step runs, and spread over the domains of the members once.
 */
#include "internal.h"

static MoeSimTraffic *asked(const Sim *sim)
{
  MoeSimTraffic *traffic = sim->options->traffic;

  return traffic && traffic->n_blocks > 0 ? traffic : NULL;
}

void sim_between_init(Sim *sim)
{
  for (unsigned kind = 0; asked(sim) && kind < MOE_N_GROUPS; kind++)
    sim->sent[kind] = g_new0(GroupSent, sim->groups[kind].n_groups + 1);
}

void sim_between_clear(Sim *sim)
{
  for (unsigned kind = 0; kind < MOE_N_GROUPS; kind++)
    g_free(sim->sent[kind]);
}

void sim_between_group(Sim *sim, MoeGroupKind kind, uint32_t group, const MoeCollPlan *plan)
{
  if (!sim->sent[kind])
    return;
  GroupSent *sent = &sim->sent[kind][group];
  *(plan->scattered ? &sent->to_all : &sent->to_next) += plan->wire_network_bytes;
}

static double *cell(MoeSimTraffic *traffic, int64_t from_domain, int64_t to_domain)
{
  int64_t from = from_domain / traffic->block_domains, to = to_domain / traffic->block_domains;

  return &traffic->between[from * traffic->n_blocks + to];
}

void sim_between_message(Sim *sim, uint32_t from, uint32_t to, const MoeCollPlan *plan)
{
  MoeSimTraffic *traffic = asked(sim);

  if (traffic)
    *cell(traffic, moe_topo_domain(sim->topo, from), moe_topo_domain(sim->topo, to)) += plan->wire_network_bytes;
}

/* Members of a group in one domain. */
typedef struct {
  int64_t domain, members;
} Site;

static int compare_sites(gconstpointer a, gconstpointer b)
{
  const Site *x = a, *y = b;

  return (x->domain > y->domain) - (x->domain < y->domain);
}

/* Domains with members, in ascending order. */
static GArray *find_sites(const Sim *sim, const Groups *groups, uint32_t group)
{
  GArray *sites = g_array_new(FALSE, FALSE, sizeof(Site));
  guint kept = 0;

  for (uint32_t i = groups->first[group]; i < groups->first[group + 1]; i++) {
    Site site = {moe_topo_domain(sim->topo, groups->gpu[i]), 1};

    g_array_append_val(sites, site);
  }
  g_array_sort(sites, compare_sites);
  for (guint i = 1; i < sites->len; i++) {
    Site *last = &g_array_index(sites, Site, kept);

    if (g_array_index(sites, Site, i).domain == last->domain)
      last->members++;
    else
      g_array_index(sites, Site, ++kept) = g_array_index(sites, Site, i);
  }
  g_array_set_size(sites, MIN(kept + 1, sites->len));
  return sites;
}

static void spread_group(MoeSimTraffic *traffic, const GArray *sites, uint32_t members, const GroupSent *sent)
{
  for (guint i = 0; i < sites->len; i++) {
    const Site *from = &g_array_index(sites, Site, i), *next = &g_array_index(sites, Site, (i + 1) % sites->len);
    double others = (double)(members - from->members), share = sent->to_all * (double)from->members / others;

    *cell(traffic, from->domain, next->domain) += sent->to_next * (double)from->members;
    for (guint j = 0; sent->to_all > 0 && j < sites->len; j++) {
      const Site *to = &g_array_index(sites, Site, j);

      if (to->domain != from->domain)
        *cell(traffic, from->domain, to->domain) += share * (double)to->members;
    }
  }
}

void sim_between_finish(Sim *sim)
{
  MoeSimTraffic *traffic = asked(sim);

  for (unsigned kind = 0; traffic && kind < MOE_N_GROUPS; kind++)
    for (uint32_t group = 0; group < sim->groups[kind].n_groups; group++) {
      const Groups *groups = &sim->groups[kind];
      const GroupSent *sent = &sim->sent[kind][group];

      if (sent->to_next + sent->to_all <= 0)
        continue;
      g_autoptr(GArray) sites = find_sites(sim, groups, group);
      spread_group(traffic, sites, groups->first[group + 1] - groups->first[group], sent);
    }
}
