/* What layers lower to: volumes of published runs, precisions, overlap, groups of experts. */
#include "runs.h"

#include <glib/gstdio.h>
#include <math.h>

/* Sum over a role's step of some property of its operations. */
typedef double (*Property)(const MoeProgram *program, const MoeOp *op, gconstpointer data);

static double sum_of(const MoeProgram *p, guint role, Property property, gconstpointer data)
{
  double sum = 0;

  for (guint c = 0; c < p->roles[role].n_calls; c++) {
    const MoeBlock *block = &p->blocks[p->roles[role].calls[c].block];

    for (guint i = 0; i < block->n_ops; i++)
      sum += property(p, &block->ops[i], data);
  }
  return sum;
}

typedef struct {
  MoeCollectiveKind kind;
  MoeGroupKind group;
} Which;

static double collective_bytes(const MoeProgram *p, const MoeOp *op, gconstpointer data)
{
  const Which *which = data;
  const MoeCollective *c = &p->collectives[op->work];

  if (op->kind != MOE_OP_COLLECTIVE || c->kind != which->kind || c->group != which->group)
    return 0;
  return c->bytes * (c->kind == MOE_DISPATCH || c->kind == MOE_COMBINE ? c->share * (double)c->top_k * c->padding : 1);
}

static double bytes_of(const MoeProgram *p, MoeCollectiveKind kind, MoeGroupKind group)
{
  Which which = {kind, group};

  return sum_of(p, 0, collective_bytes, &which);
}

static double expert_bytes(const MoeProgram *p)
{
  return bytes_of(p, MOE_DISPATCH, MOE_GROUP_EXPERT) + bytes_of(p, MOE_COMBINE, MOE_GROUP_EXPERT);
}

/* Per GPU and step, from the shapes alone: 94,22e10 expert parameters over 64 ranks, gathered in BF16 and reduced in
 * FP32; tokens x latent x top-8 in BF16, four times per MoE layer, six with recompute. The descriptors carry whole
 * buffers: (n - 1) / n of them crosses the wire. */
START_TEST(test_mai_v5_volumes)
{
  g_autoptr(MoeRun) zero2 = load_run("models/mai-base-1/v5.yaml", "after");
  g_autoptr(MoeRun) zero3 = load_run("models/mai-base-1/v5.yaml", "before");
  g_autoptr(MoeProgram) p2 = build_checked(zero2);
  g_autoptr(MoeProgram) p3 = build_checked(zero3);
  double experts = 512.0 * 39 * 3 * 5120 * 3072 / 64;

  ck_assert_double_eq_tol(bytes_of(p2, MOE_ALL_GATHER, MOE_GROUP_EXPERT_DATA), 2 * experts, 1);
  ck_assert_double_eq_tol(bytes_of(p2, MOE_REDUCE_SCATTER, MOE_GROUP_EXPERT_DATA), 4 * experts, 1);
  ck_assert_double_eq_tol(bytes_of(p2, MOE_ALL_GATHER, MOE_GROUP_DATA) / 1e9, 39.9, 0.1);
  ck_assert_double_eq_tol(bytes_of(p2, MOE_REDUCE_SCATTER, MOE_GROUP_DATA) / 1e9, 79.8, 0.2);
  ck_assert_double_eq_tol(expert_bytes(p2), 6.0 * 39 * 16384 * 3072 * 8 * 2, 1);
  /* ZeRO-3 gathers the experts once more, in the backward pass. */
  ck_assert_double_eq_tol(bytes_of(p3, MOE_ALL_GATHER, MOE_GROUP_EXPERT_DATA), 2 * 2 * experts, 1);
  ck_assert_double_eq_tol(bytes_of(p3, MOE_REDUCE_SCATTER, MOE_GROUP_EXPERT_DATA), 4 * experts, 1);
}
END_TEST

/* v2's capacity factor of 2 doubles what is on the wire and what experts compute; half of the rows are tokens. */
START_TEST(test_capacity)
{
  g_autoptr(MoeRun) run = run_with(SPARSE, "training.routing.capacity_factor=2");
  g_autoptr(MoeRun) plain = run_with(SPARSE, "training.routing.capacity_factor=none;stack.moe.tile_rows=0");
  g_autoptr(MoeProgram) padded = build_checked(run);
  g_autoptr(MoeProgram) dropless = build_checked(plain);

  ck_assert_double_eq_tol(expert_bytes(padded) / expert_bytes(dropless), 2, 1e-9);
  for (guint i = 0; i < padded->n_kernels; i++)
    if (padded->kernels[i].klass == MOE_KERNEL_GROUPED_GEMM)
      ck_assert_double_eq_tol(padded->kernels[i].useful_share, 0.5, 1e-9);
}
END_TEST

static double has_name(const MoeProgram *p, const MoeOp *op, gconstpointer data)
{
  return op->kind == MOE_OP_KERNEL && g_strcmp0(p->kernels[op->work].name, data) == 0;
}

/* The host waits for token counts, not for gradients. */
static double is_sync(const MoeProgram *p, const MoeOp *op, gconstpointer data)
{
  (void)p;
  (void)data;
  return op->kind == MOE_OP_HOST_SYNC && op->scope != MOE_SCOPE_DATA && op->scope != MOE_SCOPE_OPTIMIZER;
}

static double is_recompute(const MoeProgram *p, const MoeOp *op, gconstpointer data)
{
  (void)p;
  (void)data;
  return op->pass == MOE_PASS_RECOMPUTE;
}

static double is_collective(const MoeProgram *p, const MoeOp *op, gconstpointer data)
{
  return op->kind == MOE_OP_COLLECTIVE && g_strcmp0(p->collectives[op->work].name, data) == 0;
}

/* Rows that come with the numbers of their experts: besides the wait for what the library tells all hosts, three of the
 * chain that makes a map of them (one backward) and four of the padding; other libraries have none of it. No exchange
 * of counts precedes a library that tells them itself; HybridEP gathers the map in its place. */
