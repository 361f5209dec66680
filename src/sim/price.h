/* Between price.c, issue.c and busy.c. */
#ifndef MOESIM_SIM_PRICE_H
#define MOESIM_SIM_PRICE_H

#include "internal.h"

/* A priced kernel, as the account counts it; what it adds when it runs a number of `times`, 0 before that is worked
 * out. */
typedef struct {
  double kept_s, pace, flop; /* of one run */
  uint8_t pass, scope;
  MoeCost cost;
  double times;
  double busy_s, wait_s, executed_flop;
  uint8_t cause; /* that takes all of it, or MOE_CAUSE_MATH: shared as follows */
  double math_s, padding_s, inefficiency_s;
  uint8_t first_reason, end_reason; /* those between add something */
  double reason_s[MOE_N_REASONS];
} Price;

/* `kept_s` is what the counterfactual leaves of the kernel, `pace` the factor on its duration. */
void sim_busy_price(Price *price, const MoeKernel *kernel, const MoeCost *cost, double kept_s, double pace);
/* Prices kernel k of a load class once more, undisturbed: for a timeline. */
void sim_price_alone(const Sim *sim, guint load, guint k, Price *price);
/* Adds to `cause_s` what one run of a kernel takes, by cause; returns the cause of most of it. */
MoeCause sim_busy_causes(Price *price, double cause_s[MOE_N_CAUSES]);
/* Counts one step of a role in a load class, whose prices these are, into sim->role. */
void sim_busy_count(Sim *sim, guint role, guint load, Price *prices);

/* What the host pays on the run's CPU. */
typedef struct {
  const Sim *sim;
  double launch_s;   /* per kernel, the framework operations that it takes included */
  double transfer_s; /* of anything but a kernel */
  double call_s[MOE_N_HOST_CALLS];
} Issue;

gboolean sim_issue_init(const Sim *sim, Issue *issue, GError **error);
/* Host time to issue one operation after another (NULL: nothing before it). */
MoeTime sim_issue_cost(const Issue *issue, const MoeOp *op, const MoeOp *before);
/* Issue times and synchronizations of a block. */
void sim_issue_plan(const Issue *issue, const MoeBlock *block, BlockPlan *plan);

#endif
