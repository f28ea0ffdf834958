/* test_hostile.c - malformed data of every kind: the message names file, line and field; --skip-bad drops rows but never hides a
 * broken file; no length, flipped byte or failing allocation does more than end the reading with a clear status. */
#include "util.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/rng.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct bad_case {
    const char *name, *text, *message; /* the whole message, or its part when it ends in '*' */
    int kept;                          /* rows with skip_bad; -1 = still refused */
} bad_case;

#define GOOD "{\"question\":\"q\",\"answer\":\"a\"}"
#define CSV  "question,answer\n"
#define MMLU "question,choice0,choice1,choice2,choice3,answer\n"

static const bad_case bads[] = {
    /* fields */
    {"f.jsonl", GOOD "\n{\"question\":\"q\",\"label\":\"x\"}",
     "f.jsonl:2: field \"answer\" is missing (have: question, label); name it with `answer_field`", 1},
    {"f.jsonl", "{}\n" GOOD, "f.jsonl:1: field \"question\" is missing (have: none); name it with `question_field`", 1},
    {"f.jsonl", "{\"question\":3,\"answer\":\"a\"}\n" GOOD,
     "f.jsonl:1: field \"question\" is a number; a string is expected", 1},
    {"f.jsonl", "{\"question\":\" \xc2\xa0\\t\",\"answer\":\"a\"}\n" GOOD, "f.jsonl:1: field \"question\" is empty", 1},
    {"f.jsonl", "{\"question\":\"q\",\"answer\":\"\"}\n" GOOD, "f.jsonl:1: field \"answer\" is empty", 1},
    {"f.jsonl", "{\"question\":\"q\",\"answer\":null}\n" GOOD,
     "f.jsonl:1: field \"answer\" is null; a string or a list of strings is expected", 1},
    {"f.jsonl", "{\"question\":\"q\",\"answer\":{\"a\":1}}\n" GOOD, "f.jsonl:1: field \"answer\" is an object; *", 1},
    {"f.jsonl", "{\"question\":\"q\",\"answers\":[]}\n" GOOD, "f.jsonl:1: field \"answers\" is an empty list", 1},
    {"f.jsonl", "{\"question\":\"q\",\"answers\":[\"a\",true]}\n" GOOD,
     "f.jsonl:1: field \"answers\", place 2, is true or false; a string is expected", 1},
    {"f.jsonl", "{\"question\":\"q\",\"answers\":[\"a\",\"\\n\"]}\n" GOOD,
     "f.jsonl:1: field \"answers\", place 2, is empty", 1},
    {"f.jsonl", "{\"question\":\"q\",\"answer\":\"a\",\"popularity\":\"many\"}\n" GOOD,
     "f.jsonl:1: field \"popularity\" is \"many\"; a number is expected", 1},
    {"f.jsonl", "{\"question\":\"q\",\"answer\":\"a\",\"popularity\":\"nan\"}\n" GOOD,
     "f.jsonl:1: field \"popularity\" is \"nan\"; *", 1},
    {"f.jsonl", "{\"question\":\"q\",\"answer\":\"a\",\"popularity\":\"1e999\"}\n" GOOD,
     "f.jsonl:1: field \"popularity\" *", 1},
    {"f.jsonl", "{\"question\":\"q\",\"answer\":\"a\",\"id\":1.5}\n" GOOD, "f.jsonl:1: field \"id\" is a number; *", 1},
    {"f.jsonl", "{\"question\":\"q\",\"answer\":\"a\",\"relation\":[]}\n" GOOD,
     "f.jsonl:1: field \"relation\" is a list; a string is expected", 1},
    {"f.jsonl",
     "{\"id\":\"x\",\"question\":\"q\",\"answer\":\"a\"}\n" GOOD "\n{\"id\":\"x\",\"question\":\"p\",\"answer\":\"a\"}",
     "f.jsonl:3: id \"x\" occurs twice (first at f.jsonl:1); ids must differ", -1},
    {"f.jsonl", "{\"question\":\"q\",\"choices\":[\"x\"],\"answer\":\"x\"}",
     "f.jsonl:1: field \"choices\" has 1 entries; 2 to 26 are expected", -1},
    {"f.jsonl", "{\"question\":\"q\",\"choices\":[\"x\",\"y\"],\"answer\":3}",
     "f.jsonl:1: field \"answer\" is a number; one of the choices, its letter or its index is expected", -1},
    {"f.jsonl", GOOD "\n{\"question\":\"q\",\"choices\":[\"x\",\"y\"],\"answer\":0}",
     "f.jsonl:2: rows with and without choices are mixed*", 1},
    /* JSON */
    {"f.jsonl", GOOD "\nnonsense", "f.jsonl:2: not valid JSON: *", 1},
    {"f.jsonl", GOOD "\n[1]", "f.jsonl:2: the row is not an object like {\"question\": ...}", 1},
    {"f.jsonl", GOOD "\n" GOOD "x", "f.jsonl:2: not valid JSON: end of file expected*", 1},
    {"f.jsonl", GOOD "\n{\"question\":\"q\",", "f.jsonl:2: the row does not end on its line (one object a line, *", 1},
    {"f.jsonl", "{\n\"question\":\"q\",\n\"answer\":\"a\"}",
     "f.jsonl:1: the row does not end on its line (one object a line, *", -1},
    {"f.jsonl", GOOD "\n{\"question\":\"q\\u0000\",\"answer\":\"a\"}",
     "f.jsonl:2: not valid JSON: \\u0000 is not allowed*", 1},
    {"f.jsonl", GOOD "\n{\"question\":\"\xff\",\"answer\":\"a\"}",
     "f.jsonl:2: not valid JSON: unable to decode byte 0xff*", 1},
    {"f.jsonl", GOOD "\n{\"question\":\"\xed\xa0\x80\",\"answer\":\"a\"}",
     "f.jsonl:2: not valid JSON: unable to decode byte 0xed*", 1},
    {"f.jsonl", GOOD "\n{\"question\":\"q\",\"question\":\"p\",\"answer\":\"a\"}",
     "f.jsonl:2: not valid JSON: duplicate object key*", 1},
    {"f.json", "[" GOOD ",\n{\"question\":\n\"q\" \"x\"}]", "f.json:3: not valid JSON: *", 1},
    {"f.json", "[" GOOD ",\n\n{\"question\":\"q\"",
     "f.json:3: the file ends inside the row that starts here; is it cut off?", -1},
    {"f.json", "[" GOOD ",\n\"abc", "f.json:2: the file ends inside the row that starts here; is it cut off?", -1},
    {"f.json", "[" GOOD ",\n", "f.json:2: the file ends inside the row that starts here; is it cut off?", -1},
    {"f.json", "[" GOOD "\n", "f.json:2: the list of rows has no end ']'; is the file cut off?", -1},
    {"f.json", "[" GOOD "\n" GOOD "]", "f.json:2: ',' or ']' is expected after a row of the list", -1},
    {"f.json", "[" GOOD ",\n]", "f.json:2: a row is expected, found ']'", -1},
    {"f.json", "[,]", "f.json:1: a row is expected, found ','", -1},
    {"f.json", "[" GOOD "]\nx", "f.json:2: text after the end of the list of rows", -1},
    {"f.json", "[" GOOD ",\n17]", "f.json:2: the row is not an object like {\"question\": ...}", 1},
    {"f.json", "[]", "f.json: the data set is empty; at least one row is needed", -1},
    {"f.json", "[17]", "f.json:1: the row is not an object*", -1},
    /* CSV */
    {"f.csv", CSV "q,a\nq\n", "f.csv:3: the row has 1 field, 2 are expected; quote fields that hold a comma", 1},
    {"f.csv", CSV "q,a\nq,a,b\n", "f.csv:3: the row has 3 fields, 2 are expected; quote fields that hold a comma", 1},
    {"f.csv", CSV "q,a\nq,\n", "f.csv:3: field \"answer\" is empty", 1},
    {"f.csv", CSV "q,a\n\"q\"x,a\n",
     "f.csv:3: text after the closing quote of a field; a quote inside quotes is doubled", 1},
    {"f.csv", CSV "q,a\n\"q,a\nq,a\n", "f.csv:3: the quote that opens here is never closed; is the file cut off?", -1},
    {"f.csv", CSV "q,a\nq\xff,a\n", "f.csv:3: the row is not valid UTF-8; convert the file to UTF-8", 1},
    {"f.csv", "question,question\nq,a\n", "f.csv:1: the header names column \"question\" twice (columns 1 and 2)", -1},
    {"f.csv", "q\nx\n", "f.csv:2: field \"question\" is missing (have: q); name it with `question_field`", -1},
    {"f.csv", CSV, "f.csv: the data set is empty; at least one row is needed", -1},
    {"f.tsv", "question\tanswer\nq\ta\nq\n",
     "f.tsv:3: the row has 1 field, 2 are expected; quote fields that hold a tab", 1},
    /* files */
    {"f.csv", "", "f.csv: the file is empty; a data file holds one row or more", -1},
    {"f.csv", "\xef\xbb\xbf \r\n\n", "f.csv: the file is empty; a data file holds one row or more", -1},
    {"f.csv", "\xff\xfeq", "f.csv: the file is UTF-16; convert it to UTF-8", -1},
    /* formats */
    {"p.jsonl", "{\"question\":\"q\",\"prop\":\"r\",\"possible_answers\":\"red\",\"subj\":\"s\",\"s_pop\":1}",
     "p.jsonl:1: field \"possible_answers\" is \"red\"; a JSON list of strings is expected", -1},
    {"p.jsonl", "{\"question\":\"q\",\"prop\":\"r\",\"possible_answers\":\"[]\",\"subj\":\"s\",\"s_pop\":1}",
     "p.jsonl:1: field \"possible_answers\" is an empty list", -1},
    {"p.jsonl", "{\"question\":\"q\",\"prop\":\"r\",\"possible_answers\":[\"a\"],\"s_pop\":1}",
     "p.jsonl:1: field \"subj\" is missing (have: question, prop, possible_answers, s_pop)", -1},
    {"p.jsonl", "{\"question\":\"q\",\"prop\":\"r\",\"possible_answers\":[\"a\"],\"subj\":\"s\",\"s_pop\":\"x\"}",
     "p.jsonl:1: field \"s_pop\" is \"x\"; a number is expected", -1},
    {"law_test.csv", MMLU "q,a,b,c,d,4\nq,a,b,c,d,0\n",
     "law_test.csv:2: field \"answer\" is \"4\"; 0, 1, 2 or 3 is expected", 1},
    {"law_test.csv", MMLU "q,a,,c,d,1\nq,a,b,c,d,0\n", "law_test.csv:2: field \"choice1\" is empty", 1},
    {"law.csv", MMLU "q,a,b,c,d,1\n", "law.csv: a file of format mmlu is named SUBJECT_SPLIT.csv", -1},
};

