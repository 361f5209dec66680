/*
 * report_trace: a timeline as a Chrome / Perfetto trace file (JSON, or JSON in gzip when the name ends in ".gz").
 * Part of report (floor 9).
 *
 * Processes are ranks, threads are streams, one more thread per rank holds the reasons why the compute stream idles.
 * Times are microseconds with picosecond digits. Slices carry cause, pass, layer and micro-batch; pipeline messages are
 * flows from the sender's slice to the receiver's when both ranks are in the trace. Counters per rank show the memory
 * that the step takes and what the GPU sends over NVLink, network and host link (the mean over each transfer).
 * https://ui.perfetto.dev opens the file.
 *
 *     MoeTrace *trace = moe_trace_new("v5.json.gz", run, &error);
 *     options.slice = moe_trace_slice;
 *     options.slice_data = trace;
 *     ... simulate ...
 *     moe_trace_commit(trace, &error);
 *     moe_trace_free(trace);
 */
#ifndef MOESIM_REPORT_TRACE_H
#define MOESIM_REPORT_TRACE_H

#include <moesim/report.h>

G_BEGIN_DECLS

typedef struct MoeTrace MoeTrace;

/* `run` names the trace and gives the layout by which the two ends of a message find each other; it must outlive the
 * writer. */
MoeTrace *moe_trace_new(const char *path, const MoeRun *run, GError **error);
/* Adds a slice; a MoeSliceFunc whose user_data is the MoeTrace. */
void moe_trace_slice(const MoeSlice *slice, gpointer trace);
/* Completes the file; until then nothing stands under its name. FALSE and *error when anything could not be written. */
gboolean moe_trace_commit(MoeTrace *trace, GError **error);
void moe_trace_free(MoeTrace *trace);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeTrace, moe_trace_free)

G_END_DECLS

#endif
