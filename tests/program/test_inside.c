/* What ranks do together inside a pass, whatever the layer computes: delayed FP8 scales, rings of attention. */
#include "runs.h"

#include <math.h>

typedef struct {
  guint reductions; /* of greatest values, in a step of stage 0 */
  guint group;      /* ranks in each */
  guint updates;    /* of scales */
} Scales;

static void count_scales(const MoeProgram *p, const MoeOp *op, Scales *scales)
{
  if (op->kind == MOE_OP_COLLECTIVE && g_str_equal(p->collectives[op->work].name, "fp8_amax")) {
    scales->reductions++;
    scales->group = (guint)moe_layout_group_size(p->layout, p->collectives[op->work].group);
  }
  scales->updates += op->kind == MOE_OP_KERNEL && g_str_equal(p->kernels[op->work].name, "fp8_scales");
}

/* 16 layers in 4 stages of 2 chunks, 8 micro-batches, 2 x 2 x 2 ranks a stage. */
#define CHUNKS                                                                                                         \
  "cluster=h100-hgx;parallelism={gpus: 32, tensor: 2, context: 2, pipeline: 4, virtual_stages: 2, schedule: "          \
  "interleaved};"

static Scales scales_of(const char *sets)
{
  g_autofree char *all = g_strconcat(CHUNKS, sets, NULL);
  g_autoptr(MoeRun) run = run_with(DENSE, all);
  g_autoptr(MoeProgram) program = build_checked(run);
  Scales scales = {0};

  for (guint c = 0; c < program->roles[0].n_calls; c++) {
    const MoeBlock *block = &program->blocks[program->roles[0].calls[c].block];

    for (guint i = 0; i < block->n_ops; i++)
      count_scales(program, &block->ops[i], &scales);
  }
  return scales;
}

/* TransformerEngine: once when a chunk's autocast ends, once behind its backward pass. Over all ranks of the stage,
 * with
 * --tp-only-amax-red over those of a sequence; scales of the tensor's own and BF16 have none. */
START_TEST(test_amax_reduction)
{
  guint passes = 8 * 2 * 2;
  Scales data = scales_of("training.precision={gemm: fp8, wgrad: fp8}");
  Scales sequence = scales_of("training.precision={gemm: fp8, wgrad: fp8};stack.amax_reduction=sequence");
  Scales none = scales_of("training.precision={gemm: fp8, wgrad: fp8};stack.amax_reduction=none");
  Scales current = scales_of("training.precision={gemm: fp8, wgrad: fp8, scaling: current}");
  Scales plain = scales_of("training.precision={gemm: bf16}");

  ck_assert_uint_eq(data.reductions, passes);
  ck_assert_uint_eq(data.group, 8);
  ck_assert_uint_eq(data.updates, passes);
  ck_assert_uint_eq(sequence.reductions, passes);
  ck_assert_uint_eq(sequence.group, 4);
  ck_assert_uint_eq(none.reductions, 0);
  ck_assert_uint_eq(none.updates, passes);
  ck_assert_uint_eq(current.reductions + current.updates + plain.reductions + plain.updates, 0);
}
END_TEST

/* Bytes that kernels of a name move in one micro-batch's pass over the model, and how many there are. */
typedef struct {
  double bytes, launches;
} Moved;

static Moved moved_by(const MoeProgram *program, const char *name)
{
  Moved moved = {0};

  for (guint i = 0; i < program->n_kernels; i++) {
    const MoeKernel *k = &program->kernels[i];

    if (!g_str_equal(k->name, name))
      continue;
    moved.bytes += k->read_bytes + k->write_bytes;
    moved.launches += (double)k->launches;
  }
  return moved;
}

#define RING "parallelism={gpus: 8, context: %d, context_kind: ring, schedule: none, zero: 1};stack.overlap=[%s]"

static MoeProgram *ring_program(int context, const char *overlap)
{
  g_autofree char *sets = g_strdup_printf(RING, context, overlap);
  g_autoptr(MoeRun) run = run_with(DENSE, sets);

  return build_checked(run);
}

/* Outputs of n steps on a slice of 2,048 / n tokens, 1,024 wide: one is written, each of the others reads two and
 * writes one, half of them for half of the queries. Whoever gathers all keys first has nothing to merge. */
