/* Prices without a step. */
#include "internal.h"

G_STATIC_ASSERT((int)MODE_EXPERT == (int)MOE_STATE_EXPERT);
G_STATIC_ASSERT((int)MODE_COLLECTIVE == (int)MOE_STATE_COLLECTIVE);
G_STATIC_ASSERT((int)N_MODES == (int)MOE_N_STATES);

static MoeSimPrices *take_prices(Sim *sim)
{
  MoeSimPrices *prices = g_new0(MoeSimPrices, 1);

  prices->n_loads = sim->n_loads;
  prices->n_works = sim->n_works;
  prices->duration = g_steal_pointer(&sim->duration);
  prices->sync = sim->sync;
  prices->n_blocks = sim->program->n_blocks;
  prices->issue = g_new0(MoeTime *, prices->n_blocks + 1);
  for (guint b = 0; b < prices->n_blocks; b++)
    prices->issue[b] = g_steal_pointer(&sim->block[b].issue);
  return prices;
}

MoeSimPrices *moe_sim_prices(const MoeProgram *program, const MoeRun *run, const MoeTopo *topo,
                             const MoeCostModel *cost, GError **error)
{
  static const MoeSimOptions options = {.kernel_jitter = 0};
  g_autofree Sim *sim = g_new0(Sim, 1);
  MoeSimPrices *prices = NULL;

  sim->program = program;
  sim->run = run;
  sim->topo = topo;
  sim->cost = cost;
  sim->options = &options;
  sim_copy_collectives(sim);
  if (sim_place(sim, error) && sim_price(sim, error))
    prices = take_prices(sim);
  sim_price_clear(sim);
  sim_place_clear(sim);
  g_free(sim->collectives);
  return prices;
}

void moe_sim_prices_free(MoeSimPrices *prices)
{
  if (!prices)
    return;
  for (guint b = 0; b < prices->n_blocks; b++)
    g_free(prices->issue[b]);
  g_free(prices->issue);
  g_free(prices->duration);
  g_free(prices);
}
