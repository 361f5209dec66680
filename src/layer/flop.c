/* Model FLOPs of attention of every kind: the one place where they are counted. */
#include "layer/layer.h"

double moe_core_flop_per_key(const MoeCore *core)
{
  return 2.0 * (double)core->query_heads * (double)(core->dim_qk + core->dim_v);
}

static int64_t length_of(const MoeCore *core, int64_t sequence_length)
{
  return core->chunk > 0 ? MIN(core->chunk, sequence_length) : sequence_length;
}

double moe_core_reach(const MoeCore *core, int64_t sequence_length, gboolean backward)
{
  int64_t length = length_of(core, sequence_length), window = backward ? core->backward_window : core->window;

  return (double)(window > 0 ? MIN(window, length) : length);
}

double moe_core_mean_keys(const MoeCore *core, int64_t sequence_length, gboolean backward)
{
  double reach = moe_core_reach(core, sequence_length, backward);

  return reach - reach * reach / (2.0 * (double)length_of(core, sequence_length));
}

double moe_scan_flop_per_token(const MoeScan *scan)
{
  double products = scan->kind == MOE_LINEAR_MAMBA2 ? 2 : 3;

  return products * 2.0 * (double)scan->value_heads * (double)scan->key_dim * (double)scan->value_dim;
}
