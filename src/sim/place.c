/*
 * Groups on the machine, and which ranks do the same.
 *
 * Ranks get *colours* by refinement (Paige & Tarjan's idea on our small structure): at first the stage, the load class
 * and what is special about a GPU; then, until nothing splits any more, also the colours and shapes of all groups a
 * rank belongs to and the colours and distances of its pipeline neighbours. Ranks of one colour then have the same
 * step, so one *unit* stands for all. In full fidelity every rank is its own colour.
 */
#include "place.h"

/* ---- real groups ------------------------------------------------------------------------------------------------- */

static void find_real_groups(Placing *placing, MoeGroupKind kind)
{
  const MoeLayout *layout = placing->sim->program->layout;
  RealGroups *real = &placing->real[kind];

  real->n_groups = (guint)moe_layout_n_groups(layout, kind);
  real->size = (guint)moe_layout_group_size(layout, kind);
  real->member = g_new0(uint32_t, (gsize)real->n_groups * real->size + 1);
  real->of_rank = g_new(uint32_t, placing->n_ranks);
  real->index = g_new(uint32_t, placing->n_ranks);
  real->shape = g_new0(uint32_t, real->n_groups + 1);
  moe_layout_groups(layout, kind, real->of_rank, real->index);
  for (guint rank = 0; rank < placing->n_ranks; rank++)
    if (real->of_rank[rank] != NONE)
      real->member[(gsize)real->of_rank[rank] * real->size + real->index[rank]] = rank;
}

static void find_coordinates(Placing *placing)
{
  const MoeLayout *layout = placing->sim->program->layout;
  g_autofree uint32_t *group = g_new(uint32_t, placing->n_ranks);

  placing->stage = g_new(uint32_t, placing->n_ranks);
  placing->expert = g_new(uint32_t, placing->n_ranks);
  placing->rack = g_new(uint32_t, placing->n_ranks);
  moe_layout_groups(layout, MOE_GROUP_PIPELINE, group, placing->stage);
  moe_layout_groups(layout, MOE_GROUP_EXPERT, group, placing->expert);
  moe_layout_groups(layout, MOE_GROUP_EXPERT_DATA, group, placing->rack);
  for (guint rank = 0; rank < placing->n_ranks; rank++)
    placing->rack[rank] %= placing->sim->program->n_load_draws;
}

static void find_used_groups(Placing *placing)
{
  Sim *sim = placing->sim;

  for (guint c = 0; c < sim->program->n_collectives; c++)
    sim->groups[sim->program->collectives[c].group].used = TRUE;
  for (unsigned kind = 0; kind < MOE_N_GROUPS; kind++)
    if (sim->groups[kind].used)
      find_real_groups(placing, kind);
  find_coordinates(placing);
}

static void clear_real_groups(Placing *placing)
{
  for (unsigned kind = 0; kind < MOE_N_GROUPS; kind++) {
    g_free(placing->real[kind].member);
    g_free(placing->real[kind].of_rank);
    g_free(placing->real[kind].index);
    g_free(placing->real[kind].shape);
  }
  g_free(placing->stage);
  g_free(placing->expert);
  g_free(placing->rack);
}

#define REACH_BITS 3 /* MoeReach, in a word with an offset inside a domain */

/* ---- colours ----------------------------------------------------------------------------------------------------- */

static double slow_factor(const Sim *sim, int64_t rank)
{
  const MoeNetwork *network = &sim->run->cluster.network;
  double factor = 1;

  if (sim->without & MOE_WITHOUT_PEER_WAIT)
    return 1;
  for (guint i = 0; i < sim->options->n_slow; i++)
    if (sim->options->slow[i].rank == rank)
      factor *= sim->options->slow[i].factor;
  for (guint i = 0; i < network->n_faults; i++)
    if (network->faults[i].kind == MOE_FAULT_GPU && network->faults[i].index == rank)
      factor /= network->faults[i].factor;
  return factor;
}

static uint32_t load_class(const Placing *placing, guint rank)
{
  return sim_load_class(placing->sim, placing->rack[rank], placing->expert[rank]);
}

