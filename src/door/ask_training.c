/* What is said about a training of weeks, a search, a plan. */
#include "door/ask.h"
#include "spec/goodput.h"

#include <string.h>

/* An option and the number in a struct that it says. */
typedef struct {
  const char *option;
  size_t offset;
  MoeDimension dimension;
  gboolean zero; /* is a value, too */
} Number;

static gboolean read_numbers(const MoeWords *words, const Number *numbers, gsize n, gpointer target, GError **error)
{
  for (gsize i = 0; i < n; i++) {
    MoeSaid said = words->find(numbers[i].option, words->source);
    double *value = G_STRUCT_MEMBER_P(target, numbers[i].offset);

    if (!(numbers[i].zero ? moe_said_amount : moe_said_quantity)(&said, numbers[i].dimension, value, error))
      return FALSE;
  }
  return TRUE;
}

/* Parts of "A,B,C", each under the name of the whole. */
static gboolean read_part(const MoeSaid *whole, const char *text, MoeDimension dimension, gboolean zero, double *value,
                          GError **error)
{
  MoeSaid part = *whole;

  part.text = text;
  return (zero ? moe_said_amount : moe_said_quantity)(&part, dimension, value, error);
}

/* ---- goodput ----------------------------------------------------------------------------------------------------- */

/* "MTBF,LENGTH,SLOWDOWN" */
static gboolean read_slow(const MoeWords *words, const char *option, MoeSlowPeriods *slow, GError **error)
{
  MoeSaid said = words->find(option, words->source);
  g_auto(GStrv) parts = g_strsplit(said.text ? said.text : "", ",", -1);

  if (!said.text)
    return TRUE;
  if (g_strv_length(parts) != 3)
    return moe_fail(error, MOE_ERROR_INPUT, said.mark,
                    "%s: expected MTBF,LENGTH,SLOWDOWN such as '60000 h,72 min,1.35', got '%s'", said.name, said.text);
  if (!read_part(&said, parts[0], MOE_DIM_SECONDS, TRUE, &slow->mtbf_s, error) ||
      !read_part(&said, parts[1], MOE_DIM_SECONDS, TRUE, &slow->lasts_s, error) ||
      !read_part(&said, parts[2], MOE_DIM_NONE, TRUE, &slow->slowdown, error))
    return FALSE;
  return slow->slowdown >= 1 ||
         moe_fail(error, MOE_ERROR_INPUT, said.mark, "%s: slowdown %s is below 1", said.name, parts[2]);
}

static gboolean read_checkpoint(const MoeWords *words, MoeGoodputPlan *plan, GError **error)
{
  MoeSaid interval = words->find("checkpoint", words->source), mode = words->find("checkpoint-mode", words->source);
  int word = (int)plan->mode;

  if (g_strcmp0(interval.text, "optimum") == 0)
    plan->interval_s = 0;
  else if (!moe_said_quantity(&interval, MOE_DIM_SECONDS, &plan->interval_s, error))
    return FALSE;
  if (!moe_said_word(&mode, moe_checkpoint_words, &word, error))
    return FALSE;
  plan->mode = (MoeCheckpointMode)word;
  return TRUE;
}

gboolean moe_ask_goodput(const MoeWords *words, MoeGoodputPlan *plan, GError **error)
{
  static const Number numbers[] = {
      {"tokens", offsetof(MoeGoodputPlan, tokens), MOE_DIM_NONE, FALSE},
      {"step-time", offsetof(MoeGoodputPlan, step_time_s), MOE_DIM_SECONDS, FALSE},
      {"mtbf", offsetof(MoeGoodputPlan, gpu_mtbf_s), MOE_DIM_SECONDS, TRUE},
      {"host-mtbf", offsetof(MoeGoodputPlan, host_mtbf_s), MOE_DIM_SECONDS, TRUE},
      {"link-mtbf", offsetof(MoeGoodputPlan, link_mtbf_s), MOE_DIM_SECONDS, TRUE},
      {"weibull-shape", offsetof(MoeGoodputPlan, weibull_shape), MOE_DIM_NONE, FALSE},
      {"checkpoint-bytes", offsetof(MoeGoodputPlan, checkpoint_bytes), MOE_DIM_BYTES, FALSE},
      {"storage", offsetof(MoeGoodputPlan, storage_bytes_per_s), MOE_DIM_BYTES_PER_S, FALSE},
      {"detect", offsetof(MoeGoodputPlan, detect_s), MOE_DIM_SECONDS, TRUE},
      {"restart", offsetof(MoeGoodputPlan, restart_s), MOE_DIM_SECONDS, TRUE},
      {"repair", offsetof(MoeGoodputPlan, repair_s), MOE_DIM_SECONDS, TRUE},
      {"reschedule", offsetof(MoeGoodputPlan, reschedule_s), MOE_DIM_SECONDS, TRUE},
  };
  MoeSaid spares = words->find("spares", words->source);

  return moe_said_integer(&spares, 0, G_MAXINT32, &plan->spares, error) &&
         read_numbers(words, numbers, G_N_ELEMENTS(numbers), plan, error) &&
         read_slow(words, "degraded", &plan->degraded, error) &&
         read_slow(words, "stragglers", &plan->stragglers, error) && read_checkpoint(words, plan, error);
}

