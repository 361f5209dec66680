/* Groups of published cases that differ in their layout alone: is the one that was measured to be the best predicted
 * among the first? */
#include "cases.h"

/* What a choice of layout settles; all else must be the same within a group. */
static gboolean is_layout(MoeDiffers part)
{
  return part == MOE_DIFFERS_LAYOUT || part == MOE_DIFFERS_OVERLAP || part == MOE_DIFFERS_RECOMPUTE;
}

/* Names the group of a case: its family and all that a layout does not settle. */
static char *group_of(const MoeCase *c)
{
  GString *key = g_string_new(c->group[MOE_GROUP_BY_FAMILY]);

  for (guint d = 0; d < MOE_N_DIFFERS; d++)
    if (!is_layout(d))
      g_string_append_printf(key, "\n%s", c->differs[d] ? c->differs[d] : "");
  return g_string_free(key, FALSE);
}

static const MoeCase *best_published(const GPtrArray *group)
{
  const MoeCase *best = g_ptr_array_index(group, 0);

  for (guint i = 1; i < group->len; i++) {
    const MoeCase *c = g_ptr_array_index(group, i);

    if (c->tokens_per_s_per_gpu_published > best->tokens_per_s_per_gpu_published)
      best = c;
  }
  return best;
}

static void add_group(MoeLayoutGroups *groups, const GPtrArray *group)
{
  const MoeCase *best = best_published(group);
  guint faster = 0;

  for (guint i = 0; i < group->len; i++)
    faster += ((const MoeCase *)g_ptr_array_index(group, i))->tokens_per_s_per_gpu_predicted >
              best->tokens_per_s_per_gpu_predicted;
  groups->n++;
  groups->n_first += faster == 0;
  groups->n_top += faster < MOE_TOP_LAYOUTS;
  if (group->len <= MOE_TOP_LAYOUTS)
    return;
  groups->n_large++;
  groups->n_large_top += faster < MOE_TOP_LAYOUTS;
}

void moe_validation_layouts(const MoeValidation *validation, MoeLayoutGroups *groups)
{
  g_autoptr(GHashTable) by_key =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  GHashTableIter iter;
  gpointer group;

  *groups = (MoeLayoutGroups){0};
  for (guint i = 0; i < validation->n; i++) {
    MoeCase *c = &validation->cases[i];

    if (c->failure || !moe_case_has_step(c))
      continue;
    g_autofree char *key = group_of(c);
    GPtrArray *known = g_hash_table_lookup(by_key, key);
    if (!known) {
      known = g_ptr_array_new();
      g_hash_table_insert(by_key, g_steal_pointer(&key), known);
    }
    g_ptr_array_add(known, c);
  }
  g_hash_table_iter_init(&iter, by_key); /* sums: the order does not count */
  while (g_hash_table_iter_next(&iter, NULL, &group))
    if (((GPtrArray *)group)->len > 1)
      add_group(groups, group);
}
