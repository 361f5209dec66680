/*
 * Dispatch and combine: tokens to the ranks of their experts and back, as the row of the library says
 * (spec/expert_library.h).
 *
 * Copies per token are expectations under balanced random routing (copies.c). Node-limited libraries send one copy per
 * destination domain over the sender's own rail, then forward one copy per destination rank over NVLink: both legs are
 * charged. Pairwise libraries send one copy per chosen expert. A combine moves the same bytes the other way, reduced
 * inside the domain first where dispatch forwarded. Where SMs carry the copies, they also cost SM time: fewer SMs are
 * slower.
 */
#include "internal.h"

/* Sets .share and .padding to 1 where the program left them out. */
static double scaled_bytes(const MoeCollective *c)
{
  return c->bytes * (c->padding > 0 ? c->padding : 1);
}
static double expert_share(const MoeCollective *c)
{
  return c->share > 0 ? c->share : 1;
}

static const MoeExpertLibrary *library_of(const MoeCollRequest *request)
{
  const MoeStackCollectives *stack = request->stack;

  return stack->library ? stack->library : moe_expert_library(stack->expert_library);
}

/* Least time that the library's SMs take to move `copies` of each token, a copy between domains counting `hop` times
 * and the token itself `token` times. */
static double sm_limit_s(const MoeCollRequest *request, const MoeExpertLibrary *library, double copies, double between)
{
  const MoeCollective *c = request->collective;
  double hop = library->hop[c->kind == MOE_COMBINE];

  if (library->sm_bytes_per_s <= 0 || c->row_bytes <= 0 || request->stack->sms_expert <= 0)
    return 0;
  double row_s = library->row_s + c->row_bytes / library->sm_bytes_per_s;
  return scaled_bytes(c) / c->row_bytes * (library->token + copies + hop * between) * row_s /
         (double)request->stack->sms_expert;
}

static double nvlink_share(const MoeExpertLibrary *library, const MoeCollective *c)
{
  return library->nvlink_share * (c->kind == MOE_COMBINE && library->combine > 0 ? library->combine : 1);
}

/* Node-limited, rail-aligned exchange with one copy per domain and one per rank. */
static void node_limited(const MoeCollRequest *request, const MoeExpertLibrary *library, MoeCollWork *work)
{
  const MoeCollective *c = request->collective;
  double d = (double)request->per_domain, h = (double)request->domains;
  double ranks = moe_coll_expected_parts(c, request->n, expert_share(c));
  double domains = moe_coll_expected_parts(c, request->domains, expert_share(c));

  moe_coll_set_bytes(work, scaled_bytes(c) * ranks * (d - 1) / d, scaled_bytes(c) * domains * (h - 1) / h);
  work->nvlink_share = nvlink_share(library, c);
  work->network_share = library->network_share;
  work->limit_s = sm_limit_s(request, library, ranks, request->domains > 1 ? domains : 0);
  if (request->domains > 1)
    work->steps_s = moe_topo_latency(request->topo, request->reach);
  work->leaf_share = request->pair_leaf;
  work->scattered = TRUE;
}

/* Copies to each other member: one per chosen expert there, or one in all. */
static double copies_each(const MoeCollRequest *request)
{
  const MoeCollective *c = request->collective;

  if (request->stack->deduplicate)
    return moe_coll_expected_parts(c, request->n, expert_share(c)) / (double)request->n;
  return (double)c->top_k * expert_share(c) / (double)request->n;
}

/* Exchange with each member for itself; between domains over the destination's rail where there are rails. */
static void pairwise(const MoeCollRequest *request, const MoeExpertLibrary *library, MoeCollWork *work)
{
  gboolean aligned = request->domains > 1 && request->per_domain > 1 && request->cluster->network.rails > 0;

  moe_coll_pairwise(request, work, scaled_bytes(request->collective) * copies_each(request), aligned);
  if (library->nvlink_share > 0)
    work->nvlink_share = nvlink_share(library, request->collective);
}

/* Counts of every expert, told to all members; its time is that of the library's kernel, whatever the counts. */
static void notify(const MoeCollRequest *request, const MoeExpertLibrary *library, MoeCollWork *work)
{
  double d = (double)request->per_domain, h = (double)request->domains, bytes = request->collective->bytes;

  moe_coll_set_bytes(work, bytes * (d - 1) / d, bytes * (h - 1) / h);
  work->nvlink_share = library->nvlink_share;
  work->network_share = library->network_share;
  work->floor_s = request->domains > 1 ? library->notify_s[0] : 0;
}

static gboolean expert_work(const MoeCollRequest *request, MoeCollWork *work)
{
  const MoeExpertLibrary *library = library_of(request);
  int combine = request->collective->kind == MOE_COMBINE;

  *work = (MoeCollWork){.reduces = combine};
  if (!library || (request->domains > 1 && !library->crosses_domains))
    return FALSE;
  if (request->collective->notifies == MOE_NOTIFY_ALONE) {
    notify(request, library, work);
    return TRUE;
  }
  if (library->route == MOE_EXPERT_NODE_LIMITED)
    node_limited(request, library, work);
  else
    pairwise(request, library, work);
  if (library->registers_floor)
    work->floor_s = request->domains > 1 ? library->network_floor_s[combine] : library->floor_s[combine];
  if (request->domains > 1 && request->collective->notifies == MOE_NOTIFY_WITHIN)
    work->floor_s += library->notify_s[combine];
  work->sms = request->stack->sms_expert;
  return TRUE;
}

const char *moe_coll_expert_name(const MoeCollRequest *request)
{
  return library_of(request)->name;
}

const MoeCollAlgorithm moe_coll_expert = {"expert", MOE_COLL_BIT(MOE_DISPATCH) | MOE_COLL_BIT(MOE_COMBINE),
                                          MOE_COLL_AUTOMATIC, expert_work};
