/* What no section can check alone: the layout of heads, experts, sequences and batches over the GPUs. */
#include "internal.h"

#include <string.h>

#define INT G_GINT64_FORMAT
/* The cube root of the largest number: three such degrees multiply without overflow. */
#define MOST_OF_A_KIND INT64_C(2097151)

/* The mark of the value at the path, or of the nearest section around it that is there. */
MoeMark moe_run_mark(const MoeRun *run, const char *dotted_path)
{
  g_autofree char *path = g_strdup(dotted_path);
  const MoeNode *node = moe_doc_find(run->doc, path);

  for (char *dot = strrchr(path, '.'); !node && dot; dot = strrchr(path, '.')) {
    *dot = '\0';
    node = moe_doc_find(run->doc, path);
  }
  return moe_node_mark(node ? node : moe_doc_root(run->doc));
}

gboolean moe_check_multiple(const MoeRun *run, const char *path, const char *what, int64_t value, const char *of,
                            int64_t divisor, GError **error)
{
  return value % divisor == 0 ||
         moe_fail(error, MOE_ERROR_LAYOUT, moe_run_mark(run, path),
                  "%s is %" INT ", expected a multiple of %s (%" INT ")", what, value, of, divisor);
}

/* ---- GPUs -------------------------------------------------------------------------------------------------------- */

static gboolean derive_degrees(MoeRun *run, GError **error)
{
  MoeParallelism *p = &run->parallelism;
  int64_t attention = p->tensor * p->context * p->pipeline;
  int64_t moe = p->expert_tensor * p->expert * p->pipeline;

  if (!moe_check_multiple(run, "parallelism.gpus", "gpus", p->gpus, "tensor x context x pipeline", attention, error) ||
      !moe_check_multiple(run, "parallelism.gpus", "gpus", p->gpus, "expert_tensor x expert x pipeline", moe, error))
    return FALSE;
  p->data = p->gpus / attention;
  p->expert_data = p->gpus / moe;
  return TRUE;
}

/* HSDP: groups of shard_group ranks hold one copy; they divide the ranks that share a weight. */
static gboolean check_shard_group(const MoeRun *run, GError **error)
{
  const MoeParallelism *p = &run->parallelism;

  return p->shard_group == 0 || moe_check_multiple(run, "parallelism.shard_group", "the number of data-parallel ranks",
                                                   p->data * p->context, "shard_group", p->shard_group, error);
}

/* ---- heads and widths -------------------------------------------------------------------------------------------- */

/* Key and value heads are shared out, or each is held by several ranks. */
static gboolean check_kv_heads(const MoeRun *run, const char *path, int64_t heads, int64_t ranks, const char *of,
                               GError **error)
{
  return run->architecture.attention.kind == MOE_ATTENTION_MLA || heads % ranks == 0 || ranks % heads == 0 ||
         moe_fail(error, MOE_ERROR_LAYOUT, moe_run_mark(run, path),
                  "kv_heads is %" INT ", expected a multiple or a divisor of %s (%" INT ")", heads, of, ranks);
}

/* Of layers that a pattern gives heads of their own. */
static gboolean check_pattern_heads(const MoeRun *run, int64_t ranks, const char *of, GError **error)
{
  static const char path[] = "architecture.pattern";

  for (guint i = 0; i < run->architecture.n_pattern; i++) {
    const MoeLayerKind *kind = &run->architecture.pattern[i].kind;

    if ((kind->query_heads > 0 && !moe_check_multiple(run, path, "query_heads", kind->query_heads, of, ranks, error)) ||
        (kind->kv_heads > 0 && !check_kv_heads(run, path, kind->kv_heads, ranks, of, error)))
      return FALSE;
  }
  return TRUE;
}

static gboolean check_heads(const MoeRun *run, GError **error)
{
  const MoeParallelism *p = &run->parallelism;
  gboolean ulysses = p->context_kind == MOE_CONTEXT_ULYSSES && p->context > 1;
  int64_t ranks = ulysses ? p->tensor * p->context : p->tensor;
  const char *of = ulysses ? "tensor x context" : "tensor";

  return moe_check_multiple(run, "architecture.attention.query_heads", "query_heads",
                            run->architecture.attention.query_heads, of, ranks, error) &&
         check_kv_heads(run, "architecture.attention.kv_heads", run->architecture.attention.kv_heads, ranks, of,
                        error) &&
         check_pattern_heads(run, ranks, of, error);
}

static gboolean check_pattern_widths(const MoeRun *run, GError **error)
{
  for (guint i = 0; i < run->architecture.n_pattern; i++)
    if (!moe_check_multiple(run, "architecture.pattern", "ffn_width", run->architecture.pattern[i].kind.ffn_width,
                            "tensor", run->parallelism.tensor, error))
      return FALSE;
  return TRUE;
}

