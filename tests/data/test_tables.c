/* test_tables.c - tables as spreadsheets and scripts leave them: columns without a name, line ends of old Macs, quotes that enclose nothing, padded
 * answers, and multiple choice whose answers are letters, indices or texts. */
#include "util.h"
#include "base/alloc.h"
#include "base/buf.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* question=answer,answer;line and the next row behind a bar; of multiple choice the place of the right option too. */
static char *dump(const ken_data *d)
{
    ken_buf b = {0};
    for (size_t i = 0; i < ken_data_count(d); i++) {
        const ken_example *e = ken_data_get(d, i);
        ken_buf_printf(&b, "%s%s=", i > 0 ? "|" : "", e->question);
        for (int j = 0; j < e->n_answers; j++) ken_buf_printf(&b, "%s%s", j > 0 ? "," : "", e->answers[j]);
        if (e->n_choices > 0) ken_buf_printf(&b, "(%d)", e->choice);
        ken_buf_printf(&b, ";%d", e->line);
    }
    return ken_buf_take(&b);
}

typedef struct table_case {
    const char *what, *name, *text;
    const char *rows;    /* NULL = refused */
    const char *message; /* part of the refusal, or of the first note; NULL = there is no note */
} table_case;

static void check(const table_case *c, size_t n)
{
    for (; n > 0; c++, n--) {
        if (c->rows == NULL) {
            refuse(c->name, c->text, strlen(c->text), NULL, KEN_EINPUT, c->message);
            continue;
        }
        ken_data *d = data_of(c->name, c->text, NULL);
        char *got = dump(d);
        const char *note = ken_data_note(d, 0);
        if (strcmp(got, c->rows) != 0) fail_msg("%s:\n%s\nexpected\n%s", c->what, got, c->rows);
        if ((note == NULL) != (c->message == NULL) || (note != NULL && strstr(note, c->message) == NULL))
            fail_msg("%s: note \"%s\", expected \"%s\"", c->what, note != NULL ? note : "", c->message);
        ken_free(got);
        ken_data_free(d);
    }
}
#define CHECK(cases) check(cases, sizeof(cases) / sizeof *(cases))

/* ---- columns -------------------------------------------------------------------------------------------------------- */

static void test_columns(void **state)
{
    (void)state;
    static const table_case cases[] = {
        {"Excel's trailing columns", "f.csv", "question,answer,,\r\nq1,a,,\r\nq2,b,,\r\n", "q1=a;2|q2=b;3", NULL},
        {"and rows that lack them", "f.csv", "question,answer,,\nq1,a\nq2,b,\n", "q1=a;2|q2=b;3", NULL},
        {"rows of commas, in front and between", "f.csv", ",,\nquestion,answer,\n,,\nq1,a,\n , ,\nq2,b,\n,,\n",
         "q1=a;4|q2=b;6", NULL},
        {"in a TSV", "f.tsv", "question\tanswer\t\t\nq1\ta\t\t\n", "q1=a;2", NULL},
        {"the numbers that pandas puts in front", "f.csv", ",question,answer\n0,q1,a\n1,q2,b\n", "q1=a;2|q2=b;3", NULL},
        {"a comma without quotes moves the answer", "f.csv", "question,answer,\nq, then?,a\n", NULL,
         "f.csv:2: the row has something behind its last column (the header names 2); quote fields that hold a comma"},
        {"more than the header has", "f.csv", "question,answer,\nq,a,,\n", NULL,
         "f.csv:2: the row has 4 fields, 2 are expected"},
        {"a missing column with a name", "f.csv", "question,answer,subject\nq,a\n", NULL,
         "f.csv:2: the row has 2 fields, 3 are expected"},
        {"names that look alike", "f.csv", "question,\xe2\x80\x8b answer\xc2\xa0,answer\nq,a,b\n", NULL,
         "the header names column \"answer\" twice (columns 2 and 3)"},
        {"a second byte-order mark", "f.csv", "\xef\xbb\xbf\xef\xbb\xbfquestion,answer\nq,a\n", "q=a;2", NULL},
    };
    CHECK(cases);
}

