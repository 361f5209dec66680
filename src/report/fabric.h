/*
 * fabric: loads of a machine's links as tables and as a drawing. Part of report (floor 12).
 */
#ifndef MOESIM_REPORT_FABRIC_H
#define MOESIM_REPORT_FABRIC_H

#include "study/fabric_load.h"
#include <moesim/report.h>

G_BEGIN_DECLS

/* Tiers, busiest links, and who sends what: text or CSV (one table of `part,name,...`). Caller frees. */
char *moe_report_fabric_table(const MoeFabricLoad *load, MoeSheet sheet);
char *moe_report_fabric_csv(const MoeFabricLoad *load);
/* The same as one JSON object, in bytes and seconds. Caller frees. */
char *moe_report_fabric_json(const MoeFabricLoad *load);
/* SVG: NVLink domains, leaves and spine, each coloured by its most used link. Caller frees. */
char *moe_report_fabric_svg(const MoeFabricLoad *load);

G_END_DECLS

#endif