/* Stages a stage exchanges messages with, in either direction: a list per stage ended by -1. */
static int64_t *peer_stages(const Sim *sim)
{
  const MoeProgram *program = sim->program;
  guint n = program->n_roles;
  g_autofree gboolean *linked = g_new0(gboolean, (gsize)n * n + 1);
  int64_t *peers = g_new(int64_t, (gsize)n * (n + 1) + 1);

  for (guint m = 0; m < program->n_messages; m++) {
    const MoeMessage *message = &program->messages[m];

    linked[(gsize)message->from_stage * n + message->to_stage] = TRUE;
    linked[(gsize)message->to_stage * n + message->from_stage] = TRUE;
  }
  for (guint a = 0; a < n; a++) {
    int64_t *at = &peers[(gsize)a * (n + 1)];

    for (guint b = 0; b < n; b++)
      if (linked[(gsize)a * n + b])
        *at++ = b;
    *at = -1;
  }
  return peers;
}

static void first_colours(Placing *placing)
{
  for (guint rank = 0; rank < placing->n_ranks; rank++) {
    double slow = slow_factor(placing->sim, rank);
    uint64_t slow_bits;

    memcpy(&slow_bits, &slow, sizeof slow_bits);
    placing->colour[rank] = sim_mix(sim_mix(sim_mix(1, placing->stage[rank]), load_class(placing, rank)), slow_bits);
  }
}

/* Sum of the members' hashed colours: the same for every order of members. */
static void group_colours(const Placing *placing, const RealGroups *real, uint64_t *sum)
{
  for (guint g = 0; g < real->n_groups; g++) {
    sum[g] = 0;
    for (guint i = 0; i < real->size; i++)
      sum[g] += sim_mix(0, placing->colour[real->member[(gsize)g * real->size + i]]);
  }
}

/* Groups of one rank, and the one group of all, tell no ranks apart. */
static gboolean tells_apart(const Placing *placing, const RealGroups *real)
{
  return real->size > 1 && real->size < placing->n_ranks;
}

static void mix_groups(Placing *placing, uint64_t *next)
{
  for (unsigned kind = 0; kind < MOE_N_GROUPS; kind++) {
    RealGroups *real = &placing->real[kind];
    g_autofree uint64_t *sum = NULL;

    if (!tells_apart(placing, real))
      continue;
    sum = g_new(uint64_t, real->n_groups + 1);
    group_colours(placing, real, sum);
    for (guint rank = 0; rank < placing->n_ranks; rank++) {
      uint32_t group = real->of_rank[rank];

      next[rank] = sim_mix(next[rank], group == NONE ? 0 : sim_mix(real->shape[group] + 1, sum[group]));
    }
  }
}

static void mix_stages(Placing *placing, const int64_t *peers, uint64_t *next)
{
  const Sim *sim = placing->sim;
  guint n = sim->program->n_roles;
  int64_t stride = n > 1 ? moe_layout_on_stage(sim->program->layout, 0, 1) : 0; /* rank 0 is on stage 0 */

  for (guint rank = 0; n > 1 && rank < placing->n_ranks; rank++) {
    for (const int64_t *stage = &peers[(gsize)placing->stage[rank] * (n + 1)]; *stage >= 0; stage++) {
      int64_t peer = rank + (*stage - placing->stage[rank]) * stride;

      uint64_t where = moe_topo_reach(sim->topo, rank, peer) | moe_topo_offset(sim->topo, rank, peer) << REACH_BITS;

      next[rank] = sim_mix(sim_mix(next[rank], placing->colour[peer]), where);
    }
  }
}

static guint count_colours(Placing *placing)
{
  sim_colours_reset(&placing->colours);
  for (guint rank = 0; rank < placing->n_ranks; rank++)
    sim_colours_number(&placing->colours, placing->colour[rank]);
  return placing->colours.n;
}

static void refine_colours(Placing *placing)
{
  g_autofree uint64_t *next = g_new(uint64_t, placing->n_ranks);
  g_autofree int64_t *peers = peer_stages(placing->sim);
  guint before = 0, after = count_colours(placing);

  while (after != before) {
    for (guint rank = 0; rank < placing->n_ranks; rank++)
      next[rank] = sim_mix(0, placing->colour[rank]);
    mix_groups(placing, next);
    mix_stages(placing, peers, next);
    memcpy(placing->colour, next, placing->n_ranks * sizeof *next);
    before = after;
    after = count_colours(placing);
  }
}

