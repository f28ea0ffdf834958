/* test_forms.c - the forms that public sets and trainers have: what becomes question and answers, what is refused with which words, what is said. */
#include "util.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "data/python_text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* One line a row: id|relation|split|question|subject|answers. */
static char *dump(const ken_data *d)
{
    ken_buf b = {0};
    for (size_t i = 0; i < ken_data_count(d); i++) {
        const ken_example *e = ken_data_get(d, i);
        ken_buf_printf(&b, "%s|%s|%s|%s|%s|", e->id, e->relation, e->split, e->question,
                       e->subject != NULL ? e->subject : "-");
        for (int k = 0; k < e->n_answers; k++) ken_buf_printf(&b, "%s%s", k > 0 ? "," : "", e->answers[k]);
        ken_buf_putc(&b, '\n');
    }
    return ken_buf_take(&b);
}

static void check_rows(const char *what, ken_data *d, const char *format, const char *rows)
{
    char *got = dump(d);
    if (strcmp(got, rows) != 0) fail_msg("%s:\n%sexpected\n%s", what, got, rows);
    assert_string_equal(ken_data_format(d), format);
    ken_free(got);
    ken_data_free(d);
}

static bool says(const ken_data *d, const char *part)
{
    for (size_t i = 0; ken_data_note(d, i) != NULL; i++)
        if (strstr(ken_data_note(d, i), part) != NULL) return true;
    return false;
}

typedef struct form_case {
    const char *name, *text, *format, *rows, *note; /* note: part of a sentence that is said, NULL = nothing is */
} form_case;

#define ASKED "Answer the following question.\\n"

