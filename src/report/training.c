/* Days, dollars and energy of a training, in records. */
#include "training.h"
#include "record/tables.h"

#include <math.h>
#include <moesim/report.h>

#include "report/describe.h"

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
  moe_training_cost_write(
      record, &(MoeTrainingCost){
                  .tokens = tokens,
                  .days = tokens / moe_record_number(record, "tokens_per_s") / MOE_SECONDS_PER_DAY,
                  .dollars = trillions * moe_record_number(record, "economy.dollars_per_trillion_tokens"),
                  .mwh = trillions * moe_record_number(record, "economy.mwh_per_trillion_tokens"),
                  .megawatts = moe_record_number(record, "gpus") *
                               moe_record_number(record, "economy.stepping_power_w") / MOE_WATTS_PER_MEGAWATT,
              });
}
