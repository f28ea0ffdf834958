/* exported.c - see exported.h. */
#include "exported.h"
#include "base/alloc.h"
#include "base/file.h"
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const paris[] = {"Paris", "City of Paris"};
static const char *const who[] = {"Émile \"Mimi\" Dubois, baker"};
static const char *const iron[] = {"Fe"};

const ken_selected facts[N_FACTS] = {{.id = "P36/train/3",
                                      .relation = "P36",
                                      .split = "train",
                                      .question = "What is the capital of France?",
                                      .subject = "France",
                                      .answers = paris,
                                      .n_answers = 2,
                                      .target = "Paris",
                                      .category = KEN_HIGHLY_KNOWN,
                                      .p_t0 = 1,
                                      .p_t = 0.9921875,
                                      .p_unknown = 0,
                                      .popularity = 120000,
                                      .weight = 1},
                                     {.id = "P7/train/0",
                                      .relation = "P7",
                                      .split = "train",
                                      .question = "Who bakes \"pain, blanc\"?",
                                      .answers = who,
                                      .n_answers = 1,
                                      .target = "Émile \"Mimi\" Dubois, baker",
                                      .category = KEN_WEAKLY_KNOWN,
                                      .p_t0 = 0,
                                      .p_t = 0.1,
                                      .p_unknown = 1.0 / 3,
                                      .popularity = NAN,
                                      .weight = (double)0.3F},
                                     {.id = "P7/train/9",
                                      .relation = "P7",
                                      .split = "train",
                                      .question = "Which symbol has iron?",
                                      .answers = iron,
                                      .n_answers = 1,
                                      .target = "I don't know",
                                      .category = KEN_UNKNOWN,
                                      .p_t0 = 0,
                                      .p_t = 1e-9,
                                      .p_unknown = 1,
                                      .popularity = 7.5,
                                      .weight = 1,
                                      .relabelled = true},
                                     {.id = "x",
                                      .relation = "",
                                      .split = "",
                                      .question = "Which symbol has iron, again?",
                                      .answers = iron,
                                      .n_answers = 1,
                                      .target = "Fe",
                                      .category = KEN_UNLABELLED,
                                      .p_t0 = NAN,
                                      .p_t = NAN,
                                      .p_unknown = NAN,
                                      .popularity = NAN,
                                      .weight = 1},
                                     {.id = "y",
                                      .relation = "",
                                      .split = "",
                                      .question = "And again?",
                                      .answers = iron,
                                      .n_answers = 1,
                                      .target = "Fe",
                                      .category = KEN_N_CATEGORIES,
                                      .p_t0 = NAN,
                                      .p_t = NAN,
                                      .p_unknown = NAN,
                                      .popularity = NAN,
                                      .weight = 1}};

const ken_selected held_out = {.id = "P36/dev/1",
                               .relation = "P36",
                               .split = "dev",
                               .question = "What is the capital of Spain?",
                               .answers = paris,
                               .n_answers = 2,
                               .target = "Madrid",
                               .category = KEN_MAYBE_KNOWN,
                               .p_t0 = 0.5,
                               .p_t = 0.25,
                               .p_unknown = 0,
                               .popularity = NAN,
                               .weight = 1};

const char *const formats[N_FORMATS] = {"trl",  "messages", "alpaca", "sharegpt", "axolotl",
                                        "text", "mlx",      "csv",    "jsonl"};

const char *fresh(void)
{
    static int n;
    char name[32];
    snprintf(name, sizeof name, "d%d", n++);
    const char *path = tiny_path(name);
    assert_int_equal(mkdir(path, 0777), 0);
    return path;
}

const char *at(const char *folder, const char *name)
{
    static char path[32][1024];
    static int next;
    char joined[1024];
    assert_in_range(snprintf(joined, sizeof joined, "%s/%s", folder, name), 1, sizeof joined - 1);
    next = (next + 1) % 32;
    memcpy(path[next], joined, sizeof joined);
    return path[next];
}

int count(const char *folder)
{
    DIR *d = opendir(folder);
    assert_non_null(d);
    int n = 0;
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

char *contents(const char *path)
{
    ken_map m;
    ken_err err;
    if (ken_map_file(&m, path, &err) != KEN_OK) fail_msg("%s", err.msg);
    char *s = ken_strndup(m.data != NULL ? (const char *)m.data : "", m.size);
    ken_unmap(&m);
    assert_non_null(s);
    return s;
}

void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

bool is(const char *a, const char *b) { return strcmp(a, b) == 0; }

const char *file_of(const char *format)
{
    if (is(format, "mlx")) return "mlx";
    if (is(format, "csv")) return "set.csv";
    return is(format, "alpaca") || is(format, "sharegpt") ? "set.json" : "set.jsonl";
}

ken_export_options to(const char *format)
{
    ken_export_options o = ken_export_defaults();
    o.format = format;
    if (is(format, "axolotl")) {
        o.bos = "<s>";
        o.eos = "</s>";
    }
    return o;
}

int export(const ken_selected *rows, size_t n, const ken_export_options *o, const char *path, ken_err *err)
{
    ken_export_part part[KEN_N_PARTS] = {{.row = rows, .n = n}};
    if (o->format != NULL && is(o->format, "mlx")) part[KEN_PART_VALID] = (ken_export_part){.row = &held_out, .n = 1};
    return ken_export_parts(part, o, path, err);
}

void must_export(const ken_selected *rows, size_t n, const ken_export_options *o, const char *path)
{
    ken_err err = {0};
    if (export(rows, n, o, path, &err) != KEN_OK) fail_msg("%s: %s", o->format, err.msg);
}

void refuse(const ken_export_part *part, const ken_export_options *o, const char *path, int status, const char *why)
{
    ken_err err = {0};
    assert_int_equal(ken_export_parts(part, o, path, &err), status);
    if (strstr(err.msg, why) == NULL) fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
}
