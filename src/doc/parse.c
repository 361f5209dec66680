/* YAML text -> nodes, by libyaml's events. */
#include "internal.h"

#include <string.h>
#include <yaml.h>

static const char BYTE_ORDER_MARK[] = "\xEF\xBB\xBF"; /* UTF-8 */

typedef struct {
  MoeDoc *doc;
  const MoeText *text;
  yaml_parser_t *parser;
} Reader;

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(yaml_event_t, yaml_event_delete)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(yaml_parser_t, yaml_parser_delete)

static MoeNode *parse_node(Reader *reader, const yaml_event_t *event, guint depth, GError **error);

/* ---- marks and failures ----------------------------------------------------------------------------------------- */

static MoeMark mark_at(const Reader *reader, yaml_mark_t at)
{
  int offset = at.line == 0 ? reader->text->column : 0;

  return (MoeMark){reader->text->source->name, (int)at.line + 1, (int)at.column + 1 + offset};
}

static gboolean fail_at(const Reader *reader, yaml_mark_t at, GError **error, const char *what)
{
  return moe_fail(error, MOE_ERROR_INPUT, mark_at(reader, at), "%s", what);
}

static gboolean begins_with_tab(const Reader *reader, yaml_mark_t at)
{
  const char *character = g_utf8_offset_to_pointer(reader->text->bytes, (glong)at.index);

  return character < reader->text->bytes + reader->text->length && *character == '\t';
}

/* libyaml's own complaint about the syntax. */
static gboolean fail_syntax(const Reader *reader, GError **error)
{
  const yaml_parser_t *parser = reader->parser;
  /* A value of one line that ends too early is said to end in the next: point to where the open part begins. */
  gboolean at_context = reader->text->flow && parser->context && parser->problem_mark.line > 0;
  MoeMark mark = mark_at(reader, at_context ? parser->context_mark : parser->problem_mark);

  if (parser->error == YAML_MEMORY_ERROR)
    g_error("out of memory"); /* as GLib does */
  if (parser->error == YAML_SCANNER_ERROR && begins_with_tab(reader, parser->problem_mark))
    return moe_fail(error, MOE_ERROR_INPUT, mark, "tab, expected spaces as indentation");
  if (!parser->context)
    return moe_fail(error, MOE_ERROR_INPUT, mark, "%s, expected valid YAML", parser->problem);
  return moe_fail(error, MOE_ERROR_INPUT, mark, "%s %s that begins in line %d, expected valid YAML", parser->problem,
                  parser->context, (int)parser->context_mark.line + 1);
}

static gboolean next_event(const Reader *reader, yaml_event_t *event, GError **error)
{
  return yaml_parser_parse(reader->parser, event) || fail_syntax(reader, error);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------ */

static const char *tag_of(const yaml_event_t *event)
{
  const yaml_char_t *tag = NULL;

  if (event->type == YAML_SCALAR_EVENT)
    tag = event->data.scalar.tag;
  else if (event->type == YAML_SEQUENCE_START_EVENT)
    tag = event->data.sequence_start.tag;
  else if (event->type == YAML_MAPPING_START_EVENT)
    tag = event->data.mapping_start.tag;
  return (const char *)tag;
}

static const char *anchor_of(const yaml_event_t *event)
{
  const yaml_char_t *anchor = NULL;

  if (event->type == YAML_SCALAR_EVENT)
    anchor = event->data.scalar.anchor;
  else if (event->type == YAML_SEQUENCE_START_EVENT)
    anchor = event->data.sequence_start.anchor;
  else if (event->type == YAML_MAPPING_START_EVENT)
    anchor = event->data.mapping_start.anchor;
  return (const char *)anchor;
}

/* Anchors, aliases and tags are not part of the format. */
static gboolean check_properties(const Reader *reader, const yaml_event_t *event, GError **error)
{
  const char *tag = tag_of(event);

  if (event->type == YAML_ALIAS_EVENT)
    return fail_at(reader, event->start_mark, error, "alias (*), expected the value itself; `extends` shares settings");
  if (anchor_of(event))
    return fail_at(reader, event->start_mark, error,
                   "anchor (&), expected the value itself; `extends` shares settings");
  if (tag) {
    g_autofree char *shown = moe_text_show(tag);
    g_autofree char *what = g_strdup_printf("tag %s, expected a value without tag", shown);
    return fail_at(reader, event->start_mark, error, what);
  }
  return TRUE;
}

/* YAML 1.1, http://yaml.org/type/null.html */
static gboolean is_null_word(const char *text)
{
  static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};

  return g_strv_contains(words, text);
}

