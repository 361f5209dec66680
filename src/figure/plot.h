/*
 * plot: figures, drawn by gnuplot from a template and a data file.
 * Part of figure (floor 13).
 *
 * A figure of kind K is plots/K.gp applied to tab-separated data. The data is kept beside the picture (FILE.png ->
 * FILE.dat), so that anyone can draw it again or otherwise. Templates get the variables `data`, `title`, `source`,
 * `axis`, `x_axis`, `y_axis` and `theme`; plots/style.gp holds fonts, grid and palettes, which are told apart in grey
 * and with any colour vision.
 */
#ifndef MOESIM_FIGURE_PLOT_H
#define MOESIM_FIGURE_PLOT_H

#include "base/base.h"
#include "metrics/metrics.h"
#include "report/findings.h"
#include <moesim/explain.h>
#include <moesim/report.h>
#include <moesim/sensitivity.h>

G_BEGIN_DECLS

typedef enum { MOE_THEME_LIGHT, MOE_THEME_DARK, MOE_THEME_PRINT } MoeTheme; /* print: black, grey and patterns */
extern const char *const moe_theme_words[];                                 /* NULL-terminated */

#define MOE_FIGURE_WIDTH  1300
#define MOE_FIGURE_HEIGHT 800
/* Bounds of a figure's size and scale, by what gnuplot and viewers handle. */
#define MOE_FIGURE_LEAST       200
#define MOE_FIGURE_MOST        10000
#define MOE_FIGURE_LEAST_SCALE 0.25
#define MOE_FIGURE_MOST_SCALE  8.0

typedef struct {
  const char *kind;      /* "scale": names the template */
  const char *templates; /* folder of the templates */
  const char *path;      /* result; suffix .png, .svg or .pdf */
  const char *title;
  const char *source;          /* small print below the figure; NULL for none */
  const char *axis;            /* of values, with unit: "MFU, causal attention (%)"; NULL for none */
  const char *x_axis, *y_axis; /* of the sides of a heat map; NULL for none */
  MoeTheme theme;
  int width, height; /* in points: pixels of a PNG at scale 1; 50 make a centimetre of a PDF; 0 = the default */
  double scale;      /* pixels per point of a PNG, > 0; 0 = 2 */
} MoeFigure;

/* Whether a figure can be drawn at all: the suffix is known, gnuplot and the template are there. Worth asking before
 * hours of work. */
gboolean moe_figure_check(const MoeFigure *figure, GError **error);
/* Writes the data file and draws. Both files appear whole or not at all. FALSE and *error when moe_figure_check
 * fails, gnuplot does, or a file cannot be written. */
gboolean moe_figure_draw(const MoeFigure *figure, const char *data, GError **error);

/* What a figure shows of a prediction. */
typedef enum {
  MOE_MEASURE_MFU,
  MOE_MEASURE_MFU_FULL,
  MOE_MEASURE_STEP,
  MOE_MEASURE_TOKENS,         /* per second */
  MOE_MEASURE_TOKENS_PER_GPU, /* per second */
  MOE_MEASURE_TFLOPS,         /* per GPU, causal */
  MOE_MEASURE_DAYS,           /* of a training without interruption */
  MOE_MEASURE_DOLLARS,
  MOE_MEASURE_MWH,
  MOE_MEASURE_EFFICIENCY, /* tokens/s per GPU relative to the first point of the line */
  MOE_MEASURE_MEMORY,     /* of the fullest GPU */
  MOE_N_MEASURES,
} MoeMeasure;
extern const char *const moe_measure_words[]; /* "mfu", "tokens" ...; NULL-terminated */

/* Whether a measure is of a training on so many tokens: days, dollars, energy. */
gboolean moe_measure_of_training(MoeMeasure measure);

/* Value of a prediction in the unit of the measure's axis; `tokens` of the training (DAYS, DOLLARS, MWH), `first` the
 * line's first point (EFFICIENCY). NaN where it is unknown (no price, no power). */
double moe_measure_value(MoeMeasure measure, const MoeResult *result, double tokens, const MoeResult *first);
/* The same at a step time other than the predicted one: for the ends of an interval. */
double moe_measure_at(MoeMeasure measure, const MoeResult *result, double tokens, const MoeResult *first,
                      double step_time_s);
/* Title of the axis with its unit: "days for 30 T tokens"; the caller frees. */
char *moe_measure_axis(MoeMeasure measure, double tokens);

