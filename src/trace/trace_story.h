/*
 * A timeline as collected, before a writer gives it a format. Private to trace.
 *
 * trace.c collects slices while the step is simulated, trace_flows.c and trace_counters.c derive arrows and counters
 * from them when the step is over, and one writer puts it all down: trace_json.c (Chrome), trace_perfetto.c (protobuf),
 * trace_folded.c (collapsed stacks), trace_snapshot.c (memory). Times are whole nanoseconds, rounded down at both ends,
 * so that slices of a track touch but never overlap.
 */
#ifndef MOESIM_TRACE_STORY_H
#define MOESIM_TRACE_STORY_H

#include "metrics/metrics.h"
#include "program/program.h"
#include "record/output.h"
#include "spec/work.h"
#include <moesim/report.h>

#define TRACE_NO_DETAIL    G_MAXUINT32
#define TRACE_N_THREADS    (MOE_N_STREAMS + 1) /* streams, then why the compute stream idles */
#define TRACE_MOST_DETAILS 12

/* One thing to know about a slice. */
typedef struct {
  const char *key;  /* static, unit included: "flop" */
  const char *text; /* interned; NULL: the number */
  double number;
} TraceArgument;

/* What slices of one kernel, collective, message or copy have in common. */
typedef struct {
  guint n;
  TraceArgument argument[TRACE_MOST_DETAILS];
  double flop, bytes; /* of one execution, for rates; 0 = none */
} TraceDetail;

typedef struct {
  int64_t rank;
  int64_t start_ns, end_ns;
  const char *name, *block; /* interned */
  uint32_t micro_batch;
  uint32_t message; /* MOE_NO_MESSAGE */
  uint32_t detail;  /* index, TRACE_NO_DETAIL */
  uint32_t order;   /* of arrival: slices of a thread that start and end together keep it */
  int16_t layer;    /* -1 none */
  uint8_t stream, pass, cause;
  uint8_t collective_kind;      /* MoeCollectiveKind, MOE_N_COLLECTIVES: no collective */
  uint8_t group_kind;           /* MoeGroupKind of a collective */
  int64_t group;                /* which of its kind */
  double cause_s[MOE_N_CAUSES]; /* as in MoeSlice */
  double sent_bytes[MOE_N_LINKS];
  double memory_start_bytes, memory_end_bytes;
} TraceSlice;

/* An arrow through slices, in the order in which it passes them. */
typedef struct {
  uint64_t id;      /* from 1 */
  const char *name; /* static: "message", "dispatch to combine", or the name of a collective */
  guint first, n;   /* into the story's flow_slices */
} TraceFlow;

/* A counter's value from `time_ns` on. */
typedef struct {
  int64_t rank, time_ns;
  guint counter; /* into trace_counters */
  double value;
} TracePoint;

/* What counters show. */
typedef struct {
  const char *name, *unit;
} TraceCounter;
extern const TraceCounter trace_counters[];
extern const guint trace_n_counters;

typedef struct {
  const MoeRun *run;
  const MoeResult *result; /* may be NULL */
  const char *version;     /* may be NULL */
  MoeLayout *layout;
  GArray *slices;      /* of TraceSlice, by rank, stream and time once sorted */
  GArray *details;     /* of TraceDetail */
  GArray *flows;       /* of TraceFlow */
  GArray *flow_slices; /* of guint: indices of slices */
  GArray *points;      /* of TracePoint, by rank, counter and time */
} TraceStory;

static inline const TraceSlice *trace_slice_at(const TraceStory *story, guint index)
{
  return &g_array_index(story->slices, TraceSlice, index);
}

/* "compute", "dispatch, combine" ...; "idle" for the thread of idle causes. Static. */
const char *trace_thread_name(guint stream);
/* "rank 64 stage 1"; the caller frees. */
char *trace_process_name(const TraceStory *story, int64_t rank);
/* Detail of a slice, or NULL. */
const TraceDetail *trace_detail(const TraceStory *story, const TraceSlice *slice);
/* Appends to `arguments` (of TraceArgument) all there is to know about a slice: pass, layer, micro-batch, block, its
 * detail and rates. */
void trace_arguments(const TraceStory *story, const TraceSlice *slice, GArray *arguments);
/* The same about the whole trace: run, variant, cluster, stack, GPUs, version, MFU and so on. */
void trace_header(const TraceStory *story, GArray *arguments);

/* trace_detail.c: describes what a slice executes. FALSE when there is nothing to say. */
gboolean trace_describe(const MoeSlice *slice, TraceDetail *detail);
/* trace_flows.c: fills flows; slices are sorted. */
void trace_find_flows(TraceStory *story);
/* trace_counters.c: fills points; slices are sorted. */
void trace_count(TraceStory *story);

/* Writers. Failure is remembered by the output. */
typedef void (*TraceWriter)(const TraceStory *story, MoeOutput *output);
void trace_write_json(const TraceStory *story, MoeOutput *output);
void trace_write_perfetto(const TraceStory *story, MoeOutput *output);
void trace_write_folded(const TraceStory *story, MoeOutput *output);
void trace_write_snapshot(const TraceStory *story, MoeOutput *output);

#endif
