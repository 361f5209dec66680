/* Finds the command and hands it its arguments. */
#include "build.h"
#include "cli.h"

#ifdef __GLIBC__
#include <malloc.h>
#include <sys/mman.h>
#endif
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_overview(void)
{
  guint n = 0;
  const MoeCommand *commands = moe_commands(&n);
  g_autoptr(GString) text = g_string_new("Usage: moesim COMMAND [OPTION...] ARGUMENT...\n\n"
                                         "Predicts how fast a large transformer training run goes on a cluster, and "
                                         "why: step time, MFU, memory, losses.\n\n"
                                         "Commands:\n");

  for (guint i = 0; i < n; i++)
    g_string_append_printf(text, "  %-17s %s\n", commands[i].name, commands[i].summary);
  g_string_append(text, "\nmoesim COMMAND --help tells more of one command; moesim --version prints the version.\n\n"
                        "Examples:\n"
                        "  moesim run models/mai-base-1/v5.yaml\n"
                        "  moesim compare models/mai-base-1/v5.yaml --variants models/deepseek-v3.yaml\n");
  moe_cli_print_text(text->str);
}

static int unknown_command(const char *word)
{
  guint n = 0;
  const MoeCommand *commands = moe_commands(&n);
  g_autofree const char **names = g_new0(const char *, n + 1);

  for (guint i = 0; i < n; i++)
    names[i] = commands[i].name;
  const char *nearest = moe_nearest_word(word, names);

  if (nearest)
    return moe_cli_complain("unknown command '%s', did you mean '%s'?", word, nearest);
  return moe_cli_complain("unknown command '%s'; moesim --help lists the commands", word);
}

static int dispatch(int argc, char **argv)
{
  guint n = 0;
  const MoeCommand *commands = moe_commands(&n);

  if (argc < 2)
    return moe_cli_complain("no command given; moesim --help lists the commands");
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
    print_overview();
    return MOE_EXIT_DONE;
  }
  if (strcmp(argv[1], "--version") == 0) {
    moe_cli_print("moesim " MOESIM_VERSION "\nbuild " MOESIM_BUILD "\n");
    return MOE_EXIT_DONE;
  }
  for (guint i = 0; i < n; i++)
    if (strcmp(argv[1], commands[i].name) == 0)
      return commands[i].run(argc - 1, argv + 1);
  return unknown_command(argv[1]);
}

#define HEAP_BYTES  (128 * 1024 * 1024) /* asked of the kernel at first, and kept when it is free */
#define LARGE_BYTES (8 * 1024 * 1024)   /* what is larger comes from the kernel and goes back to it */
#define STEP_BYTES  (128 * 1024)        /* asked of it later, beside what is needed; glibc's own */

/* Simulations one after another ask for the same memory again. What is given back to the kernel in between comes back
 * page by page, cleared: up to a tenth of a sweep's time. */
static void keep_freed_memory(void)
{
#ifdef __GLIBC__
  mallopt(M_TRIM_THRESHOLD, HEAP_BYTES);
  mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
#endif
}

/* The heap begins with pages of 2 MiB where the kernel has them: clearing thousands of small ones, one by one, was a
 * third of a folded step of 64 load classes. What is not used takes no memory, and where address space is limited to
 * less all goes on as before. */
static void ask_for_large_pages(void)
{
#if defined(__GLIBC__) && defined(MADV_HUGEPAGE)
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  const uintptr_t begin = (uintptr_t)sbrk(0) / page * page;

  mallopt(M_TOP_PAD, HEAP_BYTES);
  void *volatile room = malloc(LARGE_BYTES / 2); /* the heap grows */
  const uintptr_t end = (uintptr_t)sbrk(0);

  free(room);
  mallopt(M_TOP_PAD, STEP_BYTES);
  if (end > begin)
    madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#endif
}

int main(int argc, char **argv)
{
  keep_freed_memory();
  ask_for_large_pages();
  /* A pipe that nobody reads is reported like a full disk, instead of ending the program silently. */
  signal(SIGPIPE, SIG_IGN);
  moe_cli_watch_signals();
  moe_cli_listen();
  gboolean unread = moe_cli_unread();

  return moe_cli_finish(dispatch(argc, argv), unread);
}
