/* diff_near.c - how far each compared fact is from what was trained on: the question itself, its subject, its answer, its relation.
 *
 * A training set is the table `trained` of a train.ken, or rows as `ken train -d` reads them (tune/draft.h), of the split "train" where
 * there is one. Texts are compared normalised (docs/method/knowledge.md#normalisation, articles kept).
 *
 * The hard thing is the subject, which few sources name. Where a compared row has none, it is what its question does not share with the
 * others of its relation at the beginning and at the end ("capital of" X). A trained row that names its subject is about that one. One
 * that does not is about every subject whose words are in its question, provided that they reach into the part in which the
 * questions of its relation differ - so that "Who" (the band) is not found in each "Who wrote ...?". */
#include "study/diff.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "store/run.h"
#include "text/normalize.h"
#include "tune/draft.h"
#include <math.h>
#include <string.h>

enum { MAX_SUBJECT_WORDS = 24 };

/* A text in words: normalised, one space between. */
typedef struct words {
    const char *text;
    const uint32_t *at; /* (n + 1) where each begins; the last: one past the end and a space */
    uint32_t n;
} words;

/* What the questions of a relation have in common. */
typedef struct frame {
    const words *first;  /* its first question */
    uint32_t head, tail; /* words that all begin, end with */
    uint32_t rows;
} frame;

typedef struct frames {
    ken_strmap *index; /* relation -> frame */
    frame *frame;      /* (n) */
    size_t n, cap;
} frames;

typedef struct trained_row {
    int32_t relation; /* into frames; -1 = none */
    words question;   /* where its subject is to be looked for; n = 0 when it is known or there is no question */
} trained_row;

typedef struct near {
    ken_arena arena;
    ken_strmap *questions, *ids, *answers, *anywhere; /* what was trained; keys in the arena */
    ken_strmap *subjects;                             /* subjects of trained rows that name theirs */
    trained_row *row;                                 /* (n) */
    size_t n, cap;
    frames relations; /* those trained */
} near;

/* ---- words ---------------------------------------------------------------------------------------------------------- */

/* NULL when out of memory. */
static const char *normal(ken_arena *a, const char *s, size_t n)
{
    char *t = ken_normalize_words(s, n, true, NULL);
    const char *own = t != NULL ? ken_arena_strndup(a, t, strlen(t)) : NULL;
    ken_free(t);
    return own;
}

static int split(words *w, ken_arena *a, const char *s, ken_err *err)
{
    const char *text = normal(a, s, strlen(s));
    if (text == NULL) return ken_fail_nomem(err, "words");
    size_t len = strlen(text);
    uint32_t n = len > 0;
    if (len >= UINT32_MAX) return ken_fail(err, KEN_EINPUT, "a question of %zu bytes is too long", len);
    for (const char *p = text; *p != '\0'; p++) n += *p == ' ';
    uint32_t *at = ken_arena_alloc(a, (size_t)n + 1, sizeof *at);
    if (at == NULL) return ken_fail_nomem(err, "words");
    *w = (words){.text = text, .at = at, .n = n};
    n = 0;
    at[0] = 0;
    for (size_t i = 0; i < len; i++)
        if (text[i] == ' ') at[++n] = (uint32_t)i + 1;
    if (len > 0) at[n + 1] = (uint32_t)len + 1;
    return KEN_OK;
}

static size_t word_length(const words *w, uint32_t i) { return w->at[i + 1] - w->at[i] - 1; }

static bool same_word(const words *a, uint32_t i, const words *b, uint32_t k)
{
    size_t n = word_length(a, i);
    return n == word_length(b, k) && memcmp(a->text + a->at[i], b->text + b->at[k], n) == 0;
}

/* Takes one more question into the frame of its relation. */
static void fit_frame(frames *x, int32_t at, const words *w)
{
    frame *f = at >= 0 && x->frame != NULL ? &x->frame[at] : NULL;
    if (f == NULL || w->n == 0) return;
    if (f->rows++ == 0) {
        f->first = w;
        f->head = f->tail = w->n;
        return;
    }
    uint32_t n = 0;
    while (n < f->head && n < w->n && same_word(f->first, n, w, n)) n++;
    f->head = n;
    for (n = 0; n < f->tail && n < w->n && same_word(f->first, f->first->n - 1 - n, w, w->n - 1 - n);) n++;
    f->tail = n;
}