static gboolean check_widths(const MoeRun *run, GError **error)
{
  const MoeArchitecture *a = &run->architecture;
  const MoeParallelism *p = &run->parallelism;

  return moe_check_multiple(run, "architecture.ffn.width", "ffn.width", a->ffn.width, "tensor", p->tensor, error) &&
         moe_check_multiple(run, "architecture.moe.width", "moe.width", a->moe.width, "expert_tensor", p->expert_tensor,
                            error) &&
         moe_check_multiple(run, "architecture.moe.shared_width", "moe.shared_width",
                            a->moe.shared_experts * a->moe.shared_width, "tensor", p->tensor, error) &&
         check_pattern_widths(run, error);
}

/* Heads of linear attention are shared out over tensor ranks; its groups of keys too. */
static gboolean check_linear(const MoeRun *run, GError **error)
{
  const MoeLinearAttention *linear = &run->architecture.linear;
  int64_t tensor = run->parallelism.tensor;

  return linear->value_heads == 0 || (moe_check_multiple(run, "architecture.linear_attention.key_heads", "key_heads",
                                                         linear->key_heads, "tensor", tensor, error) &&
                                      moe_check_multiple(run, "architecture.linear_attention.value_heads",
                                                         "value_heads", linear->value_heads, "tensor", tensor, error));
}

static gboolean check_experts(const MoeRun *run, GError **error)
{
  const MoeParallelism *p = &run->parallelism;

  if (run->architecture.moe.experts > 0)
    return moe_check_multiple(run, "architecture.moe.experts", "experts", run->architecture.moe.experts, "expert",
                              p->expert, error);
  return (p->expert == 1 && p->expert_tensor == 1) ||
         moe_fail(error, MOE_ERROR_LAYOUT,
                  moe_run_mark(run, p->expert > 1 ? "parallelism.expert" : "parallelism.expert_tensor"),
                  "expert parallelism in a model without experts, expected expert and expert_tensor 1");
}

/* ---- sequences and batches --------------------------------------------------------------------------------------- */

static gboolean check_sequence(const MoeRun *run, GError **error)
{
  const MoeParallelism *p = &run->parallelism;
  int64_t tensor = p->sequence_parallel ? p->tensor : 1;
  /* A ring gives every rank one slice from the front and one from the back, so that the causal mask loads all alike. */
  int64_t slices = p->context_kind == MOE_CONTEXT_RING && p->context > 1 ? 2 : 1;
  const char *of = slices == 2 ? "2 x context" : tensor > 1 ? "tensor x context" : "context";

  return moe_check_multiple(run, "training.sequence_length", "sequence_length", run->training.sequence_length, of,
                            tensor * slices * p->context, error);
}

/* A step is a list of passes: this many take some seconds and half a gigabyte to lay out. */
#define MOST_PASSES 2097152

static gboolean check_passes(const MoeRun *run, GError **error)
{
  const MoeParallelism *p = &run->parallelism;
  double passes = (double)p->micro_batches * (double)p->pipeline * (double)p->virtual_stages;

  return passes <= MOST_PASSES ||
         moe_fail(error, MOE_ERROR_INPUT, moe_run_mark(run, "training.global_batch"),
                  "a step of %" INT " micro-batches x %" INT " stages x %" INT
                  " chunks, expected at most %d passes: a smaller global_batch or larger micro_batch",
                  p->micro_batches, p->pipeline, p->virtual_stages, MOST_PASSES);
}

static gboolean derive_micro_batches(MoeRun *run, GError **error)
{
  int64_t unit = run->parallelism.data * run->training.micro_batch;

  if (run->training.global_batch > MOE_MAX_STEP_TOKENS / run->training.sequence_length)
    return moe_fail(error, MOE_ERROR_INPUT, moe_run_mark(run, "training.global_batch"),
                    "a step of more than 2^40 tokens, expected a smaller global_batch or sequence_length");
  if (!moe_check_multiple(run, "training.global_batch", "global_batch", run->training.global_batch,
                          "data x micro_batch", unit, error))
    return FALSE;
  run->parallelism.micro_batches = run->training.global_batch / unit;
  return check_passes(run, error);
}

/* ---- machine ----------------------------------------------------------------------------------------------------- */

/* Formats a GEMM can run in on this accelerator. FP32 always can, if slowly: its units are what every other rate is
 * above. */
static gboolean check_precision(const MoeRun *run, const char *role, MoePrecision precision, GError **error)
{
  if (run->cluster.accelerator.peak_flop_per_s[precision] > 0)
    return TRUE;
  g_autofree char *path = g_strconcat("training.precision.", role, NULL);
  return moe_fail(error, MOE_ERROR_INPUT, moe_run_mark(run, path),
                  "%s for %s, which %s has no rate for, expected a format listed under its peak",
                  moe_precision_words[precision], role, run->cluster.accelerator.name);
}

