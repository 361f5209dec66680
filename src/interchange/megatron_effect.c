/*
 * Arguments that change neither the time of a step nor its memory, each with the reason, and those that change them in
 * a way that a run cannot say. Reviewed against the help texts of megatron/training/arguments.py and the configuration
 * classes it draws on (August 2026), of microsoft/Megatron-DeepSpeed and of alibaba/Pai-Megatron-Patch. A * stands for
 * any ending.
 */
#include "megatron.h"

#include <string.h>

typedef struct {
  const char *text;  /* a reason, or what cannot be said */
  const char *names; /* without the dashes, between blanks */
} Group;

static const Group without_effect[] = {
    {"learning: a number or a rule at the same cost",
     "lr lr-* min-lr decoupled-* warmup weight-decay weight-decay-incr-style start-weight-decay end-weight-decay "
     "no-weight-decay-cond-type "
     "apply-wd-to-qk-layernorm clip-grad adam-* adamw-* sgd-momentum lion-* muon-momentum muon-nesterov "
     "muon-scale-mode "
     "muon-coefficient-type muon-extra-scale-factor muon-fp32-matmul-prec muon-scalar-optimizer muon-no-split-qkv "
     "muon-split-qkv "
     "use-checkpoint-opt_param-scheduler use-checkpoint-opt-param-scheduler override-opt_param-scheduler "
     "override-opt-param-scheduler "
     "override-lr-scheduler use-checkpoint-lr-scheduler head-lr-mult loss-scale initial-loss-scale min-loss-scale "
     "loss-scale-window "
     "hysteresis label-smoothing calculate-per-token-loss eod-mask-loss reset-position-ids reset-attention-mask "
     "mtp-loss-scaling-factor "
     "moe-aux-loss-coeff moe-z-loss-coeff moe-loss-coeff moe-router-bias-update-rate moe-router-quantile-balancing-ema "
     "moe-router-load-balancing-type moe-router-enable-expert-bias moe-input-jitter-eps moe-token-drop-policy "
     "moe-router-score-function "
     "moe-router-pre-softmax moe-router-topk-scaling-factor moe-router-sinkhorn moe-router-norm-topk-prob use-mup "
     "mup-* qk-clip qk-clip-* "
     "wd-incr-steps wsd-decay-steps attention-z-loss-coeff z-loss-coeff aux-loss-coeff ddp-average-in-collective "
     "train-mode "},
    {"length of the training: a step stays a step",
     "train-iters train-samples train-tokens train-weighted-dataset-iters exit-interval exit-duration-in-mins "
     "exit-signal* skip-train "
     "iterations-to-skip step-batch-size-schedule rampup-batch-size decrease-batch-size-if-needed "
     "phase-transition-iterations "
     "train-epochs epochs universal-checkpoint"},
    {"data: read beside the step",
     "data-path data-file data-cache-path data-args-path data-impl split train-data-path valid-data-path train-data "
     "valid-data test-data keep-last "
     "test-data-path dataset dataset-* "
     "per-split-data-args-path per-dataset-sequences-path mock-data num-workers dataloader-* no-mmap-bin-files "
     "mmap-warmup "
     "mid-level-dataset-surplus num-dataset-builder-threads object-storage-cache-path "
     "no-create-attention-mask-in-dataloader fim-* "
     "allow-ambiguous-pad-tokens sample-rate mask-prob short-seq-prob no-data-sharding train-weighted-split-paths "
     "train-weighted-split-paths-path valid-weighted-split-paths-path test-weighted-split-paths-path padded-data "
     "retro-data* "
     "dataloader-defer-npy-index-mmap goldfish-* legacy-tokenizer max-padding-length enable-shuffle shuffle-all-epochs "
     "online-packing "
     "sft-tokenizer-prompt-format reweight-loss-based-on-position-frequency aml-data-download-path "
     "repeated-dataloader "
     "data-per-class-fraction classes-fraction use-raw-dataset async-dataloader"},
    {"tokenizer: the vocabulary is what counts",
     "tokenizer-* vocab-file vocab-extra-ids tiktoken-* "
     "trust-remote-code null-tokenizer-* chat-template use-gigatoken "
     "special-tokens pad-vocab-size metadata-path no-tokenizer-* disable-tokenizer-*"},
    {"checkpoints: moesim goodput prices them",
     "save save-* load-* no-load-* no-save-* ckpt-* dist-ckpt-* use-dist-ckpt auto-detect-ckpt-format async-save "
     "async-strategy "
     "async-ckpt-* use-persistent-ckpt-worker finetune pretrained-checkpoint use-checkpoint-args "
     "use-mp-args-from-checkpoint-args "
     "use-tokenizer-model-from-checkpoint-args no-use-tokenizer-model-from-checkpoint-args exit-on-missing-checkpoint "
     "override-ckpt-iteration "
     "non-persistent-* no-ckpt-fully-parallel-save replication replication-* verify-integrity strict-fsdp-dtensor-load "
     "distrib-optim-fully-reshardable-mem-efficient retain-ckpt checkpoint-dir moe-use-upcycling "
     "moe-upcycling-granularity "
     "adlr-autoresume adlr-autoresume-interval convert-checkpoint-* log-progress enable-msc disable-msc "
     "no-load-lr-state reset-iteration reset-progress persistent-save-interval disable-save-* "
     "disable-use-tokenizer-model-from-checkpoint-args no-ckpt-* disable-ckpt-* no-strict-fsdp-dtensor-load "
     "disable-strict-fsdp-dtensor-load"},
    {"evaluation: not part of a training step",
     "eval-* valid-num-workers valid-weighted-split-paths* test-weighted-split-paths* moe-eval-capacity-factor "
     "start-eval-at-iter full-validation multiple-validation-sets "
     "validation-set-names test-mode run-validation"},
    {"logging and profiling: taken as off",
     "log-* tensorboard-* wandb-* one-logger-* no-one-logger app-tag-run-* "
     "timing-log-* throughput-window-size logging-level memory-keys "
     "runtime-time-unit no-log-* disable-log-* profile profile-* use-pytorch-profiler "
     "pytorch-profiler-* use-nsys-profiler nsys-* record-* nvtx-* "
     "memory-snapshot-path moe-per-layer-logging moe-routing-trace-* "
     "no-barrier-with-level-1-timing barrier-with-l1-time config-logger-dir "
     "filter-warnings modules-to-filter set-level-for-all-loggers otel-* "
     "dump-param-to-param-group-map kill-switch-path aim-* "
     "use-tb verbose betas eps native-amp-* gradient-clip-val gc-interval accelerator max-epochs max-steps "
     "val-check-interval limit-* apex-transformer-log-level "
     "mmap-bin-files pp-warmup "
     "disable-wandb disable-tensorboard disable-mlflow mlflow-* torch-profiler-* *-sink-level "
     "auto-continue-train disable-last-saving stage disable-profiler-activity-cpu use-rocm-mem-info* record-shapes "
     "disable-compile-dependencies trainable wall-clock-step-timer fp8-reduce-amax "
     "abort-on-unmet-fused-kernel-constraints clearml-* codecarbon-dir gpu-sniff-test-interval "
     "check-weight-hash-across-dp-replicas-interval swanlab-*"},
    {"launching of processes: the GPUs are what counts",
     "node-rank master-addr master-port rdzv-* max-restarts tee redirects log-dir standalone local-ranks-filter "
     "monitor-interval "
     "start-method role run-path no-python local-rank local-addr distributed-timeout-* "
     "lazy-mpu-init use-env "
     "hostfile include exclude force-multi launcher launcher-args ssh-port "
     "nccl-communicator-config-path disable-gloo-process-groups enable-gloo-process-groups use-gloo-process-groups "
     "flight-recorder-* no-flight-recorder-* disable-flight-recorder-* "
     "enable-ft-package calc-ft-timeouts ft-* inprocess-* error-injection-* rerun-mode "
     "result-rejected-tracker-filename "
     "straggler-* disable-straggler-on-startup run-workload-inspector-server fault-* "
     "pipeline-model-parallel-comm-backend ntasks "
     "ntasks-per-node cpus-per-task partition account job-name time export mpi container-* label "
     "kill-on-bad-exit "
     "unbuffered wait network cpu-bind mem-bind bind-to"},
    {"defaults of Primus that no argument here stands for: as Megatron without them", "primus-defaults"},
    {"initial weights",
     "seed mup use-scaled-init-method data-parallel-random-init init-method-* init-model-with-meta-device "
     "embedding-init-method-std "
     "use-cpu-initialization "
     "no-initialization perform-initialization te-rng-tracker inference-rng-tracker mhc-init-gating-factor"},
    {"numbers computed at the same cost",
     "export-* *-logit-softcapping query-pre-attn-scalar apply-embedding-scaling embedding-multiplier "
     "normalize-attention-scores qkv-bias use-sink-attention sink-window-even-layers-only norm-target-loss "
     "loss-on-targets-only normalization norm-epsilon layernorm-epsilon "
     "apply-layernorm-1p "
     "layernorm-zero-centered-gamma "
     "attention-softmax-in-fp32 "
     "softmax-scale softmax-type dsa-indexer-loss-coeff dsa-indexer-rotate-activation dsa-indexer-scoring-relu "
     "dsa-indexer-rope-* dsa-indexer-k-norm-* dsa-indexer-use-sparse-loss dsa-indexer-skip-topk-offset "
     "apply-query-key-layer-scaling no-query-key-layer-scaling query-key-layer-scaling "
     "apply-residual-connection-post-layernorm "
     "rotary-* rope-* use-rope-scaling no-rope-freq yarn-* original-max-position-embeddings beta-fast beta-slow mscale "
     "mscale-all-dim "
     "mrope-section glu-linear-offset fp8-margin fp8-interval fp8-amax-* "
     "disable-bf16-reduced-precision-matmul moe-router-padding-for-fp8 "
     "moe-router-padding-for-quantization "
     "moe-apply-probs-on-input openai-gelu onnx-safe moe-permute-fusion-into-hybridep moe-enable-routing-replay "
     "no-dsa-indexer-* disable-dsa-indexer-* enable-gpt-oss "
     "add-qkv-bias attention-bias swin-backbone-type layernorm-bias no-yarn-correction-range-round-to-int"},
    {"checks that are off in a timed step, or cost microseconds",
     "check-for-nan-in-loss-and-grad check-for-large-grads check-for-spiky-loss "
     "no-check-for-nan-in-loss ckpt-load-validate-sharding-integrity manual-gc manual-gc-* no-manual-gc-* "
     "disable-manual-gc-* train-sync-interval "
     "empty-unused-memory-level high-priority-stream-groups high-priority-a2a-comm-stream"},
    {"what the current software does anyhow, or an old name for it",
     "use-mcore-models use-mamba-mem-eff-path disable-mamba-mem-eff-path is-hybrid-model use-flash-attn "
     "use-flash-attn-v2 use-flash-attn-triton moe-grouped-gemm "
     "no-masked-softmax-fusion "
     "no-persist-layer-norm no-async-tensor-model-parallel-allreduce no-contiguous-buffers-in-local-ddp "
     "ddp-impl DDP-impl no-scatter-gather-tensors-in-pipeline cross-entropy-fusion-impl "
     "use-fused-weighted-squared-relu "
     "use-te-activation-func align-param-gather no-align-grad-reduce disable-align-grad-reduce "
     "align-grad-reduce mtp-standalone "
     "no-gradient-reduce-div-fusion deallocate-pipeline-outputs *clone-scatter-output-in-embedding "
     "use-transformer-engine sync-tp-duplicated-parameters batch-p2p-comm gradient-accumulation-fusion "
     "use-fused-rmsnorm use-fused-swiglu use-rotary-pos-emb overlap-p2p-communication no-delay-grad-reduce "
     "delay-param-gather "
     "delay-grad-reduce moe-hybridep-num-blocks-* moe-hybridep-num-sms-preprocessing inference-sampling-seed "
     "no-use-layer-wise-param-layout megatron-fsdp-version mcore-gpt average-in-collective "
     "pre-process post-process megatron-amp-O2 "
     "get-attention-mask-from-fusion grad-div-ar-fusion "
     "gradient-as-bucket-view contiguous-grad-buffer grad-allreduce-chunk-size-mb reduce-amax use-fast library "
     "accumulate-grad-batches barrier-with-L1-time create-moe-param-group enable-shared-expert "
     "moe-min-capacity "
     "no-pipeline-parallel "
     "deepspeed-activation-checkpointing fp8-wgrad "
     "cuda-graph-warmup-steps cuda-graph-use-single-mempool no-te-rng"},
    {"inference and reinforcement learning: not part of a pre-training step",
     "inference-* max-tokens-to-oom output-bert-embeddings bert-embedder-type use-legacy-static-engine "
     "decode-only-cuda-graphs "
     "enable-chunked-prefill num-speculative-tokens use-same-sampling-seed-across-dp-ranks mamba-inference-* "
     "flash-decode "
     "batch-invariant-backend symmetric-ar-type nccl-all-reduce-for-prefill use-inference-optimized-layers "
     "cache-mla-latents "
     "rl-* grpo-* "
     "langrl-env-config refit-method return-log-probs skip-prompt-log-probs use-flashinfer-fused-rope logits-load-* "
     "logits-save-* "
     "moe-pad-experts-for-cuda-graph-inference mlp-chunks-for-prefill out-seq-length temperature top_p top_k"},
    {"of other models (BERT, vision, retrieval), without meaning for a decoder",
     "bert-* ict-* biencoder-* titles-data-path query-in-block-prob use-one-sent-docs evidence-data-path retriever-* "
     "block-data-path "
     "embedding-path indexer-batch-size indexer-log-interval num-classes img-h img-w num-channels patch-dim mask-type "
     "mask-factor "
     "iter-per-epoch dino-* vision-pretraining vision-pretraining-type vision-backbone-type relative-attention-*"},
};

