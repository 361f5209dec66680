/* From files to a resolved run: names, extends, variants, options, overrides, in their order. */
#include "tree.h"

#define MODEL                                                                                                          \
  "title: Model\n"                                                                                                     \
  "architecture: {layers: 8, hidden: 512, vocabulary: 1000, attention: {query_heads: 8}, ffn: {width: 2048}}\n"        \
  "training: {sequence_length: 1024, global_batch: 64}\n"                                                              \
  "parallelism: {gpus: 16}\n"

static void write_machines(const Tree *tree)
{
  tree_write(tree, "clusters/accelerators/chip.yaml",
             "title: Chip\npeak: {bf16: 1 PFLOP/s, fp32: 60 TFLOP/s}\nsms: 100\nclock: 2 GHz\nmemory: 80 GB\n"
             "memory_bandwidth: 3 TB/s\nassumptions: {l2: {range: [10 MB, 50 MB], why: unknown}}\n");
  tree_write(tree, "clusters/alpha.yaml",
             "title: Alpha\naccelerator: chip\ndomain: {gpus: 8, bandwidth: 400 GB/s}\n"
             "host: {gpus: 8, memory_link: 50 GB/s, cpu: x86}\nnetwork: {nic: 400 Gbit/s}\n");
  tree_write(tree, "clusters/beta.yaml", "extends: alpha.yaml\ntitle: Beta\ndomain: {gpus: 64}\n");
  tree_write(tree, "stacks/plain.yaml", "title: Plain\nhost: {launch: {x86: 6 us}}\nfused: [norm]\n");
  tree_write(tree, "stacks/graphs.yaml", "extends: plain.yaml\ntitle: Graphs\nhost: {graphs: [attention]}\n");
}

static Tree tree_with_machines(void)
{
  Tree tree = tree_new();

  write_machines(&tree);
  return tree;
}

static MoeRun *load(const Tree *tree, const char *name, const MoeRunOptions *options, GError **error)
{
  g_autofree char *path = tree_path(tree, name);

  return moe_run_load(path, options, error);
}

static MoeRun *load_good(const Tree *tree, const char *name, const MoeRunOptions *options)
{
  g_autoptr(GError) error = NULL;
  MoeRun *run = load(tree, name, options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  return run;
}

static void load_bad(const Tree *tree, const char *name, const MoeRunOptions *options, const char *expected)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run = load(tree, name, options, &error);

  ck_assert_msg(run == NULL, "%s was accepted", name);
  ck_assert_msg(strstr(error->message, expected) != NULL, "\"%s\" lacks \"%s\"", error->message, expected);
}

/* ---- assumptions ------------------------------------------------------------------------------------------------- */

START_TEST(what_a_run_states_it_knows)
{
  static const char *const known[] = {"cluster.accelerator.l2=40 MB", NULL};
  g_auto(Tree) tree = tree_with_machines();
  const MoeRunOptions set = {.sets = known};
  tree_write(&tree, "silent.yaml", MODEL "cluster: alpha\nstack: plain\n");
  tree_write(&tree, "says.yaml",
             MODEL "cluster: {extends: alpha, accelerator: {extends: chip, l2: 40 MB}}\nstack: plain\n");
  tree_write(&tree, "doubts.yaml",
             MODEL "cluster: {extends: alpha, accelerator: {extends: chip, l2: 40 MB}}\nstack: plain\n"
                   "assumptions: {cluster.accelerator.l2: {range: [30 MB, 50 MB], why: my own}}\n");
  tree_write(&tree, "clusters/accelerators/newer.yaml", "extends: chip.yaml\nl2: 40 MB\n");
  tree_write(&tree, "newer.yaml", MODEL "cluster: {extends: alpha, accelerator: newer}\nstack: plain\n");
  g_autoptr(MoeRun) silent = load_good(&tree, "silent.yaml", NULL), says = load_good(&tree, "says.yaml", NULL),
                    doubts = load_good(&tree, "doubts.yaml", NULL), newer = load_good(&tree, "newer.yaml", NULL),
                    option = load_good(&tree, "silent.yaml", &set);

  ck_assert_ptr_nonnull(moe_run_assumption(silent, "cluster.accelerator.l2"));
  ck_assert_ptr_null(moe_run_assumption(says, "cluster.accelerator.l2"));
  ck_assert_ptr_null(moe_run_assumption(option, "cluster.accelerator.l2"));
  ck_assert_str_eq(moe_run_assumption(doubts, "cluster.accelerator.l2")->why, "my own");
  ck_assert_ptr_nonnull(moe_run_assumption(newer, "cluster.accelerator.l2")); /* files that ship share their doubts */
}
END_TEST

