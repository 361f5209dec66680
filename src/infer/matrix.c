/* Cholesky factors (Golub & Van Loan, Matrix Computations, 4.2), in the order in which rows lie in memory. */
#include "matrix.h"

#include <math.h>
#include <string.h>

static double dot(const double *a, const double *b, guint n)
{
  double sum = 0;

  for (guint i = 0; i < n; i++)
    sum += a[i] * b[i];
  return sum;
}

gboolean moe_cholesky(double *a, guint n)
{
  for (guint i = 0; i < n; i++) {
    double *row = a + (gsize)i * n;

    for (guint j = 0; j < i; j++) {
      const double *other = a + (gsize)j * n;

      row[j] = (row[j] - dot(row, other, j)) / other[j];
    }
    double rest = row[i] - dot(row, row, i);
    if (!(rest > 0))
      return FALSE;
    row[i] = sqrt(rest);
  }
  return TRUE;
}

static void solve_lower(const double *l, guint n, double *x)
{
  for (guint i = 0; i < n; i++)
    x[i] = (x[i] - dot(l + (gsize)i * n, x, i)) / l[(gsize)i * n + i];
}

static void solve_upper(const double *l, guint n, double *x)
{
  for (guint i = n; i-- > 0;) {
    const double *row = l + (gsize)i * n;

    x[i] /= row[i];
    for (guint j = 0; j < i; j++)
      x[j] -= row[j] * x[i];
  }
}

void moe_cholesky_solve(const double *l, guint n, double *x)
{
  solve_lower(l, n, x);
  solve_upper(l, n, x);
}

void moe_cholesky_invert(const double *l, guint n, double *inverse)
{
  memset(inverse, 0, sizeof *inverse * n * n);
  for (guint i = 0; i < n; i++) { /* the matrix is symmetric: its columns are its rows */
    inverse[(gsize)i * n + i] = 1;
    moe_cholesky_solve(l, n, inverse + (gsize)i * n);
  }
}

double moe_cholesky_log_determinant(const double *l, guint n)
{
  double sum = 0;

  for (guint i = 0; i < n; i++)
    sum += 2 * log(l[(gsize)i * n + i]);
  return sum;
}
