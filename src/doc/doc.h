/*
 * doc: YAML text -> tree with file:line:column marks; extends, overrides, "did you mean".
 *
 * Floor 1. Uses base and libyaml (only here). Does not know what any key means.
 *
 * A tree consists of nodes: scalars (kept as text), lists and maps (order of keys kept). Each node remembers where it
 * was written, also after `extends:` and overrides were merged, so that every message and `moesim show` can say where a
 * value comes from.
 *
 * Life cycle: moe_doc_load (or _parse) -> overrides (moe_doc_set, moe_doc_merge) -> read with the moe_node_* functions
 * -> moe_doc_free. All nodes and strings belong to the MoeDoc and live until it is freed; a node that was replaced or
 * removed stays readable but no longer stands in the tree.
 *
 * Limits (each with its own message): file size MOE_DOC_MAX_BYTES, depth, number of nodes (alias bombs: anchors and
 * aliases are refused altogether), extends chain length and cycles.
 */
#ifndef MOESIM_DOC_H
#define MOESIM_DOC_H

#include "base/base.h"

G_BEGIN_DECLS

#define MOE_DOC_MAX_BYTES     (64 * 1000 * 1000) /* of one file */
#define MOE_DOC_MAX_DEPTH     32
#define MOE_DOC_MAX_NODES     4000000
#define MOE_DOC_MAX_EXTENDS   16
#define MOE_DOC_MAX_KEY_BYTES 200
#define MOE_DOC_SET_NAME      "--set" /* file of the marks of overrides */

typedef struct MoeDoc MoeDoc;
typedef struct MoeNode MoeNode;

typedef enum { MOE_NODE_SCALAR, MOE_NODE_LIST, MOE_NODE_MAP } MoeNodeKind;

/* Reads one file and, when the root map has `extends: other.yaml` (relative to this file, or a name without suffix
 * looked up as NAME.yaml beside it), the files it extends; maps merge key by key, lists and scalars replace; `extends`
 * itself is removed. */
MoeDoc *moe_doc_load(const char *path, GError **error);
/* The same from memory (`length` bytes, or -1: up to the NUL); `name` stands in marks, `extends` is resolved relative
 * to `directory` (NULL: refused). */
MoeDoc *moe_doc_parse(const char *text, gssize length, const char *name, const char *directory, GError **error);
/* As moe_doc_load, with every file that this document, its copies and what is put into it read below `folder` (links
 * followed; NULL: any); all others are refused, whether they exist or not. `asked_at`: where another file names this
 * one, for messages; all zero when a person does. */
MoeDoc *moe_doc_load_within(const char *path, MoeMark asked_at, const char *folder, GError **error);
/* One file with its `extends` left as it stands, for a reader that knows what it names. */
MoeDoc *moe_doc_load_alone(const char *path, MoeMark asked_at, const char *folder, GError **error);
MoeDoc *moe_doc_parse_within(const char *text, gssize length, const char *name, const char *directory,
                             const char *folder, GError **error);
/* The same for a document that is there; NULL: any file may be read. */
void moe_doc_confine(MoeDoc *doc, const char *folder);
/* The folder, or NULL. Belongs to the document. */
const char *moe_doc_confined(const MoeDoc *doc);
/* Whether a file that is named at `asked_at` may be read; FALSE and *error (MOE_ERROR_INPUT) otherwise. */
gboolean moe_doc_may_read(const MoeDoc *doc, const char *path, MoeMark asked_at, GError **error);
MoeDoc *moe_doc_copy(const MoeDoc *doc);
void moe_doc_free(MoeDoc *doc);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeDoc, moe_doc_free)

/* Numbers that a reader keeps with a document and that its copies carry on; no `made` until one is set. */
typedef struct {
  gboolean made;
  uint64_t value[2];
} MoeDocSeal;
const MoeDocSeal *moe_doc_seal(const MoeDoc *doc);
void moe_doc_set_seal(MoeDoc *doc, MoeDocSeal seal);

/* Always a map. */
MoeNode *moe_doc_root(const MoeDoc *doc);
/* As moe_node_find from the root, for changing what is found. */
MoeNode *moe_doc_find(const MoeDoc *doc, const char *dotted_path);

