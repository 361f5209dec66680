/* A library that prints and reads the environment. */
#include <stdio.h>
#include <stdlib.h>

void moe_speak(void)
{
  fprintf(stderr, "%s", getenv("HOME"));
}
