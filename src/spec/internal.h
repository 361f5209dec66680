/*
 * Private to spec: readers of the sections, resolution of documents, validation.
 *
 * Readers fill a struct that holds the defaults already, and know nothing of other sections. moe_run_validate looks
 * across them.
 */
#ifndef MOE_SPEC_INTERNAL_H
#define MOE_SPEC_INTERNAL_H

#include "spec/spec.h"

/* ---- limits: beyond them an input is a slip of the keyboard, and products of a few of them still fit int64_t ----- */

#define MOE_MAX_GPUS          (1 << 20)
#define MOE_MAX_LAYERS        10000
#define MOE_MAX_WIDTH         (1 << 24) /* any width or rank, elements; vocabulary too */
#define MOE_MAX_HEADS         65536
#define MOE_MAX_EXPERTS       65536
#define MOE_MAX_SEQUENCE      (1 << 28) /* tokens of one sequence */
#define MOE_MAX_BATCH         (1 << 28) /* sequences of one step */
#define MOE_MAX_STEP_TOKENS   (INT64_C(1) << 40)
#define MOE_MAX_MTP_LAYERS    64
#define MOE_MAX_WEIBULL_SHAPE 100

/* Qwen3-30B-A3B on 16 H100 with all FP32 moments on the host and nothing overlapped (Megatron-Bridge, skills, perf CPU
 * offloading, card.yaml): 3.19 s more than without for 1.91e9 parameters per GPU, of which 0.29 s are copies of 4 bytes
 * per parameter each way at 52 GB/s. PyTorch's fused CPU AdamW moves 28 bytes per parameter: 146 GB/s of the host's
 * 614. */
#define MOE_OPTIMIZER_SHARE 0.24

extern const char *const moe_optimizer_words[];
extern const char *const moe_graph_words[];         /* the words of MoeScope, then "layer" and "iteration" */
extern const char *const moe_any_precision_words[]; /* the words of MoePrecision, then "any" */

/* ---- field tables ------------------------------------------------------------------------------------------------ */

#define MOE_FIELD_COUNT(type, member, low, high)                                                                       \
  .kind = MOE_FIELD_INT, .offset = offsetof(type, member), .minimum = (low), .maximum = (high)
#define MOE_FIELD_AMOUNT(type, member, unit)                                                                           \
  .kind = MOE_FIELD_QUANTITY, .offset = offsetof(type, member), .dimension = (unit)
#define MOE_FIELD_BETWEEN(type, member, unit, low, high)                                                               \
  .kind = MOE_FIELD_QUANTITY, .offset = offsetof(type, member), .dimension = (unit), .minimum = (low), .maximum = (high)
#define MOE_FIELD_SHARE(type, member)                                                                                  \
  .kind = MOE_FIELD_QUANTITY, .offset = offsetof(type, member), .dimension = MOE_DIM_NONE, .minimum = 0, .maximum = 1
#define MOE_FIELD_FLAG(type, member)          .kind = MOE_FIELD_BOOL, .offset = offsetof(type, member)
#define MOE_FIELD_STRING(type, member)        .kind = MOE_FIELD_TEXT, .offset = offsetof(type, member)
#define MOE_FIELD_CHOICE(type, member, table) .kind = MOE_FIELD_WORD, .offset = offsetof(type, member), .words = (table)
#define MOE_FIELD_BITS(type, member, table)   .kind = MOE_FIELD_WORDS, .offset = offsetof(type, member), .words = (table)
/* A nested section, whose offsets are in the same struct; and one that is a struct of its own. */
#define MOE_FIELD_PART(table) .kind = MOE_FIELD_MAP, .own = TRUE, .section = &(table)
#define MOE_FIELD_PART_AT(type, member, table)                                                                         \
  .kind = MOE_FIELD_MAP, .own = TRUE, .section = &(table), .offset = offsetof(type, member)
/* Where values come from: for readers of the file. */
#define MOE_FIELD_ORIGIN                                                                                               \
  .kind = MOE_FIELD_TEXT, .own = TRUE, .meaning = "where the values come from: a document, a measurement"

/* Reads map[key] by the table when it is there. `what` names the section. */
gboolean moe_section_read(const MoeNode *map, const char *key, const MoeField *fields, const char *what,
                          gpointer target, GError **error);
/* TRUE when the node is absent, null or the word "none". */
gboolean moe_node_is_none(const MoeNode *node);
/* Whether what stands at `key` of a map (NULL: none), if anything, is a month ("2025-07") or, with `any_part`, a year,
 * a month or a day. */
gboolean moe_date_check(const MoeNode *map, const char *key, gboolean any_part, GError **error);
/* A plain number, or a quantity in whatever unit it has. */
gboolean moe_any_quantity_read(const MoeNode *node, double *value, MoeDimension *dimension, GError **error);

/* ---- the tables of sections that stand in others -------------------------------------------------------------------
 */

extern const MoeSection moe_run_section, moe_architecture_section, moe_pattern_section, moe_training_section,
    moe_parallelism_section, moe_recompute_section, moe_offload_section, moe_run_memory_section, moe_published_section,
    moe_goodput_section, moe_assumption_section;
extern const MoeSection moe_cluster_section, moe_accelerator_section, moe_domain_section, moe_host_section,
    moe_network_section, moe_fabric_section;
extern const MoeSection moe_stack_section, moe_stack_host_section, moe_collectives_section, moe_kernel_section,
    moe_case_section;