static void test_line_ends(void **state)
{
    (void)state;
    static const table_case cases[] = {
        {"CR alone", "f.csv", "question,answer\rq1,a\rq2,b\r", "q1=a;2|q2=b;3", NULL},
        {"in a TSV", "f.tsv", "question\tanswer\rq1\ta\rq2\tb, c", "q1=a;2|q2=b, c;3", NULL},
        {"inside quotes it is text, and counts as a line", "f.csv", "question,answer\r\"q\r1\",a\rq2,b\r",
         "q\r1=a;2|q2=b;4", NULL},
        {"all three", "f.csv", "question,answer\r\nq1,a\rq2,b\n\rq3,c\n", "q1=a;2|q2=b;3|q3=c;5", NULL},
        {"JSON lines", "f.jsonl", "{\"question\":\"q1\",\"answer\":\"a\"}\r{\"question\":\"q2\",\"answer\":\"b\"}\r",
         "q1=a;1|q2=b;2", NULL},
        {"the line of a fault", "f.csv", "question,answer\rq1,a\rq2\r", NULL, "f.csv:3: the row has 1 field"},
    };
    CHECK(cases);
}

/* ---- quotes --------------------------------------------------------------------------------------------------------- */

#define HEAD  "question\tanswer\n"
#define CHEAD "question,answer\n"
#define TEXT  "f.tsv: quotes are read as characters like others"

static void test_quotes(void **state)
{
    (void)state;
    static const table_case cases[] = {
        {"an open quote, and one that closes two lines on", "f.tsv",
         HEAD "\"Emma was written by whom?\tJane\nWho wrote Ulysses?\tJames\nWho said hello\"\tNobody\n",
         "\"Emma was written by whom?=Jane;2|Who wrote Ulysses?=James;3|Who said hello\"=Nobody;4", TEXT},
        {"text behind the quoted word", "f.tsv", HEAD "\"Emma\" is by whom?\tJane\nq\ta\n",
         "\"Emma\" is by whom?=Jane;2|q=a;3", TEXT},
        {"one that never closes", "f.tsv", HEAD "q\t\"a\np\tb\n", "q=\"a;2|p=b;3", TEXT},
        {"quoting with tabs, line ends and doubled quotes stays", "f.tsv",
         HEAD "\"q\t1\"\ta\n\"q \"\"2\"\"\"\t\"b\nc\"\n", "q\t1=a;2|q \"2\"=b\nc;3", NULL},
        {"quoted cells are cells", "f.tsv", HEAD "\"q 1\"\t\"a\"\n\"\"\"q\"\"\"\tb\n", "q 1=a;2|\"q\"=b;3", NULL},
        {"both: rows are not glued", "f.tsv", HEAD "\"a \"\"b\"\"\"\tx\n\"open\tJane\nlast\"\tNobody\n", NULL,
         "f.tsv:3: a quote opens here and closes on line 4, and each line between them has the 2 fields of a row"},
        {"nor in a CSV", "f.csv", CHEAD "q,a\n\"Emma by whom?,Jane\nUlysses?,James\nhello\",Nobody\n", NULL,
         "f.csv:3: a quote opens here and closes on line 5"},
        {"verse in a CSV", "f.csv", CHEAD "\"Roses are red, love\nand so on\",Poem\n",
         "Roses are red, love\nand so on=Poem;2", NULL},
        {"a comma at the line's end, and quotes written twice", "f.csv",
         CHEAD "\"First line,\r\nsecond line?\",\"a \"\"quoted\"\" answer\"\r\nPlain?,yes\r\n",
         "First line,\r\nsecond line?=a \"quoted\" answer;2|Plain?=yes;4", NULL},
        {"thousands in a CSV", "f.csv", CHEAD "\"In 1,000 who\nruled?\",X\n", "In 1,000 who\nruled?=X;2", NULL},
        {"PopQA as published", "p.tsv",
         "id\tsubj\tprop\tobj\ts_pop\tquestion\tpossible_answers\n"
         "1\t\"Old \"\"Quoted\"\" Town\"\tcapital\tX\t5\t\"What of Old \"\"Quoted\"\" Town?\"\t\"[\"\"X\"\", "
         "\"\"Y\"\"]\"\n",
         "What of Old \"Quoted\" Town?=X,Y;2", NULL},
    };
    CHECK(cases);
    ken_data_options skip = ken_data_defaults();
    skip.skip_bad = true; /* three rows are not one bad one */
    refuse("f.csv", cases[6].text, strlen(cases[6].text), &skip, KEN_EINPUT, "a quote opens here");
}

/* ---- padding -------------------------------------------------------------------------------------------------------- */