/* The place of a relation among the frames, made when it is new; -1 for none, -2 when out of memory. The key is borrowed from `a`. */
static int32_t frame_of(frames *x, ken_arena *a, const char *relation)
{
    size_t n = strlen(relation);
    if (n == 0) return -1;
    int32_t at = ken_strmap_get(x->index, relation, n, -1);
    if (at >= 0) return at;
    const char *own = ken_arena_strndup(a, relation, n);
    if (own == NULL || x->n >= INT32_MAX || ken_grow((void **)&x->frame, &x->cap, x->n + 1, sizeof *x->frame) != 0 ||
        ken_strmap_add(x->index, own, n, (int32_t)x->n) < 0)
        return -2;
    x->frame[x->n] = (frame){0};
    return (int32_t)x->n++;
}

static const frame *get_frame(const frames *x, int32_t at)
{
    return at >= 0 && (size_t)at < x->n ? &x->frame[at] : NULL;
}

/* The words of a question that are its own: [*from, *to). A single question is all its own. */
static void own_words(const frame *f, const words *w, uint32_t *from, uint32_t *to)
{
    bool alone = f == NULL || f->rows < 2 || f->head + f->tail >= w->n;
    *from = alone ? 0 : f->head;
    *to = alone ? w->n : w->n - f->tail;
}

/* ---- what was trained ----------------------------------------------------------------------------------------------- */

static int put(ken_strmap *m, const char *key, size_t n, ken_err *err)
{
    if (key == NULL || (n > 0 && ken_strmap_add(m, key, n, 1) < 0)) return ken_fail_nomem(err, "training set");
    return KEN_OK;
}

static int put_answer(near *x, const char *relation, const char *answer, ken_err *err)
{
    size_t n;
    const char *text = normal(&x->arena, answer, strlen(answer));
    if (text == NULL) return ken_fail_nomem(err, "training set");
    if (text[0] == '\0') return KEN_OK;
    int rc = put(x->anywhere, text, strlen(text), err);
    if (rc != KEN_OK || relation[0] == '\0') return rc;
    const char *key = ken_diff_key(&x->arena, relation, text, &n);
    return put(x->answers, key, n, err);
}

/* Every line of a prompt may be the question: templates put it on one of its own. */
static int put_lines(near *x, const char *text, ken_err *err)
{
    int rc = KEN_OK;
    for (const char *s = text; rc == KEN_OK && *s != '\0';) {
        size_t n = strcspn(s, "\n");
        const char *line = normal(&x->arena, s, n);
        rc = line == NULL ? ken_fail_nomem(err, "training set") : put(x->questions, line, strlen(line), err);
        s += n + (s[n] == '\n');
    }
    return rc;
}

/* One trained row. question: NULL, or a text that holds it, perhaps among other lines. */
static int put_row(near *x, const char *id, const char *relation, const char *question, const char *subject,
                   const char *answer, ken_err *err)
{
    int32_t f = frame_of(&x->relations, &x->arena, relation);
    if (f == -2 || ken_grow((void **)&x->row, &x->cap, x->n + 1, sizeof *x->row) != 0)
        return ken_fail_nomem(err, "training set");
    trained_row *row = &x->row[x->n++];
    *row = (trained_row){.relation = f};
    int rc = KEN_OK;
    if (question != NULL) {
        rc = put_lines(x, question, err);
        if (rc == KEN_OK && subject == NULL) rc = split(&row->question, &x->arena, question, err);
    } else if (id != NULL && id[0] != '\0') {
        size_t n;
        const char *key = ken_diff_key(&x->arena, relation, id, &n);
        rc = put(x->ids, key, n, err);
    }
    if (rc == KEN_OK && subject != NULL) {
        const char *s = normal(&x->arena, subject, strlen(subject));
        rc = put(x->subjects, s, s != NULL ? strlen(s) : 0, err);
    }
    return rc == KEN_OK && answer != NULL ? put_answer(x, relation, answer, err) : rc;
}

