/* Life of an engine: classes, moving, cancelling, running, the clock, never. */
#include "engine/engine.h"
#include <moetest.h>

static const MoeCalendarKind kinds[] = {MOE_CALENDAR_WHEEL, MOE_CALENDAR_HEAP};

static void expect(MoeEngine *engine, MoeTime time, uint32_t klass, uint32_t id)
{
  MoeEvent event;

  ck_assert(moe_engine_pop(engine, &event));
  ck_assert_int_eq(event.time, time);
  ck_assert_uint_eq(event.klass, klass);
  ck_assert_uint_eq(event.id, id);
  ck_assert_int_eq(moe_engine_now(engine), time);
}

static void expect_end(MoeEngine *engine)
{
  MoeTime now = moe_engine_now(engine);
  MoeEvent event;

  ck_assert_int_eq(moe_engine_peek_time(engine), MOE_TIME_MAX);
  ck_assert(!moe_engine_pop(engine, &event));
  ck_assert_int_eq(moe_engine_now(engine), now);
  ck_assert_uint_eq(moe_engine_pending(engine), 0);
}

START_TEST(empty)
{
  for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
    g_autoptr(MoeEngine) engine = moe_engine_new(kinds[k]);
    ck_assert_int_eq(moe_engine_now(engine), 0);
    expect_end(engine);
  }
  moe_engine_free(NULL);
}
END_TEST

START_TEST(event_is_16_bytes)
{
  ck_assert_uint_eq(sizeof(MoeEvent), 16);
}
END_TEST

START_TEST(order_is_time_then_class_then_id)
{
  for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
    g_autoptr(MoeEngine) engine = moe_engine_new(kinds[k]);
    uint32_t low = moe_engine_add_class(engine, FALSE, 0);
    uint32_t middle = moe_engine_add_class(engine, TRUE, 10);
    uint32_t high = moe_engine_add_class(engine, FALSE, 0);
    moe_engine_post(engine, high, 0, 5);
    moe_engine_post(engine, low, UINT32_MAX, 5);
    moe_engine_set(engine, middle, 3, 5);
    moe_engine_post(engine, low, 2, 5);
    moe_engine_set(engine, middle, 1, 5);
    moe_engine_post(engine, high, 9, 4);
    expect(engine, 4, high, 9);
    expect(engine, 5, low, 2);
    expect(engine, 5, low, UINT32_MAX);
    expect(engine, 5, middle, 1);
    expect(engine, 5, middle, 3);
    expect(engine, 5, high, 0);
    expect_end(engine);
  }
}
END_TEST

START_TEST(set_moves_both_ways)
{
  g_autoptr(MoeEngine) engine = moe_engine_new(MOE_CALENDAR_WHEEL);
  uint32_t klass = moe_engine_add_class(engine, TRUE, 4);

  for (uint32_t id = 0; id < 4; id++)
    moe_engine_set(engine, klass, id, 10 + id);
  moe_engine_set(engine, klass, 0, 100);
  moe_engine_set(engine, klass, 3, 1);
  ck_assert_uint_eq(moe_engine_pending(engine), 4);
  ck_assert_int_eq(moe_engine_peek_time(engine), 1);
  expect(engine, 1, klass, 3);
  expect(engine, 11, klass, 1);
  moe_engine_set(engine, klass, 3, 11);
  expect(engine, 11, klass, 3);
  expect(engine, 12, klass, 2);
  expect(engine, 100, klass, 0);
  expect_end(engine);
}
END_TEST

START_TEST(cancel_movable)
{
  g_autoptr(MoeEngine) engine = moe_engine_new(MOE_CALENDAR_WHEEL);
  uint32_t klass = moe_engine_add_class(engine, TRUE, 1000);

  for (uint32_t id = 0; id < 1000; id++)
    moe_engine_set(engine, klass, id, (MoeTime)(id * 37 % 1000));
  for (uint32_t id = 0; id < 1000; id++)
    if (id * 37 % 1000 % 3)
      ck_assert(moe_engine_cancel(engine, klass, id));
  for (uint32_t id = 0; id < 1000; id++)
    if (id * 37 % 1000 % 3)
      ck_assert(!moe_engine_cancel(engine, klass, id));
  ck_assert(!moe_engine_cancel(engine, klass, 5000));
}
END_TEST

