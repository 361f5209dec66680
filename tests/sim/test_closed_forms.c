/* Simulated time against what can be written down. */
#include "handmade.h"

#include "coll/coll.h"

#define PS 1000000000000LL
#define MS (PS / 1000)

static const MoeSimOptions plain = {.kernel_jitter = 0};

/* System: one GPU, two kernels of 3 and 4 ms. Expectation: 7 ms, because one stream runs them one after another. */
START_TEST(kernels_in_a_row)
{
  Handmade *hm = hm_new(1, 1, 1, 1);
  hm_busy(hm, 0, 3e-3);
  hm_busy(hm, 0, 4e-3);
  hm_call(hm, 0, 0);
  g_autoptr(MoeSimResult) result = hm_run(hm, plain);

  ck_assert_int_eq(result->step, 7 * MS);
  ck_assert_double_eq_tol(result->cause_s[MOE_CAUSE_DATA], 7e-3, 1e-12);
  ck_assert_uint_eq(result->events, 1);
  ck_assert_uint_eq(result->operations, 2);
  hm_free(hm);
}
END_TEST

/* System: launch cost 1 ms, kernels of 3, 0.2, 0.2 ms. Expectation: issue at 1, 2, 3 ms; the first runs 1..4, the
 * others 4..4.4: the host hides behind the first kernel. With kernels of 0.2 ms the host is the limit: 1.2, 2.2, 3.2
 * ms. */
START_TEST(host_issue)
{
  for (int slow = 0; slow < 2; slow++) {
    Handmade *hm = hm_new(1, 1, 1, 1);
    hm->run.stack.host.launch_s[0] = 1e-3;
    for (guint i = 0; i < 3; i++) {
      hm_nothing(hm, 0);
      hm_busy(hm, 0, i == 0 && !slow ? 3e-3 : 0.2e-3);
      hm_wait(hm, 0, MOE_STREAM_REDUCE, i + 1);
    }
    hm_call(hm, 0, 0);
    g_autoptr(MoeSimResult) result = hm_run(hm, plain);

    ck_assert_int_eq(result->step, slow ? 3 * MS + MS / 5 : 4 * MS + 2 * (MS / 5));
    ck_assert_double_eq_tol(result->cause_s[MOE_CAUSE_HOST], slow ? 2.6e-3 : 1e-3, 1e-12);
    ck_assert_double_eq_tol(hm_sum_causes(result), moe_time_to_seconds(result->step), 1e-15);
    hm_free(hm);
  }
}
END_TEST

/* System: an element-wise kernel forward, another backward, and a cast, which no call of its own launches; launch 1 ms,
 * calls 2 and 3 ms beyond it; then the same in one captured layer whose graph costs 0.5 ms. Expectation: the last is
 * issued at 3 + 4 + 1 ms, or all at 0.5 ms; all of it is the host's but what the kernels take. */
START_TEST(host_calls_and_graphs)
{
  const MoePass passes[] = {MOE_PASS_FORWARD, MOE_PASS_DGRAD, MOE_PASS_DGRAD};

  for (int captured = 0; captured < 2; captured++) {
    Handmade *hm = hm_new(1, 1, 1, 1);

    hm->run.stack.host.launch_s[0] = 1e-3;
    hm->run.stack.host.call_s[MOE_HOST_ELEMENTWISE][0] = 2e-3;
    hm->run.stack.host.call_s[MOE_HOST_ELEMENTWISE_BACKWARD][0] = 3e-3;
    hm->run.stack.host.call_s[MOE_HOST_QUANTIZE][0] = 4e-3;
    hm->run.stack.host.graph_launch_s = 0.5e-3;
    hm->run.stack.host.graph_scopes = captured ? 1u << MOE_SCOPE_EMBEDDING : 0;
    hm->cost = moe_cost_model_new(&hm->run.cluster.accelerator, &hm->run.stack, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(passes); i++) {
      hm->kernels[i] = (MoeKernel){.klass = MOE_KERNEL_BANDWIDTH,
                                   .pass = passes[i],
                                   .bandwidth = i == 2 ? MOE_BANDWIDTH_QUANTIZE : MOE_BANDWIDTH_NORM,
                                   .read_bytes = 1,
                                   .launches = 1,
                                   .name = "little"};
      hm_op(hm, 0, MOE_OP_KERNEL, MOE_STREAM_COMPUTE, i);
    }
    hm->program.n_kernels = G_N_ELEMENTS(passes);
    hm_call(hm, 0, 0);
    g_autoptr(MoeSimResult) result = hm_run(hm, plain);
    double host_s = result->cause_s[MOE_CAUSE_HOST], kernel_s = (moe_time_to_seconds(result->step) - host_s) / 3;

    ck_assert_double_le(kernel_s, 20e-6);
    ck_assert_double_eq_tol(host_s, captured ? 0.5e-3 : 12e-3 - 2 * kernel_s, 1e-9);
    hm_free(hm);
  }
}
END_TEST

