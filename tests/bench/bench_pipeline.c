/*
 * The workload of pipeline.h, on 8,192 simulated hosts: what bench_simgrid measures for SimGrid. Prints activities
 * (executions and messages) per second of thread CPU time, placement and pricing included.
 */
#include "../sim/handmade.h"
#include "pipeline.h"

#include <stdio.h>
#include <time.h>

/* The best counts: a run takes a fortieth of a second, and a machine is seldom alone. */
#define ROUNDS 25

static double cpu_seconds(void)
{
  struct timespec now;

  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void add_stage(Handmade *hm, guint stage)
{
  if (stage > 0)
    hm_op(hm, stage, MOE_OP_RECV, MOE_STREAM_RECV, 0);
  hm_busy(hm, stage, TASK_S);
  if (stage > 0)
    hm_wait(hm, stage, MOE_STREAM_RECV, 1);
  if (stage + 1 == STAGES)
    return;
  hm_op(hm, stage, MOE_OP_SEND, MOE_STREAM_SEND, 1);
  hm_wait(hm, stage, MOE_STREAM_COMPUTE, 1);
}

static void add_batch(Handmade *hm, guint batch)
{
  uint32_t before = MOE_NO_MESSAGE;

  for (guint stage = 0; stage < STAGES; stage++) {
    MoeCall *call = hm_call(hm, stage, stage);

    call->micro_batch = batch;
    call->message[0] = before;
    call->message[1] = before = stage + 1 < STAGES ? hm_message(hm, stage, stage + 1, MESSAGE_BYTES) : MOE_NO_MESSAGE;
  }
}

static Handmade *make_workload(void)
{
  Handmade *hm = hm_new(HOSTS, 1, STAGES, 1);

  hm->run.cluster.network.nic_bytes_per_s = LINK_BYTES_PER_S;
  hm->run.cluster.network.leaf_latency_s = hm->run.cluster.network.spine_latency_s = LATENCY_S;
  hm->run.cluster.network.core_latency_s = LATENCY_S;
  for (guint stage = 0; stage < STAGES; stage++)
    add_stage(hm, stage);
  for (guint batch = 0; batch < BATCHES; batch++)
    add_batch(hm, batch);
  hm_freeze(hm);
  hm->topo = moe_topo_new(&hm->run.cluster, HOSTS, 0, NULL, NULL);
  return hm;
}

START_TEST(pipeline)
{
  Handmade *hm = make_workload();
  double best_s = G_MAXDOUBLE;
  MoeTime step = 0;

  for (guint i = 0; i < ROUNDS; i++) {
    double start = cpu_seconds();
    g_autoptr(MoeSimResult) result =
        hm_run(hm, (MoeSimOptions){.kernel_jitter = VARIATION, .fidelity = MOE_FIDELITY_FULL});

    best_s = MIN(best_s, cpu_seconds() - start);
    step = result->step;
  }
  printf("moesim   %d activities on %d hosts: %.3f s, %.0f activities/s, simulated %.6f s\n", ACTIVITIES, HOSTS, best_s,
         ACTIVITIES / best_s, moe_time_to_seconds(step));
  fflush(stdout);
  hm_free(hm);
}
END_TEST

/* The handmade programs check as they are built, which takes a test runner. */
MOE_TEST_MAIN("bench/pipeline", pipeline)
