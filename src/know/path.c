/* path.c - see path.h. */
#include "know/path.h"
#include "base/alloc.h"
#include "base/buf.h"

typedef struct path {
    ken_question question;
    ken_engine *engine;
    ken_path_options o;
    ken_node node; /* held; -1 = none */
    ken_request *asked;
    int32_t depth, forwarded; /* depth: tokens of the answer so far */
    ken_buf text;
    double p, *q; /* q (top_k) scratch */
    ken_finish finish;
} path;

/* Token v, of probability q, after `from`: asks for the logits after it, or the answer has ended. */
static int take(path *p, ken_node from, int32_t v, double q, ken_err *err)
{
    const ken_rules *r = p->o.rules;
    ken_str piece;
    size_t len;
    p->finish = ken_rules_step(r, ken_buf_str(&p->text), p->text.len, v, &piece, &len);
    if (p->o.token != NULL) p->o.token(p->o.ctx, v);
    if (p->finish != KEN_FINISH_EOS) {
        ken_buf_add(&p->text, piece.p, piece.n);
        if (p->text.failed) return ken_fail_nomem(err, "answer");
        p->text.len = len; /* what follows the stop string is no part of the answer */
        if (p->text.data != NULL) p->text.data[len] = '\0';
    }
    p->p *= q;
    if (p->finish == KEN_RUNNING && ++p->depth == r->max_new) p->finish = KEN_FINISH_LENGTH;
    p->question.done = p->finish != KEN_RUNNING ||
                       (p->o.stop_early && !ken_golds_viable(&p->o.golds, ken_buf_str(&p->text), p->text.len, true));
    if (p->question.done) return KEN_OK;
    ken_node child;
    int rc = ken_engine_extend(p->engine, from, &v, 1, &child, err);
    if (rc != KEN_OK) return rc;
    if (p->node >= 0) ken_engine_release(p->engine, p->node);
    p->node = child;
    p->forwarded++;
    p->asked = ken_request_new(r, child, &p->question.waiting);
    return p->asked != NULL ? ken_engine_ask(p->engine, p->asked, err) : ken_fail_nomem(err, "answer");
}

static int advance(ken_question *question, ken_err *err)
{
    path *p = (path *)question;
    ken_request *a = p->asked;
    p->asked = NULL;
    int rc = ken_rules_check(a, p->o.prompt, p->depth, err);
    if (rc == KEN_OK && p->q != NULL) ken_rules_q(p->o.rules, a, p->q);
    if (rc == KEN_OK) rc = take(p, p->node, a->id[0], p->q != NULL ? p->q[0] : 1.0, err);
    ken_request_free(a);
    if (rc != KEN_OK && p->o.number > 0) ken_fail_prefix(err, "question %zu", p->o.number);
    return rc;
}

static void free_path(ken_question *question)
{
    path *p = (path *)question;
    if (p->node >= 0) ken_engine_release(p->engine, p->node);
    ken_request_free(p->asked);
    ken_golds_free(&p->o.golds);
    ken_buf_free(&p->text);
    ken_free(p->q);
    ken_free(p);
}

static const ken_question_kind kind = {"path", 1.5, advance, free_path};

int ken_path_new(ken_question **out, ken_engine *e, const ken_path_options *o, ken_node from, const int32_t *ids,
                 size_t n, ken_err *err)
{
    *out = NULL;
    path *p = ken_calloc(1, sizeof *p);
    if (p == NULL) {
        ken_golds golds = o->golds;
        ken_golds_free(&golds);
        return ken_fail_nomem(err, "answer");
    }
    *p = (path){.question = {&kind}, .engine = e, .o = *o, .node = -1, .p = 1.0};
    int rc = KEN_OK;
    if (o->rules->top_k > 0) {
        p->q = ken_alloc((size_t)o->rules->top_k, sizeof *p->q);
        if (p->q == NULL) rc = ken_fail_nomem(err, "answer");
    }
    if (rc == KEN_OK) rc = ken_engine_extend(e, from, ids, n, &p->node, err);
    if (rc == KEN_OK && o->first >= 0) rc = take(p, p->node, o->first, o->first_q, err);
    else if (rc == KEN_OK) {
        p->asked = ken_request_new(o->rules, p->node, &p->question.waiting);
        rc = p->asked != NULL ? ken_engine_ask(e, p->asked, err) : ken_fail_nomem(err, "answer");
    }
    if (rc != KEN_OK) free_path(&p->question);
    else *out = &p->question;
    return rc;
}

ken_path_end ken_path_get(const ken_question *q)
{
    const path *p = (const path *)q;
    const char *text = ken_buf_str(&p->text);
    ken_path_end end = {text, p->text.len, p->finish, p->p, p->forwarded, {0}};
    if (p->finish != KEN_RUNNING && p->o.golds.accept != NULL) end.verdict = ken_golds_judge(&p->o.golds, text, end.n);
    return end;
}
