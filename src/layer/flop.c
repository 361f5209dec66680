/* Model FLOPs of attention: the one place where they are counted. */
#include <moesim/layer.h>

double moe_core_flop_per_key(const MoeCore *core)
{
  return 2.0 * (double)core->query_heads * (double)(core->dim_qk + core->dim_v);
}

double moe_core_reach(const MoeCore *core, int64_t sequence_length)
{
  return (double)(core->window > 0 ? MIN(core->window, sequence_length) : sequence_length);
}

double moe_core_mean_keys(const MoeCore *core, int64_t sequence_length)
{
  double reach = moe_core_reach(core, sequence_length);

  return reach - reach * reach / (2.0 * (double)sequence_length);
}
