/* slick.c - the data of the SliCK study: the filters of docs/method/knowledge.md#filter over EntityQuestions.
 *
 *   test:  12 ID + 7 OOD relations, rows with one answer
 *   train: 12 ID relations, rows with one answer whose subject is no subject of any test row of all 24 relations (test rows with
 *          several answers too)
 *   dev:   rows with one answer; 10,461 in the ID relations, and those of the OOD relations because their exemplars come from there
 * Duplicates stay. The published totals come out exactly; tests/data/test_slick.c asserts every one. */
#include "data/dataset.h"
#include <string.h>

static const char *const id_relations[] = {"P131", "P136", "P17",  "P19", "P26",  "P264",
                                           "P36",  "P40",  "P495", "P69", "P740", "P800"};
static const char *const ood_relations[] = {"P127", "P50", "P407", "P176", "P170", "P175", "P112"};
enum { N_ID = 12, N_OOD = 7 };

ken_names ken_slick_relations(bool held_out)
{
    return held_out ? (ken_names){ood_relations, N_OOD} : (ken_names){id_relations, N_ID};
}

static bool is_one_of(const char *relation, const char *const *list, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(relation, list[i]) == 0) return true;
    return false;
}

static bool has(const ken_data *d, const char *relation, const char *split)
{
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->rows[i].relation, relation) == 0 && strcmp(d->rows[i].split, split) == 0) return true;
    return false;
}

/* A missing file would silently change which subjects count as test subjects. */
static int check_complete(const ken_data *d, ken_err *err)
{
    static const char *const splits[] = {"train", "dev", "test"};
    for (int i = 0; i < N_ID + N_OOD; i++)
        for (int j = 0; j < 3; j++) {
            const char *relation = i < N_ID ? id_relations[i] : ood_relations[i - N_ID];
            if (!has(d, relation, splits[j]))
                return ken_fail(err, KEN_EINPUT,
                                "the slick protocol needs all of EntityQuestions; %s/%s.%s.json is missing or empty",
                                splits[j], relation, splits[j]);
        }
    return KEN_OK;
}

/* The subjects of all test rows; *out is the caller's, keys borrowed from d. */
static int test_subjects(const ken_data *d, ken_strmap **out, ken_err *err)
{
    ken_strmap *subjects = *out = ken_strmap_new(d->n / 8);
    if (subjects == NULL) return ken_fail_nomem(err, "test subjects");
    for (size_t i = 0; i < d->n; i++) {
        const ken_example *e = &d->rows[i];
        if (strcmp(e->split, "dev") == 0) continue;
        if (e->subject == NULL)
            return ken_fail(
                err, KEN_EINPUT,
                "%s:%d: the subject of this question is not known; the slick protocol needs the template of %s "
                "(relation_query_templates.json beside the data)",
                e->file, e->line, e->relation);
        if (strcmp(e->split, "test") == 0 && ken_strmap_add(subjects, e->subject, strlen(e->subject), 1) < 0)
            return ken_fail_nomem(err, "test subjects");
    }
    return KEN_OK;
}

int ken_slick_filter(ken_data *d, ken_err *err)
{
    if (d->format != KEN_FMT_ENTITYQUESTIONS)
        return ken_fail(err, KEN_EINPUT, "the slick protocol is for EntityQuestions; this data is of format %s",
                        ken_data_format(d));
    int rc = check_complete(d, err);
    ken_strmap *subjects = NULL;
    if (rc == KEN_OK) rc = test_subjects(d, &subjects, err);
    size_t kept = 0;
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++) {
        const ken_example *e = &d->rows[i];
        bool id = is_one_of(e->relation, id_relations, N_ID), ood = is_one_of(e->relation, ood_relations, N_OOD);
        bool train = strcmp(e->split, "train") == 0, dev = strcmp(e->split, "dev") == 0,
             test = strcmp(e->split, "test") == 0;
        bool selected = e->n_answers == 1 && ((id && (train || dev || test)) || (ood && (dev || test)));
        if (selected && train && e->subject != NULL)
            selected = ken_strmap_get(subjects, e->subject, strlen(e->subject), 0) == 0;
        if (!selected) continue;
        d->stats.slick_train += train;
        d->stats.slick_dev += dev && id;
        d->stats.slick_id_test += test && id;
        d->stats.slick_ood_test += test && ood;
        d->rows[kept++] = *e;
    }
    if (rc == KEN_OK) d->n = kept;
    ken_strmap_free(subjects);
    return rc;
}
