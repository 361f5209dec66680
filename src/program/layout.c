/* Rank layout: two mixed-radix views of the same ranks, one for attention, one for experts, that agree on the pipeline
 * stage. */
#include "program/program.h"
#include <string.h>

/* Dimensions of either view; on the MoE side TENSOR is expert-tensor, DATA expert-data, and CONTEXT has size 1. */
typedef enum { DIM_TENSOR, DIM_CONTEXT, DIM_EXPERT, DIM_DATA, DIM_PIPELINE, N_DIMS } Dimension;

#define DIM_BIT(dimension) (1u << (dimension))
#define ALL_DIMS           (DIM_BIT(N_DIMS) - 1)

typedef struct {
  Dimension dimension;
  int64_t size, stride;
} Digit;

/* Digits, fastest-varying first. */
typedef struct {
  Digit digit[N_DIMS];
} Radix;

struct MoeLayout {
  int64_t ranks, stages;
  int64_t shard, expert_shard; /* HSDP: ranks over which a weight is sharded */
  Radix attention, moe;
};

/* Which view and which digits a group varies. */
typedef struct {
  gboolean moe;
  guint varies; /* bits of Dimension */
} GroupShape;

static const GroupShape group_shapes[MOE_N_GROUPS] = {
    [MOE_GROUP_TENSOR] = {FALSE, DIM_BIT(DIM_TENSOR)},
    [MOE_GROUP_CONTEXT] = {FALSE, DIM_BIT(DIM_CONTEXT)},
    [MOE_GROUP_DATA] = {FALSE, DIM_BIT(DIM_CONTEXT) | DIM_BIT(DIM_DATA)},
    [MOE_GROUP_EXPERT] = {TRUE, DIM_BIT(DIM_EXPERT)},
    [MOE_GROUP_EXPERT_TENSOR] = {TRUE, DIM_BIT(DIM_TENSOR)},
    [MOE_GROUP_EXPERT_DATA] = {TRUE, DIM_BIT(DIM_DATA)},
    [MOE_GROUP_DATA_SHARD] = {FALSE, DIM_BIT(DIM_CONTEXT) | DIM_BIT(DIM_DATA)},
    [MOE_GROUP_DATA_REPLICA] = {FALSE, DIM_BIT(DIM_CONTEXT) | DIM_BIT(DIM_DATA)},
    [MOE_GROUP_EXPERT_SHARD] = {TRUE, DIM_BIT(DIM_DATA)},
    [MOE_GROUP_EXPERT_REPLICA] = {TRUE, DIM_BIT(DIM_DATA)},
    [MOE_GROUP_EMBEDDING] = {FALSE, DIM_BIT(DIM_PIPELINE)},
    [MOE_GROUP_PIPELINE] = {FALSE, DIM_BIT(DIM_PIPELINE)},
    [MOE_GROUP_WORLD] = {FALSE, ALL_DIMS},
    [MOE_GROUP_TENSOR_CONTEXT] = {FALSE, DIM_BIT(DIM_TENSOR) | DIM_BIT(DIM_CONTEXT)},
    [MOE_GROUP_STAGE] = {FALSE, ALL_DIMS & ~DIM_BIT(DIM_PIPELINE)},
};

/* ---- mixed radix -------------------------------------------------------------------------------- */

static int64_t digit_value(const Digit *digit, int64_t rank)
{
  return rank / digit->stride % digit->size;
}

static int64_t radix_value(const Radix *radix, Dimension dimension, int64_t rank)
{
  for (guint i = 0; i < N_DIMS; i++)
    if (radix->digit[i].dimension == dimension)
      return digit_value(&radix->digit[i], rank);
  return 0;
}

/* Number formed by the digits in `dims`, fastest first. */
static int64_t radix_pack(const Radix *radix, guint dims, int64_t rank)
{
  int64_t value = 0, scale = 1;

  for (guint i = 0; i < N_DIMS; i++) {
    const Digit *digit = &radix->digit[i];

    if (digit->size == 1 || !(dims & DIM_BIT(digit->dimension)))
      continue;
    value += scale * digit_value(digit, rank);
    scale *= digit->size;
  }
  return value;
}

/* The rank whose digits in `dims` form `value`, the others being 0. */
static int64_t radix_unpack(const Radix *radix, guint dims, int64_t value)
{
  int64_t rank = 0;

  for (guint i = 0; i < N_DIMS; i++) {
    const Digit *digit = &radix->digit[i];

    if (!(dims & DIM_BIT(digit->dimension)))
      continue;
    rank += value % digit->size * digit->stride;
    value /= digit->size;
  }
  return rank;
}

