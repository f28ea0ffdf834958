/* monitor.c - see monitor.h. Groups are numbered once; a measurement then only counts. */
#include "tune/monitor.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "data/data.h"
#include "know/certainty.h"
#include "know/tally.h"
#include "store/tuning.h"
#include "text/accept.h"
#include <math.h>
#include <string.h>

typedef struct group {
    const char *grouping, *key; /* borrowed from the set, or static */
    uint64_t n, hits, raw, abstained, answered;
    int class; /* of the losses that belong here; -1 = none, ALL */
} group;
enum { NO_CLASS = -1, ALL_CLASSES = -2 };
/* Behind all and the categories; certainties, by their number, when the training teaches them. */
enum { EMPTY = 1 + KEN_TRAIN_CATEGORIES, CUT_OFF, CERTAINTY };

typedef struct watched {
    ken_monitor_set set;
    size_t *asked; /* (n) rows */
    size_t n;
    ken_greedy_item *item;     /* (n) */
    ken_greedy_answer *answer; /* (n); valid when there */
    bool there;
    group *groups; /* (n_groups): all, the categories, formless answers, then relations and tasks */
    size_t n_groups, cap_groups;
    int32_t *relation, *task; /* (n) its group, or -1 */
} watched;

struct ken_monitor {
    watched *w; /* (n_sets) */
    int n_sets;
    const char *task[KEN_TRAIN_TASKS]; /* (n_tasks) of the mixture */
    int n_tasks;
    ken_measure *measure;
    size_t n_measures, cap_measures;
    ken_arena arena; /* targets that are no answers */
};

/* ---- groups ----------------------------------------------------------------------------------------------------------- */

static const char *category_key(int category)
{
    return category < KEN_N_CATEGORIES ? ken_category_name(category) : "unannotated";
}

static int add_group(watched *w, const char *grouping, const char *key, int class, ken_err *err)
{
    if (ken_grow((void **)&w->groups, &w->cap_groups, w->n_groups + 1, sizeof *w->groups) != 0)
        return ken_fail_nomem(err, "groups of rows");
    w->groups[w->n_groups++] = (group){.grouping = grouping, .key = key, .class = class};
    return KEN_OK;
}

/* *at = the group of name among those that `names` has, made when it is new; -1 for "". */
static int find_group(watched *w, ken_strmap *names, const char *grouping, const char *name, int class, int32_t *at,
                      ken_err *err)
{
    *at = -1;
    if (name[0] == '\0') return KEN_OK;
    *at = ken_strmap_get(names, name, strlen(name), -1);
    if (*at >= 0) return KEN_OK;
    *at = (int32_t)w->n_groups;
    int rc = add_group(w, grouping, name, class, err);
    if (rc == KEN_OK && ken_strmap_add(names, name, strlen(name), *at) < 0) rc = ken_fail_nomem(err, "groups of rows");
    return rc;
}

static bool can_be_asked(const ken_tune_row *r) { return r->question != NULL && r->n_answers > 0; }

/* The target as text: its tokens without control tokens, such as the end. */
static void target_text(const ken_tune_row *r, const ken_tokenizer *t, ken_buf *out)
{
    ken_buf_clear(out);
    for (int32_t i = r->n_prompt; i < r->n_ids; i++) {
        ken_str bytes = ken_tokenizer_bytes(t, r->ids[i]);
        if (bytes.p != NULL) ken_buf_add(out, bytes.p, bytes.n);
    }
}

/* What counts as right for a training row: its answers, or the target where that was replaced ("I don't know"): a row is fitted when the
 * model says what it was taught. *answers, *n: as in the row, or in the arena. */
