/* Linear layers: GEMMs of forward, data gradient and weight gradient; quantization; tensor-parallel collectives; LoRA.
 */
#include "internal.h"

/* One linear layer: [rows, k] x [k, n] on this rank. */
typedef struct {
  const char *name;
  int64_t rows, k, n;
  MoeSplit split; /* over the tensor group */
  gboolean shares_input, bare_input, fused_gradient, adapters;
  MoePrecision precision, dgrad, wgrad, output;
  double flop_scale; /* model FLOPs relative to 2 rows k n */
} Product;

/* Tensor ranks that hold copies of key heads, or columns that only pad, do not add to model FLOPs; nor do ranks that
 * repeat the same product: one that is not split runs on all ranks alike unless the sequence is split there. */
static double flop_scale(const MoeShape *shape, const MoeLayerOp *op)
{
  const MoeLinear *linear = &op->linear;
  gboolean repeated = linear->split == MOE_SPLIT_NONE && op->rows == MOE_ROWS_STREAM;

  if (linear->passes == 0)
    return 0;
  if (linear->split == MOE_SPLIT_COLUMN)
    return linear->n_counted / ((double)linear->n * (double)shape->tp);
  return repeated && !shape->run->parallelism.sequence_parallel ? 1.0 / (double)shape->tp : 1;
}

/* TransformerEngine multiplies an FP32 router's BF16 operands into FP32 scores, and FP32 copies of them backward, as
 * TF32 (Megatron-Core, RouterGatingLinearFunction in transformer/moe/moe_utils.py; TransformerEngine, cublaslt_gemm.cu:
 * three FP32 operands are CUBLAS_COMPUTE_32F_FAST_TF32). */
static gboolean is_mixed_router(const MoeShape *shape, MoeLinearRole role)
{
  return role == MOE_LINEAR_ROUTER && shape->run->stack.moe.router_mixed && shape->precision->router == MOE_FP32;
}

static MoePrecision role_precision(const MoeShape *shape, MoeLinearRole role, MoePass pass)
{
  const MoePrecisions *precision = shape->precision;

  if (is_mixed_router(shape, role))
    return pass == MOE_PASS_FORWARD ? MOE_BF16 : MOE_TF32;
  if (role == MOE_LINEAR_ROUTER)
    return precision->router;
  if (role == MOE_LINEAR_HEAD)
    return precision->lm_head;
  return pass == MOE_PASS_WGRAD ? precision->wgrad : precision->gemm;
}

static Product product_of(const MoeEmit *emit, const MoeLayerOp *op)
{
  const MoeLinear *linear = &op->linear;
  const MoeShape *shape = emit->shape;

  return (Product){.name = op->name,
                   .rows = moe_lower_rows(emit, op->rows),
                   .k = linear->k,
                   .n = linear->n,
                   .split = linear->split,
                   .shares_input = linear->shares_input,
                   .bare_input = linear->bare_input,
                   .fused_gradient = linear->fused_gradient,
                   .adapters = linear->adapters,
                   .precision = role_precision(shape, linear->role, MOE_PASS_FORWARD),
                   .dgrad = role_precision(shape, linear->role, MOE_PASS_DGRAD),
                   .wgrad = role_precision(shape, linear->role, MOE_PASS_WGRAD),
                   .output = linear->role == MOE_LINEAR_LAYER ? MOE_BF16 : MOE_FP32,
                   .flop_scale = flop_scale(shape, op)};
}

/* ---- quantization ------------------------------------------------------------------------------- */

static gboolean has_sequence_parallel(const MoeShape *shape)
{
  return shape->tp > 1 && shape->run->parallelism.sequence_parallel;
}

static gboolean is_quantized(MoePrecision precision)
{
  return moe_precision_bytes(precision) < moe_precision_bytes(MOE_BF16);
}

/* Rows that are cast: this rank's part of the sequence where tensor ranks gather it afterwards. */
static double cast_rows(const MoeEmit *emit, const Product *linear, gboolean gathered)
{
  return gathered ? (double)emit->shape->tokens : (double)linear->rows;
}

static void quantize_weight(MoeEmit *emit, const Product *linear)
{
  if (is_quantized(linear->precision))
    moe_emit_quantize_weight(emit, (double)linear->k * (double)linear->n);
}