START_TEST(test_indices)
{
#define BY(library, map, padded)                                                                                       \
  "stack.moe.counts=blocking;stack.collectives.expert_library=" library ";stack.moe.index_map=" map                    \
  ";stack.moe.padded_permute=" padded
  const struct {
    const char *sets;
    double forward, backward, exchanges, map_kernels, gathers, notifies;
  } cases[] = {
      {BY("uccl", "none", "false"), 1, 0, 0, 0, 0, 1},
      {BY("uccl", "kernel", "false"), 1, 0, 0, 1, 0, 1},
      {BY("uccl", "chain", "false"), 1 + 3, 1, 0, 4, 0, 1},
      {BY("deepep", "chain", "true"), 1 + 3 + 4, 1, 0, 4, 0, 1},
      {BY("deepep", "chain", "true") ";stack.moe.counts=device", 0, 0, 1, 4},
      {BY("deepep", "chain", "true") ";training.routing.capacity_factor=1", 3 + 4, 1, 0, 4},
      {BY("hybridep", "chain", "true"), 1, 0, 0, 0, 1},
      {BY("nccl", "chain", "true"), 1, 0, 1, 0},
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(MoeRun) run = run_with(SPARSE, cases[i].sets);
    g_autoptr(MoeProgram) program = build_checked(run);

    ck_assert_double_eq(sum_of(program, 0, is_sync, NULL), 4 * 2 * (cases[i].forward + cases[i].backward));
    ck_assert_double_eq(sum_of(program, 0, is_collective, "token_counts"), 4 * 2 * cases[i].exchanges);
    ck_assert_double_eq(sum_of(program, 0, has_name, "index_map"), 4 * 2 * cases[i].map_kernels);
    ck_assert_double_eq(sum_of(program, 0, is_collective, "routing_map"), 4 * 2 * cases[i].gathers);
    ck_assert_double_eq(sum_of(program, 0, is_collective, "notify"), 4 * 2 * cases[i].notifies);
  }
}
END_TEST

/* Four MoE layers, two micro-batches: counts come to the host in each forward pass and again when it is replayed. */
START_TEST(test_token_counts)
{
  const struct {
    const char *sets;
    double syncs;
  } cases[] = {
      {"stack.moe.counts=blocking", 4 * 2},
      {"stack.moe.counts=blocking;recompute={mode: full}", 4 * 2 * 2},
      {"stack.moe.counts=dedicated-stream", 4 * 2},
      {"stack.moe.counts=device", 0},
      {"stack.moe.counts=blocking;training.routing.capacity_factor=1", 0},
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *sets = g_strconcat("stack.moe.index_map=none;", cases[i].sets, NULL);
    g_autoptr(MoeRun) run = run_with(SPARSE, sets);
    g_autoptr(MoeProgram) program = build_checked(run);

    ck_assert_double_eq(sum_of(program, 0, is_sync, NULL), cases[i].syncs);
  }
}
END_TEST

/* Full recompute replays every layer once per micro-batch; a module list replays what it names. */
START_TEST(test_recompute)
{
  g_autoptr(MoeRun) none = run_with(SPARSE, "recompute={mode: none}");
  g_autoptr(MoeRun) full = run_with(SPARSE, "recompute={mode: full}");
  g_autoptr(MoeRun) norms = run_with(SPARSE, "recompute={mode: selective, modules: [norm]};stack.fused=[norm]");
  g_autoptr(MoeRun) experts = run_with(SPARSE, "recompute={mode: selective, modules: [expert_ffn]}");
  g_autoptr(MoeProgram) p_none = build_checked(none);
  g_autoptr(MoeProgram) p_full = build_checked(full);
  g_autoptr(MoeProgram) p_norms = build_checked(norms);
  g_autoptr(MoeProgram) p_experts = build_checked(experts);

  ck_assert_double_eq(sum_of(p_none, 0, is_recompute, NULL), 0);
  ck_assert_double_eq(sum_of(p_full, 0, has_name, "qkv"), 8 * 2 + sum_of(p_none, 0, has_name, "qkv"));
  ck_assert_double_eq(sum_of(p_norms, 0, is_recompute, NULL), 2 * 8 * 2);
  ck_assert_double_eq(sum_of(p_experts, 0, has_name, "expert_up"), 4 * 2 + sum_of(p_none, 0, has_name, "expert_up"));
  ck_assert_double_eq(expert_bytes(p_full) / expert_bytes(p_none), 1.5);
  ck_assert_double_eq(expert_bytes(p_experts), expert_bytes(p_none));
}
END_TEST

/* With memory rounds the experts run once more in the backward pass, also where their layer is replayed as a whole, and
 * less of what they read is there at a time. */
START_TEST(test_memory_rounds)
{
  static const char *const modes[] = {"{mode: none}", "{mode: full}"};

  for (guint i = 0; i < G_N_ELEMENTS(modes); i++) {
    g_autofree char *one_text =
        g_strdup_printf("recompute=%s;architecture.vocabulary=128;stack.moe.memory_rounds=1", modes[i]);
    g_autofree char *two_text =
        g_strdup_printf("recompute=%s;architecture.vocabulary=128;stack.moe.memory_rounds=2", modes[i]);
    g_autoptr(MoeRun) one = run_with(SPARSE, one_text);
    g_autoptr(MoeRun) two = run_with(SPARSE, two_text);
    g_autoptr(MoeProgram) p_one = build_checked(one);
    g_autoptr(MoeProgram) p_two = build_checked(two);
    MoeFootprint f_one, f_two;

    moe_program_footprint(p_one, one, 0, &f_one);
    moe_program_footprint(p_two, two, 0, &f_two);
    /* 4 MoE layers, 2 micro-batches: replayed once more, everything in two rounds; no more tokens, no more FLOPs */
    ck_assert_double_eq(sum_of(p_two, 0, has_name, "expert_up"), 2 * (4 * 2 + sum_of(p_one, 0, has_name, "expert_up")));
    ck_assert_double_eq_tol(expert_bytes(p_two), expert_bytes(p_one), 1);
    ck_assert_double_eq_tol(p_two->model_flop_per_step, p_one->model_flop_per_step, 1);
    ck_assert_double_lt(f_two.part_bytes[MOE_MEMORY_ACTIVATIONS], f_one.part_bytes[MOE_MEMORY_ACTIVATIONS]);
  }
}
END_TEST

/* With a capacity factor the rows are known: there is nothing to do in rounds. */
START_TEST(test_no_rounds_with_capacity)
{
  const char *capacity = "training.routing={balance: even, capacity_factor: 1.5};stack.moe.memory_rounds=";
  g_autofree char *one_text = g_strconcat(capacity, "1", NULL), *two_text = g_strconcat(capacity, "2", NULL);
  g_autoptr(MoeRun) one = run_with(SPARSE, one_text);
  g_autoptr(MoeRun) two = run_with(SPARSE, two_text);
  g_autoptr(MoeProgram) p_one = build_checked(one);
  g_autoptr(MoeProgram) p_two = build_checked(two);

  ck_assert_uint_eq(p_two->roles[0].n_ops, p_one->roles[0].n_ops);
}
END_TEST

/* Whether some compute operation of the forward block waits for the dispatch of group `group` and no earlier one does.
 */
static guint first_waiting(const MoeBlock *block, uint32_t count)
{
  for (guint i = 0; i < block->n_ops; i++)
    for (guint w = 0; w < block->ops[i].n_waits; w++) {
      const MoeWait *wait = &block->waits[block->ops[i].first_wait + w];

      if (block->ops[i].stream == MOE_STREAM_COMPUTE && wait->stream == MOE_STREAM_EXPERT && wait->count >= count)
        return i;
    }
  return G_MAXUINT;
}

