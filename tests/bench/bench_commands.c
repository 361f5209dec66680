/*
 * Whole commands as a user starts them: CPU seconds (all threads) and peak memory of each, medians of alternating
 * repeats, beside what the same machine's calendar does in the same call. Stores nothing.
 *
 *   bench_commands [--program PROGRAM] [--against OTHER] [--repeats N] [CASE...]
 *
 * With --against every repeat runs both programs, one after the other, so that whatever else the machine does meets
 * both; the ratio is PROGRAM / OTHER, above 1 PROGRAM is slower. Both read the same MOESIM_DATA. Cases that take
 * minutes run only when they are named.
 */
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_REPEATS 3
#define MAX_REPEATS     99

typedef struct {
  const char *name, *arguments; /* separated by spaces, relative to MOESIM_DATA */
  double limit_s;               /* CPU seconds that are asked for on a machine of 62 M events/s; 0 = none */
  gboolean slow;                /* only when it is named */
} Case;

#define GB200                                                                                                          \
  "run models/deepseek-v3.yaml --cluster gb200-nvl72 --gpus 8192 --set parallelism.pipeline=4 --set "                  \
  "parallelism.tensor=2 --set parallelism.expert=32 --set training.global_batch=16384 --fidelity full --format csv"
#define GPT3                                                                                                           \
  "search models/gpt3-175b.yaml --space calculon --cluster h100-hgx --set parallelism.gpus=4096 --set "                \
  "training.global_batch=1536 --format csv"
#define POINTS                                                                                                         \
  "sweep models/mai-base-1/v4.yaml --vary parallelism.expert=16,32,64 --vary parallelism.tensor=1,2,4 --vary "         \
  "parallelism.zero=1,2,3 --vary training.micro_batch=1,2 --vary recompute.mode=none,full --vary gpus=4096,8192 "      \
  "--format csv"

static const Case cases[] = {
    {"folded-v5", "run models/mai-base-1/v5.yaml --format csv", 0.025, FALSE},
    {"folded-deepseek", "run models/deepseek-v3.yaml --format csv", 0.015, FALSE},
    {"folded-million", "run models/mai-base-1/v5.yaml --gpus 1048576 --format csv", 1, FALSE},
    {"full-v5", "run models/mai-base-1/v5.yaml --fidelity full --format csv", 0, FALSE},
    {"full-v5-jitter",
     "run models/mai-base-1/v5.yaml --fidelity full --set stack.noise.kernel_jitter=0.02 --format csv", 2.8, FALSE},
    {"full-gb200", GB200, 4.5, FALSE},
    {"full-131072", "run models/mai-base-1/v5.yaml --gpus 131072 --fidelity full --format csv", 80, TRUE},
    {"sensitivity-v5", "sensitivity models/mai-base-1/v5.yaml --format csv", 0, FALSE},
    {"sweep-v4", POINTS, 0, FALSE},
    {"search-deepseek", "search models/deepseek-v3.yaml --format csv", 6, FALSE},
    {"search-v5", "search models/mai-base-1/v5.yaml --format csv", 30, FALSE},
    {"search-gpt3", GPT3, 40, FALSE},
};

typedef struct {
  double cpu_s, memory_mib;
} Usage;

typedef struct {
  const char *program, *other, *data;
  int repeats;
} Bench;

/* ---- one command ------------------------------------------------------------------------------------------------- */

static void become(const char *program, const char *data, const Case *c)
{
  g_autofree char *line = g_strdup_printf("moesim %s", c->arguments);
  g_auto(GStrv) words = g_strsplit(line, " ", -1);

  if (chdir(data) != 0 || !freopen("/dev/null", "w", stdout))
    _exit(127);
  execv(program, words);
  _exit(127);
}

/* What a command takes; exits when it fails. Status 1 is an answer: some points of a sweep cannot be. */
#define MAX_STATUS 1

static Usage measure(const char *program, const char *data, const Case *c)
{
  struct rusage usage;
  int status = 0;

  fflush(stdout);
  pid_t child = fork();
  if (child == 0)
    become(program, data, c);
  if (child < 0 || wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) ||
      WEXITSTATUS(status) > MAX_STATUS) {
    fprintf(stderr, "%s %s: failed\n", program, c->arguments);
    exit(1);
  }
  return (Usage){(double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec),
                 (double)usage.ru_maxrss / 1024};
}

