/* Layout strings, and even division. */
#include "moetest.h"

#include "schedule/schedule.h"
#include <string.h>

/* Chunks as text: "E4 4 1mL". */
static char *shown(const MoeChunk *chunks, guint n)
{
  GString *text = g_string_new(NULL);
  int64_t first = 0;

  for (guint i = 0; i < n; i++) {
    ck_assert_int_eq(chunks[i].first, first);
    first += chunks[i].count;
    g_string_append_printf(text, "%s%s%d", i > 0 ? " " : "", chunks[i].embedding ? "E" : "", (int)chunks[i].count);
    for (int64_t m = 0; m < chunks[i].mtp; m++)
      g_string_append_c(text, 'm');
    g_string_append(text, chunks[i].head ? "L" : "");
  }
  return g_string_free(text, FALSE);
}

/* Strings as in Megatron-Core's own description and recipes, and what they unfold to. */
static const struct {
  const char *layout, *chunks;
} good[] = {
    {"Et*4|(t*4|)*14tmL", "E4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 1mL"},
    {"Ettt|(tt|)*3,m|L", "E3 2 2 2 0m 0L"},
    {"E|t*3|(t|)*3tt|m|L", "E0 3 1 1 1 2 0m 0L"},
    {"EtL", "E1L"},
    {"Et||tL", "E1 0 1L"},
    {"E(t|t)*2L", "E1 2 1L"},
    {"E(t(t|)*2)*2tL", "E2 1 2 1 1L"},
    {"Etmm|L", "E1mm 0L"},
    {"Et|*3tL", "E1 0 0 1L"},
    {"E,t,*2,|,t,L", "E2 1L"},
};

START_TEST(test_good)
{
  for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
    g_autofree char *wrong = NULL;
    guint n = 0;
    g_autofree MoeChunk *chunks = moe_chunks_parse(good[i].layout, &n, &wrong);

    ck_assert_msg(chunks != NULL, "%s: %s", good[i].layout, wrong);
    g_autofree char *text = shown(chunks, n);
    ck_assert_str_eq(text, good[i].chunks);
  }
}
END_TEST

static const struct {
  const char *layout, *says;
} bad[] = {
    {"Etx|L", "'x' at character 3, expected E, t, m, L, | or ("},
    {"Et*|L", "'|' at character 4, expected a number after *"},
    {"Et*", "layout ends, expected a number after *"},
    {"Et*0L", "factor at character 4, expected 1 to 65536"},
    {"Et*99999999999999999999L", "factor at character 4"},
    {"E(t|L", "'(' at character 2 is not closed"},
    {"E(t|)L", "'L' at character 6, expected *n after ')'"},
    {"Et)*2L", "')' at character 3, expected E, t, m, L, | or ("},
    {"E((((((((((t)*2)*2)*2)*2)*2)*2)*2)*2)*2)*2L", "expected at most 8 groups"},
    {"E(t*65536)*65536L", "more than 65536 parts"},
    {"((((((((t*16)*16)*16)*16)*16)*16)*16)*16)*16", "more than 65536 parts"},
    {"tEL", "layout has E after t"},
    {"EtmtL", "layout has t after m"},
    {"EEtL", "layout has E twice"},
    {"EtL|L", "layout has L twice"},
    {"Et L", "' ' at character 3"},
    {"E\xc3\xa4L", "byte 0xc3 at character 2"},
};

START_TEST(test_bad)
{
  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    g_autofree char *wrong = NULL;
    guint n = 0;
    g_autofree MoeChunk *chunks = moe_chunks_parse(bad[i].layout, &n, &wrong);

    ck_assert_msg(!chunks && wrong && strstr(wrong, bad[i].says), "%s: %s", bad[i].layout, wrong ? wrong : "read");
  }
}
END_TEST

static const struct {
  const char *layout;
  int layers, mtp;
  const char *says; /* NULL = fits */
} models[] = {
    {"Ett|tmL", 3, 1, NULL},
    {"Ett|tmL", 4, 1, "layout of 3 layers (t), expected the model's 4"},
    {"Ett|tL", 3, 1, "layout of 0 prediction modules (m), expected the model's 1"},
    {"Ettm|mL", 2, 2, "in several chunks"},
    {"tt|tL", 3, 0, "expected it to begin with E"},
    {"|Ett|tL", 3, 0, "expected it to begin with E"},
    {"Et|t", 2, 0, "expected it to end with L"},
    {"", 0, 0, "expected it to begin with E"},
};

START_TEST(test_models)
{
  for (guint i = 0; i < G_N_ELEMENTS(models); i++) {
    g_autofree char *unread = NULL;
    guint n = 0;
    g_autofree MoeChunk *chunks = moe_chunks_parse(models[i].layout, &n, &unread);

    ck_assert_msg(chunks != NULL, "%s: %s", models[i].layout, unread);
    g_autofree char *wrong = moe_chunks_check(chunks, n, models[i].layers, models[i].mtp);
    ck_assert_msg(models[i].says ? wrong && strstr(wrong, models[i].says) : !wrong, "%s: %s", models[i].layout,
                  wrong ? wrong : "fits");
  }
}
END_TEST

static const struct {
  MoeDivision division;
  int positions, stages;
  const char *chunks;
} divisions[] = {
    /* A remainder goes to earlier positions. */
    {{.layers = 7, .first_stage_layers = -1, .last_stage_layers = -1}, 4, 4, "E2 2 2 1L"},
    /* Ends take the place of a layer. */
    {{.layers = 6, .first_stage_layers = -1, .last_stage_layers = -1, .embedding_counts = TRUE, .head_counts = TRUE},
     4,
     4,
     "E1 2 2 1L"},
    /* Stage 0 has 2 layers in 2 chunks, stage 1 the other 6. */
    {{.layers = 8, .first_stage_layers = 2, .last_stage_layers = -1}, 4, 2, "E1 3 1 3L"},
    {{.layers = 61, .mtp = 1, .first_stage_layers = -1, .last_stage_layers = -1}, 4, 4, "E16 15 15 15mL"},
    {{.layers = 3, .mtp = 2, .first_stage_layers = 1, .last_stage_layers = 1}, 1, 1, "E3mmL"},
};

START_TEST(test_divisions)
{
  for (guint i = 0; i < G_N_ELEMENTS(divisions); i++) {
    g_autofree MoeChunk *chunks =
        moe_chunks_divide(&divisions[i].division, divisions[i].positions, divisions[i].stages);
    g_autofree char *text = shown(chunks, (guint)divisions[i].positions);

    ck_assert_str_eq(text, divisions[i].chunks);
    ck_assert_ptr_null(moe_chunks_check(chunks, (guint)divisions[i].positions, divisions[i].division.layers,
                                        divisions[i].division.mtp));
  }
}
END_TEST

MOE_TEST_MAIN("schedule/layout", test_good, test_bad, test_models, test_divisions)
