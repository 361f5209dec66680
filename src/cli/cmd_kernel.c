/* moesim kernel: one kernel's time with its reasons. */
#include "cli.h"
#include "report/tables.h"

#include <string.h>

#include "cost/cost.h"
#include <moesim/report.h>

static const MoeUsage usage = {
    .command = "kernel",
    .arguments = "CLASS",
    .examples =
        "  moesim kernel gemm --shape m=4096,n=7168,k=2048 --precision fp8 --cluster gb200-nvl72 --stack yolo:v5\n"
        "  moesim kernel grouped_gemm --shape groups=8,rows=8192,n=4096,k=7168 --cluster h800-hgx --stack "
        "hai-llm:2024\n"
        "  moesim kernel attention --shape batch=1,heads=128,len=4096,dim_qk=192,dim_v=128 --cluster h100-hgx "
        "--stack megatron-core:0.13\n"
        "  moesim kernel bandwidth --kind norm --shape read=58.7e6,write=58.7e6 --cluster h100-hgx "
        "--stack megatron-core:0.13\n",
    .least = 1,
    .most = 1,
};

static const char *const pass_words[] = {"forward", "dgrad", "wgrad", NULL};

typedef struct {
  char *shape, *precision, *pass, *kind, *cluster, *stack;
  gint64 sms;
  gboolean full; /* attention without causal mask */
} Arguments;

/* ---- shape ---- */

static gboolean set_shape(MoeKernel *kernel, const char *key, const char *text)
{
  char *end;
  double value = g_ascii_strtod(text, &end);

  if (*end != '\0' || end == text || !(value >= 0) || value > 1e15) {
    moe_cli_complain("--shape: \"%s\" is no number, expected one of at least 0 for %s", text, key);
    return FALSE;
  }
  if (!moe_cost_shape_set(kernel, key, value)) {
    g_autofree char *known = g_strjoinv(", ", (char **)moe_cost_shape_keys(kernel->klass));

    moe_cli_complain("--shape: unknown key \"%s\" of a %s kernel, expected one of %s", key, kernel->name, known);
    return FALSE;
  }
  return TRUE;
}

static gboolean read_shape(MoeKernel *kernel, const char *shape)
{
  g_auto(GStrv) parts = g_strsplit(shape ? shape : "", ",", -1);

  for (guint i = 0; parts[i]; i++) {
    char *equals = strchr(parts[i], '=');

    if (!equals) {
      moe_cli_complain("--shape: \"%s\", expected KEY=NUMBER,KEY=NUMBER", parts[i]);
      return FALSE;
    }
    *equals = '\0';
    if (!set_shape(kernel, parts[i], equals + 1))
      return FALSE;
  }
  return TRUE;
}

static gboolean complete_shape(MoeKernel *kernel)
{
  gboolean sound = moe_cost_shape_complete(kernel);

  if (!sound)
    moe_cli_complain("--shape: not all of the class given, expected %s", moe_cost_shape_needs(kernel->klass));
  return sound;
}

static int word_or(const char *option, const char *text, const char *const *words, int fallback)
{
  return text ? moe_cli_word(option, text, words) : fallback;
}

static gboolean read_kernel(const char *klass, const Arguments *arguments, MoeKernel *kernel)
{
  static const MoePass passes[] = {MOE_PASS_FORWARD, MOE_PASS_DGRAD, MOE_PASS_WGRAD};
  int class_index = moe_cli_word("CLASS", klass, moe_kernel_class_words);
  int precision = word_or("--precision", arguments->precision, moe_precision_words, MOE_BF16);
  int pass = word_or("--pass", arguments->pass, pass_words, 0);
  int kind = word_or("--kind", arguments->kind, moe_bandwidth_words, MOE_BANDWIDTH_ELEMENTWISE);

  if (class_index < 0 || precision < 0 || pass < 0 || kind < 0)
    return FALSE;
  *kernel = (MoeKernel){.klass = class_index,
                        .precision = precision,
                        .pass = passes[pass],
                        .bandwidth = kind,
                        .output = pass == 2 ? MOE_FP32 : MOE_BF16,
                        .accumulate = pass == 2,
                        .causal = !arguments->full,
                        .useful_share = 1,
                        .launches = 1,
                        .name = klass};
  return read_shape(kernel, arguments->shape) && complete_shape(kernel);
}

