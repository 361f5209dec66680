/* ZB-V: two chunks per stage in a V, backward split, memory of 1F1B (Qi et al. 2024, arXiv:2401.10241, section 6). The
 * order is found by playing the pipeline with equal times for forward, data gradient and weight gradient: whoever is
 * free takes, of what is ready, a data gradient before a forward pass, the later chunk before the earlier one, and a
 * weight gradient when nothing else fits. */
#include "internal.h"

#define N_CHUNKS 2

/* One stage while the pipeline is played. Counts are of micro-batches done, by chunk. */
typedef struct {
  int64_t forward[N_CHUNKS], backward[N_CHUNKS], weight[N_CHUNKS];
} Played;

typedef struct {
  const MoePlacement *placement;
  Played *now, *next; /* [stage], at the beginning and the end of a slot */
  int64_t watched;
  GArray *out;
} Play;

/* Chunk activations a stage may hold: two per stage, as 1F1B's first stage holds one whole micro-batch per stage. The
 * first chunk leaves room for one of the second, without which nothing would ever be freed. */
static gboolean has_room(const Play *play, int64_t stage, int64_t chunk)
{
  const Played *s = &play->now[stage];
  int64_t held = s->forward[0] + s->forward[1] - s->weight[0] - s->weight[1];

  return held < N_CHUNKS * play->placement->stages - (chunk == 0);
}

static gboolean can_forward(const Play *play, int64_t stage, int64_t chunk)
{
  const Played *s = &play->now[stage];
  int64_t p = play->placement->stages, done = s->forward[chunk], ready;

  if (done >= play->placement->batches)
    return FALSE;
  if (chunk == 0)
    ready = stage == 0 ? play->placement->batches : play->now[stage - 1].forward[0];
  else
    ready = stage == p - 1 ? s->forward[0] : play->now[stage + 1].forward[1];
  return done < ready && has_room(play, stage, chunk);
}

static gboolean can_backward(const Play *play, int64_t stage, int64_t chunk)
{
  const Played *s = &play->now[stage];
  int64_t p = play->placement->stages, ready;

  if (chunk == 1)
    ready = stage == 0 ? s->forward[1] : play->now[stage - 1].backward[1];
  else
    ready = stage == p - 1 ? s->backward[1] : play->now[stage + 1].backward[0];
  return s->backward[chunk] < MIN(ready, s->forward[chunk]);
}

static void take(Play *play, int64_t stage, MoeActionKind kind, int64_t chunk, int64_t *count)
{
  if (stage == play->watched)
    moe_action_add(play->out, kind, chunk, *count);
  (*count)++;
}

/* Data gradients of the first chunk are nearest to the end of a micro-batch's way. */
static gboolean take_backward(Play *play, int64_t stage)
{
  for (int64_t chunk = 0; chunk < N_CHUNKS; chunk++)
    if (can_backward(play, stage, chunk)) {
      take(play, stage, MOE_ACTION_DGRAD, chunk, &play->next[stage].backward[chunk]);
      return TRUE;
    }
  return FALSE;
}

static gboolean take_forward(Play *play, int64_t stage)
{
  for (int64_t chunk = N_CHUNKS; chunk-- > 0;)
    if (can_forward(play, stage, chunk)) {
      take(play, stage, MOE_ACTION_FORWARD, chunk, &play->next[stage].forward[chunk]);
      return TRUE;
    }
  return FALSE;
}

static gboolean take_weight(Play *play, int64_t stage)
{
  for (int64_t chunk = N_CHUNKS; chunk-- > 0;)
    if (play->now[stage].weight[chunk] < play->now[stage].backward[chunk]) {
      take(play, stage, MOE_ACTION_WGRAD, chunk, &play->next[stage].weight[chunk]);
      return TRUE;
    }
  return FALSE;
}

/* One slot of equal length on all stages. FALSE when nobody could do anything. */
static gboolean play_slot(Play *play)
{
  gboolean moved = FALSE;

  for (int64_t stage = 0; stage < play->placement->stages; stage++)
    moved |= take_backward(play, stage) || take_forward(play, stage) || take_weight(play, stage);
  for (int64_t stage = 0; stage < play->placement->stages; stage++)
    play->now[stage] = play->next[stage];
  return moved;
}

static void actions(const MoePlacement *placement, int64_t stage, GArray *out)
{
  g_autofree Played *now = g_new0(Played, placement->stages);
  g_autofree Played *next = g_new0(Played, placement->stages);
  Play play = {placement, now, next, stage, out};

  while (play_slot(&play))
    continue;
  g_assert(out->len == (guint)(placement->batches * N_CHUNKS * 3));
}

/* A micro-batch on its way back has passed both chunks. */
static int64_t held(const MoePlacement *placement, int64_t stage, int64_t chunk)
{
  (void)placement, (void)stage, (void)chunk;
  return 1;
}

const MoeSchedule moe_schedule_zb_v = {.demand = {.min_stages = 2, .batches_per_stage = 1},
                                       .chunks = N_CHUNKS,
                                       .chains = 1,
                                       .folded = TRUE,
                                       .splits_backward = TRUE,
                                       .actions = actions,
                                       .held = held};
