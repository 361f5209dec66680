/* precision: the format of each role of a training, and where FP8 scales come from. Part of spec (floor 2). */
#ifndef MOESIM_SPEC_PRECISION_H
#define MOESIM_SPEC_PRECISION_H

#include "spec/kernels.h"

G_BEGIN_DECLS

/* Ranks among which the greatest values that delayed scales follow are made equal: none; those that share a sequence
 * (tensor x context); the data-parallel ones too. */
typedef enum { MOE_AMAX_NONE, MOE_AMAX_SEQUENCE, MOE_AMAX_DATA } MoeAmaxReduction;
/* Which messages between stages tensor ranks that hold the whole of them send in slices and gather again. */
typedef enum { MOE_SLICED_NONE, MOE_SLICED_ACTIVATIONS, MOE_SLICED_ALL } MoeSlicedMessages;

/* Where the scale of an FP8 tensor without blocks comes from: amax of earlier steps; this tensor's own, found before it
 * is cast; its rows' own, found while they are cast. */
typedef enum { MOE_FP8_SCALING_DELAYED, MOE_FP8_SCALING_CURRENT, MOE_FP8_SCALING_ROW } MoeFp8Scaling;

/* Precision of each role. Defaults: bf16; router, gradient_reduce, master, optimizer_moments fp32; wgrad as gemm. */
typedef struct {
  MoePrecision gemm;  /* forward and data gradient of linear layers */
  MoePrecision wgrad; /* weight gradient of linear layers */
  MoePrecision attention, lm_head, router, residual, gradient_reduce, parameter_gather;
  MoePrecision dispatch, combine; /* expert all-to-all payloads */
  MoePrecision master, optimizer_moments;
  MoeFp8Scaling scaling;         /* of precision fp8 */
  gboolean remade_transposes;    /* the transposed copy of an FP8 weight is made in every backward pass, not kept */
  int64_t wide_first, wide_last; /* layers at the start and at the end that stay in BF16 where gemm has fewer bits */
} MoePrecisions;

/* Bytes per element: 2, 4, 1, 0.5 and so on, scaling factors included for block formats. */
double moe_precision_bytes(MoePrecision precision);
gboolean moe_precision_is_fp8(MoePrecision precision); /* FP8 of any recipe, or NVFP4 */
/* Whether this layer of so many stays in BF16 among layers of fewer bits. */
gboolean moe_precisions_keep_wide(const MoePrecisions *precisions, int64_t layer, int64_t layers);
/* What such a layer has in place of the others': BF16 wherever they have fewer bits. */
MoePrecisions moe_precisions_wide(const MoePrecisions *precisions);

/* Words in files, in the order of the enumerations, NULL-terminated. */
extern const char *const moe_precision_words[];
extern const char *const moe_fp8_scaling_words[];

G_END_DECLS

#endif
