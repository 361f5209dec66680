/*
 * Gradients of weights that exist beside the gradient buffer.
 *
 * A weight gradient that its GEMM adds to the buffer still has to be handed to autograd: TransformerEngine keeps one
 * unused tensor per shape of weight for that (get_dummy_wgrad in module/base.py, since 2.1), other layers make one and
 * drop it.
 */
#include "internal.h"

#define MOST_SHAPES 24 /* of weights in one model */

typedef struct {
  int64_t k[MOST_SHAPES];
  double n[MOST_SHAPES];
  guint n_shapes;
} Shapes;

/* Equal shapes share one tensor; the experts of a rank are as many weights of one shape. */
static void add(Shapes *shapes, const MoeLinear *linear)
{
  for (guint i = 0; i < shapes->n_shapes; i++)
    if (shapes->k[i] == linear->k && shapes->n[i] == linear->n_held)
      return;
  g_assert(shapes->n_shapes < MOST_SHAPES);
  shapes->k[shapes->n_shapes] = linear->k;
  shapes->n[shapes->n_shapes++] = linear->n_held;
}

/* The router is no layer of TransformerEngine. */
static void add_sublayer(const MoeSublayer *sublayer, Shapes *shapes)
{
  for (guint i = 0; i < sublayer->n_ops; i++) {
    const MoeLayerOp *op = &sublayer->ops[i];

    if (op->kind == MOE_LAYER_GROUPED || (op->kind == MOE_LAYER_LINEAR && op->linear.role == MOE_LINEAR_LAYER))
      add(shapes, &op->linear);
  }
}

static void add_chunk(const MoeShape *shape, const MoeChunk *part, Shapes *shapes)
{
  for (int64_t layer = part->first; layer < part->first + part->count; layer++) {
    MoeLayerKind kind = moe_layer_kind(shape->arch, layer);
    MoeSublayer sublayer;

    moe_describe_attention(&shape->view, kind, &sublayer);
    add_sublayer(&sublayer, shapes);
    moe_describe_second(&shape->view, kind, &sublayer);
    add_sublayer(&sublayer, shapes);
  }
}

double moe_placeholder_bytes(const MoeBuilder *builder, int64_t stage)
{
  const MoeShape *shape = &builder->shape;
  Shapes shapes = {0};
  double elements = 0;

  if (!shape->run->stack.memory.placeholders || shape->frozen)
    return 0;
  for (int64_t chunk = 0; chunk < builder->placement.chunks; chunk++) {
    int64_t position = moe_placement_position(builder->schedule, &builder->placement, stage, chunk);

    add_chunk(shape, &builder->parts[position], &shapes);
  }
  for (guint i = 0; i < shapes.n_shapes; i++)
    elements += (double)shapes.k[i] * shapes.n[i];
  return elements * shape->act_bytes;
}
