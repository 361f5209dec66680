/* ZB-V: two chunks per stage in a V, backward split, memory of 1F1B (Qi et al. 2024, arXiv:2401.10241, section 6). The
 * order is found as the authors' planner does (sail-sg/zero-bubble-pipeline-parallelism, scheduler/zbv.py): a warm-up
 * of forward passes, then rounds in which every stage makes one data gradient and one forward pass, while weight
 * gradients fill waits and make room. The planner is given profiled times; this plays slots of equal length. On 16
 * stages where W takes half of F that makes the step 0.15 % longer than its order for those times. */
#include "internal.h"

#define N_CHUNKS 2

typedef enum { PASS_FORWARD, PASS_DGRAD, N_PASSES } Pass;

/* One stage while the pipeline is played. */
typedef struct {
  int64_t clock;                    /* slots that have passed when the stage is free */
  int64_t done[N_PASSES][N_CHUNKS]; /* micro-batches */
  int64_t weight[N_CHUNKS];         /* micro-batches whose weight gradients are done */
  uint8_t *owed;                    /* [chunks x batches] chunks of the data gradients made, in order */
  uint8_t next;                     /* chunk of this round's data gradient */
} Played;

typedef struct {
  const MoePlacement *placement;
  Played *stages;
  int64_t *end[N_PASSES]; /* [position x batches] slots that have passed at the end of the pass; 0 = not made yet */
  int64_t watched;
  GArray *out;
} Play;

static int64_t sum(const int64_t *by_chunk)
{
  return by_chunk[0] + by_chunk[1];
}

static int64_t position(const Play *play, int64_t stage, int64_t chunk)
{
  return chunk == 0 ? stage : play->placement->positions - 1 - stage;
}

/* Slot from which the chunk's next pass can be made; -1 when what it needs has not been made. */
static int64_t ready_slot(const Play *play, int64_t stage, Pass pass, int64_t chunk)
{
  const int64_t last = play->placement->positions - 1, m = play->placement->batches;
  int64_t at = position(play, stage, chunk), batch = play->stages[stage].done[pass][chunk], end;

  if (batch >= m)
    return -1;
  if (pass == PASS_FORWARD && at == 0)
    return 0;
  if (pass == PASS_FORWARD)
    end = play->end[PASS_FORWARD][(at - 1) * m + batch];
  else
    end = at == last ? play->end[PASS_FORWARD][at * m + batch] : play->end[PASS_DGRAD][(at + 1) * m + batch];
  return end > 0 ? end : -1;
}

static gboolean is_ready(const Play *play, int64_t stage, Pass pass, int64_t chunk)
{
  return ready_slot(play, stage, pass, chunk) >= 0;
}

static void note(Play *play, int64_t stage, MoeActionKind kind, int64_t chunk, int64_t batch)
{
  play->stages[stage].clock++;
  if (stage == play->watched)
    moe_action_add(play->out, kind, chunk, batch);
}

static gboolean owes_weight(const Played *s)
{
  return sum(s->weight) < sum(s->done[PASS_DGRAD]);
}

/* The oldest weight gradient that is still owed. */
static void take_weight(Play *play, int64_t stage)
{
  Played *s = &play->stages[stage];
  uint8_t chunk = s->owed[sum(s->weight)];

  g_assert(owes_weight(s));
  note(play, stage, MOE_ACTION_WGRAD, chunk, s->weight[chunk]++);
}

/* Chunk activations that a stage may hold: two per stage, as 1F1B's first stage holds one whole micro-batch per stage.
 * They go with the weight gradients. */
static int64_t room(const Play *play, int64_t stage)
{
  const Played *s = &play->stages[stage];

  return N_CHUNKS * play->placement->stages - sum(s->done[PASS_FORWARD]) + sum(s->weight);
}

/* The chunk's next pass, after the weight gradients that make room for it and those that fit before it can begin. */
static void take(Play *play, int64_t stage, Pass pass, int64_t chunk)
{
  Played *s = &play->stages[stage];
  int64_t ready = ready_slot(play, stage, pass, chunk), batch = s->done[pass][chunk];

  g_assert(ready >= 0);
  while (pass == PASS_FORWARD && room(play, stage) < 1)
    take_weight(play, stage);
  while (owes_weight(s) && s->clock < ready)
    take_weight(play, stage);
  s->clock = MAX(s->clock, ready);
  if (pass == PASS_DGRAD)
    s->owed[sum(s->done[pass])] = (uint8_t)chunk;
  note(play, stage, pass == PASS_FORWARD ? MOE_ACTION_FORWARD : MOE_ACTION_DGRAD, chunk, batch);
  s->done[pass][chunk]++;
  play->end[pass][position(play, stage, chunk) * play->placement->batches + batch] = s->clock;
}

