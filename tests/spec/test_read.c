/* Sections of runs, clusters and stacks: what they mean, what they default to, what they refuse. */
#include "spectest.h"

START_TEST(everything_arrives)
{
  g_autoptr(MoeRun) run = spectest_good("");

  ck_assert_str_eq(run->name, "small");
  ck_assert_ptr_null(run->variant);
  ck_assert_str_eq(run->title, "Small");
  ck_assert_int_eq(run->architecture.layers, 16);
  ck_assert_int_eq(run->architecture.attention.kind, MOE_ATTENTION_GQA);
  ck_assert_int_eq(run->architecture.moe.top_k, 2);
  ck_assert_int_eq(run->training.sequence_length, 2048);
  ck_assert_str_eq(run->cluster.accelerator.name, "chip");
  ck_assert_double_eq(run->cluster.accelerator.peak_flop_per_s[MOE_FP8], 2e15);
  ck_assert_double_eq(run->cluster.accelerator.memory_bytes_per_s, 3.35e12);
  ck_assert_double_eq(run->cluster.domain.bytes_per_s, 450e9);
  ck_assert_double_eq(run->cluster.network.nic_bytes_per_s, 50e9);
  ck_assert_uint_eq(run->stack.host.n_cpus, 1);
  ck_assert_double_eq(run->stack.host.launch_s[0], 6e-6);
  ck_assert_double_eq(run->stack.host.step_s, 5e-3);
}
END_TEST

START_TEST(degrees_are_derived)
{
  g_autoptr(MoeRun) run = spectest_good("");

  ck_assert_int_eq(run->parallelism.data, 4);          /* 16 / (2 x 1 x 2) */
  ck_assert_int_eq(run->parallelism.expert_data, 2);   /* 16 / (1 x 4 x 2) */
  ck_assert_int_eq(run->parallelism.micro_batches, 8); /* 64 / (4 x 2) */
}
END_TEST

START_TEST(defaults)
{
  g_autoptr(MoeRun) run = spectest_good("");

  ck_assert_int_eq(run->architecture.norms_per_layer, 2);
  ck_assert(run->architecture.ffn.gated);
  ck_assert(run->architecture.moe.gated);
  ck_assert_int_eq(run->architecture.moe.top_groups, 1);
  ck_assert_int_eq(run->training.precision.wgrad, MOE_BF16);
  ck_assert_int_eq(run->training.precision.router, MOE_FP32);
  ck_assert_double_eq(run->training.routing.capacity_factor, 0); /* dropless */
  ck_assert_str_eq(run->parallelism.order, "tp-cp-ep-dp-pp");
  ck_assert_int_eq(run->parallelism.first_stage_layers, -1);
  ck_assert(!run->parallelism.overlap.expert);
  ck_assert_int_eq(run->recompute.mode, MOE_RECOMPUTE_NONE);
  ck_assert_int_eq(run->recompute.layers, -1);
  ck_assert_double_eq(run->stack.host.ops_per_kernel, 1);
  ck_assert_int_eq(run->stack.moe.expert_groups, 1);
  ck_assert_double_eq(run->cluster.accelerator.quoted_peak_flop_per_s, 1e15);
  ck_assert_double_eq(run->cluster.gpu_power_w, 700);
  ck_assert(!run->published.present);
}
END_TEST

START_TEST(weight_gradient_follows_the_gemm)
{
  g_autoptr(MoeRun) same = spectest_good("training.precision.gemm=fp8");
  g_autoptr(MoeRun) own = spectest_good("training.precision.gemm=fp8;training.precision.wgrad=bf16");

  ck_assert_int_eq(same->training.precision.wgrad, MOE_FP8);
  ck_assert_int_eq(own->training.precision.wgrad, MOE_BF16);
}
END_TEST

START_TEST(software_formats_have_peaks)
{
  g_autoptr(MoeRun) run = spectest_good("");
  const double *peak = run->cluster.accelerator.peak_flop_per_s;

  ck_assert_double_eq(peak[MOE_FP8_BLOCK], 2e15);         /* the FP8 units with scales around them */
  ck_assert_double_eq_tol(peak[MOE_BF16X3], 1e15 / 3, 1); /* three BF16 products */
  ck_assert_double_eq_tol(peak[MOE_BF16X9], 1e15 / 9, 1); /* nine */
  ck_assert_double_eq(peak[MOE_MXFP8], 0);                /* needs hardware that is not listed */
}
END_TEST

