/* Whether a schedule can run on so many stages, chunks and micro-batches. */
#include "internal.h"

#define INT G_GINT64_FORMAT

typedef struct {
  const char *word;
  const MoeSchedule *schedule;
  int64_t stages, chunks, batches;
  MoeScheduleAbout *about;
} Case;

static char *complain(const Case *c, MoeScheduleAbout about, char *text)
{
  if (c->about)
    *c->about = about;
  return text;
}

static char *check_stages(const Case *c)
{
  const MoeScheduleDemand *demand = &c->schedule->demand;

  if (demand->max_stages > 0 && c->stages > demand->max_stages)
    return complain(
        c, MOE_SCHEDULE_ABOUT_SCHEDULE,
        g_strdup_printf("schedule %s with pipeline %" INT ", expected a schedule such as 1f1b", c->word, c->stages));
  if (c->stages < demand->min_stages)
    return complain(c, MOE_SCHEDULE_ABOUT_SCHEDULE,
                    g_strdup_printf("schedule %s with pipeline %" INT ", expected at least %" INT " stages", c->word,
                                    c->stages, demand->min_stages));
  if (demand->even_stages && c->stages % 2 != 0)
    return complain(
        c, MOE_SCHEDULE_ABOUT_STAGES,
        g_strdup_printf("schedule %s with pipeline %" INT ", expected an even number of stages", c->word, c->stages));
  return NULL;
}

/* V-shaped schedules have two chunks per stage, which the run may say or leave out. */
static char *check_chunks(const Case *c)
{
  int64_t fixed = c->schedule->chunks / c->schedule->chains;

  if (c->chunks > MOE_MAX_CHUNKS)
    return complain(
        c, MOE_SCHEDULE_ABOUT_CHUNKS,
        g_strdup_printf("%" INT " virtual stages per stage, expected at most %d", c->chunks, MOE_MAX_CHUNKS));
  if (fixed == 0 && c->chunks < c->schedule->demand.min_chunks)
    return complain(c, MOE_SCHEDULE_ABOUT_CHUNKS,
                    g_strdup_printf("schedule %s with %" INT " virtual stage, expected at least %" INT
                                    ", or schedule 1f1b",
                                    c->word, c->chunks, c->schedule->demand.min_chunks));
  if (fixed > 0 && c->chunks != 1 && c->chunks != fixed)
    return complain(c, MOE_SCHEDULE_ABOUT_CHUNKS,
                    g_strdup_printf("schedule %s with %" INT " virtual stages, expected %" INT
                                    ", or schedule interleaved",
                                    c->word, c->chunks, fixed));
  return NULL;
}

static char *check_batches(const Case *c)
{
  const MoeScheduleDemand *demand = &c->schedule->demand;
  int64_t least = MAX(demand->batches_per_stage * c->stages, 1);

  if (demand->rounds && c->batches % c->stages != 0)
    return complain(c, MOE_SCHEDULE_ABOUT_BATCHES,
                    g_strdup_printf("%" INT " micro-batches with schedule %s, expected a multiple of pipeline (%" INT
                                    ")",
                                    c->batches, c->word, c->stages));
  if (demand->even_batches && c->batches % 2 != 0)
    return complain(
        c, MOE_SCHEDULE_ABOUT_BATCHES,
        g_strdup_printf("%" INT " micro-batches with schedule %s, expected an even number", c->batches, c->word));
  if (c->batches < least)
    return complain(c, MOE_SCHEDULE_ABOUT_BATCHES,
                    g_strdup_printf("%" INT " micro-batches with schedule %s, expected at least %" INT, c->batches,
                                    c->word, least));
  return NULL;
}

char *moe_schedule_check(MoeScheduleKind kind, int64_t stages, int64_t virtual_stages, int64_t batches,
                         MoeScheduleAbout *about)
{
  const Case c = {.word = moe_schedule_words[kind],
                  .schedule = moe_schedule_find(kind),
                  .stages = stages,
                  .chunks = virtual_stages,
                  .batches = batches,
                  .about = about};
  char *wrong = check_stages(&c);

  if (!wrong)
    wrong = check_chunks(&c);
  return wrong ? wrong : check_batches(&c);
}