static gboolean check_wide_layers(const MoeRun *run, GError **error)
{
  const MoePrecisions *p = &run->training.precision;
  int64_t layers = run->architecture.layers;

  return p->wide_first + p->wide_last <= layers ||
         moe_fail(error, MOE_ERROR_INPUT, moe_run_mark(run, "training.precision.bf16_last_layers"),
                  "%" G_GINT64_FORMAT " layers at the start and %" G_GINT64_FORMAT
                  " at the end stay in BF16, expected at most the %" G_GINT64_FORMAT " of the model",
                  p->wide_first, p->wide_last, layers);
}

static gboolean check_precisions(const MoeRun *run, GError **error)
{
  const MoePrecisions *p = &run->training.precision;

  return check_wide_layers(run, error) && check_precision(run, "gemm", p->gemm, error) &&
         check_precision(run, "wgrad", p->wgrad, error) && check_precision(run, "attention", p->attention, error) &&
         check_precision(run, "lm_head", p->lm_head, error) &&
         (run->architecture.moe.experts == 0 || check_precision(run, "router", p->router, error));
}

/* The stack must know what a launch costs on the cluster's CPU. */
static gboolean check_cpu(const MoeRun *run, GError **error)
{
  for (guint i = 0; i < run->stack.host.n_cpus; i++)
    if (strcmp(run->stack.host.cpu[i], run->cluster.host.cpu) == 0)
      return TRUE;
  return moe_fail(error, MOE_ERROR_INPUT, moe_run_mark(run, "stack.host.launch"),
                  "no launch cost for CPU %s of cluster %s, expected one under host.launch", run->cluster.host.cpu,
                  run->cluster.name);
}

/* ---- host memory ------------------------------------------------------------------------------------------------- */

static gboolean fail_offload(const MoeRun *run, const char *path, const char *text, GError **error)
{
  return moe_fail(error, MOE_ERROR_INPUT, moe_run_mark(run, path), "%s", text);
}

/* The CPU has kernels of AdamW and SGD, and is as fast as its memory. */
static gboolean check_host_update(const MoeRun *run, GError **error)
{
  if (run->offload.optimizer == 0 || run->offload.update == MOE_UPDATE_DEVICE)
    return TRUE;
  if (run->training.optimizer == MOE_OPTIMIZER_MUON)
    return fail_offload(run, "offload.optimizer", "muon stepped by the host, expected adamw, sgd or update: device",
                        error);
  return run->cluster.host.memory_bytes_per_s > 0 ||
         fail_offload(
             run, "offload.optimizer",
             "an optimizer stepped by a host of unknown memory bandwidth, expected cluster.host.memory_bandwidth",
             error);
}

static gboolean check_offload(const MoeRun *run, GError **error)
{
  const MoeOffload *offload = &run->offload;
  gboolean whole = offload->optimizer == 1 && offload->update == MOE_UPDATE_HOST;

  return check_host_update(run, error) &&
         (!offload->gradients || (whole && run->parallelism.zero >= 2) ||
          fail_offload(
              run, "offload.gradients",
              "gradients in host memory, expected parallelism.zero 2 or 3, offload.optimizer 1 and update: host",
              error));
}

/* Of a run that was read these hold; of a copy that somebody changed they are checked before anything is divided. */
static gboolean check_positive(const MoeRun *run, GError **error)
{
  const MoeParallelism *p = &run->parallelism;
  const MoeTraining *t = &run->training;
  const struct {
    const char *path;
    int64_t value;
  } least_one[] = {{"parallelism.gpus", p->gpus},
                   {"parallelism.tensor", p->tensor},
                   {"parallelism.context", p->context},
                   {"parallelism.pipeline", p->pipeline},
                   {"parallelism.virtual_stages", p->virtual_stages},
                   {"parallelism.expert", p->expert},
                   {"parallelism.expert_tensor", p->expert_tensor},
                   {"training.micro_batch", t->micro_batch}};

  for (guint i = 0; i < G_N_ELEMENTS(least_one); i++)
    if (least_one[i].value < 1 || least_one[i].value > MOST_OF_A_KIND)
      return moe_fail(error, MOE_ERROR_INPUT, moe_run_mark(run, least_one[i].path),
                      "%s is %" INT ", expected a whole number from 1 to %" INT, least_one[i].path, least_one[i].value,
                      MOST_OF_A_KIND);
  if (t->global_batch < 1 || t->sequence_length < 1)
    return moe_fail(error, MOE_ERROR_INPUT, moe_run_mark(run, "training"),
                    "global_batch is %" INT " and sequence_length %" INT ", expected whole numbers above zero",
                    t->global_batch, t->sequence_length);
  return TRUE;
}

gboolean moe_run_validate(MoeRun *run, GError **error)
{
  return check_positive(run, error) && derive_degrees(run, error) && check_shard_group(run, error) &&
         check_heads(run, error) && check_widths(run, error) && check_linear(run, error) && check_experts(run, error) &&
         check_sequence(run, error) && derive_micro_batches(run, error) && moe_pipeline_validate(run, error) &&
         check_precisions(run, error) && check_cpu(run, error) && check_offload(run, error);
}
