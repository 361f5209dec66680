/*
 * published_parts: parts of a step beside published ones. Part of validate (floor 9).
 */
#ifndef MOESIM_PUBLISHED_PARTS_H
#define MOESIM_PUBLISHED_PARTS_H

#include "study/parts.h"

G_BEGIN_DECLS

/* ---- cases with published parts ---------------------------------------------------------------------------------- */

typedef struct {
  char *id;
  double published_s[MOE_N_ITERATION_PARTS]; /* NaN: not published */
  MoeIteration iteration;
} MoePartsCase;

void moe_parts_case_free(MoePartsCase *c);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoePartsCase, moe_parts_case_free)

/* Every case of `dir` (as moe_validate) that has published.iteration_parts_s, watched on pipeline stage `stage` (< 0:
 * the middle one). An array of MoePartsCase that frees its elements; NULL and *error when a file or such a case is
 * wrong. */
GPtrArray *moe_validate_parts(const char *dir, const char *data_dir, int64_t stage, const MoeSimOptions *options,
                              GError **error);

/* ---- a profiled pair -------------------------------------------------------------------------------------------- */

/* Sums of a published profile, from a file `title, source, run, stage, pair_s, class_s: {CLASS: seconds}`. */
typedef struct {
  char *title, *run; /* path of the run file */
  int64_t stage;     /* of the run, that does the same as the profile */
  double pair_s;
  double class_s[MOE_N_PAIR_CLASSES]; /* 0: none */
} MoePairTrace;

gboolean moe_pair_trace_load(const char *path, MoePairTrace *trace, GError **error);
void moe_pair_trace_clear(MoePairTrace *trace);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoePairTrace, moe_pair_trace_clear)

G_END_DECLS

#endif