/* ---- search ------------------------------------------------------------------------------------------------------ */

static gboolean read_space(const MoeWords *words, MoeSpace *space, GError **error)
{
  MoeSaid said = words->find("space", words->source);
  int word = MOE_SPACE_USUAL;

  if (!moe_said_word(&said, moe_space_words, &word, error))
    return FALSE;
  *space = (MoeSpace)word;
  return TRUE;
}

gboolean moe_ask_search(const MoeWords *words, MoeSearchOptions *search, GError **error)
{
  static const Number numbers[] = {
      {"deadline", offsetof(MoeSearchOptions, deadline_s), MOE_DIM_SECONDS, FALSE},
      {"tokens", offsetof(MoeSearchOptions, tokens), MOE_DIM_NONE, FALSE},
      {"memory-slack", offsetof(MoeSearchOptions, memory_slack), MOE_DIM_NONE, FALSE},
      {"budget", offsetof(MoeSearchOptions, budget_s), MOE_DIM_SECONDS, FALSE},
  };
  MoeSaid said = words->find("objective", words->source);
  int objective = MOE_OBJECTIVE_MFU;

  if (!moe_said_word(&said, moe_objective_words, &objective, error) || !read_space(words, &search->space, error))
    return FALSE;
  search->objective = (MoeObjective)objective;
  return read_numbers(words, numbers, G_N_ELEMENTS(numbers), search, error);
}

/* ---- plan -------------------------------------------------------------------------------------------------------- */

/* "50000", "50000,4" or "50000,4,0.08": dollars per GPU, years, dollars per kWh. */
static gboolean read_own(const MoeWords *words, MoeOwnership *own, GError **error)
{
  MoeSaid said = words->find("own", words->source), price = words->find("price", words->source);
  g_auto(GStrv) parts = g_strsplit(said.text ? said.text : "", ",", -1);
  guint n = g_strv_length(parts);

  if (!said.text)
    return TRUE;
  if (n < 1 || n > 3 || price.text)
    return moe_fail(error, MOE_ERROR_INPUT, said.mark,
                    "%s: expected DOLLARS,YEARS,DOLLARS-PER-KWH such as 50000,4,0.08, and no %s beside it", said.name,
                    price.name);
  *own = (MoeOwnership){.years = MOE_OWN_YEARS, .kwh = MOE_OWN_KWH};
  return read_part(&said, parts[0], MOE_DIM_DOLLARS, FALSE, &own->purchase, error) &&
         (n < 2 || read_part(&said, parts[1], MOE_DIM_NONE, FALSE, &own->years, error)) &&
         (n < 3 || read_part(&said, parts[2], MOE_DIM_DOLLARS, FALSE, &own->kwh, error));
}

gboolean moe_ask_plan(const MoeWords *words, MoePlanOptions *plan, GError **error)
{
  static const Number numbers[] = {
      {"tokens", offsetof(MoePlanOptions, tokens), MOE_DIM_NONE, FALSE},
      {"deadline", offsetof(MoePlanOptions, deadline_s), MOE_DIM_SECONDS, FALSE},
      {"budget-usd", offsetof(MoePlanOptions, budget_dollars), MOE_DIM_DOLLARS, FALSE},
      {"price", offsetof(MoePlanOptions, price_gpu_hour), MOE_DIM_DOLLARS, FALSE},
      {"budget", offsetof(MoePlanOptions, time_s), MOE_DIM_SECONDS, FALSE},
  };

  return read_space(words, &plan->space, error) && read_numbers(words, numbers, G_N_ELEMENTS(numbers), plan, error) &&
         read_own(words, &plan->own, error);
}
