/* test_checkpoint.c - states come back bit for bit or not at all: cut at every length, every byte changed, other settings, a full disk,
 * no memory. */
#include "base/alloc.h"
#include "base/file.h"
#include "tune/checkpoint.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/ken-state-XXXXXX", path[64];
enum { N = 37, ARRAYS = 3 };
static float value[ARRAYS][N], got[ARRAYS][N];
static ken_state_array to_write[ARRAYS], to_read[ARRAYS];
static const ken_setting settings[] = {
    {"lr", "1e-05", true}, {"model_hash", "abc", true}, {"model_path", "/somewhere", false}, {"empty", "", true}};
enum { N_SETTINGS = sizeof settings / sizeof *settings };
static const ken_train_state state_written = {.step = 12,
                                              .evaluated = -1,
                                              .best_step = 7,
                                              .best_hits = 99,
                                              .loss = {0.1, 2.5, 0, 1e300, 0, 7},
                                              .targets = {1, 2, 3, 4, 5, 6},
                                              .examples = 1ull << 40,
                                              .seconds = 1.25};

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) return -1;
    snprintf(path, sizeof path, "%s/checkpoint", folder);
    for (int a = 0; a < ARRAYS; a++) {
        for (int i = 0; i < N; i++) value[a][i] = (float)(a * 100 + i) / 7.0F;
        to_write[a] = (ken_state_array){value[a], N};
        to_read[a] = (ken_state_array){got[a], N};
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails when anything else was left */
}

static void write_one(void)
{
    ken_err err;
    if (ken_checkpoint_write(path, &state_written, settings, N_SETTINGS, to_write, ARRAYS, &err) != KEN_OK)
        fail_msg("%s", err.msg);
}

static int read_one(ken_train_state *s, const ken_setting *with, ken_err *err)
{
    memset(got, 0, sizeof got);
    return ken_checkpoint_read(path, s, with, N_SETTINGS, to_read, ARRAYS, err);
}

static void nothing_was_read(void)
{
    static const float zero[ARRAYS][N];
    assert_memory_equal(got, zero, sizeof got);
}

static void comes_back(void **state)
{
    (void)state;
    ken_train_state s;
    write_one();
    assert_int_equal(read_one(&s, settings, NULL), KEN_OK);
    assert_memory_equal(&s, &state_written, sizeof s);
    assert_memory_equal(got, value, sizeof got);
}

static void a_finished_one_holds_the_weights_alone(void **state)
{
    (void)state;
    ken_train_state s = state_written;
    ken_err err;
    s.finished = 1;
    assert_int_equal(ken_checkpoint_write(path, &s, settings, N_SETTINGS, to_write, 1, NULL), KEN_OK);
    assert_int_equal(read_one(&s, settings, NULL), KEN_OK);
    assert_memory_equal(got[0], value[0], sizeof got[0]);
    s.finished = 0; /* an unfinished one needs its moments */
    assert_int_equal(ken_checkpoint_write(path, &s, settings, N_SETTINGS, to_write, 1, NULL), KEN_OK);
    assert_int_equal(read_one(&s, settings, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "shape"));
    nothing_was_read();
}

static void other_settings_are_named(void **state)
{
    (void)state;
    write_one();
    for (int i = 0; i < N_SETTINGS; i++) {
        ken_setting other[N_SETTINGS];
        ken_train_state s;
        ken_err err = {0};
        memcpy(other, settings, sizeof other);
        other[i].value = "different";
        int rc = read_one(&s, other, &err);
        if (!settings[i].binding) {
            assert_int_equal(rc, KEN_OK);
            continue;
        }
        assert_int_equal(rc, KEN_EINPUT);
        assert_non_null(strstr(err.msg, settings[i].key));
        assert_non_null(strstr(err.msg, "\"different\" now"));
        nothing_was_read();
        other[i].key = "renamed"; /* one that the file lacks, and one that only it has */
        assert_int_equal(read_one(&s, other, &err), KEN_EINPUT);
        assert_non_null(strstr(err.msg, "not set"));
        other[i] = (ken_setting){"lr2", "x", false};
        assert_int_equal(read_one(&s, other, &err), KEN_EINPUT);
        assert_non_null(strstr(err.msg, "not set now"));
    }
}

