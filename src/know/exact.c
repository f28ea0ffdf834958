/* exact.c - the method "exact": the probability of every right answer, summed over token paths (walk.h). */
#include "know/method.h"
#include "know/walk.h"

static int start(ken_question **out, const ken_method_input *in, ken_err *err)
{
    return ken_walk_new(out, in->engine, &in->setup->rules, in->golds, in->root, in->n_root,
                        in->save_paths ? KEN_WALK_SAVE_PATHS : 0, err);
}

static int fill(const ken_question *q, ken_row_maker *m, ken_row *out, ken_err *err)
{
    const ken_rules *r = &m->setup->rules;
    ken_knowledge k;
    for (int i = 0; i < r->prompts; i++) {
        int rc = ken_row_prompt(m, i, ken_walk_get(q, i), out, err);
        if (rc != KEN_OK) return rc;
    }
    ken_categorize_exact(&k, m->hit, m->lo, m->hi, r->prompts, r->samples, r->seed, out->id, m->hits);
    ken_row_label(m, &k, out);
    if (ken_walk_open_mass(q)) out->flags |= KEN_FLAG_OPEN_MASS;
    return KEN_OK;
}

const ken_method ken_method_exact = {.name = "exact",
                                     .version = "1",
                                     .about = "the probability of every right answer, summed over token paths",
                                     .of_text = true,
                                     .rules_out = true,
                                     .control = true,
                                     .start = start,
                                     .fill = fill};
