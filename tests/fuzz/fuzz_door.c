/* A question (the first line) and its request of any bytes (the rest): the answer is JSON, and no fault of ours.
 * Confined and with little time, as a server asks. */
#include <moesim/door.h>

#include <json-glib/json-glib.h>
#include <string.h>

#include "fuzz.h"

#define BUDGET_S 0.05

static void check_answer(const char *answer)
{
  g_autoptr(JsonParser) parser = json_parser_new();

  g_assert_true(json_parser_load_from_data(parser, answer, -1, NULL));
  JsonNode *root = json_parser_get_root(parser);
  JsonObject *object = JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root) : NULL;
  JsonNode *error = object ? json_object_get_member(object, "error") : NULL;

  g_assert_true(object || JSON_NODE_HOLDS_ARRAY(root));
  if (!error || !JSON_NODE_HOLDS_OBJECT(error))
    return;
  const char *message = json_object_get_string_member(json_node_get_object(error), "message");
  const char *kind = json_object_get_string_member(json_node_get_object(error), "kind");
  g_assert_true(*message && !strchr(message, '\n') && strcmp(kind, "internal") != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const MoeDoorOptions options = {.confined = 1, .budget_s = BUDGET_S, .jobs = 1};
  g_autofree char *text = g_strndup((const char *)data, size);
  char *request = strchr(text, '\n');

  if (request)
    *request++ = '\0';
  char *answer = moe_answer_json(text, request ? request : "{}", &options);

  check_answer(answer);
  moe_text_free(answer);
  return 0;
}
