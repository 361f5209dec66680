/* A tree of files under a directory of its own. */
#ifndef SPEC_TREE_H
#define SPEC_TREE_H

#include "spectest.h"

/* Keeps what a test wrote until the program ends; the tests run in their own processes. */
typedef struct {
  char *root;
} Tree;

static Tree tree_new(void)
{
  Tree tree = {g_dir_make_tmp("moesim-XXXXXX", NULL)};

  ck_assert_ptr_nonnull(tree.root);
  return tree;
}

static char *tree_path(const Tree *tree, const char *name)
{
  return g_build_filename(tree->root, name, NULL);
}

static void tree_write(const Tree *tree, const char *name, const char *text)
{
  g_autofree char *path = tree_path(tree, name);
  g_autofree char *directory = g_path_get_dirname(path);

  ck_assert_int_eq(g_mkdir_with_parents(directory, 0700), 0);
  ck_assert(g_file_set_contents(path, text, -1, NULL));
}

static void tree_clear(Tree *tree)
{
  moetest_remove(tree->root);
  g_free(tree->root);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tree, tree_clear)

#endif
