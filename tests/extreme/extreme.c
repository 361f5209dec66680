/*
 * Numbers that nobody means: of a shipped run, one number of model, training, layout, cluster or stack times 1e-300 to
 * 1e300. Each must end as an answer in finite numbers or as a refusal with its place, within seconds and gigabytes;
 * never as a crash.
 *
 *     extreme COUNT SEED      prints what fell short; exit 1 when anything did
 */
#include "study/study.h"
#include <glib/gstdio.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* 10 s are promised on an idle core; what ends the test must not depend on what else a machine does. */
#define MOST_CPU_S       30
#define MOST_BYTES       (2ull << 30) /* of address space */
#define LARGEST_EXPONENT 300
#define USUAL_EXPONENT   9 /* half of the draws stay within: what passes the first check of ranges goes deeper */

/* How a child ends. */
enum { ANSWERED, REFUSED, NO_PLACE, NOT_FINITE, BEYOND_PEAK, N_ENDS };

typedef struct {
  MoeRun *run;
  GPtrArray *paths; /* of char *: of numbers */
} Subject;

typedef struct {
  guint of[N_ENDS], crashed, done;
} Tally;

/* ---- numbers of a document ------------------------------------------------------------------- */

/* Sections that say nothing of the machine or the step. */
static gboolean is_beside(const char *key)
{
  static const char *const beside[] = {"assumptions", "published", "goodput", "title", "source", "variants", NULL};

  return g_strv_contains(beside, key);
}

static gboolean is_number(const char *text)
{
  return text && g_ascii_isdigit(text[0]) && strspn(text, "0123456789.eE+-") == strcspn(text, " ");
}

static void collect(const MoeNode *node, const char *path, GPtrArray *paths)
{
  if (moe_node_kind(node) == MOE_NODE_SCALAR && is_number(moe_node_text(node)))
    g_ptr_array_add(paths, g_strdup(path));
  for (guint i = 0; i < moe_node_size(node); i++) {
    gboolean map = moe_node_kind(node) == MOE_NODE_MAP;
    g_autofree char *index = g_strdup_printf("%u", i);
    const char *key = map ? moe_node_key(node, i) : index;
    g_autofree char *quoted = strchr(key, '.') ? g_strdup_printf("\"%s\"", key) : g_strdup(key);
    g_autofree char *inner = g_strconcat(path, *path ? "." : "", quoted, NULL);

    if (!map || !is_beside(key))
      collect(moe_node_at(node, i), inner, paths);
  }
}

static void add_subject(GArray *subjects, const char *path)
{
  g_autofree char *data_dir = g_strdup(g_getenv("MOESIM_DATA"));
  const MoeRunOptions options = {.data_dir = data_dir};
  Subject subject = {.run = moe_run_load(path, &options, NULL), .paths = g_ptr_array_new_with_free_func(g_free)};

  if (!subject.run) { /* a part that others extend */
    g_ptr_array_unref(subject.paths);
    return;
  }
  collect(moe_doc_root(subject.run->doc), "", subject.paths);
  g_array_append_val(subjects, subject);
}

