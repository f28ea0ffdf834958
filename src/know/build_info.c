/* build_info.c - what this build is and what it runs on, for `ken --version` and bug reports: version, revision, CPU, libraries.
 *
 * Libraries are asked at run time, not through the headers they were compiled with: a shared library may be newer. */
#include "nn/net.h"
#include "base/parallel.h"
#include "revision.h"
#include <jansson.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <utf8proc.h>
#if KEN_HAVE_ONEDNN
#include <dnnl.h>
#else
#include <cblas.h>
#endif

static char text[2000];
static size_t len;
static pthread_once_t once = PTHREAD_ONCE_INIT;

__attribute__((format(printf, 1, 2))) static void add(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text + len, sizeof text - len, fmt, ap);
    va_end(ap);
    if (n > 0) len += (size_t)n < sizeof text - len ? (size_t)n : sizeof text - len - 1;
}

static void add_cpu(void)
{
    add("cpu:");
#if defined(__x86_64__)
    /* The argument of __builtin_cpu_supports must be a literal. */
#define FEATURE(name)                                                                                                  \
    if (__builtin_cpu_supports(name)) add(" " name)
    FEATURE("sse4.2");
    FEATURE("avx");
    FEATURE("fma");
    FEATURE("avx2");
    FEATURE("avx512f");
    FEATURE("avx512bw");
    FEATURE("avx512vl");
    FEATURE("avx512vnni");
    FEATURE("avx512bf16");
#undef FEATURE
#else
    add(" generic");
#endif
    add("; %d cores\nisa: %s\n", ken_threads(0), ken_isa_name(ken_isa_best()));
}

static void make(void)
{
    add("ken %s (revision %s)\n", KEN_VERSION, KEN_REVISION);
    add_cpu();
#if KEN_HAVE_ONEDNN
    const dnnl_version_t *d = dnnl_version();
    add("gemm: oneDNN %d.%d.%d\n", d->major, d->minor, d->patch);
#else
    add("gemm: %s\n", openblas_get_config());
#endif
    add("sqlite: %s\njansson: %s\nutf8proc: %s\nlibcrypto: %s", sqlite3_libversion(), jansson_version_str(),
        utf8proc_version(), OpenSSL_version(OPENSSL_VERSION_STRING));
}

const char *ken_build_info(void)
{
    pthread_once(&once, make);
    return text;
}
