/* Interleaved 1F1B, depth first: each stage holds several chunks and works on groups of as many micro-batches as there
 * are stages (Narayanan et al. 2021; Megatron-core, forward_backward_pipelining_with_interleaving). */
#include "internal.h"

/* The i-th pass of a stage: micro-batches in groups, chunk after chunk within a group. */
static int64_t chunk_of(const MoePlacement *placement, int64_t i, gboolean forward)
{
  int64_t chunk = i % (placement->stages * placement->chunks) / placement->stages;

  return forward ? chunk : placement->chunks - 1 - chunk;
}

static int64_t batch_of(const MoePlacement *placement, int64_t i)
{
  return i / (placement->stages * placement->chunks) * placement->stages + i % placement->stages;
}

static void add(const MoePlacement *placement, GArray *out, MoeActionKind kind, int64_t i)
{
  moe_action_add(out, kind, chunk_of(placement, i, kind == MOE_ACTION_FORWARD), batch_of(placement, i));
}

static void add_both(const MoePlacement *placement, GArray *out, int64_t f, int64_t b)
{
  moe_action_add_both(out, chunk_of(placement, f, TRUE), batch_of(placement, f), chunk_of(placement, b, FALSE),
                      batch_of(placement, b));
}

static void actions(const MoePlacement *placement, int64_t stage, GArray *out)
{
  int64_t total = placement->batches * placement->chunks;
  int64_t warm =
      2 * (placement->stages - stage - 1) + (placement->chunks - 1) * placement->stages + (placement->merge ? 1 : 0);

  warm = MIN(warm, total);
  for (int64_t i = 0; i < warm; i++)
    add(placement, out, MOE_ACTION_FORWARD, i);
  for (int64_t i = 0; i < total - warm; i++) {
    if (placement->merge) {
      add_both(placement, out, warm + i, i);
      continue;
    }
    add(placement, out, MOE_ACTION_FORWARD, warm + i);
    add(placement, out, MOE_ACTION_BACKWARD, i);
  }
  for (int64_t i = total - warm; i < total; i++)
    add(placement, out, MOE_ACTION_BACKWARD, i);
}

/* Passes of chunks that a stage has begun before its first backward pass, in rounds of as many micro-batches as there
 * are stages. */
static int64_t held(const MoePlacement *placement, int64_t stage, int64_t chunk)
{
  int64_t p = placement->stages, v = placement->chunks;
  int64_t begun = MIN(2 * (p - stage - 1) + (v - 1) * p + 1, placement->batches * v);
  int64_t rounds = begun / (p * v), rest = begun % (p * v);

  return rounds * p + CLAMP(rest - chunk * p, 0, p);
}

const MoeSchedule moe_schedule_interleaved = {.title = "interleaved 1F1B: several chunks a stage, depth first",
                                              .demand = {.min_stages = 2, .min_chunks = 2, .rounds = TRUE},
                                              .chains = 1,
                                              .actions = actions,
                                              .held = held};
