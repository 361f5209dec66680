/* Constants with which the kernels of a run take as long as a profile of it says. */
#include <math.h>
#include <string.h>

#include "calibrate/calibrate.h"
#include "cost/cost.h"
#include "internal.h"

/* Rates of a class are divided, and the run simulated again, so often: what communication beside takes is not
 * proportional. */
#define ROUNDS 4
/* As a class of kernels is slower or faster than its curve at most; beyond, the work is another one. */
#define MOST_FACTOR 10.0

/* Kernels that a trace tells from others: of a class, and of a pass where all names of the class say it. */
enum { FORWARD, BACKWARD, EITHER, N_PASSES };
typedef struct {
  double seen_s[2]; /* in steps of even number, from which is learned, and of odd number */
  guint n;          /* kernels seen in all */
  double first_s, predicted_s;
  double factor; /* of the time by the constants as they were */
} Group;

typedef struct {
  DiffSums *sums;
  const MoeCostModel *cost; /* of the run as it was */
  double learned_steps, kept_steps;
  gboolean passes[MOE_N_SEEN]; /* all kernels of the class tell theirs, and there are both */
  gboolean shaped;             /* the trace knows shapes of products */
  Group groups[MOE_N_SEEN][N_PASSES];
} Fitting;

/* ---- groups ------------------------------------------------------------------------------------------------------ */

/* Names of libraries do not tell a product of one expert from any other; a shape does. */
static MoeSeenClass class_in(const Fitting *fitting, MoeSeenClass klass)
{
  return klass == MOE_SEEN_GROUPED_GEMM && !fitting->shaped ? MOE_SEEN_GEMM : klass;
}

/* As sources of kernels name them. */
static guint pass_told(const char *name)
{
  static const struct {
    const char *part;
    guint pass;
  } parts[] = {{"bwd", BACKWARD},   {"backward", BACKWARD}, {"bprop", BACKWARD}, {"dgrad", BACKWARD},
               {"wgrad", BACKWARD}, {"fwd", FORWARD},       {"forward", FORWARD}};
  g_autofree char *lower = g_ascii_strdown(name, -1);

  for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
    if (strstr(lower, parts[i].part))
      return parts[i].pass;
  return EITHER;
}

static gboolean is_work(const MoeSeenKernel *kernel)
{
  return kernel->klass != MOE_SEEN_COLLECTIVE && kernel->klass != MOE_SEEN_COPY && kernel->klass != MOE_SEEN_OTHER;
}

static const MoeSeenKernel *seen(const Fitting *fitting, guint i)
{
  return &g_array_index(fitting->sums->profile->kernels, MoeSeenKernel, i);
}

static void learn_kinds(Fitting *fitting)
{
  const GArray *kernels = fitting->sums->profile->kernels;
  guint told[MOE_N_SEEN][N_PASSES] = {{0}};

  for (guint i = 0; i < kernels->len; i++) {
    fitting->shaped |= seen(fitting, i)->klass == MOE_SEEN_GEMM && seen(fitting, i)->m > 0;
    told[seen(fitting, i)->klass][pass_told(seen(fitting, i)->name)]++;
  }
  for (guint klass = 0; klass < MOE_N_SEEN; klass++)
    fitting->passes[klass] = told[klass][FORWARD] > 0 && told[klass][BACKWARD] > 0 && told[klass][EITHER] == 0;
  fitting->passes[MOE_SEEN_GEMM] &= fitting->shaped;
}

static Group *group_of(Fitting *fitting, MoeSeenClass klass, guint pass)
{
  klass = class_in(fitting, klass);
  return &fitting->groups[klass][fitting->passes[klass] ? pass : EITHER];
}

/* Steps of a profile take turns: one to learn from, one to judge by. */
static guint half_of(const Fitting *fitting, const MoeSeenKernel *kernel)
{
  const MoeProfile *profile = fitting->sums->profile;
  double first_s = seen(fitting, 0)->start_s;

  if (fitting->kept_steps <= 0)
    return 0;
  return (guint)(MAX(kernel->start_s - first_s, 0) / (profile->span_s / fitting->sums->steps)) % 2;
}

