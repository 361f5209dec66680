/* Which kernel is of which class, by parts of its name. */
#include "doc/doc.h"
#include "measured/profile.h"

#include <string.h>

const char *const moe_seen_words[] = {"gemm",       "grouped_gemm", "attention",     "scan",      "convolution",
                                      "norm",       "activation",   "rotary",        "quantize",  "permute",
                                      "router",     "embedding",    "cross_entropy", "optimizer", "elementwise",
                                      "collective", "copy",         "other",         NULL};

typedef struct {
  const char *contains;
  MoeSeenClass klass;
} Row;

/* In this order: what names its purpose before what names its method. Names as they stand in the sources of PyTorch,
 * TransformerEngine, Apex, CUTLASS, cuBLAS, cuDNN, FlashAttention, DeepGEMM, DeepEP, NCCL and RCCL, and in the profile
 * of a training step that DeepSeek published (github.com/deepseek-ai/profile-data). */
static const Row shipped[] = {
    {"nccl", MOE_SEEN_COLLECTIVE},
    {"rccl", MOE_SEEN_COLLECTIVE},
    {"deep_ep", MOE_SEEN_COLLECTIVE},
    {"hybrid_ep", MOE_SEEN_COLLECTIVE},
    {"ep::internode", MOE_SEEN_COLLECTIVE},
    {"ep::intranode", MOE_SEEN_COLLECTIVE},
    {"userbuffers", MOE_SEEN_COLLECTIVE},
    {"nvshmem", MOE_SEEN_COLLECTIVE},
    {"memcpy", MOE_SEEN_COPY},
    {"memset", MOE_SEEN_COPY},
    {"multi_tensor_apply", MOE_SEEN_OPTIMIZER},
    {"adam", MOE_SEEN_OPTIMIZER},
    {"adagrad", MOE_SEEN_OPTIMIZER},
    {"flash_fwd", MOE_SEEN_ATTENTION},
    {"flash_bwd", MOE_SEEN_ATTENTION},
    {"flash::", MOE_SEEN_ATTENTION},
    {"fmha", MOE_SEEN_ATTENTION},
    {"sdpa", MOE_SEEN_ATTENTION},
    {"flash_attn", MOE_SEEN_ATTENTION},
    {"attention", MOE_SEEN_ATTENTION},
    {"chunk_scan", MOE_SEEN_SCAN},
    {"chunk_state", MOE_SEEN_SCAN},
    {"selective_scan", MOE_SEEN_SCAN},
    {"chunk_gated_delta", MOE_SEEN_SCAN},
    {"grouped_gemm::cuda::fp8_", MOE_SEEN_GEMM}, /* one product of DeepSeek's library, in spite of its name */
    {"grouped_gemm::cuda::utils", MOE_SEEN_QUANTIZE},
    {"grouped_gemm", MOE_SEEN_GROUPED_GEMM},
    {"groupedgemm", MOE_SEEN_GROUPED_GEMM},
    {"GemmGrouped", MOE_SEEN_GROUPED_GEMM},
    {"GroupProblemShape", MOE_SEEN_GROUPED_GEMM},
    {"m_grouped", MOE_SEEN_GROUPED_GEMM},
    {"embedding", MOE_SEEN_EMBEDDING},
    {"cross_entropy", MOE_SEEN_CROSS_ENTROPY},
    {"nll_loss", MOE_SEEN_CROSS_ENTROPY},
    {"layer_norm", MOE_SEEN_NORM},
    {"layernorm", MOE_SEEN_NORM},
    {"rmsnorm", MOE_SEEN_NORM},
    {"rms_norm", MOE_SEEN_NORM},
    {"ln_fwd", MOE_SEEN_NORM},
    {"ln_bwd", MOE_SEEN_NORM},
    {"batch_norm", MOE_SEEN_NORM},
    {"bn_fw", MOE_SEEN_NORM},
    {"bn_bw", MOE_SEEN_NORM},
    {"normalization", MOE_SEEN_NORM},
    {"rotary", MOE_SEEN_ROTARY},
    {"rope", MOE_SEEN_ROTARY},
    {"swiglu", MOE_SEEN_ACTIVATION},
    {"gelu", MOE_SEEN_ACTIVATION},
    {"silu", MOE_SEEN_ACTIVATION},
    {"cutlass_cudnn", MOE_SEEN_CONVOLUTION},
    {"ImplicitGemm", MOE_SEEN_CONVOLUTION},
    {"quantize", MOE_SEEN_QUANTIZE},
    {"cast_transpose", MOE_SEEN_QUANTIZE},
    {"per_token_cast", MOE_SEEN_QUANTIZE},
    {"per_channel_cast", MOE_SEEN_QUANTIZE},
    {"cast_back", MOE_SEEN_QUANTIZE},
    {"cast_to_fp8", MOE_SEEN_QUANTIZE},
    {"batched_transpose", MOE_SEEN_QUANTIZE},
    {"permute", MOE_SEEN_PERMUTE},
    {"expand_to_fused", MOE_SEEN_PERMUTE},
    {"reduce_fused", MOE_SEEN_PERMUTE},
    {"moe_align", MOE_SEEN_PERMUTE},
    {"topk", MOE_SEEN_ROUTER},
    {"fused_mapping", MOE_SEEN_ROUTER},
    {"count_expert", MOE_SEEN_ROUTER},
    {"dispatch_layout", MOE_SEEN_ROUTER},
    {"unique_group", MOE_SEEN_ROUTER},
    {"aux_fi", MOE_SEEN_ROUTER}, /* how often each expert is chosen, for the balance loss */
    {"RadixSort", MOE_SEEN_ROUTER},
    {"softmax", MOE_SEEN_ROUTER},
    {"dgrad_engine", MOE_SEEN_CONVOLUTION},
    {"wgrad_alg", MOE_SEEN_CONVOLUTION},
    {"conv", MOE_SEEN_CONVOLUTION},
    {"scudnn", MOE_SEEN_CONVOLUTION},
    {"gemm", MOE_SEEN_GEMM},
    {"splitKreduce", MOE_SEEN_GEMM},
    {"cublas", MOE_SEEN_GEMM},
    {"nvjet", MOE_SEEN_GEMM},
    {"Cijk_", MOE_SEEN_GEMM},
    {"elementwise", MOE_SEEN_ELEMENTWISE},
    {"copy_tensor", MOE_SEEN_ELEMENTWISE}, /* into another layout: no copy of the driver's */
    {"reduce_kernel", MOE_SEEN_ELEMENTWISE},
    {"CatArray", MOE_SEEN_ELEMENTWISE},
    {"triton_", MOE_SEEN_ELEMENTWISE},
    {"index", MOE_SEEN_ELEMENTWISE},
};

