/* Cases: runs of a file's list `cases:`, each with an id and what was published of it. */
#include "internal.h"

#include <string.h>

/* Beside these an entry holds the keys of a run, which its document is read as. */
static const MoeField entry_fields[] = {
    {"id", .kind = MOE_FIELD_TEXT, .own = TRUE, .required = TRUE, .meaning = "its name, unique in the file"},
    {"extends", .kind = MOE_FIELD_TEXT, .own = TRUE,
     .meaning =
         "a run, by path or name, whose keys hold where the case is silent; every key of a run may stand beside"},
    {NULL},
};

static const MoeSection entry_section = {"a case", entry_fields, NULL};

static const MoeField file_fields[] = {
    {"source", .kind = MOE_FIELD_IGNORE, .own = TRUE, .meaning = "name and address of where the cases were published"},
    {"cases", MOE_FIELD_PART(entry_section), .form = MOE_FORM_LIST, .required = TRUE,
     .meaning = "runs with what was measured of them under `published`"},
    {"excluded", .kind = MOE_FIELD_IGNORE, .own = TRUE, .form = MOE_FORM_LIST,
     .meaning = "what was published and is not simulated, with a reason; for readers"},
    {NULL},
};

const MoeSection moe_case_section = {"cases", file_fields, NULL};

MoeDoc *moe_case_document(MoeDoc *file, MoeNode *entry, char **id, GError **error)
{
  const MoeNode *name = moe_node_get(entry, "id");
  MoeMark mark = moe_node_mark(entry);

  if (!moe_node_expect(entry, MOE_NODE_MAP, "a case", error))
    return NULL;
  if (!name || !moe_node_text(name)) {
    moe_fail(error, MOE_ERROR_INPUT, mark, "case without id, expected id: NAME");
    return NULL;
  }
  *id = g_strdup(moe_node_text(name));
  if (!moe_node_get(entry, "published")) {
    moe_fail(error, MOE_ERROR_INPUT, mark, "case without published section, expected published: {METRIC: VALUE}");
    return NULL;
  }
  moe_doc_remove(file, entry, "id");
  if (!moe_doc_resolve_extends(file, entry, error))
    return NULL;
  g_autoptr(MoeDoc) doc = moe_doc_parse("{}", -1, mark.file, NULL, error);

  return doc && moe_doc_merge(doc, "", entry, error) ? g_steal_pointer(&doc) : NULL;
}

static const char *id_of(const MoeNode *entry)
{
  const MoeNode *id = moe_node_get(entry, "id");

  return id ? moe_node_text(id) : NULL;
}

char **moe_case_ids(const MoeDoc *file)
{
  const MoeNode *cases = moe_node_get(moe_doc_root(file), "cases");
  GPtrArray *ids = g_ptr_array_new();

  for (guint i = 0; cases && i < moe_node_size(cases); i++)
    if (id_of(moe_node_at(cases, i)))
      g_ptr_array_add(ids, g_strdup(id_of(moe_node_at(cases, i))));
  g_ptr_array_add(ids, NULL);
  return (char **)g_ptr_array_free(ids, FALSE);
}

static gboolean fail_id(const MoeDoc *file, const char *id, GError **error)
{
  MoeMark mark = {.file = moe_node_mark(moe_doc_root(file)).file};
  g_auto(GStrv) ids = moe_case_ids(file);
  const char *nearest = id ? moe_nearest_word(id, (const char *const *)ids) : NULL;

  if (!ids[0])
    return moe_fail(error, MOE_ERROR_INPUT, mark, "no cases, expected a list cases:");
  if (!id)
    return moe_fail(error, MOE_ERROR_INPUT, mark, "a file of cases, expected FILE:ID, as \"%s\"", ids[0]);
  if (nearest)
    return moe_fail(error, MOE_ERROR_INPUT, mark, "no case \"%s\", did you mean \"%s\"?", id, nearest);
  return moe_fail(error, MOE_ERROR_INPUT, mark, "no case \"%s\", expected one of %u, as \"%s\"", id, g_strv_length(ids),
                  ids[0]);
}

MoeDoc *moe_case_find(MoeDoc *file, const char *id, GError **error)
{
  const MoeNode *cases = moe_node_get(moe_doc_root(file), "cases");

  for (guint i = 0; cases && id && i < moe_node_size(cases); i++) {
    MoeNode *entry = (MoeNode *)moe_node_at(cases, i); /* the document is ours */
    g_autofree char *taken = NULL;

    if (g_strcmp0(id_of(entry), id) == 0)
      return moe_case_document(file, entry, &taken, error);
  }
  fail_id(file, id, error);
  return NULL;
}
