/* Megatron-LM arguments that give a run: the inverse of import_megatron.c. */
#include "export_megatron.h"

#include "layer/layer.h"
#include "megatron.h"
#include <moesim/export.h>
#include <string.h>

#define COUNT G_GINT64_FORMAT

/* ---- architecture ---------------------------------------------------------------------------- */

static void add_attention(MegatronWords *writer, const MoeArchitecture *a)
{
  const MoeAttention *attention = &a->attention;

  words_count(writer, "--num-attention-heads", attention->query_heads);
  if (attention->kind == MOE_ATTENTION_MLA) {
    words_flag(writer, "--multi-latent-attention");
    words_count_unless(writer, "--q-lora-rank", attention->q_rank, 0);
    words_count(writer, "--kv-lora-rank", attention->kv_rank);
    words_count(writer, "--qk-head-dim", attention->nope_dim);
    words_count(writer, "--qk-pos-emb-head-dim", attention->rope_dim);
    words_count(writer, "--v-head-dim", attention->value_dim);
  } else {
    words_flag(writer, "--group-query-attention");
    words_count(writer, "--num-query-groups", attention->kv_heads);
    words_count(writer, "--kv-channels", attention->head_dim);
  }
  if (attention->window == 0)
    return;
  g_autofree char *window = g_strdup_printf("%" COUNT ",0", attention->window);

  words_text(writer, "--window-size", window);
  if (attention->global_every <= a->layers)
    words_count(writer, "--window-attn-skip-freq", attention->global_every);
}

/* Whether the activation is gated: of the dense layers where there are any, else of the experts. */
static gboolean is_gated(const MoeArchitecture *a)
{
  gboolean dense = a->moe.experts == 0;

  for (guint i = 0; i < a->n_pattern; i++)
    dense = dense || a->pattern[i].kind.feed == MOE_FEED_DENSE;
  for (int64_t layer = 0; a->n_pattern == 0 && layer < a->layers; layer++)
    dense = dense || !moe_layer_is_moe(a, layer);
  return dense ? a->ffn.gated : a->moe.gated;
}

/* "([0]*1+([1]+[0]*1)*23+[1]*1)": the list that Megatron evaluates. */
static char *layer_list(const MoeArchitecture *a)
{
  const MoeExpertLayer *moe = &a->moe;
  g_autoptr(GString) list = g_string_new("(");
  int64_t rest = a->layers - moe->first_layer, whole = rest / moe->every, left = rest % moe->every;

  if (moe->first_layer > 0)
    g_string_append_printf(list, "[0]*%" COUNT "+", moe->first_layer);
  if (moe->every == 1)
    g_string_append_printf(list, "[1]*%" COUNT, rest);
  else
    g_string_append_printf(list, "([1]+[0]*%" COUNT ")*%" COUNT, moe->every - 1, whole);
  if (left > 0)
    g_string_append_printf(list, "+[1]+[0]*%" COUNT, left - 1);
  g_string_append_c(list, ')');
  return g_string_free(g_steal_pointer(&list), FALSE);
}

/* A run says that inputs are limited, not where; that of GPT-OSS. */
#define CLAMP_VALUE 7.0

static void add_experts(MegatronWords *writer, const MoeArchitecture *a)
{
  const MoeExpertLayer *moe = &a->moe;

  if (moe->experts == 0)
    return;
  g_autofree char *list = layer_list(a);

  words_count(writer, "--num-experts", moe->experts);
  words_count(writer, "--moe-router-topk", moe->top_k);
  words_count(writer, "--moe-ffn-hidden-size", moe->width);
  if (a->n_pattern == 0)
    words_text(writer, "--moe-layer-freq", list);
  words_count_unless(writer, "--moe-shared-expert-intermediate-size", moe->shared_experts * moe->shared_width, 0);
  words_count_unless(writer, "--moe-latent-size", moe->latent, 0);
  if (moe->groups > 1) {
    words_count(writer, "--moe-router-num-groups", moe->groups);
    words_count(writer, "--moe-router-group-topk", moe->top_groups);
  }
  if (writer->run->training.routing.capacity_factor > 0)
    words_number(writer, "--moe-expert-capacity-factor", writer->run->training.routing.capacity_factor);
  words_flag_if(writer, "--moe-pad-expert-input-to-capacity", writer->run->training.routing.capacity_factor > 0);
  if (moe->clamped)
    words_number(writer, "--activation-func-clamp-value", CLAMP_VALUE);
  words_flag(writer, "--moe-grouped-gemm");
  words_note_if(writer, moe->gated != is_gated(a), "experts and dense layers of which only one is gated");
}