/* ---- names ------------------------------------------------------------------------------------------------------ */

START_TEST(names_are_found_above_the_run)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "models/family/one.yaml", MODEL "cluster: beta\nstack: plain\n");
  g_autoptr(MoeRun) run = load_good(&tree, "models/family/one.yaml", NULL);

  ck_assert_str_eq(run->name, "family/one");
  ck_assert_str_eq(run->cluster.name, "beta");
  ck_assert_str_eq(run->cluster.title, "Beta");
  ck_assert_int_eq(run->cluster.domain.gpus, 64);
  ck_assert_double_eq(run->cluster.domain.bytes_per_s, 400e9);
  ck_assert_str_eq(run->cluster.accelerator.name, "chip");
  ck_assert_str_eq(run->stack.name, "plain");
  ck_assert_ptr_nonnull(moe_run_assumption(run, "cluster.accelerator.l2"));
}
END_TEST

START_TEST(names_are_found_in_the_data_directory)
{
  g_auto(Tree) data = tree_with_machines();
  g_auto(Tree) tree = tree_new();
  tree_write(&tree, "one.yaml", MODEL "cluster: alpha\nstack: plain\n");
  MoeRunOptions options = {.data_dir = data.root};
  g_autoptr(MoeRun) run = load_good(&tree, "one.yaml", &options);

  ck_assert_str_eq(run->name, "one");
  ck_assert_str_eq(run->cluster.name, "alpha");
  load_bad(&tree, "one.yaml", NULL, "no file clusters/alpha.yaml");
}
END_TEST

START_TEST(the_nearest_directory_wins)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "mine/stacks/plain.yaml", "title: Mine\nhost: {launch: {x86: 1 us}}\n");
  tree_write(&tree, "mine/one.yaml", MODEL "cluster: alpha\nstack: plain\n");
  g_autoptr(MoeRun) run = load_good(&tree, "mine/one.yaml", NULL);

  ck_assert_str_eq(run->stack.title, "Mine");
  ck_assert_str_eq(run->cluster.title, "Alpha");
}
END_TEST

START_TEST(paths_and_inline_maps)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "models/path.yaml", MODEL "cluster: ../clusters/beta.yaml\nstack: ../stacks/plain\n");
  tree_write(&tree, "models/inline.yaml",
             MODEL
             "cluster: {extends: alpha, accelerator: {extends: chip, memory: 96 GB}, network: {nic: 800 Gbit/s}}\n"
             "stack: {host: {launch: {x86: 3 us}}}\n");
  g_autoptr(MoeRun) path = load_good(&tree, "models/path.yaml", NULL);
  g_autoptr(MoeRun) map = load_good(&tree, "models/inline.yaml", NULL);

  ck_assert_str_eq(path->cluster.name, "beta");
  ck_assert_str_eq(path->stack.name, "plain");
  ck_assert_str_eq(map->cluster.name, "alpha");
  ck_assert_double_eq(map->cluster.accelerator.memory_bytes, 96e9);
  ck_assert_int_eq(map->cluster.accelerator.sms, 100);
  ck_assert_double_eq(map->cluster.network.nic_bytes_per_s, 100e9);
  ck_assert_str_eq(map->stack.name, "unnamed");
}
END_TEST

