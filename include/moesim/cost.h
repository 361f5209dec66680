/*
 * cost: kernel x accelerator x stack -> duration, with its reasons.
 *
 * Floor 3. Uses base, spec. Knows no engine, no topology, no program.
 *
 * Every estimate is a sum of named parts, so that a reader can ask "why": what the model FLOPs need at the quoted peak, and each
 * reason for needing longer. docs/model.md holds the equations and their sources; calibration of the constants is in study.
 */
#ifndef MOESIM_COST_H
#define MOESIM_COST_H

#include <moesim/spec.h>
#include <moesim/work.h>

G_BEGIN_DECLS

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
  MOE_N_REASONS,
} MoeReason;

extern const char *const moe_reason_words[];

typedef struct {
  double seconds;
  double part_s[MOE_N_REASONS]; /* sums to `seconds` */
} MoeCost;

/* What is left of the GPU while communication kernels run beside. */
typedef struct {
  int64_t sms;               /* SMs available, 1..accelerator.sms */
  double memory_share;       /* share of HBM bandwidth available, (0, 1] */
} MoeMachineState;

typedef struct MoeCostModel MoeCostModel;

/* Resolves the families the stack names. Both arguments must outlive the model. NULL and *error when a family is unknown (the
 * message lists the known ones). */
MoeCostModel *moe_cost_model_new(const MoeAccelerator *accelerator, const MoeStack *stack, GError **error);
void moe_cost_model_free(MoeCostModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeCostModel, moe_cost_model_free)

/* Prices one kernel. FALSE and *error when the accelerator has no path for its precision. Thread-safe (const). */
gboolean moe_cost_kernel(const MoeCostModel *model, const MoeKernel *kernel, const MoeMachineState *state, MoeCost *cost,
                         GError **error);

G_END_DECLS

#endif
