/* Bounds never exceed the simulation; the best of a search is the best of all. */
#include "cost/cost.h"
#include "moetest.h"
#include "program/program.h"
#include "search/layouts.h"
#include "spec/spec.h"
#include "topo/topo.h"

#include "spec/schema.h"

#include <math.h>
#include <moesim/search.h>
#include <string.h>

static MoeRun *load(const char *file, const char *const *sets)
{
  g_autofree char *path = moetest_path(file);
  MoeRunOptions options = {.sets = sets, .data_dir = g_getenv("MOESIM_DATA")};
  g_autoptr(GError) error = NULL;
  MoeRun *run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s: %s", file, error ? error->message : "");
  run->cluster.accelerator.speed_spread = 0;
  return run;
}

static MoeSearchOptions options_of(MoeSpace space, const char *const *limits, guint top)
{
  return (MoeSearchOptions){.objective = MOE_OBJECTIVE_MFU,
                            .space = space,
                            .top = top,
                            .limits = limits,
                            .jobs = 2,
                            .sim = {.kernel_jitter = 0}};
}

/* Simulated step time, 0 when the layout cannot be lowered or does not fit; *peak is the footprint. */
static double simulate(const MoeRun *run, double *peak)
{
  MoeSimOptions sim = {.kernel_jitter = 0};
  g_autoptr(MoeResult) result = moe_study_predict(run, &sim, NULL);

  *peak = result ? result->memory.peak_bytes : 0;
  return result ? result->step_time_s : 0;
}

static double program_bound(const MoeRun *run)
{
  g_autoptr(MoeProgram) program = moe_program_build(run, 0, NULL);
  g_autoptr(MoeTopo) topo = moe_topo_new(&run->cluster, run->parallelism.gpus, 0, NULL, NULL);
  g_autoptr(MoeCostModel) cost = moe_cost_model_new(&run->cluster.accelerator, &run->stack, NULL);

  return moe_search_bound_program(run, program, topo, cost);
}

static void check_bounds(const MoeRun *run, const MoeCandidate *candidate)
{
  MoeRun copy;
  double peak;

  ck_assert(moe_search_apply(run, &candidate->choice, &copy));
  double step = simulate(&copy, &peak);
  GString *text = g_string_new(NULL);

  for (guint d = 0; d < MOE_N_DIMENSIONS; d++) {
    g_autofree char *key = moe_dimension_key(d), *value = moe_choice_text(&candidate->choice, d);

    g_string_append_printf(text, " %s=%s", key, value);
  }
  if (step > 0) {
    ck_assert_msg(candidate->bound_s <= step * (1 + 1e-9), "bound %g s, step %g s:%s", candidate->bound_s, step,
                  text->str);
    double of_program = program_bound(&copy);

    ck_assert_msg(of_program > 0 && of_program <= step * (1 + 1e-9), "program %g s, step %g s:%s", of_program, step,
                  text->str);
    ck_assert_msg(candidate->bound_bytes <= peak * (1 + 1e-9), "bound %g B, peak %g B:%s", candidate->bound_bytes, peak,
                  text->str);
  }
  g_string_free(text, TRUE);
}

/* Every stride'th layout of a space, so that the whole breadth is seen. */
static void check_space(const MoeRun *run, const MoeSearchOptions *options, guint samples)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GArray) choices = moe_search_enumerate(run, options, &error);
  ck_assert_msg(choices != NULL, "%s", error ? error->message : "");
  ck_assert_uint_gt(choices->len, 0);
  guint n = MIN(MOETEST_CASES(samples), choices->len);
  g_autofree MoeCandidate *some = g_new0(MoeCandidate, n);

  for (guint i = 0; i < n; i++)
    some[i].choice = g_array_index(choices, MoeLayoutChoice, (guint)((guint64)i * choices->len / n));
  moe_search_bound(run, options, NULL, n, some);
  for (guint i = 0; i < n; i++) {
    ck_assert(some[i].bound_s > 0 ||
              some[i].bound_bytes > run->cluster.accelerator.memory_bytes - run->memory.headroom_bytes);
    check_bounds(run, &some[i]);
  }
}

