#include "moetest.h"

#include <moesim/report.h>

#include <glib/gstdio.h>
#include <string.h>
#include <zlib.h>

/* A folder of its own, empty at the end. */
typedef struct {
  char *folder;
  char *file;
} Place;

static Place open_place(const char *name)
{
  Place place = {.folder = g_dir_make_tmp("moesim-XXXXXX", NULL)};

  ck_assert_ptr_nonnull(place.folder);
  place.file = g_build_filename(place.folder, name, NULL);
  return place;
}

static guint count_entries(const Place *place)
{
  g_autoptr(GDir) folder = g_dir_open(place->folder, 0, NULL);
  guint n = 0;

  while (g_dir_read_name(folder))
    n++;
  return n;
}

static void close_place(Place *place)
{
  g_unlink(place->file);
  ck_assert_msg(g_rmdir(place->folder) == 0, "files left behind");
  g_free(place->folder);
  g_free(place->file);
}

START_TEST(nothing_stands_under_the_name_before_commit)
{
  Place place = open_place("out.txt");
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeOutput) output = moe_output_new(place.file, &error);
  g_autofree char *text = NULL;

  moe_output_printf(output, "%d rows\n", 3);
  ck_assert(!g_file_test(place.file, G_FILE_TEST_EXISTS));
  ck_assert(moe_output_commit(output, &error));
  ck_assert(g_file_get_contents(place.file, &text, NULL, NULL));
  ck_assert_str_eq(text, "3 rows\n");
  ck_assert_uint_eq(count_entries(&place), 1);
  close_place(&place);
}
END_TEST

START_TEST(an_abandoned_file_leaves_the_old_one)
{
  Place place = open_place("out.txt");
  g_autofree char *text = NULL;

  ck_assert(moe_output_save(place.file, "old", NULL));
  MoeOutput *output = moe_output_new(place.file, NULL);

  moe_output_write(output, "new", -1);
  moe_output_free(output);
  ck_assert(g_file_get_contents(place.file, &text, NULL, NULL));
  ck_assert_str_eq(text, "old");
  ck_assert_uint_eq(count_entries(&place), 1);
  close_place(&place);
}
END_TEST

START_TEST(a_missing_folder_is_an_error_with_the_name)
{
  g_autoptr(GError) error = NULL;

  ck_assert(!moe_output_save("/nowhere/at/all.txt", "x", &error));
  ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_IO));
  ck_assert_str_eq(error->message, "/nowhere/at/all.txt: cannot write: No such file or directory");
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
  g_autoptr(GError) error = NULL;

  /* A device cannot be renamed over: it is written in place, and stays a device. */
  ck_assert(!moe_output_save("/dev/full", "x", &error));
  ck_assert_str_eq(error->message, "/dev/full: cannot write: No space left on device");
  ck_assert(!g_file_test("/dev/full", G_FILE_TEST_IS_REGULAR));
}
END_TEST

START_TEST(gz_is_compressed)
{
  Place place = open_place("out.json.gz");
  g_autofree char *blanks = g_strnfill(10000, ' ');
  char back[16] = "";
  GStatBuf status;

  ck_assert(moe_output_save(place.file, blanks, NULL));
  ck_assert_int_eq(g_stat(place.file, &status), 0);
  ck_assert_int_lt(status.st_size, 200);
  gzFile packed = gzopen(place.file, "rb");

  ck_assert_int_eq(gzread(packed, back, 3), 3);
  ck_assert_str_eq(back, "   ");
  gzclose(packed);
  close_place(&place);
}
END_TEST

MOE_TEST_MAIN("report/file", nothing_stands_under_the_name_before_commit, an_abandoned_file_leaves_the_old_one,
              a_missing_folder_is_an_error_with_the_name, a_full_disk_is_an_error, gz_is_compressed)
