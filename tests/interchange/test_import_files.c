/* Files of an import: what is read whole, what is refused, and where a file that the input names is found. */
#include "moetest.h"

#include "interchange/import_files.h"
#include <string.h>

static char *put(const char *folder, const char *name, const char *text)
{
  char *path = g_build_filename(folder, name, NULL);
  g_autofree char *inside = g_path_get_dirname(path);

  ck_assert_int_eq(g_mkdir_with_parents(inside, 0700), 0);
  ck_assert(g_file_set_contents(path, text, -1, NULL));
  return path;
}

START_TEST(a_file_is_read_whole)
{
  g_autofree char *path = put(moetest_folder(), "config.json", "{\"a\": 1}"), *text = NULL;
  gsize length = 0;

  ck_assert(moe_import_read(path, &text, &length, NULL));
  ck_assert_uint_eq(length, 8);
  ck_assert_mem_eq(text, "{\"a\": 1}", 8);
}
END_TEST

/* A folder, what there is not, and a byte too many, each with its place. */
START_TEST(what_cannot_be_read_is_named)
{
  const char *folder = moetest_folder();
  g_autofree char *many = g_strnfill(MOE_IMPORT_MAX_BYTES + 1, ' ');
  g_autofree char *large = put(folder, "large.json", many), *nowhere = g_build_filename(folder, "nowhere.json", NULL);
  const struct {
    const char *path, *says;
    int code;
  } refused[] = {{folder, "is a folder", MOE_ERROR_IO},
                 {nowhere, "cannot be read", MOE_ERROR_IO},
                 {large, "more than 4000000 bytes", MOE_ERROR_INPUT}};

  for (guint i = 0; i < G_N_ELEMENTS(refused); i++) {
    g_autoptr(GError) error = NULL;
    char *text = NULL;
    gsize length = 0;

    ck_assert(!moe_import_read(refused[i].path, &text, &length, &error));
    ck_assert_ptr_null(text);
    ck_assert(g_error_matches(error, MOE_ERROR, refused[i].code));
    ck_assert(g_str_has_prefix(error->message, refused[i].path));
    ck_assert_ptr_nonnull(strstr(error->message, refused[i].says));
  }
}
END_TEST

/* Beside the input, in a folder above it, and no further than MOE_IMPORT_MAX_ABOVE; no folder is a file. */
START_TEST(what_an_input_names_is_found_near_it)
{
  const char *folder = moetest_folder();
  g_autofree char *input = put(folder, "a/b/run.sh", "#!"), *deep = put(folder, "1/2/3/4/5/6/7/8/9/run.sh", "#!");

  g_free(put(folder, "a/b/env.sh", "beside"));
  g_free(put(folder, "conf/model.yaml", "above"));
  const MoeImportFiles near = moe_import_files_near(input), far = moe_import_files_near(deep);
  gsize length = 0;
  g_autofree char *found = near.read(near.data, "env.sh", &length);
  g_autofree char *higher = near.read(near.data, "conf/model.yaml", &length);

  ck_assert_str_eq(found, "beside");
  ck_assert_str_eq(higher, "above");
  ck_assert_uint_eq(length, 5);
  ck_assert_ptr_null(near.read(near.data, "conf", &length));
  ck_assert_ptr_null(near.read(near.data, "nowhere.yaml", &length));
  ck_assert_ptr_null(far.read(far.data, "conf/model.yaml", &length)); /* nine folders below it */
}
END_TEST

MOE_TEST_MAIN("interchange/import_files", a_file_is_read_whole, what_cannot_be_read_is_named,
              what_an_input_names_is_found_near_it)
