/* What was measured of a case: rows to learn from. */
#include <math.h>
#include <string.h>

#include "internal.h"

/* Metrics that give a step time, the first that is published counts, as everywhere (moe_published_step_time). */
static const struct {
  const char *key;
  gboolean rate;
} step_metrics[] = {
    {"step_time_s", FALSE}, {"tokens_per_s_per_gpu", TRUE},    {"model_tflops_per_gpu", TRUE},
    {"mfu", TRUE},          {"hardware_tflops_per_gpu", TRUE},
};

/* Standard deviation of the logarithm that the printed digits leave: half a unit of the last one either way, even in
 * between. "0.22" is 0.215 to 0.225. */
static double rounding_of(const MoeNode *node, double value)
{
  const char *text = node ? moe_node_text(node) : NULL, *point = text ? strchr(text, '.') : NULL;
  gsize n_digits = point ? strspn(point + 1, "0123456789") : 0;
  double half_unit = 0.5 * pow(10, -(double)n_digits);
  char *end = NULL;
  double printed = text ? g_ascii_strtod(text, &end) : 0;

  if (!text || printed <= 0 || value <= 0 || strpbrk(text, "eE"))
    return 0;
  return half_unit / printed / sqrt(3);
}

static void add_row(MoeProblem *problem, guint of, MoeRowKind kind, guint said, const char *metric, const MoeNode *node,
                    double value, gboolean rate)
{
  MoeDatum row = {.of = of,
                  .kind = kind,
                  .said = said,
                  .metric = metric,
                  .published = value,
                  .rate = rate,
                  .target = rate ? -log(value) : log(value),
                  .rounding = rounding_of(node, value)};

  g_array_append_val(problem->rows, row);
}

static void add_step(MoeProblem *problem, guint of, const MoeNode *published)
{
  for (guint i = 0; i < G_N_ELEMENTS(step_metrics); i++) {
    const MoeNode *node = moe_node_get(published, step_metrics[i].key);
    double value = 0;

    if (!node || !moe_node_read_quantity(node, MOE_DIM_NONE, &value, NULL) || value <= 0)
      continue;
    add_row(problem, of, MOE_ROW_STEP, MOE_SAID_STEP, step_metrics[i].key, node, value, step_metrics[i].rate);
    return;
  }
}

static void add_parts(MoeProblem *problem, guint of, const MoeNode *parts)
{
  for (guint p = 0; parts && p < MOE_N_ITERATION_PARTS; p++) {
    const MoeNode *node = moe_node_get(parts, moe_iteration_part_words[p]);
    double value = 0;

    if (node && moe_node_read_quantity(node, MOE_DIM_NONE, &value, NULL) && value > 0)
      add_row(problem, of, MOE_ROW_PART, MOE_SAID_PART + p, moe_iteration_part_words[p], node, value, FALSE);
  }
}

gboolean moe_rows_add(MoeProblem *problem, guint of, GError **error)
{
  const MoeRun *run = moe_problem_case(problem, of)->run;
  const MoeNode *published = moe_node_get(moe_doc_root(run->doc), "published");
  double bytes = run->published.memory.peak_bytes;
  guint before = problem->rows->len;

  add_step(problem, of, published);
  if (bytes > 0)
    add_row(problem, of, MOE_ROW_MEMORY, MOE_SAID_MEMORY, "peak_memory", moe_node_get(published, "peak_memory"), bytes,
            FALSE);
  add_parts(problem, of, run->published.iteration_parts);
  if (problem->rows->len == before && moe_problem_case(problem, of)->held_out)
    add_row(problem, of, MOE_ROW_STEP, MOE_SAID_STEP, "step_time_s", NULL, NAN, FALSE);
  return problem->rows->len > before ||
         moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(published),
                  "nothing published that can be learned from, expected a step time, a throughput, an MFU, parts of an "
                  "iteration or a peak of memory");
}

double moe_row_value(const MoeDatum *row, double said)
{
  return exp(row->rate ? -said : said);
}