/* ---- the machine ------------------------------------------------------------------------------------------------- */

#define PENDING 100000
#define POPS    4000000
#define SPREAD  1000000 /* picoseconds */

/* Pop and push at random, total order: what docs/performance.md states limits for. M events per CPU second. */
static double calendar_rate(void)
{
  g_autoptr(MoeEngine) engine = moe_engine_new(MOE_CALENDAR_WHEEL);
  uint32_t klass = moe_engine_add_class(engine, FALSE, 0);
  struct timespec before, after;
  MoeEvent event = {0};

  for (uint32_t id = 0; id < PENDING; id++)
    moe_engine_post(engine, klass, id, (MoeTime)(moe_random_mix(id) % SPREAD));
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
  for (guint i = 0; i < POPS && moe_engine_pop(engine, &event); i++)
    moe_engine_post(engine, klass, event.id, event.time + (MoeTime)(moe_random_mix(i) % SPREAD));
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
  return POPS * 1e-6 / ((double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec));
}

/* ---- medians ----------------------------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return x < y ? -1 : x > y;
}

static double median(double *values, int n)
{
  qsort(values, (size_t)n, sizeof *values, compare_doubles);
  return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

static void run_case(const Bench *bench, const Case *c)
{
  double own[MAX_REPEATS], other[MAX_REPEATS], ratio[MAX_REPEATS], memory = 0;

  for (int i = 0; i < bench->repeats; i++) {
    Usage usage = measure(bench->program, bench->data, c);

    own[i] = usage.cpu_s;
    memory = MAX(memory, usage.memory_mib);
    other[i] = bench->other ? measure(bench->other, bench->data, c).cpu_s : 0;
    ratio[i] = other[i] > 0 ? own[i] / other[i] : 0;
  }
  printf("%-16s %9.3f s CPU  %5.0f MiB", c->name, median(own, bench->repeats), memory);
  if (bench->other)
    printf("  other %9.3f s  ratio %5.2f", median(other, bench->repeats), median(ratio, bench->repeats));
  if (c->limit_s > 0)
    printf("  asked %g s", c->limit_s);
  printf("\n");
  fflush(stdout);
}

/* ---- arguments --------------------------------------------------------------------------------------------------- */

static gboolean is_wanted(const Case *c, char **names)
{
  return names && *names ? g_strv_contains((const char *const *)names, c->name) : !c->slow;
}

int main(int argc, char **argv)
{
  const char *build = g_getenv("MOESIM_BUILD"), *data = g_getenv("MOESIM_DATA");
  g_autofree char *built = g_build_filename(build ? build : "build", "src", "cli", "moesim", NULL);
  g_autofree char *program = NULL, *other = NULL;
  Bench bench = {.data = data ? data : ".", .repeats = DEFAULT_REPEATS};
  const GOptionEntry entries[] = {
      {"program", 0, 0, G_OPTION_ARG_FILENAME, &program, "the program (default: that of MOESIM_BUILD)", "PROGRAM"},
      {"against", 0, 0, G_OPTION_ARG_FILENAME, &other, "another build of it", "OTHER"},
      {"repeats", 0, 0, G_OPTION_ARG_INT, &bench.repeats, "of each case", "N"},
      {NULL}};
  g_autoptr(GOptionContext) context = g_option_context_new("[CASE...]");
  g_autoptr(GError) error = NULL;

  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error) || bench.repeats < 1 || bench.repeats > MAX_REPEATS) {
    fprintf(stderr, "%s\n", error ? error->message : "--repeats: expected 1 to 99");
    return 2;
  }
  bench.program = program ? program : built;
  bench.other = other;
  printf("calendar         %9.1f M events/s\n", calendar_rate());
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
    if (is_wanted(&cases[i], argv + 1))
      run_case(&bench, &cases[i]);
  printf("calendar         %9.1f M events/s\n", calendar_rate());
  return 0;
}
