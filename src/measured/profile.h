/*
 * profile: what a GPU was seen doing, from the trace of a profiler. Part of measured (floor 2).
 *
 * A profile is the kernels of one GPU with what is known of each: its class by the table below, the shape of its matrix
 * product from the framework's operation that launched it, what a collective moves; and what the host spent on launches
 * and on waiting for the GPU. Sums over kernels are by class, by shape and by collective.
 *
 * Life cycle: moe_profile_load -> read -> moe_profile_free.
 */
#ifndef MOESIM_MEASURED_PROFILE_H
#define MOESIM_MEASURED_PROFILE_H

#include "base/base.h"

G_BEGIN_DECLS

typedef enum {
  MOE_SEEN_GEMM,
  MOE_SEEN_GROUPED_GEMM,
  MOE_SEEN_ATTENTION,
  MOE_SEEN_SCAN,
  MOE_SEEN_CONVOLUTION,
  MOE_SEEN_NORM,
  MOE_SEEN_ACTIVATION,
  MOE_SEEN_ROTARY,
  MOE_SEEN_QUANTIZE,
  MOE_SEEN_PERMUTE,
  MOE_SEEN_ROUTER,
  MOE_SEEN_EMBEDDING,
  MOE_SEEN_CROSS_ENTROPY,
  MOE_SEEN_OPTIMIZER,
  MOE_SEEN_ELEMENTWISE,
  MOE_SEEN_COLLECTIVE,
  MOE_SEEN_COPY, /* memory copies and fills */
  MOE_SEEN_OTHER,
  MOE_N_SEEN,
} MoeSeenClass;
extern const char *const moe_seen_words[];

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* Which kernel is of which class: the first row of which a part stands in the kernel's name, upper or lower case. */
typedef struct MoeSeenTable MoeSeenTable;

/* The rows that ship; before them those of a file, which may be NULL: `classes: [{contains: my_kernel, class: gemm}]`.
 * NULL and *error when it is wrong. */
MoeSeenTable *moe_seen_table_new(const char *path, GError **error);
void moe_seen_table_free(MoeSeenTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeSeenTable, moe_seen_table_free)
MoeSeenClass moe_seen_class(const MoeSeenTable *table, const char *kernel);

/* ---- profiles ---------------------------------------------------------------------------------------------------- */

typedef struct {
  const char *name; /* the profile's */
  MoeSeenClass klass;
  double start_s, duration_s;
  int64_t stream;
  int64_t operation;      /* of the framework that launched it; 0 not known */
  int64_t m, n, k, batch; /* of a matrix product, batch products of it; m = 0: not known */
  const char *type;       /* of its first operand, as the framework calls it; NULL not known */
  const char *collective; /* "allreduce", as the library's records call it; NULL not known */
  double bytes;           /* of a collective: the larger of what goes in and comes out on this rank */
  int64_t group;          /* ranks of it; 0 not known */
  int64_t first, stride;  /* of them, the first and what lies between two; stride 0: not known, or not the same */
} MoeSeenKernel;

/* What the host pays for. */
typedef enum {
  MOE_SEEN_LAUNCH,       /* of one kernel */
  MOE_SEEN_GRAPH_LAUNCH, /* of a captured graph */
  MOE_SEEN_WAKE,         /* from the end of the last kernel to the return of a wait that left the GPU with nothing */
  MOE_N_SEEN_COSTS
} MoeSeenCostKind;

/* Learned from every other record, judged by those between. */
typedef struct {
  guint n, kept;                        /* records of each; 0: none */
  double median_s;                      /* of those learned from */
  double residual_median, residual_p90; /* |record / median - 1| of those kept; 0 without */
} MoeSeenCost;

typedef struct {
  char *gpu;           /* name of the device; NULL not said */
  int64_t rank, world; /* -1, 0: not said */
  GArray *kernels;     /* of MoeSeenKernel, by start */
  GStringChunk *texts; /* own all names */
  guint n_steps;       /* that the profiler was told of */
  double step_s;       /* their median; 0 without */
  double span_s;       /* from the first kernel's start to the last one's end */
  double busy_s;       /* of it, while some kernel ran on some stream */
  guint n_launches, n_syncs;
  double launch_s; /* median time of a launch on the host */
  double sync_s;   /* all time that the host waited for the GPU */
  MoeSeenCost cost[MOE_N_SEEN_COSTS];
} MoeProfile;

/* A PyTorch profiler trace (Kineto's JSON), also under gzip, or an export of Nsight Systems as SQLite. NULL and *error
 * (MOE_ERROR_INPUT, _IO). */
MoeProfile *moe_profile_load(const char *path, const MoeSeenTable *table, GError **error);
/* The same of a trace, or a database, in memory; `name` for messages. */
MoeProfile *moe_profile_parse(const char *text, gsize length, const char *name, const MoeSeenTable *table,
                              GError **error);
MoeProfile *moe_profile_parse_nsight(const guchar *bytes, gsize length, const char *name, const MoeSeenTable *table,
                                     GError **error);
void moe_profile_free(MoeProfile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeProfile, moe_profile_free)

/* ---- sums -------------------------------------------------------------------------------------------------------- */

typedef struct {
  guint n;
  double total_s;
  const char *largest; /* the kernel's name that took most of it */
} MoeSeenSum;

/* [MOE_N_SEEN] */
void moe_profile_classes(const MoeProfile *profile, MoeSeenSum *sums);

/* Matrix products of one shape and type; collectives of one kind, size and group. */
typedef struct {
  MoeSeenKernel like; /* the first of them; its texts are the profile's */
  guint n;
  double median_s, least_s, total_s;
} MoeSeenAlike;

/* Of MoeSeenAlike, what took longest in all first. A product's time is that of all kernels of its operation. */
GArray *moe_profile_products(const MoeProfile *profile);
GArray *moe_profile_collectives(const MoeProfile *profile);
/* Bus bandwidth that bytes in a time are worth (as nccl-tests has it), bytes per second; NaN where the group or the
 * kind is not known. */
double moe_seen_bus_bandwidth(const MoeSeenKernel *kernel, double duration_s);

/* The products as a series of measurements for moesim calibrate, on `cluster` with kernels of `family` into fragment
 * `fragment`. Only types that have a precision there; others are left out; NULL without any. Caller
 * frees. */
char *moe_profile_measurements(const MoeProfile *profile, const char *source, const char *cluster, const char *fragment,
                               const char *family);

G_END_DECLS

#endif