static void sum_seen(Fitting *fitting)
{
  for (guint i = 0; i < fitting->sums->profile->kernels->len; i++) {
    const MoeSeenKernel *kernel = seen(fitting, i);
    Group *group = group_of(fitting, kernel->klass, pass_told(kernel->name));

    if (!is_work(kernel))
      continue;
    group->seen_s[half_of(fitting, kernel)] += kernel->duration_s;
    group->n++;
  }
}

static guint pass_of(const MoeKernel *kernel)
{
  return kernel->pass == MOE_PASS_DGRAD || kernel->pass == MOE_PASS_WGRAD ? BACKWARD : FORWARD;
}

static void sum_predicted(Fitting *fitting, const DiffSums *sums, gboolean first)
{
  GHashTableIter iter;
  gpointer value;

  for (guint i = 0; i < MOE_N_SEEN * N_PASSES; i++)
    fitting->groups[i / N_PASSES][i % N_PASSES].predicted_s = 0;
  g_hash_table_iter_init(&iter, sums->works);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    const DiffWork *work = value;
    Group *group = group_of(fitting, diff_class_of(&work->kernel), pass_of(&work->kernel));

    group->predicted_s += work->time_s;
    group->first_s += first ? work->time_s : 0;
  }
}

/* What both sides have is fitted. */
static gboolean is_fitted(const Group *group)
{
  return group->seen_s[0] > 0 && group->first_s > 0;
}

static void correct(Fitting *fitting)
{
  for (guint i = 0; i < MOE_N_SEEN * N_PASSES; i++) {
    Group *group = &fitting->groups[i / N_PASSES][i % N_PASSES];

    if (is_fitted(group))
      group->factor = CLAMP(group->factor * group->seen_s[0] / fitting->learned_steps / group->predicted_s,
                            1 / MOST_FACTOR, MOST_FACTOR);
  }
}

/* ---- entries ----------------------------------------------------------------------------------------------------- */

/* Rates by which a class's time follows: its math, and its memory. Times of launches stay. */
static gboolean is_rate(const MoeCostConstant *constant)
{
  return g_str_has_prefix(constant->unit, "share of");
}

static void add_constant(MoeKernelFamily *family, const MoeCostConstant *constant, double value, double factor)
{
  family->constant[family->n_constants] = constant->name;
  family->value[family->n_constants++] = is_rate(constant) ? MIN(value / factor, MAX(constant->high, 1)) : value;
}

static void fill_constants(const Fitting *fitting, const MoeKernel *kernel, double factor, MoeKernelFamily *family)
{
  guint n;
  const MoeCostConstant *constants = moe_cost_constants(kernel->klass, &n);

  if (moe_cost_is_memory_bound(kernel->klass)) {
    guint kind = kernel->bandwidth;

    add_constant(family, &constants[kind], moe_cost_constant(fitting->cost, kernel, kind), factor);
    return;
  }
  for (guint c = 0; c < n; c++)
    add_constant(family, &constants[c], moe_cost_constant(fitting->cost, kernel, c), factor);
}

static gboolean is_alike(const MoeKernelFamily *a, const MoeKernelFamily *b)
{
  return a->klass == b->klass && a->precision == b->precision && a->pass == b->pass && strcmp(a->name, b->name) == 0 &&
         (!moe_cost_is_memory_bound(a->klass) || strcmp(a->constant[0], b->constant[0]) == 0);
}

/* The range of shapes grows by that of the kernel. */
static void extend(MoeKernelFamily *family, const MoeKernel *kernel)
{
  MoeCostAxis axes[MOE_COST_AXES];
  guint n = moe_cost_axes(kernel, axes);

  for (guint i = 0; i < n; i++) {
    guint at = 0;

    while (at < family->n_extents && strcmp(family->axis[at], axes[i].name) != 0)
      at++;
    if (at == family->n_extents) {
      family->axis[at] = axes[i].name;
      family->least[at] = family->most[at] = axes[i].value;
      family->n_extents++;
    }
    family->least[at] = MIN(family->least[at], axes[i].value);
    family->most[at] = MAX(family->most[at], axes[i].value);
  }
}

