/* What the collectives of a profile say of the links of a cluster. */
#include "coll/coll.h"
#include "internal.h"
#include "program/program.h"

#include <math.h>
#include <string.h>

#define LEAST_ALIKE   2 /* times that a collective is seen: of one alone nobody knows how long it waited */
#define LEAST_RECORDS 2 /* learned from; fewer say nothing of each other */
#define BOUND         0.25 /* a collective at half the bandwidth takes this share longer at least, or is bound by latency */
#define ROUNDS        3  /* bandwidths, then latencies, and again */
#define STEPS         30 /* of a bisection */
#define AT_AN_END     1.01
#define MOST_OFF      0.25 /* in the median of the records that judge: beyond, waits of peers make them, not the links */

/* ---- records ----------------------------------------------------------------------------------------------------- */

typedef struct {
  MoeLinkRecord *row;
  MoeCollOperation operation;
  int64_t *members;
  gboolean bound; /* by bandwidth */
} Record;

typedef struct {
  const MoeRun *run;
  MoeCluster cluster; /* the run's with other values; its texts are the run's */
  MoeTopo *topo;      /* of that cluster */
  GArray *records;    /* of Record: those whose ranks are known */
} Links;

static gboolean kind_of(const char *collective, MoeCollectiveKind *kind)
{
  static const struct {
    const char *name;
    MoeCollectiveKind kind;
  } kinds[] = {{"allreduce", MOE_ALL_REDUCE},          {"all_reduce", MOE_ALL_REDUCE},
               {"_allgather_base", MOE_ALL_GATHER},    {"allgather", MOE_ALL_GATHER},
               {"all_gather", MOE_ALL_GATHER},         {"_reduce_scatter_base", MOE_REDUCE_SCATTER},
               {"reduce_scatter", MOE_REDUCE_SCATTER}, {"all_to_all", MOE_ALL_TO_ALL},
               {"all_to_allv", MOE_ALL_TO_ALL}};

  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (strcmp(collective, kinds[i].name) == 0) {
      *kind = kinds[i].kind;
      return TRUE;
    }
  return FALSE;
}

static int64_t *ranks_from(int64_t first, int64_t stride, int64_t n)
{
  int64_t *ranks = g_new(int64_t, n);

  for (int64_t i = 0; i < n; i++)
    ranks[i] = first + i * stride;
  return ranks;
}

static gboolean is_inside(const Links *links, const int64_t *members, int64_t n)
{
  return moe_topo_domain(links->topo, members[0]) == moe_topo_domain(links->topo, members[n - 1]);
}

/* The ranks of a group of the run's of that size; NULL: there is none, or several that are placed otherwise. */
static int64_t *ranks_by_layout(const Links *links, int64_t rank, int64_t n)
{
  g_autoptr(MoeLayout) layout = moe_layout_new(&links->run->parallelism, NULL);
  g_autofree int64_t *found = NULL;

  for (guint kind = 0; layout && kind < MOE_N_GROUPS; kind++) {
    int64_t group = moe_layout_group_of(layout, kind, rank);

    if (group < 0 || moe_layout_group_size(layout, kind) != n)
      continue;
    g_autofree int64_t *ranks = g_new(int64_t, n);
    for (int64_t i = 0; i < n; i++)
      ranks[i] = moe_layout_member(layout, kind, group, i);
    if (found && is_inside(links, found, n) != is_inside(links, ranks, n))
      return NULL;
    if (!found)
      found = g_steal_pointer(&ranks);
  }
  return g_steal_pointer(&found);
}

static int64_t *ranks_of(const Links *links, const MoeProfile *profile, const MoeSeenKernel *like)
{
  int64_t gpus = links->run->parallelism.gpus, rank = profile->rank >= 0 && profile->rank < gpus ? profile->rank : 0;

  if (like->group < 2 || like->group > gpus)
    return NULL;
  if (like->stride > 0)
    return like->first + (like->group - 1) * like->stride < gpus ? ranks_from(like->first, like->stride, like->group)
                                                                 : NULL;
  return ranks_by_layout(links, rank, like->group);
}

static void record_clear(gpointer data)
{
  g_free(((Record *)data)->members);
}

