#include "moetest.h"
#include "route.h"

#include <string.h>

static const MoeServeDoor doors[] = {{.name = "predict"}, {.name = "sweep"}};
static const MoeServeOptions plain = {.doors = doors, .n_doors = G_N_ELEMENTS(doors)};
static const MoeServeOptions saving = {.doors = doors, .n_doors = G_N_ELEMENTS(doors), .save = "/tmp"};

static RouteKind kind(const char *method, const char *path)
{
  return moe_route(&plain, method, path).kind;
}

START_TEST(addresses)
{
  ck_assert_int_eq(kind("GET", "/"), ROUTE_ASSET);
  ck_assert_int_eq(kind("HEAD", "/index.html"), ROUTE_ASSET);
  ck_assert_int_eq(kind("GET", "/api"), ROUTE_LIST);
  ck_assert_int_eq(kind("POST", "/api/predict"), ROUTE_DOOR);
  ck_assert_ptr_eq(moe_route(&plain, "POST", "/api/sweep").door, &doors[1]);
  ck_assert_int_eq(kind("GET", "/api/predict"), ROUTE_METHOD);
  ck_assert_int_eq(kind("POST", "/"), ROUTE_METHOD);
  ck_assert_int_eq(kind("DELETE", "/api"), ROUTE_METHOD);
}
END_TEST

/* Parts of the page are looked up in a table and nowhere else: there is no way upwards. */
START_TEST(no_way_out)
{
  static const char *const paths[] = {"/../etc/passwd",
                                      "/..%2fetc/passwd",
                                      "/%2e%2e/etc/passwd",
                                      "//etc/passwd",
                                      "/etc/passwd",
                                      "/./index.html",
                                      "/index.html/",
                                      "/index.html%00",
                                      "/INDEX.HTML",
                                      "",
                                      "/api/",
                                      "/api/../index.html",
                                      "/api/predict/",
                                      "/api/none",
                                      "/models/deepseek-v3.yaml",
                                      "*"};

  for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
    for (guint post = 0; post < 2; post++)
      ck_assert_msg(kind(post ? "POST" : "GET", paths[i]) == ROUTE_NOTHING, "%s", paths[i]);
}
END_TEST

START_TEST(saving_is_there_when_allowed)
{
  ck_assert_int_eq(kind("POST", "/api/save"), ROUTE_NOTHING);
  ck_assert_int_eq(moe_route(&saving, "POST", "/api/save").kind, ROUTE_SAVE);
}
END_TEST

static const char *fault_of_name(const char *name)
{
  g_autofree char *request = g_strdup_printf("{\"name\": \"%s\", \"text\": \"x\"}", name);
  g_autofree char *said = NULL;
  g_autofree char *text = NULL;
  const char *fault = moe_route_save(request, (gssize)strlen(request), &said, &text);

  ck_assert(fault ? !said : strcmp(said, name) == 0); /* nothing is given out of what is refused */
  return fault;
}

START_TEST(names_of_files)
{
  static const char *const bad[] = {
      "",         "a",           "../a.yaml", "/etc/a.yaml", ".a.yaml",      "-a.yaml",        "a b.yaml",
      "a/b.yaml", "a\\\\b.yaml", "a.sh",      ".bashrc",     "\\u00e4.yaml", "authorized_keys"};

  ck_assert_ptr_null(fault_of_name("run.yaml"));
  ck_assert_ptr_null(fault_of_name("v5_2-a.b.csv"));
  for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
    ck_assert_msg(fault_of_name(bad[i]) != NULL, "%s", bad[i]);
  g_autofree char *stem = g_strnfill(200, 'a');
  g_autofree char *endless = g_strconcat(stem, ".yaml", NULL);
  ck_assert_ptr_nonnull(fault_of_name(endless));
}
END_TEST

START_TEST(requests_to_save)
{
  static const char *const bad[] = {"",
                                    "[]",
                                    "{}",
                                    "null",
                                    "{\"name\": 1, \"text\": \"x\"}",
                                    "{\"name\": \"a.yaml\"}",
                                    "{\"name\": \"a.yaml\", \"text\": null}",
                                    "{\"name\": \"a.yaml\", \"text\": \"x\"",
                                    "\xff"};

  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    char *name = NULL, *text = NULL;
    ck_assert_msg(moe_route_save(bad[i], (gssize)strlen(bad[i]), &name, &text) != NULL, "%s", bad[i]);
    ck_assert_ptr_null(name);
    ck_assert_ptr_null(text);
  }
}
END_TEST

/* A reader of JSON calls itself for each bracket: a megabyte of them would be the end of its stack. */
START_TEST(bodies)
{
  g_autofree char *deep = g_strnfill(1000000, '[');

  ck_assert_ptr_nonnull(moe_route_body(deep, 1000000));
  ck_assert_ptr_null(moe_route_body(deep, MOE_ROUTE_DEPTH));
  ck_assert_ptr_nonnull(moe_route_body(deep, MOE_ROUTE_DEPTH + 1));
  ck_assert_ptr_nonnull(moe_route_body("{}\0{}", 5));
  ck_assert_ptr_nonnull(moe_route_body("\xc3\x28", 2));
  ck_assert_ptr_null(moe_route_body("", 0));
  const char text[] = "{\"a\": \"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[\\\\\"}";
  ck_assert_ptr_null(moe_route_body(text, sizeof text - 1));
}
END_TEST

MOE_TEST_MAIN("serve/route", addresses, no_way_out, saving_is_there_when_allowed, names_of_files, requests_to_save,
              bodies)
