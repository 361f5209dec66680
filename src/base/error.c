#include "base/base.h"

#include <string.h>

/* Longest word moe_nearest_word compares, bytes: keys and names of our formats stay far below. */
#define WORD_MAX 63

/* What an error of ours carries beside its message. */
typedef struct {
  char *subject; /* what of the input it is about; NULL: nothing that has a name */
  char *file;    /* of the mark; NULL: no place is known */
  int line, column;
  gsize place; /* bytes that the place takes in front of the message */
} MoeErrorPrivate;

static void moe_error_private_init(MoeErrorPrivate *carried)
{
  *carried = (MoeErrorPrivate){0};
}

static void moe_error_private_copy(const MoeErrorPrivate *from, MoeErrorPrivate *to)
{
  *to = *from;
  to->subject = g_strdup(from->subject);
  to->file = g_strdup(from->file);
}

static void moe_error_private_clear(MoeErrorPrivate *carried)
{
  g_free(carried->subject);
  g_free(carried->file);
}

G_DEFINE_EXTENDED_ERROR(MoeError, moe_error)

/* NULL for errors of others, which carry nothing. */
static MoeErrorPrivate *carried_by(const GError *error)
{
  return error && error->domain == MOE_ERROR ? moe_error_get_private(error) : NULL;
}

static gboolean has_control(const char *text)
{
  while (*text && !g_ascii_iscntrl(*text))
    text++;
  return *text != '\0';
}

char *moe_one_line(char *text)
{
  if (!has_control(text)) /* nearly all, and search makes many */
    return text;
  GString *line = g_string_new(NULL);

  for (const char *c = text; *c; c++)
    if (*c == '\n')
      g_string_append(line, "\\n");
    else if (g_ascii_iscntrl(*c))
      g_string_append_printf(line, "\\x%02X", (unsigned)*c);
    else
      g_string_append_c(line, *c);
  g_free(text);
  return g_string_free(line, FALSE);
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
  g_autofree char *message = moe_one_line(g_strdup_vprintf(format, args));
  va_end(args);
  GError *made = g_error_new_literal(MOE_ERROR, (gint)code, message);

  moe_error_place(made, mark);
  g_propagate_error(error, made);
  return FALSE;
}

gboolean moe_fail_about(GError **error, const char *subject, const char *format, ...)
{
  va_list args;

  if (error == NULL)
    return FALSE;
  va_start(args, format);
  g_autofree char *what = g_strdup_vprintf(format, args);
  va_end(args);
  g_autofree char *message = moe_one_line(g_strconcat(subject, ": ", what, NULL));
  GError *made = g_error_new_literal(MOE_ERROR, MOE_ERROR_INPUT, message);

  moe_error_set_subject(made, subject);
  g_propagate_error(error, made);
  return FALSE;
}

/* ---- what an error carries ---------------------------------------------------------------------- */

void moe_error_set_subject(GError *error, const char *subject)
{
  MoeErrorPrivate *carried = carried_by(error);

  if (!carried)
    return;
  g_free(carried->subject);
  carried->subject = g_strdup(subject);
}

const char *moe_error_subject(const GError *error)
{
  const MoeErrorPrivate *carried = carried_by(error);

  return carried ? carried->subject : NULL;
}

MoeMark moe_error_mark(const GError *error)
{
  const MoeErrorPrivate *carried = carried_by(error);

  return carried ? (MoeMark){carried->file, carried->line, carried->column} : (MoeMark){0};
}

const char *moe_error_what(const GError *error)
{
  const MoeErrorPrivate *carried = carried_by(error);

  return error->message + (carried ? carried->place : 0);
}

const char *moe_error_without_option(const GError *error)
{
  const char *file = moe_error_mark(error).file;

  return file && g_str_has_prefix(file, "--") ? moe_error_what(error) : error->message;
}

void moe_error_place(GError *error, MoeMark mark)
{
  MoeErrorPrivate *carried = carried_by(error);
  g_autofree char *place = moe_one_line(format_mark(mark));

  if (!carried)
    return;
  char *placed = g_strconcat(place, error->message + carried->place, NULL);

  g_free(error->message);
  error->message = placed;
  g_free(carried->file);
  carried->file = g_strdup(mark.file);
  carried->line = mark.line;
  carried->column = mark.column;
  carried->place = strlen(place);
}

/* ---- words --------------------------------------------------------------------------------------- */

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
