/*
 * cost: kernel x accelerator x stack -> duration, with its reasons.
 *
 * Floor 3. Uses base, spec. Knows no engine, no topology, no program.
 *
 * Every estimate is a sum of named parts, so that a reader can ask "why": what the model FLOPs need at the quoted peak,
 * and each reason for needing longer. docs/model.md holds the equations and their sources; calibration of the constants
 * is in study.
 */
#ifndef MOESIM_COST_H
#define MOESIM_COST_H

#include "spec/spec.h"
#include "spec/work.h"

G_BEGIN_DECLS

typedef struct {
  double seconds;
  double part_s[MOE_N_REASONS]; /* sums to `seconds` */
} MoeCost;

/* What is left of the GPU while communication kernels run beside. */
typedef struct {
  int64_t sms;         /* SMs available, 1..accelerator.sms */
  double memory_share; /* share of HBM bandwidth available, (0, 1] */
} MoeMachineState;

typedef struct MoeCostModel MoeCostModel;

/* Resolves the families the stack names. Both arguments must outlive the model. NULL and *error when a family is
 * unknown (the message lists the known ones). */
MoeCostModel *moe_cost_model_new(const MoeAccelerator *accelerator, const MoeStack *stack, GError **error);
void moe_cost_model_free(MoeCostModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeCostModel, moe_cost_model_free)

/* Prices one kernel. FALSE and *error when the accelerator has no path for its precision. Thread-safe (const). */
gboolean moe_cost_kernel(const MoeCostModel *model, const MoeKernel *kernel, const MoeMachineState *state,
                         MoeCost *cost, GError **error);

/* ---- in a training step ------------------------------------------------------------------------------------------ */

/* Rate of the math of a kernel in a training step relative to the bench, (0, 1]: the training rate times the share of
 * the bench's clock that the board's power, or its cap, allows. Class and pass of the kernel are read. */
double moe_cost_math_rate(const MoeCostModel *model, const MoeKernel *kernel);

/* What a kernel costs in a training step, where math runs slower than on the bench: `cost` alone on the GPU (math that
 * is no model FLOP as MOE_REASON_UNCOUNTED), seconds[i] in states[i]. FALSE and *error as moe_cost_kernel. */
gboolean moe_cost_in_step(const MoeCostModel *model, const MoeKernel *kernel, guint n, const MoeMachineState *states,
                          MoeCost *cost, double *seconds, GError **error);

/* What a kernel takes on the bench after a second of nothing else, when power has lowered the clock. As above, of one
 * state. */
gboolean moe_cost_long_run(const MoeCostModel *model, const MoeKernel *kernel, const MoeMachineState *state,
                           MoeCost *cost, double *seconds, GError **error);

/* moe_cost_in_step for many kernels in the same n states, at most MOE_COST_MAX_STATES: what kernels of a kind share is
 * worked out when the first of them comes. `model` must outlive it; for one thread at a time. */
#define MOE_COST_MAX_STATES 4
typedef struct MoeCostStep MoeCostStep;
MoeCostStep *moe_cost_step_new(const MoeCostModel *model, guint n, const MoeMachineState *states);
void moe_cost_step_free(MoeCostStep *step);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeCostStep, moe_cost_step_free)
gboolean moe_cost_step_price(MoeCostStep *step, const MoeKernel *kernel, MoeCost *cost, double *seconds,
                             GError **error);

/* What communication leaves that takes `sms` SMs and `bytes_per_s` of memory bandwidth. */
MoeMachineState moe_cost_beside(const MoeAccelerator *accelerator, int64_t sms, double bytes_per_s);

/* In a synchronous step all GPUs end up going at the pace of the slowest: expected factor on the math of the mean GPU,
 * >= 1, of n whose math rates spread. What the mean GPU loses that way is waiting for peers. */
double moe_cost_lock_step_pace(const MoeAccelerator *accelerator, double n_gpus);
/* That factor on a kernel: 1 where memory bandwidth limits, which does not spread. */
double moe_cost_paced(const MoeKernel *kernel, double pace);

/* FLOPs a kernel executes in a step: model FLOPs where it has some, the shape's for recomputation, else 0. */
double moe_cost_executed_flop(const MoeKernel *kernel);

/* ---- classes of kernels ------------------------------------------------------------------------------------------ */

/* "grouped GEMM": how tables name a class. Its word in files is moe_kernel_class_words. */
const char *moe_cost_class_title(MoeKernelClass klass);
/* Memory bandwidth alone bounds kernels of the class. */
gboolean moe_cost_is_memory_bound(MoeKernelClass klass);
/* Keys that describe the shape of a kernel ("m", "heads"), NULL-terminated; those that must be given, in words. */
const char *const *moe_cost_shape_keys(MoeKernelClass klass);
const char *moe_cost_shape_needs(MoeKernelClass klass);
/* A kernel of no shape yet, as a layer has it: a weight gradient adds to sums in FP32, all else gives BF16. `name` is
 * kept, not copied. */
