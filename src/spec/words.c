/* The words of the formats, one table each, in the order of their enumerations. */
#include "internal.h"

#include "spec/work.h"

#define PRECISION_WORDS                                                                                                \
  [MOE_BF16] = "bf16", [MOE_FP16] = "fp16", [MOE_FP32] = "fp32", [MOE_TF32] = "tf32", [MOE_BF16X3] = "bf16x3",         \
  [MOE_BF16X9] = "bf16x9", [MOE_FP8] = "fp8", [MOE_FP8_BLOCK] = "fp8-block", [MOE_MXFP8] = "mxfp8",                    \
  [MOE_NVFP4] = "nvfp4"

const char *const moe_precision_words[] = {PRECISION_WORDS, NULL};
const char *const moe_any_precision_words[] = {PRECISION_WORDS, [MOE_N_PRECISIONS] = "any", NULL};

const char *const moe_iteration_part_words[] = {"1F", "bubble", "1B", "1W", "1F1B", "optimizer", NULL};

#define SCOPE_WORDS                                                                                                    \
  [MOE_SCOPE_EMBEDDING] = "embedding", [MOE_SCOPE_ATTENTION] = "attention", [MOE_SCOPE_DENSE_FFN] = "dense_ffn",       \
  [MOE_SCOPE_ROUTER] = "router", [MOE_SCOPE_EXPERTS] = "experts", [MOE_SCOPE_HEAD] = "head",                           \
  [MOE_SCOPE_OPTIMIZER] = "optimizer", [MOE_SCOPE_DATA] = "data"

const char *const moe_scope_words[] = {SCOPE_WORDS, NULL};
const char *const moe_graph_words[] = {SCOPE_WORDS, [MOE_N_SCOPES] = "layer", "iteration", NULL};

const char *const moe_stream_words[] = {
    [MOE_STREAM_COMPUTE] = "compute", [MOE_STREAM_EXPERT] = "expert",
    [MOE_STREAM_REDUCE] = "reduce",   [MOE_STREAM_GATHER] = "gather",
    [MOE_STREAM_TENSOR] = "tensor",   [MOE_STREAM_SEND] = "send",
    [MOE_STREAM_RECV] = "recv",       [MOE_STREAM_OUT] = "out",
    [MOE_STREAM_IN] = "in",           NULL,
};

const char *const moe_group_words[] = {
    [MOE_GROUP_TENSOR] = "tensor",
    [MOE_GROUP_CONTEXT] = "context",
    [MOE_GROUP_DATA] = "data",
    [MOE_GROUP_EXPERT] = "expert",
    [MOE_GROUP_EXPERT_TENSOR] = "expert_tensor",
    [MOE_GROUP_EXPERT_DATA] = "expert_data",
    [MOE_GROUP_DATA_SHARD] = "data_shard",
    [MOE_GROUP_DATA_REPLICA] = "data_replica",
    [MOE_GROUP_EXPERT_SHARD] = "expert_shard",
    [MOE_GROUP_EXPERT_REPLICA] = "expert_replica",
    [MOE_GROUP_EMBEDDING] = "embedding",
    [MOE_GROUP_PIPELINE] = "pipeline",
    [MOE_GROUP_WORLD] = "world",
    [MOE_GROUP_TENSOR_CONTEXT] = "tensor_context",
    [MOE_GROUP_STAGE] = "stage",
    NULL,
};

const char *const moe_collective_words[] = {
    [MOE_ALL_REDUCE] = "all_reduce",
    [MOE_ALL_GATHER] = "all_gather",
    [MOE_REDUCE_SCATTER] = "reduce_scatter",
    [MOE_ALL_TO_ALL] = "all_to_all",
    [MOE_DISPATCH] = "dispatch",
    [MOE_COMBINE] = "combine",
    [MOE_BROADCAST] = "broadcast",
    NULL,
};

const char *const moe_pass_words[] = {
    [MOE_PASS_FORWARD] = "forward",     [MOE_PASS_DGRAD] = "dgrad",         [MOE_PASS_WGRAD] = "wgrad",
    [MOE_PASS_RECOMPUTE] = "recompute", [MOE_PASS_OPTIMIZER] = "optimizer", NULL,
};