START_TEST(test_ring_merges)
{
  for (int context = 2; context <= 8; context *= 2) {
    g_autoptr(MoeProgram) ring = ring_program(context, "context");
    g_autoptr(MoeProgram) gathered = ring_program(context, "gradient_reduce");
    double slice = 2048.0 / context * 1024 * 2, later = context - 1;
    Moved outputs = moved_by(ring, "ring_outputs");

    ck_assert_double_eq_tol(outputs.bytes, slice * (2 + later * 3 * 0.75), 1);
    ck_assert_double_eq(outputs.launches, context);
    ck_assert_double_gt(moved_by(ring, "ring_copies").bytes, 0);
    ck_assert_double_gt(moved_by(ring, "ring_query_gradients").bytes, 0);
    ck_assert_double_eq(moved_by(gathered, "ring_outputs").bytes + moved_by(gathered, "ring_copies").bytes, 0);
  }
}
END_TEST

static MoeProgram *attention_program(const char *cluster, const char *precision)
{
  g_autofree char *sets = g_strdup_printf("cluster=%s;training.precision={attention: %s}", cluster, precision);
  g_autoptr(MoeRun) run = run_with(DENSE, sets);

  return build_checked(run);
}

/* Queries, keys, values and outputs are 2,048 tokens of 1,024 numbers each. Attention in 8 bits reads three of them
 * forward, joined, and the gradient of the fourth backward: its greatest value, then the cast. MXFP8 casts along rows
 * and columns, a scale per 32 numbers; BF16 casts nothing. */
START_TEST(test_casts_for_attention)
{
  g_autoptr(MoeProgram) tensor = attention_program("h100-hgx", "fp8");
  g_autoptr(MoeProgram) block = attention_program("gb200-nvl72", "mxfp8");
  g_autoptr(MoeProgram) none = attention_program("h100-hgx", "bf16");
  double numbers = 2048.0 * 1024, copies = 2 * moe_precision_bytes(MOE_MXFP8);

  ck_assert_double_eq(moved_by(tensor, "join_heads").bytes, 3 * numbers * 4);
  ck_assert_double_eq(moved_by(tensor, "amax_heads").bytes, 4 * numbers * 2);
  ck_assert_double_eq(moved_by(tensor, "quantize_heads").bytes, 4 * numbers * 3);
  ck_assert_double_eq_tol(moved_by(block, "quantize_heads").bytes, 4 * numbers * (2 + copies), 1);
  ck_assert_double_eq(moved_by(block, "quantize_heads").launches, 4);
  ck_assert_double_eq(moved_by(block, "join_heads").bytes + moved_by(block, "amax_heads").bytes, 0);
  ck_assert_double_eq(moved_by(none, "quantize_heads").bytes + moved_by(none, "amax_heads").bytes, 0);
}
END_TEST

/* Kernels of a name that a step of one GPU runs. */
static guint run_by(const char *sets, const char *name)
{
  g_autoptr(MoeRun) run = run_with(DENSE, sets);
  g_autoptr(MoeProgram) program = build_checked(run);
  guint n = 0;

  for (guint c = 0; c < program->roles[0].n_calls; c++) {
    const MoeBlock *block = &program->blocks[program->roles[0].calls[c].block];

    for (guint i = 0; i < block->n_ops; i++)
      n += block->ops[i].kind == MOE_OP_KERNEL && g_str_equal(program->kernels[block->ops[i].work].name, name);
  }
  return n;
}

#define CASTS                                                                                                          \
  "cluster=h100-hgx;training.global_batch=8;stack.fused=[%s];training.precision={gemm: fp8, wgrad: fp8, scaling: %s}"

static guint casts(const char *fused, const char *scaling, const char *name)
{
  g_autofree char *sets = g_strdup_printf(CASTS, fused, scaling);

  return run_by(sets, name);
}

/* 16 layers with four linears, two of them behind a norm in their own module. With delayed scales that norm casts; with
 * current ones it saves finding the greatest value, and only where it can; a stack that fuses all casts activations
 * too. Weights and gradients find theirs as before. */
START_TEST(test_norms_cast)
{
  guint found = casts("norm", "current", "amax");

  ck_assert_uint_eq(casts("norm", "delayed", "quantize"), 16 * 4);
  ck_assert_uint_eq(casts("norm, norm_cast", "delayed", "quantize"), 16 * 2);
  ck_assert_uint_eq(casts("norm, quantize", "delayed", "quantize"), 16);
  ck_assert_uint_eq(casts("norm, norm_cast", "current", "quantize"), 16 * 4);
  ck_assert_uint_eq(casts("norm, norm_cast", "current", "amax"), found);
  ck_assert_uint_eq(casts("norm, norm_cast, norm_amax", "current", "quantize"), 16 * 4);
  ck_assert_uint_eq(casts("norm, norm_cast, norm_amax", "current", "amax"), found - 16 * 2);
}
END_TEST

