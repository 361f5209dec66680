/* A run as a torchtitan configuration: the inverse of import_torchtitan.c. */
#include "titan.h"

#include <moesim/export.h>
#include <string.h>

#define COUNT G_GINT64_FORMAT

static void note_if(GPtrArray *notes, gboolean wanted, const char *what)
{
  if (wanted)
    g_ptr_array_add(notes, g_strdup_printf("no key says: %s", what));
}

static void put_model(GString *text, const MoeRun *run, GPtrArray *notes)
{
  const TitanFlavor *flavor = titan_flavor_of(&run->architecture);

  g_string_append_printf(text, "[model]\nname = \"%s\"\nflavor = \"%s\"\n", flavor ? flavor->name : "unknown",
                         flavor ? flavor->flavor : "unknown");
  if (run->training.precision.gemm == MOE_FP8)
    g_string_append(text, "converters = [\"quantize.linear.float8\"]\n");
  note_if(notes, !flavor, "the model; torchtitan has no flavor of this shape");
}

/* Sequences of a rank and step: a pipeline cuts them into micro-batches itself. */
static void put_training(GString *text, const MoeRun *run, GPtrArray *notes)
{
  const MoeTraining *t = &run->training;
  int64_t local = run->parallelism.pipeline > 1 ? t->global_batch / run->parallelism.data : t->micro_batch;

  g_string_append_printf(text,
                         "\n[optimizer]\nname = \"AdamW\"\n\n[training]\nseq_len = %" COUNT
                         "\nlocal_batch_size = %" COUNT "\nglobal_batch_size = %" COUNT "\n",
                         t->sequence_length, local, t->global_batch);
  g_string_append_printf(text, "mixed_precision_param = \"bfloat16\"\nmixed_precision_reduce = \"%s\"\n",
                         t->precision.gradient_reduce == MOE_BF16 ? "bfloat16" : "float32");
  note_if(notes, t->optimizer != MOE_OPTIMIZER_ADAMW, "an optimizer other than AdamW");
  note_if(notes, t->precision.gemm != MOE_BF16 && t->precision.gemm != MOE_FP8, "this format of linear layers");
  note_if(notes, run->parallelism.pipeline > 1 && t->micro_batch > 1,
          "micro-batches of more than one sequence in a pipeline");
}

static const char *schedule_word(MoeScheduleKind schedule)
{
  static const struct {
    MoeScheduleKind schedule;
    const char *word;
  } words[] = {{MOE_SCHEDULE_1F1B, "1F1B"},
               {MOE_SCHEDULE_GPIPE, "GPipe"},
               {MOE_SCHEDULE_INTERLEAVED, "Interleaved1F1B"},
               {MOE_SCHEDULE_ZB_V, "ZBVZeroBubble"},
               {MOE_SCHEDULE_DUALPIPE_V, "DualPipeV"}};

  for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
    if (words[i].schedule == schedule)
      return words[i].word;
  return NULL;
}

/* What embedding and head count for in the split; a layout must be the one that torchtitan makes by itself. */
static void put_split(GString *text, const MoeRun *run, GPtrArray *notes)
{
  const MoeParallelism *p = &run->parallelism;
  int64_t chunks = p->pipeline * p->virtual_stages;
  g_autofree char *usual = titan_layout(run->architecture.layers, chunks, 1, 1);
  gboolean own = g_strcmp0(p->layout, usual) == 0;
  int64_t first = own || p->embedding_as_layer ? 1 : 0, last = own || p->head_as_layer ? 1 : 0;

  if (p->pipeline == 1)
    return;
  g_string_append_printf(text,
                         "pipeline_parallel_first_stage_less_layers = %" COUNT
                         "\npipeline_parallel_last_stage_less_layers = %" COUNT "\n",
                         first, last);
  if (p->schedule == MOE_SCHEDULE_INTERLEAVED && p->virtual_stages != 2)
    g_string_append_printf(text, "pipeline_parallel_layers_per_stage = %" COUNT "\n",
                           (run->architecture.layers + first + last + chunks - 1) / chunks);
  note_if(notes, p->layout && !own, "which layers stand in which chunk");
}

static void put_pipeline(GString *text, const MoeRun *run, GPtrArray *notes)
{
  const MoeParallelism *p = &run->parallelism;
  const char *word = schedule_word(p->schedule);

  g_string_append_printf(text, "pipeline_parallel_degree = %" COUNT "\n", p->pipeline);
  if (p->pipeline > 1 && word)
    g_string_append_printf(text, "pipeline_parallel_schedule = \"%s\"\n", word);
  note_if(notes, p->pipeline > 1 && !word, "the pipeline schedule");
  put_split(text, run, notes);
}

