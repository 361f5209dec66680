/* Whether two runs are one, for tests that send runs through other software's configurations. */
#ifndef SAME_RUN_H
#define SAME_RUN_H

#include "layer/layer.h"
#include "spec/spec.h"
#include <check.h>

static inline void check_architecture(const char *name, const MoeArchitecture *a, const MoeArchitecture *b)
{
  MoeParameters before, after;

  moe_count_parameters(a, &before);
  moe_count_parameters(b, &after);
  ck_assert_msg(before.total == after.total && before.active == after.active, "%s: %.0f and %.0f parameters", name,
                before.total, after.total);
  ck_assert_int_eq(a->layers, b->layers);
  ck_assert_int_eq(a->attention.kind, b->attention.kind);
  ck_assert_int_eq(a->attention.query_heads, b->attention.query_heads);
  ck_assert_int_eq(a->attention.window, b->attention.window);
  ck_assert_int_eq(a->moe.experts, b->moe.experts);
  ck_assert_int_eq(a->moe.top_k, b->moe.top_k);
  for (int64_t layer = 0; layer < a->layers; layer++) {
    ck_assert(moe_layer_is_moe(a, layer) == moe_layer_is_moe(b, layer));
    ck_assert(moe_layer_is_global(a, layer) == moe_layer_is_global(b, layer));
  }
}

static inline void check_training(const MoeRun *a, const MoeRun *b)
{
  ck_assert_int_eq(a->training.sequence_length, b->training.sequence_length);
  ck_assert_int_eq(a->training.global_batch, b->training.global_batch);
  ck_assert_int_eq(a->training.micro_batch, b->training.micro_batch);
  ck_assert_int_eq(a->training.optimizer, b->training.optimizer);
  ck_assert_mem_eq(&a->training.precision, &b->training.precision, sizeof a->training.precision);
  ck_assert_int_eq(a->recompute.mode, b->recompute.mode);
  ck_assert_int_eq(a->recompute.layers, b->recompute.layers);
  ck_assert_int_eq(a->recompute.modules, b->recompute.modules);
}

static inline void check_layout(const char *name, const MoeParallelism *a, const MoeParallelism *b)
{
  const int64_t before[] = {a->gpus,   a->tensor,        a->context,  a->pipeline,     a->virtual_stages,
                            a->expert, a->expert_tensor, a->zero,     a->shard_group,  a->first_stage_layers,
                            a->data,   a->expert_data,   a->schedule, a->micro_batches};
  const int64_t after[] = {b->gpus,   b->tensor,        b->context,  b->pipeline,     b->virtual_stages,
                           b->expert, b->expert_tensor, b->zero,     b->shard_group,  b->first_stage_layers,
                           b->data,   b->expert_data,   b->schedule, b->micro_batches};

  for (guint i = 0; i < G_N_ELEMENTS(before); i++)
    ck_assert_msg(before[i] == after[i], "%s: degree %u is %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT, name, i,
                  before[i], after[i]);
  ck_assert(a->sequence_parallel == b->sequence_parallel);
  ck_assert(a->overlap.gradient_reduce == b->overlap.gradient_reduce);
  ck_assert(a->overlap.parameter_gather == b->overlap.parameter_gather);
  ck_assert(a->overlap.tensor == b->overlap.tensor && a->overlap.expert == b->overlap.expert);
}

#endif
