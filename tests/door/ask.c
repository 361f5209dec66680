/* The question of the first argument, its request on standard input; the answer on standard output. */
#include <moesim/door.h>

#include <stdio.h>
#include <stdlib.h>

#define MAX_BYTES (1 << 20)

int main(int argc, char **argv)
{
  char *request = calloc(MAX_BYTES + 1, 1);

  if (argc != 2 || !request || fread(request, 1, MAX_BYTES, stdin) == 0)
    return 2;
  char *answer = moe_answer_json(argv[1], request, NULL);

  fputs(answer, stdout);
  moe_text_free(answer);
  free(request);
  return 0;
}
