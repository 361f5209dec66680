/* Emission of kernels and collectives into a flow. */
#include "internal.h"

static gboolean is_filtered(const MoeEmit *emit)
{
  return emit->only != 0 && !(emit->module & emit->only);
}

static MoeItem new_item(const MoeEmit *emit, MoeOpKind kind, MoeStream stream, MoePass pass, guint work)
{
  return (MoeItem){.kind = (uint8_t)kind,
                   .stream = (uint8_t)stream,
                   .pass = (uint8_t)pass,
                   .scope = (uint8_t)emit->scope,
                   .layer = (int16_t)emit->layer,
                   .work = work};
}

void moe_emit_kernel(MoeEmit *emit, MoeFlow *flow, const MoeKernel *kernel, int load)
{
  MoeKernel complete = *kernel;

  if (is_filtered(emit))
    return;
  complete.scope = emit->scope;
  complete.launches = MAX(kernel->launches, 1);
  if (emit->pass == MOE_PASS_RECOMPUTE || emit->no_flop)
    complete.model_flop = 0;
  guint work = moe_tables_kernel(&emit->builder->tables, &complete, load);
  MoeItem item = new_item(emit, MOE_OP_KERNEL, MOE_STREAM_COMPUTE, kernel->pass, work);

  moe_flow_add(flow, &item);
}

void moe_emit_row_bytes(MoeEmit *emit, MoeBandwidthKind kind, const char *name, double read, double write,
                        int64_t launches, int load)
{
  MoeKernel kernel = {.klass = MOE_KERNEL_BANDWIDTH,
                      .pass = emit->pass,
                      .bandwidth = kind,
                      .name = name,
                      .read_bytes = read,
                      .write_bytes = write,
                      .launches = launches};

  moe_emit_kernel(emit, emit->flow, &kernel, load);
}

void moe_emit_bytes(MoeEmit *emit, MoeBandwidthKind kind, const char *name, double read, double write, int64_t launches)
{
  moe_emit_row_bytes(emit, kind, name, read, write, launches, MOE_NO_LOAD);
}

MoeCollective moe_collective(const MoeEmit *emit, MoeCollectiveKind kind, MoeGroupKind group, const char *name,
                             double bytes)
{
  return (MoeCollective){.kind = kind,
                         .group = group,
                         .pass = emit->pass,
                         .scope = emit->scope,
                         .name = name,
                         .bytes = bytes,
                         .share = 1,
                         .padding = 1};
}

guint32 moe_emit_collective(MoeEmit *emit, MoeStream stream, const MoeCollective *collective)
{
  if (is_filtered(emit) || collective->bytes <= 0 ||
      moe_layout_group_size(emit->builder->layout, collective->group) <= 1)
    return MOE_NO_ITEM;
  guint work = moe_tables_collective(&emit->builder->tables, collective);
  MoeItem item = new_item(emit, MOE_OP_COLLECTIVE, stream, collective->pass, work);

  return moe_flow_add(emit->flow, &item);
}

const MoeShape *moe_builder_shape(const MoeBuilder *builder, int64_t layer)
{
  return layer >= 0 && moe_shape_is_wide(&builder->shape, layer) ? &builder->wide : &builder->shape;
}

void moe_emit_enter(MoeEmit *emit, int64_t layer)
{
  emit->layer = (int)layer;
  emit->shape = moe_builder_shape(emit->builder, layer);
}

void moe_emit_exposed(MoeEmit *emit, MoeStream stream, const MoeCollective *collective)
{
  moe_flow_join(emit->flow, moe_emit_collective(emit, stream, collective));
}

guint32 moe_emit_copy(MoeEmit *emit, gboolean to_host, const char *name, double bytes)
{
  MoeCopy copy = {.to_host = to_host, .bytes = bytes, .pass = emit->pass, .scope = emit->scope, .name = name};
  guint work = moe_tables_copy(&emit->builder->tables, &copy);
  MoeItem item = new_item(emit, MOE_OP_COPY, to_host ? MOE_STREAM_OUT : MOE_STREAM_IN, emit->pass, work);

  if (!to_host)
    item.earlier = 1u << MOE_STREAM_OUT;
  return moe_flow_add(emit->flow, &item);
}

guint32 moe_emit_message(MoeEmit *emit, MoeOpKind kind, guint slot)
{
  MoeItem item = new_item(emit, kind, kind == MOE_OP_SEND ? MOE_STREAM_SEND : MOE_STREAM_RECV, emit->pass, slot);

  return kind == MOE_OP_SEND ? moe_flow_add(emit->flow, &item) : moe_flow_add_free(emit->flow, &item);
}

void moe_emit_host_sync(MoeEmit *emit, guint32 dep)
{
  MoeItem item = new_item(emit, MOE_OP_HOST_SYNC, MOE_STREAM_COMPUTE, emit->pass, 0);

  if (is_filtered(emit))
    return;
  if (dep == MOE_NO_ITEM) {
    moe_flow_add(emit->flow, &item);
    return;
  }
  moe_item_depend(&item, dep);
  moe_flow_add_free(emit->flow, &item);
}

void moe_emit_notify(MoeEmit *emit, const MoeCollective *counts)
{
  MoeItem wait = new_item(emit, MOE_OP_HOST_SYNC, MOE_STREAM_EXPERT, emit->pass, 0);
  guint32 told = moe_emit_collective(emit, MOE_STREAM_EXPERT, counts);

  if (is_filtered(emit))
    return;
  wait.yields = told == MOE_NO_ITEM;
  if (told != MOE_NO_ITEM)
    moe_flow_item(emit->flow, told)->yields = TRUE;
  moe_flow_add(emit->flow, &wait);
}

void moe_emit_dispatch_sync(MoeEmit *emit, guint32 counts)
{
  MoeItem item = new_item(emit, MOE_OP_HOST_SYNC, MOE_STREAM_COMPUTE, emit->pass, 0);

  if (is_filtered(emit))
    return;
  item.yields = TRUE;
  moe_item_depend(&item, counts);
  moe_flow_add_free(emit->flow, &item);
}

void moe_emit_host_messages(MoeEmit *emit, guint32 received)
{
  MoeItem item = new_item(emit, MOE_OP_HOST_SYNC, MOE_STREAM_COMPUTE, emit->pass, 0);

  item.earlier = 1u << MOE_STREAM_SEND | 1u << MOE_STREAM_COMPUTE;
  moe_item_depend(&item, received);
  moe_flow_add_free(emit->flow, &item);
}

void moe_emit_delay(MoeEmit *emit, double seconds)
{
  if (seconds <= 0)
    return;
  guint work = moe_tables_delay(&emit->builder->tables, seconds, emit->pass);
  MoeItem item = new_item(emit, MOE_OP_DELAY, MOE_STREAM_COMPUTE, emit->pass, work);

  moe_flow_add(emit->flow, &item);
}
