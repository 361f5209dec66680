/* Cases from files, predicted, with their errors. */
#include "base/base.h"
#include "cases.h"
#include "doc/doc.h"
#include "spec/published.h"
#include "spec/spec.h"
#include "study/study.h"
#include "validate/memory.h"

#include <math.h>

const char *const moe_group_by_words[] = {"family", "gpu", "stack", "kind", NULL};

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* One case to predict: its own document. */
typedef struct {
  MoeDoc *doc;
  char *id, *family;
  GError *error;
} Pending;

typedef struct {
  GArray *pending; /* of Pending */
  const char *data_dir;
  const char *const *sets;
  const MoeSimOptions *options;
  MoeCase *cases;
} Work;

static gboolean read_file(const char *path, GArray *pending, GPtrArray *docs, GError **error)
{
  MoeDoc *doc = moe_doc_load(path, error);

  if (!doc)
    return FALSE;
  g_ptr_array_add(docs, doc);
  const MoeNode *cases = moe_node_get(moe_doc_root(doc), "cases");
  if (!cases)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = path}, "no cases, expected a list cases:");
  if (!moe_node_expect(cases, MOE_NODE_LIST, "cases", error))
    return FALSE;
  for (guint i = 0; i < moe_node_size(cases); i++) {
    Pending one = {.family = g_path_get_basename(path)};

    *strrchr(one.family, '.') = '\0';
    one.doc = moe_case_document(doc, (MoeNode *)moe_node_at(cases, i), &one.id, &one.error);
    g_array_append_val(pending, one);
  }
  return TRUE;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
  return g_strcmp0(*(char *const *)a, *(char *const *)b);
}

GPtrArray *moe_case_files(const char *dir, GError **error)
{
  g_autoptr(GDir) d = g_dir_open(dir, 0, NULL);
  g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
  const char *name;

  if (!d) {
    moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = dir}, "cannot be read, expected a folder of case files");
    return NULL;
  }
  while ((name = g_dir_read_name(d)))
    if (g_str_has_suffix(name, ".yaml"))
      g_ptr_array_add(files, g_build_filename(dir, name, NULL));
  g_ptr_array_sort(files, compare_names);
  return g_steal_pointer(&files);
}

/* ---- predicting -------------------------------------------------------------------------------------------------- */

static void fill_metric(const MoeRun *run, const MoeResult *result, MoeCase *c)
{
  const MoePublished *published = &run->published;
  gboolean full = published->full_convention;
  const struct {
    const char *name;
    double published, predicted;
  } metrics[] = {
      {"step_time_s", published->step_time_s, result->step_time_s},
      {"tokens_per_s_per_gpu", published->tokens_per_s_per_gpu, result->tokens_per_s_per_gpu},
      {"model_tflops_per_gpu", published->model_flop_per_s_per_gpu * 1e-12,
       (full ? result->model_flop_per_s_per_gpu_full : result->model_flop_per_s_per_gpu_causal) * 1e-12},
      {"mfu", published->mfu, full ? result->mfu_full : result->mfu_causal},
      {"hardware_tflops_per_gpu", published->hardware_flop_per_s_per_gpu * 1e-12,
       result->hfu * result->peak_flop_per_s * 1e-12},
  };

  for (guint i = 0; i < G_N_ELEMENTS(metrics); i++)
    if (metrics[i].published > 0) {
      c->metric = metrics[i].name;
      c->published = metrics[i].published;
      c->predicted = metrics[i].predicted;
      return;
    }
  c->metric = "none";
}

gboolean moe_case_has_step(const MoeCase *c)
{
  return !c->failure && c->published_step_s > 0;
}

double moe_waiting_share(const MoeResult *result)
{
  const double *cause = result->cause_s;

  return (cause[MOE_CAUSE_NVLINK_EXPOSED] + cause[MOE_CAUSE_NETWORK_EXPOSED] + cause[MOE_CAUSE_PEER_WAIT] +
          cause[MOE_CAUSE_HOST] + cause[MOE_CAUSE_COPY_EXPOSED] + cause[MOE_CAUSE_DATA]) /
         result->step_time_s;
}

static void fill_case(const MoeRun *run, const MoeResult *result, MoeCase *c)
{
  double tokens = result->tokens_per_step / (double)result->gpus;

  fill_metric(run, result, c);
  moe_case_memory(run, result, c);
  c->gpus = result->gpus;
  c->fits = result->memory.fits;
  c->predicted_step_s = result->step_time_s;
  c->extrapolated_share = result->extrapolated_share;
  c->waiting_share = moe_waiting_share(result);
  c->busy_share = 1 - c->waiting_share - result->cause_s[MOE_CAUSE_BUBBLE] / result->step_time_s;
  c->training_rate = run->cluster.accelerator.training_rate;
  c->published_step_s = result->published.step_time_s;
  if (c->published_step_s <= 0 && (c->memory.published_bytes > 0 || c->memory.out_of_memory)) {
    c->metric = c->memory.out_of_memory ? "out_of_memory" : "peak_memory";
    return;
  }
  if (c->published_step_s <= 0) {
    c->failure = g_strdup("nothing published that gives a step time");
    return;
  }
  c->error = c->predicted_step_s / c->published_step_s - 1;
  c->tokens_per_s_per_gpu_published = tokens / c->published_step_s;
  c->tokens_per_s_per_gpu_predicted = tokens / c->predicted_step_s;
}

