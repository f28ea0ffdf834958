/* sample_texts.c - the method "sample" on an engine that gives texts and no probabilities (engine/texter.h): of each prompt one greedy text and the
 * samples, judged as they come. What only logits show (margins, first tokens, probabilities of texts) is not known. */
#include "know/sample.h"
#include "base/alloc.h"
#include "base/rng.h"
#include <math.h>
#include <string.h>

typedef struct prompt {
    ken_sample_prompt out;
    ken_texts greedy, samples;
    char **text; /* (1 + samples) the greedy one first */
    bool *cut;
    ken_drawn *drawn; /* (samples) room for as many different ones */
} prompt;

typedef struct texts {
    ken_question question;
    const ken_rules *rules;
    const ken_golds *golds;
    int n;
    prompt *p; /* (n) */
    ken_arena arena;
} texts;

static void free_texts(ken_question *q)
{
    texts *s = (texts *)q;
    for (int i = 0; s->p != NULL && i < s->n; i++)
        for (int j = 0; j <= s->rules->samples; j++) ken_free(s->p[i].text[j]);
    ken_arena_free(&s->arena);
    ken_free(s);
}

static void count(const texts *s, prompt *p)
{
    ken_walk_prompt *g = &p->out.greedy;
    size_t n = strlen(p->text[0]);
    ken_verdict v = ken_golds_judge(s->golds, p->text[0], n);
    *g = (ken_walk_prompt){.hit = v.hit,
                           .hit_raw = v.raw,
                           .text = p->text[0],
                           .n_text = n,
                           .finish = p->cut[0] ? KEN_FINISH_LENGTH : KEN_FINISH_STOP,
                           .text_p = NAN,
                           .margin = NAN,
                           .top_gap = NAN};
    int raw = 0;
    p->out.drawn = p->drawn;
    for (int j = 1; j <= s->rules->samples; j++) {
        const char *text = p->text[j];
        v = ken_golds_judge(s->golds, text, strlen(text));
        p->out.hits += v.hit;
        raw += v.raw;
        int k = 0;
        while (k < p->out.n_drawn && strcmp(p->drawn[k].text, text) != 0) k++;
        if (k == p->out.n_drawn) p->drawn[p->out.n_drawn++] = (ken_drawn){text, 0, v.hit};
        p->drawn[k].count++;
    }
    ken_drawn_sort(p->drawn, p->out.n_drawn);
    g->p_lo = g->p_hi = (double)p->out.hits / s->rules->samples;
    g->raw_lo = g->raw_hi = (double)raw / s->rules->samples;
}

static int advance(ken_question *q, ken_err *err)
{
    texts *s = (texts *)q;
    for (int i = 0; i < s->n; i++)
        for (int j = 0; j <= s->rules->samples; j++)
            if (s->p[i].text[j] == NULL) return ken_fail(err, KEN_EFAIL, "prompt %d: the engine gave no text", i + 1);
    for (int i = 0; i < s->n; i++) count(s, &s->p[i]);
    q->done = true;
    return KEN_OK;
}

static const ken_question_kind kind = {"texts", 1.0, advance, free_texts};

const ken_sample_prompt *ken_texts_get(const ken_question *q, int i)
{
    return q->kind == &kind ? &((const texts *)q)->p[i].out : NULL;
}

int ken_texts_start(ken_question **out, const ken_method_input *in, ken_err *err)
{
    const ken_rules *r = &in->setup->rules;
    texts *s = ken_calloc(1, sizeof *s);
    if (s == NULL) return ken_fail_nomem(err, "samples");
    *s = (texts){.question = {&kind}, .rules = r, .golds = in->golds};
    const size_t all = (size_t)r->samples + 1;
    s->p = ken_arena_calloc(&s->arena, (size_t)r->prompts, sizeof *s->p);
    bool failed = s->p == NULL;
    for (int i = 0; i < r->prompts && !failed; i++) {
        prompt *p = &s->p[i];
        p->text = ken_arena_calloc(&s->arena, all, sizeof *p->text);
        p->cut = ken_arena_calloc(&s->arena, all, sizeof *p->cut);
        p->drawn = ken_arena_calloc(&s->arena, all, sizeof *p->drawn);
        failed = p->text == NULL || p->cut == NULL || p->drawn == NULL;
        if (failed) break;
        s->n++;
        p->greedy = (ken_texts){.prompt = in->prompt[i],
                                .n = 1,
                                .top_k = r->top_k,
                                .max_new = r->max_new,
                                .stop = r->stop,
                                .text = p->text,
                                .cut = p->cut,
                                .outstanding = &s->question.waiting};
        p->samples = p->greedy;
        p->samples.n = r->samples;
        p->samples.temperature = r->temperature;
        p->samples.seed = (uint64_t)(ken_uniform(r->seed, in->x->id, strlen(in->x->id), (uint32_t)i, 0, 0) * 0x1p53);
        p->samples.text++;
        p->samples.cut++;
    }
    if (failed) {
        free_texts(&s->question);
        return ken_fail_nomem(err, "samples");
    }
    for (int i = 0; i < s->n; i++) {
        ken_texter_ask(in->texter, &s->p[i].greedy);
        ken_texter_ask(in->texter, &s->p[i].samples);
    }
    *out = &s->question;
    return KEN_OK;
}