struct MoeSeenTable {
  MoeDoc *doc; /* owns the texts of the user's rows */
  GArray *rows;
};

static gboolean read_row(const MoeNode *node, Row *row, GError **error)
{
  static const MoeField fields[] = {
      {"contains", .kind = MOE_FIELD_TEXT, .offset = offsetof(Row, contains), .required = TRUE},
      {"class", .kind = MOE_FIELD_WORD, .offset = offsetof(Row, klass), .required = TRUE, .words = moe_seen_words},
      {NULL},
  };

  if (!moe_node_read_fields(node, fields, "class of kernels", row, error))
    return FALSE;
  return *row->contains || moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_node_get(node, "contains")),
                                    "empty, which is in every name");
}

static gboolean read_rows(MoeSeenTable *table, const char *path, GError **error)
{
  table->doc = moe_doc_load(path, error);
  if (!table->doc)
    return FALSE;
  const MoeNode *root = moe_doc_root(table->doc), *list = moe_node_get(root, "classes");
  if (!list)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(root), "no classes, expected a list classes:");
  if (!moe_node_expect(list, MOE_NODE_LIST, "classes", error))
    return FALSE;
  for (guint i = 0; i < moe_node_size(list); i++) {
    Row row = {0};

    if (!read_row(moe_node_at(list, i), &row, error))
      return FALSE;
    g_array_append_val(table->rows, row);
  }
  return TRUE;
}

MoeSeenTable *moe_seen_table_new(const char *path, GError **error)
{
  g_autoptr(MoeSeenTable) table = g_new0(MoeSeenTable, 1);

  table->rows = g_array_new(FALSE, FALSE, sizeof(Row));
  if (path && !read_rows(table, path, error))
    return NULL;
  g_array_append_vals(table->rows, shipped, G_N_ELEMENTS(shipped));
  return g_steal_pointer(&table);
}

void moe_seen_table_free(MoeSeenTable *table)
{
  if (!table)
    return;
  g_array_unref(table->rows);
  moe_doc_free(table->doc);
  g_free(table);
}

MoeSeenClass moe_seen_class(const MoeSeenTable *table, const char *kernel)
{
  g_autofree char *name = g_ascii_strdown(kernel, -1);

  for (guint i = 0; i < table->rows->len; i++) {
    const Row *row = &g_array_index(table->rows, Row, i);
    g_autofree char *part = g_ascii_strdown(row->contains, -1);

    if (strstr(name, part))
      return row->klass;
  }
  return MOE_SEEN_OTHER;
}
