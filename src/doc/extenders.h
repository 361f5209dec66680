/*
 * extenders: files that stand on a file. Part of doc (floor 1).
 *
 * A file that others extend need not be a run, cluster or accelerator of its own: it is as good as one that stands on
 * it.
 */
#ifndef MOESIM_DOC_EXTENDERS_H
#define MOESIM_DOC_EXTENDERS_H

#include <glib.h>

G_BEGIN_DECLS

/* Paths of the files that extend `file`, by name: of its folder, of the one above, of those beside that. Free with
 * g_ptr_array_unref. */
GPtrArray *moe_doc_extenders(const char *file);

G_END_DECLS

#endif