START_TEST(cancel_movable_keeps_the_order)
{
  g_autoptr(MoeEngine) engine = moe_engine_new(MOE_CALENDAR_WHEEL);
  uint32_t klass = moe_engine_add_class(engine, TRUE, 1000);

  for (uint32_t id = 0; id < 1000; id++)
    moe_engine_set(engine, klass, id, (MoeTime)(id * 37 % 1000));
  for (uint32_t id = 0; id < 1000; id++)
    if (id * 37 % 1000 % 3)
      ck_assert(moe_engine_cancel(engine, klass, id));
  /* 37 has the inverse 973 modulo 1000: the event at time t is that of id 973 t */
  for (MoeTime t = 0; t < 1000; t += 3)
    expect(engine, t, klass, (uint32_t)(973 * t % 1000));
  expect_end(engine);
}
END_TEST

/* Events in all four places of the wheel (opened, near, ring, far) are found and taken out. */
START_TEST(cancel_fixed)
{
  const MoeTime times[] = {100, 101, 101, 5000000, 5000001, G_GINT64_CONSTANT(1) << 50, G_GINT64_CONSTANT(1) << 51};
  const uint32_t n = G_N_ELEMENTS(times);

  for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
    for (uint32_t victim = 0; victim < n; victim++) {
      g_autoptr(MoeEngine) engine = moe_engine_new(kinds[k]);
      uint32_t klass = moe_engine_add_class(engine, FALSE, 0);
      moe_engine_post(engine, klass, 77, 50);
      for (uint32_t id = 0; id < n; id += 2)
        moe_engine_post(engine, klass, id, times[id]);
      expect(engine, 50, klass, 77);
      for (uint32_t id = 1; id < n; id += 2)
        moe_engine_post(engine, klass, id, times[id]);
      ck_assert(moe_engine_cancel(engine, klass, victim));
      ck_assert(!moe_engine_cancel(engine, klass, victim));
      ck_assert(!moe_engine_cancel(engine, klass, 77));
      ck_assert_uint_eq(moe_engine_pending(engine), n - 1);
      for (uint32_t id = 0; id < n; id++)
        if (id != victim)
          expect(engine, times[id], klass, id);
      expect_end(engine);
    }
}
END_TEST

START_TEST(never_is_not_kept)
{
  for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
    g_autoptr(MoeEngine) engine = moe_engine_new(kinds[k]);
    uint32_t fixed = moe_engine_add_class(engine, FALSE, 0);
    uint32_t movable = moe_engine_add_class(engine, TRUE, 2);
    moe_engine_post(engine, fixed, 0, MOE_TIME_MAX);
    moe_engine_set(engine, movable, 0, MOE_TIME_MAX);
    expect_end(engine);
    moe_engine_set(engine, movable, 1, 5);
    moe_engine_set(engine, movable, 1, MOE_TIME_MAX);
    expect_end(engine);
    /* the last instant before never is an instant like others */
    moe_engine_post(engine, fixed, 3, MOE_TIME_MAX - 1);
    moe_engine_set(engine, movable, 1, MOE_TIME_MAX - 1);
    expect(engine, MOE_TIME_MAX - 1, fixed, 3);
    moe_engine_post(engine, fixed, 4, MOE_TIME_MAX - 1);
    expect(engine, MOE_TIME_MAX - 1, fixed, 4);
    expect(engine, MOE_TIME_MAX - 1, movable, 1);
    expect_end(engine);
  }
}
END_TEST

START_TEST(ids_may_grow)
{
  g_autoptr(MoeEngine) engine = moe_engine_new(MOE_CALENDAR_WHEEL);
  uint32_t first = moe_engine_add_class(engine, TRUE, 0);
  uint32_t second = moe_engine_add_class(engine, TRUE, 1);

  moe_engine_set(engine, second, 0, 7);
  for (uint32_t size = 1; size <= 4096; size *= 2) {
    moe_engine_grow_class(engine, first, size);
    moe_engine_set(engine, first, size - 1, (MoeTime)(10000 - size));
    moe_engine_grow_class(engine, first, size / 2); /* never shrinks */
  }
  expect(engine, 7, second, 0);
  for (uint32_t size = 4096; size > 0; size /= 2)
    expect(engine, (MoeTime)(10000 - size), first, size - 1);
  expect_end(engine);
}
END_TEST

