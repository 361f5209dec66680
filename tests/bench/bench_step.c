/*
 * Whole steps: MAI-Base-1 v5 full and folded at 512 to 8,192 GPUs, DeepSeek-V3 at 2,048, with and without kernel jitter and fusing.
 *
 * Prints seconds (thread CPU time, best of three for short ones), operations and events per second, peak memory of the process so far, and
 * growth exponents from 512 to 8,192 GPUs. Stores nothing.
 */
#include <moesim/study.h>

#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

typedef struct {
  double build_s, sim_s;
  uint64_t events, operations;
  MoeTime step;
} Figures;

static double cpu_seconds(void)
{
  struct timespec now;

  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double peak_mib(void)
{
  struct rusage usage;

  getrusage(RUSAGE_SELF, &usage);
  return (double)usage.ru_maxrss / 1024;
}

static void fail(const GError *error)
{
  fprintf(stderr, "%s\n", error ? error->message : "failed");
  exit(1);
}

static Figures measure(const char *path, int64_t gpus, const MoeSimOptions *options)
{
  GError *error = NULL;
  g_autofree char *file = g_build_filename(g_getenv("MOESIM_DATA") ? g_getenv("MOESIM_DATA") : ".", path, NULL);
  MoeRunOptions run_options = {.gpus = gpus, .data_dir = g_getenv("MOESIM_DATA")};
  g_autoptr(MoeRun) run = moe_run_load(file, &run_options, &error);
  if (!run)
    fail(error);
  g_autoptr(MoeTopo) topo = moe_topo_new(&run->cluster, run->parallelism.gpus, 0, NULL, &error);
  g_autoptr(MoeCostModel) cost = moe_cost_model_new(&run->cluster.accelerator, &run->stack, &error);
  double start = cpu_seconds();
  g_autoptr(MoeProgram) program = moe_program_build(run, 0, &error);
  double built = cpu_seconds();
  g_autoptr(MoeSimResult) result = program ? moe_sim_run(program, run, topo, cost, options, &error) : NULL;
  if (!result)
    fail(error);
  return (Figures){built - start, cpu_seconds() - built, result->events, result->operations, result->step};
}

static void report(const char *what, int64_t gpus, const Figures *f)
{
  printf("%-34s %6" G_GINT64_FORMAT " GPUs  step %9.4f s  build %7.2f ms  sim %8.3f s  %7.2f M ops/s  %6.2f M events/s  %7.0f MiB\n",
         what, gpus, moe_time_to_seconds(f->step), f->build_s * 1e3, f->sim_s, (double)f->operations / f->sim_s * 1e-6,
         (double)f->events / f->sim_s * 1e-6, peak_mib());
  fflush(stdout);
}

static void growth(const char *path, const char *what, const MoeSimOptions *options)
{
  double first = 0, last = 0;

  for (int64_t gpus = 512; gpus <= 8192; gpus *= 2) {
    Figures f = measure(path, gpus, options);

    report(what, gpus, &f);
    first = gpus == 512 ? f.sim_s : first;
    last = f.sim_s;
  }
  printf("%-34s time exponent from 512 to 8192 GPUs: %.3f\n", what, log(last / first) / log(16));
}

int main(void)
{
  const MoeSimOptions folded = {.kernel_jitter = 0, .fidelity = MOE_FIDELITY_FOLDED};
  const MoeSimOptions full = {.kernel_jitter = 0, .fidelity = MOE_FIDELITY_FULL};
  const MoeSimOptions jitter = {.kernel_jitter = 0.01, .fidelity = MOE_FIDELITY_FULL};
  const MoeSimOptions unfused = {.kernel_jitter = 0.01, .fidelity = MOE_FIDELITY_FULL, .no_fusing = TRUE};
  Figures f;

  growth("models/mai-base-1/v5.yaml", "MAI-Base-1 v5 folded", &folded);
  growth("models/mai-base-1/v5.yaml", "MAI-Base-1 v5 full", &full);
  growth("models/mai-base-1/v5.yaml", "MAI-Base-1 v5 full, jitter 1 %", &jitter);
  f = measure("models/mai-base-1/v5.yaml", 8192, &unfused);
  report("MAI-Base-1 v5 full, jitter, unfused", 8192, &f);
  f = measure("models/deepseek-v3.yaml", 0, &folded);
  report("DeepSeek-V3 folded", 2048, &f);
  f = measure("models/deepseek-v3.yaml", 0, &full);
  report("DeepSeek-V3 full", 2048, &f);
  f = measure("models/deepseek-v3.yaml", 0, &jitter);
  report("DeepSeek-V3 full, jitter 1 %", 2048, &f);
  return 0;
}
