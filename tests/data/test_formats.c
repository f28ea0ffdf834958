/* test_formats.c - each format in small: what is read, in which order, with which ids, lines and flags; and how it is found. */
#include "util.h"
#include "base/alloc.h"
#include "base/buf.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* One line a row: id|relation|split|question|subject|answers|popularity|choice|line, as the tables below expect it. */
static char *dump(const ken_data *d)
{
    ken_buf b = {0};
    for (size_t i = 0; i < ken_data_count(d); i++) {
        const ken_example *e = ken_data_get(d, i);
        ken_buf_printf(&b, "%s|%s|%s|%s|%s|", e->id, e->relation, e->split, e->question,
                       e->subject != NULL ? e->subject : "-");
        for (int j = 0; j < e->n_answers; j++) ken_buf_printf(&b, "%s%s", j > 0 ? "," : "", e->answers[j]);
        ken_buf_puts(&b, "|");
        if (isnan(e->popularity)) ken_buf_puts(&b, "-");
        else ken_buf_printf(&b, "%g", e->popularity);
        ken_buf_printf(&b, "|%d|%d\n", e->choice, e->line);
    }
    return ken_buf_take(&b);
}

typedef struct read_case {
    const char *what, *name, *text, *format, *rows;
} read_case;

#define HEAD "question,answer\n"

