/*
 * result: what a prediction says - times, MFU, where each second and byte goes. Part of spec (floor 2): plain data that
 * modules above fill.
 *
 * Each enumeration has its words, NULL-terminated, as they stand in keys of JSON.
 */
#ifndef MOESIM_RESULT_H
#define MOESIM_RESULT_H

#include <moesim/run.h>

G_BEGIN_DECLS

/* ---- to what time belongs ---------------------------------------------------------------------------------------- */

/* To what each instant of a GPU's step belongs. */
typedef enum {
  MOE_CAUSE_MATH,                /* model FLOPs at the quoted peak: its share of the step is the causal MFU */
  MOE_CAUSE_KERNEL_INEFFICIENCY, /* kernels below peak and work that is not model FLOPs */
  MOE_CAUSE_RECOMPUTE,
  MOE_CAUSE_PADDING,
  MOE_CAUSE_NVLINK_EXPOSED,
  MOE_CAUSE_NETWORK_EXPOSED,
  MOE_CAUSE_PEER_WAIT, /* a collective waits for its last member */
  MOE_CAUSE_BUBBLE,    /* a pipeline message has not been sent, or nothing is left to do before the step ends */
  MOE_CAUSE_HOST,      /* the host has not issued the next operation */
  MOE_CAUSE_COPY_EXPOSED,
  MOE_CAUSE_OPTIMIZER,
  MOE_CAUSE_DATA, /* data loading and other host work once per step */
  MOE_N_CAUSES,
} MoeCause;

extern const char *const moe_cause_words[];

/* Causes that a counterfactual run does without. Bits. */
typedef enum {
  MOE_WITHOUT_KERNEL_INEFFICIENCY = 1 << MOE_CAUSE_KERNEL_INEFFICIENCY,
  MOE_WITHOUT_RECOMPUTE = 1 << MOE_CAUSE_RECOMPUTE,
  MOE_WITHOUT_PADDING = 1 << MOE_CAUSE_PADDING,
  MOE_WITHOUT_NVLINK = 1 << MOE_CAUSE_NVLINK_EXPOSED,
  MOE_WITHOUT_NETWORK = 1 << MOE_CAUSE_NETWORK_EXPOSED,
  MOE_WITHOUT_PEER_WAIT = 1 << MOE_CAUSE_PEER_WAIT, /* no jitter, no slow GPU, mean rows on every rank */
  MOE_WITHOUT_HOST = 1 << MOE_CAUSE_HOST,
  MOE_WITHOUT_COPY = 1 << MOE_CAUSE_COPY_EXPOSED,
  MOE_WITHOUT_OPTIMIZER = 1 << MOE_CAUSE_OPTIMIZER,
  MOE_WITHOUT_DATA = 1 << MOE_CAUSE_DATA,
} MoeWithout;

/* Parts of a step by what was worked on; scopes also say what a CUDA graph covers (1 << MoeScope). */
typedef enum {
  MOE_SCOPE_EMBEDDING,
  MOE_SCOPE_ATTENTION,
  MOE_SCOPE_DENSE_FFN,
  MOE_SCOPE_ROUTER,
  MOE_SCOPE_EXPERTS, /* dispatch, expert FFN, combine */
  MOE_SCOPE_HEAD,    /* LM head and loss */
  MOE_SCOPE_OPTIMIZER,
  MOE_SCOPE_DATA, /* data-parallel communication and bucket copies */
  MOE_N_SCOPES,
} MoeScope;

extern const char *const moe_scope_words[];

/* Which direction of training an operation belongs to. */
typedef enum {
  MOE_PASS_FORWARD,
  MOE_PASS_DGRAD, /* backward with respect to inputs; also whole-backward of attention and element-wise kernels */
  MOE_PASS_WGRAD, /* backward with respect to weights */
  MOE_PASS_RECOMPUTE,
  MOE_PASS_OPTIMIZER,
  MOE_N_PASSES,
} MoePass;

extern const char *const moe_pass_words[];

/* Why a kernel takes the time that it takes. */
typedef enum {
  MOE_REASON_MATH,       /* model FLOPs at the quoted peak */
  MOE_REASON_PRECISION,  /* the format's peak differs from the quoted one (negative: FP8 is faster) */
  MOE_REASON_PADDING,    /* rows without tokens: capacity factor, tile padding of expert rows */
  MOE_REASON_TILE,       /* output tiles larger than the output */
  MOE_REASON_WAVE,       /* last wave of tiles not full */
  MOE_REASON_SUSTAINED,  /* best rate the kernel family sustains is below peak: clock under power, issue, pipeline */
  MOE_REASON_RAMP,       /* K-loop prologue and epilogue, short reductions, short sequences */
  MOE_REASON_MEMORY,     /* time beyond math because HBM is the limit; all of a bandwidth-bound kernel */
  MOE_REASON_FLOOR,      /* launch latency and minimum kernel time on the GPU */
  MOE_REASON_CONTENTION, /* fewer SMs or less memory bandwidth beside a communication kernel */
  MOE_REASON_RECOMPUTE,  /* work done again inside the kernel: flash attention's backward rebuilds the scores */
  MOE_REASON_UNCOUNTED,  /* math at peak that is no model FLOP: a prediction module or router left out of the count */
  MOE_N_REASONS,
} MoeReason;

