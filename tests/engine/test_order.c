/* The order of events: against a sorted list, and the two calendars against each other. */
#include "engine/engine.h"
#include <moetest.h>

#include <string.h>

#define N_FIXED 3
#define ROUNDS  60000

typedef struct {
  MoeTime times; /* increments are below this, picoseconds: small makes ties */
  uint32_t pending;
  uint32_t burst; /* events posted for each one popped, while below pending */
} Workload;

static const Workload workloads[] = {
    {1, 500, 1},        {3, 3000, 2},        {1000, 100, 1},
    {5000000, 5000, 2}, {5000000, 20000, 1}, {G_GINT64_CONSTANT(1) << 44, 3000, 2},
    {40, 1, 1},         {2000, 12000, 3},
};

static int compare_events(const void *left, const void *right)
{
  const MoeEvent *a = left;
  const MoeEvent *b = right;

  if (a->time != b->time)
    return a->time < b->time ? -1 : 1;
  if (a->klass != b->klass)
    return a->klass < b->klass ? -1 : 1;
  return a->id < b->id ? -1 : a->id > b->id;
}

START_TEST(leaves_in_sorted_order)
{
  const MoeCalendarKind kind = _i % 2 ? MOE_CALENDAR_WHEEL : MOE_CALENDAR_HEAP;
  const MoeTime spans[] = {1, 10, 1000, 10000000, G_GINT64_CONSTANT(1) << 40, MOE_TIME_MAX - 1};
  const guint n = 20000;

  for (size_t s = 0; s < G_N_ELEMENTS(spans); s++) {
    g_autoptr(MoeEngine) engine = moe_engine_new(kind);
    g_autofree MoeEvent *expected = g_new(MoeEvent, n);
    for (uint32_t c = 0; c < N_FIXED; c++)
      moe_engine_add_class(engine, c == 1, n);
    for (guint i = 0; i < n; i++) {
      MoeTime time = (MoeTime)(moe_random_u64(1, s, 0, i) % (uint64_t)spans[s]);
      /* a permutation, so that ids come in no order */
      MoeEvent event = {time, i % N_FIXED, (uint32_t)((i * UINT64_C(7919)) % n)};
      expected[i] = event;
      if (event.klass == 1)
        moe_engine_set(engine, event.klass, event.id, time);
      else
        moe_engine_post(engine, event.klass, event.id, time);
    }
    qsort(expected, n, sizeof *expected, compare_events);
    ck_assert_uint_eq(moe_engine_pending(engine), n);
    for (guint i = 0; i < n; i++) {
      MoeEvent event;
      ck_assert_int_eq(moe_engine_peek_time(engine), expected[i].time);
      ck_assert(moe_engine_pop(engine, &event));
      ck_assert_int_eq(compare_events(&event, &expected[i]), 0);
      ck_assert_int_eq(moe_engine_now(engine), event.time);
    }
    ck_assert_uint_eq(moe_engine_pending(engine), 0);
    ck_assert_uint_eq(moe_engine_events(engine), n);
  }
}
END_TEST

/* ---- a slow calendar: an array searched from end to end --------------------------------------------------------- */

typedef struct {
  MoeEvent *events;
  guint n;
} SlowCalendar;

static void slow_remove(SlowCalendar *slow, uint32_t klass, uint32_t id)
{
  for (guint i = 0; i < slow->n; i++)
    if (slow->events[i].klass == klass && slow->events[i].id == id) {
      slow->events[i] = slow->events[--slow->n];
      return;
    }
}

static void slow_add(SlowCalendar *slow, uint32_t klass, uint32_t id, MoeTime time)
{
  slow_remove(slow, klass, id);
  slow->events[slow->n++] = (MoeEvent){time, klass, id};
}

static MoeEvent slow_pop(SlowCalendar *slow)
{
  guint best = 0;

  for (guint i = 1; i < slow->n; i++)
    if (compare_events(&slow->events[i], &slow->events[best]) < 0)
      best = i;
  MoeEvent event = slow->events[best];
  slow->events[best] = slow->events[--slow->n];
  return event;
}

