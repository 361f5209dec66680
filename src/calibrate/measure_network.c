/* Reader of published collective, expert and message times. */
#include "calibrate/network.h"
#include "doc/doc.h"

#include <stddef.h>
#include <string.h>

/* Largest group and message that a row may have: generous, they catch slipped digits. */
#define MAX_GPUS         1000000
#define MAX_BYTES        1e15
#define MAX_MICROSECONDS 1e12
#define US               1e-6
/* Channels of a communicator when the series does not say: NCCL's on Hopper and Blackwell. */
#define CHANNELS 16

static const char *const op_words[] = {"all-reduce", "all-gather", "reduce-scatter", "all-to-all",   "dispatch",
                                       "combine",    "broadcast",  "send-domain",    "send-network", NULL};
enum { OP_SEND_DOMAIN = MOE_N_COLLECTIVES, OP_SEND_NETWORK };

/* What a series says, before the cluster is applied. */
typedef struct {
  const char *id, *system, *source, *status, *cluster, *algorithm, *domain, *network;
  const char *library;
  int op;
  int64_t gpus, domain_gpus, host_gpus, top_k, experts, expert_groups, top_groups, sms, row;
  double nic_bytes_per_s, nics_per_gpu, reading_error;
  gboolean nvls, sharp, size_stated;
} Header;

#define TEXT(key, required)                                                                                            \
  {                                                                                                                    \
#key, MOE_FIELD_TEXT, offsetof(Header, key), required                                                              \
  }
#define COUNT(key)                                                                                                     \
  {                                                                                                                    \
#key, MOE_FIELD_INT, offsetof(Header, key), FALSE, MOE_DIM_NONE, 1, MAX_GPUS                                       \
  }

static const MoeField header_fields[] = {
    TEXT(id, TRUE),
    TEXT(system, TRUE),
    TEXT(source, TRUE),
    TEXT(status, FALSE),
    TEXT(cluster, TRUE),
    TEXT(algorithm, FALSE),
    TEXT(domain, FALSE),
    TEXT(network, FALSE),
    {"op", MOE_FIELD_WORD, offsetof(Header, op), TRUE, .words = op_words},
    TEXT(library, FALSE),
    {"gpus", MOE_FIELD_INT, offsetof(Header, gpus), TRUE, MOE_DIM_NONE, 2, MAX_GPUS},
    COUNT(domain_gpus),
    COUNT(host_gpus),
    COUNT(top_k),
    COUNT(experts),
    COUNT(expert_groups),
    COUNT(top_groups),
    COUNT(sms),
    COUNT(row),
    {"nic", MOE_FIELD_QUANTITY, offsetof(Header, nic_bytes_per_s), FALSE, MOE_DIM_BYTES_PER_S, 1, MAX_BYTES},
    {"nics_per_gpu", MOE_FIELD_QUANTITY, offsetof(Header, nics_per_gpu), FALSE, MOE_DIM_NONE, 0.01, 64},
    {"reading_error", MOE_FIELD_QUANTITY, offsetof(Header, reading_error), FALSE, MOE_DIM_BYTES_PER_S, 0, MAX_BYTES},
    {"nvls", MOE_FIELD_BOOL, offsetof(Header, nvls)},
    {"sharp", MOE_FIELD_BOOL, offsetof(Header, sharp)},
    {"size_stated", MOE_FIELD_BOOL, offsetof(Header, size_stated)},
    {"rows", MOE_FIELD_IGNORE, .required = TRUE},
    {NULL},
};

/* ---- fabrics ----------------------------------------------------------------------------------------------------- */

/* Index of the fabric called `name`, made with `fit` when new. */
static guint find_fabric(MoeNetworkCalibration *calibration, const char *name, gboolean network,
                         const MoeCollectiveFit *fit)
{
  GArray *fabrics = calibration->fabrics;
  const MoeNetworkFabric fabric = {name, network, *fit, 0};

  for (guint i = 0; i < fabrics->len; i++)
    if (g_strcmp0(g_array_index(fabrics, MoeNetworkFabric, i).name, name) == 0)
      return i;
  g_array_append_val(fabrics, fabric);
  return fabrics->len - 1;
}

