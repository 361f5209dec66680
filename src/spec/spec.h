/*
 * spec: validated plain structs for the four inputs - model, run, cluster, stack.
 *
 * Floor 2. Uses base, doc and schedule. Does not simulate.
 *
 * Everything here is data in SI base units (bytes, bytes/s, FLOP/s, seconds). A MoeRun owns all it refers to and is
 * const once loaded. Strings belong to the run's document.
 * What users of the library see of a run is moesim/run.h.
 */
#ifndef MOESIM_SPEC_H
#define MOESIM_SPEC_H

#include "base/base.h"
#include "doc/doc.h"
#include "schedule/schedule.h"
#include "spec/goodput.h"
#include "spec/host.h"
#include "spec/kept.h"
#include "spec/kernels.h"
#include "spec/network.h"
#include "spec/precision.h"
#include "spec/published.h"
#include "spec/routing.h"
#include <moesim/result.h>

G_BEGIN_DECLS

/* ---- what is trained --------------------------------------------------------------------------------------------- */

/* Kinds of attention: constant, name of the row (src/layer/NAME.c), word in input files. */
#define MOE_ATTENTION_ROWS(ROW)                                                                                        \
  ROW(GQA, gqa, "gqa")                                                                                                 \
  ROW(MLA, mla, "mla")

#define MOE_ATTENTION_CONSTANT(constant, name, word) MOE_ATTENTION_##constant,
typedef enum { MOE_ATTENTION_ROWS(MOE_ATTENTION_CONSTANT) MOE_N_ATTENTION_KINDS } MoeAttentionKind;
#undef MOE_ATTENTION_CONSTANT

typedef struct {
  MoeAttentionKind kind; /* GQA covers MHA (kv_heads == query_heads) and MQA */
  int64_t query_heads, kv_heads;
  int64_t head_dim;     /* GQA */
  int64_t window;       /* tokens a local layer looks back; 0 = no local layers */
  int64_t global_every; /* every n-th layer is global (the last of each n); 1 = all are, > layers = none is; needed with
                           a window */
  int64_t q_rank, kv_rank;               /* MLA compressed widths; q_rank 0 = no query compression */
  int64_t nope_dim, rope_dim, value_dim; /* MLA head dimensions */
  int64_t chunk;  /* local layers see their own chunk of so many tokens instead of a window; 0 = none */
  gboolean gated; /* the output is gated by a projection as wide as the queries */
  struct {
    int64_t heads, dim, top_k;
  } index; /* sparse attention: a scorer of every key before, of which top_k are attended to; heads 0 = none */
} MoeAttention;

typedef enum { MOE_LINEAR_GATED_DELTA, MOE_LINEAR_KDA, MOE_LINEAR_MAMBA2 } MoeLinearKind;

/* Attention by a state that each token updates: [key_dim, value_dim] per value head. Mamba-2: value heads are its
 * heads, key heads its groups, key_dim its state size. */
typedef struct {
  MoeLinearKind kind;
  int64_t key_heads, value_heads, key_dim, value_dim;
  int64_t convolution; /* taps of the short convolution before */
  int64_t chunk;       /* tokens that are worked on at once */
  int64_t gate_rank;   /* KDA: width of the compressed gates */
} MoeLinearAttention;

/* What mixes tokens in a layer, and what follows. */
typedef enum {
  MOE_MIXER_ATTENTION,
  MOE_MIXER_LOCAL,
  MOE_MIXER_LINEAR,
  MOE_MIXER_PARALLEL, /* attention and linear attention of one input, added */
  MOE_MIXER_NONE,
  MOE_N_MIXERS
} MoeMixer;
typedef enum { MOE_FEED_DENSE, MOE_FEED_MOE, MOE_FEED_NONE, MOE_N_FEEDS } MoeFeed;

/* Layers of the same kind are the same. Heads and widths are 0 where a layer has none; in a pattern 0 says: as
 * `attention` and `ffn` say. */