/* How their own code prints what it reads: YAML in flow style. Caller frees. */
char *moe_pattern_print(gconstpointer architecture);
char *moe_kernel_fits_print(const MoeKernelFits *fits);
/* Whether a run says more of its goodput than its cluster does. */
gboolean moe_goodput_is_said(gconstpointer run);
char *moe_assumptions_print(const MoeAssumption *assumptions, guint n);

/* ---- sections of a run ------------------------------------------------------------------------------------------- */

gboolean moe_pattern_read(const MoeNode *list, MoeArchitecture *architecture, GError **error);
gboolean moe_architecture_read(const MoeNode *node, MoeArchitecture *architecture, GError **error);
gboolean moe_training_read(const MoeNode *node, MoeTraining *training, GError **error);
gboolean moe_parallelism_read(const MoeNode *node, MoeParallelism *parallelism, GError **error);
/* `node` may be NULL: nothing is recomputed. */
gboolean moe_recompute_read(const MoeNode *node, MoeRecompute *recompute, GError **error);
gboolean moe_offload_read(const MoeNode *node, MoeOffload *offload, GError **error);
gboolean moe_run_memory_read(const MoeNode *node, MoeRunMemory *memory, GError **error);
gboolean moe_published_read(const MoeNode *node, MoePublished *published, GError **error);
/* Appends the assumptions of one document section to `all` (of MoeAssumption); `prefix` goes before keys that lack it.
 */
gboolean moe_assumptions_read(const MoeNode *node, const char *prefix, GStringChunk *strings, GArray *all,
                              GError **error);

/* ---- sections of clusters and stacks ----------------------------------------------------------------------------- */

gboolean moe_cluster_read(const MoeNode *node, MoeCluster *cluster, GError **error);
gboolean moe_stack_read(const MoeNode *node, MoeStack *stack, GError **error);
/* The section `host`. */
gboolean moe_stack_host_read(const MoeNode *node, MoeStack *stack, GError **error);

/* ---- resolution -------------------------------------------------------------------------------------------------- */

/* Grafts cluster, accelerator and stack, applies variants, options and overrides, in place. *variant is the last
 * variant applied (caller frees) or NULL. */
gboolean moe_resolve(MoeDoc *doc, const MoeRunOptions *options, char **variant, GError **error);
#define MOE_STACK_FOLDER "stacks"

/* Where a name is looked up: as folder/NAME.yaml in the directories of the run's file and of the file that names it, in
 * those above them, then in data_dir. Borrowed. */
typedef struct {
  const char *folder;   /* "clusters" */
  const char *run_file; /* of the root of the document */
  const char *named_in; /* where the name is written */
  const char *data_dir; /* may be NULL */
} MoeLookup;

/* The file of a name, or NULL; a path is relative to where it is written, and is not looked for. Caller frees. */
char *moe_lookup_file(const MoeLookup *lookup, const char *name);
/* What a file is called: its own name without the ending. Caller frees. */
char *moe_lookup_name(const char *path);
/* "no file stacks/NAME.yaml", with the nearest name that there is. Always FALSE. */
gboolean moe_lookup_fail(const MoeLookup *lookup, const char *name, MoeMark mark, GError **error);

/* The stack called SOFTWARE:VARIANT (or a path with :VARIANT behind it) as one map without `variants`; without a
 * variant the last one. `mark`: where it is named; `within`: as moe_doc_load_within; *full_name: what it is called in
 * outputs, caller frees. NULL and *error when it cannot be found or read. */
MoeDoc *moe_software_load(const MoeLookup *lookup, const char *name, MoeMark mark, const char *within, char **full_name,
                          GError **error);

/* Grafts the document that the node at `path` names ("cluster", "stack", "cluster.accelerator"): a name is looked up as
 * `folder`/NAME.yaml. Maps without `extends` stay as they are. */
gboolean moe_graft(MoeDoc *doc, const char *path, const char *folder, const char *data_dir, GError **error);

/* Whether something stands in the file of the run itself, not in one that it extends or names. */
gboolean moe_is_own(const MoeDoc *doc, MoeMark mark);

/* Notes which configuration what is published is stated for, unless the document knows already. */
void moe_published_state(MoeDoc *doc);
/* Removes what is published for another configuration than the document now holds: results, and the peak when the
 * accelerator is another one. What overrides say stays. */
void moe_published_keep_stated(MoeDoc *doc);
/* Leaves convention, peak and source of the published results, not the results. */
void moe_published_drop_metrics(MoeDoc *doc);

/* Puts a single value at the dotted path; `origin` stands in its mark. */
gboolean moe_doc_put(MoeDoc *doc, const char *path, const char *origin, const char *value, GError **error);
/* Names of the variants of a loaded document, in order. Free with g_strfreev. */
char **moe_variant_names(MoeDoc *doc);

/* ---- cases ------------------------------------------------------------------------------------------------------- */

/* Ids of a file of cases, in order. Free with g_strfreev. */
char **moe_case_ids(const MoeDoc *file);
/* The run of the case called `id`; NULL and *error when there is none, or no id. */
MoeDoc *moe_case_find(MoeDoc *file, const char *id, GError **error);

/* ---- validation -------------------------------------------------------------------------------------------------- */

/* Checks what no section can check alone and derives the data-parallel degrees and the micro-batch count. */
gboolean moe_pipeline_validate(MoeRun *run, GError **error);
/* `value` (called `what`, written at `path`) must be a multiple of `divisor`, which is called `of`. */
gboolean moe_check_multiple(const MoeRun *run, const char *path, const char *what, int64_t value, const char *of,
                            int64_t divisor, GError **error);

#endif
