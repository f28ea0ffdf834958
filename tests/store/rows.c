/* rows.c - see rows.h. */
#include "rows.h"
#include "base/hash.h"
#include "store/row_fields.h"
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static uint64_t mix(uint64_t i, uint64_t field)
{
    uint64_t key[2] = {i, field};
    return ken_hash64(key, sizeof key);
}

/* In [0,1), all 53 bits used; NaN now and then. */
static double number(uint64_t i, uint64_t field)
{
    uint64_t h = mix(i, field);
    return h % 17 == 0 ? NAN : (double)(h >> 11) * 0x1p-53;
}

static const char *text(made_row *m, uint64_t i, uint64_t field)
{
    static const char *const words[] = {"Punta Gorda", "", "Zürich", "北京", "🎉 emoji", "quo\"te'd", "tab\there"};
    uint64_t h = mix(i, field);
    if (m->n_text == ROW_TEXTS) abort();
    char *s = m->text[m->n_text++];
    snprintf(s, sizeof m->text[0], "%s %llu", words[h % 7], (unsigned long long)(h >> 40));
    return s;
}

/* Every number of a table, so that one that is added is tested without being named here. */
static void fill(const ken_fields *t, void *of, uint64_t i, uint64_t field)
{
    for (int k = 0; k < t->n; k++) {
        char *at = (char *)of + t->f[k].at;
        if (t->f[k].kind == KEN_FIELD_SHARE || t->f[k].kind == KEN_FIELD_REAL)
            *(double *)at = number(i, field + (uint64_t)k);
        if (t->f[k].kind == KEN_FIELD_COUNT) *(int *)at = (int)(mix(i, field + (uint64_t)k) % 1000);
    }
}

const ken_row *make_row(made_row *m, uint64_t i)
{
    static const char *const relations[] = {"P0", "P1", "P2", "P3"};
    static const char *const methods[] = {"exact", "sample", "choice"};
    static const char *const finishes[] = {"eos", "newline", "stop", "length", ""};
    memset(m, 0, sizeof *m);
    snprintf(m->text[m->n_text], sizeof m->text[0], "P%d/test/%llu", (int)(i % 4), (unsigned long long)i);
    ken_row *r = &m->row;
    r->id = m->text[m->n_text++];
    r->relation = relations[i % 4];
    r->split = i % 2 == 0 ? "test" : "train";
    r->question = text(m, i, 1);
    r->subject = i % 5 == 0 ? NULL : text(m, i, 2);
    r->n_answers = 1 + (int)(i % 3);
    for (int a = 0; a < r->n_answers; a++) m->answers[a] = text(m, i, 10 + (uint64_t)a);
    r->answers = m->answers;
    r->popularity = i % 3 == 0 ? NAN : 1e9 * number(i, 3);
    fill(&ken_row_fields, r, i, 20);
    r->category = (int)(mix(i, 4) % KEN_N_CATEGORIES);
    r->category_mode = (int)(mix(i, 5) % KEN_N_CATEGORIES);
    r->greedy_hits = (int)(mix(i, 6) % 11);
    r->prompts = ROW_PROMPTS;
    r->sample_hits = (int)(mix(i, 7) % 161);
    r->samples = 160;
    r->abstain_hits = (int)(i % 3);
    r->flags = (uint32_t)mix(i, 8) & 0x1fff;
    r->method = methods[i % 3];
    r->n_prompt_rows = ROW_PROMPTS;
    r->prompt_rows = m->prompts;
    for (int k = 0; k < ROW_PROMPTS; k++) {
        ken_prompt_row *q = &m->prompts[k];
        uint64_t f = 100 + 20 * (uint64_t)k;
        fill(&ken_prompt_fields, q, i, 1000 + f);
        q->greedy_hit = mix(i, f) % 2;
        q->greedy_hit_raw = mix(i, f + 1) % 2;
        q->text = mix(i, f + 2) % 4 == 0 ? NULL : text(m, i, f + 3);
        q->finish = finishes[mix(i, f + 4) % 5];
        q->text_p = number(i, f + 5);
        q->margin = 30 * number(i, f + 6);
        q->top_gap = k == 3 ? INFINITY : number(i, f + 7);
        q->p_lo = number(i, f + 8);
        q->p_hi = number(i, f + 9);
        q->raw_lo = number(i, f + 10) * 0x1p-1040; /* denormal numbers too */
        q->raw_hi = k == 0 ? 1.0 : k == 1 ? 0.0 : number(i, f + 11);
        q->hits = (int)(mix(i, f + 12) % 17);
        q->samples = 16;
        q->n_other = (int)(mix(i, f + 13) % 6);
        for (int o = 0; o < q->n_other; o++) {
            q->other[o].text = text(m, i, f + 14 + (uint64_t)o);
            q->other[o].p = number(i, f + 14 + (uint64_t)o);
        }
        if (i % 3 != 1 || k % 4 != 0) continue; /* some prompts of the sampled rows share these */
        q->drawn = m->drawn;
        q->n_drawn = k == 0 ? 3 : k == 4 ? 1 : 0;
    }
    for (int d = 0; d < 3; d++) m->drawn[d] = (ken_drawn){text(m, i, 500 + (uint64_t)d), 16 - 5 * d, d == 1};
    return r;
}

