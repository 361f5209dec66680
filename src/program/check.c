/* The invariants of a program. Each function gives NULL, or what does not hold. */
#include "program/program.h"
#include <math.h>
#include <string.h>

/* Memory that comes and goes in a step cancels to this share of what came (sums of doubles). */
#define MEMORY_TOLERANCE 1e-9

/* ---- operations and waits ----------------------------------------------------------------------- */

static guint work_limit(const MoeProgram *p, const MoeOp *op)
{
  switch ((MoeOpKind)op->kind) {
  case MOE_OP_KERNEL:
    return p->n_kernels;
  case MOE_OP_COLLECTIVE:
    return p->n_collectives;
  case MOE_OP_SEND:
  case MOE_OP_RECV:
    return MOE_CALL_MESSAGES;
  case MOE_OP_COPY:
    return p->n_copies;
  case MOE_OP_DELAY:
    return p->n_delays;
  case MOE_OP_HOST_SYNC:
    return G_MAXUINT;
  }
  return 0;
}

static char *check_waits(const MoeBlock *block, uint32_t index, const uint32_t seen[MOE_N_STREAMS])
{
  const MoeOp *op = &block->ops[index];

  if (op->first_wait + op->n_waits > block->n_waits)
    return g_strdup_printf("block %s, op %u: waits beyond the block's", block->name, index);
  for (uint32_t i = 0; i < op->n_waits; i++) {
    const MoeWait *wait = &block->waits[op->first_wait + i];

    if (wait->stream >= MOE_N_STREAMS || wait->count > seen[wait->stream])
      return g_strdup_printf("block %s, op %u: waits for what is issued later", block->name, index);
  }
  return NULL;
}

static char *check_op(const MoeProgram *p, const MoeBlock *block, uint32_t index, uint32_t seen[MOE_N_STREAMS])
{
  const MoeOp *op = &block->ops[index];

  if (op->kind > MOE_OP_DELAY || op->stream >= MOE_N_STREAMS || op->work >= work_limit(p, op))
    return g_strdup_printf("block %s, op %u: kind, stream or work out of range", block->name, index);
  if (op->kind == MOE_OP_KERNEL && op->stream != MOE_STREAM_COMPUTE)
    return g_strdup_printf("block %s, op %u: kernel outside the compute stream", block->name, index);
  char *wrong = check_waits(block, index, seen);

  if (!wrong && op->kind != MOE_OP_HOST_SYNC) {
    uint32_t at = seen[op->stream]++;

    if (at >= block->n_stream[op->stream] || block->stream_ops[op->stream][at] != index)
      return g_strdup_printf("block %s, op %u: not where its stream lists it", block->name, index);
  }
  return wrong;
}

static char *check_block(const MoeProgram *p, const MoeBlock *block)
{
  uint32_t seen[MOE_N_STREAMS] = {0};

  for (uint32_t i = 0; i < block->n_ops; i++) {
    char *wrong = check_op(p, block, i, seen);

    if (wrong)
      return wrong;
  }
  if (memcmp(seen, block->n_stream, sizeof seen) != 0)
    return g_strdup_printf("block %s: streams count other operations than it has", block->name);
  return NULL;
}

/* ---- messages ----------------------------------------------------------------------------------- */

/* Notes one send or receive of a message by a stage; each happens once, on the stage that the message names. */
static char *note_message(const MoeProgram *p, const MoeOp *op, const MoeCall *call, int64_t stage, uint8_t *done)
{
  uint32_t id = call->message[op->work];
  gboolean send = op->kind == MOE_OP_SEND;
  uint8_t bit = send ? 1 : 2;

  if (id >= p->n_messages)
    return g_strdup_printf("stage %" G_GINT64_FORMAT ": message slot %u is empty", stage, op->work);
  if (done[id] & bit)
    return g_strdup_printf("message %u is %s twice", id, send ? "sent" : "received");
  if ((int64_t)(send ? p->messages[id].from_stage : p->messages[id].to_stage) != stage)
    return g_strdup_printf("message %u is %s by stage %" G_GINT64_FORMAT, id, send ? "sent" : "received", stage);
  done[id] |= bit;
  return NULL;
}

static char *note_calls(const MoeProgram *p, const MoeRole *role, uint8_t *done)
{
  for (uint32_t c = 0; c < role->n_calls; c++) {
    const MoeBlock *block = &p->blocks[role->calls[c].block];

    for (guint s = MOE_STREAM_SEND; s <= MOE_STREAM_RECV; s++)
      for (uint32_t i = 0; i < block->n_stream[s]; i++) {
        char *wrong = note_message(p, &block->ops[block->stream_ops[s][i]], &role->calls[c], role->stage, done);

        if (wrong)
          return wrong;
      }
  }
  return NULL;
}