static const Group refused[] = {
    {"states of Mamba in this precision, or modules of other layers",
     "mamba-training-ssm-states-dtype gdp-* mtp-hybrid-override-pattern"},
    {"dropout inside the feed-forward", "ffn-dropout"},
    {"a window in every second layer under this name", "sink-sliding-window"},
    {"a second kind of stack beside the decoder's layers",
     "retro-* ul2-* encoder-tensor-model-parallel-size encoder-pipeline-model-parallel-size "
     "pipeline-model-parallel-split-rank "
     "num-experts-switch mtp-use-repeated-layer mtp-detach-heads mtp-hsm kd-* teacher-* mlp-type "
     "inference-teacher"},
    {"more than one residual stream",
     "enable-mhc-connections mhc-num-residual-streams mhc-sinkhorn-iterations mhc-recompute-layer-num"},
    {"activations in host memory in this form", "delta-offload-bytes-across-pp-ranks checkpoint-in-cpu"},
    {"optimizer state on the host in this form", "use-torch-optimizer-for-cpu-offload remote-device"},
    {"recomputed activations that are split over the tensor-parallel ranks",
     "distribute-saved-activations distribute-checkpointed-activations partition-activations synchronize-each-layer "
     "contigious-checkpointing "
     "num-microbatches-with-partial-activation-checkpoints"},
    {"shards of a tensor-parallel weight that are gathered per use",
     "tensor-parallel-num-weight-shards expert-tensor-parallel-num-weight-shards gtp-* expert-gtp-*"},
    {"sequences of different lengths in a batch",
     "hybrid-context-parallel max-seqlen-per-dp-cp-rank variable-seq-lengths dataloader-inter-document-masking use-thd "
     "packing-* sft"},
    {"a precision for each layer, or one that code elsewhere describes",
     "te-precision-config-file use-kitchen use-kitchen-attention kitchen-* quant-recipe fp8-quantizer-factory "
     "fp4-quantizer-factory"},
    {"a stage of the loss in this precision", "fp16-lm-cross-entropy output-logit-dtype"},
    {"gradients kept or reduced in this form",
     "ddp-reduce-scatter-with-fp32-accumulation ddp-param-name-patterns-for-fp32-local-accumulation "
     "megatron-fsdp-main-params-dtype "
     "keep-fp8-transpose-cache suggested-communication-unit-size torch-fsdp2-no-reshard-after-forward "
     "enable-full-sharding-in-hsdp "
     "zero-contigious-gradients "
     "zero-allgather-bucket-size "
     "zero-reduce-bucket-size"},
    {"a dispatcher of this kind",
     "moe-ncclep-zero-copy moe-hybridep-pad-uneven-dispatch-inputs "
     "moe-router-force-biased moe-router-topk-limited-devices moe-token-dropping use-tutel disable-moe-token-dropping"},
    {"tensor-parallel transfers of which only some overlap", "no-tp-comm-* disable-tp-comm-*"},
    {"kernels whose sums are the same for any batch", "batch-invariant-mode"},
    {"experts of which every rank of both groups has a part", "moe-extended-tp"},
    {"activations that are kept in FP8", "activation-func-fp8-input-store"},
    {"a network that is worked in pieces of the sequence", "mlp-chunks-for-training"},
    {"generation beside the training, or a loss over stored outputs",
     "perform-rl-step logits-load-dir logits-save-dir"},
    {"a step without communication", "fake-process-group"},
    {"arguments of another file (import that file)", "yaml-cfg"},
    {"dimensions of a model of another shape",
     "freeze-all-layers freeze-lm freeze-vit multimodal-* vision-model-* language-model-type "
     "num-experts-per-layer random-ltd curriculum-learning-legacy num-moe-experts-dense"},
};

