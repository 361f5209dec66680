/* Every key of the input files, walked from the tables that read them. */
#include "internal.h"

#include "spec/schema.h"

#include <string.h>

const char *const moe_schema_words[] = {"run", "cluster", "stack", "accelerator", "fabric", "case", NULL};

G_STATIC_ASSERT(G_N_ELEMENTS(moe_schema_words) == MOE_N_SCHEMAS + 1);

/* ---- what documents know, whatever they hold ----------------------------------------------------------------------
 */

#define EXTENDS                                                                                                        \
  {                                                                                                                    \
    "extends", .kind = MOE_FIELD_TEXT, .own = TRUE,                                                                    \
               .meaning = "a file, by path or name, whose keys hold where this one is silent: maps merge, lists and "  \
                          "values replace"                                                                             \
  }

static const MoeField file_fields[] = {EXTENDS, {NULL}};

static const MoeField run_file_fields[] = {
    EXTENDS,
    {"variants", .kind = MOE_FIELD_IGNORE, .own = TRUE, .form = MOE_FORM_NAMED,
     .meaning = "named maps of keys of the run, in order; each holds on top of the one before"},
    {NULL},
};

static const MoeField stack_file_fields[] = {
    {"extends", .kind = MOE_FIELD_TEXT, .own = TRUE,
     .meaning =
         "a stack, as SOFTWARE:VARIANT or by path, whose keys hold where this one is silent: maps merge, lists and "
         "values replace; in a variant also another variant of the file"},
    {"variants", .kind = MOE_FIELD_IGNORE, .own = TRUE, .form = MOE_FORM_NAMED,
     .meaning =
         "the software of other months, in order: named maps of keys of the stack; each stands on the one before, "
         "or on what its `extends` names"},
    {NULL},
};

static const MoeSection stack_file_section = {"file", stack_file_fields, NULL};
static const MoeSection file_section = {"file", file_fields, NULL};
static const MoeSection run_file_section = {"file", run_file_fields, NULL};

/* ---- kinds of files -----------------------------------------------------------------------------------------------
 */

static const struct {
  const char *meaning;
  const MoeSection *file, *section;
} schemas[] = {
    [MOE_SCHEMA_RUN] = {"What is trained, how, on what and with what: models/, and every command that takes a run.",
                        &run_file_section, &moe_run_section},
    [MOE_SCHEMA_CLUSTER] = {"A machine: clusters/, named by `cluster` of a run or `--cluster`.", &file_section,
                            &moe_cluster_section},
    [MOE_SCHEMA_STACK] = {"Training software: stacks/, named by `stack` of a run or `--stack` as "
                          "SOFTWARE:VARIANT; SOFTWARE alone is its last variant.",
                          &stack_file_section, &moe_stack_section},
    [MOE_SCHEMA_ACCELERATOR] = {"A GPU: clusters/accelerators/, named by `accelerator` of a cluster.", &file_section,
                                &moe_accelerator_section},
    [MOE_SCHEMA_FABRIC] = {"Fitted constants of collectives: clusters/fabrics/, named by `collectives` of a cluster's "
                           "domain or network. What is absent is as there.",
                           &file_section, &moe_fabric_section},
    [MOE_SCHEMA_CASE] = {"Published measurements: validation/, and folders that `moesim validate --cases` takes.",
                         &file_section, &moe_case_section},
};

const char *moe_schema_meaning(MoeSchemaKind kind)
{
  return schemas[kind].meaning;
}

/* The kind of file that a folder holds; `inside` where the folder is none. */
static MoeSchemaKind kind_of_folder(const char *folder, MoeSchemaKind inside)
{
  static const struct {
    const char *folder;
    MoeSchemaKind kind;
  } folders[] = {{"clusters", MOE_SCHEMA_CLUSTER},
                 {MOE_STACK_FOLDER, MOE_SCHEMA_STACK},
                 {"clusters/accelerators", MOE_SCHEMA_ACCELERATOR},
                 {"clusters/fabrics", MOE_SCHEMA_FABRIC}};

  for (guint i = 0; folder && i < G_N_ELEMENTS(folders); i++)
    if (strcmp(folder, folders[i].folder) == 0)
      return folders[i].kind;
  return inside;
}

/* ---- the walk -----------------------------------------------------------------------------------------------------
 */

/* The map whose keys are added. */
typedef struct {
  const char *path; /* "" for the root */
  guint depth;
  MoeSchemaKind file;
  const char *mechanism;
} Place;

static void add_section(GPtrArray *keys, const MoeSection *section, const Place *place);

