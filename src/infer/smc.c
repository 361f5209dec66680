/* Tempered particles. */
#include "smc.h"

#include <math.h>
#include <string.h>

#define MOVES          20   /* Metropolis steps per particle and stage */
#define EFFECTIVE      0.5  /* share of the particles that a step of the ladder leaves effective */
#define MAX_STAGES     100  /* of the ladder; a likelihood that needs more is not sampled by this */
#define LEAST_STEP     1e-6 /* of the temperature */
#define REDRAWN        0.25 /* share of moves that redraw an axis */
#define WALKED         0.60 /* up to here: moves of a single axis */
#define CROSSED_AXES   0.3  /* chance of an axis to take part in a move along a difference */
#define JITTER         1e-4
#define PER_MILLE      1000
#define BISECTIONS     50
#define WHOLE_CROSSING 0.1 /* chance that such a move goes the whole difference: from one mode to another */

typedef struct {
  const MoeSmc *smc;
  MoeParticles *now;
  const double *others; /* the particles as the stage found them */
  const double *spread; /* [d] */
  double temperature;
  guint stage;
} Stage;

/* ---- random numbers ---------------------------------------------------------------------------------------------- */

typedef struct {
  uint64_t seed, stream, entity, at;
} Dice;

static double uniform(Dice *dice)
{
  return moe_random_unit(dice->seed, dice->stream, dice->entity, dice->at++);
}

static double normal(Dice *dice)
{
  return moe_random_normal(dice->seed, dice->stream, dice->entity, dice->at++);
}

static guint among(Dice *dice, guint n)
{
  return MIN((guint)(uniform(dice) * n), n - 1);
}

static Dice dice_of(const MoeSmc *smc, const char *stream, guint stage, guint particle)
{
  return (Dice){smc->seed, moe_random_stream(stream), ((uint64_t)stage << 32) | particle, 0};
}

/* ---- moves ------------------------------------------------------------------------------------------------------- */

/* Back into 0..1 by reflection at the ends. */
static double reflect(double share)
{
  double inside = fmod(fabs(share), 2);

  return inside > 1 ? 2 - inside : inside;
}

static double log_prior(const MoeSmc *smc, const double *state)
{
  double sum = 0;

  for (guint j = smc->n_shares; j < smc->n_shares + smc->n_normals; j++)
    sum -= 0.5 * state[j] * state[j];
  return sum;
}

static void shift(const MoeSmc *smc, double *state, guint j, double by)
{
  state[j] = j < smc->n_shares ? reflect(state[j] + by) : state[j] + by;
}

static void redraw(const MoeSmc *smc, Dice *dice, double *state)
{
  guint j = among(dice, smc->n_shares + smc->n_normals);

  state[j] = j < smc->n_shares ? uniform(dice) : normal(dice);
}

static void walk(const Stage *stage, Dice *dice, double *state)
{
  guint j = among(dice, stage->now->d);
  double length = pow(10, 1.4 * uniform(dice) - 1) * stage->spread[j];

  shift(stage->smc, state, j, length * normal(dice));
}

static void cross(const Stage *stage, Dice *dice, double *state)
{
  guint d = stage->now->d, n = stage->now->n;
  const double *a = stage->others + (gsize)among(dice, n) * d, *b = stage->others + (gsize)among(dice, n) * d;
  guint sure = among(dice, d);
  double length = uniform(dice) < WHOLE_CROSSING ? 1 : 2.38 / sqrt(2 * fmax(1, CROSSED_AXES * d));

  for (guint j = 0; j < d; j++)
    if (uniform(dice) < CROSSED_AXES || j == sure)
      shift(stage->smc, state, j, length * (a[j] - b[j]) + JITTER * normal(dice));
}

/* Proposes; *log_odds is what the prior adds to the odds of taking it. */
static void propose(const Stage *stage, Dice *dice, const double *from, double *to, double *log_odds)
{
  double kind = uniform(dice);

  memcpy(to, from, sizeof *to * stage->now->d);
  *log_odds = 0;
  if (kind < REDRAWN) {
    redraw(stage->smc, dice, to);
    return;
  }
  (kind < WALKED ? walk : cross)(stage, dice, to);
  *log_odds = log_prior(stage->smc, to) - log_prior(stage->smc, from);
}

static MoeOutcome move_particle(guint index, gpointer user_data)
{
  const Stage *stage = user_data;
  guint d = stage->now->d;
  double *state = stage->now->state + (gsize)index * d, *likely = &stage->now->log_likelihood[index];
  g_autofree double *tried = g_new(double, d);
  Dice dice = dice_of(stage->smc, "infer-move", stage->stage, index);

  for (guint m = 0; m < MOVES; m++) {
    double odds, chance = 0;

    propose(stage, &dice, state, tried, &odds);
    double likelihood = stage->smc->likelihood(tried, stage->smc->data);
    chance = uniform(&dice);
    if (log(fmax(chance, G_MINDOUBLE)) < odds + stage->temperature * (likelihood - *likely)) {
      memcpy(state, tried, sizeof *tried * d);
      *likely = likelihood;
    }
  }
  return (MoeOutcome){0};
}

/* ---- the ladder -------------------------------------------------------------------------------------------------- */

static double highest(const double *values, guint n)
{
  double most = -INFINITY;

  for (guint i = 0; i < n; i++)
    most = fmax(most, values[i]);
  return most;
}

