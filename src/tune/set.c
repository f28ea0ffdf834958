/* set.c - from the rows of a place to tokens: the set that is trained on; see set.h.
 *
 * Reading is in draft.c and the from_*.c files, choosing in choose.c. Here a row gets its prompt, its target and their tokens. The prompt is
 * made by the functions that `ken eval` uses (know/prompt.h), and its tokens are checked to be those that it has alone: otherwise the
 * model would be trained after another prompt than it is asked. */
#include "tune/set.h"
#include "base/alloc.h"
#include "base/options.h"
#include "base/canon.h"
#include "base/file.h"
#include "know/certainty.h"
#include "tune/choose.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

struct ken_tune_set {
    ken_drafts *source; /* (n_parts) whose arenas hold the strings */
    ken_order_part *part;
    int n_parts;
    ken_arena ids; /* every row's tokens */
    ken_tune_row *rows;
    size_t n, cap;
    bool *tail; /* (rows of part 0), or NULL */
    ken_train_data_stats stats;
    char hash[65];
    bool certainty;
};

void ken_train_data_defaults_fill(ken_train_data *d, size_t size)
{
    static const ken_train_data defaults = {.prefer_split = "train",
                                            .p_max = 1,
                                            .p_unknown_max = 1,
                                            .popularity_min = NAN,
                                            .popularity_max = NAN,
                                            .subject_max = 1,
                                            .weight_gamma = 1};
    ken_options_fill(d, size, &defaults, sizeof defaults);
}

int ken_train_data_take(ken_train_data *to, ken_data_options *read, const ken_train_data *from, ken_err *err)
{
    *to = ken_train_data_defaults();
    *read = ken_data_defaults();
    int rc = KEN_TAKE_OPTIONS(to, from, ken_train_data, err);
    if (rc == KEN_OK) rc = KEN_TAKE_OPTIONS(read, to->read, ken_data_options, err);
    to->read = read;
    return rc;
}

ken_train_data ken_tune_data_like(const ken_train_data *main, const char *path, const char *prefer,
                                  ken_data_options *read)
{
    ken_train_data d = ken_train_data_defaults();
    d.path = path != NULL ? path : main->path;
    d.labels = main->labels;
    d.labels_optional = true;
    d.label = main->label;
    *read = main->read != NULL ? *main->read : ken_data_defaults();
    if (main->path == NULL || strcmp(d.path, main->path) != 0) read->format = NULL; /* found from the content */
    d.read = read;
    d.prefer_split = prefer;
    d.prompt_template = main->prompt_template;
    d.chat_template = main->chat_template;
    d.max_length = main->max_length;
    d.seed = main->seed;
    d.known_tail_mixed = true; /* rows that are not trained have no last place */
    d.weights = KEN_WEIGHTS_NONE;
    return d;
}

/* ---- a row's text --------------------------------------------------------------------------------------------------- */

/* Tokens of one draft, made when it is first looked at. */
typedef struct tokens {
    int32_t *ids; /* (n) in the set's arena */
    int32_t n, n_prompt;
    enum { UNSEEN, USABLE, UNUSABLE } state;
} tokens;

typedef struct maker {
    ken_tune_set *set;
    ken_drafts *drafts;
    const ken_train_data *from;
    const ken_tokenizer *tokenizer;
    ken_prompt_style style;
    size_t context;
    tokens *seen;     /* (drafts->n) */
    int32_t *scratch; /* one row's tokens */
    size_t cap;
    size_t ends; /* targets that spelled the end token */
} maker;

/* s without the token that id spells at its end (or beginning). */
static const char *without_token(ken_arena *a, const ken_tokenizer *t, int32_t id, const char *s, bool at_end)
{
    ken_str piece = ken_tokenizer_piece(t, id);
    size_t n = strlen(s);
    if (piece.n == 0 || n < piece.n || memcmp(at_end ? s + n - piece.n : s, piece.p, piece.n) != 0) return s;
    return at_end ? ken_arena_strndup(a, s, n - piece.n) : s + piece.n;
}

