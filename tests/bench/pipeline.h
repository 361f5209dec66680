/* One workload for two simulators: REPLICAS pipelines of STAGES hosts. Each host executes BATCHES tasks in order; a
 * task waits for the message of the same batch from the stage before, and sends one to the next stage when it ends. */
#ifndef MOESIM_BENCH_PIPELINE_H
#define MOESIM_BENCH_PIPELINE_H

enum { STAGES = 8, REPLICAS = 1024, BATCHES = 7 };

#define HOSTS      (STAGES * REPLICAS)
#define ACTIVITIES ((STAGES + STAGES - 1) * REPLICAS * BATCHES)

/* Link of a host in each direction, task and message; tasks vary by a relative standard deviation of VARIATION. */
#define LINK_BYTES_PER_S 10e9
#define LATENCY_S        5e-6
#define TASK_S           1e-3
#define VARIATION        0.02
#define MESSAGE_BYTES    4e6

#endif
