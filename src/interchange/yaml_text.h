/* Inside the import of Megatron's YAML: values with ${...}, as OmegaConf, Primus and shells write them. */
#ifndef MOESIM_INTERCHANGE_YAML_TEXT_H
#define MOESIM_INTERCHANGE_YAML_TEXT_H

#include <json-glib/json-glib.h>

typedef struct {
  const char *const *given; /* NAME=VALUE; may be NULL */
  JsonObject *root, *here;  /* the file, and the map in which the value stands; may be NULL */
} YamlText;

/* `value` with ${NAME}, ${NAME:default}, ${oc.env:NAME,default}, ${section.key}, ${.key}, ${multiply:a,b} and
 * ${sum:a,b} replaced; what stays open is left as $NAME. Caller frees. */
char *yaml_text(const YamlText *text, const char *value);

#endif