static const read_case reads[] = {
    {"JSON lines", "f.jsonl",
     "{\"question\":\"q1\",\"answer\":\"a\"}\n\n{\"question\":\"q2\",\"answers\":[\"b\",\"c\"]}", "jsonl",
     "0|||q1|-|a|-|-1|1\n1|||q2|-|b,c|-|-1|3\n"},
    {"a list over lines", "f.json",
     "\n[\n {\"question\":\n\"q1\",\"answer\":\"a\"} ,\n {\"answer\":\"b\",\"question\":\"q2\"}\n]\n", "jsonl",
     "0|||q1|-|a|-|-1|3\n1|||q2|-|b|-|-1|5\n"},
    {"escapes, brackets in strings", "f.json", "[{\"question\":\"a ]} \\\" \\u00e9\\n?\",\"answer\":\"[x\"}]", "jsonl",
     "0|||a ]} \" \xc3\xa9\n?|-|[x|-|-1|1\n"},
    {"all fields", "f.jsonl",
     "{\"id\":\"x\",\"relation\":\"r\",\"split\":\"test\",\"subject\":\"s\",\"question\":\"q\",\"answer\":\"a\","
     "\"popularity\":12.5}",
     "jsonl", "x|r|test|q|s|a|12.5|-1|1\n"},
    {"an id may be a number", "f.jsonl", "{\"id\":7,\"question\":\"q\",\"answer\":\"a\"}", "jsonl",
     "7|||q|-|a|-|-1|1\n"},
    {"null is absent", "f.jsonl",
     "{\"id\":null,\"relation\":null,\"popularity\":null,\"subject\":\"\",\"question\":\"q\",\"answer\":\"a\"}",
     "jsonl", "0|||q|-|a|-|-1|1\n"},
    {"data order: natural relations, then splits, then place", "f.csv",
     "relation,split,question,answer\nP131,test,q0,a\nP17,test,q1,a\nP17,validation,q2,a\nP17,train,q3,a\nP17,extra,q4,"
     "a\n"
     "P131,test,q5,a\nP9,,q6,a\n",
     "csv",
     "P9/6|P9||q6|-|a|-|-1|8\nP17/train/3|P17|train|q3|-|a|-|-1|5\nP17/dev/2|P17|dev|q2|-|a|-|-1|4\nP17/test/"
     "1|P17|test|q1|-|a|-|-1|3\n"
     "P17/extra/4|P17|extra|q4|-|a|-|-1|6\nP131/test/0|P131|test|q0|-|a|-|-1|2\nP131/test/5|P131|test|q5|-|a|-|-1|7\n"},
    {"CRLF, quotes, doubled quotes, line ends and delimiters in quotes", "f.csv",
     "question,answer\r\n\"a \"\"b\"\", c\r\nd\",\"x\ny\"\r\nq2,\"\"\"z\"\"\"\r\n", "csv",
     "0|||a \"b\", c\r\nd|-|x\ny|-|-1|2\n1|||q2|-|\"z\"|-|-1|5\n"},
    {"byte-order mark, spaces in the header, no last line end, a quote inside", "f.csv",
     "\xef\xbb\xbfquestion , answer\nhow big is 5\" disk,a", "csv", "0|||how big is 5\" disk|-|a|-|-1|2\n"},
    {"lists in CSV are JSON", "f.csv", HEAD "q1,\"[\"\"a\"\",\"\"b\"\"]\"\nq2,[no list\nq3,\"[1, 2]\"\n", "csv",
     "0|||q1|-|a,b|-|-1|2\n1|||q2|-|[no list|-|-1|3\n2|||q3|-|1,2|-|-1|4\n"},
    {"TSV", "f.tsv", "answer\tquestion\tpopularity\na, b\tq 1\t\nc\t\"q\t2\"\t1e3 \n", "tsv",
     "0|||q 1|-|a, b|-|-1|2\n1|||q\t2|-|c|1000|-1|3\n"},
    {"PopQA as JSON lines: obj comes first; shared questions are united", "f.jsonl",
     "{\"question\":\"q\",\"prop\":\"sport\",\"subj\":\"s\",\"obj\":\"b\",\"s_pop\":5,\"possible_answers\":[\"a\","
     "\"b\",\"a\"]}\n"
     "{\"question\":\"q\",\"prop\":\"sport\",\"subj\":\"s\",\"obj\":null,\"s_pop\":6,\"possible_answers\":\"[\\\"c\\\","
     "\\\"b\\\"]\"}\n",
     "popqa", "sport/0|sport||q|s|b,a,c|5|-1|1\nsport/1|sport||q|s|c,b,a|6|-1|2\n"},
    {"PopQA as TSV, as pandas writes it", "popQA.tsv",
     "id\tsubj\tprop\tobj\ts_pop\tquestion\tpossible_answers\n4222362\tGeorge\toccupation\tpolitician\t142\tWhat is "
     "it?\t\"[\"\"politician\"\", "
     "\"\"polit\"\"]\"\n",
     "popqa", "4222362|occupation||What is it?|George|politician,polit|142|-1|2\n"},
    {"PopQA as CSV", "p.csv", "question,prop,subj,obj,s_pop,possible_answers\nq,color,s,,,\"[\"\"red\"\"]\"\n", "popqa",
     "color/0|color||q|s|red|-|-1|2\n"},
    {"MMLU with a header", "anatomy_test.csv",
     "question,choice0,choice1,choice2,choice3,answer\n\"q\n1\",w,x,y,z,2\nq2,a,b,c,d,0\n", "mmlu",
     "anatomy/test/0|anatomy|test|q\n1|-|y|-|2|2\nanatomy/test/1|anatomy|test|q2|-|a|-|0|4\n"},
    {"one file of EntityQuestions", "dir/P36.test.json", "[{\"question\":\"q\",\"answers\":[\"a\"]}]",
     "entityquestions", "P36/test/0|P36|test|q|-|a|-|-1|1\n"},
    {"choices: index, letter, text", "f.jsonl",
     "{\"question\":\"q\",\"choices\":[\"x\",\"y\",\"z\"],\"answer\":1}\n{\"question\":\"q\",\"choices\":[\"x\",\"y\"],"
     "\"answer\":\"A\"}\n"
     "{\"question\":\"q\",\"choices\":[\"x\",\"B\",\"z\"],\"answer\":\"B\"}\n"
     "{\"question\":\"q\",\"choices\":[\"x\",\"y\"],\"answer\":0}\n",
     "jsonl", "0|||q|-|y|-|1|1\n1|||q|-|x|-|0|2\n2|||q|-|B|-|1|3\n3|||q|-|x|-|0|4\n"},
};

static void test_reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        const read_case *c = &reads[i];
        ken_data *d = data_of(c->name, c->text, NULL);
        char *got = dump(d);
        if (strcmp(ken_data_format(d), c->format) != 0)
            fail_msg("%s: format %s, expected %s", c->what, ken_data_format(d), c->format);
        if (strcmp(got, c->rows) != 0) fail_msg("%s:\n%sexpected\n%s", c->what, got, c->rows);
        ken_free(got);
        ken_data_free(d);
    }
}