static void put_parallelism(GString *text, const MoeRun *run, GPtrArray *notes)
{
  const MoeParallelism *p = &run->parallelism;
  int64_t shard = p->shard_group > 0 ? MAX(p->shard_group / p->context, 1) : p->data;

  g_string_append_printf(
      text, "\n[parallelism]\ndata_parallel_replicate_degree = %" COUNT "\ndata_parallel_shard_degree = %" COUNT "\n",
      MAX(p->data / shard, 1), p->zero == 0 ? 1 : shard);
  g_string_append_printf(text, "fsdp_reshard_after_forward = \"%s\"\n", p->zero == 3 ? "always" : "never");
  g_string_append_printf(text,
                         "tensor_parallel_degree = %" COUNT
                         "\nenable_async_tensor_parallel = %s\ncontext_parallel_degree = %" COUNT "\n",
                         p->tensor, p->overlap.tensor ? "true" : "false", p->context);
  g_string_append_printf(text, "expert_parallel_degree = %" COUNT "\nexpert_tensor_parallel_degree = %" COUNT "\n",
                         p->expert, p->expert_tensor);
  put_pipeline(text, run, notes);
  note_if(notes, p->zero == 1, "sharding of the optimizer state alone; gradients are sharded too");
  note_if(notes, p->zero == 0 && p->data > 1, "data parallelism without sharding beside other degrees");
  note_if(notes, p->context > 1 && p->context_kind == MOE_CONTEXT_ULYSSES, "context parallelism by all-to-all");
}

/* torchtitan recomputes whole layers, each or every n-th, or by operator in all of them. */
static void put_recompute(GString *text, const MoeRecompute *r, GPtrArray *notes)
{
  const guint op = MOE_SAVE_ALTERNATE_LINEAR | MOE_SAVE_CORE_ATTENTION | MOE_SAVE_REDUCE_SCATTER;
  gboolean some = r->mode == MOE_RECOMPUTE_FULL && r->every > 1;
  gboolean by_operator = r->mode == MOE_RECOMPUTE_SELECTIVE || r->mode == MOE_RECOMPUTE_OPERATORS;
  const char *mode = by_operator || some ? "selective" : r->mode == MOE_RECOMPUTE_FULL ? "full" : "none";

  g_string_append_printf(text, "\n[activation_checkpoint]\nmode = \"%s\"\n", mode);
  if (by_operator)
    g_string_append(text, "selective_ac_option = \"op\"\n");
  else if (some)
    g_string_append_printf(text, "selective_ac_option = \"%" COUNT "\"\n", r->every);
  note_if(notes, r->mode != MOE_RECOMPUTE_NONE && r->layers >= 0, "recomputation of some layers");
  note_if(notes, r->mode == MOE_RECOMPUTE_SELECTIVE,
          "which modules are recomputed; torchtitan's policy keeps every second product");
  note_if(notes, r->mode == MOE_RECOMPUTE_OPERATORS && (r->every > 1 || (r->saves & ~MOE_SAVE_ALL_TO_ALL) != op),
          "which operators are kept, and in which layers");
}

static void put_rest(GString *text, const MoeRun *run, GPtrArray *notes)
{
  const MoePrecisions *p = &run->training.precision;

  put_recompute(text, &run->recompute, notes);
  g_string_append(text, "\n[compile]\nenable = true\ncomponents = [\"model\", \"loss\"]\n");
  if (p->gemm == MOE_FP8)
    g_string_append_printf(text,
                           "\n[quantize.linear.float8]\nrecipe_name = \"%s\"\nenable_fsdp_float8_all_gather = %s\n",
                           p->scaling != MOE_FP8_SCALING_ROW ? "tensorwise"
                           : p->wgrad == MOE_BF16            ? "rowwise_with_gw_hp"
                                                             : "rowwise",
                           p->parameter_gather == MOE_FP8 ? "true" : "false");
}

char *moe_export_torchtitan_text(const MoeRun *run, GPtrArray *notes)
{
  g_autoptr(GPtrArray) unsaid = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GString) text = g_string_new(NULL);
  GPtrArray *said = notes ? notes : unsaid;

  put_model(text, run, said);
  put_training(text, run, said);
  put_parallelism(text, run, said);
  put_rest(text, run, said);
  return g_string_free(g_steal_pointer(&text), FALSE);
}
