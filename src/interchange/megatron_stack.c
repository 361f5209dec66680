/* Megatron arguments to what a run changes in its stack: kernels, dispatcher, CUDA graphs, collectives. */
#include "megatron.h"

#include <string.h>

#define BYTES_PER_FP32 4 /* of a gradient bucket */

/* ---- fused kernels --------------------------------------------------------------------------- */

/* arguments.py: activation, dropout and rotary kernels are fused unless switched off; routing, permutation and loss
 * only when asked for. */
static void take_fusions(Draft *draft, const MegatronArguments *arguments)
{
  ImportStack *stack = &draft->stack;
  gboolean eager = arguments->no_compiler; /* core/jit.py: torch.compile makes both of them */

  stack->fused_known = IMPORT_FUSED_ACTIVATION | IMPORT_FUSED_DROPOUT | IMPORT_FUSED_ROTARY | IMPORT_FUSED_ROUTER |
                       IMPORT_FUSED_PERMUTE | IMPORT_FUSED_CROSS_ENTROPY;
  stack->fused = (arguments->no_activation_fusion || arguments->no_gelu_fusion || eager ? 0 : IMPORT_FUSED_ACTIVATION) |
                 (arguments->no_dropout_fusion || eager ? 0 : IMPORT_FUSED_DROPOUT) |
                 (arguments->no_rope_fusion ? 0 : IMPORT_FUSED_ROTARY) |
                 (arguments->router_fusion ? IMPORT_FUSED_ROUTER : 0) |
                 (arguments->permute_fusion ? IMPORT_FUSED_PERMUTE : 0) |
                 (arguments->loss_fusion ? IMPORT_FUSED_CROSS_ENTROPY : 0);
  if (!arguments->router_fusion && arguments->experts == 0)
    stack->fused_known &= ~(guint)(IMPORT_FUSED_ROUTER | IMPORT_FUSED_PERMUTE);
  if (arguments->residual_fusion) {
    stack->fused_known |= IMPORT_FUSED_RESIDUAL_NORM;
    stack->fused |= IMPORT_FUSED_RESIDUAL_NORM;
  }
}

/* ---- dispatcher ------------------------------------------------------------------------------ */

static gboolean take_flex(Draft *draft, const char *backend, int64_t sms, GError **error)
{
  ImportStack *stack = &draft->stack;

  if (strcmp(backend, "deepep") != 0 && strcmp(backend, "hybridep") != 0)
    return moe_fail_about(error, "--moe-flex-dispatcher-backend", "'%.40s' is not known, expected deepep or hybridep",
                          backend);
  stack->expert_library = strcmp(backend, "deepep") == 0 ? "deepep" : "hybridep";
  stack->deduplicate = 1;
  stack->expert_sms = sms;
  return TRUE;
}

static gboolean take_dispatcher(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  const char *kind = arguments->dispatcher;

  if (arguments->experts == 0)
    return TRUE;
  if (arguments->deepep || g_strcmp0(kind, "flex") == 0)
    return take_flex(draft, arguments->flex_backend ? arguments->flex_backend : "deepep", arguments->dispatch_sms,
                     error);
  if (!kind) {
    import_note(
        draft, "the dispatcher is not among the arguments: the stack's is kept; Megatron's default gathers all tokens");
    return TRUE;
  }
  if (strcmp(kind, "alltoall") != 0 && strcmp(kind, "alltoall_seq") != 0 && strcmp(kind, "allgather") != 0)
    return moe_fail_about(error, "--moe-token-dispatcher-type",
                          "'%.40s' is not known, expected alltoall, allgather or flex", kind);
  if (strcmp(kind, "allgather") == 0)
    import_note(draft, "the dispatcher that gathers all tokens cannot be said; the all-to-all one is taken");
  draft->stack.expert_library = "nccl";
  draft->stack.deduplicate = 0;
  return TRUE;
}

/* ---- rows of experts ------------------------------------------------------------------------- */

