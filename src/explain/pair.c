/* What each change between two runs is worth: alone, and in order. */
#include "base/base.h"
#include "doc/doc.h"
#include "internal.h"
#include "study/study.h"

#include <string.h>

/* One set of keys taken from the second run, as text of '0' and '1': how it does, or why it cannot be. */
typedef struct {
  gboolean legal;
  MoeEffect effect;
  GError *reason; /* NULL when it is legal */
} Trial;

/* A mechanism: which keys it takes. */
typedef struct {
  char *name;
  char *mask; /* '1' for its keys */
  gboolean merged;
  char *why;
} Group;

typedef struct {
  const MoeRun *before, *after;
  const MoeExplainOptions *options;
  GArray *keys;       /* of MoeDiffKey */
  GPtrArray *groups;  /* of Group, in document order */
  GPtrArray *order;   /* of Group, borrowed, in the order of application */
  GHashTable *trials; /* mask -> Trial */
  GPtrArray *wanted;  /* masks of the batch that runs */
  Trial *batch;
  const GError *trouble; /* of a trial, that no answer may be made beside: the work was stopped; NULL: none */
} RunPair;

static void free_trial(gpointer data)
{
  Trial *trial = data;

  g_clear_error(&trial->reason);
  g_free(trial);
}

static void free_group(gpointer data)
{
  Group *group = data;

  g_free(group->name);
  g_free(group->mask);
  g_free(group->why);
  g_free(group);
}

/* ---- trials ----------------------------------------------------------------------------------------------------- */

static MoeEffect effect_of(const MoeResult *result)
{
  return (MoeEffect){.step_time_s = result->step_time_s,
                     .mfu_causal = result->mfu_causal,
                     .tokens_per_s_per_gpu = result->tokens_per_s_per_gpu,
                     .fits = result->memory.fits};
}

static MoeOutcome try_mask(guint index, gpointer user_data)
{
  RunPair *pair = user_data;
  const char *mask = g_ptr_array_index(pair->wanted, index);
  g_autofree gboolean *chosen = g_new0(gboolean, pair->keys->len + 1);
  MoeSimOptions sim = pair->options->sim;
  g_autoptr(GError) error = NULL;

  sim.step_alone = TRUE;
  for (guint k = 0; k < pair->keys->len; k++)
    chosen[k] = mask[k] == '1';
  g_autoptr(MoeRun) run = moe_diff_mix(pair->before, pair->after, pair->keys, chosen, &error);
  g_autoptr(MoeResult) result = run ? moe_study_predict(run, &sim, &error) : NULL;

  if (result)
    pair->batch[index] = (Trial){.legal = TRUE, .effect = effect_of(result)};
  else
    pair->batch[index] = (Trial){.reason = g_steal_pointer(&error)};
  return (MoeOutcome){NULL, NULL};
}

/* Makes sure that all these masks have been tried; takes over the list. */
static void try_all(RunPair *pair, GPtrArray *masks)
{
  g_autoptr(GPtrArray) list = masks;

  pair->wanted = g_ptr_array_new();
  for (guint i = 0; i < list->len; i++) {
    const char *mask = g_ptr_array_index(list, i);

    if (!g_hash_table_contains(pair->trials, mask) &&
        !g_ptr_array_find_with_equal_func(pair->wanted, mask, g_str_equal, NULL))
      g_ptr_array_add(pair->wanted, (gpointer)mask);
  }
  pair->batch = g_new0(Trial, pair->wanted->len + 1);
  moe_outcomes_free(moe_study_map(pair->wanted->len, pair->options->jobs, try_mask, pair, pair->options->progress,
                                  pair->options->progress_data),
                    pair->wanted->len);
  for (guint i = 0; i < pair->wanted->len; i++) {
    const GError *reason = pair->batch[i].reason;

    if (!pair->trouble && moe_study_is_trouble(reason))
      pair->trouble = reason;
    g_hash_table_insert(pair->trials, g_strdup(g_ptr_array_index(pair->wanted, i)),
                        g_memdup2(&pair->batch[i], sizeof(Trial)));
  }
  g_clear_pointer(&pair->batch, g_free);
  g_clear_pointer(&pair->wanted, g_ptr_array_unref);
}

