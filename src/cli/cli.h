/*
 * cli: the command line. The only module that prints, reads the environment and decides the exit status.
 *
 * Floor 10. One file per command (cmd_NAME.c), one sorted table (commands.c). A command is a function from its
 * arguments to an exit status:
 *
 *     int moe_cmd_mfu(int argc, char **argv)
 *     {
 *       Options options = {...};
 *       const GOptionEntry entries[] = {...};
 *       int status = moe_cli_parse(&usage, entries, NULL, &argc, &argv);
 *
 *       if (status != MOE_CLI_GO)
 *         return status;                   // --help was printed, or the arguments are wrong and that was said
 *       ...                                // argv[1..argc-1] are what is left: files
 *       return error ? moe_cli_fail(error) : MOE_EXIT_DONE;
 *     }
 *
 * Results go to stdout with moe_cli_print, messages to stderr. Nothing calls exit().
 */
#ifndef MOESIM_CLI_H
#define MOESIM_CLI_H

#include "base/base.h"
#include "door/ask.h"
#include "metrics/metrics.h"
#include "spec/spec.h"
#include "study/neighbour.h"
#include <moesim/door.h>
#include <moesim/report.h>

G_BEGIN_DECLS

/* Exit statuses: part of the contract. */
enum {
  MOE_CLI_GO = -1, /* of moe_cli_parse: arguments are fine, do the work */
  MOE_EXIT_DONE = 0,
  MOE_EXIT_NO = 1, /* the answer is "no": does not fit */
  MOE_EXIT_BAD_INPUT = 2,
  MOE_EXIT_INTERNAL = 3, /* our fault */
};

/* ---- the table --------------------------------------------------------------------------------------------------- */

typedef struct {
  const char *name;
  const char *summary;               /* one line, lower case, no full stop */
  int (*run)(int argc, char **argv); /* argv[0] is the command's name */
} MoeCommand;

/* All commands, sorted by name. */
const MoeCommand *moe_commands(guint *n);

/* ---- arguments --------------------------------------------------------------------------------------------------- */

typedef struct {
  const char *command;   /* "mfu", as in the table */
  const char *arguments; /* after the options: "RUN.yaml..." or "" */
  const char *examples;  /* indented lines, shown under "Examples:" */
  int least, most;       /* how many arguments are left after the options; most < 0: any number */
  const char *behind;    /* what stands behind "--", where that is someone else's ("Megatron's arguments"); or NULL */
} MoeUsage;

/* Reads options into the variables that `entries` (and `shared`, may be NULL) point to; each table ends with an empty
 * entry. Options leave argv; "--" is dropped. Returns MOE_CLI_GO, or the exit status when there is nothing left to do:
 * --help was printed, or something is wrong and was said on stderr (unknown options with the nearest known one). */
int moe_cli_parse(const MoeUsage *usage, const GOptionEntry *entries, const GOptionEntry *shared, int *argc,
                  char ***argv);
/* A quantity from an option as moe_said_quantity reads it: > 0, a bare number in SI units. On failure says so on
 * stderr. NULL text leaves *value alone and succeeds. */
gboolean moe_cli_quantity(const char *option, const char *text, MoeDimension dimension, double *value);
/* A whole number of at least 1 ("8192", "8k"). FALSE and *error, which names the option. */
gboolean moe_cli_count(const char *option, const char *text, int64_t *value, GError **error);
/* Index of `text` in NULL-terminated `words`; -1 and a message with the nearest word on stderr when it is none of them.
 */
int moe_cli_word(const char *option, const char *text, const char *const *words);

/* Whether all options that were said are among `used` (words between spaces), which `what` ("plot ladder") reads; else
 * FALSE after a message with those. A number that is 0 was not said. */
gboolean moe_cli_applies(const char *what, const GOptionEntry *entries, const char *used);

/* What was said for the options of a table, those with texts, for the functions of ask.h that both doors share. */
MoeWords moe_cli_words(const GOptionEntry *entries);

/* ---- options that every command on runs takes -------------------------------------------------------------------- */

typedef struct {
  char *variant, *cluster, *stack, *fidelity, *format;
  char *gpus_text, *scaling;
  gint64 gpus, seed; /* gpus: 0 = as gpus_text says */
  gint steps;
  double
      tokens;   /* of a training whose days and price stand beside each prediction; 0: none. No shared option sets it */
  gint samples; /* combinations of the assumptions for an interval beside each prediction; no shared option sets it */
  char *posterior_file;           /* of the intervals; no shared option sets it */
  struct MoePosterior *posterior; /* read from it by moe_cli_load_posterior */
  char **sets;
} MoeCliRun;

