/* Sections domain, network and collectives of cluster and stack files: defaults, units, refusals. */
#include "spec/network.h"
#include <moetest.h>

#include <string.h>

static MoeDoc *parse(const char *text)
{
  g_autoptr(GError) error = NULL;
  MoeDoc *doc = moe_doc_parse(text, -1, "c.yaml", NULL, &error);

  ck_assert_msg(doc, "%s", error ? error->message : "");
  return doc;
}

START_TEST(test_domain)
{
  g_autoptr(MoeDoc) doc =
      parse("{gpus: 64, of: 72, bandwidth: 900 GB/s, latency: 1 us, efficiency: 0.83, multicast: true,\n"
            " collectives: {step: 4 us, ring: 0.9, low_latency: 282 GB/s}}");
  g_autoptr(GError) error = NULL;
  MoeDomain domain;

  ck_assert_msg(moe_domain_read(moe_doc_root(doc), &domain, &error), "%s", error ? error->message : "");
  ck_assert_int_eq(domain.of, 72);
  ck_assert_double_eq(domain.bytes_per_s, 900e9);
  ck_assert_double_eq_tol(domain.collectives.step_s, 4e-6, 1e-18);
  ck_assert_double_eq(domain.collectives.ring, 0.9);
  ck_assert_double_eq(domain.collectives.low_latency_bytes_per_s, 282e9);
  ck_assert_double_gt(domain.collectives.floor_s, 0); /* not given: NCCL's */
  ck_assert(domain.multicast);
}
END_TEST

START_TEST(test_domain_is_whole_unless_told)
{
  g_autoptr(MoeDoc) doc = parse("{gpus: 8, bandwidth: 450 GB/s}");
  g_autoptr(GError) error = NULL;
  MoeDomain domain;

  ck_assert(moe_domain_read(moe_doc_root(doc), &domain, &error));
  ck_assert_int_eq(domain.of, 8);
}
END_TEST

START_TEST(test_network)
{
  g_autoptr(MoeDoc) doc =
      parse("{nics_per_gpu: 2, nic: 400 Gbit/s, kind: roce, rdma: staged, staged: 20 GB/s, sharp: true,\n"
            " topology: {kind: fat-tree, tiers: 3, rails: 8, oversubscription: 2, leaf_gpus: 16},\n"
            " latency: {leaf: 2.8 us, spine: 3.7 us},\n"
            " faults: [{what: nic, index: 3, factor: 0.5}, {what: rail, index: 1, factor: 0}]}");
  g_autoptr(GError) error = NULL;
  MoeNetwork network;

  ck_assert_msg(moe_network_read(moe_doc_root(doc), &network, &error), "%s", error ? error->message : "");
  ck_assert_double_eq(network.nic_bytes_per_s, 50e9);
  ck_assert_int_eq(network.kind, MOE_NETWORK_ROCE);
  ck_assert_int_eq(network.rdma, MOE_RDMA_STAGED);
  ck_assert_int_eq(network.tiers, 3);
  ck_assert_int_eq(network.leaf_gpus, 16);
  ck_assert_double_eq(network.oversubscription, 2);
  ck_assert_double_eq_tol(network.spine_latency_s, 3.7e-6, 1e-18);
  ck_assert_double_eq_tol(network.core_latency_s, 4.6e-6, 1e-18);
  ck_assert_double_eq(network.host_latency_s, 0);
  ck_assert_uint_eq(network.n_faults, 2);
  ck_assert_int_eq(network.faults[0].kind, MOE_FAULT_NIC);
  ck_assert_int_eq(network.faults[1].kind, MOE_FAULT_RAIL);
  ck_assert_int_eq(network.faults[1].mark.line, 4);
}
END_TEST

