/* Footprints: activation bytes against the published formula, schedules' activations in flight, states per ZeRO stage.
 */
#include "runs.h"

#include "layer/layer.h"
#include <math.h>

/* Peak of activations of a stage. */
static double activations(const MoeRun *run, guint stage)
{
  g_autoptr(MoeProgram) program = build_checked(run);
  MoeFootprint footprint;

  moe_program_footprint(program, run, stage, &footprint);
  return footprint.part_bytes[MOE_MEMORY_ACTIVATIONS];
}

/* Optimizer state and its copies at the peak. */
static double optimizer(const MoeRun *run)
{
  g_autoptr(MoeProgram) program = build_checked(run);
  MoeFootprint footprint;

  moe_program_footprint(program, run, 0, &footprint);
  return footprint.part_bytes[MOE_MEMORY_OPTIMIZER];
}

/* Bytes that one more layer keeps, per token and hidden element: the difference of two runs cancels embedding and head.
 */
static double layer_bytes(const char *sets)
{
  g_autofree char *more = g_strdup_printf("%s;architecture.layers=16", sets);
  g_autofree char *less = g_strdup_printf("%s;architecture.layers=8", sets);
  g_autoptr(MoeRun) a = run_with(DENSE, more);
  g_autoptr(MoeRun) b = run_with(DENSE, less);
  double sbh = 2048.0 * 1024.0;

  return (activations(a, 0) - activations(b, 0)) / 8 / sbh;
}

#define KORTHIKANTI "architecture.dropout=0.1;stack.family.attention=unfused;training.precision.residual=bf16;"

/* Korthikanti et al. 2022, arXiv:2205.05198, table 2. a = 16 heads, s = 2048, h = 1024: 5 a s / h = 160. */
START_TEST(test_korthikanti)
{
  ck_assert_double_eq_tol(layer_bytes(KORTHIKANTI "parallelism.gpus=8"), 34 + 160, 1e-6);
  ck_assert_double_eq_tol(layer_bytes(KORTHIKANTI "parallelism.tensor=4"), 10 + 24 / 4.0 + 160 / 4.0, 1e-6);
  ck_assert_double_eq_tol(layer_bytes(KORTHIKANTI "parallelism.tensor=4;parallelism.sequence_parallel=true"),
                          (34 + 160) / 4.0, 1e-6);
  /* Selective recompute of the core leaves 34 / t; full recompute the input, 2. */
  ck_assert_double_eq_tol(layer_bytes(KORTHIKANTI "parallelism.tensor=4;parallelism.sequence_parallel=true;"
                                                  "recompute={mode: selective, modules: [core_attention]}"),
                          34 / 4.0, 1e-6);
  ck_assert_double_eq_tol(layer_bytes(KORTHIKANTI "recompute={mode: full}"), 2, 1e-6);
}
END_TEST

/* 1F1B holds as many micro-batches as stages follow, one more for the stage itself; GPipe all of them. */
START_TEST(test_in_flight)
{
  const char *sets = "parallelism.gpus=4;parallelism.pipeline=4;training.global_batch=16;recompute={mode: full};";
  g_autofree char *text = g_strdup_printf("%sparallelism.schedule=1f1b", sets);
  g_autofree char *gpipe_text = g_strdup_printf("%sparallelism.schedule=gpipe", sets);
  g_autoptr(MoeRun) run = run_with(DENSE, text);
  g_autoptr(MoeRun) gpipe = run_with(DENSE, gpipe_text);
  double checkpoint = 2 * 2048.0 * 1024.0, one = activations(run, 2) - activations(run, 1);

  /* Stage 1 holds one micro-batch of 4 layers more than stage 2, and so on towards the first. */
  ck_assert_double_eq_tol(one, -4 * checkpoint, 1);
  ck_assert_double_eq_tol(activations(run, 0) - activations(run, 1), 4 * checkpoint, 1);
  ck_assert_double_eq_tol(activations(gpipe, 0) - activations(run, 0), (16 - 4) * 4 * checkpoint, 1);
}
END_TEST

