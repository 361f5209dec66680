/* Structs -> YAML by the tables that read them. */
#include "internal.h"

#include <math.h>
#include <string.h>

#define INDENT 2

/* ---- values ------------------------------------------------------------------------------------------------------ */

char *moe_text_quote(const char *text)
{
  g_autofree char *valid = g_utf8_make_valid(text, -1);
  GString *out = g_string_new(NULL);

  moe_text_append_quoted(out, valid);
  return g_string_free(out, FALSE);
}

static gboolean in_range(const MoeField *field, double value)
{
  return value >= field->minimum && (field->maximum <= field->minimum || value <= field->maximum);
}

static char *print_int(const MoeField *field, const int64_t *value)
{
  return in_range(field, (double)*value) ? g_strdup_printf("%" G_GINT64_FORMAT, *value) : NULL;
}

/* The number in the key's own unit whose SI value is `value`: the quotient, or a neighbour where it was rounded. */
static double unscale(double value, double scale)
{
  double quotient = value / scale, candidates[] = {quotient, nextafter(quotient, 0), nextafter(quotient, INFINITY)};

  for (guint i = 0; i < G_N_ELEMENTS(candidates); i++)
    if (candidates[i] * scale == value)
      return candidates[i];
  return quotient;
}

static char *print_quantity(const MoeField *field, double value)
{
  double number = field->scale > 0 ? unscale(value, field->scale) : value;

  return in_range(field, number) ? moe_quantity_print(number, field->dimension) : NULL;
}

static char *print_words(const MoeField *field, guint bits)
{
  GString *out = g_string_new("[");

  for (guint i = 0; field->words[i]; i++)
    if (bits >> i & 1u)
      g_string_append_printf(out, "%s%s", out->len > 1 ? ", " : "", field->words[i]);
  g_string_append_c(out, ']');
  return g_string_free(out, FALSE);
}

/* Words of a table that may be shorter than what the struct can hold: a default of none of them. */
static char *print_word(const MoeField *field, int word)
{
  return word >= 0 && (guint)word < g_strv_length((char **)field->words) ? g_strdup(field->words[word]) : NULL;
}

char *moe_field_print(const MoeField *field, gconstpointer target)
{
  gconstpointer member = (const char *)target + field->offset;

  if (field->own)
    return field->print ? field->print(target) : NULL;
  switch (field->kind) {
  case MOE_FIELD_INT:
    return print_int(field, member);
  case MOE_FIELD_QUANTITY:
    return print_quantity(field, *(const double *)member);
  case MOE_FIELD_BOOL:
    return g_strdup(*(const gboolean *)member ? "true" : "false");
  case MOE_FIELD_TEXT:
    return *(const char *const *)member ? moe_text_quote(*(const char *const *)member) : NULL;
  case MOE_FIELD_WORD:
    return print_word(field, *(const int *)member);
  case MOE_FIELD_WORDS:
    return print_words(field, *(const guint *)member);
  case MOE_FIELD_IGNORE:
  case MOE_FIELD_MAP:
  case MOE_FIELD_ANY:
    return NULL;
  }
  g_assert_not_reached();
}

/* ---- what a row says --------------------------------------------------------------------------------------------- */

char *moe_field_default(const MoeSection *section, const MoeField *field)
{
  if (field->otherwise)
    return g_strdup(field->otherwise);
  if (field->required || !section->defaults || field->kind == MOE_FIELD_MAP)
    return field->also && !field->required ? g_strdup(field->also) : NULL;
  if (field->kind == MOE_FIELD_TEXT && !field->own) {
    const char *text = *(const char *const *)((const char *)section->defaults + field->offset);

    return g_strdup(text);
  }
  char *text = moe_field_print(field, section->defaults);
  return text ? text : g_strdup(field->also);
}

static char *number_range(const MoeField *field)
{
  gboolean whole = field->kind == MOE_FIELD_INT;
  g_autofree char *low =
      whole ? g_strdup_printf("%.0f", field->minimum) : moe_quantity_format(field->minimum, field->dimension);
  g_autofree char *high =
      whole ? g_strdup_printf("%.0f", field->maximum) : moe_quantity_format(field->maximum, field->dimension);

  if (field->maximum > field->minimum)
    return g_strdup_printf("%s to %s", low, high);
  return g_strdup_printf("at least %s", low);
}

char *moe_field_range(const MoeField *field)
{
  static const char *const flags[] = {"true", "false", NULL};

  switch (field->kind) {
  case MOE_FIELD_INT:
  case MOE_FIELD_QUANTITY:
    return number_range(field);
  case MOE_FIELD_BOOL:
    return g_strjoinv(" | ", (char **)flags);
  case MOE_FIELD_WORD:
  case MOE_FIELD_WORDS:
    return g_strjoinv(" | ", (char **)field->words);
  default:
    return NULL;
  }
}

/* ---- maps -------------------------------------------------------------------------------------------------------- */

/* What follows from other keys is said always: its absence would mean what they say. */
static gboolean is_default(const MoeSection *section, const MoeField *field, const char *text)
{
  if (field->otherwise || !section->defaults)
    return FALSE;
  g_autofree char *usual = moe_field_print(field, section->defaults);
  return usual && strcmp(usual, text) == 0;
}

static gboolean is_given(const MoeField *field, gconstpointer target)
{
  return !field->given || field->given(target);
}

/* Lines of a nested map, under its key. */
static char *print_nested(const MoeField *field, gconstpointer target, guint indent)
{
  g_autofree char *below = moe_section_print(field->section, (const char *)target + field->offset, indent + INDENT);

  if (*below == '\0' && !field->required)
    return NULL;
  return *below ? g_strdup_printf("%*s%s:\n%s", (int)indent, "", field->key, below)
                : g_strdup_printf("%*s%s: {}\n", (int)indent, "", field->key);
}

/* The line or lines of one key, or NULL when it goes without saying. *says: it is more than what has to be there. */
static char *print_entry(const MoeSection *section, const MoeField *field, gconstpointer target, guint indent,
                         gboolean *says)
{
  if (field->kind == MOE_FIELD_MAP && field->form == MOE_FORM_ONE && !field->print) {
    char *nested = is_given(field, target) ? print_nested(field, target, indent) : NULL;

    *says |= nested != NULL;
    return nested;
  }
  g_autofree char *text = moe_field_print(field, target);
  gboolean usual = text && is_default(section, field, text);
  if (!text || (usual && !field->required))
    return NULL;
  *says |= !usual;
  return g_strdup_printf("%*s%s: %s\n", (int)indent, "", field->key, text);
}

char *moe_section_print(const MoeSection *section, gconstpointer target, guint indent)
{
  GString *out = g_string_new(NULL);
  gboolean says = FALSE;

  for (const MoeField *field = section->fields; field->key; field++) {
    g_autofree char *entry = print_entry(section, field, target, indent, &says);

    g_string_append(out, entry ? entry : "");
  }
  if (!says)
    g_string_truncate(out, 0);
  return g_string_free(out, FALSE);
}

char *moe_section_print_flow(const MoeSection *section, gconstpointer target)
{
  g_autofree char *lines = moe_section_print(section, target, 0);
  g_auto(GStrv) entries = g_strsplit(g_strchomp(lines), "\n", -1);
  g_autofree char *inside = g_strjoinv(", ", entries);

  return g_strdup_printf("{%s}", inside);
}