static const Trial *try_one(RunPair *pair, const char *mask)
{
  GPtrArray *list = g_ptr_array_new_with_free_func(g_free);

  g_ptr_array_add(list, g_strdup(mask));
  try_all(pair, list);
  return g_hash_table_lookup(pair->trials, mask);
}

/* ---- groups ----------------------------------------------------------------------------------------------------- */

static char *mask_or(const char *a, const char *b)
{
  char *both = g_strdup(a);

  for (gsize i = 0; both[i]; i++)
    if (b[i] == '1')
      both[i] = '1';
  return both;
}

static Group *group_called(RunPair *pair, const char *name)
{
  for (guint g = 0; g < pair->groups->len; g++) {
    Group *group = g_ptr_array_index(pair->groups, g);

    if (strcmp(group->name, name) == 0)
      return group;
  }
  Group *group = g_new0(Group, 1);
  group->name = g_strdup(name);
  group->mask = g_strnfill(pair->keys->len, '0');
  g_ptr_array_add(pair->groups, group);
  return group;
}

static void make_groups(RunPair *pair)
{
  g_autoptr(GPtrArray) schema = moe_schema_keys(MOE_SCHEMA_RUN);

  for (guint k = 0; k < pair->keys->len; k++) {
    const MoeDiffKey *key = &g_array_index(pair->keys, MoeDiffKey, k);
    g_autofree char *name = pair->options->by_key ? g_strdup(key->path) : moe_diff_mechanism(schema, key);

    group_called(pair, name)->mask[k] = '1';
  }
}

/* Puts `other` into `group` and forgets it. */
static void merge_group(RunPair *pair, Group *group, Group *other, const char *why)
{
  char *name = g_strdup_printf("%s + %s", group->name, other->name);
  char *mask = mask_or(group->mask, other->mask);

  g_free(group->name);
  g_free(group->mask);
  group->name = name;
  group->mask = mask;
  group->merged = TRUE;
  if (!group->why)
    group->why = g_strdup(why);
  g_ptr_array_remove(pair->groups, other);
}

/* The first single other group that, together with `group` and on top of `base`, gives a legal run; NULL when none
 * does. */
static Group *find_partner(RunPair *pair, const char *base, const Group *group)
{
  GPtrArray *masks = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *own = mask_or(base, group->mask);

  for (guint g = 0; g < pair->groups->len; g++)
    g_ptr_array_add(masks, mask_or(own, ((Group *)g_ptr_array_index(pair->groups, g))->mask));
  try_all(pair, masks);
  for (guint g = 0; g < pair->groups->len; g++) {
    Group *other = g_ptr_array_index(pair->groups, g);
    g_autofree char *both = mask_or(own, other->mask);

    if (other != group && strcmp(both, own) != 0 && try_one(pair, both)->legal)
      return other;
  }
  return NULL;
}

/* The union of a list of groups and `base`, without the i-th. */
static char *union_without(const char *base, const GPtrArray *members, guint left_out)
{
  char *mask = g_strdup(base);

  for (guint i = 0; i < members->len; i++) {
    if (i == left_out)
      continue;
    char *more = mask_or(mask, ((Group *)g_ptr_array_index(members, i))->mask);

    g_free(mask);
    mask = more;
  }
  return mask;
}

/* Members of a small set around `group` that is legal on top of `base`: grown in document order until legal (all
 * changes together are), then relieved of whoever is not needed. */
static GPtrArray *find_set(RunPair *pair, const char *base, Group *group)
{
  GPtrArray *members = g_ptr_array_new();
  gboolean legal = FALSE;

  g_ptr_array_add(members, group);
  for (guint g = 0; g < pair->groups->len && !legal; g++) {
    if (g_ptr_array_index(pair->groups, g) == group)
      continue;
    g_ptr_array_add(members, g_ptr_array_index(pair->groups, g));
    g_autofree char *mask = union_without(base, members, G_MAXUINT);
    legal = try_one(pair, mask)->legal;
  }
  for (guint i = members->len; i-- > 1;) {
    g_autofree char *mask = union_without(base, members, i);

    if (try_one(pair, mask)->legal)
      g_ptr_array_remove_index(members, i);
  }
  return members;
}