/* Step of one kernel of `launches` launches, each 1 ms of the host, an operation of a chain 0.5 ms more. */
static double launched(MoeBandwidthKind kind, int64_t launches)
{
  Handmade *hm = hm_new(1, 1, 1, 1);

  hm->run.stack.host.launch_s[0] = 1e-3;
  hm->run.stack.host.call_s[MOE_HOST_OPERATION][0] = 0.5e-3;
  hm->cost = moe_cost_model_new(&hm->run.cluster.accelerator, &hm->run.stack, NULL);
  hm->kernels[0] = (MoeKernel){
      .klass = MOE_KERNEL_BANDWIDTH, .bandwidth = kind, .read_bytes = 1, .launches = launches, .name = "little"};
  hm->program.n_kernels = 1;
  hm_op(hm, 0, MOE_OP_KERNEL, MOE_STREAM_COMPUTE, 0);
  hm_call(hm, 0, 0);
  g_autoptr(MoeSimResult) result = hm_run(hm, plain);
  double step_s = moe_time_to_seconds(result->step);

  hm_free(hm);
  return step_s;
}

/* Expectation: five launches instead of one cost 4 ms, and an element-wise chain, whose every kernel is an operation of
 * the framework, 2 ms more; a loop of casts does not. One operation on indices costs 0.5 ms beside its launch, as no
 * module stands around it. Kernels take microseconds. */
START_TEST(operations_of_a_chain)
{
  ck_assert_double_eq_tol(launched(MOE_BANDWIDTH_ROTARY, 5) - launched(MOE_BANDWIDTH_ROTARY, 1), 6e-3, 0.1e-3);
  ck_assert_double_eq_tol(launched(MOE_BANDWIDTH_QUANTIZE, 5) - launched(MOE_BANDWIDTH_QUANTIZE, 1), 4e-3, 0.1e-3);
  ck_assert_double_eq_tol(launched(MOE_BANDWIDTH_INDEX, 5) - launched(MOE_BANDWIDTH_INDEX, 1), 6e-3, 0.1e-3);
  ck_assert_double_eq_tol(launched(MOE_BANDWIDTH_INDEX, 1), 1.5e-3, 0.1e-3);
}
END_TEST

/* System: two stages, stage 0 works 1 ms and sends 1 GB to stage 1, which works 2 ms. Expectation: 1 ms + 1e9 / 100e9 s
 * + 1 us + 2 ms, because nothing else uses the link. The receiver's first millisecond is bubble, the transfer exposed
 * NVLink. */
