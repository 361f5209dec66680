/* The tables go both ways: what is printed reads as what was printed, and everything that is read stands in the schema.
 */
#include "spectest.h"

#include "spec/schema.h"

#include <math.h>

/* Random runs that are read, printed and read again. */
#define RUNS MOETEST_CASES(500)
/* By hand: MOESIM_PART=1 to 10 are ten thousand other runs in ten parts. One test must end within half an hour, after
 * which Check cannot count its microseconds. */
#define PART_RUNS 1000
#define SEED      20
/* Keys of a run that are set at random: some are refused together, what is left is a legal run. */
#define MOST_SETS 12
/* 500 runs set two thirds of the keys, a fifth of them 43 %. */
#define LEAST_SHARE_SET (RUNS < 500 ? 1.0 / 3 : 1.0 / 2)

/* ---- the same run -------------------------------------------------------------------------------------------------
 */

/* Check notes every assertion that it passes in a file: a run has tens of thousands of bytes, so that only what fails
 * is asserted here. */
#define EXPECT(holds, ...)                                                                                             \
  do {                                                                                                                 \
    if (!(holds))                                                                                                      \
      ck_abort_msg(__VA_ARGS__);                                                                                       \
  } while (0)

/* What of a run does not lie in the run itself is compared as text and taken out, the rest byte by byte: this knows
 * nothing of the tables. */
static void check_text(const char **a, const char **b, const char *what)
{
  EXPECT(g_strcmp0(*a, *b) == 0, "%s: \"%s\" became \"%s\"", what, *a, *b);
  *a = *b = NULL;
}

static void check_bytes(gconstpointer a, gconstpointer b, gsize bytes, const char *what)
{
  for (gsize i = 0; i < bytes; i++)
    EXPECT(((const char *)a)[i] == ((const char *)b)[i], "%s differ at byte %zu", what, i);
}

#define CHECK_TEXT(a, b, member)  check_text(&(a)->member, &(b)->member, #member)
#define CHECK_BYTES(a, b, member) check_bytes(&(a)->member, &(b)->member, sizeof(a)->member, #member)

static void check_fits(const MoeKernelFits *a, const MoeKernelFits *b)
{
  ck_assert_uint_eq(a->n, b->n);
  for (guint i = 0; i < a->n; i++) {
    MoeKernelFamily one = a->family[i], other = b->family[i];

    CHECK_TEXT(&one, &other, name);
    CHECK_TEXT(&one, &other, source);
    for (guint c = 0; c < one.n_constants; c++)
      CHECK_TEXT(&one, &other, constant[c]);
    for (guint e = 0; e < one.n_extents; e++)
      CHECK_TEXT(&one, &other, axis[e]);
    CHECK_BYTES(&one, &other, least);
    CHECK_BYTES(&one, &other, most);
    one.mark = other.mark = (MoeMark){0};
    CHECK_BYTES(&one, &other, value);
    EXPECT(one.klass == other.klass && one.precision == other.precision && one.pass == other.pass, "kind of %s",
           a->family[i].name);
    EXPECT(one.rows == other.rows && one.residual_median == other.residual_median &&
               one.residual_p90 == other.residual_p90,
           "rows of %s", a->family[i].name);
  }
}

static void check_assumptions(const MoeAssumption *a, guint n, const MoeAssumption *b, guint m)
{
  ck_assert_uint_eq(n, m);
  for (guint i = 0; i < n; i++) {
    ck_assert_str_eq(a[i].key, b[i].key);
    ck_assert_str_eq(a[i].why, b[i].why);
    ck_assert(a[i].low == b[i].low && a[i].high == b[i].high && a[i].dimension == b[i].dimension);
    ck_assert_uint_eq(a[i].n_values, b[i].n_values);
    for (guint v = 0; v < a[i].n_values; v++)
      ck_assert_str_eq(a[i].values[v], b[i].values[v]);
  }
}

