/* measured: MFU of a step that somebody measured, or replayed. Part of report (floor 12). Every text is the caller's to
 * free. */
#ifndef MOESIM_REPORT_MEASURED_H
#define MOESIM_REPORT_MEASURED_H

#include "metrics/metrics.h"
#include "replay/replay.h"
#include <moesim/report.h>

G_BEGIN_DECLS

/* A measured run; `causal` and `full` are model FLOPs per token by convention, 0 where they are not told apart. */
typedef struct {
  MoeMeasuredRun measured;
  double causal, full;
} MoeMeasuredQuestion;

char *moe_report_measured_table(const MoeMeasuredQuestion *question, MoeSheet sheet);
char *moe_report_measured_json(const MoeMeasuredQuestion *question);

/* A trace replayed on a cluster; `run` is the one that it was exported from, NULL for traces of others. */
char *moe_report_replay_table(const MoeReplay *replay, const MoeCluster *cluster, const MoeRun *run, MoeSheet sheet);
char *moe_report_replay_json(const MoeReplay *replay, const MoeCluster *cluster, const MoeRun *run);

G_END_DECLS

#endif
