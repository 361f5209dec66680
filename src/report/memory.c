/* Memory: by pipeline stage, by layer, by micro-batch held, and what would make a run fit. */
#include "layer/layer.h"
#include "record/json.h"
#include "report/describe.h"
#include "report/findings.h"

#include <math.h>

/* ---- by stage ---------------------------------------------------------------------------------------------------- */

static char *stage_name(JsonObject *stage)
{
  return moe_record_say(stage, moe_record_flag(stage, "fullest") ? "{stage} *" : "{stage}");
}

/* Columns of values that one object holds under the words of an enumeration; `paths` holds their names. */
static void add_words(GArray *columns, GStringChunk *paths, const char *object, const char *const *words, guint n,
                      const char *place)
{
  for (guint i = 0; i < n && words[i]; i++) {
    g_autofree char *path = g_strdup_printf("%s.%s", object, words[i]);
    MoeColumn column = {words[i], g_string_chunk_insert(paths, path), place, "B"};

    g_array_append_val(columns, column);
  }
}

char *moe_report_memory(const MoeResult *result, MoeSheet sheet)
{
  static const MoeColumn first = {"stage", .place = "l", .text = stage_name};
  static const MoeColumn last[] = {{"peak", "peak_bytes", "r", "B"}, {"of capacity", "share_of_capacity", "r", "%"}};
  g_autoptr(GArray) columns = g_array_new(FALSE, FALSE, sizeof(MoeColumn));
  g_autoptr(GStringChunk) paths = g_string_chunk_new(64);

  g_array_append_val(columns, first);
  add_words(columns, paths, "parts", moe_memory_words, MOE_N_MEMORY_PARTS, "r");
  g_array_append_vals(columns, last, G_N_ELEMENTS(last));
  const MoePassage page[] = {
      {MOE_SAID(moe_record_label)},
      {MOE_SAY_IF("memory.fits",
                  " on {cluster}, {gpus} GPUs: {memory.peak_bytes|B} per GPU of {memory.capacity_bytes|B}, "
                  "fits beside {memory.headroom_bytes|B} of headroom\n\n")},
      {MOE_SAY_IF("!memory.fits",
                  " on {cluster}, {gpus} GPUs: {memory.peak_bytes|B} per GPU of "
                  "{memory.capacity_bytes|B}, does not fit with {memory.headroom_bytes|B} of headroom\n\n")},
      {.list = "memory.stages", .columns = (MoeColumn *)columns->data, .n_columns = columns->len},
  };
  const MoeForms forms = {MOE_PAGE(page)};

  return moe_record_emit(moe_describe_result(result), &forms, sheet);
}

/* ---- by layer ---------------------------------------------------------------------------------------------------- */

static char *layers_text(JsonObject *row)
{
  gboolean one = moe_record_number(row, "first") == moe_record_number(row, "last");

  return moe_record_say(row, one ? "{first}" : "{first} to {last}");
}

static const MoeColumn layer_fields[] = {
    {"layers", .place = "l", .text = layers_text},
    {NULL, "first", MOE_AT(MoeMemoryLayer, first)},
    {NULL, "last", MOE_AT(MoeMemoryLayer, last)},
    {"mixer", "mixer", "l", MOE_WORD(MoeMemoryLayer, kind.mixer, moe_mixer_words)},
    {"ffn", "ffn", "l", MOE_WORD(MoeMemoryLayer, kind.feed, moe_feed_words)},
    {"parameters", "parameters", "r", "", MOE_AT(MoeMemoryLayer, parameters)},
    {"weights", "weight_bytes", "r", "B", MOE_AT(MoeMemoryLayer, weight_bytes)},
    {"gradients", "gradient_bytes", "r", "B", MOE_AT(MoeMemoryLayer, gradient_bytes)},
    {"kept", "kept_bytes", "r", "B", MOE_AT(MoeMemoryLayer, kept_bytes)},
};

