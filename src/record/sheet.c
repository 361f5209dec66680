/* Text within a margin. */
#include "record/table.h"

#include <string.h>

#define LONGEST_UNIT 3 /* letters that stay with the number before them */
#define INDENT       4 /* of a line that goes on, beyond that of the line it belongs to */
/* Where a word may break that is too long for a line. */
#define BREAK_AFTER ",/;:=_-+&."

glong moe_text_width(const char *text)
{
  glong widest = 0;

  for (const char *end = strchr(text, '\n'); end; end = strchr(text, '\n')) {
    widest = MAX(widest, g_utf8_strlen(text, end - text));
    text = end + 1;
  }
  return MAX(widest, g_utf8_strlen(text, -1));
}

/* A space between a number and what may be its unit: "39.4 %", "80 GB". */
static gboolean is_before_unit(const char *space)
{
  gsize length = strcspn(space + 1, " ,;:)");

  return g_ascii_isdigit(space[-1]) && length > 0 && length <= LONGEST_UNIT && !g_ascii_isdigit(space[1]);
}

/* Bytes of `text`, which is longer than `width` characters, that make a line: up to a space (left out of it), behind a
 * mark in a long word, or just as many as there is room for. */
static gsize line_length(const char *text, glong width)
{
  const char *limit = g_utf8_offset_to_pointer(text, width);
  const char *start = text + strspn(text, " ");

  for (const char *at = limit; at > start; at--)
    if (*at == ' ' && !is_before_unit(at))
      return (gsize)(at - text);
  for (const char *at = limit - 1; at > start; at--)
    if (strchr(BREAK_AFTER, *at))
      return (gsize)(at + 1 - text);
  return (gsize)(limit - text);
}

/* Where a command to type may go on in the next line, from better to worse: before an option, between words, within a
 * quoted word. */
typedef enum { BREAK_OPTION, BREAK_WORD, BREAK_QUOTED, N_BREAKS } Break;

/* Bytes of `text` that make its first line of at most `width` characters; all of it where it cannot break. */
static gsize command_length(const char *text, glong width, Break *kind)
{
  const char *limit = g_utf8_offset_to_pointer(text, width);
  const char *found[N_BREAKS] = {NULL};
  gboolean quoted = FALSE;

  for (const char *at = text; at <= limit && *at; at++) {
    quoted ^= *at == '\'';
    if (*at != ' ' || at == text)
      continue;
    found[quoted ? BREAK_QUOTED : at[1] == '-' ? BREAK_OPTION : BREAK_WORD] = at;
  }
  for (*kind = BREAK_OPTION; *kind < N_BREAKS; (*kind)++)
    if (found[*kind])
      return (gsize)(found[*kind] - text);
  return strlen(text);
}

static void append_break(GString *text, const char *tail, guint indent)
{
  g_string_append_printf(text, "%s\n%*s", tail, (int)indent, "");
}

/* Can be pasted into a shell: a quote that is closed and opened again around the line's end is one word still. */
static void wrap_command(GString *wrapped, const char *line, glong width, guint indent)
{
  gsize spaces = strspn(line, " ");
  glong room = width - (glong)spaces;

  g_string_append_len(wrapped, line, (gssize)spaces);
  line += spaces;
  while (g_utf8_strlen(line, -1) > room) {
    Break kind;
    gsize length = command_length(line, MAX(1, room - 2), &kind);

    if (line[length] == '\0')
      break;
    g_string_append_len(wrapped, line, (gssize)length);
    append_break(wrapped, kind == BREAK_QUOTED ? " '\\" : " \\", kind == BREAK_QUOTED ? 0 : indent);
    g_string_append(wrapped, kind == BREAK_QUOTED ? "'" : "");
    line += length + 1;
    room = width - (kind == BREAK_QUOTED ? 1 : (glong)indent);
  }
  g_string_append(wrapped, line);
}

static void wrap_line(GString *wrapped, const char *line, glong width, guint indent)
{
  glong room = width;

  while (g_utf8_strlen(line, -1) > room) {
    gsize length = line_length(line, room);

    g_string_append_len(wrapped, line, (gssize)length);
    append_break(wrapped, "", indent);
    line += length;
    line += strspn(line, " ");
    room = MAX(1, width - (glong)indent);
  }
  g_string_append(wrapped, line);
}

char *moe_text_wrap(const char *text, glong width, guint indent)
{
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  GString *wrapped = g_string_new(NULL);

  for (char **line = lines; *line; line++) {
    if (line > lines)
      g_string_append_c(wrapped, '\n');
    wrap_line(wrapped, *line, width, indent);
  }
  return g_string_free(wrapped, FALSE);
}

/* Where what follows a line begins: below what stands behind its first gap, else some way in. */
static guint hanging_indent(const char *line, guint width)
{
  guint spaces = (guint)strspn(line, " ");
  const char *gap = strstr(line + spaces, "  ");
  glong behind = gap ? g_utf8_strlen(line, gap - line) + (glong)strspn(gap, " ") : 0;

  return behind > 0 && behind <= width / 2 ? (guint)behind : MIN(spaces + INDENT, width / 2);
}

/* "  moesim run a.yaml", as examples and answers give it. */
static gboolean is_command(const char *line)
{
  gsize spaces = strspn(line, " ");

  return spaces > 0 && g_str_has_prefix(line + spaces, "moesim ");
}

char *moe_sheet_wrap(const char *text, MoeSheet sheet)
{
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  GString *wrapped = g_string_new(NULL);

  for (char **line = lines; *line; line++) {
    if (line > lines)
      g_string_append_c(wrapped, '\n');
    if (sheet.width == 0)
      g_string_append(wrapped, *line);
    else if (is_command(*line))
      wrap_command(wrapped, *line, sheet.width, (guint)strspn(*line, " ") + INDENT);
    else
      wrap_line(wrapped, *line, sheet.width, hanging_indent(*line, sheet.width));
  }
  return g_string_free(wrapped, FALSE);
}
