/* Bytes of a file, checked before they are parsed. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Room for what comes out of a pipe, to begin with. Own choice, bytes. */
#define FIRST_ROOM_BYTES (64 * 1024)
#define ENDING           ".yaml"

void moe_input_clear(MoeInput *input)
{
  g_clear_pointer(&input->bytes, g_free);
}

/* "extends PATH: what" at the place of the extends, or "PATH: what" for a file named on the command line. */
static gboolean fail_file(GError **error, MoeErrorCode code, const char *path, MoeMark asked_at, const char *what)
{
  if (asked_at.line == 0)
    return moe_fail(error, code, (MoeMark){path, 0, 0}, "%s", what);
  return moe_fail(error, code, asked_at, "%s: %s", path, what);
}

static gboolean fail_too_large(GError **error, const char *path, MoeMark asked_at, guint64 bytes, const char *or_more)
{
  g_autofree char *what = g_strdup_printf("%" G_GUINT64_FORMAT " bytes%s, expected at most %d bytes in one file", bytes,
                                          or_more, MOE_DOC_MAX_BYTES);

  return fail_file(error, MOE_ERROR_INPUT, path, asked_at, what);
}

/* A name that is no file's is the input's fault; anything else is the machine's. */
static MoeErrorCode blame(int code)
{
  return code == ENOENT || code == ENOTDIR || code == ENAMETOOLONG || code == ELOOP ? MOE_ERROR_INPUT : MOE_ERROR_IO;
}

static int by_name(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *without_ending(const char *name)
{
  return g_strndup(name, strlen(name) - (g_str_has_suffix(name, ENDING) ? strlen(ENDING) : 0));
}

/* What lies where `path` does not: the same with its ending, or the name nearest to it; NULL when nothing is near. */
static char *nearest_file(const char *path)
{
  g_autofree char *whole = g_strconcat(path, ENDING, NULL), *folder = g_path_get_dirname(path);
  g_autofree char *base = g_path_get_basename(path), *name = without_ending(base);
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);

  if (g_file_test(whole, G_FILE_TEST_IS_REGULAR))
    return g_steal_pointer(&whole);
  for (const char *entry = dir ? g_dir_read_name(dir) : NULL; entry; entry = g_dir_read_name(dir))
    if (g_str_has_suffix(entry, ENDING))
      g_ptr_array_add(names, without_ending(entry));
  g_ptr_array_sort(names, by_name);
  g_ptr_array_add(names, NULL);
  const char *nearest = moe_nearest_word(name, (const char *const *)names->pdata);
  g_autofree char *file = nearest ? g_strconcat(nearest, ENDING, NULL) : NULL;

  return file && strchr(path, G_DIR_SEPARATOR) ? g_build_filename(folder, file, NULL) : g_steal_pointer(&file);
}

static gboolean fail_errno(GError **error, const char *path, MoeMark asked_at, int code)
{
  g_autofree char *nearest = code == ENOENT ? nearest_file(path) : NULL;
  g_autofree char *what = nearest ? g_strdup_printf("%s, did you mean %s?", g_strerror(code), nearest)
                                  : g_strdup_printf("%s, expected a readable YAML file", g_strerror(code));

  return fail_file(error, blame(code), path, asked_at, what);
}

/* Fills `buffer` until it is full or the file ends; -1 with errno set on failure. */
static gssize read_fully(int fd, char *buffer, gsize bytes)
{
  gsize have = 0;

  while (have < bytes) {
    gssize got = read(fd, buffer + have, bytes - have);

    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return -1;
    if (got == 0)
      break;
    have += (gsize)got;
  }
  return (gssize)have;
}

/* A file of known size. */
static gboolean read_regular(MoeInput *input, int fd, gsize bytes)
{
  input->bytes = g_malloc(bytes + 1);
  gssize got = read_fully(fd, input->bytes, bytes);

  input->length = got < 0 ? 0 : (gsize)got;
  return got >= 0;
}

