/* SIGINT, SIGTERM and SIGHUP: said in one line, and put off while something is under way that must not stay half done.
 *
 * A signal handler has nothing but variables at file scope to learn from: these three are the program's only ones that
 * change. */
#include "cli.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t held;   /* a signal waits until moe_cli_release */
static volatile sig_atomic_t waits;  /* the signal that does; 0 = none */
static const char *volatile comfort; /* what is said besides; NULL = nothing */

/* Only what a handler may call. A message that cannot be written is nobody's loss. */
static void write_text(const char *text)
{
  size_t length = strlen(text);

  while (length > 0) {
    ssize_t written = write(STDERR_FILENO, text, length);

    if (written <= 0)
      return;
    text += written;
    length -= (size_t)written;
  }
}

static void say(int number)
{
  const char *more = comfort;

  if (isatty(STDERR_FILENO))
    write_text("\r\033[K"); /* where a progress line may stand */
  write_text("moesim: interrupted by ");
  write_text(number == SIGINT ? "SIGINT" : number == SIGTERM ? "SIGTERM" : "SIGHUP");
  write_text(more ? more : "");
  write_text("\n");
}

/* The program ends by the signal, so that a shell or mpirun sees what happened. A second one does not wait. */
static void end(int number)
{
  if (held && !waits) {
    waits = number;
    return;
  }
  say(number);
  signal(number, SIG_DFL);
  raise(number);
}

/* A file that may not grow further is told by write(): the signal only has to come back. Ignored it would stay so in
 * the programs that we call, which end by it. */
static void pass(G_GNUC_UNUSED int number) {}

void moe_cli_watch_signals(void)
{
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  const struct sigaction passing = {.sa_handler = pass, .sa_flags = SA_RESTART};

  sigaction(SIGXFSZ, &passing, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
    struct sigaction old, own = {.sa_handler = end, .sa_flags = SA_RESTART};

    sigemptyset(&own.sa_mask);
    /* nohup and background jobs of a shell ignore some */
    if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
      sigaction(numbers[i], &own, NULL);
  }
}

void moe_cli_comfort(const char *text)
{
  comfort = text;
}

void moe_cli_hold(void)
{
  held = 1;
}

gboolean moe_cli_interrupted(void)
{
  return waits != 0;
}

void moe_cli_release(void)
{
  held = 0;
  if (waits)
    raise((int)waits);
}
