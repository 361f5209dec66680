#include "sim/sim.h"

const char *const moe_cause_words[] = {
    "math",
    "kernel_inefficiency",
    "recompute",
    "padding",
    "nvlink_exposed",
    "network_exposed",
    "peer_wait",
    "bubble",
    "host",
    "copy_exposed",
    "optimizer",
    "data",
    NULL,
};

const char *const moe_fidelity_words[] = {"auto", "folded", "full", NULL};