/* Changes of a fraction of a percent that the stack's own values cover: accepted with a note of their own. */
static const Group covered[] = {
    {"a kernel per micro-batch, left out", "embed-layernorm moe-shared-expert-gate"},
    {"less than a page of each expert", "moe-paged-stash-page-size"},
    {"kernels of Primus-Turbo: the stack's own values are kept",
     "enable-primus-turbo use-turbo-attention use-turbo-grouped-gemm use-turbo-grouped-mlp use-turbo-gemm "
     "use-turbo-rms-norm turbo-* no-fp8-weight-transpose-cache"},
    {"the stack's own value is kept",
     "megatron-fsdp-* fsdp-* dsa-kernel-backend tp-comm-* tp-comm-overlap-cfg delay-wgrad-compute "
     "overlap-dispatch-backward-with-experts-wgrad "
     "ep-overlap-early-attn-memory-release "
     "defer-embedding-wgrad-compute wgrad-deferral-limit flash-attention-version mla-down-proj-fusion "
     "fused-single-qkv-rope "
     "overlap-param-gather-with-optimizer-step overlap-p2p-comm-warmup-flush "
     "overlap-p2p-communication-warmup-flush moe-mlp-glu-interleave-size moe-shared-expert-glu-interleave-size "
     "cuda-graph-retain-backward-graph "
     "ddp-num-buckets ddp-pad-buckets-for-high-nccl-busbw create-all-gather-group sharp-enabled-group "
     "use-grouped-gemm-for-* "
     "moe-use-grouped-tensor moe-single-grouped-* memory-efficient-layer-norm muon-tp-mode muon-use-syrk "
     "muon-num-ns-steps "
     "no-pin-cpu-grads no-pin-cpu-params cpu-offloading-activations cpu-offloading-double-buffering "
     "cpu-offloading-retain-pinned-cpu-buffers min-offloaded-tensor-size delay-offload-until-cuda-graph "
     "fine-grained-offloading-max-inflight-offloads "
     "use-ring-exchange-p2p batch-p2p-sync fp4-recipe "
     "hierarchical-context-parallel-sizes"},
};