START_TEST(test_stack)
{
  g_autoptr(MoeDoc) deepep = parse("{expert_library: deepep, sms: {expert: 24}, deterministic: true}");
  g_autoptr(MoeDoc) plain = parse("{}");
  g_autoptr(MoeDoc) levels = parse("{communicators: two-level, nccl: 2.30.7}");
  g_autoptr(MoeDoc) older = parse("{communicators: two-level, hierarchical: false, nccl: \"2.8\"}");
  g_autoptr(MoeDoc) pinned = parse("{deterministic: true, algorithms: tuned, symmetric: true}");
  g_autoptr(MoeDoc) rings = parse("{algorithms: ring}");
  g_autoptr(GError) error = NULL;
  MoeStackCollectives stack;

  ck_assert(moe_stack_collectives_read(moe_doc_root(deepep), &stack, &error));
  ck_assert_str_eq(stack.expert_library, "deepep");
  ck_assert(stack.deduplicate && stack.deterministic && stack.rings_only); /* as deterministic modes set NCCL_ALGO */
  ck_assert_int_eq(stack.sms_expert, 24);
  ck_assert(moe_stack_collectives_read(moe_doc_root(pinned), &stack, &error));
  ck_assert(stack.deterministic && !stack.rings_only && stack.symmetric);
  ck_assert(moe_stack_collectives_read(moe_doc_root(rings), &stack, &error));
  ck_assert(!stack.deterministic && stack.rings_only && !stack.symmetric);
  ck_assert(moe_stack_collectives_read(moe_doc_root(plain), &stack, &error));
  ck_assert_str_eq(stack.expert_library, "nccl");
  ck_assert(!stack.deduplicate && !stack.hierarchical && stack.nvls);
  ck_assert_int_eq(stack.nccl, MOE_NCCL_DEFAULT);
  ck_assert(moe_stack_collectives_read(moe_doc_root(levels), &stack, &error));
  ck_assert(stack.hierarchical);
  ck_assert_int_eq(stack.nccl, 23007);
  ck_assert(moe_stack_collectives_read(moe_doc_root(older), &stack, &error));
  ck_assert(!stack.hierarchical);
  ck_assert_int_eq(stack.nccl, 20800);
}
END_TEST

typedef struct {
  gboolean network;
  const char *text, *message;
} Refusal;

static const Refusal refusals[] = {
    {FALSE, "{gpus: 72, of: 64, bandwidth: 900 GB/s}", "c.yaml:1:16: domain.of is 64"},
    {FALSE, "{gpus: 8, bandwidth: 900}", "expected a bandwidth"},
    {FALSE, "{gpus: 8, bandwidth: 900 GB/s, eficiency: 0.8}", "did you mean \"efficiency\""},
    {FALSE, "{gpus: 8, bandwidth: 900 GB/s, efficiency: 1.2}", "c.yaml:1:44"},
    {FALSE, "{gpus: 0, bandwidth: 900 GB/s}", "c.yaml:1:8"},
    {FALSE, "{gpus: 8, bandwidth: 900 GB/s, collectives: {rings: 0.9}}", "did you mean \"ring\""},
    {TRUE, "{nic: 400 Gbit/s, kind: infinband}", "did you mean \"infiniband\""},
    {TRUE, "{nic: 400 Gbit/s, topology: {tiers: 4}}", "c.yaml:1:37"},
    {TRUE, "{nic: 400 Gbit/s, topology: {oversubscription: 0.5}}", "c.yaml:1:48"},
    {TRUE, "{kind: roce}", "nic"},
    {TRUE, "{nic: 400 Gbit/s, latency: {leaf: 4 us, spine: 3.7 us}}",
     "c.yaml:1:48: network.latency.spine is 3.7 us, expected at least network.latency.leaf (4 us)"},
    {TRUE, "{nic: 400 Gbit/s, latency: {leaf: 4 us}}", "c.yaml:1:35: network.latency.spine is 3.7 us"},
    {TRUE, "{nic: 400 Gbit/s, latency: {core: 3 us}}", "c.yaml:1:35: network.latency.core is 3 us"},
    {TRUE, "{nic: 400 Gbit/s, faults: [{what: nic, index: 0, factor: 0}]}", "cuts a GPU off"},
    {TRUE, "{nic: 400 Gbit/s, faults: {what: nic}}", "list"},
    {TRUE, "{nic: 400 Gbit/s, faults: [{what: cable, index: 0, factor: 0.5}]}", "cable"},
};

START_TEST(test_refusals)
{
  const Refusal *refusal = &refusals[_i];
  g_autoptr(MoeDoc) doc = parse(refusal->text);
  g_autoptr(GError) error = NULL;
  MoeDomain domain;
  MoeNetwork network;
  gboolean read = refusal->network ? moe_network_read(moe_doc_root(doc), &network, &error)
                                   : moe_domain_read(moe_doc_root(doc), &domain, &error);

  ck_assert_msg(!read, "%s was read", refusal->text);
  ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_INPUT));
  ck_assert_msg(strstr(error->message, refusal->message), "%s: %s", refusal->text, error->message);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("topo/read");
  TCase *tcase = tcase_create("all");

  tcase_add_test(tcase, test_domain);
  tcase_add_test(tcase, test_domain_is_whole_unless_told);
  tcase_add_test(tcase, test_network);
  tcase_add_test(tcase, test_stack);
  tcase_add_loop_test(tcase, test_refusals, 0, G_N_ELEMENTS(refusals));
  suite_add_tcase(suite, tcase);
  return moetest_run_suite(suite);
}
