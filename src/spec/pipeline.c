/* Which pipeline schedules fit which layouts, and how layers divide over stages. */
#include "internal.h"

#define INT G_GINT64_FORMAT

/* What a schedule asks for. */
typedef struct {
  int64_t min_stages;
  int64_t chunks;            /* per stage when the schedule fixes them; 0 = virtual_stages */
  gboolean even_stages;      /* two directions meet in the middle */
  gboolean even_batches;     /* half of the micro-batches come from each end */
  gboolean rounds;           /* micro-batches go in rounds of one per stage */
  int64_t batches_per_stage; /* at least so many micro-batches for every stage */
} Demand;

/* Interleaved: Narayanan et al. 2021, section 2.2. ZB-V: Qi et al. 2024 (arXiv:2405.15362). DualPipe and DualPipe-V:
 * the asserts of their published code (deepseek-ai/DualPipe: num_chunks even and at least twice the ranks). */
static const Demand demands[MOE_N_SCHEDULES] = {
    [MOE_SCHEDULE_NONE] = {.min_stages = 1, .chunks = 1},
    [MOE_SCHEDULE_GPIPE] = {.min_stages = 1, .chunks = 1},
    [MOE_SCHEDULE_1F1B] = {.min_stages = 1, .chunks = 1},
    [MOE_SCHEDULE_INTERLEAVED] = {.min_stages = 2, .rounds = TRUE},
    [MOE_SCHEDULE_ZB_H1] = {.min_stages = 2, .chunks = 1},
    [MOE_SCHEDULE_ZB_H2] = {.min_stages = 2, .chunks = 1},
    [MOE_SCHEDULE_ZB_V] = {.min_stages = 2, .chunks = 2},
    [MOE_SCHEDULE_DUALPIPE] =
        {.min_stages = 2, .chunks = 1, .even_stages = TRUE, .even_batches = TRUE, .batches_per_stage = 2},
    [MOE_SCHEDULE_DUALPIPE_V] = {.min_stages = 2, .chunks = 2, .batches_per_stage = 2},
};

static gboolean check_stages(const MoeRun *run, const Demand *demand, const char *word, GError **error)
{
  int64_t stages = run->parallelism.pipeline;

  if (run->parallelism.schedule == MOE_SCHEDULE_NONE && stages > 1)
    return moe_fail(error, MOE_ERROR_LAYOUT, moe_run_mark(run, "parallelism.schedule"),
                    "schedule none with pipeline %" INT ", expected a schedule such as 1f1b", stages);
  if (stages < demand->min_stages)
    return moe_fail(error, MOE_ERROR_LAYOUT, moe_run_mark(run, "parallelism.schedule"),
                    "schedule %s with pipeline %" INT ", expected at least %" INT " stages", word, stages,
                    demand->min_stages);
  return !demand->even_stages || stages % 2 == 0 ||
         moe_fail(error, MOE_ERROR_LAYOUT, moe_run_mark(run, "parallelism.pipeline"),
                  "schedule %s with pipeline %" INT ", expected an even number of stages", word, stages);
}

/* V-shaped schedules have two chunks per stage, which virtual_stages may say or leave out. */
static gboolean check_chunks(const MoeRun *run, const Demand *demand, const char *word, GError **error)
{
  int64_t chunks = run->parallelism.virtual_stages;

  if (demand->chunks == 0)
    return chunks > 1 || moe_fail(error, MOE_ERROR_LAYOUT, moe_run_mark(run, "parallelism.virtual_stages"),
                                  "schedule %s with 1 virtual stage, expected at least 2, or schedule 1f1b", word);
  return chunks == 1 || chunks == demand->chunks ||
         moe_fail(error, MOE_ERROR_LAYOUT, moe_run_mark(run, "parallelism.virtual_stages"),
                  "schedule %s with %" INT " virtual stages, expected %" INT ", or schedule interleaved", word, chunks,
                  demand->chunks);
}

static gboolean check_batches(const MoeRun *run, const Demand *demand, const char *word, GError **error)
{
  int64_t stages = run->parallelism.pipeline, batches = run->parallelism.micro_batches;
  MoeMark mark = moe_run_mark(run, "training.global_batch");

  if (demand->rounds && batches % stages != 0)
    return moe_fail(error, MOE_ERROR_LAYOUT, mark,
                    "%" INT " micro-batches with schedule %s, expected a multiple of pipeline (%" INT ")", batches,
                    word, stages);
  if (demand->even_batches && batches % 2 != 0)
    return moe_fail(error, MOE_ERROR_LAYOUT, mark, "%" INT " micro-batches with schedule %s, expected an even number",
                    batches, word);
  return batches >= demand->batches_per_stage * stages ||
         moe_fail(error, MOE_ERROR_LAYOUT, mark, "%" INT " micro-batches with schedule %s, expected at least %" INT,
                  batches, word, demand->batches_per_stage * stages);
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */

/* Places that are divided over the chunks: the layers, and the two ends where the run counts them as one. */
static int64_t count_places(const MoeRun *run)
{
  const MoeParallelism *p = &run->parallelism;

  return run->architecture.layers + (p->embedding_as_layer ? 1 : 0) + (p->head_as_layer ? 1 : 0);
}

/* Layers of a first or last stage are shared by its chunks. */
static gboolean check_given(const MoeRun *run, const char *key, int64_t layers, int64_t chunks, GError **error)
{
  g_autofree char *path = g_strconcat("parallelism.", key, NULL);

  return layers < 0 || moe_check_multiple(run, path, key, layers, "virtual_stages", chunks, error);
}

/* Every chunk has a place; the remainder of an uneven division goes to the earlier ones. */
static gboolean check_layers(const MoeRun *run, const Demand *demand, GError **error)
{
  const MoeParallelism *p = &run->parallelism;
  int64_t chunks = demand->chunks > 0 ? demand->chunks : p->virtual_stages;
  int64_t stages = p->pipeline, rest = count_places(run);

  if (!check_given(run, "first_stage_layers", p->first_stage_layers, chunks, error) ||
      !check_given(run, "last_stage_layers", p->last_stage_layers, chunks, error))
    return FALSE;
  if (p->first_stage_layers >= 0) {
    rest -= p->first_stage_layers + (p->embedding_as_layer ? 1 : 0);
    stages--;
  }
  if (p->last_stage_layers >= 0 && p->pipeline > 1) {
    rest -= p->last_stage_layers + (p->head_as_layer ? 1 : 0);
    stages--;
  }
  if (stages == 0 && rest != 0)
    return moe_fail(
        error, MOE_ERROR_LAYOUT, moe_run_mark(run, "parallelism.first_stage_layers"),
        "first_stage_layers and last_stage_layers miss the number of layers by %" INT ", expected all of them", rest);
  return rest >= stages * chunks ||
         moe_fail(error, MOE_ERROR_LAYOUT, moe_run_mark(run, "architecture.layers"),
                  "%" INT " layers for %" INT " pipeline stages of %" INT " chunks, expected at least one for each",
                  rest, stages, chunks);
}

gboolean moe_pipeline_validate(MoeRun *run, GError **error)
{
  const Demand *demand = &demands[run->parallelism.schedule];
  const char *word = moe_schedule_words[run->parallelism.schedule];

  return check_stages(run, demand, word, error) && check_chunks(run, demand, word, error) &&
         check_batches(run, demand, word, error) && check_layers(run, demand, error);
}
