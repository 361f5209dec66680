/*
 * host: what a training software's host does. Part of spec (floor 2); included by spec.h.
 */
#ifndef MOESIM_SPEC_HOST_H
#define MOESIM_SPEC_HOST_H

#include <glib.h>

G_BEGIN_DECLS

/* Kinds of framework calls: constant, word, meaning. Each costs the host its own code around the kernels it launches -
 * argument checks, views, autograd nodes and hooks, streams and events. */
#define MOE_HOST_CALL_ROWS(ROW)                                                                                        \
  ROW(LINEAR, "linear", "module around a GEMM, forward")                                                               \
  ROW(LINEAR_BACKWARD, "linear_backward", "both gradients of it")                                                      \
  ROW(ATTENTION, "attention", "module around the core of attention, or a scan")                                        \
  ROW(ATTENTION_BACKWARD, "attention_backward", "its backward pass")                                                   \
  ROW(GROUPED, "grouped", "one grouped product of experts")                                                            \
  ROW(GROUPED_BACKWARD, "grouped_backward", "its backward pass")                                                       \
  ROW(ELEMENTWISE, "elementwise", "norm, activation, rotary, permutation, router chain")                               \
  ROW(ELEMENTWISE_BACKWARD, "elementwise_backward", "its backward pass")                                               \
  ROW(OPERATION, "operation", "each further operation of a chain that is not one kernel; masks and maps of indices")   \
  ROW(QUANTIZE, "quantize", "cast of a module's input or output gradient for a product in FP8 or less")                \
  ROW(COLLECTIVE, "collective", "a collective")                                                                        \
  ROW(MESSAGE, "message", "send or receive between stages")

#define MOE_HOST_CALL_CONSTANT(constant, word, meaning) MOE_HOST_##constant,
typedef enum { MOE_HOST_CALL_ROWS(MOE_HOST_CALL_CONSTANT) MOE_N_HOST_CALLS } MoeHostCall;
#undef MOE_HOST_CALL_CONSTANT
#define MOE_HOST_NO_CALL MOE_N_HOST_CALLS

G_END_DECLS

#endif
