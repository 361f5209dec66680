/* What MAI-Base-1 v5 sends, from the program and the planner: the report's own arithmetic, nothing written down. */
#include "study/study.h"
#include <moetest.h>

#include <math.h>

#define GB 1e9

static MoeResult *predict(const char *variant)
{
  g_autofree char *path = moetest_path("models/mai-base-1/v5.yaml");
  g_autofree char *root = moetest_path(".");
  const MoeRunOptions options = {.variant = variant, .data_dir = root};
  g_autoptr(GError) error = NULL;
  MoeResult *result = moe_study_predict_file(path, &options, NULL, &error);

  ck_assert_msg(result, "%s", error ? error->message : "");
  return result;
}

/* ZeRO-2: expert gather 29.4 GB and scatter 58.9 GB, non-expert 1.9 GB; ZeRO-3 gathers the experts once more. */
START_TEST(test_network_bytes)
{
  g_autoptr(MoeResult) after = predict("after"), before = predict("before");
  double zero2 = after->traffic_network_bytes, zero3 = before->traffic_network_bytes;

  ck_assert_msg(fabs(zero2 - 90 * GB) < 2 * GB, "%.1f GB", zero2 / GB);
  ck_assert_msg(fabs(zero3 - zero2 - 29.4 * GB) < 2 * GB, "%.1f GB more", (zero3 - zero2) / GB);
}
END_TEST

/* 185 GB of expert all-to-all with recomputation, 39.9 GB of gathered and 79.8 GB of scattered non-expert weights. */
START_TEST(test_nvlink_bytes)
{
  g_autoptr(MoeResult) result = predict("after");

  ck_assert_msg(fabs(result->traffic_nvlink_bytes - (185 + 39.9 + 79.8) * GB) < 4 * GB, "%.1f GB",
                result->traffic_nvlink_bytes / GB);
}
END_TEST

MOE_TEST_MAIN("study/traffic", test_network_bytes, test_nvlink_bytes)
