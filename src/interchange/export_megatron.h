/* Inside the export of Megatron-LM arguments: a launch line in the making. */
#ifndef MOESIM_INTERCHANGE_EXPORT_MEGATRON_H
#define MOESIM_INTERCHANGE_EXPORT_MEGATRON_H

#include "spec/spec.h"

typedef struct {
  const MoeRun *run;
  GPtrArray *words; /* of char * */
  GPtrArray *notes; /* of char *: what no argument says */
} MegatronWords;

/* "--name", with a value behind it, or only when something holds. */
void words_flag(MegatronWords *writer, const char *name);
void words_flag_if(MegatronWords *writer, const char *name, gboolean on);
void words_text(MegatronWords *writer, const char *name, const char *value);
void words_count(MegatronWords *writer, const char *name, int64_t value);
void words_count_unless(MegatronWords *writer, const char *name, int64_t value, int64_t usual);
void words_number(MegatronWords *writer, const char *name, double value);
/* "no argument says: what". */
void words_note(MegatronWords *writer, const char *what);
void words_note_if(MegatronWords *writer, gboolean wanted, const char *what);
/* Which layers lie on which stage (export_stages.c): by Megatron's own rule of equal numbers where the run follows it,
 * else as a layout. */
void words_stages(MegatronWords *writer);
/* What the stack does otherwise than Megatron without arguments (export_software.c). */
void words_software(MegatronWords *writer);

#endif
