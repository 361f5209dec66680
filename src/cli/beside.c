/* Another job below the same leaves, named on the command line. */
#include "cli.h"

MoeNeighbour *moe_cli_beside(const MoeCliBeside *beside, MoeRun *run, MoeSimOptions *sim, GError **error)
{
  const MoeCliRun as_it_is = {0};
  g_autoptr(MoeRun) other = NULL;

  if (!(beside->phase >= 0 && beside->phase <= 1)) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "--phase %g, expected a share of the other job's step, 0 to 1",
             beside->phase);
    return NULL;
  }
  other = moe_cli_load_run(beside->run, &as_it_is, error);
  if (!other)
    return NULL;
  moe_neighbour_join(run, other);
  MoeNeighbour *neighbour = moe_neighbour_new(other, beside->phase, sim->seed, error);
  if (neighbour)
    moe_neighbour_attach(neighbour, sim);
  return neighbour;
}

void moe_cli_print_beside(const MoeCliBeside *beside, const MoeNeighbour *neighbour)
{
  g_autofree char *text =
      g_strdup_printf("beside %s, which alone takes %.4g s a step and at most %.1f %% of an uplink on average\n",
                      beside->run, moe_neighbour_step_s(neighbour), moe_neighbour_used(neighbour) * 100);

  moe_cli_print_text(text);
}

void moe_cli_beside_clear(MoeCliBeside *beside)
{
  g_clear_pointer(&beside->run, g_free);
}