/* Overlapped: all dispatches are issued, then the experts of the first group wait for the first dispatch only. Exposed:
 * the second dispatch is not issued before the first group's experts. */
START_TEST(test_expert_groups)
{
  const char *sets =
      "stack.moe.expert_groups=4;stack.moe.counts=none;stack.overlap=[expert];parallelism.overlap={expert: %s}";
  g_autofree char *yes = g_strdup_printf(sets, "true"), *no = g_strdup_printf(sets, "false");
  g_autoptr(MoeRun) overlapped = run_with(SPARSE, yes);
  g_autoptr(MoeRun) exposed = run_with(SPARSE, no);
  g_autoptr(MoeProgram) p_overlapped = build_checked(overlapped);
  g_autoptr(MoeProgram) p_exposed = build_checked(exposed);
  const MoeBlock *a = &p_overlapped->blocks[0], *b = &p_exposed->blocks[0];

  ck_assert_uint_eq(a->n_stream[MOE_STREAM_EXPERT], 4 * 8); /* 4 MoE layers, 4 groups, there and back */
  ck_assert_uint_lt(a->stream_ops[MOE_STREAM_EXPERT][3], first_waiting(a, 1));
  ck_assert_uint_lt(first_waiting(b, 1), b->stream_ops[MOE_STREAM_EXPERT][1]);
  ck_assert_double_eq_tol(expert_bytes(p_overlapped), expert_bytes(p_exposed), 1);
}
END_TEST

/* A stack that cannot overlap makes the run's wish void, and the other way round. */
START_TEST(test_overlap_needs_both)
{
  const char *const sets[] = {
      "stack.overlap=[expert];parallelism.overlap={expert: false};stack.moe.expert_groups=4",
      "stack.overlap=[];parallelism.overlap={expert: true};stack.moe.expert_groups=4",
  };

  for (guint i = 0; i < G_N_ELEMENTS(sets); i++) {
    g_autoptr(MoeRun) run = run_with(SPARSE, sets[i]);
    g_autoptr(MoeProgram) program = build_checked(run);
    const MoeBlock *block = &program->blocks[0];

    ck_assert_uint_lt(first_waiting(block, 1),
                      block->stream_ops[MOE_STREAM_EXPERT][1 + (run->stack.moe.counts != MOE_COUNTS_NONE)]);
  }
}
END_TEST

/* Tensor-parallel collectives of a block that a kernel runs beside: issued after them without waiting for them. */
static guint beside_kernels(const MoeBlock *block)
{
  guint beside = 0, issued = 0;

  for (guint i = 0; i < block->n_ops; i++) {
    const MoeOp *op = &block->ops[i];
    gboolean waits = FALSE;

    issued += op->stream == MOE_STREAM_TENSOR && op->kind == MOE_OP_COLLECTIVE;
    if (op->stream != MOE_STREAM_COMPUTE || issued == 0 || block->ops[i - 1].stream != MOE_STREAM_TENSOR)
      continue;
    for (guint w = 0; w < op->n_waits; w++)
      waits |= block->waits[op->first_wait + w].stream == MOE_STREAM_TENSOR &&
               block->waits[op->first_wait + w].count >= issued;
    beside += !waits;
  }
  return beside;
}

/* Megatron-LM's linear with asynchronous communication, whatever the run says of tensor overlap: of each layer's two
 * column-parallel linears the input's gather is beside the data gradient, the reduction beside the weight gradient; in
 * the forward pass and in row-parallel linears nothing is. */
START_TEST(test_asynchronous_backward)
{
  const char *layout = "parallelism.tensor=4;training.global_batch=2;parallelism.sequence_parallel=true;"
                       "parallelism.overlap.tensor=false;stack.overlap=[%s]";
  g_autofree char *blocking = g_strdup_printf(layout, "tensor"),
                  *asynchronous = g_strdup_printf(layout, "tensor_backward");
  g_autoptr(MoeRun) without = run_with(DENSE, blocking);
  g_autoptr(MoeRun) with = run_with(DENSE, asynchronous);
  g_autoptr(MoeProgram) p_without = build_checked(without);
  g_autoptr(MoeProgram) p_with = build_checked(with);
  guint backward = 0;

  for (guint b = 0; b < p_with->n_blocks; b++) {
    guint beside = beside_kernels(&p_with->blocks[b]);

    ck_assert_uint_eq(beside_kernels(&p_without->blocks[b]), 0);
    ck_assert(beside == 0 || beside >= (guint)(2 * 2 * with->architecture.layers));
    backward += beside > 0;
  }
  ck_assert_uint_eq(backward, 1);
}
END_TEST

/* Gradients of 8 layers in 2 micro-batches: once per step for ZeRO-1, in both micro-batches for ZeRO-2; nothing for one
 * rank. */
START_TEST(test_reduction_per_stage)
{
  g_autoptr(MoeRun) zero1 = run_with(SPARSE, "parallelism.zero=1;training.precision.gradient_reduce=bf16");
  g_autoptr(MoeRun) zero2 = run_with(SPARSE, "parallelism.zero=2;training.precision.gradient_reduce=bf16");
  g_autoptr(MoeRun) zero0 = run_with(SPARSE, "parallelism.zero=0;training.precision.gradient_reduce=bf16");
  g_autoptr(MoeProgram) p1 = build_checked(zero1);
  g_autoptr(MoeProgram) p2 = build_checked(zero2);
  g_autoptr(MoeProgram) p0 = build_checked(zero0);
  double once = 2 * 4.0 * 32 * 3 * 512 * 1024 / 8;

  ck_assert_double_eq_tol(bytes_of(p1, MOE_REDUCE_SCATTER, MOE_GROUP_EXPERT_DATA), once, 1);
  ck_assert_double_eq_tol(bytes_of(p2, MOE_REDUCE_SCATTER, MOE_GROUP_EXPERT_DATA), 2 * once, 1);
  ck_assert_double_eq_tol(bytes_of(p0, MOE_ALL_REDUCE, MOE_GROUP_EXPERT_DATA), once, 1);
  ck_assert_double_eq(bytes_of(p0, MOE_ALL_GATHER, MOE_GROUP_EXPERT_DATA), 0);
}
END_TEST

/* Hidden bytes per layer of Megatron's tensor parallelism: two reductions forward, two backward; with sequence
 * parallelism gathers and scatters of the same buffers, and the inputs' gathers once more for the weight gradients
 * (Korthikanti et al. 2022, 4.2.2). */
