/* scoring.h - inside of a scoring: what score.c (labels), score_save.c (a run of them) and audit.c (a sheet to check by hand) share. */
#ifndef KEN_STUDY_SCORING_H
#define KEN_STUDY_SCORING_H
#include "study/rescore.h"

/* Setting of a run that was scored: how many of its rows hold bounds in place of the intervals of a walk. */
#define KEN_SCORED_BOUNDED_ROWS "scored_bounded"

struct ken_scoring {
    ken_run *run;
    ken_score_options o;
    ken_rescorer r;
    ken_data *aliases;
    ken_score_counts counts;
    int prompts, all_prompts, samples; /* of the first row with a label */
};
#endif
