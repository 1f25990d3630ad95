using System.Diagnostics;

namespace Ginnel.Interop.House;

/// <summary>
/// A small tree with the project's own scripts, and an SDK that only pretends: what the scripts do is tried in milliseconds, without a
/// compiler. The "program" that it publishes is <c>env</c>, which shows what environment it was given, or runs a further program in it.
/// </summary>
sealed class SourceTree : IDisposable
{
    const string PretendedSdk = """
        #!/bin/bash
        here=$(dirname "$(readlink -f "$0")")
        printf '%s\n' "$*" >>"$here/calls"
        env >"$here/environment"
        pwd >"$here/folder"
        umask >"$here/umask"
        [[ -e $here/slow ]] && for ((i = 0; i < 1000; i++)); do [[ -e $here/go-on ]] && break; sleep 0.05; done
        [[ -e $here/broken ]] && { echo "Program.cs(1,1): error CS1002: ; expected"; exit 1; }
        [[ -e $here/no-crossgen && $* == *ReadyToRun* ]] && { echo "x.csproj : error NU1101: Unable to find package"; exit 1; }
        while (($#)); do
          if [[ $1 == -o ]]; then
            mkdir -p "$2"
            cp "$here/program" "$2/ginnel"
            touch "$2/Ginnel.Cli.dll"
          fi
          shift
        done
        """;

    // The word in which ./ginnel tells what the runtime would change is taken off, as the program does; an installed one gets none.
    const string PretendedProgram = """
        #!/bin/bash -p
        [[ ${1-} == --caller=* ]] && shift
        mapfile -d '' -t environment </proc/self/environ
        exec -c /usr/bin/env -- "${environment[@]}" /usr/bin/env "$@"
        """;

    readonly string _parent = Directory.CreateTempSubdirectory("ginnel-house-").FullName;

    public SourceTree(string name = "tree")
    {
        Root = Path.Combine(_parent, name);
        Tools = Path.Combine(_parent, "tools");
        Directory.CreateDirectory(Tools);
        // Others must be able to look in: some tests drop privileges.
        File.SetUnixFileMode(_parent, Everyone);
        foreach (string script in (string[])["ginnel", "test", "eng/publish", "eng/install"])
        {
            Write(script, File.ReadAllText(Path.Combine(CheckoutRoot(), script)));
            File.SetUnixFileMode(Path.Combine(Root, script), Everyone);
        }

        Write("src/Ginnel.Cli/Program.cs", "// version 1\n");
        Write("Directory.Build.props", "<Project />\n");
        Write("global.json", "{}\n");
        Write(".editorconfig", "root = true\n");
        WriteTool("dotnet", PretendedSdk);
        WriteTool("program", PretendedProgram);
    }

    const UnixFileMode Everyone = (UnixFileMode)0b111_101_101;

    public string Root { get; }

    /// <summary>The folder of the pretended SDK, first in PATH; it notes its calls in <c>calls</c>.</summary>
    public string Tools { get; }

    public string Script => Path.Combine(Root, "ginnel");

    public string PathVariable => $"{Tools}:/usr/bin:/bin";

    public int Builds => File.Exists(Path.Combine(Tools, "calls")) ? File.ReadAllLines(Path.Combine(Tools, "calls")).Length : 0;

    public void Write(string path, string text)
    {
        string full = Path.Combine(Root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }

    public void WriteTool(string name, string text)
    {
        string path = Path.Combine(Tools, name);
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, Everyone);
    }

    /// <summary>Makes the pretended SDK behave otherwise: <c>slow</c>, <c>broken</c> or <c>no-crossgen</c>.</summary>
    public void Set(string behaviour) => File.WriteAllText(Path.Combine(Tools, behaviour), "");

    public string Note(string name) => File.ReadAllText(Path.Combine(Tools, name));

    /// <summary>Every file and folder with its time of change, to see whether anything was touched.</summary>
    public string Snapshot() => Run("find", [Root, "-printf", "%P %T@ %C@ %m\n"]).Succeeded();

    public CommandResult Start(params string[] arguments) => Run(Script, arguments);

    /// <summary>Runs bash with a text; <c>$1</c> is the path of <c>./ginnel</c>.</summary>
    public CommandResult Bash(string text) => Run("bash", ["-c", text, "bash", Script]);

    /// <summary>Runs a program with PATH and HOME only, and ends it if it takes longer than half a minute.</summary>
    public CommandResult Run(string program, IEnumerable<string> arguments, params (string Name, string? Value)[] environment)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Root };
        start.Environment.Clear();
        start.Environment["PATH"] = PathVariable;
        start.Environment["HOME"] = Path.Combine(_parent, "home");
        Directory.CreateDirectory(Path.Combine(_parent, "home"));
        foreach ((string name, string? value) in environment)
        {
            if (value is null) start.Environment.Remove(name);
            else start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromSeconds(120)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} did not end in 120 s");
        }

        return new CommandResult(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    public void Dispose() => Directory.Delete(_parent, recursive: true);

    /// <summary>The folder of the checkout that these tests were built from.</summary>
    public static string CheckoutRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Ginnel.slnx"))) return folder.FullName;
        }

        throw new InvalidOperationException($"No Ginnel.slnx in {AppContext.BaseDirectory} or a folder above it.");
    }
}
