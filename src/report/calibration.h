/* calibration: what fits of kernels and networks leave. Part of report (floor 12). Every text is the caller's to free.
 */
#ifndef MOESIM_REPORT_CALIBRATION_H
#define MOESIM_REPORT_CALIBRATION_H

#include "calibrate/calibrate.h"
#include "calibrate/network.h"
#include <moesim/report.h>

G_BEGIN_DECLS

/* A row per fit, then per class of kernels: residuals of the rows that were fitted and of those kept from the fit. NULL
 * and *error when a row cannot be priced. */
char *moe_report_calibration_table(const MoeCalibration *calibration, MoeSheet sheet, GError **error);
char *moe_report_calibration_csv(const MoeCalibration *calibration, GError **error);
/* The same per fabric and part of the network. */
char *moe_report_network_table(const MoeNetworkCalibration *calibration, MoeSheet sheet);
char *moe_report_network_csv(const MoeNetworkCalibration *calibration);
/* A row per measurement: what was measured, what is predicted, which half it lies in. */
char *moe_report_network_rows_table(const MoeNetworkCalibration *calibration, MoeSheet sheet);
char *moe_report_network_rows_csv(const MoeNetworkCalibration *calibration);

G_END_DECLS

#endif
