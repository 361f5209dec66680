/*
 * Programs made by hand, for closed forms: blocks written as lists of operations, on a machine of round numbers.
 *
 * Machine: NVLink 100 GB/s with 1 us, one domain of all GPUs unless said otherwise; nothing else costs anything, so
 * that expected times can be written down. Compute work is MOE_OP_DELAY of given seconds unless a test prices a kernel.
 */
#ifndef MOESIM_TEST_HANDMADE_H
#define MOESIM_TEST_HANDMADE_H

#include "moetest.h"

#include "sim/sim.h"
#include <string.h>

#define HM_BYTES_PER_S 100e9
#define HM_LATENCY_S   1e-6
#define HM_MAX_OPS     64
#define HM_MAX_BLOCKS  16
#define HM_MAX_CALLS   256

typedef struct {
  const char *name;
  guint n_ops, n_waits, n_stream[MOE_N_STREAMS];
  MoeOp ops[HM_MAX_OPS];
  MoeWait waits[HM_MAX_OPS * 2];
  uint32_t stream_ops[MOE_N_STREAMS][HM_MAX_OPS];
} HmBlock;

typedef struct {
  MoeRun run;
  MoeLayout *layout;
  MoeTopo *topo;
  MoeCostModel *cost;
  HmBlock block[HM_MAX_BLOCKS];
  MoeBlock blocks[HM_MAX_BLOCKS];
  MoeRole roles[HM_MAX_BLOCKS];
  MoeCall calls[HM_MAX_BLOCKS][HM_MAX_CALLS];
  MoeDelay delays[HM_MAX_OPS];
  MoeKernel kernels[HM_MAX_OPS];
  MoeCollective collectives[HM_MAX_OPS];
  MoeCopy copies[4];
  MoeMessage messages[4096];
  MoeProgram program;
} Handmade;

/* gpus = tensor x pipeline x data, in domains of `domain` GPUs. */
static inline Handmade *hm_new(int64_t gpus, int64_t tensor, int64_t pipeline, int64_t domain)
{
  Handmade *hm = g_new0(Handmade, 1);
  MoeRun *run = &hm->run;

  run->name = (char *)"handmade";
  run->stack.name = "handmade";
  run->cluster.name = "handmade";
  run->parallelism = (MoeParallelism){.gpus = gpus,
                                      .tensor = tensor,
                                      .context = 1,
                                      .pipeline = pipeline,
                                      .virtual_stages = 1,
                                      .expert = gpus / tensor / pipeline,
                                      .expert_tensor = tensor,
                                      .order = "tp-cp-ep-dp-pp",
                                      .data = gpus / tensor / pipeline,
                                      .expert_data = 1,
                                      .micro_batches = 1,
                                      .first_stage_layers = -1,
                                      .last_stage_layers = -1};
  run->cluster.domain = (MoeDomain){.gpus = domain,
                                    .of = domain,
                                    .bytes_per_s = HM_BYTES_PER_S,
                                    .latency_s = HM_LATENCY_S,
                                    .efficiency = 1,
                                    .all_to_all_efficiency = 1};
  run->cluster.domain.collectives.send_s = run->cluster.domain.collectives.path_s = HM_LATENCY_S;
  run->cluster.domain.collectives.ring = run->cluster.domain.collectives.tree = 1;
  run->cluster.host = (MoeHost){.gpus = domain, .memory_link_bytes_per_s = 50e9, .cpu = "test"};
  run->cluster.network = (MoeNetwork){.nics_per_gpu = 1,
                                      .nic_bytes_per_s = 10e9,
                                      .tiers = 2,
                                      .oversubscription = 1,
                                      .leaf_gpus = 64,
                                      .efficiency = 1,
                                      .leaf_latency_s = 2e-6,
                                      .spine_latency_s = 3e-6,
                                      .core_latency_s = 4e-6};
  run->cluster.network.collectives.path_s = 2e-6;
  run->cluster.network.collectives.ring = run->cluster.network.collectives.tree = 1;
  run->cluster.accelerator = (MoeAccelerator){.name = "test",
                                              .quoted_peak_flop_per_s = 1e15,
                                              .sms = 100,
                                              .clock_hz = 1e9,
                                              .memory_bytes = 80e9,
                                              .memory_bytes_per_s = 1e12,
                                              .l2_bytes = 50e6,
                                              .training_rate = 1};
  for (int p = 0; p < MOE_N_PRECISIONS; p++)
    run->cluster.accelerator.peak_flop_per_s[p] = 1e15;
  run->stack.host.n_cpus = 1;
  run->stack.host.cpu[0] = "test";
  run->stack.host.ops_per_kernel = 1;
  hm->program.n_load_classes = hm->program.n_load_draws = 1;
  hm->layout = moe_layout_new(&run->parallelism, NULL);
  ck_assert_ptr_nonnull(hm->layout);
  return hm;
}

static inline void hm_free(Handmade *hm)
{
  moe_cost_model_free(hm->cost);
  moe_topo_free(hm->topo);
  moe_layout_free(hm->layout);
  g_free(hm);
}

