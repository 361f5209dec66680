#include "base/base.h"

#include <string.h>

/* Longest word moe_nearest_word compares, bytes: keys and names of our formats stay far below. */
#define WORD_MAX 63

GQuark moe_error_quark(void)
{
  return g_quark_from_static_string("moe-error");
}

static char *format_mark(MoeMark mark)
{
  if (mark.file == NULL)
    return g_strdup("");
  if (mark.line <= 0)
    return g_strdup_printf("%s: ", mark.file);
  if (mark.column <= 0)
    return g_strdup_printf("%s:%d: ", mark.file, mark.line);
  return g_strdup_printf("%s:%d:%d: ", mark.file, mark.line, mark.column);
}

gboolean moe_fail(GError **error, MoeErrorCode code, MoeMark mark, const char *format, ...)
{
  if (error == NULL)
    return FALSE;
  va_list args;
  va_start(args, format);
  g_autofree char *message = g_strdup_vprintf(format, args);
  va_end(args);
  g_autofree char *place = format_mark(mark);
  g_set_error(error, MOE_ERROR, (gint)code, "%s%s", place, message);
  return FALSE;
}

/* Optimal string alignment distance (Levenshtein plus swaps of neighbours), case ignored. Lengths <= WORD_MAX. */
static guint word_distance(const char *a, guint na, const char *b, guint nb)
{
  guint rows[3][WORD_MAX + 1];

  for (guint j = 0; j <= nb; j++)
    rows[0][j] = j;
  for (guint i = 1; i <= na; i++) {
    guint *row = rows[i % 3];
    const guint *above = rows[(i - 1) % 3];
    row[0] = i;
    for (guint j = 1; j <= nb; j++) {
      char ca = g_ascii_tolower(a[i - 1]);
      char cb = g_ascii_tolower(b[j - 1]);
      row[j] = MIN(MIN(above[j], row[j - 1]) + 1, above[j - 1] + (ca != cb));
      if (i > 1 && j > 1 && ca == g_ascii_tolower(b[j - 2]) && g_ascii_tolower(a[i - 2]) == cb)
        row[j] = MIN(row[j], rows[(i - 2) % 3][j - 2] + 1);
    }
  }
  return rows[na % 3][nb];
}

const char *moe_nearest_word(const char *word, const char *const *known)
{
  size_t length = strlen(word);
  const char *best = NULL;

  if (length > WORD_MAX)
    return NULL;
  /* One slip in three letters is still a slip; more is another word. */
  guint limit = (guint)MAX(length / 3, 1);
  for (; *known; known++) {
    size_t known_length = strlen(*known);
    if (known_length > WORD_MAX)
      continue;
    guint distance = word_distance(word, (guint)length, *known, (guint)known_length);
    if (distance <= limit && distance < known_length) {
      best = *known;
      if (distance == 0)
        break;
      limit = distance - 1;
    }
  }
  return best;
}
