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

/* ---- accelerator ------------------------------------------------------------------------------------------------- */

/* Slower than any phone, FLOP/s; emulated formats are a fraction of BF16 and not below it either. */
#define LEAST_PEAK      1e9
#define LEAST_BF16_PEAK (LEAST_PEAK * BF16X9_PRODUCTS)

#define PEAK_FROM(precision, least)                                                                                    \
  MOE_FIELD_BETWEEN(MoeAccelerator, peak_flop_per_s[precision], MOE_DIM_FLOP_PER_S, least, MAX_FLOP_PER_S)
#define PEAK(precision) PEAK_FROM(precision, LEAST_PEAK)

static const MoeField peak_fields[] = {
    {"bf16", PEAK_FROM(MOE_BF16, LEAST_BF16_PEAK), .required = TRUE, .meaning = "dense rate of BF16 matrix products"},
    {"fp16", PEAK(MOE_FP16), .otherwise = "as bf16", .meaning = "FP16"},
    {"fp32", PEAK(MOE_FP32), .otherwise = "no such path", .meaning = "FP32 without tensor cores"},
    {"tf32", PEAK(MOE_TF32), .otherwise = "no such path", .meaning = "TF32"},
    {"bf16x3", PEAK(MOE_BF16X3), .otherwise = "a third of bf16", .meaning = "FP32-like products of three BF16 ones"},
    {"bf16x9", PEAK(MOE_BF16X9), .otherwise = "a ninth of bf16", .meaning = "FP32 products emulated by nine BF16 ones"},
    {"fp8", PEAK(MOE_FP8), .otherwise = "no such path", .meaning = "FP8, a scale per tensor"},
    {"fp8-block", PEAK(MOE_FP8_BLOCK), .otherwise = "as fp8", .meaning = "FP8, scales per block of 128"},
    {"mxfp8", PEAK(MOE_MXFP8), .otherwise = "no such path", .meaning = "MXFP8, a scale per 32 elements, in hardware"},
    {"nvfp4", PEAK(MOE_NVFP4), .otherwise = "no such path", .meaning = "NVFP4, a scale per 16 elements, in hardware"},
    {NULL},
};

static const MoeAccelerator accelerator_defaults = {.name = "unnamed", .training_rate = 1, .fp8_split_accumulator = 1};

static const MoeSection peak_section = {"peak", peak_fields, &accelerator_defaults};

#define DRAW(member) MOE_FIELD_BETWEEN(MoeAccelerator, draw.member, MOE_DIM_WATTS, 0, MAX_WATTS)

static const MoeField draw_fields[] = {
    {"standing", DRAW(standing_w), .meaning = "clocked up with nothing to do; 0: not measured"},
    {"products", DRAW(products_w), .meaning = "matrix products, grouped ones too; 0: not measured"},
    {"attention", DRAW(attention_w), .meaning = "fused attention, forward; 0: not measured"},
    {"attention_backward", DRAW(backward_w), .otherwise = "as attention", .meaning = "fused attention, backward"},
    {"source", MOE_FIELD_ORIGIN},
    {NULL},
};

static const MoeSection draw_section = {"draw", draw_fields, &accelerator_defaults};

static char *print_kernels(gconstpointer target)
{
  return moe_kernel_fits_print(&((const MoeAccelerator *)target)->kernels);
}