static void test_named_fields(void **state)
{
    (void)state;
    ken_data_options o = ken_data_defaults();
    o.question_field = "prompt";
    o.answer_field = "label";
    o.id_field = "key";
    o.relation_field = "kind";
    o.subject_field = "about";
    o.split_field = "part";
    o.popularity_field = "views";
    ken_data *d = data_of("f.csv", "prompt,label,key,kind,about,part,views\nq,a,k1,r,s,val,3\n", &o);
    char *got = dump(d);
    assert_string_equal(got, "k1|r|dev|q|s|a|3|-1|2\n");
    ken_free(got);
    ken_data_free(d);
    /* a field that the user names must be there */
    refuse("f.csv", "prompt,label,key,kind,about,part\nq,a,k1,r,s,val\n", 49, &o, KEN_EINPUT,
           "f.csv:2: field \"views\" is missing (have: prompt, label, key, kind, about, part); name it with "
           "`popularity_field`");
}

/* As Python's json writes them: a missing number is NaN, and a field that nobody reads, or an id, may be longer than 64 bits. */
static void test_numbers_of_python(void **state)
{
    (void)state;
    ken_data *d = data_of("f.jsonl",
                          "{\"question\":\"q\",\"answer\":\"a\",\"popularity\":NaN,\"hash\":17293822569102704640}\n"
                          "{\"id\":17293822569102704641,\"question\":\"p\",\"answer\":\"b\",\"popularity\":12}\n",
                          NULL);
    assert_int_equal(ken_data_count(d), 2);
    assert_true(isnan(ken_data_get(d, 0)->popularity));
    assert_string_equal(ken_data_get(d, 1)->id, "17293822569102704641");
    assert_true(ken_data_get(d, 1)->popularity == 12);
    ken_data_free(d);
}