/* A pipe or terminal, of unknown size: until its end or more than the limit; the room doubles. */
static gboolean read_stream(MoeInput *input, int fd)
{
  gssize got = 1;

  while (got > 0 && input->length <= MOE_DOC_MAX_BYTES) {
    gsize room = MIN(MAX(input->length, FIRST_ROOM_BYTES), MOE_DOC_MAX_BYTES + 1);
    input->bytes = g_realloc(input->bytes, input->length + room);
    got = read_fully(fd, input->bytes + input->length, room);
    input->length += got > 0 ? (gsize)got : 0;
  }
  return got >= 0;
}

static gboolean read_open_file(MoeInput *input, int fd, const char *path, MoeMark asked_at, GError **error)
{
  struct stat status;

  if (fstat(fd, &status) != 0)
    return fail_errno(error, path, asked_at, errno);
  if (S_ISDIR(status.st_mode))
    return fail_file(error, MOE_ERROR_INPUT, path, asked_at, "a directory, expected a YAML file");
  if (S_ISREG(status.st_mode) && status.st_size > MOE_DOC_MAX_BYTES)
    return fail_too_large(error, path, asked_at, (guint64)status.st_size, "");
  input->device = (guint64)status.st_dev;
  input->inode = (guint64)status.st_ino;
  if (!(S_ISREG(status.st_mode) ? read_regular(input, fd, (gsize)status.st_size) : read_stream(input, fd)))
    return fail_errno(error, path, asked_at, errno);
  if (input->length > MOE_DOC_MAX_BYTES)
    return fail_too_large(error, path, asked_at, MOE_DOC_MAX_BYTES, " and more");
  return TRUE;
}

gboolean moe_input_read(MoeInput *input, const char *path, MoeMark asked_at, GError **error)
{
  int fd = g_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);

  if (fd < 0)
    return fail_errno(error, path, asked_at, errno);
  gboolean done = read_open_file(input, fd, path, asked_at, error);
  close(fd);
  return done;
}

/* ---- encoding --------------------------------------------------------------------------------------------------- */

static MoeMark mark_of(const char *bytes, const char *at, const char *name)
{
  MoeMark mark = {name, 1, 1};

  for (const char *p = bytes; p < at; p++) {
    if (*p == '\n' || (*p == '\r' && p[1] != '\n')) {
      mark.line++;
      mark.column = 1;
    } else if (((guchar)*p & 0xC0) != 0x80) { /* not a continuation byte of UTF-8 */
      mark.column++;
    }
  }
  return mark;
}

static gboolean is_allowed_control(gunichar c)
{
  return c == '\t' || c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 ||
         c == 0x2029; /* the line breaks of YAML 1.1 */
}

/* First character that YAML does not allow, or NULL. */
static const char *find_forbidden(const char *bytes, gsize length)
{
  const char *p = bytes;

  while (p < bytes + length) {
    if ((guchar)*p >= ' ' && (guchar)*p < 0x7F) {
      p++;
      continue;
    }
    gunichar c = g_utf8_get_char(p);
    if (!is_allowed_control(c) && !moe_text_printable(c))
      return p;
    p = g_utf8_next_char(p);
  }
  return NULL;
}

gboolean moe_input_check(const char *bytes, gsize length, const char *name, GError **error)
{
  const char *end = NULL;
  gboolean valid = g_utf8_validate_len(bytes, length, &end);

  if (!valid && *end == '\0')
    return moe_fail(error, MOE_ERROR_INPUT, mark_of(bytes, end, name),
                    "NUL byte, expected YAML text, not a binary file");
  if (!valid)
    return moe_fail(error, MOE_ERROR_INPUT, mark_of(bytes, end, name),
                    "byte 0x%02X is not UTF-8, expected YAML text in UTF-8", (guchar)*end);
  const char *bad = find_forbidden(bytes, length);
  if (bad)
    return moe_fail(error, MOE_ERROR_INPUT, mark_of(bytes, bad, name), "control character U+%04X, expected YAML text",
                    g_utf8_get_char(bad));
  return TRUE;
}