static const MoeField accelerator_fields[] = {
    {"name", MOE_FIELD_STRING(MoeAccelerator, name), .meaning = "short name in outputs"},
    {"title", MOE_FIELD_STRING(MoeAccelerator, title), .meaning = "one line that describes it"},
    {"source", MOE_FIELD_STRING(MoeAccelerator, source),
     .meaning = "where the values come from: a document, a measurement"},
    {"peak", MOE_FIELD_PART(peak_section), .required = TRUE,
     .meaning = "dense peak rates of matrix products by number format"},
    {"training_rate", MOE_FIELD_BETWEEN(MoeAccelerator, training_rate, MOE_DIM_NONE, 0.1, 1),
     .meaning = "math rate in a training step relative to that of the kernel benchmarks, less what power explains"},
    {"attention_rate", MOE_FIELD_BETWEEN(MoeAccelerator, attention_rate, MOE_DIM_NONE, 0.1, 1),
     .otherwise = "as training_rate", .meaning = "that of attention kernels"},
    {"speed_spread", MOE_FIELD_BETWEEN(MoeAccelerator, speed_spread, MOE_DIM_NONE, 0, 1),
     .meaning = "relative standard deviation of math rates between GPUs of this kind"},
    {"announced", MOE_FIELD_FLAG(MoeAccelerator, announced),
     .meaning = "not sold yet, its figures are those of announcements; every output says so"},
    {"fp8_transposes", MOE_FIELD_FLAG(MoeAccelerator, fp8_transposes),
     .meaning = "FP8 products read both operands along the reduction only, so transposes are made"},
    {"fp8_split_accumulator", MOE_FIELD_BETWEEN(MoeAccelerator, fp8_split_accumulator, MOE_DIM_NONE, 1, 4),
     .meaning =
         "time of the math of a backward FP8 product, which adds partial sums up in FP32, over that of a forward "
         "one"},
    {"quoted_peak", MOE_FIELD_BETWEEN(MoeAccelerator, quoted_peak_flop_per_s, MOE_DIM_FLOP_PER_S, 1, MAX_FLOP_PER_S),
     .otherwise = "as peak.bf16", .meaning = "dense peak that MFU divides by unless a run says otherwise"},
    {"sms", MOE_FIELD_COUNT(MoeAccelerator, sms, 1, MAX_SMS), .required = TRUE,
     .meaning = "streaming multiprocessors (compute units)"},
    {"clock", MOE_FIELD_BETWEEN(MoeAccelerator, clock_hz, MOE_DIM_HERTZ, 1, MAX_HERTZ), .required = TRUE,
     .meaning = "clock that the peaks are quoted at"},
    {"memory", MOE_FIELD_BETWEEN(MoeAccelerator, memory_bytes, MOE_DIM_BYTES, 1, MAX_BYTES), .required = TRUE,
     .meaning = "device memory"},
    {"memory_bandwidth", MOE_FIELD_BETWEEN(MoeAccelerator, memory_bytes_per_s, MOE_DIM_BYTES_PER_S, 1, MAX_BYTES_PER_S),
     .required = TRUE, .meaning = "peak bandwidth of device memory"},
    {"l2", MOE_FIELD_BETWEEN(MoeAccelerator, l2_bytes, MOE_DIM_BYTES, 0, MAX_BYTES), .meaning = "last-level cache"},
    {"power", MOE_FIELD_BETWEEN(MoeAccelerator, power_w, MOE_DIM_WATTS, 0, MAX_WATTS),
     .meaning = "board power that the rates hold at; 0: unknown"},
    {"power_cap", MOE_FIELD_BETWEEN(MoeAccelerator, power_cap_w, MOE_DIM_WATTS, 0, MAX_WATTS),
     .meaning = "cap set by the operator, a quarter of power at least; 0: none"},
    {"draw", MOE_FIELD_PART(draw_section),
     .meaning = "what long runs would draw at the clock of short benchmarks; more than `power` (power_cap) lowers the "
                "clock"},
    {"kernels", MOE_FIELD_PART(moe_kernel_section), .form = MOE_FORM_LIST, .print = print_kernels,
     .meaning = "fitted constants of kernel families"},
    {"assumptions", MOE_FIELD_PART(moe_assumption_section), .form = MOE_FORM_NAMED,
     .meaning = "what is not known of it, by key, with a range"},
    {NULL},
};

const MoeSection moe_accelerator_section = {"accelerator", accelerator_fields, &accelerator_defaults};

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

/* Products are what all others are measured beside, and some of the power must be left for the clock. */
static gboolean check_draw(const MoeNode *node, const MoeAccelerator *accelerator, GError **error)
{
  const MoeNode *draw = moe_node_get(node, "draw");
  const MoeDraw *said = &accelerator->draw;
  double allowed_w = accelerator->power_cap_w > 0 ? accelerator->power_cap_w : accelerator->power_w;

  if (said->standing_w + said->products_w + said->attention_w + said->backward_w == 0)
    return TRUE;
  if (said->products_w <= 0)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(draw), "draw without products, expected what they draw");
  if (said->standing_w >= allowed_w)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(draw),
                    "standing draw of %g W, expected less than the %g W that power and power_cap allow",
                    said->standing_w, allowed_w);
  return TRUE;
}