static void test_padding(void **state)
{
    (void)state;
    ken_data *d = data_of(
        "f.jsonl",
        "{\"question\":\"q0\",\"answer\":\" Paris\\t\"}\n"
        "{\"question\":\"q1\",\"answers\":[\"\\u200eOslo\\u200f\",\"Osl\\u00ado\\ufeff\"]}\n"
        "{\"question\":\"q2\",\"answer\":\"Rome\",\"subject\":\"\\u00a0Italy \",\"relation\":\" capital\"}\n"
        "{\"question\":\"q3\",\"answer\":\"Lima\",\"relation\":\"capital\",\"split\":\"test \"}\n"
        "{\"question\":\"q4\",\"answer\":\"\\u0645\\u06cc\\u200c\\u062e\"}\n", /* a joiner inside a word is spelling */
        NULL);
    assert_int_equal(ken_data_get_stats(d)->cleaned, 3);
    assert_string_equal(ken_data_get(d, 0)->answers[0], "Paris");
    assert_string_equal(ken_data_get(d, 1)->answers[0], "Oslo");
    assert_string_equal(ken_data_get(d, 1)->answers[1], "Oslo");
    assert_string_equal(ken_data_get(d, 2)->answers[0], "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae");
    assert_string_equal(row_of(d, "capital/2")->subject, "Italy");
    assert_string_equal(row_of(d, "capital/test/3")->split, "test");
    ken_data_free(d);
    static const char nothing[] = "{\"question\":\"q\",\"answer\":\"\xe2\x80\x8b\xc2\xad\"}";
    refuse("f.jsonl", nothing, sizeof nothing - 1, NULL, KEN_EINPUT, "f.jsonl:1: field \"answer\" is empty");
    /* published sets stay as they are */
    d = data_of("law_test.csv", "question,choice0,choice1,choice2,choice3,answer\nq,$1 ,b,c,d,0\n", NULL);
    assert_string_equal(ken_data_get(d, 0)->answers[0], "$1 ");
    assert_int_equal(ken_data_get_stats(d)->cleaned, 0);
    ken_data_free(d);
}

/* ---- multiple choice ------------------------------------------------------------------------------------------------ */

#define ROW(q, choices, answer) "{\"question\":\"" q "\",\"choices\":" choices ",\"answer\":" answer "}\n"
#define ABCD                    "[\"sky\",\"rose\",\"grass\",\"coal\"]"