static const form_case forms[] = {
    /* chat */
    {"f.jsonl",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"Where is it? \"},{\"role\":\"assistant\",\"content\":\" "
     "Rome\\n\"}]}",
     "chat", "0|||Where is it?|-|Rome\n", NULL},
    {"f.jsonl",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"" ASKED
     "Who?\\n\"},{\"role\":\"assistant\",\"content\":\"She\"}],\"id\":\"a/1\",\"relation\":\"r\",\"split\":\"valid\"}",
     "chat", "a/1|r|dev|Who?|-|She\n", NULL},
    {"f.json",
     "[{\"messages\":[{\"role\":\"system\",\"content\":\"Be "
     "brief.\"},{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"Yes?\"},"
     "{\"role\":\"user\",\"content\":\"Where?\"},{\"role\":\"assistant\",\"content\":\"Rome\"},{\"role\":\"user\","
     "\"content\":\"Thanks\"}]}]",
     "chat", "0|||Be brief.\nHi\nYes?\nWhere?|-|Rome\n", "1 row has a system turn or earlier turns, kept in front"},
    {"f.jsonl",
     "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Whe\"},{\"text\":\"re?\"}]},{"
     "\"role\":\"assistant\",\"content\":\"Rome<|im_end|>\"}]}",
     "chat", "0|||Where?|-|Rome\n", "at the end of 1 answer is taken off"},
    {"f.jsonl", "{\"conversations\":[{\"from\":\"human\",\"value\":\"q?\"},{\"from\":\"gpt\",\"value\":\"a\"}]}",
     "sharegpt", "0|||q?|-|a\n", NULL},
    {"f.jsonl",
     "{\"conversations\":[{\"role\":\"user\",\"content\":\"q?\"},{\"role\":\"assistant\",\"content\":\"a\"}]}",
     "sharegpt", "0|||q?|-|a\n", NULL},
    {"f.json",
     "[{\"instruction\":\"Name the "
     "capital.\",\"input\":\"Peru\",\"output\":\"Lima\"},{\"instruction\":\"Who?\",\"input\":\"\",\"output\":\"She\"}]",
     "alpaca", "0|||Name the capital.\nPeru|-|Lima\n1|||Who?|-|She\n", NULL},
    {"f.csv",
     "instruction,input,output\n"
     "Answer the following question.,Who?,She\n",
     "alpaca", "0|||Who?|-|She\n", NULL},
    {"f.jsonl", "{\"prompt\":\"The capital of Peru is\",\"completion\":\" Lima</s>\"}", "prompt",
     "0|||The capital of Peru is|-|Lima\n", "taken off"},
    {"f.jsonl",
     "{\"prompt\":[{\"role\":\"user\",\"content\":\"q?\"}],\"completion\":[{\"role\":\"assistant\",\"content\":\"a\"}]"
     "}",
     "prompt", "0|||q?|-|a\n", NULL},
    {"f.jsonl",
     "{\"segments\":[{\"label\":false,\"text\":\"<s>" ASKED "Who?\\n\"},{\"label\":true,\"text\":\"She</s>\"}]}",
     "axolotl", "0|||Who?|-|She\n", "taken off"},
    {"f.jsonl", "{\"text\":\"" ASKED "Who?\\nShe\"}", "text", "0|||Who?|-|She\n", NULL},
    {"f.jsonl", "{\"prompt\":\"p\",\"completion\":\"t\",\"question\":\"q?\",\"answers\":[\"a\",\"b\"]}", "prompt",
     "0|||q?|-|a,b\n", NULL},
    /* SQuAD */
    {"dev-v2.0.json",
     "{\"version\":\"v2.0\",\"data\":[{\"title\":\"T\",\"paragraphs\":[{\"context\":\"c\",\"qas\":[{\"id\":\"x\","
     "\"question\":\"q1?\",\"answers\":[{\"text\":\"a\","
     "\"answer_start\":1},{\"text\":\"a\",\"answer_start\":3},{\"text\":\"b\",\"answer_start\":2}]},{\"id\":\"y\","
     "\"question\":\"q2?\",\"is_impossible\":true,"
     "\"answers\":[]}]},{\"context\":\"c\",\"qas\":[{\"id\":\"z\",\"question\":\"q3?\",\"answers\":[{\"text\":\"d\","
     "\"answer_start\":1}]}]}]}]}",
     "squad", "x|||q1?|-|a,b\nz|||q3?|-|d\n", "1 question without an answer left out"},
    {"f.jsonl",
     "{\"id\":\"1\",\"context\":\"c\",\"question\":\"q?\",\"answers\":{\"text\":[\"a\",\"b\"],\"answer_start\":[1,2]}}",
     "squad", "1|||q?|-|a,b\n", "asked without the paragraphs"},
    {"f.csv",
     "id,question,answers\n1,q?,\"{'text': array(['a', \"\"b'c\"\"], dtype=object), 'answer_start': array([1, 2], "
     "dtype=int32)}\"\n",
     "squad", "1|||q?|-|a,b'c\n", NULL},
    {"f.csv", "id,question,answers\n1,q?,\"{\"\"text\"\": [\"\"a\"\"], \"\"answer_start\"\": [1]}\"\n", "squad",
     "1|||q?|-|a\n", NULL},
    /* TriviaQA, TruthfulQA */
    {"web-dev.json",
     "{\"Data\":[{\"Question\":\"q?\",\"QuestionId\":\"t1\",\"Answer\":{\"Value\":\"V\",\"Aliases\":[\"W\",\"V\"],"
     "\"NormalizedAliases\":[\"v\"]}}],\"Version\":1}",
     "triviaqa", "t1|||q?|-|V,W\n", NULL},
    {"f.jsonl",
     "{\"question\":\"q?\",\"question_id\":\"t1\",\"answer\":{\"value\":\"V\",\"aliases\":[\"W\"],\"normalized_value\":"
     "\"v\"}}\n"
     "{\"question\":\"p?\",\"question_id\":\"t2\",\"answer\":{\"value\":\"<unk>\",\"aliases\":[]}}\n",
     "triviaqa", "t1|||q?|-|V,W\n", "1 question without an answer"},
    {"T.csv",
     "Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source\nA,Myths,q?,Yes it is,Yes; Yes it "
     "is; Of course,No,x\n",
     "truthfulqa", "Myths/0|Myths||q?|-|Yes it is,Yes,Of course\n", NULL},
    {"f.jsonl", "{\"question\":\"q?\",\"category\":\"Myths\",\"best_answer\":\"b\",\"correct_answers\":[\"c\",\"b\"]}",
     "truthfulqa", "Myths/0|Myths||q?|-|b,c\n", NULL},
    {"f.jsonl",
     "{\"sub_label\":\"Peru\",\"obj_label\":\"Lima\",\"predicate_id\":\"P36\",\"template\":\"[X] is ruled from [Y] "
     ".\"}",
     "lama", "P36/0|P36||Peru is ruled from|Peru|Lima\n", NULL},
    /* one object */
    {"f.json", "{\"question\":[\"q1?\",\"q2?\"],\"answer\":[\"a\",[\"b\",\"c\"]]}", "jsonl",
     "0|||q1?|-|a\n1|||q2?|-|b,c\n", NULL},
    {"f.json", "{\"question\":{\"0\":\"q1?\",\"5\":\"q2?\"},\"answer\":{\"0\":\"a\",\"5\":\"b\"}}", "jsonl",
     "0|||q1?|-|a\n1|||q2?|-|b\n", NULL},
    {"f.json", "{\"columns\":[\"question\",\"answer\"],\"index\":[0],\"data\":[[\"q?\",\"a\"]]}", "jsonl",
     "0|||q?|-|a\n", NULL},
    {"f.json", "{\"n\":1,\n\"data\":[\n{\"question\":\"q?\",\"answer\":\"a\"}\n]}\n", "jsonl", "0|||q?|-|a\n", NULL},
    {"f.json", "{\"features\":[],\"rows\":[{\"row_idx\":0,\"row\":{\"question\":\"q?\",\"answer\":\"a\"}}]}", "jsonl",
     "0|||q?|-|a\n", NULL},
    {"f.json", "{\"messages\":[[{\"role\":\"user\",\"content\":\"q?\"},{\"role\":\"assistant\",\"content\":\"a\"}]]}",
     "chat", "0|||q?|-|a\n", NULL},
    /* answers */
    {"f.csv", "question;answer\nq1?;a, b\n\"q;2?\";1918\n", "csv", "0|||q1?|-|a, b\n1|||q;2?|-|1918\n", NULL},
    {"f.jsonl", "{\"question\":\"q?\",\"answer\":1918}\n{\"question\":\"p?\",\"answers\":[2,2.5,\"two\"]}", "jsonl",
     "0|||q?|-|1918\n1|||p?|-|2,2.5,two\n", NULL},
    {"f.jsonl", "{\"question\":\"q?\",\"answer\":12345678901234567890123}", "jsonl",
     "0|||q?|-|12345678901234567890123\n", NULL},
    {"f.csv",
     "question,answer\nq1?,\"['Rome', \"\"L'Aquila\"\"]\"\nq2?,['a' 'b']\nq3?,[no list\nq4?,\"('c', 'd\\u00e9')\"\n",
     "csv", "0|||q1?|-|Rome,L'Aquila\n1|||q2?|-|a,b\n2|||q3?|-|[no list\n3|||q4?|-|c,d\xc3\xa9\n", NULL},
    {"f.jsonl", "{\"question\":\"q?\",\"answer\":\"Rome| Roma\"}\n{\"question\":\"p?\",\"answer\":\"x\"}", "jsonl",
     "0|||q?|-|Rome,Roma\n1|||p?|-|x\n", "| parts the accepted answers of a row, as in 1 of 2"},
    {"f.jsonl",
     "{\"question\":\"q?\",\"answer\":\"a; b; "
     "c\"}\n{\"question\":\"p?\",\"answer\":\"d\"}\n{\"question\":\"r?\",\"answer\":\"e;f;\"}",
     "jsonl", "0|||q?|-|a,b,c\n1|||p?|-|d\n2|||r?|-|e,f\n", "; parts the accepted answers of a row, as in 2 of 3"},
    {"f.jsonl", "{\"question\":\"q?\",\"answer\":\"a; b\"}\n{\"question\":\"p?\",\"answer\":\"d\"}", "jsonl",
     "0|||q?|-|a; b\n1|||p?|-|d\n", "a ; in an answer is part of it, for only 1 of 2"},
    {"f.jsonl", "{\"question\":\"q?\",\"answer\":\"ls | wc counts what is there, for whoever wants to know how many\"}",
     "jsonl", "0|||q?|-|ls | wc counts what is there, for whoever wants to know how many\n",
     "the answers of 1 of 1 rows are sentences"},
    {"f.jsonl",
     "{\"question\":\"q?\",\"answer\":\"a\",\"aliases\":[\"b\",\"a\",\"c\"]}\n{\"question\":\"p?\",\"answer\":\"a\","
     "\"aliases\":[]}",
     "jsonl", "0|||q?|-|a,b,c\n1|||p?|-|a\n", "names in the field \"aliases\" are accepted like answers, in 1 row"},
};

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const form_case *c = &forms[i];
        ken_data *d = data_of(c->name, c->text, NULL);
        if (c->note != NULL && !says(d, c->note))
            fail_msg("%s: not said: %s; but %s", c->text, c->note,
                     ken_data_note(d, 0) != NULL ? ken_data_note(d, 0) : "nothing");
        if (c->note == NULL && ken_data_note(d, 0) != NULL && strcmp(c->format, "squad") != 0)
            fail_msg("%s: %s", c->text, ken_data_note(d, 0));
        check_rows(c->text, d, c->format, c->rows);
        ken_data_options o = ken_data_defaults(); /* what is found may be named */
        o.format = c->format;
        check_rows(c->format, data_of(c->name, c->text, &o), c->format, c->rows);
    }
}

