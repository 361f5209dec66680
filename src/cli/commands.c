/* The table of commands, sorted by name. A new command is one file and one row. */
#include "cli.h"

static const MoeCommand commands[] = {
    {"calibrate", "fit kernel constants to measured times, print residuals, write fragments", moe_cmd_calibrate},
    {"calibrate-network", "fit collective constants to published curves, print residuals, write fabrics",
     moe_cmd_calibrate_network},
    {"check", "validate run, cluster, stack and case files", moe_cmd_check},
    {"collective", "an nccl-tests-like table: time and bus bandwidth of a collective by size", moe_cmd_collective},
    {"compare", "one row per run: step time, throughput, MFU, predicted beside published", moe_cmd_compare},
    {"diff", "a predicted step beside the profile of a real one: by cause, layer, kernel class, product", moe_cmd_diff},
    {"explain", "where the MFU goes, by counterfactual runs; what each change between two runs is worth",
     moe_cmd_explain},
    {"export", "the step for other simulators: GOAL for LogGOPSim, Chakra traces for ASTRA-sim", moe_cmd_export},
    {"fabric", "what one step puts on the links: load per tier, busiest links, who sends; a drawing", moe_cmd_fabric},
    {"goodput", "a training of weeks: failures, checkpoints, wall-clock, cost, energy", moe_cmd_goodput},
    {"import", "a run file from a Hugging Face configuration or Megatron-LM arguments", moe_cmd_import},
    {"infer", "what was not published, learned from what was: unknowns, intervals, contradictions", moe_cmd_infer},
    {"kernel", "one kernel's time with its reasons", moe_cmd_kernel},
    {"list", "what ships: models, clusters, stacks; schedules, kernel families, expert libraries, plots", moe_cmd_list},
    {"memory", "footprint per GPU by pipeline stage and part, and whether it fits", moe_cmd_memory},
    {"mfu", "model FLOP utilization of a measured run", moe_cmd_mfu},
    {"plan", "which cluster, how many GPUs and which layout for a training; days, dollars, energy", moe_cmd_plan},
    {"plot", "figures: scale, ladder, waterfall, memory, strategies, timeline, sensitivity, posterior", moe_cmd_plot},
    {"report", "one run as one self-contained HTML page", moe_cmd_report},
    {"run", "simulate one run: step time, MFU, memory, where the time goes", moe_cmd_run},
    {"schema", "every key of the input files: kind, unit, range, default, words, meaning", moe_cmd_schema},
    {"search", "the best layouts of a run on its cluster, and why they are", moe_cmd_search},
    {"sensitivity", "P10, P50, P90 across the assumptions, and which of them moves the answer most",
     moe_cmd_sensitivity},
    {"serve", "a page in the browser to turn every control of a run, and its questions for scripts", moe_cmd_serve},
    {"show", "the resolved run, each value with its origin", moe_cmd_show},
    {"store", "what the store of a sweep holds, and what of it is damaged", moe_cmd_store},
    {"sweep", "one run at many points, in parallel; kept as they finish, resumed after a kill", moe_cmd_sweep},
    {"validate", "predicted beside published for every case of a folder", moe_cmd_validate},
};

const MoeCommand *moe_commands(guint *n)
{
  *n = G_N_ELEMENTS(commands);
  return commands;
}
