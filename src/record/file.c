/* Files that appear whole or not at all. */
#include "base/base.h"
#include "record/output.h"
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

struct MoeOutput {
  char *path; /* what the caller asked for */
  MoeTarget target;
  char *temporary;   /* the name until then; NULL for what is written in place */
  int file;          /* until it has its name; -1 = has it, or is written in place */
  gboolean nameless; /* not even a temporary name yet, so that an end by a signal leaves nothing */
  FILE *plain;       /* exactly one of these two is open */
  gzFile packed;
  int reason; /* errno of the first failure */
};

static gboolean fail(const char *path, int reason, GError **error)
{
  return moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path}, "cannot write: %s", g_strerror(reason));
}

char *moe_output_temporary(const char *path)
{
  g_autofree char *folder = g_path_get_dirname(path);
  g_autofree char *name = g_path_get_basename(path);
  g_autofree char *suffix = g_strdup_printf(".%d.part", (int)getpid());
  g_autofree char *file = g_strdup_printf("%.*s%s", (int)(NAME_MAX - strlen(suffix)), name, suffix);

  return g_build_filename(folder, file, NULL);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static gboolean open_stream(MoeOutput *output, int descriptor)
{
  if (g_str_has_suffix(output->path, ".gz"))
    output->packed = gzdopen(descriptor, "wb6");
  else
    output->plain = fdopen(descriptor, "w");
  return output->packed || output->plain;
}

static int open_in_place(const MoeTarget *target)
{
  if (target->descriptor >= 0)
    return fcntl(target->descriptor, F_DUPFD_CLOEXEC, 0);
  return g_open(target->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
}

/* The successor of a file has its owner and mode; what may not be given away stays ours. */
static gboolean inherit(int file, const MoeTarget *target)
{
  struct stat status;

  if (!target->exists)
    return TRUE;
  if (fstat(file, &status) != 0)
    return FALSE;
  gboolean given = (status.st_uid == target->owner && status.st_gid == target->group) ||
                   fchown(file, target->owner, target->group) == 0;
  mode_t mode = given ? target->mode : target->mode & 0777; /* set-user-id is the owner's alone */

  return fchmod(file, mode) == 0;
}

/* A file without a name in the folder, where the file system has such files; else one with the temporary name. */
static int open_beside(MoeOutput *output)
{
  g_autofree char *folder = g_path_get_dirname(output->target.path);

  output->temporary = moe_output_temporary(output->target.path);
  output->file = open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
  output->nameless = output->file >= 0;
  if (!output->nameless)
    output->file = g_open(output->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (output->file < 0 || !inherit(output->file, &output->target))
    return -1;
  /* the stream gets a descriptor of its own: this one gives the file its name when all is written */
  return fcntl(output->file, F_DUPFD_CLOEXEC, 0);
}

MoeOutput *moe_output_new(const char *path, GError **error)
{
  g_autoptr(MoeOutput) output = g_new0(MoeOutput, 1);
  int descriptor = -1;

  output->file = -1;
  output->path = g_strdup(path);
  if (moe_target_find(path, &output->target))
    descriptor = output->target.special ? open_in_place(&output->target) : open_beside(output);
  if (descriptor < 0 || !open_stream(output, descriptor)) {
    int reason = errno;

    if (descriptor >= 0)
      g_close(descriptor, NULL);
    fail(path, reason, error);
    return NULL;
  }
  return g_steal_pointer(&output);
}

gboolean moe_output_check(const char *path, GError **error)
{
  MoeTarget target = {0};
  gboolean special = moe_target_find(path, &target) && target.special;

  moe_target_clear(&target);
  if (special && !g_file_test(path, G_FILE_TEST_IS_DIR))
    return TRUE;
  g_autoptr(MoeOutput) output = moe_output_new(path, error);

  return output != NULL;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

void moe_output_write(MoeOutput *output, const char *text, gssize length)
{
  size_t size = length < 0 ? strlen(text) : (size_t)length;

  if (output->reason != 0 || size == 0)
    return;
  size_t written = output->plain ? fwrite(text, 1, size, output->plain) : gzfwrite(text, 1, size, output->packed);

  if (written != size)
    output->reason = errno ? errno : EIO;
}

void moe_output_printf(MoeOutput *output, const char *format, ...)
{
  va_list arguments;

  va_start(arguments, format);
  g_autofree char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  moe_output_write(output, text, -1);
}

/* ---- finishing --------------------------------------------------------------------------------------------------- */

static void close_stream(MoeOutput *output)
{
  errno = 0;
  int failed = 0;

  if (output->plain)
    failed = fclose(output->plain);
  if (output->packed)
    failed = gzclose(output->packed) != Z_OK;
  if (failed && output->reason == 0)
    output->reason = errno ? errno : EIO;
  output->plain = NULL;
  output->packed = NULL;
}

/* On the disk before it has its name: after a power failure, too, a name stands for a whole file. Some file systems
 * cannot, and say EINVAL. */
static gboolean settle_file(const MoeOutput *output)
{
  return fsync(output->file) == 0 || errno == EINVAL;
}

/* Gives a nameless file its temporary name. */
static gboolean link_file(MoeOutput *output)
{
  g_autofree char *self = g_strdup_printf("/proc/self/fd/%d", output->file);

  if (!output->nameless)
    return TRUE;
  if (linkat(AT_FDCWD, self, AT_FDCWD, output->temporary, AT_SYMLINK_FOLLOW) != 0)
    return FALSE;
  output->nameless = FALSE;
  return TRUE;
}

static gboolean close_file(MoeOutput *output)
{
  int file = output->file;

  output->file = -1;
  return close(file) == 0;
}

gboolean moe_output_finish(MoeOutput *output, GError **error)
{
  close_stream(output);
  if (output->reason == 0 && output->file >= 0 && (!settle_file(output) || !link_file(output) || !close_file(output)))
    output->reason = errno;
  return output->reason == 0 || fail(output->path, output->reason, error);
}

gboolean moe_output_commit(MoeOutput *output, GError **error)
{
  if (!moe_output_finish(output, error))
    return FALSE;
  if (output->temporary && g_rename(output->temporary, output->target.path) != 0)
    return fail(output->path, errno, error);
  g_clear_pointer(&output->temporary, g_free);
  return TRUE;
}

void moe_output_free(MoeOutput *output)
{
  if (!output)
    return;
  close_stream(output);
  if (output->temporary && !output->nameless)
    g_unlink(output->temporary);
  if (output->file >= 0)
    g_close(output->file, NULL);
  moe_target_clear(&output->target);
  g_free(output->temporary);
  g_free(output->path);
  g_free(output);
}

gboolean moe_output_save(const char *path, const char *text, GError **error)
{
  g_autoptr(MoeOutput) output = moe_output_new(path, error);

  if (!output)
    return FALSE;
  moe_output_write(output, text, -1);
  return moe_output_commit(output, error);
}

/* ---- sets -------------------------------------------------------------------------------------------------------- */

GPtrArray *moe_outputs_new(void)
{
  return g_ptr_array_new_with_free_func((GDestroyNotify)moe_output_free);
}

gboolean moe_outputs_add(GPtrArray *outputs, const char *path, const char *text, GError **error)
{
  MoeOutput *output = moe_output_new(path, error);

  if (!output)
    return FALSE;
  g_ptr_array_add(outputs, output);
  moe_output_write(output, text, -1);
  return moe_output_finish(output, error);
}

gboolean moe_outputs_commit(GPtrArray *outputs, GError **error)
{
  for (guint i = 0; i < outputs->len; i++)
    if (!moe_output_commit(outputs->pdata[i], error))
      return FALSE;
  return TRUE;
}