typedef struct {
  int mixer;                               /* MoeMixer; -1 in a pattern: as `attention` says */
  int feed;                                /* MoeFeed; -1 in a pattern: as `moe` says */
  int64_t query_heads, kv_heads, head_dim; /* grouped-query attention */
  int64_t ffn_width;                       /* dense */
} MoeLayerKind;

#define MOE_MAX_PATTERN 128

typedef struct {
  MoeLayerKind kind;
  int64_t count; /* layers in a row */
} MoePatternItem;

typedef struct {
  int64_t width;  /* input of the second linear */
  gboolean gated; /* three matrices instead of two */
} MoeFfn;

typedef struct {
  int64_t experts;     /* 0 = dense model */
  int64_t first_layer; /* index (from 0) of the first MoE layer */
  int64_t every;       /* every n-th layer from first_layer on is MoE */
  int64_t top_k;
  int64_t width; /* input of the expert's second linear */
  gboolean gated;
  gboolean clamped; /* the activation's inputs are limited (GPT-OSS) */
  int64_t latent;   /* width of LatentMoE's shared projections, 0 = experts see the full hidden width */
  int64_t shared_experts, shared_width;
  /* Node-limited routing: experts fall into `groups`, each token uses at most `top_groups` (default: all). */
  gboolean router_left_out; /* the router's FLOPs are not counted as model FLOPs (DeepSeek's convention) */
  int64_t groups, top_groups;
  /* Experts that pass tokens on without computing: the router chooses top_k of all, `real_top_k` of them compute on
   * average (top_k where there are no others). */
  int64_t zero_experts;
  double real_top_k;
} MoeExpertLayer;

typedef struct {
  int64_t layers, hidden, vocabulary;
  gboolean tied_embeddings;
  int64_t learned_positions; /* rows of a learned position table, 0 = rotary or none */
  int64_t norms_per_layer;   /* 2 = pre-norm; 4 = norm at input and output of every sub-layer */
  gboolean qk_norm;
  gboolean biases;
  double dropout; /* 0..1; a rate above 0 costs a mask kernel per sub-layer */
  MoeAttention attention;
  MoeLinearAttention linear;
  MoeFfn ffn;
  MoeExpertLayer moe;
  int64_t mtp_layers;
  gboolean mtp_counted;
  guint n_pattern;                         /* 0 = window, global_every, moe.first_layer and moe.every say all */
  MoePatternItem pattern[MOE_MAX_PATTERN]; /* repeats over the layers */
} MoeArchitecture;

typedef enum { MOE_OPTIMIZER_ADAMW, MOE_OPTIMIZER_MUON, MOE_OPTIMIZER_SGD } MoeOptimizer;

typedef struct {
  int64_t sequence_length;
  int64_t global_batch; /* sequences per optimizer step */
  int64_t micro_batch;  /* sequences per micro-batch and data-parallel rank */
  MoePrecisions precision;
  MoeOptimizer optimizer;
  MoeRouting routing;
  int64_t lora_rank; /* 0 = all weights train */
} MoeTraining;

/* What a run that says nothing of its training has: mixed precision as Megatron-LM and DeepSpeed do it. */
extern const MoeTraining moe_training_defaults;

typedef enum { MOE_CONTEXT_ULYSSES, MOE_CONTEXT_RING } MoeContextKind;

/* How the GPUs are divided. Degrees default to 1, flags to off, overlaps to off; without a `schedule`, stages run 1f1b,
 * or interleaved when there are virtual stages. Attention side: gpus = tensor x context x pipeline x data; MoE side:
 * gpus = expert_tensor x expert x pipeline x expert_data (parallel folding: the two sides have their own groups). */