gboolean moe_accelerator_read(const MoeNode *node, MoeAccelerator *accelerator, GError **error)
{
  const MoeNode *kernels = moe_node_get(node, "kernels");

  *accelerator = accelerator_defaults;
  if (!moe_node_read_fields(node, accelerator_fields, "accelerator", accelerator, error) ||
      !moe_section_read(node, "peak", peak_fields, "peak", accelerator, error) ||
      !moe_section_read(node, "draw", draw_fields, "draw", accelerator, error) ||
      !check_cap(node, accelerator, error) || !check_draw(node, accelerator, error))
    return FALSE;
  complete_peaks(accelerator->peak_flop_per_s);
  if (accelerator->draw.backward_w == 0)
    accelerator->draw.backward_w = accelerator->draw.attention_w;
  if (accelerator->quoted_peak_flop_per_s == 0)
    accelerator->quoted_peak_flop_per_s = accelerator->peak_flop_per_s[MOE_BF16];
  return !kernels || moe_kernel_fits_read(kernels, &accelerator->kernels, error);
}

/* ---- cluster ----------------------------------------------------------------------------------------------------- */

static const MoeCluster defaults = {.name = "unnamed", .power_overhead = 1};

static const MoeField reliability_fields[] = {
    {"gpu_mtbf", MOE_FIELD_AMOUNT(MoeCluster, gpu_mtbf_s, MOE_DIM_SECONDS),
     .meaning = "mean time between failures of one GPU; 0: unknown"},
    {"host_mtbf", MOE_FIELD_AMOUNT(MoeCluster, host_mtbf_s, MOE_DIM_SECONDS), .meaning = "of one host; 0: unknown"},
    {"link_mtbf", MOE_FIELD_AMOUNT(MoeCluster, link_mtbf_s, MOE_DIM_SECONDS),
     .meaning = "of one network link; 0: unknown"},
    {"weibull_shape", MOE_FIELD_BETWEEN(MoeCluster, weibull_shape, MOE_DIM_NONE, 0, MOE_MAX_WEIBULL_SHAPE),
     .meaning = "shape of the times between failures, 1: exponential; 0: unknown"},
    {"source", MOE_FIELD_ORIGIN},
    {NULL},
};

static const MoeSection reliability_section = {"reliability", reliability_fields, &defaults};

static const MoeField storage_fields[] = {
    {"bandwidth", MOE_FIELD_BETWEEN(MoeCluster, storage_bytes_per_s, MOE_DIM_BYTES_PER_S, 1, MAX_BYTES_PER_S),
     .otherwise = "unknown", .meaning = "of all hosts together"},
    {"source", MOE_FIELD_ORIGIN},
    {NULL},
};

static const MoeSection storage_section = {"storage", storage_fields, &defaults};

static const MoeField price_fields[] = {
    {"gpu_hour", MOE_FIELD_BETWEEN(MoeCluster, price_gpu_hour, MOE_DIM_DOLLARS, 0, MAX_DOLLARS),
     .meaning = "dollars per GPU-hour; 0: unknown"},
    {"low", MOE_FIELD_BETWEEN(MoeCluster, price_low, MOE_DIM_DOLLARS, 0, MAX_DOLLARS),
     .meaning = "least of the prices offered, dollars; 0: unknown"},
    {"high", MOE_FIELD_BETWEEN(MoeCluster, price_high, MOE_DIM_DOLLARS, 0, MAX_DOLLARS),
     .meaning = "most, dollars; 0: unknown"},
    {"date", MOE_FIELD_STRING(MoeCluster, price_date), .meaning = "when it was offered"},
    {"source", MOE_FIELD_STRING(MoeCluster, price_source), .meaning = "by whom"},
    {"purchase", MOE_FIELD_BETWEEN(MoeCluster, purchase, MOE_DIM_DOLLARS, 0, MAX_DOLLARS),
     .meaning = "dollars per GPU that is used, with its part of the rack; 0: unknown"},
    {"purchase_low", MOE_FIELD_BETWEEN(MoeCluster, purchase_low, MOE_DIM_DOLLARS, 0, MAX_DOLLARS),
     .meaning = "least of it, dollars; 0: unknown"},
    {"purchase_high", MOE_FIELD_BETWEEN(MoeCluster, purchase_high, MOE_DIM_DOLLARS, 0, MAX_DOLLARS),
     .meaning = "most of it, dollars; 0: unknown"},
    {"purchase_date", MOE_FIELD_STRING(MoeCluster, purchase_date), .meaning = "when it was asked"},
    {"purchase_source", MOE_FIELD_STRING(MoeCluster, purchase_source), .meaning = "by whom"},
    {NULL},
};

static const MoeSection price_section = {"price", price_fields, &defaults};

