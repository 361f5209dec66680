/* moesim schema: every key of the input files. */
#include "cli.h"

#include "report/schema.h"

static const MoeUsage usage = {
    .command = "schema",
    .arguments = "[run|cluster|stack|accelerator|fabric|case]",
    .examples = "  moesim schema stack\n"
                "  moesim schema run --format json\n",
    .least = 0,
    .most = 1,
};

static const char *const schema_formats[] = {"md", "json", NULL};

int moe_cmd_schema(int argc, char **argv)
{
  g_autofree char *word = NULL;
  const GOptionEntry entries[] = {
      {"format", 0, 0, G_OPTION_ARG_STRING, &word, "md or json", "WORD"},
      {NULL},
  };
  int status = moe_cli_parse(&usage, entries, NULL, &argc, &argv);

  if (status != MOE_CLI_GO)
    return status;
  int format = word ? moe_cli_word("--format", word, schema_formats) : 0;
  int kind = format < 0 || argc <= 1 ? MOE_N_SCHEMAS : moe_cli_word("schema", argv[1], moe_schema_words);
  if (kind < 0 || format < 0)
    return MOE_EXIT_BAD_INPUT;
  guint width = moe_cli_sheet(MOE_FORMAT_TABLE).width;
  g_autofree char *text =
      format == 1 ? moe_schema_json((MoeSchemaKind)kind) : moe_schema_markdown((MoeSchemaKind)kind, width);
  moe_cli_print(text);
  return MOE_EXIT_DONE;
}