static int64_t radix_size(const Radix *radix, guint dims)
{
  int64_t size = 1;

  for (guint i = 0; i < N_DIMS; i++)
    if (dims & DIM_BIT(radix->digit[i].dimension))
      size *= radix->digit[i].size;
  return size;
}

/* ---- making a layout ---------------------------------------------------------------------------- */

static const char *const dimension_words[N_DIMS] = {"tp", "cp", "ep", "dp", "pp"};

#define DEFAULT_ORDER "tp-cp-ep-dp-pp" /* Megatron-core's default rank order */

static int find_dimension(const char *word)
{
  for (int i = 0; i < N_DIMS; i++)
    if (strcmp(word, dimension_words[i]) == 0)
      return i;
  return -1;
}

/* "tp-cp-ep-dp-pp" to dimensions, each once. */
static gboolean parse_order(const char *order, Dimension dimensions[N_DIMS], GError **error)
{
  g_auto(GStrv) words = g_strsplit(order, "-", -1);
  guint seen = 0;

  for (guint i = 0; words[i] && i < N_DIMS; i++) {
    int dimension = find_dimension(words[i]);

    if (dimension < 0)
      return moe_fail(error, MOE_ERROR_LAYOUT, (MoeMark){0},
                      "parallelism.order has '%s', expected tp, cp, ep, dp or pp", words[i]);
    seen |= DIM_BIT(dimension);
    dimensions[i] = (Dimension)dimension;
  }
  if (g_strv_length(words) != N_DIMS || seen != ALL_DIMS)
    return moe_fail(error, MOE_ERROR_LAYOUT, (MoeMark){0},
                    "parallelism.order is '%s', expected each of tp, cp, ep, dp, pp once", order);
  return TRUE;
}

static void radix_init(Radix *radix, const Dimension order[N_DIMS], const int64_t sizes[N_DIMS])
{
  int64_t stride = 1;

  for (guint i = 0; i < N_DIMS; i++) {
    radix->digit[i] = (Digit){order[i], sizes[order[i]], stride};
    stride *= sizes[order[i]];
  }
}

static gboolean check_product(const char *side, const int64_t sizes[N_DIMS], int64_t gpus, GError **error)
{
  int64_t product = 1;

  for (guint i = 0; i < N_DIMS; i++) {
    if (sizes[i] < 1)
      return moe_fail(error, MOE_ERROR_LAYOUT, (MoeMark){0},
                      "%s side: degree of %s is %" G_GINT64_FORMAT ", expected at least 1", side, dimension_words[i],
                      sizes[i]);
    product *= sizes[i];
  }
  if (product != gpus)
    return moe_fail(error, MOE_ERROR_LAYOUT, (MoeMark){0},
                    "%s side: degrees multiply to %" G_GINT64_FORMAT ", expected parallelism.gpus = %" G_GINT64_FORMAT,
                    side, product, gpus);
  return TRUE;
}

static int64_t stage_stride(const Radix *radix)
{
  for (guint i = 0; i < N_DIMS; i++)
    if (radix->digit[i].dimension == DIM_PIPELINE)
      return radix->digit[i].stride;
  return 0;
}

/* Ranks over which HSDP shards: the run's shard_group for dense weights, the same number of replicas for expert
 * weights. */
static gboolean init_shards(MoeLayout *layout, int64_t shard_group, GError **error)
{
  int64_t data = moe_layout_group_size(layout, MOE_GROUP_DATA);
  int64_t expert_data = moe_layout_group_size(layout, MOE_GROUP_EXPERT_DATA);

  layout->shard = shard_group > 0 ? MIN(shard_group, data) : data;
  if (data % layout->shard != 0)
    return moe_fail(error, MOE_ERROR_LAYOUT, (MoeMark){0},
                    "parallelism.shard_group %" G_GINT64_FORMAT " does not divide the %" G_GINT64_FORMAT
                    " data-parallel ranks",
                    shard_group, data);
  layout->expert_shard = MAX(expert_data / (data / layout->shard), 1);
  while (expert_data % layout->expert_shard != 0)
    layout->expert_shard--;
  return TRUE;
}

static gboolean layout_init(MoeLayout *layout, const MoeParallelism *p, GError **error)
{
  Dimension order[N_DIMS];
  int64_t attention[N_DIMS] = {p->tensor, p->context, 1, p->data, p->pipeline};
  int64_t moe[N_DIMS] = {p->expert_tensor, 1, p->expert, p->expert_data, p->pipeline};

  *layout = (MoeLayout){.ranks = p->gpus, .stages = p->pipeline};
  if (!parse_order(p->order ? p->order : DEFAULT_ORDER, order, error) ||
      !check_product("attention", attention, p->gpus, error) || !check_product("MoE", moe, p->gpus, error))
    return FALSE;
  radix_init(&layout->attention, order, attention);
  radix_init(&layout->moe, order, moe);
  if (stage_stride(&layout->attention) != stage_stride(&layout->moe))
    return moe_fail(
        error, MOE_ERROR_LAYOUT, (MoeMark){0},
        "parallelism.order puts pp where the attention and MoE sides disagree on a rank's stage, expected pp last");
  return init_shards(layout, p->shard_group, error);
}