static void quantize_input(MoeEmit *emit, const Product *linear)
{
  gboolean gathered = linear->split == MOE_SPLIT_COLUMN && has_sequence_parallel(emit->shape);
  const MoeQuantize quantize = {.name = "quantize",
                                .elements = cast_rows(emit, linear, gathered) * (double)linear->k,
                                .also_transposed = is_quantized(linear->wgrad) && emit->pass == MOE_PASS_FORWARD,
                                .fusable = !linear->bare_input,
                                .behind_norm = !linear->bare_input && linear->split == MOE_SPLIT_COLUMN,
                                .gathered = gathered,
                                .launches = 1,
                                .load = MOE_NO_LOAD};

  if (is_quantized(linear->precision) && !linear->shares_input)
    moe_emit_quantize(emit, &quantize);
}

static void quantize_gradient(MoeEmit *emit, const Product *linear)
{
  gboolean gathered = linear->split == MOE_SPLIT_ROW && has_sequence_parallel(emit->shape);
  const MoeQuantize quantize = {.name = "quantize_grad",
                                .elements = cast_rows(emit, linear, gathered) * (double)linear->n,
                                .also_transposed = is_quantized(linear->wgrad),
                                .fusable = linear->fused_gradient,
                                .gathered = gathered,
                                .launches = 1,
                                .load = MOE_NO_LOAD};

  if (is_quantized(linear->precision))
    moe_emit_quantize(emit, &quantize);
}

/* ---- GEMMs -------------------------------------------------------------------------------------- */

static MoeKernel gemm(const char *name, MoePass pass, int64_t m, int64_t k, int64_t n, double flop_scale)
{
  MoeKernel kernel = {.klass = MOE_KERNEL_GEMM,
                      .pass = pass,
                      .name = name,
                      .m = m,
                      .k = k,
                      .n = n,
                      .groups = 1,
                      .useful_share = 1,
                      .model_flop = 2.0 * (double)m * (double)k * (double)n * flop_scale};
  return kernel;
}

static void emit_forward(MoeEmit *emit, const Product *linear)
{
  MoeKernel kernel = gemm(linear->name, emit->pass, linear->rows, linear->k, linear->n, linear->flop_scale);

  kernel.precision = linear->precision;
  kernel.output = linear->output;
  moe_emit_kernel(emit, emit->flow, &kernel, MOE_NO_LOAD);
}

static void emit_dgrad(MoeEmit *emit, const Product *linear)
{
  MoeKernel kernel = gemm(linear->name, MOE_PASS_DGRAD, linear->rows, linear->n, linear->k, linear->flop_scale);

  kernel.precision = linear->dgrad;
  kernel.output = MOE_BF16;
  if (is_quantized(linear->precision))
    moe_emit_weight_transpose(emit, (double)linear->k * (double)linear->n);
  moe_emit_kernel(emit, emit->flow, &kernel, MOE_NO_LOAD);
}

static void emit_wgrad(MoeEmit *emit, const Product *linear)
{
  MoeKernel kernel = gemm(linear->name, MOE_PASS_WGRAD, linear->k, linear->rows, linear->n, linear->flop_scale);

  kernel.precision = linear->wgrad;
  kernel.output = emit->shape->precision->gradient_reduce;
  kernel.accumulate = emit->shape->accumulate;
  if (is_quantized(linear->wgrad))
    moe_emit_wgrad_casts(emit, (double)linear->rows * (double)(linear->k + linear->n), MOE_NO_LOAD);
  if (!emit->shape->frozen)
    moe_emit_kernel(emit, emit->later, &kernel, MOE_NO_LOAD);
}

/* ---- tensor-parallel collectives ---------------------------------------------------------------- */

static double side_bytes(const MoeEmit *emit, const Product *linear, int64_t width)
{
  return (double)linear->rows * (double)width * emit->shape->act_bytes;
}

/* Rows on their way to a GEMM, in the precision in which it reads them: they are quantized before they travel
 * (TransformerEngine, gather_along_first_dim in pytorch/distributed.py). */
static double gathered_bytes(const MoeEmit *emit, const Product *linear, int64_t width, MoePrecision precision)
{
  double element = is_quantized(precision) ? moe_precision_bytes(precision) : emit->shape->act_bytes;

  return (double)linear->rows * (double)width * element;
}

/* Gathers the sequence before a GEMM, or `beside` it: the item that is waited for later. Overlapped, the GEMM works on
 * its own rows while the others arrive, so only what exceeds the GEMM shows (Wang et al., ASPLOS 2023;
 * TransformerEngine userbuffers). */
static guint32 gather_sequence(MoeEmit *emit, const char *name, double bytes, gboolean beside)
{
  MoeCollective collective = moe_collective(emit, MOE_ALL_GATHER, MOE_GROUP_TENSOR, name, bytes);
  guint32 item = moe_emit_collective(emit, MOE_STREAM_TENSOR, &collective);

  if (beside)
    return item;
  moe_flow_join(emit->flow, item);
  return MOE_NO_ITEM;
}

