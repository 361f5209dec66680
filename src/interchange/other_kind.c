/* What a text is that was given to an importer of something else: by its first sign, and by keys that only one of the
 * formats has. */
#include "import.h"

#include <string.h>

/* The first line that is neither empty nor a comment; NULL: there is none. */
static const char *first_line(const char *text)
{
  while (*text) {
    text += strspn(text, " \t\r\n");
    if (*text != '#' || text[1] == '!')
      return *text ? text : NULL;
    text += strcspn(text, "\n");
  }
  return NULL;
}

/* A name of letters and signs that YAML and TOML have, then `sign`. */
static gboolean is_keyed(const char *line, const char *sign)
{
  gsize length = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.\"");

  line += length;
  line += *sign == '=' ? strspn(line, " \t") : 0;
  return length > 0 && *line == *sign && (line[1] == '\0' || strchr(sign + 1, line[1]));
}

/* A format: the importer that reads it, and what a message says of it. */
typedef struct {
  const char *importer; /* NULL: none does */
  const char *words;
} TextKind;

static const TextKind nothing = {NULL, NULL};

static TextKind kind_of_json(const char *text)
{
  static const char *const settings[] = {"\"zero_optimization\"", "\"train_batch_size\"",
                                         "\"train_micro_batch_size_per_gpu\"", "\"gradient_accumulation_steps\""};

  for (gsize i = 0; i < G_N_ELEMENTS(settings); i++)
    if (strstr(text, settings[i]))
      return (TextKind){"deepspeed", "this looks like a configuration of DeepSpeed, which import deepspeed reads"};
  if (strstr(text, "\"model_type\"") || strstr(text, "\"hidden_size\""))
    return (TextKind){"hf", "this looks like the configuration of a model, which import hf reads"};
  return (TextKind){"JSON", NULL};
}

static TextKind kind_of_yaml(const char *text)
{
  if (strstr(text, "compute_environment:") || strstr(text, "distributed_type:"))
    return (TextKind){NULL, "this looks like a configuration of Accelerate, which has no model and is not read: import "
                            "deepspeed reads the file that its deepspeed_config_file names"};
  if (g_str_has_prefix(text, "architecture:") || strstr(text, "\narchitecture:") || strstr(text, "\nparallelism:"))
    return (TextKind){NULL, "this looks like a run of moesim, which moesim run reads"};
  if (strstr(text, "framework: torchtitan"))
    return (TextKind){"torchtitan", "this looks like an experiment of Primus with torchtitan, which import torchtitan "
                                    "reads"};
  return (TextKind){"megatron", "this looks like YAML, which import megatron reads"};
}

/* A script assigns without blanks around the sign, as TOML may too: that has sections besides. */
static gboolean is_toml(const char *text, const char *line)
{
  gsize length = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.\"");

  return (*line == '[' && g_ascii_isalpha(line[1])) ||
         (is_keyed(line, "= \t\"'0123456789tf[{") && (line[length] != '=' || strstr(text, "\n[")));
}

static TextKind kind_of(const char *text)
{
  const char *line = first_line(text);

  if (!line)
    return nothing;
  if (*line == '{')
    return kind_of_json(text);
  if (is_toml(text, line))
    return (TextKind){"torchtitan", "this looks like TOML, which import torchtitan reads"};
  if (strncmp(line, "--", 2) == 0 || strncmp(line, "#!", 2) == 0)
    return (TextKind){"megatron", "these look like arguments or a script, which import megatron reads"};
  return is_keyed(line, ": \t\r\n") ? kind_of_yaml(text) : nothing;
}

const char *import_other_kind(const MoeImportText *input, const char *asked)
{
  g_autofree char *text = g_strndup(input->text, input->length);
  TextKind kind = kind_of(text);

  return g_strcmp0(kind.importer, asked) == 0 ? NULL : kind.words;
}

MoeImport *import_fail_kind(const MoeImportText *input, const char *asked, GError **error)
{
  const char *other = import_other_kind(input, asked);

  if (other && error && *error) {
    GError *before = g_steal_pointer(error);

    moe_fail(error, (MoeErrorCode)before->code, moe_error_mark(before), "%s; %s", moe_error_what(before), other);
    g_error_free(before);
  }
  return import_fail_in(input, error);
}