/* The letter of a layer of a hybrid; 0 when there is none. */
static char letter_of(const MoeLayerKind *kind)
{
  if (kind->query_heads + kind->kv_heads + kind->head_dim + kind->ffn_width > 0)
    return '\0'; /* sizes of its own */
  if (kind->mixer == MOE_MIXER_NONE)
    return kind->feed == MOE_FEED_MOE ? 'E' : '-';
  return kind->feed != MOE_FEED_NONE          ? '\0'
         : kind->mixer == MOE_MIXER_LINEAR    ? 'M'
         : kind->mixer == MOE_MIXER_ATTENTION ? '*'
                                              : '\0';
}

static void add_hybrid(MegatronWords *writer, const MoeArchitecture *a)
{
  g_autoptr(GString) letters = g_string_new(NULL);
  gboolean said = a->n_pattern > 0 && a->linear.kind == MOE_LINEAR_MAMBA2;

  if (a->n_pattern == 0)
    return;
  for (guint i = 0; said && (int64_t)letters->len < a->layers; i = (i + 1) % a->n_pattern) {
    char letter = letter_of(&a->pattern[i].kind);

    said = letter != '\0';
    for (int64_t n = 0; said && n < a->pattern[i].count && (int64_t)letters->len < a->layers; n++)
      g_string_append_c(letters, letter);
  }
  words_note_if(writer, !said, "layers of these kinds");
  if (!said)
    return;
  words_text(writer, "--hybrid-layer-pattern", letters->str);
  words_count(writer, "--mamba-num-heads", a->linear.value_heads);
  words_count(writer, "--mamba-head-dim", a->linear.value_dim);
  words_count(writer, "--mamba-state-dim", a->linear.key_dim);
  words_count(writer, "--mamba-num-groups", a->linear.key_heads);
  words_note_if(writer, a->linear.chunk != MEGATRON_MAMBA_CHUNK, "chunks of Mamba that are not of 128 tokens");
}

/* A gate at the output, and an index that chooses keys. */
static void add_variant(MegatronWords *writer, const MoeAttention *attention)
{
  words_flag_if(writer, "--attention-output-gate", attention->gated);
  if (attention->index.top_k == 0)
    return;
  words_text(writer, "--experimental-attention-variant", "dsa");
  words_count(writer, "--dsa-indexer-n-heads", attention->index.heads);
  words_count(writer, "--dsa-indexer-head-dim", attention->index.dim);
  words_count(writer, "--dsa-indexer-topk", attention->index.top_k);
}

static void add_architecture(MegatronWords *writer)
{
  const MoeArchitecture *a = &writer->run->architecture;

  words_count(writer, "--num-layers", a->layers);
  words_count(writer, "--hidden-size", a->hidden);
  words_count(writer, "--ffn-hidden-size", a->ffn.width > 0 ? a->ffn.width : a->moe.width);
  add_attention(writer, a);
  words_text(writer, "--position-embedding-type", a->learned_positions > 0 ? "learned_absolute" : "rope");
  words_count(writer, "--max-position-embeddings",
              a->learned_positions > 0 ? a->learned_positions : writer->run->training.sequence_length);
  words_text(writer, "--normalization", a->biases ? "LayerNorm" : "RMSNorm");
  words_flag_if(writer, "--swiglu", is_gated(a));
  words_flag_if(writer, "--disable-bias-linear", !a->biases);
  words_flag_if(writer, "--untie-embeddings-and-output-weights", !a->tied_embeddings);
  words_flag_if(writer, "--qk-layernorm", a->qk_norm);
  words_number(writer, "--hidden-dropout", a->dropout);
  words_number(writer, "--attention-dropout", a->dropout);
  words_count_unless(writer, "--mtp-num-layers", a->mtp_layers, 0);
  words_count(writer, "--vocab-size", a->vocabulary);
  words_count(writer, "--make-vocab-size-divisible-by", 1);
  add_experts(writer, a);
  add_hybrid(writer, a);
  words_note_if(writer, a->moe.zero_experts > 0, "experts that do not compute");
  words_note_if(writer, a->attention.chunk > 0, "attention inside chunks");
  add_variant(writer, &a->attention);
  words_note_if(writer, a->norms_per_layer != 2, "more or fewer norms than two per layer");
  words_note_if(writer, a->vocabulary % writer->run->parallelism.tensor != 0,
                "a vocabulary that is no multiple of the tensor-parallel ranks; Megatron pads it");
}

