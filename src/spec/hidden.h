/*
 * hidden: values of a file that all of its variants replace, which no state of it reads. Part of spec (floor 2).
 */
#ifndef MOESIM_SPEC_HIDDEN_H
#define MOESIM_SPEC_HIDDEN_H

#include "doc/doc.h"
#include "spec/spec.h"

G_BEGIN_DECLS

/* Whether the values of a run file that every variant replaces can be read: each is put back in the first variant.
 * `doc` is the file as loaded. FALSE and *error (MOE_ERROR_INPUT, at the value) when one cannot. */
gboolean moe_run_check_hidden(const char *file, const MoeDoc *doc, const char *data_dir, GError **error);
/* The same of the stack file of that name. */
gboolean moe_stack_check_hidden(const char *file, const char *data_dir, GError **error);

G_END_DECLS

#endif
