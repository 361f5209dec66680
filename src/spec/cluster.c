/* Readers of accelerators and clusters. */
#include "internal.h"

/* Ceilings that no machine of today comes near; they catch slipped digits. */
#define MAX_SMS         65536
#define MAX_FLOP_PER_S  1e21
#define MAX_BYTES       1e18
#define MAX_BYTES_PER_S 1e18
#define MAX_HERTZ       1e12
#define MAX_WATTS       1e7
#define MAX_DOLLARS     1e6
#define MAX_OVERHEAD    10
/* BF16 products that make one FP32-like product: MOE_BF16X3, and MOE_BF16X9 as cuBLAS 12.9 emulates FP32 on Blackwell
 * (developer.nvidia.com/blog/unlocking-tensor-core-performance-with-floating-point-emulation-in-cublas). */
#define BF16X3_PRODUCTS 3
#define BF16X9_PRODUCTS 9

#define POSITIVE(type, member, unit, high)                                                                             \
  .kind = MOE_FIELD_QUANTITY, .offset = offsetof(type, member), .dimension = (unit), .minimum = 1, .maximum = (high)
#define AMOUNT_UP_TO(type, member, unit, high)                                                                         \
  .kind = MOE_FIELD_QUANTITY, .offset = offsetof(type, member), .dimension = (unit), .maximum = (high)

/* ---- accelerator ------------------------------------------------------------------------------------------------- */

static const MoeField accelerator_fields[] = {
    {"name", MOE_FIELD_STRING(MoeAccelerator, name)},
    {"title", MOE_FIELD_STRING(MoeAccelerator, title)},
    {"source", MOE_FIELD_STRING(MoeAccelerator, source)},
    {"peak", MOE_FIELD_ELSEWHERE, .required = TRUE},
    {"training_rate", MOE_FIELD_QUANTITY, offsetof(MoeAccelerator, training_rate), .minimum = 0.1, .maximum = 1},
    {"speed_spread", MOE_FIELD_QUANTITY, offsetof(MoeAccelerator, speed_spread), .maximum = 1},
    {"fp8_transposes", MOE_FIELD_FLAG(MoeAccelerator, fp8_transposes)},
    {"quoted_peak", POSITIVE(MoeAccelerator, quoted_peak_flop_per_s, MOE_DIM_FLOP_PER_S, MAX_FLOP_PER_S)},
    {"sms", MOE_FIELD_COUNT(MoeAccelerator, sms, 1, MAX_SMS), .required = TRUE},
    {"clock", POSITIVE(MoeAccelerator, clock_hz, MOE_DIM_HERTZ, MAX_HERTZ), .required = TRUE},
    {"memory", POSITIVE(MoeAccelerator, memory_bytes, MOE_DIM_BYTES, MAX_BYTES), .required = TRUE},
    {"memory_bandwidth", POSITIVE(MoeAccelerator, memory_bytes_per_s, MOE_DIM_BYTES_PER_S, MAX_BYTES_PER_S),
     .required = TRUE},
    {"l2", AMOUNT_UP_TO(MoeAccelerator, l2_bytes, MOE_DIM_BYTES, MAX_BYTES)},
    {"power", AMOUNT_UP_TO(MoeAccelerator, power_w, MOE_DIM_WATTS, MAX_WATTS)},
    {"power_cap", AMOUNT_UP_TO(MoeAccelerator, power_cap_w, MOE_DIM_WATTS, MAX_WATTS)},
    {"kernels", MOE_FIELD_ELSEWHERE},
    {"assumptions", MOE_FIELD_ELSEWHERE},
    {NULL},
};

#define PEAK(precision) POSITIVE(MoeAccelerator, peak_flop_per_s[precision], MOE_DIM_FLOP_PER_S, MAX_FLOP_PER_S)

