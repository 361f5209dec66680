/* Answers kept: a table from keys to entries, and the entries in a queue, the one used last first. */
#include "cache.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

/* Between two looks at the folder. Own choice: short beside how long a person takes from an editor to the page. */
#define LOOK_US G_USEC_PER_SEC

/* Folders below the folder that are looked at. */
#define MAX_DEPTH 6

/* What an entry takes besides its bytes: two nodes, the key. */
#define OVERHEAD_BYTES 256

/* Answers of more than this part of the memory would push all others out. */
#define LARGEST_PART 8

typedef struct {
  char *key;
  GBytes *answer;
  GList *link;
} Entry;

struct ServeCache {
  GMutex lock;
  guint64 limit_bytes, bytes;
  GHashTable *entries;
  GQueue used; /* of Entry */
  char *folder;
  guint64 stamp; /* of the folder's files */
  gint64 looked_us, changed_us;
};

static void entry_free(gpointer data)
{
  Entry *entry = data;

  g_free(entry->key);
  g_bytes_unref(entry->answer);
  g_free(entry);
}

ServeCache *moe_cache_new(guint64 limit_bytes, const char *folder)
{
  ServeCache *cache = g_new0(ServeCache, 1);

  g_mutex_init(&cache->lock);
  cache->limit_bytes = limit_bytes;
  cache->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
  g_queue_init(&cache->used);
  cache->folder = g_strdup(folder);
  return cache;
}

void moe_cache_free(ServeCache *cache)
{
  if (!cache)
    return;
  g_queue_clear(&cache->used);
  g_hash_table_destroy(cache->entries);
  g_mutex_clear(&cache->lock);
  g_free(cache->folder);
  g_free(cache);
}

char *moe_cache_key(const char *door, const char *request, gsize length)
{
  g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

  g_checksum_update(sum, (const guchar *)door, (gssize)strlen(door) + 1);
  g_checksum_update(sum, (const guchar *)request, (gssize)length);
  return g_strdup(g_checksum_get_string(sum));
}

/* ---- the folder -------------------------------------------------------------------------------------------------- */

/* Mixes a number into a sum that does not depend on the order of folders' entries. */
static guint64 mix(guint64 a)
{
  a = (a ^ (a >> 30)) * G_GUINT64_CONSTANT(0xbf58476d1ce4e5b9); /* SplitMix64's finalizer */
  a = (a ^ (a >> 27)) * G_GUINT64_CONSTANT(0x94d049bb133111eb);
  return a ^ (a >> 31);
}

static guint64 stamp_file(const char *path, const struct stat *info)
{
  return mix(g_str_hash(path) ^ mix((guint64)info->st_size ^ mix((guint64)info->st_mtim.tv_sec) ^
                                    mix((guint64)info->st_mtim.tv_nsec + 1)));
}

/* Sum over the YAML and CSV files below, by name, size and time of change. Hidden folders and links are left out. */
static guint64 stamp_folder(const char *folder, guint depth)
{
  g_autoptr(GDir) dir = depth < MAX_DEPTH ? g_dir_open(folder, 0, NULL) : NULL;
  const char *name;
  guint64 sum = 0;

  while (dir && (name = g_dir_read_name(dir))) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    struct stat info;
    if (*name == '.' || lstat(path, &info) != 0)
      continue;
    if (S_ISDIR(info.st_mode))
      sum += stamp_folder(path, depth + 1);
    else if (g_str_has_suffix(name, ".yaml") || g_str_has_suffix(name, ".csv"))
      sum += stamp_file(path, &info);
  }
  return sum;
}

static guint64 stamp(const char *root)
{
  static const char *const folders[] = {"clusters", "models", "stacks"};
  guint64 sum = 0;

  for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
    g_autofree char *folder = g_build_filename(root, folders[i], NULL);
    sum += stamp_folder(folder, 0);
  }
  return sum;
}

/* ---- entries ----------------------------------------------------------------------------------------------------- */

static void forget(ServeCache *cache, Entry *entry)
{
  cache->bytes -= g_bytes_get_size(entry->answer) + OVERHEAD_BYTES;
  g_queue_delete_link(&cache->used, entry->link);
  g_hash_table_remove(cache->entries, entry->key);
}

/* Forgets everything when a file changed since the last look. */
static void look(ServeCache *cache)
{
  gint64 now_us = g_get_monotonic_time();

  if (!cache->folder || (cache->looked_us && now_us - cache->looked_us < LOOK_US))
    return;
  guint64 now = stamp(cache->folder);
  while (cache->looked_us && now != cache->stamp && !g_queue_is_empty(&cache->used))
    forget(cache, g_queue_peek_tail(&cache->used));
  if (now != cache->stamp)
    cache->changed_us = now_us;
  cache->stamp = now;
  cache->looked_us = now_us;
}

GBytes *moe_cache_get(ServeCache *cache, const char *key)
{
  g_mutex_lock(&cache->lock);
  look(cache);
  Entry *entry = g_hash_table_lookup(cache->entries, key);
  GBytes *answer = entry ? g_bytes_ref(entry->answer) : NULL;
  if (entry) {
    g_queue_unlink(&cache->used, entry->link);
    g_queue_push_head_link(&cache->used, entry->link);
  }
  g_mutex_unlock(&cache->lock);
  return answer;
}

static void add(ServeCache *cache, const char *key, GBytes *answer)
{
  Entry *entry = g_new0(Entry, 1);

  entry->key = g_strdup(key);
  entry->answer = g_bytes_ref(answer);
  g_queue_push_head(&cache->used, entry);
  entry->link = g_queue_peek_head_link(&cache->used);
  g_hash_table_insert(cache->entries, entry->key, entry);
  cache->bytes += g_bytes_get_size(answer) + OVERHEAD_BYTES;
}

void moe_cache_put(ServeCache *cache, const char *key, GBytes *answer, gint64 asked_us)
{
  guint64 size = g_bytes_get_size(answer) + OVERHEAD_BYTES;

  if (size > cache->limit_bytes / LARGEST_PART)
    return;
  g_mutex_lock(&cache->lock);
  look(cache);
  if (asked_us >= cache->changed_us && !g_hash_table_contains(cache->entries, key)) {
    while (cache->bytes + size > cache->limit_bytes)
      forget(cache, g_queue_peek_tail(&cache->used));
    add(cache, key, answer);
  }
  g_mutex_unlock(&cache->lock);
}

guint64 moe_cache_bytes(ServeCache *cache)
{
  g_mutex_lock(&cache->lock);
  guint64 bytes = cache->bytes;
  g_mutex_unlock(&cache->lock);
  return bytes;
}
