/*
 * GOAL (Group Operation Assembly Language; Hoefler, Siebert, Lumsdaine, ICPP 2009), as txt2bin of LogGOPSim reads it:
 *
 *     num_ranks 2
 *     rank 0 {
 *     l0: calc 1200 cpu 0
 *     l1: send 4096b to 1 tag 7 cpu 5
 *     l1 requires l0
 *     }
 *
 * Times are nanoseconds, sizes bytes. `cpu` is the lane: operations of one lane follow one another.
 */
#include "program/program.h"
#include "trace.h"

#include <math.h>

#define PS_PER_NS 1000

typedef struct {
  const MoeExport *export;
  int64_t rank;
  MoeWriteFunc write;
  gpointer user_data;
  GString *text;
  uint64_t next;    /* label */
  GArray *label_of; /* of uint64_t: label that ends a node */
  MoeGoalTotals totals;
} Goal;

#define FLUSH_BYTES (1 << 16) /* of text gathered before it is handed on */

static void flush(Goal *goal, gsize least)
{
  if (goal->text->len < least || goal->text->len == 0)
    return;
  goal->write(goal->text->str, goal->text->len, goal->user_data);
  g_string_truncate(goal->text, 0);
}

/* ---- statements ------------------------------------------------------------------------------ */

static void require(Goal *goal, uint64_t label, uint64_t before)
{
  g_string_append_printf(goal->text, "l%" G_GUINT64_FORMAT " requires l%" G_GUINT64_FORMAT "\n", label, before);
}

static void require_deps(Goal *goal, uint64_t label, const TraceNode *node)
{
  for (guint d = 0; d < node->n_deps; d++)
    require(goal, label, g_array_index(goal->label_of, uint64_t, node->deps[d]));
}

static uint64_t put_calc(Goal *goal, MoeTime time, unsigned lane)
{
  int64_t ns = (time + PS_PER_NS / 2) / PS_PER_NS;

  g_string_append_printf(goal->text, "l%" G_GUINT64_FORMAT ": calc %" G_GINT64_FORMAT " cpu %u\n", goal->next, ns,
                         lane);
  goal->totals.calcs++;
  goal->totals.calc_ns += (double)ns;
  return goal->next++;
}

static uint64_t put_send(Goal *goal, int64_t bytes, int64_t to, uint64_t tag, unsigned lane)
{
  g_string_append_printf(goal->text,
                         "l%" G_GUINT64_FORMAT ": send %" G_GINT64_FORMAT "b to %" G_GINT64_FORMAT
                         " tag %" G_GUINT64_FORMAT " cpu %u\n",
                         goal->next, bytes, to, tag, lane);
  goal->totals.sends++;
  goal->totals.send_bytes += (double)bytes;
  return goal->next++;
}

static uint64_t put_receive(Goal *goal, int64_t bytes, int64_t from, uint64_t tag, unsigned lane)
{
  g_string_append_printf(goal->text,
                         "l%" G_GUINT64_FORMAT ": recv %" G_GINT64_FORMAT "b from %" G_GINT64_FORMAT
                         " tag %" G_GUINT64_FORMAT " cpu %u\n",
                         goal->next, bytes, from, tag, lane);
  goal->totals.receives++;
  return goal->next++;
}

/* ---- collectives ----------------------------------------------------------------------------- */

/* A collective as this rank sees it. */
typedef struct {
  const TraceNode *node;
  MoeGroupKind kind;
  int64_t n, index;
  uint64_t tag;
  double
      bytes; /* of the buffer, as in MoeCollective; between pairs: of all messages this rank sends, were loads even */
} Part;

static int64_t member(const Goal *goal, const Part *part, int64_t index)
{
  return moe_layout_member(goal->export->program->layout, part->kind, part->node->group, (index + part->n) % part->n);
}

/* The i-th of n nearly equal whole parts of the bytes; they sum to the bytes, rounded. */
static int64_t share_of(double bytes, int64_t n, int64_t i)
{
  double whole = round(bytes);

  i = (i % n + n) % n;
  return (int64_t)(floor(whole * (double)(i + 1) / (double)n) - floor(whole * (double)i / (double)n));
}

/* Even tags are of collectives, odd ones of pipeline messages. */
static uint64_t collective_tag(const TraceNode *node)
{
  return 2 * ((node->sequence * MOE_N_GROUPS + node->collective->group) * MOE_N_STREAMS + node->lane);
}

/* Rounds of a ring: in each a share goes to the next member while one comes from the previous; what came is sent on. */
static uint64_t put_ring(Goal *goal, const Part *part, int64_t rounds)
{
  uint64_t sent = 0, received = 0;

  for (int64_t round_ = 0; round_ < rounds; round_++) {
    uint64_t send = put_send(goal, share_of(part->bytes, part->n, part->index - round_),
                             member(goal, part, part->index + 1), part->tag, part->node->lane);
    uint64_t receive = put_receive(goal, share_of(part->bytes, part->n, part->index - 1 - round_),
                                   member(goal, part, part->index - 1), part->tag, part->node->lane);

    if (round_ == 0) {
      require_deps(goal, send, part->node);
      require_deps(goal, receive, part->node);
    } else {
      require(goal, send, sent);
      require(goal, send, received);
      require(goal, receive, received);
    }
    sent = send;
    received = receive;
  }
  uint64_t end = put_calc(goal, 0, part->node->lane);
  require(goal, end, sent);
  require(goal, end, received);
  return end;
}

