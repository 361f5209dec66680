/*
 * report: answers as text - tables, JSON, CSV - and timelines as files.
 *
 * Part of report (floor 12). The caller prints.
 *
 * The sheet that a text is for says whether it is tables, JSON or CSV. Numbers in tables carry their unit; JSON and CSV
 * carry SI base units with the unit in the key (docs/outputs.md). Every function that returns text returns UTF-8 that
 * the caller frees.
 */
#ifndef MOESIM_REPORT_H
#define MOESIM_REPORT_H

#include <moesim/explain.h>
#include <moesim/goodput.h>
#include <moesim/result.h>
#include <moesim/search.h>
#include <moesim/sensitivity.h>
#include <moesim/sheet.h>
#include <moesim/validate.h>

G_BEGIN_DECLS

/* ---- words ----------------------------------------------------------------------------------------------------- */

/* What a user reads for a cause, from MoeCause: "waiting for peers". Static. */
const char *moe_cause_title(guint cause);
/* What a user reads for a reason within the kernel time, from MoeReason: "last wave not full". Static. */
const char *moe_reason_title(guint reason);

/* ---- predictions ------------------------------------------------------------------------------------------------- */

/* One result: a page of answer, memory, waterfall; one JSON object. */
char *moe_report_run(const MoeResult *result, MoeSheet sheet);
/* Several: a row each, predicted beside published, with the largest losses; an array of JSON objects; a line of CSV
 * each, under the JSON keys, nested ones joined by a dot. */
char *moe_report_compare(const GPtrArray *results, MoeSheet sheet);
/* Memory by pipeline stage and part; as JSON and CSV the result. */
char *moe_report_memory(const MoeResult *result, MoeSheet sheet);

/* ---- why and how sure -------------------------------------------------------------------------------------------- */

/* The waterfall: a row per cause, largest share first, from 100 % of peak down to the MFU; then method, cost and
 * interaction. */
char *moe_report_explanation(const MoeExplanation *explanation, MoeSheet sheet);
/* A row per change, alone and in order, with interaction and total; then the keys of each. */
char *moe_report_difference(const MoeDifference *difference, MoeSheet sheet);
/* The interval, then the assumptions by swing. */
char *moe_report_sensitivity(const MoeSensitivity *sensitivity, MoeSheet sheet);

/* ---- trainings --------------------------------------------------------------------------------------------------- */

/* The answer with its distribution, the overhead by kind beside what was published, the intervals of theory, the cost,
 * what went in and what of it is assumed; JSON is one object, CSV a line per simulated training. `certainty`: inside
 * the library, else NULL. */
struct MoeCertainty;
char *moe_report_goodput(const MoeRun *run, const MoeResult *result, const MoeGoodput *goodput,
                         const struct MoeCertainty *certainty, MoeSheet sheet);

/* ---- searches and sweeps ----------------------------------------------------------------------------------------- */

/* The ranking, best first; in a table also why the first beats the second, where the run's own layout stands, how much
 * was looked at. */
char *moe_report_search(const MoeSearchResult *result, MoeSheet sheet);

/*
 * A *record* is one JSON object: a prediction as `moesim run --format json` prints it, with `set`, the keys that were
 * chosen for it; or, for a point that cannot be, `set` and `error`. Records are kept as text, so that a resumed sweep
 * prints the same bytes.
 */

/* Chosen keys and their values, in order. */
typedef struct {
  guint n;
  const char *const *key;
  const char *const *value;
} MoeSettings;

/* One line of JSON, without line feed. Caller frees. */
char *moe_report_record(const MoeResult *result, const MoeSettings *settings);
char *moe_report_refusal(const char *reason, const MoeSettings *settings);

/* The record with `training` added: days, dollars, energy and power of a training on so many tokens at its step time,
 * without interruption. 0 tokens and records without an answer: as it is. Caller frees. */
