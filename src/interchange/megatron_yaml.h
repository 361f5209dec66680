/* Inside the import of Megatron's YAML: what keys become. */
#ifndef MOESIM_INTERCHANGE_MEGATRON_YAML_H
#define MOESIM_INTERCHANGE_MEGATRON_YAML_H

#include <glib.h>

/* The argument of a key that has another name there; NULL: the key's own. */
const char *megatron_yaml_name(const char *key);
/* Whether a key is a switch whose value true or false is an argument, or nothing: *word is that argument or NULL. */
gboolean megatron_yaml_switch(const char *key, gboolean on, const char **word);
/* Whether a word as value of a key stands for arguments of its own ("activation: fast-swiglu"): *word is NULL, or they
 * are between blanks. */
gboolean megatron_yaml_word(const char *key, const char *value, const char **word);
/* The key under which `key` of a section (NULL: the root) is known here. */
const char *megatron_yaml_key_in(const char *section, const char *key);
/* Whether a file of Primus lists the defaults of all arguments. */
gboolean megatron_yaml_is_defaults(const char *path);
/* Whether a section holds no arguments. */
gboolean megatron_yaml_is_foreign(const char *section);

#endif
