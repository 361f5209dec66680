/* Chakra traces under any bytes, as one rank and as two: refused, or replayed to an end, or said to wait forever.
 * Inputs that start with { are process groups. */
#include "replay/replay.h"

#include "fuzz.h"

static void replay(MoeChakra *chakra)
{
  MoeCluster cluster = {0};
  MoeStack stack = {0};
  MoeDoc *cluster_doc = NULL, *stack_doc = NULL;
  MoeReplay result;
  g_autoptr(GError) error = NULL;
  const char *folder = g_getenv("MOESIM_DATA");

  if (moe_cluster_load("h100-hgx", folder ? folder : ".", &cluster, &cluster_doc, NULL)) {
    if (moe_stack_load("megatron-core:2026", folder ? folder : ".", &stack, &stack_doc, NULL)) {
      g_assert_true(moe_chakra_replay(chakra, &cluster, &stack, &result, &error) || error);
      moe_stack_clear(&stack);
    }
    moe_cluster_clear(&cluster);
  }
  moe_doc_free(cluster_doc);
  moe_doc_free(stack_doc);
}

static void check_ranks(const uint8_t *data, size_t size, guint ranks)
{
  g_autoptr(MoeChakra) chakra = moe_chakra_new();
  g_autoptr(GError) error = NULL;
  gboolean sound = TRUE;

  for (guint r = 0; sound && r < ranks; r++)
    sound = moe_chakra_add(chakra, data, size, "fuzz", &error);
  if (sound)
    replay(chakra);
  else
    g_assert_true(error && g_str_has_prefix(error->message, "fuzz:"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  if (size > 0 && data[0] == '{') {
    g_autoptr(MoeChakra) chakra = moe_chakra_new();
    g_autoptr(GError) error = NULL;

    g_assert_true(moe_chakra_groups(chakra, (const char *)data, size, "fuzz", &error) || error);
    return 0;
  }
  check_ranks(data, size, 1);
  check_ranks(data, size, 2);
  return 0;
}