static const struct {
    const char *name, *text, *format, *message;
} bads[] = {
    {"f.jsonl", "{\"messages\":[{\"role\":\"tool\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":\"y\"}]}",
     NULL, "f.jsonl:1: field \"messages\", place 1: unknown role \"tool\""},
    {"f.jsonl",
     "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"text\":\"x\"}]},{\"role\":\"assistant\","
     "\"content\":\"y\"}]}",
     NULL, "place 1: an object with the strings \"role\" and \"content\" is expected"},
    {"f.jsonl", "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", NULL,
     "has no turn of the assistant after another one"},
    {"f.jsonl", "{\"messages\":[]}", NULL, "field \"messages\" has 0 entries"},
    {"f.jsonl", "{\"text\":\"Once upon a time\"}", NULL,
     "f.jsonl:1: nothing says where in field \"text\" the question ends"},
    {"f.jsonl", "{\"prompt\":\"p\",\"completion\":\"c\"}", "chat",
     "field \"messages\" is missing (have: prompt, completion)"},
    {"f.csv", "question,answers,answer_start\nq,answer_start: 3,1\n", NULL,
     "an object with the list \"text\" is expected"},
    {"f.jsonl", "{\"question\":\"q\",\"answer\":{\"value\":\"v\"}}", NULL,
     "name one in it with `answer_field`, as in answer.value"},
    {"f.jsonl", "{\"sub_label\":\"Peru\",\"obj_label\":\"Lima\",\"predicate_id\":\"P36\"}", NULL,
     "f.jsonl:1: the row has a subject and no question; say what is asked with `templates`, a file like {\"P36\""},
    {"f.json", "{\"question\":[\"q1?\",\"q2?\"],\"answer\":[\"a\"]}", NULL,
     "f.json:1: the file is one object of columns, but \"question\" has 2 entries and \"answer\" 1"},
    {"f.json", "{\"columns\":[\"question\",\"answer\"],\"data\":[[\"q?\"]]}", NULL,
     "row 0 has 1 values, \"columns\" 2"},
    {"f.json", "{\"data\":[{\"question\":\"q?\",\"answer\":\"a\"}", NULL, "is the file cut off?"},
    {"f.csv", "question,answer\nq,\"['a', \"\n", NULL,
     "f.csv:2: field \"answer\" is \"['a', \", which looks like a list but cannot be read as one"},
    {"f.csv", "question,answer\nq,\"[a, b]\"\n", NULL, "looks like a list"},
    {"f.csv", "question,answer\nq,[]\n", NULL, "field \"answer\" is an empty list"},
    {"f.csv", "question,answer\nq,\"{'a', 'b'}\"\n", NULL, "looks like a list"},
    {"f.jsonl", "{\"question\":\"q\",\"answer\":[\"a\",[\"b\"]]}", NULL,
     "field \"answer\", place 2, is a list; a string is expected"},
    {"f.jsonl", "{\"question\":\"q\",\"answer\":true}", NULL, "field \"answer\" is true or false"},
    {"f.jsonl", "{\"question\":\"q\",\"answer\":\"|x| = 3\"}", NULL,
     "it is not clear whether | parts several answers; write a list, [\"...\"] for one"},
    {"f.jsonl", "{\"question\":\"q\",\"answer\":\"a|b\"}\n{\"question\":\"p\",\"answer\":\"P(A|B)\"}", NULL,
     "f.jsonl:1: field \"answer\" is \"a|b\": it is not clear"},
    {"f.jsonl", "{\"question\":\"q\",\"answer\":\"a\",\"aliases\":{\"b\":1}}", NULL, "field \"aliases\" is an object"},
    {"f.jsonl", "{\"question\":\"q\",\"answer\":\"a\"}", "parquet",
     "unknown format \"parquet\"; known: entityquestions, popqa, mmlu, jsonl, csv, tsv, chat, "},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        ken_data_options o = ken_data_defaults();
        o.format = bads[i].format;
        bool usage = bads[i].format != NULL && strcmp(bads[i].format, "parquet") == 0;
        refuse(bads[i].name, bads[i].text, strlen(bads[i].text), &o, usage ? KEN_EUSAGE : KEN_EINPUT, bads[i].message);
    }
}

