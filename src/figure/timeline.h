/* Boxes of a timeline, for whoever draws them. Private to figure. */
#ifndef MOESIM_FIGURE_TIMELINE_H
#define MOESIM_FIGURE_TIMELINE_H

#include "base/base.h"
#include "figure/plot.h"

/* What a box shows. Kernels by pass, transfers, copies, and the compute stream's idle time by what it waits for. */
typedef enum {
  KIND_FORWARD,
  KIND_DGRAD,
  KIND_WGRAD,
  KIND_RECOMPUTE,
  KIND_OPTIMIZER,
  KIND_NVLINK,
  KIND_NETWORK,
  KIND_COPY,
  KIND_BUBBLE,
  KIND_IDLE,
  N_KINDS,
} Kind;

extern const char *const timeline_kind_titles[N_KINDS];

typedef struct {
  gint64 lane; /* rank * MOE_N_STREAMS + stream */
  Kind kind;
  const char *name; /* interned; NULL: several operations in one box */
  MoeTime start, end;
  double low, high; /* of the lane's height: 0 and 1, or the share of time that the kind has where many are too narrow
                       to be seen */
} Box;

struct MoeTimeline {
  GArray *boxes; /* of Box, as they came */
};

/* Boxes of [from, to] cut to it, by kind, lane and time. Where boxes are narrower than some `pixel`s of time, columns
 * show what share of the time each kind has. Caller frees. */
GArray *timeline_boxes(const MoeTimeline *timeline, MoeTime from, MoeTime to, MoeTime pixel);
/* Their lanes in order, of gint64; and the place of a lane in them. */
GArray *timeline_lanes(const GArray *boxes);
guint timeline_lane(const GArray *lanes, gint64 lane);
/* "rank 8 dispatch, combine"; caller frees. */
char *timeline_lane_title(gint64 lane);
/* When the last slice ends. */
MoeTime timeline_end(const MoeTimeline *timeline);

#endif
