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

/* Derives a result from a simulation. */
MoeResult *moe_metrics_result(const MoeRun *run, const MoeProgram *program, const MoeSimResult *sim, uint64_t seed);
/* MFU of a measured run: model FLOPs per step / (step time x GPUs x peak). */
typedef struct {
  double parameters;               /* active parameters (all of a dense model) */
  double attention_flop_per_token; /* added to 6 x parameters; may be 0 */
  double flop_per_token;           /* given directly; 0 = from the above */
  double tokens_per_step, step_time_s, gpus, peak_flop_per_s;
  gboolean lora; /* no weight-gradient pass: 4 x parameters instead of 6 */
} MoeMeasuredRun;
double moe_measured_mfu(const MoeMeasuredRun *measured);

/* A measured run whose model may be known; `causal` and `full` are model FLOPs per token by convention, 0 where they
 * are not told apart. */
typedef struct {
  MoeMeasuredRun measured;
  double causal, full;
} MoeMeasuredQuestion;

/* All that a run says of it: model FLOPs, batch, GPUs, and the peak that its published convention brings, else the
 * quoted one; the step time is left. */
void moe_measured_question(const MoeRun *run, MoeMeasuredQuestion *question);
/* The MFU by both conventions, fractions; the same twice where they are not told apart. */
double moe_measured_question_mfu(const MoeMeasuredQuestion *question);
double moe_measured_question_full(const MoeMeasuredQuestion *question);

/* Published step time of a run: given, or derived from throughput or MFU with its own convention and peak. 0 = nothing
 * published. */
double moe_published_step_time(const MoeRun *run, gboolean *derived);

G_END_DECLS

#endif
