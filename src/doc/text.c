/* Text for messages and for printing. */
#include "internal.h"

#define NEXT_LINE           0x85
#define NO_BREAK_SPACE      0xA0
#define LINE_SEPARATOR      0x2028
#define PARAGRAPH_SEPARATOR 0x2029
#define BYTE_ORDER_MARK     0xFEFF
#define LAST_OF_PLANE_0     0xFFFD
#define LAST_ASCII_GRAPHIC  0x7E

/* YAML 1.1, section 4.1.1 (c-printable), less what a one-line scalar may not hold unescaped. */
gboolean moe_text_printable(gunichar c)
{
  if (c < NO_BREAK_SPACE)
    return c >= ' ' && c <= LAST_ASCII_GRAPHIC;
  if (c == LINE_SEPARATOR || c == PARAGRAPH_SEPARATOR || c == BYTE_ORDER_MARK)
    return FALSE;
  return c <= LAST_OF_PLANE_0 || c > 0xFFFF;
}

static void append_escaped(GString *out, gunichar c)
{
  if (c == '"' || c == '\\')
    g_string_append_printf(out, "\\%c", (char)c);
  else if (c == '\n')
    g_string_append(out, "\\n");
  else if (c == '\t')
    g_string_append(out, "\\t");
  else if (moe_text_printable(c))
    g_string_append_unichar(out, c);
  else if (c <= G_MAXUINT8)
    g_string_append_printf(out, "\\x%02X", c);
  else
    g_string_append_printf(out, "\\u%04X", c);
}

static void append_quoted(GString *out, const char *text, glong characters)
{
  g_string_append_c(out, '"');
  for (glong i = 0; *text && i < characters; i++) {
    append_escaped(out, g_utf8_get_char(text));
    text = g_utf8_next_char(text);
  }
  g_string_append(out, *text ? "...\"" : "\"");
}

void moe_text_append_quoted(GString *out, const char *text)
{
  append_quoted(out, text, G_MAXLONG);
}

char *moe_text_show(const char *text)
{
  g_autofree char *valid = g_utf8_validate(text, -1, NULL) ? NULL : g_utf8_make_valid(text, -1);
  GString *out = g_string_new(NULL);

  append_quoted(out, valid ? valid : text, MOE_DOC_SHOWN_CHARACTERS);
  return g_string_free(out, FALSE);
}

char *moe_text_list(const char *const *words)
{
  GString *out = g_string_new(NULL);

  for (guint i = 0; words[i]; i++)
    g_string_append_printf(out, "%s%s", i ? ", " : "", words[i]);
  return g_string_free(out, FALSE);
}

const char *moe_kind_name(MoeNodeKind kind)
{
  static const char *const names[] = {"a single value", "a list", "a map"};

  return names[kind];
}
