/* What each layer keeps, from its description and the run's precisions. */
#include "study/memory_layers.h"

/* Whether a layer is recomputed from its input: the first ones of each chunk where the run names a number, so all or
 * some; every such one of the model where it takes every second. */
static gboolean is_recomputed(const MoeRun *run, int64_t layer)
{
  const MoeRecompute *recompute = &run->recompute;

  return (recompute->layers < 0 || recompute->method == MOE_METHOD_UNIFORM) && moe_recompute_takes(recompute, layer, 1);
}

/* Of a unit of layers that share a checkpoint each is given its part. */
static double checkpoint_bytes(const MoeShape *shape, int64_t layer)
{
  const MoeRecompute *recompute = &shape->run->recompute;
  MoeLayerKind kind = moe_layer_kind(shape->arch, layer);
  MoeOperatorBytes outputs = {0};
  MoeSublayer attention, second;

  moe_describe_attention(&shape->view, kind, &attention);
  moe_describe_second(&shape->view, kind, &second);
  if (recompute->mode == MOE_RECOMPUTE_OPERATORS)
    moe_operators_thin(shape, &attention, &second, &outputs);
  return moe_checkpoint_bytes(shape) /
             (recompute->method == MOE_METHOD_UNIFORM ? MAX((double)recompute->layers, 1) : 1) +
         outputs.kept;
}

static void fill_modules(const MoeShape *shape, int64_t layer, MoeMemoryLayer *row)
{
  guint remade = moe_remade_outputs(shape);
  double all = moe_layer_saved_bytes(shape, layer, remade);

  for (guint module = 0; module < MOE_MEMORY_MODULES && moe_module_words[module]; module++)
    row->module_bytes[module] = all - moe_layer_saved_bytes(shape, layer, remade | 1u << module);
}

static void fill(const MoeShape *shape, int64_t layer, MoeMemoryLayer *row)
{
  const MoeRun *run = shape->run;
  guint modules =
      (run->recompute.mode == MOE_RECOMPUTE_SELECTIVE ? run->recompute.modules : 0) | moe_remade_outputs(shape);
  MoeWeights weights;

  moe_weights_layer(shape, layer, &weights);
  *row = (MoeMemoryLayer){.first = layer, .last = layer, .kind = moe_layer_kind(shape->arch, layer)};
  row->recomputed = is_recomputed(run, layer);
  row->parameters = weights.dense + weights.experts;
  row->weight_bytes = row->parameters * shape->keeps.weight_bytes;
  row->gradient_bytes = shape->frozen ? 0 : row->parameters * shape->keeps.gradient_bytes;
  row->kept_bytes = row->recomputed ? checkpoint_bytes(shape, layer) : moe_layer_saved_bytes(shape, layer, modules);
  fill_modules(shape, layer, row);
}

static gboolean has_same_modules(const MoeMemoryLayer *a, const MoeMemoryLayer *b)
{
  for (guint module = 0; module < MOE_MEMORY_MODULES; module++)
    if (a->module_bytes[module] != b->module_bytes[module])
      return FALSE;
  return TRUE;
}

static gboolean is_alike(const MoeMemoryLayer *a, const MoeMemoryLayer *b)
{
  return moe_layer_kind_equal(&a->kind, &b->kind) && a->parameters == b->parameters &&
         a->weight_bytes == b->weight_bytes && a->kept_bytes == b->kept_bytes && has_same_modules(a, b);
}

MoeMemoryLayer *moe_memory_layers(const MoeRun *run, guint *n)
{
  MoeMemoryLayer *rows = g_new0(MoeMemoryLayer, run->architecture.layers);
  MoePrecisions precisions;
  MoeShape shape, wide;

  moe_shape_init(&shape, run);
  moe_shape_widen(&shape, &precisions, &wide);
  *n = 0;
  for (int64_t layer = 0; layer < run->architecture.layers; layer++) {
    MoeMemoryLayer row;

    fill(moe_shape_is_wide(&shape, layer) ? &wide : &shape, layer, &row);
    if (*n > 0 && is_alike(&rows[*n - 1], &row))
      rows[*n - 1].last = layer;
    else
      rows[(*n)++] = row;
  }
  return rows;
}