#define MOE_CLI_RUN_ENTRIES 12 /* entries, the empty one included */
/* Fills `entries` with --variant, --cluster, --stack, --gpus, --scaling, --set, --fidelity, --seed, --steps and
 * --format. */
void moe_cli_run_entries(MoeCliRun *options, GOptionEntry entries[MOE_CLI_RUN_ENTRIES]);
/* The same with --posterior, for commands whose answers have intervals. */
void moe_cli_interval_entries(MoeCliRun *options, GOptionEntry entries[MOE_CLI_RUN_ENTRIES]);
/* Reads what moesim infer -o wrote, if --posterior names it; with it, combinations if none are asked for. FALSE, having
 * said why, when it cannot be read. */
gboolean moe_cli_load_posterior(MoeCliRun *options);
/* Takes one of them out: for a command that has no use for it, or its own meaning of it. */
void moe_cli_drop_entry(GOptionEntry entries[MOE_CLI_RUN_ENTRIES], const char *name);
void moe_cli_run_clear(MoeCliRun *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoeCliRun, moe_cli_run_clear)

/* --headroom of commands that say whether a run fits: another value of memory.headroom, after all --set. NULL text does
 * nothing. */
void moe_cli_run_headroom(MoeCliRun *options, const char *text);

/* What the words in `options` mean. FALSE and a message when one is unknown. */
gboolean moe_cli_format(const MoeCliRun *options, MoeFormat *format);
gboolean moe_cli_sim_options(const MoeCliRun *options, MoeSimOptions *sim);

/* The options as moe_run_load takes them; borrowed texts, no variant. FALSE and *error when one is wrong. */
gboolean moe_cli_load_options(const MoeCliRun *options, MoeRunOptions *load, GError **error);
/* Loads "RUN.yaml" or "RUN.yaml:VARIANT" (which --variant must not contradict) with the options applied. */
MoeRun *moe_cli_load_run(const char *argument, const MoeCliRun *options, GError **error);
/* As moe_cli_load_run, then predicts --steps steps. */
MoeResult *moe_cli_predict(const char *argument, const MoeCliRun *options, const MoeSimOptions *sim, GError **error);
/* The interval of `result`, over --samples combinations; without them of the model's own error alone. In one thread:
 * predictions themselves run side by side. */
gboolean moe_cli_add_interval(const MoeRun *run, const MoeCliRun *options, const MoeSimOptions *sim, MoeResult *result,
                              GError **error);
/* Warns when the run does not fit the memory. */
void moe_cli_warn_memory(const MoeResult *result);
/* Says which input makes an MFU above 1; nothing otherwise. */
void moe_cli_warn_mfu(const MoeRun *run, const char *name, double mfu);
/* Every argument predicted, on as many threads as there are; with `all_variants` an argument without :VARIANT stands
 * for all variants of its file. Owned MoeResult pointers in order; NULL and *error when one fails. */
GPtrArray *moe_cli_predict_all(int n, char **arguments, gboolean all_variants, const MoeCliRun *options,
                               const MoeSimOptions *sim, GError **error);

/* "0,64,128" -> array of int64_t, each a rank below `gpus`; NULL text is rank 0. NULL and *error, which names `option`.
 */
GArray *moe_cli_parse_ranks(const char *option, const char *text, int64_t gpus, GError **error);

/* ---- output ------------------------------------------------------------------------------------------------------ */

