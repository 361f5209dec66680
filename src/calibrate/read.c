/* Reader of measurement files: series, columns, rows. */
#include <string.h>

#include "internal.h"

typedef struct {
  MoeCalibration *calibration;
  const char *data_dir;
  GArray *series, *measurements, *fits, *clusters; /* MoeSeries, MoeMeasurement, MoeCalibrationFit, MoeCluster */
  GPtrArray *cluster_names;
} Reader;

typedef struct {
  const char *name;
  size_t offset;
} Column;

#define COLUMN(name)                                                                                                   \
  {                                                                                                                    \
#name, offsetof(MoeRow, name)                                                                                      \
  }

static const Column columns[] = {
    COLUMN(m),      COLUMN(n),      COLUMN(k),           COLUMN(groups),   COLUMN(rows_per_group),
    COLUMN(tokens), COLUMN(hidden), COLUMN(width),       COLUMN(experts),  COLUMN(top_k),
    COLUMN(batch),  COLUMN(len),    COLUMN(query_heads), COLUMN(kv_heads), COLUMN(dim_qk),
    COLUMN(dim_v),  COLUMN(window), COLUMN(chunk),       COLUMN(rule),     COLUMN(read),
    COLUMN(write),  COLUMN(tflops), COLUMN(us),          COLUMN(gbps),     COLUMN(entering),
};

#define MOST_IN_A_ROW 1e15 /* extents are whole numbers, and three of them multiply in a double */
#define MAX_COLUMNS   16

/* The columns of a series, in order. */
typedef struct {
  guint n;
  const Column *column[MAX_COLUMNS];
} Layout;

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static gboolean find_column(const MoeNode *node, const Column **column, GError **error)
{
  const char *name;

  if (!moe_node_read_text(node, &name, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS(columns); i++)
    if (strcmp(columns[i].name, name) == 0) {
      *column = &columns[i];
      return TRUE;
    }
  return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node),
                  "unknown column \"%s\", expected one like m, len or tflops", name);
}

static gboolean read_columns(const MoeNode *list, Layout *layout, GError **error)
{
  if (!moe_node_expect(list, MOE_NODE_LIST, "columns", error))
    return FALSE;
  if (moe_node_size(list) > MAX_COLUMNS)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(list), "%u columns, expected at most %d", moe_node_size(list),
                    MAX_COLUMNS);
  for (layout->n = 0; layout->n < moe_node_size(list); layout->n++)
    if (!find_column(moe_node_at(list, layout->n), &layout->column[layout->n], error))
      return FALSE;
  return TRUE;
}

static gboolean read_row(const MoeNode *list, const Layout *layout, MoeRow *row, GError **error)
{
  if (!moe_node_expect(list, MOE_NODE_LIST, "row", error))
    return FALSE;
  if (moe_node_size(list) != layout->n)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(list), "row of %u numbers, expected %u as in columns",
                    moe_node_size(list), layout->n);
  for (guint i = 0; i < layout->n; i++) {
    double *value = (double *)((char *)row + layout->column[i]->offset);

    if (!moe_node_read_quantity(moe_node_at(list, i), MOE_DIM_NONE, value, error))
      return FALSE;
    if (*value > MOST_IN_A_ROW)
      return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_node_at(list, i)), "%g in a row, expected at most %g",
                      *value, MOST_IN_A_ROW);
  }
  return TRUE;
}

static gboolean add_row(Reader *reader, const MoeSeriesText *series, const MoeNode *node, const MoeRow *row,
                        GError **error)
{
  MoeMeasurement measurement = {.series = reader->series->len - 1, .mark = moe_node_mark(node)};

  if (!moe_row_measure(series, row, &measurement))
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node),
                    "row without a time, expected tflops, us or gbps above 0");
  measurement.shape = moe_row_shape(row);
  g_array_append_val(reader->measurements, measurement);
  return TRUE;
}

