/* What one rank of each stage does when, as columns. */
#include "internal.h"
#include "sim/sim.h"

#include "program/program.h"
#include "record/json.h"

#include <string.h>

#define DEFAULT_MOST 200000 /* spans; a page draws no more */
#define MAX_MOST     10000000

/* A word of the answer's lists, told by its place in them. */
typedef struct {
  GHashTable *index; /* text -> place + 1 */
  GPtrArray *words;  /* borrowed: texts are static */
} Words;

static int place_of(Words *words, const char *text)
{
  gpointer known = g_hash_table_lookup(words->index, text);

  if (known)
    return GPOINTER_TO_INT(known) - 1;
  g_ptr_array_add(words->words, (gpointer)text);
  g_hash_table_insert(words->index, (gpointer)text, GINT_TO_POINTER((gint)words->words->len));
  return (int)words->words->len - 1;
}

typedef struct {
  int64_t rank;
  int name, block, layer, micro_batch, lane, pass, cause;
  MoeTime start, end;
} Span;

typedef struct {
  Words names, blocks;
  GArray *spans; /* of Span */
  MoeTime from, to;
  guint most, left_out;
} Watch;

static void watch_slice(const MoeSlice *slice, gpointer user_data)
{
  Watch *watch = user_data;

  if (slice->end <= watch->from || slice->start >= watch->to)
    return;
  if (watch->spans->len >= watch->most) {
    watch->left_out++;
    return;
  }
  Span span = {.rank = slice->rank,
               .name = place_of(&watch->names, slice->name),
               .block = place_of(&watch->blocks, slice->block ? slice->block : ""),
               .layer = slice->layer,
               .micro_batch = (int)slice->micro_batch,
               .lane = slice->stream,
               .pass = slice->pass,
               .cause = slice->cause,
               .start = slice->start,
               .end = slice->end};
  g_array_append_val(watch->spans, span);
}

static void watch_init(Watch *watch)
{
  Words *const lists[] = {&watch->names, &watch->blocks};

  for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
    lists[i]->index = g_hash_table_new(g_str_hash, g_str_equal);
    lists[i]->words = g_ptr_array_new();
  }
  watch->spans = g_array_new(FALSE, FALSE, sizeof(Span));
}

static void watch_clear(Watch *watch)
{
  g_hash_table_unref(watch->names.index);
  g_hash_table_unref(watch->blocks.index);
  g_ptr_array_unref(watch->names.words);
  g_ptr_array_unref(watch->blocks.words);
  g_array_unref(watch->spans);
}

/* ---- which ranks ------------------------------------------------------------------------------------------------- */

/* The first rank of every stage, or those that are asked for. */
static GArray *list_ranks(const MoeRequest *request, const MoeRun *run, GError **error)
{
  const MoeNode *asked = moe_request_get(request, "ranks");
  g_autoptr(MoeLayout) layout = moe_layout_new(&run->parallelism, error);
  g_autoptr(GArray) ranks = layout ? g_array_new(FALSE, FALSE, sizeof(int64_t)) : NULL;

  if (!ranks || (asked && !moe_node_expect(asked, MOE_NODE_LIST, "ranks", error)))
    return NULL;
  for (int64_t s = 0; !asked && s < run->parallelism.pipeline; s++) {
    int64_t rank = moe_layout_on_stage(layout, 0, s);

    g_array_append_val(ranks, rank);
  }
  for (guint i = 0; asked && i < moe_node_size(asked); i++) {
    int64_t rank = 0;

    if (!moe_node_read_int(moe_node_at(asked, i), 0, run->parallelism.gpus - 1, &rank, error))
      return NULL;
    g_array_append_val(ranks, rank);
  }
  return g_steal_pointer(&ranks);
}