MoeKernel moe_cost_kernel_of(MoeKernelClass klass, MoePrecision precision, MoePass pass, const char *name);
/* Sets one of the keys; FALSE when the class has no such key. */
gboolean moe_cost_shape_set(MoeKernel *kernel, const char *key, double value);
/* Fills in what follows from the keys given; FALSE when too few are. */
gboolean moe_cost_shape_complete(MoeKernel *kernel);
/* Names `family` wherever `stack` names one for the class. The name must outlive the stack. */
void moe_cost_name_family(MoeStack *stack, MoeKernelClass klass, const char *family);

/* ---- which constants priced it ----------------------------------------------------------------------------------- */

typedef enum {
  MOE_ORIGIN_STACK,       /* fitted constants that the stack file brings */
  MOE_ORIGIN_ACCELERATOR, /* fitted constants of the accelerator file */
  MOE_ORIGIN_GENERIC,     /* neither has a fit for the class: the typical constants of moe_cost_constants */
} MoeOrigin;

extern const char *const moe_origin_words[];

/* What was asked for and what was taken. A fallback is never silent: `exact` is FALSE when family or precision differ.
 */
typedef struct {
  const char *requested;  /* family that the stack names */
  const char *used;       /* family whose constants price the kernel; "generic" with MOE_ORIGIN_GENERIC */
  MoePrecision precision; /* precision whose constants are used; those of `requested` when exact */
  MoeOrigin origin;
  gboolean exact;
  const MoeKernelFamily
      *fit; /* residual, rows and source; NULL with MOE_ORIGIN_GENERIC; owned by stack or accelerator */
} MoeFamilyUse;

/* Which constants price `kernel` (klass, precision, pass and, for BANDWIDTH, bandwidth are read). */
void moe_cost_family(const MoeCostModel *model, const MoeKernel *kernel, MoeFamilyUse *use);

/* What a kernel is compared by with the rows of a fit: extents of its shape, bytes of its kind. */
#define MOE_COST_AXES 4
typedef struct {
  const char *name; /* static */
  double value;
} MoeCostAxis;

/* Fills axes, returns their number. */
guint moe_cost_axes(const MoeKernel *kernel, MoeCostAxis axes[MOE_COST_AXES]);

/* What the price of a kernel rests on. */
typedef struct {
  const MoeKernelFamily *fit; /* NULL: nobody measured such a kernel here */
  gboolean other_precision;   /* constants of another precision */
  const char *axis;          /* on which it is farthest outside the rows; NULL when it is inside, or they are unknown */
  double value, least, most; /* of that axis; least and most 0 where no row has it */
  double beyond;             /* value over most, or least over value; 1 = inside, infinite where no row has the axis */
} MoeCostSupport;

void moe_cost_support(const MoeCostModel *model, const MoeKernel *kernel, MoeCostSupport *support);
/* A shape so many times outside the rows is still near them: the waves, tiles and bytes that decide are the same. */
#define MOE_COST_NEAR 2.0
/* Whether it is priced beyond what was measured: no fit, one of another precision, or a shape not near its rows. */
gboolean moe_cost_is_extrapolated(const MoeCostSupport *support);

/* Tensor peak that `kernel` is priced against, FLOP/s: that of its precision, of the precision it stands for (fp16 as
 * bf16, block FP8 as fp8) or a third of BF16's for BF16X3; 0 when the accelerator has no path. */
double moe_cost_peak(const MoeAccelerator *accelerator, MoePrecision precision);

/* One constant of a class's model. docs/model-kernels.md says where it stands in the equations. */
typedef struct {
  const char *name; /* as in `kernels:` of accelerator and stack files */
  double generic;   /* typical value, used when no fit has it */
  double low, high; /* sensible range, the bounds of a fit; equal when the constant is not fitted */
  const char *unit;
  const char *meaning;
} MoeCostConstant;

/* A family of kernels as stacks name it, and what it is, in one line. */
typedef struct {
  const char *name, *title; /* static */
  gboolean busy;            /* of attention: keeps the tensor cores so busy that accelerator.draw is what it draws */
} MoeNamedFamily;

/* Families that are known of a class, behind the last one without a name. Static storage. */
const MoeNamedFamily *moe_cost_families(MoeKernelClass klass);
gboolean moe_cost_knows_family(MoeKernelClass klass, const char *name);

/* The constants of a class, *n of them, in fixed order. Static storage. */
const MoeCostConstant *moe_cost_constants(MoeKernelClass klass, guint *n);

/* Constant `index` of moe_cost_constants, as it prices `kernel`. */
double moe_cost_constant(const MoeCostModel *model, const MoeKernel *kernel, guint index);

/* FLOPs the kernel executes for its shape without rounding: multiply-adds of real rows and unmasked scores, both of
 * backward's recomputations included; 0 for BANDWIDTH. */
double moe_cost_flop(const MoeKernel *kernel);

G_END_DECLS

#endif
