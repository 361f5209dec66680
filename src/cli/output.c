/* Standard output, standard error, progress. */
#include "record/output.h"
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void moe_cli_print(const char *text)
{
  fputs(text, stdout);
}

gboolean moe_cli_write(const char *path, const char *text, GError **error)
{
  if (path)
    return moe_output_save(path, text, error);
  moe_cli_print(text);
  return TRUE;
}

/* A message is one line, whatever it quotes: values of options hold line ends, terminals obey escapes. */
static void put_line(const char *prefix, const char *message)
{
  g_autofree char *line = moe_one_line(g_strconcat(prefix, message, NULL));

  fprintf(stderr, "%s\n", line);
}

static void say(const char *prefix, const char *format, va_list arguments)
{
  g_autofree char *message = g_strdup_vprintf(format, arguments);

  put_line(prefix, message);
}

int moe_cli_complain(const char *format, ...)
{
  va_list arguments;

  va_start(arguments, format);
  say("moesim: ", format, arguments);
  va_end(arguments);
  return MOE_EXIT_BAD_INPUT;
}

void moe_cli_warn(const char *format, ...)
{
  va_list arguments;

  va_start(arguments, format);
  say("moesim: warning: ", format, arguments);
  va_end(arguments);
}

void moe_cli_note(const char *format, ...)
{
  va_list arguments;

  va_start(arguments, format);
  say("moesim: ", format, arguments);
  va_end(arguments);
}

/* ---- notes of the library ---------------------------------------------------------------------------------------- */

/* What was said already; runs are loaded in several threads. */
typedef struct {
  GMutex lock;
  GHashTable *told;
} Notes;

static void on_note(G_GNUC_UNUSED const char *domain, G_GNUC_UNUSED GLogLevelFlags level, const char *message,
                    gpointer user)
{
  Notes *notes = user;

  g_mutex_lock(&notes->lock);
  if (g_hash_table_add(notes->told, g_strdup(message)))
    moe_cli_note("%s", message);
  g_mutex_unlock(&notes->lock);
}

void moe_cli_listen(void)
{
  Notes *notes = g_new0(Notes, 1); /* lives as long as the program */

  g_mutex_init(&notes->lock);
  notes->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_log_set_handler(MOE_LOG_DOMAIN, G_LOG_LEVEL_INFO, on_note, notes);
}

/* ---- failures ---------------------------------------------------------------------------------------------------- */

/* "FILE:LINE:COLUMN: what is wrong" says where to look; all else who says it. */
int moe_cli_fail(const GError *error)
{
  put_line(moe_error_mark(error).line > 0 ? "" : "moesim: ", error->message);
  return g_error_matches(error, MOE_ERROR, MOE_ERROR_INTERNAL) ? MOE_EXIT_INTERNAL : MOE_EXIT_BAD_INPUT;
}

/* ---- the sheet --------------------------------------------------------------------------------------------------- */

#define USUAL_WIDTH 100 /* characters, where nobody says how many */
#define LEAST_WIDTH 60  /* below it numbers would have no room */
#define UNBOUNDED   "unlimited"

void moe_cli_widen(void)
{
  g_setenv("COLUMNS", UNBOUNDED, TRUE);
}

static guint terminal_width(void)
{
  struct winsize size;

  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

static guint sheet_width(void)
{
  const char *columns = g_getenv("COLUMNS");
  guint64 width = 0;

  if (g_strcmp0(columns, UNBOUNDED) == 0)
    return 0;
  if (!columns || !g_ascii_string_to_unsigned(columns, 10, 1, G_MAXUINT16, &width, NULL))
    width = terminal_width();
  return width > 0 ? MAX((guint)width, LEAST_WIDTH) : USUAL_WIDTH;
}

static gboolean is_styled(void)
{
  const char *no_color = g_getenv("NO_COLOR");
  const char *term = g_getenv("TERM");

  if (no_color && *no_color)
    return FALSE;
  return term && strcmp(term, "dumb") != 0 && isatty(STDOUT_FILENO);
}

MoeSheet moe_cli_sheet(MoeFormat format)
{
  return (MoeSheet){.styled = is_styled(), .width = sheet_width(), .format = format};
}

void moe_cli_print_text(const char *text)
{
  g_autofree char *wrapped = moe_sheet_wrap(text, moe_cli_sheet(MOE_FORMAT_TABLE));

  moe_cli_print(wrapped);
}

void moe_cli_show(MoeFormat format, char *text)
{
  if (format == MOE_FORMAT_TABLE)
    moe_cli_print_text(text);
  else
    moe_cli_print(text);
  g_free(text);
}

gboolean moe_cli_unread(void)
{
  GPollFD end = {.fd = STDOUT_FILENO, .events = G_IO_OUT};

  return g_poll(&end, 1, 0) == 1 && (end.revents & G_IO_ERR) != 0;
}

/* Why the stream failed, perhaps long ago: asked by writing once more to what is broken already. */
static int reason_of_failure(void)
{
  return write(STDOUT_FILENO, "\n", 1) < 0 ? errno : EIO;
}

int moe_cli_finish(int status, gboolean unread)
{
  if (fflush(stdout) == 0 && !ferror(stdout))
    return status;
  int reason = reason_of_failure();

  if (reason == EPIPE && !unread) /* the reader has what it wanted */
    return status;
  fprintf(stderr, "moesim: cannot write standard output: %s\n", g_strerror(reason));
  return status > MOE_EXIT_BAD_INPUT ? status : MOE_EXIT_BAD_INPUT;
}

/* ---- progress ---------------------------------------------------------------------------------------------------- */

#define PROGRESS_WIDTH 30 /* characters of the bar */

void moe_cli_progress_init(MoeProgress *progress)
{
  *progress = (MoeProgress){.shown = isatty(STDERR_FILENO), .started_us = g_get_monotonic_time()};
}

void moe_cli_progress(guint done, guint total, gpointer user_data)
{
  const MoeProgress *progress = user_data;
  char bar[PROGRESS_WIDTH + 1];

  if (!progress->shown || total == 0)
    return;
  guint filled = (guint)((guint64)done * PROGRESS_WIDTH / total);

  for (guint i = 0; i < PROGRESS_WIDTH; i++)
    bar[i] = i < filled ? '#' : '.';
  bar[PROGRESS_WIDTH] = '\0';
  double elapsed_s = (double)(g_get_monotonic_time() - progress->started_us) / G_USEC_PER_SEC;
  double left_s = done > 0 ? elapsed_s / done * (total - done) : NAN;

  if (isnan(left_s))
    fprintf(stderr, "\r[%s] %u / %u", bar, done, total);
  else
    fprintf(stderr, "\r[%s] %u / %u, %.0f s left   ", bar, done, total, ceil(left_s));
  fflush(stderr);
}

void moe_cli_progress_end(MoeProgress *progress)
{
  if (progress->shown)
    fputs("\r\033[K", stderr);
  progress->shown = FALSE;
}
