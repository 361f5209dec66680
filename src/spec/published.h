/* What was measured of a run, and what is not known of it. Part of spec (floor 2), whose header includes this one. */
#ifndef MOESIM_SPEC_PUBLISHED_H
#define MOESIM_SPEC_PUBLISHED_H

#include "doc/doc.h"
#include <moesim/result.h>

G_BEGIN_DECLS

/* Whose peak: the most loaded GPU's, or one of the first or last pipeline stage. */
typedef enum { MOE_MEMORY_OF_MOST, MOE_MEMORY_OF_FIRST, MOE_MEMORY_OF_LAST } MoeMemoryOf;

typedef struct {
  gboolean present;
  double mfu;               /* fraction, 0 = not given */
  gboolean full_convention; /* FALSE: causal */
  double peak_flop_per_s;   /* 0 = the accelerator's quoted peak */
  double step_time_s, tokens_per_s_per_gpu, model_flop_per_s_per_gpu, hardware_flop_per_s_per_gpu; /* 0 = not given */
  const MoeNode *iteration_parts; /* map part -> seconds, or NULL */
  struct {
    double peak_bytes;      /* 0 = not given */
    MoeMemoryKind kind;     /* what was counted */
    MoeMemoryOf of;         /* whose peak it is */
    gboolean out_of_memory; /* the run was stopped by lack of memory; peak_bytes is 0 then */
  } memory;
  const char *source;
} MoePublished;

typedef struct MoeAssumption {
  const char *key;        /* dotted path in the run */
  double low, high;       /* range in SI, low < high; both 0 when `values` holds words */
  MoeDimension dimension; /* of the range: what unit a value of it is written with */
  int by_ratio;           /* the range is divided by ratios (log-uniform), not by differences */
  guint n_values;
  const char *const *values;
  const char *why;
  MoeMark mark;
} MoeAssumption;

G_END_DECLS

#endif
