/* The set that meets all rows best, and rows that no set meets together. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define TIGHT     0.005 /* scatter that is allowed when the best set is sought */
#define SEEKERS   400   /* particles that seek it */
#define FINALISTS 8     /* of the best sets by the surrogates, that are simulated */
#define ROUNDS    2     /* then the surrogates learn from them and it starts again */
#define MOST      8     /* rounds, as long as the surrogates promise a set that simulations do not keep */

typedef struct {
  double worst;
  const double *state;
} Candidate;

static int by_worst(const void *a, const void *b)
{
  const Candidate *x = a, *y = b;

  if (x->worst != y->worst)
    return x->worst < y->worst ? -1 : 1;
  return (x->state > y->state) - (x->state < y->state); /* their order in one array: that of the draws */
}

/* Sought with a likelihood that forgives nothing; the best states first, *pool holds them. */
static GArray *seek(const MoeProblem *problem, const gboolean *counts, MoeParticles **pool)
{
  MoeLikelihood tight = {.problem = problem, .counts = counts, .tightness = TIGHT};
  MoeSmc smc = moe_problem_smc(&tight, SEEKERS);
  GArray *candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));

  smc.n_normals = 0;
  *pool = moe_smc_run(&smc);
  for (guint k = 0; k < (*pool)->n; k++) {
    const double *state = (*pool)->state + (gsize)k * (*pool)->d;
    Candidate candidate = {moe_worst_row(&tight, state), state};

    g_array_append_val(candidates, candidate);
  }
  g_array_sort(candidates, by_worst);
  return candidates;
}

/* ---- the best set ------------------------------------------------------------------------------------------------ */

/* Simulates all cases to learn from at each of the first states; gives the shots to their cases. */
static MoeShot *simulate_finalists(MoeProblem *problem, const GArray *candidates, guint n, guint *n_cases,
                                   GError **error)
{
  g_autoptr(GArray) wishes = g_array_new(FALSE, FALSE, sizeof(MoeShotWish));

  *n_cases = 0;
  for (guint i = 0; i < problem->cases->len; i++)
    *n_cases += !moe_problem_case(problem, i)->held_out;
  for (guint k = 0; k < n; k++)
    for (guint i = 0; i < problem->cases->len; i++) {
      const MoeInferCase *c = moe_problem_case(problem, i);
      MoeShotWish wish = {i, c->held_out ? NULL : moe_case_shares(c, g_array_index(candidates, Candidate, k).state)};

      if (!c->held_out)
        g_array_append_val(wishes, wish);
    }
  MoeShot *shots = moe_simulate(problem, (const MoeShotWish *)(gconstpointer)wishes->data, wishes->len, error);
  for (guint i = 0; i < wishes->len; i++)
    g_free(g_array_index(wishes, MoeShotWish, i).share);
  return shots;
}

/* The largest miss of the rows at one finalist, by its simulations. */
static double miss_of(const MoeProblem *problem, const MoeShot *shots)
{
  double worst = 0;
  guint at = 0;

  for (guint i = 0; i < problem->cases->len; i++) {
    if (moe_problem_case(problem, i)->held_out)
      continue;
    const MoeShot *shot = &shots[at++];

    for (guint r = 0; r < problem->rows->len; r++) {
      const MoeDatum *row = moe_problem_row(problem, r);

      if (row->of == i)
        worst = fmax(worst, shot->failure ? HUGE_VAL : fabs(row->target - shot->said[row->said]));
    }
  }
  return worst;
}

static void keep_shots(MoeProblem *problem, MoeShot *shots, guint n)
{
  guint at = 0;

  for (guint k = 0; k < n; k++)
    for (guint i = 0; i < problem->cases->len; i++)
      if (!moe_problem_case(problem, i)->held_out)
        g_array_append_val(moe_problem_case(problem, i)->shots, shots[at++]);
  g_free(shots);
}

