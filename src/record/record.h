/*
 * record: a finding is described once, and every output is a view of the description.
 *
 * Floor 1. Uses base. Knows no finding.
 *
 * A *record* is a JSON object in SI base units. A *field* says of one member where it lies in the struct that is
 * described, what it is called, and how a table shows it; from one list of fields come the JSON, the table, the CSV and
 * the rows of a page, so that none of them can say something else:
 *
 *     static const MoeColumn tiers[] = {
 *         {"tier", "tier", "l", MOE_WORD(Tier, kind, moe_tier_words)},
 *         {"carried", "bytes", "r", "B", MOE_AT(Tier, bytes)},
 *         {NULL, "used.mean", MOE_AT(Tier, mean_used)},             // in JSON alone; nested in "used"
 *         {"used", .place = "l", .text = used_text},                // in tables alone
 *     };
 *
 *     static const MoePassage page[] = {
 *         {MOE_SAY("{run} on {cluster}: {step_time_s|s}\n\n")},
 *         {MOE_ROWS("tiers", tiers)},
 *     };
 *     static const MoeForms forms = {MOE_PAGE(page), .rows = "tiers"};
 *
 *     char *moe_report_fabric(const Load *load, MoeSheet sheet)
 *     {
 *       return moe_record_emit(describe_fabric(load), &forms, sheet);
 *     }
 *
 * How a value is shown is a word: "s", "B", "B/s", "FLOP/s", "W" a quantity in that unit, "%" a fraction as percent,
 * "+%" a change as signed percent, "pt" a difference of fractions as points, "#" a number, "$" dollars, "MWh" energy,
 * "MW" power (0 is unknown), "h" and "d" seconds as hours and days, "yes" a flag as yes or no, "count" and "FLOP" a
 * large count (lines only), a printf format ("%.3f") that number as text, "stated" a number in as few digits as
 * read as the same, "text" the value as it is; for these, "-" stands for what is null or not there. NULL is the value
 * as it is and nothing for what is not: as CSV has it.
 */
#ifndef MOESIM_RECORD_H
#define MOESIM_RECORD_H

#include "record/json.h"
#include "record/tables.h"

G_BEGIN_DECLS

/* Of json-glib, which whoever reads JSON includes. */
typedef struct _JsonObject JsonObject;
typedef struct _JsonArray JsonArray;

/* What stands where a field lies in a struct. */
typedef enum {
  MOE_FROM_NOTHING, /* the field is no member: a column made of others */
  MOE_FROM_NUMBER,
  MOE_FROM_GIVEN, /* a number; 0 is unknown, and null */
  MOE_FROM_INT,
  MOE_FROM_UINT,
  MOE_FROM_LONG,
  MOE_FROM_ULONG,
  MOE_FROM_TEXT,
  MOE_FROM_FLAG,
  MOE_FROM_WORD, /* an enumeration, by its words */
  MOE_FROM_RULE, /* worked out of the whole struct */
} MoeFromKind;

typedef struct {
  MoeFromKind kind;
  gsize at;
  const char *const *words;
  double (*rule)(gconstpointer of);
} MoeFrom;

/* The member of a struct, by its type; a flag, an enumeration and a number that is worked out say so. */
#define MOE_AT(type, member)                                                                                           \
  .from = {_Generic(((type *)0)->member, double: MOE_FROM_NUMBER, int: MOE_FROM_INT, unsigned: MOE_FROM_UINT,          \
                    long: MOE_FROM_LONG, unsigned long: MOE_FROM_ULONG, char *: MOE_FROM_TEXT,                         \
                    const char *: MOE_FROM_TEXT),                                                                      \
           offsetof(type, member), NULL, NULL}
#define MOE_GIVEN(type, member)       .from = {MOE_FROM_GIVEN, offsetof(type, member), NULL, NULL}
#define MOE_FLAG(type, member)        .from = {MOE_FROM_FLAG, offsetof(type, member), NULL, NULL}
#define MOE_WORD(type, member, words) .from = {MOE_FROM_WORD, offsetof(type, member), words, NULL}
#define MOE_RULE(function)            .from = {MOE_FROM_RULE, 0, NULL, function}

/* A field of a record. */
typedef struct {
  const char *title;                 /* of the column; NULL: tables leave it out */
  const char *path;                  /* its name in the record; behind dots, objects that it stands in */
  const char *place;                 /* as moe_table_new has it; a '?' behind: only where a record has a value */
  const char *as;                    /* how it is shown */
  MoeFrom from;                      /* where the struct that is described has it */
  const char *low, *high;            /* paths of what the value may be between; NULL: no range */
  const char *none;                  /* for what is null or not there, in place of "-" */
  char *(*text)(JsonObject *record); /* instead of all of these: what to show; NULL is an empty cell */
} MoeColumn;

/* A name and a sentence with values, "{mfu.causal|%} causal of {peak_flops_per_gpu|FLOP/s}"; it is left out where a
 * value is null or not there. */
typedef struct {
  const char *title;
  const char *text;
  const char *when;                  /* path of a flag that has to be true, or with '!' before it false; NULL: always */
  char *(*made)(JsonObject *record); /* instead of the text: what takes more than that; NULL is none */
} MoeLine;

/* A passage of a page; empty lists and texts that cannot be said are left out. */
typedef struct {
  MoeLine said;     /* a sentence, with its own line ends; its title is not shown */
  const char *list; /* path of records, "" the record itself: a table of `columns` */
  const MoeColumn *columns;
  guint n_columns;
  MoeLine each;         /* in place of columns: a sentence of every record of the list */
  const MoeLine *lines; /* a table of names and sentences */
  guint n_lines;
  guint most;        /* rows that are shown, 0: all; how many more there are is said under them */
  const char *where; /* "by=cause": only rows that read so there; "published_bytes": only those that have it */
  const char *above; /* stands over rows, and makes a list without any leave no heading; NULL: the heading stays */
} MoePassage;