static void test_choices(void **state)
{
    (void)state;
    static const table_case cases[] = {
        {"indices from 0, some of which are options", "f.csv",
         "question,choices,answer\nq1,\"[\"\"2\"\",\"\"3\"\",\"\"6\"\",\"\"9\"\"]\",0\n"
         "q2,\"[\"\"0\"\",\"\"1\"\",\"\"2\"\",\"\"5\"\"]\",2\nq3,\"[\"\"64\"\",\"\"16\"\",\"\"4\"\",\"\"2\"\"]\",2\n"
         "q4,\"[\"\"1\"\",\"\"3\"\",\"\"0\"\",\"\"2\"\"]\",3\n",
         "q1=2(0);2|q2=2(2);3|q3=4(2);4|q4=2(3);5", NULL},
        {"letters, some of which are options", "f.jsonl",
         ROW("q1", "[\"A\",\"B\"]", "\"B\"") ROW("q2", "[\"B\",\"A\"]", "\"B\"") ROW("q3", ABCD, "\"C\""),
         "q1=B(1);1|q2=A(1);2|q3=grass(2);3", NULL},
        {"small letters", "f.jsonl", ROW("q1", ABCD, "\"a\"") ROW("q2", ABCD, "\"d\""), "q1=sky(0);1|q2=coal(3);2",
         NULL},
        {"texts, some of which are letters", "f.jsonl",
         ROW("q1", "[\"B\",\"A\"]", "\"B\"") ROW("q2", ABCD, "\" rose\""), "q1=B(0);1|q2=rose(1);2", NULL},
        {"texts, some of which are indices", "f.jsonl",
         ROW("q1", "[\"3\",\"1\",\"2\"]", "\"2\"") ROW("q2", "[\"10\",\"11\"]", "\"11\""), "q1=2(2);1|q2=11(1);2",
         NULL},
        {"indices from 1", "f.jsonl", ROW("q1", ABCD, "4") ROW("q2", ABCD, "1"), "q1=coal(3);1|q2=sky(0);2",
         "its answers count the choices from 1"},
        {"as pandas writes numbers of a column with gaps", "f.csv",
         "question,choices,answer\nq1,\"[\"\"x\"\",\"\"y\"\"]\",0.0\nq2,\"[\"\"x\"\",\"\"y\"\"]\",1.0\n",
         "q1=x(0);2|q2=y(1);3", NULL},
        {"strings and numbers are two columns", "f.jsonl", ROW("q1", ABCD, "\"rose\"") ROW("q2", ABCD, "0"),
         "q1=rose(1);1|q2=sky(0);2", NULL},
        {"letters and texts, each row clear", "f.jsonl", ROW("q1", ABCD, "\"rose\"") ROW("q2", ABCD, "\"A\""),
         "q1=rose(1);1|q2=sky(0);2", "now in one way, now in another"},
        {"letters and texts, one row not clear", "f.jsonl",
         ROW("q1", ABCD, "\"rose\"") ROW("q2", ABCD, "\"A\"") ROW("q3", "[\"B\",\"A\"]", "\"A\""), NULL,
         "f.jsonl:3: field \"answer\" is \"A\", which may be the text of choice \"A\" or the letter of choice \"B\", "
         "and the "
         "other rows do not say which; write letters (A, B, ...) in all rows"},
        {"from 0 or from 1", "f.jsonl", ROW("q1", ABCD, "1") ROW("q2", ABCD, "2"), NULL,
         "f.jsonl:1: field \"answer\" is \"1\", which may be the index from 0 of choice \"rose\" or the index from 1 "
         "of choice "
         "\"sky\""},
        {"all texts and all indices", "f.jsonl", ROW("q1", "[\"1\",\"0\"]", "\"0\"") ROW("q2", ABCD, "\"0\""),
         "q1=1(0);1|q2=sky(0);2", NULL}, /* q2 has no option 0 */
        {"one reading for all rows is not in sight", "f.jsonl", ROW("q1", "[\"1\",\"0\"]", "\"0\""), NULL,
         "which may be the text of choice \"0\" or the index from 0 of choice \"1\""},
        {"a wrong row does not change the others", "f.jsonl",
         ROW("q1", "[\"2\",\"3\",\"0\"]", "\"0\"") ROW("q2", ABCD, "\"3\"") ROW("q3", ABCD, "\"9\""), NULL,
         "f.jsonl:3: field \"answer\" is \"9\"; the index from 0 of one of the choices, as in other rows, is expected"},
        {"ARC", "f.jsonl",
         "{\"question\":\"q1\",\"choices\":{\"text\":[\"sky\",\"rose\"],\"label\":[\"A\",\"B\"]},\"answerKey\":\"B\"}\n"
         "{\"question\":\"q2\",\"choices\":{\"text\":[\"2\",\"1\"],\"label\":[\"1\",\"2\"]},\"answerKey\":\"1\"}\n",
         "q1=rose(1);1|q2=2(0);2", NULL},
        {"ARC, another label", "f.jsonl",
         "{\"question\":\"q1\",\"choices\":{\"text\":[\"sky\",\"rose\"],\"label\":[\"A\",\"B\"]},\"answerKey\":\"C\"}"
         "\n",
         NULL, "field \"answerKey\" is \"C\"; one of the labels of the choices is expected"},
        {"ARC, a label short", "f.jsonl",
         "{\"question\":\"q1\",\"choices\":{\"text\":[\"sky\",\"rose\"],\"label\":[\"A\"]},\"answerKey\":\"A\"}\n",
         NULL, "field \"choices\" has 2 texts and 1 labels"},
        {"two options with one text", "f.jsonl", ROW("q1", "[\"sky\",\"rose\",\"sky\"]", "\"C\""), "q1=sky(2);1", NULL},
    };
    CHECK(cases);
    ken_data_options skip = ken_data_defaults();
    skip.skip_bad = true;
    ken_data *d = data_of(
        "f.jsonl", ROW("q1", "[\"2\",\"3\",\"0\"]", "\"0\"") ROW("q2", ABCD, "\"3\"") ROW("q3", ABCD, "\"9\""), &skip);
    assert_int_equal(ken_data_count(d), 2);
    assert_int_equal(ken_data_get(d, 0)->choice, 0);
    assert_int_equal(ken_data_get_stats(d)->bad, 1);
    ken_data_free(d);
}

