/* How groups lie on the machine: groups of equal shape share plans. */
#include "place.h"

/* Labels ids by first occurrence, so that shapes do not depend on where a group lies. */
typedef struct {
  uint32_t *label, *stamp;
  uint32_t current, next;
} Labels;

static uint32_t label(Labels *labels, uint32_t id)
{
  if (labels->stamp[id] != labels->current) {
    labels->stamp[id] = labels->current;
    labels->label[id] = labels->next++;
  }
  return labels->label[id];
}

#define LABEL_BITS 21 /* three labels in a word: 2 million ranks */

static uint64_t shape_hash(const Placing *placing, const uint32_t *member, guint n, Labels labels[N_SITES])
{
  gboolean offset_counts = moe_topo_cluster(placing->sim->topo)->domain.kind != MOE_DOMAIN_SWITCH;
  uint64_t hash = n;

  for (unsigned i = 0; i < N_SITES; i++) {
    labels[i].current++;
    labels[i].next = 0;
  }
  for (guint i = 0; i < n; i++) {
    uint64_t where = 0;

    for (unsigned site = 0; site < N_SITES; site++)
      where = where << LABEL_BITS | label(&labels[site], placing->site[site][member[i]]);
    hash = sim_mix(hash, where);
    if (offset_counts)
      hash = sim_mix(hash, moe_topo_offset(placing->sim->topo, member[0], member[i]));
  }
  return hash;
}

static uint32_t shape_of(const Placing *placing, const uint32_t *member, guint n, Labels labels[N_SITES])
{
  Sim *sim = placing->sim;
  uint64_t hash = shape_hash(placing, member, n, labels);

  for (guint s = sim->shapes->len; s-- > 0;) /* neighbours are often alike */
    if (g_array_index(sim->shapes, Shape, s).hash == hash)
      return s;
  Shape shape = {.hash = hash, .n = n, .gpus = g_new(int64_t, n)};
  for (guint i = 0; i < n; i++)
    shape.gpus[i] = member[i];
  g_array_append_val(sim->shapes, shape);
  return sim->shapes->len - 1;
}

/* How many ids domains, hosts or leaves have at most. */
static guint find_sites(Placing *placing)
{
  const MoeTopo *topo = placing->sim->topo;

  guint n_ids = 0;

  for (unsigned site = 0; site < N_SITES; site++)
    placing->site[site] = g_new(uint32_t, placing->n_ranks);
  moe_topo_sites(topo, placing->n_ranks, placing->site[SITE_DOMAIN], placing->site[SITE_HOST],
                 placing->site[SITE_LEAF]);
  for (unsigned site = 0; site < N_SITES; site++)
    for (guint rank = 0; rank < placing->n_ranks; rank++)
      n_ids = MAX(n_ids, placing->site[site][rank] + 1);
  return n_ids;
}

void sim_find_shapes(Placing *placing)
{
  guint n_ids = find_sites(placing);
  Labels labels[N_SITES];

  for (unsigned i = 0; i < N_SITES; i++)
    labels[i] = (Labels){.label = g_new0(uint32_t, n_ids), .stamp = g_new0(uint32_t, n_ids)};
  for (unsigned kind = 0; kind < MOE_N_GROUPS; kind++) {
    RealGroups *real = &placing->real[kind];

    for (guint g = 0; g < real->n_groups; g++)
      real->shape[g] = g > 0 && real->size == 1
                           ? real->shape[0]
                           : shape_of(placing, &real->member[(gsize)g * real->size], real->size, labels);
  }
  for (unsigned i = 0; i < N_SITES; i++) {
    g_free(labels[i].label);
    g_free(labels[i].stamp);
    g_free(placing->site[i]);
  }
}
