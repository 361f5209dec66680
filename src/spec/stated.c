/*
 * What a published figure was stated for.
 *
 * A file states its figures for the configuration that it writes down: model, recipe, layout, cluster, software. An
 * option or an override that makes another configuration of it leaves the figures behind, and one that takes another
 * accelerator also the peak that MFU is divided by. Values that are assumptions of the configuration do not count:
 * nobody knows what was measured with.
 *
 * The configuration is kept as two numbers (fingerprints) that stay with the document and its copies, so that every
 * door - options, a sweep's point, a study's copy - is judged alike.
 */
#include "internal.h"

#include <string.h>

/* FNV-1a, 64 bits (Fowler, Noll & Vo). */
#define FNV_OFFSET UINT64_C(14695981039346656037)
#define FNV_PRIME  UINT64_C(1099511628211)

static uint64_t mix(uint64_t hash, gconstpointer data, size_t n_bytes)
{
  const guint8 *bytes = data;

  for (size_t i = 0; i < n_bytes; i++)
    hash = (hash ^ bytes[i]) * FNV_PRIME;
  return hash;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* 50 GB/s and 400 Gbit/s are one value. The mixer keeps two changes from cancelling in the sum. */
static uint64_t mix_scalar(uint64_t hash, const MoeNode *node)
{
  const char *text = moe_node_text(node);
  MoeDimension dimension;
  double value;

  if (g_ascii_isdigit(*text) && moe_any_quantity_read(node, &value, &dimension, NULL))
    return moe_random_mix(mix(mix(hash, &value, sizeof value), &dimension, sizeof dimension));
  return moe_random_mix(mix(hash, text, strlen(text) + 1));
}

/* Where values come from, what they cost and draw and how often they break is no part of what a step was measured on;
 * the power of a board, a number beside the cluster's map, lowers its clock. */
static gboolean is_aside(const char *key, const MoeNode *value)
{
  static const char *const aside[] = {"title", "source",      "date",    "assumptions", "price",
                                      "power", "reliability", "storage", NULL};

  if (strcmp(key, "power") == 0 && moe_node_kind(value) == MOE_NODE_SCALAR)
    return FALSE;
  return g_strv_contains(aside, key);
}

/* A sum over the values, so that neither the order of keys nor an empty map counts. `path` is the fingerprint of the
 * way there; `assumed` holds the nodes that do not count. */
static uint64_t sum_values(const MoeNode *node, uint64_t path, GHashTable *assumed)
{
  uint64_t sum = 0;

  if (g_hash_table_contains(assumed, node))
    return 0;
  if (moe_node_kind(node) == MOE_NODE_SCALAR)
    return mix_scalar(path, node);
  for (guint i = 0; i < moe_node_size(node); i++) {
    const char *key = moe_node_kind(node) == MOE_NODE_MAP ? moe_node_key(node, i) : NULL;

    if (!key)
      sum += sum_values(moe_node_at(node, i), mix(path, &i, sizeof i), assumed);
    else if (!is_aside(key, moe_node_at(node, i)))
      sum += sum_values(moe_node_at(node, i), mix(path, key, strlen(key) + 1), assumed);
  }
  return sum;
}

/* ---- assumptions ------------------------------------------------------------------------------------------------- */

/* Every place has its own prefix, which keys may leave out (moe_assumptions_read). */
static void add_assumed(const MoeDoc *doc, const char *section, GHashTable *assumed)
{
  g_autofree char *path = g_strconcat(section, *section ? "." : "", "assumptions", NULL);
  const MoeNode *all = moe_doc_find(doc, path);

  for (guint i = 0; all && i < moe_node_size(all); i++) {
    const char *key = moe_node_kind(all) == MOE_NODE_MAP ? moe_node_key(all, i) : "";
    g_autofree char *inside = g_strconcat(section, *section ? "." : "", key, NULL);
    const MoeNode *node = moe_doc_find(doc, inside);

    node = node ? node : moe_doc_find(doc, key);
    gboolean settled = node && moe_is_own(doc, moe_node_mark(node)) && !moe_is_own(doc, moe_node_key_mark(all, i));
    if (node && !settled) /* what the run states it knows, whatever its cluster or stack leaves open */
      g_hash_table_add(assumed, (gpointer)node);
  }
}

static GHashTable *find_assumed(const MoeDoc *doc)
{
  static const char *const sections[] = {"", "cluster", "cluster.accelerator", "stack"};
  GHashTable *assumed = g_hash_table_new(NULL, NULL);

  for (size_t i = 0; i < G_N_ELEMENTS(sections); i++)
    add_assumed(doc, sections[i], assumed);
  return assumed;
}

/* ---- fingerprints ------------------------------------------------------------------------------------------------ */

static uint64_t add_section(const MoeDoc *doc, const char *path, GHashTable *assumed)
{
  const MoeNode *node = moe_doc_find(doc, path);

  return node ? sum_values(node, mix(FNV_OFFSET, path, strlen(path) + 1), assumed) : 0;
}

static MoeDocSeal fingerprint(const MoeDoc *doc)
{
  static const char *const whole[] = {"architecture", "training", "parallelism", "recompute",
                                      "offload",      "cluster",  "stack"};
  static const char *const peak[] = {"cluster.accelerator.name", "cluster.accelerator.peak"};
  g_autoptr(GHashTable) assumed = find_assumed(doc), none = g_hash_table_new(NULL, NULL);
  MoeDocSeal seal = {.made = TRUE};

  for (size_t i = 0; i < G_N_ELEMENTS(whole); i++)
    seal.value[0] += add_section(doc, whole[i], assumed);
  for (size_t i = 0; i < G_N_ELEMENTS(peak); i++)
    seal.value[1] += add_section(doc, peak[i], none);
  return seal;
}

void moe_published_state(MoeDoc *doc)
{
  gboolean any = moe_doc_find(doc, "published") || moe_doc_find(doc, "goodput.published");

  if (any && !moe_doc_seal(doc)->made)
    moe_doc_set_seal(doc, fingerprint(doc));
}

/* ---- what is left behind ----------------------------------------------------------------------------------------- */

static gboolean is_overridden(const MoeNode *node)
{
  return strcmp(moe_node_mark(node).file, MOE_DOC_SET_NAME) == 0;
}

/* A value that an override gives is said of what it makes. */
static void drop_unless_overridden(MoeDoc *doc, MoeNode *map, const char *key)
{
  const MoeNode *node = moe_node_get(map, key);

  if (node && !is_overridden(node))
    moe_doc_remove(doc, map, key);
}

void moe_published_drop_metrics(MoeDoc *doc)
{
  static const char *const context[] = {"convention", "peak", "peak_flops", "source", NULL};
  MoeNode *published = moe_doc_find(doc, "published");

  for (guint i = published ? moe_node_size(published) : 0; i-- > 0;)
    if (!g_strv_contains(context, moe_node_key(published, i)))
      drop_unless_overridden(doc, published, moe_node_key(published, i));
}

void moe_published_keep_stated(MoeDoc *doc)
{
  MoeNode *published = moe_doc_find(doc, "published"), *goodput = moe_doc_find(doc, "goodput");

  if (!moe_doc_seal(doc)->made)
    return;
  MoeDocSeal stated = *moe_doc_seal(doc), now = fingerprint(doc);
  if (now.value[0] != stated.value[0]) {
    moe_published_drop_metrics(doc);
    if (goodput)
      drop_unless_overridden(doc, goodput, "published");
  }
  if (now.value[1] != stated.value[1] && published) {
    drop_unless_overridden(doc, published, "peak");
    drop_unless_overridden(doc, published, "peak_flops");
  }
}
