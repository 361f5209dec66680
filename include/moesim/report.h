/*
 * report: answers as text - tables, JSON, CSV - and timelines as files.
 *
 * Part of report (floor 12). The caller prints.
 *
 * Numbers in tables carry their unit; JSON and CSV carry SI base units with the unit in the key. Every function that
 * returns text returns UTF-8 that the caller frees.
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

/* One result as a reader's page: answer, memory, waterfall. */
char *moe_report_run_table(const MoeResult *result, MoeSheet sheet);
/* Rows: one per result, predicted beside published, with the `n_losses` largest losses. */
char *moe_report_compare_table(const GPtrArray *results, MoeSheet sheet);
/* One JSON object (`array` FALSE, one result) or an array of objects; keys as in docs/outputs.md. Ends with a line
 * feed. */
char *moe_report_json(const GPtrArray *results, gboolean array);
/* Header and one line per result; columns are the JSON keys, nested ones joined by a dot. */
char *moe_report_csv(const GPtrArray *results);
/* Memory by pipeline stage and part. */
char *moe_report_memory_table(const MoeResult *result, MoeSheet sheet);

/* ---- why and how sure -------------------------------------------------------------------------------------------- */

/* The waterfall: a row per cause, largest share first, from 100 % of peak down to the MFU; then method, cost and
 * interaction. */
char *moe_report_explanation_table(const MoeExplanation *explanation, MoeSheet sheet);
char *moe_report_explanation_json(const MoeExplanation *explanation);
char *moe_report_explanation_csv(const MoeExplanation *explanation);
/* A row per change, alone and in order, with interaction and total; then the keys of each. */
char *moe_report_difference_table(const MoeDifference *difference, MoeSheet sheet);
char *moe_report_difference_json(const MoeDifference *difference);
char *moe_report_difference_csv(const MoeDifference *difference);

/* The interval, then the assumptions by swing. */
char *moe_report_sensitivity_table(const MoeSensitivity *sensitivity, MoeSheet sheet);
char *moe_report_sensitivity_json(const MoeSensitivity *sensitivity);
char *moe_report_sensitivity_csv(const MoeSensitivity *sensitivity);

/* ---- trainings --------------------------------------------------------------------------------------------------- */

/* The answer with its distribution, the overhead by kind beside what was published, the intervals of theory, the cost,
 * what went in and what of it is assumed. The caller frees. */
char *moe_report_goodput_table(const MoeRun *run, const MoeResult *result, const MoeGoodput *goodput, MoeSheet sheet);
/* One object; keys in docs/outputs.md. `certainty`: inside the library, else NULL. */
struct MoeCertainty;
char *moe_report_goodput_json(const MoeResult *result, const MoeGoodput *goodput, const struct MoeCertainty *certainty);
/* One line per seed. */
char *moe_report_goodput_csv(const MoeGoodput *goodput);

/* ---- searches and sweeps ----------------------------------------------------------------------------------------- */

/* The ranking; why the first beats the second; where the run's own layout stands; how much was looked at. Caller frees.
 */
char *moe_report_search_table(const MoeSearchResult *result, MoeSheet sheet);
/* The ranking as an array of records, best first. */
char *moe_report_search_json(const MoeSearchResult *result);
/* The same as lines of CSV. */
char *moe_report_search_csv(const MoeSearchResult *result);

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
/* An array of the records. */
char *moe_report_records_json(guint n, const char *const *records);
/* One line per record: `set.KEY` first, then the values of moe_report_csv, then `error`. */
char *moe_report_records_csv(guint n, const char *const *records);
/* One row per record: the keys, the answer, what is lost most; or why there is none. */
char *moe_report_records_table(guint n, const char *const *records, MoeSheet sheet);

/* ---- validations ------------------------------------------------------------------------------------------------- */

/* Groups, then the pair questions by what differs, then what sizes of one run tell about micro-batch and step. */
char *moe_report_validation_summary(const MoeValidation *validation, MoeGroupBy by, MoeSheet sheet);
/* One row per case, worst first when `worst_first`, else in file order. */
char *moe_report_validation_cases(const MoeValidation *validation, gboolean worst_first, MoeSheet sheet);
/* {"cases": [...], "groups": [...], "coverage": [...], "pairs": {...}, "median_abs_error", "p90_abs_error"}. */
char *moe_report_validation_json(const MoeValidation *validation, MoeGroupBy by);
char *moe_report_validation_csv(const MoeValidation *validation);

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
