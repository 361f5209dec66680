/* What the keys of the input files are. */
#include "internal.h"

#include "report/schema.h"

char *moe_door_schema(const MoeRequest *request, GError **error)
{
  const MoeNode *node = moe_request_get(request, "of");
  int kind = MOE_N_SCHEMAS;

  return !node || moe_node_read_word(node, moe_schema_words, &kind, error) ? moe_schema_json((MoeSchemaKind)kind)
                                                                           : NULL;
}
