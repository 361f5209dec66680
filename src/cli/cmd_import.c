/* moesim import: run files from the configurations of others. */
#include "cli.h"
#include "door/ask_import.h"
#include "door/ask_layout.h"
#include "interchange/import_files.h"
#include "record/output.h"

#include <moesim/import.h>
#include <moesim/report.h>

#include <string.h>

static const MoeUsage usage = {
    .command = "import",
    .arguments = "hf CONFIG.json | megatron [--] ARGUMENT... | megatron [--] FILE [WORD...] | torchtitan FILE.toml | "
                 "deepspeed DS.json CONFIG.json",
    .examples =
        "  moesim import hf config.json -o run.yaml\n"
        "  moesim import hf config.json --cluster gb200-nvl72 --gpus 1024 --sequence 4096 --batch 2048\n"
        "  moesim import megatron -o run.yaml @pretrain-arguments.txt\n"
        "  moesim import megatron -o run.yaml train.sh GBS=512 NNODES=16\n"
        "  moesim import megatron -o run.yaml -- @pretrain-arguments.txt --tensor-model-parallel-size 8\n"
        "  moesim import torchtitan llama3_8b.toml --gpus 64 -o run.yaml\n"
        "  moesim import deepspeed ds_config.json config.json --gpus 64 --sequence 4096 -o run.yaml\n"
        "  moesim import megatron --gpus 64 -- --num-layers 32 --hidden-size 4096 --num-attention-heads 32 ...\n",
    .least = 2,
    .most = -1,
    .behind = "Megatron's arguments",
};

typedef struct {
  char *output, *title, *cluster, *stack;
  char **accept;
  gint64 gpus, sequence, batch, micro_batch, vocabulary, tensor, context, pipeline, virtual_stages, expert;
} Options;

static void clear_options(Options *options)
{
  g_free(options->output);
  g_free(options->title);
  g_free(options->cluster);
  g_free(options->stack);
  g_strfreev(options->accept);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, clear_options)

/* What is imported: the text of a file, or arguments. */
typedef struct {
  int kind; /* MoeImportKind */
  const char *name, *model_name;
  char *text, *model_text; /* NULL: the arguments themselves; DeepSpeed: of the model's configuration */
  gsize length, model_length;
  int n;
  char **arguments; /* words of a command line, or assignments behind a script */
} Input;

static void clear_input(Input *input)
{
  g_free(input->text);
  g_free(input->model_text);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Input, clear_input)

/* Megatron's arguments stand on the command line, or in a file: @FILE, or a name that is no argument. */
static gboolean is_file(const Input *input)
{
  const char *first = input->n > 0 ? input->arguments[0] : "--";

  return input->kind != MOE_IMPORT_MEGATRON || first[0] == '@' ||
         (first[0] != '-' && g_file_test(first, G_FILE_TEST_EXISTS)) || strcmp(first, "-") == 0;
}

/* A DeepSpeed configuration says nothing of the model, whose own stands behind it. */
static gboolean has_files(const Input *input, GError **error)
{
  gboolean two = input->kind == MOE_IMPORT_DEEPSPEED;

  return input->kind == MOE_IMPORT_MEGATRON || input->n == (two ? 2 : 1) ||
         moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "import %s: %d files, expected %s",
                  moe_import_kind_words[input->kind], input->n,
                  two ? "two: DeepSpeed's configuration and the model's config.json" : "one");
}

static gboolean read_input(Input *input, GError **error)
{
  gboolean at = input->n > 0 && input->arguments[0][0] == '@';

  if (!is_file(input))
    return TRUE;
  if (!has_files(input, error))
    return FALSE;
  input->name = input->arguments[0] + (at ? 1 : 0);
  if (!moe_import_read(input->name, &input->text, &input->length, error) || input->kind != MOE_IMPORT_DEEPSPEED)
    return input->text != NULL;
  input->model_name = input->arguments[1];
  return moe_import_read(input->model_name, &input->model_text, &input->model_length, error);
}

/* ---- the run --------------------------------------------------------------------------------- */

/* Puts the best layout that a search finds into `options`, and says what it tried. */
static gboolean find_layout(const MoeImport *made, MoeImportOptions *options, GError **error)
{
  g_autofree char *reason = NULL;
  g_autoptr(MoeSearchResult) found = moe_ask_layout(made->text, options, &reason, error);

  if (reason)
    moe_cli_note("no layout found that fits: %s", reason);
  if (found)
    moe_cli_note("layout: the best of %u that can exist, %u simulated, %u not reached in %d s", found->n_legal,
                 found->n_simulated, found->n_not_reached, MOE_ASK_LAYOUT_S);
  return found != NULL;
}

/* Imports; a configuration without a layout gets the best one that is found. */
static MoeImport *make(const MoeAskedImport *asked, MoeImportOptions *options, MoeParameters *parameters,
                       GError **error)
{
  const MoeRunOptions load = {.data_dir = options->data_dir};
  g_autoptr(MoeImport) made = moe_ask_import(asked, options, &load, parameters, error);
  g_autoptr(GError) failure = NULL;

  if (!made || !moe_ask_import_is_open(asked, options))
    return g_steal_pointer(&made);
  if (find_layout(made, options, &failure))
    return moe_ask_import(asked, options, &load, parameters, error);
  if (!failure)
    return g_steal_pointer(&made);
  g_propagate_error(error, g_steal_pointer(&failure));
  return NULL;
}