static int right_answers(ken_monitor *m, const ken_tokenizer *t, const ken_tune_row *r, ken_greedy_item *item,
                         ken_buf *text, ken_err *err)
{
    target_text(r, t, text);
    size_t n = text->len; /* what the model says of its certainty is counted by itself */
    if (ken_tune_set_certainty(m->w[0].set.rows)) (void)ken_certainty_of(ken_buf_str(text), text->len, &n);
    char *target = ken_normalize(ken_buf_str(text), n);
    bool same = false;
    for (int i = 0; i < r->n_answers && target != NULL && !same; i++) {
        char *answer = ken_normalize(r->answers[i], strlen(r->answers[i]));
        same = answer != NULL && strcmp(answer, target) == 0;
        ken_free(answer);
    }
    ken_free(target);
    if (same) return KEN_OK;
    char *copy = ken_arena_strndup(&m->arena, ken_buf_str(text), n);
    const char **list = ken_arena_alloc(&m->arena, 1, sizeof *list);
    if (text->failed || target == NULL || copy == NULL || list == NULL) return ken_fail_nomem(err, "targets");
    *list = copy;
    item->answers = list;
    item->n_answers = 1;
    item->n_aliases = 0;
    return KEN_OK;
}

/* Of the rows that can be asked, w->asked (*n): `want` of them, drawn within their relations. */
static int draw_rows(watched *w, size_t *n, size_t want, ken_err *err)
{
    ken_sampled *from = ken_alloc(*n, sizeof *from);
    size_t *taken = ken_alloc(want, sizeof *taken);
    int rc = from == NULL || taken == NULL ? ken_fail_nomem(err, "rows to ask") : KEN_OK;
    for (size_t i = 0; i < *n && rc == KEN_OK; i++) {
        const ken_tune_row *r = ken_tune_set_row(w->set.rows, w->asked[i]);
        from[i] = (ken_sampled){r->id, r->relation};
    }
    if (rc == KEN_OK) rc = ken_sample_draw(from, *n, want, w->set.seed, taken, err);
    for (size_t i = 0; i < want && rc == KEN_OK; i++) w->asked[i] = w->asked[taken[i]]; /* ascending */
    if (rc == KEN_OK) *n = want;
    ken_free(from);
    ken_free(taken);
    return rc;
}

/* Which rows are asked: those that can be, or `limit` of them. */
static int choose_rows(watched *w, ken_err *err)
{
    const size_t all = ken_tune_set_count(w->set.rows);
    size_t n = 0;
    w->asked = ken_alloc(all, sizeof *w->asked);
    if (w->asked == NULL) return ken_fail_nomem(err, "rows to ask");
    for (size_t i = 0; i < all; i++)
        if (can_be_asked(ken_tune_set_row(w->set.rows, i))) w->asked[n++] = i;
    if (w->set.limit > 0 && w->set.limit < n) {
        int rc = draw_rows(w, &n, w->set.limit, err);
        if (rc != KEN_OK) return rc;
    }
    w->item = ken_alloc(n, sizeof *w->item);
    w->answer = ken_calloc(n, sizeof *w->answer);
    w->relation = ken_alloc(n, sizeof *w->relation);
    w->task = ken_alloc(n, sizeof *w->task);
    if (w->item == NULL || w->answer == NULL || w->relation == NULL || w->task == NULL)
        return ken_fail_nomem(err, "rows to ask");
    for (size_t i = 0; i < n; i++) {
        const ken_tune_row *r = ken_tune_set_row(w->set.rows, w->asked[i]);
        w->item[i] = (ken_greedy_item){r->ids, r->n_prompt, r->answers, r->n_answers, r->aliases, r->n_aliases};
    }
    w->n = n;
    return KEN_OK;
}

