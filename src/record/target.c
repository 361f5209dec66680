/* Where an output goes: through links to the file behind them, into descriptors and devices in place. */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Links to follow, as the kernel does. */
#define MOST_LINKS 40

/* A link of /proc is no name: it stands for something that is open. */
static gboolean is_in_proc(const char *folder)
{
  struct statfs system;

  return statfs(folder, &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}

/* The number of our own descriptor that this link of /proc stands for; -1 when it is something else. */
static int own_descriptor(const char *link, const char *folder)
{
  g_autofree char *name = g_path_get_basename(link);
  struct stat named, own;
  gint64 number;

  if (stat(folder, &named) != 0 || stat("/proc/self/fd", &own) != 0 || named.st_ino != own.st_ino ||
      named.st_dev != own.st_dev || !g_ascii_string_to_signed(name, 10, 0, G_MAXINT, &number, NULL))
    return -1;
  return (int)number;
}

/* One link further; FALSE when there is none, or it cannot be followed by name. */
static gboolean follow(MoeTarget *target)
{
  g_autofree char *folder = g_path_get_dirname(target->path);

  if (!g_file_test(target->path, G_FILE_TEST_IS_SYMLINK))
    return FALSE;
  if (is_in_proc(folder)) {
    target->descriptor = own_descriptor(target->path, folder);
    target->special = TRUE;
    return FALSE;
  }
  g_autofree char *next = g_file_read_link(target->path, NULL);
  if (!next)
    return FALSE;
  char *path = g_path_is_absolute(next) ? g_steal_pointer(&next) : g_build_filename(folder, next, NULL);

  g_free(target->path);
  target->path = path;
  return TRUE;
}

/* A file that may not be written is not replaced either. */
static gboolean look(MoeTarget *target)
{
  struct stat status;

  if (stat(target->path, &status) != 0)
    return errno == ENOENT;
  target->special = !S_ISREG(status.st_mode);
  target->exists = S_ISREG(status.st_mode);
  target->mode = status.st_mode & 07777;
  target->owner = status.st_uid;
  target->group = status.st_gid;
  return target->special || faccessat(AT_FDCWD, target->path, W_OK, AT_EACCESS) == 0;
}

gboolean moe_target_find(const char *path, MoeTarget *target)
{
  guint links = 0;

  *target = (MoeTarget){.path = g_strdup(path), .descriptor = -1};
  while (links < MOST_LINKS && follow(target))
    links++;
  if (links == MOST_LINKS) {
    errno = ELOOP;
    return FALSE;
  }
  return target->special || look(target);
}

void moe_target_clear(MoeTarget *target)
{
  g_clear_pointer(&target->path, g_free);
}
