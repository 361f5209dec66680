/*
 * Arguments of Megatron in YAML: MODEL_ARGS of Megatron-LM's tests and Megatron-MoE-ModelZoo ("--num-layers: 61"),
 * Primus
 * ("num_layers: 61" under overrides) and the configurations of Megatron-Bridge and NeMo ("model: {num_layers: 61}").
 * Every leaf becomes an argument; names that Megatron-Bridge has of its own become Megatron's.
 */
#include "shell.h"

#include "doc/doc.h"
#include <string.h>

/* A key whose value true or false is an argument of Megatron, or nothing. */
typedef struct {
  const char *key;
  const char *when_true, *when_false; /* NULL: what Megatron does anyhow */
} Switch;

/* transformer_config.py and its arguments in arguments.py. */
static const Switch switches[] = {
    {"add_bias_linear", NULL, "--disable-bias-linear"},
    {"gated_linear_unit", "--swiglu", NULL},
    {"share_embeddings_and_output_weights", NULL, "--untie-embeddings-and-output-weights"},
    {"grad_reduce_in_fp32", "--accumulate-allreduce-grads-in-fp32", "--grad-reduce-in-bf16"},
    {"apply_rope_fusion", NULL, "--no-rope-fusion"},
    {"bias_activation_fusion", NULL, "--no-bias-swiglu-fusion"},
    {"bias_dropout_fusion", NULL, "--no-bias-dropout-fusion"},
    {"masked_softmax_fusion", NULL, "--no-masked-softmax-fusion"},
    {"gradient_accumulation_fusion", NULL, "--no-gradient-accumulation-fusion"},
    {"overlap_p2p_comm", NULL, "--no-overlap-p2p-communication"},
    {"cross_entropy_loss_fusion", "--cross-entropy-loss-fusion", NULL},
    {"fp8_param", "--fp8-param-gather", NULL},
    {"fp8_param_gather", "--fp8-param-gather", NULL},
    {"fp8_wgrad", NULL, "--no-fp8-wgrad"},
    {"check_for_nan_in_grad", NULL, NULL},
};

/* Names of keys that differ from those of arguments. */
static const char *const names[][2] = {
    {"num_moe_experts", "num-experts"},
    {"fp8", "fp8-format"},
    {"fp4", "fp4-format"},
    {"layernorm_epsilon", "norm-epsilon"},
    {"virtual_pipeline_model_parallel_size", "virtual-pipeline-model-parallel-size"},
    {"num_layers_in_first_pipeline_stage", "decoder-first-pipeline-num-layers"},
    {"num_layers_in_last_pipeline_stage", "decoder-last-pipeline-num-layers"},
};

typedef struct {
  Shell shell;
  GPtrArray *words; /* of char * */
} Reader;

static void add(Reader *reader, const char *word)
{
  g_ptr_array_add(reader->words, g_strdup(word));
}

static gboolean is_true(const char *value)
{
  return g_ascii_strcasecmp(value, "true") == 0 || strcmp(value, "yes") == 0;
}

static gboolean is_false(const char *value)
{
  return g_ascii_strcasecmp(value, "false") == 0 || strcmp(value, "no") == 0;
}

static gboolean is_key(const char *written, const char *key)
{
  while (*written == '-')
    written++;
  for (; *written && *key; written++, key++)
    if (*written != *key && !(*written == '-' && *key == '_'))
      return FALSE;
  return *written == *key;
}

static char *argument_name(const char *key)
{
  const char *plain = key + strspn(key, "-");

  for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
    if (is_key(plain, names[i][0]))
      return g_strconcat("--", names[i][1], NULL);
  char *name = g_strconcat("--", plain, NULL);

  return g_strdelimit(name, "_", '-');
}

/* A switch that is a name of its own; FALSE when it is none. */
static gboolean add_switch(Reader *reader, const char *key, gboolean on)
{
  for (gsize i = 0; i < G_N_ELEMENTS(switches); i++)
    if (is_key(key, switches[i].key)) {
      const char *word = on ? switches[i].when_true : switches[i].when_false;

      if (word)
        add(reader, word);
      return TRUE;
    }
  return FALSE;
}

static gboolean is_pattern(const char *name)
{
  return strcmp(name, "--moe-layer-freq") == 0 || strcmp(name, "--window-attn-skip-freq") == 0;
}

