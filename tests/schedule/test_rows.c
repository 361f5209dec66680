/* Every schedule over many shapes: what its row says is read off its actions. */
#include "moetest.h"

#include "schedule/schedule.h"
#include <string.h>

/* Stages, virtual stages and micro-batches that are tried: all that a schedule accepts of them. */
#define MAX_STAGES  8
#define MAX_VIRTUAL 4
#define MAX_BATCHES 36

typedef struct {
  MoeScheduleKind kind;
  const MoeSchedule *row;
  MoePlacement place;
  GArray *actions[MAX_STAGES];
} Played;

static void played_init(Played *p, MoeScheduleKind kind, int64_t stages, int64_t chunks, int64_t batches,
                        gboolean merge)
{
  *p = (Played){.kind = kind, .row = moe_schedule_find(kind)};
  moe_placement_init(kind, stages, chunks, batches, merge, &p->place);
  for (int64_t s = 0; s < stages; s++) {
    p->actions[s] = g_array_new(FALSE, FALSE, sizeof(MoeAction));
    p->row->actions(&p->place, s, p->actions[s]);
  }
}

static void played_clear(Played *p)
{
  for (int64_t s = 0; s < p->place.stages; s++)
    g_array_unref(p->actions[s]);
}

typedef void (*Look)(const Played *played);

/* Calls `look` for every shape that the schedule accepts. Returns their number. */
static guint each_shape(MoeScheduleKind kind, gboolean merge, Look look)
{
  guint n = 0;

  for (int64_t p = 1; p <= MAX_STAGES; p++)
    for (int64_t v = 1; v <= MAX_VIRTUAL; v++)
      for (int64_t m = 1; m <= MAX_BATCHES; m++) {
        g_autofree char *wrong = moe_schedule_check(kind, p, v, m, NULL);
        Played played;

        if (wrong)
          continue;
        played_init(&played, kind, p, v, m, merge);
        look(&played);
        played_clear(&played);
        n++;
      }
  return n;
}

static void each_schedule(Look look)
{
  for (MoeScheduleKind kind = 0; kind < MOE_N_SCHEDULES; kind++) {
    ck_assert_uint_gt(each_shape(kind, FALSE, look), 20);
    ck_assert_uint_gt(each_shape(kind, TRUE, look), 20);
  }
}

static const MoeAction *action_at(const Played *p, int64_t stage, guint i)
{
  return &g_array_index(p->actions[stage], MoeAction, i);
}

static int64_t position(const Played *p, int64_t stage, int64_t chunk)
{
  return moe_placement_position(p->row, &p->place, stage, chunk);
}

/* ---- all work is done, once, and can be -------------------------------------------------------------------------- */

/* What is done of (position, batch). */
typedef struct {
  guint8 forward, backward, weight;
} Done;

static gboolean can_do(const Played *p, const Done *done, int64_t stage, const MoeAction *a)
{
  int64_t last = p->place.positions - 1;

  if (moe_action_forwards(a)) {
    int64_t q = position(p, stage, a->chunk);

    if (q > 0 && !done[a->batch * p->place.positions + q - 1].forward)
      return FALSE;
  }
  if (moe_action_backwards(a)) {
    int64_t q = position(p, stage, a->chunk_b), at = a->batch_b * p->place.positions + q;

    if (!done[at].forward || (q < last && !done[at + 1].backward))
      return FALSE;
  }
  if (a->kind == MOE_ACTION_WGRAD)
    return done[a->batch_b * p->place.positions + position(p, stage, a->chunk_b)].backward;
  return TRUE;
}

static void do_it(const Played *p, Done *done, int64_t stage, const MoeAction *a)
{
  if (moe_action_forwards(a))
    done[a->batch * p->place.positions + position(p, stage, a->chunk)].forward++;
  if (moe_action_backwards(a))
    done[a->batch_b * p->place.positions + position(p, stage, a->chunk_b)].backward++;
  if (moe_action_weighs(a))
    done[a->batch_b * p->place.positions + position(p, stage, a->chunk_b)].weight++;
}

