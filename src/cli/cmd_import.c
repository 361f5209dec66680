/* moesim import: run files from the configurations of others. */
#include "cli.h"
#include "door/ask_layout.h"
#include "record/output.h"

#include "layer/layer.h"
#include <moesim/import.h>
#include <moesim/report.h>

#include <stdio.h>
#include <string.h>

#define IMPORTED "imported run" /* stands in messages about the run that was made */

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

#define CHUNK 65536 /* bytes read at once */

static gboolean fail_reading(const char *path, GError **error)
{
  return moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path}, "cannot be read, expected a file that can");
}

/* The whole of a file, pipe or standard input ("-") that is not larger than an import may be. */
static gboolean read_file(const char *path, char **text, gsize *length, GError **error)
{
  g_autoptr(GString) read = g_string_new(NULL);
  char chunk[CHUNK];
  gsize n = 0;

  if (g_file_test(path, G_FILE_TEST_IS_DIR))
    return moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path}, "is a folder, expected a file");
  FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");

  if (!file)
    return fail_reading(path, error);
  while (read->len <= MOE_IMPORT_MAX_BYTES && (n = fread(chunk, 1, sizeof chunk, file)) > 0)
    g_string_append_len(read, chunk, (gssize)n);
  gboolean failed = ferror(file) != 0;

  if (file != stdin)
    fclose(file);
  if (failed)
    return fail_reading(path, error);
  if (read->len > MOE_IMPORT_MAX_BYTES)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = path}, "more than %d bytes, expected at most that",
                    MOE_IMPORT_MAX_BYTES);
  *length = read->len;
  *text = g_string_free(g_steal_pointer(&read), FALSE);
  return TRUE;
}

/* What is imported: the text of a file, or arguments. */
typedef struct {
  int kind; /* index into kinds */
  const char *name;
  char *text; /* NULL: the arguments themselves */
  gsize length;
  const char *model_name; /* DeepSpeed: of the model's configuration */
  char *model_text;
  gsize model_length;
  int n;
  char **arguments; /* words of a command line, or assignments behind a script */
} Input;

static void clear_input(Input *input)
{
  g_free(input->text);
  g_free(input->model_text);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Input, clear_input)

static const char *const kinds[] = {"hf", "megatron", "torchtitan", "deepspeed", NULL};
enum { KIND_HF, KIND_MEGATRON, KIND_TORCHTITAN, KIND_DEEPSPEED };

static MoeImport *import_words(const Input *input, const MoeImportOptions *options, GError **error)
{
  g_autofree const char **words = g_new0(const char *, (gsize)input->n + 1);

  memcpy(words, input->arguments, (gsize)input->n * sizeof *words);
  return moe_import_megatron(words, options, error);
}

#define MAX_ABOVE 8 /* folders above the input's in which files that it names are looked for */

/* A file that the input names: from where we are, beside the input, or below a folder above it. */
static char *read_named(void *data, const char *path, gsize *length)
{
  g_autofree char *here = g_path_get_dirname(data);
  char *text = NULL;

  for (guint above = 0; above <= MAX_ABOVE; above++) {
    g_autofree char *place = above == 0 ? g_strdup(path) : g_build_filename(here, path, NULL);

    if (g_file_test(place, G_FILE_TEST_IS_REGULAR) && read_file(place, &text, length, NULL))
      return text;
    if (above > 0) {
      g_autofree char *folder = g_steal_pointer(&here);

      here = g_build_filename(folder, "..", NULL);
    }
  }
  return NULL;
}

static MoeImport *import_titan(const Input *input, const MoeImportOptions *options, GError **error)
{
  const MoeImportFiles files = {read_named, (void *)input->name};

  return moe_import_torchtitan_file(&(MoeImportText){input->text, input->length, input->name}, &files, options, error);
}

/* Arguments of a file: as they stand, or of the launch in a script. */
static MoeImport *import_text(const Input *input, const MoeImportOptions *options, GError **error)
{
  g_autofree const char **given = g_new0(const char *, (gsize)input->n + 1);

  for (int i = 1; i < input->n; i++)
    given[i - 1] = input->arguments[i];
  const MoeImportFiles files = {read_named, (void *)input->name};

  return moe_import_megatron_file(&(MoeImportText){input->text, input->length, input->name}, given, &files, options,
                                  error);
}

