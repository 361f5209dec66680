/* toml: TOML by toml++, behind a C interface. Part of notation (floor 1). */
#ifndef MOESIM_NOTATION_TOML_H
#define MOESIM_NOTATION_TOML_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where the text is no TOML (both 0 when that is not known), and what the parser says of it; "" when nothing. */
typedef struct {
  int line, column;
  char what[160];
} MoeTomlError;

/* The document as JSON; NULL and *error when it is no TOML. Free with free(). */
char *moe_toml_to_json(const char *text, size_t length, MoeTomlError *error);

#ifdef __cplusplus
}
#endif

#endif