static gboolean read_rows(Reader *reader, const MoeNode *node, const MoeSeriesText *series, GError **error)
{
  const MoeNode *names = moe_node_get(node, "columns"), *rows = moe_node_get(node, "rows");
  Layout layout = {0};

  if (!names || !rows)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node),
                    "series without columns and rows, expected both lists");
  if (!read_columns(names, &layout, error) || !moe_node_expect(rows, MOE_NODE_LIST, "rows", error))
    return FALSE;
  for (guint i = 0; i < moe_node_size(rows); i++) {
    MoeRow row = {0};

    if (!read_row(moe_node_at(rows, i), &layout, &row, error) ||
        !add_row(reader, series, moe_node_at(rows, i), &row, error))
      return FALSE;
  }
  return TRUE;
}

/* ---- series ----------------------------------------------------------------------------------------------------- */

static const char *const casts_words[] = {"fused", "entering", "gathered", "apart", NULL};
static const char *const pass_words[] = {"forward", "dgrad", "wgrad", "both", "any", NULL};

#define PASS_ANY 4
#define MAX_SMS  65536 /* catches slipped digits */

static const MoeField series_fields[] = {
    {"cluster", MOE_FIELD_TEXT, offsetof(MoeSeriesText, head.cluster), .required = TRUE},
    {"fragment", MOE_FIELD_TEXT, offsetof(MoeSeriesText, head.fragment), .required = TRUE},
    {"family", MOE_FIELD_TEXT, offsetof(MoeSeriesText, head.family), .required = TRUE},
    {"source", MOE_FIELD_TEXT, offsetof(MoeSeriesText, head.source), .required = TRUE},
    {"quantize", MOE_FIELD_TEXT, offsetof(MoeSeriesText, head.quantize)},
    {"around", MOE_FIELD_TEXT, offsetof(MoeSeriesText, head.around)},
    {"casts", MOE_FIELD_WORD, offsetof(MoeSeriesText, casts), .words = casts_words},
    {"note", MOE_FIELD_TEXT, offsetof(MoeSeriesText, head.note)},
    {"class", MOE_FIELD_WORD, offsetof(MoeSeriesText, head.klass), .required = TRUE, .words = moe_kernel_class_words},
    {"precision", MOE_FIELD_WORD, offsetof(MoeSeriesText, head.precision), .words = moe_precision_words},
    {"pass", MOE_FIELD_WORD, offsetof(MoeSeriesText, pass), .words = pass_words},
    {"output", MOE_FIELD_WORD, offsetof(MoeSeriesText, output), .words = moe_precision_words},
    {"kind", MOE_FIELD_WORD, offsetof(MoeSeriesText, kind), .words = moe_bandwidth_words},
    {"aside", MOE_FIELD_BOOL, offsetof(MoeSeriesText, aside)},
    {"layer", MOE_FIELD_BOOL, offsetof(MoeSeriesText, layer)},
    {"gather", MOE_FIELD_BOOL, offsetof(MoeSeriesText, gather)},
    {"activation", MOE_FIELD_BOOL, offsetof(MoeSeriesText, activation)},
    {"sms", MOE_FIELD_INT, offsetof(MoeSeriesText, head.sms), .minimum = 1, .maximum = MAX_SMS},
    {"in_step", MOE_FIELD_BOOL, offsetof(MoeSeriesText, head.in_step)},
    {"long_run", MOE_FIELD_BOOL, offsetof(MoeSeriesText, head.long_run)},
    {"causal", MOE_FIELD_BOOL, offsetof(MoeSeriesText, causal)},
    {"rotates", MOE_FIELD_BOOL, offsetof(MoeSeriesText, rotates)},
    {"accumulate", MOE_FIELD_BOOL, offsetof(MoeSeriesText, accumulate)},
    {"constants", MOE_FIELD_IGNORE},
    {"columns", MOE_FIELD_IGNORE},
    {"rows", MOE_FIELD_IGNORE},
    {NULL},
};

