/* What findings.h has; here until all who include it by this name are moved. Private to report. */
#ifndef MOESIM_REPORT_RECORD_H
#define MOESIM_REPORT_RECORD_H

#include "findings.h"

#endif
