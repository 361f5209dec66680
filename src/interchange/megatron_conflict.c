/* Arguments that Megatron does not take beside each other (validate_args of megatron/training/arguments.py and
 * core_transformer_config_from_args of megatron/training/argument_utils.py): a run of either would be a guess. */
#include "megatron.h"

#include <string.h>

/* Words between blanks, without the dashes: none of one beside one of the other. */
typedef struct {
  const char *one, *other;
} Conflict;

#define VIRTUAL_STAGES "num-layers-per-virtual-pipeline-stage num-virtual-stages-per-pipeline-rank"

static const Conflict conflicts[] = {
    {"fp16", "bf16"},
    {"swiglu", "squared-relu quick-geglu"},
    {"num-layers", "encoder-num-layers"},
    {"seq-length", "encoder-seq-length"},
    {"num-layers-per-virtual-pipeline-stage", "num-virtual-stages-per-pipeline-rank"},
    {"pipeline-model-parallel-layout", VIRTUAL_STAGES " hybrid-layer-pattern hybrid-override-pattern"},
    {"hybrid-layer-pattern", VIRTUAL_STAGES " hybrid-override-pattern account-for-embedding-in-pipeline-split "
                                            "account-for-loss-in-pipeline-split"},
    {"use-torch-fsdp2", "use-distributed-optimizer"},
    {"enable-cuda-graph", "external-cuda-graph"},
    {"overlap-moe-expert-parallel-comm", "moe-shared-expert-overlap recompute-method recompute-num-layers"},
};

/* The first of `words` that is one of `names`; NULL: none is. Free with g_free. */
static char *find(const char *names, const char *const *words)
{
  for (; *words; words++) {
    g_autofree char *name = g_strndup(*words, strcspn(*words, "="));

    g_strdelimit(name, "_", '-');
    if (g_str_has_prefix(name, "--") && import_is_listed(names, name + 2))
      return g_steal_pointer(&name);
  }
  return NULL;
}

gboolean megatron_conflict(const char *const *words, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS(conflicts); i++) {
    g_autofree char *one = find(conflicts[i].one, words), *other = one ? find(conflicts[i].other, words) : NULL;

    if (other)
      return moe_fail_about(error, other, "stands beside %s, expected one of them: Megatron refuses both", one);
  }
  return TRUE;
}
