/* SPDX-License-Identifier: ISC */
/*
 * hubctl completion: completes hubctl's command line in a shell, as the table
 * of commands says.
 */
#include "compat.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include "hubctl.h"

static void	print_options(const char *);
static void	print_args(const char *);
static void	print_table(void);

/* What an argument can be, by its name in the usage; for both shells. */
static const char values[] =
"_hubctl_values()\n"
"{\n"
"	case $1 in\n"
"	NAME)\n"
"		hubctl show sessions 2>/dev/null |\n"
"		    awk 'NR > 1 { print $1 }' ;;\n"
"	HUB)\n"
"		hubctl show links 2>/dev/null |\n"
"		    awk 'NR > 1 && $1 != \"-\" { print $1 }' ;;\n"
"	HOST)\n"
"		printf '%s\\n' claude opencode copilot codex gemini cursor ;;\n"
"	LEVEL)\n"
"		printf '%s\\n' warn info debug ;;\n"
"	SHELL)\n"
"		printf '%s\\n' bash zsh ;;\n"
"	esac\n"
"}\n"
"\n";

static const char bash[] =
"_hubctl()\n"
"{\n"
"	local cur=${COMP_WORDS[COMP_CWORD]} words options args i n found=\n"
"	local given=() path=() argv=()\n"
"\n"
"	COMPREPLY=()\n"
"	case ${COMP_WORDS[COMP_CWORD - 1]} in\n"
"	-s|-f|backup)\n"
"		compopt -o default 2>/dev/null\n"
"		return ;;\n"
"	esac\n"
"	for ((i = 1; i < COMP_CWORD; i++)); do\n"
"		case ${COMP_WORDS[i]} in\n"
"		-s|-f|-d) ((i++)) ;;\n"
"		-*) ;;\n"
"		*) given+=(\"${COMP_WORDS[i]}\") ;;\n"
"		esac\n"
"	done\n"
"	n=${#given[@]}\n"
"	while IFS='|' read -r words options args; do\n"
"		read -ra path <<< \"$words\"\n"
"		for ((i = 0; i < n && i < ${#path[@]}; i++)); do\n"
"			[ \"${path[i]}\" = \"${given[i]}\" ] || continue 2\n"
"		done\n"
"		if ((n < ${#path[@]})); then\n"
"			found+=\" ${path[n]}\"\n"
"			continue\n"
"		fi\n"
"		[ \"${cur:0:1}\" != - ] || found+=\" $options\"\n"
"		read -ra argv <<< \"$args\"\n"
"		((i = n - ${#path[@]}))\n"
"		((i < ${#argv[@]})) || ((i = ${#argv[@]} - 1))\n"
"		((i < 0)) || found+=\" $(_hubctl_values \"${argv[i]}\")\"\n"
"	done <<< \"$_hubctl_commands\"\n"
"	mapfile -t COMPREPLY < <(compgen -W \"$found\" -- \"$cur\")\n"
"}\n"
"complete -F _hubctl hubctl\n";

static const char zsh[] =
"_hubctl()\n"
"{\n"
"	local path_words options args i n\n"
"	local -a given path_list arg_list found\n"
"\n"
"	case $words[CURRENT-1] in\n"
"	-s|-f|backup)\n"
"		_files\n"
"		return ;;\n"
"	esac\n"
"	for ((i = 2; i < CURRENT; i++)); do\n"
"		case $words[i] in\n"
"		-s|-f|-d) ((i++)) ;;\n"
"		-*) ;;\n"
"		*) given+=($words[i]) ;;\n"
"		esac\n"
"	done\n"
"	n=$#given\n"
"	while IFS='|' read -r path_words options args; do\n"
"		path_list=(${=path_words})\n"
"		for ((i = 1; i <= n && i <= $#path_list; i++)); do\n"
"			[[ $path_list[i] == $given[i] ]] || continue 2\n"
"		done\n"
"		if ((n < $#path_list)); then\n"
"			found+=($path_list[n+1])\n"
"			continue\n"
"		fi\n"
"		[[ $words[CURRENT] == -* ]] && found+=(${=options})\n"
"		arg_list=(${=args})\n"
"		((i = n - $#path_list + 1))\n"
"		((i <= $#arg_list)) || ((i = $#arg_list))\n"
"		((i > 0)) &&\n"
"		    found+=(${(f)\"$(_hubctl_values $arg_list[i])\"})\n"
"	done <<< $_hubctl_commands\n"
"	compadd -- ${(u)found}\n"
"}\n"
"if [[ $funcstack[1] == _hubctl ]]; then\n"
"	_hubctl \"$@\"\n"
"else\n"
"	compdef _hubctl hubctl\n"
"fi\n";

static const struct {
	const char	*name, *head, *function;
} shells[] = {
	{ "bash", "# hubctl completion bash\n", bash },
	{ "zsh", "#compdef hubctl\n# hubctl completion zsh\n", zsh },
};

/* What getopt(3) takes. */
static void
print_options(const char *opts)
{
	for (; *opts != '\0'; opts++) {
		if (*opts != ':')
			printf(" -%c", *opts);
	}
}

/* The arguments of a usage, without its options and brackets. */
static void
print_args(const char *args)
{
	size_t n;

	while (*args != '\0') {
		if (strncmp(args, "[-", 2) == 0)
			args += strcspn(args, "]");
		args += strspn(args, " []|.");
		n = strcspn(args, " []|.");
		if (n > 0)
			printf("%.*s ", (int)n, args);
		args += n;
	}
}

/* A line for each command: its words | its options | its arguments. */
static void
print_table(void)
{
	const struct command *c;
	size_t i;

	printf("_hubctl_commands='");
	for (i = 0; i < hubctl_ncommands; i++) {
		c = &hubctl_commands[i];
		printf("%s%s%s%s|", i > 0 ? "\n" : "", c->words[0],
		    c->words[1] != NULL ? " " : "",
		    c->words[1] != NULL ? c->words[1] : "");
		print_options(HUBCTL_OPTIONS);
		print_options(c->options);
		printf("|");
		print_args(c->args);
	}
	printf("'\n\n");
}

int
cmd_completion(struct hubctl *ctl, int argc, char **argv)
{
	size_t i;

	(void)ctl;
	(void)argc;
	for (i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (strcmp(shells[i].name, argv[0]) != 0)
			continue;
		printf("%s\n", shells[i].head);
		print_table();
		printf("%s%s", values, shells[i].function);
		return EXIT_SUCCESS;
	}
	warnx("there is completion for bash and zsh, not for %s", argv[0]);
	return EXIT_FAILURE;
}
