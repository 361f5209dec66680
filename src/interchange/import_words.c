/* The words of files that hold Megatron's arguments, whatever their form. */
#include "import.h"
#include "script/script.h"

#include <string.h>

static char **read_script(const MoeImportText *file, const char *const *given, const MoeImportFiles *files,
                          GPtrArray *notes, GError **error)
{
  const MoeScriptText script = {file->text, file->length, MOE_IMPORT_MAX_BYTES, file->name};

  if (!files)
    return moe_script_words(&script, given, NULL, notes, error);
  return moe_script_words(&script, given, &(MoeScriptFiles){files->read, files->data}, notes, error);
}

char **moe_import_script(const char *text, gsize length, const char *name, const char *const *given,
                         const MoeImportFiles *files, GError **error)
{
  return read_script(&(const MoeImportText){text, length, name}, given, files, NULL, error);
}

char **moe_import_file_words(const char *text, gsize length, const char *name, const char *const *given,
                             const MoeImportFiles *files, GError **error)
{
  return import_file_words(&(const MoeImportText){text, length, name}, given, files, NULL, error);
}

/* Arguments of a file and those that stand behind it. */
static char **read_arguments(const MoeImportText *file, const char *const *given, GError **error)
{
  g_auto(GStrv) words = moe_import_words(file->text, file->length, file->name, error);
  g_autoptr(GStrvBuilder) all = g_strv_builder_new();

  if (!words)
    return NULL;
  g_strv_builder_addv(all, (const char **)words);
  g_strv_builder_addv(all, (const char **)given);
  return g_strv_builder_end(all);
}

char **import_file_words(const MoeImportText *file, const char *const *given, const MoeImportFiles *files,
                         GPtrArray *notes, GError **error)
{
  const char *text = file->text, *name = file->name;
  gsize length = file->length;

  if (length > MOE_IMPORT_MAX_BYTES || !g_utf8_validate(text, (gssize)length, NULL))
    return moe_import_words(text, length, name, error); /* which says so */
  gboolean script = g_str_has_suffix(name, ".sh") || (length > 2 && strncmp(text, "#!", 2) == 0);
  const char *other = script ? NULL : import_other_kind(file, "megatron");

  if (other) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name, .line = 1, .column = 1},
             "no arguments, script or YAML of Megatron; %s", other);
    return NULL;
  }
  if (g_str_has_suffix(name, ".yaml") || g_str_has_suffix(name, ".yml"))
    return moe_import_yaml_words(text, length, name, given, files, error);
  if (script || moe_script_assigns(text, length))
    return read_script(file, given, files, notes, error);
  if (!given || !*given)
    return moe_import_words(text, length, name, error);
  if (!g_str_has_prefix(*given, "--")) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name},
             "no script, expected no words behind it but arguments such as --num-layers, not '%.40s'", *given);
    return NULL;
  }
  return read_arguments(file, given, error);
}
