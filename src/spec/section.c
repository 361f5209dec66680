/* Small readers that all sections share. */
#include "internal.h"

#include <string.h>

gboolean moe_node_is_none(const MoeNode *node)
{
  if (!node || moe_node_is_null(node))
    return TRUE;
  const char *text = moe_node_text(node);
  return text && strcmp(text, "none") == 0;
}

gboolean moe_section_read(const MoeNode *map, const char *key, const MoeField *fields, const char *what,
                          gpointer target, GError **error)
{
  const MoeNode *section = moe_node_get(map, key);

  return !section || moe_node_read_fields(section, fields, what, target, error);
}

gboolean moe_words_read_bits(const MoeNode *list, const char *const *words, guint *bits, GError **error)
{
  *bits = 0;
  if (moe_node_is_none(list))
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
