/* Sums of a profile: by class, by shape of a matrix product, by collective; products as measurements. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "doc/doc.h"
#include "measured/profile.h"

/* ---- by class ---------------------------------------------------------------------------------------------------- */

static void name_largest(const MoeProfile *profile, MoeSeenClass klass, MoeSeenSum *sum)
{
  g_autoptr(GHashTable) totals = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
  double most_s = -1;

  for (guint i = 0; i < profile->kernels->len; i++) {
    const MoeSeenKernel *kernel = &g_array_index(profile->kernels, MoeSeenKernel, i);

    if (kernel->klass != klass)
      continue;
    double *total_s = g_hash_table_lookup(totals, kernel->name);
    if (!total_s)
      g_hash_table_insert(totals, (gpointer)kernel->name, total_s = g_new0(double, 1));
    *total_s += kernel->duration_s;
    if (*total_s > most_s) {
      most_s = *total_s;
      sum->largest = kernel->name;
    }
  }
}

void moe_profile_classes(const MoeProfile *profile, MoeSeenSum *sums)
{
  memset(sums, 0, MOE_N_SEEN * sizeof *sums);
  for (guint i = 0; i < profile->kernels->len; i++) {
    const MoeSeenKernel *kernel = &g_array_index(profile->kernels, MoeSeenKernel, i);

    sums[kernel->klass].n++;
    sums[kernel->klass].total_s += kernel->duration_s;
  }
  for (guint klass = 0; klass < MOE_N_SEEN; klass++)
    name_largest(profile, klass, &sums[klass]);
}

/* ---- alike ones -------------------------------------------------------------------------------------------------- */

typedef struct {
  MoeSeenKernel like;
  guint order; /* of its first */
  GArray *duration_s;
  double total_s;
} Group;

static void group_free(gpointer data)
{
  Group *group = data;

  g_array_unref(group->duration_s);
  g_free(group);
}

static gint longest_first(gconstpointer a, gconstpointer b)
{
  const Group *x = *(const Group *const *)a, *y = *(const Group *const *)b;

  if (x->total_s != y->total_s)
    return x->total_s < y->total_s ? 1 : -1;
  return x->order < y->order ? -1 : 1;
}

static void add_to_group(GHashTable *groups, char *key, const MoeSeenKernel *kernel)
{
  Group *group = g_hash_table_lookup(groups, key);

  if (!group) {
    group = g_new0(Group, 1);
    group->like = *kernel;
    group->order = g_hash_table_size(groups);
    group->duration_s = g_array_new(FALSE, FALSE, sizeof(double));
    g_hash_table_insert(groups, g_strdup(key), group);
  }
  g_array_append_val(group->duration_s, kernel->duration_s);
  group->total_s += kernel->duration_s;
  g_free(key);
}

/* What took longest in all comes first. */
static GArray *sum_groups(GHashTable *groups)
{
  GArray *alike = g_array_new(FALSE, FALSE, sizeof(MoeSeenAlike));
  g_autoptr(GPtrArray) order = g_ptr_array_new();
  GHashTableIter iter;
  gpointer group;

  g_hash_table_iter_init(&iter, groups);
  while (g_hash_table_iter_next(&iter, NULL, &group))
    g_ptr_array_add(order, group);
  g_ptr_array_sort(order, longest_first);
  for (guint i = 0; i < order->len; i++) {
    const Group *one = order->pdata[i];
    double *values = (double *)(gpointer)one->duration_s->data;
    MoeSeenAlike sum = {one->like, one->duration_s->len, moe_quantile(values, one->duration_s->len, 0.5), 0,
                        one->total_s};

    sum.least_s = values[0]; /* sorted by then */
    g_array_append_val(alike, sum);
  }
  return alike;
}

static char *shape_key(const MoeSeenKernel *kernel)
{
  return g_strdup_printf("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %s",
                         kernel->batch, kernel->m, kernel->n, kernel->k, kernel->type ? kernel->type : "");
}

/* The first kernel of a product, with the time of all that the framework's operation launched for it: a product whose
 * inner dimension is split has a kernel that adds up. */
static GArray *whole_products(const MoeProfile *profile)
{
  GArray *wholes = g_array_new(FALSE, FALSE, sizeof(MoeSeenKernel));
  g_autoptr(GHashTable) at = g_hash_table_new(NULL, NULL); /* operation -> place in wholes, + 1 */

  for (guint i = 0; i < profile->kernels->len; i++) {
    const MoeSeenKernel *kernel = &g_array_index(profile->kernels, MoeSeenKernel, i);

    if (kernel->m == 0 || kernel->klass != MOE_SEEN_GEMM)
      continue;
    gpointer operation = GSIZE_TO_POINTER((gsize)kernel->operation);
    gsize place = GPOINTER_TO_SIZE(g_hash_table_lookup(at, operation));
    if (place > 0) {
      g_array_index(wholes, MoeSeenKernel, place - 1).duration_s += kernel->duration_s;
      continue;
    }
    g_array_append_val(wholes, *kernel);
    g_hash_table_insert(at, operation, GSIZE_TO_POINTER((gsize)wholes->len));
  }
  return wholes;
}

GArray *moe_profile_products(const MoeProfile *profile)
{
  g_autoptr(GHashTable) groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, group_free);
  g_autoptr(GArray) wholes = whole_products(profile);

  for (guint i = 0; i < wholes->len; i++)
    add_to_group(groups, shape_key(&g_array_index(wholes, MoeSeenKernel, i)), &g_array_index(wholes, MoeSeenKernel, i));
  return sum_groups(groups);
}