/* Adds an operation to a block; returns the number of operations its stream has then (for waits). */
static inline guint hm_op(Handmade *hm, guint block, MoeOpKind kind, MoeStream stream, guint work)
{
  HmBlock *b = &hm->block[block];
  guint op = b->n_ops++;

  b->ops[op] = (MoeOp){.kind = kind, .stream = stream, .work = work, .first_wait = b->n_waits, .layer = -1};
  if (kind != MOE_OP_HOST_SYNC)
    b->stream_ops[stream][b->n_stream[stream]++] = op;
  return b->n_stream[stream];
}

/* The operation added last waits for `count` operations of `stream`. */
static inline void hm_wait(Handmade *hm, guint block, MoeStream stream, guint count)
{
  HmBlock *b = &hm->block[block];

  b->waits[b->n_waits++] = (MoeWait){.stream = stream, .count = count};
  b->ops[b->n_ops - 1].n_waits++;
}

/* A compute operation of `seconds`. */
static inline guint hm_busy(Handmade *hm, guint block, double seconds)
{
  hm->delays[hm->program.n_delays] = (MoeDelay){seconds, MOE_PASS_FORWARD};
  return hm_op(hm, block, MOE_OP_DELAY, MOE_STREAM_COMPUTE, hm->program.n_delays++);
}

static inline guint hm_collective(Handmade *hm, guint block, MoeStream stream, MoeCollective collective)
{
  hm->collectives[hm->program.n_collectives] = collective;
  return hm_op(hm, block, MOE_OP_COLLECTIVE, stream, hm->program.n_collectives++);
}

/* An operation that costs the host one launch and the GPU nothing: a collective of one. */
static inline guint hm_nothing(Handmade *hm, guint block)
{
  return hm_collective(
      hm, block, MOE_STREAM_REDUCE,
      (MoeCollective){.kind = MOE_ALL_REDUCE, .group = MOE_GROUP_CONTEXT, .bytes = 1, .name = "nothing"});
}

static inline MoeCall *hm_call(Handmade *hm, guint role, guint block)
{
  MoeCall *call = &hm->calls[role][hm->roles[role].n_calls++];

  call->block = block;
  for (int m = 0; m < MOE_CALL_MESSAGES; m++)
    call->message[m] = MOE_NO_MESSAGE;
  hm->program.n_roles = MAX(hm->program.n_roles, role + 1);
  return call;
}

static inline uint32_t hm_message(Handmade *hm, guint from, guint to, double bytes)
{
  hm->messages[hm->program.n_messages] = (MoeMessage){.from_stage = from, .to_stage = to, .bytes = bytes};
  return hm->program.n_messages++;
}

static inline void hm_freeze(Handmade *hm)
{
  for (guint b = 0; b < HM_MAX_BLOCKS; b++) {
    HmBlock *from = &hm->block[b];
    MoeBlock *to = &hm->blocks[b];

    *to = (MoeBlock){
        .name = "block", .n_ops = from->n_ops, .n_waits = from->n_waits, .ops = from->ops, .waits = from->waits};
    for (int s = 0; s < MOE_N_STREAMS; s++) {
      to->n_stream[s] = from->n_stream[s];
      to->stream_ops[s] = from->stream_ops[s];
    }
  }
  for (guint r = 0; r < hm->program.n_roles; r++) {
    MoeRole *role = &hm->roles[r];

    role->stage = r;
    role->calls = hm->calls[r];
    for (guint c = 0; c < role->n_calls; c++)
      for (int s = 0; s < MOE_N_STREAMS; s++) {
        hm->calls[r][c].base[s] = role->total[s];
        role->total[s] += hm->blocks[hm->calls[r][c].block].n_stream[s];
      }
  }
  hm->program.n_blocks = HM_MAX_BLOCKS;
  hm->program.roles = hm->roles;
  hm->program.blocks = hm->blocks;
  hm->program.kernels = hm->kernels;
  hm->program.collectives = hm->collectives;
  hm->program.copies = hm->copies;
  hm->program.messages = hm->messages;
  hm->program.delays = hm->delays;
  hm->program.layout = hm->layout;
}

/* Runs and returns the result; the cost model is that of the handmade accelerator, with whatever families the run
 * holds. */
static inline MoeSimResult *hm_run(Handmade *hm, MoeSimOptions options)
{
  GError *error = NULL;

  if (!hm->topo)
    hm_freeze(hm);
  if (!hm->topo)
    hm->topo = moe_topo_new(&hm->run.cluster, hm->run.parallelism.gpus, 0, NULL, &error);
  ck_assert_msg(hm->topo != NULL, "%s", error ? error->message : "?");
  MoeSimResult *result = moe_sim_run(&hm->program, &hm->run, hm->topo, hm->cost, &options, &error);
  ck_assert_msg(result != NULL, "%s", error ? error->message : "?");
  return result;
}

static inline double hm_sum_causes(const MoeSimResult *result)
{
  double sum = 0;

  for (int c = 0; c < MOE_N_CAUSES; c++)
    sum += result->cause_s[c];
  return sum;
}

#endif
