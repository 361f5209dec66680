/* moesim import: run files from the configurations of others. */
#include "cli.h"

#include <moesim/import.h>
#include <moesim/layer.h>
#include <moesim/report.h>

#include <stdio.h>
#include <string.h>

#define IMPORTED "imported run" /* stands in messages about the run that was made */

static const MoeUsage usage = {
    .command = "import",
    .arguments = "hf CONFIG.json | megatron [--] ARGUMENT... | megatron @FILE",
    .examples =
        "  moesim import hf config.json -o run.yaml\n"
        "  moesim import hf config.json --cluster gb200-nvl72 --gpus 1024 --sequence 4096 --batch 2048\n"
        "  moesim import megatron -o run.yaml @pretrain-arguments.txt\n"
        "  moesim import megatron --gpus 64 -- --num-layers 32 --hidden-size 4096 --num-attention-heads 32 ...\n",
    .least = 2,
    .most = -1,
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

static MoeImport *import_hf(int n, char **arguments, const MoeImportOptions *options, GError **error)
{
  g_autofree char *text = NULL;
  gsize length = 0;

  if (n != 1) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "import hf: %d files, expected one config.json", n);
    return NULL;
  }
  return read_file(arguments[0], &text, &length, error) ? moe_import_hf(text, length, arguments[0], options, error)
                                                        : NULL;
}

static MoeImport *import_file(const char *path, const MoeImportOptions *options, GError **error)
{
  g_autofree char *text = NULL;
  g_auto(GStrv) words = NULL;
  gsize length = 0;

  if (read_file(path, &text, &length, error))
    words = moe_import_words(text, length, path, error);
  return words ? moe_import_megatron((const char *const *)words, options, error) : NULL;
}

static MoeImport *import_megatron(int n, char **arguments, const MoeImportOptions *options, GError **error)
{
  g_autofree const char **words = g_new0(const char *, (gsize)n + 1);

  if (n == 1 && arguments[0][0] == '@')
    return import_file(arguments[0] + 1, options, error);
  memcpy(words, arguments, (gsize)n * sizeof *words);
  return moe_import_megatron(words, options, error);
}

static MoeImport *import(const char *kind, int n, char **arguments, const Options *options, GError **error)
{
  g_autofree char *data_dir = moe_cli_data_dir();
  const MoeImportOptions chosen = {.title = options->title,
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

  if (strcmp(kind, "hf") == 0)
    return import_hf(n, arguments, &chosen, error);
  if (strcmp(kind, "megatron") == 0)
    return import_megatron(n, arguments, &chosen, error);
  moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "import: unknown word '%s', expected hf or megatron", kind);
  return NULL;
}

/* The place of a mistake in a run that nobody has: only what is wrong counts. */
static gboolean fail_imported(const GError *reason, GError **error)
{
  const char *message = reason->message;
  const char *end = g_str_has_prefix(message, IMPORTED ":") ? strstr(message, ": ") : NULL;

  return moe_fail(error, (MoeErrorCode)reason->code, (MoeMark){0}, "the imported run cannot exist: %s",
                  end ? end + strlen(": ") : message);
}

/* Reads the run back: what cannot exist is refused before it is written. */
static gboolean check_run(const MoeImport *made, MoeParameters *parameters, GError **error)
{
  g_autofree char *data_dir = moe_cli_data_dir();
  const MoeRunOptions options = {.data_dir = data_dir};
  g_autoptr(GError) reason = NULL;
  g_autoptr(MoeDoc) doc = moe_doc_parse(made->text, -1, IMPORTED, NULL, &reason);
  g_autoptr(MoeRun) run = doc ? moe_run_from_doc(g_steal_pointer(&doc), "imported", &options, &reason) : NULL;

  if (!run)
    return fail_imported(reason, error);
  moe_count_parameters(&run->architecture, parameters);
  return TRUE;
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

static gboolean write_run(const char *path, const char *text, GError **error)
{
  if (!path) {
    moe_cli_print(text);
    return TRUE;
  }
  g_autoptr(MoeOutput) output = moe_output_new(path, error);

  if (!output)
    return FALSE;
  moe_output_write(output, text, -1);
  return moe_output_commit(output, error);
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

int moe_cmd_import(int argc, char **argv)
{
  g_auto(Options) options = {0};
  g_autoptr(GError) error = NULL;
  MoeParameters parameters;
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
  g_autoptr(MoeImport) made = import(argv[1], argc - 2, argv + 2, &options, &error);

  if (!made || !check_run(made, &parameters, &error))
    return moe_cli_fail(error);
  say(made, &parameters);
  return write_run(options.output, made->text, &error) ? MOE_EXIT_DONE : moe_cli_fail(error);
}