static double predict_s(const Links *links, const Record *record)
{
  const MoeCollGroup group = {(guint)record->row->ranks, record->members};
  MoeCollTiming timing;

  return moe_coll_time(links->topo, &links->run->stack.collectives, &record->operation, &group, record->row->bytes,
                       &timing)
             ? timing.time_s
             : NAN;
}

static void add_record(Links *links, const MoeProfile *profile, const MoeSeenAlike *alike, MoeLinkRecord *row)
{
  Record record = {.row = row};

  if (!kind_of(row->collective, &record.operation.kind) || !(row->bytes > 0) || row->n < LEAST_ALIKE)
    return;
  record.members = ranks_of(links, profile, &alike->like);
  if (!record.members)
    return;
  row->over = is_inside(links, record.members, row->ranks) ? "domain" : "network";
  row->before_s = predict_s(links, &record);
  g_array_append_val(links->records, record);
}

/* The rows, and of those whose ranks are known the records. */
static GArray *read_records(Links *links, const MoeProfile *profile)
{
  g_autoptr(GArray) alike = moe_profile_collectives(profile);
  GArray *rows = g_array_sized_new(FALSE, TRUE, sizeof(MoeLinkRecord), MAX(alike->len, 1));

  g_array_set_size(rows, alike->len);
  for (guint i = 0; i < alike->len; i++) {
    const MoeSeenAlike *one = &g_array_index(alike, MoeSeenAlike, i);
    MoeLinkRecord *row = &g_array_index(rows, MoeLinkRecord, i);

    *row = (MoeLinkRecord){.collective = one->like.collective,
                           .ranks = one->like.group,
                           .bytes = one->like.bytes,
                           .n = one->n,
                           .measured_s = one->least_s,
                           .before_s = NAN,
                           .after_s = NAN};
    add_record(links, profile, one, row);
  }
  return rows;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* A value of the cluster, and which records speak of it. A bandwidth is a share; a latency, seconds. */
typedef struct {
  const char *key, *over;
  size_t offset;
  gboolean bandwidth;
  int all_to_all; /* 1: they alone, 0: all others, -1: any */
  double low, high;
} Value;

static const Value values[] = {
    {"domain.efficiency", "domain", offsetof(MoeCluster, domain.efficiency), TRUE, 0, 0.01, 1},
    {"domain.all_to_all_efficiency", "domain", offsetof(MoeCluster, domain.all_to_all_efficiency), TRUE, 1, 0.01, 1},
    {"network.efficiency", "network", offsetof(MoeCluster, network.efficiency), TRUE, -1, 0.01, 1},
    {"domain.collectives.floor", "domain", offsetof(MoeCluster, domain.collectives.floor_s), FALSE, -1, 1e-7, 0.01},
    {"network.collectives.floor", "network", offsetof(MoeCluster, network.collectives.floor_s), FALSE, -1, 1e-7, 0.01},
};

static double *place_of(MoeCluster *cluster, const Value *value)
{
  return (double *)(gpointer)((char *)cluster + value->offset);
}

static gboolean speaks_of(const Record *record, const Value *value)
{
  return strcmp(record->row->over, value->over) == 0 && record->bound == value->bandwidth &&
         (value->all_to_all < 0 || value->all_to_all == (record->operation.kind == MOE_ALL_TO_ALL));
}

static gboolean renew(Links *links, GError **error)
{
  g_clear_pointer(&links->topo, moe_topo_free);
  links->topo = moe_topo_new(&links->cluster, links->run->parallelism.gpus, 0, NULL, error);
  return links->topo != NULL;
}

/* Bound by bandwidth: what takes longer where there is half of it. */
static gboolean find_bound(Links *links, GError **error)
{
  for (guint v = 0; v < G_N_ELEMENTS(values); v++)
    if (values[v].bandwidth)
      *place_of(&links->cluster, &values[v]) /= 2;
  if (!renew(links, error))
    return FALSE;
  for (guint i = 0; i < links->records->len; i++) {
    Record *record = &g_array_index(links->records, Record, i);

    record->bound = predict_s(links, record) > (1 + BOUND) * record->row->before_s;
  }
  for (guint v = 0; v < G_N_ELEMENTS(values); v++)
    if (values[v].bandwidth)
      *place_of(&links->cluster, &values[v]) *= 2;
  return renew(links, error);
}

/* ---- a value ----------------------------------------------------------------------------------------------------- */

/* Quantile of predicted over measured, or of how far it is from 1, over records learned from, or those that judge. */
static double ratio(const Links *links, const Value *value, gboolean learned, gboolean far, double share)
{
  g_autoptr(GArray) ratios = g_array_new(FALSE, FALSE, sizeof(double));

  for (guint i = 0; i < links->records->len; i++) {
    const Record *record = &g_array_index(links->records, Record, i);
    double one = predict_s(links, record) / record->row->measured_s;

    one = far ? fabs(one - 1) : one;
    if (speaks_of(record, value) && record->row->learned == learned)
      g_array_append_val(ratios, one);
  }
  return ratios->len > 0 ? moe_quantile((double *)(gpointer)ratios->data, ratios->len, share) : NAN;
}

/* The value at which the median record takes as long as it did. */
static gboolean fit(Links *links, const Value *value, GError **error)
{
  double low = value->low, high = value->high, *place = place_of(&links->cluster, value);

  for (guint step = 0; step < STEPS; step++) {
    *place = sqrt(low * high);
    if (!renew(links, error))
      return FALSE;
    gboolean longer = ratio(links, value, TRUE, FALSE, 0.5) > 1;
    if (longer == value->bandwidth)
      low = *place;
    else
      high = *place;
  }
  return TRUE;
}

/* Records in the order of their bytes take turns: one to learn from, one to judge by. */
static void divide(Links *links, const Value *value, MoeLinkRow *row)
{
  for (guint i = 0; i < links->records->len; i++) {
    const Record *record = &g_array_index(links->records, Record, i);
    guint smaller = 0;

    if (!speaks_of(record, value))
      continue;
    for (guint j = 0; j < links->records->len; j++) {
      const Record *other = &g_array_index(links->records, Record, j);

      smaller += speaks_of(other, value) &&
                 (other->row->bytes < record->row->bytes || (other->row->bytes == record->row->bytes && j < i));
    }
    record->row->learned = smaller % 2 == 0;
    row->n += smaller % 2 == 0;
    row->kept += smaller % 2;
  }
}

static void begin(Links *links, const Value *value, MoeLinkRow *row)
{
  *row = (MoeLinkRow){.key = value->key, .before = *place_of(&links->cluster, value)};
  divide(links, value, row);
  if (row->n + row->kept == 0)
    row->refused =
        g_strdup_printf("no collective over the %s that is bound by its %s, seen twice, with bytes and ranks",
                        value->over, value->bandwidth ? "bandwidth" : "latency");
  else if (row->n < LEAST_RECORDS)
    row->refused =
        g_strdup_printf("%u of the %d kinds and sizes that it takes", row->n + row->kept, 2 * LEAST_RECORDS - 1);
}

/* A value at an end of its range is not what the records are explained by. */
static void settle(Links *links, const Value *value, MoeLinkRow *row)
{
  double *place = place_of(&links->cluster, value);

  row->after = *place;
  if (*place < AT_AN_END * value->low || *place > value->high / AT_AN_END) {
    row->refused = g_strdup_printf("its records are outside what %.4g to %.4g make of it", value->low, value->high);
    *place = row->before;
  }
}

static gboolean learn(Links *links, GArray *rows, GError **error)
{
  for (guint round = 0; round < ROUNDS; round++)
    for (guint v = 0; v < G_N_ELEMENTS(values); v++)
      if (!g_array_index(rows, MoeLinkRow, v).refused && !fit(links, &values[v], error))
        return FALSE;
  for (guint v = 0; v < G_N_ELEMENTS(values); v++)
    if (!g_array_index(rows, MoeLinkRow, v).refused)
      settle(links, &values[v], &g_array_index(rows, MoeLinkRow, v));
  return renew(links, error);
}

static void judge(Links *links, GArray *rows)
{
  for (guint v = 0; v < G_N_ELEMENTS(values); v++) {
    MoeLinkRow *row = &g_array_index(rows, MoeLinkRow, v);

    row->residual_median = ratio(links, &values[v], FALSE, TRUE, 0.5);
    row->residual_p90 = ratio(links, &values[v], FALSE, TRUE, 0.9);
  }
}

/* What does not hold for the records that judge stays as it was. */
static gboolean take_back(Links *links, GArray *rows, GError **error)
{
  for (guint v = 0; v < G_N_ELEMENTS(values); v++) {
    MoeLinkRow *row = &g_array_index(rows, MoeLinkRow, v);

    if (row->refused || !(row->residual_median > MOST_OFF))
      continue;
    row->refused = g_strdup_printf("by %.3g the others are %.0f %% off: waits for peers are in them", row->after,
                                   100 * row->residual_median);
    *place_of(&links->cluster, &values[v]) = row->before;
  }
  return renew(links, error);
}

static void predict_all(const Links *links)
{
  for (guint i = 0; i < links->records->len; i++) {
    const Record *record = &g_array_index(links->records, Record, i);

    record->row->after_s = predict_s(links, record);
  }
}

/* ---- entry ------------------------------------------------------------------------------------------------------- */

static void row_clear(gpointer data)
{
  g_free(((MoeLinkRow *)data)->refused);
}

static gboolean fill(Links *links, GArray *rows, GError **error)
{
  for (guint v = 0; v < G_N_ELEMENTS(values); v++)
    begin(links, &values[v], &g_array_index(rows, MoeLinkRow, v));
  if (!learn(links, rows, error))
    return FALSE;
  judge(links, rows);
  if (!take_back(links, rows, error))
    return FALSE;
  predict_all(links);
  return TRUE;
}

gboolean diff_links(const MoeRun *run, const MoeProfile *profile, GArray **rows, GArray **records, GError **error)
{
  Links links = {.run = run, .cluster = run->cluster, .records = g_array_new(FALSE, FALSE, sizeof(Record))};

  g_array_set_clear_func(links.records, record_clear);
  *rows = g_array_sized_new(FALSE, TRUE, sizeof(MoeLinkRow), G_N_ELEMENTS(values));
  g_array_set_clear_func(*rows, row_clear);
  g_array_set_size(*rows, G_N_ELEMENTS(values));
  *records = NULL;
  if (links.cluster.domain.all_to_all_efficiency <= 0)
    links.cluster.domain.all_to_all_efficiency = links.cluster.domain.efficiency;
  gboolean good = renew(&links, error);
  if (good) {
    *records = read_records(&links, profile);
    good = find_bound(&links, error) && fill(&links, *rows, error);
  }
  moe_topo_free(links.topo);
  g_array_unref(links.records);
  return good;
}

void diff_links_apply(MoeRun *run, const GArray *rows)
{
  for (guint v = 0; v < G_N_ELEMENTS(values); v++)
    if (!g_array_index(rows, MoeLinkRow, v).refused)
      *place_of(&run->cluster, &values[v]) = g_array_index(rows, MoeLinkRow, v).after;
}

gboolean diff_links_set(MoeDoc *doc, const GArray *rows, GError **error)
{
  for (guint v = 0; v < rows->len; v++) {
    const MoeLinkRow *row = &g_array_index(rows, MoeLinkRow, v);
    g_autofree char *text =
        values[v].bandwidth ? g_strdup_printf("%.4g", row->after) : moe_quantity_format(row->after, MOE_DIM_SECONDS);
    g_autofree char *override = g_strdup_printf("cluster.%s=%s", row->key, text);

    if (!row->refused && !moe_doc_set(doc, override, error))
      return FALSE;
  }
  return TRUE;
}

void diff_links_describe(GString *head, const GArray *rows)
{
  for (guint v = 0; v < rows->len; v++) {
    const MoeLinkRow *row = &g_array_index(rows, MoeLinkRow, v);

    if (row->refused)
      g_string_append_printf(head, "# %s: as before; %s\n", row->key, row->refused);
    else
      g_string_append_printf(head, "# %s: %u collectives; %u others are predicted %.1f %% off (P90 %.1f %%)\n",
                             row->key, row->n, row->kept, 100 * row->residual_median, 100 * row->residual_p90);
  }
}
