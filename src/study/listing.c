/* What ships, by name and in one line. */
#include "study/listing.h"
#include "doc/doc.h"
#include <string.h>

#define MAX_DEPTH 8 /* of folders in models/ */
#define ENDING    ".yaml"

void moe_listed_free(MoeListed *listed)
{
  g_free(listed->name);
  g_free(listed->title);
  g_free(listed);
}

static gint by_name(gconstpointer a, gconstpointer b)
{
  return strcmp((*(const MoeListed *const *)a)->name, (*(const MoeListed *const *)b)->name);
}

/* A file that cannot be read has no title: listing is not the place to complain. */
static char *title_of(const char *path)
{
  g_autoptr(MoeDoc) doc = moe_doc_load(path, NULL);
  const MoeNode *title = doc ? moe_doc_find(doc, "title") : NULL;

  return g_strdup(title && moe_node_text(title) ? moe_node_text(title) : "");
}

typedef struct {
  const char *root;
  guint depth; /* of folders still to be entered */
  gboolean titled;
  GPtrArray *found;
} Walk;

static void take_file(const Walk *walk, const char *path, const char *inside)
{
  MoeListed *listed = g_new(MoeListed, 1);

  listed->name = g_strndup(inside, strlen(inside) - strlen(ENDING));
  listed->title = title_of(path);
  if (walk->titled && listed->title[0] == '\0')
    moe_listed_free(listed);
  else
    g_ptr_array_add(walk->found, listed);
}

static void collect(Walk walk, const char *prefix)
{
  g_autofree char *path = g_build_filename(walk.root, prefix, NULL);
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);

  for (const char *entry = dir ? g_dir_read_name(dir) : NULL; entry; entry = g_dir_read_name(dir)) {
    g_autofree char *whole = g_build_filename(path, entry, NULL);
    g_autofree char *inside = *prefix ? g_strconcat(prefix, "/", entry, NULL) : g_strdup(entry);
    Walk inner = walk;

    inner.depth--;
    if (walk.depth > 0 && g_file_test(whole, G_FILE_TEST_IS_DIR))
      collect(inner, inside);
    else if (g_str_has_suffix(entry, ENDING))
      take_file(&walk, whole, inside);
  }
}

GPtrArray *moe_list_files(const char *data_dir, const char *folder, gboolean inner, gboolean titled)
{
  g_autofree char *root = g_build_filename(data_dir ? data_dir : ".", folder, NULL);
  GPtrArray *found = g_ptr_array_new_with_free_func((GDestroyNotify)moe_listed_free);

  collect((Walk){.root = root, .depth = inner ? MAX_DEPTH : 0, .titled = titled, .found = found}, "");
  g_ptr_array_sort(found, by_name);
  return found;
}
