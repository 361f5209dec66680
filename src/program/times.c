/* How often the work of a program runs. */
#include "program/program.h"

/* How often each block is called, over all roles. */
static guint *count_calls(const MoeProgram *program)
{
  guint *calls = g_new0(guint, program->n_blocks + 1);

  for (guint r = 0; r < program->n_roles; r++)
    for (uint32_t c = 0; c < program->roles[r].n_calls; c++)
      calls[program->roles[r].calls[c].block]++;
  return calls;
}

double *moe_program_times(const MoeProgram *program, MoeOpKind kind, guint n)
{
  g_autofree guint *calls = count_calls(program);
  double *times = g_new0(double, n + 1);

  for (guint b = 0; b < program->n_blocks; b++)
    for (uint32_t i = 0; i < program->blocks[b].n_ops; i++) {
      const MoeOp *op = &program->blocks[b].ops[i];

      if (op->kind == kind)
        times[op->work] += calls[b];
    }
  return times;
}
