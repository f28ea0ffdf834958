/* test_words.c - the short forms of options: what each means, and what is refused with the option's name. */
#include "cli/words.h"
#include "cli/cli.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* Of main.c, which is not part of this program. */
int cli_fail(ken_err *err, int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    err->status = status;
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    return status;
}

static ken_err err;

#define BAD(parse, value, ...)                                                                                         \
    do {                                                                                                               \
        static const char *const bad[] = {__VA_ARGS__};                                                                \
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {                                                        \
            err.msg[0] = '\0';                                                                                         \
            if ((parse)((value), bad[i], "--name", &err) != KEN_EUSAGE) fail_msg("\"%s\" was taken", bad[i]);          \
            if (strncmp(err.msg, "--name", 6) != 0) fail_msg("%s", err.msg);                                           \
        }                                                                                                              \
    } while (0)
#define GOOD(parse, value, text)                                                                                       \
    do {                                                                                                               \
        if ((parse)((value), (text), "--name", &err) != KEN_OK) fail_msg("%s", err.msg);                               \
    } while (0)

static void categories(void **state)
{
    (void)state;
    unsigned set = 0;
    GOOD(cli_parse_categories, &set, "Unknown");
    assert_int_equal(set, 1u << KEN_UNKNOWN);
    GOOD(cli_parse_categories, &set, "HighlyKnown, unlabelled"); /* they add up */
    assert_int_equal(set, 1u << KEN_UNKNOWN | 1u << KEN_HIGHLY_KNOWN | 1u << KEN_UNLABELLED);
    set = 0;
    GOOD(cli_parse_categories, &set, "Known");
    assert_int_equal(set, 7);
    BAD(cli_parse_categories, &set, "", "unknown", "Known,", "HighlyKnown,,Unknown", "Known,unkown");
}

static void variants(void **state)
{
    (void)state;
    ken_variant_choice v;
    GOOD(cli_parse_variant, &v, "unknown=50");
    assert_true(v.kind == KEN_VARIANT_UNKNOWN && v.percent == 50);
    GOOD(cli_parse_variant, &v, "known=0");
    assert_true(v.kind == KEN_VARIANT_KNOWN && v.percent == 0);
    GOOD(cli_parse_variant, &v, "natural");
    assert_true(v.kind == KEN_VARIANT_NATURAL);
    GOOD(cli_parse_variant, &v, "WeaklyKnown");
    assert_true(v.kind == KEN_VARIANT_ONE && v.category == KEN_WEAKLY_KNOWN);
    BAD(cli_parse_variant, &v, "", "unknown", "unknown=", "unknown=101", "unknown=-1", "unknown=5.5", "unknown=5%",
        "known=1000", "highlyknown", "unlabelled", "natural ", "Known");
}

static void adapters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        ken_lora_options o;
    } cases[] = {
        {"r=16", {16, 0, 0, 0}},
        {"r=8,alpha=8,dropout=0.1", {8, 8, 0.1, 0}},
        {"targets=q_proj,v_proj,r=4", {4, 0, 0, KEN_TARGET_Q | KEN_TARGET_V}},
        {"r=2,targets=attention,down_proj,alpha=1", {2, 1, 0, KEN_TARGET_ATTENTION | KEN_TARGET_DOWN}},
        {"r=2,targets=mlp", {2, 0, 0, KEN_TARGET_MLP}},
        {"r=2,targets=all", {2, 0, 0, KEN_TARGET_ALL}},
    };
    ken_lora_options o;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        GOOD(cli_parse_lora, &o, cases[i].text);
        assert_true(o.rank == cases[i].o.rank && o.targets == cases[i].o.targets);
        assert_true(o.alpha == cases[i].o.alpha && o.dropout == cases[i].o.dropout);
    }
    BAD(cli_parse_lora, &o, "", "16", "r=0", "r=1.5", "r=16,", "r=x", "r=16,alpha=0", "r=16,dropout=1", "alpha=32",
        "r=16,targets=", "r=16,beta=1", "r=nan", "r=16,targets=q_proj,zz_proj", "r=16,q_proj", "r=-1", "r=16x");
}

