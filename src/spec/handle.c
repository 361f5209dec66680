/* A run as users of the library see it. */
#include "internal.h"

const char *moe_run_name(const MoeRun *run)
{
  return run->name;
}

const char *moe_run_variant(const MoeRun *run)
{
  return run->variant;
}

const char *moe_run_cluster(const MoeRun *run)
{
  return run->cluster.name;
}

const char *moe_run_stack(const MoeRun *run)
{
  return run->stack.name;
}

int64_t moe_run_gpus(const MoeRun *run)
{
  return run->parallelism.gpus;
}

char *moe_run_value(const MoeRun *run, const char *dotted_path)
{
  const MoeNode *node = moe_doc_find(run->doc, dotted_path);

  if (!node)
    return NULL;
  return moe_node_kind(node) == MOE_NODE_SCALAR ? g_strdup(moe_node_text(node)) : moe_node_print_flow(node);
}

char *moe_run_place(const MoeRun *run, const char *dotted_path)
{
  MoeMark mark = moe_run_mark(run, dotted_path);

  return mark.line > 0 ? g_strdup_printf("%s:%d:%d", mark.file, mark.line, mark.column) : g_strdup(mark.file);
}
