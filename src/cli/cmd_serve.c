/* moesim serve: a page to play with, and its doors for scripts. */
#include "cli.h"
#include "serve_page.h"

#include <string.h>

/* Letters of a token that is made up: 128 bits. */
#define TOKEN_DIGITS 32

/* Of the page when no other is said. */
#define DEFAULT_PORT 8421

static const MoeUsage usage = {
    .command = "serve",
    .arguments = "",
    .examples =
        "  moesim serve --open\n"
        "  moesim serve --port 9000 --save ~/runs\n"
        "  moesim serve --listen 0.0.0.0 --token @token.txt\n"
        "  curl -H 'Content-Type: application/json' -d '{\"run\": \"mai-base-1/v5\"}' localhost:8421/api/predict\n",
    .least = 0,
    .most = 0,
};

/* ---- options ----------------------------------------------------------------------------------------------------- */

static void said_clear(MoeCliServe *said)
{
  g_free(said->port_text);
  g_free(said->listen);
  g_free(said->token);
  g_free(said->save);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoeCliServe, said_clear)

static gboolean read_port(const char *text, guint *port)
{
  guint64 number = DEFAULT_PORT;

  if (text && !g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT16, &number, NULL))
    return moe_cli_complain("--port: '%s', expected a number from 0 (any that is free) to 65535", text) < 0;
  *port = (guint)number;
  return TRUE;
}

/* "@FILE" is a token that others cannot read off the list of processes. */
static gboolean read_token(char **token)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *text = NULL;

  if (!*token || **token != '@')
    return TRUE;
  if (!g_file_get_contents(*token + 1, &text, NULL, &error))
    return moe_cli_complain("--token: %s", error->message) < 0;
  g_free(*token);
  *token = g_strdup(g_strstrip(text));
  return **token != '\0' || moe_cli_complain("--token: the file is empty") < 0;
}

/* Random bytes of the system as digits. */
static char *make_token(void)
{
  GString *token = g_string_new(NULL);
  g_autoptr(GError) error = NULL;
  g_autofree char *uuid = NULL;

  /* each has 122 random bits */
  while (token->len < TOKEN_DIGITS && g_file_get_contents("/proc/sys/kernel/random/uuid", &uuid, NULL, &error)) {
    for (const char *c = uuid; *c; c++)
      if (g_ascii_isxdigit(*c))
        g_string_append_c(token, *c);
    g_clear_pointer(&uuid, g_free);
  }
  return g_string_free(token, error != NULL);
}

/* Whoever may write says who he is, also on this machine: others may have accounts on it. */
static gboolean complete_token(MoeCliServe *said)
{
  if (!read_token(&said->token))
    return FALSE;
  if (said->save && !said->token)
    said->token = make_token();
  return !said->save || said->token ||
         moe_cli_complain("no random numbers for a token, expected --token with --save") < 0;
}

int moe_cmd_serve(int argc, char **argv)
{
  g_auto(MoeCliServe) said = {0};
  const GOptionEntry entries[] = {
      {"port", 0, 0, G_OPTION_ARG_STRING, &said.port_text, "of the page (default: 8421; 0: any that is free)", "N"},
      {"listen", 0, 0, G_OPTION_ARG_STRING, &said.listen,
       "address in digits, instead of this machine's own alone; needs a token", "ADDR"},
      {"token", 0, 0, G_OPTION_ARG_STRING, &said.token, "that every request has to know, or @FILE that holds it", "T"},
      {"save", 0, 0, G_OPTION_ARG_FILENAME, &said.save,
       "let the page write new files into this folder; needs a token, makes one up", "DIR"},
      {"open", 0, 0, G_OPTION_ARG_NONE, &said.open, "open the page in the browser", NULL},
      {NULL},
  };
  int status = moe_cli_parse(&usage, entries, NULL, &argc, &argv);

  if (status != MOE_CLI_GO)
    return status;
  return read_port(said.port_text, &said.port) && complete_token(&said) ? moe_cli_serve(&said) : MOE_EXIT_BAD_INPUT;
}
