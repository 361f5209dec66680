/* The fastest tile of a GEMM is found without pricing all of them: the shortcut must choose what trying every tile in
 * the order of the table chooses, to the bit. */
#include "../../src/cost/internal.h"

#include "machines.h"

#define KERNELS 1000

static int64_t draw(uint64_t i, const char *what, int64_t most)
{
  uint64_t bits = moe_random_u64(1, moe_random_stream(what), i, 0);

  return 1 + (int64_t)((bits >> 8) % (uint64_t)most) / (1 << (bits & 15)); /* small ones as often as large ones */
}

static MoeKernel draw_kernel(uint64_t i)
{
  int64_t groups = draw(i, "groups", 256), fullest = draw(i, "m", 100000);
  MoeKernel kernel = grouped_kernel(groups, fullest, fullest + (groups - 1) * draw(i, "rows", fullest),
                                    draw(i, "n", 30000), draw(i, "k", 30000));

  if (i % 2)
    kernel = gemm_kernel(fullest, kernel.n, kernel.k);
  kernel.pass = i % 3 == 0 ? MOE_PASS_WGRAD : MOE_PASS_FORWARD;
  return kernel;
}

static MoeCost price_from(MoeMachine machine, const MoeKernel *kernel, guint first)
{
  MoeCost cost = {0};
  MoeGemm gemm;

  moe_cost_gemm_describe(&machine, kernel, &gemm);
  gemm.likely = first;
  moe_cost_gemm(&machine, &gemm, &cost);
  return cost;
}

/* In the order of the table, none left out. */
static MoeCost price_every_tile(MoeMachine machine, const MoeKernel *kernel)
{
  MoeTileTable table = *machine.tiles;

  table.ordered = FALSE;
  machine.tiles = &table;
  return price_from(machine, kernel, 0);
}

static void check_kernel(const MoeMachine *machine, const MoeKernel *kernel)
{
  MoeCost expected = price_every_tile(*machine, kernel);
  MoeGemm gemm;
  double sum = 0;

  ck_assert(machine->tiles->ordered);
  for (guint first = 0; first < machine->tiles->n; first++) {
    MoeCost cost = price_from(*machine, kernel, first);

    for (int reason = 0; reason < MOE_N_REASONS; reason++)
      ck_assert_double_eq(cost.part_s[reason], expected.part_s[reason]);
  }
  for (int reason = 0; reason < MOE_N_REASONS; reason++)
    sum += expected.part_s[reason];
  moe_cost_gemm_describe(machine, kernel, &gemm);
  ck_assert_double_eq(moe_cost_gemm_seconds(machine, &gemm), expected.seconds);
  ck_assert_double_eq_tol(expected.seconds, sum, 1e-15 * sum);
}

/* Every generation, whole machines and what communication leaves of them down to one SM, memory-bound and not; also
 * with memory wholly hidden by math, where many tiles take the same time. */
START_TEST(test_shortcut_finds_the_fastest_tile)
{
  const double generations[] = {80, 90, 100, 942};
  double constant[MOE_CONSTANTS_MAX];
  MoeTileTable table;
  guint n;
  const MoeCostConstant *constants = moe_cost_constants(MOE_KERNEL_GROUPED_GEMM, &n);

  for (guint c = 0; c < n; c++)
    constant[c] = constants[c].generic;
  constant[MOE_GEMM_TILES] = generations[_i / 2];
  constant[MOE_GEMM_OVERLAP] = _i % 2 ? 1 : constant[MOE_GEMM_OVERLAP];
  moe_cost_tile_table(constant, 1e15, 132, &table);
  for (uint64_t i = 0; i < KERNELS; i++) {
    MoeKernel kernel = draw_kernel(i);
    MoeMachine machine = {.constant = constant,
                          .tiles = &table,
                          .peak_flop_per_s = 1e15,
                          .quoted_flop_per_s = 1e15,
                          .sms = 132,
                          .hbm_bytes_per_s = 4e12 / (double)draw(i, "memory", 32),
                          .math_rate = 1 / (double)draw(i, "rate", 4)};

    moe_cost_free_sms(&machine, (double)(i % 4 ? 132 : draw(i, "sms", 132)));
    check_kernel(&machine, &kernel);
  }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("cost/tiles");
  TCase *tcase = tcase_create("all");

  tcase_add_loop_test(tcase, test_shortcut_finds_the_fastest_tile, 0, 8);
  suite_add_tcase(suite, tcase);
  return moetest_run_suite(suite);
}
