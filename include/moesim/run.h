/*
 * run: a training run - what is trained, on what machine, with what software - and how its step is simulated.
 * Part of spec (floor 2).
 *
 * A MoeRun owns all that it says and is const once loaded; several threads may predict it. Keys, units and ranges:
 * docs/inputs.md, or `moesim schema`.
 */
#ifndef MOESIM_RUN_H
#define MOESIM_RUN_H

#include <moesim/units.h>

G_BEGIN_DECLS

typedef struct MoeRun MoeRun;

/* ---- loading ----------------------------------------------------------------------------------------------------- */

/* Whether the global batch follows the number of GPUs. */
typedef enum {
  MOE_SCALING_AS_SAID, /* with the option `gpus` it does, with the key parallelism.gpus it does not */
  MOE_SCALING_WEAK,    /* it does, whatever changes the number */
  MOE_SCALING_STRONG,  /* it stays */
} MoeScaling;

typedef struct {
  const char *variant; /* NULL = all variants of the file applied in order (its last state); "" = none applied */
  const char *cluster, *stack; /* replace the run's; NULL = keep */
  int64_t gpus;                /* 0 = keep; data parallelism follows, and the global batch by `scaling` */
  MoeScaling scaling;
  const char *const *sets; /* NULL-terminated "key=value" */
  gboolean
      keep_published; /* overrides try constants of the model against what was published, they describe no other run */
  const char *data_dir; /* where clusters/ and stacks/ are looked up besides the run file's ancestors; may be NULL */
  const struct MoeDoc *text; /* inside the library: what the run file holds, instead of reading it; may be NULL */
  const char *within;        /* every file that is read lies below this folder; NULL: any file may be read */
} MoeRunOptions;

extern const char *const moe_scaling_words[]; /* of what can be said: from MOE_SCALING_WEAK on */

/*
 * Loads, resolves, reads and validates. NULL and *error on failure: MOE_ERROR_INPUT or _IO for what is written wrongly,
 * MOE_ERROR_LAYOUT for a layout that cannot exist. `options` may be NULL. Thread-safe; about half a millisecond.
 *
 * Resolution, in this order:
 *
 * 1. `extends` of the file. `variants` and `published` do not inherit: they belong to the file that states them.
 *
 * 2. `cluster`, `cluster.accelerator` and `stack` are replaced by the documents they name, so that every later step can
 * address what is in them ("stack.host.sync"). A name is clusters/NAME.yaml, clusters/accelerators/NAME.yaml or
 * stacks/NAME.yaml in the directory of the run file, in each directory above it, or in options.data_dir; a path is
 * relative to the file it stands in; a map may say `extends: NAME` and what differs.
 *
 * 3. Variants in order up to options.variant. One that names a cluster or stack replaces it as a whole. A state has the
 * results that its own variant publishes, the last state those of the file; convention, peak and source hold for all.
 *
 * 4. options.cluster, .stack, .gpus. With gpus the global batch scales in proportion, to the nearest multiple of
 * data x micro_batch, at least one, unless options.scaling says that it stays; a batch given by options.sets stays.
 *
 * 5. options.sets, in order.
 *
 * 6. What is published is of the configuration that 1 to 3 give. When 4 and 5, or changes of a copy of a resolved
 * document, make another one - other values of model, recipe, layout, cluster or stack, assumptions aside - the results
 * fall away, and the peak when the accelerator or its peaks are others; what an override itself says under `published`
 * stays, and with options.keep_published everything.
 */
MoeRun *moe_run_load(const char *path, const MoeRunOptions *options, GError **error);
/* The same from the text of a run file (`length` bytes, or -1: up to the NUL); `name` stands in messages, files that
 * the text names are looked up in `directory` (NULL: refused) and in options->data_dir. */
MoeRun *moe_run_parse(const char *text, gssize length, const char *name, const char *directory,
                      const MoeRunOptions *options, GError **error);
void moe_run_free(MoeRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeRun, moe_run_free)

/* ---- what it says ----------------------------------------------------------------------------------------------- */

/* "mai-base-1/v4"; its variant or NULL; the names of its cluster and stack. They belong to the run. */
const char *moe_run_name(const MoeRun *run);
const char *moe_run_variant(const MoeRun *run);
const char *moe_run_cluster(const MoeRun *run);
const char *moe_run_stack(const MoeRun *run);
int64_t moe_run_gpus(const MoeRun *run);
/* What is written at a dotted path of the resolved run ("parallelism.pipeline", "cluster.network.nic"), as in a file;
 * lists and maps in one line. NULL when nothing is: the default holds (`moesim schema`). Caller frees. */