/* In braces: {MOE_ROWS("tiers", tiers)}. */
#define MOE_SAY(sentence)          .said = {.text = sentence}
#define MOE_SAY_IF(flag, sentence) .said = {.text = sentence, .when = flag}
#define MOE_SAID(function)         .said = {.made = function}
#define MOE_ROWS(path, fields)     .list = path, .columns = fields, .n_columns = G_N_ELEMENTS(fields)
#define MOE_EACH(path, sentence)   .list = path, .each = {.text = sentence}
#define MOE_LINES(sentences)       .lines = sentences, .n_lines = G_N_ELEMENTS(sentences)

/* The outputs of a finding: the passages of its page, and the records that are lines of CSV. */
typedef struct {
  const MoePassage *pieces;
  guint n_pieces;
  const char *rows;     /* path of the records, "" the record itself; NULL: the record is the only one */
  const MoeColumn *csv; /* NULL: all members under their names */
  guint n_csv;
} MoeForms;

#define MOE_PAGE(page)        .pieces = page, .n_pieces = G_N_ELEMENTS(page)
#define MOE_CSV(path, fields) .rows = path, .csv = fields, .n_csv = G_N_ELEMENTS(fields)

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* NULL when the record has nothing there. */
JsonNode *moe_record_find(JsonObject *record, const char *path);
/* NaN when there is no number. */
double moe_record_number(JsonObject *record, const char *path);
gboolean moe_record_flag(JsonObject *record, const char *path);
/* NULL when there is no text. The record's own. */
const char *moe_record_text(JsonObject *record, const char *path);
/* The list there; its elements are records. It has to be there. */
JsonArray *moe_record_list(JsonNode *record, const char *path);

/* ---- emitting ---------------------------------------------------------------------------------------------------- */

/* The record on the sheet: its page, or JSON or CSV. Takes the record over. */
char *moe_record_emit(JsonNode *record, const MoeForms *forms, MoeSheet sheet);
/* A list of records of which table and CSV have the same columns. Takes the list over. */
char *moe_record_emit_list(JsonNode *list, const MoeColumn *columns, guint n, MoeSheet sheet);
/* The same with all members in CSV, whatever a table shows of them. */
char *moe_record_emit_whole(JsonNode *list, const MoeColumn *columns, guint n, MoeSheet sheet);
#define MOE_EMIT_WHOLE(list, columns, sheet) moe_record_emit_whole(list, columns, G_N_ELEMENTS(columns), sheet)
#define MOE_EMIT_LIST(list, columns, sheet)  moe_record_emit_list(list, columns, G_N_ELEMENTS(columns), sheet)
/* Only the page, of any passages. */
char *moe_record_page(JsonNode *record, const MoePassage *pieces, guint n, MoeSheet sheet);
/* Indented, with a line end. */
char *moe_record_json(JsonNode *record);
/* A row per record, for moe_table_format, moe_table_csv or html_records. */
MoeTable *moe_record_table(JsonArray *records, const MoeColumn *columns, guint n);
/* The table as text on a sheet, as CSV. */
char *moe_record_rows(JsonArray *records, const MoeColumn *columns, guint n, MoeSheet sheet);
char *moe_record_csv(JsonArray *records, const MoeColumn *columns, guint n);
/* A line per record, under the names of all members that any has, nested ones joined by a dot. */
char *moe_records_csv(JsonArray *records);
/* The sentence with its values; NULL where one is missing. */
char *moe_record_say(JsonObject *record, const char *text);
/* The sentence of a line that applies; NULL otherwise. */
char *moe_record_line(JsonObject *record, const MoeLine *line);
/* The lines as rows of a table of two columns ("lw"). */
void moe_record_lines(MoeTable *table, JsonObject *record, const MoeLine *lines, guint n);
/* A value as text, standing alone. Caller frees; NULL where there is none. */
char *moe_record_show(JsonNode *value, const char *as);

/* ---- describing -------------------------------------------------------------------------------------------------- */

/* The fields of a struct as members of the open object. */
void moe_describe(JsonBuilder *builder, gconstpointer of, const MoeColumn *fields, guint n);
/* An object of them, in the open list or under the name that was set. */
void moe_describe_object(JsonBuilder *builder, gconstpointer of, const MoeColumn *fields, guint n);
/* A member that is a list of them: `length` structs of `size` bytes. NULL key: the elements alone. */
void moe_describe_list(JsonBuilder *builder, const char *key, gconstpointer of, guint length, gsize size,
                       const MoeColumn *fields, guint n);
#define MOE_DESCRIBE(builder, of, fields) moe_describe(builder, of, fields, G_N_ELEMENTS(fields))
#define MOE_LIST(builder, key, of, length, fields)                                                                     \
  moe_describe_list(builder, key, of, length, sizeof *(of), fields, G_N_ELEMENTS(fields))
/* The whole record of one struct. */
JsonNode *moe_record_of(gconstpointer of, const MoeColumn *fields, guint n);
/* One number per word; words are in the order of the enumeration that indexes `values`. */
void moe_json_words(JsonBuilder *builder, const char *key, const char *const *words, const double *values, guint n);
/* An object of p10, p50 and p90, before them `first` under the name `name`; NULL: only those three. */
void moe_json_quantiles(JsonBuilder *builder, const char *key, const char *name, double first,
                        const MoeQuantiles *quantiles);

G_END_DECLS

#endif
