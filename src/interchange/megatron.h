/* Inside the Megatron import: what the arguments say, before it is turned into a run. */
#ifndef MOESIM_INTERCHANGE_MEGATRON_H
#define MOESIM_INTERCHANGE_MEGATRON_H

#include "import.h"

typedef struct {
  int64_t layers, hidden, ffn, heads, query_groups, kv_heads, kv_channels, sequence, positions;
  int64_t micro_batch, global_batch;
  int64_t tensor, pipeline, context, expert, expert_tensor; /* expert_tensor 0: as tensor */
  int64_t dispatch_sms, batches_in_turn, offloaded_layers, layers_per_chunk, chunks, first_layers, last_layers;
  int64_t linear_convolution, linear_key_dim, linear_value_dim, linear_key_heads, linear_value_heads, index_heads,
      index_dim, index_top_k, index_frequency;
  int64_t experts, expert_interval, top_k, expert_ffn, shared_ffn, latent, groups, top_groups;
  int64_t vocabulary, padded_vocabulary, vocabulary_multiple, extra_vocabulary, padded_to;
  int64_t q_rank, kv_rank, nope_dim, rope_dim, value_dim;
  int64_t wide_first, wide_last, mtp_layers, recompute_layers, world, hosts, host_gpus, tasks, host_tasks, bucket,
      optimizer_instances, lora_rank, zero_stage;
  int64_t mamba_state_dim, mamba_head_dim, mamba_groups, mamba_heads;
  double attention_ratio, dense_ratio, clamp, capacity_factor, attention_dropout, hidden_dropout, optimizer_share,
      away_share, rank_capacity, stash_pages, stash_host;
  gboolean layers_offload, weights_offload, modules_offload, attention_gate, overlap_offload, states_offload, deepspeed,
      gqa, mla, swiglu, quick_geglu, geglu, squared_relu, no_bias, untied, qk_norm, rotary, no_positions, bf16, fp16;
  gboolean sequence_parallel, distributed_optimizer, fsdp, overlap_reduce, overlap_gather, overlap_tensor,
      overlap_expert, no_overlap_p2p;
  gboolean embedding_counts, head_counts, recompute_core, checkpoint_layers, moe_recompute, reduce_fp32, reduce_bf16;
  gboolean fp8_hybrid, fp8_e4m3, shared_buffer, fp8_gather, fp4_gather, no_fp8_wgrad, fp8_attention, fp32_residual,
      remade_transposes, tensor_amax, unaligned, wide_ends, fp8_head;
  gboolean precision_aware, optimizer_offload, permute_fusion, router_fusion, loss_fusion, residual_fusion;
  gboolean no_activation_fusion, no_gelu_fusion, no_dropout_fusion, no_rope_fusion, legacy_grouped, fused_mlp;
  gboolean experimental; /* with fused permutation, DeepEP's indices become a map by one kernel */
  gboolean unchecked, averaged, optimizer_graph, paged_stash, no_compiler, added_gradients, shared_overlap, no_padding;
  gboolean deepep, graphs, external_graphs, deterministic, sharp, user_buffers, local_buffers, moe_forced_balance,
      padded_experts, tp_pp_dp;
  const char *positions_kind, *moe_layers, *fp8_format, *fp8_recipe, *fp4_format, *optimizer, *sharding, *window,
      *window_skip, *cp_kind;
  const char *granularity, *recompute_method, *old_recompute_method, *dispatcher, *flex_backend, *attention_backend,
      *graph_kind, *backend;
  const char *moments_1, *moments_2, *main_gradients, *fsdp_gradients, *main_parameters, *combine_dtype,
      *dispatch_dtype, *router_dtype;
  const char *tokenizer, *tokenizer_type, *merge_file, *patch_tokenizer, *load, *head_type, *layout, *glu_activation,
      *transformer_kind, *primus_cluster;
  const char *deepspeed_file, *partition_method, *script, *model_type, *variant, *linear_frequency, *pattern,
      *old_pattern, *made_pattern, *blocks_file, *blocks_json, *outer_sharding;
  GPtrArray *recompute_modules; /* of const char * */
  GPtrArray *away_modules;      /* of const char * */
  GPtrArray *graph_scopes;      /* of const char * */
  GPtrArray *spec;              /* of const char * */
  GPtrArray *window_sizes;      /* of const char * */
} MegatronArguments;

typedef enum {
  MEGATRON_COUNT,  /* int64_t */
  MEGATRON_NUMBER, /* double */
  MEGATRON_FLAG,   /* gboolean, no value */
  MEGATRON_TEXT,   /* const char * */
  MEGATRON_LIST,   /* GPtrArray of the values that follow */
} MegatronKind;