static MoeImport *import(const Input *input, const MoeImportOptions *options, GError **error)
{
  if (input->kind == KIND_HF)
    return moe_import_hf(input->text, input->length, input->name, options, error);
  if (input->kind == KIND_TORCHTITAN)
    return import_titan(input, options, error);
  if (input->kind == KIND_DEEPSPEED)
    return moe_import_deepspeed(&(MoeImportText){input->text, input->length, input->name},
                                &(MoeImportText){input->model_text, input->model_length, input->model_name}, options,
                                error);
  return input->text ? import_text(input, options, error) : import_words(input, options, error);
}

/* Megatron's arguments stand on the command line, or in a file: @FILE, or a name that is no argument. */
static gboolean is_file(const Input *input)
{
  const char *first = input->n > 0 ? input->arguments[0] : "--";

  return input->kind != KIND_MEGATRON || first[0] == '@' ||
         (first[0] != '-' && g_file_test(first, G_FILE_TEST_EXISTS)) || strcmp(first, "-") == 0;
}

/* A DeepSpeed configuration says nothing of the model, whose own stands behind it. */
static gboolean has_files(const Input *input, GError **error)
{
  gboolean two = input->kind == KIND_DEEPSPEED;

  return input->kind == KIND_MEGATRON || input->n == (two ? 2 : 1) ||
         moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "import %s: %d files, expected %s", kinds[input->kind],
                  input->n, two ? "two: DeepSpeed's configuration and the model's config.json" : "one");
}

static gboolean read_input(Input *input, GError **error)
{
  gboolean at = input->n > 0 && input->arguments[0][0] == '@';

  if (!is_file(input))
    return TRUE;
  if (!has_files(input, error))
    return FALSE;
  input->name = input->arguments[0] + (at ? 1 : 0);
  if (!read_file(input->name, &input->text, &input->length, error) || input->kind != KIND_DEEPSPEED)
    return input->text != NULL;
  input->model_name = input->arguments[1];
  return read_file(input->model_name, &input->model_text, &input->model_length, error);
}

/* ---- the run --------------------------------------------------------------------------------- */

/* Reads the run back: what cannot exist is refused before it is written. */
static gboolean check_run(const Input *input, const MoeImport *made, MoeParameters *parameters, GError **error)
{
  g_autofree char *data_dir = moe_data_dir();
  const MoeRunOptions options = {.data_dir = data_dir};
  g_autoptr(GError) reason = NULL;
  g_autoptr(MoeDoc) doc = moe_doc_parse(made->text, -1, IMPORTED, NULL, &reason);
  g_autoptr(MoeRun) run = doc ? moe_run_from_doc(g_steal_pointer(&doc), "imported", &options, &reason) : NULL;

  const MoeImportText text = {input->text, input->length, input->name};

  if (!run) {
    moe_import_refuse_run(made, input->text ? &text : NULL, IMPORTED, reason, error);
    return FALSE;
  }
  moe_count_parameters(&run->architecture, parameters);
  return TRUE;
}

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
static MoeImport *make(const Input *input, MoeImportOptions *options, MoeParameters *parameters, GError **error)
{
  gboolean open =
      input->kind == KIND_HF && options->tensor + options->context + options->pipeline + options->expert == 0;
  g_autoptr(MoeImport) made = import(input, options, error);
  g_autoptr(GError) failure = NULL;

  if (!made || !check_run(input, made, parameters, error))
    return NULL;
  gboolean better = open && find_layout(made, options, &failure);

  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  if (!better)
    return g_steal_pointer(&made);
  g_autoptr(MoeImport) laid_out = import(input, options, error);

  return laid_out && check_run(input, laid_out, parameters, error) ? g_steal_pointer(&laid_out) : NULL;
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
  g_autoptr(MoeImport) made = read_input(input, &error) ? make(input, &chosen, &parameters, &error) : NULL;

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
  g_auto(Input) input = {.kind = moe_cli_word("import", argv[1], kinds), .n = argc - 2, .arguments = argv + 2};

  return input.kind < 0 ? MOE_EXIT_BAD_INPUT : import_one(&input, &options);
}
