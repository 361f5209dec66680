/*
 * The bound of a lowered program, for a few milliseconds: calls in their order on every stage, each taking what its
 * block takes at least, and messages that are not there before their sender could have sent them; and no less than the
 * longest stream of any stage and the bytes on any port. On one stage the step is walked as a whole: what is fetched
 * ahead or finished later counts too. Simulated is only what this bound does not exclude.
 */
#include "program/program.h"
#include "cost/cost.h"
#include "internal.h"
#include "search/layouts.h"
#include "spec/spec.h"
#include "spec/work.h"
#include "topo/topo.h"

/* What a block takes on a stage. */
typedef struct {
  gboolean known;
  double path;                     /* start to end of the compute stream */
  double sent[MOE_CALL_MESSAGES];  /* start to the moment a message leaves at the earliest */
  double after[MOE_CALL_MESSAGES]; /* kernels that are left when a message is there */
} BlockBound;

typedef struct {
  MoeWalk *walk;
  double *message;   /* [n_messages] when it is there at the earliest; < 0 = not sent yet */
  double *at;        /* [n_roles] end of the last call */
  uint32_t *next;    /* [n_roles] next call */
  BlockBound **role; /* [n_roles][n_blocks] */
  double least_s;    /* of the longest stream or busiest port of any stage */
} Playing;

/* ---- blocks ----------------------------------------------------------------------------------------------------- */

static gboolean waits_for_stream(const MoeBlock *block, const MoeOp *op, uint32_t stream, uint32_t count)
{
  for (uint32_t w = 0; w < op->n_waits; w++) {
    const MoeWait *wait = &block->waits[op->first_wait + w];

    if (wait->stream == stream && wait->count >= count)
      return op->stream == MOE_STREAM_COMPUTE;
  }
  return FALSE;
}

/* Kernels behind the first one that waits for the message which this operation receives. */
static double after_message(MoeWalk *walk, const MoeBlock *block, uint32_t receive)
{
  uint32_t stream = block->ops[receive].stream, count = 0;

  while (count < block->n_stream[stream] && block->stream_ops[stream][count] <= receive)
    count++;
  for (uint32_t i = receive + 1; i < block->n_ops; i++)
    if (waits_for_stream(block, &block->ops[i], stream, count))
      return moe_walk_kernels(walk, block, i);
  return 0;
}

static void bound_block(MoeWalk *walk, const MoeBlock *block, BlockBound *bound)
{
  MoePiece whole = {.block = block, .end = block->n_ops, .before = -1};

  *bound = (BlockBound){.known = TRUE, .path = moe_walk_piece(walk, &whole)};
  for (uint32_t i = 0; i < block->n_ops; i++) {
    const MoeOp *op = &block->ops[i];

    if (op->kind == MOE_OP_SEND)
      bound->sent[op->work] = MAX(walk->end[i], 0);
    else if (op->kind == MOE_OP_RECV)
      bound->after[op->work] = after_message(walk, block, i);
  }
}

/* Whatever is hidden behind what: a stage's first rank works off each of its streams one operation after the other, and
 * its ports carry one byte after the other. */
static double serial_seconds(MoeWalk *walk, const MoeRole *role)
{
  guint n_blocks = walk->program->n_blocks;
  g_autofree guint *times = g_new0(guint, n_blocks + 1);
  MoeCarried sum = {{0}};
  double most = 0;

  for (uint32_t c = 0; c < role->n_calls; c++)
    times[role->calls[c].block]++;
  for (guint b = 0; b < n_blocks; b++)
    if (times[b] > 0)
      moe_walk_carried(walk, &walk->program->blocks[b], times[b], &sum);
  for (int port = 0; port < MOE_N_PORTS; port++)
    most = MAX(most, sum.port_s[port]);
  for (unsigned stream = 0; stream < MOE_N_STREAMS; stream++)
    most = MAX(most, sum.stream_s[stream]);
  return most;
}

static void bound_blocks(Playing *p, guint role)
{
  const MoeProgram *program = p->walk->program;
  const MoeRole *r = &program->roles[role];

  moe_walk_at(p->walk, moe_layout_on_stage(program->layout, 0, r->stage));
  p->role[role] = g_new0(BlockBound, program->n_blocks + 1);
  for (uint32_t c = 0; c < r->n_calls; c++)
    if (!p->role[role][r->calls[c].block].known)
      bound_block(p->walk, &program->blocks[r->calls[c].block], &p->role[role][r->calls[c].block]);
  p->least_s = MAX(p->least_s, serial_seconds(p->walk, r));
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

static gboolean receives(guint slot)
{
  return slot % 2 == 0;
}

static gboolean has_messages(const Playing *p, const MoeCall *call)
{
  for (guint slot = 0; slot < MOE_CALL_MESSAGES; slot++)
    if (receives(slot) && call->message[slot] != MOE_NO_MESSAGE && p->message[call->message[slot]] < 0)
      return FALSE;
  return TRUE;
}

static void play_call(Playing *p, guint role, const MoeCall *call)
{
  const BlockBound *block = &p->role[role][call->block];
  double start = p->at[role], end = start + block->path;

  for (guint slot = 0; slot < MOE_CALL_MESSAGES; slot++) {
    if (call->message[slot] == MOE_NO_MESSAGE)
      continue;
    if (receives(slot))
      end = MAX(end, p->message[call->message[slot]] + block->after[slot]);
    else
      p->message[call->message[slot]] = start + block->sent[slot];
  }
  p->at[role] = end;
  p->next[role]++;
}

/* As far as messages let it; two stages that exchange messages within calls wait for each other, and then one goes on
 * as if its message were there. */
static gboolean play_role(Playing *p, guint role, gboolean forced)
{
  const MoeRole *r = &p->walk->program->roles[role];
  gboolean moved = FALSE;

  while (p->next[role] < r->n_calls && (forced || has_messages(p, &r->calls[p->next[role]]))) {
    play_call(p, role, &r->calls[p->next[role]]);
    moved = TRUE;
    forced = FALSE;
  }
  return moved;
}

static gboolean play_roles(Playing *p, gboolean forced)
{
  gboolean moved = FALSE;

  for (guint r = 0; r < p->walk->program->n_roles; r++)
    moved |= play_role(p, r, forced && !moved);
  return moved;
}

static double play(Playing *p)
{
  double last = 0;

  while (play_roles(p, FALSE) || play_roles(p, TRUE))
    ;
  for (guint r = 0; r < p->walk->program->n_roles; r++)
    last = MAX(last, p->at[r]);
  return last;
}

double moe_search_bound_program(const MoeRun *run, const MoeProgram *program, const MoeTopo *topo,
                                const MoeCostModel *cost)
{
  g_autoptr(MoeWalk) walk = moe_walk_new(run, program, topo, cost);
  guint n = program->n_roles;
  g_autofree double *message = g_new(double, program->n_messages + 1), *at = g_new0(double, n);
  g_autofree uint32_t *next = g_new0(uint32_t, n);
  g_autofree BlockBound **role = g_new0(BlockBound *, n);
  Playing p = {.walk = walk, .message = message, .at = at, .next = next, .role = role};

  for (guint m = 0; m < program->n_messages; m++)
    message[m] = -1;
  for (guint r = 0; r < n; r++)
    bound_blocks(&p, r);
  double seconds = MAX(n == 1 ? moe_walk_role(walk, &program->roles[0]) : play(&p), p.least_s);
  for (guint r = 0; r < n; r++)
    g_free(role[r]);
  return seconds + run->stack.host.step_s;
}
