/* GOAL files: the grammar of LogGOPSim's txt2bin, and totals that equal the program's. */
#include "coll/coll.h"
#include "interchange/priced.h"
#include "program/program.h"
#include "sim/sim.h"
#include <math.h>
#include <moesim/export.h>
#include <stdio.h>
#include <string.h>

#include "small_runs.h"

/* What a parser of the grammar found. Messages are kept as "from to tag bytes" with sends counted up and receives down.
 */
typedef struct {
  guint64 ranks, rank, labels, calcs[MOE_N_STREAMS + 1];
  double calc_ns[MOE_N_STREAMS + 1], bytes;
  gboolean inside;
  GHashTable *open;     /* text -> balance */
  double received[256]; /* bytes by rank */
} Parsed;

static void count_message(Parsed *parsed, guint64 from, guint64 to, guint64 tag, guint64 bytes, int by)
{
  char *key = g_strdup_printf("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
                              from, to, tag, bytes);
  if (by < 0)
    parsed->received[to] += (double)bytes;
  int balance = GPOINTER_TO_INT(g_hash_table_lookup(parsed->open, key)) + by;

  if (balance != 0)
    g_hash_table_insert(parsed->open, key, GINT_TO_POINTER(balance));
  else if (g_hash_table_remove(parsed->open, key))
    g_free(key);
  else
    g_free(key);
}

static void parse_rank(Parsed *parsed, const char *line)
{
  int end = 0;
  unsigned long long rank = 0;

  if (strcmp(line, "}") == 0) {
    ck_assert(parsed->inside);
    parsed->inside = FALSE;
    return;
  }
  ck_assert_msg(sscanf(line, "rank %llu {%n", &rank, &end) == 1 && line[end] == '\0', "'%s' is no statement", line);
  ck_assert(!parsed->inside && rank == parsed->rank);
  parsed->rank++;
  parsed->labels = 0;
  parsed->inside = TRUE;
}

/* "lN: calc NS cpu C", "lN: send Bb to R tag T cpu C", "lN: recv Bb from R tag T cpu C": labels count up. */
static gboolean parse_operation(Parsed *parsed, const char *line)
{
  unsigned long long label = 0, size = 0, peer = 0, tag = 0, cpu = 0;
  int end = 0;
  guint64 self = parsed->rank - 1;

  if (sscanf(line, "l%llu: calc %llu cpu %llu%n", &label, &size, &cpu, &end) == 3 && line[end] == '\0') {
    ck_assert(cpu <= MOE_N_STREAMS);
    parsed->calcs[cpu]++;
    parsed->calc_ns[cpu] += (double)size;
  } else if (sscanf(line, "l%llu: send %llub to %llu tag %llu cpu %llu%n", &label, &size, &peer, &tag, &cpu, &end) ==
                 5 &&
             line[end] == '\0') {
    parsed->bytes += (double)size;
    count_message(parsed, self, peer, tag, size, 1);
  } else if (sscanf(line, "l%llu: recv %llub from %llu tag %llu cpu %llu%n", &label, &size, &peer, &tag, &cpu, &end) ==
                 5 &&
             line[end] == '\0') {
    count_message(parsed, peer, self, tag, size, -1);
  } else {
    return FALSE;
  }
  ck_assert(parsed->inside && label == parsed->labels && peer < parsed->ranks && cpu <= MOE_N_STREAMS);
  parsed->labels++;
  return TRUE;
}

/* "lA requires lB": both exist, and B stands before A, so that there is no cycle. */
static gboolean parse_requires(const Parsed *parsed, const char *line)
{
  unsigned long long after = 0, before = 0;
  int end = 0;

  if (sscanf(line, "l%llu requires l%llu%n", &after, &before, &end) != 2 || line[end] != '\0')
    return FALSE;
  ck_assert(parsed->inside && before < after && after < parsed->labels);
  return TRUE;
}