/* Segments spell begin and end tokens out (docs/method/fine-tuning.md#export); every row gets them as tokens. */
static int strip_segments(const maker *m, ken_draft *r, ken_err *err)
{
    const ken_tokenizer *t = m->tokenizer;
    ken_turn *turn = ken_arena_calloc(&m->drafts->arena, 1, sizeof *turn);
    if (turn == NULL) return ken_fail_nomem(err, "rows");
    const char *prompt = without_token(&m->drafts->arena, t, ken_tokenizer_bos(t), r->turns[0].text, false);
    r->target = without_token(&m->drafts->arena, t, ken_tokenizer_eos(t), r->target, true);
    *turn = (ken_turn){KEN_ROLE_USER, prompt};
    r->turns = turn;
    return prompt != NULL && r->target != NULL ? KEN_OK : ken_fail_nomem(err, "rows");
}

/* A target that spells the end token out would be trained to say its characters, and then to end a second time. */
static int strip_end(maker *m, ken_draft *r, ken_err *err)
{
    if (r->target == NULL || r->text) return KEN_OK;
    const char *without =
        without_token(&m->drafts->arena, m->tokenizer, ken_tokenizer_eos(m->tokenizer), r->target, true);
    if (without == NULL) return ken_fail_nomem(err, "rows");
    m->ends += without != r->target;
    r->target = without;
    return KEN_OK;
}

static int complete_draft(maker *m, ken_draft *r, ken_err *err)
{
    int rc = r->raw && !r->bare && !r->text ? strip_segments(m, r, err) : strip_end(m, r, err);
    return rc == KEN_OK ? ken_draft_infer(m->drafts, r, &m->style, err) : rc;
}

static int note_ends(const maker *m, ken_err *err)
{
    char said[160];
    ken_str piece = ken_tokenizer_piece(m->tokenizer, ken_tokenizer_eos(m->tokenizer));
    snprintf(said, sizeof said,
             "%zu target%s with the end token spelled out (%.*s): it was taken off, since each gets one", m->ends,
             m->ends == 1 ? " ends" : "s end", piece.n < 40 ? (int)piece.n : 40, piece.p);
    return ken_drafts_note(m->drafts, m->from->path, said, err);
}

/* ---- a row's tokens ------------------------------------------------------------------------------------------------- */

static int join(maker *m, const ken_draft *r, const char *target, size_t *n, size_t *n_prompt, ken_err *err)
{
    ken_prompt_style style = m->style;
    if (r->raw) style.chat = KEN_CHAT_NONE;
    if (r->turns != NULL)
        return ken_prompt_join(&style, m->tokenizer, r->turns, r->n_turns, target, &m->scratch, n, &m->cap, n_prompt,
                               err);
    ken_example x = {.question = r->question, .relation = r->relation, .subject = r->subject};
    ken_buf text = {0};
    ken_zero_shot_text(&style, &x, &text);
    ken_turn turn = {KEN_ROLE_USER, ken_buf_str(&text)};
    int rc = text.failed
                 ? ken_fail_nomem(err, "prompt")
                 : ken_prompt_join(&style, m->tokenizer, &turn, 1, target, &m->scratch, n, &m->cap, n_prompt, err);
    ken_buf_free(&text);
    return rc;
}

/* *long_by: how many tokens the row exceeds what is allowed by; then out is not filled. */
static int tokenise(maker *m, const ken_draft *r, const char *target, tokens *out, size_t *long_by, ken_err *err)
{
    size_t n, n_prompt, most = m->from->max_length;
    *long_by = 0;
    int rc = join(m, r, target, &n, &n_prompt, err);
    if (rc != KEN_OK) return rc;
    if (r->text && n_prompt == 0 && n > 1) n_prompt = 1; /* nothing predicts a first token */
    if (n_prompt == 0) return ken_fail(err, KEN_EINPUT, "the prompt has no tokens");
    if (n < n_prompt + 2 && !r->text)
        return ken_fail(err, KEN_EINPUT, "the vocabulary has no tokens for the target \"%.60s\"", target);
    if (most == 0 || most > m->context + 1) most = m->context + 1; /* the last token is predicted, never forwarded */
    if (n > most) {
        *long_by = n - most;
        return KEN_OK;
    }
    out->ids = ken_arena_alloc(&m->set->ids, n, sizeof *out->ids);
    if (out->ids == NULL) return ken_fail_nomem(err, "tokens");
    memcpy(out->ids, m->scratch, n * sizeof *out->ids);
    out->n = (int32_t)n;
    out->n_prompt = (int32_t)n_prompt;
    return KEN_OK;
}

static const char *target_of(const ken_draft *r) { return r->target != NULL ? r->target : r->answers[0]; }

