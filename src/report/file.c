/* Files that appear whole or not at all. */
#include <moesim/report.h>

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

struct MoeOutput {
  char *path;      /* what the caller asked for */
  char *temporary; /* the name until then; NULL for a device, which is written in place */
  int nameless; /* descriptor of a file that has no name yet, so that an end by a signal leaves nothing; -1 = it has one
                 */
  FILE *plain;  /* exactly one of these two is open */
  gzFile packed;
  int reason; /* errno of the first failure */
};

/* Devices and pipes cannot be renamed over: they are written directly. */
static gboolean is_special(const char *path)
{
  return g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_REGULAR);
}

static gboolean fail(const char *path, int reason, GError **error)
{
  return moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path}, "cannot write: %s", g_strerror(reason));
}

static gboolean open_stream(MoeOutput *output, int descriptor)
{
  if (g_str_has_suffix(output->path, ".gz"))
    output->packed = gzdopen(descriptor, "wb6");
  else
    output->plain = fdopen(descriptor, "w");
  return output->packed || output->plain;
}

/* A file without a name in the folder of `path`, where the file system has such files; -1 otherwise. */
static int open_nameless(const char *path)
{
  g_autofree char *folder = g_path_get_dirname(path);

  return open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
}

static int open_output(MoeOutput *output)
{
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC;

  if (is_special(output->path))
    return g_open(output->path, flags, 0666);
  output->temporary = g_strdup_printf("%s.%d.part", output->path, (int)getpid());
  output->nameless = open_nameless(output->path);
  /* the stream gets a descriptor of its own: this one gives the file its name when all is written */
  return output->nameless >= 0 ? fcntl(output->nameless, F_DUPFD_CLOEXEC, 0)
                               : g_open(output->temporary, flags | O_TRUNC, 0666);
}

/* Gives a nameless file its temporary name. */
static gboolean link_file(MoeOutput *output)
{
  g_autofree char *self = g_strdup_printf("/proc/self/fd/%d", output->nameless);

  if (output->nameless < 0)
    return TRUE;
  if (linkat(AT_FDCWD, self, AT_FDCWD, output->temporary, AT_SYMLINK_FOLLOW) != 0)
    return FALSE;
  g_close(output->nameless, NULL);
  output->nameless = -1;
  return TRUE;
}

MoeOutput *moe_output_new(const char *path, GError **error)
{
  g_autoptr(MoeOutput) output = g_new0(MoeOutput, 1);

  output->nameless = -1;
  output->path = g_strdup(path);
  int descriptor = open_output(output);

  if (descriptor < 0 || !open_stream(output, descriptor)) {
    int reason = errno;

    if (descriptor >= 0)
      g_close(descriptor, NULL);
    fail(path, reason, error);
    return NULL;
  }
  return g_steal_pointer(&output);
}

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

gboolean moe_output_commit(MoeOutput *output, GError **error)
{
  close_stream(output);
  if (output->reason == 0 && output->temporary &&
      (!link_file(output) || g_rename(output->temporary, output->path) != 0))
    output->reason = errno;
  if (output->reason != 0)
    return fail(output->path, output->reason, error);
  g_clear_pointer(&output->temporary, g_free);
  return TRUE;
}

void moe_output_free(MoeOutput *output)
{
  if (!output)
    return;
  close_stream(output);
  if (output->nameless >= 0)
    g_close(output->nameless, NULL);
  else if (output->temporary)
    g_unlink(output->temporary);
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
