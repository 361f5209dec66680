/* Output tiles of the generations. */
#include "internal.h"

/* Tiles that the vendor libraries and CUTLASS instantiate for large problems. On Blackwell two SMs work on one tile of
 * 256 rows (tcgen05.mma with cta_group::2; PTX ISA 8.6). */
static const MoeTile ampere_tiles[] = {{256, 128, 1}, {128, 256, 1}, {128, 128, 1}, {256, 64, 1},
                                       {64, 256, 1},  {128, 64, 1},  {64, 128, 1},  {64, 64, 1}};
static const MoeTile hopper_tiles[] = {{256, 128, 1}, {128, 256, 1}, {128, 192, 1}, {192, 128, 1},
                                       {128, 160, 1}, {128, 128, 1}, {64, 256, 1},  {256, 64, 1},
                                       {128, 64, 1},  {64, 128, 1},  {64, 64, 1}};
static const MoeTile blackwell_tiles[] = {{256, 256, 2}, {256, 192, 2}, {256, 128, 2}, {128, 256, 1}, {128, 192, 1},
                                          {128, 128, 1}, {256, 64, 2},  {128, 64, 1},  {64, 128, 1}};
static const MoeTile cdna3_tiles[] = {{256, 256, 1}, {256, 224, 1}, {256, 192, 1}, {256, 160, 1}, {256, 128, 1},
                                      {128, 256, 1}, {128, 128, 1}, {128, 64, 1},  {64, 128, 1},  {64, 64, 1}};

static const struct {
  double generation;
  const MoeTile *tiles;
  guint n;
} tile_sets[] = {
    {80, ampere_tiles, G_N_ELEMENTS(ampere_tiles)},
    {90, hopper_tiles, G_N_ELEMENTS(hopper_tiles)},
    {100, blackwell_tiles, G_N_ELEMENTS(blackwell_tiles)},
    {942, cdna3_tiles, G_N_ELEMENTS(cdna3_tiles)},
};

const MoeTile *moe_cost_tiles(double generation, guint *n)
{
  guint set = 0;

  while (set + 1 < G_N_ELEMENTS(tile_sets) && tile_sets[set + 1].generation <= generation)
    set++;
  *n = tile_sets[set].n;
  return tile_sets[set].tiles;
}
