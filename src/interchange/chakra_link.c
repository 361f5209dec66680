/* A trace that is read: dependencies, completeness, times of kernels that have none. */
#include "interchange/chakra_trace.h"

/* Two passes: counting, then filling. */
gboolean chakra_link(MoeChakra *chakra, guint first, GHashTable *by_id, GArray *dependencies, const char *file,
                     GError **error)
{
  ChakraNode *nodes = (ChakraNode *)(gpointer)chakra->nodes->data; /* NULL when there are none */
  guint next = chakra->next->len;

  for (guint d = 0; d < dependencies->len; d++) {
    ChakraDependency *dependency = &g_array_index(dependencies, ChakraDependency, d);
    guint on = GPOINTER_TO_UINT(g_hash_table_lookup(by_id, &dependency->on));

    if (on == 0)
      return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = file},
                      "node %" G_GUINT64_FORMAT ": depends on a node that is not there", nodes[dependency->node].id);
    dependency->on = on - 1;
    nodes[on - 1].n_next++;
    nodes[dependency->node].n_deps++;
  }
  for (guint n = first; n < chakra->nodes->len; n++) {
    nodes[n].first_next = next;
    next += nodes[n].n_next;
    nodes[n].n_next = 0;
  }
  g_array_set_size(chakra->next, next);
  for (guint d = 0; d < dependencies->len; d++) {
    const ChakraDependency *dependency = &g_array_index(dependencies, ChakraDependency, d);
    ChakraNode *on = &nodes[dependency->on];

    g_array_index(chakra->next, uint32_t, on->first_next + on->n_next++) = dependency->node;
  }
  return TRUE;
}

static gboolean check_groups(const MoeChakra *chakra, GError **error)
{
  for (guint i = 0; i < chakra->instances->len; i++) {
    const ChakraInstance *instance = &g_array_index(chakra->instances, ChakraInstance, i);
    const ChakraGroup *group = g_ptr_array_index(chakra->groups, instance->group);

    if (instance->joined != group->ranks->len)
      return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                      "process group \"%.40s\": a collective of %u of its %u members, expected all", group->name,
                      instance->joined, group->ranks->len);
  }
  return TRUE;
}

static gboolean check_messages(const MoeChakra *chakra, GError **error)
{
  for (guint i = 0; i < chakra->messages->len; i++) {
    const ChakraMessage *message = &g_array_index(chakra->messages, ChakraMessage, i);

    if (message->send == NO_NODE || message->receive == NO_NODE)
      return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                      "a message from rank %u to rank %u is %s, expected both sides", message->from, message->to,
                      message->send == NO_NODE ? "received and not sent" : "sent and not received");
  }
  return TRUE;
}

gboolean chakra_check(const MoeChakra *chakra, GError **error)
{
  return check_groups(chakra, error) && check_messages(chakra, error);
}

/* Kernels without a time: work at peak or bytes at bandwidth, whichever takes longer. */
void chakra_time_kernels(MoeChakra *chakra, const MoeAccelerator *accelerator)
{
  for (guint i = 0; i < chakra->nodes->len; i++) {
    ChakraNode *node = &g_array_index(chakra->nodes, ChakraNode, i);
    double seconds =
        MAX(node->flop / accelerator->quoted_peak_flop_per_s, node->bytes / accelerator->memory_bytes_per_s);

    if (node->kind != CHAKRA_KERNEL || node->timed)
      continue;
    for (unsigned state = 0; state < MOE_N_STATES; state++)
      node->duration[state] = moe_time_from_seconds(seconds);
  }
}
