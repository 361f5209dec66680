/* A run in the making: what the input leaves open is chosen, noted and listed as assumed. */
#include "import.h"
#include "place.h"

#include <string.h>

/* What is chosen where neither the configuration nor the user says it; each is noted. */
#define DEFAULT_CLUSTER  "h100-hgx"
#define NEWER_CLUSTER    "gb200-nvl72" /* for formats that Hopper has not */
#define DEFAULT_GPUS     64            /* eight hosts of eight: enough for expert parallelism over hosts */
#define DEFAULT_SEQUENCE 4096          /* tokens; what most of these models were pre-trained on */
#define DEFAULT_BATCH    1024          /* sequences: 4 million tokens of 4,096, of the order of published recipes */

static const MoeImportOptions no_options;

void import_begin(Draft *draft, const MoeImportOptions *options, const char *source, const char *title,
                  const char *usual_stack)
{
  *draft =
      (Draft){.options = options ? options : &no_options, .source = source, .title = title, .usual_stack = usual_stack};
  draft->architecture = (MoeArchitecture){.norms_per_layer = 2, .mtp_counted = TRUE, .ffn.gated = TRUE};
  draft->training = moe_training_defaults;
  draft->training.precision.wgrad = draft->training.precision.gemm;
  draft->parallelism = (MoeParallelism){.tensor = 1,
                                        .context = 1,
                                        .pipeline = 1,
                                        .virtual_stages = 1,
                                        .expert = 1,
                                        .schedule = MOE_N_SCHEDULES,
                                        .first_stage_layers = -1,
                                        .last_stage_layers = -1};
  draft->recompute.layers = -1;
  draft->recompute.every = 1;
  draft->offload.master = TRUE;
  draft->stack = (ImportStack){.deduplicate = -1,
                               .deterministic = -1,
                               .sharp = -1,
                               .symmetric = -1,
                               .per_expert = -1,
                               .fused_mlp = -1,
                               .paged_stash = -1};
  draft->open = g_ptr_array_new_with_free_func(g_free);
  draft->import = g_new0(MoeImport, 1);
  draft->import->notes = g_ptr_array_new_with_free_func(g_free);
  draft->import->applied = g_ptr_array_new_with_free_func(g_free);
  draft->import->ignored = g_ptr_array_new_with_free_func(g_free);
  draft->import->unknown = g_ptr_array_new_with_free_func(g_free);
}

void import_note(Draft *draft, const char *format, ...)
{
  va_list arguments;

  va_start(arguments, format);
  g_ptr_array_add(draft->import->notes, g_strdup_vprintf(format, arguments));
  va_end(arguments);
}

void moe_import_free(MoeImport *import)
{
  if (!import)
    return;
  g_free(import->text);
  g_ptr_array_unref(import->notes);
  g_ptr_array_unref(import->applied);
  g_ptr_array_unref(import->ignored);
  g_ptr_array_unref(import->unknown);
  g_free(import);
}

/* ---- words ----------------------------------------------------------------------------------- */

static gboolean same(char a, char b)
{
  return a == b || (a == '-' && b == '_') || (a == '_' && b == '-');
}

/* Whether the word of a list, up to a blank, is `name`. */
static gboolean is_word(const char *word, const char *name)
{
  if (*word == '*') {
    gsize ending = strcspn(++word, " "), length = strlen(name);

    return length >= ending && strncmp(name + length - ending, word, ending) == 0;
  }
  for (; *word && *word != ' ' && *word != '*'; word++, name++)
    if (*name == '\0' || !same(*word, *name))
      return FALSE;
  return *word == '*' || *name == '\0';
}

gboolean import_is_listed(const char *list, const char *name)
{
  while (list) {
    if (is_word(list, name))
      return TRUE;
    list = strchr(list, ' ');
    list = list ? list + 1 : NULL;
  }
  return FALSE;
}

/* ---- what is not understood ------------------------------------------------------------------ */

#define CANNOT ": a run cannot say: "

void import_refuse(Draft *draft, const char *argument, const char *what)
{
  g_ptr_array_add(draft->open, g_strdup_printf("%s" CANNOT "%s", argument, what));
}

/* The argument or key that an entry of `open` begins with, quotes aside. */
static char *name_of(const char *open)
{
  open += strspn(open, "\"");
  return g_strndup(open, strcspn(open, " :=\""));
}

