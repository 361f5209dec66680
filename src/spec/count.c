/* Parameters and model FLOPs of an architecture, by arithmetic on its shapes. */
#include <moesim/spec.h>

/* Multiply-accumulates per weight and token: forward, data gradient and weight gradient, two FLOPs each (Kaplan et al.
 * 2020, section 2.1: C = 6 N D). */
#define FLOP_PER_WEIGHT 6.0
/* The same without the weight gradient: frozen weights under LoRA. */
#define FLOP_PER_FROZEN_WEIGHT 4.0
/* Scores and weighted values: two FLOPs per head dimension and key in the forward pass, twice that in the backward
 * pass. */
#define FLOP_PER_HEAD_DIM_AND_KEY 6.0

/* Weights of one transformer layer, split by what they are. `linear` holds those that a token multiplies with. */
typedef struct {
  double attention, dense_ffn, experts, shared_experts, router, latent, norms; /* all parameters */
  double active_experts;                                                       /* of top_k experts, all parameters */
  double linear;                                                               /* matrix weights a token passes */
} Layer;

gboolean moe_layer_is_moe(const MoeArchitecture *architecture, int64_t layer)
{
  const MoeExpertLayer *moe = &architecture->moe;

  return moe->experts > 0 && layer >= moe->first_layer && (layer - moe->first_layer) % MAX(moe->every, 1) == 0;
}

gboolean moe_layer_is_global(const MoeArchitecture *architecture, int64_t layer)
{
  const MoeAttention *attention = &architecture->attention;

  return attention->window == 0 || attention->global_every <= 1 || (layer + 1) % attention->global_every == 0;
}

/* Keys within reach of a query, the causal mask left aside. */
static double layer_reach(const MoeArchitecture *architecture, int64_t layer, int64_t sequence_length)
{
  int64_t window = architecture->attention.window;

  return (double)(moe_layer_is_global(architecture, layer) ? sequence_length : MIN(window, sequence_length));
}

double moe_layer_mean_context(const MoeArchitecture *architecture, int64_t layer, int64_t sequence_length)
{
  double reach = layer_reach(architecture, layer, sequence_length);

  return reach - reach * reach / (2.0 * (double)sequence_length);
}

/* ---- one layer --------------------------------------------------------------------------------------------------- */

/* Matrix weights of attention, biases left aside; *outputs receives the widths that a bias would be added to. */
static double gqa_weights(const MoeArchitecture *architecture, double *outputs)
{
  const MoeAttention *a = &architecture->attention;
  double hidden = (double)architecture->hidden;
  double queries = (double)a->query_heads * (double)a->head_dim;
  double keys = (double)a->kv_heads * (double)a->head_dim;

  *outputs = queries + 2 * keys + hidden;
  return 2 * hidden * queries + 2 * hidden * keys;
}

/* Multi-head latent attention (DeepSeek-V2 report, arXiv:2405.04434, 2.1). */
static double mla_weights(const MoeArchitecture *architecture, double *outputs)
{
  const MoeAttention *a = &architecture->attention;
  double hidden = (double)architecture->hidden, heads = (double)a->query_heads;
  double q_rank = (double)a->q_rank, kv_rank = (double)a->kv_rank;
  double query_width = heads * (double)(a->nope_dim + a->rope_dim);
  double query = q_rank > 0 ? (hidden + query_width) * q_rank : hidden * query_width;
  double down = hidden * (kv_rank + (double)a->rope_dim);
  double up = kv_rank * heads * (double)(a->nope_dim + a->value_dim);

  *outputs =
      query_width + q_rank + kv_rank + (double)a->rope_dim + heads * (double)(a->nope_dim + a->value_dim) + hidden;
  return query + down + up + heads * (double)a->value_dim * hidden;
}

static double attention_weights(const MoeArchitecture *architecture, double *outputs)
{
  return architecture->attention.kind == MOE_ATTENTION_MLA ? mla_weights(architecture, outputs)
                                                           : gqa_weights(architecture, outputs);
}

