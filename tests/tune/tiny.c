/* tiny.c - see tiny.h. */
#include "tiny.h"
#include "base/alloc.h"
#include "store/store.h"
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the model ------------------------------------------------------------------------------------------------------ */

tiny tiny_new(void)
{
    static const char *const named[] = {"<bos>", "<eos>", "<|im_start|>", "<|im_end|>", "ab"};
    static char spelled[256][3];
    static const ken_str left = {"a", 1}, right = {"b", 1};
    ken_str p[TINY_VOCAB];
    uint8_t types[TINY_VOCAB];
    int extra = 0;
    for (int b = 0; b < 256;
         b++) { /* GPT-2's alphabet: bytes that print are themselves, the others follow from U+0100 */
        int cp = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174 ? b : 256 + extra++;
        memset(spelled[b], 0, sizeof spelled[b]);
        if (cp < 128) spelled[b][0] = (char)cp;
        else {
            spelled[b][0] = (char)(0xC0 | cp >> 6);
            spelled[b][1] = (char)(0x80 | (cp & 63));
        }
        p[b] = (ken_str){spelled[b], strnlen(spelled[b], 3)};
        types[b] = KEN_TT_NORMAL;
    }
    for (int i = 0; i < 5; i++) {
        p[256 + i] = (ken_str){named[i], strlen(named[i])};
        types[256 + i] = i < 4 ? KEN_TT_CONTROL : KEN_TT_NORMAL;
    }
    ken_tok_spec s = {.kind = KEN_TOK_BPE,
                      .pre = KEN_PRE_GPT2,
                      .n_vocab = TINY_VOCAB,
                      .n_merges = 1,
                      .merge_left = &left,
                      .merge_right = &right,
                      .pieces = p,
                      .types = types,
                      .bos = TINY_BOS,
                      .eos = TINY_EOS,
                      .unk = -1,
                      .add_bos = true};
    ken_config c = {.arch = "llama",
                    .n_layer = 2,
                    .n_embd = 32,
                    .n_head = 4,
                    .n_kv = 2,
                    .d_head = 8,
                    .n_ff = 48,
                    .n_vocab = TINY_VOCAB,
                    .n_ctx = TINY_CONTEXT,
                    .d_rope = 8,
                    .norm_eps = 1e-5F,
                    .rope_theta = 10000,
                    .rope_factor = 1};
    tiny t = {.model = fake_model_new(&c, 7)};
    ken_err err;
    if (ken_tokenizer_new(&t.tokenizer, &s, &err) != KEN_OK) fail_msg("%s", err.msg);
    fake_model_tokenizer(t.model, t.tokenizer);
    return t;
}

void tiny_free(tiny *t)
{
    fake_model_free(t->model);
    ken_tokenizer_free(t->tokenizer);
}

/* ---- files ---------------------------------------------------------------------------------------------------------- */

static char folder[4096];