static const char *suffix_of(MoeFieldForm form)
{
  static const char *const suffixes[] = {[MOE_FORM_ONE] = "", [MOE_FORM_LIST] = "[]", [MOE_FORM_NAMED] = ".NAME"};

  return suffixes[form];
}

static void add_key(GPtrArray *keys, const MoeSection *section, const MoeField *field, const Place *place)
{
  MoeSchemaKey *key = g_new0(MoeSchemaKey, 1);

  *key = (MoeSchemaKey){.path = g_strconcat(place->path, *place->path ? "." : "", field->key, NULL),
                        .field = field,
                        .section = section,
                        .file = place->file,
                        .depth = place->depth,
                        .mechanism = field->mechanism ? field->mechanism : place->mechanism};
  g_ptr_array_add(keys, key);
  if (field->kind != MOE_FIELD_MAP)
    return;
  g_autofree char *path = g_strconcat(key->path, suffix_of(field->form), NULL);
  const Place below = {path, place->depth + 1, kind_of_folder(field->folder, place->file), key->mechanism};
  add_section(keys, field->section, &below);
}

static void add_section(GPtrArray *keys, const MoeSection *section, const Place *place)
{
  for (const MoeField *field = section->fields; field->key; field++)
    add_key(keys, section, field, place);
}

static void free_key(gpointer key)
{
  g_free(((MoeSchemaKey *)key)->path);
  g_free(key);
}

GPtrArray *moe_schema_keys(MoeSchemaKind kind)
{
  GPtrArray *keys = g_ptr_array_new_with_free_func(free_key);
  const Place root = {"", 0, kind, NULL};

  add_section(keys, schemas[kind].file, &root);
  add_section(keys, schemas[kind].section, &root);
  return keys;
}

/* ---- the way back -------------------------------------------------------------------------------------------------
 */

/* Length of the first key of a dotted path, its quotes with it. */
static gsize first_length(const char *path)
{
  const char *end = *path == '"' ? strchr(path + 1, '"') : NULL;

  return end ? (gsize)(end - path) + 1 : strcspn(path, ".[");
}

/* Behind the first key, an index or its dot. */
static const char *next_key(const char *path)
{
  path += first_length(path);
  return *path == '.' ? path + 1 : path;
}

/* Whether the first key of a document's path is that of a schema's, where NAME is any. */
static gboolean same_first(const char *shape, const char *path)
{
  gsize n = first_length(shape);

  return (strncmp(shape, path, n) == 0 && first_length(path) == n) || strncmp(shape, "NAME", MAX(n, 4)) == 0;
}

/* What is left of a document's path behind the shape of a schema's: "[3]" and ".3" for "[]", any key for NAME. NULL
 * where it has another shape. */
static const char *behind(const char *shape, const char *path)
{
  while (*shape && *path) {
    if (*shape == '[') {
      path += *path == '[' ? strcspn(path, "]") + 1 : first_length(path);
      path += *path == '.';
      shape += strlen("[]");
      shape += *shape == '.';
      continue;
    }
    if (!same_first(shape, path))
      return NULL;
    shape = next_key(shape);
    path = next_key(path);
  }
  return *shape == '\0' ? path : NULL;
}

/* Whether a path is the key's, or that of an item where it has several. */
static gboolean means(const MoeSchemaKey *key, const char *path)
{
  const char *suffix = suffix_of(key->field->form), *item = behind(key->path, path);

  if (!item || !*item)
    return item != NULL;
  item = behind(suffix + (*suffix == '.'), item);
  return item && !*item;
}

const MoeSchemaKey *moe_schema_find(const GPtrArray *keys, const char *path)
{
  for (guint i = 0; i < keys->len; i++)
    if (means(g_ptr_array_index(keys, i), path))
      return g_ptr_array_index(keys, i);
  return NULL;
}

/* ---- axes -------------------------------------------------------------------------------------------------------- */

static const MoeField *find_axis(const MoeSection *section, const char *axis, const char *place, char **path)
{
  for (const MoeField *field = section->fields; field->key; field++) {
    g_autofree char *own = g_strconcat(place, *place ? "." : "", field->key, NULL);
    const MoeField *below = NULL;

    if (g_strcmp0(field->axis, axis) == 0) {
      *path = g_steal_pointer(&own);
      return field;
    }
    if (field->kind == MOE_FIELD_MAP && field->form == MOE_FORM_ONE && !field->folder)
      below = find_axis(field->section, axis, own, path);
    if (below)
      return below;
  }
  return NULL;
}

const MoeField *moe_schema_axis(const char *axis, char **path)
{
  return find_axis(schemas[MOE_SCHEMA_RUN].section, axis, "", path);
}
