/* An engine that reaches up: tests/floors.sh must notice. */
#include <moesim/spec.h>
