/* Which layers a pipeline position holds. */
#include "internal.h"

/* ---- division of layers over positions ---------------------------------------------------------- */

/* Slots of the model: layers, and the two ends where the run counts them as one. */
static int64_t count_slots(const MoeRun *run)
{
  const MoeParallelism *p = &run->parallelism;

  return run->architecture.layers + (p->embedding_as_layer != 0) + (p->head_as_layer != 0);
}

/* Layers of each stage's share: `chunks` positions each. Uneven first and last stages take theirs, the rest is divided
 * evenly, earlier positions getting the remainder. */
static void divide(const MoeRun *run, int64_t n, int64_t stages, int64_t *counts)
{
  const MoeParallelism *p = &run->parallelism;
  int64_t chunks = n / stages, free_positions = n, slots = count_slots(run), done = 0;

  for (int64_t i = 0; i < n; i++) {
    int64_t given = i % stages == 0 ? p->first_stage_layers : i % stages == stages - 1 ? p->last_stage_layers : -1;

    counts[i] = given >= 0 && stages > 1 ? given / chunks : -1;
    if (counts[i] >= 0) {
      slots -= counts[i] + (i == 0 && p->embedding_as_layer) + (i == n - 1 && p->head_as_layer);
      free_positions--;
    }
  }
  for (int64_t i = 0; i < n; i++) {
    if (counts[i] >= 0)
      continue;
    int64_t share = slots / free_positions + (done++ < slots % free_positions);

    counts[i] = share - (i == 0 && p->embedding_as_layer) - (i == n - 1 && p->head_as_layer);
  }
}

MoeChunk *moe_parts_new(const MoeRun *run, int64_t n, int64_t stages)
{
  MoeChunk *parts = g_new0(MoeChunk, n);
  g_autofree int64_t *counts = g_new0(int64_t, n);
  int64_t first = 0;

  divide(run, n, stages, counts);
  for (int64_t i = 0; i < n; i++) {
    int64_t count = CLAMP(counts[i], 0, run->architecture.layers - first);

    if (i == n - 1)
      count = run->architecture.layers - first;
    parts[i] = (MoeChunk){.first = first, .count = count, .embedding = i == 0, .head = i == n - 1};
    first += count;
  }
  return parts;
}
