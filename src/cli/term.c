/* term.c - colours, bars, columns; see term.h. */
#include "cli/term.h"
#include "cli/cli.h"
#include <langinfo.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

static bool color, unicode, utf8;
enum { UNKNOWN_WIDTH = 100 };
static int width = UNKNOWN_WIDTH;

void term_start(void)
{
    bool tty = isatty(STDOUT_FILENO) == 1;
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    bool dumb = term != NULL && strcmp(term, "dumb") == 0;
    color = tty && !dumb && (no_color == NULL || *no_color == '\0');
    if (strcmp(cli.color, "always") == 0) color = true;
    if (strcmp(cli.color, "never") == 0) color = false;
    utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    unicode = (tty || color) && !dumb && utf8;
    width = term_width_of(stdout);
}

int term_width_of(FILE *f)
{
    struct winsize w;
    return isatty(fileno(f)) == 1 && ioctl(fileno(f), TIOCGWINSZ, &w) == 0 && w.ws_col >= 40 ? w.ws_col : UNKNOWN_WIDTH;
}

bool term_unicode(void) { return unicode; }
int term_width(void) { return width; }

/* The page's colours (report/page.css: blue to amber to brick) as near as the 256 that terminals support come to them, so that they differ for
 * colour-blind eyes too, on dark and light grounds (tests/cli/colours.py). */
const char *term_on(int style)
{
    static const char *const code[] = {"",
                                       "\033[1m",
                                       "\033[2m",
                                       "\033[38;5;25m",
                                       "\033[38;5;74m",
                                       "\033[38;5;214m",
                                       "\033[38;5;166m",
                                       "\033[38;5;245m"};
    return color && style >= 0 && (size_t)style < sizeof code / sizeof *code ? code[style] : "";
}

const char *term_off(void) { return color ? "\033[0m" : ""; }

/* Bytes of the character at s that would drive a terminal rather than print: C0, DEL, C1 in UTF-8 (which terminals obey as well), and
 * what turns the direction of the text around it. 0: none. */
static size_t control(const char *s)
{
    const unsigned char *u = (const unsigned char *)s;
    if (u[0] < 0x20 || u[0] == 0x7F) return u[0] != '\0';
    if (u[0] == 0xC2 && u[1] >= 0x80 && u[1] < 0xA0) return 2;
    if (u[0] != 0xE2) return 0;
    if (u[1] == 0x80 && ((u[2] >= 0xAA && u[2] <= 0xAE) || u[2] == 0x8E || u[2] == 0x8F))
        return 3;                                                /* U+202A to E, U+200E, F */
    return u[1] == 0x81 && u[2] >= 0xA6 && u[2] <= 0xA9 ? 3 : 0; /* U+2066 to 9 */
}

void term_clean(char *s)
{
    char *to = s;
    for (size_t n; *s != '\0'; s += n > 0 ? n : 1) {
        n = control(s);
        *to++ = n == 0 ? *s : *s == '\n' || *s == '\t' ? ' ' : '?';
    }
    *to = '\0';
}

/* One character of s: its bytes (at least 1) and columns. Anything that would not print as itself is shown as '?'. */
static int character(const char *s, int *columns, bool *printable)
{
    wchar_t c;
    mbstate_t state = {0};
    size_t drives = control(s);
    if (drives > 0) {
        *columns = 1;
        *printable = false;
        return (int)drives;
    }
    size_t n = mbrtowc(&c, s, strnlen(s, MB_LEN_MAX), &state); /* not strlen: a text may have a megabyte */
    if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
        *columns = 1;
        *printable = false;
        return 1;
    }
    int w = wcwidth(c);
    *printable = w >= 0;
    *columns = w >= 0 ? w : 1;
    return (int)n;
}

int term_columns(const char *s)
{
    int sum = 0, columns;
    bool printable;
    while (*s != '\0') {
        s += character(s, &columns, &printable);
        sum += columns;
    }
    return sum;
}

/* In a locale without UTF-8 mbrtowc knows nothing of it; the bytes are then passed on, as other programs do. */
static void put_up_to(const char *s, int limit)
{
    int columns;
    bool printable;
    while (*s != '\0') {
        int n = character(s, &columns, &printable);
        if (columns > limit) return;
        limit -= columns;
        if (printable || (!utf8 && (unsigned char)*s >= 0x80 && control(s) == 0)) fwrite(s, 1, (size_t)n, stdout);
        else fputc(*s == '\n' || *s == '\t' ? ' ' : '?', stdout);
        s += n;
    }
}

void term_text(const char *s) { put_up_to(s, 1 << 30); }

void term_lines(const char *before, const char *s, const char *after)
{
    while (*s != '\0') {
        size_t n = strcspn(s, "\n");
        char line[2000];
        snprintf(line, sizeof line, "%.*s", n < sizeof line ? (int)n : (int)sizeof line - 1, s);
        fputs(before, stdout);
        term_text(line);
        fputs(after, stdout);
        putchar('\n');
        s += n + (s[n] == '\n');
    }
}

void term_cell(const char *s, int w)
{
    int room = w < 0 ? -w : w, has = term_columns(s), dots = unicode ? 1 : 3;
    if (w < 0)
        for (int i = has; i < room; i++) fputc(' ', stdout);
    bool cut = has > room && room > dots;
    put_up_to(s, cut ? room - dots : room);
    if (cut) fputs(unicode ? "\u2026" : "...", stdout);
    if (w > 0)
        for (int i = has; i < room; i++) fputc(' ', stdout);
}

void term_styled(int style, const char *s, int w)
{
    fputs(term_on(style), stdout);
    term_cell(s, w);
    fputs(term_off(), stdout);
}

/* Without colour the parts must differ in shape: shades from full to light, or letters in plain text. */
static const char *const shades[] = {"\u2588", "\u2593", "\u2592", "\u2591", "\u00b7"};
static const char *const letters[] = {"#", "+", "-", ".", " "};

const char *term_part_sign(int part)
{
    if (color || part < 0 || part > 4) return NULL;
    return unicode ? shades[part] : letters[part];
}

void term_stacked_bar(const uint64_t *part, int n, int w)
{
    uint64_t total = 0, sum = 0;
    for (int i = 0; i < n; i++) total += part[i];
    int at = 0;
    for (int i = 0; i < n; i++) {
        sum += part[i];
        /* Ends are rounded, not lengths, so that the cells always add up to the width. */
        int end = total == 0 ? 0 : (int)((double)sum / (double)total * w + 0.5);
        if (end > at) fputs(term_on(TERM_CATEGORY + i), stdout);
        bool drawn = end > at;
        for (; at < end; at++)
            fputs(color && unicode ? shades[0] : unicode ? shades[i < 5 ? i : 4] : letters[i < 5 ? i : 4], stdout);
        if (drawn) fputs(term_off(), stdout);
    }
    for (; at < w; at++) fputc(' ', stdout);
}

void term_share_bar(double share, int w, int style)
{
    static const char *const eighths[] = {"", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589"};
    if (!(share >= 0)) share = 0;
    if (share > 1) share = 1;
    int cells = unicode ? (int)(share * w * 8 + 0.5) : (int)(share * w + 0.5) * 8;
    int at = 0;
    fputs(term_on(style), stdout);
    for (; at < cells / 8; at++) fputs(unicode ? "\u2588" : "#", stdout);
    if (cells % 8 != 0) {
        fputs(eighths[cells % 8], stdout);
        at++;
    }
    fputs(term_off(), stdout);
    for (; at < w; at++) fputc(' ', stdout);
}