/* Reduction of a row-parallel output, or of a column-parallel linear's data gradient. */
static guint32 reduce_sequence(MoeEmit *emit, const char *name, double bytes)
{
  MoeCollectiveKind kind = has_sequence_parallel(emit->shape) ? MOE_REDUCE_SCATTER : MOE_ALL_REDUCE;
  MoeCollective collective = moe_collective(emit, kind, MOE_GROUP_TENSOR, name, bytes);

  return moe_emit_collective(emit, MOE_STREAM_TENSOR, &collective);
}

/* A reduction that overlaps the GEMM that makes its input, in as many pieces as ranks: all but the last piece beside
 * it. */
static void emit_overlapped_row(MoeEmit *emit, const Product *linear)
{
  double bytes = side_bytes(emit, linear, linear->n), last = bytes / (double)emit->shape->tp;
  guint32 beside = reduce_sequence(emit, "tensor_reduce", bytes - last);

  emit_forward(emit, linear);
  moe_flow_join(emit->flow, beside);
  moe_flow_join(emit->flow, reduce_sequence(emit, "tensor_reduce", last));
}

static void emit_row(MoeEmit *emit, const Product *linear)
{
  if (emit->shape->overlap_tensor && has_sequence_parallel(emit->shape)) {
    emit_overlapped_row(emit, linear);
    return;
  }
  emit_forward(emit, linear);
  moe_flow_join(emit->flow, reduce_sequence(emit, "tensor_reduce", side_bytes(emit, linear, linear->n)));
}

/* ---- LoRA --------------------------------------------------------------------------------------- */

/* Model FLOPs leave adapters out. */
static Product adapter(const char *name, int64_t rows, int64_t k, int64_t n)
{
  return (Product){.name = name,
                   .rows = rows,
                   .k = k,
                   .n = n,
                   .precision = MOE_BF16,
                   .dgrad = MOE_BF16,
                   .wgrad = MOE_BF16,
                   .output = MOE_BF16};
}

static gboolean has_adapters(const MoeEmit *emit, const Product *linear)
{
  return emit->shape->frozen && linear->adapters;
}

static void adapters_forward(MoeEmit *emit, const Product *linear)
{
  int64_t rank = emit->shape->run->training.lora_rank;
  Product a = adapter("lora_a", linear->rows, linear->k, rank);
  Product b = adapter("lora_b", linear->rows, rank, linear->n);
  double out = side_bytes(emit, linear, linear->n);

  if (!has_adapters(emit, linear))
    return;
  emit_forward(emit, &a);
  emit_forward(emit, &b);
  moe_emit_bytes(emit, MOE_BANDWIDTH_ELEMENTWISE, "lora_add", 2 * out, out, 1);
}

static void adapter_wgrad(MoeEmit *emit, const Product *linear)
{
  MoeKernel kernel = gemm(linear->name, MOE_PASS_WGRAD, linear->k, linear->rows, linear->n, 0);

  kernel.precision = MOE_BF16;
  kernel.output = emit->shape->precision->gradient_reduce;
  kernel.accumulate = emit->shape->accumulate;
  moe_emit_kernel(emit, emit->later, &kernel, MOE_NO_LOAD);
}

static void adapters_backward(MoeEmit *emit, const Product *linear)
{
  int64_t rank = emit->shape->run->training.lora_rank;
  Product a = adapter("lora_a", linear->rows, linear->k, rank);
  Product b = adapter("lora_b", linear->rows, rank, linear->n);
  double in = side_bytes(emit, linear, linear->k);

  if (!has_adapters(emit, linear))
    return;
  emit_dgrad(emit, &b);
  adapter_wgrad(emit, &b);
  emit_dgrad(emit, &a);
  adapter_wgrad(emit, &a);
  moe_emit_bytes(emit, MOE_BANDWIDTH_ELEMENTWISE, "lora_add", 2 * in, in, 1);
}

/* ---- forward and backward ----------------------------------------------------------------------- */

void moe_lower_linear(MoeEmit *emit, const MoeLayerOp *op)
{
  Product product = product_of(emit, op);
  const Product *linear = &product;
  guint32 gather = MOE_NO_ITEM;

  quantize_input(emit, linear);
  quantize_weight(emit, linear);
  if (linear->split == MOE_SPLIT_COLUMN && has_sequence_parallel(emit->shape) && !linear->shares_input)
    gather = gather_sequence(emit, "tensor_gather", gathered_bytes(emit, linear, linear->k, linear->precision),
                             emit->shape->overlap_tensor);
  if (linear->split == MOE_SPLIT_ROW && emit->shape->tp > 1 && !op->quiet)
    emit_row(emit, linear);
  else
    emit_forward(emit, linear);
  moe_flow_join(emit->flow, gather);
  adapters_forward(emit, linear);
}