static void same_text(const char *field, const char *id, const char *a, const char *b)
{
    if ((a == NULL) != (b == NULL) || (a != NULL && strcmp(a, b) != 0))
        fail_msg("row %s, %s: \"%.60s\" became \"%.60s\"", id, field, a != NULL ? a : "(null)",
                 b != NULL ? b : "(null)");
}

static void same_bits(const char *field, const char *id, double a, double b)
{
    if (isnan(a) && isnan(b)) return;
    if (memcmp(&a, &b, sizeof a) != 0) fail_msg("row %s, %s: %.17g became %.17g", id, field, a, b);
}

static void same_int(const char *field, const char *id, int64_t a, int64_t b)
{
    if (a != b) fail_msg("row %s, %s: %lld became %lld", id, field, (long long)a, (long long)b);
}

static void same_fields(const ken_fields *t, const char *id, const void *a, const void *b)
{
    for (const ken_field *f = t->f; f < t->f + t->n; f++) {
        const void *x = ken_field_in(f, a), *y = ken_field_in(f, b);
        switch (f->kind) {
        case KEN_FIELD_CATEGORY:
        case KEN_FIELD_COUNT: same_int(f->name, id, *(const int *)x, *(const int *)y); break;
        case KEN_FIELD_BITS: same_int(f->name, id, *(const uint32_t *)x, *(const uint32_t *)y); break;
        case KEN_FIELD_TRUTH: same_int(f->name, id, *(const bool *)x, *(const bool *)y); break;
        case KEN_FIELD_SHARE:
        case KEN_FIELD_REAL: same_bits(f->name, id, *(const double *)x, *(const double *)y); break;
        default: same_text(f->name, id, *(const char *const *)x, *(const char *const *)y);
        }
    }
}

void assert_row_equal(const ken_row *a, const ken_row *b)
{
    assert_non_null(a);
    assert_non_null(b);
#define TEXT(f) same_text(#f, a->id, a->f, b->f)
#define REAL(f) same_bits(#f, a->id, a->f, b->f)
#define INT(f)  same_int(#f, a->id, a->f, b->f)
    TEXT(id), TEXT(relation), TEXT(split), TEXT(question), TEXT(subject);
    REAL(popularity), INT(n_answers), INT(n_prompt_rows);
    same_fields(&ken_row_fields, a->id, a, b);
    for (int i = 0; i < a->n_answers; i++) TEXT(answers[i]);
    for (int k = 0; k < a->n_prompt_rows; k++) {
        same_fields(&ken_prompt_fields, a->id, &a->prompt_rows[k], &b->prompt_rows[k]);
        INT(prompt_rows[k].n_other);
        for (int o = 0; o < a->prompt_rows[k].n_other; o++) {
            TEXT(prompt_rows[k].other[o].text);
            REAL(prompt_rows[k].other[o].p);
        }
        INT(prompt_rows[k].n_drawn);
        for (int d = 0; d < a->prompt_rows[k].n_drawn; d++) {
            TEXT(prompt_rows[k].drawn[d].text);
            INT(prompt_rows[k].drawn[d].count), INT(prompt_rows[k].drawn[d].hit);
        }
    }
}

const ken_setting test_settings[] = {
    {"model_hash", "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53", true},
    {"temperature", "0.5", true},
    {"prompt_template", "Q: {question}\nA:", true},
    {KEN_SETTING_ROWS, "50", false},
};
const size_t n_test_settings = sizeof test_settings / sizeof test_settings[0];

/* ---- the folder ---------------------------------------------------------------------------------------------------- */

static char folder[256];

/* In memory where there is room: every commit of a test would otherwise wait for the disk. */
static const char *parent_folder(void)
{
    struct statvfs v;
    if (getenv("TMPDIR") != NULL) return getenv("TMPDIR");
    bool room = statvfs("/dev/shm", &v) == 0 && (uint64_t)v.f_bavail * v.f_frsize > (256u << 20);
    return room && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

const char *test_folder(void)
{
    if (folder[0] == '\0') {
        snprintf(folder, sizeof folder, "%s/ken-store-XXXXXX", parent_folder());
        if (mkdtemp(folder) == NULL) {
            perror(folder);
            exit(1);
        }
    }
    return folder;
}

const char *in_folder(const char *name)
{
    static char path[4][512];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", test_folder(), name);
    return path[next];
}

int remove_folder(void **state)
{
    (void)state;
    if (folder[0] == '\0') return 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlink(in_folder(e->d_name)) != 0)
            rmdir(in_folder(e->d_name));
    if (d != NULL) closedir(d);
    rmdir(folder);
    return 0;
}