/* What goes from one member to another in a step of an exchange: experts with more tokens get more of a dispatch and
 * send more of a combine. */
static int64_t pair_bytes(const Part *part, int64_t step, int64_t from, int64_t to)
{
  const MoeCollective *collective = part->node->collective;
  int64_t even = share_of(part->bytes, part->n - 1, step - 1);
  int64_t loaded = ((collective->kind == MOE_COMBINE ? from : to) + part->n) % part->n;

  if (collective->n_skew == 0)
    return even;
  return llround((double)even * collective->receive[(gsize)part->node->draw * collective->n_skew + (gsize)loaded]);
}

/* A message to and from every other member. */
static uint64_t put_pairs(Goal *goal, const Part *part)
{
  uint64_t first = goal->next;

  for (int64_t step = 1; step < part->n; step++) {
    uint64_t send = put_send(goal, pair_bytes(part, step, part->index, part->index + step),
                             member(goal, part, part->index + step), part->tag, part->node->lane);
    uint64_t receive = put_receive(goal, pair_bytes(part, step, part->index - step, part->index),
                                   member(goal, part, part->index - step), part->tag, part->node->lane);

    require_deps(goal, send, part->node);
    require_deps(goal, receive, part->node);
  }
  uint64_t end = put_calc(goal, 0, part->node->lane);
  for (uint64_t label = first; label < end; label++)
    require(goal, end, label);
  return end;
}

/* What a rank sends in a dispatch or combine, as the library of the stack sends it. */
static double expert_bytes(const Goal *goal, const Part *part)
{
  g_autofree int64_t *gpus = g_new(int64_t, part->n);
  MoeCollGroup group = {.n = (guint)part->n, .gpus = gpus};
  MoeCollPlan plan;

  for (int64_t i = 0; i < part->n; i++)
    gpus[i] = member(goal, part, i);
  moe_coll_plan(goal->export->topo, &goal->export->run->stack.collectives, part->node->collective, &group, &plan);
  return plan.wire_nvlink_bytes + plan.wire_network_bytes;
}

static uint64_t put_collective(Goal *goal, const TraceNode *node)
{
  const MoeLayout *layout = goal->export->program->layout;
  const MoeCollective *collective = node->collective;
  Part part = {.node = node,
               .kind = collective->group,
               .n = moe_layout_group_size(layout, collective->group),
               .index = moe_layout_index_in_group(layout, collective->group, goal->rank),
               .tag = collective_tag(node),
               .bytes = collective->bytes};

  switch (collective->kind) {
  case MOE_ALL_REDUCE:
    return put_ring(goal, &part, 2 * (part.n - 1));
  case MOE_ALL_GATHER:
  case MOE_REDUCE_SCATTER:
    return put_ring(goal, &part, part.n - 1);
  case MOE_ALL_TO_ALL:
    part.bytes *= (double)(part.n - 1) / (double)part.n; /* its own share stays */
    return put_pairs(goal, &part);
  case MOE_DISPATCH:
  case MOE_COMBINE:
    part.bytes = expert_bytes(goal, &part);
    return put_pairs(goal, &part);
  case MOE_BROADCAST: /* programs have none */
  case MOE_N_COLLECTIVES:
    break;
  }
  g_assert_not_reached();
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static uint64_t put_simple(Goal *goal, const TraceNode *node)
{
  uint64_t label;
  int64_t bytes = (int64_t)round(node->bytes);

  if (node->kind == TRACE_SEND)
    label = put_send(goal, bytes, node->peer, 2 * (uint64_t)node->message + 1, node->lane);
  else if (node->kind == TRACE_RECEIVE)
    label = put_receive(goal, bytes, node->peer, 2 * (uint64_t)node->message + 1, node->lane);
  else if (node->kind == TRACE_COPY)
    label = put_calc(
        goal, moe_time_from_seconds(node->bytes / moe_topo_port_bytes_per_s(goal->export->topo, MOE_PORT_HOST_OUT)),
        node->lane);
  else
    label = put_calc(goal, node->duration[0], node->lane);
  require_deps(goal, label, node);
  return label;
}

static void put_node(const TraceNode *node, gpointer user_data)
{
  Goal *goal = user_data;
  uint64_t label = node->kind == TRACE_COLLECTIVE ? put_collective(goal, node) : put_simple(goal, node);

  g_array_append_val(goal->label_of, label);
  flush(goal, FLUSH_BYTES);
}

void moe_export_goal(const MoeExport *export, MoeWriteFunc write, gpointer user_data, MoeGoalTotals *totals)
{
  g_autoptr(GString) text = g_string_new(NULL);
  g_autoptr(GArray) labels = g_array_new(FALSE, FALSE, sizeof(uint64_t));
  Goal goal = {.export = export, .write = write, .user_data = user_data, .text = text, .label_of = labels};

  g_string_append_printf(text, "num_ranks %" G_GINT64_FORMAT "\n\n", moe_export_ranks(export));
  for (goal.rank = 0; goal.rank < moe_export_ranks(export); goal.rank++) {
    goal.next = 0;
    g_array_set_size(labels, 0);
    g_string_append_printf(text, "rank %" G_GINT64_FORMAT " {\n", goal.rank);
    trace_walk(export, goal.rank, put_node, &goal);
    g_string_append(text, "}\n\n");
  }
  flush(&goal, 1);
  if (totals)
    *totals = goal.totals;
}
