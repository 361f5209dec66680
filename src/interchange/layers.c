/* Lists that say something of each layer, and the periods in them. */
#include "import.h"

gboolean import_is_regular(const GArray *list, int64_t *first, int64_t *every)
{
  int64_t n = list->len, second = 0;

  for (*first = 0; *first < n && !g_array_index(list, gboolean, *first);)
    (*first)++;
  for (second = *first + 1; second < n && !g_array_index(list, gboolean, second);)
    second++;
  *every = MAX(second - *first, 1);
  for (int64_t i = 0; i < n; i++)
    if (g_array_index(list, gboolean, i) != (i >= *first && (i - *first) % *every == 0))
      return FALSE;
  return *first < n;
}

int64_t import_closing_period(const GArray *list)
{
  for (guint period = 1; period <= list->len + 1; period++) {
    guint i = 0;

    while (i < list->len && !g_array_index(list, gboolean, i) == ((i + 1) % period == 0))
      i++;
    if (i == list->len)
      return period;
  }
  return 0;
}
