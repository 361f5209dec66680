/*
 * page: one run as one self-contained page - answer with its interval, waterfall, timeline, memory, scale,
 * comparison with other runs, layout, assumptions, sensitivity, training, sources. Part of figure (floor 13).
 *
 * The page is well-formed XML as well as HTML 5, holds its figures as inline SVG and its style in its head, and loads
 * nothing and runs nothing. Every text that comes from a file is escaped.
 */
#ifndef MOESIM_FIGURE_PAGE_H
#define MOESIM_FIGURE_PAGE_H

#include "figure/plot.h"
#include <moesim/explain.h>
#include <moesim/goodput.h>
#include <moesim/report.h>
#include <moesim/sensitivity.h>

G_BEGIN_DECLS

typedef struct {
  const MoeRun *run;
  const MoeResult *result;           /* of `run` */
  const MoeSensitivity *sensitivity; /* NULL: the section is left out */
  const MoeGoodput *goodput;         /* NULL: the section is left out */
  const MoeTimeline *timeline;       /* slices of some ranks; NULL: the section is left out */
  const MoeScaleSeries *scale;       /* the run on other numbers of GPUs, and so its rivals; */
  guint n_scale;                     /* 0: the section is left out */
  const GPtrArray *rivals;           /* MoeResult, other runs to compare; NULL: the section is left out */
  const char *version;               /* of the program, for the foot */
} MoePage;

/* The page as text; the caller frees. */
char *moe_page_html(const MoePage *page);

G_END_DECLS

#endif