/* A ken_usable_fn: rows that are refused end the reading, or are dropped and counted. */
static int usable(void *ctx, size_t i, bool *good, ken_err *err)
{
    maker *m = ctx;
    tokens *t = &m->seen[i];
    const ken_draft *r = &m->drafts->rows[i];
    if (t->state == UNSEEN) {
        size_t long_by;
        int rc = tokenise(m, r, target_of(r), t, &long_by, err);
        if (rc == KEN_OK && long_by > 0 && m->from->max_length > 0) m->set->stats.too_long++;
        else if (rc == KEN_OK && long_by > 0)
            rc = ken_fail(
                err, KEN_EINPUT,
                "the row has %zu tokens more than the model's context of %zu; `max_length` %zu drops such rows",
                long_by, m->context, m->context);
        t->state = rc == KEN_OK && long_by == 0 ? USABLE : UNUSABLE;
        if (rc == KEN_EINPUT && ken_reading(m->from)->skip_bad) m->set->stats.bad++;
        else if (rc == KEN_EINPUT) return ken_draft_fail(r, err);
        else if (rc != KEN_OK) return rc;
    }
    *good = t->state == USABLE;
    return KEN_OK;
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

static int add_row(maker *m, const ken_pick *pick, const char *task, ken_err *err)
{
    ken_tune_set *s = m->set;
    const ken_draft *r = &m->drafts->rows[pick->draft];
    tokens t = m->seen[pick->draft];
    const char *id = ken_pick_id(m->drafts, pick);
    if (id == NULL) return ken_fail_nomem(err, "ids");
    if (pick->target != NULL) {
        size_t long_by;
        const char *phrase = pick->target;
        int rc = tokenise(m, r, phrase, &t, &long_by, err);
        if (rc == KEN_OK && long_by > 0)
            rc = ken_fail(err, KEN_EINPUT, "with \"%.60s\" as its target the row is %zu tokens too long", phrase,
                          long_by);
        if (rc != KEN_OK) return rc == KEN_EINPUT ? ken_draft_fail(r, err) : rc;
    }
    if (ken_grow((void **)&s->rows, &s->cap, s->n + 1, sizeof *s->rows) != 0) return ken_fail_nomem(err, "rows");
    s->rows[s->n++] = (ken_tune_row){.id = id,
                                     .relation = r->relation,
                                     .task = r->task[0] != '\0' ? r->task : task,
                                     .category = r->category,
                                     .question = r->text ? NULL : r->question, /* nothing in the row asks it */
                                     .subject = r->subject,
                                     .answers = r->answers,
                                     .n_answers = r->n_answers,
                                     .aliases = r->aliases,
                                     .n_aliases = r->n_aliases,
                                     .popularity = r->popularity,
                                     .weight = pick->weight,
                                     .ids = t.ids,
                                     .n_ids = t.n,
                                     .n_prompt = t.n_prompt};
    s->stats.tokens += (uint64_t)t.n;
    s->stats.targets += (uint64_t)(t.n - t.n_prompt);
    s->stats.choice += r->choice;
    size_t unused;
    const char *target = pick->target != NULL ? pick->target : target_of(r);
    s->certainty |= !r->text && ken_certainty_of(target, strlen(target), &unused) != KEN_NOT_SAID;
    s->stats.newline += pick->target == NULL && !r->text && strchr(target_of(r), '\n') != NULL;
    return KEN_OK;
}

/* The name of a file without folders and ending: what a mixture's task is called. */
static const char *task_of(ken_drafts *d, const char *path)
{
    size_t n;
    const char *name = ken_last_part(path, true, &n);
    return ken_drafts_name(d, name, n);
}

/* Reads one place and adds its rows as part `at`. */
static int add_part(ken_tune_set *s, int at, const ken_model *model, const ken_train_data *from, double weight,
                    ken_err *err)
{
    ken_drafts *d = &s->source[at];
    maker m = {.set = s,
               .drafts = d,
               .from = from,
               .tokenizer = ken_model_tokenizer(model),
               .context = (size_t)ken_model_config(model)->n_ctx};
    ken_train_data_stats unused = {0}, *stats = at == 0 ? &s->stats : &unused;
    ken_chosen choice = {0};
    size_t first = s->n;
    const char *task = "";
    int rc = ken_zero_shot_style(&m.style, from->prompt_template, from->chat_template, m.tokenizer, err);
    if (rc == KEN_OK) rc = ken_drafts_read(d, from, err);
    if (rc != KEN_OK) goto done;
    if (at > 0 && (task = task_of(d, from->path)) == NULL) rc = ken_fail_nomem(err, "task");
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++) rc = complete_draft(&m, &d->rows[i], err);
    if (rc == KEN_OK && m.ends > 0) rc = note_ends(&m, err);
    m.seen = ken_calloc(d->n, sizeof *m.seen);
    if (rc == KEN_OK && m.seen == NULL) rc = ken_fail_nomem(err, "rows");
    if (rc == KEN_OK) rc = ken_choose(&choice, d, from, usable, &m, stats, err);
    const ken_pick *picks = choice.pick;
    size_t n = choice.n;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) rc = add_row(&m, &picks[i], task, err);
    if (rc == KEN_OK && at == 0 && n > 0 && picks[n - 1].tail) {
        s->tail = ken_calloc(n, sizeof *s->tail);
        if (s->tail == NULL) rc = ken_fail_nomem(err, "rows");
        for (size_t i = 0; i < n && rc == KEN_OK; i++) s->tail[i] = picks[i].tail;
    }
    s->part[at] = (ken_order_part){s->n - first, weight};
    s->stats.bad += d->bad;
    s->stats.cleaned += d->cleaned;
    if (rc == KEN_OK && d->notes != NULL && s->stats.notes != NULL) rc = ken_drafts_note(d, NULL, s->stats.notes, err);
    if (d->notes != NULL) s->stats.notes = d->notes;
    if (at == 0) s->stats.unmatched = d->unmatched;
    ken_drafts_shrink(d);