/* Under the sanitizers a corner of a space of 100,000 layouts, of which a few are looked at anyway. */
static const char *const corner[] = {"tensor=1,2", "micro_batch=1,2", NULL};
#define WHOLE_OR_CORNER (MOETEST_EVERY > 1 ? corner : NULL)

START_TEST(bounds_of_a_dense_model)
{
  const char *sets[] = {"training.global_batch=192", NULL};
  g_autoptr(MoeRun) run = load("models/gpt3-175b.yaml", sets);
  MoeSearchOptions calculon = options_of(MOE_SPACE_CALCULON, NULL, 1), all = options_of(MOE_SPACE_ALL, NULL, 1);

  check_space(run, &calculon, 20);
  check_space(run, &all, 16);
}
END_TEST

START_TEST(bounds_of_a_moe)
{
  const char *sets[] = {"training.global_batch=1024", "parallelism.gpus=256", "parallelism.pipeline=8",
                        "parallelism.expert=32", NULL};
  g_autoptr(MoeRun) run = load("models/deepseek-v3.yaml", sets);
  MoeSearchOptions all = options_of(MOE_SPACE_ALL, WHOLE_OR_CORNER, 1);

  check_space(run, &all, 10);
}
END_TEST

START_TEST(bounds_with_offload_and_zero)
{
  const char *sets[] = {"parallelism.gpus=256", "training.global_batch=256", NULL};
  g_autoptr(MoeRun) run = load("models/mai-base-1/v5.yaml", sets);
  MoeSearchOptions all = options_of(MOE_SPACE_ALL, WHOLE_OR_CORNER, 1);

  check_space(run, &all, 6);
}
END_TEST

/* Bounds know the rate of a training step, and what the ports of a GPU carry, whatever hides behind what: here of
 * weights that are gathered for every micro-batch. */
START_TEST(bounds_are_tight)
{
  const char *own[] = {"parallelism.gpus=256", "training.global_batch=256", NULL};
  const char *gathers[] = {
      "parallelism.gpus=256",  "training.global_batch=256", "parallelism.zero=3",     "parallelism.context=4",
      "offload.activations=0", "recompute.mode=full",       "training.micro_batch=1", NULL};
  const char *const *sets[] = {own, gathers};
  double least[] = {0.7, 0.75};

  for (guint i = 0; i < G_N_ELEMENTS(sets); i++) {
    g_autoptr(MoeRun) run = load("models/mai-base-1/v5.yaml", sets[i]);
    double peak, step = simulate(run, &peak), bound = program_bound(run);

    ck_assert_msg(bound > least[i] * step && bound <= step, "%u: bound %g s, step %g s", i, bound, step);
  }
}
END_TEST

/* ---- against exhaustive search ---------------------------------------------------------------------------------- */

/* The best value among all layouts that fit. */
static double exhaustive(const MoeRun *run, const MoeSearchOptions *options, guint *n_fitting)
{
  g_autoptr(GArray) choices = moe_search_enumerate(run, options, NULL);
  double best = INFINITY;

  *n_fitting = 0;
  for (guint i = 0; i < choices->len; i++) {
    MoeRun copy;
    double peak;

    ck_assert(moe_search_apply(run, &g_array_index(choices, MoeLayoutChoice, i), &copy));
    double step = simulate(&copy, &peak);
    if (step <= 0 || peak > run->cluster.accelerator.memory_bytes)
      continue;
    *n_fitting += 1;
    best = MIN(best, step);
  }
  return best;
}

/* Returns how many fitting layouts were not simulated. */
static guint check_against_exhaustive(const MoeRun *run, const char *const *limits)
{
  MoeSearchOptions options = options_of(MOE_SPACE_USUAL, limits, 3);
  g_autoptr(GError) error = NULL;
  guint fitting;
  double best = exhaustive(run, &options, &fitting);
  g_autoptr(MoeSearchResult) found = moe_search(run, &options, &error);

  ck_assert_msg(found != NULL, "%s", error ? error->message : "");
  ck_assert_uint_gt(fitting, 3);
  ck_assert_double_eq(found->ranked[0].result->step_time_s, best);
  for (guint i = 1; i < found->n_ranked; i++)
    ck_assert_double_ge(found->ranked[i].value, found->ranked[i - 1].value);
  return fitting - found->n_simulated;
}

