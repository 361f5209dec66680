#include "moetest.h"

#include "figure/plot.h"
#include "sample_result.h"

#include <string.h>

START_TEST(small_causes_and_uncounted_math_are_bars_of_their_own)
{
  g_autoptr(MoeResult) result = sample_result();
  MoeExplanation x = sample_explanation(result);
  g_autofree char *rows = moe_plot_explanation_data(&x);
  g_autofree char *network = g_strdup_printf("\n%s\t100\t75\n", moe_cause_title(MOE_CAUSE_NETWORK_EXPOSED));

  ck_assert_ptr_nonnull(strstr(rows, network));
  ck_assert(g_str_has_suffix(rows, "\nsmall causes\t75\t50\nmath not counted\t50\t45\nMFU\t45\t0\n"));
}
END_TEST

/* An assumption without a run has no bar; what is unknown reads NaN, which gnuplot leaves out. */
START_TEST(sensitivity_without_the_models_error)
{
  g_autoptr(MoeResult) result = sample_result();
  MoeSwing swings[2];
  MoeSensitivity s = sample_sensitivity(result, swings);

  s.mfu_causal.p50 = NAN;
  g_autofree char *text = moe_plot_sensitivity_data(&s);

  ck_assert_str_eq(text, "assumption\tlow %\thigh %\tstated %\tleast at\tmost at\n"
                         "stack.host.step\t40\t60\t50\t20 ms\t10 ms\n\n\n"
                         "interval\tP10\tP50\tP90\ncombinations\t42.5\tNaN\t57.5\n");
}
END_TEST

START_TEST(sensitivity_with_the_models_error)
{
  g_autoptr(MoeResult) result = sample_result();
  MoeSwing swings[2];
  MoeSensitivity s = sample_sensitivity(result, swings);

  sample_interval(result);
  g_autofree char *data = moe_plot_sensitivity_data(&s);
  ck_assert_ptr_nonnull(strstr(data, "interval\tP10\tP50\tP90\nwith the model's error\t40\t50\t62.5\n"));
}
END_TEST

START_TEST(collective_by_size)
{
  const MoeCollTiming timings[] = {{.bytes = 1e6, .time_s = 1e-3, .bus_factor = 1.75},
                                   {.bytes = 8589934592, .time_s = 0.1, .bus_factor = 1.75}};
  g_autofree char *data = moe_plot_collective_data(timings, G_N_ELEMENTS(timings));

  ck_assert_str_eq(data, "1000000\t1.75\n8589934592\t150.324\n");
}
END_TEST

MOE_TEST_MAIN("figure/findings", small_causes_and_uncounted_math_are_bars_of_their_own,
              sensitivity_without_the_models_error, sensitivity_with_the_models_error, collective_by_size)
