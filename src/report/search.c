/* A search as a page, and as records. */
#include "report/describe.h"
#include "training.h"

#include <math.h>
#include <moesim/report.h>
#include <string.h>

#define SECONDS_PER_HOUR 3600.0
#define SECONDS_PER_DAY  86400.0
/* Differences below this share of a step are not told. */
#define TOLD_SHARE 0.001

/* ---- records ---------------------------------------------------------------------------------------------------- */

/* "[norm,moe_activation]", as a run has it. */
static char *modules_text(guint modules)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

  for (guint m = 0; moe_module_words[m]; m++)
    if (modules & 1u << m)
      g_strv_builder_add(builder, moe_module_words[m]);
  g_auto(GStrv) words = g_strv_builder_end(builder);
  g_autofree char *list = g_strjoinv(",", words);
  return g_strdup_printf("[%s]", list);
}

/* Where it ranks, what its training takes beside the failures that were asked for, and whether there was time to look
 * at everything. */
static void add_search(JsonObject *object, const MoeSearchResult *search, guint index)
{
  const MoeCandidate *candidate = &search->ranked[index];
  const MoeResult *result = candidate->result;
  double steps = search->tokens > 0 ? search->tokens / result->tokens_per_step : 1;
  double wall_s = candidate->wall_s > 0 ? candidate->wall_s : result->step_time_s * steps;
  double gpu_hours = result->step_time_s * steps * (double)result->gpus / SECONDS_PER_HOUR;
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_bool(builder, "complete", search->n_not_reached == 0 && !search->cut_short);
  moe_json_integer(builder, "layouts_not_looked_at", search->n_not_reached);
  moe_json_bool(builder, "enumeration_cut_short", search->cut_short);
  if (search->unanswered)
    moe_json_texts(builder, "clusters_without_answer", (const char *const *)search->unanswered);
  moe_json_integer(builder, "rank", index + 1);
  if (search->tokens > 0)
    moe_json_number(builder, "days", wall_s / SECONDS_PER_DAY);
  if (candidate->price_gpu_hour > 0)
    moe_json_number(builder, search->tokens > 0 ? "dollars" : "dollars_per_step",
                    gpu_hours * candidate->price_gpu_hour);
  json_builder_end_object(builder);
  json_object_set_member(object, "search", json_builder_get_root(builder));
}

/* Carries every key that the layout sets, so that the record is enough to run it again. */
static JsonNode *describe_candidate(const MoeSearchResult *search, guint index)
{
  const MoeCandidate *candidate = &search->ranked[index];
  const char *keys[MOE_N_DIMENSIONS + 1];
  char *values[MOE_N_DIMENSIONS + 1], *paths[MOE_N_DIMENSIONS];
  MoeSettings settings = {G_N_ELEMENTS(keys), keys, (const char *const *)values};
  gboolean selective = candidate->choice.value[MOE_DIMENSION_RECOMPUTE] == MOE_RECOMPUTE_SELECTIVE;
  JsonNode *record = moe_describe_result(candidate->result);
  JsonObject *object = json_node_get_object(record);

  for (guint d = 0; d < MOE_N_DIMENSIONS; d++) {
    keys[d] = paths[d] = moe_dimension_key(d);
    values[d] = moe_choice_text(&candidate->choice, d);
  }
  keys[MOE_N_DIMENSIONS] = "recompute.modules";
  values[MOE_N_DIMENSIONS] = modules_text(selective ? search->recompute_modules : 0);
  moe_record_choose(object, &settings);
  for (guint k = 0; k < G_N_ELEMENTS(keys); k++)
    g_free(values[k]);
  for (guint d = 0; d < MOE_N_DIMENSIONS; d++)
    g_free(paths[d]);
  if (search->tokens > 0) {
    MoeTrainingCost training = moe_training_cost_of(candidate->result, search->tokens);

    moe_training_cost_write(object, &training);
  }
  add_search(object, search, index);
  return record;
}

static JsonNode *describe_search(const MoeSearchResult *search)
{
  g_autoptr(JsonArray) list = json_array_sized_new(search->n_ranked);

  for (guint i = 0; i < search->n_ranked; i++)
    json_array_add_element(list, describe_candidate(search, i));
  return json_node_init_array(json_node_alloc(), list);
}

/* ---- layouts ---------------------------------------------------------------------------------------------------- */

/* Whether all layouts shown agree in a dimension: then it is said once, above the table. */
static gboolean is_common(const MoeSearchResult *result, guint dimension)
{
  for (guint i = 1; i < result->n_ranked; i++)
    if (result->ranked[i].choice.value[dimension] != result->ranked[0].choice.value[dimension])
      return FALSE;
  return TRUE;
}

