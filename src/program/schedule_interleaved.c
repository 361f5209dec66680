/* Interleaved 1F1B, depth first: each stage holds several chunks and works on groups of as many micro-batches as there
 * are stages (Narayanan et al. 2021; Megatron-core, forward_backward_pipelining_with_interleaving). */
#include "schedule.h"

static const char *check(const MoePlacement *placement)
{
  if (placement->chunks < 2)
    return "schedule interleaved needs chunks, expected parallelism.virtual_stages of at least 2";
  if (placement->stages < 2)
    return "schedule interleaved needs a pipeline, expected parallelism.pipeline of at least 2";
  if (placement->batches % placement->stages != 0)
    return "micro-batches are not a multiple of the stages, as interleaving needs";
  return NULL;
}

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

const MoeSchedule moe_schedule_interleaved = {
    .kind = MOE_SCHEDULE_INTERLEAVED, .chains = 1, .check = check, .actions = actions};
