/* YAML is read by doc. */
#include <yaml.h>