/* What forbids folding, or NULL. */
static const char *not_foldable(const Sim *sim)
{
  if (sim->options->tick)
    return "another job takes its part of some links";
  if (sim->jitter > 0)
    return "kernel jitter makes every rank different";
  if (!moe_topo_uniform(sim->topo))
    return "faults of the network make some GPUs slower than others";
  if (moe_topo_leaves_matter(sim->topo))
    return "oversubscribed leaf switches are shared by ranks of different groups";
  if (moe_topo_islands_matter(sim->topo))
    return "oversubscribed links between the islands of a domain are shared by ranks of different groups";
  return NULL;
}

static gboolean choose_fidelity(Sim *sim, GError **error)
{
  const char *why = not_foldable(sim);
  MoeFidelity wanted = sim->options->fidelity;

  if (wanted == MOE_FIDELITY_FOLDED && why)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                    "this run cannot be folded: %s, expected --fidelity full or auto", why);
  sim->fidelity = wanted == MOE_FIDELITY_FULL || why ? MOE_FIDELITY_FULL : MOE_FIDELITY_FOLDED;
  return TRUE;
}

/* ---- units ------------------------------------------------------------------------------------------------------- */

static void new_unit(const Placing *placing, guint rank)
{
  Sim *sim = placing->sim;
  Unit *unit = &sim->unit[sim->n_units];

  unit->rank = rank;
  unit->role = placing->stage[rank];
  unit->load = load_class(placing, rank);
  unit->rack = placing->rack[rank];
  unit->index = placing->expert[rank];
  unit->slow = slow_factor(sim, rank);
  unit->jitter_key = moe_random_key(sim->options->seed, sim->jitter_stream, rank);
  sim->unit_of_rank[rank] = sim->n_units;
  sim->n_units++;
}

/* One unit per colour: the first rank that has it. */
static void make_units(Placing *placing)
{
  Sim *sim = placing->sim;
  gboolean folded = sim->fidelity == MOE_FIDELITY_FOLDED;
  guint n = folded ? count_colours(placing) : placing->n_ranks;

  sim->unit = g_new0(Unit, n);
  sim->multiplicity = g_new0(int64_t, n);
  sim->unit_of_rank = g_new(uint32_t, placing->n_ranks);
  sim->colour_of_rank = g_new(uint32_t, placing->n_ranks);
  for (guint rank = 0; rank < placing->n_ranks; rank++) {
    uint32_t unit = folded ? sim_colours_number(&placing->colours, placing->colour[rank]) : rank;

    sim->unit_of_rank[rank] = NONE;
    if (unit == sim->n_units)
      new_unit(placing, rank);
    sim->colour_of_rank[rank] = unit;
    sim->multiplicity[unit]++;
  }
}

/* ---- simulated groups -------------------------------------------------------------------------------------------- */

/* The first unit of every real group names it: groups of the same colours fold into one. */
static uint32_t group_name(const Sim *sim, const RealGroups *real, uint32_t group)
{
  uint32_t name = NONE;

  for (guint i = 0; i < real->size; i++)
    name = MIN(name, sim->colour_of_rank[real->member[(gsize)group * real->size + i]]);
  return name;
}

static void add_members(Placing *placing, Groups *groups, const RealGroups *real)
{
  Sim *sim = placing->sim;
  g_autofree uint32_t *filled = g_new0(uint32_t, groups->n_groups + 1);

  for (guint u = 0; u < sim->n_units; u++)
    if (groups->of_unit[u] != NONE)
      groups->first[groups->of_unit[u] + 1]++;
  for (guint g = 0; g < groups->n_groups; g++)
    groups->first[g + 1] += groups->first[g];
  for (guint u = 0; u < sim->n_units; u++) {
    uint32_t g = groups->of_unit[u];

    if (g == NONE)
      continue;
    uint32_t at = groups->first[g] + filled[g]++;
    groups->unit[at] = u;
    groups->gpu[at] = sim->unit[u].rank;
    groups->index[at] = real->index[sim->unit[u].rank];
  }
}

