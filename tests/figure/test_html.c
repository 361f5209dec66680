/* The page: well-formed, self-contained, escaped, complete. */
#include "moetest.h"
#include "sample_result.h"

#include "figure/page.h"

#include <string.h>

/* What a parse saw. */
typedef struct {
  GString *text; /* all character data */
  GHashTable *ids;
  guint svgs, rects, scripts, references; /* references: attributes that make a browser load something */
} Seen;

static void on_start(GMarkupParseContext *context, const char *element, const char **names, const char **values,
                     gpointer user_data, GError **error)
{
  static const char *const loading[] = {"src", "href", "srcset", "data", "action", NULL};
  Seen *seen = user_data;

  (void)context;
  (void)error;
  seen->svgs += strcmp(element, "svg") == 0;
  seen->rects += strcmp(element, "rect") == 0;
  seen->scripts += strcmp(element, "script") == 0;
  for (; *names; names++, values++) {
    if (strcmp(*names, "id") == 0)
      g_hash_table_add(seen->ids, g_strdup(*values));
    seen->references += g_strv_contains(loading, *names) && strcmp(*values, "data:,") != 0;
    seen->scripts += g_str_has_prefix(*names, "on");
  }
}

static void on_text(GMarkupParseContext *context, const char *text, gsize length, gpointer user_data, GError **error)
{
  (void)context;
  (void)error;
  g_string_append_len(((Seen *)user_data)->text, text, (gssize)length);
}

static void seen_clear(Seen *seen)
{
  g_string_free(seen->text, TRUE);
  g_hash_table_unref(seen->ids);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Seen, seen_clear)

static void see(const char *html, Seen *seen)
{
  const GMarkupParser parser = {.start_element = on_start, .text = on_text};
  g_autoptr(GError) error = NULL;
  GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, seen, NULL);

  *seen = (Seen){.text = g_string_new(NULL), .ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
  gboolean good =
      g_markup_parse_context_parse(context, html, -1, &error) && g_markup_parse_context_end_parse(context, &error);

  ck_assert_msg(good, "%s", error ? error->message : "");
  g_markup_parse_context_free(context);
}

static MoeRun *load(const char *const *sets)
{
  g_autofree char *path = moetest_path("models/mai-base-1/v5.yaml");
  g_autofree char *data = moetest_path(".");
  MoeRunOptions options = {.sets = sets, .data_dir = data};
  g_autoptr(GError) error = NULL;
  MoeRun *run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  return run;
}

static MoeSensitivity one_swing(MoeResult *result, MoeSwing *swing)
{
  *swing = (MoeSwing){.key = (char *)"stack.host.sync",
                      .why = (char *)"not measured",
                      .low = (char *)"50 us",
                      .high = (char *)"10 us",
                      .mfu_low = 0.4,
                      .mfu_high = 0.6};
  return (MoeSensitivity){
      .result = result, .n_samples = 10, .mfu_causal = {0.41, 0.5, 0.59}, .n_swings = 1, .swings = swing};
}

START_TEST(test_page_is_whole)
{
  static const char *const ids[] = {"answer",  "waterfall",   "memory",      "layout",
                                    "machine", "assumptions", "sensitivity", "sources"};
  static const char *const words[] = {"MFU 50.0 % causal, 75.0 % full",
                                      "predicted +10.0 points",
                                      "exposed network",
                                      "does not fit",
                                      "1 x 64 x 1 x 128",
                                      "training.precision.lm_head",
                                      "stack.host.sync",
                                      "P10 41.0 %",
                                      "40.0 to 60.0 %"};
  g_autoptr(MoeRun) run = load(NULL);
  g_autoptr(MoeResult) result = sample_published();
  MoeSwing swing;
  MoeSensitivity sensitivity = one_swing(result, &swing);
  MoePage page = {.run = run, .result = result, .sensitivity = &sensitivity, .version = "1"};
  g_autofree char *html = moe_page_html(&page);
  g_auto(Seen) seen;

  see(html, &seen);
  for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
    ck_assert_msg(g_hash_table_contains(seen.ids, ids[i]), "no section %s", ids[i]);
  for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
    ck_assert_msg(strstr(seen.text->str, words[i]) != NULL, "no text '%s'", words[i]);
  ck_assert_uint_eq(seen.svgs, 3);
  ck_assert_uint_eq(seen.scripts, 0);
  ck_assert_uint_eq(seen.references, 0);
}
END_TEST