START_TEST(one_message)
{
  Handmade *hm = hm_new(2, 1, 2, 2);
  uint32_t message = hm_message(hm, 0, 1, 1e9);

  hm_busy(hm, 0, 1e-3);
  hm_op(hm, 0, MOE_OP_SEND, MOE_STREAM_SEND, 0);
  hm_wait(hm, 0, MOE_STREAM_COMPUTE, 1);
  hm_op(hm, 1, MOE_OP_RECV, MOE_STREAM_RECV, 0);
  hm_busy(hm, 1, 2e-3);
  hm_wait(hm, 1, MOE_STREAM_RECV, 1);
  hm_call(hm, 0, 0)->message[0] = message;
  hm_call(hm, 1, 1)->message[0] = message;
  g_autoptr(MoeSimResult) result = hm_run(hm, plain);

  ck_assert_int_eq(result->step, MS + 10 * MS + PS / 1000000 + 2 * MS);
  ck_assert_int_eq(result->n_units, 2);
  ck_assert_double_eq_tol(result->units[1].cause_s[MOE_CAUSE_BUBBLE], 1e-3, 1e-15);
  ck_assert_double_eq_tol(result->units[1].cause_s[MOE_CAUSE_NVLINK_EXPOSED], 10.001e-3, 1e-15);
  hm_free(hm);
}
END_TEST

/* Calls of 1F1B on one stage: warm-up forwards, then pairs, then the remaining backwards. */
static void one_f_one_b(Handmade *hm, guint stage, guint p, guint m, const uint32_t *forward, const uint32_t *backward)
{
  guint warm = MIN(p - 1 - stage, m), f = 0, b = 0;

  while (b < m) {
    gboolean is_forward = f < m && f < b + warm + 1;
    MoeCall *call = hm_call(hm, stage, 2 * stage + (is_forward ? 0 : 1));
    guint mb = is_forward ? f++ : b++;

    call->micro_batch = mb;
    if (is_forward) {
      call->message[0] = stage > 0 ? forward[(stage - 1) * m + mb] : MOE_NO_MESSAGE;
      call->message[1] = stage + 1 < p ? forward[stage * m + mb] : MOE_NO_MESSAGE;
    } else {
      call->message[0] = stage + 1 < p ? backward[stage * m + mb] : MOE_NO_MESSAGE;
      call->message[1] = stage > 0 ? backward[(stage - 1) * m + mb] : MOE_NO_MESSAGE;
    }
  }
}

static void pipeline_block(Handmade *hm, guint block, gboolean receives, gboolean sends, double seconds)
{
  if (receives)
    hm_op(hm, block, MOE_OP_RECV, MOE_STREAM_RECV, 0);
  hm_busy(hm, block, seconds);
  if (receives)
    hm_wait(hm, block, MOE_STREAM_RECV, 1);
  if (sends) {
    hm_op(hm, block, MOE_OP_SEND, MOE_STREAM_SEND, 1);
    hm_wait(hm, block, MOE_STREAM_COMPUTE, 1);
  }
}

static Handmade *pipeline(guint p, guint m, guint replicas, double f, double b)
{
  Handmade *hm = hm_new(p * replicas, 1, p, p * replicas);
  g_autofree uint32_t *forward = g_new0(uint32_t, p * m), *backward = g_new0(uint32_t, p * m);

  hm->run.cluster.domain.latency_s = hm->run.cluster.domain.collectives.send_s = 0;
  hm->run.cluster.domain.collectives.path_s = 0;
  for (guint s = 0; s + 1 < p; s++)
    for (guint i = 0; i < m; i++) {
      forward[s * m + i] = hm_message(hm, s, s + 1, 0);
      backward[s * m + i] = hm_message(hm, s + 1, s, 0);
    }
  for (guint s = 0; s < p; s++) {
    pipeline_block(hm, 2 * s, s > 0, s + 1 < p, f);
    pipeline_block(hm, 2 * s + 1, s + 1 < p, s > 0, b);
    one_f_one_b(hm, s, p, m, forward, backward);
  }
  return hm;
}

/* System: 4 stages, 8 micro-batches, forward 1 ms, backward 2 ms, free messages. Expectation: (m + p - 1)(f + b) = 33
 * ms, the bubble of every stage (p - 1)(f + b) = 9 ms (Narayanan et al. 2021, 2.2.1). */