static char *collective_key(const MoeSeenKernel *kernel)
{
  return g_strdup_printf("%s %.0f %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, kernel->collective, kernel->bytes,
                         kernel->group, kernel->stride);
}

GArray *moe_profile_collectives(const MoeProfile *profile)
{
  g_autoptr(GHashTable) groups = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, group_free);

  for (guint i = 0; i < profile->kernels->len; i++) {
    const MoeSeenKernel *kernel = &g_array_index(profile->kernels, MoeSeenKernel, i);

    if (kernel->collective)
      add_to_group(groups, collective_key(kernel), kernel);
  }
  return sum_groups(groups);
}

double moe_seen_bus_bandwidth(const MoeSeenKernel *kernel, double duration_s)
{
  static const struct {
    const char *name;
    double passes; /* over each rank's port, times (n - 1) / n */
  } kinds[] = {{"allreduce", 2},      {"_allgather_base", 1}, {"allgather", 1},  {"_reduce_scatter_base", 1},
               {"reduce_scatter", 1}, {"all_to_all", 1},      {"all_to_allv", 1}};

  if (kernel->group < 2 || kernel->bytes <= 0 || duration_s <= 0)
    return NAN;
  for (guint i = 0; kernel->collective && i < G_N_ELEMENTS(kinds); i++)
    if (strcmp(kernel->collective, kinds[i].name) == 0)
      return kinds[i].passes * (double)(kernel->group - 1) / (double)kernel->group * kernel->bytes / duration_s;
  return NAN;
}

/* ---- measurements ------------------------------------------------------------------------------------------------ */

/* The word of a precision in a measurement file; NULL of a type that has none. Where no type is known, the kernel's
 * name may tell. FP32 operands run in TF32 where the kernel says so: 1688 is the shape of its instruction on Ampere. */
static const char *precision_of(const MoeSeenKernel *kernel)
{
  static const struct {
    const char *type, *word;
  } types[] = {{"c10::BFloat16", "bf16"},     {"BFloat16", "bf16"},        {"c10::Half", "fp16"}, {"Half", "fp16"},
               {"c10::Float8_e4m3fn", "fp8"}, {"c10::Float8_e5m2", "fp8"}, {"float", "fp32"},     {"Float", "fp32"}};
  static const struct {
    const char *part, *word;
  } names[] = {{"e4m3", "fp8"}, {"bf16", "bf16"}, {"f16f16", "fp16"}, {"h1688", "fp16"}, {"h16816", "fp16"}};
  const char *word = NULL;

  for (guint i = 0; kernel->type && i < G_N_ELEMENTS(types); i++)
    if (strcmp(kernel->type, types[i].type) == 0)
      word = types[i].word;
  for (guint i = 0; !kernel->type && !word && i < G_N_ELEMENTS(names); i++)
    if (strstr(kernel->name, names[i].part))
      word = names[i].word;
  gboolean rounded = strstr(kernel->name, "s1688gemm") || strstr(kernel->name, "tf32");
  return g_strcmp0(word, "fp32") == 0 && rounded ? "tf32" : word;
}

static void append_rows(GString *text, const GArray *products, const char *precision)
{
  for (guint i = 0; i < products->len; i++) {
    const MoeSeenAlike *one = &g_array_index(products, MoeSeenAlike, i);

    if (one->like.batch == 1 && g_strcmp0(precision_of(&one->like), precision) == 0)
      g_string_append_printf(text, "      - [%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT ", %.4g]\n",
                             one->like.m, one->like.n, one->like.k, one->median_s * 1e6);
  }
}

static gboolean has_rows(const GArray *products)
{
  for (guint i = 0; i < products->len; i++)
    if (g_array_index(products, MoeSeenAlike, i).like.batch == 1 &&
        precision_of(&g_array_index(products, MoeSeenAlike, i).like))
      return TRUE;
  return FALSE;
}

char *moe_profile_measurements(const MoeProfile *profile, const char *source, const char *cluster, const char *fragment,
                               const char *family)
{
  static const char *const precisions[] = {"bf16", "fp16", "fp8", "tf32", "fp32"};
  g_autoptr(GArray) products = moe_profile_products(profile);

  if (!has_rows(products))
    return NULL;
  g_autofree char *quoted = moe_text_quote(source), *machine = moe_text_quote(cluster);
  GString *text =
      g_string_new("# Matrix products of a profile: medians of alike ones. Written by moesim calibrate --profile.\n");

  g_string_append_printf(text, "title: \"Matrix products of a profile\"\nsources:\n  profile: {url: %s}\nseries:\n",
                         quoted);
  for (guint p = 0; p < G_N_ELEMENTS(precisions); p++) {
    g_autoptr(GString) rows = g_string_new(NULL);

    append_rows(rows, products, precisions[p]);
    if (rows->len > 0)
      g_string_append_printf(text,
                             "  - source: profile\n    cluster: %s\n    fragment: %s\n    class: gemm\n    family: %s\n"
                             "    precision: %s\n    columns: [m, n, k, us]\n    rows:\n%s",
                             machine, fragment, family, precisions[p], rows->str);
  }
  return g_string_free(text, FALSE);
}
