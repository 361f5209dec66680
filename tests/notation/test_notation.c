/* Texts in others' notations: trees, limits, and the place of what is wrong. */
#include "moetest.h"
#include "notation/json.h"
#include "notation/lines.h"
#include "notation/toml.h"
#include "notation/yaml_tree.h"

#include <stdlib.h>
#include <string.h>

#define MOST 4096

static char *json_error(const char *text, gsize most)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonNode) node = moe_json_parse(text, strlen(text), most, "f.json", &error);

  ck_assert_ptr_null(node);
  return g_strdup(error->message);
}

static void json_refused(const char *text, gsize most, const char *message)
{
  g_autofree char *said = json_error(text, most);

  ck_assert_msg(g_str_has_prefix(said, message), "'%s', expected '%s'", said, message);
}

START_TEST(json_is_bounded_and_has_places)
{
  g_autofree char *deep = g_strnfill(MOE_NOTATION_MAX_DEPTH + 1, '[');

  json_refused("{\n  \"a\": 1,,\n}", MOST, "f.json:2:");
  json_refused("[1]", MOST, "f.json:1:1: no JSON object");
  json_refused("{}", 1, "f.json: 2 bytes");
  json_refused("{\"a\": \"\xff\"}", MOST, "f.json:1:8: a byte that is no UTF-8");
  json_refused(deep, MOST, "f.json:1:33: nested more than 32 levels deep");
}
END_TEST

/* What a parser of JSON passes over: a second value behind the first, a key that its object has already. */
START_TEST(json_has_one_value_and_each_key_once)
{
  const char text[] = "{\"a\": {\"x\": 1}, \"b\": {\"x\": 1},\n \"c\": \"b\", \"b\": 2}\n";
  const char once[] = "{\"a\": {\"x\": 1}, \"b\": [{\"x\": 1}, {\"x\": 1}]} \n";
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonNode) last = moe_json_parse(text, strlen(text), MOST, "f.json", NULL);
  g_autoptr(JsonNode) one = moe_json_parse_once(once, strlen(once), MOST, "f.json", NULL);

  ck_assert(last && one);
  ck_assert_ptr_null(moe_json_parse_once(text, strlen(text), MOST, "f.json", &error));
  ck_assert_str_eq(error->message, "f.json:2:12: \"b\" stands twice, expected it once");
  json_refused("{\"a\": 1}\n{\"a\": 2}", MOST, "f.json:2:1: more than one value");
  json_refused("{\"a\": \"}\"} x", MOST, "f.json:1:12: more than one value");
}
END_TEST

START_TEST(json_of_python_is_read)
{
  const char text[] = "{\"a\": Infinity, \"b\": NaN, \"c\": \"NaN\"}";
  g_autoptr(JsonNode) root = moe_json_parse(text, strlen(text), MOST, "f.json", NULL);
  JsonObject *object = json_node_get_object(root);

  ck_assert_double_eq(json_object_get_double_member(object, "a"), MOE_JSON_INFINITY);
  ck_assert(JSON_NODE_HOLDS_OBJECT(json_object_get_member(object, "b")));
  ck_assert_str_eq(json_object_get_string_member(object, "c"), "NaN");
}
END_TEST

START_TEST(yaml_merges_and_repeats)
{
  const char text[] = "base: &b {x: 1, y: 2}\nhere:\n  <<: *b\n  y: 3\n  y: 4\n";
  g_autoptr(JsonNode) root = moe_yaml_parse(text, strlen(text), MOST, "f.yaml", NULL);
  JsonObject *here = json_object_get_object_member(json_node_get_object(root), "here");

  ck_assert_str_eq(json_object_get_string_member(here, "x"), "1");
  ck_assert_str_eq(json_object_get_string_member(here, "y"), "4");
}
END_TEST

static void yaml_refused(const char *text, gsize most, const char *message)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonNode) node = moe_yaml_parse(text, strlen(text), most, "f.yaml", &error);

  ck_assert_ptr_null(node);
  ck_assert_msg(g_str_has_prefix(error->message, message), "'%s', expected '%s'", error->message, message);
}

START_TEST(yaml_is_bounded_and_has_places)
{
  yaml_refused("a: [1\nb: 2\n", MOST, "f.yaml:2:");
  yaml_refused("", MOST, "f.yaml: nothing here");
  yaml_refused("a: 1\n", 4, "f.yaml: no YAML in UTF-8 of at most 4 bytes");
  yaml_refused("a: &a [*a]\n", MOST, "f.yaml: nested too deeply");
}
END_TEST

START_TEST(toml_becomes_json)
{
  MoeTomlError error = {0};
  char *json = moe_toml_to_json("[a]\nb = 1_000\n", strlen("[a]\nb = 1_000\n"), &error);
  char *none = moe_toml_to_json("[a]\nb = \n", strlen("[a]\nb = \n"), &error);

  ck_assert_ptr_nonnull(strstr(json, "1000"));
  ck_assert_ptr_null(none);
  ck_assert_int_eq(error.line, 2);
  ck_assert_str_ne(error.what, "");
  free(json);
}
END_TEST

/* Sequences of terminals are no text; thousands may be parted by commas. */
START_TEST(lines_have_numbers_and_places)
{
  const char text[] = "first\n\x1b[31mrate: 1,250.5\x1b[0m\nrate: much\n";
  g_auto(Lines) lines;
  g_autoptr(GError) error = NULL;
  double value = 0;

  lines_init(&lines, "log", text, strlen(text));
  ck_assert(lines_next(&lines) && lines_next(&lines));
  ck_assert(lines_number(&lines, "rate:", 0, 1e6, &value, NULL));
  ck_assert_double_eq(value, 1250.5);
  ck_assert(lines_next(&lines));
  ck_assert(!lines_number(&lines, "rate:", 0, 1e6, &value, &error));
  ck_assert_msg(g_str_has_prefix(error->message, "log:3:"), "%s", error->message);
  ck_assert(!lines_next(&lines));
}
END_TEST

MOE_TEST_MAIN("notation", json_is_bounded_and_has_places, json_has_one_value_and_each_key_once, json_of_python_is_read,
              yaml_merges_and_repeats, yaml_is_bounded_and_has_places, toml_becomes_json, lines_have_numbers_and_places)
