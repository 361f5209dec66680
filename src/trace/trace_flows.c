/*
 * Arrows of a timeline. A pipeline message goes from its send to its receive, dispatched tokens to the combine that
 * brings them back, and a collective through all traced ranks that take part. An arrow is drawn only when both of its
 * ends are in the trace.
 */
#include "program/program.h"
#include "spec/work.h"
#include "trace_story.h"

#include <string.h>

/* What the slices of one arrow have in common; compared as bytes, so that unused members are 0. */
typedef struct {
  int64_t place;    /* MESSAGE: first-stage rank of the pipeline; TOKENS: rank; COLLECTIVE: group */
  int64_t start_ns; /* COLLECTIVE */
  uint32_t number;  /* MESSAGE: id; TOKENS: which dispatch of the layer */
  uint32_t micro_batch, layer_and_stream, block; /* block: quark of its name */
  uint32_t kind;
  uint32_t group_kind;
} FlowKey;

typedef enum { FLOW_MESSAGE, FLOW_TOKENS, FLOW_COLLECTIVE } FlowKind;

/* An arrow in the making. */
typedef struct {
  const char *name;
  GArray *slices; /* of guint */
} Path;

static guint key_hash(gconstpointer data)
{
  const unsigned char *byte = data;
  guint hash = 5381; /* as g_str_hash */

  for (gsize i = 0; i < sizeof(FlowKey); i++)
    hash = hash * 33 + byte[i];
  return hash;
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
  return memcmp(a, b, sizeof(FlowKey)) == 0;
}

static void free_path(gpointer data)
{
  Path *path = data;

  g_array_unref(path->slices);
  g_free(path);
}

typedef struct {
  TraceStory *story;
  GHashTable *paths; /* FlowKey -> Path */
  GPtrArray *order;  /* of Path, by first slice: the output does not depend on hashes */
  GHashTable *turns; /* FlowKey with number 0 -> how many dispatches, or combines, of the layer there were */
} Search;

static void pass(Search *search, const FlowKey *key, const char *name, guint slice)
{
  Path *path = g_hash_table_lookup(search->paths, key);

  if (!path) {
    path = g_new(Path, 1);
    *path = (Path){name, g_array_new(FALSE, FALSE, sizeof(guint))};
    g_hash_table_insert(search->paths, g_memdup2(key, sizeof *key), path);
    g_ptr_array_add(search->order, path);
  }
  g_array_append_val(path->slices, slice);
}

/* The same message id serves every replica of the pipeline: the replica is known by its first-stage rank. */
static void follow_message(Search *search, const TraceSlice *slice, guint index)
{
  FlowKey key = {.kind = FLOW_MESSAGE,
                 .number = slice->message,
                 .place = moe_layout_on_stage(search->story->layout, slice->rank, 0)};

  pass(search, &key, "message", index);
}

/* The n-th combine of a layer's call brings back what the n-th dispatch took away. */
static void follow_tokens(Search *search, const TraceSlice *slice, guint index)
{
  FlowKey key = {.kind = FLOW_TOKENS,
                 .place = slice->rank,
                 .micro_batch = slice->micro_batch,
                 .layer_and_stream = (uint32_t)(slice->layer + 1) << 8 | slice->stream,
                 .block = g_quark_from_static_string(slice->block)};
  FlowKey counted = key;

  counted.group_kind = slice->collective_kind;
  guint turn = GPOINTER_TO_UINT(g_hash_table_lookup(search->turns, &counted));

  g_hash_table_insert(search->turns, g_memdup2(&counted, sizeof counted), GUINT_TO_POINTER(turn + 1));
  key.number = turn;
  pass(search, &key, "dispatch to combine", index);
}

static void follow_collective(Search *search, const TraceSlice *slice, guint index)
{
  FlowKey key = {.kind = FLOW_COLLECTIVE,
                 .place = slice->group,
                 .start_ns = slice->start_ns,
                 .layer_and_stream = slice->stream,
                 .group_kind = slice->group_kind};

  pass(search, &key, slice->name, index);
}

static void follow(Search *search, guint index)
{
  const TraceSlice *slice = trace_slice_at(search->story, index);

  if (slice->message != MOE_NO_MESSAGE)
    follow_message(search, slice, index);
  if (slice->collective_kind == MOE_N_COLLECTIVES)
    return;
  follow_collective(search, slice, index);
  if (slice->collective_kind == MOE_DISPATCH || slice->collective_kind == MOE_COMBINE)
    follow_tokens(search, slice, index);
}

/* Sends before receives, then by rank, as the slices are sorted. */
static int by_direction(gconstpointer a, gconstpointer b, gpointer user_data)
{
  const TraceSlice *left = trace_slice_at(user_data, *(const guint *)a);
  const TraceSlice *right = trace_slice_at(user_data, *(const guint *)b);

  if (left->start_ns != right->start_ns)
    return left->start_ns < right->start_ns ? -1 : 1;
  if (left->stream != right->stream)
    return left->stream < right->stream ? -1 : 1;
  return (left->rank > right->rank) - (left->rank < right->rank);
}

static void keep_path(TraceStory *story, const Path *path)
{
  TraceFlow flow = {story->flows->len + 1, path->name, story->flow_slices->len, path->slices->len};

  if (path->slices->len < 2)
    return;
  g_array_sort_with_data(path->slices, by_direction, story);
  g_array_append_vals(story->flow_slices, path->slices->data, path->slices->len);
  g_array_append_val(story->flows, flow);
}

void trace_find_flows(TraceStory *story)
{
  g_autoptr(GHashTable) paths = g_hash_table_new_full(key_hash, key_equal, g_free, free_path);
  g_autoptr(GHashTable) turns = g_hash_table_new_full(key_hash, key_equal, g_free, NULL);
  g_autoptr(GPtrArray) order = g_ptr_array_new();
  Search search = {story, paths, order, turns};

  for (guint i = 0; i < story->slices->len; i++)
    follow(&search, i);
  for (guint i = 0; i < order->len; i++)
    keep_path(story, g_ptr_array_index(order, i));
}