typedef struct {
  int64_t gpus;
  int64_t tensor, context, pipeline, virtual_stages, expert, expert_tensor;
  MoeContextKind context_kind;
  gboolean sequence_parallel;
  MoeScheduleKind schedule;
  int64_t zero;        /* 0..3 */
  int64_t shard_group; /* 0 = shard over all data-parallel ranks, N = HSDP */
  /* How ranks are laid out, fastest-varying first: a permutation of "tp-cp-ep-dp-pp" (Megatron: "tp-cp-ep-dp-pp"). ep
   * and dp share the data-parallel range: ep varies faster. */
  const char *order;
  struct {
    gboolean gradient_reduce, parameter_gather, tensor, expert, pipeline;
  } overlap;
  /* Layers of the first and last stage when uneven; -1 = as the others. The rest divides evenly, a remainder to earlier
   * chunks. */
  int64_t first_stage_layers, last_stage_layers;
  /* Embedding and LM head count as a layer when layers are divided over stages. */
  gboolean embedding_as_layer, head_as_layer;
  /* What each position of the pipeline holds, as moe_chunks_parse reads it; NULL = divided evenly as the four keys
   * above say. */
  const char *layout;
  /* Derived by moe_run_validate: */
  int64_t data;          /* gpus / (tensor context pipeline) */
  int64_t expert_data;   /* gpus / (expert_tensor expert pipeline) */
  int64_t micro_batches; /* per pipeline and step */
} MoeParallelism;

/* Which gradients are scaled before their reduction. */
typedef enum { MOE_SCALED_NONE, MOE_SCALED_EXPERTS, MOE_SCALED_ALL } MoeScaled;

/* When the optimizer keeps the missing 16 bits of a BF16 weight's FP32 master: never, with 16-bit moments
 * (Megatron-core's precision-aware optimizer), always (Apex's distributed fused Adam). */
typedef enum { MOE_REMAINDER_NEVER, MOE_REMAINDER_PRECISION_AWARE, MOE_REMAINDER_ALWAYS } MoeRemainder;

/* ---- with what software ------------------------------------------------------------------------------------------ */

typedef enum { MOE_COUNTS_NONE, MOE_COUNTS_BLOCKING, MOE_COUNTS_DEDICATED_STREAM, MOE_COUNTS_DEVICE } MoeCountsKind;

/* From numbers of experts by row to a map of rows by expert. */
typedef enum { MOE_INDEX_MAP_NONE, MOE_INDEX_MAP_KERNEL, MOE_INDEX_MAP_CHAIN } MoeIndexMap;

/* What a graph of the whole iteration captures: both passes and their collectives, not the optimizer, which follows
 * eagerly or as a graph of its own (Megatron-Core, FullCudaGraphWrapper and OptimizerCudaGraphWrapper). */
#define MOE_ITERATION_SCOPES (((1u << MOE_N_SCOPES) - 1) & ~(1u << MOE_SCOPE_OPTIMIZER))

#define MOE_MAX_CPUS       8
#define MOE_N_FAMILY_NAMES 6

