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

#endif
