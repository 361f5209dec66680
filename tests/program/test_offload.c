/* Optimizer state and gradients in host memory: what moves, how long the host computes, what the GPU still holds. */
#include "runs.h"

#include "layer/layer.h"

/* One stage, eight data-parallel ranks of one host. */
#define LAYOUT                                                                                                         \
  "parallelism.gpus=8;parallelism.zero=1;training.global_batch=16;cluster.host={gpus: 8, memory_link: 50 GB/s, "       \
  "memory_bandwidth: 400 GB/s};stack.host.optimizer=0.25;"

/* Of a rank: bytes copied to the host and from it, and seconds of its CPU, in a whole step. */
typedef struct {
  double out, in, seconds;
  guint delays; /* of the optimizer */
} Moved;

static void add_op(const MoeProgram *program, const MoeOp *op, Moved *moved)
{
  if (op->kind == MOE_OP_COPY)
    *(program->copies[op->work].to_host ? &moved->out : &moved->in) += program->copies[op->work].bytes;
  if (op->kind == MOE_OP_DELAY && program->delays[op->work].pass == MOE_PASS_OPTIMIZER) {
    moved->seconds += program->delays[op->work].seconds;
    moved->delays++;
  }
}

static Moved count(const MoeProgram *program, guint stage)
{
  const MoeRole *role = &program->roles[stage];
  Moved moved = {0};

  for (guint call = 0; call < role->n_calls; call++) {
    const MoeBlock *block = &program->blocks[role->calls[call].block];

    for (guint op = 0; op < block->n_ops; op++)
      add_op(program, &block->ops[op], &moved);
  }
  return moved;
}

static MoeRun *run_of(const char *sets)
{
  g_autofree char *all = g_strconcat(LAYOUT, sets, NULL);

  return run_with(DENSE, all);
}

static Moved moved_with(const char *sets)
{
  g_autoptr(MoeRun) run = run_of(sets);
  g_autoptr(MoeProgram) program = build_checked(run);

  return count(program, 0);
}

/* Elements that a rank steps. */
static double owned(void)
{
  g_autoptr(MoeRun) run = run_of("offload=none");
  MoeParameters parameters;

  moe_count_parameters(&run->architecture, &parameters);
  return parameters.total / 8;
}

static void ck_close(double value, double expected)
{
  ck_assert_msg(ABS(value - expected) <= 1e-9 * ABS(expected), "%.6g, expected %.6g", value, expected);
}

/* A quarter of 50 GB/s per rank. The CPU reads gradient, master and two moments, writes three of them: 28 bytes; two
 * more when it casts the weight that goes back in BF16. */
START_TEST(test_host_update)
{
  Moved whole = moved_with("offload={optimizer: 1}"), half = moved_with("offload={optimizer: 0.5}");
  Moved stays = moved_with("offload={optimizer: 1, master: false}"), sgd;

  ck_close(whole.out, 4 * owned());
  ck_close(whole.in, 2 * owned());
  ck_close(whole.seconds, 30 * owned() / 12.5e9);
  ck_close(half.out, 2 * owned());
  ck_close(half.seconds, whole.seconds / 2);
  ck_close(stays.in, 4 * owned());
  ck_close(stays.seconds, 28 * owned() / 12.5e9);
  sgd = moved_with("offload={optimizer: 1, master: false};training.optimizer=sgd");
  ck_close(sgd.seconds, 20 * owned() / 12.5e9);
}
END_TEST

/* Overlapping cuts the same work in pieces. */
START_TEST(test_pieces)
{
  Moved alone = moved_with("offload={optimizer: 1}"), overlapped = moved_with("offload={optimizer: 1, overlap: true}");

  ck_assert_uint_eq(alone.delays, 1);
  ck_assert_uint_gt(overlapped.delays, 8);
  ck_close(overlapped.seconds, alone.seconds);
  ck_close(overlapped.out, alone.out);
  ck_close(overlapped.in, alone.in);
}
END_TEST

/* State that comes for its update goes both ways, and nobody computes on the host. */
START_TEST(test_device_update)
{
  Moved moved = moved_with("offload={optimizer: 0.5, update: device}");
  Moved moments = moved_with("offload={optimizer: 1, update: device, master: false}");

  ck_close(moved.in, 0.5 * 12 * owned());
  ck_close(moved.out, 0.5 * 12 * owned());
  ck_assert_uint_eq(moved.delays, 0);
  ck_close(moments.out, 8 * owned());
}
END_TEST

static MoeFootprint footprint(const char *sets)
{
  g_autoptr(MoeRun) run = run_of(sets);
  g_autoptr(MoeProgram) program = build_checked(run);
  MoeFootprint f;

  moe_program_footprint(program, run, 0, &f);
  return f;
}

START_TEST(test_what_stays)
{
  MoeFootprint none = footprint("offload=none"), half = footprint("offload={optimizer: 0.5}");
  MoeFootprint stays = footprint("offload={optimizer: 1, master: false}"), all = footprint("offload={optimizer: 1}");
  MoeFootprint visits = footprint("offload={optimizer: 1, update: device}");
  double optimizer = none.part_bytes[MOE_MEMORY_OPTIMIZER];

  ck_close(optimizer, 12 * owned());
  ck_close(half.part_bytes[MOE_MEMORY_OPTIMIZER], optimizer / 2);
  ck_close(stays.part_bytes[MOE_MEMORY_OPTIMIZER], optimizer / 3);
  ck_assert_double_eq(all.part_bytes[MOE_MEMORY_OPTIMIZER], 0);
  /* The peak is in the last backward pass, when the state that visits is away. */
  ck_close(visits.peak_bytes, all.peak_bytes);
}
END_TEST

/* ZeRO-Offload: each micro-batch brings its reduced gradients out; the second adds what the first left. */
START_TEST(test_gradients)
{
#define GRADIENTS "parallelism.zero=2;offload={optimizer: 1, gradients: true}"
  Moved moved = moved_with(GRADIENTS);
  MoeFootprint stays = footprint("parallelism.zero=2;offload={optimizer: 1}"), away = footprint(GRADIENTS);

  ck_close(moved.out, 2 * 4 * owned());
  ck_close(moved.in, 4 * owned() + 2 * owned());
  ck_assert_double_le(away.part_bytes[MOE_MEMORY_GRADIENTS], stays.part_bytes[MOE_MEMORY_GRADIENTS] - 3 * owned());
}
END_TEST

/* Each stage keeps the same share of its layers on the host, also where every fourth layer of the model lies on one of
 * two stages: two chunks of two layers each, by turns. */
START_TEST(test_layers_of_a_stage)
{
  g_autoptr(MoeRun) run =
      run_with(DENSE, "parallelism.gpus=2;parallelism.pipeline=2;parallelism.virtual_stages=4;"
                      "parallelism.schedule=interleaved;recompute={mode: full};offload.activations=0.25");
  g_autoptr(MoeProgram) program = build_checked(run);
  double batches = 16, checkpoint = 2 * 2048.0 * 1024.0;

  for (guint stage = 0; stage < 2; stage++) {
    Moved moved = count(program, stage);

    ck_close(moved.out, 2 * batches * checkpoint);
    ck_close(moved.in, moved.out);
  }
}
END_TEST

MOE_TEST_MAIN("program/offload", test_host_update, test_pieces, test_device_update, test_what_stays, test_gradients,
              test_layers_of_a_stage)
