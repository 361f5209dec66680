/* Cases from files, and the unknowns that they share. */
#include <math.h>
#include <string.h>

#include "internal.h"

static void case_free(gpointer data)
{
  MoeInferCase *c = data;

  for (guint i = 0; i < c->shots->len; i++)
    moe_shot_clear(&g_array_index(c->shots, MoeShot, i));
  g_array_unref(c->shots);
  moe_surrogate_free(c->failing);
  g_free(c->varied);
  g_free(c->unknown);
  g_free(c->choices);
  g_free(c->name);
  g_free(c->family);
  moe_run_free(c->run);
  g_free(c);
}

/* ---- what is unknown in a case ----------------------------------------------------------------------------------- */

static gboolean same_file(const char *a, const char *b)
{
  return a && b && strcmp(a, b) == 0;
}

/* What the file of cases says of a case is known of it, unless it is the same file that says how little is known. */
static gboolean is_stated(const MoeInferCase *c, const char *file, const MoeAssumption *assumption)
{
  const MoeNode *value = moe_node_find(moe_doc_root(c->run->doc), assumption->key);

  return value && same_file(moe_node_mark(value).file, file) && !same_file(assumption->mark.file, file);
}

static guint unknown_of(MoeProblem *problem, const char *key, guint of, guint index)
{
  MoeStand stand = {of, index};
  guint found;

  if (g_ptr_array_find_with_equal_func(problem->keys, key, g_str_equal, &found))
    return found;
  g_ptr_array_add(problem->keys, g_strdup(key));
  g_array_append_val(problem->first, stand);
  return problem->keys->len - 1;
}

static void find_unknowns(MoeProblem *problem, guint of, const char *file)
{
  MoeInferCase *c = moe_problem_case(problem, of);
  g_autoptr(GArray) all = moe_varied(c->run);

  c->varied = g_new0(MoeVaried, all->len + 1);
  c->unknown = g_new0(guint, all->len + 1);
  c->choices = g_new0(guint, all->len + 1);
  for (guint i = 0; i < all->len && c->n_varied < MOE_SURROGATE_AXES; i++) {
    const MoeVaried *varied = &g_array_index(all, MoeVaried, i);

    if (is_stated(c, file, varied->assumption))
      continue;
    c->varied[c->n_varied] = *varied;
    c->choices[c->n_varied] = varied->assumption->n_values;
    c->unknown[c->n_varied] = unknown_of(problem, varied->assumption->key, of, c->n_varied);
    c->n_varied++;
  }
}

const MoeVaried *moe_problem_varied(const MoeProblem *problem, guint unknown)
{
  const MoeStand *stand = &g_array_index(problem->first, MoeStand, unknown);

  return &moe_problem_case(problem, stand->of)->varied[stand->index];
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void split_name(const char *argument, char **file, char **id)
{
  const char *colon = strrchr(argument, ':');

  if (!colon || g_file_test(argument, G_FILE_TEST_EXISTS)) {
    *file = g_strdup(argument);
    *id = NULL;
    return;
  }
  *file = g_strndup(argument, (gsize)(colon - argument));
  *id = g_strdup(colon + 1);
}

static char *family_of(const char *file)
{
  char *family = g_path_get_basename(file), *dot = strrchr(family, '.');

  if (dot)
    *dot = '\0';
  return family;
}

/* FILE:ID, or FILE of a run without variants. */
static char *name_of(const char *file, const char *id)
{
  return g_strconcat(file, id ? ":" : NULL, id, NULL);
}

static gboolean is_there(const MoeProblem *problem, const char *file, const char *id)
{
  g_autofree char *name = name_of(file, id);

  for (guint i = 0; i < problem->cases->len; i++)
    if (strcmp(moe_problem_case(problem, i)->name, name) == 0)
      return TRUE;
  return FALSE;
}

static gboolean add_case(MoeProblem *problem, const char *file, const char *id, gboolean held_out, GError **error)
{
  MoeRunOptions options = {.variant = id, .data_dir = problem->options->data_dir, .keep_published = TRUE};

  if (is_there(problem, file, id))
    return TRUE;
  MoeRun *run = moe_run_load(file, &options, error);
  if (!run)
    return FALSE;
  MoeInferCase *c = g_new0(MoeInferCase, 1);

  c->run = run;
  c->name = name_of(file, id);
  c->family = family_of(file);
  c->held_out = held_out;
  c->shots = g_array_new(FALSE, TRUE, sizeof(MoeShot));
  g_ptr_array_add(problem->cases, c);
  find_unknowns(problem, problem->cases->len - 1, file);
  return moe_rows_add(problem, problem->cases->len - 1, error);
}

/* A case without a name could be neither held out nor told apart, and is not left aside. */
static gboolean check_list(const MoeNode *cases, GError **error)
{
  if (!moe_node_expect(cases, MOE_NODE_LIST, "cases", error))
    return FALSE;
  for (guint i = 0; i < moe_node_size(cases); i++) {
    const MoeNode *entry = moe_node_at(cases, i), *id = moe_node_get(entry, "id");
    const char *text;

    if (!id)
      return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(entry), "case without id, expected id: NAME");
    if (!moe_node_read_text(id, &text, error))
      return FALSE;
  }
  return TRUE;
}