/* ---- training -------------------------------------------------------------------------------- */

/* Weights that are kept in the format of the products. */
static void add_gather(MegatronWords *writer, const MoePrecisions *p, gboolean shared_buffer)
{
  gboolean shared = p->gemm == MOE_MXFP8 && shared_buffer;

  words_flag_if(writer, p->gemm == MOE_NVFP4 ? "--fp4-param-gather" : "--fp8-param-gather",
                shared || (p->parameter_gather == p->gemm && moe_precision_bytes(p->gemm) < 2));
  words_flag_if(writer, "--reuse-grad-buf-for-mxfp8-param-ag", shared);
  words_note_if(writer, p->gemm == MOE_MXFP8 && p->parameter_gather == MOE_MXFP8,
                "a gather of MXFP8 weights as such, which Megatron gathers in BF16");
}

static gboolean has_fp8_head(const MoePrecisions *p)
{
  return p->gemm == MOE_MXFP8 && p->lm_head == MOE_MXFP8;
}

static void add_gemm(MegatronWords *writer, const MoePrecisions *p)
{
  switch (p->gemm) {
  case MOE_FP8:
    words_text(writer, "--fp8-format", "hybrid");
    words_text(writer, "--fp8-recipe", p->scaling == MOE_FP8_SCALING_DELAYED ? "delayed" : "tensorwise");
    words_note_if(writer, p->scaling == MOE_FP8_SCALING_ROW, "scales by row");
    break;
  case MOE_FP8_BLOCK:
  case MOE_MXFP8:
    words_text(writer, "--fp8-format", "e4m3");
    words_text(writer, "--fp8-recipe", p->gemm == MOE_MXFP8 ? "mxfp8" : "blockwise");
    break;
  case MOE_NVFP4:
    words_text(writer, "--fp4-format", "e2m1");
    break;
  default:
    break;
  }
  words_flag_if(writer, "--no-fp8-wgrad", p->wgrad != p->gemm);
  words_flag_if(writer, "--disable-parameter-transpose-cache", p->remade_transposes);
  words_flag_if(writer, "--fp8-output-proj", has_fp8_head(p));
  if (p->wide_first + p->wide_last > 0) {
    words_flag(writer, "--first-last-layers-bf16");
    words_count(writer, "--num-layers-at-start-in-bf16", p->wide_first);
    words_count(writer, "--num-layers-at-end-in-bf16", p->wide_last);
  }
  words_flag_if(writer, "--fp8-dot-product-attention", p->attention == p->gemm && moe_precision_bytes(p->gemm) < 2);
}

static void add_optimizer_types(MegatronWords *writer, const MoePrecisions *p)
{
  if (p->optimizer_moments == MOE_FP32 && p->master == MOE_FP32)
    return;
  words_flag(writer, "--use-precision-aware-optimizer");
  if (p->optimizer_moments != MOE_FP32) {
    words_text(writer, "--exp-avg-dtype", moe_precision_words[p->optimizer_moments]);
    words_text(writer, "--exp-avg-sq-dtype", moe_precision_words[p->optimizer_moments]);
  }
  if (p->master != MOE_FP32)
    words_text(writer, "--main-params-dtype", moe_precision_words[p->master]);
}

static void add_precision(MegatronWords *writer)
{
  const MoePrecisions *p = &writer->run->training.precision;
  gboolean half = p->gemm == MOE_FP16;

  words_flag(writer, half ? "--fp16" : "--bf16");
  add_gemm(writer, p);
  add_gather(writer, p, writer->run->stack.memory.mxfp8_shared_buffer);
  if (p->gradient_reduce == MOE_BF16)
    words_flag(writer, "--grad-reduce-in-bf16");
  else if (p->gradient_reduce == MOE_FP32)
    words_flag(writer, "--accumulate-allreduce-grads-in-fp32");
  words_flag_if(writer, "--fp32-residual-connection", p->residual == MOE_FP32);
  if (writer->run->architecture.moe.experts > 0 && p->router == MOE_FP32)
    words_text(writer, "--moe-router-dtype", "fp32");
  if (p->dispatch == MOE_MXFP8)
    words_text(writer, "--moe-dispatch-fwd-dtype", "mxfp8");
  add_optimizer_types(writer, p);
  words_note_if(writer, p->lm_head != (half ? MOE_FP16 : MOE_BF16) && !has_fp8_head(p),
                "a precision of the output layer of its own");
  words_note_if(writer, p->gemm == MOE_FP32 || p->gemm == MOE_TF32, "matrix products in FP32");
}