/* Timeline, other sizes and other runs: drawn when given. */
START_TEST(test_charts_are_drawn)
{
  static const char *const ids[] = {"timeline", "scale", "comparison"};
  static const char *const words[] = {"rank 0 compute", "backward, weights", "on lab", "does not fit memory",
                                      "P10 to P90"};
  g_autoptr(MoeRun) run = load(NULL);
  g_autoptr(MoeResult) result = sample_published();
  g_autoptr(GPtrArray) list = sample_list(sample_result(), sample_published());
  g_autoptr(MoeTimeline) timeline = moe_timeline_new();
  MoeSlice slice = {.name = "qkv", .pass = MOE_PASS_WGRAD, .end = 1000000};
  MoeSwing swing;
  MoeSensitivity sensitivity = one_swing(result, &swing);
  MoeScaleSeries series = {(char *)"on lab", list};
  MoePage page = {.run = run,
                  .result = result,
                  .sensitivity = &sensitivity,
                  .timeline = timeline,
                  .scale = &series,
                  .n_scale = 1,
                  .rivals = list,
                  .version = "1"};
  g_auto(Seen) seen;

  ((MoeResult *)g_ptr_array_index(list, 1))->gpus = 16;
  moe_timeline_slice(&slice, timeline);
  g_autofree char *html = moe_page_html(&page);

  see(html, &seen);
  for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
    ck_assert_msg(g_hash_table_contains(seen.ids, ids[i]), "no section %s", ids[i]);
  for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
    ck_assert_msg(strstr(seen.text->str, words[i]) != NULL, "no text '%s'", words[i]);
  ck_assert_uint_eq(seen.svgs, 7); /* waterfall, timeline, memory, scale, a waterfall per rival, tornado */
  ck_assert_uint_eq(seen.scripts, 0);
  ck_assert_uint_eq(seen.references, 0);
}
END_TEST

START_TEST(test_sections_without_content_are_left_out)
{
  g_autoptr(MoeRun) run = load(NULL);
  g_autoptr(MoeResult) result = sample_result();
  MoePage page = {.run = run, .result = result, .version = "1"};
  g_autofree char *html = moe_page_html(&page);
  g_auto(Seen) seen;

  see(html, &seen);
  ck_assert(!g_hash_table_contains(seen.ids, "sensitivity"));
  ck_assert(!g_hash_table_contains(seen.ids, "training"));
  ck_assert_ptr_null(strstr(seen.text->str, "published MFU"));
}
END_TEST

START_TEST(test_texts_of_files_are_escaped)
{
  static const char *const sets[] = {"title=\"<script>alert(1)</script> & <b title='x'>\"",
                                     "source=\"</td></table><img src=x onerror=alert(1)>\"", NULL};
  g_autoptr(MoeRun) run = load(sets);
  g_autoptr(MoeResult) result = sample_result();
  MoePage page = {.run = run, .result = result, .version = "1"};

  g_free(result->cluster);
  result->cluster = g_strdup("a\x01<svg onload='x'>\xff");
  g_autofree char *html = moe_page_html(&page);
  g_auto(Seen) seen;

  see(html, &seen);
  ck_assert_uint_eq(seen.scripts, 0);
  ck_assert_uint_eq(seen.references, 0);
  ck_assert_ptr_nonnull(strstr(seen.text->str, "<script>alert(1)</script> & <b title='x'>"));
  ck_assert_ptr_nonnull(strstr(seen.text->str, "<img src=x onerror=alert(1)>"));
  ck_assert_ptr_null(strchr(html, 1));
}
END_TEST

/* Bars of the waterfall: peak, each cause that takes time, what is left. */
START_TEST(test_waterfall_has_a_bar_per_cause)
{
  g_autoptr(MoeRun) run = load(NULL);
  g_autoptr(MoeResult) result = sample_result();
  MoePage page = {.run = run, .result = result, .version = "1"};

  result->memory.n_roles = 0;
  g_autofree char *html = moe_page_html(&page);
  g_auto(Seen) seen;

  see(html, &seen);
  ck_assert_uint_eq(seen.rects, 5);
}
END_TEST

MOE_TEST_MAIN("figure/html", test_page_is_whole, test_charts_are_drawn, test_sections_without_content_are_left_out,
              test_texts_of_files_are_escaped, test_waterfall_has_a_bar_per_cause)
