/*
 * Whole steps: MAI-Base-1 v5 full and folded at 512 to 8,192 GPUs, DeepSeek-V3 at 2,048, with and without kernel jitter
 * and fusing, and a sweep of 1,000 layouts of v5 on two threads.
 *
 * Each step runs in a process of its own, so that its peak memory is its own. Prints thread CPU seconds (loading,
 * building the program, simulating), operations and events per second, peak memory, and growth exponents from 512 to
 * 8,192 GPUs. Stores nothing.
 */
#include "study/study.h"

#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct {
  double load_s, build_s, sim_s, memory_mib;
  uint64_t events, operations;
  MoeTime step;
} Figures;

typedef struct {
  const char *what, *path, *set; /* set: "key=value" or NULL */
  int64_t gpus;                  /* 0: the file's */
  MoeSimOptions options;
} Case;

static const char v5[] = "models/mai-base-1/v5.yaml", deepseek[] = "models/deepseek-v3.yaml";
static const char even[] = "training.routing.balance=even";

static double cpu_seconds(void)
{
  struct timespec now;

  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static const char *data_dir(void)
{
  const char *dir = g_getenv("MOESIM_DATA");

  return dir ? dir : ".";
}

static MoeRun *load(const char *path, int64_t gpus, const char *const *sets, GError **error)
{
  g_autofree char *file = g_build_filename(data_dir(), path, NULL);
  MoeRunOptions options = {.gpus = gpus, .data_dir = data_dir(), .sets = sets};

  return moe_run_load(file, &options, error);
}

/* ---- one step ---------------------------------------------------------------------------------------------------- */

static gboolean measure(const Case *c, Figures *f, GError **error)
{
  double start = cpu_seconds();
  g_autoptr(MoeRun) run = load(c->path, c->gpus, (const char *const[]){c->set, NULL}, error);
  if (!run)
    return FALSE;
  g_autoptr(MoeTopo) topo = moe_topo_new(&run->cluster, run->parallelism.gpus, 0, NULL, error);
  g_autoptr(MoeCostModel) cost = topo ? moe_cost_model_new(&run->cluster.accelerator, &run->stack, error) : NULL;
  double loaded = cpu_seconds();
  g_autoptr(MoeProgram) program = cost ? moe_program_build(run, 0, error) : NULL;
  double built = cpu_seconds();
  g_autoptr(MoeSimResult) result = program ? moe_sim_run(program, run, topo, cost, &c->options, error) : NULL;
  if (!result)
    return FALSE;
  *f = (Figures){.load_s = loaded - start,
                 .build_s = built - loaded,
                 .sim_s = cpu_seconds() - built,
                 .events = result->events,
                 .operations = result->operations,
                 .step = result->step};
  return TRUE;
}

static void print(const Case *c, const Figures *f)
{
  printf("%-40s %6" G_GINT64_FORMAT
         " GPUs  step %9.6f s  load %6.2f  build %6.2f  sim %8.2f ms  %6.2f M operations/s  %5.2f M events/s"
         "  %5.0f MiB\n",
         c->what, c->gpus, moe_time_to_seconds(f->step), f->load_s * 1e3, f->build_s * 1e3, f->sim_s * 1e3,
         (double)f->operations / f->sim_s * 1e-6, (double)f->events / f->sim_s * 1e-6, f->memory_mib);
  fflush(stdout);
}

static int measure_and_send(const Case *c, int out)
{
  g_autoptr(GError) error = NULL;
  Figures f;

  if (!measure(c, &f, &error)) {
    fprintf(stderr, "%s: %s\n", c->what, error->message);
    return 1;
  }
  return write(out, &f, sizeof f) == sizeof f ? 0 : 1;
}

/* Runs a case in a child process; exits when it fails. */
static Figures figures_of(const Case *c)
{
  struct rusage usage = {0};
  Figures f = {0};
  int ends[2], status = 0;

  if (pipe(ends) != 0)
    exit(1);
  pid_t child = fork();
  if (child == 0)
    _exit(measure_and_send(c, ends[1]));
  gboolean got = child > 0 && read(ends[0], &f, sizeof f) == sizeof f;
  wait4(child, &status, 0, &usage);
  close(ends[0]);
  close(ends[1]);
  if (!got || status != 0)
    exit(1);
  f.memory_mib = (double)usage.ru_maxrss / 1024;
  print(c, &f);
  return f;
}

static void growth(Case c)
{
  Figures first = {0}, last = {0};

  for (c.gpus = 512; c.gpus <= 8192; c.gpus *= 2) {
    last = figures_of(&c);
    first = c.gpus == 512 ? last : first;
  }
  printf("%-40s growth exponents from 512 to 8,192 GPUs: time %.3f, memory %.3f\n", c.what,
         log((last.build_s + last.sim_s) / (first.build_s + first.sim_s)) / log(16),
         log(last.memory_mib / first.memory_mib) / log(16));
}

static void steps(void)
{
  const MoeSimOptions folded = {.kernel_jitter = 0, .fidelity = MOE_FIDELITY_FOLDED};
  const MoeSimOptions full = {.kernel_jitter = 0, .fidelity = MOE_FIDELITY_FULL};
  const MoeSimOptions jitter = {.kernel_jitter = 0.02, .fidelity = MOE_FIDELITY_FULL};
  const MoeSimOptions unfused = {.kernel_jitter = 0.02, .fidelity = MOE_FIDELITY_FULL, .no_fusing = TRUE};

  growth((Case){.what = "MAI-Base-1 v5 folded, even experts", .path = v5, .set = even, .options = folded});
  growth((Case){.what = "MAI-Base-1 v5 folded", .path = v5, .options = folded});
  growth((Case){.what = "MAI-Base-1 v5 full", .path = v5, .options = full});
  growth((Case){.what = "MAI-Base-1 v5 full, jitter 2 %", .path = v5, .options = jitter});
  figures_of(&(Case){.what = "MAI-Base-1 v5 full, jitter 2 %, unfused", .path = v5, .gpus = 8192, .options = unfused});
  figures_of(&(Case){.what = "DeepSeek-V3 folded", .path = deepseek, .gpus = 2048, .options = folded});
  figures_of(&(Case){.what = "DeepSeek-V3 full", .path = deepseek, .gpus = 2048, .options = full});
  figures_of(&(Case){.what = "DeepSeek-V3 full, jitter 2 %", .path = deepseek, .gpus = 2048, .options = jitter});
}

/* ---- a sweep ----------------------------------------------------------------------------------------------------- */

#define LAYOUTS 1000

typedef struct {
  const char *key;
  const char *values[6];
} Axis;

/* More combinations than LAYOUTS; those that cannot exist are left out. */
static const Axis axes[] = {
    {"parallelism.tensor", {"1", "2", "4", "8"}},
    {"parallelism.context", {"1", "2", "4"}},
    {"parallelism.expert", {"8", "16", "32", "64", "128"}},
    {"parallelism.zero", {"1", "2", "3"}},
    {"parallelism.pipeline", {"1", "2"}},
    {"recompute.mode", {"full", "none"}},
    {"offload.activations", {"0", "0.5", "1"}},
    {"parallelism.overlap.expert", {"true", "false"}},
};

/* The index-th combination, the last axis varying slowest; NULL when there are no more. */
static GStrv combination(guint index)
{
  g_autoptr(GStrvBuilder) sets = g_strv_builder_new();

  g_strv_builder_add(sets, even);
  for (guint a = 0; a < G_N_ELEMENTS(axes); a++) {
    guint n = g_strv_length((GStrv)axes[a].values);
    g_autofree char *set = g_strdup_printf("%s=%s", axes[a].key, axes[a].values[index % n]);
    const char *schedule = index % n == 0 ? "parallelism.schedule=none" : "parallelism.schedule=1f1b";

    g_strv_builder_add(sets, set);
    if (g_str_equal(axes[a].key, "parallelism.pipeline"))
      g_strv_builder_add(sets, schedule);
    index /= n;
  }
  return index == 0 ? g_strv_builder_end(sets) : NULL;
}

/* The first LAYOUTS combinations that a run exists for. */
static GPtrArray *find_layouts(void)
{
  GPtrArray *layouts = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);

  for (guint index = 0; layouts->len < LAYOUTS; index++) {
    GStrv sets = combination(index);
    if (!sets)
      break;
    g_autoptr(MoeRun) run = load(v5, 8192, (const char *const *)sets, NULL);
    g_autoptr(MoeProgram) program = run ? moe_program_build(run, 0, NULL) : NULL;

    if (program)
      g_ptr_array_add(layouts, sets);
    else
      g_strfreev(sets);
  }
  return layouts;
}

