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

#include <moesim/predict.h>

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
 * of a range or of a list and then belongs to every bare number. With `zip` all lists are equally long and run side by
 * side. NULL and *error (MOE_ERROR_INPUT) when a text is none of this, a key stands twice, a value cannot be read as
 * what its key is, or there are too many points. */
MoeSweep *moe_sweep_new(const char *path, const MoeRunOptions *options, const char *const *vary, gboolean zip,
                        GError **error);
void moe_sweep_free(MoeSweep *sweep);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeSweep, moe_sweep_free)
/* One "key=values" as moe_sweep_new takes them; on failure the axis is left empty. */
gboolean moe_sweep_axis_read(const char *text, MoeSweepAxis *axis, GError **error);
void moe_sweep_axis_clear(MoeSweepAxis *axis);
/* Value of an axis at a point. */
const char *moe_sweep_value(const MoeSweep *sweep, guint point, guint axis);
/* Whether every value of the axes can be read as what its key is, for a study to ask before it computes anything: FALSE
 * and *error (MOE_ERROR_INPUT) name the first that cannot. Layouts that cannot be are left to their points. Of an axis
 * the first 64 values and the last are looked at, half a millisecond each. */
gboolean moe_sweep_check_values(const MoeSweep *sweep, GError **error);
/* The run at a point; NULL and *error as moe_run_load. Thread-safe. */
MoeRun *moe_sweep_load(const MoeSweep *sweep, guint point, GError **error);
/* What makes two sweeps the same: file, options and axes, as text. Caller frees. */
char *moe_sweep_identity(const MoeSweep *sweep);

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* A number of a record that a store shows as a column of its own, for SQL. */
typedef struct {
  const char *name;
  const char *path; /* where it stands in the record, "$.mfu.causal" */
} MoeSweepColumn;

/* How the caller predicts and writes down. All functions are called from several threads at once. */
typedef struct {
  /* The record of a prediction; NULL and *error when the run cannot be simulated. */
  char *(*predict)(const MoeSweep *sweep, guint point, const MoeRun *run, gpointer user_data, GError **error);
  /* The record of a point that cannot be. */
  char *(*refuse)(const MoeSweep *sweep, guint point, const char *reason, gpointer user_data);
  gpointer user_data;
  const char *salt;  /* what besides the resolved run decides the prediction: the build, simulation options */
  const char *build; /* who predicts, kept beside each point; may be NULL */
  const MoeSweepColumn *columns; /* of the records in a store; ends with a NULL name; may be NULL */
  /* The store takes nothing now; said once, at the first point that it did not take. May be NULL. */
  void (*notice)(const char *message, gpointer user_data);
  const MoeStop *stop; /* when to give up, with MOE_ERROR_STOPPED; may be NULL */
} MoeSweepWork;

typedef struct {
  char *hash;      /* SHA-256 of the resolved run (or of why there is none), its data files and the salt, hexadecimal */
  char *record;    /* NULL when `hash` is the known one: nothing was computed; or when there is trouble */
  gboolean failed; /* the point cannot be: the record says why */
  gboolean unkept; /* the store did not take it */
  GError *trouble; /* no answer for reasons that are not the run's: a file that could not be read, a fault of ours */
} MoeSweepPoint;

void moe_sweep_point_clear(MoeSweepPoint *point);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoeSweepPoint, moe_sweep_point_clear)
/* Computes one point unless its hash is `known` (may be NULL). What threads and the workers of other machines call. */
void moe_sweep_compute(const MoeSweep *sweep, const MoeSweepWork *work, guint point, const char *known,
                       MoeSweepPoint *result);

/* ---- store ------------------------------------------------------------------------------------------------------- */

/* An SQLite file with one row per finished point: position, hash, build, failed, one column per axis (numbers in SI
 * units; table `axis` names the unit), record, a checksum over all of these, and the caller's numbers of the record.
 * Each point is committed as it comes (write-ahead log): a process killed at any moment loses the points in flight and
 * nothing else. Several processes may fill one store: each takes from it what another has finished. A point whose
 * checksum does not fit is not there, and computed again. Thread-safe. */
typedef struct MoeStore MoeStore;

/* Opens or makes the store of this sweep. NULL and *error (MOE_ERROR_IO) when the file belongs to another sweep, is no
 * store, is locked or cannot be written, or when it holds points and `resume` was not asked for. */
MoeStore *moe_store_open(const char *path, const MoeSweep *sweep, const MoeSweepWork *work, gboolean resume,
                         GError **error);
void moe_store_free(MoeStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeStore, moe_store_free)
/* Whole points it held when it was opened. */
guint moe_store_known(const MoeStore *store);
/* Positions of the points that were damaged when it was opened, "3, 17 and 2 more"; NULL when none was. Caller frees.
 */
char *moe_store_damage(const MoeStore *store);
/* Fills `result` from the store; FALSE when the point is not there, or not whole. */
gboolean moe_store_get(MoeStore *store, guint point, MoeSweepPoint *result);
/* Keeps a point; when that fails, marks it as unkept and says so, once. */
void moe_store_put(MoeStore *store, const MoeSweep *sweep, const MoeSweepWork *work, guint point,
                   MoeSweepPoint *result);
/* Tries the unkept points again. FALSE and *error when one stays unkept. */
gboolean moe_store_settle(MoeStore *store, const MoeSweep *sweep, const MoeSweepWork *work, MoeSweepPoint *points,
                          GError **error);

/* What a store holds. */
typedef struct {
  char *identity;                      /* of the sweep */
  guint n_points;                      /* of the sweep */
  guint n_whole, n_damaged, n_refused; /* rows; refused: points that cannot be, of both kinds */
  char *damage;                        /* positions of the damaged rows, as moe_store_damage */
  char *builds;                        /* "12 by 0.1.0-1f2e3d", who computed how many; NULL without points */
  char *structure;                     /* what SQLite finds wrong with the file, NULL when nothing is */
} MoeStoreReport;

/* Reads the whole file. FALSE and *error when it is no store or cannot be read; damage is no error. */
gboolean moe_store_check(const char *path, MoeStoreReport *report, GError **error);
void moe_store_report_clear(MoeStoreReport *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoeStoreReport, moe_store_report_clear)

/* ---- running ----------------------------------------------------------------------------------------------------- */

/* Finishes one point: takes what the store has when that is still what would be computed, else computes and keeps it.
 * `store` may be NULL. */
void moe_sweep_finish(const MoeSweep *sweep, const MoeSweepWork *work, MoeStore *store, guint point,
                      MoeSweepPoint *result);
/* All points on `jobs` threads (0 = as many as the machine has). [n_points] results, owned by the caller
 * (moe_sweep_points_free), whatever becomes of the store (moe_store_settle tells); NULL and *error when a point has no
 * answer for reasons that are not the run's. `progress` as in moe_study_map. */
MoeSweepPoint *moe_sweep_run(const MoeSweep *sweep, const MoeSweepWork *work, MoeStore *store, guint jobs,
                             MoeProgressFunc progress, gpointer progress_data, GError **error);
/* FALSE and *error (how many, and the first reason) when a point is in trouble. */
gboolean moe_sweep_check_points(const MoeSweep *sweep, const MoeSweepPoint *points, GError **error);
void moe_sweep_points_free(MoeSweepPoint *points, guint n);

G_END_DECLS

#endif
