/* Inside explain. */
#ifndef MOESIM_EXPLAIN_INTERNAL_H
#define MOESIM_EXPLAIN_INTERNAL_H

#include "doc/doc.h"
#include "spec/schema.h"
#include <moesim/explain.h>

/* ---- differing keys (explain_keys.c) ----------------------------------------------------------------------------- */

/* One differing key. Kernel fits of a stack are compared by class: `kernel_class` is then the class, `path`
 * "stack.kernels.CLASS". */
typedef struct {
  char *path, *kernel_class;
  const MoeNode *before, *after; /* NULL: absent; of the runs' documents */
} MoeDiffKey;

/* All differing keys in document order of `before`, then those only `after` has. Of MoeDiffKey. */
GArray *moe_diff_keys(const MoeRun *before, const MoeRun *after);
/* Name of the mechanism that a key belongs to by the `schema` of a run (moe_schema_keys): that of its row, or of the
 * nearest section around it; the key's own where none has one. Caller frees. */
char *moe_diff_mechanism(const GPtrArray *schema, const MoeDiffKey *key);
/* Short text of a node: as written in one line when that is short, else how many entries. NULL for NULL. Caller frees.
 */
char *moe_diff_text(const MoeNode *node);
/* How many fits of the class there are: "3 fits". NULL for none. Caller frees. */
char *moe_diff_fits_text(const MoeNode *fits, const char *class);

/* ---- documents between two runs (explain_mix.c) */

/* The first run with the keys for which `chosen` is TRUE taken from the second. NULL and *error when that is no legal
 * run. */
MoeRun *moe_diff_mix(const MoeRun *before, const MoeRun *after, const GArray *keys, const gboolean *chosen,
                     GError **error);

/* ---- shares (explain_shares.c) ---------------------------------------------------------------------------------- */

/* Marks the subsets of n causes (bit masks below 2^n) that `orders` sampled orders pass through. */
void moe_shares_mark(guint n, guint orders, uint64_t seed, gboolean *needed);
/* Share of each of n causes in value[0] - value[2^n - 1], by all orders (`orders` 0) or by those that moe_shares_mark
 * marked; error[i] is the standard error over pairs of orders. */
void moe_shares(guint n, guint orders, uint64_t seed, const double *value, double *share, double *error);

#endif