/* ZB-H1 keeps 1F1B's memory on the first stage, ZB-H2 about doubles it; ZB-V has every stage at the first one's level.
 */
START_TEST(test_zero_bubble_memory)
{
  const char *sets = "parallelism.gpus=4;parallelism.pipeline=4;training.global_batch=16;parallelism.schedule=";
  double bytes[4][4];
  const char *const schedules[] = {"1f1b", "zb-h1", "zb-h2", "zb-v"};

  for (guint i = 0; i < 4; i++) {
    g_autofree char *text = g_strdup_printf("%s%s", sets, schedules[i]);
    g_autoptr(MoeRun) run = run_with(DENSE, text);

    for (guint stage = 0; stage < 4; stage++)
      bytes[i][stage] = activations(run, stage);
  }
  ck_assert_double_eq_tol(bytes[1][0] / bytes[0][0], 1, 0.01);
  ck_assert_double_eq_tol(bytes[2][0] / bytes[0][0], 7.0 / 4, 0.01);
  ck_assert_double_le(bytes[3][1], bytes[0][0] * 1.01);
}
END_TEST

static void states(const char *sets, double parts[MOE_N_MEMORY_PARTS])
{
  g_autoptr(MoeRun) run = run_with(DENSE, sets);
  g_autoptr(MoeProgram) program = build_checked(run);

  for (guint i = 0; i < MOE_N_MEMORY_PARTS; i++)
    parts[i] = program->roles[0].static_bytes[i];
}

/* Rajbhandari et al. 2020, figure 1, with FP32 gradients: 2 + 4 + 12 bytes per parameter, of which ZeRO-1 shards 12,
 * ZeRO-2 16, ZeRO-3 all (the ends of the model stay gathered). */
START_TEST(test_zero_states)
{
  double s0[MOE_N_MEMORY_PARTS], s1[MOE_N_MEMORY_PARTS], s2[MOE_N_MEMORY_PARTS], s3[MOE_N_MEMORY_PARTS];
  g_autoptr(MoeRun) run = run_with(DENSE, "parallelism.zero=0");
  MoeParameters count;

  moe_count_parameters(&run->architecture, &count);
  states("parallelism.zero=0", s0);
  states("parallelism.zero=1", s1);
  states("parallelism.zero=2", s2);
  states("parallelism.zero=3", s3);
  ck_assert_double_eq_tol(s0[MOE_MEMORY_WEIGHTS], 2 * count.total, 1);
  ck_assert_double_eq_tol(s0[MOE_MEMORY_GRADIENTS], 4 * count.total, 1);
  ck_assert_double_eq_tol(s0[MOE_MEMORY_OPTIMIZER], 12 * count.total, 1);
  ck_assert_double_eq_tol(s1[MOE_MEMORY_GRADIENTS], 4 * count.total, 1);
  ck_assert_double_eq_tol(s1[MOE_MEMORY_OPTIMIZER], 12 * count.total / 8, 1);
  ck_assert_double_eq_tol(s2[MOE_MEMORY_GRADIENTS], 4 * count.total / 8, 1);
  ck_assert_double_eq_tol(s3[MOE_MEMORY_WEIGHTS] - 2 * count.total / 8, 2 * (count.embedding + count.head + 1024), 1);
}
END_TEST

