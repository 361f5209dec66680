/* Parameters that one rank holds, and which layers a pipeline position holds. */
#include "internal.h"

#include <math.h>

#define ATTENTION_TENSORS 6.0 /* q, k, v, o and two norms */
#define FFN_TENSORS       4.0 /* gate, up, down and a norm */
#define MOE_TENSORS       4.0 /* router, norm, latent down and up; experts are kept as one tensor per matrix */

void moe_weights_add(MoeWeights *sum, const MoeWeights *more)
{
  sum->dense += more->dense;
  sum->experts += more->experts;
  sum->tensors += more->tensors;
}

static double gqa_weights(const MoeShape *shape)
{
  const MoeAttention *a = &shape->arch->attention;
  double hidden = (double)shape->hidden;
  /* With more tensor ranks than key heads, key heads are replicated (Megatron-core, num_query_groups < tensor size). */
  double kv_heads = (double)MAX(a->kv_heads, shape->tp);
  double outputs = ((double)a->query_heads + 2 * kv_heads) * (double)a->head_dim / (double)shape->tp;
  double biases = shape->arch->biases ? outputs + hidden : 0;

  return hidden * (outputs + (double)(a->query_heads * a->head_dim) / (double)shape->tp) + biases;
}

static double mla_weights(const MoeShape *shape)
{
  const MoeAttention *a = &shape->arch->attention;
  double hidden = (double)shape->hidden, tp = (double)shape->tp, heads = (double)a->query_heads / tp;
  double query = (double)(a->nope_dim + a->rope_dim) * heads;
  double q = a->q_rank > 0 ? hidden * (double)a->q_rank + (double)a->q_rank * query : hidden * query;
  double kv = hidden * (double)(a->kv_rank + a->rope_dim) + (double)(a->kv_rank * (a->nope_dim + a->value_dim)) * heads;

  return q + kv + heads * (double)a->value_dim * hidden;
}

static double attention_weights(const MoeShape *shape)
{
  return shape->arch->attention.kind == MOE_ATTENTION_MLA ? mla_weights(shape) : gqa_weights(shape);
}

static double ffn_weights(const MoeShape *shape, double outer, double inner, gboolean gated, double split)
{
  double biases = shape->arch->biases ? (gated ? 2 : 1) * inner / split + outer : 0;

  return (gated ? 3 : 2) * outer * inner / split + biases;
}

static double norm_weights(const MoeShape *shape)
{
  const MoeAttention *a = &shape->arch->attention;
  double norms = (double)shape->arch->norms_per_layer * (double)shape->hidden;

  if (a->kind == MOE_ATTENTION_MLA)
    norms += (double)(a->q_rank + a->kv_rank);
  else if (shape->arch->qk_norm)
    norms += 2.0 * (double)a->head_dim;
  return (shape->arch->biases ? 2 : 1) * norms;
}

static void add_moe(const MoeShape *shape, MoeWeights *weights)
{
  const MoeExpertLayer *moe = &shape->arch->moe;
  double hidden = (double)shape->hidden, latent = 2 * hidden * (double)moe->latent;
  double shared =
      (double)moe->shared_experts * (moe->gated ? 3 : 2) * hidden * (double)moe->shared_width / (double)shape->tp;
  double expert = ffn_weights(shape, (double)shape->outer, (double)moe->width, moe->gated, (double)shape->etp);

  weights->dense += hidden * (double)moe->experts + latent + shared;
  weights->experts += (double)shape->local_experts * expert;
  weights->tensors += MOE_TENSORS + (moe->gated ? 3 : 2);
}

void moe_weights_layer(const MoeShape *shape, int64_t layer, MoeWeights *weights)
{
  const MoeFfn *ffn = &shape->arch->ffn;

  *weights = (MoeWeights){.dense = attention_weights(shape) + norm_weights(shape), .tensors = ATTENTION_TENSORS};
  if (moe_layer_is_moe(shape->arch, layer)) {
    add_moe(shape, weights);
    return;
  }
  weights->dense += ffn_weights(shape, (double)shape->hidden, (double)ffn->width, ffn->gated, (double)shape->tp);
  weights->tensors += FFN_TENSORS;
}

static double table_weights(const MoeShape *shape)
{
  return (double)shape->hidden * (double)shape->arch->vocabulary / (double)shape->tp;
}

