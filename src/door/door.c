/* The doors: a question by name, its request in, its answer out. */
#include "internal.h"

#include <string.h>

typedef struct {
  const char *name;
  char *(*answer)(const MoeRequest *request, GError **error);
  const char *const *keys; /* besides those of every request; NULL-terminated */
  gboolean partial;        /* answers with what it has when its time is over, and says so */
} Question;

static const char *const predict_keys[] = {"samples", NULL};
static const char *const memory_keys[] = {"samples", "remedies", NULL};
static const char *const explain_keys[] = {"orders", "keys", "with", "other", NULL};
static const char *const sensitivity_keys[] = {"samples", NULL};
static const char *const sweep_keys[] = {"vary", "zip", "samples", NULL};
static const char *const goodput_keys[] = {
    "samples",       "seeds",           "tokens",           "step_time", "mtbf",     "host_mtbf",  "link_mtbf",
    "weibull_shape", "checkpoint",      "storage",          "detect",    "restart",  "repair",     "reschedule",
    "spares",        "checkpoint_mode", "checkpoint_bytes", "price",     "degraded", "stragglers", NULL};
static const char *const search_keys[] = {"top",          "objective", "space",  "deadline", "tokens",
                                          "memory_slack", "limit",     "budget", "clusters", NULL};
static const char *const plan_keys[] = {"tokens", "clusters", "deadline", "budget_usd", "price",  "own",
                                        "space",  "limit",    "samples",  "seeds",      "budget", NULL};
static const char *const infer_keys[] = {"cases", "hold_out", "noise", "within", "particles", "simulations", NULL};
static const char *const check_keys[] = {"try", "file", NULL};
static const char *const timeline_keys[] = {"ranks", "from_s", "to_s", "most", NULL};
static const char *const convert_keys[] = {
    "format",   "config",         "sequence", "batch",  "micro_batch", "vocabulary", "tensor", "context",
    "pipeline", "virtual_stages", "expert",   "accept", "title",       "given",      "layout", NULL};
static const char *const show_keys[] = {NULL};
static const char *const list_keys[] = {"of", NULL};

/* Sorted by name. */
static const Question questions[] = {
    {"check", moe_door_check, check_keys},
    {"convert", moe_door_convert, convert_keys},
    {"explain", moe_door_explain, explain_keys},
    {"goodput", moe_door_goodput, goodput_keys},
    {"infer", moe_door_infer, infer_keys},
    {"list", moe_door_list, list_keys},
    {"memory", moe_door_memory, memory_keys},
    {"plan", moe_door_plan, plan_keys, TRUE},
    {"predict", moe_door_predict, predict_keys},
    {"schema", moe_door_schema, list_keys},
    {"search", moe_door_search, search_keys, TRUE},
    {"sensitivity", moe_door_sensitivity, sensitivity_keys},
    {"show", moe_door_show, show_keys},
    {"sweep", moe_door_sweep, sweep_keys},
    {"timeline", moe_door_timeline, timeline_keys},
};

static const Question *find_question(const char *name, GError **error)
{
  const char *names[G_N_ELEMENTS(questions) + 1] = {NULL};

  for (gsize i = 0; i < G_N_ELEMENTS(questions); i++) {
    names[i] = questions[i].name;
    if (strcmp(names[i], name) == 0)
      return &questions[i];
  }
  g_autofree char *list = g_strjoinv(", ", (char **)names);
  moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "no question '%s', expected one of %s", name, list);
  return NULL;
}

/* What a study made of the part that it came to is no answer, unless it says so itself. */
static char *refuse_part(const Question *question, MoeRequest *request, char *text, GError **error)
{
  if (!text || question->partial || !moe_request_is_over(request))
    return text;
  g_free(text);
  moe_fail(error, MOE_ERROR_STOPPED, (MoeMark){0}, "stopped before the answer was complete");
  return NULL;
}

static char *answer(const Question *question, const char *request, const MoeDoorOptions *options, GError **error)
{
  g_auto(MoeRequest) asked = {0};

  if (!moe_request_init(&asked, request, question->keys, options, error))
    return NULL;
  return refuse_part(question, &asked, question->answer(&asked, error), error);
}

char *moe_answer_json(const char *question, const char *request, const MoeDoorOptions *options)
{
  static const MoeDoorOptions no_options = {0};
  g_autoptr(GError) error = NULL;
  const Question *found = find_question(question, &error);
  char *text = found ? answer(found, request, options ? options : &no_options, &error) : NULL;

  return text ? text : moe_answer_error(error, NULL);
}

/* ---- one function each ------------------------------------------------------------------------------------------- */

char *moe_predict_json(const char *request)
{
  return moe_answer_json("predict", request, NULL);
}

char *moe_memory_json(const char *request)
{
  return moe_answer_json("memory", request, NULL);
}

char *moe_explain_json(const char *request)
{
  return moe_answer_json("explain", request, NULL);
}

char *moe_sensitivity_json(const char *request)
{
  return moe_answer_json("sensitivity", request, NULL);
}

char *moe_infer_json(const char *request)
{
  return moe_answer_json("infer", request, NULL);
}

char *moe_sweep_json(const char *request)
{
  return moe_answer_json("sweep", request, NULL);
}

char *moe_goodput_json(const char *request)
{
  return moe_answer_json("goodput", request, NULL);
}

char *moe_search_json(const char *request)
{
  return moe_answer_json("search", request, NULL);
}

char *moe_plan_json(const char *request)
{
  return moe_answer_json("plan", request, NULL);
}

char *moe_check_json(const char *request)
{
  return moe_answer_json("check", request, NULL);
}

char *moe_timeline_json(const char *request)
{
  return moe_answer_json("timeline", request, NULL);
}

char *moe_convert_json(const char *request)
{
  return moe_answer_json("convert", request, NULL);
}

char *moe_show_json(const char *request)
{
  return moe_answer_json("show", request, NULL);
}

char *moe_list_json(const char *request)
{
  return moe_answer_json("list", request, NULL);
}

void moe_text_free(char *text)
{
  g_free(text);
}

const char *moe_version(void)
{
  return MOESIM_VERSION;
}