/* Weights that ranks hold add up to the model, whatever the layout. */
START_TEST(test_weights_add_up)
{
  const char *const sets[] = {
      "parallelism.expert=8",
      "parallelism.tensor=4;parallelism.sequence_parallel=true;parallelism.expert=8",
      "parallelism.pipeline=4;parallelism.schedule=1f1b;parallelism.expert=4",
      "parallelism.pipeline=4;parallelism.schedule=zb-v;parallelism.expert=8;training.global_batch=64",
  };

  for (guint i = 0; i < G_N_ELEMENTS(sets); i++) {
    g_autofree char *text = g_strdup_printf("%s;architecture.tied_embeddings=false;parallelism.zero=0", sets[i]);
    g_autoptr(MoeRun) run = run_with(SPARSE, text);
    g_autoptr(MoeProgram) program = build_checked(run);
    const MoeParallelism *p = &run->parallelism;
    MoeParameters count;
    double sum = 0, norms, repeated = 0;

    moe_count_parameters(&run->architecture, &count);
    for (guint r = 0; r < program->n_roles; r++)
      sum += program->roles[r].static_bytes[MOE_MEMORY_GRADIENTS] / 4;
    /* Per stage: dense weights are divided by tensor, experts by expert parallelism; norms and routers are on every
     * tensor rank. */
    repeated = (count.norms + count.router) * (1 - 1.0 / (double)p->tensor);
    norms = (count.total - count.experts) / (double)p->tensor + repeated + count.experts / (double)p->expert;
    ck_assert_msg(fabs(sum / norms - 1) < 1e-9, "%s: %.0f of %.0f", sets[i], sum, norms);
  }
}
END_TEST

/* Offload takes the checkpoints away; what stays is what is in flight. */
START_TEST(test_offload)
{
  g_autoptr(MoeRun) keep = run_with(DENSE, "recompute={mode: full}");
  g_autoptr(MoeRun) away = run_with(DENSE, "recompute={mode: full};offload.activations=1.0");
  double checkpoint = 2 * 2048.0 * 1024.0, saved = activations(keep, 0) - activations(away, 0);

  ck_assert_double_ge(saved, 10 * checkpoint);
  ck_assert_double_le(saved, 16 * checkpoint);
}
END_TEST

/* Parts of a layer leave with what they read: queries, keys and values, and what attention gives; twice named counts
 * once. The last layer's stay, and those of the layers that compute and are fetched ahead are there. */
START_TEST(test_offload_modules)
{
#define ALONE "parallelism.gpus=1;training.global_batch=1;recompute={mode: none}"
  g_autoptr(MoeRun) stays = run_with(DENSE, ALONE);
  g_autoptr(MoeRun) core = run_with(DENSE, ALONE ";offload.modules=[core_attention]");
  g_autoptr(MoeRun) both = run_with(DENSE, ALONE ";offload.modules=[core_attention, attention_output]");
  g_autoptr(MoeRun) whole = run_with(DENSE, "parallelism.gpus=1;training.global_batch=1;recompute={mode: full};"
                                            "offload.modules=[core_attention]");
  g_autoptr(MoeRun) again = run_with(DENSE, "parallelism.gpus=1;training.global_batch=1;recompute={mode: full}");
  const MoeAttention *a = &stays->architecture.attention;
  double tokens = (double)stays->training.sequence_length, layers = (double)stays->architecture.layers;
  double read = 2 * tokens * (double)(a->head_dim * (a->query_heads + 2 * a->kv_heads));
  double given = 2 * tokens * (double)(a->head_dim * a->query_heads);
  double all = activations(stays, 0);

  ck_assert_double_ge(all - activations(core, 0), (layers - 3) * read);
  ck_assert_double_le(all - activations(core, 0), (layers - 1) * read);
  ck_assert_double_ge(all - activations(both, 0), (layers - 3) * (read + given));
  ck_assert_double_le(all - activations(both, 0), (layers - 1) * (read + given));
  ck_assert_double_eq(activations(whole, 0), activations(again, 0));
}
END_TEST

/* Qi et al. 2024, arXiv:2401.10241, tables 4 and 5: peak of what the allocator handed out, GB; A100 80 GB, no
 * recompute, fused attention. What the stack reserves and loses to fragmentation is not part of it. */
