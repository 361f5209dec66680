/*
 * baseline: errors by family as a file, and what of a later validation is worse. Part of validate (floor 9).
 */
#ifndef MOESIM_VALIDATE_BASELINE_H
#define MOESIM_VALIDATE_BASELINE_H

#include <moesim/validate.h>

G_BEGIN_DECLS

/* The file: cases, median and P90 of |error| per family and of all, in YAML. Caller frees. */
char *moe_baseline_text(const MoeValidation *validation);
/* Such a file. NULL and *error where it cannot be read. */
typedef struct MoeBaseline MoeBaseline;
MoeBaseline *moe_baseline_load(const char *path, GError **error);
void moe_baseline_free(MoeBaseline *baseline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeBaseline, moe_baseline_free)
/* A sentence for each group of the baseline that is worse now: a larger median or P90, fewer cases, or none; empty
 * where nothing is. Caller frees with g_strfreev. */
char **moe_baseline_compare(const MoeValidation *validation, const MoeBaseline *baseline);

G_END_DECLS

#endif
