/* What record has; here until all who include it by this name are moved. Part of report (floor 12). */
#ifndef MOESIM_REPORT_JSON_H
#define MOESIM_REPORT_JSON_H

#include "record/json.h"

#endif
