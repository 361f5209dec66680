/* Expected spread of a token's copies over ranks or domains: exact for balanced random routing. */
#include "internal.h"

#include <math.h>

/* ln Gamma without the sign that lgamma() leaves in a global variable. */
static double log_gamma(double x)
{
  int sign;

  return lgamma_r(x, &sign);
}

/* ln C(n, k) for real n >= k >= 0; -inf when impossible. */
static double log_choose(double n, double k)
{
  if (k < 0 || n < k)
    return -INFINITY;
  return log_gamma(n + 1) - log_gamma(k + 1) - log_gamma(n - k + 1);
}

/* Probability that k distinct experts out of `experts` miss all `part` of them: C(experts - part, k) / C(experts, k).
 */
static double miss(double experts, double part, double k)
{
  return exp(log_choose(experts - part, k) - log_choose(experts, k));
}

/* A part that lies inside one group of `group` experts: the group is chosen with probability top_groups / groups, and
 * then k of the chosen groups' experts are. */
static double hit_inside_group(const MoeCollective *c, double group, double part)
{
  double chosen = (double)c->top_groups;

  return chosen / (double)c->expert_groups * (1 - miss(chosen * group, part, (double)c->top_k));
}

/* A part that holds `whole` groups, with `share` of the experts of each: sum over how many of them are chosen
 * (hypergeometric). */
static double hit_groups(const MoeCollective *c, double group, double whole, double share)
{
  double groups = (double)c->expert_groups, chosen = (double)c->top_groups, hit = 0;

  for (double j = 1; j <= MIN(whole, chosen); j++) {
    double p = exp(log_choose(whole, j) + log_choose(groups - whole, chosen - j) - log_choose(groups, chosen));

    hit += p * (1 - miss(chosen * group, j * group * share, (double)c->top_k));
  }
  return hit;
}

double moe_coll_expected_parts(const MoeCollective *c, int64_t parts, double share)
{
  double experts = (double)c->experts, part = experts / (double)parts;
  gboolean limited = c->expert_groups > 1 && c->top_groups > 0 && c->top_groups < c->expert_groups;

  if (!limited)
    return (double)parts * (1 - miss(experts, share * part, (double)c->top_k));
  double group = experts / (double)c->expert_groups;
  if (part <= group)
    return (double)parts * hit_inside_group(c, group, share * part);
  return (double)parts * hit_groups(c, group, round(part / group), share);
}