static void check_cluster(MoeCluster *a, MoeCluster *b)
{
  check_fits(&a->accelerator.kernels, &b->accelerator.kernels);
  a->accelerator.kernels = b->accelerator.kernels = (MoeKernelFits){0};
  CHECK_TEXT(a, b, name);
  CHECK_TEXT(a, b, title);
  CHECK_TEXT(a, b, source);
  CHECK_TEXT(a, b, accelerator.name);
  CHECK_TEXT(a, b, accelerator.title);
  CHECK_TEXT(a, b, accelerator.source);
  CHECK_TEXT(a, b, host.cpu);
  CHECK_TEXT(a, b, price_date);
  CHECK_TEXT(a, b, price_source);
  CHECK_TEXT(a, b, purchase_date);
  CHECK_TEXT(a, b, purchase_source);
  for (guint i = 0; i < MOE_MAX_FAULTS; i++)
    a->network.faults[i].mark = b->network.faults[i].mark = (MoeMark){0};
  CHECK_BYTES(a, b, accelerator);
  CHECK_BYTES(a, b, domain);
  CHECK_BYTES(a, b, host);
  CHECK_BYTES(a, b, network);
  check_bytes(a, b, sizeof *a, "clusters");
}

static void check_stack(MoeStack *a, MoeStack *b)
{
  check_fits(&a->kernels, &b->kernels);
  a->kernels = b->kernels = (MoeKernelFits){0};
  CHECK_TEXT(a, b, name);
  CHECK_TEXT(a, b, title);
  CHECK_TEXT(a, b, source);
  CHECK_TEXT(a, b, date);
  CHECK_TEXT(a, b, family.attention);
  CHECK_TEXT(a, b, family.gemm);
  CHECK_TEXT(a, b, family.grouped_gemm);
  CHECK_TEXT(a, b, family.encode);
  CHECK_TEXT(a, b, family.elementwise);
  CHECK_TEXT(a, b, family.scan);
  CHECK_TEXT(a, b, collectives.expert_library);
  for (guint i = 0; i < MOE_MAX_CPUS; i++)
    CHECK_TEXT(a, b, host.cpu[i]);
  memset(a->family.mark, 0, sizeof a->family.mark);
  memset(b->family.mark, 0, sizeof b->family.mark);
  CHECK_BYTES(a, b, host);
  CHECK_BYTES(a, b, fused);
  CHECK_BYTES(a, b, moe);
  CHECK_BYTES(a, b, overlap);
  CHECK_BYTES(a, b, collectives);
  CHECK_BYTES(a, b, data_parallel);
  CHECK_BYTES(a, b, memory);
  check_bytes(a, b, sizeof *a, "stacks");
}

static void check_published(MoePublished *a, MoePublished *b)
{
  g_autofree char *parts_a = a->iteration_parts ? moe_node_print(a->iteration_parts, FALSE) : NULL;
  g_autofree char *parts_b = b->iteration_parts ? moe_node_print(b->iteration_parts, FALSE) : NULL;

  ck_assert_pstr_eq(parts_a, parts_b);
  a->iteration_parts = b->iteration_parts = NULL;
  CHECK_TEXT(a, b, source);
  check_bytes(a, b, sizeof *a, "published");
}

static void check_goodput(MoeGoodputPlan *a, MoeGoodputPlan *b)
{
  check_assumptions(a->assumptions, a->n_assumptions, b->assumptions, b->n_assumptions);
  a->assumptions = b->assumptions = NULL;
  CHECK_TEXT(a, b, source);
  CHECK_TEXT(a, b, published.source);
  check_bytes(a, b, sizeof *a, "goodput");
}

static void check_training(MoeTraining *a, MoeTraining *b)
{
  g_autofree char *file_a = a->routing.counts_file ? g_canonicalize_filename(a->routing.counts_file, NULL) : NULL;

  ck_assert_pstr_eq(file_a, b->routing.counts_file);
  a->routing.counts_file = b->routing.counts_file = NULL;
  a->routing.counts_mark = b->routing.counts_mark = (MoeMark){0};
  CHECK_BYTES(a, b, precision);
  check_bytes(a, b, sizeof *a, "training");
}

