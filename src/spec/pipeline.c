/* Whether the pipeline's schedule fits the run, and how layers divide over its positions. */
#include "internal.h"

#define INT G_GINT64_FORMAT

static gboolean check_schedule(const MoeRun *run, GError **error)
{
  static const char *const keys[] = {
      [MOE_SCHEDULE_ABOUT_SCHEDULE] = "parallelism.schedule",
      [MOE_SCHEDULE_ABOUT_STAGES] = "parallelism.pipeline",
      [MOE_SCHEDULE_ABOUT_CHUNKS] = "parallelism.virtual_stages",
      [MOE_SCHEDULE_ABOUT_BATCHES] = "training.global_batch",
  };
  const MoeParallelism *p = &run->parallelism;
  MoeScheduleAbout about = MOE_SCHEDULE_ABOUT_SCHEDULE;
  g_autofree char *wrong = moe_schedule_check(p->schedule, p->pipeline, p->virtual_stages, p->micro_batches, &about);

  return !wrong || moe_fail(error, MOE_ERROR_LAYOUT, moe_run_mark(run, keys[about]), "%s", wrong);
}

/* ---- an even division -------------------------------------------------------------------------------------------- */

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
static gboolean check_division(const MoeRun *run, int64_t chunks, GError **error)
{
  const MoeParallelism *p = &run->parallelism;
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

/* ---- a layout ---------------------------------------------------------------------------------------------------- */

/* A layout says all that these keys say. */
static gboolean check_alone(const MoeRun *run, GError **error)
{
  const MoeParallelism *p = &run->parallelism;
  const struct {
    const char *key;
    gboolean given;
  } others[] = {{"first_stage_layers", p->first_stage_layers >= 0},
                {"last_stage_layers", p->last_stage_layers >= 0},
                {"embedding_as_layer", p->embedding_as_layer},
                {"head_as_layer", p->head_as_layer}};

  for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
    g_autofree char *path = g_strconcat("parallelism.", others[i].key, NULL);

    if (others[i].given)
      return moe_fail(error, MOE_ERROR_LAYOUT, moe_run_mark(run, path), "%s beside a layout, expected one of the two",
                      others[i].key);
  }
  return TRUE;
}

static gboolean check_layout(const MoeRun *run, int64_t chunks, GError **error)
{
  const MoeParallelism *p = &run->parallelism;
  MoeMark mark = moe_run_mark(run, "parallelism.layout");
  g_autofree char *wrong = NULL;
  guint n = 0;
  g_autofree MoeChunk *parts = moe_chunks_parse(p->layout, &n, &wrong);

  if (wrong)
    return moe_fail(error, MOE_ERROR_LAYOUT, mark, "%s", wrong);
  if (n != p->pipeline * chunks)
    return moe_fail(error, MOE_ERROR_LAYOUT, mark,
                    "layout of %u chunks, expected %" INT ": pipeline %" INT " of %" INT " chunks each", n,
                    p->pipeline * chunks, p->pipeline, chunks);
  wrong = moe_chunks_check(parts, n, run->architecture.layers, run->architecture.mtp_layers);
  return wrong ? moe_fail(error, MOE_ERROR_LAYOUT, mark, "%s", wrong) : check_alone(run, error);
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

static MoePlacement placement_of(const MoeRun *run)
{
  const MoeParallelism *p = &run->parallelism;
  MoePlacement placement;

  moe_placement_init(p->schedule, p->pipeline, p->virtual_stages, p->micro_batches, FALSE, &placement);
  return placement;
}

gboolean moe_pipeline_validate(MoeRun *run, GError **error)
{
  if (!check_schedule(run, error))
    return FALSE;
  MoePlacement placement = placement_of(run);
  int64_t chunks = placement.positions / placement.stages;

  return run->parallelism.layout ? check_layout(run, chunks, error) : check_division(run, chunks, error);
}

MoeChunk *moe_run_chunks_new(const MoeRun *run)
{
  const MoeParallelism *p = &run->parallelism;
  const MoePlacement placement = placement_of(run);
  const MoeDivision division = {.layers = run->architecture.layers,
                                .mtp = run->architecture.mtp_layers,
                                .first_stage_layers = p->first_stage_layers,
                                .last_stage_layers = p->last_stage_layers,
                                .embedding_counts = p->embedding_as_layer,
                                .head_counts = p->head_as_layer};
  g_autofree char *wrong = NULL;
  guint n = 0;

  if (!p->layout)
    return moe_chunks_divide(&division, placement.positions, placement.stages);
  MoeChunk *chunks = moe_chunks_parse(p->layout, &n, &wrong);

  g_assert(chunks && n == placement.positions);
  return chunks;
}