/* Name of the fabric that a section of a loaded cluster was grafted from, or `fallback`. */
static const char *fabric_name(const MoeDoc *doc, const char *path, const char *fallback)
{
  const MoeNode *node = moe_node_find(moe_doc_root(doc), path);

  return node && moe_node_text(node) ? moe_node_text(node) : fallback;
}

/* Another fabric than the cluster's: clusters/fabrics/NAME.yaml, read as that cluster's section would be. */
static gboolean load_fabric(MoeNetworkCalibration *calibration, const MoeNode *named, gboolean network,
                            const char *data_dir, MoeCollectiveFit *fit, GError **error)
{
  g_autofree char *file = g_strconcat(moe_node_text(named), ".yaml", NULL);
  g_autofree char *path = g_build_filename(data_dir ? data_dir : ".", "clusters", "fabrics", file, NULL);

  if (!g_file_test(path, G_FILE_TEST_IS_REGULAR))
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(named),
                    "no file clusters/fabrics/%s, expected one in the data directory", file);
  g_autoptr(MoeDoc) doc = moe_doc_load(path, error);

  if (!doc || !moe_collective_fit_read(moe_doc_root(doc), network, fit, error))
    return FALSE;
  g_ptr_array_add(calibration->docs, g_steal_pointer(&doc));
  return TRUE;
}

/* ---- series ------------------------------------------------------------------------------------------------------ */

static void apply_header(MoeNetworkSeries *series, const Header *header)
{
  MoeCluster *cluster = &series->cluster;

  if (header->domain_gpus > 0) {
    cluster->domain.gpus = header->domain_gpus;
    cluster->domain.of = MAX(cluster->domain.of, header->domain_gpus);
  }
  if (header->host_gpus > 0)
    cluster->host.gpus = header->host_gpus;
  if (header->nic_bytes_per_s > 0)
    cluster->network.nic_bytes_per_s = header->nic_bytes_per_s;
  if (header->nics_per_gpu > 0)
    cluster->network.nics_per_gpu = header->nics_per_gpu;
  cluster->network.sharp |= header->sharp;
}

static void fill_series(MoeNetworkSeries *series, const Header *header)
{
  gboolean expert = header->op == MOE_DISPATCH || header->op == MOE_COMBINE;

  series->id = header->id;
  series->system = header->system;
  series->source = header->source;
  series->algorithm = header->algorithm;
  series->size_stated = header->size_stated;
  series->gpus = header->gpus;
  series->part = header->op >= OP_SEND_DOMAIN ? MOE_NETWORK_SENDS
                 : expert                     ? MOE_NETWORK_EXPERT
                                              : MOE_NETWORK_COLLECTIVES;
  series->stack = (MoeStackCollectives){.nccl = MOE_NCCL_DEFAULT,
                                        .sms_collective = CHANNELS,
                                        .nvls = header->nvls,
                                        .sharp = header->sharp,
                                        .sms_expert = header->sms};
  series->collective =
      (MoeCollective){.kind = header->op < MOE_N_COLLECTIVES ? (MoeCollectiveKind)header->op : MOE_BROADCAST,
                      .top_k = header->top_k,
                      .experts = header->experts,
                      .expert_groups = header->expert_groups,
                      .top_groups = header->top_groups,
                      .row_bytes = (double)header->row,
                      .share = 1,
                      .padding = 1};
}

/* The library whose constants, this calibration's own copy of them, a series stands on. */
static gboolean choose_library(MoeNetworkCalibration *calibration, const MoeNode *node, const Header *header,
                               MoeNetworkSeries *series, GError **error)
{
  const MoeExpertLibrary *shipped = moe_expert_library(header->library);

  if (!shipped)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_node_get(node, "library")),
                    "expert library \"%s\" is not known", header->library);
  for (guint i = 0; i < calibration->libraries->len && !series->stack.library; i++) {
    const MoeExpertLibrary *own = g_ptr_array_index(calibration->libraries, i);

    if (own->name == shipped->name)
      series->stack.library = own;
  }
  if (!series->stack.library) {
    g_ptr_array_add(calibration->libraries, g_memdup2(shipped, sizeof *shipped));
    series->stack.library = g_ptr_array_index(calibration->libraries, calibration->libraries->len - 1);
  }
  series->stack.expert_library = shipped->name;
  series->stack.deduplicate = shipped->deduplicates;
  return TRUE;
}

