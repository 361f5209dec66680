/* The page. */
#include "html.h"
#include "record/tables.h"
#include "report/losses.h"

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

static void add_warnings(GString *html, const MoePage *page)
{
  if (page->result->rumour)
    html_element(html, "p", "class=\"warning\"", "The architecture is a rumour, not a publication.");
  if (page->result->announced)
    html_element(html, "p", "class=\"warning\"", "The accelerator is announced, not sold yet.");
  if (!page->result->memory.fits)
    html_element(html, "p", "class=\"warning\"", "This run does not fit the memory of its GPUs.");
}

static const MoeLine answer_lines[] = {
    {"parameters", "{parameters.total|count}, {parameters.active|count} active"},
    {"model FLOPs per token", "{model_flops_per_token.causal|FLOP}"},
    {"model TFLOP/s per GPU", "{model_tflops_per_gpu.causal|%.1f}"},
    {"peak", "{peak_flops_per_gpu|FLOP/s}"},
    {"HFU", "{hfu|%}"},
    {"tokens per step", "{tokens_per_step|count}"},
    {"published MFU",
     "{published.mfu_given_or_derived|%} {published.convention}; predicted {published.mfu_error|pt} points"},
    {"published step", "{published.step_time_s|%.4g} s; predicted {published.step_time_error|+%} %",
     "!published.step_time_derived"},
    {"published step", "{published.step_time_s|%.4g} s derived; predicted {published.step_time_error|+%} %",
     "published.step_time_derived"},
    {"cost per trillion tokens", "{economy.dollars_per_trillion_tokens|$}"},
    {"energy per trillion tokens", "{economy.mwh_per_trillion_tokens|MWh}"},
};

static const char interval_text[] =
    "P10 to P90: MFU {interval.mfu_causal_p10|%} to {interval.mfu_causal_p90|%} causal, step "
    "{interval.step_time_p10_s|s} to {interval.step_time_p90_s|s}; made of assumptions {interval.assumptions_share|%}, "
    "the model's own error {interval.model_error_share|%}.";
/* Where the model's own error was not asked for. */
static const char assumed_text[] = "P10 to P90 over what is assumed: MFU {mfu_causal.p10|%} to {mfu_causal.p90|%} "
                                   "causal, step {step_time_s.p10|s} to {step_time_s.p90|s}.";

/* How sure, right under the answer. */
static void add_interval(GString *html, const MoeSensitivity *sensitivity)
{
  g_autoptr(JsonNode) node = sensitivity ? moe_describe_sensitivity(sensitivity) : NULL;

  if (node)
    html_say(html, "class=\"interval\"", json_node_get_object(node),
             sensitivity->result->interval.samples > 0 ? interval_text : assumed_text);
}

static void add_answer(GString *html, const MoePage *page, JsonObject *record)
{
  html_section(html, "answer", "Answer");
  html_say(
      html, "class=\"answer\"", record,
      "MFU {mfu.causal|%} causal, {mfu.full|%} full; {step_time_s|s} per step, {tokens_per_s_per_gpu|%.0f} tokens/s "
      "per GPU.");
  add_interval(html, page->sensitivity);
  add_warnings(html, page);
  html_table(html, NULL);
  html_lines(html, record, answer_lines, G_N_ELEMENTS(answer_lines));
  html_table_end(html);
  html_section_end(html);
}

/* ---- where the time goes ---- */

static void add_waterfall(GString *html, const MoePage *page)
{
  g_autoptr(JsonNode) record = moe_describe_page(page->result);

  html_section(html, "waterfall", "Where the step goes");
  html_waterfall(html, page->result);
  html_records(html, moe_record_list(record, "kernels"), moe_reason_columns, moe_n_reason_columns);
  html_section_end(html);
}

static void add_memory(GString *html, const MoePage *page, JsonObject *record)
{
  html_section(html, "memory", "Memory");
  html_say(html, NULL, record, "{memory.peak_bytes|B} of {memory.capacity_bytes|B} on the fullest GPU.");
  html_memory(html, page->result);
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

char *moe_page_html(const MoePage *page)
{
  GString *html = g_string_new(NULL);
  g_autoptr(JsonNode) node = moe_describe_result(page->result);
  JsonObject *record = json_node_get_object(node);
  g_autofree char *title = moe_record_title(record);

  add_head(html, title);
  html_element(html, "h1", NULL, title);
  html_element(html, "p", NULL, page->run->title);
  add_answer(html, page, record);
  add_waterfall(html, page);
  html_timeline(html, page);
  add_memory(html, page, record);
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
