/* Inside the reading of profiles: what all kinds of traces have in common. */
#ifndef MOESIM_MEASURED_PROFILE_READ_H
#define MOESIM_MEASURED_PROFILE_READ_H

#include "measured/profile.h"
#include "notation/json.h"

/* A thread of the host at a time, in any unit: a launch, or the whole of a framework's product. */
typedef struct {
  int64_t thread;
  double start, end;
  int64_t m, n, k, batch; /* of the product; 0: not known */
  const char *type;       /* the profile's; NULL not known */
} OnHost;

typedef struct {
  MoeProfile *profile;
  const MoeSeenTable *table;
  GArray *operations;              /* of OnHost: the framework's products, by thread and start once all are there */
  GHashTable *launched;            /* correlation -> OnHost of the launch, which it owns */
  GArray *steps;                   /* of double, seconds */
  GArray *costs[MOE_N_SEEN_COSTS]; /* of double, seconds, in the order of the trace */
  GArray *waits;                   /* of OnHost, seconds: calls that wait for the GPU */
} ProfileReader;

void profile_reader_init(ProfileReader *reader, const MoeSeenTable *table);
void profile_reader_clear(ProfileReader *reader);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ProfileReader, profile_reader_clear)

/* A text that lives as long as the profile, bytes that are no UTF-8 replaced; NULL of NULL. */
const char *profile_keep(const ProfileReader *reader, const char *text);
/* The framework's operation `name` with its operands' sizes, lists of lists, and types, either may be NULL. FALSE when
 * it is no product; one of unknown shape is. */
gboolean profile_product(const ProfileReader *reader, const char *name, JsonArray *sizes, JsonArray *types,
                         OnHost *operation);
void profile_add_operation(ProfileReader *reader, const OnHost *operation);
void profile_add_launch(ProfileReader *reader, int64_t correlation, const OnHost *launch);
/* Once all operations and launches are there. */
void profile_order(ProfileReader *reader);
/* A call of the GPU's interface on the host. */
void profile_add_call(ProfileReader *reader, const char *name, double start_s, double duration_s);
/* A kernel with its class, and its shape where the launch of `correlation` lies in a product. */
MoeSeenKernel profile_kernel(const ProfileReader *reader, const char *name, int64_t correlation);
/* Sums over all kernels; takes the profile out of the reader. NULL and *error when there are none, or no
 * times that make sense. */
MoeProfile *profile_finish(ProfileReader *reader, const char *name, GError **error);

/* profile_nsight.c: whether the bytes at the begin of a file are those of a database; and one at a path. */
gboolean profile_is_nsight(const guchar *bytes, gsize n);
MoeProfile *profile_load_nsight(const char *path, const MoeSeenTable *table, GError **error);

#endif
