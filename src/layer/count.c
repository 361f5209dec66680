/* Parameters and model FLOPs of an architecture: sums over the operations of its layers. */
#include "internal.h"

/* Multiply-accumulates per weight and token: forward, data gradient and weight gradient, two FLOPs each (Kaplan et al.
 * 2020, section 2.1: C = 6 N D). */
#define FLOP_PER_WEIGHT 6.0
/* The same without the weight gradient: frozen weights under LoRA. */
#define FLOP_PER_FROZEN_WEIGHT 4.0
/* Passes of scores and weighted values: forward, and twice that in the backward pass. */
#define ATTENTION_PASSES 3.0
#define BACKWARD_PASSES  2.0

#define MAX_CORES 2 /* of a layer: an index and what it chooses for */

/* Of one layer, or of one end of the model. */
typedef struct {
  double held[MOE_N_WEIGHTS]; /* parameters by kind */
  double active;              /* parameters that a token passes */
  double multiplied;          /* matrix weights that a token is multiplied with, where they count */
  guint n_cores;
  MoeCore core[MAX_CORES];
  double scan; /* forward FLOPs of a token in linear attention */
} Count;

static void add_sublayer(const MoeSublayer *sublayer, Count *count)
{
  for (guint i = 0; i < sublayer->n_ops; i++) {
    const MoeLayerOp *op = &sublayer->ops[i];
    MoeOpWeights weights;

    moe_op_weights(op, &weights);
    count->held[op->weight] += weights.held;
    count->active += weights.active;
    count->multiplied += weights.multiplied;
    if (op->kind == MOE_LAYER_CORE || op->kind == MOE_LAYER_INDEX)
      count->core[count->n_cores++] = op->core;
    if (op->kind == MOE_LAYER_SCAN)
      count->scan += moe_scan_flop_per_token(&op->scan);
  }
}

static Count count_layer(const MoeArchitecture *architecture, MoeLayerKind kind)
{
  MoeView view = moe_view_whole(architecture);
  MoeSublayer sublayer;
  Count count = {0};

  moe_describe_attention(&view, kind, &sublayer);
  add_sublayer(&sublayer, &count);
  moe_describe_second(&view, kind, &sublayer);
  add_sublayer(&sublayer, &count);
  return count;
}

static Count count_end(const MoeArchitecture *architecture, void (*describe)(const MoeView *, MoeSublayer *))
{
  MoeView view = moe_view_whole(architecture);
  MoeSublayer sublayer;
  Count count = {0};

  describe(&view, &sublayer);
  add_sublayer(&sublayer, &count);
  return count;
}

static double held(const Count *count)
{
  double sum = 0;

  for (guint kind = 0; kind < MOE_N_WEIGHTS; kind++)
    sum += count->held[kind];
  return sum;
}

/* ---- layers of a model ------------------------------------------------------------------------------------------- */

typedef struct {
  MoeLayerKind kind;
  Count count;
} KindCount;

/* Each kind of layer is counted once. */
static const Count *count_of(GArray *counts, const MoeArchitecture *architecture, int64_t layer)
{
  KindCount more = {.kind = moe_layer_kind(architecture, layer)};

  for (guint i = 0; i < counts->len; i++) {
    const KindCount *known = &g_array_index(counts, KindCount, i);

    if (moe_layer_kind_equal(&known->kind, &more.kind))
      return &known->count;
  }
  more.count = count_layer(architecture, more.kind);
  g_array_append_val(counts, more);
  return &g_array_index(counts, KindCount, counts->len - 1).count;
}

/* ---- parameters -------------------------------------------------------------------------------------------------- */

static void add_layer(MoeParameters *parameters, const Count *layer)
{
  parameters->attention += layer->held[MOE_WEIGHT_ATTENTION];
  parameters->dense_ffn += layer->held[MOE_WEIGHT_DENSE_FFN];
  parameters->experts += layer->held[MOE_WEIGHT_EXPERTS];
  parameters->shared_experts += layer->held[MOE_WEIGHT_SHARED];
  parameters->router += layer->held[MOE_WEIGHT_ROUTER];
  parameters->latent += layer->held[MOE_WEIGHT_LATENT];
  parameters->norms += layer->held[MOE_WEIGHT_NORM];
  parameters->total += held(layer);
  parameters->active += layer->active;
}

void moe_count_parameters(const MoeArchitecture *architecture, MoeParameters *parameters)
{
  Count embedding = count_end(architecture, moe_describe_embedding);
  Count head = count_end(architecture, moe_describe_head);
  Count joint = count_end(architecture, moe_describe_joint);
  g_autoptr(GArray) counts = g_array_new(FALSE, FALSE, sizeof(KindCount));

  *parameters = (MoeParameters){.embedding = embedding.held[MOE_WEIGHT_END],
                                .head = architecture->tied_embeddings ? 0 : head.held[MOE_WEIGHT_END],
                                .norms = head.held[MOE_WEIGHT_NORM]};
  parameters->total = parameters->active = parameters->embedding + parameters->head + parameters->norms;
  for (int64_t layer = 0; layer < architecture->layers; layer++)
    add_layer(parameters, count_of(counts, architecture, layer));
  /* A prediction module is a layer like the last one, a projection and norms; embedding and head are shared. */
  parameters->mtp = (double)architecture->mtp_layers *
                    (held(count_of(counts, architecture, architecture->layers - 1)) + held(&joint));
}

/* ---- FLOPs ------------------------------------------------------------------------------------------------------- */

/* Forward pass and, twice as much, the backward pass, which may see fewer keys. */
static double passes_flop(const MoeCore *core, double forward_keys, double backward_keys)
{
  double per_key = moe_core_flop_per_key(core);

  if (forward_keys == backward_keys)
    return ATTENTION_PASSES * per_key * forward_keys;
  return per_key * (forward_keys + BACKWARD_PASSES * backward_keys);
}

static void add_attention(const Count *layer, int64_t length, MoeModelFlops *flops)
{
  for (guint i = 0; i < layer->n_cores; i++) {
    const MoeCore *core = &layer->core[i];

    flops->attention_causal +=
        passes_flop(core, moe_core_mean_keys(core, length, FALSE), moe_core_mean_keys(core, length, TRUE));
    flops->attention_full += passes_flop(core, moe_core_reach(core, length, FALSE), moe_core_reach(core, length, TRUE));
  }
  flops->scan += ATTENTION_PASSES * layer->scan;
}

void moe_count_model_flops(const MoeArchitecture *architecture, const MoeTraining *training, MoeModelFlops *flops)
{
  Count head = count_end(architecture, moe_describe_head), joint = count_end(architecture, moe_describe_joint);
  double per_weight = training->lora_rank > 0 ? FLOP_PER_FROZEN_WEIGHT : FLOP_PER_WEIGHT;
  int64_t modules = architecture->mtp_counted ? architecture->mtp_layers : 0;
  double multiplied = head.multiplied;
  g_autoptr(GArray) counts = g_array_new(FALSE, FALSE, sizeof(KindCount));

  *flops = (MoeModelFlops){0};
  for (int64_t i = 0; i < architecture->layers + modules; i++) {
    const Count *layer = count_of(counts, architecture, MIN(i, architecture->layers - 1));

    multiplied += layer->multiplied + (i >= architecture->layers ? joint.multiplied + head.multiplied : 0);
    add_attention(layer, training->sequence_length, flops);
  }
  flops->gemm = per_weight * multiplied;
  flops->causal = flops->gemm + flops->attention_causal + flops->scan;
  flops->full = flops->gemm + flops->attention_full + flops->scan;
}
