/* Private to validate: what questions of cases share. */
#ifndef MOESIM_VALIDATE_CASES_H
#define MOESIM_VALIDATE_CASES_H

#include <moesim/validate.h>
#include <string.h>

/* Fills the errors of the cases whose group `by` is `name` (all cases when NULL). */
void moe_case_group_fill(const MoeValidation *validation, const char *name, MoeGroupBy by, MoeCaseGroup *group);
/* Prints what a run consists of, part by part, so that cases can be compared. */
void moe_case_describe(const MoeRun *run, MoeCase *c);
/* Finds the pair questions. */
void moe_case_pairs(MoeValidation *validation);

/* Paths of the *.yaml files of a folder, sorted by name. NULL and *error when it cannot be read. */
GPtrArray *moe_case_files(const char *dir, GError **error);

#endif
