/* Processes of one mpirun. Errors of MPI are returned, not fatal: a worker that is gone must not take the others with
 * it. Open MPI is loaded by processes of an mpirun alone: with the seven libraries of its own it would take a good part
 * of the time in which every other command starts. */
#include "base/base.h"

#include "cli.h"
#include "ranks.h"

#include <dlfcn.h>
#include <mpi.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libmpi.so.40"

/* Open MPI tells its processes how many they are; without mpirun MPI is not even loaded. */
#define MPIRUN_SIZE "OMPI_COMM_WORLD_SIZE"

enum { TAG_ASK = 1, TAG_ANSWER = 2 };

/* Its calls, each as MPI_NAME. */
#define CALLS(CALL)                                                                                                    \
  CALL(Allreduce)                                                                                                      \
  CALL(Comm_rank)                                                                                                      \
  CALL(Comm_set_errhandler)                                                                                            \
  CALL(Comm_size)                                                                                                      \
  CALL(Finalize)                                                                                                       \
  CALL(Get_count)                                                                                                      \
  CALL(Init_thread)                                                                                                    \
  CALL(Initialized)                                                                                                    \
  CALL(Iprobe)                                                                                                         \
  CALL(Probe)                                                                                                          \
  CALL(Recv)                                                                                                           \
  CALL(Send)

#define MEMBER(name) __typeof__(MPI_##name) *name;
typedef struct {
  CALLS(MEMBER)
  MPI_Comm world;
  MPI_Datatype character, number;
  MPI_Op largest;
  MPI_Errhandler returned;
} Mpi;
#undef MEMBER

/* `mode` as of dlopen. Once loaded the library stays; what it loads itself looks for its names in it. */
static gboolean load(Mpi *mpi, int mode)
{
  void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_GLOBAL | mode);
  gboolean whole = library != NULL;

#define FIND(name) whole = whole && moe_library_find(library, "MPI_" #name, &mpi->name);
  CALLS(FIND)
#undef FIND
  return whole && moe_library_find(library, "ompi_mpi_comm_world", &mpi->world) &&
         moe_library_find(library, "ompi_mpi_char", &mpi->character) &&
         moe_library_find(library, "ompi_mpi_double", &mpi->number) &&
         moe_library_find(library, "ompi_mpi_op_max", &mpi->largest) &&
         moe_library_find(library, "ompi_mpi_errors_return", &mpi->returned);
}

/* Whether this process is one of several. */
static gboolean is_joined(Mpi *mpi)
{
  int joined = 0;

  if (load(mpi, RTLD_NOLOAD))
    mpi->Initialized(&joined);
  return joined != 0;
}

gboolean moe_ranks_begin(void)
{
  const char *size = g_getenv(MPIRUN_SIZE);
  int provided;
  Mpi mpi;

  if (!size || strcmp(size, "1") == 0)
    return TRUE;
  if (!load(&mpi, 0)) {
    moe_cli_complain("started %s times by mpirun, but %s (Debian: libopenmpi3)", size, dlerror());
    return FALSE;
  }
  mpi.Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
  mpi.Comm_set_errhandler(mpi.world, mpi.returned);
  return TRUE;
}

void moe_ranks_end(gboolean lost, int status)
{
  Mpi mpi;
  gboolean joined = is_joined(&mpi);

  if (joined && lost)
    _exit(status);
  if (joined)
    mpi.Finalize();
}

int moe_ranks_count(void)
{
  int count = 1;
  Mpi mpi;

  if (is_joined(&mpi))
    mpi.Comm_size(mpi.world, &count);
  return count;
}

int moe_ranks_own(void)
{
  int own = 0;
  Mpi mpi;

  if (is_joined(&mpi))
    mpi.Comm_rank(mpi.world, &own);
  return own;
}

static gboolean send_text(const Mpi *mpi, int to, int tag, const char *text)
{
  return mpi->Send(text, (int)strlen(text), mpi->character, to, tag, mpi->world) == MPI_SUCCESS;
}

static char *receive_text(const Mpi *mpi, MPI_Status *status)
{
  int length = 0;

  mpi->Get_count(status, mpi->character, &length);
  g_autofree char *text = g_malloc0((gsize)length + 1);
  if (mpi->Recv(text, length, mpi->character, status->MPI_SOURCE, status->MPI_TAG, mpi->world, MPI_STATUS_IGNORE) !=
      MPI_SUCCESS)
    return NULL;
  return g_steal_pointer(&text);
}

char *moe_ranks_ask(const char *text)
{
  MPI_Status status;
  Mpi mpi;

  if (!is_joined(&mpi) || !send_text(&mpi, 0, TAG_ASK, text) ||
      mpi.Probe(0, TAG_ANSWER, mpi.world, &status) != MPI_SUCCESS)
    return NULL;
  return receive_text(&mpi, &status);
}

gboolean moe_ranks_next(int *worker, char **text)
{
  MPI_Status status;
  int there = 0;
  Mpi mpi;

  if (!is_joined(&mpi) || mpi.Iprobe(MPI_ANY_SOURCE, TAG_ASK, mpi.world, &there, &status) != MPI_SUCCESS || !there)
    return FALSE;
  *worker = status.MPI_SOURCE;
  *text = receive_text(&mpi, &status);
  return *text != NULL;
}

/* A worker that died meanwhile does not hear it; its point is handed out again. */
void moe_ranks_answer(int worker, const char *text)
{
  Mpi mpi;

  if (is_joined(&mpi))
    send_text(&mpi, worker, TAG_ANSWER, text);
}

void moe_ranks_largest(double *values, guint n)
{
  Mpi mpi;

  if (is_joined(&mpi))
    mpi.Allreduce(MPI_IN_PLACE, values, (int)n, mpi.number, mpi.largest, mpi.world);
}
