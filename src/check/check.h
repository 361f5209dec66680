/*
 * check: whether an input file is good, whatever kind it is. Floor 5.
 *
 * A file says by its keys what it is: a run, cases, a cluster, an accelerator or a stack. Good means that every variant
 * loads, that its kernels can be priced, that its assumptions can be tried and that what all variants hide can be read.
 * A file that is only there to be extended, and no whole run, is good where a file that extends it is.
 *
 *     g_auto(MoeChecked) checked = {0};
 *
 *     if (moe_check_file("clusters/mine.yaml", data_dir, &checked, &error))
 *       ...                        // checked.kind "cluster", checked.says "H100 SXM, 8 GPUs per NVLink domain"
 */
#ifndef MOESIM_CHECK_CHECK_H
#define MOESIM_CHECK_CHECK_H

#include "spec/spec.h"

G_BEGIN_DECLS

typedef struct {
  const char *kind; /* static: "run", "cases", "cluster", "accelerator", "stack" or "base" */
  char *says;       /* what it holds, for a reader: of a run its size, of a base in which file it is good */
} MoeChecked;

void moe_checked_clear(MoeChecked *checked);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoeChecked, moe_checked_clear)

/* Clusters and stacks that are named are looked up in `data_dir` (may be NULL). FALSE and *error, at the place of the
 * mistake, when the file is not good; *checked is then empty. */
gboolean moe_check_file(const char *file, const char *data_dir, MoeChecked *checked, GError **error);
/* What loading a run leaves to those who use it: names of kernel families, counts of experts. */
gboolean moe_check_loaded(const MoeRun *run, GError **error);

G_END_DECLS

#endif
