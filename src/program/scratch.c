/*
 * Gradients of weights that exist beside the gradient buffer.
 *
 * A weight gradient that its GEMM adds to the buffer still has to be handed to autograd: TransformerEngine keeps one
 * unused tensor per shape of weight for that (get_dummy_wgrad in module/base.py, since 2.1), other layers make one and
 * drop it.
 */
#include "internal.h"

typedef struct {
  int64_t k;
  double n;
} Weight;

/* Equal shapes share one tensor; the experts of a rank are as many weights of one shape. */
static void add(GArray *weights, const MoeLinear *linear)
{
  Weight more = {linear->k, linear->n_held};

  for (guint i = 0; i < weights->len; i++) {
    const Weight *known = &g_array_index(weights, Weight, i);

    if (known->k == more.k && known->n == more.n)
      return;
  }
  g_array_append_val(weights, more);
}

/* The router is no layer of TransformerEngine. */
static void add_sublayer(const MoeSublayer *sublayer, GArray *weights)
{
  for (guint i = 0; i < sublayer->n_ops; i++) {
    const MoeLayerOp *op = &sublayer->ops[i];

    if (op->kind == MOE_LAYER_GROUPED || (op->kind == MOE_LAYER_LINEAR && op->linear.role == MOE_LINEAR_LAYER))
      add(weights, &op->linear);
  }
}

static void add_chunk(const MoeShape *shape, const MoeChunk *part, GArray *weights)
{
  for (int64_t layer = part->first; layer < part->first + part->count; layer++) {
    MoeLayerKind kind = moe_layer_kind(shape->arch, layer);
    MoeSublayer sublayer;

    moe_describe_attention(&shape->view, kind, &sublayer);
    add_sublayer(&sublayer, weights);
    moe_describe_second(&shape->view, kind, &sublayer);
    add_sublayer(&sublayer, weights);
  }
}

double moe_placeholder_bytes(const MoeBuilder *builder, int64_t stage)
{
  const MoeShape *shape = &builder->shape;
  double elements = 0;

  if (!shape->run->stack.memory.placeholders || shape->frozen)
    return 0;
  g_autoptr(GArray) weights = g_array_new(FALSE, FALSE, sizeof(Weight));

  for (int64_t chunk = 0; chunk < builder->placement.chunks; chunk++) {
    int64_t position = moe_placement_position(builder->schedule, &builder->placement, stage, chunk);

    add_chunk(shape, &builder->parts[position], weights);
  }
  for (guint i = 0; i < weights->len; i++)
    elements += (double)g_array_index(weights, Weight, i).k * g_array_index(weights, Weight, i).n;
  return elements * shape->act_bytes;
}

#define LAYER_SCOPES                                                                                                   \
  (1u << MOE_SCOPE_ATTENTION | 1u << MOE_SCOPE_DENSE_FFN | 1u << MOE_SCOPE_ROUTER | 1u << MOE_SCOPE_EXPERTS)

double moe_graph_bytes(const MoeBuilder *builder, int64_t stage)
{
  const MoeStack *stack = &builder->shape.run->stack;
  int64_t inputs = 0;

  if (!stack->memory.graph_inputs || moe_stack_graphs_iteration(stack) ||
      (stack->host.graph_scopes & LAYER_SCOPES) == 0)
    return 0;
  for (int64_t chunk = 0; chunk < builder->placement.chunks; chunk++) {
    int64_t position = moe_placement_position(builder->schedule, &builder->placement, stage, chunk);
    const MoeChunk *part = &builder->parts[position];

    inputs += builder->schedule->held(&builder->placement, stage, chunk) * (part->count + part->mtp);
  }
  return (double)inputs * moe_checkpoint_bytes(&builder->shape);
}
