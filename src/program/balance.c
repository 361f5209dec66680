/* Expert loads: probabilities per layer and expert, and the rows that they put on each expert-parallel rank. */
#include "internal.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>

struct MoeRouter {
  int64_t ep, groups, group_experts, experts;
  const MoeArchitecture *arch;
  GArray *layer_index; /* [layer] index among the MoE layers */
  double *rows;        /* [load * ep + rank] relative to the mean */
  double *fullest;     /* [load * ep + rank] fullest expert relative to the mean expert */
};

/* ---- probabilities ------------------------------------------------------------------------------ */

typedef struct {
  const MoeRouting *routing;
  uint64_t seed;
  int64_t experts, top_k, layer;
} Draw;

static double raw_weight(const Draw *draw, int64_t expert)
{
  if (draw->routing->balance == MOE_BALANCE_ZIPF)
    return pow((double)(expert + 1), -draw->routing->balance_value);
  return moe_random_gamma(draw->routing->balance_value, draw->seed, moe_random_stream("expert-load"),
                          (uint64_t)draw->layer, (uint64_t)expert);
}

/* Fisher-Yates: which expert is popular differs from layer to layer. */
static void shuffle(const Draw *draw, double *weights)
{
  uint64_t stream = moe_random_stream("expert-order");

  for (int64_t i = draw->experts - 1; i > 0; i--) {
    uint64_t bits = moe_random_u64(draw->seed, stream, (uint64_t)draw->layer, (uint64_t)i);
    int64_t j = (int64_t)(bits % (uint64_t)(i + 1));
    double kept = weights[i];

    weights[i] = weights[j];
    weights[j] = kept;
  }
}

static double sum_of(const double *values, int64_t n)
{
  double sum = 0;

  for (int64_t i = 0; i < n; i++)
    sum += values[i];
  return sum;
}

/* A token picks an expert at most once, so no expert gets more than 1 / top_k of the rows: the excess goes to the
 * others in proportion. */
static void limit_and_normalize(double *p, int64_t n, double limit)
{
  double sum = sum_of(p, n);

  for (int64_t i = 0; i < n; i++)
    p[i] = sum > 0 ? p[i] / sum : 1.0 / (double)n;
  for (int64_t round = 0; round < n; round++) {
    double excess = 0, rest = 0;

    for (int64_t i = 0; i < n; i++) {
      excess += MAX(p[i] - limit, 0);
      rest += p[i] < limit ? p[i] : 0;
    }
    if (excess <= 0 || rest <= 0)
      return;
    for (int64_t i = 0; i < n; i++)
      p[i] = p[i] < limit ? p[i] * (1 + excess / rest) : limit;
  }
}

static void draw_weights(const Draw *draw, double *weights)
{
  for (int64_t e = 0; e < draw->experts; e++)
    weights[e] = raw_weight(draw, e);
  if (draw->routing->balance == MOE_BALANCE_ZIPF)
    shuffle(draw, weights);
}

/* ---- counts from a file ------------------------------------------------------------------------- */

static gboolean parse_row(const char *path, int line, const char *text, int64_t experts, double *weights,
                          GError **error)
{
  g_auto(GStrv) cells = g_strsplit(text, ",", -1);
  MoeMark mark = {path, line, 1};

  if ((int64_t)g_strv_length(cells) != experts)
    return moe_fail(error, MOE_ERROR_INPUT, mark, "%u counts, expected one for each of %" G_GINT64_FORMAT " experts",
                    g_strv_length(cells), experts);
  for (int64_t e = 0; e < experts; e++) {
    char *end = NULL;

    weights[e] = g_ascii_strtod(g_strstrip(cells[e]), &end);
    if (end == cells[e] || *end != '\0' || !isfinite(weights[e]) || weights[e] < 0)
      return moe_fail(error, MOE_ERROR_INPUT, mark, "'%s' is not a count, expected a number of at least 0", cells[e]);
  }
  return TRUE;
}

static gboolean next_line(char **lines, guint *at)
{
  while (lines[*at] && (*g_strstrip(lines[*at]) == '\0' || lines[*at][0] == '#'))
    (*at)++;
  return lines[*at] != NULL;
}

#define MAX_TABLE_BYTES 100000000 /* of a table of counts: a thousand layers of ten thousand experts */

/* The text of a table; a folder, a device or a file of gigabytes is none. */
static char *read_table(const char *path, MoeMark named_at, GError **error)
{
  GStatBuf status;
  char *text = NULL;

  if (g_stat(path, &status) != 0)
    moe_fail(error, errno == ENOENT || errno == ENOTDIR ? MOE_ERROR_INPUT : MOE_ERROR_IO, named_at,
             "counts of experts in %s: %s", path, g_strerror(errno));
  else if (!S_ISREG(status.st_mode) || status.st_size > MAX_TABLE_BYTES)
    moe_fail(error, MOE_ERROR_INPUT, named_at, "counts of experts in %s, expected a file of at most %d bytes", path,
             MAX_TABLE_BYTES);
  else if (!g_file_get_contents(path, &text, NULL, NULL))
    moe_fail(error, MOE_ERROR_IO, named_at, "counts of experts in %s, expected a readable file", path);
  return text;
}

