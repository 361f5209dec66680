/*
 * calibrate: fits the constants of kernel families (cost) to measured kernel times, and says how well they hold on rows
 * that were not fitted. Part of calibrate (floor 5); uses doc, spec and cost.
 *
 * Measurements are files like those of validation/measured/: series of rows, one series per (machine, kernel family,
 * precision, pass, source). Rows are divided in two: shapes ordered by a hash, every other one fitted on, a shape
 * measured twice on one side; residuals are reported on both halves. Nothing is random: same files, same constants.
 */
#ifndef MOESIM_CALIBRATE_H
#define MOESIM_CALIBRATE_H

#include "cost/cost.h"
#include "spec/spec.h"

G_BEGIN_DECLS

#define MOE_MEASUREMENT_KERNELS 12

/* One measured time and the kernels it covers (several for a whole layer, or forward plus backward). */
typedef struct {
  guint series;    /* index in MoeCalibration.series */
  guint n_kernels; /* 1..MOE_MEASUREMENT_KERNELS */
  MoeKernel kernel[MOE_MEASUREMENT_KERNELS];
  double measured_s;
  guint64 shape;   /* hash of what was run, without the time */
  gboolean fitted; /* FALSE: in the half that is kept for judging */
  MoeMark mark;
} MoeMeasurement;

/* Rows of one source, alike but for their shapes. Strings belong to the calibration. */
typedef struct {
  const char *cluster;  /* machine measured on */
  const char *fragment; /* accelerator file that carries the constants */
  const char *family, *source, *note;
  const char *quantize; /* GEMM: times contain the quantization of the activation, by this family; NULL = they do not */
  const char *around;   /* layer: family of the bandwidth-bound kernels around the products; NULL = the stack's */
  MoeKernelClass klass;
  int precision;     /* MoePrecision; -1 any (bandwidth) */
  int pass;          /* fit pass: 0, 1, 2 or -1 any */
  int64_t sms;       /* SMs the kernels had while others ran beside; 0 = all */
  gboolean long_run; /* measured after so long a warm-up that the power had lowered the clock */
  gboolean in_step;  /* measured inside a training step: the time holds what training loses against benchmarks */
  guint fit;         /* index in MoeCalibration.fits */
  guint accelerator; /* index in MoeCalibration.accelerators */
} MoeSeries;

/* Median and 90th percentile of |predicted / measured - 1| over rows; 0 of no rows. */
typedef struct {
  guint rows;
  double median, p90;
} MoeResidual;

/* Constants of one family in one precision and pass. */
typedef struct {
  const char *fragment;
  MoeKernelFamily family; /* its residual_* are those of the kept half (of the fitted one when nothing is kept) */
  MoeResidual fitted, kept;
  gboolean aside; /* of kernels that other rows contain: prices those rows, belongs to no fragment */
} MoeCalibrationFit;

typedef struct {
  guint n_series, n_measurements, n_fits, n_accelerators;
  MoeSeries *series;
  MoeMeasurement *measurements;
  MoeCalibrationFit *fits;
  MoeCluster *accelerators; /* clusters the series name, each once */
  GPtrArray *docs;          /* MoeDoc, own all strings */
  GHashTable *bases;        /* fragment -> fragment it starts from */
} MoeCalibration;

/* Reads measurements and divides them; fits nothing. `data_dir` is where clusters/ is looked up. NULL and *error on bad
 * input. */
MoeCalibration *moe_calibration_load(const char *const *paths, const char *data_dir, GError **error);
void moe_calibration_free(MoeCalibration *calibration);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeCalibration, moe_calibration_free)

/* Fits entry `fit` to its rows (entries before it are taken as fitted). FALSE and *error when a kernel cannot be
 * priced. */
gboolean moe_calibration_fit(MoeCalibration *calibration, guint fit, GError **error);
/* All of them, each after those that its rows contain; `progress` (may be NULL) is told how many are done. */
gboolean moe_calibration_fit_all(MoeCalibration *calibration, void (*progress)(guint done, guint total, gpointer data),
                                 gpointer progress_data, GError **error);
/* Residuals of entry `fit` with its present constants; those set by moe_calibration_take count. */
gboolean moe_calibration_judge(MoeCalibration *calibration, guint fit, GError **error);
/* The entry of a fit in the fragment as shipped, which one of the accelerators that rows name must carry; NULL when
 * there is none. Owned by the calibration. */
const MoeKernelFamily *moe_calibration_shipped(const MoeCalibration *calibration, guint fit);
/* Takes constants from fragments already written instead of fitting: every entry found in its accelerator's `kernels:`;
 * those set aside are fitted. FALSE when one is missing. */
gboolean moe_calibration_take(MoeCalibration *calibration, GError **error);

/* Names of the fragments, in order of first appearance, NULL-terminated; free the array only. */
const char **moe_calibration_fragments(const MoeCalibration *calibration);
/* Residuals of a class over all its entries, each row weighing the same: what the table's last lines say. `fragment`
 * NULL = all. */
gboolean moe_calibration_class(const MoeCalibration *calibration, const char *fragment, MoeKernelClass klass,
                               MoeResidual *fitted, MoeResidual *kept, GError **error);

/* The fragment whose entries `fragment` takes where it has none (root key `bases: {FRAGMENT: BASE}` of a measurement
 * file); NULL for none. Chains end. */
const char *moe_calibration_base(const MoeCalibration *calibration, const char *fragment);

/* YAML text of `kernels:` for one fragment: its entries, and those of its chain of bases that nearer ones do not
 * replace. Caller frees. */
char *moe_calibration_fragment(const MoeCalibration *calibration, const char *fragment);

/* Appends an entry of such a list. `source` may be NULL. */
void moe_calibration_append(GString *out, const MoeKernelFamily *family, const char *source);

G_END_DECLS

#endif
