/* Bytes that a run keeps per parameter: which copies of weights, gradients and optimizer state its software holds. */
#include "internal.h"

/* Layouts in which a kept FP8 weight is needed: with one scale per tensor, what the accelerator's GEMMs read; blocks of
 * 32 or 16 elements lie along one dimension only; blocks of 128 x 128 serve both. */
static double count_layouts(const MoeRun *run, MoePrecision gemm)
{
  return gemm == MOE_FP8_BLOCK || (gemm == MOE_FP8 && !run->cluster.accelerator.fp8_transposes) ? 1 : 2;
}

/* FP8 weights alone where they are gathered as such, or where the gathered BF16 values pass through the gradient buffer
 * and leave MXFP8 weights behind (Megatron-core, reuse_grad_buf_for_mxfp8_param_ag). */
static void init_fp8(const MoeRun *run, const MoePrecisions *p, MoeKeeps *keeps)
{
  int64_t zero = run->parallelism.zero;
  gboolean fp8 = moe_precision_is_fp8(p->gemm);

  keeps->transposes = fp8 && p->remade_transposes && count_layouts(run, p->gemm) > 1;
  keeps->fp8_layouts = keeps->transposes ? 1 : count_layouts(run, p->gemm);
  keeps->gathered_fp8 = fp8 && zero > 0 && moe_precision_is_fp8(p->parameter_gather);
  keeps->fp8_only = keeps->gathered_fp8 || (p->gemm == MOE_MXFP8 && zero > 0 && run->stack.memory.mxfp8_shared_buffer);
  keeps->cached_fp8 = fp8 && !keeps->gathered_fp8 && (keeps->fp8_only || run->parallelism.micro_batches > 1);
}

static gboolean keeps_remainder(const MoeRun *run, const MoePrecisions *p, const MoeKeeps *keeps)
{
  if (keeps->fp8_only || p->master != MOE_FP32)
    return FALSE;
  return run->stack.memory.master_remainder == MOE_REMAINDER_ALWAYS ||
         (run->stack.memory.master_remainder == MOE_REMAINDER_PRECISION_AWARE &&
          moe_precision_bytes(p->optimizer_moments) < moe_precision_bytes(MOE_FP32));
}

static double master_bytes(const MoeRun *run, const MoePrecisions *p, const MoeKeeps *keeps)
{
  if (run->parallelism.zero == 3 && run->stack.memory.sharded_master)
    return 0;
  if (keeps_remainder(run, p, keeps))
    return moe_precision_bytes(MOE_FP32) - moe_precision_bytes(MOE_BF16);
  return moe_precision_bytes(p->master);
}

static void init_optimizer(const MoeRun *run, const MoePrecisions *p, MoeKeeps *keeps)
{
  double master = master_bytes(run, p, keeps);
  double moments = (double)keeps->moments * moe_precision_bytes(p->optimizer_moments);

  keeps->optimizer_bytes = master + moments;
  keeps->host_bytes = run->offload.optimizer * (moments + (run->offload.master ? master : 0));
}

void moe_keeps_init(const MoeRun *run, const MoePrecisions *p, MoeKeeps *keeps)
{
  double quantized = moe_precision_bytes(p->gemm), bf16 = moe_precision_bytes(MOE_BF16);

  *keeps = (MoeKeeps){0};
  init_fp8(run, p, keeps);
  quantized *= keeps->fp8_layouts;
  keeps->weight_bytes = keeps->fp8_only ? quantized : bf16 + (keeps->cached_fp8 ? quantized : 0);
  keeps->end_bytes = bf16;
  keeps->shard_bytes = run->stack.memory.sharded_master ? moe_precision_bytes(p->master) : bf16;
  keeps->gradient_bytes = moe_precision_bytes(p->gradient_reduce);
  keeps->moments = run->training.optimizer == MOE_OPTIMIZER_ADAMW ? 2 : 1;
  init_optimizer(run, p, keeps);
}