/* ---- answer ---- */

static void print_origin(const MoeCostModel *model, const MoeKernel *kernel)
{
  MoeFamilyUse use;
  g_autoptr(GString) text = g_string_new(NULL);

  moe_cost_family(model, kernel, &use);
  g_string_append_printf(text, "constants: family %s, %s, from the %s", use.used, moe_precision_words[use.precision],
                         moe_origin_words[use.origin]);
  if (!use.exact)
    g_string_append_printf(text, " (stands in for %s, %s)", use.requested, moe_precision_words[kernel->precision]);
  if (use.fit && use.fit->rows > 0) {
    g_autofree char *median = moe_percent_format(use.fit->residual_median),
                    *p90 = moe_percent_format(use.fit->residual_p90);
    g_string_append_printf(text, "; residual median %s, P90 %s, %" G_GINT64_FORMAT " rows, %s", median, p90,
                           use.fit->rows, use.fit->source ? use.fit->source : "source not given");
  }
  g_string_append(text, "\n");
  moe_cli_print_text(text->str);
}

/* Which rows the price rests on, and how far outside them the kernel is. */
static void print_support(const MoeCostModel *model, const MoeKernel *kernel)
{
  g_autoptr(GString) text = g_string_new(NULL);
  MoeCostSupport support;

  moe_cost_support(model, kernel, &support);
  for (guint i = 0; support.fit && i < support.fit->n_extents; i++)
    g_string_append_printf(text, "%s%s %.6g to %.6g", i > 0 ? ", " : "rows: ", support.fit->axis[i],
                           support.fit->least[i], support.fit->most[i]);
  if (support.axis && support.most > 0)
    g_string_append_printf(text, "; %s is %.1f times outside them", support.axis, support.beyond);
  else if (support.axis)
    g_string_append_printf(text, "; none has %s", support.axis);
  else if (text->len > 0)
    g_string_append(text, "; this kernel is among them");
  if (text->len > 0)
    g_string_append_c(text, '\n');
  moe_cli_print_text(text->str);
}

static void print_rate(const MoeKernel *kernel, const MoeCost *cost, double quoted_flop_per_s)
{
  double flop = moe_cost_flop(kernel);
  g_autofree char *time = moe_quantity_format(cost->seconds, MOE_DIM_SECONDS);
  g_autofree char *line = NULL;

  if (moe_cost_is_memory_bound(kernel->klass)) {
    g_autofree char *rate =
        moe_quantity_format((kernel->read_bytes + kernel->write_bytes) / cost->seconds, MOE_DIM_BYTES_PER_S);
    line = g_strdup_printf("%s, %s\n", time, rate);
  } else {
    g_autofree char *rate = moe_quantity_format(flop / cost->seconds, MOE_DIM_FLOP_PER_S);
    g_autofree char *share = moe_percent_format(flop / cost->seconds / quoted_flop_per_s);
    line = g_strdup_printf("%s, %s, %s of the quoted peak\n", time, rate, share);
  }
  moe_cli_print_text(line);
}

static void print_reasons(const MoeCost *cost)
{
  g_autoptr(MoeTable) table = moe_table_new("lrr");

  moe_table_add(table, "reason");
  moe_table_add(table, "time");
  moe_table_add(table, "share");
  for (guint reason = 0; reason < MOE_N_REASONS; reason++) {
    if (cost->part_s[reason] == 0)
      continue;
    moe_table_add(table, moe_reason_words[reason]);
    moe_table_take(table, g_strdup_printf("%.2f us", cost->part_s[reason] * 1e6));
    moe_table_take(table, g_strdup_printf("%.1f %%", 100 * cost->part_s[reason] / cost->seconds));
  }
  g_autofree char *text = moe_table_format(table, moe_cli_sheet());
  moe_cli_print(text);
}

