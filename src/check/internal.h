/* Private to check: each kind of file. Each appends to `says` what a good file holds; FALSE and *error for another. */
#ifndef MOESIM_CHECK_INTERNAL_H
#define MOESIM_CHECK_INTERNAL_H

#include "check/check.h"
#include "doc/doc.h"

typedef struct {
  const char *path;
  const char *data_dir; /* may be NULL */
  MoeDoc *doc;          /* with what it extends; NULL for clusters and stacks, which are loaded by name */
} MoeCheckedFile;

gboolean moe_check_run_file(const MoeCheckedFile *file, GString *says, GError **error);
gboolean moe_check_cases(const MoeCheckedFile *file, GString *says, GError **error);
gboolean moe_check_cluster(const MoeCheckedFile *file, GString *says, GError **error);
gboolean moe_check_accelerator(const MoeCheckedFile *file, GString *says, GError **error);
gboolean moe_check_stack(const MoeCheckedFile *file, GString *says, GError **error);

#endif