static void append_choice(GString *text, const MoeLayoutChoice *choice, guint dimension)
{
  g_autofree char *value = moe_choice_text(choice, dimension);

  g_string_append_printf(text, "%s%s %s", text->len > 0 ? ", " : "", moe_dimension_names[dimension], value);
}

/* "tensor 4, pipeline 8, ..." */
static char *describe(const MoeLayoutChoice *choice)
{
  GString *text = g_string_new(NULL);

  for (guint d = 0; d < MOE_N_DIMENSIONS; d++)
    append_choice(text, choice, d);
  return g_string_free(text, FALSE);
}

static char *common_choices(const MoeSearchResult *result)
{
  GString *text = g_string_new(NULL);

  for (guint d = 0; d < MOE_N_DIMENSIONS; d++)
    if (is_common(result, d))
      append_choice(text, &result->ranked[0].choice, d);
  return g_string_free(text, FALSE);
}

/* ---- the ranking ------------------------------------------------------------------------------------------------- */

static const MoeColumn answer_columns[] = {
    {"step", "step_time_s", "r", "s"},
    {"MFU causal", "mfu.causal", "r", "%"},
    {"memory", "memory.peak_bytes", "r", "B"},
    {"days", "search.days", "r?", "#"},
    {"cost", "search.dollars", "r1?", "$"},
    {"cost/step", "search.dollars_per_step", "r1?", "$"},
    {"energy", "training.mwh", "r3?", "MWh"},
    {"MW", "training.megawatts", "r4?", "#"},
    {"largest losses", .place = "w2", .text = moe_record_losses},
};

/* Dimensions in which the layouts differ, then what each is worth. */
static char *ranking(JsonNode *records, const MoeSearchResult *search, MoeSheet sheet)
{
  g_autoptr(GArray) columns = g_array_new(FALSE, FALSE, sizeof(MoeColumn));
  g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
  MoeColumn rank = {"rank", "search.rank", "r"}, cluster = {"cluster", "cluster", "l"};

  g_array_append_val(columns, rank);
  if (search->n_clusters > 1)
    g_array_append_val(columns, cluster);
  for (guint d = 0; d < MOE_N_DIMENSIONS; d++) {
    g_autofree char *key = moe_dimension_key(d);
    char *path = g_strconcat("set.", key, NULL);
    MoeColumn column = {moe_dimension_names[d], path, "l"};

    g_ptr_array_add(paths, path);
    if (!is_common(search, d))
      g_array_append_val(columns, column);
  }
  g_array_append_vals(columns, answer_columns, G_N_ELEMENTS(answer_columns));
  return moe_record_rows(json_node_get_array(records), (MoeColumn *)columns->data, columns->len, sheet);
}

/* ---- why -------------------------------------------------------------------------------------------------------- */

/* Largest difference first: repeatedly the largest of those not yet told. */
static int next_cause(const MoeResult *better, const MoeResult *worse, double below)
{
  int found = -1;
  double largest = TOLD_SHARE * better->step_time_s;

  for (int c = 0; c < MOE_N_CAUSES; c++) {
    double size = fabs(worse->cause_s[c] - better->cause_s[c]);

    if (size >= largest && size < below) {
      found = c;
      largest = size;
    }
  }
  return found;
}

static void append_causes(GString *text, const MoeResult *better, const MoeResult *worse)
{
  double below = INFINITY;

  for (int c = next_cause(better, worse, below); c >= 0; c = next_cause(better, worse, below)) {
    double difference = worse->cause_s[c] - better->cause_s[c];
    g_autofree char *size = moe_quantity_format(fabs(difference), MOE_DIM_SECONDS);

    g_string_append_printf(text, "  %s%-9s %s\n", difference > 0 ? "+" : "-", size, moe_cause_title((guint)c));
    below = fabs(difference);
  }
}

/* "zero 1 instead of 0, micro_batch 2 instead of 1" */
static char *changes(const MoeLayoutChoice *from, const MoeLayoutChoice *to)
{
  GString *text = g_string_new(NULL);

  for (guint d = 0; d < MOE_N_DIMENSIONS; d++) {
    if (from->value[d] == to->value[d])
      continue;
    append_choice(text, to, d);
    g_autofree char *before = moe_choice_text(from, d);
    g_string_append_printf(text, " instead of %s", before);
  }
  return g_string_free(text, FALSE);
}

static void append_difference(GString *text, const char *name, const MoeCandidate *best, const MoeCandidate *other)
{
  double slower = other->result->step_time_s / best->result->step_time_s - 1;
  gboolean moved = g_strcmp0(best->result->cluster, other->result->cluster) != 0;
  g_autofree char *layout = changes(&best->choice, &other->choice);
  g_autofree char *how = moved ? g_strdup_printf("%s instead of %s%s%s", other->result->cluster, best->result->cluster,
                                                 *layout ? ", " : "", layout)
                               : g_strdup(layout);
  g_autofree char *percent = moe_percent_format(fabs(slower));

  g_string_append_printf(text, "\n%s: %s. Its step is %s %s than the best:\n", name, *how ? how : "the same layout",
                         percent, slower < 0 ? "shorter" : "longer");
  append_causes(text, best->result, other->result);
}

