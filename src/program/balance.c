/* Expert loads: probabilities per layer and expert, and the rows that they put on each expert-parallel rank, round by
 * round where static buffers hold a part of them. */
#include "internal.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>

/* A column is an expert-parallel rank in one draw: draw * ep + rank. A part is a group of a layer's local experts:
 * layer * groups + group. A load is one capped round of a part, counted from where the part's loads begin. */
struct MoeRouter {
  int64_t ep, groups, group_experts, experts, columns;
  int64_t capped; /* rounds in which mean rows come; 1: buffers hold everything */
  guint draws;
  const MoeArchitecture *arch;
  GArray *layer_index; /* [layer] index among the MoE layers */
  int *first;          /* [part + 1] its first load */
  double *rows;        /* [load * columns + column] relative to the mean round */
  double *skew;        /* the same relative to what arrives in the round on average */
  double *sent;        /* [load] that average, relative to the mean round: what each rank sends */
  double *fullest;     /* [load * columns + column] fullest expert relative to the mean expert */
};

/* What micro-batches and racks differ in is drawn so often: more are rarely told apart by the slowest of them (the
 * largest of 8 draws lies 1.4 deviations above the mean, of 128 2.6; a layer's deviation counts one in the square root
 * of the number of layers), and each is priced. */
#define MOST_DRAWS 8

/* ---- probabilities ------------------------------------------------------------------------------ */