static gboolean has_nul(const yaml_event_t *event)
{
  return memchr(event->data.scalar.value, '\0', event->data.scalar.length) != NULL;
}

static MoeNode *parse_scalar(Reader *reader, const yaml_event_t *event, guint depth, GError **error)
{
  const char *text = (const char *)event->data.scalar.value;

  if (has_nul(event)) {
    fail_at(reader, event->start_mark, error, "NUL character in a value, expected text");
    return NULL;
  }
  MoeNode *node = moe_node_new(reader->doc, MOE_NODE_SCALAR, depth, mark_at(reader, event->start_mark), error);
  if (!node)
    return NULL;
  node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
  if (!node->quoted && is_null_word(text))
    text = "null";
  node->text = moe_doc_arena_text(&reader->doc->arena, text, strlen(text));
  return node;
}

static gboolean parse_items(Reader *reader, MoeNode *list, GError **error)
{
  for (;;) {
    g_auto(yaml_event_t) event = {0};

    if (!next_event(reader, &event, error))
      return FALSE;
    if (event.type == YAML_SEQUENCE_END_EVENT)
      return TRUE;
    MoeNode *item = parse_node(reader, &event, list->depth + 1u, error);
    if (!item)
      return FALSE;
    moe_node_append(reader->doc, list, item);
  }
}

static gboolean check_key(const Reader *reader, const MoeNode *map, const yaml_event_t *event, GError **error)
{
  if (!check_properties(reader, event, error))
    return FALSE;
  if (event->type != YAML_SCALAR_EVENT)
    return fail_at(reader, event->start_mark, error, "list or map as a key, expected a name");
  if (has_nul(event))
    return fail_at(reader, event->start_mark, error, "NUL character in a key, expected a name");
  MoeMark mark = mark_at(reader, event->start_mark);
  if (!moe_key_check(event->data.scalar.length, mark, error))
    return FALSE;
  int at = moe_node_index(map, (const char *)event->data.scalar.value);
  if (at < 0)
    return TRUE;
  g_autofree char *shown = moe_text_show(map->items[at]->key);
  return moe_fail(error, MOE_ERROR_INPUT, mark, "key %s a second time, expected it once; the first is in line %d",
                  shown, map->items[at]->key_mark.line);
}

/* The value that belongs to the key in `key`, appended to the map. */
static gboolean parse_entry(Reader *reader, MoeNode *map, const yaml_event_t *key, GError **error)
{
  g_auto(yaml_event_t) event = {0};

  if (!check_key(reader, map, key, error) || !next_event(reader, &event, error))
    return FALSE;
  MoeNode *value = parse_node(reader, &event, map->depth + 1u, error);
  if (!value)
    return FALSE;
  moe_node_set_key(reader->doc, value, (const char *)key->data.scalar.value, mark_at(reader, key->start_mark));
  moe_node_append(reader->doc, map, value);
  return TRUE;
}

static gboolean parse_entries(Reader *reader, MoeNode *map, GError **error)
{
  for (;;) {
    g_auto(yaml_event_t) event = {0};

    if (!next_event(reader, &event, error))
      return FALSE;
    if (event.type == YAML_MAPPING_END_EVENT)
      return TRUE;
    if (!parse_entry(reader, map, &event, error))
      return FALSE;
  }
}

static MoeNode *parse_node(Reader *reader, const yaml_event_t *event, guint depth, GError **error)
{
  if (!check_properties(reader, event, error))
    return NULL;
  if (event->type == YAML_SCALAR_EVENT)
    return parse_scalar(reader, event, depth, error);
  gboolean is_map = event->type == YAML_MAPPING_START_EVENT;
  MoeNode *node = moe_node_new(reader->doc, is_map ? MOE_NODE_MAP : MOE_NODE_LIST, depth,
                               mark_at(reader, event->start_mark), error);
  if (!node || !(is_map ? parse_entries : parse_items)(reader, node, error))
    return NULL;
  return node;
}

/* ---- the document around them ----------------------------------------------------------------------------------- */

static gboolean is_block_style(const yaml_event_t *event)
{
  return (event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.style != YAML_FLOW_MAPPING_STYLE) ||
         (event->type == YAML_SEQUENCE_START_EVENT && event->data.sequence_start.style != YAML_FLOW_SEQUENCE_STYLE);
}