char *moe_run_value(const MoeRun *run, const char *dotted_path);
/* Where it is written, or the nearest section around it: "models/x.yaml:12:9". Caller frees. */
char *moe_run_place(const MoeRun *run, const char *dotted_path);
/* The run file that reads as this run, cluster and stack in it: what differs from the defaults, by the field tables
 * that read it. Names of files become absolute. Caller frees. */
char *moe_run_print(const MoeRun *run);
/* Names of the variants of a run file, or ids of a file of cases, in order, NULL-terminated; NULL and *error when it
 * cannot be read. Free with g_strfreev. */
char **moe_run_variants(const char *path, GError **error);

/* ---- words of keys ----------------------------------------------------------------------------------------------- */

typedef enum {
  MOE_RECOMPUTE_NONE,
  MOE_RECOMPUTE_SELECTIVE, /* by module */
  MOE_RECOMPUTE_FULL,
  MOE_RECOMPUTE_OPERATORS, /* all but the outputs of some operators */
} MoeRecomputeMode;

/* Modules whose activations can be recomputed alone. Bits. */
typedef enum {
  MOE_MODULE_CORE_ATTENTION = 1 << 0,        /* scores and softmax (free with flash kernels) */
  MOE_MODULE_ATTENTION_PROJECTIONS = 1 << 1, /* q, k, v up-projections (MLA) */
  MOE_MODULE_NORM = 1 << 2,
  MOE_MODULE_FFN_ACTIVATION = 1 << 3, /* SwiGLU of dense FFN */
  MOE_MODULE_MOE_ACTIVATION = 1 << 4, /* SwiGLU of experts */
  MOE_MODULE_MOE = 1 << 5,            /* whole MoE sub-layer, with its dispatch and combine */
  MOE_MODULE_FFN = 1 << 6,            /* whole dense FFN */
  MOE_MODULE_SHARED_EXPERTS = 1 << 7,
  MOE_MODULE_EXPERT_FFN = 1 << 8, /* expert GEMMs only: dispatched tokens are kept */
} MoeModule;

extern const char *const moe_module_words[]; /* in the order of the bits of MoeModule */

/* ---- how a step is simulated ------------------------------------------------------------------------------------- */

typedef enum { MOE_FIDELITY_AUTO, MOE_FIDELITY_FOLDED, MOE_FIDELITY_FULL } MoeFidelity;
extern const char *const moe_fidelity_words[];

/* A GPU whose kernels take `factor` times as long. */
typedef struct {
  int64_t rank;
  double factor;
} MoeSlowGpu;

/* Whether the caller wants the work to end: looked at now and then, from any thread. */
typedef gboolean (*MoeStopFunc)(gpointer user_data);

/* Takes a slice of a timeline, which only the library looks into. */
struct MoeSlice;
typedef void (*MoeSliceFunc)(const struct MoeSlice *slice, gpointer user_data);

typedef struct {
  uint64_t seed; /* of this step */
  uint64_t step; /* how many steps it comes after the first of its training: for what remembers earlier steps */
  MoeFidelity fidelity;
  guint without;        /* bits of MoeWithout (result.h) */
  double kernel_jitter; /* relative standard deviation of kernel times; < 0 = the stack's */
  gboolean no_fusing;   /* every kernel its own event: same times, for tests */
  guint n_slow;
  const MoeSlowGpu *slow;
  MoeSliceFunc slice; /* NULL = no timeline; moe_trace_slice of report.h takes them; called in order of end time per
                         stream, from the simulating thread */
  gpointer slice_data;
  guint n_trace_ranks; /* ranks whose slices are delivered (0 with a slice function = rank 0) */
  const int64_t *trace_ranks;
  gboolean step_alone;           /* no account is kept: the result has no causes, reasons, scopes, passes and executed
                                    FLOPs, nor the share that is extrapolated; all else is the same, sooner */
  const struct MoeSimTick *tick; /* inside the library: another job on the links; NULL: none */
  struct MoeSimTraffic *traffic; /* inside the library: filled when not NULL */
  uint64_t max_events;           /* 0 = the default limit */
  MoeStopFunc stopped;           /* TRUE ends the simulation with MOE_ERROR_STOPPED; may be NULL */
  gpointer stopped_data;
} MoeSimOptions;

G_END_DECLS

#endif
