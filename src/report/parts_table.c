/* Parts of iterations and kernel classes of a pair as tables. */
#include "report/parts.h"
#include "report/tables.h"
#include <math.h>

/* Name, published, predicted, error; what was not published stays open. */
static void add_row(MoeTable *table, const char *name, double published_s, double predicted_s)
{
  gboolean known = isfinite(published_s) && published_s > 0;

  moe_table_add(table, name);
  moe_table_quantity(table, known ? published_s : NAN, MOE_DIM_SECONDS);
  moe_table_quantity(table, predicted_s, MOE_DIM_SECONDS);
  moe_table_change(table, known ? predicted_s / published_s - 1 : NAN);
}

static double published_sum(const MoePartsCase *c)
{
  double sum = 0;

  for (guint i = 0; i < MOE_N_ITERATION_PARTS; i++)
    sum += isfinite(c->published_s[i]) ? c->published_s[i] : 0;
  return sum;
}

static void add_case(MoeTable *table, const MoePartsCase *c)
{
  for (guint i = 0; i < MOE_N_ITERATION_PARTS; i++) {
    moe_table_add(table, i == 0 ? c->id : "");
    add_row(table, moe_iteration_part_words[i], c->published_s[i], moe_time_to_seconds(c->iteration.part[i]));
  }
  moe_table_add(table, "");
  add_row(table, "sum", published_sum(c), moe_time_to_seconds(c->iteration.step));
}

char *moe_report_parts_table(const GPtrArray *cases, MoeSheet sheet)
{
  static const char *const header[] = {"case", "part", "published", "predicted", "error", NULL};
  g_autoptr(MoeTable) table = moe_table_new("llrrr");

  moe_table_header(table, header);
  for (guint i = 0; i < cases->len; i++)
    add_case(table, cases->pdata[i]);
  return moe_table_format(table, sheet);
}

char *moe_report_pair_table(const MoePairTrace *trace, const MoeIteration *iteration, MoeSheet sheet)
{
  static const char *const header[] = {"kernels", "profiled", "predicted", "error", NULL};
  g_autoptr(MoeTable) table = moe_table_new("lrrr");
  double profiled_s = 0, predicted_s = 0;

  moe_table_header(table, header);
  for (guint c = 0; c < MOE_N_PAIR_CLASSES; c++) {
    profiled_s += trace->class_s[c];
    predicted_s += iteration->pair_class_s[c];
    if (trace->class_s[c] > 0 || iteration->pair_class_s[c] > 0)
      add_row(table, moe_pair_class_words[c], trace->class_s[c], iteration->pair_class_s[c]);
  }
  add_row(table, "all kernels", profiled_s, predicted_s);
  add_row(table, "duration", trace->pair_s, iteration->pair_s);
  return moe_table_format(table, sheet);
}
