/* Programs of many layouts: invariants, model FLOPs, no deadlock, time to build. */
#include "replay.h"
#include "runs.h"

#include <math.h>

static MoeKernel kernel_of(const MoeProgram *p, guint load, guint index)
{
  MoeKernel kernel;

  moe_program_kernel(p, load, index, &kernel);
  return kernel;
}

static double mean_flop(const MoeProgram *p, guint kernel)
{
  double flop = 0;

  for (guint l = 0; l < p->n_load_classes; l++)
    flop += kernel_of(p, l, kernel).model_flop / p->n_load_classes;
  return flop;
}

/* Model FLOPs of all kernels of a step over all GPUs. */
static double program_flop(const MoeProgram *p, double gpus)
{
  double flop = 0;

  for (guint r = 0; r < p->n_roles; r++)
    for (guint c = 0; c < p->roles[r].n_calls; c++) {
      const MoeBlock *block = &p->blocks[p->roles[r].calls[c].block];

      for (guint i = 0; i < block->n_ops; i++)
        if (block->ops[i].kind == MOE_OP_KERNEL)
          flop += mean_flop(p, block->ops[i].work);
    }
  return flop * gpus / p->n_roles;
}

/* The same by how often each kernel runs. */
static double counted_flop(const MoeProgram *p, double gpus)
{
  g_autofree double *times = moe_program_times(p, MOE_OP_KERNEL, p->n_kernels);
  double flop = 0;

  for (guint k = 0; k < p->n_kernels; k++)
    flop += times[k] * mean_flop(p, k);
  return flop * gpus / p->n_roles;
}

static void check_run(const MoeRun *run, const char *what)
{
  const ReplayTimes times = {.f = 1, .d = 1, .w = 1};
  g_autoptr(MoeProgram) program = build_checked(run);
  Replay result;
  double gpus = (double)run->parallelism.gpus, flop = program_flop(program, gpus);

  ck_assert_msg(replay(program, &times, &result), "%s: deadlock", what);
  ck_assert_msg(fabs(flop / program->model_flop_per_step - 1) < 1e-9, "%s: kernels have %.9g of the model's FLOPs",
                what, flop / program->model_flop_per_step);
  ck_assert_msg(fabs(counted_flop(program, gpus) / flop - 1) < 1e-9, "%s: kernels are counted otherwise than they run",
                what);
}

static void check_sets(const char *base, const char *sets)
{
  g_autoptr(MoeRun) run = run_with(base, sets);

  check_run(run, sets);
}

START_TEST(test_models)
{
  const char *const files[] = {"mai-base-1/v2", "mai-base-1/v3",   "mai-base-1/v4", "mai-base-1/v5", "deepseek-v3",
                               "kimi-k2",       "llama3-405b",     "llama3-70b",    "gpt3-175b",     "mixtral-8x22b",
                               "mixtral-8x7b",  "qwen3-235b-a22b", "qwen3-30b-a3b", "gpt4-rumour",   "sonicmoe-7b"};

  for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
    g_autofree char *path = g_strdup_printf("models/%s.yaml", files[i]);
    g_autoptr(MoeRun) run = load_run(path, NULL);

    check_run(run, files[i]);
  }
}
END_TEST

/* Independent choices of layout `index`. */
static guint pick(uint64_t index, guint choice, guint n)
{
  return (guint)(moe_random_u64(1, moe_random_stream("layouts"), index, choice) % n);
}

static const char *flag(uint64_t index, guint choice)
{
  return pick(index, choice, 2) ? "true" : "false";
}

/* Degrees, schedule and micro-batches of layout `index`; expert parallelism folds over the other ranks. */
static char *random_degrees(uint64_t index)
{
  static const char *const schedules[] = {"gpipe", "1f1b",   "interleaved", "zb-h1",    "zb-h2",
                                          "zb-v",  "v-half", "v-min",       "dualpipe", "dualpipe-v"};
  guint tp = 1u << pick(index, 0, 3), cp = 1u << pick(index, 1, 2), pp = 1u << pick(index, 2, 3),
        ep = 1u << pick(index, 3, 4);
  guint dp = MAX(MAX(4 / pp, ep * 2 / (tp * cp)), 1), schedule = pick(index, 4, G_N_ELEMENTS(schedules));

  return g_strdup_printf("parallelism.gpus=%u;parallelism.tensor=%u;parallelism.context=%u;parallelism.pipeline=%u;"
                         "parallelism.expert=%u;parallelism.schedule=%s;parallelism.virtual_stages=%d;"
                         "training.global_batch=%u",
                         tp * cp * pp * dp, tp, cp, pp, ep, pp == 1 ? "none" : schedules[schedule],
                         pp > 1 && schedule == 2 ? 2 : 1, dp * pp * 4);
}

static char *random_sharing(uint64_t i)
{
  return g_strdup_printf("parallelism.zero=%u;parallelism.sequence_parallel=%s;parallelism.context_kind=%s;"
                         "parallelism.overlap={gradient_reduce: %s, parameter_gather: %s, tensor: %s, expert: %s, "
                         "pipeline: %s};stack.overlap=[gradient_reduce, parameter_gather, tensor, expert, pipeline%s]",
                         pick(i, 5, 4), flag(i, 6), pick(i, 7, 2) ? "ulysses" : "ring", flag(i, 8), flag(i, 9),
                         flag(i, 10), flag(i, 11), flag(i, 12), pick(i, 13, 2) ? ", expert_across_batches" : "");
}

