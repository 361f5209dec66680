/* output: files that appear whole or not at all. Part of record (floor 1). */
#ifndef MOESIM_RECORD_OUTPUT_H
#define MOESIM_RECORD_OUTPUT_H

#include <moesim/units.h>

G_BEGIN_DECLS

/* A file that is written under a temporary name beside its own, settled on the disk, and renamed when complete: what
 * stands under `path` is always a whole file, the old or the new one. Links stay links: the file behind them is
 * replaced, and its successor has its owner and mode. Devices, pipes and names of our own descriptors (/dev/stdout) are
 * written in place. A path that ends in ".gz" is compressed. */
typedef struct MoeOutput MoeOutput;

MoeOutput *moe_output_new(const char *path, GError **error);
/* Failure is remembered and reported by moe_output_commit. */
void moe_output_write(MoeOutput *output, const char *text, gssize length);
void moe_output_printf(MoeOutput *output, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Everything that can fail for want of room: flushes, settles, closes. FALSE and *error (MOE_ERROR_IO) when anything
 * since the start failed. Nothing stands under the name yet; moe_output_commit does this first where it was not done.
 */
gboolean moe_output_finish(MoeOutput *output, GError **error);
/* Finishes and renames. FALSE and *error (MOE_ERROR_IO) when anything since the start failed; the temporary file is
 * then removed. */
gboolean moe_output_commit(MoeOutput *output, GError **error);
/* Without a commit before, the temporary file is removed. */
void moe_output_free(MoeOutput *output);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeOutput, moe_output_free)
/* Whether a file of that name can be begun: worth asking before hours of work. Devices and pipes are left alone. FALSE
 * and *error (MOE_ERROR_IO) as moe_output_new would. */
gboolean moe_output_check(const char *path, GError **error);
/* All at once. */
gboolean moe_output_save(const char *path, const char *text, GError **error);
/* The temporary name of what is to be called `path`, however long that is. Caller frees. */
char *moe_output_temporary(const char *path);

/* Files that belong together: each is whole before the first gets its name. Free with g_ptr_array_unref. */
GPtrArray *moe_outputs_new(void);
gboolean moe_outputs_add(GPtrArray *outputs, const char *path, const char *text, GError **error);
gboolean moe_outputs_commit(GPtrArray *outputs, GError **error);

G_END_DECLS

#endif
