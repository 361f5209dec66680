/* Readers of the sections `training:`, `recompute:` and `offload:` of a run. */
#include "internal.h"

#include <string.h>

#define PRECISION(member) MOE_FIELD_CHOICE(MoeTraining, precision.member, moe_precision_words)

/* Beyond these a skew is no skew any more: one expert gets everything, or all get the same. */
#define MAX_ZIPF          10
#define MAX_CONCENTRATION 1e9
/* A capacity of so many times the mean fits every imbalance. */
#define MAX_CAPACITY_FACTOR 1024

static const MoeField training_fields[] = {
    {"sequence_length", MOE_FIELD_COUNT(MoeTraining, sequence_length, 1, MOE_MAX_SEQUENCE), .required = TRUE},
    {"global_batch", MOE_FIELD_COUNT(MoeTraining, global_batch, 1, MOE_MAX_BATCH), .required = TRUE},
    {"micro_batch", MOE_FIELD_COUNT(MoeTraining, micro_batch, 1, MOE_MAX_BATCH)},
    {"precision", MOE_FIELD_ELSEWHERE},
    {"optimizer", MOE_FIELD_CHOICE(MoeTraining, optimizer, moe_optimizer_words)},
    {"routing", MOE_FIELD_ELSEWHERE},
    {"lora", MOE_FIELD_ELSEWHERE},
    {NULL},
};

static const MoeField precision_fields[] = {
    {"gemm", PRECISION(gemm)},
    {"wgrad", PRECISION(wgrad)},
    {"attention", PRECISION(attention)},
    {"lm_head", PRECISION(lm_head)},
    {"router", PRECISION(router)},
    {"residual", PRECISION(residual)},
    {"gradient_reduce", PRECISION(gradient_reduce)},
    {"parameter_gather", PRECISION(parameter_gather)},
    {"dispatch", PRECISION(dispatch)},
    {"combine", PRECISION(combine)},
    {"master", PRECISION(master)},
    {"optimizer_moments", PRECISION(optimizer_moments)},
    {"scaling", MOE_FIELD_CHOICE(MoeTraining, precision.scaling, moe_fp8_scaling_words)},
    {NULL},
};

static gboolean read_precisions(const MoeNode *training, MoeTraining *target, GError **error)
{
  const MoeNode *section = moe_node_get(training, "precision");

  if (!moe_section_read(training, "precision", precision_fields, "precision", target, error))
    return FALSE;
  if (!section || !moe_node_get(section, "wgrad"))
    target->precision.wgrad = target->precision.gemm;
  return TRUE;
}

/* ---- routing ----------------------------------------------------------------------------------------------------- */

static const MoeField routing_fields[] = {
    {"balance", MOE_FIELD_ELSEWHERE},
    {"capacity_factor", MOE_FIELD_ELSEWHERE},
    {"token_rounding", MOE_FIELD_FLAG(MoeTraining, routing.token_rounding)},
    {NULL},
};

static const MoeField balance_fields[] = {
    {"zipf", .kind = MOE_FIELD_QUANTITY, .offset = offsetof(MoeRouting, balance_value), .maximum = MAX_ZIPF},
    {"dirichlet", .kind = MOE_FIELD_QUANTITY, .offset = offsetof(MoeRouting, balance_value), .minimum = 1e-6,
     .maximum = MAX_CONCENTRATION},
    {"file", MOE_FIELD_STRING(MoeRouting, counts_file)},
    {NULL},
};

/* Whether the i-th entry was written with the map itself, or shows through from what the map was merged over. */
static gboolean is_written_here(const MoeNode *map, guint i)
{
  MoeMark own = moe_node_mark(map), entry = moe_node_key_mark(map, i);

  return g_strcmp0(own.file, entry.file) == 0 &&
         (entry.line > own.line || (entry.line == own.line && entry.column >= own.column));
}

/* {zipf: 1} merged over {dirichlet: 20} means the Zipf law alone. Index of the one entry that counts, or -1. */
static int sole_entry(const MoeNode *map)
{
  int found = -1;

  for (guint i = 0; i < moe_node_size(map); i++)
    if (moe_node_size(map) == 1 || is_written_here(map, i)) {
      if (found >= 0)
        return -1;
      found = (int)i;
    }
  return found;
}

static gboolean read_law(const MoeNode *map, MoeRouting *routing, GError **error)
{
  MoeRouting unused = {0};
  int entry = sole_entry(map);

  if (entry < 0)
    return moe_fail(
        error, MOE_ERROR_INPUT, moe_node_mark(map),
        "%u entries in balance, expected even or one of {zipf: EXPONENT}, {dirichlet: CONCENTRATION}, {file: CSV}",
        moe_node_size(map));
  if (!moe_node_read_fields(map, balance_fields, "balance", &unused, error))
    return FALSE;
  const MoeNode *value = moe_node_at(map, (guint)entry);
  const char *key = moe_node_key(map, (guint)entry);
  if (strcmp(key, "file") == 0) {
    routing->balance = MOE_BALANCE_FILE;
    routing->counts_mark = moe_node_mark(value);
    return moe_node_read_text(value, &routing->counts_file, error);
  }
  routing->balance = strcmp(key, "zipf") == 0 ? MOE_BALANCE_ZIPF : MOE_BALANCE_DIRICHLET;
  return moe_node_read_quantity(value, MOE_DIM_NONE, &routing->balance_value, error);
}