typedef struct {
  const char *name, *title, *source, *date; /* date: the month that it describes, "2025-07"; NULL = not said */
  struct {
    guint n_cpus;
    const char *cpu[MOE_MAX_CPUS];                 /* "x86", "grace" */
    double launch_s[MOE_MAX_CPUS];                 /* host time to issue one operation, eager */
    double call_s[MOE_N_HOST_CALLS][MOE_MAX_CPUS]; /* of a call, beyond the launches of its kernels */
    double graph_launch_s;                         /* to launch one captured graph */
    double graph_kernel_s;                         /* per kernel inside a captured graph, on the GPU front end */
    guint graph_scopes; /* 1 << MoeScope of what is captured; 0 = eager; MOE_ITERATION_SCOPES = passes in one graph */
    double sync_s;      /* host-device synchronization: wake-up after the stream drained */
    double step_s;      /* host work once per step that nothing hides (data loader hand-over, logging) */
    double optimizer_share; /* of the host's memory bandwidth that an optimizer step on the CPU reaches */
    double ops_per_kernel;  /* issued framework operations per kernel that reaches the GPU (views, casts); >= 1 */
    gboolean message_sync;  /* the host waits for a message between stages that nothing overlaps before it goes on */
    gboolean norm_sync;     /* the host reads the gradient norm before it issues the optimizer */
  } host;
  struct {
    gboolean norm, residual_norm, rotary, activation, router, cross_entropy, permute, optimizer, quantize, dropout;
    gboolean norm_cast; /* norms inside a linear module cast with delayed FP8 scales; other producers do not */
    gboolean norm_amax; /* such norms find the greatest value that a current FP8 scale follows */
  } fused;              /* an unfused chain costs its extra kernels and its extra trips to memory */
  struct {
    /* Kernel family names, looked up in kernels. Absent: fa2, cublaslt, cutlass, triton, triton, fla. */
    const char *attention, *gemm, *grouped_gemm, *encode, *elementwise, *scan;
    MoeMark mark[MOE_N_FAMILY_NAMES]; /* where each is written, in the order of the names */
  } family;
  MoeKernelFits kernels; /* families that the stack brings; fall back to the accelerator's */
  struct {
    int64_t expert_groups;   /* local experts are processed in this many groups, so that dispatch, compute and combine
                                pipeline */
    MoeCountsKind counts;    /* dropless: how token counts reach the host */
    int64_t tile_rows;       /* expert row counts are padded up to this multiple; 0 = no padding */
    int64_t memory_rounds;   /* static-memory dropless: capped rounds per group; 1 = none */
    gboolean per_expert;     /* expert GEMMs and their quantization are one kernel per expert, not one per group */
    gboolean fused_mlp;      /* the experts' activation and the MXFP8 casts of what it makes run behind their products,
                                in the same kernels */
    gboolean deduplicate;    /* dispatch sends one copy per destination rank, not per expert */
    gboolean router_mixed;   /* an FP32 router multiplies BF16 forward and TF32 backward, on FP32 copies */
    MoeIndexMap index_map;   /* what makes a map of the indices that a library by index delivers */
    gboolean padded_permute; /* rows that came by index are padded as they are sorted: the host reads counts back */
    double paged_stash;      /* what experts keep for their backward pass is copied into pages for so many times the
                                rows of balanced loads, and back; 0 = stays where it was made */
  } moe;
  struct {
    gboolean gradient_reduce, parameter_gather, tensor, expert, pipeline; /* what can overlap at all */
    gboolean tensor_backward;       /* a column-parallel linear's gather beside its data gradient, its reduction beside
                                       its weight gradient, whatever the run says */
    gboolean context;               /* ring attention's messages beside its steps, whatever the run says */
    gboolean expert_across_batches; /* forward of one micro-batch beside backward of another (DualPipe, 1F1B with A2A
                                       overlap) */
  } overlap;
  MoeStackCollectives collectives; /* library, algorithm choices, SMs taken, deterministic */
  struct {
    gboolean per_layer;           /* a ZeRO unit is one layer; otherwise buckets */
    double bucket_bytes;          /* default 25 MiB */
    double bucket_per_rank_bytes; /* buckets are at least this times the data-parallel size: collectives stay
                                     bandwidth-bound; 0 = none */
    gboolean bucket_context;      /* context-parallel ranks count among them */
    gboolean bucket_elements;     /* both sizes are numbers of elements, given as bytes of FP32 */
    int64_t bucket_padding;       /* elements: buckets of ZeRO-1 end at a multiple of it and of their ranks */
    int64_t prefetch;             /* units gathered ahead, default 1 */
    gboolean unaligned_gather;    /* interleaved stages gather a chunk where its first micro-batch needs it */
    gboolean hooked_gather;       /* stages of one chunk likewise */
    gboolean first_chunk_buckets; /* only the first chunk of the first stage is divided into buckets */
    gboolean reshard_ends;        /* ZeRO-3 holds embedding and head gathered only as long as they are read */
    gboolean late_reduce;         /* merged micro-batches: chunks 0 and 1 are reduced after the last backward pass */
    gboolean zeroed;              /* gradients are added into a buffer that every step sets to zero (ZeRO-0 and 1) */
    gboolean checked;             /* the host reads the norm of a unit's gradients before their reduction */
    MoeScaled scaled;             /* gradients multiplied by a share of one before a reduction that only sums */
  } data_parallel;
  MoeAmaxReduction amax_reduction;   /* of delayed FP8 scales, after each pass over a chunk */
  MoeSlicedMessages sliced_messages; /* between stages, without sequence parallelism */
  gboolean replay_stops;             /* what is computed again ends with the last tensor that the backward pass reads */
  gboolean backward_casts; /* FP8 copies for weight gradients and transposed weights are made in the backward pass by
                              kernels of their own, not written by the forward pass's cast and kept */
  struct {
    gboolean sharded_master;       /* ZeRO-3 shards are the FP32 weights themselves: there is no other master (FSDP2) */
    MoeRemainder master_remainder; /* when 16 bits beside a BF16 weight stand for its FP32 master */
    gboolean
        mxfp8_shared_buffer; /* MXFP8 weights are gathered in BF16 through the gradient buffer: no BF16 copy stays */
    gboolean unsharded_gradients; /* micro-batches but the last are not reduced: whole gradients wait (ZeRO-2 and 3) */
    double pool;                  /* share of the device's memory that the allocator may take, 0 = all but reserved */
    double cached_bytes;          /* that the allocator holds beyond need and gives back when memory runs short */
    gboolean eager_loss;          /* the loss keeps a second FP32 copy of the logits beside it in either pass */
    gboolean graph_pool;          /* what is captured has a pool of its own, of no use to what runs outside */
    gboolean graph_inputs;        /* a captured layer has an input of its own for every micro-batch in flight */
    gboolean moments_cast; /* 16-bit moments are cast to FP32 for the update, all of a group of parameters at once */
    gboolean remade_activation; /* an activation's backward kernel makes its output again: not kept */
    gboolean placeholders;      /* an unused BF16 gradient per shape of weight stays allocated (TransformerEngine) */
  } memory;
  double hbm_reserved_bytes;  /* context, libraries, communication buffers */
  double fragmentation;       /* share of dynamic memory lost, an explicit assumption */
  double kernel_jitter;       /* standard deviation of kernel times, relative; 0 = none */
  double activation_overhead; /* extra saved bytes relative to the counted ones; 0 = none */
} MoeStack;

