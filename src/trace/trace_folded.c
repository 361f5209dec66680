/*
 * Collapsed stacks, as flame graph tools read them (https://github.com/brendangregg/FlameGraph): "frame;frame;frame
 * count", here rank, stream, block, pass and operation, and nanoseconds.
 */
#include "record/output.h"
#include "spec/work.h"
#include "trace_story.h"

#include <string.h>

/* Frames are separated by semicolons and end at a space. */
static void put_frame(GString *stack, const char *name)
{
  gsize from = stack->len + 1;

  g_string_append_c(stack, ';');
  g_string_append(stack, name);
  for (char *c = stack->str + from; *c; c++)
    if (*c == ';' || *c == ' ' || g_ascii_iscntrl(*c))
      *c = '_';
}

static char *stack_of(const TraceStory *story, const TraceSlice *slice)
{
  GString *stack = g_string_new(NULL);
  g_autofree char *process = trace_process_name(story, slice->rank);

  g_string_append(stack, g_strdelimit(process, " ", '_'));
  put_frame(stack, trace_thread_name(slice->stream));
  if (slice->stream < MOE_N_STREAMS) {
    put_frame(stack, slice->block);
    put_frame(stack, slice->pass < MOE_N_PASSES ? moe_pass_words[slice->pass] : "none");
  }
  put_frame(stack, slice->name);
  return g_string_free(stack, FALSE);
}

void trace_write_folded(const TraceStory *story, MoeOutput *output)
{
  g_autoptr(GHashTable) sums = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

  for (guint i = 0; i < story->slices->len; i++) {
    const TraceSlice *slice = trace_slice_at(story, i);
    char *stack = stack_of(story, slice);
    int64_t *sum = g_hash_table_lookup(sums, stack);

    if (sum) {
      *sum += slice->end_ns - slice->start_ns;
      g_free(stack);
    } else {
      int64_t first = slice->end_ns - slice->start_ns;

      g_hash_table_insert(sums, stack, g_memdup2(&first, sizeof first));
    }
  }
  g_autoptr(GList) stacks = g_list_sort(g_hash_table_get_keys(sums), (GCompareFunc)strcmp);

  for (GList *stack = stacks; stack; stack = stack->next)
    moe_output_printf(output, "%s %" G_GINT64_FORMAT "\n", (char *)stack->data,
                      *(int64_t *)g_hash_table_lookup(sums, stack->data));
}
