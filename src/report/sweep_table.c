/* A sweep as a table: what was chosen, what came out. */
#include "losses.h"
#include "sweep_internal.h"
#include "training.h"

#define SHOWN_LOSSES 2 /* as many as a row has room for */

static const char *const answers[] = {"GPUs",   "batch", "step", "tokens/s/GPU", "MFU causal", "MFU full",
                                      "memory", "fits",  NULL};
#define N_ANSWERS G_N_ELEMENTS(answers) /* the losses stand in the place of NULL */

char *moe_losses_text(const MoeResult *result)
{
  MoeLoss losses[MOE_N_CAUSES];
  guint n = MIN(moe_losses(result, losses), SHOWN_LOSSES);
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < n; i++) {
    g_autofree char *share = moe_percent_format(losses[i].seconds / result->step_time_s);

    g_string_append_printf(text, "%s%s %s", i > 0 ? ", " : "", moe_cause_title(losses[i].cause), share);
  }
  return g_string_free(text, FALSE);
}

/* The parts of a prediction that a row shows, from its record. */
static void read_result(JsonObject *object, MoeResult *result)
{
  JsonObject *mfu = json_object_get_object_member(object, "mfu");
  JsonObject *memory = json_object_get_object_member(object, "memory");
  JsonObject *time_s = json_object_get_object_member(object, "time_s");

  *result = (MoeResult){.gpus = json_object_get_int_member(object, "gpus"),
                        .global_batch = json_object_get_int_member(object, "global_batch"),
                        .step_time_s = json_object_get_double_member(object, "step_time_s"),
                        .tokens_per_s_per_gpu = json_object_get_double_member(object, "tokens_per_s_per_gpu"),
                        .mfu_causal = json_object_get_double_member(mfu, "causal"),
                        .mfu_full = json_object_get_double_member(mfu, "full")};
  result->memory.peak_bytes = json_object_get_double_member(memory, "peak_bytes");
  result->memory.fits = json_object_get_boolean_member(memory, "fits");
  for (guint c = 0; c < MOE_N_CAUSES; c++)
    result->cause_s[c] = json_object_get_double_member(time_s, moe_cause_words[c]);
}

static void add_answer(MoeTable *table, JsonObject *object)
{
  MoeResult result;

  read_result(object, &result);
  moe_table_whole(table, result.gpus);
  moe_table_whole(table, result.global_batch);
  moe_table_quantity(table, result.step_time_s, MOE_DIM_SECONDS);
  moe_table_take(table, g_strdup_printf("%.0f", result.tokens_per_s_per_gpu));
  moe_table_percent(table, result.mfu_causal);
  moe_table_percent(table, result.mfu_full);
  moe_table_quantity(table, result.memory.peak_bytes, MOE_DIM_BYTES);
  moe_table_add(table, result.memory.fits ? "yes" : "no");
  if (json_object_has_member(object, "training")) {
    MoeTrainingCost training = moe_training_cost_read(object);

    moe_training_cost_cells(table, &training);
  }
  moe_table_take(table, moe_losses_text(&result));
}

static void add_refusal(MoeTable *table, JsonObject *object, guint n)
{
  for (guint i = 0; i + 1 < n; i++)
    moe_table_add(table, "-");
  moe_table_add(table, json_object_get_string_member(object, "error"));
}

/* `n` answers. */
static void add_row(MoeTable *table, const char *record, guint n)
{
  g_autoptr(JsonNode) node = NULL;
  JsonObject *object = moe_record_parse(record, &node);
  g_autoptr(GList) values = json_object_get_values(json_object_get_object_member(object, "set"));

  for (GList *value = values; value; value = value->next)
    moe_table_take(table, moe_record_cell(value->data));
  if (json_object_has_member(object, "error"))
    add_refusal(table, object, n);
  else
    add_answer(table, object);
}

static gboolean has_training(const char *record)
{
  g_autoptr(JsonNode) node = NULL;

  return json_object_has_member(moe_record_parse(record, &node), "training");
}

/* One column per chosen key, named by its last part: the sections are known. */
static MoeTable *new_table(const char *record, gboolean training)
{
  g_autoptr(JsonNode) node = NULL;
  JsonObject *object = moe_record_parse(record, &node);
  g_autoptr(GList) keys = json_object_get_members(json_object_get_object_member(object, "set"));
  g_autofree char *columns = g_strnfill(g_list_length(keys), 'l');
  g_autofree char *alignment = g_strconcat(columns, "rr3rr2rr4rl", training ? MOE_TRAINING_COLUMNS : "", "w", NULL);
  MoeTable *table = moe_table_new(alignment);

  for (GList *key = keys; key; key = key->next) {
    const char *dot = g_strrstr(key->data, ".");

    moe_table_add(table, dot ? dot + 1 : key->data);
  }
  moe_table_header(table, answers);
  if (training)
    moe_training_cost_header(table);
  moe_table_add(table, "largest losses");
  return table;
}

char *moe_report_records_table(guint n, const char *const *records, MoeSheet sheet)
{
  if (n == 0)
    return g_strdup("");
  gboolean training = FALSE;

  for (guint i = 0; i < n && !training; i++)
    training = has_training(records[i]);
  g_autoptr(MoeTable) table = new_table(records[0], training);

  for (guint i = 0; i < n; i++)
    add_row(table, records[i], N_ANSWERS + (training ? MOE_TRAINING_CELLS : 0));
  return moe_table_format(table, sheet);
}