static gboolean check_root(const Reader *reader, const yaml_event_t *event, GError **error)
{
  if (reader->text->flow && is_block_style(event))
    return fail_at(reader, event->start_mark, error, "block style, expected one line such as {key: value} or [1, 2]");
  if (!reader->text->flow && event->type == YAML_SEQUENCE_START_EVENT)
    return fail_at(reader, event->start_mark, error, "a list, expected a map (key: value)");
  if (!reader->text->flow && event->type == YAML_SCALAR_EVENT)
    return fail_at(reader, event->start_mark, error, "a single value, expected a map (key: value)");
  return TRUE;
}

/* First character at or after `from` that is neither blank nor in a comment, or the end of the text. */
static const char *skip_empty_lines(const Reader *reader, const char *from)
{
  const char *end = reader->text->bytes + reader->text->length;

  while (from < end && strchr(" \t\r\n#", *from)) {
    const char *newline = *from == '#' ? memchr(from, '\n', (gsize)(end - from)) : from;

    from = newline ? newline + 1 : end;
  }
  return from;
}

static yaml_mark_t mark_of_text(const Reader *reader, const char *at)
{
  yaml_mark_t mark = {0};

  for (const char *p = reader->text->bytes; p < at; p = g_utf8_next_char(p)) {
    mark.column = *p == '\n' ? 0 : mark.column + 1;
    mark.line += *p == '\n';
  }
  return mark;
}

/* Directives are refused before libyaml sees them: it compares each %TAG with all others, which hostile input makes
 * slow. */
static gboolean check_start(const Reader *reader, GError **error)
{
  const char *first = skip_empty_lines(reader, reader->text->bytes);

  if (first < reader->text->bytes + reader->text->length && *first == '%')
    return fail_at(reader, mark_of_text(reader, first), error, "% directive, expected plain YAML");
  return TRUE;
}

static gboolean check_nothing_after(const Reader *reader, const yaml_event_t *document_end, GError **error)
{
  const char *after = g_utf8_offset_to_pointer(reader->text->bytes, (glong)document_end->end_mark.index);
  const char *more = skip_empty_lines(reader, after);

  if (more < reader->text->bytes + reader->text->length)
    return fail_at(reader, mark_of_text(reader, more), error,
                   "more text after the document, expected one YAML document");
  return TRUE;
}

/* The start of stream and document; FALSE without error when there is no document. */
static gboolean read_opening(const Reader *reader, GError **error)
{
  g_auto(yaml_event_t) stream = {0};
  g_auto(yaml_event_t) document = {0};

  if (!check_start(reader, error) || !next_event(reader, &stream, error) || !next_event(reader, &document, error))
    return FALSE;
  if (document.type == YAML_STREAM_END_EVENT)
    return moe_fail(error, MOE_ERROR_INPUT, mark_at(reader, (yaml_mark_t){0}), "nothing here, expected %s",
                    reader->text->flow ? "a value" : "a map (key: value)");
  return TRUE;
}

static MoeNode *read_document(Reader *reader, GError **error)
{
  g_auto(yaml_event_t) root = {0};
  g_auto(yaml_event_t) end = {0};

  if (!read_opening(reader, error) || !next_event(reader, &root, error) || !check_root(reader, &root, error))
    return NULL;
  MoeNode *node = parse_node(reader, &root, reader->text->depth, error);
  if (!node || !next_event(reader, &end, error) || !check_nothing_after(reader, &end, error))
    return NULL;
  return node;
}

static MoeText without_byte_order_mark(const MoeText *text)
{
  MoeText body = *text;
  gsize bytes = strlen(BYTE_ORDER_MARK);

  if (body.length >= bytes && memcmp(body.bytes, BYTE_ORDER_MARK, bytes) == 0) {
    body.bytes += bytes;
    body.length -= bytes;
  }
  return body;
}

MoeNode *moe_parse_text(MoeDoc *doc, const MoeText *text, GError **error)
{
  MoeText body = without_byte_order_mark(text);
  g_auto(yaml_parser_t) parser = {0};

  if (!moe_input_check(body.bytes, body.length, body.source->name, error))
    return NULL;
  if (!yaml_parser_initialize(&parser))
    g_error("out of memory"); /* as GLib does */
  yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&parser, (const unsigned char *)body.bytes, body.length);
  return read_document(&(Reader){doc, &body, &parser}, error);
}
