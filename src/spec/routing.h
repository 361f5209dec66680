/*
 * routing: how tokens spread over experts.
 * Part of spec (floor 2). The loads that follow are drawn in program (src/program/balance.c, concentration.c).
 */
#ifndef MOESIM_SPEC_ROUTING_H
#define MOESIM_SPEC_ROUTING_H

#include "base/base.h"
#include "doc/doc.h"

G_BEGIN_DECLS

typedef enum {
  MOE_BALANCE_EVEN,
  MOE_BALANCE_ZIPF,
  MOE_BALANCE_DIRICHLET,
  MOE_BALANCE_FILE,
  MOE_BALANCE_CONCENTRATION
} MoeBalanceKind;

/* How unequal experts are, so that it holds for any number of them: what transfers is the spread of one expert's load
 * about the mean, which a load-balance loss acts on. Loads are drawn for each MoE layer, expert group ("rack") and
 * micro-batch. */
typedef struct {
  double fullest;  /* the fullest expert's rows over the mean expert's, 1 = even ... */
  int64_t experts; /* ... among so many experts */
  double shared;   /* share, 0 to 1, of the variance of the logarithm that all racks and micro-batches of a step have in
                      common: how popular experts are; the rest is what one micro-batch holds */
  double memory;   /* correlation, 0 to below 1, of the common part from one step to the next */
} MoeConcentration;

typedef struct {
  MoeBalanceKind balance;
  double balance_value; /* Zipf exponent or Dirichlet concentration */
  MoeConcentration concentration;
  const char *counts_file; /* CSV, one row per layer, one column per expert; resolved against the file that names it */
  MoeMark counts_mark;     /* where it is named */
  double capacity_factor;  /* 0 = dropless */
  gboolean token_rounding; /* counts rounded to the tile by dropping or adding tokens (SonicMoE) */
} MoeRouting;

G_END_DECLS

#endif
