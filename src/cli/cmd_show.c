/* moesim show: the resolved run, each value with where it was written and whether it is assumed. */
#include "cli.h"
#include "report/tables.h"

#include "study/stand_ins.h"
#include <moesim/report.h>

#include <string.h>

static const MoeUsage usage = {
    .command = "show",
    .arguments = "RUN.yaml[:VARIANT]",
    .examples = "  moesim show models/mai-base-1/v5.yaml\n"
                "  moesim show models/mai-base-1/v4.yaml --variant initial --set parallelism.zero=3\n"
                "  moesim show models/deepseek-v3.yaml --only training\n"
                "  moesim show models/deepseek-v3.yaml --format yaml\n",
    .least = 1,
    .most = 1,
};

static const char *const show_formats[] = {"table", "yaml", "csv", NULL};

typedef enum { SHOW_TABLE, SHOW_YAML, SHOW_CSV } ShowFormat;

typedef struct {
  const MoeRun *run;
  const char *only; /* dotted prefix, NULL = everything */
  gboolean whole;   /* paths are not shortened */
  MoeTable *table;
} Listing;

static const MoeAssumption *find_assumption(const MoeRun *run, const char *key)
{
  for (guint i = 0; i < run->n_assumptions; i++)
    if (strcmp(run->assumptions[i].key, key) == 0)
      return &run->assumptions[i];
  return NULL;
}

/* "56 .. 80: not published", "tf32 | fp32: ..." */
static char *describe_assumption(const MoeAssumption *assumption)
{
  if (!assumption)
    return NULL;
  GString *text = g_string_new("assumed ");

  if (assumption->n_values == 0)
    g_string_append_printf(text, "%.6g .. %.6g", assumption->low, assumption->high);
  for (guint i = 0; i < assumption->n_values; i++)
    g_string_append_printf(text, "%s%s", i > 0 ? " | " : "", assumption->values[i]);
  if (assumption->why)
    g_string_append_printf(text, ": %s", assumption->why);
  return g_string_free(text, FALSE);
}

/* The file's name is enough where there is little room. */
static char *describe_mark(MoeMark mark, gboolean whole)
{
  if (!mark.file)
    return g_strdup("command line");
  g_autofree char *file = whole ? g_strdup(mark.file) : g_path_get_basename(mark.file);

  return mark.line > 0 ? g_strdup_printf("%s:%d", file, mark.line) : g_steal_pointer(&file);
}

static gboolean is_shown(const Listing *listing, const char *key)
{
  gsize length = listing->only ? strlen(listing->only) : 0;

  return length == 0 || (strncmp(key, listing->only, length) == 0 && (key[length] == '\0' || key[length] == '.'));
}

static gboolean is_flat_list(const MoeNode *node)
{
  if (moe_node_kind(node) != MOE_NODE_LIST)
    return FALSE;
  for (guint i = 0; i < moe_node_size(node); i++)
    if (moe_node_kind(moe_node_at(node, i)) != MOE_NODE_SCALAR)
      return FALSE;
  return TRUE;
}

static char *leaf_text(const MoeNode *node)
{
  GString *text = g_string_new(NULL);

  if (moe_node_kind(node) == MOE_NODE_SCALAR) {
    g_string_append(text, moe_node_text(node));
    return g_string_free(text, FALSE);
  }
  for (guint i = 0; i < moe_node_size(node); i++)
    g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", moe_node_text(moe_node_at(node, i)));
  g_string_prepend_c(text, '[');
  g_string_append_c(text, ']');
  return g_string_free(text, FALSE);
}

static void add_leaf(Listing *listing, const char *key, const MoeNode *node)
{
  moe_table_add(listing->table, key);
  moe_table_take(listing->table, leaf_text(node));
  moe_table_take(listing->table, describe_mark(moe_node_mark(node), listing->whole));
  moe_table_take(listing->table, describe_assumption(find_assumption(listing->run, key)));
}

