/* Private to certainty: residuals as they were read. */
#ifndef MOESIM_CERTAINTY_INTERNAL_H
#define MOESIM_CERTAINTY_INTERNAL_H

#include "certainty/certainty.h"
#include "doc/doc.h"

/* Cases of one family, kind, accelerator, model and software. */
typedef struct {
  const char *family, *kind, *gpu, *model, *stack; /* the last two may be NULL: not said */
  guint n;
  double *ratio;
} MoeResidualGroup;

struct MoeResiduals {
  MoeDoc *doc;
  guint n_groups;
  MoeResidualGroup *group;
};

/* A family is called like the runs in it: mai-base-1 has mai-base-1/v5, bridge has bridge-26.08-dsv3. */
gboolean moe_is_own_family(const char *family, const MoeRun *run);
/* Label of an architecture by its printed section. Caller frees. */
char *moe_model_label_of(const char *architecture);

#endif
