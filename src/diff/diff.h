/*
 * diff: one predicted step beside the profile of a real one. Part of diff (floor 9); uses study and interchange.
 *
 * The run is simulated once and the slices of one rank are kept; the profile's kernels are summed over its steps. Both
 * are laid side by side four ways: by cause (what the GPU was doing), by kind of layer, by class of kernel and kind of
 * collective, and by shape of matrix product. Each row says what its difference would mean.
 *
 * What a trace does not tell of a kernel, no row claims: kernels whose layer follows neither from their class nor from
 * the shape of their product are a row of their own, on both sides.
 */
#ifndef MOESIM_DIFF_H
#define MOESIM_DIFF_H

#include "measured/profile.h"
#include "study/study.h"

G_BEGIN_DECLS

typedef enum { MOE_DIFF_CAUSE, MOE_DIFF_LAYER, MOE_DIFF_CLASS, MOE_DIFF_PRODUCT, MOE_N_DIFFS } MoeDiffKind;
extern const char *const moe_diff_words[];

/* One row; times and numbers are of one step on one GPU. */
typedef struct {
  MoeDiffKind kind;
  char *name;                     /* "attention" */
  double predicted_s, measured_s; /* all its kernels, one after another; of a cause the time that it alone takes */
  double predicted_n, measured_n; /* kernels that the GPU sees; 0 of a cause */
  char *meaning;                  /* one sentence without a full stop */
} MoeDiffRow;

typedef struct {
  MoeResult *result; /* of the predicted step */
  int64_t rank;
  double steps;           /* that the profile holds */
  double measured_step_s; /* as the profiler was told of so many steps, else the span of the kernels over them */
  double predicted_overlapped_s, measured_overlapped_s; /* of collectives, per step: while kernels ran */
  GArray *rows;                                         /* of MoeDiffRow, by kind, largest difference first */
} MoeProfileDiff;

/* `rank` -1: that of the profile where the run has it, else 0. `steps` 0: as many as the profiler was told of, else 1;
 * of a part of a step, less than 1. NULL and *error when the run cannot be predicted or has no such rank. */
MoeProfileDiff *moe_profile_diff(const MoeRun *run, const MoeSimOptions *options, const MoeProfile *profile,
                                 int64_t rank, double steps, GError **error);
void moe_profile_diff_free(MoeProfileDiff *diff);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeProfileDiff, moe_profile_diff_free)

/* ---- what a profile teaches -------------------------------------------------------------------------------------- */

/* Kernels that a trace tells from others. A class without a shape in the trace may hold products of all kinds. */
typedef struct {
  MoeSeenClass klass;
  const char *pass;         /* "forward", "backward", "both" */
  gboolean fitted;          /* both sides have such kernels */
  guint n;                  /* seen */
  double before_s, after_s; /* predicted time per step, by the constants as they were and as they are written */
  double measured_s;        /* per step that was learned from */
  double kept_s;            /* per step that was kept for judging: every other one; NaN where the profile has but one */
} MoeFragmentRow;

/* What the host pays for one thing. */
typedef struct {
  const char *key; /* of the stack: "host.launch" */
  double before_s; /* NaN: several */
  MoeSeenCost cost;
  char *refused; /* why it stays as it was; NULL: it is what `cost` says */
} MoeHostRow;

/* Alike collectives of a profile: one kind, size and group. */
typedef struct {
  const char *collective, *over; /* the profile's; "domain", "network"; NULL: its ranks are not known */
  int64_t ranks;                 /* of the group */
  double bytes;                  /* as MoeCollective counts them */
  guint n;                       /* seen */
  double measured_s;             /* the shortest of them, which waits least for its peers */
  double before_s, after_s;      /* predicted alone on the machine; NaN without known ranks */
  gboolean learned;              /* FALSE: it judges, or teaches nothing */
} MoeLinkRecord;

/* What they teach of one value of the cluster. */
typedef struct {
  const char *key; /* "domain.efficiency" */
  double before, after;
  guint n, kept;                        /* records learned from, and those that judge */
  double residual_median, residual_p90; /* |predicted / measured - 1| of these */
  char *refused;                        /* why it stays as it was; NULL: it does not */
} MoeLinkRow;

typedef struct {
  MoeRun *run;       /* with the constants that are written */
  MoeResult *result; /* of its step */
  int64_t rank;
  double steps;
  double before_step_s, measured_step_s;
  GArray *rows;        /* of MoeFragmentRow, by class */
  GArray *host;        /* of MoeHostRow */
  GArray *links;       /* of MoeLinkRow */
  GArray *collectives; /* of MoeLinkRecord, what took longest in all first */
  char *text;  /* a cluster that extends the run's: kernel constants under which each class takes as long as it did, and
                  what collectives say of its links */
  char *stack; /* a stack that extends the run's: with the host's costs */
} MoeProfileFragment;

/* The host's costs as the CPU side of the trace has them, and rates of the kernels' families, by class and pass, such
 * that a simulated step has as much time in each as a step of the profile; shapes are the run's. `source` says where
 * the profile is from. `rank` and `steps` as above. */
MoeProfileFragment *moe_profile_fragment(const MoeRun *run, const MoeSimOptions *options, const MoeProfile *profile,
                                         const char *source, int64_t rank, double steps, GError **error);
void moe_profile_fragment_free(MoeProfileFragment *fragment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeProfileFragment, moe_profile_fragment_free)

G_END_DECLS

#endif
