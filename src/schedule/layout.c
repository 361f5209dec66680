/* Layout strings of Megatron-Core (pipeline_parallel_layer_layout.py): a parser of few lines, and what a layout must
 * hold. */
#include "internal.h"

#include <string.h>

#define INT G_GINT64_FORMAT

/* Symbols that a layout may unfold to: beyond it a factor is a slip of the keyboard. */
#define MAX_SYMBOLS 65536
/* Groups within groups. Megatron-Core has one. */
#define MAX_DEPTH 8

/* In the order in which a model has them; `|` is no part. */
#define PARTS "EtmL"

typedef struct {
  const char *text, *at;
  char **wrong;
} Reader;

static guint column(const Reader *reader)
{
  return (guint)(reader->at - reader->text) + 1;
}

static gboolean fail(const Reader *reader, char *text)
{
  *reader->wrong = text;
  return FALSE;
}

static gboolean fail_character(const Reader *reader, const char *expected)
{
  char c = *reader->at;

  if (c == '\0')
    return fail(reader, g_strdup_printf("layout ends, expected %s", expected));
  if (!g_ascii_isprint(c))
    return fail(reader,
                g_strdup_printf("byte 0x%02x at character %u, expected %s", (guint8)c, column(reader), expected));
  return fail(reader, g_strdup_printf("'%c' at character %u, expected %s", c, column(reader), expected));
}

static void skip_commas(Reader *reader)
{
  while (*reader->at == ',')
    reader->at++;
}

/* ---- unfolding --------------------------------------------------------------------------------------------------- */

static gboolean read_factor(Reader *reader, int64_t *factor)
{
  Reader start = *reader;

  *factor = 0;
  if (!g_ascii_isdigit(*reader->at))
    return fail_character(reader, "a number after *");
  for (; g_ascii_isdigit(*reader->at) && *factor <= MAX_SYMBOLS; reader->at++)
    *factor = *factor * 10 + (*reader->at - '0');
  if (*factor < 1 || *factor > MAX_SYMBOLS)
    return fail(reader, g_strdup_printf("factor at character %u, expected 1 to %d", column(&start), MAX_SYMBOLS));
  return TRUE;
}

/* What stands from `start` on in `out`, as often as the factor that follows says. */
static gboolean repeat(Reader *reader, GString *out, gsize start)
{
  int64_t factor = 1;
  gsize length = out->len - start;

  skip_commas(reader);
  if (*reader->at != '*')
    return TRUE;
  reader->at++;
  if (!read_factor(reader, &factor))
    return FALSE;
  if (start + length * (gsize)factor > MAX_SYMBOLS)
    return fail(reader, g_strdup_printf("layout of more than %d parts, expected fewer", MAX_SYMBOLS));
  g_autofree char *once = g_strndup(out->str + start, length);

  for (int64_t i = 1; i < factor; i++)
    g_string_append_len(out, once, (gssize)length);
  return TRUE;
}

static gboolean read_items(Reader *reader, GString *out, guint depth);

static gboolean read_group(Reader *reader, GString *out, guint depth)
{
  Reader open = *reader;
  gsize start = out->len;

  if (depth == MAX_DEPTH)
    return fail(reader, g_strdup_printf("'(' at character %u, expected at most %d groups within each other",
                                        column(reader), MAX_DEPTH));
  reader->at++;
  if (!read_items(reader, out, depth + 1))
    return FALSE;
  if (*reader->at != ')')
    return fail(reader, g_strdup_printf("'(' at character %u is not closed, expected ')'", column(&open)));
  reader->at++;
  if (*reader->at != '*')
    return fail_character(reader, "*n after ')'");
  return repeat(reader, out, start);
}

static gboolean read_item(Reader *reader, GString *out, guint depth)
{
  if (*reader->at == '(')
    return read_group(reader, out, depth);
  if (!strchr(PARTS "|", *reader->at))
    return fail_character(reader, "E, t, m, L, | or (");
  if (out->len >= MAX_SYMBOLS)
    return fail(reader, g_strdup_printf("layout of more than %d parts, expected fewer", MAX_SYMBOLS));
  g_string_append_c(out, *reader->at++);
  return repeat(reader, out, out->len - 1);
}

static gboolean read_items(Reader *reader, GString *out, guint depth)
{
  for (skip_commas(reader); *reader->at != '\0' && !(depth > 0 && *reader->at == ')'); skip_commas(reader))
    if (!read_item(reader, out, depth))
      return FALSE;
  return TRUE;
}

/* ---- chunks ------------------------------------------------------------------------------------------------------ */

static void take_part(MoeChunk *chunk, char part)
{
  switch (part) {
  case 'E':
    chunk->embedding = TRUE;
    break;
  case 't':
    chunk->count++;
    break;
  case 'm':
    chunk->mtp++;
    break;
  default:
    chunk->head = TRUE;
  }
}

/* Parts in the order of the model, its two ends once. */
static char *check_order(const char *symbols)
{
  const char *last = NULL;

  for (const char *s = symbols; *s; s++) {
    const char *part = strchr(PARTS, *s);

    if (*s == '|')
      continue;
    if (last && part < last)
      return g_strdup_printf("layout has %c after %c, expected E, then t, then m, then L", *s, *last);
    if (part == last && (*s == 'E' || *s == 'L'))
      return g_strdup_printf("layout has %c twice, expected it once", *s);
    last = part;
  }
  return NULL;
}

MoeChunk *moe_chunks_parse(const char *layout, guint *n, char **wrong)
{
  g_autoptr(GString) symbols = g_string_new(NULL);
  Reader reader = {.text = layout, .at = layout, .wrong = wrong};
  guint at = 0;

  *wrong = NULL;
  *n = 1;
  if (!read_items(&reader, symbols, 0))
    return NULL;
  *wrong = check_order(symbols->str);
  if (*wrong)
    return NULL;
  for (const char *s = symbols->str; *s; s++)
    *n += *s == '|';
  MoeChunk *chunks = g_new0(MoeChunk, *n);

  for (const char *s = symbols->str; *s; s++) {
    if (*s != '|') {
      take_part(&chunks[at], *s);
      continue;
    }
    chunks[at + 1].first = chunks[at].first + chunks[at].count;
    at++;
  }
  return chunks;
}

char *moe_chunks_check(const MoeChunk *chunks, guint n, int64_t layers, int64_t mtp)
{
  int64_t has = chunks[n - 1].first + chunks[n - 1].count, modules = 0;
  guint with_modules = 0;

  for (guint i = 0; i < n; i++) {
    modules += chunks[i].mtp;
    with_modules += chunks[i].mtp > 0;
  }
  if (!chunks[0].embedding)
    return g_strdup("layout without embedding in its first chunk, expected it to begin with E");
  if (!chunks[n - 1].head)
    return g_strdup("layout without loss in its last chunk, expected it to end with L");
  if (has != layers)
    return g_strdup_printf("layout of %" INT " layers (t), expected the model's %" INT, has, layers);
  if (modules != mtp)
    return g_strdup_printf("layout of %" INT " prediction modules (m), expected the model's %" INT, modules, mtp);
  if (with_modules > 1)
    return g_strdup("layout with prediction modules (m) in several chunks, expected all in one");
  return NULL;
}