START_TEST(test_tensor_volumes)
{
  g_autoptr(MoeRun) plain = run_with(DENSE, "parallelism.tensor=4;training.global_batch=2");
  g_autoptr(MoeRun) sequence =
      run_with(DENSE, "parallelism.tensor=4;training.global_batch=2;parallelism.sequence_parallel=true");
  g_autoptr(MoeProgram) p = build_checked(plain);
  g_autoptr(MoeProgram) sp = build_checked(sequence);
  double buffer = 2048.0 * 1024 * 2;

  /* 16 layers x 4, the embedding's output and the head's data gradient; the loss adds three rows of FP32. */
  ck_assert_double_eq_tol(bytes_of(p, MOE_ALL_REDUCE, MOE_GROUP_TENSOR), (16 * 4 + 2) * buffer + 3 * 2048 * 4, 1);
  ck_assert_double_eq_tol(bytes_of(sp, MOE_REDUCE_SCATTER, MOE_GROUP_TENSOR), (16 * 4 + 2) * buffer, 1);
  ck_assert_double_eq_tol(bytes_of(sp, MOE_ALL_GATHER, MOE_GROUP_TENSOR), (16 * 6 + 2) * buffer, 1);
  /* Rows travel to FP8 products in FP8; the head's two gathers stay, and so does what is reduced. */
  g_autoptr(MoeRun) narrow = run_with(
      DENSE, "cluster=h100-hgx;parallelism.tensor=4;training.global_batch=2;parallelism.sequence_parallel=true;"
             "training.precision={gemm: fp8, wgrad: fp8}");
  g_autoptr(MoeProgram) fp8 = build_checked(narrow);

  ck_assert_double_eq_tol(bytes_of(fp8, MOE_REDUCE_SCATTER, MOE_GROUP_TENSOR), (16 * 4 + 2) * buffer, 1);
  ck_assert_double_eq_tol(bytes_of(fp8, MOE_ALL_GATHER, MOE_GROUP_TENSOR), (16 * 3 + 2) * buffer, 1);
}
END_TEST

static gboolean is_product(const MoeKernel *k)
{
  return k->klass == MOE_KERNEL_GEMM || k->klass == MOE_KERNEL_GROUPED_GEMM;
}

/* FP8 GEMMs with BF16 weight gradients, FP32 head as TF32: each matrix in the precision of its role. */
START_TEST(test_precision_roles)
{
  g_autoptr(MoeRun) run = run_with(
      SPARSE, "stack.moe.router_mixed=false;training.precision={gemm: fp8, wgrad: bf16, lm_head: tf32, router: fp32}");
  g_autoptr(MoeProgram) program = build_checked(run);

  for (guint i = 0; i < program->n_kernels; i++) {
    const MoeKernel *k = &program->kernels[i];

    if (!is_product(k))
      continue;
    if (g_str_equal(k->name, "lm_head"))
      ck_assert_int_eq(k->precision, MOE_TF32);
    else if (g_str_equal(k->name, "router"))
      ck_assert_int_eq(k->precision, MOE_FP32);
    else
      ck_assert_int_eq(k->precision, k->pass == MOE_PASS_WGRAD ? MOE_BF16 : MOE_FP8);
  }
}
END_TEST

/* The first and the last two of eight layers stay in BF16: products, casts and what is gathered. */
START_TEST(test_layers_that_stay_wide)
{
  g_autoptr(MoeRun) run = run_with(SPARSE, "training.precision={gemm: fp8, wgrad: fp8, parameter_gather: fp8, "
                                           "bf16_first_layers: 1, bf16_last_layers: 2};stack.data_parallel.unit=layer");
  g_autoptr(MoeProgram) program = build_checked(run);
  guint wide = 0, narrow = 0;

  for (guint c = 0; c < program->roles[0].n_calls; c++) {
    const MoeBlock *block = &program->blocks[program->roles[0].calls[c].block];

    for (guint i = 0; i < block->n_ops; i++) {
      const MoeOp *op = &block->ops[i];
      const MoeKernel *k = &program->kernels[op->work];
      gboolean stays = op->layer == 0 || op->layer >= 6;

      if (op->kind != MOE_OP_KERNEL || op->layer < 0 || g_str_equal(k->name, "router"))
        continue;
      ck_assert_msg(!stays || !strstr(k->name, "quantize"), "layer %d: %s", op->layer, k->name);
      if (!is_product(k))
        continue;
      ck_assert_int_eq(k->precision, stays ? MOE_BF16 : MOE_FP8);
      wide += stays;
      narrow += !stays;
    }
  }
  ck_assert_uint_gt(wide, 0);
  ck_assert_uint_gt(narrow, wide);
}
END_TEST

/* All layers that stay in BF16 are a step in BF16: the same work in the same order, the same memory. */
START_TEST(test_all_layers_wide)
{
  const char *narrow[] = {"gemm: fp8, wgrad: fp8, scaling: current, parameter_gather: fp8", "gemm: mxfp8, wgrad: mxfp8",
                          "gemm: nvfp4, wgrad: nvfp4, attention: mxfp8"};
  const char *split = "cluster=gb200-nvl72;parallelism={gpus: 32, tensor: 2, expert: 8, sequence_parallel: true, "
                      "schedule: none, zero: 1};training.precision=";
  g_autofree char *bf16 = g_strconcat(split, "{gemm: bf16}", NULL);
  g_autoptr(MoeRun) plain_run = run_with(SPARSE, bf16);
  g_autoptr(MoeProgram) plain = build_checked(plain_run);

  for (guint n = 0; n < G_N_ELEMENTS(narrow); n++) {
    g_autofree char *sets = g_strconcat(split, "{", narrow[n], ", bf16_first_layers: 3, bf16_last_layers: 5}", NULL);
    g_autoptr(MoeRun) run = run_with(SPARSE, sets);
    g_autoptr(MoeProgram) wide = build_checked(run);

    ck_assert_uint_eq(wide->n_kernels, plain->n_kernels);
    for (guint k = 0; k < plain->n_kernels; k++)
      ck_assert_mem_eq(&wide->kernels[k], &plain->kernels[k], sizeof *plain->kernels);
    ck_assert_uint_eq(wide->n_blocks, plain->n_blocks);
    for (guint b = 0; b < plain->n_blocks; b++)
      ck_assert_uint_eq(wide->blocks[b].n_ops, plain->blocks[b].n_ops);
    ck_assert_double_eq(bytes_of(wide, MOE_ALL_GATHER, MOE_GROUP_TENSOR),
                        bytes_of(plain, MOE_ALL_GATHER, MOE_GROUP_TENSOR));
    for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++)
      ck_assert_double_eq(wide->roles[0].static_bytes[part], plain->roles[0].static_bytes[part]);
  }
}
END_TEST

/* Bytes that all kernels of a name move in a step of one role. */
static double moved_bytes(const MoeProgram *p, const MoeOp *op, gconstpointer data)
{
  return has_name(p, op, data) > 0 ? p->kernels[op->work].read_bytes + p->kernels[op->work].write_bytes : 0;
}