/* Members: the first `gpus` of the machine; for a send over the network the first of two domains. */
static gboolean place_members(MoeNetworkSeries *series, int op, GError **error)
{
  int64_t stride = op == OP_SEND_NETWORK ? series->cluster.domain.gpus : 1;

  series->members = g_new(int64_t, series->gpus);
  for (int64_t i = 0; i < series->gpus; i++)
    series->members[i] = i * stride;
  series->topo = moe_topo_new(&series->cluster, (series->gpus - 1) * stride + 1, 0, NULL, error);
  return series->topo != NULL;
}

/* The fabric of one section of the cluster, or the one `named` instead: its index. */
static gboolean choose_fabric(MoeNetworkCalibration *calibration, const MoeDoc *cluster_doc, gboolean network,
                              const MoeNode *named, const char *data_dir, MoeCollectiveFit *fit, guint *index,
                              GError **error)
{
  const char *path = network ? "cluster.network.collectives.name" : "cluster.domain.collectives.name";
  const char *name = fabric_name(cluster_doc, path, network ? "network" : "domain");

  if (named && strcmp(moe_node_text(named), name) != 0) {
    name = moe_node_text(named);
    if (!load_fabric(calibration, named, network, data_dir, fit, error))
      return FALSE;
  }
  *index = find_fabric(calibration, name, network, fit);
  return TRUE;
}

static gboolean read_series(MoeNetworkCalibration *calibration, const MoeNode *node, const char *data_dir,
                            MoeNetworkSeries *series, GError **error)
{
  Header header = {.nvls = TRUE, .size_stated = TRUE, .expert_groups = 1, .top_groups = 1};
  MoeDoc *cluster_doc = NULL;

  if (!moe_node_read_fields(node, header_fields, "series", &header, error) ||
      !moe_cluster_load_named(moe_node_get(node, "cluster"), data_dir, &series->cluster, &cluster_doc, error))
    return FALSE;
  g_ptr_array_add(calibration->docs, cluster_doc);
  apply_header(series, &header);
  fill_series(series, &header);
  if (!choose_library(calibration, node, &header, series, error))
    return FALSE;
  if (!choose_fabric(calibration, cluster_doc, FALSE, moe_node_get(node, "domain"), data_dir,
                     &series->cluster.domain.collectives, &series->domain_fabric, error) ||
      !choose_fabric(calibration, cluster_doc, TRUE, moe_node_get(node, "network"), data_dir,
                     &series->cluster.network.collectives, &series->network_fabric, error) ||
      !place_members(series, header.op, error))
    return FALSE;
  gboolean inside = moe_topo_domain(series->topo, series->members[series->gpus - 1]) == 0;
  series->fabric = inside ? series->domain_fabric : series->network_fabric;
  return TRUE;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* Which half: one bit of a hash of what is measured, so that the same point of two repetitions falls on one side. */
static gboolean is_fitted(const MoeNetworkSeries *series, double bytes)
{
  uint64_t hash = moe_random_stream(series->system) ^ (uint64_t)series->collective.kind ^ ((uint64_t)series->gpus << 8);

  return (moe_random_mix(hash ^ moe_random_mix((uint64_t)bytes)) & 1) == 0;
}

static gboolean read_row(const MoeNode *node, const MoeNetworkSeries *series, MoeNetworkRow *row, GError **error)
{
  double microseconds = 0;

  if (moe_node_size(node) != 2)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node), "row of %u values, expected [bytes, microseconds]",
                    moe_node_size(node));
  if (!moe_node_read_quantity(moe_node_at(node, 0), MOE_DIM_NONE, &row->bytes, error) ||
      !moe_node_read_quantity(moe_node_at(node, 1), MOE_DIM_NONE, &microseconds, error))
    return FALSE;
  if (!(row->bytes >= 1 && row->bytes <= MAX_BYTES && microseconds > 0 && microseconds <= MAX_MICROSECONDS))
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node),
                    "row out of range, expected bytes >= 1 and a time above 0");
  row->measured_s = microseconds * US;
  row->fitted = is_fitted(series, row->bytes);
  row->mark = moe_node_mark(node);
  return TRUE;
}

