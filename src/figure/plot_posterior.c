/* Figures of a posterior file: what was learned of each unknown, and rows predicted beside published. */
#include "certainty/posterior.h"
#include "doc/doc.h"
#include "figure/plot.h"

#include <math.h>
#include <string.h>

#define SAMPLES   200 /* draws of a histogram */
#define BINS      10  /* of a range; of a list as many as it has values */
#define MOST_BINS 40
#define SHOWN     18  /* unknowns, of which most was learned first */
#define TALL      0.6 /* of a row's height, the fullest bin where it is several times as full as before */
#define TIMES     2.0 /* so many times as full as before reaches that height, or the fullest bin does */

typedef struct {
  const MoeNode *node;
  const char *key;
  double bits;
} Unknown;

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static const MoeNode *list_in(const MoeDoc *doc, const char *key, GError **error)
{
  const MoeNode *posterior = moe_node_get(moe_doc_root(doc), "posterior");
  const MoeNode *list = posterior ? moe_node_get(posterior, key) : NULL;

  if (!list) {
    moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(posterior ? posterior : moe_doc_root(doc)),
             "no %s, expected what moesim infer -o writes", key);
    return NULL;
  }
  return moe_node_expect(list, MOE_NODE_LIST, key, error) ? list : NULL;
}

/* NULL and *error when it is not there. */
static const MoeNode *member(const MoeNode *map, const char *key, GError **error)
{
  const MoeNode *node = moe_node_get(map, key);

  if (!node)
    moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(map), "no %s, expected what moesim infer -o writes", key);
  return node;
}

static gboolean read_number(const MoeNode *map, const char *key, double *value, GError **error)
{
  const MoeNode *node = member(map, key, error);

  return node && moe_node_read_quantity(node, MOE_DIM_NONE, value, error);
}

static gboolean read_text(const MoeNode *map, const char *key, const char **value, GError **error)
{
  const MoeNode *node = member(map, key, error);

  return node && moe_node_read_text(node, value, error);
}

static gboolean read_flag(const MoeNode *map, const char *key, gboolean *value, GError **error)
{
  const MoeNode *node = member(map, key, error);

  return node && moe_node_read_bool(node, value, error);
}

/* P10, P50, P90 at `key`. */
static gboolean read_three(const MoeNode *map, const char *key, double three[3], GError **error)
{
  const MoeNode *list = moe_node_get(map, key);

  if (!list || moe_node_size(list) != 3)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(list ? list : map), "expected %s: [P10, P50, P90]", key);
  for (guint i = 0; i < 3; i++)
    if (!moe_node_read_quantity(moe_node_at(list, i), MOE_DIM_NONE, &three[i], error))
      return FALSE;
  return TRUE;
}

static gint most_bits(gconstpointer a, gconstpointer b)
{
  const Unknown *x = a, *y = b;

  if (x->bits != y->bits)
    return x->bits < y->bits ? 1 : -1;
  return strcmp(x->key, y->key);
}

static GArray *read_unknowns(const MoeNode *list, GError **error)
{
  g_autoptr(GArray) unknowns = g_array_new(FALSE, FALSE, sizeof(Unknown));

  if (moe_node_size(list) == 0) {
    moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(list), "no unknown, expected some of what moesim infer -o writes");
    return NULL;
  }
  for (guint i = 0; i < moe_node_size(list); i++) {
    Unknown unknown = {.node = moe_node_at(list, i)};

    if (!read_text(unknown.node, "key", &unknown.key, error) ||
        !read_number(unknown.node, "bits", &unknown.bits, error))
      return NULL;
    g_array_append_val(unknowns, unknown);
  }
  g_array_sort(unknowns, most_bits);
  g_array_set_size(unknowns, MIN(unknowns->len, SHOWN));
  return g_steal_pointer(&unknowns);
}

/* ---- unknowns ---------------------------------------------------------------------------------------------------- */

/* "29", "17.5 G" */
static char *short_number(double value)
{
  return fabs(value) >= 1000 ? moe_count_format(value, "") : g_strdup_printf("%.3g", value);
}

/* "15.7 to 176": P10 to P90 after; "" of a list, whose bins have names. FALSE and *error. */
static gboolean append_range(GString *text, const MoeNode *node, GError **error)
{
  double after[3];

  if (moe_node_get(node, "values"))
    return TRUE;
  if (!read_three(node, "after", after, error))
    return FALSE;
  g_autofree char *low = short_number(after[0]), *high = short_number(after[2]);
  g_string_append_printf(text, "%s to %s", low, high);
  return TRUE;
}