static int number_groups(ken_monitor *m, watched *w, ken_err *err)
{
    ken_strmap *relations = ken_strmap_new(64), *tasks = ken_strmap_new(16);
    int rc = relations == NULL || tasks == NULL ? ken_fail_nomem(err, "groups of rows") : KEN_OK;
    if (rc == KEN_OK) rc = add_group(w, "all", "", ALL_CLASSES, err);
    for (int c = 0; c < KEN_TRAIN_CATEGORIES && rc == KEN_OK; c++)
        rc = add_group(w, "category", category_key(c), c, err);
    if (rc == KEN_OK) rc = add_group(w, "answer", "empty", NO_CLASS, err);
    if (rc == KEN_OK) rc = add_group(w, "answer", "cut off", NO_CLASS, err);
    for (int c = 0; c < KEN_N_CERTAINTIES && rc == KEN_OK && ken_tune_set_certainty(m->w[0].set.rows); c++)
        rc = add_group(w, "certainty", ken_certainty_name((ken_certainty)c), NO_CLASS, err);
    for (int t = 0; t < m->n_tasks && rc == KEN_OK && w == m->w; t++) {
        int32_t at;
        rc = find_group(w, tasks, "task", m->task[t], KEN_TRAIN_CATEGORIES + t, &at, err);
    }
    for (size_t i = 0; i < w->n && rc == KEN_OK; i++) {
        const ken_tune_row *r = ken_tune_set_row(w->set.rows, w->asked[i]);
        rc = find_group(w, relations, "relation", r->relation, NO_CLASS, &w->relation[i], err);
        if (rc == KEN_OK) rc = find_group(w, tasks, "task", r->task, NO_CLASS, &w->task[i], err);
    }
    ken_strmap_free(relations);
    ken_strmap_free(tasks);
    return rc;
}

static int find_tasks(ken_monitor *m, ken_err *err)
{
    const ken_tune_set *s = m->w[0].set.rows;
    for (size_t i = 0; i < ken_tune_set_count(s); i++) {
        const char *task = ken_tune_set_row(s, i)->task;
        int t = 0;
        while (t < m->n_tasks && strcmp(m->task[t], task) != 0) t++;
        if (task[0] == '\0' || t < m->n_tasks) continue;
        if (t == KEN_TRAIN_TASKS) return ken_fail(err, KEN_EUSAGE, "`mix`: at most %d tasks can be mixed in", t);
        m->task[m->n_tasks++] = task;
    }
    return KEN_OK;
}

static int judge_by_targets(ken_monitor *m, const ken_tokenizer *t, ken_err *err)
{
    watched *w = &m->w[0];
    ken_buf text = {0};
    int rc = KEN_OK;
    for (size_t i = 0; i < w->n && rc == KEN_OK; i++)
        rc = right_answers(m, t, ken_tune_set_row(w->set.rows, w->asked[i]), &w->item[i], &text, err);
    ken_buf_free(&text);
    return rc;
}

int ken_monitor_new(ken_monitor **out, const ken_monitor_set *set, int n_sets, const ken_tokenizer *t, ken_err *err)
{
    *out = NULL;
    ken_monitor *m = ken_calloc(1, sizeof *m);
    if (m == NULL) return ken_fail_nomem(err, "monitor");
    m->w = ken_calloc((size_t)n_sets, sizeof *m->w);
    int rc = m->w == NULL ? ken_fail_nomem(err, "monitor") : KEN_OK;
    if (rc != KEN_OK) goto done;
    m->n_sets = n_sets;
    for (int i = 0; i < n_sets; i++) m->w[i].set = set[i];
    rc = find_tasks(m, err);
    for (int i = 0; i < m->n_sets && rc == KEN_OK; i++) {
        rc = choose_rows(&m->w[i], err);
        if (rc == KEN_OK) rc = number_groups(m, &m->w[i], err);
    }
    if (rc == KEN_OK) rc = judge_by_targets(m, t, err);
done:
    if (rc == KEN_OK) *out = m;
    else ken_monitor_free(m);
    return rc;
}

static void forget_answers(watched *w)
{
    if (w->there) ken_greedy_free(w->answer, w->n);
    w->there = false;
}

void ken_monitor_free(ken_monitor *m)
{
    if (m == NULL) return;
    for (int i = 0; m->w != NULL && i < m->n_sets; i++) {
        watched *w = &m->w[i];
        forget_answers(w);
        void *all[] = {w->asked, w->item, w->answer, w->relation, w->task, w->groups};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) ken_free(all[k]);
    }
    ken_free(m->w);
    ken_free(m->measure);
    ken_arena_free(&m->arena);
    ken_free(m);
}

