/* Orders made of one building block (Qi et al. 2024, "Pipeline Parallelism with Controllable Memory",
 * arXiv:2405.15362): how long a micro-batch stays on a stage, from its forward pass to its weight gradient, over the
 * period is what the stage holds. */
#include "v_block.h"

/* One of the four passes that the block places. */
typedef struct {
  int64_t slot;
  MoeActionKind kind;
  int64_t chunk, batch;
} Pass;

static gint compare_passes(gconstpointer a, gconstpointer b)
{
  const Pass *x = a, *y = b;

  return (x->slot > y->slot) - (x->slot < y->slot);
}

static GArray *placed_passes(const MoePlacement *placement, const MoeVBlock *block)
{
  GArray *passes = g_array_new(FALSE, FALSE, sizeof(Pass));

  for (int64_t batch = 0; batch < placement->batches; batch++)
    for (int64_t chunk = 0; chunk < 2; chunk++) {
      int64_t later = batch * MOE_V_PERIOD;
      Pass pair[2] = {{block->forward[chunk] + later, MOE_ACTION_FORWARD, chunk, batch},
                      {block->backward[chunk] + later, MOE_ACTION_DGRAD, chunk, batch}};

      g_array_append_vals(passes, pair, 2);
    }
  g_array_sort(passes, compare_passes);
  return passes;
}

/* Weight gradients that wait, in the order of their data gradients. */
typedef struct {
  const GArray *passes;
  guint next, waiting; /* next: where to look on for the oldest */
  GArray *out;
} Waiting;

static void add_weight(Waiting *w)
{
  const Pass *pass = &g_array_index(w->passes, Pass, w->next);

  while (pass->kind != MOE_ACTION_DGRAD)
    pass = &g_array_index(w->passes, Pass, ++w->next);
  moe_action_add(w->out, MOE_ACTION_WGRAD, pass->chunk, pass->batch);
  w->next++;
  w->waiting--;
}

void moe_v_block_actions(const MoePlacement *placement, const MoeVBlock *block, GArray *actions)
{
  g_autoptr(GArray) passes = placed_passes(placement, block);
  Waiting waiting = {.passes = passes, .out = actions};
  int64_t slot = 0;

  for (guint i = 0; i < passes->len; i++, slot++) {
    const Pass *pass = &g_array_index(passes, Pass, i);

    for (; slot < pass->slot; slot++)
      if (waiting.waiting > 0)
        add_weight(&waiting);
    moe_action_add(actions, pass->kind, pass->chunk, pass->batch);
    waiting.waiting += pass->kind == MOE_ACTION_DGRAD;
  }
  while (waiting.waiting > 0)
    add_weight(&waiting);
}

int64_t moe_v_block_held(const MoePlacement *placement, int64_t stage, int64_t chunk)
{
  (void)placement, (void)stage, (void)chunk;
  return 1;
}
