#include "moetest.h"
#include "record/output.h"

#include <moesim/report.h>

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
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

/* What can be begun is left as it was; what cannot is refused with its name. */
START_TEST(names_are_tried)
{
  Place place = open_place("out.txt");
  g_autoptr(GError) error = NULL;
  g_autofree char *text = NULL;

  ck_assert(moe_output_check(place.file, NULL));
  ck_assert_uint_eq(count_entries(&place), 0);
  ck_assert(moe_output_save(place.file, "old", NULL));
  ck_assert(moe_output_check(place.file, NULL));
  ck_assert(g_file_get_contents(place.file, &text, NULL, NULL));
  ck_assert_str_eq(text, "old");
  ck_assert(moe_output_check("/dev/full", NULL)); /* a device takes what it takes */
  ck_assert(!moe_output_check("/nowhere/at/all.txt", &error));
  ck_assert_str_eq(error->message, "/nowhere/at/all.txt: cannot write: No such file or directory");
  ck_assert(!moe_output_check(place.folder, NULL));
  close_place(&place);
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

/* ---- what stands there ------------------------------------------------------------------------------------------- */

static void expect_text(const char *path, const char *expected)
{
  g_autofree char *text = NULL;

  ck_assert(g_file_get_contents(path, &text, NULL, NULL));
  ck_assert_str_eq(text, expected);
}

/* A link stays one: the file behind it is replaced, through any number of links, also when it is not there yet. */
START_TEST(links_stay)
{
  Place place = open_place("first");
  g_autofree char *second = g_build_filename(place.folder, "second", NULL);
  g_autofree char *file = g_build_filename(place.folder, "file", NULL);

  ck_assert_int_eq(symlink("second", place.file), 0);
  ck_assert_int_eq(symlink(file, second), 0);
  ck_assert(moe_output_save(place.file, "new", NULL));
  ck_assert(moe_output_save(place.file, "newer", NULL));
  ck_assert(g_file_test(place.file, G_FILE_TEST_IS_SYMLINK));
  ck_assert(g_file_test(second, G_FILE_TEST_IS_SYMLINK));
  expect_text(file, "newer");
  ck_assert_uint_eq(count_entries(&place), 3);
  g_unlink(file);
  g_unlink(second);
  close_place(&place);
}
END_TEST

START_TEST(a_circle_of_links_is_refused)
{
  Place place = open_place("circle");
  g_autoptr(GError) error = NULL;

  ck_assert_int_eq(symlink("circle", place.file), 0);
  ck_assert(!moe_output_save(place.file, "new", &error));
  ck_assert_ptr_nonnull(strstr(error->message, g_strerror(ELOOP)));
  ck_assert(g_file_test(place.file, G_FILE_TEST_IS_SYMLINK));
  close_place(&place);
}
END_TEST

/* A name that stands for one of our descriptors, as /dev/stdout does, is no file to be replaced: what is written goes
 * where the descriptor stands, and the link stays, whoever we are. */
START_TEST(descriptors_are_written_in_place)
{
  Place place = open_place("stdout");
  g_autofree char *file = g_build_filename(place.folder, "file", NULL);
  int descriptor = g_open(file, O_WRONLY | O_CREAT, 0600);
  g_autofree char *own = g_strdup_printf("/proc/self/fd/%d", descriptor);

  ck_assert_int_eq(write(descriptor, "first, ", 7), 7);
  ck_assert_int_eq(symlink(own, place.file), 0);
  ck_assert(moe_output_save(place.file, "second", NULL));
  ck_assert(g_file_test(place.file, G_FILE_TEST_IS_SYMLINK));
  expect_text(file, "first, second");
  close(descriptor);
  g_unlink(file);
  close_place(&place);
}
END_TEST

START_TEST(modes_stay)
{
  static const mode_t modes[] = {0600, 0640, 0664, 0755, 0200};

  for (gsize i = 0; i < G_N_ELEMENTS(modes); i++) {
    Place place = open_place("out.txt");
    struct stat status;

    ck_assert(g_file_set_contents(place.file, "old", -1, NULL));
    ck_assert_int_eq(g_chmod(place.file, modes[i]), 0);
    ck_assert(moe_output_save(place.file, "new", NULL));
    ck_assert_int_eq(stat(place.file, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, modes[i]);
    close_place(&place);
  }
}
END_TEST

/* As long as a name may be; behind the temporary name that is no longer possible. */
START_TEST(longest_names)
{
  static const char *const ends[] = {"", ".gz"};

  for (gsize i = 0; i < G_N_ELEMENTS(ends); i++) {
    g_autofree char *body = g_strnfill(NAME_MAX - strlen(ends[i]), 'n');
    g_autofree char *name = g_strconcat(body, ends[i], NULL);
    Place place = open_place(name);

    ck_assert(moe_output_save(place.file, "new", NULL));
    ck_assert(g_file_test(place.file, G_FILE_TEST_IS_REGULAR));
    close_place(&place);
  }
}
END_TEST

/* Of files that belong together none is there while one may still fail. */
START_TEST(sets_are_whole)
{
  Place place = open_place("first");
  g_autofree char *second = g_build_filename(place.folder, "absent", "second", NULL);
  g_autoptr(GError) error = NULL;
  GPtrArray *outputs = moe_outputs_new();

  ck_assert(moe_outputs_add(outputs, place.file, "one", NULL));
  ck_assert(!moe_outputs_add(outputs, second, "two", &error));
  ck_assert(!g_file_test(place.file, G_FILE_TEST_EXISTS));
  g_ptr_array_unref(outputs);
  ck_assert_uint_eq(count_entries(&place), 0);
  outputs = moe_outputs_new();
  ck_assert(moe_outputs_add(outputs, place.file, "one", NULL));
  ck_assert(moe_outputs_commit(outputs, NULL));
  g_ptr_array_unref(outputs);
  expect_text(place.file, "one");
  close_place(&place);
}
END_TEST

MOE_TEST_MAIN("report/file", nothing_stands_under_the_name_before_commit, an_abandoned_file_leaves_the_old_one,
              a_missing_folder_is_an_error_with_the_name, names_are_tried, a_full_disk_is_an_error, gz_is_compressed,
              links_stay, a_circle_of_links_is_refused, descriptors_are_written_in_place, modes_stay, longest_names,
              sets_are_whole)