MoeLayout *moe_layout_new(const MoeParallelism *parallelism, GError **error)
{
  g_autoptr(MoeLayout) layout = g_new0(MoeLayout, 1);

  return layout_init(layout, parallelism, error) ? g_steal_pointer(&layout) : NULL;
}

void moe_layout_free(MoeLayout *layout)
{
  g_free(layout);
}

int64_t moe_layout_ranks(const MoeLayout *layout)
{
  return layout->ranks;
}

void moe_layout_coordinates(const MoeLayout *layout, int64_t rank, MoeCoordinates *coordinates)
{
  const Radix *a = &layout->attention, *m = &layout->moe;

  *coordinates = (MoeCoordinates){
      .stage = radix_value(a, DIM_PIPELINE, rank),
      .tensor = radix_value(a, DIM_TENSOR, rank),
      .context = radix_value(a, DIM_CONTEXT, rank),
      .data = radix_value(a, DIM_DATA, rank),
      .expert = radix_value(m, DIM_EXPERT, rank),
      .expert_tensor = radix_value(m, DIM_TENSOR, rank),
      .expert_data = radix_value(m, DIM_DATA, rank),
  };
}

int64_t moe_layout_on_stage(const MoeLayout *layout, int64_t rank, int64_t stage)
{
  return rank + (stage - radix_value(&layout->attention, DIM_PIPELINE, rank)) * stage_stride(&layout->attention);
}

/* ---- groups ------------------------------------------------------------------------------------- */

static const Radix *group_radix(const MoeLayout *layout, MoeGroupKind kind)
{
  return group_shapes[kind].moe ? &layout->moe : &layout->attention;
}

/* A group of SHARD or REPLICA kind is a slice of its parent: `parts` groups per parent. Members of a shard group are
 * neighbours in the parent, members of a replica group lie a shard apart. */
static int64_t shard_size(const MoeLayout *layout, MoeGroupKind kind)
{
  switch (kind) {
  case MOE_GROUP_DATA_SHARD:
  case MOE_GROUP_DATA_REPLICA:
    return layout->shard;
  case MOE_GROUP_EXPERT_SHARD:
  case MOE_GROUP_EXPERT_REPLICA:
    return layout->expert_shard;
  default:
    return 0;
  }
}

static gboolean is_replica(MoeGroupKind kind)
{
  return kind == MOE_GROUP_DATA_REPLICA || kind == MOE_GROUP_EXPERT_REPLICA;
}

static int64_t parent_size(const MoeLayout *layout, MoeGroupKind kind)
{
  return radix_size(group_radix(layout, kind), group_shapes[kind].varies);
}

int64_t moe_layout_group_size(const MoeLayout *layout, MoeGroupKind kind)
{
  int64_t parent = parent_size(layout, kind), shard = shard_size(layout, kind);

  if (kind == MOE_GROUP_EMBEDDING)
    return MIN(layout->stages, 2);
  if (shard == 0)
    return parent;
  return is_replica(kind) ? parent / shard : shard;
}

int64_t moe_layout_n_groups(const MoeLayout *layout, MoeGroupKind kind)
{
  if (kind == MOE_GROUP_EMBEDDING)
    return layout->ranks / layout->stages;
  return layout->ranks / moe_layout_group_size(layout, kind);
}

static int64_t stage_of(const MoeLayout *layout, int64_t rank)
{
  return radix_value(&layout->attention, DIM_PIPELINE, rank);
}

static gboolean is_left_out(const MoeLayout *layout, MoeGroupKind kind, int64_t rank)
{
  if (kind != MOE_GROUP_EMBEDDING)
    return FALSE;
  int64_t stage = stage_of(layout, rank);

  return stage != 0 && stage != layout->stages - 1;
}

int64_t moe_layout_group_of(const MoeLayout *layout, MoeGroupKind kind, int64_t rank)
{
  const Radix *radix = group_radix(layout, kind);
  guint varies = group_shapes[kind].varies;
  int64_t group = radix_pack(radix, ALL_DIMS & ~varies, rank), shard = shard_size(layout, kind);

  if (is_left_out(layout, kind, rank))
    return -1;
  if (shard == 0)
    return group;
  int64_t index = radix_pack(radix, varies, rank), parts = is_replica(kind) ? shard : parent_size(layout, kind) / shard;

  return group * parts + (is_replica(kind) ? index % shard : index / shard);
}

