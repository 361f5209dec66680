/* Inside the imports: where an input says what an error is about. */
#ifndef MOESIM_INTERCHANGE_PLACE_H
#define MOESIM_INTERCHANGE_PLACE_H

#include <moesim/import.h>

/* Puts the file in front of the message, with line and column where the text has what the message names first: an
 * argument (--name) or a key, the last time outside comments, as the last is what counts. A message that has line and
 * column stays as it is. */
void import_place(const MoeImportText *input, GError **error);

#endif