/* Index of the cluster, loading it when it is new. */
static gboolean find_cluster(Reader *reader, const MoeNode *node, const MoeSeriesText *series, guint *index,
                             GError **error)
{
  for (guint i = 0; i < reader->cluster_names->len; i++)
    if (strcmp(g_ptr_array_index(reader->cluster_names, i), series->head.cluster) == 0) {
      *index = i;
      return TRUE;
    }

  MoeCluster cluster = {0};
  MoeDoc *doc = NULL;
  if (!moe_cluster_load_named(moe_node_get(node, "cluster"), reader->data_dir, &cluster, &doc, error))
    return FALSE;
  g_ptr_array_add(reader->calibration->docs, doc);
  g_ptr_array_add(reader->cluster_names, (gpointer)series->head.cluster);
  g_array_append_val(reader->clusters, cluster);
  *index = reader->clusters->len - 1;
  return TRUE;
}

static gboolean same_fit(const MoeCalibrationFit *fit, const MoeSeries *s)
{
  return fit->family.klass == s->klass && fit->family.precision == s->precision && fit->family.pass == s->pass &&
         strcmp(fit->fragment, s->fragment) == 0 && strcmp(fit->family.name, s->family) == 0;
}

/* The fit the series belongs to; NULL when none is there yet. */
static MoeCalibrationFit *find_fit(const Reader *reader, const MoeSeries *s, guint *index)
{
  for (guint i = 0; i < reader->fits->len; i++)
    if (same_fit(&g_array_index(reader->fits, MoeCalibrationFit, i), s)) {
      *index = i;
      return &g_array_index(reader->fits, MoeCalibrationFit, i);
    }
  return NULL;
}

/* Forward plus backward in one time: the backward constants are fitted when forward's are known, else both are the
 * same. */
static int combined_pass(const Reader *reader, const MoeSeries *s)
{
  MoeSeries forward = *s;
  guint index;

  forward.pass = 0;
  return find_fit(reader, &forward, &index) ? 1 : -1;
}

static gboolean hold_constants(const MoeNode *map, MoeKernelFamily *family, GError **error)
{
  for (guint i = 0; map && i < moe_node_size(map); i++) {
    double value;

    if (!moe_node_read_quantity(moe_node_at(map, i), MOE_DIM_NONE, &value, error))
      return FALSE;
    if (family->n_constants == MOE_FAMILY_CONSTANTS)
      return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(map), "more than %d constants, expected fewer",
                      MOE_FAMILY_CONSTANTS);
    family->constant[family->n_constants] = moe_node_key(map, i);
    family->value[family->n_constants++] = value;
  }
  return TRUE;
}

static gboolean join_fit(Reader *reader, MoeSeriesText *text, GError **error)
{
  MoeSeries *s = &text->head;

  s->pass = text->pass == MOE_SERIES_BOTH ? combined_pass(reader, s) : text->layer ? -1 : text->pass;
  if (find_fit(reader, s, &s->fit))
    return TRUE;

  MoeCalibrationFit fit = {.fragment = s->fragment,
                           .aside = text->aside,
                           .family = {.name = s->family,
                                      .klass = s->klass,
                                      .precision = s->precision,
                                      .pass = s->pass,
                                      .source = s->source,
                                      .mark = text->mark}};
  if (!hold_constants(text->constants, &fit.family, error))
    return FALSE;
  g_array_append_val(reader->fits, fit);
  s->fit = reader->fits->len - 1;
  return TRUE;
}

/* Whether `fragment` or what it starts from has a fit of that bandwidth-bound family before `end`. */
static gboolean is_measured(const Reader *reader, const char *fragment, const char *family, guint end)
{
  for (const char *from = fragment; from; from = moe_calibration_base(reader->calibration, from))
    for (guint i = 0; i < end; i++) {
      const MoeCalibrationFit *fit = &g_array_index(reader->fits, MoeCalibrationFit, i);

      if (fit->family.klass == MOE_KERNEL_BANDWIDTH && strcmp(fit->fragment, from) == 0 &&
          strcmp(fit->family.name, family) == 0)
        return TRUE;
    }
  return FALSE;
}