const char *const moe_bandwidth_words[] = {
    [MOE_BANDWIDTH_ELEMENTWISE] = "elementwise",
    [MOE_BANDWIDTH_NORM] = "norm",
    [MOE_BANDWIDTH_RESIDUAL] = "residual",
    [MOE_BANDWIDTH_ACTIVATION] = "activation",
    [MOE_BANDWIDTH_ROTARY] = "rotary",
    [MOE_BANDWIDTH_QUANTIZE] = "quantize",
    [MOE_BANDWIDTH_PERMUTE] = "permute",
    [MOE_BANDWIDTH_ROUTER] = "router",
    [MOE_BANDWIDTH_CROSS_ENTROPY] = "cross_entropy",
    [MOE_BANDWIDTH_DROPOUT] = "dropout",
    [MOE_BANDWIDTH_ACCUMULATE] = "accumulate",
    [MOE_BANDWIDTH_OPTIMIZER] = "optimizer",
    [MOE_BANDWIDTH_EMBEDDING] = "embedding",
    [MOE_BANDWIDTH_SOFTMAX] = "softmax",
    [MOE_BANDWIDTH_INDEX] = "index",
    [MOE_BANDWIDTH_MEMCPY] = "memcpy",
    NULL,
};

const char *const moe_kernel_class_words[] = {
    [MOE_KERNEL_GEMM] = "gemm",           [MOE_KERNEL_GROUPED_GEMM] = "grouped_gemm",
    [MOE_KERNEL_ATTENTION] = "attention", [MOE_KERNEL_BANDWIDTH] = "bandwidth",
    [MOE_KERNEL_SCAN] = "scan",           NULL,
};

const char *const moe_optimizer_words[] = {"adamw", "muon", "sgd", NULL};

const char *const moe_save_words[] = {
    "linear", "alternate_linear", "grouped_linear", "core_attention", "reduce_scatter", "all_to_all", "qkv", NULL,
};

const char *const moe_away_words[] = {"attention_norm", "qkv",     "core_attention", "attention_output",
                                      "ffn_norm",       "experts", "moe_activation", NULL};

const char *const moe_module_words[] = {
    "core_attention",
    "attention_projections",
    "norm",
    "ffn_activation",
    "moe_activation",
    "moe",
    "ffn",
    "shared_experts",
    "expert_ffn",
    NULL,
};

double moe_precision_bytes(MoePrecision precision)
{
  /* Scales of the block formats: one FP32 per 128 elements (DeepSeek-V3 report, 3.3.2), one E8M0 byte per 32 (OCP
   * Microscaling v1.0, 5.1), one E4M3 byte per 16 (NVFP4). FP32-like operands keep their four bytes in memory. */
  static const double bytes[MOE_N_PRECISIONS] = {
      [MOE_BF16] = 2,
      [MOE_FP16] = 2,
      [MOE_FP32] = 4,
      [MOE_TF32] = 4,
      [MOE_BF16X3] = 4,
      [MOE_BF16X9] = 4,
      [MOE_FP8] = 1,
      [MOE_FP8_BLOCK] = 1 + 4.0 / 128,
      [MOE_MXFP8] = 1 + 1.0 / 32,
      [MOE_NVFP4] = 0.5 + 1.0 / 16,
  };

  g_assert(precision < MOE_N_PRECISIONS);
  return bytes[precision];
}

gboolean moe_precision_is_fp8(MoePrecision precision)
{
  return precision == MOE_FP8 || precision == MOE_FP8_BLOCK || precision == MOE_MXFP8 || precision == MOE_NVFP4;
}

static MoePrecision at_least_bf16(MoePrecision precision)
{
  return moe_precision_is_fp8(precision) ? MOE_BF16 : precision;
}

gboolean moe_precisions_keep_wide(const MoePrecisions *precisions, int64_t layer, int64_t layers)
{
  return moe_precision_is_fp8(precisions->gemm) &&
         (layer < precisions->wide_first || layer >= layers - precisions->wide_last);
}

MoePrecisions moe_precisions_wide(const MoePrecisions *precisions)
{
  MoePrecisions wide = *precisions;

  wide.gemm = at_least_bf16(wide.gemm);
  wide.wgrad = at_least_bf16(wide.wgrad);
  wide.attention = at_least_bf16(wide.attention);
  wide.parameter_gather = at_least_bf16(wide.parameter_gather);
  wide.dispatch = at_least_bf16(wide.dispatch);
  wide.combine = at_least_bf16(wide.combine);
  return wide;
}

const char *const moe_fp8_scaling_words[] = {"delayed", "current", "row", NULL};
const char *const moe_scaling_words[] = {"weak", "strong", NULL};
