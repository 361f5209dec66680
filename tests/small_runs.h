/* Small runs that between them use every kind of operation. */
#ifndef SMALL_RUNS_H
#define SMALL_RUNS_H

#include "spec/spec.h"

#include "moetest.h"

/* Mixtral shapes with few layers; each row changes the layout. */
static const char *const sample_sets[][9] = {
    {NULL}, /* expert parallelism over hosts, ZeRO-1 */
    {"parallelism.tensor=2", "parallelism.pipeline=2", "parallelism.sequence_parallel=true", NULL},
    {"parallelism.zero=3", "training.routing.balance={zipf: 0.5}", NULL},
    {"parallelism.context=2", "parallelism.overlap.expert=true", "parallelism.schedule=none", NULL},
    {"parallelism.pipeline=2", "parallelism.schedule=1f1b", "recompute={mode: full}", "offload.activations=0.5", NULL},
    {"training.routing.capacity_factor=1.25", "parallelism.zero=2", "stack.moe.counts=blocking", NULL},
    {"parallelism.zero=2", "offload={optimizer: 1, gradients: true, overlap: true}", NULL},
};

static inline MoeRun *sample_run(guint row)
{
  g_autoptr(GPtrArray) sets = g_ptr_array_new();
  g_autofree char *path = moetest_path("models/mixtral-8x7b.yaml");
  g_autoptr(GError) error = NULL;
  static const char *const small[] = {"architecture.layers=4",         "training.global_batch=32",
                                      "training.sequence_length=2048", "parallelism.tensor=1",
                                      "parallelism.pipeline=1",        "parallelism.virtual_stages=1",
                                      "parallelism.schedule=none",     "parallelism.expert=8",
                                      "parallelism.expert_tensor=1",   "parallelism.gpus=16"};

  for (guint i = 0; i < G_N_ELEMENTS(small); i++)
    g_ptr_array_add(sets, (gpointer)small[i]);
  if (row == 1)
    g_ptr_array_add(sets, (gpointer) "parallelism.schedule=1f1b");
  for (guint i = 0; sample_sets[row][i]; i++)
    g_ptr_array_add(sets, (gpointer)sample_sets[row][i]);
  g_ptr_array_add(sets, NULL);
  MoeRunOptions options = {
      .variant = "", .sets = (const char *const *)sets->pdata, .data_dir = g_getenv("MOESIM_DATA")};
  MoeRun *run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "sample %u: %s", row, error ? error->message : "");
  return run;
}

#endif