/* Rows are sorted into the order of the experts in the precision in which they came, and back in BF16. */
START_TEST(test_rows_travel_in_their_precision)
{
  static const char fp8[] = "training.precision={gemm: fp8, wgrad: fp8, dispatch: fp8, combine: bf16};"
                            "stack.collectives.expert_library=deepep";
  g_autoptr(MoeRun) narrow = run_with(SPARSE, fp8);
  g_autoptr(MoeRun) wide = run_with(SPARSE, "stack.collectives.expert_library=deepep");
  g_autoptr(MoeProgram) a = build_checked(narrow);
  g_autoptr(MoeProgram) b = build_checked(wide);
  double sorted = sum_of(b, 0, moved_bytes, "sort_rows");

  ck_assert_double_gt(sorted, 0);
  ck_assert_double_eq_tol(sum_of(a, 0, moved_bytes, "sort_rows"), sorted / 2, 1);
  ck_assert_double_eq_tol(sum_of(a, 0, moved_bytes, "sort_grads"), sorted / 2, 1);
  ck_assert_double_eq_tol(sum_of(a, 0, moved_bytes, "unsort_rows"), sorted, 1);
  ck_assert_double_eq_tol(sum_of(b, 0, moved_bytes, "unsort_rows"), sorted, 1);
}
END_TEST

/* Casts in the backward pass: each gradient is cast once by row and once by column (2 + 1 bytes each) instead of both
 * at once (2 + 1 + 1), and so is each input. Routed and dense weights are transposed for every data gradient. */
START_TEST(test_backward_casts)
{
  static const char precision[] = "stack.fused=[norm];training.precision={gemm: fp8, wgrad: fp8}";
  g_autofree char *apart = g_strconcat(precision, ";stack.backward_casts=true", NULL);
  g_autoptr(MoeRun) run = run_with(SPARSE, apart);
  g_autoptr(MoeRun) plain = run_with(SPARSE, precision);
  g_autoptr(MoeProgram) a = build_checked(run);
  g_autoptr(MoeProgram) b = build_checked(plain);
  double once = sum_of(a, 0, moved_bytes, "quantize") + sum_of(a, 0, moved_bytes, "quantize_grad");
  double both = sum_of(b, 0, moved_bytes, "quantize") + sum_of(b, 0, moved_bytes, "quantize_grad");

  ck_assert_double_gt(both, 0);
  ck_assert_double_eq_tol(once / both, 3.0 / 4, 1e-9);
  ck_assert_double_eq_tol(sum_of(a, 0, moved_bytes, "quantize_transposed"), once, 1);
  ck_assert_double_gt(sum_of(a, 0, moved_bytes, "transpose_weight"), 0);
  ck_assert_double_eq(sum_of(b, 0, moved_bytes, "transpose_weight"), 0);
}
END_TEST

/* Scales of a tensor's own: amax reads what the cast reads again. By row: another read for the other layout. NVFP4:
 * amax as well, 2 bytes an element, then one kernel for both layouts (2 + 2 x 0.5625), gradients 6.4 / 4.5 times as
 * dear. */
START_TEST(test_scales)
{
  static const char fp8[] = "stack.fused=[norm];training.precision={gemm: fp8, wgrad: fp8, scaling: ";
  g_autofree char *one = g_strconcat(fp8, "delayed}", NULL), *two = g_strconcat(fp8, "current}", NULL),
                  *three = g_strconcat(fp8, "row}", NULL);
  g_autoptr(MoeRun) a = run_with(SPARSE, one);
  g_autoptr(MoeRun) b = run_with(SPARSE, two);
  g_autoptr(MoeRun) c = run_with(SPARSE, three);
  g_autoptr(MoeProgram) delayed = build_checked(a);
  g_autoptr(MoeProgram) current = build_checked(b);
  g_autoptr(MoeProgram) row = build_checked(c);
  double inputs = sum_of(delayed, 0, moved_bytes, "quantize");
  double gradients = sum_of(delayed, 0, moved_bytes, "quantize_grad");
  double weights = sum_of(delayed, 0, moved_bytes, "quantize_weight");

  ck_assert_double_gt(inputs, 0);
  ck_assert_double_eq(sum_of(delayed, 0, moved_bytes, "amax"), 0);
  ck_assert_double_eq_tol(sum_of(current, 0, moved_bytes, "amax"), (inputs + gradients + weights) / 2, 1);
  ck_assert_double_eq_tol(sum_of(row, 0, moved_bytes, "quantize") / inputs, 6.0 / 4, 1e-9);
  ck_assert_double_eq(sum_of(row, 0, moved_bytes, "amax"), 0);
  g_autoptr(MoeRun) d = run_with(SPARSE, "cluster=gb200-nvl72;stack.fused=[norm];"
                                         "training.precision={gemm: nvfp4, wgrad: nvfp4}");
  g_autoptr(MoeProgram) nvfp4 = build_checked(d);

  ck_assert_double_eq_tol(sum_of(nvfp4, 0, moved_bytes, "quantize") / inputs, (2 + 2 * 0.5625) / 4, 1e-9);
  ck_assert_double_eq_tol(sum_of(nvfp4, 0, moved_bytes, "quantize_grad") / gradients, (2 + 2 * 0.5625) / 4 * 6.4 / 4.5,
                          1e-9);
}
END_TEST

/* Experts one after another: what they add, and nothing where
 * one kernel does them all. Traffic per element of the last product's output: 28 bytes forward and 40 backward with
 * FP32 probabilities, 12 and 16 with BF16's; the clamp 16 and 20 per element between the products. */
START_TEST(test_what_a_loop_over_experts_adds)
{
  static const char model[] = "architecture.biases=true;architecture.moe.clamped=true;training.precision.router=";
  g_autofree char *wide = g_strconcat(model, "fp32;stack.moe.per_expert=true", NULL);
  g_autofree char *narrow = g_strconcat(model, "bf16;stack.moe.per_expert=true", NULL);
  g_autofree char *whole = g_strconcat(model, "fp32;stack.moe.per_expert=false", NULL);
  g_autoptr(MoeRun) a = run_with(SPARSE, wide);
  g_autoptr(MoeRun) b = run_with(SPARSE, narrow);
  g_autoptr(MoeRun) c = run_with(SPARSE, whole);
  g_autoptr(MoeProgram) fp32 = build_checked(a);
  g_autoptr(MoeProgram) bf16 = build_checked(b);
  g_autoptr(MoeProgram) one = build_checked(c);
  double bias = sum_of(fp32, 0, moved_bytes, "expert_bias"), clamp = sum_of(fp32, 0, moved_bytes, "clamp");

  ck_assert_double_gt(bias, 0);
  ck_assert_double_eq_tol(sum_of(bf16, 0, moved_bytes, "expert_bias") / bias, 28.0 / 68, 1e-9);
  ck_assert_double_eq_tol(clamp / bias, (double)a->architecture.moe.width * 36 / ((double)a->architecture.hidden * 68),
                          1e-9);
  ck_assert_double_eq(sum_of(one, 0, moved_bytes, "expert_bias") + sum_of(one, 0, moved_bytes, "clamp"), 0);
}
END_TEST

