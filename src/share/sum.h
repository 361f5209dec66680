/* Sum of doubles with its rounding error carried along (Knuth's two-sum, TAOCP 2, 4.2.2, Theorem B): good to about
 * 2^-100 relative, so that the rounded value does not depend on the order of the terms, and terms taken out again leave
 * nothing behind. */
#ifndef MOESIM_SHARE_SUM_H
#define MOESIM_SHARE_SUM_H

typedef struct {
  double high;
  double low;
} Sum;

static inline void sum_add(Sum *sum, double term)
{
  double total = sum->high + term;
  double part = total - sum->high;

  sum->low += (sum->high - (total - part)) + (term - part);
  sum->high = total;
}

static inline double sum_value(Sum sum)
{
  return sum.high + sum.low;
}

#endif