static int read_training(near *x, ken_run *run, ken_err *err)
{
    int rc = KEN_OK;
    ken_err why = {0};
    for (size_t i = 0; i < ken_run_n_trained(run) && rc == KEN_OK; i++) {
        const ken_trained *t = ken_run_trained(run, i, &why);
        if (t == NULL) rc = ken_fail(err, why.status, "%s", why.msg);
        else rc = put_row(x, t->id, t->relation, t->question, t->subject, t->target, err);
    }
    if (rc == KEN_OK && ken_run_n_trained(run) == 0)
        rc = ken_fail(err, KEN_EINPUT, "%s: it does not record what was trained on", run->path);
    return rc;
}

static int put_draft(near *x, const ken_draft *r, ken_err *err)
{
    ken_buf prompt = {0};
    const char *question = r->question, *answer = r->target != NULL  ? r->target
                                                  : r->n_answers > 0 ? r->answers[0]
                                                                     : NULL;
    if (question == NULL) { /* instruction data: the question is somewhere in what the user says, or in a plain text */
        for (int i = 0; i < r->n_turns; i++) ken_buf_printf(&prompt, "%s\n", r->turns[i].text);
        if (r->text && r->target != NULL) ken_buf_puts(&prompt, r->target);
        if (prompt.len > 0) question = prompt.data;
    }
    int rc = prompt.failed ? ken_fail_nomem(err, "training set")
                           : put_row(x, r->id, r->relation, question, r->subject, r->text ? NULL : answer, err);
    ken_buf_free(&prompt);
    return rc;
}

static int read_rows(near *x, const char *path, ken_err *err)
{
    ken_train_data from = ken_train_data_defaults();
    ken_drafts d = {0};
    from.path = path;
    int rc = ken_drafts_read(&d, &from, err);
    bool train = false;
    for (size_t i = 0; i < d.n && rc == KEN_OK; i++) train |= strcmp(d.rows[i].split, "train") == 0;
    for (size_t i = 0; i < d.n && rc == KEN_OK; i++)
        if (!train || strcmp(d.rows[i].split, "train") == 0) rc = put_draft(x, &d.rows[i], err);
    ken_drafts_free(&d);
    return rc;
}

/* A training (its folder or its train.ken), else rows. */
static int read_set(near *x, const char *path, ken_err *err)
{
    ken_buf inside = {0};
    ken_run *run = NULL;
    ken_buf_printf(&inside, "%s/train.ken", path);
    if (inside.failed) return ken_fail_nomem(err, "path");
    const char *file = ken_is_dir(path) && ken_is_file(inside.data) ? inside.data : path;
    int rc = KEN_OK;
    if (ken_drafts_is_run(file)) rc = ken_run_open(&run, file, err);
    if (rc == KEN_OK && run != NULL && strcmp(ken_run_kind(run), "eval") == 0)
        rc = ken_fail(err, KEN_EINPUT, "%s: an evaluation, which trained on nothing; a train.ken is expected", file);
    else if (rc == KEN_OK && run != NULL && strcmp(ken_run_kind(run), "train") == 0) rc = read_training(x, run, err);
    else if (rc == KEN_OK) rc = read_rows(x, file, err);
    ken_run_free(run);
    ken_buf_free(&inside);
    return rc;
}

/* ---- subjects ------------------------------------------------------------------------------------------------------- */

typedef struct subjects { /* of the compared rows */
    ken_strmap *at;       /* subject -> its number */
    int32_t *of_row;      /* (rows) the number; -1 = none */
    bool *trained;        /* (n) */
    size_t n;
    uint32_t longest; /* words */
} subjects;

