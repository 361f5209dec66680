/* Inside infer: symmetric positive definite matrices, row by row. */
#ifndef MOESIM_INFER_MATRIX_H
#define MOESIM_INFER_MATRIX_H

#include <glib.h>

/* Replaces the lower triangle of the n x n matrix by its Cholesky factor L, a = L L^T. FALSE when it is not positive
 * definite. */
gboolean moe_cholesky(double *a, guint n);
/* x := (L L^T)^-1 x. */
void moe_cholesky_solve(const double *l, guint n, double *x);
/* inverse := (L L^T)^-1, both triangles. */
void moe_cholesky_invert(const double *l, guint n, double *inverse);
/* Logarithm of the determinant of L L^T. */
double moe_cholesky_log_determinant(const double *l, guint n);

#endif
