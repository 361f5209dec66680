/* The arguments of Megatron-LM, Megatron-Core and their relatives that become something in a run. Meaning and defaults:
 * megatron/training/arguments.py and megatron/core/transformer/transformer_config.py of NVIDIA/Megatron-LM (2021 to
 * August 2026); megatron/arguments.py of microsoft/Megatron-DeepSpeed for the older names. */
#include "megatron.h"

#include <stddef.h>
#include <string.h>

#define COUNT(member)  MEGATRON_COUNT, offsetof(MegatronArguments, member)
#define NUMBER(member) MEGATRON_NUMBER, offsetof(MegatronArguments, member)
#define FLAG(member)   MEGATRON_FLAG, offsetof(MegatronArguments, member)
#define TEXT(member)   MEGATRON_TEXT, offsetof(MegatronArguments, member)
#define LIST(member)   MEGATRON_LIST, offsetof(MegatronArguments, member)

static const MegatronOption options[] = {
    /* architecture */
    {"num-layers", COUNT(layers), "architecture.layers"},
    {"encoder-num-layers", COUNT(layers), "architecture.layers"},
    {"decoder-num-layers", COUNT(layers), "architecture.layers"},
    {"hidden-size", COUNT(hidden), "architecture.hidden"},
    {"ffn-hidden-size", COUNT(ffn), "architecture.ffn.width"},
    {"num-attention-heads", COUNT(heads), "architecture.attention.query_heads"},
    {"group-query-attention", FLAG(gqa), "architecture.attention.kv_heads"},
    {"num-query-groups", COUNT(query_groups), "architecture.attention.kv_heads"},
    {"num-key-value-heads", COUNT(query_groups), "architecture.attention.kv_heads"},
    {"kv-channels", COUNT(kv_channels), "architecture.attention.head_dim"},
    {"window-size", TEXT(window), "architecture.attention.window"},
    {"window-attn-skip-freq", TEXT(window_skip), "architecture.attention.global_every"},
    {"max-position-embeddings", COUNT(positions), "architecture.learned_positions"},
    {"position-embedding-type", TEXT(positions_kind), "architecture.learned_positions"},
    {"use-rotary-position-embeddings", FLAG(rotary), "architecture.learned_positions"},
    {"no-position-embedding", FLAG(no_positions), "architecture.learned_positions"},
    {"swiglu", FLAG(swiglu), "architecture.ffn.gated"},
    {"activation-func-clamp-value", NUMBER(clamp), "architecture.moe.clamped"},
    {"quick-geglu", FLAG(quick_geglu), "architecture.ffn.gated"},
    {"geglu", FLAG(geglu), "architecture.ffn.gated"},
    {"glu-activation", TEXT(glu_activation), "architecture.ffn.gated"},
    {"squared-relu", FLAG(squared_relu), "architecture.ffn.gated"},
    {"disable-bias-linear", FLAG(no_bias), "architecture.biases"},
    {"untie-embeddings-and-output-weights", FLAG(untied), "architecture.tied_embeddings"},
    {"qk-layernorm", FLAG(qk_norm), "architecture.qk_norm"},
    {"multi-latent-attention", FLAG(mla), "architecture.attention.kind"},
    {"q-lora-rank", COUNT(q_rank), "architecture.attention.q_rank"},
    {"kv-lora-rank", COUNT(kv_rank), "architecture.attention.kv_rank"},
    {"qk-head-dim", COUNT(nope_dim), "architecture.attention.nope_dim"},
    {"qk-nope-head-dim", COUNT(nope_dim), "architecture.attention.nope_dim"},
    {"qk-pos-emb-head-dim", COUNT(rope_dim), "architecture.attention.rope_dim"},
    {"qk-rope-head-dim", COUNT(rope_dim), "architecture.attention.rope_dim"},
    {"v-head-dim", COUNT(value_dim), "architecture.attention.value_dim"},
    {"mtp-num-layers", COUNT(mtp_layers), "architecture.mtp_layers"},
    {"hidden-dropout", NUMBER(hidden_dropout), "architecture.dropout"},
    {"attention-dropout", NUMBER(attention_dropout), "architecture.dropout"},
    {"hybrid-override-pattern", TEXT(old_pattern), "architecture.pattern"},
    {"hybrid-layer-pattern", TEXT(pattern), "architecture.pattern"},
    {"mamba-state-dim", COUNT(mamba_state_dim), "architecture.linear_attention.key_dim"},
    {"mamba-head-dim", COUNT(mamba_head_dim), "architecture.linear_attention.value_dim"},
    {"mamba-num-groups", COUNT(mamba_groups), "architecture.linear_attention.key_heads"},
    {"mamba-num-heads", COUNT(mamba_heads), "architecture.linear_attention.value_heads"},
    /* vocabulary */
    {"vocab-size", COUNT(vocabulary), "architecture.vocabulary"},
    {"padded-vocab-size", COUNT(padded_vocabulary), "architecture.vocabulary"},
    {"pad-vocab-size-to", COUNT(padded_to), "architecture.vocabulary"},
    {"make-vocab-size-divisible-by", COUNT(vocabulary_multiple), "architecture.vocabulary"},
    {"extra-vocab-size", COUNT(extra_vocabulary), "architecture.vocabulary"},
    {"merge-file", TEXT(merge_file), "architecture.vocabulary"},
    {"tokenizer-type", TEXT(tokenizer_type), "architecture.vocabulary"},
    {"tokenizer-model", TEXT(tokenizer), "architecture.vocabulary"},
    {"tokenizer-name-or-path", TEXT(tokenizer), "architecture.vocabulary"},
    {"patch-tokenizer-type", TEXT(patch_tokenizer), "architecture.vocabulary"},
    /* experts */
    {"num-experts", COUNT(experts), "architecture.moe.experts"},
    {"moe-router-topk", COUNT(top_k), "architecture.moe.top_k"},
    {"topk", COUNT(top_k), "architecture.moe.top_k"},
    {"moe-ffn-hidden-size", COUNT(expert_ffn), "architecture.moe.width"},
    {"moe-shared-expert-intermediate-size", COUNT(shared_ffn), "architecture.moe.shared_width"},
    {"moe-latent-size", COUNT(latent), "architecture.moe.latent"},
    {"moe-layer-freq", TEXT(moe_layers), "architecture.moe.first_layer, every"},
    {"moe-router-num-groups", COUNT(groups), "architecture.moe.groups"},
    {"moe-router-group-topk", COUNT(top_groups), "architecture.moe.top_groups"},
    {"moe-expert-capacity-factor", NUMBER(capacity_factor), "training.routing.capacity_factor"},
    {"moe-train-capacity-factor", NUMBER(capacity_factor), "training.routing.capacity_factor"},
    {"moe-router-force-load-balancing", FLAG(moe_forced_balance), "training.routing.balance"},
    /* training */
    {"seq-length", COUNT(sequence), "training.sequence_length"},
    {"encoder-seq-length", COUNT(sequence), "training.sequence_length"},
    {"decoder-seq-length", COUNT(sequence), "training.sequence_length"},
    {"micro-batch-size", COUNT(micro_batch), "training.micro_batch"},
    {"batch-size", COUNT(micro_batch), "training.micro_batch"},
    {"global-batch-size", COUNT(global_batch), "training.global_batch"},
    {"bf16", FLAG(bf16), "training.precision.gemm"},
    {"fp16", FLAG(fp16), "training.precision.gemm"},
    {"fp8-format", TEXT(fp8_format), "training.precision.gemm"},
    {"fp8-hybrid", FLAG(fp8_hybrid), "training.precision.gemm"},
    {"fp8-e4m3", FLAG(fp8_e4m3), "training.precision.gemm"},
    {"fp8-recipe", TEXT(fp8_recipe), "training.precision.gemm"},
    {"fp4-format", TEXT(fp4_format), "training.precision.gemm"},
    {"no-fp8-wgrad", FLAG(no_fp8_wgrad), "training.precision.wgrad"},
    {"fp8-dot-product-attention", FLAG(fp8_attention), "training.precision.attention"},
    {"fp8-multi-head-attention", FLAG(fp8_attention), "training.precision.attention"},
    {"fp8-param-gather", FLAG(fp8_gather), "training.precision.parameter_gather"},
    {"fp4-param-gather", FLAG(fp4_gather), "training.precision.parameter_gather"},
    {"fp32-residual-connection", FLAG(fp32_residual), "training.precision.residual"},
    {"accumulate-allreduce-grads-in-fp32", FLAG(reduce_fp32), "training.precision.gradient_reduce"},
    {"grad-reduce-in-bf16", FLAG(reduce_bf16), "training.precision.gradient_reduce"},
    {"moe-dispatch-fwd-dtype", TEXT(dispatch_dtype), "training.precision.dispatch"},
    {"moe-combine-bwd-dtype", TEXT(combine_dtype), "training.precision.combine"},
    {"optimizer", TEXT(optimizer), "training.optimizer"},
    {"use-precision-aware-optimizer", FLAG(precision_aware), "training.precision.optimizer_moments"},
    {"exp-avg-dtype", TEXT(moments_1), "training.precision.optimizer_moments"},
    {"exp-avg-sq-dtype", TEXT(moments_2), "training.precision.optimizer_moments"},
    {"main-grads-dtype", TEXT(main_gradients), "training.precision.gradient_reduce"},
    {"megatron-fsdp-grad-comm-dtype", TEXT(fsdp_gradients), "training.precision.gradient_reduce"},
    {"megatron-fsdp-main-grads-dtype", TEXT(fsdp_gradients), "training.precision.gradient_reduce"},
    {"main-params-dtype", TEXT(main_parameters), "training.precision.master"},
    {"lora-rank", COUNT(lora_rank), "training.lora.rank"},
    /* parallelism */
    {"world-size", COUNT(world), "parallelism.gpus"},
    {"nnodes", COUNT(hosts), "parallelism.gpus"},
    {"num-nodes", COUNT(hosts), "parallelism.gpus"},
    {"nproc-per-node", COUNT(host_gpus), "parallelism.gpus"},
    {"num-gpus", COUNT(host_gpus), "parallelism.gpus"},
    {"tensor-model-parallel-size", COUNT(tensor), "parallelism.tensor"},
    {"model-parallel-size", COUNT(tensor), "parallelism.tensor"},
    {"pipeline-model-parallel-size", COUNT(pipeline), "parallelism.pipeline"},
    {"context-parallel-size", COUNT(context), "parallelism.context"},
    {"ds-sequence-parallel-size", COUNT(context), "parallelism.context"},
    {"cp-comm-type", TEXT(cp_kind), "parallelism.context_kind"},
    {"expert-model-parallel-size", COUNT(expert), "parallelism.expert"},
    {"moe-expert-parallel-size", COUNT(expert), "parallelism.expert"},
    {"expert-tensor-parallel-size", COUNT(expert_tensor), "parallelism.expert_tensor"},
    {"num-layers-per-virtual-pipeline-stage", COUNT(layers_per_chunk), "parallelism.virtual_stages"},
    {"num-virtual-stages-per-pipeline-rank", COUNT(chunks), "parallelism.virtual_stages"},
    {"virtual-pipeline-model-parallel-size", COUNT(chunks), "parallelism.virtual_stages"},
    {"pipeline-model-parallel-layout", TEXT(layout), "parallelism.layout"},
    {"decoder-first-pipeline-num-layers", COUNT(first_layers), "parallelism.first_stage_layers"},
    {"decoder-last-pipeline-num-layers", COUNT(last_layers), "parallelism.last_stage_layers"},
    {"num-layers-in-first-pipeline-stage", COUNT(first_layers), "parallelism.first_stage_layers"},
    {"num-layers-in-last-pipeline-stage", COUNT(last_layers), "parallelism.last_stage_layers"},
    {"account-for-embedding-in-pipeline-split", FLAG(embedding_counts), "parallelism.embedding_as_layer"},
    {"account-for-loss-in-pipeline-split", FLAG(head_counts), "parallelism.head_as_layer"},
    {"sequence-parallel", FLAG(sequence_parallel), "parallelism.sequence_parallel"},
    {"use-distributed-optimizer", FLAG(distributed_optimizer), "parallelism.zero"},
    {"use-torch-fsdp2", FLAG(fsdp), "parallelism.zero"},
    {"use-megatron-fsdp", FLAG(fsdp), "parallelism.zero"},
    {"use-custom-fsdp", FLAG(fsdp), "parallelism.zero"},
    {"data-parallel-sharding-strategy", TEXT(sharding), "parallelism.zero"},
    {"outer-dp-sharding-strategy", TEXT(outer_sharding), "parallelism.shard_group"},
    {"num-distributed-optimizer-instances", COUNT(optimizer_instances), "parallelism.shard_group"},
    {"use-tp-pp-dp-mapping", FLAG(tp_pp_dp), "parallelism.order"},
    {"overlap-grad-reduce", FLAG(overlap_reduce), "parallelism.overlap.gradient_reduce"},
    {"overlap-param-gather", FLAG(overlap_gather), "parallelism.overlap.parameter_gather"},
    {"tp-comm-overlap", FLAG(overlap_tensor), "parallelism.overlap.tensor"},
    {"overlap-moe-expert-parallel-comm", FLAG(overlap_expert), "parallelism.overlap.expert"},
    {"no-overlap-p2p-communication", FLAG(no_overlap_p2p), "parallelism.overlap.pipeline"},
    {"zero-stage", COUNT(zero_stage), "parallelism.zero"},
    {"deepspeed-config", TEXT(deepspeed_file), "parallelism.zero"},
    /* recomputation and offload */
    {"recompute-granularity", TEXT(granularity), "recompute.mode"},
    {"recompute-method", TEXT(recompute_method), "recompute.mode"},
    {"recompute-num-layers", COUNT(recompute_layers), "recompute.layers"},
    {"checkpoint-num-layers", COUNT(recompute_layers), "recompute.layers"},
    {"recompute-activations", FLAG(recompute_core), "recompute.mode"},
    {"checkpoint-activations", FLAG(checkpoint_layers), "recompute.mode"},
    {"recompute-modules", LIST(recompute_modules), "recompute.modules"},
    {"moe-layer-recompute", FLAG(moe_recompute), "recompute.modules"},
    {"optimizer-cpu-offload", FLAG(optimizer_offload), "offload.optimizer"},
    {"optimizer-offload-fraction", NUMBER(optimizer_share), "offload.optimizer"},
    /* kernels, launches, collectives: what differs from the stack */
    {"moe-token-dispatcher-type", TEXT(dispatcher), "stack.collectives.expert_library"},
    {"moe-flex-dispatcher-backend", TEXT(flex_backend), "stack.collectives.expert_library"},
    {"moe-enable-deepep", FLAG(deepep), "stack.collectives.expert_library"},
    {"moe-permute-fusion", FLAG(permute_fusion), "stack.fused"},
    {"moe-router-fusion", FLAG(router_fusion), "stack.fused"},
    {"cross-entropy-loss-fusion", FLAG(loss_fusion), "stack.fused"},
    {"fused-residual-rmsnorm", FLAG(residual_fusion), "stack.fused"},
    {"no-bias-swiglu-fusion", FLAG(no_activation_fusion), "stack.fused"},
    {"no-bias-gelu-fusion", FLAG(no_gelu_fusion), "stack.fused"},
    {"no-bias-dropout-fusion", FLAG(no_dropout_fusion), "stack.fused"},
    {"no-rope-fusion", FLAG(no_rope_fusion), "stack.fused"},
    {"moe-use-legacy-grouped-gemm", FLAG(legacy_grouped), "stack.moe.per_expert"},
    {"attention-backend", TEXT(attention_backend), "stack.family.attention"},
    {"enable-cuda-graph", FLAG(graphs), "stack.host.graphs"},
    {"external-cuda-graph", FLAG(external_graphs), "stack.host.graphs"},
    {"cuda-graph-impl", TEXT(graph_kind), "stack.host.graphs"},
    {"cuda-graph-scope", LIST(graph_scopes), "stack.host.graphs"},
    {"cuda-graph-modules", LIST(graph_scopes), "stack.host.graphs"},
    {"ddp-bucket-size", COUNT(bucket), "stack.data_parallel.bucket"},
    {"deterministic-mode", FLAG(deterministic), "stack.collectives.deterministic"},
    {"use-sharp", FLAG(sharp), "stack.collectives.sharp"},
    {"transformer-impl", TEXT(transformer_kind), "stack.family"},
};

/* Dashes in front fall away, _ stands for -. */
static gboolean is_name(const char *written, const char *name)
{
  while (*written == '-')
    written++;
  for (; *written && *name; written++, name++)
    if (*written != *name && !(*written == '_' && *name == '-'))
      return FALSE;
  return *written == *name;
}

const MegatronOption *megatron_option(const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS(options); i++)
    if (is_name(name, options[i].name))
      return &options[i];
  return NULL;
}