static void other_shapes_are_refused(void **state)
{
    (void)state;
    ken_train_state s;
    ken_err err;
    write_one();
    to_read[1].n = N - 1;
    assert_int_equal(read_one(&s, settings, &err), KEN_EINPUT);
    to_read[1].n = N;
    nothing_was_read();
}

/* A new file, and no syncing: this is done thousands of times, and file systems sync what is truncated and written again. */
static void put(const void *data, size_t n)
{
    unlink(path);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void cut_and_changed_files_are_refused(void **state)
{
    (void)state;
    ken_map m;
    ken_train_state s;
    ken_err err;
    write_one();
    assert_int_equal(ken_map_file(&m, path, NULL), KEN_OK);
    size_t n = m.size;
    unsigned char *copy = malloc(n);
    assert_non_null(copy);
    memcpy(copy, m.data, n);
    ken_unmap(&m);
    for (size_t cut = 0; cut < n; cut++) {
        put(copy, cut);
        if (read_one(&s, settings, &err) != KEN_EINPUT) fail_msg("cut to %zu bytes: taken", cut);
        nothing_was_read();
    }
    for (size_t i = 0; i < n; i++) {
        copy[i] ^= 0x41;
        put(copy, n);
        if (read_one(&s, settings, &err) != KEN_EINPUT) fail_msg("byte %zu changed: taken", i);
        nothing_was_read();
        copy[i] ^= 0x41;
    }
    free(copy);
    unlink(path);
    assert_int_equal(read_one(&s, settings, &err), KEN_EINPUT);
}

/* A limit on the size of files makes write(2) fail as a full disk does. */
static void a_full_disk_leaves_the_old_one(void **state)
{
    (void)state;
    struct rlimit old, small;
    ken_train_state later = state_written, s;
    ken_err err;
    write_one();
    later.step = 13;
    getrlimit(RLIMIT_FSIZE, &old);
    small = (struct rlimit){200, old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    int rc = ken_checkpoint_write(path, &later, settings, N_SETTINGS, to_write, ARRAYS, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(rc, KEN_EFAIL);
    assert_non_null(strstr(err.msg, path));
    assert_int_equal(read_one(&s, settings, NULL), KEN_OK);
    assert_int_equal(s.step, 12);
}

static void out_of_memory(void **state)
{
    (void)state;
    ken_train_state s;
    int failed = 0;
    for (long i = 1;; i++, failed++) {
        ken_alloc_fail_after(i);
        int rc = ken_checkpoint_write(path, &state_written, settings, N_SETTINGS, to_write, ARRAYS, NULL);
        if (rc == KEN_OK) rc = read_one(&s, settings, NULL);
        ken_alloc_fail_after(0);
        if (rc == KEN_OK) break;
        assert_int_equal(rc, KEN_ENOMEM);
    }
    assert_true(failed > 2);
}

static void left_overs_are_swept(void **state)
{
    (void)state;
    static const char *const names[] = {"checkpoint.tmp-a1B2c3", "model.safetensors.tmp-ZZZZZZ", "notes.tmp-abc",
                                        "x.tmp-abcde-", ".tmp-abcdef"};
    char name[128];
    for (size_t i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "%s/%s", folder, names[i]);
        assert_int_equal(ken_write_file(name, "x", 1, NULL), KEN_OK);
    }
    ken_checkpoint_sweep(folder);
    for (size_t i = 0; i < 5; i++) {
        snprintf(name, sizeof name, "%s/%s", folder, names[i]);
        assert_int_equal(unlink(name), i < 2 ? -1 : 0);
    }
    ken_checkpoint_sweep("/nowhere");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(a_finished_one_holds_the_weights_alone),
        cmocka_unit_test(other_settings_are_named),
        cmocka_unit_test(other_shapes_are_refused),
        cmocka_unit_test(cut_and_changed_files_are_refused),
        cmocka_unit_test(a_full_disk_leaves_the_old_one),
        cmocka_unit_test(out_of_memory),
        cmocka_unit_test(left_overs_are_swept),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