/* What was read, with the words behind it. */
static MoeImport *make_of(const Input *input, MoeImportOptions *options, MoeParameters *parameters, GError **error)
{
  const MoeImportFiles files = moe_import_files_near(input->name);
  const MoeAskedImport asked = {.kind = (MoeImportKind)input->kind,
                                .file = {input->text, input->length, input->name},
                                .model = {input->model_text, input->model_length, input->model_name},
                                .given = (const char *const *)input->arguments + (input->text ? 1 : 0),
                                .files = &files};

  return make(&asked, options, parameters, error);
}

static void say(const MoeImport *made, const MoeParameters *parameters)
{
  g_autofree char *total = moe_count_format(parameters->total, NULL);
  g_autofree char *active = moe_count_format(parameters->active, NULL);

  for (guint i = 0; i < made->notes->len; i++)
    moe_cli_note("%s", (const char *)g_ptr_array_index(made->notes, i));
  for (guint i = 0; i < made->unknown->len; i++)
    moe_cli_warn("accepted, not used: %s", (const char *)g_ptr_array_index(made->unknown, i));
  moe_cli_note("%u arguments or keys applied, %u without effect on time and memory: each stands at the head of the run",
               made->applied->len, made->ignored->len);
  moe_cli_note("parameters: %s total, %s active", total, active);
}

static gboolean check_options(const Options *options)
{
  const struct {
    const char *name;
    gint64 value;
  } counts[] = {{"--gpus", options->gpus},
                {"--sequence", options->sequence},
                {"--batch", options->batch},
                {"--micro-batch", options->micro_batch},
                {"--vocabulary", options->vocabulary},
                {"--tensor", options->tensor},
                {"--context", options->context},
                {"--pipeline", options->pipeline},
                {"--virtual-stages", options->virtual_stages},
                {"--expert", options->expert}};

  for (guint i = 0; i < G_N_ELEMENTS(counts); i++)
    if (counts[i].value < 0) {
      moe_cli_complain("%s: negative", counts[i].name);
      return FALSE;
    }
  return TRUE;
}

static int import_one(Input *input, const Options *options)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *data_dir = moe_data_dir();
  MoeImportOptions chosen = {.title = options->title,
                             .cluster = options->cluster,
                             .stack = options->stack,
                             .data_dir = data_dir,
                             .gpus = options->gpus,
                             .sequence_length = options->sequence,
                             .global_batch = options->batch,
                             .micro_batch = options->micro_batch,
                             .vocabulary = options->vocabulary,
                             .tensor = options->tensor,
                             .context = options->context,
                             .pipeline = options->pipeline,
                             .virtual_stages = options->virtual_stages,
                             .expert = options->expert,
                             .accept = (const char *const *)options->accept};
  MoeParameters parameters;
  g_autoptr(MoeImport) made = read_input(input, &error) ? make_of(input, &chosen, &parameters, &error) : NULL;

  if (!made)
    return moe_cli_fail(error);
  say(made, &parameters);
  return moe_cli_write(options->output, made->text, &error) ? MOE_EXIT_DONE : moe_cli_fail(error);
}

int moe_cmd_import(int argc, char **argv)
{
  g_auto(Options) options = {0};
  const GOptionEntry entries[] = {
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output,
       "write the run to this file (default: standard output)", "FILE"},
      {"title", 0, 0, G_OPTION_ARG_STRING, &options.title, "title of the run", "TEXT"},
      {"cluster", 0, 0, G_OPTION_ARG_FILENAME, &options.cluster, "cluster of the run, by name or file", "C"},
      {"stack", 0, 0, G_OPTION_ARG_FILENAME, &options.stack, "software stack of the run, by name or file", "S"},
      {"gpus", 0, 0, G_OPTION_ARG_INT64, &options.gpus, "GPUs of the run", "N"},
      {"sequence", 0, 0, G_OPTION_ARG_INT64, &options.sequence, "tokens of a sequence", "N"},
      {"batch", 0, 0, G_OPTION_ARG_INT64, &options.batch, "sequences of a step", "N"},
      {"micro-batch", 0, 0, G_OPTION_ARG_INT64, &options.micro_batch, "sequences of a micro-batch", "N"},
      {"tensor", 0, 0, G_OPTION_ARG_INT64, &options.tensor, "tensor-parallel ranks", "N"},
      {"context", 0, 0, G_OPTION_ARG_INT64, &options.context, "context-parallel ranks", "N"},
      {"pipeline", 0, 0, G_OPTION_ARG_INT64, &options.pipeline, "pipeline stages", "N"},
      {"virtual-stages", 0, 0, G_OPTION_ARG_INT64, &options.virtual_stages, "chunks of a pipeline stage", "N"},
      {"expert", 0, 0, G_OPTION_ARG_INT64, &options.expert, "expert-parallel ranks", "N"},
      {"vocabulary", 0, 0, G_OPTION_ARG_INT64, &options.vocabulary,
       "tokens of the vocabulary, where the input has none", "N"},
      {"accept", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.accept,
       "import although this argument or key is not understood (may be repeated)", "NAME"},
      {NULL},
  };
  int status = moe_cli_parse(&usage, entries, NULL, &argc, &argv);

  if (status != MOE_CLI_GO)
    return status;
  if (!check_options(&options))
    return MOE_EXIT_BAD_INPUT;
  g_auto(Input)
      input = {.kind = moe_cli_word("import", argv[1], moe_import_kind_words), .n = argc - 2, .arguments = argv + 2};

  return input.kind < 0 ? MOE_EXIT_BAD_INPUT : import_one(&input, &options);
}
