/* One ranking of several clusters. */
#include "search/join.h"

/* What is compared between clusters; smaller is better. Within one cluster a search ranks by the same, but its MFU by
 * GPU time, which says nothing between accelerators. */
static double value_of(const MoeSearchResult *search, const MoeCandidate *candidate)
{
  const MoeResult *result = candidate->result;

  switch (search->objective) {
  case MOE_OBJECTIVE_MFU:
    return -result->mfu_causal;
  case MOE_OBJECTIVE_COST:
    return result->step_time_s * (double)result->gpus * candidate->price_gpu_hour;
  case MOE_OBJECTIVE_GPUS:
    return (double)result->gpus;
  default:
    return result->step_time_s;
  }
}

static gint compare(gconstpointer a, gconstpointer b, gpointer search)
{
  const MoeCandidate *one = a, *other = b;
  double x = value_of(search, one), y = value_of(search, other);

  if (x == y) {
    x = one->result->step_time_s;
    y = other->result->step_time_s;
  }
  return (x > y) - (x < y);
}

static void add_counts(MoeSearchResult *sum, const MoeSearchResult *part)
{
  double bound_s = part->not_reached_s;

  if (part->n_not_reached > 0)
    sum->not_reached_s = sum->n_not_reached > 0 ? MIN(sum->not_reached_s, bound_s) : bound_s;
  sum->n_clusters += part->n_clusters;
  sum->n_legal += part->n_legal;
  sum->n_too_large += part->n_too_large;
  sum->n_lowered += part->n_lowered;
  sum->n_did_not_fit += part->n_did_not_fit;
  sum->n_simulated += part->n_simulated;
  sum->n_not_reached += part->n_not_reached;
  sum->n_refuted += part->n_refuted;
  sum->cut_short |= part->cut_short;
  sum->noise_left_out |= part->noise_left_out;
  sum->verified &= part->verified;
}

MoeSearchResult *moe_search_join(MoeSearchResult *const *parts, guint n, guint top)
{
  MoeSearchResult *joined = g_new0(MoeSearchResult, 1);
  g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(MoeCandidate));

  joined->verified = TRUE;
  for (guint i = 0; i < n; i++) {
    if (!parts[i])
      continue;
    joined->objective = parts[i]->objective;
    joined->tokens = parts[i]->tokens;
    joined->deadline_s = parts[i]->deadline_s;
    joined->recompute_modules = parts[i]->recompute_modules;
    add_counts(joined, parts[i]);
    g_array_append_vals(all, parts[i]->ranked, parts[i]->n_ranked);
    parts[i]->n_ranked = 0;
  }
  g_assert(all->len > 0);
  g_array_sort_with_data(all, compare, joined);
  for (guint i = top; i < all->len; i++)
    moe_result_free(g_array_index(all, MoeCandidate, i).result);
  joined->n_ranked = MIN(top, all->len);
  joined->ranked = g_memdup2(all->data, joined->n_ranked * sizeof(MoeCandidate));
  return joined;
}
