/* made_run.c - see made_run.h. */
#include "made_run.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "know/category.h"
#include "store/store.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

char *read_all(const char *path, size_t *n)
{
    ken_map m;
    ken_err err = {0};
    if (ken_map_file(&m, path, &err) != KEN_OK) fail_msg("%s", err.msg);
    char *s = ken_strndup(m.size > 0 ? (const char *)m.data : "", m.size);
    *n = m.size;
    ken_unmap(&m);
    return s;
}

const char *const hostile[] = {
    "</script><img src=x onerror=alert(1)>",
    "<!-- <script>",
    "\"'><svg/onload=alert(2)>",
    "a&amp;b &lt; c",
    "]]>\\u003c\\",
    "\xE2\x80\xA8line\xE2\x80\xA9sep",
    "__proto__",
    "</ScRiPt >",
    "\xD8\xB3\xD9\x84\xD8\xA7\xD9\x85 \xE2\x80\xAE\x67\x6E\x70",
    "{{7*7}}",
    "javascript:alert(3)",
};
enum { N_HOSTILE = sizeof hostile / sizeof hostile[0] };

static const struct {
    const char *name, *question, *answers[5];
    double skill; /* how well it is known, about */
} made[] = {
    {"capital", "What is the capital of %s?", {"Velm", "Old Harrow", "Punta Clara", "Sant Oriol", "Kesh"}, 0.62},
    {"country", "Which country is %s located in?", {"Norland", "Norland", "Norland", "Esteria", "Vael"}, 0.78},
    {"born", "Where was %s born?", {"Harrow", "Ostwick", "Bellmont", "Kesh", "Tarn"}, 0.08},
    {"symbol", "What is the chemical symbol of %s?", {"Qx", "Zr", "V", "Ad", "Lm"}, 0.9},
    {"author", "Who wrote %s?", {"Ada Merrin", "J. R. Holt", "The Brothers Vane", "Ines Calder", "O. Sand"}, 0.22},
    {"spouse", "Who is %s married to?", {"Ines Calder", "Tom Ashe", "Mira Holt", "A. Vane", "Lena Sand"}, 0.04},
    {"language", "Which language was %s written in?", {"Norish", "Norish", "Old Vael", "Norish", "Esterian"}, 0.7},
    {"founded", "Where was %s founded?", {"Velm", "Kesh", "Harrow", "Tarn", "Bellmont"}, 0.15},
};
_Static_assert(sizeof made / sizeof made[0] == N_MADE, "made_run.h says how many");

double made_draw(uint32_t row, uint32_t what, uint32_t i) { return ken_uniform(11, "made", 4, row, what, i); }

