/* Stacks: one file per software, its variants, what they stand on, and the names they had before. */
#include "tree.h"

#define BASE                                                                                                           \
  "title: Base\nhost: {launch: {x86: 6 us}}\nfused: [norm]\n"                                                          \
  "variants:\n"                                                                                                        \
  "  2023: {date: 2023-05, title: Base of 2023, host: {sync: 10 us}}\n"                                                \
  "  2024: {date: 2024-06, host: {step: 2 ms}, fused: [norm, rotary]}\n"                                               \
  "  side: {extends: 2023, host: {step: 3 ms}}\n"

/* The stack called `name` in a tree; the caller clears it. */
static MoeDoc *load_stack(const Tree *tree, const char *name, MoeStack *stack)
{
  g_autoptr(GError) error = NULL;
  MoeDoc *doc = NULL;

  ck_assert_msg(moe_stack_load(name, tree->root, stack, &doc, &error), "%s", error ? error->message : "");
  return doc;
}

static void refuse(const Tree *tree, const char *name, const char *expected)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeDoc) doc = NULL;
  MoeStack stack;

  ck_assert_msg(!moe_stack_load(name, tree->root, &stack, &doc, &error), "%s was accepted", name);
  ck_assert_msg(strstr(error->message, expected) != NULL, "\"%s\" lacks \"%s\"", error->message, expected);
}

static void check_times(const Tree *tree, const char *name, double sync_s, double step_s)
{
  MoeStack stack;
  G_GNUC_UNUSED g_autoptr(MoeDoc) doc = load_stack(tree, name, &stack);

  ck_assert_msg(stack.host.sync_s == sync_s, "%s: sync %g s", name, stack.host.sync_s);
  ck_assert_msg(stack.host.step_s == step_s, "%s: step %g s", name, stack.host.step_s);
  moe_stack_clear(&stack);
}

START_TEST(a_variant_stands_on_the_one_before)
{
  g_auto(Tree) tree = tree_new();
  MoeStack stack;

  tree_write(&tree, "stacks/base.yaml", BASE);
  check_times(&tree, "base:2023", 10e-6, 0);
  check_times(&tree, "base:2024", 10e-6, 2e-3);
  check_times(&tree, "base:side", 10e-6, 3e-3);
  G_GNUC_UNUSED g_autoptr(MoeDoc) doc = load_stack(&tree, "base:2024", &stack);
  ck_assert_str_eq(stack.name, "base:2024");
  ck_assert_str_eq(stack.title, "Base of 2023"); /* what a variant does not say is as below it */
  ck_assert_str_eq(stack.date, "2024-06");
  ck_assert(stack.fused.rotary);
  ck_assert_ptr_null(moe_doc_find(doc, "stack.variants"));
  ck_assert_ptr_null(moe_doc_find(doc, "stack.extends"));
  moe_stack_clear(&stack);
}
END_TEST

/* The month of what a variant stands on is not its own. */
START_TEST(a_month_is_not_inherited)
{
  g_auto(Tree) tree = tree_new();
  MoeStack stack;

  tree_write(&tree, "stacks/base.yaml", BASE);
  G_GNUC_UNUSED g_autoptr(MoeDoc) doc = load_stack(&tree, "base:side", &stack);
  ck_assert_ptr_null(stack.date);
  moe_stack_clear(&stack);
}
END_TEST

START_TEST(software_alone_is_its_last_variant)
{
  g_auto(Tree) tree = tree_new();
  g_autoptr(GError) error = NULL;
  MoeStack stack;

  tree_write(&tree, "stacks/base.yaml", BASE);
  G_GNUC_UNUSED g_autoptr(MoeDoc) doc = load_stack(&tree, "base", &stack);
  ck_assert_str_eq(stack.name, "base:side");
  moe_stack_clear(&stack);
  g_autofree char *path = tree_path(&tree, "stacks/base.yaml");
  g_auto(GStrv) variants = moe_stack_variants(path, &error);
  ck_assert_uint_eq(g_strv_length(variants), 3);
  ck_assert_str_eq(variants[2], "side");
}
END_TEST

START_TEST(other_software_is_extended_by_name_and_by_path)
{
  g_auto(Tree) tree = tree_new();

  tree_write(&tree, "stacks/base.yaml", BASE);
  tree_write(&tree, "stacks/mine.yaml",
             "extends: base:2024\nhost: {sync: 1 us}\n"
             "variants:\n  a: {host: {step: 7 ms}}\n  b: {extends: base:2023}\n");
  tree_write(&tree, "elsewhere/far.yaml", "extends: ../stacks/base:2024\nhost: {step: 9 ms}\n");
  check_times(&tree, "mine:a", 1e-6, 7e-3);
  check_times(&tree, "mine:b", 10e-6, 0); /* stands on the other alone, not on the rest of its own file */
  g_autofree char *path = tree_path(&tree, "elsewhere/far.yaml");
  check_times(&tree, path, 10e-6, 9e-3);
  g_autofree char *variant = g_strconcat(tree.root, "/stacks/base.yaml:2023", NULL);
  check_times(&tree, variant, 10e-6, 0);
}
END_TEST