static void parts(void **state)
{
    (void)state;
    ken_parts p = {0};
    GOOD(cli_parse_parts, &p, "embeddings,head");
    assert_true(p.parts == (KEN_PARTS_EMBEDDINGS | KEN_PARTS_HEAD) && !p.layers);
    GOOD(cli_parse_parts, &p, "layers=1-2,mlp"); /* they add up */
    assert_true(p.parts == (KEN_PARTS_EMBEDDINGS | KEN_PARTS_HEAD | KEN_PARTS_MLP) && p.layers && p.first_layer == 1 &&
                p.last_layer == 2);
    BAD(cli_parse_parts, &p, "layers=3"); /* but one range is possible */
    p = (ken_parts){0};
    GOOD(cli_parse_parts, &p, "attention,norms,layers=3");
    assert_true(p.parts == (KEN_PARTS_ATTENTION | KEN_PARTS_NORMS) && p.first_layer == 3 && p.last_layer == 3);
    BAD(cli_parse_parts, &p, "atention", "", "mlp,,head", "layers=", "layers=1-", "layers=-1", "layers=0,layers=1",
        "layers=99999999999999999999", "layers=1.5");
}

static void numbers(void **state)
{
    (void)state;
    cli_warmup w = {-1, 0.5};
    char text[40];
    GOOD(cli_parse_warmup, &w, "3%");
    assert_true(w.steps == -1 && w.share == 0.03);
    cli_show_warmup(&w, text, sizeof text);
    assert_string_equal(text, "3%");
    GOOD(cli_parse_warmup, &w, "120");
    assert_true(w.steps == 120);
    cli_show_warmup(&w, text, sizeof text);
    assert_string_equal(text, "120");
    BAD(cli_parse_warmup, &w, "", "%", "3%%", "-1", "101%", "1.5", "nan", "1e30", "3 %");
    int epoch = 7;
    GOOD(cli_parse_teacher, &epoch, "base");
    assert_int_equal(epoch, 0);
    GOOD(cli_parse_teacher, &epoch, "epoch:2");
    assert_int_equal(epoch, 2);
    cli_show_teacher(&epoch, text, sizeof text);
    assert_string_equal(text, "epoch:2");
    BAD(cli_parse_teacher, &epoch, "", "epoch:", "epoch:0", "epoch:-1", "epoch:x", "epoch:1x", "bases");
}

