#include "guard.h"
#include "moetest.h"

START_TEST(own_hosts_are_ours)
{
  static const char *const own[] = {"localhost",      "localhost:8421", "LOCALHOST:1",
                                    "127.0.0.1:8421", "[::1]:8421",     "[::1]"};

  for (guint i = 0; i < G_N_ELEMENTS(own); i++)
    ck_assert_msg(moe_guard_host(own[i], FALSE, "plan-01"), "%s", own[i]);
}
END_TEST

/* A name that an attacker has resolve to 127.0.0.1 stands in Host as the attacker's. */
START_TEST(foreign_hosts_are_not)
{
  static const char *const foreign[] = {"evil.example",
                                        "evil.example:8421",
                                        "localhost.evil.example",
                                        "127.0.0.1.evil.example",
                                        "127.0.0.1@evil.example",
                                        "localhost:8421@evil.example",
                                        "",
                                        ":8421",
                                        "[::1",
                                        "[::1]x",
                                        "localhost:84x",
                                        "localhost ",
                                        "plan-01",
                                        "10.0.0.1",
                                        "127.0.0.1:80:80",
                                        "[evil.example]"};

  for (guint i = 0; i < G_N_ELEMENTS(foreign); i++)
    ck_assert_msg(!moe_guard_host(foreign[i], FALSE, "plan-01"), "%s", foreign[i]);
  ck_assert(!moe_guard_host(NULL, FALSE, "plan-01"));
  g_autofree char *endless = g_strnfill(100000, 'a');
  ck_assert(!moe_guard_host(endless, TRUE, "plan-01"));
}
END_TEST

/* Who listens to others is called by its name and by every address it may have; never by another's name. */
START_TEST(listening_knows_more_names)
{
  ck_assert(moe_guard_host("10.0.0.1:8421", TRUE, "plan-01"));
  ck_assert(moe_guard_host("[fd00::7]:8421", TRUE, "plan-01"));
  ck_assert(moe_guard_host("Plan-01:8421", TRUE, "plan-01"));
  ck_assert(!moe_guard_host("evil.example:8421", TRUE, "plan-01"));
  ck_assert(!moe_guard_host("plan-01.evil.example", TRUE, "plan-01"));
}
END_TEST

static gboolean origin(const char *origin, const char *site)
{
  ServeHeaders headers = {.host = "localhost:8421", .origin = origin, .fetch_site = site};

  return moe_guard_origin(&headers);
}

START_TEST(origins)
{
  ck_assert(origin(NULL, NULL)); /* no browser */
  ck_assert(origin("http://localhost:8421", "same-origin"));
  ck_assert(origin(NULL, "none")); /* typed by a person */
  ck_assert(!origin("http://localhost:8422", NULL));
  ck_assert(!origin("http://localhost", NULL));
  ck_assert(!origin("http://evil.example", "cross-site"));
  ck_assert(!origin("null", NULL)); /* a page in a sandbox, a file */
  ck_assert(!origin("http://localhost:8421", "cross-site"));
  ck_assert(!origin(NULL, "same-site")); /* another port of this machine */
  ck_assert(!origin("ftp://localhost:8421", NULL));
  ck_assert(!origin("http://localhost:8421.evil.example", NULL));
}
END_TEST

START_TEST(tokens)
{
  ck_assert(moe_guard_token("Bearer 0123456789abcdef", "0123456789abcdef"));
  ck_assert(moe_guard_token("bearer 0123456789abcdef", "0123456789abcdef"));
  static const char *const wrong[] = {
      "Bearer 0123456789abcdeF", "Bearer 0123456789abcde", "Bearer 0123456789abcdef0", "Bearer ", "",
      "0123456789abcdef",        "Basic 0123456789abcdef"};

  for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
    ck_assert_msg(!moe_guard_token(wrong[i], "0123456789abcdef"), "%s", wrong[i]);
  ck_assert(!moe_guard_token(NULL, "0123456789abcdef"));
}
END_TEST

/* What a form of another page can send is no JSON by its type; a script of another page would have to ask first. */
START_TEST(doors_want_json)
{
  ServeHeaders headers = {.host = "localhost", .content_type = "text/plain"};

  ck_assert_int_eq(moe_guard_door(&headers, FALSE, NULL, NULL, TRUE), GUARD_NO_JSON);
  headers.content_type = "application/jsonp";
  ck_assert_int_eq(moe_guard_door(&headers, FALSE, NULL, NULL, TRUE), GUARD_NO_JSON);
  headers.content_type = NULL;
  ck_assert_int_eq(moe_guard_door(&headers, FALSE, NULL, NULL, TRUE), GUARD_NO_JSON);
  ck_assert_int_eq(moe_guard_door(&headers, FALSE, NULL, NULL, FALSE), GUARD_OPEN);
  headers.content_type = "application/json; charset=utf-8";
  ck_assert_int_eq(moe_guard_door(&headers, FALSE, NULL, NULL, TRUE), GUARD_OPEN);
  ck_assert_int_eq(moe_guard_door(&headers, FALSE, NULL, "0123456789abcdef", TRUE), GUARD_NO_TOKEN);
}
END_TEST

/* A link in a letter leads to the page; a picture or a script of another page does not. */
START_TEST(links_lead_to_the_page)
{
  ServeHeaders link = {.host = "localhost", .fetch_site = "cross-site", .fetch_mode = "navigate"};
  ServeHeaders script = {.host = "localhost", .fetch_site = "cross-site", .fetch_mode = "no-cors"};
  ServeHeaders form = {
      .host = "localhost", .fetch_site = "cross-site", .fetch_mode = "navigate", .origin = "http://evil.example"};

  ck_assert_int_eq(moe_guard_asset(&link, FALSE, NULL), GUARD_OPEN);
  ck_assert_int_eq(moe_guard_asset(&script, FALSE, NULL), GUARD_FOREIGN_ORIGIN);
  ck_assert_int_eq(moe_guard_asset(&form, FALSE, NULL), GUARD_FOREIGN_ORIGIN);
  ck_assert_int_eq(moe_guard_door(&link, FALSE, NULL, NULL, FALSE), GUARD_FOREIGN_ORIGIN);
}
END_TEST

MOE_TEST_MAIN("serve/guard", own_hosts_are_ours, foreign_hosts_are_not, listening_knows_more_names, origins, tokens,
              doors_want_json, links_lead_to_the_page)
