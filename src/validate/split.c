/* Families measured at several sizes: what a micro-batch takes and what a step pays once, apart. */
#include "cases.h"

/* Whether two cases do the same in each micro-batch and differ in their number alone. */
static gboolean differ_in_batches(const MoeCase *a, const MoeCase *b)
{
  if (g_strcmp0(a->group[MOE_GROUP_BY_FAMILY], b->group[MOE_GROUP_BY_FAMILY]) != 0 ||
      a->sequence_length != b->sequence_length || a->micro_batches == b->micro_batches)
    return FALSE;
  for (guint d = 0; d < MOE_N_DIFFERS; d++)
    if (d != MOE_DIFFERS_SCALE && g_strcmp0(a->differs[d], b->differs[d]) != 0)
      return FALSE;
  return TRUE;
}

/* The case with the most micro-batches of those that differ from `c` in nothing else, or with the fewest. */
static guint extreme(const MoeValidation *validation, guint c, gboolean most)
{
  const MoeCase *cases = validation->cases;
  guint found = c;

  for (guint i = 0; i < validation->n; i++)
    if (moe_case_has_step(&cases[i]) && differ_in_batches(&cases[c], &cases[i]) &&
        (cases[i].micro_batches > cases[found].micro_batches) == most &&
        cases[i].micro_batches != cases[found].micro_batches)
      found = i;
  return found;
}

/* T = t m + F through both cases. */
static void solve(const MoeCase *many, const MoeCase *few, gboolean predicted, MoeStepSplit *split)
{
  double t_many = predicted ? many->predicted_step_s : many->published_step_s;
  double t_few = predicted ? few->predicted_step_s : few->published_step_s;
  double batch_s = (t_many - t_few) / (double)(many->micro_batches - few->micro_batches);

  split->batch_s[predicted] = batch_s;
  split->once_s[predicted] = t_few - batch_s * (double)few->micro_batches;
  split->efficiency[predicted] = predicted ? few->tokens_per_s_per_gpu_predicted / many->tokens_per_s_per_gpu_predicted
                                           : few->tokens_per_s_per_gpu_published / many->tokens_per_s_per_gpu_published;
}

MoeStepSplit *moe_validation_splits(const MoeValidation *validation, guint *n)
{
  GArray *splits = g_array_new(FALSE, FALSE, sizeof(MoeStepSplit));

  for (guint i = 0; i < validation->n; i++) {
    const MoeCase *cases = validation->cases;

    if (!moe_case_has_step(&cases[i]) || extreme(validation, i, TRUE) != i)
      continue;
    guint few = extreme(validation, i, FALSE);
    if (few == i)
      continue;
    MoeStepSplit split = {.many = i, .few = few};
    solve(&cases[i], &cases[few], FALSE, &split);
    solve(&cases[i], &cases[few], TRUE, &split);
    g_array_append_val(splits, split);
  }
  *n = splits->len;
  return (MoeStepSplit *)g_array_free(splits, FALSE);
}
