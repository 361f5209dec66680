/* From actions to calls: blocks with their variants, messages between stages. */
#include "internal.h"

typedef struct {
  MoeBuilder *builder;
  GArray *messages;   /* MoeMessage */
  uint32_t *forward;  /* [batch * positions + q] message from q to q + 1, or MOE_NO_MESSAGE */
  uint32_t *backward; /* [batch * positions + q] message from q + 1 to q */
} Wiring;

/* ---- messages ----------------------------------------------------------------------------------- */

/* Hidden states on the way from position `from` to the next: behind the prediction modules theirs come along, for
 * their loss is where the loss is (Megatron-Core, GPTModel with MTP on a stage of its own). */
static double streams(const MoeBuilder *builder, int64_t from)
{
  int64_t modules = 0;

  for (int64_t q = 0; q <= from; q++)
    modules += builder->parts[q].mtp;
  return (double)(1 + modules);
}

double moe_builder_message(const MoeBuilder *builder, int64_t from, int64_t to)
{
  return streams(builder, MIN(from, to)) * moe_message_bytes(&builder->shape);
}

gboolean moe_builder_slices(const MoeBuilder *builder, int64_t from, int64_t to)
{
  const MoeRun *run = builder->shape.run;
  MoeSlicedMessages least = from < to ? MOE_SLICED_ACTIVATIONS : MOE_SLICED_ALL;

  return run->stack.sliced_messages >= least && !run->parallelism.sequence_parallel && builder->shape.tp > 1;
}

static uint32_t add_message(Wiring *wiring, int64_t batch, int64_t from, int64_t to)
{
  const MoeBuilder *b = wiring->builder;
  double slices = moe_builder_slices(b, from, to) ? (double)b->shape.tp : 1;
  int64_t chain = moe_placement_chain(b->schedule, &b->placement, batch);
  MoeMessage message = {.from_stage = (uint32_t)moe_placement_stage(b->schedule, &b->placement, from, chain),
                        .to_stage = (uint32_t)moe_placement_stage(b->schedule, &b->placement, to, chain),
                        .bytes = moe_builder_message(b, from, to) / slices};

  if (!moe_builder_crosses(b, from, to))
    return MOE_NO_MESSAGE;
  g_array_append_val(wiring->messages, message);
  return wiring->messages->len - 1;
}

static void wiring_init(Wiring *wiring, MoeBuilder *builder, GArray *messages)
{
  int64_t positions = builder->placement.positions, batches = builder->placement.batches;

  *wiring = (Wiring){.builder = builder,
                     .messages = messages,
                     .forward = g_new(uint32_t, positions * batches),
                     .backward = g_new(uint32_t, positions * batches)};
  for (int64_t batch = 0; batch < batches; batch++)
    for (int64_t q = 0; q < positions; q++) {
      wiring->forward[batch * positions + q] = add_message(wiring, batch, q, q + 1);
      wiring->backward[batch * positions + q] = add_message(wiring, batch, q + 1, q);
    }
}

static void wiring_clear(Wiring *wiring)
{
  g_free(wiring->forward);
  g_free(wiring->backward);
}

/* ---- variants ----------------------------------------------------------------------------------- */

/* Index in the stage's actions of each chunk's first forward, and of its first and last backward and weight gradient.
 */
typedef struct {
  guint first_forward[MOE_MAX_CHUNKS];
  guint first_backward[MOE_MAX_CHUNKS], first_weight[MOE_MAX_CHUNKS];
  guint last_backward[MOE_MAX_CHUNKS], last_weight[MOE_MAX_CHUNKS];
} Ends;

static void note_first(guint *first, guint index)
{
  *first = MIN(*first, index);
}

static void find_ends(const GArray *actions, Ends *ends)
{
  memset(ends, 0xff, sizeof *ends);
  for (guint i = 0; i < actions->len; i++) {
    const MoeAction *a = &g_array_index(actions, MoeAction, i);

    if (moe_action_forwards(a))
      note_first(&ends->first_forward[a->chunk], i);
    if (moe_action_backwards(a)) {
      note_first(&ends->first_backward[a->chunk_b], i);
      ends->last_backward[a->chunk_b] = i;
    }
    if (moe_action_weighs(a)) {
      note_first(&ends->first_weight[a->chunk_b], i);
      ends->last_weight[a->chunk_b] = i;
    }
  }
}