START_TEST(routing_forms)
{
  g_autoptr(MoeRun) zipf = spectest_good("training.routing={balance: {zipf: 0.3}, capacity_factor: 1.5}");
  g_autoptr(MoeRun) dirichlet = spectest_good("training.routing.balance={dirichlet: 20}");
  g_autoptr(MoeRun) file = spectest_good("training.routing.balance={file: counts.csv}");
  g_autoptr(MoeRun) none = spectest_good("training.routing={balance: even, capacity_factor: none}");
  g_autoptr(MoeRun) concentrated =
      spectest_good("training.routing.balance={concentration: {fullest: 1.5, experts: 8, memory: 0.5}}");
  const MoeConcentration *concentration = &concentrated->training.routing.concentration;

  ck_assert_int_eq(concentrated->training.routing.balance, MOE_BALANCE_CONCENTRATION);
  ck_assert_double_eq(concentration->fullest, 1.5);
  ck_assert_int_eq(concentration->experts, 8);
  ck_assert_double_eq(concentration->shared, 0.5);
  ck_assert_double_eq(concentration->memory, 0.5);

  ck_assert_int_eq(zipf->training.routing.balance, MOE_BALANCE_ZIPF);
  ck_assert_double_eq(zipf->training.routing.balance_value, 0.3);
  ck_assert_double_eq(zipf->training.routing.capacity_factor, 1.5);
  ck_assert_int_eq(dirichlet->training.routing.balance, MOE_BALANCE_DIRICHLET);
  ck_assert_int_eq(file->training.routing.balance, MOE_BALANCE_FILE);
  ck_assert_str_eq(file->training.routing.counts_file,
                   "counts.csv"); /* of the command line: relative to where it is given */
  ck_assert_int_eq(none->training.routing.balance, MOE_BALANCE_EVEN);
}
END_TEST

START_TEST(recompute_forms)
{
  g_autoptr(MoeRun) selective = spectest_good("recompute={mode: selective, modules: [norm, expert_ffn]}");
  g_autoptr(MoeRun) full = spectest_good("recompute={mode: full, layers: 3}");

  ck_assert_uint_eq(selective->recompute.modules, MOE_MODULE_NORM | MOE_MODULE_EXPERT_FFN);
  ck_assert_int_eq(full->recompute.mode, MOE_RECOMPUTE_FULL);
  ck_assert_int_eq(full->recompute.layers, 3);
}
END_TEST

START_TEST(dense_model_and_lora)
{
  g_autoptr(MoeRun) run = spectest_good("architecture.moe=none;parallelism.expert=1;training.lora={rank: 16}");

  ck_assert_int_eq(run->architecture.moe.experts, 0);
  ck_assert_int_eq(run->training.lora_rank, 16);
}
END_TEST

START_TEST(stack_abilities)
{
  g_autoptr(MoeRun) run = spectest_good("stack.fused=[norm, dropout];stack.overlap=[expert, expert_across_batches];"
                                        "stack.host.graphs=[attention, router];stack.moe={counts: dedicated-stream};"
                                        "stack.data_parallel={unit: layer, prefetch: 2};stack.family={attention: fa4}");

  ck_assert(run->stack.fused.norm);
  ck_assert(run->stack.fused.dropout);
  ck_assert(!run->stack.fused.rotary);
  ck_assert(run->stack.overlap.expert_across_batches);
  ck_assert(!run->stack.overlap.tensor);
  ck_assert_uint_eq(run->stack.host.graph_scopes, 1u << MOE_SCOPE_ATTENTION | 1u << MOE_SCOPE_ROUTER);
  ck_assert_int_eq(run->stack.moe.counts, MOE_COUNTS_DEDICATED_STREAM);
  ck_assert(run->stack.data_parallel.per_layer);
  ck_assert_int_eq(run->stack.data_parallel.prefetch, 2);
  ck_assert_str_eq(run->stack.family.attention, "fa4");
  ck_assert_str_eq(run->stack.family.gemm, "cublaslt");
}
END_TEST