static const MoeField peak_fields[] = {
    {"bf16", PEAK(MOE_BF16), .required = TRUE},
    {"fp16", PEAK(MOE_FP16)},
    {"fp32", PEAK(MOE_FP32)},
    {"tf32", PEAK(MOE_TF32)},
    {"bf16x3", PEAK(MOE_BF16X3)},
    {"bf16x9", PEAK(MOE_BF16X9)},
    {"fp8", PEAK(MOE_FP8)},
    {"fp8-block", PEAK(MOE_FP8_BLOCK)},
    {"mxfp8", PEAK(MOE_MXFP8)},
    {"nvfp4", PEAK(MOE_NVFP4)},
    {NULL},
};

/* Formats that software builds from others run where those do; MXFP8 and NVFP4 need hardware of their own. */
static void complete_peaks(double *peak)
{
  if (peak[MOE_FP16] == 0)
    peak[MOE_FP16] = peak[MOE_BF16];
  if (peak[MOE_BF16X3] == 0)
    peak[MOE_BF16X3] = peak[MOE_BF16] / BF16X3_PRODUCTS;
  if (peak[MOE_BF16X9] == 0)
    peak[MOE_BF16X9] = peak[MOE_BF16] / BF16X9_PRODUCTS;
  if (peak[MOE_FP8_BLOCK] == 0)
    peak[MOE_FP8_BLOCK] = peak[MOE_FP8];
}

/* Below this share of the board power no driver lets itself be capped. Assumed: H100's least limit is 200 of 700 W. */
#define LEAST_CAP_SHARE 0.25

static gboolean check_cap(const MoeNode *node, const MoeAccelerator *accelerator, GError **error)
{
  double cap_w = accelerator->power_cap_w, power_w = accelerator->power_w;

  if (cap_w == 0 || (cap_w <= power_w && cap_w >= LEAST_CAP_SHARE * power_w))
    return TRUE;
  if (power_w == 0)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_node_get(node, "power_cap")),
                    "power_cap of an accelerator without power, expected both");
  return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_node_get(node, "power_cap")),
                  "power_cap of %g W, expected %g to %g W (the board's power)", cap_w, LEAST_CAP_SHARE * power_w,
                  power_w);
}

gboolean moe_accelerator_read(const MoeNode *node, MoeAccelerator *accelerator, GError **error)
{
  const MoeNode *kernels = moe_node_get(node, "kernels");

  *accelerator = (MoeAccelerator){.name = "unnamed", .training_rate = 1};
  if (!moe_node_read_fields(node, accelerator_fields, "accelerator", accelerator, error) ||
      !moe_section_read(node, "peak", peak_fields, "peak", accelerator, error) || !check_cap(node, accelerator, error))
    return FALSE;
  complete_peaks(accelerator->peak_flop_per_s);
  if (accelerator->quoted_peak_flop_per_s == 0)
    accelerator->quoted_peak_flop_per_s = accelerator->peak_flop_per_s[MOE_BF16];
  return !kernels || moe_kernel_fits_read(kernels, &accelerator->kernels, error);
}

/* ---- cluster ----------------------------------------------------------------------------------------------------- */

static const MoeField cluster_fields[] = {
    {"name", MOE_FIELD_STRING(MoeCluster, name)},
    {"title", MOE_FIELD_STRING(MoeCluster, title)},
    {"source", MOE_FIELD_STRING(MoeCluster, source)},
    {"accelerator", MOE_FIELD_ELSEWHERE, .required = TRUE},
    {"domain", MOE_FIELD_ELSEWHERE, .required = TRUE},
    {"host", MOE_FIELD_ELSEWHERE, .required = TRUE},
    {"network", MOE_FIELD_ELSEWHERE, .required = TRUE},
    {"reliability", MOE_FIELD_ELSEWHERE},
    {"storage", MOE_FIELD_ELSEWHERE},
    {"price", MOE_FIELD_ELSEWHERE},
    {"power", MOE_FIELD_ELSEWHERE},
    {"assumptions", MOE_FIELD_ELSEWHERE},
    {NULL},
};