START_TEST(best_of_a_dense_model)
{
  static const char *const limits[] = {"micro_batch=1,2", "tensor=8", "pipeline=4,8", "zero=1", NULL};
  const char *sets[] = {"training.global_batch=64", NULL};
  g_autoptr(MoeRun) run = load("models/gpt3-175b.yaml", sets);

  ck_assert_uint_gt(check_against_exhaustive(run, limits), 0); /* something was pruned */
}
END_TEST

START_TEST(best_of_a_moe)
{
  static const char *const limits[] = {"micro_batch=1,2",    "tensor=1,2", "expert=32", "pipeline=8,16",
                                       "virtual_stages=1,2", "zero=1",     NULL};
  const char *sets[] = {"training.global_batch=1024", "parallelism.gpus=256", "parallelism.pipeline=8",
                        "parallelism.expert=32", NULL};
  g_autoptr(MoeRun) run = load("models/deepseek-v3.yaml", sets);

  check_against_exhaustive(run, limits);
}
END_TEST

START_TEST(same_with_any_number_of_threads)
{
  static const char *const limits[] = {"tensor=4,8", "zero=1", "micro_batch=1", NULL};
  g_autoptr(MoeRun) run = load("models/gpt3-175b.yaml", NULL);
  MoeSearchOptions options = options_of(MOE_SPACE_USUAL, limits, 5);

  options.jobs = 1;
  g_autoptr(MoeSearchResult) one = moe_search(run, &options, NULL);
  options.jobs = 8;
  g_autoptr(MoeSearchResult) eight = moe_search(run, &options, NULL);
  ck_assert_uint_eq(one->n_ranked, eight->n_ranked);
  for (guint i = 0; i < one->n_ranked; i++) {
    ck_assert_int_eq(memcmp(&one->ranked[i].choice, &eight->ranked[i].choice, sizeof one->ranked[i].choice), 0);
    ck_assert_double_eq(one->ranked[i].value, eight->ranked[i].value);
  }
}
END_TEST

/* ---- objectives and limits -------------------------------------------------------------------------------------- */

START_TEST(smallest_cluster)
{
  static const char *const limits[] = {"gpus=64,128,256", "tensor=8", "micro_batch=1,2", "zero=1", NULL};
  g_autoptr(MoeRun) run = load("models/gpt3-175b.yaml", NULL);
  MoeSearchOptions options = options_of(MOE_SPACE_USUAL, limits, 1);
  double tokens_per_step = 64.0 * 2048.0;

  options.objective = MOE_OBJECTIVE_TIME;
  g_autoptr(MoeSearchResult) best = moe_search(run, &options, NULL);
  options.objective = MOE_OBJECTIVE_GPUS;
  options.tokens = 1000 * tokens_per_step;
  options.deadline_s = 1000 * best->ranked[0].value; /* only the fastest of all meets it */
  g_autoptr(MoeSearchResult) found = moe_search(run, &options, NULL);
  ck_assert_ptr_nonnull(found);
  ck_assert_double_le(found->ranked[0].result->step_time_s, best->ranked[0].value);
  options.deadline_s = 1e9; /* anything does: the smallest that fits */
  g_autoptr(MoeSearchResult) small = moe_search(run, &options, NULL);
  ck_assert_int_eq(small->ranked[0].choice.value[MOE_DIMENSION_GPUS], 64);
  g_autoptr(GError) error = NULL;
  options.deadline_s = 1e-3;
  ck_assert_ptr_null(moe_search(run, &options, &error));
  ck_assert_ptr_nonnull(strstr(error->message, "meets the deadline"));
}
END_TEST

