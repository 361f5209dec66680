/* Inside the imports: where an input says what an error is about. */
#ifndef MOESIM_INTERCHANGE_PLACE_H
#define MOESIM_INTERCHANGE_PLACE_H

#include <moesim/import.h>

/* Puts the file in front of an error that has no place, with line and column where the text has what the error is about
 * (moe_error_subject), the last time outside comments, as the last is what counts. */
void import_place(const MoeImportText *input, GError **error);

#endif
