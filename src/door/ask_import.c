/* Configurations of others as runs that can exist. */
#include "door/ask_import.h"

#include "spec/spec.h"

#define IMPORTED "imported run" /* stands in messages about the run that was made */

const char *const moe_import_kind_words[] = {"hf", "megatron", "torchtitan", "deepspeed", NULL};

static MoeImport *import(const MoeAskedImport *asked, const MoeImportOptions *options, GError **error)
{
  static const char *const nothing[] = {NULL};
  const char *const *given = asked->given ? asked->given : nothing;
  const MoeImportText *file = &asked->file;

  switch (asked->kind) {
  case MOE_IMPORT_HF:
    return moe_import_hf(file->text, file->length, file->name, options, error);
  case MOE_IMPORT_TORCHTITAN:
    return moe_import_torchtitan_file(file, asked->files, options, error);
  case MOE_IMPORT_DEEPSPEED:
    return moe_import_deepspeed(file, &asked->model, options, error);
  default:
    return file->text ? moe_import_megatron_file(file, given, asked->files, options, error)
                      : moe_import_megatron(given, options, error);
  }
}

MoeImport *moe_ask_import(const MoeAskedImport *asked, const MoeImportOptions *options, const MoeRunOptions *load,
                          MoeParameters *parameters, GError **error)
{
  g_autoptr(MoeImport) made = import(asked, options, error);
  g_autoptr(GError) reason = NULL;
  g_autoptr(MoeRun) run = made ? moe_run_parse(made->text, -1, IMPORTED, NULL, load, &reason) : NULL;

  if (made && !run)
    moe_import_refuse_run(made, asked->file.text ? &asked->file : NULL, IMPORTED, reason, error);
  if (run && parameters)
    moe_count_parameters(&run->architecture, parameters);
  return run ? g_steal_pointer(&made) : NULL;
}

gboolean moe_ask_import_is_open(const MoeAskedImport *asked, const MoeImportOptions *options)
{
  return asked->kind == MOE_IMPORT_HF && options->tensor + options->context + options->pipeline + options->expert == 0;
}