typedef struct {
  const MoeRouting *routing;
  uint64_t seed;
  int64_t experts, layer;
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

/* Rows of every part in every column, all rounds together, before they are cut into rounds. */
typedef struct {
  double *rows, *fullest; /* [part * columns + column], as in MoeRouter */
} Whole;

static void set_part(const MoeRouter *router, const Whole *whole, const double *p, int64_t part, int64_t column)
{
  int64_t group = part % router->groups, rank = column % router->ep;
  const double *own = p + rank * router->groups * router->group_experts + group * router->group_experts;
  double mean = 1.0 / (double)router->experts, most = 0;

  for (int64_t e = 0; e < router->group_experts; e++)
    most = MAX(most, own[e]);
  whole->rows[part * router->columns + column] =
      sum_of(own, router->group_experts) / ((double)router->group_experts * mean);
  whole->fullest[part * router->columns + column] = most / mean;
}

static void set_layer(const MoeRouter *router, const Whole *whole, const double *p, int64_t layer, int64_t draw)
{
  for (int64_t group = 0; group < router->groups; group++)
    for (int64_t rank = 0; rank < router->ep; rank++)
      set_part(router, whole, p, layer * router->groups + group, draw * router->ep + rank);
}

/* Rounds of one part: all ranks of a group take part in as many as the fullest of them needs. */
static int rounds_of(const MoeRouter *router, const Whole *whole, int64_t part)
{
  const double slack = 1e-9; /* rows that are mean but for the last bit need no further round */
  double most = 1;

  for (int64_t c = 0; c < router->columns; c++)
    most = MAX(most, whole->rows[part * router->columns + c]);
  return router->capped > 1 ? (int)ceil(most * (double)router->capped - slack) : 1;
}

/* A round's share of a rank's rows: full buffers first, then the rest. */
static void set_round(MoeRouter *router, const Whole *whole, int64_t part, int round, int64_t column)
{
  int64_t to = (router->first[part] + round) * router->columns + column, from = part * router->columns + column;
  double all = whole->rows[from], here = all * (double)router->capped - round;

  router->rows[to] = router->capped > 1 ? CLAMP(here, 0, 1) : all;
  router->fullest[to] = all > 0 ? whole->fullest[from] / all * router->rows[to] : 0;
}

/* Where all rows come at once every rank sends the same to each group. Later rounds hold what is left of the rows. */
static void set_skew(MoeRouter *router, int load)
{
  const double *rows = router->rows + load * router->columns;

  router->sent[load] = router->capped > 1 ? sum_of(rows, router->columns) / (double)router->columns : 1;
  for (int64_t c = 0; c < router->columns; c++)
    router->skew[load * router->columns + c] = router->sent[load] > 0 ? rows[c] / router->sent[load] : 1;
}

static void cut_into_rounds(MoeRouter *router, const Whole *whole, int64_t parts)
{
  router->first = g_new0(int, parts + 1);
  for (int64_t part = 0; part < parts; part++)
    router->first[part + 1] = router->first[part] + rounds_of(router, whole, part);
  router->rows = g_new0(double, router->first[parts] * router->columns + 1);
  router->skew = g_new0(double, router->first[parts] * router->columns + 1);
  router->sent = g_new0(double, router->first[parts] + 1);
  router->fullest = g_new0(double, router->first[parts] * router->columns + 1);
  for (int64_t part = 0; part < parts; part++)
    for (int round = 0; round < router->first[part + 1] - router->first[part]; round++)
      for (int64_t column = 0; column < router->columns; column++)
        set_round(router, whole, part, round, column);
  for (int load = 0; load < router->first[parts]; load++)
    set_skew(router, load);
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

/* ---- all layers --------------------------------------------------------------------------------- */

static void draw_concentrated(const MoeRouter *router, const Whole *whole, const MoeRouting *routing,
                              const MoeStepSeed *seed, int64_t layers)
{
  g_autofree double *p = g_new(double, router->experts);
  MoeConcentrationDraw draw = {.law = &routing->concentration,
                               .spread = moe_concentration_spread(&routing->concentration),
                               .seed = seed->seed,
                               .step = seed->step,
                               .experts = router->experts};

  for (draw.layer = 0; draw.layer < layers; draw.layer++)
    for (draw.index = 0; draw.index < router->draws; draw.index++) {
      moe_concentration_draw(&draw, p);
      limit_and_normalize(p, router->experts, 1.0 / (double)MAX(router->arch->moe.top_k, 1));
      set_layer(router, whole, p, draw.layer, draw.index);
    }
}

static gboolean draw_once(const MoeRouter *router, const Whole *whole, const MoeRouting *routing, uint64_t seed,
                          int64_t layers, GError **error)
{
  g_autofree double *weights = g_new0(double, layers * router->experts);

  if (routing->balance == MOE_BALANCE_FILE && !read_counts(routing, layers, router->experts, weights, error))
    return FALSE;
  for (int64_t layer = 0; layer < layers; layer++) {
    double *p = weights + layer * router->experts;
    Draw draw = {routing, seed, router->experts, layer};

    if (routing->balance != MOE_BALANCE_FILE)
      draw_weights(&draw, p);
    limit_and_normalize(p, router->experts, 1.0 / (double)MAX(router->arch->moe.top_k, 1));
    set_layer(router, whole, p, layer, 0);
  }
  return TRUE;
}

static gboolean fill(MoeRouter *router, const MoeRouting *routing, const MoeStepSeed *seed, int64_t layers,
                     GError **error)
{
  int64_t parts = layers * router->groups;
  g_autofree double *rows = g_new0(double, parts * router->columns + 1);
  g_autofree double *fullest = g_new0(double, parts * router->columns + 1);
  Whole whole = {rows, fullest};

  if (routing->balance == MOE_BALANCE_CONCENTRATION)
    draw_concentrated(router, &whole, routing, seed, layers);
  else if (!draw_once(router, &whole, routing, seed->seed, layers, error))
    return FALSE;
  cut_into_rounds(router, &whole, parts);
  return TRUE;
}

static guint count_draws(const MoeShape *shape)
{
  const MoeParallelism *p = &shape->run->parallelism;

  return shape->run->training.routing.balance == MOE_BALANCE_CONCENTRATION
             ? (guint)CLAMP(p->expert_data * p->micro_batches, 1, MOST_DRAWS)
             : 1;
}

MoeRouter *moe_router_new(const MoeShape *shape, const MoeStepSeed *seed, GError **error)
{
  g_autoptr(MoeRouter) router = g_new0(MoeRouter, 1);

  router->ep = shape->ep;
  router->groups = shape->groups;
  router->group_experts = shape->local_experts / shape->groups;
  router->experts = shape->arch->moe.experts;
  router->draws = count_draws(shape);
  router->columns = router->draws * router->ep;
  router->capped = moe_expert_rounds(shape);
  router->arch = shape->arch;
  router->layer_index = g_array_new(FALSE, FALSE, sizeof(int64_t));
  return fill(router, &shape->run->training.routing, seed, index_layers(router), error) ? g_steal_pointer(&router)
                                                                                        : NULL;
}

void moe_router_free(MoeRouter *router)
{
  if (!router)
    return;
  g_array_unref(router->layer_index);
  g_free(router->first);
  g_free(router->rows);
  g_free(router->fullest);
  g_free(router->skew);
  g_free(router->sent);
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
  MoeRouter *router = moe_router_new(&shape, &(MoeStepSeed){0, 0}, error);
  gboolean good = router != NULL;

  moe_router_free(router);
  return good;
}

static int part_of(const MoeRouter *router, int64_t layer, int64_t group)
{
  int64_t index = g_array_index(router->layer_index, int64_t, MIN(layer, router->arch->layers - 1));

  return (int)(index * router->groups + group);
}

int64_t moe_router_rounds(const MoeRouter *router, int64_t layer, int64_t group)
{
  int part = part_of(router, layer, group);

  return router->first[part + 1] - router->first[part];
}

int moe_router_load(const MoeRouter *router, int64_t layer, int64_t group, int64_t round)
{
  return router ? router->first[part_of(router, layer, group)] + (int)round : MOE_NO_LOAD;
}

guint moe_router_draws(const MoeRouter *router)
{
  return router->draws;
}

double moe_router_rows(const MoeRouter *router, int load, int64_t column)
{
  return router->rows[load * router->columns + column];
}

double moe_router_fullest(const MoeRouter *router, int load, int64_t column)
{
  return router->fullest[load * router->columns + column];
}

const double *moe_router_skew(const MoeRouter *router, int load)
{
  return load == MOE_NO_LOAD ? NULL : router->skew + load * router->columns;
}

double moe_router_sent(const MoeRouter *router, int load)
{
  return load == MOE_NO_LOAD ? 1 : router->sent[load];
}
