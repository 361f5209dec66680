/* Random small runs: a mixture of experts lowered from a model file in layouts drawn from a seed. */
#ifndef MOESIM_TESTS_SIM_DRAWN_H
#define MOESIM_TESTS_SIM_DRAWN_H

#include "moetest.h"

#include "study/study.h"

/* A small mixture of experts with everything that the large ones have: local and global attention, dense and MoE
 * layers. */
static const char *const small_model[] = {
    "architecture.layers=8",       "architecture.hidden=1024",    "architecture.attention.query_heads=16",
    "architecture.ffn.width=2048", "architecture.moe.experts=16", "architecture.moe.top_k=2",
    "architecture.moe.width=512",  "architecture.moe.latent=512", "training.sequence_length=2048",
    "offload.activations=0"};

typedef struct {
  uint64_t seed, index;
} Source;

static inline const char *pick(Source *source, guint n, const char *const *of)
{
  return of[moe_random_u64(source->seed, moe_random_stream("real-runs"), 0, source->index++) % n];
}

#define PICK(source, ...)                                                                                              \
  pick(source, G_N_ELEMENTS(((const char *const[]){__VA_ARGS__})), (const char *const[]){__VA_ARGS__})

/* A random layout on 16 to 64 GPUs; not every one exists. */
static inline GPtrArray *draw_layout(uint64_t seed)
{
  Source source = {seed, 0};
  GPtrArray *sets = g_ptr_array_new_with_free_func(g_free);
  const char *stages = PICK(&source, "1", "2", "4");
  gboolean one = g_str_equal(stages, "1");
  const char *schedule = one ? "none" : PICK(&source, "1f1b", "gpipe", "interleaved", "zb-h1", "dualpipe");
  const char *chunks = g_str_equal(schedule, "interleaved") ? "2" : "1";

  for (guint i = 0; i < G_N_ELEMENTS(small_model); i++)
    g_ptr_array_add(sets, g_strdup(small_model[i]));
  g_ptr_array_add(sets, g_strdup_printf("parallelism.gpus=%s", PICK(&source, "16", "32", "64")));
  g_ptr_array_add(sets, g_strdup_printf("parallelism.pipeline=%s", stages));
  g_ptr_array_add(sets, g_strdup_printf("parallelism.schedule=%s", schedule));
  g_ptr_array_add(sets, g_strdup_printf("parallelism.virtual_stages=%s", chunks));
  g_ptr_array_add(sets, g_strdup_printf("parallelism.tensor=%s", PICK(&source, "1", "2", "4")));
  g_ptr_array_add(sets, g_strdup_printf("parallelism.expert=%s", PICK(&source, "1", "2", "4", "8")));
  g_ptr_array_add(sets, g_strdup_printf("parallelism.zero=%s", PICK(&source, "0", "1", "2", "3")));
  g_ptr_array_add(sets, g_strdup_printf("training.global_batch=%s", PICK(&source, "64", "128")));
  g_ptr_array_add(
      sets, g_strdup_printf("training.routing.balance=%s",
                            PICK(&source, "even", "{dirichlet: 20}", "{concentration: {fullest: 1.6, experts: 64}}")));
  g_ptr_array_add(sets, g_strdup_printf("recompute.mode=%s", PICK(&source, "none", "full")));
  g_ptr_array_add(sets, g_strdup_printf("parallelism.overlap.expert=%s", PICK(&source, "true", "false")));
  g_ptr_array_add(sets, NULL);
  return sets;
}

/* The run of a drawn layout, NULL when there is no such layout. */
static inline MoeRun *draw_run(uint64_t seed)
{
  static const char *const places[][2] = {{"gb200-nvl72", "yolo:v5"}, {"h800-hgx", "hai-llm:2024"}};
  const char *data = g_getenv("MOESIM_DATA");
  g_autofree char *path = g_build_filename(data, "models", "mai-base-1", "v5.yaml", NULL);
  g_autoptr(GPtrArray) sets = draw_layout(seed);
  g_autoptr(GError) error = NULL;
  MoeRunOptions options = {.cluster = places[seed % 2][0],
                           .stack = places[seed % 2][1],
                           .data_dir = data,
                           .sets = (const char *const *)sets->pdata};
  MoeRun *run = moe_run_load(path, &options, &error);

  ck_assert_msg(run || error->code == MOE_ERROR_LAYOUT, "%s", run ? "" : error->message);
  return run;
}

#endif
