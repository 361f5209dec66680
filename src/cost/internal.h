/*
 * Private to cost: the resolved constants of a model, the machine one kernel sees, and the ladder of reasons.
 */
#ifndef MOESIM_COST_INTERNAL_H
#define MOESIM_COST_INTERNAL_H

#include "cost/cost.h"

/* ---- constants --------------------------------------------------------------------------------------------------- */

/* Order of moe_cost_constants(MOE_KERNEL_GEMM) and (MOE_KERNEL_GROUPED_GEMM). */
typedef enum {
  MOE_GEMM_SUSTAINED,
  MOE_GEMM_DROOP,
  MOE_GEMM_DROOP_S,
  MOE_GEMM_BALANCE,
  MOE_GEMM_RAMP_K,
  MOE_GEMM_TILE_LOSS,
  MOE_GEMM_MEMORY_SHARE,
  MOE_GEMM_OVERLAP,
  MOE_GEMM_FLOOR,
  MOE_GEMM_SPLIT,
  MOE_GEMM_TILES,
  MOE_GEMM_GROUP, /* grouped only, hence last */
  MOE_N_GEMM_CONSTANTS,
} MoeGemmConstant;

typedef enum {
  MOE_ATTENTION_SUSTAINED,
  MOE_ATTENTION_DROOP,
  MOE_ATTENTION_DROOP_S,
  MOE_ATTENTION_SCORE_FLOP,
  MOE_ATTENTION_WIDE_WORK,
  MOE_ATTENTION_BALANCE,
  MOE_ATTENTION_RAMP_KEYS,
  MOE_ATTENTION_TILE_Q,
  MOE_ATTENTION_TILE_KV,
  MOE_ATTENTION_DENSITY,
  MOE_ATTENTION_SKIPS_WINDOW,
  MOE_ATTENTION_MEMORY_SHARE,
  MOE_ATTENTION_FLOOR,
  MOE_N_ATTENTION_CONSTANTS,
} MoeAttentionConstant;

/* The first MOE_N_BANDWIDTH_KINDS constants of MOE_KERNEL_BANDWIDTH are the shares of HBM bandwidth by kind. */
enum { MOE_BANDWIDTH_FLOOR = MOE_N_BANDWIDTH_KINDS, MOE_BANDWIDTH_ROW, MOE_N_BANDWIDTH_CONSTANTS };

#define MOE_CONSTANTS_MAX 20 /* of any class */

typedef struct {
  double value[MOE_CONSTANTS_MAX];
  MoeFamilyUse use;
  const MoeKernelFamily
      *kind[MOE_N_BANDWIDTH_KINDS]; /* whose share it is, where each kind has its own; NULL: generic */
} MoeFit;

/* Who asks for a family: the kernel classes, with expert encode apart from other bandwidth-bound work. */
typedef enum {
  MOE_ROLE_GEMM, /* those of GEMM's model come first */
  MOE_ROLE_GROUPED_GEMM,
  MOE_ROLE_ATTENTION,
  MOE_ROLE_ELEMENTWISE,
  MOE_ROLE_ENCODE,
  MOE_ROLE_SCAN,
  MOE_N_ROLES,
} MoeFamilyRole;

/* Output tile of a GEMM kernel; `sms` thread blocks work on one tile together. */
typedef struct {
  int16_t m, n, sms;
} MoeTile;

#define MOE_TILES_MAX    11 /* of any generation */
#define MOE_TILE_SMS_MAX 2

/* What the tiles of a generation do with the constants of one fit, whatever the problem. */
typedef struct {
  guint n;
  gboolean ordered; /* the constants are such that more math never takes less time */
  const MoeTile *tile;
  guint n_heights, n_widths;
  int16_t heights[MOE_TILES_MAX], widths[MOE_TILES_MAX]; /* the different ones */
  guint height[MOE_TILES_MAX], width[MOE_TILES_MAX];     /* of each tile, as indices of these */
  double area_flop[MOE_TILES_MAX];                       /* per element of K */
  double slot_flop_per_s[MOE_TILES_MAX];                 /* peak of the SMs that share a tile */
  double flop_per_s[MOE_TILES_MAX];                      /* sustained by them with this tile, rows aligned */
  double work[MOE_TILES_MAX];                            /* seconds of one tile per element of K */
  double slot_work[MOE_TILES_MAX];                       /* times the SMs that share it */
} MoeTileTable;

#define MOE_FIT_PASSES 3 /* forward, data gradient or backward, weight gradient */