START_TEST(unknown_names_say_what_is_near)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "one.yaml", MODEL "cluster: alpah\nstack: plain\n");

  load_bad(&tree, "one.yaml", NULL, "one.yaml:5:10: no file clusters/alpah.yaml, did you mean \"alpha\"?");
}
END_TEST

/* ---- variants --------------------------------------------------------------------------------------------------- */

#define VARIANTS                                                                                                       \
  "variants:\n"                                                                                                        \
  "  first: {stack: {fused: [rotary]}, training: {global_batch: 32}, published: {mfu: 0.1}}\n"                         \
  "  second: {stack: graphs, parallelism: {gpus: 8}}\n"                                                                \
  "  third: {cluster: {extends: beta, domain: {gpus: 16}}, training: {global_batch: 128}}\n"

static MoeRun *load_variant(const Tree *tree, const char *variant)
{
  MoeRunOptions options = {.variant = variant};

  return load_good(tree, "one.yaml", &options);
}

START_TEST(variants_build_on_each_other)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "one.yaml",
             MODEL "cluster: alpha\nstack: plain\npublished: {mfu: 0.3, convention: full}\n" VARIANTS);
  g_autoptr(MoeRun) none = load_variant(&tree, "");
  g_autoptr(MoeRun) first = load_variant(&tree, "first");
  g_autoptr(MoeRun) second = load_variant(&tree, "second");
  g_autoptr(MoeRun) all = load_variant(&tree, NULL);

  ck_assert_ptr_null(none->variant);
  ck_assert(none->stack.fused.norm);
  ck_assert_str_eq(first->variant, "first");
  ck_assert(first->stack.fused.rotary);
  ck_assert(!first->stack.fused.norm);
  ck_assert_int_eq(first->training.global_batch, 32);
  ck_assert_str_eq(second->stack.name, "graphs"); /* replaced as a whole: nothing of the first one's change is left */
  ck_assert(!second->stack.fused.rotary);
  ck_assert_int_eq(second->training.global_batch, 32);
  ck_assert_int_eq(second->parallelism.gpus, 8);
  ck_assert_str_eq(all->variant, "third");
  ck_assert_str_eq(all->cluster.name, "beta");
  ck_assert_int_eq(all->cluster.domain.gpus, 16);
  ck_assert_int_eq(all->training.global_batch, 128);
}
END_TEST

START_TEST(published_belongs_to_a_state)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "one.yaml",
             MODEL "cluster: alpha\nstack: plain\npublished: {mfu: 0.3, convention: full}\n" VARIANTS);
  g_autoptr(MoeRun) none = load_variant(&tree, "");
  g_autoptr(MoeRun) first = load_variant(&tree, "first");
  g_autoptr(MoeRun) second = load_variant(&tree, "second");
  g_autoptr(MoeRun) all = load_variant(&tree, NULL);

  ck_assert(!none->published.present); /* because 0.3 is of the last state */
  ck_assert_double_eq(first->published.mfu, 0.1);
  ck_assert(first->published.full_convention); /* how it was counted holds for all */
  ck_assert(!second->published.present);
  ck_assert_double_eq(all->published.mfu, 0.3);
}
END_TEST

START_TEST(what_a_run_extends_lends_no_variants_and_no_results)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "one.yaml", MODEL "cluster: alpha\nstack: plain\npublished: {mfu: 0.3}\n" VARIANTS);
  tree_write(&tree, "two.yaml", "extends: one\ntraining: {micro_batch: 2}\nvariants: {first: {title: Own}}\n");
  g_autoptr(MoeRun) run = load_good(&tree, "two.yaml", NULL);
  g_autofree char *path = tree_path(&tree, "two.yaml");
  g_auto(GStrv) names = moe_run_variants(path, NULL);

  ck_assert_uint_eq(g_strv_length(names), 1);
  ck_assert_str_eq(run->title, "Own");
  ck_assert_int_eq(run->training.global_batch, 64);
  ck_assert_int_eq(run->training.micro_batch, 2);
  ck_assert(!run->published.present);
}
END_TEST

