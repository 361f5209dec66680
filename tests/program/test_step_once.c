/* What happens once per step: when parameters are gathered and gradients reduced. */
#include "runs.h"

#define STAGES                                                                                                         \
  "architecture.layers=16;parallelism={gpus: 32, pipeline: 2, virtual_stages: 2, expert: 8, schedule: interleaved, "   \
  "zero: 1, overlap: {gradient_reduce: true, parameter_gather: true, expert: true, pipeline: true}};"

/* Operations of a stream in the role's call number `call`; *waiting of them wait for something. */
static guint on_stream(const MoeProgram *program, guint role, guint call, MoeStream stream, guint *waiting)
{
  const MoeBlock *block = &program->blocks[program->roles[role].calls[call].block];

  *waiting = 0;
  for (guint i = 0; i < block->n_stream[stream]; i++)
    *waiting += block->ops[block->stream_ops[stream][i]].n_waits > 0;
  return block->n_stream[stream];
}

static MoeProgram *program_with(const char *sets)
{
  g_autofree char *all = g_strconcat(STAGES, sets, NULL);
  g_autoptr(MoeRun) run = run_with(SPARSE, all);

  return build_checked(run);
}

/* The first call of a stage forwards its first chunk. Aligned gathers wait for nothing; unaligned ones for what the
 * chunk's first kernel waits for: on the second stage the message from the first. Stages of one chunk have a key of
 * their own, as software that aligns launches nothing ahead for them. */
START_TEST(test_unaligned_gather)
{
  g_autoptr(MoeProgram) aligned = program_with("stack.data_parallel.unaligned_gather=false");
  g_autoptr(MoeProgram) alone = program_with("stack.data_parallel.unaligned_gather=true");
  const char *whole = "parallelism.virtual_stages=1;parallelism.schedule=1f1b;stack.data_parallel.hooked_gather=";
  g_autofree char *off = g_strconcat(whole, "false;stack.data_parallel.unaligned_gather=true", NULL),
                  *on = g_strconcat(whole, "true", NULL);
  g_autoptr(MoeProgram) single = program_with(off);
  g_autoptr(MoeProgram) hooked = program_with(on);
  guint waiting, n = on_stream(aligned, 1, 0, MOE_STREAM_GATHER, &waiting);

  ck_assert_uint_gt(n, 0);
  ck_assert_uint_eq(waiting, 0);
  ck_assert_uint_eq(on_stream(alone, 1, 0, MOE_STREAM_GATHER, &waiting), n);
  ck_assert_uint_gt(waiting, 0);
  n = on_stream(single, 1, 0, MOE_STREAM_GATHER, &waiting);
  ck_assert_uint_gt(n, 0);
  ck_assert_uint_eq(waiting, 0);
  ck_assert_uint_eq(on_stream(hooked, 1, 0, MOE_STREAM_GATHER, &waiting), n);
  ck_assert_uint_gt(waiting, 0);
}
END_TEST

static guint gathers(const MoeProgram *program, guint role)
{
  guint n = 0, waiting;

  for (guint c = 0; c < program->roles[role].n_calls; c++)
    n += on_stream(program, role, c, MOE_STREAM_GATHER, &waiting);
  return n;
}

/* Buckets of a layer's size: the first stage's first chunk has one dense gather for each of its 4 layers, the other
 * chunk and stage one in all, when only the first chunk is divided; experts, in every second layer, likewise. */
START_TEST(test_first_chunk_buckets)
{
  const char *bucket = "stack.data_parallel={unit: bucket, bucket: 1 MB, bucket_per_rank: 0 B, first_chunk_buckets: ";
  g_autofree char *off = g_strconcat(bucket, "false}", NULL), *on = g_strconcat(bucket, "true}", NULL);
  g_autoptr(MoeProgram) divided = program_with(off), first = program_with(on);
  const guint root = 1, layers = 4, experts = 2; /* a chunk; the head is on the last stage */

  ck_assert_uint_eq(gathers(divided, 0), root + 2 * (layers + experts));
  ck_assert_uint_eq(gathers(first, 0), root + layers + experts + 2);
  ck_assert_uint_eq(gathers(divided, 1), root + 2 * (layers + experts));
  ck_assert_uint_eq(gathers(first, 1), root + 2 + 2);
}
END_TEST

/* Reductions in the last call, which is the optimizer's. */
static guint late(const MoeProgram *program, guint role)
{
  const MoeRole *r = &program->roles[role];
  const MoeBlock *block = &program->blocks[r->calls[r->n_calls - 1].block];
  guint n = 0;

  for (guint i = 0; i < block->n_ops; i++)
    n += block->ops[i].kind == MOE_OP_COLLECTIVE && program->collectives[block->ops[i].work].kind == MOE_REDUCE_SCATTER;
  return n;
}

/* A combined forward and backward that skips reductions leaves chunk 0 of the first stage, and both chunks of the
 * second, to the end: each chunk one dense and one expert reduction, and those of the ends. */
