/* Private to certainty: residuals as they were read. */
#ifndef MOESIM_CERTAINTY_INTERNAL_H
#define MOESIM_CERTAINTY_INTERNAL_H

#include "certainty/certainty.h"
#include "doc/doc.h"

/* Cases of one family, kind, accelerator, model and software. */
typedef struct {
  const char *family, *kind, *gpu, *model, *stack; /* the last two may be NULL: not said */
  double training_rate;                            /* of the accelerator; 0 = not said */
  guint n;
  double *ratio;
  double *gpus, *waiting; /* [n]; NULL = not said */
} MoeResidualGroup;

/* Published over predicted peaks of memory of one family and kind. */
typedef struct {
  const char *family, *kind;
  guint n;
  double *ratio;
} MoeMemoryGroup;

struct MoeResiduals {
  MoeDoc *doc;
  guint n_groups, n_memory;
  MoeResidualGroup *group;
  MoeMemoryGroup *memory;
};

/* Whose error is asked for. */
typedef struct {
  const MoeRun *run;  /* it; NULL: a case of `family` */
  const char *family; /* of that case */
  const char *kind, *gpu;
  double gpus, waiting; /* 0, NaN = not known: any number is as near */
  double busy;          /* share of the step in which the accelerator's rate counts */
} MoeErrorSubject;

/* A family is called like the file of its cases, aws-ep, or like the runs in it: mai-base-1 has mai-base-1/v5. */
gboolean moe_is_own_family(const char *family, const MoeRun *run);
/* The text of a residuals file, read. */
MoeResiduals *moe_residuals_parse(const char *text, GError **error);
/* model_error.c: the distribution for a subject. */
void moe_subject_error(const MoeResiduals *residuals, const MoeErrorSubject *subject, MoeModelError *error);
/* Label of an architecture by its printed section. Caller frees. */
char *moe_model_label_of(const char *architecture);

#endif