static MoeOutcome predict(guint index, gpointer user_data)
{
  const MoeSimOptions options = {.kernel_jitter = 0, .fidelity = MOE_FIDELITY_FOLDED};
  GPtrArray *layouts = user_data;
  MoeOutcome outcome = {0};
  g_autoptr(MoeRun) run = load(v5, 8192, g_ptr_array_index(layouts, index), &outcome.error);

  if (run)
    outcome.result = moe_study_predict(run, &options, &outcome.error);
  return outcome;
}

static double process_cpu_seconds(void)
{
  struct timespec now;

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Each run loads its file, as in a sweep over files; on a shared machine the runs per CPU second say more than those
 * per second. */
static void sweep(void)
{
  g_autoptr(GPtrArray) layouts = find_layouts();
  gint64 start_us = g_get_monotonic_time();
  double start_cpu = process_cpu_seconds();
  MoeOutcome *outcomes = moe_study_map(layouts->len, 2, predict, layouts, NULL, NULL);
  double seconds = (double)(g_get_monotonic_time() - start_us) * 1e-6, cpu = process_cpu_seconds() - start_cpu;
  guint failed = 0;

  for (guint i = 0; i < layouts->len; i++)
    failed += outcomes[i].result == NULL;
  printf("sweep of %u layouts of v5 on 8,192 GPUs, 2 threads: %.2f s, %.0f runs/s; %.2f CPU s, %.0f runs per CPU "
         "second; %u failed\n",
         layouts->len, seconds, layouts->len / seconds, cpu, layouts->len / cpu, failed);
  moe_outcomes_free(outcomes, layouts->len);
}

/* With an argument, "steps" or "sweep", only that. */
int main(int argc, char **argv)
{
  if (argc < 2 || g_str_equal(argv[1], "sweep"))
    sweep();
  if (argc < 2 || g_str_equal(argv[1], "steps"))
    steps();
  return 0;
}
