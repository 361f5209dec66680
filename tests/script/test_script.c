/* Launch scripts: the words of the launch, what stands behind the script, files beside it, and its limits. */
#include "moetest.h"
#include "script/script.h"

#include <string.h>

#define LAUNCH "torchrun train.py --num-layers $LAYERS --hidden-size ${WIDTH:-512}\n"

static char *read_beside(G_GNUC_UNUSED void *data, const char *path, gsize *length)
{
  if (strcmp(path, "sizes.sh") != 0)
    return NULL;
  *length = strlen("LAYERS=12\n");
  return g_strdup("LAYERS=12\n");
}

static const MoeScriptFiles beside = {read_beside, NULL};

/* The words joined by blanks, or what the script is refused for. */
static char *words_of(const char *text, const char *const *given, const MoeScriptFiles *files)
{
  const MoeScriptText script = {text, strlen(text), 4096, "run.sh"};
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) words = moe_script_words(&script, given, files, NULL, &error);

  return words ? g_strjoinv(" ", words) : g_strdup(error->message);
}

static void check_words(const char *text, const char *const *given, const MoeScriptFiles *files, const char *expected)
{
  g_autofree char *words = words_of(text, given, files);

  ck_assert_str_eq(words, expected);
}

START_TEST(variables_come_from_script_words_and_files)
{
  check_words("LAYERS=4\n" LAUNCH, NULL, NULL, "torchrun train.py --num-layers 4 --hidden-size 512");
  check_words(LAUNCH, (const char *const[]){"LAYERS=8", "WIDTH=64", NULL}, NULL,
              "torchrun train.py --num-layers 8 --hidden-size 64");
  check_words("source sizes.sh\n" LAUNCH, NULL, &beside, "torchrun train.py --num-layers 12 --hidden-size 512");
  check_words("WIDTH=$1\n" LAUNCH, (const char *const[]){"32", NULL}, NULL,
              "torchrun train.py --num-layers $LAYERS --hidden-size 32");
}
END_TEST

START_TEST(what_is_no_launch_is_refused)
{
  const char wrong[] = "LAYERS=\xff\n";
  const MoeScriptText no_text = {wrong, strlen(wrong), 4096, "run.sh"},
                      long_text = {LAUNCH, strlen(LAUNCH), 8, "run.sh"};
  g_autoptr(GError) encoding = NULL, size = NULL;
  g_autofree char *none = words_of("echo hello\n", NULL, NULL);

  ck_assert_ptr_null(moe_script_words(&no_text, NULL, NULL, NULL, &encoding));
  ck_assert_ptr_null(moe_script_words(&long_text, NULL, NULL, NULL, &size));
  ck_assert_str_eq(encoding->message, "run.sh: no script in UTF-8 of at most 4096 bytes");
  ck_assert_str_eq(size->message, "run.sh: no script in UTF-8 of at most 8 bytes");
  ck_assert_ptr_nonnull(strstr(none, "run.sh: no launch"));
}
END_TEST

/* A loop without end and an expansion that doubles stop at their budgets. */
START_TEST(nothing_is_unbounded)
{
  g_autofree char *loop = words_of("while true; do A=1; done\n" LAUNCH, NULL, NULL);
  g_autofree char *growth = words_of("A=aaaaaaaa\nfor i in $(seq 1 64); do A=$A$A; done\n" LAUNCH, NULL, NULL);

  ck_assert_ptr_nonnull(strstr(loop, "--hidden-size 512"));
  ck_assert_ptr_nonnull(strstr(growth, "--hidden-size"));
  ck_assert_uint_lt(strlen(growth), 1000);
  /* Adding to an array and counting it take no longer the longer it is. */
  check_words("for ((i=0; i<9000; i++)); do A+=(1); N=${#A[@]}; done\nLAYERS=$N\n" LAUNCH, NULL, NULL,
              "torchrun train.py --num-layers 9000 --hidden-size 512");
}
END_TEST

/* An assignment shorter than the brackets behind it, and one in a loop's head. */
START_TEST(arithmetic_ends_where_it_ends)
{
  check_words("((i=0; i<3; i++)); do\nLAYERS=2\n" LAUNCH, NULL, NULL,
              "torchrun train.py --num-layers 2 --hidden-size 512");
  check_words("((LAYERS=40))\n" LAUNCH, NULL, NULL, "torchrun train.py --num-layers 40 --hidden-size 512");
}
END_TEST

/* Braces in quotes are an array's only behind a $, however few the bytes are. */
START_TEST(braces_in_quotes_are_text)
{
  check_words("LAYERS=2\nWIDTH=8\n" LAUNCH "A=(\"x{\" \"{\" \"{}\" \"a{b}\" \"$\")\n", NULL, NULL,
              "torchrun train.py --num-layers 2 --hidden-size 8");
  check_words("A=(1 2)\ntorchrun train.py --num-layers \"x{\" --b \"{}\" \"${B[@]}\" \"${A[@]}\" \"${A[@]}y\"\n", NULL,
              NULL, "torchrun train.py --num-layers x{ --b {} 1 2 1 2y");
}
END_TEST

START_TEST(assignments_tell_a_script)
{
  ck_assert(moe_script_assigns("# a\n  export A=1\n", strlen("# a\n  export A=1\n")));
  ck_assert(moe_script_assigns("A+=(1 2)\n", strlen("A+=(1 2)\n")));
  ck_assert(!moe_script_assigns("--num-layers=4 --hidden-size 8\n", strlen("--num-layers=4 --hidden-size 8\n")));
}
END_TEST

MOE_TEST_MAIN("script", variables_come_from_script_words_and_files, what_is_no_launch_is_refused, nothing_is_unbounded,
              arithmetic_ends_where_it_ends, braces_in_quotes_are_text, assignments_tell_a_script)
