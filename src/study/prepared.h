/* Inside study: a run made ready to simulate. */
#ifndef MOESIM_STUDY_PREPARED_H
#define MOESIM_STUDY_PREPARED_H

#include "study/study.h"

typedef struct {
  MoeTopo *topo;
  MoeCostModel *cost;
  MoeProgram *program;
} MoePrepared;

/* FALSE and *error when machine, constants or layout are wrong; what was made is freed by clear. */
gboolean moe_prepare(const MoeRun *run, uint64_t seed, MoePrepared *prepared, GError **error);
void moe_prepared_clear(MoePrepared *prepared);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoePrepared, moe_prepared_clear)

#endif
