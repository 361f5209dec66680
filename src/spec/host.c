/* Reader of a stack's host section: what the CPU pays to issue work. */
#include "internal.h"

#include <string.h>

#define MAX_LAUNCH_S 1.0 /* a hundred thousand times what it costs */

#define CALL_WORD(constant, word) word,
static const char *const call_words[] = {MOE_HOST_CALL_ROWS(CALL_WORD) NULL};

#define CALL_FIELD(constant, word) {word, MOE_FIELD_ELSEWHERE},
static const MoeField call_fields[] = {MOE_HOST_CALL_ROWS(CALL_FIELD){"source", MOE_FIELD_ELSEWHERE}, {NULL}};

static int find_cpu(const MoeStack *stack, const char *cpu)
{
  for (guint i = 0; i < stack->host.n_cpus; i++)
    if (strcmp(stack->host.cpu[i], cpu) == 0)
      return (int)i;
  return -1;
}

static gboolean read_cost(const MoeNode *node, const char *what, double *seconds, GError **error)
{
  if (!moe_node_read_quantity(node, MOE_DIM_SECONDS, seconds, error))
    return FALSE;
  if (*seconds >= 0 && *seconds <= MAX_LAUNCH_S)
    return TRUE;
  return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node), "a %s of %g s, expected at most %g s", what, *seconds,
                  MAX_LAUNCH_S);
}

/* Launch cost by kind of CPU: the kinds that the stack knows. */
static gboolean read_launch(const MoeNode *map, MoeStack *stack, GError **error)
{
  if (!moe_node_expect(map, MOE_NODE_MAP, "launch", error))
    return FALSE;
  guint n = moe_node_size(map);
  if (n == 0 || n > MOE_MAX_CPUS)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(map), "launch cost for %u kinds of CPU, expected 1 to %d", n,
                    MOE_MAX_CPUS);
  for (guint i = 0; i < n; i++) {
    stack->host.cpu[i] = moe_node_key(map, i);
    if (!read_cost(moe_node_at(map, i), "launch", &stack->host.launch_s[i], error))
      return FALSE;
  }
  stack->host.n_cpus = n;
  return TRUE;
}

/* A CPU that the call does not name is slower or faster than the first one named as launches are. */
static void scale_others(MoeStack *stack, MoeHostCall call, int first, guint named)
{
  const double *launch_s = stack->host.launch_s;

  for (guint i = 0; i < stack->host.n_cpus; i++)
    if (!(named & 1u << i))
      stack->host.call_s[call][i] = stack->host.call_s[call][first] * launch_s[i] / MAX(launch_s[first], 1e-12);
}

static gboolean read_call(const MoeNode *map, MoeHostCall call, MoeStack *stack, GError **error)
{
  guint named = 0;
  int first = -1;

  if (!moe_node_expect(map, MOE_NODE_MAP, call_words[call], error))
    return FALSE;
  for (guint i = 0; i < moe_node_size(map); i++) {
    int cpu = find_cpu(stack, moe_node_key(map, i));

    if (cpu < 0)
      return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_node_at(map, i)),
                      "a CPU \"%s\", expected one of those under launch", moe_node_key(map, i));
    if (!read_cost(moe_node_at(map, i), "call", &stack->host.call_s[call][cpu], error))
      return FALSE;
    named |= 1u << cpu;
    first = first < 0 ? cpu : first;
  }
  if (first >= 0)
    scale_others(stack, call, first, named);
  return TRUE;
}

static gboolean read_calls(const MoeNode *map, MoeStack *stack, GError **error)
{
  if (!map)
    return TRUE;
  if (!moe_node_read_fields(map, call_fields, "calls", stack, error))
    return FALSE;
  for (guint call = 0; call < MOE_N_HOST_CALLS; call++) {
    const MoeNode *node = moe_node_get(map, call_words[call]);

    if (node && !read_call(node, call, stack, error))
      return FALSE;
  }
  return TRUE;
}

/* Captured scopes by word: those of the program, or several at once. */
enum { WORD_LAYER = MOE_N_SCOPES, WORD_ITERATION };

static gboolean read_graphs(const MoeNode *list, guint *scopes, GError **error)
{
  const char *words[WORD_ITERATION + 2] = {[WORD_LAYER] = "layer", [WORD_ITERATION] = "iteration"};
  guint bits = 0,
        layer =
            1u << MOE_SCOPE_ATTENTION | 1u << MOE_SCOPE_DENSE_FFN | 1u << MOE_SCOPE_ROUTER | 1u << MOE_SCOPE_EXPERTS,
        all = (1u << MOE_N_SCOPES) - 1;

  memcpy(words, moe_scope_words, MOE_N_SCOPES * sizeof(*words));
  if (!moe_words_read_bits(list, words, &bits, error))
    return FALSE;
  *scopes = (bits & all) | (bits & 1u << WORD_LAYER ? layer : 0) | (bits & 1u << WORD_ITERATION ? all : 0);
  return TRUE;
}

gboolean moe_stack_host_read(const MoeNode *node, MoeStack *stack, GError **error)
{
  return read_launch(moe_node_get(node, "launch"), stack, error) &&
         read_calls(moe_node_get(node, "calls"), stack, error) &&
         read_graphs(moe_node_get(node, "graphs"), &stack->host.graph_scopes, error);
}
