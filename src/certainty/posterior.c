/* Posterior files, read. */
#include "certainty/posterior.h"

#include <math.h>
#include <string.h>

#include "internal.h"

#define ERROR_COLUMNS 3 /* of a draw: bias, scatter of models, scatter of runs */

struct MoePosterior {
  MoeDoc *doc;
  guint n_unknowns, n_models, n_draws, n_columns;
  const char **key;   /* [n_unknowns] */
  const char **model; /* [n_models] */
  double *draw;       /* n_draws rows of n_columns: the error's, what each model is off by, the unknowns' */
};

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static const MoeNode *list_of(const MoeNode *posterior, const char *key, GError **error)
{
  const MoeNode *list = moe_node_get(posterior, key);

  if (!list) {
    moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(posterior),
             "no %s in the posterior, expected what moesim infer -o writes", key);
    return NULL;
  }
  return moe_node_expect(list, MOE_NODE_LIST, key, error) ? list : NULL;
}

static gboolean read_keys(MoePosterior *p, const MoeNode *list, GError **error)
{
  p->n_unknowns = moe_node_size(list);
  p->key = g_new0(const char *, p->n_unknowns + 1);
  for (guint i = 0; i < p->n_unknowns; i++) {
    const MoeNode *unknown = moe_node_at(list, i), *key = NULL;

    if (!moe_node_expect(unknown, MOE_NODE_MAP, "unknown", error))
      return FALSE;
    key = moe_node_get(unknown, "key");
    if (!key)
      return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(unknown), "an unknown without a key");
    if (!moe_node_read_text(key, &p->key[i], error))
      return FALSE;
  }
  return TRUE;
}

static gboolean read_models(MoePosterior *p, const MoeNode *list, GError **error)
{
  p->n_models = moe_node_size(list);
  p->model = g_new0(const char *, p->n_models + 1);
  for (guint i = 0; i < p->n_models; i++)
    if (!moe_node_read_text(moe_node_at(list, i), &p->model[i], error))
      return FALSE;
  return TRUE;
}

/* Shares lie in 0 to 1, scatters are not negative; a bias and what a model is off by may be anything finite. */
static gboolean check_number(const MoePosterior *p, guint column, double value, const MoeNode *node, GError **error)
{
  gboolean share = column >= ERROR_COLUMNS + p->n_models, scatter = column == 1 || column == 2;

  if (isfinite(value) && !(share && (value < 0 || value > 1)) && !(scatter && value < 0))
    return TRUE;
  return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node), "%g in a draw, expected %s", value,
                  share     ? "a share of 0 to 1"
                  : scatter ? "a scatter of at least 0"
                            : "a number");
}

static gboolean read_number(const MoePosterior *p, guint column, const MoeNode *node, double *value, GError **error)
{
  const char *text = NULL;
  char *end = NULL;

  if (!moe_node_read_text(node, &text, error))
    return FALSE;
  *value = g_ascii_strtod(text, &end); /* a bias may be negative, which no quantity is */
  if (end == text || *end)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node), "'%s' in a draw, expected a number", text);
  return check_number(p, column, *value, node, error);
}

static gboolean read_draw(MoePosterior *p, guint k, const MoeNode *draw, GError **error)
{
  if (!moe_node_expect(draw, MOE_NODE_LIST, "draw", error))
    return FALSE;
  if (moe_node_size(draw) != p->n_columns)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(draw),
                    "a draw of %u numbers, expected %u: bias, two scatters, %u models, %u unknowns",
                    moe_node_size(draw), p->n_columns, p->n_models, p->n_unknowns);
  for (guint c = 0; c < p->n_columns; c++)
    if (!read_number(p, c, moe_node_at(draw, c), &p->draw[(gsize)k * p->n_columns + c], error))
      return FALSE;
  return TRUE;
}

static gboolean read_draws(MoePosterior *p, const MoeNode *list, GError **error)
{
  p->n_draws = moe_node_size(list);
  p->n_columns = ERROR_COLUMNS + p->n_models + p->n_unknowns;
  if (p->n_draws == 0)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(list), "a posterior without draws");
  p->draw = g_new0(double, (gsize)p->n_draws * p->n_columns);
  for (guint k = 0; k < p->n_draws; k++)
    if (!read_draw(p, k, moe_node_at(list, k), error))
      return FALSE;
  return TRUE;
}

static gboolean read_all(MoePosterior *p, GError **error)
{
  const MoeNode *root = moe_doc_root(p->doc), *posterior = moe_node_get(root, "posterior");

  if (!posterior)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(root), "no posterior, expected what moesim infer -o writes");
  if (!moe_node_expect(posterior, MOE_NODE_MAP, "posterior", error))
    return FALSE;
  const MoeNode *unknowns = list_of(posterior, "unknowns", error);
  const MoeNode *models = unknowns ? list_of(posterior, "models", error) : NULL;
  const MoeNode *draws = models ? list_of(posterior, "draws", error) : NULL;

  return draws && read_keys(p, unknowns, error) && read_models(p, models, error) && read_draws(p, draws, error);
}

MoePosterior *moe_posterior_load(const char *path, GError **error)
{
  g_autoptr(MoePosterior) posterior = g_new0(MoePosterior, 1);

  posterior->doc = moe_doc_load(path, error);
  return posterior->doc && read_all(posterior, error) ? g_steal_pointer(&posterior) : NULL;
}

void moe_posterior_free(MoePosterior *posterior)
{
  if (!posterior)
    return;
  g_free(posterior->key);
  g_free(posterior->model);
  g_free(posterior->draw);
  moe_doc_free(posterior->doc);
  g_free(posterior);
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

guint moe_posterior_draw(const MoePosterior *posterior, guint sample, guint n)
{
  return (guint)((uint64_t)sample * posterior->n_draws / MAX(n, 1)) % posterior->n_draws;
}

static const double *row_of(const MoePosterior *posterior, guint draw)
{
  return posterior->draw + (gsize)draw * posterior->n_columns;
}

double moe_posterior_share(const MoePosterior *posterior, const char *key, guint draw)
{
  for (guint i = 0; i < posterior->n_unknowns; i++)
    if (strcmp(posterior->key[i], key) == 0)
      return row_of(posterior, draw)[ERROR_COLUMNS + posterior->n_models + i];
  return NAN;
}

void moe_posterior_error(const MoePosterior *posterior, const MoeRun *run, guint draw, double *bias, double *scatter)
{
  const double *row = row_of(posterior, draw);
  g_autofree char *label = moe_model_label(run);

  *bias = row[0];
  *scatter = row[2];
  for (guint m = 0; m < posterior->n_models; m++)
    if (strcmp(posterior->model[m], label) == 0) {
      *bias += row[ERROR_COLUMNS + m];
      return;
    }
  *scatter = hypot(*scatter, row[1]); /* a model that was not learned from: off by as much as models of a family are */
}
