/*
 * ask: what a caller says in words, read the same way for the command line and for the JSON door.
 * Part of door (floor 13).
 *
 * A word that was said knows how it is called ("--gpus", "gpus") and where it stands, so that both doors complain with
 * one message.
 */
#ifndef MOESIM_ASK_H
#define MOESIM_ASK_H

#include "base/base.h"
#include "certainty/certainty.h"
#include "plan/plan.h"
#include "spec/goodput.h"
#include <moesim/search.h>
#include <moesim/sensitivity.h>
#include <moesim/sweep.h>

G_BEGIN_DECLS

/* ---- words ------------------------------------------------------------------------------------------------------- */

#define MOE_SAID_NAME 40 /* longest name, bytes */

typedef struct {
  char name[MOE_SAID_NAME]; /* for messages: "--host-mtbf" on a command line, "host_mtbf" in a request */
  const char *text;         /* NULL: not said */
  MoeMark mark;             /* of the value; empty on a command line */
} MoeSaid;

/* All words of a caller: `find` returns what was said for an option ("host-mtbf"), with a NULL text when nothing was.
 */
typedef struct {
  MoeSaid (*find)(const char *option, gpointer source);
  gpointer source;
} MoeWords;

/* A quantity: a bare number is in SI units, a unit may be given ("1.3e15", "1.3 PFLOP/s"), or multiples where there is
 * no unit ("30T"). What was not said leaves *value alone and succeeds; so do the next three. */
gboolean moe_said_amount(const MoeSaid *said, MoeDimension dimension, double *value, GError **error);
/* The same, > 0. */
gboolean moe_said_quantity(const MoeSaid *said, MoeDimension dimension, double *value, GError **error);
/* A whole number of at least 1 ("8192", "8k"). */
gboolean moe_said_count(const MoeSaid *said, int64_t *value, GError **error);
/* A whole number from `least` to `most`. */
gboolean moe_said_integer(const MoeSaid *said, int64_t least, int64_t most, int64_t *value, GError **error);
/* Index in NULL-terminated `words`; the message has the nearest, or the list. */
gboolean moe_said_word(const MoeSaid *said, const char *const *words, int *value, GError **error);

/* ---- a run ------------------------------------------------------------------------------------------------------- */

/* Steps that are averaged at most: the mean of more is known better than any model. */
#define MOE_ASK_MAX_STEPS 10000

/* "RUN.yaml:VARIANT" -> file and variant (NULL when there is none). A file whose own name has a colon wins. */
void moe_ask_split_variant(const char *argument, char **file, char **variant);
/* gpus and scaling. */
gboolean moe_ask_load_options(const MoeWords *words, MoeRunOptions *load, GError **error);
/* fidelity and seed; the rest as a prediction has it. */
gboolean moe_ask_sim_options(const MoeWords *words, MoeSimOptions *sim, GError **error);

/* ---- what a training and a search are asked ---------------------------------------------------------------------- */

/* What is taken where nothing is said. */
#define MOE_ASK_RUN_SAMPLES     24  /* combinations of the assumptions, where they take moments */
#define MOE_ASK_GOODPUT_SAMPLES 24  /* combinations of the assumptions */
#define MOE_ASK_GOODPUT_SEEDS   200 /* P10 and P90 then rest on twenty trainings each */
#define MOE_ASK_SEARCH_TOP      10  /* layouts ranked */
#define MOE_ASK_PLAN_TIME_S     60  /* for everything: a question of capacity is asked many times */
#define MOE_ASK_PLAN_SAMPLES    24  /* combinations of the assumptions per row: P10 and P90 rest on two to three */
#define MOE_ASK_PLAN_SEEDS      24  /* simulated trainings per row */