static void add_training(MegatronWords *writer)
{
  static const char *const optimizers[] = {"adam", "muon", "sgd"};
  const MoeTraining *t = &writer->run->training;

  words_count(writer, "--seq-length", t->sequence_length);
  words_count(writer, "--micro-batch-size", t->micro_batch);
  words_count(writer, "--global-batch-size", t->global_batch);
  words_text(writer, "--optimizer", optimizers[t->optimizer]);
  add_precision(writer);
  words_note_if(writer, t->routing.balance != MOE_BALANCE_EVEN, "how uneven the routing is");
  words_note_if(writer, t->routing.token_rounding, "token counts that are rounded to tiles");
  words_note_if(writer, t->lora_rank > 0, "low-rank adapters");
}

/* ---- layout ---------------------------------------------------------------------------------- */

static void add_zero(MegatronWords *writer, const MoeParallelism *p)
{
  if (p->zero == 0)
    return;
  if (p->zero > 1) {
    words_flag(writer, "--use-megatron-fsdp");
    words_text(writer, "--data-parallel-sharding-strategy", p->zero == 2 ? "optim_grads" : "optim_grads_params");
  }
  words_flag(writer, "--use-distributed-optimizer");
  if (p->shard_group > 0 && p->data > p->shard_group)
    words_count(writer, "--num-distributed-optimizer-instances", p->data / p->shard_group);
}

/* transformer_config.py of Megatron-Core asks for virtual stages where there are stages, and refuses the overlap beside
 * full recomputation. */
static void add_expert_overlap(MegatronWords *writer, const MoeParallelism *p)
{
  gboolean taken = (p->pipeline == 1 || p->virtual_stages > 1) && writer->run->recompute.mode != MOE_RECOMPUTE_FULL;

  words_flag_if(writer, "--overlap-moe-expert-parallel-comm", p->overlap.expert && taken);
  words_note_if(writer, p->overlap.expert && !taken,
                "expert exchanges beside other work with full recomputation or with stages that are not interleaved");
}

static void add_overlap(MegatronWords *writer, const MoeParallelism *p)
{
  words_flag_if(writer, "--overlap-grad-reduce", p->overlap.gradient_reduce);
  words_flag_if(writer, "--overlap-param-gather", p->overlap.parameter_gather);
  words_flag_if(writer, "--tp-comm-overlap", p->overlap.tensor);
  add_expert_overlap(writer, p);
  words_flag_if(writer, "--no-overlap-p2p-communication", p->virtual_stages > 1 && !p->overlap.pipeline);
}

static void add_parallelism(MegatronWords *writer)
{
  const MoeParallelism *p = &writer->run->parallelism;

  words_count(writer, "--tensor-model-parallel-size", p->tensor);
  words_count(writer, "--pipeline-model-parallel-size", p->pipeline);
  words_count_unless(writer, "--context-parallel-size", p->context, 1);
  if (p->context > 1)
    words_text(writer, "--cp-comm-type", p->context_kind == MOE_CONTEXT_RING ? "p2p" : "a2a");
  if (writer->run->architecture.moe.experts > 0) {
    words_count(writer, "--expert-model-parallel-size", p->expert);
    words_count(writer, "--expert-tensor-parallel-size", p->expert_tensor);
  }
  words_flag_if(writer, "--sequence-parallel", p->sequence_parallel);
  words_flag_if(writer, "--use-tp-pp-dp-mapping", strcmp(p->order, "tp-cp-ep-pp-dp") == 0);
  words_stages(writer);
  add_zero(writer, p);
  add_overlap(writer, p);
}

/* ---- recomputation --------------------------------------------------------------------------- */

static void add_full(MegatronWords *writer, const MoeRecompute *recompute)
{
  int64_t chunks = writer->run->parallelism.virtual_stages;

  words_text(writer, "--recompute-granularity", "full");
  gboolean uniform = recompute->layers < 0 || recompute->method == MOE_METHOD_UNIFORM;

  words_text(writer, "--recompute-method", uniform ? "uniform" : "block");
  words_count(writer, "--recompute-num-layers", MAX(uniform ? recompute->layers : recompute->layers / chunks, 1));
  words_note_if(writer, !uniform && recompute->layers % chunks != 0,
                "recomputed layers that are not the same number in every chunk");
  words_note_if(writer, recompute->every > 1, "recomputation of every n-th layer");
}

