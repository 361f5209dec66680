/* A prediction beside a profile: sums of both, and their rows. */
#include "cost/cost.h"
#include "internal.h"

#include <math.h>

const char *const moe_diff_words[] = {"cause", "layer", "class", "product", NULL};

#define LEAST_SHARE 1e-6 /* of the step: a row of less on both sides is left out */

static void row_clear(gpointer data)
{
  MoeDiffRow *row = data;

  g_free(row->name);
  g_free(row->meaning);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* Takes name and meaning over. */
static void add_row(MoeProfileDiff *diff, MoeDiffKind kind, char *name, const DiffSum *sum, char *meaning)
{
  MoeDiffRow row = {kind, name, sum->predicted_s, sum->measured_s, sum->predicted_n, sum->measured_n, meaning};

  if (fmax(row.predicted_s, row.measured_s) > LEAST_SHARE * diff->measured_step_s)
    g_array_append_val(diff->rows, row);
  else
    row_clear(&row);
}

static void add_states(MoeProfileDiff *diff, const DiffSums *sums)
{
  static const char *const names[DIFF_N_STATES] = {"kernels", "exposed communication, waits for peers",
                                                   "exposed copies", "nothing on the GPU"};

  for (guint state = 0; state < DIFF_N_STATES; state++) {
    DiffSum sum = {.predicted_s = sums->predicted_state_s[state], .measured_s = sums->measured_state_s[state]};

    add_row(diff, MOE_DIFF_CAUSE, g_strdup(names[state]), &sum, diff_mean_state(sums, state));
  }
}

static void add_layers(MoeProfileDiff *diff, const DiffSums *sums)
{
  for (guint layer = 0; layer <= MOE_N_SCOPES; layer++)
    add_row(diff, MOE_DIFF_LAYER, g_strdup(layer < MOE_N_SCOPES ? moe_scope_words[layer] : "no layer is told"),
            &sums->layers[layer], diff_mean_layer(sums, layer));
}

static void add_classes(MoeProfileDiff *diff, const DiffSums *sums, const MoeCostModel *cost)
{
  for (guint klass = 0; klass < MOE_N_SEEN; klass++)
    if (klass != MOE_SEEN_COLLECTIVE)
      add_row(diff, MOE_DIFF_CLASS, g_strdup(moe_seen_words[klass]), &sums->classes[klass],
              diff_mean_class(sums, cost, klass));
  for (guint kind = 0; kind < DIFF_N_COLLECTIVES; kind++)
    add_row(diff, MOE_DIFF_CLASS, g_strdup(diff_collective_words[kind]), &sums->collectives[kind],
            diff_mean_collective(sums, kind));
}

/* "qkv and others [8192, 6144, 4096]" */
static char *product_name(const DiffProduct *p)
{
  g_autofree char *batch = p->batch > 1 ? g_strdup_printf("%" G_GINT64_FORMAT " x ", p->batch) : g_strdup("");

  return g_strdup_printf("%s%s%s%s[%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT "]",
                         p->name ? p->name : "", p->several ? " and others" : "", p->name ? " " : "", batch, p->low,
                         p->high, p->k);
}

static void add_products(MoeProfileDiff *diff, const DiffSums *sums, const MoeCostModel *cost)
{
  for (guint i = 0; i < sums->products->len; i++) {
    const DiffProduct *product = &g_array_index(sums->products, DiffProduct, i);

    add_row(diff, MOE_DIFF_PRODUCT, product_name(product), &product->sum, diff_mean_product(sums, product, cost));
  }
}

static gint largest_first(gconstpointer a, gconstpointer b)
{
  const MoeDiffRow *x = a, *y = b;
  double left = fabs(x->measured_s - x->predicted_s), right = fabs(y->measured_s - y->predicted_s);

  if (x->kind != y->kind)
    return x->kind < y->kind ? -1 : 1;
  if (left != right)
    return left < right ? 1 : -1;
  return g_strcmp0(x->name, y->name);
}

/* ---- both sides -------------------------------------------------------------------------------------------------- */