START_TEST(variant_names)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "one.yaml", MODEL "cluster: alpha\nstack: plain\n" VARIANTS);
  tree_write(&tree, "none.yaml", MODEL "cluster: alpha\nstack: plain\n");
  g_autofree char *path = tree_path(&tree, "one.yaml");
  g_auto(GStrv) names = moe_run_variants(path, NULL);
  g_autofree char *list = g_strjoinv(" ", names);
  MoeRunOptions options = {.variant = "fourth"};

  ck_assert_str_eq(list, "first second third");
  load_bad(&tree, "one.yaml", &options, "no variant \"fourth\", expected one of first, second, third");
  load_bad(&tree, "none.yaml", &options, "no variants in this run");
}
END_TEST

/* ---- options ---------------------------------------------------------------------------------------------------- */

START_TEST(options_replace_cluster_and_stack)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "one.yaml", MODEL "cluster: alpha\nstack: {extends: plain, fused: [rotary]}\n");
  MoeRunOptions options = {.cluster = "beta", .stack = "graphs"};
  g_autoptr(MoeRun) run = load_good(&tree, "one.yaml", &options);

  ck_assert_str_eq(run->cluster.name, "beta");
  ck_assert_str_eq(run->stack.name, "graphs");
  ck_assert(!run->stack.fused.rotary);
}
END_TEST

START_TEST(gpus_scale_weakly)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "one.yaml", MODEL "cluster: alpha\nstack: plain\n");
  tree_write(&tree, "three.yaml",
             "extends: one\ntraining: {micro_batch: 4, global_batch: 192}\nparallelism: {tensor: 2}\n");
  MoeRunOptions more = {.gpus = 1024}, odd = {.gpus = 40};
  const char *const sets[] = {"training.global_batch=2048", NULL};
  MoeRunOptions set = {.gpus = 1024, .sets = sets};
  g_autoptr(MoeRun) many = load_good(&tree, "one.yaml", &more);
  g_autoptr(MoeRun) rounded = load_good(&tree, "three.yaml", &odd);
  g_autoptr(MoeRun) given = load_good(&tree, "one.yaml", &set);

  ck_assert_int_eq(many->parallelism.gpus, 1024);
  ck_assert_int_eq(many->training.global_batch, 4096); /* 64 x 1024 / 16 */
  ck_assert_int_eq(many->parallelism.micro_batches, 4);
  ck_assert_int_eq(rounded->training.global_batch, 480); /* 192 x 40 / 16, a multiple of 20 ranks x 4 */
  ck_assert_int_eq(given->training.global_batch, 2048);
}
END_TEST

START_TEST(fewer_gpus_keep_one_micro_batch)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "one.yaml", MODEL "cluster: alpha\nstack: plain\n");
  const char *const sets[] = {"training.global_batch=16", NULL};
  MoeRunOptions options = {.gpus = 1};
  g_autoptr(MoeRun) run = load_good(&tree, "one.yaml", &options);
  MoeRunOptions none = {.sets = sets};
  g_autoptr(MoeRun) exact = load_good(&tree, "one.yaml", &none);

  ck_assert_int_eq(run->training.global_batch, 4);
  ck_assert_int_eq(exact->parallelism.micro_batches, 1);
}
END_TEST

START_TEST(overrides_come_last)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "one.yaml", MODEL "cluster: alpha\nstack: plain\n" VARIANTS);
  const char *const sets[] = {"stack=plain", "stack.host.sync=7 us", "cluster.domain.gpus=4",
                              "training.global_batch=256", NULL};
  MoeRunOptions options = {.stack = "graphs", .sets = sets};
  g_autoptr(MoeRun) run = load_good(&tree, "one.yaml", &options);

  ck_assert_str_eq(run->stack.name, "plain");
  ck_assert_double_eq(run->stack.host.sync_s, 7e-6);
  ck_assert_int_eq(run->cluster.domain.gpus, 4);
  ck_assert_str_eq(run->cluster.name, "beta");
  ck_assert_int_eq(run->training.global_batch, 256);
}
END_TEST

