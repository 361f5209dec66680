/* Every invariant of a program is noticed when it breaks: a sound program is damaged in one place, which must be named.
 */
#include "runs.h"

#include <string.h>

/* Two stages: messages, collectives within stages and across them (tied embeddings). */
#define STAGES "parallelism.pipeline=2;parallelism.schedule=1f1b;parallelism.gpus=16"

typedef void (*Damage)(MoeProgram *p);

static void check_damage(Damage damage, const char *expected)
{
  g_autoptr(MoeRun) run = run_with(SPARSE, STAGES);
  g_autoptr(MoeProgram) p = build_checked(run);

  damage(p);
  g_autofree char *wrong = moe_program_check(p);

  ck_assert_msg(wrong != NULL, "not noticed: %s", expected);
  ck_assert_msg(strstr(wrong, expected) != NULL, "\"%s\" lacks \"%s\"", wrong, expected);
}

/* Parts of a program are const to everybody but this test. */
static MoeOp *op_at(MoeProgram *p, guint block, guint op)
{
  return (MoeOp *)&p->blocks[block].ops[op];
}

static MoeCall *call_at(MoeProgram *p, guint role, guint call)
{
  return (MoeCall *)&p->roles[role].calls[call];
}

/* ---- operations and waits ---------------------------------------------------------------------------------------- */

static void unknown_kind(MoeProgram *p)
{
  op_at(p, 0, 3)->kind = 200;
}

static void unknown_kernel(MoeProgram *p)
{
  guint i = 0;

  while (p->blocks[0].ops[i].kind != MOE_OP_KERNEL)
    i++;
  op_at(p, 0, i)->work = p->n_kernels;
}

static void kernel_on_another_stream(MoeProgram *p)
{
  guint i = 0;

  while (p->blocks[0].ops[i].kind != MOE_OP_KERNEL)
    i++;
  op_at(p, 0, i)->stream = MOE_STREAM_SEND;
}

static void waits_beyond(MoeProgram *p)
{
  op_at(p, 0, 0)->first_wait = p->blocks[0].n_waits;
  op_at(p, 0, 0)->n_waits = 1;
}

static void wait_for_the_future(MoeProgram *p)
{
  guint i = 0;

  while (p->blocks[0].ops[i].n_waits == 0)
    i++;
  ((MoeWait *)p->blocks[0].waits)[p->blocks[0].ops[i].first_wait].count = 1000000;
}

static void streams_in_another_order(MoeProgram *p)
{
  uint32_t *ops = (uint32_t *)p->blocks[0].stream_ops[MOE_STREAM_COMPUTE], first = ops[0];

  ops[0] = ops[1];
  ops[1] = first;
}

static void streams_with_more(MoeProgram *p)
{
  ((MoeBlock *)p->blocks)[0].n_stream[MOE_STREAM_COMPUTE]++;
}

START_TEST(operations_and_waits)
{
  check_damage(unknown_kind, "op 3: kind, stream or work out of range");
  check_damage(unknown_kernel, "kind, stream or work out of range");
  check_damage(kernel_on_another_stream, "kernel outside the compute stream");
  check_damage(waits_beyond, "op 0: waits beyond the block's");
  check_damage(wait_for_the_future, "waits for what is issued later");
  check_damage(streams_in_another_order, "not where its stream lists it");
  check_damage(streams_with_more, "streams count other operations than it has");
}
END_TEST

/* ---- roles ------------------------------------------------------------------------------------------------------- */

static void no_such_block(MoeProgram *p)
{
  call_at(p, 1, 0)->block = p->n_blocks;
}

static void another_base(MoeProgram *p)
{
  call_at(p, 1, 1)->base[MOE_STREAM_COMPUTE]++;
}

static void another_total(MoeProgram *p)
{
  ((MoeRole *)p->roles)[1].total[MOE_STREAM_COMPUTE]++;
}

static void memory_that_stays(MoeProgram *p)
{
  guint block = p->roles[1].calls[0].block;

  ((MoeMemoryEvent *)p->blocks[block].memory)[0].bytes += 1e6;
}

START_TEST(roles)
{
  check_damage(no_such_block, "stage 1, call 0: no such block");
  check_damage(another_base, "stage 1, call 1: base is not what came before");
  check_damage(another_total, "stage 1: totals are not the sum of its calls");
  check_damage(memory_that_stays, "bytes from where they began");
}
END_TEST

/* ---- messages ---------------------------------------------------------------------------------------------------- */

/* The n-th call of stage 0 that sends, and the slot of what it sends. */
static MoeCall *sender(MoeProgram *p, guint n, uint32_t *slot)
{
  for (guint c = 0; c < p->roles[0].n_calls; c++) {
    const MoeBlock *block = &p->blocks[p->roles[0].calls[c].block];

    if (block->n_stream[MOE_STREAM_SEND] > 0 && n-- == 0) {
      *slot = block->ops[block->stream_ops[MOE_STREAM_SEND][0]].work;
      return call_at(p, 0, c);
    }
  }
  ck_abort_msg("stage 0 sends nothing");
}

static void empty_slot(MoeProgram *p)
{
  uint32_t slot;
  MoeCall *call = sender(p, 0, &slot);

  call->message[slot] = MOE_NO_MESSAGE;
}

static void sent_twice(MoeProgram *p)
{
  uint32_t first_slot, second_slot;
  const MoeCall *first = sender(p, 0, &first_slot);
  MoeCall *second = sender(p, 1, &second_slot);

  second->message[second_slot] = first->message[first_slot];
}

static void sent_by_another(MoeProgram *p)
{
  uint32_t slot;
  const MoeCall *call = sender(p, 0, &slot);

  ((MoeMessage *)p->messages)[call->message[slot]].from_stage = 1;
}

static void never_sent(MoeProgram *p)
{
  p->n_messages++;
}

START_TEST(messages)
{
  check_damage(empty_slot, "is empty");
  check_damage(sent_twice, "is sent twice");
  check_damage(sent_by_another, "is sent by stage 0");
  check_damage(never_sent, "is not both sent and received");
}
END_TEST

/* ---- collectives ------------------------------------------------------------------------------------------------- */

static gboolean uses(const MoeProgram *p, guint role, uint32_t collective)
{
  for (guint c = 0; c < p->roles[role].n_calls; c++) {
    const MoeBlock *block = &p->blocks[p->roles[role].calls[c].block];

    for (guint i = 0; i < block->n_ops; i++)
      if (block->ops[i].kind == MOE_OP_COLLECTIVE && block->ops[i].work == collective)
        return TRUE;
  }
  return FALSE;
}

/* A collective of one stage alone claims to be of all ranks. */
static void of_all_ranks(MoeProgram *p)
{
  for (guint i = 0; i < p->n_collectives; i++)
    if (uses(p, 0, i) && !uses(p, 1, i)) {
      ((MoeCollective *)p->collectives)[i].group = MOE_GROUP_WORLD;
      return;
    }
  ck_abort_msg("no collective of stage 0 alone");
}

START_TEST(collectives)
{
  check_damage(of_all_ranks, "differ between stages 0 and 1");
}
END_TEST

MOE_TEST_MAIN("program/check", operations_and_waits, roles, messages, collectives)
