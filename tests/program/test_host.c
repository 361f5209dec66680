/* Where the host waits: operations of a program that stop it. */
#include "runs.h"

static guint syncs_of(const MoeProgram *program, guint role)
{
  guint n = 0;

  for (guint c = 0; c < program->roles[role].n_calls; c++) {
    const MoeBlock *block = &program->blocks[program->roles[role].calls[c].block];

    for (guint i = 0; i < block->n_ops; i++)
      n += block->ops[i].kind == MOE_OP_HOST_SYNC;
  }
  return n;
}

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
    g_autofree char *sets = g_strconcat("parallelism.pipeline=4;parallelism.schedule=1f1b;", cases[i].sets, NULL);
    g_autoptr(MoeRun) run = run_with(DENSE, sets);
    g_autoptr(MoeProgram) program = build_checked(run);

    ck_assert_uint_eq(syncs_of(program, 0), cases[i].end);
    ck_assert_uint_eq(syncs_of(program, 1), cases[i].inside);
    ck_assert_uint_eq(syncs_of(program, 3), cases[i].end);
  }
}
END_TEST

MOE_TEST_MAIN("program/host", messages)
