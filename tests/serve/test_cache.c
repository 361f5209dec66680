#include "cache.h"
#include "moetest.h"

#include <string.h>

static void put(ServeCache *cache, const char *key, gsize size)
{
  g_autofree char *text = g_strnfill(size, 'x');
  g_autoptr(GBytes) bytes = g_bytes_new(text, size);

  moe_cache_put(cache, key, bytes, g_get_monotonic_time());
}

static gboolean has(ServeCache *cache, const char *key)
{
  GBytes *bytes = moe_cache_get(cache, key);
  gboolean found = bytes != NULL;

  g_clear_pointer(&bytes, g_bytes_unref);
  return found;
}

START_TEST(keys_are_of_content)
{
  g_autofree char *a = moe_cache_key("predict", "{}", 2);
  g_autofree char *b = moe_cache_key("predict", "{}", 2);
  g_autofree char *c = moe_cache_key("sweep", "{}", 2);
  g_autofree char *d = moe_cache_key("predict{", "}", 1);

  ck_assert_str_eq(a, b);
  ck_assert_str_ne(a, c);
  ck_assert_str_ne(a, d); /* where the name ends is part of it */
}
END_TEST

/* Whatever is asked, the memory is bounded, and what was used last stays. */
START_TEST(memory_is_bounded)
{
  g_autoptr(ServeCache) cache = moe_cache_new(100000, NULL);

  put(cache, "first", 5000);
  for (int i = 0; i < 1000; i++) {
    g_autofree char *key = g_strdup_printf("%d", i);
    put(cache, key, 1000 + (gsize)i);
    ck_assert_uint_le(moe_cache_bytes(cache), 100000);
    ck_assert(has(cache, key));
    ck_assert(has(cache, "first"));
  }
  ck_assert(!has(cache, "0"));
  put(cache, "large", 50000); /* would push the others out */
  ck_assert(!has(cache, "large"));
}
END_TEST

START_TEST(answers_of_before_a_change_are_forgotten)
{
  g_autofree char *folder = g_dir_make_tmp("cache-XXXXXX", NULL);
  g_autofree char *models = g_build_filename(folder, "models", NULL);
  g_autofree char *file = g_build_filename(models, "a.yaml", NULL);

  g_mkdir(models, 0700);
  g_autoptr(ServeCache) cache = moe_cache_new(100000, folder);
  put(cache, "key", 10);
  ck_assert(has(cache, "key"));
  gint64 before_us = g_get_monotonic_time();
  ck_assert(g_file_set_contents(file, "a: 1\n", -1, NULL));
  g_usleep(1100000); /* it looks once in a second */
  ck_assert(!has(cache, "key"));
  g_autoptr(GBytes) late = g_bytes_new_static("x", 1);
  moe_cache_put(cache, "key", late, before_us); /* begun before the change */
  ck_assert(!has(cache, "key"));
  put(cache, "key", 10);
  ck_assert(has(cache, "key"));
  moetest_remove(folder);
}
END_TEST

MOE_TEST_MAIN("serve/cache", keys_are_of_content, memory_is_bounded, answers_of_before_a_change_are_forgotten)
