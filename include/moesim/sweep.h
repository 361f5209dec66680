/*
 * sweep: one run at many points. Part of study (floor 8).
 *
 * Axes (a key and its values) span the points: their cross product, the last axis running fastest, or side by side
 * (zip). A point is loaded, predicted and kept as a *record*: text that the caller makes of a prediction (one JSON
 * object), because study knows no output format. A point that cannot exist is a record too, with its reason.
 *
 *     moe_sweep_new -> [moe_store_open] -> moe_sweep_run (records by point) -> moe_sweep_points_free -> moe_sweep_free
 *
 * Records stand in the order of points, whatever the number of threads or processes and whatever was resumed.
 */
#ifndef MOESIM_SWEEP_H
#define MOESIM_SWEEP_H

#include <moesim/study.h>

G_BEGIN_DECLS

/* Points beyond this are a slip of the keyboard. */
#define MOE_SWEEP_MAX_POINTS 1000000

/* ---- points ------------------------------------------------------------------------------------------------------ */

typedef struct {
  char *key; /* dotted path in the run, or gpus, variant, cluster, stack: then as the option of that name */
  guint n;
  char **value; /* [n], NULL-terminated */
} MoeSweepAxis;

typedef struct {
  char *path;
  MoeRunOptions options; /* as given; what its members point to belongs to the caller */
  gboolean zip;
  guint n_axes, n_points;
  MoeSweepAxis *axes;
} MoeSweep;

/* `vary` is a NULL-terminated list of at least one "key=a,b,c" (commas inside braces, brackets and quotes do not
 * separate), "key=LOW:HIGH" (step 1), "key=LOW:HIGH:STEP" or "key=LOW:HIGH:*FACTOR"; a unit may follow the last number
 * and then belongs to every value. With `zip` all lists are equally long and run side by side. NULL and *error
 * (MOE_ERROR_INPUT) when a text is none of this, a key stands twice, or there are too many points. */
MoeSweep *moe_sweep_new(const char *path, const MoeRunOptions *options, const char *const *vary, gboolean zip,
                        GError **error);
void moe_sweep_free(MoeSweep *sweep);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeSweep, moe_sweep_free)
/* Value of an axis at a point. */
const char *moe_sweep_value(const MoeSweep *sweep, guint point, guint axis);
/* The run at a point; NULL and *error as moe_run_load. Thread-safe. */
MoeRun *moe_sweep_load(const MoeSweep *sweep, guint point, GError **error);
/* What makes two sweeps the same: file, options and axes, as text. Caller frees. */
char *moe_sweep_identity(const MoeSweep *sweep);

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* How the caller predicts and writes down. All three are called from several threads at once. */
typedef struct {
  /* The record of a prediction; NULL and *error when the run cannot be simulated. */
  char *(*predict)(const MoeSweep *sweep, guint point, const MoeRun *run, gpointer user_data, GError **error);
  /* The record of a point that cannot be. */
  char *(*refuse)(const MoeSweep *sweep, guint point, const char *reason, gpointer user_data);
  gpointer user_data;
  const char *salt; /* what besides the resolved run decides the prediction: program version, simulation options */
} MoeSweepWork;

typedef struct {
  char *hash;   /* SHA-256 of the resolved run (or of why there is none) and the salt, hexadecimal */
  char *record; /* NULL when `hash` is the known one: nothing was computed */
  gboolean failed;
} MoeSweepPoint;

void moe_sweep_point_clear(MoeSweepPoint *point);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoeSweepPoint, moe_sweep_point_clear)
/* Computes one point unless its hash is `known` (may be NULL). What threads and the workers of other machines call. */
void moe_sweep_compute(const MoeSweep *sweep, const MoeSweepWork *work, guint point, const char *known,
                       MoeSweepPoint *result);

/* ---- store ------------------------------------------------------------------------------------------------------- */

/* An SQLite file with one row per finished point: position, hash, failed, one column per axis, record. Each point is
 * committed as it comes (write-ahead log): a process killed at any moment loses the points in flight and nothing else.
 * Thread-safe. */
typedef struct MoeStore MoeStore;

/* Opens or makes the store of this sweep. NULL and *error (MOE_ERROR_IO) when the file belongs to another sweep or is
 * no store, or when it holds points and `resume` was not asked for. */
MoeStore *moe_store_open(const char *path, const MoeSweep *sweep, gboolean resume, GError **error);
void moe_store_free(MoeStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeStore, moe_store_free)
/* Points it holds. */
guint moe_store_count(MoeStore *store);
/* Hash of a stored point, NULL when it is not there. Caller frees. */
char *moe_store_hash(MoeStore *store, guint point);
/* Fills `result` from the store; FALSE and *error when it cannot be read. */
gboolean moe_store_get(MoeStore *store, guint point, MoeSweepPoint *result, GError **error);
gboolean moe_store_put(MoeStore *store, const MoeSweep *sweep, guint point, const MoeSweepPoint *result,
                       GError **error);

/* ---- running ----------------------------------------------------------------------------------------------------- */

/* Finishes one point: keeps what the store has when that is still what would be computed, else computes and stores it.
 * `store` may be NULL. FALSE and *error when the store fails. */
gboolean moe_sweep_finish(const MoeSweep *sweep, const MoeSweepWork *work, MoeStore *store, guint point,
                          MoeSweepPoint *result, GError **error);
/* All points on `jobs` threads (0 = as many as the machine has). [n_points] results, owned by the caller
 * (moe_sweep_points_free); NULL and *error when the store fails. `progress` as in moe_study_map. */
MoeSweepPoint *moe_sweep_run(const MoeSweep *sweep, const MoeSweepWork *work, MoeStore *store, guint jobs,
                             MoeProgressFunc progress, gpointer progress_data, GError **error);
void moe_sweep_points_free(MoeSweepPoint *points, guint n);

G_END_DECLS

#endif
