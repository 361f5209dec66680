/* Text line by line. */
#include "notation/lines.h"

#include <math.h>
#include <string.h>

#define ESCAPE 0x1b

void lines_init(Lines *lines, const char *name, const char *text, gsize length)
{
  *lines = (Lines){.name = name, .next = text, .end = text + length, .line = g_string_new(NULL)};
}

void lines_clear(Lines *lines)
{
  g_string_free(lines->line, TRUE);
}

/* Behind a sequence like ESC [ 3 1 m. */
static const char *pass_escape(const char *at, const char *end)
{
  at++;
  if (at < end && *at == '[')
    for (at++; at < end && !g_ascii_isalpha(*at); at++)
      ;
  return at < end ? at + 1 : end;
}

gboolean lines_next(Lines *lines)
{
  const char *at = lines->next, *end = at < lines->end ? memchr(at, '\n', (gsize)(lines->end - at)) : NULL;

  if (at >= lines->end)
    return FALSE;
  end = end ? end : lines->end;
  lines->number++;
  lines->next = end + 1;
  g_string_truncate(lines->line, 0);
  while (at < end) {
    if (*at == ESCAPE) {
      at = pass_escape(at, end);
      continue;
    }
    if (g_ascii_isprint(*at) || *at == '\t')
      g_string_append_c(lines->line, *at);
    at++;
  }
  return TRUE;
}

MoeMark lines_mark(const Lines *lines, const char *at)
{
  return (MoeMark){.file = lines->name, .line = lines->number, .column = at ? (guint)(at - lines->line->str) + 1 : 1};
}

const char *lines_after(const Lines *lines, const char *key)
{
  const char *at = strstr(lines->line->str, key);

  if (!at)
    return NULL;
  for (at += strlen(key); *at == ' ' || *at == '\t'; at++)
    ;
  return at;
}

gboolean lines_number(const Lines *lines, const char *key, double least, double most, double *value, GError **error)
{
  const char *at = lines_after(lines, key);
  g_autoptr(GString) digits = g_string_new(NULL);

  if (!at)
    return TRUE;
  for (const char *c = at; *c == ',' || *c == '.' || *c == '-' || *c == '+' || g_ascii_isalnum(*c); c++)
    if (*c != ',')
      g_string_append_c(digits, *c);
  char *end = digits->str;
  double number = g_ascii_strtod(digits->str, &end);

  if (end == digits->str || !(number >= least && number <= most))
    return moe_fail(error, MOE_ERROR_INPUT, lines_mark(lines, at), "'%.20s' behind %s, expected a number from %g to %g",
                    at, key, least, most);
  *value = number;
  return TRUE;
}