static void test_messages(void **state)
{
    (void)state;
    ken_data_options skip = ken_data_defaults();
    skip.skip_bad = true;
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        const bad_case *c = &bads[i];
        ken_err err = {0};
        ken_data *d = NULL;
        int rc = ken_data_parse(&d, c->name, c->text, strlen(c->text), NULL, &err);
        size_t n = strlen(c->message);
        bool part = c->message[n - 1] == '*';
        if (rc != KEN_EINPUT || (part ? strncmp(err.msg, c->message, n - 1) : strcmp(err.msg, c->message)) != 0)
            fail_msg("case %zu: status %d, \"%s\"\nexpected \"%s\"", i, rc, err.msg, c->message);
        assert_null(d);
        rc = ken_data_parse(&d, c->name, c->text, strlen(c->text), &skip, &err);
        if (c->kept < 0) {
            if (rc != KEN_EINPUT) fail_msg("case %zu: accepted with skip_bad", i);
            continue;
        }
        if (rc != KEN_OK) fail_msg("case %zu with skip_bad: %s", i, err.msg);
        assert_int_equal(ken_data_count(d), c->kept);
        assert_int_equal(ken_data_get_stats(d)->bad, 1);
        ken_data_free(d);
    }
}

/* An id counts bad rows too, so that it does not change when they are corrected. */
static void test_skipped_places(void **state)
{
    (void)state;
    ken_data_options skip = ken_data_defaults();
    skip.skip_bad = true;
    ken_data *d = data_of("f.jsonl", GOOD "\nbad\n{}\n" GOOD "\n", &skip);
    assert_string_equal(ken_data_get(d, 1)->id, "3");
    assert_int_equal(ken_data_get_stats(d)->bad, 2);
    ken_data_free(d);
    refuse("f.jsonl", "{bad\n{}\n", 8, &skip, KEN_EINPUT, "no row is usable; all 2 are malformed and were skipped");
}