void moe_weights_embedding(const MoeShape *shape, MoeWeights *weights)
{
  double positions = (double)shape->hidden * (double)shape->arch->learned_positions;

  *weights = (MoeWeights){.dense = table_weights(shape) + positions, .tensors = 1};
}

void moe_weights_head(const MoeShape *shape, gboolean own_table, MoeWeights *weights)
{
  double norm = (shape->arch->biases ? 2 : 1) * (double)shape->hidden;

  *weights = (MoeWeights){.dense = norm + (own_table ? table_weights(shape) : 0), .tensors = own_table ? 2 : 1};
}

/* A prediction module: a layer like the last one, a projection of two hidden states to one, three norms
 * (DeepSeek-V3, 2.2). */
void moe_weights_mtp(const MoeShape *shape, MoeWeights *weights)
{
  double modules = (double)shape->arch->mtp_layers, hidden = (double)shape->hidden;

  moe_weights_layer(shape, shape->arch->layers - 1, weights);
  weights->dense = modules * (weights->dense + 2 * hidden * hidden + 3 * hidden);
  weights->experts *= modules;
  weights->tensors *= modules;
}

/* Adapters of rank r on a [k, n] linear: r (k + n) (Hu et al. 2021). Attention and dense linears have them, experts and
 * router do not. */
double moe_weights_adapters(const MoeShape *shape, int64_t layer)
{
  const MoeAttention *a = &shape->arch->attention;
  double rank = (double)shape->run->training.lora_rank, hidden = (double)shape->hidden, tp = (double)shape->tp;
  double queries =
      (double)(a->kind == MOE_ATTENTION_MLA ? a->query_heads * a->value_dim : a->query_heads * a->head_dim) / tp;
  double inputs = a->kind == MOE_ATTENTION_MLA ? queries : queries + 2 * (double)(a->kv_heads * a->head_dim) / tp;
  double attention = 2 * hidden + inputs + queries;
  double inner = (double)shape->arch->ffn.width / tp;

  if (moe_layer_is_moe(shape->arch, layer))
    return rank * attention;
  return rank * (attention + 2 * hidden + (shape->arch->ffn.gated ? 3 : 2) * inner);
}

/* ---- division of layers over positions ---------------------------------------------------------- */

/* Slots of the model: layers, and the two ends where the run counts them as one. */
static int64_t count_slots(const MoeRun *run)
{
  const MoeParallelism *p = &run->parallelism;

  return run->architecture.layers + (p->embedding_as_layer != 0) + (p->head_as_layer != 0);
}

/* Layers of each stage's share: `chunks` positions each. Uneven first and last stages take theirs, the rest is divided
 * evenly, earlier positions getting the remainder. */
static void divide(const MoeRun *run, int64_t n, int64_t stages, int64_t *counts)
{
  const MoeParallelism *p = &run->parallelism;
  int64_t chunks = n / stages, free_positions = n, slots = count_slots(run), done = 0;

  for (int64_t i = 0; i < n; i++) {
    int64_t given = i % stages == 0 ? p->first_stage_layers : i % stages == stages - 1 ? p->last_stage_layers : -1;

    counts[i] = given >= 0 && stages > 1 ? given / chunks : -1;
    if (counts[i] >= 0) {
      slots -= counts[i] + (i == 0 && p->embedding_as_layer) + (i == n - 1 && p->head_as_layer);
      free_positions--;
    }
  }
  for (int64_t i = 0; i < n; i++) {
    if (counts[i] >= 0)
      continue;
    int64_t share = slots / free_positions + (done++ < slots % free_positions);

    counts[i] = share - (i == 0 && p->embedding_as_layer) - (i == n - 1 && p->head_as_layer);
  }
}

MoeChunk *moe_parts_new(const MoeRun *run, int64_t n, int64_t stages)
{
  MoeChunk *parts = g_new0(MoeChunk, n);
  g_autofree int64_t *counts = g_new0(int64_t, n);
  int64_t first = 0;

  divide(run, n, stages, counts);
  for (int64_t i = 0; i < n; i++) {
    int64_t count = CLAMP(counts[i], 0, run->architecture.layers - first);

    if (i == n - 1)
      count = run->architecture.layers - first;
    parts[i] = (MoeChunk){.first = first, .count = count, .embedding = i == 0, .head = i == n - 1};
    first += count;
  }
  return parts;
}
