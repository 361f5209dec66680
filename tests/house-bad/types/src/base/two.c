/* The same name for something else. */
typedef struct {
  double value;
} MoeThing;