done:
    ken_chosen_free(&choice);
    ken_free(m.seen);
    ken_free(m.scratch);
    return rc;
}

/* ---- what the whole says -------------------------------------------------------------------------------------------- */

/* Prompts that occur earlier. The known tail repeats rows on purpose. */
static int count_repeats(ken_tune_set *s, ken_err *err)
{
    ken_strmap *prompts = ken_strmap_new(s->n), *rows = ken_strmap_new(s->n);
    int rc = prompts == NULL || rows == NULL ? ken_fail_nomem(err, "duplicates") : KEN_OK;
    for (size_t i = 0; i < s->n && rc == KEN_OK; i++) {
        const ken_tune_row *r = &s->rows[i];
        if (s->tail != NULL && i < s->part[0].rows && s->tail[i]) continue;
        int whole = ken_strmap_add(rows, (const char *)r->ids, (size_t)r->n_ids * sizeof *r->ids, 0);
        int prompt = r->n_prompt > 1
                         ? ken_strmap_add(prompts, (const char *)r->ids, (size_t)r->n_prompt * sizeof *r->ids, 0)
                         : 1;
        if (whole < 0 || prompt < 0) rc = ken_fail_nomem(err, "duplicates");
        else if (whole == 0) s->stats.duplicates++;
        else if (prompt == 0) s->stats.conflicts++;
    }
    ken_strmap_free(prompts);
    ken_strmap_free(rows);
    return rc;
}

static void add_row_hash(ken_buf *b, const ken_tune_row *r)
{
    ken_canon_text(b, r->id);
    ken_canon_text(b, r->relation);
    ken_canon_text(b, r->task);
    ken_canon_number(b, (uint64_t)r->category);
    ken_canon_text(b, r->question);
    ken_canon_list(b, r->answers, r->n_answers);
    ken_canon_list(b, r->aliases, r->n_aliases);
    ken_canon_real(b, r->popularity);
    ken_canon_real(b, (double)r->weight);
    ken_canon_number(b, (uint64_t)r->n_prompt);
    ken_canon_number(b, (uint64_t)r->n_ids);
    for (int32_t i = 0; i < r->n_ids; i++) ken_canon_number(b, (uint64_t)r->ids[i]);
}