START_TEST(test_late_reduce)
{
  const char *merged = "stack.overlap=[gradient_reduce, parameter_gather, pipeline, expert, expert_across_batches];"
                       "stack.data_parallel.first_chunk_buckets=true;stack.data_parallel.late_reduce=";
  g_autofree char *off = g_strconcat(merged, "false", NULL), *on = g_strconcat(merged, "true", NULL);
  g_autoptr(MoeProgram) early = program_with(off), skipped = program_with(on);

  ck_assert_uint_eq(late(early, 0) + late(early, 1), 0);
  ck_assert_uint_gt(late(skipped, 0), 0);
  ck_assert_uint_eq(late(skipped, 1), 2 * 2 + 1);
}
END_TEST

/* First and last stage hold the table twice when embeddings are tied or a prediction module has a copy. */
START_TEST(test_table_held_twice)
{
  static const char *const sets[] = {"architecture.tied_embeddings=false", "architecture.tied_embeddings=true",
                                     "architecture.tied_embeddings=false;architecture.mtp_layers=1"};

  for (guint i = 0; i < G_N_ELEMENTS(sets); i++) {
    g_autoptr(MoeProgram) program = program_with(sets[i]);
    guint n = 0;

    for (guint c = 0; c < program->n_collectives; c++)
      n += program->collectives[c].group == MOE_GROUP_EMBEDDING;
    ck_assert_uint_eq(n > 0, i > 0);
  }
}
END_TEST

/* Kernels of a stage by name, and in *bytes what they read and write. */
static guint named(const MoeProgram *program, guint role, const char *name, double *bytes)
{
  guint n = 0;

  *bytes = 0;
  for (guint c = 0; c < program->roles[role].n_calls; c++) {
    const MoeBlock *block = &program->blocks[program->roles[role].calls[c].block];

    for (guint i = 0; i < block->n_ops; i++) {
      const MoeKernel *kernel = block->ops[i].kind == MOE_OP_KERNEL ? &program->kernels[block->ops[i].work] : NULL;

      if (!kernel || strcmp(kernel->name, name) != 0)
        continue;
      *bytes += kernel->read_bytes + kernel->write_bytes;
      n++;
    }
  }
  return n;
}

#define BUFFER                                                                                                         \
  "parallelism.overlap.expert=false;stack.moe.counts=device;stack.host.message_sync=false;stack.host.norm_sync=false;" \
  "stack.data_parallel={unit: bucket, bucket: 1 MB, bucket_per_rank: 0 B, first_chunk_buckets: true, "

/* A buffer of gradients is set to zero once a step, its bytes those of all gradients of the stage; each bucket is read
 * once for its norm, which the host waits for unless reductions are in a graph, and read and written once when it is
 * scaled: all buckets, or those of experts alone, who have fewer replicas than the rest. */
START_TEST(test_gradient_buffer)
{
  g_autoptr(MoeProgram) plain = program_with(BUFFER "zeroed: false, checked: false, scaled: none}");
  g_autoptr(MoeProgram) full = program_with(BUFFER "zeroed: true, checked: true, scaled: all}");
  g_autoptr(MoeProgram) some = program_with(BUFFER "zeroed: true, checked: false, scaled: experts}");
  g_autoptr(MoeProgram) graph = program_with("stack.host.graphs=[iteration];" BUFFER "checked: true}");
  double buffer, read, both, experts;

  for (guint role = 0; role < 2; role++) {
    ck_assert_uint_eq(named(plain, role, "zero_gradients", &buffer) + named(plain, role, "scale_gradients", &both) +
                          named(plain, role, "check_gradients", &read) + syncs_of(plain, role),
                      0);
    ck_assert_uint_eq(named(full, role, "zero_gradients", &buffer), 1);
    ck_assert_uint_gt(named(full, role, "check_gradients", &read), 2);
    ck_assert_uint_eq(named(full, role, "scale_gradients", &both), named(full, role, "check_gradients", &read));
    ck_assert_uint_eq(syncs_of(full, role), named(full, role, "check_gradients", &read));
    ck_assert_double_eq_tol(read, buffer, 1e-6 * buffer);
    ck_assert_double_eq_tol(both, 2 * buffer, 1e-6 * buffer);
    ck_assert_uint_gt(named(some, role, "scale_gradients", &experts), 0);
    ck_assert_double_lt(experts, both);
    ck_assert_uint_eq(syncs_of(graph, role) + named(graph, role, "check_gradients", &read), 0);
  }
}
END_TEST

/* Fully sharded gradients have no such buffer. */
START_TEST(test_sharded_gradients)
{
  g_autoptr(MoeProgram) program = program_with("parallelism.virtual_stages=1;parallelism.schedule=1f1b;"
                                               "parallelism.zero=2;" BUFFER "zeroed: true}");
  double bytes;

  ck_assert_uint_eq(named(program, 0, "zero_gradients", &bytes), 0);
}
END_TEST

MOE_TEST_MAIN("program/step once", test_unaligned_gather, test_first_chunk_buckets, test_late_reduce,
              test_table_held_twice, test_gradient_buffer, test_sharded_gradients)
