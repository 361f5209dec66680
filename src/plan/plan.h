/*
 * plan: which cluster, how many GPUs, which layout for a training. Part of plan (floor 11).
 *
 * For every cluster and size: the run is loaded on it, layouts are searched there (search.h), and those ranked first
 * are run again with noise, as `moesim run` does; the fastest of them that fits with headroom is the row's layout. A
 * training of it with failures (goodput.h), its assumptions and the model's own error give days, dollars and energy as
 * intervals (certainty.h).
 *
 * A row is reproducible: `sets` are what makes its layout of the file, and `moesim run` with them gives its step to the
 * digit.
 */
#ifndef MOESIM_PLAN_H
#define MOESIM_PLAN_H

#include "certainty/certainty.h"
#include "spec/spec.h"
#include "study/economy.h"
#include <moesim/search.h>
#include <moesim/sensitivity.h>

G_BEGIN_DECLS

typedef struct {
  const char *path;   /* run file */
  MoeRunOptions load; /* its cluster and gpus are set row by row */
  guint n_clusters, n_sizes;
  const char *const *clusters; /* names or files; NULL among them: the run's own */
  const int64_t *sizes;        /* numbers of GPUs; 0: the run's own */
  double tokens;               /* of the training; 0 = as the run says */
  double deadline_s;           /* 0 = none */
  double budget_dollars;       /* 0 = none */
  double price_gpu_hour;       /* 0 = the clusters' */
  MoeOwnership own;            /* purchase 0 = rented */
  MoeSpace space;
  const char *const *limits;            /* as of a search; may be NULL */
  guint samples, seeds;                 /* combinations of the assumptions, simulated trainings, for each row */
  double time_s;                        /* for all searches together; 0 = until each has found the best */
  const struct MoePosterior *posterior; /* intervals by it; may be NULL */
  const MoeResiduals *residuals;        /* may be NULL: the model's error is then unknown */
  MoeSimOptions sim;
  guint jobs;
  MoeStopFunc stopped; /* may be NULL */
  gpointer stopped_data;
  MoeProgressFunc progress; /* rows done; may be NULL */
  gpointer progress_data;
} MoePlanOptions;

typedef struct {
  char *cluster; /* as asked for; NULL: the run's own */
  int64_t gpus;
  char *failure; /* why there is no layout, NULL when there is one: then the rest is 0 */
  MoeRun *run;   /* with the layout, on the cluster */
  char **sets;   /* "key=value", NULL-terminated: what makes the layout of the run */
  MoeResult *result;
  MoeGoodput *goodput;
  MoeModelError model_error;
  MoeCertainty certainty;
  MoeEconomy economy;                 /* of the median training */
  MoeQuantiles dollars, mwh;          /* 0 where price or power is unknown; dollars at the cluster's price */
  MoeOwnedPrice owned;                /* of a GPU-hour, bought at the cluster's purchase price; 0 = unknown */
  double least_dollars, most_dollars; /* P10 at its lowest, P90 at its highest price */
  double megawatts;                   /* while stepping, overhead included */
  gboolean search_complete;           /* every layout was looked at, or is slower by its bound */
  gboolean cut_short;                 /* not all layouts were even listed */
  guint n_not_reached;                /* listed layouts that were not looked at */
  guint n_refuted;                    /* ranked before this one by the search, and not first or not fitting when run */
} MoePlanRow;

typedef struct {
  double tokens, deadline_s, budget_dollars;
  MoeOwnership own; /* as asked: what dollars are of; purchase 0 = rented */
  guint n_rows;
  MoePlanRow *rows; /* clusters in order, each with its sizes in order */
  int smallest;     /* row with the fewest GPUs that keeps deadline and budget in nine cases of ten; -1 = none */
  int likely;       /* the same in every other case; -1 = none */
  MoeSensitivity *deciding; /* what decides: each assumption alone, for the row that is recommended; NULL when no row
                               has an answer */
  int decided;              /* that row: smallest, else likely, else the one with the best chance, or the least days */
} MoePlan;

/* NULL and *error when the run cannot be loaded at all or its tokens are not said. Rows that cannot be have a
 * `failure`. */
MoePlan *moe_plan(const MoePlanOptions *options, GError **error);
void moe_plan_free(MoePlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoePlan, moe_plan_free)

/* "key=value" for each key that makes `choice` of `run`, NULL-terminated; `modules` as of MoeSearchResult. Free with
 * g_strfreev. */
char **moe_choice_sets(const MoeRun *run, const MoeLayoutChoice *choice, guint modules);
/* Racks that the GPUs stand in where an NVLink domain is one, else hosts; *hosts says which. */
int64_t moe_plan_racks(const MoeCluster *cluster, int64_t gpus, gboolean *hosts);

G_END_DECLS

#endif
