/* What the kinds of `moesim plot` share. Private to cli. */
#ifndef MOESIM_CLI_PLOT_H
#define MOESIM_CLI_PLOT_H

#include "certainty/posterior.h"
#include "cli.h"

#include "figure/plot.h"
#include <moesim/sweep.h>

/* As given; texts are NULL and numbers 0 where they were not. */
typedef struct {
  char *output, *title, *clusters, *gpus, *ranks, *window, *variant, *stack;
  char *size, *theme, *measure, *tokens, *attribution, *scaling;
  char **sets, **vary, *posterior_file;
  MoePosterior *posterior; /* read from it */
  gboolean variants, best;
  gint64 seed;
  gint samples, steps;
  gdouble scale;
} MoePlotOptions;

/* What stands around a figure's data. */
typedef struct {
  char *title, *axis, *x_axis, *y_axis; /* set by the kind, freed by the caller */
  GPtrArray *published;                 /* sources of published values, for the small print; owned strings */
  MoeMeasure measure;                   /* --y, or the kind's own */
  double tokens;                        /* --tokens, of the training */
  int width;                            /* of the figure in points */
} MoePlotWords;

/* A kind of figure: from the run files to the data of its template. Returns NULL and *error on failure; may warn. */
typedef struct {
  const char *name;
  const char *summary;
  int least, most;     /* run files; most < 0: any number */
  MoeMeasure measure;  /* without --y; MOE_N_MEASURES: the kind has none to choose */
  const char *options; /* that the kind reads, words between spaces */
  char *(*data)(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error);
} MoePlotKind;

/* The kinds in the order of their names; NULL behind the last. */
const MoePlotKind *moe_plot_kind(guint index);

/* The run options that the plot options imply. Borrowed strings: not to be cleared. */
MoeCliRun moe_plot_run_options(const MoePlotOptions *options);
/* Adds the sources of these results' published values to `words`, each once. */
void moe_plot_note_sources(MoePlotWords *words, const GPtrArray *results);

/* One run at all points of --vary. */
typedef struct {
  MoeSweep *sweep;
  MoeResult **results; /* [sweep->n_points]; NULL: a layout that cannot be, said on stderr */
} MoePlotGrid;

void moe_plot_grid_clear(MoePlotGrid *grid);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoePlotGrid, moe_plot_grid_clear)
/* Predicts every point, in parallel. FALSE and *error when a point fails for another reason than its layout, or all do.
 */
gboolean moe_plot_grid(const char *file, const MoePlotOptions *options, MoePlotGrid *grid, GError **error);
/* Every file at every point of --vary (without it: as it is), owned; points that cannot be are left out. The values
 * stand in place of the variant. */
GPtrArray *moe_plot_points(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error);

/* At each of `sizes` (of int64_t) the result of the best layout that a search finds on the cluster (NULL: the run's
 * own), appended to `results`, which owns them; sizes without one are said on stderr. */
gboolean moe_plot_best(const char *argument, const char *cluster, const GArray *sizes, const MoePlotOptions *options,
                       double tokens, GPtrArray *results, GError **error);

char *moe_plot_heatmap(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error);
char *moe_plot_pareto(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error);
char *moe_plot_posterior(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error);
char *moe_plot_predictions(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error);
char *moe_plot_scale(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error);
char *moe_plot_sensitivity(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error);
char *moe_plot_steps(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error);
char *moe_plot_strategies(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error);
char *moe_plot_timeline(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error);
char *moe_plot_validation(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error);
char *moe_plot_waterfall(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error);

#endif
