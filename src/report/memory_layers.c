/* What each layer keeps: record and table. */
#include "report/memory_layers.h"
#include "findings.h"
#include "record/json.h"

/* Modules that no layer keeps anything for are left out. */
static gboolean is_kept(const MoeMemoryLayer *rows, guint n, guint module)
{
  for (guint i = 0; i < n; i++)
    if (rows[i].module_bytes[module] > 0)
      return TRUE;
  return FALSE;
}

static void add_modules(JsonBuilder *builder, const MoeMemoryLayer *rows, guint n, const MoeMemoryLayer *row)
{
  moe_json_open_object(builder, "modules");
  for (guint module = 0; module < MOE_MEMORY_MODULES && moe_module_words[module]; module++)
    if (is_kept(rows, n, module))
      moe_json_number(builder, moe_module_words[module], row->module_bytes[module]);
  json_builder_end_object(builder);
}

static void add_layers(JsonBuilder *builder, const MoeMemoryLayer *rows, guint n, const MoeMemoryLayer *row)
{
  json_builder_begin_object(builder);
  moe_json_integer(builder, "first", row->first);
  moe_json_integer(builder, "last", row->last);
  moe_json_text(builder, "mixer", moe_mixer_words[row->kind.mixer]);
  moe_json_text(builder, "ffn", moe_feed_words[row->kind.feed]);
  moe_json_number(builder, "parameters", row->parameters);
  moe_json_number(builder, "weight_bytes", row->weight_bytes);
  moe_json_number(builder, "gradient_bytes", row->gradient_bytes);
  moe_json_number(builder, "kept_bytes", row->kept_bytes);
  add_modules(builder, rows, n, row);
  json_builder_end_object(builder);
}

static JsonNode *describe_layers(const MoeMemoryLayer *rows, guint n)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < n; i++)
    add_layers(builder, rows, n, &rows[i]);
  json_builder_end_array(builder);
  return json_builder_get_root(builder);
}

char *moe_report_memory_layers_json(const MoeMemoryLayer *rows, guint n)
{
  g_autoptr(JsonNode) record = describe_layers(rows, n);

  return moe_record_json(record);
}

static char *layers_text(JsonObject *row)
{
  gboolean one = moe_record_number(row, "first") == moe_record_number(row, "last");

  return moe_record_say(row, one ? "{first}" : "{first} to {last}");
}

static char *parameters_text(JsonObject *row)
{
  return moe_count_format(moe_record_number(row, "parameters"), "");
}

static const MoeColumn layer_columns[] = {
    {"layers", .place = "l", .text = layers_text},
    {"mixer", "mixer", "l"},
    {"ffn", "ffn", "l"},
    {"parameters", .place = "r", .text = parameters_text},
    {"weights", "weight_bytes", "r", "B"},
    {"gradients", "gradient_bytes", "r", "B"},
    {"kept", "kept_bytes", "r", "B"},
};

char *moe_report_memory_layers(const MoeMemoryLayer *rows, guint n, MoeSheet sheet)
{
  g_autoptr(JsonNode) record = describe_layers(rows, n);
  g_autoptr(GArray) columns = g_array_new(FALSE, FALSE, sizeof(MoeColumn));
  char paths[MOE_MEMORY_MODULES][64];

  g_array_append_vals(columns, layer_columns, G_N_ELEMENTS(layer_columns));
  for (guint module = 0; module < MOE_MEMORY_MODULES && moe_module_words[module]; module++) {
    g_snprintf(paths[module], sizeof paths[module], "modules.%s", moe_module_words[module]);
    MoeColumn column = {moe_module_words[module], paths[module], "r?", "B"};

    g_array_append_val(columns, column);
  }
  g_autofree char *text = moe_record_rows(json_node_get_array(record), (MoeColumn *)columns->data, columns->len, sheet);

  return g_strconcat("One layer on one GPU; activations per micro-batch; a module: what recomputing it alone frees\n\n",
                     text, NULL);
}
