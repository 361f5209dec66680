/* priced: what an export is made of. Part of interchange (floor 8). */
#ifndef MOESIM_EXPORT_PRICED_H
#define MOESIM_EXPORT_PRICED_H

#include "program/program.h"
#include "sim/sim.h"
#include <moesim/export.h>

G_BEGIN_DECLS

/* Both belong to the export. */
const MoeProgram *moe_export_program(const MoeExport *export);
const MoeSimPrices *moe_export_prices(const MoeExport *export);

G_END_DECLS

#endif