const char *tiny_path(const char *name)
{
    static char path[8][8192];
    static int next;
    if (folder[0] == '\0') {
        const char *base = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%s/ken-tune-XXXXXX", base != NULL ? base : "/tmp");
        assert_non_null(mkdtemp(folder));
    }
    next = (next + 1) % 8;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

const char *tiny_file(const char *name, const char *text)
{
    const char *path = tiny_path(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int tiny_remove_folder(void **state)
{
    (void)state;
    return folder[0] == '\0' ? 0 : nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *tiny_run(const char *name, const size_t (*have)[5], size_t n_relations)
{
    const char *path = tiny_path(name);
    static const ken_setting settings[] = {{"model_hash", "00", true}};
    ken_store *s;
    ken_err err = {0};
    uint64_t place = 0;
    if (ken_store_open(&s, path, settings, 1, &err) != KEN_OK) fail_msg("%s", err.msg);
    for (size_t r = 0; r < n_relations; r++)
        for (int c = 0; c < 5; c++)
            for (size_t i = 0; i < have[r][c]; i++, place++) {
                char relation[32], id[64], question[64], answer[64];
                const char *answers[] = {answer, "another"};
                snprintf(relation, sizeof relation, "R%zu", r);
                snprintf(id, sizeof id, "R%zu/train/%d", r, (int)place);
                snprintf(question, sizeof question, "Question R%zu %d?", r, (int)place);
                snprintf(answer, sizeof answer, "Answer %d", (int)place);
                ken_row row = {.id = id,
                               .relation = relation,
                               .split = "train",
                               .question = question,
                               .answers = answers,
                               .n_answers = 2,
                               .popularity = NAN,
                               .category = c,
                               .category_mode = c == KEN_UNKNOWN ? KEN_WEAKLY_KNOWN : c,
                               .p_t0 = 0,
                               .p_t = c == KEN_UNLABELLED ? NAN : 1.0 / (double)(place + 1),
                               .p_t_lo = NAN,
                               .p_t_hi = NAN,
                               .p_unknown = NAN,
                               .p_unknown_lo = NAN,
                               .p_unknown_hi = NAN,
                               .p_flip = NAN,
                               .min_margin = NAN,
                               .p_guess = NAN,
                               .lift = NAN,
                               .score = NAN,
                               .method = "exact"};
                if (ken_store_put_row(s, place, &row, &err) != KEN_OK) fail_msg("%s", err.msg);
            }
    if (ken_store_close(s, &err) != KEN_OK) fail_msg("%s", err.msg);
    return path;
}

/* ---- sets ----------------------------------------------------------------------------------------------------------- */

ken_tune_set *tiny_set(const tiny *t, const ken_train_data *from)
{
    ken_err err = {0};
    ken_tune_set *s = NULL;
    if (ken_tune_set_open(&s, t->model, from, &err) != KEN_OK) fail_msg("%s", err.msg);
    return s;
}

void tiny_refuse(const tiny *t, const ken_train_data *from, int status, const char *part)
{
    ken_err err = {0};
    ken_tune_set *s = NULL;
    int rc = ken_tune_set_open(&s, t->model, from, &err);
    if (rc != status || strstr(err.msg, part) == NULL)
        fail_msg("status %d, expected %d; message \"%s\" should hold \"%s\"", rc, status, err.msg, part);
    assert_null(s);
}

const char *tiny_text(const tiny *t, const int32_t *ids, int32_t n)
{
    static char out[8192];
    size_t len = 0;
    for (int32_t i = 0; i < n; i++) {
        ken_str s = ken_tokenizer_is_control(t->tokenizer, ids[i]) ? ken_tokenizer_piece(t->tokenizer, ids[i])
                                                                   : ken_tokenizer_bytes(t->tokenizer, ids[i]);
        assert_true(len + s.n < sizeof out);
        memcpy(out + len, s.p, s.n);
        len += s.n;
    }
    out[len] = '\0';
    return out;
}

ken_train_data tiny_data(const char *path)
{
    ken_train_data d = ken_train_data_defaults();
    d.path = path;
    return d;
}

ken_selection *tiny_take(const ken_train_data *from)
{
    ken_err err = {0};
    ken_selection *s = NULL;
    if (ken_select(&s, from, &err) != KEN_OK) fail_msg("%s", err.msg);
    return s;
}

void tiny_take_not(const ken_train_data *from, int status, const char *part)
{
    ken_err err = {0};
    ken_selection *s = NULL;
    int rc = ken_select(&s, from, &err);
    if (rc != status || strstr(err.msg, part) == NULL)
        fail_msg("status %d, expected %d; message \"%s\" should hold \"%s\"", rc, status, err.msg, part);
    assert_null(s);
}

tiny tiny_model;

int tiny_set_up(void **state)
{
    (void)state;
    tiny_model = tiny_new();
    return 0;
}

int tiny_tear_down(void **state)
{
    tiny_free(&tiny_model);
    return tiny_remove_folder(state);
}
