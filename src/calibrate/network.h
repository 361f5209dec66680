/*
 * network: fits the collective constants of a fabric (MoeCollectiveFit) to published collective and message
 * times, and says how well they hold on rows that were not fitted. Part of calibrate (floor 5); uses doc, spec, topo
 * and coll.
 *
 * Measurements are files like validation/measured/{collectives,expert,p2p}.yaml. Rows are divided in two by a hash of
 * system, operation, size of the group and bytes; constants are fitted on one half and residuals reported on both. A
 * row belongs to the fabric of the domain when its group lies in one, else to that of the network; domains are fitted
 * first. Nothing is random.
 */
#ifndef MOESIM_CALIBRATE_NETWORK_H
#define MOESIM_CALIBRATE_NETWORK_H

#include "coll/coll.h"
#include "spec/spec.h"

G_BEGIN_DECLS

/* What a series measures. */
typedef enum { MOE_NETWORK_COLLECTIVES, MOE_NETWORK_EXPERT, MOE_NETWORK_SENDS, MOE_N_NETWORK_PARTS } MoeNetworkPart;

/* One fabric: a file in clusters/fabrics/ and its constants. */
typedef struct {
  const char *name;
  gboolean network; /* between domains; else inside one */
  MoeCollectiveFit fit;
  guint seen; /* bits of the constants that were fitted, in the order of moe_network_fabric_print */
} MoeNetworkFabric;

/* Rows of one system alike but for the bytes. */
typedef struct {
  const char *id, *system, *source, *algorithm; /* algorithm NULL: as the library chooses */
  MoeNetworkPart part;
  int64_t gpus;
  gboolean size_stated; /* FALSE: a peak without its message size */
  MoeCollective collective;
  MoeStackCollectives stack;
  MoeCluster cluster;                          /* its fits are those of the fabrics below */
  guint domain_fabric, network_fabric, fabric; /* indices; `fabric` is the one the rows belong to */
  MoeTopo *topo;
  int64_t *members; /* [gpus] */
} MoeNetworkSeries;

typedef struct {
  guint series;
  double bytes, measured_s;
  gboolean fitted; /* FALSE: in the half kept for judging */
  MoeMark mark;
} MoeNetworkRow;

typedef struct {
  guint n_series, n_rows;
  MoeNetworkSeries *series;
  MoeNetworkRow *rows;
  GArray *fabrics;      /* MoeNetworkFabric */
  GPtrArray *libraries; /* MoeExpertLibrary, owned: copies of the rows that the series name */
  GPtrArray *docs;      /* MoeDoc, own all strings */
} MoeNetworkCalibration;

/* Median and 90th percentile of |predicted / measured - 1| over rows. */
typedef struct {
  guint rows;
  double median, p90;
} MoeNetworkResidual;

/* Reads measurement files; clusters are looked up in `data_dir`. NULL and *error on bad input. */
MoeNetworkCalibration *moe_network_calibration_load(const char *const *paths, const char *data_dir, GError **error);
void moe_network_calibration_free(MoeNetworkCalibration *calibration);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeNetworkCalibration, moe_network_calibration_free)

/* Time of a row with the present constants, alone on the machine. */
double moe_network_predict_s(const MoeNetworkCalibration *calibration, const MoeNetworkRow *row);
/* Fits one fabric to its rows of collectives and sends; others stay. Nothing happens when it has none. */
void moe_network_fit(MoeNetworkCalibration *calibration, guint fabric);
/* Fits one expert library (an index of `libraries`) to its dispatches and combines; fabrics stay. */
void moe_network_fit_library(MoeNetworkCalibration *calibration, guint library);
/* YAML text of a library's constants. Caller frees. */
char *moe_network_library_print(const MoeExpertLibrary *library);
/* Fits all: domains, then networks, then expert libraries. */
void moe_network_fit_all(MoeNetworkCalibration *calibration);

/* Residual over rows of one part (MOE_N_NETWORK_PARTS = all), one fabric (G_MAXUINT = all) and one half. */
MoeNetworkResidual moe_network_residual(const MoeNetworkCalibration *calibration, MoeNetworkPart part, guint fabric,
                                        gboolean fitted);
/* YAML text of a fabric's constants. Caller frees. */
char *moe_network_fabric_print(const MoeNetworkFabric *fabric);

G_END_DECLS

#endif
