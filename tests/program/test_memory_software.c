/* What software keeps in its own way: pools of graphs, pools of fixed size, ends that are not held, outputs that are
 * made again, padded buckets. */
#include "runs.h"

#include "layer/layer.h"

#include <math.h>

static MoeFootprint footprint_of(const char *base, const char *sets)
{
  g_autoptr(MoeRun) run = run_with(base, sets);
  g_autoptr(MoeProgram) program = build_checked(run);
  MoeFootprint footprint;

  moe_program_footprint(program, run, 0, &footprint);
  return footprint;
}

static double part_of(const char *base, const char *sets, MoeMemoryPart part)
{
  return footprint_of(base, sets).part_bytes[part];
}

static double bytes_of(const char *format, const char *word, MoeMemoryPart part)
{
  g_autofree char *sets = g_strdup_printf(format, word);

  return part_of(DENSE, sets, part);
}

/* xformers' fused SwiGLU keeps gate and up: a layer leaves its inner width less, which the layer in backward has again.
 * The kernel that makes it writes it once more. */
START_TEST(test_remade_activation)
{
  const char *sets = "parallelism.gpus=1;training.global_batch=1;recompute={mode: none};stack.fused=[activation];"
                     "architecture.layers=8;stack.memory.remade_activation=%s";
  g_autoptr(MoeRun) run = run_with(DENSE, "");
  double tokens = (double)run->training.sequence_length, inner = 2 * tokens * (double)run->architecture.ffn.width;
  double kept = bytes_of(sets, "false", MOE_MEMORY_ACTIVATIONS),
         remade = bytes_of(sets, "true", MOE_MEMORY_ACTIVATIONS);

  /* Seven or eight of eight, as the peak lies in the first backward pass or before. */
  ck_assert_double_ge(kept - remade, 7 * inner - 1);
  ck_assert_double_le(kept - remade, 8 * inner + 1);
  ck_assert_double_eq(
      bytes_of("recompute={mode: full};stack.memory.remade_activation=%s", "true", MOE_MEMORY_WEIGHTS),
      bytes_of("recompute={mode: full};stack.memory.remade_activation=%s", "false", MOE_MEMORY_WEIGHTS));
}
END_TEST

static double written_backward(const char *remade)
{
  g_autofree char *sets =
      g_strdup_printf("parallelism.gpus=1;training.global_batch=1;stack.memory.remade_activation=%s", remade);
  g_autoptr(MoeRun) run = run_with(DENSE, sets);
  g_autoptr(MoeProgram) program = build_checked(run);
  double bytes = 0;

  for (guint k = 0; k < program->n_kernels; k++)
    if (program->kernels[k].klass == MOE_KERNEL_BANDWIDTH &&
        program->kernels[k].bandwidth == MOE_BANDWIDTH_ACTIVATION && program->kernels[k].pass == MOE_PASS_DGRAD)
      bytes += program->kernels[k].write_bytes;
  return bytes;
}

START_TEST(test_remade_traffic)
{
  g_autoptr(MoeRun) run = run_with(DENSE, "");
  double inner = 2 * (double)run->training.sequence_length * (double)run->architecture.ffn.width;

  ck_assert_double_eq_tol(written_backward("true") - written_backward("false"), inner, 1);
}
END_TEST

/* Under ZeRO-3 a root holds embedding, head and final norm in BF16 throughout. Without it the embedding is gone at the
 * loss, where the activations peak, and the head and the layer gathered ahead are there. */
START_TEST(test_reshard_ends)
{
  const char *sets = "parallelism.zero=3;training.global_batch=8;architecture.tied_embeddings=%s;"
                     "stack.data_parallel={unit: layer, prefetch: 1, reshard_ends: %s}";
  double held[2], freed[2];
  g_autoptr(MoeRun) run = run_with(DENSE, "architecture.tied_embeddings=false");
  MoeParameters count;

  for (guint tied = 0; tied < 2; tied++) {
    g_autofree char *with = g_strdup_printf(sets, tied ? "true" : "false", "true");
    g_autofree char *without = g_strdup_printf(sets, tied ? "true" : "false", "false");

    freed[tied] = part_of(DENSE, with, MOE_MEMORY_WEIGHTS);
    held[tied] = part_of(DENSE, without, MOE_MEMORY_WEIGHTS);
  }
  moe_count_parameters(&run->architecture, &count);
  ck_assert_double_eq_tol(held[0] - freed[0], 2 * count.embedding, 1);
  ck_assert_double_eq(held[1], freed[1]);
}
END_TEST

