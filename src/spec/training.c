/* Readers of the sections `training:`, `recompute:` and `offload:` of a run. */
#include "internal.h"

#include <string.h>

#define PRECISION(member) MOE_FIELD_CHOICE(MoeTraining, precision.member, moe_precision_words)

/* Beyond these a skew is no skew any more: one expert gets everything, or all get the same. */
#define MAX_ZIPF          10
#define MAX_CONCENTRATION 1e9
#define MAX_NAMED_EXPERTS 4096
/* Above, what is common forgets nothing within any training that is simulated step by step. */
#define MAX_MEMORY 0.999
/* A capacity of so many times the mean fits every imbalance. */
#define MAX_CAPACITY_FACTOR 1024

/* Mixed precision as Megatron-LM and DeepSpeed do it: BF16 work, FP32 router, gradient sums, master weights and
 * moments. */
const MoeTraining moe_training_defaults = {.micro_batch = 1,
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
                                                         .optimizer_moments = MOE_FP32},
                                           .routing.concentration = {.shared = 0.5, .memory = 0.9}};

static const MoeField precision_fields[] = {
    {"gemm", PRECISION(gemm), .meaning = "linear layers, forward pass and data gradient"},
    {"wgrad", PRECISION(wgrad), .otherwise = "as gemm", .meaning = "weight gradients of linear layers"},
    {"attention", PRECISION(attention), .meaning = "scores and values of attention"},
    {"lm_head", PRECISION(lm_head), .meaning = "output projection"},
    {"router", PRECISION(router), .meaning = "router of the experts"},
    {"residual", PRECISION(residual), .meaning = "residual stream"},
    {"gradient_reduce", PRECISION(gradient_reduce), .meaning = "gradients as they are kept and reduced"},
    {"parameter_gather", PRECISION(parameter_gather), .meaning = "parameters as they are gathered"},
    {"dispatch", PRECISION(dispatch), .meaning = "tokens on their way to experts"},
    {"combine", PRECISION(combine), .meaning = "tokens on their way back"},
    {"master", PRECISION(master), .meaning = "master weights of the optimizer"},
    {"optimizer_moments", PRECISION(optimizer_moments), .meaning = "moments of the optimizer"},
    {"scaling", MOE_FIELD_CHOICE(MoeTraining, precision.scaling, moe_fp8_scaling_words),
     .meaning = "whence the scales of FP8 per tensor come: of earlier steps, of the values at hand, or by row"},
    {"remade_transposes", MOE_FIELD_FLAG(MoeTraining, precision.remade_transposes),
     .meaning = "the transposed copy of an FP8 weight is made in every backward pass, not kept"},
    {"bf16_first_layers", MOE_FIELD_COUNT(MoeTraining, precision.wide_first, 0, MOE_MAX_LAYERS),
     .meaning = "layers at the start that stay in BF16 where gemm has fewer bits"},
    {"bf16_last_layers", MOE_FIELD_COUNT(MoeTraining, precision.wide_last, 0, MOE_MAX_LAYERS),
     .meaning = "layers at the end that stay in BF16 where gemm has fewer bits"},
    {NULL},
};

static const MoeSection precision_section = {"precision", precision_fields, &moe_training_defaults};

static const MoeField concentration_fields[] = {
    {"fullest", MOE_FIELD_BETWEEN(MoeTraining, routing.concentration.fullest, MOE_DIM_NONE, 1, MAX_NAMED_EXPERTS),
     .required = TRUE, .meaning = "rows of the fullest expert over those of the mean one, in one micro-batch"},
    {"experts", MOE_FIELD_COUNT(MoeTraining, routing.concentration.experts, 2, MAX_NAMED_EXPERTS), .required = TRUE,
     .meaning = "number of experts that `fullest` is said of; holds for any other number by the spread of one"},
    {"shared", MOE_FIELD_SHARE(MoeTraining, routing.concentration.shared),
     .meaning = "share of the variance that all racks and micro-batches of a step have in common"},
    {"memory", MOE_FIELD_BETWEEN(MoeTraining, routing.concentration.memory, MOE_DIM_NONE, 0, MAX_MEMORY),
     .meaning = "correlation of what is common from one step to the next"},
    {NULL},
};

static const MoeSection concentration_section = {"concentration", concentration_fields, &moe_training_defaults};

