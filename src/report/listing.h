/* listing: what ships (listing.h) as text. Part of report (floor 12). Both return UTF-8 that the caller frees. */
#ifndef MOESIM_REPORT_LISTING_H
#define MOESIM_REPORT_LISTING_H

#include <moesim/report.h>

G_BEGIN_DECLS

/* Of an array of MoeListed. */
char *moe_listing_table(const GPtrArray *listed, MoeSheet sheet);
/* [{"name", "title"}, ...] */
char *moe_listing_json(const GPtrArray *listed);

G_END_DECLS

#endif