static char *check_messages(const MoeProgram *p)
{
  g_autofree uint8_t *done = g_new0(uint8_t, MAX(p->n_messages, 1));

  for (guint r = 0; r < p->n_roles; r++) {
    char *wrong = note_calls(p, &p->roles[r], done);

    if (wrong)
      return wrong;
  }
  for (guint i = 0; i < p->n_messages; i++)
    if (done[i] != 3)
      return g_strdup_printf("message %u is not both sent and received", i);
  return NULL;
}

/* ---- roles -------------------------------------------------------------------------------------- */

static char *check_bases(const MoeProgram *p, const MoeRole *role)
{
  uint32_t total[MOE_N_STREAMS] = {0};

  for (uint32_t c = 0; c < role->n_calls; c++) {
    if (role->calls[c].block >= p->n_blocks)
      return g_strdup_printf("stage %" G_GINT64_FORMAT ", call %u: no such block", role->stage, c);
    if (memcmp(total, role->calls[c].base, sizeof total) != 0)
      return g_strdup_printf("stage %" G_GINT64_FORMAT ", call %u: base is not what came before", role->stage, c);
    for (guint s = 0; s < MOE_N_STREAMS; s++)
      total[s] += p->blocks[role->calls[c].block].n_stream[s];
  }
  if (memcmp(total, role->total, sizeof total) != 0)
    return g_strdup_printf("stage %" G_GINT64_FORMAT ": totals are not the sum of its calls", role->stage);
  return NULL;
}

static char *check_memory(const MoeProgram *p, const MoeRole *role)
{
  double sum[MOE_N_MEMORY_PARTS] = {0}, came[MOE_N_MEMORY_PARTS] = {0};

  for (uint32_t c = 0; c < role->n_calls; c++) {
    const MoeBlock *block = &p->blocks[role->calls[c].block];

    for (uint32_t i = 0; i < block->n_memory; i++) {
      sum[block->memory[i].part] += block->memory[i].bytes;
      came[block->memory[i].part] += MAX(block->memory[i].bytes, 0);
    }
  }
  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++)
    if (fabs(sum[part]) > MEMORY_TOLERANCE * came[part])
      return g_strdup_printf("stage %" G_GINT64_FORMAT ": %s end %.3g bytes from where they began", role->stage,
                             moe_memory_words[part], sum[part]);
  return NULL;
}

/* ---- collectives across stages ------------------------------------------------------------------ */

static gboolean spans_stages(MoeGroupKind kind)
{
  return kind == MOE_GROUP_WORLD || kind == MOE_GROUP_PIPELINE || kind == MOE_GROUP_EMBEDDING;
}

/* Collectives of `kind` in the order of the role. */
static GArray *list_collectives(const MoeProgram *p, const MoeRole *role, MoeGroupKind kind)
{
  GArray *list = g_array_new(FALSE, FALSE, sizeof(uint32_t));

  for (uint32_t c = 0; c < role->n_calls; c++) {
    const MoeBlock *block = &p->blocks[role->calls[c].block];

    for (uint32_t i = 0; i < block->n_ops; i++)
      if (block->ops[i].kind == MOE_OP_COLLECTIVE && p->collectives[block->ops[i].work].group == kind)
        g_array_append_val(list, block->ops[i].work);
  }
  return list;
}

static gboolean same_list(const GArray *a, const GArray *b)
{
  return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len * sizeof(uint32_t)) == 0);
}

static gboolean is_member(const MoeProgram *p, guint role, MoeGroupKind kind)
{
  return kind != MOE_GROUP_EMBEDDING || role == 0 || role == p->n_roles - 1;
}

static char *check_group(const MoeProgram *p, MoeGroupKind kind)
{
  g_autoptr(GArray) first = list_collectives(p, &p->roles[0], kind);

  for (guint r = 1; r < p->n_roles; r++) {
    g_autoptr(GArray) other = list_collectives(p, &p->roles[r], kind);

    if (is_member(p, r, kind) ? !same_list(first, other) : other->len > 0)
      return g_strdup_printf("collectives of group %s differ between stages 0 and %u", moe_group_words[kind], r);
  }
  return NULL;
}

/* ---- all ---------------------------------------------------------------------------------------- */

static char *check_blocks(const MoeProgram *p)
{
  for (guint i = 0; i < p->n_blocks; i++) {
    char *wrong = check_block(p, &p->blocks[i]);

    if (wrong)
      return wrong;
  }
  return NULL;
}

static char *check_roles(const MoeProgram *p)
{
  for (guint r = 0; r < p->n_roles; r++) {
    char *wrong = check_bases(p, &p->roles[r]);

    if (!wrong)
      wrong = check_memory(p, &p->roles[r]);
    if (wrong)
      return wrong;
  }
  return NULL;
}

char *moe_program_check(const MoeProgram *program)
{
  char *wrong = check_blocks(program);

  if (!wrong)
    wrong = check_roles(program);
  if (!wrong)
    wrong = check_messages(program);
  for (MoeGroupKind kind = 0; kind < MOE_N_GROUPS && !wrong; kind++)
    if (spans_stages(kind))
      wrong = check_group(program, kind);
  return wrong;
}
