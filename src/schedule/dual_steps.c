/* The eight steps of DualPipe. Names in comments are those of DeepSeek's implementation: nF0 = forward passes of lane
 * 0, B backward, W weight gradients left over from a split backward pass. */
#include "dual_steps.h"

typedef struct {
  const MoeDualOrder *order;
  GArray *out;
  int64_t forward[2], backward[2]; /* next micro-batch of each lane */
  GArray *weights;                 /* int64_t pairs (lane, batch) of weight gradients left for later, in order */
  guint next_weight;
} Walk;

static void forward(Walk *walk, int lane)
{
  moe_action_add(walk->out, MOE_ACTION_FORWARD, walk->order->chunk[lane],
                 walk->order->first[lane] + walk->forward[lane]++);
}

static void backward(Walk *walk, int lane, gboolean split)
{
  int64_t entry[2] = {lane, walk->backward[lane]++};

  moe_action_add(walk->out, split ? MOE_ACTION_DGRAD : MOE_ACTION_BACKWARD, walk->order->chunk[lane],
                 walk->order->first[lane] + entry[1]);
  if (split)
    g_array_append_vals(walk->weights, entry, 2);
}

static void weight(Walk *walk)
{
  if (2 * walk->next_weight >= walk->weights->len)
    return;
  int64_t lane = g_array_index(walk->weights, int64_t, 2 * walk->next_weight);
  int64_t batch = g_array_index(walk->weights, int64_t, 2 * walk->next_weight + 1);

  walk->next_weight++;
  moe_action_add(walk->out, MOE_ACTION_WGRAD, walk->order->chunk[lane], walk->order->first[lane] + batch);
}

static void both(Walk *walk, int f, int b)
{
  const MoeDualOrder *order = walk->order;

  moe_action_add_both(walk->out, order->chunk[f], order->first[f] + walk->forward[f]++, order->chunk[b],
                      order->first[b] + walk->backward[b]++);
}

/* Steps 1 to 3: fill. nF0, nF0F1, nB1W1F1. */
static void fill(Walk *walk, int64_t outer)
{
  for (int64_t i = 0; i < 2 * outer; i++)
    forward(walk, 0);
  for (int64_t i = 0; i <= walk->order->rank; i++) {
    forward(walk, 0);
    forward(walk, 1);
  }
  for (int64_t i = 0; i < outer; i++) {
    backward(walk, 1, TRUE);
    weight(walk);
    forward(walk, 1);
  }
}

/* Steps 4 and 5: nF0B1F1B0, nB1F1B0. */
static void steady(Walk *walk, int64_t outer)
{
  for (int64_t i = 0; i < walk->order->steady + walk->order->rank + 1; i++) {
    if (i == 0 && walk->order->middle) {
      forward(walk, 0);
      backward(walk, 1, FALSE);
    } else {
      both(walk, 0, 1);
    }
    both(walk, 1, 0);
  }
  for (int64_t i = 0; i < outer; i++) {
    backward(walk, 1, FALSE);
    both(walk, 1, 0);
  }
}

/* Steps 6 to 8: drain. nB1B0 with its second half split, nWB0, nW. */
static void drain(Walk *walk, int64_t outer)
{
  int64_t pairs = walk->order->rank + 1;
  gboolean split = FALSE;

  for (int64_t i = 0; i < pairs; i++) {
    if (i == pairs / 2 && walk->order->rank % 2 == 1)
      split = TRUE;
    backward(walk, 1, split);
    if (i == pairs / 2 && walk->order->rank % 2 == 0)
      split = TRUE;
    backward(walk, 0, split);
  }
  for (int64_t i = 0; i < outer; i++) {
    weight(walk);
    backward(walk, 0, TRUE);
  }
  for (int64_t i = 0; i < pairs; i++)
    weight(walk);
  while (2 * walk->next_weight < walk->weights->len)
    weight(walk);
}

void moe_dualpipe_actions(const MoeDualOrder *order, GArray *actions)
{
  g_autoptr(GArray) weights = g_array_new(FALSE, FALSE, sizeof(int64_t));
  Walk walk = {.order = order, .out = actions, .weights = weights};
  int64_t outer = order->depth - order->rank - 1;

  fill(&walk, outer);
  steady(&walk, outer);
  drain(&walk, outer);
}
