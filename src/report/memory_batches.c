/* Which micro-batches are held: record and table. */
#include "report/memory_batches.h"
#include "findings.h"
#include "record/json.h"

static void add_row(JsonBuilder *builder, const MoeMemoryBatches *row)
{
  double held = (double)(row->last_batch - row->first_batch + 1);

  json_builder_begin_object(builder);
  moe_json_integer(builder, "stage", row->stage);
  moe_json_integer(builder, "chunk", row->chunk);
  moe_json_integer(builder, "first_layer", row->first_layer);
  moe_json_integer(builder, "layers", row->n_layers);
  moe_json_integer(builder, "first_micro_batch", row->first_batch);
  moe_json_integer(builder, "last_micro_batch", row->last_batch);
  moe_json_number(builder, "micro_batch_bytes", row->batch_bytes);
  moe_json_number(builder, "bytes", held * row->batch_bytes);
  json_builder_end_object(builder);
}

/* `stage` < 0: all. */
static JsonNode *describe_batches(const MoeMemoryBatches *rows, guint n, int64_t stage)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < n; i++)
    if (stage < 0 || rows[i].stage == stage)
      add_row(builder, &rows[i]);
  json_builder_end_array(builder);
  return json_builder_get_root(builder);
}

static char *layers_text(JsonObject *row)
{
  double first = moe_record_number(row, "first_layer"), n = moe_record_number(row, "layers");

  if (n < 1)
    return g_strdup("-");
  return n < 2 ? g_strdup_printf("%.0f", first) : g_strdup_printf("%.0f to %.0f", first, first + n - 1);
}

static char *batches_text(JsonObject *row)
{
  gboolean one = moe_record_number(row, "first_micro_batch") == moe_record_number(row, "last_micro_batch");

  return moe_record_say(row, one ? "{first_micro_batch}" : "{first_micro_batch} to {last_micro_batch}");
}

static const MoeColumn columns[] = {
    {"stage", "stage", "r", "text"},
    {"chunk", "chunk", "r", "text"},
    {"layers", .place = "l", .text = layers_text},
    {"micro-batches", .place = "l", .text = batches_text},
    {"each", "micro_batch_bytes", "r", "B"},
    {"together", "bytes", "r", "B"},
};

char *moe_report_memory_batches_json(const MoeMemoryBatches *rows, guint n)
{
  g_autoptr(JsonNode) record = describe_batches(rows, n, -1);

  return moe_record_json(record);
}

char *moe_report_memory_batches_csv(const MoeMemoryBatches *rows, guint n)
{
  g_autoptr(JsonNode) record = describe_batches(rows, n, -1);

  return moe_records_csv(json_node_get_array(record));
}

char *moe_report_memory_batches(const MoeMemoryBatches *rows, guint n, int64_t stage, MoeSheet sheet)
{
  g_autoptr(JsonNode) record = describe_batches(rows, n, stage);
  g_autofree char *text = moe_record_rows(json_node_get_array(record), columns, G_N_ELEMENTS(columns), sheet);

  return g_strconcat("Activations that the fullest stage holds at its fullest instant, counted from 0\n\n", text, NULL);
}
