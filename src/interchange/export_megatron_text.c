/* A launch line of Megatron-LM as a person would paste it into a shell. */
#include <moesim/export.h>

#include <string.h>

static gboolean is_plain(const char *word)
{
  for (; *word; word++)
    if (!g_ascii_isalnum(*word) && !strchr("-_.,/:=", *word))
      return FALSE;
  return TRUE;
}

char *moe_export_megatron_text(const MoeRun *run, GPtrArray *notes)
{
  g_auto(GStrv) words = moe_export_megatron(run, notes);
  g_autoptr(GString) text = g_string_new(words[0]);

  for (char **word = words + 1; *word; word++) {
    g_autofree char *quoted = is_plain(*word) ? g_strdup(*word) : g_shell_quote(*word);

    g_string_append_printf(text, "%s%s", g_str_has_prefix(*word, "--") ? " \\\n  " : " ", quoted);
  }
  g_string_append_c(text, '\n');
  return g_string_free(g_steal_pointer(&text), FALSE);
}
