/*
 * Private to doc: what a document is made of.
 *
 * Everything of a document lives in its arena and is freed with it; removed nodes stay there unused. A node has exactly
 * one parent, so its key (when the parent is a map) is kept in the node itself.
 */
#ifndef MOE_DOC_INTERNAL_H
#define MOE_DOC_INTERNAL_H

#include "doc/doc.h"

/* ---- arena (arena.c) -------------------------------------------------------------------------------------------- */

typedef struct MoeDocArenaBlock MoeDocArenaBlock;

typedef struct {
  MoeDocArenaBlock *blocks; /* newest first */
  char *next;               /* free space of the newest block */
  gsize left;               /* its bytes */
  gsize block_bytes;        /* size of the next block */
} MoeDocArena;

void moe_doc_arena_init(MoeDocArena *arena);
void moe_doc_arena_clear(MoeDocArena *arena);
/* `bytes` bytes, aligned for pointers, not zeroed. */
gpointer moe_doc_arena_take(MoeDocArena *arena, gsize bytes);
/* Copy of `length` bytes of text with a closing NUL. */
char *moe_doc_arena_text(MoeDocArena *arena, const char *text, gsize length);

/* ---- document and nodes (node.c) -------------------------------------------------------------------------------- */

/* Where nodes come from. Each MoeMark.file of a node points to `name` of a source, so the directory against which
 * `extends` is resolved can be had from any mark, also of nodes of another document. */
typedef struct MoeSource {
  struct MoeSource *next;
  const char *directory; /* NULL: `extends` is refused */
  char name[];
} MoeSource;

struct MoeNode {
  guint8 kind;    /* MoeNodeKind */
  guint8 quoted;  /* a scalar written in quotes: never null */
  guint16 depth;  /* containers around it; the root has 0 */
  guint n;        /* children */
  guint capacity; /* of `items`, a power of two */
  MoeMark mark;
  const char *key; /* NULL in lists and at the root */
  MoeMark key_mark;
  union {
    const char *text; /* scalar */
    MoeNode **items;  /* list and map; large maps have a hash index behind the pointers (node.c) */
  };
};

struct MoeDoc {
  MoeDocArena arena;
  MoeSource *sources;
  guint n_nodes; /* made so far, removed ones included */
  MoeNode *root;
  MoeDocSeal seal;
  const char *within; /* the folder of all files that may be read; NULL: any */
};

MoeDoc *moe_doc_new(void);
/* The source of that name and directory, made when new. */
MoeSource *moe_doc_source(MoeDoc *doc, const char *name, const char *directory);
const MoeSource *moe_source_of(MoeMark mark);

/* A new node, or NULL with an error at `mark` when the document has too many or nests too deep. */
MoeNode *moe_node_new(MoeDoc *doc, MoeNodeKind kind, guint depth, MoeMark mark, GError **error);
/* Copy of a node of any document for `depth` in `doc`, its key included. */
MoeNode *moe_node_copy(MoeDoc *doc, const MoeNode *node, guint depth, GError **error);
/* Appends to a list or map; in a map the child has its key set, and the map does not have that key yet. */
void moe_node_append(MoeDoc *doc, MoeNode *parent, MoeNode *child);
/* Puts `child` (key set) into the map in place of the entry of the same key, or at the end. */
void moe_node_put(MoeDoc *doc, MoeNode *map, MoeNode *child);
/* FALSE with an error when a key of that many bytes is empty or too long. */
gboolean moe_key_check(gsize length, MoeMark mark, GError **error);
/* Gives `node` the key, which has been checked. */
void moe_node_set_key(MoeDoc *doc, MoeNode *node, const char *key, MoeMark mark);
/* Index of the key in the map or -1. */
int moe_node_index(const MoeNode *map, const char *key);
/* Moves the entries of `overlay` into `base` (both maps of `doc`, same depth): maps merge, everything else replaces. */
void moe_node_merge(MoeDoc *doc, MoeNode *base, MoeNode *overlay);

/* ---- text (text.c) ---------------------------------------------------------------------------------------------- */

/* Longest piece of input quoted in a message, in characters. */
#define MOE_DOC_SHOWN_CHARACTERS 40

/* `text` in double quotes for a one-line message: control characters escaped, cut after MOE_DOC_SHOWN_CHARACTERS. */
char *moe_text_show(const char *text);
/* Appends `text` as a YAML double-quoted scalar. */
void moe_text_append_quoted(GString *out, const char *text);
/* TRUE for code points that YAML allows unescaped. */
gboolean moe_text_printable(gunichar c);
/* "a, b, c" of a NULL-terminated list. */
char *moe_text_list(const char *const *words);
/* Kind of a node for messages: "a map". */
const char *moe_kind_name(MoeNodeKind kind);

/* ---- input (input.c) -------------------------------------------------------------------------------------------- */

typedef struct {
  char *bytes;
  gsize length;
  guint64 device, inode; /* identity of the file, for cycles of `extends` */
} MoeInput;

void moe_input_clear(MoeInput *input);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoeInput, moe_input_clear)

/* Reads a file of at most MOE_DOC_MAX_BYTES. `asked_at` is where its name was written: line 0 for the command line. */
gboolean moe_input_read(MoeInput *input, const char *path, MoeMark asked_at, GError **error);
/* Refuses NUL bytes, other encodings than UTF-8, control characters; the message has the position. */
gboolean moe_input_check(const char *bytes, gsize length, const char *name, GError **error);

/* ---- parsing (parse.c) ------------------------------------------------------------------------------------------ */

typedef struct {
  const char *bytes;
  gsize length;
  const MoeSource *source;
  int column;    /* added to the columns of the first line */
  guint depth;   /* of the resulting node */
  gboolean flow; /* one value in flow style (--set); otherwise a file, whose root is a map */
} MoeText;

/* One YAML document to nodes of `doc`. */
MoeNode *moe_parse_text(MoeDoc *doc, const MoeText *text, GError **error);

/* ---- paths (path.c) --------------------------------------------------------------------------------------------- */

/* Dotted path cut into keys; a key with dots in it is written in double quotes. */
typedef struct {
  guint n;
  const char *keys[MOE_DOC_MAX_DEPTH];
  int columns[MOE_DOC_MAX_DEPTH]; /* from 1, in bytes */
  char *storage;
} MoePath;

void moe_path_clear(MoePath *path);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoePath, moe_path_clear)

/* `mark` is where the path begins; "" is the path of the root. */
gboolean moe_path_parse(MoePath *path, const char *text, gsize length, MoeMark mark, GError **error);

#endif