int make_run_shifted(const char *path, size_t n, bool hostile_texts, double shift, ken_err *err)
{
    static const char *const syllable[] = {"Ar", "Bel", "Cor", "Dun", "El",  "Fen", "Gar", "Hol",
                                           "Is", "Jor", "Kal", "Lun", "Mor", "Nev", "Ost", "Per"};
    char asked[24];
    snprintf(asked, sizeof asked, "%zu", n);
    const ken_setting settings[] = {
        {"model", hostile_texts ? hostile[0] : "SmolLM2-135M-Instruct", false},
        {"model_path", shift > 0.0 ? "/home/me/trained" : "", false},
        {"data", hostile_texts ? hostile[2] : "world", false},
        {"data_format", "jsonl", true},
        {"weight_type", "Q4_1", true},
        {"method", "exact", true},
        {"matcher", "em-squad/1", true},
        {"template", hostile_texts ? hostile[1] : "Q: {question}\nA:", true},
        {"stop", "\n", true},
        {"temperature", "0.5", true},
        {"top_k", "40", true},
        {"prompts", "10", true},
        {"samples", "16", true},
        {"model_hash", "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53", true},
        {KEN_SETTING_ROWS, asked, false},
    };
    ken_store *s;
    unlink(path);
    int rc = ken_store_open(&s, path, settings, sizeof settings / sizeof settings[0], err);
    if (rc != KEN_OK) return rc;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        uint32_t r = (uint32_t)i;
        size_t m = i * N_MADE / n, a = (size_t)(made_draw(r, 1, 0) * 5);
        bool bad = hostile_texts && i % 3 == 0;
        char id[32], subject[64], question[160], other[64], wrong[2][64];
        snprintf(id, sizeof id, "%s/test/%zu", made[m].name, i);
        snprintf(subject, sizeof subject, "%s%c%s", syllable[(int)(made_draw(r, 2, 0) * 16)],
                 "aeiou"[(int)(made_draw(r, 2, 1) * 5)], syllable[(int)(made_draw(r, 2, 2) * 16)]);
        snprintf(question, sizeof question, made[m].question, subject);
        snprintf(other, sizeof other, "%s", made[m].answers[(a + 2) % 5]);
        for (int j = 0; j < 2; j++) snprintf(wrong[j], sizeof wrong[j], "%s", made[m].answers[(a + 1 + (size_t)j) % 5]);
        ken_prompt_row p[MADE_PROMPTS] = {{0}};
        bool hit[MADE_PROMPTS];
        double lo[MADE_PROMPTS], hi[MADE_PROMPTS];
        int hits[MADE_PROMPTS];
        double fame = made_draw(r, 3, 0), base = made[m].skill * (0.25 + 1.5 * fame) +
                                                 0.55 * (made_draw(r, 3, 1) - 0.6) + shift * (made_draw(r, 6, 0) - 0.6);
        for (uint32_t k = 0; k < MADE_PROMPTS; k++) {
            double x = 1.0 / (1.0 + exp(-9.0 * (base + 0.14 * made_draw(r, 4, k) - 0.55)));
            lo[k] = x * 0.999;
            hi[k] = fmin(1.0, x * 0.999 + 2e-5);
            hit[k] = x > 0.5;
        }
        ken_knowledge kn;
        ken_categorize_exact(&kn, hit, lo, hi, MADE_PROMPTS, MADE_SAMPLES, 0, id, hits);
        const char *gold = bad ? hostile[(i + 3) % N_HOSTILE] : made[m].answers[a];
        for (int k = 0; k < MADE_PROMPTS; k++)
            p[k] = (ken_prompt_row){.greedy_hit = hit[k],
                                    .greedy_hit_raw = hit[k],
                                    .text = hit[k] ? gold
                                            : bad  ? hostile[(i + (size_t)k) % N_HOSTILE]
                                                   : wrong[k % 3 == 0],
                                    .finish = "newline",
                                    .text_p = 0.4,
                                    .margin = 0.3,
                                    .top_gap = 0.01,
                                    .p_lo = lo[k],
                                    .p_hi = hi[k],
                                    .raw_lo = lo[k],
                                    .raw_hi = hi[k],
                                    .hits = hits[k],
                                    .samples = MADE_SAMPLES};
        for (int k = 0; k < MADE_PROMPTS; k++) { /* the likeliest first tokens */
            static const char *const tokens[] = {" The", " Kes", " Har", " V",   " Old",
                                                 " 1",   " Nor", " It",  " Mir", " <b>"};
            p[k].n_other = 5;
            for (int j = 0; j < 5; j++) {
                p[k].other[j].text = tokens[(int)(made_draw(r, 7, (uint32_t)(k / 3)) * 10 + j * 3) % 10];
                p[k].other[j].p = 0.5 / (1 + 3 * j) * made_draw(r, 8, (uint32_t)(k * 5 + j));
            }
        }
        const char *answers[] = {gold, other};
        bool none = i % 211 == 7;
        ken_row row = {.id = id,
                       .relation = bad && i % 2 ? hostile[4] : made[m].name,
                       .split = "test",
                       .question = bad ? hostile[i % N_HOSTILE] : question,
                       .subject = bad ? NULL : subject,
                       .answers = answers,
                       .n_answers = i % 9 == 0 ? 2 : 1,
                       .popularity = floor(exp(4 + 9 * fame)),
                       .category = none ? KEN_UNLABELLED : kn.category,
                       .category_mode = none ? KEN_UNLABELLED : kn.category_mode,
                       .p_t0 = kn.p_t0,
                       .p_t = kn.p_t,
                       .p_t_lo = kn.p_t_lo,
                       .p_t_hi = kn.p_t_hi,
                       .greedy_hits = kn.greedy_hits,
                       .prompts = MADE_PROMPTS,
                       .sample_hits = kn.sample_hits,
                       .samples = kn.samples,
                       .p_unknown = kn.p_unknown,
                       .p_unknown_lo = kn.p_unknown_lo,
                       .p_unknown_hi = kn.p_unknown_hi,
                       .p_flip = kn.p_flip,
                       .min_margin = 0.2,
                       .p_guess = NAN,
                       .lift = NAN,
                       .score = NAN,
                       .flags = (i % 9 == 0 ? KEN_FLAG_MULTI_ANSWER : 0u) | (none ? KEN_FLAG_GOLD_TOO_LONG : 0u) |
                                (kn.unsettled ? KEN_FLAG_UNSETTLED : 0u) | (i % 31 == 0 ? KEN_FLAG_ECHO : 0u),
                       .method = "exact",
                       .n_prompt_rows = MADE_PROMPTS,
                       .prompt_rows = p};
        rc = ken_store_put_row(s, i, &row, err);
    }
    if (rc == KEN_OK) rc = ken_store_commit(s, err);
    int closed = ken_store_close(s, err);
    return rc != KEN_OK ? rc : closed;
}

int make_run(const char *path, size_t n, bool hostile_texts, ken_err *err)
{
    return make_run_shifted(path, n, hostile_texts, 0.0, err);
}
