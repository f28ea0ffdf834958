/* perplexity.c - see perplexity.h. One forward pass a window: -ln p of a token is ln sum exp(z) less its own z, both read at the row before
 * it. Losses are added in order, so that the sum does not depend on threads. */
#include "know/perplexity.h"
#include "base/alloc.h"
#include "base/file.h"
#include "nn/batch_build.h"
#include "text/unicode.h"
#include <math.h>
#include <string.h>

enum { DEFAULT_WINDOW = 1024, MAX_BYTES = 64 << 20 };

typedef struct job {
    ken_forwarder *f;
    const ken_tokenizer *tokenizer;
    ken_kv *kv;
    ken_batch_build chain; /* the current window */
    int32_t *ids;          /* (n) of the text */
    size_t n;
    int32_t window, stride;
    bool bos;
    int32_t *token;  /* (window) */
    double *log_sum; /* (window) by row */
    float *logit;    /* (window) by row, of the token after it */
} job;

/* The window that begins at text token `begin`, of which those from `scored` on are new. */
static int run_window(job *j, size_t begin, size_t scored, size_t end, ken_text_loss *out, const char *path,
                      ken_err *err)
{
    int32_t rows = 0;
    if (j->bos) j->token[rows++] = ken_tokenizer_bos(j->tokenizer);
    for (size_t i = begin; i < end; i++) j->token[rows++] = j->ids[i];
    int32_t first = (int32_t)(scored - begin) + (j->bos ? 0 : -1); /* the row that predicts token `scored` */
    if (first < 0) first = 0;
    rows--;                           /* nothing reads what follows the last token */
    if (first >= rows) return KEN_OK; /* a last window of one token */
    int rc = ken_batch_rows(&j->chain, rows, j->token, NULL, err);
    for (int32_t r = first; r < rows && rc == KEN_OK; r++)
        rc = ken_batch_read(
            &j->chain,
            &(ken_reading){
                .row = r, .n_want = 1, .want = j->token + r + 1, .want_logit = j->logit + r, .log_sum = j->log_sum + r},
            err);
    if (rc == KEN_OK) rc = ken_forward(j->f, j->kv, &j->chain.batch, err);
    if (rc != KEN_OK) return rc;
    for (int32_t r = first; r < rows; r++) {
        const double nll = j->log_sum[r] - (double)j->logit[r];
        if (!isfinite(nll))
            return ken_fail(
                err, KEN_EINPUT,
                "%s, token %zu: the model's logits are not finite (a corrupt model file, or overflow in its "
                "weights)",
                path, end - (size_t)(rows - r));
        out->nll += nll;
        out->bytes += ken_tokenizer_bytes(j->tokenizer, j->token[r + 1]).n;
    }
    out->tokens += (uint64_t)(rows - first);
    out->windows++;
    return KEN_OK;
}

static int get_ready(job *j, const ken_text_options *o, ken_err *err)
{
    int32_t n_ctx = j->f->config->n_ctx;
    int window = o->window > 0 ? o->window : n_ctx < DEFAULT_WINDOW ? n_ctx : DEFAULT_WINDOW;
    if (o->window < 0 || window < 2 || window > n_ctx)
        return ken_fail(err, KEN_EUSAGE, "a window of %d tokens is out of range: 2 to the model's context of %d",
                        o->window < 0 ? o->window : window, n_ctx);
    int room = window - j->bos; /* for tokens of the text */
    if (o->stride < 0 || o->stride > room)
        return ken_fail(err, KEN_EUSAGE, "a stride of %d tokens is out of range: 1 to %d, the window%s", o->stride,
                        room, j->bos ? " without BOS" : "");
    j->window = window;
    j->stride = o->stride > 0 ? o->stride : room;
    size_t rows = (size_t)window;
    j->token = ken_alloc(rows, sizeof *j->token);
    j->log_sum = ken_alloc(rows, sizeof *j->log_sum);
    j->logit = ken_alloc(rows, sizeof *j->logit);
    if (j->token == NULL || j->log_sum == NULL || j->logit == NULL) return ken_fail_nomem(err, "text");
    return ken_cache_new(&j->kv, j->f, window, err);
}

static int read_text(job *j, const char *path, ken_err *err)
{
    ken_map m;
    int rc = ken_map_file(&m, path, err);
    if (rc != KEN_OK) return rc;
    size_t cap = 0, at = 0;
    int32_t cp;
    const char *text = (const char *)m.data;
    if (m.size > MAX_BYTES)
        rc = ken_fail(err, KEN_EINPUT, "%s: a text of %zu bytes; at most %d are read: take a part of it", path, m.size,
                      MAX_BYTES);
    for (int k; rc == KEN_OK && at < m.size && (k = ken_utf8_decode(text + at, m.size - at, &cp)) > 0;) at += (size_t)k;
    if (rc == KEN_OK && at < m.size)
        rc = ken_fail(err, KEN_EINPUT, "%s: byte %zu is not UTF-8; a text in UTF-8 is expected", path, at);
    if (rc == KEN_OK && m.size > 0) rc = ken_tokenizer_encode(j->tokenizer, text, m.size, 0, &j->ids, &j->n, &cap, err);
    ken_unmap(&m);
    if (rc == KEN_OK && j->n + j->bos < 2)
        rc = ken_fail(err, KEN_EINPUT, "%s: a text of %zu tokens; there is nothing to predict", path, j->n);
    return rc;
}

int ken_text_perplexity(ken_forwarder *f, const ken_tokenizer *t, const char *path, const ken_text_options *o,
                        ken_text_loss *out, uint64_t *forwards, ken_err *err)
{
    job j = {.f = f, .tokenizer = t, .bos = ken_tokenizer_adds_bos(t) && ken_tokenizer_bos(t) >= 0};
    *out = (ken_text_loss){0};
    int rc = read_text(&j, path, err);
    if (rc == KEN_OK) rc = get_ready(&j, o, err);
    size_t room = (size_t)j.window - j.bos, scored = 0;
    for (size_t begin = 0; rc == KEN_OK && scored < j.n; begin += (size_t)j.stride) {
        if ((rc = ken_watch_check(o->watch, err)) != KEN_OK) break;
        size_t end = j.n - begin < room ? j.n : begin + room;
        rc = run_window(&j, begin, scored, end, out, path, err);
        if (forwards != NULL) *forwards += end - begin + j.bos - 1;
        scored = end;
        ken_watch_done(o->watch, scored, j.n);
    }
    if (rc == KEN_OK && out->tokens == 0)
        rc = ken_fail(err, KEN_EINPUT, "%s: a text of %zu tokens; there is nothing to predict", path, j.n);
    ken_cache_free(f, j.kv);
    ken_batch_build_free(&j.chain);
    void *all[] = {j.ids, j.token, j.log_sum, j.logit};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ken_free(all[i]);
    return rc;
}
