/* A counter, a table whose entries can be set, a memory inside a function. */
static int count;
static const char *words[] = {"one", "two"};

const char *moe_next(void)
{
  static int calls;

  calls++;
  return words[count++ % 2];
}