/* An FP8 weight whose second layout is not kept is transposed once for each data gradient. */
START_TEST(test_transposes_made_once)
{
  const char *fp8 = "cluster=h100-hgx;training.global_batch=8;"
                    "training.precision={gemm: fp8, wgrad: fp8, parameter_gather: fp8, remade_transposes: %s}";
  g_autofree char *remade = g_strdup_printf(fp8, "true"), *kept = g_strdup_printf(fp8, "false");

  ck_assert_uint_eq(run_by(remade, "transpose_weight"), 16 * 4);
  ck_assert_uint_eq(run_by(kept, "transpose_weight"), 0);
}
END_TEST

/* ---- rows that tensor ranks gather behind their cast -------------------------------------------- */

/* Of one step: how often, and the bytes of all kernels, or of all collectives, of that name. */
typedef struct {
  guint n;
  double bytes;
} Total;

static Total total_of(const MoeProgram *program, const char *name)
{
  Total total = {0};

  for (guint c = 0; c < program->roles[0].n_calls; c++) {
    const MoeBlock *block = &program->blocks[program->roles[0].calls[c].block];

    for (guint i = 0; i < block->n_ops; i++) {
      const MoeOp *op = &block->ops[i];
      const MoeKernel *k = &program->kernels[op->work];
      gboolean kernel = op->kind == MOE_OP_KERNEL && g_str_equal(k->name, name);
      gboolean message = op->kind == MOE_OP_COLLECTIVE && g_str_equal(program->collectives[op->work].name, name);

      total.n += kernel || message;
      total.bytes += kernel ? k->read_bytes + k->write_bytes : message ? program->collectives[op->work].bytes : 0;
    }
  }
  return total;
}

/* Two micro-batches of 2,048 tokens on two tensor ranks, 16 layers of four linears, nothing fused. */
#define PAIR                                                                                                           \
  "cluster=%s;training.global_batch=8;parallelism={gpus: 8, tensor: 2, sequence_parallel: %s, schedule: none, zero: "  \
  "1};stack.fused=[norm];training.precision={gemm: %s, wgrad: %s, scaling: %s}"

static MoeProgram *pair_program(const char *cluster, const char *split, const char *gemm, const char *scaling)
{
  g_autofree char *sets = g_strdup_printf(PAIR, cluster, split, gemm, gemm, scaling);
  g_autoptr(MoeRun) run = run_with(DENSE, sets);

  return build_checked(run);
}

/* Inputs of two linears and gradients of the two others have one scale over both ranks, if it is their own. */
START_TEST(test_gathered_rows_share_a_scale)
{
  const guint shared = 2 * 16 * 4;
  g_autoptr(MoeProgram) current = pair_program("h100-hgx", "true", "fp8", "current");
  g_autoptr(MoeProgram) nvfp4 = pair_program("gb200-nvl72", "true", "nvfp4", "delayed");
  g_autoptr(MoeProgram) delayed = pair_program("h100-hgx", "true", "fp8", "delayed");
  g_autoptr(MoeProgram) blocks = pair_program("gb200-nvl72", "true", "mxfp8", "delayed");
  g_autoptr(MoeProgram) whole = pair_program("h100-hgx", "false", "fp8", "current");

  ck_assert_uint_eq(total_of(current, "amax_reduce").n, shared);
  ck_assert_double_eq(total_of(current, "amax_reduce").bytes, 4 * shared);
  ck_assert_uint_eq(total_of(nvfp4, "amax_reduce").n, shared);
  ck_assert_uint_eq(total_of(delayed, "amax_reduce").n, 0);
  ck_assert_uint_eq(total_of(blocks, "amax_reduce").n, 0);
  ck_assert_uint_eq(total_of(whole, "amax_reduce").n, 0);
}
END_TEST