static int identify(ken_tune_set *s, ken_err *err)
{
    ken_sha256 *h = ken_sha256_new();
    ken_buf b = {0};
    if (h == NULL) return ken_fail_nomem(err, "hash of the rows");
    ken_canon_text(&b, "ken tune set 2");
    ken_canon_number(&b, (uint64_t)s->n_parts);
    for (int i = 0; i < s->n_parts; i++) {
        ken_canon_number(&b, s->part[i].rows);
        ken_canon_real(&b, s->part[i].weight);
    }
    for (size_t i = 0; i < s->n; i++) { /* a row at a time: the whole may be large */
        add_row_hash(&b, &s->rows[i]);
        ken_sha256_add(h, b.data, b.len);
        if (!b.failed) ken_buf_clear(&b);
    }
    for (size_t i = 0; i < s->part[0].rows; i++) ken_canon_number(&b, s->tail != NULL && s->tail[i]);
    ken_sha256_add(h, b.data, b.len);
    ken_sha256_hex(h, s->hash);
    bool failed = b.failed;
    ken_buf_free(&b);
    return failed ? ken_fail_nomem(err, "hash of the rows") : KEN_OK;
}

/* ---- all of it ------------------------------------------------------------------------------------------------------ */

/* How the rows of another task are read: whole, with the same prompts. */
static ken_train_data mix_data(const ken_train_data *from, const ken_mix *mix, ken_data_options *read)
{
    ken_train_data d = ken_train_data_defaults();
    d.path = mix->path;
    *read = ken_data_defaults();
    read->skip_bad = ken_reading(from)->skip_bad;
    d.read = read;
    d.prompt_template = from->prompt_template;
    d.chat_template = from->chat_template;
    d.max_length = from->max_length;
    d.known_tail_mixed = true; /* a batch has rows of a mixture everywhere */
    d.seed = from->seed;
    return d;
}

static int fill(ken_tune_set *s, const ken_model *m, const ken_train_data *from, ken_err *err)
{
    s->source = ken_calloc((size_t)s->n_parts, sizeof *s->source);
    s->part = ken_calloc((size_t)s->n_parts, sizeof *s->part);
    if (s->source == NULL || s->part == NULL) return ken_fail_nomem(err, "rows");
    int rc = add_part(s, 0, m, from, 1, err);
    for (int i = 1; i < s->n_parts && rc == KEN_OK; i++) {
        const ken_mix *mix = &from->mix[i - 1];
        ken_data_options read;
        ken_train_data d = mix_data(from, mix, &read);
        rc = isfinite(mix->weight) && mix->weight > 0
                 ? add_part(s, i, m, &d, mix->weight, err)
                 : ken_fail(err, KEN_EUSAGE, "%s: its weight in the mixture is %g; more than 0 is expected", mix->path,
                            mix->weight);
    }
    if (rc != KEN_OK) return rc;
    s->stats.rows = s->part[0].rows;
    s->stats.mixed = s->n - s->part[0].rows;
    rc = count_repeats(s, err);
    return rc == KEN_OK ? identify(s, err) : rc;
}

int ken_tune_set_open(ken_tune_set **out, const ken_model *m, const ken_train_data *from, ken_err *err)
{
    enum { MAX_MIX = 1024 };
    *out = NULL;
    if (from->n_mix > MAX_MIX)
        return ken_fail(err, KEN_EUSAGE, "%zu tasks in one mixture; at most %d are possible", from->n_mix, MAX_MIX);
    ken_tune_set *s = ken_calloc(1, sizeof *s);
    if (s == NULL) return ken_fail_nomem(err, "rows");
    s->n_parts = (int)from->n_mix + 1;
    int rc = fill(s, m, from, err);
    if (rc == KEN_OK) *out = s;
    else ken_tune_set_free(s);
    return rc;
}

void ken_tune_set_free(ken_tune_set *s)
{
    if (s == NULL) return;
    for (int i = 0; i < s->n_parts && s->source != NULL; i++) ken_drafts_free(&s->source[i]);
    ken_arena_free(&s->ids);
    ken_free(s->source);
    ken_free(s->part);
    ken_free(s->rows);
    ken_free(s->tail);
    ken_free(s);
}

size_t ken_tune_set_count(const ken_tune_set *s) { return s->n; }
const ken_tune_row *ken_tune_set_row(const ken_tune_set *s, size_t i) { return i < s->n ? &s->rows[i] : NULL; }
const bool *ken_tune_set_tail(const ken_tune_set *s) { return s->tail; }
const ken_train_data_stats *ken_tune_set_stats(const ken_tune_set *s) { return &s->stats; }
const char *ken_tune_set_hash(const ken_tune_set *s) { return s->hash; }
bool ken_tune_set_certainty(const ken_tune_set *s) { return s->certainty; }

const ken_order_part *ken_tune_set_parts(const ken_tune_set *s, int *n)
{
    *n = s->n_parts;
    return s->part;
}