/* A bad question of an article does not take the others with it. */
static void test_skip_bad(void **state)
{
    (void)state;
    ken_data_options o = ken_data_defaults();
    o.skip_bad = true;
    ken_data *d = data_of("f.json",
                          "{\"data\":[{\"paragraphs\":[{\"qas\":[{\"question\":\"q1?\",\"answers\":[{\"text\":\"a\"}]},"
                          "{\"question\":7,\"answers\":[{\"text\":"
                          "\"a\"}]},3,{\"question\":\"q2?\",\"answers\":[{\"text\":\"b\"}]}]}]}]}",
                          &o);
    assert_int_equal(ken_data_get_stats(d)->bad, 2);
    check_rows("an article", d, "squad", "0|||q1?|-|a\n3|||q2?|-|b\n");
}

/* ---- fields by path ----------------------------------------------------------------------------------------------------- */

static void test_paths(void **state)
{
    (void)state;
    static const char text[] = "{\"q\":{\"text\":\"q?\"},\"a\":{\"names\":[\"x\",\"y\"],\"all\":[{\"n\":\"u\"},{\"m\":"
                               "0},{\"n\":[\"v\",\"w\"]}]},\"m\":{\"r\":\"rel\",\"s\":"
                               "\"valid\",\"subject\":\"sub\",\"pop\":7,\"id\":\"i1\"},\"a.b\":\"dotted\"}";
    ken_data_options o = ken_data_defaults();
    o.question_field = "q.text";
    o.relation_field = "m.r";
    o.split_field = "m.s";
    o.subject_field = "m.subject";
    o.popularity_field = "m.pop";
    o.id_field = "m.id";
    static const char *const cases[][2] = {
        {"a.names", "x,y"}, {"a.names.1", "y"}, {"a.all.n", "u,v,w"}, {"a.all.2.n", "v,w"}, {"a.b", "dotted"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char rows[100];
        o.answer_field = cases[i][0];
        snprintf(rows, sizeof rows, "i1|rel|dev|q?|sub|%s\n", cases[i][1]);
        ken_data *d = data_of("f.jsonl", text, &o);
        assert_true(ken_data_get(d, 0)->popularity == 7);
        check_rows(cases[i][0], d, "jsonl", rows);
    }
    static const char *const missing[] = {"a.none", "a.names.9", "none.names", "a.", "q.text.x", "a.all.k"};
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        o.answer_field = missing[i];
        refuse("f.jsonl", text, strlen(text), &o, KEN_EINPUT,
               "is missing (have: q, a, m, a.b); name it with `answer_field`");
    }
    /* who names fields reads no form */
    o = ken_data_defaults();
    o.question_field = "prompt";
    o.answer_field = "completion";
    check_rows("fields", data_of("f.jsonl", "{\"prompt\":\"" ASKED "q?\\n\",\"completion\":\"a\"}", &o), "jsonl",
               "0|||Answer the following question.\nq?\n|-|a\n");
}

