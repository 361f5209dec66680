/* Inside the Megatron import: reading of words. */
#ifndef MOESIM_INTERCHANGE_MEGATRON_READ_H
#define MOESIM_INTERCHANGE_MEGATRON_READ_H

#include "megatron.h"

#include <moesim/import.h>

/* Fills `arguments` (strings point into `words`); options that are not known are added to `unknown` as written. */
gboolean megatron_read(const char *const *words, MegatronArguments *arguments, GPtrArray *unknown, GError **error);

#endif