static void look_complete(const Played *p)
{
  guint next[MAX_STAGES] = {0};
  g_autofree Done *done = g_new0(Done, p->place.positions * p->place.batches);

  for (gboolean moved = TRUE; moved;) {
    moved = FALSE;
    for (int64_t s = 0; s < p->place.stages; s++)
      for (; next[s] < p->actions[s]->len && can_do(p, done, s, action_at(p, s, next[s])); moved = TRUE)
        do_it(p, done, s, action_at(p, s, next[s]++));
  }
  for (int64_t s = 0; s < p->place.stages; s++)
    ck_assert_msg(next[s] == p->actions[s]->len, "%s deadlocks on stage %d", moe_schedule_words[p->kind], (int)s);
  for (int64_t i = 0; i < p->place.positions * p->place.batches; i++)
    ck_assert_msg(done[i].forward == 1 && done[i].backward == 1 && done[i].weight == 1, "%s: %d/%d/%d",
                  moe_schedule_words[p->kind], done[i].forward, done[i].backward, done[i].weight);
}

/* Every micro-batch passes every position once, forward, backward and for the weights, in an order that needs nothing
 * before it is there. */
START_TEST(test_complete)
{
  each_schedule(look_complete);
}
END_TEST

/* ---- traits ------------------------------------------------------------------------------------------------------ */

static void look_traits(const Played *p)
{
  gboolean splits = FALSE;

  for (int64_t s = 0; s < p->place.stages; s++)
    for (guint i = 0; i < p->actions[s]->len; i++)
      splits |= action_at(p, s, i)->kind == MOE_ACTION_DGRAD || action_at(p, s, i)->kind == MOE_ACTION_WGRAD;
  ck_assert_int_eq(splits, p->row->splits_backward);
  for (int64_t s = 0; s < p->place.stages; s++)
    for (int64_t c = 0; c < p->place.chunks; c++)
      ck_assert_int_eq(moe_placement_stage(p->row, &p->place, position(p, s, c), p->row->chains > 1 ? c : 0), s);
  /* Folded: the way turns on a stage instead of going back to the first. */
  if (p->row->chains == 1 && p->place.chunks > 1 && p->place.stages > 1)
    ck_assert_int_eq(moe_placement_stage(p->row, &p->place, p->place.stages - 1, 0) ==
                         moe_placement_stage(p->row, &p->place, p->place.stages, 0),
                     p->row->folded);
}

START_TEST(test_traits)
{
  each_schedule(look_traits);
}
END_TEST

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* How far `held` may stay below what is held. In shared blocks what comes and what goes overlap; DualPipe's middle
 * stages take one more pass before they let one go; orders that are played have no formula. */
static int64_t slack(const Played *p)
{
  if (p->row->folded && p->kind != MOE_SCHEDULE_DUALPIPE_V)
    return G_MAXINT64;
  return p->place.merge || p->row->chains > 1 || p->kind == MOE_SCHEDULE_DUALPIPE_V ? 1 : 0;
}

/* Activations come with a forward pass and go with the weight gradients. `most` is the largest sum of all chunks. */
static gboolean reaches(const Played *p, int64_t stage, const int64_t *wanted, int64_t *most)
{
  int64_t now[MOE_MAX_CHUNKS] = {0}, sum = 0;
  gboolean reached = FALSE;

  for (guint i = 0; i < p->actions[stage]->len; i++) {
    const MoeAction *a = action_at(p, stage, i);
    gboolean all = TRUE;

    /* A shared block lets go of the one while it takes up the other. */
    if (moe_action_weighs(a))
      now[a->chunk_b]--, sum--;
    if (moe_action_forwards(a))
      now[a->chunk]++, sum++;
    *most = MAX(*most, sum);
    for (int64_t c = 0; c < p->place.chunks; c++)
      all &= now[c] >= wanted[c];
    reached |= all;
  }
  return reached;
}

static void look_held(const Played *p)
{
  for (int64_t s = 0; s < p->place.stages; s++) {
    int64_t wanted[MOE_MAX_CHUNKS], sum = 0, most = 0;

    for (int64_t c = 0; c < p->place.chunks; c++)
      sum += wanted[c] = p->row->held(&p->place, s, c);
    ck_assert_msg(reaches(p, s, wanted, &most), "%s holds less than it says: stage %d of %d, %d batches",
                  moe_schedule_words[p->kind], (int)s, (int)p->place.stages, (int)p->place.batches);
    ck_assert_int_le(sum, most);
    ck_assert_int_le(most - sum, slack(p));
  }
}

START_TEST(test_held)
{
  each_schedule(look_held);
}
END_TEST

/* Most chunk activations that any stage holds, of 4 p micro-batches. */
static int64_t most_held(MoeScheduleKind kind, int64_t p)
{
  const int64_t none[2] = {0, 0};
  int64_t most = 0;
  Played played;

  played_init(&played, kind, p, 1, 4 * p, FALSE);
  for (int64_t s = 0; s < p; s++)
    reaches(&played, s, none, &most);
  played_clear(&played);
  return most;
}

