#include "base/base.h"
#include <moetest.h>

typedef struct {
  MoeMark mark;
  const char *expected;
} MarkRow;

START_TEST(marks_name_what_is_known)
{
  const MarkRow rows[] = {
      {{"a.yaml", 3, 7}, "a.yaml:3:7: bad gpus 12"},
      {{"a.yaml", 3, 0}, "a.yaml:3: bad gpus 12"},
      {{"a.yaml", 0, 7}, "a.yaml: bad gpus 12"},
      {{NULL, 3, 7}, "bad gpus 12"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    ck_assert(!moe_fail(&error, MOE_ERROR_LAYOUT, rows[i].mark, "bad %s %d", "gpus", 12));
    ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_LAYOUT));
    ck_assert_str_eq(error->message, rows[i].expected);
  }
}
END_TEST

/* What an error is about stays with it, and its place can be found later; a copy has both. */
START_TEST(carries_its_subject)
{
  g_autoptr(GError) error = NULL, foreign = g_error_new_literal(G_FILE_ERROR, 0, "gone");

  ck_assert(!moe_fail_about(&error, "--gpus", "%d, expected more", 0));
  ck_assert_str_eq(error->message, "--gpus: 0, expected more");
  ck_assert_ptr_null(moe_error_mark(error).file);
  for (int line = 3; line < 5; line++) {
    moe_error_place(error, (MoeMark){"a.sh", line, 7});
    g_autofree char *expected = g_strdup_printf("a.sh:%d:7: --gpus: 0, expected more", line);
    g_autoptr(GError) copy = g_error_copy(error);

    ck_assert_str_eq(copy->message, expected);
    ck_assert_str_eq(moe_error_what(copy), "--gpus: 0, expected more");
    ck_assert_str_eq(moe_error_subject(copy), "--gpus");
    ck_assert_str_eq(moe_error_mark(copy).file, "a.sh");
    ck_assert_int_eq(moe_error_mark(copy).line, line);
    ck_assert_int_eq(moe_error_mark(copy).column, 7);
  }
  moe_error_set_subject(foreign, "x");
  moe_error_place(foreign, (MoeMark){"a.sh", 1, 1});
  ck_assert_ptr_null(moe_error_subject(foreign));
  ck_assert_str_eq(moe_error_what(foreign), "gone");
}
END_TEST

/* A key or the name of a file may hold line ends and what a terminal obeys. */
START_TEST(is_one_line)
{
  g_autoptr(GError) error = NULL, about = NULL;

  ck_assert(!moe_fail(&error, MOE_ERROR_INPUT, (MoeMark){"a\nb", 1, 2}, "key '%s'", "c\r\x1b[2J"));
  ck_assert_str_eq(error->message, "a\\nb:1:2: key 'c\\x0D\\x1B[2J'");
  ck_assert_str_eq(moe_error_what(error), "key 'c\\x0D\\x1B[2J'");
  ck_assert(!moe_fail_about(&about, "--x\ny", "unknown"));
  ck_assert_str_eq(about->message, "--x\\ny: unknown");
}
END_TEST

START_TEST(nobody_listens)
{
  ck_assert(!moe_fail_about(NULL, "--gpus", "x"));
  ck_assert(!moe_fail(NULL, MOE_ERROR_INPUT, (MoeMark){NULL, 0, 0}, "x"));
}
END_TEST

START_TEST(nearest_word_finds_slips)
{
  const char *const known[] = {"layers", "hidden", "vocabulary", "top_k", "moe", NULL};

  ck_assert_str_eq(moe_nearest_word("layer", known), "layers");
  ck_assert_str_eq(moe_nearest_word("LAYERS", known), "layers");
  ck_assert_str_eq(moe_nearest_word("hiddne", known), "hidden");
  ck_assert_str_eq(moe_nearest_word("vocab_ulary", known), "vocabulary");
  ck_assert_str_eq(moe_nearest_word("topk", known), "top_k");
  ck_assert_str_eq(moe_nearest_word("meo", known), "moe");
}
END_TEST

START_TEST(nearest_word_knows_its_limits)
{
  const char *const known[] = {"layers", "x", NULL};
  char longest[200];

  ck_assert_ptr_null(moe_nearest_word("windows", known));
  ck_assert_ptr_null(moe_nearest_word("y", known));
  ck_assert_ptr_null(moe_nearest_word("", known));
  memset(longest, 'l', sizeof longest);
  longest[sizeof longest - 1] = '\0';
  ck_assert_ptr_null(moe_nearest_word(longest, known));
}
END_TEST

START_TEST(nearest_word_prefers_the_closest_then_the_first)
{
  const char *const known[] = {"bytes_a", "bytes_b", "bytes", NULL};

  ck_assert_str_eq(moe_nearest_word("bytes_c", known), "bytes_a");
  ck_assert_str_eq(moe_nearest_word("byte", known), "bytes");
}
END_TEST

MOE_TEST_MAIN("base/error", marks_name_what_is_known, carries_its_subject, is_one_line, nobody_listens,
              nearest_word_finds_slips, nearest_word_knows_its_limits, nearest_word_prefers_the_closest_then_the_first)
