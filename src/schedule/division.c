/* Which layers lie on which position when they are divided evenly. */
#include "internal.h"

/* Places that are divided: layers, and the two ends where they count as one. */
static int64_t count_places(const MoeDivision *division)
{
  return division->layers + (division->embedding_counts ? 1 : 0) + (division->head_counts ? 1 : 0);
}

/* What of a position's places is no layer. */
static int64_t ends_at(const MoeDivision *division, int64_t position, int64_t positions)
{
  return (position == 0 && division->embedding_counts) + (position == positions - 1 && division->head_counts);
}

/* Layers that the run gives the position's stage, shared by its chunks; -1 = none given. */
static int64_t given_layers(const MoeDivision *division, int64_t position, int64_t positions, int64_t stages)
{
  int64_t stage = position % stages, layers = -1;

  if (stages == 1)
    return -1;
  if (stage == 0)
    layers = division->first_stage_layers;
  else if (stage == stages - 1)
    layers = division->last_stage_layers;
  return layers >= 0 ? layers / (positions / stages) : -1;
}

/* Layers of each position: the given ones, then the rest evenly, earlier positions getting the remainder. */
static void count_layers(const MoeDivision *division, int64_t positions, int64_t stages, int64_t *counts)
{
  int64_t open = positions, places = count_places(division), done = 0;

  for (int64_t i = 0; i < positions; i++) {
    counts[i] = given_layers(division, i, positions, stages);
    if (counts[i] < 0)
      continue;
    places -= counts[i] + ends_at(division, i, positions);
    open--;
  }
  for (int64_t i = 0; i < positions; i++)
    if (counts[i] < 0)
      counts[i] = places / open + (done++ < places % open) - ends_at(division, i, positions);
}

MoeChunk *moe_chunks_divide(const MoeDivision *division, int64_t positions, int64_t stages)
{
  MoeChunk *chunks = g_new0(MoeChunk, positions);
  g_autofree int64_t *counts = g_new0(int64_t, positions);
  int64_t first = 0;

  count_layers(division, positions, stages, counts);
  for (int64_t i = 0; i < positions; i++) {
    gboolean last = i == positions - 1;
    int64_t rest = division->layers - first;

    chunks[i] = (MoeChunk){.first = first,
                           .count = last ? rest : CLAMP(counts[i], 0, rest),
                           .mtp = last ? division->mtp : 0,
                           .embedding = i == 0,
                           .head = last};
    first += chunks[i].count;
  }
  return chunks;
}