static void parse(const char *text, Parsed *parsed)
{
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  unsigned long long ranks = 0;

  ck_assert_int_eq(sscanf(lines[0], "num_ranks %llu", &ranks), 1);
  parsed->ranks = ranks;
  for (char **line = lines + 1; *line; line++)
    if (**line && !parse_operation(parsed, *line) && !parse_requires(parsed, *line))
      parse_rank(parsed, *line);
  ck_assert(!parsed->inside);
  ck_assert_int_eq((gint64)parsed->rank, (gint64)parsed->ranks);
}

static void append(const void *data, gsize length, gpointer text)
{
  g_string_append_len(text, data, (gssize)length);
}

/* ---- the program's totals -------------------------------------------------------------------- */

/* Bytes that all members of one group send: closed forms of rings and pairs. */
static double group_bytes(const MoeTopo *topo, const MoeRun *run, const MoeLayout *layout,
                          const MoeCollective *collective, int64_t group)
{
  int64_t n = moe_layout_group_size(layout, collective->group);
  g_autofree int64_t *gpus = g_new(int64_t, n);
  MoeCollGroup members = {.n = (guint)n, .gpus = gpus};
  MoeCollPlan plan;

  switch (collective->kind) {
  case MOE_ALL_REDUCE:
    return 2.0 * (double)(n - 1) * round(collective->bytes);
  case MOE_DISPATCH:
  case MOE_COMBINE:
    for (int64_t i = 0; i < n; i++)
      gpus[i] = moe_layout_member(layout, collective->group, group, i);
    moe_coll_plan(topo, &run->stack.collectives, collective, &members, &plan);
    return (double)n * round(plan.wire_nvlink_bytes + plan.wire_network_bytes);
  case MOE_ALL_TO_ALL:
    return (double)n * round(collective->bytes * (double)(n - 1) / (double)n);
  default:
    return (double)(n - 1) * round(collective->bytes);
  }
}

typedef struct {
  guint64 ops[MOE_N_STREAMS]; /* that are no messages */
  double kernel_ns, bytes;
} Expected;

static void expect_op(const MoeExport *export, const MoeRun *run, const MoeTopo *topo, int64_t rank,
                      const MoeCall *call, const MoeOp *op, Expected *expected)
{
  const MoeProgram *program = moe_export_program(export);
  const MoeSimPrices *prices = moe_export_prices(export);
  MoeCoordinates at;

  moe_layout_coordinates(program->layout, rank, &at);
  guint load = prices->n_loads > 1 ? (guint)at.expert : 0;
  const MoeTime *duration = &prices->duration[(gsize)load * MOE_N_STATES * prices->n_works];

  if (op->kind == MOE_OP_SEND)
    expected->bytes += round(program->messages[call->message[op->work]].bytes);
  if (op->kind == MOE_OP_SEND || op->kind == MOE_OP_RECV || op->kind == MOE_OP_HOST_SYNC)
    return;
  expected->ops[op->stream]++;
  if (op->kind == MOE_OP_KERNEL)
    expected->kernel_ns += (double)duration[op->work] * 1e-3;
  if (op->kind == MOE_OP_DELAY)
    expected->kernel_ns += (double)duration[program->n_kernels + op->work] * 1e-3;
  if (op->kind != MOE_OP_COLLECTIVE)
    return;
  const MoeCollective *collective = &program->collectives[op->work];
  int64_t group = moe_layout_group_of(program->layout, collective->group, rank);

  if (group >= 0 && moe_layout_index_in_group(program->layout, collective->group, rank) == 0 &&
      moe_layout_group_size(program->layout, collective->group) > 1)
    expected->bytes += group_bytes(topo, run, program->layout, collective, group);
}

static void expect(const MoeExport *export, const MoeRun *run, Expected *expected)
{
  const MoeProgram *program = moe_export_program(export);
  g_autoptr(MoeTopo) topo = moe_topo_new(&run->cluster, run->parallelism.gpus, 0, NULL, NULL);
  MoeCoordinates at;

  for (int64_t rank = 0; rank < moe_export_ranks(export); rank++) {
    moe_layout_coordinates(program->layout, rank, &at);
    const MoeRole *role = &program->roles[at.stage];

    for (guint c = 0; c < role->n_calls; c++)
      for (guint i = 0; i < program->blocks[role->calls[c].block].n_ops; i++)
        expect_op(export, run, topo, rank, &role->calls[c], &program->blocks[role->calls[c].block].ops[i], expected);
  }
}