/* A cluster, a stack or a map that is replaced as a whole leaves what other overrides say of keys in it. */
START_TEST(overrides_keep_each_other)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "one.yaml", MODEL "cluster: alpha\nstack: plain\n" VARIANTS);
  const char *const sets[] = {"stack.host.sync=7 us",
                              "cluster.domain.gpus=4",
                              "training.precision.router=bf16",
                              "cluster=beta",
                              "stack=graphs",
                              "training.precision={master: bf16}",
                              "training.global_batch=128",
                              "training.global_batch=256",
                              NULL};
  MoeRunOptions options = {.sets = sets};
  g_autoptr(MoeRun) run = load_good(&tree, "one.yaml", &options);

  ck_assert_str_eq(run->cluster.name, "beta");
  ck_assert_int_eq(run->cluster.domain.gpus, 4);
  ck_assert_str_eq(run->stack.name, "graphs");
  ck_assert_double_eq(run->stack.host.sync_s, 7e-6);
  ck_assert_int_eq(run->training.precision.master, MOE_BF16);
  ck_assert_int_eq(run->training.precision.router, MOE_BF16);
  ck_assert_int_eq(run->training.global_batch, 256);
}
END_TEST

START_TEST(balance_is_one_thing)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "one.yaml",
             MODEL "cluster: alpha\nstack: plain\nvariants: {skew: {training: {routing: {balance: {zipf: 1}}}},\n"
                   "  random: {training: {routing: {balance: {dirichlet: 5}}}}}\n");
  tree_write(&tree, "zipf.yaml", "extends: one\ntraining: {routing: {balance: {zipf: 0.5}}}\n");
  tree_write(&tree, "again.yaml", "extends: zipf\ntraining: {routing: {balance: {dirichlet: 7}}}\n");
  g_autoptr(MoeRun) variant = load_good(&tree, "one.yaml", NULL);
  g_autoptr(MoeRun) extended = load_good(&tree, "again.yaml", NULL);

  ck_assert_int_eq(variant->training.routing.balance, MOE_BALANCE_DIRICHLET);
  ck_assert_double_eq(variant->training.routing.balance_value, 5);
  ck_assert_int_eq(extended->training.routing.balance, MOE_BALANCE_DIRICHLET);
  ck_assert_double_eq(extended->training.routing.balance_value, 7);
}
END_TEST

/* ---- what was published ------------------------------------------------------------------------------------------ */

#define PUBLISHED "published: {mfu: 0.3, peak: 990 TFLOP/s}\ngoodput: {published: {wall_clock: 10 h}}\n"

/* Whether the results are left, and against which peak the run counts (0: its accelerator's). */
static void expect_published(const Tree *tree, const MoeRunOptions *options, gboolean results, double peak)
{
  g_autoptr(MoeRun) run = load_good(tree, "one.yaml", options);

  ck_assert_int_eq(run->published.present, results);
  ck_assert_double_eq(run->goodput.published.wall_s, results ? 36000 : 0);
  ck_assert_double_eq(run->published.peak_flop_per_s, peak);
}

static void expect_published_after(const Tree *tree, const char *set, gboolean results, double peak)
{
  const char *const sets[] = {set, NULL};
  MoeRunOptions options = {.sets = sets};

  expect_published(tree, &options, results, peak);
}