/* A search that runs out of time says so, and has at least the run's own layout. */
START_TEST(budget_is_told)
{
  static const char *const limits[] = {"tensor=8", "zero=1", "micro_batch=1", NULL};
  g_autoptr(MoeRun) run = load("models/gpt3-175b.yaml", NULL);
  MoeSearchOptions options = options_of(MOE_SPACE_USUAL, limits, 1);
  g_autoptr(MoeSearchResult) whole = moe_search(run, &options, NULL);
  ck_assert_uint_eq(whole->n_not_reached, 0);
  ck_assert(!whole->cut_short);
  options.budget_s = 1e-6; /* gone before the first simulation */
  options.limits = NULL;
  g_autoptr(MoeSearchResult) early = moe_search(run, &options, NULL);
  ck_assert_ptr_nonnull(early);
  ck_assert_uint_eq(early->n_ranked, 1);
  ck_assert(early->cut_short || early->n_not_reached > 0);
}
END_TEST

static gboolean count_down(gpointer user_data)
{
  return g_atomic_int_add((int *)user_data, -1) <= 0;
}

/* Wherever a search is asked to stop - enumerating, bounding, probing, simulating - it comes back, knows that it is not
 * at its end, and claims nothing about what it did not look at. */
START_TEST(stops_in_every_phase)
{
  static const char *const limits[] = {"tensor=4,8", "zero=0,1", NULL};
  g_autoptr(MoeRun) run = load("models/gpt3-175b.yaml", NULL);
  MoeSearchOptions options = options_of(MOE_SPACE_USUAL, limits, 3);
  g_autoptr(MoeSearchResult) whole = moe_search(run, &options, NULL);
  guint whole_ones = 0;

  for (int looks = 1; whole_ones == 0; looks += looks * MOETEST_EVERY / 2 + 1) {
    g_autoptr(GError) error = NULL;
    int left = looks;

    options.stopped = count_down;
    options.stopped_data = &left;
    g_autoptr(MoeSearchResult) part = moe_search(run, &options, &error);
    gboolean stopped = left < 0;
    if (!part) {
      ck_assert(stopped && strstr(error->message, "not looked at"));
      continue;
    }
    ck_assert_double_ge(part->ranked[0].value, whole->ranked[0].value);
    if (part->ranked[0].value > whole->ranked[0].value)
      ck_assert(stopped && (part->cut_short || part->n_not_reached > 0));
    whole_ones += !stopped;
  }
}
END_TEST

/* Slack lets in what is larger than the memory, and no more than it says. */
START_TEST(slack_widens_the_memory)
{
  static const char *const limits[] = {"tensor=8", "zero=1", "micro_batch=1", NULL};
  g_autoptr(MoeRun) run = load("models/gpt3-175b.yaml", NULL);
  MoeSearchOptions options = options_of(MOE_SPACE_USUAL, limits, 3);
  g_autoptr(MoeSearchResult) strict = moe_search(run, &options, NULL);
  double most = 0, memory = run->cluster.accelerator.memory_bytes;

  options.memory_slack = 0.5;
  g_autoptr(MoeSearchResult) wide = moe_search(run, &options, NULL);
  for (guint i = 0; i < wide->n_ranked; i++)
    most = MAX(most, wide->ranked[i].result->memory.peak_bytes);
  ck_assert_double_gt(most, memory);
  ck_assert_double_le(most, 1.5 * memory);
  ck_assert_double_lt(wide->ranked[0].value, strict->ranked[0].value);
  for (guint i = 0; i < strict->n_ranked; i++)
    ck_assert_double_le(strict->ranked[i].result->memory.peak_bytes, memory);
}
END_TEST

START_TEST(wrong_limits)
{
  static const char *const wrong[][2] = {
      {"tenser=1", NULL}, {"tensor=x", NULL}, {"schedule=2f2b", NULL}, {"zero=4", NULL}, {"tensor", NULL}};
  g_autoptr(MoeRun) run = load("models/gpt3-175b.yaml", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
    g_autoptr(GError) error = NULL;
    MoeSearchOptions options = options_of(MOE_SPACE_USUAL, wrong[i], 1);

    ck_assert_ptr_null(moe_search(run, &options, &error));
    ck_assert_ptr_nonnull(error);
  }
}
END_TEST

