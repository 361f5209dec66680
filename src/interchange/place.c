/* Where a file says what an error is about: messages name an argument or a key, and the text is searched for it. */
#include "place.h"

#include "base/base.h"

#include <string.h>

#define NOT_UNDERSTOOD "not understood, and it may shape the answer: " /* as import_settle writes it */

/* ---- what a message is about ------------------------------------------------------------------ */

/* The message behind "FILE: ", or the whole; NULL when line and column stand there. */
static const char *skip_file(const char *message, const char *name)
{
  gsize length = strlen(name);

  if (strncmp(message, name, length) != 0 || message[length] != ':')
    return message;
  return message[length + 1] == ' ' ? message + length + 2 : NULL;
}

static gboolean is_inside(char c)
{
  return g_ascii_isalnum(c) || c == '_' || c == '-' || c == '.' || (guchar)c >= 0x80;
}

/* The name that a message begins with, as "--name", "name:" or a key in quotes; NULL when it begins otherwise. */
static char *find_subject(const char *message)
{
  gboolean listed = g_str_has_prefix(message, NOT_UNDERSTOOD);
  const char *start = message + (listed ? strlen(NOT_UNDERSTOOD) : 0);
  gboolean quoted = *start == '"';
  gsize length = 0;

  start += quoted ? 1 : 0;
  while (is_inside(start[length]))
    length++;
  gboolean named = listed || quoted || g_str_has_prefix(start, "--") || start[length] == ':';

  return length > 0 && named ? g_strndup(start, length) : NULL;
}

/* ---- where it stands ---------------------------------------------------------------------------- */

static gboolean is_same(char a, char b)
{
  return a == b || (a == '-' && b == '_') || (a == '_' && b == '-');
}

/* Whether `name` (`length` bytes) stands at `at` as a whole word. */
static gboolean is_at(const char *text, const char *at, const char *name, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if (at[i] == '\0' || !is_same(at[i], name[i]))
      return FALSE;
  return (at == text || !is_inside(at[-1])) && !is_inside(at[length]);
}

/* From here to the end of the line is a comment. */
static gboolean is_comment(const char *text, const char *at)
{
  return *at == '#' && (at == text || g_ascii_isspace(at[-1]));
}

/* The last place of a word behind `from`, outside comments; NULL when there is none. */
static const char *find_word(const char *text, const char *from, const char *name, gsize length)
{
  const char *found = NULL;

  for (const char *at = from; *at; at++) {
    if (is_comment(text, at))
      at += strcspn(at, "\n");
    else if (is_at(text, at, name, length))
      found = at;
    if (*at == '\0')
      break;
  }
  return found;
}

/* The place of a name: as it is, without the dashes (YAML), or part by part ("training.steps" of a section). */
static const char *find_name(const char *text, const char *name)
{
  const char *found = find_word(text, text, name, strlen(name)), *from = text;

  if (found)
    return found;
  for (name += strspn(name, "-"); *name; name += *name == '.' ? 1 : 0) {
    gsize length = strcspn(name, ".");

    found = length > 0 ? find_word(text, from, name, length) : NULL;
    if (!found)
      return NULL;
    from = found + length;
    name += length;
  }
  return found;
}

static MoeMark mark_at(const char *text, const char *at, const char *file)
{
  MoeMark mark = {.file = file, .line = 1};
  const char *line = text;

  for (const char *c = text; c < at; c++)
    if (*c == '\n') {
      mark.line++;
      line = c + 1;
    }
  mark.column = (int)g_utf8_strlen(line, at - line) + 1;
  return mark;
}

void import_place(const MoeImportText *input, GError **error)
{
  const char *message = error && *error ? skip_file((*error)->message, input->name) : NULL;

  if (!message || !g_utf8_validate(input->text, (gssize)input->length, NULL))
    return;
  g_autofree char *text = g_strndup(input->text, input->length);
  g_autofree char *subject = find_subject(message);
  const char *at = subject ? find_name(text, subject) : NULL;
  g_autofree char *kept = g_strdup(message);
  MoeErrorCode code = (MoeErrorCode)(*error)->code;

  g_clear_error(error);
  moe_fail(error, code, at ? mark_at(text, at, input->name) : (MoeMark){.file = input->name}, "%s", kept);
}

/* ---- a run that was made and cannot be ---------------------------------------------------------- */

/* The last part of the key on the line of a run that `message` ("NAME:LINE:COLUMN: ...") names; NULL when none does. */
static char *find_key(const char *text, const char *message, const char *run)
{
  gsize length = strlen(run);
  gint64 line = strncmp(message, run, length) == 0 && message[length] == ':'
                    ? g_ascii_strtoll(message + length + 1, NULL, 10)
                    : 0;
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  const char *found = line > 0 && line <= (gint64)g_strv_length(lines) ? lines[line - 1] : "";

  found += strspn(found, " -");
  return strchr(found, ':') ? g_strndup(found, strcspn(found, ":")) : NULL;
}

/* What of the input became `key`: "NAME VALUE"; NULL when it was chosen or follows from several. */
static char *find_applied(const MoeImport *import, const char *key)
{
  char *found = NULL;

  for (guint i = 0; key && i < import->applied->len; i++) {
    const char *entry = g_ptr_array_index(import->applied, i), *arrow = strstr(entry, " -> ");
    const char *last = arrow ? strrchr(arrow, '.') : NULL;

    if (!arrow || strcmp(last ? last + 1 : arrow + strlen(" -> "), key) != 0)
      continue;
    g_free(found); /* of several the last counts */
    found = g_strndup(entry, (gsize)(arrow - entry));
  }
  return found;
}

gboolean moe_import_refuse_run(const MoeImport *import, const MoeImportText *input, const char *run,
                               const GError *reason, GError **error)
{
  const char *message = reason->message, *end = g_str_has_prefix(message, run) ? strstr(message, ": ") : NULL;
  g_autofree char *key = find_key(import->text, message, run), *from = find_applied(import, key);
  g_autofree char *text = input ? g_strndup(input->text, input->length) : NULL;
  g_autofree char *name = from ? g_strndup(from, strcspn(from, " =")) : NULL;
  const char *at = text && name ? find_name(text, name) : NULL;
  MoeMark mark = at ? mark_at(text, at, input->name) : input ? (MoeMark){.file = input->name} : (MoeMark){0};

  return moe_fail(error, (MoeErrorCode)reason->code, mark, "the imported run cannot exist: %s%s%s%s",
                  end ? end + strlen(": ") : message, from ? " (from " : "", from ? from : "", from ? ")" : "");
}
