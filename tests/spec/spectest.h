/* A complete run in memory, and shorthands to load it with changes. */
#ifndef SPECTEST_H
#define SPECTEST_H

#include "spec/spec.h"
#include <glib/gstdio.h>
#include <moetest.h>

#include <string.h>

/* 16 layers, every second one with 8 experts, on 16 GPUs: pipeline 2, tensor 2, expert 4. */
static const char spectest_run[] = "title: Small\n"
                                   "source: nowhere\n"
                                   "architecture:\n"
                                   "  layers: 16\n"
                                   "  hidden: 1024\n"
                                   "  vocabulary: 32000\n"
                                   "  attention: {query_heads: 16, kv_heads: 4, head_dim: 64}\n"
                                   "  ffn: {width: 4096}\n"
                                   "  moe: {first_layer: 1, every: 2, experts: 8, top_k: 2, width: 512}\n"
                                   "training: {sequence_length: 2048, global_batch: 64, micro_batch: 2}\n"
                                   "parallelism: {gpus: 16, tensor: 2, pipeline: 2, expert: 4, schedule: 1f1b}\n"
                                   "cluster:\n"
                                   "  accelerator:\n"
                                   "    name: chip\n"
                                   "    peak: {bf16: 1 PFLOP/s, fp8: 2 PFLOP/s, fp32: 60 TFLOP/s, tf32: 500 TFLOP/s}\n"
                                   "    sms: 132\n"
                                   "    clock: 1.8 GHz\n"
                                   "    memory: 80 GB\n"
                                   "    memory_bandwidth: 3.35 TB/s\n"
                                   "    power: 700 W\n"
                                   "  domain: {gpus: 8, bandwidth: 450 GB/s, latency: 1 us}\n"
                                   "  host: {gpus: 8, memory_link: 50 GB/s, cpu: x86}\n"
                                   "  network: {nic: 400 Gbit/s, kind: infiniband}\n"
                                   "stack:\n"
                                   "  host: {launch: {x86: 6 us}, sync: 20 us, step: 5 ms}\n"
                                   "  assumptions:\n"
                                   "    host.sync: {range: [10 us, 50 us], why: not measured}\n";

/* The run with `more` appended and overridden by `options`. NULL and *error when it is refused. */
static inline MoeRun *spectest_load(const char *more, const MoeRunOptions *options, GError **error)
{
  g_autofree char *text = g_strconcat(spectest_run, more, NULL);
  MoeDoc *doc = moe_doc_parse(text, -1, "small.yaml", NULL, error);

  return doc ? moe_run_from_doc(doc, "small", options, error) : NULL;
}

/* With overrides separated by semicolons: "parallelism.gpus=32;training.micro_batch=1". */
static inline MoeRun *spectest_set(const char *sets, GError **error)
{
  g_auto(GStrv) list = g_strsplit(sets, ";", -1);
  MoeRunOptions options = {.sets = *sets ? (const char *const *)list : NULL};

  return spectest_load("", &options, error);
}

/* The run must be accepted. */
static inline MoeRun *spectest_good(const char *sets)
{
  g_autoptr(GError) error = NULL;
  MoeRun *run = spectest_set(sets, &error);

  ck_assert_msg(run != NULL, "%s: %s", sets, error ? error->message : "");
  return run;
}

/* The run must be refused with a message that holds `expected`. */
static inline void spectest_bad(const char *sets, const char *expected)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run = spectest_set(sets, &error);

  ck_assert_msg(run == NULL, "%s was accepted", sets);
  ck_assert_msg(strstr(error->message, expected) != NULL, "%s: \"%s\" lacks \"%s\"", sets, error->message, expected);
}

#endif