/* All cases of a file without ID; a file without cases is a run. */
static gboolean add_named(MoeProblem *problem, const char *argument, gboolean held_out, GError **error)
{
  g_autofree char *file = NULL, *id = NULL;

  split_name(argument, &file, &id);
  if (id)
    return add_case(problem, file, id, held_out, error);
  g_autoptr(MoeDoc) doc = moe_doc_load(file, error);
  if (!doc)
    return FALSE;
  const MoeNode *cases = moe_node_get(moe_doc_root(doc), "cases");
  if (!cases)
    return add_case(problem, file, NULL, held_out, error);
  g_auto(GStrv) ids = check_list(cases, error) ? moe_run_variants(file, error) : NULL;
  if (!ids)
    return FALSE;
  for (guint i = 0; ids[i]; i++)
    if (!add_case(problem, file, ids[i], held_out, error))
      return FALSE;
  return TRUE;
}

/* What is held out is read first, so that it is not there to be learned from; rows to learn from come first. */
static gboolean read_cases(MoeProblem *problem, GError **error)
{
  const MoeInferOptions *options = problem->options;

  for (guint i = 0; options->hold_out && options->hold_out[i]; i++)
    if (!add_named(problem, options->hold_out[i], TRUE, error))
      return FALSE;
  for (guint i = 0; options->from && options->from[i]; i++)
    if (!add_named(problem, options->from[i], FALSE, error))
      return FALSE;
  for (guint i = 0; i < problem->rows->len; i++)
    if (!moe_problem_case(problem, moe_problem_row(problem, i)->of)->held_out)
      return TRUE;
  return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                  "nothing to learn from, expected a case with a published step time, throughput, MFU, part of the "
                  "iteration or peak memory");
}

/* ---- the prior of the model's error ------------------------------------------------------------------------------ */

static char **families_of(const MoeProblem *problem)
{
  GPtrArray *families = g_ptr_array_new();

  for (guint i = 0; i < problem->cases->len; i++) {
    const char *family = moe_problem_case(problem, i)->family;

    if (!g_ptr_array_find_with_equal_func(families, family, g_str_equal, NULL))
      g_ptr_array_add(families, g_strdup(family));
  }
  g_ptr_array_add(families, NULL);
  return (char **)g_ptr_array_free(families, FALSE);
}

/* Peaks of memory scatter by this share: P90 of 107 published ones, 5.7 % (moesim validate --memory), over the normal
 * distribution's 1.645; they have no bias of their own. */
#define MEMORY_SCATTER 0.035

static guint model_of(MoeProblem *problem, const MoeRun *run)
{
  g_autofree char *label = moe_model_label(run);
  guint found;

  if (!g_ptr_array_find_with_equal_func(problem->models, label, g_str_equal, &found)) {
    g_ptr_array_add(problem->models, g_steal_pointer(&label));
    found = problem->models->len - 1;
  }
  return found;
}

static void fill_priors(MoeProblem *problem)
{
  g_auto(GStrv) families = families_of(problem);

  for (guint i = 0; i < problem->rows->len; i++) {
    MoeDatum *row = moe_problem_row(problem, i);

    row->model = model_of(problem, moe_problem_case(problem, row->of)->run);
    if (problem->options->noise > 0)
      row->prior = (MoeErrorPrior){.log_run_mean = log(problem->options->noise)};
    else if (row->kind == MOE_ROW_MEMORY)
      row->prior = (MoeErrorPrior){.log_run_mean = log(MEMORY_SCATTER)};
    else
      moe_error_prior(problem->options->residuals, moe_problem_case(problem, row->of)->run,
                      (const char *const *)families, &row->prior);
  }
}

/* ---- entry ------------------------------------------------------------------------------------------------------- */

static gint learned_first(gconstpointer a, gconstpointer b, gpointer data)
{
  const MoeProblem *problem = data;
  const MoeDatum *x = a, *y = b;
  int late_x = moe_problem_case(problem, x->of)->held_out, late_y = moe_problem_case(problem, y->of)->held_out;

  if (late_x != late_y)
    return late_x - late_y;
  return x->of != y->of ? (x->of > y->of) - (x->of < y->of) : (x->said > y->said) - (x->said < y->said);
}

MoeProblem *moe_problem_new(const MoeInferOptions *options, GError **error)
{
  g_autoptr(MoeProblem) problem = g_new0(MoeProblem, 1);

  problem->options = options;
  problem->cases = g_ptr_array_new_with_free_func(case_free);
  problem->rows = g_array_new(FALSE, TRUE, sizeof(MoeDatum));
  problem->models = g_ptr_array_new_with_free_func(g_free);
  problem->keys = g_ptr_array_new_with_free_func(g_free);
  problem->first = g_array_new(FALSE, TRUE, sizeof(MoeStand));
  if (!read_cases(problem, error))
    return NULL;
  g_array_sort_with_data(problem->rows, learned_first, problem);
  fill_priors(problem);
  if (options->store && !(problem->kept = moe_kept_open(options->store, error)))
    return NULL;
  return g_steal_pointer(&problem);
}

void moe_problem_free(MoeProblem *problem)
{
  if (!problem)
    return;
  for (guint i = 0; i < problem->rows->len; i++)
    moe_surrogate_free(moe_problem_row(problem, i)->surrogate);
  g_array_unref(problem->rows);
  g_array_unref(problem->first);
  g_ptr_array_unref(problem->keys);
  g_ptr_array_unref(problem->models);
  g_ptr_array_unref(problem->cases);
  moe_kept_free(problem->kept);
  g_free(problem);
}