static gboolean gathers_input(const MoeEmit *emit, const Product *linear)
{
  return !emit->shape->frozen && !linear->shares_input && has_sequence_parallel(emit->shape);
}

/* The input of a column-parallel linear was kept split over the sequence: its weight gradient needs it gathered once
 * more. Here for a weight gradient of its own block. */
static void gather_later(MoeEmit *emit, const Product *linear)
{
  MoeEmit other = *emit;

  other.flow = emit->later;
  moe_flow_join(other.flow,
                gather_sequence(&other, "tensor_gather", gathered_bytes(emit, linear, linear->k, linear->wgrad),
                                emit->shape->overlap_tensor));
}

/* Asynchronous, the input's gather runs beside the data gradient and that one's reduction beside the weight gradient
 * (Megatron-LM, LinearWithGradAccumulationAndAsyncCommunication; TransformerEngine's Linear does the same). */
static void column_backward(MoeEmit *emit, const Product *linear)
{
  gboolean split = emit->later != emit->flow, beside = emit->shape->overlap_tensor_backward;
  guint32 reduce = MOE_NO_ITEM, gather = MOE_NO_ITEM;

  if (gathers_input(emit, linear) && !split)
    gather = gather_sequence(emit, "tensor_gather", gathered_bytes(emit, linear, linear->k, linear->wgrad), beside);
  emit_dgrad(emit, linear);
  if (emit->shape->tp > 1)
    reduce = reduce_sequence(emit, "tensor_reduce", side_bytes(emit, linear, linear->k));
  moe_flow_join(emit->flow, gather);
  if (!beside)
    moe_flow_join(emit->flow, reduce);
  if (gathers_input(emit, linear) && split)
    gather_later(emit, linear);
  if (gathers_input(emit, linear) && is_quantized(linear->wgrad))
    moe_emit_gathered_transpose(emit, (double)linear->rows * (double)linear->k);
  emit_wgrad(emit, linear);
  if (beside)
    moe_flow_join(emit->flow, reduce);
}

/* The gradient that both products read: gathered in each layout that they read it in. */
static double gradient_bytes(const MoeEmit *emit, const Product *linear)
{
  double layouts = is_quantized(linear->precision) ? moe_gathered_layouts(emit->shape) : 1;

  return layouts * gathered_bytes(emit, linear, linear->n, linear->dgrad);
}

static void row_backward(MoeEmit *emit, const Product *linear)
{
  gboolean split = has_sequence_parallel(emit->shape);
  guint32 gather = MOE_NO_ITEM;

  if (split)
    gather = gather_sequence(emit, "tensor_gather", gradient_bytes(emit, linear), emit->shape->overlap_tensor);
  emit_dgrad(emit, linear);
  moe_flow_join(emit->flow, gather);
  if (split && !emit->shape->frozen && is_quantized(linear->wgrad))
    moe_emit_gathered_transpose(emit, (double)linear->rows * (double)linear->n);
  emit_wgrad(emit, linear);
}

/* FP32 copies of rows and weight before the products of a mixed router, and the gradient's way back to BF16. */
static void cast_router(MoeEmit *emit, const MoeLayerOp *op, const Product *linear)
{
  double elements = (double)linear->k * (double)(linear->rows + linear->n),
         gradient = (double)linear->k * (double)linear->rows;
  double wide = moe_precision_bytes(MOE_FP32), narrow = moe_precision_bytes(MOE_BF16);

  if (is_mixed_router(emit->shape, op->linear.role))
    moe_emit_bytes(emit, MOE_BANDWIDTH_ELEMENTWISE, "router_cast", elements * narrow + gradient * wide,
                   elements * wide + gradient * narrow, 3);
}

void moe_lower_linear_backward(MoeEmit *emit, const MoeLayerOp *op)
{
  Product product = product_of(emit, op);
  const Product *linear = &product;

  cast_router(emit, op, linear);
  quantize_gradient(emit, linear);
  if (!emit->shape->keeps.cached_fp8)
    quantize_weight(emit, linear);
  if (linear->split == MOE_SPLIT_COLUMN)
    column_backward(emit, linear);
  else if (linear->split == MOE_SPLIT_ROW)
    row_backward(emit, linear);
  else {
    emit_dgrad(emit, linear);
    emit_wgrad(emit, linear);
  }
  adapters_backward(emit, linear);
}
