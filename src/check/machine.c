/* Clusters and accelerators. */
#include "internal.h"

gboolean moe_check_cluster(const MoeCheckedFile *file, GString *says, GError **error)
{
  g_autoptr(MoeDoc) loaded = NULL;
  MoeCluster cluster = {0};

  if (!moe_cluster_load(file->path, file->data_dir, &cluster, &loaded, error))
    return FALSE;
  g_string_append_printf(says, "%s, %" G_GINT64_FORMAT " GPUs per NVLink domain", cluster.accelerator.name,
                         cluster.domain.gpus);
  moe_cluster_clear(&cluster);
  return moe_assumptions_check(loaded, file->data_dir, error);
}

gboolean moe_check_accelerator(const MoeCheckedFile *file, GString *says, GError **error)
{
  MoeAccelerator accelerator = {0};
  const MoeNode *root = moe_doc_root(file->doc);
  gboolean sound = moe_accelerator_read(root, &accelerator, error);

  if (sound) {
    g_autofree char *peak = moe_quantity_format(accelerator.quoted_peak_flop_per_s, MOE_DIM_FLOP_PER_S);
    g_autofree char *memory = moe_quantity_format(accelerator.memory_bytes, MOE_DIM_BYTES);

    g_string_append_printf(says, "%s, %s, %u kernel families", peak, memory, accelerator.kernels.n);
  }
  moe_kernel_fits_clear(&accelerator.kernels);
  return sound && moe_accelerator_check(root, error);
}
