/* The best layouts so far, and what else could be among them. */
#include "searching.h"

#include <string.h>

double moe_searching_value(const Searching *s, const MoeLayoutChoice *choice, double step_s)
{
  double gpus = choice->value[MOE_DIMENSION_GPUS];

  switch (s->options->objective) {
  case MOE_OBJECTIVE_MFU:
    return step_s * gpus;
  case MOE_OBJECTIVE_COST:
    return step_s * gpus * s->price_gpu_s;
  default:
    return step_s;
  }
}

/* Values above this cannot enter the ranking any more. */
static double threshold(const Searching *s)
{
  const MoeSearchResult *r = s->result;

  return r->n_ranked < s->options->top ? s->limit : MIN(s->limit, r->ranked[r->n_ranked - 1].value);
}

/* Equal values stand in the order of enumeration, kept in bound_s's place of origin: by choice. */
static gboolean is_before(const MoeCandidate *a, const MoeCandidate *b)
{
  if (a->value != b->value)
    return a->value < b->value;
  return memcmp(&a->choice, &b->choice, sizeof a->choice) < 0;
}

/* Puts a candidate where it belongs; what falls off the end is freed. */
void moe_searching_rank(Searching *s, MoeCandidate *candidate)
{
  MoeSearchResult *r = s->result;
  guint at = r->n_ranked;

  s->result->own_behind += candidate->value < s->own_value;
  while (at > 0 && is_before(candidate, &r->ranked[at - 1]))
    at--;
  if (candidate->value > s->limit || at >= s->options->top) {
    moe_result_free(candidate->result);
    return;
  }
  if (r->n_ranked == s->options->top)
    moe_result_free(r->ranked[--r->n_ranked].result);
  memmove(&r->ranked[at + 1], &r->ranked[at], (r->n_ranked - at) * sizeof *r->ranked);
  r->ranked[at] = *candidate;
  r->n_ranked++;
}

gboolean moe_searching_is_own(const Searching *s, const MoeCandidate *candidate)
{
  return memcmp(&candidate->choice, &s->result->own.choice, sizeof candidate->choice) == 0;
}

double moe_searching_longest(const Searching *s, const MoeLayoutChoice *choice)
{
  return threshold(s) / moe_searching_value(s, choice, 1);
}

void moe_searching_miss(Searching *s, const MoeCandidate *candidate)
{
  double bound_s = MAX(candidate->bound_s, 0);

  if (s->result->n_not_reached == 0 || bound_s < s->result->not_reached_s)
    s->result->not_reached_s = bound_s;
  s->result->n_not_reached++;
}