static void fold_groups(Placing *placing, MoeGroupKind kind)
{
  Sim *sim = placing->sim;
  const RealGroups *real = &placing->real[kind];
  Groups *groups = &sim->groups[kind];
  g_autofree uint32_t *by_name = g_new(uint32_t, sim->n_units + 1);
  g_autofree uint32_t *name_of = g_new(uint32_t, real->n_groups + 1);

  memset(by_name, 0xff, (sim->n_units + 1) * sizeof *by_name);
  memset(name_of, 0xff, (real->n_groups + 1) * sizeof *name_of);
  groups->of_unit = g_new(uint32_t, sim->n_units + 1);
  groups->shape = g_new0(uint32_t, sim->n_units + 1);
  for (guint u = 0; u < sim->n_units; u++) {
    uint32_t group = real->of_rank[sim->unit[u].rank];

    groups->of_unit[u] = NONE;
    if (group == NONE)
      continue;
    if (name_of[group] == NONE)
      name_of[group] = group_name(sim, real, group);
    uint32_t name = name_of[group];
    if (by_name[name] == NONE) {
      by_name[name] = groups->n_groups;
      groups->shape[groups->n_groups++] = real->shape[group];
    }
    groups->of_unit[u] = by_name[name];
  }
  groups->first = g_new0(uint32_t, groups->n_groups + 2);
  groups->unit = g_new(uint32_t, sim->n_units + 1);
  groups->gpu = g_new(uint32_t, sim->n_units + 1);
  groups->index = g_new(uint32_t, sim->n_units + 1);
  add_members(placing, groups, real);
}

/* Shapes of groups that are simulated are the ones that anybody plans for. */
static void make_room_for_plans(Sim *sim, const Groups *groups)
{
  guint n = sim->program->n_collectives + 1;

  for (guint g = 0; g < groups->n_groups; g++) {
    Shape *shape = &g_array_index(sim->shapes, Shape, groups->shape[g]);

    if (!shape->plans) {
      shape->plans = g_new0(MoeCollPlan, n);
      shape->planned = g_new0(gboolean, n);
    }
  }
}

gboolean sim_place(Sim *sim, GError **error)
{
  Placing placing = {.sim = sim, .n_ranks = (guint)moe_layout_ranks(sim->program->layout)};

  if (!choose_fidelity(sim, error) || !sim_effort_fits(sim, error))
    return FALSE;
  sim->n_loads = sim->program->n_load_classes;
  sim->shapes = g_array_new(FALSE, FALSE, sizeof(Shape));
  find_used_groups(&placing);
  sim_find_shapes(&placing);
  placing.colour = g_new0(uint64_t, placing.n_ranks);
  sim_colours_init(&placing.colours, placing.n_ranks);
  if (sim->fidelity == MOE_FIDELITY_FOLDED) {
    first_colours(&placing);
    refine_colours(&placing);
  }
  make_units(&placing);
  sim_colours_clear(&placing.colours);
  for (unsigned kind = 0; kind < MOE_N_GROUPS; kind++)
    if (sim->groups[kind].used) {
      fold_groups(&placing, kind);
      make_room_for_plans(sim, &sim->groups[kind]);
    }
  g_free(placing.colour);
  clear_real_groups(&placing);
  return TRUE;
}

static void clear_shapes(Sim *sim)
{
  if (!sim->shapes)
    return;
  for (guint s = 0; s < sim->shapes->len; s++) {
    Shape *shape = &g_array_index(sim->shapes, Shape, s);

    g_free(shape->gpus);
    g_free(shape->plans);
    g_free(shape->planned);
  }
  g_array_free(sim->shapes, TRUE);
}

void sim_place_clear(Sim *sim)
{
  for (unsigned kind = 0; kind < MOE_N_GROUPS; kind++) {
    Groups *groups = &sim->groups[kind];

    g_free(groups->first);
    g_free(groups->unit);
    g_free(groups->gpu);
    g_free(groups->index);
    g_free(groups->of_unit);
    g_free(groups->shape);
  }
  clear_shapes(sim);
  g_free(sim->unit);
  g_free(sim->unit_of_rank);
  g_free(sim->colour_of_rank);
  g_free(sim->multiplicity);
}