/* "[a b c]" is a list, except where Megatron evaluates it. */
static void add_values(Reader *reader, const char *name, const char *text)
{
  gsize length = strlen(text);

  if (length < 2 || text[0] != '[' || text[length - 1] != ']' || is_pattern(name)) {
    add(reader, text);
    return;
  }
  g_autofree char *inside = g_strndup(text + 1, length - 2);
  g_auto(GStrv) values = g_strsplit_set(inside, ", ", -1);

  for (char **value = values; *value; value++)
    if (**value)
      add(reader, *value);
}

static void add_leaf(Reader *reader, const char *key, const char *value)
{
  gsize length = strlen(value);
  gboolean quoted = length > 1 && value[0] == '\'' && value[length - 1] == '\''; /* quotes for a shell */
  g_autofree char *plain = g_strndup(value + (quoted ? 1 : 0), length - (quoted ? 2 : 0));
  g_autofree char *text = strchr(plain, '$') ? shell_expand_text(&reader->shell, plain) : g_strdup(plain);
  g_autofree char *name = argument_name(key);
  gboolean on = is_true(text);

  if (strcmp(text, "null") == 0 || *text == '\0' || strcmp(text, "???") == 0)
    return;
  if (!on && !is_false(text)) {
    add(reader, name);
    add_values(reader, name, text);
    return;
  }
  if (!add_switch(reader, key, on) && on)
    add(reader, name);
}

/* Lists of scalars: several values of one argument, or a pattern of 0 and 1. */
static void add_list(Reader *reader, const char *key, const MoeNode *list)
{
  g_autofree char *name = argument_name(key);
  gboolean pattern = is_pattern(name);
  g_autoptr(GString) text = g_string_new("[");

  if (moe_node_size(list) == 0)
    return;
  add(reader, name);
  for (guint i = 0; i < moe_node_size(list); i++) {
    const MoeNode *element = moe_node_at(list, i);
    const char *value = moe_node_kind(element) == MOE_NODE_SCALAR ? moe_node_text(element) : "";

    g_string_append_printf(text, "%s%s", i > 0 ? "," : "", value);
    if (!pattern && *value)
      add(reader, value);
  }
  g_string_append_c(text, ']');
  if (pattern)
    add(reader, text->str);
}

/* Sections that hold no arguments. */
static gboolean is_foreign(const char *key)
{
  static const char *const sections[] = {
      "ENV_VARS",     "LAUNCHER",   "BEFORE_SCRIPT", "AFTER_SCRIPT", "env",       "MODE",      "METRICS",
      "TEST_TYPE",    "work_group", "user_name",     "exp_name",     "workspace", "framework", "config",
      "model_config", "extends",    "_target_",      "platform",     NULL};

  return g_strv_contains(sections, key);
}

static void add_map(Reader *reader, const MoeNode *map)
{
  for (guint i = 0; i < moe_node_size(map); i++) {
    const char *key = moe_node_key(map, i);
    const MoeNode *node = moe_node_at(map, i);

    if (is_foreign(key))
      continue;
    if (moe_node_kind(node) == MOE_NODE_MAP)
      add_map(reader, node);
    else if (moe_node_kind(node) == MOE_NODE_LIST)
      add_list(reader, key, node);
    else
      add_leaf(reader, key, moe_node_text(node));
  }
}

static void assign_given(Shell *shell, const char *const *given)
{
  for (; given && *given; given++) {
    const char *sign = strchr(*given, '=');
    GPtrArray *value = sign ? g_ptr_array_new_with_free_func(g_free) : NULL;
    g_autofree char *name = sign ? g_strndup(*given, (gsize)(sign - *given)) : NULL;

    if (!sign)
      continue;
    g_ptr_array_add(value, g_strdup(sign + 1));
    shell_assign(shell, name, value);
  }
}

char **moe_import_yaml_words(const char *text, gsize length, const char *name, const char *const *given,
                             const MoeImportFiles *files, GError **error)
{
  (void)files;
  g_autoptr(MoeDoc) doc = moe_doc_parse(text, (gssize)length, name, NULL, error);
  Reader reader = {.shell = {.budget = MOE_IMPORT_MAX_BYTES, .keep_unknown = TRUE}, .words = g_ptr_array_new()};

  if (!doc) {
    g_ptr_array_unref(reader.words);
    return NULL;
  }
  reader.shell.variables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  reader.shell.positions = g_ptr_array_new();
  assign_given(&reader.shell, given);
  add_map(&reader, moe_doc_root(doc));
  g_hash_table_unref(reader.shell.variables);
  g_ptr_array_unref(reader.shell.positions);
  g_ptr_array_add(reader.words, NULL);
  return (char **)g_ptr_array_free(reader.words, FALSE);
}