START_TEST(published_belongs_to_its_configuration)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "clusters/gamma.yaml",
             "extends: alpha.yaml\ntitle: Gamma\naccelerator: {extends: chip, name: other}\n");
  tree_write(&tree, "one.yaml", MODEL "cluster: alpha\nstack: plain\n" PUBLISHED);
  MoeRunOptions same = {.cluster = "alpha", .stack = "plain", .gpus = 16}, beta = {.cluster = "beta"},
                gamma = {.cluster = "gamma"}, graphs = {.stack = "graphs"}, more = {.gpus = 32};

  expect_published(&tree, NULL, TRUE, 990e12);
  expect_published(&tree, &same, TRUE, 990e12); /* because nothing differs */
  expect_published(&tree, &beta, FALSE, 990e12);
  expect_published(&tree, &gamma, FALSE, 0); /* because another accelerator has another peak */
  expect_published(&tree, &graphs, FALSE, 990e12);
  expect_published(&tree, &more, FALSE, 990e12);
  expect_published_after(&tree, "cluster=gamma", FALSE, 0);
  expect_published_after(&tree, "cluster.network.nic=800 Gbit/s", FALSE, 990e12);
  expect_published_after(&tree, "cluster.network.nic=50 GB/s", TRUE, 990e12); /* because 400 Gbit/s are 50 GB/s */
  expect_published_after(&tree, "training.micro_batch=2", FALSE, 990e12);
  expect_published_after(&tree, "cluster.accelerator.peak.bf16=2 PFLOP/s", FALSE, 0);
  expect_published_after(&tree, "cluster.price.gpu_hour=3", TRUE, 990e12);     /* because a price shapes no step */
  expect_published_after(&tree, "cluster.accelerator.l2=20 MB", TRUE, 990e12); /* because it is assumed */
}
END_TEST

START_TEST(published_overrides_are_of_what_they_make)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "clusters/gamma.yaml",
             "extends: alpha.yaml\ntitle: Gamma\naccelerator: {extends: chip, name: other}\n");
  tree_write(&tree, "one.yaml", MODEL "cluster: alpha\nstack: plain\n" PUBLISHED);
  const char *const sets[] = {"published.peak=2 PFLOP/s", NULL};
  MoeRunOptions options = {.cluster = "gamma", .sets = sets};

  expect_published(&tree, &options, FALSE, 2e15);
}
END_TEST

/* A study changes copies of a resolved document. */
START_TEST(copies_know_what_was_published_for)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "one.yaml", MODEL "cluster: alpha\nstack: plain\n" PUBLISHED);
  g_autoptr(MoeRun) run = load_good(&tree, "one.yaml", NULL);
  MoeDoc *copy = moe_doc_copy(run->doc);

  ck_assert(moe_doc_set(copy, "training.global_batch=128", NULL));
  g_autoptr(MoeRun) changed = moe_run_from_doc(copy, "changed", NULL, NULL);
  ck_assert_ptr_nonnull(changed);
  ck_assert(!changed->published.present);
}
END_TEST

/* ---- documents -------------------------------------------------------------------------------------------------- */

START_TEST(a_resolved_document_resolves_to_itself)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "one.yaml", MODEL "cluster: alpha\nstack: plain\npublished: {mfu: 0.3}\n" VARIANTS);
  g_autoptr(MoeRun) run = load_good(&tree, "one.yaml", NULL);
  g_autoptr(MoeRun) again = moe_run_from_doc(moe_doc_copy(run->doc), "again", NULL, NULL);
  g_autofree char *once = moe_node_print(moe_doc_root(run->doc), TRUE);
  g_autofree char *twice = moe_node_print(moe_doc_root(again->doc), TRUE);

  ck_assert_str_eq(once, twice);
  ck_assert_double_eq(again->published.mfu, 0.3);
}
END_TEST

#define N_THREADS 4

static gpointer print_run(gpointer path)
{
  g_autoptr(MoeRun) run = moe_run_load(path, NULL, NULL);

  return run ? moe_node_print(moe_doc_root(run->doc), TRUE) : NULL;
}

START_TEST(threads_do_not_see_each_other)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "one.yaml", MODEL "cluster: alpha\nstack: plain\n" VARIANTS);
  g_autofree char *path = tree_path(&tree, "one.yaml");
  g_autofree char *alone = print_run(path);
  GThread *threads[N_THREADS];

  for (int i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new("load", print_run, path);
  for (int i = 0; i < N_THREADS; i++) {
    g_autofree char *beside = g_thread_join(threads[i]);
    ck_assert_pstr_eq(beside, alone);
  }
}
END_TEST