static const MoeField balance_fields[] = {
    {"zipf", .kind = MOE_FIELD_QUANTITY, .offset = offsetof(MoeRouting, balance_value), .maximum = MAX_ZIPF,
     .meaning = "exponent of a Zipf law over the experts"},
    {"dirichlet", .kind = MOE_FIELD_QUANTITY, .offset = offsetof(MoeRouting, balance_value), .minimum = 1e-6,
     .maximum = MAX_CONCENTRATION, .meaning = "concentration of a Dirichlet law; the larger the more even"},
    {"file", MOE_FIELD_STRING(MoeRouting, counts_file),
     .meaning = "CSV of measured counts, a row per layer, a column per expert"},
    {"concentration", MOE_FIELD_PART(concentration_section),
     .meaning =
         "loads drawn per MoE layer, rack and micro-batch, from the fullest expert at a named number of experts"},
    {NULL},
};

static const MoeSection balance_section = {"balance", balance_fields, NULL};

/* The one law that holds. The path of counts no longer depends on the file that named it. */
static char *print_balance(gconstpointer target)
{
  const MoeRouting *routing = &((const MoeTraining *)target)->routing;
  const MoeField *law = routing->balance == MOE_BALANCE_ZIPF        ? &balance_fields[0]
                        : routing->balance == MOE_BALANCE_DIRICHLET ? &balance_fields[1]
                                                                    : &balance_fields[2];

  if (routing->balance == MOE_BALANCE_EVEN)
    return NULL;
  if (routing->balance == MOE_BALANCE_CONCENTRATION) {
    g_autofree char *text = moe_section_print_flow(&concentration_section, target);

    return g_strdup_printf("{%s: %s}", balance_fields[3].key, text);
  }
  if (routing->balance == MOE_BALANCE_FILE) {
    g_autofree char *path = g_canonicalize_filename(routing->counts_file, NULL);
    g_autofree char *quoted = moe_text_quote(path);

    return g_strdup_printf("{%s: %s}", law->key, quoted);
  }
  g_autofree char *value = moe_field_print(law, routing);
  return g_strdup_printf("{%s: %s}", law->key, value);
}

static char *print_capacity(gconstpointer target)
{
  double factor = ((const MoeTraining *)target)->routing.capacity_factor;

  return factor > 0 ? moe_quantity_print(factor, MOE_DIM_NONE) : NULL;
}

static const MoeField routing_fields[] = {
    {"balance", MOE_FIELD_PART(balance_section), .also = "even", .print = print_balance,
     .meaning = "how unequal the experts' shares are: even, or one of the laws below"},
    {"capacity_factor", MOE_FIELD_QUANTITY, .own = TRUE, .minimum = 1, .maximum = MAX_CAPACITY_FACTOR, .also = "none",
     .print = print_capacity, .meaning = "rows of an expert relative to the mean, the rest is dropped; none: dropless"},
    {"token_rounding", MOE_FIELD_FLAG(MoeTraining, routing.token_rounding),
     .meaning = "token counts are rounded to the tile by dropping or adding tokens (SonicMoE)"},
    {NULL},
};

static const MoeSection routing_section = {"routing", routing_fields, &moe_training_defaults};

static const MoeField lora_fields[] = {
    {"rank", MOE_FIELD_COUNT(MoeTraining, lora_rank, 1, MOE_MAX_WIDTH), .required = TRUE,
     .meaning = "rank of the adapters"},
    {NULL},
};

static const MoeSection lora_section = {"lora", lora_fields, &moe_training_defaults};

static const MoeField training_fields[] = {
    {"sequence_length", MOE_FIELD_COUNT(MoeTraining, sequence_length, 1, MOE_MAX_SEQUENCE), .required = TRUE,
     .mechanism = "sequence and batch", .meaning = "tokens of one sequence"},
    {"global_batch", MOE_FIELD_COUNT(MoeTraining, global_batch, 1, MOE_MAX_BATCH), .required = TRUE,
     .mechanism = "GPUs and batch", .meaning = "sequences per optimizer step"},
    {"micro_batch", MOE_FIELD_COUNT(MoeTraining, micro_batch, 1, MOE_MAX_BATCH), .mechanism = "GPUs and batch",
     .axis = "micro_batch", .meaning = "sequences per micro-batch and data-parallel rank"},
    {"precision", MOE_FIELD_PART(precision_section), .mechanism = "precision",
     .meaning = "number formats by what they are used for"},
    {"optimizer", MOE_FIELD_CHOICE(MoeTraining, optimizer, moe_optimizer_words), .meaning = "how weights are updated"},
    {"routing", MOE_FIELD_PART(routing_section), .mechanism = "routing", .meaning = "how tokens spread over experts"},
    {"lora", MOE_FIELD_PART(lora_section), .also = "none",
     .meaning = "adapters of low rank train in place of the weights"},
    {NULL},
};

const MoeSection moe_training_section = {"training", training_fields, &moe_training_defaults};

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