#define ROUNDING_NS 0.5 /* of each operation */

static void check_sample(guint row)
{
  g_autoptr(MoeRun) run = sample_run(row);
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeExport) export = moe_export_new(run, 0, &error);
  g_autoptr(GString) text = g_string_new(NULL);
  g_autoptr(GHashTable) open = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  Parsed parsed = {.open = open};
  Expected expected = {{0}};
  MoeGoalTotals totals;

  ck_assert_msg(export != NULL, "%s", error ? error->message : "");
  moe_export_goal(export, append, text, &totals);
  parse(text->str, &parsed);
  expect(export, run, &expected);
  ck_assert_msg(g_hash_table_size(open) == 0, "%u messages without their other side", g_hash_table_size(open));
  for (unsigned s = 0; s < MOE_N_STREAMS; s++)
    ck_assert_msg(parsed.calcs[s] == expected.ops[s],
                  "sample %u, stream %u: %" G_GUINT64_FORMAT " operations of %" G_GUINT64_FORMAT, row, s,
                  parsed.calcs[s], expected.ops[s]);
  ck_assert_double_eq_tol(parsed.calc_ns[MOE_STREAM_COMPUTE], expected.kernel_ns,
                          ROUNDING_NS * (double)parsed.calcs[MOE_STREAM_COMPUTE]);
  /* messages of skewed exchanges are rounded one by one */
  ck_assert_double_eq_tol(parsed.bytes, expected.bytes,
                          run->training.routing.balance == MOE_BALANCE_EVEN ? 0.1 : 1e-6 * expected.bytes);
  ck_assert_double_eq(totals.send_bytes, parsed.bytes);
}

START_TEST(test_grammar_and_totals)
{
  for (guint row = 0; row < G_N_ELEMENTS(sample_sets); row++)
    check_sample(row);
}
END_TEST

/* Ranks of experts with more tokens receive more, and as much goes round in all. */
START_TEST(test_exchanges_follow_the_loads)
{
  g_autofree char *path = moetest_path("models/mixtral-8x7b.yaml"), *data = moetest_path(".");
  const char *const balances[] = {"training.routing.balance=even", "training.routing.balance={zipf: 0.6}"};
  double most[2] = {0, 0}, sum[2] = {0, 0}, least[2];

  for (guint i = 0; i < 2; i++) {
    const char *sets[] = {"parallelism={gpus: 8, tensor: 1, pipeline: 1, expert: 8, schedule: none, virtual_stages: 1}",
                          "architecture.layers=2", "training.global_batch=8", balances[i], NULL};
    const MoeRunOptions options = {.data_dir = data, .sets = sets};
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeRun) run = moe_run_load(path, &options, &error);
    g_autoptr(MoeExport) export = run ? moe_export_new(run, 0, &error) : NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GHashTable) open = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Parsed parsed = {.open = open};
    MoeGoalTotals totals;

    ck_assert_msg(export != NULL, "%s", error ? error->message : "");
    moe_export_goal(export, append, text, &totals);
    parse(text->str, &parsed);
    ck_assert_uint_eq(g_hash_table_size(open), 0);
    least[i] = parsed.received[0];
    for (guint rank = 0; rank < 8; rank++) {
      most[i] = MAX(most[i], parsed.received[rank]);
      least[i] = MIN(least[i], parsed.received[rank]);
      sum[i] += parsed.received[rank];
    }
  }
  ck_assert_double_eq_tol(sum[1] / sum[0], 1, 1e-6);
  ck_assert_double_eq_tol(most[0] / least[0], 1, 1e-6);
  ck_assert_double_gt(most[1] / least[1], 1.03); /* rings of gradients, the same for all, are most of it */
}
END_TEST

MOE_TEST_MAIN("interchange/goal", test_grammar_and_totals, test_exchanges_follow_the_loads)
