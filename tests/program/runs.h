/* Runs for the tests of program: from YAML text, or a file of models/. */
#ifndef PROGRAM_RUNS_H
#define PROGRAM_RUNS_H

#include "moetest.h"

#include "program/program.h"

static inline MoeRun *run_from_text(const char *text, GError **error)
{
  g_autofree char *data = moetest_path("");
  MoeRunOptions options = {.data_dir = data};
  MoeDoc *doc = moe_doc_parse(text, -1, "test", NULL, error);

  return doc ? moe_run_from_doc(doc, "test", &options, error) : NULL;
}

/* The program of a run; the test fails with the message when there is none, or when it breaks an invariant. */
static inline MoeProgram *build_checked(const MoeRun *run)
{
  g_autoptr(GError) error = NULL;
  MoeProgram *program = moe_program_build(run, 0, &error);

  ck_assert_msg(program != NULL, "%s", error ? error->message : "no program");
  g_autofree char *wrong = moe_program_check(program);

  ck_assert_msg(wrong == NULL, "%s", wrong);
  return program;
}

static inline MoeRun *load_run(const char *file, const char *variant)
{
  g_autofree char *path = moetest_path(file);
  g_autofree char *data = moetest_path("");
  g_autoptr(GError) error = NULL;
  MoeRunOptions options = {.variant = variant, .data_dir = data};
  MoeRun *run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "no run");
  return run;
}

/* A run with `text` (YAML of sections) merged over a small dense GPT on A100; fails the test when it does not read. */
static inline MoeRun *run_with(const char *base, const char *sets_text)
{
  g_auto(GStrv) sets = g_strsplit(sets_text, ";", -1);
  g_autofree char *data = moetest_path("");
  g_autoptr(GError) error = NULL;
  MoeRunOptions options = {.data_dir = data, .sets = (const char *const *)sets};
  MoeDoc *doc = moe_doc_parse(base, -1, "test", NULL, &error);

  ck_assert_msg(doc != NULL, "%s", error ? error->message : "");
  MoeRun *run = moe_run_from_doc(doc, "test", &options, &error);

  ck_assert_msg(run != NULL, "%s: %s", sets_text, error ? error->message : "no run");
  return run;
}

/* How often the host waits for the GPU in a step of a role. */
static inline guint syncs_of(const MoeProgram *program, guint role)
{
  guint n = 0;

  for (guint c = 0; c < program->roles[role].n_calls; c++) {
    const MoeBlock *block = &program->blocks[program->roles[role].calls[c].block];

    for (guint i = 0; i < block->n_ops; i++)
      n += block->ops[i].kind == MOE_OP_HOST_SYNC;
  }
  return n;
}

/* GPT-like, biases and dropout as in Korthikanti et al. */
#define DENSE                                                                                                          \
  "architecture: {layers: 16, hidden: 1024, vocabulary: 32000, tied_embeddings: false, learned_positions: 2048,\n"     \
  "  biases: false, attention: {kind: gqa, query_heads: 16, kv_heads: 16, head_dim: 64},\n"                            \
  "  ffn: {width: 4096, gated: false}}\n"                                                                              \
  "training: {sequence_length: 2048, global_batch: 16, micro_batch: 1, optimizer: adamw,\n"                            \
  "  precision: {gemm: bf16, attention: bf16, lm_head: bf16, residual: bf16}}\n"                                       \
  "parallelism: {gpus: 8, tensor: 1, pipeline: 1, schedule: none, zero: 1}\n"                                          \
  "cluster: a100-hgx\n"                                                                                                \
  "stack: megatron-core:0.13\n"

/* Fine-grained MoE with everything optional switched on by the tests. */
#define SPARSE                                                                                                         \
  "architecture: {layers: 8, hidden: 1024, vocabulary: 32000, tied_embeddings: true,\n"                                \
  "  attention: {kind: gqa, query_heads: 16, kv_heads: 4, head_dim: 64},\n"                                            \
  "  ffn: {width: 2048, gated: true},\n"                                                                               \
  "  moe: {first_layer: 1, every: 2, experts: 32, top_k: 4, width: 512, gated: true}}\n"                               \
  "training: {sequence_length: 2048, global_batch: 64, micro_batch: 1, optimizer: adamw,\n"                            \
  "  precision: {gemm: bf16, attention: bf16, lm_head: bf16, residual: bf16}}\n"                                       \
  "parallelism: {gpus: 32, expert: 8, schedule: none, zero: 1}\n"                                                      \
  "cluster: h100-hgx\n"                                                                                                \
  "stack: megatron-core:0.13\n"

#endif
