/* In what two resolved documents differ, key by key, and which keys belong together. */
#include "doc/doc.h"
#include "internal.h"
#include "spec/spec.h"

#include <string.h>

#define LONGEST_TEXT 72 /* characters of a value in a table */

/* Keys that say nothing about a step, at any depth. */
static const char *const silent_keys[] = {"title",       "source", "name", "assumptions", "variants", "rumour",
                                          "reliability", "price",  "why",  "date",        "goodput",  NULL};

/* The fits of a class are no key: what the key of its family makes. */
static char *family_key(const char *kernel_class)
{
  g_autofree char *word = g_strdelimit(g_strdup(kernel_class), "-", '_');

  return g_strconcat("stack.family.", strcmp(word, "bandwidth") == 0 ? "elementwise" : word, NULL);
}

/* That of the nearest section that the schema knows, for keys that are free and values below them. */
static const char *mechanism_around(const GPtrArray *schema, const char *path)
{
  g_autofree char *rest = g_strdup(path);

  while (rest) {
    const MoeSchemaKey *key = moe_schema_find(schema, rest);
    char *dot = strrchr(rest, '.');

    if (key)
      return key->mechanism;
    if (!dot)
      return NULL;
    *dot = '\0';
  }
  return NULL;
}

char *moe_diff_mechanism(const GPtrArray *schema, const MoeDiffKey *key)
{
  g_autofree char *family = key->kernel_class ? family_key(key->kernel_class) : NULL;
  const char *mechanism = mechanism_around(schema, family ? family : key->path);

  return g_strdup(mechanism ? mechanism : key->path);
}

/* ---- texts ------------------------------------------------------------------------------------------------------ */

/* "[a, b]" or "{k: v}". */
static char *nested_text(const MoeNode *node)
{
  gboolean map = moe_node_kind(node) == MOE_NODE_MAP;
  GString *text = g_string_new(map ? "{" : "[");

  for (guint i = 0; i < moe_node_size(node); i++) {
    g_autofree char *item = moe_diff_text(moe_node_at(node, i));

    g_string_append_printf(text, "%s%s%s%s", i > 0 ? ", " : "", map ? moe_node_key(node, i) : "", map ? ": " : "",
                           item);
  }
  g_string_append_c(text, map ? '}' : ']');
  return g_string_free(text, FALSE);
}

char *moe_diff_text(const MoeNode *node)
{
  g_autofree char *text = NULL;

  if (!node)
    return NULL;
  if (moe_node_kind(node) == MOE_NODE_SCALAR)
    return g_strdup(moe_node_text(node));
  text = nested_text(node);
  if (g_utf8_strlen(text, -1) <= LONGEST_TEXT)
    return g_steal_pointer(&text);
  return g_strdup_printf("%u entries", moe_node_size(node));
}

/* ---- kernel fits of a stack ------------------------------------------------------------------------------------- */

static const char *class_of(const MoeNode *fit)
{
  const MoeNode *class = moe_node_get(fit, "class");

  return class && moe_node_text(class) ? moe_node_text(class) : "none";
}

/* What the fits of one class say, in order. */
static char *print_class(const MoeNode *fits, const char *class)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; fits && i < moe_node_size(fits); i++) {
    g_autofree char *fit = moe_node_print(moe_node_at(fits, i), FALSE);

    if (strcmp(class_of(moe_node_at(fits, i)), class) == 0)
      g_string_append_printf(text, "%s\n", fit);
  }
  return g_string_free(text, FALSE);
}

char *moe_diff_fits_text(const MoeNode *fits, const char *class)
{
  guint n = 0;

  for (guint i = 0; fits && i < moe_node_size(fits); i++)
    n += strcmp(class_of(moe_node_at(fits, i)), class) == 0;
  return n > 0 ? g_strdup_printf("%u fit%s", n, n > 1 ? "s" : "") : NULL;
}

static void add_classes(GPtrArray *classes, const MoeNode *fits)
{
  for (guint i = 0; fits && moe_node_kind(fits) == MOE_NODE_LIST && i < moe_node_size(fits); i++) {
    const char *class = class_of(moe_node_at(fits, i));

    if (!g_ptr_array_find_with_equal_func(classes, class, g_str_equal, NULL))
      g_ptr_array_add(classes, (gpointer) class);
  }
}

