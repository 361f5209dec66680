/* Whether a run is legal; why not, whose fault it is, and the nearest value that is. */
#include "internal.h"

#include "check/check.h"
#include "layer/layer.h"
#include "record/json.h"

#include <math.h>
#include <string.h>

static MoeRun *load(const MoeAsked *asked, GError **error)
{
  g_autoptr(MoeRun) run = moe_run_load(asked->path, &asked->load, error);

  return run && moe_check_loaded(run, error) ? g_steal_pointer(&run) : NULL;
}

static gboolean is_legal(const MoeAsked *asked, GError **error)
{
  g_autoptr(MoeRun) run = load(asked, error);

  return run != NULL;
}

/* The same question of many changes: what the run is before any, read once. The resolved document of it resolves to
 * itself; NULL when it is no run without them. */
static MoeRun *load_unchanged(const MoeAsked *asked)
{
  MoeRunOptions options = asked->load;

  options.cluster = options.stack = NULL;
  options.gpus = 0;
  options.sets = NULL;
  return moe_run_load(asked->path, &options, NULL);
}

/* `asked` with the run that load_unchanged found, where it did, in place of its file. What is published of a run has no
 * part in its being legal. */
static MoeAsked begin_with(const MoeAsked *asked, const MoeRun *unchanged)
{
  MoeAsked quick = *asked;

  quick.load.keep_published = TRUE;
  if (unchanged) {
    quick.load.text = unchanged->doc;
    quick.load.variant = NULL;
  }
  return quick;
}

/* Legality with only the first `n` changes. */
static gboolean is_legal_to(const MoeAsked *asked, guint n)
{
  MoeAsked part = *asked;
  g_autofree const char **sets = g_new0(const char *, n + 1);

  for (guint i = 0; i < n; i++)
    sets[i] = g_ptr_array_index(asked->sets, i);
  part.load.sets = sets;
  return is_legal(&part, NULL);
}

static char *key_of(const char *change)
{
  return g_strndup(change, strcspn(change, "="));
}

/* As the option of that name, where there is one: FALSE when there is none. */
static gboolean take_option(MoeRunOptions *load, const char *key, const char *value, gboolean *good, GError **error)
{
  MoeSaid said = {.text = value};
  const struct {
    const char *name;
    const char **option;
  } names[] = {{"cluster", &load->cluster}, {"stack", &load->stack}, {"variant", &load->variant}};

  g_strlcpy(said.name, key, sizeof said.name);
  *good = TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
    if (strcmp(names[i].name, key) == 0) {
      *names[i].option = value;
      return TRUE;
    }
  if (strcmp(key, "gpus") != 0)
    return FALSE;
  *good = moe_said_count(&said, &load->gpus, error);
  return TRUE;
}

/* Legality with change `which` replaced by "key=value"; gpus, cluster, stack and variant are what a request calls so.
 */
static gboolean is_legal_with(const MoeAsked *asked, guint which, const char *change, GError **error)
{
  MoeAsked other = *asked;
  guint n = asked->sets->len - 1;
  g_autofree const char **sets = g_new0(const char *, n + 2);
  g_autofree char *key = key_of(change);
  gboolean good;

  if (which == n && take_option(&other.load, key, change + strlen(key) + 1, &good, error))
    return good && is_legal(&other, error);

  for (guint i = 0; i < n; i++)
    sets[i] = g_ptr_array_index(asked->sets, i);
  sets[which] = change;
  other.load.sets = sets;
  return is_legal(&other, error);
}

/* ---- whose fault ------------------------------------------------------------------------------------------------- */

/* The change that makes the run illegal; -1: it is illegal without any. */
static int culprit(const MoeAsked *asked)
{
  guint n = asked->sets->len - 1;

  if (n == 0 || !is_legal_to(asked, 0))
    return -1;
  for (guint i = 1; i < n; i++)
    if (!is_legal_to(asked, i))
      return (int)i - 1;
  return (int)n - 1;
}

/* ---- the nearest ------------------------------------------------------------------------------------------------- */

#define NEAREST_TRIED 64 /* candidates on either side: reaches every divisor that is a power of two and most others */

typedef struct {
  int64_t value;
  double distance;
} Candidate;

static int compare_distance(gconstpointer a, gconstpointer b)
{
  const Candidate *x = a, *y = b;

  if (x->distance != y->distance)
    return x->distance < y->distance ? -1 : 1;
  return x->value < y->value ? -1 : x->value > y->value;
}

