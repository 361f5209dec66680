/* Sections of the page that are tables: layout, machine, assumptions, sensitivity, training, sources. */
#include "doc/doc.h"
#include "html.h"
#include "schedule/schedule.h"
#include "spec/network.h"
#include "spec/precision.h"
#include "spec/published.h"
#include "spec/spec.h"

#include <math.h>

static char *integer(int64_t value)
{
  return g_strdup_printf("%" G_GINT64_FORMAT, value);
}

/* ---- layout ---- */

static const char *const recompute_words[] = {"none", "selective", "full"};

static void layout_degrees(GString *html, const MoeParallelism *p)
{
  html_pair(html, "GPUs", integer(p->gpus));
  html_pair(html, "tensor x context x pipeline x data",
            g_strdup_printf("%" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT,
                            p->tensor, p->context, p->pipeline, p->data));
  html_pair(html, "expert tensor x expert x pipeline x expert data",
            g_strdup_printf("%" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT " x %" G_GINT64_FORMAT,
                            p->expert_tensor, p->expert, p->pipeline, p->expert_data));
  html_pair(html, "schedule",
            g_strdup_printf("%s, %" G_GINT64_FORMAT " virtual stages, %" G_GINT64_FORMAT " micro-batches",
                            moe_schedule_words[p->schedule], p->virtual_stages, p->micro_batches));
  html_pair(html, "ZeRO stage", integer(p->zero));
  html_pair(html, "rank order", g_strdup(p->order));
}

void html_layout(GString *html, const MoePage *page)
{
  const MoeRun *run = page->run;
  const MoeTraining *training = &run->training;

  html_section(html, "layout", "Layout");
  html_table(html, NULL);
  layout_degrees(html, &run->parallelism);
  html_pair(html, "sequence length", integer(training->sequence_length));
  html_pair(html, "global batch, micro-batch",
            g_strdup_printf("%" G_GINT64_FORMAT " sequences, %" G_GINT64_FORMAT, training->global_batch,
                            training->micro_batch));
  html_pair(html, "precision of GEMMs, weight gradients, attention",
            g_strdup_printf("%s, %s, %s", moe_precision_words[training->precision.gemm],
                            moe_precision_words[training->precision.wgrad],
                            moe_precision_words[training->precision.attention]));
  html_pair(html, "recomputation", g_strdup(recompute_words[run->recompute.mode]));
  html_pair(html, "activations offloaded", moe_percent_format(run->offload.activations));
  html_table_end(html);
  html_section_end(html);
}

/* ---- machine ---- */

static void machine_network(GString *html, const MoeCluster *cluster)
{
  const MoeNetwork *network = &cluster->network;

  html_pair(
      html, "NVLink domain",
      g_strdup_printf("%" G_GINT64_FORMAT " GPUs of %" G_GINT64_FORMAT, cluster->domain.gpus, cluster->domain.of));
  html_pair(html, "NVLink, one direction", moe_quantity_format(cluster->domain.bytes_per_s, MOE_DIM_BYTES_PER_S));
  html_pair(html, "NIC, one direction", moe_quantity_format(network->nic_bytes_per_s, MOE_DIM_BYTES_PER_S));
  html_pair(html, "NICs per GPU", g_strdup_printf("%.3g", network->nics_per_gpu));
  html_pair(html, "network",
            g_strdup_printf("%s, %" G_GINT64_FORMAT " tiers, %" G_GINT64_FORMAT " rails, oversubscription %.3g",
                            network->kind == MOE_NETWORK_ROCE ? "RoCE" : "InfiniBand", network->tiers, network->rails,
                            network->oversubscription));
}

void html_machine(GString *html, const MoePage *page)
{
  const MoeCluster *cluster = &page->run->cluster;
  const MoeAccelerator *gpu = &cluster->accelerator;

  html_section(html, "machine", "Machine and software");
  html_table(html, NULL);
  html_pair(html, "cluster", g_strdup(cluster->title ? cluster->title : cluster->name));
  html_pair(html, "GPU", g_strdup(gpu->title ? gpu->title : gpu->name));
  html_pair(html, "peak that the MFU divides by",
            moe_quantity_format(page->result->peak_flop_per_s, MOE_DIM_FLOP_PER_S));
  html_pair(html, "memory", moe_quantity_format(gpu->memory_bytes, MOE_DIM_BYTES));
  html_pair(html, "memory bandwidth", moe_quantity_format(gpu->memory_bytes_per_s, MOE_DIM_BYTES_PER_S));
  machine_network(html, cluster);
  html_pair(html, "software", g_strdup(page->run->stack.title ? page->run->stack.title : page->run->stack.name));
  html_table_end(html);
  html_section_end(html);
}