START_TEST(counts_are_beside_the_file_that_names_them)
{
  g_auto(Tree) tree = tree_with_machines();
  tree_write(&tree, "models/one.yaml", MODEL "cluster: alpha\nstack: plain\n");
  tree_write(&tree, "models/two.yaml", "extends: one\ntraining: {routing: {balance: {file: counts/x.csv}}}\n");
  g_autoptr(MoeRun) run = load_good(&tree, "models/two.yaml", NULL);
  g_autofree char *expected = tree_path(&tree, "models/counts/x.csv");

  ck_assert_str_eq(run->training.routing.counts_file, expected);
}
END_TEST

/* A cluster of one's own extends one that ships by its name, wherever it lies. */
START_TEST(own_clusters_extend_by_name)
{
  g_auto(Tree) tree = tree_with_machines();
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeDoc) doc = NULL, none = NULL;
  MoeCluster cluster;

  tree_write(&tree, "far/away/mine.yaml", "extends: beta\ntitle: Mine\ndomain: {bandwidth: 100 GB/s}\n");
  tree_write(&tree, "far/away/wrong.yaml", "title: Wrong\nextends: betta\n");
  tree_write(&tree, "far/away/circle.yaml", "extends: circle\n");
  g_autofree char *data = g_strdup(tree.root), *path = tree_path(&tree, "far/away/mine.yaml");
  g_autofree char *wrong = tree_path(&tree, "far/away/wrong.yaml"), *circle = tree_path(&tree, "far/away/circle.yaml");
  ck_assert(moe_cluster_load(path, data, &cluster, &doc, NULL));
  ck_assert_int_eq(cluster.domain.gpus, 64);
  ck_assert(cluster.domain.bytes_per_s == 100e9);
  ck_assert_str_eq(cluster.name, "mine");
  moe_cluster_clear(&cluster);
  ck_assert(!moe_cluster_load(wrong, data, &cluster, &none, &error));
  ck_assert_ptr_nonnull(strstr(error->message, "wrong.yaml:2:10: no file clusters/betta.yaml, did you mean \"beta\"?"));
  g_clear_error(&error);
  ck_assert(!moe_cluster_load(circle, data, &cluster, &none, &error));
  ck_assert_ptr_nonnull(strstr(error->message, "extends in a circle"));
}
END_TEST

START_TEST(clusters_and_stacks_alone)
{
  g_auto(Tree) tree = tree_with_machines();
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeDoc) cluster_doc = NULL, stack_doc = NULL, none = NULL;
  MoeCluster cluster;
  MoeStack stack;

  ck_assert(moe_cluster_load("beta", tree.root, &cluster, &cluster_doc, NULL));
  ck_assert_int_eq(cluster.domain.gpus, 64);
  ck_assert_str_eq(cluster.accelerator.title, "Chip");
  moe_cluster_clear(&cluster);
  g_autofree char *path = tree_path(&tree, "stacks/graphs.yaml");
  ck_assert(moe_stack_load(path, NULL, &stack, &stack_doc, NULL));
  ck_assert_str_eq(stack.name, "graphs");
  moe_stack_clear(&stack);
  ck_assert(!moe_stack_load("grahps", tree.root, &stack, &none, &error));
  ck_assert_ptr_nonnull(strstr(error->message, "did you mean \"graphs\""));
}
END_TEST

MOE_TEST_MAIN("spec/resolve", what_a_run_states_it_knows, names_are_found_above_the_run,
              names_are_found_in_the_data_directory, the_nearest_directory_wins, paths_and_inline_maps,
              unknown_names_say_what_is_near, variants_build_on_each_other, published_belongs_to_a_state,
              what_a_run_extends_lends_no_variants_and_no_results, variant_names,
              published_belongs_to_its_configuration, published_overrides_are_of_what_they_make,
              copies_know_what_was_published_for, options_replace_cluster_and_stack, gpus_scale_weakly,
              fewer_gpus_keep_one_micro_batch, overrides_come_last, overrides_keep_each_other, balance_is_one_thing,
              a_resolved_document_resolves_to_itself, threads_do_not_see_each_other,
              counts_are_beside_the_file_that_names_them, own_clusters_extend_by_name, clusters_and_stacks_alone)
