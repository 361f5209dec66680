/*
 * metrics: what a simulated step means - MFU, throughput, waterfall, memory peak.
 *
 * Floor 7. Uses what is below. Knows no sim internals, no output format.
 */
#ifndef MOESIM_METRICS_H
#define MOESIM_METRICS_H

#include "program/program.h"
#include "sim/sim.h"
#include "spec/spec.h"

G_BEGIN_DECLS

/* Everything a prediction says. Strings are owned. */
typedef struct {
  char *run, *variant, *cluster, *stack; /* variant may be NULL */
  gboolean rumour;
  int64_t gpus;
  int64_t global_batch, sequence_length; /* sequences per step, tokens of one */
  MoeFidelity fidelity;
  uint64_t seed;
  double parameters_total, parameters_active;
  double model_flops_per_token_causal, model_flops_per_token_full;
  double tokens_per_step, step_time_s, tokens_per_s, tokens_per_s_per_gpu;
  double model_flop_per_s_per_gpu_causal, model_flop_per_s_per_gpu_full;
  double mfu_causal, mfu_full, hfu; /* fractions of peak_flop_per_s */
  double peak_flop_per_s;           /* denominator, per GPU */
  const char *peak_precision;       /* "bf16" */
  struct {
    gboolean present, full_convention;
    double mfu, step_time_s, tokens_per_s_per_gpu, model_flop_per_s_per_gpu,
        peak_flop_per_s; /* 0 = not published; step_time_s may be
                             derived from the others */
    gboolean step_time_derived;
    char *source;
  } published;
  struct {
    double peak_bytes, capacity_bytes, headroom_bytes;
    gboolean fits; /* the peak and the headroom together are within the capacity */
    double part_bytes[MOE_N_MEMORY_PARTS];
    guint peak_role; /* pipeline stage that peaks */
    guint n_roles;
    MoeFootprint *role; /* [n_roles] */
  } memory;
  struct {
    guint samples; /* combinations of the assumptions that were predicted; 0 = none asked for, the rest is 0 */
    double mfu_causal_p10, mfu_causal_p90, mfu_full_p10, mfu_full_p90, step_time_p10_s,
        step_time_p90_s; /* NaN: none exists */
  } interval;
  double cause_s[MOE_N_CAUSES];   /* mean over GPUs, sums to step_time_s */
  double reason_s[MOE_N_REASONS]; /* detail of math + kernel inefficiency + padding */
  double scope_s[MOE_N_SCOPES];
  double pass_s[MOE_N_PASSES];
  double traffic_nvlink_bytes, traffic_network_bytes, traffic_host_bytes; /* per GPU */
  double price_gpu_hour, gpu_power_w, power_overhead; /* of the cluster: dollars, watts, factor; 0 = unknown */
  double extrapolated_share; /* of the time of all kernels, each alone on the GPU: priced beyond what was measured */
  double training_tokens;    /* of the training that is asked about; 0 = none */
  uint64_t events, operations;
  double wall_time_s; /* of the prediction on this machine: the one field that is not reproducible */
} MoeResult;

/* Derives a result from a simulation. */
MoeResult *moe_metrics_result(const MoeRun *run, const MoeProgram *program, const MoeSimResult *sim, uint64_t seed);
void moe_result_free(MoeResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeResult, moe_result_free)

/* MFU of a measured run: model FLOPs per step / (step time x GPUs x peak). */
typedef struct {
  double parameters;               /* active parameters (all of a dense model) */
  double attention_flop_per_token; /* added to 6 x parameters; may be 0 */
  double flop_per_token;           /* given directly; 0 = from the above */
  double tokens_per_step, step_time_s, gpus, peak_flop_per_s;
  gboolean lora; /* no weight-gradient pass: 4 x parameters instead of 6 */
} MoeMeasuredRun;
double moe_measured_mfu(const MoeMeasuredRun *measured);

/* Published step time of a run: given, or derived from throughput or MFU with its own convention and peak. 0 = nothing
 * published. */
double moe_published_step_time(const MoeRun *run, gboolean *derived);

G_END_DECLS

#endif
