/* One message between two GPUs, and copies between GPU and host memory. */
#include "internal.h"

#include <math.h>
#include <string.h>

/* Set-up of one asynchronous copy on a copy engine: cudaMemcpyAsync of a few bytes takes about 10 us end to end of
 * which launch is the host's; the engine's part is a few microseconds (torchcomms GPE results, 8 B to 4 KiB). */
#define COPY_LATENCY_S 3e-6

static void network_leg(const MoeCollRequest *request, MoeCollWork *work, double bytes)
{
  const MoeCollectiveFit *fit = &request->cluster->network.collectives;

  moe_coll_set_bytes(work, 0, bytes);
  work->steps_s = moe_coll_network_step_s(request, fit->send_s, moe_topo_latency(request->topo, request->reach));
  work->network_chunk_s = fit->send_chunk_s;
  work->network_window_s = fit->send_window_s;
  work->leaf_share = request->hop_leaf;
}

static void domain_leg(const MoeCollRequest *request, MoeCollWork *work, double bytes)
{
  const MoeCollectiveFit *fit = &request->cluster->domain.collectives;

  moe_coll_set_bytes(work, bytes, 0);
  work->steps_s = moe_coll_domain_step_s(request, fit->send_s, request->inside.far_s);
  work->scattered = TRUE;
  work->chunk_s = fit->send_chunk_s;
  work->window_s = fit->send_window_s;
}

void moe_coll_plan_p2p(const MoeTopo *topo, const MoeStackCollectives *stack, int64_t from, int64_t to, double bytes,
                       MoeCollPlan *plan)
{
  const MoeCollective send = {.kind = MOE_BROADCAST, .bytes = bytes};
  const int64_t gpus[] = {from, to};
  MoeCollRequest request;
  MoeCollWork work = {.single = TRUE, .nvlink_share = 1, .network_share = 1, .sms = stack->sms_p2p};

  *plan = (MoeCollPlan){.algorithm = "none", .cap_bytes_per_s = INFINITY};
  if (from == to)
    return;
  moe_coll_request_init(&request, topo, stack, &send, &(MoeCollGroup){2, gpus});
  if (request.reach == MOE_REACH_DOMAIN)
    domain_leg(&request, &work, bytes);
  else
    network_leg(&request, &work, bytes);
  moe_coll_finish(&request, &work, MOE_SIMPLE, "send", plan);
}

void moe_coll_plan_copy(const MoeTopo *topo, const MoeCopy *copy, MoeCollPlan *plan)
{
  *plan = (MoeCollPlan){.algorithm = "copy",
                        .cap_bytes_per_s = INFINITY,
                        .latency = moe_time_from_seconds(COPY_LATENCY_S),
                        .memory_bytes = copy->bytes};
  plan->port_bytes[copy->to_host ? MOE_PORT_HOST_OUT : MOE_PORT_HOST_IN] = copy->bytes;
  g_assert(moe_topo_port_bytes_per_s(topo, MOE_PORT_HOST_OUT) > 0);
}