static double norm_weights(const MoeArchitecture *architecture)
{
  const MoeAttention *a = &architecture->attention;
  double per_width = architecture->biases ? 2 : 1; /* scale, and shift in models with biases */
  double norms = (double)architecture->norms_per_layer * (double)architecture->hidden;

  if (a->kind == MOE_ATTENTION_MLA)
    norms += (double)(a->q_rank + a->kv_rank);
  else if (architecture->qk_norm)
    norms += 2.0 * (double)a->head_dim;
  return per_width * norms;
}

/* Matrix weights of a feed-forward network between `outer` and `inner` widths. */
static double ffn_weights(double outer, double inner, gboolean gated)
{
  return (gated ? 3 : 2) * outer * inner;
}

static double ffn_biases(double outer, double inner, gboolean gated)
{
  return (gated ? 2 : 1) * inner + outer;
}

static void count_moe(const MoeArchitecture *architecture, Layer *layer)
{
  const MoeExpertLayer *moe = &architecture->moe;
  double hidden = (double)architecture->hidden, latent = (double)moe->latent;
  double outer = latent > 0 ? latent : hidden;
  double expert = ffn_weights(outer, (double)moe->width, moe->gated);
  double biases = architecture->biases ? ffn_biases(outer, (double)moe->width, moe->gated) : 0;

  layer->experts = (double)moe->experts * (expert + biases);
  layer->active_experts = (double)moe->top_k * (expert + biases);
  layer->shared_experts = (double)moe->shared_experts * ffn_weights(hidden, (double)moe->shared_width, moe->gated);
  layer->router = hidden * (double)moe->experts;
  layer->latent = 2 * hidden * latent;
  layer->linear += (double)moe->top_k * expert + layer->shared_experts + layer->latent;
  if (!moe->router_left_out)
    layer->linear += layer->router;
}

static void count_dense(const MoeArchitecture *architecture, Layer *layer)
{
  double hidden = (double)architecture->hidden, width = (double)architecture->ffn.width;
  gboolean gated = architecture->ffn.gated;

  layer->dense_ffn = ffn_weights(hidden, width, gated);
  layer->linear += layer->dense_ffn;
  if (architecture->biases)
    layer->dense_ffn += ffn_biases(hidden, width, gated);
}

static Layer count_layer(const MoeArchitecture *architecture, gboolean is_moe)
{
  Layer layer = {0};
  double outputs = 0;

  layer.attention = layer.linear = attention_weights(architecture, &outputs);
  if (architecture->biases)
    layer.attention += outputs;
  layer.norms = norm_weights(architecture);
  if (is_moe)
    count_moe(architecture, &layer);
  else
    count_dense(architecture, &layer);
  return layer;
}

static int64_t count_moe_layers(const MoeArchitecture *architecture)
{
  int64_t n = 0;

  for (int64_t layer = 0; layer < architecture->layers; layer++)
    n += moe_layer_is_moe(architecture, layer);
  return n;
}

/* The projection of a prediction module that joins hidden state and next token's embedding (DeepSeek-V3 report, 2.2).
 */
static double mtp_projection(const MoeArchitecture *architecture)
{
  double hidden = (double)architecture->hidden;

  return 2 * hidden * hidden;
}

/* A prediction module is a layer like the last one, a projection and three norms; embedding and head are shared. */
static double mtp_parameters(const MoeArchitecture *architecture)
{
  Layer last = count_layer(architecture, moe_layer_is_moe(architecture, architecture->layers - 1));
  double layer =
      last.attention + last.dense_ffn + last.experts + last.shared_experts + last.router + last.latent + last.norms;

  return (double)architecture->mtp_layers * (layer + mtp_projection(architecture) + 3.0 * (double)architecture->hidden);
}

/* ---- the whole model --------------------------------------------------------------------------------------------- */

