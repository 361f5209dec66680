/*
 * sweep: records of sweeps as text. Part of report (floor 12).
 *
 * A *record* is one JSON object: a prediction as `moesim run --format json` prints it, with `set`, the keys that were
 * chosen for it; or, for a point that cannot be, `set` and `error`. Records are kept as text, so that a resumed sweep
 * prints the same bytes.
 */
#ifndef MOESIM_REPORT_SWEEP_H
#define MOESIM_REPORT_SWEEP_H

#include "metrics/metrics.h"
#include <moesim/report.h>

G_BEGIN_DECLS

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

G_END_DECLS

#endif