/* On copies: what is compared is cleared. */
static void check_same(const MoeRun *one, const MoeRun *other)
{
  MoeRun a = *one, b = *other;

  CHECK_TEXT(&a, &b, title);
  CHECK_TEXT(&a, &b, source);
  CHECK_BYTES(&a, &b, architecture);
  check_training(&a.training, &b.training);
  CHECK_TEXT(&a, &b, parallelism.order);
  CHECK_TEXT(&a, &b, parallelism.layout);
  CHECK_BYTES(&a, &b, parallelism);
  CHECK_BYTES(&a, &b, recompute);
  CHECK_BYTES(&a, &b, offload);
  CHECK_BYTES(&a, &b, memory);
  check_cluster(&a.cluster, &b.cluster);
  check_stack(&a.stack, &b.stack);
  check_published(&a.published, &b.published);
  check_goodput(&a.goodput, &b.goodput);
  check_assumptions(a.assumptions, a.n_assumptions, b.assumptions, b.n_assumptions);
  ck_assert_int_eq(a.rumour, b.rumour);
}

static void check_round(const MoeRun *run)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *text = moe_run_print(run);
  MoeDoc *doc = moe_doc_parse(text, -1, "printed.yaml", NULL, &error);
  g_autoptr(MoeRun) again = doc ? moe_run_from_doc(doc, "printed", NULL, &error) : NULL;

  ck_assert_msg(again != NULL, "%s", error ? error->message : "");
  check_same(run, again);
  g_autofree char *twice = moe_run_print(again);
  ck_assert_str_eq(text, twice);
}

/* ---- files that ship ----------------------------------------------------------------------------------------------
 */

/* Every variant of every run, and every case; under the sanitizers a share. Read once, before Check makes a process of
 * each test. */
static GPtrArray *runs;

static const char *data_dir(void)
{
  const char *root = g_getenv("MOESIM_DATA");

  return root ? root : ".";
}

static void add_files(GPtrArray *files, const char *folder)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name(dir))) {
    g_autofree char *path = g_build_filename(folder, name, NULL);

    if (g_file_test(path, G_FILE_TEST_IS_DIR))
      add_files(files, path);
    else if (g_str_has_suffix(name, ".yaml"))
      g_ptr_array_add(files, g_steal_pointer(&path));
  }
}

