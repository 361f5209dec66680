/* What a request asks for. */
#include "route.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define DOORS "/api/"

/* Longest name of a file that is saved, bytes. Own choice. */
#define NAME_MAX_BYTES 100

static const ServeAsset *find_asset(const char *path)
{
  const char *wanted = strcmp(path, "/") == 0 ? "/index.html" : path;

  for (const ServeAsset *asset = moe_serve_assets; asset->path; asset++)
    if (strcmp(asset->path, wanted) == 0)
      return asset;
  return NULL;
}

static const MoeServeDoor *find_door(const MoeServeOptions *options, const char *name)
{
  for (guint i = 0; i < options->n_doors; i++)
    if (strcmp(options->doors[i].name, name) == 0)
      return &options->doors[i];
  return NULL;
}

static gboolean is_read(const char *method)
{
  return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static ServeRoute route_door(const MoeServeOptions *options, const char *method, const char *name)
{
  ServeRoute route = {.door = find_door(options, name)};

  route.kind = route.door ? ROUTE_DOOR : options->save && strcmp(name, "save") == 0 ? ROUTE_SAVE : ROUTE_NOTHING;
  if (route.kind != ROUTE_NOTHING && strcmp(method, "POST") != 0)
    return (ServeRoute){.kind = ROUTE_METHOD, .allowed = "POST"};
  return route;
}

ServeRoute moe_route(const MoeServeOptions *options, const char *method, const char *path)
{
  if (g_str_has_prefix(path, DOORS))
    return route_door(options, method, path + strlen(DOORS));
  ServeRoute route = {.kind = ROUTE_LIST};
  if (strcmp(path, "/api") != 0) {
    route.asset = find_asset(path);
    route.kind = route.asset ? ROUTE_ASSET : ROUTE_NOTHING;
  }
  if (route.kind != ROUTE_NOTHING && !is_read(method))
    return (ServeRoute){.kind = ROUTE_METHOD, .allowed = "GET, HEAD"};
  return route;
}

/* ---- bodies ------------------------------------------------------------------------------------------------------ */

/* Deepest nesting of brackets outside of texts. */
static gsize depth_of(const char *body, gsize length)
{
  gsize depth = 0, deepest = 0;
  gboolean in_text = FALSE;

  for (gsize i = 0; i < length; i++) {
    char c = body[i];
    if (in_text && c == '\\')
      i++;
    else if (c == '"')
      in_text = !in_text;
    else if (!in_text && (c == '[' || c == '{'))
      depth++;
    else if (!in_text && (c == ']' || c == '}') && depth > 0)
      depth--;
    deepest = MAX(deepest, depth);
  }
  return deepest;
}

const char *moe_route_body(const char *body, gsize length)
{
  if (!g_utf8_validate(body, (gssize)length, NULL))
    return "a body that is no text in UTF-8";
  if (depth_of(body, length) > MOE_ROUTE_DEPTH)
    return "a body that is nested too deeply";
  return NULL;
}

/* ---- saving ------------------------------------------------------------------------------------------------------ */

static gboolean is_name(const char *name)
{
  static const char *const endings[] = {".yaml", ".csv", ".json", ".html", ".png", ".svg"};
  gsize length = strlen(name);

  if (length == 0 || length > NAME_MAX_BYTES || *name == '.' || *name == '-' ||
      strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-") != length)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS(endings); i++)
    if (g_str_has_suffix(name, endings[i]))
      return TRUE;
  return FALSE;
}

static const char *member_text(JsonObject *object, const char *key)
{
  JsonNode *node = json_object_get_member(object, key);

  return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING
             ? json_node_get_string(node)
             : NULL;
}

const char *moe_route_save(const char *request, gssize length, char **name, char **text)
{
  g_autoptr(JsonParser) parser = json_parser_new();
  const char *fault = moe_route_body(request, (gsize)length);

  if (fault)
    return fault;
  if (!json_parser_load_from_data(parser, request, length, NULL))
    return "a body that is no JSON";
  JsonNode *root = json_parser_get_root(parser);
  if (!root || !JSON_NODE_HOLDS_OBJECT(root))
    return "no object, expected {\"name\": ..., \"text\": ...}";
  JsonObject *object = json_node_get_object(root);
  const char *said = member_text(object, "name"), *body = member_text(object, "text");
  if (!said || !body)
    return "expected texts as \"name\" and \"text\"";
  if (!is_name(said))
    return "expected a name of letters, digits, '.', '_' and '-' that ends in .yaml, .csv, .json, .html, .png or .svg";
  *name = g_strdup(said);
  *text = g_strdup(body);
  return NULL;
}