extern const char *const moe_reason_words[];

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* What a GPU's memory is used for. */
typedef enum {
  MOE_MEMORY_WEIGHTS,
  MOE_MEMORY_GRADIENTS,
  MOE_MEMORY_OPTIMIZER,
  MOE_MEMORY_ACTIVATIONS,
  MOE_MEMORY_WORKSPACE,
  MOE_MEMORY_ALLOCATOR, /* held by the allocator beyond what tensors use: rounding and fragmentation */
  MOE_MEMORY_SYSTEM,    /* outside the allocator: context, libraries, their communication buffers */
  MOE_N_MEMORY_PARTS,
} MoeMemoryPart;

extern const char *const moe_memory_words[];

/* How memory was counted: by tensors, by what the allocator holds for them, or all that is in use on the device. */
typedef enum { MOE_MEMORY_ALLOCATED, MOE_MEMORY_RESERVED, MOE_MEMORY_DEVICE, MOE_N_MEMORY_KINDS } MoeMemoryKind;
extern const char *const moe_memory_kind_words[];

/* The memory of one pipeline stage at its peak. */
typedef struct {
  double part_bytes[MOE_N_MEMORY_PARTS];    /* at the moment of the role's peak; they sum to peak_bytes */
  double counted_bytes[MOE_N_MEMORY_KINDS]; /* the peak as tensors, the allocator and the device count it, cache
                                               included */
  double peak_bytes;                        /* that the device needs */
} MoeFootprint;

/* ---- the result -------------------------------------------------------------------------------------------------- */

/* Everything a prediction says. Strings are owned. */
typedef struct {
  char *run, *variant, *cluster, *stack; /* variant may be NULL */
  gboolean rumour;
  gboolean announced; /* the accelerator: its figures are those of announcements */
  int64_t gpus;
  int64_t global_batch, sequence_length; /* sequences per step, tokens of one */
  MoeFidelity fidelity;
  uint64_t seed;
  double parameters_total, parameters_active;
  double model_flops_per_token_causal, model_flops_per_token_full;
  double tokens_per_step, step_time_s, tokens_per_s, tokens_per_s_per_gpu;
  double model_flop_per_s_per_gpu_causal, model_flop_per_s_per_gpu_full;
  double mfu_causal, mfu_full, hfu; /* fractions of peak_flop_per_s */
  double peak_flop_per_s;           /* denominator, per GPU */
  const char *peak_precision;       /* "bf16" */
  struct {
    gboolean present, full_convention;
    double mfu, step_time_s, tokens_per_s_per_gpu, model_flop_per_s_per_gpu,
        peak_flop_per_s; /* 0 = not published; step_time_s may be
                             derived from the others */
    gboolean step_time_derived;
    char *source;
  } published;
  struct {
    double peak_bytes, capacity_bytes, headroom_bytes;
    gboolean fits; /* the peak and the headroom together are within the capacity */
    double part_bytes[MOE_N_MEMORY_PARTS];
    guint peak_role; /* pipeline stage that peaks */
    guint n_roles;
    MoeFootprint *role; /* [n_roles] */
  } memory;
  struct {
    guint samples; /* combinations of the assumptions that were predicted, 1 = the run as it is; 0 = none asked for, the
                      rest is 0 */
    double mfu_causal_p10, mfu_causal_p90, mfu_full_p10, mfu_full_p90, step_time_p10_s,
        step_time_p90_s; /* NaN: none exists */
    double mfu_causal_p50, mfu_full_p50, step_time_p50_s;
    double peak_p10_bytes, peak_p90_bytes; /* of memory */
    double assumptions_share, model_share; /* of the variance of log(step time) */
  } interval;
  struct {
    guint n; /* steps that step_time_s is the mean of, when more than one; 0 = one step, the rest is 0 */
    double p50_s, p90_s, max_s;
  } steps;
  double cause_s[MOE_N_CAUSES];   /* mean over GPUs, sums to step_time_s */
  double reason_s[MOE_N_REASONS]; /* detail of math + kernel inefficiency + padding */
  double scope_s[MOE_N_SCOPES];
  double pass_s[MOE_N_PASSES];
  double traffic_nvlink_bytes, traffic_network_bytes, traffic_host_bytes; /* per GPU */
  double price_gpu_hour, gpu_power_w, power_overhead; /* of the cluster: dollars, watts, factor; 0 = unknown */
  double purchase, purchase_low, purchase_high;       /* of the cluster: dollars per GPU; 0 = unknown */
  double extrapolated_share; /* of the time of all kernels, each alone on the GPU: priced beyond what was measured */
  double training_tokens;    /* of the training that is asked about; 0 = none */
  gboolean eager;            /* the host issues both passes call by call, not as one graph of the iteration */
  uint64_t events, operations;
  double wall_time_s; /* of the prediction on this machine: the one field that is not reproducible */
} MoeResult;

void moe_result_free(MoeResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeResult, moe_result_free)

/* ---- cost -------------------------------------------------------------------------------------------------------- */

/* Values are 0 where price or power is unknown. */
typedef struct {
  double price_gpu_hour;   /* dollars */
  double gpu_power_w;      /* board power of one GPU */
  double overhead;         /* >= 1 */
  double busy_share;       /* of the compute stream, 0..1 */
  double stepping_power_w; /* mean of one GPU while stepping, overhead included */
  double gpu_hours, dollars, energy_mwh;
  double trillion_tokens;
  double dollars_per_trillion, mwh_per_trillion; /* per trillion tokens */
} MoeEconomy;

G_END_DECLS

#endif
