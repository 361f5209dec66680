/*
 * trace: a timeline of chosen ranks as a trace file. Part of report (floor 12).
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
#ifndef MOESIM_REPORT_TRACE_H
#define MOESIM_REPORT_TRACE_H

#include <moesim/report.h>

G_BEGIN_DECLS

typedef struct MoeTrace MoeTrace;

/* `run` names the trace and gives the layout by which the two ends of a message find each other; it must outlive the
 * writer. */
MoeTrace *moe_trace_new(const char *path, const MoeRun *run, GError **error);
/* Adds a slice (a copy); a MoeSliceFunc whose user_data is the MoeTrace. */
void moe_trace_slice(const MoeSlice *slice, gpointer trace);
/* Writes the file; until then nothing stands under its name. `result` of the traced step gives header, memory and
 * capacity; it and `version` of the program may be NULL, what they tell is then left out. FALSE and *error when
 * anything could not be written. */
gboolean moe_trace_commit(MoeTrace *trace, const MoeResult *result, const char *version, GError **error);
void moe_trace_free(MoeTrace *trace);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeTrace, moe_trace_free)

G_END_DECLS

#endif