struct MoeCostModel {
  const MoeAccelerator *accelerator;
  const MoeStack *stack;
  double peak_flop_per_s[MOE_N_PRECISIONS]; /* moe_cost_peak of each; 0 = no path */
  MoeFit fit[MOE_N_ROLES][MOE_N_PRECISIONS][MOE_FIT_PASSES];
  MoeTileTable tiles[MOE_ROLE_GROUPED_GEMM + 1][MOE_N_PRECISIONS][MOE_FIT_PASSES];
};

int moe_cost_fit_pass(MoePass pass);
/* FALSE and *error when a constant has a name that its class does not know or a value that it cannot work with. */
gboolean moe_cost_check_constants(const MoeKernelFits *fits, GError **error);
/* Fills model->fit; FALSE and *error when the stack names a family that nobody knows. */
gboolean moe_cost_resolve(MoeCostModel *model, GError **error);
/* Precision whose constants stand in for those of `precision`; -1 at the end of the chain. */
int moe_cost_precision_fallback(int precision);
/* The family whose kernels `family` runs, itself for most. */
const char *moe_cost_family_run(MoeKernelClass klass, const char *family);
/* Family whose constants stand in for those of `family`; NULL at the end of the chain. */
const char *moe_cost_family_fallback(MoeKernelClass klass, const char *family);

/* The constants that price a kernel. */
const MoeFit *moe_cost_fit_of(const MoeCostModel *model, const MoeKernel *kernel);

/* ---- one kernel on one machine ----------------------------------------------------------------------------------- */

typedef struct {
  const double *constant;             /* of the kernel's fit */
  const MoeTileTable *tiles;          /* GEMM and grouped GEMM */
  double peak_flop_per_s;             /* all SMs, the kernel's precision */
  double quoted_flop_per_s;           /* all SMs, what MFU divides by */
  double sms, free_sms;               /* of the device; available to the kernel */
  double slots[MOE_TILE_SMS_MAX + 1]; /* tiles at a time, by the SMs that share one */
  double hbm_bytes_per_s;             /* available */
  double math_rate;                   /* of the SMs, relative to the bench that the constants were fitted on */
} MoeMachine;

/* Leaves a machine that many SMs. */
void moe_cost_free_sms(MoeMachine *machine, double free_sms);

/* A kind of kernels, whose constants and rates are the same, on a machine in several states. */
typedef struct {
  gboolean ready;
  MoeMachine idle;
  guint n;
  guint like[MOE_COST_MAX_STATES];        /* the first state that is the same */
  gboolean crowded[MOE_COST_MAX_STATES];  /* something is missing */
  MoeMachine beside[MOE_COST_MAX_STATES]; /* what is left, where something is missing */
} MoeKind;

/* Adds `seconds` - *reached to `reason`: the estimate after one more mechanism is taken into account. */
static inline void moe_ladder_step(MoeCost *cost, MoeReason reason, double *reached, double seconds)
{
  cost->part_s[reason] += seconds - *reached;
  cost->seconds = *reached = seconds;
}

/* Time of a kernel that takes `seconds` at its first clock: the clock falls by up to `droop` as power is averaged over
 * `droop_s`. */
static inline double moe_droop(double seconds, double droop, double droop_s)
{
  return seconds / (1 - droop * seconds / (seconds + droop_s));
}

/* HBM time left visible beside `math_s` when a share `overlap` (0..1) of the shorter of both is hidden by the longer.
 */
static inline double moe_memory_visible(double math_s, double memory_s, double overlap)
{
  return MAX(math_s, memory_s) + (1 - overlap) * MIN(math_s, memory_s) - math_s;
}

/* Tile set of a GPU generation (constant `tiles`: 80, 90, 100, 942), largest first. */
const MoeTile *moe_cost_tiles(double generation, guint *n);

/* Fills `table` with what follows from the constants of a fit, the peak of its precision and the SMs of the device. */
void moe_cost_tile_table(const double *constant, double peak_flop_per_s, double sms, MoeTileTable *table);

/* A GEMM or grouped GEMM in the terms of the equations, the same in all machine states; `copies` independent outputs of
 * m x n, reduced over k. */
