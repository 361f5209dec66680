/* moesim collective: an nccl-tests-like table of one collective on a cluster. */
#include "cli.h"
#include "record/tables.h"

#include "figure/plot.h"
#include "report/findings.h"
#include <moesim/report.h>

#include <string.h>

static const MoeUsage usage = {
    .command = "collective",
    .arguments = "all_reduce | all_gather | reduce_scatter | all_to_all | broadcast | sendrecv",
    .examples = "  moesim collective all_reduce --cluster h100-hgx --gpus 1024 --sizes 8:16G\n"
                "  moesim collective all_gather --cluster gb200-nvl72 --gpus 8192 --stack yolo:v5\n"
                "  moesim collective all_reduce --cluster gb200-nvl72 --gpus 64 --algorithm ring --plot ring.png\n",
    .least = 1,
    .most = 1,
};

/* As nccl-tests: -b 8 -e 16G. */
#define DEFAULT_SIZES "8:16G"
#define MAX_SIZE      1e15
#define MAX_GPUS      1000000

typedef struct {
  char *cluster, *stack, *sizes, *algorithm, *plot, *format;
  gint64 gpus, stride;
} Options;

static void clear_options(Options *options)
{
  char **texts[] = {&options->cluster,   &options->stack, &options->sizes,
                    &options->algorithm, &options->plot,  &options->format};

  for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
    g_clear_pointer(texts[i], g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, clear_options)

/* What is asked: the operation, on which members of which machine, for which sizes. */
typedef struct {
  const char *word;
  MoeCollOperation operation;
  MoeCluster cluster;
  MoeStackCollectives stack;
  MoeDoc *cluster_doc, *stack_doc;
  MoeTopo *topo;
  MoeCollGroup group;
  int64_t *members;
  double first, last; /* bytes */
} Question;

static void clear_question(Question *question)
{
  moe_topo_free(question->topo);
  moe_cluster_clear(&question->cluster);
  moe_doc_free(question->cluster_doc);
  moe_doc_free(question->stack_doc);
  g_free(question->members);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Question, clear_question)

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static gboolean read_operation(const char *word, Question *question)
{
  static const char *const words[] = {"all_reduce", "all_gather", "reduce_scatter", "all_to_all", "broadcast",
                                      "sendrecv",   NULL};
  static const MoeCollectiveKind kinds[] = {MOE_ALL_REDUCE, MOE_ALL_GATHER, MOE_REDUCE_SCATTER,
                                            MOE_ALL_TO_ALL, MOE_BROADCAST,  MOE_BROADCAST};
  g_autofree char *plain = g_strdelimit(g_strdup(word), "-", '_');
  int index = moe_cli_word("collective", plain, words);

  if (index < 0)
    return FALSE;
  question->word = words[index];
  question->operation.kind = kinds[index];
  question->operation.send = strcmp(words[index], "sendrecv") == 0;
  return TRUE;
}

/* "8", "4K", "16G": binary prefixes, as nccl-tests reads them. FALSE when it is none. */
static gboolean read_size(const char *text, double *bytes)
{
  static const char prefixes[] = "KMGT";
  char *end = NULL;
  double value = g_ascii_strtod(text, &end);
  const char *prefix = *end ? strchr(prefixes, g_ascii_toupper(*end)) : NULL;

  if (end == text)
    return FALSE;
  for (const char *p = prefixes; prefix && p <= prefix; p++)
    value *= 1024;
  end += prefix != NULL;
  *bytes = value;
  return *end == '\0' && value >= 1 && value <= MAX_SIZE;
}

static gboolean read_sizes(const char *text, Question *question)
{
  g_auto(GStrv) ends = g_strsplit(text ? text : DEFAULT_SIZES, ":", 2);

  if (g_strv_length(ends) == 2 && read_size(ends[0], &question->first) && read_size(ends[1], &question->last) &&
      question->first <= question->last)
    return TRUE;
  moe_cli_complain("--sizes \"%s\" is no range, expected FIRST:LAST in bytes with K, M, G or T, such as 8:16G", text);
  return FALSE;
}

static gboolean read_machine(const Options *options, Question *question, GError **error)
{
  g_autofree char *data_dir = moe_data_dir();

  if (!moe_cluster_load(options->cluster, data_dir, &question->cluster, &question->cluster_doc, error))
    return FALSE;
  moe_stack_collectives_default(&question->stack);
  if (!options->stack)
    return TRUE;
  MoeStack stack;
  if (!moe_stack_load(options->stack, data_dir, &stack, &question->stack_doc, error))
    return FALSE;
  question->stack = stack.collectives;
  moe_stack_clear(&stack);
  return TRUE;
}

/* Members 0, stride, 2 stride ... */
static gboolean place_members(const Options *options, Question *question, GError **error)
{
  int64_t n = options->gpus;

  question->members = g_new(int64_t, n);
  for (int64_t i = 0; i < n; i++)
    question->members[i] = i * options->stride;
  question->group = (MoeCollGroup){(guint)n, question->members};
  question->topo = moe_topo_new(&question->cluster, (n - 1) * options->stride + 1, 0, NULL, error);
  return question->topo != NULL;
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

/* Of MoeCollTiming; NULL, after a message, when the named algorithm cannot serve the group. */
static GArray *answer(const Question *q)
{
  GArray *timings = moe_coll_times(q->topo, &q->stack, &q->operation, &q->group, q->first, q->last);
  g_autofree char *known = g_strjoinv(", ", (char **)moe_coll_algorithms(q->operation.kind));

  if (!timings)
    moe_cli_complain("algorithm \"%s\" cannot serve %s on this group, expected one of %s that can",
                     q->operation.algorithm, q->word, known);
  return timings;
}

/* ---- figure ------------------------------------------------------------------------------------------------------ */

static gboolean draw(const Question *question, const Options *options, const GArray *timings, GError **error)
{
  g_autofree char *data = moe_plot_collective_data((const MoeCollTiming *)timings->data, timings->len);
  g_autofree char *data_dir = moe_data_dir();
  g_autofree char *templates = g_build_filename(data_dir ? data_dir : ".", "plots", NULL);
  g_autofree char *title =
      g_strdup_printf("%s, %" G_GINT64_FORMAT " GPUs of %s", question->word, options->gpus, options->cluster);
  const MoeFigure figure = {.kind = "collective",
                            .templates = templates,
                            .path = options->plot,
                            .title = title,
                            .source = "moesim: predicted bus bandwidth as nccl-tests defines it"};

  return moe_figure_check(&figure, error) && moe_figure_draw(&figure, data, error);
}

/* ---- command ----------------------------------------------------------------------------------------------------- */

static gboolean check_options(const Options *options, gboolean send)
{
  if (!options->cluster) {
    moe_cli_complain("no cluster, expected --cluster NAME");
    return FALSE;
  }
  if (options->gpus < 2 || options->gpus > MAX_GPUS || (send && options->gpus != 2)) {
    moe_cli_complain("--gpus %" G_GINT64_FORMAT ", expected %s", options->gpus,
                     send ? "2 for sendrecv" : "at least 2 and at most a million");
    return FALSE;
  }
  if (options->stride < 1 || options->stride > MAX_GPUS / options->gpus) {
    moe_cli_complain("--stride %" G_GINT64_FORMAT ", expected at least 1 and a last GPU below a million",
                     options->stride);
    return FALSE;
  }
  return TRUE;
}

static int collective(const char *word, const Options *options)
{
  static const char *const formats[] = {"table", "csv", "json", NULL};
  static const MoeFormat meant[] = {MOE_FORMAT_TABLE, MOE_FORMAT_CSV, MOE_FORMAT_JSON};
  g_auto(Question) question = {.operation.algorithm = options->algorithm};
  g_autoptr(GError) error = NULL;
  int format = options->format ? moe_cli_word("--format", options->format, formats) : 0;

  if (format < 0 || !read_operation(word, &question) || !check_options(options, question.operation.send) ||
      !read_sizes(options->sizes, &question))
    return MOE_EXIT_BAD_INPUT;
  if (!read_machine(options, &question, &error) || !place_members(options, &question, &error))
    return moe_cli_fail(error);
  g_autoptr(GArray) timings = answer(&question);
  if (!timings)
    return MOE_EXIT_BAD_INPUT;
  if (options->plot && !draw(&question, options, timings, &error))
    return moe_cli_fail(error);
  moe_cli_show(meant[format],
               moe_report_collective((const MoeCollTiming *)timings->data, timings->len, moe_cli_sheet(meant[format])));
  return MOE_EXIT_DONE;
}

int moe_cmd_collective(int argc, char **argv)
{
  g_auto(Options) options = {.gpus = 8, .stride = 1};
  const GOptionEntry entries[] = {
      {"cluster", 0, 0, G_OPTION_ARG_STRING, &options.cluster, "machine, a file of clusters/", "NAME"},
      {"gpus", 0, 0, G_OPTION_ARG_INT64, &options.gpus, "members of the group (8)", "N"},
      {"stride", 0, 0, G_OPTION_ARG_INT64, &options.stride,
       "distance of neighbouring members: 8 = one per host of 8 (1)", "N"},
      {"sizes", 0, 0, G_OPTION_ARG_STRING, &options.sizes, "first and last size in bytes, doubling (" DEFAULT_SIZES ")",
       "A:B"},
      {"stack", 0, 0, G_OPTION_ARG_STRING, &options.stack, "software whose collectives section applies", "NAME"},
      {"algorithm", 0, 0, G_OPTION_ARG_STRING, &options.algorithm, "instead of the library's choice", "NAME"},
      {"format", 0, 0, G_OPTION_ARG_STRING, &options.format, "table, csv or json", "F"},
      {"plot", 0, 0, G_OPTION_ARG_FILENAME, &options.plot, "draw bus bandwidth against size", "FILE.{png,svg,pdf}"},
      {NULL},
  };
  int status = moe_cli_parse(&usage, entries, NULL, &argc, &argv);

  return status != MOE_CLI_GO ? status : collective(argv[1], &options);
}
