/* Questions of memory: published peaks beside predicted ones, and whether what ran fits and what ran out does not. */
#include "validate/memory.h"
#include "base/base.h"
#include "cases.h"
#include "spec/published.h"
#include "spec/spec.h"

#include <math.h>

/* Which pipeline stage a publication speaks of. */
static guint stage_of(const MoePublished *published, const MoeResult *result)
{
  switch (published->memory.of) {
  case MOE_MEMORY_OF_FIRST:
    return 0;
  case MOE_MEMORY_OF_LAST:
    return result->memory.n_roles - 1;
  default:
    return result->memory.peak_role;
  }
}

void moe_case_memory(const MoeRun *run, const MoeResult *result, MoeCase *c)
{
  const MoePublished *published = &run->published;

  c->memory.peak_bytes = result->memory.peak_bytes;
  c->memory.capacity_bytes = result->memory.capacity_bytes;
  c->memory.headroom_bytes = result->memory.headroom_bytes;
  c->memory.out_of_memory = published->memory.out_of_memory;
  c->memory.kind = published->memory.kind;
  c->memory.published_bytes = published->memory.peak_bytes;
  c->memory.predicted_bytes = result->memory.role[stage_of(published, result)].counted_bytes[c->memory.kind];
  if (c->memory.published_bytes > 0)
    c->memory.error = c->memory.predicted_bytes / c->memory.published_bytes - 1;
}

static gboolean in_group(const MoeCase *c, const char *name, MoeGroupBy by)
{
  return !c->failure && c->memory.published_bytes > 0 && (!name || g_strcmp0(c->group[by], name) == 0);
}

static void fill_group(const MoeValidation *validation, const char *name, MoeGroupBy by, MoeCaseGroup *group)
{
  g_autofree double *error = g_new(double, validation->n + 1), *size = g_new(double, validation->n + 1);
  guint n = 0;

  for (guint i = 0; i < validation->n; i++)
    if (in_group(&validation->cases[i], name, by)) {
      error[n] = validation->cases[i].memory.error;
      size[n] = fabs(error[n]);
      n++;
    }
  *group = (MoeCaseGroup){.name = g_strdup(name ? name : "all"), .n = n, .rank_correlation = NAN};
  group->median_abs_error = moe_quantile(size, n, 0.5);
  group->p90_abs_error = moe_quantile(size, n, 0.9);
  group->bias = moe_quantile(error, n, 0.5);
}

MoeCaseGroup *moe_validation_memory_groups(const MoeValidation *validation, MoeGroupBy by, guint *n)
{
  guint n_names = 0;
  MoeCaseGroup *groups = moe_validation_group(validation, by, &n_names), *kept = g_new0(MoeCaseGroup, n_names + 1);

  *n = 0;
  for (guint i = 0; i <= n_names; i++) {
    fill_group(validation, i < n_names ? groups[i].name : NULL, by, &kept[*n]);
    if (kept[*n].n > 0 || i == n_names)
      (*n)++;
    else
      g_free(kept[*n].name);
  }
  moe_case_groups_free(groups, n_names);
  return kept;
}

double moe_case_excess(const MoeCase *c)
{
  return (c->memory.peak_bytes + c->memory.headroom_bytes) / c->memory.capacity_bytes - 1;
}

void moe_validation_fit(const MoeValidation *validation, MoeFitTable *table)
{
  *table = (MoeFitTable){0};
  for (guint i = 0; i < validation->n; i++) {
    const MoeCase *c = &validation->cases[i];

    if (c->failure)
      continue;
    table->n[c->memory.out_of_memory != 0][c->fits != 0]++;
    if (!c->memory.out_of_memory && !c->fits)
      table->worst_excess = MAX(table->worst_excess, moe_case_excess(c));
  }
}

static gint largest_first(gconstpointer a, gconstpointer b)
{
  const MoeCase *x = *(const MoeCase *const *)a, *y = *(const MoeCase *const *)b;
  double ex = moe_case_excess(x), ey = moe_case_excess(y);

  return ex != ey ? (ex < ey) - (ex > ey) : strcmp(x->id, y->id);
}

GPtrArray *moe_validation_wrong_fits(const MoeValidation *validation)
{
  GPtrArray *wrong = g_ptr_array_new();

  for (guint i = 0; i < validation->n; i++)
    if (!validation->cases[i].failure && validation->cases[i].fits == validation->cases[i].memory.out_of_memory)
      g_ptr_array_add(wrong, &validation->cases[i]);
  g_ptr_array_sort(wrong, largest_first);
  return wrong;
}