static void add_ranks(JsonBuilder *builder, const MoeRun *run, const GArray *ranks)
{
  g_autoptr(MoeLayout) layout = moe_layout_new(&run->parallelism, NULL);

  moe_json_open_array(builder, "ranks");
  for (guint i = 0; i < ranks->len; i++) {
    int64_t rank = g_array_index(ranks, int64_t, i);
    MoeCoordinates at = {0};

    moe_layout_coordinates(layout, rank, &at);
    json_builder_begin_object(builder);
    moe_json_integer(builder, "rank", rank);
    moe_json_integer(builder, "stage", at.stage);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

static void add_words(JsonBuilder *builder, const char *key, guint n, const char *const *words)
{
  moe_json_open_array(builder, key);
  for (guint i = 0; i < n; i++)
    json_builder_add_string_value(builder, words[i]);
  json_builder_end_array(builder);
}

static void add_column(JsonBuilder *builder, const char *key, const GArray *spans, gsize offset)
{
  moe_json_open_array(builder, key);
  for (guint i = 0; i < spans->len; i++) {
    const Span *span = &g_array_index(spans, Span, i);

    json_builder_add_int_value(builder, G_STRUCT_MEMBER(int, span, offset));
  }
  json_builder_end_array(builder);
}

/* Seconds of a member that is a time. */
static void add_times(JsonBuilder *builder, const char *key, const GArray *spans, gsize offset)
{
  moe_json_open_array(builder, key);
  for (guint i = 0; i < spans->len; i++) {
    const Span *span = &g_array_index(spans, Span, i);

    json_builder_add_double_value(builder, moe_time_to_seconds(G_STRUCT_MEMBER(MoeTime, span, offset)));
  }
  json_builder_end_array(builder);
}

static void add_spans(JsonBuilder *builder, const GArray *spans)
{
  moe_json_open_object(builder, "spans");
  moe_json_open_array(builder, "rank");
  for (guint i = 0; i < spans->len; i++)
    json_builder_add_int_value(builder, g_array_index(spans, Span, i).rank);
  json_builder_end_array(builder);
  add_column(builder, "lane", spans, offsetof(Span, lane));
  add_column(builder, "name", spans, offsetof(Span, name));
  add_column(builder, "block", spans, offsetof(Span, block));
  add_column(builder, "pass", spans, offsetof(Span, pass));
  add_column(builder, "cause", spans, offsetof(Span, cause));
  add_column(builder, "layer", spans, offsetof(Span, layer));
  add_column(builder, "micro_batch", spans, offsetof(Span, micro_batch));
  add_times(builder, "start_s", spans, offsetof(Span, start));
  add_times(builder, "end_s", spans, offsetof(Span, end));
  json_builder_end_object(builder);
}

/* One line: columns of hundreds of thousands of numbers are for programs. */
static char *print_watch(const Watch *watch, const MoeRun *run, const MoeResult *result, const GArray *ranks)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  const char *lanes[MOE_N_STREAMS + 1];

  for (guint s = 0; s < MOE_N_STREAMS; s++)
    lanes[s] = moe_stream_words[s];
  lanes[MOE_N_STREAMS] = "idle";
  json_builder_begin_object(builder);
  moe_json_text(builder, "run", result->run);
  moe_json_text(builder, "variant", result->variant);
  moe_json_number(builder, "step_time_s", result->step_time_s);
  moe_json_number(builder, "mfu_causal", result->mfu_causal);
  add_ranks(builder, run, ranks);
  add_words(builder, "lanes", G_N_ELEMENTS(lanes), lanes);
  add_words(builder, "names", watch->names.words->len, (const char *const *)watch->names.words->pdata);
  add_words(builder, "blocks", watch->blocks.words->len, (const char *const *)watch->blocks.words->pdata);
  add_words(builder, "passes", MOE_N_PASSES, moe_pass_words);
  add_words(builder, "causes", MOE_N_CAUSES, moe_cause_words);
  moe_json_integer(builder, "left_out", watch->left_out);
  add_spans(builder, watch->spans);
  json_builder_end_object(builder);
  g_autoptr(JsonNode) root = json_builder_get_root(builder);
  g_autofree char *text = moe_json_print(root, FALSE);
  return g_strconcat(text, "\n", NULL);
}

static gboolean read_window(const MoeRequest *request, Watch *watch, GError **error)
{
  const MoeNode *from = moe_request_get(request, "from_s"), *to = moe_request_get(request, "to_s");
  double from_s = 0, to_s = 0;
  int64_t most = DEFAULT_MOST;

  if ((from && !moe_node_read_quantity(from, MOE_DIM_NONE, &from_s, error)) ||
      (to && !moe_node_read_quantity(to, MOE_DIM_NONE, &to_s, error)) ||
      !moe_request_integer(request, "most", 1, MAX_MOST, &most, error))
    return FALSE;
  watch->from = moe_time_from_seconds(from_s);
  watch->to = to ? moe_time_from_seconds(to_s) : MOE_TIME_MAX;
  watch->most = (guint)most;
  return TRUE;
}

static char *watch_run(const MoeRequest *request, const MoeRun *run, Watch *watch, GError **error)
{
  MoeSimOptions sim;

  if (!read_window(request, watch, error) || !moe_request_sim(request, &sim, error))
    return NULL;
  g_autoptr(GArray) ranks = list_ranks(request, run, error);
  if (!ranks)
    return NULL;
  sim.slice = watch_slice;
  sim.slice_data = watch;
  sim.n_trace_ranks = ranks->len;
  sim.trace_ranks = (const int64_t *)(gpointer)ranks->data;
  g_autoptr(MoeResult) result = moe_study_predict(run, &sim, error);
  return result ? print_watch(watch, run, result, ranks) : NULL;
}

char *moe_door_timeline(const MoeRequest *request, GError **error)
{
  g_autoptr(MoeRun) run = moe_asked_load(request, "run", error);
  Watch watch = {0};

  if (!run)
    return NULL;
  watch_init(&watch);
  char *text = watch_run(request, run, &watch, error);
  watch_clear(&watch);
  return text;
}
