/* Rank layout: groups are what the degrees say, every rank is in one group of each kind, and the arithmetic inverts. */
#include "runs.h"

static MoeParallelism degrees(int64_t tp, int64_t cp, int64_t dp, int64_t pp, int64_t etp, int64_t ep, int64_t edp)
{
  return (MoeParallelism){.gpus = tp * cp * dp * pp,
                          .tensor = tp,
                          .context = cp,
                          .data = dp,
                          .pipeline = pp,
                          .expert_tensor = etp,
                          .expert = ep,
                          .expert_data = edp,
                          .virtual_stages = 1};
}

static void check_kind(const MoeLayout *layout, MoeGroupKind kind)
{
  int64_t ranks = moe_layout_ranks(layout), size = moe_layout_group_size(layout, kind), members = 0;
  g_autofree uint32_t *groups = g_new(uint32_t, ranks), *indices = g_new(uint32_t, ranks);

  moe_layout_groups(layout, kind, groups, indices);
  for (int64_t rank = 0; rank < ranks; rank++) {
    int64_t group = moe_layout_group_of(layout, kind, rank), index = moe_layout_index_in_group(layout, kind, rank);

    ck_assert_uint_eq(groups[rank], group < 0 ? G_MAXUINT32 : (uint32_t)group);
    ck_assert_uint_eq(indices[rank], group < 0 ? 0 : (uint32_t)index);
    if (kind == MOE_GROUP_EMBEDDING && group < 0)
      continue;
    ck_assert_int_lt(group, moe_layout_n_groups(layout, kind));
    ck_assert_int_lt(index, size);
    ck_assert_int_eq(moe_layout_member(layout, kind, group, index), rank);
    members++;
  }
  ck_assert_int_eq(members, moe_layout_n_groups(layout, kind) * size);
}

/* Each (group, index) names one rank and each rank has one (group, index): a bijection for every kind of group. */
START_TEST(test_groups_partition_ranks)
{
  const char *const orders[] = {NULL, "tp-cp-ep-dp-pp", "tp-ep-cp-dp-pp", "cp-tp-dp-ep-pp"};
  const MoeParallelism layouts[] = {
      degrees(1, 1, 16, 1, 1, 8, 2), degrees(2, 2, 4, 2, 1, 4, 4),  degrees(4, 1, 4, 4, 2, 2, 4),
      degrees(1, 4, 8, 1, 1, 16, 2), degrees(8, 1, 2, 2, 1, 16, 1),
  };

  for (guint l = 0; l < G_N_ELEMENTS(layouts); l++)
    for (guint o = 0; o < G_N_ELEMENTS(orders); o++)
      for (int64_t shard = 0; shard <= 2; shard += 2) {
        MoeParallelism p = layouts[l];
        g_autoptr(GError) error = NULL;

        p.order = orders[o];
        p.shard_group = shard;
        g_autoptr(MoeLayout) layout = moe_layout_new(&p, &error);

        ck_assert_msg(layout != NULL, "%s", error ? error->message : "");
        for (MoeGroupKind kind = 0; kind < MOE_N_GROUPS; kind++)
          check_kind(layout, kind);
      }
}
END_TEST

/* 64 GPUs, TP 2, EP 8, PP 2, Megatron's order: tensor ranks are neighbours, an expert group strides over the tensor
 * ranks' positions, stages lie farthest apart. */
START_TEST(test_known_layout)
{
  MoeParallelism p = degrees(2, 1, 16, 2, 1, 8, 4);
  g_autoptr(MoeLayout) layout = moe_layout_new(&p, NULL);
  MoeCoordinates c;

  moe_layout_coordinates(layout, 37, &c);
  ck_assert_int_eq(c.stage, 1);
  ck_assert_int_eq(c.tensor, 1);
  ck_assert_int_eq(c.data, 2);
  ck_assert_int_eq(c.expert, 5);
  ck_assert_int_eq(c.expert_data, 0);
  ck_assert_int_eq(moe_layout_on_stage(layout, 37, 0), 5);
  ck_assert_int_eq(moe_layout_group_size(layout, MOE_GROUP_EXPERT), 8);
  ck_assert_int_eq(moe_layout_member(layout, MOE_GROUP_EXPERT, moe_layout_group_of(layout, MOE_GROUP_EXPERT, 0), 3), 3);
  ck_assert_int_eq(moe_layout_group_size(layout, MOE_GROUP_EMBEDDING), 2);
}
END_TEST

START_TEST(test_middle_stages_have_no_embedding)
{
  MoeParallelism p = degrees(1, 1, 2, 4, 1, 1, 2);
  g_autoptr(MoeLayout) layout = moe_layout_new(&p, NULL);

  ck_assert_int_eq(moe_layout_group_of(layout, MOE_GROUP_EMBEDDING, 3), -1);
  ck_assert_int_eq(moe_layout_member(layout, MOE_GROUP_EMBEDDING, 1, 1), 7);
}
END_TEST

/* HSDP: shards are neighbours, replicas of one shard lie a shard group apart. */
START_TEST(test_hybrid_groups)
{
  MoeParallelism p = degrees(1, 1, 32, 1, 1, 8, 4);

  p.shard_group = 16;
  g_autoptr(MoeLayout) layout = moe_layout_new(&p, NULL);

  ck_assert_int_eq(moe_layout_group_size(layout, MOE_GROUP_DATA_SHARD), 16);
  ck_assert_int_eq(moe_layout_group_size(layout, MOE_GROUP_DATA_REPLICA), 2);
  ck_assert_int_eq(moe_layout_group_size(layout, MOE_GROUP_EXPERT_SHARD), 2);
  ck_assert_int_eq(
      moe_layout_member(layout, MOE_GROUP_DATA_REPLICA, moe_layout_group_of(layout, MOE_GROUP_DATA_REPLICA, 3), 1), 19);
}
END_TEST

START_TEST(test_refusals)
{
  MoeParallelism product = degrees(2, 1, 4, 1, 1, 4, 2), order = product, split = degrees(4, 1, 4, 2, 1, 4, 4);
  g_autoptr(GError) error = NULL;

  product.gpus = 7;
  ck_assert_ptr_null(moe_layout_new(&product, &error));
  ck_assert_ptr_nonnull(strstr(error->message, "expected parallelism.gpus"));
  g_clear_error(&error);
  order.order = "tp-cp-xp-dp-pp";
  ck_assert_ptr_null(moe_layout_new(&order, &error));
  ck_assert_ptr_nonnull(strstr(error->message, "'xp'"));
  g_clear_error(&error);
  split.order = "tp-pp-cp-ep-dp"; /* stage stride 4 on the attention side, 1 on the expert side */
  ck_assert_ptr_null(moe_layout_new(&split, &error));
  ck_assert_ptr_nonnull(strstr(error->message, "disagree"));
}
END_TEST

MOE_TEST_MAIN("program/layout", test_groups_partition_ranks, test_known_layout, test_middle_stages_have_no_embedding,
              test_hybrid_groups, test_refusals)