/* One change of the calendar, drawn from `bits`: half of them post the popped id again, many at the present instant. */
static void change(MoeEngine *engine, SlowCalendar *slow, MoeEvent popped, uint64_t bits)
{
  static const MoeTime increments[] = {0, 0, 1, 7, 1000, 1000, 3000000, 5000000000};
  MoeTime time = popped.time + increments[bits % 8];
  uint32_t id = (uint32_t)(bits >> 32) % 256;

  if (popped.klass != 1) {
    moe_engine_post(engine, popped.klass, popped.id, time);
    slow_add(slow, popped.klass, popped.id, time);
  }
  if (bits >> 8 & 1) {
    moe_engine_set(engine, 1, id, time);
    slow_add(slow, 1, id, time);
  } else if ((bits >> 9 & 7) == 0) {
    moe_engine_cancel(engine, 1, id);
    slow_remove(slow, 1, id);
  }
}

START_TEST(agrees_with_a_slow_calendar)
{
  g_autoptr(MoeEngine) engine = moe_engine_new(_i % 2 ? MOE_CALENDAR_WHEEL : MOE_CALENDAR_HEAP);
  g_autofree MoeEvent *memory = g_new(MoeEvent, 1024);
  SlowCalendar slow = {memory, 0};

  for (uint32_t c = 0; c < N_FIXED; c++)
    moe_engine_add_class(engine, c == 1, 256);
  for (uint32_t id = 0; id < 200; id++) {
    moe_engine_post(engine, id % 2 * 2, id, 0);
    slow_add(&slow, id % 2 * 2, id, 0);
  }
  for (guint round = 0; round < ROUNDS; round++) {
    MoeEvent event;
    MoeEvent expected = slow_pop(&slow);
    ck_assert(moe_engine_pop(engine, &event));
    ck_assert_int_eq(compare_events(&event, &expected), 0);
    change(engine, &slow, event, moe_random_u64(2, 0, 0, round));
    ck_assert_uint_eq(moe_engine_pending(engine), slow.n);
  }
}
END_TEST

/* ---- equal hashes ----------------------------------------------------------------------------------------------- */

static uint64_t order_of(const Workload *load, MoeCalendarKind kind, uint64_t seed)
{
  g_autoptr(MoeEngine) engine = moe_engine_new(kind);
  uint32_t next_id = load->pending;
  MoeEvent event;

  moe_engine_keep_order_hash(engine, TRUE);
  for (uint32_t c = 0; c < N_FIXED; c++)
    moe_engine_add_class(engine, c == 1, load->pending);
  for (uint32_t id = 0; id < MIN(load->pending, 64); id++)
    moe_engine_post(engine, id % 2 * 2, id, (MoeTime)(moe_random_u64(seed, 0, 0, id) % (uint64_t)load->times));
  for (guint round = 0; round < ROUNDS && moe_engine_pop(engine, &event); round++) {
    uint32_t copies = moe_engine_pending(engine) + load->burst <= load->pending ? load->burst : 1;
    for (uint32_t k = 0; k < copies; k++) {
      uint64_t bits = moe_random_u64(seed, 1, round, k);
      MoeTime time = event.time + (MoeTime)((bits >> 8) % (uint64_t)load->times);
      if (bits % 4 == 0)
        moe_engine_set(engine, 1, (uint32_t)(bits >> 32) % load->pending, time);
      else
        moe_engine_post(engine, bits & 2, next_id++, time);
    }
  }
  return moe_engine_order_hash(engine);
}

START_TEST(both_calendars_give_one_order)
{
  uint64_t wheel = order_of(&workloads[_i], MOE_CALENDAR_WHEEL, 5);

  ck_assert_uint_eq(wheel, order_of(&workloads[_i], MOE_CALENDAR_HEAP, 5));
  ck_assert_uint_eq(wheel, order_of(&workloads[_i], MOE_CALENDAR_WHEEL, 5));
  ck_assert_uint_ne(wheel, order_of(&workloads[_i], MOE_CALENDAR_WHEEL, 6));
}
END_TEST

