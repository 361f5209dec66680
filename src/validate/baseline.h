/*
 * baseline: errors by family as a file, and what of a later validation is worse. Part of validate (floor 9).
 */
#ifndef MOESIM_VALIDATE_BASELINE_H
#define MOESIM_VALIDATE_BASELINE_H

#include <moesim/validate.h>

G_BEGIN_DECLS

/* The file: cases, median and P90 of |error| per family and of all, in YAML. Caller frees. */
char *moe_baseline_text(const MoeValidation *validation);
/* A sentence for each group that such a file has and that is worse now: a larger median or P90, fewer cases, or none;
 * empty where nothing is. Caller frees with g_strfreev. NULL and *error where the file cannot be read. */
char **moe_baseline_compare(const MoeValidation *validation, const char *path, GError **error);

G_END_DECLS

#endif
