/* What one release of a software does otherwise than the one before. */
#include "runs.h"

#include <string.h>

/* Kernels of a name, and how many of them are of each precision and pass. */
typedef struct {
  guint n, forward_bf16, backward_tf32, fp32;
} Count;

static Count count_of(const char *sets, const char *name)
{
  g_autoptr(MoeRun) run = run_with(SPARSE, sets);
  g_autoptr(MoeProgram) program = build_checked(run);
  Count count = {0};

  for (guint i = 0; i < program->n_kernels; i++) {
    const MoeKernel *k = &program->kernels[i];

    if (!g_str_equal(k->name, name))
      continue;
    count.n++;
    count.forward_bf16 += k->pass == MOE_PASS_FORWARD && k->precision == MOE_BF16;
    count.backward_tf32 += k->pass != MOE_PASS_FORWARD && k->precision == MOE_TF32;
    count.fp32 += k->precision == MOE_FP32;
  }
  return count;
}

/* TransformerEngine multiplies an FP32 router's BF16 operands, and FP32 copies of them as TF32 backward; without it all
 * three products are FP32; a BF16 router knows neither. */
START_TEST(test_mixed_router)
{
  Count mixed = count_of("stack=megatron-core:0.13", "router"), plain = count_of("stack=megatron-core:0.11", "router");
  Count narrow = count_of("training.precision={gemm: bf16, router: bf16}", "router");

  ck_assert_uint_eq(mixed.forward_bf16 + mixed.backward_tf32, mixed.n);
  ck_assert_uint_gt(mixed.forward_bf16, 0);
  ck_assert_uint_gt(mixed.backward_tf32, 0);
  ck_assert_uint_eq(plain.fp32, plain.n);
  ck_assert_uint_eq(narrow.backward_tf32 + narrow.fp32, 0);
  ck_assert_uint_gt(count_of("stack=megatron-core:0.13", "router_cast").n, 0);
  ck_assert_uint_eq(count_of("stack=megatron-core:0.11", "router_cast").n, 0);
  ck_assert_uint_eq(count_of("training.precision={gemm: bf16, router: bf16}", "router_cast").n, 0);
}
END_TEST

/* Reductions of dense gradients in a step of one GPU: one per bucket. */
static guint buckets(const char *precision, const char *keys)
{
  g_autofree char *sets = g_strdup_printf("parallelism={gpus: 32, context: 4};training.global_batch=16;"
                                          "training.precision={gemm: bf16, gradient_reduce: %s};"
                                          "stack.data_parallel={unit: bucket, bucket: 1 MB, bucket_per_rank: 4 MB, %s}",
                                          precision, keys);
  g_autoptr(MoeRun) run = run_with(DENSE, sets);
  g_autoptr(MoeProgram) program = build_checked(run);
  guint n = 0;

  for (guint c = 0; c < program->roles[0].n_calls; c++) {
    const MoeBlock *block = &program->blocks[program->roles[0].calls[c].block];

    for (guint i = 0; i < block->n_ops; i++)
      n += block->ops[i].kind == MOE_OP_COLLECTIVE && program->collectives[block->ops[i].work].kind == MOE_ALL_REDUCE &&
           program->collectives[block->ops[i].work].group == MOE_GROUP_DATA;
  }
  return n;
}

/* 16 layers of 12.6M parameters are 50 MB of FP32 gradients each: buckets of 4 MB for each of 8 data-parallel ranks
 * hold one layer, for each of 32 data- and context-parallel ranks three. The embedding and the head are two more. */
START_TEST(test_bucket_ranks)
{
  ck_assert_uint_eq(buckets("fp32", "bucket_context: false"), 16 + 2);
  ck_assert_uint_eq(buckets("fp32", "bucket_context: true"), 6 + 2);
}
END_TEST

/* BF16 gradients fill a bucket of bytes with twice the layers; one that counts elements holds what FP32 ones do. */
START_TEST(test_bucket_elements)
{
  ck_assert_uint_eq(buckets("bf16", "bucket_context: true, bucket_elements: false"), 3 + 2);
  ck_assert_uint_eq(buckets("bf16", "bucket_context: true, bucket_elements: true"), 6 + 2);
}
END_TEST

MOE_TEST_MAIN("program/release", test_mixed_router, test_bucket_ranks, test_bucket_elements)