START_TEST(host_calls)
{
  g_autoptr(MoeRun) run = spectest_good(
      "stack.host.launch={x86: 6 us, grace: 12 us};"
      "stack.host.calls={linear: {x86: 20 us, grace: 30 us}, grouped: {x86: 100 us}};stack.host.graphs=[layer]");
  g_autoptr(MoeRun) whole = spectest_good("stack.host.graphs=[iteration]");

  ck_assert_double_eq_tol(run->stack.host.call_s[MOE_HOST_LINEAR][1], 30e-6, 1e-15);
  ck_assert_double_eq_tol(run->stack.host.call_s[MOE_HOST_GROUPED][0], 100e-6, 1e-15);
  ck_assert_double_eq_tol(run->stack.host.call_s[MOE_HOST_GROUPED][1], 200e-6, 1e-15); /* as launches */
  ck_assert_double_eq(run->stack.host.call_s[MOE_HOST_MESSAGE][0], 0);
  ck_assert_uint_eq(run->stack.host.graph_scopes, 1u << MOE_SCOPE_ATTENTION | 1u << MOE_SCOPE_DENSE_FFN |
                                                      1u << MOE_SCOPE_ROUTER | 1u << MOE_SCOPE_EXPERTS);
  ck_assert_uint_eq(whole->stack.host.graph_scopes, ((1u << MOE_N_SCOPES) - 1) & ~(1u << MOE_SCOPE_OPTIMIZER));
}
END_TEST

START_TEST(kernel_families)
{
  g_autoptr(MoeRun) run = spectest_good(
      "stack.kernels=[{family: fa3, class: attention, precision: bf16, pass: dgrad, constants: {share: 0.5, rate: "
      "\"3TB/s\"}, "
      "residual: {median: 0.05, p90: 0.15, rows: 120}, source: x}, {family: t, class: bandwidth, constants: {}}]");
  const MoeKernelFamily *family = run->stack.kernels.family;

  ck_assert_uint_eq(run->stack.kernels.n, 2);
  ck_assert_str_eq(family[0].name, "fa3");
  ck_assert_int_eq(family[0].klass, MOE_KERNEL_ATTENTION);
  ck_assert_int_eq(family[0].precision, MOE_BF16);
  ck_assert_int_eq(family[0].pass, 1);
  ck_assert_double_eq(moe_family_constant(&family[0], "share", 7), 0.5);
  ck_assert_double_eq(moe_family_constant(&family[0], "rate", 7), 3e12);
  ck_assert_double_eq(moe_family_constant(&family[0], "other", 7), 7);
  ck_assert_double_eq(family[0].residual_p90, 0.15);
  ck_assert_int_eq(family[0].rows, 120);
  ck_assert_int_eq(family[1].precision, -1);
  ck_assert_int_eq(family[1].pass, -1);
}
END_TEST

START_TEST(published_units)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run = spectest_load("published: {model_tflops_per_gpu: 400, convention: full, peak: 989 TFLOP/s, "
                                        "iteration_parts_s: {1F: 1.13, bubble: 2.06}, source: x}\n",
                                        NULL, &error);

  ck_assert_ptr_nonnull(run);
  ck_assert(run->published.present);
  ck_assert(run->published.full_convention);
  ck_assert_double_eq(run->published.model_flop_per_s_per_gpu, 400e12);
  ck_assert_double_eq(run->published.peak_flop_per_s, 989e12);
  ck_assert_uint_eq(moe_node_size(run->published.iteration_parts), 2);
}
END_TEST

START_TEST(assumptions_are_found_by_path)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run = spectest_load("assumptions:\n"
                                        "  architecture.attention: {values: [a, b], why: unpublished}\n"
                                        "  training.global_batch: {range: [32, 64], why: unpublished}\n",
                                        NULL, &error);

  ck_assert_ptr_nonnull(run);
  ck_assert_uint_eq(run->n_assumptions, 3);
  ck_assert_str_eq(moe_run_assumption(run, "architecture.attention.query_heads")->why, "unpublished");
  ck_assert_double_eq(moe_run_assumption(run, "training.global_batch")->high, 64);
  ck_assert_int_eq(moe_run_assumption(run, "training.global_batch")->mark.line, 30);
  ck_assert_ptr_null(moe_run_assumption(run, "training.global_batch_size")); /* another key that begins alike */
  ck_assert_ptr_null(moe_run_assumption(run, "training"));
  const MoeAssumption *sync = moe_run_assumption(run, "stack.host.sync"); /* the stack calls it host.sync */
  ck_assert_ptr_nonnull(sync);
  ck_assert_double_eq(sync->low, 10e-6);
  ck_assert_int_eq(sync->dimension, MOE_DIM_SECONDS);
}
END_TEST

