/* A plan as JSON and CSV. */
#include "report/plan.h"
#include <math.h>
#include <moesim/report.h>

#include "report/json.h"

#include <json-glib/json-glib.h>

/* The numbers of a row, in the order of their columns. */
typedef struct {
  const char *key;
  double value;
} Figure;

#define N_FIGURES 28

static void add_spread(Figure *figures, guint *n, const char *const *keys, const MoeQuantiles *q)
{
  figures[(*n)++] = (Figure){keys[0], q->p10};
  figures[(*n)++] = (Figure){keys[1], q->p50};
  figures[(*n)++] = (Figure){keys[2], q->p90};
}

static guint list_figures(const MoePlanRow *row, Figure *figures)
{
  static const char *const step[] = {"step_time_s.p10", "step_time_s.p50", "step_time_s.p90"};
  static const char *const mfu[] = {"mfu_causal.p10", "mfu_causal.p50", "mfu_causal.p90"};
  static const char *const full[] = {"mfu_full.p10", "mfu_full.p50", "mfu_full.p90"};
  static const char *const wall[] = {"wall_s.p10", "wall_s.p50", "wall_s.p90"};
  static const char *const dollars[] = {"dollars.p10", "dollars.p50", "dollars.p90"};
  static const char *const mwh[] = {"energy_mwh.p10", "energy_mwh.p50", "energy_mwh.p90"};
  gboolean hosts;
  guint n = 0;

  figures[n++] = (Figure){"step_time_s.predicted", row->result->step_time_s};
  add_spread(figures, &n, step, &row->certainty.step_time_s);
  figures[n++] = (Figure){"mfu_causal.predicted", row->result->mfu_causal};
  add_spread(figures, &n, mfu, &row->certainty.mfu_causal);
  figures[n++] = (Figure){"mfu_full.predicted", row->result->mfu_full};
  add_spread(figures, &n, full, &row->certainty.mfu_full);
  add_spread(figures, &n, wall, &row->certainty.wall_s);
  add_spread(figures, &n, dollars, &row->dollars);
  figures[n++] = (Figure){"dollars.lowest", row->least_dollars};
  figures[n++] = (Figure){"dollars.highest", row->most_dollars};
  add_spread(figures, &n, mwh, &row->mwh);
  figures[n++] = (Figure){"megawatts", row->megawatts};
  figures[n++] = (Figure){"price_gpu_hour_dollars", row->economy.price_gpu_hour};
  figures[n++] = (Figure){"memory_bytes", row->result->memory.peak_bytes};
  figures[n++] = (Figure){"racks", (double)moe_plan_racks(&row->run->cluster, row->gpus, &hosts)};
  figures[n++] = (Figure){"chance", row->certainty.chance};
  g_assert(n == N_FIGURES);
  return n;
}

static void add_shares(JsonBuilder *builder, const char *key, const double *share)
{
  moe_json_open_object(builder, key);
  for (guint d = 0; d < MOE_N_DOUBTS; d++)
    moe_json_number(builder, moe_doubt_words[d], share[d]);
  json_builder_end_object(builder);
}

static void add_model_error(JsonBuilder *builder, const MoeModelError *error)
{
  moe_json_open_object(builder, "model_error");
  moe_json_integer(builder, "cases", error->n_cases);
  moe_json_integer(builder, "families", error->n_families);
  moe_json_text(builder, "like", error->like);
  json_builder_end_object(builder);
}

static void add_set(JsonBuilder *builder, char *const *sets)
{
  moe_json_open_array(builder, "set");
  for (; *sets; sets++)
    json_builder_add_string_value(builder, *sets);
  json_builder_end_array(builder);
}

static void add_answer(JsonBuilder *builder, const MoePlanRow *row, const char *const *prefix)
{
  Figure figures[N_FIGURES];
  guint n = list_figures(row, figures);
  g_autofree char *command = moe_report_plan_command(row, prefix);

  moe_json_integer(builder, "global_batch", row->result->global_batch);
  for (guint i = 0; i < n; i++)
    moe_json_number(builder, figures[i].key, figures[i].value);
  add_shares(builder, "step_time_shares", row->certainty.step_share);
  add_shares(builder, "wall_shares", row->certainty.wall_share);
  add_model_error(builder, &row->model_error);
  moe_json_bool(builder, "search_complete", row->search_complete);
  moe_json_integer(builder, "layouts_not_reached", row->n_not_reached);
  add_set(builder, row->sets);
  moe_json_text(builder, "command", command);
}

