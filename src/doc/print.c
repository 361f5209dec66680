/* Nodes -> YAML text that reads back as the same nodes. */
#include "internal.h"

#include <string.h>

#define INDENT 2
/* A list of single values is printed on one line up to this many bytes. Own choice, as .clang-format's column limit. */
#define MAX_FLOW_BYTES 100

typedef struct {
  GString *out;
  gboolean origins;
} Printer;

static void print_children(const Printer *printer, const MoeNode *node, guint indent);

/* ---- scalars ---------------------------------------------------------------------------------------------------- */

/* Conservative: begins like a word or number, has nothing in it that YAML could take for an indicator. */
static gboolean is_plain(const char *text, gboolean in_flow)
{
  gsize length = strlen(text);

  if (!(g_ascii_isalnum(text[0]) || (text[0] && strchr("./_+$~", text[0]))) || g_str_has_prefix(text, "..."))
    return FALSE;
  if (!g_str_is_ascii(text) || text[length - 1] == ' ' || text[length - 1] == ':' || strstr(text, ": ") ||
      strstr(text, " #"))
    return FALSE;
  for (const char *p = text; *p; p++)
    if (!g_ascii_isprint(*p) || (in_flow && strchr(",[]{}:?", *p)))
      return FALSE;
  return TRUE;
}

static void print_text(GString *out, const char *text, gboolean quoted, gboolean in_flow)
{
  if (!quoted && is_plain(text, in_flow))
    g_string_append(out, text);
  else
    moe_text_append_quoted(out, text);
}

/* ---- origins ---------------------------------------------------------------------------------------------------- */

static void print_origin(const Printer *printer, MoeMark mark)
{
  if (!printer->origins)
    return;
  g_autofree char *name = g_utf8_make_valid(mark.file, -1);

  for (char *p = name; *p; p++)
    *p = g_ascii_iscntrl(*p) ? '?' : *p; /* a comment ends with its line */
  g_string_append_printf(printer->out, "  # %s", name);
  if (strcmp(mark.file, MOE_DOC_SET_NAME) != 0)
    g_string_append_printf(printer->out, ":%d", mark.line);
}

/* ---- lists on one line ------------------------------------------------------------------------------------------ */

static gboolean same_line(MoeMark a, MoeMark b)
{
  return a.line == b.line && strcmp(a.file, b.file) == 0;
}

/* Single values, lists of them, and so on, short enough, and all from one line when the origin is to be shown. */
static gboolean fits_flow(const Printer *printer, const MoeNode *node, MoeMark first, gsize *bytes)
{
  if (node->kind == MOE_NODE_MAP)
    return node->n == 0;
  if (printer->origins && !same_line(node->mark, first))
    return FALSE;
  *bytes += node->kind == MOE_NODE_SCALAR ? strlen(node->text) + strlen(", ") : strlen("[], ");
  for (guint i = 0; i < node->n && *bytes <= MAX_FLOW_BYTES; i++)
    if (!fits_flow(printer, node->items[i], first, bytes))
      return FALSE;
  return *bytes <= MAX_FLOW_BYTES;
}

static void print_flow(const Printer *printer, const MoeNode *node)
{
  if (node->kind == MOE_NODE_SCALAR) {
    print_text(printer->out, node->text, node->quoted, TRUE);
    return;
  }
  g_string_append(printer->out, node->kind == MOE_NODE_MAP ? "{" : "[");
  for (guint i = 0; i < node->n; i++) {
    g_string_append(printer->out, i ? ", " : "");
    print_flow(printer, node->items[i]);
  }
  g_string_append(printer->out, node->kind == MOE_NODE_MAP ? "}" : "]");
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static gboolean is_one_line(const Printer *printer, const MoeNode *node)
{
  gsize bytes = 0;

  return node->n == 0 || (node->kind == MOE_NODE_LIST && fits_flow(printer, node, node->mark, &bytes));
}

static void print_one_line(const Printer *printer, const MoeNode *node)
{
  if (node->kind == MOE_NODE_SCALAR)
    print_text(printer->out, node->text, node->quoted, FALSE);
  else
    print_flow(printer, node);
  print_origin(printer, node->mark);
  g_string_append_c(printer->out, '\n');
}

static void print_indent(const Printer *printer, guint indent)
{
  g_string_append_printf(printer->out, "%*s", (int)indent, "");
}

static void print_entry(const Printer *printer, const MoeNode *entry, guint indent)
{
  print_text(printer->out, entry->key, FALSE, TRUE);
  if (is_one_line(printer, entry)) {
    g_string_append(printer->out, ": ");
    print_one_line(printer, entry);
    return;
  }
  g_string_append(printer->out, ":\n");
  print_indent(printer, indent + INDENT);
  print_children(printer, entry, indent + INDENT);
}

static void print_item(const Printer *printer, const MoeNode *item, guint indent)
{
  g_string_append(printer->out, "- ");
  if (is_one_line(printer, item))
    print_one_line(printer, item);
  else
    print_children(printer, item, indent + INDENT);
}

/* The children one below the other; the first goes where the line stands, which is at `indent`. */
static void print_children(const Printer *printer, const MoeNode *node, guint indent)
{
  for (guint i = 0; i < node->n; i++) {
    if (i > 0)
      print_indent(printer, indent);
    if (node->kind == MOE_NODE_MAP)
      print_entry(printer, node->items[i], indent);
    else
      print_item(printer, node->items[i], indent);
  }
}

static void append_flow(GString *out, const MoeNode *node)
{
  gboolean map = node->kind == MOE_NODE_MAP;

  if (node->kind == MOE_NODE_SCALAR) {
    if (node->quoted)
      moe_text_append_quoted(out, node->text);
    else
      g_string_append(out, node->text);
    return;
  }
  g_string_append_c(out, map ? '{' : '[');
  for (guint i = 0; i < node->n; i++) {
    g_string_append(out, i > 0 ? ", " : "");
    if (map) {
      moe_text_append_quoted(out, node->items[i]->key);
      g_string_append(out, ": ");
    }
    append_flow(out, node->items[i]);
  }
  g_string_append_c(out, map ? '}' : ']');
}

char *moe_node_print_flow(const MoeNode *node)
{
  GString *out = g_string_new(NULL);

  append_flow(out, node);
  return g_string_free(out, FALSE);
}

char *moe_node_print(const MoeNode *node, gboolean origins)
{
  Printer printer = {g_string_new(NULL), origins};

  if (is_one_line(&printer, node))
    print_one_line(&printer, node);
  else
    print_children(&printer, node, 0);
  return g_string_free(printer.out, FALSE);
}