static gint compare_paths(gconstpointer a, gconstpointer b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The YAML files below a folder of the data, sorted. */
static GPtrArray *files_below(const char *folder)
{
  GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *path = g_build_filename(data_dir(), folder, NULL);

  add_files(files, path);
  g_ptr_array_sort(files, compare_paths);
  ck_assert_uint_gt(files->len, 0);
  return files;
}

static MoeRun *load(const char *path, const char *variant, GError **error)
{
  const MoeRunOptions options = {.variant = variant, .data_dir = data_dir()};

  return moe_run_load(path, &options, error);
}

static void add_run(MoeRun *run)
{
  if (run)
    g_ptr_array_add(runs, run);
}

/* As it stands, and with its variants; parts of runs that others extend are no runs. */
static void add_file_runs(const char *path)
{
  g_auto(GStrv) variants = moe_run_variants(path, NULL);

  add_run(load(path, "", NULL));
  for (guint i = 0; variants && variants[i]; i++)
    add_run(load(path, variants[i], NULL));
}

static void add_cases(const char *path)
{
  const MoeRunOptions options = {.data_dir = data_dir()};
  g_autoptr(MoeDoc) doc = moe_doc_load(path, NULL);
  const MoeNode *cases = doc ? moe_node_get(moe_doc_root(doc), "cases") : NULL;

  for (guint i = 0; cases && i < moe_node_size(cases); i += MOETEST_EVERY) {
    g_autofree char *id = NULL;
    MoeDoc *one = moe_case_document(doc, (MoeNode *)moe_node_at(cases, i), &id, NULL);

    add_run(one ? moe_run_from_doc(one, id, &options, NULL) : NULL);
  }
}

static void read_runs(void)
{
  g_autoptr(GPtrArray) models = files_below("models"), files = files_below("validation");

  runs = g_ptr_array_new_with_free_func((GDestroyNotify)moe_run_free);
  for (guint i = 0; i < models->len; i += MOETEST_EVERY)
    add_file_runs(g_ptr_array_index(models, i));
  for (guint i = 0; i < files->len; i++)
    add_cases(g_ptr_array_index(files, i));
  ck_assert_uint_gt(runs->len, MOETEST_CASES(300));
}

static void free_runs(void)
{
  g_clear_pointer(&runs, g_ptr_array_unref);
}

START_TEST(shipped_runs_read_as_they_are_printed)
{
  for (guint i = 0; i < runs->len; i++)
    check_round(g_ptr_array_index(runs, i));
}
END_TEST

/* ---- random runs --------------------------------------------------------------------------------------------------
 */

/* Around the usual: halved, doubled, or anywhere in the range, which spans decades. */
static double random_number(GRand *random, const MoeField *field, double usual)
{
  double low = field->minimum, high = field->maximum > low ? field->maximum : MAX(low, 1) * 1e6;

  switch (g_rand_int_range(random, 0, 4)) {
  case 0:
    return CLAMP(usual / 2, low, high);
  case 1:
    return CLAMP(usual * 2, low, high);
  case 2:
    return low + (high - low) * g_rand_double(random);
  default:
    return CLAMP(low * exp(g_rand_double(random) * log(high / MAX(low, 1e-9))), low, high);
  }
}

static char *random_words(GRand *random, const char *const *words)
{
  GString *text = g_string_new("[");

  for (guint i = 0; words[i]; i++)
    if (g_rand_boolean(random))
      g_string_append_printf(text, "%s%s", text->len > 1 ? "," : "", words[i]);
  return g_string_free(g_string_append_c(text, ']'), FALSE);
}

/* A value for the key that its row allows; NULL for what has no simple one. */
static char *random_value(GRand *random, const MoeField *field)
{
  guint n = field->words ? g_strv_length((char **)field->words) : 0;

  if (field->form != MOE_FORM_ONE)
    return NULL;
  switch (field->kind) {
  case MOE_FIELD_INT:
    return g_strdup_printf("%" G_GINT64_FORMAT,
                           (int64_t)random_number(random, field, 1 << g_rand_int_range(random, 0, 12)));
  case MOE_FIELD_QUANTITY:
    return moe_quantity_print(random_number(random, field, g_rand_double(random)), field->dimension);
  case MOE_FIELD_BOOL:
    return g_strdup(g_rand_boolean(random) ? "true" : "false");
  case MOE_FIELD_WORD:
    return g_strdup(field->words[g_rand_int_range(random, 0, (gint32)n)]);
  case MOE_FIELD_WORDS:
    return random_words(random, field->words);
  case MOE_FIELD_TEXT:
    return field->own ? NULL
                      : g_strdup_printf("\"text %d: \\\"quoted\\\", \\n# and more\"", g_rand_int_range(random, 0, 100));
  default:
    return NULL;
  }
}

/* The run with a key set, or NULL when that makes no legal run. */
static MoeRun *with_key(const MoeRun *run, const char *path, const char *value)
{
  g_autofree char *set = g_strdup_printf("%s=%s", path, value);
  const char *const sets[] = {set, NULL};
  const MoeRunOptions options = {.sets = sets, .keep_published = TRUE, .data_dir = data_dir()};

  return moe_run_from_doc(moe_doc_copy(run->doc), "random", &options, NULL);
}

/* Sets keys until some are set; *set counts those of each key that were taken. */
static MoeRun *random_run(GRand *random, const MoeRun *from, const GPtrArray *keys, guint *taken)
{
  MoeRun *run = moe_run_from_doc(moe_doc_copy(from->doc), "random", NULL, NULL);

  for (gint n = g_rand_int_range(random, 1, MOST_SETS); run && n > 0; n--) {
    guint k = (guint)g_rand_int_range(random, 0, (gint32)keys->len);
    const MoeSchemaKey *key = g_ptr_array_index(keys, k);
    g_autofree char *value = strpbrk(key->path, "[N") ? NULL : random_value(random, key->field);
    MoeRun *next = value ? with_key(run, key->path, value) : NULL;

    if (next) {
      moe_run_free(run);
      run = next;
      taken[k]++;
    }
  }
  return run;
}

START_TEST(random_runs_read_as_they_are_printed)
{
  const char *part = g_getenv("MOESIM_PART");
  guint n = part ? PART_RUNS : RUNS, set = 0;
  g_autoptr(GRand) random = g_rand_new_with_seed(SEED + (part ? (guint32)g_ascii_strtoull(part, NULL, 10) : 0));
  g_autoptr(GPtrArray) keys = moe_schema_keys(MOE_SCHEMA_RUN);
  g_autofree guint *taken = g_new0(guint, keys->len);

  for (guint i = 0; i < n; i++) {
    const MoeRun *from = g_ptr_array_index(runs, (guint)g_rand_int_range(random, 0, (gint32)runs->len));
    g_autoptr(MoeRun) run = random_run(random, from, keys, taken);

    ck_assert_ptr_nonnull(run);
    check_round(run);
  }
  for (guint k = 0; k < keys->len; k++)
    set += taken[k] > 0;
  ck_assert_msg(set > keys->len * LEAST_SHARE_SET, "only %u of %u keys were set", set, keys->len);
}
END_TEST

/* ---- no key without a row -----------------------------------------------------------------------------------------
 */

static void check_known(const GPtrArray *keys, const char *path, const MoeNode *node, const char *file)
{
  const MoeSchemaKey *key = *path ? moe_schema_find(keys, path) : NULL;

  ck_assert_msg(!*path || key, "%s: no row for \"%s\"", file, path);
  if (key && (key->field->kind != MOE_FIELD_MAP))
    return;
  for (guint i = 0; i < moe_node_size(node); i++) {
    const char *name = moe_node_kind(node) == MOE_NODE_MAP ? moe_node_key(node, i) : NULL;
    g_autofree char *quoted = name && strchr(name, '.') ? g_strdup_printf("\"%s\"", name) : g_strdup(name);
    g_autofree char *below =
        name ? g_strconcat(path, *path ? "." : "", quoted, NULL) : g_strdup_printf("%s[%u]", path, i);

    check_known(keys, below, moe_node_at(node, i), file);
  }
}

/* A stack's file as written: the rest of the file, and each variant. */
static void check_software(const char *file)
{
  g_autoptr(GPtrArray) keys = moe_schema_keys(MOE_SCHEMA_STACK);
  g_autoptr(MoeDoc) doc = moe_doc_load_alone(file, (MoeMark){0}, NULL, NULL);
  const MoeNode *variants = doc ? moe_doc_find(doc, "variants") : NULL;

  ck_assert_msg(variants != NULL, "%s has no variants", file);
  for (guint i = 0; i < moe_node_size(variants); i++)
    check_known(keys, "", moe_node_at(variants, i), file);
  check_known(keys, "", moe_doc_root(doc), file);
}

/* A file as written, with what it extends. */
static void check_file(MoeSchemaKind kind, const char *file)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) keys = moe_schema_keys(kind);
  g_autoptr(MoeDoc) doc = moe_doc_load(file, &error);

  ck_assert_msg(doc != NULL, "%s", error ? error->message : "");
  check_known(keys, "", moe_doc_root(doc), file);
}