START_TEST(cost_needs_a_price)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run = load("models/gpt3-175b.yaml", NULL);
  MoeSearchOptions options = options_of(MOE_SPACE_USUAL, NULL, 1);

  run->cluster.price_gpu_hour = 0;
  options.objective = MOE_OBJECTIVE_COST;
  ck_assert_ptr_null(moe_search(run, &options, &error));
  ck_assert_ptr_nonnull(strstr(error->message, "price"));
}
END_TEST

/* Dollars are GPU-hours times their price: the best by cost is the best by MFU, and costs what that says. */
START_TEST(cost_of_the_best)
{
  static const char *const limits[] = {"tensor=8", "zero=1", "micro_batch=1", NULL};
  g_autoptr(MoeRun) run = load("models/gpt3-175b.yaml", NULL);
  MoeSearchOptions options = options_of(MOE_SPACE_USUAL, limits, 1);
  g_autoptr(MoeSearchResult) by_mfu = moe_search(run, &options, NULL);

  run->cluster.price_gpu_hour = 3;
  options.objective = MOE_OBJECTIVE_COST;
  g_autoptr(MoeSearchResult) by_cost = moe_search(run, &options, NULL);
  const MoeResult *best = by_cost->ranked[0].result;

  ck_assert_mem_eq(&by_cost->ranked[0].choice, &by_mfu->ranked[0].choice, sizeof by_mfu->ranked[0].choice);
  ck_assert_double_eq_tol(by_cost->ranked[0].value, best->step_time_s * (double)best->gpus * 3 / 3600, 1e-9);
}
END_TEST

/* Nothing legal, nothing that fits, nothing said of the deadline: three answers. */
START_TEST(nothing_is_found)
{
  static const char *const illegal[] = {"tensor=8", "pipeline=7", NULL};
  static const char *const large[] = {"tensor=1", "pipeline=1", "context=1", NULL};
  g_autoptr(MoeRun) run = load("models/gpt3-175b.yaml", NULL);
  MoeSearchOptions options = options_of(MOE_SPACE_USUAL, illegal, 1);
  g_autoptr(GError) error = NULL;

  ck_assert_ptr_null(moe_search(run, &options, &error));
  ck_assert_str_eq(error->message, "no legal layout, expected wider --limit or --space");
  g_clear_error(&error);
  options.limits = large;
  run->cluster.accelerator.memory_bytes = 1e9;
  ck_assert_ptr_null(moe_search(run, &options, &error));
  ck_assert(g_str_has_suffix(error->message, " legal layouts fits the memory, expected more GPUs"));
  g_clear_error(&error);
  options.objective = MOE_OBJECTIVE_GPUS;
  ck_assert_ptr_null(moe_search(run, &options, &error));
  ck_assert_str_eq(error->message, "--objective gpus: expected --tokens and --deadline");
}
END_TEST

/* What a search varies are the keys of a run that say they are axes, all of them, by their names. */
START_TEST(dimensions_are_the_axes_of_runs)
{
  g_autoptr(GPtrArray) keys = moe_schema_keys(MOE_SCHEMA_RUN);
  guint n = 0;

  for (guint i = 0; i < keys->len; i++) {
    const MoeSchemaKey *key = keys->pdata[i];
    guint d = 0;

    if (!key->field->axis)
      continue;
    while (d < MOE_N_DIMENSIONS && strcmp(moe_dimension_names[d], key->field->axis) != 0)
      d++;
    ck_assert_msg(d < MOE_N_DIMENSIONS, "%s is no dimension", key->field->axis);
    g_autofree char *path = moe_dimension_key(d);

    ck_assert_str_eq(path, key->path);
    n++;
  }
  ck_assert_uint_eq(n, MOE_N_DIMENSIONS);
}
END_TEST

MOE_TEST_MAIN("study/search", bounds_of_a_dense_model, bounds_of_a_moe, bounds_with_offload_and_zero, bounds_are_tight,
              best_of_a_dense_model, best_of_a_moe, same_with_any_number_of_threads, smallest_cluster, budget_is_told,
              stops_in_every_phase, slack_widens_the_memory, wrong_limits, cost_needs_a_price, cost_of_the_best,
              nothing_is_found, dimensions_are_the_axes_of_runs)
