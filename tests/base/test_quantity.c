#include "base/base.h"
#include <moetest.h>

#include <locale.h>

typedef struct {
  const char *text;
  MoeDimension dimension;
  double value;
} GoodRow;

START_TEST(accepted)
{
  const GoodRow rows[] = {
      {"186 GB", MOE_DIM_BYTES, 186e9},
      {"186GB", MOE_DIM_BYTES, 186e9},
      {" 1 KiB ", MOE_DIM_BYTES, 1024},
      {"1.5 TiB", MOE_DIM_BYTES, 1.5 * 1099511627776.0},
      {"0 B", MOE_DIM_BYTES, 0},
      {"400 Gbit/s", MOE_DIM_BYTES_PER_S, 50e9},
      {"1 bit/s", MOE_DIM_BYTES_PER_S, 0.125},
      {"8 TB/s", MOE_DIM_BYTES_PER_S, 8e12},
      {"2 MiB/s", MOE_DIM_BYTES_PER_S, 2097152},
      {"2.5 PFLOP/s", MOE_DIM_FLOP_PER_S, 2.5e15},
      {"1e9 FLOP/s", MOE_DIM_FLOP_PER_S, 1e9},
      {"1EFLOP/s", MOE_DIM_FLOP_PER_S, 1e18},
      {"2 us", MOE_DIM_SECONDS, 2e-6},
      {"3 us", MOE_DIM_SECONDS, 3e-6},
      {"7.3 ps", MOE_DIM_SECONDS, 7.3e-12},
      {".5 min", MOE_DIM_SECONDS, 30},
      {"50000 h", MOE_DIM_SECONDS, 1.8e8},
      {"2. d", MOE_DIM_SECONDS, 172800},
      {"1.83 GHz", MOE_DIM_HERTZ, 1.83e9},
      {"1200 W", MOE_DIM_WATTS, 1200},
      {"1 YFLOP", MOE_DIM_FLOP, 1e24},
      {"2.99", MOE_DIM_DOLLARS, 2.99},
      {"1E-3", MOE_DIM_NONE, 1e-3},
      {"8192", MOE_DIM_NONE, 8192},
      {"30T", MOE_DIM_NONE, 30e12},
      {"34.7 B", MOE_DIM_NONE, 34.7e9},
      {"8k", MOE_DIM_NONE, 8000},
      {"8 K", MOE_DIM_NONE, 8000},
      {"$3", MOE_DIM_DOLLARS, 3},
      {"$20M", MOE_DIM_DOLLARS, 20e6},
      {"20M", MOE_DIM_DOLLARS, 20e6},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    double value = -1;
    ck_assert_msg(moe_quantity_parse(rows[i].text, rows[i].dimension, &value, &error), "%s", rows[i].text);
    ck_assert_msg(value == rows[i].value, "%s: %.17g, expected %.17g", rows[i].text, value, rows[i].value);
  }
}
END_TEST

typedef struct {
  const char *text;
  MoeDimension dimension;
  const char *message;
} BadRow;

START_TEST(refused)
{
  const BadRow rows[] = {
      {"186", MOE_DIM_BYTES, "expected a size such as \"186 GB\" (B, kB, MB, ...), got \"186\""},
      {"186 gb", MOE_DIM_BYTES,
       "expected a size such as \"186 GB\" (B, kB, MB, ...), got \"186 gb\"; did you mean \"GB\"?"},
      {"186 GB x", MOE_DIM_BYTES, "expected a size such as \"186 GB\" (B, kB, MB, ...), got \"186 GB x\""},
      {"", MOE_DIM_BYTES, "expected a size such as \"186 GB\" (B, kB, MB, ...), got \"\""},
      {"-1 us", MOE_DIM_SECONDS,
       "expected a duration such as \"2 us\" (ps, ns, us, ms, s, min, h, d), got \"-1 us\" (negative values are not "
       "allowed)"},
      {"nan s", MOE_DIM_SECONDS,
       "expected a duration such as \"2 us\" (ps, ns, us, ms, s, min, h, d), got \"nan s\" (the value must be finite)"},
      {"-.Inf", MOE_DIM_NONE, "expected a plain number such as \"8192\", got \"-.Inf\" (the value must be finite)"},
      {"1e400", MOE_DIM_NONE, "expected a plain number such as \"8192\", got \"1e400\" (the value is too large)"},
      {"1e300 PB", MOE_DIM_BYTES,
       "expected a size such as \"186 GB\" (B, kB, MB, ...), got \"1e300 PB\" (the value is too large)"},
      {"3 %", MOE_DIM_NONE, "expected a plain number such as \"8192\", got \"3 %\" (no unit is allowed here)"},
      {"0x10", MOE_DIM_NONE, "expected a plain number such as \"8192\", got \"0x10\" (no unit is allowed here)"},
      {"3 FLOP/s", MOE_DIM_FLOP,
       "expected an amount of work such as \"3 EFLOP\" (FLOP, kFLOP, MFLOP, ...), got \"3 FLOP/s\"; did you mean "
       "\"FLOP\"?"},
      {"five", MOE_DIM_WATTS, "expected a power such as \"1200 W\" (W, kW, MW), got \"five\""},
      {".", MOE_DIM_NONE, "expected a plain number such as \"8192\", got \".\""},
      {"1,5 W", MOE_DIM_WATTS, "expected a power such as \"1200 W\" (W, kW, MW), got \"1,5 W\""},
      {"3$", MOE_DIM_DOLLARS, "expected a number of dollars such as \"2.99\", got \"3$\" (no unit is allowed here)"},
      {"$3", MOE_DIM_NONE, "expected a plain number such as \"8192\", got \"$3\""},
      {"8 G", MOE_DIM_NONE, "expected a plain number such as \"8192\", got \"8 G\" (no unit is allowed here)"},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    double value = 42;
    ck_assert(!moe_quantity_parse(rows[i].text, rows[i].dimension, &value, &error));
    ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_INPUT));
    ck_assert_str_eq(error->message, rows[i].message);
    ck_assert_double_eq(value, 42);
  }
}
END_TEST

