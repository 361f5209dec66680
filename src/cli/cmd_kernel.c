/* moesim kernel: one kernel's time with its reasons. */
#include "cli.h"
#include "record/tables.h"

#include <string.h>

#include "report/findings.h"

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
  gboolean json;
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
  *kernel = moe_cost_kernel_of((MoeKernelClass)class_index, (MoePrecision)precision, passes[pass], klass);
  kernel->bandwidth = kind;
  kernel->causal = !arguments->full;
  return read_shape(kernel, arguments->shape) && complete_shape(kernel);
}

/* ---- answer ---- */

static gboolean answer(const MoeCluster *cluster, const MoeStack *stack, const MoeKernel *kernel,
                       const Arguments *arguments, GError **error)
{
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&cluster->accelerator, stack, error);
  MoeMachineState state = {.sms = arguments->sms > 0 ? arguments->sms : cluster->accelerator.sms, .memory_share = 1};
  MoeCost cost;

  if (!model || !moe_cost_kernel(model, kernel, &state, &cost, error))
    return FALSE;
  const MoePricedKernel priced = {model, kernel, &cost, cluster->accelerator.quoted_peak_flop_per_s};
  MoeFormat format = arguments->json ? MOE_FORMAT_JSON : MOE_FORMAT_TABLE;

  moe_cli_show(format, moe_report_kernel(&priced, moe_cli_sheet(format)));
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
                answer(&cluster, &stack, kernel, arguments, &error);

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
      {"json", 0, 0, G_OPTION_ARG_NONE, &a.json, "Print JSON", NULL},
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
