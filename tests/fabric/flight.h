/* A fabric in flight for tests: starts activities at given times, records when each is delivered. */
#ifndef TESTS_FABRIC_FLIGHT_H
#define TESTS_FABRIC_FLIGHT_H

#include "coll/machine.h"

#include "fabric/fabric.h"

#define MAX_FLIGHTS 4096

typedef struct {
  MoeCluster cluster;
  MoeTopo *topo;
  MoeEngine *engine;
  MoeFabric *fabric;
  uint32_t start_class;
  MoeTime delivered[MAX_FLIGHTS]; /* by tag; -1 = still under way */
  struct {
    MoeCollPlan plan;
    guint n; /* 0: one message from gpus[0] to gpus[1] */
    const uint32_t *gpus, *index;
  } starts[MAX_FLIGHTS];
} Flight;

static inline void flight_init(Flight *flight, MoeCluster cluster, int64_t gpus)
{
  *flight = (Flight){.cluster = cluster};
  flight->topo = machine_topo(&flight->cluster, gpus);
  flight->engine = moe_engine_new(MOE_CALENDAR_WHEEL);
  flight->start_class = moe_engine_add_class(flight->engine, FALSE, 0);
  flight->fabric = moe_fabric_new(flight->engine, flight->topo);
  moe_fabric_count_carried(flight->fabric);
  for (guint i = 0; i < MAX_FLIGHTS; i++)
    flight->delivered[i] = -1;
}

static inline void flight_clear(Flight *flight)
{
  moe_fabric_free(flight->fabric);
  moe_engine_free(flight->engine);
  moe_topo_free(flight->topo);
}

/* The arrays must outlive the flight. */
static inline void flight_at(Flight *flight, uint32_t tag, MoeTime time, const MoeCollPlan *plan, guint n,
                             const uint32_t *gpus, const uint32_t *index)
{
  flight->starts[tag].plan = *plan;
  flight->starts[tag].n = n;
  flight->starts[tag].gpus = gpus;
  flight->starts[tag].index = index;
  moe_engine_post(flight->engine, flight->start_class, tag, time);
}

static inline void flight_start(Flight *flight, uint32_t tag)
{
  const uint32_t *gpus = flight->starts[tag].gpus;

  if (flight->starts[tag].n == 0)
    moe_fabric_start_p2p(flight->fabric, &flight->starts[tag].plan, gpus[0], gpus[1], tag);
  else
    moe_fabric_start(flight->fabric, &flight->starts[tag].plan, flight->starts[tag].n, gpus, flight->starts[tag].index,
                     tag);
}

/* Until nothing is pending. */
static inline void flight_run(Flight *flight)
{
  MoeEvent event;
  uint32_t tag;

  while (moe_engine_pop(flight->engine, &event)) {
    if (event.klass == flight->start_class)
      flight_start(flight, event.id);
    else if (moe_fabric_handle(flight->fabric, &event, &tag))
      flight->delivered[tag] = event.time;
  }
}

/* A message of `bytes` over the NICs, nothing else. */
static inline MoeCollPlan flight_message(double bytes)
{
  MoeCollPlan plan = {.algorithm = "message", .cap_bytes_per_s = INFINITY};

  plan.port_bytes[MOE_PORT_NIC_OUT] = plan.port_bytes[MOE_PORT_NIC_IN] = bytes;
  return plan;
}

#endif
