/* Processes of one mpirun. Errors of MPI are returned, not fatal: a worker that is gone must not take the others with
 * it. */
#include "ranks.h"

#include <mpi.h>
#include <string.h>
#include <unistd.h>

/* Open MPI tells its processes how many they are; without mpirun MPI is not even initialised, which would take a
 * moment. */
#define MPIRUN_SIZE "OMPI_COMM_WORLD_SIZE"

enum { TAG_ASK = 1, TAG_ANSWER = 2 };

static gboolean is_joined(void)
{
  int joined = 0;

  MPI_Initialized(&joined);
  return joined != 0;
}

gboolean moe_ranks_begin(void)
{
  const char *size = g_getenv(MPIRUN_SIZE);
  int provided;

  if (!size || strcmp(size, "1") == 0)
    return TRUE;
  MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  return TRUE;
}

void moe_ranks_end(gboolean lost, int status)
{
  if (is_joined() && lost)
    _exit(status);
  if (is_joined())
    MPI_Finalize();
}

int moe_ranks_count(void)
{
  int count = 1;

  if (is_joined())
    MPI_Comm_size(MPI_COMM_WORLD, &count);
  return count;
}

int moe_ranks_own(void)
{
  int own = 0;

  if (is_joined())
    MPI_Comm_rank(MPI_COMM_WORLD, &own);
  return own;
}

static gboolean send_text(int to, int tag, const char *text)
{
  return MPI_Send(text, (int)strlen(text), MPI_CHAR, to, tag, MPI_COMM_WORLD) == MPI_SUCCESS;
}

static char *receive_text(MPI_Status *status)
{
  int length = 0;

  MPI_Get_count(status, MPI_CHAR, &length);
  g_autofree char *text = g_malloc0((gsize)length + 1);
  if (MPI_Recv(text, length, MPI_CHAR, status->MPI_SOURCE, status->MPI_TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE) !=
      MPI_SUCCESS)
    return NULL;
  return g_steal_pointer(&text);
}

char *moe_ranks_ask(const char *text)
{
  MPI_Status status;

  if (!send_text(0, TAG_ASK, text) || MPI_Probe(0, TAG_ANSWER, MPI_COMM_WORLD, &status) != MPI_SUCCESS)
    return NULL;
  return receive_text(&status);
}

gboolean moe_ranks_next(int *worker, char **text)
{
  MPI_Status status;
  int there = 0;

  if (MPI_Iprobe(MPI_ANY_SOURCE, TAG_ASK, MPI_COMM_WORLD, &there, &status) != MPI_SUCCESS || !there)
    return FALSE;
  *worker = status.MPI_SOURCE;
  *text = receive_text(&status);
  return *text != NULL;
}

/* A worker that died meanwhile does not hear it; its point is handed out again. */
void moe_ranks_answer(int worker, const char *text)
{
  send_text(worker, TAG_ANSWER, text);
}

void moe_ranks_largest(double *values, guint n)
{
  if (is_joined())
    MPI_Allreduce(MPI_IN_PLACE, values, (int)n, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
}