static gboolean answer(const MoeCluster *cluster, const MoeStack *stack, const MoeKernel *kernel, gint64 sms,
                       GError **error)
{
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&cluster->accelerator, stack, error);
  MoeMachineState state = {.sms = sms > 0 ? sms : cluster->accelerator.sms, .memory_share = 1};
  MoeCost cost;

  if (!model || !moe_cost_kernel(model, kernel, &state, &cost, error))
    return FALSE;
  print_rate(kernel, &cost, cluster->accelerator.quoted_peak_flop_per_s);
  print_reasons(&cost);
  print_origin(model, kernel);
  print_support(model, kernel);
  return TRUE;
}

static int explain(const Arguments *arguments, const MoeKernel *kernel)
{
  g_autofree char *data_dir = moe_data_dir();
  g_autoptr(MoeDoc) cluster_doc = NULL;
  g_autoptr(MoeDoc) stack_doc = NULL;
  g_autoptr(GError) error = NULL;
  MoeCluster cluster = {0};
  MoeStack stack = {0};
  gboolean ok = moe_cluster_load(arguments->cluster, data_dir, &cluster, &cluster_doc, &error) &&
                moe_stack_load(arguments->stack, data_dir, &stack, &stack_doc, &error) &&
                answer(&cluster, &stack, kernel, arguments->sms, &error);

  moe_kernel_fits_clear(&cluster.accelerator.kernels);
  moe_kernel_fits_clear(&stack.kernels);
  return ok ? MOE_EXIT_DONE : moe_cli_fail(error);
}

static void arguments_clear(Arguments *a)
{
  g_free(a->shape);
  g_free(a->precision);
  g_free(a->pass);
  g_free(a->kind);
  g_free(a->cluster);
  g_free(a->stack);
}

int moe_cmd_kernel(int argc, char **argv)
{
  Arguments a = {0};
  MoeKernel kernel;
  const GOptionEntry entries[] = {
      {"shape", 0, 0, G_OPTION_ARG_STRING, &a.shape, "Dimensions: m=4096,n=7168,k=2048", "KEY=N,..."},
      {"precision", 0, 0, G_OPTION_ARG_STRING, &a.precision, "Operands (bf16)", "WORD"},
      {"pass", 0, 0, G_OPTION_ARG_STRING, &a.pass, "forward, dgrad or wgrad", "WORD"},
      {"kind", 0, 0, G_OPTION_ARG_STRING, &a.kind, "What a bandwidth-bound kernel does (elementwise)", "WORD"},
      {"full", 0, 0, G_OPTION_ARG_NONE, &a.full, "Attention without causal mask", NULL},
      {"sms", 0, 0, G_OPTION_ARG_INT64, &a.sms, "SMs left beside a communication kernel", "N"},
      {"cluster", 0, 0, G_OPTION_ARG_STRING, &a.cluster, "Machine", "NAME"},
      {"stack", 0, 0, G_OPTION_ARG_STRING, &a.stack, "Software", "NAME"},
      {NULL},
  };
  int status = moe_cli_parse(&usage, entries, NULL, &argc, &argv);

  if (status == MOE_CLI_GO && (!a.cluster || !a.stack))
    status = moe_cli_complain("kernel: no machine or software, expected --cluster NAME and --stack NAME");
  else if (status == MOE_CLI_GO)
    status = read_kernel(argv[1], &a, &kernel) ? explain(&a, &kernel) : MOE_EXIT_BAD_INPUT;
  arguments_clear(&a);
  return status;
}