static void add_candidate(GArray *candidates, int64_t value, int64_t wanted)
{
  Candidate candidate = {value, fabs(log((double)value / (double)MAX(wanted, 1)))};

  if (value >= 1 && value != wanted && value <= G_MAXINT32)
    g_array_append_val(candidates, candidate);
}

/* Whole numbers near the one that was wanted, and powers of two, by their ratio to it. */
static GArray *list_candidates(int64_t wanted)
{
  GArray *candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));

  for (int64_t i = 1; i <= NEAREST_TRIED; i++) {
    add_candidate(candidates, wanted - i, wanted);
    add_candidate(candidates, wanted + i, wanted);
  }
  for (int64_t power = 1; power <= G_MAXINT32 / 2; power *= 2)
    if (power < wanted - NEAREST_TRIED || power > wanted + NEAREST_TRIED)
      add_candidate(candidates, power, wanted);
  g_array_sort(candidates, compare_distance);
  return candidates;
}

/* The legal whole number nearest to that of a change, as text; NULL when the change is no number or none is found. */
static char *nearest_number(const MoeAsked *asked, guint which)
{
  const char *change = g_ptr_array_index(asked->sets, which);
  g_autofree char *key = key_of(change);
  gint64 wanted = 0;

  if (!g_ascii_string_to_signed(change + strlen(key) + 1, 10, 0, G_MAXINT32, &wanted, NULL))
    return NULL;
  g_autoptr(GArray) candidates = list_candidates(wanted);
  for (guint i = 0; i < candidates->len; i++) {
    int64_t value = g_array_index(candidates, Candidate, i).value;
    g_autofree char *other = g_strdup_printf("%s=%" G_GINT64_FORMAT, key, value);

    if (is_legal_with(asked, which, other, NULL))
      return g_strdup_printf("%" G_GINT64_FORMAT, value);
  }
  return NULL;
}