/* ---- on what machine --------------------------------------------------------------------------------------------- */

/* Watts that long runs of a kind of kernel would draw at the clock of its short benchmarks; 0 = not measured. */
typedef struct {
  double standing_w;              /* clocked up, nothing runs: does not follow the clock */
  double products_w;              /* matrix products of any format, grouped ones too */
  double attention_w, backward_w; /* fused attention, forward and backward */
} MoeDraw;

typedef struct {
  const char *name, *title, *source;
  /* Dense; 0 = the device has no such path. Formats that software builds from others have a rate when absent: fp16 that
   * of bf16, bf16x3 a third of it, bf16x9 a ninth, fp8-block that of fp8. */
  double peak_flop_per_s[MOE_N_PRECISIONS];
  double quoted_peak_flop_per_s; /* dense BF16 peak that MFU divides by unless the run says otherwise */
  gboolean announced;            /* not sold yet: figures are those of announcements, and every output says so */
  gboolean fp8_transposes; /* FP8 GEMMs read both operands along the reduction only: forward pass and data gradient need
                              transposes of each other */
  double fp8_split_accumulator; /* time of the math of backward FP8 products with a scale per tensor, whose partial sums
                                   are added up in FP32 registers, over that of a product without; 0 = 1 */
  int64_t sms;
  double clock_hz;
  double memory_bytes, memory_bytes_per_s;
  double l2_bytes;
  double power_w;        /* board power that the rates below hold at; 0 = unknown */
  double power_cap_w;    /* set by the operator, at most power_w; 0 = none */
  MoeDraw draw;          /* where it was measured: what the power leaves of the benchmarks' clock */
  double training_rate;  /* math rate in a training step relative to what benchmarks and power give, at most 1 */
  double attention_rate; /* that of attention kernels; 0 = training_rate */
  double speed_spread;   /* relative standard deviation of math rates between GPUs of this kind; 0 = all alike */
  MoeKernelFits kernels; /* fitted families with residuals */
} MoeAccelerator;

