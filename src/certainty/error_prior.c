/* How far predictions of other families are off, level by level. */
#include "base/base.h"
#include "doc/doc.h"
#include "spec/spec.h"
#include <math.h>
#include <string.h>

#include "internal.h"

#define LEAST_MODELS    3    /* of a family that says how models differ */
#define LEAST_RUNS      3    /* more than models, of one that says how runs of a model do */
#define LEAST_SCATTER   1e-3 /* rows that agree better than this were rounded alike */
#define MODEL_DIGITS    8    /* of a checksum: enough to tell the models of a family apart */
#define UNKNOWN_BIAS    0.1
#define UNKNOWN_SCATTER 0.07

char *moe_model_label_of(const char *architecture)
{
  g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, architecture ? architecture : "", -1);

  return g_strdup_printf("m%.*s", MODEL_DIGITS, sum);
}

char *moe_model_label(const MoeRun *run)
{
  const MoeNode *node = moe_node_find(moe_doc_root(run->doc), "architecture");
  g_autofree char *text = node ? moe_node_print(node, FALSE) : NULL;

  return moe_model_label_of(text);
}

/* What one family says. */
typedef struct {
  GArray *model; /* of double: medians of its models */
  GArray *run;   /* of double: distances of its runs from their model's median */
} Family;

static Family *family_new(void)
{
  Family *family = g_new0(Family, 1);

  family->model = g_array_new(FALSE, FALSE, sizeof(double));
  family->run = g_array_new(FALSE, FALSE, sizeof(double));
  return family;
}

static void family_free(Family *family)
{
  g_array_unref(family->model);
  g_array_unref(family->run);
  g_free(family);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Family, family_free)

static double median(GArray *values)
{
  return moe_quantile((double *)(gpointer)values->data, values->len, 0.5);
}

/* 1.2533 times the mean size: the standard deviation of what is normal, less moved by what is not. `used`: degrees of
 * freedom that the centres took. */
static double scatter(const GArray *off, guint used)
{
  double sum = 0;

  for (guint i = 0; i < off->len; i++)
    sum += fabs(g_array_index(off, double, i));
  return fmax(sqrt(G_PI / 2) * sum / (off->len - used), LEAST_SCATTER);
}

static gboolean is_of(const MoeResidualGroup *group, const char *family, const char *model, const char *kind)
{
  return strcmp(group->family, family) == 0 && g_strcmp0(group->model, model) == 0 &&
         (!kind || strcmp(group->kind, kind) == 0);
}

/* All runs of one model, which may stand in several groups. */
static void add_model(const MoeResiduals *residuals, const char *name, const char *model, const char *kind,
                      Family *family)
{
  g_autoptr(GArray) logs = g_array_new(FALSE, FALSE, sizeof(double));

  for (guint g = 0; g < residuals->n_groups; g++)
    for (guint i = 0; is_of(&residuals->group[g], name, model, kind) && i < residuals->group[g].n; i++) {
      double value = log(residuals->group[g].ratio[i]);

      g_array_append_val(logs, value);
    }
  double middle = median(logs);
  g_array_append_val(family->model, middle);
  for (guint i = 0; i < logs->len; i++) {
    double off = g_array_index(logs, double, i) - middle;

    g_array_append_val(family->run, off);
  }
}

static Family *read_family(const MoeResiduals *residuals, const char *name, const char *kind)
{
  Family *family = family_new();
  g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

  for (guint g = 0; g < residuals->n_groups; g++) {
    const MoeResidualGroup *group = &residuals->group[g];

    if (is_of(group, name, group->model, kind) && g_hash_table_add(seen, (gpointer)(group->model ? group->model : "")))
      add_model(residuals, name, group->model, kind, family);
  }
  return family;
}

static void append(GArray *values, double value)
{
  g_array_append_val(values, value);
}

/* The family's bias, and its scatters where it has enough to say. */
static void tell(const Family *family, GArray *bias, GArray *model, GArray *run)
{
  double middle = median(family->model);

  append(bias, middle);
  if (family->run->len >= family->model->len + LEAST_RUNS)
    append(run, log(scatter(family->run, family->model->len)));
  if (family->model->len < LEAST_MODELS)
    return;
  g_autoptr(GArray) off = g_array_new(FALSE, FALSE, sizeof(double));
  for (guint i = 0; i < family->model->len; i++)
    append(off, g_array_index(family->model, double, i) - middle);
  append(model, log(scatter(off, 1)));
}

static void describe(const GArray *values, double *mean, double *sd)
{
  double sum = 0, squares = 0;

  for (guint i = 0; i < values->len; i++)
    sum += g_array_index(values, double, i);
  *mean = sum / values->len;
  for (guint i = 0; i < values->len; i++)
    squares += pow(g_array_index(values, double, i) - *mean, 2);
  *sd = sqrt(squares / (values->len - 1));
}

/* Families of one kind (NULL: of all). FALSE: too few. */
static gboolean prior_of(const MoeResiduals *residuals, const MoeRun *run, const char *kind, const char *const *without,
                         MoeErrorPrior *prior)
{
  g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GArray) bias = g_array_new(FALSE, FALSE, sizeof(double));
  g_autoptr(GArray) model = g_array_new(FALSE, FALSE, sizeof(double));
  g_autoptr(GArray) runs = g_array_new(FALSE, FALSE, sizeof(double));

  for (guint g = 0; g < residuals->n_groups; g++) {
    const char *name = residuals->group[g].family;

    if (moe_is_own_family(name, run) || (without && g_strv_contains(without, name)) ||
        !g_hash_table_add(seen, (gpointer)name))
      continue;
    g_autoptr(Family) family = read_family(residuals, name, kind);
    if (family->model->len > 0)
      tell(family, bias, model, runs);
  }
  if (MIN(MIN(bias->len, model->len), runs->len) < MOE_LEAST_FAMILIES)
    return FALSE;
  describe(bias, &prior->bias_mean, &prior->bias_sd);
  describe(model, &prior->log_model_mean, &prior->log_model_sd);
  describe(runs, &prior->log_run_mean, &prior->log_run_sd);
  prior->n_families = bias->len;
  return TRUE;
}

void moe_error_prior(const MoeResiduals *residuals, const MoeRun *run, const char *const *without, MoeErrorPrior *prior)
{
  const char *kind = run->architecture.moe.experts > 0 ? "moe" : "dense";

  *prior = (MoeErrorPrior){.bias_sd = UNKNOWN_BIAS,
                           .log_model_mean = log(UNKNOWN_SCATTER),
                           .log_model_sd = G_LN2,
                           .log_run_mean = log(UNKNOWN_SCATTER),
                           .log_run_sd = G_LN2};
  if (residuals && !prior_of(residuals, run, kind, without, prior))
    prior_of(residuals, run, NULL, without, prior);
}
