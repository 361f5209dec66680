/* Not as .clang-format says. */
int  moe_crooked( int value ) { return value; }