static gboolean same_choice(const MoeCandidate *a, const MoeCandidate *b)
{
  return memcmp(&a->choice, &b->choice, sizeof a->choice) == 0;
}

static int rank_of_own(const MoeSearchResult *search)
{
  for (guint i = 0; i < search->n_ranked; i++)
    if (same_choice(&search->own, &search->ranked[i]))
      return (int)i + 1;
  return 0;
}

/* Whether everything that could be better than the run's own layout was simulated. */
static gboolean is_placed(const MoeSearchResult *search)
{
  return search->n_not_reached == 0 && !search->cut_short &&
         search->own.value <= search->ranked[search->n_ranked - 1].value;
}

static void append_own(GString *text, const MoeSearchResult *search)
{
  int known = rank_of_own(search);
  g_autofree char *name = NULL;

  if (!search->own.result ||
      search->own.choice.value[MOE_DIMENSION_GPUS] != search->ranked[0].choice.value[MOE_DIMENSION_GPUS])
    return;
  if (known == 1) {
    g_string_append(text, "\nThe run's own layout ranks 1.\n");
    return;
  }
  if (known > 0)
    name = g_strdup_printf("The run's own layout ranks %d", known);
  else if (is_placed(search))
    name = g_strdup_printf("The run's own layout%s would rank %u",
                           search->own.result->memory.fits ? "" : ", which does not fit,", search->own_behind + 1);
  else
    name = g_strdup_printf("The run's own layout%s ranks behind at least %u",
                           search->own.result->memory.fits ? "" : ", which does not fit,", search->own_behind);
  append_difference(text, name, &search->ranked[0], &search->own);
}

static void append_counts(GString *text, const MoeSearchResult *search)
{
  if (search->n_legal > 0)
    g_string_append_printf(text,
                           "\n%u legal layouts: %u too large and the others slower by their bound, but for %u that "
                           "were lowered: %u too large, %u simulated, the rest slower\n",
                           search->n_legal, search->n_too_large, search->n_lowered, search->n_did_not_fit,
                           search->n_simulated);
  else
    g_string_append(text, "\nNo layout but the run's own was looked at.\n");
  if (search->cut_short)
    g_string_append(text, "Out of time: not all layouts were enumerated; any of the others could be better than those "
                          "ranked.\n");
  if (search->n_not_reached == 0)
    return;
  g_autofree char *least = moe_quantity_format(search->not_reached_s, MOE_DIM_SECONDS);
  g_autofree char *bounds =
      search->not_reached_s > 0 ? g_strdup_printf("by their bounds (%s or more) ", least) : g_strdup("");
  g_string_append_printf(text,
                         "Out of time: %u layouts were not looked at, and %seach could be better than those "
                         "ranked.\n",
                         search->n_not_reached, bounds);
}

static char *search_page(JsonNode *records, const MoeSearchResult *search, MoeSheet sheet)
{
  GString *text = g_string_new(NULL);
  const MoeResult *best = search->ranked[0].result;
  g_autofree char *common = search->n_ranked > 1 ? common_choices(search) : describe(&search->ranked[0].choice);
  g_autofree char *rows = ranking(records, search, sheet);

  g_autofree char *clusters =
      search->n_clusters > 1 ? g_strdup_printf("%u clusters", search->n_clusters) : g_strdup(best->cluster);
  g_string_append_printf(text, "%s on %s with %s, by %s%s\nall: %s\n\n%s", best->run, clusters, best->stack,
                         moe_objective_words[search->objective],
                         search->noise_left_out ? "; without jitter and the spread of GPU speeds, which a run has"
                         : search->verified     ? "; found without noise, run again with it"
                                                : "",
                         common, rows);
  if (search->n_ranked > 1)
    append_difference(text, "Second", &search->ranked[0], &search->ranked[1]);
  append_own(text, search);
  append_counts(text, search);
  if (search->n_refuted > 0)
    g_string_append_printf(text, "%u ranked without noise %s\n", search->n_refuted,
                           search->objective == MOE_OBJECTIVE_GPUS
                               ? "did not fit, or missed the deadline with noise and failures"
                               : "did not fit with it");
  return g_string_free(text, FALSE);
}

char *moe_report_search(const MoeSearchResult *search, MoeSheet sheet)
{
  static const MoeForms forms = {.rows = ""};
  g_autoptr(JsonNode) records = describe_search(search);

  return sheet.format == MOE_FORMAT_TABLE ? search_page(records, search, sheet)
                                          : moe_record_emit(g_steal_pointer(&records), &forms, sheet);
}