static void test_nul(void **state)
{
    (void)state;
    refuse("f.csv", CSV "q\0,a\n", sizeof CSV "q\0,a\n" - 1, NULL, KEN_EINPUT, "f.csv:2: the row holds a NUL byte");
    refuse("f.jsonl", "{\"question\":\"q\0\"}", 17, NULL, KEN_EINPUT, "f.jsonl:1: not valid JSON");
    refuse("f.csv", "\0\0\0\0", 4, NULL, KEN_EINPUT, "NUL byte");
}

/* ---- sizes ----------------------------------------------------------------------------------------------------------------- */

static void repeat(ken_buf *b, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) ken_buf_puts(b, s);
}

static void refuse_buf(const char *name, ken_buf *b, const char *part)
{
    assert_false(b->failed);
    refuse(name, ken_buf_str(b), b->len, NULL, KEN_EINPUT, part);
    ken_buf_free(b);
}

static void test_limits(void **state)
{
    (void)state;
    ken_buf b = {0};
    repeat(&b, "[", 100000); /* the row function must not recurse */
    refuse_buf("f.json", &b, "the file ends inside the row");
    repeat(&b, "[", 1000);
    repeat(&b, "]", 1000);
    refuse_buf("f.json", &b, "nested 999 deep; at most 64 are read");
    ken_buf_puts(&b, "{\"question\":");
    repeat(&b, "{\"a\":", 5000);
    repeat(&b, "}", 5001);
    refuse_buf("f.jsonl", &b, "nested 5001 deep; at most 64 are read");
    ken_buf_puts(&b, "question,answer\nq,\"");
    repeat(&b, "[", 100000); /* a cell that looks like a JSON list */
    ken_buf_puts(&b, "\"\n");
    ken_data *d = data_of("f.csv", ken_buf_str(&b), NULL);
    assert_int_equal(ken_data_get(d, 0)->n_answers, 1); /* it is only text */
    ken_data_free(d);
    ken_buf_free(&b);
    ken_buf_puts(&b, "{\"question\":\"");
    repeat(&b, "0123456789abcdef", (1 << 20) + 1);
    ken_buf_puts(&b, "\",\"answer\":\"a\"}");
    refuse_buf("f.jsonl", &b, "f.jsonl:1: the row has 16777260 bytes; at most 16777216 are read");
    ken_buf_puts(&b, "question,answer\n\"");
    repeat(&b, "0123456789abcdef", (1 << 20) + 1);
    ken_buf_puts(&b, "\",a");
    refuse_buf("f.csv", &b, "f.csv:2: the row that starts here has more than 16777216 bytes; is a quote left open?");
    repeat(&b, ",", 5000);
    refuse_buf("f.csv", &b, "more than 4096 columns");
    ken_buf_puts(&b, "{\"question\":\"q\",\"answers\":[\"a\"");
    repeat(&b, ",\"a\"", 65536);
    ken_buf_puts(&b, "]}");
    refuse_buf("f.jsonl", &b, "field \"answers\" lists 65537 strings; at most 65536 are read");
    for (int i = 0; i < 40; i++) /* forty rows of one question: every one would hold the answers of all */
        ken_buf_printf(&b, "{\"question\":\"q\",\"prop\":\"r\",\"subj\":\"s\",\"s_pop\":1,\"possible_answers\":[\"0\","
                           "\"1\",\"2\",\"3\",\"4\",\"5\","
                           "\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\",\"18\","
                           "\"19\",\"20\",\"21\",\"22\",\"23\","
                           "\"24\",\"25\"]}\n");
    refuse_buf("p.jsonl", &b, "have more than 1024 answers together");
}