static const MoeField power_fields[] = {
    {"gpu", MOE_FIELD_BETWEEN(MoeCluster, gpu_power_w, MOE_DIM_WATTS, 0, MAX_WATTS),
     .otherwise = "as accelerator.power, at most its power_cap", .meaning = "power of one GPU"},
    {"overhead", MOE_FIELD_BETWEEN(MoeCluster, power_overhead, MOE_DIM_NONE, 1, MAX_OVERHEAD),
     .meaning = "all power over that of the GPUs: hosts, network, cooling"},
    {"source", MOE_FIELD_ORIGIN},
    {NULL},
};

static const MoeSection power_section = {"power", power_fields, &defaults};

static const MoeField cluster_fields[] = {
    {"name", MOE_FIELD_STRING(MoeCluster, name), .meaning = "short name in outputs"},
    {"title", MOE_FIELD_STRING(MoeCluster, title), .meaning = "one line that describes it"},
    {"source", MOE_FIELD_STRING(MoeCluster, source),
     .meaning = "where the values come from: a document, a measurement"},
    {"accelerator", MOE_FIELD_PART_AT(MoeCluster, accelerator, moe_accelerator_section), .required = TRUE,
     .folder = "clusters/accelerators", .mechanism = "accelerator", .meaning = "its GPUs"},
    {"domain", MOE_FIELD_PART_AT(MoeCluster, domain, moe_domain_section), .required = TRUE,
     .mechanism = "NVLink domain", .meaning = "what one NVSwitch (or xGMI) fabric joins"},
    {"host", MOE_FIELD_PART_AT(MoeCluster, host, moe_host_section), .required = TRUE, .mechanism = "host",
     .meaning = "servers"},
    {"network", MOE_FIELD_PART_AT(MoeCluster, network, moe_network_section), .required = TRUE, .mechanism = "network",
     .meaning = "network between domains"},
    {"reliability", MOE_FIELD_PART(reliability_section), .meaning = "how often parts fail"},
    {"storage", MOE_FIELD_PART(storage_section), .meaning = "storage for checkpoints"},
    {"price", MOE_FIELD_PART(price_section), .meaning = "what a GPU-hour costs"},
    {"power", MOE_FIELD_PART(power_section), .meaning = "what the cluster draws"},
    {"assumptions", MOE_FIELD_PART(moe_assumption_section), .form = MOE_FORM_NAMED,
     .meaning = "what is not known of it, by key, with a range"},
    {NULL},
};

const MoeSection moe_cluster_section = {"cluster", cluster_fields, &defaults};

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
static gboolean check_range(const MoeNode *price, double own, double *low, double *high, GError **error)
{
  if ((*low > 0) != (*high > 0) || *low > *high)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(price),
                    "prices from %g to %g, expected low <= high, both or none", *low, *high);
  if (own < *low || own > *high)
    *low = *high = 0;
  return TRUE;
}

static gboolean check_price(const MoeNode *price, MoeCluster *cluster, GError **error)
{
  return check_range(price, cluster->price_gpu_hour, &cluster->price_low, &cluster->price_high, error) &&
         check_range(price, cluster->purchase, &cluster->purchase_low, &cluster->purchase_high, error) &&
         moe_date_check(price, "date", TRUE, error) && moe_date_check(price, "purchase_date", TRUE, error);
}

/* Hosts larger than an NVLink domain hold whole ones. A host that cuts domains in two is no machine, and leaves hardly
 * two ranks of a run alike. */
static gboolean check_host(const MoeNode *host, const MoeCluster *cluster, GError **error)
{
  const MoeDomain *domain = &cluster->domain;
  const MoeNode *gpus = moe_node_get(host, "gpus");

  return cluster->host.gpus <= domain->of || cluster->host.gpus % domain->gpus == 0 ||
         moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(gpus),
                  "host.gpus is %" G_GINT64_FORMAT ", expected at most domain.of (%" G_GINT64_FORMAT
                  ") or a multiple of domain.gpus (%" G_GINT64_FORMAT "): a host has whole NVLink domains",
                  cluster->host.gpus, domain->of, domain->gpus);
}

gboolean moe_cluster_read(const MoeNode *node, MoeCluster *cluster, GError **error)
{
  *cluster = defaults;
  if (!moe_node_read_fields(node, cluster_fields, "cluster", cluster, error) || !read_parts(node, cluster, error) ||
      !check_host(moe_node_get(node, "host"), cluster, error) ||
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