typedef struct {
  double copies, m, n, k;
  int64_t rows, fullest; /* GROUPED forward / dgrad: rows over all groups and of the fullest one; 0 otherwise */
  double flop, useful_flop, bytes, floor_s, least_s;
  double growth;               /* by the ramp, where K is not split */
  double fused_values;         /* made by work that is fused behind the product */
  double alignment_rate;       /* 1, less for rows that are not a multiple of 16 bytes */
  double tiles[MOE_TILES_MAX]; /* of the table, over all outputs */
  double work[MOE_TILES_MAX];  /* of all tiles of a kind on one SM, seconds per element of K */
  double least_busy;           /* SMs that the fewest tiles can keep busy */
  guint likely;                /* which of them is tried first: changes nothing but the effort */
} MoeGemm;

void moe_cost_gemm_describe(const MoeMachine *machine, const MoeKernel *kernel, MoeGemm *gemm);
void moe_cost_gemm(const MoeMachine *machine, const MoeGemm *gemm, MoeCost *cost);
/* Only its time. */
double moe_cost_gemm_seconds(const MoeMachine *machine, const MoeGemm *gemm);

/* The kind that a kernel is of, with math at `math_rate` of the bench's, in n machine states. Errors as
 * moe_cost_kernel. */
gboolean moe_cost_kind(const MoeCostModel *model, const MoeKernel *kernel, double math_rate, guint n,
                       const MoeMachineState *states, MoeKind *kind, GError **error);
/* Prices a kernel of the kind in all states at once, which shares the work: `idle` is what it costs alone,
 * contention_s[i] by how much longer it takes in the i-th state. */
void moe_cost_states(const MoeKind *kind, const MoeKernel *kernel, MoeCost *idle, double *contention_s);

/* FLOPs of MATH: the model's own count when the kernel carries one, else the executed ones that are useful. */
double moe_cost_math_flop(const MoeKernel *kernel, double useful_flop);

/* ---- classes of kernels ------------------------------------------------------------------------------------------ */

/* Whose constants stand in for those of a family. */
typedef struct {
  const char *family, *fallback;
  gboolean same; /* `family` calls the kernels of `fallback`: they are its own */
} MoeRelative;

/* All that is said of a class of kernels, once. */
typedef struct {
  const char *title;              /* in tables; the word in files is moe_kernel_class_words */
  const char *const *shape;       /* keys of a shape, NULL-terminated */
  const char *needs;              /* those that must be given */
  const MoeNamedFamily *families; /* known ones, the last without a name, the first one for stacks that name none */
  const MoeRelative *relatives;
  const MoeCostConstant *constants;
  guint n_constants;
  gboolean one_backward; /* data and weight gradients come from one kernel, priced as DGRAD */
  gboolean kinds_apart;  /* a constant per kind of bandwidth-bound work, each from the nearest entry that has it */
  gboolean no_math;      /* memory bounds it: needs no peak, no clock slows it */
  double (*flop)(const MoeKernel *kernel);
  gboolean (*complete)(MoeKernel *kernel); /* fills in what follows from a shape; FALSE: too little is given */
  /* Either the kernel is one of GEMM's model, */
  void (*describe)(const MoeKernel *kernel, MoeGemm *problem); /* whose copies, m, n, k, rows, fullest, bytes it sets */
  /* or it has its own: */
  void (*price)(const MoeMachine *machine, const MoeKernel *kernel, MoeCost *cost);
  double (*seconds)(const MoeMachine *machine,
                    const MoeKernel *kernel); /* the same time, sooner; NULL: price says it */
} MoeCostClass;

extern const MoeCostClass moe_cost_class_gemm, moe_cost_class_grouped_gemm, moe_cost_class_attention,
    moe_cost_class_bandwidth, moe_cost_class_scan;

const MoeCostClass *moe_cost_class(MoeKernelClass klass);

/* Who asks for a family: key and place in the stack's `family:`. */
typedef struct {
  MoeKernelClass klass;
  const char *key;
  size_t offset; /* of the name in MoeStack */
  guint place;   /* of its mark */
} MoeCostRole;

extern const MoeCostRole moe_cost_roles[MOE_N_ROLES];

MoeFamilyRole moe_cost_role(const MoeKernel *kernel);
const char **moe_cost_role_family(MoeStack *stack, MoeFamilyRole role);

/* ---- GEMM and grouped GEMM --------------------------------------------------------------------------------------- */

extern const MoeCostConstant moe_gemm_constants[MOE_N_GEMM_CONSTANTS];

/* Bytes that `elements` of the output cost, read too when they accumulate. */
double moe_gemm_output_bytes(const MoeKernel *kernel, double elements);

#endif
