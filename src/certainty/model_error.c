/* What a prediction's own error is, from what others were wrong by. */
#include "internal.h"
#include "spec/spec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How near a case is to the run that is asked about, beside being of its kind. Round numbers, chosen among the few that
 * docs/model-plan.md lists with what each of them covers: none is fitted. */
#define NEAR_WAITING      0.1  /* share of the step that waits for wires, hosts and peers: standard deviation */
#define NEAR_SCALE        3    /* of log2 of the number of GPUs: a factor of 8 */
#define FAR_WEIGHT        0.02 /* of a case that is as far as can be in one of these, over one that is alike */
#define OTHER_ACCELERATOR 0.5  /* weight of a case on another one */
#define FAMILY_POWER      0.5  /* a family of n cases weighs as n^0.5: between families alike (0) and cases alike (1) */

/* A ratio, and the weight it has. */
typedef struct {
  double ratio, weight;
} Weighted;

static int by_ratio(const void *a, const void *b)
{
  const Weighted *x = a, *y = b;

  return (x->ratio > y->ratio) - (x->ratio < y->ratio);
}

/* Whether a run stands in the family's file of cases. */
static gboolean is_from(const char *family, const MoeRun *run)
{
  const char *path = run->doc ? moe_node_mark(moe_doc_root(run->doc)).file : NULL;
  g_autofree char *name = path ? g_path_get_basename(path) : NULL, *file = g_strconcat(family, ".yaml", NULL);

  return name && strcmp(name, file) == 0;
}

gboolean moe_is_own_family(const char *family, const MoeRun *run)
{
  return g_str_has_prefix(run->name, family) || is_from(family, run);
}

static gboolean is_own(const char *family, const MoeErrorSubject *subject)
{
  return subject->run ? moe_is_own_family(family, subject->run) : strcmp(subject->family, family) == 0;
}

/* ---- how much a case says ---------------------------------------------------------------------------------------- */

static double near(double distance, double scale)
{
  return FAR_WEIGHT + (1 - FAR_WEIGHT) * exp(-0.5 * distance * distance / (scale * scale));
}

static double weight_of(const MoeResidualGroup *group, guint i, const MoeErrorSubject *subject)
{
  double weight = strcmp(group->gpu, subject->gpu) == 0 ? 1 : OTHER_ACCELERATOR;

  if (group->waiting && isfinite(subject->waiting))
    weight *= near(group->waiting[i] - subject->waiting, NEAR_WAITING);
  if (group->gpus && subject->gpus > 0)
    weight *= near(log2(group->gpus[i] / subject->gpus), NEAR_SCALE);
  return weight;
}

static gboolean is_like(const MoeResidualGroup *group, const MoeErrorSubject *subject, const char *kind)
{
  return !is_own(group->family, subject) && (!kind || strcmp(group->kind, kind) == 0);
}

/* What all cases of a family weigh together, by family. */
static GHashTable *weigh_families(const MoeResiduals *residuals, const MoeErrorSubject *subject, const char *kind)
{
  GHashTable *families = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);

  for (guint g = 0; g < residuals->n_groups; g++) {
    const MoeResidualGroup *group = &residuals->group[g];

    if (!is_like(group, subject, kind) || group->n == 0)
      continue;
    double *sum = g_hash_table_lookup(families, group->family);
    if (!sum)
      g_hash_table_insert(families, (gpointer)group->family, sum = g_new0(double, 1));
    for (guint i = 0; i < group->n; i++)
      *sum += weight_of(group, i, subject);
  }
  return families;
}

static GArray *choose(const MoeResiduals *residuals, const MoeErrorSubject *subject, const char *kind,
                      guint *n_families)
{
  GArray *chosen = g_array_new(FALSE, FALSE, sizeof(Weighted));
  g_autoptr(GHashTable) families = weigh_families(residuals, subject, kind);

  for (guint g = 0; g < residuals->n_groups; g++) {
    const MoeResidualGroup *group = &residuals->group[g];
    const double *sum = is_like(group, subject, kind) ? g_hash_table_lookup(families, group->family) : NULL;

    for (guint i = 0; sum && i < group->n; i++) {
      Weighted one = {group->ratio[i], weight_of(group, i, subject) * pow(*sum, FAMILY_POWER - 1)};

      g_array_append_val(chosen, one);
    }
  }
  *n_families = g_hash_table_size(families);
  return chosen;
}

/* ---- an accelerator that nobody has published runs on ------------------------------------------------------------ */

static gboolean has_accelerator(const MoeResiduals *residuals, const MoeErrorSubject *subject)
{
  for (guint g = 0; g < residuals->n_groups; g++)
    if (!is_own(residuals->group[g].family, subject) && strcmp(residuals->group[g].gpu, subject->gpu) == 0)
      return TRUE;
  return FALSE;
}

/* Distinct training rates of the accelerators that have runs: the same figure twice was taken over, not fitted. */
static GArray *rates_of(const MoeResiduals *residuals)
{
  GArray *rates = g_array_new(FALSE, FALSE, sizeof(double));

  for (guint g = 0; g < residuals->n_groups; g++) {
    gboolean known = residuals->group[g].training_rate <= 0;

    for (guint i = 0; i < rates->len && !known; i++)
      known = g_array_index(rates, double, i) == residuals->group[g].training_rate;
    if (!known)
      g_array_append_val(rates, residuals->group[g].training_rate);
  }
  return rates;
}

