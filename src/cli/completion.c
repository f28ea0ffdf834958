/* completion.c - shell completion for bash and zsh from the option tables (`ken _completion bash`), written when the project is
 * built. Completes verbs, options, the values of choices, and file names everywhere else. */
#include "cli/cli.h"
#include <string.h>

/* As the script has it: a member's two words are joined by a dash. */
static void bash_pattern(const cli_verb *v)
{
    char page[64];
    cli_verb_page(v, page);
    printf("        %s", page + strlen("ken-"));
}

/* Behind the name of a family its members; from the third word on, the verb is both. */
static void bash_members(const cli_verb *v)
{
    printf("    if [ \"$verb\" = %s ]; then\n        if [ \"$COMP_CWORD\" -eq 2 ]; then\n            "
           "COMPREPLY=($(compgen -W \"",
           v->name);
    for (int i = 0; v->members[i] != NULL; i++) printf("%s ", cli_member_name(v->members[i]));
    fputs("--help\" -- \"$cur\"))\n            return\n        fi\n        verb=\"$verb-${COMP_WORDS[2]}\"\n    fi\n",
          stdout);
}

static void bash_name(const cli_option *o, void *ctx)
{
    (void)ctx;
    printf(" --%s", o->name);
    if (o->letter) printf(" -%c", o->letter);
}

static void bash_choices(const cli_option *o, void *ctx)
{
    const cli_verb *v = ctx;
    char choices[200];
    cli_choices_text(o, choices, sizeof choices);
    if (choices[0] == '\0') return;
    bash_pattern(v);
    printf(":--%s) COMPREPLY=($(compgen -W \"", o->name);
    for (const char *c = choices; *c != '\0'; c++) fputc(*c == '|' ? ' ' : *c, stdout);
    fputs("\" -- \"$cur\")); return ;;\n", stdout);
}

static void bash(void)
{
    fputs("# bash completion for ken; made from its option tables\n_ken() {\n"
          "    local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\" verb=\"${COMP_WORDS[1]}\"\n"
          "    COMPREPLY=()\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W \"help",
          stdout);
    for (size_t i = 0; i < cli_n_verbs; i++)
        if (!cli_is_member(cli_verbs[i])) printf(" %s", cli_verbs[i]->name);
    fputs(" --help --version\" -- \"$cur\"))\n        return\n    fi\n", stdout);
    for (size_t i = 0; i < cli_n_verbs; i++)
        if (cli_verbs[i]->members != NULL) bash_members(cli_verbs[i]);
    fputs("    case \"$verb:$prev\" in\n", stdout);
    for (size_t i = 0; i < cli_n_verbs; i++) cli_each_option(cli_verbs[i], bash_choices, (void *)cli_verbs[i]);
    fputs("    esac\n    case \"$cur\" in -*) ;; *) COMPREPLY=($(compgen -f -- \"$cur\")); return ;; esac\n    case "
          "\"$verb\" in\n",
          stdout);
    for (size_t i = 0; i < cli_n_verbs; i++) {
        bash_pattern(cli_verbs[i]);
        fputs(") COMPREPLY=($(compgen -W \"", stdout);
        cli_each_option(cli_verbs[i], bash_name, NULL);
        fputs("\" -- \"$cur\")) ;;\n", stdout);
    }
    fputs("    esac\n}\ncomplete -o filenames -F _ken ken\n", stdout);
}

/* Inside '...[text]...' of _arguments: quotes, brackets and colons have a meaning there. */
static void zsh_text(const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s == '\'') fputs("'\\''", stdout);
        else if (*s == '[' || *s == ']' || *s == ':' || *s == '\\') printf("\\%c", *s);
        else fputc(*s, stdout);
    }
}

static void zsh_value(const cli_option *o)
{
    if (o->arg == NULL) return;
    printf(":%s:", o->arg);
    char choices[200];
    cli_choices_text(o, choices, sizeof choices);
    if (choices[0] != '\0') {
        fputc('(', stdout);
        for (const char *c = choices; *c != '\0'; c++) fputc(*c == '|' ? ' ' : *c, stdout);
        fputc(')', stdout);
    } else if (o->flags & CLI_PATH) fputs("_files", stdout);
}

static void zsh_option(const cli_option *o, void *ctx)
{
    (void)ctx;
    if (o->letter) {
        printf("            '-%c[", o->letter);
        zsh_text(o->help);
        fputc(']', stdout);
        zsh_value(o);
        fputs("' \\\n", stdout);
    }
    printf("            '--%s%s[", o->name, o->arg != NULL ? "=" : "");
    zsh_text(o->help);
    fputc(']', stdout);
    zsh_value(o);
    fputs("' \\\n", stdout);
}

static void zsh_members(const cli_verb *v)
{
    printf("    if [[ $verb == %s ]]; then\n        verbs=(", v->name);
    for (int i = 0; v->members[i] != NULL; i++) {
        printf("'%s:", cli_member_name(v->members[i]));
        zsh_text(v->members[i]->summary);
        fputs("' ", stdout);
    }
    fputs(")\n        if (( CURRENT == 2 )); then _describe what verbs; return; fi\n        verb=$verb-$words[2]\n     "
          "   shift words; (( "
          "CURRENT-- ))\n    fi\n",
          stdout);
}

static void zsh(void)
{
    fputs("#compdef ken\n# zsh completion for ken; made from its option tables\n_ken() {\n    local -a verbs\n    "
          "verbs=(\n",
          stdout);
    for (size_t i = 0; i < cli_n_verbs; i++) {
        if (cli_is_member(cli_verbs[i])) continue;
        printf("        '%s:", cli_verbs[i]->name);
        zsh_text(cli_verbs[i]->summary);
        fputs("'\n", stdout);
    }
    fputs("    )\n    if (( CURRENT == 2 )); then _describe verb verbs; return; fi\n    local verb=$words[2]\n"
          "    shift words; (( CURRENT-- ))\n",
          stdout);
    for (size_t i = 0; i < cli_n_verbs; i++)
        if (cli_verbs[i]->members != NULL) zsh_members(cli_verbs[i]);
    fputs("    case $verb in\n", stdout);
    for (size_t i = 0; i < cli_n_verbs; i++) {
        bash_pattern(cli_verbs[i]);
        fputs(") _arguments \\\n", stdout);
        cli_each_option(cli_verbs[i], zsh_option, NULL);
        fputs("            '*:file:_files' ;;\n", stdout);
    }
    fputs("    esac\n}\n_ken \"$@\"\n", stdout);
}

int cli_print_completion(const char *shell, ken_err *err)
{
    for (size_t i = 0; i < cli_n_verbs; i++)
        if (cli_verbs[i]->init != NULL) cli_verbs[i]->init(); /* choices that come from the library */
    if (strcmp(shell, "bash") == 0) bash();
    else if (strcmp(shell, "zsh") == 0) zsh();
    else return cli_fail(err, KEN_EUSAGE, "_completion: bash or zsh");
    return KEN_OK;
}
