/*
 * Several processes of one command, started by mpirun: one coordinator (rank 0) that answers, and workers that ask.
 *
 * Texts go back and forth, nothing else is shared. Built with Open MPI (ranks_mpi.c, meson option `mpi`) or without
 * (ranks_none.c): then there is always one process.
 */
#ifndef MOESIM_RANKS_H
#define MOESIM_RANKS_H

#include <glib.h>

G_BEGIN_DECLS

/* Joins the other processes when there are any. FALSE with a message on stderr when mpirun started several but this
 * program cannot join. */
gboolean moe_ranks_begin(void);
/* Leaves; a process that joined must. With a rank lost the others cannot part in good order (MPI_Finalize waits for
 * all): then the process ends here, with `status`. */
void moe_ranks_end(gboolean lost, int status);
/* How many processes, and which of them this is. 1 and 0 without mpirun. */
int moe_ranks_count(void);
int moe_ranks_own(void);

/* Worker: tells the coordinator something and waits for its answer. NULL when the coordinator is gone. Caller frees. */
char *moe_ranks_ask(const char *text);
/* Coordinator: what the next worker asks, and who it is; FALSE when nobody asks now. Caller frees. */
gboolean moe_ranks_next(int *worker, char **text);
void moe_ranks_answer(int worker, const char *text);

/* In step on all processes: each value becomes the largest that any of them has at its place. */
void moe_ranks_largest(double *values, guint n);

G_END_DECLS

#endif
