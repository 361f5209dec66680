/*
 * goodput: a training of weeks - steps, failures, detection, restarts, checkpoints, slow periods - event by event.
 * Part of goodput (floor 9). Equations, assumptions and sources: docs/model-goodput.md.
 *
 * Account. Every instant of the training belongs to one kind, so that
 *
 *     wall-clock = ideal + recomputation + slower steps + checkpoints + not stepping
 *
 * with ideal = steps x healthy step time, and goodput = ideal / wall-clock.
 *
 * Failures. Each GPU, host and link is a renewal process: times between failures are Weibull with the given mean and
 * shape (1 = exponential), in equilibrium at the start, drawn from (seed, kind, part, count). They do not depend on
 * what the job does, so that two policies meet the same failures under the same seed.
 */
#ifndef MOESIM_GOODPUT_H
#define MOESIM_GOODPUT_H

#include <moesim/predict.h>

G_BEGIN_DECLS

/* What the wall-clock beyond the ideal goes to. */
typedef enum {
  MOE_OVERHEAD_RECOMPUTATION, /* steps done again: those since the last complete checkpoint before a failure */
  MOE_OVERHEAD_SLOW,          /* MFU drop: what degraded periods and stragglers add to steps */
  MOE_OVERHEAD_CHECKPOINT,    /* the job stands still for a checkpoint */
  MOE_OVERHEAD_DETECTION,     /* failed, not yet noticed */
  MOE_OVERHEAD_WAITING,       /* no healthy host to restart on */
  MOE_OVERHEAD_RESTART,       /* starting, loading the checkpoint */
  MOE_N_OVERHEADS,
} MoeOverhead;

extern const char *const moe_overhead_words[];

typedef enum { MOE_PART_GPU, MOE_PART_HOST, MOE_PART_LINK, MOE_N_PARTS } MoePart;
extern const char *const moe_part_words[];

/* One simulated training. */
typedef struct {
  double wall_s, ideal_s;
  double overhead_s[MOE_N_OVERHEADS];
  double stepping_s; /* at any speed, recomputed steps included */
  guint64 failures[MOE_N_PARTS];
  guint64 interruptions; /* of a job that ran: by failures */
  guint64 planned;       /* restarts without a straggler */
  guint64 checkpoints;   /* complete */
  guint64 events;
} MoeGoodputSample;

/* Many of them. */
typedef struct {
  struct MoeGoodputModel *model; /* what was simulated, with the interval used; inside the library */
  double interval_s;             /* stepping time between checkpoints that was used */
  guint n_samples;
  MoeGoodputSample *samples;         /* by seed */
  MoeGoodputSample mean;             /* counts rounded */
  double interruptions, checkpoints; /* means */
  MoeQuantiles wall_s, goodput, overhead_s[MOE_N_OVERHEADS];
  double ideal_s, mean_goodput; /* ideal / mean wall-clock */
  double job_mtbf_s;            /* of any part; INFINITY when nothing fails */
  double blocking_s;            /* what one checkpoint stops the job for: C */
  double young_s, daly_s;       /* optimum intervals of theory; INFINITY without failures */
  double optimum_s;             /* of the simulation; 0 = not searched */
  double optimum_wall_s;        /* mean wall-clock at optimum_s, over the seeds of the search */
  MoeEconomy economy;           /* at the mean wall-clock */
} MoeGoodput;

typedef struct {
  guint seeds;              /* trainings; at least 1 */
  uint64_t seed;            /* of the first */
  guint jobs;               /* threads, 0 = as many as the machine has */
  gboolean no_search;       /* with a given interval: do not look for the optimum beside it */
  double price_gpu_hour;    /* dollars; 0 = the cluster's */
  MoeStop stop;             /* when to end with MOE_ERROR_STOPPED */
  MoeProgressFunc progress; /* may be NULL */
  gpointer progress_data;
} MoeGoodputOptions;

/* Trainings of a run at its predicted step, by the run's own plan: keys `goodput`, and `reliability` and `storage` of
 * the cluster. The same numbers with any number of threads. NULL and *error when the number of tokens is not said, or a
 * training makes no progress: MOE_GOODPUT_FRUITLESS interruptions without a checkpoint between them, or a wall-clock
 * beyond MOE_GOODPUT_GIVE_UP times the ideal. */
#define MOE_GOODPUT_GIVE_UP   50
#define MOE_GOODPUT_FRUITLESS 1000
MoeGoodput *moe_goodput_of_run(const MoeRun *run, const MoeResult *result, const MoeGoodputOptions *options,
                               GError **error);
void moe_goodput_free(MoeGoodput *goodput);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeGoodput, moe_goodput_free)

/* ---- theory, for comparison -------------------------------------------------------------------------------------- */

/* Optimum stepping time between checkpoints that each stop the job for `blocking_s`: sqrt(2 C M) (Young 1974, CACM 17).
 */
double moe_young_interval(double blocking_s, double mtbf_s);
/* The same to higher order (Daly 2006, FGCS 22, equation 37). */
double moe_daly_interval(double blocking_s, double mtbf_s);

G_END_DECLS

#endif
