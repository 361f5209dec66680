/* What must not change the answer: fusing, folding, timelines, the order of anything. And what must: jitter seeds,
 * contention. */
#include "handmade.h"

/* A small step with everything in it: pipeline messages, collectives in two group kinds that overlap compute and hold
 * SMs, host launches and a host synchronization. Work is drawn from `seed`. */
static Handmade *mixed_step(uint64_t seed, guint replicas)
{
  const guint p = 3, m = 5;
  Handmade *hm = hm_new(p * replicas, 1, p, replicas);
  uint64_t stream = moe_random_stream("test");

  hm->run.stack.host.launch_s[0] = 5e-6;
  hm->run.stack.host.sync_s = 20e-6;
  hm->run.stack.collectives.sms_collective = 10;
  for (guint s = 0; s < p; s++) {
    if (s > 0)
      hm_op(hm, s, MOE_OP_RECV, MOE_STREAM_RECV, 0);
    for (guint k = 0; k < 6; k++) {
      hm_busy(hm, s, 1e-5 + 4e-4 * moe_random_unit(seed, stream, s, k));
      if (k == 0 && s > 0)
        hm_wait(hm, s, MOE_STREAM_RECV, 1);
      if (k == 1 || k == 3) {
        hm_collective(hm, s, k == 1 ? MOE_STREAM_EXPERT : MOE_STREAM_REDUCE,
                      (MoeCollective){.kind = k == 1 ? MOE_ALL_TO_ALL : MOE_REDUCE_SCATTER,
                                      .share = 1,
                                      .name = "c",
                                      .group = k == 1 ? MOE_GROUP_EXPERT : MOE_GROUP_DATA,
                                      .bytes = 1e5 + 1e7 * moe_random_unit(seed, stream, s, 100 + k)});
        hm_wait(hm, s, MOE_STREAM_COMPUTE, k + 1);
      }
      if (k == 2) {
        hm_op(hm, s, MOE_OP_HOST_SYNC, MOE_STREAM_COMPUTE, 0);
        hm_wait(hm, s, MOE_STREAM_EXPERT, 1);
      }
    }
    if (s + 1 < p) {
      hm_op(hm, s, MOE_OP_SEND, MOE_STREAM_SEND, 1);
      hm_wait(hm, s, MOE_STREAM_COMPUTE, 6);
    }
  }
  for (guint i = 0; i < m; i++) {
    uint32_t before = MOE_NO_MESSAGE;

    for (guint s = 0; s < p; s++) {
      MoeCall *call = hm_call(hm, s, s);

      call->micro_batch = i;
      call->message[0] = before;
      call->message[1] = before = s + 1 < p ? hm_message(hm, s, s + 1, 1e6) : MOE_NO_MESSAGE;
    }
  }
  return hm;
}

static void expect_equal(const MoeSimResult *a, const MoeSimResult *b)
{
  ck_assert_int_eq(a->step, b->step);
  for (int c = 0; c < MOE_N_CAUSES; c++)
    ck_assert_double_eq_tol(a->cause_s[c], b->cause_s[c], 1e-12);
  ck_assert_double_eq_tol(hm_sum_causes(a), moe_time_to_seconds(a->step), 1e-9 * moe_time_to_seconds(a->step));
  ck_assert_double_eq_tol(a->nvlink_bytes, b->nvlink_bytes, 1);
  ck_assert_double_eq_tol(a->network_bytes, b->network_bytes, 1);
}

/* 200 random steps: folded and full agree to the picosecond, because ranks of a colour do the same at the same times.
 */
START_TEST(folded_is_full)
{
  for (uint64_t seed = 0; seed < 200; seed++) {
    Handmade *hm = mixed_step(seed, 4);
    g_autoptr(MoeSimResult) folded = hm_run(hm, (MoeSimOptions){.kernel_jitter = 0, .fidelity = MOE_FIDELITY_FOLDED});
    g_autoptr(MoeSimResult) full = hm_run(hm, (MoeSimOptions){.kernel_jitter = 0, .fidelity = MOE_FIDELITY_FULL});

    ck_assert_uint_eq(folded->n_units, 3);
    ck_assert_uint_eq(full->n_units, 12);
    expect_equal(folded, full);
    hm_free(hm);
  }
}
END_TEST

/* A slow GPU unfolds what it touches, and the folded answer still equals the full one. */
START_TEST(folded_with_a_slow_gpu)
{
  for (uint64_t seed = 0; seed < 20; seed++) {
    Handmade *hm = mixed_step(seed, 8);
    MoeSlowGpu slow = {.rank = (int64_t)(seed % 24), .factor = 1.3};
    g_autoptr(MoeSimResult) folded =
        hm_run(hm, (MoeSimOptions){.kernel_jitter = 0, .fidelity = MOE_FIDELITY_FOLDED, .n_slow = 1, .slow = &slow});
    g_autoptr(MoeSimResult) full =
        hm_run(hm, (MoeSimOptions){.kernel_jitter = 0, .fidelity = MOE_FIDELITY_FULL, .n_slow = 1, .slow = &slow});

    ck_assert_uint_lt(folded->n_units, full->n_units);
    expect_equal(folded, full);
    hm_free(hm);
  }
}
END_TEST

