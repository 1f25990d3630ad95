using System.Text;

namespace Ginnel.Cli.CommandLine;

/// <summary>Writes completion scripts from the tree. They are complete in themselves: pressing the tab key starts no program of ours.</summary>
internal static class CompletionText
{
    /// <summary>The script for a shell.</summary>
    /// <param name="root">The tree.</param>
    /// <param name="shell"><c>bash</c>, <c>zsh</c> or <c>fish</c>.</param>
    public static string Compose(GinnelCommand root, string shell) => shell switch
    {
        "bash" => Bash(root),
        "zsh" => Zsh(root),
        _ => Fish(root),
    };

    private static IEnumerable<string> Names(Option option) => option.Aliases.Prepend(option.Name);

    private static string Valued(GinnelCommand command, ValueKind? kind = null) =>
        string.Join('|', command.Options.OfType<ValueOption>().Where(o => kind is null || o.Kind == kind).SelectMany(Names));

    private static string Bash(GinnelCommand root)
    {
        StringBuilder text = new();
        text.Append("# bash completion for ginnel\n_ginnel() {\n");
        text.Append("  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} word options= valued= words= i\n  COMPREPLY=()\n");
        text.Append($"  if ((COMP_CWORD == 1)); then\n    COMPREPLY=($(compgen -W '{RootWords(root)}' -- \"$current\"))\n    return\n  fi\n");
        text.Append("  case ${COMP_WORDS[1]} in\n");
        foreach (GinnelCommand command in root.Subcommands)
        {
            string options = string.Join(' ', command.Options.SelectMany(Names));
            text.Append($"    {command.Name}) options='{options}' valued='|{Valued(command)}|' files='|{Valued(command, ValueKind.File)}|'");
            text.Append($" words='{string.Join(' ', command.Details.Words)}' command={(command.Details.TakesCommand ? 1 : 0)} ;;\n");
        }
        text.Append("    *) return ;;\n  esac\n");
        // What belongs to the user's command is completed as if it stood alone.
        text.Append("""
              if ((command)); then
                for ((i = 2; i < COMP_CWORD; i++)); do
                  word=${COMP_WORDS[i]}
                  if [[ $word == -- ]]; then ((i++)); break; fi
                  if [[ $word == -* && $valued == *"|$word|"* ]]; then ((i++)); continue; fi
                  [[ $word == -* || $word == '=' ]] || break
                done
                if ((i < COMP_CWORD)) && declare -F _command_offset >/dev/null; then _command_offset "$i"; return; fi
                if ((i <= COMP_CWORD)) && [[ $current != -* && $valued != *"|$previous|"* ]]; then
                  COMPREPLY=($(compgen -c -- "$current")); return
                fi
              fi
              if [[ $valued == *"|$previous|"* ]]; then
                [[ $files == *"|$previous|"* ]] && COMPREPLY=($(compgen -f -- "$current"))
                return
              fi
              COMPREPLY=($(compgen -W "$options $words" -- "$current"))
            }
            complete -F _ginnel ginnel

            """);
        return text.ToString();
    }

    private static string RootWords(GinnelCommand root) =>
        string.Join(' ', root.Subcommands.Select(c => c.Name).Concat(root.Options.SelectMany(Names)));

    private static string Zsh(GinnelCommand root)
    {
        StringBuilder text = new("#compdef ginnel\n_ginnel() {\n  local -a commands\n  commands=(\n");
        foreach (GinnelCommand command in root.Subcommands) text.Append($"    {Quote(command.Name + ":" + Plain(command.Description))}\n");
        text.Append("  )\n  if ((CURRENT == 2)); then\n    _describe command commands\n    _values option --help --version\n    return\n  fi\n  local verb=$words[2]\n");
        text.Append("  shift words\n  ((CURRENT--))\n  case $verb in\n");
        foreach (GinnelCommand command in root.Subcommands)
        {
            text.Append($"    {command.Name})\n      _arguments -S");
            foreach (Option option in command.Options)
            {
                foreach (string name in Names(option)) text.Append(" \\\n        ").Append(Quote(ZshOption(option, name)));
            }
            if (command.Details.Words.Count > 0) text.Append(" \\\n        ").Append(Quote($"1:shell:({string.Join(' ', command.Details.Words)})"));
            if (command.Details.TakesCommand) text.Append(" \\\n        '(-)1:command:_command_names -e' \\\n        '*::arguments:_normal'");
            text.Append("\n      ;;\n");
        }
        text.Append("  esac\n}\nif [[ $zsh_eval_context[-1] == loadautofunc ]]; then _ginnel \"$@\"; else compdef _ginnel ginnel; fi\n");
        return text.ToString();
    }

    private static string ZshOption(Option option, string name)
    {
        string description = $"{(option is ValueOption { IsList: true } ? "*" : "")}{name}{(option is ValueOption && name.StartsWith("--", StringComparison.Ordinal) ? "=" : "")}[{Plain(option.Description)}]";
        return option is ValueOption valued ? $"{description}:{Plain(valued.ValueName)}:{(valued.Kind == ValueKind.File ? "_files" : " ")}" : description;
    }

    private static string Fish(GinnelCommand root)
    {
        StringBuilder text = new("# fish completion for ginnel\ncomplete -c ginnel -f\n");
        foreach (GinnelCommand command in root.Subcommands)
        {
            text.Append($"complete -c ginnel -n __fish_use_subcommand -a {command.Name} -d {Quote(command.Description)}\n");
        }
        foreach (Option option in root.Options) text.Append($"complete -c ginnel -n __fish_use_subcommand{FishNames(option)} -d {Quote(option.Description)}\n");
        foreach (GinnelCommand command in root.Subcommands)
        {
            string condition = $"'__fish_seen_subcommand_from {command.Name}'";
            foreach (Option option in command.Options)
            {
                string value = option is ValueOption valued ? valued.Kind == ValueKind.File ? " -r -F" : " -x" : "";
                text.Append($"complete -c ginnel -n {condition}{FishNames(option)}{value} -d {Quote(option.Description)}\n");
            }
            if (command.Details.Words.Count > 0) text.Append($"complete -c ginnel -n {condition} -a '{string.Join(' ', command.Details.Words)}'\n");
            if (command.Details.TakesCommand) text.Append($"complete -c ginnel -n {condition} -a '(__fish_complete_subcommand --fcs-skip=2)'\n");
        }
        return text.ToString();
    }

    private static string FishNames(Option option) =>
        string.Concat(Names(option).Select(n => n.StartsWith("--", StringComparison.Ordinal) ? $" -l {n[2..]}" : $" -s {n[1..]}"));

    /// <summary>Without the characters that zsh's descriptions give a meaning to.</summary>
    private static string Plain(string text) => text.Replace("[", "(", StringComparison.Ordinal).Replace("]", ")", StringComparison.Ordinal).Replace(":", " ", StringComparison.Ordinal);

    private static string Quote(string text) => "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
