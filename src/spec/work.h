/*
 * work: the vocabulary of work - kernels, collectives, groups, streams. What program lowers a step to, what cost and
 * coll price. Part of spec (floor 2): siblings above exchange these plain structs without seeing one another.
 *
 * A program says work (shapes, bytes, members); the machine gives time.
 */
#ifndef MOESIM_WORK_H
#define MOESIM_WORK_H

#include "base/base.h"
#include "spec/spec.h"

G_BEGIN_DECLS

/* ---- kernels ----------------------------------------------------------------------------------------------------- */

/* What a bandwidth-bound kernel does; selects its family and efficiency. */
typedef enum {
  MOE_BANDWIDTH_ELEMENTWISE,
  MOE_BANDWIDTH_NORM,
  MOE_BANDWIDTH_RESIDUAL,
  MOE_BANDWIDTH_ACTIVATION,
  MOE_BANDWIDTH_ROTARY,
  MOE_BANDWIDTH_QUANTIZE,
  MOE_BANDWIDTH_PERMUTE, /* expert encode / decode: gather and scatter of token rows */
  MOE_BANDWIDTH_ROUTER,  /* softmax, top-k, sort, counts */
  MOE_BANDWIDTH_CROSS_ENTROPY,
  MOE_BANDWIDTH_DROPOUT,
  MOE_BANDWIDTH_ACCUMULATE, /* gradient accumulation and bucket copies */
  MOE_BANDWIDTH_OPTIMIZER,
  MOE_BANDWIDTH_EMBEDDING,
  MOE_BANDWIDTH_SOFTMAX, /* unfused attention */
  MOE_BANDWIDTH_INDEX,   /* masks, maps and counts of rows: small operations of a framework, each for itself */
  MOE_BANDWIDTH_MEMCPY,
  MOE_N_BANDWIDTH_KINDS,
} MoeBandwidthKind;

/* One kernel. Which members mean something depends on `klass`; the others are 0.
 *   GEMM           [m, k] x [k, n], `groups` independent copies (batched), operands in `precision`, output in `output`
 *   GROUPED_GEMM   `groups` experts with `rows` = token rows in all (m = rows of the fullest group, for wave counting);
 *                  weight [k, n] per group; for WGRAD the reduction runs over the rows; work fused behind the product
 *                  makes `fused_width` values per row and moves read_bytes + write_bytes besides operands and output
 *   ATTENTION      batch x query_heads x len_q against kv_heads x len_kv, dims, window (0 = none), causal
 *   SCAN           linear attention: batch x query_heads value heads and kv_heads key heads over len_q tokens, in
 * chunks; the state of a head is [dim_qk, dim_v] BANDWIDTH      read_bytes + write_bytes through HBM
 */
typedef struct {
  MoeKernelClass klass;
  MoePass pass; /* RECOMPUTE kernels cost what FORWARD costs */
  MoeScope scope;
  MoePrecision precision;
  MoePrecision output; /* of the result (WGRAD: of the accumulated gradient) */
  MoeBandwidthKind bandwidth;
  const char *name; /* static: "qkv", "expert_up", "rmsnorm" */
  int64_t m, n, k, groups;
  int64_t rows;        /* GROUPED_GEMM: token rows over all groups, padding included */
  int64_t fused_width; /* GROUPED_GEMM: values per row that the work fused behind the product makes; 0 = none */
  double useful_share; /* share of the rows that carry tokens (capacity and tile padding taken off), 0..1 */
  gboolean accumulate; /* output is read and added to */
  int64_t batch, query_heads, kv_heads, len_q, len_kv, window, dim_qk, dim_v;
  int64_t chunk;
  int64_t rule; /* SCAN: MoeLinearKind */
  gboolean causal;
  double read_bytes, write_bytes;
  double model_flop; /* model FLOPs this kernel contributes to the causal count; 0 for recomputation and bandwidth-bound
                        work */
  int64_t launches;  /* kernels the GPU sees for it: the host pays launch cost for each; >= 1 */
} MoeKernel;

/* ---- groups and collectives -------------------------------------------------------------------------------------- */

