#include "moetest.h"
#include "record/table.h"

#include <math.h>
#include <moesim/report.h>

static void add_titles(MoeTable *table, const char *const *titles)
{
  for (; *titles; titles++)
    moe_table_add(table, *titles);
}

START_TEST(columns_are_as_wide_as_their_widest_cell)
{
  g_autoptr(MoeTable) table = moe_table_new("lr");

  moe_table_add(table, "name");
  moe_table_add(table, "GPUs");
  moe_table_add(table, "µ");
  moe_table_add(table, "16384");
  g_autofree char *text = moe_table_format(table, (MoeSheet){0});

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
  g_autofree char *text = moe_table_format(table, (MoeSheet){0});

  ck_assert_str_eq(text, "a  b\nc\n");
}
END_TEST

START_TEST(style_is_only_where_it_is_asked_for)
{
  g_autoptr(MoeTable) table = moe_table_new("l");

  moe_table_add(table, "head");
  moe_table_add(table, "body");
  g_autofree char *plain = moe_table_format(table, (MoeSheet){0});
  g_autofree char *styled = moe_table_format(table, (MoeSheet){.styled = TRUE});

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

/* A column of numbers: the unit that fits the largest, as many decimals as tell the smallest apart. */
START_TEST(numbers_have_one_unit_and_aligned_decimals)
{
  g_autoptr(MoeTable) table = moe_table_new("lrrr");
  static const char *const titles[] = {"run", "step", "MFU", "gain", NULL};

  add_titles(table, titles);
  moe_table_add(table, "a");
  moe_table_kind(table, MOE_CELL_QUANTITY, MOE_DIM_SECONDS, 20.2061);
  moe_table_kind(table, MOE_CELL_PERCENT, MOE_DIM_NONE, 0.38412);
  moe_table_kind(table, MOE_CELL_POINTS, MOE_DIM_NONE, 0.031);
  moe_table_add(table, "b");
  moe_table_kind(table, MOE_CELL_QUANTITY, MOE_DIM_SECONDS, 0.0312);
  moe_table_kind(table, MOE_CELL_PERCENT, MOE_DIM_NONE, NAN);
  moe_table_kind(table, MOE_CELL_POINTS, MOE_DIM_NONE, -0.0006);
  g_autofree char *text = moe_table_format(table, (MoeSheet){0});

  ck_assert_str_eq(text, "run  step, s  MFU, %  gain, pt\n"
                         "a     20.206    38.4     +3.10\n"
                         "b      0.031       -     -0.06\n");
}
END_TEST

/* Within its range, a value stands above the range where lines are short, before it where they are not. */
START_TEST(ranges_are_below_their_value)
{
  for (guint width = 0; width <= 60; width += 60) {
    g_autoptr(MoeTable) table = moe_table_new("r");

    moe_table_add(table, "MFU");
    moe_table_kind(table, MOE_CELL_PERCENT, MOE_DIM_NONE, 0.2);
    moe_table_between(table, 0.1, 0.25);
    g_autofree char *text = moe_table_format(table, (MoeSheet){.width = width});

    ck_assert_str_eq(text,
                     width > 0 ? "     MFU, %\n       20.0\n(10.0-25.0)\n" : "          MFU, %\n20.0 (10.0-25.0)\n");
  }
}
END_TEST

static MoeTable *wide_table(void)
{
  static const char *const titles[] = {"name", "first number", "second number", "why", NULL};
  MoeTable *table = moe_table_new("lrr1w");

  add_titles(table, titles);
  moe_table_add(table, "row");
  moe_table_add(table, "123456");
  moe_table_add(table, "654321");
  moe_table_add(table, "because of 39.4 % of one thing and 12 GB of another");
  return table;
}

/* Headings break first, then words, then what is optional goes; numbers stay whole. */
START_TEST(tables_fit_their_sheet)
{
  g_autoptr(MoeTable) wide = wide_table(), broken = wide_table(), narrow = wide_table();
  g_autofree char *all = moe_table_format(wide, (MoeSheet){0});
  g_autofree char *some = moe_table_format(broken, (MoeSheet){.width = 60});
  g_autofree char *few = moe_table_format(narrow, (MoeSheet){.width = 40});

  ck_assert_str_eq(all, "name  first number  second number  why\n"
                        "row         123456         654321  because of 39.4 % of one thing and 12 GB of another\n");
  ck_assert_str_eq(some, "       first  second\n"
                         "name  number  number  why\n"
                         "row   123456  654321  because of 39.4 % of one thing and\n"
                         "                      12 GB of another\n");
  ck_assert_str_eq(few, "       first\n"
                        "name  number  why\n"
                        "row   123456  because of 39.4 % of one\n"
                        "              thing and 12 GB of another\n"
                        "\nno room for: second number (--wide shows\n    all columns)\n");
}
END_TEST

/* Text goes on below itself; a command can still be pasted into a shell, even where a quoted value breaks. */
START_TEST(long_lines_go_on_below)
{
  g_autofree char *text = moe_sheet_wrap("name   a value of many words\n"
                                         "  moesim run a.yaml --set 'x=[1, 2, 3, 4, 5, 6]' --gpus 8\n",
                                         (MoeSheet){.width = 24});

  ck_assert_str_eq(text, "name   a value of many\n"
                         "       words\n"
                         "  moesim run a.yaml \\\n"
                         "      --set \\\n"
                         "      'x=[1, 2, 3, 4, '\\\n"
                         "'5, 6]' --gpus 8\n");
}
END_TEST

MOE_TEST_MAIN("report/table", numbers_have_one_unit_and_aligned_decimals, ranges_are_below_their_value,
              tables_fit_their_sheet, long_lines_go_on_below, columns_are_as_wide_as_their_widest_cell,
              no_line_ends_in_blanks, style_is_only_where_it_is_asked_for, csv_quotes_what_needs_it,
              percent_has_two_decimals_when_small, counts_have_four_digits)