/* Points of one line of a scale figure. */
typedef struct {
  char *label;        /* "mai-base-1/v5 on gb200-nvl72" */
  GPtrArray *results; /* MoeResult, ascending in GPUs; not owned */
} MoeScaleSeries;

/* gnuplot data blocks, one per series: GPUs, MFU causal in %, MFU full in %, 1 when it fits memory, the measure, the
 * measure at P10 and P90 of the step time (NaN without samples); then one block with the published points where the
 * measure is an MFU. */
char *moe_plot_scale_data(guint n, const MoeScaleSeries *series, MoeMeasure measure, double tokens);
/* Rows: label, predicted %, published % (NaN when none), in the convention of the publication, P10 and P90 of the
 * prediction, fits. */
char *moe_plot_ladder_data(const GPtrArray *results);
/* Rows: label, upper %, lower % of the step, from 100 % down to the MFU; largest loss first, invisibly small ones
 * together. */
char *moe_plot_waterfall_data(const MoeResult *result);
/* One result: rows by pipeline stage; several: a row each. Columns: label, GB by part, capacity in GB. */
char *moe_plot_memory_data(const GPtrArray *results);
/* Rows: label, then the GPU-seconds per million tokens of each cause, MFU %, tokens/s per GPU, fits; header row of
 * titles. */
char *moe_plot_strategies_data(const GPtrArray *results);
/* A grid over two varied keys: rows `y`, columns `x` as labels, then value, fits; NULL results are points that cannot
 * be. results[y * n_x + x]. */
char *moe_plot_heatmap_data(guint n_x, char *const *x, guint n_y, char *const *y, MoeResult *const *results,
                            MoeMeasure measure, double tokens);
/* Rows: label, cost (the measure), GPU-seconds per million tokens, fits, on the front (no other that fits is better in
 * both). */
char *moe_plot_pareto_data(const GPtrArray *results, MoeMeasure measure, double tokens);
/* Steps of one run, sorted: seconds, share of steps that take at most as long. */
char *moe_plot_steps_data(guint n, const double *step_time_s);

/* ---- timeline ---------------------------------------------------------------------------------------------------- */

/* Collects slices of the traced ranks for a picture of who does what when. */
typedef struct MoeTimeline MoeTimeline;

MoeTimeline *moe_timeline_new(void);
void moe_timeline_free(MoeTimeline *timeline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeTimeline, moe_timeline_free)
/* Adds a slice; a MoeSliceFunc whose user_data is the MoeTimeline. */
void moe_timeline_slice(const MoeSlice *slice, gpointer timeline);
/* gnuplot data blocks: one per kind of work (lane, from ms, to ms); then the names of operations that fit into their
 * boxes in a picture `width` points wide (lane, middle ms, name, shade of the box: 0 light, 1 dark, 2 idle time); then
 * the lanes' names. Only what overlaps [from, to]; `to` 0 is the end of the step. Boxes of one kind that are too narrow
 * to be seen become one. */
char *moe_timeline_data(const MoeTimeline *timeline, MoeTime from, MoeTime to, int width);

/* ---- findings ---------------------------------------------------------------------------------------------------- */

/* Rows for plots/waterfall.gp: label, upper %, lower %, by order-averaged shares. */
char *moe_plot_explanation_data(const MoeExplanation *explanation);
/* Rows for plots/sensitivity.gp: key, MFU % low, MFU % high, MFU % as is, values; the last block holds P10, P50, P90 in
 * %. */
char *moe_plot_sensitivity_data(const MoeSensitivity *sensitivity);
/* Rows for plots/collective.gp: bytes, bus bandwidth in GB/s. */
char *moe_plot_collective_data(const MoeCollTiming *timings, guint n);
/* gnuplot data blocks, one per family of cases: published and predicted step time in seconds. */
char *moe_plot_validation_data(const MoeValidation *validation);
/* A whole SVG: NVLink domains, leaves and spine, each coloured by its most used link. */
char *moe_plot_fabric_svg(const MoeFabricLoad *load);

/* Of a posterior file (moesim infer -o), for plots/posterior.gp: unknowns with most bits first (key, bits, P10 to P90
 * of a range), then a block of boxes (row, from, to, height, height before, name of a value). NULL and *error. */
char *moe_plot_posterior_data(const char *path, GError **error);
/* For plots/predictions.gp: row, P10, P50, P90 and the best set in % of what was published, held out. Rows of which
 * nothing was published are left out. NULL and *error. */
char *moe_plot_predictions_data(const char *path, GError **error);

G_END_DECLS

#endif