/* An argument that becomes something in the run. */
typedef struct {
  const char *name; /* without the dashes */
  MegatronKind kind;
  size_t offset;   /* in MegatronArguments */
  const char *key; /* what it becomes: keys of a run, in words where it is more than one */
} MegatronOption;

/* NULL when the argument is not applied. `name` as written: dashes in front, - or _ within. */
const MegatronOption *megatron_option(const char *name);
/* Why an argument has no effect on time and memory; NULL when it is not among the reviewed ones. */
const char *megatron_without_effect(const char *name);
/* Whether an argument counts only beside a switch that is not among `words` (NULL-terminated). */
gboolean megatron_stands_alone(const char *name, const char *const *words);
/* What a run cannot say of an argument that is known; NULL for others. */
const char *megatron_refusal(const char *name);

/* FALSE and *error when Megatron refuses two of the words (NULL-terminated) beside each other. */
gboolean megatron_conflict(const char *const *words, GError **error);

/* Fills `arguments` (strings point into `words`), and the lists of the import: applied, ignored. What is not understood
 * is added to `unknown` as written. */
gboolean megatron_read(const char *const *words, MegatronArguments *arguments, MoeImport *import, GPtrArray *unknown,
                       GError **error);

/* Arguments to sections of a run; FALSE and *error when they contradict each other or cannot be said. */
gboolean megatron_architecture(Draft *draft, const MegatronArguments *arguments, GError **error);
/* The letters of a hybrid's layers; NULL when there are none. */
const char *megatron_hybrid_pattern(const MegatronArguments *arguments);
/* Layers of a hybrid pattern, where there is one; after the architecture. */
gboolean megatron_hybrid(Draft *draft, const MegatronArguments *arguments, GError **error);
/* The letters that --hybrid-attention-ratio and --hybrid-mlp-ratio stand for, and the layout that stages within a
 * pattern say; NULL when they say none. Free with g_free. */
char *megatron_ratio_pattern(const MegatronArguments *arguments);
char *megatron_hybrid_layout(const MegatronArguments *arguments);
/* Sizes of the delta rule, of latent attention, and of an index; the last is FALSE with *error when it lacks one. */
void megatron_take_delta(MoeArchitecture *architecture, const MegatronArguments *arguments);
void megatron_take_mla(MoeAttention *attention, const MegatronArguments *arguments);
gboolean megatron_take_index(Draft *draft, const MegatronArguments *arguments, GError **error);
/* The gated delta rule in some layers, an index that chooses keys, a gate; after the architecture. */
gboolean megatron_variant(Draft *draft, const MegatronArguments *arguments, GError **error);
/* Layers that no period says, one by one; after the variant. */
gboolean megatron_layers(Draft *draft, const MegatronArguments *arguments, GError **error);
/* --heterogeneous-layers-config-*: heads and widths of each layer; after all of these. */
gboolean megatron_blocks(Draft *draft, const MegatronArguments *arguments, GError **error);
gboolean megatron_training(Draft *draft, const MegatronArguments *arguments, GError **error);
gboolean megatron_parallelism(Draft *draft, const MegatronArguments *arguments, GError **error);
gboolean megatron_recompute(Draft *draft, const MegatronArguments *arguments, GError **error);
/* Activations that wait in host memory; after parallelism and recomputation. */
gboolean megatron_activations(Draft *draft, const MegatronArguments *arguments, GError **error);
gboolean megatron_stack(Draft *draft, const MegatronArguments *arguments, GError **error);

/* "([0]*3+[1]*58)" -> values of 0 and 1, `layers` at most; NULL and *error (which names `option`) when it is no list of
 * that. Free with g_array_unref (of gboolean). An integer N is a list whose every N-th element, from the first, is 1.
 */
GArray *megatron_pattern(const char *option, const char *text, int64_t layers, GError **error);

/* Tokens that Mamba's kernels work on at once (ssm/mamba_mixer.py); no argument says otherwise. */
#define MEGATRON_MAMBA_CHUNK 128

/* What a layer of a pattern does not say itself, the rest of the architecture does. */
#define MEGATRON_AS_READ (-1)

/* One more layer of a MoeMixer and a MoeFeed (or MEGATRON_AS_READ) in the pattern; FALSE when it changes too often. */
gboolean megatron_add_layer(MoeArchitecture *architecture, int mixer, int feed);

#endif