static const MoeField reliability_fields[] = {
    {"gpu_mtbf", MOE_FIELD_AMOUNT(MoeCluster, gpu_mtbf_s, MOE_DIM_SECONDS)},
    {"host_mtbf", MOE_FIELD_AMOUNT(MoeCluster, host_mtbf_s, MOE_DIM_SECONDS)},
    {"link_mtbf", MOE_FIELD_AMOUNT(MoeCluster, link_mtbf_s, MOE_DIM_SECONDS)},
    {"weibull_shape", AMOUNT_UP_TO(MoeCluster, weibull_shape, MOE_DIM_NONE, MOE_MAX_WEIBULL_SHAPE)},
    {"source", MOE_FIELD_ELSEWHERE},
    {NULL},
};

static const MoeField storage_fields[] = {
    {"bandwidth", POSITIVE(MoeCluster, storage_bytes_per_s, MOE_DIM_BYTES_PER_S, MAX_BYTES_PER_S)},
    {"source", MOE_FIELD_ELSEWHERE},
    {NULL},
};

static const MoeField price_fields[] = {
    {"gpu_hour", AMOUNT_UP_TO(MoeCluster, price_gpu_hour, MOE_DIM_DOLLARS, MAX_DOLLARS)},
    {"low", AMOUNT_UP_TO(MoeCluster, price_low, MOE_DIM_DOLLARS, MAX_DOLLARS)},
    {"high", AMOUNT_UP_TO(MoeCluster, price_high, MOE_DIM_DOLLARS, MAX_DOLLARS)},
    {"date", MOE_FIELD_STRING(MoeCluster, price_date)},
    {"source", MOE_FIELD_STRING(MoeCluster, price_source)},
    {NULL},
};

static const MoeField power_fields[] = {
    {"gpu", AMOUNT_UP_TO(MoeCluster, gpu_power_w, MOE_DIM_WATTS, MAX_WATTS)},
    {"overhead", POSITIVE(MoeCluster, power_overhead, MOE_DIM_NONE, MAX_OVERHEAD)},
    {"source", MOE_FIELD_ELSEWHERE},
    {NULL},
};

static gboolean read_parts(const MoeNode *node, MoeCluster *cluster, GError **error)
{
  return moe_accelerator_read(moe_node_get(node, "accelerator"), &cluster->accelerator, error) &&
         moe_domain_read(moe_node_get(node, "domain"), &cluster->domain, error) &&
         moe_host_read(moe_node_get(node, "host"), &cluster->host, error) &&
         moe_network_read(moe_node_get(node, "network"), &cluster->network, error) &&
         moe_section_read(node, "reliability", reliability_fields, "reliability", cluster, error) &&
         moe_section_read(node, "storage", storage_fields, "storage", cluster, error) &&
         moe_section_read(node, "price", price_fields, "price", cluster, error) &&
         moe_section_read(node, "power", power_fields, "power", cluster, error);
}

/* A price that was set outside the range of the file is another's: the range goes. */
static gboolean check_price(const MoeNode *price, MoeCluster *cluster, GError **error)
{
  double low = cluster->price_low, high = cluster->price_high, own = cluster->price_gpu_hour;

  if ((low > 0) != (high > 0) || low > high)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(price),
                    "prices from %g to %g, expected low <= high, both or none", low, high);
  if (own < low || own > high)
    cluster->price_low = cluster->price_high = 0;
  return TRUE;
}

gboolean moe_cluster_read(const MoeNode *node, MoeCluster *cluster, GError **error)
{
  *cluster = (MoeCluster){.name = "unnamed", .power_overhead = 1};
  if (!moe_node_read_fields(node, cluster_fields, "cluster", cluster, error) || !read_parts(node, cluster, error) ||
      !check_price(moe_node_get(node, "price"), cluster, error)) {
    moe_cluster_clear(cluster);
    return FALSE;
  }
  if (cluster->gpu_power_w == 0)
    cluster->gpu_power_w = cluster->accelerator.power_w;
  if (cluster->accelerator.power_cap_w > 0)
    cluster->gpu_power_w = MIN(cluster->gpu_power_w, cluster->accelerator.power_cap_w);
  return TRUE;
}

void moe_cluster_clear(MoeCluster *cluster)
{
  moe_kernel_fits_clear(&cluster->accelerator.kernels);
}