/* Modules that no layer keeps anything for are left out. */
static gboolean is_kept(const MoeMemoryLayer *rows, guint n, guint module)
{
  for (guint i = 0; i < n; i++)
    if (rows[i].module_bytes[module] > 0)
      return TRUE;
  return FALSE;
}

static void add_layers(JsonBuilder *builder, const MoeMemoryLayer *rows, guint n, const MoeMemoryLayer *row)
{
  json_builder_begin_object(builder);
  MOE_DESCRIBE(builder, row, layer_fields);
  moe_json_open_object(builder, "modules");
  for (guint module = 0; module < MOE_MEMORY_MODULES && moe_module_words[module]; module++)
    if (is_kept(rows, n, module))
      moe_json_number(builder, moe_module_words[module], row->module_bytes[module]);
  json_builder_end_object(builder);
  json_builder_end_object(builder);
}

char *moe_report_memory_layers(const MoeMemoryLayer *rows, guint n, MoeSheet sheet)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  g_autoptr(GArray) columns = g_array_new(FALSE, FALSE, sizeof(MoeColumn));
  g_autoptr(GStringChunk) paths = g_string_chunk_new(64);

  g_array_append_vals(columns, layer_fields, G_N_ELEMENTS(layer_fields));
  add_words(columns, paths, "modules", moe_module_words, MOE_MEMORY_MODULES, "r?");
  const MoePassage page[] = {
      {MOE_SAY("One layer on one GPU; activations per micro-batch; a module: what recomputing it alone frees\n\n")},
      {.list = "", .columns = (MoeColumn *)columns->data, .n_columns = columns->len},
  };
  const MoeForms forms = {MOE_PAGE(page), .rows = ""};

  json_builder_begin_array(builder);
  for (guint i = 0; i < n; i++)
    add_layers(builder, rows, n, &rows[i]);
  json_builder_end_array(builder);
  return moe_record_emit(json_builder_get_root(builder), &forms, sheet);
}

/* ---- by micro-batch ---------------------------------------------------------------------------------------------- */

static char *layers_of_chunk(JsonObject *row)
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

static double held_bytes(gconstpointer of)
{
  const MoeMemoryBatches *row = of;

  return (double)(row->last_batch - row->first_batch + 1) * row->batch_bytes;
}

static const MoeColumn batch_fields[] = {
    {"stage", "stage", "r", "text", MOE_AT(MoeMemoryBatches, stage)},
    {"chunk", "chunk", "r", "text", MOE_AT(MoeMemoryBatches, chunk)},
    {"layers", .place = "l", .text = layers_of_chunk},
    {NULL, "first_layer", MOE_AT(MoeMemoryBatches, first_layer)},
    {NULL, "layers", MOE_AT(MoeMemoryBatches, n_layers)},
    {"micro-batches", .place = "l", .text = batches_text},
    {NULL, "first_micro_batch", MOE_AT(MoeMemoryBatches, first_batch)},
    {NULL, "last_micro_batch", MOE_AT(MoeMemoryBatches, last_batch)},
    {"each", "micro_batch_bytes", "r", "B", MOE_AT(MoeMemoryBatches, batch_bytes)},
    {"together", "bytes", "r", "B", MOE_RULE(held_bytes)},
};

/* JSON and CSV have every stage, the table the fullest. */
char *moe_report_memory_batches(const MoeMemoryBatches *rows, guint n, int64_t stage, MoeSheet sheet)
{
  static const MoePassage page[] = {
      {MOE_SAY("Activations that the fullest stage holds at its fullest instant, counted from 0\n\n")},
      {MOE_ROWS("", batch_fields)},
  };
  static const MoeForms forms = {MOE_PAGE(page), .rows = ""};
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < n; i++)
    if (sheet.format != MOE_FORMAT_TABLE || rows[i].stage == stage)
      MOE_LIST(builder, NULL, &rows[i], 1, batch_fields);
  json_builder_end_array(builder);
  return moe_record_emit(json_builder_get_root(builder), &forms, sheet);
}