/* Every part of a plan that was said, onto one that holds what the run says. */
gboolean moe_ask_goodput(const MoeWords *words, MoeGoodputPlan *plan, GError **error);
/* objective, space, deadline, tokens, memory-slack, budget. */
gboolean moe_ask_search(const MoeWords *words, MoeSearchOptions *search, GError **error);
/* Searches of one run on several clusters. */
typedef struct {
  const char *const *clusters; /* NULL-terminated, at least one */
  MoeRun *(*load)(const char *cluster, gpointer user_data, GError **error);
  gpointer user_data;
} MoeAskClusters;
/* The layouts of all of them in one ranking; each has its share of the time that is left. NULL and *error where a run
 * cannot be loaded (MOE_ERROR_INPUT, _IO), or no cluster has an answer (_LAYOUT). */
MoeSearchResult *moe_ask_search_clusters(const MoeAskClusters *ask, const MoeSearchOptions *search, GError **error);
/* tokens, deadline, budget-usd, price, own, space, budget. */
gboolean moe_ask_plan(const MoeWords *words, MoePlanOptions *plan, GError **error);

/* ---- intervals --------------------------------------------------------------------------------------------------- */

typedef struct {
  guint samples; /* combinations of the assumptions; 0: none is assumed */
  MoeModelError model_error;
  MoeCertainty certainty;
} MoeDoubts;

/* What validation cases are wrong by, of the data folder; NULL without *error when it has none. */
MoeResiduals *moe_ask_residuals(const char *data_dir, GError **error);
/* The interval of a prediction, and of a training (`goodput` may be NULL), from options->samples combinations. FALSE
 * and *error when the run cannot be varied. Clear with moe_doubts_clear. */
gboolean moe_ask_doubts(const char *data_dir, const MoeRun *run, const MoeResult *result,
                        const MoeSensitivityOptions *options, const MoeGoodput *goodput, MoeDoubts *doubts,
                        GError **error);
/* Writes the same into the prediction's `interval`, as `compare --samples` shows it. */
gboolean moe_ask_interval(const char *data_dir, const MoeRun *run, const MoeSensitivityOptions *options,
                          MoeResult *result, GError **error);
/* moe_sensitivity, whose result has this interval. */
MoeSensitivity *moe_ask_sensitivity(const char *data_dir, const MoeRun *run, const MoeSensitivityOptions *options,
                                    GError **error);
void moe_doubts_clear(MoeDoubts *doubts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoeDoubts, moe_doubts_clear)

/* ---- what stands under an answer --------------------------------------------------------------------------------- */

/* Combinations of the assumptions beside a prediction that was asked for without them: MOE_ASK_RUN_SAMPLES, or none
 * where they would take long. */
guint moe_ask_usual_samples(const MoeResult *result);
/* Lines about the assumptions with the largest swings; where trying them would take long, that there are some. ""
 * without any. */
char *moe_ask_deciding(const MoeRun *run, const MoeResult *result, const MoeSimOptions *sim);
/* What would make a run that does not fit do so, or one that fits faster: lines, each simulated. "" where nothing does,
 * or where trying would take long and the run fits. */
char *moe_ask_remedies(const MoeRun *run, const MoeResult *result, const MoeSimOptions *sim);

/* ---- points of a sweep ------------------------------------------------------------------------------------------- */

/* How points are predicted: `user_data` of a MoeSweepWork whose functions are the two below. */
typedef struct {
  MoeSimOptions sim;
  int64_t steps;
  const char *data_dir;                 /* of the interval */
  guint samples;                        /* combinations of the assumptions beside each point; 0: no interval */
  const struct MoePosterior *posterior; /* of the interval; may be NULL */
} MoeAskPoint;

/* Numbers of a record that people ask a store for; for MoeSweepWork. */
extern const MoeSweepColumn moe_ask_point_columns[];
/* What makes a point the same, for MoeSweepWork: who predicts (`build`), how, beside which interval, and by the
 * posterior of which file (may be NULL). Caller frees. */
char *moe_ask_point_salt(const MoeAskPoint *asked, const char *build, const char *posterior_file);
/* Records as `moesim sweep` prints them (report/sweep.h). */
char *moe_ask_point(const MoeSweep *sweep, guint point, const MoeRun *run, gpointer user_data, GError **error);
char *moe_ask_refusal(const MoeSweep *sweep, guint point, const char *reason, gpointer user_data);

G_END_DECLS

#endif
