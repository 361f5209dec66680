#include "key.h"

#include <string.h>

/* Up to here insertion sort wins over everything else (measured between 12 and 32 keys). */
#define SMALL 16
/* Bins of the distribution pass: their counters stay in the first-level cache. */
#define MAX_BINS_LOG2 10

static void sort_small(Key *keys, size_t n)
{
  for (size_t i = 1; i < n; i++) {
    Key key = keys[i];
    size_t j = i;
    for (; j > 0 && key < keys[j - 1]; j--)
      keys[j] = keys[j - 1];
    keys[j] = key;
  }
}

static void merge(const Key *a, const Key *a_end, const Key *b, const Key *b_end, Key *out)
{
  while (a < a_end && b < b_end) {
    gboolean take_b = *b < *a;
    *out++ = take_b ? *b : *a;
    b += take_b;
    a += !take_b;
  }
  memcpy(out, a, (size_t)(a_end - a) * sizeof *a);
  memcpy(out + (a_end - a), b, (size_t)(b_end - b) * sizeof *b);
}

/* Merges neighbouring sorted runs of `run` keys, in place where they follow each other already. */
static void merge_pass(Key *keys, size_t n, Key *scratch, size_t run)
{
  for (size_t start = 0; start + run < n; start += 2 * run) {
    size_t middle = start + run;
    size_t end = MIN(middle + run, n);
    if (keys[middle - 1] <= keys[middle])
      continue;
    memcpy(scratch, keys + start, run * sizeof *keys);
    merge(scratch, scratch + run, keys + middle, keys + end, keys + start);
  }
}

static void sort_merging(Key *keys, size_t n, Key *scratch)
{
  for (size_t start = 0; start < n; start += SMALL)
    sort_small(keys + start, MIN((size_t)SMALL, n - start));
  for (size_t run = SMALL; run < n; run *= 2)
    merge_pass(keys, n, scratch, run);
}

static gboolean is_sorted(const Key *keys, size_t n)
{
  for (size_t i = 1; i < n; i++)
    if (keys[i] < keys[i - 1])
      return FALSE;
  return TRUE;
}

/* Distributes by time into 2^bins_log2 bins, then sorts each bin. Many keys of one instant land in one bin, where the
 * merge sort keeps the bound. */
static void sort_binned(Key *keys, size_t n, Key *scratch, MoeTime start, unsigned width_log2, unsigned bins_log2)
{
  uint32_t ends[1 << MAX_BINS_LOG2];
  unsigned shift = width_log2 - bins_log2;
  size_t bins = (size_t)1 << bins_log2;

  memset(ends, 0, bins * sizeof *ends);
  for (size_t i = 0; i < n; i++)
    ends[(key_time(keys[i]) - start) >> shift]++;
  for (size_t b = 1; b < bins; b++)
    ends[b] += ends[b - 1];
  memcpy(scratch, keys, n * sizeof *keys);
  for (size_t i = n; i-- > 0;)
    keys[--ends[(key_time(scratch[i]) - start) >> shift]] = scratch[i];
  for (size_t b = 0; b < bins; b++) {
    size_t first = ends[b];
    size_t count = (b + 1 < bins ? ends[b + 1] : n) - first;
    if (count > SMALL)
      sort_merging(keys + first, count, scratch);
    else if (count > 1)
      sort_small(keys + first, count);
  }
}

void keys_sort(Key *keys, size_t n, Key *scratch, MoeTime start, unsigned width_log2)
{
  unsigned bins_log2 = 0;

  if (n <= SMALL) {
    sort_small(keys, n);
    return;
  }
  if (is_sorted(keys, n))
    return;
  while (bins_log2 < MAX_BINS_LOG2 && bins_log2 < width_log2 && (size_t)2 << bins_log2 < n)
    bins_log2++;
  sort_binned(keys, n, scratch, start, width_log2, bins_log2);
}