static const struct {
  const char *model, *schedule;
  int stages, chunks, batches, micro_batch;
  double peak_gb;
} published[] = {
    {"1.5b", "zb-h2", 8, 1, 24, 6, 59},         {"1.5b", "zb-h1", 8, 1, 24, 6, 32},
    {"1.5b", "1f1b", 8, 1, 24, 6, 30},          {"1.5b", "interleaved", 8, 3, 24, 6, 40},
    {"6.2b", "zb-h2", 8, 1, 32, 3, 70},         {"6.2b", "zb-h1", 8, 1, 32, 3, 42},
    {"6.2b", "1f1b", 8, 1, 32, 3, 39},          {"6.2b", "interleaved", 8, 4, 32, 3, 48},
    {"14.6b", "zb-h2", 16, 1, 48, 1, 51},       {"14.6b", "1f1b", 16, 1, 64, 1, 32},
    {"14.6b", "interleaved", 16, 3, 48, 1, 39}, {"28.3b", "zb-h2", 32, 1, 96, 1, 74},
    {"28.3b", "zb-h1", 32, 1, 128, 1, 44},      {"28.3b", "1f1b", 32, 1, 96, 1, 43},
    {"6.2b", "zb-v", 16, 1, 48, 6, 64},         {"14.6b", "zb-v", 24, 1, 96, 2, 45},
};

static double peak_gb(guint row)
{
  g_autofree char *text = g_strdup_printf(
      "extends: architectures/zero-bubble/gpt-%s.yaml\n"
      "training: {sequence_length: 1024, global_batch: %d, micro_batch: %d, precision: {gemm: bf16, gradient_reduce: "
      "fp32}}\n"
      "parallelism: {gpus: %d, pipeline: %d, virtual_stages: %d, schedule: %s, zero: 0, embedding_as_layer: true, "
      "head_as_layer: true}\n"
      "cluster: a100-hgx\nstack: megatron-lm:zero-bubble\n",
      published[row].model, published[row].batches * published[row].micro_batch, published[row].micro_batch,
      published[row].stages, published[row].stages, published[row].chunks, published[row].schedule);
  g_autofree char *models = moetest_path("models"), *data = moetest_path("");
  g_autoptr(GError) error = NULL;
  MoeRunOptions options = {.data_dir = data};
  MoeDoc *doc = moe_doc_parse(text, -1, "test", models, &error);
  g_autoptr(MoeRun) run = doc ? moe_run_from_doc(doc, "test", &options, &error) : NULL;

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  g_autoptr(MoeProgram) program = build_checked(run);
  double peak = 0;

  for (guint role = 0; role < program->n_roles; role++) {
    MoeFootprint f;

    moe_program_footprint(program, run, role, &f);
    peak = MAX(peak, f.counted_bytes[MOE_MEMORY_ALLOCATED]);
  }
  return peak * 1e-9;
}

START_TEST(test_published_peaks)
{
  double sum = 0;

  for (guint i = 0; i < G_N_ELEMENTS(published); i++) {
    double error = peak_gb(i) / published[i].peak_gb - 1;

    ck_assert_msg(fabs(error) < 0.12, "%s %s: %.3f", published[i].model, published[i].schedule, error);
    sum += fabs(error);
  }
  ck_assert_double_lt(sum / G_N_ELEMENTS(published), 0.05);
}
END_TEST

/* FP8: copies beside BF16 weights in both layouts on Hopper, one on Blackwell; FP8 weights alone where they are
 * gathered so. */
