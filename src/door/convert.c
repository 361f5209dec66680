/* Configurations of others to run files. */
#include "doc/doc.h"
#include "door/ask_import.h"
#include "internal.h"
#include "spec/spec.h"

#include "record/json.h"
#include <moesim/import.h>

#include <string.h>

static const char *const formats[] = {"hf", "megatron", "torchtitan", NULL}; /* of one text each; as MoeImportKind */

/* Numbers that a configuration may lack. */
static gboolean read_counts(const MoeRequest *request, MoeImportOptions *options, GError **error)
{
  static const struct {
    const char *key;
    size_t offset;
  } counts[] = {
      {"gpus", offsetof(MoeImportOptions, gpus)},
      {"sequence", offsetof(MoeImportOptions, sequence_length)},
      {"batch", offsetof(MoeImportOptions, global_batch)},
      {"micro_batch", offsetof(MoeImportOptions, micro_batch)},
      {"vocabulary", offsetof(MoeImportOptions, vocabulary)},
      {"tensor", offsetof(MoeImportOptions, tensor)},
      {"context", offsetof(MoeImportOptions, context)},
      {"pipeline", offsetof(MoeImportOptions, pipeline)},
      {"virtual_stages", offsetof(MoeImportOptions, virtual_stages)},
      {"expert", offsetof(MoeImportOptions, expert)},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(counts); i++)
    if (!moe_request_integer(request, counts[i].key, 1, G_MAXINT32, G_STRUCT_MEMBER_P(options, counts[i].offset),
                             error))
      return FALSE;
  return TRUE;
}

/* "config": the text of a file, or the JSON object itself. */
static gboolean read_config(const MoeRequest *request, char **text, GError **error)
{
  const MoeNode *node = moe_request_get(request, "config");

  if (!node)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_doc_root(request->doc)),
                    "no \"config\" in the request, expected the text of a configuration");
  *text = moe_node_text(node) ? g_strdup(moe_node_text(node)) : moe_node_print_flow(node);
  return strlen(*text) <= MOE_IMPORT_MAX_BYTES ||
         moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node),
                  "\"config\" has more than %d bytes, expected at most that", MOE_IMPORT_MAX_BYTES);
}

static void add_lines(JsonBuilder *builder, const char *key, const GPtrArray *lines)
{
  moe_json_open_array(builder, key);
  for (guint i = 0; i < lines->len; i++)
    json_builder_add_string_value(builder, g_ptr_array_index(lines, i));
  json_builder_end_array(builder);
}

static char *print_import(const MoeImport *made)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_text(builder, "run", made->text);
  add_lines(builder, "notes", made->notes);
  add_lines(builder, "applied", made->applied);
  add_lines(builder, "ignored", made->ignored);
  add_lines(builder, "unknown", made->unknown);
  json_builder_end_object(builder);
  return moe_json_finish(builder);
}

char *moe_door_convert(const MoeRequest *request, GError **error)
{
  MoeSaid said = request->words.find("format", request->words.source);
  MoeImportOptions options = {.data_dir = request->data_dir};
  const char *name = NULL;
  g_autofree char *text = NULL;
  int format = MOE_IMPORT_HF;

  if (!moe_said_word(&said, formats, &format, error) || !moe_request_text(request, "name", &name, error) ||
      !moe_request_text(request, "title", &options.title, error) ||
      !moe_request_text(request, "cluster", &options.cluster, error) ||
      !moe_request_text(request, "stack", &options.stack, error) || !read_counts(request, &options, error) ||
      !read_config(request, &text, error))
    return NULL;
  g_assert_nonnull(text);
  g_autoptr(GPtrArray) accept = moe_request_list(request, "accept", error);
  g_autoptr(GPtrArray) given = accept ? moe_request_list(request, "given", error) : NULL;
  if (!given)
    return NULL;
  options.accept = (const char *const *)accept->pdata;
  const MoeRunOptions load = {.data_dir = request->data_dir, .within = moe_request_within(request)};
  const MoeAskedImport asked = {.kind = (MoeImportKind)format,
                                .file = {text, strlen(text), name ? name : "config"},
                                .given = (const char *const *)given->pdata};
  g_autoptr(MoeImport) made = moe_ask_import(&asked, &options, &load, NULL, error);

  return made ? print_import(made) : NULL;
}