static gboolean read_rows(const MoeNode *node, guint series, const MoeNetworkCalibration *calibration, GArray *rows,
                          GError **error)
{
  const MoeNode *list = moe_node_get(node, "rows");

  if (!moe_node_expect(list, MOE_NODE_LIST, "rows", error))
    return FALSE;
  for (guint i = 0; i < moe_node_size(list); i++) {
    MoeNetworkRow row = {.series = series};

    if (!read_row(moe_node_at(list, i), &calibration->series[series], &row, error))
      return FALSE;
    g_array_append_val(rows, row);
  }
  return TRUE;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static gboolean read_file(MoeNetworkCalibration *calibration, const MoeNode *root, const char *data_dir, GArray *rows,
                          GError **error)
{
  const MoeNode *list = moe_node_get(root, "series");

  if (!list)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(root), "no measurements, expected `series:`");
  if (!moe_node_expect(list, MOE_NODE_LIST, "series", error))
    return FALSE;
  guint first = calibration->n_series, n = moe_node_size(list);
  calibration->series = g_renew(MoeNetworkSeries, calibration->series, first + n);
  for (guint i = 0; i < n; i++) {
    MoeNetworkSeries *series = &calibration->series[first + i];

    memset(series, 0, sizeof *series);
    calibration->n_series++;
    if (!read_series(calibration, moe_node_at(list, i), data_dir, series, error) ||
        !read_rows(moe_node_at(list, i), first + i, calibration, rows, error))
      return FALSE;
  }
  return TRUE;
}

/* Topologies point at their series' cluster: made again once the array of series no longer moves. */
static gboolean anchor_topologies(MoeNetworkCalibration *calibration, GError **error)
{
  for (guint i = 0; i < calibration->n_series; i++) {
    MoeNetworkSeries *series = &calibration->series[i];
    int64_t gpus = moe_topo_gpus(series->topo);

    moe_topo_free(series->topo);
    series->topo = moe_topo_new(&series->cluster, gpus, 0, NULL, error);
    if (!series->topo)
      return FALSE;
  }
  return TRUE;
}

MoeNetworkCalibration *moe_network_calibration_load(const char *const *paths, const char *data_dir, GError **error)
{
  g_autoptr(MoeNetworkCalibration) calibration = g_new0(MoeNetworkCalibration, 1);
  g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(MoeNetworkRow));

  calibration->fabrics = g_array_new(FALSE, FALSE, sizeof(MoeNetworkFabric));
  calibration->libraries = g_ptr_array_new_with_free_func(g_free);
  calibration->docs = g_ptr_array_new_with_free_func((GDestroyNotify)moe_doc_free);
  for (; *paths; paths++) {
    MoeDoc *doc = moe_doc_load(*paths, error);

    if (!doc)
      return NULL;
    g_ptr_array_add(calibration->docs, doc);
    if (!read_file(calibration, moe_doc_root(doc), data_dir, rows, error))
      return NULL;
  }
  if (!anchor_topologies(calibration, error))
    return NULL;
  calibration->n_rows = rows->len;
  calibration->rows = g_memdup2(rows->data, rows->len * sizeof(MoeNetworkRow));
  return g_steal_pointer(&calibration);
}

void moe_network_calibration_free(MoeNetworkCalibration *calibration)
{
  if (!calibration)
    return;
  for (guint i = 0; i < calibration->n_series; i++) {
    moe_topo_free(calibration->series[i].topo);
    moe_cluster_clear(&calibration->series[i].cluster);
    g_free(calibration->series[i].members);
  }
  g_free(calibration->series);
  g_free(calibration->rows);
  g_array_unref(calibration->fabrics);
  g_ptr_array_unref(calibration->libraries);
  g_ptr_array_unref(calibration->docs);
  g_free(calibration);
}