/* One row per scalar and per list of scalars, in the order of the files. */
static void add_node(Listing *listing, const char *key, const MoeNode *node)
{
  gboolean is_map = moe_node_kind(node) == MOE_NODE_MAP;

  if (moe_node_kind(node) == MOE_NODE_SCALAR || is_flat_list(node)) {
    if (is_shown(listing, key))
      add_leaf(listing, key, node);
    return;
  }
  for (guint i = 0; i < moe_node_size(node); i++) {
    g_autofree char *child = is_map ? g_strdup_printf("%s%s%s", key, *key ? "." : "", moe_node_key(node, i))
                                    : g_strdup_printf("%s[%u]", key, i);

    if (strcmp(child, "assumptions") != 0 && strcmp(child, "variants") != 0)
      add_node(listing, child, moe_node_at(node, i));
  }
}

/* What no file gives but the run assumes: the program's default, within a stated range. */
static void add_assumed_defaults(Listing *listing)
{
  for (guint i = 0; i < listing->run->n_assumptions; i++) {
    const MoeAssumption *assumption = &listing->run->assumptions[i];

    if (moe_node_find(moe_doc_root(listing->run->doc), assumption->key) || !is_shown(listing, assumption->key))
      continue;
    moe_table_add(listing->table, assumption->key);
    moe_table_add(listing->table, "(default)");
    moe_table_take(listing->table, describe_mark(assumption->mark, listing->whole));
    moe_table_take(listing->table, describe_assumption(assumption));
  }
}

static char *list_values(const MoeRun *run, const char *only, ShowFormat format)
{
  g_autoptr(MoeTable) table = moe_table_new("lwlw");
  Listing listing = {
      .run = run, .only = only, .whole = format == SHOW_CSV || moe_cli_sheet().width == 0, .table = table};

  moe_table_add(table, "key");
  moe_table_add(table, "value");
  moe_table_add(table, "from");
  moe_table_add(table, "assumed");
  add_node(&listing, "", moe_doc_root(run->doc));
  add_assumed_defaults(&listing);
  return format == SHOW_CSV ? moe_table_csv(table) : moe_table_format(table, moe_cli_sheet());
}

/* A run that cannot be lowered has no kernels; `check` and `run` say why. */
static void print_stand_ins(const MoeRun *run)
{
  g_autoptr(GArray) found = moe_stand_ins(run, NULL);

  for (guint i = 0; found && i < found->len; i++) {
    g_autofree char *text = moe_stand_in_text(&g_array_index(found, MoeStandIn, i));
    g_autofree char *line = g_strdup_printf("%swarning: %s\n", i == 0 ? "\n" : "", text);

    moe_cli_print_text(line);
  }
}

static int show(const MoeRun *run, const char *only, ShowFormat format)
{
  const MoeNode *root = moe_doc_root(run->doc);
  g_autofree char *text = NULL;

  if (only && !moe_node_find(root, only))
    return moe_cli_complain("show: the run has no key '%s'", only);
  if (format == SHOW_YAML)
    text = moe_node_print(only ? moe_node_find(root, only) : root, TRUE);
  else
    text = list_values(run, only, format);
  moe_cli_print(text);
  if (format == SHOW_TABLE && !only)
    print_stand_ins(run);
  return MOE_EXIT_DONE;
}

static int show_file(const char *argument, const MoeCliRun *options, const char *only)
{
  g_autoptr(GError) error = NULL;
  int format = options->format ? moe_cli_word("--format", options->format, show_formats) : SHOW_TABLE;

  if (format < 0)
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, options, &error);

  return run ? show(run, only, (ShowFormat)format) : moe_cli_fail(error);
}

int moe_cmd_show(int argc, char **argv)
{
  g_auto(MoeCliRun) options = {0};
  GOptionEntry shared[MOE_CLI_RUN_ENTRIES];
  g_autofree char *only = NULL;
  const GOptionEntry entries[] = {
      {"format", 0, 0, G_OPTION_ARG_STRING, &options.format, "table, yaml or csv", "WORD"},
      {"only", 0, 0, G_OPTION_ARG_STRING, &only, "only this key and what is below it", "KEY"},
      {NULL},
  };

  moe_cli_run_entries(&options, shared);
  moe_cli_drop_entry(shared, "format");
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  return status != MOE_CLI_GO ? status : show_file(argv[1], &options, only);
}