static MoeKernelFamily entry_of(Fitting *fitting, const MoeKernel *kernel)
{
  const Group *group = group_of(fitting, diff_class_of(kernel), pass_of(kernel));
  gboolean any = moe_cost_is_memory_bound(kernel->klass);
  MoeKernelFamily family = {.klass = kernel->klass, .precision = any ? -1 : (int)kernel->precision};
  MoeFamilyUse use;

  moe_cost_family(fitting->cost, kernel, &use);
  family.name = use.requested;
  family.pass = kernel->pass == MOE_PASS_DGRAD ? 1 : kernel->pass == MOE_PASS_WGRAD ? 2 : 0;
  family.rows = group->n;
  fill_constants(fitting, kernel, group->factor, &family);
  return family;
}

static void add_entry(Fitting *fitting, GArray *entries, const MoeKernel *kernel)
{
  MoeKernelFamily family;
  MoeFamilyUse use;
  guint at = 0;

  moe_cost_family(fitting->cost, kernel, &use);
  if (use.origin == MOE_ORIGIN_STACK || !is_fitted(group_of(fitting, diff_class_of(kernel), pass_of(kernel))))
    return; /* constants that the software brings go before those of the accelerator */
  family = entry_of(fitting, kernel);
  while (at < entries->len && !is_alike(&g_array_index(entries, MoeKernelFamily, at), &family))
    at++;
  if (at == entries->len)
    g_array_append_val(entries, family);
  extend(&g_array_index(entries, MoeKernelFamily, at), kernel);
}

static gint by_key(gconstpointer a, gconstpointer b)
{
  return strcmp(((const DiffWork *)a)->key, ((const DiffWork *)b)->key);
}

/* In an order that does not depend on a hash's. */
static GArray *entries_of(Fitting *fitting)
{
  GArray *entries = g_array_new(FALSE, FALSE, sizeof(MoeKernelFamily));
  g_autoptr(GList) works = g_list_sort(g_hash_table_get_values(fitting->sums->works), by_key);

  for (const GList *work = works; work; work = work->next)
    add_entry(fitting, entries, &((const DiffWork *)work->data)->kernel);
  return entries;
}

/* ---- simulations ------------------------------------------------------------------------------------------------- */

/* The run with the entries before those of its accelerator, and with what host and links are like. */
static MoeRun *run_with(const MoeRun *run, const GArray *entries, const MoeProfileFragment *fragment, GError **error)
{
  char *nothing[] = {NULL};
  MoeRun *with = moe_study_with(run, nothing, error);

  if (!with)
    return NULL;
  MoeKernelFits *fits = &with->cluster.accelerator.kernels;
  MoeKernelFamily *all = g_new0(MoeKernelFamily, fits->n + entries->len + 1);

  if (entries->len > 0)
    memcpy(all, entries->data, sizeof *all * entries->len);
  if (fits->n > 0)
    memcpy(all + entries->len, fits->family, sizeof *all * fits->n);
  g_free(fits->family);
  fits->family = all;
  fits->n += entries->len;
  diff_host_apply(with, fragment->host);
  diff_links_apply(with, fragment->links);
  return with;
}

static gboolean simulate_with(Fitting *fitting, const GArray *entries, const MoeSimOptions *options,
                              MoeProfileFragment *fragment, GError **error)
{
  DiffSums sums;

  g_clear_pointer(&fragment->result, moe_result_free);
  g_clear_pointer(&fragment->run, moe_run_free);
  fragment->run = run_with(fitting->sums->run, entries, fragment, error);
  if (!fragment->run)
    return FALSE;
  diff_sums_init(&sums, fragment->run, fitting->sums->profile, fitting->sums->steps);
  fragment->result = diff_simulate(&sums, options, fragment->rank, error);
  if (fragment->result)
    sum_predicted(fitting, &sums, FALSE);
  diff_sums_clear(&sums);
  return fragment->result != NULL;
}

