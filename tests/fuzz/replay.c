/* Runs a fuzz target over files, and over the files in folders, given as arguments; names each so that a crash has a
 * culprit. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

static int replay_file(const char *path)
{
  g_autofree char *text = NULL;
  gsize length = 0;

  if (!g_file_get_contents(path, &text, &length, NULL)) {
    fprintf(stderr, "%s: cannot be read\n", path);
    return EXIT_FAILURE;
  }
  fprintf(stderr, "%s\n", path);
  LLVMFuzzerTestOneInput((const uint8_t *)text, length);
  return EXIT_SUCCESS;
}

static int replay_folder(const char *path)
{
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  int status = dir ? EXIT_SUCCESS : EXIT_FAILURE;

  for (const char *name = dir ? g_dir_read_name(dir) : NULL; name; name = g_dir_read_name(dir)) {
    g_autofree char *file = g_build_filename(path, name, NULL);
    if (g_file_test(file, G_FILE_TEST_IS_REGULAR) && replay_file(file) != EXIT_SUCCESS)
      status = EXIT_FAILURE;
  }
  return status;
}

int main(int argc, char **argv)
{
  int status = argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;

  for (int i = 1; i < argc; i++) {
    gboolean is_folder = g_file_test(argv[i], G_FILE_TEST_IS_DIR);
    if ((is_folder ? replay_folder : replay_file)(argv[i]) != EXIT_SUCCESS)
      status = EXIT_FAILURE;
  }
  return status;
}
