#include "moetest.h"

#include <moesim/report.h>

START_TEST(columns_are_as_wide_as_their_widest_cell)
{
  g_autoptr(MoeTable) table = moe_table_new("lr");

  moe_table_add(table, "name");
  moe_table_add(table, "GPUs");
  moe_table_add(table, "µ");
  moe_table_add(table, "16384");
  g_autofree char *text = moe_table_format(table, FALSE);

  /* The Greek letter is two bytes and one column. */
  ck_assert_str_eq(text, "name   GPUs\n"
                         "µ     16384\n");
}
END_TEST

START_TEST(no_line_ends_in_blanks)
{
  g_autoptr(MoeTable) table = moe_table_new("ll");

  moe_table_add(table, "a");
  moe_table_add(table, "b");
  moe_table_add(table, "c"); /* the row is left incomplete */
  g_autofree char *text = moe_table_format(table, FALSE);

  ck_assert_str_eq(text, "a  b\nc\n");
}
END_TEST

START_TEST(style_is_only_where_it_is_asked_for)
{
  g_autoptr(MoeTable) table = moe_table_new("l");

  moe_table_add(table, "head");
  moe_table_add(table, "body");
  g_autofree char *plain = moe_table_format(table, FALSE);
  g_autofree char *styled = moe_table_format(table, TRUE);

  ck_assert_str_eq(plain, "head\nbody\n");
  ck_assert_str_eq(styled, "\033[1mhead\033[0m\nbody\n");
}
END_TEST

START_TEST(csv_quotes_what_needs_it)
{
  g_autoptr(MoeTable) table = moe_table_new("lll");

  moe_table_add(table, "plain");
  moe_table_add(table, "a,b");
  moe_table_add(table, "say \"so\"");
  g_autofree char *text = moe_table_csv(table);

  ck_assert_str_eq(text, "plain,\"a,b\",\"say \"\"so\"\"\"\n");
}
END_TEST

START_TEST(percent_has_two_decimals_when_small)
{
  static const struct {
    double fraction;
    const char *text;
  } cases[] = {{0.00797, "0.80 %"}, {0.0532, "5.32 %"}, {0.09994, "9.99 %"}, {0.09996, "10.0 %"},
               {0.3894, "38.9 %"},  {1, "100.0 %"},     {-0.0532, "-5.32 %"}};

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *text = moe_percent_format(cases[i].fraction);

    ck_assert_str_eq(text, cases[i].text);
  }
}
END_TEST

START_TEST(counts_have_four_digits)
{
  static const struct {
    double count;
    const char *unit;
    const char *text;
  } cases[] = {{962.15e9, NULL, "962.1 B"}, {999.96e6, NULL, "1 B"},          {8192, NULL, "8.192 K"}, {64, NULL, "64"},
               {1.8e15, NULL, "1800 T"},    {250.4e9, "FLOP", "250.4 GFLOP"}, {5, "FLOP", "5 FLOP"}};

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *text = moe_count_format(cases[i].count, cases[i].unit);

    ck_assert_str_eq(text, cases[i].text);
  }
}
END_TEST

MOE_TEST_MAIN("report/table", columns_are_as_wide_as_their_widest_cell, no_line_ends_in_blanks,
              style_is_only_where_it_is_asked_for, csv_quotes_what_needs_it, percent_has_two_decimals_when_small,
              counts_have_four_digits)