/* What Megatron refuses beside pages (transformer_config.py), and what loads that are even do not need. */
static gboolean check_pages(const Draft *draft, const MegatronArguments *arguments, GError **error)
{
  const char *name = "--moe-paged-stash";

  if (arguments->rank_capacity <= 0)
    return moe_fail_about(error, name,
                          "no --moe-expert-rank-capacity-factor, expected one beside it, as Megatron does");
  if (arguments->layers_offload)
    return moe_fail_about(error, name, "beside --cpu-offloading, expected one of the two, as Megatron does");
  if (draft->offload.modules & (MOE_AWAY_EXPERTS | MOE_AWAY_MOE_ACTIVATION))
    return moe_fail_about(error, "--offload-modules",
                          "expert_fc1, moe_act or fused_group_mlp beside --moe-paged-stash, expected none, as Megatron "
                          "does");
  if (arguments->stash_pages < 1)
    return moe_fail_about(error, "--moe-paged-stash-buffer-size-factor-cuda",
                          "%g, expected 1 or more: balanced loads fill pages once", arguments->stash_pages);
  return TRUE;
}

/* --moe-expert-rank-capacity-factor: rows of a rank lie in buffers of one size, so nobody but the GPU reads the counts;
 * what experts keep for their backward pass would be as large, unless it is copied into pages. Pages on the host take
 * what does not fit into those of the GPU: nothing of balanced loads. */
static gboolean take_rows(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  ImportStack *stack = &draft->stack;

  stack->paged_stash = 0;
  if (arguments->paged_stash && !check_pages(draft, arguments, error))
    return FALSE;
  if (arguments->rank_capacity <= 0)
    return TRUE;
  if (arguments->rank_capacity < 1 || !arguments->paged_stash)
    import_refuse(draft, "--moe-expert-rank-capacity-factor",
                  arguments->rank_capacity < 1 ? "tokens that are dropped by rank"
                                               : "buffers of one size that are kept");
  if (g_strcmp0(stack->expert_library, "hybridep") != 0)
    return moe_fail_about(error, "--moe-expert-rank-capacity-factor",
                          "expected --moe-flex-dispatcher-backend hybridep beside it, as Megatron does");
  stack->counts_stay = TRUE;
  if (arguments->paged_stash)
    stack->paged_stash = arguments->stash_pages;
  return TRUE;
}

/* ---- CUDA graphs ----------------------------------------------------------------------------- */

#define LAYER_SCOPES                                                                                                   \
  ((1u << MOE_SCOPE_ATTENTION) | (1u << MOE_SCOPE_DENSE_FFN) | (1u << MOE_SCOPE_ROUTER) | (1u << MOE_SCOPE_EXPERTS))
#define STEP_SCOPES MOE_ITERATION_SCOPES

/* cuda_graph_config.py: what is captured of a layer; "full" is all of it. */
static gboolean add_scope(const char *word, guint *scopes, GError **error)
{
  static const struct {
    const char *word;
    guint scopes;
  } known[] = {{"attn", 1u << MOE_SCOPE_ATTENTION},
               {"mlp", 1u << MOE_SCOPE_DENSE_FFN},
               {"moe", (1u << MOE_SCOPE_ROUTER) | (1u << MOE_SCOPE_EXPERTS)},
               {"moe_router", 1u << MOE_SCOPE_ROUTER},
               {"moe_preprocess", 1u << MOE_SCOPE_ROUTER},
               {"full", LAYER_SCOPES},
               {"full_iteration", STEP_SCOPES}};

  for (guint i = 0; i < G_N_ELEMENTS(known); i++)
    if (strcmp(known[i].word, word) == 0) {
      *scopes |= known[i].scopes;
      return TRUE;
    }
  return moe_fail_about(error, "--cuda-graph-scope",
                        "'%.40s' is not known, expected attn, mlp, moe, moe_router, moe_preprocess, full "
                        "or full_iteration",
                        word);
}

