/* Measurement files under any bytes: loaded, or refused with a message. */
#include "calibrate/calibrate.h"
#include "calibrate/network.h"
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

static void load(const char *path)
{
  const char *const paths[] = {path, NULL};
  const char *folder = g_getenv("MOESIM_DATA");
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) network_error = NULL;
  MoeCalibration *kernels = moe_calibration_load(paths, folder ? folder : ".", &error);
  MoeNetworkCalibration *network = moe_network_calibration_load(paths, folder ? folder : ".", &network_error);

  g_assert_true(kernels || (error && *error->message));
  g_assert_true(network || (network_error && *network_error->message));
  moe_calibration_free(kernels);
  moe_network_calibration_free(network);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  int file = memfd_create("measured", MFD_CLOEXEC);
  g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", file);

  if (file < 0)
    return 0;
  if (write(file, data, size) == (ssize_t)size)
    load(path);
  close(file);
  return 0;
}