START_TEST(test_fp8_weights)
{
  double hopper[MOE_N_MEMORY_PARTS], blackwell[MOE_N_MEMORY_PARTS], primary[MOE_N_MEMORY_PARTS],
      single[MOE_N_MEMORY_PARTS], ends;
  g_autoptr(MoeRun) run = run_with(DENSE, "parallelism.zero=1");
  MoeParameters count;

  moe_count_parameters(&run->architecture, &count);
  ends = count.embedding + count.head + 1024;
  states("cluster=h100-hgx;training.precision.gemm=fp8", hopper);
  states("cluster=b200-hgx;training.precision.gemm=fp8", blackwell);
  states("cluster=h100-hgx;training.precision={gemm: fp8, parameter_gather: fp8}", primary);
  ck_assert_double_eq_tol(hopper[MOE_MEMORY_WEIGHTS], 2 * count.total + 2 * (count.total - ends), 1);
  ck_assert_double_eq_tol(blackwell[MOE_MEMORY_WEIGHTS], 2 * count.total + (count.total - ends), 1);
  ck_assert_double_eq_tol(primary[MOE_MEMORY_WEIGHTS], 2 * count.total, 1);
  states("cluster=h100-hgx;training.precision={gemm: fp8, parameter_gather: fp8, remade_transposes: true}", single);
  ck_assert_double_eq_tol(single[MOE_MEMORY_WEIGHTS], count.total - ends + 2 * ends, 1);
}
END_TEST

/* Which copies the software keeps: MXFP8 weights alone where gathers pass through the gradient buffer, the missing half
 * of a BF16 weight's master, a shard that is the master. */
START_TEST(test_kept_copies)
{
  double alone[MOE_N_MEMORY_PARTS], half[MOE_N_MEMORY_PARTS], aware[MOE_N_MEMORY_PARTS], whole[MOE_N_MEMORY_PARTS],
      shard[MOE_N_MEMORY_PARTS];
  g_autoptr(MoeRun) run = run_with(DENSE, "parallelism.zero=1");
  double total, ends, mxfp8 = 2 * (1 + 1.0 / 32);
  MoeParameters count;

  moe_count_parameters(&run->architecture, &count);
  total = count.total;
  ends = count.embedding + count.head + 1024;
  states("cluster=b200-hgx;training.precision.gemm=mxfp8;stack.memory.mxfp8_shared_buffer=true", alone);
  states("parallelism.zero=0;stack.memory.master_remainder=always", half);
  states("parallelism.zero=0;stack.memory.master_remainder=precision-aware;training.precision.optimizer_moments=bf16",
         aware);
  states("parallelism.zero=0;stack.memory.master_remainder=precision-aware", whole);
  states("parallelism.zero=3;stack.memory.sharded_master=true", shard);
  ck_assert_double_eq_tol(alone[MOE_MEMORY_WEIGHTS], mxfp8 * (total - ends) + 2 * ends, 1);
  ck_assert_double_eq_tol(half[MOE_MEMORY_OPTIMIZER], (2 + 4 + 4) * total, 1);
  ck_assert_double_eq_tol(aware[MOE_MEMORY_OPTIMIZER], (2 + 2 + 2) * total, 1);
  ck_assert_double_eq_tol(whole[MOE_MEMORY_OPTIMIZER], (4 + 4 + 4) * total, 1);
  ck_assert_double_eq_tol(shard[MOE_MEMORY_WEIGHTS], 4 * total / 8 + 2 * ends, 1);
  ck_assert_double_eq_tol(shard[MOE_MEMORY_OPTIMIZER], (4 + 4) * total / 8, 1);
}
END_TEST

/* Graphs of layers have an input for each of a stage's layers and micro-batches in flight; none is needed for eager
 * layers or where the whole iteration is one graph. */
