/* Private to calibrate: from a row of a measurement file to kernels, and from constants to predictions. */
#ifndef MOESIM_CALIBRATE_INTERNAL_H
#define MOESIM_CALIBRATE_INTERNAL_H

#include "calibrate/calibrate.h"

/* ---- rows ------------------------------------------------------------------------------------------------------- */

/* Pass of a series whose times cover attention forward plus backward. */
#define MOE_SERIES_BOTH 3

/* Where the rows of a layer become what its products read. */
typedef enum {
  MOE_CASTS_FUSED,    /* in the gather and the activation */
  MOE_CASTS_ENTERING, /* tokens as they enter, before they are gathered; rows between the products in the activation */
  MOE_CASTS_GATHERED, /* rows after they are gathered, into blocks padded by expert; then in the activation */
  MOE_CASTS_APART,    /* by kernels of their own before each product */
} MoeCasts;

/* What a series says once for all its rows. */
typedef struct {
  MoeSeries head;
  int pass;                    /* 0, 1, 2, -1 any, MOE_SERIES_BOTH */
  gboolean aside;              /* of kernels that other rows contain */
  gboolean layer;              /* rows are whole MoE layers */
  gboolean gather, activation; /* layer: separate kernels for token gather and activation */
  int casts;                   /* MoeCasts of a layer */
  gboolean causal, rotates, accumulate;
  MoePrecision output;
  MoeBandwidthKind kind;
  const MoeNode *constants; /* held constants, may be NULL */
  MoeMark mark;
} MoeSeriesText;

/* One row, column by column; absent columns are 0. */
typedef struct {
  double m, n, k, groups, rows_per_group;
  double tokens, hidden, width, experts, top_k;
  double entering; /* tokens of all ranks, among which a layer's are found; 0 = the layer's own */
  double batch, len, query_heads, kv_heads, dim_qk, dim_v, window, chunk, rule;
  double read, write;
  double tflops, us, gbps;
} MoeRow;

/* Kernels and measured time of a row; FALSE when it has no positive time. */
gboolean moe_row_measure(const MoeSeriesText *series, const MoeRow *row, MoeMeasurement *measurement);

/* Hash of what was run, without the time. */
guint64 moe_row_shape(const MoeRow *row);

/* ---- predictions ------------------------------------------------------------------------------------------------ */

/* Prices the rows of one fit with given constants: one cost model per series. */
typedef struct {
  const MoeCalibration *calibration;
  guint fit;
  GArray *families;            /* MoeKernelFamily: the fit itself first, then known fits of the fragment */
  MoeStack *stack;             /* [n_series] */
  MoeAccelerator *accelerator; /* [n_accelerators] copies that carry `families` */
  MoeCostModel **model;        /* [n_series]; NULL for those of other fits */
} MoePredictor;

gboolean moe_predictor_init(MoePredictor *predictor, const MoeCalibration *calibration, guint fit, GError **error);
void moe_predictor_clear(MoePredictor *predictor);
/* The fit's constants inside the predictor; call moe_predictor_renew after changing them. */
MoeKernelFamily *moe_predictor_family(MoePredictor *predictor);
gboolean moe_predictor_renew(MoePredictor *predictor, GError **error);
/* ln(predicted / measured) of one row of the fit. */
gboolean moe_predictor_log_error(const MoePredictor *predictor, const MoeMeasurement *measurement, double *error_log,
                                 GError **error);

/* Median and P90 of `n` absolute relative errors, sorted in place. */
void moe_residual_of(double *errors, guint n, MoeResidual *residual);

/* ---- descent ---------------------------------------------------------------------------------------------------- */

typedef struct {
  double (*objective)(unsigned n, const double *x, double *gradient, void *data); /* gradient is NULL */
  void *data;
  guint n;
  const double *low, *high; /* [n] */
  double first_step;
} MoeDescent;

/* Makes the objective small from x[n] on, which becomes the best found: Subplex (Rowan 1990) and Nelder-Mead in turn,
 * as NLopt implements them. Deterministic. */
void moe_descend(const MoeDescent *descent, double *x);

#endif