static void compare_fits(GArray *keys, const MoeNode *before, const MoeNode *after)
{
  g_autoptr(GPtrArray) classes = g_ptr_array_new();

  add_classes(classes, before);
  add_classes(classes, after);
  for (guint i = 0; i < classes->len; i++) {
    const char *class = g_ptr_array_index(classes, i);
    g_autofree char *was = print_class(before, class);
    g_autofree char *is = print_class(after, class);

    if (strcmp(was, is) != 0)
      g_array_append_val(keys, ((MoeDiffKey){.path = g_strconcat("stack.kernels.", class, NULL),
                                             .kernel_class = g_strdup(class),
                                             .before = before,
                                             .after = after}));
  }
}

/* ---- comparison ------------------------------------------------------------------------------------------------- */

static gboolean same(const MoeNode *a, const MoeNode *b)
{
  g_autofree char *left = moe_node_print(a, FALSE);
  g_autofree char *right = moe_node_print(b, FALSE);

  return moe_node_kind(a) == moe_node_kind(b) && strcmp(left, right) == 0;
}

static gboolean both_maps(const MoeNode *a, const MoeNode *b)
{
  return a && b && moe_node_kind(a) == MOE_NODE_MAP && moe_node_kind(b) == MOE_NODE_MAP;
}

/* Of what was published only the peak bears on a prediction: it is the denominator of the MFU. What a cluster draws
 * bears on none, what a board allows does. */
static gboolean is_silent(const char *path, const char *key)
{
  gboolean published = strcmp(path, "published") == 0 && !g_str_has_prefix(key, "peak");
  gboolean drawn = strcmp(key, "power") == 0 && !g_str_has_suffix(path, "accelerator");

  return published || drawn || g_strv_contains(silent_keys, key);
}

static void compare(GArray *keys, const char *path, const MoeNode *before, const MoeNode *after);

/* Keys with dots in them stand in quotes, as in every dotted path. */
static void compare_child(GArray *keys, const char *path, const char *key, const MoeNode *before, const MoeNode *after)
{
  const char *quote = strchr(key, '.') ? "\"" : "";
  g_autofree char *below = g_strdup_printf("%s%s%s%s%s", path, *path ? "." : "", quote, key, quote);

  if (!is_silent(path, key))
    compare(keys, below, before, after);
}

static void compare_maps(GArray *keys, const char *path, const MoeNode *before, const MoeNode *after)
{
  for (guint i = 0; before && i < moe_node_size(before); i++) {
    const char *key = moe_node_key(before, i);

    compare_child(keys, path, key, moe_node_at(before, i), after ? moe_node_get(after, key) : NULL);
  }
  for (guint i = 0; after && i < moe_node_size(after); i++) {
    const char *key = moe_node_key(after, i);

    if (!before || !moe_node_get(before, key))
      compare_child(keys, path, key, NULL, moe_node_at(after, i));
  }
}

static void compare(GArray *keys, const char *path, const MoeNode *before, const MoeNode *after)
{
  if (strcmp(path, "stack.kernels") == 0)
    compare_fits(keys, before, after);
  else if (both_maps(before, after) || strcmp(path, "published") == 0)
    compare_maps(keys, path, before, after);
  else if (!before || !after || !same(before, after))
    g_array_append_val(keys, ((MoeDiffKey){.path = g_strdup(path), .before = before, .after = after}));
}

static void clear_key(gpointer key)
{
  g_free(((MoeDiffKey *)key)->path);
  g_free(((MoeDiffKey *)key)->kernel_class);
}

GArray *moe_diff_keys(const MoeRun *before, const MoeRun *after)
{
  GArray *keys = g_array_new(FALSE, FALSE, sizeof(MoeDiffKey));

  g_array_set_clear_func(keys, clear_key);
  compare_maps(keys, "", moe_doc_root(before->doc), moe_doc_root(after->doc));
  return keys;
}