typedef struct MoeCluster {
  const char *name, *title, *source;
  MoeAccelerator accelerator;
  MoeDomain domain;
  MoeHost host;
  MoeNetwork network;
  double gpu_mtbf_s, host_mtbf_s, link_mtbf_s; /* mean time between failures of one; 0 = unknown */
  double weibull_shape;                        /* of times between failures; 0 = unknown */
  double storage_bytes_per_s;                  /* checkpoint storage, all hosts together; 0 = unknown */
  double price_gpu_hour;                       /* dollars; 0 = unknown */
  double price_low, price_high;                /* range of prices, dollars per GPU-hour; 0 = unknown */
  const char *price_date, *price_source;       /* of the price and its range; may be NULL */
  double purchase;                             /* dollars per GPU, with its part of the rack; 0 = unknown */
  double purchase_low, purchase_high;          /* range of it; 0 = unknown */
  const char *purchase_date, *purchase_source; /* may be NULL */
  double gpu_power_w, power_overhead;
} MoeCluster;

/* ---- a run ------------------------------------------------------------------------------------------------------- */

struct MoeRun {
  char *name;    /* "mai-base-1/v4" */
  char *variant; /* NULL or the variant's name */
  const char *title, *source;
  MoeDoc *doc; /* the resolved document, with cluster and stack grafted in */
  MoeArchitecture architecture;
  MoeTraining training;
  MoeParallelism parallelism;
  MoeRecompute recompute;
  MoeOffload offload;
  MoeRunMemory memory;
  MoeCluster cluster;
  MoeStack stack;
  MoePublished published;
  MoeGoodputPlan goodput;
  gboolean rumour; /* the architecture is a rumour and says so in every output */
  guint n_assumptions;
  /* Those of run, cluster, accelerator and stack; keys are paths in the run ("stack.host.sync"). */
  MoeAssumption *assumptions;
  GStringChunk *strings; /* text that is in no document */
};

/* The document that moe_run_load begins with: that of options.text, else of the file. Caller frees. */
MoeDoc *moe_run_open(const char *path, const MoeRunOptions *options, GError **error);
/* The same from a document already in memory (a validation case, a sweep point); `doc` is taken over, also on failure.
 * A resolved document (copy of run->doc) resolves to itself. What counts as the run file is the file in the mark of the
 * root. */
MoeRun *moe_run_from_doc(MoeDoc *doc, const char *name, const MoeRunOptions *options, GError **error);
/* Checks the layout of heads, experts, sequences, batches and stages, and derives data, expert_data and micro_batches.
 * Part of loading; again after plain fields of a copy were changed (a search tries layouts on copies that share all
 * that the run owns). */
gboolean moe_run_validate(MoeRun *run, GError **error);
/* What each position of the pipeline holds (moe_placement_init counts them); of a run that moe_run_validate passed.
 * Free with g_free. */
MoeChunk *moe_run_chunks_new(const MoeRun *run);
/* The assumption that covers the value at `dotted_path` (the path itself or a section around it), or NULL: the value is
 * published. */
const MoeAssumption *moe_run_assumption(const MoeRun *run, const char *dotted_path);
/* Bytes that a run keeps per parameter of a layer, by the layer's precisions (the run's, or those of layers that stay
 * wide), its ZeRO stage and what its stack holds. */
typedef struct {
  double fp8_layouts;    /* copies of a kept FP8 weight */
  gboolean transposes;   /* its second layout is made in every backward pass instead */
  gboolean gathered_fp8; /* weights are gathered in FP8: nothing is quantized during the step */
  gboolean fp8_only;     /* no BF16 copy stays */
  gboolean cached_fp8;   /* weights are quantized once per step and kept */
  double weight_bytes;   /* of a weight held whole, all its copies */
  double end_bytes;      /* of embedding, head and adapters */
  double shard_bytes;    /* of a weight of which ZeRO-3 holds a shard */
  double gradient_bytes;
  double optimizer_bytes; /* master and moments, per element that the rank steps */
  double host_bytes;      /* of them, what waits in host memory: the mean over all elements */
  int64_t moments;
} MoeKeeps;
void moe_keeps_init(const MoeRun *run, const MoePrecisions *precisions, MoeKeeps *keeps);

