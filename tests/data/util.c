/* util.c - see util.h. */
#include "util.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ken_data *data_of(const char *name, const char *text, const ken_data_options *o)
{
    ken_err err = {0};
    ken_data *d;
    if (ken_data_parse(&d, name, text, strlen(text), o, &err) != KEN_OK) fail_msg("%s", err.msg);
    return d;
}

ken_data *data_at(const char *path, const ken_data_options *o)
{
    ken_err err = {0};
    ken_data *d;
    if (ken_data_open(&d, path, o, &err) != KEN_OK) fail_msg("%s", err.msg);
    return d;
}

static void expect(int rc, const ken_err *err, ken_data *d, int status, const char *part)
{
    if (rc != status || strstr(err->msg, part) == NULL)
        fail_msg("status %d, expected %d; message \"%s\" should hold \"%s\"", rc, status, err->msg, part);
    assert_null(d);
}

void refuse(const char *name, const char *text, size_t n, const ken_data_options *o, int status, const char *part)
{
    ken_err err = {0};
    ken_data *d = NULL;
    int rc = ken_data_parse(&d, name, text, n, o, &err);
    expect(rc, &err, d, status, part);
}

void refuse_path(const char *path, const ken_data_options *o, int status, const char *part)
{
    ken_err err = {0};
    ken_data *d = NULL;
    int rc = ken_data_open(&d, path, o, &err);
    expect(rc, &err, d, status, part);
}

/* ---- files ------------------------------------------------------------------------------------------------------------ */

const char *temp_folder(void)
{
    static char path[4096];
    const char *base = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/ken-data-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(path));
    return path;
}

void put_file(const char *folder, const char *name, const char *text)
{
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (char *p = path + strlen(folder) + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        (void)mkdir(path, 0777);
        *p = '/';
    }
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void remove_tree(const char *folder) { assert_int_equal(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0); }

const char *test_data(const char *rest)
{
    static char path[4096];
    const char *base = getenv("KEN_TEST_DATA");
    if (base == NULL || base[0] == '\0') {
        print_message("KEN_TEST_DATA is not set: the published data sets are not at hand\n");
        skip();
    }
    snprintf(path, sizeof path, "%s/%s", base, rest);
    if (access(path, R_OK) != 0) fail_msg("KEN_TEST_DATA is set, but %s is missing", path);
    return path;
}

/* ---- rows ------------------------------------------------------------------------------------------------------------- */

const ken_example *row_of(const ken_data *d, const char *id)
{
    for (size_t i = 0; i < ken_data_count(d); i++)
        if (strcmp(ken_data_get(d, i)->id, id) == 0) return ken_data_get(d, i);
    fail_msg("no row %s", id);
    return NULL;
}

const ken_data_group *group_of(const ken_data *d, const char *relation, const char *split)
{
    for (size_t i = 0; i < ken_data_n_groups(d); i++) {
        const ken_data_group *g = ken_data_get_group(d, i);
        if (strcmp(g->relation, relation) == 0 && strcmp(g->split, split) == 0) return g;
    }
    return NULL;
}
