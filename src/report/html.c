/* The page. */
#include "html.h"
#include "losses.h"

#include "report/goodput.h"
#include "study/economy.h"

#include <math.h>

/* Colours by theme as plots/style.gp has them; figures take text and lines from here, so that both themes and paper are
 * legible. */
static const char style[] =
    ":root { --ink: #222; --muted: #5f6368; --rule: #bbb; --paper: #fff; --kept: #0b5b94; --lost: #b4570a; --alarm: "
    "#a00; }\n"
    "@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --muted: #a8a8a8; --rule: #555; --paper: #16181c;\n"
    "  --kept: #56b4e9; --lost: #ff8a3c; --alarm: #ff8f8f; } }\n"
    "@media print { :root { --ink: #000; --muted: #444; --rule: #999; --paper: #fff; --kept: #0b5b94; --lost: #b4570a; "
    "}\n"
    "  section { break-inside: avoid; } }\n"
    "body { font: 15px/1.5 'DejaVu Sans', Arial, sans-serif; color: var(--ink); background: var(--paper); max-width: "
    "66em;\n"
    "  margin: 2em auto; padding: 0 1em; }\n"
    "h1 { font-size: 1.5em; } h2 { font-size: 1.2em; border-bottom: 1px solid var(--rule); }\n"
    ".wide { overflow-x: auto; }\n"
    "table { border-collapse: collapse; margin: 0.5em 0; }\n"
    "td, th { padding: 0.15em 1em 0.15em 0; text-align: left; vertical-align: top; }\n"
    "td.n, th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }\n"
    "th { border-bottom: 1px solid var(--rule); }\n"
    "svg { width: 100%; height: auto; font-size: 13px; } svg.chart { min-width: 34em; }\n"
    "svg text { fill: var(--ink); } svg .line { stroke: var(--muted); fill: none; } svg .grid { stroke: var(--rule); "
    "}\n"
    "svg .kept { fill: var(--kept); } svg .lost { fill: var(--lost); } svg .alarm { stroke: var(--ink); stroke-width: "
    "2; } svg .point { fill: var(--ink); }\n"
    "pre { overflow-x: auto; font-size: 12.5px; line-height: 1.35; }\n"
    ".answer { font-size: 1.2em; } .warning { color: var(--alarm); font-weight: bold; }\n"
    "@media (max-width: 40em) { body { margin: 0.5em auto; } td, th { padding-right: 0.6em; } }\n";

static void add_head(GString *html, const char *title)
{
  g_string_append(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                        "<meta name=\"viewport\" content=\"width=device-width\"/>\n"
                        "<link rel=\"icon\" href=\"data:,\"/>\n");
  html_element(html, "title", NULL, title);
  g_string_append_printf(html, "\n<style>\n%s</style>\n</head>\n<body>\n", style);
}

/* ---- the answer ---- */

static void add_answer_sentence(GString *html, const MoeResult *result)
{
  g_autofree char *mfu = moe_percent_format(result->mfu_causal);
  g_autofree char *full = moe_percent_format(result->mfu_full);
  g_autofree char *step = moe_quantity_format(result->step_time_s, MOE_DIM_SECONDS);
  g_autofree char *text = g_strdup_printf("MFU %s causal, %s full; %s per step, %.0f tokens/s per GPU.", mfu, full,
                                          step, result->tokens_per_s_per_gpu);

  html_element(html, "p", "class=\"answer\"", text);
}

/* How sure, right under the answer. */
static void add_interval(GString *html, const MoeSensitivity *s)
{
  if (!s || !isfinite(s->mfu_causal.p50))
    return;
  g_autofree char *p10 = moe_percent_format(s->mfu_causal.p10);
  g_autofree char *p90 = moe_percent_format(s->mfu_causal.p90);
  g_autofree char *fast = moe_quantity_format(s->step_time_s.p10, MOE_DIM_SECONDS);
  g_autofree char *slow = moe_quantity_format(s->step_time_s.p90, MOE_DIM_SECONDS);
  g_autofree char *text =
      g_strdup_printf("P10 to P90 over what is assumed: MFU %s to %s causal, step %s to %s.", p10, p90, fast, slow);

  html_element(html, "p", "class=\"interval\"", text);
}

static void add_warnings(GString *html, const MoePage *page)
{
  if (page->result->rumour)
    html_element(html, "p", "class=\"warning\"", "The architecture is a rumour, not a publication.");
  if (!page->result->memory.fits)
    html_element(html, "p", "class=\"warning\"", "This run does not fit the memory of its GPUs.");
}

static void add_published(GString *html, const MoeResult *result)
{
  double published = moe_result_published_mfu(result);
  g_autofree char *mfu = moe_percent_format(published);

  if (published > 0)
    html_pair(html, "published MFU",
              g_strdup_printf("%s %s; predicted %+.1f points", mfu,
                              result->published.full_convention ? "full" : "causal",
                              100 * (moe_result_mfu_as_published(result) - published)));
  if (result->published.step_time_s > 0)
    html_pair(html, "published step",
              g_strdup_printf("%.4g s%s; predicted %+.1f %%", result->published.step_time_s,
                              result->published.step_time_derived ? " derived" : "",
                              100 * (result->step_time_s / result->published.step_time_s - 1)));
}