START_TEST(pipeline_1f1b)
{
  for (guint replicas = 1; replicas <= 4; replicas *= 4) {
    Handmade *hm = pipeline(4, 8, replicas, 1e-3, 2e-3);
    MoeSimOptions options = plain;

    for (MoeFidelity fidelity = MOE_FIDELITY_FOLDED; fidelity <= MOE_FIDELITY_FULL; fidelity++) {
      options.fidelity = fidelity;
      g_autoptr(MoeSimResult) result = hm_run(hm, options);

      ck_assert_int_eq(result->step, 33 * MS);
      ck_assert_uint_eq(result->n_units, fidelity == MOE_FIDELITY_FULL ? 4 * replicas : 4);
      ck_assert_double_eq_tol(result->cause_s[MOE_CAUSE_BUBBLE], 9e-3, 1e-15);
      ck_assert_double_eq_tol(hm_sum_causes(result), 33e-3, 1e-15);
    }
    hm_free(hm);
  }
}
END_TEST

/* System: all-to-all of 8 GPUs on one switch, 800 MB per GPU of which 1/8 stays. Expectation: 700 MB / 100 GB/s = 7 ms
 * + latency of the plan, because every port carries the same. */
START_TEST(all_to_all_on_a_switch)
{
  Handmade *hm = hm_new(8, 1, 1, 8);
  MoeCollPlan plan;
  int64_t gpus[8] = {0, 1, 2, 3, 4, 5, 6, 7};

  hm_collective(
      hm, 0, MOE_STREAM_EXPERT,
      (MoeCollective){.kind = MOE_ALL_TO_ALL, .group = MOE_GROUP_EXPERT, .bytes = 800e6, .share = 1, .name = "a2a"});
  hm_busy(hm, 0, 1e-3);
  hm_wait(hm, 0, MOE_STREAM_EXPERT, 1);
  hm_call(hm, 0, 0);
  g_autoptr(MoeSimResult) result = hm_run(hm, plain);
  moe_coll_plan(hm->topo, &hm->run.stack.collectives, &hm->collectives[0], &(MoeCollGroup){8, gpus}, &plan);

  ck_assert_int_eq(result->step, 7 * MS + plan.latency + MS);
  ck_assert_double_eq_tol(result->cause_s[MOE_CAUSE_NVLINK_EXPOSED], 7e-3 + moe_time_to_seconds(plan.latency), 1e-15);
  ck_assert_double_eq_tol(result->nvlink_bytes, 700e6, 1);
  hm_free(hm);
}
END_TEST

/* System: 4 GPUs, one of them 1.5 times slower; 10 ms of work, then a collective of all. Expectation: 15 ms +
 * collective; the three others wait 5 ms for their peer. */
START_TEST(slow_gpu_makes_peers_wait)
{
  Handmade *hm = hm_new(4, 1, 1, 4);
  MoeSlowGpu slow = {.rank = 2, .factor = 1.5};
  MoeSimOptions options = {.kernel_jitter = 0, .n_slow = 1, .slow = &slow};

  hm_busy(hm, 0, 10e-3);
  hm_collective(
      hm, 0, MOE_STREAM_REDUCE,
      (MoeCollective){.kind = MOE_ALL_TO_ALL, .group = MOE_GROUP_DATA, .bytes = 400e6, .share = 1, .name = "a2a"});
  hm_wait(hm, 0, MOE_STREAM_COMPUTE, 1);
  hm_call(hm, 0, 0);
  g_autoptr(MoeSimResult) result = hm_run(hm, options);

  ck_assert_uint_eq(result->n_units, 2); /* the slow one, and one for its three peers */
  ck_assert_double_ge(moe_time_to_seconds(result->step), 18e-3);
  for (guint u = 0; u < 2; u++)
    ck_assert_double_eq_tol(result->units[u].cause_s[MOE_CAUSE_PEER_WAIT], result->units[u].rank == 2 ? 0 : 5e-3,
                            1e-15);
  hm_free(hm);
}
END_TEST