static gboolean take_graphs(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  const char *kind = arguments->graph_kind ? arguments->graph_kind : "none";
  gboolean on = strcmp(kind, "none") != 0 || arguments->graphs || arguments->external_graphs;
  guint scopes = strcmp(kind, "full_iteration") == 0 ? STEP_SCOPES : 0;

  for (guint i = 0; on && i < arguments->graph_scopes->len; i++) {
    g_auto(GStrv) words = g_strsplit(g_ptr_array_index(arguments->graph_scopes, i), ",", -1);

    for (char **word = words; *word; word++)
      if (!add_scope(g_strstrip(*word), &scopes, error))
        return FALSE;
  }
  if (on && scopes == 0)
    scopes = LAYER_SCOPES;
  if (arguments->optimizer_graph)
    scopes |= 1u << MOE_SCOPE_OPTIMIZER;
  draft->stack.graphs_known = TRUE;
  draft->stack.graphs = scopes;
  return TRUE;
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* --attention-backend: "auto" and "fused" are cuDNN's kernels in current releases, "flash" FlashAttention's. */
static gboolean take_attention_kernels(Draft *draft, const char *word, GError **error)
{
  if (!word || strcmp(word, "auto") == 0)
    return TRUE;
  if (strcmp(word, "fused") == 0)
    draft->stack.attention = "cudnn";
  else if (strcmp(word, "flash") == 0)
    import_note(
        draft,
        "--attention-backend flash: which FlashAttention is not said; the attention kernels of the stack are kept");
  else
    import_refuse(draft, "--attention-backend", "attention without a fused kernel");
  return strcmp(word, "fused") == 0 || strcmp(word, "flash") == 0 || strcmp(word, "unfused") == 0 ||
         strcmp(word, "local") == 0 ||
         moe_fail_about(error, "--attention-backend", "'%.40s', expected auto, flash, fused, unfused or local", word);
}

/* What a run cannot say and Megatron does all the same. */
/* experts.py, _with_fused_impl: experts become TransformerEngine's operations, which fuse where they multiply in MXFP8
 * and the environment says so. */
static void take_fused_mlp(Draft *draft, const MegatronArguments *arguments)
{
  draft->stack.fused_mlp = arguments->fused_mlp;
  if (!arguments->fused_mlp)
    return;
  draft->stack.per_expert = 0;
  import_note(draft, "--use-transformer-engine-op-fuser counts as with NVTE_CUTEDSL_FUSED_GROUPED_MLP=1");
}

static void note_kernels(Draft *draft, const MegatronArguments *arguments)
{
  if (arguments->added_gradients)
    import_note(draft,
                "--no-gradient-accumulation-fusion: kernels of their own that add weight gradients are left out");
  if (arguments->shared_ffn > 0 && !arguments->shared_overlap && !arguments->overlap_expert)
    import_note(draft, "shared experts are taken beside the dispatch; without --moe-shared-expert-overlap Megatron has "
                       "them before it");
  if (arguments->transformer_kind && strcmp(arguments->transformer_kind, "local") == 0)
    import_note(draft, "--transformer-impl local: the kernels of the stack are kept");
}

gboolean megatron_stack(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  ImportStack *stack = &draft->stack;

  take_fusions(draft, arguments);
  stack->deterministic = arguments->deterministic ? 1 : -1;
  stack->sharp = arguments->sharp ? 1 : -1;
  /* param_and_grad_buffer.py: user buffers come from a symmetric pool unless that is switched off */
  stack->symmetric = arguments->user_buffers && !arguments->local_buffers ? 1 : -1;
  stack->tensor_amax = arguments->tensor_amax;
  stack->shared_buffer = arguments->shared_buffer;
  stack->unaligned = arguments->unaligned;
  stack->unchecked = arguments->unchecked;
  stack->averaged = arguments->averaged;
  if (arguments->bucket > 0)
    stack->bucket_bytes = (double)arguments->bucket * BYTES_PER_FP32;
  stack->mapped_by_kernel = arguments->experimental && arguments->permute_fusion;
  if (arguments->legacy_grouped)
    stack->per_expert = 0; /* the older grouped GEMM is CUTLASS's, one kernel for all experts */
  take_fused_mlp(draft, arguments);
  note_kernels(draft, arguments);
  if (arguments->backend && strcmp(arguments->backend, "nccl") != 0)
    import_refuse(draft, "--distributed-backend", "collectives of another library than NCCL");
  return take_dispatcher(draft, arguments, error) && take_rows(draft, arguments, error) &&
         take_graphs(draft, arguments, error) && take_attention_kernels(draft, arguments->attention_backend, error);
}