static int add_subject(subjects *s, size_t row, const char *text, size_t n, ken_err *err)
{
    uint32_t n_words = 1;
    s->of_row[row] = -1;
    if (n == 0) return KEN_OK;
    for (size_t i = 0; i < n; i++) n_words += text[i] == ' ';
    int added = ken_strmap_add(s->at, text, n, (int32_t)s->n);
    if (added < 0) return ken_fail_nomem(err, "subjects");
    s->of_row[row] = ken_strmap_get(s->at, text, n, -1);
    s->n += added > 0;
    if (n_words > s->longest) s->longest = n_words;
    return KEN_OK;
}

/* The text that stands for the subject of row i; *n = 0 when there is none. NULL when out of memory. */
static const char *subject_of(const ken_diff_row *r, const words *question, const frame *f, ken_arena *a, size_t *n)
{
    *n = 0;
    if (r->subject != NULL) {
        const char *text = normal(a, r->subject, strlen(r->subject));
        if (text != NULL) *n = strlen(text);
        return text;
    }
    uint32_t from, to;
    if (f == NULL || f->rows < 2 || question->n == 0) return "";
    own_words(f, question, &from, &to);
    if (from < to) *n = question->at[to] - 1 - question->at[from];
    return question->text + question->at[from];
}

/* Numbers the subjects of all rows. */
static int find_subjects(subjects *s, const ken_diff *d, ken_arena *a, ken_err *err)
{
    frames relations = {.index = ken_strmap_new(64)};
    words *question = ken_calloc(d->n, sizeof *question);
    int32_t *relation = ken_calloc(d->n, sizeof *relation);
    int rc = relations.index == NULL || question == NULL || relation == NULL ? ken_fail_nomem(err, "subjects") : KEN_OK;
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++) {
        const ken_diff_row *r = &d->row[i];
        relation[i] = frame_of(&relations, a, r->relation);
        if (relation[i] == -2) rc = ken_fail_nomem(err, "subjects");
        else if (r->subject == NULL) rc = split(&question[i], a, r->question, err);
        if (rc == KEN_OK) fit_frame(&relations, relation[i], &question[i]);
    }
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++) {
        size_t n;
        const char *text = subject_of(&d->row[i], &question[i], get_frame(&relations, relation[i]), a, &n);
        rc = text != NULL ? add_subject(s, i, text, n, err) : ken_fail_nomem(err, "subjects");
    }
    ken_strmap_free(relations.index);
    ken_free(relations.frame);
    ken_free(relation);
    ken_free(question);
    return rc;
}

/* Every run of words of a trained question that is a subject and reaches into the question's own words. */
static void mark_subjects(const near *x, subjects *s)
{
    uint32_t longest = s->longest < MAX_SUBJECT_WORDS ? s->longest : MAX_SUBJECT_WORDS;
    for (size_t i = 0; i < x->n; i++) {
        const words *w = &x->row[i].question;
        uint32_t from, to;
        own_words(get_frame(&x->relations, x->row[i].relation), w, &from, &to);
        for (uint32_t b = 0; b < to && w->n > 0; b++)
            for (uint32_t e = b + 1; e <= w->n && e - b <= longest; e++) {
                if (e <= from) continue;
                int32_t at = ken_strmap_get(s->at, w->text + w->at[b], w->at[e] - 1 - w->at[b], -1);
                if (at >= 0) s->trained[at] = true;
            }
    }
}

static int match_subjects(near *x, subjects *s, const ken_diff *d, ken_err *err)
{
    s->at = ken_strmap_new(d->n + 1);
    s->of_row = ken_alloc(d->n, sizeof *s->of_row);
    s->trained = ken_calloc(d->n + 1, sizeof *s->trained);
    if (s->at == NULL || s->of_row == NULL || s->trained == NULL) return ken_fail_nomem(err, "subjects");
    int rc = find_subjects(s, d, &x->arena, err);
    if (rc != KEN_OK) return rc;
    for (size_t i = 0; i < x->n; i++) fit_frame(&x->relations, x->row[i].relation, &x->row[i].question);
    mark_subjects(x, s);
    return KEN_OK;
}

