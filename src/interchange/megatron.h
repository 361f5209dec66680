/* Inside the Megatron import: what the arguments say, before it is turned into a run. */
#ifndef MOESIM_INTERCHANGE_MEGATRON_H
#define MOESIM_INTERCHANGE_MEGATRON_H

#include <moesim/base.h>

typedef struct {
  int64_t layers, hidden, ffn, heads, query_groups, kv_channels, sequence, positions;
  int64_t micro_batch, global_batch;
  int64_t tensor, pipeline, context, expert, expert_tensor; /* expert_tensor 0: as tensor */
  int64_t layers_per_chunk, chunks, first_layers, last_layers;
  int64_t experts, top_k, expert_ffn, shared_ffn, latent, groups, top_groups;
  int64_t vocabulary, vocabulary_multiple;
  int64_t q_rank, kv_rank, nope_dim, rope_dim, value_dim;
  int64_t mtp_layers, recompute_layers, world, hosts, host_gpus;
  double capacity_factor, attention_dropout, hidden_dropout;
  gboolean gqa, mla, swiglu, squared_relu, no_bias, untied, qk_norm, rotary, bf16, fp16;
  gboolean sequence_parallel, distributed_optimizer, fsdp, overlap_reduce, overlap_gather, overlap_tensor,
      overlap_expert;
  gboolean embedding_counts, head_counts, recompute_core, reduce_fp32, reduce_bf16;
  const char *positions_kind, *moe_layers, *fp8_format, *fp8_recipe, *fp4_format, *optimizer, *sharding, *window,
      *cp_kind;
  const char *granularity;
  GPtrArray *recompute_modules; /* of const char * */
} MegatronArguments;

typedef enum {
  MEGATRON_COUNT,   /* int64_t */
  MEGATRON_NUMBER,  /* double */
  MEGATRON_FLAG,    /* gboolean, no value */
  MEGATRON_TEXT,    /* const char * */
  MEGATRON_LIST,    /* GPtrArray of the values that follow */
  MEGATRON_IGNORED, /* known and without effect on the time of a step; whatever values follow are skipped */
} MegatronKind;

typedef struct {
  const char *name; /* with the dashes */
  MegatronKind kind;
  size_t offset; /* in MegatronArguments */
} MegatronOption;

/* NULL when the option is not known here. */
const MegatronOption *megatron_option(const char *name);

#endif
