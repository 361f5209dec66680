/* Inside the imports: TOML by toml++, behind a C interface. */
#ifndef MOESIM_INTERCHANGE_TOML_H
#define MOESIM_INTERCHANGE_TOML_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where the text is no TOML; both 0 when that is not known. */
typedef struct {
  int line, column;
} InterchangeTomlError;

/* The document as JSON; NULL and *error when it is no TOML. Free with free(). */
char *interchange_toml_to_json(const char *text, size_t length, InterchangeTomlError *error);

#ifdef __cplusplus
}
#endif

#endif
