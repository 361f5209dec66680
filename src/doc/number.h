/* Private to doc: whole numbers in decimal. */
#ifndef MOE_DOC_NUMBER_H
#define MOE_DOC_NUMBER_H

#include "base/base.h"

typedef enum {
  MOE_NUMBER_WHOLE,
  MOE_NUMBER_NONE,      /* not a decimal number */
  MOE_NUMBER_NOT_WHOLE, /* 1.5, 1e-3 */
  MOE_NUMBER_TOO_LARGE, /* beyond 64 bits */
  MOE_NUMBER_OCTAL,     /* 010: eight in YAML 1.1, ten for most readers */
} MoeNumberKind;

/* Sets *value when the text is a whole number. */
MoeNumberKind moe_number_parse(const char *text, int64_t *value);

#endif
