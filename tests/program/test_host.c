/* Where the host waits: operations of a program that stop it. */
#include "runs.h"

/* Four stages, eight micro-batches: the host waits once for each message that its stage receives - both ways inside,
 * one way at the ends - unless messages overlap, the iteration is one graph, or the software does not wait. */
START_TEST(messages)
{
  const struct {
    const char *sets;
    guint end, inside;
  } cases[] = {
      {"stack.host.message_sync=true", 8, 16},
      {"stack.host.message_sync=false", 0, 0},
      {"stack.host.message_sync=true;parallelism.overlap={pipeline: true}", 0, 0},
      {"stack.host.message_sync=true;stack.host.graphs=[iteration]", 0, 0},
      {"stack.host.message_sync=true;stack.host.graphs=[layer]", 8, 16},
      {"stack.host.message_sync=true;parallelism.schedule=interleaved;parallelism.virtual_stages=2", 24, 32},
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *sets = g_strconcat("parallelism.pipeline=4;parallelism.schedule=1f1b;stack.host.norm_sync=false;"
                                        "stack.data_parallel.checked=false;",
                                        cases[i].sets, NULL);
    g_autoptr(MoeRun) run = run_with(DENSE, sets);
    g_autoptr(MoeProgram) program = build_checked(run);

    ck_assert_uint_eq(syncs_of(program, 0), cases[i].end);
    ck_assert_uint_eq(syncs_of(program, 1), cases[i].inside);
    ck_assert_uint_eq(syncs_of(program, 3), cases[i].end);
  }
}
END_TEST

/* Each stage's host reads the gradient norm once, before it issues the optimizer: also behind a graph of the whole
 * iteration, which leaves the optimizer out, but not where the optimizer is captured too. */
START_TEST(gradient_norm)
{
  const struct {
    const char *sets;
    guint syncs;
  } cases[] = {
      {"stack.host.norm_sync=false", 0},
      {"stack.host.norm_sync=true", 1},
      {"stack.host.norm_sync=true;stack.host.graphs=[iteration]", 1},
      {"stack.host.norm_sync=true;stack.host.graphs=[iteration, optimizer]", 0},
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *sets = g_strconcat("parallelism.pipeline=4;parallelism.schedule=1f1b;"
                                        "stack.data_parallel.checked=false;stack.host.message_sync=false;",
                                        cases[i].sets, NULL);
    g_autoptr(MoeRun) run = run_with(DENSE, sets);
    g_autoptr(MoeProgram) program = build_checked(run);

    for (guint role = 0; role < 4; role++)
      ck_assert_uint_eq(syncs_of(program, role), cases[i].syncs);
  }
}
END_TEST

MOE_TEST_MAIN("program/host", messages, gradient_norm)
