/* What the kinds of `moesim plot` share. Private to cli. */
#ifndef MOESIM_CLI_PLOT_H
#define MOESIM_CLI_PLOT_H

#include "cli.h"

#include <moesim/report_plot.h>

typedef struct {
  char *output, *title, *clusters, *gpus, *vary, *ranks, *window, *variant, *stack;
  char **sets;
  gboolean variants;
  gint64 seed;
} MoePlotOptions;

/* A kind of figure: from the run files to the data of its template. Returns NULL and *error on failure; may warn.
 * `title` is set to a title that fits, which the caller frees; `published` collects sources of published values for the
 * small print. */
typedef struct {
  const char *name;
  const char *summary;
  int least, most; /* run files; most < 0: any number */
  char *(*data)(int n, char **files, const MoePlotOptions *options, char **title, GPtrArray *published, GError **error);
} MoePlotKind;

/* The run options that the plot options imply. Borrowed strings: not to be cleared. */
MoeCliRun moe_plot_run_options(const MoePlotOptions *options);
/* Adds the sources of these results' published values to `published`, each once. */
void moe_plot_note_sources(GPtrArray *published, const GPtrArray *results);

char *moe_plot_scale(int n, char **files, const MoePlotOptions *options, char **title, GPtrArray *published,
                     GError **error);
char *moe_plot_sensitivity(int n, char **files, const MoePlotOptions *options, char **title, GPtrArray *published,
                           GError **error);
char *moe_plot_strategies(int n, char **files, const MoePlotOptions *options, char **title, GPtrArray *published,
                          GError **error);

char *moe_plot_timeline(int n, char **files, const MoePlotOptions *options, char **title, GPtrArray *published,
                        GError **error);
char *moe_plot_validation(int n, char **files, const MoePlotOptions *options, char **title, GPtrArray *published,
                          GError **error);
char *moe_plot_waterfall(int n, char **files, const MoePlotOptions *options, char **title, GPtrArray *published,
                         GError **error);

#endif
