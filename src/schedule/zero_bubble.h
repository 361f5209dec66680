/* zero_bubble, private: the order that the handcrafted zero-bubble schedules share. */
#ifndef MOESIM_SCHEDULE_ZERO_BUBBLE_H
#define MOESIM_SCHEDULE_ZERO_BUBBLE_H

#include "internal.h"

/* `warm` forward passes, then forward, data gradient, weight gradient in turn, weight gradients lagging `lag` behind.
 */
void moe_zero_bubble_actions(const MoePlacement *placement, int64_t warm, int64_t lag, GArray *actions);

#endif
