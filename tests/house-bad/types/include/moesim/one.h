/* A name. */
typedef struct {
  int value;
} MoeThing;