/* What runs beside the products of these rows is priced by a family that was measured before: what quantizes, what
 * else is around them. */
static gboolean check_beside(const Reader *reader, const MoeNode *node, const MoeSeries *s, const char *family,
                             GError **error)
{
  if (!family || moe_cost_knows_family(MOE_KERNEL_BANDWIDTH, family) ||
      is_measured(reader, s->fragment, family, s->fit))
    return TRUE;
  return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node),
                  "no measurements of %s for fragment %s before these, expected the file that has them in front",
                  family, s->fragment);
}

/* A step holds what a long run does, and more. */
static gboolean check_state(const MoeNode *node, const MoeSeries *s, GError **error)
{
  return !s->in_step || !s->long_run ||
         moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_node_get(node, "long_run")),
                  "long_run of a series in_step, expected one of the two");
}

static gboolean read_series(Reader *reader, const MoeNode *node, GError **error)
{
  MoeSeriesText text = {.head.precision = -1, .pass = PASS_ANY, .output = MOE_BF16, .mark = moe_node_mark(node)};

  if (!moe_node_expect(node, MOE_NODE_MAP, "series", error) ||
      !moe_node_read_fields(node, series_fields, "series", &text, error))
    return FALSE;
  text.constants = moe_node_get(node, "constants");
  text.pass = text.pass == PASS_ANY ? -1 : text.pass;
  if (!check_state(node, &text.head, error) || !find_cluster(reader, node, &text, &text.head.accelerator, error) ||
      !join_fit(reader, &text, error) ||
      !check_beside(reader, moe_node_get(node, "quantize"), &text.head, text.head.quantize, error) ||
      !check_beside(reader, moe_node_get(node, "around"), &text.head, text.head.around, error))
    return FALSE;
  g_array_append_val(reader->series, text.head);
  return read_rows(reader, node, &text, error);
}

static gboolean read_bases(Reader *reader, const MoeNode *map, GError **error)
{
  for (guint i = 0; map && i < moe_node_size(map); i++) {
    const char *base;

    if (!moe_node_read_text(moe_node_at(map, i), &base, error))
      return FALSE;
    for (const char *from = base; from; from = moe_calibration_base(reader->calibration, from))
      if (strcmp(from, moe_node_key(map, i)) == 0)
        return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_node_at(map, i)),
                        "bases in a circle at %s, expected a chain that ends", from);
    g_hash_table_insert(reader->calibration->bases, (gpointer)moe_node_key(map, i), (gpointer)base);
  }
  return TRUE;
}

static gboolean read_file(Reader *reader, const char *path, GError **error)
{
  MoeDoc *doc = moe_doc_load(path, error);

  if (!doc)
    return FALSE;
  g_ptr_array_add(reader->calibration->docs, doc);
  const MoeNode *series = moe_node_get(moe_doc_root(doc), "series");
  if (!series)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_doc_root(doc)), "no series, expected a list `series:`");
  if (!moe_node_expect(series, MOE_NODE_LIST, "series", error) ||
      !read_bases(reader, moe_node_get(moe_doc_root(doc), "bases"), error))
    return FALSE;
  for (guint i = 0; i < moe_node_size(series); i++)
    if (!read_series(reader, moe_node_at(series, i), error))
      return FALSE;
  return TRUE;
}

/* ---- the calibration -------------------------------------------------------------------------------------------- */

/* A fit with few rows needs them all; nothing is then kept for judging. */
#define MIN_SHAPES 5

