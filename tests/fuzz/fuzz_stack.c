/* A stack's file of any bytes: each of its variants is read or refused in one line. The bytes lie in a file, as stacks
 * do, so that what `extends` names is followed. */
#include "spec/spec.h"
#include <glib/gstdio.h>
#include <string.h>

#include "fuzz.h"

static void try_stack(const char *name, const char *data_dir)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeDoc) doc = NULL;
  MoeStack stack;

  if (moe_stack_load(name, data_dir, &stack, &doc, &error)) {
    g_assert_true(stack.name && *stack.name && !moe_doc_find(doc, "stack.variants"));
    moe_stack_clear(&stack);
    return;
  }
  g_assert_true(error && *error->message && !strchr(error->message, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autofree char *folder = g_dir_make_tmp("moesim-fuzz-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "mine.yaml", NULL);
  const char *data_dir = g_getenv("MOESIM_DATA");

  g_assert_true(g_file_set_contents(path, (const char *)data, (gssize)size, NULL));
  g_auto(GStrv) variants = moe_stack_variants(path, NULL);
  try_stack(path, data_dir ? data_dir : ".");
  for (char **variant = variants; variant && *variant; variant++) {
    g_autofree char *name = g_strconcat(path, ":", *variant, NULL);

    try_stack(name, data_dir ? data_dir : ".");
  }
  g_unlink(path);
  g_rmdir(folder);
  return 0;
}
