/* moesim serve of a program that was built without libmicrohttpd. */
#include "cli.h"
#include "serve_page.h"

int moe_cli_serve(const MoeCliServe *said)
{
  (void)said;
  return moe_cli_complain("serve: built without libmicrohttpd (Debian: libmicrohttpd-dev; meson option serve)");
}
