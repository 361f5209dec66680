/* What a slice executes: shape, FLOPs, bytes, algorithm. */
#include "metrics/metrics.h"
#include "trace_story.h"

static TraceArgument *next(TraceDetail *detail, const char *key)
{
  g_assert(detail->n < TRACE_MOST_DETAILS);
  detail->argument[detail->n].key = key;
  return &detail->argument[detail->n++];
}

static void say_text(TraceDetail *detail, const char *key, const char *text)
{
  next(detail, key)->text = text;
}

static void say_number(TraceDetail *detail, const char *key, double number)
{
  if (number != 0)
    next(detail, key)->number = number;
}

static void describe_gemm(const MoeKernel *kernel, TraceDetail *detail)
{
  say_number(detail, "m", (double)kernel->m);
  say_number(detail, "n", (double)kernel->n);
  say_number(detail, "k", (double)kernel->k);
  say_number(detail, "groups", (double)kernel->groups);
  say_number(detail, "rows", (double)kernel->rows);
}

static void describe_attention(const MoeKernel *kernel, TraceDetail *detail)
{
  say_number(detail, "batch", (double)kernel->batch);
  say_number(detail, "query_heads", (double)kernel->query_heads);
  say_number(detail, "kv_heads", (double)kernel->kv_heads);
  say_number(detail, "len_q", (double)kernel->len_q);
  say_number(detail, "len_kv", (double)kernel->len_kv);
  say_number(detail, "window", (double)kernel->window);
  say_number(detail, "dim_qk", (double)kernel->dim_qk);
  say_number(detail, "dim_v", (double)kernel->dim_v);
}

static void describe_kernel(const MoeKernel *kernel, TraceDetail *detail)
{
  detail->flop = moe_cost_flop(kernel);
  detail->bytes = kernel->read_bytes + kernel->write_bytes;
  say_text(detail, "precision", moe_precision_words[kernel->precision]);
  if (kernel->klass == MOE_KERNEL_GEMM || kernel->klass == MOE_KERNEL_GROUPED_GEMM)
    describe_gemm(kernel, detail);
  else if (kernel->klass == MOE_KERNEL_ATTENTION)
    describe_attention(kernel, detail);
  say_number(detail, "flop", detail->flop);
  say_number(detail, "bytes", detail->bytes);
}

static void describe_collective(const MoeSlice *slice, TraceDetail *detail)
{
  const MoeCollective *collective = slice->collective;

  detail->bytes = slice->sent_bytes[MOE_LINK_NVLINK] + slice->sent_bytes[MOE_LINK_NETWORK];
  say_text(detail, "collective", moe_collective_words[collective->kind]);
  say_text(detail, "algorithm", slice->algorithm);
  say_text(detail, "group", moe_group_words[collective->group]);
  say_number(detail, "members", (double)slice->members);
  say_number(detail, "bytes", slice->payload_bytes);
  say_number(detail, "nvlink_bytes", slice->sent_bytes[MOE_LINK_NVLINK]);
  say_number(detail, "network_bytes", slice->sent_bytes[MOE_LINK_NETWORK]);
}

gboolean trace_describe(const MoeSlice *slice, TraceDetail *detail)
{
  if (slice->kernel) {
    describe_kernel(slice->kernel, detail);
  } else if (slice->collective) {
    describe_collective(slice, detail);
  } else if (slice->payload_bytes > 0) {
    detail->bytes = slice->payload_bytes;
    say_number(detail, "bytes", slice->payload_bytes);
  }
  return detail->n > 0;
}
