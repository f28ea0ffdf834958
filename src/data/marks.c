/* marks.c - what the data alone says about its rows: several answers, echo, duplicates, ambiguity, and the counts of each
 * relation and split.
 *
 * Duplicates and ambiguity are looked for inside a relation. Dev rows are compared with dev rows only and all others among
 * themselves: a dev row is an exemplar's place, not a fact that is asked (so the published counts of docs/method/knowledge.md#marks come out). */
#include "base/alloc.h"
#include "base/buf.h"
#include "data/dataset.h"
#include "data/identity.h"
#include "text/unicode.h"
#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

static bool same_answers(const ken_example *a, const ken_example *b)
{
    if (a->n_answers != b->n_answers) return false;
    for (int i = 0; i < a->n_answers; i++)
        if (strcmp(a->answers[i], b->answers[i]) != 0) return false;
    return true;
}

/* ---- echo ----------------------------------------------------------------------------------------------------------- */

/* Lower case, context-free; valid UTF-8 in, since every reader checks it. */
static void lower(ken_buf *out, const char *s)
{
    ken_buf_clear(out);
    for (size_t n = strlen(s), i = 0; i < n;) {
        if ((unsigned char)s[i] < 0x80) {
            ken_buf_putc(out, (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]));
            i++;
            continue;
        }
        int32_t cp;
        char bytes[4];
        int len = ken_utf8_decode(s + i, n - i, &cp);
        if (len <= 0) len = 1;
        ken_buf_add(out, bytes, (size_t)ken_utf8_encode(utf8proc_tolower(cp), bytes));
        i += (size_t)len;
    }
}

/* docs/method/knowledge.md#marks: the gold is a substring of the question, ignoring case. */
static int mark_echo(ken_data *d, ken_err *err)
{
    ken_buf question = {0}, answer = {0};
    for (size_t i = 0; i < d->n && !question.failed && !answer.failed; i++) {
        ken_example *e = &d->rows[i];
        if (e->n_choices > 0) continue; /* the options are beside the question anyway */
        lower(&question, e->question);
        for (int j = 0; j < e->n_answers && (e->flags & KEN_FLAG_ECHO) == 0; j++) {
            lower(&answer, e->answers[j]);
            if (strstr(ken_buf_str(&question), ken_buf_str(&answer)) != NULL) e->flags |= KEN_FLAG_ECHO;
        }
    }
    bool failed = question.failed || answer.failed;
    ken_buf_free(&question);
    ken_buf_free(&answer);
    return failed ? ken_fail_nomem(err, "echo") : KEN_OK;
}

/* ---- duplicates and ambiguity ----------------------------------------------------------------------------------------- */

typedef struct text {
    const char *s; /* NULL when out of memory */
    size_t n;
} text;

/* b's bytes in the arena; b is freed. */
static text copy_to_arena(ken_data *d, ken_buf *b)
{
    text t = {b->failed ? NULL : ken_arena_strndup(&d->arena, ken_buf_str(b), b->len), b->len};
    ken_buf_free(b);
    return t;
}

/* The key of what is asked: a question about its subject, and in multiple choice the options with it ("Which of these is true?" and "What is its
 * capital?" ask something else each time). */
static text asked_text(ken_data *d, const ken_example *e)
{
    if (e->n_choices == 0 && ken_names_subject(e->question, e->subject))
        return (text){e->question, strlen(e->question)};
    ken_buf b = {0};
    ken_canon_asked(&b, e);
    return copy_to_arena(d, &b);
}

/* Marks the row when the same question and answers occur earlier, although the first row with this question has other answers.
 * Rare, so the key is a string of all of it. */
static int mark_late_duplicate(ken_data *d, ken_example *e, text asked, ken_strmap **seen)
{
    ken_buf b = {0};
    ken_canon_list(&b, e->answers, e->n_answers);
    ken_buf_add(&b, asked.s, asked.n);
    text key = copy_to_arena(d, &b);
    if (*seen == NULL) *seen = ken_strmap_new(16);
    int added = key.s == NULL || *seen == NULL ? -1 : ken_strmap_add(*seen, key.s, key.n, 0);
    if (added == 0) e->flags |= KEN_FLAG_DUPLICATE;
    return added < 0 ? KEN_ENOMEM : KEN_OK;
}

/* Rows [from, to) of one relation; those of the dev split, or the others. */
static int mark_repeats(ken_data *d, size_t from, size_t to, bool dev)
{
    ken_strmap *first = ken_strmap_new(to - from), *late = NULL;
    size_t *head = ken_alloc(to - from, sizeof *head); /* the first row that asks the same; SIZE_MAX = not looked at */
    int rc = first == NULL || head == NULL ? KEN_ENOMEM : KEN_OK;
    for (size_t i = from; i < to && rc == KEN_OK; i++) {
        ken_example *e = &d->rows[i];
        head[i - from] = SIZE_MAX;
        if ((strcmp(e->split, "dev") == 0) != dev) continue;
        text asked = asked_text(d, e);
        int added = asked.s == NULL ? -1 : ken_strmap_add(first, asked.s, asked.n, (int32_t)i);
        if (added < 0) {
            rc = KEN_ENOMEM;
            break;
        }
        head[i - from] = (size_t)ken_strmap_get(first, asked.s, asked.n, 0);
        ken_example *h = &d->rows[head[i - from]];
        if (added > 0) continue;
        if (same_answers(h, e)) e->flags |= KEN_FLAG_DUPLICATE;
        else {
            h->flags |= KEN_FLAG_AMBIGUOUS;
            rc = mark_late_duplicate(d, e, asked, &late);
        }
    }
    /* Where one row differs from the first, every row of the question has another one that differs from it. */
    for (size_t i = from; i < to && rc == KEN_OK; i++)
        if (head[i - from] != SIZE_MAX) d->rows[i].flags |= d->rows[head[i - from]].flags & KEN_FLAG_AMBIGUOUS;
    ken_strmap_free(first);
    ken_strmap_free(late);
    ken_free(head);
    return rc;
}