/* Nothing fixed for a long time while movable events drive the clock, then fixed events again. */
START_TEST(wheel_catches_up_with_movable_events)
{
  g_autoptr(MoeEngine) engine = moe_engine_new(MOE_CALENDAR_WHEEL);
  uint32_t fixed = moe_engine_add_class(engine, FALSE, 0);
  uint32_t movable = moe_engine_add_class(engine, TRUE, 1);
  MoeTime time = 0;

  moe_engine_post(engine, fixed, 1000, G_GINT64_CONSTANT(1) << 52);
  for (uint32_t i = 0; i < 1000; i++) {
    time += G_GINT64_CONSTANT(1) << (i % 40);
    moe_engine_set(engine, movable, 0, time);
    expect(engine, time, movable, 0);
    moe_engine_post(engine, fixed, i, time + 3);
    ck_assert_int_eq(moe_engine_peek_time(engine), time + 3);
    expect(engine, time + 3, fixed, i);
    time += 3;
  }
  expect(engine, G_GINT64_CONSTANT(1) << 52, fixed, 1000);
  expect_end(engine);
}
END_TEST

/* ---- run -------------------------------------------------------------------------------------------------------- */

typedef struct {
  guint seen;
  guint stop_after; /* 0: never */
  MoeTime last;
} Log;

static gboolean repeat(MoeEngine *engine, const MoeEvent *event, gpointer user_data)
{
  Log *log = user_data;

  log->seen++;
  log->last = event->time;
  moe_engine_post(engine, event->klass, event->id, event->time + 10);
  return log->seen != log->stop_after;
}

START_TEST(run_until)
{
  for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
    g_autoptr(MoeEngine) engine = moe_engine_new(kinds[k]);
    uint32_t klass = moe_engine_add_class(engine, FALSE, 0);
    Log log = {0};
    moe_engine_post(engine, klass, 0, 0);
    /* 0, 10 ... 100: the bound itself included */
    ck_assert_uint_eq(moe_engine_run(engine, 100, repeat, &log), 11);
    ck_assert_int_eq(log.last, 100);
    ck_assert_int_eq(moe_engine_now(engine), 100);
    ck_assert_uint_eq(moe_engine_run(engine, 109, repeat, &log), 0);
    ck_assert_uint_eq(moe_engine_run(engine, 110, repeat, &log), 1);
    /* between two runs the present may still be added to */
    moe_engine_post(engine, klass, 1, 112);
    expect(engine, 112, klass, 1);
    log.stop_after = log.seen + 3;
    ck_assert_uint_eq(moe_engine_run(engine, MOE_TIME_MAX, repeat, &log), 3);
    ck_assert_uint_eq(moe_engine_events(engine), 16);
  }
}
END_TEST

/* ---- threads ---------------------------------------------------------------------------------------------------- */

static gpointer drive(gpointer data)
{
  g_autoptr(MoeEngine) engine = moe_engine_new(MOE_CALENDAR_WHEEL);
  uint64_t seed = GPOINTER_TO_UINT(data);
  uint32_t klass = moe_engine_add_class(engine, FALSE, 0);
  MoeEvent event;

  moe_engine_keep_order_hash(engine, TRUE);
  for (uint32_t id = 0; id < 2000; id++)
    moe_engine_post(engine, klass, id, 0);
  for (guint i = 0; i < 200000 && moe_engine_pop(engine, &event); i++)
    moe_engine_post(engine, klass, event.id, event.time + (MoeTime)(moe_random_u64(seed, 0, event.id, i) % 4096));
  return g_memdup2(&(uint64_t){moe_engine_order_hash(engine)}, sizeof(uint64_t));
}

START_TEST(engines_in_two_threads)
{
  GThread *threads[2];

  for (guint i = 0; i < 2; i++)
    threads[i] = g_thread_new("engine", drive, GUINT_TO_POINTER(i + 1));
  for (guint i = 0; i < 2; i++) {
    g_autofree uint64_t *together = g_thread_join(threads[i]);
    g_autofree uint64_t *single = drive(GUINT_TO_POINTER(i + 1));
    ck_assert_uint_eq(*together, *single);
  }
}
END_TEST

MOE_TEST_MAIN("engine/engine", empty, event_is_16_bytes, order_is_time_then_class_then_id, set_moves_both_ways,
              cancel_movable, cancel_movable_keeps_the_order, cancel_fixed, never_is_not_kept, ids_may_grow,
              wheel_catches_up_with_movable_events, run_until, engines_in_two_threads)