/* ---- what is written --------------------------------------------------------------------------------------------- */

static void judge(const Fitting *fitting, const Group *group, MoeFragmentRow *row)
{
  row->n = group->n;
  row->before_s = group->first_s;
  row->after_s = group->predicted_s;
  row->measured_s = group->seen_s[0] / fitting->learned_steps;
  row->kept_s = fitting->kept_steps > 0 ? group->seen_s[1] / fitting->kept_steps : NAN;
}

static void add_rows(const Fitting *fitting, MoeProfileFragment *fragment)
{
  static const char *const words[] = {"forward", "backward", "both"};

  for (guint klass = 0; klass < MOE_N_SEEN; klass++)
    for (guint pass = 0; pass < N_PASSES; pass++) {
      const Group *group = &fitting->groups[klass][pass];
      MoeFragmentRow row = {.klass = klass, .pass = words[pass], .fitted = is_fitted(group)};

      judge(fitting, group, &row);
      if (row.before_s > 0 || group->n > 0)
        g_array_append_val(fragment->rows, row);
    }
}

/* How far the constants are from the steps that were kept; a profile of one step says nothing of it. */
static void add_residuals(Fitting *fitting, GArray *entries)
{
  for (guint i = 0; i < entries->len; i++) {
    MoeKernelFamily *family = &g_array_index(entries, MoeKernelFamily, i);
    MoeKernel kernel = {.klass = family->klass, .pass = family->pass > 0 ? MOE_PASS_DGRAD : MOE_PASS_FORWARD};
    guint n;
    const MoeCostConstant *constants = moe_cost_constants(family->klass, &n);

    for (guint c = 0; moe_cost_is_memory_bound(family->klass) && c < n; c++)
      if (strcmp(constants[c].name, family->constant[0]) == 0)
        kernel.bandwidth = c;
    MoeFragmentRow row = {0};
    judge(fitting, group_of(fitting, diff_class_of(&kernel), pass_of(&kernel)), &row);
    if (row.kept_s > 0)
      family->residual_median = family->residual_p90 = fabs(row.after_s / row.kept_s - 1);
  }
}

static gboolean is_replaced(const GArray *entries, const MoeKernelFamily *family)
{
  for (guint i = 0; i < entries->len; i++)
    if (!moe_cost_is_memory_bound(family->klass) && is_alike(&g_array_index(entries, MoeKernelFamily, i), family))
      return TRUE;
  return FALSE;
}

/* The entries, then those of the run's accelerator that they do not replace, as an override. */
static char *kernels_of(const MoeRun *run, GArray *entries, const char *source)
{
  const MoeKernelFits *fits = &run->cluster.accelerator.kernels;
  g_autoptr(GString) text = g_string_new("kernels:\n");

  for (guint i = 0; i < entries->len; i++)
    moe_calibration_append(text, &g_array_index(entries, MoeKernelFamily, i), source);
  for (guint i = 0; i < fits->n; i++)
    if (!is_replaced(entries, &fits->family[i]))
      moe_calibration_append(text, &fits->family[i], fits->family[i].source);
  g_autoptr(MoeDoc) doc = moe_doc_parse(text->str, -1, "kernels", NULL, NULL);
  g_autofree char *list = moe_node_print_flow(moe_node_get(moe_doc_root(doc), "kernels"));
  return g_strconcat("cluster.accelerator.kernels=", list, NULL);
}

/* The run's cluster, whatever its values come from, with these constants before its accelerator's own. */
static char *text_of(const MoeRun *run, GArray *entries, const GArray *links, const char *source, GError **error)
{
  g_autoptr(MoeDoc) doc = moe_doc_copy(run->doc);
  g_autoptr(GString) head =
      g_string_new("# A cluster with constants of kernels, and what collectives say of its links, "
                   "by a profile of a step.\n# Written by moesim calibrate --profile.\n");
  g_autofree char *kernels = kernels_of(run, entries, source);

  if (!moe_doc_set(doc, kernels, error) || !diff_links_set(doc, links, error))
    return NULL;
  diff_links_describe(head, links);
  g_autofree char *cluster = moe_node_print(moe_doc_find(doc, "cluster"), FALSE);
  return g_strconcat(head->str, cluster, NULL);
}

