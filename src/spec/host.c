/* Reader of a stack's host section: what the CPU pays to issue work. */
#include "internal.h"

#include <string.h>

#define MAX_LAUNCH_S          1.0 /* a hundred thousand times what it costs */
#define MAX_SECONDS           1000
#define MAX_OPS_PER_KERNEL    1000
#define LEAST_OPTIMIZER_SHARE 1e-4 /* a thousandth of one core */

#define HOST_SECONDS(member) MOE_FIELD_BETWEEN(MoeStack, host.member, MOE_DIM_SECONDS, 0, MAX_SECONDS)

#define CALL_WORD(constant, word, meaning) word,
static const char *const call_words[] = {MOE_HOST_CALL_ROWS(CALL_WORD) NULL};

/* ---- what own code prints ---------------------------------------------------------------------------------------- */

/* {x86: 6 us, grace: 9 us} */
static char *print_costs(const MoeStack *stack, const double *seconds)
{
  GString *out = g_string_new("{");

  for (guint i = 0; i < stack->host.n_cpus; i++) {
    g_autofree char *cost = moe_quantity_print(seconds[i], MOE_DIM_SECONDS);

    g_string_append_printf(out, "%s%s: %s", i > 0 ? ", " : "", stack->host.cpu[i], cost);
  }
  g_string_append_c(out, '}');
  return g_string_free(out, stack->host.n_cpus == 0);
}

static char *print_launch(gconstpointer stack)
{
  return print_costs(stack, ((const MoeStack *)stack)->host.launch_s);
}

static gboolean costs_something(const MoeStack *stack, guint call)
{
  for (guint i = 0; i < stack->host.n_cpus; i++)
    if (stack->host.call_s[call][i] > 0)
      return TRUE;
  return FALSE;
}

static char *print_calls(gconstpointer target)
{
  const MoeStack *stack = target;
  GString *out = g_string_new("{");

  for (guint call = 0; call < MOE_N_HOST_CALLS; call++) {
    g_autofree char *costs = costs_something(stack, call) ? print_costs(stack, stack->host.call_s[call]) : NULL;

    if (costs)
      g_string_append_printf(out, "%s%s: %s", out->len > 1 ? ", " : "", call_words[call], costs);
  }
  g_string_append_c(out, '}');
  return g_string_free(out, out->len == strlen("{}"));
}

/* By single scopes: they say all that "layer" and "iteration" do. */
static char *print_graphs(gconstpointer target)
{
  guint scopes = ((const MoeStack *)target)->host.graph_scopes;
  GString *out = g_string_new("[");

  for (guint i = 0; i < MOE_N_SCOPES; i++)
    if (scopes & 1u << i)
      g_string_append_printf(out, "%s%s", out->len > 1 ? ", " : "", moe_scope_words[i]);
  g_string_append_c(out, ']');
  return g_string_free(out, scopes == 0);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

#define CALL_FIELD(constant, word, text)                                                                               \
  {word,                                                                                                               \
   .kind = MOE_FIELD_QUANTITY,                                                                                         \
   .own = TRUE,                                                                                                        \
   .form = MOE_FORM_NAMED,                                                                                             \
   .dimension = MOE_DIM_SECONDS,                                                                                       \
   .maximum = MAX_LAUNCH_S,                                                                                            \
   .meaning = text},
static const MoeField call_fields[] = {MOE_HOST_CALL_ROWS(CALL_FIELD){"source", MOE_FIELD_ORIGIN}, {NULL}};

static const MoeSection calls_section = {"calls", call_fields, NULL};

static const MoeStack defaults = {.host.ops_per_kernel = 1, .host.optimizer_share = MOE_OPTIMIZER_SHARE};

static const MoeField host_fields[] = {
    {"launch", .kind = MOE_FIELD_QUANTITY, .own = TRUE, .dimension = MOE_DIM_SECONDS, .maximum = MAX_LAUNCH_S,
     .print = print_launch, .form = MOE_FORM_NAMED, .required = TRUE,
     .meaning = "to issue one operation eagerly, by kind of CPU (x86, grace)"},
    {"calls", MOE_FIELD_PART(calls_section), .print = print_calls,
     .meaning = "what framework calls cost beyond the launches of their kernels, by kind and CPU"},
    {"graph_launch", HOST_SECONDS(graph_launch_s), .meaning = "to launch one captured graph"},
    {"graph_kernel", HOST_SECONDS(graph_kernel_s), .meaning = "per kernel of a captured graph, on the GPU"},
    {"graphs", .kind = MOE_FIELD_WORDS, .own = TRUE, .words = moe_graph_words, .print = print_graphs, .also = "none",
     .meaning =
         "what is captured in graphs, the rest is issued eagerly; layer: all of a layer, iteration: all but optimizer"},
    {"sync", HOST_SECONDS(sync_s), .meaning = "to wake up after the GPU was waited for"},
    {"message_sync", MOE_FIELD_FLAG(MoeStack, host.message_sync),
     .meaning = "the host waits for each message between stages that nothing overlaps (parallelism.overlap.pipeline)"},
    {"norm_sync", MOE_FIELD_FLAG(MoeStack, host.norm_sync),
     .meaning = "the host reads the gradient norm before it issues the optimizer, unless that is a graph"},
    {"step", HOST_SECONDS(step_s), .meaning = "work once per step that nothing hides"},
    {"ops_per_kernel", MOE_FIELD_BETWEEN(MoeStack, host.ops_per_kernel, MOE_DIM_NONE, 1, MAX_OPS_PER_KERNEL),
     .meaning = "operations issued per kernel that reaches the GPU"},
    {"optimizer", MOE_FIELD_BETWEEN(MoeStack, host.optimizer_share, MOE_DIM_NONE, LEAST_OPTIMIZER_SHARE, 1),
     .meaning = "share of the host's memory bandwidth that an optimizer step on its CPU reaches"},
    {"source", MOE_FIELD_ORIGIN},
    {NULL},
};

const MoeSection moe_stack_host_section = {"host", host_fields, &defaults};

/* ---- reading ----------------------------------------------------------------------------------------------------- */

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
enum { WORD_LAYER = MOE_N_SCOPES, WORD_ITERATION }; /* moe_graph_words */

static gboolean read_graphs(const MoeNode *list, guint *scopes, GError **error)
{
  guint bits = 0,
        layer =
            1u << MOE_SCOPE_ATTENTION | 1u << MOE_SCOPE_DENSE_FFN | 1u << MOE_SCOPE_ROUTER | 1u << MOE_SCOPE_EXPERTS,
        all = (1u << MOE_N_SCOPES) - 1;

  if (!moe_node_read_words(list, moe_graph_words, &bits, error))
    return FALSE;
  *scopes =
      (bits & all) | (bits & 1u << WORD_LAYER ? layer : 0) | (bits & 1u << WORD_ITERATION ? MOE_ITERATION_SCOPES : 0);
  return TRUE;
}

gboolean moe_stack_graphs_iteration(const MoeStack *stack)
{
  return (stack->host.graph_scopes & MOE_ITERATION_SCOPES) == MOE_ITERATION_SCOPES;
}

gboolean moe_stack_host_read(const MoeNode *node, MoeStack *stack, GError **error)
{
  return moe_node_read_fields(node, host_fields, "host", stack, error) &&
         read_launch(moe_node_get(node, "launch"), stack, error) &&
         read_calls(moe_node_get(node, "calls"), stack, error) &&
         read_graphs(moe_node_get(node, "graphs"), &stack->host.graph_scopes, error);
}