/* Paths: keys joined by dots ("training.precision.gemm"); the key of a list is an index from 0 ("cases.0.id"); a key
 * with dots in it stands in double quotes (assumptions."training.micro_batch".why).
 *
 * Override "a.b.c=value" from the command line; `value` is parsed as YAML in flow style (so lists and maps work),
 * intermediate maps are made, also in place of a single value. The new value replaces what was there, maps too; list
 * items can be replaced, not added. Marks of the new value have file "--set" and the column within `assignment`. On
 * failure nothing that was there has changed. */
gboolean moe_doc_set(MoeDoc *doc, const char *assignment, GError **error);
/* Merges `overlay` (a node of this or another document; copied) into the map at dotted `path` ("" is the root). */
gboolean moe_doc_merge(MoeDoc *doc, const char *path, const MoeNode *overlay, GError **error);
/* Replaces the node at dotted `path` by a copy of `node`; makes it when missing. */
gboolean moe_doc_replace(MoeDoc *doc, const char *path, const MoeNode *node, GError **error);
/* Resolves `extends` inside a nested map (a case, or an inline cluster/stack) relative to the directory of the file it
 * stands in. */
gboolean moe_doc_resolve_extends(MoeDoc *doc, MoeNode *map, GError **error);
/* The same relative to `directory`. */
gboolean moe_doc_resolve_extends_in(MoeDoc *doc, MoeNode *map, const char *directory, GError **error);
/* Removes a key from a map of `doc`; nothing happens when it is absent. */
void moe_doc_remove(MoeDoc *doc, MoeNode *map, const char *key);

/* ---- reading ---------------------------------------------------------------------------------------------------- */

MoeNodeKind moe_node_kind(const MoeNode *node);
MoeMark moe_node_mark(const MoeNode *node);
/* Scalar text; NULL for lists and maps. YAML null (~, null, empty) is the text "null". */
const char *moe_node_text(const MoeNode *node);
gboolean moe_node_is_null(const MoeNode *node);
gboolean moe_node_is_flat_list(const MoeNode *node);          /* a list of scalars */
guint moe_node_size(const MoeNode *node);                     /* entries of a list or map, 0 for scalars */
const MoeNode *moe_node_at(const MoeNode *node, guint index); /* i-th item of a list or value of a map */
const char *moe_node_key(const MoeNode *map, guint index);    /* i-th key of a map */
MoeMark moe_node_key_mark(const MoeNode *map, guint index);
const MoeNode *moe_node_get(const MoeNode *map, const char *key);           /* NULL when absent or not a map */
const MoeNode *moe_node_find(const MoeNode *root, const char *dotted_path); /* "a.b.c"; NULL when absent */

/* Typed reads: FALSE and "file:line:column: what is wrong, what was expected" on failure. */
gboolean moe_node_read_quantity(const MoeNode *node, MoeDimension dimension, double *value, GError **error);
gboolean moe_node_read_int(const MoeNode *node, int64_t minimum, int64_t maximum, int64_t *value, GError **error);
gboolean moe_node_read_bool(const MoeNode *node, gboolean *value, GError **error);
gboolean moe_node_read_text(const MoeNode *node, const char **value, GError **error);
/* Index of the scalar in `words` (NULL-terminated); the message lists them and the nearest. */
gboolean moe_node_read_word(const MoeNode *node, const char *const *words, int *value, GError **error);
/* {x: y, ...}-like list of pairs: [[x, y], ...] in the given dimensions, increasing x. */
gboolean moe_node_read_curve(const MoeNode *node, MoeDimension x, MoeDimension y, gboolean log_x, MoeCurve *curve,
                             GError **error);
gboolean moe_node_expect(const MoeNode *node, MoeNodeKind kind, const char *what, GError **error);

/* ---- declarative reading of a map into a struct ------------------------------------------------------------------ */

typedef enum {
  MOE_FIELD_INT,      /* int64_t, range [minimum, maximum] */
  MOE_FIELD_QUANTITY, /* double in SI, unit by `dimension`, range [minimum, maximum] */
  MOE_FIELD_BOOL,     /* gboolean */
  MOE_FIELD_TEXT,     /* const char * (owned by the document) */
  MOE_FIELD_WORD,     /* int, index in `words` */
  MOE_FIELD_IGNORE,   /* known key read elsewhere (nested sections) */
  MOE_FIELD_WORDS,    /* a list of words, or "none": guint, 1 << index in `words` */
  MOE_FIELD_MAP,      /* a nested map by `section`, read by code of its own */
  MOE_FIELD_ANY,      /* a quantity of any dimension, read by code of its own */
} MoeFieldKind;