/* ---- remedies ---------------------------------------------------------------------------------------------------- */

static double slower(const MoeRemedies *remedies, const MoeRemedy *remedy)
{
  return remedy->result->step_time_s / remedies->own->step_time_s - 1;
}

static void add_fit(JsonBuilder *builder, const MoeResult *result, double slower_by)
{
  moe_json_number(builder, "step_time_s", result->step_time_s);
  if (isfinite(slower_by))
    moe_json_number(builder, "slower", slower_by);
  moe_json_number(builder, "peak_bytes", result->memory.peak_bytes);
  moe_json_bool(builder, "fits", result->memory.fits);
}

/* The first `shown`; how many fit of how many is said of all. */
static JsonNode *describe_remedies(const MoeRemedies *remedies, guint shown)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  add_fit(builder, remedies->own, NAN);
  moe_json_bool(builder, "pairs", remedies->pairs);
  moe_json_open_array(builder, "remedies");
  for (guint i = 0; i < shown; i++) {
    json_builder_begin_object(builder);
    moe_json_text(builder, "set", remedies->remedies[i].what);
    add_fit(builder, remedies->remedies[i].result, slower(remedies, &remedies->remedies[i]));
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
  moe_json_integer(builder, "tried", remedies->n);
  moe_json_integer(builder, "tried_that_fit", remedies->n_fit);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

static char *too_large(JsonObject *remedy)
{
  return g_strdup(moe_record_flag(remedy, "fits") ? "" : "no");
}

char *moe_report_remedies(const MoeRemedies *remedies, guint top, MoeSheet sheet)
{
  static const MoeColumn columns[] = {
      {"change", "set", "w"},           {"step", "step_time_s", "r", "s"},         {"longer by", "slower", "r", "+%"},
      {"peak", "peak_bytes", "r", "B"}, {"fits", .place = "l", .text = too_large},
  };
  static const MoePassage page[] = {
      {MOE_ROWS("remedies", columns)},
      {MOE_SAY_IF("pairs", "\n{tried_that_fit} of {tried} pairs of changes that need less memory fit; the run as it is "
                           "takes {step_time_s|s}\n")},
      {MOE_SAY_IF("!pairs", "\n{tried_that_fit} of {tried} changes that need less memory fit; the run as it is takes "
                            "{step_time_s|s}\n")},
  };
  static const MoeForms forms = {MOE_PAGE(page), .rows = "remedies"};
  guint shown = sheet.format == MOE_FORMAT_TABLE && top > 0 ? MIN(top, remedies->n) : remedies->n;

  return moe_record_emit(describe_remedies(remedies, shown), &forms, sheet);
}

/* "12 GB more" */
static char *memory_change(double before, double after)
{
  g_autofree char *size = moe_quantity_format(fabs(after - before), MOE_DIM_BYTES);

  return g_strdup_printf("%s %s", size, after >= before ? "more" : "less");
}

char *moe_report_remedies_hints(const MoeRemedies *remedies, guint top)
{
  GString *text = g_string_new(NULL);
  const MoeResult *own = remedies->own;

  for (guint i = 0; i < MIN(top, remedies->n_fit); i++) {
    const MoeResult *tried = remedies->remedies[i].result;
    if (i > 0 && tried->step_time_s == remedies->remedies[i - 1].result->step_time_s)
      continue; /* another way to the same */
    g_autofree char *memory = memory_change(own->memory.peak_bytes, tried->memory.peak_bytes);

    g_string_append_printf(text, "  try %s: %+.1f points of MFU, step %+.1f %%, %s\n", remedies->remedies[i].what,
                           100 * (tried->mfu_causal - own->mfu_causal), 100 * slower(remedies, &remedies->remedies[i]),
                           memory);
  }
  return g_string_free(text, FALSE);
}
