/* Kernels, dispatcher and graphs of a run's stack as Megatron's arguments. */
#include "export_megatron.h"

#include <math.h>
#include <string.h>

static void add_dispatcher(MegatronWords *writer)
{
  const char *library = writer->run->stack.collectives.expert_library;
  gboolean flex = g_strcmp0(library, "deepep") == 0 || g_strcmp0(library, "hybridep") == 0;

  if (writer->run->architecture.moe.experts == 0)
    return;
  words_text(writer, "--moe-token-dispatcher-type", flex ? "flex" : "alltoall");
  if (flex)
    words_text(writer, "--moe-flex-dispatcher-backend", library);
  if (flex)
    words_count(writer, "--moe-flex-dispatcher-num-sms", writer->run->stack.collectives.sms_expert);
  words_note_if(writer, !flex && g_strcmp0(library, "nccl") != 0, "the library of the expert exchange");
}

/* Pages of what experts keep, whose rows lie in buffers of one size; of its factor a run knows nothing. */
static void add_pages(MegatronWords *writer)
{
  double pages = writer->run->stack.moe.paged_stash;

  if (writer->run->architecture.moe.experts == 0 || pages <= 0)
    return;
  words_number(writer, "--moe-expert-rank-capacity-factor", MAX(pages, 1));
  words_flag(writer, "--moe-paged-stash");
  words_number(writer, "--moe-paged-stash-buffer-size-factor-cuda", pages);
}

static void add_fused_mlp(MegatronWords *writer)
{
  if (writer->run->architecture.moe.experts > 0 && writer->run->stack.moe.fused_mlp)
    words_flag(writer, "--use-transformer-engine-op-fuser");
}

static void add_graphs(MegatronWords *writer)
{
  static const struct {
    guint scopes;
    const char *word;
  } words[] = {{1u << MOE_SCOPE_ATTENTION, "attn"},
               {1u << MOE_SCOPE_DENSE_FFN, "mlp"},
               {1u << MOE_SCOPE_ROUTER, "moe_router"},
               {(1u << MOE_SCOPE_ROUTER) | (1u << MOE_SCOPE_EXPERTS), "moe"}};
  guint captured = writer->run->stack.host.graph_scopes, optimizer = 1u << MOE_SCOPE_OPTIMIZER;
  guint scopes = captured & ~optimizer, said = 0;

  words_flag_if(writer, "--optimizer-cuda-graph", captured & optimizer);
  if (scopes == 0)
    return;
  if (scopes & (1u << MOE_SCOPE_HEAD)) {
    words_text(writer, "--cuda-graph-impl", "full_iteration");
    return;
  }
  words_text(writer, "--cuda-graph-impl", "transformer_engine");
  words_flag(writer, "--cuda-graph-scope");
  for (guint i = 0; i < G_N_ELEMENTS(words); i++)
    if ((scopes & words[i].scopes) == words[i].scopes) {
      words_flag(writer, words[i].word);
      said |= words[i].scopes;
    }
  words_note_if(writer, said != scopes, "CUDA graphs of embedding or data alone");
}

/* --ddp-bucket-size counts elements in FP32 and knows no size by rank. */
static void add_buckets(MegatronWords *writer)
{
  double elements = writer->run->stack.data_parallel.bucket_bytes / sizeof(float);

  if (writer->run->stack.data_parallel.bucket_per_rank_bytes == 0 && !writer->run->stack.data_parallel.per_layer &&
      elements == floor(elements))
    words_count(writer, "--ddp-bucket-size", (int64_t)elements);
}

void words_software(MegatronWords *writer)
{
  const MoeStack *stack = &writer->run->stack;
  gboolean experts = writer->run->architecture.moe.experts > 0;

  add_dispatcher(writer);
  add_pages(writer);
  add_fused_mlp(writer);
  add_graphs(writer);
  add_buckets(writer);
  if (g_strcmp0(stack->family.attention, "cudnn") == 0)
    words_text(writer, "--attention-backend", "fused");
  words_flag_if(writer, "--moe-permute-fusion", experts && stack->fused.permute);
  words_flag_if(writer, "--moe-router-fusion", experts && stack->fused.router);
  words_flag_if(writer, "--cross-entropy-loss-fusion", stack->fused.cross_entropy);
  words_flag_if(writer, "--fused-residual-rmsnorm", stack->fused.residual_norm);
  words_flag_if(writer, "--no-bias-swiglu-fusion", !stack->fused.activation);
  words_flag_if(writer, "--no-bias-dropout-fusion", !stack->fused.dropout);
  words_flag_if(writer, "--no-rope-fusion", !stack->fused.rotary);
  words_flag_if(writer, "--no-check-for-nan-in-loss-and-grad", !stack->data_parallel.checked);
  words_flag_if(writer, "--ddp-average-in-collective", stack->data_parallel.scaled != MOE_SCALED_ALL);
  words_flag_if(writer, "--no-align-param-gather", stack->data_parallel.unaligned_gather);
  words_flag_if(writer, "--tp-only-amax-red", stack->amax_reduction == MOE_AMAX_SEQUENCE);
  words_flag_if(writer, "--deterministic-mode", stack->collectives.deterministic);
  words_flag_if(writer, "--use-sharp", stack->collectives.sharp);
  words_flag_if(writer, "--use-nccl-ub", stack->collectives.symmetric);
}