/* The words that a message lists or offers, tried. */
static char *nearest_word(const MoeAsked *asked, guint which, const GError *error)
{
  const char *change = g_ptr_array_index(asked->sets, which);
  g_autofree char *key = key_of(change);
  const char *list = strstr(error->message, "did you mean "), *word = "did you mean ";

  if (!list) {
    word = "expected one of ";
    list = strstr(error->message, word);
  }
  g_auto(GStrv) words = g_strsplit_set(list ? list + strlen(word) : "", " ,\"'?", -1);
  for (char **w = words; *w; w++) {
    g_autofree char *other = **w ? g_strdup_printf("%s=%s", key, *w) : NULL;

    if (other && is_legal_with(asked, which, other, NULL))
      return g_strdup(*w);
  }
  return NULL;
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

/* "error" with the key to blame and, where there is one, "nearest": its nearest legal value. */
static void add_verdict(JsonBuilder *builder, const MoeAsked *asked, const GError *error)
{
  int which = culprit(asked);
  g_autofree char *key = which >= 0 ? key_of(g_ptr_array_index(asked->sets, (guint)which)) : NULL;
  g_autofree char *nearest = NULL;

  if (which >= 0)
    nearest = nearest_number(asked, (guint)which);
  if (which >= 0 && !nearest)
    nearest = nearest_word(asked, (guint)which, error);
  moe_json_bool(builder, "legal", FALSE);
  moe_json_open_object(builder, "error");
  moe_add_error(builder, error, key);
  json_builder_end_object(builder);
  moe_json_text(builder, "nearest", nearest);
}

static void add_run(JsonBuilder *builder, const MoeRun *run)
{
  MoeParameters parameters;

  moe_count_parameters(&run->architecture, &parameters);
  moe_json_bool(builder, "legal", TRUE);
  moe_json_text(builder, "run", run->name);
  moe_json_text(builder, "variant", run->variant);
  moe_json_integer(builder, "gpus", run->parallelism.gpus);
  moe_json_number(builder, "parameters_total", parameters.total);
  moe_json_number(builder, "parameters_active", parameters.active);
  moe_json_integer(builder, "data", run->parallelism.data);
  moe_json_integer(builder, "micro_batches", run->parallelism.micro_batches);
}

/* One value of "try": legal, or the reason. */
static void add_trial(JsonBuilder *builder, const MoeAsked *asked, const char *key, const MoeNode *value)
{
  g_autofree char *flow = moe_node_print_flow(value);
  const char *text = moe_node_text(value) ? moe_node_text(value) : flow;
  g_autofree char *change = g_strconcat(key, "=", text, NULL);
  g_autoptr(GError) error = NULL;
  gboolean legal = is_legal_with(asked, asked->sets->len - 1, change, &error);

  json_builder_begin_object(builder);
  moe_json_text(builder, "value", text);
  moe_json_bool(builder, "legal", legal);
  if (error) {
    moe_json_open_object(builder, "error");
    moe_add_error(builder, error, key);
    json_builder_end_object(builder);
  }
  json_builder_end_object(builder);
}

static gboolean add_trials(JsonBuilder *builder, const MoeRequest *request, const MoeAsked *asked,
                           const MoeAsked *quick, GError **error)
{
  const MoeNode *map = moe_request_get(request, "try");

  if (!map)
    return TRUE;
  if (!moe_node_expect(map, MOE_NODE_MAP, "try", error))
    return FALSE;
  moe_json_open_object(builder, "try");
  for (guint i = 0; i < moe_node_size(map); i++) {
    const MoeNode *values = moe_node_at(map, i);
    const char *key = moe_node_key(map, i);
    const MoeAsked *begin = strcmp(key, "variant") == 0 ? asked : quick; /* one variant is settled in `quick` */

    if (!moe_node_expect(values, MOE_NODE_LIST, "values to try", error))
      return FALSE;
    moe_json_open_array(builder, key);
    for (guint v = 0; v < moe_node_size(values) && !moe_request_is_over((gpointer)request); v++)
      add_trial(builder, begin, key, moe_node_at(values, v));
    json_builder_end_array(builder);
  }
  json_builder_end_object(builder);
  return TRUE;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* "clusters/mine.yaml" as it stands, else in the data folder. */
static char *find_file(const MoeRequest *request, const char *name)
{
  g_autofree char *shipped = g_build_filename(request->data_dir ? request->data_dir : ".", name, NULL);

  return !g_file_test(name, G_FILE_TEST_EXISTS) && g_file_test(shipped, G_FILE_TEST_EXISTS) ? g_steal_pointer(&shipped)
                                                                                            : g_strdup(name);
}

static char *answer_file(const char *path, const char *data_dir)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  g_autoptr(GError) reason = NULL;
  g_auto(MoeChecked) checked = {0};
  gboolean good = moe_check_file(path, data_dir, &checked, &reason);

  json_builder_begin_object(builder);
  moe_json_bool(builder, "legal", good);
  moe_json_text(builder, "file", path);
  moe_json_text(builder, "kind", checked.kind);
  moe_json_text(builder, "says", checked.says);
  if (!good) {
    moe_json_open_object(builder, "error");
    moe_add_error(builder, reason, NULL);
    json_builder_end_object(builder);
  }
  json_builder_end_object(builder);
  return moe_json_finish(builder);
}

/* A file of any kind reads others by name: not where only some may be read. */
static char *check_file(const MoeRequest *request, GError **error)
{
  MoeMark mark = moe_node_mark(moe_request_get(request, "file"));
  const char *name = NULL;

  if (!moe_request_text(request, "file", &name, error))
    return NULL;
  if (moe_request_get(request, "run"))
    moe_fail(error, MOE_ERROR_INPUT, mark, "\"run\" and \"file\", expected one of them");
  else if (moe_request_within(request))
    moe_fail(error, MOE_ERROR_INPUT, mark, "files may not be read here, expected \"run\"");
  else {
    g_autofree char *path = find_file(request, name);

    return answer_file(path, request->data_dir);
  }
  return NULL;
}

char *moe_door_check(const MoeRequest *request, GError **error)
{
  if (moe_request_get(request, "file"))
    return check_file(request, error);
  g_autoptr(JsonBuilder) builder = json_builder_new();
  g_autoptr(GError) reason = NULL;
  g_auto(MoeAsked) asked = {0};

  if (!moe_asked_init(&asked, request, "run", error))
    return NULL;
  g_autoptr(MoeRun) run = load(&asked, &reason);
  g_autoptr(MoeRun) unchanged = run && !moe_request_get(request, "try") ? NULL : load_unchanged(&asked);
  const MoeAsked quick = begin_with(&asked, unchanged);
  json_builder_begin_object(builder);
  if (run)
    add_run(builder, run);
  else
    add_verdict(builder, &quick, reason);
  if (!add_trials(builder, request, &asked, &quick, error))
    return NULL;
  json_builder_end_object(builder);
  return moe_json_finish(builder);
}