static void predict_case(const Work *work, const Pending *pending, MoeCase *c)
{
  MoeRunOptions options = {.data_dir = work->data_dir, .sets = work->sets, .keep_published = TRUE};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeDoc) doc = pending->doc ? moe_doc_copy(pending->doc) : NULL;

  c->id = g_strdup(pending->id ? pending->id : "?");
  c->group[MOE_GROUP_BY_FAMILY] = g_strdup(pending->family);
  if (!doc) {
    c->failure = g_strdup(pending->error ? pending->error->message : "unreadable");
    return;
  }
  g_autoptr(MoeRun) run = moe_run_from_doc(g_steal_pointer(&doc), pending->id, &options, &error);
  g_autoptr(MoeResult) result = run ? moe_study_predict(run, work->options, &error) : NULL;
  if (run) {
    c->group[MOE_GROUP_BY_GPU] = g_strdup(run->cluster.accelerator.name);
    c->group[MOE_GROUP_BY_STACK] = g_strdup(run->stack.name);
    c->group[MOE_GROUP_BY_KIND] = g_strdup(run->architecture.moe.experts > 0 ? "moe" : "dense");
    moe_case_describe(run, c);
    c->micro_batches = run->parallelism.micro_batches;
    c->sequence_length = run->training.sequence_length;
  }
  if (result)
    fill_case(run, result, c);
  else
    c->failure = g_strdup(error->message);
}

static MoeOutcome work_func(guint index, gpointer user_data)
{
  Work *work = user_data;

  predict_case(work, &g_array_index(work->pending, Pending, index), &work->cases[index]);
  return (MoeOutcome){NULL, NULL};
}

/* ---- entry ------------------------------------------------------------------------------------------------------ */

static void free_pending(GArray *pending)
{
  for (guint i = 0; i < pending->len; i++) {
    Pending *one = &g_array_index(pending, Pending, i);

    moe_doc_free(one->doc);
    g_free(one->id);
    g_free(one->family);
    g_clear_error(&one->error);
  }
  g_array_free(pending, TRUE);
}

static MoeValidation *predict_all(Work *work, guint jobs, MoeProgressFunc progress, gpointer progress_data)
{
  MoeValidation *validation = g_new0(MoeValidation, 1);

  validation->n = work->pending->len;
  validation->cases = work->cases = g_new0(MoeCase, validation->n + 1);
  moe_outcomes_free(moe_study_map(validation->n, jobs, work_func, work, progress, progress_data), validation->n);
  for (guint i = 0; i < validation->n; i++)
    validation->n_failed += validation->cases[i].failure != NULL;
  moe_case_group_fill(validation, NULL, MOE_GROUP_BY_FAMILY, &validation->all);
  moe_case_pairs(validation);
  return validation;
}

static gboolean read_folder(const char *dir, GArray *pending, GPtrArray *docs, GError **error)
{
  g_autoptr(GPtrArray) files = moe_case_files(dir, error);
  gboolean good = files != NULL;

  for (guint i = 0; good && i < files->len; i++)
    good = read_file(files->pdata[i], pending, docs, error);
  return good;
}

static MoeValidation *validate_folders(const char *const *dirs, Work *work, guint jobs, MoeProgressFunc progress,
                                       gpointer progress_data, GError **error)
{
  g_autoptr(GPtrArray) docs = g_ptr_array_new_with_free_func((GDestroyNotify)moe_doc_free);
  MoeValidation *validation = NULL;
  gboolean good = TRUE;

  work->pending = g_array_new(FALSE, TRUE, sizeof(Pending));
  for (guint i = 0; good && dirs[i]; i++)
    good = read_folder(dirs[i], work->pending, docs, error);
  if (good)
    validation = predict_all(work, jobs, progress, progress_data);
  free_pending(work->pending);
  return validation;
}

MoeValidation *moe_validate_with(const char *dir, const char *data_dir, const char *const *sets, guint jobs,
                                 const MoeSimOptions *options, MoeProgressFunc progress, gpointer progress_data,
                                 GError **error)
{
  const char *const dirs[] = {dir, NULL};
  Work work = {.data_dir = data_dir, .sets = sets, .options = options};

  return validate_folders(dirs, &work, jobs, progress, progress_data, error);
}

MoeValidation *moe_validate_memory(const char *dir, const char *data_dir, guint jobs, const MoeSimOptions *options,
                                   MoeProgressFunc progress, gpointer progress_data, GError **error)
{
  g_autofree char *below = g_build_filename(dir, "memory", NULL);
  const char *const dirs[] = {dir, g_file_test(below, G_FILE_TEST_IS_DIR) ? below : NULL, NULL};
  Work work = {.data_dir = data_dir, .options = options};

  return validate_folders(dirs, &work, jobs, progress, progress_data, error);
}

MoeValidation *moe_validate(const char *dir, const char *data_dir, guint jobs, const MoeSimOptions *options,
                            MoeProgressFunc progress, gpointer progress_data, GError **error)
{
  return moe_validate_with(dir, data_dir, NULL, jobs, options, progress, progress_data, error);
}

void moe_validation_free(MoeValidation *validation)
{
  if (!validation)
    return;
  for (guint i = 0; i < validation->n; i++) {
    MoeCase *c = &validation->cases[i];

    g_free(c->id);
    g_free(c->failure);
    for (guint g = 0; g < MOE_N_GROUP_BY; g++)
      g_free(c->group[g]);
    for (guint d = 0; d < MOE_N_DIFFERS; d++)
      g_free(c->differs[d]);
  }
  g_free(validation->cases);
  g_free(validation->pairs);
  g_free(validation->all.name);
  g_free(validation);
}