static void add_row(JsonBuilder *builder, const MoePlanRow *row, const char *const *prefix)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "cluster", row->result ? row->result->cluster : row->cluster);
  moe_json_integer(builder, "gpus", row->gpus);
  moe_json_text(builder, "error", row->failure);
  if (row->result)
    add_answer(builder, row, prefix);
  json_builder_end_object(builder);
}

static void add_deciding(JsonBuilder *builder, const MoeSensitivity *s)
{
  moe_json_open_array(builder, "deciding");
  for (guint i = 0; s && i < s->n_swings; i++) {
    json_builder_begin_object(builder);
    moe_json_text(builder, "key", s->swings[i].key);
    moe_json_text(builder, "low", s->swings[i].low);
    moe_json_number(builder, "mfu_causal_low", s->swings[i].mfu_low);
    moe_json_text(builder, "high", s->swings[i].high);
    moe_json_number(builder, "mfu_causal_high", s->swings[i].mfu_high);
    moe_json_text(builder, "why", s->swings[i].why);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

char *moe_report_plan_json(const MoePlan *plan, const char *const *prefix)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_number(builder, "tokens", plan->tokens);
  moe_json_number(builder, "deadline_s", plan->deadline_s > 0 ? plan->deadline_s : NAN);
  moe_json_number(builder, "budget_dollars", plan->budget_dollars > 0 ? plan->budget_dollars : NAN);
  moe_json_integer(builder, "smallest", plan->smallest);
  moe_json_integer(builder, "likely", plan->likely);
  moe_json_integer(builder, "decided", plan->decided);
  moe_json_open_array(builder, "rows");
  for (guint r = 0; r < plan->n_rows; r++)
    add_row(builder, &plan->rows[r], prefix);
  json_builder_end_array(builder);
  add_deciding(builder, plan->deciding);
  json_builder_end_object(builder);
  return moe_json_finish(builder);
}

/* ---- CSV --------------------------------------------------------------------------------------------------------- */

/* The columns are those of any answer; a plan without one has only who failed and why. */
static void add_header(MoeTable *table, const MoePlan *plan)
{
  Figure figures[N_FIGURES];
  guint n = plan->decided >= 0 ? list_figures(&plan->rows[plan->decided], figures) : 0;

  moe_table_add(table, "cluster");
  moe_table_add(table, "gpus");
  moe_table_add(table, "global_batch");
  for (guint i = 0; i < n; i++)
    moe_table_add(table, figures[i].key);
  moe_table_add(table, "error");
}

static void add_csv_row(MoeTable *table, const MoePlanRow *row, guint columns)
{
  Figure figures[N_FIGURES] = {{NULL, NAN}};
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  if (!row->failure)
    list_figures(row, figures);
  moe_table_add(table, row->result ? row->result->cluster : row->cluster);
  moe_table_whole(table, row->gpus);
  moe_table_take(table, row->failure ? NULL : g_strdup_printf("%" G_GINT64_FORMAT, row->result->global_batch));
  for (guint i = 0; i < columns; i++)
    moe_table_add(table, row->failure || !isfinite(figures[i].value)
                             ? NULL
                             : g_ascii_dtostr(digits, sizeof digits, figures[i].value));
  moe_table_add(table, row->failure);
}

char *moe_report_plan_csv(const MoePlan *plan)
{
  guint columns = plan->decided >= 0 ? N_FIGURES : 0;
  g_autofree char *alignment = g_strnfill(columns + 4, 'l');
  g_autoptr(MoeTable) table = moe_table_new(alignment);

  add_header(table, plan);
  for (guint r = 0; r < plan->n_rows; r++)
    add_csv_row(table, &plan->rows[r], columns);
  return moe_table_csv(table);
}