START_TEST(printed)
{
  const GoodRow rows[] = {
      {"186 GB", MOE_DIM_BYTES, 186e9},
      {"7.39 s", MOE_DIM_SECONDS, 7.39},
      {"50 GB/s", MOE_DIM_BYTES_PER_S, 50e9},
      {"1 GB", MOE_DIM_BYTES, 999.97e6},
      {"999.9 MB", MOE_DIM_BYTES, 999.9e6},
      {"0 B", MOE_DIM_BYTES, 0},
      {"0 s", MOE_DIM_SECONDS, 0},
      {"0.5 B", MOE_DIM_BYTES, 0.5},
      {"-2 us", MOE_DIM_SECONDS, -2e-6},
      {"90 s", MOE_DIM_SECONDS, 90},
      {"2 min", MOE_DIM_SECONDS, 120},
      {"36 h", MOE_DIM_SECONDS, 129600},
      {"12.5 d", MOE_DIM_SECONDS, 1080000},
      {"0.25 ps", MOE_DIM_SECONDS, 0.25e-12},
      {"2.5 PFLOP/s", MOE_DIM_FLOP_PER_S, 2.5e15},
      {"3.142 YFLOP", MOE_DIM_FLOP, 3.14159e24},
      {"12345 PB", MOE_DIM_BYTES, 12345e15},
      {"1.83 GHz", MOE_DIM_HERTZ, 1.83e9},
      {"1.2 kW", MOE_DIM_WATTS, 1200},
      {"8192", MOE_DIM_NONE, 8192},
      {"1234567", MOE_DIM_NONE, 1234567},
      {"0.3333", MOE_DIM_NONE, 1.0 / 3},
      {"2.90", MOE_DIM_DOLLARS, 2.9},
      {"1234568", MOE_DIM_DOLLARS, 1234567.8},
      {"3", MOE_DIM_DOLLARS, 3},
  };
  for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *text = moe_quantity_format(rows[i].value, rows[i].dimension);
    ck_assert_str_eq(text, rows[i].text);
  }
}
END_TEST

START_TEST(printed_text_parses_back)
{
  const MoeDimension dimensions[] = {MOE_DIM_NONE,    MOE_DIM_BYTES, MOE_DIM_BYTES_PER_S, MOE_DIM_FLOP_PER_S,
                                     MOE_DIM_SECONDS, MOE_DIM_HERTZ, MOE_DIM_WATTS,       MOE_DIM_FLOP};
  for (size_t d = 0; d < G_N_ELEMENTS(dimensions); d++)
    for (double value = 1e-9; value < 1e20; value *= 7.77) {
      g_autofree char *text = moe_quantity_format(value, dimensions[d]);
      double back = 0;
      ck_assert_msg(moe_quantity_parse(text, dimensions[d], &back, NULL), "%s", text);
      ck_assert_double_le(ABS(back - value), 5.01e-4 * value);
    }
}
END_TEST

START_TEST(unit_lists)
{
  ck_assert_str_eq(moe_dimension_units(MOE_DIM_BYTES), "B, kB, MB, ...");
  ck_assert_str_eq(moe_dimension_units(MOE_DIM_NONE), "");
}
END_TEST

MOE_TEST_MAIN("base/quantity", accepted, refused, printed, printed_text_parses_back, unit_lists)