static void rules(void **state)
{
    (void)state;
    cli_rules r = {0};
    GOOD(cli_parse_rules, &r,
         " HighlyKnown : p_t >= 0.5 , MaybeKnown:p_t0>0, WeaklyKnown:p_unknown<0.5,Unknown:p_t<=1,Unknown");
    assert_int_equal(r.n, 5);
    static const ken_score_rule want[] = {{KEN_HIGHLY_KNOWN, KEN_RULE_P_T, KEN_AT_LEAST, 0.5},
                                          {KEN_MAYBE_KNOWN, KEN_RULE_P_T0, KEN_ABOVE, 0},
                                          {KEN_WEAKLY_KNOWN, KEN_RULE_P_UNKNOWN, KEN_BELOW, 0.5},
                                          {KEN_UNKNOWN, KEN_RULE_P_T, KEN_AT_MOST, 1},
                                          {KEN_UNKNOWN, KEN_RULE_ALWAYS, KEN_AT_LEAST, 0}};
    for (int i = 0; i < r.n; i++) {
        assert_true(r.rule[i].category == want[i].category && r.rule[i].value == want[i].value);
        assert_true(r.rule[i].relation == want[i].relation && r.rule[i].bound == want[i].bound);
    }
    r.n = 0;
    GOOD(cli_parse_rules, &r, "HighlyKnown:p_t>=0.5");
    GOOD(cli_parse_rules, &r, "Unknown"); /* follows the one before */
    assert_true(r.n == 2 && r.rule[0].category == KEN_HIGHLY_KNOWN && r.rule[1].category == KEN_UNKNOWN);
    BAD(cli_parse_rules, &r, "MaybeKnown"); /* never reached */
    r.n = 0;
    BAD(cli_parse_rules, &r, "", "Known", "HighlyKnown:", "HighlyKnown:p_t", "HighlyKnown:p_t>=", "HighlyKnown:p_t>=x",
        "HighlyKnown:p_t>=0.5,", "HighlyKnown:p_t>=1.5", "HighlyKnown:p_t>=-1", "HighlyKnown:p_t=0.5",
        "HighlyKnown:p>0.5", "HighlyKnown:p_t>=nan", "HighlyKnown:p_t>=0.5 MaybeKnown", "Unknown,HighlyKnown:p_t>=0.5",
        "unlabelled", "HighlyKnown:p_t>=0.5;Unknown");
    r.n = 0;
    char many[1000] = "";
    for (size_t i = 0, at = 0; i <= CLI_MAX_RULES; i++)
        at += (size_t)snprintf(many + at, sizeof many - at, "%sMaybeKnown:p_t>0.1", i > 0 ? "," : "");
    assert_int_equal(cli_parse_rules(&r, many, "--name", &err), KEN_EUSAGE);
}

static void lists_of_numbers(void **state)
{
    (void)state;
    cli_reals r;
    cli_counts c;
    int64_t n;
    char text[80];
    GOOD(cli_parse_reals, &r, "0.6, 1,1.4");
    assert_true(r.n == 3 && r.x[0] == 0.6 && r.x[1] == 1 && r.x[2] == 1.4);
    cli_show_reals(&r, text, sizeof text);
    assert_string_equal(text, "0.6,1,1.4");
    GOOD(cli_parse_reals, &r, "2"); /* given again, it replaces */
    assert_true(r.n == 1 && r.x[0] == 2);
    BAD(cli_parse_reals, &r, "", ",", "1,", "nan", "inf", "-1", "1e400", "one", "1 2");
    GOOD(cli_parse_counts, &c, "15000,30k,1M");
    assert_true(c.n == 3 && c.x[0] == 15000 && c.x[1] == 30000 && c.x[2] == 1000000);
    cli_show_counts(&c, text, 8); /* cut, not overrun */
    assert_string_equal(text, "15000,3");
    BAD(cli_parse_counts, &c, "", "k", "1.5", "0.0001k", "1e99", "-3", "5x", "1,,2");
    GOOD(cli_parse_count, &n, "1.5k");
    assert_true(n == 1500);
    BAD(cli_parse_count, &n, "", "1,2", "NaN", "1e300M");
    char many[400] = "1";
    for (int i = 1; i <= CLI_MAX_NUMBERS; i++) strcat(many, ",1");
    assert_int_equal(cli_parse_reals(&r, many, "--name", &err), KEN_EUSAGE);
    assert_int_equal(cli_parse_counts(&c, many, "--name", &err), KEN_EUSAGE);
}

static void arms(void **state)
{
    (void)state;
    unsigned set = 0;
    GOOD(cli_parse_arms, &set, "Top");
    GOOD(cli_parse_arms, &set, "Bottom, Random50"); /* they add up */
    assert_int_equal(set, 1U << KEN_ARM_TOP | 1U << KEN_ARM_BOTTOM | 1U << KEN_ARM_RANDOM);
    BAD(cli_parse_arms, &set, "", "top", "Top,", "Middle");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(categories),       cmocka_unit_test(variants),
                                       cmocka_unit_test(adapters),         cmocka_unit_test(parts),
                                       cmocka_unit_test(numbers),          cmocka_unit_test(rules),
                                       cmocka_unit_test(lists_of_numbers), cmocka_unit_test(arms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
