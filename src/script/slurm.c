/* What Slurm is told at the head of a script: "#SBATCH --nodes=4 --gres=gpu:8". */
#include "state.h"

#include <string.h>

#define MAX_COUNT (1 << 20) /* of nodes, GPUs or tasks */

typedef struct {
  int64_t nodes, gpus, tasks, node_tasks; /* gpus and node_tasks: of a node; 0: not said */
} Slurm;

/* The number at the end of "8", "gpu:8" or "h100:8"; 0 when there is none. */
static int64_t number_of(const char *text)
{
  const char *last = strrchr(text, ':');
  gint64 number = 0;

  return g_ascii_string_to_signed(last ? last + 1 : text, 10, 1, MAX_COUNT, &number, NULL) ? number : 0;
}

static void take_option(Slurm *slurm, const char *name, const char *value)
{
  const struct {
    const char *names;
    int64_t *to;
  } options[] = {{" --nodes -N ", &slurm->nodes},
                 {" --gpus-per-node --gres ", &slurm->gpus},
                 {" --ntasks -n ", &slurm->tasks},
                 {" --ntasks-per-node ", &slurm->node_tasks}};
  g_autofree char *word = g_strdup_printf(" %s ", name);

  for (gsize i = 0; i < G_N_ELEMENTS(options); i++)
    if (strstr(options[i].names, word))
      *options[i].to = number_of(value);
}

/* "--nodes=4", "--nodes 4", "-N 4", "-N4", several on a line. */
static void take_line(Slurm *slurm, const char *line)
{
  g_auto(GStrv) words = g_strsplit_set(line, " \t", -1);

  for (char **word = words; *word; word++) {
    gsize length = strcspn(*word, "=");
    gboolean attached = (*word)[0] == '-' && (*word)[1] != '-' && length > 2;
    g_autofree char *name = g_strndup(*word, attached ? 2 : length);
    const char *value = attached ? *word + 2 : (*word)[length] ? *word + length + 1 : word[1] ? word[1] : "";

    if (**word == '#')
      return;
    take_option(slurm, name, value);
  }
}

static void set(Script *script, const char *name, int64_t value)
{
  GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

  g_ptr_array_add(words, g_strdup_printf("%" G_GINT64_FORMAT, value));
  shell_assign(&script->shell, name, words);
}

int64_t script_take_slurm(Script *script, const char *text)
{
  static const char mark[] = "#SBATCH ";
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  Slurm slurm = {0};

  for (char **line = lines; *line; line++)
    if (g_str_has_prefix(*line, mark))
      take_line(&slurm, *line + strlen(mark));
  const int64_t per_node = slurm.node_tasks > 1 ? slurm.node_tasks : slurm.gpus;
  const int64_t tasks = slurm.tasks > 0 ? slurm.tasks : MAX(slurm.nodes, 1) * slurm.node_tasks;
  const struct {
    const char *name;
    int64_t value;
  } variables[] = {{"SLURM_NNODES", slurm.nodes},
                   {"SLURM_JOB_NUM_NODES", slurm.nodes},
                   {"SLURM_GPUS_PER_NODE", slurm.gpus},
                   {"SLURM_GPUS_ON_NODE", slurm.gpus},
                   {"SLURM_NTASKS", tasks},
                   {"SLURM_NPROCS", tasks},
                   {"SLURM_NTASKS_PER_NODE", slurm.node_tasks},
                   {"SLURM_TASKS_PER_NODE", slurm.node_tasks}};

  for (gsize i = 0; i < G_N_ELEMENTS(variables); i++)
    if (variables[i].value > 0)
      set(script, variables[i].name, variables[i].value);
  return slurm.tasks > MAX(slurm.nodes, 1) ? slurm.tasks : MAX(slurm.nodes, 1) * per_node;
}
