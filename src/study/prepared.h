/* Inside study: a run made ready to simulate. */
#ifndef MOESIM_STUDY_PREPARED_H
#define MOESIM_STUDY_PREPARED_H

#include "study/study.h"

typedef struct {
  MoeTopo *topo;
  MoeCostModel *cost;
  MoeProgram *program;
} MoePrepared;

/* For the step that `options` (its seed and step) names. FALSE and *error when machine, constants or layout are wrong;
 * what was made is freed by clear. */
gboolean moe_prepare(const MoeRun *run, const MoeSimOptions *options, MoePrepared *prepared, GError **error);
void moe_prepared_clear(MoePrepared *prepared);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoePrepared, moe_prepared_clear)

#endif