START_TEST(every_key_of_a_shipped_file_is_in_the_schema)
{
  static const struct {
    const char *folder;
    MoeSchemaKind kind;
  } folders[] = {{"models", MOE_SCHEMA_RUN}, {"clusters/fabrics", MOE_SCHEMA_FABRIC}};

  for (guint f = 0; f < G_N_ELEMENTS(folders); f++) {
    g_autoptr(GPtrArray) files = files_below(folders[f].folder);

    for (guint i = 0; i < files->len; i++)
      check_file(folders[f].kind, g_ptr_array_index(files, i));
  }
  g_autoptr(GPtrArray) stacks = files_below("stacks");
  for (guint i = 0; i < stacks->len; i++)
    check_software(g_ptr_array_index(stacks, i));
  g_autoptr(GPtrArray) files = files_below("clusters");
  for (guint i = 0; i < files->len; i++) {
    const char *file = g_ptr_array_index(files, i);

    if (!strstr(file, "/fragments/") && !strstr(file, "/fabrics/"))
      check_file(strstr(file, "/accelerators/") ? MOE_SCHEMA_ACCELERATOR : MOE_SCHEMA_CLUSTER, file);
  }
}
END_TEST

/* Resolved runs hold clusters, stacks and cases with all that is grafted in. */
START_TEST(every_key_of_a_resolved_run_is_in_the_schema)
{
  g_autoptr(GPtrArray) keys = moe_schema_keys(MOE_SCHEMA_RUN);

  for (guint i = 0; i < runs->len; i++) {
    const MoeRun *run = g_ptr_array_index(runs, i);

    check_known(keys, "", moe_doc_root(run->doc), run->name);
  }
}
END_TEST