START_TEST(test_graph_inputs)
{
  double none[MOE_N_MEMORY_PARTS], inputs[MOE_N_MEMORY_PARTS], whole[MOE_N_MEMORY_PARTS], eager[MOE_N_MEMORY_PARTS];
  const char *sets = "parallelism.gpus=4;parallelism.pipeline=4;parallelism.schedule=1f1b;training.global_batch=16;"
                     "architecture.layers=16;stack.memory.graph_inputs=%s;stack.host.graphs=[%s]";
  g_autofree char *without = g_strdup_printf(sets, "false", "attention");
  g_autofree char *with = g_strdup_printf(sets, "true", "attention, router");
  g_autofree char *iteration = g_strdup_printf(sets, "true", "iteration");
  g_autofree char *no_graphs = g_strdup_printf(sets, "true", "");

  states(without, none);
  states(with, inputs);
  states(iteration, whole);
  states(no_graphs, eager);
  ck_assert_double_eq_tol(inputs[MOE_MEMORY_WORKSPACE] - none[MOE_MEMORY_WORKSPACE], 4 * 4 * 2 * 2048.0 * 1024.0, 1);
  ck_assert_double_eq_tol(whole[MOE_MEMORY_WORKSPACE], none[MOE_MEMORY_WORKSPACE], 1);
  ck_assert_double_eq_tol(eager[MOE_MEMORY_WORKSPACE], none[MOE_MEMORY_WORKSPACE], 1);
}
END_TEST

/* 16-bit moments that are cast for the update have FP32 copies beside them then, and when the rest of the step holds
 * less, that is the peak; the update moves more bytes. */
START_TEST(test_moments_cast)
{
  const char *sets = "training.global_batch=8;recompute={mode: full};training.precision.optimizer_moments=%s;"
                     "architecture.layers=64;stack.memory.moments_cast=%s";
  g_autofree char *cast_sets = g_strdup_printf(sets, "bf16", "true");
  g_autofree char *plain_sets = g_strdup_printf(sets, "bf16", "false");
  g_autofree char *whole_sets = g_strdup_printf(sets, "fp32", "true");
  g_autoptr(MoeRun) cast = run_with(DENSE, cast_sets);
  g_autoptr(MoeRun) plain = run_with(DENSE, plain_sets);
  g_autoptr(MoeRun) whole = run_with(DENSE, whole_sets);
  MoeParameters count;

  moe_count_parameters(&cast->architecture, &count);
  ck_assert_double_eq_tol(optimizer(cast) - optimizer(plain), 2 * 4 * count.total / 8, 1);
  ck_assert_double_eq_tol(optimizer(whole), (4 + 4 + 4) * count.total / 8, 1);
}
END_TEST

/* One unused gradient per shape of weight, whatever the number of layers: qkv, projection, up and down; experts of one
 * shape share theirs. */
START_TEST(test_placeholders)
{
  double none[MOE_N_MEMORY_PARTS], kept[MOE_N_MEMORY_PARTS], more[MOE_N_MEMORY_PARTS];
  g_autoptr(MoeRun) run = run_with(DENSE, "");
  const MoeArchitecture *arch = &run->architecture;
  double hidden = (double)arch->hidden, width = (double)arch->ffn.width;
  double query = (double)(arch->attention.query_heads * arch->attention.head_dim),
         keys = (double)(arch->attention.kv_heads * arch->attention.head_dim);
  double elements = hidden * (query + 2 * keys) + query * hidden + (arch->ffn.gated ? 3 : 2) * hidden * width;

  states("stack.memory.placeholders=false", none);
  states("stack.memory.placeholders=true", kept);
  states("stack.memory.placeholders=true;architecture.layers=16", more);
  ck_assert_double_eq_tol(kept[MOE_MEMORY_WORKSPACE] - none[MOE_MEMORY_WORKSPACE], 2 * elements, 1);
  ck_assert_double_eq_tol(more[MOE_MEMORY_WORKSPACE], kept[MOE_MEMORY_WORKSPACE], 1);
}
END_TEST

