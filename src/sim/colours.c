/* A set of colours that numbers them in the order in which they are seen: open addressing, at most half full. */
#include "internal.h"

void sim_colours_init(Colours *colours, guint n_ranks)
{
  guint slots = 2;

  while (slots < 2 * n_ranks)
    slots *= 2;
  *colours = (Colours){.mask = slots - 1, .key = g_new(uint64_t, slots), .number_plus_one = g_new0(uint32_t, slots)};
}

void sim_colours_clear(Colours *colours)
{
  g_free(colours->key);
  g_free(colours->number_plus_one);
}

/* Forgets all colours. */
void sim_colours_reset(Colours *colours)
{
  memset(colours->number_plus_one, 0, (colours->mask + 1) * sizeof *colours->number_plus_one);
  colours->n = 0;
}

uint32_t sim_colours_number(Colours *colours, uint64_t colour)
{
  guint at = (guint)colour & colours->mask; /* colours are hashes */

  while (colours->number_plus_one[at] != 0 && colours->key[at] != colour)
    at = (at + 1) & colours->mask;
  if (colours->number_plus_one[at] == 0) {
    colours->key[at] = colour;
    colours->number_plus_one[at] = ++colours->n;
  }
  return colours->number_plus_one[at] - 1;
}