/* The first micro-batch runs down the V and back up. Stages that wait for it go on with others, as far as memory
 * allows: what a stage takes, all before it take too. */
static void warm_up(Play *play)
{
  const int64_t p = play->placement->stages;

  for (int64_t stage = 0; stage < p; stage++)
    take(play, stage, PASS_FORWARD, 0);
  for (int64_t stage = p; stage-- > 0;) {
    while (room(play, stage) >= N_CHUNKS * (stage + 1) && is_ready(play, 0, PASS_FORWARD, 0) &&
           play->stages[stage].clock < ready_slot(play, stage, PASS_FORWARD, 1))
      for (int64_t before = 0; before <= stage; before++)
        take(play, before, PASS_FORWARD, 0);
    take(play, stage, PASS_FORWARD, 1);
  }
}

/* A stage that has made fewer passes than the one before it would stand idle while that one's are on their way. */
static gboolean lags(const Play *play, int64_t stage)
{
  const int64_t *mine = play->stages[stage].done[PASS_FORWARD], *before = play->stages[stage - 1].done[PASS_FORWARD];

  return sum(mine) < sum(before) || (before[1] < play->placement->batches && mine[1] <= before[1]);
}

/* Levels the stages' forward passes, from the last stage up, the chunks in turn. */
static void level(Play *play)
{
  const int64_t p = play->placement->stages;
  int64_t chunk = 0;

  for (int64_t stage = 1; stage < p; stage++)
    for (; lags(play, stage); chunk = 1 - chunk)
      for (int64_t behind = p; behind-- > stage;)
        if (play->stages[behind].done[PASS_FORWARD][chunk] < play->placement->batches)
          take(play, behind, PASS_FORWARD, chunk);
}

/* A data gradient of the first chunk, nearest to the end of a micro-batch's way, where one can be made. They go towards
 * the first stage, those of the second chunk towards the last: each finds its neighbour's of the same round. */
static void take_dgrads(Play *play)
{
  const int64_t p = play->placement->stages, m = play->placement->batches;

  for (int64_t stage = 0; stage < p; stage++) {
    Played *s = &play->stages[stage];

    s->next = is_ready(play, stage, PASS_DGRAD, 0) || s->done[PASS_DGRAD][1] == m ? 0 : 1;
  }
  for (int64_t stage = p; stage-- > 0;)
    if (play->stages[stage].next == 0)
      take(play, stage, PASS_DGRAD, 0);
  for (int64_t stage = 0; stage < p; stage++)
    if (play->stages[stage].next == 1)
      take(play, stage, PASS_DGRAD, 1);
}

static void take_forwards(Play *play)
{
  for (int64_t stage = 0; stage < play->placement->stages; stage++)
    for (int64_t chunk = N_CHUNKS; chunk-- > 0;)
      if (is_ready(play, stage, PASS_FORWARD, chunk)) {
        take(play, stage, PASS_FORWARD, chunk);
        break;
      }
}

static void run(Play *play)
{
  warm_up(play);
  level(play);
  for (int64_t round = 0; round < N_CHUNKS * play->placement->batches; round++) {
    take_dgrads(play);
    take_forwards(play);
  }
  for (int64_t stage = 0; stage < play->placement->stages; stage++)
    while (owes_weight(&play->stages[stage]))
      take_weight(play, stage);
}

static void actions(const MoePlacement *placement, int64_t stage, GArray *out)
{
  const int64_t passes = N_CHUNKS * placement->batches;
  g_autofree Played *stages = g_new0(Played, placement->stages);
  g_autofree uint8_t *owed = g_new0(uint8_t, placement->stages * passes);
  g_autofree int64_t *forward = g_new0(int64_t, placement->stages * passes);
  g_autofree int64_t *dgrad = g_new0(int64_t, placement->stages * passes);
  Play play = {placement, stages, {forward, dgrad}, stage, out};

  for (int64_t s = 0; s < placement->stages; s++)
    stages[s].owed = &owed[s * passes];
  run(&play);
  g_assert(out->len == (guint)(placement->batches * N_CHUNKS * 3));
}

/* A micro-batch on its way back has passed both chunks. */
static int64_t held(const MoePlacement *placement, int64_t stage, int64_t chunk)
{
  (void)placement, (void)stage, (void)chunk;
  return 1;
}

const MoeSchedule moe_schedule_zb_v = {
    .title = "zero bubble V: two chunks a stage in a V, weight gradients fill waits, memory of 1F1B",
    .demand = {.min_stages = 2, .batches_per_stage = 1},
    .chunks = N_CHUNKS,
    .chains = 1,
    .folded = TRUE,
    .splits_backward = TRUE,
    .actions = actions,
    .held = held};
