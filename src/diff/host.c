/* What the CPU side of a profile says of the host. */
#include "internal.h"

#include <math.h>
#include <string.h>

#define LEAST_RECORDS 8 /* of which a median is learned, and as many that it is judged by */

static const struct {
  MoeSeenCostKind kind;
  const char *key, *none;
} costs[] = {
    {MOE_SEEN_LAUNCH, "host.launch", "no launch of a kernel on the host, expected a trace with activities of the CPU"},
    {MOE_SEEN_GRAPH_LAUNCH, "host.graph_launch", "no graph was launched"},
    {MOE_SEEN_WAKE, "host.sync", "no wait of the host that left the GPU with nothing: when it was done is not told"},
};

/* Of a run that was simulated: its stack knows the CPU. */
static guint cpu_of(const MoeRun *run)
{
  guint cpu = 0;

  while (cpu + 1 < run->stack.host.n_cpus && g_strcmp0(run->stack.host.cpu[cpu], run->cluster.host.cpu) != 0)
    cpu++;
  return cpu;
}

static double *place_of(MoeStack *stack, guint cpu, MoeSeenCostKind kind)
{
  if (kind == MOE_SEEN_LAUNCH)
    return &stack->host.launch_s[cpu];
  return kind == MOE_SEEN_WAKE ? &stack->host.sync_s : &stack->host.graph_launch_s;
}

static char *refusal_of(guint i, const MoeSeenCost *cost)
{
  if (cost->n == 0)
    return g_strdup(costs[i].none);
  if (cost->kept < LEAST_RECORDS)
    return g_strdup_printf("%u of the %d records that it takes", cost->n + cost->kept, 2 * LEAST_RECORDS);
  return NULL;
}

static void row_clear(gpointer data)
{
  g_free(((MoeHostRow *)data)->refused);
}

static void add_row(GArray *rows, const char *key, double before_s, const MoeSeenCost *cost, char *refused)
{
  MoeHostRow row = {.key = key, .before_s = before_s, .cost = *cost, .refused = refused};

  g_array_append_val(rows, row);
}

GArray *diff_host_rows(const MoeRun *run, const MoeProfile *profile)
{
  GArray *rows = g_array_new(FALSE, FALSE, sizeof(MoeHostRow));
  const MoeSeenCost none = {0};
  MoeStack stack = run->stack;

  g_array_set_clear_func(rows, row_clear);
  for (guint i = 0; i < G_N_ELEMENTS(costs); i++) {
    const MoeSeenCost *cost = &profile->cost[costs[i].kind];

    add_row(rows, costs[i].key, *place_of(&stack, cpu_of(run), costs[i].kind), cost, refusal_of(i, cost));
  }
  add_row(rows, "host.calls", NAN, &none,
          g_strdup("what the profiler itself costs lies in every call of the framework"));
  return rows;
}

void diff_host_apply(MoeRun *run, const GArray *rows)
{
  for (guint i = 0; i < G_N_ELEMENTS(costs); i++)
    if (!g_array_index(rows, MoeHostRow, i).refused)
      *place_of(&run->stack, cpu_of(run), costs[i].kind) = g_array_index(rows, MoeHostRow, i).cost.median_s;
}

/* One line above the stack: what a value rests on. */
static void describe(GString *head, const MoeHostRow *row)
{
  if (row->refused)
    g_string_append_printf(head, "# %s: as before; %s\n", row->key, row->refused);
  else
    g_string_append_printf(head, "# %s: median of %u records; %u others lie %.1f %% from it (P90 %.1f %%)\n", row->key,
                           row->cost.n, row->cost.kept, 100 * row->cost.residual_median, 100 * row->cost.residual_p90);
}

static gboolean set(MoeDoc *doc, const MoeRun *run, const MoeHostRow *row, GError **error)
{
  gboolean by_cpu = strcmp(row->key, "host.launch") == 0;
  g_autofree char *time = moe_quantity_format(row->cost.median_s, MOE_DIM_SECONDS);
  g_autofree char *text =
      g_strdup_printf("stack.%s%s%s=%s", row->key, by_cpu ? "." : "", by_cpu ? run->cluster.host.cpu : "", time);

  return moe_doc_set(doc, text, error);
}

char *diff_host_text(const MoeRun *run, const GArray *rows, const char *source, GError **error)
{
  g_autoptr(MoeDoc) doc = moe_doc_copy(run->doc);
  g_autofree char *quoted = moe_text_quote(source);
  g_autoptr(GString) head = g_string_new(NULL);

  g_string_append_printf(head,
                         "# A stack with the host's costs by the CPU side of %s.\n"
                         "# Written by moesim calibrate --profile.\n",
                         quoted);
  for (guint i = 0; i < rows->len; i++) {
    const MoeHostRow *row = &g_array_index(rows, MoeHostRow, i);

    describe(head, row);
    if (!row->refused && !set(doc, run, row, error))
      return NULL;
  }
  g_autofree char *stack = moe_node_print(moe_doc_find(doc, "stack"), FALSE);
  return g_strconcat(head->str, stack, NULL);
}