static gboolean read_balance(const MoeNode *node, MoeRouting *routing, GError **error)
{
  static const char *const even[] = {"even", NULL};
  int word = 0;

  if (!node)
    return TRUE;
  if (moe_node_kind(node) != MOE_NODE_MAP)
    return moe_node_read_word(node, even, &word, error);
  return read_law(node, routing, error);
}

static gboolean read_capacity(const MoeNode *node, MoeRouting *routing, GError **error)
{
  double factor = 0;

  if (moe_node_is_none(node))
    return TRUE;
  if (!moe_node_read_quantity(node, MOE_DIM_NONE, &factor, error))
    return FALSE;
  if (factor < 1 || factor > MAX_CAPACITY_FACTOR)
    return moe_fail(
        error, MOE_ERROR_INPUT, moe_node_mark(node),
        "capacity_factor is %g, expected none or a number from 1 (below, tokens are dropped even when experts are "
        "balanced, yet count as trained) to %d",
        factor, MAX_CAPACITY_FACTOR);
  routing->capacity_factor = factor;
  return TRUE;
}

static gboolean read_routing(const MoeNode *training, MoeTraining *target, GError **error)
{
  const MoeNode *section = moe_node_get(training, "routing");

  return !section || (moe_node_read_fields(section, routing_fields, "routing", target, error) &&
                      read_balance(moe_node_get(section, "balance"), &target->routing, error) &&
                      read_capacity(moe_node_get(section, "capacity_factor"), &target->routing, error));
}

/* ---- LoRA -------------------------------------------------------------------------------------------------------- */

static gboolean read_lora(const MoeNode *training, MoeTraining *target, GError **error)
{
  static const MoeField fields[] = {
      {"rank", MOE_FIELD_COUNT(MoeTraining, lora_rank, 1, MOE_MAX_WIDTH), .required = TRUE},
      {NULL},
  };
  const MoeNode *section = moe_node_get(training, "lora");

  return moe_node_is_none(section) || moe_node_read_fields(section, fields, "lora", target, error);
}

gboolean moe_training_read(const MoeNode *node, MoeTraining *training, GError **error)
{
  /* Mixed precision as Megatron-LM and DeepSpeed do it: BF16 work, FP32 router, gradient sums, master weights and
   * moments. */
  *training = (MoeTraining){.micro_batch = 1,
                            .precision = {.gemm = MOE_BF16,
                                          .attention = MOE_BF16,
                                          .lm_head = MOE_BF16,
                                          .router = MOE_FP32,
                                          .residual = MOE_BF16,
                                          .gradient_reduce = MOE_FP32,
                                          .parameter_gather = MOE_BF16,
                                          .dispatch = MOE_BF16,
                                          .combine = MOE_BF16,
                                          .master = MOE_FP32,
                                          .optimizer_moments = MOE_FP32}};
  return moe_node_read_fields(node, training_fields, "training", training, error) &&
         read_precisions(node, training, error) && read_routing(node, training, error) &&
         read_lora(node, training, error);
}

/* ---- recomputation and offload ----------------------------------------------------------------------------------- */

gboolean moe_recompute_read(const MoeNode *node, MoeRecompute *recompute, GError **error)
{
  static const char *const modes[] = {"none", "selective", "full", NULL};
  static const MoeField fields[] = {
      {"mode", MOE_FIELD_CHOICE(MoeRecompute, mode, modes), .required = TRUE},
      {"layers", MOE_FIELD_COUNT(MoeRecompute, layers, 0, MOE_MAX_LAYERS)},
      {"modules", MOE_FIELD_ELSEWHERE},
      {NULL},
  };

  *recompute = (MoeRecompute){.layers = -1};
  if (moe_node_is_none(node))
    return TRUE;
  if (!moe_node_read_fields(node, fields, "recompute", recompute, error) ||
      !moe_words_read_bits(moe_node_get(node, "modules"), moe_module_words, &recompute->modules, error))
    return FALSE;
  if (recompute->mode == MOE_RECOMPUTE_SELECTIVE && recompute->modules == 0)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node),
                    "recompute of mode selective without modules, expected a list such as [norm, moe_activation]");
  return TRUE;
}

gboolean moe_run_memory_read(const MoeNode *node, MoeRunMemory *memory, GError **error)
{
  static const MoeField fields[] = {
      {"headroom", MOE_FIELD_AMOUNT(MoeRunMemory, headroom_bytes, MOE_DIM_BYTES)},
      {NULL},
  };

  *memory = (MoeRunMemory){.headroom_bytes = MOE_DEFAULT_HEADROOM_BYTES};
  return !node || moe_node_read_fields(node, fields, "memory", memory, error);
}

gboolean moe_offload_read(const MoeNode *node, MoeOffload *offload, GError **error)
{
  static const MoeField fields[] = {
      {"activations", MOE_FIELD_SHARE(MoeOffload, activations)},
      {NULL},
  };

  *offload = (MoeOffload){0};
  return moe_node_is_none(node) || moe_node_read_fields(node, fields, "offload", offload, error);
}