/* JAX takes a share of the device when it starts: what it leaves is all that libraries have. */
START_TEST(test_pool)
{
  g_autoptr(MoeRun) run = run_with(DENSE, "");
  double memory = run->cluster.accelerator.memory_bytes;
  const char *sets = "stack.memory.reserved=4 GB;stack.memory.pool=%s";

  ck_assert_double_eq_tol(bytes_of(sets, "0.9", MOE_MEMORY_SYSTEM), 0.1 * memory, 1);
  ck_assert_double_eq_tol(bytes_of(sets, "0.99", MOE_MEMORY_SYSTEM), 4e9, 1);
  ck_assert_double_eq_tol(bytes_of(sets, "0", MOE_MEMORY_SYSTEM), 4e9, 1);
}
END_TEST

/* One graph of the passes, and an update whose copies come from elsewhere: the pool's peak and the copies have to be
 * there together. Eager, the larger of the two is all. What tensors hold at most does not change. */
START_TEST(test_iteration_pool)
{
#define UPDATE                                                                                                         \
  "training.global_batch=8;recompute={mode: full};training.precision.optimizer_moments=bf16;stack.memory."             \
  "fragmentation=0;stack.memory.moments_cast=true;stack.memory.graph_pool=true;stack.host.graphs="
  MoeFootprint eager = footprint_of(DENSE, UPDATE "[]");
  MoeFootprint graph = footprint_of(DENSE, UPDATE "[iteration]");
  g_autoptr(MoeRun) run = run_with(DENSE, UPDATE "[]");
  double copies, more = graph.peak_bytes - eager.peak_bytes;
  MoeParameters count;

  moe_count_parameters(&run->architecture, &count);
  copies = 2 * 4 * count.total / 8;
  ck_assert_double_le(more, copies + 1);
  ck_assert_double_gt(more, 0);
  ck_assert_double_eq_tol(more, graph.part_bytes[MOE_MEMORY_ALLOCATOR], 1);
  ck_assert_double_eq_tol(graph.counted_bytes[MOE_MEMORY_ALLOCATED], eager.counted_bytes[MOE_MEMORY_ALLOCATED], 1);
}
END_TEST

/* Graphs of attention hold what attention leaves for all micro-batches in flight, also while the update needs memory;
 * without a pool, or where the layer is computed again as a whole, nothing is idle. */
START_TEST(test_layer_pool)
{
  const char *sets = "parallelism.gpus=1;training.global_batch=1;architecture.vocabulary=1000;recompute={mode: %s};"
                     "training.precision.optimizer_moments=bf16;"
                     "architecture.layers=64;architecture.ffn.width=64;stack.memory.fragmentation=0;"
                     "stack.memory.moments_cast=true;stack.memory.graph_pool=%s;stack.host.graphs=[attention]";
  g_autofree char *with = g_strdup_printf(sets, "none", "true"), *without = g_strdup_printf(sets, "none", "false");
  g_autofree char *again = g_strdup_printf(sets, "full", "true");

  ck_assert_double_gt(part_of(DENSE, with, MOE_MEMORY_ALLOCATOR), 0);
  ck_assert_double_eq(part_of(DENSE, without, MOE_MEMORY_ALLOCATOR), 0);
  ck_assert_double_eq(part_of(DENSE, again, MOE_MEMORY_ALLOCATOR), 0);
}
END_TEST

/* Buckets end at a multiple of the padding and of the ranks: over 8 ranks and 1,000,000 elements of padding, the model
 * in one bucket for its layers and one for either end. */
START_TEST(test_bucket_padding)
{
  const char *sets = "parallelism.zero=%d;stack.data_parallel={unit: bucket, bucket: 1 TB, bucket_padding: %s}";
  double weights[2], gradients[2], none[2], multiple = 125000 * 8;

  for (int zero = 0; zero < 2; zero++) {
    g_autofree char *padded = g_strdup_printf(sets, zero, "1000000"), *plain = g_strdup_printf(sets, zero, "0");

    gradients[zero] = part_of(DENSE, padded, MOE_MEMORY_GRADIENTS);
    weights[zero] = part_of(DENSE, padded, MOE_MEMORY_WEIGHTS);
    none[zero] = part_of(DENSE, plain, MOE_MEMORY_GRADIENTS);
    weights[zero] -= part_of(DENSE, plain, MOE_MEMORY_WEIGHTS);
  }
  ck_assert_double_eq(gradients[0], none[0]);
  ck_assert_double_eq_tol(fmod(gradients[1] / 4, multiple), 0, 1);
  ck_assert_double_ge(gradients[1], none[1]);
  ck_assert_double_le(gradients[1], none[1] + 3 * 4 * multiple);
  ck_assert_double_eq_tol(weights[1], (gradients[1] - none[1]) / 2, 1);
}
END_TEST

MOE_TEST_MAIN("program/memory-software", test_remade_activation, test_remade_traffic, test_reshard_ends, test_pool,
              test_iteration_pool, test_layer_pool, test_bucket_padding)
