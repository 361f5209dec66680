/*
 * sim: executes a program on a topology - streams, host, fabric - and accounts for every instant of every GPU.
 *
 * Floor 6. Uses base, engine, spec, topo, cost, program, share, coll, fabric. Knows no YAML, no files.
 *
 * A *unit* is a simulated GPU: one rank (full fidelity) or one rank standing for `multiplicity` ranks that provably do
 * the same (folded). Each unit's streams run their operations in order; the host issues all of them one after another
 * at the stack's launch cost, so an operation starts at
 *
 *     max(end of the stream's previous operation, issued, its waits)
 *
 * Consecutive kernels that wait for nothing else are one event: their end is max(start + D, host + H) with D the sum of
 * durations and H the latest issue time plus what follows it (a max-plus line), which is exact.
 */
#ifndef MOESIM_SIM_H
#define MOESIM_SIM_H

#include "cost/cost.h"
#include "fabric/fabric.h"
#include "program/program.h"
#include "spec/spec.h"
#include "topo/topo.h"

G_BEGIN_DECLS

/* Over what a GPU's bytes leave it. */
typedef enum { MOE_LINK_NVLINK, MOE_LINK_NETWORK, MOE_LINK_HOST, MOE_N_LINKS } MoeLink;

/* One slice or marker for a timeline. Times are picoseconds from the start of the step. */
typedef struct MoeSlice {
  int64_t rank;
  uint8_t stream; /* MoeStream, or MOE_N_STREAMS for the idle causes of the compute stream */
  uint8_t pass;   /* MoePass */
  uint8_t cause;  /* MoeCause: of an idle slice, of waiting for a transfer, of most of a kernel */
  int16_t layer;  /* -1 none */
  uint32_t micro_batch;
  uint32_t message;  /* pipeline message id for send / receive (flows), MOE_NO_MESSAGE otherwise */
  const char *name;  /* static */
  const char *block; /* static for the program's life */
  MoeTime start, end;
  const MoeKernel *kernel;         /* of a kernel: as this rank runs it; valid during the call. NULL otherwise */
  const MoeCollective *collective; /* of a collective; likewise */
  const char *algorithm;           /* of a collective, static */
  int64_t
      group; /* of a collective: which group of its kind; with stream and start it tells one collective from another */
  int64_t members;      /* of that group */
  double payload_bytes; /* of a message or copy: what is moved; of a collective as in MoeCollective */
  double
      cause_s[MOE_N_CAUSES]; /* of the compute stream and idle time: to what each second belongs; sums to the slice */
  double sent_bytes[MOE_N_LINKS]; /* of a transfer: what this GPU sends; copies count in both directions */
  double memory_start_bytes,
      memory_end_bytes; /* by which the GPU's memory in use changes when the operation starts and ends */
} MoeSlice;

/* What a step sends and what links carry, all in bytes. By group kind; the last are pipeline messages. */
typedef struct MoeSimTraffic {
  double *link_bytes; /* [moe_topo_n_resources], the caller's; only in full fidelity every link is counted */
  double nvlink_bytes[MOE_N_GROUPS + 1], network_bytes[MOE_N_GROUPS + 1]; /* payload of all ranks together */
  guint n_blocks;        /* of domains, up to n_blocks x block_domains; 0: not asked for */
  int64_t block_domains; /* domains of a block, at least 1 */
  double *between; /* [n_blocks x n_blocks], the caller's, zero: payload over the network from GPUs of one block of
                      domains to those of another. Only in full fidelity */
} MoeSimTraffic;

/* Looks at the links or changes what they carry while a step runs: called at its start and then at the time it said
 * last, later than `now`, as long as anything else is left to happen. Forbids folding. */
typedef struct MoeSimTick {
  MoeTime (*func)(MoeFabric *fabric, MoeTime now, gpointer data);
  gpointer data;
} MoeSimTick;

/* What one unit's step consisted of. */
typedef struct {
  int64_t rank;         /* the simulated rank */
  int64_t multiplicity; /* ranks it stands for */
  guint role;
  MoeTime end;                    /* when its last operation ended */
  double cause_s[MOE_N_CAUSES];   /* sums to the step time */
  double reason_s[MOE_N_REASONS]; /* of the time in kernels other than recompute and optimizer */
  double scope_s[MOE_N_SCOPES];   /* compute-stream busy time by scope */
  double pass_s[MOE_N_PASSES];    /* compute-stream busy time by pass */
} MoeUnitAccount;

typedef struct {
  MoeTime step;
  MoeFidelity fidelity; /* as run: FOLDED or FULL */
  guint n_units;
  MoeUnitAccount *units;        /* NULL where no account is kept (step_alone), and what follows of it 0 */
  double cause_s[MOE_N_CAUSES]; /* means over all GPUs; sum to the step time */
  double reason_s[MOE_N_REASONS];
  double scope_s[MOE_N_SCOPES];
  double pass_s[MOE_N_PASSES];
  double nvlink_bytes, network_bytes, host_bytes; /* payload sent per GPU, mean */
  double hardware_flop; /* FLOPs executed per step over all GPUs, recomputation and padding included */
  uint64_t events;      /* popped from the calendar */
  uint64_t operations;  /* executed, fused or not */
} MoeSimResult;

/* Whether whoever asked for simulations wants no more of them; FALSE and *error (MOE_ERROR_STOPPED) when so. For
 * studies, before they prepare another one. */
gboolean moe_sim_go_on(const MoeSimOptions *options, GError **error);
/* Runs one step. `topo` must have at least as many GPUs as the program has ranks (rank r on GPU r). NULL and *error on
 * failure: a kernel without a path on this accelerator (MOE_ERROR_INPUT), folding demanded where symmetry is broken
 * (MOE_ERROR_INPUT), a program that cannot finish (MOE_ERROR_INTERNAL, names what waits for what), too many events, or
 * the caller ended it (MOE_ERROR_STOPPED). */
MoeSimResult *moe_sim_run(const MoeProgram *program, const MoeRun *run, const MoeTopo *topo, const MoeCostModel *cost,
                          const MoeSimOptions *options, GError **error);
/* ---- prices ------------------------------------------------------------------------------------------------------ */

/* States of a GPU that change what its kernels take. Bits. */
enum {
  MOE_STATE_EXPERT = 1,
  MOE_STATE_COLLECTIVE = 2,
  MOE_N_STATES = 4
}; /* beside dispatch or combine; beside other collectives */

/* What every operation of a program costs on its machine before anything runs: for traces to other simulators. */
typedef struct {
  guint n_loads, n_works; /* works: kernels, then delays */
  MoeTime *duration;      /* [(load * MOE_N_STATES + state) * n_works + work] */
  guint n_blocks;
  MoeTime **issue; /* [n_blocks][n_ops] host time from the start of a call until the operation is issued */
  MoeTime sync;    /* host time of a synchronization once it holds */
} MoeSimPrices;

/* As moe_sim_run prices; kernel jitter apart. */
MoeSimPrices *moe_sim_prices(const MoeProgram *program, const MoeRun *run, const MoeTopo *topo,
                             const MoeCostModel *cost, GError **error);
void moe_sim_prices_free(MoeSimPrices *prices);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeSimPrices, moe_sim_prices_free)

void moe_sim_result_free(MoeSimResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeSimResult, moe_sim_result_free)

G_END_DECLS

#endif