/* *promised: the least largest miss that the surrogates had a set for. */
static gboolean seek_best(MoeProblem *problem, double *best, double *miss, double *promised, GError **error)
{
  g_autoptr(MoeParticles) pool = NULL;
  g_autoptr(GArray) candidates = seek(problem, NULL, &pool);
  guint n = MIN(FINALISTS, candidates->len), n_cases;
  MoeShot *shots = simulate_finalists(problem, candidates, n, &n_cases, error);

  if (!shots)
    return FALSE;
  *promised = n > 0 ? g_array_index(candidates, Candidate, 0).worst : HUGE_VAL;
  for (guint k = 0; k < n; k++) {
    double found = miss_of(problem, shots + (gsize)k * n_cases);

    if (found < *miss) {
      *miss = found;
      memcpy(best, g_array_index(candidates, Candidate, k).state, sizeof *best * problem->keys->len);
    }
  }
  keep_shots(problem, shots, n);
  return moe_surrogates_fit(problem, error);
}

/* ---- what no set meets ------------------------------------------------------------------------------------------- */

static gboolean can_meet(const MoeProblem *problem, const gboolean *counts, double within)
{
  g_autoptr(MoeParticles) pool = NULL;
  g_autoptr(GArray) candidates = seek(problem, counts, &pool);

  return candidates->len > 0 && g_array_index(candidates, Candidate, 0).worst <= within;
}

/* Rows are left out one after another as long as the rest cannot be met: what stays is in conflict, and no part of it
 * is (the deletion filter of Chinneck 2008). */
static void find_conflict(const MoeProblem *problem, double within, MoeInference *inference)
{
  guint n = problem->rows->len;
  g_autofree gboolean *counts = g_new0(gboolean, n + 1);

  for (guint i = 0; i < n; i++)
    counts[i] = moe_problem_row(problem, i)->surrogate != NULL;
  if (can_meet(problem, counts, within))
    return; /* by the surrogates there is such a set; simulations of it fell short by little */
  for (guint i = 0; i < n; i++) {
    if (!counts[i])
      continue;
    counts[i] = FALSE;
    counts[i] = can_meet(problem, counts, within);
  }
  for (guint i = 0; i < n; i++)
    inference->n_conflict += counts[i];
  inference->conflict = g_new0(guint, inference->n_conflict + 1);
  for (guint i = 0, at = 0; i < n; i++)
    if (counts[i])
      inference->conflict[at++] = i;
}

/* ---- entry ------------------------------------------------------------------------------------------------------- */

static char **sets_of(const MoeInferCase *c, const double *best)
{
  char **sets = g_new0(char *, c->n_varied + 1);

  for (guint i = 0; i < c->n_varied; i++)
    sets[i] = moe_varied_set(&c->varied[i], best[c->unknown[i]]);
  return sets;
}

static void state_best(const MoeProblem *problem, MoeInference *inference)
{
  guint n = problem->cases->len;

  inference->n_cases = n;
  inference->case_name = g_new0(char *, n + 1);
  inference->case_best = g_new0(char **, n + 1);
  for (guint i = 0; i < n; i++) {
    inference->case_name[i] = g_strdup(moe_problem_case(problem, i)->name);
    inference->case_best[i] = sets_of(moe_problem_case(problem, i), inference->best);
  }
}

gboolean moe_infer_explain(MoeProblem *problem, const MoeParticles *particles, MoeInference *inference, GError **error)
{
  double miss = HUGE_VAL, promised = 0, within = log1p(problem->options->within);

  inference->best = g_memdup2(particles->state, sizeof(double) * (problem->keys->len + 1));
  for (guint round = 0; miss > within && (round < ROUNDS || (round < MOST && promised <= within)); round++)
    if (!seek_best(problem, inference->best, &miss, &promised, error))
      return FALSE;
  inference->explained = miss <= within;
  if (!inference->explained)
    find_conflict(problem, within, inference);
  state_best(problem, inference);
  return TRUE;
}