static gboolean read_concentration(const MoeNode *map, MoeTraining *training, GError **error)
{
  const MoeConcentration *concentration = &training->routing.concentration;

  training->routing.balance = MOE_BALANCE_CONCENTRATION;
  if (!moe_node_expect(map, MOE_NODE_MAP, "a map", error) ||
      !moe_node_read_fields(map, concentration_fields, "concentration", training, error))
    return FALSE;
  if (concentration->fullest >= (double)concentration->experts)
    return moe_fail(
        error, MOE_ERROR_INPUT, moe_node_mark(moe_node_get(map, "fullest")),
        "the fullest of %" G_GINT64_FORMAT
        " experts has %g times the mean, expected less than all rows of all experts: below %" G_GINT64_FORMAT,
        concentration->experts, concentration->fullest, concentration->experts);
  return TRUE;
}

static gboolean read_law(const MoeNode *map, MoeTraining *training, GError **error)
{
  MoeRouting unused = {0}, *routing = &training->routing;
  int entry = sole_entry(map);

  if (entry < 0)
    return moe_fail(
        error, MOE_ERROR_INPUT, moe_node_mark(map),
        "%u entries in balance, expected even or one of {zipf: EXPONENT}, {dirichlet: CONCENTRATION}, {file: CSV}, "
        "{concentration: {fullest: RATIO, experts: NUMBER}}",
        moe_node_size(map));
  if (!moe_node_read_fields(map, balance_fields, "balance", &unused, error))
    return FALSE;
  const MoeNode *value = moe_node_at(map, (guint)entry);
  const char *key = moe_node_key(map, (guint)entry);
  if (strcmp(key, "concentration") == 0)
    return read_concentration(value, training, error);
  if (strcmp(key, "file") == 0) {
    routing->balance = MOE_BALANCE_FILE;
    routing->counts_mark = moe_node_mark(value);
    return moe_node_read_text(value, &routing->counts_file, error);
  }
  routing->balance = strcmp(key, "zipf") == 0 ? MOE_BALANCE_ZIPF : MOE_BALANCE_DIRICHLET;
  return moe_node_read_quantity(value, MOE_DIM_NONE, &routing->balance_value, error);
}

static gboolean read_balance(const MoeNode *node, MoeTraining *training, GError **error)
{
  static const char *const even[] = {"even", NULL};
  int word = 0;

  if (!node)
    return TRUE;
  if (moe_node_kind(node) != MOE_NODE_MAP)
    return moe_node_read_word(node, even, &word, error);
  return read_law(node, training, error);
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
                      read_balance(moe_node_get(section, "balance"), target, error) &&
                      read_capacity(moe_node_get(section, "capacity_factor"), &target->routing, error));
}

/* ---- LoRA -------------------------------------------------------------------------------------------------------- */

static gboolean read_lora(const MoeNode *training, MoeTraining *target, GError **error)
{
  const MoeNode *section = moe_node_get(training, "lora");

  return moe_node_is_none(section) || moe_node_read_fields(section, lora_fields, "lora", target, error);
}

gboolean moe_training_read(const MoeNode *node, MoeTraining *training, GError **error)
{
  *training = moe_training_defaults;
  return moe_node_read_fields(node, training_fields, "training", training, error) &&
         read_precisions(node, training, error) && read_routing(node, training, error) &&
         read_lora(node, training, error);
}

/* ---- recomputation and offload ----------------------------------------------------------------------------------- */

static const char *const mode_words[] = {"none", "selective", "full", "operators", NULL};
static const char *const method_words[] = {[MOE_METHOD_BLOCK] = "block", [MOE_METHOD_UNIFORM] = "uniform", NULL};

static const MoeField recompute_fields[] = {
    {"mode", MOE_FIELD_CHOICE(MoeRecompute, mode, mode_words), .required = TRUE, .axis = "recompute",
     .meaning =
         "none: all activations are kept; selective: those of `modules` are computed again; full: whole layers are; "
         "operators: all but the outputs of `saves` are"},
    {"method", MOE_FIELD_CHOICE(MoeRecompute, method, method_words),
     .meaning = "of mode full; block: `layers` layers of each stage, each from its own input; uniform: all layers, in "
                "units of `layers` that are computed again together from the input of the first"},
    {"layers", MOE_FIELD_COUNT(MoeRecompute, layers, 0, MOE_MAX_LAYERS), .otherwise = "all",
     .meaning = "layers per pipeline stage that are recomputed in modes full and operators; with method uniform those "
                "of one unit"},
    {"every", MOE_FIELD_COUNT(MoeRecompute, every, 1, MOE_MAX_LAYERS),
     .meaning = "modes full and operators take every such layer only: 2 means the second, fourth, sixth of each chunk"},
    {"saves", MOE_FIELD_BITS(MoeRecompute, saves, moe_save_words), .also = "none",
     .meaning =
         "operators whose outputs mode operators keeps; alternate_linear: of every second product with a weight"},
    {"modules", MOE_FIELD_BITS(MoeRecompute, modules, moe_module_words), .also = "none",
     .meaning = "parts of a layer that are recomputed in mode selective"},
    {NULL},
};