/* Whether what `open` is about is among the accepted ones, dashes in front aside; - and _ are the same. */
static gboolean is_accepted(const MoeImportOptions *options, const char *open)
{
  g_autofree char *word = name_of(open), *name = g_strdup(word + strspn(word, "-"));

  g_strdelimit(name, "_", '-');
  for (const char *const *accept = options->accept; accept && *accept; accept++) {
    g_autofree char *accepted = g_strdup(*accept + strspn(*accept, "-"));

    if (strcmp(g_strdelimit(accepted, "_", '-'), name) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Causes are said once: "--a, --b: a run cannot say: ...". */
static void add_refused(GString *text, const char *before, const char *open)
{
  const char *cause = strstr(open, CANNOT), *known = before ? strstr(before, CANNOT) : NULL;

  if (cause && known && strcmp(cause, known) == 0)
    g_string_truncate(text, text->len - strlen(cause));
  g_string_append_printf(text, "%s%s",
                         text->len == 0                                ? ""
                         : cause && known && strcmp(cause, known) == 0 ? ", "
                                                                       : "; ",
                         open);
}

gboolean import_settle(Draft *draft, GError **error)
{
  g_autoptr(GString) refused = g_string_new(NULL);
  g_autofree char *first = NULL;
  const char *before = NULL;

  for (guint i = 0; i < draft->open->len; i++) {
    const char *open = g_ptr_array_index(draft->open, i);

    if (is_accepted(draft->options, open)) {
      g_ptr_array_add(draft->import->unknown, g_strdup(open));
      continue;
    }
    add_refused(refused, before, open);
    first = first ? first : name_of(open);
    before = open;
  }
  if (refused->len == 0) {
    g_ptr_array_set_size(draft->open, 0);
    return TRUE;
  }
  moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
           "not understood, and it may shape the answer: %s (--accept NAME imports the rest without it)", refused->str);
  moe_error_set_subject(error ? *error : NULL, first);
  return FALSE;
}

MoeImport *import_fail(GError **error)
{
  for (char *c = error && *error ? (*error)->message : NULL; c && *c; c++)
    if (g_ascii_iscntrl(*c))
      *c = ' ';
  return NULL;
}

MoeImport *import_fail_in(const MoeImportText *input, GError **error)
{
  import_place(input, error);
  return import_fail(error);
}

/* ---- choices --------------------------------------------------------------------------------- */

/* One more assumption: the only value, and why it was taken. */
G_GNUC_PRINTF(5, 6)
static void assume(Draft *draft, GPtrArray *assumptions, const char *key, const char *why, const char *format, ...)
{
  va_list arguments;

  va_start(arguments, format);
  g_autofree char *value = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  import_note(draft, "%s is not in the input: %s chosen", key, value);
  g_ptr_array_add(
      assumptions,
      g_strdup_printf("%s: {values: [%s], why: \"not in the input, chosen by the import: %s\"}", key, value, why));
}

static void choose_sequence(Draft *draft, GPtrArray *assumptions)
{
  MoeTraining *training = &draft->training;

  if (draft->options->sequence_length > 0)
    training->sequence_length = draft->options->sequence_length;
  if (training->sequence_length > 0)
    return;
  training->sequence_length = DEFAULT_SEQUENCE;
  assume(draft, assumptions, "training.sequence_length", "what most of these models were pre-trained on", "%d",
         DEFAULT_SEQUENCE);
}

#define MAX_GPUS (1 << 20) /* of a run (src/spec) */

static int64_t common_divisor(int64_t a, int64_t b)
{
  return b == 0 ? a : common_divisor(b, a % b);
}

/* Ranks that the given degrees need at least: a multiple of both sides of the layout. Beyond what a run may have, the
 * run is refused when it is read. */
static int64_t least_gpus(const MoeParallelism *p)
{
  int64_t attention = p->tensor * p->context * p->pipeline;
  int64_t experts = MAX(p->expert_tensor, 1) * p->expert * p->pipeline;

  if (attention > MAX_GPUS || experts > MAX_GPUS)
    return MAX_GPUS;
  return MAX(attention / common_divisor(attention, experts) * experts, 1);
}

/* Whether a batch of `batch` sequences can be dealt out to so many GPUs. */
static gboolean is_dealt(const Draft *draft, int64_t gpus, int64_t batch)
{
  const MoeParallelism *p = &draft->parallelism;
  int64_t unit = MAX(gpus / (p->tensor * p->context * p->pipeline), 1) * MAX(draft->training.micro_batch, 1);

  /* interleaved stages take their micro-batches in rounds of as many as there are stages */
  return batch % (unit * (p->virtual_stages > 1 ? p->pipeline : 1)) == 0;
}

/* As many as are usual, or fewer when the batch is too small for them. */
static void choose_gpus(Draft *draft, GPtrArray *assumptions)
{
  MoeParallelism *p = &draft->parallelism;
  int64_t batch = draft->options->global_batch > 0 ? draft->options->global_batch : draft->training.global_batch;
  int64_t least = least_gpus(p);

  if (draft->options->gpus > 0)
    p->gpus = draft->options->gpus;
  if (p->gpus > 0)
    return;
  p->gpus = moe_round_up(DEFAULT_GPUS, least);
  for (int64_t gpus = p->gpus; batch > 0 && gpus >= least; gpus -= least)
    if (is_dealt(draft, gpus, batch)) {
      p->gpus = gpus;
      break;
    }
  assume(draft, assumptions, "parallelism.gpus", "eight hosts of eight, or fewer where the batch is small",
         "%" G_GINT64_FORMAT, p->gpus);
}

static void choose_batch(Draft *draft, GPtrArray *assumptions)
{
  const MoeParallelism *p = &draft->parallelism;
  MoeTraining *training = &draft->training;
  int64_t unit = MAX(p->gpus / (p->tensor * p->context * p->pipeline), 1) * MAX(training->micro_batch, 1);

  if (draft->options->global_batch > 0)
    training->global_batch = draft->options->global_batch;
  if (training->global_batch > 0)
    return;
  training->global_batch = moe_round_up(DEFAULT_BATCH, unit);
  assume(draft, assumptions, "training.global_batch", "millions of tokens, as in published recipes",
         "%" G_GINT64_FORMAT, training->global_batch);
}

static const char *choose_cluster(Draft *draft, GPtrArray *assumptions)
{
  MoePrecision gemm = draft->training.precision.gemm;
  gboolean newer = gemm == MOE_NVFP4 || gemm == MOE_MXFP8;
  const char *usual = newer ? NEWER_CLUSTER : DEFAULT_CLUSTER;

  if (draft->options->cluster)
    return draft->options->cluster;
  if (draft->usual_cluster) {
    assume(draft, assumptions, "cluster", "the machine that the experiment's folder names, or Primus's first, of AMD",
           "%s", draft->usual_cluster);
    return draft->usual_cluster;
  }
  assume(draft, assumptions, "cluster",
         newer ? "a machine that has the format of the linear layers" : "hosts of eight H100, the usual machine", "%s",
         usual);
  return usual;
}

static const char *choose_stack(Draft *draft, GPtrArray *assumptions)
{
  const char *usual = draft->usual_stack ? draft->usual_stack : IMPORT_MEGATRON;

  if (draft->options->stack)
    return draft->options->stack;
  assume(draft, assumptions, "stack",
         draft->usual_stack ? "the software whose configuration this is" : "Megatron-Core, the usual software", "%s",
         usual);
  return usual;
}

/* Degrees given as options go before those of the input. */
static void take_degrees(Draft *draft)
{
  const MoeImportOptions *options = draft->options;
  MoeParallelism *p = &draft->parallelism;

  if (options->tensor > 0)
    p->tensor = options->tensor;
  if (options->context > 0)
    p->context = options->context;
  if (options->pipeline > 0)
    p->pipeline = options->pipeline;
  if (options->virtual_stages > 0)
    p->virtual_stages = options->virtual_stages;
  if (options->expert > 0)
    p->expert = options->expert;
  if (options->micro_batch > 0)
    draft->training.micro_batch = options->micro_batch;
  if (!options->sharded)
    return;
  p->zero = options->zero;
  draft->recompute.mode = options->recompute;
  draft->recompute.modules = options->recompute_modules;
}

gboolean import_has_layout(const MoeImportOptions *options)
{
  return options->tensor > 0 || options->context > 0 || options->pipeline > 0 || options->expert > 0;
}

/* The stack that the run extends, so that only what differs is written; FALSE when it cannot be found. */
static gboolean load_stack(const Draft *draft, const char *name, MoeStack *stack, MoeDoc **doc)
{
  return draft->options->data_dir && moe_stack_load(name, draft->options->data_dir, stack, doc, NULL);
}

gboolean import_finish(Draft *draft, GError **error)
{
  g_autoptr(GPtrArray) assumptions = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(MoeDoc) doc = NULL;
  MoeStack base = {0};

  take_degrees(draft);
  if (draft->options->vocabulary > 0 && draft->architecture.vocabulary == 0)
    draft->architecture.vocabulary = draft->options->vocabulary;
  choose_sequence(draft, assumptions);
  choose_gpus(draft, assumptions);
  choose_batch(draft, assumptions);
  const char *cluster = choose_cluster(draft, assumptions), *stack = choose_stack(draft, assumptions);
  gboolean known = load_stack(draft, stack, &base, &doc);

  if (!known && draft->options->data_dir)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "no stack '%.60s', expected a name in stacks/ or a file",
                    stack);
  draft->import->text = import_write(draft, cluster, stack, known ? &base : NULL, assumptions);
  if (known)
    moe_stack_clear(&base);
  return TRUE;
}