typedef enum {
  MOE_GROUP_TENSOR,
  MOE_GROUP_CONTEXT,
  MOE_GROUP_DATA,   /* data-parallel x context ranks of a non-expert weight */
  MOE_GROUP_EXPERT, /* expert parallel */
  MOE_GROUP_EXPERT_TENSOR,
  MOE_GROUP_EXPERT_DATA,  /* data-parallel ranks of an expert weight */
  MOE_GROUP_DATA_SHARD,   /* HSDP: ranks that shard a non-expert weight */
  MOE_GROUP_DATA_REPLICA, /* HSDP: ranks that hold the same shard */
  MOE_GROUP_EXPERT_SHARD,
  MOE_GROUP_EXPERT_REPLICA,
  MOE_GROUP_EMBEDDING, /* first and last stage of one pipeline, tied embeddings */
  MOE_GROUP_PIPELINE,  /* all stages of one pipeline */
  MOE_GROUP_WORLD,
  MOE_GROUP_TENSOR_CONTEXT, /* ranks that share a sequence */
  MOE_GROUP_STAGE,          /* all ranks of one pipeline stage */
  MOE_N_GROUPS,
} MoeGroupKind;

typedef enum {
  MOE_ALL_REDUCE,
  MOE_ALL_GATHER,
  MOE_REDUCE_SCATTER,
  MOE_ALL_TO_ALL, /* equal shares */
  MOE_DISPATCH,   /* tokens to experts */
  MOE_COMBINE,    /* expert outputs back to tokens */
  MOE_BROADCAST,
  MOE_N_COLLECTIVES,
} MoeCollectiveKind;

/* What an exchange does besides moving rows: telling all members what will come. */
typedef enum {
  MOE_NOTIFY_NONE,   /* a bare transfer, as benchmarks time it */
  MOE_NOTIFY_WITHIN, /* members meet first, and know from before what comes */
  MOE_NOTIFY_ALONE,  /* no rows: counts alone, for which the hosts wait */
} MoeNotify;

/* One collective, the same for every group of its kind.
 * `bytes` per rank: ALL_REDUCE the buffer; ALL_GATHER and REDUCE_SCATTER the whole (gathered) buffer; ALL_TO_ALL all a
 * rank sends, its own share included; DISPATCH / COMBINE: tokens x row bytes (one copy of each of the rank's tokens,
 * without top-k); BROADCAST the buffer. */
typedef struct {
  MoeCollectiveKind kind;
  MoeGroupKind group;
  MoePass pass;
  MoeScope scope;
  const char *name; /* static */
  double bytes;
  /* DISPATCH / COMBINE: */
  double row_bytes; /* bytes of one token's row; 0 = rows cost nothing besides their bytes */
  int64_t top_k, experts, expert_groups, top_groups; /* node-limited routing when top_groups < expert_groups */
  double share;   /* share of the experts' traffic this instance moves (local experts in groups); 1 = all */
  double padding; /* bytes on the wire relative to real tokens (capacity factor), >= 0 */
  MoeNotify notifies;
  guint n_skew;          /* 0 = balanced; otherwise the group's size */
  const double *receive; /* [n_skew] rows arriving at member i (DISPATCH) relative to the mean; leaving for COMBINE */
} MoeCollective;

/* Bulk copy between GPU and host memory. */
typedef struct {
  gboolean to_host;
  double bytes;
  MoePass pass;
  MoeScope scope;
  const char *name;
} MoeCopy;

/* Time of the host that a GPU waits for. */
typedef struct {
  double seconds;
  int64_t pass; /* MoePass: OPTIMIZER is an update by the CPU, others data and other work once per step */
} MoeDelay;

/* ---- streams ----------------------------------------------------------------------------------------------------- */

/* In-order queues of one GPU. */
typedef enum {
  MOE_STREAM_COMPUTE,
  MOE_STREAM_EXPERT, /* dispatch, combine */
  MOE_STREAM_REDUCE, /* gradient reduction */
  MOE_STREAM_GATHER, /* parameter gather */
  MOE_STREAM_TENSOR, /* tensor / context parallel transfers that overlap */
  MOE_STREAM_SEND,   /* pipeline send */
  MOE_STREAM_RECV,   /* pipeline receive */
  MOE_STREAM_OUT,    /* copies to host */
  MOE_STREAM_IN,     /* copies from host */
  MOE_N_STREAMS,
} MoeStream;

extern const char *const moe_stream_words[];
extern const char *const moe_group_words[];
extern const char *const moe_collective_words[];
extern const char *const moe_bandwidth_words[];

G_END_DECLS

#endif