/* ---- groups ----------------------------------------------------------------------------------------------------------- */

static const char *first_answer(const ken_example *e) { return e->n_answers > 0 ? e->answers[0] : ""; }

/* The commonest first answer of rows [from, to) in the given split (NULL = all), the earliest among equals; NULL when there is
 * no row. */
static int commonest(const ken_data *d, size_t from, size_t to, const char *split, const char **answer)
{
    ken_strmap *at = ken_strmap_new(to - from);
    size_t *count = ken_calloc(to - from + 1, sizeof *count);
    int rc = at == NULL || count == NULL ? KEN_ENOMEM : KEN_OK;
    size_t best = 0;
    *answer = NULL;
    for (size_t i = from; i < to && rc == KEN_OK; i++) {
        const ken_example *e = &d->rows[i];
        if (split != NULL && strcmp(e->split, split) != 0) continue;
        const char *gold = first_answer(e);
        if (ken_strmap_add(at, gold, strlen(gold), (int32_t)(i - from)) < 0) rc = KEN_ENOMEM;
        else count[ken_strmap_get(at, gold, strlen(gold), 0)]++;
    }
    for (size_t i = from; i < to && rc == KEN_OK; i++)
        if (count[i - from] > best) {
            best = count[i - from];
            *answer = first_answer(&d->rows[i]);
        }
    ken_strmap_free(at);
    ken_free(count);
    return rc;
}

static bool accepts(const ken_example *e, const char *answer)
{
    for (int i = 0; i < e->n_answers; i++)
        if (strcmp(e->answers[i], answer) == 0) return true;
    return false;
}

static int count_groups(ken_data *d)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n; i++)
        if (i == 0 || d->rows[i].relation != d->rows[i - 1].relation || d->rows[i].split != d->rows[i - 1].split) n++;
    d->groups = ken_arena_calloc(&d->arena, n, sizeof *d->groups);
    if (d->groups == NULL) return KEN_ENOMEM;
    for (size_t i = 0; i < d->n; i++) {
        const ken_example *e = &d->rows[i];
        if (i == 0 || e->relation != d->rows[i - 1].relation || e->split != d->rows[i - 1].split)
            d->groups[d->n_groups++] = (ken_data_group){.relation = e->relation, .split = e->split, .first = i};
        ken_data_group *g = &d->groups[d->n_groups - 1];
        g->rows++;
        g->multi_answer += (e->flags & KEN_FLAG_MULTI_ANSWER) != 0;
        g->duplicates += (e->flags & KEN_FLAG_DUPLICATE) != 0;
        g->ambiguous += (e->flags & KEN_FLAG_AMBIGUOUS) != 0;
        g->echo += (e->flags & KEN_FLAG_ECHO) != 0;
    }
    return KEN_OK;
}

/* Groups [g0, g1) of one relation. The baseline that knows no subject: the commonest train answer, else the group's own. */
static int mark_majority(ken_data *d, size_t g0, size_t g1)
{
    size_t from = d->groups[g0].first, to = d->groups[g1 - 1].first + d->groups[g1 - 1].rows;
    const char *train;
    int rc = commonest(d, from, to, "train", &train);
    for (size_t i = g0; i < g1 && rc == KEN_OK; i++) {
        ken_data_group *g = &d->groups[i];
        g->majority_answer = train;
        if (train == NULL) rc = commonest(d, g->first, g->first + g->rows, NULL, &g->majority_answer);
        for (size_t r = g->first; r < g->first + g->rows && rc == KEN_OK; r++)
            g->majority += g->majority_answer != NULL && accepts(&d->rows[r], g->majority_answer);
    }
    return rc;
}

int ken_mark_rows(ken_data *d, ken_err *err)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->rows[i].n_answers > 1) d->rows[i].flags |= KEN_FLAG_MULTI_ANSWER;
    int rc = mark_echo(d, err);
    if (rc != KEN_OK) return rc;
    for (size_t from = 0, to; from < d->n && rc == KEN_OK; from = to) {
        for (to = from + 1; to < d->n && d->rows[to].relation == d->rows[from].relation;) to++;
        rc = mark_repeats(d, from, to, false);
        if (rc == KEN_OK) rc = mark_repeats(d, from, to, true);
    }
    if (rc == KEN_OK) rc = count_groups(d);
    for (size_t from = 0, to; from < d->n_groups && rc == KEN_OK; from = to) {
        for (to = from + 1; to < d->n_groups && d->groups[to].relation == d->groups[from].relation;) to++;
        rc = mark_majority(d, from, to);
    }
    if (rc != KEN_OK) return ken_fail_nomem(err, "counting rows");
    d->stats.rows = d->n;
    for (size_t i = 0; i < d->n_groups; i++) {
        d->stats.multi_answer += d->groups[i].multi_answer;
        d->stats.duplicates += d->groups[i].duplicates;
        d->stats.ambiguous += d->groups[i].ambiguous;
        d->stats.echo += d->groups[i].echo;
    }
    return KEN_OK;
}