int64_t moe_layout_index_in_group(const MoeLayout *layout, MoeGroupKind kind, int64_t rank)
{
  int64_t index = radix_pack(group_radix(layout, kind), group_shapes[kind].varies, rank),
          shard = shard_size(layout, kind);

  if (kind == MOE_GROUP_EMBEDDING)
    return is_left_out(layout, kind, rank) ? -1 : index > 0;
  if (shard == 0)
    return index;
  return is_replica(kind) ? index / shard : index % shard;
}

/* An odometer over the digits of a rank that have more than one value: how much group and index grow when one does. */
typedef struct {
  uint32_t value, size, group_scale, index_scale;
} Odometer;

/* Wheels end with an empty one; the first stays even when it is empty, with size 1. */
static void wheels_init(const Radix *radix, guint varies, Odometer *wheels)
{
  uint32_t scale[2] = {1, 1}; /* of the group, of the index */

  wheels->size = 1;
  for (guint i = 0; i < N_DIMS; i++) {
    const Digit *digit = &radix->digit[i];
    guint which = (varies & DIM_BIT(digit->dimension)) != 0;

    if (digit->size == 1)
      continue;
    *wheels = (Odometer){.size = (uint32_t)digit->size};
    *(which ? &wheels->index_scale : &wheels->group_scale) = scale[which];
    scale[which] *= (uint32_t)digit->size;
    wheels++;
  }
}

static void wheels_advance(Odometer *wheels, uint32_t *group, uint32_t *index)
{
  for (Odometer *wheel = wheels; wheel->size > 0; wheel++) {
    *group += wheel->group_scale;
    *index += wheel->index_scale;
    if (++wheel->value < wheel->size)
      return;
    wheel->value = 0;
    *group -= wheel->group_scale * wheel->size;
    *index -= wheel->index_scale * wheel->size;
  }
}

/* Groups and indices as if no group kind were special; the first wheel's turns are written at once. */
static void plain_groups(const MoeLayout *layout, MoeGroupKind kind, uint32_t *group, uint32_t *index)
{
  Odometer wheels[N_DIMS + 1] = {{0}};
  uint32_t g = 0, i = 0;

  wheels_init(group_radix(layout, kind), group_shapes[kind].varies, wheels);
  for (int64_t rank = 0; rank < layout->ranks; rank += wheels[0].size) {
    for (uint32_t d = 0; d < wheels[0].size; d++) {
      group[rank + d] = g + d * wheels[0].group_scale;
      index[rank + d] = i + d * wheels[0].index_scale;
    }
    wheels_advance(wheels + 1, &g, &i);
  }
}

static void leave_middle_out(const MoeLayout *layout, uint32_t *group, uint32_t *index)
{
  uint32_t last = (uint32_t)layout->stages - 1;

  for (int64_t rank = 0; rank < layout->ranks; rank++) {
    if (index[rank] != 0 && index[rank] != last)
      group[rank] = G_MAXUINT32;
    index[rank] = group[rank] != G_MAXUINT32 && index[rank] > 0;
  }
}

static void cut_groups(const MoeLayout *layout, MoeGroupKind kind, uint32_t *group, uint32_t *index)
{
  uint32_t shard = (uint32_t)shard_size(layout, kind), parent = (uint32_t)parent_size(layout, kind);

  for (int64_t rank = 0; rank < layout->ranks; rank++) {
    uint32_t part = index[rank] / shard, place = index[rank] % shard;

    group[rank] = is_replica(kind) ? group[rank] * shard + place : group[rank] * (parent / shard) + part;
    index[rank] = is_replica(kind) ? part : place;
  }
}

void moe_layout_groups(const MoeLayout *layout, MoeGroupKind kind, uint32_t *group, uint32_t *index)
{
  plain_groups(layout, kind, group, index);
  if (kind == MOE_GROUP_EMBEDDING)
    leave_middle_out(layout, group, index);
  else if (shard_size(layout, kind) > 0 && (is_replica(kind) || shard_size(layout, kind) < parent_size(layout, kind)))
    cut_groups(layout, kind, group, index);
}

int64_t moe_layout_member(const MoeLayout *layout, MoeGroupKind kind, int64_t group, int64_t index)
{
  const Radix *radix = group_radix(layout, kind);
  guint varies = group_shapes[kind].varies;
  int64_t shard = shard_size(layout, kind);

  if (kind == MOE_GROUP_EMBEDDING)
    index *= layout->stages - 1;
  if (shard > 0) {
    int64_t parts = is_replica(kind) ? shard : parent_size(layout, kind) / shard, part = group % parts;

    index = is_replica(kind) ? index * shard + part : part * shard + index;
    group /= parts;
  }
  return radix_unpack(radix, ALL_DIMS & ~varies, group) + radix_unpack(radix, varies, index);
}