/* ---- templates ---------------------------------------------------------------------------------------------------------- */

static void test_templates(void **state)
{
    (void)state;
    static const char lama[] = "{\"sub_label\":\"Peru\",\"obj_label\":\"Lima\",\"predicate_id\":\"P36\"}\n"
                               "{\"index\":\"k1\",\"sub_label\":\"Japan\",\"obj_labels\":[\"Tokyo\",\"Edo\"],\"chosen_"
                               "label\":\"Edo\",\"rel_id\":\"P36\"}\n";
    static const char own[] = "{\"relation\":\"P36\",\"subject\":\"Peru\",\"answer\":\"Lima\"}";
    static const struct {
        const char *name, *text, *asks;
    } cases[] = {{"one.json", "{\"P36\":\"What is the capital of [X]?\"}", "What is the capital of %s?"},
                 {"several.json", "{\"P36\":[\"The capital of [X] is [Y] .\",\"[X] x\"]}", "The capital of %s is"},
                 {"lama.jsonl",
                  "{\"relation\":\"P36\",\"template\":\"[X] is ruled from "
                  "[Y].\"}\n{\"relation\":\"P1\",\"template\":\"[X] [Y]\"}",
                  "%s is ruled from"},
                 {"t.csv", "relation,question\nP36,Capital of [X]?\n", "Capital of %s?"}};
    const char *folder = temp_folder();
    char path[8192];
    ken_data_options o = ken_data_defaults();
    o.templates = path;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char rows[300], peru[60], japan[60];
        snprintf(path, sizeof path, "%s/%s", folder, cases[i].name);
        put_file(folder, cases[i].name, cases[i].text);
        snprintf(peru, sizeof peru, cases[i].asks, "Peru");
        snprintf(japan, sizeof japan, cases[i].asks, "Japan");
        snprintf(rows, sizeof rows, "P36/0|P36||%s|Peru|Lima\nk1|P36||%s|Japan|Edo,Tokyo\n", peru, japan);
        check_rows(cases[i].name, data_of("f.jsonl", lama, &o), "lama", rows);
        snprintf(rows, sizeof rows, "P36/0|P36||%s|Peru|Lima\n", peru);
        check_rows("own names", data_of("f.jsonl", own, &o), "jsonl", rows);
    }
    snprintf(path, sizeof path, "%s/one.json", folder); /* and back, as in EntityQuestions */
    check_rows(
        "subject",
        data_of("f.jsonl", "{\"relation\":\"P36\",\"question\":\"What is the capital of Chad?\",\"answer\":\"x\"}", &o),
        "jsonl", "P36/0|P36||What is the capital of Chad?|Chad|x\n");
    static const char other[] = "{\"relation\":\"P9\",\"subject\":\"Peru\",\"answer\":\"Lima\"}";
    refuse("f.jsonl", other, strlen(other), &o, KEN_EINPUT, "(it has none for this relation)");
    put_file(folder, "middle.json", "{\"P36\":\"[Y] rules [X]\"}");
    snprintf(path, sizeof path, "%s/middle.json", folder);
    refuse("f.jsonl", own, strlen(own), &o, KEN_EINPUT, "the row has a subject and no question");
    put_file(folder, "bad.jsonl", "{\"relation\":\"P36\",\"template\":\"[X]\"}\n{\"relation\":\"P37\"}\n");
    snprintf(path, sizeof path, "%s/bad.jsonl", folder);
    refuse("f.jsonl", own, strlen(own), &o, KEN_EINPUT, "a row with \"relation\" and \"template\" is expected");
    remove_tree(folder);
}

