/* Read before every source of a build with -Db_pch=true, and by nothing else (meson.build). */
#include <glib.h>
#include <math.h>
#include <string.h>