static const MoeRecompute recompute_defaults = {.layers = -1, .every = 1};

const MoeSection moe_recompute_section = {"recompute", recompute_fields, &recompute_defaults};

static gboolean fail_recompute(const MoeNode *node, const char *text, GError **error)
{
  return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node), "recompute of %s", text);
}

/* What a mode or method needs, and what goes with no other. */
static gboolean check_recompute(const MoeNode *node, const MoeRecompute *r, GError **error)
{
  gboolean uniform = r->method == MOE_METHOD_UNIFORM;

  if (r->mode == MOE_RECOMPUTE_SELECTIVE && r->modules == 0)
    return fail_recompute(node, "mode selective without modules, expected a list such as [norm, moe_activation]",
                          error);
  if (r->mode == MOE_RECOMPUTE_OPERATORS && r->saves == 0)
    return fail_recompute(node,
                          "mode operators without saves, expected a list such as "
                          "[alternate_linear, core_attention]",
                          error);
  if (uniform && r->mode != MOE_RECOMPUTE_FULL)
    return fail_recompute(node, "method uniform, expected mode full", error);
  if (uniform && (r->layers == 0 || r->every > 1))
    return fail_recompute(node, "method uniform, expected at least one layer in a unit and every: 1", error);
  return TRUE;
}

gboolean moe_recompute_read(const MoeNode *node, MoeRecompute *recompute, GError **error)
{
  *recompute = recompute_defaults;
  if (moe_node_is_none(node))
    return TRUE;
  return moe_node_read_fields(node, recompute_fields, "recompute", recompute, error) &&
         check_recompute(node, recompute, error);
}

static const MoeField memory_fields[] = {
    {"headroom", MOE_FIELD_AMOUNT(MoeRunMemory, headroom_bytes, MOE_DIM_BYTES),
     .meaning = "memory of each GPU that has to stay free for the run to fit"},
    {NULL},
};

static const MoeRunMemory memory_defaults = {.headroom_bytes = MOE_DEFAULT_HEADROOM_BYTES};

const MoeSection moe_run_memory_section = {"memory", memory_fields, &memory_defaults};

gboolean moe_run_memory_read(const MoeNode *node, MoeRunMemory *memory, GError **error)
{
  *memory = memory_defaults;
  return !node || moe_node_read_fields(node, memory_fields, "memory", memory, error);
}

static const char *const update_words[] = {[MOE_UPDATE_HOST] = "host", [MOE_UPDATE_DEVICE] = "device", NULL};

static const MoeField offload_fields[] = {
    {"activations", MOE_FIELD_SHARE(MoeOffload, activations), .axis = "offload",
     .meaning = "share of the kept activations that waits in host memory"},
    {"modules", MOE_FIELD_BITS(MoeOffload, modules, moe_away_words), .also = "none",
     .meaning = "parts of a layer whose inputs wait there: in every layer that is not recomputed whole, but the last"},
    {"optimizer", MOE_FIELD_SHARE(MoeOffload, optimizer),
     .meaning = "share of the parameters whose optimizer state waits in host memory"},
    {"update", MOE_FIELD_CHOICE(MoeOffload, update, update_words),
     .meaning = "where that state is stepped: by the host's CPU, or on the GPU, which it visits for the update"},
    {"master", MOE_FIELD_FLAG(MoeOffload, master),
     .meaning = "the FP32 master weights of these parameters wait there too; else they are copied back in FP32"},
    {"gradients", MOE_FIELD_FLAG(MoeOffload, gradients),
     .meaning = "reduced gradients wait and are summed there; needs parallelism.zero 2 or 3 and optimizer: 1"},
    {"overlap", MOE_FIELD_FLAG(MoeOffload, overlap),
     .meaning = "gradients and weights are copied beside the host's update of other parameters"},
    {NULL},
};

static const MoeOffload offload_defaults = {.master = TRUE};

const MoeSection moe_offload_section = {"offload", offload_fields, &offload_defaults};

gboolean moe_offload_read(const MoeNode *node, MoeOffload *offload, GError **error)
{
  *offload = offload_defaults;
  return moe_node_is_none(node) || moe_node_read_fields(node, offload_fields, "offload", offload, error);
}
