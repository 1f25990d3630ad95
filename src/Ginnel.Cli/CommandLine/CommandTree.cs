namespace Ginnel.Cli.CommandLine;

/// <summary>All commands and options: what is parsed, what help and completion say, and what docs/cli.md is written from.</summary>
internal static class CommandTree
{
    /// <summary>Builds the tree; a few dozen objects.</summary>
    public static GinnelCommand Create()
    {
        GinnelCommand root = new("ginnel", "Any program on a TCP/IP stack of its own, without privileges.", DescribeRoot);
        root.Subcommands.Add(RunDescription.Create());
        root.Subcommands.Add(ProxyDescription.Create());
        root.Subcommands.Add(CtlDescription.Create());
        root.Subcommands.Add(ExitDescription.Create());
        root.Subcommands.Add(EntranceDescription.Create());
        root.Subcommands.Add(Doctor());
        root.Subcommands.Add(Completion());
        return root;
    }

    private static CommandDetails DescribeRoot(List<Option> options)
    {
        options.Add(HelpSwitch());
        options.Add(new SwitchOption("--version", "Print the version and the commit it was built from."));
        return new CommandDetails
        {
            Usage = "[--help | --version] COMMAND …",
            Text =
            [
                "A ginnel is a narrow passage between houses that anyone may walk through. Ginnel gets a program onto a network that consists of nothing but "
                + "a TCP/IP stack in user space: no root, no setuid program, no daemon, nothing left behind.",
            ],
            Examples =
            [
                ("ginnel run -- curl -s http://ginnel.internal/", "a first try, which works offline: the page that the stack itself serves"),
                ("ginnel run -- bash", "a shell in which every connection goes through Ginnel"),
                ("ginnel doctor", "what this machine allows, and how to mend what it does not"),
            ],
            ExitCodes =
            [
                ("0", "done"),
                ("1", "failed"),
                ("2", "the words are wrong"),
                ("125–127, other", "of ginnel run: see ginnel run --help"),
            ],
        };
    }

    /// <summary>The option that every command has.</summary>
    public static SwitchOption HelpSwitch() => new("--help", "Print this text.", "-h");

    private static GinnelCommand Doctor() => new("doctor", "Say what this machine allows, and how to mend what it does not.", DescribeDoctor);

    private static CommandDetails DescribeDoctor(List<Option> options)
    {
        options.Add(HelpSwitch());
        return new CommandDetails
        {
            Usage = "doctor",
            Text =
            [
                "Checks what ginnel run needs here: namespaces, the device, the tools, the id mapping in force, ping, the resolver. "
                + "Starts a sandbox that does nothing to make sure. Each line that is not in order is followed by its remedy.",
            ],
            Examples = [("ginnel doctor", "everything that ginnel run needs, one line each")],
            ExitCodes = [("0", "ginnel run works here"), ("1", "it does not; the lines say why"), ("2", "the words are wrong")],
        };
    }

    private static GinnelCommand Completion() => new("completion", "Print the completion script of a shell.", DescribeCompletion);

    private static CommandDetails DescribeCompletion(List<Option> options)
    {
        options.Add(HelpSwitch());
        return new CommandDetails
        {
            Usage = "completion bash|zsh|fish",
            Text = ["Prints a script that teaches the shell to complete commands, options and the words of the command that is run."],
            Words = ["bash", "zsh", "fish"],
            Examples =
            [
                ("source <(ginnel completion bash)", "for this shell; put the line into ~/.bashrc to keep it"),
                ("ginnel completion zsh > \"${fpath[1]}/_ginnel\"", "for zsh, from the next start on"),
                ("ginnel completion fish > ~/.config/fish/completions/ginnel.fish", "for fish"),
            ],
            ExitCodes = [("0", "done"), ("2", "the words are wrong")],
        };
    }
}
