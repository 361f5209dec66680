/* What ships, by name and in one line. */
#include "study/listing.h"
#include "doc/doc.h"
#include "spec/spec.h"
#include <string.h>

#define MAX_DEPTH 8 /* of folders in models/ */
#define ENDING    ".yaml"

void moe_listed_free(MoeListed *listed)
{
  g_free(listed->name);
  g_free(listed->title);
  g_free(listed->date);
  g_free(listed->base);
  g_free(listed->klass);
  g_free(listed->values);
  g_free(listed);
}

GPtrArray *moe_listing_new(void)
{
  return g_ptr_array_new_with_free_func((GDestroyNotify)moe_listed_free);
}

MoeListed *moe_listing_add(GPtrArray *found, const char *name, const char *title)
{
  MoeListed *listed = g_new0(MoeListed, 1);

  listed->name = g_strdup(name);
  listed->title = g_strdup(title ? title : "");
  g_ptr_array_add(found, listed);
  return listed;
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
  g_autofree char *name = g_strndup(inside, strlen(inside) - strlen(ENDING)), *title = title_of(path);

  if (!walk->titled || *title)
    moe_listing_add(walk->found, name, title);
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
  GPtrArray *found = moe_listing_new();

  collect((Walk){.root = root, .depth = inner ? MAX_DEPTH : 0, .titled = titled, .found = found}, "");
  g_ptr_array_sort(found, by_name);
  return found;
}

/* A run says how it is laid out; what it extends may say it for it. */
static gboolean is_run(const char *data_dir, const MoeListed *listed)
{
  g_autofree char *path = g_strdup_printf("%s/models/%s%s", data_dir ? data_dir : ".", listed->name, ENDING);
  g_autoptr(MoeDoc) doc = moe_doc_load(path, NULL);

  return doc && moe_doc_find(doc, "cluster") && moe_doc_find(doc, "parallelism");
}

GPtrArray *moe_list_models(const char *data_dir)
{
  GPtrArray *found = moe_list_files(data_dir, "models", TRUE, TRUE);

  for (guint i = found->len; i-- > 0;)
    if (!is_run(data_dir, g_ptr_array_index(found, i)))
      g_ptr_array_remove_index(found, i);
  return found;
}

/* ---- stacks ------------------------------------------------------------------------------------------------------ */

/* A stack's file as it is written. */
typedef struct {
  const char *data_dir, *name;
  const MoeNode *root;
  const MoeNode *variants; /* NULL: none */
} File;

static const char *extended_by(const MoeNode *map)
{
  const MoeNode *extends = moe_node_get(map, "extends");

  return extends ? moe_node_text(extends) : NULL;
}

/* What a variant stands on; NULL: on nothing but the rest of its file. */
static char *base_of(const File *file, guint index)
{
  const char *extends = extended_by(moe_node_at(file->variants, index));

  if (!extends && index > 0)
    extends = moe_node_key(file->variants, index - 1);
  if (!extends)
    return g_strdup(extended_by(file->root));
  return moe_node_get(file->variants, extends) ? g_strconcat(file->name, ":", extends, NULL) : g_strdup(extends);
}

static void add_variant(GPtrArray *found, const File *file, guint index)
{
  g_autofree char *name = g_strconcat(file->name, ":", moe_node_key(file->variants, index), NULL);
  g_autoptr(MoeDoc) doc = NULL;
  MoeListed *listed;
  MoeStack stack;

  if (!moe_stack_load(name, file->data_dir, &stack, &doc, NULL))
    return;
  listed = moe_listing_add(found, name, stack.title);
  listed->date = g_strdup(stack.date ? stack.date : "");
  listed->base = base_of(file, index);
  moe_stack_clear(&stack);
}

static void add_software(GPtrArray *found, const File *file)
{
  guint n = file->variants && moe_node_kind(file->variants) == MOE_NODE_MAP ? moe_node_size(file->variants) : 0;
  const MoeNode *title = moe_node_get(file->root, "title");
  MoeListed *listed = moe_listing_add(found, file->name, title ? moe_node_text(title) : NULL);

  listed->date = g_strdup("");
  listed->base = n > 0 ? NULL : g_strdup(extended_by(file->root));
  for (guint i = 0; i < n; i++)
    add_variant(found, file, i);
}

GPtrArray *moe_list_stacks(const char *data_dir)
{
  g_autoptr(GPtrArray) files = moe_list_files(data_dir, "stacks", FALSE, FALSE);
  GPtrArray *found = moe_listing_new();

  for (guint i = 0; i < files->len; i++) {
    const char *name = ((const MoeListed *)g_ptr_array_index(files, i))->name;
    g_autofree char *path = g_strdup_printf("%s/stacks/%s%s", data_dir ? data_dir : ".", name, ENDING);
    g_autoptr(MoeDoc) doc = moe_doc_load_alone(path, (MoeMark){0}, NULL, NULL);

    if (doc)
      add_software(found, &(File){data_dir, name, moe_doc_root(doc), moe_doc_find(doc, "variants")});
  }
  return found;
}