/* Prints to stdout. Failure is remembered by the stream and reported once, at the end, by moe_cli_finish. */
void moe_cli_print(const char *text);
/* Writes a text to a file, which appears whole, or prints it (`path` NULL). */
gboolean moe_cli_write(const char *path, const char *text, GError **error);
/* Prints "moesim: message" to stderr and returns MOE_EXIT_BAD_INPUT. */
int moe_cli_complain(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* Prints a warning to stderr. */
void moe_cli_warn(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* Prints to stderr what is worth knowing and no mistake. */
void moe_cli_note(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* Prints the error's one line to stderr, after "moesim: " where no line of an input is at fault, and returns its exit
 * status. */
int moe_cli_fail(const GError *error);
/* The same of a text for readers, within the margins of moe_cli_sheet. */
void moe_cli_print_text(const char *text);
/* A table's text or, in another format, what programs read. Takes the text over. */
void moe_cli_show(MoeFormat format, char *text);
/* What stdout is: as wide as $COLUMNS says, else as the terminal is, 100 characters where there is none (60 at least;
 * no bound after --wide); bold on a terminal, with NO_COLOR unset and TERM not dumb. */
MoeSheet moe_cli_sheet(MoeFormat format);
/* From now on lines have any length: --wide. Called while there is one thread. */
void moe_cli_widen(void);
/* Whether stdout is a pipe that nobody reads. */
gboolean moe_cli_unread(void);
/* Flushes stdout; what could not be written turns `status` into MOE_EXIT_BAD_INPUT, with a message. A reader that left
 * after a while is no fault, only one that was never there: `unread` is what moe_cli_unread said at the beginning. */
int moe_cli_finish(int status, gboolean unread);

/* Progress line on stderr with an estimate of what is left; silent when stderr is no terminal. A MoeProgressFunc;
 * `user_data` is a MoeProgress. */
typedef struct {
  gboolean shown;
  gint64 started_us;
} MoeProgress;
void moe_cli_progress_init(MoeProgress *progress);
void moe_cli_progress(guint done, guint total, gpointer progress);
void moe_cli_progress_end(MoeProgress *progress);

/* ---- interruptions ----------------------------------------------------------------------------------------------- */

/* From now on SIGINT, SIGTERM and SIGHUP are said in one line on stderr before they end the program, and a file that
 * may not grow further (ulimit -f) is a failed write, not the end. */
void moe_cli_watch_signals(void);
/* From now on notes of the library go to standard error, each once. */
void moe_cli_listen(void);
/* Added to that line; a constant text, or NULL. */
void moe_cli_comfort(const char *text);
/* Between the two a signal waits (a second one does not): for work that has to be undone when it stays incomplete.
 * Pairs do not nest. The program ends in moe_cli_release when one came. */
void moe_cli_hold(void);
void moe_cli_release(void);
/* Whether one waits: time to give up and clean up. */
gboolean moe_cli_interrupted(void);

/* ---- commands ---------------------------------------------------------------------------------------------------- */

int moe_cmd_calibrate(int argc, char **argv);
int moe_cmd_calibrate_network(int argc, char **argv);
int moe_cmd_check(int argc, char **argv);
int moe_cmd_collective(int argc, char **argv);
int moe_cmd_compare(int argc, char **argv);
int moe_cmd_diff(int argc, char **argv);
int moe_cmd_explain(int argc, char **argv);
int moe_cmd_export(int argc, char **argv);
int moe_cmd_fabric(int argc, char **argv);
int moe_cmd_goodput(int argc, char **argv);
int moe_cmd_import(int argc, char **argv);
int moe_cmd_infer(int argc, char **argv);
int moe_cmd_kernel(int argc, char **argv);
int moe_cmd_list(int argc, char **argv);
int moe_cmd_memory(int argc, char **argv);
int moe_cmd_mfu(int argc, char **argv);
int moe_cmd_plan(int argc, char **argv);
int moe_cmd_plot(int argc, char **argv);
int moe_cmd_report(int argc, char **argv);
int moe_cmd_run(int argc, char **argv);
int moe_cmd_schema(int argc, char **argv);
int moe_cmd_search(int argc, char **argv);
int moe_cmd_sensitivity(int argc, char **argv);
int moe_cmd_serve(int argc, char **argv);
int moe_cmd_show(int argc, char **argv);
int moe_cmd_store(int argc, char **argv);
int moe_cmd_sweep(int argc, char **argv);
int moe_cmd_validate(int argc, char **argv);

/* ---- another job below the same leaves --------------------------------------------------------------------------- */

typedef struct {
  char *run; /* "FILE" or "FILE:VARIANT"; NULL: there is none */
  double phase;
} MoeCliBeside;

#define MOE_CLI_BESIDE_ENTRIES(beside)                                                                                 \
  {"beside",  0, 0, G_OPTION_ARG_FILENAME, &(beside).run, "another job whose hosts stand below the same leaves",       \
   "RUN.yaml"},                                                                                                        \
  {                                                                                                                    \
    "phase", 0, 0, G_OPTION_ARG_DOUBLE, &(beside).phase, "where in its step that job is when this one begins, 0 to 1", \
        "SHARE"                                                                                                        \
  }

/* Simulates the other job and has `sim` run beside it; divides the leaves between the two. NULL and *error. */
MoeNeighbour *moe_cli_beside(const MoeCliBeside *beside, MoeRun *run, MoeSimOptions *sim, GError **error);
void moe_cli_print_beside(const MoeCliBeside *beside, const MoeNeighbour *neighbour);
void moe_cli_beside_clear(MoeCliBeside *beside);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoeCliBeside, moe_cli_beside_clear)

G_END_DECLS

#endif