/* Field names and text of the data do not reach the terminal as control codes, nor flood it. */
static void test_printable(void **state)
{
    (void)state;
    ken_buf b = {0};
    ken_err err = {0};
    ken_data *d;
    ken_buf_puts(&b, "{");
    for (int i = 0; i < 30; i++)
        ken_buf_printf(&b, "\"\\u001b[31m%d and a rather long name of a field that goes on\":1,", i);
    ken_buf_puts(&b, "\"x\":1}");
    assert_int_equal(ken_data_parse(&d, "f.jsonl", ken_buf_str(&b), b.len, NULL, &err), KEN_EINPUT);
    ken_buf_free(&b);
    assert_null(strchr(err.msg, 27));
    assert_non_null(strstr(err.msg, "(have: ?[31m0 and a rather long name of a f..., "));
    assert_non_null(strstr(err.msg, ", ...); name it with `question_field`"));
    char out[8];
    assert_string_equal(ken_printable(out, sizeof out, "a\xff\x1b", 3), "a??");
    assert_string_equal(ken_printable(out, sizeof out, "abcdefghij", 10), "abcd...");
    assert_string_equal(ken_printable(out, sizeof out, "", 0), "");
}

/* ---- every length, flipped bytes ---------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *text;
} small[] = {
    {"f.jsonl", GOOD "\n{\"id\":3,\"relation\":\"r\",\"question\":\"q \xc3\xa9 "
                     "\\u00e9\",\"answers\":[\"a\",\"b\"],\"popularity\":1e3}\n"},
    {"P36.test.json", "[\n  {\"question\": \"What is {the]?\", \"answers\": [\"\\\"x\\\\\", \"y\"]},\n  {\"question\": "
                      "\"q\", \"answers\": [\"a\"]}\n]\n"},
    {"f.csv", "\xef\xbb\xbfquestion,answer,popularity\r\n\"q \"\"1\"\"\r\n\",\"[\"\"a\"\"]\",3\r\nq2,b,\r\n"},
    {"f.tsv", "question\tanswer\nq\t\"a\tb\"\nq2\tc\n"},
    {"p.jsonl",
     "{\"question\":\"q\",\"prop\":\"r\",\"subj\":\"s\",\"obj\":null,\"s_pop\":5,\"possible_answers\":[\"a\"]}\n"
     "{\"question\":\"q\",\"prop\":\"r\",\"subj\":\"s\",\"obj\":\"b\",\"s_pop\":5,\"possible_answers\":\"[\\\"a\\\"]\"}"
     "\n"},
    {"p.tsv", "question\tprop\tsubj\tobj\ts_pop\tpossible_answers\nq\tr\ts\to\t1\t\"[\"\"a\"\"]\"\n"},
    {"law_test.csv", MMLU "\"q\n1\",w,x,y,z,3\n"},
    {"c.csv", ",question,subject,choices,answer,,\r0,q1,law,\"[\"\"1\"\",\"\"0\"\"]\",0,,\r1,q2,law,\"[\"\"x\"\","
              "\"\"y\"\"]\",1,,\r"},
    {"c.jsonl", "{\"question\":\"q1\",\"choices\":{\"text\":[\"x\",\" "
                "y\xc2\xad\"],\"label\":[\"A\",\"B\"]},\"answerKey\":\"B\"}\n"},
    {"q.tsv", "question\tanswer\n\"q\" 1\t a\xe2\x80\x8e\np \"2\tb\n"},
    {"chat.jsonl", "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":[{\"text\":"
                   "\"q\"}]},{\"role\":"
                   "\"assistant\",\"content\":\"a</s>\"}]}\n"},
    {"segments.jsonl", "{\"segments\":[{\"label\":false,\"text\":\"<s>q\"},{\"label\":true,\"text\":\"a\"}]}"},
    {"squad.json",
     "{\"data\":[{\"paragraphs\":[{\"qas\":[{\"question\":\"q\",\"answers\":[{\"text\":\"a\"}]},{\"question\":\"r\","
     "\"is_impossible\":true,\"answers\":[]}]}]}]}"},
    {"squad.csv", "question,answers\nq,\"{'text': array(['a' \"\"b\"\"], dtype=object), 'answer_start': [1, 2]}\"\n"},
    {"trivia.jsonl", "{\"question\":\"q\",\"answer\":{\"value\":\"v\",\"aliases\":[\"v\",\"w\"]}}"},
    {"truthful.csv", "Question,Best Answer,Correct Answers\nq,a,b; c\n"},
    {"lama.jsonl",
     "{\"sub_label\":\"s\",\"obj_labels\":[\"a\",[\"b\"]],\"rel_id\":\"P1\",\"template\":\"[X] is [Y].\"}"},
    {"columns.json", "{\"question\":[\"q\",\"r\"],\"answer\":[\"a|b\",\"c\"],\"aliases\":[null,[\"d\"]]}"},
    {"pandas.json", "{\"question\":{\"0\":\"q\"},\"answer\":{\"0\":1.5}}"},
    {"split.json", "{\"columns\":[\"question\",\"answer\"],\"data\":[[\"q\",\"a; b\"]]}"},
    {"lists.csv", "question;answer\nq;['a', \"b'\"]\nr;c|d\n"},
};
enum { N_SMALL = sizeof small / sizeof *small };

/* Exactly n bytes on the heap, so that a sanitizer sees a read past the end. */
static void play(const char *name, const char *text, size_t n)
{
    char *copy = malloc(n + (n == 0));
    assert_non_null(copy);
    memcpy(copy, text, n);
    for (int skip = 0; skip < 2; skip++) {
        ken_data_options o = ken_data_defaults();
        o.skip_bad = skip != 0;
        ken_err err = {0};
        ken_data *d = NULL;
        int rc = ken_data_parse(&d, name, copy, n, &o, &err);
        if (rc == KEN_OK) assert_true(ken_data_count(d) > 0);
        else {
            assert_int_equal(rc, KEN_EINPUT);
            if (strncmp(err.msg, name, strlen(name)) != 0) fail_msg("\"%s\" does not begin with the file", err.msg);
            assert_null(d);
        }
        ken_data_free(d);
    }
    free(copy);
}

