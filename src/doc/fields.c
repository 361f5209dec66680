/* Reading a map into a struct by a table of fields. */
#include "internal.h"

#include <math.h>
#include <string.h>

/* 2^63: doubles from here on do not fit into an int64_t. */
#define INT64_END 0x1p63

static const MoeField *find_field(const MoeField *fields, const char *key)
{
  for (; fields->key; fields++)
    if (strcmp(fields->key, key) == 0)
      return fields;
  return NULL;
}

static gboolean fail_unknown(const MoeNode *entry, const MoeField *fields, const char *what, GError **error)
{
  g_autoptr(GPtrArray) keys = g_ptr_array_new();
  g_autofree char *shown = moe_text_show(entry->key);

  for (const MoeField *field = fields; field->key; field++)
    g_ptr_array_add(keys, (gpointer)field->key);
  g_ptr_array_add(keys, NULL);
  const char *nearest = moe_nearest_word(entry->key, (const char *const *)keys->pdata);
  if (nearest)
    return moe_fail(error, MOE_ERROR_INPUT, entry->key_mark, "unknown key %s in %s, did you mean \"%s\"?", shown, what,
                    nearest);
  g_autofree char *list = moe_text_list((const char *const *)keys->pdata);
  return moe_fail(error, MOE_ERROR_INPUT, entry->key_mark, "unknown key %s in %s, expected one of %s", shown, what,
                  list);
}

/* ---- ranges ----------------------------------------------------------------------------------------------------- */

static int64_t whole_bound(double bound)
{
  if (bound >= INT64_END)
    return INT64_MAX;
  return bound <= -INT64_END ? INT64_MIN : (int64_t)bound;
}

static gboolean has_maximum(const MoeField *field)
{
  return field->maximum > field->minimum;
}

/* What no machine of today is beyond, whatever its field says: a unit that was mistaken. Zero is the field's own
 * matter. */
static const struct {
  double least, most;
} sane[] = {
    [MOE_DIM_NONE] = {1e-12, 1e18},     [MOE_DIM_BYTES] = {1, 1e18},       [MOE_DIM_BYTES_PER_S] = {1e6, 1e18},
    [MOE_DIM_FLOP_PER_S] = {1e9, 1e21}, [MOE_DIM_SECONDS] = {1e-13, 1e11}, [MOE_DIM_HERTZ] = {1e3, 1e15},
    [MOE_DIM_WATTS] = {1e-3, 1e12},     [MOE_DIM_FLOP] = {1, 1e30},        [MOE_DIM_DOLLARS] = {1e-6, 1e15},
};

static gboolean check_sane(const MoeNode *node, const MoeField *field, double value, GError **error)
{
  double least = sane[field->dimension].least, most = sane[field->dimension].most;

  if (value == 0 || (fabs(value) >= least && fabs(value) <= most))
    return TRUE;
  g_autofree char *low = moe_quantity_format(least, field->dimension);
  g_autofree char *high = moe_quantity_format(most, field->dimension);
  return moe_fail(error, MOE_ERROR_INPUT, node->mark, "\"%s\" for %s is out of range, expected %s to %s", node->text,
                  field->key, low, high);
}

static gboolean check_range(const MoeNode *node, const MoeField *field, double value, GError **error)
{
  if (value >= field->minimum && (!has_maximum(field) || value <= field->maximum))
    return TRUE;
  g_autofree char *minimum = moe_quantity_format(field->minimum, field->dimension);
  g_autofree char *maximum = moe_quantity_format(field->maximum, field->dimension);
  if (!has_maximum(field))
    return moe_fail(error, MOE_ERROR_INPUT, node->mark, "\"%s\" for %s is out of range, expected at least %s",
                    node->text, field->key, minimum);
  return moe_fail(error, MOE_ERROR_INPUT, node->mark, "\"%s\" for %s is out of range, expected %s to %s", node->text,
                  field->key, minimum, maximum);
}

static gboolean read_whole(const MoeNode *node, const MoeField *field, int64_t *value, GError **error)
{
  int64_t maximum = has_maximum(field) ? whole_bound(field->maximum) : INT64_MAX;

  return moe_node_read_int(node, whole_bound(field->minimum), maximum, value, error);
}

static gboolean read_bounded(const MoeNode *node, const MoeField *field, double *value, GError **error)
{
  double read = 0;

  if (!moe_node_read_quantity(node, field->dimension, &read, error) || !check_range(node, field, read, error) ||
      !check_sane(node, field, read, error))
    return FALSE;
  *value = read * (field->scale > 0 ? field->scale : 1);
  return TRUE;
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

gboolean moe_node_read_words(const MoeNode *list, const char *const *words, guint *bits, GError **error)
{
  const char *text = list && !moe_node_is_null(list) ? moe_node_text(list) : "none";

  *bits = 0;
  if (text && strcmp(text, "none") == 0)
    return TRUE;
  if (!moe_node_expect(list, MOE_NODE_LIST, "a list of words", error))
    return FALSE;
  for (guint i = 0; i < moe_node_size(list); i++) {
    int word = 0;
    if (!moe_node_read_word(moe_node_at(list, i), words, &word, error))
      return FALSE;
    *bits |= 1u << word;
  }
  return TRUE;
}

static gboolean read_field(const MoeNode *node, const MoeField *field, gpointer member, GError **error)
{
  switch (field->kind) {
  case MOE_FIELD_INT:
    return read_whole(node, field, member, error);
  case MOE_FIELD_QUANTITY:
    return read_bounded(node, field, member, error);
  case MOE_FIELD_BOOL:
    return moe_node_read_bool(node, member, error);
  case MOE_FIELD_TEXT:
    return moe_node_read_text(node, member, error);
  case MOE_FIELD_WORD:
    return moe_node_read_word(node, field->words, member, error);
  case MOE_FIELD_WORDS:
    return moe_node_read_words(node, field->words, member, error);
  case MOE_FIELD_IGNORE:
  case MOE_FIELD_MAP:
  case MOE_FIELD_ANY:
    return TRUE;
  }
  g_assert_not_reached();
}

static gboolean check_required(const MoeNode *map, const MoeField *fields, const char *what, GError **error)
{
  for (const MoeField *field = fields; field->key; field++)
    if (field->required && !moe_node_get(map, field->key))
      return moe_fail(error, MOE_ERROR_INPUT, map->mark, "no \"%s\" in %s, expected it as it has no default",
                      field->key, what);
  return TRUE;
}

gboolean moe_node_read_fields(const MoeNode *map, const MoeField *fields, const char *what, gpointer target,
                              GError **error)
{
  if (!moe_node_expect(map, MOE_NODE_MAP, what, error))
    return FALSE;
  for (guint i = 0; i < map->n; i++) {
    const MoeNode *entry = map->items[i];
    const MoeField *field = find_field(fields, entry->key);

    if (!field)
      return fail_unknown(entry, fields, what, error);
    if (!field->own && !read_field(entry, field, (char *)target + field->offset, error))
      return FALSE;
  }
  return check_required(map, fields, what, error);
}