/* Parts whose inputs wait on the host, in the order of their bits. */
static void add_away(MegatronWords *writer, guint modules)
{
  static const char *const words[] = {"attn_norm", "qkv_linear", "core_attn", "attn_proj",
                                      "mlp_norm",  "expert_fc1", "moe_act"};

  words_flag_if(writer, "--fine-grained-activation-offloading", modules != 0);
  words_flag_if(writer, "--offload-modules", modules != 0);
  for (guint bit = 0; bit < G_N_ELEMENTS(words); bit++)
    words_flag_if(writer, words[bit], (modules & (1u << bit)) != 0);
}

static void add_modules(MegatronWords *writer, const MoeRecompute *recompute)
{
  static const struct {
    guint bit;
    const char *word;
  } modules[] = {{MOE_MODULE_CORE_ATTENTION, "core_attn"},
                 {MOE_MODULE_ATTENTION_PROJECTIONS, "mla_up_proj"},
                 {MOE_MODULE_NORM, "layernorm"},
                 {MOE_MODULE_MOE_ACTIVATION, "moe_act"},
                 {MOE_MODULE_MOE, "moe"},
                 {MOE_MODULE_FFN, "mlp"},
                 {MOE_MODULE_SHARED_EXPERTS, "shared_experts"}};
  guint left = recompute->modules;

  words_text(writer, "--recompute-granularity", "selective");
  words_flag(writer, "--recompute-modules");
  for (guint i = 0; i < G_N_ELEMENTS(modules); i++)
    if (left & modules[i].bit) {
      words_flag(writer, modules[i].word);
      left &= ~modules[i].bit;
    }
  words_note_if(writer, left != 0, "recomputation of the dense activation, or of expert products alone");
}

static void add_offload(MegatronWords *writer)
{
  const MoeOffload *offload = &writer->run->offload;
  gboolean device = offload->update == MOE_UPDATE_DEVICE;

  if (offload->optimizer == 0)
    return;
  words_flag(writer, device ? "--offload-optimizer-states" : "--optimizer-cpu-offload");
  if (!device)
    words_number(writer, "--optimizer-offload-fraction", offload->optimizer);
  if (!device && offload->overlap)
    words_flag(writer, "--overlap-cpu-optimizer-d2h-h2d");
  words_note_if(writer, device && offload->optimizer < 1, "the share of optimizer state that waits on the host");
  words_note_if(writer, offload->gradients, "gradients kept on the host");
}

static void add_recompute(MegatronWords *writer)
{
  const MoeRecompute *recompute = &writer->run->recompute;

  if (recompute->mode == MOE_RECOMPUTE_FULL)
    add_full(writer, recompute);
  else if (recompute->mode == MOE_RECOMPUTE_SELECTIVE)
    add_modules(writer, recompute);
  words_note_if(writer, recompute->mode == MOE_RECOMPUTE_OPERATORS, "recomputation by operator");
  words_note_if(writer, writer->run->offload.activations > 0, "the share of activations kept on the host");
  add_away(writer, writer->run->offload.modules);
  add_offload(writer);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void add_launch(MegatronWords *writer)
{
  int64_t gpus = writer->run->parallelism.gpus, host = writer->run->cluster.host.gpus;
  gboolean whole = host > 0 && gpus % host == 0;

  words_flag(writer, "torchrun");
  words_count(writer, "--nnodes", whole ? gpus / host : 1);
  words_count(writer, "--nproc-per-node", whole ? host : gpus);
  words_flag(writer, "pretrain_gpt.py");
}

char **moe_export_megatron(const MoeRun *run, GPtrArray *notes)
{
  g_autoptr(GPtrArray) words = g_ptr_array_new();
  g_autoptr(GPtrArray) unsaid = g_ptr_array_new_with_free_func(g_free);
  MegatronWords writer = {.run = run, .words = words, .notes = notes ? notes : unsaid};

  add_launch(&writer);
  add_architecture(&writer);
  add_training(&writer);
  add_parallelism(&writer);
  add_recompute(&writer);
  words_software(&writer);
  g_ptr_array_add(words, NULL);
  return (char **)g_ptr_array_steal(words, NULL);
}
