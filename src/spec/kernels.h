/*
 * kernels: fitted constants of kernel families, as read from accelerator and stack files (section `kernels:`).
 * Part of spec (floor 2). The models that use these constants are in cost.
 */
#ifndef MOESIM_SPEC_KERNELS_H
#define MOESIM_SPEC_KERNELS_H

#include "base/base.h"
#include "doc/doc.h"

G_BEGIN_DECLS

/* Numeric formats. BF16X3 and BF16X9 are FP32 emulated by three or nine BF16 products; FP8_BLOCK has 1x128 / 128x128
 * scales. */
typedef enum {
  MOE_BF16,
  MOE_FP16,
  MOE_FP32,
  MOE_TF32,
  MOE_BF16X3,
  MOE_BF16X9,
  MOE_FP8,
  MOE_FP8_BLOCK,
  MOE_MXFP8,
  MOE_NVFP4,
  MOE_N_PRECISIONS,
} MoePrecision;

typedef enum {
  MOE_KERNEL_GEMM,
  MOE_KERNEL_GROUPED_GEMM,
  MOE_KERNEL_ATTENTION,
  MOE_KERNEL_BANDWIDTH,
  MOE_KERNEL_SCAN,
  MOE_N_KERNEL_CLASSES,
} MoeKernelClass;

extern const char *const moe_kernel_class_words[]; /* NULL-terminated */

#define MOE_FAMILY_CONSTANTS 16

/* One family for one class (and, for GEMM-like and attention classes, one precision and pass): named constants with
 * their residual. */
typedef struct {
  const char *name; /* "cublaslt", "fa3", "fa2-deterministic", "triton" */
  MoeKernelClass klass;
  int precision; /* MoePrecision, or -1 = any */
  int pass;      /* 0 forward, 1 data gradient / backward, 2 weight gradient, -1 = any */
  guint n_constants;
  const char *constant[MOE_FAMILY_CONSTANTS];
  double value[MOE_FAMILY_CONSTANTS];   /* SI */
  double residual_median, residual_p90; /* relative, on rows not fitted; 0 = not fitted */
  int64_t rows;                         /* rows fitted on */
  guint n_extents;                      /* what those rows span, axis by axis (moe_cost_axes); 0 = not stated */
  const char *axis[MOE_FAMILY_CONSTANTS];
  double least[MOE_FAMILY_CONSTANTS], most[MOE_FAMILY_CONSTANTS];
  const char *source;
  MoeMark mark;
} MoeKernelFamily;

typedef struct {
  guint n;
  MoeKernelFamily *family; /* g_free */
} MoeKernelFits;

/* Reads a `kernels:` list. */
gboolean moe_kernel_fits_read(const MoeNode *node, MoeKernelFits *fits, GError **error);
void moe_kernel_fits_clear(MoeKernelFits *fits);
/* Value of a named constant, or `fallback` when the family lacks it. */
double moe_family_constant(const MoeKernelFamily *family, const char *name, double fallback);

G_END_DECLS

#endif
