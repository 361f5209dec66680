/* The posterior as a file: YAML that posterior.h reads, and people. */
#include <math.h>
#include <string.h>

#include "doc/doc.h"
#include "internal.h"

#define KEPT_DRAWS 200 /* of the posterior: P10 and P90 then rest on twenty each */

/* NULL is nothing. */
static char *quoted(const char *text)
{
  return moe_text_quote(text ? text : "");
}

static void append_three(GString *text, const char *key, const MoeQuantiles *q)
{
  g_string_append_printf(text, "%s: [%.6g, %.6g, %.6g]", key, q->p10, q->p50, q->p90);
}

static void append_weights(GString *text, const char *key, const double *weight, guint n)
{
  g_string_append_printf(text, ", %s: [", key);
  for (guint v = 0; v < n; v++)
    g_string_append_printf(text, "%s%.4f", v > 0 ? ", " : "", weight[v]);
  g_string_append(text, "]");
}

static void append_unknown(GString *text, const MoeUnknown *unknown)
{
  g_string_append_printf(text, "    - {key: %s, bits: %.3f, ", unknown->key, unknown->bits);
  if (unknown->n_values == 0) {
    append_three(text, "before", &unknown->before);
    g_string_append(text, ", ");
    append_three(text, "after", &unknown->after);
  } else {
    g_string_append(text, "values: [");
    for (guint v = 0; v < unknown->n_values; v++) {
      g_autofree char *value = quoted(unknown->value[v]);

      g_string_append_printf(text, "%s%s", v > 0 ? ", " : "", value);
    }
    g_string_append(text, "]");
    append_weights(text, "before", unknown->before_weight, unknown->n_values);
    append_weights(text, "after", unknown->after_weight, unknown->n_values);
  }
  g_string_append(text, "}\n");
}

static void append_row(GString *text, const MoeInferRow *row)
{
  g_autofree char *name = quoted(row->name);

  g_string_append_printf(text, "    - {name: %s, metric: %s, held_out: %s, ", name, row->metric,
                         row->held_out ? "true" : "false");
  if (isfinite(row->published))
    g_string_append_printf(text, "published: %.6g, ", row->published);
  append_three(text, "predicted", &row->fitted);
  g_string_append_printf(text, ", best: %.6g}\n", isfinite(row->best) ? row->best : 0);
}

static void append_best(GString *text, const MoeInference *inference)
{
  for (guint i = 0; i < inference->n_cases; i++) {
    g_autofree char *name = quoted(inference->case_name[i]);

    g_string_append_printf(text, "    - case: %s\n      set: [", name);
    for (guint k = 0; inference->case_best[i][k]; k++) {
      g_autofree char *set = quoted(inference->case_best[i][k]);

      g_string_append_printf(text, "%s%s", k > 0 ? ", " : "", set);
    }
    g_string_append(text, "]\n");
  }
}

/* Evenly spaced among all: they stand in no order that means anything. */
static void append_draws(GString *text, const MoeInference *inference)
{
  guint n = MIN(KEPT_DRAWS, inference->n_draws);

  for (guint k = 0; k < n; k++) {
    guint draw = k * inference->n_draws / n;

    g_string_append_printf(text, "    - [%.5f, %.5f, %.5f", inference->bias[draw], inference->model_scatter[draw],
                           inference->run_scatter[draw]);
    for (guint m = 0; m < inference->n_models; m++)
      g_string_append_printf(text, ", %.5f", inference->model_off[(gsize)draw * inference->n_models + m]);
    for (guint j = 0; j < inference->n_unknowns; j++)
      g_string_append_printf(text, ", %.5f", inference->draws[(gsize)draw * inference->n_unknowns + j]);
    g_string_append(text, "]\n");
  }
}

static void append_error(GString *text, const MoeInference *i)
{
  const struct {
    const char *key;
    const MoeQuantiles *before, *after;
  } parts[] = {{"bias", &i->bias_before, &i->bias_after},
               {"model_scatter", &i->model_scatter_before, &i->model_scatter_after},
               {"run_scatter", &i->run_scatter_before, &i->run_scatter_after}};

  g_string_append(text, "  error:\n");
  for (guint p = 0; p < G_N_ELEMENTS(parts); p++) {
    g_string_append_printf(text, "    %s: {", parts[p].key);
    append_three(text, "before", parts[p].before);
    g_string_append(text, ", ");
    append_three(text, "after", parts[p].after);
    g_string_append(text, "}\n");
  }
  g_string_append(text, "  models: [");
  for (guint m = 0; m < i->n_models; m++)
    g_string_append_printf(text, "%s%s", m > 0 ? ", " : "", i->model[m]);
  g_string_append(text, "]\n");
}

char *moe_inference_text(const MoeInference *inference)
{
  GString *text = g_string_new("# Written by moesim infer. Draws: bias and scatter of log(published "
                               "/ predicted time), then the share\n# of its range that each unknown has, in their "
                               "order; all are equally likely.\nposterior:\n");

  g_string_append_printf(text, "  seed: %" G_GUINT64_FORMAT "\n  unknowns:\n", inference->seed);
  for (guint j = 0; j < inference->n_unknowns; j++)
    append_unknown(text, &inference->unknowns[j]);
  append_error(text, inference);
  g_string_append(text, "  rows:\n");
  for (guint i = 0; i < inference->n_rows + inference->n_held_out; i++)
    append_row(text, &inference->rows[i]);
  g_string_append(text, "  best:\n");
  append_best(text, inference);
  g_string_append(text, "  draws:\n");
  append_draws(text, inference);
  return g_string_free(text, FALSE);
}
