/* Which files stand on one. */
#include "doc/extenders.h"

#include "doctest.h"

/* The names of what extends `file`, joined, without the folder that all have in common. */
static char *extenders_of(const char *file)
{
  g_autoptr(GPtrArray) found = moe_doc_extenders(file);
  g_autofree char *here = g_canonicalize_filename(".", NULL);
  GString *names = g_string_new(NULL);

  for (guint i = 0; i < found->len; i++) {
    const char *path = g_ptr_array_index(found, i);

    ck_assert(g_str_has_prefix(path, here));
    g_string_append_printf(names, "%s%s", i > 0 ? " " : "", path + strlen(here) + 1);
  }
  return g_string_free(names, FALSE);
}

/* By name with and without suffix, quoted, anywhere in the file; of its folder, the one above, and those beside that. A
 * word that only begins alike is another file, and nothing stands on itself. */
START_TEST(files_around)
{
  enter_empty_folder();
  write_file("models/a/base.yaml", "x: 1\n");
  write_file("models/a/two.yaml", "extends: base\n");
  write_file("models/a/one.yaml", "y: {extends: \"base.yaml\"}\n");
  write_file("models/a/other.yaml", "extends: baseline\n");
  write_file("models/a/notes.txt", "extends: base\n");
  write_file("models/above.yaml", "extends: a/base.yaml # as it stands\n");
  write_file("validation/case.yaml", "cases:\n  - {id: c, extends: ../models/a/base.yaml, z: 1}\n");
  write_file("validation/deeper/case.yaml", "extends: ../../models/a/base.yaml\n");
  g_autofree char *all = extenders_of("models/a/base.yaml"), *none = extenders_of("models/a/one.yaml");

  ck_assert_str_eq(all, "models/a/one.yaml models/a/two.yaml models/above.yaml validation/case.yaml");
  ck_assert_str_eq(none, "");
}
END_TEST

MOE_TEST_MAIN("doc/extenders", files_around)