/* What ships means its own neighbours, whatever lies beside the run. */
START_TEST(a_neighbour_comes_before_a_namesake)
{
  g_auto(Tree) tree = tree_new();
  MoeStack stack;

  tree_write(&tree, "data/stacks/base.yaml", BASE);
  tree_write(&tree, "data/stacks/on.yaml", "extends: base:2023\n");
  tree_write(&tree, "stacks/base.yaml", "host: {launch: {x86: 1 us}, sync: 99 us}\nvariants:\n  2023: {}\n");
  g_autofree char *data = tree_path(&tree, "data");
  g_autoptr(MoeDoc) doc = NULL;
  ck_assert(moe_stack_load("on", data, &stack, &doc, NULL));
  ck_assert(stack.host.sync_s == 10e-6);
  moe_stack_clear(&stack);
}
END_TEST

static void keep_note(const char *domain, GLogLevelFlags level, const char *message, gpointer notes)
{
  ck_assert_str_eq(domain, MOE_LOG_DOMAIN);
  ck_assert_int_eq(level, G_LOG_LEVEL_INFO);
  g_string_append(notes, message);
}

/* While each variant was a file: "base-2024", "../stacks/base-2024.yaml". */
START_TEST(names_of_before_hold_with_a_note)
{
  g_auto(Tree) tree = tree_new();
  g_autoptr(GString) notes = g_string_new(NULL);
  MoeStack stack;

  tree_write(&tree, "stacks/base.yaml", BASE);
  tree_write(&tree, "stacks/base-line.yaml", "host: {launch: {x86: 1 us}}\nvariants:\n  2024: {host: {sync: 5 us}}\n");
  tree_write(&tree, "elsewhere/far.yaml", "extends: ../stacks/base-2023.yaml\n");
  guint handler = g_log_set_handler(MOE_LOG_DOMAIN, G_LOG_LEVEL_INFO, keep_note, notes);
  G_GNUC_UNUSED g_autoptr(MoeDoc) doc = load_stack(&tree, "base-2024", &stack);
  ck_assert_str_eq(stack.name, "base:2024");
  moe_stack_clear(&stack);
  ck_assert_str_eq(notes->str,
                   "stack \"base-2024\" is called \"base:2024\" now; the old name goes with the next release");
  check_times(&tree, "base-line-2024", 5e-6, 0);
  g_autofree char *path = tree_path(&tree, "elsewhere/far.yaml");
  check_times(&tree, path, 10e-6, 0);
  g_string_truncate(notes, 0);
  check_times(&tree, "base:2024", 10e-6, 2e-3);
  ck_assert_str_eq(notes->str, "");
  g_log_remove_handler(MOE_LOG_DOMAIN, handler);
}
END_TEST

START_TEST(what_is_wrong_has_its_place)
{
  g_auto(Tree) tree = tree_new();

  tree_write(&tree, "stacks/base.yaml", BASE);
  tree_write(&tree, "stacks/bad.yaml",
             "host: {launch: {x86: 6 us}}\n"
             "variants:\n"
             "  one: {extends: two}\n"
             "  two: {extends: one}\n"
             "  three: {extends: none-such}\n"
             "  four: {extends: base:2042}\n"
             "  five: 3\n"
             "  six: {extends: 2023, date: May}\n"
             "  seven: {extends: base:2023, date: May}\n"
             "  eight: {extends: base:2023, fusd: [norm]}\n");
  refuse(&tree, "bad:one", "bad.yaml:4:18: extends in a circle (bad:one -> bad:two -> bad:one), expected a chain");
  refuse(&tree, "bad:three", "bad.yaml:5:20: no variant \"none-such\" of stack bad, expected one of one, two, three");
  refuse(&tree, "bad:four", "bad.yaml:6:19: no variant \"2042\" of stack base, did you mean \"2024\"?");
  refuse(&tree, "bad:five", "bad.yaml:7:9: ");
  refuse(&tree, "bad:six", "bad.yaml:8:18: no variant \"2023\" of stack bad");
  refuse(&tree, "bad:seven", "bad.yaml:9:37: date \"May\", expected a month such as 2025-07");
  refuse(&tree, "bad:eight", "bad.yaml:10:31: unknown key \"fusd\"");
  refuse(&tree, "base:2032", "no variant \"2032\" of stack base, did you mean");
  refuse(&tree, "base-2032", "no file stacks/base-2032.yaml, did you mean \"base:202");
}
END_TEST

MOE_TEST_MAIN("spec/software", a_variant_stands_on_the_one_before, a_month_is_not_inherited,
              software_alone_is_its_last_variant, other_software_is_extended_by_name_and_by_path,
              a_neighbour_comes_before_a_namesake, names_of_before_hold_with_a_note, what_is_wrong_has_its_place)