static void test_every_length(void **state)
{
    (void)state;
    for (int i = 0; i < N_SMALL; i++)
        for (size_t n = 0; n <= strlen(small[i].text); n++) play(small[i].name, small[i].text, n);
}

static void test_flipped_bytes(void **state)
{
    (void)state;
    static const char with[] = {0, '"', '\n', '{', '}', ']', ',', '\\', '\t', (char)0xff, (char)0xc3};
    for (int i = 0; i < N_SMALL; i++) {
        char text[512];
        size_t n = strlen(small[i].text);
        assert_true(n < sizeof text);
        for (size_t at = 0; at < n; at++)
            for (size_t k = 0; k < sizeof with + 8; k++) {
                memcpy(text, small[i].text, n);
                text[at] = (char)(k < sizeof with ? with[k] : text[at] ^ (1 << (k - sizeof with)));
                play(small[i].name, text, n);
            }
    }
}

/* ---- memory --------------------------------------------------------------------------------------------------------------- */

static void *json_alloc(size_t n) { return ken_alloc(n, 1); }

/* jansson too asks ken_alloc here. It reports some failures as broken JSON, which is a clean end as well. */
static void test_allocation(void **state)
{
    (void)state;
    json_malloc_t old_malloc;
    json_free_t old_free;
    json_get_alloc_funcs(&old_malloc, &old_free);
    json_set_alloc_funcs(json_alloc, ken_free);
    for (int i = 0; i < N_SMALL; i++) {
        long n = 1;
        for (;; n++) {
            ken_err err = {0};
            ken_data *d = NULL;
            ken_alloc_fail_after(n);
            int rc = ken_data_parse(&d, small[i].name, small[i].text, strlen(small[i].text), NULL, &err);
            ken_alloc_fail_after(0);
            ken_data_free(d);
            if (rc == KEN_OK) break;
            if (rc != KEN_ENOMEM && (rc != KEN_EINPUT || strstr(err.msg, "JSON") == NULL))
                fail_msg("%s, allocation %ld: status %d, \"%s\"", small[i].name, n, rc, err.msg);
        }
        assert_true(n > 10);
    }
    json_set_alloc_funcs(old_malloc, old_free);
}