/* Fused behind the products in MXFP8, the experts' activation and the casts of what it makes are no kernels: forward
 * the product writes two copies of the activation (1.03125 bytes each) besides, backward it reads its input (2) and
 * writes two copies of that one's gradient instead of its own output (2). BF16 knows none of it, and an activation that
 * is replayed alone is a kernel. */
START_TEST(test_activation_behind_the_products)
{
  static const char mxfp8[] = "cluster=gb200-nvl72;stack.moe.tile_rows=0;stack.fused=[norm, activation];"
                              "training.precision={gemm: mxfp8, wgrad: mxfp8};stack.moe.fused_mlp=";
  g_autofree char *off = g_strconcat(mxfp8, "false", NULL), *on = g_strconcat(mxfp8, "true", NULL),
                  *alone = g_strconcat(on, ";recompute={mode: selective, modules: [moe_activation]}", NULL);
  g_autoptr(MoeRun) run = run_with(SPARSE, off);
  g_autoptr(MoeRun) fused_run = run_with(SPARSE, on);
  g_autoptr(MoeRun) replayed_run = run_with(SPARSE, alone);
  g_autoptr(MoeRun) wide_run = run_with(SPARSE, "stack.moe.fused_mlp=true");
  g_autoptr(MoeProgram) plain = build_checked(run);
  g_autoptr(MoeProgram) fused = build_checked(fused_run);
  g_autoptr(MoeProgram) replayed = build_checked(replayed_run);
  g_autoptr(MoeProgram) bf16 = build_checked(wide_run);
  const double copies = 2 * 1.03125;
  double activations = sum_of(plain, 0, moved_bytes, "swiglu") - sum_of(fused, 0, moved_bytes, "swiglu");
  double inner = activations / (6 + 10); /* values of all activations: 3 and 5 times BF16 */

  ck_assert_double_gt(inner, 0);
  ck_assert_double_eq_tol(sum_of(plain, 0, moved_bytes, "quantize") - sum_of(fused, 0, moved_bytes, "quantize"),
                          inner * (2 + copies), 1);
  ck_assert_double_eq_tol(sum_of(plain, 0, moved_bytes, "quantize_grad") -
                              sum_of(fused, 0, moved_bytes, "quantize_grad"),
                          2 * inner * (2 + copies), 1);
  ck_assert_double_eq_tol(sum_of(fused, 0, moved_bytes, "expert_up"), inner * copies, 1);
  ck_assert_double_eq_tol(sum_of(fused, 0, moved_bytes, "expert_down"), inner * (2 * (2 + copies) - 2), 1);
  ck_assert_double_eq(sum_of(bf16, 0, moved_bytes, "expert_up") + sum_of(bf16, 0, moved_bytes, "expert_down"), 0);
  ck_assert_double_eq_tol(sum_of(replayed, 0, moved_bytes, "swiglu") - sum_of(fused, 0, moved_bytes, "swiglu"),
                          inner * 6, 1);
}
END_TEST

#define RING "parallelism.context=4;parallelism.context_kind=ring"

/* Keys of a window of 256 in slices of 512 of 4 ranks: a rank needs its own and its neighbour's slice instead of all
 * four; every fourth layer stays global. */
START_TEST(test_windows_over_context)
{
  g_autoptr(MoeRun) whole = run_with(DENSE, RING);
  g_autoptr(MoeRun) local =
      run_with(DENSE, RING ";architecture.attention.window=256;architecture.attention.global_every=4");
  g_autoptr(MoeProgram) a = build_checked(whole);
  g_autoptr(MoeProgram) b = build_checked(local);
  double keys = bytes_of(a, MOE_ALL_GATHER, MOE_GROUP_CONTEXT);

  ck_assert_double_gt(keys, 0);
  ck_assert_double_eq_tol(bytes_of(b, MOE_ALL_GATHER, MOE_GROUP_CONTEXT), keys * (1.0 / 4 + 3.0 / 4 / 2), 1);
}
END_TEST

/* Bytes of a message: the residual stream of a micro-batch, split over the tensor ranks under sequence parallelism. */
START_TEST(test_messages)
{
  g_autoptr(MoeRun) run = run_with(DENSE, "parallelism.pipeline=2;parallelism.schedule=1f1b;parallelism.tensor=2");
  g_autoptr(MoeRun) split = run_with(DENSE, "parallelism.pipeline=2;parallelism.schedule=1f1b;parallelism.tensor=2;"
                                            "parallelism.sequence_parallel=true");
  g_autoptr(MoeProgram) whole = build_checked(run);
  g_autoptr(MoeProgram) half = build_checked(split);

  ck_assert_double_eq(whole->messages[0].bytes, 2048.0 * 1024 * 2);
  ck_assert_double_eq(half->messages[0].bytes, 2048.0 * 1024 * 2 / 2);
}
END_TEST

/* Tensor ranks that each hold the whole of a message send half of it and gather two halves, activations alone or
 * gradients too; what is sliced already, or on one rank, stays as it is. */
START_TEST(test_sliced_messages)
{
  static const char two[] =
      "parallelism.pipeline=2;parallelism.schedule=1f1b;parallelism.tensor=2;stack.sliced_messages=";
  static const struct {
    const char *more;
    double forward, backward; /* of the whole message */
  } cases[] = {{"none", 1, 1},
               {"activations", 0.5, 1},
               {"all", 0.5, 0.5},
               {"all;parallelism.sequence_parallel=true", 0.5, 0.5},
               {"all;parallelism.tensor=1", 1, 1}};

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *keys = g_strconcat(two, cases[i].more, NULL);
    g_autofree char *unsliced = g_strconcat(keys, ";stack.sliced_messages=none", NULL);
    g_autoptr(MoeRun) run = run_with(DENSE, keys);
    g_autoptr(MoeRun) plain = run_with(DENSE, unsliced);
    g_autoptr(MoeProgram) p = build_checked(run);
    g_autoptr(MoeProgram) q = build_checked(plain);
    double whole = 2048.0 * 1024 * 2, batches = (double)run->parallelism.micro_batches, gathered[2];

    for (guint m = 0; m < p->n_messages; m++)
      ck_assert_double_eq(p->messages[m].bytes,
                          whole * (p->messages[m].from_stage == 0 ? cases[i].forward : cases[i].backward));
    for (guint role = 0; role < 2; role++) {
      Which tensor = {MOE_ALL_GATHER, MOE_GROUP_TENSOR};

      gathered[role] = sum_of(p, role, collective_bytes, &tensor) - sum_of(q, role, collective_bytes, &tensor);
    }
    gboolean parallel = run->parallelism.sequence_parallel;
    /* Role 0 is the first stage, which gradients come to. */
    ck_assert_double_eq(gathered[0], cases[i].backward < 1 && !parallel ? whole * batches : 0);
    ck_assert_double_eq(gathered[1], cases[i].forward < 1 && !parallel ? whole * batches : 0);
  }
}
END_TEST

