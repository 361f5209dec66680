/* What is said about a run and its simulation. */
#include "door/ask.h"

#include <string.h>

void moe_ask_split_variant(const char *argument, char **file, char **variant)
{
  const char *colon = strrchr(argument, ':');

  *variant = NULL;
  if (!colon || g_file_test(argument, G_FILE_TEST_EXISTS)) {
    *file = g_strdup(argument);
    return;
  }
  *file = g_strndup(argument, (gsize)(colon - argument));
  *variant = g_strdup(colon + 1);
}

static gboolean read_scaling(const MoeSaid *said, MoeScaling *scaling, GError **error)
{
  for (int i = 0; said->text && moe_scaling_words[i]; i++)
    if (strcmp(said->text, moe_scaling_words[i]) == 0)
      *scaling = (MoeScaling)(MOE_SCALING_WEAK + i);
  return !said->text || *scaling != MOE_SCALING_AS_SAID ||
         moe_fail(error, MOE_ERROR_INPUT, said->mark, "%s: unknown word '%s', expected weak or strong", said->name,
                  said->text);
}

gboolean moe_ask_load_options(const MoeWords *words, MoeRunOptions *load, GError **error)
{
  MoeSaid gpus = words->find("gpus", words->source), scaling = words->find("scaling", words->source);

  return moe_said_count(&gpus, &load->gpus, error) && read_scaling(&scaling, &load->scaling, error);
}

gboolean moe_ask_sim_options(const MoeWords *words, MoeSimOptions *sim, GError **error)
{
  MoeSaid fidelity = words->find("fidelity", words->source), seed = words->find("seed", words->source);
  int word = MOE_FIDELITY_AUTO;
  int64_t number = 0;

  if (!moe_said_word(&fidelity, moe_fidelity_words, &word, error) ||
      !moe_said_integer(&seed, 0, G_MAXINT64, &number, error))
    return FALSE;
  *sim = (MoeSimOptions){.seed = (uint64_t)number, .fidelity = (MoeFidelity)word, .kernel_jitter = -1};
  return TRUE;
}