static void test_allocation_folder(void **state)
{
    (void)state;
    const char *dir = temp_folder();
    put_file(dir, "dataset/test/r.test.json", "[" GOOD "," GOOD "]");
    put_file(dir, "dataset/dev/r.dev.json", "[" GOOD "]");
    put_file(dir, "templates.json", "{\"r\": \"[X]\"}");
    put_file(dir, "aliases.json", "{\"a\": [\"b\"]}");
    char aliases[8192];
    snprintf(aliases, sizeof aliases, "%s/aliases.json", dir);
    ken_data_options o = ken_data_defaults();
    o.aliases = aliases;
    long n = 1;
    for (;; n++) {
        ken_err err = {0};
        ken_data *d = NULL;
        ken_alloc_fail_after(n);
        int rc = ken_data_open(&d, dir, &o, &err);
        ken_alloc_fail_after(0);
        ken_data_free(d);
        if (rc == KEN_OK) break;
        if (rc != KEN_ENOMEM && (rc != KEN_EINPUT || strstr(err.msg, "JSON") == NULL))
            fail_msg("allocation %ld: status %d, \"%s\"", n, rc, err.msg);
    }
    assert_true(n > 20);
    remove_tree(dir);
}

static void test_not_files(void **state)
{
    (void)state;
    const char *dir = temp_folder();
    char path[8192];
    refuse_path("/no/such/place.jsonl", NULL, KEN_EINPUT, "/no/such/place.jsonl: No such file or directory");
    refuse_path("", NULL, KEN_EINPUT, "No such file or directory");
    snprintf(path, sizeof path, "%s/pipe", dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    refuse_path(path, NULL, KEN_EINPUT, "pipe: not a regular file"); /* and does not wait for somebody to write */
    remove_tree(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_skipped_places),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_printable),
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_flipped_bytes),
        cmocka_unit_test(test_allocation),
        cmocka_unit_test(test_allocation_folder),
        cmocka_unit_test(test_not_files),
    };
    return cmocka_run_group_tests_name("data hostile", tests, NULL, NULL);
}