/* ---- files that are no plain text ------------------------------------------------------------------------------------------ */

static void put_bytes(const char *folder, const char *name, const void *bytes, size_t n, const char *mode)
{
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, mode);
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static size_t packed(unsigned char *out, size_t size, const char *text, size_t n)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)text;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = (uInt)size;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    n = size - z.avail_out;
    (void)deflateEnd(&z);
    return n;
}

static void test_gzip(void **state)
{
    (void)state;
    static const char one[] = "{\"question\":\"q1?\",\"answer\":\"a\"}\n",
                      two[] = "{\"question\":\"q2?\",\"answers\":[\"b\"]}\n";
    const char *folder = temp_folder();
    char path[8192];
    unsigned char bytes[4096];
    size_t n = packed(bytes, sizeof bytes, one, strlen(one));
    put_bytes(folder, "f.jsonl.gz", bytes, n, "wb");
    snprintf(path, sizeof path, "%s/f.jsonl.gz", folder);
    check_rows("gzip", data_at(path, NULL), "jsonl", "0|||q1?|-|a\n");
    for (size_t cut = 2; cut < n; cut++) { /* wherever it is cut off */
        put_bytes(folder, "f.jsonl.gz", bytes, cut, "wb");
        refuse_path(path, NULL, KEN_EINPUT, "the gzip file is damaged or cut off");
    }
    put_bytes(folder, "f.jsonl.gz", bytes, n, "wb");
    size_t m = packed(bytes, sizeof bytes, two, strlen(two));
    put_bytes(folder, "f.jsonl.gz", bytes, m, "ab"); /* joined files */
    put_bytes(folder, "f.jsonl.gz", "\0\0\0", 3, "ab");
    check_rows("joined", data_at(path, NULL), "jsonl", "0|||q1?|-|a\n1|||q2?|-|b\n");
    put_bytes(folder, "f.jsonl.gz", "trash", 5, "ab");
    refuse_path(path, NULL, KEN_EINPUT, "damaged");
    /* the layout of EntityQuestions stays what it is */
    put_bytes(folder, "P36.test.json.gz", bytes, m, "wb");
    snprintf(path, sizeof path, "%s/P36.test.json.gz", folder);
    check_rows("by name", data_at(path, NULL), "entityquestions", "P36/test/0|P36|test|q2?|-|b\n");
    remove_tree(folder);
}