char *moe_report_record_training(const char *record, double tokens);
/* The larger of a record's two MFU; 0 where it has no answer. */
double moe_report_record_mfu(const char *record);
/* The records: an array of JSON; a line of CSV each, `set.KEY` first, then the values of moe_report_compare, then
 * `error`; a row each, with the keys, the answer, what is lost most; or why there is none. */
char *moe_report_records(guint n, const char *const *records, MoeSheet sheet);

/* ---- validations ------------------------------------------------------------------------------------------------- */

/* What of a validation a table shows besides the summary. */
typedef struct {
  MoeGroupBy by;
  gboolean summary;     /* groups only, no cases */
  gboolean worst_first; /* cases in that order, else in that of the files */
  gboolean wrong_pairs; /* also pair questions answered wrongly */
  gboolean once;        /* also time t of a micro-batch and F that a step pays once, T = t m + F through two sizes */
} MoeValidationView;

/* Cases; groups, pair questions by what differs, what sizes of one run tell; whether intervals of the model's own error
 * hold. CSV has the cases; JSON {"cases": [...], "groups": [...], "coverage": [...], "pairs": {...},
 * "median_abs_error", "p90_abs_error"}. */
char *moe_report_validation(const MoeValidation *validation, const MoeValidationView *view, MoeSheet sheet);

/* ---- timelines --------------------------------------------------------------------------------------------------- */

/*
 * A timeline of chosen ranks as a trace file.
 *
 * The end of the name chooses the format; ".gz" after it compresses:
 *
 *     .json             Chrome trace events (also for any other name)
 *     .perfetto-trace   Perfetto's protobuf, a tenth of the size
 *     .folded           collapsed stacks for flame graphs: rank;stream;block;pass;operation and nanoseconds
 *
 * Processes are ranks, threads are streams, one more thread per rank holds the reasons why the compute stream idles.
 * Times are whole nanoseconds; slices of a thread never overlap, not even when start and duration are added as
 * floating-point microseconds. Slices carry cause, pass, layer, micro-batch, shape, FLOPs, bytes, rate, algorithm.
 * Arrows go from pipeline send to receive, from dispatch to combine, and through the ranks of a collective; both ends
 * are always there. Counters per rank: memory in use beside the capacity, and what the GPU sends over NVLink, network
 * and host link (the mean over each transfer). https://ui.perfetto.dev opens both of the first formats.
 *
 *     MoeTrace *trace = moe_trace_new("v5.json.gz", run, &error);
 *     options.slice = moe_trace_slice;
 *     options.slice_data = trace;
 *     ... simulate ...
 *     moe_trace_commit(trace, result, version, &error);
 *     moe_trace_free(trace);
 */

typedef struct MoeTrace MoeTrace;

/* `run` names the trace and gives the layout by which the two ends of a message find each other; it must outlive the
 * writer. */
MoeTrace *moe_trace_new(const char *path, const MoeRun *run, GError **error);
/* The same, for a file that PyTorch's memory viewer opens (pytorch.org/memory_viz, JSON): what each rank holds
 * throughout the step, by part, and what it allocates and frees in between, by operation, layer and micro-batch. */
MoeTrace *moe_snapshot_new(const char *path, const MoeRun *run, GError **error);
/* Simulates the run, and writes such a file of the first rank of the fullest stage. The rank; -1 and *error. */
int64_t moe_snapshot_save(const char *path, const MoeRun *run, const MoeSimOptions *sim, const char *version,
                          GError **error);
/* Adds a slice (a copy); a MoeSliceFunc whose user_data is the MoeTrace. */
void moe_trace_slice(const struct MoeSlice *slice, gpointer trace);
/* Writes the file; until then nothing stands under its name. `result` of the traced step gives header, memory and
 * capacity; it and `version` of the program may be NULL, what they tell is then left out. FALSE and *error when
 * anything could not be written. */
gboolean moe_trace_commit(MoeTrace *trace, const MoeResult *result, const char *version, GError **error);
void moe_trace_free(MoeTrace *trace);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeTrace, moe_trace_free)

G_END_DECLS

#endif