static bool subject_trained(const near *x, const subjects *s, const ken_diff_row *r, size_t i, ken_arena *a,
                            bool *nomem)
{
    if (s->of_row[i] >= 0 && s->trained[s->of_row[i]]) return true;
    if (r->subject == NULL) return false;
    const char *text = normal(a, r->subject, strlen(r->subject));
    *nomem |= text == NULL;
    return text != NULL && text[0] != '\0' && ken_strmap_get(x->subjects, text, strlen(text), 0) != 0;
}

/* ---- one row -------------------------------------------------------------------------------------------------------- */

static bool answer_trained(const near *x, const ken_diff_row *r, const diff_extra *e, bool elsewhere, ken_arena *a,
                           bool *nomem)
{
    for (int i = 0; i < e->n_accepted; i++) {
        size_t n = 0;
        const char *text = normal(a, e->accepted[i], strlen(e->accepted[i]));
        const char *key = text != NULL && !elsewhere ? ken_diff_key(a, r->relation, text, &n) : text;
        if (key == NULL) *nomem = true;
        else if (text[0] != '\0' &&
                 ken_strmap_get(elsewhere ? x->anywhere : x->answers, key, elsewhere ? strlen(text) : n, 0))
            return true;
    }
    return false;
}

static int near_of(const near *x, const subjects *s, const ken_diff *d, size_t i, ken_arena *a, int *out, ken_err *err)
{
    const ken_diff_row *r = &d->row[i];
    size_t n;
    bool nomem = false;
    ken_arena_reset(a);
    const char *question = normal(a, r->question, strlen(r->question)), *id = ken_diff_key(a, r->relation, r->id, &n);
    if (question == NULL || id == NULL) return ken_fail_nomem(err, "distance to the training set");
    if ((question[0] != '\0' && ken_strmap_get(x->questions, question, strlen(question), 0)) ||
        ken_strmap_get(x->ids, id, n, 0))
        *out = KEN_NEAR_TRAINED;
    else if (subject_trained(x, s, r, i, a, &nomem)) *out = KEN_NEAR_SUBJECT;
    else if (r->relation[0] != '\0' && answer_trained(x, r, &d->extra[i], false, a, &nomem)) *out = KEN_NEAR_ANSWER;
    else if (r->relation[0] != '\0' && ken_strmap_get(x->relations.index, r->relation, strlen(r->relation), -1) >= 0)
        *out = KEN_NEAR_RELATION;
    else if (answer_trained(x, r, &d->extra[i], true, a, &nomem)) *out = KEN_NEAR_ANSWER_ELSEWHERE;
    else *out = KEN_NEAR_NOTHING;
    return nomem ? ken_fail_nomem(err, "distance to the training set") : KEN_OK;
}

int ken_diff_find_near(ken_diff *d, const char *const *trained, int n, ken_err *err)
{
    near x = {.questions = ken_strmap_new(1024),
              .ids = ken_strmap_new(16),
              .relations = {.index = ken_strmap_new(64)},
              .answers = ken_strmap_new(1024),
              .anywhere = ken_strmap_new(1024),
              .subjects = ken_strmap_new(16)};
    subjects s = {0};
    ken_arena scratch = {0};
    int rc = KEN_OK;
    if (x.questions == NULL || x.ids == NULL || x.relations.index == NULL || x.answers == NULL || x.anywhere == NULL ||
        x.subjects == NULL)
        rc = ken_fail_nomem(err, "training set");
    for (int i = 0; i < n && rc == KEN_OK; i++) rc = read_set(&x, trained[i], err);
    if (rc == KEN_OK) rc = match_subjects(&x, &s, d, err);
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++) rc = near_of(&x, &s, d, i, &scratch, &d->row[i].near, err);
    ken_strmap_free(x.questions);
    ken_strmap_free(x.ids);
    ken_strmap_free(x.relations.index);
    ken_strmap_free(x.answers);
    ken_strmap_free(x.anywhere);
    ken_strmap_free(x.subjects);
    ken_strmap_free(s.at);
    ken_free(s.of_row);
    ken_free(s.trained);
    ken_free(x.row);
    ken_free(x.relations.frame);
    ken_arena_free(&x.arena);
    ken_arena_free(&scratch);
    return rc;
}