/* How many times as full each bin is as before. */
static void count_bins(const MoePosterior *posterior, const char *key, guint n_bins, double *times)
{
  memset(times, 0, n_bins * sizeof *times);
  for (guint k = 0; k < SAMPLES; k++) {
    double share = moe_posterior_share(posterior, key, moe_posterior_draw(posterior, k, SAMPLES));
    guint bin = (guint)(CLAMP(share, 0, 1) * n_bins);

    times[MIN(bin, n_bins - 1)] += (double)n_bins / SAMPLES;
  }
}

static double scale_of(const double *times, guint n)
{
  double most = TIMES;

  for (guint b = 0; b < n; b++)
    most = fmax(most, times[b]);
  return TALL / most;
}

static guint bins_of(const MoeNode *node)
{
  const MoeNode *values = moe_node_get(node, "values");

  return values ? CLAMP(moe_node_size(values), 1, MOST_BINS) : BINS;
}

/* Boxes of one row: its number, from, to, height; the height before; a value's name. */
static void append_bins(GString *text, const MoePosterior *posterior, const Unknown *unknown, guint row)
{
  const MoeNode *values = moe_node_get(unknown->node, "values");
  double times[MOST_BINS];
  guint n = bins_of(unknown->node);

  count_bins(posterior, unknown->key, n, times);
  double scale = scale_of(times, n);
  for (guint b = 0; b < n; b++) {
    const char *name = values ? moe_node_text(moe_node_at(values, b)) : NULL;

    g_string_append_printf(text, "%u\t%.4f\t%.4f\t%.4f\t%.4f\t%s\n", row, (double)b / n, (double)(b + 1) / n,
                           scale * times[b], scale, name ? name : "");
  }
}

char *moe_plot_posterior_data(const char *path, GError **error)
{
  g_autoptr(MoePosterior) posterior = moe_posterior_load(path, error);
  g_autoptr(MoeDoc) doc = posterior ? moe_doc_load(path, error) : NULL;
  const MoeNode *list = doc ? list_in(doc, "unknowns", error) : NULL;
  g_autoptr(GArray) unknowns = list ? read_unknowns(list, error) : NULL;
  g_autoptr(GString) text = g_string_new("unknown\tbits\tP10 to P90\n");

  for (guint i = 0; unknowns && i < unknowns->len; i++) {
    const Unknown *unknown = &g_array_index(unknowns, Unknown, i);

    g_string_append_printf(text, "%s\t%.2f\t", unknown->key, unknown->bits);
    if (!append_range(text, unknown->node, error))
      return NULL;
    g_string_append_c(text, '\n');
  }
  g_string_append(text, "\n\nrow\tfrom\tto\theight\tbefore\tvalue\n");
  for (guint i = 0; unknowns && i < unknowns->len; i++)
    append_bins(text, posterior, &g_array_index(unknowns, Unknown, i), i);
  return unknowns ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* Without the folder and the ending of the file of cases. */
static char *row_label(const char *name)
{
  const char *id = strrchr(name, ':');

  return g_strdup(id ? id + 1 : name);
}

static gboolean append_row(GString *text, const MoeNode *node, GError **error)
{
  const char *name = NULL, *metric = NULL;
  gboolean held_out = FALSE;
  double published, three[3], best;

  if (!moe_node_get(node, "published"))
    return TRUE; /* nothing to stand beside */
  if (!read_text(node, "name", &name, error) || !read_text(node, "metric", &metric, error) ||
      !read_flag(node, "held_out", &held_out, error) || !read_number(node, "published", &published, error) ||
      !read_three(node, "predicted", three, error) || !read_number(node, "best", &best, error))
    return FALSE;
  if (!(published > 0))
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_node_get(node, "published")), "expected more than 0");
  g_autofree char *label = row_label(name);
  g_string_append_printf(text, "%s, %s\t%.3f\t%.3f\t%.3f\t%.3f\t%d\n", label, metric, 100 * three[0] / published,
                         100 * three[1] / published, 100 * three[2] / published,
                         best > 0 ? 100 * best / published : NAN, held_out);
  return TRUE;
}

char *moe_plot_predictions_data(const char *path, GError **error)
{
  g_autoptr(MoeDoc) doc = moe_doc_load(path, error);
  const MoeNode *list = doc ? list_in(doc, "rows", error) : NULL;
  g_autoptr(GString) text = g_string_new("row\tP10\tP50\tP90\tbest set\theld out\n");
  gsize head = text->len;

  if (!list)
    return NULL;
  for (guint i = 0; i < moe_node_size(list); i++)
    if (!append_row(text, moe_node_at(list, i), error))
      return NULL;
  if (text->len > head)
    return g_string_free(g_steal_pointer(&text), FALSE);
  moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(list), "no published row, expected what moesim infer -o writes");
  return NULL;
}