/* ---- entry ------------------------------------------------------------------------------------------------------- */

static void start(Fitting *fitting, DiffSums *sums, const MoeCostModel *cost)
{
  *fitting = (Fitting){.sums = sums, .cost = cost};
  fitting->kept_steps = sums->steps >= 2 ? floor(sums->steps / 2) : 0;
  fitting->learned_steps = sums->steps - fitting->kept_steps;
  for (guint i = 0; i < MOE_N_SEEN * N_PASSES; i++)
    fitting->groups[i / N_PASSES][i % N_PASSES].factor = 1;
  learn_kinds(fitting);
  sum_seen(fitting);
  sum_predicted(fitting, sums, TRUE);
}

static gboolean learn(Fitting *fitting, const MoeSimOptions *options, const char *source, MoeProfileFragment *fragment,
                      GError **error)
{
  g_autoptr(GArray) entries = NULL;

  for (guint round = 0; round < ROUNDS; round++) {
    correct(fitting);
    g_clear_pointer(&entries, g_array_unref);
    entries = entries_of(fitting);
    if (!simulate_with(fitting, entries, options, fragment, error))
      return FALSE;
  }
  add_residuals(fitting, entries);
  add_rows(fitting, fragment);
  fragment->text = text_of(fitting->sums->run, entries, fragment->links, source, error);
  fragment->stack = diff_host_text(fitting->sums->run, fragment->host, source, error);
  return fragment->text && fragment->stack;
}

static gboolean fill(MoeProfileFragment *fragment, DiffSums *sums, const MoeSimOptions *options, const char *source,
                     GError **error)
{
  g_autoptr(MoeCostModel) cost = moe_cost_model_new(&sums->run->cluster.accelerator, &sums->run->stack, error);
  g_autoptr(MoeResult) before = cost ? diff_simulate(sums, options, fragment->rank, error) : NULL;
  Fitting fitting;

  if (!before)
    return FALSE;
  fragment->before_step_s = before->step_time_s;
  fragment->host = diff_host_rows(sums->run, sums->profile);
  if (!diff_links(sums->run, sums->profile, &fragment->links, &fragment->collectives, error))
    return FALSE;
  start(&fitting, sums, cost);
  return learn(&fitting, options, source, fragment, error);
}

MoeProfileFragment *moe_profile_fragment(const MoeRun *run, const MoeSimOptions *options, const MoeProfile *profile,
                                         const char *source, int64_t rank, double steps, GError **error)
{
  g_autoptr(MoeProfileFragment) fragment = g_new0(MoeProfileFragment, 1);
  DiffSums sums;

  fragment->rows = g_array_new(FALSE, FALSE, sizeof(MoeFragmentRow));
  if (!diff_rank_of(run, profile, rank, &fragment->rank, error))
    return NULL;
  if (profile->kernels->len == 0) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "no kernel in the profile, expected those of a step");
    return NULL;
  }
  fragment->steps = diff_steps_of(profile, steps);
  fragment->measured_step_s = diff_step_of(profile, fragment->steps);
  diff_sums_init(&sums, run, profile, fragment->steps);
  gboolean good = fill(fragment, &sums, options, source, error);
  diff_sums_clear(&sums);
  return good ? g_steal_pointer(&fragment) : NULL;
}

void moe_profile_fragment_free(MoeProfileFragment *fragment)
{
  if (!fragment)
    return;
  moe_result_free(fragment->result);
  moe_run_free(fragment->run);
  g_array_unref(fragment->rows);
  g_clear_pointer(&fragment->host, g_array_unref);
  g_clear_pointer(&fragment->links, g_array_unref);
  g_clear_pointer(&fragment->collectives, g_array_unref);
  g_free(fragment->text);
  g_free(fragment->stack);
  g_free(fragment);
}