static void join(RunPair *pair, const char *base, Group *group, const char *why)
{
  g_autofree char *reason = g_strdup(why);
  Group *partner = find_partner(pair, base, group);
  g_autoptr(GPtrArray) members = partner ? g_ptr_array_new() : find_set(pair, base, group);

  if (partner) {
    merge_group(pair, group, partner, reason);
    return;
  }
  for (guint i = 1; i < members->len; i++)
    merge_group(pair, group, g_ptr_array_index(members, i), reason);
}

static void try_singles(RunPair *pair)
{
  GPtrArray *masks = g_ptr_array_new_with_free_func(g_free);

  for (guint g = 0; g < pair->groups->len; g++)
    g_ptr_array_add(masks, g_strdup(((Group *)g_ptr_array_index(pair->groups, g))->mask));
  try_all(pair, masks);
}

/* Until every group alone is legal. Each round has fewer groups; one group of all changes is the second run itself. */
static void settle_groups(RunPair *pair)
{
  g_autofree char *none = g_strnfill(pair->keys->len, '0');

  try_singles(pair);
  for (guint g = 0; g < pair->groups->len && pair->groups->len > 1;) {
    Group *group = g_ptr_array_index(pair->groups, g);
    const Trial *trial = try_one(pair, group->mask);

    if (trial->legal) {
      g++;
      continue;
    }
    join(pair, none, group, trial->reason->message);
    g = 0;
  }
}

/* ---- order ------------------------------------------------------------------------------------------------------ */

static void try_prefixes(RunPair *pair)
{
  GPtrArray *masks = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *prefix = g_strnfill(pair->keys->len, '0');

  for (guint g = 0; g < pair->groups->len; g++) {
    char *more = mask_or(prefix, ((Group *)g_ptr_array_index(pair->groups, g))->mask);

    g_free(prefix);
    prefix = more;
    g_ptr_array_add(masks, g_strdup(prefix));
  }
  try_all(pair, masks);
}

/* The first group not yet applied that gives a legal run on top of what is. */
static Group *next_legal(RunPair *pair, const char *prefix)
{
  for (guint g = 0; g < pair->groups->len; g++) {
    Group *group = g_ptr_array_index(pair->groups, g);
    g_autofree char *mask = mask_or(prefix, group->mask);

    if (!g_ptr_array_find(pair->order, group, NULL) && try_one(pair, mask)->legal)
      return group;
  }
  return NULL;
}

static Group *first_left(const RunPair *pair)
{
  for (guint g = 0; g < pair->groups->len; g++)
    if (!g_ptr_array_find(pair->order, g_ptr_array_index(pair->groups, g), NULL))
      return g_ptr_array_index(pair->groups, g);
  return NULL;
}

/* Document order, except that a group waits for what makes it legal; groups that are legal alone but in no order are
 * joined. */
static void find_order(RunPair *pair)
{
  g_autofree char *prefix = g_strnfill(pair->keys->len, '0');

  try_prefixes(pair);
  while (pair->order->len < pair->groups->len) {
    Group *group = next_legal(pair, prefix);

    if (!group) {
      group = first_left(pair);
      g_autofree char *mask = mask_or(prefix, group->mask);
      join(pair, prefix, group, try_one(pair, mask)->reason->message);
      continue;
    }
    char *more = mask_or(prefix, group->mask);
    g_free(prefix);
    prefix = more;
    g_ptr_array_add(pair->order, group);
  }
}

/* ---- the answer ------------------------------------------------------------------------------------------------- */

static char *key_text(const MoeDiffKey *key, const MoeNode *node)
{
  return key->kernel_class ? moe_diff_fits_text(node, key->kernel_class) : moe_diff_text(node);
}

static void fill_keys(const RunPair *pair, const Group *group, MoeChange *change)
{
  change->keys = g_new0(MoeChangedKey, pair->keys->len + 1);
  for (guint k = 0; k < pair->keys->len; k++) {
    const MoeDiffKey *key = &g_array_index(pair->keys, MoeDiffKey, k);

    if (group->mask[k] == '1')
      change->keys[change->n_keys++] =
          (MoeChangedKey){g_strdup(key->path), key_text(key, key->before), key_text(key, key->after)};
  }
}