/* Where the value at `dotted_path` is written, or the nearest section around it. */
MoeMark moe_run_mark(const MoeRun *run, const char *dotted_path);
/* The run of one entry of a file's `cases:`, its `extends` resolved and its id taken out into *id (caller frees, also
 * when NULL is returned). NULL and *error when it is no map, has no id or nothing published. */
MoeDoc *moe_case_document(MoeDoc *file, MoeNode *entry, char **id, GError **error);
/* Loads one cluster or stack by name (in data_dir) or path, for commands that need no run. Strings live in *doc, whose
 * section is called "cluster" or "stack"; the caller frees it after moe_cluster_clear or moe_stack_clear. A stack is
 * SOFTWARE:VARIANT, or SOFTWARE alone for its last variant. */
gboolean moe_cluster_load(const char *name, const char *data_dir, MoeCluster *cluster, MoeDoc **doc, GError **error);
/* The same of a name that is written in a file: messages say where, and a path is relative to that file. */
gboolean moe_cluster_load_named(const MoeNode *name, const char *data_dir, MoeCluster *cluster, MoeDoc **doc,
                                GError **error);
gboolean moe_stack_load(const char *name, const char *data_dir, MoeStack *stack, MoeDoc **doc, GError **error);
/* The same of a document that moe_stack_load gave and somebody changed. */
gboolean moe_stack_from_doc(const MoeDoc *doc, MoeStack *stack, GError **error);
/* Names of the variants of a stack's file, in order, NULL-terminated, none where it has none; NULL and *error when it
 * cannot be read. Free with g_strfreev. */
char **moe_stack_variants(const char *path, GError **error);
/* Reads the map of one accelerator file. Strings live in its document; the caller clears `kernels`. */
gboolean moe_accelerator_read(const MoeNode *node, MoeAccelerator *accelerator, GError **error);
/* Tries the values of every assumption in a run's document, or in one that moe_cluster_load or moe_stack_load gave:
 * each needs a value that can be read; clusters and stacks that are assumed are looked up in `data_dir` (may be NULL)
 * besides. Costs a reading per assumption, so only `moesim check` asks. */
gboolean moe_assumptions_check(const MoeDoc *doc, const char *data_dir, GError **error);
/* The same for the map of one accelerator file. */
gboolean moe_accelerator_check(const MoeNode *node, GError **error);
/* Free the kernel families of a cluster or stack that was loaded so; its strings go with the document. */
void moe_cluster_clear(MoeCluster *cluster);
void moe_stack_clear(MoeStack *stack);
/* What holds of the collectives of a stack that says nothing of them. */
void moe_stack_collectives_default(MoeStackCollectives *collectives);
/* Whether both passes of an iteration are captured as one graph. */
gboolean moe_stack_graphs_iteration(const MoeStack *stack);

/* ---- kinds and words -------------------------------------------------------------------------------------------- */

/* What a layer is made of: the pattern's item, and what it leaves open as the shorthands say. */
MoeLayerKind moe_layer_kind(const MoeArchitecture *architecture, int64_t layer);
gboolean moe_layer_kind_equal(const MoeLayerKind *a, const MoeLayerKind *b);
/* Whether a mixer has attention, linear attention. */
gboolean moe_mixer_attends(int mixer);
gboolean moe_mixer_scans(int mixer);
gboolean moe_layer_is_moe(const MoeArchitecture *architecture, int64_t layer);
/* Experts per token that compute, on average. */
double moe_real_top_k(const MoeExpertLayer *moe);
/* Whether attention reaches every token before. */
gboolean moe_layer_is_global(const MoeArchitecture *architecture, int64_t layer);
extern const char *const moe_save_words[]; /* in the order of the bits of MoeSave */
extern const char *const moe_mixer_words[], *const moe_feed_words[], *const moe_linear_words[];
extern const char *const moe_iteration_part_words[]; /* keys of published.iteration_parts_s; in the order of parts.h */

/* Whether a file is named by its path rather than its name: it has a directory or an ending. */
gboolean moe_lookup_is_path(const char *name);

G_END_DECLS

#endif