static void test_flags(void **state)
{
    (void)state;
    ken_data *d = data_of("f.csv",
                          "relation,split,question,answer\n"
                          "r,test,where is Oslo City?,OSLO\n"              /* 0 echo */
                          "r,test,q,a\n"                                   /* 1 ambiguous */
                          "r,test,q,b\n"                                   /* 2 ambiguous */
                          "r,test,q,b\n"                                   /* 3 ambiguous, duplicate */
                          "r,test,q,\"[\"\"a\"\",\"\"b\"\"]\"\n"           /* 4 ambiguous, several answers */
                          "r,test,p,a\n"                                   /* 5 */
                          "r,test,p,a\n"                                   /* 6 duplicate */
                          "r,dev,p,x\n"                                    /* 7 nothing: dev is looked at alone */
                          "s,test,p,x\n"                                   /* 8 nothing: another relation */
                          "s,test,\xc3\x89t\xc3\xa9?,\xc3\xa9T\xc3\x89\n", /* 9 echo beyond ASCII */
                          NULL);
    static const struct {
        const char *id;
        uint32_t flags;
    } want[] = {{"r/test/0", KEN_FLAG_ECHO},
                {"r/test/1", KEN_FLAG_AMBIGUOUS},
                {"r/test/2", KEN_FLAG_AMBIGUOUS},
                {"r/test/3", KEN_FLAG_AMBIGUOUS | KEN_FLAG_DUPLICATE},
                {"r/test/4", KEN_FLAG_AMBIGUOUS | KEN_FLAG_MULTI_ANSWER},
                {"r/test/5", 0},
                {"r/test/6", KEN_FLAG_DUPLICATE},
                {"r/dev/7", 0},
                {"s/test/8", 0},
                {"s/test/9", KEN_FLAG_ECHO}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        if (row_of(d, want[i].id)->flags != want[i].flags)
            fail_msg("%s: flags %x, expected %x", want[i].id, row_of(d, want[i].id)->flags, want[i].flags);
    const ken_data_stats *s = ken_data_get_stats(d);
    assert_int_equal(s->rows, 10);
    assert_int_equal(s->echo, 2);
    assert_int_equal(s->ambiguous, 4);
    assert_int_equal(s->duplicates, 2);
    assert_int_equal(s->multi_answer, 1);
    const ken_data_group *g = group_of(d, "r", "test");
    assert_int_equal(g->rows, 7);
    assert_string_equal(g->majority_answer, "a"); /* no train rows: these rows' own; a 4 of 7 first answers */
    assert_int_equal(g->majority, 4);
    assert_null(ken_data_get_group(d, ken_data_n_groups(d)));
    assert_null(ken_data_get(d, 10));
    ken_data_free(d);
}

/* In multiple choice the options are part of what is asked. */
static void test_choice_flags(void **state)
{
    (void)state;
    ken_data *d = data_of("law_test.csv",
                          "question,choice0,choice1,choice2,choice3,answer\n"
                          "Which is true?,a,b,c,d,0\nWhich is true?,e,f,g,h,1\n" /* nothing in common but the words */
                          "Which is true?,a,b,c,d,0\nWhich is right?,a,b,c,d,0\nWhich is right?,a,b,c,d,3\n",
                          NULL);
    static const uint32_t want[] = {0, 0, KEN_FLAG_DUPLICATE, KEN_FLAG_AMBIGUOUS, KEN_FLAG_AMBIGUOUS};
    for (size_t i = 0; i < 5; i++) assert_int_equal(ken_data_get(d, i)->flags, want[i] | KEN_FLAG_CHOICE);
    ken_data_free(d);
}

/* ---- folders -------------------------------------------------------------------------------------------------------------- */

static const char ROW[] = "[{\"question\": \"Who made Emma?\", \"answers\": [\"Jane\"]}]";

static void test_entityquestions_folder(void **state)
{
    (void)state;
    const char *dir = temp_folder();
    put_file(dir, "dataset/test/made.by.test.json", ROW);
    put_file(dir, "dataset/train/made.by.train.jsonl",
             "{\"question\": \"Who made Ulysses?\", \"answers\": [\"James\"]}\n");
    put_file(dir, "dataset/test/README.md", "not data");
    put_file(dir, "relation_query_templates.json", "{\"made.by\": [\"Who wrote [X]?\", \"Who made [X]?\"]}");
    char path[8192], *got;
    for (int i = 0; i < 2; i++) { /* the folder, and its parent */
        snprintf(path, sizeof path, "%s%s", dir, i == 0 ? "/dataset" : "");
        ken_data *d = data_at(path, NULL);
        got = dump(d);
        assert_string_equal(got, "made.by/train/0|made.by|train|Who made Ulysses?|Ulysses|James|-|-1|1\n"
                                 "made.by/test/0|made.by|test|Who made Emma?|Emma|Jane|-|-1|1\n");
        ken_free(got);
        ken_data_free(d);
    }
    /* templates.json beside the data wins over the other name; a template that does not fit gives no subject */
    put_file(dir, "dataset/templates.json", "{\"made.by\": \"Who painted [X]?\"}");
    ken_data *d = data_at(path, NULL);
    assert_null(ken_data_get(d, 0)->subject);
    ken_data_free(d);
    ken_data_options o = ken_data_defaults();
    snprintf(path, sizeof path, "%s/relation_query_templates.json", dir);
    o.templates = path;
    d = data_at(dir, &o);
    assert_string_equal(ken_data_get(d, 0)->subject, "Ulysses");
    ken_data_free(d);
    put_file(dir, "bad.json", "{\"made.by\": \"Who painted it?\"}");
    snprintf(path, sizeof path, "%s/bad.json", dir);
    refuse_path(dir, &o, KEN_EINPUT, "a question with one [X] is expected");
    snprintf(path, sizeof path, "%s/none.json", dir);
    refuse_path(dir, &o, KEN_EINPUT, "none.json: No such file or directory");
    put_file(dir, "dataset/test/made.by.train.json", ROW);
    refuse_path(dir, NULL, KEN_EINPUT, "the name says split \"train\", the folder \"test\"");
    remove_tree(dir);
}

static void test_flat_folder(void **state)
{
    (void)state;
    const char *dir = temp_folder();
    put_file(dir, "maker.test.json", ROW);
    put_file(dir, "maker.dev.json", ROW);
    put_file(dir, "templates.json", "{\"maker\": \"Who made [X]?\"}");
    ken_data *d = data_at(dir, NULL);
    char *got = dump(d);
    assert_string_equal(got, "maker/dev/0|maker|dev|Who made Emma?|Emma|Jane|-|-1|1\nmaker/test/0|maker|test|Who made "
                             "Emma?|Emma|Jane|-|-1|1\n");
    ken_free(got);
    ken_data_free(d);
    remove_tree(dir);
}

static void test_mmlu_folder(void **state)
{
    (void)state;
    const char *dir = temp_folder();
    put_file(dir, "mmlu/dev/law_dev.csv", "q1,w,x,y,z,D\n");
    put_file(dir, "mmlu/test/law_test.csv", "\"q, 2\",w,x,y,z,A\r\n");
    put_file(dir, "mmlu/val/law_val.csv", "q3,w,x,y,z,B\n");
    ken_data *d = data_at(dir, NULL);
    char *got = dump(d);
    assert_string_equal(
        got, "law/dev/0|law|dev|q1|-|z|-|3|1\nlaw/val/0|law|val|q3|-|x|-|1|1\nlaw/test/0|law|test|q, 2|-|w|-|0|1\n");
    ken_free(got);
    ken_data_free(d);
    ken_data_options o = ken_data_defaults();
    o.format = "entityquestions";
    refuse_path(dir, &o, KEN_EINPUT, "holds data of format mmlu, not entityquestions");
    o.format = "parquet";
    refuse_path(dir, &o, KEN_EUSAGE, "unknown format \"parquet\"; known: entityquestions, popqa");
    put_file(dir, "mmlu/test/law_test.csv", "q,w,x,y,z,2\n");
    refuse_path(dir, NULL, KEN_EINPUT, "law_test.csv:1: field \"answer\" is \"2\"; A, B, C or D is expected");
    put_file(dir, "mmlu/test/law_test.csv", "q,w,x,y,A\n");
    refuse_path(dir, NULL, KEN_EINPUT, "law_test.csv:1: the row has 5 fields, 6 are expected");
    remove_tree(dir);
    dir = temp_folder();
    refuse_path(dir, NULL, KEN_EINPUT, "no data found in this folder");
    remove_tree(dir);
    refuse_path(dir, NULL, KEN_EINPUT, "No such file or directory");
}

/* ---- aliases ---------------------------------------------------------------------------------------------------------------- */

static void test_aliases(void **state)
{
    (void)state;
    const char *dir = temp_folder();
    char path[8192];
    put_file(dir, "aliases.json", "{\"United Kingdom\": [\"UK\", \"Britain\"], \"Mars\": [], \"Rome\": \"Roma\"}");
    put_file(dir, "bad.json", "{\"Rome\": [\"Roma\", true]}");
    snprintf(path, sizeof path, "%s/aliases.json", dir);
    ken_data_options o = ken_data_defaults();
    o.aliases = path;
    ken_data *d = data_of("f.csv", HEAD "q,Rome\n", &o);
    int n;
    const char *const *names;
    static const char *const answers[] = {"United Kingdom", "Rome", "Mars", "Paris"};
    ken_arena arena = {0};
    assert_int_equal(ken_alias_list(d, &arena, answers, 2, &names, &n), KEN_OK);
    assert_int_equal(n, 3);
    assert_string_equal(names[0], "UK");
    assert_string_equal(names[1], "Britain");
    assert_string_equal(names[2], "Roma");
    assert_int_equal(ken_data_get(d, 0)->n_answers, 1); /* the answers are as they were, the names beside them */
    assert_int_equal(ken_data_get(d, 0)->n_aliases, 1);
    assert_string_equal(ken_data_get(d, 0)->aliases[0], "Roma");
    assert_int_equal(ken_alias_list(d, &arena, answers + 2, 2, &names, &n), KEN_OK);
    assert_null(names);
    assert_int_equal(n, 0);
    ken_data_free(d);
    d = data_of("f.csv", HEAD "q,Rome\n", NULL);
    assert_int_equal(ken_alias_list(d, &arena, answers, 2, &names, &n), KEN_OK);
    assert_null(names);
    assert_false(ken_data_has_aliases(d));
    ken_data_free(d);
    ken_arena_free(&arena);
    snprintf(path, sizeof path, "%s/bad.json", dir);
    refuse("f.csv", HEAD "q,Rome\n", 23, &o, KEN_EINPUT, "field \"Rome\", place 2, is true or false");
    snprintf(path, sizeof path, "%s/none.json", dir);
    refuse("f.csv", HEAD "q,Rome\n", 23, &o, KEN_EINPUT, "none.json: No such file or directory");
    remove_tree(dir);
}

/* ---- order ------------------------------------------------------------------------------------------------------------------ */

static void test_natural_order(void **state)
{
    (void)state;
    static const char *const order[] = {"",     "007",    "7",     "10", "P", "P9",  "P17", "P19",
                                        "P131", "P131_a", "P131a", "Q1", "a", "b 2", "b 10"};
    enum { N = sizeof order / sizeof *order };
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            int c = ken_natural_cmp(order[i], order[j]);
            if ((i < j && c >= 0) || (i > j && c <= 0) || (i == j && c != 0))
                fail_msg("\"%s\" and \"%s\": %d", order[i], order[j], c);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_named_fields),
        cmocka_unit_test(test_numbers_of_python),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_choice_flags),
        cmocka_unit_test(test_entityquestions_folder),
        cmocka_unit_test(test_flat_folder),
        cmocka_unit_test(test_mmlu_folder),
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_natural_order),
    };
    return cmocka_run_group_tests_name("data formats", tests, NULL, NULL);
}