/* The pace changes by a factor of 10^8 and back while 5,000 events are pending: the wheel must change its width. */
START_TEST(pace_may_change)
{
  uint64_t hashes[2];

  for (int kind = 0; kind < 2; kind++) {
    g_autoptr(MoeEngine) engine = moe_engine_new((MoeCalendarKind)kind);
    uint32_t klass = moe_engine_add_class(engine, FALSE, 0);
    MoeEvent event;
    moe_engine_keep_order_hash(engine, TRUE);
    for (uint32_t id = 0; id < 5000; id++)
      moe_engine_post(engine, klass, id, id);
    for (guint round = 0; round < 10 * ROUNDS && moe_engine_pop(engine, &event); round++) {
      uint64_t scale = round / ROUNDS % 2 ? 1000 : UINT64_C(100000000000);
      moe_engine_post(engine, klass, event.id, event.time + (MoeTime)(moe_random_u64(3, 0, 0, round) % scale));
    }
    hashes[kind] = moe_engine_order_hash(engine);
  }
  ck_assert_uint_eq(hashes[0], hashes[1]);
}
END_TEST

/* 20,000 events at one instant, each of which posts another one at the same instant in a lower and in a higher class.
 */
/* What is announced as next is what leaves next, with a heap of any size. */
START_TEST(announces_the_next_movable)
{
  const MoeEvent none[MOE_ENGINE_AHEAD] = {0};
  const guint n = 300;
  g_autoptr(MoeEngine) engine = moe_engine_new(MOE_CALENDAR_WHEEL);
  uint32_t klass = moe_engine_add_class(engine, TRUE, n);
  MoeEvent announced[MOE_ENGINE_AHEAD], event;

  ck_assert_uint_eq(moe_engine_next_movable(engine, announced), 0);
  for (uint32_t id = 0; id < n; id++)
    moe_engine_set(engine, klass, id, (MoeTime)(moe_random_u64(7, moe_random_stream("ahead"), id, 0) % 200));
  for (guint left = n; left > 0; left -= MIN(left, MOE_ENGINE_AHEAD)) {
    memcpy(announced, none, sizeof announced);
    guint n_announced = moe_engine_next_movable(engine, announced);
    ck_assert_uint_eq(n_announced, MIN(left, MOE_ENGINE_AHEAD));
    for (guint i = 0; i < n_announced; i++) {
      ck_assert(moe_engine_pop(engine, &event));
      ck_assert_int_eq(compare_events(&announced[i], &event), 0);
    }
  }
}
END_TEST

START_TEST(mass_tie_posting_into_the_present)
{
  g_autoptr(MoeEngine) engine = moe_engine_new(_i % 2 ? MOE_CALENDAR_WHEEL : MOE_CALENDAR_HEAP);
  const uint32_t n = 20000;
  MoeEvent event;

  for (uint32_t c = 0; c < 3; c++)
    moe_engine_add_class(engine, FALSE, 0);
  for (uint32_t id = n; id-- > 0;)
    moe_engine_post(engine, 1, id, 1000);
  for (uint32_t id = 0; id < n; id++) {
    /* class 1 event `id`, then at once the class 0 event it posted: 0 goes before all class 1 events that are left */
    ck_assert(moe_engine_pop(engine, &event));
    ck_assert(event.time == 1000 && event.klass == 1 && event.id == id);
    moe_engine_post(engine, 2, n - id, 1000);
    moe_engine_post(engine, 0, n + id, 1000);
    ck_assert(moe_engine_pop(engine, &event));
    ck_assert(event.time == 1000 && event.klass == 0 && event.id == n + id);
  }
  for (uint32_t id = 1; id <= n; id++) {
    ck_assert(moe_engine_pop(engine, &event));
    ck_assert(event.time == 1000 && event.klass == 2 && event.id == id);
  }
  ck_assert(!moe_engine_pop(engine, &event));
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("engine/order");
  TCase *tcase = tcase_create("all");

  tcase_add_loop_test(tcase, leaves_in_sorted_order, 0, 2);
  tcase_add_loop_test(tcase, agrees_with_a_slow_calendar, 0, 2);
  tcase_add_loop_test(tcase, both_calendars_give_one_order, 0, (int)G_N_ELEMENTS(workloads));
  tcase_add_test(tcase, pace_may_change);
  tcase_add_test(tcase, announces_the_next_movable);
  tcase_add_loop_test(tcase, mass_tie_posting_into_the_present, 0, 2);
  suite_add_tcase(suite, tcase);
  return moetest_run_suite(suite);
}