static void fill_changes(RunPair *pair, MoeDifference *difference)
{
  g_autofree char *prefix = g_strnfill(pair->keys->len, '0');

  difference->n_changes = pair->order->len;
  difference->changes = g_new0(MoeChange, pair->order->len + 1);
  difference->mfu_interaction = difference->after->mfu_causal - difference->before->mfu_causal;
  for (guint g = 0; g < pair->order->len; g++) {
    Group *group = g_ptr_array_index(pair->order, g);
    MoeChange *change = &difference->changes[g];
    char *more = mask_or(prefix, group->mask);

    g_free(prefix);
    prefix = more;
    change->name = g_strdup(group->name);
    change->merged = group->merged;
    change->merged_why = g_strdup(group->why);
    change->alone = try_one(pair, group->mask)->effect;
    change->in_order = try_one(pair, prefix)->effect;
    fill_keys(pair, group, change);
    if (change->alone.step_time_s > 0)
      difference->mfu_interaction -= change->alone.mfu_causal - difference->before->mfu_causal;
  }
  difference->n_simulations = g_hash_table_size(pair->trials) + 2;
}

static gboolean fail_for_trouble(const RunPair *pair, GError **error)
{
  g_propagate_error(error, g_error_copy(pair->trouble));
  return FALSE;
}

/* All changes together are the second run; were they not legal, no order would end there. */
static gboolean check_whole(RunPair *pair, GError **error)
{
  g_autofree char *all = g_strnfill(pair->keys->len, '1');
  const Trial *trial = try_one(pair, all);

  if (pair->trouble)
    return fail_for_trouble(pair, error);
  return trial->legal || moe_fail(error, MOE_ERROR_INTERNAL, (MoeMark){0},
                                  "the second run cannot be reached by its differing keys: %s", trial->reason->message);
}

static gboolean check_size(const RunPair *pair, GError **error)
{
  if (pair->groups->len > MOE_EXPLAIN_MAX_CHANGES)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "the runs differ in %u mechanisms, expected at most %d",
                    pair->groups->len, MOE_EXPLAIN_MAX_CHANGES);
  return TRUE;
}

static void clear_pair(RunPair *pair)
{
  g_array_unref(pair->keys);
  g_ptr_array_unref(pair->groups);
  g_ptr_array_unref(pair->order);
  g_hash_table_unref(pair->trials);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RunPair, clear_pair)

MoeDifference *moe_explain_difference(const MoeRun *before, const MoeRun *after, const MoeExplainOptions *options,
                                      GError **error)
{
  g_auto(RunPair) pair = {.before = before,
                          .after = after,
                          .options = options,
                          .keys = moe_diff_keys(before, after),
                          .groups = g_ptr_array_new_with_free_func(free_group),
                          .order = g_ptr_array_new(),
                          .trials = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_trial)};
  g_autoptr(MoeDifference) difference = g_new0(MoeDifference, 1);

  difference->before = moe_study_predict(before, &options->sim, error);
  difference->after = difference->before ? moe_study_predict(after, &options->sim, error) : NULL;
  if (!difference->after)
    return NULL;
  make_groups(&pair);
  if (!check_size(&pair, error) || !check_whole(&pair, error))
    return NULL;
  settle_groups(&pair);
  find_order(&pair);
  fill_changes(&pair, difference);
  if (pair.trouble && !fail_for_trouble(&pair, error))
    return NULL;
  return g_steal_pointer(&difference);
}

static void clear_change(MoeChange *change)
{
  for (guint k = 0; k < change->n_keys; k++) {
    g_free(change->keys[k].path);
    g_free(change->keys[k].before);
    g_free(change->keys[k].after);
  }
  g_free(change->keys);
  g_free(change->name);
  g_free(change->merged_why);
}

void moe_difference_free(MoeDifference *difference)
{
  if (!difference)
    return;
  for (guint i = 0; i < difference->n_changes; i++)
    clear_change(&difference->changes[i]);
  g_free(difference->changes);
  moe_result_free(difference->before);
  moe_result_free(difference->after);
  g_free(difference);
}