/* The first of a chunk's passes differs where it leaves gradients in host memory: there are none to add to. */
static uint8_t backward_variant(const MoeBuilder *builder, const MoeAction *a, guint index, const Ends *ends)
{
  gboolean weighs = a->kind == MOE_ACTION_WGRAD;
  guint first = weighs ? ends->first_weight[a->chunk_b] : ends->first_backward[a->chunk_b];
  guint last = weighs ? ends->last_weight[a->chunk_b] : ends->last_backward[a->chunk_b];

  return (uint8_t)((last == index ? MOE_VARIANT_LAST : 0) |
                   (first == index && builder->shape.run->offload.gradients ? MOE_VARIANT_FIRST : 0));
}

static MoeBlockKey key_of(const MoeBuilder *builder, int64_t stage, const MoeAction *a, guint index, const Ends *ends)
{
  MoeBlockKey key = {.kind = a->kind, .start = index == 0};

  if (a->kind == MOE_ACTION_FINISH) {
    key.stage = (uint32_t)stage;
    return key;
  }
  if (moe_action_forwards(a)) {
    key.position_f = (uint32_t)moe_placement_position(builder->schedule, &builder->placement, stage, a->chunk);
    key.variant_f = ends->first_forward[a->chunk] == index ? MOE_VARIANT_FIRST : 0;
  }
  if (moe_action_backwards(a) || moe_action_weighs(a)) {
    key.position_b = (uint32_t)moe_placement_position(builder->schedule, &builder->placement, stage, a->chunk_b);
    key.variant_b = backward_variant(builder, a, index, ends);
  }
  return key;
}

/* ---- calls -------------------------------------------------------------------------------------- */

/* Slots as in chunk.c: forward in, forward out, backward in, backward out. */
static void set_messages(const Wiring *wiring, const MoeAction *a, const MoeBlockKey *key, MoeCall *call)
{
  int64_t positions = wiring->builder->placement.positions, f = a->batch * positions, b = a->batch_b * positions;

  for (guint i = 0; i < MOE_CALL_MESSAGES; i++)
    call->message[i] = MOE_NO_MESSAGE;
  if (moe_action_forwards(a)) {
    call->message[0] = key->position_f > 0 ? wiring->forward[f + key->position_f - 1] : MOE_NO_MESSAGE;
    call->message[1] = wiring->forward[f + key->position_f];
  }
  if (moe_action_backwards(a)) {
    call->message[2] = wiring->backward[b + key->position_b];
    call->message[3] = key->position_b > 0 ? wiring->backward[b + key->position_b - 1] : MOE_NO_MESSAGE;
  }
}

static void add_call(const Wiring *wiring, MoeRole *role, MoeCall *calls, const MoeAction *a, const MoeBlockKey *key)
{
  MoeCall *call = &calls[role->n_calls++];
  guint index = moe_block_get(wiring->builder, key);
  const MoeBlock *block = &g_array_index(wiring->builder->blocks, MoeBlock, index);

  call->block = index;
  call->micro_batch = moe_action_forwards(a) ? a->batch : a->batch_b;
  set_messages(wiring, a, key, call);
  for (guint s = 0; s < MOE_N_STREAMS; s++) {
    call->base[s] = role->total[s];
    role->total[s] += block->n_stream[s];
  }
  role->n_ops += block->n_ops;
}

static void build_role(const Wiring *wiring, int64_t stage, MoeRole *role)
{
  MoeBuilder *builder = wiring->builder;
  g_autoptr(GArray) actions = g_array_new(FALSE, FALSE, sizeof(MoeAction));
  const MoeAction finish = {.kind = MOE_ACTION_FINISH, .batch_b = (uint32_t)builder->placement.batches - 1};
  Ends ends;

  builder->schedule->actions(&builder->placement, stage, actions);
  g_array_append_val(actions, finish);
  find_ends(actions, &ends);
  MoeCall *calls = moe_arena_alloc(builder->arena, actions->len * sizeof(MoeCall));

  *role = (MoeRole){.stage = stage, .calls = calls};
  for (guint i = 0; i < actions->len; i++) {
    const MoeAction *a = &g_array_index(actions, MoeAction, i);
    MoeBlockKey key = key_of(builder, stage, a, i, &ends);

    add_call(wiring, role, calls, a, &key);
  }
  moe_static_bytes(builder, stage, role->static_bytes);
}

void moe_calls_build(MoeBuilder *builder, MoeCalls *calls)
{
  Wiring wiring;

  calls->roles = g_array_new(FALSE, TRUE, sizeof(MoeRole));
  calls->messages = g_array_new(FALSE, FALSE, sizeof(MoeMessage));
  g_array_set_size(calls->roles, (guint)builder->placement.stages);
  wiring_init(&wiring, builder, calls->messages);
  for (int64_t stage = 0; stage < builder->placement.stages; stage++)
    build_role(&wiring, stage, &g_array_index(calls->roles, MoeRole, stage));
  wiring_clear(&wiring);
}
