/* What a caller must not do is caught at once, not found in a wrong result: each test ends in SIGABRT. */
#include "engine/engine.h"
#include <moetest.h>

#include <signal.h>

static MoeEngine *engine_at_ten(uint32_t *fixed, uint32_t *movable)
{
  MoeEngine *engine = moe_engine_new(MOE_CALENDAR_WHEEL);
  MoeEvent event;

  *fixed = moe_engine_add_class(engine, FALSE, 0);
  *movable = moe_engine_add_class(engine, TRUE, 5);
  moe_engine_post(engine, *fixed, 0, 10);
  ck_assert(moe_engine_pop(engine, &event));
  return engine;
}

START_TEST(posting_into_the_past)
{
  uint32_t fixed, movable;
  g_autoptr(MoeEngine) engine = engine_at_ten(&fixed, &movable);

  moe_engine_post(engine, fixed, 1, 9);
}
END_TEST

START_TEST(setting_into_the_past)
{
  uint32_t fixed, movable;
  g_autoptr(MoeEngine) engine = engine_at_ten(&fixed, &movable);

  moe_engine_set(engine, movable, 1, 9);
}
END_TEST

START_TEST(posting_to_a_movable_class)
{
  uint32_t fixed, movable;
  g_autoptr(MoeEngine) engine = engine_at_ten(&fixed, &movable);

  moe_engine_post(engine, movable, 1, 11);
}
END_TEST

START_TEST(setting_in_a_fixed_class)
{
  uint32_t fixed, movable;
  g_autoptr(MoeEngine) engine = engine_at_ten(&fixed, &movable);

  moe_engine_set(engine, fixed, 1, 11);
}
END_TEST

START_TEST(id_out_of_range)
{
  uint32_t fixed, movable;
  g_autoptr(MoeEngine) engine = engine_at_ten(&fixed, &movable);

  moe_engine_set(engine, movable, 5, 11);
}
END_TEST

START_TEST(unknown_class)
{
  uint32_t fixed, movable;
  g_autoptr(MoeEngine) engine = engine_at_ten(&fixed, &movable);

  moe_engine_post(engine, movable + 1, 0, 11);
}
END_TEST

int main(void)
{
  const TTest *tests[] = {posting_into_the_past,    setting_into_the_past, posting_to_a_movable_class,
                          setting_in_a_fixed_class, id_out_of_range,       unknown_class};
  Suite *suite = suite_create("engine/misuse");
  TCase *tcase = tcase_create("all");
  SRunner *runner = srunner_create(suite);

  for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
    tcase_add_test_raise_signal(tcase, tests[i], SIGABRT);
  suite_add_tcase(suite, tcase);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
