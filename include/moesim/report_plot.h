/*
 * report_plot: figures, drawn by gnuplot from a template and a data file.
 * Part of report (floor 9).
 *
 * A figure of kind K is plots/K.gp applied to tab-separated data. The data is kept beside the picture (FILE.png ->
 * FILE.dat), so that anyone can draw it again or otherwise. Templates get the variables `data`, `title` and `source`;
 * plots/style.gp holds fonts, grid and the palette (Okabe & Ito 2008, distinguishable with any colour vision).
 */
#ifndef MOESIM_REPORT_PLOT_H
#define MOESIM_REPORT_PLOT_H

#include <moesim/report.h>

G_BEGIN_DECLS

typedef struct {
  const char *kind;      /* "scale": names the template */
  const char *templates; /* folder of the templates */
  const char *path;      /* result; suffix .png, .svg or .pdf */
  const char *title;
  const char *source; /* small print below the figure; NULL for none */
} MoeFigure;

/* Whether a figure can be drawn at all: the suffix is known, gnuplot and the template are there. Worth asking before
 * hours of work. */
gboolean moe_figure_check(const MoeFigure *figure, GError **error);
/* Writes the data file and draws. Both files appear whole or not at all. FALSE and *error when moe_figure_check
 * fails, gnuplot does, or a file cannot be written. */
gboolean moe_figure_draw(const MoeFigure *figure, const char *data, GError **error);

/* Points of one line of a scale figure. */
typedef struct {
  char *label;        /* "mai-base-1/v5 on gb200-nvl72" */
  GPtrArray *results; /* MoeResult, ascending in GPUs; not owned */
} MoeScaleSeries;

/* gnuplot data blocks, one per series: GPUs, MFU causal in %, MFU full in %, 1 when it fits memory; then one block with
 * the published points. */
char *moe_plot_scale_data(guint n, const MoeScaleSeries *series);
/* Rows: label, predicted %, published % (NaN when none), in the convention of the publication. */
char *moe_plot_ladder_data(const GPtrArray *results);
/* Rows: label, upper %, lower % of the step, from 100 % down to the MFU; largest loss first, invisibly small ones
 * together. */
char *moe_plot_waterfall_data(const MoeResult *result);
/* One result: rows by pipeline stage; several: a row each. Columns: label, GB by part, capacity in GB. */
char *moe_plot_memory_data(const GPtrArray *results);
/* Rows: label, then the percent of the step of each cause; header row of cause titles. */
char *moe_plot_strategies_data(const GPtrArray *results);

/* ---- timeline ---------------------------------------------------------------------------------------------------- */

/* Collects slices of the traced ranks for a picture of who does what when. */
typedef struct MoeTimeline MoeTimeline;

MoeTimeline *moe_timeline_new(void);
void moe_timeline_free(MoeTimeline *timeline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeTimeline, moe_timeline_free)
/* Adds a slice; a MoeSliceFunc whose user_data is the MoeTimeline. */
void moe_timeline_slice(const MoeSlice *slice, gpointer timeline);
/* gnuplot data blocks: one per kind of work (lane, from ms, to ms), then one with the lanes' names. Only what overlaps
 * [from, to]; `to` 0 is the end of the step. Neighbours of one kind that are closer than a pixel become one box. */
char *moe_timeline_data(const MoeTimeline *timeline, MoeTime from, MoeTime to);

G_END_DECLS

#endif