void diff_sums_init(DiffSums *sums, const MoeRun *run, const MoeProfile *profile, double steps)
{
  *sums = (DiffSums){.run = run, .profile = profile, .steps = steps};
  sums->spans = g_array_new(FALSE, FALSE, sizeof(DiffSpan));
  sums->products = g_array_new(FALSE, FALSE, sizeof(DiffProduct));
  sums->places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  sums->works = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

void diff_sums_clear(DiffSums *sums)
{
  g_array_unref(sums->spans);
  g_array_unref(sums->products);
  g_hash_table_unref(sums->places);
  g_hash_table_unref(sums->works);
}

/* Time in which the GPU has nothing is what is left of the step: a trace begins and ends with a kernel. */
static void settle_idle(MoeProfileDiff *diff, DiffSums *sums)
{
  double predicted_s = diff->result->step_time_s, measured_s = diff->measured_step_s;

  for (guint state = 0; state < DIFF_IDLE; state++) {
    predicted_s -= sums->predicted_state_s[state];
    measured_s -= sums->measured_state_s[state];
  }
  sums->predicted_state_s[DIFF_IDLE] = fmax(predicted_s, 0);
  sums->measured_state_s[DIFF_IDLE] = fmax(measured_s, 0);
}

MoeResult *diff_simulate(DiffSums *sums, const MoeSimOptions *options, int64_t rank, GError **error)
{
  MoeSimOptions traced = *options;

  traced.slice = diff_add_slice;
  traced.slice_data = sums;
  traced.n_trace_ranks = 1;
  traced.trace_ranks = &rank;
  return moe_study_predict(sums->run, &traced, error);
}

static gboolean fill(MoeProfileDiff *diff, DiffSums *sums, const MoeSimOptions *options, GError **error)
{
  g_autoptr(MoeCostModel) cost = moe_cost_model_new(&sums->run->cluster.accelerator, &sums->run->stack, error);

  diff->result = cost ? diff_simulate(sums, options, diff->rank, error) : NULL;
  if (!diff->result)
    return FALSE;
  diff_sum_states(sums->spans, 1, sums->predicted_state_s, &sums->predicted_overlapped_s);
  diff_add_profile(sums);
  settle_idle(diff, sums);
  diff->predicted_overlapped_s = sums->predicted_overlapped_s;
  diff->measured_overlapped_s = sums->measured_overlapped_s;
  add_states(diff, sums);
  add_layers(diff, sums);
  add_classes(diff, sums, cost);
  add_products(diff, sums, cost);
  g_array_sort(diff->rows, largest_first);
  return TRUE;
}

gboolean diff_rank_of(const MoeRun *run, const MoeProfile *profile, int64_t rank, int64_t *found, GError **error)
{
  gboolean has = profile->rank >= 0 && profile->rank < run->parallelism.gpus;

  *found = rank >= 0 ? rank : has ? profile->rank : 0;
  return rank < run->parallelism.gpus ||
         moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                  "--rank %" G_GINT64_FORMAT ", the run has %" G_GINT64_FORMAT " GPUs", rank, run->parallelism.gpus);
}

double diff_steps_of(const MoeProfile *profile, double steps)
{
  return steps > 0 ? steps : MAX(profile->n_steps, 1);
}

double diff_step_of(const MoeProfile *profile, double steps)
{
  return profile->n_steps > 0 && steps == profile->n_steps ? profile->step_s : profile->span_s / steps;
}

MoeProfileDiff *moe_profile_diff(const MoeRun *run, const MoeSimOptions *options, const MoeProfile *profile,
                                 int64_t rank, double steps, GError **error)
{
  g_autoptr(MoeProfileDiff) diff = g_new0(MoeProfileDiff, 1);
  DiffSums sums;

  diff->rows = g_array_new(FALSE, FALSE, sizeof(MoeDiffRow));
  g_array_set_clear_func(diff->rows, row_clear);
  if (!diff_rank_of(run, profile, rank, &diff->rank, error))
    return NULL;
  diff->steps = diff_steps_of(profile, steps);
  diff->measured_step_s = diff_step_of(profile, diff->steps);
  diff_sums_init(&sums, run, profile, diff->steps);
  gboolean good = fill(diff, &sums, options, error);
  diff_sums_clear(&sums);
  return good ? g_steal_pointer(&diff) : NULL;
}

void moe_profile_diff_free(MoeProfileDiff *diff)
{
  if (!diff)
    return;
  moe_result_free(diff->result);
  g_array_unref(diff->rows);
  g_free(diff);
}