/* What cannot be has none, at any step of the ladder. */
static double weight_of(double log_likelihood, double most, double step)
{
  return isfinite(log_likelihood) ? exp(step * (log_likelihood - most)) : 0;
}

/* Share of the particles that weights likelihood^step leave effective. */
static double effective(const MoeParticles *particles, double step)
{
  double most = highest(particles->log_likelihood, particles->n), sum = 0, squares = 0;

  for (guint i = 0; i < particles->n; i++) {
    double weight = weight_of(particles->log_likelihood[i], most, step);

    sum += weight;
    squares += weight * weight;
  }
  return sum * sum / squares / particles->n;
}

static double next_step(const MoeParticles *particles, double left)
{
  double low = 0, high = left;

  if (effective(particles, left) >= EFFECTIVE)
    return left;
  for (guint i = 0; i < BISECTIONS; i++) {
    double middle = (low + high) / 2;

    *(effective(particles, middle) >= EFFECTIVE ? &low : &high) = middle;
  }
  return MIN(MAX(low, LEAST_STEP), left);
}

/* Systematic resampling (Kitagawa 1996): one random number for all. */
static void resample(const MoeSmc *smc, MoeParticles *particles, double step, guint stage)
{
  guint n = particles->n, d = particles->d, kept = 0;
  double most = highest(particles->log_likelihood, n), total = 0, below = 0;
  g_autofree double *state = g_memdup2(particles->state, sizeof(double) * n * d);
  g_autofree double *likely = g_memdup2(particles->log_likelihood, sizeof(double) * n);
  Dice dice = dice_of(smc, "infer-resample", stage, 0);
  double offset = uniform(&dice);

  for (guint i = 0; i < n; i++)
    total += weight_of(likely[i], most, step);
  for (guint i = 0; i < n; i++) {
    below += weight_of(likely[i], most, step) / total * n;
    for (; kept < n && (kept + offset < below || i + 1 == n); kept++) {
      memcpy(particles->state + (gsize)kept * d, state + (gsize)i * d, sizeof(double) * d);
      particles->log_likelihood[kept] = likely[i];
    }
  }
}

static void fill_spread(const MoeParticles *particles, double *spread)
{
  for (guint j = 0; j < particles->d; j++) {
    double sum = 0, squares = 0;

    for (guint i = 0; i < particles->n; i++) {
      double value = particles->state[(gsize)i * particles->d + j];

      sum += value;
      squares += value * value;
    }
    sum /= particles->n;
    spread[j] = sqrt(fmax(squares / particles->n - sum * sum, JITTER * JITTER));
  }
}

static void move_all(const MoeSmc *smc, MoeParticles *particles, double temperature, guint stage)
{
  g_autofree double *others = g_memdup2(particles->state, sizeof(double) * particles->n * particles->d);
  g_autofree double *spread = g_new(double, particles->d);
  Stage moving = {smc, particles, others, spread, temperature, stage};

  fill_spread(particles, spread);
  moe_outcomes_free(moe_study_map(particles->n, smc->jobs, move_particle, &moving, NULL, NULL), particles->n);
}

/* ---- entry ------------------------------------------------------------------------------------------------------- */

typedef struct {
  const MoeSmc *smc;
  MoeParticles *particles;
} Start;

static MoeOutcome start_particle(guint index, gpointer user_data)
{
  const Start *start = user_data;
  guint d = start->particles->d;
  double *state = start->particles->state + (gsize)index * d;
  Dice dice = dice_of(start->smc, "infer-prior", 0, index);

  for (guint j = 0; j < d; j++)
    state[j] = j < start->smc->n_shares ? uniform(&dice) : normal(&dice);
  start->particles->log_likelihood[index] = start->smc->likelihood(state, start->smc->data);
  return (MoeOutcome){0};
}

MoeParticles *moe_smc_prior(const MoeSmc *smc)
{
  MoeParticles *particles = g_new0(MoeParticles, 1);
  Start start = {smc, particles};

  particles->n = smc->n_particles;
  particles->d = smc->n_shares + smc->n_normals;
  particles->state = g_new0(double, (gsize)particles->n * particles->d + 1);
  particles->log_likelihood = g_new0(double, particles->n + 1);
  moe_outcomes_free(moe_study_map(particles->n, smc->jobs, start_particle, &start, NULL, NULL), particles->n);
  return particles;
}

MoeParticles *moe_smc_run(const MoeSmc *smc)
{
  MoeParticles *particles = moe_smc_prior(smc);
  double temperature = 0;

  if (!isfinite(highest(particles->log_likelihood, particles->n)))
    return particles;
  while (temperature < 1 && particles->n_stages < MAX_STAGES) {
    double step = next_step(particles, 1 - temperature);

    temperature = 1 - temperature - step > LEAST_STEP ? temperature + step : 1;
    resample(smc, particles, step, particles->n_stages);
    move_all(smc, particles, temperature, ++particles->n_stages);
    if (smc->progress)
      smc->progress((guint)(temperature * PER_MILLE), PER_MILLE, smc->progress_data);
  }
  return particles;
}

void moe_particles_free(MoeParticles *particles)
{
  if (!particles)
    return;
  g_free(particles->state);
  g_free(particles->log_likelihood);
  g_free(particles);
}