static int compare_shapes(gconstpointer a, gconstpointer b)
{
  const MoeMeasurement *x = *(MoeMeasurement *const *)a, *y = *(MoeMeasurement *const *)b;

  return (x->shape > y->shape) - (x->shape < y->shape);
}

/* Every other shape, in the order of their hashes, is fitted on; equal shapes stay together. Bandwidth-bound kinds,
 * which have a constant each, are divided one by one. */
static void divide(MoeCalibration *c, guint fit, MoeBandwidthKind kind)
{
  g_autoptr(GPtrArray) rows = g_ptr_array_new();
  guint shapes = 0;

  for (guint i = 0; i < c->n_measurements; i++)
    if (c->series[c->measurements[i].series].fit == fit && c->measurements[i].kernel[0].bandwidth == kind)
      g_ptr_array_add(rows, &c->measurements[i]);
  g_ptr_array_sort(rows, compare_shapes);
  for (guint i = 0; i < rows->len; i++) {
    MoeMeasurement *m = g_ptr_array_index(rows, i), *before = i > 0 ? g_ptr_array_index(rows, i - 1) : NULL;

    shapes += !before || before->shape != m->shape;
    m->fitted = shapes % 2 == 1;
  }
  for (guint i = 0; i < rows->len && shapes < MIN_SHAPES; i++)
    ((MoeMeasurement *)g_ptr_array_index(rows, i))->fitted = TRUE;
}

static void reader_finish(Reader *reader)
{
  MoeCalibration *c = reader->calibration;

  c->n_series = reader->series->len;
  c->n_measurements = reader->measurements->len;
  c->n_fits = reader->fits->len;
  c->n_accelerators = reader->clusters->len;
  c->series = (MoeSeries *)g_array_free(reader->series, FALSE);
  c->measurements = (MoeMeasurement *)g_array_free(reader->measurements, FALSE);
  c->fits = (MoeCalibrationFit *)g_array_free(reader->fits, FALSE);
  c->accelerators = (MoeCluster *)g_array_free(reader->clusters, FALSE);
  g_ptr_array_free(reader->cluster_names, TRUE);
}

MoeCalibration *moe_calibration_load(const char *const *paths, const char *data_dir, GError **error)
{
  g_autoptr(MoeCalibration) calibration = g_new0(MoeCalibration, 1);
  gboolean ok = TRUE;

  calibration->docs = g_ptr_array_new_with_free_func((GDestroyNotify)moe_doc_free);
  calibration->bases = g_hash_table_new(g_str_hash, g_str_equal);
  Reader reader = {.calibration = calibration,
                   .data_dir = data_dir,
                   .series = g_array_new(FALSE, TRUE, sizeof(MoeSeries)),
                   .measurements = g_array_new(FALSE, TRUE, sizeof(MoeMeasurement)),
                   .fits = g_array_new(FALSE, TRUE, sizeof(MoeCalibrationFit)),
                   .clusters = g_array_new(FALSE, TRUE, sizeof(MoeCluster)),
                   .cluster_names = g_ptr_array_new()};
  for (guint i = 0; ok && paths[i]; i++)
    ok = read_file(&reader, paths[i], error);
  reader_finish(&reader);
  for (guint fit = 0; ok && fit < calibration->n_fits; fit++)
    for (int kind = 0; kind < MOE_N_BANDWIDTH_KINDS; kind++)
      divide(calibration, fit, kind);
  return ok ? g_steal_pointer(&calibration) : NULL;
}

void moe_calibration_free(MoeCalibration *calibration)
{
  if (!calibration)
    return;
  for (guint i = 0; i < calibration->n_accelerators; i++)
    moe_kernel_fits_clear(&calibration->accelerators[i].accelerator.kernels);
  g_hash_table_unref(calibration->bases);
  g_ptr_array_free(calibration->docs, TRUE);
  g_free(calibration->series);
  g_free(calibration->measurements);
  g_free(calibration->fits);
  g_free(calibration->accelerators);
  g_free(calibration);
}