/* One row per MoE layer; empty lines and lines that begin with # are skipped. weights: [layers * experts]. */
static gboolean read_counts(const MoeRouting *routing, int64_t layers, int64_t experts, double *weights, GError **error)
{
  const char *path = routing->counts_file;
  g_autofree char *text = read_table(path, routing->counts_mark, error);
  guint at = 0;

  if (!text)
    return FALSE;
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

  for (int64_t layer = 0; layer < layers; layer++, at++) {
    if (!next_line(lines, &at))
      return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){path, 0, 0},
                      "%" G_GINT64_FORMAT " rows of counts, expected one for each of %" G_GINT64_FORMAT " MoE layers",
                      layer, layers);
    if (!parse_row(path, (int)at + 1, lines[at], experts, weights + layer * experts, error))
      return FALSE;
  }
  return TRUE;
}

/* ---- loads -------------------------------------------------------------------------------------- */

static void set_load(MoeRouter *router, int64_t layer, const double *p, int64_t group, int64_t rank)
{
  const double *own = p + rank * router->groups * router->group_experts + group * router->group_experts;
  int64_t at = (layer * router->groups + group) * router->ep + rank;
  double mean = 1.0 / (double)router->experts, most = 0;

  for (int64_t e = 0; e < router->group_experts; e++)
    most = MAX(most, own[e]);
  router->rows[at] = sum_of(own, router->group_experts) / ((double)router->group_experts * mean);
  router->fullest[at] = most / mean;
}

static void set_layer(MoeRouter *router, int64_t layer, const double *p)
{
  for (int64_t group = 0; group < router->groups; group++)
    for (int64_t rank = 0; rank < router->ep; rank++)
      set_load(router, layer, p, group, rank);
}

static int64_t index_layers(MoeRouter *router)
{
  int64_t n = 0;

  for (int64_t layer = 0; layer < router->arch->layers; layer++) {
    g_array_append_val(router->layer_index, n);
    n += moe_layer_is_moe(router->arch, layer);
  }
  return n;
}

static gboolean fill(MoeRouter *router, const MoeShape *shape, int64_t layers, uint64_t seed, GError **error)
{
  const MoeRouting *routing = &shape->run->training.routing;
  g_autofree double *weights = g_new0(double, layers * router->experts);

  if (routing->balance == MOE_BALANCE_FILE && !read_counts(routing, layers, router->experts, weights, error))
    return FALSE;
  for (int64_t layer = 0; layer < layers; layer++) {
    double *p = weights + layer * router->experts;
    Draw draw = {routing, seed, router->experts, shape->arch->moe.top_k, layer};

    if (routing->balance != MOE_BALANCE_FILE)
      draw_weights(&draw, p);
    limit_and_normalize(p, router->experts, 1.0 / (double)MAX(draw.top_k, 1));
    set_layer(router, layer, p);
  }
  return TRUE;
}

MoeRouter *moe_router_new(const MoeShape *shape, uint64_t seed, GError **error)
{
  g_autoptr(MoeRouter) router = g_new0(MoeRouter, 1);

  router->ep = shape->ep;
  router->groups = shape->groups;
  router->group_experts = shape->local_experts / shape->groups;
  router->experts = shape->arch->moe.experts;
  router->arch = shape->arch;
  router->layer_index = g_array_new(FALSE, FALSE, sizeof(int64_t));
  int64_t layers = index_layers(router);

  router->rows = g_new0(double, layers * router->groups * router->ep);
  router->fullest = g_new0(double, layers * router->groups * router->ep);
  return fill(router, shape, layers, seed, error) ? g_steal_pointer(&router) : NULL;
}

void moe_router_free(MoeRouter *router)
{
  if (!router)
    return;
  g_array_unref(router->layer_index);
  g_free(router->rows);
  g_free(router->fullest);
  g_free(router);
}

gboolean moe_routing_is_balanced(const MoeShape *shape)
{
  const MoeRouting *routing = &shape->run->training.routing;

  return shape->arch->moe.experts == 0 || routing->balance == MOE_BALANCE_EVEN || routing->capacity_factor > 0;
}

gboolean moe_routing_check(const MoeRun *run, GError **error)
{
  MoeShape shape;

  moe_shape_init(&shape, run);
  if (moe_routing_is_balanced(&shape) || run->training.routing.balance != MOE_BALANCE_FILE)
    return TRUE;
  MoeRouter *router = moe_router_new(&shape, 0, error);
  gboolean good = router != NULL;

  moe_router_free(router);
  return good;
}

int moe_router_load(const MoeRouter *router, int64_t layer, int64_t group)
{
  if (!router)
    return MOE_NO_LOAD;
  int64_t index = g_array_index(router->layer_index, int64_t, MIN(layer, router->arch->layers - 1));

  return (int)(index * router->groups + group);
}

double moe_router_rows(const MoeRouter *router, int load, int64_t rank)
{
  return router->rows[load * router->ep + rank];
}

double moe_router_fullest(const MoeRouter *router, int load, int64_t rank)
{
  return router->fullest[load * router->ep + rank];
}

const double *moe_router_skew(const MoeRouter *router, int load)
{
  return load == MOE_NO_LOAD ? NULL : router->rows + load * router->ep;
}