/* The parts sum to the peak; the three ways of counting differ by the allocator's and the system's part. */
/* Gradients that wait for the last micro-batch are whole; of one micro-batch they are not. */
START_TEST(test_unsharded_gradients)
{
  double whole[MOE_N_MEMORY_PARTS], shard[MOE_N_MEMORY_PARTS];
  g_autoptr(MoeRun) run = run_with(DENSE, "");
  MoeParameters count;

  moe_count_parameters(&run->architecture, &count);
  states("parallelism.zero=3;training.global_batch=32;stack.memory.unsharded_gradients=true", whole);
  states("parallelism.zero=3;training.global_batch=8;stack.memory.unsharded_gradients=true", shard);
  ck_assert_double_eq_tol(whole[MOE_MEMORY_GRADIENTS], 4 * count.total, 1);
  ck_assert_double_eq_tol(shard[MOE_MEMORY_GRADIENTS], 4 * count.total / 8, 1);
}
END_TEST

/* What is cached is printed as reserved, up to the device's room, and is no need. */
START_TEST(test_cache)
{
  g_autoptr(MoeRun) without = run_with(DENSE, "");
  g_autoptr(MoeRun) some = run_with(DENSE, "stack.memory.cached=1 GB");
  g_autoptr(MoeRun) more = run_with(DENSE, "stack.memory.cached=1 TB");
  const MoeRun *runs[] = {without, some, more};
  MoeFootprint f[3];

  for (guint i = 0; i < 3; i++) {
    g_autoptr(MoeProgram) program = build_checked(runs[i]);

    moe_program_footprint(program, runs[i], 0, &f[i]);
    ck_assert_double_eq_tol(f[i].peak_bytes, f[0].peak_bytes, 1);
  }
  ck_assert_double_eq_tol(f[1].counted_bytes[MOE_MEMORY_RESERVED] - f[0].counted_bytes[MOE_MEMORY_RESERVED], 1e9, 1);
  ck_assert_double_eq_tol(f[2].counted_bytes[MOE_MEMORY_DEVICE], more->cluster.accelerator.memory_bytes, 1);
}
END_TEST

START_TEST(test_parts_sum)
{
  g_autoptr(MoeRun) run =
      run_with(SPARSE, "parallelism.pipeline=2;parallelism.schedule=1f1b;stack.memory.fragmentation=0.1");
  g_autoptr(MoeProgram) program = build_checked(run);

  for (guint role = 0; role < program->n_roles; role++) {
    MoeFootprint f;
    double sum = 0;

    moe_program_footprint(program, run, role, &f);
    for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++)
      sum += f.part_bytes[part];
    ck_assert_double_eq_tol(sum, f.peak_bytes, 1);
    ck_assert_double_eq_tol(f.counted_bytes[MOE_MEMORY_RESERVED] - f.counted_bytes[MOE_MEMORY_ALLOCATED],
                            f.part_bytes[MOE_MEMORY_ALLOCATOR], 1);
    ck_assert_double_eq_tol(f.peak_bytes - f.counted_bytes[MOE_MEMORY_RESERVED], run->stack.hbm_reserved_bytes, 1);
  }
}
END_TEST

/* A layer that is not recomputed leaves with all it keeps, not with its input alone. */
START_TEST(test_offload_all_kept)
{
  g_autoptr(MoeRun) stays = run_with(DENSE, "parallelism.gpus=1;training.global_batch=1;recompute={mode: none}");
  g_autoptr(MoeRun) leaves =
      run_with(DENSE, "parallelism.gpus=1;training.global_batch=1;recompute={mode: none};offload.activations=1");
  double layer = layer_bytes("recompute={mode: none}") * 2048.0 * 1024.0;

  /* All but two: the one that computes and the one that is fetched ahead. */
  ck_assert_double_ge(activations(stays, 0) - activations(leaves, 0), 5 * layer);
}
END_TEST

MOE_TEST_MAIN("program/memory", test_kept_copies, test_graph_inputs, test_moments_cast, test_placeholders,
              test_unsharded_gradients, test_cache, test_parts_sum, test_offload_all_kept, test_korthikanti,
              test_in_flight, test_zero_bubble_memory, test_zero_states, test_weights_add_up, test_offload,
              test_offload_modules, test_published_peaks, test_fp8_weights)
