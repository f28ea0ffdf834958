/* lab.c - `ken lab`: a family of verbs about models small enough to see through. Each is a file of its own, lab_*.c. */
#include "cli/cli.h"

static const cli_verb *const members[] = {&cli_verb_lab_theory, &cli_verb_lab_world, &cli_verb_lab_measures,
                                          &cli_verb_lab_model, NULL};

const cli_verb cli_verb_lab = {
    .name = "lab",
    .args = "WHAT",
    .members = members,
    .summary = "the laboratory: models and worlds small enough to see through",
    .text = "What fine-tuning does to facts, in models whose every exposure is known. Each member is a verb of its "
            "own; ken "
            "lab WHAT --help says more.",
};