/* Fusing changes the number of events and nothing else, with jitter and without. */
START_TEST(fused_is_unfused)
{
  for (int jitter = 0; jitter < 2; jitter++)
    for (uint64_t seed = 0; seed < 20; seed++) {
      Handmade *hm = mixed_step(seed, 4);
      MoeSimOptions options = {.kernel_jitter = 0.05 * jitter, .seed = seed, .fidelity = MOE_FIDELITY_FULL};
      g_autoptr(MoeSimResult) fused = hm_run(hm, options);

      options.no_fusing = TRUE;
      g_autoptr(MoeSimResult) single = hm_run(hm, options);
      ck_assert_uint_lt(fused->events, single->events);
      ck_assert_uint_eq(fused->operations, single->operations);
      expect_equal(fused, single);
      hm_free(hm);
    }
}
END_TEST

static void count_slice(const MoeSlice *slice, gpointer user_data)
{
  MoeTime *busy = user_data;

  ck_assert_int_ge(slice->end, slice->start);
  if (slice->stream == MOE_STREAM_COMPUTE)
    busy[0] += slice->end - slice->start;
  else if (slice->stream == MOE_N_STREAMS)
    busy[1] += slice->end - slice->start;
}

/* A timeline changes nothing, and its compute slices and idle slices of a rank fill the step but for host gaps inside
 * segments. */
START_TEST(timeline_is_complete)
{
  Handmade *hm = mixed_step(7, 4);
  MoeTime time[2] = {0, 0};
  MoeSimOptions options = {.kernel_jitter = 0, .fidelity = MOE_FIDELITY_FULL};
  g_autoptr(MoeSimResult) without = hm_run(hm, options);

  options.slice = count_slice;
  options.slice_data = time;
  g_autoptr(MoeSimResult) with = hm_run(hm, options);
  expect_equal(with, without);
  double inside = moe_time_to_seconds(with->step - time[0] - time[1]);
  ck_assert_double_ge(inside, 0);
  ck_assert_double_le(inside, with->units[0].cause_s[MOE_CAUSE_HOST] + 1e-12);
  hm_free(hm);
}
END_TEST

/* The same seed gives the same bytes, another seed another step, and jitter never makes a lock-step group faster. */
START_TEST(seeds)
{
  Handmade *hm = mixed_step(3, 4);
  MoeTime step[3];

  for (int i = 0; i < 3; i++) {
    g_autoptr(MoeSimResult) result = hm_run(hm, (MoeSimOptions){.kernel_jitter = 0.05, .seed = (uint64_t)(i / 2)});

    step[i] = result->step;
    ck_assert_int_eq(result->fidelity, MOE_FIDELITY_FULL);
  }
  ck_assert_int_eq(step[0], step[1]);
  ck_assert_int_ne(step[0], step[2]);
  hm_free(hm);
}
END_TEST

/* Removing a cause that is absent changes nothing; removing one that is present never slows the step. */
START_TEST(counterfactuals)
{
  Handmade *hm = mixed_step(11, 4);
  g_autoptr(MoeSimResult) all = hm_run(hm, (MoeSimOptions){.kernel_jitter = 0});

  for (int cause = MOE_CAUSE_KERNEL_INEFFICIENCY; cause < MOE_N_CAUSES; cause++) {
    if (cause == MOE_CAUSE_BUBBLE)
      continue;
    g_autoptr(MoeSimResult) without = hm_run(hm, (MoeSimOptions){.kernel_jitter = 0, .without = 1u << cause});

    if (cause == MOE_CAUSE_RECOMPUTE || cause == MOE_CAUSE_PADDING || cause == MOE_CAUSE_COPY_EXPOSED ||
        cause == MOE_CAUSE_OPTIMIZER || cause == MOE_CAUSE_KERNEL_INEFFICIENCY)
      ck_assert_int_eq(without->step, all->step);
    else
      ck_assert_int_le(without->step, all->step);
    if (cause == MOE_CAUSE_NVLINK_EXPOSED || cause == MOE_CAUSE_HOST || cause == MOE_CAUSE_NETWORK_EXPOSED)
      ck_assert_double_eq_tol(without->cause_s[cause], 0, 1e-15);
  }
  hm_free(hm);
}
END_TEST

/* A program that waits for itself is named, not run for ever. */
START_TEST(deadlock_is_named)
{
  Handmade *hm = hm_new(2, 1, 2, 2);
  GError *error = NULL;
  MoeSimOptions options = {.kernel_jitter = 0};

  hm_op(hm, 0, MOE_OP_RECV, MOE_STREAM_RECV, 0);
  hm_busy(hm, 1, 1e-3);
  hm_call(hm, 0, 0)->message[0] = hm_message(hm, 1, 0, 1e6);
  hm_call(hm, 1, 1);
  hm_freeze(hm);
  hm->topo = moe_topo_new(&hm->run.cluster, 2, 0, NULL, NULL);
  g_autoptr(MoeSimResult) result = moe_sim_run(&hm->program, &hm->run, hm->topo, hm->cost, &options, &error);

  ck_assert_ptr_null(result);
  ck_assert_ptr_nonnull(strstr(error->message, "rank 0, stream recv"));
  g_clear_error(&error);
  hm_free(hm);
}
END_TEST

MOE_TEST_MAIN("sim/invariance", folded_is_full, folded_with_a_slow_gpu, fused_is_unfused, timeline_is_complete, seeds,
              counterfactuals, deadlock_is_named)
