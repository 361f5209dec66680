/* Inside diff. */
#ifndef MOESIM_DIFF_INTERNAL_H
#define MOESIM_DIFF_INTERNAL_H

#include "diff/diff.h"
#include "spec/work.h"

/* What a GPU does at an instant: the first of these that runs. */
typedef enum { DIFF_KERNELS, DIFF_COMMUNICATION, DIFF_COPIES, DIFF_IDLE, DIFF_N_STATES } DiffState;

/* Something that ran. */
typedef struct {
  double start_s, end_s;
  DiffState state;
} DiffSpan;

/* Collectives as both sides can tell them apart. */
typedef enum {
  DIFF_ALL_REDUCE,
  DIFF_ALL_GATHER,
  DIFF_REDUCE_SCATTER,
  DIFF_ALL_TO_ALL, /* dispatch and combine among them */
  DIFF_BROADCAST,
  DIFF_MESSAGE,
  DIFF_OTHER_COLLECTIVE,
  DIFF_N_COLLECTIVES,
} DiffCollective;
extern const char *const diff_collective_words[];

/* Sums of alike work. */
typedef struct {
  double predicted_s, measured_s, predicted_n, measured_n;
  double predicted_bytes, measured_bytes; /* of collectives; NaN-free, 0 unknown */
  const char *largest;                    /* measured kernel's name that took most of it; NULL without */
} DiffSum;

/* Matrix products of one shape, either way round. */
typedef struct {
  int64_t low, high, k, batch; /* low <= high: rows and columns of the result */
  DiffSum sum;
  const char *name; /* of the predicted kernel that takes most; NULL: the model has no such product */
  double name_s;
  gboolean several; /* kernels of other names have the shape too */
  MoeScope scope;
  MoeKernel kernel; /* that kernel */
} DiffProduct;

/* Predicted kernels that are the same work. */
typedef struct {
  const char *key; /* what tells it from others; the table's */
  MoeKernel kernel;
  double time_s;
} DiffWork;

typedef struct {
  const MoeRun *run;
  const MoeProfile *profile;
  double steps;
  DiffSum classes[MOE_N_SEEN], collectives[DIFF_N_COLLECTIVES], layers[MOE_N_SCOPES + 1]; /* last: no layer is told */
  double predicted_state_s[DIFF_N_STATES], measured_state_s[DIFF_N_STATES];
  double predicted_overlapped_s, measured_overlapped_s;
  DiffSum layer_classes[MOE_N_SCOPES + 1][MOE_N_SEEN]; /* of the layers above */
  double idle_s[MOE_N_CAUSES];                         /* predicted: what the compute stream waits for */
  double waits_s[DIFF_N_COLLECTIVES]; /* measured: by which collectives take longer than the shortest alike */
  gboolean shaped;                    /* the trace knows shapes of products */
  GArray *spans;                      /* of DiffSpan, predicted */
  GArray *products;                   /* of DiffProduct, by first appearance */
  GHashTable *places;                 /* text of the shape -> place in products, + 1 */
  GHashTable *works;                  /* text of its shape -> DiffWork */
} DiffSums;

/* ---- diff.c ------------------------------------------------------------------------------------------------------ */

void diff_sums_init(DiffSums *sums, const MoeRun *run, const MoeProfile *profile, double steps);
void diff_sums_clear(DiffSums *sums);
/* Predicts the run of the sums and adds what `rank` does. NULL and *error. */
MoeResult *diff_simulate(DiffSums *sums, const MoeSimOptions *options, int64_t rank, GError **error);
/* What callers leave open of rank (-1) and steps (0), and how long a step of so many was (diff.h). */
gboolean diff_rank_of(const MoeRun *run, const MoeProfile *profile, int64_t rank, int64_t *found, GError **error);
double diff_steps_of(const MoeProfile *profile, double steps);
double diff_step_of(const MoeProfile *profile, double steps);

/* ---- predicted.c ------------------------------------------------------------------------------------------------- */

/* The class by which a trace would name a predicted kernel. */
MoeSeenClass diff_class_of(const MoeKernel *kernel);
/* Adds one slice of the rank. A MoeSliceFunc; `user_data` is a DiffSums. */
void diff_add_slice(const MoeSlice *slice, gpointer user_data);
/* The product of that shape, made where there is none; either way round is the same. */
DiffProduct *diff_product(DiffSums *sums, int64_t m, int64_t n, int64_t k, int64_t batch);
/* Which layer a kernel belongs to where its class tells; MOE_N_SCOPES: it does not. */
MoeScope diff_layer_of(MoeSeenClass klass);

/* ---- states.c ---------------------------------------------------------------------------------------------------- */

/* Time in each state from the first span to the last, and time of communication under kernels, over `steps`. */
void diff_sum_states(const GArray *spans, double steps, double state_s[DIFF_N_STATES], double *overlapped_s);

/* ---- measured.c -------------------------------------------------------------------------------------------------- */

/* Adds the profile, of which one step is `sums->steps`th. After all slices: products find their layers by them. */
void diff_add_profile(DiffSums *sums);

/* ---- host.c ------------------------------------------------------------------------------------------------------ */

/* Of MoeHostRow, all keys: what the profile says of the host of a run that was simulated. */
GArray *diff_host_rows(const MoeRun *run, const MoeProfile *profile);
/* Takes what is not refused into the run. */
void diff_host_apply(MoeRun *run, const GArray *rows);
/* The run's stack with it, as a file. Caller frees; NULL and *error. */
char *diff_host_text(const MoeRun *run, const GArray *rows, const char *source, GError **error);

/* ---- links.c ----------------------------------------------------------------------------------------------------- */

/* What the collectives of the profile say of the run's links: rows of all keys, and the records. FALSE and *error. */
gboolean diff_links(const MoeRun *run, const MoeProfile *profile, GArray **rows, GArray **records, GError **error);
/* Takes what is not refused into the run. */
void diff_links_apply(MoeRun *run, const GArray *rows);
/* The same as overrides of a run's document. */
gboolean diff_links_set(MoeDoc *doc, const GArray *rows, GError **error);
/* Lines of comment above a cluster: what each value rests on. */
void diff_links_describe(GString *head, const GArray *rows);

/* ---- meaning.c --------------------------------------------------------------------------------------------------- */

/* What a difference would mean; the caller frees. */
char *diff_mean_class(const DiffSums *sums, const MoeCostModel *cost, MoeSeenClass klass);
char *diff_mean_collective(const DiffSums *sums, DiffCollective kind);
char *diff_mean_layer(const DiffSums *sums, guint layer);
char *diff_mean_product(const DiffSums *sums, const DiffProduct *product, const MoeCostModel *cost);
char *diff_mean_state(const DiffSums *sums, DiffState state);

#endif