static void add_layers(MoeParameters *parameters, const Layer *layer, double count)
{
  double common =
      layer->attention + layer->dense_ffn + layer->shared_experts + layer->router + layer->latent + layer->norms;

  parameters->attention += count * layer->attention;
  parameters->dense_ffn += count * layer->dense_ffn;
  parameters->experts += count * layer->experts;
  parameters->shared_experts += count * layer->shared_experts;
  parameters->router += count * layer->router;
  parameters->latent += count * layer->latent;
  parameters->norms += count * layer->norms;
  parameters->total += count * (common + layer->experts);
  parameters->active += count * (common + layer->active_experts);
}

void moe_count_parameters(const MoeArchitecture *architecture, MoeParameters *parameters)
{
  double hidden = (double)architecture->hidden, table = hidden * (double)architecture->vocabulary;
  double moe_layers = (double)count_moe_layers(architecture);
  Layer moe = count_layer(architecture, TRUE), dense = count_layer(architecture, FALSE);
  double final_norm = architecture->biases ? 2 * hidden : hidden;

  *parameters = (MoeParameters){.embedding = table + hidden * (double)architecture->learned_positions,
                                .head = architecture->tied_embeddings ? 0 : table,
                                .norms = final_norm,
                                .mtp = architecture->mtp_layers > 0 ? mtp_parameters(architecture) : 0};
  parameters->total = parameters->active = parameters->embedding + parameters->head + final_norm;
  add_layers(parameters, &moe, moe_layers);
  add_layers(parameters, &dense, (double)architecture->layers - moe_layers);
}

/* ---- FLOPs ------------------------------------------------------------------------------------------------------- */

/* Attention FLOPs of one layer and token per key attended to. */
static double attention_flop_per_key(const MoeArchitecture *architecture)
{
  const MoeAttention *a = &architecture->attention;
  int64_t dims = a->kind == MOE_ATTENTION_MLA ? a->nope_dim + a->rope_dim + a->value_dim : 2 * a->head_dim;

  return FLOP_PER_HEAD_DIM_AND_KEY * (double)a->query_heads * (double)dims;
}

static void add_attention(const MoeArchitecture *architecture, int64_t layer, int64_t sequence_length,
                          MoeModelFlops *flops)
{
  double per_key = attention_flop_per_key(architecture);

  flops->attention_causal += per_key * moe_layer_mean_context(architecture, layer, sequence_length);
  flops->attention_full += per_key * layer_reach(architecture, layer, sequence_length);
}

/* Matrix weights that a token multiplies with, the prediction modules included where they count. */
static double linear_weights(const MoeArchitecture *architecture, int64_t mtp)
{
  double head = (double)architecture->hidden * (double)architecture->vocabulary;
  double moe_layers = (double)count_moe_layers(architecture);
  double moe = count_layer(architecture, TRUE).linear, dense = count_layer(architecture, FALSE).linear;
  double last = moe_layer_is_moe(architecture, architecture->layers - 1) ? moe : dense;
  double module = last + mtp_projection(architecture) + head;

  return moe_layers * moe + ((double)architecture->layers - moe_layers) * dense + head + (double)mtp * module;
}

void moe_count_model_flops(const MoeArchitecture *architecture, const MoeTraining *training, MoeModelFlops *flops)
{
  int64_t mtp = architecture->mtp_counted ? architecture->mtp_layers : 0;
  double per_weight = training->lora_rank > 0 ? FLOP_PER_FROZEN_WEIGHT : FLOP_PER_WEIGHT;

  *flops = (MoeModelFlops){.gemm = per_weight * linear_weights(architecture, mtp)};
  for (int64_t layer = 0; layer < architecture->layers; layer++)
    add_attention(architecture, layer, training->sequence_length, flops);
  for (int64_t module = 0; module < mtp; module++)
    add_attention(architecture, architecture->layers - 1, training->sequence_length, flops);
  flops->causal = flops->gemm + flops->attention_causal;
  flops->full = flops->gemm + flops->attention_full;
}
