/* world.c - see world.h. */
#include "lab/world.h"
#include "base/alloc.h"
#include "lab/draw.h"
#include <math.h>
#include <string.h>

const char *const ken_world_split_names[KEN_N_WORLD_SPLITS] = {"train", "dev", "test", "asked", "ood"};

enum {
    LEAST_SUBJECTS = 8,
    MOST_SUBJECTS = 20000,
    MOST_ANSWERS = 20000,
    MOST_SENTENCES = 100000000,
    MOST_REPEATS = 1000
};
enum { DRAW_GIVEN = 0x100, DRAW_ANSWER, DRAW_SUBJECT, DRAW_ORDER, DRAW_NAMES, DRAW_CAP };

/* ---- options --------------------------------------------------------------------------------------------------------- */

static int check_range(const char *what, double value, double least, double most, ken_err *err)
{
    if (value >= least && value <= most) return KEN_OK;
    return ken_fail(err, KEN_EUSAGE, "`%s` %g is not from %g to %g", what, value, least, most);
}

int ken_world_check(const ken_world_options *o, ken_err *err)
{
    const struct {
        const char *what;
        double value, least, most;
    } ranges[] = {{"subjects", o->subjects, LEAST_SUBJECTS, MOST_SUBJECTS},
                  {"relations", o->relations, 1, KEN_WORLD_RELATIONS},
                  {"answers", o->answers, 2, MOST_ANSWERS},
                  {"wide_answers", o->wide_answers, 0, MOST_ANSWERS},
                  {"alpha", o->alpha, 0, 10},
                  {"sentences", (double)o->sentences, 1, MOST_SENTENCES},
                  {"paraphrases", o->paraphrases, 1, KEN_WORLD_PHRASES},
                  {"per_document", o->per_document, 1, 64},
                  {"asked", o->asked, 0, 0.9},
                  {"asked_repeats", o->asked_repeats, 1, MOST_REPEATS},
                  {"unasked_relations", o->unasked_relations, 0, o->relations - 1}};
    int rc = KEN_OK;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && rc == KEN_OK; i++)
        rc = check_range(ranges[i].what, ranges[i].value, ranges[i].least, ranges[i].most, err);
    const long long facts = (long long)o->subjects * o->relations;
    if (rc == KEN_OK && o->floor && o->sentences < facts)
        return ken_fail(
            err, KEN_EUSAGE,
            "`sentences` %lld cannot tell each of %lld facts once; ask for %lld or more, or set `floor` to false",
            (long long)o->sentences, facts, facts);
    return rc;
}

/* As many names as give the subjects a choice among four times their number of pairs, so that each name recurs. */
uint32_t ken_world_pool(const ken_world_options *o)
{
    return o->unique_names ? (uint32_t)o->subjects : (uint32_t)ceil(2.0 * sqrt((double)o->subjects));
}

uint32_t ken_world_answers(const ken_world_options *o, int relation)
{
    return (uint32_t)(relation == 0 && o->wide_answers > 0 ? o->wide_answers : o->answers);
}

/* ---- subjects and facts ------------------------------------------------------------------------------------------------ */

static void shuffle(const ken_stream *s, uint32_t what, uint32_t *x, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        uint32_t word[4];
        ken_stream_at(s, i, what, 0, word);
        const size_t k = ken_below(word[0], (uint32_t)i);
        const uint32_t kept = x[i - 1];
        x[i - 1] = x[k];
        x[k] = kept;
    }
}

static int draw_names(ken_world *w, const ken_stream *s, ken_err *err)
{
    const uint32_t pool = ken_world_pool(w->o), n = (uint32_t)w->o->subjects;
    const size_t pairs = w->o->unique_names ? pool : (size_t)pool * pool;
    uint32_t *pair = ken_alloc(pairs, sizeof *pair);
    if (pair == NULL) return ken_fail_nomem(err, "names");
    for (size_t i = 0; i < pairs; i++) pair[i] = (uint32_t)i;
    shuffle(s, DRAW_NAMES, pair, pairs);
    for (uint32_t i = 0; i < n; i++) {
        w->given[i] = w->o->unique_names ? pair[i] : pair[i] / pool;
        w->family[i] = w->o->unique_names ? pair[i] : pair[i] % pool;
    }
    ken_free(pair);
    return KEN_OK;
}

/* Subjects of the asked group are spread evenly over popularity; of the others every second is for training, and of the rest every second for
 * dev: all have the same profile. Facts of relations that are never asked serve as out of distribution. */
static void give_splits(ken_world *w)
{
    const int R = w->o->relations, asked_relations = R - w->o->unasked_relations;
    size_t others = 0;
    for (size_t s = 0; s < (size_t)w->o->subjects; s++) {
        const bool asked = floor((double)(s + 1) * w->o->asked) > floor((double)s * w->o->asked);
        const int split = asked             ? KEN_WORLD_ASKED
                          : others % 2 == 0 ? KEN_WORLD_TRAIN
                          : others % 4 == 1 ? KEN_WORLD_TEST
                                            : KEN_WORLD_DEV;
        others += !asked;
        for (int r = 0; r < R; r++) {
            w->split[s * (size_t)R + (size_t)r] = (uint8_t)(r < asked_relations ? split : KEN_WORLD_OOD);
            w->n_asked += asked && r < asked_relations;
        }
    }
}

