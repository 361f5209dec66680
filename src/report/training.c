/* Days, dollars and energy of a training. */
#include "training.h"
#include "record/tables.h"

#include "study/economy.h"
#include <math.h>
#include <moesim/report.h>

#include "report/describe.h"

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

void moe_training_cost_scale(JsonObject *record, double tokens)
{
  double trillions = tokens / MOE_TOKENS_PER_TRILLION;

  if (!json_object_has_member(record, "economy"))
    return;
  moe_training_cost_write(record,
                          &(MoeTrainingCost){
                              .tokens = tokens,
                              .days = tokens / moe_record_number(record, "tokens_per_s") / SECONDS_PER_DAY,
                              .dollars = trillions * moe_record_number(record, "economy.dollars_per_trillion_tokens"),
                              .mwh = trillions * moe_record_number(record, "economy.mwh_per_trillion_tokens"),
                              .megawatts = moe_record_number(record, "gpus") *
                                           moe_record_number(record, "economy.stepping_power_w") / WATTS_PER_MEGAWATT,
                          });
}