/* System: host issues A, waits for A on the GPU, then issues B; launch 1 ms, synchronization 0.5 ms, kernels 3 ms.
 * Expectation: A 1..4 ms, host awake 4.5, B issued 5.5, ends 8.5. */
START_TEST(host_synchronization)
{
  Handmade *hm = hm_new(1, 1, 1, 1);

  hm->run.stack.host.launch_s[0] = 1e-3;
  hm->run.stack.host.sync_s = 0.5e-3;
  for (guint i = 0; i < 2; i++) {
    hm_nothing(hm, 0);
    hm_busy(hm, 0, 3e-3);
    hm_wait(hm, 0, MOE_STREAM_REDUCE, i + 1);
    if (i == 0) {
      hm_op(hm, 0, MOE_OP_HOST_SYNC, MOE_STREAM_COMPUTE, 0);
      hm_wait(hm, 0, MOE_STREAM_COMPUTE, 1);
    }
  }
  hm_call(hm, 0, 0);
  g_autoptr(MoeSimResult) result = hm_run(hm, plain);

  ck_assert_int_eq(result->step, 8 * MS + MS / 2);
  ck_assert_double_eq_tol(result->cause_s[MOE_CAUSE_HOST], 2.5e-3, 1e-15);
  hm_free(hm);
}
END_TEST

/* System: 8 GPUs whose math rates spread by 2 %, one GEMM. Expectation: the GEMM's own time times 1 + 0.02 x 1.42,
 * because everybody waits for the slowest of eight; the difference is waiting for peers, and goes with the
 * counterfactual without it. A bandwidth-bound kernel keeps its time. */
START_TEST(slowest_of_eight)
{
  Handmade *hm = hm_new(8, 1, 1, 8);
  MoeKernel gemm = {.klass = MOE_KERNEL_GEMM,
                    .precision = MOE_BF16,
                    .output = MOE_BF16,
                    .m = 4096,
                    .n = 4096,
                    .k = 4096,
                    .groups = 1,
                    .useful_share = 1,
                    .launches = 1,
                    .model_flop = 2.0 * 4096 * 4096 * 4096,
                    .name = "gemm"};
  MoeMachineState alone = {.sms = 100, .memory_share = 1};
  MoeCost cost;

  hm->cost = moe_cost_model_new(&hm->run.cluster.accelerator, &hm->run.stack, NULL);
  ck_assert_ptr_nonnull(hm->cost);
  ck_assert(moe_cost_kernel(hm->cost, &gemm, &alone, &cost, NULL));
  hm->kernels[0] = gemm;
  hm->program.n_kernels = 1;
  hm_op(hm, 0, MOE_OP_KERNEL, MOE_STREAM_COMPUTE, 0);
  hm_call(hm, 0, 0);
  hm->run.cluster.accelerator.speed_spread = 0.02;
  double pace = 1 + 0.02 * moe_normal_expected_maximum(8);
  g_autoptr(MoeSimResult) spread = hm_run(hm, plain);
  g_autoptr(MoeSimResult) alike = hm_run(hm, (MoeSimOptions){.kernel_jitter = 0, .without = MOE_WITHOUT_PEER_WAIT});

  ck_assert_int_eq(alike->step, moe_time_from_seconds(cost.seconds));
  ck_assert_int_eq(spread->step, moe_time_from_seconds(cost.seconds * pace));
  ck_assert_double_eq_tol(spread->cause_s[MOE_CAUSE_PEER_WAIT], cost.seconds * (pace - 1), 1e-12);
  ck_assert_double_eq_tol(spread->cause_s[MOE_CAUSE_MATH], gemm.model_flop / 1e15, 1e-15);
  hm_free(hm);
}
END_TEST

MOE_TEST_MAIN("sim/closed forms", kernels_in_a_row, host_issue, host_calls_and_graphs, operations_of_a_chain,
              one_message, pipeline_1f1b, all_to_all_on_a_switch, slow_gpu_makes_peers_wait, host_synchronization,
              slowest_of_eight)