/* What math holds in training on an accelerator without runs is a guess: it may be off as those of others differ. */
static GArray *spread_by_rates(const GArray *chosen, const MoeResiduals *residuals, const MoeErrorSubject *subject)
{
  g_autoptr(GArray) rates = rates_of(residuals);
  GArray *spread = g_array_new(FALSE, FALSE, sizeof(Weighted));
  double mean = 0;

  for (guint r = 0; r < rates->len; r++)
    mean += log(g_array_index(rates, double, r)) / rates->len;
  for (guint i = 0; i < chosen->len; i++)
    for (guint r = 0; r < rates->len; r++) {
      Weighted one = g_array_index(chosen, Weighted, i);

      one.ratio *= exp(subject->busy * (mean - log(g_array_index(rates, double, r))));
      g_array_append_val(spread, one);
    }
  return spread;
}

/* ---- the distribution -------------------------------------------------------------------------------------------- */

/* Values at the middles of equal parts of the weight. */
static void fill_ratios(GArray *chosen, double *ratio)
{
  double below = 0, total = 0;
  guint at = 0;

  g_array_sort(chosen, by_ratio);
  for (guint i = 0; i < chosen->len; i++)
    total += g_array_index(chosen, Weighted, i).weight;
  for (guint k = 0; k < MOE_N_MODEL_ERRORS; k++) {
    double wanted = (k + 0.5) / MOE_N_MODEL_ERRORS * total;

    while (at + 1 < chosen->len && below + g_array_index(chosen, Weighted, at).weight < wanted)
      below += g_array_index(chosen, Weighted, at++).weight;
    ratio[k] = g_array_index(chosen, Weighted, at).ratio;
  }
}

static const char *like_of(const char *kind)
{
  return !kind ? "all runs" : strcmp(kind, "moe") == 0 ? "runs with experts" : "dense runs";
}

static gboolean try_like(const MoeResiduals *residuals, const MoeErrorSubject *subject, const char *kind,
                         MoeModelError *error)
{
  guint n_families = 0;
  g_autoptr(GArray) chosen = choose(residuals, subject, kind, &n_families);
  gboolean known = has_accelerator(residuals, subject);

  if (chosen->len < MOE_LEAST_RESIDUALS || n_families < 2)
    return FALSE;
  g_autoptr(GArray) rates = rates_of(residuals);
  gboolean widened = !known && rates->len > 1;
  error->n_cases = chosen->len;
  error->n_families = n_families;
  error->like = g_strdup_printf("%s%s%s", like_of(kind), known ? "" : ", none on ", known ? "" : subject->gpu);
  g_autoptr(GArray) spread = widened ? spread_by_rates(chosen, residuals, subject) : g_array_ref(chosen);
  fill_ratios(spread, error->ratio);
  return TRUE;
}

static void fill_memory(const MoeResiduals *residuals, const MoeErrorSubject *subject, MoeModelError *error)
{
  g_autoptr(GArray) chosen = g_array_new(FALSE, FALSE, sizeof(Weighted));

  for (guint g = 0; g < residuals->n_memory; g++) {
    const MoeMemoryGroup *group = &residuals->memory[g];

    for (guint i = 0; !is_own(group->family, subject) && i < group->n; i++) {
      Weighted one = {group->ratio[i], pow(group->n, FAMILY_POWER - 1)};

      g_array_append_val(chosen, one);
    }
  }
  if (chosen->len < MOE_LEAST_RESIDUALS)
    return;
  error->n_peaks = chosen->len;
  fill_ratios(chosen, error->memory_ratio);
}

void moe_subject_error(const MoeResiduals *residuals, const MoeErrorSubject *subject, MoeModelError *error)
{
  *error = (MoeModelError){0};
  for (guint k = 0; k < MOE_N_MODEL_ERRORS; k++)
    error->ratio[k] = error->memory_ratio[k] = 1;
  if (!residuals)
    return;
  if (!try_like(residuals, subject, subject->kind, error))
    try_like(residuals, subject, NULL, error);
  fill_memory(residuals, subject, error);
}

void moe_model_error(const MoeResiduals *residuals, const MoeRun *run, const MoeResult *result, MoeModelError *error)
{
  double waiting = result ? moe_waiting_share(result) : NAN;
  double idle = result ? waiting + result->cause_s[MOE_CAUSE_BUBBLE] / result->step_time_s : 0;
  const MoeErrorSubject subject = {.run = run,
                                   .kind = run->architecture.moe.experts > 0 ? "moe" : "dense",
                                   .gpu = run->cluster.accelerator.name,
                                   .gpus = result ? (double)result->gpus : 0,
                                   .waiting = waiting,
                                   .busy = 1 - idle};

  moe_subject_error(residuals, &subject, error);
}

void moe_model_error_clear(MoeModelError *error)
{
  g_clear_pointer(&error->like, g_free);
}
