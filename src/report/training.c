/* Days, dollars and energy of a training: the same in every table, in JSON and CSV. */
#include "training.h"

#include "report/sweep.h"
#include "study/economy.h"
#include <math.h>

#include "report/json.h"
#include "sweep_internal.h"

#define SECONDS_PER_DAY    86400.0
#define WATTS_PER_MEGAWATT 1e6

MoeTrainingCost moe_training_cost_of(const MoeResult *result, double tokens)
{
  double wall_s = result->tokens_per_s > 0 ? tokens / result->tokens_per_s : 0;
  MoeEconomy economy = moe_economy_training(result, 0, tokens, wall_s, wall_s);

  return (MoeTrainingCost){.tokens = tokens,
                           .days = wall_s / SECONDS_PER_DAY,
                           .dollars = economy.dollars,
                           .mwh = economy.energy_mwh,
                           .megawatts = (double)result->gpus * economy.stepping_power_w / WATTS_PER_MEGAWATT};
}

static double number_of(JsonObject *object, const char *key)
{
  return json_object_has_member(object, key) && !json_object_get_null_member(object, key)
             ? json_object_get_double_member(object, key)
             : 0;
}

/* A stored record knows what a trillion tokens take. */
static MoeTrainingCost scale(JsonObject *record, double tokens)
{
  JsonObject *economy = json_object_get_object_member(record, "economy");
  double trillions = tokens / MOE_TOKENS_PER_TRILLION;

  return (MoeTrainingCost){.tokens = tokens,
                           .days = tokens / number_of(record, "tokens_per_s") / SECONDS_PER_DAY,
                           .dollars = trillions * number_of(economy, "dollars_per_trillion_tokens"),
                           .mwh = trillions * number_of(economy, "mwh_per_trillion_tokens"),
                           .megawatts =
                               number_of(record, "gpus") * number_of(economy, "stepping_power_w") / WATTS_PER_MEGAWATT};
}

static void set_given(JsonObject *object, const char *key, double value)
{
  if (value > 0 && isfinite(value))
    json_object_set_double_member(object, key, value);
  else
    json_object_set_null_member(object, key);
}

void moe_training_cost_write(JsonObject *record, const MoeTrainingCost *training)
{
  JsonObject *object = json_object_new();

  set_given(object, "tokens", training->tokens);
  set_given(object, "days", training->days);
  set_given(object, "dollars", training->dollars);
  set_given(object, "mwh", training->mwh);
  set_given(object, "megawatts", training->megawatts);
  json_object_set_object_member(record, "training", object);
}

MoeTrainingCost moe_training_cost_read(JsonObject *record)
{
  JsonObject *object =
      json_object_has_member(record, "training") ? json_object_get_object_member(record, "training") : NULL;

  if (!object)
    return (MoeTrainingCost){0};
  return (MoeTrainingCost){number_of(object, "tokens"), number_of(object, "days"), number_of(object, "dollars"),
                           number_of(object, "mwh"), number_of(object, "megawatts")};
}

char *moe_report_record_training(const char *record, double tokens)
{
  g_autoptr(JsonNode) node = NULL;
  JsonObject *object = moe_record_parse(record, &node);

  if (tokens > 0 && json_object_has_member(object, "economy")) {
    MoeTrainingCost training = scale(object, tokens);

    moe_training_cost_write(object, &training);
  }
  return moe_json_print(node, FALSE);
}

void moe_training_cost_header(MoeTable *table)
{
  static const char *const titles[] = {"days", "cost", "energy", "MW", NULL};

  moe_table_header(table, titles);
}

void moe_training_cost_cells(MoeTable *table, const MoeTrainingCost *training)
{
  moe_table_number(table, training->days > 0 ? training->days : NAN);
  moe_table_dollars(table, training->dollars);
  moe_table_mwh(table, training->mwh);
  moe_table_number(table, training->megawatts > 0 ? training->megawatts : NAN);
}