static void test_bomb(void **state)
{
    (void)state;
    const size_t n = (size_t)80 << 20; /* more than any file may become, a thousand times what it is */
    const char *folder = temp_folder();
    char path[8192], *zeros = calloc(n, 1);
    unsigned char *bytes = malloc(n / 100);
    assert_non_null(zeros);
    assert_non_null(bytes);
    memset(zeros, ' ', n);
    put_bytes(folder, "bomb.gz", bytes, packed(bytes, n / 100, zeros, n), "wb");
    snprintf(path, sizeof path, "%s/bomb.gz", folder);
    refuse_path(path, NULL, KEN_EINPUT, "it unpacks to more than 67108864 bytes, which is beyond what text does");
    free(zeros);
    free(bytes);
    remove_tree(folder);
}

static void test_other_files(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *message;
    } cases[] = {{"PAR1\x15\0\0", 7,
                  "this is a Parquet file, which ken does not read; convert it: python3 -c \"from datasets import"},
                 {"ARROW1\0\0", 8, "this is an Arrow file"},
                 {"\xff\xff\xff\xff\x10\0\0\0", 8, "this is an Arrow stream"},
                 {"PK\x03\x04\x14\0", 6, "save the spreadsheet as CSV"},
                 {"BZh91AY", 7, "convert it: bunzip2 "},
                 {"\x28\xb5\x2f\xfd\x24", 5, "convert it: unzstd "},
                 {"\xfd"
                  "7zXZ\0",
                  6, "convert it: unxz "}};
    const char *folder = temp_folder();
    char path[8192];
    snprintf(path, sizeof path, "%s/f.jsonl", folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_bytes(folder, "f.jsonl", cases[i].bytes, cases[i].n, "wb");
        refuse_path(path, NULL, KEN_EINPUT, cases[i].message);
    }
    remove_tree(folder);
    folder = temp_folder();
    put_bytes(folder, "data-00000-of-00001.arrow", "x", 1, "wb");
    refuse_path(folder, NULL, KEN_EINPUT, "load_from_disk");
    remove_tree(folder);
    folder = temp_folder();
    put_file(folder, "data/train-00000-of-00001.parquet", "PAR1");
    refuse_path(folder, NULL, KEN_EINPUT,
                "this folder holds Parquet files, which ken does not read; convert them: python3 -c");
    remove_tree(folder);
}

/* ---- folders --------------------------------------------------------------------------------------------------------------- */

#define CHAT   "{\"messages\":[{\"role\":\"user\",\"content\":\"c?\"},{\"role\":\"assistant\",\"content\":\"d\"}]}\n"
#define ROW(q) "{\"question\":\"" q "\",\"answer\":\"a\"}\n"