static char *random_recipe(uint64_t i)
{
  static const char *const recompute[] = {"{mode: none}", "{mode: full}", "{mode: full, layers: 1}",
                                          "{mode: selective, modules: [norm, moe_activation, ffn_activation]}"};
  static const char *const counts[] = {"none", "blocking", "dedicated-stream", "device"};
  static const char *const balance[] = {"even", "{zipf: 0.5}", "{dirichlet: 5}",
                                        "{concentration: {fullest: 1.5, experts: 16}}"};

  return g_strdup_printf(
      "recompute=%s;offload.activations=%g;offload.modules=%s;stack.moe.expert_groups=%u;stack.moe.counts=%s;"
      "stack.moe.memory_rounds=%u;training.routing.balance=%s;architecture.moe.latent=%u;"
      "architecture.moe.shared_experts=%u;"
      "architecture.moe.shared_width=512;architecture.mtp_layers=%u;training.precision.gemm=%s;"
      "training.optimizer=%s",
      recompute[pick(i, 14, 4)], pick(i, 15, 2) ? 0.5 : 0.0,
      pick(i, 25, 2) ? "[attention_norm, core_attention, experts, moe_activation]" : "[]", 1 + pick(i, 16, 4),
      counts[pick(i, 17, 4)], 1 + pick(i, 24, 3), balance[pick(i, 18, 4)], pick(i, 19, 2) ? 512 : 0, pick(i, 20, 2),
      pick(i, 21, 2), pick(i, 22, 2) ? "fp8" : "bf16", pick(i, 23, 2) ? "adamw" : "muon");
}

/* A run over SPARSE, or NULL and the reason. */
static MoeRun *random_run(uint64_t index, char **text, GError **error)
{
  g_autofree char *degrees = random_degrees(index), *sharing = random_sharing(index), *recipe = random_recipe(index);
  g_autofree char *data = moetest_path("");

  *text = g_strjoin(";", degrees, sharing, recipe, NULL);
  g_auto(GStrv) sets = g_strsplit(*text, ";", -1);
  MoeRunOptions options = {.data_dir = data, .sets = (const char *const *)sets};
  MoeDoc *doc = moe_doc_parse(SPARSE, -1, "test", NULL, error);

  return doc ? moe_run_from_doc(doc, "test", &options, error) : NULL;
}

/* Layouts that combine everything with everything. What does not exist is refused as a layout, by name. */
START_TEST(test_random_layouts)
{
  guint built = 0;

  for (uint64_t i = 0; i < 300; i++) {
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeRun) run = random_run(i, &text, &error);

    if (!run) {
      ck_assert_msg(g_error_matches(error, MOE_ERROR, MOE_ERROR_LAYOUT), "%s\n%s", text, error->message);
      continue;
    }
    check_run(run, text);
    built++;
  }
  ck_assert_uint_gt(built, 150);
}
END_TEST

START_TEST(test_variations)
{
  check_sets(DENSE, "training.lora={rank: 16}");
  check_sets(DENSE, "parallelism.zero=3;training.lora={rank: 16}");
  check_sets(DENSE, "parallelism.zero=3;parallelism.shard_group=4");
  check_sets(DENSE, "parallelism.zero=0;parallelism.overlap={gradient_reduce: true}");
  check_sets(
      DENSE,
      "stack.family.attention=unfused;architecture.dropout=0.1;recompute={mode: selective, modules: [core_attention]}");
  check_sets(DENSE,
             "parallelism.gpus=8;parallelism.pipeline=4;parallelism.schedule=1f1b;parallelism.first_stage_layers=3;"
             "parallelism.last_stage_layers=3");
  check_sets(DENSE, "parallelism.context=4;parallelism.context_kind=ring;architecture.attention.window=256;"
                    "architecture.attention.global_every=4");
  check_sets(SPARSE, "recompute={mode: selective, modules: [moe, norm]}");
  check_sets(SPARSE, "recompute={mode: selective, modules: [expert_ffn, shared_experts, ffn]}");
  check_sets(SPARSE, "training.routing.capacity_factor=1.5;stack.moe.tile_rows=128");
  check_sets(
      SPARSE,
      "parallelism.tensor=2;parallelism.expert_tensor=2;parallelism.expert=4;parallelism.sequence_parallel=true");
}
END_TEST

/* The same run and seed give the same program; another seed another load. */
START_TEST(test_seed)
{
  g_autoptr(MoeRun) run = run_with(SPARSE, "training.routing.balance={dirichlet: 5}");
  g_autoptr(MoeProgram) a = moe_program_build(run, 1, NULL);
  g_autoptr(MoeProgram) b = moe_program_build(run, 1, NULL);
  g_autoptr(MoeProgram) c = moe_program_build(run, 2, NULL);
  double differs = 0;

  ck_assert_uint_eq(a->n_load_classes, 8);
  ck_assert_uint_eq(a->n_kernels, b->n_kernels);
  ck_assert_uint_eq(a->n_kernels, c->n_kernels);
  for (guint i = 0; i < a->n_kernels * a->n_load_classes; i++) {
    guint load = i / a->n_kernels, kernel = i % a->n_kernels;

    ck_assert_int_eq(kernel_of(a, load, kernel).rows, kernel_of(b, load, kernel).rows);
    differs += kernel_of(a, load, kernel).rows != kernel_of(c, load, kernel).rows;
  }
  ck_assert_double_gt(differs, 0);
}
END_TEST

MOE_TEST_MAIN("program/build", test_models, test_random_layouts, test_variations, test_seed)
