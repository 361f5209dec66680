/* Published parts of iterations, and profiles of forward-backward pairs. */
#include "cases.h"

#include "validate/published_parts.h"
#include <math.h>

/* ---- cases ------------------------------------------------------------------------------------------------------ */

void moe_parts_case_free(MoePartsCase *c)
{
  if (c)
    g_free(c->id);
  g_free(c);
}

static gboolean read_published(const MoeNode *parts, double published_s[], GError **error)
{
  for (guint i = 0; i < MOE_N_ITERATION_PARTS; i++) {
    const MoeNode *node = moe_node_get(parts, moe_iteration_part_words[i]);

    published_s[i] = NAN;
    if (node && !moe_node_read_quantity(node, MOE_DIM_NONE, &published_s[i], error))
      return FALSE;
  }
  return TRUE;
}

typedef struct {
  const char *data_dir;
  int64_t stage;
  const MoeSimOptions *options;
  GPtrArray *found; /* of MoePartsCase */
} Search;

/* Cases without published parts are passed over. */
static gboolean add_case(const Search *search, MoeDoc *file, MoeNode *entry, GError **error)
{
  MoeRunOptions options = {.data_dir = search->data_dir};
  g_autoptr(MoePartsCase) c = g_new0(MoePartsCase, 1);

  if (!moe_node_find(entry, "published.iteration_parts_s"))
    return TRUE;
  g_autoptr(MoeDoc) doc = moe_case_document(file, entry, &c->id, error);
  g_autoptr(MoeRun) run = doc ? moe_run_from_doc(g_steal_pointer(&doc), c->id, &options, error) : NULL;
  if (!run || !read_published(run->published.iteration_parts, c->published_s, error) ||
      !moe_study_iteration(run, search->options, search->stage, &c->iteration, error))
    return FALSE;
  g_ptr_array_add(search->found, g_steal_pointer(&c));
  return TRUE;
}

static gboolean add_file(const Search *search, const char *path, GError **error)
{
  g_autoptr(MoeDoc) doc = moe_doc_load(path, error);
  const MoeNode *cases = doc ? moe_node_get(moe_doc_root(doc), "cases") : NULL;
  gboolean good = doc != NULL;

  for (guint i = 0; good && cases && i < moe_node_size(cases); i++)
    good = add_case(search, doc, (MoeNode *)moe_node_at(cases, i), error);
  return good;
}

GPtrArray *moe_validate_parts(const char *dir, const char *data_dir, int64_t stage, const MoeSimOptions *options,
                              GError **error)
{
  g_autoptr(GPtrArray) files = moe_case_files(dir, error);
  g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)moe_parts_case_free);
  const Search search = {data_dir, stage, options, found};
  gboolean good = files != NULL;

  for (guint i = 0; good && i < files->len; i++)
    good = add_file(&search, files->pdata[i], error);
  return good ? g_steal_pointer(&found) : NULL;
}

/* ---- profiles --------------------------------------------------------------------------------------------------- */

typedef struct {
  const char *title, *source, *run;
  int64_t stage;
  double pair_s;
} PairText;

static const MoeField pair_fields[] = {
    {"title", MOE_FIELD_TEXT, offsetof(PairText, title), TRUE, MOE_DIM_NONE, 0, 0, NULL},
    {"source", MOE_FIELD_TEXT, offsetof(PairText, source), TRUE, MOE_DIM_NONE, 0, 0, NULL},
    {"run", MOE_FIELD_TEXT, offsetof(PairText, run), TRUE, MOE_DIM_NONE, 0, 0, NULL},
    {"stage", MOE_FIELD_INT, offsetof(PairText, stage), TRUE, MOE_DIM_NONE, 0, G_MAXINT32, NULL},
    {"pair_s", MOE_FIELD_QUANTITY, offsetof(PairText, pair_s), TRUE, MOE_DIM_NONE, 0, 0, NULL},
    {"class_s", MOE_FIELD_IGNORE, 0, TRUE, MOE_DIM_NONE, 0, 0, NULL},
    {NULL, MOE_FIELD_IGNORE, 0, FALSE, MOE_DIM_NONE, 0, 0, NULL},
};

static gboolean read_classes(const MoeNode *classes, double class_s[], GError **error)
{
  MoeField fields[MOE_N_PAIR_CLASSES + 1] = {{NULL, MOE_FIELD_IGNORE, 0, FALSE, MOE_DIM_NONE, 0, 0, NULL}};

  for (guint c = 0; c < MOE_N_PAIR_CLASSES; c++)
    fields[c] =
        (MoeField){moe_pair_class_words[c], MOE_FIELD_QUANTITY, c * sizeof(double), FALSE, MOE_DIM_NONE, 0, 0, NULL};
  fields[MOE_N_PAIR_CLASSES] = (MoeField){NULL, MOE_FIELD_IGNORE, 0, FALSE, MOE_DIM_NONE, 0, 0, NULL};
  return moe_node_read_fields(classes, fields, "class_s", class_s, error);
}

gboolean moe_pair_trace_load(const char *path, MoePairTrace *trace, GError **error)
{
  g_autoptr(MoeDoc) doc = moe_doc_load(path, error);
  PairText text = {0};

  *trace = (MoePairTrace){0};
  if (!doc || !moe_node_read_fields(moe_doc_root(doc), pair_fields, "profile", &text, error) ||
      !read_classes(moe_node_get(moe_doc_root(doc), "class_s"), trace->class_s, error))
    return FALSE;
  g_autofree char *folder = g_path_get_dirname(path);
  trace->title = g_strdup(text.title);
  trace->run = g_build_filename(folder, text.run, NULL);
  trace->stage = text.stage;
  trace->pair_s = text.pair_s;
  return TRUE;
}

void moe_pair_trace_clear(MoePairTrace *trace)
{
  g_clear_pointer(&trace->title, g_free);
  g_clear_pointer(&trace->run, g_free);
}
