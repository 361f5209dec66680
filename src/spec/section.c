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

/* Numbers end in a digit (or "1."), quantities in their unit. Asked first because a refused quantity costs its message.
 */
static gboolean ends_in_unit(const MoeNode *node)
{
  const char *text = moe_node_text(node);

  return text && *text && g_ascii_isalpha(text[strlen(text) - 1]);
}

gboolean moe_any_quantity_read(const MoeNode *node, double *value, MoeDimension *dimension, GError **error)
{
  static const MoeDimension dimensions[] = {MOE_DIM_BYTES_PER_S, MOE_DIM_SECONDS, MOE_DIM_BYTES, MOE_DIM_FLOP_PER_S,
                                            MOE_DIM_HERTZ,       MOE_DIM_WATTS,   MOE_DIM_FLOP};

  for (size_t i = 0; i < G_N_ELEMENTS(dimensions) && ends_in_unit(node); i++)
    if (moe_node_read_quantity(node, dimensions[i], value, NULL)) {
      *dimension = dimensions[i];
      return TRUE;
    }
  *dimension = MOE_DIM_NONE;
  return moe_node_read_quantity(node, MOE_DIM_NONE, value, error);
}

gboolean moe_date_check(const MoeNode *map, const char *key, gboolean any_part, GError **error)
{
  const char *pattern =
      any_part ? "^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$" : "^[0-9]{4}-(0[1-9]|1[0-2])$";
  const MoeNode *date = map ? moe_node_get(map, key) : NULL;
  const char *text = date ? moe_node_text(date) : NULL;

  if (!date || (text && g_regex_match_simple(pattern, text, G_REGEX_DOLLAR_ENDONLY, 0)))
    return TRUE;
  return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(date), "%s \"%.40s\", expected a %s such as 2025-07", key,
                  text ? text : "", any_part ? "year, a month or a day" : "month");
}
