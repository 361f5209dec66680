/*
 * door: questions and answers as JSON text, for programs that are not written in C - a server, Python, a notebook.
 *
 * Every function takes the text of a request (a JSON object, UTF-8) and returns the text of its answer, which is freed
 * with moe_text_free. The answer is what the command line prints with --format json, byte for byte (wall_time_s apart);
 * when there is none, it is
 *
 *     {"error": {"message": ..., "file": ..., "line": ..., "column": ..., "kind": ..., "key": ...}}
 *
 * Requests, answers and kinds of errors: docs/door.md. Any thread may ask at any time, also several the same; nothing
 * is kept between two calls. No function returns NULL, prints or exits.
 *
 *     char *answer = moe_predict_json("{\"run\": \"mai-base-1/v5\", \"set\": {\"parallelism.expert\": 32}}");
 *     puts(answer);
 *     moe_text_free(answer);
 *
 * This header needs no other.
 */
#ifndef MOESIM_DOOR_H
#define MOESIM_DOOR_H

#ifdef __cplusplus
extern "C" {
#endif

/* One simulated step of a run: what `moesim run` prints. */
char *moe_predict_json(const char *request);
/* The same with `memory`'s answer: one object, and `remedies` when they are asked for. */
char *moe_memory_json(const char *request);
/* Where the time of a run goes, or what makes two runs differ: `moesim explain`. */
char *moe_explain_json(const char *request);
/* What the assumptions are worth: `moesim sensitivity`. */
char *moe_sensitivity_json(const char *request);
/* What was not published, learned from what was: `moesim infer`. */
char *moe_infer_json(const char *request);
/* One run at many points: `moesim sweep`. */
char *moe_sweep_json(const char *request);
/* A training of weeks: `moesim goodput`. */
char *moe_goodput_json(const char *request);
/* The best layouts: `moesim search`. */
char *moe_search_json(const char *request);
/* Which cluster, how many GPUs: `moesim plan`. */
char *moe_plan_json(const char *request);
/* Whether a run is legal; why not, and the nearest value that is. Whether a file is good: `moesim check`. */
char *moe_check_json(const char *request);
/* What one rank of each stage does when. */
char *moe_timeline_json(const char *request);
/* Configurations of others to run files: `moesim import`. */
char *moe_convert_json(const char *request);
/* The run that a request means: its values with their places, and the whole as a run file. */
char *moe_show_json(const char *request);
/* What ships: models, clusters, stacks, and the words that keys take. */
char *moe_list_json(const char *request);

/* Frees what any function here returned; NULL is nothing. */
void moe_text_free(char *text);
/* "0.1.0". Static. */
const char *moe_version(void);

/* ---- with conditions --------------------------------------------------------------------------------------------- */

/* A flag that ends work from another thread. */
typedef struct MoeCancel MoeCancel;

MoeCancel *moe_cancel_new(void);
/* Work that was given the flag ends soon, with an error of kind "stopped" (search and plan: with what they have). */
void moe_cancel_set(MoeCancel *cancel);
/* Only when no work has it any more. NULL is nothing. */
void moe_cancel_free(MoeCancel *cancel);

typedef struct {
  const char *data_dir;    /* folder that holds models/, clusters/ and stacks/; NULL: as moe_data_dir says */
  int confined;            /* not 0: no file outside data_dir is read, whatever a request names */
  const MoeCancel *cancel; /* may be NULL */
  double budget_s;         /* most that a request may take, whatever it says itself; 0 = no limit */
  unsigned jobs;           /* threads that a request may use, whatever it says itself; 0 = no limit */
  /* Told of pieces of work done, of sweep, search, plan, sensitivity, explain and infer; from any thread, one call at a
   * time; may be NULL. */
  void (*progress)(unsigned done, unsigned total, void *progress_data);
  void *progress_data;
} MoeDoorOptions;

/* The answer to `question`: "predict", "memory", "explain", "sensitivity", "infer", "sweep", "goodput", "search",
 * "plan", "check", "timeline", "convert", "show", "schema" or "list". `options` may be NULL. */
char *moe_answer_json(const char *question, const char *request, const MoeDoorOptions *options);
/* The folder that is used when none is named: $MOESIM_DATA, else one above this library or program, else where it was
 * to be installed; NULL when there is none. Free with moe_text_free. */
char *moe_data_dir(void);

#ifdef __cplusplus
}
#endif

#endif