int ken_monitor_class(const ken_monitor *m, const ken_tune_row *row)
{
    for (int t = 0; t < m->n_tasks && row->task[0] != '\0'; t++)
        if (strcmp(m->task[t], row->task) == 0) return KEN_TRAIN_CATEGORIES + t;
    return row->category >= 0 && row->category < KEN_TRAIN_CATEGORIES ? row->category : KEN_N_CATEGORIES;
}

const size_t *ken_monitor_rows(const ken_monitor *m, const char *set, size_t *n)
{
    *n = 0;
    for (int i = 0; i < m->n_sets; i++)
        if (strcmp(m->w[i].set.name, set) == 0) {
            *n = m->w[i].n;
            return m->w[i].asked;
        }
    return NULL;
}

size_t ken_monitor_asked(const ken_monitor *m)
{
    size_t n = 0;
    for (int i = 0; i < m->n_sets; i++) n += m->w[i].n;
    return n;
}

/* ---- asking ----------------------------------------------------------------------------------------------------------- */

static void count(group *g, const ken_greedy_answer *a)
{
    g->n++;
    g->hits += a->hit;
    g->raw += a->hit_raw;
    g->abstained += a->abstained;
    g->answered += !a->abstained && !a->too_long;
}

static void count_all(const ken_monitor *m, watched *w)
{
    for (size_t g = 0; g < w->n_groups; g++) {
        group *x = &w->groups[g];
        *x = (group){.grouping = x->grouping, .key = x->key, .class = x->class};
    }
    for (size_t i = 0; i < w->n; i++) {
        const ken_tune_row *r = ken_tune_set_row(w->set.rows, w->asked[i]);
        const ken_greedy_answer *a = &w->answer[i];
        int class = ken_monitor_class(m, r);
        count(&w->groups[0], a);
        if (class < KEN_TRAIN_CATEGORIES) count(&w->groups[1 + class], a);
        const char *form = ken_answer_form(a->text, a->finish, a->hit);
        if (form != NULL && strcmp(form, "empty") == 0) count(&w->groups[EMPTY], a);
        if (form != NULL && strcmp(form, "cut off") == 0) count(&w->groups[CUT_OFF], a);
        size_t unused;
        if (ken_tune_set_certainty(m->w[0].set.rows) && a->text != NULL)
            count(&w->groups[CERTAINTY + (int)ken_certainty_of(a->text, strlen(a->text), &unused)], a);
        if (w->relation[i] >= 0) count(&w->groups[w->relation[i]], a);
        if (w->task[i] >= 0) count(&w->groups[w->task[i]], a);
    }
}

int ken_monitor_ask(ken_monitor *m, ken_forwarder *f, const ken_tokenizer *t, const ken_greedy_options *how,
                    ken_err *err)
{
    int rc = KEN_OK;
    ken_greedy_options o = *how;
    o.total = ken_monitor_asked(m);
    for (int i = 0; i < m->n_sets && rc == KEN_OK; i++) {
        watched *w = &m->w[i];
        forget_answers(w);
        rc = ken_greedy(f, t, w->item, w->n, &o, w->answer, NULL, err);
        w->there = rc == KEN_OK;
        if (rc == KEN_OK) count_all(m, w);
        o.done_before += w->n;
    }
    return rc;
}

void ken_monitor_hits(const ken_monitor *m, const char *set, uint64_t *hits, uint64_t *n)
{
    *hits = *n = 0;
    for (int i = 0; i < m->n_sets; i++)
        if (strcmp(m->w[i].set.name, set) == 0) {
            *hits = m->w[i].groups[0].hits;
            *n = m->w[i].groups[0].n;
        }
}

/* ---- results ---------------------------------------------------------------------------------------------------------- */

static void add_losses(ken_measure *x, const group *g, const ken_train_state *s)
{
    int from = g->class == ALL_CLASSES ? 0 : g->class, to = g->class == ALL_CLASSES ? KEN_TRAIN_CLASSES : g->class + 1;
    double loss = 0;
    for (int c = from; c < to; c++) {
        loss += s->loss[c];
        x->tokens += s->targets[c];
    }
    if (x->tokens > 0) x->loss = loss;
}

