/* What record has; here until all who include it by this name are moved. Part of report (floor 12). */
#ifndef MOESIM_REPORT_OUTPUT_H
#define MOESIM_REPORT_OUTPUT_H

#include "record/output.h"

#endif
