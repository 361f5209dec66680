/* A new store appears under its name whole, and never over another: of two that begin one, one joins the other's. */
#include "base/base.h"
#include "store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static gboolean write_all(int descriptor, const unsigned char *bytes, gsize n)
{
  while (n > 0) {
    gssize written = write(descriptor, bytes, n);

    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return FALSE;
    bytes += written;
    n -= (gsize)written;
  }
  return TRUE;
}

/* Gives what was written its name; another file of that name is as good. */
static gboolean give_name(const char *from, const char *path, int flags)
{
  return linkat(AT_FDCWD, from, AT_FDCWD, path, flags) == 0 || errno == EEXIST;
}

/* Where the file system has files without names, nothing can be left behind. */
static int write_nameless(const char *path, const unsigned char *bytes, gsize n)
{
  g_autofree char *folder = g_path_get_dirname(path);
  int descriptor = open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);
  g_autofree char *self = g_strdup_printf("/proc/self/fd/%d", descriptor);

  if (descriptor < 0)
    return -1;
  int reason = write_all(descriptor, bytes, n) && give_name(self, path, AT_SYMLINK_FOLLOW) ? 0 : errno;
  close(descriptor);
  return reason;
}

static int write_named(const char *path, const unsigned char *bytes, gsize n)
{
  g_autofree char *temporary = g_strdup_printf("%s.%d.part", path, (int)getpid());
  int descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

  if (descriptor < 0)
    return errno;
  int reason = write_all(descriptor, bytes, n) ? 0 : errno;
  if (close(descriptor) != 0 && reason == 0)
    reason = errno;
  if (reason == 0 && !give_name(temporary, path, 0))
    reason = errno;
  g_unlink(temporary);
  return reason;
}

/* SQLite keeps what it is about to write in files beside the store, of its name and a suffix. */
#define LONGEST_SUFFIX "-journal"
#define LONGEST_NAME   255 /* NAME_MAX of the file systems that Linux has */

static gboolean has_room_for_companions(const char *path, GError **error)
{
  g_autofree char *name = g_path_get_basename(path);
  gsize most = LONGEST_NAME - strlen(LONGEST_SUFFIX);

  return strlen(name) <= most || moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path},
                                          "cannot write: a name of %" G_GSIZE_FORMAT
                                          " bytes, expected at most %" G_GSIZE_FORMAT ": SQLite puts files beside it",
                                          strlen(name), most);
}

/* The bytes of a store without points. Free with sqlite3_free; NULL when memory is short. */
static unsigned char *make_image(const MoeSweep *sweep, const MoeSweepWork *work, sqlite3_int64 *n, GError **error)
{
  g_autoptr(MoeStore) store = moe_store_connect(":memory:", SQLITE_OPEN_READWRITE, error);

  return store && moe_store_make_tables(store, sweep, work, error) ? sqlite3_serialize(store->db, "main", n, 0) : NULL;
}

/* SQLite opens the store, its log and the index of that, and a point reads its inputs one by one. */
#define DESCRIPTORS 4

/* Whether what is begun can be opened, too; 0 or why not. */
static int want_descriptors(void)
{
  int taken[DESCRIPTORS], n = 0, reason = 0;

  while (reason == 0 && n < DESCRIPTORS)
    if ((taken[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0)
      reason = errno;
    else
      n++;
  while (n > 0)
    close(taken[--n]);
  return reason;
}

static int write_store(const char *path, const unsigned char *bytes, gsize n)
{
  int reason = want_descriptors();

  if (reason == 0)
    reason = write_nameless(path, bytes, n);
  return reason < 0 ? write_named(path, bytes, n) : reason;
}

gboolean moe_store_begin(const char *path, const MoeSweep *sweep, const MoeSweepWork *work, GError **error)
{
  sqlite3_int64 n = 0;

  if (!has_room_for_companions(path, error))
    return FALSE;
  unsigned char *bytes = make_image(sweep, work, &n, error);

  if (!bytes)
    return FALSE;
  int reason = write_store(path, bytes, (gsize)n);
  sqlite3_free(bytes);
  return reason == 0 || moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path}, "cannot write: %s", g_strerror(reason));
}
