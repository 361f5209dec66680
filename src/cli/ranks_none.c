/* One process: built without MPI. */
#include "cli.h"
#include "ranks.h"

#include <string.h>

/* Open MPI tells its processes how many they are. */
#define MPIRUN_SIZE "OMPI_COMM_WORLD_SIZE"

gboolean moe_ranks_begin(void)
{
  const char *size = g_getenv(MPIRUN_SIZE);

  if (!size || strcmp(size, "1") == 0)
    return TRUE;
  moe_cli_complain("started %s times by mpirun, but built without MPI (meson option mpi)", size);
  return FALSE;
}

void moe_ranks_end(gboolean lost, int status)
{
  (void)lost;
  (void)status;
}

int moe_ranks_count(void)
{
  return 1;
}

int moe_ranks_own(void)
{
  return 0;
}

char *moe_ranks_ask(const char *text)
{
  (void)text;
  return NULL;
}

gboolean moe_ranks_next(int *worker, char **text)
{
  (void)worker;
  (void)text;
  return FALSE;
}

void moe_ranks_answer(int worker, const char *text)
{
  (void)worker;
  (void)text;
}

void moe_ranks_largest(double *values, guint n)
{
  (void)values;
  (void)n;
}
