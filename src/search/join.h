/*
 * join: one ranking of the searches of one run on several clusters. Part of search (floor 10).
 */
#ifndef MOESIM_SEARCH_JOIN_H
#define MOESIM_SEARCH_JOIN_H

#include <moesim/search.h>

G_BEGIN_DECLS

/* What several searches of the same options ranked, best first by the objective: each cluster's own MFU, the step, its
 * cost, or for the fewest GPUs these and then the step. Takes the candidates out of the parts (NULL: a cluster without
 * an answer; not all may be), which stay the caller's; counts are sums over the parts. The run's own layout belongs to
 * one cluster and is left out. */
MoeSearchResult *moe_search_join(MoeSearchResult *const *parts, guint n, guint top);

G_END_DECLS

#endif