START_TEST(faults_have_names_and_places)
{
  const struct {
    const char *set, *message;
  } faults[] = {
      {"architecture.hiden=3", "unknown key \"hiden\" in architecture, did you mean \"hidden\""},
      {"architecture.layers=0", "expected a whole number from 1 to 10000"},
      {"architecture.layers=99999999999999999999", "is too large"},
      {"architecture.attention.kv_heads=3", "expected a divisor of query_heads (16)"},
      {"architecture.attention.kind=mla", "attention of kind mla has no kv_rank"},
      {"architecture.attention.kind=mqa", "--set:1:29"},
      {"architecture.moe.top_k=9", "top_k is 9, expected at most the number of experts (8)"},
      {"architecture.moe.groups=3", "3 groups, expected a divisor of the number of experts"},
      {"architecture.moe={experts: 8, top_k: 4, width: 8, groups: 4, top_groups: 1}",
       "at most the experts in 1 groups"},
      {"architecture.moe.first_layer=16", "first_layer is 16, expected less than layers (16)"},
      {"architecture.ffn=null", "map"},
      {"architecture.ffn.width=0", "dense layers without ffn.width"},
      {"architecture.dropout=1.5", "out of range"},
      {"training.precision.gemm=bf61", "bf16"},
      {"training.precision.gemm=mxfp8", "mxfp8 for gemm, which chip has no rate for"},
      {"training.routing.balance={zipf: 1, dirichlet: 2}", "2 entries in balance"},
      {"training.routing.balance=odd", "even"},
      {"training.routing.balance={concentration: 2}", "a map"},
      {"training.routing.balance={concentration: {fullest: 2}}", "experts"},
      {"training.routing.balance={concentration: {fullest: 0.9, experts: 64}}", "out of range"},
      {"training.routing.balance={concentration: {fullest: 8, experts: 8}}", "below 8"},
      {"training.routing.balance={concentration: {fullest: 2, experts: 8, memory: 1}}", "out of range"},
      {"training.routing.capacity_factor=0", "expected none or a number from 1"},
      {"training.routing.capacity_factor=0.999", "expected none or a number from 1"},
      {"training.lora={rank: 0}", "whole number from 1"},
      {"parallelism.gpus=1048577", "1048576"},
      {"parallelism.order=tp-cp-ep-dp", "tp, cp, ep, dp and pp once each"},
      {"parallelism.order=tp-cp-ep-dp-dp", "once each"},
      {"parallelism.zero=4", "from 0 to 3"},
      {"recompute={mode: selective}", "without modules"},
      {"recompute={mode: selective, modules: [nrom]}", "norm"},
      {"offload={activations: 2}", "out of range"},
      {"cluster.accelerator.peak={fp8: 1}", "FLOP/s"},
      {"cluster.accelerator.memory=80", "GB"},
      {"cluster.accelerator.sms=0", "whole number from 1"},
      {"cluster.host.gpus=9", "expected at most domain.of (8) or a multiple of domain.gpus (8)"},
      {"cluster.host.cpu=grace", "no launch cost for CPU grace"},
      {"stack.host.launch={}", "launch cost for 0 kinds of CPU"},
      {"stack.fused=[norms]", "norm"},
      {"stack.moe.memory_rounds=65", "whole number from 1 to 64"},
      {"stack.data_parallel.bucket=0B", "expected a size such as 40 MB"},
      {"stack.kernels=[{family: x, class: gemm}]", "no \"constants\" in kernels"},
      {"stack.kernels=[{family: x, class: gem, constants: {}}]", "gemm"},
      {"published={mfu: 20}", "out of range"},
      {"published={mfu: 0.2, convention: half}", "causal"},
      {"assumptions={a: {range: [2, 1], why: x}}", "expected the lower bound first"},
      {"assumptions={a: {range: [1], why: x}}", "expected [low, high]"},
      {"assumptions={a: {why: x}}", "neither range nor values"},
      {"assumptions={a: {range: [1, 2]}}", "no \"why\""},
      {"assumptions={trainign.x: {range: [1, 2], why: x}}", "expected a key of training"},
      {"recumpute={mode: full}", "did you mean \"recompute\""},
  };

  for (size_t i = 0; i < G_N_ELEMENTS(faults); i++)
    spectest_bad(faults[i].set, faults[i].message);
}
END_TEST

MOE_TEST_MAIN("spec/read", everything_arrives, degrees_are_derived, defaults, weight_gradient_follows_the_gemm,
              software_formats_have_peaks, routing_forms, recompute_forms, dense_model_and_lora, stack_abilities,
              host_calls, kernel_families, published_units, assumptions_are_found_by_path, faults_have_names_and_places)