/* What experts keep, in rows of the balanced load, is read and written once on the way into pages and once on the way
 * back: BF16 inputs of both products and the output of the first. Nothing is, where all of it is computed again. */
START_TEST(test_pages_of_what_experts_keep)
{
  g_autoptr(MoeRun) plain = run_with(SPARSE, "stack.moe.tile_rows=0");
  g_autoptr(MoeRun) paged = run_with(SPARSE, "stack.moe.tile_rows=0;stack.moe.paged_stash=1.2");
  g_autoptr(MoeRun) again = run_with(SPARSE, "stack.moe.tile_rows=0;stack.moe.paged_stash=1.2;recompute.mode=full");
  g_autoptr(MoeProgram) a = build_checked(plain);
  g_autoptr(MoeProgram) b = build_checked(paged);
  g_autoptr(MoeProgram) c = build_checked(again);
  const MoeExpertLayer *moe = &paged->architecture.moe;
  double wide = (double)moe->width * (moe->gated ? 3 : 2) + (double)paged->architecture.hidden;
  double written = sum_of(b, 0, moved_bytes, "stash"), sorted = sum_of(b, 0, moved_bytes, "sort_rows");

  ck_assert_double_eq(sum_of(a, 0, moved_bytes, "stash") + sum_of(c, 0, moved_bytes, "stash"), 0);
  ck_assert_double_gt(sorted, 0);
  ck_assert_double_eq_tol(written / sorted, wide / (double)paged->architecture.hidden, 1e-9);
  ck_assert_double_eq(sum_of(b, 0, moved_bytes, "unstash"), written);
}
END_TEST

/* Loads of all expert-parallel ranks average to the balanced one; the skew of a dispatch says the same as the kernels'
 * rows. */
START_TEST(test_imbalance)
{
  g_autoptr(MoeRun) run = run_with(SPARSE, "training.routing.balance={zipf: 0.6};stack.moe.tile_rows=0");
  g_autoptr(MoeProgram) p = build_checked(run);
  double worst = 0;

  ck_assert_uint_eq(p->n_load_classes, 8);
  for (guint i = 0; i < p->n_kernels; i++) {
    double rows = 0;

    if (p->kernels[i].klass != MOE_KERNEL_GROUPED_GEMM)
      continue;
    for (guint c = 0; c < 8; c++) {
      MoeKernel kernel;

      moe_program_kernel(p, c, i, &kernel);
      rows += (double)kernel.rows / 8;
    }
    ck_assert_double_eq_tol(rows, 2048.0 * 4, 2);
  }
  for (guint i = 0; i < p->n_collectives; i++) {
    double mean = 0;

    if (p->collectives[i].kind != MOE_DISPATCH || p->collectives[i].notifies == MOE_NOTIFY_ALONE)
      continue;
    ck_assert_uint_eq(p->collectives[i].n_skew, 8);
    for (guint m = 0; m < 8; m++) {
      mean += p->collectives[i].receive[m] / 8;
      worst = MAX(worst, p->collectives[i].receive[m]);
    }
    ck_assert_double_eq_tol(mean, 1, 1e-9);
  }
  ck_assert_double_gt(worst, 1.1);
}
END_TEST

/* Rows of a rank relative to the mean when experts have these counts: expert 0 has `first`, the others of rank 0 `same`
 * and all others `other`; no expert has more than a quarter of the rows (top-4). */
static void expect_loads(const MoeProgram *p, double first, double same, double other)
{
  double sum = first + 3 * same + 28 * other, share = MIN(first / sum, 0.25), more = (1 - share) / (1 - first / sum);
  double own = share + more * 3 * same / sum, rest = more * 4 * other / sum;
  guint seen = 0;

  for (guint i = 0; i < p->n_collectives; i++) {
    const double *receive = p->collectives[i].receive;

    if (receive && p->collectives[i].kind == MOE_DISPATCH && fabs(receive[0] - 8 * own) < 1e-9 &&
        fabs(receive[7] - 8 * rest) < 1e-9)
      seen++;
  }
  ck_assert_msg(seen > 0, "no dispatch gives rank 0 %g and rank 7 %g of the mean", 8 * own, 8 * rest);
}

static void append_counts(GString *text, int first, int same, int other)
{
  for (guint e = 0; e < 32; e++)
    g_string_append_printf(text, "%s%d", e ? ", " : "\n", e == 0 ? first : e < 4 ? same : other);
  g_string_append_c(text, '\n');
}

/* Loads from a file, a row per MoE layer (4 of 8 layers): even; rank 0 twice as much; one expert with more than a token
 * can give it; everything on rank 0. */
START_TEST(test_counted_loads)
{
  g_autofree char *path = NULL;
  g_autoptr(GString) text = g_string_new("# tokens of each expert\n");
  int descriptor = g_file_open_tmp("moesim-counts-XXXXXX.csv", &path, NULL);

  append_counts(text, 1, 1, 1);
  append_counts(text, 2, 2, 1);
  append_counts(text, 100, 1, 1);
  append_counts(text, 5, 5, 0);
  ck_assert(g_close(descriptor, NULL));
  ck_assert(g_file_set_contents(path, text->str, -1, NULL));
  g_autofree char *set = g_strdup_printf("training.routing.balance={file: %s}", path);
  g_autoptr(MoeRun) run = run_with(SPARSE, set);
  g_autoptr(MoeProgram) p = build_checked(run);

  expect_loads(p, 1, 1, 1);
  expect_loads(p, 2, 2, 1);
  expect_loads(p, 100, 1, 1);
  expect_loads(p, 5, 5, 0);
  ck_assert_int_eq(g_unlink(path), 0);
}
END_TEST

static const MoeBlock *find_block(const MoeProgram *p, const char *name)
{
  for (guint i = 0; i < p->n_blocks; i++)
    if (g_str_equal(p->blocks[i].name, name))
      return &p->blocks[i];
  ck_abort_msg("no block %s", name);
  return NULL;
}

/* How often compute turns from a forward to a backward operation or back in a block. */
static guint count_turns(const MoeBlock *block)
{
  guint turns = 0, last = G_MAXUINT;

  for (guint i = 0; i < block->n_stream[MOE_STREAM_COMPUTE]; i++) {
    guint pass = block->ops[block->stream_ops[MOE_STREAM_COMPUTE][i]].pass == MOE_PASS_FORWARD;

    turns += last != G_MAXUINT && pass != last;
    last = pass;
  }
  return turns;
}