/* Where readers are tables, an unknown key lists the rows: so the schema has what the readers ask for. What own code
 * asks for by name stands in the sources, which tests/cli/schema.sh searches. */
START_TEST(every_row_says_what_it_means)
{
  for (guint kind = 0; kind < MOE_N_SCHEMAS; kind++) {
    g_autoptr(GPtrArray) keys = moe_schema_keys((MoeSchemaKind)kind);

    for (guint i = 0; i < keys->len; i++) {
      const MoeSchemaKey *key = g_ptr_array_index(keys, i);
      const MoeField *field = key->field;

      ck_assert_msg(field->meaning && *field->meaning, "%s: no meaning", key->path);
      ck_assert_msg(!g_str_has_suffix(field->meaning, "."), "%s: a full stop", key->path);
      ck_assert_msg(field->kind != MOE_FIELD_MAP || field->section, "%s: a map of nothing", key->path);
      ck_assert_msg((field->kind != MOE_FIELD_WORD && field->kind != MOE_FIELD_WORDS) || field->words, "%s: no words",
                    key->path);
      ck_assert_ptr_eq(moe_schema_find(keys, key->path), key);
    }
  }
}
END_TEST

/* A default that is a value is one that may be written. */
START_TEST(defaults_are_legal)
{
  g_autoptr(GPtrArray) keys = moe_schema_keys(MOE_SCHEMA_RUN);
  guint n = 0;

  for (guint i = 0; i < keys->len; i++) {
    const MoeSchemaKey *key = g_ptr_array_index(keys, i);
    g_autofree char *text = moe_field_default(key->section, key->field);
    double value = 0;

    if (!text || key->field->otherwise ||
        (key->field->kind != MOE_FIELD_INT && key->field->kind != MOE_FIELD_QUANTITY) ||
        g_strcmp0(text, key->field->also) == 0)
      continue;
    ck_assert_msg(moe_quantity_parse(text + (*text == '-'), key->field->dimension, &value, NULL), "%s: %s", key->path,
                  text);
    n++;
  }
  ck_assert_uint_gt(n, 100);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("spec/fields");
  TCase *tcase = tcase_create("all");

  tcase_add_unchecked_fixture(tcase, read_runs, free_runs);
  tcase_add_test(tcase, shipped_runs_read_as_they_are_printed);
  tcase_add_test(tcase, random_runs_read_as_they_are_printed);
  tcase_add_test(tcase, every_key_of_a_shipped_file_is_in_the_schema);
  tcase_add_test(tcase, every_key_of_a_resolved_run_is_in_the_schema);
  tcase_add_test(tcase, every_row_says_what_it_means);
  tcase_add_test(tcase, defaults_are_legal);
  suite_add_tcase(suite, tcase);
  return moetest_run_suite(suite);
}