/* ---- assumptions ---- */

/* "16 to 64", "tf32, fp32": as the file says. */
static char *assumed_values(const MoeAssumption *assumption)
{
  if (assumption->n_values > 0) {
    GString *text = g_string_new(assumption->values[0]);

    for (guint i = 1; i < assumption->n_values; i++)
      g_string_append_printf(text, ", %s", assumption->values[i]);
    return g_string_free(text, FALSE);
  }
  g_autofree char *low = moe_quantity_format(assumption->low, assumption->dimension);
  g_autofree char *high = moe_quantity_format(assumption->high, assumption->dimension);

  return g_strdup_printf("%s to %s", low, high);
}

static char *stated_value(const MoeRun *run, const char *key)
{
  const MoeNode *node = moe_doc_find(run->doc, key);
  const char *text = node ? moe_node_text(node) : NULL;

  return g_strdup(text ? text : "-");
}

static char *place_of(MoeMark mark)
{
  g_autofree char *file = mark.file ? g_path_get_basename(mark.file) : g_strdup("command line");

  return g_strdup_printf("%s:%d", file, mark.line);
}

static void assumption_rows(GString *html, const MoeRun *run, const MoeAssumption *assumptions, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_autofree char *value = stated_value(run, assumptions[i].key);
    g_autofree char *range = assumed_values(&assumptions[i]);
    g_autofree char *place = place_of(assumptions[i].mark);

    html_row(html, (const char *const[]){assumptions[i].key, value, range, assumptions[i].why ? assumptions[i].why : "",
                                         place, NULL});
  }
}

void html_assumptions(GString *html, const MoePage *page)
{
  static const char *const header[] = {"key", "used", "could be", "why", "stated in", NULL};
  const MoeRun *run = page->run;

  html_section(html, "assumptions", "Assumptions");
  if (run->n_assumptions + run->goodput.n_assumptions == 0) {
    html_element(html, "p", NULL, "The files of this run state no assumptions.");
  } else {
    html_table(html, header);
    assumption_rows(html, run, run->assumptions, run->n_assumptions);
    assumption_rows(html, run, run->goodput.assumptions, run->goodput.n_assumptions);
    html_table_end(html);
  }
  html_section_end(html);
}

/* ---- sensitivity ---- */

#define SHOWN_COLUMNS 8 /* of an assumption, both ends: the figure shows what they differ by */

void html_sensitivity(GString *html, const MoePage *page)
{
  if (!page->sensitivity)
    return;
  g_autoptr(JsonNode) record = moe_describe_sensitivity(page->sensitivity);

  html_section(html, "sensitivity", "Sensitivity");
  html_say(html, NULL, json_node_get_object(record),
           "Causal MFU over {samples} combinations of the assumptions alone: P10 {mfu_causal.p10|%}, P50 "
           "{mfu_causal.p50|%}, "
           "P90 {mfu_causal.p90|%}.");
  html_tornado(html, page->sensitivity);
  if (page->sensitivity->n_swings > 0)
    html_records(html, moe_record_list(record, "assumptions"), moe_swing_columns, SHOWN_COLUMNS);
  html_section_end(html);
}

/* ---- training ---- */

void html_goodput(GString *html, const MoePage *page)
{
  if (!page->goodput)
    return;
  g_autofree char *text = moe_report_goodput(page->run, page->result, page->goodput, NULL, (MoeSheet){.width = 100});

  html_section(html, "training", "The whole training");
  html_element(html, "pre", NULL, text);
  html_section_end(html);
}

/* ---- sources ---- */

static void source_row(GString *html, const char *what, const char *source)
{
  if (source)
    html_row(html, (const char *const[]){what, source, NULL});
}

void html_sources(GString *html, const MoePage *page)
{
  const MoeRun *run = page->run;

  html_section(html, "sources", "Sources");
  html_table(html, NULL);
  source_row(html, "model and recipe", run->source);
  source_row(html, "published result", page->result->published.present ? page->result->published.source : NULL);
  source_row(html, "cluster", run->cluster.source);
  source_row(html, "GPU", run->cluster.accelerator.source);
  source_row(html, "software", run->stack.source);
  source_row(html, "training", run->goodput.source);
  html_table_end(html);
  html_section_end(html);
}