/* Arguments that count only beside another: the switch, one of several, and what depends on it. */
static const Group dependent[] = {
    {"experimental-attention-variant linear-attention-freq linear-attention-type hybrid-layer-pattern "
     "hybrid-override-pattern",
     "linear-key-head-dim linear-value-head-dim linear-num-* linear-conv-kernel-dim gdp-* "
     "dsa-* no-dsa-* disable-dsa-*"},
    {"tp-comm-overlap", "tp-comm-overlap-* tp-comm-bootstrap-backend no-tp-comm-* disable-tp-comm-*"},
    {"batch-invariant-mode", "batch-invariant-backend"},
    {"first-last-layers-bf16", "num-layers-at-start-in-bf16 num-layers-at-end-in-bf16"},
    {"enable-mhc-connections enable-hyper-connections", "mhc-*"},
    {"fine-grained-activation-offloading",
     "activation-offload-fraction min-offloaded-tensor-size delay-offload-until-cuda-graph offload-modules "
     "delta-offload-bytes-across-pp-ranks fine-grained-offloading-*"},
    {"moe-paged-stash", "moe-paged-stash-*"},
    {"use-kitchen use-kitchen-attention", "kitchen-*"},
    {"cpu-offloading", "cpu-offloading-*"},
    {"optimizer-cpu-offload cpu-optimizer", "optimizer-offload-fraction overlap-cpu-optimizer-d2h-h2d"},
    {"recompute-granularity recompute-activations checkpoint-activations activations-checkpoint-granularity "
     "activations-checkpoint-method moe-layer-recompute",
     "recompute-method recompute-num-layers recompute-modules"},
    {"fp8-format fp8-hybrid fp8-e4m3", "fp8-recipe fp8-param-gather reuse-grad-buf-for-mxfp8-param-ag"},
    {"fp4-format", "fp4-param-gather"},
    {"context-parallel-size ds-sequence-parallel-size", "cp-comm-type hierarchical-context-parallel-sizes"},
    {"num-experts", "moe-*"},
};

/* ---- look-up --------------------------------------------------------------------------------- */

static const char *find_group(const Group *groups, gsize n, const char *name)
{
  while (*name == '-')
    name++;
  for (gsize i = 0; i < n; i++)
    if (import_is_listed(groups[i].names, name))
      return groups[i].text;
  return NULL;
}

const char *megatron_without_effect(const char *name)
{
  const char *reason = find_group(without_effect, G_N_ELEMENTS(without_effect), name);

  return reason ? reason : find_group(covered, G_N_ELEMENTS(covered), name);
}

gboolean megatron_stands_alone(const char *name, const char *const *words)
{
  const char *switches = find_group(dependent, G_N_ELEMENTS(dependent), name);

  for (; switches && *words; words++) {
    g_autofree char *word = g_strndup(*words, strcspn(*words, "="));

    if (g_str_has_prefix(word, "--") && import_is_listed(switches, word + 2))
      return FALSE;
  }
  return switches != NULL;
}

const char *megatron_refusal(const char *name)
{
  return find_group(refused, G_N_ELEMENTS(refused), name);
}