static void add_economy(GString *html, const MoeResult *result)
{
  MoeEconomy economy = moe_economy_ideal(result);

  if (economy.dollars_per_trillion > 0)
    html_pair(html, "cost per trillion tokens", moe_dollars_format(economy.dollars_per_trillion));
  if (economy.mwh_per_trillion > 0)
    html_pair(html, "energy per trillion tokens", moe_energy_format(economy.mwh_per_trillion));
}

static void add_answer_table(GString *html, const MoeResult *result)
{
  g_autofree char *active = moe_count_format(result->parameters_active, NULL);
  g_autofree char *total = moe_count_format(result->parameters_total, NULL);

  html_table(html, NULL);
  html_pair(html, "parameters", g_strdup_printf("%s, %s active", total, active));
  html_pair(html, "model FLOPs per token", moe_count_format(result->model_flops_per_token_causal, "FLOP"));
  html_pair(html, "model TFLOP/s per GPU", g_strdup_printf("%.1f", result->model_flop_per_s_per_gpu_causal * 1e-12));
  html_pair(html, "peak", moe_quantity_format(result->peak_flop_per_s, MOE_DIM_FLOP_PER_S));
  html_pair(html, "HFU", moe_percent_format(result->hfu));
  html_pair(html, "tokens per step", moe_count_format(result->tokens_per_step, NULL));
  add_published(html, result);
  add_economy(html, result);
  html_table_end(html);
}

static void add_answer(GString *html, const MoePage *page)
{
  html_section(html, "answer", "Answer");
  add_answer_sentence(html, page->result);
  add_interval(html, page->sensitivity);
  add_warnings(html, page);
  add_answer_table(html, page->result);
  html_section_end(html);
}

/* ---- where the time goes ---- */

static void add_waterfall(GString *html, const MoePage *page)
{
  static const char *const header[] = {"in kernels", "time", "of step", NULL};
  const MoeResult *result = page->result;

  html_section(html, "waterfall", "Where the step goes");
  html_waterfall(html, result);
  html_table(html, header);
  for (guint reason = 0; reason < MOE_N_REASONS; reason++) {
    double seconds = result->reason_s[reason];
    g_autofree char *time = moe_quantity_format(ABS(seconds), MOE_DIM_SECONDS);
    g_autofree char *signed_time = g_strconcat(seconds < 0 ? "-" : "", time, NULL);
    g_autofree char *share = moe_percent_format(seconds / result->step_time_s);

    if (seconds != 0)
      html_row(html, (const char *const[]){moe_reason_title(reason), signed_time, share, NULL});
  }
  html_table_end(html);
  html_section_end(html);
}

static void add_memory(GString *html, const MoePage *page)
{
  const MoeResult *result = page->result;
  g_autofree char *peak = moe_quantity_format(result->memory.peak_bytes, MOE_DIM_BYTES);
  g_autofree char *capacity = moe_quantity_format(result->memory.capacity_bytes, MOE_DIM_BYTES);
  g_autofree char *text = g_strdup_printf("%s of %s on the fullest GPU.", peak, capacity);

  html_section(html, "memory", "Memory");
  html_element(html, "p", NULL, text);
  html_memory(html, result);
  html_section_end(html);
}

/* ---- all ---- */

static void add_foot(GString *html, const MoePage *page)
{
  g_autofree char *text = g_strdup_printf("moesim %s, %s, seed %" G_GUINT64_FORMAT ".", page->version,
                                          moe_fidelity_words[page->result->fidelity], page->result->seed);

  g_string_append(html, "<footer>");
  html_element(html, "p", NULL, text);
  g_string_append(html, "</footer>\n</body>\n</html>\n");
}

char *moe_report_html(const MoePage *page)
{
  GString *html = g_string_new(NULL);
  g_autofree char *label = moe_result_label(page->result);
  g_autofree char *title = g_strdup_printf("%s on %s with %s, %" G_GINT64_FORMAT " GPUs", label, page->result->cluster,
                                           page->result->stack, page->result->gpus);

  add_head(html, title);
  html_element(html, "h1", NULL, title);
  html_element(html, "p", NULL, page->run->title);
  add_answer(html, page);
  add_waterfall(html, page);
  html_timeline(html, page);
  add_memory(html, page);
  html_scale(html, page);
  html_comparison(html, page);
  html_layout(html, page);
  html_machine(html, page);
  html_assumptions(html, page);
  html_sensitivity(html, page);
  html_goodput(html, page);
  html_sources(html, page);
  add_foot(html, page);
  return g_string_free(html, FALSE);
}
