/* measures.c - the facts of one world, asked in the form of its corpus; see measures.h. */
#include "lab/measures.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "lab/phrases.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the facts ---------------------------------------------------------------------------------------------------------- */

static int copy_fact(ken_world_facts *w, ken_measured *f, const ken_example *x, ken_strmap *subjects, ken_err *err)
{
    if (x->subject == NULL || !(x->popularity >= 0 && x->popularity <= UINT32_MAX))
        return ken_fail(err, KEN_EINPUT,
                        "%s: fact %s has no subject or no exposures; is this a world of ken lab world?", w->dir, x->id);
    *f = (ken_measured){.id = ken_arena_strdup(&w->arena, x->id),
                        .relation = ken_arena_strdup(&w->arena, x->relation),
                        .subject = ken_arena_strdup(&w->arena, x->subject),
                        .sentence = ken_arena_strdup(&w->arena, x->question),
                        .answer = ken_arena_strdup(&w->arena, x->answers[0]),
                        .split = ken_arena_strdup(&w->arena, x->split),
                        .exposures = (uint32_t)x->popularity,
                        .category = KEN_UNLABELLED,
                        .p = NAN,
                        .p_unknown = NAN,
                        .salience = NAN};
    if (f->id == NULL || f->relation == NULL || f->subject == NULL || f->sentence == NULL || f->answer == NULL ||
        f->split == NULL)
        return ken_fail_nomem(err, "facts");
    const int32_t group = ken_strmap_number(subjects, f->subject, strlen(f->subject));
    if (group < 0) return ken_fail_nomem(err, "subjects");
    f->group = (uint32_t)group;
    return KEN_OK;
}

static int sum_subjects(ken_world_facts *w, ken_err *err)
{
    uint32_t *sum = ken_calloc(w->subjects, sizeof *sum);
    if (sum == NULL) return ken_fail_nomem(err, "subjects");
    for (size_t i = 0; i < w->n; i++) sum[w->fact[i].group] += w->fact[i].exposures;
    for (size_t i = 0; i < w->n; i++) w->fact[i].said_of_subject = sum[w->fact[i].group];
    ken_free(sum);
    return KEN_OK;
}

/* Dev facts are the exemplars, and come last: the others are asked. */
static int read_facts(ken_world_facts *w, const ken_data *d, ken_err *err)
{
    const size_t n = ken_data_count(d);
    ken_strmap *subjects = ken_strmap_new(n);
    w->fact = ken_calloc(n, sizeof *w->fact);
    int rc = subjects == NULL || w->fact == NULL ? ken_fail_nomem(err, "facts") : KEN_OK;
    for (int dev = 0; dev < 2; dev++)
        for (size_t i = 0; i < n && rc == KEN_OK; i++) {
            const ken_example *x = ken_data_get(d, i);
            if ((strcmp(x->split, "dev") == 0) != (dev == 1)) continue;
            rc = copy_fact(w, &w->fact[w->n], x, subjects, err);
            w->n++;
            w->asked += dev == 0;
        }
    if (rc == KEN_OK) w->subjects = (uint32_t)ken_strmap_count(subjects);
    ken_strmap_free(subjects);
    return rc == KEN_OK ? sum_subjects(w, err) : rc;
}

/* ---- P_Correct ---------------------------------------------------------------------------------------------------------- */

static int read_run(ken_world_facts *w, const char *path, ken_err *err)
{
    ken_run *r = NULL;
    ken_strmap *place = ken_strmap_new(w->n);
    int rc = place == NULL ? ken_fail_nomem(err, "facts") : ken_run_open(&r, path, err);
    for (size_t i = 0; i < w->asked && rc == KEN_OK; i++)
        if (ken_strmap_add(place, w->fact[i].id, strlen(w->fact[i].id), (int32_t)i) < 0)
            rc = ken_fail_nomem(err, "facts");
    size_t found = 0;
    for (size_t i = 0; rc == KEN_OK && i < ken_run_count(r); i++) {
        const ken_row *row = ken_run_row(r, i, err);
        if (row == NULL) {
            rc = err->status;
            break;
        }
        const int32_t at = ken_strmap_get(place, row->id, strlen(row->id), -1);
        if (at < 0) continue;
        w->fact[at].category = row->category;
        w->fact[at].p = row->p_t;
        w->fact[at].p_unknown = row->p_unknown;
        found++;
    }
    if (rc == KEN_OK && found != w->asked)
        rc = ken_fail(err, KEN_EINPUT, "%s: has %zu of the world's %zu facts; remove it", path, found, w->asked);
    ken_run_free(r);
    ken_strmap_free(place);
    return rc;
}

/* Asked in the words and the form of the corpus, so that what is measured is what it has taught, and not a format. */
static int annotate(ken_world_facts *w, ken_model *m, const ken_data *d, const ken_measures_options *o,
                    const ken_watch *watch, ken_err *err)
{
    char *path = ken_path_join(w->dir, "known.ken");
    ken_annotate_options a = ken_annotate_defaults();
    a.prompt_template = "{question}\n";
    a.texts = false;
    a.threads = o->threads;
    a.isa = o->isa;
    a.poll = watch->poll;
    a.progress = watch->progress;
    a.ctx = watch->ctx;
    int rc = path == NULL ? ken_fail_nomem(err, "file name") : ken_annotate(m, d, &a, path, err);
    if (rc == KEN_OK) rc = read_run(w, path, err);
    ken_free(path);
    return rc;
}

int ken_world_facts_measure(ken_world_facts *w, const char *dir, const ken_measures_options *o, ken_watch *watch,
                            ken_err *err)
{
    ken_model *m = NULL;
    ken_data *d = NULL;
    ken_data_options read = ken_data_defaults();
    char *model = ken_path_join(dir, "model"), *data = ken_path_join(dir, "data"), *done = ken_path_join(dir, "DONE");
    read.question_field = "sentence";
    *w = (ken_world_facts){.dir = dir};
    int rc = model == NULL || data == NULL || done == NULL ? ken_fail_nomem(err, "file names") : KEN_OK;
    if (rc == KEN_OK && !ken_is_file(done))
        rc = ken_fail(err, KEN_EINPUT, "%s: is no finished world; ken_world_run makes one", dir);
    if (rc == KEN_OK) rc = ken_data_open(&d, data, &read, err);
    if (rc == KEN_OK) rc = ken_model_open(&m, model, err);
    if (rc == KEN_OK) rc = read_facts(w, d, err);
    if (rc == KEN_OK) rc = annotate(w, m, d, o, watch, err);
    if (rc == KEN_OK) rc = ken_salience_read(w, m, o, watch, err);
    ken_model_free(m);
    ken_data_free(d);
    ken_free(model);
    ken_free(data);
    ken_free(done);
    return rc;
}

void ken_world_facts_free(ken_world_facts *w)
{
    ken_free(w->fact);
    ken_arena_free(&w->arena);
    *w = (ken_world_facts){0};
}

double ken_measured_rank(const ken_measured *f, int rank)
{
    switch (rank) {
    case KEN_RANK_EXPOSURES: return f->exposures;
    case KEN_RANK_POPULARITY: return f->said_of_subject;
    case KEN_RANK_P: return f->p;
    default: return f->salience;
    }
}
