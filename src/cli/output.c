/* Standard output, standard error, progress. */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void moe_cli_print(const char *text)
{
  fputs(text, stdout);
}

static void say(const char *prefix, const char *format, va_list arguments)
{
  g_autofree char *message = g_strdup_vprintf(format, arguments);

  fprintf(stderr, "%s%s\n", prefix, message);
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

int moe_cli_fail(const GError *error)
{
  fprintf(stderr, "%s\n", error->message);
  return g_error_matches(error, MOE_ERROR, MOE_ERROR_INTERNAL) ? MOE_EXIT_INTERNAL : MOE_EXIT_BAD_INPUT;
}

gboolean moe_cli_styled(void)
{
  const char *no_color = g_getenv("NO_COLOR");
  const char *term = g_getenv("TERM");

  if (no_color && *no_color)
    return FALSE;
  return term && strcmp(term, "dumb") != 0 && isatty(STDOUT_FILENO);
}

int moe_cli_finish(int status)
{
  if (fflush(stdout) == 0 && !ferror(stdout))
    return status;
  int reason = errno;

  if (reason == EPIPE) /* the reader has what it wanted */
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