/* The Hub's MMLU has its relation in `subject`; a fact's subject stands in the question. */
static void test_subject(void **state)
{
    (void)state;
    static const char hub[] = "{\"question\":\"q1\",\"subject\":\"law\",\"choices\":" ABCD ",\"answer\":0}\n"
                              "{\"question\":\"q2\",\"subject\":\"anatomy\",\"choices\":" ABCD ",\"answer\":3}\n";
    static const char facts[] = "{\"question\":\"What colour has a "
                                "rose?\",\"subject\":\"rose\",\"choices\":[\"red\",\"blue\"],\"answer\":\"A\"}\n"
                                "{\"question\":\"What colour has "
                                "coal?\",\"subject\":\"coal\",\"choices\":[\"red\",\"black\"],\"answer\":\"B\"}\n";
    ken_data *d = data_of("f.jsonl", hub, NULL);
    assert_string_equal(ken_data_get(d, 0)->relation, "anatomy");
    assert_null(ken_data_get(d, 0)->subject);
    assert_string_equal(ken_data_get(d, 1)->relation, "law");
    assert_non_null(strstr(ken_data_note(d, 0), "f.jsonl: its field \"subject\" is read as the relation"));
    ken_data_free(d);
    ken_data_options o = ken_data_defaults();
    o.subject_field = "subject";
    d = data_of("f.jsonl", hub, &o);
    assert_string_equal(ken_data_get(d, 0)->relation, "");
    assert_string_equal(ken_data_get(d, 0)->subject, "law");
    assert_null(ken_data_note(d, 0));
    ken_data_free(d);
    d = data_of("f.jsonl", facts, NULL);
    assert_string_equal(ken_data_get(d, 0)->subject, "rose");
    assert_null(ken_data_note(d, 0));
    ken_data_free(d);
}

/* ---- MMLU in other clothes ------------------------------------------------------------------------------------------ */

enum { INDEX_0, INDEX_1, LETTER, N_FORMS };

static void put_cell(ken_buf *b, const char *s)
{
    ken_buf_putc(b, '"');
    for (; *s != '\0'; s++) {
        if (*s == '"') ken_buf_putc(b, '"');
        ken_buf_putc(b, *s);
    }
    ken_buf_putc(b, '"');
}

/* All of it, as one CSV with the options as a JSON list. */
static void put_table(ken_buf *b, const ken_data *d, int form)
{
    ken_buf_puts(b, "id,question,subject,choices,answer\n");
    for (size_t i = 0; i < ken_data_count(d); i++) {
        const ken_example *e = ken_data_get(d, i);
        json_t *list = json_array();
        for (int j = 0; j < e->n_choices; j++) json_array_append_new(list, json_string(e->choices[j]));
        char *text = json_dumps(list, JSON_COMPACT);
        ken_buf_printf(b, "%s,", e->id);
        put_cell(b, e->question);
        ken_buf_printf(b, ",%s,", e->relation);
        put_cell(b, text);
        if (form == LETTER) ken_buf_printf(b, ",%c\n", 'A' + e->choice);
        else ken_buf_printf(b, ",%d\n", e->choice + (form == INDEX_1));
        free(text);
        json_decref(list);
    }
}

static void test_mmlu(void **state)
{
    (void)state;
    ken_data *d = data_at(test_data("mmlu"), NULL);
    assert_in_range(ken_data_count(d), 14000, 16000);
    for (int form = 0; form < N_FORMS; form++) {
        ken_buf b = {0};
        put_table(&b, d, form);
        assert_false(b.failed);
        ken_data *t = data_of("mmlu.csv", ken_buf_str(&b), NULL);
        assert_int_equal(ken_data_count(t), ken_data_count(d));
        ken_strmap *at = ken_strmap_new(ken_data_count(t));
        for (size_t i = 0; i < ken_data_count(t); i++)
            assert_true(ken_strmap_add(at, ken_data_get(t, i)->id, strlen(ken_data_get(t, i)->id), (int32_t)i) > 0);
        for (size_t i = 0; i < ken_data_count(d); i++) {
            const ken_example *e = ken_data_get(d, i);
            const ken_example *x = ken_data_get(t, (size_t)ken_strmap_get(at, e->id, strlen(e->id), INT32_MAX));
            assert_non_null(x);
            if (x->choice != e->choice || strcmp(x->relation, e->relation) != 0)
                fail_msg("%s in form %d: option %d of %s, expected %d", e->id, form, x->choice, x->relation, e->choice);
        }
        ken_strmap_free(at);
        ken_data_free(t);
        ken_buf_free(&b);
    }
    ken_data_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns), cmocka_unit_test(test_line_ends), cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_padding), cmocka_unit_test(test_choices),   cmocka_unit_test(test_subject),
        cmocka_unit_test(test_mmlu),
    };
    return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
