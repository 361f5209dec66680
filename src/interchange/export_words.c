/* Arguments of Megatron-LM in the making. */
#include "export_megatron.h"

#define COUNT G_GINT64_FORMAT

void words_flag(MegatronWords *writer, const char *name)
{
  g_ptr_array_add(writer->words, g_strdup(name));
}

void words_flag_if(MegatronWords *writer, const char *name, gboolean on)
{
  if (on)
    words_flag(writer, name);
}

void words_text(MegatronWords *writer, const char *name, const char *value)
{
  words_flag(writer, name);
  words_flag(writer, value);
}

void words_count(MegatronWords *writer, const char *name, int64_t value)
{
  words_flag(writer, name);
  g_ptr_array_add(writer->words, g_strdup_printf("%" COUNT, value));
}

void words_count_unless(MegatronWords *writer, const char *name, int64_t value, int64_t usual)
{
  if (value != usual)
    words_count(writer, name, value);
}

void words_number(MegatronWords *writer, const char *name, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  words_text(writer, name, g_ascii_dtostr(text, sizeof text, value));
}

void words_note(MegatronWords *writer, const char *what)
{
  g_ptr_array_add(writer->notes, g_strdup_printf("no argument says: %s", what));
}

void words_note_if(MegatronWords *writer, gboolean wanted, const char *what)
{
  if (wanted)
    words_note(writer, what);
}