#define DUALPIPE                                                                                                       \
  "parallelism.pipeline=4;parallelism.schedule=dualpipe;parallelism.overlap={expert: true};training.global_batch=128;" \
  "stack.moe.counts=none;stack.overlap="

/* A pair of a forward and a backward pass turns to the other one at each dispatch and combine: at least four times per
 * MoE layer. A stack that cannot do that runs one after the other. */
START_TEST(test_pairs_take_turns)
{
  g_autoptr(MoeRun) merged = run_with(SPARSE, DUALPIPE "[expert, expert_across_batches]");
  g_autoptr(MoeRun) plain = run_with(SPARSE, DUALPIPE "[expert]");
  g_autoptr(MoeProgram) p_merged = build_checked(merged);
  g_autoptr(MoeProgram) p_plain = build_checked(plain);

  ck_assert_uint_ge(count_turns(find_block(p_merged, "F+B")), 4);
  ck_assert_uint_eq(count_turns(find_block(p_plain, "F+B")), 1);
}
END_TEST

static guint last_kernel_before(const MoeBlock *block, guint op)
{
  while (op > 0 && block->ops[op - 1].kind != MOE_OP_KERNEL)
    op--;
  return op - 1;
}

/* What of a stream a synchronization waits for. */
static guint waits_for(const MoeBlock *block, const MoeOp *sync, MoeStream stream)
{
  guint count = 0;

  for (guint i = 0; i < sync->n_waits; i++)
    if (block->waits[sync->first_wait + i].stream == stream)
      count = block->waits[sync->first_wait + i].count;
  return count;
}

/* Operations of a stream that are issued before one operation. */
static guint issued(const MoeBlock *block, guint before, MoeStream stream)
{
  guint n = 0;

  for (guint i = 0; i < before; i++)
    n += block->ops[i].kind != MOE_OP_HOST_SYNC && block->ops[i].stream == stream;
  return n;
}

/* Side by side, the backward pass transfers first, and the host waits inside a dispatch only when it has issued what
 * the backward pass computes meanwhile: for the exchanges so far and the compute of its own pass, not for the other's
 * (DeepSeek's profile of DualPipe; TransformerLayerSchedulePlan.run of Megatron-Core). */
static void expect_pair_issued(const char *library, gboolean by_index)
{
  g_autofree char *set = g_strconcat(
      DUALPIPE "[expert, expert_across_batches];stack.moe.counts=", by_index ? "blocking" : "dedicated-stream",
      ";stack.collectives.expert_library=", library, NULL);
  g_autoptr(MoeRun) run = run_with(SPARSE, set);
  g_autoptr(MoeProgram) p = build_checked(run);
  const MoeBlock *block = find_block(p, "F+B");
  guint waits = 0, first = block->stream_ops[MOE_STREAM_EXPERT][0];

  ck_assert(block->ops[first].pass != MOE_PASS_FORWARD || !by_index);
  ck_assert(is_collective(p, &block->ops[first], "notify") == 0);
  for (guint i = 0; i < block->n_ops; i++) {
    const MoeOp *op = &block->ops[i];
    gboolean before_dispatch =
        op->kind == MOE_OP_HOST_SYNC && op->pass == MOE_PASS_FORWARD && block->ops[i + 1].stream == MOE_STREAM_EXPERT;

    if (!before_dispatch)
      continue;
    waits++;
    ck_assert(block->ops[last_kernel_before(block, i)].pass != MOE_PASS_FORWARD);
    ck_assert_uint_lt(waits_for(block, op, MOE_STREAM_COMPUTE), issued(block, i, MOE_STREAM_COMPUTE));
    if (by_index) {
      ck_assert(is_collective(p, &block->ops[i - 1], "notify") == 1);
      ck_assert_uint_eq(waits_for(block, op, MOE_STREAM_EXPERT), issued(block, i, MOE_STREAM_EXPERT));
    }
  }
  ck_assert_uint_gt(waits, 0);
}

START_TEST(test_pairs_wait_late)
{
  expect_pair_issued("deepep", TRUE);
  expect_pair_issued("uccl", TRUE);
  expect_pair_issued("nccl", FALSE);
}
END_TEST

/* Prefetch: the first block issues gathers ahead of the unit that is computed, and ZeRO-3 frees what it gathered. */
START_TEST(test_prefetch)
{
  g_autoptr(MoeRun) run =
      run_with(SPARSE, "parallelism.zero=3;stack.data_parallel={unit: layer, prefetch: 2};"
                       "stack.overlap=[parameter_gather];parallelism.overlap={parameter_gather: true}");
  g_autoptr(MoeRun) bare = run_with(SPARSE, "parallelism.zero=3;stack.data_parallel={unit: layer, prefetch: 2};"
                                            "stack.overlap=[];parallelism.overlap={parameter_gather: true}");
  g_autoptr(MoeProgram) p = build_checked(run);
  g_autoptr(MoeProgram) exposed = build_checked(bare);
  const MoeBlock *a = &p->blocks[0], *b = &exposed->blocks[0];
  /* Embedding and layers 0 and 1 (dense, then dense and experts) are issued before the first kernel; exposed, the
   * embedding alone. */
  guint first = a->stream_ops[MOE_STREAM_COMPUTE][a->ops[0].kind == MOE_OP_DELAY];

  ck_assert_uint_eq(a->n_stream[MOE_STREAM_GATHER], b->n_stream[MOE_STREAM_GATHER]);
  ck_assert_uint_eq(a->n_stream[MOE_STREAM_GATHER], 2 + 8 + 4);
  ck_assert_uint_lt(a->stream_ops[MOE_STREAM_GATHER][3], first);
  ck_assert_uint_gt(b->stream_ops[MOE_STREAM_GATHER][1],
                    b->stream_ops[MOE_STREAM_COMPUTE][b->ops[0].kind == MOE_OP_DELAY]);
}
END_TEST

MOE_TEST_MAIN("program/lowering", test_mai_v5_volumes, test_capacity, test_indices, test_token_counts, test_recompute,
              test_memory_rounds, test_no_rounds_with_capacity, test_expert_groups, test_overlap_needs_both,
              test_asynchronous_backward, test_reduction_per_stage, test_tensor_volumes, test_precision_roles,
              test_layers_that_stay_wide, test_all_layers_wide, test_rows_travel_in_their_precision,
              test_backward_casts, test_what_a_loop_over_experts_adds, test_activation_behind_the_products, test_scales,
              test_messages, test_sliced_messages, test_pages_of_what_experts_keep, test_pairs_take_turns,
              test_pairs_wait_late, test_prefetch, test_imbalance, test_counted_loads, test_windows_over_context)