/* Qi et al. 2024, arXiv:2405.15362: ZB-V holds what 1F1B does, two chunks per stage; V-Half half of it and V-Min a
 * third (rounded up), each and at most two chunks more, whatever the number of stages. */
START_TEST(test_controlled_memory)
{
  for (int64_t p = 2; p <= MAX_STAGES; p++) {
    ck_assert_int_eq(most_held(MOE_SCHEDULE_ZB_V, p), 2 * p);
    ck_assert_int_le(most_held(MOE_SCHEDULE_V_HALF, p), p + 2);
    ck_assert_int_le(3 * most_held(MOE_SCHEDULE_V_MIN, p), 2 * p + 2 + 6);
  }
}
END_TEST

/* ---- demands ----------------------------------------------------------------------------------------------------- */

static const struct {
  MoeScheduleKind kind;
  int stages, chunks, batches;
  MoeScheduleAbout about;
  const char *says; /* NULL = accepted */
} demands[] = {
    {MOE_SCHEDULE_NONE, 2, 1, 4, MOE_SCHEDULE_ABOUT_SCHEDULE, "schedule none with pipeline 2, expected a schedule"},
    {MOE_SCHEDULE_NONE, 1, 2, 4, MOE_SCHEDULE_ABOUT_CHUNKS, "schedule none with 2 virtual stages, expected 1"},
    {MOE_SCHEDULE_1F1B, 4, 2, 4, MOE_SCHEDULE_ABOUT_CHUNKS, "schedule 1f1b with 2 virtual stages, expected 1"},
    {MOE_SCHEDULE_GPIPE, 4, 2, 3, 0, NULL},
    {MOE_SCHEDULE_INTERLEAVED, 4, 1, 4, MOE_SCHEDULE_ABOUT_CHUNKS, "with 1 virtual stage, expected at least 2"},
    {MOE_SCHEDULE_INTERLEAVED, 1, 2, 4, MOE_SCHEDULE_ABOUT_SCHEDULE, "expected at least 2 stages"},
    {MOE_SCHEDULE_INTERLEAVED, 4, 2, 6, MOE_SCHEDULE_ABOUT_BATCHES, "expected a multiple of pipeline (4)"},
    {MOE_SCHEDULE_INTERLEAVED, 4, 65, 8, MOE_SCHEDULE_ABOUT_CHUNKS, "65 virtual stages per stage, expected at most 64"},
    {MOE_SCHEDULE_ZB_H1, 1, 1, 4, MOE_SCHEDULE_ABOUT_SCHEDULE, "schedule zb-h1 with pipeline 1"},
    {MOE_SCHEDULE_ZB_V, 4, 1, 3, MOE_SCHEDULE_ABOUT_BATCHES, "3 micro-batches with schedule zb-v, expected at least 4"},
    {MOE_SCHEDULE_ZB_V, 4, 2, 4, 0, NULL},
    {MOE_SCHEDULE_DUALPIPE, 3, 1, 6, MOE_SCHEDULE_ABOUT_STAGES, "with pipeline 3, expected an even number of stages"},
    {MOE_SCHEDULE_DUALPIPE, 4, 2, 8, MOE_SCHEDULE_ABOUT_CHUNKS, "schedule dualpipe with 2 virtual stages, expected 1"},
    {MOE_SCHEDULE_DUALPIPE, 4, 1, 9, MOE_SCHEDULE_ABOUT_BATCHES, "expected an even number"},
    {MOE_SCHEDULE_DUALPIPE, 4, 1, 6, MOE_SCHEDULE_ABOUT_BATCHES, "expected at least 8"},
    {MOE_SCHEDULE_DUALPIPE_V, 4, 1, 7, MOE_SCHEDULE_ABOUT_BATCHES, "expected at least 8"},
};

START_TEST(test_demands)
{
  for (guint i = 0; i < G_N_ELEMENTS(demands); i++) {
    MoeScheduleAbout about = MOE_SCHEDULE_ABOUT_SCHEDULE;
    g_autofree char *wrong =
        moe_schedule_check(demands[i].kind, demands[i].stages, demands[i].chunks, demands[i].batches, &about);

    ck_assert_msg(demands[i].says ? wrong && strstr(wrong, demands[i].says) : !wrong, "row %u: %s", i,
                  wrong ? wrong : "accepted");
    if (wrong)
      ck_assert_int_eq(about, demands[i].about);
  }
}
END_TEST

MOE_TEST_MAIN("schedule/rows", test_complete, test_traits, test_held, test_controlled_memory, test_demands)
