/* Files that the page saves: new ones in one folder. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static gboolean write_all(int fd, const char *text)
{
  gsize left = strlen(text);

  while (left > 0) {
    ssize_t written = write(fd, text, left);
    if (written < 0 && errno != EINTR)
      return FALSE;
    text += MAX(written, 0);
    left -= (gsize)MAX(written, 0);
  }
  return TRUE;
}

/* Whole or not at all: written without a name, and named when it is there. */
static int write_named(int folder, const char *name, const char *text)
{
  int fd = openat(folder, ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666);

  if (fd < 0)
    return errno;
  g_autofree char *self = g_strdup_printf("/proc/self/fd/%d", fd);
  int code = 0;
  if (!write_all(fd, text) || fsync(fd) != 0 || linkat(AT_FDCWD, self, folder, name, AT_SYMLINK_FOLLOW) != 0)
    code = errno;
  close(fd);
  return code;
}

char *moe_save(const char *folder, const char *name, const char *text)
{
  int place = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int code = place < 0 ? errno : write_named(place, name, text);

  if (place >= 0)
    close(place);
  if (code == EEXIST)
    return g_strdup_printf("%s is there already, expected a new name", name);
  return code ? g_strdup_printf("%s: %s", name, g_strerror(code)) : NULL;
}
