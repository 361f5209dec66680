/* Pair questions: two cases of one family that differ in one thing. Was the winner predicted? */
#include "cases.h"
#include "doc/doc.h"
#include "spec/spec.h"

#include <math.h>

const char *const moe_differs_words[] = {"layout", "precision", "scale",          "overlap",  "recompute",
                                         "model",  "machine",   "expert library", "software", NULL};

/* Measured throughputs closer than this are a draw: run-to-run spread of published runs is about one percent. */
#define DRAW 0.01
/* Further apart than this no layout or library would be taken for the other. */
#define CLEAR 0.05

static char *print_section(const MoeRun *run, const char *path)
{
  const MoeNode *node = moe_node_find(moe_doc_root(run->doc), path);

  return node ? moe_node_print(node, FALSE) : g_strdup("");
}

static char *print_experts(const MoeRun *run)
{
  const MoeStack *stack = &run->stack;
  const char *library = stack->collectives.expert_library;

  return g_strdup_printf("%s%s", library ? library : "nccl", stack->moe.deduplicate ? " once" : "");
}

static void forget(MoeDoc *doc, const char *section, const char *key)
{
  MoeNode *map = moe_doc_find(doc, section);

  if (map)
    moe_doc_remove(doc, map, key);
}

/* All of the stack but what print_experts says. */
static char *print_software(const MoeRun *run)
{
  g_autoptr(MoeDoc) doc = moe_doc_copy(run->doc);

  forget(doc, "stack.collectives", "expert_library");
  forget(doc, "stack.moe", "deduplicate");
  const MoeNode *stack = moe_doc_find(doc, "stack");
  return stack ? moe_node_print(stack, FALSE) : g_strdup("");
}

static char *print_layout(const MoeRun *run)
{
  const MoeParallelism *p = &run->parallelism;

  return g_strdup_printf(
      "tp%" G_GINT64_FORMAT " cp%" G_GINT64_FORMAT " pp%" G_GINT64_FORMAT " vpp%" G_GINT64_FORMAT " ep%" G_GINT64_FORMAT
      " etp%" G_GINT64_FORMAT " mbs%" G_GINT64_FORMAT " zero%" G_GINT64_FORMAT " sp%d %s shard%" G_GINT64_FORMAT,
      p->tensor, p->context, p->pipeline, p->virtual_stages, p->expert, p->expert_tensor, run->training.micro_batch,
      p->zero, p->sequence_parallel, moe_schedule_words[p->schedule], p->shard_group);
}

static char *print_scale(const MoeRun *run)
{
  return g_strdup_printf("%" G_GINT64_FORMAT " GPUs, batch %" G_GINT64_FORMAT ", sequence %" G_GINT64_FORMAT,
                         run->parallelism.gpus, run->training.global_batch, run->training.sequence_length);
}

void moe_case_describe(const MoeRun *run, MoeCase *c)
{
  c->differs[MOE_DIFFERS_LAYOUT] = print_layout(run);
  c->differs[MOE_DIFFERS_PRECISION] = print_section(run, "training.precision");
  c->differs[MOE_DIFFERS_SCALE] = print_scale(run);
  c->differs[MOE_DIFFERS_OVERLAP] = print_section(run, "parallelism.overlap");
  c->differs[MOE_DIFFERS_RECOMPUTE] = print_section(run, "recompute");
  c->differs[MOE_DIFFERS_MODEL] = print_section(run, "architecture");
  c->differs[MOE_DIFFERS_MACHINE] = g_strdup(run->cluster.name);
  c->differs[MOE_DIFFERS_EXPERTS] = print_experts(run);
  c->differs[MOE_DIFFERS_SOFTWARE] = print_software(run);
}

/* The one part in which two cases differ, or MOE_N_DIFFERS. */
static MoeDiffers single_difference(const MoeCase *a, const MoeCase *b)
{
  MoeDiffers found = MOE_N_DIFFERS;

  for (guint d = 0; d < MOE_N_DIFFERS; d++) {
    if (g_strcmp0(a->differs[d], b->differs[d]) == 0)
      continue;
    if (found != MOE_N_DIFFERS)
      return MOE_N_DIFFERS;
    found = d;
  }
  return found;
}

static gboolean comparable(const MoeCase *a, const MoeCase *b)
{
  return moe_case_has_step(a) && moe_case_has_step(b) &&
         g_strcmp0(a->group[MOE_GROUP_BY_FAMILY], b->group[MOE_GROUP_BY_FAMILY]) == 0;
}

static void ask(MoeValidation *validation, GArray *pairs, guint i, guint j, MoeDiffers differs)
{
  const MoeCase *c = validation->cases;
  gboolean first = c[i].tokens_per_s_per_gpu_published > c[j].tokens_per_s_per_gpu_published;
  MoeCasePair pair = {.a = first ? i : j, .b = first ? j : i, .differs = differs};

  pair.published_ratio = c[pair.a].tokens_per_s_per_gpu_published / c[pair.b].tokens_per_s_per_gpu_published;
  pair.predicted_ratio = c[pair.a].tokens_per_s_per_gpu_predicted / c[pair.b].tokens_per_s_per_gpu_predicted;
  if (pair.published_ratio < 1 + DRAW)
    return;
  pair.right = pair.predicted_ratio > 1;
  pair.clear = pair.published_ratio > 1 + CLEAR;
  g_array_append_val(pairs, pair);
  validation->n_pairs_right += pair.right;
}

void moe_case_pairs(MoeValidation *validation)
{
  GArray *pairs = g_array_new(FALSE, FALSE, sizeof(MoeCasePair));

  for (guint i = 0; i < validation->n; i++)
    for (guint j = i + 1; j < validation->n; j++) {
      if (!comparable(&validation->cases[i], &validation->cases[j]))
        continue;
      MoeDiffers differs = single_difference(&validation->cases[i], &validation->cases[j]);
      if (differs != MOE_N_DIFFERS)
        ask(validation, pairs, i, j, differs);
    }
  validation->n_pairs = pairs->len;
  validation->pairs = (MoeCasePair *)g_array_free(pairs, FALSE);
}

static MoePairCount count_pairs(const MoeValidation *validation, MoeDiffers differs)
{
  MoePairCount count = {.differs = differs == MOE_N_DIFFERS ? "all" : moe_differs_words[differs]};

  for (guint i = 0; i < validation->n_pairs; i++) {
    const MoeCasePair *pair = &validation->pairs[i];

    if (differs != MOE_N_DIFFERS && pair->differs != differs)
      continue;
    count.asked++;
    count.right += pair->right != 0;
    count.clear_asked += pair->clear != 0;
    count.clear_right += pair->clear && pair->right;
  }
  return count;
}

guint moe_validation_pair_counts(const MoeValidation *validation, MoePairCount counts[MOE_N_DIFFERS + 1])
{
  guint n = 0;

  for (guint d = 0; d <= MOE_N_DIFFERS; d++) {
    counts[n] = count_pairs(validation, (MoeDiffers)d);
    n += counts[n].asked > 0;
  }
  return n;
}
