/* Where a file says what an error is about: the error carries an argument or a key, and the text is searched for it. */
#include "place.h"

#include "base/base.h"

#include <string.h>

/* ---- where it stands ---------------------------------------------------------------------------- */

static gboolean is_inside(char c)
{
  return g_ascii_isalnum(c) || c == '_' || c == '-' || c == '.' || (guchar)c >= 0x80;
}

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

/* The place of an argument or key (NULL: none) in the input; the file alone where it does not have it. */
static MoeMark find_mark(const MoeImportText *input, const char *name)
{
  gboolean sound = name && g_utf8_validate(input->text, (gssize)input->length, NULL);
  g_autofree char *text = sound ? g_strndup(input->text, input->length) : NULL;
  const char *at = text ? find_name(text, name) : NULL;

  return at ? mark_at(text, at, input->name) : (MoeMark){.file = input->name};
}

void import_place(const MoeImportText *input, GError **error)
{
  if (error && *error && !moe_error_mark(*error).file)
    moe_error_place(*error, find_mark(input, moe_error_subject(*error)));
}

/* ---- a run that was made and cannot be ---------------------------------------------------------- */

/* The last part of the key on a line of a run; NULL when there is none. */
static char *find_key(const char *text, int line)
{
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  const char *found = line > 0 && line <= (int)g_strv_length(lines) ? lines[line - 1] : "";

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
  MoeMark where = moe_error_mark(reason);
  g_autofree char *key = g_strcmp0(where.file, run) == 0 ? find_key(import->text, where.line) : NULL;
  g_autofree char *from = find_applied(import, key), *name = from ? g_strndup(from, strcspn(from, " =")) : NULL;

  return moe_fail(error, (MoeErrorCode)reason->code, input ? find_mark(input, name) : (MoeMark){0},
                  "the imported run cannot exist: %s%s%s%s", key ? moe_error_what(reason) : reason->message,
                  from ? " (from " : "", from ? from : "", from ? ")" : "");
}