int ken_monitor_measures(ken_monitor *m, const ken_train_state *s, const ken_measure **out, size_t *n, ken_err *err)
{
    m->n_measures = 0;
    for (int i = 0; i < m->n_sets; i++)
        for (size_t k = 0; k < m->w[i].n_groups; k++) {
            const group *g = &m->w[i].groups[k];
            ken_measure x = {.set = m->w[i].set.name,
                             .grouping = g->grouping,
                             .key = g->key,
                             .n = g->n,
                             .hits = g->hits,
                             .hits_raw = g->raw,
                             .abstained = g->abstained,
                             .answered = g->answered,
                             .loss = NAN,
                             .p = NAN};
            if (i == 0 && g->class != NO_CLASS) add_losses(&x, g, s);
            if (x.n == 0 && x.tokens == 0) continue;
            if (ken_grow((void **)&m->measure, &m->cap_measures, m->n_measures + 1, sizeof *m->measure) != 0)
                return ken_fail_nomem(err, "measures");
            m->measure[m->n_measures++] = x;
        }
    *out = m->measure;
    *n = m->n_measures;
    return KEN_OK;
}

static int store_fit(const watched *w, ken_store *store, int64_t step, ken_err *err)
{
    size_t n = ken_tune_set_count(w->set.rows);
    uint8_t *bits = ken_calloc((n + 7) / 8, 1);
    if (bits == NULL) return ken_fail_nomem(err, "fitted rows");
    for (size_t i = 0; i < w->n; i++)
        if (w->answer[i].hit) bits[w->asked[i] / 8] |= (uint8_t)(1u << w->asked[i] % 8);
    int rc = ken_tuning_put_fit(store, step, bits, n, err);
    ken_free(bits);
    return rc;
}

static int store_answers(const watched *w, ken_store *store, int64_t step, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0; i < w->n && rc == KEN_OK; i++) {
        const ken_tune_row *r = ken_tune_set_row(w->set.rows, w->asked[i]);
        const ken_greedy_answer *a = &w->answer[i];
        ken_evaluated e = {.set = w->set.name,
                           .id = r->id,
                           .relation = r->relation,
                           .split = "",
                           .category = r->category,
                           .popularity = r->popularity,
                           .question = r->question,
                           .answer = r->answers[0],
                           .text = a->text,
                           .finish = a->finish,
                           .hit = a->hit,
                           .hit_raw = a->hit_raw,
                           .abstained = a->abstained,
                           .too_long = a->too_long,
                           .p = NAN};
        rc = ken_tuning_put_evaluated(store, step, w->asked[i], &e, err);
    }
    return rc;
}

int ken_monitor_store(ken_monitor *m, ken_store *store, int64_t step, int64_t best, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t k = 0; k < m->n_measures && rc == KEN_OK; k++)
        rc = ken_tuning_put_measure(store, step, &m->measure[k], err);
    if (rc == KEN_OK && m->w[0].set.limit == 0) rc = store_fit(&m->w[0], store, step, err);
    for (int i = 1; i < m->n_sets && rc == KEN_OK; i++) rc = store_answers(&m->w[i], store, step, err);
    if (rc == KEN_OK) rc = ken_tuning_drop_evaluated(store, step, best, err);
    return rc;
}

int ken_monitor_store_rows(const ken_monitor *m, ken_store *store, const ken_tokenizer *t, ken_err *err)
{
    const ken_tune_set *s = m->w[0].set.rows;
    ken_buf target = {0};
    int rc = KEN_OK;
    for (size_t i = 0; i < ken_tune_set_count(s) && rc == KEN_OK; i++) {
        const ken_tune_row *r = ken_tune_set_row(s, i);
        target_text(r, t, &target);
        ken_trained x = {r->id,       r->relation,          r->task,   r->category,
                         r->question, ken_buf_str(&target), r->weight, r->subject};
        rc = target.failed ? ken_fail_nomem(err, "rows") : ken_tuning_put_row(store, i, &x, err);
    }
    ken_buf_free(&target);
    return rc;
}
