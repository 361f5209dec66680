/* Inside the import and export of torchtitan configurations: its model flavors. */
#ifndef MOESIM_INTERCHANGE_TITAN_H
#define MOESIM_INTERCHANGE_TITAN_H

#include "spec/spec.h"

typedef struct {
  const char *name, *flavor;
  MoeArchitecture architecture;
} TitanFlavor;

/* NULL when it is not known. Case does not count. */
const TitanFlavor *titan_flavor(const char *name, const char *flavor);
/* The flavor of a model of this shape, or NULL. */
const TitanFlavor *titan_flavor_of(const MoeArchitecture *architecture);
/* All known ones, "name/flavor, ...". Caller frees. */
char *titan_flavors(void);

/* Layers of `chunks` chunks as Megatron writes them ("Et*3|t*4|..."): the embedding stands for `first` layers, the head
 * for `last`; what is over goes to the first chunks, one each. Caller frees. */
char *titan_layout(int64_t layers, int64_t chunks, int64_t first, int64_t last);

#endif