/* Whether a key holds one value of its kind, a list of them, or a map of them under names that are free. */
typedef enum { MOE_FORM_ONE, MOE_FORM_LIST, MOE_FORM_NAMED } MoeFieldForm;

typedef struct MoeSection MoeSection;

/* One key: how it is read, printed and explained. All texts are one line without a full stop. */
typedef struct {
  const char *key;
  MoeFieldKind kind;
  size_t offset; /* offsetof() in the target struct */
  gboolean required;
  MoeDimension dimension;   /* QUANTITY */
  double minimum;           /* INT and QUANTITY: the least allowed */
  double maximum;           /* the same: the most allowed; not above `minimum` means no upper bound */
  const char *const *words; /* WORD and WORDS */
  double scale;             /* QUANTITY without dimension: SI value of one, where the key's name has the unit; 0 = 1 */
  const char *meaning;
  const char *otherwise; /* what holds when the key is absent and the section's defaults do not say: "as gemm" */
  MoeFieldForm form;
  gboolean own;              /* known here, read by code of its own: the row only describes it */
  const char *also;          /* own: a word that may stand instead ("none"); NULL = no such word */
  const char *folder;        /* MAP: the name of a file in that folder may stand instead; NULL = no file */
  const MoeSection *section; /* MAP */
  const char *mechanism;     /* what a change of this key, or of one below it, is a change of; NULL = as the section */
  const char *axis;          /* the dimension of a search that the key is; NULL = none */
  /* MAP: whether the struct holds what the section would say; NULL = when it differs from the defaults. */
  gboolean (*given)(gconstpointer target);
  /* own: the value as YAML in flow style, NULL = absent; caller frees. NULL = nothing of it is kept. */
  char *(*print)(gconstpointer target);
} MoeField;

/* The keys of one map. */
struct MoeSection {
  const char *what;       /* in messages: "cluster", "architecture" */
  const MoeField *fields; /* ended by a NULL key */
  gconstpointer defaults; /* the struct that the offsets are in, as it is before reading; NULL = not said */
};

/* Reads the entries of `map` into `target` by the table (ended by a NULL key). Unknown keys are errors with the nearest
 * known key; absent optional ones leave the target untouched; `what` names the section in messages ("cluster",
 * "architecture"). */
gboolean moe_node_read_fields(const MoeNode *map, const MoeField *fields, const char *what, gpointer target,
                              GError **error);

/* Bits (1 << index in `words`) of a list of words. Absent, null or "none": 0. */
gboolean moe_node_read_words(const MoeNode *list, const char *const *words, guint *bits, GError **error);

/* ---- the same tables, the other way --------------------------------------------------------------------------------
 */

/* `text` in double quotes, bytes that are no UTF-8 replaced. Caller frees. */
char *moe_text_quote(const char *text);
/* The value of a field in `target` as YAML in flow style, which reads back as the same bits; NULL when it has none that
 * may be written. Caller frees. */
char *moe_field_print(const MoeField *field, gconstpointer target);
/* What holds when the key is absent, as it would be written, or in words; NULL when it is required, or nothing is said.
 * Caller frees. */
char *moe_field_default(const MoeSection *section, const MoeField *field);
/* "1 to 10000", "at least 0 s", "bf16 | fp8"; NULL when anything goes. Caller frees. */
char *moe_field_range(const MoeField *field);
/* The map of `section` from `target` as YAML, each line indented by so many spaces: what differs from the defaults, and
 * what is required or follows from other keys. Reading it over the defaults gives `target` again. Empty when there is
 * nothing to say. Caller frees. */
char *moe_section_print(const MoeSection *section, gconstpointer target, guint indent);
/* The same on one line, "{...}". */
char *moe_section_print_flow(const MoeSection *section, gconstpointer target);

/* YAML text of a node, keys in order. With `origins`, each scalar line ends in "  # file:line". Caller frees. */
char *moe_node_print(const MoeNode *node, gboolean origins);
/* The same as one line in flow style, as moe_doc_set takes it: {a: 1, b: [2, "three"]}. Caller frees. */
char *moe_node_print_flow(const MoeNode *node);

G_END_DECLS

#endif
