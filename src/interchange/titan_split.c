/* How torchtitan divides layers into the chunks of a pipeline (torchtitan/distributed/pipeline_parallel.py). */
#include "titan.h"

char *titan_layout(int64_t layers, int64_t chunks, int64_t first, int64_t last)
{
  int64_t places = layers + first + last;
  g_autoptr(GString) layout = g_string_new("E");

  for (int64_t i = 0; i < chunks; i++) {
    int64_t here =
        places / chunks + (i < places % chunks ? 1 : 0) - (i == 0 ? first : 0) - (i == chunks - 1 ? last : 0);

    if (here > 0)
      g_string_append_printf(layout, "t*%" G_GINT64_FORMAT, here);
    g_string_append_c(layout, i < chunks - 1 ? '|' : 'L');
  }
  return g_string_free(g_steal_pointer(&layout), FALSE);
}
