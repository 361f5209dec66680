/* What would take hours or all memory is refused before it is begun. */
#include "handmade.h"

/* Two stages, one message, `replicas` of them. */
static Handmade *two_stages(guint replicas)
{
  Handmade *hm = hm_new(2 * replicas, 1, 2, replicas);
  uint32_t message = hm_message(hm, 0, 1, 1e6);

  hm_busy(hm, 0, 1e-3);
  hm_op(hm, 0, MOE_OP_SEND, MOE_STREAM_SEND, 1);
  hm_wait(hm, 0, MOE_STREAM_COMPUTE, 1);
  hm_op(hm, 1, MOE_OP_RECV, MOE_STREAM_RECV, 0);
  hm_busy(hm, 1, 1e-3);
  hm_wait(hm, 1, MOE_STREAM_RECV, 1);
  hm_call(hm, 0, 0)->message[1] = message;
  hm_call(hm, 1, 1)->message[0] = message;
  hm_freeze(hm);
  hm->topo = moe_topo_new(&hm->run.cluster, hm->run.parallelism.gpus, 0, NULL, NULL);
  return hm;
}

static void expect_refused(Handmade *hm, const MoeSimOptions *options, const char *text)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeSimResult) result = moe_sim_run(&hm->program, &hm->run, hm->topo, hm->cost, options, &error);

  ck_assert_ptr_null(result);
  ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_INPUT));
  ck_assert_msg(strstr(error->message, text) != NULL, "%s", error->message);
}

static gboolean never_asked(G_GNUC_UNUSED gpointer data)
{
  ck_abort_msg("the simulation was begun");
  return TRUE;
}

/* Each of the kernels is an event, so eight GPUs have more than seven: known before the first. */
START_TEST(events_are_counted_before)
{
  Handmade *hm = two_stages(4);
  MoeSimOptions options = {.kernel_jitter = 0, .fidelity = MOE_FIDELITY_FULL, .max_events = 7, .stopped = never_asked};

  expect_refused(hm, &options, "more than 7 events");
  options = (MoeSimOptions){.kernel_jitter = 0, .fidelity = MOE_FIDELITY_FULL};
  g_autoptr(MoeSimResult) result = hm_run(hm, options);
  ck_assert_uint_ge(result->events, 8);
  hm_free(hm);
}
END_TEST

/* Every GPU keeps a note of every message of its stage. Folded, two GPUs do. */
START_TEST(memory_is_counted_before)
{
  Handmade *hm = two_stages(32);
  const MoeSimOptions options = {.kernel_jitter = 0, .fidelity = MOE_FIDELITY_FULL};

  hm->program.n_messages = G_MAXUINT32; /* of which there is one: whoever looks further crashes */
  expect_refused(hm, &options, "64 GPUs one by one take 137.4 GB of memory, expected at most 64 GB");
  hm->program.n_messages = 1;
  hm_free(hm);
}
END_TEST

MOE_TEST_MAIN("sim/effort", events_are_counted_before, memory_is_counted_before)
