/* Figures as inline SVG: bars on a common scale, drawn without a library. */
#include "html.h"
#include "report/losses.h"

#include <math.h>

/* Geometry, in SVG user units; the page scales the whole. */
#define WIDTH          SVG_WIDTH
#define LABEL          210.0 /* left column of names */
#define VALUE          110.0 /* right column of numbers */
#define ROW            26.0
#define BAR            16.0
#define LEGEND_COLUMNS 4
#define LEGEND         (2 + ROW * ((MOE_N_MEMORY_PARTS + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS))
#define SPAN           (WIDTH - LABEL - VALUE)
#define MIN_VISIBLE    0.5 /* a bar that exists is seen */

/* Okabe & Ito 2008: told apart with any colour vision. */
#define FILLED(colour) "fill=\"" colour "\""
static const char *const palette[] = {FILLED("#0072b2"), FILLED("#e69f00"), FILLED("#009e73"),
                                      FILLED("#cc79a7"), FILLED("#56b4e9"), FILLED("#d55e00")};
#define KEPT "class=\"kept\""
#define LOST "class=\"lost\""

void svg_start(GString *html, const char *title, double height)
{
  svg_put(html,
          "<div class=\"wide\"><svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" role=\"img\" "
          "viewBox=\"0 0 @ @\">",
          WIDTH, height);
  html_element(html, "title", NULL, title);
  g_string_append_c(html, '\n');
}

void svg_end(GString *html)
{
  g_string_append(html, "</svg></div>\n");
}

/* `from` and `to` in 0..1 of the scale; `paint` is an attribute. */
static void bar(GString *html, double y, double from, double to, const char *paint)
{
  svg_box(html, LABEL + from * SPAN, y + (ROW - BAR) / 2, MAX((to - from) * SPAN, MIN_VISIBLE), BAR, paint, NULL);
}

static void label(GString *html, double x, double y, const char *anchor, const char *text)
{
  svg_text(html, x, y + ROW / 2 + 5, anchor, text);
}

static void row_labels(GString *html, double y, const char *name, char *value)
{
  label(html, LABEL - 8, y, "end", name);
  label(html, WIDTH, y, "end", value);
  g_free(value);
}

/* A dashed vertical line at `at` in 0..1 of the scale. */
static void mark(GString *html, double at, double top, double bottom)
{
  svg_line(html, LABEL + at * SPAN, top, LABEL + at * SPAN, bottom, "class=\"line\" stroke-dasharray=\"4 3\"");
}

/* ---- waterfall ---- */

void html_waterfall(GString *html, const MoeResult *result)
{
  MoeLoss losses[MOE_N_CAUSES];
  guint n = moe_losses(result->cause_s, losses);
  double left = 1, y = ROW;

  svg_start(html, "From 100 % of peak down to the MFU", ROW * (n + 2));
  bar(html, 0, 0, 1, KEPT);
  row_labels(html, 0, "peak", moe_percent_format(1));
  for (guint i = 0; i < n; i++, y += ROW) {
    double share = losses[i].seconds / result->step_time_s;
    g_autofree char *percent = moe_percent_format(share);

    bar(html, y, MAX(left - share, 0), left, LOST);
    row_labels(html, y, moe_cause_title(losses[i].cause), g_strconcat("-", percent, NULL));
    left -= share;
  }
  bar(html, y, 0, CLAMP(left, 0, 1), KEPT);
  row_labels(html, y, moe_cause_title(MOE_CAUSE_MATH), moe_percent_format(left));
  svg_end(html);
}

/* ---- memory ---- */

static void memory_legend(GString *html)
{
  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++) {
    double x = LABEL + part % LEGEND_COLUMNS * (SPAN / LEGEND_COLUMNS), y = part / LEGEND_COLUMNS * ROW;

    svg_box(html, x, y + (ROW - BAR) / 2, 12, 12, palette[part % G_N_ELEMENTS(palette)], NULL);
    label(html, x + 17, y - 2, "start", moe_memory_words[part]);
  }
}

static void memory_row(GString *html, double y, guint stage, const MoeFootprint *footprint, double scale)
{
  g_autofree char *name = g_strdup_printf("stage %u", stage);
  double from = 0;

  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++) {
    double share = footprint->part_bytes[part] / scale;

    if (share > 0)
      bar(html, y, from, from + share, palette[part % G_N_ELEMENTS(palette)]);
    from += share;
  }
  row_labels(html, y, name, moe_quantity_format(footprint->peak_bytes, MOE_DIM_BYTES));
}

void html_memory(GString *html, const MoeResult *result)
{
  guint n = result->memory.n_roles;
  double scale = MAX(result->memory.capacity_bytes, result->memory.peak_bytes);

  if (n == 0 || scale <= 0)
    return;
  double at = result->memory.capacity_bytes / scale, bottom = LEGEND + n * ROW;
  g_autofree char *capacity = moe_quantity_format(result->memory.capacity_bytes, MOE_DIM_BYTES);

  svg_start(html, "Memory of the fullest GPU of each pipeline stage", bottom + ROW);
  memory_legend(html);
  for (guint stage = 0; stage < n; stage++)
    memory_row(html, LEGEND + stage * ROW, stage, &result->memory.role[stage], scale);
  mark(html, at, LEGEND, bottom);
  label(html, LABEL + at * SPAN, bottom, "end", capacity);
  svg_end(html);
}

/* ---- tornado ---- */

/* The range that all ends and the stated value span. */
static void tornado_range(const MoeSensitivity *s, double *low, double *high)
{
  *low = *high = s->result->mfu_causal;
  for (guint i = 0; i < s->n_swings; i++) {
    if (!s->swings[i].low)
      continue;
    *low = MIN(*low, s->swings[i].mfu_low);
    *high = MAX(*high, s->swings[i].mfu_high);
  }
}

/* "training.precision.lm_head" -> "lm_head": what fits; the table has the whole. */
static const char *last_word(const char *key)
{
  const char *dot = g_strrstr(key, ".");

  return dot ? dot + 1 : key;
}

void html_tornado(GString *html, const MoeSensitivity *s)
{
  double low, high, y = 0;
  double stated = s->result->mfu_causal;

  tornado_range(s, &low, &high);
  if (s->n_swings == 0 || high <= low)
    return;
  svg_start(html, "MFU at the ends of each assumption", ROW * (s->n_swings + 1));
  for (guint i = 0; i < s->n_swings; i++, y += ROW) {
    const MoeSwing *swing = &s->swings[i];

    if (swing->low)
      bar(html, y, (swing->mfu_low - low) / (high - low), (swing->mfu_high - low) / (high - low), palette[0]);
    row_labels(html, y, last_word(swing->key),
               swing->low ? g_strdup_printf("%.1f to %.1f %%", 100 * swing->mfu_low, 100 * swing->mfu_high)
                          : g_strdup("-"));
  }
  mark(html, (stated - low) / (high - low), 0, y);
  g_autofree char *as_stated = moe_percent_format(stated);

  label(html, LABEL + (stated - low) / (high - low) * SPAN, y, "middle", as_stated);
  svg_end(html);
}