static void draw_answers(ken_world *w, const ken_stream *s)
{
    const size_t R = (size_t)w->o->relations;
    for (size_t f = 0; f < w->n_facts; f++) {
        uint32_t word[4];
        ken_stream_at(s, f, DRAW_ANSWER, 0, word);
        w->answer[f] = ken_below(word[0], ken_world_answers(w->o, (int)(f % R)));
    }
}

/* ---- what is said ------------------------------------------------------------------------------------------------------- */

/* Which of its ways a fact is told in: the k-th of those that it has. A cap takes neighbours from a place of the fact's own. */
static uint32_t paraphrase(const ken_world *w, const ken_stream *s, size_t fact, uint32_t word)
{
    const uint32_t k = ken_below(word, (uint32_t)w->o->paraphrases);
    uint32_t own[4];
    if (w->o->paraphrases == KEN_WORLD_PHRASES) return k;
    ken_stream_at(s, fact, DRAW_CAP, 0, own);
    return (ken_below(own[0], KEN_WORLD_PHRASES) + k) % KEN_WORLD_PHRASES;
}

/* First each fact once, where there is a floor; then subjects by Zipf's law, relations evenly; all of it shuffled. */
static int say(ken_world *w, const ken_stream *s, ken_err *err)
{
    ken_zipf z;
    if (ken_zipf_make(&z, w->o->subjects, w->o->alpha) != 0) return ken_fail_nomem(err, "popularity");
    const size_t n = (size_t)w->o->sentences, R = (size_t)w->o->relations;
    for (size_t i = 0; i < n; i++) {
        uint32_t word[4];
        ken_stream_at(s, i, DRAW_SUBJECT, 0, word);
        size_t fact = i;
        if (!w->o->floor || i >= w->n_facts)
            fact = (size_t)ken_zipf_draw(&z, word[0], word[1]) * R + ken_below(word[2], (uint32_t)R);
        const uint32_t way = paraphrase(w, s, fact, word[3]);
        w->said[i] = (uint32_t)fact * KEN_WORLD_PHRASES + way;
        w->fact[fact].exposures++;
        w->fact[fact].paraphrases |= (uint8_t)(1U << way);
    }
    ken_zipf_free(&z);
    shuffle(s, DRAW_ORDER, w->said, n);
    return KEN_OK;
}

int ken_world_new(ken_world **out, const ken_world_options *o, ken_err *err)
{
    ken_world *w = ken_calloc(1, sizeof *w);
    const size_t n = (size_t)o->subjects * (size_t)o->relations;
    *out = NULL;
    if (w == NULL) return ken_fail_nomem(err, "a world");
    w->o = o;
    w->n_facts = n;
    w->given = ken_alloc((size_t)o->subjects, sizeof *w->given);
    w->family = ken_alloc((size_t)o->subjects, sizeof *w->family);
    w->answer = ken_alloc(n, sizeof *w->answer);
    w->split = ken_alloc(n, sizeof *w->split);
    w->fact = ken_calloc(n, sizeof *w->fact);
    w->said = ken_alloc((size_t)o->sentences, sizeof *w->said);
    const ken_stream s = ken_stream_of(o->seed, KEN_STAGE_WORLD);
    int rc = KEN_OK;
    if (w->given == NULL || w->family == NULL || w->answer == NULL || w->split == NULL || w->fact == NULL ||
        w->said == NULL)
        rc = ken_fail_nomem(err, "a world");
    if (rc == KEN_OK) rc = draw_names(w, &s, err);
    if (rc == KEN_OK) {
        give_splits(w);
        draw_answers(w, &s);
        rc = say(w, &s, err);
    }
    if (rc == KEN_OK) *out = w;
    else ken_world_free(w);
    return rc;
}

void ken_world_free(ken_world *w)
{
    if (w == NULL) return;
    ken_free(w->given);
    ken_free(w->family);
    ken_free(w->answer);
    ken_free(w->split);
    ken_free(w->fact);
    ken_free(w->said);
    ken_free(w);
}

/* ---- words ---------------------------------------------------------------------------------------------------------------- */

/* Which words a pool has: neighbours would differ in their first syllable alone, so that they are spread over all. */
static void put_name(ken_buf *b, int kind, uint32_t i)
{
    char name[KEN_WORLD_NAME];
    ken_world_name(kind, (uint32_t)((uint64_t)i * 271829 % KEN_WORLD_NAMES), name);
    ken_buf_puts(b, name);
}

void ken_world_put_subject(ken_buf *b, const ken_world *w, size_t subject)
{
    put_name(b, KEN_NAME_GIVEN, w->given[subject]);
    ken_buf_putc(b, ' ');
    put_name(b, KEN_NAME_FAMILY, w->family[subject]);
}

void ken_world_put_answer(ken_buf *b, const ken_world *w, size_t fact)
{
    put_name(b, KEN_NAME_ANSWER + (int)(fact % (size_t)w->o->relations), w->answer[fact]);
}

static void put_text(ken_buf *b, const ken_world *w, size_t fact, const char *text)
{
    ken_buf subject = {0};
    ken_world_put_subject(&subject, w, fact / (size_t)w->o->relations);
    ken_world_put_phrase(b, text, ken_buf_str(&subject));
    b->failed |= subject.failed;
    ken_buf_free(&subject);
}

void ken_world_put_sentence(ken_buf *b, const ken_world *w, size_t fact, int way)
{
    put_text(b, w, fact, ken_world_relations[fact % (size_t)w->o->relations].sentence[way]);
}

void ken_world_put_question(ken_buf *b, const ken_world *w, size_t fact)
{
    put_text(b, w, fact, ken_world_relations[fact % (size_t)w->o->relations].question);
}