static int by_name(gconstpointer a, gconstpointer b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_folder(GArray *subjects, const char *path)
{
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

  for (const char *name = dir ? g_dir_read_name(dir) : NULL; name; name = g_dir_read_name(dir))
    g_ptr_array_add(names, g_build_filename(path, name, NULL));
  g_ptr_array_sort(names, by_name); /* the order of a folder is no one's promise */
  for (guint i = 0; i < names->len; i++) {
    const char *name = g_ptr_array_index(names, i);

    if (g_file_test(name, G_FILE_TEST_IS_DIR))
      add_folder(subjects, name);
    else if (g_str_has_suffix(name, ".yaml"))
      add_subject(subjects, name);
  }
}

/* ---- one input -------------------------------------------------------------------------------- */

static double draw(uint64_t seed, uint64_t index, uint64_t what)
{
  return moe_random_unit(seed, moe_random_stream("extreme"), index, what);
}

/* "path=value unit" with the number times a power of ten. */
static char *assignment_of(const Subject *subject, uint64_t seed, uint64_t index)
{
  const char *path = g_ptr_array_index(subject->paths, (guint)(draw(seed, index, 1) * subject->paths->len));
  const char *text = moe_node_text(moe_doc_find(subject->run->doc, path));
  char *unit = NULL;
  double value = g_ascii_strtod(text, &unit);
  double largest = draw(seed, index, 2) < 0.5 ? USUAL_EXPONENT : LARGEST_EXPONENT;
  double scaled = value * pow(10, (2 * draw(seed, index, 3) - 1) * largest);
  gboolean whole = strspn(text, "0123456789") == strlen(text) && scaled >= 1 && scaled < 1e18;

  return whole ? g_strdup_printf("%s=%.0f", path, floor(scaled)) : g_strdup_printf("%s=%.6g%s", path, scaled, unit);
}

static int judge(const MoeRun *run)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeResult) result = moe_study_predict(run, NULL, &error);

  if (!result)
    return REFUSED;
  if (!(isfinite(result->step_time_s) && result->step_time_s > 0 && isfinite(result->mfu_causal) &&
        result->mfu_causal >= 0))
    return NOT_FINITE;
  const MoeAccelerator *chip = &run->cluster.accelerator;
  gboolean explained = chip->quoted_peak_flop_per_s < chip->peak_flop_per_s[run->training.precision.gemm];

  return result->mfu_causal > 1 && !explained ? BEYOND_PEAK : ANSWERED;
}

static int try_one(const Subject *subject, char *assignment)
{
  char *sets[] = {assignment, NULL};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run = moe_study_with(subject->run, sets, &error);

  if (run)
    return judge(run);
  return strstr(error->message, ":") != NULL && error->code != MOE_ERROR_INTERNAL ? REFUSED : NO_PLACE;
}

static void limit(int resource, rlim_t value)
{
  setrlimit(resource, &(struct rlimit){value, value});
}

/* In a process of its own. The status of wait(). */
static int run_child(const Subject *subject, char *assignment)
{
  fflush(NULL);
  pid_t child = fork();

  if (child == 0) {
    limit(RLIMIT_CPU, MOST_CPU_S);
    limit(RLIMIT_AS, MOST_BYTES);
    limit(RLIMIT_CORE, 0);
    _exit(try_one(subject, assignment));
  }
  int status = -1;

  waitpid(child, &status, 0);
  return status;
}

static void count(Tally *tally, const Subject *subject, const char *assignment, int status)
{
  static const char *const words[] = {"", "", "a refusal without its place", "a number that is none",
                                      "an MFU above 1 that its peaks do not explain"};

  tally->done++;
  if (!WIFEXITED(status) || WEXITSTATUS(status) >= N_ENDS) {
    tally->crashed++;
    printf("%s %s: %s %d\n", subject->run->name, assignment, WIFSIGNALED(status) ? "signal" : "status",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return;
  }
  int end = WEXITSTATUS(status);

  tally->of[end]++;
  if (end > REFUSED)
    printf("%s %s: %s\n", subject->run->name, assignment, words[end]);
}

int main(int argc, char **argv)
{
  uint64_t n = argc > 1 ? g_ascii_strtoull(argv[1], NULL, 10) : 100,
           seed = argc > 2 ? g_ascii_strtoull(argv[2], NULL, 10) : 1;
  g_autoptr(GArray) subjects = g_array_new(FALSE, FALSE, sizeof(Subject));
  g_autofree char *models = g_build_filename(g_getenv("MOESIM_DATA"), "models", NULL);
  Tally tally = {0};

  add_folder(subjects, models);
  for (uint64_t i = 0; i < n && subjects->len > 0; i++) {
    const Subject *subject = &g_array_index(subjects, Subject, (guint)(draw(seed, i, 0) * subjects->len));
    g_autofree char *assignment = assignment_of(subject, seed, i);

    count(&tally, subject, assignment, run_child(subject, assignment));
  }
  guint bad = tally.done - tally.of[ANSWERED] - tally.of[REFUSED];

  printf("%u inputs: %u answered, %u refused, %u short\n", tally.done, tally.of[ANSWERED], tally.of[REFUSED], bad);
  for (guint i = 0; i < subjects->len; i++) {
    moe_run_free(g_array_index(subjects, Subject, i).run);
    g_ptr_array_unref(g_array_index(subjects, Subject, i).paths);
  }
  return bad > 0 || tally.done == 0;
}
