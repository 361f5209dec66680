/*
 * Fails the n-th call of one function of the C library: preloaded (LD_PRELOAD) into the program under test.
 *
 *     INJECT=write:7:ENOSPC LD_PRELOAD=libinject.so moesim ...
 *
 * NAME:N:ERRNO fails the N-th call (from 1) and all later ones; NAME:N:ERRNO:once that one alone. Without N (0) nothing
 * fails. INJECT_COUNT=FILE appends, at the end, how often each function was called, so that a script knows which N
 * there are. What the loader does before main does not count, nor what the C library calls within itself: so the
 * standard streams are failed at their own functions.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum {
  OPEN,
  READ,
  WRITE,
  PWRITE,
  FWRITE,
  FFLUSH,
  FCLOSE,
  FSYNC,
  CLOSE,
  RENAME,
  LINK,
  FTRUNCATE,
  FCHMOD,
  MKDIR,
  MALLOC,
  N_CALLS
} Call;

static const char *const names[N_CALLS] = {"open",   "read",      "write",  "pwrite", "fwrite",
                                           "fflush", "fclose",    "fsync",  "close",  "rename",
                                           "link",   "ftruncate", "fchmod", "mkdir",  "malloc"};

static const struct {
  const char *name;
  int number;
} errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EMFILE", EMFILE}, {"EACCES", EACCES}, {"ENOMEM", ENOMEM}};

static atomic_long counts[N_CALLS];
static long at;
static int target = -1, reason, once, ready;

/* ---- the plan ---------------------------------------------------------------------------------------------------- */

static int find_error(const char *name)
{
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
    if (strncmp(name, errors[i].name, strlen(errors[i].name)) == 0)
      return errors[i].number;
  return EIO;
}

__attribute__((constructor)) static void begin(void)
{
  const char *plan = getenv("INJECT");
  char name[16] = "", error[16] = "", more[8] = "";

  if (plan && sscanf(plan, "%15[^:]:%ld:%15[^:]:%7s", name, &at, error, more) >= 3) {
    for (int c = 0; c < N_CALLS; c++)
      if (strcmp(names[c], name) == 0)
        target = c;
    reason = find_error(error);
    once = strcmp(more, "once") == 0;
  }
  ready = 1;
}

__attribute__((destructor)) static void end(void)
{
  const char *path = getenv("INJECT_COUNT");

  ready = 0;
  FILE *file = path ? fopen(path, "ae") : NULL;

  if (!file)
    return;
  for (int c = 0; c < N_CALLS; c++)
    fprintf(file, "%s %ld\n", names[c], atomic_load(&counts[c]));
  fclose(file);
}

/* Whether this call fails. */
static int fails(Call call)
{
  if (!ready)
    return 0;
  long n = atomic_fetch_add(&counts[call], 1) + 1;

  if ((int)call != target || at <= 0 || n < at || (once && n > at))
    return 0;
  errno = reason;
  return 1;
}

/* POSIX gives data pointers for functions: ISO C knows no cast between them. */
static void find_next(const char *name, void *function)
{
  void *symbol = dlsym(RTLD_NEXT, name);

  memcpy(function, &symbol, sizeof symbol);
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

/* Folders of the system (locale, gnuplot, MPI) are no files of the program's own. */
static int is_foreign(const char *path)
{
  static const char *const roots[] = {"/usr/", "/lib", "/etc/", "/proc/", "/sys/", "/dev/"};

  for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
    if (strncmp(path, roots[i], strlen(roots[i])) == 0)
      return 1;
  return 0;
}

#define OPENING(NAME)                                                                                                  \
  int NAME(const char *path, int flags, ...)                                                                           \
  {                                                                                                                    \
    int (*next)(const char *, int, ...);                                                                               \
    va_list arguments;                                                                                                 \
                                                                                                                       \
    va_start(arguments, flags);                                                                                        \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;                                       \
    va_end(arguments);                                                                                                 \
    if (!is_foreign(path) && fails(OPEN))                                                                              \
      return -1;                                                                                                       \
    find_next(#NAME, &next);                                                                                           \
    return next(path, flags, mode);                                                                                    \
  }
OPENING(open)
OPENING(open64)

#define CALL(TYPE, NAME, CALL, PARAMETERS, ...)                                                                        \
  TYPE NAME PARAMETERS                                                                                                 \
  {                                                                                                                    \
    TYPE(*next) PARAMETERS;                                                                                            \
                                                                                                                       \
    if (fails(CALL))                                                                                                   \
      return (TYPE)-1;                                                                                                 \
    find_next(#NAME, &next);                                                                                           \
    return next(__VA_ARGS__);                                                                                          \
  }
CALL(ssize_t, read, READ, (int file, void *bytes, size_t n), file, bytes, n)
CALL(ssize_t, pwrite, PWRITE, (int file, const void *bytes, size_t n, off_t where), file, bytes, n, where)
CALL(ssize_t, pwrite64, PWRITE, (int file, const void *bytes, size_t n, off64_t where), file, bytes, n, where)
CALL(int, fsync, FSYNC, (int file), file)
CALL(int, fdatasync, FSYNC, (int file), file)
CALL(int, rename, RENAME, (const char *from, const char *to), from, to)
CALL(int, linkat, LINK, (int a, const char *from, int b, const char *to, int flags), a, from, b, to, flags)
CALL(int, ftruncate, FTRUNCATE, (int file, off_t length), file, length)
CALL(int, ftruncate64, FTRUNCATE, (int file, off64_t length), file, length)
CALL(int, mkdir, MKDIR, (const char *path, mode_t mode), path, mode)
CALL(int, fflush, FFLUSH, (FILE * stream), stream)
CALL(int, fchmod, FCHMOD, (int file, mode_t mode), file, mode)

/* A report that cannot be made is not what is tried. */
ssize_t write(int file, const void *bytes, size_t n)
{
  ssize_t (*next)(int, const void *, size_t);

  if (file != STDERR_FILENO && fails(WRITE))
    return -1;
  find_next("write", &next);
  return next(file, bytes, n);
}

size_t fwrite(const void *bytes, size_t size, size_t n, FILE *stream)
{
  size_t (*next)(const void *, size_t, size_t, FILE *);

  if (stream != stderr && fails(FWRITE))
    return 0;
  find_next("fwrite", &next);
  return next(bytes, size, n, stream);
}

/* The stream is gone whatever fclose says; of what it held nothing arrives. */
int fclose(FILE *stream)
{
  int (*next)(FILE *);

  find_next("fclose", &next);
  int failed = fails(FCLOSE);

  if (failed) {
    int file = dup(fileno(stream));

    next(stream);
    if (file >= 0 && ftruncate(file, 0) != 0)
      errno = EIO;
    if (file >= 0)
      close(file);
    errno = reason;
    return EOF;
  }
  return next(stream);
}

/* The descriptor is gone whatever close says. */
int close(int file)
{
  int (*next)(int);

  find_next("close", &next);
  int status = next(file), kept = errno;

  errno = kept;
  return file > STDERR_FILENO && fails(CLOSE) ? -1 : status;
}

/* What GLib allocates for us it answers for itself, by an end that says so. */
extern void *__libc_malloc(size_t n);
void *malloc(size_t n)
{
  return fails(MALLOC) ? NULL : __libc_malloc(n);
}