static void test_folders(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *file[4][2];
        const char *format, *rows;
    } cases[] = {
        {"MLX",
         {{"train.jsonl", CHAT}, {"valid.jsonl", CHAT}, {"test.jsonl", CHAT CHAT}},
         "chat",
         "train/0||train|c?|-|d\ndev/0||dev|c?|-|d\ntest/0||test|c?|-|d\ntest/1||test|c?|-|d\n"},
        {"the Hub",
         {{"data/validation.csv", "question,answer\nq2,b\n"}, {"data/train.csv", "question,answer\nq1,a\n"}},
         "csv",
         "train/0||train|q1|-|a\ndev/0||dev|q2|-|b\n"},
        {"a set's name",
         {{"NQ-open.train.jsonl", ROW("q1")}, {"NQ-open.dev.jsonl", ROW("q2")}},
         "jsonl",
         "train/0||train|q1|-|a\ndev/0||dev|q2|-|a\n"},
        {"parts of a split",
         {{"train/1.jsonl", ROW("q1") ROW("q2")}, {"train/2.jsonl", ROW("q3")}},
         "jsonl",
         "train/0||train|q1|-|a\ntrain/1||train|q2|-|a\ntrain/2||train|q3|-|a\n"},
        {"KAMEL",
         {{"P10/train.jsonl", ROW("q3")}, {"P9/test.jsonl", ROW("q2")}, {"P9/train.jsonl", ROW("q1")}},
         "jsonl",
         "P9/train/0|P9|train|q1|-|a\nP9/test/0|P9|test|q2|-|a\nP10/train/0|P10|train|q3|-|a\n"},
        {"LAMA",
         {{"P10.jsonl", "{\"sub_label\":\"s\",\"obj_label\":\"o\",\"template\":\"[X] is [Y]\"}"},
          {"notes.jsonl", ROW("x")}},
         "lama",
         "P10/0|P10||s is|s|o\n"},
        {"EntityQuestions",
         {{"test/P1.test.json", "[{\"question\":\"q\",\"answers\":[\"a\"]}]"}, {"train.jsonl", CHAT}},
         "entityquestions",
         "P1/test/0|P1|test|q|-|a\n"},
        {"rows that say the split",
         {{"train.jsonl", "{\"question\":\"q\",\"answer\":\"a\",\"split\":\"test\"}"}},
         "jsonl",
         "test/0||test|q|-|a\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *folder = temp_folder();
        for (int k = 0; k < 4 && cases[i].file[k][0] != NULL; k++)
            put_file(folder, cases[i].file[k][0], cases[i].file[k][1]);
        check_rows(cases[i].what, data_at(folder, NULL), cases[i].format, cases[i].rows);
        remove_tree(folder);
    }
    const char *folder = temp_folder();
    put_file(folder, "train.jsonl", ROW("q"));
    put_file(folder, "valid.jsonl", ROW("q"));
    ken_data *d = data_at(folder, NULL);
    assert_true(says(d, "train.jsonl is train, valid.jsonl is dev"));
    ken_data_free(d);
    put_file(folder, "valid.jsonl", "{\"question\":\"q\"}");
    refuse_path(folder, NULL, KEN_EINPUT, "valid.jsonl:1: field \"answer\" is missing");
    remove_tree(folder);
    folder = temp_folder();
    put_file(folder, "facts.jsonl", ROW("q"));
    refuse_path(folder, NULL, KEN_EINPUT,
                "no data found in this folder; expected files that are splits (train.jsonl, validation.csv, ...)");
    remove_tree(folder);
}

/* ---- Python's text ---------------------------------------------------------------------------------------------------------- */

static void test_python(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"['a', \"b'c\", 'd\\'e']", "[\"a\",\"b'c\",\"d'e\"]"},
                                           {" ('a',) ", "[\"a\"]"},
                                           {"[1, -2.5, None, True, nan]", "[1,-2.5,null,true,null]"},
                                           {"{'a': ['b' 'c'], 'd': {}}", "{\"a\":[\"b\",\"c\"],\"d\":{}}"},
                                           {"array([1, 2], dtype=int32)", "[1,2]"},
                                           {"['\\x41\\u00e9\\U0001F600\\n']", "[\"A\xc3\xa9\xf0\x9f\x98\x80\\n\"]"},
                                           {"['a'\n 'b']", "[\"a\",\"b\"]"},
                                           {"['a", NULL},
                                           {"['a'] b", NULL},
                                           {"['a' ...", NULL},
                                           {"['a', b]", NULL},
                                           {"['\\ud800']", NULL},
                                           {"['\\x00']", NULL},
                                           {"{'a'}", NULL},
                                           {"{1: 2}", NULL},
                                           {"array('a')", NULL},
                                           {"", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool no_memory;
        json_t *v = ken_python_value(cases[i][0], strlen(cases[i][0]), &no_memory);
        char *s = v != NULL ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
        if ((s == NULL) != (cases[i][1] == NULL) || (s != NULL && strcmp(s, cases[i][1]) != 0))
            fail_msg("%s: %s, expected %s", cases[i][0], s != NULL ? s : "nothing",
                     cases[i][1] != NULL ? cases[i][1] : "nothing");
        assert_false(no_memory);
        free(s);
        json_decref(v);
    }
    char deep[20001];
    memset(deep, '[', 20000);
    deep[20000] = '\0';
    bool no_memory;
    assert_null(ken_python_value(deep, 20000, &no_memory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),  cmocka_unit_test(test_refused),     cmocka_unit_test(test_skip_bad),
        cmocka_unit_test(test_paths),  cmocka_unit_test(test_templates),   cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_bomb),   cmocka_unit_test(test_other_files), cmocka_unit_test(test_folders),
        cmocka_unit_test(test_python),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
