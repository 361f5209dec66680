/* An engine that reaches up: tests/floors.sh must notice. */
#include "spec/spec.h"