/* So have the tensors that attention in 8 bits reads, over the ranks of a sequence: once forward, once backward. */
START_TEST(test_attention_shares_a_scale)
{
  const char *ring = "cluster=h100-hgx;training.global_batch=8;parallelism={gpus: 8, context: 2, context_kind: ring, "
                     "schedule: none, zero: 1};training.precision={gemm: fp8, attention: fp8, scaling: %s}";
  g_autofree char *own = g_strdup_printf(ring, "current"), *earlier = g_strdup_printf(ring, "delayed");
  g_autoptr(MoeRun) run = run_with(DENSE, own);
  g_autoptr(MoeRun) delayed_run = run_with(DENSE, earlier);
  g_autoptr(MoeProgram) current = build_checked(run);
  g_autoptr(MoeProgram) delayed = build_checked(delayed_run);

  ck_assert_uint_eq(total_of(current, "amax_reduce").n, 2 * 16 * 2);
  ck_assert_uint_eq(total_of(delayed, "amax_reduce").n, 0);
}
END_TEST

/* A linear that is not split over the sequence casts 2,048 rows, one whose rows are gathered afterwards 1,024: inputs
 * of the first and third linear (1,024 wide), gradients of the second and fourth (1,024). The second layout is written
 * by the cast where scales need it or where GEMMs read no other, but of gathered tensors with one scale: those are laid
 * out anew once gathered. */
START_TEST(test_casts_of_gathered_rows)
{
  const double passes = 2 * 16, full = 2048, half = 1024, wide = 1024, fourth = 4096;
  g_autoptr(MoeProgram) hopper = pair_program("h100-hgx", "true", "fp8", "delayed");
  g_autoptr(MoeProgram) blackwell = pair_program("gb200-nvl72", "true", "fp8", "delayed");
  g_autoptr(MoeProgram) blocks = pair_program("gb200-nvl72", "true", "mxfp8", "delayed");
  double gathered = passes * half * 2 * wide, inputs = passes * full * (wide / 2 + fourth / 2),
         gradients = passes * full * (3 * wide / 2 + fourth / 2), copy = moe_precision_bytes(MOE_MXFP8);

  ck_assert_double_eq_tol(total_of(hopper, "quantize").bytes, 3 * gathered + 4 * inputs, 1);
  ck_assert_double_eq_tol(total_of(hopper, "quantize_grad").bytes, 3 * gathered + 4 * gradients, 1);
  ck_assert_double_eq_tol(total_of(hopper, "transpose_gathered").bytes, 2 * 2 * 2 * gathered, 1);
  ck_assert_double_eq_tol(total_of(blackwell, "quantize").bytes, 3 * (gathered + inputs), 1);
  ck_assert_double_eq_tol(total_of(blackwell, "quantize_grad").bytes, 3 * (gathered + gradients), 1);
  ck_assert_uint_eq(total_of(blackwell, "transpose_gathered").n, 0);
  ck_assert_double_eq_tol(total_of(blocks, "quantize").bytes, (2 + 2 * copy) * (gathered + inputs), 1);
  ck_assert_uint_eq(total_of(blocks, "transpose_gathered").n, 0);
}
END_TEST

/* Inputs are gathered forward and once more for the weight gradient, each time in the layout that is read; a gradient
 * at once in both, where each has scales of its own and none is cast in the backward pass. The head's input, in BF16,
 * likewise twice. */
START_TEST(test_layouts_that_travel)
{
  const double gathered = 2.0 * 16 * 2048 * 2 * 1024, head = 2.0 * 2 * 2048 * 1024 * 2;
  g_autoptr(MoeProgram) blocks = pair_program("gb200-nvl72", "true", "mxfp8", "delayed");
  g_autoptr(MoeProgram) tensor = pair_program("gb200-nvl72", "true", "fp8", "delayed");

  ck_assert_double_eq_tol(total_of(tensor, "tensor_gather").bytes, 3 * gathered + head, 1);
  ck_assert_double_eq_tol(total_of(blocks, "tensor_gather").bytes, 4 * gathered * moe_precision_bytes(MOE_MXFP8) + head,
                          1);
  g_autofree char *late =
      g_strdup_printf(PAIR ";stack.backward_casts=true", "gb200-nvl72", "true", "mxfp8", "mxfp8", "delayed");
  g_autoptr(MoeRun) run = run_with(DENSE, late);
  g_autoptr(MoeProgram) once = build_checked(run);

  ck_assert_double_eq_tol(total_of(once, "tensor_gather").bytes, 3 * gathered * moe_precision_bytes(MOE_MXFP8) + head,
                          1);
}
END_TEST

MOE_TEST_MAIN("program/inside", test_amax_reduction, test_ring_merges, test_casts_for_attention, test_norms_cast,
              test_transposes_made_once, test_gathered_rows_share_a_scale, test_attention_shares_a_scale,
              test_casts_of_gathered_rows, test_layouts_that_travel)
